// SPDX-License-Identifier: GPL-2.0-or-later
// What a flame graph (format/svg.c) does in a browser: hover, zoom, search, flip. Without this it is a picture.
'use strict';
(() => {
	const root = document.currentScript.ownerSVGElement || document.documentElement;
	const part = (id) => root.querySelector('#' + id);
	const box = part('frames'), details = part('details'), matched = part('matched'), unzoom = part('unzoom');
	const search = part('search'), cased = part('ignorecase'), flip = part('flip');
	const ROW = 16, CHAR = 6.6, MARGIN = 10, NEAR = 2e-4;
	const all = [...root.querySelectorAll('.func_g')].map((g) => {
		const title = g.querySelector('title').textContent, rect = g.querySelector('rect');
		const line = title.split('\n')[0];

		return {
			g, rect, line, text: g.querySelector('text'), name: line.slice(0, line.lastIndexOf(' (')),
			x: parseFloat(rect.getAttribute('x')), w: parseFloat(rect.getAttribute('width')),
			depth: Number(g.getAttribute('data-depth')),
		};
	});
	const rows = Math.max(...all.map((f) => f.depth)) + 1;
	const parameters = new URLSearchParams(location.search);
	let zoomed = all[0], term = '', flame = parameters.get('flame') === '1';
	let anyCase = parameters.get('i') === '1', width = 0;

	const inside = (f) => f.x >= zoomed.x - NEAR && f.x + f.w <= zoomed.x + zoomed.w + NEAR;
	const around = (f) => f.x <= zoomed.x + NEAR && f.x + f.w >= zoomed.x + zoomed.w - NEAR;

	const fit = (name, pixels) => {
		const room = Math.floor((pixels - 6) / CHAR), letters = [...name];

		if (room < 3)
			return '';
		return letters.length <= room ? name : letters.slice(0, room - 1).join('') + '\u2026';
	};

	const place = (f) => {
		const above = f.depth < zoomed.depth, shown = above ? around(f) : inside(f);
		const x = above ? 0 : (f.x - zoomed.x) / zoomed.w * 100, w = above ? 100 : f.w / zoomed.w * 100;
		const y = (flame ? rows - 1 - f.depth : f.depth) * ROW;

		f.g.classList.toggle('hide', !shown);
		f.g.classList.toggle('parent', above && shown);
		if (!shown)
			return;
		f.rect.setAttribute('x', x + '%');
		f.rect.setAttribute('width', w + '%');
		f.rect.setAttribute('y', y);
		f.text.setAttribute('x', x + '%');
		f.text.setAttribute('y', y + 11.5);
		f.text.textContent = fit(f.name, w / 100 * width);
	};

	const pattern = () => {
		try {
			return new RegExp(term, anyCase ? 'i' : '');
		} catch {
			return new RegExp(term.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'), anyCase ? 'i' : '');
		}
	};

	// What is below a match is part of it: frames are in pre-order, and nested or apart.
	const mark = () => {
		const re = term ? pattern() : null;
		let sum = 0, end = -1;

		for (const f of all) {
			const hit = re !== null && re.test(f.name);

			f.g.classList.toggle('match', hit);
			if (!hit || f.depth < zoomed.depth || !inside(f) || f.x + f.w <= end + NEAR)
				continue;
			sum += f.w;
			end = f.x + f.w;
		}
		matched.textContent = re ? `Matched: ${(sum / zoomed.w * 100).toFixed(2)}%` : '';
		search.textContent = re ? 'Reset search' : 'Search';
	};

	const remember = () => {
		const p = new URLSearchParams();

		if (zoomed !== all[0]) {
			p.set('x', zoomed.x);
			p.set('y', zoomed.depth);
		}
		if (term)
			p.set('s', term);
		if (anyCase)
			p.set('i', '1');
		if (flame)
			p.set('flame', '1');
		try {
			history.replaceState(null, '', p.toString() ? '?' + p : location.pathname);
		} catch { /* a page that may not: the address stays */ }
	};

	const draw = () => {
		width = root.getBoundingClientRect().width - 2 * MARGIN;
		box.setAttribute('width', Math.max(width, 1));
		all.forEach(place);
		unzoom.classList.toggle('hide', zoomed === all[0]);
		cased.classList.toggle('on', anyCase);
		flip.textContent = flame ? 'Icicle' : 'Flame';
		mark();
	};

	const change = () => {
		draw();
		remember();
	};

	const zoom = (f) => {
		zoomed = f;
		change();
	};

	const ask = () => {
		term = term ? '' : prompt('Search for a function (regular expressions are allowed):', '') || '';
		change();
	};

	const frameOf = (event) => {
		const g = event.target.closest('.func_g');

		return g ? all.find((f) => f.g === g) : undefined;
	};

	const button = (element, act) => {
		element.classList.remove('js');
		element.addEventListener('click', act);
		element.addEventListener('keydown', (event) => {
			if (event.key === 'Enter' || event.key === ' ') {
				event.preventDefault();
				act();
			}
		});
	};

	button(unzoom, () => zoom(all[0]));
	button(search, ask);
	button(flip, () => {
		flame = !flame;
		change();
	});
	button(cased, () => {
		anyCase = !anyCase;
		change();
	});
	box.addEventListener('click', (event) => {
		const f = frameOf(event);

		if (f)
			zoom(f);
	});
	box.addEventListener('mouseover', (event) => {
		const f = frameOf(event);

		details.textContent = f ? f.line : '';
	});
	box.addEventListener('mouseout', () => {
		details.textContent = '';
	});
	addEventListener('keydown', (event) => {
		if (event.key === 'F3' || (event.ctrlKey && event.key === 'f')) {
			event.preventDefault();
			term = '';
			ask();
		} else if (event.ctrlKey && event.key === 'i') {
			event.preventDefault();
			anyCase = !anyCase;
			change();
		} else if (event.key === 'Escape') {
			term = '';
			zoom(all[0]);
		}
	});
	addEventListener('resize', draw);

	// As wide as there is room for, where it is a page of its own.
	if (root === document.documentElement) {
		root.removeAttribute('viewBox');
		root.setAttribute('width', '100%');
	}
	term = parameters.get('s') || '';
	if (parameters.has('x')) {
		const x = Number(parameters.get('x')), depth = Number(parameters.get('y'));

		zoomed = all.find((f) => f.depth === depth && Math.abs(f.x - x) < NEAR) || all[0];
	}
	draw();
})();
