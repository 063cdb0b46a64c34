/*
 * http_client.h - one HTTP/1.1 request over a connection of its own, and what was seen on the way.
 *
 *     static int on_head(struct http_call *call, const wick_http_response *response);
 *     static int on_body(struct http_call *call, const uint8_t *data, size_t len);
 *     static void on_end(struct http_call *call);
 *     static const struct http_call_type events = { .on_head = on_head, .on_body = on_body, .on_end = on_end };
 *
 *     struct http_call_options options = { .url = "http://127.0.0.1:8080/api/events", .idle_ms = 40000 };
 *     call = http_call_start(&loop, &options, &events, user);
 *
 * A call resolves the host, connects to one address after the other, sends the request and reads the answer: its head,
 * then its body in pieces as they come, however it is framed. Every step has its deadline, so a call always ends:
 * http_call_trace() then says how, when, and what came.
 *
 * A 101 is an answer like others. Either its on_head takes the connection away with http_call_take() and makes, say, a
 * WebSocket of it, or what follows it comes as raw bytes through on_body.
 *
 * Callbacks come from the loop, never from http_call_start(). Nothing blocks: a name is resolved in a child process.
 */
#ifndef EXAMPLES_HTTP_CLIENT_H
#define EXAMPLES_HTTP_CLIENT_H

#include "lib/peer.h"
#include "lib/socket.h"

struct http_call;

/* How far a call has come. */
enum http_stage { HTTP_RESOLVING, HTTP_CONNECTING, HTTP_SECURING, HTTP_AWAITING, HTTP_READING };

/* How it ended. */
enum http_outcome {
    HTTP_PENDING,     /* it has not */
    HTTP_WHOLE,       /* the answer is whole */
    HTTP_STOPPED,     /* a callback wanted no more */
    HTTP_BAD_URL,     /* not a URL, or a field that cannot be sent */
    HTTP_NO_TLS,      /* https or wss, and this build has no TLS */
    HTTP_NO_HOST,     /* the name does not resolve */
    HTTP_REFUSED,     /* nobody listens there */
    HTTP_UNREACHABLE, /* any other reason not to connect: trace->error */
    HTTP_TLS_FAILED,  /* the TLS handshake failed; the text says why */
    HTTP_TIMEOUT,     /* a deadline: trace->stage says which */
    HTTP_FIN,         /* the other end closed before its answer was whole; after a 101: closed */
    HTTP_RESET,       /* the same with a reset */
    HTTP_NOT_HTTP,    /* what came is not HTTP: trace->first has its first bytes */
    HTTP_BAD_HEAD,    /* it is, but breaks a rule or a limit: trace->status */
    HTTP_BAD_BODY,    /* likewise */
    HTTP_NO_MEMORY
};

/* The most fields that a head may have. */
#define HTTP_CALL_FIELDS 100
/* Bytes of an answer that are kept. */
#define HTTP_FIRST_BYTES 64

/* What was seen. Times are the loop's; 0: it did not come to that. */
struct http_trace {
    enum http_stage stage;
    enum http_outcome outcome;
    /* A sentence for the outcome. */
    const char *text;
    wick_status status; /* of HTTP_NOT_HTTP, HTTP_BAD_HEAD and HTTP_BAD_BODY */
    int error;          /* errno of the last address that did not let us connect */
    uint64_t start_ms, resolved_ms, connected_ms, secured_ms, first_byte_ms, head_ms, last_byte_ms, end_ms;
    uint64_t bytes;             /* received, head included */
    unsigned http_status;       /* 0: no head came */
    char address[SOCKET_NAME];  /* that was connected to, or tried last */
    uint8_t first[HTTP_FIRST_BYTES];
    size_t first_len;
};

/* What happens to a call; the members may be NULL. Those that return int return 0 to go on; else the call ends with
 * HTTP_STOPPED. */
struct http_call_type {
    /* The head, not an interim one. Valid until this returns. */
    int (*on_head)(struct http_call *call, const wick_http_response *response);
    /* A piece of the body; behind a 101, of whatever comes. */
    int (*on_body)(struct http_call *call, const uint8_t *data, size_t len);
    /* It is over: called once unless the call is taken or cancelled. Its memory goes when this returns. */
    void (*on_end)(struct http_call *call);
    /* The call's memory has gone, whatever became of it: the last that is heard. */
    void (*on_free)(void *user);
};

/* What to ask. Nothing of it needs to stay when http_call_start() has returned. */
struct http_call_options {
    const char *url;    /* http or ws, https or wss */
    const char *method; /* NULL: GET */
    /* More fields. Host, User-Agent and Accept are sent unless they are among these. */
    const wick_http_header *headers;
    size_t header_count;
    /* What to send with a POST: Content-Length is sent if it is not NULL. */
    const void *body;
    size_t body_len;
    /* The whole request, if it has been written already; method, headers and body are not looked at then. */
    const void *request;
    size_t request_len;
    uint64_t connect_ms; /* to resolve and connect, all addresses together; 0 is 10,000 */
    uint64_t head_ms;    /* from then on until the head is whole; 0 is 10,000 */
    uint64_t idle_ms;    /* between two pieces of the body; 0 is 30,000, WICK_NEVER for none */
    uint64_t total_ms;   /* for everything; 0 is none */
    uint64_t max_body;   /* more is HTTP_BAD_BODY; 0 is no limit */
};

/* Start a call. `events` must stay. Returns NULL if there is no memory; on_end tells of every other failure. */
struct http_call *http_call_start(struct loop *loop, const struct http_call_options *options,
                                  const struct http_call_type *events, void *user);

/* End a call without on_end. At any time before on_end has returned, also in its callbacks. */
void http_call_cancel(struct http_call *call);
/* All of them, at the end of the loop: before peer_free_all(). */
void http_call_cancel_all(void);

/* In on_head: have the connection. It must be handed to another protocol at once; the call ends without on_end. What
 * has come behind the head is offered to the new protocol. */
struct peer *http_call_take(struct http_call *call);

void *http_call_user(const struct http_call *call);
/* Changes as the call goes on; gone with the call. */
const struct http_trace *http_call_trace(const struct http_call *call);

#endif
