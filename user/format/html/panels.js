// SPDX-License-Identifier: GPL-2.0-or-later
/* What is below the table: histograms, and the facts of the run. */

function extraSections(d) {
	const out = [], histograms = d.histograms.filter(({ buckets }) => buckets.length);

	if (histograms.length) {
		out.push(h('section', { id: 'histograms' }, h('h2', {}, 'Histograms'),
			h('div', { className: 'columns' }, ...histograms.map(({ name, help, buckets }) =>
				histogramTable(help, name === 'sizes' ? 'From size' : 'From age', buckets)))));
	}
	out.push(h('section', { id: 'facts' }, h('h2', {}, 'The run'),
		h('dl', {}, ...d.facts.flatMap(([label, text]) => [h('dt', {}, label), h('dd', {}, text)]))));
	return out;
}

function sourceOf() {
	return [];
}
