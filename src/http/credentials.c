/*
 * Who asks, and from where: cookies, bearer tokens, Host and Origin.
 */
#include "http/chars.h"

int wick_http_cookie(const wick_http_header *headers, size_t count, wick_str name, wick_str *value)
{
    for (size_t i = 0; i < count; i++) {
        wick_str rest = headers[i].value;
        if (!WICK_STR_IS(headers[i].name, "cookie"))
            continue;
        while (rest.len > 0) {
            size_t n = wick_str_index(rest, ';'), equals;
            wick_str pair = wick_str_trim(wick_str_first(rest, n));
            rest = wick_str_from(rest, n < rest.len ? n + 1 : n);
            equals = wick_str_index(pair, '=');
            if (equals == pair.len || !wick_str_same(wick_str_trim(wick_str_first(pair, equals)), name))
                continue;
            *value = wick_str_trim(wick_str_from(pair, equals + 1));
            if (value->len >= 2 && value->data[0] == '"' && value->data[value->len - 1] == '"')
                *value = wick_str_first(wick_str_from(*value, 1), value->len - 2);
            return 1;
        }
    }
    *value = WICK_STR("");
    return 0;
}

/* b64token of RFC 6750 section 2.1: one or more of these, then any number of "=". */
static int is_b64token(wick_str text)
{
    size_t n = 0;
    while (n < text.len && (wick_char_is(text.data[n], WICK_CHAR_BASE64) || text.data[n] == '-' ||
                            text.data[n] == '.' || text.data[n] == '_' || text.data[n] == '~'))
        n++;
    if (n == 0)
        return 0;
    while (n < text.len && text.data[n] == '=')
        n++;
    return n == text.len;
}

int wick_http_bearer(const wick_http_header *headers, size_t count, wick_str *token)
{
    wick_str value;
    size_t found = wick_http_find(headers, count, WICK_STR("authorization"), &value), n;
    *token = WICK_STR("");
    if (found == 0)
        return 0;
    if (found > 1)
        return -1;
    n = wick_str_index(value, ' ');
    if (!WICK_STR_IS(wick_str_first(value, n), "bearer"))
        return 0;
    value = wick_str_trim(wick_str_from(value, n));
    if (!is_b64token(value))
        return -1;
    *token = value;
    return 1;
}

wick_status wick_http_host(const wick_http_request *request, wick_str *host)
{
    size_t found = wick_http_find(request->headers, request->header_count, WICK_STR("host"), host);
    int must = request->version > 10 && request->version < 20;
    if (found > 1 || (found == 0 && must))
        return WICK_E_HTTP_HOST;
    if (found == 1 && wick_url_split_authority(*host, NULL, NULL) != WICK_OK)
        return WICK_E_HTTP_HOST;
    if (request->authority.len > 0)
        *host = request->authority;
    return WICK_OK;
}

/* ---- Origin ---------------------------------------------------------------------------------------------- */

/* scheme://host[:port], taken apart. */
typedef struct origin_parts {
    wick_str scheme;
    wick_str host;
    int port;
} origin_parts;

static int default_port(wick_str scheme)
{
    if (WICK_STR_IS(scheme, "http") || WICK_STR_IS(scheme, "ws"))
        return 80;
    return WICK_STR_IS(scheme, "https") || WICK_STR_IS(scheme, "wss") ? 443 : -1;
}

static int origin_split(wick_str origin, origin_parts *parts)
{
    size_t n = wick_str_index(origin, ':');
    if (n == 0 || origin.len - n < 3 || memcmp(origin.data + n, "://", 3) != 0)
        return 0;
    parts->scheme = wick_str_first(origin, n);
    if (wick_url_split_authority(wick_str_from(origin, n + 3), &parts->host, &parts->port) != WICK_OK)
        return 0;
    if (parts->port < 0)
        parts->port = default_port(parts->scheme);
    return 1;
}

int wick_http_origin_is_same(wick_str origin, wick_str host)
{
    origin_parts parts;
    wick_str name;
    int port;
    /* As browsers write the two where nothing stands between. */
    if (origin.len == host.len + 7 && memcmp(origin.data, "http://", 7) == 0 &&
        wick_str_same(wick_str_from(origin, 7), host))
        return wick_url_split_authority(host, NULL, NULL) == WICK_OK;
    if (!origin_split(origin, &parts) || wick_url_split_authority(host, &name, &port) != WICK_OK)
        return 0;
    if (port < 0)
        port = default_port(parts.scheme);
    return port == parts.port && wick_http_equal(parts.host, name);
}

/* Whether a host is below the one that a wildcard names: "*.example.com" has "a.example.com", not "example.com". */
static int host_is_below(wick_str host, wick_str wildcard)
{
    wick_str tail = wick_str_from(wildcard, 1);
    if (host.len <= tail.len)
        return 0;
    return wick_http_equal(wick_str_from(host, host.len - tail.len), tail);
}

static int origin_matches(wick_str origin, wick_str entry)
{
    origin_parts have, want;
    if (wick_str_same(entry, WICK_STR("*")) || wick_http_equal(origin, entry))
        return 1;
    if (!origin_split(origin, &have) || !origin_split(entry, &want))
        return 0;
    if (!wick_http_equal(have.scheme, want.scheme) || have.port != want.port)
        return 0;
    if (want.host.len > 2 && want.host.data[0] == '*' && want.host.data[1] == '.')
        return host_is_below(have.host, want.host);
    return wick_http_equal(have.host, want.host);
}

int wick_http_origin_is_listed(wick_str origin, const wick_str *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (origin_matches(origin, list[i]))
            return 1;
    return 0;
}
