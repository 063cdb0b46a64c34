/*
 * http_view.c - readers over HTTP: server-sent events, JSON lines, long poll.
 *
 * A view is a link of the Experience whose reader is the HTTP peer; peer->user is the view. The Experience must not be
 * called from its own deliveries, so a view that has got enough only notes it and has its timer come at once.
 *
 *     SSE        retry: 2000            first
 *                id: <epoch>:<seq>      a frame for each message; without id if the message moves no cursor
 *                data: {...}
 *                : keep-alive           after 15 s of silence (--comment-interval)
 *     NDJSON     {...}                  a line for each message; an empty one after silence
 *     long poll  {"epoch":E,"events":[...],"next":"E:S"}
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent_server/http_api.h"
#include "agent_server/http_mission.h"

#define RETRY_MS "2000"
/* A long poll that has that many bytes is answered; the rest comes with the next one. */
#define POLL_BYTES (256u << 10)

struct view {
    struct source source; /* silence, the end of a long poll, or the end of all */
    struct peer *peer;
    wick_link link;
    wick_session session;
    enum view_form form;
    uint64_t said_ms;
    uint64_t mission;    /* the mission that is shown, in its profile; 0: none */
    uint8_t begun;       /* the head of the answer is written */
    uint8_t over;        /* it has got enough */
    wick_cursor next;    /* long poll */
    size_t count;
    struct growing events;
    char *origin; /* of the request, for the answer that comes later */
    size_t only_len;
    char only[WICK_LIMIT_ID];
    uint64_t until; /* that run is over: nothing of it comes behind this event; 0: it goes on */
};

static void on_view_due(struct loop *loop, struct source *source);
static const struct source_type view_type = { .on_due = on_view_due };

/* ---- The end of a view ------------------------------------------------------------------------------------------- */

static void free_view(struct view *view)
{
    view->peer->user = NULL;
    loop_drop(&server.loop, &view->source);
    if (view->link)
        wick_experience_detach(server.experience, view->link, server.loop.now_ms);
    free(view->events.data);
    free(view->origin);
    free(view);
    planes_arm();
}

static void answer_poll(struct view *view)
{
    struct peer *peer = view->peer;
    struct growing body = { 0 };
    char next[WICK_CURSOR_MAX];
    size_t len = wick_cursor_write(&view->next, next);
    growing_print(&body, "{\"epoch\":%llu,\"events\":[", (unsigned long long)view->next.epoch);
    growing_add(&body, view->events.data, view->events.len);
    growing_print(&body, "],\"next\":\"%.*s\"}\n", (int)len, next);
    wick_str origin = { view->origin ? view->origin : "", view->origin ? strlen(view->origin) : 0 };
    body.failed |= view->events.failed;
    char *keep = view->origin;
    view->origin = NULL;
    free_view(view);
    cors_again(origin);
    api_answer_grown(peer, 200, &body);
    cors_end();
    free(keep);
}

static void end_view(struct view *view)
{
    struct peer *peer = view->peer;
    if (view->form == VIEW_POLL) {
        answer_poll(view);
        return;
    }
    free_view(view);
    http_stream_end(peer);
}

/* It has got enough: end it once the running call of the Experience is over. */
static void note_over(struct view *view)
{
    view->over = 1;
    loop_arm(&server.loop, &view->source, server.loop.now_ms);
}

int view_is(const struct peer *peer)
{
    return peer->service == &server.http.service;
}

void view_close(struct peer *peer)
{
    if (peer->user)
        note_over(peer->user);
}

void view_gone(struct peer *peer)
{
    if (peer->user)
        free_view(peer->user);
}

void view_room(struct peer *peer)
{
    struct view *view = peer->user;
    if (!view)
        return;
    wick_experience_room(server.experience, view->link, server.loop.now_ms);
    planes_arm();
}

static void end_each(struct peer *peer, void *arg)
{
    (void)arg;
    if (!view_is(peer) || !peer->user)
        return;
    peer->as.http.keep_alive = 0; /* what it was told must leave before the connection goes */
    end_view(peer->user);
}

void views_end(void)
{
    missions_go_on(); /* their readers are told how they ended */
    peer_each(&server.loop, end_each, NULL);
}

/* ---- What is delivered ------------------------------------------------------------------------------------------- */

static char *join(const wick_outgoing *message)
{
    char *whole = malloc(message->len + 1);
    size_t at = 0;
    for (size_t i = 0; whole && i < message->count; i++) {
        memcpy(whole + at, message->slices[i].data, message->slices[i].len);
        at += message->slices[i].len;
    }
    return whole;
}

/* Write one message in the form of the view. Returns like http_stream_write(). */
static int put_message(struct view *view, const wick_slice *slices, size_t count, const wick_cursor *cursor)
{
    wick_slice all[WICK_OUTGOING_SLICES + 2];
    char start[64];
    size_t len = 0;
    if (view->form == VIEW_SSE) {
        if (cursor->epoch) {
            memcpy(start, "id: ", 4);
            len = 4 + wick_cursor_write(cursor, start + 4);
            start[len++] = '\n';
        }
        memcpy(start + len, "data: ", 6);
        len += 6;
    }
    all[0] = (wick_slice){ (const uint8_t *)start, len };
    memcpy(all + 1, slices, count * sizeof *slices);
    all[count + 1] = (wick_slice){ (const uint8_t *)"\n\n", view->form == VIEW_SSE ? 2 : 1 };
    view->said_ms = server.loop.now_ms;
    return http_stream_write(view->peer, all, count + 2);
}

static int put_poll(struct view *view, const wick_slice *slices, size_t count, const wick_cursor *cursor)
{
    if (view->events.len >= POLL_BYTES)
        return WICK_BLOCKED;
    if (view->count++)
        growing_add(&view->events, ",", 1);
    for (size_t i = 0; i < count; i++)
        growing_add(&view->events, slices[i].data, slices[i].len);
    if (cursor->epoch)
        view->next = *cursor;
    note_over(view);
    return 0;
}

/* Whether the view shows a message, and whether it ends behind it. */
static int concerns(const struct view *view, const wick_event *event, int *last)
{
    if (event->type == WICK_TYPE_SESSION_RESET)
        return 1;
    if (!wick_text_is(&event->head.invocation_id, view->only, view->only_len))
        return 0;
    *last = event->type == WICK_TYPE_AGENT_COMPLETED || event->type == WICK_TYPE_AGENT_FAILED;
    return 1;
}

/* A message in the words of the mission profile; the mission's last one ends the view. */
static int put_mission(struct view *view, const wick_outgoing *message)
{
    size_t len;
    char *text = mission_words(message, &len);
    wick_slice slice = { (const uint8_t *)text, len };
    int result = text ? put_message(view, &slice, 1, &message->cursor) : -1;
    free(text);
    if (result == 0 && mission_is_over(view->mission, message->cursor.seq))
        note_over(view);
    return result;
}

/* The end of a run is not kept any more. The body must not end as if it had been told. */
static int put_lost(struct view *view)
{
    static const char lost[] = "{\"type\":\"error\",\"payload\":{\"code\":\"CURSOR_EXPIRED\",\"message\":"
                               "\"The run is over, and its last event is not kept any more.\",\"retryable\":false}}";
    wick_slice slice = { (const uint8_t *)lost, sizeof lost - 1 };
    wick_cursor nowhere = { 0, 0 };
    return put_message(view, &slice, 1, &nowhere);
}

/* A message that has to be looked at, because not every one concerns this view. */
static int put_if_mine(struct view *view, const wick_outgoing *message)
{
    wick_event_config config = { .size = sizeof config, .flags = WICK_JSON_UTF8_KNOWN | WICK_JSON_LONE_SURROGATES };
    char *text = join(message);
    wick_slice whole = { (const uint8_t *)text, message->len };
    wick_event event;
    int last = 0, result = 0;
    if (!text)
        return -1;
    wick_event_read(&config, text, message->len, &event, NULL);
    if (concerns(view, &event, &last))
        result = put_message(view, &whole, 1, &message->cursor);
    free(text);
    int lost = result == 0 && !last && view->until && message->cursor.seq >= view->until;
    if (lost)
        put_lost(view);
    if (lost || (last && result == 0))
        note_over(view);
    return result;
}

int view_deliver(struct peer *peer, const wick_outgoing *message)
{
    struct view *view = peer->user;
    if (!view)
        return -1;
    if (view->form == VIEW_POLL)
        return put_poll(view, message->slices, message->count, &message->cursor);
    if (!view->begun)
        return WICK_BLOCKED;
    if (view->over)
        return -1;
    if (view->mission)
        return put_mission(view, message);
    if (view->only_len)
        return put_if_mine(view, message);
    return put_message(view, message->slices, message->count, &message->cursor);
}

/* ---- Time -------------------------------------------------------------------------------------------------------- */

static uint64_t next_comment(const struct view *view)
{
    return server.comment_interval_ms ? view->said_ms + server.comment_interval_ms : WICK_NEVER;
}

static void on_view_due(struct loop *loop, struct source *source)
{
    struct view *view = (struct view *)(void *)source;
    static const char comment[] = ": keep-alive\n\n";
    int sse = view->form == VIEW_SSE;
    wick_slice slice = { (const uint8_t *)(sse ? comment : "\n"), sse ? sizeof comment - 1 : 1 };
    if (view->over || view->form == VIEW_POLL) {
        end_view(view);
        return;
    }
    if (loop->now_ms >= next_comment(view)) {
        http_stream_write(view->peer, &slice, 1); /* one that is refused is not missed: output is on its way */
        view->said_ms = loop->now_ms;
    }
    loop_arm(loop, source, next_comment(view));
}

/* ---- The beginning ----------------------------------------------------------------------------------------------- */

enum view_form view_form_of(const wick_http_request *head)
{
    if (api_accepts(head, "text/event-stream"))
        return VIEW_SSE;
    if (api_accepts(head, "application/x-ndjson"))
        return VIEW_NDJSON;
    if (api_accepts(head, "application/json") || wick_url_query_find(head->query, WICK_STR("wait_ms"), NULL))
        return VIEW_POLL;
    return VIEW_SSE;
}

static void begin_stream(struct view *view)
{
    wick_session_info info;
    wick_http_header fields[] = {
        { { "Cache-Control", 13 }, { "no-cache, no-transform", 22 } },
        { { "X-Accel-Buffering", 17 }, { "no", 2 } },
        { { "Content-Encoding", 16 }, { "identity", 8 } }, /* Caddy and nginx do not compress it then */
        { { "Session-Id", 10 }, { NULL, 0 } },
        { { "Resume-Token", 12 }, { NULL, 0 } },
    };
    static const char retry[] = "retry: " RETRY_MS "\n\n";
    wick_slice first = { (const uint8_t *)retry, sizeof retry - 1 };
    wick_http_answer answer = { .status = 200, .headers = fields, .header_count = 3 };
    if (view->only_len && wick_experience_info(server.experience, view->session, &info) == WICK_OK) {
        wick_text run = wick_text_of(view->only, view->only_len);
        if (!wick_experience_running(server.experience, view->session, &run))
            view->until = info.head_seq;
        fields[3].value = info.id; /* the client may not know them yet */
        fields[4].value = (wick_str){ info.resume_token, WICK_TOKEN_SIZE };
        answer.header_count = 5;
    }
    answer.content_type = view->form == VIEW_SSE ? WICK_STR("text/event-stream") : WICK_STR("application/x-ndjson");
    if (http_stream_begin(view->peer, &answer) < 0) {
        free_view(view);
        return;
    }
    view->begun = 1;
    view->said_ms = server.loop.now_ms;
    if (view->form == VIEW_SSE)
        http_stream_write(view->peer, &first, 1);
    loop_arm(&server.loop, &view->source, next_comment(view));
    view_room(view->peer); /* what was held back until here */
}

static void set_origin(struct view *view, const wick_http_request *head)
{
    wick_str origin;
    if (wick_http_find(head->headers, head->header_count, WICK_STR("origin"), &origin) && origin.len)
        view->origin = strndup(origin.data, origin.len);
}

static struct view *new_view(struct peer *peer, const wick_http_request *head, const struct view_config *config)
{
    struct view *view = calloc(1, sizeof *view);
    wick_session_info info;
    if (!view)
        return NULL;
    source_init(&view->source, &view_type);
    view->peer = peer;
    view->session = config->session;
    view->form = config->form;
    view->mission = config->mission;
    view->next = config->after;
    view->only_len = config->invocation_id.len <= sizeof view->only ? config->invocation_id.len : 0;
    if (view->only_len)
        memcpy(view->only, config->invocation_id.data, view->only_len);
    if (wick_experience_info(server.experience, config->session, &info) == WICK_OK && !view->next.epoch)
        view->next = (wick_cursor){ info.epoch, info.oldest_seq - 1 };
    set_origin(view, head);
    return view;
}

void view_begin(struct peer *peer, const wick_http_request *head, const struct view_config *config)
{
    wick_view_config what = { .size = sizeof what, .after = config->after, .coalesce_ms = WICK_DEFAULT_COALESCE_MS };
    struct view *view = new_view(peer, head, config);
    if (!view) {
        api_problem_text(peer, WICK_CODE_INTERNAL, "There is no memory for another reader.");
        return;
    }
    peer->user = view;
    if (wick_experience_view(server.experience, peer, config->session, &what, &view->link, server.loop.now_ms) !=
        WICK_OK) {
        view->link = 0;
        free_view(view);
        api_problem_text(peer, WICK_CODE_RATE_LIMITED, "There are too many readers.");
        return;
    }
    planes_arm();
    if (view->form != VIEW_POLL)
        begin_stream(view);
    else if (!view->over)
        loop_arm(&server.loop, &view->source, server.loop.now_ms + config->wait_ms);
}
