/*
 * Response heads, and the statuses that go into them.
 */
#include "http/sink.h"

wick_str wick_http_reason(unsigned status)
{
    static const struct {
        unsigned status;
        wick_str reason;
    } reasons[] = {
#define REASON(status, text) {status, {text, sizeof(text) - 1}}
        REASON(100, "Continue"), REASON(101, "Switching Protocols"), REASON(103, "Early Hints"), REASON(200, "OK"),
        REASON(201, "Created"), REASON(202, "Accepted"), REASON(204, "No Content"), REASON(301, "Moved Permanently"),
        REASON(302, "Found"), REASON(303, "See Other"), REASON(304, "Not Modified"), REASON(307, "Temporary Redirect"),
        REASON(308, "Permanent Redirect"), REASON(400, "Bad Request"), REASON(401, "Unauthorized"),
        REASON(403, "Forbidden"), REASON(404, "Not Found"), REASON(405, "Method Not Allowed"),
        REASON(406, "Not Acceptable"), REASON(408, "Request Timeout"), REASON(409, "Conflict"), REASON(410, "Gone"),
        REASON(411, "Length Required"), REASON(413, "Content Too Large"), REASON(414, "URI Too Long"),
        REASON(415, "Unsupported Media Type"), REASON(417, "Expectation Failed"),
        REASON(422, "Unprocessable Content"), REASON(426, "Upgrade Required"), REASON(428, "Precondition Required"),
        REASON(429, "Too Many Requests"), REASON(431, "Request Header Fields Too Large"),
        REASON(499, "Client Closed Request"), REASON(500, "Internal Server Error"), REASON(501, "Not Implemented"),
        REASON(502, "Bad Gateway"), REASON(503, "Service Unavailable"), REASON(504, "Gateway Timeout"),
        REASON(505, "HTTP Version Not Supported"),
#undef REASON
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return WICK_STR("Unknown");
}

unsigned wick_http_status_for(wick_status status)
{
    switch (status) {
    case WICK_E_HEAD_TIMEOUT:
        return 408;
    case WICK_E_BODY_TOO_BIG:
        return 413;
    case WICK_E_LINE_TOO_LONG:
        return 414;
    case WICK_E_FIELD_TOO_LONG:
    case WICK_E_HEAD_TOO_BIG:
    case WICK_E_TOO_MANY_FIELDS:
        return 431;
    case WICK_E_HTTP_TRANSFER_CODING:
        return 501;
    case WICK_E_HTTP_VERSION:
        return 505;
    default:
        return status < 0 && status > WICK_E_RSV ? 500 : 400;
    }
}

/* The two fields that say where a body ends are the library's to write. */
static void put_answer_fields(wick_sink *text, const wick_http_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (WICK_STR_IS(headers[i].name, "content-length") || WICK_STR_IS(headers[i].name, "transfer-encoding"))
            text->bad = 1;
        wick_sink_field(text, headers[i].name, headers[i].value);
    }
}

static void put_answer_length(wick_sink *text, const wick_http_answer *answer)
{
    if (answer->status < 200 || answer->status == 204 || answer->status == 304)
        return;
    if (answer->length == WICK_HTTP_UNTIL_CLOSE)
        return;
    if (answer->length == WICK_HTTP_CHUNKED) {
        WICK_SINK_LIT(text, "Transfer-Encoding: chunked\r\n");
        return;
    }
    WICK_SINK_LIT(text, "Content-Length: ");
    wick_sink_number(text, answer->length);
    WICK_SINK_LIT(text, "\r\n");
}

wick_status wick_http_answer_write(const wick_http_answer *answer, char *out, size_t cap, size_t *need)
{
    wick_sink text = wick_sink_begin(out, cap);
    if (answer->status < 100 || answer->status > 999)
        text.bad = 1;
    WICK_SINK_LIT(&text, "HTTP/1.1 ");
    wick_sink_number(&text, answer->status);
    WICK_SINK_LIT(&text, " ");
    wick_sink_str(&text, wick_http_reason(answer->status));
    WICK_SINK_LIT(&text, "\r\n");
    if (answer->content_type.len)
        wick_sink_field(&text, WICK_STR("Content-Type"), answer->content_type);
    put_answer_length(&text, answer);
    if (answer->close)
        WICK_SINK_LIT(&text, "Connection: close\r\n");
    put_answer_fields(&text, answer->headers, answer->header_count);
    WICK_SINK_LIT(&text, "\r\n");
    return wick_sink_end(&text, need);
}
