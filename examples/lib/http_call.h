/*
 * http_call.h - what the files of the HTTP client share: http_client.c, http_connect.c, http_request.c.
 */
#ifndef EXAMPLES_HTTP_CALL_H
#define EXAMPLES_HTTP_CALL_H

#include "lib/http_client.h"
#include "lib/resolve.h"

struct http_call {
    struct source timer; /* the first member */
    struct http_call *before, *behind; /* of all calls */
    const struct http_call_type *events;
    void *user;
    struct loop *loop;
    struct peer *peer;
    struct http_trace trace;
    struct resolve *resolve; /* while it is running */
    struct resolved addresses;
    unsigned next; /* of them */
    char *url_text;
    wick_url url;
    char *request;
    size_t request_len;
    uint64_t head_ms, idle_ms, max_body;
    uint64_t connect_deadline, deadline, total_deadline;
    uint64_t consumed; /* bytes of the answer */
    wick_http_head head;
    wick_http_header fields[HTTP_CALL_FIELDS];
    wick_http_body body;
    uint8_t no_body; /* the answer to HEAD */
    uint8_t busy;
    uint8_t over; /* no callback comes any more */
};

/* The service of all calls. */
extern struct service http_calls;

/* End a call: on_end, then it is gone, unless a callback of it is running. */
void http_call_finish(struct http_call *call, enum http_outcome outcome);
/* Close the connection, if there is one. */
void http_call_drop_peer(struct http_call *call);
/* The time in so many milliseconds; WICK_NEVER stays that. */
uint64_t http_call_after(const struct http_call *call, uint64_t ms);
/* Set the timer to the deadline that comes first. */
void http_call_arm(struct http_call *call);
/* Begin to read a head. */
void http_call_begin_head(struct http_call *call);

/* ---- http_connect.c ---- */

/* Resolve and connect. */
void http_connect_begin(struct http_call *call);
/* The address in hand has failed, errno says how: take the next one, or end the call. */
void http_connect_next(struct http_call *call, int error);
/* The socket may be connected by now, or secured: if it is, go on, up to sending the request. */
void http_connect_settle(struct peer *peer);

/* ---- http_request.c ---- */

/* Write the request of a call. Returns HTTP_PENDING, or what is wrong. */
enum http_outcome http_request_make(const struct http_call_options *options, const wick_url *url, char **out,
                                    size_t *len);

#endif
