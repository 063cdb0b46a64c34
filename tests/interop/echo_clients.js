// npm ws as a client of echo_server: see echo_clients.sh.
'use strict';
const crypto = require('crypto');
const WebSocket = require('ws');

const url = process.argv[2];
let failed = 0;

function open(options) {
    return new Promise((resolve, reject) => {
        const ws = new WebSocket(url, { perMessageDeflate: false, maxPayload: 0, ...options });
        ws.once('open', () => resolve(ws));
        ws.once('error', reject);
    });
}

function next(ws, event) {
    return new Promise((resolve, reject) => {
        ws.once(event, (...values) => resolve(values));
        ws.once('error', reject);
    });
}

function check(condition, what) {
    if (!condition) throw new Error(what);
}

const cases = {
    async sizes() {
        const ws = await open();
        for (const size of [0, 1, 125, 126, 127, 65535, 65536, 100000, 1 << 20]) {
            const data = crypto.randomBytes(size);
            const answer = next(ws, 'message');
            ws.send(data);
            const [got, binary] = await answer;
            check(binary && data.equals(got), `binary ${size}`);
        }
        ws.terminate();
    },
    async texts() {
        const ws = await open();
        for (const text of ['', 'a', '\u07ff\u0800\uffff\u{10000}\u{10ffff}', '\u{1f600}'.repeat(50000)]) {
            const answer = next(ws, 'message');
            ws.send(text);
            const [got, binary] = await answer;
            check(!binary && got.toString() === text, `text of ${text.length}`);
        }
        ws.terminate();
    },
    async fragments() {
        const ws = await open();
        const answer = next(ws, 'message');
        const pong = next(ws, 'pong');
        ws.send('first ', { fin: false });
        ws.ping('between');
        ws.send('', { fin: false });
        ws.send('last', { fin: true });
        check((await pong)[0].toString() === 'between', 'pong');
        check((await answer)[0].toString() === 'first last', 'message');
        ws.terminate();
    },
    async pipelined() {
        const ws = await open();
        const count = 5000;
        let got = 0;
        const done = new Promise((resolve, reject) => {
            ws.on('message', (data) => {
                if (data.toString() !== `message ${got}`) reject(new Error(`message ${got}: ${data}`));
                if (++got === count) resolve();
            });
        });
        for (let i = 0; i < count; i++) ws.send(`message ${i}`);
        await done;
        ws.terminate();
    },
    async closes() {
        for (const [code, reason] of [[1000, 'bye'], [1001, ''], [3000, 'x'.repeat(123)], [4999, '']]) {
            const ws = await open();
            const closed = next(ws, 'close');
            ws.close(code, reason);
            check((await closed)[0] === code, `close ${code}`);
        }
        const ws = await open();
        const closed = next(ws, 'close');
        ws.close();
        check((await closed)[0] === 1005, 'a close without a code');
    },
    async extensions() {
        const ws = await open({ perMessageDeflate: true });
        check(ws.extensions === '', ws.extensions);
        const answer = next(ws, 'message');
        ws.send('x'.repeat(10000));
        check((await answer)[0].length === 10000, 'length');
        ws.terminate();
    },
};

(async () => {
    for (const [name, run] of Object.entries(cases)) {
        let timer;
        try {
            const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error('too late')), 20000); });
            await Promise.race([run(), late]);
            console.log(`ok echo_clients/ws/${name}`);
        } catch (error) {
            failed = 1;
            console.log(`not ok echo_clients/ws/${name}: ${String(error.message).replace(/\n/g, ' ')}`);
        }
        clearTimeout(timer);
    }
    process.exit(failed);
})();
