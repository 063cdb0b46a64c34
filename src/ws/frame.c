/*
 * The WebSocket frame codec: pure functions over bytes.
 *
 *   0               1               2               3
 *  +-+-+-+-+-------+-+-------------+-------------------------------+
 *  |F|R|R|R| opcode|M| length (7)  | 16 or 64 bits of length,      |
 *  |I|S|S|S|  (4)  |A|             | if the 7 say 126 or 127       |
 *  |N|V|V|V|       |S|             |                               |
 *  | |1|2|3|       |K|             |                               |
 *  +-+-+-+-+-------+-+-------------+-------------------------------+
 *  | masking key (32), if MASK     | payload                       |
 *
 * Invariant: a header is refused at the first byte that proves it wrong, however it is cut.
 * RFC 6455 sections 5.2 to 5.5.
 */
#include "wick/frame.h"

#include "base/bytes.h"

/*
 * Without extensions only 9 of the 256 first bytes are legal, so they are listed. That covers the reserved bits, the
 * reserved opcodes and fragmented control frames, and leaves no bit arithmetic to get wrong. An extension's bits
 * are taken off first, from data frames only: RSV1 of permessage-deflate never stands on a control frame (RFC 7692
 * section 6).
 */
static wick_status check_first_byte(uint8_t byte, unsigned rsv)
{
    if (!(byte & 0x08))
        byte &= (uint8_t)~(rsv & 0x70);
    switch (byte) {
    case 0x00: case 0x01: case 0x02: /* continuation, text, binary; more follow */
    case 0x80: case 0x81: case 0x82: /* the same, final */
    case 0x88: case 0x89: case 0x8A: /* close, ping, pong */
        return WICK_OK;
    case 0x08: case 0x09: case 0x0A:
        return WICK_E_CONTROL_FRAGMENTED;
    default:
        return byte & 0x70 ? WICK_E_RSV : WICK_E_OPCODE;
    }
}

/* Check as much of an extended length as is here: `have` of its `ext` bytes. */
static wick_status check_length(const uint8_t *p, size_t have, size_t ext)
{
    if (ext == 2 && have >= 2 && wick_load16_be(p) < 126)
        return WICK_E_LENGTH_NOT_MINIMAL;
    if (ext == 8 && have >= 1 && p[0] & 0x80)
        return WICK_E_LENGTH_TOP_BIT;
    /* A 64-bit length below 65536 is known by its sixth zero byte. */
    if (ext == 8 && have >= 6 && (wick_load32_be(p) | wick_load16_be(p + 4)) == 0)
        return WICK_E_LENGTH_NOT_MINIMAL;
    return WICK_OK;
}

wick_status wick_frame_decode(const uint8_t *data, size_t len, wick_role role, unsigned rsv, wick_frame *frame)
{
    if (len == 0)
        return WICK_MORE;
    wick_status status = check_first_byte(data[0], rsv);
    if (status != WICK_OK)
        return status;
    if (len == 1)
        return WICK_MORE;

    unsigned masked = data[1] >> 7, len7 = data[1] & 0x7F;
    if (masked != (role == WICK_SERVER))
        return masked ? WICK_E_MASK_PRESENT : WICK_E_MASK_MISSING;
    if (data[0] & 0x08 && len7 > WICK_CONTROL_MAX)
        return WICK_E_CONTROL_LENGTH;

    size_t ext = len7 == 127 ? 8 : len7 == 126 ? 2 : 0;
    status = check_length(data + 2, len - 2 < ext ? len - 2 : ext, ext);
    if (status != WICK_OK)
        return status;
    size_t header_len = 2 + ext + 4 * masked;
    if (len < header_len)
        return WICK_MORE;

    frame->len = ext == 8 ? wick_load64_be(data + 2) : ext == 2 ? wick_load16_be(data + 2) : len7;
    frame->key = masked ? wick_load32(data + header_len - 4) : 0;
    frame->opcode = data[0] & 0x0F;
    frame->fin = data[0] >> 7;
    frame->rsv = data[0] & 0x70;
    frame->masked = (uint8_t)masked;
    frame->header_len = (uint8_t)header_len;
    return WICK_OK;
}

size_t wick_frame_encode(const wick_frame *frame, uint8_t *out)
{
    unsigned mask_bit = frame->masked ? 0x80 : 0;
    size_t n = 2;
    out[0] = (uint8_t)((frame->fin ? 0x80 : 0) | (frame->rsv & 0x70) | (frame->opcode & 0x0F));
    if (frame->len < 126) {
        out[1] = (uint8_t)(mask_bit | frame->len);
    } else if (frame->len <= 0xFFFF) {
        out[1] = (uint8_t)(mask_bit | 126);
        wick_store16_be(out + 2, (uint32_t)frame->len);
        n = 4;
    } else {
        out[1] = (uint8_t)(mask_bit | 127);
        wick_store64_be(out + 2, frame->len);
        n = 10;
    }
    if (frame->masked) {
        wick_store32(out + n, frame->key);
        n += 4;
    }
    return n;
}

void wick_mask(uint8_t *data, size_t len, uint32_t key, uint64_t offset)
{
    wick_kernels_portable()->mask(data, data, len, wick_key_rotate(key, offset));
}

int wick_close_code_valid(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}
