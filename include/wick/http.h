/*
 * wick/http.h - the part of HTTP/1.1 that a WebSocket server needs: heads in, heads out, and what to make of them.
 *
 * An incremental, zero-copy parser for request and response heads (RFC 9112), strict where leniency has been a hole;
 * fields and lists; bodies with a length or in chunks. No I/O, no allocation. This header brings the two others of HTTP
 * with it, whose parts are each usable alone:
 *
 *   wick/http_request.h   what a request asks for, and who asks: URLs, cookies, tokens, origins, routes
 *   wick/http_answer.h    writers for responses, problem documents (RFC 9457) and server-sent events
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

#ifdef __cplusplus
}
#endif

#include "wick/http_answer.h"
#include "wick/http_request.h"

#endif
