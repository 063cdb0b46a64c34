/*
 * run.js - one run of an agent on the page: what was asked, what is thought, done and answered, the questions in between. Fed with
 * events by page.js, which is the `desk` that it stands on.
 */

export const $ = (selector, within = document) => within.querySelector(selector);

/** What a run needs of the page: page.js fills it in. */
export const desk = {};

/** invocation_id -> Run */
export const runs = new Map();

/** Text is put on the page once a frame, however fast it comes. */
const pending = new Set();
function paint() {
    for (const flush of pending) flush();
    pending.clear();
}
function later(flush) {
    if (pending.size === 0) requestAnimationFrame(paint);
    pending.add(flush);
}

/**
 * A question with what it takes to answer it: a field, or a button for each choice. reply(content, status) is called once.
 */
export function questionForm({ request_id, question, kind, choices, expires_at }, reply) {
    const form = document.createElement('form'), label = document.createElement('label');
    const row = document.createElement('div'), left = document.createElement('span'), field = document.createElement('input');
    form.className = 'question';
    row.className = 'row';
    left.className = 'quiet';
    field.id = `answer-${request_id}`;
    field.autocomplete = 'off';
    label.htmlFor = field.id;
    label.textContent = question;
    const settle = (content, status) => {
        for (const part of row.children) part.disabled = true;
        reply(content, status);
        if (form.contains(document.activeElement) || document.activeElement === document.body) desk.input.focus();
    };
    const button = (text, content, status, main) => {
        const b = document.createElement('button');
        b.type = 'button';
        b.className = main ? 'button main' : 'button';
        b.textContent = text;
        b.onclick = () => settle(content(), status);
        row.append(b);
    };
    const options = kind === 'confirm' ? ['yes', 'no'] : kind === 'choice' && Array.isArray(choices) ? choices : null;
    if (options) {
        label.removeAttribute('for');
        for (const option of options) {
            const text = typeof option === 'string' ? option : option.label ?? option.title ?? JSON.stringify(option);
            button(text, () => (typeof option === 'string' ? option : option.value ?? option), 'answered', true);
        }
    } else {
        row.append(field);
        button('Answer', () => field.value, 'answered', true);
    }
    button('Decline', () => '', 'declined', false);
    form.onsubmit = (e) => {
        e.preventDefault();
        if (!options && !field.disabled) settle(field.value, 'answered');
    };
    form.append(label, row, left);
    const tick = (first) => {
        if (!first && !form.isConnected) return;
        left.textContent = `${Math.max(0, Math.ceil((expires_at - Date.now()) / 1000))} s left to answer`;
        setTimeout(tick, 1000);
    };
    if (expires_at) tick(true);
    return form;
}

export class Run {
    constructor(id, text, message) {
        this.id = id;
        this.asked = text;
        this.message = message;
        this.forms = new Map();
        this.flush = () => {
            this.answer.appendData(this.waiting);
            this.waiting = '';
        };
        runs.set(id, this);
        this.build();
        desk.toEnd();
    }

    /** The element as it is before anything has come, in the place of the one that was. */
    build() {
        const element = $('#run').content.cloneNode(true).firstElementChild;
        if (this.element) this.element.replaceWith(element);
        else $('#runs').append(element);
        this.element = element;
        this.find = (selector) => $(selector, element);
        this.find('.said').textContent = this.asked;
        this.find('.said').hidden = !this.asked;
        this.find('.stop').onclick = () => desk.cancel(this.id);
        this.answer = document.createTextNode('');
        this.find('.text').append(this.answer);
        this.waiting = '';
        this.stale = false;
        this.actions = new Set();
        this.forms.clear();
    }

    /** What is kept of it over a reload; build() and restore() make the run from it again. */
    record() {
        const { id, asked, message } = this;
        if (!this.over) return { id, asked, message };
        const over = { state: this.element.dataset.state, chip: this.find('.chip').textContent, text: this.answer.data,
                       agent: this.find('.who b').textContent, problem: this.find('.problem').textContent, usage: this.used };
        return { id, asked, message, over };
    }

    restore({ state, chip, agent, text, problem, usage }) {
        this.find('.who b').textContent = agent;
        this.waiting = text;
        this.spent(usage);
        this.end(state, chip);
        if (problem) this.fail(problem);
    }

    /**
     * How it stands, from a snapshot; a run of which all is shown stays. Forms of open questions stay: session.opened has named
     * them.
     */
    reset({ agent_id, status, messages, usage, truncated }) {
        if (this.over && (truncated || !this.stale)) return;
        const forms = [...this.forms];
        this.build();
        for (const [id, form] of forms) {
            this.find('.questions').append(form);
            this.forms.set(id, form);
        }
        if (agent_id) this.find('.who b').textContent = agent_id;
        if (truncated) this.fold('logs', 'The beginning of this answer was too long ago.\n', 'Log');
        for (const { role, text } of messages ?? []) if (role !== 'user') this.say(text);
        this.spent(usage);
        if (status === 'completed') this.end('completed', 'done');
        else if (status === 'failed') this.end('failed', 'failed');
        else if (status === 'cancelled') this.end('failed', 'stopped');
        else this.chip(status === 'waiting_input' ? 'has a question' : 'running');
    }

    get over() {
        return this.element.dataset.state !== 'running';
    }

    say(text) {
        this.waiting += text;
        later(this.flush);
    }

    /** Add to one of the folded parts. */
    fold(part, text, title) {
        const details = this.find(`.${part}`);
        details.hidden = false;
        $('summary', details).textContent = title;
        $('pre', details).append(text);
    }

    chip(text) {
        this.find('.chip').textContent = text;
    }

    end(state, text) {
        if (this.over) return;
        this.flush();
        this.element.dataset.state = state;
        this.find('.text').setAttribute('aria-busy', 'false');
        this.find('.stop').remove();
        for (const id of [...this.forms.keys()]) this.drop(id);
        this.chip(text);
        desk.speak(`${this.find('.who b').textContent}: ${this.answer.data || text}`);
        desk.keep();
    }

    fail(message) {
        const problem = this.find('.problem');
        problem.hidden = false;
        problem.textContent = message;
    }

    spent(usage) {
        if (!usage) return;
        const before = this.used ?? { input: 0, output: 0 };
        this.used = { input: usage.input_tokens ?? before.input, output: usage.output_tokens ?? before.output };
        desk.spend(this.used.input - before.input, this.used.output - before.output);
        this.find('.spent').textContent = `${this.used.input} in, ${this.used.output} out`;
    }

    action({ call_id, phase, name, title, args, args_delta, result, error }) {
        this.actions.add(call_id);
        const n = this.actions.size, value = (v) => (typeof v === 'string' ? v : JSON.stringify(v));
        const lines = {
            start: () => `${title ?? name ?? call_id}${args === undefined ? '' : ` ${value(args)}`}\n`,
            args: () => args_delta ?? value(args ?? ''),
            end: () => '',
            result: () => `\u2192 ${value(result ?? '')}\n`,
            error: () => `failed: ${value(error ?? '')}\n`,
        };
        this.fold('actions', (lines[phase] ?? (() => ''))(), n === 1 ? '1 action' : `${n} actions`);
    }

    output({ kind, content, name, mime }) {
        if (kind === 'final' && typeof content === 'string' && this.answer.data + this.waiting) return;
        const pre = document.createElement('pre');
        pre.tabIndex = 0;
        pre.textContent = typeof content === 'string' ? content : JSON.stringify(content, null, 2);
        const details = document.createElement('details'), summary = document.createElement('summary');
        summary.textContent = name ?? mime ?? 'Output';
        details.open = typeof content === 'string';
        details.append(summary, pre);
        this.find('.outputs').append(details);
    }

    progress({ progress, total: whole, message, step }) {
        const bar = this.find('progress');
        bar.hidden = false;
        bar.max = whole ?? 1;
        bar.value = progress;
        this.chip(message ?? step ?? 'working');
    }

    ask(question) {
        const { request_id } = question;
        if (this.over) return;
        this.chip('has a question');
        if (this.forms.has(request_id)) return;
        const form = questionForm(question, (content, status) => {
            this.chip('answer sent');
            desk.answered(this, request_id, content, status);
        });
        this.find('.questions').append(form);
        this.forms.set(request_id, form);
        desk.speak(`${this.find('.who b').textContent} asks: ${question.question}`);
        const field = $('input', form), { activeElement } = document;
        if (field && (activeElement === document.body || (activeElement === desk.input && !desk.input.value))) field.focus();
    }

    /** Take a question away. */
    drop(request_id) {
        const form = this.forms.get(request_id);
        if (form?.contains(document.activeElement)) desk.input.focus();
        form?.remove();
        this.forms.delete(request_id);
    }

    settled({ request_id, outcome }) {
        this.drop(request_id);
        this.chip(outcome === 'answered' ? 'answered' : `question ${outcome}`);
    }

    take({ type, payload, agent_id }) {
        if (this.stale) this.build();
        if (agent_id) this.find('.who b').textContent = agent_id;
        switch (type) {
        case 'agent.started':
            this.chip('running');
            break;
        case 'agent.token': this.chip('answering'); this.say(payload.text); break;
        case 'agent.thought': this.fold('thoughts', payload.text, 'Thoughts'); break;
        case 'agent.action': this.action(payload); break;
        case 'agent.output': this.output(payload); break;
        case 'agent.progress': this.progress(payload); break;
        case 'agent.usage': this.spent(payload); break;
        case 'agent.log': this.fold('logs', `${payload.level}: ${payload.message}\n`, 'Log'); break;
        case 'agent.input_request': this.ask(payload); break;
        case 'agent.input_resolved': this.settled(payload); break;
        case 'agent.completed':
            this.spent(payload.usage);
            this.end('completed', 'done');
            break;
        case 'agent.failed':
            this.spent(payload.usage);
            this.end('failed', payload.error.code === 'CANCELLED' ? 'stopped' : 'failed');
            if (payload.error.code !== 'CANCELLED') this.fail(`${payload.error.code}: ${payload.error.message}`);
            break;
        }
    }
}
