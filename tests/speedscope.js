// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Opens files in speedscope, without a browser: runs its bundle (the npm package in DIR) up to where it would draw, and
 * calls its import.
 *
 * usage: node speedscope.js DIR FILE...
 * On stdout, for each file: "file NAME profiles N", "total WEIGHT UNIT", and "frame SELF TOTAL NAME" for each.
 */
'use strict';
const fs = require('fs');
const path = require('path');
const vm = require('vm');

const [dir, ...files] = process.argv.slice(2);
const release = path.join(dir, 'dist', 'release');
const bundle = fs.readdirSync(release).find((name) => /^speedscope-.*\.js$/.test(name));
const code = fs.readFileSync(path.join(release, bundle), 'utf8');
const importer = code.match(/\(await (\w+)\)\.importProfileGroupFromBase64/);
const end = code.lastIndexOf('console.log(`speedscope v');

if (!importer || end < 0) {
	console.error(`${bundle}: not a speedscope that is known`);
	process.exit(2);
}

// Stands for all of the browser that is touched while the bundle loads: any property, callable, again that.
const nothing = new Proxy(function () {}, {
	get: (target, key) => (key === Symbol.toPrimitive ? () => '' : nothing),
	set: () => true,
	apply: () => nothing,
	construct: () => nothing,
});
const world = {
	atob, clearTimeout, performance, setTimeout, TextDecoder, TextEncoder, URL, Uint8Array,
	console: { log() {}, warn: console.error, error: console.error },
	alert(text) { throw new Error(text); },
	addEventListener() {}, matchMedia: nothing, requestAnimationFrame() {},
	document: nothing, fetch: nothing, localStorage: nothing, FileReader: nothing, Image: nothing,
	HTMLElement: class {}, location: { protocol: 'file:', hash: '', href: 'file:///' },
	navigator: { platform: '', userAgent: '' },
};
world.window = world.self = world;
vm.runInNewContext(`${code.slice(0, end)} globalThis.importer = ${importer[1]}; })();`, world);

async function show(file) {
	const { importProfileGroupFromBase64 } = await world.importer;
	const group = await importProfileGroupFromBase64(path.basename(file), fs.readFileSync(file).toString('base64'));

	console.log(`file ${path.basename(file)} profiles ${group ? group.profiles.length : 0}`);
	for (const profile of group ? group.profiles : []) {
		console.log(`total ${profile.getTotalNonIdleWeight()} ${profile.getWeightUnit()}`);
		profile.forEachFrame((frame) =>
			console.log(`frame ${frame.getSelfWeight()} ${frame.getTotalWeight()} ${frame.name}`));
	}
}

(async () => {
	for (const file of files)
		await show(file);
})().catch((error) => {
	console.error(error);
	process.exit(1);
});
