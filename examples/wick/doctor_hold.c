/*
 * doctor_hold.c - idle connections, all held at the same time: one that says nothing, one with pings, and one that says
 * nothing to the server itself.
 */
#include "wick/doctor.h"
#include "wick/wick.h"

#define PING_MAX_MS 20000
#define PING_MIN_MS 1000

static uint64_t ping_interval(uint64_t ms)
{
    uint64_t every = ms / 5;
    if (every < PING_MIN_MS)
        every = ms >= 2 * PING_MIN_MS ? PING_MIN_MS : ms / 2 + 1;
    return every > PING_MAX_MS ? PING_MAX_MS : every;
}

static void send_ping(struct doctor_link *link)
{
    link->pinged_ms = link->active_ms = command_loop.now_ms;
    if (link->peer && wick_conn_ping(&link->peer->as.ws, "wick", 4) == WICK_OK)
        link->life.pings++;
}

void doctor_hold(const struct doctor_case *seen, uint64_t ms, struct doctor_holds *holds)
{
    struct doctor_link quiet, pinged, direct = { 0 };
    struct doctor_answer answer;
    holds->wanted_ms = ms;
    holds->every_ms = ping_interval(ms);
    holds->has_direct = seen->direct_life.opened;
    doctor_open(&quiet, seen->url, seen->origin, &answer);
    doctor_open(&pinged, seen->url, seen->origin, &answer);
    if (holds->has_direct)
        doctor_open(&direct, seen->direct_url, NULL, &answer);
    uint64_t end = loop_clock(&command_loop) + ms, ping = command_loop.now_ms + holds->every_ms;
    while (command_loop.now_ms < end && (quiet.peer || pinged.peer) && !doctor_interrupted()) {
        doctor_wait((ping < end ? ping : end) - command_loop.now_ms);
        if (loop_clock(&command_loop) >= ping) {
            send_ping(&pinged);
            ping = command_loop.now_ms + holds->every_ms;
        }
    }
    doctor_look(&quiet);
    doctor_look(&pinged);
    doctor_look(&direct);
    holds->quiet = quiet.life;
    holds->pinged = pinged.life;
    holds->direct = direct.life;
    doctor_close(&quiet);
    doctor_close(&pinged);
    doctor_close(&direct);
}
