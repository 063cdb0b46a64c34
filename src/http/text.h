/*
 * A bounded writer of text: counts what does not fit instead of writing it.
 *
 * Begin with the output; put pieces; end with the status that the writers of wick/http.h return.
 */
#ifndef WICK_HTTP_TEXT_H
#define WICK_HTTP_TEXT_H

#include "http/chars.h"

typedef struct wick_text {
    char *out;
    size_t cap;
    size_t len; /* of the whole text, also what did not fit */
    int bad;    /* a piece would have broken the syntax */
} wick_text;

static inline wick_text wick_text_begin(char *out, size_t cap)
{
    wick_text text = {out, cap, 0, 0};
    return text;
}

static inline void wick_text_put(wick_text *text, const char *data, size_t len)
{
    if (len == 0)
        return;
    if (text->len <= text->cap && len <= text->cap - text->len)
        memcpy(text->out + text->len, data, len);
    text->len += len;
}

static inline void wick_text_str(wick_text *text, wick_str s)
{
    wick_text_put(text, s.data, s.len);
}

/* A string literal. */
#define WICK_TEXT_LIT(text, literal) wick_text_put(text, "" literal, sizeof(literal) - 1)

static inline void wick_text_number(wick_text *text, uint64_t number)
{
    char digits[20];
    size_t i = sizeof digits;
    do {
        digits[--i] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    wick_text_put(text, digits + i, sizeof digits - i);
}

/* "Name: value\r\n", both checked. */
static inline void wick_text_field(wick_text *text, wick_str name, wick_str value)
{
    if (!wick_http_is_token(name) || !wick_http_is_value(value))
        text->bad = 1;
    wick_text_str(text, name);
    WICK_TEXT_LIT(text, ": ");
    wick_text_str(text, value);
    WICK_TEXT_LIT(text, "\r\n");
}

static inline wick_status wick_text_end(const wick_text *text, size_t *need)
{
    *need = text->bad ? 0 : text->len;
    if (text->bad)
        return WICK_E_ARG;
    return text->len <= text->cap ? WICK_OK : WICK_E_SPACE;
}

#endif
