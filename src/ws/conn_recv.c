/*
 * wick_conn_recv: the fast path and the dispatcher.
 *
 * Nearly all frames are whole messages that lie in the buffer as a whole, with nothing open. whole_messages() takes
 * them one after the other on one predicted path; everything else falls through to a function per phase, which
 * loses nothing but time: both know the same rules, and the slow one has the last word on every header.
 *
 * RFC 6455 sections 5 and 6.2.
 */
#include "base/kernels.h"
#include "ws/conn_internal.h"

/* ---- The fast path --------------------------------------------------------------------------------------------- */

/* Nothing is open and nothing is half here. */
static int nothing_open(const wick_conn *conn)
{
    return (conn->phase | conn->header_len | conn->opcode) == 0 && conn->state <= WICK_CLOSING;
}

/*
 * Find a whole unfragmented text or binary message at p[0..have): sets *header and gives its length, or SIZE_MAX if
 * there is none or it is not plain to see. Lengths of 65536 and more are never plain.
 */
static inline size_t plain_message(const uint8_t *p, size_t have, size_t mask_len, size_t *header)
{
    size_t n;
    if (have < 2 + mask_len || (p[0] != (0x80 | WICK_TEXT) && p[0] != (0x80 | WICK_BINARY)))
        return SIZE_MAX;
    n = p[1] ^ (mask_len ? 0x80u : 0u); /* a wrong mask bit makes it 128 or more */
    *header = 2 + mask_len;
    if (n >= 126) {
        if (n != 126 || have < 4 + mask_len)
            return SIZE_MAX;
        n = wick_load16_be(p + 2);
        *header = 4 + mask_len;
        if (n < 126)
            return SIZE_MAX;
    }
    return n <= have - *header ? n : SIZE_MAX;
}

/* Unmask a whole payload in place and, in a text, check it. Gives the bytes that are fine; text must end between
 * characters. */
static inline size_t unmask_whole(const wick_conn *conn, uint8_t *data, size_t n, int text, int masked)
{
    uint32_t utf8 = 0, key = masked ? wick_load32(data - 4) : 0;
    size_t good = n;
    if (masked && text) {
        if (n > WICK_SHORT_MAX || !wick_unmask_ascii(data, n, key))
            good = conn->kernels->unmask_utf8(&utf8, data, n, key);
    } else if (masked && n <= WICK_SHORT_MAX) {
        wick_unmask_short(data, n, key);
    } else if (masked) {
        conn->kernels->mask(data, data, n, key);
    } else if (text) {
        good = conn->kernels->utf8(&utf8, data, n);
    }
    return good == n && utf8 != 0 ? n - 1 : good;
}

/* The longest message that the fast path takes. */
static size_t fast_limit(const wick_conn *conn)
{
    uint64_t frame = wick_max_frame(conn), message = wick_max_message(conn);
    uint64_t limit = frame < message ? frame : message;
    return limit < 0xFFFF ? (size_t)limit : 0xFFFF;
}

static inline wick_status whole_messages(wick_conn *conn, wick_input *in, int masked)
{
    int (*on_message)(wick_conn *, void *, unsigned, uint8_t *, size_t) = wick_conn_cb(conn)->on_message;
    size_t limit = fast_limit(conn);
    wick_status status = WICK_OK;
    while (status == WICK_OK) {
        uint8_t *p = in->data + in->pos;
        size_t header = 0, n = plain_message(p, in->len - in->pos, masked ? 4 : 0, &header);
        if (n > limit)
            break;
        size_t good = unmask_whole(conn, p + header, n, p[0] == (0x80 | WICK_TEXT), masked);
        if (WICK_UNLIKELY(good < n)) {
            in->pos += header + good;
            return WICK_E_UTF8;
        }
        int result = on_message(conn, conn->user, p[0] & 0x0F, p + header, n);
        status = wick_conn_after(conn, result);
        if (WICK_UNLIKELY(status == WICK_PAUSED && result == WICK_BLOCKED)) {
            if (masked)
                conn->kernels->mask(p + header, p + header, n, wick_load32(p + header - 4));
            return WICK_BLOCKED;
        }
        in->pos += header + n;
    }
    return status;
}

static wick_status recv_fast(wick_conn *conn, wick_input *in)
{
    size_t start = in->pos;
    wick_status status = conn->config->role == WICK_SERVER ? whole_messages(conn, in, 1) : whole_messages(conn, in, 0);
    if (in->pos != start && status != WICK_E_REENTRY)
        conn->active_ms = in->now_ms;
    return status;
}

/* ---- The dispatcher -------------------------------------------------------------------------------------------- */

/* Whether a frame whose bytes are all here waits to be told. */
static int pending(const wick_conn *conn)
{
    return conn->phase != PHASE_HEADER && conn->part.frame.left == 0;
}

static wick_status receive(wick_conn *conn, wick_input *in)
{
    const wick_conn_callbacks *cb = wick_conn_cb(conn);
    int fast = cb->on_message && !cb->on_begin;
    wick_status status = WICK_OK;
    while (status == WICK_OK && conn->state < WICK_LINGER && (in->pos < in->len || pending(conn))) {
        if (fast && nothing_open(conn)) {
            status = recv_fast(conn, in);
            if (status != WICK_OK || in->pos == in->len)
                break;
        }
        switch (conn->phase) {
        case PHASE_HEADER: status = wick_conn_header_recv(conn, in); break;
        case PHASE_PAYLOAD: status = wick_conn_payload_recv(conn, in); break;
        default: status = wick_conn_control_recv(conn, in); break;
        }
    }
    return status;
}

wick_status wick_conn_recv(wick_conn *conn, uint8_t *data, size_t len, size_t *used, uint64_t now_ms)
{
    wick_input in;
    wick_status status;
    *used = 0;
    if (conn->inside)
        return WICK_E_REENTRY;
    if (len) {
        conn->heard_ms = now_ms;
        conn->flags &= (uint16_t)~FLAG_PINGED;
    }
    if (conn->status != WICK_OK || conn->state >= WICK_LINGER) {
        *used = len;
        wick_conn_pay_owed(conn, now_ms);
        return (wick_status)conn->status;
    }
    in.data = data ? data : conn->part.header; /* no arithmetic on NULL; len is 0 then */
    in.len = len;
    in.pos = 0;
    in.now_ms = now_ms;
    conn->inside = 1;
    status = receive(conn, &in);
    if (!conn->inside) /* a callback has set the connection up anew */
        return WICK_E_REENTRY;
    conn->received += in.pos;
    if (status < 0)
        wick_conn_fail(conn, status, now_ms);
    if (conn->state >= WICK_LINGER)
        wick_conn_return_memory(conn);
    conn->inside = 0;
    *used = status < 0 || conn->state >= WICK_LINGER ? len : in.pos;
    return status;
}
