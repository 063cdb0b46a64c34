/*
 * push_agents.c - what every agent does: idle, busy while runs of it go on, error after one that failed until the next
 * one begins, offline while the Runtime cannot be reached.
 *
 * In this process the agents are those of the Runtime. Of a Runtime elsewhere nobody says which agents it has: known
 * are those that the routes name, and those of which it has told anything but that there is none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent_server/push.h"

/* Agents whose state is kept; a Runtime elsewhere may invent names. */
#define STATES_MAX 4096

static struct ids names;
static struct ring all;
static struct run_counts counts;
static int offline;

static struct agent_state *state_at(struct ring *place)
{
    return (struct agent_state *)(void *)((char *)place - offsetof(struct agent_state, place));
}

static int64_t unix_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- Which agents there are -------------------------------------------------------------------------------------- */

static struct agent_state *state_new(const wick_text *id)
{
    struct agent_state *state = names.count < STATES_MAX ? calloc(1, sizeof *state) : NULL;
    if (!state || ids_add(&names, &state->entry, id) < 0) {
        free(state);
        return NULL;
    }
    ring_add(&all, &state->place);
    state->status = offline ? WICK_AGENT_OFFLINE : WICK_AGENT_IDLE;
    state->since = unix_now();
    return state;
}

static void state_free(struct agent_state *state)
{
    ids_remove(&names, &state->entry);
    ring_remove(&state->place);
    free(state);
}

static struct agent_state *state_of(const wick_text *id)
{
    return id->data ? (struct agent_state *)(void *)ids_find(&names, id) : NULL; /* its first member */
}

struct agent_state *states_find(wick_str name)
{
    wick_text id = wick_text_of(name.data, name.len);
    struct agent_state *state = state_of(&id);
    return state && state->known ? state : NULL;
}

void states_put(wick_json_writer *w)
{
    wick_json_put_array(w);
    for (struct ring *place = all.next; place != &all; place = place->next)
        if (state_at(place)->known)
            wick_json_put_string(w, state_at(place)->entry.text, state_at(place)->entry.len);
    wick_json_put_array_end(w);
}

static int know(wick_str name)
{
    wick_text id = wick_text_of(name.data, name.len);
    struct agent_state *state = state_of(&id);
    if (!state)
        state = state_new(&id);
    if (state)
        state->known = 1;
    return state ? 0 : -1;
}

static int know_routes(const wick_route *routes, size_t count)
{
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++)
        result = know(routes[i].agent_id);
    return result;
}

int states_init(void)
{
    size_t count;
    wick_str name;
    int result = 0;
    ring_init(&all);
    offline = server.runtime_url != NULL; /* until it is found */
    if (ids_init(&names) < 0)
        return -1;
    for (size_t i = 0; result == 0 && agents_name(&server.agents, i, &name) == 0; i++)
        result = know(name);
    if (server.runtime)
        return result;
    const wick_route *routes = wick_routes_default(&count);
    return know_routes(server.routes, server.route_count) < 0 || know_routes(routes, count) < 0 ? -1 : 0;
}

void states_free(void)
{
    while (all.next && !ring_empty(&all))
        state_free(state_at(all.next));
    ids_free(&names);
}

/* ---- What they do ------------------------------------------------------------------------------------------------ */

static void set_status(struct agent_state *state)
{
    uint8_t status = offline ? WICK_AGENT_OFFLINE : state->active ? WICK_AGENT_BUSY
                   : state->failed ? WICK_AGENT_ERROR : WICK_AGENT_IDLE;
    if (status != state->status)
        state->since = unix_now();
    state->status = status;
    state->version++;
    if (status == WICK_AGENT_OFFLINE)
        snprintf(state->detail, sizeof state->detail, "The agent runtime cannot be reached.");
    else if (status == WICK_AGENT_BUSY)
        snprintf(state->detail, sizeof state->detail, "%zu %s", state->active, state->active == 1 ? "run" : "runs");
    else if (status == WICK_AGENT_IDLE)
        state->detail[0] = 0;
}

static size_t plain_of(const wick_text *text, char *out, size_t cap)
{
    wick_text cut = wick_text_cut(text, cap);
    wick_str plain;
    if (!cut.data || wick_text_plain(&cut, out, cap, &plain) != WICK_OK)
        return 0;
    memmove(out, plain.data, plain.len);
    return plain.len;
}

static void keep_reason(struct agent_state *state, const wick_failure *failure)
{
    char code[65], message[121];
    code[plain_of(&failure->code, code, sizeof code - 1)] = 0;
    message[plain_of(&failure->message, message, sizeof message - 1)] = 0;
    snprintf(state->detail, sizeof state->detail, "%s: %s", code, message);
}

/* A run of an agent is over. An agent that there is not needs no state. */
static void on_failed(struct agent_state *state, const wick_failure *failure)
{
    wick_code code = wick_code_find(&failure->code);
    if (code == WICK_CODE_CANCELLED)
        counts.cancelled++;
    else
        counts.failed++;
    if (!state)
        return;
    if (code == WICK_CODE_AGENT_NOT_FOUND && !state->known && !state->active) {
        state_free(state);
        return;
    }
    if (code != WICK_CODE_CANCELLED && code != WICK_CODE_DRAINING && code != WICK_CODE_RUNTIME_UNAVAILABLE) {
        state->failed = 1;
        keep_reason(state, failure);
    }
    set_status(state);
}

int states_event(const wick_event *event)
{
    struct agent_state *state = state_of(&event->head.agent_id);
    int ends = event->type == WICK_TYPE_AGENT_COMPLETED || event->type == WICK_TYPE_AGENT_FAILED;
    counts.events++;
    counts.tokens += event->type == WICK_TYPE_AGENT_TOKEN;
    if (event->type == WICK_TYPE_AGENT_STARTED) {
        if (!state && !server.runtime)
            state = state_new(&event->head.agent_id);
        if (!state)
            return 0;
        state->active++;
        state->failed = 0;
        set_status(state);
        return 1;
    }
    if (state && event->type != WICK_TYPE_AGENT_FAILED)
        state->known = 1;
    if (!ends)
        return 0;
    if (state && state->active)
        state->active--;
    if (event->type == WICK_TYPE_AGENT_FAILED) {
        on_failed(state, &event->as.agent_failed.error);
    } else {
        counts.completed++;
        if (state)
            set_status(state);
    }
    return 1;
}

void states_runtime(int reachable)
{
    offline = !reachable;
    for (struct ring *place = all.next; place != &all; place = place->next) {
        state_at(place)->failed = 0;
        set_status(state_at(place));
    }
}

const struct run_counts *states_counts(size_t *agents, size_t *busy)
{
    *agents = *busy = 0;
    for (struct ring *place = all.next; place != &all; place = place->next) {
        *agents += state_at(place)->known;
        *busy += state_at(place)->active > 0;
    }
    return &counts;
}
