// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How long an HTML report takes in Chromium: until its graph is drawn, and to zoom into the heaviest frame, frame by
 * frame, and out again.
 *
 * usage: node page.js FILE.html RUNS
 * On stdout: medians in ms of opening and zooming, and the longest zoom.
 */
'use strict';
const path = require('path');
const { Browser } = require('../browser.js');

const ZOOMS = `(() => {
	const { graph, trees: [{ root }] } = alloctrace, out = [];
	let node = root;

	while (node.children.length && out.length < 8) {
		node = node.children.reduce((most, child) => (child.total > most.total ? child : most));
		const start = performance.now();

		alloctrace.zoom(node);
		graph.draw();
		out.push(performance.now() - start);
	}
	const start = performance.now();

	alloctrace.zoom(root);
	graph.draw();
	return [...out, performance.now() - start];
})()`;

const median = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];

(async () => {
	const browser = await Browser.start(), opened = [], zooms = [];

	try {
		for (let run = 0; run < Number(process.argv[3]); run++) {
			const page = await browser.open(`file://${path.resolve(process.argv[2])}`);

			await page.until('Boolean(window.alloctrace)');
			opened.push(await page.run('alloctrace.openMs'));
			zooms.push(...await page.run(ZOOMS));
			await browser.close(page);
		}
		console.log(median(opened).toFixed(1), median(zooms).toFixed(1), Math.max(...zooms).toFixed(1));
	} finally {
		await browser.stop();
	}
})().catch((error) => {
	console.error(error);
	process.exit(1);
});
