// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The recording, as user/format/pagetree.h lays it out: JSON, then columns of varints. Nodes of the tree are numbers in
 * pre-order, 0 the root; what is below node n are the nodes up to, not including, end[n].
 */

class Reader {
	constructor(bytes) {
		this.bytes = bytes;
		this.at = 0;
	}

	/* Numbers up to 2^53 are exact, beyond that they are rounded. */
	varint() {
		const bytes = this.bytes;
		let byte = bytes[this.at++], n = byte & 127, scale = 128;

		while (byte & 128) {
			byte = bytes[this.at++];
			n += (byte & 127) * scale;
			scale *= 128;
		}
		return n;
	}

	column(out) {
		const bytes = this.bytes;

		for (let i = 0; i < out.length; i++)
			out[i] = bytes[this.at] < 128 ? bytes[this.at++] : this.varint();
		return out;
	}

	text(length) {
		this.at += length;
		return new TextDecoder().decode(this.bytes.subarray(this.at - length, this.at));
	}
}

function fromBase64(text) {
	const bytes = atob(text), out = new Uint8Array(bytes.length);

	for (let i = 0; i < out.length; i++)
		out[i] = bytes.charCodeAt(i);
	return out;
}

async function unpack(text) {
	const packed = Uint8Array.fromBase64 ? Uint8Array.fromBase64(text) : fromBase64(text);
	const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));

	return new Uint8Array(await new Response(stream).arrayBuffer());
}

/* parent, end, depth from how many nodes end before each. */
function linkNodes(d, pops) {
	const open = [0];

	d.parent = new Int32Array(d.nodes);
	d.end = new Int32Array(d.nodes).fill(d.nodes);
	for (let i = 1; i < d.nodes; i++) {
		for (let left = pops[i - 1]; left > 0; left--)
			d.end[open.pop()] = i;
		d.parent[i] = open[open.length - 1];
		open.push(i);
	}
}

/* Where what a stack allocates counts as a function's own: functions that only pass requests on are left out. */
function findSites(d) {
	d.site = new Int32Array(d.stacks);
	for (let i = 0; i < d.stacks; i++) {
		let node = d.node[i];

		for (let left = d.skip[i]; left > 0 && d.parent[node]; left--)
			node = d.parent[node];
		d.site[i] = node;
	}
}

/* The stacks by their sites. */
function stacksBySite(d) {
	d.bySite = d.bySite || Uint32Array.from(d.site.keys()).sort((a, b) => d.site[a] - d.site[b]);
	return d.bySite;
}

/* What one of two recordings has, or the only one: by metric. */
function readSide(d, view, reader) {
	const values = [0, 1].map(() => reader.column(new Float64Array(d.stacks)));
	const variances = [0, 1].map(() => (view.errors ? reader.column(new Float64Array(d.stacks)) : null));

	for (const column of variances)
		for (let i = 0; column && i < column.length; i++)
			column[i] = 2 ** (column[i] / 8) - 1;
	return [values, variances];
}

function readView(d, view, reader) {
	[view.values, view.variances] = readSide(d, view, reader);
	if (d.compared)
		[view.baseValues, view.baseVariances] = readSide(d, view, reader);
	/* Of live bytes: readings, the earliest first, what is live now the last one. */
	view.readings = Array.from({ length: view.past }, () => reader.column(new Float64Array(d.stacks)));
	view.readings.push(view.values[0]);
	view.readingTotals = view.readings.map((column) => column.reduce((sum, n) => sum + n, 0));
}

/* What grew from one reading to another; the reading itself where they are one. */
function growth(view, [from, to]) {
	const before = view.readings[from], after = view.readings[to];

	return from === to ? after : after.map((n, i) => Math.max(n - before[i], 0));
}

async function loadData() {
	const element = document.getElementById('data');
	const reader = new Reader(await unpack(element.textContent));
	const d = JSON.parse(reader.text(reader.varint()));

	element.remove();
	d.compared = Boolean(d.baseFacts);
	d.fn = new Int32Array(d.nodes).fill(-1);
	reader.column(d.fn.subarray(1));
	linkNodes(d, reader.column(new Int32Array(d.nodes - 1)));
	d.node = reader.column(new Int32Array(d.stacks));
	for (let i = 1; i < d.stacks; i++)
		d.node[i] += d.node[i - 1];
	for (const key of ['task', 'allocator', 'type', 'skip'])
		d[key] = reader.column(new Int32Array(d.stacks));
	findSites(d);
	for (const view of d.views)
		readView(d, view, reader);
	if (reader.at !== reader.bytes.length)
		throw new Error('the data of this page is damaged');
	return d;
}

/* The first stack whose node, or site, is not below `node`. order: of the stacks by that; null: they are sorted. */
function firstStack(d, nodes, order, node) {
	let low = 0, high = d.stacks;

	while (low < high) {
		const middle = (low + high) >> 1;

		if (nodes[order ? order[middle] : middle] < node)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
