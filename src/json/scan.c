/*
 * Strings, numbers, literals and whole values of JSON (RFC 8259): see scan.h.
 *
 * A value is checked in one loop without recursion: what encloses the current position is a bit per container, and
 * the depth is limited before it could outgrow those 64 bits.
 */
#include "json/scan.h"

wick_status wick_jscan_init(wick_jscan *scan, const wick_json_config *config, const void *data, size_t len)
{
    if (config && config->size != sizeof *config)
        return WICK_E_CONFIG;
    scan->kernels = config ? config->kernels : NULL;
    return wick_jscan_start(scan, config ? config->flags : 0, config ? config->depth : 0, data, len);
}

wick_status wick_jscan_start(wick_jscan *scan, uint32_t flags, uint32_t depth, const void *data, size_t len)
{
    scan->status = WICK_OK;
    scan->at = NULL;
    if (depth > WICK_JSON_DEPTH_MAX)
        return WICK_E_CONFIG;
    if (len > UINT32_MAX || (!data && len))
        return WICK_E_ARG;
    scan->begin = data ? (const uint8_t *)data : (const uint8_t *)"";
    scan->end = scan->begin + len;
    scan->flags = flags;
    scan->max_depth = depth ? depth : WICK_DEFAULT_JSON_DEPTH;
    if (len >= 3 && memcmp(scan->begin, "\xEF\xBB\xBF", 3) == 0)
        wick_jscan_fail(scan, WICK_E_JSON_BOM, scan->begin);
    return scan->status;
}

const uint8_t *wick_jscan_fail(wick_jscan *scan, wick_status status, const uint8_t *at)
{
    scan->status = status;
    scan->at = at;
    return NULL;
}

const uint8_t *wick_jscan_unexpected(wick_jscan *scan, const uint8_t *p)
{
    return wick_jscan_fail(scan, p == scan->end ? WICK_E_JSON_CUT : WICK_E_JSON_SYNTAX, p);
}

#define X 255
const uint8_t wick_jscan_hex[256] = {
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, X, X, X, X, X, X,
    X, 10, 11, 12, 13, 14, 15, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
    X, 10, 11, 12, 13, 14, 15, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
};
#undef X

/* By the letter: `"` 34, `/` 47, `\` 92, b 98, f 102, n 110, r 114, t 116. */
const uint8_t wick_jscan_letter[128] = {
    0, 0, 0, 0,   0, 0, 0,    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,    0, 0,    0, 0, 0, 0,    0, 0, 0, 0, 0, 0, 0,
    0, 0, '"', 0, 0, 0, 0,    0, 0, 0, 0, 0, 0, 0, 0, '/', 0, 0, 0, 0, 0,    0, 0, 0, 0,    0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0,   0, 0, 0,    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,    0, 0,    0, 0, 0, 0,    0, 0, 0, '\\', 0, 0, 0,
    0, 0, '\b', 0, 0, 0, '\f', 0, 0, 0, 0, 0, 0, 0, '\n', 0, 0, 0, '\r', 0, '\t', 0, 0, 0, 0,    0, 0, 0, 0, 0, 0, 0,
};

static uint8_t escape_letter(uint8_t letter)
{
    return letter < 128 ? wick_jscan_letter[letter] : 0;
}

/* The four hex digits at p, all readable; above 0xFFFF if one is not a digit. */
static uint32_t hex4(const uint8_t *p)
{
    uint32_t a = wick_jscan_hex[p[0]], b = wick_jscan_hex[p[1]], c = wick_jscan_hex[p[2]], d = wick_jscan_hex[p[3]];
    if ((a | b | c | d) > 15)
        return UINT32_MAX;
    return a << 12 | b << 8 | c << 4 | d;
}

static int is_high_surrogate(uint32_t code)
{
    return code >= 0xD800 && code < 0xDC00;
}

static int is_low_surrogate(uint32_t code)
{
    return code >= 0xDC00 && code < 0xE000;
}

unsigned wick_jscan_put_utf8(uint8_t *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (uint8_t)(0xC0 | code >> 6);
        out[1] = (uint8_t)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (uint8_t)(0xE0 | code >> 12);
        out[1] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
        out[2] = (uint8_t)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (uint8_t)(0xF0 | code >> 18);
    out[1] = (uint8_t)(0x80 | (code >> 12 & 0x3F));
    out[2] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
    out[3] = (uint8_t)(0x80 | (code & 0x3F));
    return 4;
}

static uint32_t utf8_size(uint32_t code)
{
    return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

/* Decode the escape at *p, which has been checked: see scan.h. A lone surrogate is U+FFFD. */
uint32_t wick_jscan_escape(const uint8_t **p, const uint8_t *end)
{
    const uint8_t *at = *p;
    uint32_t code, low;
    if (at[1] != 'u') {
        *p = at + 2;
        return escape_letter(at[1]);
    }
    code = hex4(at + 2);
    *p = at + 6;
    if (!is_high_surrogate(code))
        return is_low_surrogate(code) ? 0xFFFD : code;
    if (end - at >= 12 && at[6] == '\\' && at[7] == 'u') {
        low = hex4(at + 8);
        if (is_low_surrogate(low)) {
            *p = at + 12;
            return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        }
    }
    return 0xFFFD;
}

/* The error in `\uXXXX` at p: a bad digit, or the end of the text before one. */
static const uint8_t *bad_hex(wick_jscan *scan, const uint8_t *p)
{
    p += 2;
    while (p < scan->end && wick_jscan_hex[*p] <= 15)
        p++;
    return wick_jscan_fail(scan, p == scan->end ? WICK_E_JSON_CUT : WICK_E_JSON_ESCAPE, p);
}

/* Whether the text at p, behind a high surrogate, may still become the escape of a low one with more input. */
static int is_cut_escape(const uint8_t *p, const uint8_t *end)
{
    size_t left = (size_t)(end - p), i;
    if (left >= 6)
        return 0;
    for (i = 0; i < left; i++)
        if (i == 0 ? p[i] != '\\' : i == 1 ? p[i] != 'u' : wick_jscan_hex[p[i]] > 15)
            return 0;
    return 1;
}

/* Check the escape at p, a backslash, and add the bytes of what it stands for to *plain. */
static const uint8_t *check_escape(wick_jscan *scan, const uint8_t *p, uint32_t *plain)
{
    const uint8_t *at = p;
    uint32_t code;
    if (scan->end - p < 2)
        return wick_jscan_fail(scan, WICK_E_JSON_CUT, scan->end);
    if (escape_letter(p[1])) {
        *plain += 1;
        return p + 2;
    }
    if (p[1] != 'u')
        return wick_jscan_fail(scan, WICK_E_JSON_ESCAPE, p + 1);
    if (scan->end - p < 6 || hex4(p + 2) == UINT32_MAX)
        return bad_hex(scan, p);
    code = hex4(p + 2);
    if (code < 0xD800 || code >= 0xE000) {
        *plain += utf8_size(code);
        return p + 6;
    }
    code = wick_jscan_escape(&p, scan->end);
    *plain += utf8_size(code);
    if (code != 0xFFFD || (scan->flags & WICK_JSON_LONE_SURROGATES))
        return p;
    if (is_high_surrogate(hex4(at + 2)) && is_cut_escape(p, scan->end))
        return wick_jscan_fail(scan, WICK_E_JSON_CUT, scan->end);
    return wick_jscan_fail(scan, WICK_E_JSON_SURROGATE, at);
}

/* Check that [from, to) is UTF-8, with no sequence open at its end. */
static int check_utf8(wick_jscan *scan, const uint8_t *from, const uint8_t *to)
{
    uint32_t state = 0;
    size_t len = (size_t)(to - from), fine;
    if (scan->flags & WICK_JSON_UTF8_KNOWN)
        return 1;
    fine = scan->kernels ? scan->kernels->utf8(&state, from, len) : wick_utf8_check(&state, from, len);
    if (fine == len && state == 0)
        return 1;
    wick_jscan_fail(scan, WICK_E_JSON_UTF8, from + fine);
    return 0;
}

/* The next byte at or behind p that is not plain string content, skipping what is not ASCII; *high if there was any. */
static const uint8_t *find_stop(const wick_jscan *scan, const uint8_t *p, int *high)
{
    const uint8_t *end = scan->end;
    while (end - p >= WICK_JSCAN_BLOCK) {
        wick_jscan_mask mask = wick_jscan_stops(p);
        if (mask) {
            wick_jscan_mask other = wick_jscan_high(p);
            *high |= other != 0;
            mask &= ~other;
            if (mask)
                return p + wick_jscan_first(mask);
        }
        p += WICK_JSCAN_BLOCK;
    }
    for (; p < end; p++) {
        *high |= *p >= 0x80;
        if (*p < 0x20 || *p == '"' || *p == '\\')
            return p;
    }
    return p;
}

const uint8_t *wick_jscan_content(wick_jscan *scan, const uint8_t *start, const uint8_t *p, wick_jscan_text *out)
{
    uint32_t plain = 0;
    int high = 0, escaped = 0;
    const uint8_t *from = start, *stop;
    for (;;) {
        stop = find_stop(scan, p, &high);
        plain += (uint32_t)(stop - from);
        if (stop == scan->end || *stop != '\\')
            break;
        escaped = 1;
        p = check_escape(scan, stop, &plain);
        from = p;
        if (!p)
            break;
    }
    if ((high && !check_utf8(scan, start, stop)) || !from)
        return NULL; /* what is not UTF-8 stands before the bad escape, and is what is reported */
    out->text = wick_jscan_slice(start, stop, escaped ? WICK_TEXT_ESCAPED : WICK_TEXT_CLEAN);
    out->plain_len = plain;
    return stop;
}

const uint8_t *wick_jscan_long_string(wick_jscan *scan, const uint8_t *start, const uint8_t *p, wick_jscan_text *out)
{
    const uint8_t *stop = wick_jscan_content(scan, start, p, out);
    if (!stop)
        return NULL;
    if (stop == scan->end)
        return wick_jscan_fail(scan, WICK_E_JSON_CUT, stop);
    if (*stop != '"')
        return wick_jscan_fail(scan, WICK_E_JSON_CONTROL, stop);
    return stop + 1;
}

static int is_digit(const uint8_t *p, const uint8_t *end)
{
    return p < end && (uint8_t)(*p - '0') < 10;
}

static const uint8_t *number_error(wick_jscan *scan, const uint8_t *p)
{
    return wick_jscan_fail(scan, p == scan->end ? WICK_E_JSON_CUT : WICK_E_JSON_NUMBER, p);
}

const uint8_t *wick_jscan_number(wick_jscan *scan, const uint8_t *p)
{
    const uint8_t *end = scan->end;
    if (*p == '-')
        p++;
    if (!is_digit(p, end))
        return number_error(scan, p);
    if (*p == '0') {
        p++;
        if (is_digit(p, end))
            return number_error(scan, p);
    }
    while (is_digit(p, end))
        p++;
    if (p < end && *p == '.') {
        p++;
        if (!is_digit(p, end))
            return number_error(scan, p);
        while (is_digit(p, end))
            p++;
    }
    if (p < end && (*p | 0x20) == 'e') {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        if (!is_digit(p, end))
            return number_error(scan, p);
        while (is_digit(p, end))
            p++;
    }
    return p;
}

const uint8_t *wick_jscan_literal(wick_jscan *scan, const uint8_t *p)
{
    const char *word = *p == 't' ? "true" : *p == 'f' ? "false" : "null";
    if (*p != 'f' && scan->end - p >= 4 && wick_load32(p) == wick_load32((const uint8_t *)word))
        return p + 4;
    while (*word) {
        if (p == scan->end || *p != (uint8_t)*word)
            return wick_jscan_unexpected(scan, p);
        p++;
        word++;
    }
    return p;
}

/* A value that holds no other and is no string, from its first byte. */
static const uint8_t *scan_scalar(wick_jscan *scan, const uint8_t *p)
{
    if (p == scan->end)
        return wick_jscan_unexpected(scan, p);
    switch (*p) {
    case 't':
    case 'f':
    case 'n':
        return wick_jscan_literal(scan, p);
    case '-':
    case '+':
    case '.':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        return wick_jscan_number(scan, p);
    default:
        return wick_jscan_unexpected(scan, p);
    }
}

/* The name of a member from p, white space allowed, up to the first byte of its value. */
static inline const uint8_t *scan_name(wick_jscan *scan, const uint8_t *p)
{
    const uint8_t *end = scan->end;
    p = wick_jscan_space(p, end);
    if (WICK_UNLIKELY(p == end || *p != '"'))
        return wick_jscan_unexpected(scan, p);
    p = wick_jscan_skip_string(scan, p + 1);
    if (WICK_UNLIKELY(!p))
        return NULL;
    if (WICK_UNLIKELY(p == end || *p != ':')) {
        p = wick_jscan_space(p, end);
        if (p == end || *p != ':')
            return wick_jscan_unexpected(scan, p);
    }
    return wick_jscan_space(p + 1, end);
}

/*
 * Behind a value inside `open` containers: close what ends here. Returns at the comma that goes on, or behind the
 * outermost bracket with *open 0.
 */
static inline const uint8_t *scan_close(wick_jscan *scan, const uint8_t *p, uint64_t *kinds, uint32_t *open)
{
    while (*open) {
        p = wick_jscan_space(p, scan->end);
        if (WICK_UNLIKELY(p == scan->end))
            return wick_jscan_unexpected(scan, p);
        if (*p == ',')
            return p;
        if (WICK_UNLIKELY(*p != (*kinds & 1 ? '}' : ']')))
            return wick_jscan_unexpected(scan, p);
        p++;
        *kinds >>= 1;
        *open -= 1;
    }
    return p;
}

/* Open the container at p, and go to its first value; or behind its bracket with *empty set. */
static const uint8_t *scan_open(wick_jscan *scan, const uint8_t *p, int *empty)
{
    int object = *p == '{';
    p = wick_jscan_space(p + 1, scan->end);
    *empty = p < scan->end && *p == (object ? '}' : ']');
    if (*empty)
        return p + 1;
    return object ? scan_name(scan, p) : p;
}

/* A container, from its bracket, with all that is in it. */
static const uint8_t *scan_container(wick_jscan *scan, const uint8_t *p, uint32_t depth)
{
    uint64_t kinds = 0;
    uint32_t open = 0;
    int empty;
    for (;;) {
        if (WICK_LIKELY(p < scan->end && *p == '"')) {
            p = wick_jscan_skip_string(scan, p + 1);
        } else if (p < scan->end && (*p | 0x20) == '{') { /* `[` is `{` without 0x20 */
            if (depth + open >= scan->max_depth)
                return wick_jscan_fail(scan, WICK_E_JSON_DEPTH, p);
            kinds = kinds << 1 | (uint64_t)(*p == '{');
            open++;
            p = scan_open(scan, p, &empty);
            if (p && !empty)
                continue;
            kinds >>= 1;
            open--;
        } else {
            p = scan_scalar(scan, p);
        }
        if (p)
            p = scan_close(scan, p, &kinds, &open);
        if (!p || open == 0)
            return p;
        p = kinds & 1 ? scan_name(scan, p + 1) : wick_jscan_space(p + 1, scan->end);
        if (!p)
            return NULL;
    }
}

const uint8_t *wick_jscan_value(wick_jscan *scan, const uint8_t *p, uint32_t depth, wick_text *out)
{
    wick_jscan_text text;
    const uint8_t *from = p;
    if (p < scan->end && *p == '"') {
        p = wick_jscan_string(scan, p + 1, &text);
        if (p && out)
            *out = text.text;
        return p;
    }
    if (p < scan->end && (*p | 0x20) == '{')
        p = scan_container(scan, p, depth);
    else
        p = scan_scalar(scan, p);
    if (p && out)
        *out = wick_jscan_slice(from, p, WICK_TEXT_JSON);
    return p;
}
