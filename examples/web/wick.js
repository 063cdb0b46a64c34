/**
 * wick.js - a client for agent-events v1 in the browser: one WebSocket, many runs at once. An ES module without dependencies:
 * copy it, or import it from the server that serves it.
 *
 *     import { WickClient } from './wick.js';
 *
 *     const client = new WickClient({ url: WickClient.urlFor('api/runtime/agent') });
 *     client.onstate = (state, info) => show(state, info.retryAt);
 *     client.onevent = (event) => console.log(event.type, event.payload);
 *     client.open();
 *     const run = client.ask('Summarize this file', { surface: 'content_pillar' });
 *
 * The connection comes back by itself, with growing pauses (full jitter, 500 ms doubling to 30 s). It does not come back
 * after a close code from 4400 to 4499, or when the server refuses it with 401, 403 or 404: then the state is `offline`.
 */

/** @typedef {'connecting'|'connected'|'reconnecting'|'offline'} WickState */

/**
 * A message of the server.
 * @typedef {object} WickEvent
 * @property {string} type
 * @property {number} [seq]             its number in the session's stream
 * @property {string} [re]              the id of the message that it answers
 * @property {string} [session_id]
 * @property {string} [invocation_id]
 * @property {string} [agent_id]
 * @property {Record<string, any>} payload
 */

/**
 * What is known about a state.
 * @typedef {object} WickStateInfo
 * @property {number} [retryAt]   when the next attempt is made, in milliseconds of Date.now()
 * @property {number} [code]      the close code of the connection that ended
 * @property {string} [reason]    why, for people
 * @property {number} [status]    the HTTP status with which the server refuses, if it does
 */

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30000;
const STABLE_AFTER_MS = 10000;

export class WickClient {
    /**
     * @param {object} options
     * @param {string} options.url        ws:// or wss://
     * @param {string} [options.probe]    an http(s) URL of the server that answers 401 or 403 where the WebSocket would, because
     *                                    a browser does not tell a page why a WebSocket failed
     */
    constructor({ url, probe }) {
        this.url = url;
        this.probe = probe;
        /** @type {WickState} */
        this.state = 'offline';
        /** @type {(state: WickState, info: WickStateInfo) => void} */
        this.onstate = () => {};
        /** Every message of the server but `pong`. @type {(event: WickEvent) => void} */
        this.onevent = () => {};
        this._socket = null;
        this._attempts = 0;
        this._timer = 0;
        this._stable = 0;
        this._wanted = false;
        this._lastId = 0;
        this._queue = [];
        this._online = () => this._wanted && !this._socket && this._connect();
        this._lost = () => this._wanted && !this._socket && this._set('offline', { reason: 'There is no network.' });
    }

    /**
     * The WebSocket URL of a path on the server that the page comes from. A path without a slash at its start is found beside
     * the page, also where a proxy serves it under a prefix.
     * @param {string} path @returns {string}
     */
    static urlFor(path) {
        const url = new URL(path, location.href);
        url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
        return url.href;
    }

    /** A UUID, also where crypto.randomUUID() is missing because the page does not come over https. @returns {string} */
    static uuid() {
        const b = crypto.getRandomValues(new Uint8Array(16));
        b[6] = (b[6] & 0x0f) | 0x40;
        b[8] = (b[8] & 0x3f) | 0x80;
        const hex = Array.from(b, (byte) => byte.toString(16).padStart(2, '0')).join('');
        return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5');
    }

    /** Connect, and stay connected until close(). */
    open() {
        if (this._wanted) return;
        this._wanted = true;
        this._attempts = 0;
        addEventListener('online', this._online);
        addEventListener('offline', this._lost);
        this._connect();
    }

    /** Close, and stay closed. */
    close() {
        this._wanted = false;
        clearTimeout(this._timer);
        removeEventListener('online', this._online);
        removeEventListener('offline', this._lost);
        if (this._socket) this._socket.close(1000);
        else this._set('offline', {});
    }

    /**
     * Ask an agent. While there is no connection the message waits for one.
     * @param {string} text
     * @param {Record<string, any>} [context]    surface, project_id, and whatever else the agents know
     * @param {{ on_disconnect?: 'continue'|'cancel', deadline_ms?: number }} [options]
     * @returns {{ invocation_id: string, id: string }}    what the events of the run, and an error about it, carry
     */
    ask(text, context, options) {
        const invocation_id = WickClient.uuid();
        const payload = { text, ...(context && { context }), invocation_id, ...options };
        return { invocation_id, id: this._send('agent.message', payload) };
    }

    /** Stop a run. @param {string} invocation_id @param {string} [reason] */
    cancel(invocation_id, reason) {
        return this._send('agent.cancel', { invocation_id, ...(reason && { reason }) });
    }

    /**
     * Answer a question of an agent.
     * @param {string} request_id
     * @param {any} content
     * @param {'answered'|'declined'|'cancelled'} [status]
     */
    answer(request_id, content, status) {
        return this._send('agent.input_response', { request_id, content, ...(status && { status }) });
    }

    _send(type, payload) {
        const id = `c${++this._lastId}`;
        const text = JSON.stringify({ type, id, payload });
        if (this._socket && this._socket.readyState === WebSocket.OPEN) this._socket.send(text);
        else this._queue.push(text);
        return id;
    }

    _set(state, info) {
        this.state = state;
        this.onstate(state, info);
    }

    _connect() {
        clearTimeout(this._timer);
        this._set(this._attempts ? 'reconnecting' : 'connecting', {});
        const socket = new WebSocket(this.url);
        let opened = false;
        this._socket = socket;
        socket.onopen = () => {
            opened = true;
            this._stable = setTimeout(() => (this._attempts = 0), STABLE_AFTER_MS);
            this._set('connected', {});
            for (const text of this._queue.splice(0)) socket.send(text);
        };
        socket.onmessage = ({ data }) => this._receive(data);
        socket.onclose = ({ code, reason }) => {
            clearTimeout(this._stable);
            this._socket = null;
            this._ended(code, reason, opened);
        };
    }

    _receive(data) {
        let event;
        try {
            event = JSON.parse(data);
        } catch {
            return;
        }
        if (!event || typeof event.type !== 'string' || event.type === 'pong') return;
        event.payload ??= {};
        this.onevent(event);
    }

    async _ended(code, reason, opened) {
        if (!this._wanted || (code >= 4400 && code < 4500)) {
            this._set('offline', { code, reason });
            return;
        }
        if (!opened && (await this._refused())) return;
        if (!this._wanted || this._socket) return;
        this._pause(code, reason);
    }

    _pause(code, reason) {
        const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this._attempts++);
        const wait = Math.random() * longest;
        this._timer = setTimeout(() => this._connect(), wait);
        if (navigator.onLine === false) this._set('offline', { code, reason: 'There is no network.' });
        else this._set('reconnecting', { code, reason, retryAt: Date.now() + wait });
    }

    /** Whether the server refuses for good. */
    async _refused() {
        if (!this.probe) return false;
        try {
            const response = await fetch(this.probe, { cache: 'no-store' });
            if (![401, 403, 404].includes(response.status)) return false;
            const problem = await response.json().catch(() => ({}));
            this._wanted = false;
            this._set('offline', { status: response.status, reason: problem.detail });
            return true;
        } catch {
            return false;
        }
    }
}
