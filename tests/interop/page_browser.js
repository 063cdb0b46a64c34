// What the tests of the page in Chromium share.
'use strict';
const { chromium } = require('playwright-core');

const flags = ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'];
if (process.getuid() === 0) flags.push('--no-sandbox');

function assert(condition, what) {
    if (!condition) throw new Error(what);
}

const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM, args: flags });
const part = (name) => `[data-wick="${name}"]`;
const state = (page, name) => page.waitForSelector(`${part('status')}[data-state="${name}"]`, { timeout: 20000 });
const runs = (page, name, count) =>
    page.waitForFunction(([s, n]) => document.querySelectorAll(`.run[data-state="${s}"]`).length === n, [name, count],
        { timeout: 20000 });
const length = (page, n) => page.waitForFunction((least) => document.querySelector('.run .text').textContent.length >= least, n,
    { timeout: 20000 });

async function ask(page, surface, text) {
    await page.selectOption('#surface', surface);
    await page.fill(part('input'), text);
    await page.press(part('input'), 'Enter');
}

/** The surface with a pace: so many tokens a second, so many times the text. */
async function pace(page, tokens, rate) {
    await page.evaluate(([n, r]) => {
        const change = (message) => {
            if (message.type === 'agent.message' && message.payload.context?.surface === 'experience_pillar')
                Object.assign(message.payload.context, { tokens: n, rate: r });
            return message;
        };
        const send = WebSocket.prototype.send, real = window.fetch;
        WebSocket.prototype.send = function paced(text) {
            send.call(this, JSON.stringify(change(JSON.parse(text))));
        };
        window.fetch = (url, request) => {
            if (!request?.body) return real(url, request);
            const said = JSON.parse(request.body);
            return real(url, { ...request, body: JSON.stringify(Array.isArray(said) ? said.map(change) : change(said)) });
        };
    }, [tokens, rate]);
}

/** A page of its own. `quiet` says that the console has been silent so far, `done` that no script has failed. */
async function open(browser, url, { connected = true, before } = {}) {
    const page = await (await browser.newContext()).newPage();
    const wrong = [], said = [];
    page.on('pageerror', (e) => wrong.push(String(e)));
    page.on('console', (m) => ['error', 'warning'].includes(m.type()) && said.push(m.text()));
    // The pauses are random: here they are short.
    await page.addInitScript(() => (Math.random = () => 0.05));
    if (before) await page.addInitScript(before);
    await page.goto(url);
    if (connected) await state(page, 'connected');
    return {
        page,
        said,
        quiet: (when) => assert(said.length === 0, `on the console ${when}: ${said.join('; ')}`),
        done: async () => {
            assert(wrong.length === 0, wrong.join('; '));
            await page.context().close();
        },
    };
}

async function report(name, fn) {
    let timer;
    try {
        await Promise.race([fn(), new Promise((_, no) => (timer = setTimeout(() => no(new Error('takes too long')), 90000)))]);
        console.log(`ok ${name}`);
    } catch (error) {
        console.log(`not ok ${name}: ${error.message.split('\n').slice(0, 3).join(' ')}`);
        process.exitCode = 1;
    }
    clearTimeout(timer);
}

module.exports = { ask, assert, launch, length, open, pace, part, report, runs, state };
