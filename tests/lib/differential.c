/*
 * A stream against the oracle: see differential.h.
 */
#include "lib/differential.h"

#include "base/kernels.h"
#include "oracle/conn.h"

#include <stdlib.h>
#include <string.h>

typedef struct chance {
    uint64_t state;
    unsigned pause, block; /* of 16 */
} chance;

static unsigned of16(chance *c)
{
    c->state ^= c->state << 13;
    c->state ^= c->state >> 7;
    c->state ^= c->state << 17;
    return (unsigned)(c->state >> 20) & 15;
}

static int sometimes(recorder *r, call which)
{
    chance *c = r->decide_user;
    if (which == CALL_MEMORY || which == CALL_RANDOM)
        return 0;
    if ((which == CALL_OUTPUT || which == CALL_MESSAGE || which == CALL_SLICE) && of16(c) < c->block)
        return WICK_BLOCKED;
    return which != CALL_OUTPUT && of16(c) < c->pause ? WICK_PAUSED : 0;
}

/* Where pieces end: nowhere, everywhere, often or seldom. */
static uint8_t *make_cuts(size_t len, unsigned how, chance *c)
{
    uint8_t *cut = calloc(len + 1, 1);
    for (size_t i = 1; cut && i < len; i++)
        cut[i] = how % 4 == 1 || (how % 4 == 2 && of16(c) < 6) || (how % 4 == 3 && of16(c) == 0);
    return cut;
}

static void choose_limits(oracle_settings *settings, unsigned how)
{
    static const uint64_t limits[4] = {0, 4, 130, UINT64_MAX};
    settings->max_frame = limits[how & 3];
    settings->max_message = limits[how >> 2 & 3];
    settings->max_fragments = how & 16 ? 3 : 0;
    settings->closing = how >> 5 & 1;
}

const char *differential(wick_role role, const uint8_t *data, size_t size)
{
    oracle_settings settings = {.role = role};
    const char *differs;
    recorder r;
    outcome want;
    uint8_t *cut;
    if (size < DIFFERENTIAL_HEAD)
        return NULL;
    chance c = {.state = (uint64_t)data[3] * 0x9E3779B97F4A7C15u + 1, .pause = data[2] & 15, .block = data[2] >> 4};
    c.pause = c.pause == 15 ? 14 : c.pause;
    c.block = c.block == 15 ? 14 : c.block;
    choose_limits(&settings, data[1] >> 2);
    recorder_init(&r, role, data[0] % WAY_COUNT);
    r.move = data[0] >> 7;
    r.config.kernels = wick_kernels_at(data[0] >> 4 & 3);
    r.config.max_frame = settings.max_frame;
    r.config.max_message = settings.max_message;
    r.config.max_fragments = (uint32_t)settings.max_fragments;
    recorder_restart(&r, 0);
    r.decide = sometimes;
    r.decide_user = &c;
    if (settings.closing)
        recorder_close_first(&r);
    oracle_conn(&settings, data + DIFFERENTIAL_HEAD, size - DIFFERENTIAL_HEAD, &want);
    cut = make_cuts(size - DIFFERENTIAL_HEAD, data[1], &c);
    recorder_feed(&r, data + DIFFERENTIAL_HEAD, size - DIFFERENTIAL_HEAD, cut);
    differs = recorder_differs(&r, &want);
    free(cut);
    outcome_free(&want);
    r.decide = NULL;
    recorder_free(&r);
    return differs;
}
