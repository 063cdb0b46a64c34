// examples/web/wick.js in node: against a server that does as the case says, to the message, and against agent_server.
'use strict';
const assert = require('assert');
const { spawn } = require('child_process');
const fs = require('fs');
const WebSocket = require('ws');

globalThis.WebSocket = WebSocket;
const build = process.env.B || 'build';
const source = fs.readFileSync('examples/web/wick.js');
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

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

async function until(what, why) {
    for (let i = 0; i < 500 && !what(); i++) await pause(10);
    assert(what(), why);
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
        client._connect = () => {};
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

/** 4000 tokens of agent_server, the connection ended 20 times on the way. */
async function agent_server(WickClient) {
    const child = spawn(`${build}/bin/agent_server`, ['--port', '0'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const url = await new Promise((done) => child.stdout.once('data', (line) => done(/http:\/\/(\S+)\//.exec(line)[1])));
    process.once('exit', () => child.kill('SIGKILL'));
    const client = listening(WickClient, { url: `ws://${url}/api/runtime/agent` });
    client.open();
    client.ask('egret ', { surface: 'experience_pillar', tokens: 4000, rate: 2000 });
    for (let i = 1; i <= 20; i++) {
        await until(() => client.text.length >= i * 900, `${client.text.length} bytes`);
        client._socket.terminate();
    }
    await until(() => client.types.includes('agent.completed'), 'the end');
    assert(client.text === 'egret '.repeat(4000), `${client.text.length} bytes of 24000`);
    assert.strictEqual(client.types.filter((type) => type === 'agent.completed').length, 1);
    assert.strictEqual(client.types.filter((type) => type === 'session.reset').length, 0);
    client.leave();
    await until(() => client.states.at(-1).verdict === 'closed', 'left');
    child.kill('SIGTERM');
}

async function report(name, fn) {
    const random = Math.random;
    let timer;
    Math.random = () => 0.01; // the pauses are short
    try {
        await Promise.race([fn(), new Promise((_, no) => (timer = setTimeout(() => no(new Error('takes too long')), 20000)))]);
        console.log(`ok agent_page_module/${name}`);
    } catch (error) {
        console.log(`not ok agent_page_module/${name}: ${error.message.replace(/\s+/g, ' ')}`);
        process.exitCode = 1;
    }
    clearTimeout(timer);
    Math.random = random;
}

(async () => {
    const { WickClient } = await import(`data:text/javascript;base64,${source.toString('base64')}`);
    for (const [name, fn] of Object.entries(cases)) {
        await report(name, async () => {
            const server = await scripted();
            const client = listening(WickClient, { url: server.url });
            client.open();
            await fn(client, server, WickClient);
            client.close();
            server.stop();
        });
    }
    await report('agent_server', () => agent_server(WickClient));
    process.exit();
})();
