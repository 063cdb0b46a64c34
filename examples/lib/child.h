/*
 * child.h - agents as child processes: private to agents.c and child*.c. See agents.h.
 */
#ifndef EXAMPLES_CHILD_H
#define EXAMPLES_CHILD_H

#include <sys/types.h>

#include "lib/agents.h"
#include "lib/builtin.h"

/* An agent: built in, or a command line. */
struct command {
    struct command *next;
    struct agents *agents;
    const struct builtin *builtin;
    const char *line;
    wick_agent agent;
};

/* One end of a pipe and what has been read from it. */
struct pipe_in {
    struct source source;
    struct child *child;
    char *data;      /* [0, len) has come and has not been told */
    size_t len, cap;
    size_t looked;   /* no line end before this */
    int error;       /* stderr: lines become agent.log */
    int in_pieces;   /* the start of this line has been told already */
};

struct child {
    struct agents *agents;
    struct child *next;
    wick_run handle;
    wick_str id;             /* of the agent */
    pid_t pid;               /* also the process group; 0 once it has been reaped */
    int status;              /* of waitpid() */
    int reaped;
    int muted;               /* nothing more is told: the run is over */
    int blocked;             /* an event has been refused: the pipes are not read */
    int killed;              /* SIGTERM has been sent */
    struct pipe_in out, err;
    struct source in;        /* the child's stdin */
    struct text input;       /* what has not been written to it */
    struct source timer;     /* SIGKILL, or the end of waiting for pipes that somebody else holds */
};

extern const wick_agent_type child_type;

/* Kill all children that are left, and free them. */
void children_free(struct agents *agents);

/* The child has told the last event of its run: it has a while to go by itself. */
void child_said_end(struct child *child);

/* ---- child_output.c ---- */

/* What became of a line. */
enum told { TOLD, TOLD_LATER, TOLD_NEVER };

/*
 * Read what is there and tell it. Returns 1 while the pipe is open, 0 at its end. Stops early if an event is refused:
 * child->blocked is set then.
 */
int child_read(struct pipe_in *in);
/* Tell what has been read; at_end also what has no line end. Returns 0 if an event is refused. */
int child_tell(struct pipe_in *in, int at_end);

#endif
