/*
 * wick/http_answer.h - writers: response heads, problem documents (RFC 9457), chunks, server-sent events.
 *
 *     wick_http_answer answer = {0};
 *     answer.status = 200;
 *     answer.content_type = WICK_STR("text/plain");
 *     answer.length = 5;
 *     if (wick_http_answer_write(&answer, out, sizeof out, &n) == WICK_OK)
 *         send(out, n), send("hello", 5);
 *
 * Writers share one rule. They take `out`, `cap` and `need`. *need is always set to the bytes that the whole text
 * takes; if that is at most cap the text is written and the result is WICK_OK, else the result is WICK_E_SPACE and
 * what stands at out is undefined. out may be NULL if cap is 0, to ask for the size. No NUL is written. Names and
 * values that would break the syntax (CR, LF, NUL, other control characters) are WICK_E_ARG, and *need is 0.
 */
#ifndef WICK_HTTP_ANSWER_H
#define WICK_HTTP_ANSWER_H

#include "wick/http.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Responses ------------------------------------------------------------------------------------------- */

/** The value of wick_http_answer.length for a chunked body. */
#define WICK_HTTP_CHUNKED UINT64_MAX
/** The value of wick_http_answer.length for a body that ends with the connection. */
#define WICK_HTTP_UNTIL_CLOSE (UINT64_MAX - 1)

/** What a response head says. Zero is a fine default everywhere but in status. */
typedef struct wick_http_answer {
    unsigned status;
    /** Empty: no Content-Type */
    wick_str content_type;
    /** Content-Length, WICK_HTTP_CHUNKED or WICK_HTTP_UNTIL_CLOSE. Left out for 1xx, 204 and 304. */
    uint64_t length;
    /** 1: write `Connection: close` */
    int close;
    /** More fields, or NULL */
    const wick_http_header *headers;
    size_t header_count;
} wick_http_answer;

/**
 * Write a response head.
 *
 * Returns WICK_OK; WICK_E_SPACE; WICK_E_ARG for a status outside 100..999 or a field that would break the syntax.
 */
WICK_API wick_status wick_http_answer_write(const wick_http_answer *answer, char *out, size_t cap, size_t *need);

/** A problem document (RFC 9457), with members for what a proxy did to the request. Empty members are left out. */
typedef struct wick_http_problem {
    unsigned status;
    /** Empty: "about:blank" */
    wick_str type;
    /** Empty: the reason phrase of the status */
    wick_str title;
    /** What is wrong, for people */
    wick_str detail;
    /** What is wrong, for programs: "AUTH_REQUIRED" */
    wick_str code;
    /** What happened to the request on its way: a wick_cause_name() */
    wick_str cause;
    /** Who wrote the request's head: a wick_proxy_name() */
    wick_str proxy;
    /** What to change */
    wick_str hint;
    /** What the server saw, so that a client behind a proxy can tell what the proxy did */
    wick_str saw;
    /** For 405; empty is "GET" */
    wick_str allow;
    /** For 429 and 503: seconds for Retry-After; 0 leaves it out */
    uint32_t retry_after_s;
    /** 1: the answer to HEAD, which has no body */
    int head_only;
    /** 1: leave out `Connection: close`, because the request was read to its end */
    int keep_alive;
    /** 1: write the two fields of a 426 with another status too */
    int offer_websocket;
    /** More fields, or NULL */
    const wick_http_header *headers;
    size_t header_count;
} wick_http_problem;

/**
 * Write the JSON of a problem.
 *
 * Text is escaped. Bytes that are not UTF-8 become U+FFFD.
 */
WICK_API wick_status wick_http_problem_json(const wick_http_problem *problem, char *out, size_t cap, size_t *need);

/**
 * Write a whole problem response: head and body.
 *
 * The head carries `Content-Type: application/problem+json`, Content-Length, `Cache-Control: no-store`, and by status:
 * 401 `WWW-Authenticate: Bearer`; 405 Allow; 426 `Upgrade: websocket` and `Sec-WebSocket-Version: 13`; 429 and 503
 * Retry-After.
 */
WICK_API wick_status wick_http_problem_write(const wick_http_problem *problem, char *out, size_t cap, size_t *need);

/** Bytes that wick_http_chunk_begin() writes at most. */
#define WICK_HTTP_CHUNK_BEGIN_MAX 18
/** What follows the bytes of a chunk. */
#define WICK_HTTP_CHUNK_END "\r\n"
/** The last chunk, without trailer. */
#define WICK_HTTP_CHUNK_LAST "0\r\n\r\n"

/**
 * Write the line that begins a chunk.
 *
 * len   bytes of the chunk; not 0, which would be the last one
 * out   receives at most WICK_HTTP_CHUNK_BEGIN_MAX bytes
 *
 * Returns the bytes written. RFC 9112 section 7.1.
 */
WICK_API size_t wick_http_chunk_begin(size_t len, char *out);

/** One server-sent event. Members that are empty are left out. */
typedef struct wick_http_sse {
    /** For Last-Event-ID: no LF, CR or NUL */
    wick_str id;
    /** The event's type; left empty the browser calls onmessage */
    wick_str event;
    /** The data; a line end in it (LF, CR LF or CR) begins another `data:` line */
    wick_str data;
    /** A comment, for keeping the connection alive; one line */
    wick_str comment;
    /** Milliseconds before the browser reconnects; 0 leaves it out */
    uint32_t retry_ms;
    /** 1: write `data:` even though data is empty */
    int has_data;
} wick_http_sse;

/** Write a server-sent event with LF line ends and the empty line behind it (WHATWG HTML section 9.2). */
WICK_API wick_status wick_http_sse_write(const wick_http_sse *event, char *out, size_t cap, size_t *need);

#ifdef __cplusplus
}
#endif

#endif
