/*
 * Numbers as integers, and the order of numbers, exactly: digits are compared, nothing is rounded.
 */
#include "json/number.h"

/* The digits of an integer without sign: magnitude, or a status. */
static wick_status read_magnitude(const char *p, const char *end, uint64_t *value)
{
    uint64_t sum = 0;
    if (p == end || (*p == '0' && end - p > 1))
        return WICK_E_JSON_TYPE;
    for (; p < end; p++) {
        unsigned digit = (unsigned)(*p - '0');
        if (digit > 9)
            return WICK_E_JSON_TYPE;
        if (sum > (UINT64_MAX - digit) / 10)
            break;
        sum = sum * 10 + digit;
    }
    *value = sum;
    for (; p < end; p++)
        if ((unsigned)(*p - '0') > 9)
            return WICK_E_JSON_TYPE;
        else if (p + 1 == end)
            return WICK_E_JSON_RANGE;
    return WICK_OK;
}

wick_status wick_json_uint64(const wick_text *number, uint64_t *value)
{
    const char *p = number->data, *end = p + number->len;
    int negative = p < end && *p == '-';
    wick_status status;
    *value = 0;
    status = read_magnitude(p + negative, end, value);
    if (status == WICK_OK && negative && *value != 0) {
        *value = 0;
        return WICK_E_JSON_RANGE;
    }
    return status;
}

wick_status wick_json_int64(const wick_text *number, int64_t *value)
{
    const char *p = number->data, *end = p + number->len;
    int negative = p < end && *p == '-';
    uint64_t magnitude = 0;
    wick_status status = read_magnitude(p + negative, end, &magnitude);
    *value = 0;
    if (status != WICK_OK)
        return status;
    if (magnitude > (uint64_t)INT64_MAX + (unsigned)negative)
        return WICK_E_JSON_RANGE;
    if (negative && magnitude > 0)
        *value = -(int64_t)(magnitude - 1) - 1;
    else
        *value = (int64_t)magnitude;
    return WICK_OK;
}

#define EXPONENT_MAX 100000000000000000 /* 10^17: far from where adding the digits' positions could overflow */

static int64_t read_exponent(const char *p, const char *end)
{
    int negative = *p == '-';
    int64_t value = 0;
    if (*p == '-' || *p == '+')
        p++;
    for (; p < end && value < EXPONENT_MAX; p++)
        value = value * 10 + (*p - '0');
    if (value > EXPONENT_MAX)
        value = EXPONENT_MAX;
    return negative ? -value : value;
}

wick_status wick_decimal_read(const wick_text *number, wick_decimal *decimal)
{
    const char *p = number->data, *end = p + number->len;
    wick_jscan scan = {(const uint8_t *)p, (const uint8_t *)end, 0, 1, NULL, WICK_OK, NULL};
    memset(decimal, 0, sizeof *decimal);
    if (!p || number->len == 0 || wick_jscan_number(&scan, scan.begin) != scan.end)
        return WICK_E_JSON_TYPE;
    decimal->negative = *p == '-';
    p += decimal->negative;
    decimal->first = p;
    while (p < end && (*p | 0x20) != 'e')
        p++;
    decimal->last = p;
    if (p < end)
        decimal->exponent = read_exponent(p + 1, end);
    for (p = decimal->first; p < decimal->last && *p != '.'; p++)
        decimal->exponent++;
    for (p = decimal->first; p < decimal->last && (*p == '0' || *p == '.'); p++)
        decimal->exponent -= *p == '0';
    decimal->first = p;
    while (decimal->last > p && (decimal->last[-1] == '0' || decimal->last[-1] == '.'))
        decimal->last--;
    return WICK_OK;
}

/* Compare what is behind the sign. Both are normalised, so the position of the first digit decides first. */
static int compare_magnitude(const wick_decimal *a, const wick_decimal *b)
{
    const char *p = a->first, *q = b->first;
    if (p == a->last || q == b->last)
        return (p != a->last) - (q != b->last);
    if (a->exponent != b->exponent)
        return a->exponent < b->exponent ? -1 : 1;
    while (p < a->last && q < b->last) {
        if (*p == '.')
            p++;
        if (*q == '.')
            q++;
        if (*p != *q)
            return *p < *q ? -1 : 1;
        p++;
        q++;
    }
    return (p < a->last) - (q < b->last);
}

wick_status wick_json_compare(const wick_text *a, const wick_text *b, int *order)
{
    wick_decimal x, y;
    *order = 0;
    if (wick_decimal_read(a, &x) != WICK_OK || wick_decimal_read(b, &y) != WICK_OK)
        return WICK_E_JSON_TYPE;
    if (x.first == x.last)
        x.negative = 0;
    if (y.first == y.last)
        y.negative = 0;
    if (x.negative != y.negative)
        *order = x.negative ? -1 : 1;
    else
        *order = x.negative ? -compare_magnitude(&x, &y) : compare_magnitude(&x, &y);
    return WICK_OK;
}
