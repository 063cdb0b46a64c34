/*
 * client.h - connect to a ws:// or wss:// URL: resolve, connect to one address after the other, shake hands, become a
 * WebSocket peer.
 *
 *     static void on_failed(struct loop *loop, const struct client_failure *failure, void *user);
 *
 *     struct client_options options = { .url = "ws://127.0.0.1:9001/", .on_failed = on_failed };
 *     client_connect(&loop, &options, &websockets, user);
 *
 * Exactly one of websockets->on_open and on_failed follows. Nothing blocks.
 */
#ifndef EXAMPLES_CLIENT_H
#define EXAMPLES_CLIENT_H

#include "lib/http_client.h"
#include "lib/ws.h"

/* Why there is no connection. Valid until on_failed returns. */
struct client_failure {
    /* What was being done: "url", "resolve", "connect", "tls", "handshake" */
    const char *stage;
    /* A sentence. */
    const char *text;
    /* The handshake's status: WICK_E_REFUSED, WICK_E_HANDSHAKE_ACCEPT, ...; WICK_OK in the stages before it. */
    wick_status status;
    /* What was seen on the way; NULL if it did not come to that. */
    const struct http_trace *trace;
    /* The server's refusal, or NULL; its body as far as it came, up to 64 KiB. */
    const wick_http_response *response;
    const uint8_t *body;
    size_t body_len;
};

struct client_options {
    const char *url;
    const wick_str *subprotocols;
    size_t subprotocol_count;
    const wick_http_header *headers;
    size_t header_count;
    const char *origin;
    uint64_t timeout_ms; /* for everything up to the 101; 0 is 10,000 */
    void (*on_failed)(struct loop *loop, const struct client_failure *failure, void *user);
};

/* What options point to must stay until on_open or on_failed, which may be called before this returns. */
void client_connect(struct loop *loop, const struct client_options *options, struct ws_service *websockets, void
*user);

/* The subprotocol that the server chose, in on_open; else empty. */
wick_str client_subprotocol(const struct peer *peer);
/* What was seen on the way, in on_open; else NULL. */
const struct http_trace *client_trace(const struct peer *peer);

#endif
