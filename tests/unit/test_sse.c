/*
 * The reader of server-sent events: vectors at every cut, and against the oracle on streams that nobody wrote.
 */
#include <stdlib.h>

#include "lib/vectors.h"
#include "oracle/sse.h"
#include "wick/http_answer.h"

#define TRANSCRIPT 65536

/* What came of a stream: `TYPE|ID|DATA` and a line end for each event, then the rest. */
typedef struct outcome {
    char text[TRANSCRIPT];
    size_t len;
    wick_status status;
    uint32_t retry_ms;
    char last_id[WICK_SSE_ID_MAX];
    size_t last_id_len;
} outcome;

static void put(outcome *o, const char *data, size_t len)
{
    if (len > sizeof o->text - o->len)
        len = sizeof o->text - o->len;
    if (len)
        memcpy(o->text + o->len, data, len);
    o->len += len;
}

static void put_event(outcome *o, wick_str type, wick_str id, wick_str data)
{
    put(o, type.data, type.len);
    put(o, "|", 1);
    put(o, id.data, id.len);
    put(o, "|", 1);
    put(o, data.data, data.len);
    put(o, "\n", 1);
}

/* Feed bytes that end at an unreadable page. */
static void feed(wick_sse_reader *sse, const uint8_t *data, size_t len, outcome *o)
{
    uint8_t *copy = test_guard_back(data, len), *at = copy;
    wick_sse_event event;
    size_t used, left = len;
    while ((o->status = wick_sse_next(sse, at, left, &used, &event)) == WICK_OK) {
        put_event(o, event.type, event.id, event.data);
        at += used;
        left -= used;
    }
    CHECK(o->status < 0 || used == left);
    test_unguard(copy, len);
}

static void finish(const wick_sse_reader *sse, outcome *o)
{
    wick_str id = wick_sse_last_id(sse);
    o->retry_ms = sse->retry_ms;
    o->last_id_len = id.len;
    memcpy(o->last_id, id.data, id.len);
}

/* Read a stream in pieces: cut at `cut`, or one byte at a time if cut is SIZE_MAX; the reader is moved in between. */
static void run_cut(const uint8_t *data, size_t len, size_t cap, size_t cut, outcome *o)
{
    wick_sse_reader sse, moved;
    char *memory = (char *)test_guard_back(NULL, cap);
    size_t step = cut == SIZE_MAX ? 1 : cut, at = 0;
    o->len = 0;
    o->status = WICK_MORE;
    wick_sse_init(&sse, memory, cap);
    do {
        size_t n = step < len - at ? step : len - at;
        feed(&sse, data + at, n, o);
        moved = sse;
        memset(&sse, 0xA5, sizeof sse);
        sse = moved;
        at += n;
        step = cut == SIZE_MAX ? 1 : len;
    } while (at < len && o->status >= 0);
    finish(&sse, o);
    test_unguard((uint8_t *)memory, cap);
}

static int same(const outcome *a, const outcome *b)
{
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0 && a->status == b->status &&
           a->retry_ms == b->retry_ms && a->last_id_len == b->last_id_len &&
           memcmp(a->last_id, b->last_id, a->last_id_len) == 0;
}

/* What the oracle makes of it. */
static void run_oracle(const uint8_t *data, size_t len, size_t cap, outcome *o)
{
    oracle_sse want;
    oracle_sse_read(data, len, cap, &want);
    o->len = 0;
    for (size_t i = 0; i < want.count && i < ORACLE_SSE_EVENTS; i++) {
        wick_str type = {want.events[i].type, want.events[i].type_len}, id = {want.events[i].id, want.events[i].id_len};
        put_event(o, type, id, (wick_str){want.events[i].data, want.events[i].data_len});
    }
    CHECK(want.count <= ORACLE_SSE_EVENTS);
    o->status = want.status;
    o->retry_ms = (uint32_t)want.retry_ms;
    o->last_id_len = want.last_id_len;
    if (want.last_id_len)
        memcpy(o->last_id, want.last_id, want.last_id_len);
    oracle_sse_free(&want);
}

/* ---- Vectors --------------------------------------------------------------------------------------------- */

/* The escapes of input lines in the value of a key: \n \r \0 \xHH \{N}c */
static void put_escaped(outcome *o, const char *text)
{
    while (*text) {
        char c = *text++;
        unsigned long times = 1;
        if (c == '\\' && *text == '{') {
            char *end;
            times = strtoul(text + 1, &end, 10);
            c = end[1];
            text = end + 2;
        } else if (c == '\\' && *text == 'x') {
            char hex[3] = {text[1], text[2], 0};
            c = (char)strtoul(hex, NULL, 16);
            text += 3;
        } else if (c == '\\') {
            c = *text == 'n' ? '\n' : *text == 'r' ? '\r' : *text == '0' ? '\0' : *text;
            text++;
        }
        while (times--)
            put(o, &c, 1);
    }
}

static void check_vector(const test_vector *v)
{
    static outcome want, got, last;
    size_t cap = test_vector_number(v, "memory", 1000);
    const char *id = test_vector_get(v, "last"), *status = test_vector_get(v, "status");
    want.len = last.len = 0;
    for (size_t i = 0; i < v->row_count; i++) {
        if (strcmp(v->rows[i].key, "event") != 0)
            continue;
        put_escaped(&want, v->rows[i].value);
        put(&want, "\n", 1);
    }
    run_cut(v->input, v->input_len, cap, v->input_len, &got);
    if (got.len != want.len || memcmp(got.text, want.text, got.len) != 0)
        VECTOR_FAIL(v, "the events are\n%.*s, want\n%.*s", (int)got.len, got.text, (int)want.len, want.text);
    if (got.status != (status ? test_status_named(v, status) : WICK_MORE))
        VECTOR_FAIL(v, "%s", wick_status_name(got.status));
    if (test_vector_number(v, "retry", 0) != got.retry_ms)
        VECTOR_FAIL(v, "retry is %u", (unsigned)got.retry_ms);
    if (id) {
        put_escaped(&last, id);
        if (last.len != got.last_id_len || memcmp(last.text, got.last_id, last.len) != 0)
            VECTOR_FAIL(v, "the last id is %.*s", (int)got.last_id_len, got.last_id);
    }
    run_oracle(v->input, v->input_len, cap, &want);
    if (!same(&got, &want))
        VECTOR_FAIL(v, "the oracle says %s\n%.*s", wick_status_name(want.status), (int)want.len, want.text);
    for (size_t cut = 1; cut <= v->input_len; cut++) {
        run_cut(v->input, v->input_len, cap, cut == v->input_len ? SIZE_MAX : cut, &want);
        if (!same(&got, &want))
            VECTOR_FAIL(v, "cut at %zu:\n%.*s", cut, (int)want.len, want.text);
    }
}

static void vectors(void)
{
    test_vectors("sse", check_vector);
}

/* ---- Streams that nobody wrote --------------------------------------------------------------------------- */

static size_t make_stream(uint8_t *out, size_t cap)
{
    static const char *const pieces[] = {"data", "data: ", "data:", "id", "id:", "id: 7", "event: e", "event", "retry: 9",
                                         "retry:", ":", ": c", "\n", "\r", "\r\n", "\n\n", "x", " ", "foo: b", "\xEF\xBB\xBF",
                                         "\xEF", "12", "longer text, with commas"};
    size_t len = 0, count = test_below(40);
    for (size_t i = 0; i < count; i++) {
        const char *piece = pieces[test_below(sizeof pieces / sizeof *pieces)];
        if (len + strlen(piece) + 1 > cap)
            break;
        memcpy(out + len, piece, strlen(piece));
        len += strlen(piece);
        if (test_below(30) == 0)
            out[len++] = (uint8_t)test_below(4); /* NUL, too */
    }
    return len;
}

static void any_stream_reads_as_the_oracle_says(void)
{
    static outcome got, want;
    uint8_t stream[600];
    for (size_t i = 0; i < test_rounds(20000) && !test_failed(); i++) {
        size_t len = make_stream(stream, sizeof stream), cap = test_below(8) ? 600 : test_below(40);
        run_oracle(stream, len, cap, &want);
        run_cut(stream, len, cap, test_below(2) ? SIZE_MAX : test_below(len + 1), &got);
        if (!same(&got, &want))
            test_fail(__FILE__, __LINE__, "%.*s", (int)len, (const char *)stream);
    }
}

/* What the writer writes, the reader reads. */
static void what_is_written_is_read(void)
{
    char out[600], memory[600];
    wick_sse_reader sse;
    wick_sse_event event;
    size_t len, used;
    wick_http_sse written = {WICK_STR("4711:42"), WICK_STR("tick"), WICK_STR("a\nb\n\nc"), WICK_STR("comment"), 1500, 0};
    wick_sse_init(&sse, memory, sizeof memory);
    CHECK_STATUS(wick_http_sse_write(&written, out, sizeof out, &len), WICK_OK);
    CHECK_STATUS(wick_sse_next(&sse, out, len, &used, &event), WICK_OK);
    CHECK(event.data.len == 6 && memcmp(event.data.data, "a\nb\n\nc", 6) == 0);
    CHECK(event.id.len == 7 && memcmp(event.id.data, "4711:42", 7) == 0 && event.type.len == 4);
    CHECK_INT(sse.retry_ms, 1500);
    CHECK_INT(used, len);
}

static void a_restart_forgets_what_is_incomplete(void)
{
    static const char first[] = "id: 1\ndata: a\n\nid: 2\nevent: t\ndata: b\n", second[] = "\xEF\xBB\xBF" "data: c\n\n";
    char memory[20];
    wick_sse_reader sse;
    wick_sse_event event;
    size_t used;
    wick_sse_init(&sse, memory, sizeof memory);
    CHECK_STATUS(wick_sse_next(&sse, first, sizeof first - 1, &used, &event), WICK_OK);
    CHECK_STATUS(wick_sse_next(&sse, first + used, sizeof first - 1 - used, &used, &event), WICK_MORE);
    wick_sse_restart(&sse);
    CHECK_STATUS(wick_sse_next(&sse, second, sizeof second - 1, &used, &event), WICK_OK);
    CHECK(event.id.len == 1 && event.id.data[0] == '1' && event.type.len == 0);
    CHECK(event.data.len == 1 && event.data.data[0] == 'c');
    /* It also ends an error. */
    CHECK_STATUS(wick_sse_next(&sse, "data: 1234567890123456789\ndata:", 31, &used, &event), WICK_MORE);
    CHECK_STATUS(wick_sse_next(&sse, "1", 1, &used, &event), WICK_E_EVENT_TOO_BIG);
    CHECK_STATUS(wick_sse_next(&sse, "\n\ndata:x\n\n", 10, &used, &event), WICK_E_EVENT_TOO_BIG);
    CHECK_INT(used, 0);
    wick_sse_restart(&sse);
    CHECK_STATUS(wick_sse_next(&sse, "data:x\n\n", 8, &used, &event), WICK_OK);
    CHECK_STATUS(wick_sse_next(&sse, NULL, 0, &used, &event), WICK_MORE);
}

int main(void)
{
    RUN(vectors);
    RUN(any_stream_reads_as_the_oracle_says);
    RUN(what_is_written_is_read);
    RUN(a_restart_forgets_what_is_incomplete);
    return test_end();
}
