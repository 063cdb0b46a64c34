/*
 * A second HTTP/1.1 head parser: see http.h. Each rule is written out as its RFC has it, without tables.
 */
#include "oracle/http.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
    const uint8_t *data;
    size_t len, at, line, line_max;
    wick_status line_error; /* for a line longer than line_max */
    const oracle_limits *limits;
    wick_status status; /* what stopped it; WICK_OK while it goes on */
} reader;

static int is_tchar(int c)
{
    return c < 0x80 && (isalnum(c) || (c != 0 && strchr("!#$%&'*+-.^_`|~", c)));
}

static int is_field_char(int c)
{
    return c == '\t' || c == ' ' || (c >= 0x21 && c <= 0x7e) || c >= 0x80;
}

/* The byte that comes next, or -1 when the reader has stopped or runs out. */
static int peek(reader *r)
{
    if (r->status != WICK_OK)
        return -1;
    if (r->at == r->len) {
        r->status = WICK_MORE;
        return -1;
    }
    return r->data[r->at];
}

static void stop(reader *r, wick_status status)
{
    if (r->status == WICK_OK)
        r->status = status;
}

/* Take the byte that peek() showed. Not the last one of the head. */
static void take(reader *r, int ends_line)
{
    r->at++;
    if (r->at >= r->limits->max_head)
        stop(r, WICK_E_HEAD_TOO_BIG);
    else if (!ends_line && r->line_max && r->at - r->line >= r->line_max)
        stop(r, r->line_error);
}

static void expect(reader *r, int want, int ends_line, wick_status otherwise)
{
    int c = peek(r);
    if (c == want)
        take(r, ends_line);
    else if (c >= 0)
        stop(r, otherwise);
}

/* CR LF at the end of a line; `bad` is what any byte but CR and LF is. */
static void line_end(reader *r, wick_status bad)
{
    int c = peek(r);
    if (c == '\n')
        stop(r, WICK_E_HTTP_LINE_END);
    expect(r, '\r', 0, bad);
    expect(r, '\n', 1, WICK_E_HTTP_LINE_END);
}

static void version(reader *r, oracle_head *out, wick_status bad)
{
    int c;
    for (const char *s = "HTTP/"; *s; s++)
        expect(r, *s, 0, bad);
    c = peek(r);
    if (c >= 0 && c != '1' && isdigit(c))
        stop(r, WICK_E_HTTP_VERSION);
    expect(r, '1', 0, bad);
    expect(r, '.', 0, bad);
    c = peek(r);
    if (c < 0)
        return;
    if (!isdigit(c))
        stop(r, bad);
    out->version = 10 + c - '0';
    if (r->status == WICK_OK)
        take(r, 0);
}

/* ---- Targets --------------------------------------------------------------------------------------------- */

static int is_port(const char *text)
{
    return strspn(text, "0123456789") == strlen(text) && strtoull(text, NULL, 10) <= 65535;
}

static int is_dotted(const char *text)
{
    unsigned a, b, c, d;
    char again[64];
    if (sscanf(text, "%3u.%3u.%3u.%3u", &a, &b, &c, &d) != 4 || a > 255 || b > 255 || c > 255 || d > 255)
        return 0;
    snprintf(again, sizeof again, "%u.%u.%u.%u", a, b, c, d);
    return strcmp(again, text) == 0;
}

/* Count the groups of one side of "::"; an IPv4 address at the end counts two. -1 if it is malformed. */
static int groups_of(char *text, int may_end_dotted)
{
    int count = 0;
    if (*text == 0)
        return 0;
    for (;;) {
        char *colon = strchr(text, ':');
        if (colon)
            *colon = 0;
        if (!colon && may_end_dotted && strchr(text, '.'))
            return is_dotted(text) ? count + 2 : -1;
        if (*text == 0 || strlen(text) > 4 || strspn(text, "0123456789abcdefABCDEF") != strlen(text))
            return -1;
        count++;
        if (!colon)
            return count;
        text = colon + 1;
    }
}

static int is_ip6(char *text)
{
    char *gap = strstr(text, "::");
    int left, right;
    if (!gap)
        return groups_of(text, 1) == 8;
    *gap = 0;
    left = groups_of(text, 0);
    right = groups_of(gap + 2, 1);
    return left >= 0 && right >= 0 && left + right < 8;
}

int oracle_http_authority(const char *text, size_t len)
{
    char copy[20000], *port, *name = copy;
    if (len >= sizeof copy || memchr(text, 0, len))
        return 0;
    memcpy(copy, text, len);
    copy[len] = 0;
    if (copy[0] == '[') {
        char *close = strchr(copy, ']');
        if (!close)
            return 0;
        *close = 0;
        return is_ip6(copy + 1) && (close[1] == 0 || (close[1] == ':' && is_port(close + 2)));
    }
    port = strchr(copy, ':');
    if (port)
        *port++ = 0;
    if (*name == 0 || (port && !is_port(port)))
        return 0;
    for (; *name; name++) {
        if (*name == '%' && isxdigit((unsigned char)name[1]) && isxdigit((unsigned char)name[2]))
            name += 2;
        else if ((unsigned char)*name >= 0x80 || !(isalnum((unsigned char)*name) || strchr("-._~!$&'()*+,;=", *name)))
            return 0;
    }
    return 1;
}

static int is_absolute(const char *target, size_t len)
{
    static const char *const schemes[] = {"http://", "https://", "ws://", "wss://"};
    for (size_t i = 0; i < 4; i++) {
        size_t n = strlen(schemes[i]), end = n;
        if (len <= n || strncasecmp(target, schemes[i], n) != 0)
            continue;
        while (end < len && target[end] != '/' && target[end] != '?')
            end++;
        /* Port 0 cannot be connected to. */
        if (end - n >= 2 && oracle_http_authority(target + n, end - n)) {
            const char *colon = memrchr(target + n, ':', end - n);
            const char *bracket = memrchr(target + n, ']', end - n);
            if (colon && (!bracket || colon > bracket) && colon + 1 < target + end && atoi(colon + 1) == 0)
                return 0;
        }
        return oracle_http_authority(target + n, end - n);
    }
    return 0;
}

int oracle_http_target(const char *method, size_t method_len, const char *target, size_t len)
{
    if (method_len == 7 && memcmp(method, "CONNECT", 7) == 0) {
        const char *colon = memrchr(target, ':', len);
        return colon && oracle_http_authority(target, len) && colon + 1 < target + len && target[len - 1] != ']' &&
               atoi(colon + 1) > 0;
    }
    if (len == 1 && target[0] == '*')
        return method_len == 7 && memcmp(method, "OPTIONS", 7) == 0;
    return (len > 0 && target[0] == '/') || is_absolute(target, len);
}

/* ---- Lines ----------------------------------------------------------------------------------------------- */

static void request_line(reader *r, oracle_head *out)
{
    size_t start = r->at;
    const char *text = (const char *)r->data;
    while (is_tchar(peek(r)))
        take(r, 0);
    if (r->status != WICK_OK)
        return;
    if (r->at == start)
        stop(r, r->at == 0 && peek(r) == 0x16 ? WICK_E_HTTP_TLS : WICK_E_HTTP_REQUEST_LINE);
    out->method = (wick_str){text + start, r->at - start};
    expect(r, ' ', 0, WICK_E_HTTP_REQUEST_LINE);
    start = r->at;
    while (peek(r) >= 0x21 && peek(r) <= 0x7e && peek(r) != '#')
        take(r, 0);
    if (peek(r) == '\r' || peek(r) == '\n')
        stop(r, WICK_E_HTTP_REQUEST_LINE);
    if (peek(r) == ' ' && !oracle_http_target(out->method.data, out->method.len, text + start, r->at - start))
        stop(r, WICK_E_HTTP_TARGET);
    out->target = (wick_str){text + start, r->at - start};
    expect(r, ' ', 0, WICK_E_HTTP_TARGET);
    version(r, out, WICK_E_HTTP_REQUEST_LINE);
    line_end(r, WICK_E_HTTP_REQUEST_LINE);
}

static void status_line(reader *r, oracle_head *out)
{
    size_t start;
    if (peek(r) == 0x15 || peek(r) == 0x16)
        stop(r, WICK_E_HTTP_TLS);
    version(r, out, WICK_E_HTTP_STATUS_LINE);
    expect(r, ' ', 0, WICK_E_HTTP_STATUS_LINE);
    for (int i = 0; i < 3; i++) {
        int c = peek(r);
        if (c < 0)
            return;
        if (!isdigit(c) || (i == 0 && c == '0')) {
            stop(r, WICK_E_HTTP_STATUS_LINE);
            return;
        }
        out->code = out->code * 10 + (unsigned)(c - '0');
        take(r, 0);
    }
    if (peek(r) == ' ')
        take(r, 0);
    else if (peek(r) >= 0 && peek(r) != '\r' && peek(r) != '\n')
        stop(r, WICK_E_HTTP_STATUS_LINE);
    start = r->at;
    while (is_field_char(peek(r)))
        take(r, 0);
    out->reason = (wick_str){(const char *)r->data + start, r->at - start};
    line_end(r, WICK_E_HTTP_STATUS_LINE);
}

static void field_line(reader *r, oracle_head *out, int response, int *hosts)
{
    const char *text = (const char *)r->data;
    wick_str name = {text + r->at, 0}, value;
    int c = peek(r);
    if (c == ' ' || c == '\t')
        stop(r, WICK_E_HTTP_FOLD);
    else if (!is_tchar(c))
        stop(r, WICK_E_HTTP_FIELD_NAME);
    else if (out->count == r->limits->max_fields)
        stop(r, WICK_E_TOO_MANY_FIELDS);
    while (is_tchar(peek(r)))
        take(r, 0);
    name.len = (size_t)(text + r->at - name.data);
    expect(r, ':', 0, WICK_E_HTTP_FIELD_NAME);
    value.data = text + r->at;
    while (is_field_char(peek(r)))
        take(r, 0);
    value.len = (size_t)(text + r->at - value.data);
    if (peek(r) == '\n')
        stop(r, WICK_E_HTTP_LINE_END);
    expect(r, '\r', 0, WICK_E_HTTP_FIELD_VALUE);
    if (peek(r) >= 0 && peek(r) != '\n')
        stop(r, WICK_E_HTTP_LINE_END);
    if (peek(r) < 0)
        return;
    while (value.len && (value.data[0] == ' ' || value.data[0] == '\t'))
        value.data++, value.len--;
    while (value.len && (value.data[value.len - 1] == ' ' || value.data[value.len - 1] == '\t'))
        value.len--;
    out->fields[out->count++] = (wick_http_header){name, value};
    if (!response && name.len == 4 && strncasecmp(name.data, "host", 4) == 0 &&
        (++*hosts > 1 || !oracle_http_authority(value.data, value.len)))
        stop(r, WICK_E_HTTP_HOST);
    expect(r, '\n', 1, WICK_E_HTTP_LINE_END);
}

void oracle_http_head(int response, const uint8_t *data, size_t len, const oracle_limits *limits, oracle_head *out)
{
    reader r = {data, len < limits->max_head ? len : limits->max_head, 0, 0, 0, WICK_E_LINE_TOO_LONG, limits, WICK_OK};
    int hosts = 0;
    memset(out, 0, sizeof *out);
    if (!response && peek(&r) == '\r') {
        take(&r, 0);
        expect(&r, '\n', 0, WICK_E_HTTP_LINE_END);
    }
    r.line = r.at;
    r.line_max = limits->max_line;
    if (response)
        status_line(&r, out);
    else
        request_line(&r, out);
    while (peek(&r) >= 0 && peek(&r) != '\r' && peek(&r) != '\n') {
        r.line = r.at;
        r.line_max = limits->max_field;
        r.line_error = WICK_E_FIELD_TOO_LONG;
        field_line(&r, out, response, &hosts);
    }
    r.line_max = 0;
    if (peek(&r) == '\n')
        stop(&r, WICK_E_HTTP_LINE_END);
    expect(&r, '\r', 0, WICK_E_HTTP_LINE_END);
    if (peek(&r) >= 0 && peek(&r) != '\n')
        stop(&r, WICK_E_HTTP_LINE_END);
    if (peek(&r) == '\n') {
        if (!response && out->version > 10 && !hosts)
            stop(&r, WICK_E_HTTP_HOST);
        else
            r.at++;
    }
    out->status = r.status;
    out->at = r.at;
}
