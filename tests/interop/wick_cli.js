// wick echo against a server made with npm ws: see wick_cli.sh.
'use strict';
const crypto = require('crypto');
const { spawn } = require('child_process');
const { WebSocketServer } = require('ws');

const wick = process.argv[2];

function check(condition, what) {
    if (!condition) throw new Error(what);
}

function next(ws, event) {
    return new Promise((resolve, reject) => {
        ws.once(event, (...values) => resolve(values));
        ws.once('error', reject);
    });
}

async function talk(ws) {
    for (const size of [0, 1, 125, 126, 65535, 65536, 1 << 20]) {
        const data = crypto.randomBytes(size);
        const answer = next(ws, 'message');
        ws.send(data);
        const [got, binary] = await answer;
        check(binary && data.equals(got), `binary ${size}`);
    }
    const answer = next(ws, 'message');
    const pong = next(ws, 'pong');
    ws.send('\u65e5', { fin: false });
    ws.ping('between');
    ws.send('\u{1f600}', { fin: true });
    check((await pong)[0].toString() === 'between', 'pong');
    check((await answer)[0].toString() === '\u65e5\u{1f600}', 'text');
    const closed = next(ws, 'close');
    ws.close(4001, 'enough');
    check((await closed)[0] === 4001, 'close code');
}

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: true }, () => {
    let problem = new Error('nobody came');
    server.on('connection', (ws) => {
        problem = null;
        talk(ws).catch((error) => { problem = error; ws.terminate(); });
    });
    const child = spawn(wick, ['echo', `ws://127.0.0.1:${server.address().port}/`], { stdio: ['ignore', 'inherit', 'pipe'] });
    const timer = setTimeout(() => child.kill(), 20000);
    child.on('exit', (code) => {
        clearTimeout(timer);
        if (!problem && code !== 0) problem = new Error(`exit status ${code}`);
        console.log(problem ? `not ok wick_cli/ws/echo: ${problem.message}` : 'ok wick_cli/ws/echo');
        process.exit(problem ? 1 : 0);
    });
});
