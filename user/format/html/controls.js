// SPDX-License-Identifier: GPL-2.0-or-later
/* What one sets: view, metric, direction, colours, threads, modules, search. */

class Controls {
	constructor(page) {
		const { d } = page, change = (changes, back) => page.change(changes, back);

		this.page = page;
		this.view = this.select('View', d.views.map(({ name }) => name), (i) => change({ view: i }));
		this.metric = this.select('Metric', ['bytes', 'calls'], (i) => change({ metric: i }));
		this.mode = this.select('Graph', Object.values(MODE_NAMES), (i) => this.setMode(MODES[i]));
		this.colours = coloursOf(d);
		this.colour = this.select('Colours', this.colours, (i) => change({ colour: this.colours[i] }));
		this.side = this.select('Widths', ['larger side', 'before', 'after'],
			(i) => change({ side: SIDES[i] }));
		this.task = this.select('Thread', ['all', ...d.tasks], (i) => change({ task: i - 1 }));
		this.flame = this.box('Flames upwards', (on) => change({ flame: on }));
		this.collapse = this.box('Collapse recursion', (on) => change({ collapse: on }));
		this.matchCase = this.box('Match case', (on) => change({ matchCase: on }));
		this.least = h('input', { type: 'number', min: 0, max: 100, step: 'any',
			onchange: () => change({ least: Math.min(Math.max(Number(this.least.value) || 0, 0), 100) }) });
		this.all = this.button('', () => change({ only: -1, without: [] }, true));
		this.search = h('input', { type: 'search', id: 'search', placeholder: 'Search functions (regexp)',
			'aria-label': 'Search functions', spellcheck: false,
			oninput: () => change({ query: this.search.value }, false),
			onkeydown: (event) => this.searchKey(event) });
		this.help = this.makeHelp();
		this.element = h('div', { className: 'controls', role: 'toolbar', 'aria-label': 'What is shown' },
			this.view.label, this.metric.label, this.mode.label, d.tasks.length > 1 ?
				this.task.label : null,
			d.compared ? this.side.label : null, this.colour.label, this.flame.label,
			this.collapse.label, this.makeModules(), this.search,
			this.matchCase.label, h('label', {}, 'Hide below ', this.least, ' %'), this.all,
			this.button('Reset zoom', () => page.zoom(page.trees[0].root)),
			this.button('Keys', () => this.help.showModal()));
	}

	button(text, onclick) {
		return h('button', { type: 'button', onclick }, text);
	}

	select(text, names, set) {
		const input = h('select', { onchange: () => set(input.selectedIndex) },
			...names.map((name) => h('option', {}, name || '(none)')));

		return { input, label: h('label', {}, `${text} `, input) };
	}

	box(text, set) {
		const input = h('input', { type: 'checkbox', onchange: () => set(input.checked) });

		return { input, label: h('label', {}, input, ` ${text}`) };
	}

	/* Frames of modules that are not ticked are passed over: what they call is drawn below their callers. */
	makeModules() {
		const { page } = this, { d } = page;

		this.modules = d.modules.map((name, m) => this.box(name, (on) => page.change({
			hidden: on ? page.state.hidden.filter((other) => other !== m) : [...page.state.hidden, m],
		})));
		this.modulesHead = h('summary', {}, 'Modules');
		return h('details', { className: 'modules' }, this.modulesHead,
			h('div', { className: 'menu' }, ...page.order.module.map((m) => this.modules[m].label)));
	}

	makeHelp() {
		const close = h('button', { type: 'button', onclick: () => this.help.close() }, 'Close');

		return h('dialog', { id: 'help', 'aria-label': 'Keys' }, h('h2', {}, 'Keys'),
			h('dl', {}, ...KEYS.flatMap(([key, text]) => [h('dt', {}, key), h('dd', {}, text)])),
			h('p', {},
				'A click on a frame zooms to it and selects its function; on one above, out. ' +
				'The browser\'s Back takes a step back.'), close);
	}

	setMode(mode) {
		const { page } = this;

		if (mode === 'around' && page.state.fn < 0) {
			page.controls.show();
			page.showStatus('Select a function in the graph or the table first.');
			return;
		}
		page.change({ mode });
	}

	searchKey(event) {
		if (event.key === 'Enter')
			this.page.nextMatch(event.shiftKey ? -1 : 1);
		else if (event.key === 'Escape')
			this.page.change({ query: '' }, false);
		else
			return;
		event.preventDefault();
	}

	/* Shows the state that holds. */
	show() {
		const { state, d } = this.page;

		this.view.input.selectedIndex = state.view;
		this.metric.input.selectedIndex = state.metric;
		this.metric.input.options[1].textContent = d.views[state.view].blocks ? 'blocks' : 'calls';
		this.mode.input.selectedIndex = MODES.indexOf(state.mode);
		this.colour.input.selectedIndex = this.colours.indexOf(state.colour);
		this.side.input.selectedIndex = SIDES.indexOf(state.side);
		this.task.input.selectedIndex = state.task + 1;
		this.flame.input.checked = state.flame;
		this.collapse.input.checked = state.collapse;
		this.matchCase.input.checked = state.matchCase;
		this.modules.forEach((box, m) => { box.input.checked = !state.hidden.includes(m); });
		this.modulesHead.textContent = state.hidden.length ? `Modules (${state.hidden.length} hidden)` :
			'Modules';
		this.least.value = state.least;
		this.all.hidden = state.only < 0 && !state.without.length;
		this.all.textContent = [state.only < 0 ? '' : `Only ${shortName(this.page.d.functions[state.only])}`,
			state.without.length ? `${state.without.length} hidden` : ''].filter(Boolean).join(', ') +
			': show all';
		if (this.search.value !== state.query)
			this.search.value = state.query;
	}
}
