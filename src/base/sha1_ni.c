/*
 * The SHA-1 of the accept key with the CPU's own instructions (Intel SHA Extensions), and the choice of it.
 *
 * Each instruction does four rounds; the chain of them is what it takes, so everything else is put beside it.
 */
#include "base/bytes.h"
#include "base/kernels.h"
#include "base/sha1.h"
#include "wick/base.h"

static const wick_sha1_kernel sha1_portable = {"portable", wick_sha1_accept};

#if WICK_X86_SIMD

#include <cpuid.h>
#include <immintrin.h>

/* CPUID leaf 7 and leaf 1, as the Intel SDM names the bits. */
#define CPU7B_SHA (1u << 29)
#define CPU1C_SSSE3_SSE41 (1u << 9 | 1u << 19)

#define SHA_NI __attribute__((target("sha,ssse3,sse4.1")))

/* Four rounds with the words w of the block; e1 is the state before the last four, f says which function. */
#define SHA_NI_ROUNDS(w, f)                               \
    do {                                                  \
        __m128i sum = _mm_sha1nexte_epu32(e1, w);         \
        e1 = abcd;                                        \
        abcd = _mm_sha1rnds4_epu32(abcd, sum, f);         \
    } while (0)

/* The next four words into a, from the sixteen a, b, c, d. */
#define SHA_NI_SCHEDULE(a, b, c, d) \
    ((a) = _mm_sha1msg2_epu32(_mm_xor_si128(_mm_sha1msg1_epu32(a, b), c), d))

#define SHA_NI_NEXT(a, b, c, d, f)       \
    do {                                 \
        SHA_NI_SCHEDULE(a, b, c, d);     \
        SHA_NI_ROUNDS(a, f);             \
    } while (0)

typedef struct sha_ni_state {
    __m128i abcd, e;
} sha_ni_state;

/* One block, its sixteen words in w, the first in the highest place. */
SHA_NI static inline sha_ni_state sha_ni_block(sha_ni_state h, __m128i w0, __m128i w1, __m128i w2, __m128i w3)
{
    __m128i abcd = _mm_sha1rnds4_epu32(h.abcd, _mm_add_epi32(h.e, w0), 0), e1 = h.abcd;
    SHA_NI_ROUNDS(w1, 0);
    SHA_NI_ROUNDS(w2, 0);
    SHA_NI_ROUNDS(w3, 0);
    SHA_NI_NEXT(w0, w1, w2, w3, 0);
    SHA_NI_NEXT(w1, w2, w3, w0, 1);
    SHA_NI_NEXT(w2, w3, w0, w1, 1);
    SHA_NI_NEXT(w3, w0, w1, w2, 1);
    SHA_NI_NEXT(w0, w1, w2, w3, 1);
    SHA_NI_NEXT(w1, w2, w3, w0, 1);
    SHA_NI_NEXT(w2, w3, w0, w1, 2);
    SHA_NI_NEXT(w3, w0, w1, w2, 2);
    SHA_NI_NEXT(w0, w1, w2, w3, 2);
    SHA_NI_NEXT(w1, w2, w3, w0, 2);
    SHA_NI_NEXT(w2, w3, w0, w1, 2);
    SHA_NI_NEXT(w3, w0, w1, w2, 3);
    SHA_NI_NEXT(w0, w1, w2, w3, 3);
    SHA_NI_NEXT(w1, w2, w3, w0, 3);
    SHA_NI_NEXT(w2, w3, w0, w1, 3);
    SHA_NI_NEXT(w3, w0, w1, w2, 3);
    h.e = _mm_sha1nexte_epu32(e1, h.e);
    h.abcd = _mm_add_epi32(abcd, h.abcd);
    return h;
}

/* Four words in network byte order, the first in the highest place. */
SHA_NI static inline __m128i sha_ni_load(const uint8_t *p)
{
    const __m128i turn = _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    __m128i x;
    memcpy(&x, p, sizeof x);
    return _mm_shuffle_epi8(x, turn);
}

SHA_NI static void sha1_accept_ni(const uint8_t *data, uint8_t *digest)
{
    const __m128i turn = _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m128i zero = _mm_setzero_si128();
    /* RFC 3174 section 6.1, the five words that it begins with. */
    sha_ni_state h = {_mm_set_epi32(0x67452301, (int)0xEFCDAB89u, (int)0x98BADCFEu, 0x10325476),
                      _mm_set_epi32((int)0xC3D2E1F0u, 0, 0, 0)};
    /* The last 12 bytes, and behind them the bit that ends the text. */
    __m128i last = _mm_slli_si128(sha_ni_load(data + WICK_SHA1_ACCEPT_SIZE - 16), 4);
    last = _mm_or_si128(last, _mm_set_epi32(0, 0, 0, (int)0x80000000u));
    h = sha_ni_block(h, sha_ni_load(data), sha_ni_load(data + 16), sha_ni_load(data + 32), last);
    /* The second block is zeros and the length in bits. */
    h = sha_ni_block(h, zero, zero, zero, _mm_set_epi32(0, 0, 0, 8 * WICK_SHA1_ACCEPT_SIZE));
    h.abcd = _mm_shuffle_epi8(h.abcd, turn);
    memcpy(digest, &h.abcd, 16);
    wick_store32_be(digest + 16, (uint32_t)_mm_extract_epi32(h.e, 3));
}

static const wick_sha1_kernel sha1_ni = {"sha-ni", sha1_accept_ni};

/* These instructions use no registers but XMM, which every x86-64 system saves. */
static int cpu_has_sha(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & CPU1C_SSSE3_SSE41) != CPU1C_SSSE3_SSE41)
        return 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & CPU7B_SHA);
}

const wick_sha1_kernel *wick_sha1_kernel_best(void)
{
    return cpu_has_sha() ? &sha1_ni : &sha1_portable;
}

#else

const wick_sha1_kernel *wick_sha1_kernel_best(void)
{
    return &sha1_portable;
}

#endif

const wick_sha1_kernel *wick_sha1_kernel_portable(void)
{
    return &sha1_portable;
}
