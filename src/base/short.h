/*
 * Masking of short payloads, inlined.
 *
 * HOW TO USE IT
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
 *
 * Overlapping words cover what is no multiple of a word; all of them are loaded before the first is stored.
 */
#ifndef WICK_BASE_SHORT_H
#define WICK_BASE_SHORT_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define WICK_SHORT_MAX 128

#define WICK_HIGH_BITS UINT64_C(0x8080808080808080)

/* Whether versions for x86 vector instructions are built; whether they run is for the CPU to say. */
#if !defined(WICK_NO_SIMD) && defined(__x86_64__) && (defined(__clang__) || (defined(__GNUC__) && __GNUC__ >= 6))
#define WICK_X86_SIMD 1
#include <emmintrin.h>
#else
#define WICK_X86_SIMD 0
#endif

#if defined(__GNUC__)
#define WICK_SHORT_INLINE static inline __attribute__((always_inline))
#else
#define WICK_SHORT_INLINE static inline
#endif

/*
 * dst[i] = src[i] ^ key[i % 4] for len bytes; dst == src, or the two do not overlap. With `ascii` nothing is stored
 * unless every byte of the result is below 0x80, and with dst NULL nothing is stored at all. Returns 0 if `ascii` found
 * something else, and otherwise 1. Both are constants where these functions are inlined.
 */
WICK_SHORT_INLINE int wick_short_below8(uint8_t *dst, const uint8_t *src, size_t len, uint32_t key, int ascii)
{
    if (len >= 4) {
        uint32_t a = wick_load32(src) ^ key;
        uint32_t b = wick_load32(src + len - 4) ^ wick_key_rotate(key, len);
        if (ascii && ((a | b) & (uint32_t)WICK_HIGH_BITS) != 0)
            return 0;
        if (dst) {
            wick_store32(dst, a);
            wick_store32(dst + len - 4, b);
        }
        return 1;
    }
    if (len == 0)
        return 1;
    /* Three bytes, which may be one and the same. */
    uint8_t k[4];
    wick_store32(k, key);
    uint8_t a = src[0] ^ k[0], b = src[len / 2] ^ k[len / 2], c = src[len - 1] ^ k[len - 1];
    if (ascii && ((a | b | c) & 0x80) != 0)
        return 0;
    if (dst) {
        dst[0] = a;
        dst[len / 2] = b;
        dst[len - 1] = c;
    }
    return 1;
}

/* The same for 8..16 bytes. */
WICK_SHORT_INLINE int wick_short_upto16(uint8_t *dst, const uint8_t *src, size_t len, uint32_t key, int ascii)
{
    uint64_t a = wick_load64(src) ^ wick_key_double(key);
    uint64_t b = wick_load64(src + len - 8) ^ wick_key_double(wick_key_rotate(key, len));
    if (ascii && ((a | b) & WICK_HIGH_BITS) != 0)
        return 0;
    if (dst) {
        wick_store64(dst, a);
        wick_store64(dst + len - 8, b);
    }
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

static inline int wick_any_high4(__m128i a, __m128i b, __m128i c, __m128i d)
{
    return _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d)));
}

/* The same for 65..128 bytes: four vectors from the start, four from the end. */
WICK_SHORT_INLINE int wick_short_upto128(uint8_t *dst, const uint8_t *src, size_t len, uint32_t key, int ascii)
{
    const __m128i k = _mm_set1_epi32((int)key), r = _mm_set1_epi32((int)wick_key_rotate(key, len));
    const uint8_t *end = src + len - 64;
    __m128i a = _mm_xor_si128(wick_load128(src), k), e = _mm_xor_si128(wick_load128(end), r);
    __m128i b = _mm_xor_si128(wick_load128(src + 16), k), f = _mm_xor_si128(wick_load128(end + 16), r);
    __m128i c = _mm_xor_si128(wick_load128(src + 32), k), g = _mm_xor_si128(wick_load128(end + 32), r);
    __m128i d = _mm_xor_si128(wick_load128(src + 48), k), h = _mm_xor_si128(wick_load128(end + 48), r);
    if (ascii && (wick_any_high4(a, b, c, d) | wick_any_high4(e, f, g, h)) != 0)
        return 0;
    if (dst) {
        wick_store128(dst, a);
        wick_store128(dst + 16, b);
        wick_store128(dst + 32, c);
        wick_store128(dst + 48, d);
        wick_store128(dst + len - 64, e);
        wick_store128(dst + len - 48, f);
        wick_store128(dst + len - 32, g);
        wick_store128(dst + len - 16, h);
    }
    return 1;
}

/* The same for 16..64 bytes: one or two vectors from the start, as many from the end. */
WICK_SHORT_INLINE int wick_short_upto64(uint8_t *dst, const uint8_t *src, size_t len, uint32_t key, int ascii)
{
    const __m128i k = _mm_set1_epi32((int)key), r = _mm_set1_epi32((int)wick_key_rotate(key, len));
    __m128i a = _mm_xor_si128(wick_load128(src), k), b = _mm_xor_si128(wick_load128(src + len - 16), r);
    if (len <= 32) {
        if (ascii && _mm_movemask_epi8(_mm_or_si128(a, b)) != 0)
            return 0;
    } else {
        __m128i c = _mm_xor_si128(wick_load128(src + 16), k), d = _mm_xor_si128(wick_load128(src + len - 32), r);
        if (ascii && wick_any_high4(a, b, c, d) != 0)
            return 0;
        if (dst) {
            wick_store128(dst + 16, c);
            wick_store128(dst + len - 32, d);
        }
    }
    if (dst) {
        wick_store128(dst, a);
        wick_store128(dst + len - 16, b);
    }
    return 1;
}

/* The same for 16..128 bytes. */
WICK_SHORT_INLINE int wick_short_above16(uint8_t *dst, const uint8_t *src, size_t len, uint32_t key, int ascii)
{
    if (len <= 64)
        return wick_short_upto64(dst, src, len, key, ascii);
    return wick_short_upto128(dst, src, len, key, ascii);
}

#else

/* The same for 16..128 bytes. */
WICK_SHORT_INLINE int wick_short_above16(uint8_t *dst, const uint8_t *src, size_t len, uint32_t key, int ascii)
{
    const uint64_t k = wick_key_double(key);
    uint64_t last = wick_load64(src + len - 8) ^ wick_key_double(wick_key_rotate(key, len));
    if (ascii) {
        uint64_t any = last;
        for (size_t i = 0; i + 8 < len; i += 8)
            any |= wick_load64(src + i) ^ k;
        if ((any & WICK_HIGH_BITS) != 0)
            return 0;
    }
    if (dst) {
        for (size_t i = 0; i + 8 < len; i += 8)
            wick_store64(dst + i, wick_load64(src + i) ^ k);
        wick_store64(dst + len - 8, last);
    }
    return 1;
}

#endif

/* The same for len <= WICK_SHORT_MAX. */
WICK_SHORT_INLINE int wick_short(uint8_t *dst, const uint8_t *src, size_t len, uint32_t key, int ascii)
{
    if (len > 16)
        return wick_short_above16(dst, src, len, key, ascii);
    if (len >= 8)
        return wick_short_upto16(dst, src, len, key, ascii);
    return wick_short_below8(dst, src, len, key, ascii);
}

/* Unmask len <= WICK_SHORT_MAX bytes in place. */
WICK_SHORT_INLINE void wick_unmask_short(uint8_t *p, size_t len, uint32_t key)
{
    wick_short(p, p, len, key, 0);
}

/* Unmask len <= WICK_SHORT_MAX bytes in place if all of them are ASCII: 1, or 0 and nothing has changed. */
WICK_SHORT_INLINE int wick_unmask_ascii(uint8_t *p, size_t len, uint32_t key)
{
    return wick_short(p, p, len, key, 1);
}

#endif
