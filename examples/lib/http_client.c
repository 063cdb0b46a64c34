/*
 * http_client.c - see http_client.h.
 *
 * The addresses of the host are tried one after the other, each with a peer of its own; call->peer is the one that
 * counts. One timer stands for all deadlines. A call may be cancelled in any callback: `busy` counts the frames of the
 * stack that still look at it, and the outermost one frees it.
 */
#include "lib/http_call.h"
#include "lib/tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const struct peer_protocol call_protocol;

/* The service of all calls. */
struct service http_calls = { .protocol = &call_protocol };

/* A ring of all calls. */
static struct http_call *any_call;

void *http_call_user(const struct http_call *call)
{
    return call->user;
}

const struct http_trace *http_call_trace(const struct http_call *call)
{
    return &call->trace;
}

/* ---- The end of a call ------------------------------------------------------------------------------------------- */

static void free_call(struct http_call *call)
{
    any_call = call->behind != call ? call->behind : NULL;
    call->before->behind = call->behind;
    call->behind->before = call->before;
    if (call->events->on_free)
        call->events->on_free(call->user);
    free(call->url_text);
    free(call->request);
    free(call);
}

void http_call_drop_peer(struct http_call *call)
{
    if (!call->peer)
        return;
    call->peer->as.call = NULL;
    peer_close(call->peer);
    call->peer = NULL;
}

static void discard(struct http_call *call)
{
    call->over = 1;
    loop_drop(call->loop, &call->timer);
    http_call_drop_peer(call);
    if (call->resolve)
        resolve_cancel(call->resolve);
    call->resolve = NULL;
    if (!call->busy)
        free_call(call);
}

static void leave_call(struct http_call *call)
{
    if (--call->busy == 0 && call->over)
        free_call(call);
}

/* Of the last handshake that failed: the session goes before its story is told. */
static char tls_text[256];

static const char *outcome_text(const struct http_call *call)
{
    switch (call->trace.outcome) {
    case HTTP_PENDING:
        return "it is not over";
    case HTTP_WHOLE:
        return "the answer is whole";
    case HTTP_STOPPED:
        return "nothing more was wanted";
    case HTTP_BAD_URL:
        return "not a URL or a field that can be sent";
    case HTTP_NO_TLS:
        return "wss and https need TLS, which this build has not; build with WITH_OPENSSL=1";
    case HTTP_NO_HOST:
        return call->trace.text;
    case HTTP_TLS_FAILED:
        return tls_text;
    case HTTP_REFUSED:
    case HTTP_UNREACHABLE:
        return strerror(call->trace.error);
    case HTTP_TIMEOUT:
        return call->trace.stage == HTTP_RESOLVING    ? "the name server does not answer in time"
               : call->trace.stage == HTTP_CONNECTING ? strerror(ETIMEDOUT)
               : call->trace.stage == HTTP_SECURING   ? "the server did not finish the TLS handshake in time"
               : call->trace.stage == HTTP_AWAITING   ? "the server did not answer in time"
                                                      : "the rest of the answer did not come in time";
    case HTTP_FIN:
        return call->trace.stage == HTTP_AWAITING ? "the server closed the connection without an answer"
                                                  : "the server closed the connection";
    case HTTP_RESET:
        return "the connection was reset";
    case HTTP_NOT_HTTP:
    case HTTP_BAD_HEAD:
    case HTTP_BAD_BODY:
        return wick_status_text(call->trace.status);
    case HTTP_NO_MEMORY:
        return strerror(ENOMEM);
    }
    return "";
}

void http_call_finish(struct http_call *call, enum http_outcome outcome)
{
    if (call->over)
        return;
    call->over = 1;
    call->trace.outcome = outcome;
    call->trace.text = outcome_text(call);
    call->trace.end_ms = call->loop->now_ms;
    call->busy++;
    if (call->events->on_end)
        call->events->on_end(call);
    call->busy--;
    discard(call);
}

static void finish_bad(struct http_call *call, enum http_outcome outcome, wick_status status)
{
    call->trace.status = status;
    http_call_finish(call, outcome);
}

void http_call_cancel(struct http_call *call)
{
    discard(call);
}

struct peer *http_call_take(struct http_call *call)
{
    struct peer *peer = call->peer;
    peer->as.call = NULL;
    call->peer = NULL;
    call->over = 1;
    loop_drop(call->loop, &call->timer);
    return peer;
}

/* ---- Deadlines --------------------------------------------------------------------------------------------------- */

uint64_t http_call_after(const struct http_call *call, uint64_t ms)
{
    uint64_t now = call->loop->now_ms;
    return ms < WICK_NEVER - now ? now + ms : WICK_NEVER;
}

void http_call_arm(struct http_call *call)
{
    uint64_t due = call->deadline < call->total_deadline ? call->deadline : call->total_deadline;
    if (loop_arm(call->loop, &call->timer, due) < 0)
        http_call_finish(call, HTTP_NO_MEMORY);
}

/* ---- The answer -------------------------------------------------------------------------------------------------- */

void http_call_begin_head(struct http_call *call)
{
    wick_http_head_config config = { .size = sizeof config, .timeout_ms = WICK_NEVER };
    wick_http_head_init_response(&call->head, &config, call->fields, HTTP_CALL_FIELDS, call->loop->now_ms);
}

static int is_interim(unsigned status)
{
    return status < 200 && status != 101;
}

static void go_on_reading(struct http_call *call)
{
    call->deadline = http_call_after(call, call->idle_ms);
    http_call_arm(call);
}

static void bad_head(struct http_call *call, wick_status status)
{
    static const char http[] = "HTTP/";
    size_t len = call->trace.first_len < sizeof http - 1 ? call->trace.first_len : sizeof http - 1;
    finish_bad(call, memcmp(call->trace.first, http, len) == 0 ? HTTP_BAD_HEAD : HTTP_NOT_HTTP, status);
}

static void tell_head(struct http_call *call, const wick_http_response *response)
{
    wick_status status = WICK_OK;
    call->trace.stage = HTTP_READING;
    call->trace.http_status = response->status;
    call->trace.head_ms = call->loop->now_ms;
    if (response->status != 101 && !call->no_body)
        status = wick_http_body_init_response(&call->body, response, call->max_body);
    go_on_reading(call);
    if (call->events->on_head && call->events->on_head(call, response) != 0)
        http_call_finish(call, HTTP_STOPPED);
    if (status != WICK_OK)
        finish_bad(call, HTTP_BAD_BODY, status);
    else if (call->no_body)
        http_call_finish(call, HTTP_WHOLE);
}

static size_t take_head(struct http_call *call, const uint8_t *data, size_t len)
{
    wick_http_response response;
    wick_status status = wick_http_head_feed(&call->head, data, len, call->loop->now_ms);
    if (status == WICK_MORE)
        return 0;
    if (status < 0) {
        bad_head(call, status);
        return len;
    }
    size_t head_len = wick_http_head_length(&call->head);
    wick_http_head_response(&call->head, &response);
    if (is_interim(response.status))
        http_call_begin_head(call);
    else
        tell_head(call, &response);
    return head_len;
}

static size_t tell_body(struct http_call *call, const uint8_t *data, size_t len)
{
    if (len && call->events->on_body && call->events->on_body(call, data, len) != 0)
        http_call_finish(call, HTTP_STOPPED);
    return len;
}

static size_t take_body(struct http_call *call, const uint8_t *data, size_t len)
{
    size_t at = 0, used;
    wick_slice piece;
    if (len)
        go_on_reading(call);
    if (call->trace.http_status == 101)
        return tell_body(call, data, len);
    while (!call->over) {
        wick_status status = wick_http_body_next(&call->body, data + at, len - at, &used, &piece);
        at += used;
        if (status == WICK_MORE)
            break;
        if (status != WICK_OK)
            finish_bad(call, HTTP_BAD_BODY, status);
        else if (!piece.len)
            http_call_finish(call, HTTP_WHOLE);
        else
            tell_body(call, piece.data, piece.len);
    }
    return at;
}

static void note_input(struct http_call *call, const uint8_t *data, size_t len)
{
    struct http_trace *trace = &call->trace;
    if (call->consumed + len <= trace->bytes)
        return;
    trace->bytes = call->consumed + len;
    trace->last_byte_ms = call->loop->now_ms;
    if (!trace->first_byte_ms)
        trace->first_byte_ms = call->loop->now_ms;
    if (!call->consumed) {
        trace->first_len = len < HTTP_FIRST_BYTES ? len : HTTP_FIRST_BYTES;
        memcpy(trace->first, data, trace->first_len);
    }
}

static size_t call_input(struct peer *peer, uint8_t *data, size_t len)
{
    struct http_call *call = peer->as.call;
    size_t at = 0, used;
    if (!call)
        return len;
    call->busy++;
    note_input(call, data, len);
    do {
        if (call->trace.stage == HTTP_READING)
            used = take_body(call, data + at, len - at);
        else
            used = len > at ? take_head(call, data + at, len - at) : 0;
        at += used;
        call->consumed += used;
    } while (used && !call->over);
    leave_call(call);
    return at;
}

/* ---- Ends -------------------------------------------------------------------------------------------------------- */

static void call_end(struct peer *peer)
{
    struct http_call *call = peer->as.call;
    int broken = peer->flags & PEER_BROKEN;
    if (!call)
        return;
    if (call->trace.stage == HTTP_CONNECTING) {
        int error = 0;
        socklen_t len = sizeof error;
        getsockopt(peer->source.fd, SOL_SOCKET, SO_ERROR, &error, &len);
        http_connect_next(call, error ? error : ECONNRESET);
        return;
    }
    if (call->trace.stage == HTTP_SECURING) {
        const char *why = tls_failure(peer);
        snprintf(tls_text, sizeof tls_text, "%s", why ? why : "the connection ended in the TLS handshake");
        http_call_finish(call, HTTP_TLS_FAILED);
        return;
    }
    int whole = call->trace.stage == HTTP_READING && call->trace.http_status != 101 &&
                call->body.kind == WICK_HTTP_BODY_UNTIL_CLOSE && !tls_was_cut(peer);
    http_call_finish(call, broken ? HTTP_RESET : whole ? HTTP_WHOLE : HTTP_FIN);
}

static void call_room(struct peer *peer)
{
    (void)peer; /* call_settle() follows */
}

static void call_due(struct peer *peer)
{
    (void)peer; /* the call has a timer of its own */
}

/* The peers are being freed with calls under way. */
static void call_free(struct peer *peer)
{
    struct http_call *call = peer->as.call;
    if (!call)
        return;
    call->peer = NULL;
    discard(call);
}

static const struct peer_protocol call_protocol = {
    .on_input = call_input,
    .on_end = call_end,
    .on_room = call_room,
    .on_due = call_due,
    .on_settle = http_connect_settle,
    .on_free = call_free,
};

static void on_timer(struct loop *loop, struct source *source)
{
    struct http_call *call = (struct http_call *)(void *)source; /* its first member */
    if (call->trace.stage == HTTP_RESOLVING && !call->resolve)
        http_connect_begin(call);
    else if (call->trace.stage == HTTP_CONNECTING && loop->now_ms < call->total_deadline)
        http_connect_next(call, ETIMEDOUT);
    else
        http_call_finish(call, HTTP_TIMEOUT);
}

static const struct source_type timer_type = { NULL, on_timer };

static enum http_outcome prepare(struct http_call *call, const struct http_call_options *options)
{
    size_t len = strlen(options->url);
    call->url_text = malloc(len + 1);
    if (!call->url_text)
        return HTTP_NO_MEMORY;
    memcpy(call->url_text, options->url, len + 1);
    if (wick_url_split((wick_str){ call->url_text, len }, &call->url) != WICK_OK)
        return HTTP_BAD_URL;
    if (call->url.secure && !tls_is_built())
        return HTTP_NO_TLS;
    return http_request_make(options, &call->url, &call->request, &call->request_len);
}

static void list_call(struct http_call *call)
{
    struct http_call *next = any_call ? any_call : call;
    call->behind = next;
    call->before = any_call ? next->before : call;
    call->before->behind = call;
    next->before = call;
    any_call = call;
}

struct http_call *http_call_start(struct loop *loop, const struct http_call_options *options,
                                  const struct http_call_type *events, void *user)
{
    struct http_call *call = calloc(1, sizeof *call);
    if (!call)
        return NULL;
    http_calls.loop = loop;
    source_init(&call->timer, &timer_type);
    call->loop = loop;
    call->events = events;
    call->user = user;
    call->head_ms = options->head_ms ? options->head_ms : 10000;
    call->idle_ms = options->idle_ms ? options->idle_ms : 30000;
    call->max_body = options->max_body ? options->max_body : WICK_NEVER;
    call->connect_deadline = http_call_after(call, options->connect_ms ? options->connect_ms : 10000);
    call->total_deadline = options->total_ms ? http_call_after(call, options->total_ms) : WICK_NEVER;
    call->no_body = options->method && strcmp(options->method, "HEAD") == 0;
    call->trace.start_ms = loop->now_ms;
    if (loop_arm(loop, &call->timer, loop->now_ms) < 0) {
        free(call);
        return NULL;
    }
    list_call(call);
    call->trace.outcome = prepare(call, options);
    return call;
}

void http_call_cancel_all(void)
{
    while (any_call)
        discard(any_call);
}
