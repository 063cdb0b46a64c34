/*
 * The kernels with AVX-512, for CPUs that run it without slowing down (those with VBMI2: Ice Lake, Zen 4 and later).
 *
 * The same as base/kernels_avx2.c, 64 bytes at a time, and twice as fast where text is not ASCII: a masked load reads
 * the rest of a buffer with zeros behind and touches nothing else, and tables of 64 bytes look nibbles up without
 * masking them.
 */
#include "base/kernels.h"

#if WICK_X86_SIMD

#include <immintrin.h>

#include "base/utf8.h"

#define AVX512_TARGET "avx512f,avx512bw,avx512vl,avx512vbmi,bmi2"
#define AVX512_FN __attribute__((target(AVX512_TARGET)))
#define AVX512_INLINE static inline __attribute__((target(AVX512_TARGET), always_inline))

AVX512_INLINE __m512i avx512_load(const uint8_t *p)
{
    return _mm512_loadu_si512((const void *)p);
}

AVX512_INLINE void avx512_store(uint8_t *p, __m512i v)
{
    _mm512_storeu_si512((void *)p, v);
}

AVX512_INLINE int avx512_is_ascii(__m512i v)
{
    return _mm512_movepi8_mask(v) == 0;
}

AVX512_INLINE int avx512_is_zero(__m512i v)
{
    return _mm512_test_epi8_mask(v, v) == 0;
}

/* A table of 16 bytes four times, so that a look-up by 6 bits heeds the lower 4 alone. */
AVX512_INLINE __m512i avx512_table(const uint8_t *table)
{
    return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)table));
}

/* Nonzero bytes where v, which follows prev, is wrong. A character that v leaves unfinished is no error yet. */
AVX512_INLINE __m512i avx512_errors(__m512i v, __m512i prev)
{
    const __m512i first_high = avx512_table(wick_utf8_first_high), first_low = avx512_table(wick_utf8_first_low);
    const __m512i second_high = avx512_table(wick_utf8_second_high);
    /* The 16-byte lanes of v, one up: what lies before each. */
    __m512i lanes = _mm512_alignr_epi64(v, prev, 6);
    __m512i before1 = _mm512_alignr_epi8(v, lanes, 15), before2 = _mm512_alignr_epi8(v, lanes, 14);
    __m512i before3 = _mm512_alignr_epi8(v, lanes, 13);
    __m512i pair = _mm512_ternarylogic_epi32(_mm512_permutexvar_epi8(_mm512_srli_epi16(before1, 4), first_high),
                                             _mm512_permutexvar_epi8(before1, first_low),
                                             _mm512_permutexvar_epi8(_mm512_srli_epi16(v, 4), second_high), 0x80);
    /* Top bit set where a third or fourth byte must be: exactly where the pair must be two continuation bytes. */
    __m512i third = _mm512_subs_epu8(before2, _mm512_set1_epi8((char)(0xE0 - 0x80)));
    __m512i fourth = _mm512_subs_epu8(before3, _mm512_set1_epi8((char)(0xF0 - 0x80)));
    return _mm512_ternarylogic_epi32(pair, _mm512_or_si512(third, fourth), _mm512_set1_epi8((char)0x80), 0x78);
}

/* Nonzero if v ends inside a character: a lead byte among its last three that wants more than there is. */
AVX512_INLINE __m512i avx512_open(__m512i v)
{
    const __m512i most = _mm512_set_epi64((long long)0xBFDFEFFFFFFFFFFF, -1, -1, -1, -1, -1, -1, -1);
    return _mm512_subs_epu8(v, most);
}

/*
 * The two kernels are one function: with `dst` NULL and key 0 it only checks. Inlined twice, so that the unused half
 * goes away.
 */
typedef struct avx512_run {
    const uint8_t *src;
    uint8_t *dst; /* == src, or NULL */
    __m512i key;
    __m512i prev; /* the 64 bytes before the next ones, unmasked */
    size_t at;    /* bytes done */
} avx512_run;

AVX512_INLINE __m512i avx512_take(const avx512_run *run, size_t offset)
{
    __m512i v = avx512_load(run->src + run->at + offset);
    if (run->dst) {
        v = _mm512_xor_si512(v, run->key);
        avx512_store(run->dst + run->at + offset, v);
    }
    return v;
}

/* The next 256 bytes; 0 if something is wrong there. */
AVX512_INLINE int avx512_step256(avx512_run *run)
{
    __m512i a = avx512_take(run, 0), b = avx512_take(run, 64), c = avx512_take(run, 128), d = avx512_take(run, 192);
    __m512i errors;
    if (avx512_is_ascii(_mm512_or_si512(_mm512_or_si512(a, b), _mm512_or_si512(c, d)))) {
        errors = avx512_open(run->prev);
    } else {
        errors = _mm512_or_si512(_mm512_or_si512(avx512_errors(a, run->prev), avx512_errors(b, a)),
                                 _mm512_or_si512(avx512_errors(c, b), avx512_errors(d, c)));
    }
    run->prev = d;
    return avx512_is_zero(errors);
}

/* The errors in v, which is next. */
AVX512_INLINE __m512i avx512_next(avx512_run *run, __m512i v)
{
    __m512i errors = avx512_is_ascii(v) ? avx512_open(run->prev) : avx512_errors(v, run->prev);
    run->prev = v;
    return errors;
}

/* The last n < 64 bytes, with zeros behind. They are not stored. */
AVX512_INLINE __m512i avx512_rest(const avx512_run *run, size_t n)
{
    __mmask64 lanes = _bzhi_u64(~UINT64_C(0), (unsigned)n);
    __m512i v = _mm512_maskz_loadu_epi8(lanes, run->src + run->at);
    return _mm512_xor_si512(v, _mm512_maskz_mov_epi8(lanes, run->key));
}

/*
 * 64 bytes or more that start between two characters. A character that is cut off at the end is an error here, so that
 * the automaton looks at it and leaves the state. The rest is stored as part of the last 64 bytes: a masked store takes
 * 4 ns.
 */
AVX512_INLINE size_t avx512_long(uint32_t *state, const uint8_t *src, uint8_t *dst, size_t len, uint32_t key)
{
    avx512_run run = {src, dst, _mm512_set1_epi32((int)key), _mm512_setzero_si512(), 0};
    __m512i last = _mm512_xor_si512(avx512_load(src + len - 64), _mm512_set1_epi32((int)wick_key_rotate(key, len)));
    __m512i errors = _mm512_setzero_si512();
    size_t from;
    for (; run.at + 256 <= len; run.at += 256)
        if (!avx512_step256(&run))
            return wick_utf8_resume(state, src, run.at, run.at + 256);
    from = run.at;
    for (; run.at + 64 <= len; run.at += 64)
        errors = _mm512_or_si512(errors, avx512_next(&run, avx512_take(&run, 0)));
    if (run.at < len)
        errors = _mm512_or_si512(errors, avx512_next(&run, avx512_rest(&run, len - run.at)));
    errors = _mm512_or_si512(errors, avx512_open(run.prev));
    if (dst)
        avx512_store(dst + len - 64, last);
    return WICK_LIKELY(avx512_is_zero(errors)) ? len : wick_utf8_resume(state, src, from, len);
}

/* Text that starts between two characters. */
AVX512_INLINE size_t avx512_check(uint32_t *state, const uint8_t *src, uint8_t *dst, size_t len, uint32_t key)
{
    avx512_run run = {src, dst, _mm512_set1_epi32((int)key), _mm512_setzero_si512(), 0};
    if (len <= WICK_SHORT_MAX && wick_short(dst, src, len, key, 1))
        return len;
    if (len >= 64)
        return avx512_long(state, src, dst, len, key);
    int fine = avx512_is_zero(avx512_errors(avx512_rest(&run, len), run.prev));
    if (dst)
        wick_short(dst, src, len, key, 0);
    return fine ? len : wick_utf8_scalar(state, src, len);
}

AVX512_FN static size_t avx512_utf8(uint32_t *state, const uint8_t *data, size_t len)
{
    size_t head = 0;
    if (WICK_UNLIKELY(*state != 0)) {
        head = wick_utf8_finish(state, data, NULL, len, 0);
        if (*state != 0)
            return head;
        data += head;
    }
    return head + avx512_check(state, data, NULL, len - head, 0);
}

AVX512_FN static size_t avx512_unmask_utf8(uint32_t *state, uint8_t *data, size_t len, uint32_t key)
{
    size_t head = 0;
    if (WICK_UNLIKELY(*state != 0)) {
        head = wick_utf8_finish(state, data, data, len, key);
        if (*state != 0)
            return head;
        data += head;
        key = wick_key_rotate(key, head);
    }
    return head + avx512_check(state, data, data, len - head, key);
}

/* As in base/kernels_avx2.c, on boundaries of 64 bytes. */
AVX512_FN static void avx512_mask(uint8_t *dst, const uint8_t *src, size_t len, uint32_t key)
{
    if (len <= WICK_SHORT_MAX) {
        wick_short(dst, src, len, key, 0);
        return;
    }
    size_t i = 64 - ((uintptr_t)dst & 63);
    __m512i first = _mm512_xor_si512(avx512_load(src), _mm512_set1_epi32((int)key));
    __m512i last = _mm512_xor_si512(avx512_load(src + len - 64), _mm512_set1_epi32((int)wick_key_rotate(key, len)));
    __m512i k = _mm512_set1_epi32((int)wick_key_rotate(key, i));
    for (; i + 256 <= len; i += 256) {
        __m512i a = _mm512_xor_si512(avx512_load(src + i), k), b = _mm512_xor_si512(avx512_load(src + i + 64), k);
        __m512i c = _mm512_xor_si512(avx512_load(src + i + 128), k);
        __m512i d = _mm512_xor_si512(avx512_load(src + i + 192), k);
        avx512_store(dst + i, a);
        avx512_store(dst + i + 64, b);
        avx512_store(dst + i + 128, c);
        avx512_store(dst + i + 192, d);
    }
    for (; i + 64 <= len; i += 64)
        avx512_store(dst + i, _mm512_xor_si512(avx512_load(src + i), k));
    avx512_store(dst, first);
    avx512_store(dst + len - 64, last);
}

const wick_kernels wick_kernels_avx512 = {"avx512", avx512_mask, avx512_utf8, avx512_unmask_utf8};

#endif
