/*
 * What the kernels share, and the short unmasking loops for a caller that wants them inlined.
 *
 * HOW TO USE wick_unmask_short
 *
 * For payloads of at most WICK_SHORT_MAX bytes, where a call through the kernel table costs as much as the work:
 *
 *     if (len <= WICK_SHORT_MAX) {
 *         uint64_t high = wick_unmask_short(payload, len, key);
 *         if (is_text && (high | utf8_state) != 0)            // not all ASCII, or inside a character
 *             good = kernels->utf8(&utf8_state, payload, len);
 *     }
 *
 * It unmasks payload[0..len) in place, touches nothing else, and returns 0 exactly if every unmasked byte is below
 * 0x80. The key is as wick_load32() reads it from the frame header, turned with wick_key_rotate() when payload is not
 * the start of the frame's payload.
 */
#ifndef WICK_BASE_KERNELS_H
#define WICK_BASE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "wick/base.h"

#define WICK_SHORT_MAX 128

/* Whether versions for x86 vector instructions are built; whether they run is for the CPU to say. */
#if !defined(WICK_NO_SIMD) && defined(__x86_64__) && defined(__GNUC__)
#define WICK_X86_SIMD 1
extern const wick_kernels wick_kernels_avx2;
#else
#define WICK_X86_SIMD 0
#endif

#define WICK_HIGH_BITS UINT64_C(0x8080808080808080)

/* The kernels that this CPU can run, in order of growing speed: 0 is the portable one; NULL beyond the last. */
const wick_kernels *wick_kernels_at(unsigned i);

/* Fewer than 8 bytes: overlapping words of 4, or single bytes that may coincide. */
static inline uint64_t wick_unmask_below8(uint8_t *p, size_t len, uint32_t key)
{
    if (len >= 4) {
        uint32_t a = wick_load32(p) ^ key;
        uint32_t b = wick_load32(p + len - 4) ^ wick_key_rotate(key, len);
        wick_store32(p, a);
        wick_store32(p + len - 4, b);
        return (a | b) & WICK_HIGH_BITS;
    }
    if (len == 0)
        return 0;
    uint8_t k[4];
    wick_store32(k, key);
    uint8_t a = p[0] ^ k[0], b = p[len / 2] ^ k[len / 2], c = p[len - 1] ^ k[len - 1];
    p[0] = a;
    p[len / 2] = b;
    p[len - 1] = c;
    return (uint64_t)(a | b | c) & 0x80;
}

/* Unmask len <= WICK_SHORT_MAX bytes in place; nonzero if any unmasked byte is not ASCII. */
static inline uint64_t wick_unmask_short(uint8_t *p, size_t len, uint32_t key)
{
    if (len < 8)
        return wick_unmask_below8(p, len, key);
    /* The last word overlaps the one before: it must be read before that is written. */
    uint64_t k = wick_key_double(key);
    uint64_t last = wick_load64(p + len - 8) ^ wick_key_double(wick_key_rotate(key, len));
    uint64_t any = last;
    for (size_t i = 0; i + 8 < len; i += 8) {
        uint64_t w = wick_load64(p + i) ^ k;
        any |= w;
        wick_store64(p + i, w);
    }
    wick_store64(p + len - 8, last);
    return any & WICK_HIGH_BITS;
}

#endif
