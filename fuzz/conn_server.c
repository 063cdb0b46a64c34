/*
 * A server's connection against the oracle: any bytes, cut anywhere, received by a host that pauses and blocks anywhere.
 */
#include "lib/differential.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *differs = differential(WICK_SERVER, data, size);
    if (differs) {
        fprintf(stderr, "%s\n", differs);
        abort();
    }
    return 0;
}
