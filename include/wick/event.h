/*
 * wick/event.h - the typed messages of agent-events v1: read them, write them, check their order.
 *
 * A message is one JSON object: an envelope (`type`, `id`, `seq`, `session_id`, ...) around a `payload`. One table,
 * wick/event_table.h, lists every message type with every field: name, kind, whether it is required, limits, meaning.
 * The C structs, the reader, the writer and its checks are all made from that table, and so can be a JSON Schema or a
 * page of documentation: expand WICK_MESSAGE_MAP and the WICK_FIELDS_ macros with macros of your own.
 *
 *     wick_event event;
 *     wick_event_error error;
 *     if (wick_event_read(&config, message, len, &event, &error) != WICK_OK)
 *         reply(error.code, wick_event_error_text(&error, sentence, sizeof sentence));
 *     else if (event.type == WICK_TYPE_AGENT_MESSAGE)
 *         ask(&event.head.session_id, &event.as.agent_message.text);
 *
 * Reading is one pass in place: texts in the struct are slices of the message (see wick_text in wick/json.h) and live
 * as long as it does. Nothing is copied, allocated or changed.
 *
 *     wick_event event = {0};
 *     event.type = WICK_TYPE_AGENT_TOKEN;
 *     event.head.invocation_id = id;
 *     event.as.agent_token.message_id = WICK_TEXT("m1");
 *     event.as.agent_token.text = wick_text_of(piece, piece_len);
 *     wick_event_write_body(&event, 0, out, cap, &len, NULL);
 *
 * Writing takes the same struct. Events of a stream are stored as a body, `"type":...}`, which many readers share;
 * each reader gets its own prefix, `{"seq":42,` from wick_event_prefix(), in front of it. What a reader read can be
 * written as it is: a relay never unescapes.
 */
#ifndef WICK_EVENT_H
#define WICK_EVENT_H

#include "wick/event_table.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Give the name of a type, such as "agent.token"; "" for a type that is not in the table. Never NULL. */
WICK_API const char *wick_type_name(wick_type type);

/** The lists of WICK_ENUM_MAP. */
typedef enum wick_list {
#define WICK_MAKE(list) WICK_LIST_##list,
    WICK_ENUM_MAP(WICK_MAKE)
#undef WICK_MAKE
    WICK_LIST_COUNT
} wick_list;

/** Give the string of an ENUM's value; "" for a value that is not in the list. Never NULL. */
WICK_API const char *wick_enum_text(wick_list list, unsigned value);

/** The string of an ENUM's value, such as "start" for WICK_ENUM_TEXT(PHASE, WICK_PHASE_START); "" if none. */
#define WICK_ENUM_TEXT(list, value) wick_enum_text(WICK_LIST_##list, value)

/* ---- Ids --------------------------------------------------------------------------------------------------- */

/** Characters of a UUID. */
#define WICK_UUID_SIZE 36

/**
 * Write a UUID of version 4 (RFC 9562 section 5.4), lower case, without NUL.
 *
 * random   16 random bytes
 * out      receives WICK_UUID_SIZE characters
 */
WICK_API void wick_uuid_write(const uint8_t *random, char *out);

/* ---- Error codes of the protocol --------------------------------------------------------------------------- */

/* Every error code: X(NAME, HTTP status, whether the same request may work later). */
#define WICK_CODE_MAP(X)                                                                                              \
    X(INVALID_JSON, 400, 0)                                                                                           \
    X(INVALID_ENVELOPE, 400, 0)                                                                                       \
    X(INVALID_PAYLOAD, 400, 0)                                                                                        \
    X(UNKNOWN_TYPE, 400, 0)                                                                                           \
    X(NOT_A_WEBSOCKET_REQUEST, 400, 0)                                                                                \
    X(BAD_WEBSOCKET_KEY, 400, 0)                                                                                      \
    X(UPGRADE_STRIPPED_BY_PROXY, 400, 0)                                                                              \
    X(SUBPROTOCOL_NOT_ACCEPTABLE, 400, 0)                                                                             \
    X(UNSUPPORTED_WEBSOCKET_VERSION, 426, 0)                                                                          \
    X(AUTH_REQUIRED, 401, 0)                                                                                          \
    X(AUTH_INVALID, 401, 0)                                                                                           \
    X(AUTH_EXPIRED, 401, 0)                                                                                           \
    X(ORIGIN_NOT_ALLOWED, 403, 0)                                                                                     \
    X(PERMISSION_DENIED, 403, 0)                                                                                      \
    X(SESSION_FORBIDDEN, 403, 0)                                                                                      \
    X(IDENTITY_LEAK, 403, 0)                                                                                          \
    X(ROUTE_NOT_FOUND, 404, 0)                                                                                        \
    X(AGENT_NOT_FOUND, 404, 0)                                                                                        \
    X(INVOCATION_NOT_FOUND, 404, 0)                                                                                   \
    X(MISSION_NOT_FOUND, 404, 0)                                                                                      \
    X(ROOM_NOT_FOUND, 404, 0)                                                                                         \
    X(INPUT_NOT_FOUND, 404, 0)                                                                                        \
    X(INPUT_ALREADY_RESOLVED, 409, 0)                                                                                 \
    X(INVOCATION_CONFLICT, 409, 0)                                                                                    \
    X(INPUT_EXPIRED, 410, 0)                                                                                          \
    X(CURSOR_EXPIRED, 410, 0)                                                                                         \
    X(PAYLOAD_TOO_LARGE, 413, 0)                                                                                      \
    X(RATE_LIMITED, 429, 1)                                                                                           \
    X(TOO_MANY_INVOCATIONS, 429, 1)                                                                                   \
    X(CANCELLED, 499, 0)                                                                                              \
    X(AGENT_ERROR, 500, 1)                                                                                            \
    X(INTERNAL, 500, 1)                                                                                               \
    X(RUNTIME_UNAVAILABLE, 503, 1)                                                                                    \
    X(DRAINING, 503, 1)                                                                                               \
    X(DEADLINE_EXCEEDED, 504, 1)

typedef enum wick_code {
    WICK_CODE_NONE,
#define WICK_MAKE(name, http, retryable) WICK_CODE_##name,
    WICK_CODE_MAP(WICK_MAKE)
#undef WICK_MAKE
    WICK_CODE_COUNT
} wick_code;

/** Give the name of an error code, such as "INVALID_JSON"; "" for WICK_CODE_NONE. Never NULL. */
WICK_API const char *wick_code_name(wick_code code);
/** Give the HTTP status of an error code, such as 400; 0 for WICK_CODE_NONE. */
WICK_API unsigned wick_code_http(wick_code code);
/** Whether the same request may work later: the value of `retryable` where nothing more is known. */
WICK_API int wick_code_retryable(wick_code code);
/** Find an error code by its name. Returns WICK_CODE_NONE if it is not in the table. */
WICK_API wick_code wick_code_find(const wick_text *name);

/* ---- Reading ----------------------------------------------------------------------------------------------- */

/** A message without `type` that has an `agent_id` is a bare invocation: read it as runtime.invokeAgent. */
#define WICK_EVENT_BARE_INVOCATION 0x100u
/** The sender is a process that is an agent: FILLED fields may be absent. */
#define WICK_EVENT_FROM_AGENT 0x200u

/** How messages are read. NULL instead of a config means all defaults. */
typedef struct wick_event_config {
    /** sizeof(wick_event_config) */
    size_t size;
    /** WICK_JSON_UTF8_KNOWN, WICK_JSON_LONE_SURROGATES, WICK_EVENT_BARE_INVOCATION, WICK_EVENT_FROM_AGENT, or 0 */
    uint32_t flags;
    /** deepest nesting of the message, at most WICK_JSON_DEPTH_MAX; 0 is WICK_DEFAULT_JSON_DEPTH */
    uint32_t depth;
    /** whose messages are known here, WICK_BY_ bits: others count as unknown types; 0 is everybody's */
    uint32_t by;
    /** what checks UTF-8; NULL is the portable check */
    const wick_kernels *kernels;
} wick_event_config;

/** What is wrong with a message, and where. */
typedef struct wick_event_error {
    /** WICK_OK if nothing is */
    wick_status status;
    /** the error code to answer with */
    wick_code code;
    /** the byte of the message that the error is about */
    size_t offset;
    /** what is wrong, such as "string expected". Static */
    const char *what;
    /** the field, such as "payload.error.code", NUL-terminated; "" for an error of the JSON text or the whole */
    char path[64];
} wick_event_error;

/**
 * Read a message.
 *
 * One pass. Fields that are not in the table are checked as JSON and skipped. The envelope is read to its end even
 * if something in it or in the payload is wrong, so that `event->head.id` is there for the answer; what is reported
 * is the first error. After an error of the JSON text the event holds what came before it.
 *
 * config   NULL is all defaults
 * data     the whole message; read, never written, and in use as long as the event
 * len      bytes at data, at most UINT32_MAX
 * event    receives the message
 * error    receives what is wrong; may be NULL
 *
 * Returns
 *   WICK_OK             event->type and event->as are set
 *   WICK_UNKNOWN_TYPE   a valid message of a type that is not in the table or not expected from this sender.
 *                       event->type is WICK_TYPE_UNKNOWN, or WICK_TYPE_APPLICATION if it starts with `x.`;
 *                       head.payload is the payload, unread. error->code is UNKNOWN_TYPE, or for an application's
 *                       type WICK_CODE_NONE
 *   WICK_E_ENVELOPE     not an object, no `type`, a duplicate key, or an envelope field is wrong: INVALID_ENVELOPE
 *   WICK_E_PAYLOAD      a payload field is missing, wrong or above its limit: INVALID_PAYLOAD
 *   WICK_E_IDENTITY     an invocation has a field that tells who the user is: IDENTITY_LEAK
 *   WICK_E_JSON_...     not JSON, as in wick_json_next(): INVALID_JSON
 *   WICK_E_CONFIG, WICK_E_ARG   as in wick_json_reader_init()
 */
WICK_API wick_status wick_event_read(const wick_event_config *config, const void *data, size_t len, wick_event *event,
                                     wick_event_error *error);

/**
 * Read a JSON object as the payload of a type: what comes without an envelope, such as an invocation or a POST body.
 *
 * type      a type in the table
 * data      the object, whole, with nothing but white space around it
 * payload   the struct that belongs to the type, such as a wick_invocation
 *
 * Returns like wick_event_read(), with paths that start at the payload's fields; WICK_E_ARG if the type is not in
 * the table.
 */
WICK_API wick_status wick_payload_read(const wick_event_config *config, wick_type type, const void *data, size_t len,
                                       void *payload, wick_event_error *error);

/**
 * Write what is wrong as a sentence for people, such as "payload.text: string expected".
 *
 * out, cap   receives the sentence, NUL-terminated and cut if need be; 160 bytes are enough for every error
 *
 * Returns the sentence as plain text that points to out.
 */
WICK_API wick_text wick_event_error_text(const wick_event_error *error, char *out, size_t cap);

/**
 * Whether a name is one that must not reach the Runtime: `surface`, `mode`, `user`, `user_id`, `user_role`, `roles`,
 * `conversation_state`, `token`.
 */
WICK_API int wick_identity_field(const wick_text *name);

/**
 * Write the `input` of an invocation from a text and a context: {"text":..., and the context without identity fields}.
 *
 * A `text` in the context gives way to the text. Values are copied as they stand.
 *
 * text      the user's text; absent leaves it out
 * context   a JSON object; absent is {}
 * flags     WICK_JSON_REPLACE, WICK_JSON_TRUSTED, or 0
 * len       set to the bytes of the object, also with WICK_E_SPACE
 *
 * Returns like wick_json_writer_end(); WICK_E_JSON_TYPE if the context is not an object.
 */
WICK_API wick_status wick_input_write(const wick_text *text, const wick_text *context, uint32_t flags, void *out,
                                      size_t cap, size_t *len);

/* ---- Writing ----------------------------------------------------------------------------------------------- */

/** The most that wick_event_prefix() writes. */
#define WICK_EVENT_PREFIX_MAX 56

/**
 * Write the start of a message for one reader: `{"seq":42,`, or `{"seq":42,"first_seq":40,`, or `{`.
 *
 * seq         the event's number; 0 is none, as control messages have
 * first_seq   where a merged message starts; 0 or seq is none
 * out         receives the bytes: WICK_EVENT_PREFIX_MAX must fit
 *
 * Returns the bytes written.
 */
WICK_API size_t wick_event_prefix(uint64_t seq, uint64_t first_seq, void *out);

/**
 * Write the body of a message, `"type":"agent.token",...}`: everything behind the prefix. seq and first_seq of the
 * event are not looked at.
 *
 * The event is checked like one that is read: required fields, kinds, limits, grammar. A field that is longer than a
 * CUT limit is cut, and its flag set.
 *
 * event    what to write
 * flags    WICK_JSON_REPLACE, WICK_JSON_TRUSTED, or 0
 * out      the buffer; NULL with cap 0 asks for the size
 * cap      bytes at out
 * len      set to the bytes of the body: written, or with WICK_E_SPACE needed; 0 with any other error
 * error    receives what is wrong; may be NULL
 *
 * Returns
 *   WICK_OK           written
 *   WICK_E_SPACE      cap is too small; nothing that is in out is of use
 *   WICK_E_ENVELOPE   a field of the envelope is missing or wrong
 *   WICK_E_PAYLOAD    a field of the payload is missing, wrong or above its limit
 *   WICK_E_IDENTITY   an invocation's input has a field that tells who the user is
 *   WICK_E_JSON_...   a text is not UTF-8, or not what its form says
 */
WICK_API wick_status wick_event_write_body(const wick_event *event, uint32_t flags, void *out, size_t cap, size_t *len,
                                           wick_event_error *error);

/** Write a whole message: the prefix for head.seq and head.first_seq, then the body. As wick_event_write_body(). */
WICK_API wick_status wick_event_write(const wick_event *event, uint32_t flags, void *out, size_t cap, size_t *len,
                                      wick_event_error *error);

/**
 * Write the payload of a type alone, as a JSON object. For an invocation this is the bare invocation.
 *
 * payload   the struct that belongs to the type
 *
 * Returns like wick_event_write_body(); WICK_E_ARG if the type is not in the table.
 */
WICK_API wick_status wick_payload_write(wick_type type, const void *payload, uint32_t flags, void *out, size_t cap,
                                        size_t *len, wick_event_error *error);

/** The most that wick_pong_write() needs: `{"type":"pong","re":"...","payload":...}`. */
#define WICK_PONG_MAX 576

/**
 * Write the pong that answers a ping: exactly `{"type":"pong"}`, with the ping's id as `re` and its payload unchanged
 * if it has them.
 *
 * ping   an event that wick_event_read() gave as WICK_TYPE_PING
 *
 * Returns WICK_OK, WICK_E_SPACE with *len set, WICK_E_ARG if it is not a ping.
 */
WICK_API wick_status wick_pong_write(const wick_event *ping, void *out, size_t cap, size_t *len);

/* ---- Order ------------------------------------------------------------------------------------------------- */

/** Calls and requests of one invocation that the order check can have open at once before it becomes lenient. */
#define WICK_ORDER_OPEN_MAX 16

/**
 * The order of one invocation's events. Zeroed memory is an invocation that has not started.
 *
 * Private, movable, 200 bytes.
 */
typedef struct wick_order {
    uint8_t state; /* 0 not started, 1 running, 2 ended */
    uint8_t lenient;
    uint8_t open_count;
    uint8_t progress_len;
    char progress[64];
    uint64_t open[WICK_ORDER_OPEN_MAX];
} wick_order;

/**
 * Check that an event may come now in its invocation, and remember it.
 *
 * `agent.started` comes first and once; nothing comes behind `agent.completed` or `agent.failed`; `args` and `end` of
 * a call only behind its `start`; `agent.input_resolved` only for a request that is open; `agent.progress` increases.
 * Other types than a run's are let through. Never refuses a legal order: with more than WICK_ORDER_OPEN_MAX calls
 * and requests open at once, those it could not remember are let through.
 *
 * Returns WICK_OK, or an error with the state unchanged
 *   WICK_E_ORDER_START      something comes before agent.started, or it comes twice
 *   WICK_E_ORDER_END        something comes behind the terminal event
 *   WICK_E_ORDER_CALL       args or end of a call that is not open
 *   WICK_E_ORDER_REQUEST    agent.input_resolved for a request that is not open
 *   WICK_E_ORDER_PROGRESS   progress does not increase
 */
WICK_API wick_status wick_order_check(wick_order *order, const wick_event *event);

/** Whether the invocation has started and not ended: whether a terminal event is still owed. */
WICK_API int wick_order_running(const wick_order *order);

#ifdef __cplusplus
}
#endif

#endif
