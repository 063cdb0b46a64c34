/*
 * Links: what joins readers with sessions, and the one way by which messages reach a reader. See wick/experience.h.
 *
 * A link is FREE, or OPENING until session.open, QUIET, FULL, a VIEW, or CLOSED: on_close has been called for it and
 * wick_experience_detach() is still to come.
 */
#include <string.h>

#include "agent/experience_internal.h"

static wick_links *sibling_links(const wick_experience *x, uint32_t slot)
{
    return &wick_link_at(x, slot)->siblings;
}

static wick_links *queue_links(const wick_experience *x, uint32_t slot)
{
    return &wick_link_at(x, slot)->queue;
}

static wick_links *expiring_links(const wick_experience *x, uint32_t slot)
{
    return &wick_link_at(x, slot)->expiring;
}

/* ---- Slots ----------------------------------------------------------------------------------------------- */

wick_link wick_link_handle(const wick_experience *x, uint32_t slot)
{
    return wick_handle(wick_link_at(x, slot)->generation, slot);
}

uint32_t wick_link_slot_of(const wick_experience *x, wick_link link)
{
    uint32_t slot = wick_handle_slot(link, x->fresh_links);
    int there = slot != WICK_NO_SLOT && wick_link_at(x, slot)->state != WICK_LINK_FREE;
    return there && wick_link_at(x, slot)->generation == link >> 32 ? slot : WICK_NO_SLOT;
}

uint32_t wick_link_new(wick_experience *x, void *reader, uint8_t state, uint64_t now_ms)
{
    uint32_t slot = x->free_link, generation;
    if (slot == WICK_NO_SLOT && x->fresh_links == x->config.links)
        return slot;
    if (slot == WICK_NO_SLOT) {
        slot = x->fresh_links++;
        generation = 1;
    } else {
        x->free_link = wick_link_at(x, slot)->queue.next;
        generation = wick_link_at(x, slot)->generation + 1;
    }
    wick_link_slot *l = wick_link_at(x, slot);
    memset(l, 0, sizeof *l);
    l->generation = generation;
    l->reader = reader;
    l->state = state;
    l->session = WICK_NO_SLOT;
    l->ping_ms = now_ms;
    l->due = WICK_NEVER;
    l->coalesce_ms = WICK_DEFAULT_COALESCE_MS;
    x->counts.links++;
    if (state == WICK_LINK_OPENING) {
        l->due = now_ms + x->config.open_ms;
        wick_ring_add(x, queue_links, &x->opening, slot);
        wick_due(x, l->due);
    }
    return slot;
}

void wick_link_opened(wick_experience *x, uint32_t link)
{
    wick_ring_remove(x, queue_links, &x->opening, link);
}

/* Tokens mostly last equally long, so the place in the ring is found near its end. */
void wick_link_expires(wick_experience *x, uint32_t link, uint64_t at_ms)
{
    wick_link_slot *l = wick_link_at(x, link);
    if (l->expires_ms)
        wick_ring_remove(x, expiring_links, &x->expiring, link);
    l->expires_ms = at_ms;
    if (!at_ms)
        return;
    wick_due(x, at_ms);
    uint32_t next = x->expiring;
    if (next == WICK_NO_SLOT || wick_link_at(x, next)->expires_ms > at_ms) {
        wick_ring_add(x, expiring_links, &x->expiring, link);
        x->expiring = link;
        return;
    }
    while (wick_link_at(x, wick_link_at(x, next)->expiring.prev)->expires_ms > at_ms)
        next = wick_link_at(x, next)->expiring.prev;
    wick_ring_add(x, expiring_links, &next, link);
}

static void link_free(wick_experience *x, uint32_t link)
{
    wick_link_slot *l = wick_link_at(x, link);
    if (l->state == WICK_LINK_OPENING)
        wick_link_opened(x, link);
    l->state = WICK_LINK_FREE;
    l->reader = NULL;
    l->queue.next = x->free_link;
    x->free_link = link;
    x->counts.links--;
}

/* ---- In a session ---------------------------------------------------------------------------------------- */

void wick_link_attach(wick_experience *x, uint32_t link, uint32_t session)
{
    wick_link_slot *l = wick_link_at(x, link);
    wick_session_slot *s = wick_session_at(x, session);
    l->session = session;
    wick_ring_add(x, sibling_links, &s->readers, link);
    s->reader_count++;
    wick_session_join(x, session);
    if (l->state != WICK_LINK_VIEW)
        s->connection = link;
}

/* Have a link on the ring of those that wait, or not: due is WICK_NEVER. */
static void link_wait(wick_experience *x, uint32_t link, uint64_t due)
{
    wick_link_slot *l = wick_link_at(x, link);
    l->due = due;
    if (due < x->wait_deadline)
        x->wait_deadline = due;
    if (l->waiting == (due != WICK_NEVER))
        return;
    l->waiting = due != WICK_NEVER;
    if (l->waiting)
        wick_ring_add(x, queue_links, &x->waiting, link);
    else
        wick_ring_remove(x, queue_links, &x->waiting, link);
    x->waiting_count += l->waiting ? 1u : (uint32_t)-1;
}

void wick_link_leave(wick_experience *x, uint32_t link, uint64_t now_ms)
{
    wick_link_slot *l = wick_link_at(x, link);
    uint32_t session = l->session;
    if (session == WICK_NO_SLOT)
        return;
    wick_session_slot *s = wick_session_at(x, session);
    l->session = WICK_NO_SLOT;
    wick_ring_remove(x, sibling_links, &s->readers, link);
    s->reader_count--;
    if (s->connection == link)
        s->connection = WICK_NO_SLOT;
    if (!s->quiet) {
        link_wait(x, link, WICK_NEVER);
        wick_reader_leave(&l->at, &s->stream, now_ms);
    }
    if (s->reader_count == 0)
        wick_session_leave(x, session, now_ms);
    if (!s->quiet)
        return;
    wick_session handle = wick_session_handle(x, session);
    wick_session_room(x, session, now_ms); /* nobody holds its runs up any more */
    wick_session_free_if_over(x, handle, now_ms);
}

void wick_link_close(wick_experience *x, uint32_t link, unsigned code, const char *reason, uint64_t now_ms)
{
    wick_link_slot *l = wick_link_at(x, link);
    if (l->state == WICK_LINK_OPENING)
        wick_link_opened(x, link);
    wick_link_expires(x, link, 0);
    l->state = WICK_LINK_CLOSED;
    wick_link_leave(x, link, now_ms);
    if (x->config.callbacks->on_close)
        x->config.callbacks->on_close(x->config.user, l->reader, code, reason);
}

void wick_links_expire(wick_experience *x, uint64_t now_ms)
{
    while (x->opening != WICK_NO_SLOT && wick_link_at(x, x->opening)->due <= now_ms)
        wick_link_close(x, x->opening, 4408, "OPEN_TIMEOUT: session.open did not come in time", now_ms);
    if (x->opening != WICK_NO_SLOT)
        wick_due(x, wick_link_at(x, x->opening)->due);
    while (x->expiring != WICK_NO_SLOT && wick_link_at(x, x->expiring)->expires_ms <= now_ms)
        wick_link_close(x, x->expiring, 4501, WICK_TOKEN_EXPIRED, now_ms);
    if (x->expiring != WICK_NO_SLOT)
        wick_due(x, wick_link_at(x, x->expiring)->expires_ms);
}

/* ---- Delivery -------------------------------------------------------------------------------------------- */

wick_status wick_link_deliver(wick_experience *x, uint32_t link, wick_type type, const wick_slice *slices,
                              size_t count, const wick_cursor *cursor)
{
    wick_link_slot *l = wick_link_at(x, link);
    wick_outgoing message;
    if (l->state == WICK_LINK_CLOSED || l->state == WICK_LINK_FREE)
        return WICK_OK;
    if (l->full)
        return WICK_BLOCKED;
    memset(&message, 0, sizeof message);
    message.slices = slices;
    message.count = count;
    message.type = type;
    message.session = l->session == WICK_NO_SLOT ? 0 : wick_session_handle(x, l->session);
    message.link = wick_link_handle(x, link);
    if (cursor)
        message.cursor = *cursor;
    for (size_t i = 0; i < count; i++)
        message.len += slices[i].len;
    if (x->config.callbacks->on_deliver(x->config.user, l->reader, &message) <= 0)
        return WICK_OK;
    l->full = 1;
    return WICK_BLOCKED;
}

static wick_status deliver_event(wick_experience *x, uint32_t link, const wick_stream *stream,
                                 const wick_delivery *delivery)
{
    wick_slice slices[WICK_OUTGOING_SLICES];
    wick_cursor cursor;
    size_t count = wick_delivery_slices(delivery, stream, slices, WICK_OUTGOING_SLICES), len;
    cursor.epoch = wick_stream_epoch(stream);
    cursor.seq = delivery->seq;
    if (count > WICK_OUTGOING_SLICES) {
        if (wick_delivery_copy(delivery, stream, wick_body_buffer(x), wick_body_size(x), &len) != WICK_OK)
            return WICK_BLOCKED; /* a body is never that large: max_body and a prefix fit */
        slices[0].data = (const uint8_t *)wick_body_buffer(x);
        slices[0].len = len;
        count = 1;
    }
    return wick_link_deliver(x, link, delivery->type, slices, count, &cursor);
}

/* Send one message, if one is due. Returns WICK_OK if there may be more. */
static wick_status send_next(wick_experience *x, uint32_t link, uint64_t now_ms)
{
    wick_link_slot *l = wick_link_at(x, link);
    wick_session_slot *s = wick_session_at(x, l->session);
    wick_delivery delivery;
    size_t queued = x->config.callbacks->on_queued ? x->config.callbacks->on_queued(x->config.user, l->reader) : 0;
    if (l->reset != WICK_RESET_NONE)
        return wick_reset_send(x, link, now_ms);
    if (l->behind && queued < WICK_SLOW_BYTES)
        queued = WICK_SLOW_BYTES;
    wick_status status = wick_reader_next(&l->at, &s->stream, queued, now_ms, &delivery);
    if (status == WICK_E_STREAM_LOST) {
        l->reset = WICK_RESET_SLOW_CONSUMER;
        return WICK_OK;
    }
    if (status == WICK_BLOCKED)
        l->full = 1;
    if (status == WICK_MORE && l->behind) {
        l->behind = 0;
        return WICK_OK;
    }
    if (status != WICK_OK)
        return status;
    status = deliver_event(x, link, &s->stream, &delivery);
    if (status == WICK_OK)
        wick_reader_sent(&l->at, &delivery);
    else
        l->behind = 1;
    return status;
}

/*
 * A reader takes nothing. Look at it again and again: once its next event has left the log, it has slow_ms to take
 * session.reset.
 */
static void wait_for_room(wick_experience *x, uint32_t link, uint64_t now_ms)
{
    wick_link_slot *l = wick_link_at(x, link);
    const wick_stream *stream = &wick_session_at(x, l->session)->stream;
    int lost = l->reset != WICK_RESET_NONE || wick_reader_cursor(&l->at) + 1 < wick_stream_oldest(stream);
    if (l->waiting && l->due > now_ms)
        return;
    if (l->lost && lost) {
        wick_link_close(x, link, 4509, "SLOW_CONSUMER: nothing is read, and the log has moved past it", now_ms);
        return;
    }
    l->lost = (uint8_t)lost;
    link_wait(x, link, now_ms + x->config.slow_ms);
}

void wick_link_pump(wick_experience *x, uint32_t link, uint64_t now_ms)
{
    wick_link_slot *l = wick_link_at(x, link);
    if (l->corked || (l->state != WICK_LINK_FULL && l->state != WICK_LINK_VIEW))
        return;
    if (!l->full) {
        l->lost = 0;
        while (send_next(x, link, now_ms) == WICK_OK)
            ;
        link_wait(x, link, l->full ? WICK_NEVER : wick_reader_deadline(&l->at));
    }
    if (l->full)
        wait_for_room(x, link, now_ms);
}

void wick_session_pump(wick_experience *x, uint32_t session, uint64_t now_ms)
{
    uint32_t link = wick_session_at(x, session)->readers;
    for (uint32_t left = wick_session_at(x, session)->reader_count; left; left--) {
        wick_link_pump(x, link, now_ms);
        link = wick_link_at(x, link)->siblings.next;
    }
}

void wick_links_flush(wick_experience *x, uint64_t now_ms)
{
    x->wait_deadline = WICK_NEVER;
    for (uint32_t left = x->waiting_count; left && x->waiting != WICK_NO_SLOT; left--) {
        uint32_t link = x->waiting;
        x->waiting = wick_link_at(x, link)->queue.next; /* to the end of the ring */
        if (wick_link_at(x, link)->due <= now_ms)
            wick_link_pump(x, link, now_ms);
        else
            link_wait(x, link, wick_link_at(x, link)->due);
    }
}

/* ---- For hosts ------------------------------------------------------------------------------------------- */

static wick_status open_quiet(wick_experience *x, uint32_t link, uint64_t now_ms)
{
    static const wick_text none = { NULL, 0, 0 };
    uint32_t session;
    wick_status status = wick_session_new(x, &none, 1, &session, now_ms);
    if (status != WICK_OK)
        return status;
    wick_session_at(x, session)->principal = wick_link_at(x, link)->principal;
    wick_link_attach(x, link, session);
    return WICK_OK;
}

wick_status wick_experience_open(wick_experience *x, void *reader, const wick_link_config *config, wick_link *link,
                                 uint64_t now_ms)
{
    static const wick_link_config none = { sizeof none, 0, 0, { NULL, 0, 0 }, 0 };
    wick_principal principal;
    wick_status status = WICK_OK;
    *link = 0;
    if (!config)
        config = &none;
    if (config->size != sizeof *config || wick_principal_set(&principal, &config->principal) != WICK_OK)
        return WICK_E_CONFIG;
    uint32_t slot = wick_link_new(x, reader, config->full ? WICK_LINK_OPENING : WICK_LINK_QUIET, now_ms);
    if (slot == WICK_NO_SLOT)
        return WICK_E_SPACE;
    wick_link_at(x, slot)->principal = principal;
    wick_link_at(x, slot)->need_auth = config->full && config->need_auth;
    if (!config->full)
        status = open_quiet(x, slot, now_ms);
    if (status != WICK_OK) {
        link_free(x, slot);
        return status;
    }
    wick_link_expires(x, slot, config->expires_ms);
    *link = wick_link_handle(x, slot);
    return WICK_OK;
}

/* Where a view begins. */
static wick_reset view_start(const wick_stream *stream, const wick_cursor *after, uint64_t *start)
{
    wick_resume resume;
    if (after->epoch == 0) {
        *start = after->seq ? wick_stream_head(stream) : wick_stream_oldest(stream) - 1;
        return WICK_RESET_NONE;
    }
    wick_stream_resume(stream, after, &resume);
    *start = resume.after;
    return resume.reset;
}

wick_status wick_experience_view(wick_experience *x, void *reader, wick_session session,
                                 const wick_view_config *config, wick_link *link, uint64_t now_ms)
{
    static const wick_view_config all = { sizeof all, { 0, 0 }, WICK_DEFAULT_COALESCE_MS };
    uint32_t of = wick_session_slot_of(x, session);
    uint64_t start;
    *link = 0;
    if (!config)
        config = &all;
    if (config->size != sizeof *config)
        return WICK_E_CONFIG;
    if (of == WICK_NO_SLOT || wick_session_at(x, of)->quiet)
        return WICK_E_STATE;
    uint32_t slot = wick_link_new(x, reader, WICK_LINK_VIEW, now_ms);
    if (slot == WICK_NO_SLOT)
        return WICK_E_SPACE;
    wick_link_slot *l = wick_link_at(x, slot);
    wick_stream *stream = &wick_session_at(x, of)->stream;
    l->reset = (uint8_t)view_start(stream, &config->after, &start);
    l->coalesce_ms = config->coalesce_ms;
    wick_reader_init(&l->at, stream, start);
    wick_link_attach(x, slot, of);
    wick_link_tune(l);
    *link = wick_link_handle(x, slot);
    wick_link_pump(x, slot, now_ms);
    return WICK_OK;
}

void wick_experience_detach(wick_experience *x, wick_link link, uint64_t now_ms)
{
    uint32_t slot = wick_link_slot_of(x, link);
    if (slot == WICK_NO_SLOT)
        return;
    wick_link_at(x, slot)->full = 0;
    if (wick_link_at(x, slot)->state == WICK_LINK_OPENING)
        wick_link_opened(x, slot);
    wick_link_expires(x, slot, 0);
    wick_link_at(x, slot)->state = WICK_LINK_CLOSED;
    wick_link_leave(x, slot, now_ms);
    link_free(x, slot);
}

void wick_experience_room(wick_experience *x, wick_link link, uint64_t now_ms)
{
    uint32_t slot = wick_link_slot_of(x, link);
    if (slot == WICK_NO_SLOT)
        return;
    wick_link_slot *l = wick_link_at(x, slot);
    l->full = 0;
    if (l->state == WICK_LINK_QUIET)
        wick_session_room(x, l->session, now_ms);
    else
        wick_link_pump(x, slot, now_ms);
}

wick_session wick_experience_session(const wick_experience *x, wick_link link)
{
    uint32_t slot = wick_link_slot_of(x, link);
    if (slot == WICK_NO_SLOT || wick_link_at(x, slot)->session == WICK_NO_SLOT)
        return 0;
    return wick_session_handle(x, wick_link_at(x, slot)->session);
}
