/*
 * A bounded writer of text: see sink.h.
 */
#include "http/sink.h"

void wick_sink_put(wick_sink *text, const char *data, size_t len)
{
    if (len == 0)
        return;
    if (text->len <= text->cap && len <= text->cap - text->len)
        memcpy(text->out + text->len, data, len);
    text->len += len;
}

void wick_sink_number(wick_sink *text, uint64_t number)
{
    char digits[20];
    size_t i = sizeof digits;
    do {
        digits[--i] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    wick_sink_put(text, digits + i, sizeof digits - i);
}

void wick_sink_field(wick_sink *text, wick_str name, wick_str value)
{
    if (!wick_http_is_token(name) || !wick_http_is_value(value))
        text->bad = 1;
    wick_sink_str(text, name);
    WICK_SINK_LIT(text, ": ");
    wick_sink_str(text, value);
    WICK_SINK_LIT(text, "\r\n");
}

wick_status wick_sink_end(const wick_sink *text, size_t *need)
{
    *need = text->bad ? 0 : text->len;
    if (text->bad)
        return WICK_E_ARG;
    return text->len <= text->cap ? WICK_OK : WICK_E_SPACE;
}
