/*
 * planes.c - where the Experience meets the Runtime: three calls one way, one callback back, and the clock. The Runtime
 * is in this process, or with --runtime behind remote.h.
 */
#include <stdlib.h>

#include "agent_server/http_mission.h"
#include "agent_server/push.h"
#include "agent_server/remote.h"
#include "agent_server/server.h"
#include "lib/log.h"
#include "lib/random.h"

/* When clients may come again after a drain: time for another process to take over. */
#define RETRY_AFTER_MS 1000
/* A block of the pool that the logs of all sessions share. */
#define BLOCK_SIZE 1024

/* Links besides one for each session: other viewers, and clients that come back before the loss of their connection is
 * noticed. */
#define EXTRA_LINKS(sessions) ((sessions) / 4 + 64)

static uint64_t now(void)
{
    return server.loop.now_ms;
}

void planes_arm(void)
{
    uint64_t runtime = server.runtime ? wick_runtime_deadline(server.runtime) : WICK_NEVER;
    uint64_t experience = wick_experience_deadline(server.experience);
    uint64_t due = runtime < experience ? runtime : experience;
    if (due != loop_armed(&server.loop, &server.timer))
        loop_arm(&server.loop, &server.timer, due);
}

static void on_due(struct loop *loop, struct source *source)
{
    (void)source;
    if (server.runtime)
        wick_runtime_tick(server.runtime, loop->now_ms);
    wick_experience_tick(server.experience, loop->now_ms);
    planes_arm();
}

static const struct source_type timer_type = { .on_due = on_due };

/* ---- Experience to Runtime ---- */

static wick_status on_invoke(void *user, const wick_invocation *invocation, wick_code *code)
{
    (void)user;
    if (!server.runtime)
        return remote_invoke(invocation, code);
    wick_status status = wick_runtime_invoke(server.runtime, invocation, code, now());
    planes_arm();
    return status;
}

static wick_status on_cancel(void *user, const wick_text *invocation_id, const wick_text *reason)
{
    (void)user;
    if (!server.runtime)
        return remote_cancel(invocation_id, reason);
    return wick_runtime_cancel(server.runtime, invocation_id, reason, now());
}

static wick_status on_answer(void *user, const wick_runtime_input *input)
{
    (void)user;
    if (!server.runtime)
        return remote_answer(input);
    return wick_runtime_answer(server.runtime, input, now());
}

static void on_room(void *user, const wick_text *invocation_id)
{
    (void)user;
    if (server.runtime)
        wick_runtime_room(server.runtime, invocation_id, now());
    else
        remote_room(invocation_id);
}

/* ---- Runtime to Experience ---- */

static int on_event(void *user, const wick_event *event)
{
    (void)user;
    wick_status status = wick_experience_event(server.experience, event, now());
    if (status == WICK_OK || (status < 0 && (event->type == WICK_TYPE_AGENT_COMPLETED ||
                                             event->type == WICK_TYPE_AGENT_FAILED)))
        push_event(event);
    if (status < 0)
        log_line("run %.*s: %s is refused: %s", (int)event->head.invocation_id.len, event->head.invocation_id.data,
                 wick_type_name(event->type), wick_status_text(status));
    planes_arm();
    return (int)status;
}

/* ---- Experience to readers ---- */

static int on_deliver(void *user, void *reader, const wick_outgoing *message)
{
    struct peer *peer = reader;
    (void)user;
    if (open_is(peer))
        return open_deliver(message);
    if (view_is(peer))
        return view_deliver(peer, message);
    return socket_deliver(peer, message);
}

static void on_close(void *user, void *reader, unsigned code, const char *reason)
{
    (void)user;
    if (open_is(reader))
        return;
    if (view_is(reader)) {
        view_close(reader);
        return;
    }
    log_line("closing with %u: %s", code, reason);
    ws_close(reader, code, reason);
}

static void on_any_event(void *user, wick_session session, const wick_event *event)
{
    (void)user;
    missions_event(session, event);
}

static int on_random(void *user, uint8_t *out, size_t len)
{
    (void)user;
    return random_bytes(out, len);
}

/* One token, and nobody in particular. */
static wick_code on_auth(void *user, void *reader, const wick_str *token, wick_grant *grant)
{
    (void)user;
    (void)reader;
    grant->expires_ms = access_expires();
    return access_token(token) ? WICK_CODE_NONE : WICK_CODE_AUTH_INVALID;
}

static size_t on_queued(void *user, void *reader)
{
    (void)user;
    return peer_queued(reader);
}

static const wick_experience_callbacks callbacks = {
    .on_invoke = on_invoke,
    .on_cancel = on_cancel,
    .on_answer = on_answer,
    .on_deliver = on_deliver,
    .on_close = on_close,
    .on_room = on_room,
    .on_event = on_any_event,
    .on_random = on_random,
    .on_auth = on_auth,
    .on_queued = on_queued,
};

/* ---- Set-up ---- */

static int init_experience(uint64_t offset)
{
    wick_experience_config config = { .size = sizeof config, .callbacks = &callbacks, .routes = server.routes,
                                      .route_count = server.route_count, .unix_offset_ms = offset,
                                      .kernels = wick_kernels_best(),
                                      .sessions = (uint32_t)server.max_sessions,
                                      .links = (uint32_t)(server.max_sessions + EXTRA_LINKS(server.max_sessions)),
                                      .pool = { .size = sizeof config.pool, .block_size = BLOCK_SIZE,
                                                .blocks = (uint32_t)(server.log_memory / BLOCK_SIZE) } };
    server.experience = malloc(wick_experience_size(&config));
    return server.experience && wick_experience_init(server.experience, &config, now()) == WICK_OK ? 0 : -1;
}

static int init_runtime(uint64_t offset)
{
    wick_runtime_config config = { .size = sizeof config, .runs = WICK_DEFAULT_INVOCATIONS + 512,
                                   .unix_offset_ms = offset, .on_event = on_event, .on_random = on_random };
    server.runtime = malloc(wick_runtime_size(&config));
    return server.runtime && wick_runtime_init(server.runtime, &config, now()) == WICK_OK ? 0 : -1;
}

int planes_init(void)
{
    uint64_t offset = agents_unix_offset(&server.loop);
    source_init(&server.timer, &timer_type);
    if (init_experience(offset) < 0 || (!server.runtime_url && init_runtime(offset) < 0) ||
        agents_init(&server.agents, &server.loop, server.runtime) < 0)
        return -1;
    return server.runtime ? agents_add_builtin(&server.agents) : 0;
}

int planes_start(void (*on_ready)(void))
{
    if (push_init() < 0)
        return -1;
    if (!server.runtime)
        return remote_init(server.runtime_url, agents_unix_offset(&server.loop), on_ready);
    on_ready();
    return 0;
}

void planes_free(void)
{
    if (!server.runtime)
        remote_free();
    agents_free(&server.agents);
    push_free();
    missions_free();
    free(server.runtime);
    free(server.experience);
}

void planes_drain(void)
{
    wick_experience_drain(server.experience, RETRY_AFTER_MS, now());
    if (server.runtime)
        wick_runtime_drain(server.runtime, now());
    else
        remote_drain();
}

int planes_take(int quiet)
{
    wick_experience_counts counts;
    wick_experience_count(server.experience, &counts);
    if (counts.links >= server.max_sessions + EXTRA_LINKS(server.max_sessions))
        return 0;
    return !quiet || counts.sessions < server.max_sessions || counts.detached; /* one without runs gives way */
}

const char *planes_count(wick_runtime_counts *counts)
{
    if (!server.runtime)
        return remote_count(counts) ? "connected" : "unavailable";
    wick_runtime_count(server.runtime, counts);
    return "in process";
}
