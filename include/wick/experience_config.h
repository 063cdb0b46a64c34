/*
 * wick/experience_config.h - the set-up of an Experience: routing rules, limits, what it calls, how large it is. Comes
 * with wick/experience.h, which is the manual.
 *
 *     wick_experience_config config = { .size = sizeof config, .callbacks = &callbacks };
 *     config.routes = routes;
 *     status = wick_routes_read(text, len, routes, 16, &config.route_count, &line);
 *     experience = malloc(wick_experience_size(&config));
 *     status = wick_experience_init(experience, &config, now_ms);
 */
#ifndef WICK_EXPERIENCE_CONFIG_H
#define WICK_EXPERIENCE_CONFIG_H

#include "wick/stream.h"

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
 * Returns WICK_OK; WICK_E_PAYLOAD if a line has not four words, or the last is no agent id; WICK_E_SPACE if cap is too
 * small.
 */
WICK_API wick_status wick_routes_read(const char *text, size_t len, wick_route *routes, size_t cap, size_t *count,
                                      size_t *line);

/** Find the first rule that matches a place. Returns NULL if none does. */
WICK_API const wick_route *wick_route_find(const wick_route *routes, size_t count, const wick_place *place);

/**
 * Give the rules that hold behind all others: `content_pillar` to guide.content, `operations_pillar` to
 * guide.operations, `data_pillar` to liaison.data, `experience_pillar` to liaison.experience, anything else to
 * guide.content.
 */
WICK_API const wick_route *wick_routes_default(size_t *count);

/* ---- Set-up ---------------------------------------------------------------------------------------------- */

typedef struct wick_experience wick_experience;

/** A session. 0 is none. One that is gone is never mistaken for a later one. */
typedef uint64_t wick_session;

/** What joins a reader with a session. 0 is none. One that is gone is never mistaken for a later one. */
typedef uint64_t wick_link;

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
/** How long a reader may take nothing once the log has moved past it. */
#ifndef WICK_DEFAULT_SLOW_MS
#define WICK_DEFAULT_SLOW_MS 30000
#endif
/** How long a client may take until session.open. */
#ifndef WICK_DEFAULT_OPEN_MS
#define WICK_DEFAULT_OPEN_MS 10000
#endif
/** The longest payload of a question, as JSON: it comes again in session.opened. */
#ifndef WICK_DEFAULT_QUESTION_BYTES
#define WICK_DEFAULT_QUESTION_BYTES 8192
#endif
/** Ids of messages that all sessions together remember. */
#ifndef WICK_DEFAULT_REMEMBERED
#define WICK_DEFAULT_REMEMBERED 32768
#endif
/** Ids of messages that a session remembers, and for how long. */
#ifndef WICK_REMEMBER_MESSAGES
#define WICK_REMEMBER_MESSAGES 1024
#endif
#define WICK_REMEMBER_MS 600000
/** Rooms at once, and sessions in rooms, each counted once per room. */
#ifndef WICK_DEFAULT_ROOMS
#define WICK_DEFAULT_ROOMS 1024
#endif
#ifndef WICK_DEFAULT_MEMBERS
#define WICK_DEFAULT_MEMBERS 8192
#endif
/** Rooms that a session can be in. One more is RATE_LIMITED. */
#define WICK_SESSION_ROOMS_MAX 32
/** Messages that a room keeps for those who join. */
#define WICK_ROOM_HISTORY 100
/** The longest name of a principal. */
#define WICK_PRINCIPAL_MAX 64
/** The most slices that on_deliver is given. */
#define WICK_OUTGOING_SLICES 8
/** Characters of a resume token, without NUL. */
#define WICK_TOKEN_SIZE 32
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

/** A message on its way to a reader. Gone when on_deliver returns. */
typedef struct wick_outgoing {
    /** The bytes, as at most WICK_OUTGOING_SLICES slices. Together they are one JSON object. */
    const wick_slice *slices;
    size_t count;
    /** Bytes of all slices. */
    size_t len;
    /** WICK_TYPE_APPLICATION for the application's own. */
    wick_type type;
    /** 0 before session.open has been answered. */
    wick_session session;
    wick_link link;
    /** Where the reader is behind this message, for the `id` of an SSE frame; epoch 0 if it changes nothing: an answer,
     *  pong, anything for a quiet link. */
    wick_cursor cursor;
} wick_outgoing;

/** What on_auth says about a token that is good. */
typedef struct wick_grant {
    /** Whose it is: plain, `len` bytes, which may be 0. */
    char principal[WICK_PRINCIPAL_MAX];
    size_t len;
    /** When it ends, on the clock of now_ms; 0 is never. */
    uint64_t expires_ms;
} wick_grant;

/**
 * What an Experience calls. `user` is the config's. on_invoke, on_cancel, on_answer, on_deliver and on_random are
 * required.
 */
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
    /**
     * Settle a question: the third call. Returns WICK_OK, WICK_BLOCKED, or WICK_E_STATE if nobody waits for it any
     * more.
     */
    wick_status (*on_answer)(void *user, const wick_runtime_input *input);
    /**
     * Give a message to a reader: one WebSocket text message, one SSE frame. Must not call the Experience.
     *
     * reader    what wick_experience_open() or wick_experience_view() was given
     * message   gone when the callback returns
     *
     * Returns 0; WICK_BLOCKED if the reader takes nothing now: call wick_experience_room() when it does; negative if it
     * is gone, and the message is dropped.
     */
    int (*on_deliver)(void *user, void *reader, const wick_outgoing *message);
    /** Close a reader's connection, with a close code and a reason of at most 123 bytes, NUL-terminated. For a view:
     * end it.
     *  The link gives no more messages; wick_experience_detach() is still to be called. */
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
    /**
     * Say whose token this is: the one of session.open.auth, if the link has no principal yet, or of session.update.
     *
     * token   plain
     * grant   all zero: to be filled in
     *
     * Returns WICK_CODE_NONE, or AUTH_INVALID or AUTH_EXPIRED. Without this callback no token is valid where one is
     * needed, and where none is needed none is looked at.
     */
    wick_code (*on_auth)(void *user, void *reader, const wick_str *token, wick_grant *grant);
    /**
     * Take a client's message of the application's own, whose type begins with `x.`: `event->head`, with the payload as
     * it stands in the message. Must not call the Experience.
     *
     * Returns WICK_CODE_NONE, or the error that the client is told. Without this callback such messages mean nothing.
     */
    wick_code (*on_application)(void *user, wick_session session, const wick_event *event);
    /** Say whether a session may be in a room: WICK_CODE_NONE, or PERMISSION_DENIED, or what else. Without it: yes. */
    wick_code (*on_join)(void *user, wick_session session, const wick_text *room);
    /**
     * Give the bytes that wait in a reader's own queue, so that a slow reader gets fewer and larger messages. Without
     * it: 0.
     */
    size_t (*on_queued)(void *user, void *reader);
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
    /** Sessions at once; WICK_DEFAULT_SESSIONS. One more takes the place of the one whose last link went first, if that
     * has
     *  no runs; else it is refused. */
    uint32_t sessions;
    /** Links at once; as many as sessions */
    uint32_t links;
    /** Runs at once; WICK_DEFAULT_INVOCATIONS. Ids of runs that are over are remembered in the slots that are free. */
    uint32_t invocations;
    /** Runs at once in one session; WICK_DEFAULT_SESSION_INVOCATIONS. One more is TOO_MANY_INVOCATIONS. */
    uint32_t session_invocations;
    /** Questions that are open at once; WICK_DEFAULT_QUESTIONS. Settled ones are remembered where there is room. */
    uint32_t questions;
    /** The largest message of a client, and about the largest event; WICK_DEFAULT_MESSAGE_BYTES */
    uint32_t message_bytes;
    /** The longest payload of a question; WICK_DEFAULT_QUESTION_BYTES. A longer one is refused. */
    uint32_t question_bytes;
    /** Ids of messages that are remembered; WICK_DEFAULT_REMEMBERED */
    uint32_t remembered;
    /** Rooms at once; WICK_DEFAULT_ROOMS. A new one takes the place of the one that has been empty longest. */
    uint32_t rooms;
    /** Memberships at once; WICK_DEFAULT_MEMBERS */
    uint32_t members;
    /** How long a client may take until session.open; WICK_DEFAULT_OPEN_MS */
    uint32_t open_ms;
    /** What session.opened says about pings, which are the host's; 25,000 and 20,000 */
    uint32_t heartbeat_interval_ms;
    uint32_t heartbeat_timeout_ms;
    /** The pool of the streams; `size` 0 is all defaults. The longest body is at least message_bytes + 8192. */
    wick_pool_config pool;
    /** What the streams keep; `size` 0 is all defaults */
    wick_stream_config stream;
    /** How long after its connection a run with "on_disconnect":"cancel" goes; WICK_DEFAULT_DISCONNECT_MS */
    uint32_t disconnect_ms;
    /** How long a reader may take nothing once the log has moved past it, until it is closed with 4509;
     *  WICK_DEFAULT_SLOW_MS */
    uint32_t slow_ms;
    /** What to add to now_ms to get Unix milliseconds; see wick_experience_clock() */
    uint64_t unix_offset_ms;
    /** What checks UTF-8; NULL is the portable check. */
    const wick_kernels *kernels;
} wick_experience_config;

/** Numbers of an Experience. */
typedef struct wick_experience_counts {
    uint32_t sessions;
    /** Sessions that have no link. */
    uint32_t detached;
    uint32_t links;
    uint32_t invocations;
    uint32_t questions;
} wick_experience_counts;

/**
 * Give the bytes that an Experience with this config takes; 0 if the config is wrong.
 *
 * The pool, two messages of the largest size and a snapshot, and about 900 bytes a session, 550 a link, 220 an
 * invocation, 1,900 and question_bytes a question, 340 an id that is remembered.
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

#ifdef __cplusplus
}
#endif

#endif
