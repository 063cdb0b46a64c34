/*
 * The first bytes of a character leave a range of code points that it can still become. They are fine exactly if that
 * range holds a Unicode scalar value whose encoding has the length that the first byte says.
 */
#include "oracle/utf8.h"

/* How many bytes a code point needs (RFC 3629 section 3, the table). */
static size_t length_of(uint32_t code_point)
{
    if (code_point <= 0x7F)
        return 1;
    if (code_point <= 0x7FF)
        return 2;
    if (code_point <= 0xFFFF)
        return 3;
    return 4;
}

/* Ones before the first zero, from the top: 0 for 0xxxxxxx, 1 for 10xxxxxx, 2 for 110xxxxx... */
static size_t leading_ones(uint8_t b)
{
    size_t n = 0;
    while (n < 8 && (b & (0x80 >> n)) != 0)
        n++;
    return n;
}

/* Whether some scalar value in first..last is encoded in exactly `length` bytes: tried at the ends of the ranges. */
static int any_scalar(uint32_t first, uint32_t last, size_t length)
{
    static const uint32_t edges[] = {0, 0x80, 0x800, 0xE000, 0x10000};
    for (size_t i = 0; i <= sizeof edges / sizeof *edges; i++) {
        uint32_t c = i == 0 ? first : edges[i - 1];
        if (c < first || c > last || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
            continue;
        if (length_of(c) == length)
            return 1;
    }
    return 0;
}

/* Whether the n bytes at p, n >= 1, begin or are one character. *whole says which. */
static int begins_character(const uint8_t *p, size_t n, int *whole)
{
    size_t length = leading_ones(p[0]);
    uint32_t bits;
    if (length == 1 || length > 4)
        return 0;
    length += length == 0;
    bits = length == 1 ? p[0] : p[0] & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if (i < n && leading_ones(p[i]) != 1)
            return 0;
        bits = bits << 6 | (i < n ? p[i] & 0x3Fu : 0);
    }
    *whole = n >= length;
    uint32_t open = n < length ? ((uint32_t)1 << 6 * (length - n)) - 1 : 0;
    return any_scalar(bits, bits | open, length);
}

size_t oracle_utf8(const uint8_t *text, size_t len, size_t *unfinished)
{
    size_t start = 0;
    *unfinished = 0;
    for (size_t end = 1; end <= len; end++) {
        int whole;
        if (!begins_character(text + start, end - start, &whole))
            return end - 1;
        if (whole)
            start = end;
    }
    *unfinished = len - start;
    return len;
}

size_t oracle_utf8_encode(uint32_t code_point, uint8_t out[4])
{
    size_t length = length_of(code_point);
    for (size_t i = length; i-- > 0; code_point >>= 6)
        out[i] = (uint8_t)(0x80 | (code_point & 0x3F));
    if (length == 1)
        out[0] &= 0x7F;
    else
        out[0] = (uint8_t)((out[0] & 0x3F) | (0xF00 >> length));
    return length;
}
