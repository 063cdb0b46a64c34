/*
 * SHA-1, for Sec-WebSocket-Accept. RFC 3174.
 */
#include "base/sha1.h"

#include "base/bytes.h"
#include "wick/base.h"

#define SHA1_BLOCK 64
#define SHA1_ROUNDS 80

typedef struct sha1_words {
    uint32_t a, b, c, d, e;
} sha1_words;

static const sha1_words sha1_start = {0x67452301u, 0xEFCDAB89u, 0x98BADCFEu, 0x10325476u, 0xC3D2E1F0u};

static inline uint32_t rotate_left(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

/*
 * RFC 3174 section 6.1, steps a and b: the words of a block and what they expand to. w[t - 3] travels in a register:
 * from memory, gcc 12 makes vectors of two words out of this loop, whose loads wait for each other's stores, and the
 * whole digest takes more than twice as long.
 */
static void sha1_schedule(uint32_t w[SHA1_ROUNDS], const uint8_t *block)
{
    for (unsigned t = 0; t < 16; t++)
        w[t] = wick_load32_be(block + 4 * t);
    uint32_t back3 = w[13], back2 = w[14], back1 = w[15];
    for (unsigned t = 16; t < SHA1_ROUNDS; t++) {
        w[t] = rotate_left(back3 ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
        back3 = back2;
        back2 = back1;
        back1 = w[t];
    }
}

/* One round, with the words where they are: the next one has them one place further, and five bring them back. */
#define SHA1_ROUND(f, a, b, c, d, e, w)               \
    do {                                              \
        (e) += rotate_left(a, 5) + f(b, c, d) + (w);  \
        (b) = rotate_left(b, 30);                     \
    } while (0)

#define SHA1_20(f, x, w)                                              \
    for (unsigned t = 0; t < 20; t += 5) {                            \
        SHA1_ROUND(f, (x).a, (x).b, (x).c, (x).d, (x).e, (w)[t]);     \
        SHA1_ROUND(f, (x).e, (x).a, (x).b, (x).c, (x).d, (w)[t + 1]); \
        SHA1_ROUND(f, (x).d, (x).e, (x).a, (x).b, (x).c, (w)[t + 2]); \
        SHA1_ROUND(f, (x).c, (x).d, (x).e, (x).a, (x).b, (w)[t + 3]); \
        SHA1_ROUND(f, (x).b, (x).c, (x).d, (x).e, (x).a, (w)[t + 4]); \
    }

/* RFC 3174 section 5, each with its constant. */
#define SHA1_CHOOSE(b, c, d) ((((b) & ((c) ^ (d))) ^ (d)) + 0x5A827999u)
#define SHA1_PARITY(b, c, d) (((b) ^ (c) ^ (d)) + 0x6ED9EBA1u)
#define SHA1_MAJORITY(b, c, d) (((b) & (c)) + ((d) & ((b) ^ (c))) + 0x8F1BBCDCu)
#define SHA1_PARITY2(b, c, d) (((b) ^ (c) ^ (d)) + 0xCA62C1D6u)

static sha1_words sha1_rounds(sha1_words h, const uint32_t w[SHA1_ROUNDS])
{
    sha1_words x = h;
    SHA1_20(SHA1_CHOOSE, x, w)
    SHA1_20(SHA1_PARITY, x, w + 20)
    SHA1_20(SHA1_MAJORITY, x, w + 40)
    SHA1_20(SHA1_PARITY2, x, w + 60)
    x.a += h.a;
    x.b += h.b;
    x.c += h.c;
    x.d += h.d;
    x.e += h.e;
    return x;
}

static sha1_words sha1_block(sha1_words h, const uint8_t *block)
{
    uint32_t w[SHA1_ROUNDS];
    sha1_schedule(w, block);
    return sha1_rounds(h, w);
}

static void sha1_store(uint8_t *digest, sha1_words h)
{
    wick_store32_be(digest, h.a);
    wick_store32_be(digest + 4, h.b);
    wick_store32_be(digest + 8, h.c);
    wick_store32_be(digest + 12, h.d);
    wick_store32_be(digest + 16, h.e);
}

void wick_sha1(const uint8_t *data, size_t len, uint8_t *digest)
{
    sha1_words h = sha1_start;
    uint8_t end[2 * SHA1_BLOCK];
    size_t whole = len - len % SHA1_BLOCK, rest = len - whole;
    size_t end_len = rest + 9 <= SHA1_BLOCK ? SHA1_BLOCK : 2 * SHA1_BLOCK;
    for (size_t i = 0; i < whole; i += SHA1_BLOCK)
        h = sha1_block(h, data + i);
    memset(end, 0, sizeof end);
    if (rest != 0)
        memcpy(end, data + whole, rest);
    end[rest] = 0x80;
    wick_store64_be(end + end_len - 8, (uint64_t)len * 8);
    for (size_t i = 0; i < end_len; i += SHA1_BLOCK)
        h = sha1_block(h, end + i);
    sha1_store(digest, h);
}

/*
 * The schedule of the second block of a text of 60 bytes, which is 15 words of zeros and the length in bits, 480:
 * what sha1_schedule() makes of it.
 */
static const uint32_t sha1_accept_end[SHA1_ROUNDS] = {
    0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x00000000,
    0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x000001E0,
    0x00000000, 0x00000000, 0x000003C0, 0x00000000, 0x00000000, 0x00000780, 0x00000000, 0x000003C0,
    0x00000F00, 0x00000000, 0x00000000, 0x00001E00, 0x00000000, 0x00000CC0, 0x00003C00, 0x00000440,
    0x00000000, 0x00007800, 0x00000F00, 0x00003300, 0x0000F000, 0x00000F00, 0x00000000, 0x0001EF00,
    0x00000000, 0x0000CC00, 0x0003C000, 0x00004380, 0x00000000, 0x00078F00, 0x0000FF00, 0x00032680,
    0x000F0000, 0x0000F000, 0x00003300, 0x001EFF00, 0x00000000, 0x000CB800, 0x003C0000, 0x00040B00,
    0x0000F000, 0x0078FF00, 0x000FF000, 0x00338700, 0x00F00000, 0x000FC300, 0x0000F000, 0x01EFBB00,
    0x00000000, 0x00CC0000, 0x03C0F000, 0x00438000, 0x00000000, 0x078F0000, 0x00FF0000, 0x03269E00,
    0x0F000000, 0x00F0F000, 0x00333C00, 0x1EFF8800, 0x00000000, 0x0CB88800, 0x3C00F000, 0x040A4A00,
};

void wick_sha1_accept(const uint8_t *data, uint8_t *digest)
{
    uint8_t block[SHA1_BLOCK];
    memcpy(block, data, WICK_SHA1_ACCEPT_SIZE);
    wick_store32_be(block + WICK_SHA1_ACCEPT_SIZE, 0x80000000u);
    sha1_store(digest, sha1_rounds(sha1_block(sha1_start, block), sha1_accept_end));
}
