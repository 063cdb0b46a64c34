/*
 * A slow second JSON validator, recursive and one byte at a time, written apart from src/json: both must agree on
 * every input, on the status and on the offset.
 */
#ifndef WICK_TESTS_ORACLE_JSON_H
#define WICK_TESTS_ORACLE_JSON_H

#include "wick/base.h"

/* Check one value with white space around it. lone is whether surrogates without their other half are fine. */
wick_status oracle_json(const uint8_t *data, size_t len, int max_depth, int lone, size_t *offset);

#endif
