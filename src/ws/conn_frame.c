/*
 * Frame headers that come in: whether they may stand where they stand, and what begins with them.
 *
 * Invariant: an error shows at the same byte however the bytes are cut. RFC 6455 sections 5.2, 5.4 and 10.4.
 */
#include "ws/conn_internal.h"

/* The payload length that a header announces, once its bytes are here; the masking key may be missing. */
static int announced(const uint8_t *p, size_t len, uint64_t *payload)
{
    unsigned len7 = p[1] & 0x7F;
    if (len7 < 126)
        *payload = len7;
    else if (len7 == 126 && len >= 4)
        *payload = wick_load16_be(p + 2);
    else if (len7 == 127 && len >= 10)
        *payload = wick_load64_be(p + 2);
    else
        return 0;
    return 1;
}

/* Whether a data frame may stand here: known from its first byte. */
static wick_status check_sequence(const wick_conn *conn, uint8_t first_byte)
{
    unsigned opcode = first_byte & 0x7F;
    uint64_t most = wick_or_default(conn->config->max_fragments, WICK_DEFAULT_MAX_FRAGMENTS);
    if (opcode == WICK_CONTINUATION && !conn->opcode)
        return WICK_E_CONTINUATION;
    if ((opcode == WICK_TEXT || opcode == WICK_BINARY) && conn->opcode)
        return WICK_E_INTERLEAVED;
    if (opcode == WICK_CONTINUATION && conn->fragments >= most)
        return WICK_E_TOO_MANY_FRAGMENTS;
    return WICK_OK;
}

static wick_status check_limits(const wick_conn *conn, uint8_t first_byte, uint64_t payload)
{
    uint64_t before = conn->opcode ? conn->message_len : 0;
    if (first_byte & 0x08)
        return WICK_OK;
    if (payload > wick_max_frame(conn))
        return WICK_E_FRAME_TOO_BIG;
    if (payload > wick_max_message(conn) - before)
        return WICK_E_MESSAGE_TOO_BIG;
    return WICK_OK;
}

/* Everything that the first len bytes of a frame can prove. */
static wick_status check_header(const wick_conn *conn, const uint8_t *p, size_t len, wick_frame *frame)
{
    wick_status status, decoded;
    uint64_t payload;
    if (len == 0)
        return WICK_MORE;
    decoded = wick_frame_decode(p, len, conn->config->role, 0, frame);
    status = check_sequence(conn, p[0]);
    if (status != WICK_OK || decoded < 0)
        return status != WICK_OK ? status : decoded;
    if (decoded == WICK_OK)
        payload = frame->len;
    else if (len < 2 || !announced(p, len, &payload))
        return WICK_MORE;
    if (p[0] == (0x80 | WICK_CLOSE) && payload == 1)
        return WICK_E_CLOSE_BODY;
    status = check_limits(conn, p[0], payload);
    return status != WICK_OK ? status : decoded;
}

/* The index of the header byte that proves an error: so that it is the same however the bytes are cut. */
static size_t proof(const wick_conn *conn, const uint8_t *p)
{
    wick_frame frame;
    size_t n = 1;
    while (check_header(conn, p, n, &frame) >= 0)
        n++;
    return n - 1;
}

wick_status wick_conn_slices(wick_conn *conn)
{
    if (!(conn->flags & FLAG_BEGIN) || !wick_conn_cb(conn)->on_slice)
        return WICK_E_STATE;
    conn->flags |= FLAG_SLICES;
    return WICK_OK;
}

static wick_status begin_message(wick_conn *conn, const wick_frame *frame)
{
    const wick_conn_callbacks *cb = wick_conn_cb(conn);
    wick_status status = WICK_OK;
    conn->opcode = frame->opcode;
    conn->message_len = 0;
    conn->fragments = 0;
    conn->utf8 = 0;
    if (cb->on_begin) {
        conn->flags |= FLAG_BEGIN;
        status = wick_conn_after(conn, cb->on_begin(conn, conn->user, frame->opcode, frame->len, frame->fin));
        if (status == WICK_E_REENTRY)
            return status;
        conn->flags &= (uint16_t)~FLAG_BEGIN;
    }
    if (!cb->on_message)
        conn->flags |= FLAG_SLICES;
    return status;
}

static wick_status begin_frame(wick_conn *conn, const wick_frame *frame)
{
    wick_status status = WICK_OK;
    conn->part.frame.left = frame->len;
    conn->part.frame.key = frame->key;
    conn->part.frame.opcode = frame->opcode;
    conn->part.frame.fin = frame->fin;
    if (frame->opcode & 0x08)
        return wick_conn_control_begin(conn, frame);
    conn->phase = PHASE_PAYLOAD;
    if (frame->opcode != WICK_CONTINUATION)
        status = begin_message(conn, frame);
    if (status != WICK_E_REENTRY)
        conn->fragments++;
    return status;
}

/* A header whose first bytes came in an earlier call. */
static wick_status recv_header_rest(wick_conn *conn, wick_input *in)
{
    wick_frame frame;
    wick_status status = WICK_MORE;
    while (status == WICK_MORE && in->pos < in->len) {
        conn->part.header[conn->header_len++] = in->data[in->pos++];
        status = check_header(conn, conn->part.header, conn->header_len, &frame);
    }
    if (status == WICK_MORE)
        return WICK_OK;
    if (status != WICK_OK) {
        in->pos--;
        return status;
    }
    conn->header_len = 0;
    return begin_frame(conn, &frame);
}

wick_status wick_conn_header_recv(wick_conn *conn, wick_input *in)
{
    const uint8_t *p = in->data + in->pos;
    size_t have = in->len - in->pos;
    wick_frame frame;
    wick_status status;
    if (conn->header_len)
        return recv_header_rest(conn, in);
    status = check_header(conn, p, have, &frame);
    if (status < 0) {
        in->pos += proof(conn, p);
        return status;
    }
    if (status == WICK_MORE) {
        memcpy(conn->part.header, p, have);
        conn->header_len = (uint8_t)have;
        in->pos = in->len;
        return WICK_OK;
    }
    if (frame.opcode & 0x08 && have - frame.header_len >= frame.len)
        return wick_conn_control_whole(conn, in, &frame);
    in->pos += frame.header_len;
    return begin_frame(conn, &frame);
}
