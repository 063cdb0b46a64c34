/*
 * A number taken apart: sign, digits, position.
 */
#ifndef WICK_JSON_NUMBER_H
#define WICK_JSON_NUMBER_H

#include "json/scan.h"

/*
 * The digits [first, last), with at most one '.' among them, start and end with a digit that is not 0; for zero there
 * are none. The value is 0.ddd * 10^exponent.
 */
typedef struct wick_decimal {
    int negative;
    const char *first;
    const char *last;
    int64_t exponent;
} wick_decimal;

/* Take a number apart. Returns WICK_OK, or WICK_E_JSON_TYPE if the text is not a JSON number. */
wick_status wick_decimal_read(const wick_text *number, wick_decimal *decimal);

#endif
