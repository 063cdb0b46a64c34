// EventSource against agent_server, npm's and Chromium's own: missions and sessions, connections that are cut, the end that must
// not be asked for again.
'use strict';
const { spawn } = require('child_process');
const net = require('net');
const { EventSource } = require('eventsource');
const { chromium } = process.env.CHROMIUM ? require('playwright-core') : {};

const build = process.env.B || 'build';
const flags = ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'];
if (process.getuid() === 0) flags.push('--no-sandbox');
const lines = 150;
const agent = `guide.content=read -r line; i=0; while [ $i -lt ${lines} ]; do echo "line $i"; i=$((i+1)); sleep 0.02; done`;

function assert(condition, what) {
    if (!condition) throw new Error(what);
}

function start(...options) {
    return new Promise((resolve, reject) => {
        const child = spawn(`${build}/bin/agent_server`, ['--port', '0', ...options], { stdio: ['ignore', 'pipe', 'ignore'] });
        process.once('exit', () => child.kill('SIGKILL'));
        child.once('error', reject);
        child.stdout.once('data', (line) => {
            const match = /listening on http:\/\/\S+:(\d+)\//.exec(line);
            if (!match) return reject(new Error(`says ${line}`));
            resolve({
                port: Number(match[1]),
                stop: () => new Promise((done) => {
                    child.once('exit', done);
                    child.kill('SIGTERM');
                }),
            });
        });
    });
}

// Passes bytes on, remembers the requests for streams, with their time and what was answered, and cuts them.
async function proxy(port) {
    const requests = [];
    const open = new Set();
    const server = net.createServer((near) => {
        const far = net.connect(port, '127.0.0.1');
        let last = null;
        near.on('data', (data) => {
            const text = data.toString('latin1');
            const match = /^GET (\/api\/(?:events\?|mission\/\d+\/stream)\S*) /m.exec(text);
            if (match) {
                const id = /^last-event-id: *(\S+)/im.exec(text);
                requests.push((last = { path: match[1], id: id && id[1], at: Date.now(), status: 0 }));
                open.add(near);
            }
            far.write(data);
        });
        far.on('data', (data) => {
            const match = /^HTTP\/1.1 (\d+)/.exec(data.toString('latin1'));
            if (match && last && !last.status) last.status = Number(match[1]);
            near.write(data);
        });
        for (const [one, other] of [[near, far], [far, near]]) {
            one.on('end', () => other.end());
            one.on('error', () => other.destroy());
            one.on('close', () => other.destroy());
        }
    });
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    return {
        requests,
        url: `http://127.0.0.1:${server.address().port}`,
        cut: (reset) => {
            for (const socket of open) reset ? socket.resetAndDestroy() : socket.destroy();
            open.clear();
        },
        close: () => server.close(),
    };
}

// What is run where the EventSource is: here, or in the page. Gives what it has heard when check says so.
function begin(name, url) {
    const source = new globalThis.EventSource(url);
    const heard = { events: [], ids: [], errors: 0, source };
    source.onmessage = (event) => {
        heard.events.push(JSON.parse(event.data));
        heard.ids.push(event.lastEventId);
    };
    source.onerror = () => heard.errors++;
    globalThis[name] = heard;
}

function state(name) {
    const { events, ids, errors, source } = globalThis[name];
    return { events, ids, errors, readyState: source.readyState };
}

const npm = { name: 'npm', run: async (fn, ...args) => fn(...args), open: async () => {}, close: async () => {} };

async function browserClient() {
    const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: flags });
    return {
        name: 'chromium',
        page: null,
        async open(url) {
            this.page = await browser.newPage();
            await this.page.goto(`${url}/health`); // a page of the same origin, that makes no requests of its own
            for (const fn of [begin, state, end]) await this.page.evaluate(`globalThis.${fn.name} = ${fn};`);
        },
        run(fn, ...args) {
            return this.page.evaluate(([f, a]) => globalThis[f](...a), [fn.name, args]);
        },
        async close() {
            await browser.close();
        },
    };
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function until(client, name, condition, what, seconds = 30) {
    const end = Date.now() + seconds * 1000;
    for (;;) {
        const now = await client.run(state, name);
        if (condition(now)) return now;
        assert(Date.now() < end, `not within ${seconds} s: ${what}; ${now.events.length} events, state ${now.readyState}`);
        await pause(20);
    }
}

async function post(url, path, body) {
    const answer = await fetch(url + path, { method: 'POST', body: JSON.stringify(body), headers: { Accept: 'application/json' } });
    assert(answer.ok, `${path}: ${answer.status}`);
    return answer.json();
}

function checkSeqs(events) {
    let last = 0;
    for (const event of events) {
        assert((event.first_seq || event.seq) === last + 1, `${event.type} ${event.first_seq}..${event.seq} after ${last}`);
        last = event.seq;
    }
    return last;
}

const whole = Array.from({ length: lines }, (_, i) => `line ${i}\n`).join('');

// The standard's client comes back after `retry`, with the id of the last event that it has heard.
function checkReturns(requests, now) {
    for (let i = 1; i < requests.length; i++) {
        assert(now.ids.includes(requests[i].id), `comes back with ${requests[i].id}`);
    }
}

const cases = {
    // To the last event, through two cuts, and no further: the 204 ends it, where a 200 would be asked for every two seconds.
    async a_mission_is_heard_once(client, server) {
        const via = await proxy(server.port);
        await client.open(via.url);
        const mission = await post(via.url, '/api/mission/start', { agents: ['guide.content'], plan: 'x' });
        await client.run(begin, 'mission', via.url + mission.stream_url);
        for (const [count, reset] of [[20, true], [60, false]]) {
            await until(client, 'mission', (now) => now.events.some((e) => e.type === 'STREAM' && e.content.includes(`line ${count}\n`)),
                `line ${count}`);
            via.cut(reset);
        }
        const over = (now) => now.events.some((e) => e.event === 'mission.status' && e.status === 'completed');
        await until(client, 'mission', over, 'the last event');
        const now = await until(client, 'mission', (s) => s.readyState === 2, 'it stops');
        checkSeqs(now.events);
        assert(now.events.filter((e) => e.type === 'STREAM').map((e) => e.content).join('') === whole, 'the text is whole');
        assert(over({ events: [now.events.at(-1)] }) && now.events.filter((e) => e.event === 'mission.status').length === 2,
            'one last event');
        assert(via.requests.map((r) => r.status).join() === '200,200,200,204', `answers ${via.requests.map((r) => r.status)}`);
        checkReturns(via.requests, now);
        assert(via.requests[3].id === now.ids.at(-1), 'the last time with the id of the last event');
        await pause(2600);
        assert(via.requests.length === 4, 'it asks no more');
        via.close();
    },
    // A session's stream goes on through cuts, with what was said meanwhile, and stays open at the end of a run.
    async a_session_goes_on(client, server) {
        const via = await proxy(server.port);
        await client.open(via.url);
        const message = (text) => ({ type: 'agent.message', payload: { text, context: { surface: 'experience_pillar' } } });
        const session = await post(via.url, '/api/runtime/agent', message('first'));
        const query = `session_id=${session.session_id}&resume_token=${session.resume_token}`;
        await client.run(begin, 'session', `${via.url}/api/events?${query}`);
        const ended = (count) => (now) => now.events.filter((e) => e.type === 'agent.completed').length === count;
        await until(client, 'session', ended(1), 'the first run');
        via.cut(true);
        const at = Date.now();
        await post(via.url, `/api/events?${query}`, message('while it is away'));
        await until(client, 'session', ended(2), 'the second run');
        await post(via.url, `/api/events?${query}`, message('while it is there'));
        const now = await until(client, 'session', ended(3), 'the third run');
        checkSeqs(now.events);
        const text = now.events.filter((e) => e.type === 'agent.token').map((e) => e.payload.text).join('');
        assert(text === 'firstwhile it is awaywhile it is there', text);
        assert(now.readyState === 1 && via.requests.length === 2, `state ${now.readyState}, ${via.requests.length} requests`);
        checkReturns(via.requests, now);
        const waited = via.requests[1].at - at;
        assert(waited > 1700 && waited < 10000, `retry: 2000, and it came back after ${waited} ms`);
        await client.run(end, 'session');
        via.close();
    },
    // What is refused is not tried again.
    async a_stream_that_is_refused(client, server) {
        const via = await proxy(server.port);
        await client.open(via.url);
        await client.run(begin, 'wrong', `${via.url}/api/events?session_id=no&resume_token=no`);
        await client.run(begin, 'none', `${via.url}/api/mission/77777/stream`);
        for (const name of ['wrong', 'none']) {
            const now = await until(client, name, (s) => s.readyState === 2, 'it gives up');
            assert(now.errors === 1 && now.events.length === 0, JSON.stringify(now));
        }
        assert(via.requests.map((r) => r.status).sort().join() === '403,404', `answers ${via.requests.map((r) => r.status)}`);
        via.close();
    },
};

function end(name) {
    globalThis[name].source.close();
}

async function report(name, fn) {
    let timer;
    try {
        await Promise.race([fn(), new Promise((_, no) => (timer = setTimeout(() => no(new Error('takes too long')), 60000)))]);
        console.log(`ok agent_eventsource/${name}`);
    } catch (error) {
        console.log(`not ok agent_eventsource/${name}: ${error.message.split('\n')[0]}`);
        process.exitCode = 1;
    }
    clearTimeout(timer);
}

async function all(client) {
    const server = await start('--agent', agent);
    for (const [name, fn] of Object.entries(cases)) await report(`${client.name}/${name}`, () => fn(client, server));
    await client.close();
    const status = await server.stop();
    await report(`${client.name}/exit_status`, async () => assert(status === 0, `exit status ${status}`));
}

(async () => {
    globalThis.EventSource = EventSource;
    await Promise.all([all(npm), chromium ? all(await browserClient()) : null]);
    process.exit();
})();
