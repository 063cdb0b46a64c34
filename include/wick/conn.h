/*
 * wick/conn.h - a WebSocket connection behind its handshake: bytes in, callbacks out, either role (RFC 6455).
 *
 * The connection owns no socket, no buffer and no clock. The host reads from its socket, into one buffer for all of
 * its connections if it likes, and feeds what it has read; the connection calls back with messages, and with bytes
 * to write.
 *
 *     static int on_message(wick_conn *conn, void *user, unsigned opcode, uint8_t *data, size_t len)
 *     {
 *         return wick_conn_send(conn, opcode, data, len);
 *     }
 *     static int on_output(wick_conn *conn, void *user, const wick_slice *slices, size_t count)
 *     {
 *         return append_all_or_nothing(user, slices, count) ? 0 : WICK_BLOCKED;
 *     }
 *     static uint8_t *on_memory(wick_conn *conn, void *user, uint8_t *block, size_t need, size_t *cap)
 *     {
 *         *cap = need;
 *         return need ? realloc(block, need) : (free(block), NULL);
 *     }
 *     static const wick_conn_callbacks callbacks = {
 *         .on_output = on_output, .on_memory = on_memory, .on_message = on_message };
 *     static const wick_conn_config config = { .size = sizeof config, .callbacks = &callbacks };
 *
 *     wick_conn_init(&c->conn, &config, c, now_ms);
 *     status = wick_conn_recv(&c->conn, buffer, n, &used, now_ms);
 *
 * THE EVENTS of one connection, as EBNF. Control events may stand between any two others:
 *
 *     connection = { message | control } , [ on_close ] ;
 *     message    = [ on_begin ] , ( on_message | on_slice , { on_slice } ) ;
 *     control    = on_ping | on_pong ;
 *
 * A message that breaks a rule half-way has its on_begin and the slices of its valid part, and no more.
 *
 * BACK-PRESSURE. on_output takes all of its slices or none. When it takes none (WICK_BLOCKED), a send returns
 * WICK_BLOCKED and has done nothing; a receive stops before the frame that needed the answer, and so it does when
 * on_message or on_slice returns WICK_BLOCKED. Drain, then go on from there. Nothing is queued inside, so a peer
 * that floods costs nothing but its own time.
 *
 * THE END. wick_conn_state() says what the host has to do:
 *
 *     WICK_OPEN      read, write
 *     WICK_CLOSING   our close frame is out (or owed to a blocked output): go on reading, do not write
 *     WICK_LINGER    all that will ever be said has been said: write out what is queued, shut down the sending side
 *                    (a client may leave that to the server), read and drop what comes until the end of the stream
 *     WICK_CLOSED    over: close the socket
 *
 * Closing a socket that has unread input makes TCP send a reset, which destroys a close frame on its way to the peer:
 * that is what WICK_LINGER is for. Its length is limited by close_timeout_ms.
 */
#ifndef WICK_CONN_H
#define WICK_CONN_H

#include "wick/frame.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wick_conn wick_conn;

/** What the host has to do next: see THE END above. */
typedef enum wick_state { WICK_OPEN = 0, WICK_CLOSING = 1, WICK_LINGER = 2, WICK_CLOSED = 3 } wick_state;

/** The most slices that on_output is given at once. */
#define WICK_OUTPUT_SLICES 16

/** A piece of a message. */
typedef struct wick_piece {
    /** The bytes, unmasked and, in a text, UTF-8 so far (a character may be cut at the end). Valid until the callback
     *  returns; the host may write to them. */
    uint8_t *data;
    size_t len;
    /** Where the piece stands in the message. */
    uint64_t offset;
    /** WICK_TEXT or WICK_BINARY. */
    uint8_t opcode;
    /** 1 in the first piece of a message. */
    uint8_t first;
    /** 1 in the last piece, which may be empty. */
    uint8_t last;
} wick_piece;

/**
 * What a connection calls. `user` is what wick_conn_init() was given.
 *
 * Callbacks that return int return 0 to go on, WICK_PAUSED to make wick_conn_recv() return after this event, or a
 * negative value to abort: the connection then fails with WICK_E_CALLBACK. on_message and on_slice may also return
 * WICK_BLOCKED, if they have not touched the data: wick_conn_recv() then returns WICK_BLOCKED, and the event is
 * told again by the call that follows. So `return wick_conn_send(...)` is all that an echo needs. Any other
 * positive value counts as WICK_PAUSED. A piece in front of a byte that breaks a rule is told once: the connection
 * fails in that very call, whatever the callback returns.
 *
 * A callback may send, ping and close; it must not call wick_conn_recv(), wick_conn_tick(), wick_conn_end() or
 * wick_conn_init() on its own connection: these return WICK_E_REENTRY and do nothing, except wick_conn_init(), after
 * which the call that it interrupted returns WICK_E_REENTRY (a send interrupted in on_memory: WICK_E_MEMORY).
 */
typedef struct wick_conn_callbacks {
    /**
     * Take bytes for the peer. Required.
     *
     * slices, count   1 to WICK_OUTPUT_SLICES pieces, in order; together they are one whole frame. Gone when the
     *                 callback returns: write or copy them
     *
     * Returns 0 if all was taken, WICK_BLOCKED if nothing was, negative if the connection is broken. Called from
     * wick_conn_recv(), wick_conn_tick() and every sending function.
     */
    int (*on_output)(wick_conn *conn, void *user, const wick_slice *slices, size_t count);

    /**
     * Lend, grow or take back memory, in the manner of realloc(). Required.
     *
     * Needed only for what does not arrive in one piece: a message that is fragmented or cut by the end of the
     * buffer and is received whole, a control frame that is cut (125 bytes), and a client's sends above 1 KiB. At
     * most three blocks are lent at a time. What is asked for follows what has come, never what a peer announced:
     * the first block of a message is as large as the piece in hand, and later ones double.
     *
     * block   NULL for a new block, else a lent one
     * need    0: block is given back, the result is ignored. Else: give at least need bytes that begin with what is
     *         in block; block is then gone
     * cap     set to the bytes given, need or more
     *
     * Returns the memory, or NULL if there is none: the connection fails with WICK_E_MEMORY, and gives block back.
     */
    uint8_t *(*on_memory)(wick_conn *conn, void *user, uint8_t *block, size_t need, size_t *cap);

    /**
     * Fill out with random bytes that an attacker cannot guess: masking keys. Required for WICK_CLIENT, else unused.
     *
     * Returns 0, or negative if there are none. Four bytes a frame: keep a pool and refill it with getrandom().
     * RFC 6455 section 5.3.
     */
    int (*on_random)(wick_conn *conn, void *user, uint8_t *out, size_t len);

    /**
     * A message begins: its first frame header is here. Call wick_conn_slices() to have this one in pieces.
     *
     * opcode   WICK_TEXT or WICK_BINARY
     * len      payload bytes that the first frame announces
     * fin      1 if that frame is the whole message
     */
    int (*on_begin)(wick_conn *conn, void *user, unsigned opcode, uint64_t len, int fin);

    /**
     * A whole message. If NULL, every message comes through on_slice.
     *
     * data, len   the message, in the buffer given to wick_conn_recv() if it lay there in one piece, else in memory
     *             from on_memory. The host may write to it. Gone when the callback returns
     */
    int (*on_message)(wick_conn *conn, void *user, unsigned opcode, uint8_t *data, size_t len);

    /** A piece of a message that is received in slices. */
    int (*on_slice)(wick_conn *conn, void *user, const wick_piece *piece);

    /** A ping. Its pong has been sent. */
    int (*on_ping)(wick_conn *conn, void *user, const uint8_t *data, size_t len);

    /** A pong, asked for or not. */
    int (*on_pong)(wick_conn *conn, void *user, const uint8_t *data, size_t len);

    /**
     * The peer's close frame. It has been answered. The last event of a connection.
     *
     * code          the code that the frame carried, or 0 if it carried none
     * reason, len   UTF-8, at most WICK_REASON_MAX bytes
     */
    int (*on_close)(wick_conn *conn, void *user, unsigned code, const char *reason, size_t len);
} wick_conn_callbacks;

#ifndef WICK_DEFAULT_MAX_FRAME
#define WICK_DEFAULT_MAX_FRAME (16u << 20)
#endif
#ifndef WICK_DEFAULT_MAX_MESSAGE
#define WICK_DEFAULT_MAX_MESSAGE (16u << 20)
#endif
#ifndef WICK_DEFAULT_MAX_FRAGMENTS
#define WICK_DEFAULT_MAX_FRAGMENTS 65536u
#endif
#ifndef WICK_DEFAULT_PING_INTERVAL_MS
#define WICK_DEFAULT_PING_INTERVAL_MS 25000u
#endif
#ifndef WICK_DEFAULT_PONG_TIMEOUT_MS
#define WICK_DEFAULT_PONG_TIMEOUT_MS 20000u
#endif
#ifndef WICK_DEFAULT_CLOSE_TIMEOUT_MS
#define WICK_DEFAULT_CLOSE_TIMEOUT_MS 5000u
#endif

/**
 * How connections behave. Not copied: it must outlive every connection that was set up with it, unchanged, and is
 * meant to be shared by all of them. Zero means the default.
 */
typedef struct wick_conn_config {
    /** sizeof(wick_conn_config). */
    size_t size;
    /** Required. Not copied either. */
    const wick_conn_callbacks *callbacks;
    /** NULL: wick_kernels_best(), asked at each wick_conn_init(). Ask once and put the answer here. */
    const wick_kernels *kernels;
    /** WICK_SERVER (the default) or WICK_CLIENT. */
    wick_role role;
    /** Payload bytes of one received frame; default 16 MiB. A larger one fails at its header. */
    uint64_t max_frame;
    /** Bytes of one received message, also in slices; default 16 MiB, UINT64_MAX is none. Checked at each header. */
    uint64_t max_message;
    /** Frames of one received message, empty ones too; default 65536. */
    uint32_t max_fragments;
    /** A ping is sent when nothing has come for so long; default 25,000. WICK_NEVER turns the heartbeat off. */
    uint64_t ping_interval_ms;
    /** Any byte must come within so long after that ping; default 20,000. */
    uint64_t pong_timeout_ms;
    /** How long a close frame waits for its answer, and a lingering connection for the end; default 5,000. */
    uint64_t close_timeout_ms;
    /** A connection on which no message has come or gone for so long is closed with 1001; default: never. A part of a
     *  message counts; one that goes counts from the wick_conn_tick() that follows. */
    uint64_t idle_timeout_ms;
} wick_conn_config;

/** A connection. Members are private. At most 128 bytes on a 64-bit machine; may be moved with memcpy between calls. */
struct wick_conn {
    const wick_conn_config *config;
    const wick_kernels *kernels;
    void *user;
    uint64_t received;     /* bytes consumed since the start: where an error stands */
    uint64_t message_len;  /* bytes of the open message received so far */
    uint64_t heard_ms;     /* when the last byte came */
    uint64_t timer_ms;     /* when the heartbeat's ping, or our close frame, went out */
    uint64_t active_ms;    /* when the last message came or went */
    uint8_t *block;        /* lent: the open message so far */
    size_t block_cap;
    uint8_t *control;      /* lent: a control frame so far */
    union {
        uint8_t header[WICK_FRAME_HEADER_MAX]; /* a frame header that has come in part */
        struct {
            uint64_t left;       /* payload bytes to come */
            uint32_t key;        /* turned so that it fits the next byte */
            uint8_t opcode;
            uint8_t fin;
            uint8_t have;        /* bytes in control */
        } frame;                 /* the frame whose payload is coming */
    } part;
    uint32_t utf8;         /* wick_utf8_check() state of the open text */
    uint32_t fragments;    /* frames of the open message */
    int8_t status;         /* the first error, or 0: those of a connection are all above -128 */
    uint8_t inside;        /* 1 while a callback may be running */
    uint16_t flags;
    uint8_t phase;         /* header, payload or control */
    uint8_t header_len;    /* bytes in part.header */
    uint8_t opcode;        /* of the open message, or 0 */
    uint8_t state;         /* wick_state */
};

/** The first error of a connection. */
typedef struct wick_conn_error {
    /** WICK_OK if there is none. */
    wick_status status;
    /** The code of the close frame that was sent for it; 0 if none was, or not yet. */
    unsigned close_code;
    /** Index of the byte that proved it, counted from the first byte behind the handshake. */
    uint64_t offset;
    /** "RFC 6455 5.2", or "". */
    const char *section;
    /** A sentence. */
    const char *text;
} wick_conn_error;

/**
 * Set up a connection whose handshake is done.
 *
 * conn     its memory; what is in it does not matter
 * config   kept, not copied
 * user     handed to every callback
 * now_ms   the time; starts the heartbeat
 *
 * Returns
 *   WICK_OK
 *   WICK_E_CONFIG   config->size is unknown, or on_output, on_memory, both of on_message and on_slice, or a client's
 *                   on_random is missing
 *
 * Takes no resources: a connection needs no teardown, but see wick_conn_end() for lent memory.
 */
WICK_API wick_status wick_conn_init(wick_conn *conn, const wick_conn_config *config, void *user, uint64_t now_ms);

/**
 * Feed received bytes to a connection.
 *
 * Consumes as much of `data` as it can and reports events in wire order. Payload is unmasked in place, which is why
 * `data` is not const; slices given to callbacks point into it and are valid until the callback returns. How the
 * bytes are cut into calls never changes which events are reported, only how pieces are sliced.
 *
 * conn    connection set up by wick_conn_init()
 * data    received bytes; may be NULL if len is 0
 * len     bytes at data; 0 is allowed: it goes on after a pause or a drained output
 * used    set to the bytes consumed, whatever is returned
 * now_ms  the time
 *
 * Returns
 *   WICK_OK           all consumed: *used == len. In WICK_LINGER and WICK_CLOSED without an error everything is
 *                     consumed and dropped
 *   WICK_PAUSED       a callback asked to stop: call again with the bytes from data + *used, even if there are none
 *   WICK_BLOCKED      the output is full and the next frame needs an answer: drain it, then call again likewise
 *   WICK_E_REENTRY    called from a callback of the same connection; nothing changed, *used is 0
 *   WICK_E_CALLBACK, WICK_E_MEMORY, WICK_E_RANDOM
 *                     a callback failed
 *   any other error   the peer broke the protocol or a limit: see wick_conn_error_get(). The close frame has been
 *                     written, or if the output was blocked is written by a later call of this or of
 *                     wick_conn_tick(). *used == len: the rest is dropped
 *
 * Errors stick: every later call drops its data and returns the same. Never allocates, never blocks. One thread at
 * a time per connection. RFC 6455 sections 5, 6.2, 7 and 8.1.
 */
WICK_API wick_status wick_conn_recv(wick_conn *conn, uint8_t *data, size_t len, size_t *used, uint64_t now_ms);

/**
 * Have the message that begins in slices instead of whole. To be called in on_begin.
 *
 * Returns WICK_OK, or WICK_E_STATE outside of on_begin or if there is no on_slice.
 */
WICK_API wick_status wick_conn_slices(wick_conn *conn);

/**
 * Send a message as one frame.
 *
 * A server's payload goes to on_output as it is, uncopied. A client's is masked in a copy: on the stack up to 1
 * KiB, else in memory from on_memory; see wick_conn_send_in_place() for none. Text is the caller's to keep UTF-8.
 *
 * opcode      WICK_TEXT or WICK_BINARY
 * data, len   the payload
 *
 * Returns
 *   WICK_OK          on_output has taken it
 *   WICK_BLOCKED     on_output takes nothing now; nothing has happened
 *   WICK_E_ARG       another opcode
 *   WICK_E_STATE     a close frame has been sent or received, the connection has failed, or a fragmented message is
 *                    open
 *   WICK_E_CALLBACK, WICK_E_MEMORY, WICK_E_RANDOM
 *                    a callback failed; nothing was sent. After WICK_E_CALLBACK, which is on_output's, the state is
 *                    WICK_CLOSED
 *
 * RFC 6455 section 6.1.
 */
WICK_API wick_status wick_conn_send(wick_conn *conn, unsigned opcode, const void *data, size_t len);

/**
 * Send a message that lies in several pieces as one frame. Otherwise like wick_conn_send().
 *
 * count   0 to WICK_OUTPUT_SLICES - 1, else WICK_E_ARG
 */
WICK_API wick_status wick_conn_send_slices(wick_conn *conn, unsigned opcode, const wick_slice *slices, size_t count);

/**
 * Send a message as one frame, masking it in the caller's buffer. For a server the same as wick_conn_send().
 *
 * On WICK_OK a client's data is left masked, that is garbled; on any other status it is as it was.
 */
WICK_API wick_status wick_conn_send_in_place(wick_conn *conn, unsigned opcode, uint8_t *data, size_t len);

/**
 * Send a part of a message as a frame of its own, so that pings and closes can go between (RFC 6455 section 5.4).
 *
 * opcode      that of the message, the same in each call
 * data, len   the part, may be empty
 * fin         1 with the last part
 *
 * Returns like wick_conn_send(); WICK_E_ARG also if opcode is not that of the open message. Until the last part is
 * sent, whole messages are refused with WICK_E_STATE.
 */
WICK_API wick_status wick_conn_send_fragment(wick_conn *conn, unsigned opcode, const void *data, size_t len, int fin);

/** A message encoded once, to be sent to any number of connections. Members are private. */
typedef struct wick_prepared {
    const uint8_t *data;
    size_t len;
    uint8_t header[10];
    uint8_t header_len;
    uint8_t opcode;
} wick_prepared;

/**
 * Encode a message for any number of connections.
 *
 * data, len   kept, not copied: must stay as long as prepared is used
 *
 * Returns WICK_OK, or WICK_E_ARG if opcode is not WICK_TEXT or WICK_BINARY.
 */
WICK_API wick_status wick_prepare(wick_prepared *prepared, unsigned opcode, const void *data, size_t len);

/** Send a prepared message. Like wick_conn_send(); a client masks anew, as RFC 6455 section 5.3 demands. */
WICK_API wick_status wick_conn_send_prepared(wick_conn *conn, const wick_prepared *prepared);

/**
 * Send a ping. The heartbeat needs none of these.
 *
 * len   0 to 125, else WICK_E_ARG
 *
 * Returns like wick_conn_send(), but may go between the fragments of a message. RFC 6455 section 5.5.2.
 */
WICK_API wick_status wick_conn_ping(wick_conn *conn, const void *data, size_t len);

/** Send an unsolicited pong. Pings are answered without it. Like wick_conn_ping(). RFC 6455 section 5.5.3. */
WICK_API wick_status wick_conn_pong(wick_conn *conn, const void *data, size_t len);

/**
 * Start the close handshake.
 *
 * The peer's messages still come until its close frame; sending is over. The answer is waited for until
 * close_timeout_ms. Pings are answered until the peer's close frame has come.
 *
 * code          a code that wick_close_code_valid() allows, or 0 for a close frame without one
 * reason, len   UTF-8, at most WICK_REASON_MAX bytes; len must be 0 if code is 0
 * now_ms        the time; starts the deadline
 *
 * Returns WICK_OK, WICK_BLOCKED (nothing has happened), WICK_E_ARG for a code or reason that must not be sent,
 * WICK_E_STATE if a close frame has been sent or received or the connection has failed, WICK_E_CALLBACK,
 * WICK_E_RANDOM. RFC 6455 section 7.1.2.
 */
WICK_API wick_status wick_conn_close(wick_conn *conn, unsigned code, const char *reason, size_t len, uint64_t now_ms);

/**
 * Tell the time: sends the heartbeat's ping, and ends what has waited too long.
 *
 * To be called when wick_conn_deadline() has come; earlier is harmless. A connection hears only what it is fed: a host
 * that stops reading for longer than the heartbeat allows drops a peer that may be well, so it reads before it ticks.
 *
 * Returns
 *   WICK_OK
 *   WICK_E_PONG_TIMEOUT    nothing came back: a close frame was tried, the state is WICK_CLOSED
 *   WICK_E_CLOSE_TIMEOUT   the close frame was not answered: the state is WICK_CLOSED
 *   WICK_E_IDLE_TIMEOUT    the close frame 1001 is out: the state is WICK_LINGER, or WICK_CLOSING while output is
 *                          blocked
 *   WICK_E_REENTRY, WICK_E_CALLBACK, WICK_E_RANDOM
 *                          called from a callback, or a callback failed
 *   any other error        the one that sticks
 */
WICK_API wick_status wick_conn_tick(wick_conn *conn, uint64_t now_ms);

/** Give the time at which wick_conn_tick() wants to be called, or WICK_NEVER. Changes with every receive. */
WICK_API uint64_t wick_conn_deadline(const wick_conn *conn);

/**
 * Tell that the TCP connection has ended, by the peer's FIN or by an error; gives lent memory back.
 *
 * Call it before the memory of a connection goes away, whatever its state. The state is WICK_CLOSED afterwards.
 *
 * Returns the error that sticks, if there is one; WICK_OK if the peer's close frame had come; else WICK_E_EOF: the
 * peer went without a word. WICK_E_REENTRY from a callback. No callback but on_memory is called.
 */
WICK_API wick_status wick_conn_end(wick_conn *conn);

/** Give the state: what the host has to do next. */
WICK_API wick_state wick_conn_state(const wick_conn *conn);

/** Give the first error of a connection, with its place and its sentence. */
WICK_API void wick_conn_error_get(const wick_conn *conn, wick_conn_error *error);

#ifdef __cplusplus
}
#endif

#endif
