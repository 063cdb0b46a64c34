/**
 * wick.js - a client for agent-events v1 in the browser: one session over one WebSocket, many runs at once. An ES module
 * without dependencies: copy it, or import it from the server that serves it.
 *
 *     import { WickClient } from './wick.js';
 *
 *     const client = new WickClient({ url: WickClient.urlFor('api/runtime/agent') });
 *     client.onstate = (state, info) => show(state, info.retryAt);
 *     client.onevent = (event) => console.log(event.type, event.payload);
 *     client.open();
 *     const run = client.ask('Summarize this file', { surface: 'content_pillar' });
 *
 * A CONNECTION may be lost, the session goes on. The client comes back by itself, with growing pauses (full jitter, 500 ms
 * doubling to 30 s, from the start again after 10 s of session), and tells the server the last event that it has; what was
 * missed follows. Every event is delivered once and in order: a duplicate is dropped, and behind a gap the client closes with
 * 4510 and comes back. When the server does not have all that was missed any more, `session.reset` comes instead: its snapshot
 * says how each run stands, with whole texts, and replaces what was shown of them.
 *
 * MESSAGES have an id, wait for a connection, and are sent again after each return until the server has answered; it takes them
 * once.
 *
 * A RELOAD of the page need not end the session: keep what `onsession` hands over, and give it to the next client as `session`.
 * With `last_seq: 0` in it the whole conversation comes again.
 *
 * THE END, state `offline` with a verdict, comes after 1000, 1003, 1007 to 1010 and 4400 to 4499, or when the server refuses the
 * first connection with 401, 403 or 404: the same again would not help. Change what was wrong, and call open() again.
 *
 * WebSocket is the only transport. The session's part of the class does not know it: only _connect(), _transmit() and _hangUp()
 * touch the socket.
 */

/** @typedef {'connecting'|'connected'|'reconnecting'|'offline'} WickState */

/** @typedef {'closed'|'unauthorized'|'forbidden'|'not_found'|'taken_over'|'version'|'refused'} WickVerdict */

/**
 * A message of the server.
 * @typedef {object} WickEvent
 * @property {string} type
 * @property {number} [seq]             its number in the session's stream
 * @property {number} [first_seq]       a merged message stands for first_seq to seq
 * @property {number} [ts]              Unix milliseconds
 * @property {string} [re]              the id of the message that it answers
 * @property {string} [session_id]
 * @property {string} [invocation_id]
 * @property {string} [agent_id]
 * @property {Record<string, any>} payload
 */

/**
 * What is known about a state.
 * @typedef {object} WickStateInfo
 * @property {number} [retryAt]         when the next attempt is made, in milliseconds of Date.now()
 * @property {number} [code]            the close code of the connection that ended
 * @property {string} [reason]          why, for people
 * @property {number} [status]          the HTTP status with which the server refuses, if it does
 * @property {WickVerdict} [verdict]    why it is over; absent while the client goes on trying
 */

/**
 * What it takes to go on with a session. It lets whoever has it into the session.
 * @typedef {object} WickSession
 * @property {string} session_id
 * @property {string} resume_token
 * @property {number} epoch
 * @property {number} last_seq
 * @property {[string, string][]} unanswered    ids and messages that have had no answer
 */

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30000;
const STABLE_AFTER_MS = 10000;
const OPEN_WITHIN_MS = 10000;
const ACK_EVENTS = 32;
const ACK_MS = 1000;
const WATCH_MS = 5000;

/** @type {Record<number, WickVerdict>} */
const VERDICTS = {
    1000: 'closed', 1003: 'refused', 1007: 'refused', 1008: 'refused', 1009: 'refused', 1010: 'refused',
    4401: 'unauthorized', 4403: 'forbidden', 4404: 'not_found', 4406: 'version', 4409: 'taken_over',
};

/** The verdict on a close code, or undefined if it is worth trying again. @param {number} code */
function verdictOn(code) {
    return VERDICTS[code] ?? (code >= 4400 && code < 4500 ? 'refused' : undefined);
}

export class WickClient {
    /**
     * @param {object} options
     * @param {string} options.url        ws:// or wss://
     * @param {string} [options.probe]    an http(s) URL of the server that answers 401 or 403 where the WebSocket would, because
     *                                    a browser does not tell a page why a WebSocket failed; it is asked only until the first
     *                                    connection is through
     * @param {() => string|undefined} [options.token]    gives the token to present in session.open, if one is needed and no
     *                                    cookie has it; called for each connection
     * @param {WickSession} [options.session]    a session to go on with
     */
    constructor({ url, probe, token, session }) {
        this.url = url;
        this.probe = probe;
        this.token = token;
        /** @type {WickState} */
        this.state = 'offline';
        /** @type {(state: WickState, info: WickStateInfo) => void} */
        this.onstate = () => {};
        /** Every message of the server but `pong` and duplicates. @type {(event: WickEvent) => void} */
        this.onevent = () => {};
        /** There is something new to keep: a token, or a message without an answer. @type {(session: WickSession) => void} */
        this.onsession = () => {};

        this._session = session?.session_id ? { id: session.session_id, token: session.resume_token } : null;
        this._epoch = session?.epoch ?? 0;
        this._last = session?.last_seq ?? 0;
        this._head = 0;
        this._resetDue = false;
        /** @type {Map<string, string>} */
        this._outbox = new Map(session?.unanswered ?? []);
        /* A client that goes on with a session must not use the ids of the one before. */
        this._prefix = WickClient.uuid().slice(0, 8);
        this._lastId = 0;

        /** @type {WebSocket|null} */
        this._socket = null;
        this._wanted = false;
        this._opened = false;
        this._everOpened = false;
        this._attempts = 0;
        this._notBefore = 0;
        this._why = '';
        this._unacked = 0;
        this._heardAt = 0;
        this._pingedAt = 0;
        this._heartbeat = { interval_ms: 25000, timeout_ms: 20000 };
        /** @type {Record<string, any>} */
        this._timers = {};
        this._online = () => this._wanted && (this._opened ? this._ping() : this._socket || this._connect());
        this._offline = () => this._wanted && !this._socket && this._set('offline', { reason: 'There is no network.' });
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
        this._notBefore = 0;
        globalThis.addEventListener?.('online', this._online);
        globalThis.addEventListener?.('offline', this._offline);
        if (!this._socket) this._connect();
    }

    /** Close, and stay closed. The session stays with the server for a while, and open() goes on with it. */
    close() {
        if (!this._wanted) return;
        this._ack();
        this._hangUp(1000, '');
        this._stop('closed', {});
    }

    /**
     * End the session: the server forgets it, and cancels its runs. With the answer to it the state becomes `offline`.
     * @returns {string} the id of the message
     */
    leave() {
        return this.request('session.close', {});
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
        return { invocation_id, id: this.request('agent.message', payload) };
    }

    /** Stop a run. @param {string} invocation_id @param {string} [reason] @returns {string} the id of the message */
    cancel(invocation_id, reason) {
        return this.request('agent.cancel', { invocation_id, ...(reason && { reason }) });
    }

    /**
     * Answer a question of an agent.
     * @param {string} request_id
     * @param {any} content
     * @param {'answered'|'declined'|'cancelled'} [status]
     * @returns {string} the id of the message
     */
    answer(request_id, content, status) {
        return this.request('agent.input_response', { request_id, content, ...(status && { status }) });
    }

    /**
     * Send a message that `accepted` or `error` answers, with its id in `re`.
     * @param {string} type @param {Record<string, any>} payload @returns {string} its id
     */
    request(type, payload) {
        const id = `${this._prefix}-${++this._lastId}`;
        const text = JSON.stringify({ type, id, payload });
        this._outbox.set(id, text);
        if (this._opened) this._transmit(text);
        this._keep();
        return id;
    }

    /** Whether a message has had no answer yet. @param {string} id @returns {boolean} */
    unanswered(id) {
        return this._outbox.has(id);
    }

    /** Whether the last event had been missed, and is not news. @returns {boolean} */
    get replaying() {
        return this._last <= this._head;
    }

    /** What it takes to go on with the session; null before it is open. @returns {WickSession|null} */
    get session() {
        return this._session && { session_id: this._session.id, resume_token: this._session.token, epoch: this._epoch,
                                  last_seq: this._last, unanswered: [...this._outbox] };
    }

    _keep() {
        const session = this.session;
        if (session) this.onsession(session);
    }

    /** @param {WickState} state @param {WickStateInfo} info */
    _set(state, info) {
        this.state = state;
        this.onstate(state, info);
    }

    /** @param {string} name @param {number} ms @param {() => void} then */
    _after(name, ms, then) {
        clearTimeout(this._timers[name]);
        this._timers[name] = setTimeout(then, ms);
    }

    /* ---- The session ---- */

    /** Say session.open: a new session, or the one that is known. */
    _begin() {
        const token = this.token?.();
        /** @type {Record<string, any>} */
        const payload = { versions: ['1.0'], client: { name: 'wick.js', version: '1' } };
        if (token) payload.auth = { scheme: 'bearer', token };
        if (this._session)
            Object.assign(payload, { session_id: this._session.id, resume_token: this._session.token, epoch: this._epoch,
                                     last_seq: this._last });
        this._transmit(JSON.stringify({ type: 'session.open', id: `${this._prefix}-open`, payload }));
    }

    /** @param {Record<string, any>} payload    of session.opened */
    _begun({ version, session_id, resume_token, epoch, head_seq, recovered, heartbeat }) {
        clearTimeout(this._timers.open);
        if (version !== '1.0') {
            this._hangUp(1000, '');
            this._stop('version', { reason: `The server speaks ${version}.` });
            return;
        }
        /* What a reset replaces is not known before it is here: a connection that ends in between must not leave a cursor
         * behind which nothing is missing. */
        this._resetDue = !recovered && this._session !== null;
        this._session = { id: session_id, token: resume_token };
        this._head = head_seq;
        if (!recovered) {
            this._epoch = this._resetDue ? 0 : epoch;
            this._last = this._resetDue ? 0 : head_seq;
        }
        this._heartbeat = heartbeat ?? this._heartbeat;
        this._opened = this._everOpened = true;
        this._why = '';
        this._notBefore = 0;
        this._after('stable', STABLE_AFTER_MS, () => (this._attempts = 0));
        this._watch();
        for (const text of this._outbox.values()) this._transmit(text);
        this._keep();
        this._set('connected', {});
    }

    /** @param {string} data */
    _receive(data) {
        let event;
        try {
            event = JSON.parse(data);
        } catch {
            return;
        }
        if (!event || typeof event.type !== 'string') return;
        this._heardAt = Date.now();
        this._pingedAt = 0;
        event.payload ??= {};
        if (event.type === 'pong' || (event.seq && !this._isNext(event.first_seq ?? event.seq, event.seq))) return;
        if (this._control(event)) this.onevent(event);
    }

    /** Whether the events from first to last are the next ones of the stream. @param {number} first @param {number} last */
    _isNext(first, last) {
        if (!this._opened || this._resetDue || first <= this._last) return false;
        if (first > this._last + 1) {
            this._lose(4510, 'STATE_LOST: a gap before an event');
            return false;
        }
        this._last = last;
        if (++this._unacked >= ACK_EVENTS) this._ack();
        else if (this._unacked === 1) this._after('ack', ACK_MS, () => this._ack());
        return true;
    }

    /** What a message means for the session; false if it is none of the application's business. @param {WickEvent} event */
    _control({ type, re, payload }) {
        switch (type) {
        case 'session.opened':
            this._begun(payload);
            break;
        case 'session.reset':
            this._resetDue = false;
            this._epoch = payload.epoch;
            this._last = this._head = payload.head_seq;
            this._keep();
            break;
        case 'session.closing':
            this._notBefore = Date.now() + (payload.retry_after_ms ?? 0);
            break;
        case 'error':
            if (!this._opened) {
                this._why = payload.message;
                this._notBefore = Date.now() + (payload.retry_after_ms ?? 0);
            }
            if (payload.code === 'DRAINING') return false; /* the next server takes it */
            this._answered(re);
            break;
        case 'accepted':
            this._answered(re);
            break;
        }
        return true;
    }

    /** @param {string|undefined} re */
    _answered(re) {
        if (re && this._outbox.delete(re)) this._keep();
    }

    _ack() {
        clearTimeout(this._timers.ack);
        if (this._opened && this._unacked) this._transmit(JSON.stringify({ type: 'ack', payload: { seq: this._last } }));
        this._unacked = 0;
    }

    _ping() {
        this._pingedAt ||= Date.now();
        this._transmit('{"type":"ping"}');
    }

    /** A page does not see the pings of a WebSocket: silence is broken with one of the protocol's own. */
    _watch() {
        this._after('watch', WATCH_MS, () => {
            const now = Date.now();
            if (this._pingedAt && now - this._pingedAt > this._heartbeat.timeout_ms) {
                this._lose(4508, 'HEARTBEAT_TIMEOUT: nothing came');
                return;
            }
            if (!this._pingedAt && now - this._heardAt > this._heartbeat.interval_ms) this._ping();
            this._watch();
        });
    }

    /* ---- Connections ---- */

    _connect() {
        clearTimeout(this._timers.retry);
        this._set(this._attempts || this._everOpened ? 'reconnecting' : 'connecting', {});
        const socket = new WebSocket(this.url, ['agent-events.v1']);
        this._socket = socket;
        this._after('open', OPEN_WITHIN_MS, () => this._lose(4508, 'The server does not answer.'));
        let through = false;
        socket.onopen = () => {
            through = true;
            this._begin();
        };
        socket.onmessage = ({ data }) => this._receive(data);
        socket.onclose = ({ code, reason }) => {
            this._hangUp(0, '');
            this._ended(code, reason, through);
        };
    }

    /** @param {string} text */
    _transmit(text) {
        if (this._socket?.readyState === 1) this._socket.send(text);
    }

    /** Have no connection any more, and hear nothing of the one that was. @param {number} code @param {string} reason */
    _hangUp(code, reason) {
        const socket = this._socket;
        for (const name of ['open', 'stable', 'watch', 'ack', 'retry']) clearTimeout(this._timers[name]);
        this._socket = null;
        this._opened = false;
        this._unacked = this._pingedAt = 0;
        if (!socket) return;
        socket.onopen = socket.onmessage = socket.onclose = null;
        if (code) socket.close(code, reason);
    }

    /** The connection is of no use any more. @param {number} code @param {string} reason */
    _lose(code, reason) {
        this._hangUp(code, reason);
        this._ended(code, reason, true);
    }

    /** @param {number} code @param {string} reason @param {boolean} through    whether the handshake was */
    async _ended(code, reason, through) {
        const verdict = verdictOn(code);
        if (verdict) {
            if (code === 1000) {
                this._session = null;
                this._epoch = this._last = 0;
            }
            this._stop(verdict, { code, reason: this._why || reason });
            return;
        }
        if (!through && !this._everOpened && (await this._refused())) return;
        if (!this._wanted || this._socket) return;
        this._pause(code, this._why || reason);
    }

    /** @param {WickVerdict} verdict @param {WickStateInfo} info */
    _stop(verdict, info) {
        this._wanted = false;
        globalThis.removeEventListener?.('online', this._online);
        globalThis.removeEventListener?.('offline', this._offline);
        this._set('offline', { verdict, ...info });
    }

    /** @param {number} code @param {string} reason */
    _pause(code, reason) {
        const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this._attempts++, 16));
        const wait = Math.max(Math.random() * longest, Math.min(this._notBefore - Date.now(), LONGEST_PAUSE_MS));
        this._after('retry', wait, () => this._connect());
        const retryAt = Date.now() + wait;
        if (globalThis.navigator?.onLine === false) this._set('offline', { code, reason: 'There is no network.', retryAt });
        else this._set('reconnecting', { code, reason, retryAt });
    }

    /** Whether the server refuses for good. */
    async _refused() {
        if (!this.probe) return false;
        try {
            const response = await fetch(this.probe, { cache: 'no-store' });
            const verdict = /** @type {Record<number, WickVerdict>} */ ({ 401: 'unauthorized', 403: 'forbidden',
                                                                          404: 'not_found' })[response.status];
            if (!verdict || !this._wanted || this._socket) return false;
            const problem = await response.json().catch(() => ({}));
            this._stop(verdict, { status: response.status, reason: problem.detail });
            return true;
        } catch {
            return false;
        }
    }
}
