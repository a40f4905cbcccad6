// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is drawn: trees that grow where they are looked at. A node here stands for several nodes of the recording (its
 * members), which share a function and what is between it and the root that is drawn; its children are made when they
 * are asked for, so that a tree from the other end, or around one function, of 100,000 stacks costs what is shown.
 */

/* Numbers of one view, metric and thread, by node: of all stacks through it, and of those whose site it is. */
class Sums {
	/* values, variances: by stack; keep: 1 for the stacks that are summed, null: all. error: relative, of all
	 * sums. */
	constructor(d, keep, values, variances, error) {
		this.d = d;
		this.value = this.only(values, keep);
		this.error = error;
		this.through = this.passing(this.value);
		this.own = this.adding(this.value);
		this.total = this.through[0];
		this.variance = variances && this.only(variances, keep);
		this.ownVariance = this.variance && this.adding(this.variance);
	}

	/* Of a sum of nodes. */
	varianceThrough(nodes) {
		const { d, variance } = this;
		let sum = 0;

		for (const node of variance ? nodes : []) {
			const last = firstStack(d, d.node, null, d.end[node]);

			for (let i = firstStack(d, d.node, null, node); i < last; i++)
				sum += variance[i];
		}
		return sum;
	}

	only(column, keep) {
		return keep ? column.map((x, i) => x * keep[i]) : column;
	}

	adding(column) {
		const out = new Float64Array(this.d.nodes), site = this.d.site;

		for (let i = 0; i < column.length; i++)
			out[site[i]] += column[i];
		return out;
	}

	passing(column) {
		const out = new Float64Array(this.d.nodes), { node, parent } = this.d;

		for (let i = 0; i < column.length; i++)
			out[node[i]] += column[i];
		for (let i = out.length - 1; i > 0; i--)
			out[parent[i]] += out[i];
		return out;
	}

	/* The relative standard error of a sum; 0: it is exact. */
	relative(sum, variance) {
		return sum > 0 ? Math.hypot(Math.sqrt(variance) / sum, this.error) : 0;
	}
}

/* The stacks of a thread, and with a function; null: all. */
function keptStacks(d, task, f) {
	if (task < 0 && f < 0)
		return null;
	const keep = new Uint8Array(d.stacks).fill(f < 0 ? 1 : 0);

	for (const node of f < 0 ? [] : topmost(d, f))
		keep.fill(1, firstStack(d, d.node, null, node), firstStack(d, d.node, null, d.end[node]));
	return task < 0 ? keep : keep.map((kept, i) => (d.task[i] === task ? kept : 0));
}

/*
 * What is drawn in a state. In a comparison that is, of each stack, the larger side, unless one of them is asked for:
 * nothing vanishes, and what is below a node fits into it. `sides` has before and after.
 */
function sumsOf(d, { view, metric, task, only, range, side }) {
	const { values, variances, baseValues, baseVariances } = d.views[view];
	const keep = keptStacks(d, task, only);
	const now = new Sums(d, keep, range ? growth(d.views[view], range) : values[metric],
		range ? null : variances[metric], d.windowError);

	if (!d.compared)
		return now;
	const base = new Sums(d, keep, baseValues[metric], baseVariances[metric], d.baseWindowError);
	const drawn = { before: base.value, after: now.value }[side] ||
		now.value.map((n, i) => Math.max(n, base.value[i]));
	const sums = new Sums(d, null, drawn, null, 0);

	sums.sides = [base, now];
	return sums;
}

/* By function: own and through, the latter once for each stack, however often it is on it. */
function functionSums(d, sums) {
	const n = d.functions.length, until = new Int32Array(n);
	const out = { own: new Float64Array(n), through: new Float64Array(n), ownVariance: new Float64Array(n) };

	for (let i = 1; i < d.nodes; i++) {
		const f = d.fn[i];

		out.own[f] += sums.own[i];
		if (sums.ownVariance)
			out.ownVariance[f] += sums.ownVariance[i];
		if (i < until[f])
			continue;
		until[f] = d.end[i];
		out.through[f] += sums.through[i];
	}
	return out;
}

/* Of all stacks with a function that matches[] it. */
function matchedSum(d, sums, matches) {
	let until = 0, sum = 0;

	for (let i = 1; i < d.nodes; i++) {
		if (i >= until && matches[d.fn[i]]) {
			sum += sums.through[i];
			until = d.end[i];
		}
	}
	return sum;
}

/* The nodes of a function that are below no other of it. */
function topmost(d, f) {
	const out = [];
	let until = 0;

	for (let i = 1; i < d.nodes; i++) {
		if (d.fn[i] === f && i >= until) {
			out.push(i);
			until = d.end[i];
		}
	}
	return out;
}

class TreeNode {
	constructor(tree, parent, f, members = [], total = 0) {
		this.tree = tree;
		this.parent = parent;
		this.fn = f;
		this.depth = parent ? parent.depth + 1 : 0;
		this.total = total;
		this.members = members;
		this.weights = null;	/* of the members, where it is not all that goes through them */
		this.sources = null;	/* the nodes that the weights are of */
		this.made = null;
	}

	get children() {
		this.made = this.made || this.tree.grow(this);
		return this.made;
	}

	/* Of a comparison: before and after. */
	get sides() {
		const { sums, fromSites } = this.tree, nodes = this.sources || this.members;

		this.both = this.both || sums.sides.map(({ own, through }) =>
			nodes.reduce((sum, node) => sum + (fromSites ? own : through)[node], 0));
		return this.both;
	}

	/* What is in no child. */
	get own() {
		return this.total - this.children.reduce((sum, child) => sum + child.total, 0);
	}
}

/* options: hidden (by function), collapse (recursion). */
class Tree {
	constructor(d, sums, options) {
		this.d = d;
		this.sums = sums;
		this.hidden = options.hidden;
		this.collapse = options.collapse;
		this.passesAny = this.collapse || this.hidden.includes(1);
		this.up = false;
		this.fromSites = false;
	}

	passes(f, below) {
		return this.hidden[f] || (this.collapse && f === below);
	}

	grow(node) {
		if (!this.up && !this.passesAny && node.members.length === 1)
			return this.copyDown(node, node.members[0]);

		const children = new Map();

		if (this.up)
			this.growUp(node, children);
		else
			this.growDown(node, children);
		return [...children.values()].filter((child) => child.total > 0).sort((a, b) => a.fn - b.fn);
	}

	child(children, node, f) {
		let child = children.get(f);

		if (!child) {
			child = new TreeNode(this, node, f);
			children.set(f, child);
		}
		return child;
	}

	/* As growDown(), of one node whose children are all there: they differ, and are in order. */
	copyDown(node, member) {
		const { fn, end } = this.d, through = this.sums.through, out = [];

		for (let at = member + 1; at < end[member]; at = end[at]) {
			if (through[at] > 0)
				out.push(new TreeNode(this, node, fn[at], [at], through[at]));
		}
		return out;
	}

	growDown(node, children) {
		const { fn, end } = this.d, through = this.sums.through;

		for (const member of node.members) {
			/* Members follow one another below a node that is passed over as they do below another one. */
			for (let at = member + 1; at < end[member];) {
				if (through[at] > 0 && this.passes(fn[at], node.fn)) {
					at++;
					continue;
				}
				if (through[at] > 0) {
					const child = this.child(children, node, fn[at]);

					child.members.push(at);
					child.total += through[at];
				}
				at = end[at];
			}
		}
	}

	/* Where the members are called from; at the root, they are sites themselves. */
	growUp(node, children) {
		const { fn, parent } = this.d, { members, weights, sources } = node;

		for (let i = 0; i < members.length; i++) {
			let at = node.starts ? members[i] : parent[members[i]];

			while (at && this.passes(fn[at], node.fn))
				at = parent[at];
			if (!at)
				continue;

			const child = this.child(children, node, fn[at]);

			child.weights = child.weights || [];
			child.sources = child.sources || [];
			child.members.push(at);
			child.weights.push(weights[i]);
			child.sources.push(sources[i]);
			child.total += weights[i];
		}
	}

	/* From the outermost function inwards. */
	static down(d, sums, options) {
		const tree = new Tree(d, sums, options);

		tree.root = new TreeNode(tree, null, -1);
		tree.root.members = [0];
		tree.root.total = sums.total;
		return tree;
	}

	/* From each site outwards. */
	static inverted(d, sums, options) {
		const tree = new Tree(d, sums, options), root = new TreeNode(tree, null, -1);

		tree.up = tree.fromSites = true;
		tree.root = root;
		root.starts = true;
		root.weights = [];
		for (let i = 1; i < d.nodes; i++) {
			if (sums.own[i] > 0) {
				root.members.push(i);
				root.weights.push(sums.own[i]);
			}
		}
		root.sources = root.members;
		root.total = sums.total;
		return tree;
	}

	/* Around one function: what it calls, or what calls it. */
	static around(d, sums, options, f, up) {
		const tree = new Tree(d, sums, options), root = new TreeNode(tree, null, f);

		tree.up = up;
		tree.root = root;
		root.members = topmost(d, f).filter((node) => sums.through[node] > 0);
		root.weights = root.members.map((node) => sums.through[node]);
		root.sources = root.members;
		root.total = root.weights.reduce((sum, weight) => sum + weight, 0);
		return tree;
	}
}

/* Which of the categories (by stack) most of a node is of. */
function dominant(node, category, n) {
	const { d, sums, fromSites } = node.tree, sum = new Float64Array(n);
	const nodes = fromSites ? d.site : d.node, order = fromSites ? stacksBySite(d) : null;
	let best = 0;

	for (const source of node.sources || node.members) {
		const last = firstStack(d, nodes, order, fromSites ? source + 1 : d.end[source]);

		for (let i = firstStack(d, nodes, order, source); i < last; i++) {
			const stack = order ? order[i] : i;

			sum[category[stack]] += sums.value[stack];
		}
	}
	for (let i = 1; i < n; i++)
		best = sum[i] > sum[best] ? i : best;
	return best;
}
