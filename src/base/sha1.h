/*
 * The pieces of SHA-1 that the accept key is built from. RFC 3174; RFC 6455 section 4.2.2.
 */
#ifndef WICK_BASE_SHA1_H
#define WICK_BASE_SHA1_H

#include <stdint.h>

/* The bytes that Sec-WebSocket-Accept is the digest of: 24 of Sec-WebSocket-Key and 36 of the GUID. */
#define WICK_SHA1_ACCEPT_SIZE 60

/* wick_sha1() of exactly WICK_SHA1_ACCEPT_SIZE bytes, which is faster: the second block is the same for all. */
void wick_sha1_accept(const uint8_t *data, uint8_t *digest);

#endif
