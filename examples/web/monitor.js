/*
 * monitor.js - what goes on in the server, live: numbers of the coordinator, what each agent does, how far each workflow is.
 * Every one of them is a state that a WebSocket of its own tells: /ws/coordinator, /ws/agent/{name}, /ws/workflow/{id}.
 */
import { $, questionForm } from './run.js';
import { quietFetch } from './quiet.js';

const FIRST_PAUSE = 1000, LONGEST_PAUSE = 30000;
/** Seconds of tokens that the curve shows. */
const CURVE_SECONDS = 60;
const LAST = ['completed', 'failed', 'cancelled'];

/**
 * A socket that is told a state, for as long as it is wanted. It says nothing, so the server begins by itself. `there`, if given,
 * says before each attempt whether there is still something to be told.
 */
class Feed {
    constructor(path, tell, there) {
        this.path = path;
        this.tell = tell;
        this.there = there;
        this.pause = FIRST_PAUSE;
        this.wanted = this.over = false;
    }

    async start() {
        this.wanted = !this.over;
        if (!this.wanted || this.socket || this.timer) return;
        if (this.there && !(await this.there())) this.over = true;
        if (!this.wanted || this.over || this.socket) return;
        const url = new URL(this.path, location.href);
        url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
        this.socket = new WebSocket(url);
        this.socket.onmessage = ({ data }) => {
            this.pause = FIRST_PAUSE;
            this.tell(JSON.parse(data).payload);
        };
        this.socket.onclose = () => {
            this.socket = null;
            this.timer = setTimeout(() => {
                this.timer = null;
                this.start();
            }, this.pause);
            this.pause = Math.min(2 * this.pause, LONGEST_PAUSE);
        };
    }

    stop() {
        clearTimeout(this.timer);
        this.timer = null;
        this.wanted = false;
        if (!this.socket) return;
        this.socket.onmessage = this.socket.onclose = null;
        this.socket.close();
        this.socket = null;
    }
}

const element = (tag, className, text) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
};

function time(seconds) {
    if (seconds < 90) return `${seconds} s`;
    return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

/** What each agent does. */
class Agents {
    constructor(list) {
        this.list = list;
        this.rows = new Map();
        setInterval(() => this.rows.forEach((row) => row.write()), 1000);
    }

    add(name) {
        const item = element('li', 'agent');
        const title = element('b', '', name), status = element('span', 'state', '\u2026'), since = element('time');
        const detail = element('p', 'quiet');
        item.append(title, status, since, detail);
        item.dataset.agent = name;
        const at = [...this.rows.keys()].filter((other) => other < name).length;
        this.list.insertBefore(item, this.list.children[at] ?? null);
        const row = { since: 0, write: () => (since.textContent = row.since ? time(Math.max(0, Math.round((Date.now() - row.since) / 1000))) : '') };
        row.feed = new Feed(`ws/agent/${encodeURIComponent(name)}`, (told) => {
            item.dataset.state = status.textContent = told.status;
            detail.textContent = told.detail ?? '';
            row.since = told.since ?? 0;
            row.write();
        });
        this.rows.set(name, row);
        return row.feed;
    }
}

/** The numbers, and a curve of the tokens of the last minute. */
class Metrics {
    constructor(list, curve) {
        this.list = list;
        this.curve = curve;
        this.cells = new Map();
        this.marks = [];
    }

    tell({ metrics }) {
        for (const [name, value] of Object.entries(metrics)) {
            if (!this.cells.has(name)) {
                const cell = element('div'), number = element('dd');
                cell.append(element('dt', '', name.replace(/_s$/, '').replaceAll('_', ' ')), number);
                cell.dataset.metric = name;
                this.list.append(cell);
                this.cells.set(name, number);
            }
            this.cells.get(name).textContent = name.endsWith('_s') ? time(value) : value.toLocaleString('en');
        }
        if ('tokens' in metrics) this.draw(metrics.tokens);
    }

    /** Metrics come at most once a second, and not while nothing changes: a mark holds until the next one. */
    draw(tokens) {
        const now = Date.now() / 1000, last = this.marks.at(-1);
        this.marks.push({ at: now, tokens, rate: last ? Math.max(0, tokens - last.tokens) / Math.max(1, now - last.at) : 0 });
        while (this.marks[0].at < now - CURVE_SECONDS) this.marks.shift();
        const top = Math.max(1, ...this.marks.map(({ rate }) => rate)), { rate } = this.marks.at(-1);
        const x = (at) => (100 * (1 - (now - at) / CURVE_SECONDS)).toFixed(2), y = (r) => (29 - 28 * r / top).toFixed(2);
        const points = this.marks.map((mark) => `${x(mark.at)},${y(mark.rate)}`);
        $('polyline', this.curve).setAttribute('points', points.join(' '));
        $('polygon', this.curve).setAttribute('points', `${x(this.marks[0].at)},30 ${points.join(' ')} 100,30`);
        $('figcaption', this.curve).textContent = `${Math.round(rate).toLocaleString('en')} tokens a second, ` +
            `at most ${Math.round(top).toLocaleString('en')} in the last minute`;
    }
}

/** A workflow with its bar; it may be stopped, asked after its result, and answered. */
class Workflow {
    constructor(id, { speak, forget }) {
        this.id = id;
        this.speak = speak;
        this.element = $('#workflow').content.cloneNode(true).firstElementChild;
        this.find = (selector) => $(selector, this.element);
        this.element.dataset.workflow = id;
        this.find('b').textContent = `Workflow ${id}`;
        this.find('progress').ariaLabel = `Progress of workflow ${id}`;
        this.find('.stop').onclick = () => this.post('cancel', {});
        this.find('.forget').onclick = forget;
        this.feed = new Feed(`ws/workflow/${encodeURIComponent(id)}`, (told) => this.tell(told), () => this.there());
    }

    /** Whether the server knows it (any more). */
    async there() {
        const response = await quietFetch(`api/mission/${this.id}/status`).catch(() => null);
        if (response?.status !== 404) return true;
        this.element.dataset.state = 'gone';
        this.find('.state').textContent = 'not known any more';
        this.find('.stop').hidden = true;
        this.find('.forget').hidden = false;
        return false;
    }

    post(what, body) {
        return quietFetch(`api/mission/${this.id}/${what}`, {
            method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
    }

    async status() {
        const response = await quietFetch(`api/mission/${this.id}/status`).catch(() => null);
        return response?.ok ? response.json() : null;
    }

    tell({ status, progress, total, step, message }) {
        const bar = this.find('progress'), over = LAST.includes(status), before = this.element.dataset.state;
        this.element.dataset.state = status;
        this.find('.state').textContent = status.replace('_', ' ');
        if (total) bar.max = total;
        if (progress !== undefined) bar.value = progress;
        this.find('.share').textContent = total ? `${Math.round(100 * (progress ?? 0) / total)} %` : '';
        this.find('.step').textContent = [over ? '' : step, message].filter(Boolean).join(': ');
        this.find('.stop').hidden = over;
        this.find('.forget').hidden = !over;
        if (status !== before && before && over) this.speak(`Workflow ${this.id}: ${status}`);
        if (over) {
            this.feed.over = true;
            this.feed.stop();
            this.finish();
        } else if (status === 'waiting_input') {
            this.ask();
        } else {
            this.find('.questions').replaceChildren();
        }
    }

    async ask() {
        const { pending_inputs = [] } = (await this.status()) ?? {}, shown = this.find('.questions');
        if (this.element.dataset.state !== 'waiting_input' || shown.children.length) return;
        for (const question of pending_inputs) {
            shown.append(questionForm(question, (content) => this.post('human-input', { request_id: question.request_id, content })));
            this.speak(`Workflow ${this.id} asks: ${question.question}`);
        }
    }

    async finish() {
        this.find('.questions').replaceChildren();
        const { result, error } = (await this.status()) ?? {}, what = error ?? result;
        if (what === undefined || !this.find('details').hidden) return;
        this.find('details').hidden = false;
        this.find('summary').textContent = error ? 'Error' : 'Result';
        this.find('pre').textContent = typeof what === 'string' ? what : what.text ?? JSON.stringify(what, null, 2);
    }
}

export class Monitor {
    constructor({ kept, speak }) {
        this.kept = kept;
        this.speak = speak;
        this.feeds = new Set();
        this.live = this.found = false;
        this.transport = null;
        this.workflows = new Map();
        this.panel = $('#monitor');
        this.button = $('#watch');
        this.agents = new Agents($('#agents'));
        this.metrics = new Metrics($('#metrics'), $('#curve'));
        this.add(new Feed('ws/coordinator', (told) => this.metrics.tell(told)));
        this.button.onclick = () => this.show(this.panel.hidden);
        const close = () => {
            this.show(false);
            this.button.focus();
        };
        $('#close-monitor').onclick = close;
        this.panel.onkeydown = ({ key }) => {
            if (key === 'Escape') close();
        };
        $('#begin').onsubmit = (e) => {
            e.preventDefault();
            this.begin();
        };
        $('#follow').onsubmit = (e) => {
            e.preventDefault();
            this.follow($('#follow-id').value.trim());
        };
        for (const id of kept.read('workflows') ?? []) this.watch(id);
        if (kept.read('monitor')) this.show(true);
    }

    add(feed) {
        this.feeds.add(feed);
        if (this.live) feed.start();
    }

    show(open) {
        this.panel.hidden = !open;
        document.body.classList.toggle('watching', open);
        this.button.setAttribute('aria-expanded', open);
        this.kept.write('monitor', open);
        this.update();
    }

    /** What the session goes over; false while it has no connection. */
    connected(transport) {
        this.transport = transport;
        this.update();
    }

    async update() {
        const live = !this.panel.hidden && this.transport === 'websocket';
        $('#monitor-note').hidden = this.panel.hidden || live;
        $('#monitor-note').textContent = this.transport ? 'Live numbers need a WebSocket, and none gets through here.'
                                                        : 'Not connected: what is shown is how things stood.';
        this.panel.dataset.live = live;
        if (live === this.live) return;
        this.live = live;
        for (const feed of this.feeds) live ? feed.start() : feed.stop();
        if (live && !this.found) await this.find();
    }

    /** The agents that the server names; more become known by what they do. */
    async find() {
        const response = await quietFetch('.well-known/agent-events').catch(() => null);
        this.found = response?.ok ?? false;
        for (const name of (this.found && (await response.json()).agents) || []) this.know(name);
    }

    know(name) {
        if (this.agents.rows.has(name)) return;
        this.add(this.agents.add(name));
        const label = element('label'), box = element('input');
        box.type = 'checkbox';
        box.value = name;
        box.checked = name.startsWith('liaison.');
        label.append(box, ` ${name}`);
        const later = [...$('#choose').querySelectorAll('label')].find((other) => $('input', other).value > name);
        $('#choose').insertBefore(label, later ?? null);
    }

    watch(id) {
        if (this.workflows.has(id)) return;
        const workflow = new Workflow(id, { speak: this.speak, forget: () => this.forget(id) });
        this.workflows.set(id, workflow);
        $('#workflows').prepend(workflow.element);
        this.add(workflow.feed);
        this.keep();
    }

    forget(id) {
        const { feed, element: card } = this.workflows.get(id);
        feed.stop();
        this.feeds.delete(feed);
        this.workflows.delete(id);
        card.remove();
        this.keep();
        $('#plan').focus();
    }

    keep() {
        this.kept.write('workflows', [...this.workflows.keys()]);
    }

    say(text) {
        $('#workflow-problem').textContent = text;
    }

    async begin() {
        const agents = [...$('#choose').querySelectorAll(':checked')].map(({ value }) => value), plan = $('#plan').value.trim();
        if (!plan || agents.length === 0) return this.say(plan ? 'Choose at least one agent.' : 'Say what is to be done.');
        const response = await quietFetch('api/mission/start', {
            method: 'POST', headers: { 'Content-Type': 'application/json' },
            body: JSON.stringify({ agents, plan, processType: 'sequential' }) }).catch(() => null);
        const answer = await response?.json().catch(() => ({}));
        if (!response?.ok) return this.say(answer?.detail ?? 'The server does not answer.');
        this.say('');
        $('#plan').value = '';
        this.watch(String(answer.mission_id));
    }

    async follow(id) {
        if (!id) return;
        const response = await quietFetch(`api/mission/${encodeURIComponent(id)}/status`).catch(() => null);
        if (!response?.ok) return this.say(response ? `There is no workflow ${id}.` : 'The server does not answer.');
        this.say('');
        $('#follow-id').value = '';
        this.watch(id);
    }
}
