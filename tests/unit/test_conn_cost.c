/*
 * What a peer can make a connection cost: memory follows what has come and never what was announced, and every byte is
 * touched a fixed number of times. Counted, not timed: bytes that pass through the kernels, blocks that are asked for, bytes
 * that move because a block grew.
 */
#include "lib/recorder.h"
#include "lib/streams.h"
#include "lib/test.h"

#include <stdlib.h>

static uint64_t touched;

static void count_mask(uint8_t *dst, const uint8_t *src, size_t len, uint32_t key)
{
    touched += len;
    wick_kernels_portable()->mask(dst, src, len, key);
}

static size_t count_utf8(uint32_t *state, const uint8_t *data, size_t len)
{
    touched += len;
    return wick_kernels_portable()->utf8(state, data, len);
}

static size_t count_unmask_utf8(uint32_t *state, uint8_t *data, size_t len, uint32_t key)
{
    touched += len;
    return wick_kernels_portable()->unmask_utf8(state, data, len, key);
}

static const wick_kernels counting = {"counting", count_mask, count_utf8, count_unmask_utf8};

static void begin(recorder *r, int way)
{
    recorder_init(r, WICK_SERVER, way);
    r->config.kernels = &counting;
    r->config.max_frame = r->config.max_message = UINT64_MAX;
    r->config.max_fragments = UINT32_MAX;
    recorder_restart(r, 0);
    touched = 0;
}

/* Feed in pieces of `step` bytes; output must not block. */
static void feed(recorder *r, const bytes *stream, size_t step)
{
    uint8_t *copy = malloc(step);
    for (size_t at = 0, n; at < stream->len && !test_failed(); at += n) {
        size_t used;
        n = step < stream->len - at ? step : stream->len - at;
        memcpy(copy, stream->data + at, n);
        CHECK_STATUS(wick_conn_recv(r->conn, copy, n, &used, 0), WICK_OK);
        CHECK_INT(used, n);
    }
    free(copy);
}

static void flood(bytes *to, unsigned first_byte, size_t len, size_t count)
{
    uint8_t payload[200] = {0};
    for (size_t i = 0; i < count; i++)
        stream_frame(to, WICK_SERVER, first_byte, payload, len);
}

static void a_ping_flood_needs_no_memory(void)
{
    recorder r;
    bytes stream = {0};
    flood(&stream, 0x89, 4, 20000);
    begin(&r, WAY_WHOLE);
    feed(&r, &stream, stream.len);
    CHECK_INT(r.calls[CALL_PING], 20000);
    CHECK_INT(r.calls[CALL_OUTPUT], 20000);
    CHECK_INT(r.calls[CALL_MEMORY], 0);
    CHECK(touched <= 20000 * 4);
    recorder_free(&r);

    /* Cut anywhere: one control frame at a time is put together. */
    begin(&r, WAY_WHOLE);
    feed(&r, &stream, 7);
    CHECK_INT(r.calls[CALL_PING], 20000);
    CHECK(r.lent_bytes_most <= WICK_CONTROL_MAX && r.lent_most == 1);
    CHECK_INT(r.lent_now, 0);
    CHECK(touched <= 2 * 20000 * 4);
    recorder_free(&r);
    bytes_free(&stream);
}

static int block_output(recorder *r, call which)
{
    (void)r;
    return which == CALL_OUTPUT ? WICK_BLOCKED : 0;
}

/* The first ping that cannot be answered stops everything: the rest stays in the host's hands, and in TCP's. */
static void wslay_ping_flood_on_a_blocked_output_queues_nothing(void)
{
    recorder r;
    bytes stream = {0};
    size_t used;
    flood(&stream, 0x89, 4, 1000);
    begin(&r, WAY_WHOLE);
    r.decide = block_output;
    for (int i = 0; i < 100; i++) {
        bytes before = {0};
        bytes_add(&before, stream.data, stream.len);
        CHECK_STATUS(wick_conn_recv(r.conn, stream.data, stream.len, &used, 0), WICK_BLOCKED);
        CHECK_INT(used, 0);
        CHECK_MEM(stream.data, before.data, stream.len);
        bytes_free(&before);
    }
    CHECK_INT(r.calls[CALL_PING], 0);
    CHECK_INT(r.calls[CALL_MEMORY], 0);
    CHECK(touched <= 100 * 2 * 4);
    r.decide = NULL;
    feed(&r, &stream, stream.len);
    CHECK_INT(r.calls[CALL_PING], 1000);
    recorder_free(&r);
    bytes_free(&stream);
}

static void empty_fragments_cost_nothing(void)
{
    for (int way = 0; way < WAY_COUNT; way++)
        for (size_t step = 5; step <= 60000; step += 59995) {
            recorder r;
            bytes stream = {0};
            flood(&stream, 0x01, 0, 1);
            flood(&stream, 0x00, 0, 30000);
            begin(&r, way);
            feed(&r, &stream, step);
            CHECK_INT(r.calls[CALL_MEMORY], 0);
            CHECK_INT(r.calls[CALL_SLICE], 0);
            CHECK_INT(touched, 0);
            recorder_free(&r);
            bytes_free(&stream);
        }
}

static void the_default_limit_stops_empty_fragments(void)
{
    recorder r;
    bytes stream = {0};
    wick_conn_error error;
    size_t used;
    flood(&stream, 0x01, 0, 1);
    flood(&stream, 0x00, 0, WICK_DEFAULT_MAX_FRAGMENTS + 10);
    recorder_init(&r, WICK_SERVER, WAY_WHOLE);
    CHECK_STATUS(wick_conn_recv(r.conn, stream.data, stream.len, &used, 0), WICK_E_TOO_MANY_FRAGMENTS);
    wick_conn_error_get(r.conn, &error);
    CHECK_INT(error.offset, 6 * (uint64_t)WICK_DEFAULT_MAX_FRAGMENTS);
    r.got.status = error.status;
    recorder_free(&r);
    bytes_free(&stream);
}

static void frames_of_one_byte_are_linear(void)
{
    static const size_t steps[] = {1, 7, 4096, SIZE_MAX / 2};
    for (size_t i = 0; i < 4; i++) {
        recorder r;
        bytes stream = {0};
        size_t n = 40000;
        flood(&stream, 0x01, 1, 1);
        flood(&stream, 0x00, 1, n - 2);
        flood(&stream, 0x80, 1, 1);
        begin(&r, WAY_WHOLE);
        feed(&r, &stream, steps[i] < stream.len ? steps[i] : stream.len);
        CHECK_INT(r.messages, 1);
        CHECK(r.calls[CALL_MEMORY] <= 20);   /* it doubles */
        CHECK(r.copied <= 2 * n);            /* so that all the copies together are less than twice the whole */
        CHECK(r.asked_most <= 2 * n);
        CHECK(touched <= n);
        recorder_free(&r);
        bytes_free(&stream);
    }
}

static void small_messages_in_one_read_are_linear(void)
{
    recorder r;
    bytes stream = {0};
    flood(&stream, 0x82, 1, 50000);
    flood(&stream, 0x82, 180, 1000);
    begin(&r, WAY_WHOLE);
    feed(&r, &stream, stream.len);
    CHECK_INT(r.messages, 51000);
    CHECK_INT(r.calls[CALL_MEMORY], 0);
    CHECK(touched <= stream.len);
    recorder_free(&r);
    bytes_free(&stream);
}

static void a_large_message_is_touched_once(void)
{
    static const unsigned opcodes[] = {WICK_TEXT, WICK_BINARY};
    size_t n = 1 << 20;
    uint8_t *payload = calloc(n, 1);
    for (int way = 0; way < WAY_COUNT; way++)
        for (size_t i = 0; i < 2; i++) {
            recorder r;
            bytes stream = {0};
            stream_frame(&stream, WICK_SERVER, 0x80 | opcodes[i], payload, n);
            begin(&r, way);
            feed(&r, &stream, 16384);
            CHECK_INT(r.messages, 1);
            CHECK_INT(touched, n);
            CHECK(r.copied <= 2 * n);
            CHECK(r.calls[CALL_MEMORY] <= 10);
            CHECK(r.lent_bytes_most <= 2 * n + 2 * 16384); /* the recorder lends the new block beside the old one */
            recorder_free(&r);
            bytes_free(&stream);
        }
    free(payload);
}

/* 14 bytes announce 2^40, 2^62: what is asked for is what came, and doubles with it. */
static void wslay_memory_follows_what_came_not_what_was_announced(void)
{
    for (unsigned bit = 20; bit <= 62; bit += 6) {
        recorder r;
        bytes stream = {0};
        uint8_t header[14] = {0x82, 0xFF};
        header[2 + 7 - bit / 8] = (uint8_t)(1u << bit % 8);
        bytes_add(&stream, header, sizeof header);
        begin(&r, WAY_WHOLE);
        feed(&r, &stream, stream.len);
        CHECK_INT(r.asked_most, 0);
        stream.len = 0;
        bytes_fill(&stream, 'x', 10);
        feed(&r, &stream, 10);
        CHECK_INT(r.asked_most, 10);
        for (size_t came = 20; came <= 5000; came += 10) {
            feed(&r, &stream, 10);
            CHECK(r.asked_most <= 2 * came);
        }
        recorder_free(&r);
        bytes_free(&stream);
    }
}

/* What is asked for never exceeds what a message may have. */
static void memory_stays_within_max_message(void)
{
    recorder r;
    bytes stream = {0};
    recorder_init(&r, WICK_SERVER, WAY_WHOLE);
    r.config.max_message = 1000;
    recorder_restart(&r, 0);
    flood(&stream, 0x01, 100, 1);
    flood(&stream, 0x00, 100, 8);
    flood(&stream, 0x80, 100, 1);
    feed(&r, &stream, 33);
    CHECK_INT(r.messages, 1);
    CHECK(r.asked_most <= 1000);
    recorder_free(&r);
    bytes_free(&stream);
}

/* Slices, and messages that lie in one read, take no memory whatever their size. */
static void slices_take_no_memory(void)
{
    uint8_t *payload = calloc(300000, 1);
    for (int way = 0; way < WAY_COUNT; way++) {
        recorder r;
        bytes stream = {0};
        stream_frame(&stream, WICK_SERVER, 0x82, payload, 300000);
        begin(&r, way);
        feed(&r, &stream, way == WAY_SLICES || way == WAY_ASK_SLICES ? 1000 : stream.len);
        CHECK_INT(r.messages, 1);
        CHECK_INT(r.calls[CALL_MEMORY], 0);
        recorder_free(&r);
        bytes_free(&stream);
    }
    free(payload);
}

/* Most that can be lent at a time: a message, a control frame that is cut, and a large send of a client. */
static size_t lent_during_send;

static int send_large_in_ping(recorder *r, call which)
{
    static uint8_t large[2000];
    if (which == CALL_PING) {
        CHECK_STATUS(wick_conn_send(r->conn, WICK_BINARY, large, sizeof large), WICK_OK);
        lent_during_send = r->lent_most;
    }
    return 0;
}

static void at_most_three_blocks_are_lent(void)
{
    recorder r;
    bytes stream = {0};
    recorder_init(&r, WICK_CLIENT, WAY_WHOLE);
    r.decide = send_large_in_ping;
    stream_frame(&stream, WICK_CLIENT, 0x01, "part", 4);
    stream_frame(&stream, WICK_CLIENT, 0x89, "ping", 4);
    stream_frame(&stream, WICK_CLIENT, 0x80, "part", 4);
    feed(&r, &stream, 1);
    CHECK_INT(lent_during_send, 3);
    CHECK_INT(r.lent_now, 0);
    CHECK_INT(r.messages, 1);
    recorder_free(&r);
    bytes_free(&stream);
}

/* Of a frame that is taken step by step, conn->part keeps the header: a mark there outlives the fast path alone. */
static void set_mark(recorder *r)
{
    memset(&r->conn->part, 0xA5, sizeof r->conn->part);
}

static int marked(const recorder *r)
{
    const uint8_t *at = (const uint8_t *)&r->conn->part;
    size_t i = 0;
    while (i < sizeof r->conn->part && at[i] == 0xA5)
        i++;
    return i == sizeof r->conn->part;
}

/* Whether the mark is still there behind three frames, fed together. */
static int mark_outlives(wick_role role, int way, unsigned first_byte, size_t len)
{
    static uint8_t payload[70000];
    recorder r;
    bytes stream = {0};
    int result;
    memset(payload, 'a', sizeof payload);
    for (int i = 0; i < 3; i++)
        stream_frame(&stream, role, first_byte, payload, len);
    recorder_init(&r, role, way);
    r.config.max_frame = r.config.max_message = 1u << 20; /* whatever the defaults of this build are */
    recorder_restart(&r, 0);
    set_mark(&r);
    feed(&r, &stream, stream.len);
    result = marked(&r);
    CHECK_INT(r.messages, 3);
    if (result)
        memset(&r.conn->part, 0, sizeof r.conn->part);
    recorder_free(&r);
    bytes_free(&stream);
    return result;
}

/* Nothing but a benchmark would notice otherwise that whole messages go the long way. */
static void whole_messages_take_the_fast_path(void)
{
    static const size_t lens[] = {0, 1, 15, 16, 125, 126, 127, 128, 129, 1000, 65534, 65535};
    for (int role = WICK_SERVER; role <= WICK_CLIENT; role++) {
        for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
            CHECK(mark_outlives((wick_role)role, WAY_WHOLE, 0x80 | WICK_TEXT, lens[i]));
            CHECK(mark_outlives((wick_role)role, WAY_WHOLE, 0x80 | WICK_BINARY, lens[i]));
        }
        /* And the mark tells: none of these can go that way. */
        CHECK(!mark_outlives((wick_role)role, WAY_WHOLE, 0x80 | WICK_TEXT, 65536));
        CHECK(!mark_outlives((wick_role)role, WAY_ASK_WHOLE, 0x80 | WICK_TEXT, 16));
        CHECK(!mark_outlives((wick_role)role, WAY_SLICES, 0x80 | WICK_TEXT, 16));
    }
}

int main(void)
{
    RUN(whole_messages_take_the_fast_path);
    RUN(a_ping_flood_needs_no_memory);
    RUN(wslay_ping_flood_on_a_blocked_output_queues_nothing);
    RUN(empty_fragments_cost_nothing);
    RUN(the_default_limit_stops_empty_fragments);
    RUN(frames_of_one_byte_are_linear);
    RUN(small_messages_in_one_read_are_linear);
    RUN(a_large_message_is_touched_once);
    RUN(wslay_memory_follows_what_came_not_what_was_announced);
    RUN(memory_stays_within_max_message);
    RUN(slices_take_no_memory);
    RUN(at_most_three_blocks_are_lent);
    return test_end();
}
