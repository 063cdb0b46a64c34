/*
 * doctor_probe.c - asking: one HTTP request, or a WebSocket that is opened, pinged and closed.
 *
 * Each of these runs the loop until it is done or its time is over, so that the checks read as the list that they are.
 * A link hears nothing of its own heartbeat: what keeps a connection alive is what is being examined.
 */
#include <stdlib.h>
#include <string.h>

#include "wick/doctor.h"
#include "wick/wick.h"

struct doctor_options doctor_options;

static struct source alarm_clock;
static int rings, interrupted;

/* ---- Waiting ----------------------------------------------------------------------------------------------------- */

static void on_alarm(struct loop *loop, struct source *source)
{
    (void)source;
    rings = 1;
    loop_stop(loop);
}

static const struct source_type alarm_type = { NULL, on_alarm };

void doctor_arrived(void)
{
    loop_stop(&command_loop);
}

int doctor_wait(uint64_t ms)
{
    if (interrupted)
        return -1;
    if (!alarm_clock.type)
        source_init(&alarm_clock, &alarm_type);
    rings = 0;
    loop_clock(&command_loop);
    if (loop_arm(&command_loop, &alarm_clock, command_loop.now_ms + ms) < 0 || loop_run(&command_loop) < 0)
        return -1;
    loop_arm(&command_loop, &alarm_clock, WICK_NEVER);
    return rings || interrupted ? -1 : 0;
}

void doctor_interrupt(void)
{
    interrupted = 1;
    loop_stop(&command_loop);
}

int doctor_interrupted(void)
{
    return interrupted;
}

/* ---- HTTP -------------------------------------------------------------------------------------------------------- */

static int on_head(struct http_call *call, const wick_http_response *response)
{
    doctor_answer_head(http_call_user(call), response);
    return response->status == 101 ? -1 : 0;
}

static int on_body(struct http_call *call, const uint8_t *data, size_t len)
{
    struct doctor_answer *answer = http_call_user(call);
    doctor_answer_body(answer, data, len);
    return answer->body_bytes > DOCTOR_BODY ? -1 : 0;
}

static void on_end(struct http_call *call)
{
    struct doctor_answer *answer = http_call_user(call);
    doctor_answer_trace(answer, http_call_trace(call));
    doctor_answer_end(answer);
    doctor_arrived();
}

static const struct http_call_type call_type = { .on_head = on_head, .on_body = on_body, .on_end = on_end };

static void ask(const struct http_call_options *options, struct doctor_answer *answer)
{
    struct http_call_options call = *options;
    memset(answer, 0, sizeof *answer);
    if (interrupted)
        return;
    call.connect_ms = call.head_ms = call.idle_ms = doctor_options.timeout_ms;
    call.total_ms = 2 * doctor_options.timeout_ms;
    struct http_call *under_way = http_call_start(&command_loop, &call, &call_type, answer);
    if (!under_way)
        return;
    while (!answer->asked && doctor_wait(3 * doctor_options.timeout_ms) == 0)
        ;
    if (!answer->asked)
        http_call_cancel(under_way);
}

size_t doctor_fields(wick_http_header fields[DOCTOR_FIELDS + 1], wick_str name, const char *value)
{
    size_t count = doctor_options.header_count;
    if (count)
        memcpy(fields, doctor_options.headers, count * sizeof *fields);
    fields[count].name = name;
    fields[count].value = (wick_str){ value, strlen(value) };
    return count + 1;
}

void doctor_get(const char *url, const char *accept, struct doctor_answer *answer)
{
    wick_http_header fields[DOCTOR_FIELDS + 1];
    struct http_call_options options = { .url = url, .headers = fields };
    options.header_count = doctor_fields(fields, WICK_STR("Accept"), accept);
    ask(&options, answer);
}

void doctor_post(const char *url, const char *body, struct doctor_answer *answer)
{
    wick_http_header fields[DOCTOR_FIELDS + 1];
    struct http_call_options options = { .url = url, .method = "POST", .headers = fields, .body = body };
    options.body_len = strlen(body);
    options.header_count = doctor_fields(fields, WICK_STR("Content-Type"), "application/json");
    ask(&options, answer);
}

/* ---- WebSockets -------------------------------------------------------------------------------------------------- */

static struct doctor_link *link_of(const struct peer *peer)
{
    return peer->user;
}

static uint64_t now(void)
{
    return command_loop.now_ms;
}

static void on_open(struct peer *peer)
{
    struct doctor_link *link = link_of(peer);
    const struct http_trace *trace = client_trace(peer);
    link->peer = peer;
    link->opened_ms = link->active_ms = now();
    link->life.opened = 1;
    if (trace) {
        doctor_answer_trace(link->answer, trace);
        link->answer->status = 101;
        SAY(link->answer->reason, "Switching Protocols");
    }
    doctor_arrived();
}

static void on_failed(struct loop *loop, const struct client_failure *failure, void *user)
{
    struct doctor_link *link = user;
    (void)loop;
    if (failure->response) {
        doctor_answer_head(link->answer, failure->response);
        if (failure->body_len)
            doctor_answer_body(link->answer, failure->body, failure->body_len);
    }
    if (failure->trace) {
        doctor_answer_trace(link->answer, failure->trace);
        link->answer->status = failure->trace->http_status;
    } else {
        link->answer->asked = 1;
        link->answer->outcome = HTTP_BAD_URL;
        SAY(link->answer->trouble, "%s", failure->text);
    }
    link->answer->handshake = failure->status;
    doctor_answer_end(link->answer);
    doctor_arrived();
}

void doctor_look(struct doctor_link *link)
{
    wick_conn_error error = { 0 };
    if (!link->life.opened || link->life.fate != FATE_OPEN)
        return;
    link->life.age_ms = now() - link->opened_ms;
    link->life.silent_ms = now() - link->active_ms;
    if (link->peer)
        wick_conn_error_get(&link->peer->as.ws, &error);
    if (error.status == WICK_OK || error.status == WICK_E_EOF)
        return;
    link->life.fate = FATE_ERROR;
    link->life.error = error.status;
}

static void on_gone(struct peer *peer, wick_status why)
{
    struct doctor_link *link = link_of(peer);
    doctor_look(link);
    if (link->life.fate == FATE_OPEN && link->peer)
        link->life.fate = peer->flags & PEER_BROKEN                 ? FATE_RESET
                          : why == WICK_E_EOF || why == WICK_OK ? FATE_FIN
                                                                : FATE_ERROR;
    if (link->life.fate != FATE_ERROR || !link->life.error)
        link->life.error = why;
    link->peer = NULL;
    doctor_arrived();
}

static int on_close(wick_conn *conn, void *user, unsigned code, const char *reason, size_t len)
{
    struct doctor_link *link = link_of(user);
    (void)conn;
    doctor_look(link);
    if (link->life.fate != FATE_OPEN)
        return 0;
    link->life.fate = FATE_CLOSED;
    link->life.code = code;
    for (size_t i = 0; i < len; i++)
        link->life.reason[i] = reason[i] >= ' ' && reason[i] <= '~' ? reason[i] : '?';
    return 0;
}

/* Of a message only its beginning is kept, and whether all of it is the echo that is waited for. */
static int on_slice(wick_conn *conn, void *user, const wick_piece *piece)
{
    struct doctor_link *link = link_of(user);
    (void)conn;
    link->active_ms = now();
    if (piece->first) {
        size_t len = piece->len < sizeof link->last - 1 ? piece->len : sizeof link->last - 1;
        if (len)
            memcpy(link->last, piece->data, len);
        link->last[len] = '\0';
        link->echo = link->expect ? 1 : 0;
    }
    if (link->echo == 1 && (piece->offset + piece->len > link->expect_len ||
                            (piece->len && memcmp(link->expect + piece->offset, piece->data, piece->len) != 0)))
        link->echo = -1;
    if (!piece->last)
        return 0;
    link->life.messages++;
    if (link->echo == 1 && piece->offset + piece->len != link->expect_len)
        link->echo = -1;
    if (link->expect)
        doctor_arrived();
    return 0;
}

static int on_ping(wick_conn *conn, void *user, const uint8_t *data, size_t len)
{
    (void)conn, (void)data, (void)len;
    link_of(user)->active_ms = now();
    return 0;
}

static int on_pong(wick_conn *conn, void *user, const uint8_t *data, size_t len)
{
    struct doctor_link *link = link_of(user);
    (void)conn, (void)data, (void)len;
    link->active_ms = now();
    link->life.pongs++;
    link->life.trip_ms = now() - link->pinged_ms;
    doctor_arrived();
    return 0;
}

static const wick_conn_callbacks callbacks = {
    .on_output = ws_output,
    .on_memory = ws_memory,
    .on_random = ws_random,
    .on_slice = on_slice,
    .on_ping = on_ping,
    .on_pong = on_pong,
    .on_close = on_close,
};

static const wick_conn_config config = {
    .size = sizeof config,
    .callbacks = &callbacks,
    .role = WICK_CLIENT,
    .max_frame = UINT64_MAX,
    .max_message = UINT64_MAX,
    .ping_interval_ms = WICK_NEVER,
    .close_timeout_ms = 1000,
};

static struct ws_service service = { .config = &config, .on_gone = on_gone, .on_open = on_open };

int doctor_open(struct doctor_link *link, const char *url, const char *origin, struct doctor_answer *answer)
{
    struct client_options options = {
        .url = url, .origin = origin, .on_failed = on_failed, .timeout_ms = doctor_options.timeout_ms,
        .headers = doctor_options.headers, .header_count = doctor_options.header_count,
        .subprotocols = doctor_options.subprotocols, .subprotocol_count = doctor_options.subprotocol_count,
    };
    memset(link, 0, sizeof *link);
    memset(answer, 0, sizeof *answer);
    link->answer = answer;
    if (interrupted)
        return -1;
    client_connect(&command_loop, &options, &service, link);
    while (!answer->asked && doctor_wait(3 * doctor_options.timeout_ms) == 0)
        ;
    return link->life.opened ? 0 : -1;
}

int doctor_ping(struct doctor_link *link, uint64_t ms)
{
    unsigned before = link->life.pongs;
    uint64_t until;
    loop_clock(&command_loop);
    until = now() + ms;
    link->pinged_ms = link->active_ms = now();
    if (link->peer && wick_conn_ping(&link->peer->as.ws, "wick", 4) == WICK_OK)
        link->life.pings++;
    else
        until = now();
    while (link->peer && link->life.pongs == before && now() < until && doctor_wait(until - now()) == 0)
        ;
    doctor_look(link);
    return link->life.pongs != before ? 0 : -1;
}

int doctor_echo(struct doctor_link *link, const uint8_t *text, size_t len, uint64_t ms)
{
    uint64_t until;
    loop_clock(&command_loop);
    until = now() + ms;
    link->expect = text;
    link->expect_len = len;
    link->echo = 0;
    link->active_ms = now();
    uint64_t before = link->life.messages;
    if (link->peer && wick_conn_send(&link->peer->as.ws, WICK_TEXT, text, len) == WICK_OK)
        while (link->peer && link->life.messages == before && now() < until && doctor_wait(until - now()) == 0)
            ;
    link->expect = NULL;
    doctor_look(link);
    return link->life.messages == before ? 0 : link->echo;
}

void doctor_close(struct doctor_link *link)
{
    struct doctor_life life = link->life;
    if (!link->peer)
        return;
    doctor_look(link);
    life = link->life;
    ws_close(link->peer, 1000, NULL);
    while (link->peer && doctor_wait(2000) == 0)
        ;
    if (link->peer)
        peer_close(link->peer);
    while (link->peer && doctor_wait(100) == 0)
        ;
    link->life = life; /* what came behind our own Close is no fate */
}
