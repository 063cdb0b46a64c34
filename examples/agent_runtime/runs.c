/*
 * runs.c - the runs of the links: which events go where, and who may cancel and answer what.
 *
 * A run is known here from its agent.started to its last event. Those that have been refused room all get their turn
 * when there is some. While the process drains nothing is refused: what is said then is short, and the last.
 */
#include <stdlib.h>
#include <string.h>

#include "agent_runtime/runtime.h"
#include "lib/agent_link.h"
#include "lib/log.h"

struct linked_run {
    struct id_entry entry;
    struct ring place;
    struct link *link; /* NULL: it has gone */
    int blocked;       /* an event has been refused */
    int held;          /* the Experience has asked to wait */
    size_t session_len;
    char session[WICK_LIMIT_ID]; /* plain: every event says it again */
};

static struct ids runs;

/* The link whose invocation is being started: its agent.started comes before the call returns. */
static struct link *starting;
static wick_text starting_session;

int runs_init(void)
{
    return ids_init(&runs);
}

void runs_free(void)
{
    ids_free(&runs);
}

static struct linked_run *find_run(const wick_text *id)
{
    return (struct linked_run *)(void *)ids_find(&runs, id); /* its first member */
}

static struct linked_run *run_begin(struct link *link, const wick_text *id)
{
    struct linked_run *run = calloc(1, sizeof *run);
    if (!run || ids_add(&runs, &run->entry, id) < 0) {
        free(run);
        return NULL;
    }
    wick_str session;
    if (starting_session.data &&
        wick_text_plain(&starting_session, run->session, sizeof run->session, &session) == WICK_OK) {
        memmove(run->session, session.data, session.len);
        run->session_len = session.len;
    }
    run->link = link;
    ring_add(&link->runs, &run->place);
    return run;
}

static void run_over(struct linked_run *run)
{
    ids_remove(&runs, &run->entry);
    ring_remove(&run->place);
    free(run);
}

/* ---- Runtime to Experience --------------------------------------------------------------------------------------- */

/* Returns 0, WICK_BLOCKED, or -1 if nobody will ever take it. */
static int tell(struct linked_run *run, const wick_event *said)
{
    wick_event copy = *said, *event = &copy;
    if (run->session_len)
        copy.head.session_id = wick_text_of(run->session, run->session_len);
    if (!run->link)
        return 0;
    if (run->held && !runtime_server.draining)
        return WICK_BLOCKED;
    wick_status status = agent_link_send(run->link->peer, event);
    if (status == WICK_OK || status == WICK_BLOCKED)
        return (int)status;
    if (wick_conn_state(&run->link->peer->as.ws) != WICK_OPEN)
        return 0; /* the connection is on its way out, and its runs with it */
    log_line("run %.*s: %s is refused: %s", (int)run->entry.len, run->entry.text, wick_type_name(event->type),
             wick_status_text(status));
    return -1;
}

int on_runtime_event(void *user, const wick_event *event)
{
    int first = event->type == WICK_TYPE_AGENT_STARTED;
    int last = event->type == WICK_TYPE_AGENT_COMPLETED || event->type == WICK_TYPE_AGENT_FAILED;
    struct linked_run *run = find_run(&event->head.invocation_id);
    (void)user;
    if (!run && first && starting) {
        run = run_begin(starting, &event->head.invocation_id);
        if (!run)
            return -1;
    }
    if (!run)
        return 0;
    int told = tell(run, event);
    if (told == 0 ? last : first)
        run_over(run); /* a start that is refused has not been */
    else if (told == WICK_BLOCKED)
        run->blocked = 1;
    return told;
}

/* ---- Experience to Runtime --------------------------------------------------------------------------------------- */

static uint64_t now(void)
{
    return runtime_server.loop.now_ms;
}

wick_status run_invoke(struct link *link, const wick_invocation *invocation, wick_code *code)
{
    starting = link;
    starting_session = invocation->session_id;
    wick_status status = wick_runtime_invoke(runtime_server.runtime, invocation, code, now());
    starting = NULL;
    runtime_arm();
    return status;
}

/* Whether a run is one of another link. One that is over belongs to nobody. */
static int is_foreign(const struct link *link, const wick_text *id)
{
    const struct linked_run *run = find_run(id);
    return run && run->link != link;
}

wick_status run_cancel(struct link *link, const wick_cancel *cancel)
{
    if (is_foreign(link, &cancel->invocation_id))
        return WICK_E_STATE;
    return wick_runtime_cancel(runtime_server.runtime, &cancel->invocation_id, &cancel->reason, now());
}

wick_status run_answer(struct link *link, const wick_runtime_input *input)
{
    if (is_foreign(link, &input->invocation_id))
        return WICK_E_STATE;
    return wick_runtime_answer(runtime_server.runtime, input, now());
}

/* ---- Room -------------------------------------------------------------------------------------------------------- */

static void give_room(struct linked_run *run)
{
    wick_text id = ids_text(&run->entry);
    if (!run->blocked || run->held)
        return;
    run->blocked = 0;
    wick_runtime_room(runtime_server.runtime, &id, now()); /* the run may be over, and its memory gone */
}

void run_hold(struct link *link, const wick_text *id, int hold)
{
    struct linked_run *run = find_run(id);
    if (!run || run->link != link)
        return;
    run->held = hold;
    give_room(run);
}

void runs_room(struct link *link)
{
    struct ring todo;
    ring_init(&todo);
    while (!ring_empty(&link->runs)) {
        struct ring *place = link->runs.next;
        ring_remove(place);
        ring_add(&todo, place);
    }
    while (!ring_empty(&todo)) {
        struct ring *place = todo.next;
        ring_remove(place);
        ring_add(&link->runs, place);
        give_room((struct linked_run *)(void *)((char *)place - offsetof(struct linked_run, place)));
    }
}

/* Its events go nowhere from now on. */
static void orphan(struct linked_run *run)
{
    struct id_entry key = run->entry;
    wick_text id = ids_text(&key), reason = WICK_TEXT("The Experience's connection has gone.");
    ring_remove(&run->place);
    run->link = NULL;
    run->held = 0;
    wick_runtime_cancel(runtime_server.runtime, &id, &reason, now());
    run = find_run(&id);
    if (run)
        give_room(run); /* its last event was waiting */
    run = find_run(&id);
    if (run)
        run_over(run);
}

void runs_gone(struct link *link)
{
    while (!ring_empty(&link->runs)) {
        struct ring *place = link->runs.next;
        orphan((struct linked_run *)(void *)((char *)place - offsetof(struct linked_run, place)));
    }
}
