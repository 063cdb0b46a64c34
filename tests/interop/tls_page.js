// The page of agent_server over https in headless Chromium, which is told to believe the certificate: what it connects
// to is derived from its own address, so it is wss, and an answer comes. `node tls_page.js URL`.
'use strict';
const { ask, assert, part, runs, state } = require('./page_browser.js');
const { chromium } = require('playwright-core');

const flags = process.getuid() === 0 ? ['--no-sandbox', '--disable-gpu'] : ['--disable-gpu'];

async function main(url) {
    const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: flags });
    const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
    const sockets = [], wrong = [];
    page.on('websocket', (socket) => sockets.push(socket.url()));
    page.on('pageerror', (error) => wrong.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && wrong.push(message.text()));
    await page.goto(url);
    await state(page, 'connected');
    await ask(page, 'content_pillar', 'Summarize this file');
    await runs(page, 'completed', 1);
    assert((await page.textContent('.run .text')) === 'Summarize this file', 'the answer');
    assert(sockets.length > 0 && sockets.every((socket) => socket.startsWith('wss://')), `sockets ${sockets}`);
    assert(wrong.length === 0, wrong.join());
    assert((await page.getAttribute(part('status'), 'data-state')) === 'connected', 'still connected');
    await browser.close();
}

main(process.argv[2]).catch((error) => {
    console.log(error.message);
    process.exit(1);
});
