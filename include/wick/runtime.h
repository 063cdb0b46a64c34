/*
 * wick/runtime.h - the Runtime: runs agents when it is told to, and tells what they do. It knows no users.
 *
 * A Runtime is a registry of agents and a fixed number of runs, in memory of yours. It is reached through three calls,
 * wick_runtime_invoke(), wick_runtime_cancel() and wick_runtime_answer(), and answers through one callback, on_event,
 * so that it can stand in the same process as whoever calls it, behind a socket, or behind a queue. Nothing in this
 * header has a place for a user, a role, a token or a surface, and an invocation that carries one is refused.
 *
 *     static int on_start(wick_runtime *runtime, wick_run run, const wick_agent *agent,
 *                         const wick_invocation *invocation, void **data)
 *     {
 *         wick_event event = {0};
 *         event.type = WICK_TYPE_AGENT_COMPLETED;
 *         event.as.agent_completed.result = invocation->input;
 *         wick_runtime_emit(runtime, run, &event, now_ms);
 *         wick_runtime_leave(runtime, run, now_ms);
 *         return 0;
 *     }
 *     static const wick_agent_type echo_type = { .on_start = on_start };
 *     static wick_agent echo = { .id = { "tool.echo", 9 }, .type = &echo_type };
 *
 *     wick_runtime_config config = { .size = sizeof config, .on_event = on_event };
 *     runtime = malloc(wick_runtime_size(&config));
 *     wick_runtime_init(runtime, &config, now_ms);
 *     wick_runtime_add(runtime, &echo);
 *     wick_runtime_invoke(runtime, &invocation, &code, now_ms);
 *
 * A RUN begins with wick_runtime_invoke(), which tells `agent.started` and calls the agent's on_start. From then on the
 * agent emits, from wherever it likes, until it calls wick_runtime_leave(), which it owes exactly once. The events of a
 * run are, as EBNF,
 *
 *     run = agent.started , { anything else } , ( agent.completed | agent.failed ) ;
 *
 * and the Runtime sees to that: what comes out of order is refused and never told, and a run that is cancelled, runs
 * out of time, is drained, or is left without a last event gets its agent.failed from the Runtime. The last event is
 * told at once; on_cancel then asks the agent to stop, and however long that takes it can say nothing more. The run's
 * slot is free when the agent has left.
 *
 * BACK-PRESSURE. on_event takes an event or refuses it with WICK_BLOCKED; wick_runtime_emit() then returns WICK_BLOCKED
 * and has done nothing. wick_runtime_room() says that there is room again, and calls on_room of that run's agent.
 * Events of the Runtime's own that are refused are owed, and told before anything else.
 */
#ifndef WICK_RUNTIME_H
#define WICK_RUNTIME_H

#include "wick/event.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Runs at once, unless a config says otherwise. */
#ifndef WICK_DEFAULT_RUNS
#define WICK_DEFAULT_RUNS 1024
#endif
/** Agents that can be added, unless a config says otherwise. */
#ifndef WICK_DEFAULT_AGENTS
#define WICK_DEFAULT_AGENTS 64
#endif
/** How long a question of an agent waits for its answer if the agent does not say, in milliseconds. */
#ifndef WICK_DEFAULT_INPUT_TIMEOUT_MS
#define WICK_DEFAULT_INPUT_TIMEOUT_MS 300000
#endif

typedef struct wick_runtime wick_runtime;
typedef struct wick_agent wick_agent;

/** A run. 0 is none. One that is over is never mistaken for a later one. */
typedef uint64_t wick_run;

/**
 * What an agent does. `data` is what on_start has set. Only on_start is required.
 *
 * From its callbacks an agent may emit and leave, and call whatever else of this header it likes.
 */
typedef struct wick_agent_type {
    /**
     * Start a run. `agent.started` has been told.
     *
     * invocation   gone when the callback returns: copy what is needed. Its texts may be escaped (wick_text_plain())
     * data         to be set to what the other callbacks are to get; NULL before
     *
     * Returns 0, or negative if it cannot start: the run then ends with agent.failed AGENT_ERROR, and
     * wick_runtime_leave() is not owed.
     */
    int (*on_start)(wick_runtime *runtime, wick_run run, const wick_agent *agent, const wick_invocation *invocation,
                    void **data);
    /**
     * A question has been settled; content is the answer, also after a timeout. `agent.input_resolved` has been told.
     */
    void (*on_input)(wick_runtime *runtime, wick_run run, void *data, const wick_runtime_input *input);
    /** The run is over for everybody else, for the reason `why`: stop, then call wick_runtime_leave(). */
    void (*on_cancel)(wick_runtime *runtime, wick_run run, void *data, wick_code why);
    /** There is room for events again: go on. */
    void (*on_room)(wick_runtime *runtime, wick_run run, void *data);
} wick_agent_type;

/** An agent. Not copied: it stays where it is as long as the Runtime. */
struct wick_agent {
    /** "guide.content": [a-z0-9_]+(\.[a-z0-9_]+)*, at most 128 characters */
    wick_str id;
    const wick_agent_type *type;
    /** The host's. */
    void *user;
};

/** How a Runtime is set up. Copied. Zero means the default. */
typedef struct wick_runtime_config {
    /** sizeof(wick_runtime_config) */
    size_t size;
    /** Runs at once; WICK_DEFAULT_RUNS. The ids of runs that are over are remembered in the slots that are free. */
    uint32_t runs;
    /** Agents that can be added; WICK_DEFAULT_AGENTS */
    uint32_t agents;
    /**
     * What to add to now_ms to get Unix milliseconds, for `ts`, `expires_at` and request ids; see wick_runtime_clock()
     */
    uint64_t unix_offset_ms;
    /**
     * Tell an event. Required. Its envelope has `type`, `ts`, `invocation_id` and `agent_id`.
     *
     * event   gone when the callback returns
     *
     * Returns 0; WICK_BLOCKED if it cannot take it now; negative if it never will, which wick_runtime_emit() returns as
     * WICK_E_CALLBACK.
     */
    int (*on_event)(void *user, const wick_event *event);
    /**
     * Fill out with random bytes, for the ids of invocations that come without one; NULL refuses those. 0 is success.
     */
    int (*on_random)(void *user, uint8_t *out, size_t len);
    /** Handed to the callbacks. */
    void *user;
} wick_runtime_config;

/** Numbers of a Runtime. */
typedef struct wick_runtime_counts {
    /** Runs whose last event has not been told. */
    uint32_t active;
    /** Runs that are over but whose agent has not left. */
    uint32_t stopping;
    /** Runs that are possible at once. */
    uint32_t capacity;
    int draining;
} wick_runtime_counts;

/** Give the bytes that a Runtime with this config takes; 0 if the config is wrong. About 450 a run. */
WICK_API size_t wick_runtime_size(const wick_runtime_config *config);

/**
 * Set up a Runtime.
 *
 * runtime   wick_runtime_size() bytes, aligned for uint64_t
 *
 * Returns WICK_OK, or WICK_E_CONFIG: the size field is unknown, on_event is missing, or a number is too large.
 */
WICK_API wick_status wick_runtime_init(wick_runtime *runtime, const wick_runtime_config *config, uint64_t now_ms);

/**
 * Add an agent, or put it in place of the one that has the same id.
 *
 * Returns WICK_OK; WICK_E_ARG if the id is malformed or on_start is missing; WICK_E_SPACE if there is no room for more.
 */
WICK_API wick_status wick_runtime_add(wick_runtime *runtime, const wick_agent *agent);

/** Say that the wall clock has been set: what to add to now_ms from now on to get Unix milliseconds. */
WICK_API void wick_runtime_clock(wick_runtime *runtime, uint64_t unix_offset_ms);

/* ---- The three calls ------------------------------------------------------------------------------------- */

/**
 * Run an agent.
 *
 * invocation   agent_id and input are required; a missing invocation_id is minted. deadline_ms is the time the run may
 *              take, 0 is no limit
 * code         set to what is wrong; WICK_CODE_NONE if nothing is
 * now_ms       the time
 *
 * An agent that is not known is no error of the call: the run starts, and ends with agent.failed AGENT_NOT_FOUND.
 *
 * Returns
 *   WICK_OK           started, and perhaps over already
 *   WICK_BLOCKED      on_event does not take agent.started now; nothing has happened
 *   WICK_E_IDENTITY   the input tells who the user is: IDENTITY_LEAK
 *   WICK_E_PAYLOAD    agent_id, input or an id is missing or malformed: INVALID_PAYLOAD
 *   WICK_E_STATE      the id has been used: INVOCATION_CONFLICT; or the Runtime drains: DRAINING
 *   WICK_E_SPACE      all slots are taken: TOO_MANY_INVOCATIONS
 *   WICK_E_RANDOM     an id is to be minted and there are no random bytes: INTERNAL
 *   WICK_E_CALLBACK   on_event refuses agent.started: INTERNAL
 */
WICK_API wick_status wick_runtime_invoke(wick_runtime *runtime, const wick_invocation *invocation, wick_code *code,
                                         uint64_t now_ms);

/**
 * Cancel a run: it ends with agent.failed CANCELLED.
 *
 * reason   for the error's message; NULL or absent is none
 *
 * Returns WICK_OK, also if it is over already; WICK_E_STATE if there is no such run.
 */
WICK_API wick_status wick_runtime_cancel(wick_runtime *runtime, const wick_text *invocation_id, const wick_text *reason,
                                         uint64_t now_ms);

/**
 * Settle a question of an agent.
 *
 * Tells `agent.input_resolved`, then calls the agent's on_input.
 *
 * Returns WICK_OK; WICK_BLOCKED if on_event does not take the event now, and nothing has happened; WICK_E_STATE if the
 * run is not running or has not asked that.
 */
WICK_API wick_status wick_runtime_answer(wick_runtime *runtime, const wick_runtime_input *input, uint64_t now_ms);

/* ---- For agents ------------------------------------------------------------------------------------------ */

/**
 * Tell an event of a run.
 *
 * The Runtime fills in the envelope (`ts`, `invocation_id`, `agent_id`) and what an agent may leave out: `message_id`,
 * and `request_id`, `timeout_ms` and `expires_at` of a question. An agent may emit the events of a run,
 * `mission.status`, `workflow.progress`, `coordinator.metrics`, `agent.status`, and the application's own types, `x.…`.
 *
 * event    not changed, and not kept
 *
 * Returns
 *   WICK_OK          told
 *   WICK_BLOCKED     not now: try again in on_room; nothing has happened
 *   WICK_E_STATE     the run is over
 *   WICK_E_ARG       not a type that an agent may emit
 *   WICK_E_ORDER_…   it may not come now (wick_order_check())
 *   WICK_E_CALLBACK  on_event refuses it
 * With an error the run goes on as if the event had not been.
 */
WICK_API wick_status wick_runtime_emit(wick_runtime *runtime, wick_run run, const wick_event *event, uint64_t now_ms);

/** Tell agent.failed with a code of the protocol and a sentence, NUL-terminated. Like wick_runtime_emit(). */
WICK_API wick_status wick_runtime_fail(wick_runtime *runtime, wick_run run, wick_code code, const char *message,
                                       uint64_t now_ms);

/**
 * Say that the agent has done with a run.
 *
 * If no last event has been told, agent.failed AGENT_ERROR is. `run` and its data mean nothing any more. A second call
 * does nothing.
 */
WICK_API void wick_runtime_leave(wick_runtime *runtime, wick_run run, uint64_t now_ms);

/** Give the id of a run's invocation; empty if the run is gone. Valid until the next call for the Runtime. */
WICK_API wick_str wick_runtime_id(const wick_runtime *runtime, wick_run run);

/* ---- For the host ---------------------------------------------------------------------------------------- */

/** Say that on_event takes events of a run again. Does nothing if it is not blocked. */
WICK_API void wick_runtime_room(wick_runtime *runtime, const wick_text *invocation_id, uint64_t now_ms);

/** End every run with agent.failed DRAINING, and refuse new ones from now on. */
WICK_API void wick_runtime_drain(wick_runtime *runtime, uint64_t now_ms);

/** End the runs whose time is over. To be called when wick_runtime_deadline() has come; earlier is harmless. */
WICK_API void wick_runtime_tick(wick_runtime *runtime, uint64_t now_ms);

/** Give the time at which wick_runtime_tick() is to be called, or WICK_NEVER. */
WICK_API uint64_t wick_runtime_deadline(const wick_runtime *runtime);

/** Count. */
WICK_API void wick_runtime_count(const wick_runtime *runtime, wick_runtime_counts *counts);

#ifdef __cplusplus
}
#endif

#endif
