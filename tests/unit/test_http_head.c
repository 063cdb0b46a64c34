/*
 * The head parser: vectors whole, at every two-way split and byte by byte, each time in other memory that ends at an
 * unreadable page; against the slow parser in tests/oracle; deadlines, limits, linear time.
 */
#include "lib/vectors.h"
#include "oracle/http.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define FIELDS 64

typedef struct setup {
    int response;
    wick_http_head_config config;
    size_t fields;
} setup;

typedef struct outcome {
    wick_status status;
    size_t length;
} outcome;

static wick_http_header fields[FIELDS];
static wick_http_head head;

static void begin(const setup *s)
{
    wick_status status = s->response ? wick_http_head_init_response(&head, &s->config, fields, s->fields, 0)
                                     : wick_http_head_init_request(&head, &s->config, fields, s->fields, 0);
    CHECK_STATUS(status, WICK_OK);
}

/* Feed the first len bytes from memory of their own. The copy lives until the next feed. */
static outcome feed_copy(const uint8_t *data, size_t len)
{
    static uint8_t *copy;
    static size_t copy_len;
    uint8_t *old = copy;
    copy = test_guard_back(data, len);
    outcome o = {wick_http_head_feed(&head, copy, len, 0), wick_http_head_length(&head)};
    if (old)
        test_unguard(old, copy_len);
    copy_len = len;
    return o;
}

static int same_outcome(outcome a, outcome b)
{
    return a.status == b.status && a.length == b.length;
}

/* What the head holds, as text, to compare two ways of reading. */
static void describe(const setup *s, char *out, size_t cap)
{
    wick_http_request q;
    wick_http_response p;
    size_t n;
    wick_http_head_request(&head, &q);
    wick_http_head_response(&head, &p);
    if (s->response)
        n = (size_t)snprintf(out, cap, "%u %d %.*s\n", p.status, p.version, (int)p.reason.len, p.reason.data);
    else
        n = (size_t)snprintf(out, cap, "%.*s %.*s %d\n", (int)q.method.len, q.method.data, (int)q.target.len,
                             q.target.data, q.version);
    for (size_t i = 0; i < q.header_count && n < cap; i++)
        n += (size_t)snprintf(out + n, cap - n, "%.*s=%.*s\n", (int)q.headers[i].name.len, q.headers[i].name.data,
                              (int)q.headers[i].value.len, q.headers[i].value.data);
}

static void describe_oracle(const setup *s, const oracle_head *o, char *out, size_t cap)
{
    size_t n;
    if (s->response)
        n = (size_t)snprintf(out, cap, "%u %d %.*s\n", o->code, o->version, (int)o->reason.len, o->reason.data);
    else
        n = (size_t)snprintf(out, cap, "%.*s %.*s %d\n", (int)o->method.len, o->method.data, (int)o->target.len,
                             o->target.data, o->version);
    for (size_t i = 0; i < o->count && n < cap; i++)
        n += (size_t)snprintf(out + n, cap - n, "%.*s=%.*s\n", (int)o->fields[i].name.len, o->fields[i].name.data,
                              (int)o->fields[i].value.len, o->fields[i].value.data);
}

static outcome run_whole(const setup *s, const uint8_t *data, size_t len)
{
    begin(s);
    return feed_copy(data, len);
}

static outcome run_bytewise(const setup *s, const uint8_t *data, size_t len)
{
    outcome o = {WICK_MORE, 0};
    begin(s);
    for (size_t i = 1; i <= len && o.status == WICK_MORE; i++) {
        o.status = wick_http_head_feed(&head, data, i, 0);
        o.length = wick_http_head_length(&head);
    }
    return o;
}

/* ---- Vectors --------------------------------------------------------------------------------------------- */

static setup setup_of(const test_vector *v)
{
    setup s = {0};
    const char *kind = test_vector_get(v, "kind");
    s.response = kind && strcmp(kind, "response") == 0;
    s.config.size = sizeof s.config;
    s.config.max_line = test_vector_number(v, "line", 0);
    s.config.max_field = test_vector_number(v, "field_max", 0);
    s.config.max_head = test_vector_number(v, "head", 0);
    s.fields = test_vector_number(v, "fields", FIELDS);
    return s;
}

static oracle_limits limits_of(const setup *s)
{
    oracle_limits limits = {s->config.max_line ? s->config.max_line : WICK_DEFAULT_HTTP_MAX_LINE,
                            s->config.max_field ? s->config.max_field : WICK_DEFAULT_HTTP_MAX_FIELD,
                            s->config.max_head ? s->config.max_head : WICK_DEFAULT_HTTP_MAX_HEAD, s->fields};
    return limits;
}

static void check_text(const test_vector *v, const char *key, wick_str got)
{
    const char *want = test_vector_get(v, key);
    if (want && (got.len != strlen(want) || memcmp(got.data, want, got.len) != 0))
        VECTOR_FAIL(v, "%s is %.*s, want %s", key, (int)got.len, got.data, want);
}

static void check_number(const test_vector *v, const char *key, size_t got)
{
    if (test_vector_number(v, key, got) != got)
        VECTOR_FAIL(v, "%s is %zu", key, got);
}

static void check_content(const test_vector *v)
{
    wick_http_request q;
    wick_http_response p;
    size_t seen = 0;
    char line[512];
    wick_http_head_request(&head, &q);
    wick_http_head_response(&head, &p);
    check_text(v, "method", q.method);
    check_text(v, "target", q.target);
    check_text(v, "scheme", q.scheme);
    check_text(v, "authority", q.authority);
    check_text(v, "path", q.path);
    check_text(v, "query", q.query);
    check_text(v, "reason", p.reason);
    check_number(v, "version", (size_t)q.version);
    check_number(v, "code", p.status);
    check_number(v, "count", q.header_count);
    for (size_t i = 0; i < v->row_count; i++) {
        if (strcmp(v->rows[i].key, "field") != 0)
            continue;
        if (seen < q.header_count)
            snprintf(line, sizeof line, "%.*s=%.*s", (int)q.headers[seen].name.len, q.headers[seen].name.data,
                     (int)q.headers[seen].value.len, q.headers[seen].value.data);
        if (seen++ >= q.header_count || strcmp(line, v->rows[i].value) != 0)
            VECTOR_FAIL(v, "field %zu is %s, want %s", seen - 1, line, v->rows[i].value);
    }
    if (seen && seen != q.header_count)
        VECTOR_FAIL(v, "%zu fields", q.header_count);
}

static char first_text[VECTOR_INPUT * 2], other_text[VECTOR_INPUT * 2];

static void check_oracle(const test_vector *v, const setup *s, outcome whole)
{
    static oracle_head oracle;
    oracle_limits limits = limits_of(s);
    oracle_http_head(s->response, v->input, v->input_len, &limits, &oracle);
    if (oracle.status != whole.status || oracle.at != whole.length)
        VECTOR_FAIL(v, "the oracle says %s at %zu", wick_status_name(oracle.status), oracle.at);
    describe_oracle(s, &oracle, other_text, sizeof other_text);
    if (whole.status == WICK_OK && strcmp(first_text, other_text) != 0)
        VECTOR_FAIL(v, "the oracle reads\n%sinstead of\n%s", other_text, first_text);
}

static void check_splits(const test_vector *v, const setup *s, outcome whole)
{
    size_t step = v->input_len > 2000 ? 97 : 1;
    for (size_t cut = 0; cut <= v->input_len; cut += step) {
        begin(s);
        outcome o = feed_copy(v->input, cut);
        if (o.status == WICK_MORE)
            o = feed_copy(v->input, v->input_len);
        describe(s, other_text, sizeof other_text);
        if (!same_outcome(o, whole) || strcmp(first_text, other_text) != 0) {
            VECTOR_FAIL(v, "cut at %zu: %s at %zu", cut, wick_status_name(o.status), o.length);
            return;
        }
    }
}

static void check_vector(const test_vector *v)
{
    const char *want = test_vector_get(v, "status");
    setup s = setup_of(v);
    char name[64] = "";
    long at = -1;
    if (!want || sscanf(want, "%63s %ld", name, &at) < 1) {
        VECTOR_FAIL(v, "no %s", "status");
        return;
    }
    outcome whole = run_whole(&s, v->input, v->input_len);
    if ((int)whole.status != test_status_named(v, name) || (at >= 0 && whole.length != (size_t)at))
        VECTOR_FAIL(v, "%s at %zu, want %s", wick_status_name(whole.status), whole.length, want);
    check_content(v);
    describe(&s, first_text, sizeof first_text);
    check_oracle(v, &s, whole);
    check_splits(v, &s, whole);
    outcome bytewise = run_bytewise(&s, v->input, v->input_len);
    if (!same_outcome(bytewise, whole))
        VECTOR_FAIL(v, "byte by byte: %s at %zu", wick_status_name(bytewise.status), bytewise.length);
}

static void vectors(void)
{
    test_vectors("http", check_vector);
}

/* ---- Against the oracle ---------------------------------------------------------------------------------- */

static const char *const seeds[] = {
    ("GET /chat?x=1 HTTP/1.1\r\nHost: server.example.com:80\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n\r\nframes"),
    "OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\nA:\t b \t\r\n\r\n",
    "GET http://a.example/b HTTP/1.1\r\nHost: a.example\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
};

/* Change, insert or remove a few bytes, mostly ones that mean something. */
static size_t mutate(uint8_t *data, size_t len, size_t cap)
{
    static const char special[] = "\r\n\t :,#/?%[]\x7f\x80\x01*HTP1.0";
    for (size_t n = test_below(4); n > 0; n--) {
        size_t at = test_below(len);
        uint8_t c = test_below(4) ? (uint8_t)special[test_below(sizeof special)] : (uint8_t)test_random();
        if (test_below(3) == 0 && len > 1) {
            memmove(data + at, data + at + 1, --len - at);
        } else if (test_below(2) && len < cap) {
            memmove(data + at + 1, data + at, len++ - at);
            data[at] = c;
        } else {
            data[at] = c;
        }
    }
    return len;
}

static void agrees_with_the_oracle(void)
{
    static oracle_head oracle;
    uint8_t data[1024];
    int rounds = 20000;
    for (int i = 0; i < rounds && !test_failed(); i++) {
        const char *seed = seeds[test_below(4)];
        size_t len = strlen(seed);
        setup s = {0};
        s.config.size = sizeof s.config;
        s.response = seed[0] == 'H';
        s.fields = test_below(8) ? FIELDS : test_below(4);
        s.config.max_line = test_below(8) ? 0 : 1 + test_below(60);
        s.config.max_field = test_below(8) ? 0 : 1 + test_below(60);
        s.config.max_head = test_below(8) ? 0 : 1 + test_below(300);
        memcpy(data, seed, len);
        len = mutate(data, len, sizeof data);
        oracle_limits limits = limits_of(&s);
        oracle_http_head(s.response, data, len, &limits, &oracle);
        outcome want = {oracle.status, oracle.at}, whole = run_whole(&s, data, len);
        describe_oracle(&s, &oracle, other_text, sizeof other_text);
        describe(&s, first_text, sizeof first_text);
        if (!same_outcome(whole, want) || (want.status == WICK_OK && strcmp(first_text, other_text) != 0))
            test_fail(__FILE__, __LINE__, "%s at %zu, the oracle says %s at %zu: %.*s", wick_status_name(whole.status),
                      whole.length, wick_status_name(want.status), want.length, (int)len, data);
        outcome bytewise = run_bytewise(&s, data, len);
        if (!same_outcome(bytewise, whole))
            test_fail(__FILE__, __LINE__, "byte by byte %s at %zu, whole %s at %zu: %.*s",
                      wick_status_name(bytewise.status), bytewise.length, wick_status_name(whole.status), whole.length,
                      (int)len, data);
    }
}

/* ---- Deadline, state, limits ------------------------------------------------------------------------------ */

static const uint8_t simple[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
#define SIMPLE_LEN (sizeof simple - 1)

static void a_head_that_dribbles_in_is_cut_off(void)
{
    wick_http_head_config config = {sizeof config, 0, 0, 0, 500};
    wick_http_head_init_request(&head, &config, fields, FIELDS, 1000);
    CHECK(wick_http_head_deadline(&head) == 1500);
    CHECK_STATUS(wick_http_head_feed(&head, simple, 3, 1000), WICK_MORE);
    CHECK_STATUS(wick_http_head_feed(&head, simple, 10, 1499), WICK_MORE);
    CHECK_STATUS(wick_http_head_feed(&head, simple, 10, 1500), WICK_E_HEAD_TIMEOUT);
    CHECK(wick_http_head_deadline(&head) == WICK_NEVER);
    CHECK_STATUS(wick_http_head_feed(&head, simple, SIMPLE_LEN, 1500), WICK_E_HEAD_TIMEOUT);
    CHECK_INT(wick_http_status_for(WICK_E_HEAD_TIMEOUT), 408);
}

static void the_default_timeout_and_none(void)
{
    wick_http_head_config config = {sizeof config, 0, 0, 0, WICK_NEVER};
    CHECK_STATUS(wick_http_head_init_request(&head, NULL, fields, FIELDS, 7), WICK_OK);
    CHECK(wick_http_head_deadline(&head) == 7 + WICK_DEFAULT_HTTP_TIMEOUT_MS);
    wick_http_head_init_request(&head, &config, fields, FIELDS, 7);
    CHECK(wick_http_head_deadline(&head) == WICK_NEVER);
    CHECK_STATUS(wick_http_head_feed(&head, simple, 3, WICK_NEVER - 1), WICK_MORE);
    CHECK_STATUS(wick_http_head_feed(&head, simple, SIMPLE_LEN, WICK_NEVER - 1), WICK_OK);
    CHECK(wick_http_head_deadline(&head) == WICK_NEVER);
}

static void a_config_of_another_size_is_refused(void)
{
    wick_http_head_config config = {sizeof config - 1, 0, 0, 0, 0};
    CHECK_STATUS(wick_http_head_init_request(&head, &config, fields, FIELDS, 0), WICK_E_CONFIG);
    CHECK_STATUS(wick_http_head_init_response(&head, &config, fields, FIELDS, 0), WICK_E_CONFIG);
}

static void results_stick_and_bytes_cannot_vanish(void)
{
    wick_http_head_init_request(&head, NULL, fields, FIELDS, 0);
    CHECK_STATUS(wick_http_head_feed(&head, NULL, 0, 0), WICK_MORE);
    CHECK_STATUS(wick_http_head_feed(&head, simple, 10, 0), WICK_MORE);
    CHECK_STATUS(wick_http_head_feed(&head, simple, 9, 0), WICK_E_ARG);
    CHECK_STATUS(wick_http_head_feed(&head, simple, SIMPLE_LEN, 0), WICK_OK);
    CHECK_STATUS(wick_http_head_feed(&head, (const uint8_t *)"\n", 1, 0), WICK_OK);
    CHECK_INT(wick_http_head_length(&head), SIMPLE_LEN);
    wick_http_head_init_request(&head, NULL, fields, FIELDS, 0);
    CHECK_STATUS(wick_http_head_feed(&head, (const uint8_t *)"\n", 1, 0), WICK_E_HTTP_REQUEST_LINE);
    CHECK_STATUS(wick_http_head_feed(&head, simple, SIMPLE_LEN, 0), WICK_E_HTTP_REQUEST_LINE);
}

static void the_state_may_be_moved(void)
{
    wick_http_head copy;
    wick_http_request request;
    wick_str host;
    wick_http_head_init_request(&head, NULL, fields, FIELDS, 0);
    CHECK_STATUS(wick_http_head_feed(&head, simple, SIMPLE_LEN - 1, 0), WICK_MORE);
    memcpy(&copy, &head, sizeof copy);
    memset(&head, 0xa5, sizeof head);
    CHECK_STATUS(wick_http_head_feed(&copy, simple, SIMPLE_LEN, 0), WICK_OK);
    wick_http_head_request(&copy, &request);
    CHECK_INT(wick_http_find(request.headers, request.header_count, WICK_STR("HOST"), &host), 1);
    CHECK_INT(host.len, 1);
}

/* What has been read is there for a log line, also after an error. */
static void an_error_leaves_what_was_read(void)
{
    static const uint8_t bad[] = "GET /x HTTP/1.1\r\nA: b\r\nHost: a\nx";
    wick_http_request request;
    wick_http_head_init_request(&head, NULL, fields, FIELDS, 0);
    wick_http_head_request(&head, &request);
    CHECK_INT(request.method.len + request.path.len + request.header_count, 0);
    CHECK_STATUS(wick_http_head_feed(&head, bad, sizeof bad - 1, 0), WICK_E_HTTP_LINE_END);
    wick_http_head_request(&head, &request);
    CHECK_INT(request.path.len, 2);
    CHECK_INT(request.header_count, 1);
    CHECK_INT(wick_http_head_length(&head), 30);
}

/* Pages that have been read are made unreadable: nothing looks at a byte twice, or goes back to the start of a line. */
static void byte_by_byte_is_linear(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), len = 3 * page;
    wick_http_head_config config = {sizeof config, 0, len + 1, len + 1, 0};
    uint8_t *data = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED)
        abort();
    size_t n = (size_t)snprintf((char *)data, len, "GET / HTTP/1.1\r\nHost: a\r\nA:");
    memset(data + n, 'x', len - n);
    wick_http_head_init_request(&head, &config, fields, FIELDS, 0);
    for (size_t i = 1; i <= len && !test_failed(); i++) {
        CHECK_STATUS(wick_http_head_feed(&head, data, i, 0), WICK_MORE);
        if (i % page == 0)
            mprotect(data + i - page, page, PROT_NONE);
    }
    CHECK_INT(wick_http_head_length(&head), len);
    munmap(data, len);
}

static void every_error_has_an_http_status(void)
{
    CHECK_INT(wick_http_status_for(WICK_E_HTTP_FOLD), 400);
    CHECK_INT(wick_http_status_for(WICK_E_LINE_TOO_LONG), 414);
    CHECK_INT(wick_http_status_for(WICK_E_FIELD_TOO_LONG), 431);
    CHECK_INT(wick_http_status_for(WICK_E_HEAD_TOO_BIG), 431);
    CHECK_INT(wick_http_status_for(WICK_E_TOO_MANY_FIELDS), 431);
    CHECK_INT(wick_http_status_for(WICK_E_BODY_TOO_BIG), 413);
    CHECK_INT(wick_http_status_for(WICK_E_HTTP_TRANSFER_CODING), 501);
    CHECK_INT(wick_http_status_for(WICK_E_HTTP_VERSION), 505);
}

int main(void)
{
    RUN(vectors);
    RUN(agrees_with_the_oracle);
    RUN(a_head_that_dribbles_in_is_cut_off);
    RUN(the_default_timeout_and_none);
    RUN(a_config_of_another_size_is_refused);
    RUN(results_stick_and_bytes_cannot_vanish);
    RUN(the_state_may_be_moved);
    RUN(an_error_leaves_what_was_read);
    RUN(byte_by_byte_is_linear);
    RUN(every_error_has_an_http_status);
    return test_end();
}
