// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The flame graph: laid out as rectangles, drawn on a canvas that is as large as what can be seen of it (browsers limit
 * canvases, not what one scrolls). Whatever is narrower than a pixel is left out with all that is below it; what is
 * left out in a row is a grey strip. A tree of elements mirrors the focused node for screen readers.
 */

const ROW = 18;
const LEAST_WIDTH = 1;
const LEAST_TEXT = 24;
const MIRRORED = 40;	/* children of a node that the mirror has at most; it says how many there are beyond */
const LEAST_ROWS = 10;
const PRINTED_HEIGHT = 900;	/* of a page */

class Graph {
	/* on: zoom(node), pick(node), menu(node, x, y) as people do these, and colour(node), matches(node),
	 * describe(node). */
	constructor(on) {
		this.on = on;
		this.trees = [];
		this.rows = [];
		this.zoomed = null;
		this.focused = null;
		this.hovered = null;
		this.flame = false;
		this.least = 0;	/* of what is drawn */
		this.canvas = h('canvas', { 'aria-hidden': 'true' });
		this.spacer = h('div', { className: 'spacer' });
		this.mirror = h('div', { className: 'mirror', role: 'presentation' });
		this.tip = h('div', { className: 'tip', hidden: true, 'aria-hidden': 'true' });
		this.element = h('div', { className: 'graph', id: 'graph', tabIndex: 0, role: 'tree',
			'aria-label': 'Flame graph' }, this.canvas, this.spacer, this.mirror);
		this.frame = 0;
		this.widths = new Map();
		this.labels = new Map();
		new ResizeObserver(() => {
			const was = this.width;

			this.measure();
			if (this.width === was)
				this.requestDraw();
			else
				this.lay();
		}).observe(this.element);
		for (const [type, act] of Object.entries({ scroll: () => this.draw(), blur: () => this.draw(),
			pointermove: (event) => this.hover(event), pointerleave: () => this.hover(null),
			click: (event) => this.click(event), contextmenu: (event) => this.menu(event),
			focus: () => this.focus(this.focused || this.zoomed || this.first()) }))
			this.element.addEventListener(type, act);
	}

	first() {
		return this.trees.length ? this.trees[0].root : null;
	}

	/* trees: one, or two that share their root: what calls it, which is drawn the other way, and what it calls. */
	show(trees, zoomed) {
		this.trees = trees;
		this.zoomed = zoomed;
		this.focused = null;
		this.hover(null);
		this.measure();
		this.lay();
		const height = Math.max(LEAST_ROWS * ROW, Math.min(this.height + 2, 0.6 * window.innerHeight));

		this.element.style.height = `${height}px`;
		this.measure();
		this.element.scrollTop = this.flame && trees.length === 1 ? this.height : 0;
		if (trees.length > 1)
			this.element.scrollTop = this.above * ROW - this.shown / 2;
		this.mirrorNode(zoomed);
		this.requestDraw();
	}

	zoom(node) {
		this.zoomed = node;
		this.hover(null);
		this.lay();
		this.reveal(node);
	}

	/* --- layout */

	/* The size of what can be seen, which the browser may have to lay out the page for. */
	measure() {
		this.width = Math.max(this.element.clientWidth, 1);
		this.shown = this.element.clientHeight;
	}

	lay() {
		const sides = this.trees.map((tree) => this.layTree(tree));
		const turn = (rows) => rows.slice().reverse();

		this.above = 0;
		this.rows = sides[0] || [];
		if (sides.length > 1) {
			const [callers, callees] = this.flame ? [sides[1], sides[0]] : sides;

			this.above = callers.length - 1;
			this.rows = turn(callers).concat(callees.slice(1));
		} else if (this.flame) {
			this.rows = turn(this.rows);
		}
		for (let y = 0; y < this.rows.length; y++)
			for (const rect of this.rows[y])
				rect.y = y;
		this.height = this.rows.length * ROW + 1;
		this.spacer.style.height = `${this.height}px`;
		this.requestDraw();
	}

	/* Rows of rectangles {node, x, width} from left to right, the root's first; node null: a strip of what is too
	 * narrow. */
	layTree(tree) {
		const rows = [], open = [];
		const top = this.zoomed && this.zoomed.tree === tree ? this.zoomed : tree.root;
		const put = (depth, rect) => { (rows[depth] = rows[depth] || []).push(rect); };

		for (let node = top.parent; node; node = node.parent)
			put(node.depth, { node, x: 0, width: this.width, y: 0, outer: true });
		open.push({ node: top, x: 0, width: this.width, y: 0, outer: false });
		while (open.length) {
			const rect = open.pop();

			if (!rect.node) {
				put(rect.depth, rect);
				continue;
			}
			const scale = rect.node.total ? rect.width / rect.node.total : 0, inner = [];
			let x = rect.x, strip = null;

			put(rect.node.depth, rect);
			for (const node of rect.node.children) {
				const width = node.total * scale;

				if (width < LEAST_WIDTH || node.total < this.least) {
					strip = strip || { node: null, x, width: 0, depth: rect.node.depth + 1 };
					strip.width += width;
				} else {
					if (strip)
						inner.push(strip);
					strip = null;
					inner.push({ node, x, width, y: 0, outer: false });
				}
				x += width;
			}
			if (strip && strip.width >= LEAST_WIDTH)
				inner.push(strip);
			open.push(...inner.reverse());
		}
		return rows;
	}

	rectOf(node) {
		for (const row of this.rows)
			for (const rect of row)
				if (rect.node && rect.node === node)
					return rect;
		return null;
	}

	rectAt(x, y) {
		const row = this.rows[Math.floor(y / ROW)] || [];

		return row.find((rect) => rect.node && x >= rect.x && x < rect.x + rect.width) || null;
	}

	/* --- drawing */

	requestDraw() {
		this.frame = this.frame || requestAnimationFrame(() => this.draw());
	}

	resizeCanvas() {
		const ratio = window.devicePixelRatio || 1;
		const width = Math.round(this.width * ratio), height = Math.round(this.shown * ratio);

		if (this.canvas.width !== width || this.canvas.height !== height) {
			this.canvas.width = width;
			this.canvas.height = height;
			this.canvas.style.width = `${this.width}px`;
			this.canvas.style.height = `${this.shown}px`;
		}
		return ratio;
	}

	draw() {
		const style = getComputedStyle(document.documentElement), context = this.canvas.getContext('2d');

		cancelAnimationFrame(this.frame);
		this.frame = 0;
		const ratio = this.resizeCanvas(), top = this.element.scrollTop;
		const colours = {
			back: style.getPropertyValue('--back').trim(), ink: '#111',
			strip: style.getPropertyValue('--strip').trim(), line: style.getPropertyValue('--ink').trim(),
		};

		context.setTransform(ratio, 0, 0, ratio, 0, 0);
		this.alpha = this.filling = null;
		this.fillRect(context, colours.back, 1, 0, 0, this.width, this.shown);
		context.font = '12px system-ui, "DejaVu Sans", sans-serif';
		context.textBaseline = 'middle';
		for (let y = Math.max(0, Math.floor(top / ROW)); y < this.rows.length; y++) {
			if (y * ROW > top + this.shown)
				break;
			for (const rect of this.rows[y])
				this.drawRect(context, rect, y * ROW - top, colours);
		}
	}

	/* Setting a colour or what is drawn through takes longer than a rectangle. */
	fillRect(context, colour, alpha, x, y, width, height) {
		if (this.alpha !== alpha)
			context.globalAlpha = this.alpha = alpha;
		if (this.filling !== colour)
			context.fillStyle = this.filling = colour;
		context.fillRect(x, y, width, height);
	}

	drawRect(context, rect, y, colours) {
		const { node, x } = rect, width = Math.max(rect.width - (rect.width > 3 ? 1 : 0.2), 0.4);

		if (!node) {
			this.fillRect(context, colours.strip, 1, x, y + ROW / 2 - 1, rect.width, 2);
			return;
		}
		const searched = this.on.matches(node);

		this.fillRect(context, searched ? '#ff7bff' : this.on.colour(node),
			rect.outer ? 0.55 : searched === false ? 0.35 : 1, x, y, width, ROW - 1);
		if ((this.focused === node && document.activeElement === this.element) || this.hovered === node ||
		    this.on.picked(node)) {
			context.globalAlpha = this.alpha = 1;
			context.strokeStyle = colours.line;
			context.lineWidth = this.on.picked(node) ? 1.5 : 2;
			context.strokeRect(x + 1, y + 1, Math.max(width - 2, 0.5), ROW - 3);
		}
		if (rect.width > LEAST_TEXT)
			this.drawText(context, node, x, y, width, rect.outer || searched === false ?
				colours.line : colours.ink);
	}

	/* Measuring each text would take longer than all else: characters are measured, once. */
	widthOf(context, text) {
		let width = 0;

		for (const c of text) {
			if (!this.widths.has(c))
				this.widths.set(c, context.measureText(c).width);
			width += this.widths.get(c);
		}
		return width;
	}

	label(context, name) {
		let label = this.labels.get(name);

		if (!label) {
			const short = shortName(name);

			label = { full: name, width: this.widthOf(context, name), short,
				shortWidth: this.widthOf(context, short) };
			this.labels.set(name, label);
		}
		return label;
	}

	drawText(context, node, x, y, width, ink) {
		const label = this.label(context, this.on.name(node)), room = width - 8;
		let text = label.width <= room ? label.full : label.short;

		if (text === label.short && label.shortWidth > room) {
			let left = room - this.widthOf(context, '…'), n = 0;

			for (const c of text) {
				left -= this.widths.get(c);
				if (left < 0)
					break;
				n += c.length;
			}
			text = n > 1 ? `${text.slice(0, n)}…` : '';
		}
		context.globalAlpha = this.alpha = 1;
		context.fillStyle = this.filling = ink;
		context.fillText(text, x + 4, y + ROW / 2);
	}

	/* For paper: all rows, as many as a page has room for. */
	beforePrint() {
		this.heightBefore = this.element.style.height;
		this.element.style.height = `${Math.min(this.height + 2, PRINTED_HEIGHT)}px`;
		this.measure();
		this.lay();
		this.draw();
	}

	afterPrint() {
		this.element.style.height = this.heightBefore;
		this.measure();
		this.lay();
	}

	/* --- pointer */

	at(event) {
		const box = this.element.getBoundingClientRect();

		return this.rectAt(event.clientX - box.left - this.element.clientLeft,
				   event.clientY - box.top - this.element.clientTop + this.element.scrollTop);
	}

	hover(event) {
		const rect = event && this.at(event), node = rect ? rect.node : null;

		if (node !== this.hovered) {
			this.hovered = node;
			this.element.classList.toggle('over', Boolean(node));
			this.requestDraw();
		}
		this.tip.hidden = !node;
		if (!node)
			return;
		this.tip.textContent = this.on.describe(node);
		this.tip.style.left = `${Math.max(8, Math.min(event.clientX + 14,
			window.innerWidth - this.tip.offsetWidth - 8))}px`;
		this.tip.style.top = `${event.clientY + 20 + this.tip.offsetHeight > window.innerHeight ?
			event.clientY - this.tip.offsetHeight - 10 : event.clientY + 18}px`;
	}

	click(event) {
		const rect = this.at(event);

		if (!rect)
			return;
		this.focus(rect.node);
		this.on.pick(rect.node);
		this.on.zoom(rect.node);
	}

	/* By the pointer of what it is over; by a key of what has the focus. */
	menu(event) {
		const byKey = event.button !== 2 && this.focused;
		const rect = byKey ? this.rectOf(this.focused) : this.at(event);
		const box = this.element.getBoundingClientRect();

		if (!rect)
			return;
		event.preventDefault();
		this.hover(null);
		if (byKey)
			this.on.menu(rect.node, box.left + Math.max(rect.x, 0),
				box.top + (rect.y + 1) * ROW - this.element.scrollTop);
		else
			this.on.menu(rect.node, event.clientX, event.clientY);
	}

	/* --- keyboard, and what screen readers have */

	reveal(node) {
		const rect = node && this.rectOf(node), y = rect ? rect.y * ROW : 0, top = this.element.scrollTop;

		if (rect && (y < top || y + ROW > top + this.shown))
			this.element.scrollTop = y - this.shown / 2;
	}

	focus(node) {
		if (!node)
			return;
		this.focused = node;
		this.reveal(node);
		this.mirrorNode(node);
		this.requestDraw();
	}

	/* A neighbour in the drawing: child, parent, or the next sibling on a side that is there. */
	neighbour(key) {
		const node = this.focused || this.first();
		const turned = this.flame !== (this.trees.length > 1 && node.tree === this.trees[0]);
		const inwards = turned ? 'ArrowUp' : 'ArrowDown';
		const heaviest = (list) => list.reduce((most, other) => (!most || other.total > most.total ?
			other : most), null);
		const drawn = (list) => list.filter((other) => this.rectOf(other));

		if (key === inwards)
			return heaviest(drawn(node.children));
		if (key === 'ArrowUp' || key === 'ArrowDown') {
			if (!node.parent && this.trees.length > 1)
				return heaviest(drawn(this.trees[node.tree === this.trees[0] ? 1 : 0].root.children));
			return node.parent;
		}
		const siblings = node.parent ? drawn(node.parent.children) : [node];

		return siblings[siblings.indexOf(node) + (key === 'ArrowLeft' ? -1 : 1)] || null;
	}

	mirrorItem(node, extra) {
		return h('div', { role: 'treeitem', 'aria-level': node.depth + 1, ...extra }, this.on.describe(node));
	}

	mirrorNode(node) {
		const path = [], items = [];

		for (let at = node.parent; at; at = at.parent)
			path.unshift(at);
		for (const at of path)
			items.push(this.mirrorItem(at, { 'aria-expanded': 'true', 'aria-selected': 'false' }));
		items.push(this.mirrorItem(node, { id: 'focused', 'aria-selected': 'true',
			...(node.children.length ? { 'aria-expanded': 'true' } : {}) }));
		const children = node.children.slice().sort((a, b) => b.total - a.total);

		for (const child of children.slice(0, MIRRORED))
			items.push(this.mirrorItem(child, { 'aria-selected': 'false' }));
		if (children.length > MIRRORED)
			items.push(h('div', { role: 'treeitem', 'aria-level': node.depth + 2, 'aria-selected':
				'false' },
				     `${children.length - MIRRORED} more`));
		this.mirror.replaceChildren(...items);
		this.element.setAttribute('aria-activedescendant', 'focused');
	}
}
