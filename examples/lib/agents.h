/*
 * agents.h - the agents of a process: four that are built in, and any command as a child process, run from an event
 * loop on top of a wick_runtime.
 *
 *     struct agents agents;
 *     agents_init(&agents, &loop, runtime);
 *     agents_add_builtin(&agents);
 *     agents_add_command(&agents, "guide.content=./agent.sh");        // in place of the built-in one
 *
 * Nothing here blocks. A run is a small state machine that emits one event at a time; all that can go on take
 * turns, and the loop looks after its sockets in between. A run whose events are refused waits for on_room: the
 * output of a child is then not read, so that the pipe holds the child back.
 */
#ifndef EXAMPLES_AGENTS_H
#define EXAMPLES_AGENTS_H

#include "lib/loop.h"
#include "wick.h"

/* Children at once; one more fails with TOO_MANY_INVOCATIONS. */
#define AGENTS_CHILDREN 512
/* How long children that have been told to go may take before the process ends without them. */
#define AGENTS_LEAVE_MS 5000

struct run;
struct child;
struct command;

struct agents {
    struct loop *loop;
    wick_runtime *runtime;
    struct source pump;       /* an eventfd that is always readable: watched while runs have turns to take */
    struct run *next, **last; /* runs whose turn comes */
    struct child *children;
    size_t child_count;
    struct command *commands;
    struct source leaver;     /* agents_leave() */
    uint64_t leave_by_ms;
};

/* Returns 0, or -1 with errno. */
int agents_init(struct agents *agents, struct loop *loop, wick_runtime *runtime);
/* Kills the children that are left, and frees everything. */
void agents_free(struct agents *agents);

/* guide.content, guide.operations, liaison.data, liaison.experience. Returns 0, or -1. */
int agents_add_builtin(struct agents *agents);
/* ID=COMMAND: run the command with the shell, once for each invocation. Returns 0, or -1 if it is not that. */
int agents_add_command(struct agents *agents, const char *definition);

/* Give the id of the agent number `at`; one that has been replaced counts too. Returns 0, or -1 if there are fewer. */
int agents_name(const struct agents *agents, size_t at, wick_str *id);

/* SIGCHLD has come. */
void agents_reap(struct agents *agents);

/* Every run has ended: stop the loop when the last child has gone, at the latest after AGENTS_LEAVE_MS. */
void agents_leave(struct agents *agents);

/* Unix milliseconds minus the loop's: for the configs of Runtime and Experience. */
uint64_t agents_unix_offset(struct loop *loop);

#endif
