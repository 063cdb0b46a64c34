/*
 * The Runtime keeps its promise about runs, whatever its callers and agents do: the input is a script for
 * tests/oracle/runtime.c.
 */
#include <stdio.h>
#include <stdlib.h>

#include "oracle/runtime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *wrong = oracle_runtime_run(data, size);
    if (wrong) {
        fprintf(stderr, "%s\n", wrong);
        abort();
    }
    return 0;
}
