/*
 * SHA-1: published digests, every length around the block, and the accept key of RFC 6455.
 */
#include "base/sha1.h"
#include "lib/test.h"
#include "wick/base.h"

static void check_hex(const uint8_t *data, size_t len, const char *want)
{
    uint8_t digest[WICK_SHA1_SIZE + 2], expected[WICK_SHA1_SIZE];
    memset(digest, 0x5A, sizeof digest);
    wick_sha1(data, len, digest + 1);
    CHECK_INT(test_hex(want, expected, sizeof expected), WICK_SHA1_SIZE);
    CHECK_MEM(digest + 1, expected, WICK_SHA1_SIZE);
    CHECK(digest[0] == 0x5A && digest[WICK_SHA1_SIZE + 1] == 0x5A);
}

/* RFC 3174 section 7.3, and FIPS 180 example values. */
static void published_digests(void)
{
    static uint8_t text[1000000];
    const char *two_blocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    check_hex(NULL, 0, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    check_hex((const uint8_t *)"abc", 3, "a9993e364706816aba3e25717850c26c9cd0d89d");
    check_hex((const uint8_t *)two_blocks, strlen(two_blocks), "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    memset(text, 'a', sizeof text);
    check_hex(text, sizeof text, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    for (size_t i = 0; i < 640; i++)
        text[i] = (uint8_t)('0' + i % 8);
    check_hex(text, 640, "dea356a2cddd90c7a7ecedc5ebb563934f460452");
}

/*
 * The digests of 0, 1, 2 ... 256 bytes, one after the other, digested: every place the padding can be. The digest of the
 * digests was computed with another implementation (Python's hashlib).
 */
static void every_length_around_the_blocks(void)
{
    uint8_t digests[257 * WICK_SHA1_SIZE];
    for (size_t len = 0; len <= 256; len++) {
        uint8_t *data = test_guard_back(NULL, len);
        for (size_t i = 0; i < len; i++)
            data[i] = (uint8_t)(i * 7 + len);
        wick_sha1(data, len, digests + len * WICK_SHA1_SIZE);
        test_unguard(data, len);
    }
    check_hex(digests, sizeof digests, "8681feda61709fbd3fc9799edec18eab35cf98df");
}

/* RFC 6455 section 1.3. */
static void accept_key(void)
{
    const char *text = "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    uint8_t digest[WICK_SHA1_SIZE];
    char accept[WICK_BASE64_SIZE(WICK_SHA1_SIZE)];
    CHECK_INT(strlen(text), WICK_SHA1_ACCEPT_SIZE);
    wick_sha1_accept((const uint8_t *)text, digest);
    wick_base64_encode(digest, sizeof digest, accept);
    CHECK_MEM(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", sizeof accept);
}

static void accept_digest_is_the_digest(void)
{
    for (unsigned round = 0; round < 1000; round++) {
        uint8_t data[WICK_SHA1_ACCEPT_SIZE], fast[WICK_SHA1_SIZE], want[WICK_SHA1_SIZE];
        for (size_t i = 0; i < sizeof data; i++)
            data[i] = (uint8_t)(test_random() >> 24);
        wick_sha1(data, sizeof data, want);
        wick_sha1_accept(data, fast);
        CHECK_MEM(fast, want, sizeof want);
        wick_sha1_kernel_best()->accept(data, fast);
        CHECK_MEM(fast, want, sizeof want);
        wick_sha1_kernel_portable()->accept(data, fast);
        CHECK_MEM(fast, want, sizeof want);
    }
}

int main(void)
{
    RUN(published_digests);
    RUN(every_length_around_the_blocks);
    RUN(accept_key);
    RUN(accept_digest_is_the_digest);
    return test_end();
}
