/*
 * wick/experience.h - the Experience: sessions of users, the choice of the agent, and the way of every event to its
 * readers.
 *
 * It stands between clients and the Runtime and knows neither sockets nor agents. Messages of clients go in with
 * wick_experience_receive(); what is to be run, cancelled or answered comes out through on_invoke, on_cancel and
 * on_answer; events of the Runtime go in with wick_experience_event(); and "give this to that reader" comes out through
 * on_deliver.
 *
 *     static wick_status on_invoke(void *user, const wick_invocation *invocation, wick_code *code)
 *     {
 *         return wick_runtime_invoke(runtime, invocation, code, now_ms);
 *     }
 *     static int on_deliver(void *user, void *reader, const wick_outgoing *message)
 *     {
 *         return wick_conn_send_slices(reader, WICK_TEXT, message->slices, message->count);
 *     }
 *
 *     wick_experience_config config = { .size = sizeof config, .callbacks = &callbacks };
 *     experience = malloc(wick_experience_size(&config));
 *     wick_experience_init(experience, &config, now_ms);
 *
 *     wick_experience_open(experience, reader, NULL, &link_of_reader, now_ms);
 *     status = wick_experience_receive(experience, link_of_reader, message, len, now_ms);
 *     wick_experience_detach(experience, link_of_reader, now_ms);
 *
 * A SESSION is a conversation: its runs, its questions, and a stream of numbered events (wick/stream.h). A LINK joins a
 * reader, which is a connection of the host's, with a session. There are three kinds:
 *
 * - a full link, wick_experience_open() with `full`: a client that has negotiated agent-events.v1. Its first message is
 *   session.open, which opens a session or goes on with one; it reads the session's stream from its cursor.
 * - a quiet link, wick_experience_open() otherwise: a plain client. See QUIET SESSIONS.
 * - a view, wick_experience_view(): SSE, NDJSON, long poll. It reads a session's stream from a cursor and says nothing;
 *   what the client says comes by POST, to wick_experience_post().
 *
 * A cursor that was taken on one of them is good on every other. A session has one full link: an older one is closed
 * with 4409. It has as many views as you like. When its last link has gone a session stays: for the stream's retain_ms,
 * or longer, while a run goes on or a question is open. With "on_disconnect":"cancel" its runs are cancelled
 * WICK_DEFAULT_DISCONNECT_MS later.
 *
 * A slow reader holds nobody up: the log of the session is its queue. When on_deliver refuses a message, nothing more
 * comes until wick_experience_room(), and then in fewer and larger messages. When the log has moved past it, it gets
 * session.reset with reason slow_consumer and a snapshot, and goes on with what comes then.
 *
 * WHO MAY. `principal` is who the host says that a client is, empty for anybody. on_auth turns a token of session.open
 * or session.update into one. A session belongs to the principal that opened it, and is entered with the newest of its
 * resume tokens or the one that was shown for it, whichever is used first.
 *
 * ONCE. A message with an `id` that the session has accepted before does nothing; it is answered with
 * "duplicate":true and the invocation_id of the first answer. The last WICK_REMEMBER_MESSAGES ids of a session of the
 * last WICK_REMEMBER_MS are remembered, fewer only if all sessions together have accepted more than config.remembered.
 *
 * ROOMS. What a session says with room.publish, all sessions in the room get as an event of their own stream, which
 * buffers it for those who are away; the publisher gets it as well. `from` is the principal, or for nobody in
 * particular the first ten characters of the session's id. A room begins with its first member, and is forgotten
 * retain_ms after its last one has gone.
 *
 * THE CHOICE. The context of an `agent.message` says where the user is: `surface`, `user_role`, `conversation_state`.
 * on_route may decide, or correct what the context claims; else the first rule that matches does: those of the config,
 * then wick_routes_default(). What the agent gets is the text and the rest of the context; nothing about the user can
 * be in it, because the builder leaves it out and the Runtime refuses it (wick_identity_field()).
 *
 * QUIET SESSIONS. A client that has negotiated no subprotocol speaks without a session: one opens by itself with the
 * connection and is gone with it. Nothing is said until the client speaks; `session.opened` and `accepted` are never
 * sent; nothing needs acknowledgement. There is no log: its runs are held up while its reader takes nothing. A run goes
 * on when its connection is gone, and its events then go to on_event alone.
 *
 * QUESTIONS. An `agent.input_request` is remembered with its deadline, which runs on while the client is away. The
 * first valid answer counts, from any transport. When the time is over the agent gets the question's `default`, or the
 * string `Timeout: No user response`.
 *
 * BACK-PRESSURE. on_deliver takes a message or refuses it with WICK_BLOCKED. Give a message to
 * wick_experience_receive() only while the reader has room for one message: the answer. Where it turns out that there
 * is none, receive returns WICK_BLOCKED and has done nothing: give it the same message again. wick_experience_event()
 * returns WICK_BLOCKED for quiet sessions, and once wick_experience_room() has said that the reader takes messages
 * again, on_room names the runs that may go on.
 *
 * An Experience must stay where it is: its streams hold pointers to one another.
 */
#ifndef WICK_EXPERIENCE_H
#define WICK_EXPERIENCE_H

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
     * token           plain
     * principal, cap  receives the name, at most WICK_PRINCIPAL_MAX bytes
     * len             to be set to the bytes of the name, which may be 0
     *
     * Returns WICK_CODE_NONE, or AUTH_INVALID or AUTH_EXPIRED. Without this callback no token is valid where one is
     * needed, and where none is needed none is looked at.
     */
    wick_code (*on_auth)(void *user, void *reader, const wick_str *token, char *principal, size_t cap, size_t *len);
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

/* ---- Links ----------------------------------------------------------------------------------------------- */

/** What a link is to be. NULL instead of it is a quiet one of nobody in particular. */
typedef struct wick_link_config {
    /** sizeof(wick_link_config) */
    size_t size;
    /** 1: the client has negotiated agent-events.v1 or a profile of it; its first message is session.open. */
    uint8_t full;
    /** 1: session.open must have a valid token, because the handshake had none. For full links. */
    uint8_t need_auth;
    /** Who the handshake says that the client is, plain, at most WICK_PRINCIPAL_MAX bytes. */
    wick_text principal;
} wick_link_config;

/**
 * Open a link for a new connection: a quiet one, with a session of its own, or a full one, which waits for
 * session.open.
 *
 * reader   the connection, as on_deliver is to get it; not NULL
 * config   NULL is a quiet link
 * link     set to the link
 *
 * Returns WICK_OK; WICK_E_CONFIG; WICK_E_SPACE if there are too many; WICK_E_RANDOM. Says nothing to the client.
 */
WICK_API wick_status wick_experience_open(wick_experience *experience, void *reader, const wick_link_config *config,
                                          wick_link *link, uint64_t now_ms);

/** What a view shows. */
typedef struct wick_view_config {
    /** sizeof(wick_view_config) */
    size_t size;
    /** Where it begins: what the client has last seen, from `Last-Event-ID` or `after`. Epoch 0 with seq 0 is the
     * beginning of
     *  what is kept; epoch 0 with seq UINT64_MAX the end. A cursor that cannot be served gets session.reset first. */
    wick_cursor after;
    /** How long events may wait to be merged, at most WICK_COALESCE_MAX_MS; 0 turns merging off. */
    uint32_t coalesce_ms;
} wick_view_config;

/**
 * Attach a reader that only reads: SSE, NDJSON, long poll. What is there already is delivered before this returns.
 *
 * reader    as on_deliver is to get it; not NULL
 * session   from wick_experience_enter() or wick_experience_create()
 * config    NULL is all that is kept, then what comes, merged with WICK_DEFAULT_COALESCE_MS
 * link      set to the link before the first delivery; detach it when the client has gone or has got enough
 *
 * Returns WICK_OK; WICK_E_CONFIG; WICK_E_STATE if the session is gone or quiet; WICK_E_SPACE if there are too many
 * links.
 */
WICK_API wick_status wick_experience_view(wick_experience *experience, void *reader, wick_session session,
                                          const wick_view_config *config, wick_link *link, uint64_t now_ms);

/**
 * Handle a message of a client.
 *
 * data, len   one text message, whole; gone when the call returns. It must be UTF-8, as wick_conn makes sure of
 *
 * A message that is wrong is answered with `error` and no error of the call. on_close is called where the protocol says
 * so: 4400 for the third message in a row that is not JSON, 4401 for anything but ping before session.open, 4403 for a
 * session of somebody else, 4406 for another version, 4429 for a second session.open, 1000 after session.close.
 *
 * Returns WICK_OK; WICK_BLOCKED: nothing has happened, give it again when the reader has room; WICK_E_STATE if the link
 * is gone, is a view, or has been closed.
 */
WICK_API wick_status wick_experience_receive(wick_experience *experience, wick_link link, const void *data, size_t len,
                                             uint64_t now_ms);

/**
 * Say `error` to a client, for a reason that stands outside of its messages: a binary message, a limit of the host.
 *
 * message   a sentence, NUL-terminated, at most 512 bytes
 *
 * INVALID_JSON counts as a message that is not JSON. Returns like wick_experience_receive().
 */
WICK_API wick_status wick_experience_error(wick_experience *experience, wick_link link, wick_code code,
                                           const char *message, uint64_t now_ms);

/** Say that a reader takes messages again. */
WICK_API void wick_experience_room(wick_experience *experience, wick_link link, uint64_t now_ms);

/** Say that a link's connection has gone. The reader is not used any more. The session stays: see A SESSION. */
WICK_API void wick_experience_detach(wick_experience *experience, wick_link link, uint64_t now_ms);

/** Give the session of a link; 0 if it has none (yet, or any more). */
WICK_API wick_session wick_experience_session(const wick_experience *experience, wick_link link);

/* ---- Sessions without a connection: HTTP, missions ---------------------------------------------------------- */

/** What a session is to be that the host creates. NULL instead of it is all defaults. */
typedef struct wick_session_config {
    /** sizeof(wick_session_config) */
    size_t size;
    /** The id, plain, 1 to 128 bytes; absent is a random one. */
    wick_text id;
    /** Whose it is, plain. */
    wick_text principal;
    /**
     * Every event of the session gets this `mission_id`: at most 64 bytes, an integer (WICK_TEXT_JSON) or plain text.
     */
    wick_text mission_id;
} wick_session_config;

/**
 * Create a session that has no link yet: for a POST, or a mission. It expires like one whose last link has just gone.
 *
 * Returns WICK_OK; WICK_E_CONFIG; WICK_E_STATE if the id is taken; WICK_E_SPACE if there are too many; WICK_E_RANDOM.
 */
WICK_API wick_status wick_experience_create(wick_experience *experience, const wick_session_config *config,
                                            wick_session *session, uint64_t now_ms);

/**
 * Find a session, and check that a client may enter it: how HTTP requests with `session_id` and `resume_token` get in.
 *
 * id, token   as in the request, plain
 * principal   who the request says that the client is; absent is nobody in particular
 * session     set to the session; 0 if it may not be entered
 *
 * Both of a session's tokens are good here, and none is used up by it.
 *
 * Returns WICK_CODE_NONE; SESSION_FORBIDDEN, also for a session that is not known: a stranger learns nothing.
 */
WICK_API wick_code wick_experience_enter(const wick_experience *experience, const wick_text *id, const wick_text *token,
                                         const wick_text *principal, wick_session *session);

/** Find a session by its id. Returns it whoever asks, 0 if there is none: for sessions that the host has created. */
WICK_API wick_session wick_experience_find(const wick_experience *experience, const wick_text *id);

/** How a session stands. */
typedef struct wick_session_info {
    /** The session's; good until the session goes. */
    wick_str id;
    wick_str principal;
    /** A token that is good: the newest. */
    char resume_token[WICK_TOKEN_SIZE + 1];
    uint64_t epoch;
    uint64_t head_seq;
    uint64_t oldest_seq;
    uint32_t links;
    uint32_t invocations;
    /** Questions that are open. */
    uint32_t questions;
} wick_session_info;

/** Tell how a session stands. Returns WICK_OK, or WICK_E_STATE if it is gone. */
WICK_API wick_status wick_experience_info(const wick_experience *experience, wick_session session,
                                          wick_session_info *info);

/**
 * Write the open questions of a session as a JSON array of agent.input_request payloads, each with the invocation_id
 * and agent_id of the run that has asked.
 *
 * Returns WICK_OK; WICK_E_STATE if the session is gone; WICK_E_SPACE with *len set to what is needed.
 */
WICK_API wick_status wick_experience_inputs(const wick_experience *experience, wick_session session, void *out,
                                            size_t cap, size_t *len);

/**
 * Handle a message of a client that came by POST: everything but session.open, ping, ack and the like.
 *
 * on_reply   called exactly once, before this returns, with WICK_TYPE_ACCEPTED or WICK_TYPE_ERROR: unless WICK_BLOCKED
 * or
 *            WICK_E_STATE is returned. head.re is the message's id, absent if it had none. An agent.message is accepted
 *            with as.accepted.invocation_id, whose text is gone when on_reply returns
 *
 * Returns like wick_experience_receive().
 */
WICK_API wick_status wick_experience_post(wick_experience *experience, wick_session session, const void *data,
                                          size_t len, void (*on_reply)(void *user, const wick_event *reply),
                                          void *reply_user, uint64_t now_ms);

/**
 * Run an agent in a session, by its id: what a mission does.
 *
 * invocation   agent_id and input are required, invocation_id is minted if absent, session_id is filled in
 * id           receives the invocation's id, WICK_LIMIT_ID bytes; may be NULL
 * id_len       set to its bytes; may be NULL
 * code         set to what is wrong; WICK_CODE_NONE if nothing is
 *
 * Returns WICK_OK; WICK_BLOCKED; WICK_E_STATE if the session is gone; or an error, with the code.
 */
WICK_API wick_status wick_experience_invoke(wick_experience *experience, wick_session session,
                                            const wick_invocation *invocation, char *id, size_t *id_len,
                                            wick_code *code, uint64_t now_ms);

/** Cancel every run of a session. */
WICK_API void wick_experience_cancel(wick_experience *experience, wick_session session, const char *reason,
                                     uint64_t now_ms);

/**
 * Append an event of the host's own to a session: mission.status, workflow.progress, coordinator.metrics, agent.status,
 * or one of the application's types.
 *
 * event   `ts`, `session_id` and `mission_id` are filled in where they are absent
 *
 * Returns like wick_experience_event(); WICK_E_STATE if the session is gone. A quiet session's reader that takes
 * nothing now: WICK_BLOCKED.
 */
WICK_API wick_status wick_experience_publish(wick_experience *experience, wick_session session, const wick_event *event,
                                             uint64_t now_ms);

/** End a session: close its links with a code and a reason, cancel its runs, drop its log. */
WICK_API void wick_experience_end(wick_experience *experience, wick_session session, unsigned close_code,
                                  const char *reason, uint64_t now_ms);

/**
 * Begin to end: tell every open full link `session.closing`, and answer session.open and agent.message with DRAINING
 * from now on. The host then ends the runs (wick_runtime_drain()), and closes the connections with 1001.
 *
 * retry_after_ms   when clients may come again; 0 is not said
 */
WICK_API void wick_experience_drain(wick_experience *experience, uint32_t retry_after_ms, uint64_t now_ms);

/* ---- The Runtime's side ---------------------------------------------------------------------------------- */

/**
 * Take an event of a run from the Runtime: number it, keep it, and give it to the session's readers.
 *
 * event   head.invocation_id says whose it is. One of a run that is not known here is dropped
 *
 * Returns WICK_OK; WICK_BLOCKED if the reader of a quiet session takes nothing now, and nothing has happened;
 * WICK_E_SPACE if the event is larger than there is room for, the pool is exhausted, or there are too many questions;
 * or an error of wick_event_write_body(): it is not valid.
 */
WICK_API wick_status wick_experience_event(wick_experience *experience, const wick_event *event, uint64_t now_ms);

/* ---- Time and numbers ------------------------------------------------------------------------------------ */

/**
 * Do what is due: send what has waited to be merged, settle questions, cancel runs whose client has not come back,
 * close connections without session.open (4408), end sessions whose time is over.
 */
WICK_API void wick_experience_tick(wick_experience *experience, uint64_t now_ms);

/** Give the time at which wick_experience_tick() is to be called, or WICK_NEVER. */
WICK_API uint64_t wick_experience_deadline(const wick_experience *experience);

/** Count. */
WICK_API void wick_experience_count(const wick_experience *experience, wick_experience_counts *counts);

#ifdef __cplusplus
}
#endif

#endif
