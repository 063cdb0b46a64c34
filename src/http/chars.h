/*
 * Characters and short texts, for the http floor and the handshake: classes, case folding, comparison.
 */
#ifndef WICK_HTTP_CHARS_H
#define WICK_HTTP_CHARS_H

#include "base/bytes.h"
#include "wick/http.h"

enum {
    WICK_CHAR_TOKEN = 1,   /* tchar, RFC 9110 section 5.6.2 */
    WICK_CHAR_NAME = 2,    /* unreserved and sub-delims, RFC 3986 section 2: what a host name is made of */
    WICK_CHAR_HEX = 4,     /* hex digits */
    WICK_CHAR_BASE64 = 8,  /* RFC 4648 section 4, without "=" */
    WICK_CHAR_TARGET = 16, /* visible ASCII except "#": a target has no fragment */
    WICK_CHAR_VALUE = 32   /* HTAB, SP, visible ASCII, obs-text: RFC 9110 section 5.5 */
};

extern const uint8_t wick_http_chars[256];

static inline int wick_char_is(char c, unsigned classes)
{
    return (wick_http_chars[(uint8_t)c] & classes) != 0;
}

static inline int wick_char_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline int wick_char_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static inline unsigned wick_char_hex(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

static inline char wick_char_lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

/* How many leading characters of a text are of the classes. */
static inline size_t wick_str_span(wick_str text, unsigned classes)
{
    size_t n = 0;
    while (n < text.len && wick_char_is(text.data[n], classes))
        n++;
    return n;
}

/* The text without its first n characters. */
static inline wick_str wick_str_from(wick_str text, size_t n)
{
    wick_str rest = {text.data + n, text.len - n};
    return rest;
}

static inline wick_str wick_str_first(wick_str text, size_t n)
{
    wick_str first = {text.data, n};
    return first;
}

/* The index of a character, or text.len. Whole words are skipped that have no byte equal to it. */
static inline size_t wick_str_index(wick_str text, char c)
{
    const uint64_t ones = 0x0101010101010101u, all = ones * (uint8_t)c;
    size_t n = 0;
    for (; n + 8 <= text.len; n += 8) {
        uint64_t differ = wick_load64((const uint8_t *)text.data + n) ^ all;
        if ((differ - ones) & ~differ & ones * 0x80)
            break;
    }
    while (n < text.len && text.data[n] != c)
        n++;
    return n;
}

static inline wick_str wick_str_trim(wick_str text)
{
    while (text.len && wick_char_is_blank(text.data[0]))
        text = wick_str_from(text, 1);
    while (text.len && wick_char_is_blank(text.data[text.len - 1]))
        text.len--;
    return text;
}

/* Byte for byte. */
static inline int wick_str_same(wick_str a, wick_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Lower the ASCII letters of 8 bytes: a byte is upper case if adding moves it across 0x80 for "A" but not for "Z". */
static inline uint64_t wick_lower8(uint64_t x)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t low = x & ones * 0x7f;
    uint64_t upper = ((low + ones * (0x80 - 'A')) ^ (low + ones * (0x7f - 'Z'))) & ~x & ones * 0x80;
    return x | upper >> 2;
}

/* Compare len >= 8 bytes with lower-case ones, the case aside: whole words, the last one overlapping. */
static inline int wick_bytes_equal_lower(const char *data, const char *lower, size_t len)
{
    const uint8_t *a = (const uint8_t *)data, *b = (const uint8_t *)lower;
    uint64_t differ = wick_lower8(wick_load64(a + len - 8)) ^ wick_load64(b + len - 8);
    for (size_t i = 0; i + 8 < len; i += 8)
        differ |= wick_lower8(wick_load64(a + i)) ^ wick_load64(b + i);
    return differ == 0;
}

/* Tell whether a text is the lower-case literal, the case aside. The length is known when this is compiled. */
#define WICK_STR_IS(text, literal) wick_str_is_lower(text, "" literal, sizeof(literal) - 1)

static inline int wick_str_is_lower(wick_str text, const char *lower, size_t len)
{
    if (text.len != len)
        return 0;
    if (len >= 8)
        return wick_bytes_equal_lower(text.data, lower, len);
    for (size_t i = 0; i < len; i++)
        if (wick_char_lower(text.data[i]) != lower[i])
            return 0;
    return 1;
}

#endif
