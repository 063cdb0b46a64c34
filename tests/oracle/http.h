/*
 * A second HTTP/1.1 head parser, slow and obvious, that never stops in the middle: it reads what there is from the start
 * and says what a parser that stops at the first bad byte must say.
 */
#ifndef WICK_TESTS_ORACLE_HTTP_H
#define WICK_TESTS_ORACLE_HTTP_H

#include "wick/http.h"

#define ORACLE_FIELDS 128

typedef struct oracle_limits {
    size_t max_line, max_field, max_head, max_fields;
} oracle_limits;

typedef struct oracle_head {
    wick_status status;
    /* The head's length, the offset of the bad byte, or for WICK_MORE the bytes there were. */
    size_t at;
    wick_str method, target, reason;
    int version;
    unsigned code;
    size_t count;
    wick_http_header fields[ORACLE_FIELDS];
} oracle_head;

/* Read a request head, or a response head with response = 1. */
void oracle_http_head(int response, const uint8_t *data, size_t len, const oracle_limits *limits, oracle_head *out);

/* Whether a target is fit for a method: RFC 9112 section 3.2. */
int oracle_http_target(const char *method, size_t method_len, const char *target, size_t len);

/* Whether a text is host[:port]. */
int oracle_http_authority(const char *text, size_t len);

#endif
