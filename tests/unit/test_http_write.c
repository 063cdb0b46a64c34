/*
 * Writers: response heads, problem documents, server-sent events. Each at its exact size, flush against an unreadable page,
 * and refused at every smaller one.
 */
#include "lib/test.h"
#include "wick/http.h"

static wick_str str(const char *text)
{
    wick_str s = {text, strlen(text)};
    return s;
}

typedef wick_status (*writer)(const void *what, char *out, size_t cap, size_t *need);

static wick_status write_answer(const void *what, char *out, size_t cap, size_t *need)
{
    return wick_http_answer_write(what, out, cap, need);
}

static wick_status write_problem(const void *what, char *out, size_t cap, size_t *need)
{
    return wick_http_problem_write(what, out, cap, need);
}

static wick_status write_problem_json(const void *what, char *out, size_t cap, size_t *need)
{
    return wick_http_problem_json(what, out, cap, need);
}

static wick_status write_sse(const void *what, char *out, size_t cap, size_t *need)
{
    return wick_http_sse_write(what, out, cap, need);
}

static void check_written(writer write, const void *what, const char *want)
{
    size_t need = 0, len = 0;
    CHECK_STATUS(write(what, NULL, 0, &need), WICK_E_SPACE);
    char *out = (char *)test_guard_back(NULL, need);
    for (size_t cap = 1; cap < need; cap++) {
        CHECK_STATUS(write(what, out + need - cap, cap, &len), WICK_E_SPACE);
        CHECK(len == need);
    }
    CHECK_STATUS(write(what, out, need, &len), WICK_OK);
    CHECK(len == need);
    if (need != strlen(want) || memcmp(out, want, need) != 0)
        test_fail(__FILE__, __LINE__, "wrote\n%.*s\nnot\n%s", (int)need, out, want);
    test_unguard((uint8_t *)out, need);
}

static void check_refused(writer write, const void *what)
{
    char out[1024];
    size_t need = 7;
    CHECK_STATUS(write(what, out, sizeof out, &need), WICK_E_ARG);
    CHECK_INT(need, 0);
}

/* ---- Answers --------------------------------------------------------------------------------------------- */

static void answers(void)
{
    const wick_http_header extra[] = {{str("X-A"), str("b c")}, {str("Set-Cookie"), str("d=e; HttpOnly")}};
    wick_http_answer a = {0};
    a.status = 200;
    check_written(write_answer, &a, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    a.content_type = str("text/html; charset=utf-8");
    a.length = 18446744073709551613u;
    a.close = 1;
    a.headers = extra;
    a.header_count = 2;
    check_written(write_answer, &a,
                  "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 18446744073709551613\r\n"
                  "Connection: close\r\nX-A: b c\r\nSet-Cookie: d=e; HttpOnly\r\n\r\n");
    a.length = WICK_HTTP_CHUNKED;
    a.close = 0;
    a.header_count = 0;
    a.content_type = str("text/event-stream");
    check_written(write_answer, &a,
                  "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    a.length = WICK_HTTP_UNTIL_CLOSE;
    a.content_type = str("");
    check_written(write_answer, &a, "HTTP/1.1 200 OK\r\n\r\n");
    a.length = 0;
    a.status = 103;
    check_written(write_answer, &a, "HTTP/1.1 103 Early Hints\r\n\r\n");
    a.status = 204;
    check_written(write_answer, &a, "HTTP/1.1 204 No Content\r\n\r\n");
    a.status = 304;
    check_written(write_answer, &a, "HTTP/1.1 304 Not Modified\r\n\r\n");
    a.status = 299;
    check_written(write_answer, &a, "HTTP/1.1 299 Unknown\r\nContent-Length: 0\r\n\r\n");
}

static void answers_that_would_break(void)
{
    const wick_http_header bad[] = {{str("A"), str("b\r\nSet-Cookie: c")}, {str("A"), str("b\n")}, {str("A\r\n"), str("b")},
                                    {str(""), str("b")}, {str("A"), {"b\0c", 3}}, {str("Content-Length"), str("0")},
                                    {str("transfer-encoding"), str("chunked")}, {str("A"), str(" b")}};
    wick_http_answer a = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        a.status = 200;
        a.headers = &bad[i];
        a.header_count = 1;
        check_refused(write_answer, &a);
    }
    a.header_count = 0;
    a.status = 99;
    check_refused(write_answer, &a);
    a.status = 1000;
    check_refused(write_answer, &a);
    a.status = 200;
    a.content_type = str("a\r\nb");
    check_refused(write_answer, &a);
}

/* ---- Problems -------------------------------------------------------------------------------------------- */

static void problems(void)
{
    wick_http_problem p = {0};
    p.status = 404;
    check_written(write_problem_json, &p, "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404}");
    p.type = str("https://a/b");
    p.title = str("T");
    p.detail = str("D");
    p.code = str("C");
    p.hint = str("H");
    p.saw = str("S");
    check_written(write_problem_json, &p,
                  "{\"type\":\"https://a/b\",\"title\":\"T\",\"status\":404,\"detail\":\"D\",\"code\":\"C\",\"hint\":\"H\","
                  "\"saw\":\"S\"}");
}

static void text_in_problems_is_escaped(void)
{
    wick_http_problem p = {0};
    p.status = 400;
    p.title = str("\"\\\b\n\x1f\x7f/<\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    p.detail = str("\xc3|\xe2\x82|\xff|\xed\xa0\x80|\xc0\x80|\xf4\x90\x80\x80|\x80");
    p.code = (wick_str){"\0", 1};
    p.hint = (wick_str){"x\xc3", 2};
    check_written(write_problem_json, &p,
                  "{\"type\":\"about:blank\","
                  "\"title\":\"\\\"\\\\\\u0008\\u000a\\u001f\\u007f/<\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\","
                  "\"status\":400,\"detail\":\"\\ufffd|\\ufffd\\ufffd|\\ufffd|\\ufffd\\ufffd\\ufffd|\\ufffd\\ufffd|"
                  "\\ufffd\\ufffd\\ufffd\\ufffd|\\ufffd\",\"code\":\"\\u0000\",\"hint\":\"x\\ufffd\"}");
}

static void problem_responses(void)
{
    const wick_http_header stamp = {str("X-Served-By"), str("wick")};
    wick_http_problem p = {0};
    p.status = 429;
    p.code = str("RATE_LIMITED");
    p.retry_after_s = 30;
    p.headers = &stamp;
    p.header_count = 1;
    check_written(write_problem, &p,
                  "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/problem+json\r\nContent-Length: 85\r\n"
                  "X-Served-By: wick\r\nConnection: close\r\nRetry-After: 30\r\nCache-Control: no-store\r\n\r\n"
                  "{\"type\":\"about:blank\",\"title\":\"Too Many Requests\",\"status\":429,\"code\":\"RATE_LIMITED\"}");
    memset(&p, 0, sizeof p);
    p.status = 405;
    p.allow = str("GET, POST");
    p.keep_alive = 1;
    p.head_only = 1;
    check_written(write_problem, &p,
                  "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: application/problem+json\r\nContent-Length: 64\r\n"
                  "Allow: GET, POST\r\nCache-Control: no-store\r\n\r\n");
    p.allow = str("a\r\n");
    check_refused(write_problem, &p);
    p.allow = str("");
    p.headers = &(wick_http_header){str("a"), str("\n")};
    p.header_count = 1;
    check_refused(write_problem, &p);
}

/* ---- Events ---------------------------------------------------------------------------------------------- */

static void events(void)
{
    wick_http_sse e = {0};
    check_written(write_sse, &e, ":\n\n");
    e.data = str("{\"a\":1}");
    check_written(write_sse, &e, "data: {\"a\":1}\n\n");
    e.id = str("e1:42");
    check_written(write_sse, &e, "id: e1:42\ndata: {\"a\":1}\n\n");
    e.event = str("tick");
    e.retry_ms = 2000;
    e.comment = str("hello");
    check_written(write_sse, &e, ": hello\nretry: 2000\nevent: tick\nid: e1:42\ndata: {\"a\":1}\n\n");
    memset(&e, 0, sizeof e);
    e.data = str("a\nb\r\nc\rd\r\n\n");
    check_written(write_sse, &e, "data: a\ndata: b\ndata: c\ndata: d\ndata: \ndata: \n\n");
    e.data = str("");
    e.has_data = 1;
    check_written(write_sse, &e, "data: \n\n");
    memset(&e, 0, sizeof e);
    e.retry_ms = 2000;
    check_written(write_sse, &e, "retry: 2000\n\n");
}

static void events_that_would_break(void)
{
    wick_http_sse e = {0};
    e.id = str("a\nb");
    check_refused(write_sse, &e);
    e.id = (wick_str){"a\0", 2};
    check_refused(write_sse, &e);
    e.id = str("");
    e.event = str("a\rb");
    check_refused(write_sse, &e);
    e.event = str("");
    e.comment = str("a\n\ndata: b");
    check_refused(write_sse, &e);
}

int main(void)
{
    RUN(answers);
    RUN(answers_that_would_break);
    RUN(problems);
    RUN(text_in_problems_is_escaped);
    RUN(problem_responses);
    RUN(events);
    RUN(events_that_would_break);
    return test_end();
}
