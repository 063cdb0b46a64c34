/** Every message of agent-events v1: made from the field table by examples/tools/types.c. */

export interface WickCost {
    /** amount of money */ amount: number;
    /** currency, such as USD */ currency: string;
}

export interface WickUsage {
    /** provider of the model */ provider?: string;
    /** model */ model?: string;
    /** cumulative per invocation */ input_tokens?: number;
    /** cumulative per invocation */ output_tokens?: number;
    /** cumulative per invocation */ total_tokens?: number;
    /** cumulative per invocation */ reasoning_tokens?: number;
    /** cumulative per invocation */ cached_input_tokens?: number;
    /** what it cost */ cost?: WickCost;
}

export interface WickFailure {
    /** name of the error, such as AGENT_ERROR */ code: string;
    /** sentence for people */ message: string;
    /** whether the same again may work */ retryable: boolean;
    /** anything more */ details?: unknown;
}

export interface WickEnvelope {
    /** number of the event in its stream */ seq?: number;
    /** what the message is */ type: string;
    /** Unix milliseconds */ ts?: number;
    /** session */ session_id?: string;
    /** run of an agent */ invocation_id?: string;
    /** agent, such as guide.content */ agent_id?: string;
    /** what the type says; absent is {} */ payload?: Record<string, unknown>;
    /** mission, an integer or a string */ mission_id?: number | string;
    /** room */ room?: string;
    /** traceparent, tracestate, baggage, ... */ meta?: Record<string, unknown>;
    /** the client's message id: reply correlation, idempotency */ id?: string;
    /** the id that this answers */ re?: string;
    /** a merged message stands for first_seq to seq */ first_seq?: number;
}

export interface WickAgentMessage {
    /** what the user says */ text: string;
    /** surface, project_id, open */ context?: Record<string, unknown>;
    /** id chosen by the client */ invocation_id?: string;
    /** what a lost connection means */ on_disconnect?: 'continue' | 'cancel';
    /** time the run may take */ deadline_ms?: number;
}

export interface WickCancel {
    /** run to cancel */ invocation_id: string;
    /** why */ reason?: string;
}

export interface WickInputResponse {
    /** request that is answered */ request_id: string;
    /** the answer */ content: unknown;
    /** absent is answered */ status?: 'answered' | 'declined' | 'cancelled';
}

export interface WickAgentStarted {
    /** the run that started this one */ parent_invocation_id?: string;
    /** name for people */ name?: string;
    /** which try this is */ attempt?: number;
}

export interface WickAgentToken {
    /** message that the text is part of */ message_id: string;
    /** next piece of the message, never empty */ text: string;
    /** who speaks; absent is assistant */ role?: string;
    /** the message ends here */ done?: boolean;
}

export interface WickAgentThought {
    /** train of thought */ message_id: string;
    /** next piece of it */ text: string;
    /** it ends here */ done?: boolean;
}

export interface WickAgentAction {
    /** the call */ call_id: string;
    /** where the call stands */ phase: 'start' | 'args' | 'end' | 'result' | 'error';
    /** tool; required at start */ name?: string;
    /** next piece of the arguments' JSON text */ args_delta?: string;
    /** arguments, whole */ args?: unknown;
    /** what the tool gave */ result?: unknown;
    /** what went wrong */ error?: unknown;
    /** line for people */ title?: string;
}

export interface WickAgentOutput {
    /** what the content is */ kind: 'intermediate' | 'final' | 'artifact';
    /** the output */ content: unknown;
    /** media type of the content */ mime?: string;
    /** file name or title */ name?: string;
    /** artifact that this belongs to */ artifact_id?: string;
    /** goes behind what the artifact has */ append?: boolean;
    /** the artifact is complete */ last?: boolean;
}

export interface WickAgentState {
    /** the whole state; this or patch, exactly one */ snapshot?: unknown;
    /** changes to it, RFC 6902 */ patch?: unknown[];
    /** revision */ rev?: number;
}

export interface WickAgentProgress {
    /** how far; must increase */ progress: number;
    /** how far it goes */ total?: number;
    /** line for people */ message?: string;
    /** step of the work */ step?: string;
    /** state of the step */ step_status?: string;
}

export interface WickAgentLog {
    /** severity */ level: 'debug' | 'info' | 'warning' | 'error' | 'critical';
    /** what is logged */ message: string;
    /** the message was longer and has been cut */ truncated?: boolean;
    /** who logs */ logger?: string;
    /** where it came from */ stream?: 'log' | 'stdout' | 'stderr';
}

export interface WickInputRequest {
    /** req_<unix ms>, or req_<unix ms>_<n> */ request_id: string;
    /** what the user is asked */ question: string;
    /** time to answer, 300000 by default */ timeout_ms: number;
    /** Unix milliseconds */ expires_at: number;
    /** what kind of answer; absent is text */ kind?: 'text' | 'confirm' | 'choice' | 'form';
    /** what can be chosen */ choices?: unknown[];
    /** JSON Schema of a form */ schema?: Record<string, unknown>;
    /** the answer if nobody answers */ default?: unknown;
}

export interface WickInputResolved {
    /** request that is resolved */ request_id: string;
    /** how it ended */ outcome: 'answered' | 'declined' | 'cancelled' | 'timeout';
}

export interface WickAgentCompleted {
    /** what the run gave */ result?: unknown;
    /** why it ended */ finish_reason?: string;
    /** what it used in all */ usage?: WickUsage;
}

export interface WickAgentFailed {
    /** what went wrong; code CANCELLED if cancelled */ error: WickFailure;
    /** what it used in all */ usage?: WickUsage;
}

export interface WickMissionStatus {
    /** mission */ mission_id: number | string;
    /** where it stands */ status: 'running' | 'waiting_input' | 'completed' | 'failed' | 'cancelled';
    /** line for people */ message?: string;
    /** what it gave */ result?: unknown;
    /** what went wrong */ error?: unknown;
}

export interface WickWorkflowProgress {
    /** workflow */ workflow_id: string;
    /** where it stands */ status: string;
    /** how far */ progress?: number;
    /** how far it goes */ total?: number;
    /** step of the work */ step?: string;
    /** line for people */ message?: string;
}

export interface WickCoordinatorMetrics {
    /** numbers by name */ metrics: Record<string, number>;
}

export interface WickAgentStatus {
    /** agent */ agent_name: string;
    /** what it does */ status: 'idle' | 'busy' | 'error' | 'offline';
    /** line for people */ detail?: string;
    /** Unix milliseconds */ since?: number;
}

export interface WickAccepted {
    /** the same message came before */ duplicate?: boolean;
    /** run that was started */ invocation_id?: string;
    /** answer */ result?: unknown;
}

export interface WickError {
    /** name of the error: WICK_CODE_MAP */ code: string;
    /** sentence for people */ message: string;
    /** whether the same again may work */ retryable: boolean;
    /** when to try again */ retry_after_ms?: number;
    /** anything more */ details?: unknown;
}

export interface WickPing {
}

export interface WickInvocation {
    /** agent to run */ agent_id: string;
    /** minted if absent; never runs twice */ invocation_id?: string;
    /** what the agent gets */ input: Record<string, unknown> | string;
    /** opaque to the Runtime */ return_channel?: string;
    /** session */ session_id?: string;
    /** time the run may take */ deadline_ms?: number;
    /** which try this is */ attempt?: number;
    /** traceparent, tracestate, baggage, ... */ meta?: Record<string, unknown>;
}

export interface WickRuntimeInput {
    /** run that asked */ invocation_id: string;
    /** request that is answered */ request_id: string;
    /** the answer */ content: unknown;
    /** how it was answered, or that nobody did */ status: 'answered' | 'declined' | 'cancelled' | 'timeout';
}

export interface WickRuntimeStatus {
    /** runs that have not ended */ active?: number;
    /** runs that are possible at once */ capacity?: number;
    /** takes no more runs */ draining?: boolean;
}

export interface WickAuth {
    /** what the token is */ scheme: 'bearer';
    /** the token */ token: string;
}

export interface WickClientName {
    /** the client's program */ name?: string;
    /** its version */ version?: string;
}

export interface WickHeartbeat {
    /** silence after which a ping comes */ interval_ms: number;
    /** time to answer it */ timeout_ms: number;
}

export interface WickSessionLimits {
    /** the largest message that a client may send */ max_message_bytes: number;
    /** how long a session stays without a connection */ resume_window_ms: number;
    /** runs at once in a session */ max_invocations: number;
}

export interface WickSessionOpen {
    /** versions it speaks; absent is 1.0 */ versions?: unknown[];
    /** session to go on with */ session_id?: string;
    /** its newest token */ resume_token?: string;
    /** life of the stream of last_seq */ epoch?: number;
    /** the last event that the client has */ last_seq?: number;
    /** who the client is */ auth?: WickAuth;
    /** which program it is */ client?: WickClientName;
    /** types to be sent, with * for any characters */ want?: unknown[];
    /** how long events may wait to be merged */ coalesce_ms?: number;
    /** what a lost connection means */ on_disconnect?: 'continue' | 'cancel';
}

export interface WickSessionOpened {
    /** version that is spoken: 1.0 */ version: string;
    /** session */ session_id: string;
    /** life of its stream */ epoch: number;
    /** number of its newest event */ head_seq: number;
    /** what the next open shows */ resume_token: string;
    /** whether all that was missed follows */ recovered: boolean;
    /** first event sent again */ replay_from?: number;
    /** events sent again */ replay_count?: number;
    /** when the server pings */ heartbeat: WickHeartbeat;
    /** what the server takes */ limits: WickSessionLimits;
    /** open agent.input_request payloads, each with invocation_id and agent_id */ pending_inputs?: unknown[];
}

export interface WickSessionReset {
    /** window_expired, epoch_changed, slow_consumer */ reason: string;
    /** life of the stream */ epoch: number;
    /** number of the newest event */ head_seq: number;
    /** runs with whole texts, rooms, open questions */ snapshot: Record<string, unknown>;
}

export interface WickSessionUpdate {
    /** types to be sent, with * for any characters */ want?: unknown[];
    /** how long events may wait */ coalesce_ms?: number;
    /** a fresh token */ auth?: WickAuth;
    /** what a lost connection means */ on_disconnect?: 'continue' | 'cancel';
}

export interface WickSessionClose {
    /** why */ reason?: string;
}

export interface WickSessionClosing {
    /** why, such as draining */ reason: string;
    /** when to come again */ retry_after_ms?: number;
    /** close code that follows */ code?: number;
}

export interface WickAck {
    /** everything up to here has arrived */ seq: number;
}

export interface WickRoomJoin {
    /** room to be in */ room: string;
    /** earlier messages to be sent */ history?: number;
}

export interface WickRoomLeave {
    /** room to be left */ room: string;
}

export interface WickRoomJoined {
    /** room */ room: string;
    /** sessions in it, also those away */ members: number;
}

export interface WickRoomPublish {
    /** room to say it in */ room: string;
    /** what is said */ data: unknown;
    /** only for those who are there; not kept */ volatile?: boolean;
}

export interface WickRoomMessage {
    /** what was said */ data: unknown;
    /** who said it */ from?: string;
    /** number in the room, unless volatile */ room_seq?: number;
}

/** What a server says to its clients, by type. */
export interface WickServerPayloads {
    /** a piece of what the agent says */ 'agent.token': WickAgentToken;
    /** a piece of what it thinks */ 'agent.thought': WickAgentThought;
    /** it calls a tool */ 'agent.action': WickAgentAction;
    /** first event of a run */ 'agent.started': WickAgentStarted;
    /** last event of a run that went well */ 'agent.completed': WickAgentCompleted;
    /** last event of a run that did not */ 'agent.failed': WickAgentFailed;
    /** a result, or a part of one */ 'agent.output': WickAgentOutput;
    /** the agent's shared state */ 'agent.state': WickAgentState;
    /** how far it is */ 'agent.progress': WickAgentProgress;
    /** what it has used so far */ 'agent.usage': WickUsage;
    /** a line of its log */ 'agent.log': WickAgentLog;
    /** it asks the user */ 'agent.input_request': WickInputRequest;
    /** the question is settled */ 'agent.input_resolved': WickInputResolved;
    /** answered by pong */ 'ping': WickPing;
    /** the answer to ping */ 'pong': WickPing;
    /** a request was taken */ 'accepted': WickAccepted;
    /** a request was refused; never closes by itself */ 'error': WickError;
    /** it is open */ 'session.opened': WickSessionOpened;
    /** events were missed: how things stand */ 'session.reset': WickSessionReset;
    /** the server is about to close */ 'session.closing': WickSessionClosing;
    /** the client is in it */ 'room.joined': WickRoomJoined;
    /** the client is not in it */ 'room.left': WickRoomLeave;
    /** somebody has said something */ 'room.message': WickRoomMessage;
    /** where a mission stands */ 'mission.status': WickMissionStatus;
    /** how far a workflow is */ 'workflow.progress': WickWorkflowProgress;
    /** numbers of a coordinator */ 'coordinator.metrics': WickCoordinatorMetrics;
    /** what an agent does */ 'agent.status': WickAgentStatus;
}

/** What a client says, by type. */
export interface WickClientPayloads {
    /** the user says something to an agent */ 'agent.message': WickAgentMessage;
    /** stop a run */ 'agent.cancel': WickCancel;
    /** the user's answer */ 'agent.input_response': WickInputResponse;
    /** answered by pong */ 'ping': WickPing;
    /** the answer to ping */ 'pong': WickPing;
    /** events have arrived */ 'ack': WickAck;
    /** open a session, or go on with one */ 'session.open': WickSessionOpen;
    /** change what session.open has said */ 'session.update': WickSessionUpdate;
    /** end the session for good */ 'session.close': WickSessionClose;
    /** be in a room */ 'room.join': WickRoomJoin;
    /** be in it no more */ 'room.leave': WickRoomLeave;
    /** say something to all who are in it */ 'room.publish': WickRoomPublish;
}

/** What goes between an Experience and a Runtime, by type. */
export interface WickRuntimePayloads {
    /** run an agent */ 'runtime.invokeAgent': WickInvocation;
    /** run it, tokens as they come */ 'runtime.streamAgent': WickInvocation;
    /** stop a run */ 'runtime.cancel': WickCancel;
    /** an answer for a run */ 'runtime.input_response': WickRuntimeInput;
    /** how busy the Runtime is */ 'runtime.status': WickRuntimeStatus;
}
