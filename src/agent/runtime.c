/*
 * The Runtime: its registry, the life of its runs, and what its host calls. See wick/runtime.h.
 *
 * A run is a slot. It is ACTIVE until its last event has been told, then STOPPING until its agent has left; a handle is
 * the slot and a generation that counts how often the slot has been used, so that a handle of an old run is recognised.
 */
#include "wick/runtime.h"

#include <string.h>

#include "agent/runtime_internal.h"

/* ---- Set-up ---------------------------------------------------------------------------------------------- */

static int runtime_config(wick_runtime_config *to, const wick_runtime_config *config)
{
    if (!config || config->size != sizeof *config || !config->on_event)
        return 0;
    *to = *config;
    if (to->runs == 0)
        to->runs = WICK_DEFAULT_RUNS;
    if (to->agents == 0)
        to->agents = WICK_DEFAULT_AGENTS;
    return to->runs <= WICK_SLOTS_MAX && to->agents <= 65536;
}

size_t wick_runtime_size(const wick_runtime_config *config)
{
    wick_runtime_config full;
    if (!runtime_config(&full, config))
        return 0;
    size_t agents = ((size_t)full.agents * sizeof(wick_agent *) + 7) / 8 * 8;
    return sizeof(wick_runtime) + agents + (size_t)full.runs * sizeof(wick_runtime_slot) + wick_table_size(full.runs);
}

wick_status wick_runtime_init(wick_runtime *runtime, const wick_runtime_config *config, uint64_t now_ms)
{
    wick_runtime_config full;
    uint64_t seed = now_ms;
    if (!runtime_config(&full, config))
        return WICK_E_CONFIG;
    memset(runtime, 0, wick_runtime_size(config));
    runtime->config = full;
    runtime->deadline = WICK_NEVER;
    if (full.on_random && full.on_random(full.user, (uint8_t *)&seed, sizeof seed) != 0)
        seed = now_ms;
    wick_table_init(wick_runtime_table(runtime), full.runs, seed);
    return WICK_OK;
}

const wick_agent **wick_runtime_find_agent(const wick_runtime *runtime, const wick_text *id)
{
    const wick_agent **agents = wick_runtime_agents(runtime);
    for (uint32_t i = 0; i < runtime->agent_count; i++)
        if (wick_text_is(id, agents[i]->id.data, agents[i]->id.len))
            return &agents[i];
    return NULL;
}

wick_status wick_runtime_add(wick_runtime *runtime, const wick_agent *agent)
{
    if (!wick_agent_id_valid(agent->id.data, agent->id.len) || !agent->type || !agent->type->on_start)
        return WICK_E_ARG;
    wick_text id = wick_text_of(agent->id.data, agent->id.len);
    const wick_agent **place = wick_runtime_find_agent(runtime, &id);
    if (!place) {
        if (runtime->agent_count == runtime->config.agents)
            return WICK_E_SPACE;
        place = &wick_runtime_agents(runtime)[runtime->agent_count++];
    }
    *place = agent;
    return WICK_OK;
}

void wick_runtime_clock(wick_runtime *runtime, uint64_t unix_offset_ms)
{
    runtime->config.unix_offset_ms = unix_offset_ms;
}

/* ---- Handles --------------------------------------------------------------------------------------------- */

wick_run wick_runtime_handle(const wick_runtime *runtime, uint32_t slot)
{
    return (uint64_t)wick_runtime_slot_at(runtime, slot)->generation << 32 | (slot + 1);
}

uint32_t wick_runtime_slot_of(const wick_runtime *runtime, wick_run run)
{
    uint32_t slot = (uint32_t)run - 1;
    if ((uint32_t)run == 0 || slot >= runtime->config.runs)
        return WICK_NO_SLOT;
    const wick_runtime_slot *r = wick_runtime_slot_at(runtime, slot);
    return r->state != WICK_RUN_FREE && r->generation == run >> 32 ? slot : WICK_NO_SLOT;
}

uint32_t wick_runtime_slot_of_id(const wick_runtime *runtime, const wick_text *id)
{
    wick_slot_name name;
    const wick_table *table = wick_runtime_table(runtime);
    return wick_slot_name_set(table, &name, id) == 0 ? wick_table_find(table, &name) : WICK_NO_SLOT;
}

wick_str wick_runtime_id(const wick_runtime *runtime, wick_run run)
{
    uint32_t slot = wick_runtime_slot_of(runtime, run);
    if (slot == WICK_NO_SLOT)
        return WICK_STR("");
    const wick_slot_name *name = wick_table_name(wick_runtime_table(runtime), slot);
    wick_str id = { name->text, name->len };
    return id;
}

/* ---- The end of a run ------------------------------------------------------------------------------------ */

/* The slot is free once the last event is told and the agent has left. */
static void free_if_over(wick_runtime *runtime, uint32_t slot)
{
    wick_runtime_slot *r = wick_runtime_slot_at(runtime, slot);
    if (r->state != WICK_RUN_STOPPING || !r->left || r->owed)
        return;
    r->state = WICK_RUN_FREE;
    runtime->stopping--;
    wick_table_release(wick_runtime_table(runtime), slot);
}

void wick_runtime_ended(wick_runtime *runtime, wick_runtime_slot *r)
{
    if (r->state != WICK_RUN_ACTIVE)
        return;
    r->state = WICK_RUN_STOPPING;
    r->deadline = WICK_NEVER;
    runtime->active--;
    runtime->stopping++;
}

static const char *sentence_of(wick_code code)
{
    switch (code) {
    case WICK_CODE_CANCELLED:
        return "The run was cancelled.";
    case WICK_CODE_DEADLINE_EXCEEDED:
        return "The run took longer than it may.";
    case WICK_CODE_DRAINING:
        return "The server is going down.";
    default:
        return "The agent ended without saying how.";
    }
}

static wick_status tell_failed(wick_runtime *runtime, uint32_t slot, wick_code code, const wick_text *message,
                               uint64_t now_ms)
{
    wick_event event;
    wick_runtime_failed(&event, code, sentence_of(code));
    if (message && message->data)
        event.as.agent_failed.error.message = *message;
    return wick_runtime_tell(runtime, slot, &event, now_ms);
}

/* What on_event refuses for good counts as told: nobody will ever take it. */
void wick_runtime_end(wick_runtime *runtime, uint32_t slot, wick_code code, const wick_text *message, uint64_t now_ms)
{
    wick_runtime_slot *r = wick_runtime_slot_at(runtime, slot);
    if (r->state != WICK_RUN_ACTIVE)
        return;
    if (tell_failed(runtime, slot, code, message, now_ms) == WICK_BLOCKED)
        r->owed = (uint16_t)code;
    wick_runtime_ended(runtime, r);
}

void wick_runtime_stop(wick_runtime *runtime, uint32_t slot, wick_code code, const wick_text *message, uint64_t now_ms)
{
    wick_runtime_slot *r = wick_runtime_slot_at(runtime, slot);
    if (r->state != WICK_RUN_ACTIVE)
        return;
    wick_runtime_end(runtime, slot, code, message, now_ms);
    if (r->left)
        return;
    if (r->agent->type->on_cancel)
        r->agent->type->on_cancel(runtime, wick_runtime_handle(runtime, slot), r->data, code);
    else
        wick_runtime_leave(runtime, wick_runtime_handle(runtime, slot), now_ms);
}

void wick_runtime_leave(wick_runtime *runtime, wick_run run, uint64_t now_ms)
{
    uint32_t slot = wick_runtime_slot_of(runtime, run);
    if (slot == WICK_NO_SLOT || wick_runtime_slot_at(runtime, slot)->left)
        return;
    wick_runtime_end(runtime, slot, WICK_CODE_AGENT_ERROR, NULL, now_ms);
    wick_runtime_slot_at(runtime, slot)->left = 1;
    free_if_over(runtime, slot);
}

/* ---- For the host ---------------------------------------------------------------------------------------- */

void wick_runtime_room(wick_runtime *runtime, const wick_text *invocation_id, uint64_t now_ms)
{
    uint32_t slot = wick_runtime_slot_of_id(runtime, invocation_id);
    if (slot == WICK_NO_SLOT || runtime->telling)
        return;
    wick_runtime_slot *r = wick_runtime_slot_at(runtime, slot);
    if (r->state == WICK_RUN_FREE || !r->blocked)
        return;
    r->blocked = 0;
    if (r->owed) {
        if (tell_failed(runtime, slot, (wick_code)r->owed, NULL, now_ms) == WICK_BLOCKED)
            return;
        r->owed = 0;
        free_if_over(runtime, slot);
        return;
    }
    if (r->state == WICK_RUN_ACTIVE && !r->left && r->agent->type->on_room)
        r->agent->type->on_room(runtime, wick_runtime_handle(runtime, slot), r->data);
}

void wick_runtime_drain(wick_runtime *runtime, uint64_t now_ms)
{
    if (runtime->telling)
        return;
    runtime->draining = 1;
    for (uint32_t i = 0; i < runtime->config.runs && runtime->active; i++)
        wick_runtime_stop(runtime, i, WICK_CODE_DRAINING, NULL, now_ms);
}

void wick_runtime_tick(wick_runtime *runtime, uint64_t now_ms)
{
    if (now_ms < runtime->deadline || runtime->telling)
        return;
    runtime->deadline = WICK_NEVER;
    for (uint32_t i = 0; i < runtime->config.runs; i++) {
        wick_runtime_slot *r = wick_runtime_slot_at(runtime, i);
        if (r->state != WICK_RUN_ACTIVE)
            continue;
        if (r->deadline <= now_ms)
            wick_runtime_stop(runtime, i, WICK_CODE_DEADLINE_EXCEEDED, NULL, now_ms);
        else if (r->deadline < runtime->deadline)
            runtime->deadline = r->deadline;
    }
}

uint64_t wick_runtime_deadline(const wick_runtime *runtime)
{
    return runtime->deadline;
}

void wick_runtime_count(const wick_runtime *runtime, wick_runtime_counts *counts)
{
    counts->active = runtime->active;
    counts->stopping = runtime->stopping;
    counts->capacity = runtime->config.runs;
    counts->draining = runtime->draining;
}
