/*
 * What the parts of a connection share: its phases and flags, and the steps that more than one part takes.
 *
 *   conn.c           set-up, failure, time, the end
 *   conn_recv.c      the fast path and the dispatcher
 *   conn_frame.c     frame headers that come in
 *   conn_data.c      payload of data frames
 *   conn_control.c   close, ping and pong that come in
 *   conn_send.c      everything that goes out
 */
#ifndef WICK_WS_CONN_INTERNAL_H
#define WICK_WS_CONN_INTERNAL_H

#include "base/bytes.h"
#include "wick/conn.h"

enum { PHASE_HEADER = 0, PHASE_PAYLOAD, PHASE_CONTROL };

enum {
    FLAG_BEGIN = 1,        /* in on_begin */
    FLAG_SLICES = 2,       /* the open message is received in slices */
    FLAG_PIECES = 4,       /* a piece of it has been delivered */
    FLAG_SENDING = 8,      /* a fragmented message is being sent */
    FLAG_BINARY = 16,      /* and it is binary */
    FLAG_PINGED = 32,      /* the heartbeat's ping is out, and nothing has come since */
    FLAG_SENT = 64,        /* a message has gone out since active_ms */
    FLAG_CLOSE_OWED = 128, /* the close frame for `status` has not gone out yet */
    FLAG_CLOSE_SEEN = 256, /* the peer's close frame has come */
    FLAG_CLOSE_TOLD = 512  /* the close frame for `status` has gone out */
};

/* The bytes of one wick_conn_recv() call. When a step fails, pos stands at the byte that proves the error. */
typedef struct wick_input {
    uint8_t *data;
    size_t len;
    size_t pos;
    uint64_t now_ms;
} wick_input;

static inline const wick_conn_callbacks *wick_conn_cb(const wick_conn *conn)
{
    return conn->config->callbacks;
}

static inline uint64_t wick_or_default(uint64_t value, uint64_t fallback)
{
    return value ? value : fallback;
}

static inline uint64_t wick_max_frame(const wick_conn *conn)
{
    return wick_or_default(conn->config->max_frame, WICK_DEFAULT_MAX_FRAME);
}

static inline uint64_t wick_max_message(const wick_conn *conn)
{
    return wick_or_default(conn->config->max_message, WICK_DEFAULT_MAX_MESSAGE);
}

/*
 * Around a callback that is not called by wick_conn_recv() alone. enter gives what leave wants; leave gives 0 if the
 * callback has set the connection up anew, which is then not to be touched. The mark has a byte of its own: as a bit of
 * `flags` it made each send wait for the stores of the one before (6.0 ns for 16 bytes instead of 2.8).
 */
static inline uint8_t wick_conn_enter(wick_conn *conn)
{
    uint8_t inside = conn->inside;
    conn->inside = 1;
    return inside;
}

static inline int wick_conn_leave(wick_conn *conn, uint8_t inside)
{
    if (WICK_UNLIKELY(!conn->inside))
        return 0;
    conn->inside = inside;
    return 1;
}

/*
 * What a callback's return means. An init from inside has wiped the mark; a send from inside may have found the
 * output broken, which is a status already.
 */
static inline wick_status wick_conn_after(const wick_conn *conn, int result)
{
    if (WICK_UNLIKELY(!conn->inside))
        return WICK_E_REENTRY;
    if (WICK_UNLIKELY(conn->status != WICK_OK))
        return (wick_status)conn->status;
    if (WICK_LIKELY(result == 0))
        return WICK_OK;
    return result < 0 ? WICK_E_CALLBACK : WICK_PAUSED;
}

/* conn.c */
void wick_conn_fail(wick_conn *conn, wick_status status, uint64_t now_ms);
void wick_conn_pay_owed(wick_conn *conn, uint64_t now_ms);
uint8_t *wick_conn_borrow(wick_conn *conn, uint8_t *block, size_t need, size_t *cap);
void wick_conn_give_back(wick_conn *conn, uint8_t *block);
void wick_conn_return_message(wick_conn *conn);
void wick_conn_return_control(wick_conn *conn);
void wick_conn_return_memory(wick_conn *conn);

/* conn_frame.c, conn_data.c */
wick_status wick_conn_header_recv(wick_conn *conn, wick_input *in);
wick_status wick_conn_payload_recv(wick_conn *conn, wick_input *in);

/* conn_control.c */
wick_status wick_conn_control_whole(wick_conn *conn, wick_input *in, const wick_frame *frame);
wick_status wick_conn_control_begin(wick_conn *conn, const wick_frame *frame);
wick_status wick_conn_control_recv(wick_conn *conn, wick_input *in);

/* conn_send.c */
wick_status wick_conn_send_control(wick_conn *conn, unsigned opcode, const void *data, size_t len);
wick_status wick_conn_send_close(wick_conn *conn, unsigned code, const char *reason, size_t len);

#endif
