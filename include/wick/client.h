/*
 * wick/client.h - the client's side of a session: when to connect, what to send, what to believe, when to give up.
 *
 * A state machine for hosts that connect out. It opens no socket and reads no clock: it says what to do next, the host
 * does it and reports what came of it. Backoff with full jitter, resume with the last cursor, duplicates and gaps,
 * acknowledgements, messages that are sent again until they are answered, the fall back from WebSocket to SSE to long
 * poll: all of that is in here (docs/protocol.md, sections 4 and 10).
 *
 * The host's loop asks for the next action until there is none, and sleeps until the deadline:
 *
 *     wick_client_init(&client, &config, memory, wick_client_size(&config), user);
 *     wick_client_start(&client, now_ms);
 *     ...
 *     while (wick_client_next(&client, now_ms, &action) != WICK_CLIENT_WAIT) {
 *         switch (action.kind) {
 *         case WICK_CLIENT_CONNECT: begin_connect(action.transport, &action); break;
 *         case WICK_CLIENT_OPEN:    send_open(&client, &action); break;
 *         case WICK_CLIENT_SEND:    send_bytes(action.data, action.len); break;
 *         case WICK_CLIENT_POLL:    begin_poll(&action); break;
 *         case WICK_CLIENT_CLOSE:   close_connection(action.transport, action.code, action.reason); break;
 *         default:                  give_up(action.verdict); break;
 *         }
 *         wick_client_did(&client, &action, now_ms);
 *     }
 *     sleep_until(wick_client_deadline(&client));
 *
 * and tells what happens:
 *
 *     wick_client_connected(&client, WICK_TRANSPORT_WEBSOCKET, now_ms);   // the handshake is through
 *     wick_client_refused(&client, transport, &refusal, now_ms);          // or it is not
 *     if (wick_client_received(&client, &event, now_ms) == WICK_CLIENT_DELIVER)
 *         show(&event);
 *     wick_client_closed(&client, transport, close_code, now_ms);         // 0: the connection just ended
 *
 * What the application sends goes through the outbox. It has an id, is sent at once or as soon as a session is open,
 * and again after every resume until `accepted` or `error` with its id as `re` has come; the server takes it once:
 *
 *     wick_client_submit(&client, id, id_len, message, len);
 *
 * TRANSPORTS. It begins with WebSocket. After WICK_CLIENT_TRIES attempts in a row that did not get through, or one that
 * a proxy stripped of its Upgrade (UPGRADE_STRIPPED_BY_PROXY), it goes on with SSE; after as many there, or when a
 * stream is open and nothing comes, with long poll; then with WebSocket again. While another transport works WebSocket
 * is tried beside it every five minutes, and taken again when it gets through. One cursor and one outbox serve all.
 * What the host does for an action:
 *
 *     action    WebSocket               SSE                                    long poll
 *     CONNECT   the handshake           GET /api/events from the cursor        the same with wait_ms
 *     OPEN      session.open            POST /api/events of session.open       the same
 *     SEND      a text message          POST /api/events of the message        the same
 *     POLL                                                                     GET /api/events with wait_ms
 *     CLOSE     close, or drop          drop the stream and the POST           drop the GET and the POST
 *
 * and what it reports with wick_client_...:
 *
 *     connected  101                     the first byte of the body; not the    200
 *                                        head, a proxy may hold back the rest
 *     received   each message            each data                              each of its events
 *     heard                              any byte of the body
 *     polled                                                                    behind the last of them
 *
 * GET and POST carry the action's session_id and resume_token, but for OPEN, which comes first if there is no session
 * or the server does not know it any more. The messages in the answer to a POST (wick_answer_next()) go to
 * wick_client_received(), then wick_client_posted() follows; a POST that fails is told to wick_client_posted() too, one
 * of OPEN to wick_client_refused(). One POST is under way at a time.
 *
 * CLOSE CODES. Those that say that the same again will not work end it (WICK_CLIENT_STOP with a verdict): 1000, 1003,
 * 1007 to 1010, and 4400 to 4499; so do 401, 403 and 404 while connecting (a server that had a session with us before
 * and has no SSE, 404, is tried by other transports). Everything else is tried again after a wait:
 * 1001, 1002, 1005, 1006, 1011 to 1015, 4500 to 4599, no code at all. 4501 asks for a fresh token first. After a stop
 * the host may change what was wrong (the token, the URL) and call wick_client_start() again; the outbox and the cursor
 * are still there.
 */
#ifndef WICK_CLIENT_H
#define WICK_CLIENT_H

#include "wick/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Configuration --------------------------------------------------------------------------------------- */

#ifndef WICK_DEFAULT_CLIENT_OUTBOX_BYTES
#define WICK_DEFAULT_CLIENT_OUTBOX_BYTES 65536u
#endif
#ifndef WICK_DEFAULT_CLIENT_BACKOFF_MS
#define WICK_DEFAULT_CLIENT_BACKOFF_MS 500u
#endif
#ifndef WICK_DEFAULT_CLIENT_BACKOFF_MAX_MS
#define WICK_DEFAULT_CLIENT_BACKOFF_MAX_MS 30000u
#endif
#ifndef WICK_DEFAULT_CLIENT_STABLE_MS
#define WICK_DEFAULT_CLIENT_STABLE_MS 10000u
#endif
#ifndef WICK_DEFAULT_CLIENT_CONNECT_MS
#define WICK_DEFAULT_CLIENT_CONNECT_MS 10000u
#endif
#ifndef WICK_DEFAULT_CLIENT_STREAM_MS
#define WICK_DEFAULT_CLIENT_STREAM_MS 5000u
#endif
#ifndef WICK_DEFAULT_CLIENT_SILENCE_MS
#define WICK_DEFAULT_CLIENT_SILENCE_MS 40000u
#endif
#ifndef WICK_DEFAULT_CLIENT_POLL_MS
#define WICK_DEFAULT_CLIENT_POLL_MS 25000u
#endif
#ifndef WICK_DEFAULT_CLIENT_PROBE_MS
#define WICK_DEFAULT_CLIENT_PROBE_MS 300000u
#endif
#ifndef WICK_DEFAULT_CLIENT_ACK_EVENTS
#define WICK_DEFAULT_CLIENT_ACK_EVENTS 32u
#endif
#ifndef WICK_DEFAULT_CLIENT_ACK_MS
#define WICK_DEFAULT_CLIENT_ACK_MS 1000u
#endif
/** Attempts in a row without a finished handshake after which another transport is taken. */
#define WICK_CLIENT_TRIES 3u

typedef struct wick_client wick_client;

/** How a session is carried. */
typedef enum wick_transport {
    WICK_TRANSPORT_WEBSOCKET,
    WICK_TRANSPORT_SSE,
    WICK_TRANSPORT_POLL,
    WICK_TRANSPORT_COUNT
} wick_transport;

#define WICK_CLIENT_NO_WEBSOCKET 1u /**< do not use this transport */
#define WICK_CLIENT_NO_SSE 2u
#define WICK_CLIENT_NO_POLL 4u
#define WICK_CLIENT_QUIET 8u /**< no subprotocol is offered: no session.open, no ack, messages are sent once */

/** How a client behaves. Not copied: it must outlive the client. Zero means the default. */
typedef struct wick_client_config {
    /** sizeof(wick_client_config) */
    size_t size;
    /**
     * Give 64 random bits, for the jitter of the backoff. Required. Any generator will do that differs from one
     * client to the next.
     */
    uint64_t (*on_random)(void *user);
    /** WICK_CLIENT_NO_ and WICK_CLIENT_QUIET bits, or 0. */
    uint32_t flags;
    /** Memory for messages that have no answer yet; default 65536. Each takes its length, its id and up to 11 bytes. */
    uint32_t outbox_bytes;
    /** The first wait is random up to this; default 500. Each further one is up to twice as long. */
    uint32_t backoff_ms;
    /** The longest wait; default 30,000. */
    uint32_t backoff_max_ms;
    /** A connection that was open for so long starts the waits anew; default 10,000. */
    uint32_t stable_ms;
    /** How long connecting and opening a session may take, each; default 10,000. */
    uint32_t connect_ms;
    /** How often WebSocket is tried while another transport is used; default 300,000. */
    uint32_t probe_ms;
    /** An ack is sent at the latest after so many events; default 32. */
    uint32_t ack_events;
    /** And at the latest so long after an event; default 1,000. */
    uint32_t ack_ms;
    /** How long an SSE stream may take to give its first byte; default 5,000. */
    uint32_t stream_ms;
    /** An SSE stream that gives no byte for so long is held back or dead; default 40,000: servers break the silence. */
    uint32_t silence_ms;
    /** How long the server is to wait for an event when it is polled; default 25,000. */
    uint32_t poll_ms;
} wick_client_config;

/* ---- The client ------------------------------------------------------------------------------------------ */

/** Bytes that a client remembers of a session id and of a resume token. */
#define WICK_CLIENT_SESSION_MAX 128
#define WICK_CLIENT_RESUME_TOKEN_MAX 128

/** Where a client stands: for an indicator that people see. */
typedef enum wick_client_state {
    WICK_CLIENT_IDLE,       /**< not started, or stopped */
    WICK_CLIENT_WAITING,    /**< until the next attempt: wick_client_deadline() is when */
    WICK_CLIENT_CONNECTING, /**< an attempt is on its way */
    WICK_CLIENT_OPENING,    /**< session.open is due or sent */
    WICK_CLIENT_CONNECTED,  /**< the session is open */
    WICK_CLIENT_CLOSING     /**< closing, and waiting for wick_client_closed() */
} wick_client_state;

/** What to do next. */
typedef enum wick_client_kind {
    WICK_CLIENT_WAIT,    /**< nothing, until something happens or the deadline comes */
    WICK_CLIENT_CONNECT, /**< begin to connect */
    WICK_CLIENT_OPEN,    /**< send session.open: wick_client_write_open() */
    WICK_CLIENT_SEND,    /**< send data, as one text message or one POST */
    WICK_CLIENT_POLL,    /**< begin the next long poll */
    WICK_CLIENT_CLOSE,   /**< close a connection, or give up an attempt to connect */
    WICK_CLIENT_STOP     /**< it is over: say so to the user */
} wick_client_kind;

/** Why it is over. */
typedef enum wick_client_verdict {
    WICK_VERDICT_NONE,
    WICK_VERDICT_CLOSED,       /**< closed in order: 1000, or wick_client_stop() */
    WICK_VERDICT_UNAUTHORIZED, /**< 401 or 4401: another token is needed */
    WICK_VERDICT_FORBIDDEN,    /**< 403 or 4403 */
    WICK_VERDICT_NOT_FOUND,    /**< 404 or 4404 */
    WICK_VERDICT_TAKEN_OVER,   /**< 4409: another connection has the session */
    WICK_VERDICT_VERSION,      /**< 4406, or session.opened has another version */
    WICK_VERDICT_REFUSED       /**< another code that says not to try the same again */
} wick_client_verdict;

/** An action. What it points to is good until the next call on the client. */
typedef struct wick_client_action {
    wick_client_kind kind;
    /** CONNECT, CLOSE, OPEN, SEND, POLL: which connection. */
    wick_transport transport;
    /** CONNECT: 1 if the connection that is there stays, until the new one is through. */
    uint8_t probe;
    /** CONNECT: 1 if the last connection ended with 4501: present a fresh token. */
    uint8_t fresh_token;
    /** CLOSE: 1 if it has been asked for by wick_client_stop(). */
    uint8_t final;
    /** CONNECT: 1 if there is a session to go on with: session_id and so on below. */
    uint8_t resume;
    /** CLOSE: the close code, or 0 to drop the connection or the attempt without one. With a code, wick_client_closed()
     *  is waited for, for a while; without, the connection counts as gone at once. */
    uint16_t code;
    /** STOP: why, and the close code or HTTP status that brought it about, or 0. */
    wick_client_verdict verdict;
    uint16_t cause;
    /** CLOSE: the reason. */
    wick_str reason;
    /** SEND: the bytes. */
    const uint8_t *data;
    size_t len;
    /** CONNECT, SEND, POLL: what SSE and long poll ask with. */
    wick_str session_id;
    wick_str resume_token;
    /** CONNECT, POLL: the cursor. */
    uint64_t epoch;
    uint64_t last_seq;
    /** CONNECT by long poll, POLL: how long the server is to wait for an event. */
    uint32_t wait_ms;
    uint32_t serial; /* private, as the next one */
    uint32_t item;
} wick_client_action;

/** A client. Members are private. Movable. About 500 bytes. */
struct wick_client {
    const wick_client_config *config;
    void *user;
    uint8_t *outbox; /* messages without an answer, the oldest first */
    uint32_t outbox_cap;
    uint32_t outbox_len;
    uint32_t outbox_next; /* where the next one to be sent stands */
    uint32_t outbox_count;
    uint64_t epoch;
    uint64_t last;         /* the newest event that came */
    uint64_t acked;
    uint64_t unacked_ms;   /* when the first event came that is not acknowledged */
    uint64_t due_ms;       /* the next attempt, or the end of what is under way */
    uint64_t open_ms;      /* when the session opened */
    uint64_t probe_ms;     /* the next probe, or the end of this one */
    uint64_t retry_after_ms;
    uint64_t heard_ms;     /* when the stream gave its last byte */
    uint64_t post_ms;      /* the end of the POST that is under way */
    uint64_t poll_ms;      /* of the long poll, or when the next one may begin */
    uint64_t poll_seq;     /* the newest event when it began */
    uint32_t attempt;      /* of the backoff */
    uint32_t serial;       /* of the situation: an action that is done too late changes nothing */
    uint16_t cause;
    uint16_t close_code;
    uint8_t state;
    uint8_t transport;
    uint8_t tries;         /* failed attempts in a row on this transport */
    uint8_t begun;         /* the action of this state is done */
    uint8_t probing;       /* 0 no, 1 to begin, 2 under way */
    uint8_t old;           /* a transport to be dropped, plus 1 */
    uint8_t drop;          /* a probe to be dropped */
    uint8_t adrift;        /* there is no cursor: the next event is taken as it comes */
    uint8_t unsettled;     /* a session.reset is on its way: what is shown does not reach the cursor yet */
    uint8_t reopen;        /* the server does not know the session: OPEN comes before CONNECT */
    uint8_t posting;
    uint8_t polling;
    uint8_t back;          /* where a probe came from, plus 1 */
    uint8_t was_open;
    uint8_t fresh_token;
    uint8_t stopping;
    uint8_t verdict;
    uint8_t told;          /* WICK_CLIENT_STOP has been given */
    uint8_t session_len;
    uint8_t resume_token_len;
    char session[WICK_CLIENT_SESSION_MAX];
    char resume_token[WICK_CLIENT_RESUME_TOKEN_MAX];
    char ack[56];
};

/** Give the bytes of memory that a client needs for its outbox; 0 if the config is wrong. */
WICK_API size_t wick_client_size(const wick_client_config *config);

/**
 * Set up a client that does nothing yet.
 *
 * config   kept
 * memory   wick_client_size() bytes, aligned to 8; in use as long as the client
 * len      bytes at memory
 * user     for on_random
 *
 * Returns WICK_OK; WICK_E_CONFIG if the size is unknown, on_random is missing or no transport is left; WICK_E_SPACE if
 * len is too small.
 */
WICK_API wick_status wick_client_init(wick_client *client, const wick_client_config *config, void *memory, size_t len,
                                      void *user);

/**
 * Give a client the session of an earlier process or of a POST, to go on with. Before wick_client_start().
 *
 * epoch, last_seq   the cursor: the newest event that was handled
 *
 * Returns WICK_OK; WICK_E_ARG if one is empty or longer than its limit; WICK_E_STATE if the client is not idle.
 */
WICK_API wick_status wick_client_restore(wick_client *client, const wick_text *session_id,
                                         const wick_text *resume_token, uint64_t epoch, uint64_t last_seq);

/** Begin, or begin again after WICK_CLIENT_STOP: the first attempt is due at once. Else nothing happens. */
WICK_API void wick_client_start(wick_client *client, uint64_t now_ms);

/**
 * End: the connection is closed with 1000, and WICK_CLIENT_STOP with WICK_VERDICT_CLOSED follows. To have the server
 * drop the session, submit a session.close first and wait for its answer.
 */
WICK_API void wick_client_stop(wick_client *client, uint64_t now_ms);

/** Try now if the client is waiting for its next attempt: the network has come back, the user is impatient. */
WICK_API void wick_client_retry(wick_client *client, uint64_t now_ms);

/** Give the state. */
WICK_API wick_client_state wick_client_where(const wick_client *client);

/** Give the transport that is in use, or that comes next. */
WICK_API wick_transport wick_client_by(const wick_client *client);

/**
 * Give the next action.
 *
 * Gives the same one until wick_client_did() says that it is done: an action that the host cannot carry out now, such
 * as a send when output is blocked, is simply asked for again later.
 *
 * Returns action->kind.
 */
WICK_API wick_client_kind wick_client_next(wick_client *client, uint64_t now_ms, wick_client_action *action);

/** Say that an action is done; for WICK_CLIENT_CONNECT, that it has begun. An outdated action changes nothing. */
WICK_API void wick_client_did(wick_client *client, const wick_client_action *action, uint64_t now_ms);

/** Give the time at which wick_client_next() may have something new; WICK_NEVER if time alone changes nothing. */
WICK_API uint64_t wick_client_deadline(const wick_client *client);

/* ---- What happens ---------------------------------------------------------------------------------------- */

/**
 * A handshake is through: 101, the first byte of an event stream, or 200 to the first long poll. Over WebSocket
 * WICK_CLIENT_OPEN comes next; in quiet mode and over other transports the session counts as open.
 */
WICK_API void wick_client_connected(wick_client *client, wick_transport transport, uint64_t now_ms);

/** Bytes of an SSE stream have come, if only a comment. */
WICK_API void wick_client_heard(wick_client *client, uint64_t now_ms);

/**
 * The answer to a long poll has come, and all its events have been received. The next one follows at once, or after a
 * wait like that of the backoff if there was nothing new in this one and it came long before its time.
 */
WICK_API void wick_client_polled(wick_client *client, uint64_t now_ms);

/** How an attempt to connect failed. */
typedef struct wick_client_refusal {
    /** The HTTP status, or 0 if there was no answer. */
    unsigned status;
    /** `code` of the problem body, or WICK_CODE_NONE. */
    wick_code code;
    /** From Retry-After, or 0. */
    uint64_t retry_after_ms;
} wick_client_refusal;

/** An attempt to connect has failed. refusal is NULL if there was no answer. */
WICK_API void wick_client_refused(wick_client *client, wick_transport transport, const wick_client_refusal *refusal,
                                  uint64_t now_ms);

/**
 * The POST of a message is over.
 *
 * refusal   NULL if it was answered with 2xx, and what the answer says has been received; else how it failed
 *
 * A message that is refused for good (4xx, but for 401, 403, 404, 408 and 429) leaves the outbox: tell whoever has
 * submitted it. After other failures it is sent again, over a connection made anew.
 */
WICK_API void wick_client_posted(wick_client *client, const wick_client_refusal *refusal, uint64_t now_ms);

/** A connection has ended, or a long poll has failed. code is that of the peer's close frame, or 0 if there is none. */
WICK_API void wick_client_closed(wick_client *client, wick_transport transport, unsigned code, uint64_t now_ms);

/** What to do with a message from the server. */
typedef enum wick_client_take {
    WICK_CLIENT_DELIVER,   /**< it is new, or a control message: handle it */
    WICK_CLIENT_DUPLICATE, /**< it came before: drop it */
    WICK_CLIENT_GAP        /**< events are missing in front of it: drop it; WICK_CLIENT_CLOSE with 4510 comes next */
} wick_client_take;

/**
 * A message has come.
 *
 * Its number must be one above the last. A message that was seen wholly is a duplicate. A merged one that begins
 * before and ends behind the last event cannot be cut here: it is dropped, and the session is resumed from the last
 * event, where the server cuts exactly.
 *
 * session.opened, session.reset, session.closing, accepted and error are understood here, and delivered as well: after
 * session.reset the host replaces what it shows by the snapshot. In quiet mode over WebSocket there is nothing to
 * resume: numbers are not checked. What comes when no connection counts as open, as behind a gap, is WICK_CLIENT_GAP
 * too.
 *
 * event   as wick_event_read() gave it, also with WICK_UNKNOWN_TYPE
 */
WICK_API wick_client_take wick_client_received(wick_client *client, const wick_event *event, uint64_t now_ms);

/** The messages in the body of an HTTP answer. next may be read, the rest is private. */
typedef struct wick_answer {
    /** The cursor behind the events of a long poll; epoch 0 if there is none. */
    wick_cursor next;
    wick_json_reader reader;
    uint8_t begun;
} wick_answer;

/**
 * Begin to read a body: `{"epoch":E,"events":[…],"next":"E:S"}` of a long poll, or `{"accepted":[…]}` of a POST.
 *
 * body, len   whole, and unchanged until all messages have been taken
 *
 * Returns WICK_OK; a JSON error; WICK_E_ENVELOPE if it is no object or has neither list.
 */
WICK_API wick_status wick_answer_init(wick_answer *answer, const void *body, size_t len);

/** Take the next message, for wick_event_read(). Returns WICK_OK, or WICK_MORE behind the last one. */
WICK_API wick_status wick_answer_next(wick_answer *answer, wick_text *message);

/* ---- What is sent ---------------------------------------------------------------------------------------- */

/**
 * Write the session.open that WICK_CLIENT_OPEN asks for, with what is needed to resume if there is a session.
 *
 * hello      what else is to stand in it: auth, client, want, coalesce_ms, on_disconnect. NULL for nothing
 * out, cap   receives the message
 * len        set to its bytes, also with WICK_E_SPACE
 *
 * Returns like wick_event_write().
 */
WICK_API wick_status wick_client_write_open(const wick_client *client, const wick_session_open *hello, void *out,
                                            size_t cap, size_t *len);

/**
 * Put a message into the outbox: it is sent as soon as the session is open, and again after each resume until it is
 * answered. In quiet mode it is sent once.
 *
 * id, id_len     its id, 1 to 64 bytes; not again one that has no answer yet
 * message, len   the whole message, with this id in it; copied
 *
 * Returns WICK_OK; WICK_E_ARG for a bad id; WICK_E_STATE if that id is waiting already; WICK_E_SPACE if the outbox is
 * full: wait for answers.
 */
WICK_API wick_status wick_client_submit(wick_client *client, const char *id, size_t id_len, const void *message,
                                        size_t len);

/** Give the number of messages that have no answer yet. */
WICK_API uint32_t wick_client_pending(const wick_client *client);

/** Take a message back, also one that was sent. Returns 1 if it was there. */
WICK_API int wick_client_forget(wick_client *client, const char *id, size_t id_len);

/** Give the cursor: the newest event that came, 0 if none. */
WICK_API uint64_t wick_client_cursor(const wick_client *client);

#ifdef __cplusplus
}
#endif

#endif
