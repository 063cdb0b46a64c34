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

let worker = null, lastRequest = 0;
const waiting = new Map();

function heard({ data: { id, status, headers, body, landed, error } }) {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error) reject(new TypeError(error));
    else if (status === 0) resolve(Response.error());
    else resolve(Object.assign(new Response([204, 205, 304].includes(status) ? null : body, { status, headers }), { landed }));
}

/** Like fetch(), for what can be told to a worker. */
export function quietFetch(url, { method, mode, cache, headers, body } = {}) {
    if (!worker) {
        worker = new Worker(URL.createObjectURL(new Blob([WORK], { type: 'text/javascript' })));
        worker.onmessage = heard;
    }
    return new Promise((resolve, reject) => {
        const id = ++lastRequest;
        waiting.set(id, { resolve, reject });
        const request = { method, mode, cache, headers, body };
        worker.postMessage({ id, url: new URL(url, location.href).href, request: JSON.parse(JSON.stringify(request)), ms: TIMEOUT_MS });
    });
}
