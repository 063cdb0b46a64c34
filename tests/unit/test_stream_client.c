/*
 * The stream log and the client against each other over a channel that loses: connections are cut at random, with what
 * was on its way; windows are too short; readers are slow; WebSocket does not always get through. In the end the client
 * has the text of the run byte for byte, and the run was started once.
 */
#include "lib/test.h"
#include "wick/client.h"
#include "wick/stream.h"

#include <stdlib.h>

#define TOKENS 4000
#define IN_FLIGHT 4096

typedef struct parcel {
    char *data;
    size_t len;
    uint64_t due;
    unsigned line; /* the connection that it is on */
} parcel;

typedef struct direction {
    parcel parcels[IN_FLIGHT];
    size_t head, tail, bytes;
} direction;

typedef struct simulation {
    uint64_t now;
    /* the server */
    wick_pool pool;
    wick_stream stream;
    wick_reader reader;
    int reading, running, ended, started, seen;
    unsigned tokens, server_line;
    char said[TOKENS * 40];
    size_t said_len;
    /* the line */
    unsigned line, cuts, line_transport;
    direction down, up;
    uint64_t delay, bytes_per_ms;
    int block_websocket;
    size_t refusals; /* of a hundred attempts */
    /* the client */
    wick_client client;
    uint64_t outbox[512];
    char shown[TOKENS * 40];
    size_t shown_len;
    uint64_t last;
    unsigned terminals, resets, slow, used[3], gaps, merged, messages;
} simulation;

static simulation *s;
static char buffer[1 << 20];

static uint64_t roll(void *user)
{
    (void)user;
    return test_random();
}

/* ---- The line -------------------------------------------------------------------------------------------- */

static void send_parcel(direction *way, const void *data, size_t len, unsigned line)
{
    parcel *p = &way->parcels[way->tail++ % IN_FLIGHT];
    if (way->tail - way->head > IN_FLIGHT)
        abort();
    p->data = malloc(len + 1);
    if (!p->data)
        abort();
    memcpy(p->data, data, len);
    p->data[len] = 0;
    p->len = len;
    p->line = line;
    p->due = s->now + s->delay + test_below(5) + (s->bytes_per_ms ? way->bytes / s->bytes_per_ms : 0);
    way->bytes += len;
}

/* The next parcel that has arrived, or NULL; to be freed. */
static parcel *arrived(direction *way)
{
    parcel *p = &way->parcels[way->head % IN_FLIGHT];
    if (way->head == way->tail || (p->due > s->now && p->line == s->line))
        return NULL;
    way->head++;
    way->bytes -= p->len;
    return p;
}

/* What is on its way on the present line is lost, and the line with it. */
static void cut_line(void)
{
    s->line++;
}

/* ---- The server ------------------------------------------------------------------------------------------ */

static void tell(wick_event *event)
{
    size_t len;
    CHECK_STATUS(wick_event_write(event, 0, buffer, sizeof buffer, &len, NULL), WICK_OK);
    send_parcel(&s->down, buffer, len, s->server_line);
}

static void tell_reset(wick_reset reset)
{
    static char shot[1 << 19];
    wick_event event;
    size_t len;
    memset(&event, 0, sizeof event);
    event.type = WICK_TYPE_SESSION_RESET;
    event.as.session_reset.reason = wick_text_of(wick_reset_name(reset), strlen(wick_reset_name(reset)));
    event.as.session_reset.epoch = (int64_t)wick_stream_epoch(&s->stream);
    event.as.session_reset.head_seq = (int64_t)wick_stream_head(&s->stream);
    CHECK_STATUS(wick_stream_snapshot(&s->stream, shot, sizeof shot, &len), WICK_OK);
    event.as.session_reset.snapshot = wick_text_of(shot, len);
    event.as.session_reset.snapshot.form = WICK_TEXT_JSON;
    tell(&event);
}

static void attach(uint64_t after)
{
    if (s->reading)
        wick_reader_leave(&s->reader, &s->stream, s->now);
    CHECK_STATUS(wick_reader_init(&s->reader, &s->stream, after), WICK_OK);
    s->reading = 1;
}

static wick_reset attach_at(uint64_t epoch, uint64_t last_seq, wick_resume *resume)
{
    wick_cursor cursor = {epoch, last_seq};
    wick_reset reset = wick_stream_resume(&s->stream, &cursor, resume);
    attach(resume->after);
    return reset;
}

static void serve_open(const wick_session_open *open)
{
    wick_resume resume = {WICK_RESET_NONE, 0, 0, 0};
    wick_reset reset = WICK_RESET_NONE;
    wick_event event;
    s->server_line = s->line;
    if (open->session_id.data)
        reset = attach_at((uint64_t)open->epoch, (uint64_t)open->last_seq, &resume);
    else
        attach(wick_stream_head(&s->stream));
    memset(&event, 0, sizeof event);
    event.type = WICK_TYPE_SESSION_OPENED;
    event.as.session_opened.version = WICK_TEXT("1.0");
    event.as.session_opened.session_id = WICK_TEXT("s1");
    event.as.session_opened.resume_token = WICK_TEXT("token");
    event.as.session_opened.epoch = (int64_t)wick_stream_epoch(&s->stream);
    event.as.session_opened.head_seq = (int64_t)wick_stream_head(&s->stream);
    event.as.session_opened.recovered = open->session_id.data && reset == WICK_RESET_NONE;
    tell(&event);
    if (reset != WICK_RESET_NONE)
        tell_reset(reset);
}

static void serve(const parcel *p)
{
    wick_event event, answer;
    CHECK_STATUS(wick_event_read(NULL, p->data, p->len, &event, NULL), WICK_OK);
    if (event.type == WICK_TYPE_SESSION_OPEN) {
        serve_open(&event.as.session_open);
    } else if (event.type == WICK_TYPE_AGENT_MESSAGE) {
        s->seen++;
        if (!s->running)
            s->started++;
        memset(&answer, 0, sizeof answer);
        answer.type = WICK_TYPE_ACCEPTED;
        answer.head.re = event.head.id;
        answer.as.accepted.duplicate = s->running != 0;
        s->running = 1;
        tell(&answer);
    } else if (event.type == WICK_TYPE_ACK && s->reading && p->line == s->server_line) {
        CHECK_STATUS(wick_reader_ack(&s->reader, (uint64_t)event.as.ack.seq), WICK_OK);
    }
}

static void emit(wick_type type, const char *piece)
{
    static const wick_usage nothing;
    wick_event event;
    memset(&event, 0, sizeof event);
    event.type = type;
    event.head.invocation_id = WICK_TEXT("r1");
    event.head.ts = (int64_t)s->now;
    if (type == WICK_TYPE_AGENT_TOKEN) {
        event.as.agent_token.message_id = WICK_TEXT("m1");
        event.as.agent_token.text = wick_text_of(piece, strlen(piece));
    } else if (type == WICK_TYPE_AGENT_USAGE) {
        event.as.usage = nothing;
        event.as.usage.output_tokens = s->tokens;
    }
    CHECK_STATUS(wick_stream_append(&s->stream, &event, 0, s->now, NULL), WICK_OK);
}

/* The agent: bursts of tokens, now and then something else. */
static void run_agent(void)
{
    char piece[40];
    if (!s->running || s->ended || test_below(3) == 0)
        return;
    if (s->tokens == 0)
        emit(WICK_TYPE_AGENT_STARTED, NULL);
    for (size_t n = test_below(4); n > 0 && s->tokens < TOKENS; n--) {
        snprintf(piece, sizeof piece, "%u\"\xC3\xA9\n ", s->tokens++);
        memcpy(s->said + s->said_len, piece, strlen(piece) + 1);
        s->said_len += strlen(piece);
        emit(WICK_TYPE_AGENT_TOKEN, piece);
        if (test_below(50) == 0)
            emit(WICK_TYPE_AGENT_USAGE, NULL);
    }
    if (s->tokens == TOKENS) {
        emit(WICK_TYPE_AGENT_COMPLETED, NULL);
        s->ended = 1;
    }
}

static void run_server(void)
{
    parcel *p;
    wick_delivery d;
    wick_status status = WICK_MORE;
    size_t len;
    while ((p = arrived(&s->up)) != NULL) {
        if (p->line == s->line)
            serve(p);
        free(p->data);
    }
    /* A slow line is not given more than it can take: the log is the queue. */
    while (s->reading && s->down.tail - s->down.head < IN_FLIGHT / 2 && !(s->bytes_per_ms && s->down.bytes > 2000)
           && (status = wick_reader_next(&s->reader, &s->stream, s->down.bytes, s->now, &d)) == WICK_OK) {
        CHECK_STATUS(wick_delivery_copy(&d, &s->stream, buffer, sizeof buffer, &len), WICK_OK);
        send_parcel(&s->down, buffer, len, s->server_line);
        wick_reader_sent(&s->reader, &d);
        s->messages++;
        s->merged += d.events > 1;
    }
    if (s->reading && status == WICK_E_STREAM_LOST) {
        s->slow++;
        tell_reset(WICK_RESET_SLOW_CONSUMER);
        attach(wick_stream_head(&s->stream));
    }
}

/* ---- The client ------------------------------------------------------------------------------------------ */

static void show_text(const wick_text *piece)
{
    wick_str plain;
    CHECK_STATUS(wick_text_plain(piece, s->shown + s->shown_len, sizeof s->shown - s->shown_len, &plain), WICK_OK);
    memmove(s->shown + s->shown_len, plain.data, plain.len);
    s->shown_len += plain.len;
}

/* Show what the snapshot has instead of what was shown. */
static void show_snapshot(const wick_event *event)
{
    wick_json_reader json;
    wick_json_token token;
    wick_text value;
    const wick_text *shot = &event->as.session_reset.snapshot;
    s->resets++;
    s->shown_len = 0;
    s->terminals = 0;
    s->last = (uint64_t)event->as.session_reset.head_seq;
    CHECK_STATUS(wick_json_reader_init(&json, NULL, shot->data, shot->len), WICK_OK);
    while (wick_json_next(&json, &token) == WICK_OK && token.type != WICK_JSON_END) {
        if (token.type != WICK_JSON_KEY)
            continue;
        if (wick_text_is(&token.text, "text", 4)) {
            CHECK_STATUS(wick_json_value(&json, &value), WICK_OK);
            show_text(&value);
        } else if (wick_text_is(&token.text, "status", 6)) {
            CHECK_STATUS(wick_json_value(&json, &value), WICK_OK);
            s->terminals += (unsigned)wick_text_is(&value, "completed", 9);
        }
    }
}

static void show(const wick_event *event)
{
    uint64_t seq = (uint64_t)event->head.seq, first = event->head.first_seq ? (uint64_t)event->head.first_seq : seq;
    if (event->type == WICK_TYPE_SESSION_RESET)
        show_snapshot(event);
    if (!seq)
        return;
    CHECK_INT(first, s->last + 1); /* each number once, in order */
    s->last = seq;
    if (event->type == WICK_TYPE_AGENT_TOKEN)
        show_text(&event->as.agent_token.text);
    s->terminals += event->type == WICK_TYPE_AGENT_COMPLETED;
}

static void connect_line(const wick_client_action *action)
{
    wick_client_refusal stripped = {400, WICK_CODE_UPGRADE_STRIPPED_BY_PROXY, 0};
    wick_resume resume;
    wick_reset reset;
    if (action->transport == WICK_TRANSPORT_WEBSOCKET && s->block_websocket) {
        wick_client_refused(&s->client, action->transport, &stripped, s->now);
        return;
    }
    if (action->resume && test_below(100) < s->refusals) {
        wick_client_refused(&s->client, action->transport, NULL, s->now);
        return;
    }
    s->used[action->transport]++;
    cut_line();
    s->line_transport = action->transport;
    wick_client_connected(&s->client, action->transport, s->now);
    if (action->transport == WICK_TRANSPORT_WEBSOCKET)
        return;
    s->server_line = s->line;
    reset = attach_at(action->epoch, action->last_seq, &resume);
    if (reset != WICK_RESET_NONE)
        tell_reset(reset);
}

static void act(const wick_client_action *action)
{
    size_t len;
    switch (action->kind) {
    case WICK_CLIENT_OPEN:
        CHECK_STATUS(wick_client_write_open(&s->client, NULL, buffer, sizeof buffer, &len), WICK_OK);
        send_parcel(&s->up, buffer, len, s->line);
        break;
    case WICK_CLIENT_SEND:
        send_parcel(&s->up, action->data, action->len, s->line);
        break;
    case WICK_CLIENT_STOP:
        test_fail(__FILE__, __LINE__, "stopped: %d", (int)action->verdict);
        break;
    default:
        break;
    }
}

static void run_client(void)
{
    wick_client_action action;
    wick_event event;
    wick_client_take take;
    parcel *p;
    while ((p = arrived(&s->down)) != NULL) {
        if (p->line == s->line) {
            CHECK_STATUS(wick_event_read(NULL, p->data, p->len, &event, NULL), WICK_OK);
            take = wick_client_received(&s->client, &event, s->now);
            if (take == WICK_CLIENT_DELIVER)
                show(&event);
            s->gaps += take == WICK_CLIENT_GAP;
        }
        free(p->data);
    }
    for (int i = 0; i < 100 && wick_client_next(&s->client, s->now, &action) != WICK_CLIENT_WAIT; i++) {
        act(&action);
        wick_client_did(&s->client, &action, s->now);
        if (action.kind == WICK_CLIENT_CONNECT)
            connect_line(&action);
        if (action.kind == WICK_CLIENT_CLOSE && action.code) {
            cut_line();
            wick_client_closed(&s->client, action.transport, action.code, s->now);
        }
    }
}

/* ---- Runs ------------------------------------------------------------------------------------------------ */

typedef struct plan_of {
    uint32_t window;       /* events that are kept, 0 for the default */
    uint32_t blocks;       /* in the pool */
    unsigned cuts;         /* at least so many */
    uint64_t bytes_per_ms; /* of the line, 0 for no limit */
    int hop;               /* WebSocket gets through only now and then */
} plan_of;

static void simulate(const plan_of *plan)
{
    static simulation state;
    static uint64_t memory[(5u << 20) / 8];
    wick_pool_config pool_config = {sizeof pool_config, plan->blocks, 512, 65536};
    wick_stream_config config = {sizeof config, plan->window, 2u << 20, 0, 0, 0};
    wick_client_config client = {
        .size = sizeof client,
        .on_random = roll,
        .outbox_bytes = sizeof state.outbox,
        .backoff_ms = 50,
        .backoff_max_ms = 400,
        .connect_ms = 1000,
        .probe_ms = 2000,
    };
    static const char message[] = "{\"type\":\"agent.message\",\"id\":\"q1\",\"payload\":{\"text\":\"go\"}}";
    s = &state;
    memset(s, 0, sizeof *s);
    s->delay = 5;
    s->bytes_per_ms = plan->bytes_per_ms;
    s->refusals = plan->hop ? 45 : 10;
    CHECK_STATUS(wick_pool_init(&s->pool, &pool_config, memory, sizeof memory), WICK_OK);
    CHECK_STATUS(wick_stream_init(&s->stream, &s->pool, &config, 1 + test_below(1000000), 0), WICK_OK);
    CHECK_STATUS(wick_client_init(&s->client, &client, s->outbox, sizeof s->outbox, NULL), WICK_OK);
    CHECK_STATUS(wick_client_submit(&s->client, "q1", 2, message, sizeof message - 1), WICK_OK);
    wick_client_start(&s->client, 0);
    for (; s->now < 3000000 && !test_failed(); s->now++) {
        run_agent();
        run_server();
        run_client();
        if (s->ended && s->cuts >= plan->cuts && s->last == wick_stream_head(&s->stream)
            && wick_client_pending(&s->client) == 0)
            break; /* a snapshot may end the run before the answer to a message that was sent again has come */
        if (plan->hop && test_below(500) == 0)
            s->block_websocket = !s->block_websocket;
        /* Cuts are spread over the run, and go on until there were enough. */
        if (s->running && test_below(40) == 0 && s->cuts < plan->cuts && (s->tokens >= s->cuts * (TOKENS / (plan->cuts + 1)))) {
            cut_line();
            s->cuts++;
            wick_client_closed(&s->client, (wick_transport)s->line_transport, 0, s->now);
        }
    }
    CHECK_INT(s->cuts, plan->cuts);
    CHECK_INT(s->tokens, TOKENS);
    CHECK_INT(s->shown_len, s->said_len);
    CHECK_MEM(s->shown, s->said, s->said_len);
    CHECK_INT(s->terminals, 1);
    CHECK_INT(s->started, 1);
    CHECK_INT(wick_client_pending(&s->client), 0);
    CHECK_INT(s->gaps, 0);
    CHECK(s->merged > 10 && s->messages < TOKENS);
    s->line++; /* what is left is dropped */
    for (parcel *p = arrived(&s->up); p; p = arrived(&s->up))
        free(p->data);
    for (parcel *p = arrived(&s->down); p; p = arrived(&s->down))
        free(p->data);
}

static void a_hundred_cuts_lose_no_token(void)
{
    static const plan_of plan = {6000, 8000, 100, 0, 0};
    for (size_t i = 0; i < test_rounds(10) && !test_failed(); i++)
        simulate(&plan);
    CHECK_INT(s->resets, 0);
}

static void hopping_between_transports_loses_no_token(void)
{
    static const plan_of plan = {6000, 8000, 100, 0, 1};
    unsigned used[3] = {0, 0, 0};
    for (size_t i = 0; i < 20 && !test_failed(); i++) {
        simulate(&plan);
        CHECK_INT(s->resets, 0);
        for (int k = 0; k < 3; k++)
            used[k] += s->used[k];
    }
    CHECK(used[0] > 0 && used[1] > 0 && used[2] > 0);
}

static void short_windows_end_in_whole_texts(void)
{
    static const plan_of plan = {40, 4000, 100, 0, 0};
    for (size_t i = 0; i < test_rounds(10) && !test_failed(); i++) {
        simulate(&plan);
        CHECK(s->resets > 0);
    }
}

static void small_pools_end_in_whole_texts(void)
{
    static const plan_of plan = {0, 130, 50, 0, 0};
    for (size_t i = 0; i < test_rounds(10) && !test_failed(); i++)
        simulate(&plan);
    CHECK(s->pool.evicted > 1000);
}

static void slow_readers_end_in_whole_texts(void)
{
    static const plan_of plan = {40, 4000, 5, 1, 0};
    for (size_t i = 0; i < test_rounds(5) && !test_failed(); i++) {
        simulate(&plan);
        CHECK(s->slow > 0);
    }
}

int main(void)
{
    RUN(a_hundred_cuts_lose_no_token);
    RUN(hopping_between_transports_loses_no_token);
    RUN(short_windows_end_in_whole_texts);
    RUN(small_pools_end_in_whole_texts);
    RUN(slow_readers_end_in_whole_texts);
    return test_end();
}
