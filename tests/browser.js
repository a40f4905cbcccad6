// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Debian's Chromium, headless, by its DevTools protocol over a pipe (descriptors 3 and 4; messages end in a NUL): what
 * the tests need of it, without a library.
 *
 *     const browser = await Browser.start();
 *     const page = await browser.open('file:///tmp/report.html');
 *     await page.run('document.title');
 *     browser.stop();
 */
'use strict';
const { spawn } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');

class Page {
	constructor(browser, session) {
		this.browser = browser;
		this.session = session;
		this.requests = [];	/* addresses */
		this.messages = [];	/* of the console, exceptions and violations of the policy among them */
	}

	send(method, params) {
		return this.browser.send(method, params, this.session);
	}

	event({ method, params }) {
		if (method === 'Network.requestWillBeSent')
			this.requests.push(params.request.url);
		else if (method === 'Runtime.consoleAPICalled')
			this.messages.push(params.args.map((arg) => arg.value).join(' '));
		else if (method === 'Runtime.exceptionThrown')
			this.messages.push(params.exceptionDetails.exception?.description ||
				params.exceptionDetails.text);
		else if (method === 'Log.entryAdded')
			this.messages.push(params.entry.text);
	}

	/* The value of an expression; promises are awaited. */
	async run(expression) {
		const { result, exceptionDetails } = await this.send('Runtime.evaluate',
			{ expression, awaitPromise: true, returnByValue: true });

		if (exceptionDetails)
			throw new Error(exceptionDetails.exception?.description || exceptionDetails.text);
		return result.value;
	}

	/* Until the expression is true; it fails after 10 s. */
	async until(expression) {
		for (let i = 0; i < 1000; i++) {
			if (await this.run(expression))
				return;
			await new Promise((done) => { setTimeout(done, 10); });
		}
		throw new Error(`never true: ${expression}`);
	}

	async key(key, modifiers = 0) {
		const text = key === 'Enter' ? '\r' : key.length === 1 && !(modifiers & 2) ? key : undefined;
		const code = { Enter: 13, Backspace: 8, Escape: 27, ArrowLeft: 37, ArrowUp: 38, ArrowRight: 39,
			ArrowDown: 40,
			Tab: 9 }[key] || (/^\w$/.test(key) ? key.toUpperCase().charCodeAt(0) : 0);

		for (const type of ['keyDown', 'keyUp'])
			await this.send('Input.dispatchKeyEvent',
				{ type, key, modifiers, text: type === 'keyDown' ? text : undefined,
					windowsVirtualKeyCode: code });
	}

	async type(text) {
		for (const c of text)
			await this.key(c);
	}

	async click(x, y) {
		await this.send('Input.dispatchMouseEvent', { type: 'mouseMoved', x, y });
		for (const type of ['mousePressed', 'mouseReleased'])
			await this.send('Input.dispatchMouseEvent', { type, x, y, button: 'left', clickCount: 1 });
	}

	size(width, height, scale = 1) {
		return this.send('Emulation.setDeviceMetricsOverride',
			{ width, height, deviceScaleFactor: scale, mobile: false });
	}

	dark(on) {
		return this.send('Emulation.setEmulatedMedia',
			{ features: [{ name: 'prefers-color-scheme', value: on ? 'dark' : 'light' }] });
	}

	/* The next frame is drawn. */
	settle() {
		return this.run(`new Promise((done) => requestAnimationFrame(() =>
			requestAnimationFrame(() => done(1))))`);
	}

	async screenshot(file, whole) {
		const { data } = await this.send('Page.captureScreenshot', { captureBeyondViewport: Boolean(whole) });

		fs.writeFileSync(file, Buffer.from(data, 'base64'));
	}

	async pdf(file) {
		const { data } = await this.send('Page.printToPDF', { printBackground: false });

		fs.writeFileSync(file, Buffer.from(data, 'base64'));
	}
}

class Browser {
	static async start() {
		const browser = new Browser();

		browser.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'alloctrace-browser-'));
		browser.process = spawn('chromium', ['--headless=new', '--no-sandbox', '--disable-gpu',
			'--disable-dev-shm-usage', '--no-first-run', '--disable-background-networking',
			'--remote-debugging-pipe', `--user-data-dir=${browser.dir}`, 'about:blank'],
		{ stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
		browser.waiting = new Map();
		browser.pages = new Map();
		browser.last = 0;
		browser.text = '';
		browser.process.stdio[4].setEncoding('utf8').on('data', (piece) => browser.receive(piece));
		browser.process.on('exit', () => {
			for (const { reject } of browser.waiting.values())
				reject(new Error('chromium has ended'));
		});
		await browser.send('Browser.getVersion');
		return browser;
	}

	receive(piece) {
		const parts = (this.text + piece).split('\0');

		this.text = parts.pop();
		for (const part of parts) {
			const message = JSON.parse(part), waiting = this.waiting.get(message.id);

			if (message.id === undefined)
				this.pages.get(message.sessionId)?.event(message);
			else if (message.error)
				waiting.reject(new Error(`${waiting.method}: ${message.error.message}`));
			else
				waiting.resolve(message.result);
			this.waiting.delete(message.id);
		}
	}

	send(method, params = {}, sessionId = undefined) {
		const id = ++this.last;

		this.process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
		return new Promise((resolve, reject) => { this.waiting.set(id, { resolve, reject, method }); });
	}

	async open(url) {
		const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
		const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
		const page = new Page(this, sessionId);

		this.pages.set(sessionId, page);
		page.target = targetId;
		for (const domain of ['Page', 'Network', 'Runtime', 'Log', 'Accessibility'])
			await page.send(`${domain}.enable`);
		await page.size(1280, 900);
		await page.send('Page.navigate', { url });
		return page;
	}

	async close(page) {
		await this.send('Target.closeTarget', { targetId: page.target });
	}

	async stop() {
		const ended = new Promise((done) => { this.process.on('exit', done); });

		this.send('Browser.close').catch(() => {});
		await ended;
		fs.rmSync(this.dir, { recursive: true, force: true });
	}
}

module.exports = { Browser };
