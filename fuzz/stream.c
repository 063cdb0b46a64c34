/*
 * The stream log does what its model says, whatever is appended, read, resumed and dropped in whatever order: the input
 * is a script for tests/oracle/stream.c.
 */
#include <stdio.h>
#include <stdlib.h>

#include "oracle/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *wrong = oracle_stream_run(data, size);
    if (wrong) {
        fprintf(stderr, "%s\n", wrong);
        abort();
    }
    return 0;
}
