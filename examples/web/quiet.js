/*
 * quiet.js - requests whose failing is an answer. A browser writes a line to the console of a page for each of its requests
 * that fails or is refused; to learn whether the server is there is no fault of the page's, so a worker asks, and tells.
 */

const WORK = `onmessage = async ({ data: { id, url, request, ms } }) => {
    try {
        const response = await fetch(url, { ...request, signal: AbortSignal.timeout(ms) });
        const body = response.type === 'opaque' ? '' : await response.text();
        postMessage({ id, status: response.status, headers: [...response.headers], landed: response.url, body });
    } catch (error) {
        postMessage({ id, error: String(error) });
    }
}`;
const TIMEOUT_MS = 5000;

let worker = null, denied = false, lastRequest = 0;
const waiting = new Map();

function heard({ data: { id, status, headers, body, landed, error } }) {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error) reject(new TypeError(error));
    else if (status === 0) resolve(Response.error());
    else resolve(Object.assign(new Response([204, 205, 304].includes(status) ? null : body, { status, headers }), { landed }));
}

/** Where a proxy has put a policy of its own on the page, there may be no worker: then the page asks itself. */
function alone() {
    denied = true;
    for (const { url, request, resolve } of waiting.values()) resolve(fetch(url, request));
    waiting.clear();
}

function employ() {
    try {
        worker = new Worker(URL.createObjectURL(new Blob([WORK], { type: 'text/javascript' })));
        worker.onmessage = heard;
        worker.onerror = alone;
    } catch {
        denied = true;
    }
}

/** Like fetch(), for what can be told to a worker. */
export function quietFetch(where, { method, mode, cache, headers, body } = {}) {
    const url = new URL(where, location.href).href;
    const request = JSON.parse(JSON.stringify({ method, mode, cache, headers, body })); // without what is undefined
    if (!worker) employ();
    if (denied) return fetch(url, request);
    return new Promise((resolve, reject) => {
        const id = ++lastRequest;
        waiting.set(id, { url, request, resolve, reject });
        worker.postMessage({ id, url, request, ms: TIMEOUT_MS });
    });
}
