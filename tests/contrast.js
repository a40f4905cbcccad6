// SPDX-License-Identifier: GPL-2.0-or-later
'use strict';

/* The worst contrast of text, as WCAG computes it: of elements that are shown, and of frames under their ink. */
const CONTRAST = `(() => {
	const context = document.createElement('canvas').getContext('2d');
	const light = (colour) => {
		context.fillStyle = colour;
		context.fillRect(0, 0, 1, 1);
		const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map((n) =>
			(n <= 10 ? n / 255 / 12.92 : ((n / 255 + 0.055) / 1.055) ** 2.4));

		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
	const backOf = (el) => {
		const colour = el ? getComputedStyle(el).backgroundColor : 'rgb(255, 255, 255)';

		return colour === 'rgba(0, 0, 0, 0)' ? backOf(el.parentElement) : colour;
	};
	const texts = [...document.querySelectorAll('body *')].filter((el) => el.getClientRects().length &&
		[...el.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
	const worst = texts.map((el) => [ratio(getComputedStyle(el).color, backOf(el)), el.outerHTML.slice(0, 80)])
		.sort(([a], [b]) => a - b)[0];
	const frames = [...PALETTE, OTHERS, ROOT, ...CHANGES.map(([, colour]) => colour), '#ff7bff'];

	return [worst, Math.min(...frames.map((colour) => ratio(colour, '#111'))), texts.length];
})()`;

module.exports = { CONTRAST };
