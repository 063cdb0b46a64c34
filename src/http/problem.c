/*
 * Problem documents: RFC 9457, as a response with the fields that its status calls for.
 */
#include "http/sink.h"

/* ---- JSON text ------------------------------------------------------------------------------------------- */

/* The length of the valid UTF-8 sequence at a text's start, or 0. */
static size_t problem_utf8_sequence(wick_str text)
{
    uint8_t first = (uint8_t)text.data[0];
    size_t want = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    uint32_t state = 0;
    if (first < 0xc2 || text.len < want)
        return 0;
    return wick_utf8_check(&state, (const uint8_t *)text.data, want) == want && state == 0 ? want : 0;
}

static void put_problem_escape(wick_sink *text, uint8_t c)
{
    static const char hex[] = "0123456789abcdef";
    char escape[6] = {'\\', 'u', '0', '0', 0, 0};
    escape[4] = hex[c >> 4];
    escape[5] = hex[c & 15];
    wick_sink_put(text, escape, sizeof escape);
}

static void put_problem_text(wick_sink *text, wick_str s)
{
    WICK_SINK_LIT(text, "\"");
    while (s.len > 0) {
        uint8_t c = (uint8_t)s.data[0];
        size_t n = 1;
        if (c == '"' || c == '\\') {
            WICK_SINK_LIT(text, "\\");
            wick_sink_put(text, s.data, 1);
        } else if (c < 0x20 || c == 0x7f) {
            put_problem_escape(text, c);
        } else if (c < 0x80) {
            wick_sink_put(text, s.data, 1);
        } else {
            n = problem_utf8_sequence(s);
            if (n)
                wick_sink_put(text, s.data, n);
            else
                WICK_SINK_LIT(text, "\\ufffd");
            n += n == 0;
        }
        s = wick_str_from(s, n);
    }
    WICK_SINK_LIT(text, "\"");
}

static void put_problem_member(wick_sink *text, const char *name, size_t name_len, wick_str value)
{
    if (value.len == 0)
        return;
    wick_sink_put(text, name, name_len);
    put_problem_text(text, value);
}

/* The name as it stands in the document, with the comma before it and the colon behind it. */
#define PUT_MEMBER(text, name, value) put_problem_member(text, ",\"" name "\":", sizeof(",\"" name "\":") - 1, value)

static void put_problem_json(wick_sink *text, const wick_http_problem *problem)
{
    WICK_SINK_LIT(text, "{\"type\":");
    put_problem_text(text, problem->type.len ? problem->type : WICK_STR("about:blank"));
    PUT_MEMBER(text, "title", problem->title.len ? problem->title : wick_http_reason(problem->status));
    WICK_SINK_LIT(text, ",\"status\":");
    wick_sink_number(text, problem->status);
    PUT_MEMBER(text, "detail", problem->detail);
    PUT_MEMBER(text, "code", problem->code);
    PUT_MEMBER(text, "cause", problem->cause);
    PUT_MEMBER(text, "proxy", problem->proxy);
    PUT_MEMBER(text, "hint", problem->hint);
    PUT_MEMBER(text, "saw", problem->saw);
    WICK_SINK_LIT(text, "}");
}

wick_status wick_http_problem_json(const wick_http_problem *problem, char *out, size_t cap, size_t *need)
{
    wick_sink text = wick_sink_begin(out, cap);
    put_problem_json(&text, problem);
    return wick_sink_end(&text, need);
}

/* ---- The response ---------------------------------------------------------------------------------------- */

/*
 * Connection, and the fields that a status calls for. A sender of Upgrade names it in Connection too: RFC 9110 section
 * 7.8.
 */
static void put_problem_fields(wick_sink *text, const wick_http_problem *problem)
{
    int upgrade = problem->status == 426 || problem->offer_websocket;
    if (upgrade)
        WICK_SINK_LIT(text, "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
    if (upgrade && problem->keep_alive)
        WICK_SINK_LIT(text, "Connection: Upgrade\r\n");
    else if (upgrade)
        WICK_SINK_LIT(text, "Connection: Upgrade, close\r\n");
    else if (!problem->keep_alive)
        WICK_SINK_LIT(text, "Connection: close\r\n");
    if (problem->status == 401)
        WICK_SINK_LIT(text, "WWW-Authenticate: Bearer\r\n");
    if (problem->status == 405)
        wick_sink_field(text, WICK_STR("Allow"), problem->allow.len ? problem->allow : WICK_STR("GET"));
    if ((problem->status == 429 || problem->status == 503) && problem->retry_after_s) {
        WICK_SINK_LIT(text, "Retry-After: ");
        wick_sink_number(text, problem->retry_after_s);
        WICK_SINK_LIT(text, "\r\n");
    }
    WICK_SINK_LIT(text, "Cache-Control: no-store\r\n");
}

wick_status wick_http_problem_write(const wick_http_problem *problem, char *out, size_t cap, size_t *need)
{
    wick_sink text = wick_sink_begin(out, cap), body = wick_sink_begin(NULL, 0);
    wick_http_answer answer;
    size_t head = 0;
    wick_status status;
    put_problem_json(&body, problem);
    memset(&answer, 0, sizeof answer);
    answer.status = problem->status;
    answer.content_type = WICK_STR("application/problem+json");
    answer.length = body.len;
    answer.headers = problem->headers;
    answer.header_count = problem->header_count;
    *need = 0;
    status = wick_http_answer_write(&answer, out, cap, &head);
    if (status != WICK_OK && status != WICK_E_SPACE)
        return status;
    /* Go on where the empty line stands. */
    text.len = head - 2;
    put_problem_fields(&text, problem);
    WICK_SINK_LIT(&text, "\r\n");
    if (!problem->head_only)
        put_problem_json(&text, problem);
    return wick_sink_end(&text, need);
}
