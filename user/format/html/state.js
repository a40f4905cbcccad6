// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is shown, as the address's hash has it, so that a link or a reload shows the same. Functions, threads and
 * modules go by name; what a hash names that the recording does not have is left out.
 */

const MODES = ['down', 'up', 'around'];
const COLOURS = ['module', 'allocator', 'type'];
const SIDES = ['both', 'before', 'after'];	/* of a comparison: what widths are */
const SORTS = ['own', 'ownShare', 'ownError', 'through', 'throughShare', 'before', 'after', 'change', 'changeError',
	'ratio', 'throughChange', 'name', 'module'];

function coloursOf(d) {
	return d.compared ? ['change', ...COLOURS] : COLOURS;
}

function defaultState(d) {
	return { view: 0, metric: d.metric, mode: 'down', fn: -1, zoom: [], query: '', matchCase: false, flame: false,
		colour: coloursOf(d)[0], side: 'both', task: -1, only: -1, without: [], least: 0,
		range: null, hidden: [], collapse: false, sort: d.compared ? 'change' : 'own', descending: true };
}

function moduleName(d, f) {
	return d.moduleOf[f] >= 0 ? d.modules[d.moduleOf[f]] : '';
}

/* Names have no tabs: what would control a terminal is escaped in them. */
function functionKey(d, f) {
	return f < 0 ? '' : `${d.functions[f]}\t${moduleName(d, f)}`;
}

function functionOf(d, key) {
	const [name, module] = key.split('\t');

	return d.functions.findIndex((text, f) => text === name && moduleName(d, f) === (module || ''));
}

function writeHash(d, state) {
	const out = new URLSearchParams(), plain = defaultState(d);
	const put = (key, value, usual) => {
		if (value !== usual)
			out.set(key, value);
	};

	put('view', d.views[state.view].name, d.views[plain.view].name);
	put('metric', ['bytes', 'calls'][state.metric], ['bytes', 'calls'][plain.metric]);
	put('mode', state.mode, plain.mode);
	put('fn', functionKey(d, state.fn), '');
	put('zoom', state.zoom.map((f) => functionKey(d, f)).join('\n'), '');
	put('q', state.query, '');
	put('case', String(state.matchCase), 'false');
	put('flame', String(state.flame), 'false');
	put('colour', state.colour, plain.colour);
	put('side', state.side, plain.side);
	put('task', state.task < 0 ? '' : d.tasks[state.task], '');
	put('hide', state.hidden.map((m) => d.modules[m]).join('\n'), '');
	put('only', functionKey(d, state.only), '');
	put('without', state.without.map((f) => functionKey(d, f)).join('\n'), '');
	put('least', String(state.least), '0');
	put('collapse', String(state.collapse), 'false');
	put('range', state.range ? state.range.join('-') : '', '');
	put('sort', (state.descending ? '-' : '') + state.sort, `-${plain.sort}`);
	return out.toString();
}

/* Two readings of live bytes, in order; null: as it is now. */
function readRange(view, text) {
	const range = text.split('-').map(Number);

	return /^\d+-\d+$/.test(text) && range[0] <= range[1] && range[1] <= view.past ? range : null;
}

function readHash(d, hash) {
	const given = new URLSearchParams(hash.replace(/^#/, '')), state = defaultState(d);
	const get = (key) => given.get(key) || '';
	const lines = (key) => get(key).split('\n').filter(Boolean);
	const view = d.views.findIndex(({ name }) => name === get('view'));

	state.view = view < 0 ? state.view : view;
	state.metric = { bytes: 0, calls: 1 }[get('metric')] ?? state.metric;
	state.fn = functionOf(d, get('fn'));
	state.mode = MODES.includes(get('mode')) ? get('mode') : state.mode;
	state.mode = state.mode === 'around' && state.fn < 0 ? 'down' : state.mode;
	state.zoom = lines('zoom').map((key) => functionOf(d, key));
	state.query = get('q');
	state.matchCase = get('case') === 'true';
	state.flame = get('flame') === 'true';
	state.colour = coloursOf(d).includes(get('colour')) ? get('colour') : state.colour;
	state.side = d.compared && SIDES.includes(get('side')) ? get('side') : state.side;
	state.task = d.tasks.indexOf(get('task'));
	state.hidden = lines('hide').map((name) => d.modules.indexOf(name)).filter((m) => m >= 0);
	state.only = functionOf(d, get('only'));
	state.without = lines('without').map((key) => functionOf(d, key)).filter((f) => f >= 0);
	state.least = Math.min(Math.max(Number(get('least')) || 0, 0), 100);
	state.collapse = get('collapse') === 'true';
	state.range = readRange(d.views[state.view], get('range'));
	state.metric = state.range ? 0 : state.metric;
	state.sort = get('sort').replace(/^-/, '') || state.sort;
	state.descending = get('sort') ? get('sort').startsWith('-') : state.descending;
	if (!SORTS.includes(state.sort))
		state.sort = defaultState(d).sort;
	return state;
}
