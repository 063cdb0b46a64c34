/*
 * random.c - see random.h. Bytes that have been given out are wiped from the pool.
 */
#include "lib/random.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define POOL_SIZE 512

static unsigned char pool[POOL_SIZE];
static size_t pool_left;

static int from_kernel(unsigned char *out, size_t len)
{
    while (len > 0) {
        ssize_t got = getrandom(out, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return -1;
        out += got;
        len -= (size_t)got;
    }
    return 0;
}

int random_bytes(void *out, size_t len)
{
    if (len > POOL_SIZE / 4)
        return from_kernel(out, len);
    if (len > pool_left) {
        pool_left = 0;
        if (from_kernel(pool, sizeof pool) < 0)
            return -1;
        pool_left = sizeof pool;
    }
    pool_left -= len;
    memcpy(out, pool + pool_left, len);
    memset(pool + pool_left, 0, len);
    return 0;
}
