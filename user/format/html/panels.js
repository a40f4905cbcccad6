// SPDX-License-Identifier: GPL-2.0-or-later
/* What is below the table: histograms, and the facts of the run. */

function extraSections(d) {
	const out = [], histograms = d.histograms.filter(({ buckets }) => buckets.length);

	if (histograms.length) {
		out.push(h('section', { id: 'histograms' }, h('h2', {}, 'Histograms'),
			h('div', { className: 'columns' }, ...histograms.map(({ name, help, buckets }) =>
				histogramTable(help, name === 'sizes' ? 'From size' : 'From age', buckets)))));
	}
	if (d.sourcesLeft)
		d.facts.push(['source',
			`of the ${d.sources.length} heaviest functions; of ${d.sourcesLeft} others it was left out`]);
	out.push(h('section', { id: 'facts' }, h('h2', {}, 'The run'),
		h('dl', {}, ...d.facts.flatMap(([label, text]) => [h('dt', {}, label), h('dd', {}, text)]))));
	return out;
}

/* Lines with what they allocate, and their neighbours; a gap between the lines is a row of its own. */
function sourceLines(source, state) {
	const column = 2 + 4 * state.view + state.metric, out = [];
	let last = 0;

	for (const line of source.lines) {
		const number = (n) => h('td', { className: 'n' }, n > 0 ? formatMetric(n, state.metric) : '');

		if (last && line[0] > last + 1)
			out.push(h('tr', {}, h('td', { colSpan: 4, className: 'quiet' }, '…')));
		last = line[0];
		out.push(h('tr', { className: line.length > 2 ? 'hot' : '' }, number(line[column]),
			number(line[column + 2]),
			h('th', { scope: 'row', className: 'n' }, String(line[0])),
			h('td', {}, h('code', {}, line[1]))));
	}
	return out;
}

/* The source of a function: a table for each file that it has lines in. */
function sourceOf(d, f, state) {
	return d.sources.filter(({ fn }) => fn === f).flatMap((source) => [
		h('table', { className: 'source' }, h('caption', {}, source.file,
			d.tasks.length > 1 && state.task >= 0 ? ' (all threads)' : ''),
		h('thead', {}, h('tr', {}, ...[state.metric ? 'Calls' : 'Bytes', 'with callees', 'Line'].map((text) =>
			h('th', { scope: 'col', className: 'n' }, text)), h('th', { scope: 'col' }, 'Source'))),
		h('tbody', {}, ...sourceLines(source, state))),
		source.found ? null : h('p', { className: 'quiet' },
			'The source file was not found, or there was no room ' +
			'for more text: lines alone.')].filter(Boolean));
}
