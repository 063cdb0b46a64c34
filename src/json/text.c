/*
 * wick_text in plain form: read escapes, compare, cut, hash. A text of form ESCAPED has been checked by whoever made
 * it; if it has not, the result is wrong but nothing outside the text is touched.
 */
#include "json/scan.h"

wick_text wick_text_of(const char *data, size_t len)
{
    wick_text text;
    text.data = data;
    text.len = (uint32_t)len;
    text.form = WICK_TEXT_PLAIN;
    return text;
}

/* Whether the bytes at p, a backslash, are a whole escape. */
static int whole_escape(const uint8_t *p, const uint8_t *end)
{
    int i;
    if (end - p < 2)
        return 0;
    if (p[1] != 'u')
        return 1;
    if (end - p < 6)
        return 0;
    for (i = 2; i < 6; i++)
        if (wick_jscan_hex[p[i]] > 15)
            return 0;
    return 1;
}

/*
 * One step through text in plain form: move *p over the next character (of an escape) or byte (else), and write what
 * it stands for to out[4]. Returns the bytes written.
 */
static unsigned text_step(const uint8_t **p, const uint8_t *end, uint8_t *out)
{
    if (**p == '\\' && whole_escape(*p, end))
        return wick_jscan_put_utf8(out, wick_jscan_escape(p, end));
    *out = *(*p)++;
    return 1;
}

static const uint8_t *text_begin(const wick_text *text)
{
    return (const uint8_t *)text->data;
}

size_t wick_text_plain_len(const wick_text *text)
{
    const uint8_t *p = text_begin(text), *end;
    uint8_t bytes[4];
    size_t len = 0;
    if (!p || text->form != WICK_TEXT_ESCAPED)
        return p ? text->len : 0;
    for (end = p + text->len; p < end;)
        len += text_step(&p, end, bytes);
    return len;
}

/*
 * Copy up to the next backslash, a block at a time; out may be the same memory, at p or before it. A block is written
 * whole only if all of it is taken: what lies behind it in the same memory has not been read. Returns the bytes copied,
 * at most cap.
 */
static size_t copy_run(uint8_t *out, size_t cap, const uint8_t *p, const uint8_t *end)
{
    const uint8_t *from = p, *stop;
    while (end - p >= WICK_JSCAN_BLOCK && cap >= WICK_JSCAN_BLOCK && !wick_jscan_slashes(p)) {
        uint8_t block[WICK_JSCAN_BLOCK];
        memcpy(block, p, sizeof block);
        memcpy(out, block, sizeof block);
        out += WICK_JSCAN_BLOCK;
        p += WICK_JSCAN_BLOCK;
        cap -= WICK_JSCAN_BLOCK;
    }
    stop = (size_t)(end - p) < cap ? end : p + cap;
    while (p < stop && *p != '\\')
        *out++ = *p++;
    return (size_t)(p - from);
}

wick_status wick_text_plain(const wick_text *text, char *out, size_t cap, wick_str *plain)
{
    const uint8_t *p = text_begin(text), *end;
    uint8_t bytes[4], *to = (uint8_t *)out;
    size_t len = 0, n;
    plain->data = text->data;
    plain->len = text->data ? text->len : 0;
    if (!p || text->form != WICK_TEXT_ESCAPED)
        return WICK_OK;
    plain->data = out;
    for (end = p + text->len; p < end;) {
        n = copy_run(to + len, cap - len, p, end);
        p += n;
        len += n;
        if (p == end)
            break;
        if (*p == '\\' && end - p >= 2 && p[1] < 128 && wick_jscan_letter[p[1]]) {
            bytes[0] = wick_jscan_letter[p[1]];
            p += 2;
            n = 1;
        } else {
            n = text_step(&p, end, bytes);
        }
        if (n > cap - len) {
            plain->len = wick_text_plain_len(text);
            return WICK_E_SPACE;
        }
        memcpy(to + len, bytes, n);
        len += n;
    }
    plain->len = len;
    return WICK_OK;
}

int wick_text_is(const wick_text *text, const char *plain, size_t len)
{
    const uint8_t *p = text_begin(text), *end;
    uint8_t bytes[4];
    size_t at = 0, n;
    if (!p)
        return 0;
    if (text->form != WICK_TEXT_ESCAPED)
        return text->len == len && memcmp(p, plain, len) == 0;
    for (end = p + text->len; p < end; at += n) {
        n = text_step(&p, end, bytes);
        if (len - at < n || memcmp(plain + at, bytes, n) != 0)
            return 0;
    }
    return at == len;
}

int wick_text_equal(const wick_text *a, const wick_text *b)
{
    const uint8_t *p = text_begin(a), *q = text_begin(b), *p_end, *q_end;
    uint8_t x[4], y[4];
    unsigned i = 0, j = 0, m = 0, n = 0;
    if (!p || !q)
        return 0;
    if (a->form != WICK_TEXT_ESCAPED)
        return wick_text_is(b, a->data, a->len);
    if (b->form != WICK_TEXT_ESCAPED)
        return wick_text_is(a, b->data, b->len);
    p_end = p + a->len;
    q_end = q + b->len;
    for (;;) {
        if (i == m && p < p_end) {
            m = text_step(&p, p_end, x);
            i = 0;
        }
        if (j == n && q < q_end) {
            n = text_step(&q, q_end, y);
            j = 0;
        }
        if (i == m || j == n)
            return i == m && j == n;
        if (x[i++] != y[j++])
            return 0;
    }
}

uint64_t wick_text_hash(const wick_text *text)
{
    const uint8_t *p = text_begin(text), *end;
    uint64_t hash = 0xCBF29CE484222325u;
    uint8_t bytes[4];
    unsigned i, n;
    if (!p)
        return hash;
    for (end = p + text->len; p < end;) {
        n = 1;
        if (text->form == WICK_TEXT_ESCAPED)
            n = text_step(&p, end, bytes);
        else
            bytes[0] = *p++;
        for (i = 0; i < n; i++)
            hash = (hash ^ bytes[i]) * 0x100000001B3u;
    }
    return hash;
}

wick_text wick_text_cut(const wick_text *text, size_t max)
{
    wick_text cut = *text;
    const uint8_t *p = text_begin(text), *next, *end;
    uint8_t bytes[4];
    size_t len = 0;
    uint32_t back;
    if (!p || text->form == WICK_TEXT_JSON)
        return cut;
    if (text->form != WICK_TEXT_ESCAPED) {
        if (cut.len > max)
            cut.len = (uint32_t)max;
        next = p + cut.len;
    } else {
        next = p;
        for (end = p + text->len; next < end;) {
            const uint8_t *after = next;
            len += text_step(&after, end, bytes);
            if (len > max)
                break;
            next = after;
        }
        cut.len = (uint32_t)(next - p);
    }
    for (back = 0; cut.len < text->len && back < 3 && back < cut.len && (p[cut.len - back] & 0xC0) == 0x80;)
        back++;
    if (cut.len < text->len && (p[cut.len - back] & 0xC0) != 0x80)
        cut.len -= back;
    return cut;
}
