// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Works a flame graph in Chromium by pointer and keys.
 *
 * usage: node svg.js FILE.svg, of tests/recordings/heap.pb.gz
 */
'use strict';
const assert = require('assert');
const path = require('path');
const { Browser } = require('./browser.js');

/* Of the frame of a function: a piece of script. */
const frame = (name) => `[...document.querySelectorAll('.func_g')].find((g) =>
	g.querySelector('title').textContent.startsWith(${JSON.stringify(`${name} (`)}))`;
const textOf = (id) => `document.getElementById('${id}').textContent`;
const widthOf = (name) => `${frame(name)}.querySelector('rect').getAttribute('width')`;

async function spot(page, expression) {
	return page.run(`(({ x, y, width, height }) => ({ x: x + width / 2, y: y + height / 2 }))(
		(${expression}).getBoundingClientRect())`);
}

async function byPointer(page) {
	const { x, y } = await spot(page, frame('big_kept'));

	await page.send('Input.dispatchMouseEvent', { type: 'mouseMoved', x, y });
	assert.match(await page.run(textOf('details')), /^big_kept \([0-9,]+ bytes, [0-9.]+%/);
	await page.click(x, y);
	assert.equal(await page.run(widthOf('big_kept')), '100%');
	assert.equal(await page.run(`${frame('big_grown')}.classList.contains('hide')`), true);
	assert.equal(await page.run(`${frame('main')}.classList.contains('parent')`), true);
	const unzoom = await spot(page, 'document.getElementById("unzoom")');

	await page.click(unzoom.x, unzoom.y);
	assert.notEqual(await page.run(widthOf('big_kept')), '100%');
	assert.equal(await page.run(`${frame('big_grown')}.classList.contains('hide')`), false);
}

async function byKeys(page) {
	const title = await page.run(`${frame('big_kept')}.querySelector('title').textContent`);
	const [, share] = title.match(/, ([0-9.]+%)/);
	const matches = 'document.querySelectorAll(".func_g.match").length';

	for (const [key, modifiers] of [['F3', 0], ['f', 2]]) {
		await page.run('window.prompt = () => "^big_kept$"');
		await page.key(key, modifiers);
		assert.equal(await page.run(textOf('matched')), `Matched: ${share}`, key);
		assert.equal(await page.run(matches), 1);
		await page.key('Escape');
		assert.equal(await page.run(textOf('matched')), '');
	}
	await page.run('window.prompt = () => "^BIG_KEPT$"');
	await page.key('F3');
	assert.equal(await page.run(matches), 0);
	await page.key('i', 2);
	assert.equal(await page.run(matches), 1);
	await page.key('Escape');
	/* Every button is reached by Tab, says what it is, and does it by Enter. */
	const reached = new Set();

	for (let i = 0; i < 12; i++) {
		await page.key('Tab');
		reached.add(await page.run('document.activeElement?.id'));
		if (await page.run('document.activeElement?.id === "flip"')) {
			const top = `${frame('main')}.querySelector('rect').getAttribute('y')`;
			const was = await page.run(top);

			assert.equal(await page.run('document.activeElement.getAttribute("role")'), 'button');
			await page.key('Enter');
			assert.ok(Number(await page.run(top)) > Number(was));
			assert.equal(await page.run(textOf('flip')), 'Icicle');
			await page.key('Enter');
		}
	}
	assert.ok(['search', 'ignorecase', 'flip'].every((id) => reached.has(id)), [...reached].join());
}

(async () => {
	const browser = await Browser.start();

	try {
		const page = await browser.open(`file://${path.resolve(process.argv[2])}`);

		await page.until('Boolean(document.querySelector(".func_g"))');
		await page.settle();
		await byPointer(page);
		await byKeys(page);
		assert.deepEqual(page.messages, []);
	} finally {
		await browser.stop();
	}
})().catch((error) => {
	console.error(error);
	process.exit(1);
});
