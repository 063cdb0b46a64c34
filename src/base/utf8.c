/*
 * The tables of the UTF-8 automaton (see base/utf8.h) and the byte-wise validator. RFC 3629 section 4.
 */
#include "base/utf8.h"

/*
 * States, as shift counts. The well-formed sequences of RFC 3629 section 4, by what may come next:
 *
 *   U_1, U_2, U_3   that many more bytes, each 80..BF
 *   U_E0            after E0: A0..BF, then U_1         (below: overlong)
 *   U_ED            after ED: 80..9F, then U_1         (above: surrogates)
 *   U_F0            after F0: 90..BF, then U_2         (below: overlong)
 *   U_F4            after F4: 80..8F, then U_2         (above: beyond U+10FFFF)
 */
enum { U_0 = 0, U_BAD = WICK_UTF8_REJECT, U_1 = 12, U_2 = 18, U_3 = 24, U_E0 = 30, U_ED = 36, U_F0 = 42, U_F4 = 48 };

/* A row: the next state for each state, in the order of the enum. */
#define UTF8_ROW(s0, s1, s2, s3, e0, ed, f0, f4)                                                     \
    ((uint64_t)(s0) << U_0 | (uint64_t)U_BAD << U_BAD | (uint64_t)(s1) << U_1 | (uint64_t)(s2) << U_2 | \
     (uint64_t)(s3) << U_3 | (uint64_t)(e0) << U_E0 | (uint64_t)(ed) << U_ED | (uint64_t)(f0) << U_F0 | \
     (uint64_t)(f4) << U_F4)
/* A byte that may only come first, and one that may not. */
#define UTF8_LEAD(next) UTF8_ROW(next, U_BAD, U_BAD, U_BAD, U_BAD, U_BAD, U_BAD, U_BAD)
#define UTF8_TAIL(e0, ed, f0, f4) UTF8_ROW(U_BAD, U_0, U_1, U_2, e0, ed, f0, f4)

const uint64_t wick_utf8_row[12] = {
    UTF8_LEAD(U_0),                        /*  0: 00..7F */
    UTF8_TAIL(U_BAD, U_1, U_BAD, U_2),     /*  1: 80..8F */
    UTF8_TAIL(U_BAD, U_1, U_2, U_BAD),     /*  2: 90..9F */
    UTF8_TAIL(U_1, U_BAD, U_2, U_BAD),     /*  3: A0..BF */
    UTF8_LEAD(U_BAD),                      /*  4: C0 C1 F5..FF */
    UTF8_LEAD(U_1),                        /*  5: C2..DF */
    UTF8_LEAD(U_E0),                       /*  6: E0 */
    UTF8_LEAD(U_2),                        /*  7: E1..EC EE EF */
    UTF8_LEAD(U_ED),                       /*  8: ED */
    UTF8_LEAD(U_F0),                       /*  9: F0 */
    UTF8_LEAD(U_3),                        /* 10: F1..F3 */
    UTF8_LEAD(U_F4),                       /* 11: F4 */
};

#define UTF8_4(c) c, c, c, c
#define UTF8_16(c) UTF8_4(c), UTF8_4(c), UTF8_4(c), UTF8_4(c)

const uint8_t wick_utf8_class[256] = {
    UTF8_16(0), UTF8_16(0), UTF8_16(0), UTF8_16(0), UTF8_16(0), UTF8_16(0), UTF8_16(0), UTF8_16(0), /* 00..7F */
    UTF8_16(1), UTF8_16(2), UTF8_16(3), UTF8_16(3),                                                 /* 80..BF */
    4, 4, 5, 5, UTF8_4(5), UTF8_4(5), UTF8_4(5), UTF8_16(5),                                        /* C0..DF */
    6, 7, 7, 7, UTF8_4(7), UTF8_4(7), 7, 8, 7, 7,                                                   /* E0..EF */
    9, 10, 10, 10, 11, 4, 4, 4, UTF8_4(4), UTF8_4(4),                                               /* F0..FF */
};

size_t wick_utf8_scalar(uint32_t *state, const uint8_t *data, size_t len)
{
    uint64_t s = *state;
    size_t i;
    for (i = 0; i < len; i++) {
        s = wick_utf8_step(s, data[i]) & 63;
        if (s == WICK_UTF8_REJECT)
            break;
    }
    *state = (uint32_t)s;
    return i;
}

size_t wick_utf8_resume(uint32_t *state, const uint8_t *data, size_t from, size_t len)
{
    /* Data before `from` is good, so at most three bytes back is the lead byte of the character we may be in. */
    size_t back = from;
    while (back > 0 && from - back < 3 && data[back - 1] >= 0x80) {
        back--;
        if (data[back] >= 0xC0)
            break;
    }
    /* Three continuation bytes in a row end a character: there is nothing to go back for. */
    if (back < from && data[back] < 0xC0)
        back = from;
    *state = 0;
    return back + wick_utf8_scalar(state, data + back, len - back);
}
