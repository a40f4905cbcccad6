// SPDX-License-Identifier: GPL-2.0-or-later
/* What is below the table: histograms, and the facts of the run. */

function factsOf(id, title, facts) {
	return h('section', { id }, h('h2', {}, title),
		h('dl', {}, ...facts.flatMap(([label, text]) => [h('dt', {}, label), h('dd', {}, text)])));
}

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
	out.push(factsOf('facts', d.compared ? 'The run after' : 'The run', d.facts));
	if (d.compared)
		out.push(factsOf('baseFacts', 'The run before', d.baseFacts));
	return out;
}

/* A bar for each reading of what is live; one that is clicked is shown, and what grew from one to another where a
 * pointer is dragged, or Shift is held. */
class TimeLine {
	/* set(range): null for now. */
	constructor(set) {
		this.set = set;
		this.bars = h('div', { className: 'readings', role: 'group', 'aria-label': 'Reports' });
		this.text = h('p', { className: 'quiet' });
		this.element = h('section', { id: 'time', hidden: true }, h('h2', {}, 'Live bytes over time'),
			this.bars, this.text,
			h('button', { type: 'button', onclick: () => set(null) }, 'Show now'));
	}

	choose(from, to) {
		this.set(from <= to ? [from, to] : [to, from]);
	}

	when(view, i) {
		const back = view.past - i;

		return back ? `${back} report${back > 1 ? 's' : ''} before` : 'now';
	}

	bar(total, most, i, view, range) {
		const name = this.when(view, i);
		const shown = range ? i >= range[0] && i <= range[1] : i === view.past;
		const fill = h('div', { className: 'bar' });

		fill.style.height = `${1 + 79 * total / most}px`;
		return h('button', { type: 'button', title: `${name}: ${formatBytes(total)}`,
			'aria-label': `${name}: ${formatBytes(total)}`, 'aria-pressed': String(shown),
			onpointerdown: () => { this.from = i; },
			onclick: (event) => this.choose(event.shiftKey && range ? range[0] : i, i),
			onpointerup: () => {
				if (this.from !== undefined && this.from !== i)
					this.choose(this.from, i);
			} }, fill);
	}

	show(view, range) {
		const most = Math.max(1, ...view.readingTotals), [from, to] = range || [];

		this.element.hidden = !view.past;
		const focused = [...this.bars.children].indexOf(document.activeElement);

		this.bars.replaceChildren(...view.readingTotals.map((total, i) => this.bar(total, most, i, view,
			range)));
		if (focused >= 0)
			this.bars.children[focused].focus();
		if (!range)
			this.text.textContent = 'Shown: what is live now. A click shows an earlier report; ' +
				'dragged, or with Shift, what grew from one to another.';
		else
			this.text.textContent = from === to ? `Shown: what was live, ${this.when(view, to)}.` :
				`Shown: what grew: ${this.when(view, from)} to ${this.when(view, to)}.`;
	}
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
			d.compared ? ' (after)' : '', d.tasks.length > 1 && state.task >= 0 ? ' (all threads)' : ''),
		h('thead', {}, h('tr', {}, ...[state.metric ? 'Calls' : 'Bytes', 'with callees', 'Line'].map((text) =>
			h('th', { scope: 'col', className: 'n' }, text)), h('th', { scope: 'col' }, 'Source'))),
		h('tbody', {}, ...sourceLines(source, state))),
		source.found ? null : h('p', { className: 'quiet' },
			'The source file was not found, or there was no room ' +
			'for more text: lines alone.')].filter(Boolean));
}
