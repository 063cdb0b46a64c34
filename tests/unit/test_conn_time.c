/*
 * Time: the heartbeat, the idle timeout, the close handshake's deadline, on a clock that is a parameter.
 */
#include "lib/recorder.h"
#include "lib/streams.h"
#include "lib/test.h"

#include <stdlib.h>

/* A connection with timeouts that tell themselves apart, begun at time `start`. */
static void begin(recorder *r, wick_role role, uint64_t start)
{
    recorder_init(r, role, WAY_WHOLE);
    r->config.ping_interval_ms = 1000;
    r->config.pong_timeout_ms = 300;
    r->config.close_timeout_ms = 70;
    recorder_restart(r, start);
}

static void feed(recorder *r, const bytes *stream, uint64_t now_ms)
{
    size_t used;
    uint8_t *copy = malloc(stream->len + 1);
    memcpy(copy, stream->data, stream->len);
    CHECK_STATUS(wick_conn_recv(r->conn, copy, stream->len, &used, now_ms), WICK_OK);
    free(copy);
}

static void feed_frame(recorder *r, unsigned first_byte, const char *payload, uint64_t now_ms)
{
    bytes stream = {0};
    stream_frame(&stream, r->config.role, first_byte, payload, strlen(payload));
    feed(r, &stream, now_ms);
    bytes_free(&stream);
}

static void check_log(recorder *r, const char *want)
{
    if (strcmp(transcript_text(&r->got.log), want) != 0)
        test_fail(__FILE__, __LINE__, "[%s], want [%s]", transcript_text(&r->got.log), want);
    transcript_clear(&r->got.log);
}

static void finish(recorder *r)
{
    wick_conn_error error;
    wick_conn_error_get(r->conn, &error);
    r->got.status = error.status;
    recorder_free(r);
}

static int block_all(recorder *r, call which)
{
    (void)r;
    return which == CALL_OUTPUT ? WICK_BLOCKED : 0;
}

static int break_output(recorder *r, call which)
{
    (void)r;
    return which == CALL_OUTPUT ? -1 : 0;
}

/* ---- Heartbeat ------------------------------------------------------------------------------------------------- */

static void defaults_are_as_documented(void)
{
    recorder r;
    recorder_init(&r, WICK_SERVER, WAY_WHOLE);
    CHECK_INT(wick_conn_deadline(r.conn), 25000);
    CHECK_STATUS(wick_conn_tick(r.conn, 25000), WICK_OK);
    CHECK_INT(wick_conn_deadline(r.conn), 45000);
    CHECK_STATUS(wick_conn_close(r.conn, 1000, NULL, 0, 30000), WICK_OK);
    CHECK_INT(wick_conn_deadline(r.conn), 35000);
    finish(&r);
}

static void a_silent_peer_is_pinged_and_then_dropped(void)
{
    for (int role = 0; role < 2; role++) {
        recorder r;
        begin(&r, (wick_role)role, 50);
        CHECK_INT(wick_conn_deadline(r.conn), 1050);
        CHECK_STATUS(wick_conn_tick(r.conn, 50), WICK_OK);
        CHECK_STATUS(wick_conn_tick(r.conn, 1049), WICK_OK);
        check_log(&r, "");
        CHECK_STATUS(wick_conn_tick(r.conn, 1050), WICK_OK);
        check_log(&r, "out ping \n");
        CHECK_INT(wick_conn_deadline(r.conn), 1350);
        CHECK_STATUS(wick_conn_tick(r.conn, 1349), WICK_OK);
        check_log(&r, "");
        CHECK_STATUS(wick_conn_tick(r.conn, 1350), WICK_E_PONG_TIMEOUT);
        CHECK(strncmp(transcript_text(&r.got.log), "out close 03f3", 14) == 0);
        CHECK_INT(wick_conn_state(r.conn), WICK_CLOSED);
        CHECK(wick_conn_deadline(r.conn) == WICK_NEVER);
        CHECK_STATUS(wick_conn_tick(r.conn, 5000), WICK_E_PONG_TIMEOUT);
        finish(&r);
    }
}

static void a_late_tick_waits_from_the_ping_on(void)
{
    recorder r;
    begin(&r, WICK_SERVER, 0);
    CHECK_STATUS(wick_conn_tick(r.conn, 100000), WICK_OK);
    check_log(&r, "out ping \n");
    CHECK_INT(wick_conn_deadline(r.conn), 100300);
    finish(&r);
}

/* A whole pong, a part of a message, a single byte of a header: whatever comes shows that the peer is there. */
static void any_byte_resets_the_heartbeat(void)
{
    for (size_t n = 1; n <= 6; n++) {
        recorder r;
        bytes stream = {0};
        begin(&r, WICK_SERVER, 0);
        stream_frame(&stream, WICK_SERVER, 0x8A, "", 0);
        stream.len = n;
        CHECK_STATUS(wick_conn_tick(r.conn, 1000), WICK_OK);
        feed(&r, &stream, 1299);
        CHECK_INT(wick_conn_deadline(r.conn), 2299);
        CHECK_STATUS(wick_conn_tick(r.conn, 1300), WICK_OK);
        CHECK_INT(wick_conn_state(r.conn), WICK_OPEN);
        CHECK_STATUS(wick_conn_tick(r.conn, 2299), WICK_OK);
        CHECK_INT(r.calls[CALL_OUTPUT], 2);
        bytes_free(&stream);
        finish(&r);
    }
}

static void feeding_nothing_resets_nothing(void)
{
    recorder r;
    bytes none = {0};
    begin(&r, WICK_SERVER, 0);
    bytes_fill(&none, 0, 1);
    none.len = 0;
    feed(&r, &none, 900);
    CHECK_INT(wick_conn_deadline(r.conn), 1000);
    CHECK_STATUS(wick_conn_tick(r.conn, 1000), WICK_OK);
    feed(&r, &none, 1200);
    CHECK_INT(wick_conn_deadline(r.conn), 1300);
    bytes_free(&none);
    finish(&r);
}

static void sending_does_not_stand_in_for_hearing(void)
{
    recorder r;
    begin(&r, WICK_SERVER, 0);
    CHECK_STATUS(wick_conn_send(r.conn, WICK_TEXT, "x", 1), WICK_OK);
    CHECK_INT(wick_conn_deadline(r.conn), 1000);
    finish(&r);
}

static void a_ping_that_is_blocked_counts_as_sent(void)
{
    recorder r;
    begin(&r, WICK_SERVER, 0);
    r.decide = block_all;
    CHECK_STATUS(wick_conn_tick(r.conn, 1000), WICK_OK);
    CHECK_INT(wick_conn_deadline(r.conn), 1300);
    CHECK_STATUS(wick_conn_tick(r.conn, 1300), WICK_E_PONG_TIMEOUT);
    CHECK_INT(wick_conn_state(r.conn), WICK_CLOSED);
    check_log(&r, "");
    /* The close frame could not go, and never will: closed is closed. */
    wick_conn_error error;
    size_t used, calls = r.calls[CALL_OUTPUT];
    uint8_t more[2] = {0x89, 0x80};
    wick_conn_error_get(r.conn, &error);
    CHECK_INT(error.close_code, 0);
    r.decide = NULL;
    CHECK_STATUS(wick_conn_recv(r.conn, more, 2, &used, 1400), WICK_E_PONG_TIMEOUT);
    CHECK_STATUS(wick_conn_recv(r.conn, NULL, 0, &used, 1400), WICK_E_PONG_TIMEOUT);
    CHECK_STATUS(wick_conn_tick(r.conn, 1400), WICK_E_PONG_TIMEOUT);
    CHECK_INT(wick_conn_state(r.conn), WICK_CLOSED);
    CHECK_INT(r.calls[CALL_OUTPUT], calls);
    finish(&r);
}

static void a_ping_that_fails_ends_the_connection(void)
{
    recorder r;
    begin(&r, WICK_SERVER, 0);
    r.decide = break_output;
    CHECK_STATUS(wick_conn_tick(r.conn, 1000), WICK_E_CALLBACK);
    CHECK_INT(wick_conn_state(r.conn), WICK_CLOSED);
    CHECK_INT(r.calls[CALL_OUTPUT], 1);
    CHECK_STATUS(wick_conn_tick(r.conn, 9000), WICK_E_CALLBACK);
    finish(&r);
}

static int no_random(recorder *r, call which)
{
    (void)r;
    return which == CALL_RANDOM ? -1 : 0;
}

static void a_ping_without_a_key_ends_the_connection(void)
{
    recorder r;
    begin(&r, WICK_CLIENT, 0);
    r.decide = no_random;
    CHECK_STATUS(wick_conn_tick(r.conn, 1000), WICK_E_RANDOM);
    CHECK_INT(wick_conn_state(r.conn), WICK_CLOSED);
    CHECK_INT(r.calls[CALL_OUTPUT], 0);
    finish(&r);
}

/* ---- Idle ------------------------------------------------------------------------------------------------------ */

static void begin_idle(recorder *r, uint64_t idle_ms)
{
    begin(r, WICK_SERVER, 0);
    r->config.idle_timeout_ms = idle_ms;
    r->config.ping_interval_ms = WICK_NEVER;
    recorder_restart(r, 0);
}

static void an_idle_connection_is_closed(void)
{
    recorder r;
    begin_idle(&r, 500);
    CHECK_INT(wick_conn_deadline(r.conn), 500);
    CHECK_STATUS(wick_conn_tick(r.conn, 499), WICK_OK);
    CHECK_STATUS(wick_conn_tick(r.conn, 500), WICK_E_IDLE_TIMEOUT);
    CHECK(strncmp(transcript_text(&r.got.log), "out close 03e9", 14) == 0);
    CHECK_INT(wick_conn_state(r.conn), WICK_LINGER);
    CHECK_INT(wick_conn_deadline(r.conn), 570);
    CHECK_STATUS(wick_conn_tick(r.conn, 569), WICK_E_IDLE_TIMEOUT);
    CHECK_INT(wick_conn_state(r.conn), WICK_LINGER);
    CHECK_STATUS(wick_conn_tick(r.conn, 570), WICK_E_IDLE_TIMEOUT);
    CHECK_INT(wick_conn_state(r.conn), WICK_CLOSED);
    finish(&r);
}

static void control_frames_are_not_messages(void)
{
    recorder r;
    begin_idle(&r, 500);
    feed_frame(&r, 0x89, "still here", 400);
    feed_frame(&r, 0x8A, "", 450);
    CHECK_STATUS(wick_conn_ping(r.conn, NULL, 0), WICK_OK);
    CHECK_STATUS(wick_conn_tick(r.conn, 500), WICK_E_IDLE_TIMEOUT);
    finish(&r);
}

static void a_message_that_comes_resets_idle(void)
{
    for (int way = 0; way < WAY_COUNT; way++) {
        recorder r;
        recorder_init(&r, WICK_SERVER, way);
        r.config.idle_timeout_ms = 500;
        r.config.ping_interval_ms = WICK_NEVER;
        recorder_restart(&r, 0);
        feed_frame(&r, 0x81, "m", 499);
        CHECK_INT(wick_conn_deadline(r.conn), 999);
        /* A fragmented one counts when each of its parts comes. */
        feed_frame(&r, 0x01, "a", 998);
        CHECK_INT(wick_conn_deadline(r.conn), 1498);
        feed_frame(&r, 0x00, "b", 1400);
        feed_frame(&r, 0x80, "", 1890);
        CHECK_INT(wick_conn_deadline(r.conn), 2390);
        CHECK_STATUS(wick_conn_tick(r.conn, 2389), WICK_OK);
        CHECK_STATUS(wick_conn_tick(r.conn, 2390), WICK_E_IDLE_TIMEOUT);
        finish(&r);
    }
}

/* Sends have no clock: one counts from the next tick on, so that it is late by no more than that. */
static void a_message_that_goes_resets_idle(void)
{
    for (int way = 0; way < 3; way++) {
        recorder r;
        begin_idle(&r, 500);
        if (way == 0)
            CHECK_STATUS(wick_conn_send(r.conn, WICK_TEXT, "x", 1), WICK_OK);
        if (way == 1)
            CHECK_STATUS(wick_conn_send_fragment(r.conn, WICK_TEXT, "x", 1, 0), WICK_OK);
        if (way == 2) {
            wick_prepared prepared;
            CHECK_STATUS(wick_prepare(&prepared, WICK_TEXT, "x", 1), WICK_OK);
            CHECK_STATUS(wick_conn_send_prepared(r.conn, &prepared), WICK_OK);
        }
        CHECK_INT(wick_conn_deadline(r.conn), 500);
        CHECK_STATUS(wick_conn_tick(r.conn, 20), WICK_OK); /* an early tick is enough */
        CHECK_INT(wick_conn_deadline(r.conn), 520);
        CHECK_STATUS(wick_conn_send(r.conn, WICK_TEXT, "x", 1), way == 1 ? WICK_E_STATE : WICK_OK);
        CHECK_STATUS(wick_conn_tick(r.conn, 520), way == 1 ? WICK_E_IDLE_TIMEOUT : WICK_OK);
        if (way == 1) {
            finish(&r);
            continue;
        }
        CHECK_INT(wick_conn_deadline(r.conn), 1020);
        CHECK_STATUS(wick_conn_tick(r.conn, 1019), WICK_OK);
        CHECK_STATUS(wick_conn_tick(r.conn, 1020), WICK_E_IDLE_TIMEOUT);
        finish(&r);
    }
}

static void a_send_that_is_blocked_does_not_count(void)
{
    recorder r;
    begin_idle(&r, 500);
    r.decide = block_all;
    CHECK_STATUS(wick_conn_send(r.conn, WICK_TEXT, "x", 1), WICK_BLOCKED);
    CHECK_STATUS(wick_conn_tick(r.conn, 500), WICK_E_IDLE_TIMEOUT);
    CHECK_INT(wick_conn_state(r.conn), WICK_CLOSING);
    finish(&r);
}

static void the_heartbeat_and_idle_run_beside_each_other(void)
{
    recorder r;
    begin(&r, WICK_SERVER, 0);
    r.config.idle_timeout_ms = 1200;
    recorder_restart(&r, 0);
    CHECK_INT(wick_conn_deadline(r.conn), 1000);
    CHECK_STATUS(wick_conn_tick(r.conn, 1000), WICK_OK);
    check_log(&r, "out ping \n");
    CHECK_INT(wick_conn_deadline(r.conn), 1200);
    feed_frame(&r, 0x8A, "", 1100);
    CHECK_INT(wick_conn_deadline(r.conn), 1200);
    CHECK_STATUS(wick_conn_tick(r.conn, 1200), WICK_E_IDLE_TIMEOUT);
    finish(&r);
}

/* ---- Closing --------------------------------------------------------------------------------------------------- */

static void a_close_that_is_not_answered_times_out(void)
{
    recorder r;
    begin(&r, WICK_SERVER, 0);
    feed_frame(&r, 0x01, "lent", 0); /* memory is lent for it */
    CHECK_STATUS(wick_conn_close(r.conn, 1000, "bye", 3, 100), WICK_OK);
    CHECK_INT(wick_conn_state(r.conn), WICK_CLOSING);
    CHECK_INT(wick_conn_deadline(r.conn), 170);
    feed_frame(&r, 0x8A, "no answer", 160); /* does not prolong it */
    CHECK_INT(wick_conn_deadline(r.conn), 170);
    CHECK_STATUS(wick_conn_tick(r.conn, 169), WICK_OK);
    CHECK_STATUS(wick_conn_tick(r.conn, 170), WICK_E_CLOSE_TIMEOUT);
    CHECK_INT(wick_conn_state(r.conn), WICK_CLOSED);
    CHECK_INT(r.lent_now, 0);
    CHECK(wick_conn_deadline(r.conn) == WICK_NEVER);
    finish(&r);
}

static void an_answered_close_lingers(void)
{
    recorder r;
    bytes stream = {0};
    begin(&r, WICK_CLIENT, 0);
    CHECK_STATUS(wick_conn_close(r.conn, 1000, NULL, 0, 100), WICK_OK);
    stream_close(&stream, WICK_CLIENT, 1000, "");
    feed(&r, &stream, 160);
    CHECK_INT(wick_conn_state(r.conn), WICK_LINGER);
    CHECK_INT(wick_conn_deadline(r.conn), 230);
    CHECK_STATUS(wick_conn_tick(r.conn, 229), WICK_OK);
    CHECK_INT(wick_conn_state(r.conn), WICK_LINGER);
    CHECK_STATUS(wick_conn_tick(r.conn, 230), WICK_OK);
    CHECK_INT(wick_conn_state(r.conn), WICK_CLOSED);
    CHECK_STATUS(wick_conn_end(r.conn), WICK_OK);
    bytes_free(&stream);
    finish(&r);
}

static void a_failed_connection_lingers(void)
{
    recorder r;
    uint8_t bad[1] = {0xFF};
    size_t used;
    begin(&r, WICK_SERVER, 0);
    CHECK_STATUS(wick_conn_recv(r.conn, bad, 1, &used, 40), WICK_E_RSV);
    CHECK_INT(wick_conn_state(r.conn), WICK_LINGER);
    CHECK_INT(wick_conn_deadline(r.conn), 110);
    CHECK_STATUS(wick_conn_tick(r.conn, 110), WICK_E_RSV);
    CHECK_INT(wick_conn_state(r.conn), WICK_CLOSED);
    finish(&r);
}

/* Fail while output is blocked; then drain, and pay in a way that `how` says. */
static void owe_and_pay(int how)
{
    recorder r;
    uint8_t bad[2] = {0x83, 0x80};
    size_t used;
    wick_conn_error error;
    begin(&r, WICK_SERVER, 0);
    r.decide = block_all;
    CHECK_STATUS(wick_conn_recv(r.conn, bad, 2, &used, 40), WICK_E_OPCODE);
    CHECK_INT(used, 2);
    CHECK_INT(wick_conn_state(r.conn), WICK_CLOSING);
    CHECK_INT(wick_conn_deadline(r.conn), 110);
    CHECK_STATUS(wick_conn_send(r.conn, WICK_TEXT, "x", 1), WICK_E_STATE);
    CHECK_STATUS(wick_conn_recv(r.conn, bad, 2, &used, 50), WICK_E_OPCODE); /* still blocked */
    CHECK_STATUS(wick_conn_tick(r.conn, 60), WICK_E_OPCODE);
    CHECK_INT(wick_conn_state(r.conn), WICK_CLOSING);
    wick_conn_error_get(r.conn, &error);
    CHECK_INT(error.close_code, 0);
    CHECK_INT(error.offset, 0);
    check_log(&r, "");
    if (how < 3)
        r.decide = NULL;
    if (how == 0)
        CHECK_STATUS(wick_conn_recv(r.conn, NULL, 0, &used, 80), WICK_E_OPCODE);
    if (how == 1)
        CHECK_STATUS(wick_conn_recv(r.conn, bad, 2, &used, 80), WICK_E_OPCODE);
    if (how == 2)
        CHECK_STATUS(wick_conn_tick(r.conn, 80), WICK_E_OPCODE);
    wick_conn_error_get(r.conn, &error);
    if (how < 3) {
        CHECK(strncmp(transcript_text(&r.got.log), "out close 03ea", 14) == 0);
        CHECK_INT(error.close_code, 1002);
        CHECK_INT(wick_conn_state(r.conn), WICK_LINGER);
        CHECK_INT(wick_conn_deadline(r.conn), 150); /* lingers from here on */
        transcript_clear(&r.got.log);
        CHECK_STATUS(wick_conn_recv(r.conn, NULL, 0, &used, 90), WICK_E_OPCODE);
    } else {
        CHECK_STATUS(how == 3 ? wick_conn_tick(r.conn, 110) : wick_conn_end(r.conn), WICK_E_OPCODE);
        CHECK_INT(wick_conn_state(r.conn), WICK_CLOSED);
        r.decide = NULL;
        CHECK_STATUS(wick_conn_recv(r.conn, NULL, 0, &used, 120), WICK_E_OPCODE);
        CHECK_STATUS(wick_conn_tick(r.conn, 500), WICK_E_OPCODE);
        CHECK_INT(wick_conn_state(r.conn), WICK_CLOSED);
        wick_conn_error_get(r.conn, &error);
        CHECK_INT(error.close_code, 0);
    }
    check_log(&r, "");
    finish(&r);
}

static void an_owed_close_frame_is_written_once_output_drains(void)
{
    for (int how = 0; how < 5; how++)
        owe_and_pay(how);
}

/* ---- The ends of the scale ------------------------------------------------------------------------------------- */

static void never_turns_each_timer_off(void)
{
    static const uint64_t times[] = {0, 1, 25000, UINT64_C(1) << 40, UINT64_MAX - 1, UINT64_MAX};
    recorder r;
    recorder_init(&r, WICK_SERVER, WAY_WHOLE);
    r.config.ping_interval_ms = r.config.pong_timeout_ms = WICK_NEVER;
    r.config.close_timeout_ms = r.config.idle_timeout_ms = WICK_NEVER;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        recorder_restart(&r, times[i]);
        CHECK(wick_conn_deadline(r.conn) == WICK_NEVER);
        for (size_t k = 0; k < sizeof times / sizeof *times; k++)
            CHECK_STATUS(wick_conn_tick(r.conn, times[k]), WICK_OK);
        CHECK_INT(wick_conn_state(r.conn), WICK_OPEN);
        CHECK_INT(r.calls[CALL_OUTPUT], 0);
        CHECK_STATUS(wick_conn_close(r.conn, 1000, NULL, 0, times[i]), WICK_OK);
        CHECK(wick_conn_deadline(r.conn) == WICK_NEVER);
        CHECK_STATUS(wick_conn_tick(r.conn, UINT64_MAX), WICK_OK);
        CHECK_INT(wick_conn_state(r.conn), WICK_CLOSING);
    }
    finish(&r);
}

static void a_pong_timeout_of_never_sends_one_ping(void)
{
    recorder r;
    begin(&r, WICK_SERVER, 0);
    r.config.pong_timeout_ms = WICK_NEVER;
    CHECK_STATUS(wick_conn_tick(r.conn, 1000), WICK_OK);
    CHECK(wick_conn_deadline(r.conn) == WICK_NEVER);
    CHECK_STATUS(wick_conn_tick(r.conn, UINT64_MAX), WICK_OK);
    CHECK_INT(r.calls[CALL_OUTPUT], 1);
    finish(&r);
}

/* Near the end of time a deadline is beyond it, not at its beginning. */
static void a_huge_clock_does_not_wrap(void)
{
    recorder r;
    begin(&r, WICK_SERVER, UINT64_MAX - 999);
    CHECK(wick_conn_deadline(r.conn) == WICK_NEVER);
    CHECK_STATUS(wick_conn_tick(r.conn, UINT64_MAX - 1), WICK_OK);
    CHECK_INT(r.calls[CALL_OUTPUT], 0);
    recorder_restart(&r, UINT64_MAX - 1001);
    CHECK(wick_conn_deadline(r.conn) == UINT64_MAX - 1);
    CHECK_STATUS(wick_conn_tick(r.conn, UINT64_MAX - 1), WICK_OK);
    CHECK_INT(r.calls[CALL_OUTPUT], 1);
    CHECK(wick_conn_deadline(r.conn) == WICK_NEVER);
    CHECK_STATUS(wick_conn_close(r.conn, 1000, NULL, 0, UINT64_MAX - 1), WICK_OK);
    CHECK(wick_conn_deadline(r.conn) == WICK_NEVER);
    CHECK_STATUS(wick_conn_tick(r.conn, UINT64_MAX), WICK_OK);
    finish(&r);
}

/* ---- The end --------------------------------------------------------------------------------------------------- */

static void end_says_how_it_went(void)
{
    recorder r;
    bytes stream = {0};
    uint8_t bad[1] = {0x83};
    size_t used;
    stream_close(&stream, WICK_SERVER, 1001, "");

    begin(&r, WICK_SERVER, 0);
    feed_frame(&r, 0x01, "half a message", 0);
    CHECK_INT(r.lent_now, 1);
    CHECK_STATUS(wick_conn_end(r.conn), WICK_E_EOF);
    CHECK_INT(r.lent_now, 0);
    CHECK_INT(wick_conn_state(r.conn), WICK_CLOSED);
    CHECK_STATUS(wick_conn_end(r.conn), WICK_E_EOF);
    finish(&r);

    begin(&r, WICK_SERVER, 0);
    CHECK_STATUS(wick_conn_close(r.conn, 1000, NULL, 0, 0), WICK_OK);
    CHECK_STATUS(wick_conn_end(r.conn), WICK_E_EOF); /* ours went, theirs never came */
    finish(&r);

    begin(&r, WICK_SERVER, 0);
    feed(&r, &stream, 0);
    CHECK_STATUS(wick_conn_end(r.conn), WICK_OK);
    CHECK_STATUS(wick_conn_end(r.conn), WICK_OK);
    CHECK_STATUS(wick_conn_recv(r.conn, bad, 1, &used, 0), WICK_OK);
    CHECK_INT(used, 1);
    finish(&r);

    begin(&r, WICK_SERVER, 0);
    CHECK_STATUS(wick_conn_recv(r.conn, bad, 1, &used, 0), WICK_E_OPCODE);
    CHECK_STATUS(wick_conn_end(r.conn), WICK_E_OPCODE);
    finish(&r);
    bytes_free(&stream);
}

int main(void)
{
    RUN(defaults_are_as_documented);
    RUN(a_silent_peer_is_pinged_and_then_dropped);
    RUN(a_late_tick_waits_from_the_ping_on);
    RUN(any_byte_resets_the_heartbeat);
    RUN(feeding_nothing_resets_nothing);
    RUN(sending_does_not_stand_in_for_hearing);
    RUN(a_ping_that_is_blocked_counts_as_sent);
    RUN(a_ping_that_fails_ends_the_connection);
    RUN(a_ping_without_a_key_ends_the_connection);
    RUN(an_idle_connection_is_closed);
    RUN(control_frames_are_not_messages);
    RUN(a_message_that_comes_resets_idle);
    RUN(a_message_that_goes_resets_idle);
    RUN(a_send_that_is_blocked_does_not_count);
    RUN(the_heartbeat_and_idle_run_beside_each_other);
    RUN(a_close_that_is_not_answered_times_out);
    RUN(an_answered_close_lingers);
    RUN(a_failed_connection_lingers);
    RUN(an_owed_close_frame_is_written_once_output_drains);
    RUN(never_turns_each_timer_off);
    RUN(a_pong_timeout_of_never_sends_one_ping);
    RUN(a_huge_clock_does_not_wrap);
    RUN(end_says_how_it_went);
    return test_end();
}
