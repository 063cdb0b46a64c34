/*
 * The stream log by example: what is merged when, resume, slow readers, the snapshot, the pool, and what it all costs.
 */
#include "lib/test.h"
#include "wick/stream.h"

#include <stdlib.h>

static wick_pool pool;
static wick_stream stream;
static wick_reader reader;
static uint64_t now;
static char text[1 << 20];

static void set_up_with(uint32_t blocks, uint32_t block_size, const wick_stream_config *config)
{
    static uint64_t memory[(8u << 20) / 8];
    wick_pool_config pool_config = {sizeof pool_config, blocks, block_size, 1u << 20};
    now = 1000;
    CHECK_STATUS(wick_pool_init(&pool, &pool_config, memory, sizeof memory), WICK_OK);
    CHECK_STATUS(wick_stream_init(&stream, &pool, config, 7, now), WICK_OK);
}

static void set_up(void)
{
    set_up_with(4000, 1024, NULL);
    CHECK_STATUS(wick_reader_init(&reader, &stream, 0), WICK_OK);
}

static void append_to(wick_stream *to, const char *message)
{
    CHECK_STATUS(wick_stream_append_message(to, message, strlen(message), NULL, now, NULL), WICK_OK);
}

static void append(const char *message)
{
    append_to(&stream, message);
}

#define TOKEN(message, piece) \
    "{\"type\":\"agent.token\",\"invocation_id\":\"r1\",\"payload\":{\"message_id\":\"" message "\",\"text\":\"" piece "\"}}"
#define LAST(message, piece)                                                                                       \
    "{\"type\":\"agent.token\",\"invocation_id\":\"r1\",\"payload\":{\"message_id\":\"" message "\",\"text\":\"" piece \
    "\",\"done\":true}}"
#define OF_RUN(type, run, payload) "{\"type\":\"" type "\",\"invocation_id\":\"" run "\",\"payload\":" payload "}"

/* The next message is due and is this; it is sent. */
static void expect_queued(size_t queued, const char *message)
{
    wick_delivery d;
    size_t len = 0;
    CHECK_STATUS(wick_reader_next(&reader, &stream, queued, now, &d), WICK_OK);
    if (test_failed())
        return;
    CHECK_STATUS(wick_delivery_copy(&d, &stream, text, sizeof text, &len), WICK_OK);
    text[len] = 0;
    if (strcmp(text, message) != 0)
        test_fail(__FILE__, __LINE__, "%s, want %s", text, message);
    CHECK_STATUS(wick_delivery_copy(&d, &stream, text, len - 1, &len), WICK_E_SPACE);
    wick_reader_sent(&reader, &d);
}

static void expect(const char *message)
{
    expect_queued(0, message);
}

static void expect_nothing_until(uint64_t deadline)
{
    wick_delivery d;
    CHECK_STATUS(wick_reader_next(&reader, &stream, 0, now, &d), WICK_MORE);
    CHECK(wick_reader_deadline(&reader) == deadline);
}

/* ---- Merging --------------------------------------------------------------------------------------------- */

#define GOT(range, type, payload) "{" range ",\"type\":\"" type "\",\"invocation_id\":\"r1\",\"payload\":" payload "}"

static void the_first_piece_goes_at_once(void)
{
    set_up();
    append(TOKEN("m1", "a"));
    expect(GOT("\"seq\":1", "agent.token", "{\"message_id\":\"m1\",\"text\":\"a\"}"));
    now += 5;
    append(TOKEN("m1", "b"));
    expect_nothing_until(now + 16);
    now += 10;
    append(TOKEN("m1", "c"));
    expect_nothing_until(now + 6);
    now += 6;
    expect(GOT("\"seq\":3,\"first_seq\":2", "agent.token", "{\"message_id\":\"m1\",\"text\":\"bc\"}"));
    append(TOKEN("m2", "x")); /* another message begins */
    expect(GOT("\"seq\":4", "agent.token", "{\"message_id\":\"m2\",\"text\":\"x\"}"));
    append(TOKEN("m2", "y"));
    append(OF_RUN("agent.log", "r1", "{\"level\":\"info\",\"message\":\"l\"}")); /* a barrier flushes */
    expect(GOT("\"seq\":5", "agent.token", "{\"message_id\":\"m2\",\"text\":\"y\"}"));
    expect(GOT("\"seq\":6", "agent.log", "{\"level\":\"info\",\"message\":\"l\"}"));
    expect_nothing_until(WICK_NEVER);
}

static void done_ends_a_message(void)
{
    set_up();
    append(TOKEN("m1", "a"));
    append(TOKEN("m1", "\\u00e9\\n"));
    append(LAST("m1", "c"));
    append(TOKEN("m1", "d"));
    expect(GOT("\"seq\":3,\"first_seq\":1", "agent.token", "{\"message_id\":\"m1\",\"text\":\"a\\u00e9\\nc\",\"done\":true}"));
    expect(GOT("\"seq\":4", "agent.token", "{\"message_id\":\"m1\",\"text\":\"d\"}"));
}

static void a_thousand_bytes_are_enough(void)
{
    char message[600], piece[401];
    wick_delivery d;
    set_up();
    memset(piece, 'x', 400);
    piece[400] = 0;
    snprintf(message, sizeof message, TOKEN("m1", "%s"), piece);
    for (int i = 0; i < 9; i++)
        append(message);
    for (unsigned seq = 3; seq <= 9; seq += 3) {
        CHECK_STATUS(wick_reader_next(&reader, &stream, 0, now, &d), WICK_OK);
        CHECK(d.first_seq == seq - 2 && d.seq == seq && d.events == 3);
        wick_reader_sent(&reader, &d);
    }
    /* The same for a slow reader: one message, and a longer wait. */
    wick_reader_leave(&reader, &stream, now);
    CHECK_STATUS(wick_reader_init(&reader, &stream, 0), WICK_OK);
    CHECK_STATUS(wick_reader_next(&reader, &stream, WICK_SLOW_BYTES, now, &d), WICK_OK);
    CHECK(d.first_seq == 1 && d.seq == 9 && d.events == 9);
    wick_reader_sent(&reader, &d);
    append(message);
    CHECK_STATUS(wick_reader_next(&reader, &stream, WICK_SLOW_BYTES, now, &d), WICK_MORE);
    CHECK_INT(wick_reader_deadline(&reader), now + 250);
    CHECK_STATUS(wick_reader_next(&reader, &stream, WICK_STOP_BYTES, now + 250, &d), WICK_BLOCKED);
    CHECK_STATUS(wick_reader_next(&reader, &stream, WICK_STOP_BYTES - 1, now + 250, &d), WICK_OK);
}

static void merging_can_be_off(void)
{
    set_up();
    wick_reader_tune(&reader, 0, NULL);
    append(TOKEN("m1", "a"));
    append(TOKEN("m1", "b"));
    expect(GOT("\"seq\":1", "agent.token", "{\"message_id\":\"m1\",\"text\":\"a\"}"));
    expect(GOT("\"seq\":2", "agent.token", "{\"message_id\":\"m1\",\"text\":\"b\"}"));
}

static void later_values_replace_earlier_ones(void)
{
    static const char *const rows[][3] = {
        {"agent.usage", "{\"output_tokens\":1,\"model\":\"m\"}", "{\"output_tokens\":2}"},
        {"agent.progress", "{\"progress\":1,\"step\":\"s\"}", "{\"progress\":2,\"total\":3,\"step\":\"s\"}"},
        {"agent.progress", "{\"progress\":1}", "{\"progress\":2}"},
        {"coordinator.metrics", "{\"metrics\":{\"a\":1}}", "{\"metrics\":{\"a\":2}}"},
        {"agent.status", "{\"agent_name\":\"a\",\"status\":\"idle\"}", "{\"agent_name\":\"a\",\"status\":\"busy\"}"}};
    char one[200], two[200], want[200];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        set_up();
        snprintf(one, sizeof one, OF_RUN("%s", "r1", "%s"), rows[i][0], rows[i][1]);
        snprintf(two, sizeof two, OF_RUN("%s", "r1", "%s"), rows[i][0], rows[i][2]);
        append(one);
        append(two);
        snprintf(want, sizeof want, GOT("\"seq\":2,\"first_seq\":1", "%s", "%s"), rows[i][0], rows[i][2]);
        expect(want);
    }
}

static void the_limit_is_reached_exactly(void)
{
    char message[700], piece[513];
    wick_delivery d;
    set_up();
    memset(piece, 'x', 512);
    piece[512] = 0;
    snprintf(message, sizeof message, TOKEN("m1", "%s"), piece);
    for (int i = 0; i < 4; i++)
        append(message);
    CHECK_STATUS(wick_reader_next(&reader, &stream, 0, now, &d), WICK_OK);
    CHECK_INT(d.events, WICK_MERGE_BYTES / 512);
}

/* Pairs that must not become one message. */
static void what_differs_stays_apart(void)
{
    static const char *const rows[][2] = {
        {TOKEN("m1", "a"), TOKEN("m2", "a")},
        {TOKEN("m1", "a"), OF_RUN("agent.token", "r2", "{\"message_id\":\"m1\",\"text\":\"a\"}")},
        {TOKEN("m1", "a"), OF_RUN("agent.thought", "r1", "{\"message_id\":\"m1\",\"text\":\"a\"}")},
        {TOKEN("m1", "a"), OF_RUN("agent.token", "r1", "{\"message_id\":\"m1\",\"text\":\"a\",\"role\":\"tool\"}")},
        {TOKEN("m1", "a"), OF_RUN("agent.token", "r1\",\"agent_id\":\"a", "{\"message_id\":\"m1\",\"text\":\"a\"}")},
        {TOKEN("m1", "a"), OF_RUN("agent.token", "r1\",\"meta\":{\"a\":1},\"room\":\"a",
                                  "{\"message_id\":\"m1\",\"text\":\"a\"}")},
        {OF_RUN("agent.action", "r1", "{\"call_id\":\"c\",\"phase\":\"args\",\"args_delta\":\"a\"}"),
         OF_RUN("agent.action", "r1", "{\"call_id\":\"d\",\"phase\":\"args\",\"args_delta\":\"a\"}")},
        {OF_RUN("agent.action", "r1", "{\"call_id\":\"c\",\"phase\":\"args\",\"args\":{}}"),
         OF_RUN("agent.action", "r1", "{\"call_id\":\"c\",\"phase\":\"args\",\"args\":{}}")},
        {OF_RUN("agent.progress", "r1", "{\"progress\":1,\"step\":\"a\"}"),
         OF_RUN("agent.progress", "r1", "{\"progress\":2,\"step\":\"b\"}")},
        {OF_RUN("agent.progress", "r1", "{\"progress\":1}"), OF_RUN("agent.progress", "r1", "{\"progress\":2,\"step\":\"\"}")},
        {OF_RUN("agent.usage", "r1", "{}"), OF_RUN("agent.usage", "r2", "{}")},
        {OF_RUN("agent.status", "r1", "{\"agent_name\":\"a\",\"status\":\"idle\"}"),
         OF_RUN("agent.status", "r1", "{\"agent_name\":\"b\",\"status\":\"idle\"}")},
        {OF_RUN("agent.output", "r1", "{\"kind\":\"final\",\"content\":1}"),
         OF_RUN("agent.output", "r1", "{\"kind\":\"final\",\"content\":1}")},
        {OF_RUN("agent.token", "r1", "{\"done\":true,\"message_id\":\"m1\",\"text\":\"a\"}"),
         OF_RUN("agent.token", "r1", "{\"done\":true,\"message_id\":\"m1\",\"text\":\"a\"}")},
        {"{\"type\":\"x.a\"}", "{\"type\":\"x.a\"}"}};
    wick_delivery d;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        set_up();
        append(rows[i][0]);
        append(rows[i][1]);
        CHECK_STATUS(wick_reader_next(&reader, &stream, 0, now, &d), WICK_OK);
        if (d.seq != 1)
            test_fail(__FILE__, __LINE__, "%s merged with %s", rows[i][0], rows[i][1]);
    }
}

static void skipped_events_make_no_gap(void)
{
    wick_want want = WICK_WANT_NONE;
    set_up();
    CHECK_STATUS(wick_want_add(&want, "agent.t*", 8), WICK_OK);
    wick_reader_tune(&reader, 16, &want);
    append(OF_RUN("agent.started", "r1", "{}"));
    append(OF_RUN("agent.usage", "r1", "{}"));
    append(TOKEN("m1", "a"));
    append(OF_RUN("agent.usage", "r1", "{}"));
    append(TOKEN("m1", "b"));
    append(OF_RUN("agent.usage", "r1", "{}"));
    expect(GOT("\"seq\":5,\"first_seq\":1", "agent.token", "{\"message_id\":\"m1\",\"text\":\"ab\"}"));
    expect_nothing_until(WICK_NEVER);
    append(LAST("m1", "c"));
    expect(GOT("\"seq\":7,\"first_seq\":6", "agent.token", "{\"message_id\":\"m1\",\"text\":\"c\",\"done\":true}"));
    CHECK_INT(wick_reader_cursor(&reader), 7);
}

static void patterns_match_types(void)
{
    static const struct {
        const char *pattern, *name;
        wick_type type;
        int matches;
    } rows[] = {{"*", "agent.token", WICK_TYPE_AGENT_TOKEN, 1},   {"agent.*", "agent.token", WICK_TYPE_AGENT_TOKEN, 1},
                {"agent", "agent.token", WICK_TYPE_AGENT_TOKEN, 0}, {"*.token", "agent.token", WICK_TYPE_AGENT_TOKEN, 1},
                {"a*t*n", "agent.token", WICK_TYPE_AGENT_TOKEN, 1}, {"a*t*x", "agent.token", WICK_TYPE_AGENT_TOKEN, 0},
                {"agent.token", "agent.thought", WICK_TYPE_AGENT_THOUGHT, 0},
                {"agent.token", "agent.token.x", WICK_TYPE_UNKNOWN, 0},
                {"x.*", "x.chart", WICK_TYPE_APPLICATION, 1},       {"x.c**t", "x.chart", WICK_TYPE_APPLICATION, 1},
                {"x.chart", "x.chart", WICK_TYPE_APPLICATION, 1},   {"x.chart", "x.char", WICK_TYPE_APPLICATION, 0},
                {"agent.*", "x.chart", WICK_TYPE_APPLICATION, 0},   {"agent.*", "agent.new", WICK_TYPE_UNKNOWN, 1}};
    wick_want full = WICK_WANT_NONE;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        wick_want want = WICK_WANT_NONE;
        CHECK_STATUS(wick_want_add(&want, rows[i].pattern, strlen(rows[i].pattern)), WICK_OK);
        CHECK(!wick_want_has(&want, WICK_TYPE_ERROR, "error", 5) || rows[i].pattern[0] == '*');
        if (wick_want_has(&want, rows[i].type, rows[i].name, strlen(rows[i].name)) != rows[i].matches)
            test_fail(__FILE__, __LINE__, "%s and %s", rows[i].pattern, rows[i].name);
    }
    CHECK(wick_want_has(NULL, WICK_TYPE_UNKNOWN, "q", 1));
    CHECK_STATUS(wick_want_add(&full, "", 0), WICK_E_ARG);
    memset(text, 'a', 65);
    CHECK_STATUS(wick_want_add(&full, text, 65), WICK_E_ARG);
    CHECK_STATUS(wick_want_add(&full, text, 64), WICK_OK);
    CHECK_STATUS(wick_want_add(&full, text, 64), WICK_OK);
    CHECK_STATUS(wick_want_add(&full, text, 64), WICK_E_SPACE);
    for (int i = 0; i < 100; i++)
        CHECK_STATUS(wick_want_add(&full, "agent.token", 11), WICK_OK); /* a known type takes no room */
}

/* ---- Appending and resuming ------------------------------------------------------------------------------ */

static void append_says_what_is_wrong(void)
{
    static const char *const bad[] = {"[1]", " {\"type\":\"x.a\"}", "", "{\"seq\":1,\"type\":\"x.a\"}",
                                      "{\"type\":\"agent.token\"}", "{\"type\":\"x.a\"", "{\"payload\":{}}"};
    wick_event event;
    uint64_t seq;
    set_up();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(wick_stream_append_message(&stream, bad[i], strlen(bad[i]), NULL, now, &seq) < 0);
    memset(text, ' ', sizeof text);
    text[0] = '{';
    CHECK_STATUS(wick_stream_append_message(&stream, text, sizeof text + 2, NULL, now, &seq), WICK_E_MESSAGE_TOO_BIG);
    memset(&event, 0, sizeof event);
    event.type = WICK_TYPE_AGENT_TOKEN;
    CHECK_STATUS(wick_stream_append(&stream, &event, 0, now, &seq), WICK_E_PAYLOAD);
    memset(text, 'a', sizeof text);
    event.as.agent_token.message_id = WICK_TEXT("m");
    event.as.agent_token.text = wick_text_of(text, sizeof text);
    CHECK_STATUS(wick_stream_append(&stream, &event, 0, now, &seq), WICK_E_MESSAGE_TOO_BIG);
    CHECK_INT(wick_stream_head(&stream), 0);
    event.as.agent_token.text = WICK_TEXT("a\"");
    CHECK_STATUS(wick_stream_append(&stream, &event, 0, now, &seq), WICK_OK);
    CHECK_INT(seq, 1);
    expect("{\"seq\":1,\"type\":\"agent.token\",\"payload\":{\"message_id\":\"m\",\"text\":\"a\\\"\"}}");
    CHECK_STATUS(wick_stream_init(&stream, &pool, NULL, 0, now), WICK_E_ARG);
    CHECK_STATUS(wick_stream_init(&stream, &pool, NULL, (uint64_t)WICK_INT_MAX + 1, now), WICK_E_ARG);
}

static void pool_configs_are_checked(void)
{
    static const wick_pool_config bad[] = {{1, 0, 0, 0},
                                           {sizeof *bad, 1, 504, 0},
                                           {sizeof *bad, 1, 1023, 0},
                                           {sizeof *bad, 1, 65544, 0},
                                           {sizeof *bad, 1, 0, UINT32_MAX}};
    wick_pool_config small = {sizeof small, 2, 512, 100};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_INT(wick_pool_size(&bad[i]), 0);
        CHECK_STATUS(wick_pool_init(&pool, &bad[i], text, sizeof text), WICK_E_CONFIG);
    }
    CHECK(wick_pool_size(&small) >= 1124 && wick_pool_size(&small) < 1200);
    CHECK_STATUS(wick_pool_init(&pool, &small, text, wick_pool_size(&small) - 1), WICK_E_SPACE);
    CHECK(wick_pool_size(NULL) > (size_t)WICK_DEFAULT_POOL_BLOCKS * WICK_DEFAULT_POOL_BLOCK_SIZE);
}

static void cursors_are_text(void)
{
    static const char *const bad[] = {"", ":", "1:", ":1", "1", "1:2:3", "1:2 ", " 1:2", "-1:2", "1:9007199254740992", "1x:2",
                                      "99999999999999999999:1", "1:0x2"};
    const wick_cursor largest = {WICK_INT_MAX, WICK_INT_MAX}, zero = {1, 0};
    wick_cursor cursor;
    char out[WICK_CURSOR_MAX];
    CHECK(wick_cursor_write(&largest, out) == 33 && memcmp(out, "9007199254740991:9007199254740991", 33) == 0);
    CHECK_STATUS(wick_cursor_read(out, 33, &cursor), WICK_OK);
    CHECK(cursor.epoch == WICK_INT_MAX && cursor.seq == WICK_INT_MAX);
    CHECK(wick_cursor_write(&zero, out) == 3 && memcmp(out, "1:0", 3) == 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_STATUS(wick_cursor_read(bad[i], strlen(bad[i]), &cursor), WICK_E_ARG);
}

static void resume_is_all_or_nothing(void)
{
    static const wick_stream_config config = {sizeof config, 10, 0, 0, 0, 0};
    wick_cursor cursor = {7, 0};
    wick_resume resume;
    wick_delivery d;
    set_up_with(100, 1024, &config);
    CHECK_INT(wick_stream_resume(&stream, &cursor, &resume), WICK_RESET_NONE);
    CHECK(resume.replay_count == 0 && resume.replay_from == 0 && resume.after == 0);
    for (int i = 0; i < 30; i++)
        append("{\"type\":\"x.a\"}");
    CHECK_INT(wick_stream_oldest(&stream), 21);
    cursor.seq = 20;
    CHECK_INT(wick_stream_resume(&stream, &cursor, &resume), WICK_RESET_NONE);
    CHECK(resume.replay_from == 21 && resume.replay_count == 10 && resume.after == 20);
    cursor.seq = 19;
    CHECK_INT(wick_stream_resume(&stream, &cursor, &resume), WICK_RESET_WINDOW_EXPIRED);
    CHECK(resume.after == 30 && resume.replay_count == 0);
    cursor.seq = 31;
    CHECK_INT(wick_stream_resume(&stream, &cursor, &resume), WICK_RESET_EPOCH_CHANGED);
    cursor.seq = 30;
    cursor.epoch = 8;
    CHECK_INT(wick_stream_resume(&stream, &cursor, &resume), WICK_RESET_EPOCH_CHANGED);
    CHECK(strcmp(wick_reset_name(WICK_RESET_SLOW_CONSUMER), "slow_consumer") == 0);
    CHECK(strcmp(wick_reset_name(WICK_RESET_NONE), "") == 0);
    CHECK_STATUS(wick_reader_init(&reader, &stream, 19), WICK_OK);
    CHECK_STATUS(wick_reader_next(&reader, &stream, 0, now, &d), WICK_E_STREAM_LOST);
    CHECK_STATUS(wick_reader_next(&reader, &stream, WICK_STOP_BYTES, now, &d), WICK_E_STREAM_LOST);
}

static void acks_are_cumulative(void)
{
    set_up();
    wick_reader_tune(&reader, 0, NULL);
    append(TOKEN("m", "a"));
    append(TOKEN("m", "b"));
    expect(GOT("\"seq\":1", "agent.token", "{\"message_id\":\"m\",\"text\":\"a\"}"));
    CHECK_STATUS(wick_reader_ack(&reader, 2), WICK_E_ARG);
    expect(GOT("\"seq\":2", "agent.token", "{\"message_id\":\"m\",\"text\":\"b\"}"));
    CHECK_INT(wick_reader_unacked(&reader), 2);
    CHECK_STATUS(wick_reader_ack(&reader, 2), WICK_OK);
    CHECK_STATUS(wick_reader_ack(&reader, 1), WICK_OK);
    CHECK_INT(wick_reader_unacked(&reader), 0);
}

static void a_stream_expires(void)
{
    set_up_with(100, 1024, NULL);
    CHECK_INT(wick_stream_deadline(&stream), now + 120000);
    wick_reader_init(&reader, &stream, 0);
    CHECK(wick_stream_deadline(&stream) == WICK_NEVER);
    wick_stream_hold(&stream);
    now += 50000;
    wick_reader_leave(&reader, &stream, now);
    CHECK(wick_stream_deadline(&stream) == WICK_NEVER);
    now += 500000;
    wick_stream_release(&stream, now);
    CHECK_INT(wick_stream_deadline(&stream), now + 120000);
    CHECK(wick_stream_epoch(&stream) == 7);
}

static void limits_by_count_and_by_bytes(void)
{
    static const wick_stream_config config = {sizeof config, 5, 1000, 0, 0, 0};
    char message[2000], piece[1500];
    set_up_with(100, 512, &config);
    for (int i = 0; i < 9; i++)
        append("{\"type\":\"x.a\"}");
    CHECK_INT(wick_stream_oldest(&stream), 5);
    memset(piece, 'p', sizeof piece);
    snprintf(message, sizeof message, "{\"type\":\"x.a\",\"payload\":{\"p\":\"%.960s\"}}", piece);
    append(message);
    CHECK_INT(wick_stream_oldest(&stream), 10);
    snprintf(message, sizeof message, "{\"type\":\"x.a\",\"payload\":{\"p\":\"%.1400s\"}}", piece);
    append(message); /* the newest stays, however large */
    CHECK_INT(wick_stream_oldest(&stream), 11);
    append("{\"type\":\"x.a\"}");
    CHECK_INT(wick_stream_oldest(&stream), 12);
    CHECK_INT(wick_stream_trim(&stream, 0, 0), 1);
    CHECK_INT(pool.free_count, pool.block_count);
    append("{\"type\":\"x.a\"}");
    CHECK_INT(wick_stream_head(&stream), 13);
}

/* ---- The snapshot ---------------------------------------------------------------------------------------- */

static const char *snapshot(void)
{
    size_t len = 0;
    CHECK_STATUS(wick_stream_snapshot(&stream, text, sizeof text - 1, &len), WICK_OK);
    text[len < sizeof text ? len : 0] = 0;
    return text;
}

static void expect_snapshot(const char *want)
{
    if (strcmp(snapshot(), want) != 0)
        test_fail(__FILE__, __LINE__, "%s, want %s", text, want);
}

static void the_snapshot_tells_how_runs_stand(void)
{
    set_up();
    expect_snapshot("{\"invocations\":[]}");
    append("{\"type\":\"agent.started\",\"invocation_id\":\"r\\\"1\",\"agent_id\":\"guide.content\"}");
    append("{\"type\":\"agent.token\",\"invocation_id\":\"r\\u00221\",\"payload\":{\"message_id\":\"m1\",\"text\":\"a\\n\"}}");
    append(OF_RUN("agent.token", "r\\\"1", "{\"message_id\":\"m2\",\"text\":\"b\",\"role\":\"tool\"}"));
    append(OF_RUN("agent.token", "r\\\"1", "{\"message_id\":\"m1\",\"text\":\"c\",\"done\":true}"));
    append("{\"type\":\"agent.usage\",\"invocation_id\":\"r\\\"1\",\"payload\":{\"output_tokens\":1}}");
    append("{\"type\":\"agent.usage\",\"invocation_id\":\"r\\\"1\",\"payload\":{\"output_tokens\":22}}");
    append(OF_RUN("agent.input_request", "r2",
                  "{\"request_id\":\"q\",\"question\":\"?\",\"timeout_ms\":1,\"expires_at\":1}"));
    wick_stream_trim(&stream, 0, 0); /* the log is not needed for it */
    expect_snapshot("{\"invocations\":[{\"invocation_id\":\"r\\\"1\",\"agent_id\":\"guide.content\",\"status\":\"running\","
                    "\"messages\":[{\"message_id\":\"m1\",\"role\":\"assistant\",\"text\":\"a\\nc\",\"done\":true},"
                    "{\"message_id\":\"m2\",\"role\":\"tool\",\"text\":\"b\",\"done\":false}],\"usage\":{\"output_tokens\":22}},"
                    "{\"invocation_id\":\"r2\",\"status\":\"waiting_input\",\"messages\":[]}]}");
    append(OF_RUN("agent.input_resolved", "r2", "{\"request_id\":\"q\",\"outcome\":\"answered\"}"));
    append(OF_RUN("agent.failed", "r\\\"1", "{\"error\":{\"code\":\"CANCELLED\",\"message\":\"m\",\"retryable\":false}}"));
    append(TOKEN("late", "x")); /* r1 begins here, and stays apart from r"1 */
    append(OF_RUN("agent.token", "r\\\"1", "{\"message_id\":\"m1\",\"text\":\"too late\"}"));
    append(OF_RUN("agent.completed", "r1", "{\"usage\":{\"output_tokens\":3}}"));
    append(OF_RUN("agent.failed", "r3", "{\"error\":{\"code\":\"AGENT_NOT_FOUND\",\"message\":\"m\",\"retryable\":false}}"));
    expect_snapshot("{\"invocations\":[{\"invocation_id\":\"r\\\"1\",\"agent_id\":\"guide.content\",\"status\":\"cancelled\","
                    "\"messages\":[{\"message_id\":\"m1\",\"role\":\"assistant\",\"text\":\"a\\nc\",\"done\":true},"
                    "{\"message_id\":\"m2\",\"role\":\"tool\",\"text\":\"b\",\"done\":true}],\"usage\":{\"output_tokens\":22}},"
                    "{\"invocation_id\":\"r1\",\"status\":\"completed\",\"messages\":[{\"message_id\":\"late\","
                    "\"role\":\"assistant\",\"text\":\"x\",\"done\":true}],\"usage\":{\"output_tokens\":3}},"
                    "{\"invocation_id\":\"r3\",\"status\":\"failed\",\"messages\":[]},"
                    "{\"invocation_id\":\"r2\",\"status\":\"running\",\"messages\":[]}]}");
    wick_stream_free(&stream);
    CHECK_INT(pool.free_count, pool.block_count);
}

/* What is left of a text that outgrew its limit is the end of it, cut between characters and escapes. */
static void a_text_above_the_limit_loses_its_front(void)
{
    static const char *const pieces[] = {"abc", "\\n", "\xC3\xA9", "\\ud83d\\ude00", "\xE2\x82\xAC", "\\ud7ff", "\\u0041",
                                         "\xF0\x9F\x98\x80", "\\\\", "\\\""};
    static const wick_stream_config config = {sizeof config, 0, 0, 0, 3000, 0};
    static char all[100000], message[3000], piece[2000];
    const char *at, *end;
    size_t used = 0;
    set_up_with(200, 512, &config);
    append(OF_RUN("agent.token", "ended", "{\"message_id\":\"m\",\"text\":\"goes first\"}"));
    append(OF_RUN("agent.completed", "ended", "{}"));
    while (used < 20000) {
        piece[0] = 0;
        for (size_t n = 1 + test_below(30); n > 0; n--)
            strcat(piece, pieces[test_below(sizeof pieces / sizeof *pieces)]);
        snprintf(message, sizeof message, TOKEN("m", "%s"), piece);
        append(message);
        strcpy(all + used, piece);
        used += strlen(piece);
        CHECK(stream.text <= 3000);
        snapshot();
        CHECK_STATUS(wick_json_check(NULL, text, strlen(text), NULL), WICK_OK);
        if (used < 2500)
            CHECK(!strstr(text, "truncated") && strstr(text, all));
    }
    CHECK(!strstr(text, "goes first"));
    CHECK(strstr(text, "\"status\":\"running\",\"truncated\":true,") != NULL);
    at = strstr(text, "\"text\":\"") + 8;
    end = strstr(at, "\",\"done\":");
    CHECK(end - at > 2000 && end - at <= 3000);
    CHECK(memcmp(all + used - (size_t)(end - at), at, (size_t)(end - at)) == 0);
}

static void many_messages_are_bounded(void)
{
    char message[200];
    set_up();
    for (unsigned i = 0; i < WICK_STREAM_CHANGES + 500; i++) {
        snprintf(message, sizeof message, TOKEN("m%u", "t%u"), i, i);
        append(message);
    }
    snapshot();
    CHECK(strstr(text, "\"truncated\":true") && !strstr(text, "\"m0\""));
    CHECK(strstr(text, "\"message_id\":\"m2547\",\"role\":\"assistant\",\"text\":\"t2547\"") != NULL);
    CHECK_STATUS(wick_json_check(NULL, text, strlen(text), NULL), WICK_OK);
}

/* ---- The pool -------------------------------------------------------------------------------------------- */

static void a_flood_eats_its_own_history(void)
{
    static wick_stream quiet[20];
    char message[600], piece[401];
    set_up_with(200, 512, NULL);
    memset(piece, 'x', 400);
    piece[400] = 0;
    snprintf(message, sizeof message, "{\"type\":\"x.a\",\"payload\":{\"p\":\"%s\"}}", piece);
    for (int i = 0; i < 20; i++) {
        CHECK_STATUS(wick_stream_init(&quiet[i], &pool, NULL, 7, now), WICK_OK);
        for (int k = 0; k < 3; k++)
            append_to(&quiet[i], "{\"type\":\"x.a\"}");
    }
    for (int i = 0; i < 3000; i++)
        append(message);
    CHECK(wick_stream_oldest(&stream) > 2000);
    CHECK(pool.evicted > 2000);
    for (int i = 0; i < 20; i++)
        CHECK_INT(wick_stream_oldest(&quiet[i]), 1);
    for (int i = 0; i < 200; i++) /* a quiet one that begins to speak takes from the large one */
        append_to(&quiet[0], message);
    CHECK(wick_stream_head(&quiet[0]) + 1 - wick_stream_oldest(&quiet[0]) > 60);
    CHECK(wick_stream_head(&stream) + 1 - wick_stream_oldest(&stream) > 60);
    for (int i = 1; i < 20; i++)
        CHECK_INT(wick_stream_oldest(&quiet[i]), 1);
}

static void a_full_pool_is_an_answer(void)
{
    char message[200], *large = text;
    wick_stream other;
    unsigned i;
    set_up_with(10, 512, NULL);
    CHECK_STATUS(wick_stream_init(&other, &pool, NULL, 7, now), WICK_OK);
    for (i = 0; i < 20; i++) { /* each run that goes on needs a block */
        snprintf(message, sizeof message, OF_RUN("agent.started", "run%u", "{}"), i);
        if (wick_stream_append_message(&stream, message, strlen(message), NULL, now, NULL) != WICK_OK)
            break;
    }
    CHECK(i >= 6 && i < 10);
    CHECK_STATUS(wick_stream_append_message(&stream, message, strlen(message), NULL, now, NULL), WICK_E_STREAM_FULL);
    CHECK_INT(wick_stream_head(&stream), i);
    snprintf(message, sizeof message, OF_RUN("agent.completed", "run%u", "{}"), 0);
    memset(large, ' ', 8000);
    memcpy(large, "{\"type\":\"x.a\"", 13);
    large[7999] = '}';
    CHECK_STATUS(wick_stream_append_message(&stream, large, 8000, NULL, now, NULL), WICK_E_STREAM_FULL);
    wick_stream_free(&stream);
    CHECK_INT(pool.free_count, 10);
    append_to(&other, "{\"type\":\"x.a\"}");
}

/* ---- Cost ------------------------------------------------------------------------------------------------ */

/* Steps of one append, one read and one search with `events` events in the log. */
static void measure(uint32_t events, uint64_t steps[3])
{
    wick_stream_config config = {sizeof config, events, 1u << 30, 0, 0, 0};
    wick_reader late;
    wick_delivery d;
    uint64_t before;
    set_up_with(7000, 1024, &config);
    wick_reader_init(&reader, &stream, 0);
    wick_reader_tune(&reader, 0, NULL);
    for (uint32_t i = 0; i < 2 * events; i++) {
        append(TOKEN("m", "some text"));
        if (wick_reader_next(&reader, &stream, 0, now, &d) == WICK_OK)
            wick_reader_sent(&reader, &d);
    }
    before = pool.steps;
    append(TOKEN("m", "some text"));
    steps[0] = pool.steps - before;
    before = pool.steps;
    CHECK_STATUS(wick_reader_next(&reader, &stream, 0, now, &d), WICK_OK);
    steps[1] = pool.steps - before;
    wick_reader_sent(&reader, &d);
    steps[2] = 0;
    for (uint64_t seq = wick_stream_oldest(&stream); seq < wick_stream_head(&stream); seq += 1 + events / 100) {
        CHECK_STATUS(wick_reader_init(&late, &stream, seq), WICK_OK);
        wick_reader_tune(&late, 0, NULL);
        before = pool.steps;
        CHECK_STATUS(wick_reader_next(&late, &stream, 0, now, &d), WICK_OK);
        CHECK(d.seq == seq + 1);
        if (pool.steps - before > steps[2])
            steps[2] = pool.steps - before;
    }
}

static void cost_does_not_grow_with_the_log(void)
{
    uint64_t small[3], large[3];
    measure(50, small);
    measure(25000, large);
    printf("# steps with 50 and 25000 events: append %llu %llu, read %llu %llu, search %llu %llu\n",
           (unsigned long long)small[0], (unsigned long long)large[0], (unsigned long long)small[1],
           (unsigned long long)large[1], (unsigned long long)small[2], (unsigned long long)large[2]);
    CHECK(large[0] <= small[0] + 4);
    CHECK(large[1] <= small[1] + 4);
    CHECK(large[2] <= 60);
}

/* A reader that looks at every append while it waits still looks at each event once. */
static void waiting_readers_do_not_look_twice(void)
{
    wick_delivery d;
    uint64_t before;
    set_up();
    append(TOKEN("m", "x"));
    expect(GOT("\"seq\":1", "agent.token", "{\"message_id\":\"m\",\"text\":\"x\"}"));
    before = pool.steps;
    for (int i = 0; i < 1000; i++) {
        append(TOKEN("m", "x"));
        CHECK_STATUS(wick_reader_next(&reader, &stream, 0, now, &d), WICK_MORE);
    }
    CHECK(pool.steps - before < 10000);
}

static void quiet_streams_cost_little(void)
{
    static wick_stream streams[500];
    set_up_with(2000, 1024, NULL);
    for (int i = 0; i < 500; i++)
        CHECK_STATUS(wick_stream_init(&streams[i], &pool, NULL, 7, now), WICK_OK);
    CHECK_INT(pool.free_count, 2000);
    for (int i = 0; i < 500; i++) {
        append_to(&streams[i], OF_RUN("agent.started", "r1", "{}"));
        append_to(&streams[i], TOKEN("m", "Hello"));
        append_to(&streams[i], OF_RUN("agent.completed", "r1", "{}"));
    }
    CHECK_INT(pool.free_count, 2000 - 1000); /* one block of log, one of run */
    CHECK(sizeof(wick_stream) <= 288 && sizeof(wick_reader) <= 128);
    for (int i = 0; i < 500; i++)
        wick_stream_free(&streams[i]);
    CHECK_INT(pool.free_count, 2000);
}

int main(void)
{
    RUN(the_first_piece_goes_at_once);
    RUN(done_ends_a_message);
    RUN(a_thousand_bytes_are_enough);
    RUN(the_limit_is_reached_exactly);
    RUN(merging_can_be_off);
    RUN(later_values_replace_earlier_ones);
    RUN(what_differs_stays_apart);
    RUN(skipped_events_make_no_gap);
    RUN(patterns_match_types);
    RUN(append_says_what_is_wrong);
    RUN(pool_configs_are_checked);
    RUN(cursors_are_text);
    RUN(resume_is_all_or_nothing);
    RUN(acks_are_cumulative);
    RUN(a_stream_expires);
    RUN(limits_by_count_and_by_bytes);
    RUN(the_snapshot_tells_how_runs_stand);
    RUN(a_text_above_the_limit_loses_its_front);
    RUN(many_messages_are_bounded);
    RUN(a_flood_eats_its_own_history);
    RUN(a_full_pool_is_an_answer);
    RUN(cost_does_not_grow_with_the_log);
    RUN(waiting_readers_do_not_look_twice);
    RUN(quiet_streams_cost_little);
    return test_end();
}
