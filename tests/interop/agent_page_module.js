// examples/web/wick.js in node: against a server that does as the case says, to the message, and against agent_server.
'use strict';
const assert = require('assert');
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const { pathToFileURL } = require('url');
const WebSocket = require('ws');
const { folder, hasNginx, nginx, other, pause, proxy, start, until } = require('./page_kit.js');

/* As in a browser, an attempt that is given up is no error of the program's. */
globalThis.WebSocket = class extends WebSocket {
    constructor(...all) {
        super(...all);
        this.on('error', () => {});
    }
};

/** A server to be written by hand: next() is the next connection; its hear() the next message, its say() answers. */
async function scripted() {
    const server = new WebSocket.Server({ port: 0, host: '127.0.0.1' });
    const waiting = [], come = [];
    await new Promise((done) => server.once('listening', done));
    server.on('connection', (socket) => {
        const heard = [], ears = [];
        socket.on('message', (data) => {
            const message = JSON.parse(data);
            if (ears.length) ears.shift()(message);
            else heard.push(message);
        });
        const closed = new Promise((done) => socket.on('close', done));
        const connection = {
            protocol: socket.protocol,
            heard,
            closed,
            hear: () => (heard.length ? Promise.resolve(heard.shift()) : new Promise((ear) => ears.push(ear))),
            say: (message) => socket.send(JSON.stringify(message)),
            token: (first, last) => socket.send(JSON.stringify({ ...(last && { first_seq: first }), seq: last ?? first,
                type: 'agent.token', invocation_id: 'r', payload: { message_id: 'm', text: `${first}${last ? `-${last}` : ''} ` } })),
            opened: (more) => socket.send(JSON.stringify({ type: 'session.opened', payload: { version: '1.0', session_id: 's',
                resume_token: 't1', epoch: 7, head_seq: 0, recovered: false, heartbeat: { interval_ms: 25000, timeout_ms: 20000 },
                limits: {}, ...more } })),
            close: (code, reason) => socket.close(code, reason),
            cut: () => socket.terminate(),
        };
        if (waiting.length) waiting.shift()(connection);
        else come.push(connection);
    });
    return {
        url: `ws://127.0.0.1:${server.address().port}/`,
        next: () => (come.length ? Promise.resolve(come.shift()) : new Promise((done) => waiting.push(done))),
        waiting: come,
        stop: () => {
            for (const socket of server.clients) socket.terminate();
            server.close();
        },
    };
}

/** A client that writes down what it is told. */
function listening(WickClient, options) {
    const client = new WickClient(options);
    client.text = '';
    client.types = [];
    client.states = [];
    client.onevent = (event) => {
        client.types.push(event.type);
        if (event.type === 'agent.token') client.text += event.payload.text;
    };
    client.onstate = (state, info) => client.states.push({ state, ...info });
    return client;
}

const cases = {
    async duplicates_and_gaps(client, server) {
        let to = await server.next();
        const open = await to.hear();
        assert.strictEqual(to.protocol, 'agent-events.v1');
        assert.strictEqual(open.type, 'session.open');
        assert(!('session_id' in open.payload) && !('epoch' in open.payload));
        to.opened();
        for (const n of [1, 2, 2, 1, 3]) to.token(n);
        to.token(4, 6);
        to.token(5);
        to.token(7);
        to.token(9);
        assert.strictEqual(await to.closed, 4510);
        assert.strictEqual(client.text, '1 2 3 4-6 7 ');
        to = await server.next();
        const again = await to.hear();
        assert.deepStrictEqual([again.payload.session_id, again.payload.resume_token, again.payload.epoch, again.payload.last_seq],
                               ['s', 't1', 7, 7]);
        to.opened({ resume_token: 't2', head_seq: 9, recovered: true, replay_from: 8, replay_count: 2 });
        to.token(8);
        to.token(9);
        await until(() => client.text.endsWith('8 9 '), 'what was missed');
        assert(client.replaying);
        to.token(10);
        await until(() => !client.replaying, 'news');
        assert.strictEqual(client.session.resume_token, 't2');
    },
    async acks(client, server) {
        const to = await server.next();
        await to.hear();
        to.opened();
        const begun = Date.now();
        for (let n = 1; n <= 33; n++) to.token(n);
        assert.deepStrictEqual(await to.hear(), { type: 'ack', payload: { seq: 32 } });
        assert(Date.now() - begun < 900);
        assert.deepStrictEqual(await to.hear(), { type: 'ack', payload: { seq: 33 } });
        assert(Date.now() - begun > 900 && Date.now() - begun < 3000);
    },
    async reset_cut_off(client, server) {
        let to = await server.next();
        await to.hear();
        to.opened();
        to.token(1);
        await until(() => client.text === '1 ');
        to.cut();
        to = await server.next();
        await to.hear();
        to.opened({ epoch: 8, head_seq: 40, resume_token: 't2' });
        await until(() => client.state === 'connected');
        to.cut(); // between session.opened and session.reset
        to = await server.next();
        const { payload } = await to.hear();
        assert.deepStrictEqual([payload.session_id, payload.resume_token, payload.epoch, payload.last_seq], ['s', 't2', 0, 0]);
        to.opened({ epoch: 8, head_seq: 41, resume_token: 't3' });
        to.say({ type: 'session.reset', payload: { reason: 'epoch_changed', epoch: 8, head_seq: 41, snapshot: { invocations: [] } } });
        to.token(42);
        await until(() => client.text === '1 42 ', client.text);
        assert(client.types.includes('session.reset'));
        to.cut();
        to = await server.next();
        assert.deepStrictEqual(await to.hear().then((m) => [m.payload.epoch, m.payload.last_seq]), [8, 42]);
    },
    async unanswered_again(client, server) {
        const early = client.ask('while there is nobody');
        let to = await server.next();
        await to.hear();
        to.opened();
        const first = await to.hear();
        assert.strictEqual(first.id, early.id);
        assert.strictEqual(first.payload.invocation_id, early.invocation_id);
        to.say({ type: 'accepted', re: first.id, payload: { invocation_id: early.invocation_id } });
        const second = client.ask('no answer'), third = client.ask('not now');
        assert.strictEqual((await to.hear()).id, second.id);
        to.say({ type: 'error', re: (await to.hear()).id, payload: { code: 'DRAINING', message: 'later', retryable: true } });
        await until(() => !client.unanswered(early.id));
        assert(client.unanswered(second.id) && client.unanswered(third.id));
        assert(!client.types.includes('error'));
        to.close(1001, '');
        to = await server.next();
        await to.hear();
        to.opened({ recovered: true });
        assert.deepStrictEqual([(await to.hear()).id, (await to.hear()).id], [second.id, third.id]);
        to.say({ type: 'error', re: second.id, payload: { code: 'INVALID_PAYLOAD', message: 'no', retryable: false } });
        to.say({ type: 'accepted', re: third.id, payload: { duplicate: true } });
        await until(() => !client.unanswered(third.id));
        assert(!client.unanswered(second.id) && client.types.includes('error'));
    },
    async verdicts(client, server) {
        const over = [[1003, 'refused'], [1008, 'refused'], [4400, 'refused'], [4401, 'unauthorized'], [4403, 'forbidden'],
                      [4404, 'not_found'], [4406, 'version'], [4409, 'taken_over'], [4429, 'refused'], [1000, 'closed']];
        for (const [code, verdict] of over) {
            const to = await server.next();
            await to.hear();
            to.opened({ recovered: true });
            to.close(code, 'NAME: why');
            await until(() => client.state === 'offline', `${code}`);
            assert.deepStrictEqual(client.states.at(-1), { state: 'offline', verdict, code, reason: 'NAME: why' });
            await pause(60);
            assert.strictEqual(server.waiting.length, 0);
            client.open();
        }
        for (const code of [1001, 1011, 1012, 1013, 4500, 4501, 4503, 4508, 4509, 4510, 4529]) {
            const to = await server.next();
            await to.hear();
            to.opened({ recovered: true });
            to.close(code, '');
            await until(() => client.states.some((s) => s.code === code && s.state === 'reconnecting' && s.retryAt), `${code}`);
        }
    },
    async pauses(client, server) {
        const random = Math.random;
        const waits = [];
        let to = await server.next();
        to.cut();
        Math.random = () => 0.999;
        client._connect = async () => {};
        await until(() => client.states.at(-1).retryAt);
        for (let i = 0; i < 9; i++) {
            client._pause(1006, '');
            waits.push(Math.round((client.states.at(-1).retryAt - Date.now()) / 999 * 2));
        }
        Math.random = () => 0;
        client._pause(1006, '');
        assert(client.states.at(-1).retryAt <= Date.now());
        Math.random = random;
        assert.deepStrictEqual(waits, [2, 4, 8, 16, 32, 60, 60, 60, 60]);
    },
    async session_handed_on(client, server, WickClient) {
        let to = await server.next();
        await to.hear();
        let kept = null;
        client.onsession = (session) => (kept = session);
        to.opened({ epoch: 9 });
        to.token(1);
        const asked = client.ask('over a reload');
        await to.hear();
        await until(() => client.text === '1 ');
        client.close();
        const next = listening(WickClient, { url: server.url, session: { ...JSON.parse(JSON.stringify(kept)), last_seq: 0 } });
        next.open();
        to = await server.next();
        const { payload } = await to.hear();
        assert.deepStrictEqual([payload.session_id, payload.resume_token, payload.epoch, payload.last_seq], ['s', 't1', 9, 0]);
        to.opened({ epoch: 9, head_seq: 1, recovered: true, replay_from: 1, replay_count: 1 });
        to.token(1);
        assert.strictEqual((await to.hear()).id, asked.id);
        const other = next.ask('new');
        assert.notStrictEqual(other.id, asked.id);
        await until(() => next.text === '1 ');
        next.close();
    },
};

/** A client that also checks that no event is missing or comes twice, whatever it goes over. */
function counting(WickClient, options) {
    const client = listening(WickClient, options);
    client.ends = client.starts = client.seen = 0;
    client.problems = [];
    client.ways = new Set();
    client.onproblem = (problem) => client.problems.push(problem);
    client.onevent = (event) => {
        client.types.push(event.type);
        client.ways.add(client.transport);
        if (event.seq) {
            assert.strictEqual(event.first_seq ?? event.seq, client.seen + 1);
            client.seen = event.seq;
        }
        if (event.type === 'agent.started') client.starts++;
        if (event.type === 'agent.token') client.text += event.payload.text;
        if (event.type === 'agent.completed' || event.type === 'agent.failed') client.ends++;
    };
    return client;
}

const isUpgrade = (head) => /^upgrade:/im.test(head), isStream = (head) => /^accept: text\/event-stream/im.test(head);
const at = (url, more) => ({ url: `${url.replace('http', 'ws')}api/runtime/agent`, ...more });

const live = {
    /** 4000 tokens, the connection ended 20 times on the way. */
    async agent_server(WickClient) {
        const server = await start(0), client = counting(WickClient, at(server.url));
        client.open();
        client.ask('egret ', { surface: 'experience_pillar', tokens: 4000, rate: 2000 });
        for (let i = 1; i <= 20; i++) {
            await until(() => client.text.length >= i * 900, () => `${client.text.length} bytes`);
            client._carrier.socket.terminate();
        }
        await until(() => client.ends, 'the end');
        assert(client.text === 'egret '.repeat(4000), `${client.text.length} bytes of 24000`);
        assert.strictEqual(client.ends, 1);
        assert.strictEqual(client.types.filter((type) => type === 'session.reset').length, 0);
        assert.deepStrictEqual([...client.ways], ['websocket']);
        client.leave();
        await until(() => client.states.at(-1).verdict === 'closed', 'left');
        await server.stop();
    },
    /** The same while the transports take turns: what gets through changes, and all connections are cut. */
    async hops(WickClient) {
        const server = await start(0), between = await proxy(server.port);
        const client = counting(WickClient, at(between.url, { websocketAgainMs: 150 }));
        const takes = [['sse', (head) => (isUpgrade(head) ? 'rst' : undefined)], ['websocket', () => undefined],
                       ['poll', (head) => (isUpgrade(head) || isStream(head) ? 'rst' : undefined)], ['websocket', () => undefined]];
        client.open();
        client.ask('heron ', { surface: 'experience_pillar', tokens: 4000, rate: 400 });
        let hops = 0;
        for (let before = 0; !client.ends; hops++) {
            const [to, rule] = takes[hops % takes.length];
            between.rule(rule);
            if (to !== 'websocket' || hops % 8 > 3) between.cut(hops % 3 ? 'rst' : 'fin');
            await until(() => client.ends || (client.transport === to && client.state === 'connected' && client.text.length > before),
                () => `no ${to} but ${client.transport}, ${client.state}`);
            before = client.text.length + 300;
        }
        assert(client.text === 'heron '.repeat(4000), `${client.text.length} bytes of 24000`);
        assert.deepStrictEqual([client.starts, client.ends, client.seen], [1, 1, 4002]);
        assert.deepStrictEqual([...client.ways].sort(), ['poll', 'sse', 'websocket']);
        assert(hops >= 4, `${hops} hops`);
        client.close();
        between.stop();
        await server.stop();
    },
    /** Answers that are lost: what was said is said again, and runs once. */
    async said_once(WickClient) {
        const server = await start(0);
        let lost = 0;
        const between = await proxy(server.port, (head) => {
            if (isUpgrade(head)) return 'rst';
            return head.startsWith('POST') && ++lost % 3 === 1 ? 'swallow' : undefined;
        });
        const client = counting(WickClient, at(between.url));
        client.open();
        const asked = [];
        for (let i = 0; i < 5; i++) {
            asked.push(client.ask(`message ${i}`));
            await until(() => client.ends > i, () => `${client.ends} ends of ${i + 1}`);
        }
        assert.deepStrictEqual([client.starts, client.ends], [5, 5]);
        await until(() => asked.every(({ id }) => !client.unanswered(id)), 'every answer');
        assert(lost >= 10, `${lost} posts`);
        assert.strictEqual(client.text, asked.map((_, i) => `message ${i}`).join(''));
        client.close();
        between.stop();
        await server.stop();
    },
    /** A question, its answer by POST; an error; leaving. All of it over each kind of HTTP. */
    async over_http(WickClient) {
        const server = await start(0);
        for (const way of ['sse', 'poll']) {
            const client = counting(WickClient, at(server.url, { transports: [way] }));
            const events = [], take = client.onevent;
            client.onevent = (event) => take(event) || events.push(event);
            client.open();
            const run = client.ask('Move it?', { surface: 'operations_pillar' });
            await until(() => client.types.includes('agent.input_request'), 'a question');
            client.answer(events.find(({ type }) => type === 'agent.input_request').payload.request_id, 'at noon');
            await until(() => client.ends, 'the end');
            assert(client.text.includes('at noon') && events.some((e) => e.type === 'accepted' && e.re === run.id));
            const large = client.ask('y'.repeat(262145));
            await until(() => !client.unanswered(large.id), 'a refusal');
            assert(events.some((e) => e.type === 'error' && e.re === large.id && e.payload.code === 'INVALID_PAYLOAD'));
            for (let i = 0; i < 150; i++) client.request('room.join', { room: `r${i % 30}` });
            await until(() => client._outbox.size === 0, 'many at once');
            /* Another client goes on with the session, and this one is told when it comes back. */
            const next = counting(WickClient, at(server.url, { session: client.session }));
            next.seen = client.seen;
            next.open();
            await until(() => next.state === 'connected', 'the other one');
            next.close();
            next.open();
            await until(() => next.state === 'connected', 'the other one again');
            client.request('room.join', { room: 'late' });
            await until(() => client.states.at(-1).verdict === 'forbidden', JSON.stringify(client.states.at(-1)));
            next.leave();
            await until(() => next.states.at(-1).verdict === 'closed', 'left');
            const last = counting(WickClient, at(server.url, { transports: [way] }));
            last.open();
            await until(() => last.state === 'connected', 'a last one');
            assert.strictEqual(last.transport, way);
            last.leave();
            await until(() => last.states.at(-1).verdict === 'closed', `left over ${way}`);
            assert.strictEqual(last.session, null);
        }
        const health = await (await fetch(`${server.url}api/websocket/health`)).json();
        assert.strictEqual(health.connections, 0);
        await server.stop();
    },
    /** The server is restarted under a client that has no WebSocket: session.reset, and on. */
    async restarted_over_http(WickClient) {
        let server = await start(0);
        const port = server.port, client = counting(WickClient, at(server.url, { transports: ['sse'] }));
        client.open();
        client.ask('before');
        await until(() => client.ends === 1, 'a run');
        await server.kill();
        await until(() => client.state === 'reconnecting', 'it sees that');
        const asked = client.ask('while it is down');
        client.seen = 0;
        server = await start(port);
        await until(() => client.ends === 2, 'the message that has waited');
        assert(client.types.includes('session.reset') && !client.unanswered(asked.id));
        assert.strictEqual(client.text, 'beforewhile it is down');
        client.close();
        await server.stop();
    },
    /** A stream that is held back: long poll, and no event is missing. */
    async held_back(WickClient) {
        const server = await start(0);
        const between = await proxy(server.port, (head) => (isUpgrade(head) ? 'rst' : isStream(head) ? 'hang' : undefined));
        const client = counting(WickClient, at(between.url));
        client.open();
        client.ask('wren ', { surface: 'experience_pillar', tokens: 300, rate: 300 });
        await until(() => client.ends, 'the end', 15000);
        assert.strictEqual(client.text, 'wren '.repeat(300));
        assert.strictEqual(client.transport, 'poll');
        client.close();
        between.stop();
        await server.stop();
    },
    /** A proxy that answers 101 for itself, and then nothing comes: node http-proxy without an upgrade listener. */
    async nothing_behind_the_101(WickClient) {
        const server = await start(0), guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
        const between = await proxy(server.port, (head) => {
            const key = /^sec-websocket-key: (\S+)/im.exec(head);
            return key && 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
                'Sec-WebSocket-Protocol: agent-events.v1\r\n' +
                `Sec-WebSocket-Accept: ${crypto.createHash('sha1').update(key[1] + guid).digest('base64')}\r\n\r\n`;
        });
        const client = counting(WickClient, at(between.url, { websocketAgainMs: 200 }));
        client.open();
        client.ask('crane ', { surface: 'experience_pillar', tokens: 400, rate: 400 });
        await until(() => client.transport === 'sse' && client.state === 'connected', 'SSE');
        assert.strictEqual(client.problems.length, 3);
        /* Tried again and again beside it, and no token is lost for that. */
        await until(() => client.ends, 'the end');
        assert.strictEqual(client.text, 'crane '.repeat(400));
        assert(client.states.filter(({ state }) => state === 'connected').length > 2 && client.transport === 'sse');
        client.close();
        between.stop();
        await server.stop();
    },
    /** What a listener throws is its own fault, and no reason to lose the connection. */
    async listener_throws(WickClient) {
        const server = await start(0), client = counting(WickClient, at(server.url, { transports: ['sse'] })), thrown = [];
        const take = client.onevent;
        client.onevent = (event) => {
            take(event);
            if (event.type === 'agent.started') throw new Error('of the application');
        };
        process.on('uncaughtException', (error) => thrown.push(error.message));
        client.open();
        client.ask('one');
        await until(() => client.ends && thrown.length, 'the end');
        assert.deepStrictEqual(thrown, ['of the application']);
        assert(client.states.every(({ state }) => state !== 'reconnecting'));
        process.removeAllListeners('uncaughtException');
        client.close();
        await server.stop();
    },
    /** Nothing speaks against WebSockets when the server is merely down. */
    async down_is_no_reason(WickClient) {
        let server = await start(0);
        const port = server.port, client = counting(WickClient, at(server.url));
        await server.kill();
        client.open();
        await until(() => client.problems.length > 5, 'attempts');
        assert(client.problems.every(({ reached, text }) => !reached && text.includes('does not answer')));
        server = await start(port);
        await until(() => client.state === 'connected', 'there again');
        assert.strictEqual(client.transport, 'websocket');
        client.close();
        await server.stop();
    },
    /** The real nginx, first without and then with the lines that it needs. */
    async stripped_by_nginx(WickClient) {
        const server = await start(0), upstream = `proxy_pass http://127.0.0.1:${server.port};`;
        const before = await nginx(`location / { ${upstream} }`);
        const client = counting(WickClient, at(before.url, { websocketAgainMs: 500 }));
        client.open();
        client.ask('ibis ', { surface: 'experience_pillar', tokens: 1500, rate: 400 });
        await until(() => client.text.length > 500, 'tokens');
        assert.deepStrictEqual([client.transport, client.problems.length, client.problems[0].stamped], ['sse', 1, true]);
        assert.deepStrictEqual([client.problems[0].code, client.problems[0].cause], ['UPGRADE_STRIPPED_BY_PROXY', 'HOP_STRIPPED_HTTP10']);
        assert(client.problems[0].text.includes('HTTP/1.0') && client.problems[0].hint.includes('Upgrade'), client.problems[0].text);
        await before.change(upstream, `${upstream} proxy_http_version 1.1; proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;`);
        await until(() => client.transport === 'websocket' && client.state === 'connected', 'a WebSocket');
        await until(() => client.ends, 'the end');
        assert(client.text === 'ibis '.repeat(1500), `${client.text.length} bytes of 7500`);
        assert.deepStrictEqual([client.starts, client.ends, client.seen], [1, 1, 1502]);
        client.close();
        await before.stop();
        await server.stop();
    },
    /** What is in between says something of its own. */
    async says_why(WickClient) {
        const server = await start(0);
        const say = (status, type, body) => (_, response) => response.writeHead(status, { 'Content-Type': type }).end(body);
        const firm = [[403, 'forbidden', 'firewall'], [404, 'not_found', 'no route'], [401, 'unauthorized', 'login']];
        for (const [status, verdict, word] of firm) {
            const before = await other(say(status, 'text/html', '<h1>no</h1>')), client = counting(WickClient, at(before.url));
            client.open();
            await until(() => client.state === 'offline', `${status}`);
            const { problem, reason, ...info } = client.states.at(-1);
            assert.deepStrictEqual([info.verdict, info.status, problem.stamped, problem.reached], [verdict, status, false, true]);
            assert(reason === problem.text && reason.includes(word) && reason.startsWith(String(status)), reason);
            before.stop();
        }
        const passing = [[502, 'refuses the connection'], [503, 'is down'], [504, 'does not answer'], [200, 'a page of its own']];
        for (const [status, word] of passing) {
            const before = await other(say(status, 'text/html', '<h1>hm</h1>')), client = counting(WickClient, at(before.url));
            client.open();
            await until(() => client.problems.length, `${status}`);
            const [problem] = client.problems;
            assert(problem.text.includes(word) && !problem.stamped && problem.status === status, problem.text);
            /* A proxy that finds no server says nothing about WebSockets. */
            if (status > 500) await until(() => client.problems.length > 4, `${status} again and again`);
            assert.strictEqual(client.transport, 'websocket');
            client.close();
            before.stop();
        }
        /* The server itself: a path that it does not have. */
        const lost = counting(WickClient, { url: `${server.url.replace('http', 'ws')}api/nothing` });
        lost.open();
        await until(() => lost.state === 'offline', 'a verdict');
        const { verdict, problem } = lost.states.at(-1);
        assert.deepStrictEqual([verdict, problem.stamped, problem.code], ['not_found', true, 'ROUTE_NOT_FOUND']);
        await server.stop();
    },
};

async function report(name, fn) {
    const random = Math.random;
    let timer;
    Math.random = () => 0.01; // the pauses are short
    try {
        await Promise.race([fn(), new Promise((_, no) => (timer = setTimeout(() => no(new Error('takes too long')), 90000)))]);
        console.log(`ok agent_page_module/${name}`);
    } catch (error) {
        console.log(`not ok agent_page_module/${name}: ${error.message.replace(/\s+/g, ' ')}`);
        process.exitCode = 1;
    }
    clearTimeout(timer);
    Math.random = random;
}

(async () => {
    // A folder that says that its .js files are modules.
    const copy = folder(), only = process.argv.slice(2);
    for (const name of ['wick.js', 'wick-transport.js']) fs.copyFileSync(path.join('examples/web', name), path.join(copy, name));
    fs.writeFileSync(path.join(copy, 'package.json'), '{"type":"module"}');
    const { WickClient } = await import(pathToFileURL(path.resolve(copy, 'wick.js')).href);
    for (const [name, fn] of Object.entries(cases)) {
        if (only.length && !only.includes(name)) continue;
        await report(name, async () => {
            const server = await scripted();
            const client = listening(WickClient, { url: server.url });
            client.open();
            await fn(client, server, WickClient);
            client.close();
            server.stop();
        });
    }
    for (const [name, fn] of Object.entries(live)) {
        if (only.length && !only.includes(name)) continue;
        if (name === 'stripped_by_nginx' && !hasNginx) console.log(`skip agent_page_module/${name}: nginx is not installed`);
        else await report(name, () => fn(WickClient));
    }
    process.exit();
})();
