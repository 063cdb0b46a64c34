/*
 * Find the end of a run of ordinary characters, many at a time.
 *
 * Each function returns the first position in [p, end) that is not surely ordinary; the caller looks at the byte
 * there and decides. Nothing outside [p, end) is read.
 *
 * Where lines end is found in two steps: wick_scan_map() marks the control characters of a whole stretch, which depends
 * on nothing; wick_scan_stop() then goes from mark to mark. A scan that starts where the one before it ended would have
 * each line wait for the one before it.
 */
#ifndef WICK_HTTP_SCAN_H
#define WICK_HTTP_SCAN_H

#include "http/chars.h"

#if defined(__SSE2__) && defined(__GNUC__) && !defined(WICK_NO_SIMD)
#define WICK_SCAN_SSE2 1
#include <emmintrin.h>
#else
#define WICK_SCAN_SSE2 0
#endif

#if WICK_SCAN_SSE2

static inline __m128i wick_scan_load(const uint8_t *p)
{
    __m128i x;
    memcpy(&x, p, sizeof x);
    return x;
}

/* The bytes within [low, high], as 0xff. */
static inline __m128i wick_scan_range(__m128i x, char low, char high)
{
    __m128i offset = _mm_sub_epi8(x, _mm_set1_epi8(low));
    return _mm_cmpeq_epi8(_mm_min_epu8(offset, _mm_set1_epi8((char)(high - low))), offset);
}

/* Letters, digits and "-": what nearly every field name is made of. */
static inline const uint8_t *wick_scan_name(const uint8_t *p, const uint8_t *end)
{
    for (; end - p >= 16; p += 16) {
        __m128i x = wick_scan_load(p);
        __m128i letters = wick_scan_range(_mm_or_si128(x, _mm_set1_epi8(0x20)), 'a', 'z');
        __m128i others = _mm_or_si128(wick_scan_range(x, '0', '9'), _mm_cmpeq_epi8(x, _mm_set1_epi8('-')));
        unsigned stop = 0xffffu & ~(unsigned)_mm_movemask_epi8(_mm_or_si128(letters, others));
        if (stop)
            return p + __builtin_ctz(stop);
    }
    while (p < end && (wick_http_chars[*p] & WICK_CHAR_TOKEN))
        p++;
    return p;
}

/* What may stand in a value, except HTAB. */
static inline const uint8_t *wick_scan_value(const uint8_t *p, const uint8_t *end)
{
    for (; end - p >= 16; p += 16) {
        __m128i x = wick_scan_load(p);
        __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(0x1f)), x);
        unsigned stop = (unsigned)_mm_movemask_epi8(_mm_or_si128(low, _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f))));
        if (stop)
            return p + __builtin_ctz(stop);
    }
    while (p < end && (wick_http_chars[*p] & WICK_CHAR_VALUE))
        p++;
    return p;
}

/* What may stand in a target. */
static inline const uint8_t *wick_scan_target(const uint8_t *p, const uint8_t *end)
{
    for (; end - p >= 16; p += 16) {
        __m128i x = wick_scan_load(p);
        __m128i bad = _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f)), _mm_cmpeq_epi8(x, _mm_set1_epi8('#')));
        /* As signed numbers the bytes from 0x80 are below zero. */
        unsigned stop = (unsigned)_mm_movemask_epi8(_mm_or_si128(bad, _mm_cmplt_epi8(x, _mm_set1_epi8(0x21))));
        if (stop)
            return p + __builtin_ctz(stop);
    }
    while (p < end && (wick_http_chars[*p] & WICK_CHAR_TARGET))
        p++;
    return p;
}

/* Bytes that are marked at a time. */
#define WICK_SCAN_BYTES 1024

typedef struct wick_scan {
    const uint8_t *base, *limit, *end; /* marked is [base, limit) of [base, end) */
    uint64_t marks[WICK_SCAN_BYTES / 64];
} wick_scan;

static inline uint64_t wick_scan_marks(const uint8_t *p)
{
    __m128i x = wick_scan_load(p);
    __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(0x1f)), x);
    return (uint64_t)_mm_movemask_epi8(_mm_or_si128(low, _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f))));
}

/* Mark from p on. Less than one vector is left unmarked. */
static inline void wick_scan_map(wick_scan *scan, const uint8_t *p)
{
    size_t len = (size_t)(scan->end - p), at = 0;
    uint64_t word = 0;
    len = len < WICK_SCAN_BYTES ? len : WICK_SCAN_BYTES;
    scan->base = scan->limit = p;
    if (len < 16)
        return;
    for (; at + 64 <= len; at += 64)
        scan->marks[at / 64] = wick_scan_marks(p + at) | wick_scan_marks(p + at + 16) << 16 |
                               wick_scan_marks(p + at + 32) << 32 | wick_scan_marks(p + at + 48) << 48;
    for (; at + 16 <= len; at += 16)
        word |= wick_scan_marks(p + at) << at % 64;
    /* The last bytes together with some that came before them, which are shifted out. */
    if (at < len)
        word |= wick_scan_marks(p + len - 16) >> (16 - (len - at)) << at % 64;
    if (len % 64)
        scan->marks[len / 64] = word;
    scan->limit = p + len;
}

static inline void wick_scan_begin(wick_scan *scan, const uint8_t *p, const uint8_t *end)
{
    scan->end = end;
    wick_scan_map(scan, p);
}

/* The first control character from p on, or end. */
static inline const uint8_t *wick_scan_stop(wick_scan *scan, const uint8_t *p)
{
    size_t at, len, i;
    uint64_t word;
    if (p >= scan->limit)
        wick_scan_map(scan, p);
    at = (size_t)(p - scan->base);
    len = (size_t)(scan->limit - scan->base);
    if (at < len) {
        i = at / 64;
        word = scan->marks[i] >> at % 64 << at % 64;
        while (!word && (i + 1) * 64 < len)
            word = scan->marks[++i];
        if (word)
            return scan->base + i * 64 + __builtin_ctzll(word);
    }
    return wick_scan_value(scan->limit, scan->end);
}

#else

static inline const uint8_t *wick_scan_name(const uint8_t *p, const uint8_t *end)
{
    while (p < end && (wick_http_chars[*p] & WICK_CHAR_TOKEN))
        p++;
    return p;
}

/* 8 bytes at a time: a byte below 0x20 borrows from its top bit; a byte 0x7f becomes 0 by the exclusive or. */
static inline const uint8_t *wick_scan_value(const uint8_t *p, const uint8_t *end)
{
    const uint64_t ones = 0x0101010101010101u;
    for (; end - p >= 8; p += 8) {
        uint64_t x = wick_load64(p), del = x ^ ones * 0x7f;
        uint64_t low = (x - ones * 0x20) & ~x;
        if ((low | ((del - ones) & ~del)) & ones * 0x80)
            break;
    }
    while (p < end && (wick_http_chars[*p] & WICK_CHAR_VALUE))
        p++;
    return p;
}

static inline const uint8_t *wick_scan_target(const uint8_t *p, const uint8_t *end)
{
    while (p < end && (wick_http_chars[*p] & WICK_CHAR_TARGET))
        p++;
    return p;
}

typedef struct wick_scan {
    const uint8_t *end;
} wick_scan;

static inline void wick_scan_begin(wick_scan *scan, const uint8_t *p, const uint8_t *end)
{
    (void)p;
    scan->end = end;
}

static inline const uint8_t *wick_scan_stop(wick_scan *scan, const uint8_t *p)
{
    p = wick_scan_value(p, scan->end);
    return p;
}

#endif

#endif
