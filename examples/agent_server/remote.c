/*
 * remote.c - runs of a Runtime in another process: see remote.h.
 *
 * Events of a run whose reader takes nothing are kept, and the Runtime is asked to hold the run, not the link: the
 * other runs go on. What is on its way until the Runtime has heard that is bounded by the buffers of one connection. A
 * Runtime that does not know how to hold a run is not read any more from KEPT_MAX on.
 */
#include "agent_server/remote.h"

#include <stdlib.h>
#include <string.h>

#include "agent_server/push.h"
#include "lib/agent_link.h"
#include "lib/log.h"

/* Bytes kept in all from which on the link is not read. */
#define KEPT_MAX (32u << 20)
/* Bytes that the Runtime is behind from which on it gets no more invocations. */
#define BEHIND_MAX (8u << 20)

struct kept {
    struct kept *next;
    size_t len;
    char data[];
};

struct remote_run {
    struct id_entry entry;
    struct ring place;
    char agent[WICK_LIMIT_ID];
    size_t agent_len;
    wick_order order;
    int ended;                 /* its last event has come, or has been made here */
    struct kept *first, **last; /* events that its reader has not taken */
};

static struct ids runs;
static struct ring all;
static size_t kept_bytes;
static int paused;
static uint64_t unix_offset;
static wick_runtime_counts reported;

static uint64_t now(void)
{
    return server.loop.now_ms;
}

static struct remote_run *find_run(const wick_text *id)
{
    return (struct remote_run *)(void *)ids_find(&runs, id); /* its first member */
}

static struct remote_run *run_at(struct ring *place)
{
    return (struct remote_run *)(void *)((char *)place - offsetof(struct remote_run, place));
}

/* ---- What is kept ------------------------------------------------------------------------------------------------ */

static void set_pause(void)
{
    int pause = paused ? kept_bytes > KEPT_MAX / 2 : kept_bytes > KEPT_MAX;
    if (pause == paused)
        return;
    paused = pause;
    remote_pause(pause);
}

static int keep(struct remote_run *run, const wick_event *event)
{
    wick_slice message;
    if (agent_link_write(event, &message) != WICK_OK)
        return -1;
    struct kept *kept = malloc(sizeof *kept + message.len);
    if (!kept)
        return -1;
    kept->next = NULL;
    kept->len = message.len;
    memcpy(kept->data, message.data, message.len);
    *run->last = kept;
    run->last = &kept->next;
    kept_bytes += kept->len;
    set_pause();
    return 0;
}

static void drop_first(struct remote_run *run)
{
    struct kept *kept = run->first;
    run->first = kept->next;
    if (!run->first)
        run->last = &run->first;
    kept_bytes -= kept->len;
    free(kept);
    set_pause();
}

static void run_over(struct remote_run *run)
{
    while (run->first)
        drop_first(run);
    ids_remove(&runs, &run->entry);
    ring_remove(&run->place);
    free(run);
}

static void tell_runtime(const struct remote_run *run, const char *type)
{
    char payload[8 * WICK_LIMIT_ID];
    wick_event event = { .type = WICK_TYPE_APPLICATION };
    wick_json_writer writer;
    wick_text id = ids_text(&run->entry);
    size_t len;
    wick_json_writer_init(&writer, payload, sizeof payload, 0);
    wick_json_put_object(&writer);
    wick_json_put_key(&writer, "invocation_id", 13);
    wick_json_put_text(&writer, &id);
    wick_json_put_object_end(&writer);
    if (wick_json_writer_end(&writer, &len) != WICK_OK)
        return;
    event.head.type = agent_link_text(type);
    event.head.payload = wick_text_of(payload, len);
    event.head.payload.form = WICK_TEXT_JSON;
    remote_send(&event);
}

/* ---- Events ------------------------------------------------------------------------------------------------------ */

static int is_last(const wick_event *event)
{
    return event->type == WICK_TYPE_AGENT_COMPLETED || event->type == WICK_TYPE_AGENT_FAILED;
}

static void cancel_there(const struct remote_run *run, const wick_text *reason)
{
    wick_event event = { .type = WICK_TYPE_RUNTIME_CANCEL };
    event.as.cancel.invocation_id = ids_text(&run->entry);
    if (reason)
        event.as.cancel.reason = *reason;
    remote_send(&event);
}

/* Hand an event on, or keep it. Returns 0, or -1 if the Experience will never take it. */
static int give(struct remote_run *run, const wick_event *event)
{
    int first = !run->first;
    wick_status status = first ? wick_experience_event(server.experience, event, now()) : WICK_BLOCKED;
    if (status == WICK_OK || (status != WICK_BLOCKED && is_last(event)))
        push_event(event);
    if (status != WICK_BLOCKED)
        return status == WICK_OK ? 0 : -1;
    if (keep(run, event) < 0)
        return -1;
    if (first && !run->ended)
        tell_runtime(run, AGENT_LINK_HOLD);
    return 0;
}

/* Make the end of a run here, and its beginning if need be; it is over, or will be when its reader has caught up. */
static void end_with(struct remote_run *run, const wick_event *failed)
{
    wick_event event = { .type = WICK_TYPE_AGENT_STARTED };
    run->ended = 1;
    for (int i = run->order.state != 0; i < 2; i++) {
        if (i)
            event = *failed;
        event.head.ts = (int64_t)(now() + unix_offset);
        event.head.invocation_id = ids_text(&run->entry);
        event.head.agent_id = wick_text_of(run->agent, run->agent_len);
        if (give(run, &event) < 0)
            break;
    }
    if (!run->first)
        run_over(run);
}

static void end_for(struct remote_run *run, wick_code code, const char *message)
{
    wick_event failed;
    agent_link_failed(&failed, code, message);
    end_with(run, &failed);
}

/* The Experience refuses an event for good: what is left of the run would make no sense. */
static void give_up(struct remote_run *run, wick_type type)
{
    log_line("run %.*s: %s is refused", (int)run->entry.len, run->entry.text, wick_type_name(type));
    if (!run->ended)
        cancel_there(run, NULL);
    while (run->first)
        drop_first(run);
    end_for(run, WICK_CODE_AGENT_ERROR, "An event of the agent could not be handed on.");
}

/* The Runtime refuses something. A run that has not begun never will. */
static void on_error(const wick_event *event)
{
    const wick_error *error = &event->as.error;
    struct remote_run *run = event->head.invocation_id.data ? find_run(&event->head.invocation_id) : NULL;
    wick_event failed = { .type = WICK_TYPE_AGENT_FAILED };
    log_line("runtime: error %.*s: %.*s", (int)error->code.len, error->code.data, (int)error->message.len,
             error->message.data);
    if (!run || run->ended || run->order.state != 0)
        return;
    failed.as.agent_failed.error.code = error->code;
    failed.as.agent_failed.error.message = error->message;
    failed.as.agent_failed.error.retryable = error->retryable;
    end_with(run, &failed);
}

static void on_run_event(struct remote_run *run, const wick_event *event)
{
    wick_event copy = *event;
    wick_status status = wick_order_check(&run->order, event);
    if (status != WICK_OK) {
        log_line("run %.*s: %s is dropped: %s", (int)run->entry.len, run->entry.text, wick_type_name(event->type),
                 wick_status_text(status));
        return;
    }
    copy.head.id.data = copy.head.re.data = copy.head.room.data = NULL; /* not the Runtime's to say */
    copy.head.present = 0;
    copy.head.seq = copy.head.first_seq = 0;
    if (copy.head.ts == 0)
        copy.head.ts = (int64_t)(now() + unix_offset);
    run->ended = is_last(event);
    if (give(run, &copy) < 0)
        give_up(run, event->type);
    else if (run->ended && !run->first)
        run_over(run);
}

void remote_event(const wick_event *event)
{
    struct remote_run *run;
    if (event->type == WICK_TYPE_ERROR) {
        on_error(event);
    } else if (event->type == WICK_TYPE_RUNTIME_STATUS) {
        reported.capacity = (uint32_t)event->as.runtime_status.capacity;
        reported.draining = event->as.runtime_status.draining;
    } else if (event->head.invocation_id.data) {
        run = find_run(&event->head.invocation_id);
        if (run && !run->ended)
            on_run_event(run, event);
    }
}

void remote_found(void)
{
    paused = 0;
    set_pause();
    push_runtime(1);
}

void remote_lost(void)
{
    struct ring *next;
    memset(&reported, 0, sizeof reported);
    for (struct ring *place = all.next; place != &all; place = next) {
        next = place->next;
        if (!run_at(place)->ended)
            end_for(run_at(place), WICK_CODE_RUNTIME_UNAVAILABLE, "The connection to the agent runtime was lost.");
    }
    push_runtime(0);
    planes_arm();
}

/* ---- The Experience's calls -------------------------------------------------------------------------------------- */

static struct remote_run *run_begin(const wick_invocation *invocation)
{
    wick_str agent;
    struct remote_run *run = calloc(1, sizeof *run);
    if (!run || wick_text_plain(&invocation->agent_id, run->agent, sizeof run->agent, &agent) != WICK_OK ||
        agent.len > sizeof run->agent || ids_add(&runs, &run->entry, &invocation->invocation_id) < 0) {
        free(run);
        return NULL;
    }
    memmove(run->agent, agent.data, agent.len);
    run->agent_len = agent.len;
    run->last = &run->first;
    ring_add(&all, &run->place);
    return run;
}

wick_status remote_invoke(const wick_invocation *invocation, wick_code *code)
{
    wick_event event = { .type = WICK_TYPE_RUNTIME_STREAM_AGENT };
    struct peer *peer = remote_peer();
    *code = WICK_CODE_RUNTIME_UNAVAILABLE;
    if (!peer || reported.draining)
        return WICK_E_STATE;
    *code = WICK_CODE_TOO_MANY_INVOCATIONS;
    if (peer_queued(peer) > BEHIND_MAX)
        return WICK_E_SPACE;
    *code = WICK_CODE_INVOCATION_CONFLICT;
    if (find_run(&invocation->invocation_id)) /* its last events are still kept here */
        return WICK_E_STATE;
    struct remote_run *run = run_begin(invocation);
    *code = WICK_CODE_INTERNAL;
    if (!run)
        return WICK_E_SPACE;
    event.as.invocation = *invocation;
    if (remote_send(&event) == 0) {
        *code = WICK_CODE_NONE;
        return WICK_OK;
    }
    *code = remote_peer() ? WICK_CODE_PAYLOAD_TOO_LARGE : WICK_CODE_RUNTIME_UNAVAILABLE;
    run_over(run);
    return WICK_E_STATE;
}

wick_status remote_cancel(const wick_text *invocation_id, const wick_text *reason)
{
    struct remote_run *run = find_run(invocation_id);
    if (!run)
        return WICK_E_STATE;
    if (!run->ended)
        cancel_there(run, reason);
    return WICK_OK;
}

wick_status remote_answer(const wick_runtime_input *input)
{
    wick_event event = { .type = WICK_TYPE_RUNTIME_INPUT_RESPONSE };
    struct remote_run *run = find_run(&input->invocation_id);
    if (!run || run->ended)
        return WICK_E_STATE;
    event.as.runtime_input = *input;
    return remote_send(&event) == 0 ? WICK_OK : WICK_E_STATE;
}

void remote_room(const wick_text *invocation_id)
{
    struct remote_run *run = find_run(invocation_id);
    if (!run || !run->first)
        return;
    while (run->first) {
        wick_event event;
        wick_event_error error;
        wick_status status = agent_link_read((uint8_t *)run->first->data, run->first->len,
                                             WICK_BY_RUNTIME | WICK_BY_SERVER, &event, &error);
        if (status == WICK_OK || event.type == WICK_TYPE_APPLICATION)
            status = wick_experience_event(server.experience, &event, now());
        if (status == WICK_BLOCKED)
            return;
        if (status == WICK_OK)
            push_event(&event);
        if (status < 0) {
            give_up(run, event.type);
            return;
        }
        drop_first(run);
    }
    if (run->ended)
        run_over(run);
    else
        tell_runtime(run, AGENT_LINK_ROOM);
}

/* ---- Set-up ------------------------------------------------------------------------------------------------------ */

void remote_drain(void)
{
    struct ring *next;
    for (struct ring *place = all.next; place != &all; place = next) {
        next = place->next;
        if (!run_at(place)->ended)
            end_for(run_at(place), WICK_CODE_DRAINING, "The server is going down.");
    }
}

int remote_count(wick_runtime_counts *counts)
{
    *counts = reported;
    counts->active = (uint32_t)runs.count;
    return remote_peer() != NULL;
}

int remote_runs_init(uint64_t unix_offset_ms)
{
    unix_offset = unix_offset_ms;
    ring_init(&all);
    return ids_init(&runs);
}

void remote_runs_free(void)
{
    while (!ring_empty(&all))
        run_over(run_at(all.next));
    ids_free(&runs);
}
