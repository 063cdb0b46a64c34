/*
 * page.js - the page: a conversation over one session, what the connection does, and what is kept over a reload.
 */
import { WickClient } from './wick.js';
import { $, Run, desk, runs } from './run.js';
import { Monitor } from './monitor.js';
import { quietFetch } from './quiet.js';

const log = $('[data-wick="log"]'), statusLine = $('[data-wick="status"]'), input = $('[data-wick="input"]');
const byMessage = new Map(); // id of our message -> Run
const total = { input: 0, output: 0 };

/* What outlives a reload: the session, and what was said. The rest comes again from the server, unless that has forgotten it. */
const KEPT_RUNS = 100, KEPT_CHARACTERS = 1500000;
const kept = {
    read(name) {
        try {
            return JSON.parse(sessionStorage.getItem(`wick.${name}`));
        } catch {
            return null;
        }
    },
    write(name, value) {
        try {
            sessionStorage.setItem(`wick.${name}`, JSON.stringify(value));
            return true;
        } catch {
            return false; // full, or not allowed
        }
    },
    forget() {
        for (const name of ['session', 'runs', 'workflows']) this.write(name, null);
    },
};
function keepRuns() {
    let left = KEPT_CHARACTERS;
    const records = [...runs.values()].slice(-KEPT_RUNS).map((run) => run.record());
    const fits = records.reverse().filter((one) => (left -= one.asked.length + (one.over?.text.length ?? 0)) > 0);
    kept.write('runs', fits.reverse());
}

/** The end of the log stays in sight, unless the user has scrolled away from it. */
let atEnd = true;
const toEnd = () => atEnd && (log.scrollTop = log.scrollHeight);
log.onscroll = () => (atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60);
new ResizeObserver(toEnd).observe(log);
new ResizeObserver(toEnd).observe($('#runs'));

/** Have a screen reader say something, when it is news. Tokens are not read one by one, but a text when it is finished. */
let restoring = false;
function speak(text) {
    if (restoring) return;
    const line = document.createElement('p');
    line.textContent = text;
    $('#spoken').append(line);
    while ($('#spoken').children.length > 5) $('#spoken').firstElementChild.remove();
}

const answers = new Map(); // id of our answer -> [Run, request_id]
const client = new WickClient({
    url: WickClient.urlFor('api/runtime/agent'),
    session: kept.read('session'),
    fetch: quietFetch,
});

Object.assign(desk, {
    input,
    speak,
    keep: keepRuns,
    cancel: (id) => client.cancel(id, 'The user pressed Stop.'),
    answered: (run, request_id, content, status) => answers.set(client.answer(request_id, content, status), [run, request_id]),
    toEnd: () => {
        $('#empty')?.remove();
        atEnd = true;
        toEnd();
    },
    spend: (read, written) => {
        total.input += read;
        total.output += written;
        $('[data-wick="usage"]').textContent = `${total.input} tokens in, ${total.output} out`;
    },
});
const monitor = new Monitor({ kept, speak });

/* After a reload all of the session comes again. */
client.onsession = (session) => kept.write('session', { ...session, last_seq: 0 })
    || kept.write('session', { ...session, last_seq: 0, unanswered: [] });

const runOf = (id) => runs.get(id) ?? new Run(id, '');

/** The questions that are open: those that the page does not show yet are shown, those that are settled go. */
function showQuestions(open) {
    const ids = new Set(open.map((question) => question.request_id));
    for (const run of runs.values()) for (const id of [...run.forms.keys()]) if (!ids.has(id)) run.drop(id);
    for (const question of open) runOf(question.invocation_id).ask(question);
}

function reset({ invocations = [], truncated, pending_inputs = [] }) {
    const known = new Set();
    for (const stand of invocations) {
        known.add(stand.invocation_id);
        runOf(stand.invocation_id).reset(stand);
    }
    for (const run of runs.values()) {
        if (known.has(run.id) || run.over || truncated || client.unanswered(run.message)) continue;
        run.end('failed', 'lost');
        run.fail('The server does not know this run any more.');
    }
    showQuestions(pending_inputs);
}

function refused({ re, payload: { code, message } }) {
    if (answers.has(re)) {
        const [run, request_id] = answers.get(re);
        if (!run.forms.has(request_id)) return;
        run.drop(request_id);
        run.chip(`${code}: ${message}`);
        return;
    }
    const run = byMessage.get(re);
    run?.end('failed', 'refused');
    run?.fail(`${code}: ${message}`);
    keepRuns();
}

client.onevent = (event) => {
    const { type, payload, invocation_id } = event;
    if (restoring && event.seq && !client.replaying) restoring = false;
    switch (type) {
    case 'session.opened':
        restoring &&= !payload.recovered || payload.replay_count > 0;
        showQuestions(payload.pending_inputs ?? []);
        break;
    case 'session.reset':
        reset(payload.snapshot);
        restoring = false;
        break;
    case 'error': refused(event); break;
    default:
        if (!invocation_id || !type.startsWith('agent.')) break;
        runOf(invocation_id).take(event);
        if (event.agent_id) monitor.know(event.agent_id);
    }
};

/* ---- The connection ---- */

const WAYS = { websocket: 'WebSocket', sse: 'SSE', poll: 'long poll' };
const LONG_WAYS = { sse: 'server-sent events', poll: 'long polling' };
const OVER = {
    taken_over: ['This conversation goes on in another window.', 'Go on here'],
    forbidden: ['The server does not let this page go on with its conversation.', 'New conversation'],
    other: ['The connection is closed.', 'Connect again'],
};

/** It is over, until the user wants it again. */
function notice({ verdict, reason, problem }) {
    const [text, label] = (!problem && OVER[verdict]) || OVER.other, button = $('#notice button');
    $('#notice p').textContent = OVER[verdict] || !reason ? text : `${text} ${problem ? '' : reason}`;
    button.textContent = label;
    button.onclick = () => {
        input.focus();
        if (verdict === 'forbidden' && !problem) anew();
        else client.open();
    };
    $('#notice').hidden = false;
}

/** Why there is no connection, or not the best one, in words and in all that is known. */
function why(problem, lead) {
    const panel = $('#why'), list = $('dl', panel);
    panel.hidden = !problem;
    if (!problem) return;
    const { text, reached, stamped, status, ...rest } = problem;
    const by = stamped ? 'by the server itself (Wick-Server)' : 'not by the server (no Wick-Server)';
    const answer = reached ? `${status ?? 'unreadable'}, ${by}` : 'none';
    const known = { answer, code: rest.code, cause: rest.cause, proxy: rest.proxy, saw: rest.saw, change: rest.hint };
    write($('p', panel), lead ? `${lead} ${text}` : text);
    list.replaceChildren();
    for (const [name, value] of Object.entries(known)) {
        if (!value) continue;
        const term = document.createElement('dt'), description = document.createElement('dd');
        term.textContent = name;
        description.textContent = value;
        list.append(term, description);
    }
}

/* Why there is no WebSocket, as long as there is none. */
let lacking = null;
client.onproblem = (problem) => problem.code && (lacking = problem);

/** What is read aloud is touched only when it is another. */
function write(element, text) {
    if (element.textContent !== text) element.textContent = text;
}

let countdown = 0;
function count(retryAt) {
    const tick = () => ($('#left').textContent = `in ${Math.max(1, Math.ceil((retryAt - Date.now()) / 1000))} s`);
    tick();
    countdown = setInterval(tick, 500);
}

client.onstate = (state, info) => {
    clearInterval(countdown);
    statusLine.dataset.state = state === 'connecting' ? 'reconnecting' : state;
    write($('#state'), state);
    $('#left').textContent = '';
    $('#via').hidden = state !== 'connected';
    $('#notice').hidden = true;
    if (state === 'connected') {
        write($('#via'), WAYS[info.transport]);
        why(info.transport === 'websocket' ? null : lacking, `The conversation goes over ${LONG_WAYS[info.transport]}.`);
    }
    if (info.problem) why(info.problem);
    if (state === 'reconnecting' && info.retryAt) count(info.retryAt);
    monitor.connected(state === 'connected' && info.transport);
    if (info.verdict === 'unauthorized') {
        $('#login-why').textContent = info.reason ?? '';
        if (!$('#login').open) $('#login').showModal();
    } else if (info.verdict) {
        notice(info);
    }
};

/** Leave this conversation, and begin another. */
function anew() {
    const begin = () => {
        client.onsession = () => {};
        kept.forget();
        location.reload();
    };
    if (client.state !== 'connected') return begin();
    client.onstate = begin;
    client.leave();
    setTimeout(begin, 1000);
}
$('#anew').onclick = anew;

function send() {
    const text = input.value;
    if (!text.trim()) return;
    const asked = client.ask(text, { surface: $('#surface').value });
    byMessage.set(asked.id, new Run(asked.invocation_id, text, asked.id));
    keepRuns();
    restoring = false;
    input.value = '';
    grow();
    input.focus();
}

function grow() {
    input.style.height = 'auto';
    input.style.height = `${input.scrollHeight}px`;
}

$('#composer').onsubmit = (e) => {
    e.preventDefault();
    send();
};
input.oninput = grow;
input.onkeydown = (e) => {
    if (e.key !== 'Enter' || e.shiftKey || e.isComposing) return;
    e.preventDefault();
    send();
};
$('#login-form').onsubmit = (e) => {
    e.preventDefault();
    document.cookie = `session_token=${$('#token').value}; path=/; samesite=strict`;
    $('#login').close();
    client.open();
};

for (const { id, asked, message, over } of kept.read('runs') ?? []) {
    const run = new Run(id, asked, message);
    if (message) byMessage.set(message, run);
    restoring = true;
    if (over) run.restore(over);
    run.stale = Boolean(over);
}
keepRuns();
client.open();
