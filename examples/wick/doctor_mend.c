/*
 * doctor_mend.c - what to change, by cause and proxy. What a request head alone can show (wick/diagnose.h) has its
 * hints in the library, so that the server and the doctor say the same; here is what only a client sees.
 */
#include <stdio.h>
#include <string.h>

#include "wick/doctor.h"

#define SSE_HEADERS                                                                                                  \
    "Whatever the proxy, the server helps by sending Content-Type: text/event-stream, Cache-Control: no-cache, "    \
    "no-transform, X-Accel-Buffering: no, and chunks."
#define PING "Or keep the connection alive: a ping from the server every 20 to 25 s, with a deadline for its pong."

/* The first row of a cause whose proxy is the one that was seen, or is NULL, decides. */
static const struct {
    const char *cause, *proxy, *text;
} mends[] = {
    { "SERVER_DOWN", NULL, "Start the server; let it listen on this address (0.0.0.0 or :: to be reached from "
                           "elsewhere)." },
    { "PROXY_DOWN", NULL, "Start the proxy, and look for `listen` (nginx), `bind` (HAProxy), `Listen` (Apache) with "
                          "this port." },
    { "NO_SUCH_HOST", NULL, "Correct the name in the URL, or add its DNS record." },
    { "DNS_TIMEOUT", NULL, "Look at /etc/resolv.conf and the way to the name server; or use an address in the URL." },
    { "CONNECT_TIMEOUT", NULL, "Open the port in the firewall or security group; check address and port." },
    { "UNREACHABLE", NULL, "Check the address, the route to it, and the firewall." },
    { "TLS_TO_PLAIN", NULL, "Connect with ws:// in place of wss://, or have the proxy speak TLS on this port "
                            "(nginx: listen 443 ssl; HAProxy: bind :443 ssl crt FILE)." },
    { "PLAIN_TO_TLS", NULL, "Connect with wss:// in place of ws://. A page that is loaded over https must do so "
                            "anyway." },
    { "CERTIFICATE", NULL,
      "Let the proxy send a certificate for this name that has not expired, with all intermediate ones (nginx: "
      "ssl_certificate fullchain.pem; HAProxy: crt with the chain in it). Look at it with openssl s_client -connect "
      "HOST:PORT -servername HOST. An authority of your own is believed with --ca FILE." },
    { "TLS_FAILED", NULL, "Look at the proxy's log; allow TLS 1.2 and 1.3 (nginx: ssl_protocols TLSv1.2 TLSv1.3;)." },
    { "NO_TLS", NULL, "Build wick with TLS: make WITH_OPENSSL=1" },
    { "NOT_HTTP", NULL, "Correct the port in the URL." },
    { "NO_ANSWER", NULL, "Ask the server itself with --direct; look whether it accepts connections, and at its log." },
    { "CLOSED_WITHOUT_ANSWER", NULL, "Try wss://; ask the server itself with --direct; look at the log of whatever "
                                     "listens there." },
    { "UPGRADE_NOT_RELAYED", "node http-proxy",
      "In node http-proxy:\n"
      "  server.on('upgrade', (req, socket, head) => proxy.ws(req, socket, head));\n"
      "  proxy.on('error', (error, req, res) => res.destroy());" },
    { "UPGRADE_NOT_RELAYED", NULL,
      "The proxy must relay the connection behind the 101. In node http-proxy:\n"
      "  server.on('upgrade', (req, socket, head) => proxy.ws(req, socket, head));\n"
      "In HAProxy: mode http; in Apache: ProxyPass / http://backend/ upgrade=websocket" },
    { "BAD_HANDSHAKE", NULL, "Take caches and header rewriting out of the way for this path." },
    { "PROXY_RELOAD", NULL, "In Caddy 2.7 or newer: stream_close_delay 5m in reverse_proxy; and let the client "
                            "connect again." },
    { "NO_PONG", NULL, "Look for a proxy or filter on the way that inspects or buffers (HAProxy: mode http, no "
                       "http-buffer-request)." },
    { "REDIRECT_TO_TLS", NULL, "Connect with wss:// in place of ws://." },
    { "REDIRECT_TO_SLASH", "nginx", "In nginx: location /path { ... } in place of location /path/ { ... }; or "
                                    "connect to the path with the slash." },
    { "REDIRECT_TO_SLASH", NULL, "Connect to the path with the slash, or match the path without it in the proxy." },
    { "REDIRECTED", NULL, "Connect to the URL that it points to, or exempt this path from the redirect or the login." },
    { "PATH_NOT_PROXIED", "nginx",
      "In nginx, a location of its own for this path, in front of the one with try_files:\n"
      "  location /path { proxy_pass http://backend; proxy_http_version 1.1;\n"
      "    proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\";\n"
      "    proxy_set_header Host $http_host; proxy_read_timeout 3600s; }" },
    { "PATH_NOT_PROXIED", "Caddy", "In Caddy: handle /path* { reverse_proxy backend:port } in front of file_server." },
    { "PATH_NOT_PROXIED", "Apache", "In Apache: ProxyPass /path http://backend/path upgrade=websocket, before other "
                                    "ProxyPass lines." },
    { "PATH_NOT_PROXIED", NULL, "Have the proxy pass this path to the server, before the rule that serves pages." },
    { "NO_ROUTE", NULL,
      "In Traefik: a router whose rule matches, such as PathPrefix(`/path`), with a priority above the "
      "others (20 above 10), on this entry point." },
    { "ROUTED_ELSEWHERE", "nginx", "In nginx: the location that matches this path must proxy_pass to the server; "
                                   "the longest prefix wins, and a regular expression (~) wins over prefixes "
                                   "without ^~." },
    { "ROUTED_ELSEWHERE", "Apache", "In Apache: the more specific ProxyPass line first; mod_proxy and "
                                    "mod_proxy_http loaded." },
    { "ROUTED_ELSEWHERE", "HAProxy", "In HAProxy: use_backend BACKEND if { path_beg /path } above default_backend." },
    { "ROUTED_ELSEWHERE", NULL, "Give the path to the server in the proxy's routes, with the higher priority." },
    { "FORBIDDEN_BY_PROXY", "Cloudflare or Render", "At Cloudflare: Network, WebSockets on; Security, WAF: skip "
                                                    "this path." },
    { "FORBIDDEN_BY_PROXY", "HAProxy", "In HAProxy: look for http-request deny." },
    { "FORBIDDEN_BY_PROXY", "Apache", "In Apache: Require all granted for this path; look for mod_security." },
    { "FORBIDDEN_BY_PROXY", NULL, "Look for deny and WAF rules on this path; exempt handshakes (Upgrade: websocket)." },
    { "UPGRADE_NOT_ALLOWED", NULL, "In Envoy: upgrade_configs: [{upgrade_type: websocket}] in the HTTP connection "
                                   "manager." },
    { "UPSTREAM_REFUSED", "nginx", "In nginx: proxy_pass http://ADDRESS:PORT; with the address and port that the "
                                   "server listens on." },
    { "UPSTREAM_REFUSED", "Apache", "In Apache: ProxyPass / http://ADDRESS:PORT/ upgrade=websocket, where the "
                                    "server listens." },
    { "UPSTREAM_REFUSED", NULL, "Give the proxy the address and port that the server listens on, as seen from the "
                                "proxy." },
    { "UPSTREAM_DOWN", "HAProxy", "In HAProxy: server NAME ADDRESS:PORT where the server listens; look at the state "
                                  "of its check." },
    { "UPSTREAM_DOWN", NULL, "Give the proxy the address and port that the server listens on, as seen from the "
                             "proxy; look at its health check." },
    { "UPSTREAM_HANGS", NULL, "Find out why the server does not answer the handshake: ask it directly with --direct." },
    { "UPSTREAM_BAD_ANSWER", "nginx", "In nginx: proxy_pass http:// (not https://) to a plain server; "
                                      "proxy_http_version 1.1;" },
    { "UPSTREAM_BAD_ANSWER", NULL, "Have the proxy speak plain HTTP/1.1 to the server." },
    { "UNAUTHORIZED", NULL, "Try again with --token TOKEN, or --header 'Cookie: ...' or 'Authorization: ...'." },
    { "WRONG_PATH", NULL, "Correct the path in the URL; agent_server listens at /api/runtime/agent." },
    { "SERVER_ERROR", NULL, "Look at the log of the server." },
    { "REFUSED_BY_SERVER", NULL, "It is the server that has to be changed, or what is sent to it: see its answer." },
    { "REFUSED", NULL, "Look at the log of whoever has answered, for this path and time." },
    { "CLOSED_BY_SERVER", NULL, "Look at the log of the server: it knows why it said Close." },
    { "CONNECTION_CUT", NULL, "Compare with --direct; look at the logs of the proxy and of the server at this time." },
    { "BAD_ANSWER", NULL, "Compare with --direct; look at what else is on this port." },
    { "NOT_WEBSOCKET", NULL, "Compare with --direct; look for something that writes into the stream." },
    { "NOT_EVENTS", NULL, "Give the path of an event stream (Content-Type: text/event-stream) with --sse." },
    { "MESSAGE_TOO_BIG", NULL, "Raise the largest message in the server (echo_server --max-message BYTES)." },
    { "MESSAGE_LOST", NULL, "Compare with --direct; look for a limit on message or buffer sizes in the proxy." },

    { "IDLE_LIMIT", "nginx", "In nginx, beside proxy_pass:\n"
                             "  proxy_read_timeout 3600s;\n"
                             "  proxy_send_timeout 3600s;\n" PING },
    { "IDLE_LIMIT", "Nginx Proxy Manager",
      "In Nginx Proxy Manager, under Advanced:\n  proxy_read_timeout 3600s;\n  proxy_send_timeout 3600s;\n" PING },
    { "IDLE_LIMIT", "ingress-nginx", "Annotations nginx.ingress.kubernetes.io/proxy-read-timeout: \"3600\" and "
                                     "nginx.ingress.kubernetes.io/proxy-send-timeout: \"3600\".\n" PING },
    { "IDLE_LIMIT", "HAProxy", "In HAProxy: timeout tunnel 1h\n" PING },
    { "IDLE_LIMIT", "Caddy", "In Caddy: no read_timeout in the transport of reverse_proxy.\n" PING },
    { "IDLE_LIMIT", "Apache", "In Apache: ProxyTimeout 3600\n" PING },
    { "IDLE_LIMIT", "lighttpd", "In lighttpd: server.max-read-idle = 3600 and server.max-write-idle = 3600\n" PING },
    { "IDLE_LIMIT", "Varnish", "In Varnish: -p pipe_timeout=3600\n" PING },
    { "IDLE_LIMIT", "ALB", "In AWS: idle_timeout.timeout_seconds=3600 of the load balancer.\n" PING },
    { "IDLE_LIMIT", "Cloudflare or Render", "The limit is fixed. " PING },
    { "IDLE_LIMIT", "Envoy", "In Envoy: idle_timeout: 3600s of the route's upgrade, and stream_idle_timeout: "
                             "0s\n" PING },
    { "IDLE_LIMIT", NULL,
      "nginx: proxy_read_timeout 3600s; HAProxy: timeout tunnel 1h; Apache: ProxyTimeout 3600; Caddy: no "
      "read_timeout;\n"
      "AWS: idle timeout 3600.\n" PING },
    { "LIFETIME_LIMIT", NULL,
      "Raise the limit (Google Cloud: timeoutSec of the backend service; Envoy: max_stream_duration; HAProxy: "
      "timeout client and server where no timeout tunnel is set), and let the client connect again and resume." },
    { "SERVER_IDLE_LIMIT", NULL, "The server has a limit of its own: raise it, or send pings." },
    { "PINGS_LOST", NULL, "Look for a proxy or filter on the way that inspects or buffers." },

    { "HELD_BACK", "nginx", "In nginx: proxy_buffering off; proxy_http_version 1.1; gzip off;\n" SSE_HEADERS },
    { "HELD_BACK", "Nginx Proxy Manager", "In Nginx Proxy Manager, under Advanced: proxy_buffering "
                                          "off;\n" SSE_HEADERS },
    { "HELD_BACK", "Caddy", "In Caddy: no encode gzip for this path; flush_interval -1 in "
                            "reverse_proxy.\n" SSE_HEADERS },
    { "HELD_BACK", "Apache", "In Apache: flushpackets=on in ProxyPass; no mod_deflate for this path.\n" SSE_HEADERS },
    { "HELD_BACK", "lighttpd", "In lighttpd: server.stream-response-body = 2\n" SSE_HEADERS },
    { "HELD_BACK", NULL,
      "nginx: proxy_buffering off; gzip off; Caddy: no encode gzip; lighttpd: server.stream-response-body = 2;\n"
      "Apache: flushpackets=on.\n" SSE_HEADERS },
    { "DELAYED", "HAProxy", "In HAProxy: option http-no-delay" },
    { "DELAYED", NULL, "HAProxy: option http-no-delay; Apache: flushpackets=on; nginx: proxy_buffering off;" },
    { "POLL_CUT", "nginx", "In nginx: proxy_read_timeout above the wait, such as 3600s; or let polls wait at most "
                           "25 s." },
    { "POLL_CUT", "HAProxy", "In HAProxy: timeout server above the wait; or let polls wait at most 25 s." },
    { "POLL_CUT", NULL, "Raise the proxy's timeout for answers, or let polls wait at most 25 s." },
};

/* "In nginx: a; b; Advice." with the settings on lines of their own, as they stand in a file. */
static void put_lines(const char *from, char *text, size_t cap)
{
    const char *colon = strstr(from, ": "), *end;
    doctor_say(text, cap, "%.*s", (int)(colon + 1 - from), from);
    for (from = colon + 2; (end = strstr(from, "; ")) != NULL; from = end + 2)
        doctor_say(text, cap, "\n  %.*s", (int)(end + 1 - from), from);
    doctor_say(text, cap, "\n  %s", from);
}

static void mend_of_library(const char *cause, const char *proxy, char *text, size_t cap)
{
    wick_cause known = wick_cause_find((wick_str){ cause, strlen(cause) });
    wick_proxy by = wick_proxy_find((wick_str){ proxy, strlen(proxy) });
    wick_str hint;
    if (known == WICK_CAUSE_NONE)
        return;
    if (known == WICK_CAUSE_PATH_CHANGED)
        hint = WICK_STR("Let no proxy add or strip a part of the path. In nginx: no URI part in proxy_pass; "
                        "Traefik: no StripPrefix; Caddy: handle in place of handle_path.");
    else
        hint = wick_diagnose_hint(known, by);
    if (strncmp(hint.data, "In nginx: ", 10) == 0)
        put_lines(hint.data, text, cap); /* static, so with a NUL behind it */
    else
        doctor_say(text, cap, "%.*s", (int)hint.len, hint.data);
}

void doctor_mend(const char *cause, const char *proxy, char *text, size_t cap)
{
    for (size_t i = 0; i < sizeof mends / sizeof *mends; i++) {
        if (strcmp(mends[i].cause, cause) == 0 && (!mends[i].proxy || strcmp(mends[i].proxy, proxy) == 0)) {
            doctor_say(text, cap, "%s", mends[i].text);
            return;
        }
    }
    mend_of_library(cause, proxy, text, cap);
}

void doctor_fill_path(struct doctor_finding *out, wick_str path)
{
    static const char word[] = "/path";
    char filled[sizeof out->hint] = "", *from = out->hint, *at;
    while ((at = strstr(from, word)) != NULL) {
        SAY(filled, "%.*s%.*s", (int)(at - from), from, (int)path.len, path.data);
        from = at + sizeof word - 1;
    }
    SAY(filled, "%s", from);
    memcpy(out->hint, filled, sizeof filled);
}

void doctor_fail(struct doctor_finding *out, const char *cause, const char *proxy)
{
    out->status = DOCTOR_FAILED;
    out->cause[0] = out->proxy[0] = '\0';
    SAY(out->cause, "%s", cause);
    SAY(out->proxy, "%s", proxy);
    if (!*out->hint)
        doctor_mend(cause, proxy, out->hint, sizeof out->hint);
}
