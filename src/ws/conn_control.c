/*
 * Close, ping and pong that come in.
 *
 * Invariant: the answer goes out before the event is told; if it cannot, the frame stays pending and nothing is told.
 * A control frame that arrives whole is handled in the receive buffer; one that is cut is put together in 125 lent
 * bytes. RFC 6455 sections 5.5 and 7.1.
 */
#include "ws/conn_internal.h"

/* Whether a close code may begin with this byte: 1000 to 1014 or 3000 to 4999. */
static int close_code_begins(uint8_t high)
{
    return high == 1000 >> 8 || (high >= 3000 >> 8 && high <= 4999 >> 8);
}

/*
 * Check as much of a close frame's body as is here. On an error *good is set to the index of the byte that proves it.
 * A body of one byte is wrong too, but shows in the header already.
 */
static wick_status check_close(const uint8_t *body, size_t have, size_t len, size_t *good)
{
    uint32_t utf8 = 0;
    *good = 0;
    if (have >= 1 && !close_code_begins(body[0]))
        return WICK_E_CLOSE_CODE;
    *good = 1;
    if (have < 2)
        return WICK_OK;
    if (!wick_close_code_valid(wick_load16_be(body)))
        return WICK_E_CLOSE_CODE;
    *good = 2 + wick_utf8_check(&utf8, body + 2, have - 2);
    if (*good < have)
        return WICK_E_CLOSE_REASON;
    if (have == len && utf8 != 0) {
        *good = len - 1;
        return WICK_E_CLOSE_REASON;
    }
    return WICK_OK;
}

/* Answer the peer's close with its own code, unless it is the answer to ours (RFC 6455 section 5.5.1). */
static wick_status answer_close(wick_conn *conn, const uint8_t *data, size_t len, uint64_t now_ms)
{
    if (conn->state == WICK_OPEN) {
        wick_status status = wick_conn_send_close(conn, len ? wick_load16_be(data) : 0, NULL, 0);
        if (status != WICK_OK)
            return status;
    }
    conn->state = WICK_LINGER;
    conn->timer_ms = now_ms;
    conn->flags |= FLAG_CLOSE_SEEN;
    return WICK_OK;
}

/* A ping is answered until the peer's close frame has come, also after ours (RFC 6455 section 5.5.2). */
static wick_status answer(wick_conn *conn, unsigned opcode, const uint8_t *data, size_t len, uint64_t now_ms)
{
    if (opcode == WICK_CLOSE)
        return answer_close(conn, data, len, now_ms);
    if (opcode == WICK_PING)
        return wick_conn_send_control(conn, WICK_PONG, data, len);
    return WICK_OK;
}

static wick_status tell(wick_conn *conn, unsigned opcode, const uint8_t *data, size_t len)
{
    const wick_conn_callbacks *cb = wick_conn_cb(conn);
    int result = 0;
    if (opcode == WICK_PING && cb->on_ping)
        result = cb->on_ping(conn, conn->user, data, len);
    else if (opcode == WICK_PONG && cb->on_pong)
        result = cb->on_pong(conn, conn->user, data, len);
    else if (opcode == WICK_CLOSE && cb->on_close && len == 0)
        result = cb->on_close(conn, conn->user, 0, "", 0);
    else if (opcode == WICK_CLOSE && cb->on_close)
        result = cb->on_close(conn, conn->user, wick_load16_be(data), (const char *)data + 2, len - 2);
    return wick_conn_after(conn, result);
}

/* A control frame that lies in the buffer as a whole, header at in->pos. */
wick_status wick_conn_control_whole(wick_conn *conn, wick_input *in, const wick_frame *frame)
{
    uint8_t *data = in->data + in->pos + frame->header_len;
    size_t len = (size_t)frame->len, good;
    wick_status status = WICK_OK;
    conn->kernels->mask(data, data, len, frame->key);
    if (frame->opcode == WICK_CLOSE)
        status = check_close(data, len, len, &good);
    if (status != WICK_OK) {
        in->pos += frame->header_len + good;
        return status;
    }
    status = answer(conn, frame->opcode, data, len, in->now_ms);
    if (status != WICK_OK) {
        conn->kernels->mask(data, data, len, frame->key); /* it will be fed again */
        return status;
    }
    in->pos += frame->header_len + len;
    return tell(conn, frame->opcode, data, len);
}

/* The header of a control frame has come, its payload has not, or not wholly. */
wick_status wick_conn_control_begin(wick_conn *conn, const wick_frame *frame)
{
    size_t cap;
    conn->part.frame.have = 0;
    conn->phase = PHASE_CONTROL;
    if (frame->len == 0)
        return WICK_OK;
    conn->control = wick_conn_borrow(conn, NULL, WICK_CONTROL_MAX, &cap);
    return conn->control && cap >= WICK_CONTROL_MAX ? WICK_OK : WICK_E_MEMORY;
}

static wick_status collect(wick_conn *conn, wick_input *in)
{
    size_t n = in->len - in->pos, have = conn->part.frame.have, good;
    if (n > conn->part.frame.left)
        n = (size_t)conn->part.frame.left;
    if (n == 0)
        return WICK_OK;
    conn->kernels->mask(conn->control + have, in->data + in->pos, n, conn->part.frame.key);
    conn->part.frame.key = wick_key_rotate(conn->part.frame.key, n);
    conn->part.frame.left -= n;
    conn->part.frame.have = (uint8_t)(have + n);
    if (conn->part.frame.opcode == WICK_CLOSE) {
        wick_status status =
            check_close(conn->control, have + n, have + n + (size_t)conn->part.frame.left, &good);
        if (status != WICK_OK) {
            in->pos += good - have;
            return status;
        }
    }
    in->pos += n;
    return WICK_OK;
}

wick_status wick_conn_control_recv(wick_conn *conn, wick_input *in)
{
    unsigned opcode = conn->part.frame.opcode;
    wick_status status = collect(conn, in);
    if (status != WICK_OK || conn->part.frame.left != 0)
        return status;
    status = answer(conn, opcode, conn->control, conn->part.frame.have, in->now_ms);
    if (status != WICK_OK)
        return status;
    conn->phase = PHASE_HEADER;
    status = tell(conn, opcode, conn->control, conn->part.frame.have);
    if (status != WICK_E_REENTRY)
        wick_conn_return_control(conn);
    return status;
}
