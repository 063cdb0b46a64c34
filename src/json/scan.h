/*
 * The ground of the JSON reader: find the end of a string, a number, a literal, a value, checking every byte on the
 * way. Never reads outside [begin, end).
 *
 * A scan function takes the position behind the first byte that told what comes, and returns the position behind the
 * whole, or NULL with scan->status and scan->at set.
 */
#ifndef WICK_JSON_SCAN_H
#define WICK_JSON_SCAN_H

#include "base/bytes.h"
#include "wick/json.h"

#if defined(__SSE2__) && !defined(WICK_NO_SIMD)
#define WICK_JSCAN_SSE2 1
#include <emmintrin.h>
#else
#define WICK_JSCAN_SSE2 0
#endif

typedef struct wick_jscan {
    const uint8_t *begin;
    const uint8_t *end;
    uint32_t flags;     /* WICK_JSON_UTF8_KNOWN, WICK_JSON_LONE_SURROGATES */
    uint32_t max_depth; /* 1 to WICK_JSON_DEPTH_MAX */
    const wick_kernels *kernels;
    wick_status status;
    const uint8_t *at; /* the byte that proves the error */
} wick_jscan;

/* A string: its content without quotes, and the bytes that it has in plain form. */
typedef struct wick_jscan_text {
    wick_text text;
    uint32_t plain_len;
} wick_jscan_text;

/* Set up a scan from a config that may be NULL, and check the start of the message for a byte order mark. */
wick_status wick_jscan_init(wick_jscan *scan, const wick_json_config *config, const void *data, size_t len);
/* The same from the values of a config; scan->kernels is for the caller to set. */
wick_status wick_jscan_start(wick_jscan *scan, uint32_t flags, uint32_t depth, const void *data, size_t len);
/* Record an error. Returns NULL, so that it can be returned. */
const uint8_t *wick_jscan_fail(wick_jscan *scan, wick_status status, const uint8_t *at);
/* A byte at p that does not belong there: a syntax error, or the end of the text. */
const uint8_t *wick_jscan_unexpected(wick_jscan *scan, const uint8_t *p);
/* A string from `start`, behind its quote; all before p is known to be plain ASCII. */
const uint8_t *wick_jscan_long_string(wick_jscan *scan, const uint8_t *start, const uint8_t *p, wick_jscan_text *out);
/* The content of a string, from `start` as above, up to its closing quote, a control character, or the end. */
const uint8_t *wick_jscan_content(wick_jscan *scan, const uint8_t *start, const uint8_t *p, wick_jscan_text *out);
/* A number, from its first byte. */
const uint8_t *wick_jscan_number(wick_jscan *scan, const uint8_t *p);
/* true, false or null, from its first byte. */
const uint8_t *wick_jscan_literal(wick_jscan *scan, const uint8_t *p);
/*
 * A value of any kind, from its first byte, with `depth` containers open around it. `out` may be NULL; a string's
 * content is given clean or escaped, anything else as it stands.
 */
const uint8_t *wick_jscan_value(wick_jscan *scan, const uint8_t *p, uint32_t depth, wick_text *out);

/* Decode the character or escape at *p in a string that has been checked, and move *p behind it. */
uint32_t wick_jscan_escape(const uint8_t **p, const uint8_t *end);
/* What an escape of two characters stands for, by its letter; 0 if it is none. */
extern const uint8_t wick_jscan_letter[128];
/* The value of a hex digit, or 255. */
extern const uint8_t wick_jscan_hex[256];
/* Write a code point in UTF-8. Returns its bytes, 1 to 4. */
unsigned wick_jscan_put_utf8(uint8_t *out, uint32_t code);

static inline wick_text wick_jscan_slice(const uint8_t *from, const uint8_t *to, wick_text_form form)
{
    wick_text text;
    text.data = (const char *)from;
    text.len = (uint32_t)(to - from);
    text.form = (uint32_t)form;
    return text;
}

static inline const uint8_t *wick_jscan_space(const uint8_t *p, const uint8_t *end)
{
    while (p < end && *p <= ' ' && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

#if WICK_JSCAN_SSE2
#define WICK_JSCAN_BLOCK 16
typedef uint32_t wick_jscan_mask; /* a bit per byte, the first lowest */

/* A string's bytes that need a closer look: quote, backslash, control, and anything that is not ASCII. */
static inline wick_jscan_mask wick_jscan_stops_of(__m128i v)
{
    __m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
    __m128i slash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
    __m128i other = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20)); /* signed: also 0x80 and above */
    return (wick_jscan_mask)_mm_movemask_epi8(_mm_or_si128(other, _mm_or_si128(quote, slash)));
}

static inline wick_jscan_mask wick_jscan_stops(const uint8_t *p)
{
    return wick_jscan_stops_of(_mm_loadu_si128((const __m128i *)(const void *)p));
}

/* Whether there are any in two words of 8 bytes. */
static inline int wick_jscan_stops_in(uint64_t a, uint64_t b)
{
    return wick_jscan_stops_of(_mm_set_epi64x((int64_t)b, (int64_t)a)) != 0;
}

/* Which bytes are backslashes. */
static inline wick_jscan_mask wick_jscan_slashes(const uint8_t *p)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    return (wick_jscan_mask)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
}

/* Which bytes are not ASCII. */
static inline wick_jscan_mask wick_jscan_high(const uint8_t *p)
{
    return (wick_jscan_mask)_mm_movemask_epi8(_mm_loadu_si128((const __m128i *)(const void *)p));
}

static inline unsigned wick_jscan_first(wick_jscan_mask mask)
{
    return (unsigned)__builtin_ctz(mask);
}

/* Drop the first n bytes of a block, n below WICK_JSCAN_BLOCK. */
static inline wick_jscan_mask wick_jscan_drop(wick_jscan_mask mask, unsigned n)
{
    return mask >> n;
}
#else
#define WICK_JSCAN_BLOCK 8
typedef uint64_t wick_jscan_mask; /* the top bit of each byte, in memory order */

/* The top bit of each byte that is zero, exactly: no carry goes from one byte to the next. */
static inline uint64_t wick_jscan_zero(uint64_t v)
{
    const uint64_t low7 = 0x7F7F7F7F7F7F7F7Fu;
    return ~(((v & low7) + low7) | v | low7);
}

static inline wick_jscan_mask wick_jscan_stops_of(uint64_t v)
{
    const uint64_t ones = 0x0101010101010101u;
    return wick_jscan_zero(v ^ ones * '"') | wick_jscan_zero(v ^ ones * '\\') | wick_jscan_zero(v & ones * 0xE0) |
           (v & ones * 0x80);
}

static inline wick_jscan_mask wick_jscan_stops(const uint8_t *p)
{
    return wick_jscan_stops_of(wick_load64(p));
}

/* Whether there are any in two words of 8 bytes. */
static inline int wick_jscan_stops_in(uint64_t a, uint64_t b)
{
    return (wick_jscan_stops_of(a) | wick_jscan_stops_of(b)) != 0;
}

static inline wick_jscan_mask wick_jscan_slashes(const uint8_t *p)
{
    return wick_jscan_zero(wick_load64(p) ^ 0x0101010101010101u * '\\');
}

static inline wick_jscan_mask wick_jscan_high(const uint8_t *p)
{
    return wick_load64(p) & 0x8080808080808080u;
}

static inline unsigned wick_jscan_first(wick_jscan_mask mask)
{
    unsigned n = 0;
#if defined(__GNUC__) && WICK_BIG_ENDIAN
    n = (unsigned)__builtin_clzll(mask) / 8;
#elif defined(__GNUC__)
    n = (unsigned)__builtin_ctzll(mask) / 8;
#else
    uint8_t bytes[8];
    wick_store64(bytes, mask);
    while (bytes[n] == 0)
        n++;
#endif
    return n;
}

static inline wick_jscan_mask wick_jscan_drop(wick_jscan_mask mask, unsigned n)
{
#if WICK_BIG_ENDIAN
    return mask << (n * 8);
#else
    return mask >> (n * 8);
#endif
}
#endif

/*
 * The stops of the up to WICK_JSCAN_BLOCK bytes at p. Near the end of the message the last whole block is loaded and
 * shifted, so nothing behind the message is read; a message shorter than a block gives 0 with *len 0.
 */
static inline wick_jscan_mask wick_jscan_block(const wick_jscan *scan, const uint8_t *p, size_t *len)
{
    size_t left = (size_t)(scan->end - p);
    if (WICK_LIKELY(left >= WICK_JSCAN_BLOCK)) {
        *len = WICK_JSCAN_BLOCK;
        return wick_jscan_stops(p);
    }
    *len = 0;
    if (left == 0 || scan->end - scan->begin < WICK_JSCAN_BLOCK)
        return 0;
    *len = left;
    return wick_jscan_drop(wick_jscan_stops(scan->end - WICK_JSCAN_BLOCK), (unsigned)(WICK_JSCAN_BLOCK - left));
}

/* A string whose content is not wanted, behind its opening quote. */
static inline const uint8_t *wick_jscan_skip_string(wick_jscan *scan, const uint8_t *p)
{
    wick_jscan_text text;
    size_t len;
    wick_jscan_mask mask = wick_jscan_block(scan, p, &len);
    if (WICK_LIKELY(mask != 0)) {
        unsigned n = wick_jscan_first(mask);
        if (WICK_LIKELY(p[n] == '"'))
            return p + n + 1;
        len = n;
    }
    return wick_jscan_long_string(scan, p, p + len, &text);
}

/* A string, behind its opening quote. Inline: short, without escapes, in ASCII. */
static inline const uint8_t *wick_jscan_string(wick_jscan *scan, const uint8_t *p, wick_jscan_text *out)
{
    size_t len;
    wick_jscan_mask mask = wick_jscan_block(scan, p, &len);
    if (WICK_LIKELY(mask != 0)) {
        unsigned n = wick_jscan_first(mask);
        if (WICK_LIKELY(p[n] == '"')) {
            out->text = wick_jscan_slice(p, p + n, WICK_TEXT_CLEAN);
            out->plain_len = n;
            return p + n + 1;
        }
        len = n;
    }
    return wick_jscan_long_string(scan, p, p + len, out);
}

#endif
