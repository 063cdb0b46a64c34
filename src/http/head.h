/*
 * The two halves of the head parser share this: which state the head is in, and what a finished element is checked for.
 */
#ifndef WICK_HTTP_HEAD_H
#define WICK_HTTP_HEAD_H

#include "wick/http.h"

enum { WICK_HEAD_REQUEST, WICK_HEAD_RESPONSE };

/* What the next byte is part of. */
enum {
    WICK_HEAD_BEGIN,       /* the first byte, or the one behind an empty line */
    WICK_HEAD_BEGIN_LF,    /* the LF of an empty line before the request line */
    WICK_HEAD_METHOD,
    WICK_HEAD_TARGET,
    WICK_HEAD_VERSION,     /* "HTTP/1.1", of either kind */
    WICK_HEAD_LINE_LF,     /* the LF behind the first line */
    WICK_HEAD_STATUS,      /* the three digits */
    WICK_HEAD_STATUS_END,  /* the SP or CR behind them */
    WICK_HEAD_REASON,
    WICK_HEAD_FIELD,       /* the first byte of a field line or of the empty line */
    WICK_HEAD_NAME,
    WICK_HEAD_BLANKS,      /* white space before the value */
    WICK_HEAD_VALUE,
    WICK_HEAD_FIELD_LF,    /* the LF behind a field line */
    WICK_HEAD_END_LF       /* the LF of the empty line */
};

/* Take the byte at head->at. Returns WICK_MORE to go on, WICK_OK when it was the last of the head, or the error. */
wick_status wick_head_step(wick_http_head *head, const uint8_t *data);

/* Check a target that is wholly there against its method; WICK_OK or WICK_E_HTTP_TARGET. */
wick_status wick_target_split(wick_str method, wick_str target, wick_http_request *request);

/* Take in a field that is wholly there; WICK_MORE, or WICK_E_HTTP_HOST for a second or malformed Host. */
wick_status wick_head_add_field(wick_http_head *head, wick_str name, wick_str value);

/* Begin the field line at head->at, whose first byte is c; WICK_MORE, WICK_E_HTTP_FOLD or WICK_E_TOO_MANY_FIELDS. */
wick_status wick_head_begin_field(wick_http_head *head, uint8_t c);

/* The head's last byte has come: WICK_OK, or WICK_E_HTTP_HOST if a request has none. */
wick_status wick_head_finish(const wick_http_head *head);

#endif
