// Each line that ends with `wrong` must not compile: tests/interop/types.sh counts them.
import { WickClient } from 'web/wick.js';
import type { WickEvent, WickMessage } from 'web/wick.js';

const client = new WickClient({ url: 'ws://localhost/' });
new WickClient({}); // wrong
new WickClient({ url: 'ws://localhost/', transports: ['carrier pigeon'] }); // wrong
client.request('agent.token', { message_id: 'm', text: 't' }); // wrong
client.request('room.join', { history: 1 }); // wrong
client.request('room.join', { room: 1 }); // wrong
client.answer('req_1', 1, 'maybe'); // wrong
client.ask('text', {}, { deadline_ms: 'soon' }); // wrong
client.state = 'connected'; // wrong
client.transport.toFixed(); // wrong
client.onstate = (state) => state === 'flying'; // wrong
const message: WickMessage = { type: 'agent.messages', payload: {} }; // wrong
const event = {} as WickEvent;
if (event.type === 'agent.token') event.payload.done.valueOf(); // wrong
if (event.type === 'agent.token') event.payload.phase; // wrong
if (event.type === 'agent.failed') event.payload.error.retryable.length; // wrong
if (event.type === 'agent.output') event.payload.content.length; // wrong
if (event.type === 'agent.status') event.payload.status === 'asleep'; // wrong
if (event.type === 'coordinator.metrics') event.payload.metrics.a.length; // wrong
if (event.type === 'agent.tokens') event.payload; // wrong
console.log(message);
