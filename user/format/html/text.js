// SPDX-License-Identifier: GPL-2.0-or-later
'use strict';
/* Texts, numbers with units, and elements. What a recording says gets into the page as text alone, never as markup. */

/* h('td', { className: 'n' }, 'text', element): an element; text and elements are appended, null is left out. */
function h(tag, props, ...children) {
	const el = document.createElement(tag);

	for (const [key, value] of Object.entries(props || {})) {
		if (key.includes('-') || key === 'role' || key === 'for')
			el.setAttribute(key, value);
		else
			el[key] = value;
	}
	el.append(...children.filter((child) => child !== null && child !== undefined));
	return el;
}

/* Three significant digits, as alloctrace's tables print numbers. */
function threeDigits(x) {
	return x >= 99.95 ? x.toFixed(0) : x >= 9.995 ? x.toFixed(1) : x.toFixed(2);
}

function formatScaled(n, base, units) {
	let unit = 0;

	if (n < 0)
		return `-${formatScaled(-n, base, units)}`;
	for (; unit + 1 < units.length && n >= base - 0.5; unit++)
		n /= base;
	return (unit ? threeDigits(n) : Math.round(n)) + units[unit];
}

const formatBytes = (n) => formatScaled(n, 1024, [' B', ' KiB', ' MiB', ' GiB', ' TiB', ' PiB', ' EiB']);
const formatCount = (n) => formatScaled(n, 1000, ['', 'k', 'M', 'G', 'T', 'P', 'E']);
const formatMetric = (n, metric) => (metric ? formatCount(n) : formatBytes(n));

function formatShare(part, whole) {
	const share = whole ? 100 * part / whole : 0;

	if (!part)
		return '0.0 %';
	return Math.abs(share) < 0.05 ? '<0.1 %' : `${share.toFixed(1)} %`;
}

/* A relative standard error in per cent; '' for what is exact. */
function formatError(error) {
	const digits = error < 0.0995 ? 1 : 0;

	return error > 0 ? `±${(100 * Math.min(error, 9.99)).toFixed(digits)} %` : '';
}

/* "+1.20 MiB", and by how much that is more, or less, than before. */
function formatChange(n, metric) {
	return `${n > 0 ? '+' : ''}${formatMetric(n, metric)}`;
}

function formatRatio([before, after]) {
	if (before === after)
		return '0.0 %';
	if (!before || !after)
		return before ? 'gone' : 'new';
	const percent = 100 * (after / before - 1);

	return `${percent > 0 ? '+' : ''}${percent.toFixed(Math.abs(percent) < 100 ? 1 : 0)} %`;
}

/* Cut in the middle of a template or in front of arguments says more than cut at the end. */
function shortName(name) {
	let depth = 0, out = '';

	for (const c of name) {
		if (c === '<' && !out.endsWith('operator'))
			out += depth++ ? '' : '<…';
		if (!depth && c !== '<')
			out += c;
		if (c === '>' && depth && !--depth)
			out += '>';
	}
	return depth ? name : out.replace(/(.)\(.*$/, '$1');
}

/* What a search matches: a regular expression where it is one, else the text itself; null: nothing is searched. */
function searchPattern(text, matchCase) {
	const flags = matchCase ? '' : 'i';

	if (!text)
		return null;
	try {
		return new RegExp(text, flags);
	} catch {
		return new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), flags);
	}
}
