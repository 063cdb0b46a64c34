// agent_server against npm ws: the user's message, several runs on one socket, the end.
'use strict';
const { spawn } = require('child_process');
const WebSocket = require('ws');

const build = process.env.B || 'build';

function start(...options) {
    return new Promise((resolve, reject) => {
        const child = spawn(`${build}/bin/agent_server`, ['--port', '0', ...options], { stdio: ['ignore', 'pipe', 'ignore'] });
        child.stdout.once('data', (line) => {
            const match = /listening on http:\/\/(\S+)\//.exec(line);
            if (!match) return reject(new Error(`says ${line}`));
            resolve({
                url: `ws://${match[1]}/api/runtime/agent`,
                stop: () => new Promise((done) => {
                    child.once('exit', (code) => done(code));
                    child.kill('SIGTERM');
                }),
            });
        });
        child.once('error', reject);
    });
}

function connect(url, ...rest) {
    return new Promise((resolve, reject) => {
        const ws = new WebSocket(url, ...rest);
        const waiting = [], here = [];
        ws.on('message', (data) => {
            const event = JSON.parse(data);
            if (waiting.length) waiting.shift()(event);
            else here.push(event);
        });
        ws.next = () => (here.length ? Promise.resolve(here.shift()) : new Promise((r) => waiting.push(r)));
        ws.once('open', () => resolve(ws));
        ws.once('error', reject);
        ws.once('unexpected-response', (request, response) => reject(Object.assign(new Error('refused'), { response })));
    });
}

async function rest(ws, count = 1) {
    const events = [];
    while (count) {
        events.push(await ws.next());
        if (['agent.completed', 'agent.failed', 'error'].includes(events.at(-1).type)) count--;
    }
    return events;
}

const cases = {
    async the_users_message(server) {
        const ws = await connect(server.url);
        ws.send('{"type":"agent.message","payload":{"text":"Summarize this file","context":{"surface":"content_pillar","project_id":"123"}}}');
        const events = await rest(ws);
        const types = events.map((e) => e.type);
        if (types[0] !== 'agent.started' || types.at(-1) !== 'agent.completed' || !types.includes('agent.token'))
            throw new Error(types);
        events.forEach((e, i) => {
            if (e.seq !== i + 1) throw new Error(`seq ${e.seq} at ${i}`);
        });
        if (events.filter((e) => e.type === 'agent.token').map((e) => e.payload.text).join('') !== 'Summarize this file')
            throw new Error('another text');
        ws.close();
    },
    async runs_take_turns(server) {
        const ws = await connect(server.url);
        for (let i = 0; i < 20; i++)
            ws.send(JSON.stringify({ type: 'agent.message', payload: { text: `${i} `, invocation_id: `i${i}`,
                context: { surface: 'experience_pillar', tokens: 50 } } }));
        const texts = {};
        for (const e of await rest(ws, 20))
            if (e.type === 'agent.token') texts[e.invocation_id] = (texts[e.invocation_id] || '') + e.payload.text;
        for (let i = 0; i < 20; i++)
            if (texts[`i${i}`] !== `${i} `.repeat(50)) throw new Error(`run ${i}: ${texts[`i${i}`]}`);
        ws.close();
    },
    async fragments_and_pings(server) {
        const ws = await connect(server.url);
        const text = '{"type":"agent.message","payload":{"text":"in pieces","context":{"surface":"experience_pillar"}}}';
        for (let i = 0; i < text.length; i++) {
            ws.send(text[i], { fin: i === text.length - 1 });
            if (i % 10 === 0) ws.ping();
        }
        const events = await rest(ws);
        if (events.at(-1).type !== 'agent.completed') throw new Error(events.at(-1).type);
        ws.close();
    },
    async refusal_is_readable(server) {
        const error = await connect(server.url, { origin: 'https://evil.example' }).then(() => null, (e) => e);
        if (!error || !error.response || error.response.statusCode !== 403) throw new Error(String(error));
        error.response.destroy();
    },
    async closes_1001_at_the_end(server) {
        const ws = await connect(server.url);
        ws.send('{"type":"agent.message","payload":{"text":"x","context":{"surface":"operations_pillar"}}}');
        await ws.next();
        const closed = new Promise((r) => ws.once('close', r));
        const code = await server.stop();
        const events = await rest(ws);
        if (events.at(-1).payload.error.code !== 'DRAINING') throw new Error(JSON.stringify(events.at(-1)));
        if ((await closed) !== 1001) throw new Error('not 1001');
        if (code !== 0) throw new Error(`exit ${code}`);
    },
};

(async () => {
    const server = await start();
    for (const [name, fn] of Object.entries(cases)) {
        try {
            await Promise.race([fn(server), new Promise((_, no) => setTimeout(() => no(new Error('takes too long')), 20000).unref())]);
            console.log(`ok agent_ws/${name}`);
        } catch (error) {
            console.log(`not ok agent_ws/${name}: ${error.message}`);
            process.exitCode = 1;
        }
    }
    if (process.exitCode) await server.stop();
    process.exit();
})();
