/*
 * wick/http.h - the part of HTTP/1.1 that a WebSocket server needs: heads in, heads out, and what to make of them.
 *
 * An incremental, zero-copy parser for request and response heads (RFC 9112), strict where leniency has been a hole;
 * helpers for fields, lists, URLs, cookies, tokens, origins and routes, each usable alone; bodies with a length or in
 * chunks; writers for responses, problem documents (RFC 9457) and server-sent events. No I/O, no allocation.
 *
 *     wick_http_header fields[64];
 *     wick_http_head head;
 *     wick_http_request request;
 *
 *     wick_http_head_init_request(&head, NULL, fields, 64, now_ms);
 *     for (;;) {
 *         len += receive(buffer + len, sizeof buffer - len);            // the host's own I/O
 *         wick_status status = wick_http_head_feed(&head, buffer, len, now_ms);
 *         if (status == WICK_MORE)
 *             continue;                                                 // wick_http_head_deadline() says how long
 *         if (status < 0)
 *             return refuse(wick_http_status_for(status));              // 400, 408, 414, 431, 501, 505
 *         break;
 *     }
 *     wick_http_head_request(&head, &request);
 *     // what follows the head starts at buffer + wick_http_head_length(&head)
 *
 * Writers share one rule. They take `out`, `cap` and `need`. *need is always set to the bytes that the whole text
 * takes; if that is at most cap the text is written and the result is WICK_OK, else the result is WICK_E_SPACE and
 * what stands at out is undefined. out may be NULL if cap is 0, to ask for the size. No NUL is written. Names and
 * values that would break the syntax (CR, LF, NUL, other control characters) are WICK_E_ARG, and *need is 0.
 *
 * Nothing in this header blocks, allocates or keeps state outside the objects it is given.
 */
#ifndef WICK_HTTP_H
#define WICK_HTTP_H

#include "wick/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Limits ---------------------------------------------------------------------------------------------- */

/** Longest request line or status line in bytes, CR LF included. Longer is WICK_E_LINE_TOO_LONG (414). */
#ifndef WICK_DEFAULT_HTTP_MAX_LINE
#define WICK_DEFAULT_HTTP_MAX_LINE 8192
#endif
/** Longest field line in bytes, CR LF included. Longer is WICK_E_FIELD_TOO_LONG (431). */
#ifndef WICK_DEFAULT_HTTP_MAX_FIELD
#define WICK_DEFAULT_HTTP_MAX_FIELD 16384
#endif
/** Longest head in bytes, with the empty line at its end. Longer is WICK_E_HEAD_TOO_BIG (431). */
#ifndef WICK_DEFAULT_HTTP_MAX_HEAD
#define WICK_DEFAULT_HTTP_MAX_HEAD 16384
#endif
/** Milliseconds in which a head must be complete. Longer is WICK_E_HEAD_TIMEOUT (408). */
#ifndef WICK_DEFAULT_HTTP_TIMEOUT_MS
#define WICK_DEFAULT_HTTP_TIMEOUT_MS 10000
#endif
/** Longest line of a chunked body's framing (size, extensions, trailer) in bytes. Longer is WICK_E_HTTP_CHUNK. */
#ifndef WICK_DEFAULT_HTTP_MAX_CHUNK_LINE
#define WICK_DEFAULT_HTTP_MAX_CHUNK_LINE 1024
#endif
/** Captures that one route pattern can have. */
#ifndef WICK_HTTP_CAPTURES
#define WICK_HTTP_CAPTURES 4
#endif

/* ---- Heads ----------------------------------------------------------------------------------------------- */

/** One field of a head. The value is without the white space around it. */
typedef struct wick_http_header {
    wick_str name;
    wick_str value;
} wick_http_header;

/**
 * A request, parsed or put together by a host that speaks HTTP/2 or HTTP/3 (RFC 8441, RFC 9220).
 *
 * Slices point into the bytes that were fed, except a path of "/" that an absolute-form target leaves out.
 */
typedef struct wick_http_request {
    /** "GET". Case matters. */
    wick_str method;
    /** The target as it stood on the request line: "/a?b", "http://host/a?b", "*". */
    wick_str target;
    /** The scheme of an absolute-form target, or HTTP/2's :scheme; else empty. */
    wick_str scheme;
    /** host[:port] of an absolute-form or authority-form target, or HTTP/2's :authority; else empty. */
    wick_str authority;
    /** The path, still percent-encoded: "/a". "*" for OPTIONS *, empty for CONNECT. */
    wick_str path;
    /** The query behind the "?", still percent-encoded; empty if there is none. */
    wick_str query;
    /** HTTP/2's and HTTP/3's :protocol pseudo-header; always empty for a request that was parsed here. */
    wick_str protocol;
    /** 10 and 11 for HTTP/1.0 and 1.1, 12..19 for a later minor version; 20 and 30 for the hosts named above. */
    int version;
    const wick_http_header *headers;
    size_t header_count;
} wick_http_request;

/** A response, parsed. Slices point into the bytes that were fed. */
typedef struct wick_http_response {
    /** 100..999 */
    unsigned status;
    /** The text behind the status; may be empty. Means nothing. */
    wick_str reason;
    /** 10..19 */
    int version;
    const wick_http_header *headers;
    size_t header_count;
} wick_http_response;

/** Limits of a head. NULL in place of a config, or 0 in place of a number, means the default. */
typedef struct wick_http_head_config {
    /** sizeof(wick_http_head_config) */
    size_t size;
    /** WICK_DEFAULT_HTTP_MAX_LINE */
    size_t max_line;
    /** WICK_DEFAULT_HTTP_MAX_FIELD */
    size_t max_field;
    /** WICK_DEFAULT_HTTP_MAX_HEAD; at most 1 GiB */
    size_t max_head;
    /** WICK_DEFAULT_HTTP_TIMEOUT_MS; WICK_NEVER for none */
    uint64_t timeout_ms;
} wick_http_head_config;

/** A head that is being read. Fields are private. Needs no teardown. */
typedef struct wick_http_head {
    wick_http_header *headers;
    const uint8_t *base;
    uint64_t deadline;
    size_t header_cap;
    size_t header_count;
    uint32_t at;
    uint32_t line;
    uint32_t mark;
    uint32_t name_len;
    uint32_t first_at, first_len;
    uint32_t second_at, second_len;
    uint32_t max_line, max_field, max_head;
    int32_t result;
    uint16_t number;
    uint8_t state;
    uint8_t kind;
    uint8_t version;
    uint8_t hosts;
    uint8_t empty_lines;
} wick_http_head;

/**
 * Begin to read a request head.
 *
 * head         receives the state
 * config       limits, or NULL for the defaults
 * headers      room for the fields; must live as long as the head and the request made from it
 * header_cap   the number of fields that fit; one more is WICK_E_TOO_MANY_FIELDS (431)
 * now_ms       the time; the deadline is timeout_ms later
 *
 * Returns WICK_OK; WICK_E_CONFIG if config->size is unknown.
 */
WICK_API wick_status wick_http_head_init_request(wick_http_head *head, const wick_http_head_config *config,
                                                 wick_http_header *headers, size_t header_cap, uint64_t now_ms);

/** Begin to read a response head: like wick_http_head_init_request(). */
WICK_API wick_status wick_http_head_init_response(wick_http_head *head, const wick_http_head_config *config,
                                                  wick_http_header *headers, size_t header_cap, uint64_t now_ms);

/**
 * Read as much of a head as has come.
 *
 * Takes all bytes since the start of the head each time, of which it looks only at the new ones: a head that comes byte
 * by byte costs no more than one that comes whole. The bytes may lie elsewhere at each call; they must be the
 * same bytes. Nothing is written to them. An error is reported in the call that brings the first byte that proves it.
 *
 * Strict: lines end in CR LF (a lone LF or CR is refused), no white space before a colon, no folded lines, no control
 * characters; one empty line before the request line is skipped. A request must carry Host exactly once, well-formed
 * (HTTP/1.0: at most once).
 *
 * data     the bytes since the start of the head
 * len      how many have come; never fewer than at the last call
 * now_ms   the time
 *
 * Returns
 *   WICK_OK                    the head is complete; wick_http_head_length() bytes belong to it
 *   WICK_MORE                  so far so good
 *   WICK_E_HTTP_REQUEST_LINE   not `method SP target SP HTTP/1.x`
 *   WICK_E_HTTP_TARGET         the target is none of the four forms, or the form does not go with the method
 *   WICK_E_HTTP_VERSION        the major version is not 1 (505)
 *   WICK_E_HTTP_STATUS_LINE    not `HTTP/1.x SP three digits [SP reason]`
 *   WICK_E_HTTP_LINE_END       a lone CR or LF
 *   WICK_E_HTTP_FIELD_NAME     a field name is empty, holds a bad character, or is followed by white space
 *   WICK_E_HTTP_FIELD_VALUE    a control character in a value
 *   WICK_E_HTTP_FOLD           a folded line
 *   WICK_E_HTTP_HOST           Host is missing, repeated or malformed
 *   WICK_E_HTTP_TLS            the first byte is that of a TLS record
 *   WICK_E_LINE_TOO_LONG, WICK_E_FIELD_TOO_LONG, WICK_E_HEAD_TOO_BIG, WICK_E_TOO_MANY_FIELDS   a limit
 *   WICK_E_HEAD_TIMEOUT        not complete, and now_ms has reached the deadline
 *
 * Results other than WICK_MORE stick. RFC 9112 sections 2, 3, 4 and 5; RFC 9110 section 5.
 */
WICK_API wick_status wick_http_head_feed(wick_http_head *head, const uint8_t *data, size_t len, uint64_t now_ms);

/** Give the time at which to call wick_http_head_feed() though nothing has come; WICK_NEVER once the head has ended. */
WICK_API uint64_t wick_http_head_deadline(const wick_http_head *head);

/** Give the exact length of the head after WICK_OK; the offset of the bad byte after an error. */
WICK_API size_t wick_http_head_length(const wick_http_head *head);

/**
 * Give the request that was read.
 *
 * The slices point into the bytes of the last feed, the fields into the array given to init. After an error the fields
 * read so far are there, and the method, target and path if the request line was read: enough for a log line.
 */
WICK_API void wick_http_head_request(const wick_http_head *head, wick_http_request *request);

/** Give the response that was read: like wick_http_head_request(). */
WICK_API void wick_http_head_response(const wick_http_head *head, wick_http_response *response);

/**
 * Give the HTTP status that answers an error: 408, 413, 414, 431, 501 and 505 for those that have one of their own, 500
 * for a mistake or failure of this side (-1 to -29), 400 for any other.
 */
WICK_API unsigned wick_http_status_for(wick_status status);

/** Give the reason phrase of an HTTP status, such as "Not Found"; "Unknown" if it is not a registered one. Static. */
WICK_API wick_str wick_http_reason(unsigned status);

/* ---- Fields and lists ------------------------------------------------------------------------------------ */

/** Tell whether two texts are the same, the case of ASCII letters aside. */
WICK_API int wick_http_equal(wick_str a, wick_str b);

/** Tell whether a text is a token: one or more of the characters of RFC 9110 section 5.6.2. */
WICK_API int wick_http_is_token(wick_str text);

/** Tell whether a text may stand as a field value: no control character but HTAB, no white space at its ends. */
WICK_API int wick_http_is_value(wick_str text);

/**
 * Find a field.
 *
 * name    in any case
 * value   set to the value of the first such field, or to an empty text; may be NULL
 *
 * Returns how many fields have the name: 0 is absent, more than 1 is a repetition that most fields do not allow.
 */
WICK_API size_t wick_http_find(const wick_http_header *headers, size_t count, wick_str name, wick_str *value);

/**
 * Take the next element of a comma-separated list.
 *
 * Empty elements are skipped, white space around an element is cut, a comma inside a quoted string does not part.
 *
 * rest      the list; what is behind the element is left in it
 * element   set to the element
 *
 * Returns 1, or 0 at the end. RFC 9110 section 5.6.1.
 */
WICK_API int wick_http_list_next(wick_str *rest, wick_str *element);

/** The elements of all fields of one name, as if they stood in one list (RFC 9110 section 5.3). Fields are private. */
typedef struct wick_http_elements {
    const wick_http_header *headers;
    size_t count;
    wick_str name;
    wick_str rest;
} wick_http_elements;

/** Begin to go through the elements of all fields called name. */
WICK_API void wick_http_elements_init(wick_http_elements *elements, const wick_http_header *headers, size_t count,
                                      wick_str name);

/** Take the next element: like wick_http_list_next(). */
WICK_API int wick_http_elements_next(wick_http_elements *elements, wick_str *element);

/** Tell whether one of the elements of the fields called name is the token, in any case. */
WICK_API int wick_http_has_token(const wick_http_header *headers, size_t count, wick_str name, wick_str token);

/**
 * Take the next parameter of an element such as `permessage-deflate; client_max_window_bits; a="b"`.
 *
 * The first call gives the part before the first semicolon as a name without value. Quotes around a value are cut; a
 * backslash inside them is left as it is.
 *
 * rest    the element; what is behind the parameter is left in it
 * name    set to the name
 * value   set to the value; data is NULL if there is no "="
 *
 * Returns 1; 0 at the end; -1 if what comes is not `token [= (token | quoted-string)]`, after which *rest is empty.
 * RFC 6455 section 9.1; RFC 9110 section 5.6.6.
 */
WICK_API int wick_http_parameter_next(wick_str *rest, wick_str *name, wick_str *value);

/* ---- URLs ------------------------------------------------------------------------------------------------ */

/** The parts of an absolute URL. Slices point into the text, except a path of "/" where the text has none. */
typedef struct wick_url {
    /** "ws", "wss", "http" or "https", in the case of the text */
    wick_str scheme;
    /** host[:port] as it stands: the value for Host */
    wick_str authority;
    /** The host alone, without the brackets of an IPv6 address: what to resolve */
    wick_str host;
    /** Still percent-encoded; never empty */
    wick_str path;
    /** Behind the "?", still percent-encoded; may be empty */
    wick_str query;
    /** As written, or the scheme's: 80 or 443 */
    uint16_t port;
    /** 1 for wss and https */
    uint8_t secure;
} wick_url;

/**
 * Split an absolute URL of the schemes ws, wss, http and https.
 *
 * User information and fragments are refused (RFC 6455 section 3), so is what is not visible ASCII. Other characters
 * that RFC 3986 wants percent-encoded are let through, as browsers send them.
 *
 * Returns WICK_OK or WICK_E_URL. RFC 3986 section 3; RFC 6455 section 3.
 */
WICK_API wick_status wick_url_split(wick_str text, wick_url *url);

/**
 * Split host[:port], the value of Host.
 *
 * host   set to the host without brackets; may be NULL
 * port   set to the port, or to -1 if there is none; may be NULL
 *
 * Returns WICK_OK; WICK_E_URL if it is not a name, an IPv4 address or an IPv6 address in brackets, with a port of at
 * most 65535. RFC 9110 section 7.2; RFC 3986 section 3.2.
 */
WICK_API wick_status wick_url_split_authority(wick_str text, wick_str *host, int *port);

/**
 * Undo percent-encoding.
 *
 * form   1: a "+" is a space, as in the query of an HTML form
 * out    may be text.data, to decode in place; the result is never longer than the text
 * len    set to the bytes written
 *
 * Returns WICK_OK; WICK_E_URL for a "%" without two hex digits; WICK_E_SPACE if cap is too small. The result may hold
 * any byte, also NUL and bytes that are not UTF-8. RFC 3986 section 2.1.
 */
WICK_API wick_status wick_url_decode(wick_str text, int form, char *out, size_t cap, size_t *len);

/**
 * Find a parameter of a query such as `a=1&token=x%20y`.
 *
 * name    plain; names in the query are percent-decoded as they are compared
 * value   set to the first such value, still encoded: wick_url_decode() it with form = 1
 *
 * Returns how many parameters have the name.
 */
WICK_API size_t wick_url_query_find(wick_str query, wick_str name, wick_str *value);

/* ---- Who asks -------------------------------------------------------------------------------------------- */

/**
 * Find a cookie by its name, in which case matters (RFC 6265 section 5.4).
 *
 * value   set to the value without quotes around it
 *
 * Returns 1, or 0 if there is none.
 */
WICK_API int wick_http_cookie(const wick_http_header *headers, size_t count, wick_str name, wick_str *value);

/**
 * Find the token of `Authorization: Bearer TOKEN` (RFC 6750 section 2.1).
 *
 * Returns 1; 0 if there is no Authorization, or one of another scheme; -1 if it is repeated or malformed.
 */
WICK_API int wick_http_bearer(const wick_http_header *headers, size_t count, wick_str *token);

/**
 * Give the host that a request is for: the authority of its target if it has one, else Host.
 *
 * Returns WICK_OK; WICK_E_HTTP_HOST if Host is missing, repeated or malformed. A request without Host is fine in
 * HTTP/1.0 and gives an empty host. RFC 9112 sections 3.2 and 3.3.
 */
WICK_API wick_status wick_http_host(const wick_http_request *request, wick_str *host);

/**
 * Tell whether an Origin is that of the page's own server: same host and port as Host.
 *
 * Case does not matter, and a port that is left out is the one of the origin's scheme. The scheme itself is not
 * compared, because a proxy may have taken the TLS off. "null" and whatever is not `scheme://host[:port]` is not same.
 * RFC 6454 section 5.
 */
WICK_API int wick_http_origin_is_same(wick_str origin, wick_str host);

/**
 * Tell whether an Origin is on a list.
 *
 * An entry is an origin (`https://app.example`, compared without regard to case or to the default port), an origin
 * whose host begins with `*.` (any host below that name), the text `null`, or `*` for any.
 */
WICK_API int wick_http_origin_is_listed(wick_str origin, const wick_str *list, size_t count);

/* ---- Routes ---------------------------------------------------------------------------------------------- */

/**
 * One row of a route table.
 *
 * A pattern is a path matched by whole segments. A segment `{name}` takes any one segment that is not empty; `*` as
 * the last segment takes the rest of the path, also an empty one. Of several that match, the highest priority wins,
 * whatever the order; among equals the one with a plain segment where the other has `{name}` or `*`; then the first.
 */
typedef struct wick_http_route {
    /** "/ws/agent/{agent_name}", "/api/{rest}", or with a last segment of one asterisk */
    wick_str pattern;
    /** Methods in a list, "GET, POST": the value for Allow. Empty is any method. */
    wick_str methods;
    int priority;
    /** The host's own: which handler */
    int id;
} wick_http_route;

/** What a path matched. */
typedef struct wick_http_match {
    const wick_http_route *route;
    /** What `{name}` and `*` took, in order, still percent-encoded */
    wick_str captures[WICK_HTTP_CAPTURES];
    size_t capture_count;
} wick_http_match;

/**
 * Find the route of a path.
 *
 * Percent-encoded characters in the path compare equal to plain ones, except that %2F never parts segments. One
 * slash at the end of the path is ignored. "." and ".." are segments like others.
 *
 * routes, count   the table, in any order
 * method, path    of the request; path without the query
 * match           set to the route and its captures
 *
 * Returns 200; 404 if no pattern matches, and match->route is NULL; 405 if the winning pattern does not allow the
 * method, and match->route->methods is the value for Allow.
 */
WICK_API unsigned wick_http_route_find(const wick_http_route *routes, size_t count, wick_str method, wick_str path,
                                       wick_http_match *match);

/* ---- Bodies ---------------------------------------------------------------------------------------------- */

/** How the end of a body is found (RFC 9112 section 6.3). */
typedef enum wick_http_body_kind {
    WICK_HTTP_BODY_NONE,
    WICK_HTTP_BODY_LENGTH,
    WICK_HTTP_BODY_CHUNKED,
    /** Responses only: the body ends with the connection. */
    WICK_HTTP_BODY_UNTIL_CLOSE
} wick_http_body_kind;

/** A body that is being read. `kind` and `total` may be read; the rest is private. Needs no teardown. */
typedef struct wick_http_body {
    /** A wick_http_body_kind */
    uint8_t kind;
    uint8_t state;
    uint8_t trailer;
    uint8_t digits;
    uint32_t line;
    /** Body bytes given out so far */
    uint64_t total;
    uint64_t left;
    uint64_t max;
    int32_t result;
} wick_http_body;

/**
 * Begin to read the body of a request.
 *
 * max   the most body bytes to take; 0 refuses any body, WICK_NEVER takes all
 *
 * Returns
 *   WICK_OK                       body->kind says what comes
 *   WICK_E_HTTP_LENGTH            Content-Length is repeated, not a number, or beside Transfer-Encoding; or an HTTP/1.0
 *                                 request has Transfer-Encoding
 *   WICK_E_HTTP_TRANSFER_CODING   a transfer coding other than `chunked` alone (501)
 *   WICK_E_BODY_TOO_BIG           Content-Length is above max (413)
 *
 * RFC 9112 sections 6.1 to 6.3.
 */
WICK_API wick_status wick_http_body_init_request(wick_http_body *body, const wick_http_request *request, uint64_t max);

/** Begin to read the body of a response to GET: like wick_http_body_init_request(). 1xx, 204 and 304 have none. */
WICK_API wick_status wick_http_body_init_response(wick_http_body *body, const wick_http_response *response,
                                                  uint64_t max);

/**
 * Take the next piece of a body.
 *
 * data, len   bytes as they came, cut anywhere; only what *used left over is given again
 * used        set to the bytes consumed, whatever is returned
 * piece       set to body bytes: a slice of data
 *
 * Returns
 *   WICK_OK               *piece holds at least one byte; call again from data + *used
 *                         an empty *piece is the end of the body: data + *used belongs to what follows
 *   WICK_MORE             all of data is consumed, and there was no body byte in it
 *   WICK_E_HTTP_CHUNK     the framing of a chunked body is broken
 *   WICK_E_BODY_TOO_BIG   the body is longer than max (413)
 *
 * Errors and the end stick. Chunk extensions and trailer fields are skipped. RFC 9112 section 7.1.
 */
WICK_API wick_status wick_http_body_next(wick_http_body *body, const uint8_t *data, size_t len, size_t *used,
                                         wick_slice *piece);

/* ---- Writers --------------------------------------------------------------------------------------------- */

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

/** A problem document (RFC 9457) with the members `code`, `hint` and `saw`. Empty members are left out. */
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
