/**
 * wick-transport.js - what a session of wick.js goes over: a WebSocket, or where none gets through, HTTP; and how to find out
 * why none does.
 *
 * A transport opens, takes texts, gives events, and ends once. A session over HTTP has two halves. What the client says goes
 * out by `POST /api/events`, in order, one request at a time. What the server says comes by `GET /api/events`: as server-sent
 * events, or by long polling where something on the way holds a stream back. The first message is `session.open` as on a
 * WebSocket, so the cursor is the same one too.
 *
 * The stream is read with fetch(), not with EventSource: that gives up for ever after a 502, shows neither the status of a
 * refusal nor the comments that tell a quiet stream from a dead one, and cannot send the token in a header.
 */

/** @import { WickEvent, WickFetch, WickProblem, WickVerdict } from './wick.js' */

/** A stream of which nothing has come after this time is held back on the way: the server begins each with a line. */
const HELD_MS = 4000;
/** How long a long poll waits for an event. Many a proxy ends a request that is silent for 30 s. */
const POLL_MS = 25000;
/** The most that is posted at once. */
const POST_MESSAGES = 64, POST_CHARACTERS = 262144;
/** Why is asked that long. */
const ASK_MS = 5000;
/** Behind every event: a cursor that the server answers with session.reset. */
const NOWHERE = Number.MAX_SAFE_INTEGER;

export class SocketTransport {
    /** @param {string} url */
    constructor(url) {
        this.url = url;
        this.way = /** @type {const} */ ('websocket');
        this.duplex = true;
        this.held = this.entered = false;
        /** @type {WickProblem|undefined} */
        this.problem = undefined;
        this.onopen = this.onheard = () => {};
        /** @type {(event: WickEvent) => void} */
        this.onevent = () => {};
        /** @type {(code: number, reason: string) => void} */
        this.onclose = () => {};
        /** @type {WebSocket|null} */
        this.socket = null;
    }

    open() {
        const socket = new WebSocket(this.url, ['agent-events.v1']);
        this.socket = socket;
        socket.onopen = () => this.onopen();
        socket.onclose = ({ code, reason }) => {
            this.socket = null;
            this.onclose(code, reason);
        };
        socket.onmessage = ({ data }) => {
            this.onheard();
            try {
                data = JSON.parse(data);
            } catch {
                return;
            }
            this.onevent(data);
        };
    }

    /** @param {string} text */
    send(text) {
        if (this.socket?.readyState === 1) this.socket.send(text);
    }

    /** @param {number} [code] @param {string} [reason] */
    close(code, reason) {
        if (!this.socket) return;
        this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
        this.socket.close(code || 1000, reason);
        this.socket = null;
    }
}

export class HttpTransport {
    /**
     * @param {string} url       of /api/events
     * @param {boolean} stream   whether events come as server-sent events, else by long polling
     */
    constructor(url, stream) {
        this.url = url;
        this.way = stream ? /** @type {const} */ ('sse') : /** @type {const} */ ('poll');
        /** Whether ack and ping mean anything here. */
        this.duplex = false;
        /** What the server has refused the session with, if it has. @type {WickProblem|undefined} */
        this.problem = undefined;
        /** Whether requests are answered, but not the stream. */
        this.held = false;
        this.onopen = () => {};
        /** @type {(event: WickEvent) => void} */
        this.onevent = () => {};
        /** Something has come, were it only a comment. */
        this.onheard = () => {};
        /** @type {(code: number, reason: string) => void} */
        this.onclose = () => {};
        /** @type {string[]} */
        this._queue = [];
        this._posting = false;
        /** @type {Record<string, string>|null} */
        this._entry = null;
        this._abort = new AbortController();
    }

    /** Whether the session has been opened, though perhaps none of its events has come. */
    get entered() {
        return this._entry !== null;
    }

    open() {
        queueMicrotask(() => this._abort.signal.aborted || this.onopen());
    }

    /** Post a message behind those that wait. The first one is session.open. @param {string} text */
    send(text) {
        this._queue.push(text);
        if (!this._posting) this._work(() => this._drain());
    }

    close() {
        this.onopen = this.onevent = this.onheard = this.onclose = () => {};
        this._abort.abort();
    }

    /** What the application does wrong is no fault of the connection. @param {WickEvent} event */
    _give(event) {
        try {
            this.onevent(event);
        } catch (error) {
            setTimeout(() => {
                throw error;
            });
        }
    }

    /** Do something that may fail, which ends the connection. @param {() => Promise<void>} task */
    async _work(task) {
        try {
            await task();
        } catch (error) {
            if (this._abort.signal.aborted) return;
            const end = this.onclose;
            this.close();
            end(codeOf(this.problem), this.problem?.detail ?? '');
        }
    }

    /** @param {string} query @param {RequestInit} request @returns {Promise<Response>} with a status that is good */
    async _fetch(query, request) {
        const response = await fetch(this.url + query, { ...request, cache: 'no-store', signal: this._abort.signal });
        if (response.ok) return response;
        this.problem = await describe(response, this.url);
        throw new Error(this.problem.text);
    }

    async _drain() {
        this._posting = true;
        while (this._queue.length) {
            if (!this._entry) {
                const open = this._queue.splice(0, 1)[0], [opened] = await this._post(open);
                if (opened.type === 'session.opened') this._enter(JSON.parse(open).payload, opened);
            } else {
                for (const reply of await this._post(`[${this._batch().join()}]`)) this._give(reply);
            }
        }
        this._posting = false;
    }

    _batch() {
        let size = 0, count = 0;
        while (count < Math.min(this._queue.length, POST_MESSAGES)) {
            size += this._queue[count].length;
            if (count && size > POST_CHARACTERS) break;
            count++;
        }
        return this._queue.splice(0, count);
    }

    /** @param {string} body @returns {Promise<WickEvent[]>} the answers, in order */
    async _post(body) {
        const headers = { 'Content-Type': 'application/json', ...this._entry };
        const response = await this._fetch('', { method: 'POST', body, headers });
        const { accepted } = await response.json();
        this.onheard();
        return accepted;
    }

    /**
     * The session is open: read what it has to tell, from the cursor that the client has; if that is not served, or the session
     * is another one, from nowhere, so that session.reset comes.
     * @param {Record<string, any>} asked    of session.open
     * @param {WickEvent & { type: 'session.opened' }} opened
     */
    _enter(asked, opened) {
        const { session_id, resume_token, epoch, head_seq, recovered } = opened.payload;
        this._entry = { 'Session-Id': session_id, 'Resume-Token': resume_token };
        const seq = recovered ? asked.last_seq : asked.session_id ? NOWHERE : head_seq;
        this._work(() => (this.way === 'sse' ? this._read(`${epoch}:${seq}`, opened) : this._poll(`${epoch}:${seq}`, opened)));
    }

    /** The session counts as open once the stream has begun. @param {string} after @param {WickEvent} opened */
    async _read(after, opened) {
        const held = setTimeout(() => this._hold(), HELD_MS);
        try {
            const headers = { Accept: 'text/event-stream', ...this._entry };
            const response = await this._fetch(`?after=${after}`, { headers });
            if (!/^text\/event-stream/i.test(response.headers.get('Content-Type') ?? '')) throw this._hold();
            const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader(), decoder = new TextDecoder();
            let text = '', begun = false;
            for (;;) {
                const { done, value } = await reader.read();
                if (done) break;
                clearTimeout(held);
                this.onheard();
                if (!begun) this._give(opened);
                begun = true;
                const lines = (text + decoder.decode(value, { stream: true })).split('\n');
                text = /** @type {string} */ (lines.pop());
                for (const line of lines) if (line.startsWith('data: ')) this._give(JSON.parse(line.slice(6)));
            }
            if (!begun) throw this._hold();
        } finally {
            clearTimeout(held);
        }
        const end = this.onclose;
        this.close();
        end(1006, 'The stream has ended.');
    }

    /** No stream gets through here. */
    _hold() {
        const end = this.onclose;
        this.held = true;
        this.close();
        end(1006, 'Something on the way holds the stream back.');
    }

    /** @param {string} after @param {WickEvent} opened */
    async _poll(after, opened) {
        const headers = { Accept: 'application/json', ...this._entry };
        this._give(opened);
        while (!this._abort.signal.aborted) {
            const response = await this._fetch(`?after=${after}&wait_ms=${POLL_MS}`, { headers });
            const { events, next } = await response.json();
            this.onheard();
            for (const event of events) this._give(event);
            after = next;
        }
    }
}

/** The close code that says the same as a refusal over HTTP. @param {WickProblem|undefined} problem */
function codeOf(problem) {
    if (!problem?.stamped) return 1006;
    if (problem.status === 401) return 4401;
    if (problem.status === 413) return 1009;
    return problem.code === 'SESSION_FORBIDDEN' ? 4403 : 1006;
}

/* ---- Why ---- */

/** What a status means that something before the server has answered. @type {Record<number, string>} */
const PROXY_SAYS = {
    200: 'it answers with a page of its own, so the path is not passed on',
    401: 'it asks for a login of its own',
    403: 'it, or a firewall, does not let this through',
    404: 'it has no route for this path, or one to another server',
    405: 'it has no route for this path, or one to another server',
    407: 'it asks for a login of its own',
    426: 'it wants another protocol',
    502: 'the server behind it refuses the connection, so it is down or listens elsewhere',
    503: 'the server behind it is down',
    504: 'the server behind it does not answer',
};

/** @param {WickProblem} problem @param {string} where */
function tell(problem, where) {
    const { stamped, status, detail, proxy, hint, code } = problem;
    if (!stamped && !detail) {
        const why = PROXY_SAYS[status ?? 0] ?? 'it did not come to the server';
        return `${status} for ${where} is not the server's answer: something before it says so, and ${why}.`;
    }
    const what = detail ?? code ?? `The server answers ${status}.`;
    const name = proxy && !what.includes(proxy) ? `${what} (${proxy} is in between.)` : what;
    return hint ? `${name} ${hint}` : name;
}

/**
 * What a response says about the server and what is before it.
 * @param {Response & { landed?: string }} response    `landed`: where redirects have led
 * @param {string} url
 * @returns {Promise<WickProblem>}
 */
export async function describe(response, url) {
    const { status, headers } = response, where = new URL(url).pathname, landed = response.landed ?? response.url;
    const json = /[/+]json\b/.test(headers.get('Content-Type') ?? '') ? await response.json().catch(() => null) : null;
    const { code, cause, proxy, hint, detail, saw } = json ?? {};
    const stamped = headers.has('Wick-Server');
    const problem = { reached: true, stamped, status, code, cause, proxy, hint, detail, saw, text: '' };
    problem.text = tell(problem, where);
    if (landed && new URL(landed).pathname !== where) problem.text = `${where} leads to ${landed}. ${problem.text}`;
    return problem;
}

/** What a server says to a plain GET where it takes WebSockets. */
const LOST = ['UPGRADE_STRIPPED_BY_PROXY', 'NOT_A_WEBSOCKET_REQUEST'];

/** @param {RequestInit} [more] @returns {RequestInit} */
function asking(more) {
    return { cache: 'no-store', signal: AbortSignal.timeout(ASK_MS), ...more };
}

/**
 * Find out whether the server can be reached, without wanting anything of it.
 * @param {string} url @param {WickFetch} ask @returns {Promise<WickProblem>}
 */
export async function reach(url, ask) {
    try {
        return await describe(await ask(url, asking({ method: 'OPTIONS' })), url);
    } catch {
        return silence(url, ask);
    }
}

/**
 * Find out why no WebSocket comes to be: JavaScript is told 1006 whatever it was, so ask the same path over HTTP.
 * @param {string} url          http: or https:
 * @param {WickFetch} ask
 * @returns {Promise<WickProblem>}
 */
export async function explain(url, ask) {
    const question = new URL(url), page = globalThis.location;
    let problem;
    question.searchParams.set('lost', 'websocket');
    try {
        problem = await describe(await ask(question.href, asking()), url);
    } catch {
        return silence(url, ask);
    }
    if (!problem.stamped || !LOST.includes(problem.code ?? '')) return problem;
    /* The server is there and would have taken a WebSocket. What it saw of this request shows what became of that one. */
    const saw = /** @param {string} name */ (name) => new RegExp(`\\b${name}=(\\S+)`).exec(problem.saw ?? '')?.[1] ?? '';
    const who = problem.proxy ?? 'a proxy', lost = 'The page gets through to the server, but its WebSocket does not';
    problem.detail = saw('http') === '1.0' ? `${lost}: ${who} in between speaks HTTP/1.0 to the server.` : `${lost}.`;
    if (page?.host === question.host && saw('host') && !isHost(saw('host'), question)) {
        if (saw('http') !== '1.0') problem.cause = 'HOST_REWRITTEN';
        problem.detail += ` It also calls the server ${saw('host')} and not ${question.host}, so the page looks foreign to it.`;
    }
    problem.text = tell(problem, url);
    return problem;
}

/** Whether a Host field names the server of a URL; a proxy may leave the port out. @param {string} seen @param {URL} url */
function isHost(seen, { host, hostname }) {
    return [host, hostname].includes(seen.toLowerCase());
}

/**
 * There is no answer, or none that a page of this origin may see.
 * @param {string} url @param {WickFetch} ask @returns {Promise<WickProblem>}
 */
async function silence(url, ask) {
    const { host, origin } = new URL(url), page = globalThis.location?.origin;
    if (globalThis.navigator?.onLine === false) return { reached: false, stamped: false, text: 'There is no network.' };
    const reached = Boolean(page && page !== origin) &&
                    (await ask(url, asking({ mode: 'no-cors' })).then(() => true, () => false));
    const text = reached ? `${host} answers, but does not let a page of ${page} read it: its --origin is to list ${page}.`
                         : `${host} does not answer: the server is down, or the way to it is cut.`;
    return { reached, stamped: false, text };
}

/** Whether the server is up: what a proxy says for a server that is not there is no answer. @param {WickProblem} problem */
export function isThere({ reached, stamped, status }) {
    return reached && (stamped || !status || status < 502 || status > 504);
}

/** @type {Record<number, WickVerdict>} */
const VERDICTS = {
    401: 'unauthorized', 403: 'forbidden', 404: 'not_found',
    1000: 'closed', 1003: 'refused', 1007: 'refused', 1008: 'refused', 1009: 'refused', 1010: 'refused',
    4401: 'unauthorized', 4403: 'forbidden', 4404: 'not_found', 4406: 'version', 4409: 'taken_over',
};

/** The verdict on a close code or an HTTP status, or undefined if it is worth trying again. @param {number} code */
export function verdictOn(code) {
    return VERDICTS[code] ?? (code >= 4400 && code < 4500 ? 'refused' : undefined);
}
