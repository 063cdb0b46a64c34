#include "oracle/diagnose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- Texts ----------------------------------------------------------------------------------------------- */

static int same_name(wick_str name, const char *want)
{
    return name.len == strlen(want) && strncasecmp(name.data, want, name.len) == 0;
}

static int same_text(wick_str text, const char *want)
{
    return text.len == strlen(want) && memcmp(text.data, want, text.len) == 0;
}

static int starts_with(wick_str text, const char *start)
{
    return text.len >= strlen(start) && memcmp(text.data, start, strlen(start)) == 0;
}

static int holds(wick_str text, const char *part)
{
    for (size_t i = 0; i + strlen(part) <= text.len; i++)
        if (strncasecmp(text.data + i, part, strlen(part)) == 0)
            return 1;
    return 0;
}

static size_t count_of(const wick_http_request *r, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < r->header_count; i++)
        n += same_name(r->headers[i].name, name) != 0;
    return n;
}

static int has(const wick_http_request *r, const char *name)
{
    return count_of(r, name) > 0;
}

static int has_start(const wick_http_request *r, const char *start)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (r->headers[i].name.len >= strlen(start) &&
            strncasecmp(r->headers[i].name.data, start, strlen(start)) == 0)
            return 1;
    return 0;
}

/* The element number n (from 0) of a list, commas in quotes aside; 0 if there are not so many. */
static int element_of(wick_str list, size_t n, wick_str *element)
{
    size_t begin = 0, found = 0;
    int quoted = 0;
    for (size_t i = 0; i <= list.len; i++) {
        if (i < list.len && quoted && list.data[i] == '\\') {
            i++;
            continue;
        }
        if (i < list.len && list.data[i] == '"')
            quoted = !quoted;
        if (i < list.len && (quoted || list.data[i] != ','))
            continue;
        size_t a = begin, b = i;
        while (a < b && (list.data[a] == ' ' || list.data[a] == '\t'))
            a++;
        while (b > a && (list.data[b - 1] == ' ' || list.data[b - 1] == '\t'))
            b--;
        begin = i + 1;
        if (a == b)
            continue;
        element->data = list.data + a;
        element->len = b - a;
        if (found++ == n)
            return 1;
    }
    /* An escape at the very end hides the end of the list from the loop. */
    if (begin < list.len && quoted && found == n) {
        size_t a = begin, b = list.len;
        while (a < b && (list.data[a] == ' ' || list.data[a] == '\t'))
            a++;
        while (b > a && (list.data[b - 1] == ' ' || list.data[b - 1] == '\t'))
            b--;
        element->data = list.data + a;
        element->len = b - a;
        return a < b;
    }
    return 0;
}

/* Element n of all fields of one name together. */
static int element_of_all(const wick_http_request *r, const char *name, size_t n, wick_str *element)
{
    for (size_t i = 0; i < r->header_count; i++) {
        size_t here = 0;
        if (!same_name(r->headers[i].name, name))
            continue;
        while (element_of(r->headers[i].value, here, element))
            if (here++ == n)
                return 1;
        n -= here;
    }
    return 0;
}

static int has_token(const wick_http_request *r, const char *name, const char *token)
{
    wick_str element;
    for (size_t n = 0; element_of_all(r, name, n, &element); n++)
        if (same_name(element, token))
            return 1;
    return 0;
}

/* ---- The upgrade ----------------------------------------------------------------------------------------- */

static int nearly_websocket(wick_str token)
{
    char letters[64];
    size_t n = 0;
    if (same_name(token, "ws") || same_name(token, "wss"))
        return 1;
    for (size_t i = 0; i < token.len && n < 9; i++)
        if (!strchr("-_\" ", token.data[i]))
            letters[n++] = token.data[i];
    return n == 9 && strncasecmp(letters, "websocket", 9) == 0;
}

wick_cause oracle_diagnose_upgrade(const wick_http_request *r, int *misspelt)
{
    int upgrade = has_token(r, "upgrade", "websocket"), connection = has_token(r, "connection", "upgrade");
    int handshake = has(r, "sec-websocket-key") || has(r, "sec-websocket-version");
    wick_str element;
    *misspelt = 0;
    if (r->version >= 20) {
        if (same_text(r->method, "CONNECT") && same_name(r->protocol, "websocket"))
            return WICK_CAUSE_NONE;
        return WICK_CAUSE_NOT_A_WEBSOCKET_REQUEST;
    }
    for (size_t n = 0; element_of_all(r, "upgrade", n, &element); n++)
        if (!upgrade && nearly_websocket(element))
            *misspelt = 1;
    if (*misspelt || (!upgrade && !handshake))
        return WICK_CAUSE_NOT_A_WEBSOCKET_REQUEST;
    if (upgrade && connection)
        return r->version == 10 ? WICK_CAUSE_HTTP10_WITH_UPGRADE : WICK_CAUSE_NONE;
    if (upgrade)
        return WICK_CAUSE_CONNECTION_NOT_SET;
    if (connection)
        return WICK_CAUSE_UPGRADE_NOT_SET;
    return r->version == 10 ? WICK_CAUSE_HOP_STRIPPED_HTTP10 : WICK_CAUSE_HOP_STRIPPED;
}

/* ---- The proxy ------------------------------------------------------------------------------------------- */

static int all_lower(const wick_http_request *r)
{
    for (size_t i = 0; i < r->header_count; i++)
        for (size_t k = 0; k < r->headers[i].name.len; k++)
            if (r->headers[i].name.data[k] >= 'A' && r->headers[i].name.data[k] <= 'Z')
                return 0;
    return r->header_count > 0 && r->version < 20;
}

static int is_forwarding(wick_str name)
{
    return (name.len >= 12 && strncasecmp(name.data, "x-forwarded-", 12) == 0) || same_name(name, "x-real-ip") ||
           same_name(name, "forwarded");
}

static int nginx_may_set(wick_str name)
{
    return is_forwarding(name) || same_name(name, "host") || same_name(name, "connection") ||
           same_name(name, "upgrade") || same_name(name, "x-scheme") || same_name(name, "x-request-id");
}

/* How many fields nginx has set at the head's start: up to and with its `Connection: close`. */
static size_t nginx_front(const wick_http_request *r)
{
    size_t n = 0;
    while (n < r->header_count && nginx_may_set(r->headers[n].name)) {
        n++;
        if (same_name(r->headers[n - 1].name, "connection") && same_text(r->headers[n - 1].value, "close"))
            break;
    }
    return n;
}

/* The last Connection of the front is one of those that nginx is told to write. */
static int nginx_connection(const wick_http_request *r)
{
    int found = 0;
    for (size_t i = 0; i < nginx_front(r); i++)
        if (same_name(r->headers[i].name, "connection"))
            found = same_text(r->headers[i].value, "close") || same_text(r->headers[i].value, "upgrade");
    return found;
}

/* nginx passes no Upgrade on: one behind its own fields is another proxy's. */
static int nginx_wrote(const wick_http_request *r)
{
    for (size_t i = nginx_front(r); i < r->header_count; i++)
        if (same_name(r->headers[i].name, "upgrade"))
            return 0;
    return nginx_connection(r);
}

static int real_ip_in_front(const wick_http_request *r)
{
    for (size_t i = 0; i < nginx_front(r); i++)
        if (same_name(r->headers[i].name, "x-real-ip"))
            return 1;
    return 0;
}

/* X-Scheme or X-Forwarded-Scheme among the client's fields, behind nginx's own. */
static int late_scheme(const wick_http_request *r)
{
    if (!nginx_connection(r))
        return 0;
    for (size_t i = nginx_front(r); i < r->header_count; i++)
        if (same_name(r->headers[i].name, "x-scheme") || same_name(r->headers[i].name, "x-forwarded-scheme"))
            return 1;
    return 0;
}

static int name_compare(wick_str a, wick_str b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int go_extra(wick_http_header h)
{
    return same_name(h.name, "content-length") || same_name(h.name, "transfer-encoding") ||
           (same_name(h.name, "accept-encoding") && same_text(h.value, "gzip")) ||
           (same_name(h.name, "connection") && same_text(h.value, "close"));
}

/* The number of fields behind Host, User-Agent and the framing if they are sorted, what Go adds at the end aside; or 0. */
static size_t go_sorted(const wick_http_request *r)
{
    size_t first = 1, i;
    if (r->version == 10 || r->header_count < 3 || !same_name(r->headers[0].name, "host"))
        return 0;
    if (same_name(r->headers[1].name, "user-agent"))
        first = 2;
    while (first < r->header_count && (same_name(r->headers[first].name, "content-length") ||
                                       same_name(r->headers[first].name, "transfer-encoding")))
        first++;
    for (i = first + 1; i < r->header_count; i++)
        if (name_compare(r->headers[i - 1].name, r->headers[i].name) > 0)
            break;
    for (; i < r->header_count; i++)
        if (!go_extra(r->headers[i]))
            return 0;
    return r->header_count >= first + 2 ? r->header_count - first : 0;
}

static int go_case(const wick_http_request *r)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (starts_with(r->headers[i].name, "Sec-Websocket-"))
            return 1;
    return 0;
}

/* The last element of the last Via that has one. */
static wick_proxy last_via(const wick_http_request *r)
{
    wick_str element, last = {"", 0};
    for (size_t n = 0; element_of_all(r, "via", n, &element); n++)
        last = element;
    return holds(last, "squid") ? WICK_PROXY_SQUID
         : holds(last, "varnish") ? WICK_PROXY_VARNISH
         : holds(last, "caddy") ? WICK_PROXY_CADDY : WICK_PROXY_NONE;
}

static int own_client(const wick_http_request *r)
{
    for (size_t i = 0; i < r->header_count; i++) {
        wick_str value = r->headers[i].value;
        if (same_name(r->headers[i].name, "user-agent") &&
            (starts_with(value, "node") || starts_with(value, "undici") || starts_with(value, "Dart/") ||
             starts_with(value, "Go-http-client/")))
            return 1;
    }
    return 0;
}

static int proxy_fields(const wick_http_request *r)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (is_forwarding(r->headers[i].name))
            return 1;
    return has(r, "x-varnish") || has(r, "x-host") || has(r, "x-scheme") || has(r, "cf-ray") ||
           has(r, "x-amzn-trace-id") || has_start(r, "x-envoy-");
}

static int is_a_proxy_there(const wick_http_request *r)
{
    int misspelt;
    wick_cause cause = oracle_diagnose_upgrade(r, &misspelt);
    if (proxy_fields(r) || last_via(r) != WICK_PROXY_NONE || (r->version == 10 && has(r, "origin")))
        return 1;
    if (r->version >= 20 || cause == WICK_CAUSE_NOT_A_WEBSOCKET_REQUEST)
        return 0;
    if (cause != WICK_CAUSE_NONE || (nginx_wrote(r) && !all_lower(r)))
        return 1;
    if (!has(r, "origin") || own_client(r))
        return 0;
    return all_lower(r) || go_sorted(r) >= 8 || (go_sorted(r) && go_case(r));
}

static wick_proxy which_nginx(const wick_http_request *r)
{
    if (!late_scheme(r) && has(r, "x-scheme") && has(r, "x-request-id"))
        return WICK_PROXY_INGRESS_NGINX;
    if (!late_scheme(r) && has(r, "x-forwarded-scheme"))
        return WICK_PROXY_NGINX_PROXY_MANAGER;
    return WICK_PROXY_NGINX;
}

/* Nothing but what ends a head behind the last X-Forwarded-Server. */
static int server_at_the_end(const wick_http_request *r)
{
    static const char *const ends[] = {"connection", "upgrade", "content-length", "transfer-encoding"};
    for (size_t i = r->header_count; i > 0; i--) {
        int end = 0;
        if (same_name(r->headers[i - 1].name, "x-forwarded-server"))
            return 1;
        for (size_t k = 0; k < 4; k++)
            end |= same_name(r->headers[i - 1].name, ends[k]);
        if (!end)
            return 0;
    }
    return 0;
}

/* Via of the fields up to number i, as far as it tells of a proxy. */
static wick_proxy via_until(const wick_http_request *r, size_t i)
{
    wick_http_request part = *r;
    part.header_count = i + 1;
    return last_via(&part);
}

/* From the end: the first field that one of those proxies has appended. */
static wick_proxy last_appender(const wick_http_request *r)
{
    for (size_t i = r->header_count; i > 0; i--) {
        wick_str name = r->headers[i - 1].name;
        wick_proxy via = via_until(r, i - 1);
        if (same_name(name, "x-varnish"))
            return WICK_PROXY_VARNISH;
        if (same_name(name, "x-host"))
            return WICK_PROXY_LIGHTTPD;
        if (same_name(name, "x-forwarded-server"))
            return WICK_PROXY_APACHE;
        if (same_name(name, "via") && (via == WICK_PROXY_SQUID || via == WICK_PROXY_VARNISH))
            return via;
    }
    return WICK_PROXY_NONE;
}

/* Fields of Connection behind Host do not count. */
static int ends_with_host(const wick_http_request *r)
{
    size_t n = r->header_count;
    while (n > 0 && same_name(r->headers[n - 1].name, "connection"))
        n--;
    return n > 0 && same_name(r->headers[n - 1].name, "host");
}

wick_proxy oracle_diagnose_proxy(const wick_http_request *r)
{
    if (!is_a_proxy_there(r))
        return WICK_PROXY_NONE;
    if (all_lower(r) && has_start(r, "x-envoy-"))
        return WICK_PROXY_ENVOY;
    if (all_lower(r))
        return ends_with_host(r) ? WICK_PROXY_NODE_HTTP_PROXY : WICK_PROXY_HAPROXY;
    if (nginx_wrote(r))
        return which_nginx(r);
    if (last_appender(r) == WICK_PROXY_VARNISH || last_appender(r) == WICK_PROXY_SQUID)
        return last_appender(r);
    if (go_sorted(r) && (go_sorted(r) >= 8 || go_case(r) || proxy_fields(r))) {
        if (has(r, "x-forwarded-server") && (has(r, "x-real-ip") || !go_case(r)))
            return WICK_PROXY_TRAEFIK;
        if (last_appender(r) == WICK_PROXY_LIGHTTPD &&
            same_name(r->headers[r->header_count - 1].name, "connection"))
            return WICK_PROXY_LIGHTTPD;
        return last_via(r) == WICK_PROXY_CADDY ? WICK_PROXY_CADDY : WICK_PROXY_CADDY_OR_GO;
    }
    if (last_appender(r) == WICK_PROXY_LIGHTTPD)
        return WICK_PROXY_LIGHTTPD;
    if (last_appender(r) == WICK_PROXY_APACHE && (server_at_the_end(r) || !real_ip_in_front(r)))
        return WICK_PROXY_APACHE;
    if (which_nginx(r) != WICK_PROXY_NGINX || real_ip_in_front(r))
        return which_nginx(r);
    if (has(r, "cf-ray"))
        return WICK_PROXY_CLOUDFLARE;
    if (has(r, "x-amzn-trace-id"))
        return WICK_PROXY_ALB;
    return has_start(r, "x-envoy-") ? WICK_PROXY_ENVOY : WICK_PROXY_NGINX;
}

/* ---- Host and Origin ------------------------------------------------------------------------------------- */

/* host[:port] in parts: the name in lower case without brackets, the port as a number, -1 without. 0 if malformed. */
static int authority_of(wick_str text, char *name, size_t cap, int *port)
{
    wick_str host;
    if (wick_url_split_authority(text, &host, port) != WICK_OK || host.len >= cap)
        return 0;
    for (size_t i = 0; i < host.len; i++)
        name[i] = (char)(host.data[i] >= 'A' && host.data[i] <= 'Z' ? host.data[i] + 32 : host.data[i]);
    name[host.len] = 0;
    return 1;
}


#define NAME_CAP 17000

/* What follows the first colon, if that is one with two slashes. */
static wick_str behind_scheme(wick_str origin)
{
    wick_str none = {"", 0};
    for (size_t i = 0; i < origin.len; i++)
        if (origin.data[i] == ':') {
            wick_str rest = {origin.data + i, origin.len - i};
            return starts_with(rest, "://") ? (wick_str){rest.data + 3, rest.len - 3} : none;
        }
    return none;
}

static int names_an_authority(wick_str origin)
{
    static char name[NAME_CAP];
    int port;
    return authority_of(behind_scheme(origin), name, sizeof name, &port);
}

/* "same", "no port" or "other", for a host and an origin. */
static const char *compare_host(wick_str host, wick_str origin)
{
    static char a[NAME_CAP], b[NAME_CAP];
    int port_a, port_b;
    if (wick_http_origin_is_same(origin, host))
        return "same";
    if (!authority_of(host, a, sizeof a, &port_a) || !authority_of(behind_scheme(origin), b, sizeof b, &port_b))
        return "other";
    return port_a == -1 && strcmp(a, b) == 0 ? "no port" : "other";
}

static int of_the_inside(wick_str host)
{
    static const char *const ends[] = {".local", ".internal", ".lan", ".svc"};
    static char name[NAME_CAP];
    int port;
    if (!authority_of(host, name, sizeof name, &port))
        return 1;
    for (size_t i = 0; i < 4; i++)
        if (strlen(name) > strlen(ends[i]) && strcmp(name + strlen(name) - strlen(ends[i]), ends[i]) == 0)
            return 1;
    return strspn(name, "0123456789.") == strlen(name) || !strchr(name, '.') || strpbrk(name, "_:") != NULL;
}

static wick_str forwarded_host(wick_str element)
{
    wick_str name, value, none = {"", 0};
    while (wick_http_parameter_next(&element, &name, &value) == 1)
        if (same_name(name, "host"))
            return value;
    return none;
}

wick_cause oracle_diagnose_origin(const wick_http_request *r)
{
    wick_str origin = {"", 0}, host = {"", 0}, element;
    int noted = 0, fits = 0;
    for (size_t i = r->header_count; i > 0; i--)
        if (same_name(r->headers[i - 1].name, "origin"))
            origin = r->headers[i - 1].value;
    if (count_of(r, "origin") == 0)
        return WICK_CAUSE_NONE;
    if (count_of(r, "origin") > 1)
        return WICK_CAUSE_ORIGIN_MISMATCH;
    if (wick_http_host(r, &host) != WICK_OK)
        host.len = 0;
    if (strcmp(compare_host(host, origin), "same") == 0)
        return WICK_CAUSE_NONE;
    if (!names_an_authority(origin))
        return WICK_CAUSE_ORIGIN_MISMATCH;
    for (size_t n = 0; element_of_all(r, "x-forwarded-host", n, &element); n++) {
        noted = 1;
        fits |= strcmp(compare_host(element, origin), "other") != 0;
    }
    for (size_t n = 0; element_of_all(r, "forwarded", n, &element); n++) {
        element = forwarded_host(element);
        noted |= element.len > 0;
        fits |= element.len > 0 && strcmp(compare_host(element, origin), "other") != 0;
    }
    if (noted)
        return fits ? WICK_CAUSE_HOST_REWRITTEN : WICK_CAUSE_ORIGIN_MISMATCH;
    if (oracle_diagnose_proxy(r) == WICK_PROXY_NONE)
        return WICK_CAUSE_ORIGIN_MISMATCH;
    if (strcmp(compare_host(host, origin), "no port") == 0 || of_the_inside(host))
        return WICK_CAUSE_HOST_REWRITTEN;
    return WICK_CAUSE_ORIGIN_MISMATCH;
}

/* ---- The path -------------------------------------------------------------------------------------------- */

#define SEGMENTS 64

/* The segments of "/a/b" in order; a slash at the end counts for none. Returns SEGMENTS + 1 if there are too many. */
static size_t segments_of(wick_str path, wick_str *out)
{
    size_t n = 0;
    if (path.len && path.data[path.len - 1] == '/')
        path.len--;
    for (size_t i = 0; i < path.len;) {
        size_t end = i + 1;
        while (end < path.len && path.data[end] != '/')
            end++;
        if (n == SEGMENTS)
            return SEGMENTS + 1;
        out[n].data = path.data + i + 1;
        out[n++].len = end - i - 1;
        i = end;
    }
    return n;
}

static int is_plain(wick_str segment)
{
    return segment.len > 0 && segment.data[0] != '{' && !same_text(segment, "*");
}

static int segment_fits(wick_str want, wick_str have)
{
    char decoded[9000];
    size_t len;
    if (want.len >= 2 && want.data[0] == '{' && want.data[want.len - 1] == '}')
        return have.len > 0;
    return wick_url_decode(have, 0, decoded, sizeof decoded, &len) == WICK_OK && len == want.len &&
           memcmp(decoded, want.data, len) == 0;
}

static int segments_fit(const wick_str *want, size_t wants, const wick_str *have, size_t haves)
{
    for (size_t i = 0;; i++) {
        if (i + 1 == wants && same_text(want[i], "*"))
            return 1;
        if (i == wants)
            return i == haves;
        if (i == haves || !segment_fits(want[i], have[i]))
            return 0;
    }
}

/* The bytes of the first n segments with their slashes. */
static size_t length_of(const wick_str *segments, size_t n)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++)
        len += 1 + segments[i].len;
    return len;
}

/* Whether a path matches a route that has lost its first k segments, which are plain, as is the next. */
static int lost_fits(const wick_str *want, size_t wants, const wick_str *have, size_t haves, size_t k)
{
    if (k >= wants)
        return 0;
    for (size_t i = 0; i <= k; i++)
        if (!is_plain(want[i]))
            return 0;
    return segments_fit(want + k, wants - k, have, haves);
}

size_t oracle_diagnose_path(wick_str path, const wick_http_route *routes, size_t count, int *kept, size_t *route)
{
    wick_str have[SEGMENTS], want[SEGMENTS];
    size_t haves = segments_of(path, have), wants;
    if (path.len == 0 || path.data[0] != '/' || haves > SEGMENTS)
        return 0;
    for (*route = 0; *route < count; ++*route) {
        wants = segments_of(routes[*route].pattern, want);
        if (segments_fit(want, wants, have, haves))
            return 0;
    }
    for (size_t k = 1; k <= WICK_DIAGNOSE_SEGMENTS; k++) {
        for (*route = 0; *route < count; ++*route) {
            wants = segments_of(routes[*route].pattern, want);
            *kept = 0;
            if (lost_fits(want, wants, have, haves, k))
                return length_of(want, k);
            *kept = 1;
            if (k < haves && wants > 0 && is_plain(want[0]) && segments_fit(want, wants, have + k, haves - k))
                return length_of(have, k);
        }
    }
    return 0;
}
