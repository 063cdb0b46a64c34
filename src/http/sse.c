/*
 * Server-sent events (WHATWG HTML section 9.2) and the framing of chunks (RFC 9112 section 7.1).
 */
#include "http/sink.h"

size_t wick_http_chunk_begin(size_t len, char *out)
{
    static const char hex[] = "0123456789abcdef";
    uint64_t left = len;
    unsigned shift = 60;
    size_t n = 0;
    while (shift > 0 && left >> shift == 0)
        shift -= 4;
    for (;; shift -= 4) {
        out[n++] = hex[left >> shift & 15];
        if (shift == 0)
            break;
    }
    out[n++] = '\r';
    out[n++] = '\n';
    return n;
}

/* A line of one value, which must not hold a line end; NUL in an id would make a browser drop it. */
static void put_sse_line(wick_sink *text, const char *name, size_t name_len, wick_str value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.data[i] == '\n' || value.data[i] == '\r' || value.data[i] == 0)
            text->bad = 1;
    wick_sink_put(text, name, name_len);
    wick_sink_str(text, value);
    WICK_SINK_LIT(text, "\n");
}

/* The data, a `data:` line for each of its lines. */
static void put_sse_data(wick_sink *text, wick_str data)
{
    size_t n = 0;
    for (;;) {
        while (n < data.len && data.data[n] != '\n' && data.data[n] != '\r')
            n++;
        WICK_SINK_LIT(text, "data: ");
        wick_sink_put(text, data.data, n);
        WICK_SINK_LIT(text, "\n");
        if (n == data.len)
            return;
        n += n + 1 < data.len && data.data[n] == '\r' && data.data[n + 1] == '\n' ? 2 : 1;
        data = wick_str_from(data, n);
        n = 0;
    }
}

wick_status wick_http_sse_write(const wick_http_sse *event, char *out, size_t cap, size_t *need)
{
    wick_sink text = wick_sink_begin(out, cap);
    int has_data = event->data.len > 0 || event->has_data;
    if (event->comment.len)
        put_sse_line(&text, ": ", 2, event->comment);
    if (event->retry_ms) {
        WICK_SINK_LIT(&text, "retry: ");
        wick_sink_number(&text, event->retry_ms);
        WICK_SINK_LIT(&text, "\n");
    }
    if (event->event.len)
        put_sse_line(&text, "event: ", 7, event->event);
    if (event->id.len)
        put_sse_line(&text, "id: ", 4, event->id);
    if (has_data)
        put_sse_data(&text, event->data);
    if (text.len == 0)
        WICK_SINK_LIT(&text, ":\n");
    WICK_SINK_LIT(&text, "\n");
    return wick_sink_end(&text, need);
}
