/*
 * doctor_time.c - what it means when a connection ends while it is held, and when events come late. Pure.
 *
 * A cut is put down to idleness, to age or to the server by what the other held connections did: one with pings through
 * the same proxy, one without pings to the server itself.
 */
#include <stdio.h>
#include <string.h>

#include "wick/doctor.h"

/* The limits that proxies come with show after 60 to 100 s. */
#define LIMITS_SHOW_MS 65000
/* Ages of cuts that are the same, and a delay of an event that is felt. */
#define SAME_AGE_MS 400
#define DELAY_MS 120

static int was_cut(const struct doctor_life *life)
{
    return life->opened && (life->fate == FATE_FIN || life->fate == FATE_RESET);
}

static int same_age(uint64_t a, uint64_t b)
{
    uint64_t apart = a > b ? a - b : b - a;
    return apart <= SAME_AGE_MS + a / 20;
}

static const char *typical(uint64_t ms)
{
    if (ms >= 58000 && ms <= 63000)
        return " 60 s is what nginx, lighttpd, Apache (by its packages) and AWS load balancers come with.";
    if (ms >= 88000 && ms <= 93000)
        return " 90 s is what Nginx Proxy Manager comes with.";
    if (ms >= 97000 && ms <= 105000)
        return " About 100 s is Cloudflare's.";
    return "";
}

static void judge_close(const struct doctor_life *life, const struct doctor_holds *holds, const char *proxy,
                        struct doctor_finding *out)
{
    SAY(out->note, "closed with %u%s%s after %.1f s", life->code, *life->reason ? " " : "", life->reason,
        (double)life->age_ms / 1000);
    if (life->code == 1001 && holds->has_direct && holds->direct.opened && holds->direct.fate == FATE_OPEN) {
        SAY(out->detail, "The direct connection stays: it was the proxy that said Close 1001, as Caddy does when "
                         "its configuration is loaded anew.");
        doctor_fail(out, "PROXY_RELOAD", *proxy ? proxy : "Caddy");
        return;
    }
    SAY(out->detail, "A Close frame with %u came; proxies send none of their own but 1001 when they are loaded "
                     "anew.", life->code);
    doctor_fail(out, "CLOSED_BY_SERVER", "");
}

static void judge_lifetime(const struct doctor_holds *holds, const char *proxy, struct doctor_finding *out)
{
    SAY(out->note, "cut at the age of %.1f s, pings or not", (double)holds->pinged.age_ms / 1000);
    SAY(out->detail, "The connection with pings and the one without end at the same age: it is a limit on the "
                     "lifetime, which no heartbeat helps against.");
    doctor_fail(out, "LIFETIME_LIMIT", proxy);
}

/* Whatever both kinds of connection have in common. Returns 1 if there is nothing more to be said. */
static int judge_common(const struct doctor_life *life, const struct doctor_holds *holds, const char *proxy,
                        struct doctor_finding *out)
{
    if (!life->opened) {
        SAY(out->note, "the connection could not be opened again");
        doctor_fail(out, "CONNECTION_CUT", proxy);
        return 1;
    }
    if (life->fate == FATE_CLOSED) {
        judge_close(life, holds, proxy, out);
        return 1;
    }
    if (life->fate == FATE_ERROR) {
        SAY(out->note, "broken after %.1f s", (double)life->age_ms / 1000);
        SAY(out->detail, "%s", wick_status_text(life->error));
        doctor_fail(out, "NOT_WEBSOCKET", proxy);
        return 1;
    }
    if (was_cut(life) && holds->has_direct && was_cut(&holds->direct) && same_age(life->age_ms, holds->direct.age_ms)) {
        SAY(out->note, "cut after %.1f s, directly too", (double)life->age_ms / 1000);
        SAY(out->detail, "The direct connection ends at the same age: it is the server that cuts, not the proxy.");
        doctor_fail(out, "SERVER_IDLE_LIMIT", "");
        return 1;
    }
    if (was_cut(&holds->quiet) && was_cut(&holds->pinged) && same_age(holds->quiet.age_ms, holds->pinged.age_ms)) {
        judge_lifetime(holds, proxy, out);
        return 1;
    }
    return 0;
}

/* What became of each connection. */
static void tell_lives(const struct doctor_holds *holds, char *text, size_t cap)
{
    static const char *const ends[] = { "held", "Close frame", "FIN", "reset", "broken" };
    const struct {
        const char *name;
        const struct doctor_life *life;
    } told[] = { { "without pings", &holds->quiet }, { "with pings", &holds->pinged }, { "direct", &holds->direct } };
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (told[i].life->opened)
            doctor_say(text, cap, "%s%s: %s after %.1f s", *text ? "; " : "", told[i].name, ends[told[i].life->fate],
                       (double)told[i].life->age_ms / 1000);
}

void doctor_judge_quiet_hold(const struct doctor_holds *holds, const char *proxy, struct doctor_finding *out)
{
    const struct doctor_life *life = &holds->quiet;
    tell_lives(holds, out->evidence, sizeof out->evidence);
    if (judge_common(life, holds, proxy, out))
        return;
    if (!was_cut(life)) {
        out->status = DOCTOR_PASSED;
        SAY(out->note, "held for %llu s%s", (ull)(life->age_ms / 1000),
            holds->wanted_ms < LIMITS_SHOW_MS ? "; the limits of proxies show at 60 to 100 s: --seconds 70" : "");
        return;
    }
    SAY(out->note, "%s after %.1f s of silence, without a Close frame", life->fate == FATE_RESET ? "reset" : "cut",
        (double)life->silent_ms / 1000);
    SAY(out->detail, "A connection on which nothing goes either way is cut after %.1f "
                     "s%s.%s", (double)life->silent_ms / 1000,
        holds->pinged.opened && holds->pinged.fate == FATE_OPEN ? "; one with pings lives "
                                                                  "on" : "", typical(life->silent_ms));
    doctor_fail(out, "IDLE_LIMIT", proxy);
}

void doctor_judge_pinged_hold(const struct doctor_holds *holds, const char *proxy, struct doctor_finding *out)
{
    const struct doctor_life *life = &holds->pinged;
    tell_lives(holds, out->evidence, sizeof out->evidence);
    if (judge_common(life, holds, proxy, out))
        return;
    if (was_cut(life)) {
        SAY(out->note, "%s after %.1f s, with a ping every %.1f s", life->fate == FATE_RESET ? "reset" : "cut",
            (double)life->age_ms / 1000, (double)holds->every_ms / 1000);
        SAY(out->detail, "It ended though there was traffic in both directions. ");
        if (holds->every_ms > life->age_ms || life->silent_ms >= life->age_ms / 2)
            SAY(out->detail, "The limit is shorter than the time between two pings.");
        doctor_fail(out, holds->every_ms > life->age_ms ? "IDLE_LIMIT" : "CONNECTION_CUT", proxy);
    } else if (life->pongs + 1 < life->pings) {
        SAY(out->note, "%u pings, %u pongs", life->pings, life->pongs);
        SAY(out->detail, "The connection stays, and most pings get no answer.");
        doctor_fail(out, "PINGS_LOST", proxy);
    } else {
        out->status = DOCTOR_PASSED;
        SAY(out->note, "held for %llu s, a ping every %.1f s, %u pongs", (ull)(life->age_ms / 1000),
            (double)holds->every_ms / 1000, life->pongs);
    }
}

/* ---- Events ------------------------------------------------------------------------------------------------------ */

static void judge_held_back(const struct doctor_stream *through, const char *proxy, struct doctor_finding *out)
{
    if (through->late)
        SAY(out->note, "everything came at once, after %.1f s", (double)through->whole_ms / 1000);
    else
        SAY(out->note, "nothing came within %.1f s", (double)through->whole_ms / 1000);
    SAY(out->detail, "The proxy collects the answer in place of passing it on piece by piece, so events arrive when "
                     "the stream ends, or never.");
    doctor_fail(out, "HELD_BACK", proxy);
}

void doctor_judge_stream(const struct doctor_stream *through, const struct doctor_stream *direct, const char *proxy,
                         struct doctor_finding *out)
{
    const struct doctor_answer *answer = &through->answer;
    int flows_direct = direct && direct->pieces && !direct->late;
    doctor_evidence(answer, out->evidence, sizeof out->evidence);
    if (answer->status && answer->status != 200) {
        SAY(out->note, "%u %s", answer->status, answer->reason);
        doctor_fail(out, "REFUSED", proxy);
    } else if (answer->status == 200 && *answer->type && strncmp(answer->type, "text/event-stream", 17) != 0) {
        SAY(out->note, "%s, not an event stream", answer->type);
        doctor_fail(out, "NOT_EVENTS", proxy);
    } else if (through->late || (!through->pieces && (through->sent || flows_direct))) {
        judge_held_back(through, proxy, out);
    } else if (!through->pieces) {
        out->status = DOCTOR_SKIPPED;
        SAY(out->note, "no event came within %.1f s%s", (double)through->whole_ms / 1000,
            direct ? ", directly neither" : "; --direct would tell whose fault that is");
    } else if (through->delay_ms >= DELAY_MS && (!direct || direct->delay_ms * 2 < through->delay_ms)) {
        SAY(out->note, "an event takes %llu ms", (ull)through->delay_ms);
        SAY(out->detail, "Each event arrives late%s.", direct ? "; directly it does not" : "");
        doctor_fail(out, "DELAYED", proxy);
    } else {
        out->status = DOCTOR_PASSED;
        if (through->sent)
            SAY(out->note, "%u events, on their way for %llu ms", through->pieces, (ull)through->delay_ms);
        else
            SAY(out->note, "the first piece came %llu ms behind the head", (ull)through->first_ms);
    }
}

void doctor_judge_poll(const struct doctor_answer *answer, uint64_t took_ms, uint64_t wait_ms, const char *proxy,
                       struct doctor_finding *out)
{
    doctor_evidence(answer, out->evidence, sizeof out->evidence);
    if (answer->status == 200 && took_ms + SAME_AGE_MS >= wait_ms && took_ms <= wait_ms + 2000) {
        out->status = DOCTOR_PASSED;
        SAY(out->note, "waited %.1f s", (double)took_ms / 1000);
    } else if (answer->status == 200) {
        SAY(out->note, "asked to wait %.1f s, answered after %.1f s", (double)wait_ms / 1000, (double)took_ms / 1000);
        doctor_fail(out, "POLL_CUT", proxy);
    } else {
        SAY(out->note, "asked to wait %.1f s; %u %s after %.1f s", (double)wait_ms / 1000, answer->status,
            answer->status ? answer->reason : answer->trouble, (double)took_ms / 1000);
        SAY(out->detail, "The proxy does not wait as long as the answer takes.");
        doctor_fail(out, "POLL_CUT", proxy);
    }
}
