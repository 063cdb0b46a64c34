/*
 * runtime.h - what the files of agent_runtime share.
 *
 * There is no Experience in this program: it knows links, which are WebSockets of Experiences, and runs.
 */
#ifndef AGENT_RUNTIME_RUNTIME_H
#define AGENT_RUNTIME_RUNTIME_H

#include "lib/agents.h"
#include "lib/http_server.h"
#include "lib/ids.h"

/* The one path that there is. */
#define RUNTIME_PATH "/runtime"

struct runtime_server {
    struct loop loop;
    struct http_server http;
    struct agents agents;
    wick_runtime *runtime;
    uint64_t unix_offset_ms;
    struct source timer; /* the Runtime's next deadline */
    int draining;
};

extern struct runtime_server runtime_server;

/* Have the timer come at the Runtime's next deadline. */
void runtime_arm(void);

/* links.c: RUNTIME_PATH, and the messages of Experiences. */
void links_init(void);
void on_runtime_request(struct peer *peer, const struct http_request *request);
/* Every run has ended, and none will begin: say so. */
void links_drain(void);

/* runs.c: which link a run belongs to. */

/* An Experience's connection. */
struct link {
    struct peer *peer;
    struct ring runs;
    unsigned bad; /* messages in a row that were not JSON */
};

int runs_init(void);
void runs_free(void);
/* The Runtime's callback. */
int on_runtime_event(void *user, const wick_event *event);

/*
 * The three calls, for a link. WICK_E_STATE is also returned for a run of another link: nobody is told what others
 * run. The rest as in wick/runtime.h.
 */
wick_status run_invoke(struct link *link, const wick_invocation *invocation, wick_code *code);
wick_status run_cancel(struct link *link, const wick_cancel *cancel);
wick_status run_answer(struct link *link, const wick_runtime_input *input);

/* The Experience's reader of a run is slow, or has caught up. */
void run_hold(struct link *link, const wick_text *id, int hold);
/* The link takes messages again. */
void runs_room(struct link *link);
/* The link has gone: its runs are cancelled, because nobody can hear them any more. */
void runs_gone(struct link *link);

#endif
