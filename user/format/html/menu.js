// SPDX-License-Identifier: GPL-2.0-or-later
/* What can be done with one function: a menu at the pointer, or at what has the focus. */

class Menu {
	constructor() {
		this.element = h('div', { className: 'context menu', role: 'menu', hidden: true,
			'aria-label': 'Function' });
		this.element.addEventListener('keydown', (event) => this.key(event));
		this.element.addEventListener('focusout', (event) => {
			if (!this.element.contains(event.relatedTarget))
				this.element.hidden = true;
		});
	}

	/* items: [text, action]. The focus goes back to where it was. */
	open(name, items, x, y) {
		const { element } = this;

		this.before = document.activeElement;
		element.setAttribute('aria-label', name);
		element.replaceChildren(...items.map(([text, action]) => h('button', { type: 'button', role: 'menuitem',
			onclick: () => {
				this.close();
				action();
			} }, text)));
		element.hidden = false;
		element.style.left = `${Math.max(0, Math.min(x, window.innerWidth - element.offsetWidth))}px`;
		element.style.top = `${Math.max(0, Math.min(y, window.innerHeight - element.offsetHeight))}px`;
		element.firstChild.focus();
	}

	close() {
		this.element.hidden = true;
		if (this.before)
			this.before.focus({ preventScroll: true });
	}

	key(event) {
		const items = [...this.element.children], at = items.indexOf(document.activeElement);
		const step = { ArrowDown: 1, ArrowUp: -1, Home: -at, End: -1 - at }[event.key];

		event.stopPropagation();
		if (step !== undefined)
			items[(at + step + items.length) % items.length].focus();
		else if (event.key === 'Escape' || event.key === 'Tab')
			this.close();
		else
			return;
		event.preventDefault();
	}
}
