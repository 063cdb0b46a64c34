/*
 * Recursive descent over RFC 8259's grammar: see json.h.
 */
#include "oracle/json.h"

#include <setjmp.h>
#include <string.h>

struct oracle {
    const uint8_t *data;
    size_t len, pos;
    int depth, max_depth, lone;
    wick_status status;
    size_t offset;
    jmp_buf out;
};

static void give_up(struct oracle *o, wick_status status, size_t offset)
{
    o->status = status;
    o->offset = offset;
    longjmp(o->out, 1);
}

/* The byte at pos + n; past the end the text is cut. */
static int look(struct oracle *o, size_t n)
{
    if (o->pos + n >= o->len)
        give_up(o, WICK_E_JSON_CUT, o->len);
    return o->data[o->pos + n];
}

static void blanks(struct oracle *o)
{
    while (o->pos < o->len && strchr(" \t\r\n", o->data[o->pos]) && o->data[o->pos])
        o->pos++;
}

static void want(struct oracle *o, int byte, wick_status status)
{
    if (look(o, 0) != byte)
        give_up(o, status, o->pos);
    o->pos++;
}

static unsigned hex(struct oracle *o)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        int c = look(o, 0);
        if (c >= '0' && c <= '9')
            value = value * 16 + (unsigned)(c - '0');
        else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
            value = value * 16 + (unsigned)((c & 0xDF) - 'A' + 10);
        else
            give_up(o, WICK_E_JSON_ESCAPE, o->pos);
        o->pos++;
    }
    return value;
}

static void escape(struct oracle *o)
{
    size_t start = o->pos - 1;
    int c = look(o, 0);
    if (c != 'u') {
        if (!strchr("\"\\/bfnrt", c) || c == 0)
            give_up(o, WICK_E_JSON_ESCAPE, o->pos);
        o->pos++;
        return;
    }
    o->pos++;
    unsigned unit = hex(o);
    if (unit >> 11 != 0xD800 >> 11 || o->lone)
        return; /* with lone allowed, the other half of a pair is fine as it stands too */
    if (unit >= 0xDC00)
        give_up(o, WICK_E_JSON_SURROGATE, start);
    size_t second = o->pos;
    for (int i = 0; i < 6; i++) {
        int d = look(o, 0);
        int fine = i == 0 ? d == '\\' : i == 1 ? d == 'u' : d && strchr("0123456789abcdefABCDEF", d) != NULL;
        if (!fine)
            give_up(o, WICK_E_JSON_SURROGATE, start);
        o->pos++;
    }
    o->pos = second + 2;
    unit = hex(o);
    if (unit < 0xDC00 || unit > 0xDFFF)
        give_up(o, WICK_E_JSON_SURROGATE, start);
}

/* A character that is not ASCII, its first byte at pos. The byte that cannot continue it is the bad one. */
static void wide(struct oracle *o)
{
    uint8_t lead = o->data[o->pos];
    unsigned low = 0x80, high = 0xBF;
    int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    if (lead < 0xC2 || lead > 0xF4)
        give_up(o, WICK_E_JSON_UTF8, o->pos);
    if (lead == 0xE0)
        low = 0xA0;
    if (lead == 0xED)
        high = 0x9F;
    if (lead == 0xF0)
        low = 0x90;
    if (lead == 0xF4)
        high = 0x8F;
    o->pos++;
    for (; more > 0; more--) {
        if (o->pos == o->len || o->data[o->pos] < low || o->data[o->pos] > high)
            give_up(o, WICK_E_JSON_UTF8, o->pos);
        o->pos++;
        low = 0x80;
        high = 0xBF;
    }
}

static void string(struct oracle *o)
{
    for (;;) {
        int c = look(o, 0);
        if (c >= 0x80) {
            wide(o);
            continue;
        }
        if (c < 0x20)
            give_up(o, WICK_E_JSON_CONTROL, o->pos);
        o->pos++;
        if (c == '"')
            return;
        if (c == '\\')
            escape(o);
    }
}

static void digits(struct oracle *o)
{
    int c = look(o, 0);
    if (c < '0' || c > '9')
        give_up(o, WICK_E_JSON_NUMBER, o->pos);
    while (o->pos < o->len && o->data[o->pos] >= '0' && o->data[o->pos] <= '9')
        o->pos++;
}

static void number(struct oracle *o)
{
    if (look(o, 0) == '-')
        o->pos++;
    size_t start = o->pos;
    digits(o);
    if (o->data[start] == '0' && o->pos > start + 1)
        give_up(o, WICK_E_JSON_NUMBER, start + 1);
    if (o->pos < o->len && o->data[o->pos] == '.') {
        o->pos++;
        digits(o);
    }
    if (o->pos < o->len && (o->data[o->pos] == 'e' || o->data[o->pos] == 'E')) {
        o->pos++;
        if (o->pos < o->len && (o->data[o->pos] == '+' || o->data[o->pos] == '-'))
            o->pos++;
        digits(o);
    }
}

static void value(struct oracle *o);

static void object(struct oracle *o)
{
    blanks(o);
    if (look(o, 0) == '}') {
        o->pos++;
        return;
    }
    for (;;) {
        blanks(o);
        want(o, '"', WICK_E_JSON_SYNTAX);
        string(o);
        blanks(o);
        want(o, ':', WICK_E_JSON_SYNTAX);
        value(o);
        blanks(o);
        if (look(o, 0) == '}')
            break;
        want(o, ',', WICK_E_JSON_SYNTAX);
    }
    o->pos++;
}

static void array(struct oracle *o)
{
    blanks(o);
    if (look(o, 0) == ']') {
        o->pos++;
        return;
    }
    for (;;) {
        value(o);
        blanks(o);
        if (look(o, 0) == ']')
            break;
        want(o, ',', WICK_E_JSON_SYNTAX);
    }
    o->pos++;
}

static void value(struct oracle *o)
{
    blanks(o);
    int c = look(o, 0);
    if (c == '{' || c == '[') {
        if (++o->depth > o->max_depth)
            give_up(o, WICK_E_JSON_DEPTH, o->pos);
        o->pos++;
        (c == '{' ? object : array)(o);
        o->depth--;
    } else if (c == '"') {
        o->pos++;
        string(o);
    } else if (c && strchr("+-.0123456789", c)) {
        number(o);
    } else if (c == 't' || c == 'f' || c == 'n') {
        for (const char *word = c == 't' ? "true" : c == 'f' ? "false" : "null"; *word; word++)
            want(o, *word, WICK_E_JSON_SYNTAX);
    } else {
        give_up(o, WICK_E_JSON_SYNTAX, o->pos);
    }
}

wick_status oracle_json(const uint8_t *data, size_t len, int max_depth, int lone, size_t *offset)
{
    struct oracle o;
    memset(&o, 0, sizeof o);
    o.data = data;
    o.len = o.offset = len;
    o.max_depth = max_depth;
    o.lone = lone;
    if (len >= 3 && data[0] == 0xEF && data[1] == 0xBB && data[2] == 0xBF) {
        *offset = 0;
        return WICK_E_JSON_BOM;
    }
    if (setjmp(o.out) == 0) {
        value(&o);
        blanks(&o);
        if (o.pos != o.len)
            give_up(&o, WICK_E_JSON_TRAILING, o.pos);
    }
    *offset = o.offset;
    return o.status;
}
