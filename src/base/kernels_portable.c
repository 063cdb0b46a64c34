/*
 * The kernels in plain C: 8 bytes at a time, ASCII skipped 32 at a time, everything else through the automaton.
 *
 * In place, a word is always read before an overlapping one is written.
 */
#include "base/bytes.h"
#include "base/kernels.h"
#include "base/utf8.h"
#include "wick/base.h"

static void portable_mask(uint8_t *dst, const uint8_t *src, size_t len, uint32_t key)
{
    if (len < 8) {
        wick_short_below8(dst, src, len, key, 0);
        return;
    }
    uint64_t k = wick_key_double(key);
    uint64_t last = wick_load64(src + len - 8) ^ wick_key_double(wick_key_rotate(key, len));
    size_t i = 0;
    for (; i + 32 <= len; i += 32) {
        uint64_t a = wick_load64(src + i) ^ k, b = wick_load64(src + i + 8) ^ k;
        uint64_t c = wick_load64(src + i + 16) ^ k, d = wick_load64(src + i + 24) ^ k;
        wick_store64(dst + i, a);
        wick_store64(dst + i + 8, b);
        wick_store64(dst + i + 16, c);
        wick_store64(dst + i + 24, d);
    }
    for (; i + 8 <= len; i += 8)
        wick_store64(dst + i, wick_load64(src + i) ^ k);
    wick_store64(dst + len - 8, last);
}

/* Eight steps; the low 6 bits of the result are the state. */
static uint64_t utf8_step8(uint64_t s, const uint8_t *p)
{
    s = wick_utf8_step(s, p[0]);
    s = wick_utf8_step(s, p[1]);
    s = wick_utf8_step(s, p[2]);
    s = wick_utf8_step(s, p[3]);
    s = wick_utf8_step(s, p[4]);
    s = wick_utf8_step(s, p[5]);
    s = wick_utf8_step(s, p[6]);
    return wick_utf8_step(s, p[7]) & 63;
}

/* The bytes from p + i on, up to the end, byte by byte; returns as wick_utf8_check() does for all of p. */
static size_t utf8_rest(uint32_t *state, uint64_t s, const uint8_t *p, size_t i, size_t len)
{
    *state = (uint32_t)s;
    return i < len ? i + wick_utf8_scalar(state, p + i, len - i) : len; /* p may be NULL */
}

size_t wick_utf8_check(uint32_t *state, const uint8_t *p, size_t len)
{
    uint64_t s = *state & 63;
    size_t i = 0;
    while (i + 8 <= len) {
        if (s == 0) {
            while (i + 32 <= len && ((wick_load64(p + i) | wick_load64(p + i + 8) | wick_load64(p + i + 16) |
                                      wick_load64(p + i + 24)) & WICK_HIGH_BITS) == 0)
                i += 32;
            while (i + 8 <= len && (wick_load64(p + i) & WICK_HIGH_BITS) == 0)
                i += 8;
            if (i + 8 > len)
                break;
        }
        uint64_t next = utf8_step8(s, p + i);
        if (next == WICK_UTF8_REJECT)
            break;
        s = next;
        i += 8;
    }
    return utf8_rest(state, s, p, i, len);
}

static size_t portable_unmask_utf8(uint32_t *state, uint8_t *p, size_t len, uint32_t key)
{
    uint64_t s = *state & 63;
    if (len < 8) {
        if (s == 0 && wick_short_below8(p, p, len, key, 1))
            return len;
        wick_short_below8(p, p, len, key, 0);
        return utf8_rest(state, s, p, 0, len);
    }
    uint64_t k = wick_key_double(key);
    uint64_t last = wick_load64(p + len - 8) ^ wick_key_double(wick_key_rotate(key, len));
    size_t i = 0;
    while (i + 8 <= len) {
        if (s == 0) {
            while (i + 32 <= len) {
                uint64_t a = wick_load64(p + i) ^ k, b = wick_load64(p + i + 8) ^ k;
                uint64_t c = wick_load64(p + i + 16) ^ k, d = wick_load64(p + i + 24) ^ k;
                if (((a | b | c | d) & WICK_HIGH_BITS) != 0)
                    break;
                wick_store64(p + i, a);
                wick_store64(p + i + 8, b);
                wick_store64(p + i + 16, c);
                wick_store64(p + i + 24, d);
                i += 32;
            }
            if (i + 8 > len)
                break;
        }
        uint64_t w = wick_load64(p + i) ^ k;
        wick_store64(p + i, w);
        if (((w & WICK_HIGH_BITS) | s) != 0) {
            uint64_t next = utf8_step8(s, p + i);
            if (next == WICK_UTF8_REJECT)
                return utf8_rest(state, s, p, i, i + 8);
            s = next;
        }
        i += 8;
    }
    wick_store64(p + len - 8, last);
    if ((last & WICK_HIGH_BITS) == 0) { /* at least one byte of it is before i: s is 0, too */
        *state = 0;
        return len;
    }
    return utf8_rest(state, s, p, i, len);
}

size_t wick_utf8_finish(uint32_t *state, const uint8_t *data, uint8_t *dst, size_t len, uint32_t key)
{
    uint8_t k[4];
    size_t i = 0;
    wick_store32(k, key);
    while (i < len && *state != 0) {
        if (dst)
            dst[i] = data[i] ^ k[i % 4];
        if (wick_utf8_scalar(state, data + i, 1) == 0)
            break;
        i++;
    }
    return i;
}

static const wick_kernels portable_kernels = {"portable", portable_mask, wick_utf8_check, portable_unmask_utf8};

const wick_kernels *wick_kernels_portable(void)
{
    return &portable_kernels;
}
