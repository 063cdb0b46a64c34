/*
 * A bounded writer of text: counts what does not fit instead of writing it.
 *
 * Begin with the output; put pieces; end with the status that the writers of wick/http.h return.
 */
#ifndef WICK_HTTP_TEXT_H
#define WICK_HTTP_TEXT_H

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

static inline void wick_sink_put(wick_sink *text, const char *data, size_t len)
{
    if (len == 0)
        return;
    if (text->len <= text->cap && len <= text->cap - text->len)
        memcpy(text->out + text->len, data, len);
    text->len += len;
}

static inline void wick_sink_str(wick_sink *text, wick_str s)
{
    wick_sink_put(text, s.data, s.len);
}

/* A string literal. */
#define WICK_SINK_LIT(text, literal) wick_sink_put(text, "" literal, sizeof(literal) - 1)

static inline void wick_sink_number(wick_sink *text, uint64_t number)
{
    char digits[20];
    size_t i = sizeof digits;
    do {
        digits[--i] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    wick_sink_put(text, digits + i, sizeof digits - i);
}

/* "Name: value\r\n", both checked. */
static inline void wick_sink_field(wick_sink *text, wick_str name, wick_str value)
{
    if (!wick_http_is_token(name) || !wick_http_is_value(value))
        text->bad = 1;
    wick_sink_str(text, name);
    WICK_SINK_LIT(text, ": ");
    wick_sink_str(text, value);
    WICK_SINK_LIT(text, "\r\n");
}

static inline wick_status wick_sink_end(const wick_sink *text, size_t *need)
{
    *need = text->bad ? 0 : text->len;
    if (text->bad)
        return WICK_E_ARG;
    return text->len <= text->cap ? WICK_OK : WICK_E_SPACE;
}

#endif
