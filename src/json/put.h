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

static inline void wick_put_byte(wick_put *put, uint8_t byte)
{
    if (wick_put_room(put, 1))
        *put->p++ = byte;
}

#endif
