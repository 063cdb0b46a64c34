/*
 * What to change, by cause and proxy: one line each, with the setting as it stands in a configuration file.
 */
#include "http/diagnose.h"
#include "http/sink.h"

#ifndef WICK_NO_DIAGNOSE

#define FOR(cause) (1u << WICK_CAUSE_##cause)
#define FOR_HTTP10 (FOR(HOP_STRIPPED_HTTP10) | FOR(HTTP10_WITH_UPGRADE))
#define FOR_HOPS (FOR_HTTP10 | FOR(HOP_STRIPPED) | FOR(CONNECTION_NOT_SET) | FOR(UPGRADE_NOT_SET))
/* PATH_CHANGED is two causes here: the path lost a prefix, or kept one. */
#define FOR_LOST FOR(PATH_CHANGED)
#define FOR_KEPT (1u << WICK_CAUSE_COUNT)

#define NGINX_UPGRADE "proxy_set_header Upgrade $http_upgrade;"
#define NGINX_CONNECTION "proxy_set_header Connection \"upgrade\";"
#define CADDY_OR_GO(X, causes, text) X(CADDY, causes, text) X(CADDY_OR_GO, causes, text)

/*
 * X(proxy, causes, hint): the first row that has both decides. Those of NONE are for proxies without one of their own.
 */
#define HINTS_OF_HOPS(X)                                                                                            \
    X(NGINX, FOR(HOP_STRIPPED_HTTP10) | FOR(HOP_STRIPPED),                                                          \
      "In nginx: proxy_http_version 1.1; " NGINX_UPGRADE " " NGINX_CONNECTION                                       \
      " All proxy_set_header lines belong in one level: one in location cancels those outside of it.")              \
    X(NGINX, FOR(CONNECTION_NOT_SET), "In nginx: " NGINX_CONNECTION)                                                \
    X(NGINX, FOR(UPGRADE_NOT_SET), "In nginx: " NGINX_UPGRADE)                                                      \
    X(NGINX, FOR(HTTP10_WITH_UPGRADE), "In nginx: proxy_http_version 1.1;")                                         \
    X(NGINX_PROXY_MANAGER, FOR_HOPS,                                                                                \
      "In Nginx Proxy Manager: tick Websockets Support of the proxy host. Header lines under Advanced have no "     \
      "effect without it.")                                                                                         \
    X(INGRESS_NGINX, FOR_HTTP10,                                                                                    \
      "In ingress-nginx: annotation nginx.ingress.kubernetes.io/proxy-http-version: \"1.1\"")                       \
    X(INGRESS_NGINX, FOR_HOPS,                                                                                      \
      "In ingress-nginx: remove the configuration-snippet or server-snippet that sets Upgrade or Connection; the "  \
      "controller passes both on by itself.")                                                                       \
    X(HAPROXY, FOR_HOPS,                                                                                            \
      "In HAProxy: remove the lines http-request del-header and set-header for Upgrade and Connection; mode http "  \
      "passes both on by itself.")                                                                                  \
    CADDY_OR_GO(X, FOR_HOPS,                                                                                        \
      "In Caddy: remove header_up and request_header lines for Upgrade and Connection; reverse_proxy passes both "  \
      "on by itself. In Go: no handler before httputil.ReverseProxy may change the two.")                           \
    X(APACHE, FOR_HTTP10,                                                                                           \
      "In Apache: remove SetEnv force-proxy-request-1.0, and set ProxyPass / http://backend/ upgrade=websocket")    \
    X(APACHE, FOR_HOPS,                                                                                             \
      "In Apache 2.4.47 or newer: ProxyPass / http://backend/ upgrade=websocket, the more specific paths first. "   \
      "Before: mod_proxy_wstunnel and ProxyPass /ws ws://backend/ws")                                               \
    X(TRAEFIK, FOR_HOPS,                                                                                            \
      "In Traefik: remove the headers middleware (customRequestHeaders) for Upgrade and Connection; Traefik passes " \
      "both on by itself.")                                                                                         \
    X(VARNISH, FOR_HOPS,                                                                                            \
      "In Varnish: sub vcl_recv { if (req.http.upgrade ~ \"(?i)websocket\") { return (pipe); } } sub vcl_pipe { if " \
      "(req.http.upgrade) { set bereq.http.upgrade = req.http.upgrade; set bereq.http.connection = "                \
      "req.http.connection; } }")                                                                                   \
    X(LIGHTTPD, FOR_HOPS, "In lighttpd 1.4.46 or newer: proxy.header = ( \"upgrade\" => \"enable\" )")              \
    X(SQUID, FOR_HOPS, "In Squid 5 or newer: http_upgrade_request_protocols websocket allow all")                   \
    X(NODE_HTTP_PROXY, FOR_HOPS,                                                                                    \
      "In node http-proxy: server.on('upgrade', (req, socket, head) => proxy.ws(req, socket, head));")              \
    X(CLOUDFLARE, FOR_HOPS,                                                                                         \
      "At Cloudflare: Network, WebSockets on. At Render: connect with wss://. Else the proxy behind it: pass "      \
      "Upgrade and Connection on.")                                                                                 \
    X(ALB, FOR_HOPS, "In AWS: a target group of protocol version HTTP1; the load balancer then passes Upgrade on.") \
    X(ENVOY, FOR_HOPS, "In Envoy: upgrade_configs: [{upgrade_type: websocket}] in the HTTP connection manager")

#define HINTS_OF_HOST(X)                                                                                            \
    X(NGINX, FOR(HOST_REWRITTEN), "In nginx: proxy_set_header Host $http_host; ($host drops the port)")             \
    X(NGINX_PROXY_MANAGER, FOR(HOST_REWRITTEN),                                                                     \
      "Nginx Proxy Manager drops the port from Host: serve on port 80 or 443, or allow the page's Origin in this "  \
      "server.")                                                                                                    \
    X(INGRESS_NGINX, FOR(HOST_REWRITTEN), "In ingress-nginx: remove nginx.ingress.kubernetes.io/upstream-vhost")    \
    X(HAPROXY, FOR(HOST_REWRITTEN), "In HAProxy: remove http-request set-header Host")                              \
    CADDY_OR_GO(X, FOR(HOST_REWRITTEN),                                                                             \
      "In Caddy: remove header_up Host from reverse_proxy. In Go: leave the Host of the request as it came.")       \
    X(APACHE, FOR(HOST_REWRITTEN), "In Apache: ProxyPreserveHost On")                                               \
    X(TRAEFIK, FOR(HOST_REWRITTEN), "In Traefik: passHostHeader: true in the service's loadBalancer")               \
    X(VARNISH, FOR(HOST_REWRITTEN), "In Varnish: remove set bereq.http.host, and .host_header of the backend")      \
    X(LIGHTTPD, FOR(HOST_REWRITTEN), "In lighttpd: remove map-host-request from proxy.header")                      \
    X(SQUID, FOR(HOST_REWRITTEN), "In Squid: remove forceddomain= from cache_peer")                                 \
    X(NODE_HTTP_PROXY, FOR(HOST_REWRITTEN), "In node http-proxy: changeOrigin: false")                              \
    X(CLOUDFLARE, FOR(HOST_REWRITTEN), "At Cloudflare: remove the Origin Rule that overrides the Host header.")     \
    X(ALB, FOR(HOST_REWRITTEN), "In AWS: routing.http.preserve_host_header.enabled=true of the load balancer")      \
    X(ENVOY, FOR(HOST_REWRITTEN), "In Envoy: remove host_rewrite_literal and auto_host_rewrite from the route")

#define HINTS_OF_PATH(X)                                                                                            \
    X(NGINX, FOR_LOST,                                                                                              \
      "In nginx: no URI part in proxy_pass (proxy_pass http://backend; without a slash at its end), so that "       \
      "{prefix} stays in the path.")                                                                                \
    X(NGINX, FOR_KEPT,                                                                                              \
      "In nginx: location {prefix}/ { proxy_pass http://backend/; } with the slash at its end takes {prefix} off.") \
    X(NGINX_PROXY_MANAGER, FOR_LOST,                                                                                \
      "In Nginx Proxy Manager: the custom location's forward host without a path, so that {prefix} stays.")         \
    X(NGINX_PROXY_MANAGER, FOR_KEPT,                                                                                \
      "In Nginx Proxy Manager: a custom location {prefix}/ whose forward host ends in a slash takes {prefix} off.") \
    X(INGRESS_NGINX, FOR_LOST, "In ingress-nginx: remove nginx.ingress.kubernetes.io/rewrite-target: it takes "     \
                               "{prefix} off.")                                                                     \
    X(INGRESS_NGINX, FOR_KEPT, "In ingress-nginx: path: {prefix}(/|$)(.*) with the annotation "                     \
                               "nginx.ingress.kubernetes.io/rewrite-target: /$2")                                   \
    X(HAPROXY, FOR_LOST, "In HAProxy: remove http-request replace-path or set-path: it takes {prefix} off.")        \
    X(HAPROXY, FOR_KEPT, "In HAProxy: http-request replace-path {prefix}(/.*) \\1")                                 \
    CADDY_OR_GO(X, FOR_LOST,                                                                                        \
      "In Caddy: handle {prefix}/* in place of handle_path, and no uri strip_prefix. In Go: no http.StripPrefix.")  \
    CADDY_OR_GO(X, FOR_KEPT,                                                                                        \
      "In Caddy: handle_path {prefix}/* { reverse_proxy ... }. In Go: http.StripPrefix(\"{prefix}\", proxy)")       \
    X(APACHE, FOR_LOST, "In Apache: ProxyPass {prefix}/ http://backend{prefix}/ upgrade=websocket")                 \
    X(APACHE, FOR_KEPT, "In Apache: ProxyPass {prefix}/ http://backend/ upgrade=websocket")                         \
    X(TRAEFIK, FOR_LOST, "In Traefik: remove the StripPrefix middleware: it takes {prefix} off.")                   \
    X(TRAEFIK, FOR_KEPT, "In Traefik: a StripPrefix middleware with prefixes: [\"{prefix}\"]")                      \
    X(VARNISH, FOR_LOST, "In Varnish: remove the regsub() of req.url that takes {prefix} off.")                     \
    X(VARNISH, FOR_KEPT, "In Varnish: set req.url = regsub(req.url, \"^{prefix}\", \"\");")                         \
    X(LIGHTTPD, FOR_LOST, "In lighttpd: remove map-urlpath from proxy.header: it takes {prefix} off.")              \
    X(LIGHTTPD, FOR_KEPT, "In lighttpd: proxy.header = ( \"map-urlpath\" => ( \"{prefix}/\" => \"/\" ) )")          \
    X(NODE_HTTP_PROXY, FOR_LOST,                                                                                    \
      "In node http-proxy: give the path of req.url on whole; app.use('{prefix}', ...) and pathRewrite take it off.") \
    X(NODE_HTTP_PROXY, FOR_KEPT, "In node http-proxy: req.url = req.url.replace(/^{prefix}/, '') before proxy.ws()") \
    X(ENVOY, FOR_LOST, "In Envoy: remove prefix_rewrite from the route: it takes {prefix} off.")                    \
    X(ENVOY, FOR_KEPT, "In Envoy: match: {prefix: \"{prefix}/\"} with route: {prefix_rewrite: \"/\"}")

#define HINTS_OF_ANY(X)                                                                                             \
    X(NONE, FOR_HOPS,                                                                                               \
      "Let every proxy pass Upgrade and Connection on, over HTTP/1.1. In nginx: proxy_http_version 1.1; "           \
      NGINX_UPGRADE " " NGINX_CONNECTION)                                                                           \
    X(NONE, FOR(HOST_REWRITTEN),                                                                                    \
      "Let every proxy pass Host on unchanged (nginx: proxy_set_header Host $http_host; Apache: ProxyPreserveHost " \
      "On), or allow the page's Origin in this server.")                                                            \
    X(NONE, FOR_LOST, "Let no proxy take {prefix} off the path, or put it into the client's URL.")                  \
    X(NONE, FOR_KEPT, "Let the proxy take {prefix} off the path, or leave it out of the client's URL.")             \
    X(NONE, FOR(ORIGIN_MISMATCH), "Allow this Origin in the server, if its pages may connect.")                     \
    X(NONE, FOR(NOT_A_WEBSOCKET_REQUEST), "Connect with a WebSocket client to ws:// or wss://.")

static wick_str hint_of(unsigned cause, wick_proxy proxy)
{
    static const struct {
        wick_str text;
        uint32_t causes;
        uint32_t proxy;
    } rows[] = {
#define HINT_ROW(proxy, causes, text) {{text, sizeof(text) - 1}, causes, WICK_PROXY_##proxy},
        HINTS_OF_HOPS(HINT_ROW) HINTS_OF_HOST(HINT_ROW) HINTS_OF_PATH(HINT_ROW) HINTS_OF_ANY(HINT_ROW)
#undef HINT_ROW
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if ((rows[i].causes & cause) && (rows[i].proxy == (uint32_t)proxy || rows[i].proxy == WICK_PROXY_NONE))
            return rows[i].text;
    return WICK_STR("");
}

wick_str wick_diagnose_hint(wick_cause cause, wick_proxy proxy)
{
    int known = cause > WICK_CAUSE_NONE && cause < WICK_CAUSE_COUNT;
    return hint_of(known ? 1u << cause : 0, proxy);
}

wick_str wick_diagnose_hint_kept(wick_proxy proxy)
{
    return hint_of(FOR_KEPT, proxy);
}

#else

wick_str wick_diagnose_hint(wick_cause cause, wick_proxy proxy)
{
    (void)cause;
    (void)proxy;
    return WICK_STR("");
}

wick_str wick_diagnose_hint_kept(wick_proxy proxy)
{
    (void)proxy;
    return WICK_STR("");
}

#endif

/* ---- The prefix ------------------------------------------------------------------------------------------ */

#define PREFIX_MAX 96

static void put_prefix(wick_sink *text, wick_str prefix)
{
    for (size_t i = 0; i < prefix.len && i < PREFIX_MAX; i++) {
        char c = prefix.data[i];
        if (c < 0x21 || c > 0x7e)
            c = '?';
        wick_sink_put(text, &c, 1);
    }
}

wick_status wick_diagnose_hint_write(const wick_diagnosis *why, char *out, size_t cap, size_t *need)
{
    const wick_str mark = WICK_STR("{prefix}");
    wick_sink text = wick_sink_begin(out, cap);
    wick_str rest = why->hint;
    while (rest.len > 0) {
        size_t n = wick_str_index(rest, '{');
        wick_sink_put(&text, rest.data, n);
        rest = wick_str_from(rest, n);
        if (rest.len >= mark.len && memcmp(rest.data, mark.data, mark.len) == 0) {
            put_prefix(&text, why->prefix);
            rest = wick_str_from(rest, mark.len);
        } else if (rest.len > 0) {
            wick_sink_put(&text, rest.data, 1);
            rest = wick_str_from(rest, 1);
        }
    }
    return wick_sink_end(&text, need);
}
