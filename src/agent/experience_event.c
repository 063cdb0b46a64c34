/*
 * Events of the Runtime on their way to readers: numbered, written once, delivered. See wick/experience.h.
 */
#include <string.h>

#include "agent/experience_internal.h"

static wick_status write_and_deliver(wick_experience *x, wick_session_slot *s, wick_event *event)
{
    char prefix[WICK_EVENT_PREFIX_MAX];
    wick_slice slices[2];
    size_t len = 0;
    char *body = wick_body_buffer(x);
    wick_status status = wick_event_write_body(event, WICK_JSON_REPLACE | WICK_JSON_TRUSTED, body,
                                               wick_experience_buffer(x), &len, NULL);
    if (status != WICK_OK)
        return status;
    slices[0].data = (const uint8_t *)prefix;
    slices[0].len = wick_event_prefix((uint64_t)event->head.seq, 0, prefix);
    slices[1].data = (const uint8_t *)body;
    slices[1].len = len;
    return wick_session_deliver(x, s, event->type, slices, 2);
}

static void after(wick_experience *x, uint32_t run, const wick_event *event, uint64_t now_ms)
{
    switch (event->type) {
    case WICK_TYPE_AGENT_INPUT_REQUEST:
        wick_question_open(x, run, &event->as.input_request, now_ms);
        break;
    case WICK_TYPE_AGENT_INPUT_RESOLVED:
        wick_question_resolved(x, run, &event->as.input_resolved);
        break;
    case WICK_TYPE_AGENT_COMPLETED:
    case WICK_TYPE_AGENT_FAILED:
        wick_run_end(x, run, 0);
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
    wick_session session = r->session;
    wick_session_slot *s = wick_session_at(x, wick_session_slot_of(x, session));
    wick_status status = WICK_OK;
    if (event->type == WICK_TYPE_AGENT_INPUT_REQUEST)
        status = wick_question_check(x, &event->as.input_request);
    if (status == WICK_OK && s->full)
        status = WICK_BLOCKED;
    if (status == WICK_OK) {
        copy.head.seq = (int64_t)s->seq + 1;
        copy.head.session_id = wick_text_of(s->id, sizeof s->id);
        status = write_and_deliver(x, s, &copy);
    }
    if (status == WICK_BLOCKED)
        r->blocked = 1;
    if (status != WICK_OK)
        return status;
    s->seq++;
    if (x->config.callbacks->on_event)
        x->config.callbacks->on_event(x->config.user, session, &copy);
    after(x, run, &copy, now_ms);
    return WICK_OK;
}
