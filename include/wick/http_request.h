/*
 * wick/http_request.h - what a request asks for, and who asks: URLs, cookies, tokens, origins, routes.
 *
 * Each function is usable alone; none keeps anything.
 *
 *     switch (wick_http_route_find(routes, route_count, request.method, request.path, &match)) {
 *     case 200: return handle(match.route->id, match.captures);
 *     case 404: return refuse(404);
 *     case 405: return refuse(405);                                 // match.route->methods is the value for Allow
 *     }
 */
#ifndef WICK_HTTP_REQUEST_H
#define WICK_HTTP_REQUEST_H

#include "wick/http.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- URLs ------------------------------------------------------------------------------------------------ */

/** The parts of an absolute URL. Slices point into the text, except a path of "/" where the text has none. */
typedef struct wick_url {
    /** "ws", "wss", "http" or "https", in the case of the text */
    wick_str scheme;
    /** host[:port] as it stands: the value for Host */
    wick_str authority;
    /** The host alone, without the brackets of an IPv6 address: what to resolve */
    wick_str host;
    /** Still percent-encoded; never empty */
    wick_str path;
    /** Behind the "?", still percent-encoded; may be empty */
    wick_str query;
    /** As written, or the scheme's: 80 or 443 */
    uint16_t port;
    /** 1 for wss and https */
    uint8_t secure;
} wick_url;

/**
 * Split an absolute URL of the schemes ws, wss, http and https.
 *
 * User information and fragments are refused (RFC 6455 section 3), so is what is not visible ASCII. Other characters
 * that RFC 3986 wants percent-encoded are let through, as browsers send them.
 *
 * Returns WICK_OK or WICK_E_URL. RFC 3986 section 3; RFC 6455 section 3.
 */
WICK_API wick_status wick_url_split(wick_str text, wick_url *url);

/**
 * Split host[:port], the value of Host.
 *
 * host   set to the host without brackets; may be NULL
 * port   set to the port, or to -1 if there is none; may be NULL
 *
 * Returns WICK_OK; WICK_E_URL if it is not a name, an IPv4 address or an IPv6 address in brackets, with a port of at
 * most 65535. RFC 9110 section 7.2; RFC 3986 section 3.2.
 */
WICK_API wick_status wick_url_split_authority(wick_str text, wick_str *host, int *port);

/**
 * Undo percent-encoding.
 *
 * form   1: a "+" is a space, as in the query of an HTML form
 * out    may be text.data, to decode in place; the result is never longer than the text
 * len    set to the bytes written
 *
 * Returns WICK_OK; WICK_E_URL for a "%" without two hex digits; WICK_E_SPACE if cap is too small. The result may hold
 * any byte, also NUL and bytes that are not UTF-8. RFC 3986 section 2.1.
 */
WICK_API wick_status wick_url_decode(wick_str text, int form, char *out, size_t cap, size_t *len);

/**
 * Find a parameter of a query such as `a=1&token=x%20y`.
 *
 * name    plain; names in the query are percent-decoded as they are compared
 * value   set to the first such value, still encoded: wick_url_decode() it with form = 1
 *
 * Returns how many parameters have the name.
 */
WICK_API size_t wick_url_query_find(wick_str query, wick_str name, wick_str *value);

/* ---- Who asks -------------------------------------------------------------------------------------------- */

/**
 * Find a cookie by its name, in which case matters (RFC 6265 section 5.4).
 *
 * value   set to the value without quotes around it
 *
 * Returns 1, or 0 if there is none.
 */
WICK_API int wick_http_cookie(const wick_http_header *headers, size_t count, wick_str name, wick_str *value);

/**
 * Find the token of `Authorization: Bearer TOKEN` (RFC 6750 section 2.1).
 *
 * Returns 1; 0 if there is no Authorization, or one of another scheme; -1 if it is repeated or malformed.
 */
WICK_API int wick_http_bearer(const wick_http_header *headers, size_t count, wick_str *token);

/**
 * Give the host that a request is for: the authority of its target if it has one, else Host.
 *
 * Returns WICK_OK; WICK_E_HTTP_HOST if Host is missing, repeated or malformed. A request without Host is fine in
 * HTTP/1.0 and gives an empty host. RFC 9112 sections 3.2 and 3.3.
 */
WICK_API wick_status wick_http_host(const wick_http_request *request, wick_str *host);

/**
 * Tell whether an Origin is that of the page's own server: same host and port as Host.
 *
 * Case does not matter, and a port that is left out is the one of the origin's scheme. The scheme itself is not
 * compared, because a proxy may have taken the TLS off. "null" and whatever is not `scheme://host[:port]` is not same.
 * RFC 6454 section 5.
 */
WICK_API int wick_http_origin_is_same(wick_str origin, wick_str host);

/**
 * Tell whether an Origin is on a list.
 *
 * An entry is an origin (`https://app.example`, compared without regard to case or to the default port), an origin
 * whose host begins with `*.` (any host below that name), the text `null`, or `*` for any.
 */
WICK_API int wick_http_origin_is_listed(wick_str origin, const wick_str *list, size_t count);

/* ---- Routes ---------------------------------------------------------------------------------------------- */

/** Captures that one route pattern can have. */
#ifndef WICK_HTTP_CAPTURES
#define WICK_HTTP_CAPTURES 4
#endif

/**
 * One row of a route table.
 *
 * A pattern is a path matched by whole segments. A segment `{name}` takes any one segment that is not empty; `*` as
 * the last segment takes the rest of the path, also an empty one. Of several that match, the highest priority wins,
 * whatever the order; among equals the one with a plain segment where the other has `{name}` or `*`; then the first.
 */
typedef struct wick_http_route {
    /** "/ws/agent/{agent_name}", "/api/{rest}", or with a last segment of one asterisk */
    wick_str pattern;
    /** Methods in a list, "GET, POST": the value for Allow. Empty is any method. */
    wick_str methods;
    int priority;
    /** The host's own: which handler */
    int id;
} wick_http_route;

/** What a path matched. */
typedef struct wick_http_match {
    const wick_http_route *route;
    /** What `{name}` and `*` took, in order, still percent-encoded */
    wick_str captures[WICK_HTTP_CAPTURES];
    size_t capture_count;
} wick_http_match;

/**
 * Find the route of a path.
 *
 * Percent-encoded characters in the path compare equal to plain ones, except that %2F never parts segments. One
 * slash at the end of the path is ignored. "." and ".." are segments like others.
 *
 * routes, count   the table, in any order
 * method, path    of the request; path without the query
 * match           set to the route and its captures
 *
 * Returns 200; 404 if no pattern matches, and match->route is NULL; 405 if the winning pattern does not allow the
 * method, and match->route->methods is the value for Allow.
 */
WICK_API unsigned wick_http_route_find(const wick_http_route *routes, size_t count, wick_str method, wick_str path,
                                       wick_http_match *match);

#ifdef __cplusplus
}
#endif

#endif
