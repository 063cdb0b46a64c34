/*
 * A second reader of server-sent events: the whole stream at once, line by line, as the standard tells it.
 */
#ifndef WICK_TESTS_ORACLE_SSE_H
#define WICK_TESTS_ORACLE_SSE_H

#include "wick/sse.h"

#define ORACLE_SSE_EVENTS 64

typedef struct oracle_sse {
    wick_status status; /* WICK_MORE, or WICK_E_EVENT_TOO_BIG */
    size_t count;       /* events; those above ORACLE_SSE_EVENTS are counted only */
    struct {
        char *type, *data, *id;
        size_t type_len, data_len, id_len;
    } events[ORACLE_SSE_EVENTS];
    char *last_id;
    size_t last_id_len;
    uint64_t retry_ms;
} oracle_sse;

/* Read a stream with so many bytes of memory for an event. oracle_sse_free() gives back what it has made. */
void oracle_sse_read(const uint8_t *data, size_t len, size_t cap, oracle_sse *out);
void oracle_sse_free(oracle_sse *out);

#endif
