/*
 * Ids of messages that sessions have accepted, so that a repeat does nothing. See ONCE in wick/experience.h.
 *
 * Each id hangs in two rings, of its session and of all, the oldest first; so what has to go is found at once.
 */
#include <string.h>

#include "agent/experience_internal.h"

static wick_links *own_links(const wick_experience *x, uint32_t slot)
{
    return &wick_remembered_at(x, slot)->own;
}

static wick_links *all_links(const wick_experience *x, uint32_t slot)
{
    return &wick_remembered_at(x, slot)->all;
}

/* The name of an id: the session's handle in front of it. Returns 0, or -1 if the id is no good. */
static int name_id(const wick_experience *x, uint32_t session, const wick_text *id, wick_slot_name *name)
{
    char text[sizeof(wick_session) + 64];
    wick_session handle = wick_session_handle(x, session);
    wick_str plain;
    if (!id->data || wick_text_plain(id, text + sizeof handle, 64, &plain) != WICK_OK || plain.len > 64)
        return -1;
    memcpy(text, &handle, sizeof handle);
    if (plain.data != text + sizeof handle)
        memcpy(text + sizeof handle, plain.data, plain.len);
    wick_text whole = wick_text_of(text, sizeof handle + plain.len);
    return wick_slot_name_set(wick_remembered_table(x), name, &whole);
}

static void forget_id(wick_experience *x, uint32_t slot)
{
    wick_session_slot *s = wick_session_at(x, wick_remembered_at(x, slot)->session);
    wick_ring_remove(x, own_links, &s->remembered, slot);
    wick_ring_remove(x, all_links, &x->remembered, slot);
    s->remembered_count--;
    wick_table_undo(wick_remembered_table(x), slot);
}

static int is_over(const wick_remembered *r, uint64_t now_ms)
{
    return r->at_ms + WICK_REMEMBER_MS <= now_ms;
}

const wick_remembered *wick_remember_find(const wick_experience *x, uint32_t session, const wick_text *id,
                                          uint64_t now_ms)
{
    wick_slot_name name;
    if (name_id(x, session, id, &name) < 0)
        return NULL;
    uint32_t slot = wick_table_find(wick_remembered_table(x), &name);
    if (slot == WICK_NO_SLOT || is_over(wick_remembered_at(x, slot), now_ms))
        return NULL;
    return wick_remembered_at(x, slot);
}

void wick_remember(wick_experience *x, uint32_t session, const wick_text *id, const wick_slot_name *run,
                   uint64_t now_ms)
{
    wick_session_slot *s = wick_session_at(x, session);
    wick_slot_name name;
    if (name_id(x, session, id, &name) < 0)
        return;
    while (s->remembered != WICK_NO_SLOT && (s->remembered_count >= WICK_REMEMBER_MESSAGES ||
                                             is_over(wick_remembered_at(x, s->remembered), now_ms)))
        forget_id(x, s->remembered);
    uint32_t slot = wick_table_take(wick_remembered_table(x), &name);
    if (slot == WICK_NO_SLOT) {
        forget_id(x, x->remembered);
        slot = wick_table_take(wick_remembered_table(x), &name);
    }
    wick_remembered *r = wick_remembered_at(x, slot);
    r->at_ms = now_ms;
    r->session = session;
    r->run_len = (uint8_t)run->len;
    memcpy(r->run, run->text, run->len);
    wick_ring_add(x, own_links, &s->remembered, slot);
    wick_ring_add(x, all_links, &x->remembered, slot);
    s->remembered_count++;
}

void wick_remember_none(wick_experience *x, uint32_t session)
{
    while (wick_session_at(x, session)->remembered != WICK_NO_SLOT)
        forget_id(x, wick_session_at(x, session)->remembered);
}
