// SPDX-License-Identifier: GPL-2.0-or-later
/* HTML reports: what one does with their graph, table, controls and histograms by pointer and keys. */
'use strict';
const assert = require('assert');
const { OWN, STATUS, checkWidths, close, colours, open, permit, spot } = require('./page.js');

/* Either way up, and from either end. */
async function directions() {
	const page = await open('heap'), edge = `(({ graph }) => [graph.rectOf(alloctrace.trees[0].root).y,
		graph.rows.length - 1])(alloctrace)`;
	const [icicle] = await page.run(edge), children = `alloctrace.trees[0].root.children.map((node) =>
		alloctrace.nameOf(node))`;
	const callers = await page.run(children);

	assert.equal(icicle, 0);
	await page.key('f');
	const [flame, last] = await page.run(edge);

	assert.ok(last > 3 && flame === last);
	for (const name of ['big_kept', 'big_grown']) {
		const [drawn, wanted] = await colours(page, name);

		assert.equal(drawn, wanted);
	}
	await checkWidths(page, 30);
	await page.run('alloctrace.graph.element.focus()');
	await page.key('ArrowUp');
	assert.equal(await page.run('alloctrace.graph.focused.depth'), 1);
	await page.key('f');
	assert.deepEqual(await page.run(edge), [0, last]);
	await page.key('i');
	assert.deepEqual((await page.run(children)).sort(), Object.keys(await page.run(OWN)).sort());
	await page.key('i');
	assert.deepEqual(await page.run(children), callers);
	await close(page);
}

/* The table sorts by what is clicked, and selects in the graph what is clicked, and the other way round. */
async function tableAndGraph() {
	const page = await open('heap'), names = `[...document.querySelectorAll('#hotspots tbody button.link')].map(
		({ textContent }) => textContent)`;
	const head = (text) => page.run(`[...document.querySelectorAll('#hotspots th button')].find(({ textContent }) =>
		textContent.startsWith(${JSON.stringify(text)})).click()`);
	const rows = await page.run('alloctrace.table.rows'), by = (key) => (a, b) => b[key] - a[key] ||
		b.own - a.own || b.through - a.through || (a.name < b.name ? -1 : 1);
	const sorted = (compare) => rows.slice().sort(compare).map(({ name }) => name);
	const picked = 'document.querySelector("#hotspots tr.picked button.link")?.textContent';

	assert.ok(rows.length > 8 && rows.length <= 100);
	assert.deepEqual(await page.run(names), sorted(by('own')));
	await head('Bytes with callees');
	assert.deepEqual(await page.run(names), sorted(by('through')));
	await head('Function');
	assert.deepEqual(await page.run(names), sorted((a, b) => (a.name < b.name ? -1 : 1)));
	await head('Function');
	assert.deepEqual(await page.run(names), sorted((a, b) => (a.name < b.name ? 1 : -1)));
	assert.equal(await page.run('document.querySelector("th[aria-sort=descending]").textContent'), 'Function ▾');
	/* In ink around the frame of what is selected. */
	const outlined = (name) => page.run(`(({ graph, d }) => {
		const rect = graph.rows.flat().find(({ node }) => node && d.functions[node.fn] === '${name}');

		graph.reveal(rect.node);
		graph.draw();
		const { data } = graph.canvas.getContext('2d').getImageData((rect.x + rect.width / 2) *
			devicePixelRatio, (rect.y * 18 - graph.element.scrollTop + 1) * devicePixelRatio, 1, 1);

		return Math.max(...data.slice(0, 3)) < 120;
	})(alloctrace)`);

	assert.deepEqual([await outlined('big_kept'), await page.run(picked)], [false, undefined]);
	await page.run(`[...document.querySelectorAll('#hotspots button.link')].find(({ textContent }) =>
		textContent === 'big_kept').click()`);
	assert.deepEqual([await outlined('big_kept'), await page.run(picked)], [true, 'big_kept']);
	const { x, y } = await spot(page, 'big_grown');

	await page.click(x, y);
	assert.deepEqual([await outlined('big_grown'), await page.run(picked)], [true, 'big_grown']);
	await close(page);
}

/* The name of a function, by key, menu and button; and where the browser refuses that, it is shown. */
async function copying() {
	await permit('clipboardReadWrite', 'clipboardSanitizedWrite');
	const page = await open('heap'), clipboard = 'navigator.clipboard.readText()';
	const { x, y } = await spot(page, 'big_kept');

	await page.click(x, y);
	await page.key('c');
	await page.until(`${STATUS} === 'copied: big_kept'`);
	assert.equal(await page.run(clipboard), 'big_kept');
	const button = (text) => `[...document.querySelectorAll('#function button')].find(({ textContent }) =>
		textContent === '${text}').click()`;

	await page.run(`alloctrace.pick(alloctrace.d.functions.indexOf('big_grown')) || ${button('Copy name')}`);
	await page.until(`${STATUS} === 'copied: big_grown'`);
	assert.equal(await page.run(clipboard), 'big_grown');
	await page.run(`document.querySelector('#hotspots button.link').dispatchEvent(new MouseEvent('contextmenu',
		{ bubbles: true, cancelable: true, button: 0 }))`);
	await page.key('End');
	assert.equal(await page.run('document.activeElement.textContent'), 'Copy name');
	await page.key('Enter');
	const first = await page.run('alloctrace.table.ordered()[0].name');

	await page.until(`${STATUS} === ${JSON.stringify(`copied: ${first}`)}`);
	assert.equal(await page.run(clipboard), first);
	await page.run('Object.defineProperty(navigator, "clipboard", { value: undefined })');
	await page.run(button('Copy name'));
	await page.until(`${STATUS} === 'the browser does not let this page copy: big_grown'`);
	await permit();
	await close(page);
}

/* What one sets by the controls themselves. */
async function controls() {
	const page = await open('server');
	const set = (label, change) => page.run(`(() => {
		const input = [...document.querySelectorAll('.controls label')].find(({ textContent }) =>
			textContent.trim().startsWith(${JSON.stringify(label)})).querySelector('input, select');

		${change};
		input.dispatchEvent(new Event('change'));
	})()`);
	const total = await page.run('alloctrace.sums.total'), tasks = await page.run('alloctrace.d.tasks');

	await set('Thread', `input.value = ${JSON.stringify(tasks[0])}`);
	const part = await page.run('alloctrace.sums.total');

	assert.ok(part > 0 && part < total);
	assert.equal(await page.run(`alloctrace.d.task.reduce((sum, task, i) => sum + (task ? 0 :
		alloctrace.d.views[0].values[alloctrace.state.metric][i]), 0)`), part);
	await set('Thread', 'input.value = "all"');
	await set('Graph', 'input.value = "Bottom-up"');
	assert.equal(await page.run('alloctrace.trees[0].up'), true);
	await set('Graph', 'input.value = "Top-down"');
	const module = await page.run('alloctrace.d.modules[alloctrace.order.module[0]]');
	const drawn = `alloctrace.graph.rows.flat().filter(({ node }) => node && node.fn >= 0).map(({ node }) =>
		alloctrace.d.modules[alloctrace.d.moduleOf[node.fn]])`;

	assert.ok((await page.run(drawn)).includes(module));
	await set(module, 'input.checked = false');
	const left = await page.run(drawn);

	assert.ok(left.length && !left.includes(module), String(left));
	assert.equal(await page.run('document.querySelector(".modules summary").textContent'), 'Modules (1 hidden)');
	await set(module, 'input.checked = true');
	await close(page);
}

/* Of sizes and lifetimes: each call, and each block that was freed, in one bucket; the longest bar is the largest. */
async function histograms() {
	const page = await open('heap'), table = (i) => `document.querySelectorAll('#histograms table')[${i}]`;
	const texts = await page.run(`[...document.querySelectorAll("#histograms caption")].map((el) =>
		el.textContent)`);
	const sum = (i) => page.run(`[...${table(i)}.rows].slice(1).reduce((sum, row, k) =>
		sum + alloctrace.d.histograms[${i}].buckets[k][1], 0)`);
	const bars = (i) => page.run(`[...${table(i)}.rows].slice(1).map((row) => [row.cells[1].textContent,
		parseFloat(row.querySelector('.bar').style.width)])`);

	assert.equal(texts.length, 2);
	assert.match(texts[0], /lived/);
	assert.match(texts[1], /sizes/);
	assert.deepEqual([await sum(0), await sum(1)], [1886, 3488]);
	for (const i of [0, 1])
		for (const [text, width] of await bars(i))
			assert.equal(width === 100, text === ['1.08k', '1.50k'][i], text);
	await close(page);
}

module.exports = { WORK: [directions, tableAndGraph, copying, controls, histograms] };
