/*
 * Text and numbers into JSON. Text is copied a block at a time and looked at on the way; what must be escaped (RFC 8259
 * section 7: quote, backslash, control characters) interrupts the copying. That text is UTF-8 is checked afterwards,
 * and only if it is not ASCII: then the position goes back if it was not.
 */
#include "json/put.h"

/* The letter of a two-character escape for the bytes below 0x20, or 0. */
static const char short_escapes[33] = "\0\0\0\0\0\0\0\0btn\0fr\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

static void put_escape(wick_put *put, uint8_t byte)
{
    static const char digits[17] = "0123456789abcdef";
    uint8_t out[6] = {'\\', 'u', '0', '0', 0, 0};
    if (byte == '"' || byte == '\\' || short_escapes[byte]) {
        out[1] = byte == '"' || byte == '\\' ? byte : (uint8_t)short_escapes[byte];
        wick_put_bytes(put, out, 2);
        return;
    }
    out[4] = (uint8_t)digits[byte >> 4];
    out[5] = (uint8_t)digits[byte & 15];
    wick_put_bytes(put, out, 6);
}

/* Copy whole blocks from text; returns where it stopped: at a byte to escape, or less than a block before the end. */
static const uint8_t *put_blocks(wick_put *put, const uint8_t *text, const uint8_t *end, int *high)
{
    while (end - text >= WICK_JSCAN_BLOCK && put->end - put->p >= WICK_JSCAN_BLOCK) {
        wick_jscan_mask mask = wick_jscan_stops(text), other;
        memcpy(put->p, text, WICK_JSCAN_BLOCK);
        if (WICK_UNLIKELY(mask != 0)) {
            other = wick_jscan_high(text);
            *high |= other != 0;
            mask &= ~other;
        }
        if (mask) {
            put->p += wick_jscan_first(mask);
            return text + wick_jscan_first(mask);
        }
        put->p += WICK_JSCAN_BLOCK;
        text += WICK_JSCAN_BLOCK;
    }
    return text;
}

/* Copy text, escaped. Returns whether it has bytes that are not ASCII. */
static int put_content(wick_put *put, const uint8_t *text, const uint8_t *end)
{
    int high = 0;
    while (text < end) {
        const uint8_t *from;
        if (end - text >= WICK_JSCAN_BLOCK)
            text = put_blocks(put, text, end, &high);
        for (from = text; text < end && text - from < WICK_JSCAN_BLOCK; text++) {
            if (*text < 0x20 || *text == '"' || *text == '\\')
                break;
            high |= *text >= 0x80;
        }
        wick_put_bytes(put, from, (size_t)(text - from));
        if (text < end && text - from < WICK_JSCAN_BLOCK)
            put_escape(put, *text++);
    }
    return high;
}

/*
 * The length of the UTF-8 sequence at p. If it is bad, *bad is set and the length is that of the part to replace: as
 * far as the bytes could have become a sequence, at least 1 (Unicode 3.9, substitution of maximal subparts).
 */
static size_t utf8_sequence(const uint8_t *p, const uint8_t *end, int *bad)
{
    uint32_t state = 0;
    size_t left = (size_t)(end - p), n = 0;
    *bad = 1;
    while (n < left && n < 4) {
        if (wick_utf8_check(&state, p + n, 1) == 0)
            return n ? n : 1;
        n++;
        if (state == 0) {
            *bad = 0;
            return n;
        }
    }
    return n;
}

/* Copy text, escaped, with U+FFFD for what is not UTF-8. */
static void put_replacing(wick_put *put, const uint8_t *text, const uint8_t *end)
{
    int bad;
    while (text < end) {
        size_t n = utf8_sequence(text, end, &bad);
        if (bad)
            wick_put_bytes(put, "\xEF\xBF\xBD", 3);
        else
            put_content(put, text, text + n);
        text += n;
    }
}

static int text_is_utf8(const wick_put *put, const uint8_t *text, size_t len)
{
    uint32_t state = 0;
    size_t fine = put->kernels ? put->kernels->utf8(&state, text, len) : wick_utf8_check(&state, text, len);
    return fine == len && state == 0;
}

static void put_failed(wick_put *put, wick_status status)
{
    if (put->status == WICK_OK)
        put->status = status;
}

void wick_put_string(wick_put *put, const uint8_t *text, size_t len)
{
    wick_put before;
    if (len <= 32 && (size_t)(put->end - put->p) >= len + 2 && wick_put_clean(put->p + 1, text, len)) {
        put->p[0] = put->p[len + 1] = '"';
        put->p += len + 2;
        return;
    }
    wick_put_byte(put, '"');
    before = *put;
    if (len && put_content(put, text, text + len) && !text_is_utf8(put, text, len)) {
        if (put->flags & WICK_JSON_REPLACE) {
            *put = before;
            put_replacing(put, text, text + len);
        } else {
            put_failed(put, WICK_E_JSON_UTF8);
        }
    }
    wick_put_byte(put, '"');
}

void wick_put_escaped(wick_put *put, const uint8_t *text, size_t len)
{
    wick_jscan_text content;
    wick_jscan scan = {text, text + len, WICK_JSON_LONE_SURROGATES, 1, put->kernels, WICK_OK, NULL};
    if (!(put->flags & WICK_JSON_TRUSTED)) {
        const uint8_t *stop = wick_jscan_content(&scan, text, text, &content);
        if (!stop)
            put_failed(put, scan.status == WICK_E_JSON_CUT ? WICK_E_JSON_ESCAPE : scan.status);
        else if (stop < scan.end)
            put_failed(put, WICK_E_JSON_CONTROL);
    }
    wick_put_byte(put, '"');
    wick_put_bytes(put, text, len);
    wick_put_byte(put, '"');
}

void wick_put_json(wick_put *put, const uint8_t *json, size_t len, uint32_t depth)
{
    wick_jscan scan = {json, json + len, WICK_JSON_LONE_SURROGATES, put->max_depth, put->kernels, WICK_OK, NULL};
    size_t i;
    if (!(put->flags & WICK_JSON_TRUSTED)) {
        const uint8_t *p = wick_jscan_value(&scan, wick_jscan_space(json, scan.end), depth, NULL);
        if (p && wick_jscan_space(p, scan.end) != scan.end)
            wick_jscan_fail(&scan, WICK_E_JSON_TRAILING, p);
        if (scan.status != WICK_OK)
            put_failed(put, scan.status);
    }
    if (!wick_put_room(put, len))
        return;
    for (i = 0; i < len; i++) {
        uint8_t byte = json[i];
        put->p[i] = byte == '\n' || byte == '\r' ? ' ' : byte;
    }
    put->p += len;
}

void wick_put_text(wick_put *put, const wick_text *text, uint32_t depth)
{
    const uint8_t *data = (const uint8_t *)text->data;
    if (!data)
        wick_put_bytes(put, "null", 4);
    else if (text->form == WICK_TEXT_JSON)
        wick_put_json(put, data, text->len, depth);
    else if (text->form == WICK_TEXT_ESCAPED || (text->form == WICK_TEXT_CLEAN && (put->flags & WICK_JSON_TRUSTED)))
        wick_put_escaped(put, data, text->len);
    else
        wick_put_string(put, data, text->len);
}

const char wick_put_pairs[201] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
    "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

void wick_put_uint64(wick_put *put, uint64_t value)
{
    uint8_t out[20];
    if (WICK_LIKELY(put->end - put->p >= 20))
        put->p = wick_put_digits(put->p, value);
    else
        wick_put_bytes(put, out, (size_t)(wick_put_digits(out, value) - out));
}

void wick_put_int64(wick_put *put, int64_t value)
{
    if (value < 0)
        wick_put_byte(put, '-');
    wick_put_uint64(put, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}
