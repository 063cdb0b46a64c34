/*
 * The tables of the vector validation, for every vector width. Keiser and Lemire, Validating UTF-8 in less than one
 * instruction per byte, Software: Practice and Experience 51 (2021).
 *
 * What can be wrong with a byte and the one before it is one of a few things, a bit each. Three tables, by the high and
 * the low nibble of the first byte and by the high nibble of the second, each say which of them are possible; what all
 * three say is so. That two continuation bytes follow each other is right where a third or fourth byte must be, and
 * nowhere else: that depends on the bytes two and three places before, and is found by comparison.
 */
#include "base/utf8.h"

enum {
    PAIR_SHORT = 0x01,     /* 11______ 0_______, 11______ 11______ */
    PAIR_LONG = 0x02,      /* 0_______ 10______ */
    PAIR_OVER3 = 0x04,     /* 11100000 100_____: overlong */
    PAIR_LARGE = 0x08,     /* 11110100 1001____, 11110100 101_____, and 11110101 1001____ and up */
    PAIR_SURROGATE = 0x10, /* 11101101 101_____ */
    PAIR_OVER2 = 0x20,     /* 1100000_ 10______: overlong */
    PAIR_OVER4 = 0x40,     /* 11110000 1000____: overlong */
    PAIR_LARGE80 = 0x40,   /* 11110101 1000____ and up */
    PAIR_TAILS = 0x80,     /* 10______ 10______ */

    PAIR_ANY = PAIR_SHORT | PAIR_LONG | PAIR_TAILS, /* does not depend on the low nibble */
    PAIR_BEYOND = PAIR_ANY | PAIR_LARGE | PAIR_LARGE80,
    PAIR_TAIL = PAIR_LONG | PAIR_OVER2 | PAIR_TAILS
};

const uint8_t wick_utf8_first_high[16] = {
    PAIR_LONG,  PAIR_LONG,  PAIR_LONG,  PAIR_LONG,  PAIR_LONG,               PAIR_LONG,  PAIR_LONG, PAIR_LONG,
    PAIR_TAILS, PAIR_TAILS, PAIR_TAILS, PAIR_TAILS, PAIR_SHORT | PAIR_OVER2, PAIR_SHORT,
    PAIR_SHORT | PAIR_OVER3 | PAIR_SURROGATE,
    PAIR_SHORT | PAIR_LARGE | PAIR_LARGE80 | PAIR_OVER4,
};

const uint8_t wick_utf8_first_low[16] = {
    PAIR_ANY | PAIR_OVER3 | PAIR_OVER2 | PAIR_OVER4,
    PAIR_ANY | PAIR_OVER2,
    PAIR_ANY,
    PAIR_ANY,
    PAIR_ANY | PAIR_LARGE,
    PAIR_BEYOND,
    PAIR_BEYOND,
    PAIR_BEYOND,
    PAIR_BEYOND,
    PAIR_BEYOND,
    PAIR_BEYOND,
    PAIR_BEYOND,
    PAIR_BEYOND,
    PAIR_BEYOND | PAIR_SURROGATE,
    PAIR_BEYOND,
    PAIR_BEYOND,
};

const uint8_t wick_utf8_second_high[16] = {
    PAIR_SHORT, PAIR_SHORT, PAIR_SHORT, PAIR_SHORT, PAIR_SHORT, PAIR_SHORT, PAIR_SHORT, PAIR_SHORT,
    PAIR_TAIL | PAIR_OVER3 | PAIR_LARGE80 | PAIR_OVER4,
    PAIR_TAIL | PAIR_OVER3 | PAIR_LARGE,
    PAIR_TAIL | PAIR_SURROGATE | PAIR_LARGE,
    PAIR_TAIL | PAIR_SURROGATE | PAIR_LARGE,
    PAIR_SHORT, PAIR_SHORT, PAIR_SHORT, PAIR_SHORT,
};
