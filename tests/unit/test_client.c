/*
 * The client state machine: waits, verdicts, fallback, resume, duplicates and gaps, acks, the outbox.
 */
#include "lib/test.h"
#include "wick/client.h"

#include <stdlib.h>

static uint64_t dice; /* what on_random gives */

static uint64_t give_dice(void *user)
{
    (void)user;
    return dice;
}

typedef struct fixture {
    wick_client client;
    wick_client_config config;
    wick_client_action action;
    uint64_t now;
    uint64_t memory[1024];
} fixture;

static fixture f;

static void set_up(uint32_t flags)
{
    memset(&f, 0, sizeof f);
    f.config.size = sizeof f.config;
    f.config.on_random = give_dice;
    f.config.flags = flags;
    f.config.outbox_bytes = sizeof f.memory;
    f.now = 1000;
    dice = 0;
    CHECK_INT(wick_client_size(&f.config), sizeof f.memory);
    CHECK_STATUS(wick_client_init(&f.client, &f.config, f.memory, sizeof f.memory, NULL), WICK_OK);
}

static wick_client_kind next(void)
{
    return wick_client_next(&f.client, f.now, &f.action);
}

static void did(void)
{
    wick_client_did(&f.client, &f.action, f.now);
}

/* The next action is of this kind; it is done. */
static void expect(wick_client_kind kind)
{
    CHECK_INT(next(), kind);
    CHECK_INT(f.action.kind, kind);
    did();
}

static wick_client_take receive(const char *message)
{
    wick_event event;
    wick_status status = wick_event_read(NULL, message, strlen(message), &event, NULL);
    CHECK(status >= 0);
    return wick_client_received(&f.client, &event, f.now);
}

static wick_client_take receive_token(unsigned first, unsigned seq)
{
    char message[200];
    snprintf(message, sizeof message,
             "{\"seq\":%u,\"first_seq\":%u,\"type\":\"agent.token\",\"payload\":{\"message_id\":\"m\",\"text\":\"x\"}}",
             seq, first);
    return receive(message);
}

#define OPENED_AS(version, recovered, head)                                                                 \
    "{\"type\":\"session.opened\",\"payload\":{\"version\":\"" version "\",\"session_id\":\"s_9f\",\"epoch\":77,"       \
    "\"head_seq\":" #head ",\"resume_token\":\"tok\",\"recovered\":" #recovered ",\"heartbeat\":{\"interval_ms\":1,"  \
    "\"timeout_ms\":1},\"limits\":{\"max_message_bytes\":1,\"resume_window_ms\":1,\"max_invocations\":1}}}"
#define OPENED(recovered, head) OPENED_AS("1.0", recovered, head)

static void connect_as(wick_transport transport)
{
    expect(WICK_CLIENT_CONNECT);
    CHECK_INT(f.action.transport, transport);
    wick_client_connected(&f.client, transport, f.now);
}

static void open_session(void)
{
    set_up(0);
    wick_client_start(&f.client, f.now);
    connect_as(WICK_TRANSPORT_WEBSOCKET);
    expect(WICK_CLIENT_OPEN);
    CHECK_INT(receive(OPENED(false, 0)), WICK_CLIENT_DELIVER);
    CHECK_INT(wick_client_where(&f.client), WICK_CLIENT_CONNECTED);
}

/* Wait as long as it says; it must be between least and most. */
static void wait_between(uint64_t least, uint64_t most)
{
    uint64_t until = wick_client_deadline(&f.client);
    CHECK_INT(wick_client_where(&f.client), WICK_CLIENT_WAITING);
    CHECK(until >= f.now + least && until <= f.now + most);
    if (until > f.now) {
        f.now = until - 1;
        CHECK_INT(next(), WICK_CLIENT_WAIT);
    }
    f.now = until;
}

static void a_config_is_checked(void)
{
    wick_client_config config = {.size = sizeof config, .on_random = give_dice};
    wick_client client;
    CHECK_INT(wick_client_size(&config), WICK_DEFAULT_CLIENT_OUTBOX_BYTES);
    CHECK_STATUS(wick_client_init(&client, &config, f.memory, 100, NULL), WICK_E_SPACE);
    config.flags = 7;
    CHECK_STATUS(wick_client_init(&client, &config, f.memory, 100, NULL), WICK_E_CONFIG);
    config.flags = 0;
    config.on_random = NULL;
    CHECK_INT(wick_client_size(&config), 0);
    config.on_random = give_dice;
    config.size = 1;
    CHECK_INT(wick_client_size(&config), 0);
    CHECK_INT(wick_client_size(NULL), 0);
}

static void a_session_opens(void)
{
    open_session();
    CHECK_INT(next(), WICK_CLIENT_WAIT);
    CHECK(wick_client_deadline(&f.client) == WICK_NEVER);
    CHECK_INT(wick_client_cursor(&f.client), 0);
}

static void waits_double_with_full_jitter(void)
{
    static const uint64_t limits[] = {500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000};
    set_up(WICK_CLIENT_NO_SSE | WICK_CLIENT_NO_POLL);
    wick_client_start(&f.client, f.now);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        dice = i % 3 == 0 ? limits[i] : i % 3 == 1 ? limits[i] + 1 : 0x123456789ABCDEFu;
        expect(WICK_CLIENT_CONNECT);
        wick_client_refused(&f.client, WICK_TRANSPORT_WEBSOCKET, NULL, f.now);
        wait_between(i % 3 == 0 ? limits[i] : 0, i % 3 == 1 ? 0 : limits[i]);
    }
    /* Ten seconds of an open session start the waits anew; nine do not. */
    for (unsigned seconds = 9; seconds <= 10; seconds++) {
        connect_as(WICK_TRANSPORT_WEBSOCKET);
        expect(WICK_CLIENT_OPEN);
        receive(OPENED(false, 0));
        f.now += seconds * 1000;
        dice = seconds == 9 ? 30000 : 500;
        wick_client_closed(&f.client, WICK_TRANSPORT_WEBSOCKET, 1006, f.now);
        wait_between(dice, dice);
    }
}

static void a_server_may_ask_for_a_longer_wait(void)
{
    const wick_client_refusal busy = {503, WICK_CODE_DRAINING, 7000};
    set_up(0);
    wick_client_start(&f.client, f.now);
    for (int i = 0; i < 5; i++) {
        expect(WICK_CLIENT_CONNECT);
        CHECK_INT(f.action.transport, WICK_TRANSPORT_WEBSOCKET); /* it was reached: no other transport */
        wick_client_refused(&f.client, WICK_TRANSPORT_WEBSOCKET, &busy, f.now);
        wait_between(7000, 7000);
    }
    connect_as(WICK_TRANSPORT_WEBSOCKET);
    expect(WICK_CLIENT_OPEN);
    receive(OPENED(false, 0));
    receive("{\"type\":\"session.closing\",\"payload\":{\"reason\":\"drain\",\"retry_after_ms\":2500}}");
    wick_client_closed(&f.client, WICK_TRANSPORT_WEBSOCKET, 1001, f.now);
    wait_between(2500, 2500);
}

static void verdict_by_close_code(void)
{
    static const struct {
        unsigned code;
        wick_client_verdict verdict;
    } rows[] = {{1000, WICK_VERDICT_CLOSED},       {1001, WICK_VERDICT_NONE},         {1002, WICK_VERDICT_NONE},
                {1003, WICK_VERDICT_REFUSED},      {1005, WICK_VERDICT_NONE},         {1006, WICK_VERDICT_NONE},
                {1007, WICK_VERDICT_REFUSED},      {1008, WICK_VERDICT_REFUSED},      {1009, WICK_VERDICT_REFUSED},
                {1010, WICK_VERDICT_REFUSED},      {1011, WICK_VERDICT_NONE},         {1012, WICK_VERDICT_NONE},
                {1013, WICK_VERDICT_NONE},         {1014, WICK_VERDICT_NONE},         {0, WICK_VERDICT_NONE},
                {4400, WICK_VERDICT_REFUSED},      {4401, WICK_VERDICT_UNAUTHORIZED}, {4403, WICK_VERDICT_FORBIDDEN},
                {4404, WICK_VERDICT_NOT_FOUND},    {4406, WICK_VERDICT_VERSION},      {4408, WICK_VERDICT_REFUSED},
                {4409, WICK_VERDICT_TAKEN_OVER},   {4413, WICK_VERDICT_REFUSED},      {4429, WICK_VERDICT_REFUSED},
                {4499, WICK_VERDICT_REFUSED},      {4500, WICK_VERDICT_NONE},         {4501, WICK_VERDICT_NONE},
                {4503, WICK_VERDICT_NONE},         {4508, WICK_VERDICT_NONE},         {4509, WICK_VERDICT_NONE},
                {4510, WICK_VERDICT_NONE},         {4529, WICK_VERDICT_NONE},         {4000, WICK_VERDICT_NONE}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        open_session();
        wick_client_closed(&f.client, WICK_TRANSPORT_WEBSOCKET, rows[i].code, f.now);
        if (rows[i].verdict == WICK_VERDICT_NONE) {
            expect(WICK_CLIENT_CONNECT);
            CHECK_INT(f.action.fresh_token, rows[i].code == 4501);
            CHECK_INT(f.action.resume, 1);
            continue;
        }
        expect(WICK_CLIENT_STOP);
        CHECK_INT(f.action.verdict, rows[i].verdict);
        CHECK_INT(f.action.cause, rows[i].code);
        CHECK_INT(next(), WICK_CLIENT_WAIT);
        CHECK(wick_client_deadline(&f.client) == WICK_NEVER);
        wick_client_start(&f.client, f.now); /* with something changed */
        expect(WICK_CLIENT_CONNECT);
        CHECK_INT(f.action.resume, 1);
    }
}

static void verdict_by_http_status(void)
{
    static const unsigned statuses[] = {401, 403, 404};
    static const wick_client_verdict verdicts[] = {WICK_VERDICT_UNAUTHORIZED, WICK_VERDICT_FORBIDDEN, WICK_VERDICT_NOT_FOUND};
    for (int i = 0; i < 3; i++) {
        const wick_client_refusal refusal = {statuses[i], WICK_CODE_NONE, 0};
        set_up(0);
        wick_client_start(&f.client, f.now);
        expect(WICK_CLIENT_CONNECT);
        wick_client_refused(&f.client, WICK_TRANSPORT_WEBSOCKET, &refusal, f.now);
        expect(WICK_CLIENT_STOP);
        CHECK_INT(f.action.verdict, verdicts[i]);
        CHECK_INT(f.action.cause, statuses[i]);
    }
}

/* Over requests a session is opened before anything is read. */
static void open_by_post(wick_transport transport)
{
    expect(WICK_CLIENT_OPEN);
    CHECK_INT(f.action.transport, transport);
    CHECK_INT(receive(OPENED(false, 0)), WICK_CLIENT_DELIVER);
    CHECK_INT(wick_client_where(&f.client), WICK_CLIENT_CONNECTING);
}

static void falls_back_after_three_failures(void)
{
    static const int order[] = {0, 0, 0, 1, 1, 1, 2, 2, 2, 0};
    set_up(0);
    wick_client_start(&f.client, f.now);
    for (int i = 0; i < 10; i++) {
        expect(order[i] ? WICK_CLIENT_OPEN : WICK_CLIENT_CONNECT);
        CHECK_INT(f.action.transport, order[i]);
        if (i % 2)
            wick_client_refused(&f.client, f.action.transport, NULL, f.now);
        else
            wick_client_closed(&f.client, f.action.transport, 0, f.now);
    }
    /* A handshake that gets through and a session that never opens is a failure too. */
    set_up(WICK_CLIENT_NO_SSE);
    wick_client_start(&f.client, f.now);
    for (int i = 0; i < 3; i++) {
        connect_as(WICK_TRANSPORT_WEBSOCKET);
        expect(WICK_CLIENT_OPEN);
        f.now = wick_client_deadline(&f.client);
        expect(WICK_CLIENT_CLOSE);
        CHECK_INT(f.action.code, 0);
    }
    open_by_post(WICK_TRANSPORT_POLL);
    connect_as(WICK_TRANSPORT_POLL);
}

/* Three attempts of WebSocket are in vain. */
static void lose_websocket(void)
{
    for (int i = 0; i < 3; i++) {
        expect(WICK_CLIENT_CONNECT);
        CHECK_INT(f.action.transport, WICK_TRANSPORT_WEBSOCKET);
        wick_client_refused(&f.client, WICK_TRANSPORT_WEBSOCKET, NULL, f.now);
    }
}

static void expect_drop(wick_transport transport)
{
    expect(WICK_CLIENT_CLOSE);
    CHECK_INT(f.action.transport, transport);
    CHECK_INT(f.action.code, 0);
}

static void a_stream_that_is_held_back(void)
{
    set_up(0);
    wick_client_start(&f.client, f.now);
    lose_websocket();
    open_by_post(WICK_TRANSPORT_SSE);
    expect(WICK_CLIENT_CONNECT); /* the head comes, and no byte of the body */
    CHECK_INT(f.action.last_seq, 0);
    CHECK_INT(wick_client_deadline(&f.client), f.now + 5000);
    f.now += 5000;
    expect_drop(WICK_TRANSPORT_SSE);
    CHECK_INT(wick_client_by(&f.client), WICK_TRANSPORT_POLL);
    connect_as(WICK_TRANSPORT_POLL); /* at once, and with the session */
    CHECK_INT(f.action.session_id.len, 4);
    CHECK_INT(f.action.wait_ms, 0);

    /* One that falls silent later. */
    set_up(0);
    wick_client_start(&f.client, f.now);
    lose_websocket();
    open_by_post(WICK_TRANSPORT_SSE);
    connect_as(WICK_TRANSPORT_SSE);
    f.now += 39999;
    wick_client_heard(&f.client, f.now); /* a comment */
    CHECK_INT(wick_client_deadline(&f.client), f.now + 40000);
    f.now += 40000;
    expect_drop(WICK_TRANSPORT_SSE);
    connect_as(WICK_TRANSPORT_POLL);
}

static void polls_follow_one_another(void)
{
    set_up(WICK_CLIENT_NO_SSE);
    wick_client_start(&f.client, f.now);
    lose_websocket();
    open_by_post(WICK_TRANSPORT_POLL);
    connect_as(WICK_TRANSPORT_POLL);
    CHECK_INT(receive_token(1, 1), WICK_CLIENT_DELIVER);
    CHECK_INT(next(), WICK_CLIENT_WAIT); /* not before all its events have been received */
    CHECK_INT(receive_token(2, 3), WICK_CLIENT_DELIVER);
    wick_client_polled(&f.client, f.now);
    expect(WICK_CLIENT_POLL);
    CHECK(f.action.epoch == 77 && f.action.last_seq == 3 && f.action.wait_ms == 25000);
    CHECK_INT(f.action.resume_token.len, 3);
    CHECK_INT(next(), WICK_CLIENT_WAIT);
    CHECK_INT(wick_client_deadline(&f.client), f.now + 25000 + 10000);
    f.now += 25000;
    wick_client_polled(&f.client, f.now); /* nothing has happened */
    CHECK_INT(receive_token(4, 4), WICK_CLIENT_DELIVER); /* late, of no poll: it counts all the same */
    expect(WICK_CLIENT_POLL);
    CHECK_INT(f.action.last_seq, 4);
    f.now += 35000; /* no answer at all */
    expect_drop(WICK_TRANSPORT_POLL);
    wick_client_polled(&f.client, f.now);
    connect_as(WICK_TRANSPORT_POLL);
    CHECK_INT(f.action.last_seq, 4);
    wick_client_polled(&f.client, f.now);
    expect(WICK_CLIENT_POLL);
    wick_client_closed(&f.client, WICK_TRANSPORT_POLL, 0, f.now); /* the connection of the poll is cut */
    connect_as(WICK_TRANSPORT_POLL);
    /* A server that does not wait, but has nothing to say. */
    wick_client_polled(&f.client, f.now);
    for (int i = 0; i < 5; i++) {
        expect(WICK_CLIENT_POLL);
        if (i == 3)
            CHECK_INT(receive_token(5, 5), WICK_CLIENT_DELIVER);
        f.now += 10;
        wick_client_polled(&f.client, f.now);
        if (i == 3)
            continue;
        CHECK_INT(next(), WICK_CLIENT_WAIT);
        CHECK_INT(wick_client_deadline(&f.client), f.now + 500);
        f.now += 500;
    }
}

static void an_attempt_may_not_take_for_ever(void)
{
    set_up(0);
    wick_client_start(&f.client, f.now);
    expect(WICK_CLIENT_CONNECT);
    CHECK_INT(wick_client_deadline(&f.client), f.now + 10000);
    f.now += 9999;
    CHECK_INT(next(), WICK_CLIENT_WAIT);
    f.now++;
    expect(WICK_CLIENT_CLOSE);
    CHECK_INT(f.action.code, 0);
    wick_client_connected(&f.client, WICK_TRANSPORT_WEBSOCKET, f.now); /* too late */
    expect(WICK_CLIENT_CONNECT);
}

static void comes_back_to_websocket_beside_sse(void)
{
    const wick_client_refusal stripped = {400, WICK_CODE_UPGRADE_STRIPPED_BY_PROXY, 0};
    set_up(0);
    f.config.silence_ms = 1000000;
    wick_client_start(&f.client, f.now);
    expect(WICK_CLIENT_CONNECT);
    wick_client_refused(&f.client, WICK_TRANSPORT_WEBSOCKET, &stripped, f.now);
    open_by_post(WICK_TRANSPORT_SSE);
    connect_as(WICK_TRANSPORT_SSE);
    CHECK_INT(wick_client_where(&f.client), WICK_CLIENT_CONNECTED);
    CHECK_INT(wick_client_deadline(&f.client), 1000 + 300000);
    CHECK_INT(receive_token(1, 5), WICK_CLIENT_DELIVER);
    CHECK_INT(receive_token(7, 7), WICK_CLIENT_GAP);
    expect(WICK_CLIENT_CLOSE);
    CHECK_INT(f.action.transport, WICK_TRANSPORT_SSE);
    f.now += 60000;
    connect_as(WICK_TRANSPORT_SSE);
    CHECK_INT(wick_client_deadline(&f.client), 1000 + 300000); /* reconnecting does not put it off */
    f.now = 1000 + 300000;
    expect(WICK_CLIENT_CONNECT);
    CHECK_INT(f.action.probe, 1);
    CHECK_INT(receive_token(6, 6), WICK_CLIENT_DELIVER); /* meanwhile */
    wick_client_refused(&f.client, WICK_TRANSPORT_WEBSOCKET, &stripped, f.now);
    CHECK_INT(next(), WICK_CLIENT_WAIT);
    f.now += 300000;
    expect(WICK_CLIENT_CONNECT);
    f.now += 10000; /* no answer at all */
    expect(WICK_CLIENT_CLOSE);
    CHECK_INT(f.action.transport, WICK_TRANSPORT_WEBSOCKET);
    CHECK_INT(next(), WICK_CLIENT_WAIT);
    f.now += 300000;
    expect(WICK_CLIENT_CONNECT);
    wick_client_connected(&f.client, WICK_TRANSPORT_WEBSOCKET, f.now);
    expect(WICK_CLIENT_CLOSE);
    CHECK_INT(f.action.transport, WICK_TRANSPORT_SSE);
    wick_client_closed(&f.client, WICK_TRANSPORT_SSE, 0, f.now); /* of the old one: nothing */
    expect(WICK_CLIENT_OPEN);
    receive(OPENED(true, 6));
    CHECK_INT(wick_client_where(&f.client), WICK_CLIENT_CONNECTED);
    CHECK_INT(receive_token(7, 7), WICK_CLIENT_DELIVER);
}

static void duplicates_and_gaps(void)
{
    open_session();
    CHECK_INT(receive_token(1, 1), WICK_CLIENT_DELIVER);
    CHECK_INT(receive_token(2, 5), WICK_CLIENT_DELIVER);
    CHECK_INT(receive_token(1, 1), WICK_CLIENT_DUPLICATE);
    CHECK_INT(receive_token(2, 5), WICK_CLIENT_DUPLICATE);
    CHECK_INT(receive_token(3, 4), WICK_CLIENT_DUPLICATE);
    CHECK_INT(wick_client_cursor(&f.client), 5);
    CHECK_INT(receive_token(7, 7), WICK_CLIENT_GAP);
    CHECK_INT(receive_token(6, 6), WICK_CLIENT_GAP); /* closing: it will come again */
    expect(WICK_CLIENT_CLOSE);
    CHECK_INT(f.action.code, 4510);
    CHECK(f.action.reason.len > 0 && f.action.reason.len <= 123);
    wick_client_closed(&f.client, WICK_TRANSPORT_WEBSOCKET, 4510, f.now);
    connect_as(WICK_TRANSPORT_WEBSOCKET);
    CHECK_INT(next(), WICK_CLIENT_OPEN);
    CHECK_INT(wick_client_cursor(&f.client), 5);
    did();
    receive(OPENED(true, 9));
    CHECK_INT(receive_token(6, 9), WICK_CLIENT_DELIVER);
    /* A merged message that begins before the cursor and ends behind it: dropped, and had again from the cursor. */
    CHECK_INT(receive_token(8, 12), WICK_CLIENT_GAP);
    expect(WICK_CLIENT_CLOSE);
    CHECK_INT(next(), WICK_CLIENT_WAIT);
    f.now = wick_client_deadline(&f.client); /* the close is never answered */
    expect(WICK_CLIENT_CONNECT);
    CHECK_INT(f.action.last_seq, 9);
}

static void a_reset_moves_the_cursor(void)
{
    open_session();
    receive_token(1, 1);
    receive("{\"type\":\"session.reset\",\"payload\":{\"reason\":\"slow_consumer\",\"epoch\":42,\"head_seq\":90,"
            "\"snapshot\":{}}}");
    CHECK_INT(wick_client_cursor(&f.client), 90);
    CHECK_INT(receive_token(91, 91), WICK_CLIENT_DELIVER);
    wick_client_closed(&f.client, WICK_TRANSPORT_WEBSOCKET, 0, f.now);
    expect(WICK_CLIENT_CONNECT);
    CHECK_INT(f.action.epoch, 42);
    CHECK(f.action.session_id.len == 4 && memcmp(f.action.session_id.data, "s_9f", 4) == 0);
    CHECK(f.action.resume_token.len == 3 && memcmp(f.action.resume_token.data, "tok", 3) == 0);
}

/* session.opened says that a reset follows; the connection is cut between the two. */
static void a_reset_that_never_came_is_asked_for_again(void)
{
    char out[300];
    size_t len;
    open_session();
    receive_token(1, 3);
    for (int i = 0; i < 2; i++) {
        wick_client_closed(&f.client, WICK_TRANSPORT_WEBSOCKET, 0, f.now);
        connect_as(WICK_TRANSPORT_WEBSOCKET);
        CHECK_STATUS(wick_client_write_open(&f.client, NULL, out, sizeof out - 1, &len), WICK_OK);
        out[len] = 0;
        CHECK(strstr(out, i ? "\"epoch\":0,\"last_seq\":0" : "\"epoch\":77,\"last_seq\":3") != NULL);
        expect(WICK_CLIENT_OPEN);
        receive(OPENED(false, 50));
    }
    CHECK_INT(receive_token(51, 51), WICK_CLIENT_DELIVER); /* no reset at all: it is settled */
    CHECK_STATUS(wick_client_write_open(&f.client, NULL, out, sizeof out - 1, &len), WICK_OK);
    out[len] = 0;
    CHECK(strstr(out, "\"epoch\":77,\"last_seq\":51") != NULL);
}

static void the_open_message_resumes(void)
{
    char out[600];
    size_t len, need;
    wick_session_open hello;
    const wick_text id = WICK_TEXT("s\"1"), token = WICK_TEXT("t"), empty = WICK_TEXT("");
    static const char fresh[] = "{\"type\":\"session.open\",\"payload\":{\"versions\":[\"1.0\"]}}";
    static const char again[] =
        "{\"type\":\"session.open\",\"payload\":{\"versions\":[\"1.0\"],\"session_id\":\"s_9f\",\"resume_token\":\"tok\","
        "\"epoch\":77,\"last_seq\":3,\"auth\":{\"scheme\":\"bearer\",\"token\":\"secret\"},\"client\":{\"name\":\"n\","
        "\"version\":\"1\"},\"want\":[\"agent.*\"],\"coalesce_ms\":0,\"on_disconnect\":\"cancel\"}}";
    open_session();
    receive_token(1, 3);
    memset(&hello, 0, sizeof hello);
    hello.auth.scheme = WICK_SCHEME_BEARER;
    hello.auth.token = WICK_TEXT("secret");
    hello.client.name = WICK_TEXT("n");
    hello.client.version = WICK_TEXT("1");
    hello.want = WICK_TEXT("[\"agent.*\"]");
    hello.want.form = WICK_TEXT_JSON;
    hello.on_disconnect = WICK_DISCONNECT_CANCEL;
    WICK_SET(&hello, session_open, coalesce_ms);
    CHECK_STATUS(wick_client_write_open(&f.client, &hello, NULL, 0, &need), WICK_E_SPACE);
    CHECK_STATUS(wick_client_write_open(&f.client, &hello, out, sizeof out, &len), WICK_OK);
    CHECK_INT(len, need);
    CHECK_INT(len, sizeof again - 1);
    CHECK_MEM(out, again, sizeof again - 1);
    set_up(0);
    CHECK_STATUS(wick_client_write_open(&f.client, NULL, out, sizeof out, &len), WICK_OK);
    CHECK_INT(len, sizeof fresh - 1);
    CHECK_MEM(out, fresh, sizeof fresh - 1);
    CHECK_STATUS(wick_client_restore(&f.client, &empty, &token, 17, 8), WICK_E_ARG);
    CHECK_STATUS(wick_client_restore(&f.client, &id, &token, 17, 8), WICK_OK);
    CHECK_STATUS(wick_client_write_open(&f.client, NULL, out, sizeof out, &len), WICK_OK);
    CHECK(len < sizeof out);
    out[len] = 0;
    CHECK(strstr(out, "\"session_id\":\"s\\\"1\"") && strstr(out, "\"epoch\":17,\"last_seq\":8"));
    wick_client_start(&f.client, f.now);
    CHECK_STATUS(wick_client_restore(&f.client, &id, &token, 17, 8), WICK_E_STATE);
}

static void acks_come_after_32_events_or_a_second(void)
{
    open_session();
    for (unsigned seq = 1; seq <= 31; seq++) {
        receive_token(seq, seq);
        CHECK_INT(next(), WICK_CLIENT_WAIT);
        f.now++;
    }
    CHECK_INT(wick_client_deadline(&f.client), 1000 + 1000);
    receive_token(32, 32);
    CHECK_INT(next(), WICK_CLIENT_SEND);
    CHECK_INT(next(), WICK_CLIENT_SEND); /* the same until it is done */
    CHECK(f.action.len == 35 && memcmp(f.action.data, "{\"type\":\"ack\",\"payload\":{\"seq\":32}}", 35) == 0);
    did();
    CHECK_INT(next(), WICK_CLIENT_WAIT);
    CHECK(wick_client_deadline(&f.client) == WICK_NEVER);
    receive_token(33, 34);
    f.now += 999;
    CHECK_INT(next(), WICK_CLIENT_WAIT);
    f.now++;
    expect(WICK_CLIENT_SEND);
    CHECK(memcmp(f.action.data, "{\"type\":\"ack\",\"payload\":{\"seq\":34}}", 35) == 0);
    receive_token(35, 99); /* one merged message of many events */
    expect(WICK_CLIENT_SEND);
}

static void submit(const char *id, const char *message, wick_status status)
{
    CHECK_STATUS(wick_client_submit(&f.client, id, strlen(id), message, strlen(message)), status);
}

static void expect_send(const char *message)
{
    expect(WICK_CLIENT_SEND);
    CHECK_INT(f.action.len, strlen(message));
    if (f.action.data)
        CHECK_MEM(f.action.data, message, strlen(message));
}

static void messages_are_sent_until_they_are_answered(void)
{
    set_up(0);
    submit("a", "message a", WICK_OK); /* before there is a connection */
    wick_client_start(&f.client, f.now);
    connect_as(WICK_TRANSPORT_WEBSOCKET);
    expect(WICK_CLIENT_OPEN);
    submit("b", "message bb", WICK_OK);
    CHECK_INT(next(), WICK_CLIENT_WAIT); /* not before session.opened */
    receive(OPENED(false, 0));
    expect_send("message a");
    expect_send("message bb");
    CHECK_INT(next(), WICK_CLIENT_WAIT);
    submit("c", "message ccc", WICK_OK);
    submit("c", "again", WICK_E_STATE);
    CHECK_INT(next(), WICK_CLIENT_SEND); /* c is on its way, but blocked, */
    receive("{\"type\":\"error\",\"re\":\"b\",\"payload\":{\"code\":\"RATE_LIMITED\",\"message\":\"m\",\"retryable\":true}}");
    CHECK_INT(wick_client_pending(&f.client), 2);
    expect_send("message ccc");
    wick_client_closed(&f.client, WICK_TRANSPORT_WEBSOCKET, 0, f.now);
    CHECK_INT(wick_client_pending(&f.client), 2);
    connect_as(WICK_TRANSPORT_WEBSOCKET);
    expect(WICK_CLIENT_OPEN);
    receive(OPENED(true, 0));
    expect_send("message a");
    receive("{\"type\":\"accepted\",\"re\":\"a\",\"payload\":{\"duplicate\":true}}");
    expect_send("message ccc");
    CHECK_INT(wick_client_forget(&f.client, "c", 1), 1);
    CHECK_INT(wick_client_forget(&f.client, "c", 1), 0);
    CHECK_INT(wick_client_pending(&f.client), 0);
}

static void the_outbox_has_an_end(void)
{
    static char large[4000];
    char id[16];
    open_session();
    submit("", "x", WICK_E_ARG);
    submit("12345678901234567890123456789012345678901234567890123456789012345", "x", WICK_E_ARG);
    memset(large, 'x', sizeof large - 1);
    submit("1", large, WICK_OK);
    submit("2", large, WICK_OK);
    submit("3", large, WICK_E_SPACE);
    CHECK_INT(wick_client_forget(&f.client, "1", 1), 1);
    submit("3", large, WICK_OK);
    expect_send(large);
    wick_client_forget(&f.client, "2", 1);
    wick_client_forget(&f.client, "3", 1);
    /* Any order of submits, sends and answers keeps the order and the bytes. */
    for (unsigned i = 0, oldest = 0; i < test_rounds(20000) && !test_failed(); i++) {
        unsigned dice_roll = (unsigned)test_below(3);
        snprintf(id, sizeof id, "%u", i);
        if (dice_roll < 2 && wick_client_submit(&f.client, id, strlen(id), id, strlen(id)) == WICK_OK) {
            expect_send(id);
        } else if (wick_client_pending(&f.client)) {
            do
                snprintf(id, sizeof id, "%u", oldest++);
            while (!wick_client_forget(&f.client, id, strlen(id)));
        }
    }
}

static void post_answer(const char *id)
{
    char message[100];
    snprintf(message, sizeof message, "{\"type\":\"accepted\",\"re\":\"%s\",\"payload\":{}}", id);
    CHECK_INT(receive(message), WICK_CLIENT_DELIVER);
    wick_client_posted(&f.client, NULL, f.now);
}

static void over_requests(uint32_t flags, wick_transport transport)
{
    set_up(flags);
    wick_client_start(&f.client, f.now);
    if (!(flags & WICK_CLIENT_NO_WEBSOCKET))
        lose_websocket();
    open_by_post(transport);
    connect_as(transport);
}

static void messages_are_posted_one_at_a_time(void)
{
    static const unsigned again[] = {0, 408, 429, 500, 502, 503, 404};
    over_requests(0, WICK_TRANSPORT_SSE);
    submit("a", "message a", WICK_OK);
    submit("b", "message b", WICK_OK);
    expect_send("message a");
    CHECK_INT(f.action.transport, WICK_TRANSPORT_SSE);
    CHECK(f.action.session_id.len == 4 && f.action.resume_token.len == 3);
    CHECK_INT(next(), WICK_CLIENT_WAIT);
    CHECK_INT(receive_token(1, 1), WICK_CLIENT_DELIVER); /* the stream goes on meanwhile */
    CHECK_INT(next(), WICK_CLIENT_WAIT);
    post_answer("a");
    expect_send("message b");
    CHECK_INT(wick_client_pending(&f.client), 1);
    for (size_t i = 0; i < sizeof again / sizeof *again; i++) {
        const wick_client_refusal refusal = {again[i], WICK_CODE_NONE, again[i] == 503 ? 900 : 0};
        wick_client_posted(&f.client, &refusal, f.now);
        expect_drop(WICK_TRANSPORT_SSE);
        if (refusal.retry_after_ms)
            wait_between(900, 900);
        connect_as(WICK_TRANSPORT_SSE);
        expect_send("message b");
    }
    f.now += 10000; /* no answer */
    expect_drop(WICK_TRANSPORT_SSE);
    connect_as(WICK_TRANSPORT_SSE);
    expect_send("message b");
    wick_client_closed(&f.client, WICK_TRANSPORT_SSE, 0, f.now);
    wick_client_posted(&f.client, NULL, f.now); /* of a connection that has gone */
    connect_as(WICK_TRANSPORT_SSE);
    expect_send("message b");
    post_answer("b");
    CHECK_INT(next(), WICK_CLIENT_WAIT);
    CHECK_INT(wick_client_pending(&f.client), 0);
}

static void a_message_that_is_refused_for_good(void)
{
    static const struct {
        wick_client_refusal refusal;
        wick_client_verdict verdict;
    } rows[] = {{{400, WICK_CODE_INVALID_JSON, 0}, WICK_VERDICT_NONE},
                {{413, WICK_CODE_NONE, 0}, WICK_VERDICT_NONE},
                {{401, WICK_CODE_AUTH_INVALID, 0}, WICK_VERDICT_UNAUTHORIZED},
                {{403, WICK_CODE_NONE, 0}, WICK_VERDICT_FORBIDDEN}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        over_requests(WICK_CLIENT_NO_WEBSOCKET, WICK_TRANSPORT_SSE);
        submit("a", "message a", WICK_OK);
        submit("b", "message b", WICK_OK);
        expect_send("message a");
        wick_client_posted(&f.client, &rows[i].refusal, f.now);
        if (rows[i].verdict == WICK_VERDICT_NONE) {
            expect_send("message b");
            CHECK_INT(wick_client_pending(&f.client), 1);
            continue;
        }
        expect_drop(WICK_TRANSPORT_SSE);
        expect(WICK_CLIENT_STOP);
        CHECK_INT(f.action.verdict, rows[i].verdict);
        CHECK_INT(f.action.cause, rows[i].refusal.status);
        CHECK_INT(wick_client_pending(&f.client), 2);
    }
}

static void a_session_that_is_not_known_is_opened_anew(void)
{
    const wick_client_refusal unknown = {403, WICK_CODE_SESSION_FORBIDDEN, 0};
    for (int by_post = 0; by_post < 2; by_post++) {
        wick_transport transport = by_post ? WICK_TRANSPORT_SSE : WICK_TRANSPORT_POLL;
        over_requests(WICK_CLIENT_NO_WEBSOCKET | (by_post ? WICK_CLIENT_NO_POLL : WICK_CLIENT_NO_SSE), transport);
        CHECK_INT(receive_token(1, 9), WICK_CLIENT_DELIVER);
        wick_client_polled(&f.client, f.now);
        if (by_post) {
            submit("a", "message a", WICK_OK);
            expect_send("message a");
            wick_client_posted(&f.client, &unknown, f.now);
            expect_drop(transport);
        } else {
            wick_client_closed(&f.client, transport, 0, f.now);
            expect(WICK_CLIENT_CONNECT);
            wick_client_refused(&f.client, transport, &unknown, f.now);
        }
        open_by_post(transport);
        expect(WICK_CLIENT_CONNECT);
        CHECK(f.action.epoch == 77 && f.action.last_seq == WICK_INT_MAX); /* the reset is still to come */
        wick_client_connected(&f.client, transport, f.now);
        CHECK_INT(receive("{\"type\":\"session.reset\",\"payload\":{\"reason\":\"epoch_changed\",\"epoch\":78,\"head_seq\":3,"
                          "\"snapshot\":{\"invocations\":[]}}}"), WICK_CLIENT_DELIVER);
        CHECK_INT(receive_token(4, 4), WICK_CLIENT_DELIVER);
        if (by_post)
            expect_send("message a");
        /* One that may not be opened is the end. */
        wick_client_closed(&f.client, transport, 0, f.now);
        expect(WICK_CLIENT_CONNECT);
        CHECK(f.action.epoch == 78 && f.action.last_seq == 4);
        wick_client_refused(&f.client, transport, &unknown, f.now);
        expect(WICK_CLIENT_OPEN);
        wick_client_refused(&f.client, transport, &unknown, f.now);
        expect(WICK_CLIENT_STOP);
        CHECK_INT(f.action.verdict, WICK_VERDICT_FORBIDDEN);
    }
}

static void a_server_without_sse(void)
{
    const wick_client_refusal missing = {404, WICK_CODE_NONE, 0};
    set_up(0);
    wick_client_start(&f.client, f.now);
    lose_websocket();
    expect(WICK_CLIENT_OPEN);
    wick_client_refused(&f.client, WICK_TRANSPORT_SSE, &missing, f.now);
    expect(WICK_CLIENT_STOP);
    CHECK_INT(f.action.verdict, WICK_VERDICT_NOT_FOUND);
    /* One that is known to be right may have been away for a while. */
    open_session();
    wick_client_closed(&f.client, WICK_TRANSPORT_WEBSOCKET, 0, f.now);
    lose_websocket();
    expect(WICK_CLIENT_CONNECT);
    wick_client_refused(&f.client, WICK_TRANSPORT_SSE, &missing, f.now);
    expect(WICK_CLIENT_CONNECT);
    CHECK_INT(f.action.transport, WICK_TRANSPORT_POLL);
    wick_client_refused(&f.client, WICK_TRANSPORT_POLL, &missing, f.now);
    expect(WICK_CLIENT_CONNECT);
    CHECK_INT(f.action.transport, WICK_TRANSPORT_WEBSOCKET);
}

static void a_probe_that_opens_no_session_goes_back(void)
{
    over_requests(WICK_CLIENT_NO_SSE, WICK_TRANSPORT_POLL);
    wick_client_polled(&f.client, f.now);
    while (wick_client_next(&f.client, f.now, &f.action) != WICK_CLIENT_CONNECT) {
        did();
        wick_client_polled(&f.client, f.now);
        f.now += 10000;
    }
    CHECK(f.action.probe && f.action.transport == WICK_TRANSPORT_WEBSOCKET);
    did();
    f.config.flags = 0; /* it is not SSE that it goes back to */
    wick_client_connected(&f.client, WICK_TRANSPORT_WEBSOCKET, f.now);
    expect_drop(WICK_TRANSPORT_POLL);
    expect(WICK_CLIENT_OPEN);
    wick_client_closed(&f.client, WICK_TRANSPORT_WEBSOCKET, 0, f.now);
    connect_as(WICK_TRANSPORT_POLL);
    CHECK_INT(wick_client_where(&f.client), WICK_CLIENT_CONNECTED);
}

static void check_answer(const char *body, wick_status status, unsigned count, uint64_t epoch, uint64_t seq)
{
    wick_answer answer;
    wick_text message;
    unsigned found = 0;
    uint8_t *copy = test_guard_back(body, strlen(body));
    wick_status got = wick_answer_init(&answer, copy, strlen(body));
    while (wick_answer_next(&answer, &message) == WICK_OK)
        found++;
    if (got != status || found != count || answer.next.epoch != epoch || answer.next.seq != seq)
        test_fail(__FILE__, __LINE__, "%s: %s, %u messages", body, wick_status_name(got), found);
    test_unguard(copy, strlen(body));
}

static void answers_are_read(void)
{
    check_answer("{\"epoch\":7,\"events\":[{\"seq\":1,\"type\":\"x.a\"},{\"seq\":2,\"type\":\"x.a\"}],\"next\":\"7:2\"}", WICK_OK,
                 2, 7, 2);
    check_answer("{\"next\":\"7:2\",\"events\":[],\"more\":[1,2]} ", WICK_OK, 0, 7, 2);
    check_answer("{\"accepted\":[{\"type\":\"accepted\"}]}", WICK_OK, 1, 0, 0);
    check_answer("{\"events\":[1],\"next\":7}", WICK_OK, 1, 0, 0);
    check_answer("{\"events\":{}}", WICK_E_ENVELOPE, 0, 0, 0);
    check_answer("{}", WICK_E_ENVELOPE, 0, 0, 0);
    check_answer("[]", WICK_E_ENVELOPE, 0, 0, 0);
    check_answer("\"events\"", WICK_E_ENVELOPE, 0, 0, 0);
    check_answer("{\"events\":[}", WICK_E_JSON_SYNTAX, 0, 0, 0);
    check_answer("", WICK_E_JSON_CUT, 0, 0, 0);
}

static void quiet_mode_says_nothing_of_sessions(void)
{
    set_up(WICK_CLIENT_QUIET);
    submit("a", "hello", WICK_OK);
    wick_client_start(&f.client, f.now);
    connect_as(WICK_TRANSPORT_WEBSOCKET);
    CHECK_INT(wick_client_where(&f.client), WICK_CLIENT_CONNECTED);
    expect_send("hello");
    CHECK_INT(wick_client_pending(&f.client), 0);
    CHECK_INT(receive_token(1, 40), WICK_CLIENT_DELIVER);
    f.now += 5000;
    CHECK_INT(next(), WICK_CLIENT_WAIT); /* no ack */
    wick_client_closed(&f.client, WICK_TRANSPORT_WEBSOCKET, 1006, f.now);
    connect_as(WICK_TRANSPORT_WEBSOCKET);
    CHECK_INT(receive_token(1, 1), WICK_CLIENT_DELIVER); /* another session, which counts from 1 */
    CHECK_INT(next(), WICK_CLIENT_WAIT);
}

static void stopping(void)
{
    open_session();
    wick_client_stop(&f.client, f.now);
    expect(WICK_CLIENT_CLOSE);
    CHECK(f.action.code == 1000 && f.action.final);
    CHECK_INT(next(), WICK_CLIENT_WAIT);
    wick_client_closed(&f.client, WICK_TRANSPORT_WEBSOCKET, 1000, f.now);
    expect(WICK_CLIENT_STOP);
    CHECK_INT(f.action.verdict, WICK_VERDICT_CLOSED);
    set_up(0);
    wick_client_start(&f.client, f.now);
    wick_client_stop(&f.client, f.now); /* before anything has begun */
    expect(WICK_CLIENT_STOP);
    wick_client_start(&f.client, f.now);
    expect(WICK_CLIENT_CONNECT);
    wick_client_stop(&f.client, f.now); /* while connecting */
    expect(WICK_CLIENT_CLOSE);
    CHECK_INT(f.action.code, 0);
    expect(WICK_CLIENT_STOP);
    wick_client_start(&f.client, f.now);
    connect_as(WICK_TRANSPORT_WEBSOCKET);
    expect(WICK_CLIENT_OPEN);
    receive(OPENED_AS("2.0", false, 0));
    expect(WICK_CLIENT_CLOSE);
    wick_client_closed(&f.client, WICK_TRANSPORT_WEBSOCKET, 1000, f.now);
    expect(WICK_CLIENT_STOP);
    CHECK_INT(f.action.verdict, WICK_VERDICT_VERSION);
}

static void a_late_report_changes_nothing(void)
{
    open_session();
    submit("a", "m", WICK_OK);
    CHECK_INT(next(), WICK_CLIENT_SEND);
    wick_client_closed(&f.client, WICK_TRANSPORT_WEBSOCKET, 0, f.now);
    did(); /* the bytes went into a dead socket */
    connect_as(WICK_TRANSPORT_WEBSOCKET);
    wick_client_closed(&f.client, WICK_TRANSPORT_SSE, 0, f.now);
    wick_client_refused(&f.client, WICK_TRANSPORT_SSE, NULL, f.now);
    expect(WICK_CLIENT_OPEN);
    receive(OPENED(true, 0));
    expect_send("m");
    dice = 400;
    wick_client_closed(&f.client, WICK_TRANSPORT_WEBSOCKET, 0, f.now);
    CHECK_INT(next(), WICK_CLIENT_WAIT);
    wick_client_retry(&f.client, f.now);
    CHECK_INT(next(), WICK_CLIENT_CONNECT);
    wick_client_refused(&f.client, WICK_TRANSPORT_WEBSOCKET, NULL, f.now); /* before the host says that it has begun */
    did();
    CHECK_INT(wick_client_where(&f.client), WICK_CLIENT_WAITING);
    CHECK_INT(wick_client_deadline(&f.client), f.now + 400);
}

int main(void)
{
    RUN(a_config_is_checked);
    RUN(a_session_opens);
    RUN(waits_double_with_full_jitter);
    RUN(a_server_may_ask_for_a_longer_wait);
    RUN(verdict_by_close_code);
    RUN(verdict_by_http_status);
    RUN(falls_back_after_three_failures);
    RUN(a_stream_that_is_held_back);
    RUN(polls_follow_one_another);
    RUN(an_attempt_may_not_take_for_ever);
    RUN(comes_back_to_websocket_beside_sse);
    RUN(duplicates_and_gaps);
    RUN(a_reset_moves_the_cursor);
    RUN(a_reset_that_never_came_is_asked_for_again);
    RUN(the_open_message_resumes);
    RUN(acks_come_after_32_events_or_a_second);
    RUN(messages_are_sent_until_they_are_answered);
    RUN(the_outbox_has_an_end);
    RUN(messages_are_posted_one_at_a_time);
    RUN(a_message_that_is_refused_for_good);
    RUN(a_session_that_is_not_known_is_opened_anew);
    RUN(a_server_without_sse);
    RUN(a_probe_that_opens_no_session_goes_back);
    RUN(answers_are_read);
    RUN(quiet_mode_says_nothing_of_sessions);
    RUN(stopping);
    RUN(a_late_report_changes_nothing);
    return test_end();
}
