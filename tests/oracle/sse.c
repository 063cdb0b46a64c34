/*
 * WHATWG HTML sections 9.2.5 and 9.2.6, word for word: buffers, lines, fields.
 */
#include "oracle/sse.h"

#include <stdlib.h>
#include <string.h>

typedef struct buffer {
    char *data;
    size_t len;
} buffer;

static void append(buffer *b, const void *data, size_t len)
{
    char *grown = realloc(b->data, b->len + len + 1);
    if (!grown)
        abort();
    b->data = grown;
    if (len)
        memcpy(b->data + b->len, data, len);
    b->len += len;
}

static void set(buffer *b, const void *data, size_t len)
{
    b->len = 0;
    append(b, data, len);
}

static char *copy(const buffer *b)
{
    buffer c = {NULL, 0};
    append(&c, b->data, b->len);
    return c.data;
}

typedef struct source {
    buffer data, type, id;
    size_t cap;
    oracle_sse *out;
} source;

static void dispatch(source *s)
{
    oracle_sse *out = s->out;
    free(out->last_id);
    out->last_id = copy(&s->id);
    out->last_id_len = s->id.len;
    if (s->data.len == 0) {
        s->type.len = 0;
        return;
    }
    if (out->count < ORACLE_SSE_EVENTS) {
        size_t n = out->count;
        out->events[n].type = copy(&s->type);
        out->events[n].type_len = s->type.len;
        out->events[n].data = copy(&s->data);
        out->events[n].data_len = s->data.len - 1;
        out->events[n].id = copy(&s->id);
        out->events[n].id_len = s->id.len;
    }
    out->count++;
    s->data.len = s->type.len = 0;
}

static void take_retry(source *s, const char *value, size_t len)
{
    uint64_t ms = 0;
    if (len == 0 || len > WICK_SSE_ID_MAX)
        return;
    for (size_t i = 0; i < len; i++) {
        if (value[i] < '0' || value[i] > '9')
            return;
        ms = ms * 10 + (uint64_t)(value[i] - '0');
        if (ms > UINT32_MAX)
            ms = UINT32_MAX;
    }
    s->out->retry_ms = ms;
}

static int is(const char *name, size_t len, const char *want)
{
    return len == strlen(want) && memcmp(name, want, len) == 0;
}

static void take_field(source *s, const char *name, size_t name_len, const char *value, size_t len)
{
    int too_big = 0;
    if (is(name, name_len, "event")) {
        too_big = len > WICK_SSE_TYPE_MAX;
        set(&s->type, value, len);
    } else if (is(name, name_len, "data")) {
        too_big = len + 1 > s->cap - s->data.len;
        append(&s->data, value, len);
        append(&s->data, "\n", 1);
    } else if (is(name, name_len, "id")) {
        too_big = len > WICK_SSE_ID_MAX;
        if (!len || !memchr(value, 0, len))
            set(&s->id, value, len);
    } else if (is(name, name_len, "retry")) {
        take_retry(s, value, len);
    }
    if (too_big)
        s->out->status = WICK_E_EVENT_TOO_BIG;
}

/* The end of the stream is in a line: it may be too long already. */
static void take_cut_line(source *s, const char *line, size_t len)
{
    const char *colon = len ? memchr(line, ':', len) : NULL;
    size_t name_len = colon ? (size_t)(colon - line) : len, value_len;
    if (!colon)
        return;
    value_len = (size_t)(line + len - colon) - 1;
    value_len -= value_len && colon[1] == ' ';
    if ((is(line, name_len, "event") && value_len > WICK_SSE_TYPE_MAX) ||
        (is(line, name_len, "id") && value_len > WICK_SSE_ID_MAX) ||
        (is(line, name_len, "data") && value_len > s->cap - s->data.len))
        s->out->status = WICK_E_EVENT_TOO_BIG;
}

static void take_line(source *s, const char *line, size_t len)
{
    const char *colon = len ? memchr(line, ':', len) : NULL, *value;
    size_t name_len = colon ? (size_t)(colon - line) : len;
    if (len == 0) {
        dispatch(s);
        return;
    }
    if (colon == line)
        return;
    value = colon ? colon + 1 : line + len;
    if (value < line + len && *value == ' ')
        value++;
    take_field(s, line, name_len, value, (size_t)(line + len - value));
}

void oracle_sse_read(const uint8_t *bytes, size_t len, size_t cap, oracle_sse *out)
{
    const char *data = (const char *)bytes;
    source s;
    size_t at = 0, begin;
    memset(&s, 0, sizeof s);
    memset(out, 0, sizeof *out);
    s.cap = cap;
    s.out = out;
    out->status = WICK_MORE;
    if (len >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0)
        at = 3;
    for (begin = at; at < len && out->status == WICK_MORE; at++) {
        if (data[at] != '\n' && data[at] != '\r')
            continue;
        take_line(&s, data + begin, at - begin);
        at += data[at] == '\r' && at + 1 < len && data[at + 1] == '\n';
        begin = at + 1;
    }
    if (out->status == WICK_MORE)
        take_cut_line(&s, data + begin, len - begin);
    free(s.data.data);
    free(s.type.data);
    free(s.id.data);
}

void oracle_sse_free(oracle_sse *out)
{
    for (size_t i = 0; i < out->count && i < ORACLE_SSE_EVENTS; i++) {
        free(out->events[i].type);
        free(out->events[i].data);
        free(out->events[i].id);
    }
    free(out->last_id);
}
