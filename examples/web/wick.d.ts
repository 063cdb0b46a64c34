/** Types of wick.js. Those of the messages are in wick-messages.d.ts. */
import type {
    WickAgentMessage, WickAgentState, WickClientPayloads, WickEnvelope, WickInputRequest, WickInputResponse,
    WickServerPayloads, WickSessionOpened, WickSessionReset, WickUsage,
} from './wick-messages.js';

export type * from './wick-messages.js';

export type WickState = 'connecting' | 'connected' | 'reconnecting' | 'offline';

/** Why it is over. */
export type WickVerdict = 'closed' | 'unauthorized' | 'forbidden' | 'not_found' | 'taken_over' | 'version' | 'refused';

/** What a session goes over: server-sent events and long polling are for where no WebSocket gets through. */
export type WickTransport = 'websocket' | 'sse' | 'poll';

/** Why a connection came to nothing, as far as a page can find out. */
export interface WickProblem {
    /** Something has answered over HTTP. */
    reached: boolean;
    /** It was the server: its answer carries Wick-Server. Else something before it has answered. */
    stamped: boolean;
    /** HTTP status of the answer. */
    status?: number;
    /** Error code of the server, such as UPGRADE_STRIPPED_BY_PROXY. */
    code?: string;
    /** What a proxy did to the request, such as HOP_STRIPPED_HTTP10. */
    cause?: string;
    /** Which proxy, if it shows, such as nginx. */
    proxy?: string;
    /** What to change, and where. */
    hint?: string;
    /** What the server says about it. */
    detail?: string;
    /** What the server saw of the request. */
    saw?: string;
    /** All of it in a sentence or two, for people. */
    text: string;
}

/** What is known about a state. */
export interface WickStateInfo {
    /** When the next attempt is made, in milliseconds of Date.now(). */
    retryAt?: number;
    /** The close code of the connection that ended. */
    code?: number;
    /** Why, for people. */
    reason?: string;
    /** The HTTP status with which the server refuses, if it does. */
    status?: number;
    /** Why no connection came to be. */
    problem?: WickProblem;
    /** What a connection goes over. */
    transport?: WickTransport;
    /** Why it is over; absent while the client goes on trying. */
    verdict?: WickVerdict;
}

/** What it takes to go on with a session. It lets whoever has it into the session. */
export interface WickSession {
    session_id: string;
    resume_token: string;
    epoch: number;
    last_seq: number;
    /** Ids and messages that have had no answer. */
    unanswered: [string, string][];
}

/** fetch(), or something in its place. A response may say in `landed` where redirects have led. */
export type WickFetch = (url: string, request: RequestInit) => Promise<Response & { landed?: string }>;

export interface WickOptions {
    /** ws:// or wss://, the path of the server's WebSocket: see WickClient.urlFor(). */
    url: string;
    /** http:// or https://, the server's `/api/events`; by default found beside `url`. */
    events?: string;
    /** Gives the token to present in session.open, if one is needed and no cookie has it; called for each connection. */
    token?: () => string | undefined;
    /** A session to go on with. */
    session?: WickSession | null;
    /** What asks why a connection fails; fetch() by default. */
    fetch?: WickFetch;
    /** What the session may go over, the best first; all three by default. */
    transports?: WickTransport[];
    /** After how long a WebSocket is tried again where none got through; 300,000 by default. */
    websocketAgainMs?: number;
}

export class WickClient {
    constructor(options: WickOptions);

    /**
     * The WebSocket URL of a path on the server that the page comes from. A path without a slash at its start is found beside the
     * page, also where a proxy serves it under a prefix.
     */
    static urlFor(path: string): string;
    /** A UUID, also where crypto.randomUUID() is missing because the page does not come over https. */
    static uuid(): string;

    readonly state: WickState;
    /** What the session goes over, or is to go over next. */
    readonly transport: WickTransport;
    /** The last that onproblem was told. */
    readonly problem: WickProblem | null;
    /** Whether the last event had been missed, and is not news. */
    readonly replaying: boolean;
    /** What it takes to go on with the session; null before it is open. */
    readonly session: WickSession | null;

    onstate: (state: WickState, info: WickStateInfo) => void;
    /** Every message of the server but `pong` and duplicates. */
    onevent: (event: WickEvent) => void;
    /** There is something new to keep: a token, or a message without an answer. */
    onsession: (session: WickSession) => void;
    /** Why a connection came to nothing. */
    onproblem: (problem: WickProblem) => void;

    /** Connect, and stay connected until close(). */
    open(): void;
    /** Close, and stay closed. The session stays with the server for a while, and open() goes on with it. */
    close(): void;
    /** End the session: the server forgets it and cancels its runs. Then the state is `offline`. Returns the message's id. */
    leave(): string;
    /** Ask an agent. Returns what the events of the run, and an error about it, carry. */
    ask(text: string, context?: Record<string, unknown>, options?: Pick<WickAgentMessage, 'on_disconnect' | 'deadline_ms'>):
        { invocation_id: string; id: string };
    /** Stop a run. Returns the message's id. */
    cancel(invocation_id: string, reason?: string): string;
    /** Answer a question of an agent. Returns the message's id. */
    answer(request_id: string, content: unknown, status?: WickInputResponse['status']): string;
    /** Send a message that `accepted` or `error` answers, with its id in `re`. Returns the id. */
    request<T extends keyof WickClientPayloads>(type: T, payload: WickClientPayloads[T]): string;
    /** Whether a message has had no answer yet. */
    unanswered(id: string): boolean;
}

/** A question that is open. */
export type WickQuestion = WickInputRequest & { invocation_id: string; agent_id: string };

/** How a run stands. */
export interface WickStanding {
    invocation_id: string;
    agent_id: string;
    status: 'running' | 'waiting_input' | 'completed' | 'failed' | 'cancelled';
    messages: { message_id: string; role: string; text: string; done: boolean }[];
    usage?: WickUsage;
    /** The texts have lost their front. */
    truncated?: boolean;
}

/** What the table leaves open. */
interface WickRefined {
    'session.opened': Omit<WickSessionOpened, 'pending_inputs'> & { pending_inputs?: WickQuestion[] };
    'session.reset': Omit<WickSessionReset, 'snapshot'> & {
        snapshot: { invocations: WickStanding[]; truncated?: boolean; rooms?: string[]; pending_inputs?: WickQuestion[] };
    };
    'agent.state': WickAgentState & { patch?: { op: string; path: string; from?: string; value?: unknown }[] };
}

type WickServerPayload<T extends keyof WickServerPayloads> = T extends keyof WickRefined ? WickRefined[T] : WickServerPayloads[T];

type WickHead = Omit<WickEnvelope, 'type' | 'payload'>;

/** A message of the server: `switch (event.type)` knows the payload. Types that begin with `x.` are the application's. */
export type WickEvent =
    | { [T in keyof WickServerPayloads]: WickHead & { type: T; payload: WickServerPayload<T> } }[keyof WickServerPayloads]
    | (WickHead & { type: `x.${string}`; payload: Record<string, unknown> });

/** A message of a client. */
export type WickMessage =
    { [T in keyof WickClientPayloads]: WickHead & { type: T; payload?: WickClientPayloads[T] } }[keyof WickClientPayloads];
