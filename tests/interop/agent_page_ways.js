// The page of agent_server in headless Chromium: agents, workflows and numbers, live; and every way to the server: proxies that let
// no WebSocket through, or hold a stream back, hops from one way to another in the middle of a run, and what the page says when
// there is no way.
'use strict';
const { ask, assert, launch, length, open, pace, part, report, runs, state } = require('./page_browser.js');
const { hasNginx, nginx, other, proxy, start } = require('./page_kit.js');

const via = (page, name) => page.waitForFunction((n) => document.querySelector('[data-wick="status"][data-state="connected"] .via')?.textContent === n, name,
    { timeout: 20000 });
const agent = (page, name, status) => page.waitForSelector(`.agent[data-agent="${name}"][data-state="${status}"]`);
const workflow = (page, id, status) => page.waitForSelector(`.workflow[data-workflow="${id}"][data-state="${status}"]`);
const metric = (page, name, value) => page.waitForFunction(([n, v]) =>
    document.querySelector(`#metrics [data-metric="${n}"] dd`)?.textContent === v, [name, value]);
const isUpgrade = (head) => /^upgrade:/im.test(head), isStream = (head) => /^accept: text\/event-stream/im.test(head);
/** In the page, a WebSocket is tried again after a second instead of five minutes. */
const soon = () => {
    const real = window.setTimeout;
    window.setTimeout = (task, ms, ...more) => real(task, ms === 300000 ? 1000 : ms, ...more);
};

async function begin(page, plan, ...agents) {
    for (const box of await page.$$('#choose input')) await box.setChecked(agents.includes(await box.getAttribute('value')));
    await page.fill('#plan', '');
    await page.type('#plan', plan);
    await page.press('#plan', 'Tab');
    await page.click('#begin button');
}

const live = {
    async agents_and_numbers(page) {
        assert(await page.isHidden('#monitor'), 'closed at first');
        await page.focus('#watch');
        await page.keyboard.press('Enter');
        for (const name of ['guide.content', 'guide.operations', 'liaison.data', 'liaison.experience']) await agent(page, name, 'idle');
        await metric(page, 'agents', '4');
        await ask(page, 'operations_pillar', 'Move it?');
        await agent(page, 'guide.operations', 'busy');
        await metric(page, 'pending_inputs', '1');
        assert((await page.getAttribute('#watch', 'aria-expanded')) === 'true', 'the button says that it is open');
        await page.fill('.run .question input', 'yes');
        await page.press('.run .question input', 'Enter');
        await agent(page, 'guide.operations', 'idle');
        await metric(page, 'completed', '1');
        await page.waitForFunction(() => document.querySelector('#curve polyline').getAttribute('points').includes(' '));
        // Closed, it costs nothing.
        await page.click('#close-monitor');
        assert(await page.$eval('#watch', (e) => e === document.activeElement), 'the focus is back');
        await page.waitForFunction(async () => (await (await fetch('api/websocket/health')).json()).connections === 1);
    },
    async workflows(page) {
        await page.click('#watch');
        await agent(page, 'liaison.experience', 'idle');
        await begin(page, 'Ship it?', 'liaison.data', 'guide.operations', 'guide.content');
        await workflow(page, 1, 'waiting_input');
        const bar = () => page.$eval('[data-workflow="1"] progress', ({ value, max, ariaLabel }) => [value, max, ariaLabel]);
        const [value, max, label] = await bar();
        assert(max === 3 && value > 0 && value < 3 && label === 'Progress of workflow 1', `${value} of ${max}: ${label}`);
        assert(/\d+ %/.test(await page.textContent('.workflow .share')), 'a share');
        assert((await page.textContent('.workflow .step')).includes('guide.operations'), 'the step');
        // A second one, beside it; the first stays open.
        await begin(page, '1 2 3', 'liaison.data');
        await workflow(page, 2, 'completed');
        assert((await page.textContent('.workflow[data-workflow="2"] pre')).includes('sum'), 'its result');
        await page.fill('.workflow[data-workflow="1"] .question input', 'on Monday');
        await page.press('.workflow[data-workflow="1"] .question input', 'Enter');
        await workflow(page, 1, 'completed');
        assert((await bar())[0] === 3, 'the bar is full');
        // One that is stopped; one that is not there; the rest after a reload.
        await begin(page, 'Wait?', 'guide.operations');
        await workflow(page, 3, 'waiting_input');
        await page.click('.workflow[data-workflow="3"] .stop');
        await workflow(page, 3, 'cancelled');
        await page.fill('#follow-id', '77');
        await page.press('#follow-id', 'Enter');
        await page.waitForFunction(() => document.querySelector('#workflow-problem').textContent === 'There is no workflow 77.');
        await page.click('.workflow[data-workflow="2"] .forget');
        await page.reload();
        await workflow(page, 3, 'cancelled');
        await workflow(page, 1, 'completed');
        assert((await page.$$('.workflow')).length === 2, 'the one that was removed stays away');
        await page.fill('#follow-id', '2');
        await page.press('#follow-id', 'Enter');
        await workflow(page, 2, 'completed');
    },
    async monitor_fits_390_px(page) {
        await page.setViewportSize({ width: 390, height: 844 });
        await page.click('#watch');
        await agent(page, 'liaison.data', 'idle');
        await metric(page, 'agents', '4');
        await begin(page, `${'long'.repeat(60)}?`, 'guide.operations');
        await page.waitForSelector('.workflow .question');
        const wide = await page.evaluate(() => [document.documentElement.scrollWidth, document.querySelector('#monitor').scrollWidth]);
        assert(wide[0] === 390 && wide[1] <= 390, `scrolls sideways: ${wide}`);
        await page.focus('#plan');
        await page.keyboard.press('Escape');
        assert(await page.isVisible(part('input')), 'back to the conversation');
        const nameless = await page.$$eval('button, input, select, textarea', (all) => all.filter((e) =>
            !e.textContent.trim() && !e.labels?.length && !e.getAttribute('aria-label')).map((e) => e.outerHTML));
        assert(nameless.length === 0, nameless.join());
    },
};

const ways = {
    /** With the view of the agents open, the server goes and comes: all is live again, and nothing is on the console. */
    async monitor_over_a_restart(browser) {
        let server = await start(0);
        const port = server.port, { page, done, quiet } = await open(browser, server.url);
        await page.click('#watch');
        await agent(page, 'liaison.data', 'idle');
        await begin(page, 'Wait?', 'guide.operations');
        await workflow(page, 1, 'waiting_input');
        await server.kill();
        await state(page, 'reconnecting');
        await page.waitForSelector('#monitor[data-live="false"]');
        server = await start(port);
        await state(page, 'connected');
        await workflow(page, 1, 'gone');
        await ask(page, 'operations_pillar', 'Here?');
        await agent(page, 'guide.operations', 'busy');
        await page.waitForTimeout(1500);
        quiet('over a restart');
        await done();
        await server.stop();
    },
    /** A bare proxy_pass of the real nginx: SSE, and it says why; then nginx is mended. */
    async nginx_without_upgrade(browser) {
        const server = await start(0), upstream = `proxy_pass http://127.0.0.1:${server.port};`;
        const before = await nginx(`location / { ${upstream} }`);
        const { page, done, said } = await open(browser, before.url, { before: soon });
        await via(page, 'SSE');
        for (const word of ['server-sent events', 'HTTP/1.0', 'proxy_http_version 1.1', 'Upgrade'])
            assert((await page.textContent('#why')).includes(word), `${word} in ${await page.textContent('#why')}`);
        await page.click('#why summary');
        await page.click('#watch');
        assert((await page.textContent('#monitor-note')).includes('need a WebSocket'), 'the monitor says what it lacks');
        await page.click('#close-monitor');
        const known = await page.$$eval('#why dl > *', (all) => all.map((e) => e.textContent).join(' '));
        for (const word of ['400, by the server itself', 'UPGRADE_STRIPPED_BY_PROXY', 'HOP_STRIPPED_HTTP10', 'http=1.0'])
            assert(known.includes(word), `${word} in ${known}`);
        await pace(page, 1500, 300);
        await ask(page, 'experience_pillar', 'heron ');
        await ask(page, 'operations_pillar', 'Move it?');
        await page.waitForSelector('.question input');
        await page.fill('.question input', 'over HTTP');
        await page.press('.question input', 'Enter');
        await runs(page, 'completed', 1);
        assert((await page.textContent('.run:nth-of-type(2) .text')).includes('over HTTP'), 'the answer arrived');
        assert(said.every((line) => line.includes('WebSocket connection to')), said.join('; '));
        await before.change(upstream, `${upstream} proxy_http_version 1.1; proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;`);
        await via(page, 'WebSocket');
        assert(await page.isHidden('#why'), 'nothing is wrong any more');
        await runs(page, 'completed', 2);
        assert((await page.textContent('.run .text')) === 'heron '.repeat(1500), 'no token lost or repeated');
        await done();
        await before.stop();
        await server.stop();
    },
    /** From one way to another in the middle of a run of 4000 tokens, by what gets through and by cutting all connections. */
    async hops(browser) {
        const server = await start(0), between = await proxy(server.port);
        const { page, done } = await open(browser, between.url, { before: soon });
        await pace(page, 4000, 250);
        await ask(page, 'experience_pillar', 'egret ');
        const takes = [['SSE', (head) => (isUpgrade(head) ? 'rst' : undefined)], ['WebSocket', () => undefined],
                       ['long poll', (head) => (isUpgrade(head) || isStream(head) ? 'rst' : undefined)], ['WebSocket', () => undefined]];
        let hops = 0;
        for (; hops < 8 && !(await page.$('.run[data-state="completed"]')); hops++) {
            const [to, rule] = takes[hops % takes.length];
            between.rule(rule);
            if (to !== 'WebSocket') between.cut(hops % 3 ? 'rst' : 'fin');
            await via(page, to);
            const so_far = await page.$eval('.run .text', (e) => e.textContent.length);
            if (so_far < 24000) await length(page, Math.min(24000, so_far + 300));
        }
        assert(hops >= 4, `${hops} hops`);
        await runs(page, 'completed', 1);
        const text = await page.textContent('.run .text');
        assert(text === 'egret '.repeat(4000), `${text.length} bytes of 24000`);
        assert((await page.$$('.run')).length === 1, 'one run');
        await done();
        between.stop();
        await server.stop();
    },
    /** A stream that is held back on the way: long poll. */
    async held_back(browser) {
        const server = await start(0);
        const between = await proxy(server.port, (head) => (isUpgrade(head) ? 'rst' : isStream(head) ? 'hang' : undefined));
        const { page, done } = await open(browser, between.url);
        await via(page, 'long poll');
        await ask(page, 'experience_pillar', 'wren');
        await runs(page, 'completed', 1);
        assert((await page.textContent('#why')).includes('long polling'), 'it says so');
        await done();
        between.stop();
        await server.stop();
    },
    /** A page of another origin imports the module from the server, and talks to it; or is told what to change. */
    async from_another_origin(browser) {
        let server;
        const front = await other((request, response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end(`<!doctype html>
            <p id="text"></p><p id="state"></p><p id="why"></p><script type="module">
            import { WickClient } from '${server.url}wick.js';
            const client = new WickClient({ url: '${server.url.replace('http', 'ws')}api/runtime/agent'${decodeURIComponent(request.url.slice(2))} });
            const write = (id, text) => (document.querySelector(id).textContent = text);
            client.onstate = (state, { transport }) => write('#state', state + ' ' + transport);
            client.onproblem = ({ text }) => write('#why', text);
            client.onevent = ({ type, payload }) => type === 'agent.token' && document.querySelector('#text').append(payload.text);
            client.open();
            client.ask('from elsewhere');
            </script>`));
        const shows = (page, id, text) => page.waitForFunction(([i, t]) => document.querySelector(i).textContent.includes(t), [id, text],
            { timeout: 20000 });
        server = await start(0, '--origin', front.url.slice(0, -1));
        for (const [way, more] of [['websocket', ''], ['sse', ",transports:['sse']"], ['poll', ",transports:['poll']"]]) {
            const { page, done, quiet } = await open(browser, `${front.url}?${more}`, { connected: false });
            await shows(page, '#state', `connected ${way}`);
            await shows(page, '#text', 'from elsewhere');
            quiet(way);
            await done();
        }
        await server.stop();
        server = await start(0);
        const { page, done } = await open(browser, front.url, { connected: false });
        await shows(page, '#why', `does not let a page of ${front.url.slice(0, -1)} read it`);
        await done();
        front.stop();
        await server.stop();
    },
    /** Something before the server answers for it: not the server's stamp, and what that means. */
    async not_the_server(browser) {
        const server = await start(0), pass = `proxy_pass http://127.0.0.1:${server.port};`;
        for (const [status, words] of [[403, ['firewall', 'no Wick-Server']], [404, ['no route', 'no Wick-Server']]]) {
            const before = await nginx(`location / { ${pass} } location = /api/runtime/agent { return ${status}; }`);
            const { page, done } = await open(browser, before.url, { connected: false });
            await state(page, 'offline');
            const text = await page.textContent('.notices');
            for (const word of [String(status), ...words]) assert(text.includes(word), `${word} in ${text}`);
            assert(await page.isVisible('#notice button'), 'one may try again');
            await done();
            await before.stop();
        }
        const before = await nginx(`location / { ${pass} } location /api/ { proxy_pass http://127.0.0.1:1; }`);
        const { page, done } = await open(browser, before.url, { connected: false });
        await page.waitForFunction(() => document.querySelector('#why p').textContent.includes('502'));
        const text = await page.textContent('#why');
        assert(text.includes('refuses the connection') && text.includes('no Wick-Server'), text);
        await state(page, 'reconnecting');
        await done();
        await before.stop();
        await server.stop();
    },
};

async function one(browser, fn) {
    const server = await start(0), { page, done, quiet } = await open(browser, server.url);
    const elsewhere = [];
    page.on('request', (r) => r.url().startsWith(server.url) || /^(data|blob):/.test(r.url()) || elsewhere.push(r.url()));
    await fn(page);
    quiet('');
    assert(elsewhere.length === 0, `loads ${elsewhere}`);
    await done();
    await server.stop();
}

(async () => {
    const browser = await launch(), only = process.argv.slice(2), wanted = (name) => !only.length || only.includes(name);
    for (const [name, fn] of Object.entries(live))
        if (wanted(name)) await report(`agent_page_ways/${name}`, () => one(browser, fn));
    for (const [name, fn] of Object.entries(ways)) {
        if (!wanted(name)) continue;
        if (!hasNginx && /nginx|not_the_server/.test(name)) console.log(`skip agent_page_ways/${name}: nginx is not installed`);
        else await report(`agent_page_ways/${name}`, () => fn(browser));
    }
    await browser.close();
    process.exit();
})();
