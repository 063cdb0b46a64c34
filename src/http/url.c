/*
 * URLs, request targets, percent-encoding and queries: RFC 3986, RFC 9112 section 3.2, RFC 6455 section 3.
 */
#include "http/chars.h"
#include "http/head.h"
#include "http/url.h"

/* ---- host[:port] ----------------------------------------------------------------------------------------- */

/* Up to three digits, at most 255, no leading zero. Returns the characters taken, or 0. */
static size_t octet_span(wick_str text)
{
    unsigned n = 0;
    size_t i = 0;
    while (i < text.len && i < 3 && wick_char_is_digit(text.data[i]))
        n = n * 10 + (unsigned)(text.data[i++] - '0');
    return n > 255 || (i > 1 && text.data[0] == '0') ? 0 : i;
}

static int is_ipv4(wick_str text)
{
    for (int octets = 1;; octets++) {
        size_t n = octet_span(text);
        if (n == 0)
            return 0;
        text = wick_str_from(text, n);
        if (octets == 4)
            return text.len == 0;
        if (text.len == 0 || text.data[0] != '.')
            return 0;
        text = wick_str_from(text, 1);
    }
}

/* An IPv6 address: eight groups of hex digits; "::" once for any that are zero; the last two may be an IPv4 address. */
static int is_ipv6(wick_str text)
{
    int groups = 0, gap = 0;
    if (text.len >= 2 && text.data[0] == ':' && text.data[1] == ':') {
        gap = 1;
        text = wick_str_from(text, 2);
        if (text.len == 0)
            return 1;
    }
    for (;;) {
        size_t n = wick_str_span(text, WICK_CHAR_HEX);
        if (n < text.len && text.data[n] == '.')
            return (gap ? groups < 6 : groups == 6) && is_ipv4(text);
        if (n == 0 || n > 4 || ++groups > 8)
            return 0;
        text = wick_str_from(text, n);
        if (text.len == 0)
            return gap ? groups < 8 : groups == 8;
        if (text.data[0] != ':' || text.len == 1)
            return 0;
        text = wick_str_from(text, 1);
        if (text.data[0] != ':')
            continue;
        if (gap++)
            return 0;
        text = wick_str_from(text, 1);
        if (text.len == 0)
            return groups < 8;
    }
}

/* The characters of a registered name or IPv4 address at the start of a text: RFC 3986 section 3.2.2. */
static size_t name_span(wick_str text)
{
    size_t i = 0;
    for (;;) {
        while (i < text.len && wick_char_is(text.data[i], WICK_CHAR_NAME))
            i++;
        if (text.len - i < 3 || text.data[i] != '%' || !wick_char_is(text.data[i + 1], WICK_CHAR_HEX) ||
            !wick_char_is(text.data[i + 2], WICK_CHAR_HEX))
            return i;
        i += 3;
    }
}

/* ":" and a number, or ":" alone, or nothing. Returns the port, -1 if there is none, -2 if it is malformed. */
static int port_of(wick_str text)
{
    int port = 0;
    if (text.len == 0)
        return -1;
    if (text.data[0] != ':')
        return -2;
    for (size_t i = 1; i < text.len; i++) {
        if (!wick_char_is_digit(text.data[i]))
            return -2;
        port = port * 10 + (text.data[i] - '0');
        if (port > 65535)
            return -2;
    }
    return text.len == 1 ? -1 : port;
}

wick_status wick_url_split_authority(wick_str text, wick_str *host, int *port)
{
    wick_str name;
    int number;
    if (text.len > 0 && text.data[0] == '[') {
        size_t close = wick_str_index(text, ']');
        if (close == text.len)
            return WICK_E_URL;
        name = wick_str_first(wick_str_from(text, 1), close - 1);
        if (!is_ipv6(name))
            return WICK_E_URL;
        number = port_of(wick_str_from(text, close + 1));
    } else {
        name = wick_str_first(text, name_span(text));
        if (name.len == 0)
            return WICK_E_URL;
        number = port_of(wick_str_from(text, name.len));
    }
    if (number < -1)
        return WICK_E_URL;
    if (host)
        *host = name;
    if (port)
        *port = number;
    return WICK_OK;
}

/* ---- URLs and targets ------------------------------------------------------------------------------------ */

/* The number of leading characters that belong to the authority. */
static size_t authority_span(wick_str text)
{
    size_t n = 0;
    while (n < text.len && text.data[n] != '/' && text.data[n] != '?')
        n++;
    return n;
}

/* Part /path?query; an empty path becomes "/". */
static void split_path(wick_str text, wick_str *path, wick_str *query)
{
    size_t mark = wick_str_index(text, '?');
    *path = wick_str_first(text, mark);
    *query = wick_str_from(text, mark < text.len ? mark + 1 : mark);
    if (path->len == 0)
        *path = WICK_STR("/");
}

wick_status wick_url_split(wick_str text, wick_url *url)
{
    wick_str scheme = wick_str_first(text, wick_str_index(text, ':')), rest;
    int secure = WICK_STR_IS(scheme, "wss") || WICK_STR_IS(scheme, "https"), port;
    if (!secure && !WICK_STR_IS(scheme, "ws") && !WICK_STR_IS(scheme, "http"))
        return WICK_E_URL;
    rest = wick_str_from(text, scheme.len);
    if (rest.len < 3 || memcmp(rest.data, "://", 3) != 0)
        return WICK_E_URL;
    rest = wick_str_from(rest, 3);
    if (wick_str_span(rest, WICK_CHAR_TARGET) != rest.len)
        return WICK_E_URL;
    url->scheme = scheme;
    url->authority = wick_str_first(rest, authority_span(rest));
    if (wick_url_split_authority(url->authority, &url->host, &port) != WICK_OK || port == 0)
        return WICK_E_URL;
    split_path(wick_str_from(rest, url->authority.len), &url->path, &url->query);
    url->port = (uint16_t)(port > 0 ? port : secure ? 443 : 80);
    url->secure = (uint8_t)secure;
    return WICK_OK;
}

wick_status wick_target_split(wick_str method, wick_str target, wick_http_request *request)
{
    const wick_str none = WICK_STR("");
    wick_url url;
    int port = -1;
    request->target = target;
    request->scheme = request->authority = request->path = request->query = none;
    if (wick_str_same(method, WICK_STR("CONNECT"))) {
        request->authority = target;
        return wick_url_split_authority(target, NULL, &port) == WICK_OK && port > 0 ? WICK_OK : WICK_E_HTTP_TARGET;
    }
    if (target.len > 0 && target.data[0] == '/') {
        split_path(target, &request->path, &request->query);
        return WICK_OK;
    }
    if (wick_str_same(target, WICK_STR("*"))) {
        request->path = target;
        return wick_str_same(method, WICK_STR("OPTIONS")) ? WICK_OK : WICK_E_HTTP_TARGET;
    }
    if (wick_url_split(target, &url) != WICK_OK)
        return WICK_E_HTTP_TARGET;
    request->scheme = url.scheme;
    request->authority = url.authority;
    request->path = url.path;
    request->query = url.query;
    return WICK_OK;
}

/* ---- Percent-encoding ------------------------------------------------------------------------------------ */

/* The character at the start of a text, decoded. Returns the characters that it takes; 0 for a broken "%". */
static size_t decode_one(wick_str text, int form, char *c)
{
    *c = text.data[0];
    if (*c == '+' && form)
        *c = ' ';
    if (*c != '%')
        return 1;
    if (text.len < 3 || !wick_char_is(text.data[1], WICK_CHAR_HEX) || !wick_char_is(text.data[2], WICK_CHAR_HEX))
        return 0;
    *c = (char)(wick_char_hex(text.data[1]) << 4 | wick_char_hex(text.data[2]));
    return 3;
}

wick_status wick_url_decode(wick_str text, int form, char *out, size_t cap, size_t *len)
{
    *len = 0;
    while (text.len > 0) {
        char c;
        size_t n = decode_one(text, form, &c);
        if (n == 0)
            return WICK_E_URL;
        if (*len == cap)
            return WICK_E_SPACE;
        out[(*len)++] = c;
        text = wick_str_from(text, n);
    }
    return WICK_OK;
}

int wick_url_decoded_is(wick_str text, int form, wick_str plain)
{
    while (text.len > 0) {
        char c;
        size_t n = decode_one(text, form, &c);
        if (n == 0 || plain.len == 0 || c != plain.data[0])
            return 0;
        text = wick_str_from(text, n);
        plain = wick_str_from(plain, 1);
    }
    return plain.len == 0;
}

size_t wick_url_query_find(wick_str query, wick_str name, wick_str *value)
{
    size_t found = 0;
    if (value)
        *value = WICK_STR("");
    while (query.len > 0) {
        size_t n = wick_str_index(query, '&');
        wick_str pair = wick_str_first(query, n);
        size_t equals = wick_str_index(pair, '=');
        query = wick_str_from(query, n < query.len ? n + 1 : n);
        if (pair.len == 0 || !wick_url_decoded_is(wick_str_first(pair, equals), 1, name))
            continue;
        if (found++ == 0 && value)
            *value = wick_str_from(pair, equals < pair.len ? equals + 1 : equals);
    }
    return found;
}
