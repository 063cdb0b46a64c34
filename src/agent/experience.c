/*
 * The Experience: its memory, rings of slots, time. See wick/experience.h.
 */
#include <string.h>

#include "agent/experience_internal.h"

/* ---- Set-up ---------------------------------------------------------------------------------------------- */

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
    return value ? value : otherwise;
}

static void fill_sizes(wick_experience_config *to)
{
    to->sessions = or_default(to->sessions, WICK_DEFAULT_SESSIONS);
    to->links = or_default(to->links, to->sessions);
    to->invocations = or_default(to->invocations, WICK_DEFAULT_INVOCATIONS);
    to->session_invocations = or_default(to->session_invocations, WICK_DEFAULT_SESSION_INVOCATIONS);
    to->questions = or_default(to->questions, WICK_DEFAULT_QUESTIONS);
    to->question_bytes = (or_default(to->question_bytes, WICK_DEFAULT_QUESTION_BYTES) + 7) / 8 * 8;
    to->rooms = or_default(to->rooms, WICK_DEFAULT_ROOMS);
    to->members = or_default(to->members, WICK_DEFAULT_MEMBERS);
    to->remembered = or_default(to->remembered, WICK_DEFAULT_REMEMBERED);
    to->message_bytes = or_default(to->message_bytes, WICK_DEFAULT_MESSAGE_BYTES);
    to->disconnect_ms = or_default(to->disconnect_ms, WICK_DEFAULT_DISCONNECT_MS);
    to->slow_ms = or_default(to->slow_ms, WICK_DEFAULT_SLOW_MS);
    to->open_ms = or_default(to->open_ms, WICK_DEFAULT_OPEN_MS);
    to->heartbeat_interval_ms = or_default(to->heartbeat_interval_ms, 25000);
    to->heartbeat_timeout_ms = or_default(to->heartbeat_timeout_ms, 20000);
}

/* The configs of pool and streams, whole. Returns 0 if one has an unknown size. */
static int fill_streams(wick_experience_config *to)
{
    if (to->pool.size && to->pool.size != sizeof to->pool)
        return 0;
    if (to->stream.size && to->stream.size != sizeof to->stream)
        return 0;
    to->pool.size = sizeof to->pool;
    to->stream.size = sizeof to->stream;
    to->pool.max_body = or_default(to->pool.max_body, WICK_DEFAULT_POOL_MAX_BODY);
    if (to->pool.max_body < to->message_bytes + 8192)
        to->pool.max_body = to->message_bytes + 8192;
    to->stream.retain_ms = or_default(to->stream.retain_ms, WICK_DEFAULT_STREAM_RETAIN_MS);
    to->stream.text_bytes = or_default(to->stream.text_bytes, WICK_DEFAULT_STREAM_TEXT_BYTES);
    return to->stream.text_bytes <= (1u << 30);
}

static int experience_config(wick_experience_config *to, const wick_experience_config *config)
{
    if (!config || config->size != sizeof *config || !config->callbacks)
        return 0;
    const wick_experience_callbacks *on = config->callbacks;
    if (!on->on_invoke || !on->on_cancel || !on->on_answer || !on->on_deliver || !on->on_random)
        return 0;
    *to = *config;
    fill_sizes(to);
    return to->sessions <= WICK_SLOTS_MAX && to->links <= WICK_SLOTS_MAX && to->invocations <= WICK_SLOTS_MAX &&
           to->questions <= WICK_SLOTS_MAX && to->remembered <= WICK_SLOTS_MAX &&
           to->rooms <= WICK_SLOTS_MAX && to->members <= WICK_SLOTS_MAX &&
           to->question_bytes <= (1u << 30) && to->message_bytes <= (1u << 30) && fill_streams(to);
}

size_t wick_experience_size(const wick_experience_config *config)
{
    wick_experience x;
    size_t pool;
    if (!experience_config(&x.config, config))
        return 0;
    pool = wick_pool_size(&x.config.pool);
    return pool ? (size_t)((uintptr_t)wick_pool_memory(&x) - (uintptr_t)&x) + pool : 0;
}

wick_status wick_experience_init(wick_experience *x, const wick_experience_config *config, uint64_t now_ms)
{
    wick_experience_config full;
    uint64_t seed = 0;
    if (!experience_config(&full, config))
        return WICK_E_CONFIG;
    memset(x, 0, sizeof *x);
    x->config = full;
    memset(wick_run_at(x, 0), 0, (uintptr_t)wick_remembered_at(x, 0) - (uintptr_t)wick_run_at(x, 0));
    x->deadline = x->wait_deadline = WICK_NEVER;
    x->free_link = x->opening = x->expiring = x->waiting = x->gone = x->kept = x->remembered = WICK_NO_SLOT;
    x->empty_rooms = x->free_member = WICK_NO_SLOT;
    x->history = full.stream;
    x->history.max_events = WICK_ROOM_HISTORY;
    if (full.callbacks->on_random(full.user, (uint8_t *)&seed, sizeof seed) != 0)
        seed = now_ms;
    wick_table_init(wick_session_table(x), full.sessions, seed);
    wick_table_init(wick_run_table(x), full.invocations, seed);
    wick_table_init(wick_remembered_table(x), full.remembered, seed);
    wick_table_init(wick_room_table(x), full.rooms, seed);
    return wick_pool_init(&x->pool, &full.pool, wick_pool_memory(x), wick_pool_size(&full.pool));
}

void wick_experience_clock(wick_experience *x, uint64_t unix_offset_ms)
{
    x->config.unix_offset_ms = unix_offset_ms;
}

/* ---- Rings ----------------------------------------------------------------------------------------------- */

void wick_ring_add(const wick_experience *x, wick_links_at at, uint32_t *first, uint32_t slot)
{
    wick_links *links = at(x, slot);
    if (*first == WICK_NO_SLOT) {
        links->next = links->prev = slot;
        *first = slot;
        return;
    }
    wick_links *head = at(x, *first);
    links->next = *first;
    links->prev = head->prev;
    at(x, head->prev)->next = slot;
    head->prev = slot;
}

void wick_ring_remove(const wick_experience *x, wick_links_at at, uint32_t *first, uint32_t slot)
{
    wick_links *links = at(x, slot);
    if (links->next == slot) {
        *first = WICK_NO_SLOT;
        return;
    }
    at(x, links->next)->prev = links->prev;
    at(x, links->prev)->next = links->next;
    if (*first == slot)
        *first = links->next;
}

/* ---- Time ------------------------------------------------------------------------------------------------ */

void wick_experience_tick(wick_experience *x, uint64_t now_ms)
{
    if (now_ms >= x->deadline) {
        x->deadline = WICK_NEVER;
        wick_links_expire(x, now_ms);
        wick_sessions_expire(x, now_ms);
        wick_questions_expire(x, now_ms);
        wick_rooms_expire(x, now_ms);
    }
    if (now_ms >= x->wait_deadline)
        wick_links_flush(x, now_ms);
}

uint64_t wick_experience_deadline(const wick_experience *x)
{
    return x->deadline < x->wait_deadline ? x->deadline : x->wait_deadline;
}

void wick_experience_count(const wick_experience *x, wick_experience_counts *counts)
{
    *counts = x->counts;
}
