/*
 * The client against a server and a network that exist in here only: connections are cut at any moment, requests are
 * lost on the way there and on the way back, proxies strip, hold back or fall silent, the server forgets the session or
 * starts anew. In thousands of such worlds every event is shown once and in order, whatever carries it, every message
 * is taken once, and it comes to an end.
 */
#include "lib/test.h"
#include "wick/client.h"

#include <stdlib.h>

#define EVENTS_MAX 120
#define MESSAGES 4
#define HEALTHY_AFTER 60000  /* from then on the network is what it should be */
#define END_AFTER 400000     /* and by then it must be over */

/* What the network does to attempts. */
typedef enum weather {
    FINE,
    STRIPS,      /* a WebSocket is refused by what a proxy made of it */
    HOLDS,       /* that too, and no byte of a stream gets through */
    DOWN,        /* nobody takes a connection */
    BUSY,        /* 503 */
    MUTE,        /* connections stand, nothing comes */
    WEATHERS
} weather;

/* A connection, or a request. */
typedef struct line {
    enum { GONE, KNOCKING, OPEN } state;
    wick_transport transport;
    weather when_begun;
    int is_post, is_open, is_poll;
    uint64_t answer_ms;         /* when the attempt is answered, or the poll at the latest */
    uint64_t epoch, sent;       /* server side: what the other end has been given */
    int told_reset;             /* server side: a session.reset comes first */
    int session_is_open;        /* server side, WebSocket: session.open was fine */
    int dead;                   /* its server has gone */
    char token[16];
    unsigned outgoing[MESSAGES + 2], outgoing_count; /* on the way to the server: messages, MESSAGES for session.open */
} line;

typedef struct world {
    wick_client client;
    wick_client_config config;
    uint64_t memory[256];
    uint64_t now;
    weather weather;
    unsigned kill_per_mille;
    line listening, probe, post;

    /* the server */
    int has_session;
    uint64_t epoch;
    unsigned head, oldest, window, total, tokens_made;
    char token[16], older_token[16];
    unsigned taken[MESSAGES];

    /* what is shown */
    uint64_t shown_epoch, shown_seq;
    unsigned shown;              /* events that the shown text stands for */
    unsigned delivered[WICK_TRANSPORT_COUNT], resets, restarts;
    int stopped;
} world;

static world w;

static uint64_t roll_dice(void *user)
{
    (void)user;
    return test_random();
}

static char letter(uint64_t seq)
{
    return (char)('a' + seq * 7 % 26);
}

static wick_client_take hear(const char *message)
{
    wick_event event;
    char *copy = (char *)test_guard_back(message, strlen(message));
    wick_client_take take;
    CHECK(wick_event_read(NULL, copy, strlen(message), &event, NULL) >= 0);
    take = wick_client_received(&w.client, &event, w.now);
    test_unguard((uint8_t *)copy, strlen(message));
    return take;
}

/* ---- The server ------------------------------------------------------------------------------------------ */

static void make_token(void)
{
    memcpy(w.older_token, w.token, sizeof w.token);
    snprintf(w.token, sizeof w.token, "t%u", ++w.tokens_made);
}

/* The server loses what it knows, and does again what it was asked: the stream is another one. */
static void start_anew(void)
{
    w.has_session = 0;
    w.epoch++;
    w.head = 0;
    w.oldest = 1;
    w.restarts++;
    w.listening.dead = w.probe.dead = w.post.dead = 1;
}

static void make_events(void)
{
    unsigned count = w.taken[0] ? (unsigned)test_below(4) : 0;
    while (count-- && w.head < w.total)
        w.head++;
    if (w.head >= w.oldest + w.window)
        w.oldest = w.head - w.window + 1;
}

static int may_enter(const line *l)
{
    return w.has_session && (strcmp(l->token, w.token) == 0 || strcmp(l->token, w.older_token) == 0);
}

/* Where a reader begins. */
static void seek(line *l, uint64_t epoch, uint64_t seq)
{
    l->told_reset = epoch != w.epoch || seq > w.head || seq + 1 < w.oldest;
    l->epoch = w.epoch;
    l->sent = l->told_reset ? w.head : seq;
}

static void write_reset(char *out, size_t cap)
{
    snprintf(out, cap, "{\"type\":\"session.reset\",\"payload\":{\"reason\":\"window_expired\",\"epoch\":%u,\"head_seq\":%u,"
             "\"snapshot\":{\"invocations\":[]}}}", (unsigned)w.epoch, w.head);
}

/* The next events for a reader, merged as it pleases. Returns 0 if there are none. */
static int write_events(line *l, char *out, size_t cap)
{
    char text[8];
    unsigned count = 1 + (unsigned)test_below(5), n = 0;
    uint64_t first = l->sent + 1;
    if (l->sent + 1 < w.oldest)
        l->told_reset = 1; /* too slow */
    if (l->told_reset) {
        write_reset(out, cap);
        l->told_reset = 0;
        l->sent = w.head;
        return 1;
    }
    while (n < count && l->sent < w.head)
        text[n++] = letter(++l->sent);
    text[n] = 0;
    if (n)
        snprintf(out, cap, "{\"seq\":%u,\"first_seq\":%u,\"type\":\"agent.token\",\"payload\":{\"message_id\":\"m\","
                 "\"text\":\"%s\"}}", (unsigned)l->sent, (unsigned)first, text);
    return n > 0;
}

/* session.open with the cursor that the client had; the answer. */
static void open_session(line *l, int resumes, uint64_t epoch, uint64_t seq, char *out, size_t cap)
{
    int known = w.has_session;
    if (!known)
        w.older_token[0] = 0;
    w.has_session = 1;
    make_token();
    seek(l, epoch, seq);
    if (!known)
        l->told_reset = resumes;
    l->session_is_open = 1;
    snprintf(out, cap, "{\"type\":\"session.opened\",\"payload\":{\"version\":\"1.0\",\"session_id\":\"s\",\"epoch\":%u,"
             "\"head_seq\":%u,\"resume_token\":\"%s\",\"recovered\":%s,\"heartbeat\":{\"interval_ms\":1,\"timeout_ms\":1},"
             "\"limits\":{\"max_message_bytes\":1,\"resume_window_ms\":1,\"max_invocations\":1}}}",
             (unsigned)w.epoch, w.head, w.token, known && !l->told_reset ? "true" : "false");
}

static void take_message(unsigned number, char *out, size_t cap)
{
    int duplicate = w.taken[number] != 0;
    if (!duplicate)
        w.taken[number]++;
    snprintf(out, cap, "{\"type\":\"accepted\",\"re\":\"%u\",\"payload\":{\"duplicate\":%s}}", number,
             duplicate ? "true" : "false");
}

/* ---- What is shown --------------------------------------------------------------------------------------- */

/* A message reaches the client: what it lets through is shown. */
static void show(const char *message, wick_transport transport)
{
    wick_event event;
    wick_event_read(NULL, message, strlen(message), &event, NULL);
    if (hear(message) != WICK_CLIENT_DELIVER)
        return;
    if (event.type == WICK_TYPE_SESSION_RESET) {
        w.shown_epoch = (uint64_t)event.as.session_reset.epoch;
        w.shown_seq = (uint64_t)event.as.session_reset.head_seq;
        w.resets++;
    }
    if (event.type != WICK_TYPE_AGENT_TOKEN)
        return;
    if (w.shown_epoch == 0)
        w.shown_epoch = w.epoch;
    CHECK_INT(event.head.first_seq, w.shown_seq + 1); /* nothing lost, nothing twice */
    for (size_t i = 0; i < event.as.agent_token.text.len; i++)
        CHECK_INT(event.as.agent_token.text.data[i], letter(++w.shown_seq));
    CHECK_INT(event.head.seq, w.shown_seq);
    w.delivered[transport]++;
}

/* ---- The host -------------------------------------------------------------------------------------------- */

static void knock(line *l, const wick_client_action *action)
{
    memset(l, 0, sizeof *l);
    l->state = KNOCKING;
    l->transport = action->transport;
    l->when_begun = w.weather;
    l->answer_ms = w.now + 1 + test_below(300);
    l->epoch = action->epoch;
    l->sent = action->last_seq;
    snprintf(l->token, sizeof l->token, "%.*s", (int)action->resume_token.len,
             action->resume_token.len ? action->resume_token.data : "");
}

static void begin_post(const wick_client_action *action)
{
    knock(&w.post, action);
    w.post.is_post = 1;
    w.post.is_open = action->kind == WICK_CLIENT_OPEN;
    if (!w.post.is_open)
        w.post.outgoing[w.post.outgoing_count++] = (unsigned)(action->data[0] - '0');
}

/* The cursor in the session.open that the client writes. Returns whether there is one. */
static int read_open(uint64_t *epoch, uint64_t *seq)
{
    char out[600];
    size_t len;
    wick_event event;
    CHECK_STATUS(wick_client_write_open(&w.client, NULL, out, sizeof out, &len), WICK_OK);
    CHECK_STATUS(wick_event_read(NULL, out, len, &event, NULL), WICK_OK);
    *epoch = (uint64_t)event.as.session_open.epoch;
    *seq = (uint64_t)event.as.session_open.last_seq;
    return WICK_HAS(&event.as.session_open, session_open, epoch);
}

static void act(const wick_client_action *action)
{
    int on_websocket = action->transport == WICK_TRANSPORT_WEBSOCKET;
    switch (action->kind) {
    case WICK_CLIENT_CONNECT:
        knock(action->probe ? &w.probe : &w.listening, action);
        break;
    case WICK_CLIENT_POLL:
        CHECK(action->wait_ms == 25000 && w.listening.state == GONE);
        knock(&w.listening, action);
        w.listening.is_poll = 1;
        break;
    case WICK_CLIENT_OPEN:
        if (on_websocket)
            w.listening.outgoing[w.listening.outgoing_count++] = MESSAGES;
        else
            begin_post(action);
        break;
    case WICK_CLIENT_SEND:
        if (!on_websocket)
            begin_post(action);
        else if (action->data[0] >= '0' && action->data[0] <= '9')
            w.listening.outgoing[w.listening.outgoing_count++] = (unsigned)(action->data[0] - '0');
        break;
    case WICK_CLIENT_CLOSE:
        if (on_websocket && w.probe.state != GONE) {
            w.probe.state = GONE;
            break;
        }
        if (w.listening.transport == action->transport)
            w.listening.state = GONE;
        w.post.state = GONE;
        if (action->code)
            wick_client_closed(&w.client, action->transport, action->code, w.now);
        break;
    default:
        w.stopped = 1;
    }
}

static void pump(void)
{
    wick_client_action action;
    unsigned count = 0;
    while (!w.stopped && wick_client_next(&w.client, w.now, &action) != WICK_CLIENT_WAIT && count++ < 1000) {
        if (action.kind == WICK_CLIENT_CLOSE && action.code) { /* the close frame is answered at once */
            wick_client_did(&w.client, &action, w.now);
            act(&action);
            continue;
        }
        act(&action);
        wick_client_did(&w.client, &action, w.now);
    }
    CHECK(count < 1000);
}

/* ---- The network ----------------------------------------------------------------------------------------- */

static void lose(line *l)
{
    wick_client_refusal nothing = {0, WICK_CODE_NONE, 0};
    int knocking = l->state == KNOCKING && !l->is_poll;
    l->state = GONE;
    if (l->is_post && !l->is_open)
        wick_client_posted(&w.client, &nothing, w.now);
    else if (knocking)
        wick_client_refused(&w.client, l->transport, &nothing, w.now);
    else
        wick_client_closed(&w.client, l->transport, 0, w.now);
}

static void refuse(line *l, unsigned status, wick_code code)
{
    wick_client_refusal refusal = {status, code, status == 503 ? 700 : 0};
    int polling = l->is_poll;
    l->state = GONE;
    if (l->is_post && !l->is_open)
        wick_client_posted(&w.client, &refusal, w.now);
    else if (polling)
        wick_client_closed(&w.client, l->transport, 0, w.now);
    else
        wick_client_refused(&w.client, l->transport, &refusal, w.now);
}

/* The answer to a POST: it may be lost when the server has acted on it. */
static void answer_post(line *l)
{
    char out[500];
    uint64_t epoch, seq;
    line reader;
    int resumes;
    memset(&reader, 0, sizeof reader);
    if (!l->is_open && !may_enter(l)) {
        refuse(l, 403, WICK_CODE_SESSION_FORBIDDEN);
        return;
    }
    resumes = read_open(&epoch, &seq);
    if (l->is_open)
        open_session(&reader, resumes, epoch, seq, out, sizeof out);
    else
        take_message(l->outgoing[0], out, sizeof out);
    if (test_below(1000) < w.kill_per_mille * 5) {
        lose(l);
        return;
    }
    l->state = GONE;
    show(out, l->transport);
    if (!l->is_open)
        wick_client_posted(&w.client, NULL, w.now);
}

static void answer_poll(line *l)
{
    char out[500];
    int connecting = !l->is_poll;
    if (!may_enter(l)) {
        refuse(l, 403, WICK_CODE_SESSION_FORBIDDEN);
        return;
    }
    seek(l, l->epoch, l->sent);
    if (l->is_poll && !l->told_reset && l->sent == w.head && w.now < l->answer_ms + 25000)
        return; /* it waits */
    l->state = GONE;
    if (connecting)
        wick_client_connected(&w.client, WICK_TRANSPORT_POLL, w.now);
    for (unsigned n = 0; n < 3 && write_events(l, out, sizeof out); n++)
        show(out, WICK_TRANSPORT_POLL);
    wick_client_polled(&w.client, w.now);
}

static void answer_stream(line *l)
{
    if (l->when_begun == HOLDS)
        return; /* the head at most */
    if (!may_enter(l)) {
        refuse(l, 403, WICK_CODE_SESSION_FORBIDDEN);
        return;
    }
    seek(l, l->epoch, l->sent);
    l->state = OPEN;
    wick_client_connected(&w.client, WICK_TRANSPORT_SSE, w.now);
}

static void answer_websocket(line *l, int is_probe)
{
    if (l->when_begun == STRIPS || l->when_begun == HOLDS) {
        refuse(l, 400, WICK_CODE_UPGRADE_STRIPPED_BY_PROXY);
        return;
    }
    l->state = OPEN;
    if (is_probe) {
        wick_client_connected(&w.client, WICK_TRANSPORT_WEBSOCKET, w.now);
        pump(); /* drops what worked so far; session.open goes out on the new one */
        w.listening = *l;
        w.listening.outgoing_count = 0;
        w.listening.outgoing[w.listening.outgoing_count++] = MESSAGES;
        l->state = GONE;
        return;
    }
    wick_client_connected(&w.client, WICK_TRANSPORT_WEBSOCKET, w.now);
}

static void answer(line *l, int is_probe)
{
    if (l->state != KNOCKING || w.now < l->answer_ms || l->when_begun == MUTE)
        return;
    if (l->when_begun == DOWN)
        lose(l);
    else if (l->dead)
        lose(l);
    else if (l->when_begun == BUSY)
        refuse(l, 503, WICK_CODE_DRAINING);
    else if (l->is_post)
        answer_post(l);
    else if (l->transport == WICK_TRANSPORT_POLL)
        answer_poll(l);
    else if (l->transport == WICK_TRANSPORT_SSE)
        answer_stream(l);
    else
        answer_websocket(l, is_probe);
}

/* What the client has sent over a WebSocket reaches the server. */
static void carry_up(line *l)
{
    char out[500];
    uint64_t epoch, seq;
    unsigned number = l->outgoing[0];
    memmove(l->outgoing, l->outgoing + 1, --l->outgoing_count * sizeof *l->outgoing);
    if (number == MESSAGES) {
        int resumes = read_open(&epoch, &seq);
        open_session(l, resumes, epoch, seq, out, sizeof out);
    } else if (l->session_is_open) {
        take_message(number, out, sizeof out);
    } else {
        return;
    }
    show(out, l->transport);
}

static void carry(line *l)
{
    char out[500];
    if (l->state != OPEN)
        return;
    if (test_below(1000) < w.kill_per_mille || l->dead) {
        lose(l);
        return;
    }
    if (l->outgoing_count && test_below(2))
        carry_up(l);
    if (l->transport == WICK_TRANSPORT_WEBSOCKET && !l->session_is_open)
        return;
    for (unsigned n = 0; n < 3 && l->state == OPEN && test_below(2) && write_events(l, out, sizeof out); n++)
        show(out, l->transport);
    if (l->transport == WICK_TRANSPORT_SSE && test_below(50) == 0)
        wick_client_heard(&w.client, w.now);
}

/* ---- Worlds ---------------------------------------------------------------------------------------------- */

static void begin_world(void)
{
    memset(&w, 0, sizeof w);
    w.config.size = sizeof w.config;
    w.config.on_random = roll_dice;
    w.config.outbox_bytes = 256;
    w.config.probe_ms = 1000 + (uint32_t)test_below(20000);
    w.config.backoff_max_ms = 4000;
    w.config.stream_ms = test_below(2) ? 0 : 1000;
    w.epoch = 1 + test_below(1000);
    w.oldest = 1;
    w.total = 1 + (unsigned)test_below(EVENTS_MAX);
    w.window = test_below(3) ? EVENTS_MAX : 1 + (unsigned)test_below(20);
    w.kill_per_mille = (unsigned)test_below(100);
    CHECK_STATUS(wick_client_init(&w.client, &w.config, w.memory, sizeof w.memory, NULL), WICK_OK);
    wick_client_start(&w.client, 0);
}

static void submit_one(unsigned *submitted)
{
    char id[2] = {(char)('0' + *submitted), 0};
    if (*submitted == MESSAGES || (*submitted && test_below(40)))
        return;
    CHECK_STATUS(wick_client_submit(&w.client, id, 1, id, 1), WICK_OK);
    ++*submitted;
}

static void change_weather(void)
{
    if (w.now >= HEALTHY_AFTER) {
        w.weather = FINE;
        w.kill_per_mille = 0;
    } else if (test_below(30) == 0) {
        w.weather = (weather)test_below(WEATHERS);
    }
    if (w.now < HEALTHY_AFTER && w.restarts < 2 && test_below(2000) == 0)
        start_anew();
}

static int is_over(unsigned submitted)
{
    return submitted == MESSAGES && wick_client_pending(&w.client) == 0 && w.head == w.total && w.shown_seq == w.total &&
           w.shown_epoch == w.epoch;
}

static void live(void)
{
    unsigned submitted = 0;
    begin_world();
    while (!is_over(submitted) && !w.stopped && w.now < END_AFTER && !test_failed()) {
        w.now += 1 + test_below(150);
        change_weather();
        submit_one(&submitted);
        make_events();
        pump();
        answer(&w.probe, 1);
        answer(&w.post, 0);
        answer(&w.listening, 0);
        pump();
        carry(&w.listening);
        pump();
    }
    CHECK(!w.stopped);
    CHECK(is_over(submitted));
    for (unsigned i = 0; i < MESSAGES; i++)
        CHECK_INT(w.taken[i], 1);
}

static void nothing_is_lost_and_nothing_comes_twice(void)
{
    unsigned delivered[WICK_TRANSPORT_COUNT] = {0}, resets = 0, restarts = 0, worlds = (unsigned)test_rounds(4000);
    for (unsigned i = 0; i < worlds && !test_failed(); i++) {
        live();
        for (unsigned t = 0; t < WICK_TRANSPORT_COUNT; t++)
            delivered[t] += w.delivered[t];
        resets += w.resets;
        restarts += w.restarts;
    }
    if (test_failed())
        printf("# at %llu: client %d by %d, shown %llu of epoch %llu, server %u of %u in epoch %llu, pending %u\n",
               (unsigned long long)w.now, w.client.state, w.client.transport, (unsigned long long)w.shown_seq,
               (unsigned long long)w.shown_epoch, w.head, w.total, (unsigned long long)w.epoch,
               (unsigned)wick_client_pending(&w.client));
    /* They were what they claim to be. */
    for (unsigned t = 0; t < WICK_TRANSPORT_COUNT; t++)
        CHECK(delivered[t] > worlds / 2);
    CHECK(resets > worlds / 10 && restarts > worlds / 50);
    printf("# %u, %u and %u messages by each transport, %u resets, %u restarts\n", delivered[0], delivered[1], delivered[2],
           resets, restarts);
}

int main(void)
{
    RUN(nothing_is_lost_and_nothing_comes_twice);
    return test_end();
}
