/*
 * push.h - sockets that are told how things stand: /ws/workflow/{id}, /ws/coordinator, /ws/agent/{name}.
 *
 * Each is a session like any other, into which the server publishes workflow.progress, coordinator.metrics or
 * agent.status: the state right after the opening, then each change. A change is not queued: a socket owes its reader
 * the state, and pays when the reader takes something, with what is true by then. So a slow one costs nothing.
 *
 * Changes are noted where they are seen, in callbacks of the planes, and told once those are over.
 */
#ifndef AGENT_SERVER_PUSH_H
#define AGENT_SERVER_PUSH_H

#include "agent_server/server.h"
#include "lib/ids.h"

enum push_kind { PUSH_NOTHING, PUSH_WORKFLOW, PUSH_COORDINATOR, PUSH_AGENT };

struct agent_state;

/* What one socket is told about. */
struct push {
    struct ring place; /* among all that are told about something */
    struct peer *peer;
    wick_link link;
    uint8_t kind; /* enum push_kind */
    uint8_t owed;
    uint64_t mission;
    uint64_t told; /* the version of the state, or a hash of the metrics */
    struct agent_state *agent;
};

int push_init(void);
void push_free(void);

/* Choose what a socket is told about; name is a segment of the path, not looked at
 * for PUSH_COORDINATOR. Returns WICK_CODE_NONE, MISSION_NOT_FOUND or
 * AGENT_NOT_FOUND. */
wick_code push_find(struct push *push, enum push_kind kind, wick_str name);
/* The socket is open; a full link hears nothing before push_opened(). */
void push_begin(struct push *push, struct peer *peer, wick_link link);
/* session.opened is on its way. May be called in a callback of the Experience. */
void push_opened(struct push *push);
/* The reader takes something again. */
void push_room(struct push *push);
/* The socket goes. */
void push_end(struct push *push);

/* A mission has moved on: tell its sockets soon, or now. The latter not in a callback of the Experience. */
void push_soon(void);
void push_now(void);
/* An event that the Runtime has told, once the Experience has taken it. */
void push_event(const wick_event *event);
/* The Runtime elsewhere can be reached, or not. */
void push_runtime(int reachable);

/* ---- push_agents.c: what every agent does ---- */

struct agent_state {
    struct id_entry entry;
    struct ring place; /* among all agents */
    size_t active;     /* runs */
    uint8_t known;     /* there is such an agent: it may be asked about */
    uint8_t failed;    /* a run has failed, and none has begun since */
    uint8_t status;    /* WICK_AGENT_ */
    uint64_t version;  /* another one with every change */
    int64_t since;     /* Unix milliseconds, of the status */
    char detail[192];
};

/* What the Runtime has told so far. */
struct run_counts {
    uint64_t completed, failed, cancelled, events, tokens;
};

int states_init(void);
void states_free(void);
/* The state of an agent that there is; NULL if there is none. */
struct agent_state *states_find(wick_str name);
/* Write the names of all agents as an array. */
void states_put(wick_json_writer *w);
/* Note what an event means for its agent. Returns whether some agent's state has changed. */
int states_event(const wick_event *event);
/* The same for all agents: the Runtime has been found or lost. */
void states_runtime(int reachable);
const struct run_counts *states_counts(size_t *agents, size_t *busy);

#endif
