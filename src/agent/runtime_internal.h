/*
 * What the files of the Runtime share: the layout of its memory, and telling an event.
 *
 *     wick_runtime | const wick_agent *agents[] | wick_runtime_slot runs[] | wick_table
 */
#ifndef WICK_AGENT_RUNTIME_INTERNAL_H
#define WICK_AGENT_RUNTIME_INTERNAL_H

#include "wick/runtime.h"

#include "agent/table.h"

enum {
    WICK_RUN_FREE,
    WICK_RUN_ACTIVE,  /* no last event has been told */
    WICK_RUN_STOPPING /* the last event has been told, or is owed; the agent has not left, or the event is owed */
};

typedef struct wick_runtime_slot {
    const wick_agent *agent;
    void *data;
    uint64_t deadline; /* WICK_NEVER is none */
    wick_order order;
    uint32_t generation;
    uint16_t owed;    /* the wick_code of an agent.failed that on_event would not take; 0 is none */
    uint8_t state;
    uint8_t left;     /* the agent has left */
    uint8_t blocked;  /* on_event has refused an event */
    uint8_t starting; /* on_start is running */
    uint16_t pad;
    uint32_t messages, thoughts; /* messages and trains of thought that the Runtime has named */
} wick_runtime_slot;

struct wick_runtime {
    wick_runtime_config config;
    uint64_t deadline;        /* no run ends earlier; may be too early */
    uint64_t last_request_ms; /* of the last request id that was minted */
    uint32_t last_request_n;
    uint32_t agent_count;
    uint32_t active;
    uint32_t stopping;
    uint8_t draining;
    uint8_t telling; /* on_event is running: nothing may change below it */
};

static inline const wick_agent **wick_runtime_agents(const wick_runtime *runtime)
{
    return (const wick_agent **)((uintptr_t)runtime + sizeof *runtime);
}

static inline wick_runtime_slot *wick_runtime_slot_at(const wick_runtime *runtime, uint32_t slot)
{
    size_t agents = ((size_t)runtime->config.agents * sizeof(wick_agent *) + 7) / 8 * 8;
    return (wick_runtime_slot *)((uintptr_t)runtime + sizeof *runtime + agents) + slot;
}

static inline wick_table *wick_runtime_table(const wick_runtime *runtime)
{
    return (wick_table *)(uintptr_t)wick_runtime_slot_at(runtime, runtime->config.runs);
}

const wick_agent **wick_runtime_find_agent(const wick_runtime *runtime, const wick_text *id);
wick_run wick_runtime_handle(const wick_runtime *runtime, uint32_t slot);
/* The slot of a run that is not over; WICK_NO_SLOT else. */
uint32_t wick_runtime_slot_of(const wick_runtime *runtime, wick_run run);
/* The slot of an id, also of a run that is over and remembered. */
uint32_t wick_runtime_slot_of_id(const wick_runtime *runtime, const wick_text *id);

/* Make an agent.failed. */
void wick_runtime_failed(wick_event *event, wick_code code, const char *message);
/* The last event has been told, or is owed. */
void wick_runtime_ended(wick_runtime *runtime, wick_runtime_slot *run);
/* End a run, if it is active, for everybody but its agent. message may be NULL. */
void wick_runtime_end(wick_runtime *runtime, uint32_t slot, wick_code code, const wick_text *message, uint64_t now_ms);
/* The same, and ask the agent to stop. */
void wick_runtime_stop(wick_runtime *runtime, uint32_t slot, wick_code code, const wick_text *message,
                       uint64_t now_ms);
/*
 * Tell an event of a run: order, envelope, on_event. The event is the Runtime's own copy. Returns like
 * wick_runtime_emit(); the state is unchanged unless it is WICK_OK.
 */
wick_status wick_runtime_tell(wick_runtime *runtime, uint32_t slot, wick_event *event, uint64_t now_ms);

#endif
