/*
 * http_answer.c - the answers of the HTTP server: whole, streamed, and the one that makes a WebSocket of the
 * connection.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/http_internal.h"
#include "lib/log.h"

/* Fields of one answer, the stamp included. */
#define ANSWER_FIELDS 48
/* Heads up to this size are written on the stack. */
#define HEAD_ROOM 4096

static const char *name_of(const struct peer *peer)
{
    static char name[SOCKET_NAME];
    return visitor_name(peer, name);
}

static void write_bytes(struct peer *peer, const char *head, size_t head_len, const void *body, size_t body_len)
{
    wick_slice slices[2] = { { (const uint8_t *)head, head_len }, { body, body_len } };
    if (peer_write(peer, slices, body_len ? 2 : 1) != 0)
        peer_close(peer);
}

/* Write head and body. Returns -1 if the answer cannot be put into words. */
static int write_answer(struct peer *peer, const wick_http_answer *answer, const void *body, size_t len)
{
    char room[HEAD_ROOM];
    char *out = room;
    size_t need;
    wick_status status = wick_http_answer_write(answer, out, sizeof room, &need);
    if (status == WICK_E_SPACE) {
        out = malloc(need);
        status = out ? wick_http_answer_write(answer, out, need, &need) : WICK_E_MEMORY;
    }
    if (status == WICK_OK)
        write_bytes(peer, out, need, body, len);
    if (out != room)
        free(out);
    return status == WICK_OK ? 0 : -1;
}

/* The answer with the server's stamp and what is to become of the connection. */
static int complete(struct peer *peer, const wick_http_answer *answer, wick_http_header *fields,
                    wick_http_answer *out)
{
    struct http_server *server = http_server_of(peer);
    if (server->stamp_count + answer->header_count > ANSWER_FIELDS)
        return -1;
    if (server->stamp_count)
        memcpy(fields, server->stamp, server->stamp_count * sizeof *fields);
    if (answer->header_count)
        memcpy(fields + server->stamp_count, answer->headers, answer->header_count * sizeof *fields);
    *out = *answer;
    out->headers = fields;
    out->header_count = server->stamp_count + answer->header_count;
    if (answer->close || server->draining)
        peer->as.http.keep_alive = 0;
    out->close = !peer->as.http.keep_alive;
    return 0;
}

/* An answer that breaks the syntax is the program's mistake: the client gets a plain 500. */
static int answer_failed(struct peer *peer)
{
    struct http_server *server = http_server_of(peer);
    wick_http_answer failed = { .status = 500, .close = 1, .headers = server->stamp,
                                .header_count = server->stamp_count };
    log_line("%s - \"%s\" answered with a field that would break HTTP", name_of(peer), http_request_line(peer));
    peer->as.http.keep_alive = 0;
    write_answer(peer, &failed, NULL, 0);
    http_answered(peer);
    return -1;
}

static int owes_answer(const struct peer *peer)
{
    return peer->service->protocol == &http_protocol && peer->phase == HTTP_WORK &&
           !(peer->flags & (PEER_BROKEN | PEER_DOOMED));
}

int http_answer(struct peer *peer, const wick_http_answer *answer, const void *body)
{
    wick_http_header fields[ANSWER_FIELDS];
    wick_http_answer whole;
    if (!owes_answer(peer))
        return -1;
    size_t len = peer->as.http.head_only ? 0 : (size_t)answer->length;
    if (complete(peer, answer, fields, &whole) < 0 || write_answer(peer, &whole, body, len) < 0)
        return answer_failed(peer);
    log_line("%s - \"%s\" %u", name_of(peer), http_request_line(peer), answer->status);
    http_answered(peer);
    return 0;
}

int http_respond(struct peer *peer, unsigned status, wick_str content_type, const void *body, size_t len)
{
    wick_http_answer answer = { .status = status, .content_type = content_type, .length = len };
    return http_answer(peer, &answer, body);
}

/* Cause and proxy of a refusal, for the log: " [HOP_STRIPPED by nginx]", or nothing; in a static buffer. */
static const char *blame(wick_str cause, wick_str proxy)
{
    static char text[96];
    text[0] = 0;
    if (cause.len || proxy.len)
        snprintf(text, sizeof text, " [%.*s%s%.*s]", (int)cause.len, cause.len ? cause.data : "",
                 !proxy.len ? "" : cause.len ? " by " : "through ", (int)proxy.len, proxy.len ? proxy.data : "");
    return text;
}

int http_problem(struct peer *peer, const wick_http_problem *problem)
{
    wick_http_header fields[ANSWER_FIELDS];
    struct http_server *server = http_server_of(peer);
    wick_http_problem whole = *problem;
    char room[HEAD_ROOM];
    size_t need;
    if (!owes_answer(peer))
        return -1;
    if (server->stamp_count + problem->header_count > ANSWER_FIELDS)
        return answer_failed(peer);
    if (server->stamp_count)
        memcpy(fields, server->stamp, server->stamp_count * sizeof *fields);
    if (problem->header_count)
        memcpy(fields + server->stamp_count, problem->headers, problem->header_count * sizeof *fields);
    whole.headers = fields;
    whole.header_count = server->stamp_count + problem->header_count;
    whole.head_only = peer->as.http.head_only;
    if (server->draining)
        peer->as.http.keep_alive = 0;
    whole.keep_alive = peer->as.http.keep_alive;
    if (wick_http_problem_write(&whole, room, sizeof room, &need) != WICK_OK)
        return answer_failed(peer);
    write_bytes(peer, room, need, NULL, 0);
    log_line("%s - \"%s\" %u %.*s %.*s%s", name_of(peer), http_request_line(peer), problem->status,
             (int)problem->code.len, problem->code.len ? problem->code.data : "", (int)problem->detail.len,
             problem->detail.len ? problem->detail.data : "", blame(problem->cause, problem->proxy));
    http_answered(peer);
    return 0;
}

/* ---- Streams
 * ----------------------------------------------------------------------------------------------------- */

int http_stream_begin(struct peer *peer, const wick_http_answer *answer)
{
    wick_http_header fields[ANSWER_FIELDS];
    wick_http_answer whole;
    if (!owes_answer(peer))
        return -1;
    if (peer->as.http.old)
        peer->as.http.keep_alive = 0;
    if (complete(peer, answer, fields, &whole) < 0)
        return answer_failed(peer);
    whole.length = peer->as.http.old ? WICK_HTTP_UNTIL_CLOSE : WICK_HTTP_CHUNKED;
    peer->as.http.chunked = !peer->as.http.old;
    if (write_answer(peer, &whole, NULL, 0) < 0)
        return answer_failed(peer);
    log_line("%s - \"%s\" %u [streaming]", name_of(peer), http_request_line(peer), answer->status);
    peer->phase = HTTP_STREAM;
    return 0;
}

int http_stream_write(struct peer *peer, const wick_slice *slices, size_t count)
{
    char begin[WICK_HTTP_CHUNK_BEGIN_MAX];
    wick_slice all[WICK_OUTPUT_SLICES];
    size_t total = 0;
    if (peer->service->protocol != &http_protocol || peer->phase != HTTP_STREAM || count > WICK_OUTPUT_SLICES - 2)
        return -1;
    for (size_t i = 0; i < count; i++) {
        all[i + 1] = slices[i];
        total += slices[i].len;
    }
    if (!total || peer->as.http.head_only)
        return peer->flags & (PEER_BROKEN | PEER_DOOMED) ? -1 : 0;
    if (!peer->as.http.chunked)
        return peer_write(peer, all + 1, count);
    all[0] = (wick_slice){ (const uint8_t *)begin, wick_http_chunk_begin(total, begin) };
    all[count + 1] = (wick_slice){ (const uint8_t *)WICK_HTTP_CHUNK_END, sizeof WICK_HTTP_CHUNK_END - 1 };
    return peer_write(peer, all, count + 2);
}

void http_stream_end(struct peer *peer)
{
    static const wick_slice last = { (const uint8_t *)WICK_HTTP_CHUNK_LAST, sizeof WICK_HTTP_CHUNK_LAST - 1 };
    if (peer->service->protocol != &http_protocol || peer->phase != HTTP_STREAM)
        return;
    if (peer->as.http.chunked && !peer->as.http.head_only)
        peer_write_last(peer, &last, 1);
    http_answered(peer);
}

/* ---- WebSocket
 * --------------------------------------------------------------------------------------------------- */

static void log_refusal(const struct peer *peer, const wick_handshake *shake, const wick_http_request *head)
{
    char saw[512];
    size_t len = 0;
    if (wick_handshake_saw(head, saw, sizeof saw, &len) != WICK_OK)
        len = 0;
    log_line("%s - \"WebSocket %.*s\" connection rejected (%u %s): %.*s %.*s%s [%.*s]", name_of(peer),
             (int)(head->path.len < 200 ? head->path.len : 200), head->path.len ? head->path.data : "",
             shake->http_status, wick_http_reason(shake->http_status).data, (int)shake->code.len, shake->code.data,
             (int)shake->detail.len, shake->detail.data, blame(shake->cause, shake->proxy), (int)len, saw);
}

/* The host's own refusals have not been diagnosed. */
static void name_proxy(wick_handshake *shake, const wick_http_request *head)
{
    const char *name = wick_proxy_name(wick_diagnose_proxy(head));
    shake->proxy = (wick_str){ name, strlen(name) };
}

static int write_handshake(struct peer *peer, const wick_handshake *shake, const wick_http_request *head)
{
    struct http_server *server = http_server_of(peer);
    char room[HEAD_ROOM];
    size_t need;
    if (wick_handshake_write(shake, head, server->stamp, server->stamp_count, room, sizeof room, &need) != WICK_OK)
        return -1;
    write_bytes(peer, room, need, NULL, 0);
    return 0;
}

int http_upgrade(struct peer *peer, const struct http_request *request, wick_handshake *shake,
                 struct ws_service *websockets, void *user)
{
    struct http_server *server = http_server_of(peer);
    const wick_http_request *head = request->head;
    if (!owes_answer(peer))
        return 0;
    if (server->draining)
        wick_handshake_refuse(shake, WICK_REFUSE_DRAINING);
    if (shake->refusal != WICK_REFUSE_NONE && !shake->proxy.len)
        name_proxy(shake, head);
    if (write_handshake(peer, shake, head) < 0) {
        answer_failed(peer);
        return 0;
    }
    if (shake->http_status != 101) {
        log_refusal(peer, shake, head);
        peer->as.http.keep_alive = 0;
        http_answered(peer);
        return 0;
    }
    log_line("%s - \"WebSocket %.*s\" [accepted]", name_of(peer), (int)(head->path.len < 200 ? head->path.len : 200),
             head->path.data);
    server->in_work--;
    if (!websockets->service.loop)
        websockets->service.loop = server->loop;
    return ws_start(peer, websockets, user) == 0;
}
