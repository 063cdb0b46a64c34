/*
 * What the kernels share, and short unmasking loops for a caller that wants them inlined.
 *
 * HOW TO USE THE SHORT LOOPS
 *
 * For payloads of at most WICK_SHORT_MAX bytes, where a call through the kernel table costs as much as the work:
 *
 *     if (len <= WICK_SHORT_MAX && !is_text)
 *         wick_unmask_short(payload, len, key);
 *     else if (len <= WICK_SHORT_MAX && state == 0 && wick_unmask_ascii(payload, len, key))
 *         good = len;
 *     else
 *         good = kernels->unmask_utf8(&state, payload, len, key);
 *
 * Both work in place and touch payload[0..len) alone. The key is as wick_load32() reads it from the frame header,
 * turned with wick_key_rotate() when payload is not the start of the frame's payload. wick_unmask_ascii() leaves a
 * payload that is not all ASCII as it was: had it been stored, the kernel would load it across the edges of words that
 * are still on their way to the cache, and wait (15 ns where 6 do).
 */
#ifndef WICK_BASE_KERNELS_H
#define WICK_BASE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "wick/base.h"

#define WICK_SHORT_MAX 128

#define WICK_HIGH_BITS UINT64_C(0x8080808080808080)

/* Whether versions for x86 vector instructions are built; whether they run is for the CPU to say. */
#if !defined(WICK_NO_SIMD) && defined(__x86_64__) && defined(__GNUC__)
#define WICK_X86_SIMD 1
#include <emmintrin.h>
extern const wick_kernels wick_kernels_avx2;
#else
#define WICK_X86_SIMD 0
#endif

/* The kernels that this CPU can run, in order of growing speed: 0 is the portable one; NULL beyond the last. */
const wick_kernels *wick_kernels_at(unsigned i);

/*
 * The state after the first bytes of data[0..len), as many as finish the character that the state is inside of, and how
 * many these are. Unmasks them if dst == data and not NULL. A bad byte leaves WICK_UTF8_REJECT and is not counted.
 */
size_t wick_utf8_finish(uint32_t *state, const uint8_t *data, uint8_t *dst, size_t len, uint32_t key);

/*
 * The short loops. Overlapping words cover what is no multiple of a word; all of them are read before the first is
 * written. With `ascii` nothing is written unless every unmasked byte is below 0x80. 1 if it was written.
 */

/* Fewer than 8 bytes: words of 4, or single bytes that may coincide. */
static inline int wick_unmask_below8(uint8_t *p, size_t len, uint32_t key, int ascii)
{
    if (len >= 4) {
        uint32_t a = wick_load32(p) ^ key;
        uint32_t b = wick_load32(p + len - 4) ^ wick_key_rotate(key, len);
        if (ascii && ((a | b) & (uint32_t)WICK_HIGH_BITS) != 0)
            return 0;
        wick_store32(p, a);
        wick_store32(p + len - 4, b);
        return 1;
    }
    if (len == 0)
        return 1;
    uint8_t k[4];
    wick_store32(k, key);
    uint8_t a = p[0] ^ k[0], b = p[len / 2] ^ k[len / 2], c = p[len - 1] ^ k[len - 1];
    if (ascii && ((a | b | c) & 0x80) != 0)
        return 0;
    p[0] = a;
    p[len / 2] = b;
    p[len - 1] = c;
    return 1;
}

/* 8..16 bytes. */
static inline int wick_unmask_upto16(uint8_t *p, size_t len, uint32_t key, int ascii)
{
    uint64_t a = wick_load64(p) ^ wick_key_double(key);
    uint64_t b = wick_load64(p + len - 8) ^ wick_key_double(wick_key_rotate(key, len));
    if (ascii && ((a | b) & WICK_HIGH_BITS) != 0)
        return 0;
    wick_store64(p, a);
    wick_store64(p + len - 8, b);
    return 1;
}

#if WICK_X86_SIMD

/* SSE2, which every x86-64 has. */
static inline __m128i wick_load128(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static inline void wick_store128(uint8_t *p, __m128i v)
{
    _mm_storeu_si128((__m128i *)(void *)p, v);
}

/* 17..128 bytes: a pair of vectors at each end, then the next pairs towards the middle. */
static inline int wick_unmask_upto128(uint8_t *p, size_t len, uint32_t key, int ascii)
{
    const __m128i k = _mm_set1_epi32((int)key), r = _mm_set1_epi32((int)wick_key_rotate(key, len));
    uint8_t *end = p + len;
    __m128i a = _mm_xor_si128(wick_load128(p), k), b = _mm_xor_si128(wick_load128(end - 16), r);
    if (len <= 32) {
        if (ascii && _mm_movemask_epi8(_mm_or_si128(a, b)) != 0)
            return 0;
    } else {
        __m128i c = _mm_xor_si128(wick_load128(p + 16), k), d = _mm_xor_si128(wick_load128(end - 32), r);
        if (len <= 64) {
            if (ascii && _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d))) != 0)
                return 0;
        } else {
            __m128i e = _mm_xor_si128(wick_load128(p + 32), k), f = _mm_xor_si128(wick_load128(end - 48), r);
            __m128i g = _mm_xor_si128(wick_load128(p + 48), k), h = _mm_xor_si128(wick_load128(end - 64), r);
            __m128i outer = _mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d));
            __m128i inner = _mm_or_si128(_mm_or_si128(e, f), _mm_or_si128(g, h));
            if (ascii && _mm_movemask_epi8(_mm_or_si128(outer, inner)) != 0)
                return 0;
            wick_store128(p + 32, e);
            wick_store128(p + 48, g);
            wick_store128(end - 64, h);
            wick_store128(end - 48, f);
        }
        wick_store128(p + 16, c);
        wick_store128(end - 32, d);
    }
    wick_store128(p, a);
    wick_store128(end - 16, b);
    return 1;
}

#else

/* 17..128 bytes. */
static inline int wick_unmask_upto128(uint8_t *p, size_t len, uint32_t key, int ascii)
{
    const uint64_t k = wick_key_double(key);
    uint64_t last = wick_load64(p + len - 8) ^ wick_key_double(wick_key_rotate(key, len));
    if (ascii) {
        uint64_t any = last;
        for (size_t i = 0; i + 8 < len; i += 8)
            any |= wick_load64(p + i) ^ k;
        if ((any & WICK_HIGH_BITS) != 0)
            return 0;
    }
    for (size_t i = 0; i + 8 < len; i += 8)
        wick_store64(p + i, wick_load64(p + i) ^ k);
    wick_store64(p + len - 8, last);
    return 1;
}

#endif

/* Unmask len <= WICK_SHORT_MAX bytes in place. */
static inline void wick_unmask_short(uint8_t *p, size_t len, uint32_t key)
{
    if (len > 16)
        wick_unmask_upto128(p, len, key, 0);
    else if (len >= 8)
        wick_unmask_upto16(p, len, key, 0);
    else
        wick_unmask_below8(p, len, key, 0);
}

/* Unmask len <= WICK_SHORT_MAX bytes in place if all of them are ASCII: 1, or 0 and nothing has changed. */
static inline int wick_unmask_ascii(uint8_t *p, size_t len, uint32_t key)
{
    if (len > 16)
        return wick_unmask_upto128(p, len, key, 1);
    return len >= 8 ? wick_unmask_upto16(p, len, key, 1) : wick_unmask_below8(p, len, key, 1);
}

#endif
