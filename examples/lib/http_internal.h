/*
 * http_internal.h - what the files of the HTTP server share: http_listen.c, http_server.c, http_answer.c.
 */
#ifndef EXAMPLES_HTTP_INTERNAL_H
#define EXAMPLES_HTTP_INTERNAL_H

#include "lib/http_server.h"

/* peer->phase of an HTTP peer. */
enum {
    HTTP_HEAD,   /* a head is to come, or has in part */
    HTTP_BODY,   /* a body is coming */
    HTTP_WORK,   /* on_request has been called; the answer is owed */
    HTTP_STREAM, /* between http_stream_begin() and http_stream_end() */
    HTTP_LINGER, /* the last answer is given: what comes is dropped, up to the end of the stream */
    HTTP_ARRIVAL /* a server that trusts proxies waits for a PROXY header or the first byte of a head */
};

/* A request that does not lie whole in the read buffer, or whose answer comes later. */
struct http_message {
    wick_http_head head;
    wick_http_body body_state;
    uint8_t *head_bytes; /* a copy, once a body is waited for */
    size_t head_len;
    uint8_t *body;
    size_t body_len, body_cap;
    char line[128]; /* "GET /path", for the log, once on_request has returned */
    wick_http_header fields[HTTP_FIELDS];
};

extern const struct peer_protocol http_protocol;

struct http_server *http_server_of(const struct peer *peer);

/* "GET /path" of the request in work; in a static buffer. */
const char *http_request_line(const struct peer *peer);

/* The answer is complete: on to the next request, or to the end. */
void http_answered(struct peer *peer);

/* Refuse what cannot be read, and end the connection. */
void http_refuse(struct peer *peer, wick_status status);
/* The same with an answer of one's own; `why` is for the log, `head` what was read of the request, or NULL. */
void http_refuse_with(struct peer *peer, const wick_handshake *shake, const char *why, const wick_http_request *head);

/* ---- http_arrival.c ---- */

/* The first bytes of a connection to a server that trusts proxies: a PROXY header or none. Returns what it took. */
size_t http_take_arrival(struct peer *peer, const uint8_t *data, size_t len);
/* A PROXY header from an address that has no say: to HTTP it is nonsense, but its sender can be helped. */
void http_refuse_proxy_header(struct peer *peer);
/* Before a handler is called: set server->forwarded. */
void http_ask_who(struct peer *peer, const wick_http_request *head);

/* Set the deadline of the phase; ms WICK_NEVER takes it away. */
void http_set_deadline(struct peer *peer, uint64_t ms);

uint64_t http_or_default(uint64_t value, uint64_t otherwise);

#endif
