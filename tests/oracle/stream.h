/*
 * A second implementation of the stream log that is slow and obvious: an array of all events ever, walked from the
 * start for each question, and a driver that decodes a script of operations, does each with the library and with the
 * model, and compares. The same driver serves the property tests and the fuzzer.
 */
#ifndef WICK_TESTS_ORACLE_STREAM_H
#define WICK_TESTS_ORACLE_STREAM_H

#include <stddef.h>
#include <stdint.h>

/* Run a script. Returns NULL, or what differed (static text, good until the next call). */
const char *oracle_stream_run(const uint8_t *script, size_t len);

/* What scripts have done so far, so that a test can see that it was not idle. */
typedef struct oracle_stream_count {
    uint64_t appended, full, messages, merged, waits, lost, resets, resumed, snapshots, truncated, evicted;
} oracle_stream_count;
extern oracle_stream_count oracle_stream_counted;

#endif
