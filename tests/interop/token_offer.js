// A page that offers a token and no profile would be failed by its browser after a 101, without a reason: agent_server refuses it,
// with one. What the browser does with such a 101 is shown too, so that this is known to be needed.
'use strict';
const http = require('http');
const crypto = require('crypto');
const WebSocket = require('ws');
const { launch } = require('./page_browser.js');
const { pause, start } = require('./page_kit.js');

const token = 'agent-events.bearer.' + Buffer.from('s3cret').toString('base64url');

/** A server that accepts every WebSocket, with no subprotocol, as RFC 6455 lets it. */
function yielding() {
    const server = http.createServer((request, response) => response.end('<!doctype html><title>page</title>'));
    server.on('upgrade', (request, socket) => {
        const accept = crypto.createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
        socket.on('error', () => {});
        socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
            `Sec-WebSocket-Accept: ${accept.digest('base64')}\r\n\r\n`);
    });
    return new Promise((done) => server.listen(0, '127.0.0.1', () => done(server)));
}

/** In a page: whether a WebSocket with these offers opens. */
const opens = (page, path, offers) => page.evaluate(([p, o]) => new Promise((done) => {
    const ws = new WebSocket(`ws://${location.host}${p}`, o);
    ws.onopen = () => done(`open ${ws.protocol}`);
    ws.onclose = (e) => done(`closed ${e.code} ${e.reason}`);
}), [path, offers]);

/** npm ws, with or without an Origin. */
const npm = (url, offers, origin) => new Promise((done) => {
    const ws = new WebSocket(url, offers, origin ? { origin } : {});
    ws.on('open', () => (done(`open ${ws.protocol}`), ws.terminate()));
    ws.on('error', (e) => done(e.message));
    ws.on('unexpected-response', (request, response) => {
        let body = '';
        response.on('data', (piece) => (body += piece)).on('end', () => done(`${response.statusCode} ${JSON.parse(body).code}`));
    });
});

async function main() {
    const server = await start(0, '--token', 's3cret');
    const other = await yielding();
    const browser = await launch();
    const results = [];
    const check = (name, got, want) => results.push([name, got === want || `${got}, want ${want}`]);
    try {
        const page = await browser.newPage();
        const said = [];
        page.on('console', (message) => said.push(message.text()));
        await page.goto(`http://127.0.0.1:${other.address().port}/`);
        check('browsers_fail_an_offer_that_gets_no_answer', await opens(page, '/', [token]), 'closed 1006 ');
        await page.goto(server.url);
        said.length = 0;
        check('page_with_a_token_alone', await opens(page, '/ws', [token]), 'closed 1006 ');
        for (let i = 0; i < 50 && !said.length; i++) await pause(20);
        check('the_console_has_the_status', /Unexpected response code: 400/.test(said.join()) || said.join(), true);
        check('page_with_a_profile_besides', await opens(page, '/ws', ['agent-events.v1', token]), 'open agent-events.v1');
        check('page_of_missions', await opens(page, '/ws', [token, 'agent-events.mission.v1']), 'open agent-events.mission.v1');
        const url = server.url.replace('http', 'ws') + 'ws', own = server.url.replace(/\/$/, '');
        check('npm_ws_as_a_page', await npm(url, [token], own), '400 SUBPROTOCOL_NOT_ACCEPTABLE');
        check('npm_ws_as_a_page_with_a_profile', await npm(url, [token, 'agent-events.v1'], own), 'open agent-events.v1');
        // npm ws is as strict as a browser, but says why.
        check('npm_ws', await npm(url, [token]), 'Server sent no subprotocol');
    } finally {
        await browser.close();
        other.closeAllConnections();
        other.close();
        check('exit', await server.stop(), 0);
    }
    for (const [name, result] of results)
        console.log(result === true ? `ok token_offer/${name}` : `not ok token_offer/${name}: ${result}`);
    process.exit(results.some(([, result]) => result !== true) ? 1 : 0);
}

main().catch((e) => {
    console.log(`not ok token_offer: ${e.stack}`);
    process.exit(1);
});
