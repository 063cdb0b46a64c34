/**
 * wick.js - a client for agent-events v1 in the browser: one session, many runs at once, over WebSocket or, where none gets
 * through, over HTTP. An ES module; with wick-transport.js beside it, it needs nothing else. Types are in wick.d.ts.
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
 * THE TRANSPORT may change on the way, with the same cursor. After three WebSockets that came to nothing, or one that has
 * certainly lost its upgrade at a proxy, the session goes on over HTTP: with server-sent events, or by long polling where a
 * stream is held back. Every five minutes a WebSocket is tried beside it, and taken if it opens. While the server cannot be
 * reached at all nothing is counted: it is asked with OPTIONS until it answers, and then connected to.
 *
 * WHY no WebSocket comes to be is asked of the same path over HTTP and told to `onproblem`, because the browser says only 1006.
 *
 * MESSAGES have an id, wait for a connection, and are sent again after each return until the server has answered; it takes them
 * once.
 *
 * A RELOAD of the page need not end the session: keep what `onsession` hands over, and give it to the next client as `session`.
 * With `last_seq: 0` in it the whole conversation comes again.
 *
 * THE END, state `offline` with a verdict, comes after 1000, 1003, 1007 to 1010 and 4400 to 4499, or when the server refuses the
 * first connection with 401, 403 or 404: the same again would not help. Change what was wrong, and call open() again.
 */
import { HttpTransport, SocketTransport, explain, isThere, reach, verdictOn } from './wick-transport.js';

/** @import { WickClientPayloads, WickEvent, WickOptions, WickProblem, WickSession } from './wick.js' */
/** @import { WickState, WickStateInfo, WickTransport, WickVerdict } from './wick.js' */

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30000;
const STABLE_AFTER_MS = 10000;
const OPEN_WITHIN_MS = 10000;
const ACK_EVENTS = 32;
const ACK_MS = 1000;
const WATCH_MS = 5000;
const WEBSOCKET_AGAIN_MS = 300000;
/** So many attempts that come to nothing speak against a transport. */
const ENOUGH = 3;

export class WickClient {
    /** @param {WickOptions} options */
    constructor({ url, events, token, session, fetch: ask, transports, websocketAgainMs }) {
        const http = new URL(url);
        http.protocol = http.protocol === 'wss:' ? 'https:' : 'http:';
        this.url = url;
        this.events = events ?? new URL(/\/api\/runtime\/agent$/.test(http.pathname) ? '../events' : 'api/events', http).href;
        this.token = token;
        /** @type {WickState} */
        this.state = 'offline';
        /** What the session goes over, or is to go over next. @type {WickTransport} */
        this.transport = transports?.[0] ?? 'websocket';
        /** @type {(state: WickState, info: WickStateInfo) => void} */
        this.onstate = () => {};
        /** Every message of the server but `pong` and duplicates. @type {(event: WickEvent) => void} */
        this.onevent = () => {};
        /** There is something new to keep: a token, or a message without an answer. @type {(session: WickSession) => void} */
        this.onsession = () => {};
        /** Why a connection came to nothing. @type {(problem: WickProblem) => void} */
        this.onproblem = () => {};
        /** @type {WickProblem|null} */
        this.problem = null;

        this._session = session?.session_id ? { id: session.session_id, token: session.resume_token } : null;
        this._epoch = session?.epoch ?? 0;
        this._last = session?.last_seq ?? 0;
        /** @type {Map<string, string>} */
        this._outbox = new Map(session?.unanswered ?? []);
        /* A client that goes on with a session must not use the ids of the one before. */
        this._prefix = WickClient.uuid().slice(0, 8);
        this._lastId = this._head = 0;
        this._leaving = this._why = '';

        this._http = http.href;
        this._ask = ask ?? ((/** @type {string} */ where, /** @type {RequestInit} */ request) => fetch(where, request));
        /* Whether silence means something: a page may not be allowed to ask at all. */
        this._hears = ask !== undefined;
        this._ways = transports ?? ['websocket', 'sse', 'poll'];
        this._againMs = websocketAgainMs ?? WEBSOCKET_AGAIN_MS;
        /** @type {SocketTransport|HttpTransport|null} */
        this._carrier = null;
        /** A WebSocket that is tried beside it. @type {SocketTransport|null} */
        this._beside = null;
        this._wanted = this._opened = this._everOpened = this._knock = this._resetDue = false;
        this._attempts = this._failed = this._notBefore = this._unacked = this._heardAt = this._pingedAt = 0;
        this._heartbeat = { interval_ms: 25000, timeout_ms: 20000 };
        /** @type {Record<string, any>} */
        this._timers = {};
        this._online = () => this._wanted && (this._opened ? this._ping() : this._carrier || this._connect());
        this._offline = () => this._wanted && !this._carrier && this._set('offline', { reason: 'There is no network.' });
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
        this._notBefore = this._failed = 0;
        this._knock = false;
        globalThis.addEventListener?.('online', this._online);
        globalThis.addEventListener?.('offline', this._offline);
        if (!this._carrier) this._connect();
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
        this._leaving = this.request('session.close', {});
        return this._leaving;
    }

    /**
     * Ask an agent. While there is no connection the message waits for one.
     * @param {string} text
     * @param {Record<string, unknown>} [context]    surface, project_id, and whatever else the agents know
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
     * @param {unknown} content
     * @param {'answered'|'declined'|'cancelled'} [status]
     * @returns {string} the id of the message
     */
    answer(request_id, content, status) {
        return this.request('agent.input_response', { request_id, content, ...(status && { status }) });
    }

    /**
     * Send a message that `accepted` or `error` answers, with its id in `re`.
     * @template {keyof WickClientPayloads} T
     * @param {T} type @param {WickClientPayloads[T]} payload @returns {string} its id
     */
    request(type, payload) {
        const id = `${this._prefix}-${++this._lastId}`;
        const text = JSON.stringify({ type, id, payload });
        this._outbox.set(id, text);
        if (this._opened) this._carrier?.send(text);
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
        this._carrier?.send(JSON.stringify({ type: 'session.open', id: `${this._prefix}-open`, payload }));
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
        this.transport = this._carrier?.way ?? this.transport;
        this._why = '';
        this._notBefore = this._failed = 0;
        this._after('stable', STABLE_AFTER_MS, () => (this._attempts = 0));
        this._watch();
        for (const text of this._outbox.values()) this._carrier?.send(text);
        this._keep();
        if (this.transport !== 'websocket' && this._ways.includes('websocket'))
            this._after('again', this._againMs, () => this._tryWebSocket());
        this._set('connected', { transport: this.transport });
    }

    /** @param {WickEvent} event */
    _receive(event) {
        if (!event || typeof event.type !== 'string') return;
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
            if (re && re === this._leaving) this._lose(1000, '');
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
        if (this._opened && this._unacked && this._carrier?.duplex)
            this._carrier.send(JSON.stringify({ type: 'ack', payload: { seq: this._last } }));
        this._unacked = 0;
    }

    _ping() {
        this._pingedAt ||= Date.now();
        if (this._carrier?.duplex) this._carrier.send('{"type":"ping"}');
    }

    /** A page does not see the pings of a WebSocket: silence is broken with one of the protocol's own. HTTP has comments. */
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

    async _connect() {
        clearTimeout(this._timers.retry);
        this._set(this._attempts || this._everOpened ? 'reconnecting' : 'connecting', {});
        if (this._knock) {
            const problem = await reach(this._http, this._ask);
            if (!this._wanted || this._carrier) return;
            this._knock = !isThere(problem);
            this._hears ||= problem.reached;
            if (this._knock && this._hears) {
                this._tell(problem);
                this._pause(1006, problem.text, problem);
                return;
            }
        }
        const carrier = this.transport === 'websocket' ? new SocketTransport(this.url)
                                                       : new HttpTransport(this.events, this.transport === 'sse');
        this._carry(carrier);
        carrier.onopen = () => this._begin();
        try {
            carrier.open();
        } catch (error) { /* a URL that this page may not use */
            this._hangUp(0, '');
            this._stop('refused', { reason: String(error) });
        }
    }

    /** Have this connection. @param {SocketTransport|HttpTransport} carrier */
    _carry(carrier) {
        this._carrier = carrier;
        this._heardAt = this._pingedAt = 0;
        this._after('open', OPEN_WITHIN_MS, () => this._lose(4508, 'The server does not answer.'));
        carrier.onevent = (event) => this._receive(event);
        carrier.onheard = () => {
            this._heardAt = Date.now();
            this._pingedAt = 0;
        };
        carrier.onclose = (code, reason) => this._lose(code, reason);
    }

    /** The session goes over HTTP: see whether a WebSocket gets through by now. Once it is open, it is the connection. */
    _tryWebSocket() {
        const socket = new SocketTransport(this.url);
        this._beside = socket;
        socket.onclose = () => {
            this._beside = null;
            this._after('again', this._againMs, () => this._tryWebSocket());
        };
        socket.onopen = () => {
            this._beside = null;
            this._hangUp(0, '');
            this._carry(socket);
            this._begin();
        };
        socket.open();
    }

    /** Have no connection any more, and hear nothing of the one that was. @param {number} code @param {string} reason */
    _hangUp(code, reason) {
        const carrier = this._carrier;
        for (const name of ['open', 'stable', 'watch', 'ack', 'retry', 'again']) clearTimeout(this._timers[name]);
        this._beside?.close();
        this._carrier = this._beside = null;
        this._opened = false;
        this._unacked = this._pingedAt = 0;
        carrier?.close(code, reason);
    }

    /** The connection is over, or of no use any more. @param {number} code @param {string} reason */
    _lose(code, reason) {
        const carrier = this._carrier, opened = this._opened, silent = code === 4508 && opened;
        this._hangUp(code, reason);
        const verdict = verdictOn(code);
        if (verdict) {
            if (code === 1000) {
                this._session = null;
                this._epoch = this._last = 0;
            }
            this._stop(verdict, { code, reason: this._why || reason });
        } else if (silent && this.transport === 'sse' && this._ways.includes('poll')) {
            this.transport = 'poll'; /* a stream that stays open and says nothing */
            this._connect();
        } else if (carrier && carrier.way !== this.transport) {
            this._connect(); /* it was tried beside what works */
        } else if (opened || !carrier || (carrier.duplex && this._heardAt)) {
            /* The server may be gone. Asking first spares the browser a WebSocket that fails. */
            this._knock = code === 1001 || code === 1006 || code === 4508;
            this._pause(code, this._why || reason);
        } else {
            this._failedWith(carrier, code, reason);
        }
    }

    /** It never came to a session. @param {SocketTransport|HttpTransport} carrier @param {number} code @param {string} reason */
    async _failedWith(carrier, code, reason) {
        const problem = carrier.problem ?? (carrier.held ? null : await explain(this._http, this._ask));
        if (!this._wanted || this._carrier) return;
        if (problem) this._tell(problem);
        this._hears ||= problem?.reached ?? true;
        this._knock = problem !== null && !carrier.entered && !isThere(problem);
        const verdict = problem?.status && !this._everOpened && verdictOn(problem.status);
        if (verdict) return this._stop(verdict, { status: problem.status, reason: problem.text, problem });
        const certain = carrier.held || problem?.cause === 'HOST_REWRITTEN' || problem?.cause === 'HOP_STRIPPED_HTTP10' ||
                        (problem?.code === 'UPGRADE_STRIPPED_BY_PROXY' && problem.proxy !== undefined);
        /* What this page may not read would not let it in over HTTP either. */
        const readable = !problem || problem.status !== undefined;
        if (!this._knock && readable && this._fallBack(certain)) {
            this._connect();
            return;
        }
        this._pause(code, problem?.text || this._why || reason, problem);
    }

    /** One more attempt has failed, though the server is there. Returns whether it is enough. @param {boolean} certain */
    _fallBack(certain) {
        if ((!certain && ++this._failed < ENOUGH) || this._ways.length < 2) return false;
        this.transport = this._ways[(this._ways.indexOf(this.transport) + 1) % this._ways.length];
        this._failed = 0;
        return true;
    }

    /** @param {WickProblem} problem */
    _tell(problem) {
        this.problem = problem;
        this.onproblem(problem);
    }

    /** @param {WickVerdict} verdict @param {WickStateInfo} info */
    _stop(verdict, info) {
        this._wanted = false;
        globalThis.removeEventListener?.('online', this._online);
        globalThis.removeEventListener?.('offline', this._offline);
        this._set('offline', { verdict, ...info });
    }

    /** @param {number} code @param {string} reason @param {WickProblem|null} [problem] */
    _pause(code, reason, problem) {
        const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this._attempts++, 16));
        const wait = Math.max(Math.random() * longest, Math.min(this._notBefore - Date.now(), LONGEST_PAUSE_MS));
        this._after('retry', wait, () => this._connect());
        const info = { code, reason, retryAt: Date.now() + wait, ...(problem && { problem }) };
        if (globalThis.navigator?.onLine === false) this._set('offline', { ...info, reason: 'There is no network.' });
        else this._set('reconnecting', info);
    }
}
