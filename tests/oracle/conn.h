/*
 * A connection, slowly: takes the whole stream of the peer's bytes and says what must come of it.
 */
#ifndef WICK_TESTS_ORACLE_CONN_H
#define WICK_TESTS_ORACLE_CONN_H

#include "lib/transcript.h"

typedef struct oracle_settings {
    wick_role role;
    uint64_t max_frame, max_message; /* 0: the documented default */
    uint64_t max_fragments;
    int closing;          /* we sent a close frame before the first byte came */
} oracle_settings;

/* result is overwritten; freed with outcome_free(). */
void oracle_conn(const oracle_settings *settings, const uint8_t *data, size_t len, outcome *result);

#endif
