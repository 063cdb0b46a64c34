/*
 * http_server.h - a listener and the server side of HTTP/1.1: requests with bodies, answers whole or streamed, keep-
 * alive, pipelining, and the way to WebSocket.
 *
 *     static void on_request(struct peer *peer, const struct http_request *request)
 *     {
 *         if (path is a WebSocket's) {
 *             wick_handshake shake;
 *             wick_handshake_check(&handshake_config, request->head, &shake);
 *             http_upgrade(peer, request, &shake, &websockets, user);        // 101, or the refusal
 *             return;
 *         }
 *         http_respond(peer, 200, WICK_STR("text/plain"), "hello", 5);
 *     }
 *     static struct http_server server = { .on_request = on_request };
 *
 *     server.loop = &loop;
 *     if (http_listen(&server, "127.0.0.1", 0) < 0) ...
 *     printf("listening on http://%s/\n", server.authority);
 *
 * A REQUEST is handed over once it is whole, body and all. It is answered by exactly one of http_answer() (and its
 * shorthands http_respond(), http_problem()), http_upgrade(), or http_stream_begin() ... http_stream_end(); at once,
 * or later: then the request's bytes are gone when on_request returns, and on_gone tells if the peer goes first. One
 * request of a peer is in work at a time; those that are pipelined wait.
 *
 * TIMES. A head must come within head_timeout_ms of the connection's or the request's first byte, a body within
 * body_timeout_ms; an answer of which the peer takes nothing for write_timeout_ms ends the connection; a connection
 * between two requests lives idle_timeout_ms. None of them applies to a request that the server is still working on,
 * to an open stream with nothing queued, or to a WebSocket.
 */
#ifndef EXAMPLES_HTTP_SERVER_H
#define EXAMPLES_HTTP_SERVER_H

#include "lib/peer.h"
#include "lib/socket.h"
#include "lib/tls.h"
#include "lib/visitor.h"
#include "lib/ws.h"

/* Fields that a request may have; one more is answered 431. */
#define HTTP_FIELDS 100
/*
 * How long a connection between two requests lives. Longer than proxies keep theirs (nginx and ALB 60 s, Go 90 s, Caddy
 * 120 s): one that both ends may close is closed at times under a request, which is then a 502.
 */
#define HTTP_IDLE_MS 130000

/* A request: valid until on_request returns. */
struct http_request {
    const wick_http_request *head;
    const uint8_t *body;
    size_t body_len;
};

struct http_server {
    struct service service; /* set by http_listen() */
    struct loop *loop;
    /* A request is here. peer->user is NULL before each request and the application's until the answer is complete.
     * */
    void (*on_request)(struct peer *peer, const struct http_request *request);
    /* The head of a request is here that has a body: may answer right away (then the body is not read), and returns
     * the most bytes of body to take; 0 with no answer given is answered 413. NULL takes max_body from every request.
     * */
    uint64_t (*on_head)(struct peer *peer, const wick_http_request *head);
    /* The peer went (FIN counts) while its answer was owed or streaming: the last call for this request. May be NULL.
     * */
    void (*on_gone)(struct peer *peer);
    /* http_stream_write() was refused with WICK_BLOCKED, and now there is room. May be NULL. */
    void (*on_room)(struct peer *peer);
    /* Fields that every response carries, the 101 included. */
    const wick_http_header *stamp;
    size_t stamp_count;
    void *user;
    /* Proxies that are believed; NULL or empty: none. */
    const struct trust *trust;
    /* Speak TLS; NULL: plain. */
    struct tls_identity *tls;
    /* While on_head or on_request runs: what is known of who asks. NULL if nobody is trusted. */
    const wick_forwarded *forwarded;
    /* Limits; 0 is the default. */
    uint64_t max_body;         /* 1 MiB */
    uint64_t head_timeout_ms;  /* 10,000 */
    uint64_t body_timeout_ms;  /* 30,000 */
    uint64_t write_timeout_ms; /* 30,000 */
    uint64_t idle_timeout_ms;  /* HTTP_IDLE_MS */
    uint64_t linger_ms;        /* 2,000: how long the end of a refused connection is waited for */
    uint64_t drain_ms;         /* 3,000: how long http_drain() waits */
    /* To be read. */
    char authority[SOCKET_NAME]; /* "127.0.0.1:8080" once it listens */
    unsigned port;
    int draining;
    size_t in_work; /* requests whose answer is not complete */
    /* Private. */
    struct source listener;
    struct source drainer;
    uint64_t drain_deadline;
    uint64_t quiet_until; /* no other line about missing descriptors before */
    int spare_fd;
    void (*on_drained)(struct http_server *server);
};

/*
 * Listen. host is a name or an address, port 0 takes a free one. Returns 0, or -1 with the reason logged.
 * http_close() stops listening; peers stay.
 */
int http_listen(struct http_server *server, const char *host, unsigned port);
void http_close(struct http_server *server);

/*
 * Begin to end: WebSockets of the loop are closed with 1001, idle connections are closed, handshakes are refused
 * with 503 DRAINING, other requests are still answered. on_drained comes when the last WebSocket and the last
 * request are gone, at the latest after drain_ms; the application then stops the loop. The application ends its own
 * streams.
 */
void http_drain(struct http_server *server, void (*on_drained)(struct http_server *server));

/*
 * Answer with a body. answer->length is the body's; answer->close asks for the end of the connection; HEAD is seen
 * to. Returns 0, or -1 if a field would break the syntax (500 is answered then) or the peer has gone.
 */
int http_answer(struct peer *peer, const wick_http_answer *answer, const void *body);
int http_respond(struct peer *peer, unsigned status, wick_str content_type, const void *body, size_t len);
/* Answer with a problem document; logs it with its code. */
int http_problem(struct peer *peer, const wick_http_problem *problem);

/*
 * Begin an answer whose body comes in pieces: chunked, or up to the end of the connection for HTTP/1.0.
 * answer->length is ignored. The same return values as http_answer().
 */
int http_stream_begin(struct peer *peer, const wick_http_answer *answer);
/* Write a piece, which leaves when the running callback is over. Returns 0; WICK_BLOCKED if the peer is too slow and
 * nothing was taken; -1 if it has gone. An empty piece does nothing. */
int http_stream_write(struct peer *peer, const wick_slice *slices, size_t count);
/* End the body. The connection goes on to the next request, if it may. */
void http_stream_end(struct peer *peer);

/*
 * Finish a handshake: write what `shake` says (wick_handshake_check(), wick_handshake_refuse()), log it, and after a
 * 101 hand the peer to the WebSocket service, whose on_open is called. Bytes behind the request's head are frames.
 *
 * While the server drains, the handshake is refused with DRAINING.
 * Returns 1 if the peer is a WebSocket now, else 0.
 */
int http_upgrade(struct peer *peer, const struct http_request *request, wick_handshake *shake,
                 struct ws_service *websockets, void *user);

#endif
