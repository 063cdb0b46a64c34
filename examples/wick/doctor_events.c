/*
 * doctor_events.c - how long events take through the proxy: server-sent events and long polls.
 *
 * Of a server that speaks agent-events, its well-known document gives the path. A session of its own and a room of a
 * name that nobody else has let it publish a few messages and see when they come; the session is closed at the end, and
 * nothing stays. Of any other server a path is read as it is, and whatever comes is looked at.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/random.h"
#include "wick/doctor.h"
#include "wick/wick.h"

#define EVENTS 3
#define PAUSE_MS 150
/* A body that took at least so long, of which everything came in the last part, was held back. */
#define LATE_WHOLE_MS 700
#define LATE_LAST_MS 60
/* How long a stream is watched when it flows. */
#define WATCH_MS 1000

/* ---- A stream ---------------------------------------------------------------------------------------------------- */

struct reading {
    struct doctor_stream *stream;
    uint64_t head_ms, first_ms, last_ms, event_ms;
    unsigned events; /* "data:" lines */
    unsigned matched; /* characters of it so far, over the edges of pieces */
    int over;
};

static int on_head(struct http_call *call, const wick_http_response *response)
{
    struct reading *reading = http_call_user(call);
    doctor_answer_head(&reading->stream->answer, response);
    reading->head_ms = command_loop.now_ms;
    doctor_arrived();
    return 0;
}

static int on_body(struct http_call *call, const uint8_t *data, size_t len)
{
    static const char data_line[] = "\ndata:";
    struct reading *reading = http_call_user(call);
    if (!reading->stream->pieces++)
        reading->first_ms = command_loop.now_ms;
    reading->last_ms = command_loop.now_ms;
    reading->stream->bytes += len;
    doctor_answer_body(&reading->stream->answer, data, len);
    for (size_t i = 0; i < len; i++) {
        if (data[i] != (uint8_t)data_line[reading->matched])
            reading->matched = 0;
        if (data[i] == (uint8_t)data_line[reading->matched] && ++reading->matched == sizeof data_line - 1) {
            reading->matched = 0;
            reading->events++;
            reading->event_ms = command_loop.now_ms;
        }
    }
    doctor_arrived();
    return 0;
}

static void on_end(struct http_call *call)
{
    struct reading *reading = http_call_user(call);
    doctor_answer_trace(&reading->stream->answer, http_call_trace(call));
    reading->stream->ended = 1;
    reading->over = 1;
    doctor_arrived();
}

static const struct http_call_type stream_type = { .on_head = on_head, .on_body = on_body, .on_end = on_end };

static struct http_call *begin(const char *url, struct reading *reading)
{
    wick_http_header fields[DOCTOR_FIELDS + 1];
    struct http_call_options options = { .url = url, .headers = fields, .idle_ms = WICK_NEVER };
    options.header_count = doctor_fields(fields, WICK_STR("Accept"), "text/event-stream");
    options.connect_ms = options.head_ms = doctor_options.timeout_ms;
    loop_clock(&command_loop);
    return http_call_start(&command_loop, &options, &stream_type, reading);
}

static void end(struct http_call *call, struct reading *reading)
{
    struct doctor_stream *stream = reading->stream;
    uint64_t now = loop_clock(&command_loop);
    if (call && !reading->over) {
        doctor_answer_trace(&stream->answer, http_call_trace(call));
        http_call_cancel(call);
    }
    if (!reading->head_ms)
        reading->head_ms = now;
    stream->whole_ms = now - reading->head_ms;
    stream->first_ms = stream->pieces ? reading->first_ms - reading->head_ms : 0;
    stream->late = stream->ended && stream->pieces && stream->whole_ms >= LATE_WHOLE_MS &&
                   now - reading->first_ms <= LATE_LAST_MS;
}

static void wait_until(const struct reading *reading, uint64_t until, unsigned pieces, unsigned events)
{
    while (!reading->over && reading->stream->pieces < pieces && reading->events < events &&
           loop_clock(&command_loop) < until && !doctor_interrupted())
        doctor_wait(until - command_loop.now_ms);
}

void doctor_stream_read(const wick_url *url, const char *path, struct doctor_stream *stream)
{
    char text[1200];
    struct reading reading = { .stream = stream };
    snprintf(text, sizeof text, "http%s://%.*s%s", url->secure ? "s" : "", (int)url->authority.len,
             url->authority.data, path);
    struct http_call *call = begin(text, &reading);
    if (!call)
        return;
    wait_until(&reading, command_loop.now_ms + doctor_options.timeout_ms, 1, 1000000);
    wait_until(&reading, loop_clock(&command_loop) + WATCH_MS, 1000000, 1000000);
    end(call, &reading);
}

/* ---- A session of agent-events ----------------------------------------------------------------------------------- */

/* A string or number in a JSON answer, by the names on the way to it; "" if there is none. A number is an index. */
static void member_at(const struct doctor_answer *answer, const char *const *names, char *to, size_t cap)
{
    wick_text at = { answer->body, (uint32_t)answer->body_len, WICK_TEXT_JSON };
    wick_str plain = { "", 0 };
    to[0] = '\0';
    if (wick_json_check(NULL, answer->body, answer->body_len, NULL) != WICK_OK)
        return;
    for (; *names; names++) {
        wick_text next;
        if (at.data && at.len && at.data[0] == '[') {
            wick_json_reader reader;
            wick_json_token token;
            if (wick_json_reader_init(&reader, NULL, at.data, at.len) != WICK_OK ||
                wick_json_next(&reader, &token) != WICK_OK || wick_json_value(&reader, &next) != WICK_OK)
                return;
        } else if (wick_json_member(&at, *names, strlen(*names), &next) != WICK_OK || !next.data) {
            return;
        }
        at = next;
    }
    if (at.form == WICK_TEXT_JSON)
        plain = (wick_str){ at.data, at.len };
    else if (wick_text_plain(&at, to, cap, &plain) != WICK_OK)
        return;
    size_t len = plain.len < cap ? plain.len : cap - 1;
    memmove(to, plain.data, len);
    to[len] = '\0';
}

static void post(const struct doctor_session *session, const char *body, struct doctor_answer *answer)
{
    char url[1300];
    snprintf(url, sizeof url, "%s%s%s%s", session->base, session->events, *session->query ? "?" : "", session->query);
    doctor_post(url, body, answer);
}

static void base_of(const wick_url *url, char *text, size_t cap)
{
    snprintf(text, cap, "http%s://%.*s", url->secure ? "s" : "",
             (int)(url->authority.len < 500 ? url->authority.len : 500), url->authority.data);
}

int doctor_endpoint(const wick_url *url, const char *name, char *path, size_t cap)
{
    const char *const names[] = { "endpoints", name, NULL };
    struct doctor_answer answer;
    char text[700];
    base_of(url, text, sizeof text);
    SAY(text, "/.well-known/agent-events");
    doctor_get(text, "application/json", &answer);
    path[0] = '\0';
    if (answer.status == 200)
        member_at(&answer, names, path, cap);
    for (const char *at = path; *at; at++)
        if (*at <= ' ' || *at > '~')
            return -1;
    return path[0] == '/' ? 0 : -1;
}

int doctor_session_open(struct doctor_session *session, const wick_url *url)
{
    static const char *const id[] = { "accepted", "0", "payload", "session_id", NULL };
    static const char *const token[] = { "accepted", "0", "payload", "resume_token", NULL };
    static const char *const epoch[] = { "accepted", "0", "payload", "epoch", NULL };
    struct doctor_answer answer;
    char session_id[140], resume_token[140];
    memset(session, 0, sizeof *session);
    base_of(url, session->base, sizeof session->base);
    if (doctor_endpoint(url, "events", session->events, sizeof session->events) < 0)
        return -1;
    post(session, "{\"type\":\"session.open\",\"payload\":{\"versions\":[\"1.0\"],\"client\":{\"name\":\"wick "
                  "doctor\"}}}",
         &answer);
    member_at(&answer, id, session_id, sizeof session_id);
    member_at(&answer, token, resume_token, sizeof resume_token);
    member_at(&answer, epoch, session->epoch, sizeof session->epoch);
    snprintf(session->query, sizeof session->query, "session_id=%s&resume_token=%s", session_id, resume_token);
    return *session_id && *resume_token && *session->epoch ? 0 : -1;
}

void doctor_session_close(const struct doctor_session *session)
{
    struct doctor_answer answer;
    post(session, "{\"type\":\"session.close\"}", &answer);
}

/* An event is to be there when the answer to its POST is: both leave the server at the same time. */
static void publish(const struct doctor_session *session, const char *room, struct reading *reading)
{
    struct doctor_answer answer;
    char body[200];
    unsigned before = reading->events;
    doctor_wait(PAUSE_MS);
    snprintf(body, sizeof body, "{\"type\":\"room.publish\",\"payload\":{\"room\":\"%s\",\"data\":%u}}", room,
             reading->stream->sent);
    post(session, body, &answer);
    uint64_t answered = loop_clock(&command_loop);
    if (answer.status != 202 || !doctor_body_has(&answer, "\"accepted\",\"payload\""))
        return;
    reading->stream->sent++;
    wait_until(reading, answered + doctor_options.timeout_ms, 1000000, before + 1);
    uint64_t late = reading->events > before ? (reading->event_ms > answered ? reading->event_ms - answered : 0)
                                             : command_loop.now_ms - answered;
    if (reading->stream->sent == 1 || late < reading->stream->delay_ms)
        reading->stream->delay_ms = late;
}

void doctor_session_stream(const struct doctor_session *session, struct doctor_stream *stream)
{
    char url[1300], body[200], room[40];
    uint8_t secret[8] = { 0 };
    struct doctor_answer answer;
    struct reading reading = { .stream = stream };
    random_bytes(secret, sizeof secret);
    snprintf(room, sizeof room, "wick.doctor.");
    for (size_t i = 0; i < sizeof secret; i++)
        SAY(room, "%02x", secret[i]);
    snprintf(body, sizeof body, "{\"type\":\"room.join\",\"payload\":{\"room\":\"%s\"}}", room);
    post(session, body, &answer);
    snprintf(url, sizeof url, "%s%s?%s&after=%s:0", session->base, session->events, session->query, session->epoch);
    struct http_call *call = begin(url, &reading);
    if (!call)
        return;
    wait_until(&reading, command_loop.now_ms + doctor_options.timeout_ms, 1, 1000000);
    for (unsigned i = 0; i < EVENTS && !reading.over && !doctor_interrupted(); i++)
        if (reading.events == stream->sent)
            publish(session, room, &reading);
    if (stream->sent && reading.events < stream->sent)
        stream->pieces = reading.events;
    else if (stream->sent)
        stream->pieces = reading.events ? reading.events : stream->pieces;
    end(call, &reading);
}

uint64_t doctor_session_poll(const struct doctor_session *session, uint64_t wait_ms, struct doctor_answer *answer)
{
    char url[1400];
    uint64_t patience = doctor_options.timeout_ms, before = loop_clock(&command_loop);
    snprintf(url, sizeof url, "%s%s?%s&after=%s:0&wait_ms=%llu", session->base, session->events, session->query,
             session->epoch, (unsigned long long)wait_ms);
    doctor_options.timeout_ms += wait_ms;
    doctor_get(url, "application/json", answer);
    doctor_options.timeout_ms = patience;
    return loop_clock(&command_loop) - before;
}
