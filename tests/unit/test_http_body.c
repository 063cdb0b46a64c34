/*
 * Bodies: how long one is, and the same pieces at every cut.
 */
#include "lib/test.h"
#include "wick/http.h"

static wick_str str(const char *text)
{
    wick_str s = {text, strlen(text)};
    return s;
}

/* ---- How long -------------------------------------------------------------------------------------------- */

typedef struct length_case {
    const char *coding, *length;
    int version;
    uint64_t max;
    wick_status status;
    int kind;
} length_case;

static void the_length_has_one_reading_or_none(void)
{
    static const length_case cases[] = {
        {NULL, NULL, 11, 0, WICK_OK, WICK_HTTP_BODY_NONE},
        {NULL, "0", 11, 0, WICK_OK, WICK_HTTP_BODY_NONE},
        {NULL, "5", 11, 5, WICK_OK, WICK_HTTP_BODY_LENGTH},
        {NULL, "5", 10, 5, WICK_OK, WICK_HTTP_BODY_LENGTH},
        {NULL, "005", 11, 5, WICK_OK, WICK_HTTP_BODY_LENGTH},
        {NULL, "6", 11, 5, WICK_E_BODY_TOO_BIG, 0},
        {NULL, "18446744073709551615", 11, WICK_NEVER, WICK_OK, WICK_HTTP_BODY_LENGTH},
        {NULL, "18446744073709551616", 11, WICK_NEVER, WICK_E_HTTP_LENGTH, 0},
        {NULL, "", 11, 5, WICK_E_HTTP_LENGTH, 0},
        {NULL, "-1", 11, 5, WICK_E_HTTP_LENGTH, 0},
        {NULL, "+1", 11, 5, WICK_E_HTTP_LENGTH, 0},
        {NULL, "0x5", 11, 5, WICK_E_HTTP_LENGTH, 0},
        {NULL, "5 5", 11, 5, WICK_E_HTTP_LENGTH, 0},
        {NULL, "5, 5", 11, 5, WICK_E_HTTP_LENGTH, 0},
        {"chunked", NULL, 11, 5, WICK_OK, WICK_HTTP_BODY_CHUNKED},
        {"CHUNKED", NULL, 11, 5, WICK_OK, WICK_HTTP_BODY_CHUNKED},
        {"chunked", NULL, 10, 5, WICK_E_HTTP_LENGTH, 0},
        {"chunked", "5", 11, 5, WICK_E_HTTP_LENGTH, 0},
        {"identity", NULL, 11, 5, WICK_E_HTTP_TRANSFER_CODING, 0},
        {"gzip, chunked", NULL, 11, 5, WICK_E_HTTP_TRANSFER_CODING, 0},
        {"chunked, chunked", NULL, 11, 5, WICK_E_HTTP_TRANSFER_CODING, 0},
        {"xchunked", NULL, 11, 5, WICK_E_HTTP_TRANSFER_CODING, 0},
        {"", NULL, 11, 5, WICK_E_HTTP_TRANSFER_CODING, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const length_case *c = &cases[i];
        wick_http_header headers[2];
        wick_http_request request = {0};
        wick_http_body body;
        wick_slice piece;
        size_t used;
        request.version = c->version;
        request.headers = headers;
        if (c->coding)
            headers[request.header_count++] = (wick_http_header){WICK_STR("transfer-Encoding"), str(c->coding)};
        if (c->length)
            headers[request.header_count++] = (wick_http_header){WICK_STR("Content-length"), str(c->length)};
        wick_status status = wick_http_body_init_request(&body, &request, c->max);
        if (status != c->status || (status == WICK_OK && body.kind != c->kind))
            test_fail(__FILE__, __LINE__, "case %zu: %s", i, wick_status_name(status));
        if (status != WICK_OK)
            CHECK_STATUS(wick_http_body_next(&body, NULL, 0, &used, &piece), c->status);
    }
}

static void repeated_fields_are_refused(void)
{
    const wick_http_header lengths[] = {{str("Content-Length"), str("5")}, {str("content-length"), str("5")}};
    const wick_http_header codings[] = {{str("Transfer-Encoding"), str("chunked")},
                                        {str("transfer-encoding"), str("chunked")}};
    wick_http_request request = {0};
    wick_http_body body;
    request.version = 11;
    request.headers = lengths;
    request.header_count = 2;
    CHECK_STATUS(wick_http_body_init_request(&body, &request, 5), WICK_E_HTTP_LENGTH);
    request.headers = codings;
    CHECK_STATUS(wick_http_body_init_request(&body, &request, 5), WICK_E_HTTP_TRANSFER_CODING);
}

static void responses_without_a_length_end_with_the_connection(void)
{
    const wick_http_header length = {str("Content-Length"), str("0")};
    wick_http_response response = {200, {"", 0}, 11, &length, 0};
    wick_http_body body;
    wick_slice piece;
    size_t used;
    CHECK_STATUS(wick_http_body_init_response(&body, &response, 4), WICK_OK);
    CHECK_INT(body.kind, WICK_HTTP_BODY_UNTIL_CLOSE);
    CHECK_STATUS(wick_http_body_next(&body, (const uint8_t *)"abc", 3, &used, &piece), WICK_OK);
    CHECK_INT(piece.len, 3);
    CHECK_STATUS(wick_http_body_next(&body, NULL, 0, &used, &piece), WICK_MORE);
    CHECK_STATUS(wick_http_body_next(&body, (const uint8_t *)"de", 2, &used, &piece), WICK_E_BODY_TOO_BIG);
    response.header_count = 1;
    CHECK_STATUS(wick_http_body_init_response(&body, &response, 4), WICK_OK);
    CHECK_INT(body.kind, WICK_HTTP_BODY_NONE);
    response.header_count = 0;
    for (int i = 0; i < 3; i++) {
        response.status = i == 0 ? 101 : i == 1 ? 204 : 304;
        CHECK_STATUS(wick_http_body_init_response(&body, &response, 4), WICK_OK);
        CHECK_INT(body.kind, WICK_HTTP_BODY_NONE);
    }
}

/* ---- Pieces ---------------------------------------------------------------------------------------------- */

static wick_http_body begin(int chunked, const char *length, uint64_t max)
{
    const wick_http_header header = {chunked ? str("transfer-encoding") : str("content-length"),
                                     chunked ? str("chunked") : str(length)};
    wick_http_request request = {0};
    wick_http_body body;
    request.version = 11;
    request.headers = &header;
    request.header_count = 1;
    CHECK_STATUS(wick_http_body_init_request(&body, &request, max), WICK_OK);
    return body;
}

typedef struct result {
    wick_status status; /* WICK_OK: the end was reached */
    size_t used;
    size_t len;
    char text[512];
} result;

/* Feed data[from..to), adding to r. */
static void feed(wick_http_body *body, const char *data, size_t from, size_t to, result *r)
{
    uint8_t *copy = test_guard_back(data + from, to - from);
    size_t at = 0;
    for (;;) {
        wick_slice piece;
        size_t used;
        wick_status status = wick_http_body_next(body, copy + at, to - from - at, &used, &piece);
        at += used;
        r->status = status;
        if (status != WICK_OK || piece.len == 0)
            break;
        CHECK(piece.data >= copy && piece.data + piece.len <= copy + (to - from));
        if (r->len + piece.len <= sizeof r->text)
            memcpy(r->text + r->len, piece.data, piece.len);
        r->len += piece.len;
    }
    r->used += at;
    test_unguard(copy, to - from);
}

/* The same at every two-way split and byte by byte. */
static void check_body(int chunked, const char *length, uint64_t max, const char *data, wick_status status, size_t used,
                       const char *text)
{
    size_t len = strlen(data);
    for (size_t cut = 0; cut <= len + 1; cut++) {
        wick_http_body body = begin(chunked, length, max);
        result r = {WICK_MORE, 0, 0, ""};
        if (cut <= len) {
            feed(&body, data, 0, cut, &r);
            if (r.status == WICK_MORE)
                feed(&body, data, cut, len, &r);
        }
        for (size_t i = 0; cut > len && i < len && r.status == WICK_MORE; i++)
            feed(&body, data, i, i + 1, &r);
        if (r.status != status || r.used != used || r.len != strlen(text) || memcmp(r.text, text, r.len) != 0)
            test_fail(__FILE__, __LINE__, "%s cut at %zu: %s after %zu, %.*s", data, cut, wick_status_name(r.status),
                      r.used, (int)r.len, r.text);
        CHECK(body.total == r.len);
    }
}

static void bodies_with_a_length(void)
{
    check_body(0, "5", 5, "helloNEXT", WICK_OK, 5, "hello");
    check_body(0, "5", 5, "hell", WICK_MORE, 4, "hell");
    check_body(0, "0", 5, "NEXT", WICK_OK, 0, "");
}

static void bodies_in_chunks(void)
{
    check_body(1, "", 100, "5\r\nhello\r\n0\r\n\r\nNEXT", WICK_OK, 15, "hello");
    check_body(1, "", 100, "5\r\nhello\r\n00a\r\n, world!!!\r\n0\r\n\r\n", WICK_OK, 32, "hello, world!!!");
    check_body(1, "", 100, "A;name=val;x=\"y z\"\r\n0123456789\r\n0;last\r\n\r\n", WICK_OK, 42, "0123456789");
    check_body(1, "", 100, "1 \r\na\r\n0\t\r\n\r\n", WICK_OK, 13, "a");
    check_body(1, "", 100, "0\r\nTrailer: x\r\nAnother:\r\n\r\nNEXT", WICK_OK, 27, "");
    check_body(1, "", 100, "1\r\na\r\n", WICK_MORE, 6, "a");
    check_body(1, "", 5, "5\r\nhello\r\n0\r\n\r\n", WICK_OK, 15, "hello");
    check_body(1, "", 4, "5\r\nhello\r\n", WICK_E_BODY_TOO_BIG, 2, "");
    check_body(1, "", 5, "3\r\nabc\r\n3\r\ndef\r\n", WICK_E_BODY_TOO_BIG, 10, "abc");
}

static void broken_chunks(void)
{
    check_body(1, "", 100, "\r\n", WICK_E_HTTP_CHUNK, 0, "");
    check_body(1, "", 100, "g\r\n", WICK_E_HTTP_CHUNK, 0, "");
    check_body(1, "", 100, "-1\r\n", WICK_E_HTTP_CHUNK, 0, "");
    check_body(1, "", 100, "0x5\r\n", WICK_E_HTTP_CHUNK, 1, "");
    check_body(1, "", 100, ";x\r\n", WICK_E_HTTP_CHUNK, 0, "");
    check_body(1, "", 100, "5\nhello", WICK_E_HTTP_CHUNK, 1, "");
    check_body(1, "", 100, "5\rhello", WICK_E_HTTP_CHUNK, 2, "");
    check_body(1, "", 100, "5;a\nhello", WICK_E_HTTP_CHUNK, 3, "");
    check_body(1, "", 100, "5\r\nhello0\r\n", WICK_E_HTTP_CHUNK, 8, "hello");
    check_body(1, "", 100, "5\r\nhello\n0\r\n", WICK_E_HTTP_CHUNK, 8, "hello");
    check_body(1, "", 100, "5\r\nhello\r0\r\n", WICK_E_HTTP_CHUNK, 9, "hello");
    check_body(1, "", 100, "11111111111111111\r\n", WICK_E_HTTP_CHUNK, 16, "");
    check_body(1, "", 100, "FFFFFFFFFFFFFFFF\r\n", WICK_E_BODY_TOO_BIG, 17, "");
    check_body(1, "", 100, "0\r\n folded\r\n", WICK_E_HTTP_CHUNK, 3, "");
    check_body(1, "", 100, "0\r\na: b\n", WICK_E_HTTP_CHUNK, 7, "");
    check_body(1, "", 100, "0\r\n\rx", WICK_E_HTTP_CHUNK, 4, "");
    /* A size is needed each time, and has its 16 digits each time. */
    check_body(1, "", 100, "1\r\na\r\n\r\n", WICK_E_HTTP_CHUNK, 6, "a");
    check_body(1, "", 100, "0000000000000001\r\na\r\n0000000000000001\r\nb\r\n0\r\n\r\n", WICK_OK, 47, "ab");
}

/* Neither an extension nor the trailer is read without end. */
static void framing_has_limits(void)
{
    wick_http_body body = begin(1, "", 100);
    wick_slice piece;
    size_t used, n = 0;
    wick_status status = wick_http_body_next(&body, (const uint8_t *)"0;", 2, &used, &piece);
    while (status == WICK_MORE && n < 100000) {
        status = wick_http_body_next(&body, (const uint8_t *)"x", 1, &used, &piece);
        n++;
    }
    CHECK_STATUS(status, WICK_E_HTTP_CHUNK);
    CHECK_INT(n, WICK_DEFAULT_HTTP_MAX_CHUNK_LINE - 1);
    body = begin(1, "", 100);
    status = wick_http_body_next(&body, (const uint8_t *)"0\r\n", 3, &used, &piece);
    for (n = 0; status == WICK_MORE && n < 1000; n++)
        status = wick_http_body_next(&body, (const uint8_t *)"a:\r\n", 4, &used, &piece);
    CHECK_STATUS(status, WICK_E_HTTP_CHUNK);
    CHECK_INT(n, 65);
    CHECK_STATUS(wick_http_body_next(&body, (const uint8_t *)"a", 1, &used, &piece), WICK_E_HTTP_CHUNK);
    CHECK_INT(used, 0);
}

/* What wick_http_chunk_begin() writes is what this reads. */
static void chunks_round_trip(void)
{
    char begin_line[WICK_HTTP_CHUNK_BEGIN_MAX];
    size_t n;
    CHECK_INT(wick_http_chunk_begin(10, begin_line), 3);
    CHECK_MEM(begin_line, "a\r\n", 3);
    CHECK_INT(wick_http_chunk_begin(4096, begin_line), 6);
    CHECK_MEM(begin_line, "1000\r\n", 6);
    n = wick_http_chunk_begin(SIZE_MAX, begin_line);
    CHECK_INT(n, sizeof(size_t) * 2 + 2);
    for (int i = 0; i < 200; i++) {
        size_t len = 1 + test_below(i < 100 ? 40 : 5000), used;
        static uint8_t data[6000];
        wick_http_body body = begin(1, "", 10000);
        wick_slice piece;
        n = wick_http_chunk_begin(len, (char *)data);
        memset(data + n, 'x', len);
        memcpy(data + n + len, WICK_HTTP_CHUNK_END WICK_HTTP_CHUNK_LAST, 7);
        CHECK_STATUS(wick_http_body_next(&body, data, n + len + 7, &used, &piece), WICK_OK);
        CHECK(piece.len == len && piece.data == data + n);
        CHECK_STATUS(wick_http_body_next(&body, data + used, 7, &used, &piece), WICK_OK);
        CHECK(piece.len == 0 && used == 7);
    }
}

int main(void)
{
    RUN(the_length_has_one_reading_or_none);
    RUN(repeated_fields_are_refused);
    RUN(responses_without_a_length_end_with_the_connection);
    RUN(bodies_with_a_length);
    RUN(bodies_in_chunks);
    RUN(broken_chunks);
    RUN(framing_has_limits);
    RUN(chunks_round_trip);
    return test_end();
}
