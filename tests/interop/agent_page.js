// The page of agent_server in headless Chromium: send, stream, question, keyboard, 390 px, token; lost connections,
// restarts, reloads, takeover; no error on the console, nothing loaded from elsewhere.
'use strict';
const { ask, assert, launch, length, open, pace, part, report, runs, state } = require('./page_browser.js');
const { proxy, start } = require('./page_kit.js');

const cases = {
    async sends_and_shows_tokens(page) {
        for (const name of ['status', 'input', 'send', 'log', 'usage'])
            assert((await page.$$(part(name))).length === 1, `one ${name}`);
        await page.type(part('input'), 'Summarize this file');
        await page.press(part('input'), 'Enter');
        await runs(page, 'completed', 1);
        assert((await page.textContent('.run .text')) === 'Summarize this file', 'the answer');
        assert((await page.inputValue(part('input'))) === '', 'the input is empty again');
        assert(/\d+ tokens in, \d+ out/.test(await page.textContent(part('usage'))), 'usage');
        await page.fill(part('input'), 'by the button');
        await page.click(part('send'));
        await runs(page, 'completed', 2);
        // Shift+Enter starts a line, an empty message is not sent.
        await page.press(part('input'), 'Enter');
        await page.type(part('input'), 'one');
        await page.press(part('input'), 'Shift+Enter');
        await page.type(part('input'), 'two');
        assert((await page.inputValue(part('input'))) === 'one\ntwo', 'two lines');
        await page.fill(part('input'), '');
        assert((await page.$$('.run')).length === 2, 'nothing else was sent');
    },
    async several_runs_at_once(page) {
        await ask(page, 'operations_pillar', 'Delete it?');
        await page.waitForSelector('.question input');
        await ask(page, 'data_pillar', '1 2 3');
        await ask(page, 'experience_pillar', 'x '.repeat(5000));
        await runs(page, 'completed', 2);
        const texts = await page.$$eval('.run .text', (all) => all.map((e) => e.textContent));
        assert(texts[1].includes('sum 6') && texts[2] === 'x '.repeat(5000), 'both answers');
        assert((await page.textContent('.actions summary')).length > 0, 'actions are folded');
        assert(!(await page.$eval('.run:nth-of-type(2) .actions', (d) => d.open)), 'closed');
        await runs(page, 'running', 1);
    },
    async questions_by_keyboard(page) {
        await page.selectOption('#surface', 'operations_pillar');
        await page.focus(part('input'));
        await page.keyboard.type('Move the archive?');
        await page.keyboard.press('Enter');
        await page.waitForSelector('.question input');
        assert(await page.$eval('.question input', (e) => e === document.activeElement), 'the question has the focus');
        assert((await page.$eval('.question label', (e) => e.textContent)).includes('Move the archive?'), 'its label');
        await page.keyboard.type('tonight & "quietly"');
        await page.keyboard.press('Enter');
        await runs(page, 'completed', 1);
        assert((await page.textContent('.run .text')).includes('tonight & "quietly"'), 'word for word');
        assert((await page.$$('.question')).length === 0, 'the question has gone');
        assert(await page.$eval(part('input'), (e) => e === document.activeElement), 'the focus is back');
    },
    async stop_and_failure(page) {
        await ask(page, 'operations_pillar', 'Wait');
        await page.waitForSelector('.question');
        await page.click('.stop');
        await runs(page, 'failed', 1);
        assert((await page.textContent('.run .chip')) === 'stopped', 'stopped');
        await ask(page, 'content_pillar', 'y'.repeat(262145));
        await runs(page, 'failed', 2);
        assert((await page.textContent('.run:nth-of-type(2) .problem')).startsWith('INVALID_PAYLOAD: payload.text'), 'why');
    },
    async names_and_roles(page) {
        assert((await page.getAttribute(part('status'), 'role')) === 'status', 'status speaks');
        assert((await page.getAttribute(part('log'), 'role')) === 'log', 'log');
        assert((await page.getAttribute('html', 'lang')) === 'en' && (await page.title()) !== '', 'language and title');
        const nameless = await page.$$eval('button, input, select, textarea', (all) => all.filter((e) =>
            !e.textContent.trim() && !e.labels?.length && !e.getAttribute('aria-label')).map((e) => e.outerHTML));
        assert(nameless.length === 0, nameless.join());
        // All of it is reached with the tabulator.
        const reached = new Set();
        for (let i = 0; i < 8; i++) {
            await page.keyboard.press('Tab');
            reached.add(await page.evaluate(() => document.activeElement.dataset.wick || document.activeElement.id));
        }
        for (const name of ['input', 'send', 'log', 'surface']) assert(reached.has(name), `${name} by keyboard`);
    },
    async fits_390_px(page) {
        await page.setViewportSize({ width: 390, height: 844 });
        await ask(page, 'data_pillar', `name,${'value'.repeat(40)}\nheron,98\negret,61\n`);
        await ask(page, 'experience_pillar', 'w'.repeat(900));
        await ask(page, 'operations_pillar', 'Move the archive to the new disk?');
        await page.waitForSelector('.question');
        await runs(page, 'completed', 2);
        const wide = await page.evaluate(() => [document.documentElement.scrollWidth,
            document.querySelector('[data-wick="log"]').scrollWidth - document.querySelector('[data-wick="log"]').clientWidth]);
        assert(wide[0] === 390 && wide[1] === 0, `scrolls sideways: ${wide}`);
        for (const name of ['input', 'send', 'status']) {
            const box = await page.locator(part(name)).boundingBox();
            assert(box.x >= 0 && box.x + box.width <= 390 && box.y >= 0 && box.y + box.height <= 844, `${name} in sight`);
        }
        const question = await page.locator('.question').boundingBox();
        assert(question.y > 0 && question.y + question.height < 844, 'the question is in sight');
        if (process.env.WICK_SCREENSHOT) await page.screenshot({ path: process.env.WICK_SCREENSHOT });
    },
    async nothing_of_a_text_is_markup(page) {
        await ask(page, 'experience_pillar', '<img src=x onerror=alert(1)><b>bold</b>');
        await runs(page, 'completed', 1);
        assert((await page.$$('.run img, .run .text b')).length === 0, 'no element');
        assert((await page.textContent('.run .text')) === '<img src=x onerror=alert(1)><b>bold</b>', 'the text as it is');
    },
};

async function lost_connections(browser) {
    const server = await start(0), between = await proxy(server.port);
    const { page, done } = await open(browser, between.url);
    await pace(page, 1500, 300);
    await ask(page, 'experience_pillar', 'heron ');
    for (let i = 1; i <= 8; i++) {
        await length(page, 6 * 100 * i);
        between.cut(i % 2 ? 'rst' : 'fin');
        await state(page, 'reconnecting');
        if (i === 3) await ask(page, 'content_pillar', 'asked while away');
        await state(page, 'connected');
    }
    await runs(page, 'completed', 2);
    const texts = await page.$$eval('.run .text', (all) => all.map((e) => e.textContent));
    assert(texts[0] === 'heron '.repeat(1500), `${texts[0].length} bytes of 9000`);
    assert(texts[1] === 'asked while away', 'the message that had to wait');
    assert((await page.$$('.run')).length === 2, 'nothing runs twice');
    await done();
    between.stop();
    await server.stop();
}

async function question_over_a_lost_connection(browser) {
    const server = await start(0), between = await proxy(server.port);
    const { page, done } = await open(browser, between.url);
    await ask(page, 'operations_pillar', 'Move it?');
    await page.waitForSelector('.question input');
    await page.type('.question input', 'half an ans');
    between.cut('rst');
    await state(page, 'reconnecting');
    await state(page, 'connected');
    assert((await page.$$('.question')).length === 1, 'one question');
    assert((await page.inputValue('.question input')) === 'half an ans', 'what was typed stays');
    await page.type('.question input', 'wer');
    // The answer is given while there is no connection.
    between.cut('fin');
    await state(page, 'reconnecting');
    await page.press('.question input', 'Enter');
    await runs(page, 'completed', 1);
    assert((await page.textContent('.run .text')).includes('half an answer'), 'the answer arrived');
    await done();
    between.stop();
    await server.stop();
}

async function killed(browser) {
    let server = await start(0);
    const port = server.port;
    const { page, done, quiet } = await open(browser, server.url);
    await ask(page, 'content_pillar', 'before');
    await runs(page, 'completed', 1);
    await ask(page, 'operations_pillar', 'Wait');
    await page.waitForSelector('.question');
    await server.kill();
    await state(page, 'reconnecting');
    await page.waitForFunction((s) => /in \d+ s/.test(document.querySelector(s).textContent), part('status'));
    await ask(page, 'content_pillar', 'while it is down');
    await page.waitForFunction(() => document.querySelector('#why p').textContent.includes('does not answer'));
    server = await start(port);
    await state(page, 'connected');
    assert(await page.isHidden('#why'), 'nothing is wrong any more');
    quiet('while the server was down');
    await runs(page, 'failed', 1);
    assert((await page.textContent('.run[data-state="failed"] .chip')) === 'lost', 'the run that the server has forgotten');
    assert((await page.$$('.question')).length === 0, 'its question has gone');
    await runs(page, 'completed', 2);
    await ask(page, 'content_pillar', 'after');
    await runs(page, 'completed', 3);
    const texts = await page.$$eval('.run[data-state="completed"] .text', (all) => all.map((e) => e.textContent));
    assert(texts.join() === 'before,while it is down,after', texts.join());
    // And a reload: what the new server does not know comes from the page's own memory.
    await page.reload();
    await runs(page, 'completed', 3);
    await state(page, 'connected');
    const again = await page.$$eval('.run[data-state="completed"] .text', (all) => all.map((e) => e.textContent));
    assert(again.join() === texts.join(), `after the reload: ${again.join()}`);
    await runs(page, 'failed', 1);
    await done();
    await server.stop();
}

/** The page comes back with a cursor that the server cannot serve, and gets a snapshot. */
async function snapshot(browser) {
    const server = await start(0), between = await proxy(server.port);
    const { page, done } = await open(browser, between.url);
    const forget = () => {
        const real = WebSocket.prototype.send;
        WebSocket.prototype.send = function send(text) {
            const message = JSON.parse(text);
            if (message.type === 'session.open' && message.payload.epoch) message.payload.epoch = 1;
            real.call(this, JSON.stringify(message));
        };
    };
    await ask(page, 'data_pillar', '1 2 3');
    await runs(page, 'completed', 1);
    const text = await page.textContent('.run .text'), spent = await page.textContent('.run .spent');
    await ask(page, 'operations_pillar', 'Move it?');
    await page.waitForSelector('.question');
    await pace(page, 900, 300);
    await ask(page, 'experience_pillar', 'egret ');
    await page.waitForFunction(() => document.querySelectorAll('.run .text')[2]?.textContent.length > 300);
    await page.evaluate(forget);
    between.cut('rst');
    await state(page, 'reconnecting');
    await state(page, 'connected');
    await page.waitForFunction(() => document.querySelectorAll('.run .text')[2]?.textContent.length > 1500);
    assert((await page.$$('.run:nth-of-type(2) .question')).length === 1, 'the question stays with its run');
    await page.addInitScript(forget);
    await page.reload();
    await state(page, 'connected');
    await page.waitForSelector('.run:nth-of-type(2) .question');
    await runs(page, 'completed', 2);
    const texts = await page.$$eval('.run .text', (all) => all.map((e) => e.textContent));
    assert(texts.length === 3 && texts[0] === text, `three runs: ${texts[0]}`);
    assert(texts[2] === 'egret '.repeat(900), `${texts[2].length} bytes of 5400`);
    assert((await page.textContent('.run .spent')) === spent, 'usage');
    await page.fill('.question input', 'yes');
    await page.press('.question input', 'Enter');
    await runs(page, 'completed', 3);
    await done();
    between.stop();
    await server.stop();
}

async function reload(browser) {
    const server = await start(0);
    const { page, done } = await open(browser, server.url);
    const wrong = [];
    page.on('console', (m) => ['error', 'warning'].includes(m.type()) && wrong.push(m.text()));
    await ask(page, 'data_pillar', '1 2 3');
    await runs(page, 'completed', 1);
    const actions = await page.textContent('.actions pre'), spent = await page.textContent(part('usage'));
    await ask(page, 'operations_pillar', 'Move it?');
    await page.waitForSelector('.question');
    await pace(page, 600, 300);
    await ask(page, 'experience_pillar', 'egret ');
    await page.waitForFunction(() => document.querySelectorAll('.run .text')[2]?.textContent.length > 300);
    await page.reload();
    await state(page, 'connected');
    await runs(page, 'completed', 2);
    assert((await page.$$('.run')).length === 3, 'the runs are there');
    assert((await page.textContent('.actions pre')) === actions, 'the actions as before');
    const said = await page.$$eval('.said', (all) => all.map((e) => e.textContent));
    assert(said.join() === '1 2 3,Move it?,egret ', said.join());
    const texts = await page.$$eval('.run .text', (all) => all.map((e) => e.textContent));
    assert(texts[2] === 'egret '.repeat(600), `${texts[2].length} bytes of 3600`);
    assert(texts[0].includes('sum 6') && texts[0].indexOf('sum 6') === texts[0].lastIndexOf('sum 6'), 'nothing twice');
    await page.fill('.run:nth-of-type(2) .question input', 'yes');
    await page.press('.run:nth-of-type(2) .question input', 'Enter');
    await runs(page, 'completed', 3);
    assert(spent !== 'no tokens used yet' && /[1-9]\d* tokens in/.test(await page.textContent(part('usage'))), 'usage is back');
    await page.click('#anew');
    await page.waitForSelector('#empty');
    await state(page, 'connected');
    assert((await page.$$('.run')).length === 0, 'a new conversation');
    assert(wrong.length === 0, wrong.join('; '));
    await done();
    await server.stop();
}

async function taken_over(browser) {
    const server = await start(0);
    const { page, done } = await open(browser, server.url);
    await ask(page, 'operations_pillar', 'Move it?');
    await page.waitForSelector('.question');
    const kept = await page.evaluate(() => JSON.stringify(sessionStorage));
    const other = await page.context().newPage();
    await other.addInitScript((all) => Object.assign(sessionStorage, JSON.parse(all)), kept);
    await other.goto(server.url);
    await other.waitForSelector('.question');
    await state(page, 'offline');
    assert((await page.textContent('#notice')).includes('another window'), 'it says so');
    await page.waitForTimeout(1500);
    await state(other, 'connected');
    await other.fill('.question input', 'yes');
    await other.press('.question input', 'Enter');
    await runs(other, 'completed', 1);
    await page.click('#notice button');
    await state(page, 'connected');
    await runs(page, 'completed', 1);
    await state(other, 'offline');
    await done();
    await server.stop();
}

async function drained(browser) {
    let server = await start(0);
    const port = server.port;
    const { page, done } = await open(browser, server.url);
    await ask(page, 'operations_pillar', 'Wait');
    await page.waitForSelector('.question');
    await server.stop();
    await state(page, 'reconnecting');
    await runs(page, 'failed', 1);
    assert((await page.textContent('.run .problem')).startsWith('DRAINING'), 'why');
    server = await start(port);
    await state(page, 'connected');
    await ask(page, 'content_pillar', 'Still here');
    await runs(page, 'completed', 1);
    await done();
    await server.stop();
}

async function token(browser) {
    const server = await start(0, '--token', 's3cret');
    const page = await (await browser.newContext()).newPage();
    await page.goto(server.url);
    await state(page, 'offline');
    await page.waitForSelector('#login[open]');
    await page.fill('#token', 'wrong');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelector('#login-why').textContent.includes('not valid'));
    await page.fill('#token', 's3cret');
    await page.keyboard.press('Enter');
    await state(page, 'connected');
    await ask(page, 'content_pillar', 'Hello');
    await runs(page, 'completed', 1);
    await page.context().close();
    await server.stop();
}

async function one(browser, server, fn) {
    const page = await browser.newPage();
    const wrong = [];
    page.on('console', (m) => ['error', 'warning'].includes(m.type()) && wrong.push(m.text()));
    page.on('pageerror', (e) => wrong.push(String(e)));
    page.on('request', (r) => r.url() !== server.url && !r.url().startsWith('data:') && wrong.push(`loads ${r.url()}`));
    await page.goto(server.url);
    await state(page, 'connected');
    await fn(page);
    assert(wrong.length === 0, wrong.join('; '));
    await page.close();
}

(async () => {
    const browser = await launch();
    const server = await start(0);
    const only = process.argv.slice(2);
    for (const [name, fn] of Object.entries(cases))
        if (!only.length || only.includes(name)) await report(`agent_page/${name}`, () => one(browser, server, fn));
    await server.stop();
    for (const fn of [lost_connections, question_over_a_lost_connection, killed, snapshot, reload, taken_over, drained, token])
        if (!only.length || only.includes(fn.name)) await report(`agent_page/${fn.name}`, () => fn(browser));
    await browser.close();
    process.exit();
})();
