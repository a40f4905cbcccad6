// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Opens HTML reports in Chromium, and does with them what people do.
 *
 * usage: node html.js DIR: evil.html, nothing.html, server.html, compared.html of unit/test_html; heap.html with the
 * folded stacks of the same recording, heap.folded (of allocations) and heap.live; inlined.html with its source
 */
'use strict';
const assert = require('assert');
const fs = require('fs');
const path = require('path');
const { CONTRAST } = require('./contrast.js');
const { WORK } = require('./htmlwork.js');
const { OWN, ROWS, STATUS, checkWidths, close, colours, dir, hashOf, inBrowser, middle, open, readFolded, spot } =
	require('./page.js');

/* By function: the sum of the topmost nodes of a tree that is walked whole. */
const TREE_SUMS = `(() => {
	const d = alloctrace.d, sums = {}, open = [[alloctrace.trees[0].root, []]];

	while (open.length) {
		const [node, above] = open.pop(), name = d.functions[node.fn];

		if (node.fn >= 0 && d.kindOf[node.fn] !== 1 && !above.includes(node.fn))
			sums[name] = (sums[name] || 0) + node.total;
		for (const child of node.children)
			open.push([child, [...above, node.fn]]);
	}
	return sums;
})()`;
async function tableAndWidths() {
	const page = await open('heap'), folded = readFolded('heap.folded'), live = readFolded('heap.live');

	assert.equal(await page.run('alloctrace.sums.total'), folded.total);
	const rows = await page.run(ROWS);

	assert.deepEqual(rows, folded.through);
	assert.deepEqual(await page.run(TREE_SUMS), rows);
	await checkWidths(page, 30);
	const [drawn, wanted] = await colours(page, 'big_grown');

	assert.equal(drawn, wanted);
	/* From the sites outwards, the roots are what each allocates itself. */
	await page.key('2');
	assert.deepEqual(await page.run(`Object.fromEntries(alloctrace.trees[0].root.children.map((node) =>
		[alloctrace.nameOf(node), node.total]))`), await page.run(OWN));
	await checkWidths(page, 10);
	await page.key('1');
	await page.key('v');
	assert.equal(await page.run('alloctrace.d.views[alloctrace.state.view].name'), 'live');
	assert.deepEqual(await page.run(ROWS), live.through);
	await page.key('m');
	assert.match(await page.run(STATUS), /^live: .* blocks$/);
	await close(page);
}

async function searching() {
	const page = await open('heap'), { through, total } = readFolded('heap.folded');

	await page.key('/');
	await page.type('big_kept');
	const share = 100 * through.big_kept / total;

	assert.match(await page.run(STATUS), new RegExp(`matched .*, ${share.toFixed(1)} %`));
	assert.deepEqual(Object.keys(await page.run(ROWS)), ['big_kept']);
	const [drawn] = await colours(page, 'big_kept');

	assert.equal(drawn, '#ff7bff');
	await page.key('Enter');
	assert.equal(await page.run('alloctrace.nameOf(alloctrace.graph.focused)'), 'big_kept');
	await page.key('Escape');
	assert.equal(await page.run('alloctrace.state.query'), '');
	/* From match to match, round to the first, and back. */
	await page.run('document.activeElement.blur()');
	await page.key('f', 2);
	assert.equal(await page.run('document.activeElement.id'), 'search');
	await page.type('BIG_');
	const matches = await page.run(`alloctrace.graph.rows.flat().filter(({ node }) => node && node.fn >= 0 &&
		alloctrace.nameOf(node).includes('big_')).map(({ node }) => alloctrace.nameOf(node))`);
	const visited = [];

	for (let i = 0; i < matches.length + 2; i++) {
		await page.key('Enter', i === matches.length + 1 ? 8 : 0);
		visited.push(await page.run('alloctrace.nameOf(alloctrace.graph.focused)'));
	}
	assert.ok(matches.length > 2);
	assert.deepEqual(visited, [...matches, matches[0], matches[matches.length - 1]]);
	await page.run('alloctrace.controls.matchCase.input.click()');
	assert.match(await page.run(STATUS), /matched 0 B, 0.0 %/);
	await page.run('alloctrace.controls.matchCase.input.click()');
	await page.run('alloctrace.controls.search.focus()');
	await page.key('Escape');
	/* What is no regular expression is looked for as it is. */
	await page.type('(');
	assert.equal(await page.run('alloctrace.pattern.source'), '\\(');
	await close(page);
}

async function zoomingAndHash() {
	const page = await open('heap'), { x, y } = await spot(page, 'big_kept');

	await page.click(x, y);
	await page.settle();
	const state = `(({ graph, d, state }) => [d.functions[graph.zoomed.fn],
		graph.rectOf(graph.zoomed).width === graph.width, d.functions[state.fn]])(alloctrace)`;

	assert.deepEqual(await page.run(state), ['big_kept', true, 'big_kept']);
	await checkWidths(page, 1);
	const hash = await hashOf(page);
	const again = await open('heap', hash);

	assert.deepEqual(await again.run(state), ['big_kept', true, 'big_kept']);
	assert.equal(await hashOf(again), hash);
	await close(again);
	await page.run('history.back()');
	await page.until('!alloctrace.graph.zoomed.parent');
	await page.run(`alloctrace.change({ view: 1, metric: 1, flame: true, colour: 'type', sort: 'name',
		descending: false, query: 'a', collapse: true, hidden: [0], task: 1 })`);
	const full = [await hashOf(page), await page.run('JSON.stringify(alloctrace.state)')];

	assert.ok(full[0].length > 60);
	const third = await open('heap', full[0]);

	assert.equal(await third.run('JSON.stringify(alloctrace.state)'), full[1]);
	await close(third);
	await close(page);
}

/* Callers and callees of one function, with recursion, threads and modules. */
async function sandwich() {
	const page = await open('server');
	const name = 'parse_value', f = await page.run(`alloctrace.d.functions.indexOf('${name}')`);
	const whole = await page.run(`alloctrace.byFunction.through[${f}]`);

	await page.run(`alloctrace.change({ mode: 'around', fn: ${f} })`);
	assert.deepEqual(await page.run('alloctrace.trees.map((tree) => tree.root.total)'), [whole, whole]);
	await checkWidths(page, 4);
	assert.match(await page.run('document.getElementById("function").textContent'), /Callers.*Callees/);
	await page.run('alloctrace.change({ mode: "down" })');
	const depth = `(() => {
		let n = 0;

		for (let at = [alloctrace.trees[0].root]; at.length; at = at.flatMap(({ children }) => children))
			n += at.filter((node) => node.fn === ${f}).length;
		return n;
	})()`;

	assert.ok(await page.run(depth) > 1);
	await page.key('r');
	assert.equal(await page.run(depth), 1);
	const total = await page.run('alloctrace.sums.total');
	let sum = 0;

	for (let task = 0; task < await page.run('alloctrace.d.tasks.length'); task++) {
		await page.run(`alloctrace.change({ task: ${task} })`);
		sum += await page.run('alloctrace.sums.total');
	}
	assert.equal(sum, total);
	/* Without the program's own frames, others are left. */
	await page.run('alloctrace.change({ task: -1, hidden: [alloctrace.d.modules.indexOf("/usr/bin/server")] })');
	assert.equal(await page.run('alloctrace.sums.total'), total);
	const shown = await page.run('alloctrace.graph.rows.flat().map(({ node }) => node && alloctrace.nameOf(node))');

	assert.ok(!shown.includes('main') && shown.some((text) => text && text.startsWith('libc.so.6+')),
		String(shown));
	await close(page);
}

async function evilNames() {
	const page = await open('evil'), text = await page.run('document.body.textContent');

	assert.equal(await page.run('document.title'), "</script><script>document.title='run'</script> - alloctrace");
	for (const name of ['<!--<script>', '<img src=x', '\\x1b[31m', '__proto__', '&lt;b&gt;&amp;', '\\xff\\x80'])
		assert.ok(text.includes(name), name);
	assert.equal(await page.run('document.querySelectorAll("img, script:not(:last-of-type)").length'), 0);
	for (const key of ['2', 'm', '1', 'i', 'r', 'f'])
		await page.key(key);
	/* The policy lets no other script run. */
	await page.run(`document.body.append(Object.assign(document.createElement('script'),
		{ textContent: 'document.title = "run"' }))`);
	assert.notEqual(await page.run('document.title'), 'run');
	assert.equal(page.messages.length, 1);
	assert.match(page.messages.pop(), /Content Security Policy/);
	await close(page);
	await close(await open('nothing'));
}

async function keyboard() {
	const page = await open('heap'), focused = 'alloctrace.nameOf(alloctrace.graph.focused)';
	const item = `document.getElementById(alloctrace.graph.element.getAttribute('aria-activedescendant'))
		.textContent`;

	for (let i = 0; i < 30 && await page.run('document.activeElement.id') !== 'graph'; i++)
		await page.key('Tab');
	assert.equal(await page.run('document.activeElement.id'), 'graph');
	assert.equal(await page.run(focused), 'all');
	const depth = await page.run('alloctrace.graph.focused.depth');

	await page.key('ArrowDown');
	await page.key('ArrowDown');
	assert.equal(await page.run('alloctrace.graph.focused.depth'), depth + 2);
	assert.ok((await page.run(item)).startsWith(await page.run(focused)));
	await page.key('Enter');
	assert.equal(await page.run('alloctrace.graph.zoomed === alloctrace.graph.focused'), true);
	await page.key('Backspace');
	assert.equal(await page.run('alloctrace.graph.zoomed.depth'), depth + 1);
	await page.key('0');
	assert.equal(await page.run('alloctrace.graph.zoomed.depth'), 0);
	await page.key('?');
	assert.equal(await page.run('document.getElementById("help").open'), true);
	await page.key('Escape');
	await close(page);
}

/* Earlier reports: what was live then, and what grew since. */
async function overTime() {
	const page = await open('server', '#view=live'), total = 'alloctrace.sums.total';
	const bar = (i, shift) => page.run(`document.querySelectorAll('#time .readings button')[${i}].dispatchEvent(
		new MouseEvent('click', { bubbles: true, shiftKey: ${Boolean(shift)} }))`);

	assert.equal(await page.run(total), 4097);
	await bar(0);
	assert.equal(await page.run(total), 1009);
	await bar(1);
	assert.equal(await page.run(total), 127);
	await bar(2, true);
	assert.equal(await page.run(total), 4097 - 127);
	assert.equal(await page.run('Object.values(alloctrace.trees[0].root.children)[0].total'), 4097 - 127);
	/* Dragged, either way, and a click. What shrank counts nothing: the first report's stack has gone since. */
	for (const [from, to, wanted] of [[0, 1, 127], [0, 2, 4097], [2, 1, 4097 - 127], [0, 0, 1009]]) {
		await page.run('alloctrace.time.element.scrollIntoView()');
		for (const [i, type] of [[from, 'mousePressed'], [to, 'mouseMoved'], [to, 'mouseReleased']]) {
			const { x, y } = await middle(page, `document.querySelectorAll('#time button')[${i}]`);

			await page.send('Input.dispatchMouseEvent', { type, x, y, button: 'left', clickCount: 1 });
		}
		assert.equal(await page.run(total), wanted, `${from} to ${to}`);
	}
	await bar(1);
	await bar(2, true);
	const again = await open('server', await hashOf(page));

	assert.equal(await again.run(total), 4097 - 127);
	await close(again);
	await page.key('v');
	assert.equal(await page.run('document.getElementById("time").hidden'), true);
	await close(page);
}

/* What can be done with one function, by pointer and by keys; and what is too small is left out. */
async function menuAndFilters() {
	const page = await open('heap'), { through, total } = readFolded('heap.folded');
	const items = `[...document.querySelectorAll(".context [role=menuitem]")].map((item) =>
		item.textContent)`;
	const hidden = 'document.querySelector(".context").hidden', drawn = `alloctrace.graph.rows.flat().filter(
		({ node }) => node && node.fn >= 0).map(({ node }) => alloctrace.nameOf(node))`;
	const { x, y } = await spot(page, 'big_kept');

	await page.send('Input.dispatchMouseEvent', { type: 'mousePressed', x, y, button: 'right', clickCount: 1 });
	await page.send('Input.dispatchMouseEvent', { type: 'mouseReleased', x, y, button: 'right', clickCount: 1 });
	assert.deepEqual(await page.run(items), ['Zoom to it', 'Callers and callees', 'Only stacks with it', 'Hide it',
		'Copy name']);
	assert.equal(await page.run('document.activeElement.textContent'), 'Zoom to it');
	await page.key('Escape');
	assert.equal(await page.run(hidden), true);
	/* By keys, from the graph and back to it. */
	await page.run(`alloctrace.graph.element.focus() || alloctrace.graph.focus(alloctrace.graph.rows.flat().find(
		({ node }) => node && alloctrace.nameOf(node) === 'big_kept').node)`);
	const openByKey = () => page.run(`document.activeElement.dispatchEvent(new MouseEvent('contextmenu',
		{ bubbles: true, cancelable: true, button: 0 }))`);

	await openByKey();
	await page.key('ArrowDown');
	await page.key('ArrowDown');
	assert.equal(await page.run('document.activeElement.textContent'), 'Only stacks with it');
	await page.key('Enter');
	assert.equal(await page.run('document.activeElement.id'), 'graph');
	assert.equal(await page.run('alloctrace.sums.total'), through.big_kept);
	assert.ok((await page.run(drawn)).includes('big_kept') && !(await page.run(drawn)).includes('big_grown'));
	await checkWidths(page, 3);
	const again = await open('heap', await hashOf(page));

	assert.equal(await again.run('alloctrace.sums.total'), through.big_kept);
	await again.run('alloctrace.controls.all.click()');
	assert.equal(await again.run('alloctrace.sums.total'), total);
	await close(again);
	await page.run('alloctrace.controls.all.click()');
	/* From the table, a function that is passed over. */
	await page.run(`[...document.querySelectorAll('#hotspots button.link')].find(({ textContent }) =>
		textContent === 'mapped').focus()`);
	await openByKey();
	assert.equal((await page.run(items)).length, 4);
	await page.key('End');
	await page.key('ArrowUp');
	await page.key('Enter');
	assert.ok(!(await page.run(drawn)).includes('mapped') && (await page.run(drawn)).includes('big_kept'));
	assert.equal(await page.run('alloctrace.sums.total'), total);
	await checkWidths(page, 10);
	await page.run('alloctrace.controls.all.click()');
	/* Hide below 10 %. */
	await page.run(`Object.assign(alloctrace.controls.least, { value: 10 }).dispatchEvent(new Event('change'))`);
	const large = Object.keys(through).filter((name) => through[name] >= total / 10).sort();

	assert.deepEqual([...new Set(await page.run(drawn))].sort(), large);
	assert.deepEqual(Object.keys(await page.run(ROWS)).sort(), large);
	assert.match(await hashOf(page), /least=10/);
	await close(page);
}

/* Of two recordings: what each had, whichever way it is drawn, and colours that say which way it went. */
async function comparison() {
	const page = await open('compared');
	const now = { parse_value: 3001, set_command: 503, event_loop: 251 };
	const before = { parse_value: 1009, '(anonymous namespace)::Cache::get(int) const': 757, event_loop: 251 };
	const names = [...new Set([...Object.keys(now), ...Object.keys(before)])].sort();
	const sides = Object.fromEntries(names.map((name) => [name, [before[name] || 0, now[name] || 0]]));
	const children = `Object.fromEntries(alloctrace.trees[0].root.children.flatMap(({ children, ...node }) =>
		children.length && alloctrace.state.mode === 'down' ? children : [node]).map((node) =>
		[alloctrace.d.functions[node.fn], node.both || node.sides]))`;

	assert.match(await page.run(STATUS), /^alloc: 1.97 KiB before, 3.67 KiB after, \+1.70 KiB, \+86.2 %/);
	assert.deepEqual(await page.run(`Object.fromEntries(alloctrace.table.rows.filter((row) => row.own).map((row) =>
		[row.name, [row.before, row.after]]))`), sides);
	assert.deepEqual(await page.run(`alloctrace.table.ordered().filter((row) => row.change).map((row) =>
		[row.change, row.throughChange])`), [[1992, 1992], [-757, -757], [503, 503]]);
	/* The larger side is drawn; a stack that has gone is there. */
	assert.equal(await page.run('alloctrace.sums.total'), 3001 + 757 + 503 + 251);
	await checkWidths(page, 6);
	assert.deepEqual(await page.run(children), sides);
	for (const [name, colour] of [['set_command', '#ee8844'], [names[0], '#6699dd'], ['event_loop', '#e6e6e6']])
		assert.deepEqual(await colours(page, name), [colour, colour]);
	await page.run('alloctrace.change({ side: "after" })');
	assert.equal(await page.run('alloctrace.sums.total'), 3001 + 503 + 251);
	const again = await open('compared', await hashOf(page));

	assert.equal(await again.run('alloctrace.sums.total'), 3001 + 503 + 251);
	await close(again);
	await page.run('alloctrace.change({ side: "both", mode: "up" })');
	await page.run('alloctrace.trees[0].root.children.forEach((node) => node.sides)');
	assert.deepEqual(await page.run(children), sides);
	await page.run(`alloctrace.change({ mode: 'around', fn: alloctrace.d.functions.indexOf('set_command') })`);
	assert.deepEqual(await page.run('alloctrace.trees.map((tree) => tree.root.sides)'), [[0, 503], [0, 503]]);
	assert.match(await page.run('document.getElementById("function").textContent'),
		/itself 0 B before, 503 B after/);
	await page.run('alloctrace.change({ query: "get" })');
	assert.match(await page.run(STATUS), /matched 757 B before, 0 B after, -757 B, gone/);
	assert.ok(await page.run('document.getElementById("baseFacts").textContent.includes("</script>")'));
	await close(page);
}

/* Lines of the source with what they allocate, in a page that one has clicked through to them. */
async function source() {
	const page = await open('inlined');
	const click = (text) => page.run(`[...document.querySelectorAll('#hotspots button.link')]
		.find(({ textContent }) => textContent === ${JSON.stringify(text)}).click()`);
	const hot = (column) => page.run(`[...document.querySelectorAll('#function .source tr.hot')].map((row) =>
		row.children[${column}].textContent)`);

	await click('app::two_lines');
	assert.deepEqual(await page.run(`alloctrace.d.sources.find(({ fn }) => fn === alloctrace.state.fn).lines
		.filter((line) => line.length > 2).map((line) => line.slice(2))`),
	[[1009 * 127, 1009, 1009 * 127, 1009], [503 * 251, 503, 503 * 251, 503]]);
	assert.deepEqual(await hot(0), ['125 KiB', '123 KiB']);
	assert.deepEqual((await hot(3)).map((text) => text.replace(/.*\/\/ /, '')), ['LINE first', 'LINE second']);
	/* What others call there is not its own. */
	await click('main');
	assert.deepEqual([...new Set(await hot(0))], ['']);
	assert.ok((await hot(1)).includes('248 KiB'));
	await close(page);
}

/* What screen readers have: everything that can be worked has a role and a name. */
async function accessibility() {
	const page = await open('heap');

	/* A tree has items before it has the focus, and those that are drawn. */
	const items = `[...document.querySelectorAll('#graph [role=treeitem]')].map(({ textContent }) => textContent)`;

	assert.ok((await page.run(items))[0].startsWith('all: 10.1 MiB'));
	await page.run(`alloctrace.change({ mode: 'around', fn: alloctrace.d.functions.indexOf('big_kept') })`);
	assert.ok((await page.run(items))[0].startsWith('big_kept: '));
	await page.run('alloctrace.change({ mode: "down" })');
	/* Headers say of what, and everything that can be worked is in a landmark. */
	assert.equal(await page.run(`[...document.querySelectorAll('th')].filter(({ textContent }) =>
		!textContent).length`), 0);
	assert.equal(await page.run(`[...document.querySelectorAll('button, input, select')].filter((el) =>
		!el.closest('header, main, dialog, [role=menu]')).length`), 0);
	await page.run('alloctrace.graph.element.focus()');
	await page.settle();
	const { nodes } = await page.send('Accessibility.getFullAXTree');
	const shown = nodes.filter(({ ignored }) => !ignored).map((node) => ({ role: node.role.value,
		name: node.name?.value, properties: node.properties }));
	const of = (role) => shown.filter((node) => node.role === role);

	assert.equal(of('tree')[0].name, 'Flame graph');
	assert.ok(of('treeitem').some(({ name }) => name.startsWith('all: ')));
	assert.ok(of('table').length >= 1 && of('columnheader').length >= 5 && of('status').length === 1);
	for (const role of ['button', 'checkbox', 'combobox', 'searchbox', 'treeitem', 'tree', 'region', 'toolbar'])
		for (const node of of(role))
			assert.ok(node.name, `a ${role} without a name`);
	assert.equal(await page.run('document.querySelectorAll("th[aria-sort=descending]").length'), 1);
	await close(page);
}

/* Texts have contrast, in either scheme; Tab goes through what can be worked in the order that it is read. */
async function contrastAndFocus() {
	for (const name of ['heap', 'compared']) {
		const page = await open(name);

		for (const dark of [false, true]) {
			await page.dark(dark);
			await page.run('alloctrace.pick(alloctrace.table.rows[0].fn)');
			const [[worst, text], frames, n] = await page.run(CONTRAST);

			assert.ok(n > 30 && worst >= 4.5, `${n} texts, ${worst}: ${text}`);
			assert.ok(frames >= 4.5, `frames: ${frames}`);
		}
		await page.run('document.activeElement.blur()');
		const inOrder = `(() => {
			const last = window.last, now = document.activeElement;

			window.last = now;
			return [now.tagName, !last || last === document.body ||
				Boolean(last.compareDocumentPosition(now) & Node.DOCUMENT_POSITION_FOLLOWING),
			now.matches(':focus-visible') && getComputedStyle(now).outlineStyle !== 'none'];
		})()`;

		for (let i = 0; i < 15; i++) {
			await page.key('Tab');
			const [tag, follows, outlined] = await page.run(inOrder);

			assert.ok(tag !== 'BODY' && follows && outlined, `${i}: ${tag} ${follows} ${outlined}`);
		}
		await close(page);
	}
}

async function darkAndPaper() {
	const page = await open('heap'), back = 'getComputedStyle(document.body).backgroundColor';
	const corner = `(({ graph: { canvas } }) => {
		alloctrace.graph.draw();
		return [...canvas.getContext('2d').getImageData(canvas.width - 3, canvas.height - 3, 1, 1).data]
			.slice(0, 3).join();
	})(alloctrace)`;

	assert.equal(await page.run(back), 'rgb(255, 255, 255)');
	assert.equal(await page.run(corner), '255,255,255');
	await page.dark(true);
	assert.equal(await page.run(back), 'rgb(22, 24, 28)');
	assert.equal(await page.run(corner), '22,24,28');
	/* On paper it is light again, with all rows, and the frames have their colours. */
	await page.run('addEventListener("afterprint", () => { window.printed = true; })');
	await page.run(`addEventListener("beforeprint", () => {
		const { graph } = alloctrace;
		const row = graph.rows.findIndex((rects) => rects.some(({ node }) => node && node.fn >= 0));
		const at = (x, y) => [...graph.canvas.getContext('2d').getImageData(x * devicePixelRatio,
			y * devicePixelRatio, 1, 1).data].slice(0, 3).join();

		window.paper = [at(3, row * 18 + 2), graph.canvas.height >= graph.rows.length * 18];
	})`);
	await page.pdf(path.join(dir, 'heap.pdf'));
	const pdf = fs.readFileSync(path.join(dir, 'heap.pdf'), 'latin1');

	assert.ok(pdf.startsWith('%PDF') && pdf.includes('/Image') && pdf.includes('/Font'));
	const [colour, whole] = await page.run('window.paper');

	assert.ok(whole && !['0,0,0', '255,255,255', '22,24,28'].includes(colour), `on paper: ${colour}`);
	assert.equal(await page.run('window.printed'), true);
	await close(page);
}

inBrowser([tableAndWidths, searching, zoomingAndHash, ...WORK, sandwich, evilNames, keyboard, source, overTime,
	comparison, menuAndFilters, accessibility, contrastAndFocus, darkAndPaper]);
