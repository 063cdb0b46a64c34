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
 * session.reset with reason slow_consumer and a snapshot, and goes on with what comes then. If it does not even take
 * that for config.slow_ms, it is closed with 4509.
 *
 * WHO MAY. `principal` is who the host says that a client is, empty for anybody. on_auth turns a token of session.open
 * or session.update into one. A session belongs to the principal that opened it, and is entered with the newest of its
 * resume tokens or the one that was shown for it, whichever is used first.
 *
 * A link whose token ends is closed with 4501, unless session.update has shown a fresh one before; what comes in
 * between is answered with AUTH_EXPIRED. The session stays.
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

#include "wick/experience_config.h"

#ifdef __cplusplus
extern "C" {
#endif

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
    /** When the token of the handshake ends, on the clock of now_ms; 0 is never. The link is then closed with 4501. */
    uint64_t expires_ms;
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

/**
 * Give a client the answer to a message of its that the host has handled itself: `accepted` or `error`, whose head.re
 * is the message's id. As with other answers a quiet client hears of errors only, and what had no id is not accepted.
 *
 * Returns like wick_experience_receive(); WICK_E_STATE also before session.open.
 */
WICK_API wick_status wick_experience_reply(wick_experience *experience, wick_link link, const wick_event *reply,
                                           uint64_t now_ms);

/** Say that a reader takes messages again. */
WICK_API void wick_experience_room(wick_experience *experience, wick_link link, uint64_t now_ms);

/** Say that a link's connection has gone. The reader is not used any more. The session stays: see A SESSION. */
WICK_API void wick_experience_detach(wick_experience *experience, wick_link link, uint64_t now_ms);

/** Give the session of a link; 0 if it has none (yet, or any more). */
WICK_API wick_session wick_experience_session(const wick_experience *experience, wick_link link);

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

#include "wick/experience_session.h"

#endif
