/*
 * SHA-1 through OpenSSL: see wick_openssl.h.
 */
#include <string.h>

#include <openssl/sha.h>

#include "wick_openssl.h"

/* What Sec-WebSocket-Accept is the digest of: RFC 6455 section 4.2.2. */
#define ACCEPT_SIZE 60

static void openssl_accept(const uint8_t *data, uint8_t *digest)
{
    if (SHA1(data, ACCEPT_SIZE, digest) == NULL)
        memset(digest, 0, WICK_SHA1_SIZE);
}

const wick_sha1_kernel *wick_openssl_sha1_kernel(void)
{
    static const wick_sha1_kernel kernel = {"openssl", openssl_accept};
    return &kernel;
}
