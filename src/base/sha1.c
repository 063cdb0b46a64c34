/*
 * SHA-1, for Sec-WebSocket-Accept. RFC 3174.
 */
#include "base/sha1.h"

#include "base/bytes.h"
#include "wick/base.h"

#define SHA1_BLOCK 64

static uint32_t rotate_left(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

/* RFC 3174 section 5, with the round constants by section 6.1. */
static uint32_t sha1_f(unsigned t, uint32_t b, uint32_t c, uint32_t d)
{
    if (t < 20)
        return ((b & (c ^ d)) ^ d) + 0x5A827999u;
    if (t < 40)
        return (b ^ c ^ d) + 0x6ED9EBA1u;
    if (t < 60)
        return ((b & c) | (d & (b | c))) + 0x8F1BBCDCu;
    return (b ^ c ^ d) + 0xCA62C1D6u;
}

/* RFC 3174 section 6.2: the 80 rounds with a ring of 16 words. */
static void sha1_block(uint32_t h[5], const uint8_t *p)
{
    uint32_t w[16];
    uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (unsigned t = 0; t < 16; t++)
        w[t] = wick_load32_be(p + 4 * t);
    for (unsigned t = 0; t < 80; t++) {
        uint32_t x = w[t % 16];
        uint32_t sum = rotate_left(a, 5) + sha1_f(t, b, c, d) + e + x;
        w[t % 16] = rotate_left(w[(t + 13) % 16] ^ w[(t + 8) % 16] ^ w[(t + 2) % 16] ^ x, 1);
        e = d;
        d = c;
        c = rotate_left(b, 30);
        b = a;
        a = sum;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

void wick_sha1(const uint8_t *data, size_t len, uint8_t *digest)
{
    uint32_t h[5] = {0x67452301u, 0xEFCDAB89u, 0x98BADCFEu, 0x10325476u, 0xC3D2E1F0u};
    uint8_t end[2 * SHA1_BLOCK];
    size_t whole = len - len % SHA1_BLOCK, rest = len - whole;
    size_t end_len = rest + 9 <= SHA1_BLOCK ? SHA1_BLOCK : 2 * SHA1_BLOCK;
    for (size_t i = 0; i < whole; i += SHA1_BLOCK)
        sha1_block(h, data + i);
    memset(end, 0, sizeof end);
    if (rest != 0)
        memcpy(end, data + whole, rest);
    end[rest] = 0x80;
    wick_store64_be(end + end_len - 8, (uint64_t)len * 8);
    for (size_t i = 0; i < end_len; i += SHA1_BLOCK)
        sha1_block(h, end + i);
    for (unsigned i = 0; i < 5; i++)
        wick_store32_be(digest + 4 * i, h[i]);
}

void wick_sha1_accept(const uint8_t *data, uint8_t *digest)
{
    wick_sha1(data, WICK_SHA1_ACCEPT_SIZE, digest);
}
