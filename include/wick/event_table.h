/*
 * wick/event_table.h - every message type of agent-events v1 with every field: the one table, and the structs that it
 * makes. Included by wick/event.h, which says how to read and write them.
 */
#ifndef WICK_EVENT_TABLE_H
#define WICK_EVENT_TABLE_H

#include "wick/json.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Limits of the protocol, in bytes of UTF-8 ------------------------------------------------------------ */

#ifndef WICK_LIMIT_TEXT
#define WICK_LIMIT_TEXT 262144 /* text of agent.message */
#endif
#ifndef WICK_LIMIT_CONTEXT
#define WICK_LIMIT_CONTEXT 65536 /* context of agent.message */
#endif
#ifndef WICK_LIMIT_LOG
#define WICK_LIMIT_LOG 65536 /* message of agent.log; more is cut */
#endif
#ifndef WICK_LIMIT_META
#define WICK_LIMIT_META 8192
#endif
#define WICK_LIMIT_ID 128
#define WICK_LIMIT_PING 125 /* payload of ping and pong */
/** The largest integer that every JSON implementation reads exactly, 2^53 - 1. */
#define WICK_INT_MAX 9007199254740991

/* ---- The table --------------------------------------------------------------------------------------------
 *
 * A row is F(struct, member, "name on the wire", KIND, NEED, min, max, extra, "meaning").
 *
 * KIND     C type      JSON value, and what min and max limit
 * STRING   wick_text   string; bytes in plain form, max 0 is no limit but the message's
 * CUT      wick_text   string; what is over max is cut off, and the BOOL in the next row is set
 * TYPE     wick_text   string [A-Za-z][A-Za-z0-9_.-]*
 * VISIBLE  wick_text   string of visible ASCII, 0x21 to 0x7E
 * AGENT    wick_text   string [a-z0-9_]+(\.[a-z0-9_]+)*
 * ROOM     wick_text   string [A-Za-z0-9_.:@/-]+
 * MISSION  wick_text   string, or integer (form WICK_TEXT_JSON)
 * INT      int64_t     integer; its value
 * BOOL     uint8_t     true or false
 * ENUM     uint8_t     one of the strings of WICK_<extra>_MAP; 0 is absent
 * NUMBER   wick_text   number, exact, form WICK_TEXT_JSON; bytes of its text
 * ANY      wick_text   anything: a string's content, or JSON
 * OBJECT   wick_text   object, form WICK_TEXT_JSON; bytes as it stands
 * NUMBERS  wick_text   object whose members are all numbers
 * ARRAY    wick_text   array, form WICK_TEXT_JSON
 * INPUT    wick_text   object (JSON), or a string's content, which is written as {"text":...}
 * NEST     wick_<extra>  object with a table of its own
 * ALIAS    none        another name under which the member of the row before may come; never written
 *
 * NEED is OPTIONAL, REQUIRED, or FILLED: required on the wire, but a process that is an agent may leave it to the
 * server (WICK_EVENT_FROM_AGENT). On the wire null is absent.
 */
/* What comes most often comes first, and in the order in which it is written; payload is written last. */
#define WICK_FIELDS_envelope(F)                                                                                        \
    F(envelope, seq, "seq", INT, OPTIONAL, 1, WICK_INT_MAX, NONE, "number of the event in its stream")                 \
    F(envelope, type, "type", TYPE, REQUIRED, 1, 64, NONE, "what the message is")                                      \
    F(envelope, ts, "ts", INT, OPTIONAL, 0, WICK_INT_MAX, NONE, "Unix milliseconds")                                   \
    F(envelope, session_id, "session_id", STRING, OPTIONAL, 1, WICK_LIMIT_ID, NONE, "session")                         \
    F(envelope, invocation_id, "invocation_id", STRING, OPTIONAL, 1, WICK_LIMIT_ID, NONE, "run of an agent")           \
    F(envelope, agent_id, "agent_id", AGENT, OPTIONAL, 1, WICK_LIMIT_ID, NONE, "agent, such as guide.content")         \
    F(envelope, payload, "payload", OBJECT, OPTIONAL, 0, 0, NONE, "what the type says; absent is {}")                  \
    F(envelope, mission_id, "mission_id", MISSION, OPTIONAL, 1, 64, NONE, "mission, an integer or a string")           \
    F(envelope, room, "room", ROOM, OPTIONAL, 1, WICK_LIMIT_ID, NONE, "room")                                          \
    F(envelope, meta, "meta", OBJECT, OPTIONAL, 0, WICK_LIMIT_META, NONE, "traceparent, tracestate, baggage, ...")     \
    F(envelope, id, "id", VISIBLE, OPTIONAL, 1, 64, NONE, "the client's message id: reply correlation, idempotency")   \
    F(envelope, re, "re", VISIBLE, OPTIONAL, 1, 64, NONE, "the id that this answers")                                  \
    F(envelope, first_seq, "first_seq", INT, OPTIONAL, 1, WICK_INT_MAX, NONE,                                          \
      "a merged message stands for first_seq to seq")

/* Objects that stand inside payloads. */
#define WICK_FIELDS_cost(F)                                                                                            \
    F(cost, amount, "amount", NUMBER, REQUIRED, 1, 64, NONE, "amount of money")                                        \
    F(cost, currency, "currency", STRING, REQUIRED, 1, 16, NONE, "currency, such as USD")
#define WICK_FIELDS_usage(F)                                                                                           \
    F(usage, provider, "provider", STRING, OPTIONAL, 0, 256, NONE, "provider of the model")                            \
    F(usage, model, "model", STRING, OPTIONAL, 0, 256, NONE, "model")                                                  \
    F(usage, input_tokens, "input_tokens", INT, OPTIONAL, 0, WICK_INT_MAX, NONE, "cumulative per invocation")          \
    F(usage, output_tokens, "output_tokens", INT, OPTIONAL, 0, WICK_INT_MAX, NONE, "cumulative per invocation")        \
    F(usage, total_tokens, "total_tokens", INT, OPTIONAL, 0, WICK_INT_MAX, NONE, "cumulative per invocation")          \
    F(usage, reasoning_tokens, "reasoning_tokens", INT, OPTIONAL, 0, WICK_INT_MAX, NONE, "cumulative per invocation")  \
    F(usage, cached_input_tokens, "cached_input_tokens", INT, OPTIONAL, 0, WICK_INT_MAX, NONE,                         \
      "cumulative per invocation")                                                                                     \
    F(usage, cost, "cost", NEST, OPTIONAL, 0, 0, cost, "what it cost")
#define WICK_FIELDS_failure(F)                                                                                         \
    F(failure, code, "code", STRING, REQUIRED, 1, 64, NONE, "name of the error, such as AGENT_ERROR")                  \
    F(failure, message, "message", STRING, REQUIRED, 0, 0, NONE, "sentence for people")                                \
    F(failure, retryable, "retryable", BOOL, REQUIRED, 0, 0, NONE, "whether the same again may work")                  \
    F(failure, details, "details", ANY, OPTIONAL, 0, 0, NONE, "anything more")

/* From the client. */
#define WICK_FIELDS_agent_message(F)                                                                                   \
    F(agent_message, text, "text", STRING, REQUIRED, 0, WICK_LIMIT_TEXT, NONE, "what the user says")                   \
    F(agent_message, context, "context", OBJECT, OPTIONAL, 0, WICK_LIMIT_CONTEXT, NONE, "surface, project_id, open")   \
    F(agent_message, invocation_id, "invocation_id", STRING, OPTIONAL, 1, WICK_LIMIT_ID, NONE,                         \
      "id chosen by the client")                                                                                       \
    F(agent_message, on_disconnect, "on_disconnect", ENUM, OPTIONAL, 0, 0, DISCONNECT, "what a lost connection means") \
    F(agent_message, deadline_ms, "deadline_ms", INT, OPTIONAL, 0, WICK_INT_MAX, NONE, "time the run may take")
#define WICK_FIELDS_cancel(F)                                                                                          \
    F(cancel, invocation_id, "invocation_id", STRING, REQUIRED, 1, WICK_LIMIT_ID, NONE, "run to cancel")               \
    F(cancel, reason, "reason", STRING, OPTIONAL, 0, 512, NONE, "why")
#define WICK_FIELDS_input_response(F)                                                                                  \
    F(input_response, request_id, "request_id", STRING, REQUIRED, 1, WICK_LIMIT_ID, NONE, "request that is answered")  \
    F(input_response, request_id, "requestId", ALIAS, OPTIONAL, 0, 0, NONE, "")                                        \
    F(input_response, content, "content", ANY, REQUIRED, 0, 0, NONE, "the answer")                                     \
    F(input_response, status, "status", ENUM, OPTIONAL, 0, 0, ANSWER, "absent is answered")

/* From the Runtime, in order per invocation. */
#define WICK_FIELDS_agent_started(F)                                                                                   \
    F(agent_started, parent_invocation_id, "parent_invocation_id", STRING, OPTIONAL, 1, WICK_LIMIT_ID, NONE,           \
      "the run that started this one")                                                                                 \
    F(agent_started, name, "name", STRING, OPTIONAL, 0, 256, NONE, "name for people")                                  \
    F(agent_started, attempt, "attempt", INT, OPTIONAL, 0, WICK_INT_MAX, NONE, "which try this is")
#define WICK_FIELDS_agent_token(F)                                                                                     \
    F(agent_token, message_id, "message_id", STRING, FILLED, 1, WICK_LIMIT_ID, NONE,                                   \
      "message that the text is part of")                                                                              \
    F(agent_token, text, "text", STRING, REQUIRED, 1, 0, NONE, "next piece of the message, never empty")               \
    F(agent_token, role, "role", STRING, OPTIONAL, 1, 64, NONE, "who speaks; absent is assistant")                     \
    F(agent_token, done, "done", BOOL, OPTIONAL, 0, 0, NONE, "the message ends here")
#define WICK_FIELDS_agent_thought(F)                                                                                   \
    F(agent_thought, message_id, "message_id", STRING, FILLED, 1, WICK_LIMIT_ID, NONE, "train of thought")             \
    F(agent_thought, text, "text", STRING, REQUIRED, 0, 0, NONE, "next piece of it")                                   \
    F(agent_thought, done, "done", BOOL, OPTIONAL, 0, 0, NONE, "it ends here")
#define WICK_FIELDS_agent_action(F)                                                                                    \
    F(agent_action, call_id, "call_id", STRING, REQUIRED, 1, WICK_LIMIT_ID, NONE, "the call")                          \
    F(agent_action, phase, "phase", ENUM, REQUIRED, 0, 0, PHASE, "where the call stands")                              \
    F(agent_action, name, "name", STRING, OPTIONAL, 1, 256, NONE, "tool; required at start")                           \
    F(agent_action, args_delta, "args_delta", STRING, OPTIONAL, 0, 0, NONE, "next piece of the arguments' JSON text")  \
    F(agent_action, args, "args", ANY, OPTIONAL, 0, 0, NONE, "arguments, whole")                                       \
    F(agent_action, result, "result", ANY, OPTIONAL, 0, 0, NONE, "what the tool gave")                                 \
    F(agent_action, error, "error", ANY, OPTIONAL, 0, 0, NONE, "what went wrong")                                      \
    F(agent_action, title, "title", STRING, OPTIONAL, 0, 512, NONE, "line for people")
#define WICK_FIELDS_agent_output(F)                                                                                    \
    F(agent_output, kind, "kind", ENUM, REQUIRED, 0, 0, OUTPUT, "what the content is")                                 \
    F(agent_output, content, "content", ANY, REQUIRED, 0, 0, NONE, "the output")                                       \
    F(agent_output, mime, "mime", STRING, OPTIONAL, 1, 255, NONE, "media type of the content")                         \
    F(agent_output, name, "name", STRING, OPTIONAL, 0, 256, NONE, "file name or title")                                \
    F(agent_output, artifact_id, "artifact_id", STRING, OPTIONAL, 1, WICK_LIMIT_ID, NONE,                              \
      "artifact that this belongs to")                                                                                 \
    F(agent_output, append, "append", BOOL, OPTIONAL, 0, 0, NONE, "goes behind what the artifact has")                 \
    F(agent_output, last, "last", BOOL, OPTIONAL, 0, 0, NONE, "the artifact is complete")
#define WICK_FIELDS_agent_state(F)                                                                                     \
    F(agent_state, snapshot, "snapshot", ANY, OPTIONAL, 0, 0, NONE, "the whole state; this or patch, exactly one")     \
    F(agent_state, patch, "patch", ARRAY, OPTIONAL, 0, 0, NONE, "changes to it, RFC 6902")                             \
    F(agent_state, rev, "rev", INT, OPTIONAL, 0, WICK_INT_MAX, NONE, "revision")
#define WICK_FIELDS_agent_progress(F)                                                                                  \
    F(agent_progress, progress, "progress", NUMBER, REQUIRED, 1, 64, NONE, "how far; must increase")                   \
    F(agent_progress, total, "total", NUMBER, OPTIONAL, 1, 64, NONE, "how far it goes")                                \
    F(agent_progress, message, "message", STRING, OPTIONAL, 0, 0, NONE, "line for people")                             \
    F(agent_progress, step, "step", STRING, OPTIONAL, 0, 256, NONE, "step of the work")                                \
    F(agent_progress, step_status, "step_status", STRING, OPTIONAL, 0, 64, NONE, "state of the step")
#define WICK_FIELDS_agent_log(F)                                                                                       \
    F(agent_log, level, "level", ENUM, REQUIRED, 0, 0, LEVEL, "severity")                                              \
    F(agent_log, message, "message", CUT, REQUIRED, 0, WICK_LIMIT_LOG, NONE, "what is logged")                         \
    F(agent_log, truncated, "truncated", BOOL, OPTIONAL, 0, 0, NONE, "the message was longer and has been cut")        \
    F(agent_log, logger, "logger", STRING, OPTIONAL, 0, 256, NONE, "who logs")                                         \
    F(agent_log, stream, "stream", ENUM, OPTIONAL, 0, 0, LOG_STREAM, "where it came from")
#define WICK_FIELDS_input_request(F)                                                                                   \
    F(input_request, request_id, "request_id", STRING, FILLED, 1, WICK_LIMIT_ID, NONE,                                 \
      "req_<unix ms>, or req_<unix ms>_<n>")                                                                           \
    F(input_request, question, "question", STRING, REQUIRED, 0, 0, NONE, "what the user is asked")                     \
    F(input_request, timeout_ms, "timeout_ms", INT, FILLED, 0, WICK_INT_MAX, NONE,                                     \
      "time to answer, 300000 by default")                                                                             \
    F(input_request, expires_at, "expires_at", INT, FILLED, 0, WICK_INT_MAX, NONE, "Unix milliseconds")                \
    F(input_request, kind, "kind", ENUM, OPTIONAL, 0, 0, ASK, "what kind of answer; absent is text")                   \
    F(input_request, choices, "choices", ARRAY, OPTIONAL, 0, 0, NONE, "what can be chosen")                            \
    F(input_request, schema, "schema", OBJECT, OPTIONAL, 0, 0, NONE, "JSON Schema of a form")                          \
    F(input_request, fallback, "default", ANY, OPTIONAL, 0, 0, NONE, "the answer if nobody answers")
#define WICK_FIELDS_input_resolved(F)                                                                                  \
    F(input_resolved, request_id, "request_id", STRING, REQUIRED, 1, WICK_LIMIT_ID, NONE, "request that is resolved")  \
    F(input_resolved, outcome, "outcome", ENUM, REQUIRED, 0, 0, OUTCOME, "how it ended")
#define WICK_FIELDS_agent_completed(F)                                                                                 \
    F(agent_completed, result, "result", ANY, OPTIONAL, 0, 0, NONE, "what the run gave")                               \
    F(agent_completed, finish_reason, "finish_reason", STRING, OPTIONAL, 0, 64, NONE, "why it ended")                  \
    F(agent_completed, usage, "usage", NEST, OPTIONAL, 0, 0, usage, "what it used in all")
#define WICK_FIELDS_agent_failed(F)                                                                                    \
    F(agent_failed, error, "error", NEST, REQUIRED, 0, 0, failure, "what went wrong; code CANCELLED if cancelled")     \
    F(agent_failed, usage, "usage", NEST, OPTIONAL, 0, 0, usage, "what it used in all")

/* States of longer things. */
#define WICK_FIELDS_mission_status(F)                                                                                  \
    F(mission_status, mission_id, "mission_id", MISSION, REQUIRED, 1, 64, NONE, "mission")                             \
    F(mission_status, status, "status", ENUM, REQUIRED, 0, 0, MISSION, "where it stands")                              \
    F(mission_status, message, "message", STRING, OPTIONAL, 0, 0, NONE, "line for people")                             \
    F(mission_status, result, "result", ANY, OPTIONAL, 0, 0, NONE, "what it gave")                                     \
    F(mission_status, error, "error", ANY, OPTIONAL, 0, 0, NONE, "what went wrong")
#define WICK_FIELDS_workflow_progress(F)                                                                               \
    F(workflow_progress, workflow_id, "workflow_id", STRING, REQUIRED, 1, WICK_LIMIT_ID, NONE, "workflow")             \
    F(workflow_progress, status, "status", STRING, REQUIRED, 1, 64, NONE, "where it stands")                           \
    F(workflow_progress, progress, "progress", NUMBER, OPTIONAL, 1, 64, NONE, "how far")                               \
    F(workflow_progress, total, "total", NUMBER, OPTIONAL, 1, 64, NONE, "how far it goes")                             \
    F(workflow_progress, step, "step", STRING, OPTIONAL, 0, 256, NONE, "step of the work")                             \
    F(workflow_progress, message, "message", STRING, OPTIONAL, 0, 0, NONE, "line for people")
#define WICK_FIELDS_coordinator_metrics(F)                                                                             \
    F(coordinator_metrics, metrics, "metrics", NUMBERS, REQUIRED, 0, 0, NONE, "numbers by name")
#define WICK_FIELDS_agent_status(F)                                                                                    \
    F(agent_status, agent_name, "agent_name", STRING, REQUIRED, 1, WICK_LIMIT_ID, NONE, "agent")                       \
    F(agent_status, status, "status", ENUM, REQUIRED, 0, 0, AGENT, "what it does")                                     \
    F(agent_status, detail, "detail", STRING, OPTIONAL, 0, 0, NONE, "line for people")                                 \
    F(agent_status, since, "since", INT, OPTIONAL, 0, WICK_INT_MAX, NONE, "Unix milliseconds")

/* Control, and the link between Experience and Runtime. */
#define WICK_FIELDS_accepted(F)                                                                                        \
    F(accepted, duplicate, "duplicate", BOOL, OPTIONAL, 0, 0, NONE, "the same message came before")                    \
    F(accepted, invocation_id, "invocation_id", STRING, OPTIONAL, 1, WICK_LIMIT_ID, NONE, "run that was started")      \
    F(accepted, result, "result", ANY, OPTIONAL, 0, 0, NONE, "answer")
#define WICK_FIELDS_error(F)                                                                                           \
    F(error, code, "code", STRING, REQUIRED, 1, 64, NONE, "name of the error: WICK_CODE_MAP")                          \
    F(error, message, "message", STRING, REQUIRED, 0, 512, NONE, "sentence for people")                                \
    F(error, retryable, "retryable", BOOL, REQUIRED, 0, 0, NONE, "whether the same again may work")                    \
    F(error, retry_after_ms, "retry_after_ms", INT, OPTIONAL, 0, WICK_INT_MAX, NONE, "when to try again")              \
    F(error, details, "details", ANY, OPTIONAL, 0, 0, NONE, "anything more")
#define WICK_FIELDS_ping(F)
#define WICK_FIELDS_invocation(F)                                                                                      \
    F(invocation, agent_id, "agent_id", AGENT, REQUIRED, 1, WICK_LIMIT_ID, NONE, "agent to run")                       \
    F(invocation, invocation_id, "invocation_id", STRING, OPTIONAL, 1, WICK_LIMIT_ID, NONE,                            \
      "minted if absent; never runs twice")                                                                            \
    F(invocation, input, "input", INPUT, REQUIRED, 0, 0, NONE, "what the agent gets")                                  \
    F(invocation, return_channel, "return_channel", STRING, OPTIONAL, 0, 512, NONE, "opaque to the Runtime")           \
    F(invocation, session_id, "session_id", STRING, OPTIONAL, 1, WICK_LIMIT_ID, NONE, "session")                       \
    F(invocation, deadline_ms, "deadline_ms", INT, OPTIONAL, 0, WICK_INT_MAX, NONE, "time the run may take")           \
    F(invocation, attempt, "attempt", INT, OPTIONAL, 0, WICK_INT_MAX, NONE, "which try this is")                       \
    F(invocation, meta, "meta", OBJECT, OPTIONAL, 0, WICK_LIMIT_META, NONE, "traceparent, tracestate, baggage, ...")
#define WICK_FIELDS_runtime_input(F)                                                                                   \
    F(runtime_input, invocation_id, "invocation_id", STRING, REQUIRED, 1, WICK_LIMIT_ID, NONE, "run that asked")       \
    F(runtime_input, request_id, "request_id", STRING, REQUIRED, 1, WICK_LIMIT_ID, NONE, "request that is answered")   \
    F(runtime_input, request_id, "requestId", ALIAS, OPTIONAL, 0, 0, NONE, "")                                         \
    F(runtime_input, content, "content", ANY, REQUIRED, 0, 0, NONE, "the answer")                                      \
    F(runtime_input, status, "status", ENUM, REQUIRED, 0, 0, OUTCOME, "how it was answered, or that nobody did")
#define WICK_FIELDS_runtime_status(F)                                                                                  \
    F(runtime_status, active, "active", INT, OPTIONAL, 0, WICK_INT_MAX, NONE, "runs that have not ended")              \
    F(runtime_status, capacity, "capacity", INT, OPTIONAL, 0, WICK_INT_MAX, NONE, "runs that are possible at once")    \
    F(runtime_status, draining, "draining", BOOL, OPTIONAL, 0, 0, NONE, "takes no more runs")

/* Sessions. */
#define WICK_FIELDS_auth(F)                                                                                            \
    F(auth, scheme, "scheme", ENUM, REQUIRED, 0, 0, SCHEME, "what the token is")                                       \
    F(auth, token, "token", STRING, REQUIRED, 1, 8192, NONE, "the token")
#define WICK_FIELDS_client_name(F)                                                                                     \
    F(client_name, name, "name", STRING, OPTIONAL, 0, 256, NONE, "the client's program")                               \
    F(client_name, version, "version", STRING, OPTIONAL, 0, 64, NONE, "its version")
#define WICK_FIELDS_heartbeat(F)                                                                                       \
    F(heartbeat, interval_ms, "interval_ms", INT, REQUIRED, 0, WICK_INT_MAX, NONE, "silence after which a ping comes") \
    F(heartbeat, timeout_ms, "timeout_ms", INT, REQUIRED, 0, WICK_INT_MAX, NONE, "time to answer it")
#define WICK_FIELDS_session_limits(F)                                                                                  \
    F(session_limits, max_message_bytes, "max_message_bytes", INT, REQUIRED, 0, WICK_INT_MAX, NONE,                    \
      "the largest message that a client may send")                                                                    \
    F(session_limits, resume_window_ms, "resume_window_ms", INT, REQUIRED, 0, WICK_INT_MAX, NONE,                      \
      "how long a session stays without a connection")                                                                 \
    F(session_limits, max_invocations, "max_invocations", INT, REQUIRED, 0, WICK_INT_MAX, NONE,                        \
      "runs at once in a session")
#define WICK_FIELDS_session_open(F)                                                                                    \
    F(session_open, versions, "versions", ARRAY, OPTIONAL, 0, 0, NONE, "versions it speaks; absent is 1.0") \
    F(session_open, session_id, "session_id", STRING, OPTIONAL, 1, WICK_LIMIT_ID, NONE, "session to go on with")       \
    F(session_open, resume_token, "resume_token", STRING, OPTIONAL, 1, 128, NONE, "its newest token")                  \
    F(session_open, epoch, "epoch", INT, OPTIONAL, 0, WICK_INT_MAX, NONE, "life of the stream of last_seq") \
    F(session_open, last_seq, "last_seq", INT, OPTIONAL, 0, WICK_INT_MAX, NONE, "the last event that the client has")  \
    F(session_open, auth, "auth", NEST, OPTIONAL, 0, 0, auth, "who the client is")                                     \
    F(session_open, client, "client", NEST, OPTIONAL, 0, 0, client_name, "which program it is")                        \
    F(session_open, want, "want", ARRAY, OPTIONAL, 0, 0, NONE, "types to be sent, with * for any characters")          \
    F(session_open, coalesce_ms, "coalesce_ms", INT, OPTIONAL, 0, 250, NONE, "how long events may wait to be merged")  \
    F(session_open, on_disconnect, "on_disconnect", ENUM, OPTIONAL, 0, 0, DISCONNECT, "what a lost connection means")
#define WICK_FIELDS_session_opened(F)                                                                                  \
    F(session_opened, version, "version", STRING, REQUIRED, 1, 16, NONE, "version that is spoken: 1.0")                \
    F(session_opened, session_id, "session_id", STRING, REQUIRED, 1, WICK_LIMIT_ID, NONE, "session")                   \
    F(session_opened, epoch, "epoch", INT, REQUIRED, 0, WICK_INT_MAX, NONE, "life of its stream")                      \
    F(session_opened, head_seq, "head_seq", INT, REQUIRED, 0, WICK_INT_MAX, NONE, "number of its newest event")        \
    F(session_opened, resume_token, "resume_token", STRING, REQUIRED, 1, 128, NONE, "what the next open shows") \
    F(session_opened, recovered, "recovered", BOOL, REQUIRED, 0, 0, NONE, "whether all that was missed follows") \
    F(session_opened, replay_from, "replay_from", INT, OPTIONAL, 1, WICK_INT_MAX, NONE, "first event sent again") \
    F(session_opened, replay_count, "replay_count", INT, OPTIONAL, 0, WICK_INT_MAX, NONE, "events sent again") \
    F(session_opened, heartbeat, "heartbeat", NEST, REQUIRED, 0, 0, heartbeat, "when the server pings")                \
    F(session_opened, limits, "limits", NEST, REQUIRED, 0, 0, session_limits, "what the server takes")                 \
    F(session_opened, pending_inputs, "pending_inputs", ARRAY, OPTIONAL, 0, 0, NONE,                                   \
      "open agent.input_request payloads, each with invocation_id and agent_id")
#define WICK_FIELDS_session_reset(F)                                                                                   \
    F(session_reset, reason, "reason", STRING, REQUIRED, 1, 64, NONE, "window_expired, epoch_changed, slow_consumer") \
    F(session_reset, epoch, "epoch", INT, REQUIRED, 0, WICK_INT_MAX, NONE, "life of the stream")                       \
    F(session_reset, head_seq, "head_seq", INT, REQUIRED, 0, WICK_INT_MAX, NONE, "number of the newest event")         \
    F(session_reset, snapshot, "snapshot", OBJECT, REQUIRED, 0, 0, NONE, "runs with whole texts, rooms, open questions")
#define WICK_FIELDS_session_update(F)                                                                                  \
    F(session_update, want, "want", ARRAY, OPTIONAL, 0, 0, NONE, "types to be sent, with * for any characters")        \
    F(session_update, coalesce_ms, "coalesce_ms", INT, OPTIONAL, 0, 250, NONE, "how long events may wait")             \
    F(session_update, auth, "auth", NEST, OPTIONAL, 0, 0, auth, "a fresh token")                                       \
    F(session_update, on_disconnect, "on_disconnect", ENUM, OPTIONAL, 0, 0, DISCONNECT, "what a lost connection means")
#define WICK_FIELDS_session_close(F)                                                                                   \
    F(session_close, reason, "reason", STRING, OPTIONAL, 0, 512, NONE, "why")
#define WICK_FIELDS_session_closing(F)                                                                                 \
    F(session_closing, reason, "reason", STRING, REQUIRED, 1, 64, NONE, "why, such as draining")                       \
    F(session_closing, retry_after_ms, "retry_after_ms", INT, OPTIONAL, 0, WICK_INT_MAX, NONE, "when to come again") \
    F(session_closing, code, "code", INT, OPTIONAL, 1000, 4999, NONE, "close code that follows")
#define WICK_FIELDS_ack(F)                                                                                             \
    F(ack, seq, "seq", INT, REQUIRED, 0, WICK_INT_MAX, NONE, "everything up to here has arrived")

/* Rooms. */
#define WICK_FIELDS_room_join(F)                                                                                       \
    F(room_join, room, "room", ROOM, REQUIRED, 1, WICK_LIMIT_ID, NONE, "room to be in")                                \
    F(room_join, history, "history", INT, OPTIONAL, 0, 100, NONE, "earlier messages to be sent")
#define WICK_FIELDS_room_leave(F)                                                                                      \
    F(room_leave, room, "room", ROOM, REQUIRED, 1, WICK_LIMIT_ID, NONE, "room to be left")
#define WICK_FIELDS_room_joined(F)                                                                                     \
    F(room_joined, room, "room", ROOM, REQUIRED, 1, WICK_LIMIT_ID, NONE, "room")                                       \
    F(room_joined, members, "members", INT, REQUIRED, 0, WICK_INT_MAX, NONE, "sessions in it, also those away")
#define WICK_FIELDS_room_publish(F)                                                                                    \
    F(room_publish, room, "room", ROOM, REQUIRED, 1, WICK_LIMIT_ID, NONE, "room to say it in")                         \
    F(room_publish, data, "data", ANY, REQUIRED, 0, 0, NONE, "what is said")                                           \
    F(room_publish, fleeting, "volatile", BOOL, OPTIONAL, 0, 0, NONE, "only for those who are there; not kept")
#define WICK_FIELDS_room_message(F)                                                                                    \
    F(room_message, data, "data", ANY, REQUIRED, 0, 0, NONE, "what was said")                                          \
    F(room_message, from, "from", STRING, OPTIONAL, 1, WICK_LIMIT_ID, NONE, "who said it")                             \
    F(room_message, room_seq, "room_seq", INT, OPTIONAL, 1, WICK_INT_MAX, NONE, "number in the room, unless volatile")

/* Every struct of fields, those that stand inside others first. */
#define WICK_STRUCT_MAP(S)                                                                                             \
    S(cost) S(usage) S(failure) S(envelope) S(agent_message) S(cancel) S(input_response) S(agent_started)              \
    S(agent_token) S(agent_thought) S(agent_action) S(agent_output) S(agent_state) S(agent_progress) S(agent_log)      \
    S(input_request) S(input_resolved) S(agent_completed) S(agent_failed) S(mission_status) S(workflow_progress)       \
    S(coordinator_metrics) S(agent_status) S(accepted) S(error) S(ping) S(invocation) S(runtime_input)                 \
    S(runtime_status) S(auth) S(client_name) S(heartbeat) S(session_limits) S(session_open) S(session_opened)          \
    S(session_reset) S(session_update) S(session_close) S(session_closing) S(ack)                               \
    S(room_join) S(room_leave) S(room_joined) S(room_publish) S(room_message)

/*
 * Every message: M(NAME, "type", struct of the payload, who sends it, flags, "meaning"). The most frequent first.
 */
#define WICK_MESSAGE_MAP(M)                                                                                            \
    M(AGENT_TOKEN, "agent.token", agent_token, WICK_BY_RUNTIME, 0, "a piece of what the agent says")                   \
    M(AGENT_THOUGHT, "agent.thought", agent_thought, WICK_BY_RUNTIME, 0, "a piece of what it thinks")                  \
    M(AGENT_ACTION, "agent.action", agent_action, WICK_BY_RUNTIME, 0, "it calls a tool")                               \
    M(AGENT_MESSAGE, "agent.message", agent_message, WICK_BY_CLIENT, 0, "the user says something to an agent")         \
    M(AGENT_STARTED, "agent.started", agent_started, WICK_BY_RUNTIME, 0, "first event of a run")                       \
    M(AGENT_COMPLETED, "agent.completed", agent_completed, WICK_BY_RUNTIME, 0, "last event of a run that went well")   \
    M(AGENT_FAILED, "agent.failed", agent_failed, WICK_BY_RUNTIME, 0, "last event of a run that did not")              \
    M(AGENT_OUTPUT, "agent.output", agent_output, WICK_BY_RUNTIME, 0, "a result, or a part of one")                    \
    M(AGENT_STATE, "agent.state", agent_state, WICK_BY_RUNTIME, 0, "the agent's shared state")                         \
    M(AGENT_PROGRESS, "agent.progress", agent_progress, WICK_BY_RUNTIME, 0, "how far it is")                           \
    M(AGENT_USAGE, "agent.usage", usage, WICK_BY_RUNTIME, 0, "what it has used so far")                                \
    M(AGENT_LOG, "agent.log", agent_log, WICK_BY_RUNTIME, 0, "a line of its log")                                      \
    M(AGENT_INPUT_REQUEST, "agent.input_request", input_request, WICK_BY_RUNTIME, 0, "it asks the user")               \
    M(AGENT_INPUT_RESOLVED, "agent.input_resolved", input_resolved, WICK_BY_RUNTIME, 0, "the question is settled")     \
    M(AGENT_CANCEL, "agent.cancel", cancel, WICK_BY_CLIENT, 0, "stop a run")                                           \
    M(AGENT_INPUT_RESPONSE, "agent.input_response", input_response, WICK_BY_CLIENT, 0, "the user's answer")            \
    M(PING, "ping", ping, WICK_BY_CLIENT | WICK_BY_SERVER, WICK_MESSAGE_TERSE, "answered by pong")                     \
    M(PONG, "pong", ping, WICK_BY_CLIENT | WICK_BY_SERVER, WICK_MESSAGE_TERSE, "the answer to ping")                   \
    M(ACCEPTED, "accepted", accepted, WICK_BY_SERVER, WICK_MESSAGE_TERSE | WICK_MESSAGE_REPLY, "a request was taken")  \
    M(ERROR, "error", error, WICK_BY_SERVER, 0, "a request was refused; never closes by itself")                       \
    M(ACK, "ack", ack, WICK_BY_CLIENT, 0, "events have arrived")                                                       \
    M(SESSION_OPEN, "session.open", session_open, WICK_BY_CLIENT, 0, "open a session, or go on with one")              \
    M(SESSION_OPENED, "session.opened", session_opened, WICK_BY_SERVER, 0, "it is open")                               \
    M(SESSION_RESET, "session.reset", session_reset, WICK_BY_SERVER, 0, "events were missed: how things stand") \
    M(SESSION_UPDATE, "session.update", session_update, WICK_BY_CLIENT, 0, "change what session.open has said")        \
    M(SESSION_CLOSE, "session.close", session_close, WICK_BY_CLIENT, 0, "end the session for good")                    \
    M(SESSION_CLOSING, "session.closing", session_closing, WICK_BY_SERVER, 0, "the server is about to close")          \
    M(ROOM_JOIN, "room.join", room_join, WICK_BY_CLIENT, 0, "be in a room")                                            \
    M(ROOM_JOINED, "room.joined", room_joined, WICK_BY_SERVER, 0, "the client is in it")                               \
    M(ROOM_LEAVE, "room.leave", room_leave, WICK_BY_CLIENT, 0, "be in it no more")                                     \
    M(ROOM_LEFT, "room.left", room_leave, WICK_BY_SERVER, 0, "the client is not in it")                                \
    M(ROOM_PUBLISH, "room.publish", room_publish, WICK_BY_CLIENT, 0, "say something to all who are in it")             \
    M(ROOM_MESSAGE, "room.message", room_message, WICK_BY_SERVER, 0, "somebody has said something")                    \
    M(MISSION_STATUS, "mission.status", mission_status, WICK_BY_SERVER, 0, "where a mission stands")                   \
    M(WORKFLOW_PROGRESS, "workflow.progress", workflow_progress, WICK_BY_SERVER, 0, "how far a workflow is")           \
    M(COORDINATOR_METRICS, "coordinator.metrics", coordinator_metrics, WICK_BY_SERVER, 0, "numbers of a coordinator")  \
    M(AGENT_STATUS, "agent.status", agent_status, WICK_BY_SERVER, 0, "what an agent does")                             \
    M(RUNTIME_INVOKE_AGENT, "runtime.invokeAgent", invocation, WICK_BY_EXPERIENCE, WICK_MESSAGE_INVOCATION,            \
      "run an agent")                                                                                                  \
    M(RUNTIME_STREAM_AGENT, "runtime.streamAgent", invocation, WICK_BY_EXPERIENCE, WICK_MESSAGE_INVOCATION,            \
      "run it, tokens as they come")                                                                                   \
    M(RUNTIME_CANCEL, "runtime.cancel", cancel, WICK_BY_EXPERIENCE, 0, "stop a run")                                   \
    M(RUNTIME_INPUT_RESPONSE, "runtime.input_response", runtime_input, WICK_BY_EXPERIENCE, 0, "an answer for a run")   \
    M(RUNTIME_STATUS, "runtime.status", runtime_status, WICK_BY_RUNTIME, 0, "how busy the Runtime is")

/* Strings that an ENUM may have: V(list, NAME, "string"). */
#define WICK_DISCONNECT_MAP(V) V(DISCONNECT, CONTINUE, "continue") V(DISCONNECT, CANCEL, "cancel")
#define WICK_ANSWER_MAP(V)                                                                                             \
    V(ANSWER, ANSWERED, "answered") V(ANSWER, DECLINED, "declined") V(ANSWER, CANCELLED, "cancelled")
#define WICK_PHASE_MAP(V)                                                                                              \
    V(PHASE, START, "start") V(PHASE, ARGS, "args") V(PHASE, END, "end") V(PHASE, RESULT, "result")                    \
    V(PHASE, ERROR, "error")
#define WICK_OUTPUT_MAP(V)                                                                                             \
    V(OUTPUT, INTERMEDIATE, "intermediate") V(OUTPUT, FINAL, "final") V(OUTPUT, ARTIFACT, "artifact")
#define WICK_LEVEL_MAP(V)                                                                                              \
    V(LEVEL, DEBUG, "debug") V(LEVEL, INFO, "info") V(LEVEL, WARNING, "warning") V(LEVEL, ERROR, "error")              \
    V(LEVEL, CRITICAL, "critical")
#define WICK_LOG_STREAM_MAP(V)                                                                                         \
    V(LOG_STREAM, LOG, "log") V(LOG_STREAM, STDOUT, "stdout") V(LOG_STREAM, STDERR, "stderr")
#define WICK_ASK_MAP(V) V(ASK, TEXT, "text") V(ASK, CONFIRM, "confirm") V(ASK, CHOICE, "choice") V(ASK, FORM, "form")
#define WICK_OUTCOME_MAP(V)                                                                                            \
    V(OUTCOME, ANSWERED, "answered") V(OUTCOME, DECLINED, "declined") V(OUTCOME, CANCELLED, "cancelled")               \
    V(OUTCOME, TIMEOUT, "timeout")
#define WICK_MISSION_MAP(V)                                                                                            \
    V(MISSION, RUNNING, "running") V(MISSION, WAITING_INPUT, "waiting_input") V(MISSION, COMPLETED, "completed")       \
    V(MISSION, FAILED, "failed") V(MISSION, CANCELLED, "cancelled")
#define WICK_SCHEME_MAP(V) V(SCHEME, BEARER, "bearer")
#define WICK_AGENT_MAP(V)                                                                                              \
    V(AGENT, IDLE, "idle") V(AGENT, BUSY, "busy") V(AGENT, ERROR, "error") V(AGENT, OFFLINE, "offline")

/* Every list of strings. */
#define WICK_ENUM_MAP(E)                                                                                               \
    E(DISCONNECT) E(ANSWER) E(PHASE) E(OUTPUT) E(LEVEL) E(LOG_STREAM) E(ASK) E(OUTCOME) E(MISSION) E(AGENT) E(SCHEME)

/* Who sends a message. */
#define WICK_BY_CLIENT 1u
#define WICK_BY_SERVER 2u
#define WICK_BY_EXPERIENCE 4u
/** Also the server sends these on, and a process that is an agent prints them. */
#define WICK_BY_RUNTIME 8u

#define WICK_MESSAGE_TERSE 1u      /* an empty payload is not written */
#define WICK_MESSAGE_REPLY 2u      /* `re` is required */
#define WICK_MESSAGE_INVOCATION 4u /* nothing about the user may stand in it */
/* ---- What the table makes --------------------------------------------------------------------------------- */

/** The type of a message: WICK_TYPE_AGENT_TOKEN, ... */
typedef enum wick_type {
    WICK_TYPE_UNKNOWN,     /**< not in the table */
    WICK_TYPE_APPLICATION, /**< starts with `x.`: the application's own */
#define WICK_MAKE(name, type, fields, by, flags, doc) WICK_TYPE_##name,
    WICK_MESSAGE_MAP(WICK_MAKE)
#undef WICK_MAKE
    WICK_TYPE_COUNT
} wick_type;

/* WICK_PHASE_START, WICK_LEVEL_INFO, ...: 0 is absent, WICK_PHASE_NONE. */
#define WICK_MAKE_VALUE(list, name, text) WICK_##list##_##name,
#define WICK_MAKE(list) enum { WICK_##list##_NONE, WICK_##list##_MAP(WICK_MAKE_VALUE) WICK_##list##_COUNT };
WICK_ENUM_MAP(WICK_MAKE)
#undef WICK_MAKE
#undef WICK_MAKE_VALUE

/* The place of each field in its table, which is its bit in `present`. */
#define WICK_MAKE_INDEX(fields, member, name, kind, need, min, max, extra, doc) WICK_INDEX_##kind(fields, member)
#define WICK_INDEX_ANY(fields, member) WICK_AT_##fields##_##member,
#define WICK_INDEX_STRING WICK_INDEX_ANY
#define WICK_INDEX_CUT WICK_INDEX_ANY
#define WICK_INDEX_TYPE WICK_INDEX_ANY
#define WICK_INDEX_VISIBLE WICK_INDEX_ANY
#define WICK_INDEX_AGENT WICK_INDEX_ANY
#define WICK_INDEX_ROOM WICK_INDEX_ANY
#define WICK_INDEX_MISSION WICK_INDEX_ANY
#define WICK_INDEX_INT WICK_INDEX_ANY
#define WICK_INDEX_BOOL WICK_INDEX_ANY
#define WICK_INDEX_ENUM WICK_INDEX_ANY
#define WICK_INDEX_NUMBER WICK_INDEX_ANY
#define WICK_INDEX_OBJECT WICK_INDEX_ANY
#define WICK_INDEX_NUMBERS WICK_INDEX_ANY
#define WICK_INDEX_ARRAY WICK_INDEX_ANY
#define WICK_INDEX_INPUT WICK_INDEX_ANY
#define WICK_INDEX_NEST WICK_INDEX_ANY
#define WICK_INDEX_ALIAS(fields, member) WICK_AT_##fields##_##member##_alias,
#define WICK_MAKE(fields) enum { WICK_FIELDS_##fields(WICK_MAKE_INDEX) WICK_AT_##fields##_count };
WICK_STRUCT_MAP(WICK_MAKE)
#undef WICK_MAKE

/* The structs: wick_envelope, wick_agent_token, wick_invocation, ...; one member a row. */
#define WICK_MAKE_MEMBER(fields, member, name, kind, need, min, max, extra, doc) WICK_MEMBER_##kind(member, extra)
#define WICK_MEMBER_ANY(member, extra) wick_text member;
#define WICK_MEMBER_STRING WICK_MEMBER_ANY
#define WICK_MEMBER_CUT WICK_MEMBER_ANY
#define WICK_MEMBER_TYPE WICK_MEMBER_ANY
#define WICK_MEMBER_VISIBLE WICK_MEMBER_ANY
#define WICK_MEMBER_AGENT WICK_MEMBER_ANY
#define WICK_MEMBER_ROOM WICK_MEMBER_ANY
#define WICK_MEMBER_MISSION WICK_MEMBER_ANY
#define WICK_MEMBER_NUMBER WICK_MEMBER_ANY
#define WICK_MEMBER_OBJECT WICK_MEMBER_ANY
#define WICK_MEMBER_NUMBERS WICK_MEMBER_ANY
#define WICK_MEMBER_ARRAY WICK_MEMBER_ANY
#define WICK_MEMBER_INPUT WICK_MEMBER_ANY
#define WICK_MEMBER_INT(member, extra) int64_t member;
#define WICK_MEMBER_BOOL(member, extra) uint8_t member;
#define WICK_MEMBER_ENUM(member, extra) uint8_t member;
#define WICK_MEMBER_NEST(member, extra) wick_##extra member;
#define WICK_MEMBER_ALIAS(member, extra)
#define WICK_MAKE(fields)                                                                                             \
    typedef struct wick_##fields {                                                                                    \
        /* a bit per field that is there: WICK_HAS */                                                                 \
        uint32_t present;                                                                                             \
        WICK_FIELDS_##fields(WICK_MAKE_MEMBER)                                                                        \
    } wick_##fields;
WICK_STRUCT_MAP(WICK_MAKE)
#undef WICK_MAKE

/**
 * Whether a field is there: WICK_HAS(&event.as.agent_token, agent_token, done).
 *
 * Only needed to tell 0 or false from absent; text that is absent has data NULL. When you fill a struct to be
 * written: text is written if its data is not NULL, an INT, BOOL or ENUM if it is required, not 0, or marked with
 * WICK_SET, a NEST if it is required or has anything in it.
 */
#define WICK_HAS(object, fields, member) ((int)((object)->present >> WICK_AT_##fields##_##member & 1u))

/** Mark a field as there although it is 0 or false: WICK_SET(&event.as.agent_token, agent_token, done). */
#define WICK_SET(object, fields, member) ((void)((object)->present |= (uint32_t)1 << WICK_AT_##fields##_##member))

/** A message. `as` holds the payload of `type`; other members of `as` are not to be looked at. */
typedef struct wick_event {
    wick_type type;
    /**
     * The envelope. `head.type` is the name of the type, to be set only for a type that is not in the table;
     * `head.payload` the payload as it stands in the message that was read. When an event is written, `head.payload`
     * is written as it stands if `type` is not in the table, or is ping or pong; else it is not looked at.
     */
    wick_envelope head;
    union wick_payload {
#define WICK_MAKE(fields) wick_##fields fields;
        WICK_STRUCT_MAP(WICK_MAKE)
#undef WICK_MAKE
    } as;
} wick_event;

#ifdef __cplusplus
}
#endif

#endif
