/*
 * Events on their way to readers: numbered, kept in the session's stream, sent. See wick/experience.h.
 *
 * A quiet session has no stream: its event is written once, into the body buffer, and delivered or refused.
 */
#include <string.h>

#include "agent/experience_internal.h"

static wick_status write_and_deliver(wick_experience *x, uint32_t link, const wick_event *event)
{
    char prefix[WICK_EVENT_PREFIX_MAX];
    wick_slice slices[2];
    size_t len = 0;
    char *body = wick_body_buffer(x);
    wick_status status = wick_event_write_body(event, WICK_JSON_REPLACE | WICK_JSON_TRUSTED, body,
                                               wick_experience_buffer(x), &len, NULL);
    if (status != WICK_OK || link == WICK_NO_SLOT)
        return status;
    slices[0].data = (const uint8_t *)prefix;
    slices[0].len = wick_event_prefix((uint64_t)event->head.seq, 0, prefix);
    slices[1].data = (const uint8_t *)body;
    slices[1].len = len;
    return wick_link_deliver(x, link, event->type, slices, 2, NULL);
}

static wick_status to_quiet(wick_experience *x, wick_session_slot *s, wick_event *event)
{
    if (s->connection != WICK_NO_SLOT && wick_link_at(x, s->connection)->full)
        return WICK_BLOCKED;
    event->head.seq = (int64_t)s->seq + 1;
    wick_status status = write_and_deliver(x, s->connection, event);
    if (status == WICK_OK)
        s->seq++;
    return status;
}

/* When the pool is exhausted, sessions that nobody reads give way, the oldest first. */
static wick_status to_stream(wick_experience *x, wick_session_slot *s, wick_event *event, uint64_t now_ms)
{
    uint64_t seq = 0;
    wick_status status;
    do
        status = wick_stream_append(&s->stream, event, WICK_JSON_REPLACE | WICK_JSON_TRUSTED, now_ms, &seq);
    while (status == WICK_E_STREAM_FULL && s->run_count && wick_session_drop_oldest(x, now_ms));
    event->head.seq = (int64_t)seq;
    return status == WICK_E_STREAM_FULL || status == WICK_E_MESSAGE_TOO_BIG ? WICK_E_SPACE : status;
}

wick_status wick_event_append(wick_experience *x, uint32_t session, wick_event *event, uint64_t now_ms)
{
    wick_session_slot *s = wick_session_at(x, session);
    event->head.session_id = wick_session_id(x, session);
    if (s->mission_len && !event->head.mission_id.data) {
        event->head.mission_id = wick_text_of(s->mission, s->mission_len);
        event->head.mission_id.form = s->mission_form;
    }
    wick_status status = s->quiet ? to_quiet(x, s, event) : to_stream(x, s, event, now_ms);
    if (status == WICK_OK && x->config.callbacks->on_event)
        x->config.callbacks->on_event(x->config.user, wick_session_handle(x, session), event);
    return status;
}

static void after(wick_experience *x, uint32_t run, const wick_event *event, uint64_t now_ms)
{
    switch (event->type) {
    case WICK_TYPE_AGENT_INPUT_REQUEST:
        wick_question_open(x, run, event, now_ms);
        break;
    case WICK_TYPE_AGENT_INPUT_RESOLVED:
        wick_question_resolved(x, run, &event->as.input_resolved);
        break;
    case WICK_TYPE_AGENT_COMPLETED:
    case WICK_TYPE_AGENT_FAILED:
        wick_run_end(x, run, 0, now_ms);
        wick_session_free_if_over(x, wick_run_at(x, run)->session, now_ms);
        break;
    default:
        break;
    }
}

wick_status wick_experience_event(wick_experience *x, const wick_event *event, uint64_t now_ms)
{
    wick_slot_name name;
    wick_event copy = *event;
    uint32_t run = WICK_NO_SLOT;
    if (wick_slot_name_set(wick_run_table(x), &name, &event->head.invocation_id) == 0)
        run = wick_table_find(wick_run_table(x), &name);
    if (run == WICK_NO_SLOT || !wick_run_at(x, run)->active)
        return WICK_OK;
    wick_run_slot *r = wick_run_at(x, run);
    uint32_t session = wick_session_slot_of(x, r->session);
    int quiet = wick_session_at(x, session)->quiet;
    wick_status status = WICK_OK;
    if (event->type == WICK_TYPE_AGENT_INPUT_REQUEST)
        status = wick_question_check(x, &event->as.input_request);
    if (status == WICK_OK)
        status = wick_event_append(x, session, &copy, now_ms);
    if (status == WICK_BLOCKED)
        r->blocked = 1;
    if (status != WICK_OK)
        return status;
    after(x, run, &copy, now_ms);
    if (!quiet)
        wick_session_pump(x, session, now_ms);
    return WICK_OK;
}

wick_status wick_experience_publish(wick_experience *x, wick_session session, const wick_event *event, uint64_t now_ms)
{
    wick_event copy = *event;
    uint32_t slot = wick_session_slot_of(x, session);
    if (slot == WICK_NO_SLOT)
        return WICK_E_STATE;
    if (!copy.head.ts)
        copy.head.ts = (int64_t)(now_ms + x->config.unix_offset_ms);
    wick_status status = wick_event_append(x, slot, &copy, now_ms);
    if (status == WICK_OK && !wick_session_at(x, slot)->quiet)
        wick_session_pump(x, slot, now_ms);
    return status;
}

void wick_experience_drain(wick_experience *x, uint32_t retry_after_ms, uint64_t now_ms)
{
    char out[256];
    wick_slice slice = { (const uint8_t *)out, 0 };
    wick_event event;
    x->draining = 1;
    memset(&event, 0, sizeof event);
    event.type = WICK_TYPE_SESSION_CLOSING;
    event.head.ts = (int64_t)(now_ms + x->config.unix_offset_ms);
    event.as.session_closing.reason = WICK_TEXT("draining");
    event.as.session_closing.retry_after_ms = retry_after_ms;
    event.as.session_closing.code = 1001;
    if (wick_event_write(&event, 0, out, sizeof out, &slice.len, NULL) != WICK_OK)
        return;
    for (uint32_t i = 0; i < x->fresh_links; i++)
        if (wick_link_at(x, i)->state == WICK_LINK_FULL)
            wick_link_deliver(x, i, event.type, &slice, 1, NULL);
}
