/*
 * Rooms: who is in them, what is said in them. See ROOMS in wick/experience.h.
 *
 * A room has a stream of its own, whose numbers are room_seq and which is the history. What is said is appended to it
 * and to the stream of every member. Appending may free a session that nobody reads, and with it a member: so
 * publishing turns the ring of members, and marks who has been told.
 */
#include <string.h>

#include "agent/experience_internal.h"

/* Characters of a session's id that others see. */
#define NICK_MAX 10

static wick_links *room_links(const wick_experience *x, uint32_t slot)
{
    return &wick_room_at(x, slot)->empty;
}

static wick_links *of_room(const wick_experience *x, uint32_t slot)
{
    return &wick_member_at(x, slot)->of_room;
}

static wick_links *of_session(const wick_experience *x, uint32_t slot)
{
    return &wick_member_at(x, slot)->of_session;
}

/* ---- Rooms ----------------------------------------------------------------------------------------------- */

/* Free an empty room. */
static void room_free(wick_experience *x, uint32_t room)
{
    wick_ring_remove(x, room_links, &x->empty_rooms, room);
    wick_stream_free(&wick_room_at(x, room)->history);
    wick_table_undo(wick_room_table(x), room);
}

void wick_rooms_expire(wick_experience *x, uint64_t now_ms)
{
    while (x->empty_rooms != WICK_NO_SLOT) {
        uint64_t due = wick_stream_deadline(&wick_room_at(x, x->empty_rooms)->history);
        if (due > now_ms) {
            wick_due(x, due);
            return;
        }
        room_free(x, x->empty_rooms);
    }
}

/* The room with this name, or WICK_NO_SLOT. */
static uint32_t room_find(const wick_experience *x, const wick_text *id, wick_slot_name *name)
{
    if (wick_slot_name_set(wick_room_table(x), name, id) < 0)
        return WICK_NO_SLOT;
    return wick_table_find(wick_room_table(x), name);
}

/* A new room, on the ring of those without members. */
static uint32_t room_new(wick_experience *x, const wick_slot_name *name, uint64_t now_ms)
{
    uint32_t room = wick_table_take(wick_room_table(x), name);
    if (room == WICK_NO_SLOT && x->empty_rooms != WICK_NO_SLOT) {
        room_free(x, x->empty_rooms);
        room = wick_table_take(wick_room_table(x), name);
    }
    if (room == WICK_NO_SLOT)
        return room;
    wick_room *r = wick_room_at(x, room);
    memset(r, 0, sizeof *r);
    r->members = WICK_NO_SLOT;
    wick_stream_init(&r->history, &x->pool, &x->history, 1, now_ms);
    wick_ring_add(x, room_links, &x->empty_rooms, room);
    return room;
}

/* ---- Members --------------------------------------------------------------------------------------------- */

static uint32_t member_find(const wick_experience *x, uint32_t session, uint32_t room)
{
    const wick_session_slot *s = wick_session_at(x, session);
    uint32_t member = s->rooms;
    for (uint32_t left = room == WICK_NO_SLOT ? 0 : s->room_count; left; left--) {
        if (wick_member_at(x, member)->room == room)
            return member;
        member = wick_member_at(x, member)->of_session.next;
    }
    return WICK_NO_SLOT;
}

static int member_new(wick_experience *x, uint32_t session, uint32_t room)
{
    uint32_t member = x->free_member;
    if (member != WICK_NO_SLOT)
        x->free_member = wick_member_at(x, member)->of_session.next;
    else if (x->fresh_members < x->config.members)
        member = x->fresh_members++;
    else
        return -1;
    wick_member *m = wick_member_at(x, member);
    wick_room *r = wick_room_at(x, room);
    wick_session_slot *s = wick_session_at(x, session);
    memset(m, 0, sizeof *m);
    m->session = session;
    m->room = room;
    wick_ring_add(x, of_room, &r->members, member);
    wick_ring_add(x, of_session, &s->rooms, member);
    s->room_count++;
    if (r->member_count++ == 0) {
        wick_ring_remove(x, room_links, &x->empty_rooms, room);
        wick_stream_hold(&r->history);
    }
    return 0;
}

static void member_free(wick_experience *x, uint32_t member, uint64_t now_ms)
{
    wick_member *m = wick_member_at(x, member);
    wick_room *r = wick_room_at(x, m->room);
    wick_session_slot *s = wick_session_at(x, m->session);
    wick_ring_remove(x, of_room, &r->members, member);
    wick_ring_remove(x, of_session, &s->rooms, member);
    s->room_count--;
    if (--r->member_count == 0) {
        wick_stream_release(&r->history, now_ms);
        wick_ring_add(x, room_links, &x->empty_rooms, m->room);
        wick_due(x, wick_stream_deadline(&r->history));
    }
    m->of_session.next = x->free_member;
    x->free_member = member;
}

void wick_rooms_leave(wick_experience *x, uint32_t session, uint64_t now_ms)
{
    while (wick_session_at(x, session)->rooms != WICK_NO_SLOT)
        member_free(x, wick_session_at(x, session)->rooms, now_ms);
}

size_t wick_rooms_write(const wick_experience *x, uint32_t session, char *out)
{
    const wick_session_slot *s = wick_session_at(x, session);
    wick_json_writer writer;
    size_t len = 0;
    uint32_t member = s->rooms;
    wick_json_writer_init(&writer, out, WICK_ROOMS_TEXT, WICK_JSON_TRUSTED);
    wick_json_put_array(&writer);
    for (uint32_t left = s->room_count; left; left--) {
        const wick_slot_name *name = wick_table_name(wick_room_table(x), wick_member_at(x, member)->room);
        wick_json_put_string(&writer, name->text, name->len);
        member = wick_member_at(x, member)->of_session.next;
    }
    wick_json_put_array_end(&writer);
    wick_json_writer_end(&writer, &len);
    return len;
}

/* ---- Requests -------------------------------------------------------------------------------------------- */

static void join_room(wick_experience *x, uint32_t session, const wick_text *id, wick_outcome *outcome, uint64_t now_ms)
{
    wick_slot_name name;
    uint32_t room = room_find(x, id, &name);
    if (member_find(x, session, room) != WICK_NO_SLOT)
        return;
    if (x->config.callbacks->on_join)
        outcome->code = x->config.callbacks->on_join(x->config.user, wick_session_handle(x, session), id);
    if (outcome->code != WICK_CODE_NONE)
        return;
    outcome->code = WICK_CODE_RATE_LIMITED;
    if (wick_session_at(x, session)->room_count >= WICK_SESSION_ROOMS_MAX)
        return;
    if (room == WICK_NO_SLOT)
        room = room_new(x, &name, now_ms);
    if (room == WICK_NO_SLOT || member_new(x, session, room) < 0)
        return;
    outcome->code = WICK_CODE_NONE;
    outcome->joined = 1;
}

/* Give a message to every member; one that is volatile only to those who are there. */
static void tell_members(wick_experience *x, uint32_t room, const wick_event *message, int fleeting, uint64_t now_ms)
{
    wick_room *r = wick_room_at(x, room);
    uint64_t mark = ++x->publications;
    for (uint32_t left = r->member_count; left && r->members != WICK_NO_SLOT; left--) {
        wick_member *m = wick_member_at(x, r->members);
        wick_event copy = *message;
        uint32_t session = m->session;
        r->members = m->of_room.next;
        if (m->told == mark || (fleeting && wick_session_at(x, session)->reader_count == 0))
            continue;
        m->told = mark;
        if (wick_event_append(x, session, &copy, now_ms) == WICK_OK)
            wick_session_pump(x, session, now_ms);
    }
}

static void publish_in_room(wick_experience *x, uint32_t session, const wick_event *event, wick_outcome *outcome,
                            uint64_t now_ms)
{
    const wick_room_publish *said = &event->as.room_publish;
    const wick_session_slot *s = wick_session_at(x, session);
    wick_slot_name name;
    uint32_t room = room_find(x, &said->room, &name);
    wick_text id = wick_session_id(x, session);
    wick_event message;
    if (member_find(x, session, room) == WICK_NO_SLOT) {
        outcome->code = WICK_CODE_ROOM_NOT_FOUND;
        return;
    }
    wick_stream *history = &wick_room_at(x, room)->history;
    memset(&message, 0, sizeof message);
    message.type = WICK_TYPE_ROOM_MESSAGE;
    message.head.ts = (int64_t)(now_ms + x->config.unix_offset_ms);
    message.head.room = wick_slot_name_text(&name);
    message.as.room_message.data = said->data;
    message.as.room_message.from =
        s->principal.len ? wick_text_of(s->principal.name, s->principal.len) : wick_text_cut(&id, NICK_MAX);
    if (!said->fleeting) {
        message.as.room_message.room_seq = (int64_t)wick_stream_head(history) + 1;
        if (wick_stream_append(history, &message, WICK_JSON_REPLACE | WICK_JSON_TRUSTED, now_ms, NULL) != WICK_OK) {
            outcome->code = WICK_CODE_PAYLOAD_TOO_LARGE;
            return;
        }
    }
    tell_members(x, room, &message, said->fleeting, now_ms);
}

void wick_on_room(wick_experience *x, uint32_t session, const wick_event *event, wick_outcome *outcome,
                  uint64_t now_ms)
{
    wick_slot_name name;
    if (event->type == WICK_TYPE_ROOM_JOIN) {
        join_room(x, session, &event->as.room_join.room, outcome, now_ms);
    } else if (event->type == WICK_TYPE_ROOM_PUBLISH) {
        publish_in_room(x, session, event, outcome, now_ms);
    } else {
        uint32_t member = member_find(x, session, room_find(x, &event->as.room_leave.room, &name));
        if (member == WICK_NO_SLOT)
            outcome->code = WICK_CODE_ROOM_NOT_FOUND;
        else
            member_free(x, member, now_ms);
    }
}

/* ---- What follows the answer ----------------------------------------------------------------------------- */

static void send_state(wick_experience *x, uint32_t link, const wick_event *cause, uint32_t room)
{
    char out[512];
    wick_slice slice = { (const uint8_t *)out, 0 };
    wick_event event;
    memset(&event, 0, sizeof event);
    event.head.re = cause->head.id;
    event.type = cause->type == WICK_TYPE_ROOM_JOIN ? WICK_TYPE_ROOM_JOINED : WICK_TYPE_ROOM_LEFT;
    if (cause->type == WICK_TYPE_ROOM_JOIN) {
        event.as.room_joined.room = cause->as.room_join.room;
        event.as.room_joined.members = wick_room_at(x, room)->member_count;
    } else {
        event.as.room_leave.room = cause->as.room_leave.room;
    }
    if (wick_event_write(&event, WICK_JSON_REPLACE | WICK_JSON_TRUSTED, out, sizeof out, &slice.len, NULL) == WICK_OK)
        wick_link_deliver(x, link, event.type, &slice, 1, NULL);
}

/* Who has posted reads elsewhere. */
static void tell_readers(wick_experience *x, uint32_t session, const wick_event *cause, uint32_t room)
{
    uint32_t link = wick_session_at(x, session)->readers;
    for (uint32_t left = wick_session_at(x, session)->reader_count; left; left--) {
        send_state(x, link, cause, room);
        link = wick_link_at(x, link)->siblings.next;
    }
}

wick_text wick_room_result(const wick_experience *x, const wick_event *event, char *out, size_t cap)
{
    static const wick_text absent = { NULL, 0, 0 };
    wick_room_joined joined;
    wick_slot_name name;
    size_t len = 0;
    uint32_t room = WICK_NO_SLOT;
    if (event->type == WICK_TYPE_ROOM_JOIN)
        room = room_find(x, &event->as.room_join.room, &name);
    if (room == WICK_NO_SLOT)
        return absent;
    memset(&joined, 0, sizeof joined);
    joined.room = event->as.room_join.room;
    joined.members = wick_room_at(x, room)->member_count;
    if (wick_payload_write(WICK_TYPE_ROOM_JOINED, &joined, WICK_JSON_TRUSTED, out, cap, &len, NULL) != WICK_OK)
        return absent;
    wick_text result = wick_text_of(out, len);
    result.form = WICK_TEXT_JSON;
    return result;
}

/* Copy a message of a room into the body buffer, and read it there. */
static wick_status read_history(wick_experience *x, wick_stream *history, uint64_t seq, wick_event *event,
                                uint64_t now_ms)
{
    wick_event_config config = { sizeof config, WICK_JSON_UTF8_KNOWN | WICK_JSON_LONE_SURROGATES, 0, 0, NULL };
    wick_reader reader;
    wick_delivery message;
    size_t len = 0;
    wick_status status = wick_reader_init(&reader, history, seq - 1);
    if (status != WICK_OK)
        return status;
    wick_reader_tune(&reader, 0, NULL);
    status = wick_reader_next(&reader, history, 0, now_ms, &message);
    if (status == WICK_OK)
        status = wick_delivery_copy(&message, history, wick_body_buffer(x), wick_body_size(x), &len);
    wick_reader_leave(&reader, history, now_ms);
    return status == WICK_OK ? wick_event_read(&config, wick_body_buffer(x), len, event, NULL) : status;
}

/* Append the last messages of a room to a session's stream. */
static void send_history(wick_experience *x, uint32_t session, uint32_t room, uint64_t count, uint64_t now_ms)
{
    wick_stream *history = &wick_room_at(x, room)->history;
    uint64_t head = wick_stream_head(history), seq = wick_stream_oldest(history);
    wick_event event;
    if (head >= count && seq < head - count + 1)
        seq = head - count + 1;
    for (; seq <= head; seq++)
        if (read_history(x, history, seq, &event, now_ms) == WICK_OK)
            wick_event_append(x, session, &event, now_ms);
}

void wick_room_answered(wick_experience *x, const wick_asker *asker, const wick_event *event,
                        const wick_outcome *outcome, uint64_t now_ms)
{
    wick_slot_name name;
    if (event->type != WICK_TYPE_ROOM_JOIN && event->type != WICK_TYPE_ROOM_LEAVE)
        return;
    const wick_text *id = event->type == WICK_TYPE_ROOM_JOIN ? &event->as.room_join.room : &event->as.room_leave.room;
    uint32_t room = room_find(x, id, &name);
    if (room == WICK_NO_SLOT)
        return;
    if (asker->link != WICK_NO_SLOT)
        send_state(x, asker->link, event, room);
    else
        tell_readers(x, asker->session, event, room);
    if (outcome->joined && event->as.room_join.history)
        send_history(x, asker->session, room, (uint64_t)event->as.room_join.history, now_ms);
    wick_session_pump(x, asker->session, now_ms);
}
