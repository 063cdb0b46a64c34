/*
 * Append to a buffer that may be too small: what does not fit is counted, and from then on nothing is written.
 */
#ifndef WICK_JSON_PUT_H
#define WICK_JSON_PUT_H

#include "json/scan.h"

typedef struct wick_put {
    uint8_t *p;
    uint8_t *end;
    size_t over;    /* bytes that did not fit */
    uint32_t flags; /* WICK_JSON_REPLACE, WICK_JSON_TRUSTED */
    uint32_t max_depth;
    wick_status status; /* the first text that is not what it should be */
    const wick_kernels *kernels;
} wick_put;

/* "00" to "99". */
extern const char wick_put_pairs[201];

/* Text in quotes, escaped; with WICK_JSON_REPLACE what is not UTF-8 becomes U+FFFD. */
void wick_put_string(wick_put *put, const uint8_t *text, size_t len);
/* The content of a string that is escaped already, in quotes. */
void wick_put_escaped(wick_put *put, const uint8_t *text, size_t len);
/* A JSON value as it stands, line breaks as spaces, with `depth` containers open around it. */
void wick_put_json(wick_put *put, const uint8_t *json, size_t len, uint32_t depth);
void wick_put_uint64(wick_put *put, uint64_t value);
void wick_put_int64(wick_put *put, int64_t value);

/* A text of any form; absent is null. */
void wick_put_text(wick_put *put, const wick_text *text, uint32_t depth);

/* Append to out from its start; NULL only counts. */
static inline void wick_put_begin(wick_put *put, void *out, size_t cap, uint32_t flags)
{
    put->p = (uint8_t *)out;
    put->end = out ? put->p + cap : NULL;
    put->over = 0;
    put->flags = flags;
    put->max_depth = WICK_JSON_DEPTH_MAX;
    put->status = WICK_OK;
    put->kernels = NULL;
}

/* Whether n bytes fit; if not, they are counted. */
static inline int wick_put_room(wick_put *put, size_t n)
{
    if (WICK_LIKELY((size_t)(put->end - put->p) >= n))
        return 1;
    put->end = put->p;
    put->over += n;
    return 0;
}

static inline void wick_put_bytes(wick_put *put, const void *bytes, size_t n)
{
    if (n && wick_put_room(put, n)) {
        memcpy(put->p, bytes, n);
        put->p += n;
    }
}

/*
 * Copy up to 32 bytes of text that needs no escaping and is ASCII; out has room for it. Returns 0 if it is not, with
 * some of it copied. Words that overlap cover every length, so nothing behind the text is read or written.
 */
static inline int wick_put_clean(uint8_t *out, const uint8_t *text, size_t len)
{
    uint64_t a, b, c, d;
    if (len >= 8) {
        a = wick_load64(text);
        b = wick_load64(text + len - 8);
        wick_store64(out, a);
        wick_store64(out + len - 8, b);
        if (len <= 16)
            return !wick_jscan_stops_in(a, b);
        c = wick_load64(text + 8);
        d = wick_load64(text + len - 16);
        wick_store64(out + 8, c);
        wick_store64(out + len - 16, d);
        return !(wick_jscan_stops_in(a, b) | wick_jscan_stops_in(c, d));
    }
    if (len >= 4) {
        a = wick_load32(text);
        b = wick_load32(text + len - 4);
        wick_store32(out, (uint32_t)a);
        wick_store32(out + len - 4, (uint32_t)b);
        a |= b << 32;
        return !wick_jscan_stops_in(a, a);
    }
    if (len == 0)
        return 1;
    a = text[0];
    b = text[len / 2];
    c = text[len - 1];
    out[0] = (uint8_t)a;
    out[len / 2] = (uint8_t)b;
    out[len - 1] = (uint8_t)c;
    a = a * 0x0101010101u | b << 40 | b << 48 | c << 56;
    return !wick_jscan_stops_in(a, a);
}

/* Write digits; out has room for 20. Returns behind them. */
static inline uint8_t *wick_put_digits(uint8_t *out, uint64_t value)
{
    uint64_t rest = value;
    size_t len = 1, at;
    while (rest >= 1000) {
        rest /= 1000;
        len += 3;
    }
    len += (size_t)(rest >= 10) + (size_t)(rest >= 100);
    for (at = len; at > 1; at -= 2, value /= 100)
        memcpy(out + at - 2, wick_put_pairs + value % 100 * 2, 2);
    if (at == 1)
        out[0] = (uint8_t)('0' + value);
    return out + len;
}

static inline void wick_put_byte(wick_put *put, uint8_t byte)
{
    if (wick_put_room(put, 1))
        *put->p++ = byte;
}

#endif
