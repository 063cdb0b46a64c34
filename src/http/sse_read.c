/*
 * Reading server-sent events (WHATWG HTML section 9.2.6).
 *
 * A line is NAME, up to the colon; GAP, where one space may stand; VALUE, up to its end; or SKIP, of which nothing is
 * wanted. The value of `data` goes straight to the host's memory, that of the others into `value` until their line is
 * whole: an id counts only if it has no NUL.
 */
#include <string.h>

#include "wick/sse.h"

enum { LINE_NAME, LINE_GAP, LINE_VALUE, LINE_SKIP };
enum { FIELD_NONE, FIELD_DATA, FIELD_ID, FIELD_TYPE, FIELD_RETRY };

static const char byte_order_mark[3] = { '\xEF', '\xBB', '\xBF' };

void wick_sse_init(wick_sse_reader *reader, char *memory, size_t cap)
{
    memset(reader, 0, sizeof *reader);
    reader->memory = memory;
    reader->cap = cap;
}

void wick_sse_restart(wick_sse_reader *reader)
{
    reader->len = 0;
    reader->result = WICK_OK;
    reader->state = LINE_NAME;
    reader->cr = reader->start = reader->done = reader->short_len = reader->type_len = 0;
    memcpy(reader->id, reader->last_id, reader->last_id_len);
    reader->id_len = reader->last_id_len;
}

wick_str wick_sse_last_id(const wick_sse_reader *reader)
{
    wick_str id = { reader->last_id, reader->last_id_len };
    return id;
}

/* ---- Values ---------------------------------------------------------------------------------------------- */

static wick_status put_data(wick_sse_reader *reader, const char *data, size_t len)
{
    if (len > reader->cap - reader->len)
        return WICK_E_EVENT_TOO_BIG;
    if (len)
        memcpy(reader->memory + reader->len, data, len);
    reader->len += len;
    return WICK_OK;
}

static wick_status put_short(wick_sse_reader *reader, const char *data, size_t len)
{
    size_t most = reader->field == FIELD_TYPE ? sizeof reader->type : sizeof reader->value;
    if (len > most - reader->short_len) {
        reader->state = LINE_SKIP;
        return reader->field == FIELD_RETRY ? WICK_OK : WICK_E_EVENT_TOO_BIG;
    }
    memcpy(reader->value + reader->short_len, data, len);
    reader->short_len = (uint8_t)(reader->short_len + len);
    return WICK_OK;
}

static uint8_t field_named(const char *name, size_t len)
{
    if (len == 4 && memcmp(name, "data", 4) == 0)
        return FIELD_DATA;
    if (len == 2 && memcmp(name, "id", 2) == 0)
        return FIELD_ID;
    if (len == 5 && memcmp(name, "event", 5) == 0)
        return FIELD_TYPE;
    if (len == 5 && memcmp(name, "retry", 5) == 0)
        return FIELD_RETRY;
    return FIELD_NONE;
}

/* The name is whole. A field that is not known is not wanted. */
static void end_name(wick_sse_reader *reader)
{
    reader->field = field_named(reader->value, reader->short_len);
    reader->state = reader->field == FIELD_NONE ? LINE_SKIP : LINE_GAP;
    reader->short_len = 0;
}

static void take_id(wick_sse_reader *reader)
{
    for (size_t i = 0; i < reader->short_len; i++)
        if (reader->value[i] == 0)
            return;
    memcpy(reader->id, reader->value, reader->short_len);
    reader->id_len = reader->short_len;
}

static void take_retry(wick_sse_reader *reader)
{
    uint64_t ms = 0;
    for (size_t i = 0; i < reader->short_len; i++) {
        if (reader->value[i] < '0' || reader->value[i] > '9')
            return;
        ms = ms * 10 + (uint64_t)(reader->value[i] - '0');
        if (ms > UINT32_MAX)
            ms = UINT32_MAX;
    }
    if (reader->short_len)
        reader->retry_ms = (uint32_t)ms;
}

static wick_status end_value(wick_sse_reader *reader)
{
    switch (reader->field) {
    case FIELD_DATA:
        return put_data(reader, "\n", 1);
    case FIELD_ID:
        take_id(reader);
        return WICK_OK;
    case FIELD_TYPE:
        memcpy(reader->type, reader->value, reader->short_len);
        reader->type_len = reader->short_len;
        return WICK_OK;
    default:
        take_retry(reader);
        return WICK_OK;
    }
}

/* ---- Lines ----------------------------------------------------------------------------------------------- */

/* An empty line: the event is whole. Returns WICK_MORE if it has no data and is none. */
static wick_status end_event(wick_sse_reader *reader, wick_sse_event *event)
{
    memcpy(reader->last_id, reader->id, reader->id_len);
    reader->last_id_len = reader->id_len;
    if (reader->len == 0) {
        reader->type_len = 0;
        return WICK_MORE;
    }
    event->type.data = reader->type;
    event->type.len = reader->type_len;
    event->data.data = reader->memory;
    event->data.len = reader->len - 1; /* without the LF of its last line */
    event->id = wick_sse_last_id(reader);
    reader->done = 1;
    return WICK_OK;
}

/* Returns WICK_OK if an event ends with this line, else WICK_MORE. */
static wick_status end_line(wick_sse_reader *reader, wick_sse_event *event)
{
    wick_status status = WICK_MORE;
    if (reader->state == LINE_NAME && reader->short_len == 0)
        return end_event(reader, event);
    if (reader->state == LINE_NAME)
        end_name(reader); /* a name alone: its value is empty */
    if (reader->state != LINE_SKIP)
        status = end_value(reader);
    reader->state = LINE_NAME;
    reader->short_len = 0;
    return status < 0 ? status : WICK_MORE;
}

static int ends_line(char c)
{
    return c == '\n' || c == '\r';
}

/* Take a piece of a line that holds no line end. */
static wick_status take_piece(wick_sse_reader *reader, const char *data, size_t len)
{
    size_t at = 0;
    if (reader->state == LINE_NAME) {
        while (at < len && data[at] != ':' && reader->short_len < sizeof reader->value)
            reader->value[reader->short_len++] = data[at++];
        if (at == len)
            return WICK_OK;
        /* A name that is as long as this is none that is known. */
        end_name(reader);
        at += data[at] == ':';
    }
    if (reader->state == LINE_GAP && at < len) {
        at += data[at] == ' ';
        reader->state = LINE_VALUE;
    }
    if (at == len || reader->state == LINE_SKIP)
        return WICK_OK;
    return reader->field == FIELD_DATA ? put_data(reader, data + at, len - at) : put_short(reader, data + at, len - at);
}

/* Skip a byte order mark at the beginning; it may come in pieces. Returns the bytes of data that are skipped. */
static size_t skip_mark(wick_sse_reader *reader, const char *data, size_t len)
{
    size_t at = 0;
    while (reader->start < 3 && at < len && data[at] == byte_order_mark[reader->start]) {
        reader->start++;
        at++;
    }
    if (at == len || reader->start == 3)
        return at;
    /* None, but perhaps its first bytes: they begin a name that is not known. */
    if (reader->start) {
        memcpy(reader->value, byte_order_mark, reader->start);
        reader->short_len = reader->start;
    }
    reader->start = 3;
    return at;
}

wick_status wick_sse_next(wick_sse_reader *reader, const void *bytes, size_t len, size_t *used, wick_sse_event *event)
{
    const char *data = (const char *)bytes;
    wick_status status = (wick_status)reader->result;
    size_t at = 0, end;
    if (reader->done)
        reader->len = reader->type_len = reader->done = 0;
    if (status == WICK_OK) {
        at = reader->start < 3 ? skip_mark(reader, data, len) : 0;
        status = WICK_MORE;
    }
    while (status == WICK_MORE && at < len) {
        if (reader->cr && data[at] == '\n') {
            reader->cr = 0;
            at++;
            continue;
        }
        reader->cr = 0;
        for (end = at; end < len && !ends_line(data[end]); end++)
            ;
        if (end > at && take_piece(reader, data + at, end - at) != WICK_OK)
            status = WICK_E_EVENT_TOO_BIG;
        else if (end < len)
            status = end_line(reader, event);
        reader->cr = end < len && data[end] == '\r';
        at = end + (end < len);
    }
    if (status < 0)
        reader->result = status;
    *used = at;
    return status;
}
