/*
 * push.c - see push.h: who is told, when, and in which words.
 */
#include "agent_server/push.h"

#include <stdio.h>
#include <string.h>

#include "agent_server/http_mission.h"

/* Metrics change with everything that happens: they are looked at so often. */
#define METRICS_MS 1000

static struct ring all;
static struct source soon, clock_source;

static struct push *push_at(struct ring *place)
{
    return (struct push *)(void *)((char *)place - offsetof(struct push, place));
}

/* ---- Words ------------------------------------------------------------------------------------------------------- */

static wick_text number(char *room, size_t size, uint64_t thousandths)
{
    int len = snprintf(room, size, "%llu.%03llu", (unsigned long long)thousandths / 1000,
                       (unsigned long long)thousandths % 1000);
    while (len > 1 && room[len - 1] == '0')
        len--;
    if (room[len - 1] == '.')
        len--;
    return (wick_text){ room, (uint32_t)len, WICK_TEXT_JSON };
}

static wick_text text_of(const char *text)
{
    return wick_text_of(*text ? text : NULL, strlen(text));
}

static wick_status say_workflow(struct push *push, wick_session session)
{
    struct mission_state state;
    wick_event event = { .type = WICK_TYPE_WORKFLOW_PROGRESS };
    wick_workflow_progress *progress = &event.as.workflow_progress;
    char id[24], done[24], total[24];
    if (mission_state(push->mission, &state) < 0)
        return WICK_OK; /* it is not remembered any more */
    push->told = state.version;
    int len = snprintf(id, sizeof id, "%llu", (unsigned long long)push->mission);
    event.head.mission_id = (wick_text){ id, (uint32_t)len, WICK_TEXT_JSON };
    progress->workflow_id = wick_text_of(id, (size_t)len);
    progress->status = text_of(WICK_ENUM_TEXT(MISSION, state.status));
    progress->progress = number(done, sizeof done, state.thousandths);
    progress->total = number(total, sizeof total, state.steps * 1000);
    progress->step = text_of(state.step);
    progress->message = text_of(state.message);
    return wick_experience_publish(server.experience, session, &event, server.loop.now_ms);
}

static wick_status say_agent(struct push *push, wick_session session)
{
    const struct agent_state *agent = push->agent;
    wick_event event = { .type = WICK_TYPE_AGENT_STATUS };
    event.as.agent_status.agent_name = wick_text_of(agent->entry.text, agent->entry.len);
    event.as.agent_status.status = agent->status;
    event.as.agent_status.detail = text_of(agent->detail);
    event.as.agent_status.since = agent->since;
    push->told = agent->version;
    return wick_experience_publish(server.experience, session, &event, server.loop.now_ms);
}

/* All numbers but the time, which is no change. Returns the bytes written. */
static int write_metrics(char *out, size_t size)
{
    wick_experience_counts now;
    wick_runtime_counts runtime;
    size_t agents, busy;
    const struct run_counts *runs = states_counts(&agents, &busy);
    wick_experience_count(server.experience, &now);
    planes_count(&runtime);
    return snprintf(out, size, "{\"connections\":%zu,\"sessions\":%u,\"detached\":%u,\"pending_inputs\":%u,"
                    "\"missions\":%zu,\"invocations\":%u,\"capacity\":%u,\"completed\":%llu,\"failed\":%llu,"
                    "\"cancelled\":%llu,\"events\":%llu,\"tokens\":%llu,\"agents\":%zu,\"agents_busy\":%zu",
                    server.sockets, now.sessions, now.detached, now.questions, missions_running(), runtime.active,
                    runtime.capacity, (unsigned long long)runs->completed, (unsigned long long)runs->failed,
                    (unsigned long long)runs->cancelled, (unsigned long long)runs->events,
                    (unsigned long long)runs->tokens, agents, busy);
}

static uint64_t hash_of(const char *text)
{
    uint64_t hash = 0xCBF29CE484222325u; /* FNV-1a */
    while (*text)
        hash = (hash ^ (unsigned char)*text++) * 0x100000001B3u;
    return hash;
}

static wick_status say_metrics(struct push *push, wick_session session)
{
    char json[1024];
    wick_event event = { .type = WICK_TYPE_COORDINATOR_METRICS };
    int len = write_metrics(json, sizeof json);
    push->told = hash_of(json);
    len += snprintf(json + len, sizeof json - (size_t)len, ",\"uptime_s\":%llu}",
                    (unsigned long long)((server.loop.now_ms - server.start_ms) / 1000));
    event.as.coordinator_metrics.metrics = (wick_text){ json, (uint32_t)len, WICK_TEXT_JSON };
    return wick_experience_publish(server.experience, session, &event, server.loop.now_ms);
}

/* ---- Who is told, and when --------------------------------------------------------------------------------------- */

static wick_status say(struct push *push, wick_session session)
{
    switch (push->kind) {
    case PUSH_WORKFLOW:
        return say_workflow(push, session);
    case PUSH_AGENT:
        return say_agent(push, session);
    default:
        return say_metrics(push, session);
    }
}

/* Pay what is owed, if the reader takes it; else push_room() comes. */
static void pay(struct push *push)
{
    wick_session session = wick_experience_session(server.experience, push->link);
    if (!push->owed || !session || wick_conn_state(&push->peer->as.ws) != WICK_OPEN || peer_full(push->peer))
        return;
    push->owed = say(push, session) == WICK_BLOCKED;
}

static void pay_all(void)
{
    for (struct ring *place = all.next; place != &all; place = place->next)
        pay(push_at(place));
    planes_arm();
}

static void owe(struct push *push)
{
    push->owed = 1;
    push_soon();
}

/* Whether what a socket was told is not true any more. Metrics wait for their clock. */
static int is_stale(const struct push *push)
{
    struct mission_state state;
    if (push->kind == PUSH_WORKFLOW)
        return mission_state(push->mission, &state) == 0 && state.version != push->told;
    return push->kind == PUSH_AGENT && push->agent->version != push->told;
}

void push_now(void)
{
    for (struct ring *place = all.next; place != &all; place = place->next)
        if (is_stale(push_at(place)))
            push_at(place)->owed = 1;
    pay_all();
}

static void on_soon(struct loop *loop, struct source *source)
{
    (void)loop;
    (void)source;
    push_now();
}

void push_soon(void)
{
    loop_arm(&server.loop, &soon, server.loop.now_ms);
}

/* Metrics: at most once a second, and only if a number has changed. */
static void on_clock(struct loop *loop, struct source *source)
{
    char json[1024];
    int watched = 0, changed = 0;
    write_metrics(json, sizeof json);
    uint64_t hash = hash_of(json);
    for (struct ring *place = all.next; place != &all; place = place->next) {
        struct push *push = push_at(place);
        if (push->kind != PUSH_COORDINATOR)
            continue;
        watched = 1;
        push->owed |= push->told != hash;
        changed |= push->owed;
    }
    if (watched)
        loop_arm(loop, source, loop->now_ms + METRICS_MS);
    if (changed)
        pay_all();
}

static const struct source_type soon_type = { .on_due = on_soon };
static const struct source_type clock_type = { .on_due = on_clock };

int push_init(void)
{
    ring_init(&all);
    source_init(&soon, &soon_type);
    source_init(&clock_source, &clock_type);
    return states_init();
}

void push_free(void)
{
    states_free();
}

/* ---- Sockets ----------------------------------------------------------------------------------------------------- */

wick_code push_find(struct push *push, enum push_kind kind, wick_str name)
{
    char plain[WICK_LIMIT_ID];
    wick_str id = { plain, 0 };
    push->kind = (uint8_t)kind;
    if (kind == PUSH_COORDINATOR)
        return WICK_CODE_NONE;
    int named = wick_url_decode(name, 0, plain, sizeof plain, &id.len) == WICK_OK;
    if (kind == PUSH_WORKFLOW) {
        const struct mission *mission = named ? mission_find(id) : NULL;
        push->mission = mission ? mission->id : 0;
        return mission ? WICK_CODE_NONE : WICK_CODE_MISSION_NOT_FOUND;
    }
    push->agent = named ? states_find(id) : NULL;
    return push->agent ? WICK_CODE_NONE : WICK_CODE_AGENT_NOT_FOUND;
}

void push_begin(struct push *push, struct peer *peer, wick_link link)
{
    if (push->kind == PUSH_NOTHING)
        return;
    push->peer = peer;
    push->link = link;
    ring_add(&all, &push->place);
    if (push->kind == PUSH_COORDINATOR && loop_armed(&server.loop, &clock_source) == WICK_NEVER)
        loop_arm(&server.loop, &clock_source, server.loop.now_ms + METRICS_MS);
    owe(push);
}

void push_opened(struct push *push)
{
    if (push->kind != PUSH_NOTHING)
        owe(push);
}

void push_room(struct push *push)
{
    if (push->owed)
        owe(push);
}

void push_end(struct push *push)
{
    if (push->kind != PUSH_NOTHING && push->place.next)
        ring_remove(&push->place);
}

/* ---- What happens ------------------------------------------------------------------------------------------------ */

void push_event(const wick_event *event)
{
    if (states_event(event))
        push_soon();
}

void push_runtime(int reachable)
{
    states_runtime(reachable);
    push_soon();
}
