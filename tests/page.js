// SPDX-License-Identifier: GPL-2.0-or-later
/* What the tests of HTML reports share: a page of the directory that the command line names, and what is on it. */
'use strict';
const assert = require('assert');
const fs = require('fs');
const path = require('path');
const { Browser } = require('./browser.js');

const dir = path.resolve(process.argv[2]);
let browser;

async function open(name, hash = '') {
	const page = await browser.open(`file://${dir}/${name}.html${hash}`);

	await page.until('Boolean(window.alloctrace || document.querySelector("[role=alert]"))');
	await page.settle();
	assert.equal(await page.run('document.querySelector("[role=alert]")?.textContent ?? ""'), '', name);
	return page;
}

/* It has loaded nothing but itself, and nothing was logged. */
async function close(page) {
	assert.deepEqual(page.requests.filter((url) => !url.startsWith('file://')), []);
	assert.equal(new Set(page.requests.map((url) => url.replace(/#.*/, ''))).size, 1, String(page.requests));
	/* That canvases are read often is the test's own doing. */
	assert.deepEqual(page.messages.filter((text) => !text.includes('willReadFrequently')), []);
	await browser.close(page);
}

/* By function, without the allocator's: what went through it, and in all. */
function readFolded(name) {
	const through = {};
	let total = 0;

	for (const line of fs.readFileSync(path.join(dir, name), 'utf8').trim().split('\n')) {
		const value = Number(line.replace(/.* /, ''));

		total += value;
		for (const f of new Set(line.replace(/ \d+$/, '').split(';').slice(1, -1)))
			through[f] = (through[f] || 0) + value;
	}
	return { through, total };
}

/* Every rectangle is as wide as its share, those of a row do not overlap, and none leaves its parent. */
const CHECK_WIDTHS = `(() => {
	const { graph, sums } = alloctrace;
	let worst = 0, n = 0;

	for (const row of graph.rows) {
		let end = 0;

		for (const rect of row) {
			worst = Math.max(worst, end - rect.x);
			end = rect.x + rect.width;
			if (!rect.node || rect.outer)
				continue;
			const top = rect.node.tree === graph.zoomed.tree ? graph.zoomed : rect.node.tree.root;

			worst = Math.max(worst, Math.abs(rect.width - graph.width * rect.node.total / top.total));
			n++;
		}
		worst = Math.max(worst, end - graph.width);
	}
	return [worst, n];
})()`;

async function checkWidths(page, least) {
	const [worst, n] = await page.run(CHECK_WIDTHS);

	assert.ok(worst < 1e-6, `a width is wrong by ${worst}`);
	assert.ok(n >= least, `${n} rectangles`);
}

const ROWS = 'Object.fromEntries(alloctrace.table.rows.map((row) => [row.name, row.through]))';
const OWN = 'Object.fromEntries(alloctrace.table.rows.filter((row) => row.own).map((row) => [row.name, row.own]))';
const STATUS = 'document.getElementById("status").textContent';


/* The address's hash, which is written once the page is drawn. */
async function hashOf(page) {
	await page.until('!alloctrace.hashFrame');
	return page.run('location.hash');
}

/* Where to click on a function's first rectangle. */
async function spot(page, name) {
	return page.run(`(() => {
		const { graph, d } = alloctrace, box = graph.element.getBoundingClientRect();
		const name = ${JSON.stringify(name)};
		const rect = graph.rows.flat().find(({ node }) => node && d.functions[node.fn] === name);

		graph.reveal(rect.node);
		return { x: box.left + 1 + rect.x + rect.width / 2,
			y: box.top + 1 + rect.y * 18 + 9 - graph.element.scrollTop };
	})()`);
}

/* Where to click on an element. */
function middle(page, expression) {
	return page.run(`(({ x, y, width, height }) => ({ x: x + width / 2, y: y + height / 2 }))(
		(${expression}).getBoundingClientRect())`);
}

/* The colour in the upper left corner of a function's first rectangle, and what it is to be. */
async function colours(page, name) {
	return page.run(`(() => {
		const { graph, d } = alloctrace;
		const name = ${JSON.stringify(name)};
		const rect = graph.rows.flat().find(({ node }) => node && d.functions[node.fn] === name);

		graph.reveal(rect.node);
		graph.draw();
		const [r, g, b] = graph.canvas.getContext('2d').getImageData((rect.x + 2) * devicePixelRatio,
			(rect.y * 18 + 2 - graph.element.scrollTop) * devicePixelRatio, 1, 1).data;
		const hex = (n) => n.toString(16).padStart(2, '0');

		return ['#' + hex(r) + hex(g) + hex(b), alloctrace.colourOf(rect.node)];
	})()`);
}

/* Permissions that the browser gives to pages; none: as at first. */
function permit(...permissions) {
	return permissions.length ? browser.send('Browser.grantPermissions', { permissions }) :
		browser.send('Browser.resetPermissions');
}

/* One after the other; the first that fails ends it. */
async function inBrowser(tests) {
	browser = await Browser.start();
	try {
		for (const test of tests) {
			await test();
			console.log(`ok ${test.name}`);
		}
	} catch (error) {
		console.error(error);
		process.exitCode = 1;
	} finally {
		await browser.stop();
	}
}

module.exports = { OWN, ROWS, STATUS, checkWidths, close, colours, dir, hashOf, inBrowser, middle, open, permit,
	readFolded, spot };
