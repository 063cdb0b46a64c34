/*
 * http_server.c - the HTTP/1.1 protocol of a peer, up to the handler: heads, bodies, deadlines.
 *
 * A request without a body that lies whole in the read buffer is handed over as it lies there. Else a struct
 * http_message keeps what has come; it goes when the request is answered.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/http_internal.h"
#include "lib/log.h"

uint64_t http_or_default(uint64_t value, uint64_t otherwise)
{
    return value ? value : otherwise;
}

struct http_server *http_server_of(const struct peer *peer)
{
    return (struct http_server *)(void *)peer->service; /* its first member */
}

static void write_line(char *out, size_t cap, wick_str method, wick_str path)
{
    snprintf(out, cap, "%.*s %.*s", (int)(method.len < 16 ? method.len : 16), method.len ? method.data : "",
             (int)(path.len < 100 ? path.len : 100), path.len ? path.data : "");
}

const char *http_request_line(const struct peer *peer)
{
    static char line[128];
    const struct http_request *request = peer->as.http.request;
    if (!request)
        return peer->as.http.message ? peer->as.http.message->line : "";
    write_line(line, sizeof line, request->head->method, request->head->path);
    return line;
}

/* ---- Deadlines
 * --------------------------------------------------------------------------------------------------- */

static void arm_earliest(struct peer *peer)
{
    struct http_state *http = &peer->as.http;
    uint64_t due = http->deadline < http->stall_deadline ? http->deadline : http->stall_deadline;
    struct loop *loop = peer->service->loop;
    if (due != loop_armed(loop, &peer->source) && loop_arm(loop, &peer->source, due) < 0)
        peer_close(peer);
}

void http_set_deadline(struct peer *peer, uint64_t ms)
{
    peer->as.http.deadline = ms == WICK_NEVER ? WICK_NEVER : peer->service->loop->now_ms + ms;
    if (!peer->as.http.queued)
        peer->as.http.stall_deadline = WICK_NEVER;
    arm_earliest(peer);
}

static uint64_t write_timeout(const struct peer *peer)
{
    return http_or_default(http_server_of(peer)->write_timeout_ms, 30000);
}

/* Output that moves renews its deadline. */
static void http_settle(struct peer *peer)
{
    struct http_state *http = &peer->as.http;
    size_t queued = peer_queued(peer);
    if (queued == http->queued)
        return;
    if (!queued)
        http->stall_deadline = WICK_NEVER;
    else if (!http->queued || queued < http->queued)
        http->stall_deadline = peer->service->loop->now_ms + write_timeout(peer);
    http->queued = queued;
    arm_earliest(peer);
}

static void http_due(struct peer *peer)
{
    struct http_state *http = &peer->as.http;
    uint64_t now = peer->service->loop->now_ms;
    if (http->stall_deadline <= now && peer_output_moves(peer))
        http->stall_deadline = now + write_timeout(peer);
    if (http->stall_deadline <= now) {
        peer_close(peer);
        return;
    }
    if (http->deadline > now) {
        arm_earliest(peer);
        return;
    }
    if (http->message)
        http_refuse(peer, WICK_E_HEAD_TIMEOUT);
    else if (peer_queued(peer))
        http_set_deadline(peer, write_timeout(peer)); /* an answer is on its way: its own limit applies */
    else
        peer_close(peer); /* nothing was asked: nothing to answer; or the end has not come in time */
}

/* ---- Requests
 * ---------------------------------------------------------------------------------------------------- */

static void free_message(struct http_message *message)
{
    if (!message)
        return;
    free(message->head_bytes);
    free(message->body);
    free(message);
}

static void log_refused(struct peer *peer, const wick_handshake *shake, const char *why, const wick_http_request *head)
{
    char name[SOCKET_NAME], saw[512];
    size_t len = 0;
    if (!head || wick_handshake_saw(head, saw, sizeof saw, &len) != WICK_OK)
        len = 0;
    log_line("%s - connection rejected (%u %s): %.*s %s%s%.*s%s", visitor_name(peer, name), shake->http_status,
             wick_http_reason(shake->http_status).data, (int)shake->code.len, shake->code.data, why, len ? " [" : "",
             (int)len, saw, len ? "]" : "");
}

void http_refuse_with(struct peer *peer, const wick_handshake *shake, const char *why, const wick_http_request *head)
{
    struct http_server *server = http_server_of(peer);
    char out[4096];
    size_t len;
    log_refused(peer, shake, why, head);
    if (wick_handshake_write(shake, head, server->stamp, server->stamp_count, out, sizeof out, &len) == WICK_OK) {
        wick_slice slice = { (const uint8_t *)out, len };
        peer_write(peer, &slice, 1);
    }
    free_message(peer->as.http.message);
    peer->as.http.message = NULL;
    peer->phase = HTTP_LINGER;
    peer_finish(peer);
    http_set_deadline(peer, http_or_default(server->linger_ms, 2000));
}

static void refuse_status(struct peer *peer, wick_status status, const wick_http_request *head)
{
    wick_handshake shake;
    wick_handshake_refuse_status(&shake, status);
    http_refuse_with(peer, &shake, wick_status_text(status), head);
}

void http_refuse(struct peer *peer, wick_status status)
{
    const struct http_message *message = peer->as.http.message;
    wick_http_request head;
    if (message && message->head_bytes)
        wick_http_head_request(&message->head, &head);
    refuse_status(peer, status, message && message->head_bytes ? &head : NULL);
}

void http_answered(struct peer *peer)
{
    struct http_server *server = http_server_of(peer);
    server->in_work--;
    peer->user = NULL;
    free_message(peer->as.http.message);
    peer->as.http.message = NULL;
    if (peer->as.http.keep_alive && !server->draining) {
        peer->phase = HTTP_HEAD;
        http_set_deadline(peer, http_or_default(server->idle_timeout_ms, HTTP_IDLE_MS));
    } else {
        peer->phase = HTTP_LINGER;
        peer_finish(peer);
        http_set_deadline(peer, http_or_default(server->linger_ms, 2000));
    }
    if (peer->flags & PEER_HELD)
        peer_go_on(peer);
}

/* Hand a request over. The message, if there is one, lives at least as long as on_request. */
static void deliver(struct peer *peer, const wick_http_request *head, struct http_message *message)
{
    struct http_server *server = http_server_of(peer);
    struct http_request request = { head, message->body, message->body_len };
    peer->phase = HTTP_WORK;
    peer->user = NULL;
    peer->as.http.message = NULL;
    peer->as.http.request = &request;
    server->in_work++;
    http_set_deadline(peer, WICK_NEVER);
    http_ask_who(peer, head);
    server->on_request(peer, &request);
    server->forwarded = NULL;
    if (peer->service != &server->service) {
        free_message(message);
        return;
    }
    peer->as.http.request = NULL;
    if (peer->phase != HTTP_WORK && peer->phase != HTTP_STREAM) {
        free_message(message);
        return;
    }
    write_line(message->line, sizeof message->line, head->method, head->path);
    free(message->head_bytes);
    free(message->body);
    message->head_bytes = message->body = NULL;
    peer->as.http.message = message;
    peer_hold(peer, 1);
}

static struct http_message *new_message(struct peer *peer)
{
    struct http_server *server = http_server_of(peer);
    wick_http_head_config config = { .size = sizeof config };
    struct http_message *message = malloc(sizeof *message);
    if (!message)
        return NULL;
    memset(message, 0, offsetof(struct http_message, line));
    config.timeout_ms = http_or_default(server->head_timeout_ms, 10000);
    wick_http_head_init_request(&message->head, &config, message->fields, HTTP_FIELDS, server->loop->now_ms);
    return message;
}

static int wants_upgrade(const wick_http_request *head)
{
    return wick_http_find(head->headers, head->header_count, WICK_STR("sec-websocket-key"), NULL) > 0 ||
           wick_http_has_token(head->headers, head->header_count, WICK_STR("upgrade"), WICK_STR("websocket"));
}

static void read_nature(struct peer *peer, const wick_http_request *head)
{
    struct http_state *http = &peer->as.http;
    int close = wick_http_has_token(head->headers, head->header_count, WICK_STR("connection"), WICK_STR("close"));
    http->old = head->version < 11;
    http->head_only = wick_http_equal(head->method, WICK_STR("HEAD")) != 0;
    http->keep_alive = !http->old && !close && !http_server_of(peer)->draining;
}

/* Keep the head while its body comes: the read buffer is not ours to keep. */
static int keep_head(struct peer *peer, struct http_message *message, const uint8_t *data, size_t len)
{
    uint64_t now = peer->service->loop->now_ms;
    message->head_bytes = malloc(len);
    if (!message->head_bytes)
        return -1;
    memcpy(message->head_bytes, data, len);
    message->head_len = len;
    wick_http_head_init_request(&message->head, NULL, message->fields, HTTP_FIELDS, now);
    wick_http_head_feed(&message->head, message->head_bytes, len, now);
    return 0;
}

static void await_body(struct peer *peer, const wick_http_request *head, const uint8_t *data, size_t len, int more)
{
    struct http_server *server = http_server_of(peer);
    struct http_message *message = peer->as.http.message;
    static const char go_ahead[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (!more && !peer->as.http.old &&
        wick_http_has_token(head->headers, head->header_count, WICK_STR("expect"), WICK_STR("100-continue"))) {
        wick_slice slice = { (const uint8_t *)go_ahead, sizeof go_ahead - 1 };
        peer_write(peer, &slice, 1);
    }
    if (keep_head(peer, message, data, len) < 0) {
        http_refuse(peer, WICK_E_MEMORY);
        return;
    }
    peer->phase = HTTP_BODY;
    http_set_deadline(peer, http_or_default(server->body_timeout_ms, 30000));
}

/* Ask the handler how much of a body to take. Returns 0 if it has answered instead: the body is not read then. */
static int ask_handler(struct peer *peer, const wick_http_request *head, struct http_message *message, uint64_t *max)
{
    struct http_server *server = http_server_of(peer);
    struct http_request request = { head, NULL, 0 };
    int keep_alive = peer->as.http.keep_alive;
    peer->phase = HTTP_WORK;
    peer->as.http.keep_alive = 0;
    peer->as.http.message = NULL;
    peer->as.http.request = &request;
    server->in_work++;
    http_ask_who(peer, head);
    *max = server->on_head(peer, head);
    server->forwarded = NULL;
    peer->as.http.request = NULL;
    if (peer->phase != HTTP_WORK) {
        free_message(message);
        return 0;
    }
    server->in_work--;
    peer->phase = HTTP_HEAD;
    peer->as.http.keep_alive = keep_alive != 0;
    peer->as.http.message = message;
    return 1;
}

/* The head is whole: hand the request over, or wait for its body. */
static void head_done(struct peer *peer, const uint8_t *data, size_t head_len, int more)
{
    struct http_server *server = http_server_of(peer);
    struct http_message *message = peer->as.http.message;
    uint64_t max = http_or_default(server->max_body, 1u << 20);
    wick_http_request head;
    wick_http_head_request(&message->head, &head);
    read_nature(peer, &head);
    wick_status status = wick_http_body_init_request(&message->body_state, &head, WICK_NEVER);
    if (status == WICK_OK && (message->body_state.kind == WICK_HTTP_BODY_NONE || wants_upgrade(&head))) {
        if (message->body_state.kind != WICK_HTTP_BODY_NONE)
            peer->as.http.keep_alive = 0;
        deliver(peer, &head, message);
        return;
    }
    if (status == WICK_OK && server->on_head && !ask_handler(peer, &head, message, &max))
        return;
    if (status == WICK_OK)
        status = wick_http_body_init_request(&message->body_state, &head, max);
    if (status < 0)
        refuse_status(peer, status, &head);
    else
        await_body(peer, &head, data, head_len, more);
}

static size_t take_head(struct peer *peer, const uint8_t *data, size_t len)
{
    struct http_state *http = &peer->as.http;
    if (!len)
        return 0;
    if (peer_full(peer)) { /* pipelined requests whose answers are not taken */
        peer_hold(peer, 0);
        return 0;
    }
    if (!http->message) {
        http->message = new_message(peer);
        if (!http->message) {
            peer_close(peer);
            return len;
        }
    }
    wick_status status = wick_http_head_feed(&http->message->head, data, len, peer->service->loop->now_ms);
    if (status == WICK_MORE) {
        http->deadline = wick_http_head_deadline(&http->message->head);
        arm_earliest(peer);
        return 0;
    }
    if (status < 0) {
        wick_http_request head;
        wick_http_head_request(&http->message->head, &head);
        if (wick_proxy_header_is(data, len))
            http_refuse_proxy_header(peer);
        else
            refuse_status(peer, status, &head);
        return len;
    }
    size_t head_len = wick_http_head_length(&http->message->head);
    head_done(peer, data, head_len, head_len < len);
    return head_len;
}

static int append_body(struct http_message *message, wick_slice piece)
{
    if (piece.len > message->body_cap - message->body_len) {
        size_t cap = message->body_cap * 2 > message->body_len + piece.len ? message->body_cap * 2
                                                                            : message->body_len + piece.len;
        uint8_t *body = realloc(message->body, cap);
        if (!body)
            return -1;
        message->body = body;
        message->body_cap = cap;
    }
    memcpy(message->body + message->body_len, piece.data, piece.len);
    message->body_len += piece.len;
    return 0;
}

static size_t take_body(struct peer *peer, const uint8_t *data, size_t len)
{
    struct http_message *message = peer->as.http.message;
    wick_http_request head;
    wick_slice piece;
    size_t at = 0, used;
    for (;;) {
        wick_status status = wick_http_body_next(&message->body_state, data + at, len - at, &used, &piece);
        at += used;
        if (status == WICK_MORE)
            return at;
        if (status == WICK_OK && piece.len && append_body(message, piece) < 0)
            status = WICK_E_MEMORY;
        if (status < 0) {
            http_refuse(peer, status);
            return len;
        }
        if (!piece.len)
            break;
    }
    wick_http_head_request(&message->head, &head);
    deliver(peer, &head, message);
    return at;
}

static size_t http_input(struct peer *peer, uint8_t *data, size_t len)
{
    size_t at = 0, used = 0;
    for (;;) {
        unsigned phase = peer->phase;
        switch (phase) {
        case HTTP_ARRIVAL:
            used = http_take_arrival(peer, data + at, len - at);
            break;
        case HTTP_HEAD:
            used = take_head(peer, data + at, len - at);
            break;
        case HTTP_BODY:
            used = take_body(peer, data + at, len - at);
            break;
        case HTTP_LINGER:
            return len;
        default:
            return at;
        }
        at += used;
        if (peer->service->protocol != &http_protocol || (!used && peer->phase == phase))
            return at;
    }
}

/* ---- Ends
 * -------------------------------------------------------------------------------------------------------- */

static void http_end(struct peer *peer)
{
    if (peer->phase == HTTP_HEAD && peer_queued(peer) && !(peer->flags & PEER_BROKEN))
        peer_finish(peer); /* the answer is still on its way */
    else
        peer_close(peer);
}

static void http_room(struct peer *peer)
{
    struct http_server *server = http_server_of(peer);
    if (peer->phase == HTTP_STREAM && server->on_room)
        server->on_room(peer);
    else if (peer->phase == HTTP_HEAD && peer->flags & PEER_HELD)
        peer_go_on(peer);
}

static void http_free(struct peer *peer)
{
    struct http_server *server = http_server_of(peer);
    if (peer->phase == HTTP_WORK || peer->phase == HTTP_STREAM) {
        server->in_work--;
        if (server->on_gone)
            server->on_gone(peer);
    }
    free_message(peer->as.http.message);
}

const struct peer_protocol http_protocol = {
    .on_input = http_input,
    .on_end = http_end,
    .on_room = http_room,
    .on_due = http_due,
    .on_settle = http_settle,
    .on_free = http_free,
};
