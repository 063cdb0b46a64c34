/*
 * wick/diagnose.h - why a request did not arrive as its client sent it: what is wrong, which proxy wrote the head, and
 * the line to change in that proxy's configuration.
 *
 * Between a browser and a server stand proxies, and most of them lose a WebSocket handshake unless they are told not
 * to. The head that arrives still shows what was lost, and mostly by whom: each proxy has fields, an order and a
 * spelling of its own.
 *
 *     wick_diagnosis why;
 *     char hint[512];
 *     size_t n;
 *
 *     wick_diagnose_request(&request, routes, route_count, &why);     // any request, also a plain GET
 *     if (why.cause != WICK_CAUSE_NONE) {
 *         tell("%s by %s", wick_cause_name(why.cause), wick_proxy_name(why.proxy));
 *         if (wick_diagnose_hint_write(&why, hint, sizeof hint, &n) == WICK_OK)
 *             tell("%.*s", (int)n, hint);    // In nginx: proxy_http_version 1.1; proxy_set_header Upgrade ...
 *     }
 *
 * wick_handshake_check() does this by itself when it refuses; a request that is fine costs nothing.
 *
 * Everything here is pure: reads the request (in one pass for a verdict, and again for the proxy), keeps no state, does
 * not allocate. Built with WICK_NO_DIAGNOSE the sentences and hints are left out, and are empty texts; causes, proxies
 * and their names stay.
 */
#ifndef WICK_DIAGNOSE_H
#define WICK_DIAGNOSE_H

#include "wick/base.h"
#include "wick/http.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The longest prefix, in segments, that wick_diagnose_path() looks for: bounds its time. */
#ifndef WICK_DIAGNOSE_SEGMENTS
#define WICK_DIAGNOSE_SEGMENTS 8
#endif

/*
 * Every cause: X(name, sentence). The name is the member `cause` of a refusal's problem document. The first five are
 * details of UPGRADE_STRIPPED_BY_PROXY.
 *
 *   Upgrade     Connection   HTTP/1.x   cause
 *   no          no           1.0        HOP_STRIPPED_HTTP10
 *   no          no           1.1        HOP_STRIPPED
 *   websocket   no                      CONNECTION_NOT_SET
 *   no          upgrade                 UPGRADE_NOT_SET
 *   websocket   upgrade      1.0        HTTP10_WITH_UPGRADE
 *
 * for a request with Upgrade, Sec-WebSocket-Key or Sec-WebSocket-Version. Without any of these it is
 * NOT_A_WEBSOCKET_REQUEST; so is one whose Upgrade nearly says websocket, because no proxy does that.
 */
#define WICK_CAUSE_MAP(X)                                                                                           \
    X(HOP_STRIPPED_HTTP10, "The handshake came as HTTP/1.0, without Upgrade and Connection: a proxy did not pass "  \
                           "them on.")                                                                              \
    X(HOP_STRIPPED, "The handshake came without Upgrade and Connection: a proxy did not pass them on.")             \
    X(CONNECTION_NOT_SET, "The handshake has Upgrade, but Connection does not name it: a proxy did not pass "       \
                          "Connection on.")                                                                         \
    X(UPGRADE_NOT_SET, "The handshake has Connection: upgrade, but no Upgrade: websocket: a proxy did not pass "    \
                       "Upgrade on.")                                                                               \
    X(HTTP10_WITH_UPGRADE, "The handshake came as HTTP/1.0, which cannot be upgraded: a proxy speaks HTTP/1.0 to "  \
                           "this server.")                                                                          \
    X(HOST_REWRITTEN, "Host is not the one that the page asked for: a proxy wrote another, so Origin no longer "    \
                      "matches it.")                                                                                \
    X(PATH_CHANGED, "There is nothing at this path, but there is with a prefix more or less: a proxy changes it, "  \
                    "or the client asks for another.")                                                              \
    X(ORIGIN_MISMATCH, "The Origin of the page is not one of those that may connect.")                              \
    X(NOT_A_WEBSOCKET_REQUEST, "This is a WebSocket endpoint, and the request does not ask for an upgrade.")

typedef enum wick_cause {
    WICK_CAUSE_NONE,
#define WICK_CAUSE_ENUM(name, sentence) WICK_CAUSE_##name,
    WICK_CAUSE_MAP(WICK_CAUSE_ENUM)
#undef WICK_CAUSE_ENUM
        WICK_CAUSE_COUNT
} wick_cause;

/*
 * Every proxy: X(name, readable name). The readable name is the member `proxy` of a refusal's problem document. What
 * Caddy and programs in Go write is the same unless Caddy names itself in Via.
 */
#define WICK_PROXY_MAP(X)                         \
    X(NGINX, "nginx")                             \
    X(NGINX_PROXY_MANAGER, "Nginx Proxy Manager") \
    X(INGRESS_NGINX, "ingress-nginx")             \
    X(HAPROXY, "HAProxy")                         \
    X(CADDY, "Caddy")                             \
    X(CADDY_OR_GO, "Caddy or Go")                 \
    X(APACHE, "Apache")                           \
    X(TRAEFIK, "Traefik")                         \
    X(VARNISH, "Varnish")                         \
    X(LIGHTTPD, "lighttpd")                       \
    X(SQUID, "Squid")                             \
    X(NODE_HTTP_PROXY, "node http-proxy")         \
    X(CLOUDFLARE, "Cloudflare or Render")         \
    X(ALB, "ALB")                                 \
    X(ENVOY, "Envoy")

typedef enum wick_proxy {
    WICK_PROXY_NONE,
#define WICK_PROXY_ENUM(name, text) WICK_PROXY_##name,
    WICK_PROXY_MAP(WICK_PROXY_ENUM)
#undef WICK_PROXY_ENUM
        WICK_PROXY_COUNT
} wick_proxy;

/** What was found out about a request. Texts are static, except prefix. */
typedef struct wick_diagnosis {
    wick_cause cause;
    /** Who wrote the head; WICK_PROXY_NONE when nothing tells of a proxy. Of several only the last one shows. */
    wick_proxy proxy;
    /** What is wrong: one sentence */
    wick_str detail;
    /** What to change; `{prefix}` in it stands for prefix */
    wick_str hint;
    /**
     * For PATH_CHANGED, what the path has too much or too little: "/app". Points into the request's path (kept is 1) or
     * into the pattern of a route (kept is 0).
     */
    wick_str prefix;
    /** 1: the path still has the prefix, and the routes do not; 0: the routes have it, and the path lost it */
    uint8_t kept;
    /** For NOT_A_WEBSOCKET_REQUEST, 1: there is an Upgrade that nearly says websocket. The client wrote it so. */
    uint8_t misspelt;
} wick_diagnosis;

/**
 * Find out what is wrong with a request that was meant for this server.
 *
 * Looks at the upgrade first, then at the path, then at Host against Origin; the first that is wrong is the cause.
 * A plain GET is NOT_A_WEBSOCKET_REQUEST: a host that serves pages beside WebSockets asks for the part that
 * it means, wick_diagnose_path() or wick_diagnose_origin(), and wick_diagnose_explain().
 *
 * routes, count   the paths that are known here, or NULL and 0 if any path will do
 * why             set to the result; cause is WICK_CAUSE_NONE if nothing is wrong, and proxy is set then too
 */
WICK_API void wick_diagnose_request(const wick_http_request *request, const wick_http_route *routes, size_t count,
                                    wick_diagnosis *why);

/**
 * Tell what a WebSocket handshake lost on its way.
 *
 * Returns WICK_CAUSE_NONE if nothing is missing, one of the first five causes, or NOT_A_WEBSOCKET_REQUEST. Over HTTP/2
 * and HTTP/3 the request must be an extended CONNECT for websocket (RFC 8441), and nothing can be lost.
 */
WICK_API wick_cause wick_diagnose_upgrade(const wick_http_request *request);

/**
 * Tell why Host and Origin differ.
 *
 * HOST_REWRITTEN if a proxy changed Host: X-Forwarded-Host (or the host of Forwarded) still has what Origin says, or
 * there is a proxy, and Host lost only the port or is a name of the inside (an address, a name without a dot). A host
 * that X-Forwarded-Host shows to be unchanged, or that no proxy touched, makes it ORIGIN_MISMATCH.
 *
 * Returns WICK_CAUSE_NONE without Origin and if the two are the same (wick_http_origin_is_same()).
 */
WICK_API wick_cause wick_diagnose_origin(const wick_http_request *request);

/**
 * Tell whether a path that matches no route would match one with a prefix more or less.
 *
 * Segments are compared as wick_http_route_find() does. Either the rest of the path behind a prefix matches a route
 * (a proxy that does not strip what it should), or the path matches the rest of a route behind its first segments (a
 * proxy that strips what it should not: StripPrefix, or a URI part in proxy_pass). The shortest prefix of at most
 * WICK_DIAGNOSE_SEGMENTS segments wins. Routes that begin with `{name}` or `*` tell nothing and are left out.
 *
 * why   receives cause, prefix and kept; nothing else is written
 *
 * Returns WICK_CAUSE_PATH_CHANGED, or WICK_CAUSE_NONE: the path is fine, or is nothing like a route.
 */
WICK_API wick_cause wick_diagnose_path(wick_str path, const wick_http_route *routes, size_t count,
                                       wick_diagnosis *why);

/**
 * Tell which proxy wrote a head.
 *
 * A proxy gives itself away by its fields, and by how it orders and spells all of them. What an earlier proxy of a
 * chain added is passed on, so where the form of the head says otherwise, the form wins. A WebSocket handshake that
 * lost something and has no other mark is taken for nginx's, which leaves none.
 *
 * Returns WICK_PROXY_NONE if nothing tells of one.
 */
WICK_API wick_proxy wick_diagnose_proxy(const wick_http_request *request);

/**
 * Fill in detail and hint for the cause, the proxy and the two flags that stand in *why.
 *
 * For a host that has found the cause by one of the functions above, or knows it itself.
 */
WICK_API void wick_diagnose_explain(wick_diagnosis *why);

/**
 * Give what to change in the configuration of a proxy, in one line: "In nginx: proxy_http_version 1.1; ...".
 *
 * proxy   WICK_PROXY_NONE gives the advice for the most common ones
 *
 * The text is static; empty for WICK_CAUSE_NONE and if built with WICK_NO_DIAGNOSE. That of PATH_CHANGED has `{prefix}`
 * in it, and is the one for a prefix that was lost.
 */
WICK_API wick_str wick_diagnose_hint(wick_cause cause, wick_proxy proxy);

/**
 * Write the hint with the prefix put in.
 *
 * The prefix is cut to 96 characters, and what is not visible ASCII becomes "?". Writers share the rule at the top of
 * wick/http.h.
 *
 * Returns WICK_OK or WICK_E_SPACE.
 */
WICK_API wick_status wick_diagnose_hint_write(const wick_diagnosis *why, char *out, size_t cap, size_t *need);

/** Give the name of a cause, such as "HOP_STRIPPED"; "" for WICK_CAUSE_NONE and unknown values. Static, never NULL. */
WICK_API const char *wick_cause_name(wick_cause cause);

/** Give the sentence of a cause; "" where there is none, and if built with WICK_NO_DIAGNOSE. Static, never NULL. */
WICK_API const char *wick_cause_text(wick_cause cause);

/** Give the readable name of a proxy: "HAProxy"; "" for WICK_PROXY_NONE and unknown values. Static, never NULL. */
WICK_API const char *wick_proxy_name(wick_proxy proxy);

/** Find a cause by its name, as a client reads it in a problem document; WICK_CAUSE_NONE if there is none. */
WICK_API wick_cause wick_cause_find(wick_str name);

/** Find a proxy by its readable name; WICK_PROXY_NONE if there is none. */
WICK_API wick_proxy wick_proxy_find(wick_str name);

#ifdef __cplusplus
}
#endif

#endif
