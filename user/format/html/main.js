// SPDX-License-Identifier: GPL-2.0-or-later
/* The page: what is shown follows from the state alone; whatever changes the state calls change(). */

/* Paul Tol's light scheme, which people with colour blindness can tell apart, under dark text; and for all others. */
const PALETTE = ['#77aadd', '#ee8866', '#eedd88', '#44bb99', '#99ddff', '#ffaabb', '#bbcc33', '#aaaa00'];
const OTHERS = '#cccccc', ROOT = '#dddddd';
/* Of a comparison, from what is gone to what is new: no more than blue and orange need to be told apart. */
const CHANGES = [['gone', '#6699dd'], ['half as much', '#a9c6ec'], ['the same', '#e6e6e6'],
	['twice as much', '#f5c09a'], ['new', '#ee8844']];
const MODE_NAMES = { down: 'Top-down', up: 'Bottom-up', around: 'Sandwich' };
const KEYS = [['/ or Ctrl+F', 'search'], ['Enter, Shift+Enter', 'in the search: next, previous match'],
	['Esc', 'clear the search'], ['arrows', 'move in the graph'], ['Enter, Backspace', 'zoom in, zoom out'],
	['0', 'reset the zoom'], ['1, 2, 3', 'top-down, bottom-up, sandwich'], ['i', 'bottom-up and back'],
	['f', 'flame or icicle'], ['r', 'collapse recursion'], ['m', 'bytes or calls'], ['v', 'next view'],
	['c', 'copy the name'], ['Shift+F10 or a right click', 'menu of a function'], ['?', 'this help']];

/* By how much of the larger side the two differ. */
function changeColour([before, after]) {
	const share = before === after ? 0 : (after - before) / Math.max(before, after);
	const at = 2 + 2 * share, low = Math.min(Math.floor(at), 3);
	const part = (colour, i) => parseInt(colour.slice(1 + 2 * i, 3 + 2 * i), 16);
	const [from, to] = [CHANGES[low][1], CHANGES[low + 1][1]];

	return `#${[0, 1, 2].map((i) => Math.round(part(from, i) + (at - low) * (part(to, i) - part(from, i)))
		.toString(16).padStart(2, '0')).join('')}`;
}

class Page {
	constructor(d) {
		this.d = d;
		this.state = readHash(d, location.hash);
		this.rankColours();
		this.graph = new Graph({
			name: (node) => this.nameOf(node), describe: (node) => this.describe(node),
			colour: (node) => this.colourOf(node), matches: (node) => this.matchOf(node),
			picked: (node) => this.state.fn >= 0 && node.fn === this.state.fn,
			pick: (node) => node.fn >= 0 && this.pick(node.fn, false), zoom: (node) => this.zoom(node),
			menu: (node, x, y) => this.openMenu(node.fn, node, x, y),
		});
		this.table = new HotSpots({
			pick: (f) => this.pick(f), colour: (f) => this.chipColour(f), picked:
				(f) => f === this.state.fn,
			sorted: () => this.keepSort(), menu: (f, x, y) => this.openMenu(f, null, x, y),
		});
		this.time = new TimeLine((range) => this.change({ range, metric: range ? 0 :
			this.state.metric }, true));
		this.menu = new Menu();
		this.controls = new Controls(this);
		this.build();
		this.refresh(true, false);
		window.addEventListener('hashchange', () => this.adopt());
		window.addEventListener('keydown', (event) => this.key(event));
		window.addEventListener('beforeprint', () => this.graph.beforePrint());
		window.addEventListener('afterprint', () => this.graph.afterPrint());
		matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.graph.requestDraw());
	}

	build() {
		const { d } = this;

		document.title = d.target ? `${d.target} - alloctrace` : 'alloctrace';
		this.status = h('p', { id: 'status', role: 'status', 'aria-live': 'polite' });
		this.legend = h('ul', { id: 'legend', 'aria-label': 'Colours' });
		this.panel = h('section', { id: 'function', 'aria-label': 'Selected function' });
		document.body.append(
			h('header', {}, h('h1', {}, d.target || 'alloctrace'), h('p', { className: 'quiet' }, d.by),
				d.compared ? h('p', { className: 'quiet' }, `compared with ${d.baseTarget}`) : null),
			h('main', {}, this.controls.element, h('section', { 'aria-label': 'Flame graph' }, this.status,
				this.graph.element, this.legend, this.time.element),
			h('div', { className: 'columns' },
				h('section', {}, h('h2', {}, 'Hot spots'), this.table.element), this.panel)),
			this.graph.tip, this.menu.element, this.controls.help);
	}

	/* What can wait until the graph is drawn. */
	complete() {
		this.showTable();
		this.showFunction();
		document.querySelector('main').append(...extraSections(this.d));
	}

	/* --- colours */

	/* Modules, allocators and types by how much they allocate in the first view: colours do not change with it. */
	rankColours() {
		const { d } = this, value = d.views[0].values[0];
		const rank = (n, category) => {
			const sum = new Float64Array(n);

			for (let i = 0; i < value.length; i++)
				if (category[i] >= 0)
					sum[category[i]] += value[i];
			return [...sum.keys()].sort((a, b) => sum[b] - sum[a] || a - b);
		};
		const module = d.site.map((node) => d.moduleOf[d.fn[node]] ?? -1);

		this.order = { module: rank(d.modules.length, module), allocator: rank(d.allocators.length,
			d.allocator),
			type: rank(d.types.length, d.type) };
		this.place = {};
		for (const [key, order] of Object.entries(this.order)) {
			this.place[key] = new Int32Array(order.length);
			order.forEach((id, place) => { this.place[key][id] = place; });
		}
	}

	categoryColour(key, id) {
		return id < 0 ? ROOT : PALETTE[this.place[key][id]] || OTHERS;
	}

	moduleColour(f) {
		return f < 0 ? ROOT : this.categoryColour('module', this.d.moduleOf[f]);
	}

	chipColour(f) {
		return this.state.colour === 'change' ? changeColour(this.bySide.map(({ through }) => through[f])) :
			this.moduleColour(f);
	}

	colourOf(node) {
		const key = this.state.colour;

		if (key === 'change')
			return changeColour(node.sides);
		if (node.fn < 0 || key === 'module')
			return this.moduleColour(node.fn);
		if (node.dominantKey !== key) {
			node.dominantKey = key;
			node.dominant = dominant(node, this.d[key], this.order[key].length);
		}
		return this.categoryColour(key, node.dominant);
	}

	showLegend() {
		const key = this.state.colour, names = this.d[`${key}s`], order = this.order[key] || [];
		const item = (colour, text) => {
			const chip = h('span', { className: 'chip' });

			chip.style.background = colour;
			return h('li', {}, chip, text);
		};
		const items = key === 'change' ? CHANGES.map(([text, colour]) => item(colour, text)) :
			order.slice(0, PALETTE.length).map((id, i) =>
				item(PALETTE[i], (names[id] || '(no type)').replace(/^.*\/(?=.)/, '')));

		if (order.length > PALETTE.length)
			items.push(item(OTHERS, `${order.length - PALETTE.length} others`));
		this.legend.replaceChildren(...items);
	}

	/* --- what nodes are called */

	nameOf(node) {
		return node.fn < 0 ? 'all' : this.d.functions[node.fn];
	}

	/* "1.00 MiB before, 1.50 MiB after, +512 KiB, +50.0 %" */
	changeText([before, after]) {
		const { metric } = this.state, unit = metric ? ` ${this.unit()}` : '';

		return `${formatMetric(before, metric)}${unit} before, ${formatMetric(after, metric)} after, ` +
			`${formatChange(after - before, metric)}, ${formatRatio([before, after])}`;
	}

	describe(node) {
		if (this.d.compared)
			return `${this.nameOf(node)}: ${this.changeText(node.sides)}${this.moduleText(node.fn)}`;
		const { metric } = this.state, { sums } = this, total = node.total, parts = [];
		const unit = this.unit(), amount = metric ? `${formatCount(total)} ${unit}` : formatBytes(total);
		const error = node.tree.up ? sums.error : sums.relative(total, sums.varianceThrough(node.members));

		parts.push(`${this.nameOf(node)}: ${amount}, ${formatShare(total, sums.total)}`);
		if (error)
			parts[0] += ` ${formatError(error)}`;
		if (node.parent && node.parent.total !== sums.total)
			parts.push(`${formatShare(total, node.parent.total)} of its ` +
				(node.tree.up ? 'callee' : 'caller'));
		if (!node.tree.up && node.fn >= 0)
			parts.push(`itself ${formatMetric(node.own, metric)}`);
		return parts.join(', ') + this.moduleText(node.fn);
	}

	moduleText(f) {
		const name = f < 0 ? '' : moduleName(this.d, f);

		return name && `, ${name.replace(/^.*\//, '')}`;
	}

	unit() {
		return this.state.metric ? (this.d.views[this.state.view].blocks ? 'blocks' : 'calls') : 'bytes';
	}

	matchOf(node) {
		return this.pattern ? node.fn >= 0 && this.matching[node.fn] === 1 : null;
	}

	/* --- from state to page */

	/* changes: of the state. back: the way back is a step of the browser's history. */
	change(changes, back) {
		const rebuilt = ['view', 'metric', 'mode', 'task', 'range', 'side', 'hidden',
			'only', 'without', 'collapse'].some((key) => key in changes) ||
			('fn' in changes && this.state.mode === 'around');

		if ('view' in changes || ('metric' in changes && !('range' in changes)))
			changes.range = null;
		if (rebuilt && !('zoom' in changes) && ('mode' in changes || 'fn' in changes))
			changes.zoom = [];
		Object.assign(this.state, changes);
		this.writeHash(back || rebuilt);
		if (rebuilt || Object.keys(changes).some((key) => key !== 'fn'))
			this.refresh(rebuilt);
		else
			this.showPicked();
	}

	writeHash(back) {
		this.stepBack = this.stepBack || back;
		this.hashFrame = this.hashFrame || requestAnimationFrame(() => setTimeout(() => this.putHash()));
	}

	/* Once it is drawn: the browser's other process has to hear of it, which may take as long as a frame. To set
	 * location.hash would lay out the page, too, to scroll to an element of that name. */
	putHash() {
		const hash = `#${writeHash(this.d, this.state)}`, back = this.stepBack;

		this.written = hash;
		this.stepBack = false;
		this.hashFrame = 0;
		if (hash === location.hash || (hash === '#' && !location.hash))
			return;
		if (back)
			history.pushState(null, '', hash);
		else
			history.replaceState(null, '', hash);
	}

	/* The hash has changed by other hands: a link, or a step back. */
	adopt() {
		if (location.hash === this.written)
			return;
		this.written = location.hash;
		this.state = readHash(this.d, location.hash);
		this.refresh();
	}

	refresh(rebuilt = true, whole = true) {
		const { d, state } = this, start = performance.now();

		if (rebuilt || !this.sums) {
			this.sums = sumsOf(d, state);
			this.options = { collapse: state.collapse,
				hidden: d.moduleOf.map((m) => (state.hidden.includes(m) ? 1 : 0)) };
			state.without.forEach((f) => { this.options.hidden[f] = 1; });
			this.trees = this.makeTrees();
		}
		this.search();
		this.graph.flame = state.flame;
		this.graph.least = state.least / 100 * this.sums.total;
		this.graph.show(this.trees, this.findZoom());
		this.showLegend();
		this.controls.show();
		this.time.show(d.views[state.view], state.range);
		this.showStatus();
		if (whole) {
			this.showTable();
			this.showFunction();
		}
		this.refreshMs = performance.now() - start;
	}

	makeTrees() {
		const { d, sums, options, state } = this;

		if (state.mode === 'up')
			return [Tree.inverted(d, sums, options)];
		if (state.mode === 'around')
			return [true, false].map((up) => Tree.around(d, sums, options, state.fn, up));
		return [Tree.down(d, sums, options)];
	}

	/* The zoomed node by its path, as far as there is such a path. */
	findZoom() {
		const { zoom } = this.state;
		let found = this.trees[0].root;

		for (const tree of this.trees) {
			let node = tree.root;

			for (const f of zoom) {
				const child = node.children.find((other) => other.fn === f);

				if (!child)
					break;
				node = child;
			}
			found = node.depth > found.depth ? node : found;
		}
		return found;
	}

	zoom(node) {
		const path = [];

		for (let at = node; at.parent; at = at.parent)
			path.unshift(at.fn);
		this.state.zoom = path;
		this.writeHash(true);
		this.graph.zoom(node);
		this.showStatus();
	}

	search() {
		const { d, state, options } = this;

		this.pattern = searchPattern(state.query, state.matchCase);
		if (!this.pattern)
			return;
		this.matching = Uint8Array.from(d.functions, (name, f) =>
			(!options.hidden[f] && this.pattern.test(name) ? 1 : 0));
		this.matched = (this.sums.sides || [this.sums]).map((sums) => matchedSum(d, sums, this.matching));
	}

	/* Moves to the next match that is drawn. */
	nextMatch(step) {
		const found = this.graph.rows.flat().filter((rect) => rect.node && this.matchOf(rect.node));
		const at = found.findIndex((rect) => rect.node === this.graph.focused);

		if (!found.length)
			return;
		this.graph.focus(found[(at + step + (at < 0 && step < 0 ? 1 : 0) + found.length) % found.length].node);
		this.showStatus(this.describe(this.graph.focused));
	}

	showStatus(text) {
		const { state, sums } = this, view = this.d.views[state.view];
		const total = sums.sides ? this.changeText(sums.sides.map((side) => side.total)) :
			state.metric ? `${formatCount(sums.total)} ${this.unit()}` : formatBytes(sums.total);
		const parts = [`${view.name}${state.range ? ', of earlier reports' : ''}: ${total}`];

		if (this.pattern)
			parts.push(`matched ${sums.sides ? this.changeText(this.matched) :
				`${formatMetric(this.matched[0], state.metric)}, ` +
				formatShare(this.matched[0], sums.total)}`);
		if (this.graph.zoomed && this.graph.zoomed.parent)
			parts.push(`zoomed to ${this.describe(this.graph.zoomed)}`);
		this.status.textContent = text || parts.join('; ');
	}

	sumsByFunction() {
		if (this.summed !== this.sums)
			[this.byFunction, ...this.bySide] = [this.sums, ...(this.sums.sides || [])].map((sums) =>
				functionSums(this.d, sums));
		this.summed = this.sums;
		return this.byFunction;
	}

	showTable() {
		const { d, sums, state } = this, rows = [], by = this.sumsByFunction();

		for (let f = 0; f < d.functions.length; f++) {
			if (d.kindOf[f] === 1 || this.options.hidden[f] || !(by.through[f] > 0) ||
			    by.through[f] < this.graph.least ||
			    (this.pattern && !this.matching[f]))
				continue;
			rows.push({ fn: f, name: d.functions[f], module: moduleName(d, f), own: by.own[f],
				ownShare: by.own[f] / sums.total,
				ownError: by.own[f] ? sums.relative(by.own[f], by.ownVariance[f]) : 0,
				through: by.through[f], throughShare: by.through[f] / sums.total,
				...(d.compared ? this.changeOf(f) : {}) });
		}
		const unit = this.unit().replace(/^./, (c) => c.toUpperCase());

		this.table.sort = state.sort;
		this.table.descending = state.descending;
		this.table.show(rows, state.metric, d.compared ? [['change', 'Change'], ['name', 'Function'],
			['before', 'Before'], ['after', 'After'], ['changeError', '±'], ['ratio', '%'],
			['throughChange', 'Change with callees'], ['module', 'Module']] :
			[['own', unit], ['ownShare', '%'], ['ownError', '±'], ['through', `${unit} with callees`],
				['throughShare', '%'], ['name', 'Function'], ['module', 'Module']]);
	}

	/* What the table says of a function that is compared; a change within what samples vary is uncertain. */
	changeOf(f) {
		const [before, after] = this.bySide.map(({ own }) => own[f]);
		const error = Math.hypot(...this.sums.sides.map((sums, i) => {
			const own = this.bySide[i].own[f];

			return own * sums.relative(own, this.bySide[i].ownVariance[f]);
		}));

		return { before, after, change: after - before, changeError: error,
			ratio: before ? after / before - 1 : after ? Infinity : 0,
			uncertain: Math.abs(after - before) < 1.96 * error,
			throughChange: this.bySide[1].through[f] - this.bySide[0].through[f] };
	}

	/* The selected function is another one, and nothing else has changed. */
	showPicked() {
		this.graph.requestDraw();
		this.table.showPicked();
		this.showFunction();
	}

	keepSort() {
		this.state.sort = this.table.sort;
		this.state.descending = this.table.descending;
		this.writeHash(false);
	}

	/* scroll: to the panel's beginning on a narrow page, where it is below the table. */
	pick(f) {
		this.change({ fn: f }, false);
	}

	showFunction() {
		const { d, sums, state, options } = this, f = state.fn;

		if (f < 0) {
			this.panel.replaceChildren(h('h2', {}, 'Function'),
				h('p', { className: 'quiet' }, 'Select a function in the graph or the table.'));
			return;
		}
		const [callers, callees] = [true, false].map((up) => {
			const { root } = Tree.around(d, sums, options, f, up);
			const rows = root.children.map((node) => ({ fn: node.fn, name: this.nameOf(node), value:
				node.total, sides: d.compared && node.sides }));

			return rows.concat(up || !(root.own > 0) ? [] : [{ fn: -1, name: '(itself)', value:
				root.own, sides: d.compared && root.sides.map((n, i) =>
				root.children.reduce((left, child) => left - child.sides[i], n)) }]);
		});
		const ofSides = (key) => this.changeText(this.bySide.map((by) => by[key][f]));
		const whole = this.byFunction.through[f], pick = (other) => this.pick(other);
		const button = (text, onclick) => h('button', { type: 'button', onclick }, text);

		this.panel.replaceChildren(h('h2', {}, 'Function'), h('p', { className: 'name' }, d.functions[f]),
			h('p', { className: 'quiet' }, moduleName(d, f)),
			h('p', {}, d.compared ? `itself ${ofSides('own')}; with callees ${ofSides('through')}` :
				`${formatMetric(this.byFunction.own[f], state.metric)} itself, ` +
				`${formatMetric(whole, state.metric)} with callees, ` +
				`${formatShare(whole, sums.total)} of all`),
			h('p', { className: 'buttons' },
				button('Sandwich', () => this.change({ mode: 'around', fn: f, zoom: [] }, true)),
				button('Search', () => this.change({ query: `^${d.functions[f].replace(
					/[.*+?^${}()|[\]\\]/g, '\\$&')}$` }, true)),
				button('Copy name', () => this.copy(d.functions[f]))),
			shareTable('Callers', callers, whole, state.metric, pick),
			shareTable('Callees', callees, whole, state.metric, pick), ...sourceOf(d, f, state));
	}

	/* node: in the graph, or null. */
	openMenu(f, node, x, y) {
		const { d, state } = this, change = (changes) => () => this.change(changes, true);

		if (f >= 0)
			this.menu.open(d.functions[f], [...(node ? [['Zoom to it', () => this.zoomFocused(node)]] : []),
				['Callers and callees', change({ mode: 'around', fn: f, zoom: [] })],
				['Only stacks with it', change({ only: f, fn: f, zoom: [] })],
				['Hide it', change({ without: [...new Set([...state.without, f])] })],
				['Copy name', () => this.copy(d.functions[f])]], x, y);
	}

	async copy(text) {
		try {
			await navigator.clipboard.writeText(text);
			this.showStatus(`copied: ${text}`);
		} catch {
			this.showStatus(`the browser does not let this page copy: ${text}`);
		}
	}

	/* --- keyboard */

	key(event) {
		const { target, key } = event, ctrl = event.ctrlKey || event.metaKey;
		const writing = target instanceof HTMLInputElement || target instanceof HTMLSelectElement;

		if (ctrl && key === 'f' && !this.table.element.contains(target)) {
			this.controls.search.focus();
			event.preventDefault();
			return;
		}
		if (ctrl || event.altKey || writing || this.controls.help.open)
			return;
		if (target === this.graph.element && this.graphKey(key)) {
			event.preventDefault();
			return;
		}
		const action = this.actions()[key];

		if (action) {
			action();
			event.preventDefault();
		}
	}

	actions() {
		const { state, d } = this, next = (mode) => (state.mode === mode ? 'down' : mode);
		const focused = this.graph.focused ? this.graph.focused.fn : -1, f = focused >= 0 ? focused : state.fn;

		return {
			'/': () => this.controls.search.focus(), '?': () => this.controls.help.showModal(),
			Escape: () => this.change({ query: '' }, false),
			0: () => this.zoom(this.trees[0].root), 1: () => this.change({ mode: 'down' }),
			2: () => this.change({ mode: 'up' }), 3: () => f >= 0 && this.change({ mode: 'around', fn: f }),
			i: () => this.change({ mode: next('up') }), f: () => this.change({ flame: !state.flame }),
			r: () => this.change({ collapse: !state.collapse }), m: () => this.change({ metric:
				1 - state.metric }),
			v: () => this.change({ view: (state.view + 1) % d.views.length }),
			c: () => f >= 0 && this.copy(d.functions[f]),
		};
	}

	graphKey(key) {
		const { graph } = this;

		if (key.startsWith('Arrow'))
			graph.focus(graph.neighbour(key));
		else if (key === 'Enter' && graph.focused)
			this.zoomFocused(graph.focused);
		else if (key === 'Backspace' && graph.zoomed && graph.zoomed.parent)
			this.zoomFocused(graph.zoomed.parent);
		else
			return key === 'Enter' || key === 'Backspace';
		return true;
	}

	zoomFocused(node) {
		this.zoom(node);
		this.graph.focus(node);
	}
}

(async () => {
	try {
		if (typeof DecompressionStream === 'undefined')
			throw new Error('this browser is too old: it has no DecompressionStream');
		const page = new Page(await loadData());

		page.graph.draw();
		page.openMs = performance.now();
		requestAnimationFrame(() => setTimeout(() => {
			page.complete();
			window.alloctrace = page;
		}));
	} catch (error) {
		document.body.append(h('p', { role: 'alert' }, `This report cannot be shown: ${error.message}`));
	}
})();
