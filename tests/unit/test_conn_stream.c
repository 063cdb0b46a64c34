/*
 * Random streams, and one that has everything: however they are cut, received, paused, blocked or moved in memory, the same
 * is told; a callback that fails, at whichever call, leaves an error that sticks and no memory behind.
 */
#include "lib/differential.h"
#include "lib/streams.h"
#include "lib/test.h"
#include "oracle/conn.h"

#include <stdlib.h>

static int slow_machine(void)
{
    return test_rounds(100) < 100;
}

/* ---- Random streams -------------------------------------------------------------------------------------------- */

static void try_stream(wick_role role, const bytes *stream)
{
    bytes input = {0};
    uint8_t head[DIFFERENTIAL_HEAD];
    const char *differs;
    for (int i = 0; i < 4 && !test_failed(); i++) {
        for (size_t k = 0; k < sizeof head; k++)
            head[k] = (uint8_t)test_random();
        head[1] &= test_below(4) ? 0x83 : 0xFF; /* mostly the default limits */
        input.len = 0;
        bytes_add(&input, head, sizeof head);
        bytes_add(&input, stream->data, stream->len);
        differs = differential(role, input.data, input.len);
        if (differs)
            test_fail(__FILE__, __LINE__, "head %02x %02x %02x %02x: %s", head[0], head[1], head[2], head[3], differs);
    }
    bytes_free(&input);
}

static void random_streams(int mutate)
{
    for (size_t i = 0; i < test_rounds(1500) && !test_failed(); i++) {
        wick_role role = (wick_role)test_below(2);
        bytes stream = {0};
        stream_random(&stream, role, 1 + test_below(8), test_below(10) || slow_machine() ? 300 : 3000);
        if (mutate)
            stream_mutate(&stream);
        try_stream(role, &stream);
        bytes_free(&stream);
    }
}

static void valid_streams_however_they_come(void)
{
    random_streams(0);
}

static void mutated_streams_however_they_come(void)
{
    random_streams(1);
}

static void valid_streams_are_valid(void)
{
    for (size_t i = 0; i < test_rounds(300) && !test_failed(); i++) {
        oracle_settings settings = {.role = (wick_role)test_below(2)};
        bytes stream = {0};
        outcome want;
        stream_random(&stream, settings.role, 5, 300);
        oracle_conn(&settings, stream.data, stream.len, &want);
        CHECK_STATUS(want.status, WICK_OK);
        outcome_free(&want);
        bytes_free(&stream);
    }
}

/* ---- One stream that has everything, and one thing that happens once -------------------------------------------- */

typedef struct once {
    call which;
    size_t at; /* which call of it, from 0 */
    int result;
    int happened;
} once;

static int decide_once(recorder *r, call which)
{
    once *o = r->decide_user;
    if (which != o->which || r->calls[which] != o->at + 1)
        return 0;
    o->happened = 1;
    return o->result;
}

static void everything(bytes *to, wick_role role)
{
    uint8_t big[600];
    memset(big, 'b', sizeof big);
    stream_frame(to, role, 0x81, "whole", 5);
    stream_frame(to, role, 0x89, "ping", 4);
    stream_frame(to, role, 0x01, "frag\xE4\xBD", 6);
    stream_frame(to, role, 0x8A, "pong", 4);
    stream_frame(to, role, 0x00, "\xA0 and", 5);
    stream_frame(to, role, 0x89, "", 0);
    stream_frame(to, role, 0x80, " more", 5);
    stream_frame(to, role, 0x82, big, sizeof big);
    stream_frame(to, role, 0x82, "", 0);
    stream_frame(to, role, 0x81, "tail", 4);
    stream_close(to, role, 1000, "bye");
}

enum { CUT_NONE, CUT_ALL, CUT_SOME, CUT_KINDS };

static uint8_t *cuts_of(size_t len, int kind)
{
    uint8_t *cut = calloc(len + 1, 1);
    for (size_t i = 1; cut && i < len; i++)
        cut[i] = kind == CUT_ALL || (kind == CUT_SOME && i % 7 == 3);
    return cut;
}

/* Feed everything with one thing that happens. Returns whether it came to that. */
static int feed_with(recorder *r, const bytes *stream, int kind, once *o)
{
    uint8_t *cut = cuts_of(stream->len, kind);
    o->happened = 0;
    r->decide = decide_once;
    r->decide_user = o;
    r->move = 1;
    recorder_feed(r, stream->data, stream->len, cut);
    free(cut);
    return o->happened;
}

static void for_each_way(void (*fn)(wick_role role, int way, int kind, const bytes *stream))
{
    for (int role = 0; role < 2; role++) {
        bytes stream = {0};
        everything(&stream, (wick_role)role);
        for (int way = 0; way < WAY_COUNT; way++)
            for (int kind = 0; kind < CUT_KINDS && !test_failed(); kind++)
                if (!slow_machine() || way % CUT_KINDS == kind)
                    fn((wick_role)role, way, kind, &stream);
        bytes_free(&stream);
    }
}

/* The thing happens at each call in turn; want_same: all is told as if it had not. */
static size_t stop_at_each_call(wick_role role, int way, int kind, const bytes *stream, call which, int result)
{
    oracle_settings settings = {.role = role};
    outcome want;
    size_t at = 0;
    int more = 1;
    oracle_conn(&settings, stream->data, stream->len, &want);
    for (; more && !test_failed(); at++) {
        once o = {.which = which, .at = at, .result = result};
        recorder r;
        const char *differs;
        recorder_init(&r, role, way);
        more = feed_with(&r, stream, kind, &o);
        differs = recorder_differs(&r, &want);
        if (differs)
            test_fail(__FILE__, __LINE__, "%s, callback %d returns %d at %zu: %s", recorder_way_name(way), (int)which,
                      result, at, differs);
        recorder_free(&r);
    }
    outcome_free(&want);
    return at - 1;
}

static void pause_way(wick_role role, int way, int kind, const bytes *stream)
{
    for (int which = CALL_BEGIN; which < CALL_COUNT; which++) {
        size_t times = stop_at_each_call(role, way, kind, stream, (call)which, WICK_PAUSED);
        if (which == CALL_PING || which == CALL_PONG)
            CHECK_INT(times, which == CALL_PING ? 2 : 1);
        stop_at_each_call(role, way, kind, stream, (call)which, 77); /* counts as a pause */
    }
}

static void pausing_at_any_event_changes_nothing(void)
{
    for_each_way(pause_way);
}

static void block_way(wick_role role, int way, int kind, const bytes *stream)
{
    static const call blockable[] = {CALL_OUTPUT, CALL_MESSAGE, CALL_SLICE};
    for (size_t i = 0; i < 3; i++)
        stop_at_each_call(role, way, kind, stream, blockable[i], WICK_BLOCKED);
    CHECK_INT(stop_at_each_call(role, way, kind, stream, CALL_OUTPUT, WICK_BLOCKED), 3);
}

static void blocking_at_any_event_changes_nothing(void)
{
    for_each_way(block_way);
}

/* Fail at each call in turn: what was told is the start of what would have been, and the rest is silence. */
static size_t fail_at_each_call(wick_role role, int way, int kind, const bytes *stream, call which, wick_status want)
{
    outcome whole;
    oracle_settings settings = {.role = role};
    size_t at = 0;
    int more = 1;
    oracle_conn(&settings, stream->data, stream->len, &whole);
    for (; more && !test_failed(); at++) {
        once o = {.which = which, .at = at, .result = -5};
        recorder r;
        recorder_init(&r, role, way);
        more = feed_with(&r, stream, kind, &o);
        if (more) {
            wick_conn_error error;
            wick_conn_error_get(r.conn, &error);
            CHECK_STATUS(error.status, want);
            CHECK(r.lent_now == 0);
            CHECK(wick_conn_state(r.conn) >= WICK_LINGER);
            CHECK_STATUS(wick_conn_send(r.conn, WICK_TEXT, "x", 1), WICK_E_STATE);
            /* 1011 is sent, unless the output is broken or a close frame went before. */
            int silent = which == CALL_OUTPUT || which == CALL_CLOSE;
            CHECK_INT(error.close_code, silent ? 0 : 1011);
            CHECK(silent || strstr(transcript_text(&r.got.log), "out close 03f3") != NULL);
            CHECK(which != CALL_OUTPUT || wick_conn_state(r.conn) == WICK_CLOSED);
        } else {
            CHECK(recorder_differs(&r, &whole) == NULL);
        }
        recorder_free(&r);
    }
    outcome_free(&whole);
    return at - 1;
}

static void fail_way(wick_role role, int way, int kind, const bytes *stream)
{
    for (int which = 0; which < CALL_COUNT; which++) {
        wick_status want = which == CALL_MEMORY ? WICK_E_MEMORY : which == CALL_RANDOM ? WICK_E_RANDOM : WICK_E_CALLBACK;
        size_t times = fail_at_each_call(role, way, kind, stream, (call)which, want);
        if (which == CALL_CLOSE)
            CHECK_INT(times, 1);
        if (which == CALL_OUTPUT || (which == CALL_RANDOM && role == WICK_CLIENT))
            CHECK_INT(times, 3);
        if (which == CALL_MEMORY && kind == CUT_ALL)
            CHECK(times >= 3);
    }
}

static void failing_at_any_call_sticks(void)
{
    for_each_way(fail_way);
}

/* ---- Which callbacks there are ---------------------------------------------------------------------------------- */

/* Those that are missing are missed by nobody: the rest is told as ever. */
static void missing_callbacks_are_not_missed(void)
{
    for (int role = 0; role < 2; role++)
        for (int kind = 0; kind < CUT_KINDS; kind++) {
            recorder r;
            bytes stream = {0};
            uint8_t *cut;
            recorder_init(&r, (wick_role)role, WAY_WHOLE);
            r.callbacks.on_ping = r.callbacks.on_pong = NULL;
            r.callbacks.on_close = NULL;
            everything(&stream, (wick_role)role);
            cut = cuts_of(stream.len, kind);
            recorder_feed(&r, stream.data, stream.len, cut);
            CHECK_STATUS(r.got.status, WICK_OK);
            CHECK_INT(r.got.state, WICK_LINGER);
            CHECK_INT(r.messages, 5);
            CHECK_INT(r.calls[CALL_OUTPUT], 3);
            r.closed = 1; /* it was not told */
            recorder_free(&r);
            bytes_free(&stream);
            free(cut);
        }
}

/* on_begin is there and asks for nothing; without on_message every message comes in slices. */
static void slices_where_there_is_no_on_message(void)
{
    for (int kind = 0; kind < CUT_KINDS; kind++) {
        oracle_settings settings = {.role = WICK_SERVER};
        recorder r;
        bytes stream = {0};
        outcome want;
        uint8_t *cut;
        recorder_init(&r, WICK_SERVER, WAY_ASK_SLICES);
        r.callbacks.on_message = NULL;
        everything(&stream, WICK_SERVER);
        oracle_conn(&settings, stream.data, stream.len, &want);
        cut = cuts_of(stream.len, kind);
        recorder_feed(&r, stream.data, stream.len, cut);
        CHECK(recorder_differs(&r, &want) == NULL);
        recorder_free(&r);
        outcome_free(&want);
        bytes_free(&stream);
        free(cut);
    }
}

static int begun;

static int ask_in_vain(wick_conn *conn, void *user, unsigned opcode, uint64_t len, int fin)
{
    (void)user, (void)opcode, (void)len, (void)fin;
    begun++;
    CHECK_STATUS(wick_conn_slices(conn), WICK_E_STATE);
    return 0;
}

static int ask_nothing(wick_conn *conn, void *user, unsigned opcode, uint64_t len, int fin)
{
    (void)conn, (void)user, (void)opcode, (void)len, (void)fin;
    begun++;
    return 0;
}

static void asking_for_slices(void)
{
    for (int what = 0; what < 2; what++) {
        recorder r;
        bytes stream = {0};
        begun = 0;
        recorder_init(&r, WICK_SERVER, what == 0 ? WAY_WHOLE : WAY_SLICES);
        r.callbacks.on_begin = what == 0 ? ask_in_vain : ask_nothing;
        CHECK_STATUS(wick_conn_slices(r.conn), WICK_E_STATE); /* not in on_begin */
        everything(&stream, WICK_SERVER);
        recorder_feed(&r, stream.data, stream.len, NULL);
        CHECK_STATUS(r.got.status, WICK_OK);
        CHECK_INT(r.messages, 5);
        CHECK_INT(begun, 5);
        CHECK_INT(r.calls[CALL_SLICE] == 0, what == 0);
        recorder_free(&r);
        bytes_free(&stream);
    }
}

int main(void)
{
    RUN(valid_streams_are_valid);
    RUN(valid_streams_however_they_come);
    RUN(mutated_streams_however_they_come);
    RUN(pausing_at_any_event_changes_nothing);
    RUN(blocking_at_any_event_changes_nothing);
    RUN(failing_at_any_call_sticks);
    RUN(missing_callbacks_are_not_missed);
    RUN(slices_where_there_is_no_on_message);
    RUN(asking_for_slices);
    return test_end();
}
