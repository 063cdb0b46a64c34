/*
 * The nearest double of a number, without libc.
 *
 * Up to 15 digits and powers of ten up to 22 are exact as doubles, so one multiplication or division rounds once and
 * right (Clinger, How to Read Floating Point Numbers Accurately). Everything else goes through a decimal number that is
 * shifted by powers of two, digit by digit, until its integer part is the 53-bit significand: the slow path of Go's
 * strconv. 800 digits are enough to decide every rounding; what is behind them only says "and a bit more".
 */
#include "json/number.h"

#define DIGITS_MAX 800
#define SHIFT_MAX 60
#define BIAS 1023
#define EXPONENT_INF 0x7FF

/* 0.d[0]d[1]... * 10^point */
struct big_decimal {
    int count;
    int point;
    int more; /* digits that are not 0 have been dropped */
    uint8_t d[DIGITS_MAX];
};

static void big_trim(struct big_decimal *big)
{
    while (big->count > 0 && big->d[big->count - 1] == 0)
        big->count--;
    if (big->count == 0)
        big->point = 0;
}

static void big_set(struct big_decimal *big, const wick_decimal *decimal)
{
    const char *p;
    big->count = 0;
    big->more = 0;
    big->point = (int)decimal->exponent;
    for (p = decimal->first; p < decimal->last; p++) {
        if (*p == '.')
            continue;
        if (big->count < DIGITS_MAX)
            big->d[big->count++] = (uint8_t)(*p - '0');
        else
            big->more |= *p != '0';
    }
    big_trim(big);
}

/* Divide by 2^k, 0 < k <= SHIFT_MAX. */
static void big_shift_right(struct big_decimal *big, unsigned k)
{
    uint64_t n = 0, mask = ((uint64_t)1 << k) - 1;
    int from = 0, to = 0;
    while (n >> k == 0 && from < big->count)
        n = n * 10 + big->d[from++];
    while (n != 0 && n >> k == 0) {
        n *= 10;
        from++;
    }
    big->point -= from - 1;
    for (; from < big->count; from++) {
        big->d[to++] = (uint8_t)(n >> k);
        n = (n & mask) * 10 + big->d[from];
    }
    while (n > 0) {
        uint8_t digit = (uint8_t)(n >> k);
        if (to < DIGITS_MAX)
            big->d[to++] = digit;
        else
            big->more |= digit != 0;
        n = (n & mask) * 10;
    }
    big->count = to;
    big_trim(big);
}

/* Multiply by 2^k, 0 < k <= SHIFT_MAX: once to learn how many digits come in front, and once to write them. */
static void big_shift_left(struct big_decimal *big, unsigned k)
{
    uint64_t carry = 0;
    int extra = 0, from, to;
    if (big->count == 0)
        return;
    for (from = big->count - 1; from >= 0; from--)
        carry = (((uint64_t)big->d[from] << k) + carry) / 10;
    for (; carry > 0; carry /= 10)
        extra++;
    to = big->count + extra;
    for (from = big->count - 1; to > 0; from--) {
        uint64_t n = (from >= 0 ? (uint64_t)big->d[from] << k : 0) + carry;
        carry = n / 10;
        if (--to < DIGITS_MAX)
            big->d[to] = (uint8_t)(n % 10);
        else
            big->more |= n % 10 != 0;
    }
    big->count = big->count + extra < DIGITS_MAX ? big->count + extra : DIGITS_MAX;
    big->point += extra;
    big_trim(big);
}

static void big_shift(struct big_decimal *big, int k)
{
    for (; k > SHIFT_MAX; k -= SHIFT_MAX)
        big_shift_left(big, SHIFT_MAX);
    if (k > 0)
        big_shift_left(big, (unsigned)k);
    for (; k < -SHIFT_MAX; k += SHIFT_MAX)
        big_shift_right(big, SHIFT_MAX);
    if (k < 0)
        big_shift_right(big, (unsigned)-k);
}

/* The integer part, rounded: ties to even. */
static uint64_t big_round(const struct big_decimal *big)
{
    uint64_t n = 0;
    int i;
    for (i = 0; i < big->point; i++)
        n = n * 10 + (i < big->count ? big->d[i] : 0);
    if (big->point < 0 || big->point >= big->count)
        return n;
    if (big->d[i] == 5 && i + 1 == big->count && !big->more)
        return n + (n & 1);
    return n + (big->d[i] >= 5);
}

/* The powers of two by which n decimal places can be shifted at once without passing the target. */
static int big_step(int places)
{
    static const uint8_t steps[9] = {1, 3, 6, 9, 13, 16, 19, 23, 26};
    return places < 9 ? steps[places] : 27;
}

/* The bits of the nearest double, without sign. */
static uint64_t big_to_bits(struct big_decimal *big)
{
    int exponent = 0, step;
    uint64_t mantissa;
    if (big->count == 0 || big->point < -330)
        return 0;
    if (big->point > 310)
        return (uint64_t)EXPONENT_INF << 52;
    while (big->point > 0) {
        step = big_step(big->point);
        big_shift(big, -step);
        exponent += step;
    }
    while (big->point < 0 || big->d[0] < 5) {
        step = big_step(-big->point);
        big_shift(big, step);
        exponent -= step;
    }
    exponent--; /* from [0.5, 1) to [1, 2) */
    if (exponent < 1 - BIAS) {
        big_shift(big, exponent - (1 - BIAS));
        exponent = 1 - BIAS;
    }
    big_shift(big, 53);
    mantissa = big_round(big);
    if (mantissa == (uint64_t)1 << 53) {
        mantissa >>= 1;
        exponent++;
    }
    if (exponent + BIAS >= EXPONENT_INF)
        return (uint64_t)EXPONENT_INF << 52;
    if (!(mantissa >> 52))
        exponent = -BIAS;
    return (mantissa & (((uint64_t)1 << 52) - 1)) | (uint64_t)(exponent + BIAS) << 52;
}

/* Whether the number is exact with one multiplication or division, and its value. */
static int small_double(const wick_decimal *decimal, double *value)
{
#if defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ == 0
    static const double powers[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                      1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    uint64_t sum = 0;
    int64_t scale, digits = 0;
    const char *p;
    if (decimal->last - decimal->first > 16)
        return 0;
    for (p = decimal->first; p < decimal->last; p++) {
        if (*p == '.')
            continue;
        sum = sum * 10 + (unsigned)(*p - '0');
        digits++;
    }
    scale = decimal->exponent - digits;
    if (digits > 15 || scale < -22 || scale > 22)
        return 0;
    *value = scale < 0 ? (double)sum / powers[-scale] : (double)sum * powers[scale];
    return 1;
#else
    (void)decimal;
    (void)value;
    return 0;
#endif
}

wick_status wick_json_double(const wick_text *number, double *value)
{
    wick_decimal decimal;
    struct big_decimal big;
    uint64_t bits;
    *value = 0;
    if (wick_decimal_read(number, &decimal) != WICK_OK)
        return WICK_E_JSON_TYPE;
    if (small_double(&decimal, value)) {
        *value = decimal.negative ? -*value : *value;
        return WICK_OK;
    }
    if (decimal.exponent > 400)
        decimal.exponent = 400;
    if (decimal.exponent < -400)
        decimal.exponent = -400;
    big_set(&big, &decimal);
    bits = big_to_bits(&big);
    bits |= (uint64_t)decimal.negative << 63;
    memcpy(value, &bits, sizeof bits);
    return (bits << 1 >> 53) == EXPONENT_INF ? WICK_E_JSON_RANGE : WICK_OK;
}
