/*
 * Base64, both alphabets. RFC 4648 sections 4 and 5.
 */
#include "base/bytes.h"
#include "wick/base.h"

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void wick_base64_encode(const uint8_t *data, size_t len, char *out)
{
    for (; len >= 3; len -= 3, data += 3, out += 4) {
        uint32_t bits = (uint32_t)data[0] << 16 | (uint32_t)data[1] << 8 | data[2];
        out[0] = base64_digits[bits >> 18];
        out[1] = base64_digits[bits >> 12 & 63];
        out[2] = base64_digits[bits >> 6 & 63];
        out[3] = base64_digits[bits & 63];
    }
    if (len == 0)
        return;
    uint32_t bits = (uint32_t)data[0] << 16 | (len == 2 ? (uint32_t)data[1] << 8 : 0);
    out[0] = base64_digits[bits >> 18];
    out[1] = base64_digits[bits >> 12 & 63];
    out[2] = len == 2 ? base64_digits[bits >> 6 & 63] : '=';
    out[3] = '=';
}

/* The value of a digit, or 64. */
static uint32_t base64_value(char c, int url)
{
    if (c >= 'A' && c <= 'Z')
        return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a' + 26);
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0' + 52);
    if (c == (url ? '-' : '+'))
        return 62;
    if (c == (url ? '_' : '/'))
        return 63;
    return 64;
}

/* n = 2..4 digits into n - 1 bytes. 0 if one is no digit, or if the bits behind the last byte are not zero. */
static int base64_group(const char *text, size_t n, int url, uint8_t *out)
{
    uint32_t bits = 0, bad = 0;
    for (size_t i = 0; i < 4; i++) {
        uint32_t v = i < n ? base64_value(text[i], url) : 0;
        bad |= v & 64;
        bits = bits << 6 | (v & 63);
    }
    if (bad || (n == 2 && (bits & 0xFFFF) != 0) || (n == 3 && (bits & 0xFF) != 0))
        return 0;
    for (size_t i = 0; i + 1 < n; i++)
        out[i] = (uint8_t)(bits >> (16 - 8 * i));
    return 1;
}

wick_status wick_base64_decode(const char *text, size_t len, int url, uint8_t *out, size_t cap, size_t *used)
{
    *used = 0;
    if (len % 4 == 0 && len != 0) {
        /* A third '=' stays, and is refused as a digit. */
        len -= text[len - 1] == '=';
        len -= len % 4 == 3 && text[len - 1] == '=';
    } else if (!url && len != 0) {
        return WICK_E_ARG;
    }
    if (len % 4 == 1)
        return WICK_E_ARG;
    if (len / 4 * 3 + (len % 4 ? len % 4 - 1 : 0) > cap)
        return WICK_E_SPACE;
    for (size_t i = 0; i < len; i += 4) {
        size_t n = len - i < 4 ? len - i : 4;
        if (!base64_group(text + i, n, url, out + *used))
            return WICK_E_ARG;
        *used += n - 1;
    }
    return WICK_OK;
}
