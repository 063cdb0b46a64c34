/*
 * Calls that a callback must not make on its own connection are refused and change nothing, from every callback and
 * whoever called it: receive, a send, tick or end. Setting the connection up anew from inside is found out.
 */
#include "lib/recorder.h"
#include "lib/streams.h"
#include "lib/test.h"

#include <stdlib.h>

/* What a callback tries, and where. */
enum { TRY_NOTHING, TRY_CALLS, TRY_INIT };

typedef struct intruder {
    call where;
    int what;
    size_t tries;
} intruder;

/* The callbacks that were tried, by whom: a test must reach them all. */
static size_t tried[CALL_COUNT];

static void try_calls(recorder *r)
{
    wick_conn before = *r->conn;
    uint8_t bytes_in[8] = {0x89, 0x80, 0, 0, 0, 0, 0x81, 0x80};
    size_t used = 99;
    CHECK_STATUS(wick_conn_recv(r->conn, bytes_in, sizeof bytes_in, &used, 12345), WICK_E_REENTRY);
    CHECK_INT(used, 0);
    used = 99;
    CHECK_STATUS(wick_conn_recv(r->conn, NULL, 0, &used, 12345), WICK_E_REENTRY);
    CHECK_INT(used, 0);
    CHECK_STATUS(wick_conn_tick(r->conn, UINT64_MAX - 1), WICK_E_REENTRY);
    CHECK_STATUS(wick_conn_end(r->conn), WICK_E_REENTRY);
    CHECK(memcmp(&before, r->conn, sizeof before) == 0);
    CHECK(bytes_in[0] == 0x89 && bytes_in[7] == 0x80);
}

static int intrude(recorder *r, call which)
{
    intruder *in = r->decide_user;
    if (which != in->where || in->what == TRY_NOTHING)
        return 0;
    in->tries++;
    tried[which]++;
    if (in->what == TRY_CALLS)
        try_calls(r);
    else
        CHECK_STATUS(wick_conn_init(r->conn, &r->config, r, 0), WICK_OK);
    return 0;
}

static void some_of_everything(bytes *to, wick_role role)
{
    stream_frame(to, role, 0x81, "whole", 5);
    stream_frame(to, role, 0x01, "in ", 3);
    stream_frame(to, role, 0x89, "ping", 4);
    stream_frame(to, role, 0x80, "two", 3);
    stream_frame(to, role, 0x8A, "pong", 4);
    stream_close(to, role, 1000, "bye");
}

/* ---- Refused --------------------------------------------------------------------------------------------------- */

static void refused_while_receiving(void)
{
    memset(tried, 0, sizeof tried);
    for (int role = 0; role < 2; role++)
        for (int way = 0; way < WAY_COUNT; way++)
            for (int where = 0; where < CALL_COUNT; where++) {
                intruder in = {(call)where, TRY_CALLS, 0};
                bytes stream = {0};
                recorder r;
                uint8_t *cut = calloc(200, 1);
                memset(cut, 1, 200);
                some_of_everything(&stream, (wick_role)role);
                recorder_init(&r, (wick_role)role, way);
                r.decide = intrude;
                r.decide_user = &in;
                recorder_feed(&r, stream.data, stream.len, where % 2 ? cut : NULL);
                CHECK_STATUS(r.got.status, WICK_OK);
                CHECK(r.closed && r.messages == 2);
                recorder_free(&r);
                bytes_free(&stream);
                free(cut);
            }
    for (int where = 0; where < CALL_COUNT; where++)
        if (tried[where] == 0)
            test_fail(__FILE__, __LINE__, "callback %d was never called", where);
}

/* Every function that can call back, one after the other. */
static void call_everything(recorder *r)
{
    uint8_t buffer[3000];
    wick_prepared prepared;
    memset(buffer, 'x', sizeof buffer);
    CHECK_STATUS(wick_conn_send(r->conn, WICK_TEXT, "x", 1), WICK_OK);
    CHECK_STATUS(wick_conn_send(r->conn, WICK_BINARY, buffer, sizeof buffer), WICK_OK);
    CHECK_STATUS(wick_conn_send_slices(r->conn, WICK_TEXT, NULL, 0), WICK_OK);
    CHECK_STATUS(wick_conn_send_in_place(r->conn, WICK_TEXT, buffer, sizeof buffer), WICK_OK);
    CHECK_STATUS(wick_conn_send_fragment(r->conn, WICK_TEXT, "x", 1, 0), WICK_OK);
    CHECK_STATUS(wick_conn_send_fragment(r->conn, WICK_TEXT, "x", 1, 1), WICK_OK);
    CHECK_STATUS(wick_prepare(&prepared, WICK_TEXT, "abc", 3), WICK_OK);
    CHECK_STATUS(wick_conn_send_prepared(r->conn, &prepared), WICK_OK);
    CHECK_STATUS(wick_conn_ping(r->conn, "x", 1), WICK_OK);
    CHECK_STATUS(wick_conn_pong(r->conn, "x", 1), WICK_OK);
    CHECK_STATUS(wick_conn_tick(r->conn, 25000), WICK_OK);
    CHECK_STATUS(wick_conn_close(r->conn, 1000, "x", 1, 0), WICK_OK);
    /* Outside of callbacks nothing is refused. */
    CHECK_STATUS(wick_conn_tick(r->conn, 25000), WICK_E_CLOSE_TIMEOUT);
    CHECK_STATUS(wick_conn_end(r->conn), WICK_E_CLOSE_TIMEOUT);
}

static void refused_while_sending(void)
{
    for (int role = 0; role < 2; role++)
        for (int where = CALL_OUTPUT; where <= CALL_RANDOM; where++) {
            intruder in = {(call)where, TRY_CALLS, 0};
            recorder r;
            recorder_init(&r, (wick_role)role, WAY_WHOLE);
            r.decide = intrude;
            r.decide_user = &in;
            call_everything(&r);
            if (where == CALL_OUTPUT)
                CHECK_INT(in.tries, 11);
            if (where == CALL_RANDOM)
                CHECK_INT(in.tries, role == WICK_CLIENT ? 11 : 0);
            recorder_free(&r);
        }
}

static recorder *giver;

static uint8_t *take_back(wick_conn *conn, void *user, uint8_t *block, size_t need, size_t *cap)
{
    (void)conn, (void)user, (void)cap;
    if (need) {
        *cap = need;
        return malloc(need);
    }
    free(block);
    tried[CALL_MEMORY]++;
    try_calls(giver);
    return NULL;
}

/* Memory is given back by receive (at the end of a message, a failure, a close), by tick and by end. */
static void refused_while_memory_is_given_back(void)
{
    for (int how = 0; how < 5; how++) {
        recorder r;
        bytes stream = {0};
        size_t used;
        recorder_init(&r, WICK_SERVER, WAY_WHOLE);
        r.callbacks.on_memory = take_back;
        giver = &r;
        tried[CALL_MEMORY] = 0;
        stream_frame(&stream, WICK_SERVER, 0x01, "part", 4);
        if (how == 0)
            stream_frame(&stream, WICK_SERVER, 0x80, "", 0);
        if (how == 1)
            bytes_fill(&stream, 0xFF, 1);
        if (how == 2)
            stream_close(&stream, WICK_SERVER, 1000, "");
        wick_conn_recv(r.conn, stream.data, stream.len, &used, 0);
        if (how == 3) {
            CHECK_STATUS(wick_conn_close(r.conn, 1000, NULL, 0, 0), WICK_OK);
            CHECK_STATUS(wick_conn_tick(r.conn, 5000), WICK_E_CLOSE_TIMEOUT);
        }
        if (how == 4)
            CHECK_STATUS(wick_conn_end(r.conn), WICK_E_EOF);
        CHECK_INT(tried[CALL_MEMORY], 1);
        r.got.status = wick_conn_end(r.conn) == WICK_OK ? WICK_OK : wick_conn_end(r.conn);
        recorder_free(&r);
        bytes_free(&stream);
    }
}

/* ---- Set up anew ----------------------------------------------------------------------------------------------- */

/* The connection is as wick_conn_init() leaves it. */
static void check_fresh(recorder *r)
{
    wick_conn fresh;
    memset(&fresh, 0, sizeof fresh);
    CHECK_STATUS(wick_conn_init(&fresh, &r->config, r, 0), WICK_OK);
    CHECK(memcmp(&fresh, r->conn, sizeof fresh) == 0);
}

/* Blocks that were lent to the connection as it was: the host that did this has to know of them. */
static void forget_lent(recorder *r)
{
    for (size_t i = 0; i < RECORDER_BLOCKS; i++) {
        free(r->blocks[i]);
        r->blocks[i] = NULL;
    }
    r->lent_now = r->lent_bytes = 0;
}

static void init_from_inside_receive_is_found(void)
{
    memset(tried, 0, sizeof tried);
    for (int role = 0; role < 2; role++)
        for (int way = 0; way < WAY_COUNT; way++)
            for (int where = 0; where < CALL_COUNT; where++)
                for (size_t step = 1; step < 200; step += 198) {
                    intruder in = {(call)where, TRY_INIT, 0};
                    bytes stream = {0};
                    recorder r;
                    wick_status status = WICK_OK;
                    some_of_everything(&stream, (wick_role)role);
                    recorder_init(&r, (wick_role)role, way);
                    r.decide = intrude;
                    r.decide_user = &in;
                    for (size_t at = 0, n; at < stream.len && status == WICK_OK; at += n) {
                        size_t used;
                        n = step < stream.len - at ? step : stream.len - at;
                        status = wick_conn_recv(r.conn, stream.data + at, n, &used, 0);
                    }
                    CHECK_STATUS(status, in.tries ? WICK_E_REENTRY : WICK_OK);
                    CHECK(in.tries <= 1);
                    if (in.tries)
                        check_fresh(&r);
                    if (test_failed())
                        return;
                    forget_lent(&r);
                    wick_conn_init(r.conn, &r.config, &r, 0);
                    r.closed = 0;
                    recorder_free(&r);
                    bytes_free(&stream);
                }
    for (int where = 0; where < CALL_COUNT; where++)
        if (tried[where] == 0)
            test_fail(__FILE__, __LINE__, "callback %d was never called", where);
}

static wick_status send_in_way(recorder *r, int way)
{
    uint8_t buffer[3000] = {0};
    switch (way) {
    case 0: return wick_conn_send(r->conn, WICK_TEXT, "x", 1);
    case 1: return wick_conn_send(r->conn, WICK_BINARY, buffer, sizeof buffer);
    case 2: return wick_conn_send_in_place(r->conn, WICK_BINARY, buffer, 1);
    case 3: return wick_conn_send_fragment(r->conn, WICK_TEXT, "x", 1, 0);
    case 4: return wick_conn_ping(r->conn, NULL, 0);
    case 5: return wick_conn_tick(r->conn, 25000);
    default: return wick_conn_close(r->conn, 1000, NULL, 0, 0);
    }
}

static void init_from_inside_a_send_is_found(void)
{
    for (int role = 0; role < 2; role++)
        for (int where = CALL_OUTPUT; where <= CALL_RANDOM; where++)
            for (int way = 0; way < 7; way++) {
                intruder in = {(call)where, TRY_INIT, 0};
                recorder r;
                recorder_init(&r, (wick_role)role, WAY_WHOLE);
                r.decide = intrude;
                r.decide_user = &in;
                wick_status status = send_in_way(&r, way);
                CHECK_STATUS(status, in.tries == 0 ? WICK_OK : where == CALL_MEMORY ? WICK_E_MEMORY : WICK_E_REENTRY);
                if (in.tries)
                    check_fresh(&r);
                forget_lent(&r);
                recorder_free(&r);
            }
}

int main(void)
{
    RUN(refused_while_receiving);
    RUN(refused_while_sending);
    RUN(refused_while_memory_is_given_back);
    RUN(init_from_inside_receive_is_found);
    RUN(init_from_inside_a_send_is_found);
    return test_end();
}
