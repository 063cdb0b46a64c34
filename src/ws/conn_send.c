/*
 * Everything that goes out of a connection.
 *
 * Invariant: each call hands one whole frame to on_output, which takes it whole or not at all; the state changes
 * only when it was taken. A server's payload is never copied. RFC 6455 sections 5.3 to 5.5 and 6.1.
 */
#include "ws/conn_internal.h"

/* A client's payload up to this is masked on the stack. */
#define STACK_PAYLOAD 1024

static inline wick_status output(wick_conn *conn, const wick_slice *slices, size_t count)
{
    uint8_t inside = wick_conn_enter(conn);
    int result = wick_conn_cb(conn)->on_output(conn, conn->user, slices, count);
    if (!wick_conn_leave(conn, inside))
        return WICK_E_REENTRY;
    if (WICK_LIKELY(result == 0))
        return WICK_OK;
    if (result == WICK_BLOCKED)
        return WICK_BLOCKED;
    if (conn->status == WICK_OK)
        conn->status = WICK_E_CALLBACK;
    conn->state = WICK_CLOSED;
    return WICK_E_CALLBACK;
}

/* Write a header without mask; first_byte has FIN and opcode. Gives the bytes written, at most 10. */
static inline size_t plain_header(unsigned first_byte, uint64_t len, uint8_t *out)
{
    wick_frame frame;
    if (WICK_LIKELY(len < 126)) {
        out[0] = (uint8_t)first_byte;
        out[1] = (uint8_t)len;
        return 2;
    }
    frame.len = len;
    frame.key = 0;
    frame.opcode = first_byte & 0x0F;
    frame.fin = (uint8_t)(first_byte >> 7);
    frame.rsv = 0;
    frame.masked = 0;
    return wick_frame_encode(&frame, out);
}

/* Hand over a header and a payload that need no masking: what a server's sends come down to. */
static inline wick_status output_plain(wick_conn *conn, const uint8_t *header, size_t header_len, const void *data,
                                       size_t len)
{
    wick_slice out[2];
    out[0].data = header;
    out[0].len = header_len;
    out[1].data = (const uint8_t *)data;
    out[1].len = len;
    return output(conn, out, len ? 2 : 1);
}

/* Write a header with a fresh key. Gives the bytes written through *n. */
static wick_status masked_header(wick_conn *conn, unsigned first_byte, uint64_t len, uint8_t *out, size_t *n)
{
    uint8_t key[4];
    uint8_t inside = wick_conn_enter(conn);
    int result = wick_conn_cb(conn)->on_random(conn, conn->user, key, sizeof key);
    if (!wick_conn_leave(conn, inside))
        return WICK_E_REENTRY;
    if (result != 0)
        return WICK_E_RANDOM;
    *n = plain_header(first_byte, len, out);
    out[1] |= 0x80;
    memcpy(out + *n, key, sizeof key);
    *n += sizeof key;
    return WICK_OK;
}

/* Copy the payload behind its header at out[0..n), masked; gives the bytes of the whole frame. */
static size_t mask_behind(const wick_conn *conn, const wick_slice *slices, size_t count, uint8_t *out, size_t n)
{
    uint32_t key = wick_load32(out + n - 4);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        conn->kernels->mask(out + n + at, slices[i].data, slices[i].len, wick_key_rotate(key, at));
        at += slices[i].len;
    }
    return n + at;
}

static wick_status send_masked(wick_conn *conn, unsigned first_byte, const wick_slice *slices, size_t count, size_t len)
{
    uint8_t stack[WICK_FRAME_HEADER_MAX + STACK_PAYLOAD];
    uint8_t *memory = stack;
    wick_slice out;
    size_t cap = sizeof stack, n;
    wick_status status;
    if (len > STACK_PAYLOAD)
        memory = wick_conn_borrow(conn, NULL, len + WICK_FRAME_HEADER_MAX, &cap);
    if (!memory)
        return WICK_E_MEMORY;
    status = cap >= len + WICK_FRAME_HEADER_MAX ? WICK_OK : WICK_E_MEMORY;
    if (status == WICK_OK)
        status = masked_header(conn, first_byte, len, memory, &n);
    if (status == WICK_OK) {
        out.data = memory;
        out.len = mask_behind(conn, slices, count, memory, n);
        status = output(conn, &out, 1);
    }
    if (memory != stack)
        wick_conn_give_back(conn, memory);
    return status;
}

/* Send one frame; first_byte has FIN and opcode, count is less than WICK_OUTPUT_SLICES. */
static wick_status send_frame(wick_conn *conn, unsigned first_byte, const wick_slice *slices, size_t count)
{
    uint8_t header[WICK_FRAME_HEADER_MAX];
    wick_slice out[WICK_OUTPUT_SLICES];
    size_t len = 0, used = 1;
    for (size_t i = 0; i < count; i++) {
        if (slices[i].len > SIZE_MAX - WICK_FRAME_HEADER_MAX - len)
            return WICK_E_ARG;
        len += slices[i].len;
        if (slices[i].len)
            out[used++] = slices[i];
    }
    if (conn->config->role == WICK_CLIENT)
        return send_masked(conn, first_byte, out + 1, used - 1, len);
    out[0].data = header;
    out[0].len = plain_header(first_byte, len, header);
    return output(conn, out, used);
}

/* Whether a data frame may go out now; `fragment` says that it may continue a fragmented message. */
static wick_status check_send(const wick_conn *conn, unsigned opcode, int fragment)
{
    if (opcode - WICK_TEXT > WICK_BINARY - WICK_TEXT)
        return WICK_E_ARG;
    if (conn->state != WICK_OPEN || (!fragment && conn->flags & FLAG_SENDING))
        return WICK_E_STATE;
    return WICK_OK;
}

static wick_status sent(wick_conn *conn, wick_status status)
{
    if (status == WICK_OK && !(conn->flags & FLAG_SENT))
        conn->flags |= FLAG_SENT;
    return status;
}

wick_status wick_conn_send_slices(wick_conn *conn, unsigned opcode, const wick_slice *slices, size_t count)
{
    wick_status status = check_send(conn, opcode, 0);
    if (status != WICK_OK)
        return status;
    if (count >= WICK_OUTPUT_SLICES)
        return WICK_E_ARG;
    return sent(conn, send_frame(conn, 0x80 | opcode, slices, count));
}

wick_status wick_conn_send(wick_conn *conn, unsigned opcode, const void *data, size_t len)
{
    uint8_t header[WICK_FRAME_HEADER_MAX];
    wick_slice slice;
    wick_status status = check_send(conn, opcode, 0);
    if (WICK_UNLIKELY(status != WICK_OK))
        return status;
    if (conn->config->role == WICK_SERVER)
        return sent(conn, output_plain(conn, header, plain_header(0x80 | opcode, len, header), data, len));
    slice.data = (const uint8_t *)data;
    slice.len = len;
    return sent(conn, send_frame(conn, 0x80 | opcode, &slice, 1));
}

wick_status wick_conn_send_in_place(wick_conn *conn, unsigned opcode, uint8_t *data, size_t len)
{
    uint8_t header[WICK_FRAME_HEADER_MAX];
    wick_slice out[2];
    wick_status status;
    uint32_t key;
    if (conn->config->role == WICK_SERVER)
        return wick_conn_send(conn, opcode, data, len);
    status = check_send(conn, opcode, 0);
    if (status == WICK_OK)
        status = masked_header(conn, 0x80 | opcode, len, header, &out[0].len);
    if (status != WICK_OK)
        return status;
    out[0].data = header;
    out[1].data = data;
    out[1].len = len;
    key = wick_load32(header + out[0].len - 4);
    conn->kernels->mask(data, data, len, key);
    status = output(conn, out, len ? 2 : 1);
    if (status != WICK_OK)
        conn->kernels->mask(data, data, len, key);
    return sent(conn, status);
}

wick_status wick_conn_send_fragment(wick_conn *conn, unsigned opcode, const void *data, size_t len, int fin)
{
    wick_slice slice;
    unsigned first_byte = fin ? 0x80 : 0;
    wick_status status = check_send(conn, opcode, 1);
    if (status != WICK_OK)
        return status;
    if (!(conn->flags & FLAG_SENDING))
        first_byte |= opcode;
    else if (opcode != (conn->flags & FLAG_BINARY ? WICK_BINARY : WICK_TEXT))
        return WICK_E_ARG;
    slice.data = (const uint8_t *)data;
    slice.len = len;
    status = sent(conn, send_frame(conn, first_byte, &slice, 1));
    if (status != WICK_OK)
        return status;
    conn->flags &= (uint16_t)~(FLAG_SENDING | FLAG_BINARY);
    if (!fin)
        conn->flags |= opcode == WICK_BINARY ? FLAG_SENDING | FLAG_BINARY : FLAG_SENDING;
    return WICK_OK;
}

wick_status wick_prepare(wick_prepared *prepared, unsigned opcode, const void *data, size_t len)
{
    if (opcode != WICK_TEXT && opcode != WICK_BINARY)
        return WICK_E_ARG;
    prepared->data = (const uint8_t *)data;
    prepared->len = len;
    prepared->opcode = (uint8_t)opcode;
    prepared->header_len = (uint8_t)plain_header(0x80 | opcode, len, prepared->header);
    return WICK_OK;
}

wick_status wick_conn_send_prepared(wick_conn *conn, const wick_prepared *prepared)
{
    wick_status status;
    if (conn->config->role == WICK_CLIENT)
        return wick_conn_send(conn, prepared->opcode, prepared->data, prepared->len);
    status = check_send(conn, prepared->opcode, 0);
    if (status != WICK_OK)
        return status;
    return sent(conn, output_plain(conn, prepared->header, prepared->header_len, prepared->data, prepared->len));
}

wick_status wick_conn_send_control(wick_conn *conn, unsigned opcode, const void *data, size_t len)
{
    wick_slice slice;
    slice.data = (const uint8_t *)data;
    slice.len = len;
    return send_frame(conn, 0x80 | opcode, &slice, 1);
}

static wick_status send_control_checked(wick_conn *conn, unsigned opcode, const void *data, size_t len)
{
    if (len > WICK_CONTROL_MAX)
        return WICK_E_ARG;
    if (conn->state != WICK_OPEN)
        return WICK_E_STATE;
    return wick_conn_send_control(conn, opcode, data, len);
}

wick_status wick_conn_ping(wick_conn *conn, const void *data, size_t len)
{
    return send_control_checked(conn, WICK_PING, data, len);
}

wick_status wick_conn_pong(wick_conn *conn, const void *data, size_t len)
{
    return send_control_checked(conn, WICK_PONG, data, len);
}

/* The body of a close frame: nothing, or a code and a reason (RFC 6455 section 5.5.1). */
wick_status wick_conn_send_close(wick_conn *conn, unsigned code, const char *reason, size_t len)
{
    uint8_t body[WICK_CONTROL_MAX];
    if (code == 0)
        return wick_conn_send_control(conn, WICK_CLOSE, NULL, 0);
    wick_store16_be(body, code);
    if (len)
        memcpy(body + 2, reason, len);
    return wick_conn_send_control(conn, WICK_CLOSE, body, 2 + len);
}

wick_status wick_conn_close(wick_conn *conn, unsigned code, const char *reason, size_t len, uint64_t now_ms)
{
    uint32_t utf8 = 0;
    if (len > WICK_REASON_MAX || (code == 0 && len != 0) || (code != 0 && !wick_close_code_valid(code)))
        return WICK_E_ARG;
    if (len && (wick_utf8_check(&utf8, (const uint8_t *)reason, len) != len || utf8 != 0))
        return WICK_E_ARG;
    if (conn->state != WICK_OPEN)
        return WICK_E_STATE;
    wick_status status = wick_conn_send_close(conn, code, reason, len);
    if (status == WICK_OK) {
        conn->state = WICK_CLOSING;
        conn->timer_ms = now_ms;
    }
    return status;
}
