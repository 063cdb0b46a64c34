// A front end as it may be written: all of this compiles with --strict.
import { WickClient } from 'web/wick.js';
import type { WickClientPayloads, WickEvent, WickMessage, WickProblem, WickQuestion, WickServerPayloads, WickSession, WickUsage } from 'web/wick.js';

const client = new WickClient({
    url: WickClient.urlFor('api/runtime/agent'),
    token: () => undefined,
    session: JSON.parse(sessionStorage.getItem('wick') ?? 'null') as WickSession | null,
    transports: ['websocket', 'sse'],
});
const texts = new Map<string, string>();
const questions: WickQuestion[] = [];
let usage: WickUsage = {};

client.onstate = (state, { retryAt, transport, verdict }) => {
    const shown: string = state === 'reconnecting' && retryAt !== undefined ? `in ${retryAt - Date.now()} ms` : transport ?? verdict ?? '';
    document.title = shown;
};
client.onproblem = ({ text, stamped }: WickProblem) => document.title = `${stamped} ${text}`;
client.onsession = (session) => sessionStorage.setItem('wick', JSON.stringify(session));
client.onevent = (event: WickEvent) => {
    switch (event.type) {
    case 'agent.token': {
        const id: string = event.payload.message_id;
        texts.set(id, (texts.get(id) ?? '') + event.payload.text);
        break;
    }
    case 'agent.action': {
        const phase: 'start' | 'args' | 'end' | 'result' | 'error' = event.payload.phase;
        document.title = phase;
        break;
    }
    case 'agent.usage':
        usage = event.payload;
        break;
    case 'agent.failed': {
        const again: boolean = event.payload.error.retryable;
        document.title = `${event.payload.error.code} ${again}`;
        break;
    }
    case 'session.opened':
        questions.push(...(event.payload.pending_inputs ?? []));
        break;
    case 'session.reset':
        for (const { invocation_id, messages } of event.payload.snapshot.invocations)
            texts.set(invocation_id, messages.map(({ text }) => text).join(''));
        break;
    case 'coordinator.metrics': {
        const sum: number = Object.values(event.payload.metrics).reduce((a, b) => a + b, 0);
        document.title = String(sum);
        break;
    }
    case 'x.mine':
        document.title = JSON.stringify(event.payload['any']);
        break;
    }
};
client.open();
const { invocation_id } = client.ask('Hello', { surface: 'content_pillar' }, { deadline_ms: 1000, on_disconnect: 'cancel' });
client.cancel(invocation_id, 'enough');
client.answer('req_1', { any: ['thing'] }, 'answered');
client.request('room.join', { room: 'lobby', history: 10 });
client.request('session.update', { want: ['agent.*'] });

const message: WickMessage = { type: 'room.publish', id: '1', payload: { room: 'lobby', data: 1, volatile: true } };
const everyone: (keyof WickServerPayloads)[] = ['agent.started', 'agent.token', 'agent.completed', 'agent.failed', 'agent.thought',
    'agent.output', 'agent.state', 'agent.progress', 'agent.log', 'agent.input_request', 'agent.input_resolved', 'mission.status',
    'workflow.progress', 'agent.status', 'session.closing', 'accepted', 'error', 'pong', 'room.joined', 'room.left', 'room.message'];
const mine: (keyof WickClientPayloads)[] = ['agent.message', 'agent.cancel', 'agent.input_response', 'session.open', 'ack', 'ping'];
console.log(message, everyone, mine, questions, usage.cost?.currency, client.unanswered('1'), client.session?.epoch);
