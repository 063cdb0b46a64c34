/*
 * The Experience: its memory, its sessions and their runs, time. See wick/experience.h.
 *
 * A session is ATTACHED to a reader until that goes, then DETACHED until its last run is over. Runs hang in a ring at
 * their session; the next one to be told that there is room goes to the end, so that all of them get their turn.
 */
#include <string.h>

#include "agent/experience_internal.h"

/* ---- Set-up ---------------------------------------------------------------------------------------------- */

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
    return value ? value : otherwise;
}

static int experience_config(wick_experience_config *to, const wick_experience_config *config)
{
    if (!config || config->size != sizeof *config || !config->callbacks)
        return 0;
    const wick_experience_callbacks *on = config->callbacks;
    if (!on->on_invoke || !on->on_cancel || !on->on_answer || !on->on_deliver || !on->on_random)
        return 0;
    *to = *config;
    to->sessions = or_default(to->sessions, WICK_DEFAULT_SESSIONS);
    to->invocations = or_default(to->invocations, WICK_DEFAULT_INVOCATIONS);
    to->session_invocations = or_default(to->session_invocations, WICK_DEFAULT_SESSION_INVOCATIONS);
    to->questions = or_default(to->questions, WICK_DEFAULT_QUESTIONS);
    to->message_bytes = or_default(to->message_bytes, WICK_DEFAULT_MESSAGE_BYTES);
    to->disconnect_ms = or_default(to->disconnect_ms, WICK_DEFAULT_DISCONNECT_MS);
    return to->sessions <= WICK_SLOTS_MAX && to->invocations <= WICK_SLOTS_MAX && to->questions <= WICK_SLOTS_MAX &&
           to->message_bytes <= (1u << 30);
}

size_t wick_experience_size(const wick_experience_config *config)
{
    wick_experience x;
    if (!experience_config(&x.config, config))
        return 0;
    return sizeof x + x.config.sessions * sizeof(wick_session_slot) + x.config.invocations * sizeof(wick_run_slot) +
           x.config.questions * sizeof(wick_question) + wick_table_size(x.config.invocations) +
           2 * wick_experience_buffer(&x);
}

wick_status wick_experience_init(wick_experience *x, const wick_experience_config *config, uint64_t now_ms)
{
    wick_experience_config full;
    uint64_t seed = 0;
    if (!experience_config(&full, config))
        return WICK_E_CONFIG;
    memset(x, 0, sizeof *x);
    x->config = full;
    memset(wick_session_at(x, 0), 0, (uintptr_t)wick_run_table(x) - (uintptr_t)wick_session_at(x, 0));
    x->deadline = WICK_NEVER;
    x->detached = WICK_NO_SLOT;
    for (uint32_t i = 0; i < full.sessions; i++)
        wick_session_at(x, i)->links.next = i + 1 < full.sessions ? i + 1 : WICK_NO_SLOT;
    if (full.callbacks->on_random(full.user, (uint8_t *)&seed, sizeof seed) != 0)
        seed = now_ms;
    wick_table_init(wick_run_table(x), full.invocations, seed);
    return WICK_OK;
}

void wick_experience_clock(wick_experience *x, uint64_t unix_offset_ms)
{
    x->config.unix_offset_ms = unix_offset_ms;
}

/* ---- Rings ----------------------------------------------------------------------------------------------- */

/* Add a slot at the end of a ring. */
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

static wick_links *session_links(const wick_experience *x, uint32_t slot)
{
    return &wick_session_at(x, slot)->links;
}

static wick_links *run_links(const wick_experience *x, uint32_t slot)
{
    return &wick_run_at(x, slot)->links;
}

/* ---- Sessions -------------------------------------------------------------------------------------------- */

wick_session wick_session_handle(const wick_experience *x, uint32_t slot)
{
    return (uint64_t)wick_session_at(x, slot)->generation << 32 | (slot + 1);
}

uint32_t wick_session_slot_of(const wick_experience *x, wick_session session)
{
    uint32_t slot = (uint32_t)session - 1;
    if ((uint32_t)session == 0 || slot >= x->config.sessions)
        return WICK_NO_SLOT;
    const wick_session_slot *s = wick_session_at(x, slot);
    return s->state != WICK_SESSION_FREE && s->generation == session >> 32 ? slot : WICK_NO_SLOT;
}

static void write_session_id(const uint8_t *random, char *out)
{
    static const char hex[] = "0123456789abcdef";
    *out++ = 's';
    *out++ = '_';
    for (int i = 0; i < 16; i++) {
        *out++ = hex[random[i] >> 4];
        *out++ = hex[random[i] & 15];
    }
}

wick_status wick_experience_open(wick_experience *x, void *reader, const wick_link_config *config, wick_link *session,
                                 uint64_t now_ms)
{
    uint8_t random[16];
    uint32_t slot = x->free_session;
    *session = 0;
    if (config && (config->size != sizeof *config || config->full))
        return WICK_E_CONFIG;
    if (slot == WICK_NO_SLOT)
        return WICK_E_SPACE;
    if (x->config.callbacks->on_random(x->config.user, random, sizeof random) != 0)
        return WICK_E_RANDOM;
    wick_session_slot *s = wick_session_at(x, slot);
    uint32_t generation = s->generation + 1;
    x->free_session = s->links.next;
    memset(s, 0, sizeof *s);
    s->generation = generation;
    s->state = WICK_SESSION_ATTACHED;
    s->reader = reader;
    s->runs = WICK_NO_SLOT;
    s->gone_ms = WICK_NEVER;
    s->ping_ms = now_ms;
    write_session_id(random, s->id);
    x->counts.sessions++;
    *session = wick_session_handle(x, slot);
    return WICK_OK;
}

void wick_session_free_if_over(wick_experience *x, uint32_t slot)
{
    wick_session_slot *s = wick_session_at(x, slot);
    if (s->state != WICK_SESSION_DETACHED || s->run_count)
        return;
    wick_questions_forget(x, wick_session_handle(x, slot));
    wick_ring_remove(x, session_links, &x->detached, slot);
    x->counts.detached--;
    x->counts.sessions--;
    s->state = WICK_SESSION_FREE;
    s->links.next = x->free_session;
    x->free_session = slot;
}

void wick_experience_detach(wick_experience *x, wick_session session, uint64_t now_ms)
{
    uint32_t slot = wick_session_slot_of(x, session);
    if (slot == WICK_NO_SLOT || wick_session_at(x, slot)->state != WICK_SESSION_ATTACHED)
        return;
    wick_session_slot *s = wick_session_at(x, slot);
    s->state = WICK_SESSION_DETACHED;
    s->reader = NULL;
    s->gone_ms = now_ms;
    if (now_ms + x->config.disconnect_ms < x->deadline)
        x->deadline = now_ms + x->config.disconnect_ms;
    wick_ring_add(x, session_links, &x->detached, slot);
    x->counts.detached++;
    /* Nobody holds its runs up any more. */
    wick_experience_room(x, session, now_ms);
    slot = wick_session_slot_of(x, session);
    if (slot != WICK_NO_SLOT)
        wick_session_free_if_over(x, slot);
}

wick_status wick_session_deliver(wick_experience *x, wick_session_slot *s, wick_type type, const wick_slice *slices,
                                 size_t count)
{
    wick_outgoing message;
    if (!s->reader)
        return WICK_OK;
    if (s->full)
        return WICK_BLOCKED;
    memset(&message, 0, sizeof message);
    message.slices = slices;
    message.count = count;
    message.type = type;
    message.session = message.link = wick_session_handle(x, (uint32_t)(s - wick_session_at(x, 0)));
    for (size_t i = 0; i < count; i++)
        message.len += slices[i].len;
    if (x->config.callbacks->on_deliver(x->config.user, s->reader, &message) <= 0)
        return WICK_OK;
    s->full = 1;
    return WICK_BLOCKED;
}

void wick_experience_room(wick_experience *x, wick_session session, uint64_t now_ms)
{
    uint32_t slot = wick_session_slot_of(x, session);
    if (slot == WICK_NO_SLOT)
        return;
    wick_session_slot *s = wick_session_at(x, slot);
    s->full = 0;
    wick_questions_expire(x, now_ms);
    for (uint32_t turns = s->run_count; turns && s->runs != WICK_NO_SLOT && !s->full; turns--) {
        uint32_t run = s->runs;
        wick_run_slot *r = wick_run_at(x, run);
        s->runs = r->links.next; /* to the end of the ring */
        if (!r->blocked)
            continue;
        r->blocked = 0;
        wick_text id = wick_slot_name_text(wick_table_name(wick_run_table(x), run));
        if (x->config.callbacks->on_room)
            x->config.callbacks->on_room(x->config.user, &id);
        if (wick_session_slot_of(x, session) == WICK_NO_SLOT)
            return;
    }
}

/* ---- Runs ------------------------------------------------------------------------------------------------ */

uint32_t wick_run_begin(wick_experience *x, uint32_t session, const wick_slot_name *name, uint8_t on_disconnect)
{
    wick_session_slot *s = wick_session_at(x, session);
    uint32_t run = wick_table_take(wick_run_table(x), name);
    if (run == WICK_NO_SLOT)
        return run;
    wick_run_slot *r = wick_run_at(x, run);
    memset(r, 0, sizeof *r);
    r->session = wick_session_handle(x, session);
    r->active = 1;
    r->on_disconnect = on_disconnect;
    wick_ring_add(x, run_links, &s->runs, run);
    s->run_count++;
    x->counts.invocations++;
    return run;
}

void wick_run_end(wick_experience *x, uint32_t run, int undo)
{
    wick_run_slot *r = wick_run_at(x, run);
    uint32_t session = wick_session_slot_of(x, r->session);
    wick_questions_close(x, run);
    wick_ring_remove(x, run_links, &wick_session_at(x, session)->runs, run);
    wick_session_at(x, session)->run_count--;
    x->counts.invocations--;
    r->active = 0;
    if (undo)
        wick_table_undo(wick_run_table(x), run);
    else
        wick_table_release(wick_run_table(x), run);
    wick_session_free_if_over(x, session);
}

/* ---- Time ------------------------------------------------------------------------------------------------ */

/* Cancel what was to go with its connection. on_cancel may end runs, hence the search from the start. */
static void cancel_gone(wick_experience *x, uint32_t slot)
{
    wick_session_slot *s = wick_session_at(x, slot);
    wick_session session = wick_session_handle(x, slot);
    for (uint32_t turns = s->run_count; turns; turns--) {
        if (wick_session_slot_of(x, session) == WICK_NO_SLOT || s->runs == WICK_NO_SLOT)
            return;
        uint32_t run = s->runs;
        wick_run_slot *r = wick_run_at(x, run);
        s->runs = r->links.next;
        if (r->on_disconnect != WICK_DISCONNECT_CANCEL)
            continue;
        wick_text id = wick_slot_name_text(wick_table_name(wick_run_table(x), run));
        wick_text reason = WICK_TEXT("The client has gone.");
        x->config.callbacks->on_cancel(x->config.user, &id, &reason);
    }
}

/* The next session that is due, or WICK_NO_SLOT; lowers x->deadline to the others. */
static uint32_t next_gone(wick_experience *x, uint64_t now_ms)
{
    uint32_t slot = x->detached;
    if (slot == WICK_NO_SLOT)
        return slot;
    do {
        const wick_session_slot *s = wick_session_at(x, slot);
        uint64_t due = s->gone_ms == WICK_NEVER ? WICK_NEVER : s->gone_ms + x->config.disconnect_ms;
        if (due <= now_ms)
            return slot;
        if (due < x->deadline)
            x->deadline = due;
        slot = s->links.next;
    } while (slot != x->detached);
    return WICK_NO_SLOT;
}

void wick_experience_tick(wick_experience *x, uint64_t now_ms)
{
    if (now_ms < x->deadline)
        return;
    x->deadline = WICK_NEVER;
    for (;;) {
        uint32_t slot = next_gone(x, now_ms);
        if (slot == WICK_NO_SLOT)
            break;
        wick_session_at(x, slot)->gone_ms = WICK_NEVER;
        cancel_gone(x, slot);
    }
    wick_questions_expire(x, now_ms);
}

uint64_t wick_experience_deadline(const wick_experience *x)
{
    return x->deadline;
}

void wick_experience_count(const wick_experience *x, wick_experience_counts *counts)
{
    *counts = x->counts;
}
