// SPDX-License-Identifier: GPL-2.0-or-later
/* Tables of numbers: the hot spots, and the lists of callers and callees. */

const ROWS_SHOWN = 100;	/* at first; a button adds as many */

/* The hot spots: a row for each function that allocates, or calls what does. */
class HotSpots {
	/* on: pick(function) of a row, menu(function, x, y); colour(function) of its chip. */
	constructor(on) {
		this.on = on;
		this.sort = 'own';
		this.descending = true;
		this.limit = ROWS_SHOWN;
		this.rows = this.shown = [];
		this.head = h('tr');
		this.body = h('tbody');
		this.more = h('button', { type: 'button', onclick: () => this.addRows() });
		this.count = h('p', { className: 'quiet' });
		this.element = h('div', {}, h('div', { className: 'scroll', tabIndex: 0, role: 'region',
			'aria-label': 'Hot spots' },
			h('table', { id: 'hotspots' }, h('thead', {}, this.head), this.body)), this.count, this.more);
	}

	/* columns: [key, text], of what is in the rows beside fn; metric: of the numbers. */
	show(rows, metric, columns) {
		this.metric = metric;
		this.rows = rows;
		this.columns = columns.filter(([key]) => !key.endsWith('Error') || rows.some((row) => row[key] > 0));
		this.limit = ROWS_SHOWN;
		this.render();
	}

	sortBy(key) {
		this.descending = this.sort === key ? !this.descending : key !== 'name' && key !== 'module';
		this.sort = key;
		this.render();
		this.on.sorted();
	}

	addRows() {
		this.limit += ROWS_SHOWN;
		this.render();
	}

	ordered() {
		const key = { ownShare: 'own', throughShare: 'through' }[this.sort] || this.sort;
		const sign = this.descending ? -1 : 1;
		const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
		/* What moved most comes first, whichever way. */
		const valueOf = key.endsWith('hange') || key === 'ratio' ? (row) => Math.abs(row[key]) :
			(row) => row[key];

		return this.rows.slice().sort((a, b) => sign * compare(valueOf(a), valueOf(b)) || b.own - a.own ||
			b.through - a.through || compare(a.name, b.name));
	}

	renderHead() {
		this.head.replaceChildren(...this.columns.map(([key, text]) => {
			const number = key !== 'name' && key !== 'module', sorted = key === this.sort;
			const arrow = sorted ? (this.descending ? ' ▾' : ' ▴') : '';

			return h('th', { scope: 'col', className: number ? 'n' : key,
				...(sorted ? { 'aria-sort': this.descending ? 'descending' : 'ascending' } : {}) },
			h('button', { type: 'button', onclick: () => this.sortBy(key) }, text + arrow));
		}));
	}

	cell(row, key) {
		if (key === 'name') {
			const chip = h('span', { className: 'chip' });

			chip.style.background = this.on.colour(row.fn);
			return h('td', { className: 'name' }, h('div', { className: 'named' }, chip, h('button',
				{ type: 'button',
				className: 'link', title: row.name, onclick: () => this.on.pick(row.fn),
				oncontextmenu: (event) => this.menu(event, row.fn) },
					shortName(row.name))));
		}
		if (key === 'module')
			return h('td', { className: 'module', title: row.module }, row.module.replace(/^.*\//, ''));
		const text = key.endsWith('Share') ? formatShare(row[key], 1) :
			key === 'ownError' ? formatError(row[key]) :
			key === 'ratio' ? formatRatio([row.before, row.after]) :
			key === 'changeError' ? (row[key] ? `±${formatMetric(row[key], this.metric)}` : '') :
			(key.endsWith('hange') ? formatChange : formatMetric)(row[key], this.metric);

		return h('td', { className: key.endsWith('hange') && row.uncertain ? 'n quiet' : 'n' }, text);
	}

	menu(event, f) {
		const box = event.currentTarget.getBoundingClientRect();

		event.preventDefault();
		if (event.button === 2)
			this.on.menu(f, event.clientX, event.clientY);
		else
			this.on.menu(f, box.left, box.bottom);
	}

	showPicked() {
		this.shown.forEach(({ fn }, i) => {
			this.body.children[i].classList.toggle('picked', this.on.picked(fn));
		});
	}

	render() {
		const rows = this.ordered();

		this.renderHead();
		this.shown = rows.slice(0, this.limit);
		this.body.replaceChildren(...this.shown.map((row) => h('tr', {},
			...this.columns.map(([key]) => this.cell(row, key)))));
		this.showPicked();
		this.count.textContent = `${Math.min(rows.length, this.limit)} of ${rows.length} functions`;
		this.more.hidden = rows.length <= this.limit;
		this.more.textContent = `Show ${Math.min(ROWS_SHOWN, rows.length - this.limit)} more`;
	}
}

/* Callers or callees, the heaviest first. rows: {fn, name, value, sides}; whole: what shares are of. */
function shareTable(caption, rows, whole, metric, pick) {
	const compared = rows.some(({ sides }) => sides), number = (text) => h('td', { className: 'n' }, text);
	const body = rows.sort((a, b) => b.value - a.value).map((row) => h('tr', {},
		...(compared ? [...row.sides.map((n) => number(formatMetric(n, metric))),
			number(formatChange(row.sides[1] - row.sides[0], metric))] :
			[number(formatMetric(row.value, metric)), number(formatShare(row.value, whole))]),
		h('td', { className: 'name' }, row.fn < 0 ? h('span', {}, row.name) : h('button', { type:
			'button', className: 'link',
			title: row.name, onclick: () => pick(row.fn) }, shortName(row.name)))));

	return h('table', { className: 'shares' }, h('caption', {}, caption),
		h('thead', {}, h('tr', {}, ...(compared ? ['Before', 'After', 'Change'] : [metric ? 'Calls' : 'Bytes',
			'%']).map((text) => h('th', { scope: 'col', className: 'n' }, text)),
		h('th', { scope: 'col', className: 'name' }, 'Function'))),
		h('tbody', {}, ...(body.length ? body : [h('tr', {}, h('td', { colSpan: 4 }, 'none'))])));
}

/* A histogram. buckets: [least value as text, calls, of a comparison: calls before]. */
function histogramTable(caption, head, buckets) {
	const most = Math.max(1, ...buckets.map(([, n]) => n)), all = buckets.reduce((sum, [, n]) => sum + n, 0);
	const compared = buckets[0].length > 2;

	return h('table', { className: 'histogram' }, h('caption', {}, caption),
		h('thead', {}, h('tr', {}, h('th', { scope: 'col', className: 'n' }, head),
			compared ? h('th', { scope: 'col', className: 'n' }, 'Before') : null,
			h('th', { scope: 'col', className: 'n' }, compared ? 'After' : 'Calls'),
			h('th', { scope: 'col', className: 'n' }, '%'),
			h('td'))),
		h('tbody', {}, ...buckets.map(([from, n, before]) => {
			const bar = h('div', { className: 'bar' });

			bar.style.width = `${100 * n / most}%`;
			return h('tr', {}, h('th', { scope: 'row', className: 'n' }, from),
				compared ? h('td', { className: 'n' }, formatCount(before)) : null,
				h('td', { className: 'n' }, formatCount(n)), h('td', { className: 'n' },
					formatShare(n, all)),
				h('td', { className: 'bars' }, bar));
		})));
}
