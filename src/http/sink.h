/*
 * A bounded writer of text: counts what does not fit instead of writing it.
 *
 * Begin with the output; put pieces; end with the status that the writers of wick/http.h return.
 */
#ifndef WICK_HTTP_SINK_H
#define WICK_HTTP_SINK_H

#include "http/chars.h"

typedef struct wick_sink {
    char *out;
    size_t cap;
    size_t len; /* of the whole text, also what did not fit */
    int bad;    /* a piece would have broken the syntax */
} wick_sink;

static inline wick_sink wick_sink_begin(char *out, size_t cap)
{
    wick_sink text = {out, cap, 0, 0};
    return text;
}

void wick_sink_put(wick_sink *text, const char *data, size_t len);

/* A string literal. */
#define WICK_SINK_LIT(text, literal) wick_sink_put(text, "" literal, sizeof(literal) - 1)

static inline void wick_sink_str(wick_sink *text, wick_str s)
{
    wick_sink_put(text, s.data, s.len);
}

void wick_sink_number(wick_sink *text, uint64_t number);

/* "Name: value\r\n", both checked. */
void wick_sink_field(wick_sink *text, wick_str name, wick_str value);

wick_status wick_sink_end(const wick_sink *text, size_t *need);

#endif
