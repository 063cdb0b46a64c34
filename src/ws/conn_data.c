/*
 * The payload of data frames: whole messages and pieces, unmasked and checked as they come.
 *
 * Invariant: what is consumed has been told or is in the state; an event that the host could not take
 * (WICK_BLOCKED) leaves everything as it was, the payload masked again, and is told once more. RFC 6455 sections
 * 5.3, 5.4 and 8.1.
 */
#include "ws/conn_internal.h"

/*
 * Unmask n bytes of the open frame in place and, in a text, check them. Gives the bytes that are fine. The state is
 * passed by value and through *utf8, so that the caller decides what becomes of it.
 */
static size_t unmask(const wick_conn *conn, uint8_t *data, size_t n, uint32_t *utf8)
{
    uint32_t key = conn->part.frame.key;
    if (conn->opcode == WICK_TEXT && conn->config->role == WICK_SERVER)
        return conn->kernels->unmask_utf8(utf8, data, n, key);
    if (conn->opcode == WICK_TEXT)
        return conn->kernels->utf8(utf8, data, n);
    if (conn->config->role == WICK_SERVER)
        conn->kernels->mask(data, data, n, key);
    return n;
}

static void mask_again(const wick_conn *conn, uint8_t *data, size_t n)
{
    if (conn->config->role == WICK_SERVER)
        conn->kernels->mask(data, data, n, conn->part.frame.key);
}

static void consume(wick_conn *conn, wick_input *in, size_t n)
{
    conn->part.frame.key = wick_key_rotate(conn->part.frame.key, n);
    conn->part.frame.left -= n;
    conn->message_len += n;
    in->pos += n;
}

static void end_message(wick_conn *conn)
{
    conn->opcode = 0;
    conn->phase = PHASE_HEADER;
    conn->flags &= (uint16_t)~(FLAG_SLICES | FLAG_PIECES);
}

/* Make room for n more bytes of the message. What is asked for doubles, within what a message may have. */
static wick_status grow(wick_conn *conn, size_t n)
{
    size_t have = (size_t)conn->message_len, need = have + n, cap;
    uint8_t *block;
    if (n > SIZE_MAX - have)
        return WICK_E_MEMORY;
    if (need <= conn->block_cap)
        return WICK_OK;
    if (conn->block_cap <= SIZE_MAX / 2 && need < 2 * conn->block_cap)
        need = 2 * conn->block_cap;
    if (need > wick_max_message(conn))
        need = (size_t)wick_max_message(conn);
    block = wick_conn_borrow(conn, conn->block, need, &cap);
    if (!block)
        return WICK_E_MEMORY;
    conn->block = block;
    conn->block_cap = cap;
    return cap < have + n ? WICK_E_MEMORY : WICK_OK;
}

/* Tell a message that is complete; WICK_BLOCKED from the callback means that it wants to be told again. */
static wick_status tell_message(wick_conn *conn, uint8_t *data, size_t len)
{
    int result = wick_conn_cb(conn)->on_message(conn, conn->user, conn->opcode, data, len);
    wick_status status = wick_conn_after(conn, result);
    return status == WICK_PAUSED && result == WICK_BLOCKED ? WICK_BLOCKED : status;
}

/* The whole message lies in the buffer: no copy. */
static wick_status message_in_buffer(wick_conn *conn, wick_input *in)
{
    uint8_t *data = in->data + in->pos;
    size_t n = (size_t)conn->part.frame.left, good;
    uint32_t utf8 = 0;
    wick_status status;
    good = unmask(conn, data, n, &utf8);
    if (good < n || utf8 != 0) {
        in->pos += good < n ? good : n - 1;
        return WICK_E_UTF8;
    }
    status = tell_message(conn, data, n);
    if (status == WICK_BLOCKED)
        mask_again(conn, data, n);
    if (status == WICK_BLOCKED || status == WICK_E_REENTRY)
        return status;
    consume(conn, in, n);
    end_message(conn);
    return status;
}

/* A message is complete in lent memory. */
static wick_status message_in_block(wick_conn *conn, wick_input *in)
{
    wick_status status;
    if (conn->utf8 != 0) {
        in->pos--; /* the last byte: of the payload, or of the header of an empty frame */
        return WICK_E_UTF8;
    }
    status = tell_message(conn, conn->block, (size_t)conn->message_len);
    if (status == WICK_BLOCKED || status == WICK_E_REENTRY)
        return status;
    wick_conn_return_message(conn);
    end_message(conn);
    return status;
}

/* Append n bytes of the open frame to the message in lent memory; binary is unmasked on the way. */
static wick_status append(wick_conn *conn, wick_input *in, size_t n)
{
    const uint8_t *from = in->data + in->pos;
    uint8_t *to;
    wick_status status = grow(conn, n);
    if (status != WICK_OK || n == 0)
        return status;
    to = conn->block + conn->message_len;
    if (conn->opcode == WICK_BINARY) {
        conn->kernels->mask(to, from, n, conn->part.frame.key);
    } else {
        memcpy(to, from, n);
        size_t good = unmask(conn, to, n, &conn->utf8);
        if (good < n) {
            in->pos += good;
            return WICK_E_UTF8;
        }
    }
    consume(conn, in, n);
    return WICK_OK;
}

static wick_status recv_whole(wick_conn *conn, wick_input *in, size_t n)
{
    wick_status status;
    if (conn->message_len == 0 && conn->part.frame.fin && n == conn->part.frame.left)
        return message_in_buffer(conn, in);
    status = append(conn, in, n);
    if (status != WICK_OK || conn->part.frame.left != 0)
        return status;
    if (conn->part.frame.fin)
        return message_in_block(conn, in);
    conn->phase = PHASE_HEADER;
    return WICK_OK;
}

static wick_status tell_piece(wick_conn *conn, uint8_t *data, size_t len, int last)
{
    wick_piece piece;
    int result;
    wick_status status;
    piece.data = data;
    piece.len = len;
    piece.offset = conn->message_len;
    piece.opcode = conn->opcode;
    piece.first = !(conn->flags & FLAG_PIECES);
    piece.last = (uint8_t)last;
    result = wick_conn_cb(conn)->on_slice(conn, conn->user, &piece);
    status = wick_conn_after(conn, result);
    if (status == WICK_PAUSED && result == WICK_BLOCKED)
        return WICK_BLOCKED;
    if (status != WICK_E_REENTRY)
        conn->flags |= FLAG_PIECES;
    return status;
}

/* n bytes of a message that is received in slices. Its valid part is told even if a bad byte follows. */
static wick_status recv_slice(wick_conn *conn, wick_input *in, size_t n)
{
    uint8_t *data = in->data + in->pos;
    uint32_t utf8 = conn->utf8;
    size_t good = unmask(conn, data, n, &utf8);
    int end = conn->part.frame.fin && n == conn->part.frame.left;
    int bad = good < n || (end && utf8 != 0);
    wick_status status = WICK_OK;
    if (good > 0 || (end && !bad))
        status = tell_piece(conn, data, good, end && !bad);
    if (bad && status >= 0) {
        in->pos += good;
        in->pos -= good == n; /* cut off: the last byte, be it the header's */
        return WICK_E_UTF8;
    }
    if (status == WICK_BLOCKED)
        mask_again(conn, data, n);
    if (status == WICK_BLOCKED || status == WICK_E_REENTRY)
        return status;
    conn->utf8 = utf8;
    consume(conn, in, n);
    if (end)
        end_message(conn);
    else if (conn->part.frame.left == 0)
        conn->phase = PHASE_HEADER;
    return status;
}

wick_status wick_conn_payload_recv(wick_conn *conn, wick_input *in)
{
    size_t n = in->len - in->pos;
    if (n > conn->part.frame.left)
        n = (size_t)conn->part.frame.left;
    if (n == 0 && conn->part.frame.left != 0)
        return WICK_OK;
    conn->active_ms = in->now_ms;
    return conn->flags & FLAG_SLICES ? recv_slice(conn, in, n) : recv_whole(conn, in, n);
}
