/*
 * Each rule is asked of every prefix, the shortest first, so that the index of the byte that proves a violation needs no
 * thought. A rule about the length asks what the length can still become.
 */
#include "oracle/frame.h"

#include <string.h>

static unsigned bit(const uint8_t *p, size_t i)
{
    return p[i / 8] >> (7 - i % 8) & 1;
}

static uint64_t bits(const uint8_t *p, size_t from, size_t count)
{
    uint64_t value = 0;
    for (size_t i = from; i < from + count; i++)
        value = value * 2 + bit(p, i);
    return value;
}

/* The bytes of extended length that the 7 bits ask for. */
static size_t extension(const uint8_t *p)
{
    uint64_t len7 = bits(p, 9, 7);
    if (len7 == 127)
        return 8;
    return len7 == 126 ? 2 : 0;
}

/* The extended length if every byte that has not come were `rest`. */
static uint64_t length_if(const uint8_t *p, size_t n, uint8_t rest)
{
    uint8_t all[8];
    for (size_t i = 0; i < extension(p); i++)
        all[i] = 2 + i < n ? p[2 + i] : rest;
    return bits(all, 0, 8 * extension(p));
}

static wick_status first_byte_rules(const uint8_t *p, unsigned rsv)
{
    unsigned opcode = (unsigned)bits(p, 4, 4), have = (unsigned)bits(p, 1, 3);
    int control = opcode >= 8;
    if (have & ~(control ? 0 : rsv >> 4))
        return WICK_E_RSV;
    if ((opcode > 2 && opcode < 8) || opcode > 10)
        return WICK_E_OPCODE;
    return control && !bit(p, 0) ? WICK_E_CONTROL_FRAGMENTED : WICK_OK;
}

/* The rules that the prefix of n >= 1 bytes can break and no shorter one. */
static wick_status rules(const uint8_t *p, size_t n, wick_role role, unsigned rsv)
{
    if (n == 1)
        return first_byte_rules(p, rsv);
    if (bit(p, 8) && role == WICK_CLIENT)
        return WICK_E_MASK_PRESENT;
    if (!bit(p, 8) && role == WICK_SERVER)
        return WICK_E_MASK_MISSING;
    if (bit(p, 4) && bits(p, 9, 7) > 125)
        return WICK_E_CONTROL_LENGTH;
    if (extension(p) == 2 && length_if(p, n, 0xFF) <= 125)
        return WICK_E_LENGTH_NOT_MINIMAL;
    if (extension(p) == 8 && length_if(p, n, 0x00) >> 63 != 0)
        return WICK_E_LENGTH_TOP_BIT;
    if (extension(p) == 8 && length_if(p, n, 0xFF) <= 65535)
        return WICK_E_LENGTH_NOT_MINIMAL;
    return WICK_OK;
}

int oracle_frame_len(const uint8_t *p, size_t n, uint64_t *len)
{
    *len = 0;
    if (n < 2 || n < 2 + extension(p))
        return 0;
    *len = extension(p) ? length_if(p, n, 0) : bits(p, 9, 7);
    return 1;
}

wick_status oracle_frame_read(const uint8_t *p, size_t n, wick_role role, unsigned rsv, oracle_frame *frame,
                              size_t *proof)
{
    for (size_t prefix = 1; prefix <= n; prefix++) {
        wick_status status = rules(p, prefix, role, rsv);
        *proof = prefix - 1;
        if (status != WICK_OK)
            return status;
        if (prefix < 2 || prefix < 2 + extension(p) + 4 * bit(p, 8))
            continue;
        frame->fin = bit(p, 0);
        frame->rsv = (unsigned)bits(p, 1, 3);
        frame->opcode = (unsigned)bits(p, 4, 4);
        frame->masked = bit(p, 8);
        oracle_frame_len(p, prefix, &frame->len);
        memset(frame->key, 0, 4);
        if (frame->masked)
            memcpy(frame->key, p + prefix - 4, 4);
        frame->header_len = prefix;
        return WICK_OK;
    }
    return WICK_MORE;
}

size_t oracle_frame_write(const oracle_frame *frame, uint8_t *out)
{
    size_t n = 0, ext = frame->len <= 125 ? 0 : frame->len <= 65535 ? 2 : 8;
    uint64_t len7 = ext == 0 ? frame->len : ext == 2 ? 126 : 127;
    out[n++] = (uint8_t)(frame->fin * 128 + frame->rsv * 16 + frame->opcode);
    out[n++] = (uint8_t)(frame->masked * 128 + len7);
    for (size_t i = 0; i < ext; i++)
        out[n++] = (uint8_t)(frame->len >> 8 * (ext - 1 - i) & 255);
    for (size_t i = 0; frame->masked && i < 4; i++)
        out[n++] = frame->key[i];
    return n;
}
