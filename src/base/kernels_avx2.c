/*
 * The kernels with AVX2.
 *
 * Validation is by the tables of base/utf8_lookup.c, fused with unmasking: a byte is loaded once, unmasked, checked in
 * its register, and stored once. The vectors only propose: where they object, and where a text ends inside a character,
 * the automaton of base/utf8.h runs over the last few bytes and decides. So index and state are those of the portable
 * version.
 *
 * Nothing outside the buffer is touched. What is left behind the last whole vector is read as the last 16 bytes of the
 * buffer, before an overlapping vector is written, and moved into place with a byte shuffle.
 */
#include "base/kernels.h"

#if WICK_X86_SIMD

#include <immintrin.h>

#include "base/utf8.h"

#define AVX2_FN __attribute__((target("avx2")))
#define AVX2_INLINE static inline __attribute__((target("avx2"), always_inline))

AVX2_INLINE __m256i avx2_load(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

AVX2_INLINE __m128i avx2_load16(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

AVX2_INLINE void avx2_store(uint8_t *p, __m256i v)
{
    _mm256_storeu_si256((__m256i *)(void *)p, v);
}

AVX2_INLINE void avx2_store16(uint8_t *p, __m128i v)
{
    _mm_storeu_si128((__m128i *)(void *)p, v);
}

/* ---- The lookup ------------------------------------------------------------------------------------------ */

/* A table of 16 bytes in both halves. */
AVX2_INLINE __m256i avx2_table(const uint8_t *table)
{
    return _mm256_broadcastsi128_si256(avx2_load16(table));
}

/* The bytes of v whose predecessors, n places before, are the last of prev. */
#define AVX2_BEFORE(v, prev, n) _mm256_alignr_epi8(v, _mm256_permute2x128_si256(prev, v, 0x21), 16 - (n))

/* Nonzero bytes where v, which follows prev, is wrong. A character that v leaves unfinished is no error yet. */
AVX2_INLINE __m256i avx2_errors(__m256i v, __m256i prev)
{
    const __m256i first_high = avx2_table(wick_utf8_first_high), first_low = avx2_table(wick_utf8_first_low);
    const __m256i second_high = avx2_table(wick_utf8_second_high);
    const __m256i nibble = _mm256_set1_epi8(0x0F);
    __m256i before1 = AVX2_BEFORE(v, prev, 1), before2 = AVX2_BEFORE(v, prev, 2), before3 = AVX2_BEFORE(v, prev, 3);
    __m256i pair = _mm256_and_si256(
        _mm256_and_si256(
            _mm256_shuffle_epi8(first_high, _mm256_and_si256(_mm256_srli_epi16(before1, 4), nibble)),
            _mm256_shuffle_epi8(first_low, _mm256_and_si256(before1, nibble))),
        _mm256_shuffle_epi8(second_high, _mm256_and_si256(_mm256_srli_epi16(v, 4), nibble)));
    /* Top bit set where a third or fourth byte must be: exactly where the pair must be two continuation bytes. */
    __m256i third = _mm256_subs_epu8(before2, _mm256_set1_epi8((char)(0xE0 - 0x80)));
    __m256i fourth = _mm256_subs_epu8(before3, _mm256_set1_epi8((char)(0xF0 - 0x80)));
    __m256i must = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8((char)0x80));
    return _mm256_xor_si256(pair, must);
}

/* Nonzero if v ends inside a character: a lead byte among its last three that wants more than there is. */
AVX2_INLINE __m256i avx2_open(__m256i v)
{
    const __m256i most = _mm256_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
                                          -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, (char)0xEF, (char)0xDF, (char)0xBF);
    return _mm256_subs_epu8(v, most);
}

/* ---- Checking and unmasking ------------------------------------------------------------------------------ */

/*
 * The two kernels are one function: with `dst` NULL and key 0 it only checks. Inlined twice, so that the unused half
 * goes away.
 */
typedef struct avx2_run {
    const uint8_t *src;
    uint8_t *dst; /* == src, or NULL */
    __m256i key;
    __m256i prev; /* the 32 bytes before the next ones, unmasked */
    size_t at;    /* bytes done */
} avx2_run;

AVX2_INLINE __m256i avx2_take(const avx2_run *run, size_t offset)
{
    __m256i v = avx2_load(run->src + run->at + offset);
    if (run->dst) {
        v = _mm256_xor_si256(v, run->key);
        avx2_store(run->dst + run->at + offset, v);
    }
    return v;
}

/* The next 128 bytes; 0 if something is wrong there. */
AVX2_INLINE int avx2_step128(avx2_run *run)
{
    __m256i a = avx2_take(run, 0), b = avx2_take(run, 32), c = avx2_take(run, 64), d = avx2_take(run, 96);
    __m256i errors;
    if (_mm256_movemask_epi8(_mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d))) == 0) {
        errors = avx2_open(run->prev);
    } else {
        errors = _mm256_or_si256(_mm256_or_si256(avx2_errors(a, run->prev), avx2_errors(b, a)),
                                 _mm256_or_si256(avx2_errors(c, b), avx2_errors(d, c)));
    }
    run->prev = d;
    return _mm256_testz_si256(errors, errors);
}

/* The errors in v, which is next. */
AVX2_INLINE __m256i avx2_next(avx2_run *run, __m256i v)
{
    __m256i errors = _mm256_movemask_epi8(v) == 0 ? avx2_open(run->prev) : avx2_errors(v, run->prev);
    run->prev = v;
    return errors;
}

/* 16 bytes of this, from n on: the first 16 - n bytes of a vector moved away, or with n >= 16 all of them. */
static const int8_t avx2_shift[48] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                      -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
                                      -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};

AVX2_INLINE __m128i avx2_drop(__m128i v, size_t n)
{
    return _mm_shuffle_epi8(v, avx2_load16((const uint8_t *)avx2_shift + n));
}

/* The last 1..31 bytes, zeros behind them; `last` is the last 16 bytes of the text, unmasked. */
AVX2_INLINE __m256i avx2_take_rest(const avx2_run *run, size_t rest, __m128i last)
{
    __m256i v;
    if (rest <= 16) {
        v = _mm256_inserti128_si256(_mm256_setzero_si256(), avx2_drop(last, 16 - rest), 0);
    } else {
        __m128i low = avx2_load16(run->src + run->at);
        if (run->dst) {
            low = _mm_xor_si128(low, _mm256_castsi256_si128(run->key));
            avx2_store16(run->dst + run->at, low);
        }
        v = _mm256_inserti128_si256(_mm256_castsi128_si256(low), avx2_drop(last, 32 - rest), 1);
    }
    if (run->dst)
        avx2_store16(run->dst + run->at + rest - 16, last);
    return v;
}

/*
 * 16 bytes or more that start between two characters. A character that is cut off at the end is an error here, so that
 * the automaton looks at it and leaves the state.
 */
AVX2_INLINE size_t avx2_long(uint32_t *state, const uint8_t *src, uint8_t *dst, size_t len, uint32_t key)
{
    avx2_run run = {src, dst, _mm256_set1_epi32((int)key), _mm256_setzero_si256(), 0};
    __m128i last = _mm_xor_si128(avx2_load16(src + len - 16), _mm_set1_epi32((int)wick_key_rotate(key, len)));
    __m256i errors = _mm256_setzero_si256();
    size_t from;
    for (; run.at + 128 <= len; run.at += 128)
        if (!avx2_step128(&run))
            return wick_utf8_resume(state, src, run.at, run.at + 128);
    from = run.at;
    for (; run.at + 32 <= len; run.at += 32)
        errors = _mm256_or_si256(errors, avx2_next(&run, avx2_take(&run, 0)));
    if (run.at < len)
        errors = _mm256_or_si256(errors, avx2_next(&run, avx2_take_rest(&run, len - run.at, last)));
    errors = _mm256_or_si256(errors, avx2_open(run.prev));
    return WICK_LIKELY(_mm256_testz_si256(errors, errors)) ? len : wick_utf8_resume(state, src, from, len);
}

/* 8..15 bytes that start between two characters and are not all ASCII, as one vector with zeros behind. */
AVX2_INLINE size_t avx2_word(uint32_t *state, const uint8_t *src, uint8_t *dst, size_t len, uint32_t key)
{
    uint64_t a = wick_load64(src) ^ wick_key_double(key);
    uint64_t b = wick_load64(src + len - 8) ^ wick_key_double(wick_key_rotate(key, len));
    if (dst) {
        wick_store64(dst, a);
        wick_store64(dst + len - 8, b);
    }
    /* In two shifts, since one of 64 bits is undefined. */
    __m128i v = _mm_set_epi64x((long long)(b >> 8 >> (120 - 8 * len)), (long long)a);
    __m256i errors = avx2_errors(_mm256_inserti128_si256(_mm256_setzero_si256(), v, 0), _mm256_setzero_si256());
    return _mm256_testz_si256(errors, errors) ? len : wick_utf8_scalar(state, src, len);
}

/* Text that starts between two characters. */
AVX2_INLINE size_t avx2_check(uint32_t *state, const uint8_t *src, uint8_t *dst, size_t len, uint32_t key)
{
    if (len <= WICK_SHORT_MAX && wick_short(dst, src, len, key, 1))
        return len;
    if (len >= 16)
        return avx2_long(state, src, dst, len, key);
    if (len >= 8)
        return avx2_word(state, src, dst, len, key);
    wick_short_below8(dst, src, len, key, 0);
    return wick_utf8_scalar(state, src, len);
}

AVX2_FN static size_t avx2_utf8(uint32_t *state, const uint8_t *data, size_t len)
{
    size_t head = 0;
    if (WICK_UNLIKELY(*state != 0)) {
        head = wick_utf8_finish(state, data, NULL, len, 0);
        if (*state != 0)
            return head;
        data += head;
    }
    return head + avx2_check(state, data, NULL, len - head, 0);
}

AVX2_FN static size_t avx2_unmask_utf8(uint32_t *state, uint8_t *data, size_t len, uint32_t key)
{
    size_t head = 0;
    if (WICK_UNLIKELY(*state != 0)) {
        head = wick_utf8_finish(state, data, data, len, key);
        if (*state != 0)
            return head;
        data += head;
        key = wick_key_rotate(key, head);
    }
    return head + avx2_check(state, data, data, len - head, key);
}

/* ---- Masking --------------------------------------------------------------------------------------------- */

/*
 * Long data is stored on 32-byte boundaries, so that no store, and in place no load, crosses a cache line. The first
 * and the last vector lie as they lie: they are loaded before anything is stored, and stored after everything else.
 */
AVX2_FN static void avx2_mask(uint8_t *dst, const uint8_t *src, size_t len, uint32_t key)
{
    if (len <= WICK_SHORT_MAX) {
        wick_short(dst, src, len, key, 0);
        return;
    }
    size_t i = 32 - ((uintptr_t)dst & 31);
    __m256i first = _mm256_xor_si256(avx2_load(src), _mm256_set1_epi32((int)key));
    __m256i last = _mm256_xor_si256(avx2_load(src + len - 32), _mm256_set1_epi32((int)wick_key_rotate(key, len)));
    __m256i k = _mm256_set1_epi32((int)wick_key_rotate(key, i));
    for (; i + 128 <= len; i += 128) {
        __m256i a = _mm256_xor_si256(avx2_load(src + i), k), b = _mm256_xor_si256(avx2_load(src + i + 32), k);
        __m256i c = _mm256_xor_si256(avx2_load(src + i + 64), k), d = _mm256_xor_si256(avx2_load(src + i + 96), k);
        avx2_store(dst + i, a);
        avx2_store(dst + i + 32, b);
        avx2_store(dst + i + 64, c);
        avx2_store(dst + i + 96, d);
    }
    for (; i + 32 <= len; i += 32)
        avx2_store(dst + i, _mm256_xor_si256(avx2_load(src + i), k));
    avx2_store(dst, first);
    avx2_store(dst + len - 32, last);
}

const wick_kernels wick_kernels_avx2 = {"avx2", avx2_mask, avx2_utf8, avx2_unmask_utf8};

#endif
