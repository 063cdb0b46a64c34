/*
 * What goes out: frames of every size in every way of sending, in every state, blocked and failing; masks, prepared messages,
 * fragments, close frames with every code.
 */
#include "lib/recorder.h"
#include "lib/streams.h"
#include "lib/test.h"
#include "oracle/frame.h"
#include "oracle/mask.h"

#include <stdlib.h>

#define BIG 70000

static int block_output(recorder *r, call which)
{
    (void)r;
    return which == CALL_OUTPUT ? WICK_BLOCKED : 0;
}

static int fail_memory(recorder *r, call which)
{
    (void)r;
    return which == CALL_MEMORY ? -1 : 0;
}

static int fail_random(recorder *r, call which)
{
    (void)r;
    return which == CALL_RANDOM ? -1 : 0;
}

static int fail_output(recorder *r, call which)
{
    (void)r;
    return which == CALL_OUTPUT ? -1 : 0;
}

static uint8_t *payload_of(size_t len)
{
    uint8_t *data = calloc(len + 1, 1);
    for (size_t i = 0; data && i < len; i++)
        data[i] = (uint8_t)(i * 31 + (i >> 8));
    return data;
}

static void check_log(recorder *r, const transcript *want, const char *what)
{
    if (strcmp(transcript_text(&r->got.log), transcript_text(want)) != 0)
        test_fail(__FILE__, __LINE__, "%s: [%.300s], want [%.300s]", what, transcript_text(&r->got.log),
                  transcript_text(want));
    transcript_clear(&r->got.log);
}

/* ---- Ways of sending a message as one frame --------------------------------------------------------------------- */

enum { SEND, SEND_SLICES, SEND_IN_PLACE, SEND_PREPARED, SEND_WHOLE_FRAGMENT, SEND_WAYS };

/* data is a copy of the payload that in-place sending may garble. */
static wick_status send_by(recorder *r, int way, unsigned opcode, uint8_t *data, size_t len)
{
    wick_slice slices[WICK_OUTPUT_SLICES - 1];
    wick_prepared prepared;
    wick_status status;
    switch (way) {
    case SEND: return wick_conn_send(r->conn, opcode, data, len);
    case SEND_SLICES:
        /* Uneven pieces, some of them empty. */
        for (size_t i = 0, at = 0; i < WICK_OUTPUT_SLICES - 1; i++) {
            slices[i].data = data + at;
            slices[i].len = i == WICK_OUTPUT_SLICES - 2 ? len - at : i % 4 == 2 ? 0 : (len - at) / 3;
            at += slices[i].len;
        }
        return wick_conn_send_slices(r->conn, opcode, slices, WICK_OUTPUT_SLICES - 1);
    case SEND_IN_PLACE: return wick_conn_send_in_place(r->conn, opcode, data, len);
    case SEND_PREPARED:
        status = wick_prepare(&prepared, opcode, data, len);
        return status == WICK_OK ? wick_conn_send_prepared(r->conn, &prepared) : status;
    default: return wick_conn_send_fragment(r->conn, opcode, data, len, 1);
    }
}

static void one_frame(wick_role role, int way, unsigned opcode, size_t len)
{
    recorder r;
    transcript want = {0};
    uint8_t *payload = payload_of(len), *data = test_guard_back(payload, len);
    recorder_init(&r, role, WAY_WHOLE);
    r.decide = block_output;
    CHECK_STATUS(send_by(&r, way, opcode, data, len), WICK_BLOCKED);
    CHECK_MEM(data, payload, len);
    CHECK_INT(r.output.len, 0);
    CHECK_INT(r.lent_now, 0);
    r.decide = NULL;
    CHECK_STATUS(send_by(&r, way, opcode, data, len), WICK_OK);
    transcript_out(&want, 1, opcode, payload, len);
    check_log(&r, &want, "one frame");
    /* Only in place is the data garbled, and that by the key on the wire. */
    if (role == WICK_CLIENT && way == SEND_IN_PLACE)
        oracle_mask(data, data, len, r.key);
    CHECK_MEM(data, payload, len);
    CHECK_INT(r.lent_now, 0);
    CHECK(r.lent_most == (role == WICK_CLIENT && way != SEND_IN_PLACE && len > 1024));
    CHECK_INT(r.keys, role == WICK_CLIENT ? 2 : 0); /* the blocked try took one too */
    transcript_clear(&want);
    test_unguard(data, len);
    free(payload);
    recorder_free(&r);
}

static void frames_of_every_size(void)
{
    static const size_t sizes[] = {0, 1, 2, 3, 4, 5, 7, 8, 15, 31, 33, 64, 124, 125, 126, 127, 128, 129, 255, 256,
                                   1009, 1010, 1011, 1023, 1024, 1025, 4096, 65534, 65535, 65536, BIG};
    for (int role = 0; role < 2; role++)
        for (int way = 0; way < SEND_WAYS; way++)
            for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
                one_frame((wick_role)role, way, i % 2 ? WICK_TEXT : WICK_BINARY, sizes[i]);
}

/* A server hands the caller's own memory to on_output. */
static const uint8_t *expected;
static int saw_own_memory;

static int look_at_slices(wick_conn *conn, void *user, const wick_slice *slices, size_t count)
{
    (void)conn, (void)user;
    saw_own_memory = count == 2 && slices[1].data == expected && slices[0].len <= 10;
    return 0;
}

static void a_servers_payload_is_not_copied(void)
{
    uint8_t *data = payload_of(BIG);
    for (int way = 0; way < SEND_WAYS; way++) {
        recorder r;
        if (way == SEND_SLICES)
            continue;
        recorder_init(&r, WICK_SERVER, WAY_WHOLE);
        r.callbacks.on_output = look_at_slices;
        expected = data;
        saw_own_memory = 0;
        CHECK_STATUS(send_by(&r, way, WICK_BINARY, data, BIG), WICK_OK);
        CHECK(saw_own_memory);
        CHECK_INT(r.calls[CALL_MEMORY], 0);
        recorder_free(&r);
    }
    free(data);
}

static void a_client_takes_a_fresh_key_for_each_frame(void)
{
    recorder r;
    wick_prepared prepared;
    uint8_t data[4] = "abc";
    size_t at = 0, frames = 0;
    recorder_init(&r, WICK_CLIENT, WAY_WHOLE);
    CHECK_STATUS(wick_prepare(&prepared, WICK_TEXT, "abc", 3), WICK_OK);
    for (int i = 0; i < 10; i++) {
        CHECK_STATUS(wick_conn_send(r.conn, WICK_TEXT, "abc", 3), WICK_OK);
        CHECK_STATUS(wick_conn_send_prepared(r.conn, &prepared), WICK_OK);
        memcpy(data, "abc", 3);
        CHECK_STATUS(wick_conn_send_in_place(r.conn, WICK_TEXT, data, 3), WICK_OK);
        CHECK_STATUS(wick_conn_send_fragment(r.conn, WICK_TEXT, "a", 1, 0), WICK_OK);
        CHECK_STATUS(wick_conn_ping(r.conn, NULL, 0), WICK_OK);
        CHECK_STATUS(wick_conn_send_fragment(r.conn, WICK_TEXT, "bc", 2, 1), WICK_OK);
    }
    CHECK_INT(r.keys, 60); /* the recorder has checked that each frame bears the last one */
    while (at < r.output.len) {
        oracle_frame frame;
        size_t proof;
        CHECK_STATUS(oracle_frame_read(r.output.data + at, r.output.len - at, WICK_SERVER, 0, &frame, &proof), WICK_OK);
        at += frame.header_len + (size_t)frame.len;
        frames++;
    }
    CHECK_INT(frames, 60);
    recorder_free(&r);
}

/* ---- Failures -------------------------------------------------------------------------------------------------- */

static void a_failing_callback_fails_the_send(void)
{
    uint8_t *data = payload_of(3000), *copy = payload_of(3000);
    for (int way = 0; way < SEND_WAYS; way++) {
        recorder r;
        recorder_init(&r, WICK_CLIENT, WAY_WHOLE);
        r.decide = fail_memory;
        CHECK_STATUS(send_by(&r, way, WICK_TEXT, data, 3000), way == SEND_IN_PLACE ? WICK_OK : WICK_E_MEMORY);
        CHECK_INT(r.output.len == 0, way != SEND_IN_PLACE);
        memcpy(data, copy, 3000);
        r.decide = fail_random;
        r.output.len = 0;
        CHECK_STATUS(send_by(&r, way, WICK_TEXT, data, 3000), WICK_E_RANDOM);
        CHECK_MEM(data, copy, 3000);
        CHECK_INT(r.output.len, 0);
        CHECK_INT(r.lent_now, 0);
        CHECK_INT(wick_conn_state(r.conn), WICK_OPEN); /* nothing was sent, nothing is lost */
        r.decide = fail_output;
        CHECK_STATUS(send_by(&r, way, WICK_TEXT, data, 3000), WICK_E_CALLBACK);
        CHECK_MEM(data, copy, 3000);
        CHECK_INT(r.lent_now, 0);
        CHECK_INT(wick_conn_state(r.conn), WICK_CLOSED);
        CHECK_STATUS(send_by(&r, way, WICK_TEXT, data, 3000), WICK_E_STATE);
        r.got.status = WICK_E_CALLBACK;
        recorder_free(&r);
    }
    free(data);
    free(copy);
}

static uint8_t lent_short[64];
static int short_lends, short_returns;

static uint8_t *lend_too_little(wick_conn *conn, void *user, uint8_t *block, size_t need, size_t *cap)
{
    (void)conn, (void)user;
    if (need == 0) {
        short_returns += block == lent_short;
        return NULL;
    }
    short_lends++;
    *cap = sizeof lent_short;
    return lent_short;
}

/* A host that gives less than it was asked for is told so; the block is not written past its end, and given back. */
static void a_short_block_is_refused(void)
{
    static const unsigned firsts[] = {0x01, 0x89};
    uint8_t *data = payload_of(3000);
    recorder r;
    short_lends = short_returns = 0;
    recorder_init(&r, WICK_CLIENT, WAY_WHOLE);
    r.callbacks.on_memory = lend_too_little;
    CHECK_STATUS(wick_conn_send(r.conn, WICK_BINARY, data, 3000), WICK_E_MEMORY);
    CHECK_INT(r.output.len, 0);
    recorder_free(&r);
    for (size_t i = 0; i < 2; i++) {
        bytes stream = {0};
        size_t used;
        recorder_init(&r, WICK_SERVER, WAY_WHOLE);
        r.callbacks.on_memory = lend_too_little;
        stream_frame(&stream, WICK_SERVER, firsts[i], "0123456789012345678901234567890123456789"
                                                      "0123456789012345678901234567890123456789", 80);
        CHECK_STATUS(wick_conn_recv(r.conn, stream.data, 79, &used, 0), WICK_E_MEMORY);
        r.got.status = WICK_E_MEMORY;
        recorder_free(&r);
        bytes_free(&stream);
    }
    CHECK_INT(short_lends, 3);
    CHECK_INT(short_returns, 3);
    free(data);
}

static void arguments_out_of_range(void)
{
    recorder r;
    wick_prepared prepared;
    wick_slice slices[WICK_OUTPUT_SLICES + 1] = {{0}};
    wick_slice huge[2] = {{(const uint8_t *)"x", SIZE_MAX}, {(const uint8_t *)"x", SIZE_MAX}};
    uint8_t big[126] = {0}, byte[1] = {'x'};
    recorder_init(&r, WICK_SERVER, WAY_WHOLE);
    for (unsigned opcode = 0; opcode < 300; opcode++) {
        if (opcode == WICK_TEXT || opcode == WICK_BINARY)
            continue;
        CHECK_STATUS(wick_conn_send(r.conn, opcode, "x", 1), WICK_E_ARG);
        CHECK_STATUS(wick_conn_send_slices(r.conn, opcode, slices, 1), WICK_E_ARG);
        CHECK_STATUS(wick_conn_send_in_place(r.conn, opcode, byte, 1), WICK_E_ARG);
        CHECK_STATUS(wick_conn_send_fragment(r.conn, opcode, "x", 1, 1), WICK_E_ARG);
        CHECK_STATUS(wick_prepare(&prepared, opcode, "x", 1), WICK_E_ARG);
    }
    CHECK_STATUS(wick_conn_send_slices(r.conn, WICK_TEXT, slices, WICK_OUTPUT_SLICES), WICK_E_ARG);
    CHECK_STATUS(wick_conn_send_slices(r.conn, WICK_TEXT, slices, SIZE_MAX), WICK_E_ARG);
    CHECK_STATUS(wick_conn_send_slices(r.conn, WICK_TEXT, huge, 1), WICK_E_ARG);
    CHECK_STATUS(wick_conn_send_slices(r.conn, WICK_TEXT, huge, 2), WICK_E_ARG);
    CHECK_STATUS(wick_conn_ping(r.conn, big, 126), WICK_E_ARG);
    CHECK_STATUS(wick_conn_pong(r.conn, big, 126), WICK_E_ARG);
    CHECK_STATUS(wick_conn_ping(r.conn, big, SIZE_MAX), WICK_E_ARG);
    CHECK_INT(r.calls[CALL_OUTPUT], 0);
    CHECK_STATUS(wick_conn_send_slices(r.conn, WICK_TEXT, slices, WICK_OUTPUT_SLICES - 1), WICK_OK);
    CHECK_STATUS(wick_conn_ping(r.conn, big, 125), WICK_OK);
    CHECK_STATUS(wick_conn_pong(r.conn, NULL, 0), WICK_OK);
    CHECK_INT(wick_conn_state(r.conn), WICK_OPEN);
    recorder_free(&r);
}

static void incomplete_configs_are_refused(void)
{
    recorder r;
    wick_conn conn, before;
    wick_conn_config config;
    recorder_init(&r, WICK_CLIENT, WAY_ASK_WHOLE);
    memset(&conn, 0x5C, sizeof conn);
    before = conn;
    for (int what = 0; what < 9; what++) {
        wick_conn_callbacks callbacks = r.callbacks;
        config = r.config;
        config.callbacks = &callbacks;
        switch (what) {
        case 0: config.size = 0; break;
        case 1: config.size = sizeof config - 1; break;
        case 2: config.size = sizeof config + 1; break;
        case 3: config.callbacks = NULL; break;
        case 4: callbacks.on_output = NULL; break;
        case 5: callbacks.on_memory = NULL; break;
        case 6: callbacks.on_random = NULL; break;
        case 7: callbacks.on_message = NULL, callbacks.on_slice = NULL; break;
        default: break;
        }
        CHECK_STATUS(wick_conn_init(&conn, what == 8 ? NULL : &config, NULL, 0), WICK_E_CONFIG);
        CHECK(memcmp(&conn, &before, sizeof conn) == 0);
    }
    config = r.config;
    wick_conn_callbacks least = {.on_output = r.callbacks.on_output, .on_memory = r.callbacks.on_memory,
                                 .on_slice = r.callbacks.on_slice};
    config.callbacks = &least;
    config.role = WICK_SERVER;
    CHECK_STATUS(wick_conn_init(&conn, &config, NULL, 0), WICK_OK);
    CHECK(sizeof(void *) > 8 || sizeof(wick_conn) <= 128);
    recorder_free(&r);
}

/* ---- Fragments ------------------------------------------------------------------------------------------------- */

static void fragments_with_control_frames_between(void)
{
    for (int role = 0; role < 2; role++)
        for (unsigned opcode = WICK_TEXT; opcode <= WICK_BINARY; opcode++) {
            recorder r;
            transcript want = {0};
            wick_prepared prepared;
            uint8_t data[2] = "x";
            unsigned other = opcode == WICK_TEXT ? WICK_BINARY : WICK_TEXT;
            recorder_init(&r, (wick_role)role, WAY_WHOLE);
            CHECK_STATUS(wick_prepare(&prepared, opcode, "p", 1), WICK_OK);
            CHECK_STATUS(wick_conn_send_fragment(r.conn, opcode, "a", 1, 0), WICK_OK);
            CHECK_STATUS(wick_conn_send(r.conn, opcode, "x", 1), WICK_E_STATE);
            CHECK_STATUS(wick_conn_send_slices(r.conn, opcode, NULL, 0), WICK_E_STATE);
            CHECK_STATUS(wick_conn_send_in_place(r.conn, opcode, data, 1), WICK_E_STATE);
            CHECK_STATUS(wick_conn_send_prepared(r.conn, &prepared), WICK_E_STATE);
            CHECK_STATUS(wick_conn_send_fragment(r.conn, other, "x", 1, 0), WICK_E_ARG);
            CHECK_STATUS(wick_conn_ping(r.conn, "1", 1), WICK_OK);
            r.decide = block_output;
            CHECK_STATUS(wick_conn_send_fragment(r.conn, opcode, "x", 1, 1), WICK_BLOCKED);
            r.decide = NULL;
            CHECK_STATUS(wick_conn_send_fragment(r.conn, opcode, NULL, 0, 0), WICK_OK);
            CHECK_STATUS(wick_conn_pong(r.conn, "2", 1), WICK_OK);
            CHECK_STATUS(wick_conn_send_fragment(r.conn, opcode, "b", 1, 1), WICK_OK);
            CHECK_STATUS(wick_conn_send(r.conn, other, "c", 1), WICK_OK);
            CHECK_STATUS(wick_conn_send_fragment(r.conn, other, "d", 1, 0), WICK_OK);
            CHECK_STATUS(wick_conn_close(r.conn, 1000, NULL, 0, 0), WICK_OK);
            transcript_out(&want, 0, opcode, (const uint8_t *)"a", 1);
            transcript_out(&want, 1, WICK_PING, (const uint8_t *)"1", 1);
            transcript_out(&want, 0, WICK_CONTINUATION, NULL, 0);
            transcript_out(&want, 1, WICK_PONG, (const uint8_t *)"2", 1);
            transcript_out(&want, 1, WICK_CONTINUATION, (const uint8_t *)"b", 1);
            transcript_out(&want, 1, other, (const uint8_t *)"c", 1);
            transcript_out(&want, 0, other, (const uint8_t *)"d", 1);
            transcript_out(&want, 1, WICK_CLOSE, (const uint8_t *)"\x03\xE8", 2);
            check_log(&r, &want, "fragments");
            transcript_clear(&want);
            recorder_free(&r);
        }
}

/* The first part blocked: no message is open. */
static void a_blocked_first_fragment_opens_nothing(void)
{
    recorder r;
    recorder_init(&r, WICK_SERVER, WAY_WHOLE);
    r.decide = block_output;
    CHECK_STATUS(wick_conn_send_fragment(r.conn, WICK_TEXT, "a", 1, 0), WICK_BLOCKED);
    r.decide = NULL;
    CHECK_STATUS(wick_conn_send(r.conn, WICK_BINARY, "a", 1), WICK_OK);
    CHECK_STATUS(wick_conn_send_fragment(r.conn, WICK_BINARY, "a", 1, 0), WICK_OK);
    recorder_free(&r);
}

/* ---- States ---------------------------------------------------------------------------------------------------- */

static void check_all_refused(recorder *r)
{
    size_t out = r->calls[CALL_OUTPUT];
    uint64_t keys = r->keys;
    wick_prepared prepared;
    uint8_t data[2] = "x";
    CHECK_STATUS(wick_prepare(&prepared, WICK_TEXT, "x", 1), WICK_OK);
    CHECK_STATUS(wick_conn_send(r->conn, WICK_TEXT, "x", 1), WICK_E_STATE);
    CHECK_STATUS(wick_conn_send_slices(r->conn, WICK_TEXT, NULL, 0), WICK_E_STATE);
    CHECK_STATUS(wick_conn_send_in_place(r->conn, WICK_TEXT, data, 1), WICK_E_STATE);
    CHECK_STATUS(wick_conn_send_fragment(r->conn, WICK_TEXT, "x", 1, 1), WICK_E_STATE);
    CHECK_STATUS(wick_conn_send_prepared(r->conn, &prepared), WICK_E_STATE);
    CHECK_STATUS(wick_conn_ping(r->conn, "x", 1), WICK_E_STATE);
    CHECK_STATUS(wick_conn_pong(r->conn, "x", 1), WICK_E_STATE);
    CHECK_STATUS(wick_conn_close(r->conn, 1000, NULL, 0, 0), WICK_E_STATE);
    CHECK_STATUS(wick_conn_slices(r->conn), WICK_E_STATE);
    CHECK_INT(data[0], 'x');
    CHECK_INT(r->calls[CALL_OUTPUT], out);
    CHECK_INT(r->keys, keys);
}

static void nothing_is_sent_unless_open(void)
{
    for (int role = 0; role < 2; role++)
        for (int how = 0; how < 5; how++) {
            recorder r;
            bytes stream = {0};
            size_t used;
            uint8_t bad[1] = {0x0F};
            wick_status status = WICK_OK;
            recorder_init(&r, (wick_role)role, WAY_WHOLE);
            if (how < 2)
                CHECK_STATUS(wick_conn_close(r.conn, 1000, NULL, 0, 0), WICK_OK);
            stream_close(&stream, (wick_role)role, 1000, "");
            if (how == 1 || how == 2)
                CHECK_STATUS(wick_conn_recv(r.conn, stream.data, stream.len, &used, 0), WICK_OK);
            if (how == 3)
                status = wick_conn_recv(r.conn, bad, 1, &used, 0);
            if (how == 4)
                status = wick_conn_end(r.conn);
            CHECK_INT(wick_conn_state(r.conn), how == 0 ? WICK_CLOSING : how == 4 ? WICK_CLOSED : WICK_LINGER);
            check_all_refused(&r);
            r.got.status = how == 3 ? status : WICK_OK;
            recorder_free(&r);
            bytes_free(&stream);
        }
}

static int send_inside(recorder *r, call which)
{
    if (which == CALL_MESSAGE || which == CALL_SLICE || which == CALL_PING)
        CHECK_STATUS(wick_conn_send(r->conn, WICK_TEXT, "in", 2), WICK_OK);
    if (which == CALL_PONG)
        CHECK_STATUS(wick_conn_close(r->conn, 1000, NULL, 0, 0), WICK_OK);
    if (which == CALL_CLOSE)
        CHECK_STATUS(wick_conn_send(r->conn, WICK_TEXT, "in", 2), WICK_E_STATE);
    return 0;
}

static void a_callback_may_send_and_close(void)
{
    for (int role = 0; role < 2; role++)
        for (int way = 0; way < WAY_COUNT; way++) {
            recorder r;
            bytes stream = {0};
            recorder_init(&r, (wick_role)role, way);
            r.decide = send_inside;
            stream_frame(&stream, (wick_role)role, 0x89, "", 0);
            stream_frame(&stream, (wick_role)role, 0x81, "m", 1);
            stream_frame(&stream, (wick_role)role, 0x8A, "", 0);
            stream_close(&stream, (wick_role)role, 1000, "");
            recorder_feed(&r, stream.data, stream.len, NULL);
            CHECK_STATUS(r.got.status, WICK_OK);
            CHECK_INT(r.calls[CALL_OUTPUT], 4); /* a pong, two messages, one close */
            CHECK_INT(r.got.state, WICK_LINGER);
            recorder_free(&r);
            bytes_free(&stream);
        }
}

/* The close frame that goes out for an error calls on_output, which finds sending over. */
static int refused_in_failure;

static int send_while_failing(recorder *r, call which)
{
    wick_conn_error error;
    wick_conn_error_get(r->conn, &error);
    if (which == CALL_OUTPUT && error.status != WICK_OK) {
        CHECK_STATUS(wick_conn_send(r->conn, WICK_TEXT, "x", 1), WICK_E_STATE);
        CHECK_STATUS(wick_conn_close(r->conn, 1000, NULL, 0, 0), WICK_E_STATE);
        refused_in_failure++;
    }
    return 0;
}

static void nothing_is_sent_from_inside_a_failure(void)
{
    recorder r;
    bytes stream = {0};
    recorder_init(&r, WICK_SERVER, WAY_WHOLE);
    r.decide = send_while_failing;
    stream_frame(&stream, WICK_SERVER, 0x01, "lent", 4);
    bytes_fill(&stream, 0xFF, 1);
    recorder_feed(&r, stream.data, stream.len, NULL);
    CHECK_STATUS(r.got.status, WICK_E_RSV);
    CHECK_INT(refused_in_failure, 1);
    CHECK_INT(r.got.sent, 1002);
    recorder_free(&r);
    bytes_free(&stream);
}

/* ---- Close ----------------------------------------------------------------------------------------------------- */

static void close_with_every_code(void)
{
    recorder r;
    recorder_init(&r, WICK_SERVER, WAY_WHOLE);
    for (unsigned code = 0; code <= 65600; code++) {
        int allowed = code == 0 || (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
                      (code >= 3000 && code <= 4999);
        transcript want = {0};
        uint8_t body[2] = {(uint8_t)(code >> 8), (uint8_t)code};
        wick_status status = wick_conn_close(r.conn, code, NULL, 0, 0);
        if (status != (allowed ? WICK_OK : WICK_E_ARG))
            test_fail(__FILE__, __LINE__, "code %u: %s", code, wick_status_name(status));
        CHECK_INT(wick_conn_state(r.conn), allowed ? WICK_CLOSING : WICK_OPEN);
        if (allowed) {
            transcript_out(&want, 1, WICK_CLOSE, body, code ? 2 : 0);
            check_log(&r, &want, "close");
            transcript_clear(&want);
            recorder_restart(&r, 0);
        }
        CHECK_INT(r.calls[CALL_OUTPUT], 0);
    }
    recorder_free(&r);
}

static void close_reasons(void)
{
    static const struct {
        unsigned code;
        const char *reason;
        wick_status want;
    } cases[] = {
        {1000, "", WICK_OK},
        {1000, "bye", WICK_OK},
        {3000, "\xE4\xBD\xA0\xF0\x9F\x98\x80", WICK_OK},
        {0, "x", WICK_E_ARG},
        {1000, "\xFF", WICK_E_ARG},
        {1000, "cut \xE4\xBD", WICK_E_ARG},
        {1000, "\xED\xA0\x80", WICK_E_ARG},
        {1000, "\xC0\x80", WICK_E_ARG},
        {1005, "x", WICK_E_ARG},
    };
    char reason[200];
    memset(reason, 'r', sizeof reason);
    for (int role = 0; role < 2; role++) {
        recorder r;
        recorder_init(&r, (wick_role)role, WAY_WHOLE);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            recorder_restart(&r, 0);
            CHECK_STATUS(wick_conn_close(r.conn, cases[i].code, cases[i].reason, strlen(cases[i].reason), 0),
                         cases[i].want);
            CHECK_INT(r.calls[CALL_OUTPUT], cases[i].want == WICK_OK);
        }
        for (size_t len = 120; len < 200; len++) {
            recorder_restart(&r, 0);
            CHECK_STATUS(wick_conn_close(r.conn, 1000, reason, len, 0), len <= WICK_REASON_MAX ? WICK_OK : WICK_E_ARG);
        }
        recorder_restart(&r, 0);
        CHECK_STATUS(wick_conn_close(r.conn, 1000, reason, SIZE_MAX, 0), WICK_E_ARG);
        r.decide = block_output;
        CHECK_STATUS(wick_conn_close(r.conn, 1000, NULL, 0, 0), WICK_BLOCKED);
        CHECK_INT(wick_conn_state(r.conn), WICK_OPEN);
        r.decide = fail_random;
        if (role == WICK_CLIENT)
            CHECK_STATUS(wick_conn_close(r.conn, 1000, NULL, 0, 0), WICK_E_RANDOM);
        r.decide = NULL;
        CHECK_STATUS(wick_conn_close(r.conn, 1000, NULL, 0, 0), WICK_OK);
        recorder_free(&r);
    }
}

/* What an error says of itself is what the table of statuses says. */
static void errors_explain_themselves(void)
{
    recorder r;
    wick_conn_error error;
    uint8_t bad[3] = {0x81, 0x80, 0xFF};
    size_t used;
    recorder_init(&r, WICK_CLIENT, WAY_WHOLE);
    wick_conn_error_get(r.conn, &error);
    CHECK_STATUS(error.status, WICK_OK);
    CHECK_INT(error.close_code, 0);
    CHECK_INT(error.offset, 0);
    CHECK(error.section[0] == 0 && strcmp(error.text, "ok") == 0);
    CHECK_STATUS(wick_conn_recv(r.conn, bad, 3, &used, 0), WICK_E_MASK_PRESENT);
    wick_conn_error_get(r.conn, &error);
    CHECK_INT(error.close_code, 1002);
    CHECK_INT(error.offset, 1);
    CHECK(strcmp(error.section, "RFC 6455 5.1") == 0);
    CHECK(strcmp(error.text, wick_status_text(WICK_E_MASK_PRESENT)) == 0);
    r.got.status = WICK_E_MASK_PRESENT;
    recorder_free(&r);
#define CHECK_REASON(name, value, code, section, sentence)                          \
    if ((code) != 0) {                                                              \
        CHECK(strlen(sentence) <= WICK_REASON_MAX);                                 \
        CHECK(wick_close_code_valid(code));                                         \
    }
    WICK_STATUS_MAP(CHECK_REASON)
#undef CHECK_REASON
}

int main(void)
{
    RUN(frames_of_every_size);
    RUN(a_servers_payload_is_not_copied);
    RUN(a_client_takes_a_fresh_key_for_each_frame);
    RUN(a_failing_callback_fails_the_send);
    RUN(a_short_block_is_refused);
    RUN(arguments_out_of_range);
    RUN(incomplete_configs_are_refused);
    RUN(fragments_with_control_frames_between);
    RUN(a_blocked_first_fragment_opens_nothing);
    RUN(nothing_is_sent_unless_open);
    RUN(a_callback_may_send_and_close);
    RUN(nothing_is_sent_from_inside_a_failure);
    RUN(close_with_every_code);
    RUN(close_reasons);
    RUN(errors_explain_themselves);
    return test_end();
}
