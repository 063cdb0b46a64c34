// What the tests of the page and of its module share: agent_server, proxies before it, and patience.
'use strict';
const { spawn, spawnSync } = require('child_process');
const fs = require('fs');
const http = require('http');
const net = require('net');
const path = require('path');

process.setMaxListeners(0);
const build = process.env.B || 'build';
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

function folder() {
    fs.mkdirSync(path.join(build, 'tmp'), { recursive: true });
    const made = path.resolve(fs.mkdtempSync(path.join(build, 'tmp', 'page-')));
    process.once('exit', () => fs.rmSync(made, { recursive: true, force: true }));
    return made;
}

function start(port, ...options) {
    return new Promise((resolve, reject) => {
        const child = spawn(`${build}/bin/agent_server`, ['--port', String(port), ...options], { stdio: ['ignore', 'pipe', 'ignore'] });
        process.once('exit', () => child.kill('SIGKILL'));
        child.stdout.once('data', (line) => {
            const match = /listening on (http:\/\/\S+:(\d+)\/)/.exec(line);
            if (!match) return reject(new Error(`says ${line}`));
            const end = (signal) => new Promise((done) => {
                child.once('exit', (code) => done(code));
                child.kill(signal);
            });
            resolve({ url: match[1], port: match[2], stop: () => end('SIGTERM'), kill: () => end('SIGKILL') });
        });
        child.once('error', reject);
    });
}

/**
 * A proxy of bytes. cut('rst' | 'fin') ends every connection that goes through it. rule(first bytes of a connection) may return
 * 'rst'; 'hang', no answer ever; 'swallow', the server gets it and its answer is lost; or an answer to give in its place.
 */
function proxy(port, rule = () => undefined) {
    const pairs = new Set();
    const server = net.createServer((client) => {
        const upstream = net.connect(port, '127.0.0.1'), pair = [client, upstream];
        let fate;
        pairs.add(pair);
        for (const [from, to] of [pair, [upstream, client]]) {
            from.on('error', () => {});
            from.on('close', () => {
                pairs.delete(pair);
                to.destroy();
            });
        }
        client.on('data', (bytes) => {
            /* A connection may carry one request after another. */
            if (/^[A-Z]+ \//.test(bytes)) fate = rule(String(bytes));
            if (fate === 'rst') client.resetAndDestroy();
            else if (fate && fate !== 'hang' && fate !== 'swallow') client.end(fate);
            else if (fate !== 'hang') upstream.write(bytes);
        });
        client.on('end', () => upstream.end());
        upstream.on('data', (bytes) => {
            if (fate === 'swallow') client.resetAndDestroy();
            else if (fate !== 'hang') client.write(bytes);
        });
        upstream.on('end', () => client.end());
    });
    return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve({
        port: server.address().port,
        url: `http://127.0.0.1:${server.address().port}/`,
        rule: (other) => (rule = other),
        cut: (how) => {
            for (const [client, upstream] of pairs) {
                upstream.removeAllListeners('data');
                if (how === 'rst') client.resetAndDestroy();
                else client.end();
                upstream.destroy();
            }
        },
        stop: () => {
            server.close();
            for (const [client] of pairs) client.destroy();
        },
    })));
}

/** Some HTTP server: answer(request, response). */
async function other(answer) {
    const server = http.createServer(answer);
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    return {
        port: server.address().port,
        url: `http://127.0.0.1:${server.address().port}/`,
        stop: () => {
            server.closeAllConnections();
            server.close();
        },
    };
}

const hasNginx = spawnSync('nginx', ['-v'], { env: { PATH: `${process.env.PATH}:/usr/sbin:/sbin` } }).status === 0;

/** The real nginx, with these lines in its `server` and a port of its own. Its folder goes with the program. */
async function nginx(lines) {
    const home = folder(), free = await other(() => {}), port = free.port;
    free.stop();
    fs.writeFileSync(path.join(home, 'nginx.conf'), `
        daemon off; worker_processes 1; pid ${home}/pid; error_log ${home}/error.log;
        events { worker_connections 64; }
        http {
            access_log off;
            client_body_temp_path ${home}/body; proxy_temp_path ${home}/proxy; fastcgi_temp_path ${home}/fastcgi;
            uwsgi_temp_path ${home}/uwsgi; scgi_temp_path ${home}/scgi;
            map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
            server { listen 127.0.0.1:${port}; ${lines} }
        }`);
    const run = () => {
        const child = spawn('nginx', ['-p', home, '-c', path.join(home, 'nginx.conf'), '-e', path.join(home, 'error.log')],
            { stdio: 'ignore', env: { PATH: `${process.env.PATH}:/usr/sbin:/sbin` } });
        process.once('exit', () => child.kill('SIGTERM'));
        return child;
    };
    const up = async () => {
        for (let i = 0; i < 100; i++) {
            const connected = await new Promise((done) => {
                const socket = net.connect(port, '127.0.0.1', () => done(true)).on('error', () => done(false));
                socket.unref();
                setTimeout(() => socket.destroy(), 50);
            });
            if (connected) return;
            await pause(50);
        }
        throw new Error(`nginx does not start: ${fs.readFileSync(path.join(home, 'error.log'))}`);
    };
    let child = run();
    await up();
    const stop = () => new Promise((done) => {
        child.once('exit', done);
        child.kill('SIGTERM');
    });
    return {
        port,
        url: `http://127.0.0.1:${port}/`,
        stop,
        /** Begin anew with other lines. */
        change: async (from, to) => {
            await stop();
            const file = path.join(home, 'nginx.conf');
            fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace(from, to));
            child = run();
            await up();
        },
    };
}

async function until(what, why, ms = 10000) {
    for (const end = Date.now() + ms; Date.now() < end && !what();) await pause(10);
    if (!what()) throw new Error(typeof why === 'function' ? why() : why);
}

module.exports = { build, folder, hasNginx, nginx, other, pause, proxy, start, until };
