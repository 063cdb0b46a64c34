/*
 * wick/experience.h - the Experience: sessions of users, the choice of the agent, and the way of every event to its reader.
 *
 * It stands between clients and the Runtime and knows neither sockets nor agents. Messages of clients go in with
 * wick_experience_receive(); what is to be run, cancelled or answered comes out through on_invoke, on_cancel and on_answer;
 * events of the Runtime go in with wick_experience_event(); and "give this to that reader" comes out through on_deliver.
 *
 *     static wick_status on_invoke(void *user, const wick_invocation *invocation, wick_code *code)
 *     {
 *         return wick_runtime_invoke(runtime, invocation, code, now_ms);
 *     }
 *     static int on_deliver(void *user, void *reader, const wick_slice *slices, size_t count)
 *     {
 *         return wick_conn_send_slices(reader, WICK_TEXT, slices, count);
 *     }
 *
 *     wick_experience_config config = { .size = sizeof config, .callbacks = &callbacks };
 *     experience = malloc(wick_experience_size(&config));
 *     wick_experience_init(experience, &config, now_ms);
 *
 *     wick_experience_open(experience, reader, &session, now_ms);
 *     status = wick_experience_receive(experience, session, message, len, now_ms);
 *     wick_experience_detach(experience, session, now_ms);
 *
 * THE CHOICE. The context of an `agent.message` says where the user is: `surface`, `user_role`, `conversation_state`.
 * on_route may decide, or correct what the context claims; else the first rule that matches does: those of the config, then
 * wick_routes_default(). What the agent gets is the text and the rest of the context; nothing about the user can be in
 * it, because the builder leaves it out and the Runtime refuses it (wick_identity_field()).
 *
 * QUIET SESSIONS. A client that has negotiated no subprotocol speaks without a session: one opens by itself with the
 * connection and is gone with it. Nothing is said until the client speaks; `session.opened` and `accepted` are never sent;
 * nothing needs acknowledgement. A run goes on when its connection is gone, and its events then go to on_event alone; with
 * "on_disconnect":"cancel" it is cancelled WICK_DEFAULT_DISCONNECT_MS later.
 *
 * QUESTIONS. An `agent.input_request` is remembered with its deadline, which runs on while the client is away. The first
 * valid answer counts. When the time is over the agent gets the question's `default`, or the string
 * `Timeout: No user response`.
 *
 * BACK-PRESSURE. on_deliver takes a message or refuses it with WICK_BLOCKED. Then wick_experience_receive() returns
 * WICK_BLOCKED and has done nothing: give it the same message again. wick_experience_event() returns WICK_BLOCKED likewise,
 * and once wick_experience_room() has said that the reader takes messages again, on_room names the runs that may go on.
 */
#ifndef WICK_EXPERIENCE_H
#define WICK_EXPERIENCE_H

#include "wick/event.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Routing --------------------------------------------------------------------------------------------- */

/** Where a user is, in plain text. Empty is not known. */
typedef struct wick_place {
    wick_str surface;
    wick_str user_role;
    wick_str conversation_state;
} wick_place;

/** A rule: who is there talks to that agent. "*" stands for anything, also for nothing. */
typedef struct wick_route {
    wick_place place;
    wick_str agent_id;
} wick_route;

/**
 * Read rules from a file's text.
 *
 * A rule a line: `surface user_role conversation_state agent_id`, parted by spaces or tabs, `*` for any. `#` starts a
 * comment; empty lines are skipped.
 *
 * text     in use as long as the rules
 * routes   receives the rules, in order
 * cap      rules that fit
 * count    set to the rules that have been read
 * line     set to the line that is wrong, counted from 1; 0 if none is
 *
 * Returns WICK_OK; WICK_E_PAYLOAD if a line has not four words, or the last is no agent id; WICK_E_SPACE if cap is too small.
 */
WICK_API wick_status wick_routes_read(const char *text, size_t len, wick_route *routes, size_t cap, size_t *count,
                                      size_t *line);

/** Find the first rule that matches a place. Returns NULL if none does. */
WICK_API const wick_route *wick_route_find(const wick_route *routes, size_t count, const wick_place *place);

/**
 * Give the rules that hold behind all others: `content_pillar` to guide.content, `operations_pillar` to guide.operations,
 * `data_pillar` to liaison.data, `experience_pillar` to liaison.experience, anything else to guide.content.
 */
WICK_API const wick_route *wick_routes_default(size_t *count);

/* ---- Set-up ---------------------------------------------------------------------------------------------- */

typedef struct wick_experience wick_experience;

/** A session. 0 is none. One that is gone is never mistaken for a later one. */
typedef uint64_t wick_session;

#ifndef WICK_DEFAULT_SESSIONS
#define WICK_DEFAULT_SESSIONS 16384
#endif
#ifndef WICK_DEFAULT_INVOCATIONS
#define WICK_DEFAULT_INVOCATIONS 4096
#endif
#ifndef WICK_DEFAULT_SESSION_INVOCATIONS
#define WICK_DEFAULT_SESSION_INVOCATIONS 128
#endif
#ifndef WICK_DEFAULT_QUESTIONS
#define WICK_DEFAULT_QUESTIONS 1024
#endif
#ifndef WICK_DEFAULT_MESSAGE_BYTES
#define WICK_DEFAULT_MESSAGE_BYTES 1048576
#endif
#ifndef WICK_DEFAULT_DISCONNECT_MS
#define WICK_DEFAULT_DISCONNECT_MS 5000
#endif
/** The longest `default` of a question, as JSON. */
#ifndef WICK_DEFAULT_ANSWER_MAX
#define WICK_DEFAULT_ANSWER_MAX 512
#endif
/** Pings that are answered at once; then WICK_PING_RATE a second. */
#define WICK_PING_BURST 50
#define WICK_PING_RATE 10
/** Messages in a row that are not JSON, after which the reader is closed with 4400. */
#define WICK_BAD_MESSAGES_MAX 3
/** What an agent gets when nobody has answered. */
#define WICK_NO_ANSWER "Timeout: No user response"

/** What an Experience calls. `user` is the config's. on_invoke, on_cancel, on_answer, on_deliver and on_random are required. */
typedef struct wick_experience_callbacks {
    /**
     * Run an agent: the Runtime's first call, or a message to a Runtime elsewhere.
     *
     * invocation   gone when the callback returns
     * code         to be set to what is wrong, if an error is returned
     *
     * Returns WICK_OK; WICK_BLOCKED if it cannot be taken now; an error, which the client is told with the code.
     */
    wick_status (*on_invoke)(void *user, const wick_invocation *invocation, wick_code *code);
    /** Cancel a run: the second call. Returns WICK_OK, or WICK_E_STATE if it is not known. */
    wick_status (*on_cancel)(void *user, const wick_text *invocation_id, const wick_text *reason);
    /** Settle a question: the third call. Returns WICK_OK, WICK_BLOCKED, or WICK_E_STATE if nobody waits for it any more. */
    wick_status (*on_answer)(void *user, const wick_runtime_input *input);
    /**
     * Give a message to a reader: one WebSocket text message.
     *
     * reader          what wick_experience_open() was given
     * slices, count   at most 2, which together are the message; gone when the callback returns
     *
     * Returns 0; WICK_BLOCKED if the reader takes nothing now; negative if it is gone, and the message is dropped.
     */
    int (*on_deliver)(void *user, void *reader, const wick_slice *slices, size_t count);
    /** Close a reader's connection, with a close code and a reason of at most 123 bytes, NUL-terminated. */
    void (*on_close)(void *user, void *reader, unsigned code, const char *reason);
    /** A run that wick_experience_event() has returned WICK_BLOCKED for may go on: wick_runtime_room(). */
    void (*on_room)(void *user, const wick_text *invocation_id);
    /**
     * Choose an agent, before any rule does.
     *
     * place     what the context says; may be changed, and the rules then look at that
     * agent_id  to be set to the agent, in memory that stays until the next call; else the rules choose
     */
    void (*on_route)(void *user, wick_session session, wick_place *place, wick_str *agent_id);
    /** Look at an event that is on its way to a session: the one place that sees them all. `head.seq` is its number. */
    void (*on_event)(void *user, wick_session session, const wick_event *event);
    /** Fill out with random bytes. Returns 0, or negative if there are none. */
    int (*on_random)(void *user, uint8_t *out, size_t len);
} wick_experience_callbacks;

/** How an Experience is set up. Copied, but not what it points to. Zero means the default. */
typedef struct wick_experience_config {
    /** sizeof(wick_experience_config) */
    size_t size;
    const wick_experience_callbacks *callbacks;
    /** Handed to the callbacks. */
    void *user;
    /** Rules before the default ones; they and their texts must stay. */
    const wick_route *routes;
    size_t route_count;
    /** Sessions at once; WICK_DEFAULT_SESSIONS */
    uint32_t sessions;
    /** Runs at once; WICK_DEFAULT_INVOCATIONS. Ids of runs that are over are remembered in the slots that are free. */
    uint32_t invocations;
    /** Runs at once in one session; WICK_DEFAULT_SESSION_INVOCATIONS. One more is TOO_MANY_INVOCATIONS. */
    uint32_t session_invocations;
    /** Questions that are open at once; WICK_DEFAULT_QUESTIONS. Settled ones are remembered where there is room. */
    uint32_t questions;
    /** The largest message of a client, and about the largest event; WICK_DEFAULT_MESSAGE_BYTES */
    uint32_t message_bytes;
    /** How long after its connection a run with "on_disconnect":"cancel" goes; WICK_DEFAULT_DISCONNECT_MS */
    uint32_t disconnect_ms;
    /** What to add to now_ms to get Unix milliseconds; see wick_experience_clock() */
    uint64_t unix_offset_ms;
    /** What checks UTF-8; NULL is the portable check. */
    const wick_kernels *kernels;
} wick_experience_config;

/** Numbers of an Experience. */
typedef struct wick_experience_counts {
    uint32_t sessions;
    /** Sessions whose reader has gone. */
    uint32_t detached;
    uint32_t invocations;
    uint32_t questions;
} wick_experience_counts;

/**
 * Give the bytes that an Experience with this config takes; 0 if the config is wrong.
 *
 * Two messages of the largest size, and about 100 bytes a session, 220 an invocation, 900 a question.
 */
WICK_API size_t wick_experience_size(const wick_experience_config *config);

/**
 * Set up an Experience.
 *
 * experience   wick_experience_size() bytes, aligned for uint64_t
 *
 * Returns WICK_OK, or WICK_E_CONFIG: the size field is unknown, a callback is missing, or a number is too large.
 */
WICK_API wick_status wick_experience_init(wick_experience *experience, const wick_experience_config *config,
                                          uint64_t now_ms);

/** Say that the wall clock has been set: what to add to now_ms from now on to get Unix milliseconds. */
WICK_API void wick_experience_clock(wick_experience *experience, uint64_t unix_offset_ms);

/* ---- Sessions -------------------------------------------------------------------------------------------- */

/**
 * Open a quiet session.
 *
 * reader    the connection, as on_deliver is to get it; not NULL
 * session   set to the session
 *
 * Returns WICK_OK; WICK_E_SPACE if there are too many; WICK_E_RANDOM. Says nothing to the client.
 */
WICK_API wick_status wick_experience_open(wick_experience *experience, void *reader, wick_session *session,
                                          uint64_t now_ms);

/**
 * Handle a message of a client.
 *
 * data, len   one text message, whole; gone when the call returns. It must be UTF-8, as wick_conn makes sure of
 *
 * A message that is wrong is answered with `error` and no error of the call; the third in a row that is not even JSON also
 * asks on_close for 4400.
 *
 * Returns WICK_OK; WICK_BLOCKED: nothing has happened, give it again when the reader has room; WICK_E_STATE if the session
 * is gone or has no reader.
 */
WICK_API wick_status wick_experience_receive(wick_experience *experience, wick_session session, const void *data,
                                             size_t len, uint64_t now_ms);

/**
 * Say `error` to a client, for a reason that stands outside of its messages: a binary message, a limit of the host.
 *
 * message   a sentence, NUL-terminated, at most 512 bytes
 *
 * INVALID_JSON counts as a message that is not JSON. Returns like wick_experience_receive().
 */
WICK_API wick_status wick_experience_error(wick_experience *experience, wick_session session, wick_code code,
                                           const char *message, uint64_t now_ms);

/** Say that a reader takes messages again. */
WICK_API void wick_experience_room(wick_experience *experience, wick_session session, uint64_t now_ms);

/** Say that a session's connection has gone. Its runs go on, or not: see QUIET SESSIONS. */
WICK_API void wick_experience_detach(wick_experience *experience, wick_session session, uint64_t now_ms);

/* ---- The Runtime's side ---------------------------------------------------------------------------------- */

/**
 * Take an event of a run from the Runtime: number it and give it to the session's reader.
 *
 * event   head.invocation_id says whose it is. One of a run that is not known here is dropped
 *
 * Returns WICK_OK; WICK_BLOCKED if the reader takes nothing now, and nothing has happened; WICK_E_SPACE if the event is larger
 * than there is room for, or there are too many questions; or an error of wick_event_write_body(): it is not valid.
 */
WICK_API wick_status wick_experience_event(wick_experience *experience, const wick_event *event, uint64_t now_ms);

/* ---- Time and numbers ------------------------------------------------------------------------------------ */

/** Settle questions whose time is over, and cancel runs whose client has not come back. */
WICK_API void wick_experience_tick(wick_experience *experience, uint64_t now_ms);

/** Give the time at which wick_experience_tick() is to be called, or WICK_NEVER. */
WICK_API uint64_t wick_experience_deadline(const wick_experience *experience);

/** Count. */
WICK_API void wick_experience_count(const wick_experience *experience, wick_experience_counts *counts);

#ifdef __cplusplus
}
#endif

#endif
