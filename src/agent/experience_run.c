/*
 * Runs: the choice of the agent, the invocation that cannot leak, cancelling, and the end. See wick/experience.h.
 *
 * Runs hang in a ring at their session; the next one to be told that there is room goes to the end, so that all of them
 * get their turn. As long as a run goes on it holds the stream of its session.
 */
#include <string.h>

#include "agent/experience_internal.h"

/* Longest word of a place: a rule's is not longer, or does not match. */
#define PLACE_MAX 128

static const char channel_scheme[] = "ws://client/";
#define CHANNEL_MAX (sizeof channel_scheme + WICK_LIMIT_ID)

static wick_links *run_links(const wick_experience *x, uint32_t slot)
{
    return &wick_run_at(x, slot)->links;
}

/* ---- Begin and end --------------------------------------------------------------------------------------- */

/* A run begins: take a slot for it and link it to its session. WICK_NO_SLOT if there is none. */
static uint32_t run_begin(wick_experience *x, uint32_t session, const wick_slot_name *name, uint8_t on_disconnect)
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
    if (!s->quiet)
        wick_stream_hold(&s->stream);
    return run;
}

void wick_run_end(wick_experience *x, uint32_t run, int undo, uint64_t now_ms)
{
    wick_run_slot *r = wick_run_at(x, run);
    uint32_t session = wick_session_slot_of(x, r->session);
    wick_session_slot *s = wick_session_at(x, session);
    wick_questions_close(x, run);
    wick_ring_remove(x, run_links, &s->runs, run);
    s->run_count--;
    x->counts.invocations--;
    r->active = 0;
    if (undo)
        wick_table_undo(wick_run_table(x), run);
    else
        wick_table_release(wick_run_table(x), run);
    if (!s->quiet) {
        wick_stream_release(&s->stream, now_ms);
        wick_due(x, wick_stream_deadline(&s->stream));
    }
}

/* on_cancel may end runs, and the session with them. */
void wick_runs_cancel(wick_experience *x, uint32_t session, int all, const char *reason)
{
    wick_session_slot *s = wick_session_at(x, session);
    wick_session handle = wick_session_handle(x, session);
    wick_text why = wick_text_from(reason);
    for (uint32_t turns = s->run_count; turns; turns--) {
        if (wick_session_slot_of(x, handle) == WICK_NO_SLOT || s->runs == WICK_NO_SLOT)
            return;
        uint32_t run = s->runs;
        wick_run_slot *r = wick_run_at(x, run);
        uint8_t on_disconnect = r->on_disconnect ? r->on_disconnect : s->on_disconnect;
        s->runs = r->links.next;
        if (!all && on_disconnect != WICK_DISCONNECT_CANCEL)
            continue;
        wick_text id = wick_slot_name_text(wick_table_name(wick_run_table(x), run));
        x->config.callbacks->on_cancel(x->config.user, &id, &why);
    }
}

void wick_session_room(wick_experience *x, uint32_t slot, uint64_t now_ms)
{
    wick_session_slot *s = wick_session_at(x, slot);
    wick_session session = wick_session_handle(x, slot);
    wick_questions_expire(x, now_ms);
    for (uint32_t turns = s->run_count; turns; turns--) {
        if (wick_session_slot_of(x, session) == WICK_NO_SLOT || s->runs == WICK_NO_SLOT)
            return;
        if (s->connection != WICK_NO_SLOT && wick_link_at(x, s->connection)->full)
            return;
        uint32_t run = s->runs;
        wick_run_slot *r = wick_run_at(x, run);
        s->runs = r->links.next; /* to the end of the ring */
        if (!r->blocked)
            continue;
        r->blocked = 0;
        wick_text id = wick_slot_name_text(wick_table_name(wick_run_table(x), run));
        if (x->config.callbacks->on_room)
            x->config.callbacks->on_room(x->config.user, &id);
    }
}

/* ---- agent.message --------------------------------------------------------------------------------------- */

/* A string of the context in plain form; empty if it is none, or too long to match any rule. */
static wick_str place_word(const wick_text *context, wick_str name, char *space)
{
    wick_text value = { NULL, 0, 0 };
    wick_str plain = { "", 0 };
    if (!context->data || wick_json_member(context, name.data, name.len, &value) != WICK_OK || !value.data ||
        value.form == WICK_TEXT_JSON || wick_text_plain(&value, space, PLACE_MAX, &plain) != WICK_OK)
        plain = WICK_STR("");
    return plain;
}

static wick_str choose_agent(wick_experience *x, wick_session session, const wick_text *context, char *space)
{
    wick_place place;
    wick_str agent = { NULL, 0 };
    place.surface = place_word(context, WICK_STR("surface"), space);
    place.user_role = place_word(context, WICK_STR("user_role"), space + PLACE_MAX);
    place.conversation_state = place_word(context, WICK_STR("conversation_state"), space + 2 * PLACE_MAX);
    if (x->config.callbacks->on_route)
        x->config.callbacks->on_route(x->config.user, session, &place, &agent);
    if (agent.data)
        return agent;
    const wick_route *route = wick_route_find(x->config.routes, x->config.route_count, &place);
    if (!route) {
        size_t count;
        const wick_route *routes = wick_routes_default(&count);
        route = wick_route_find(routes, count, &place);
    }
    return route->agent_id;
}

/* What every invocation of a session has: where its events go. */
static void address(const wick_experience *x, uint32_t session, char *channel, wick_invocation *invocation)
{
    wick_text id = wick_session_id(x, session);
    memcpy(channel, channel_scheme, sizeof channel_scheme - 1);
    memcpy(channel + sizeof channel_scheme - 1, id.data, id.len);
    invocation->return_channel = wick_text_of(channel, sizeof channel_scheme - 1 + id.len);
    invocation->session_id = id;
}

/* Build the invocation: agent and input. Nothing of the message gets in but what is named here. */
static wick_status build(wick_experience *x, const wick_event *event, wick_str agent, wick_invocation *invocation)
{
    const wick_agent_message *message = &event->as.agent_message;
    char *input = wick_input_buffer(x);
    size_t len = 0;
    memset(invocation, 0, sizeof *invocation);
    if (wick_input_write(&message->text, &message->context, WICK_JSON_REPLACE | WICK_JSON_TRUSTED, input,
                         wick_experience_buffer(x), &len) != WICK_OK)
        return WICK_E_SPACE;
    invocation->agent_id = wick_text_of(agent.data, agent.len);
    invocation->input = wick_text_of(input, len);
    invocation->input.form = WICK_TEXT_JSON;
    invocation->deadline_ms = message->deadline_ms;
    invocation->meta = event->head.meta;
    return WICK_OK;
}

/* Make the name of the run: the client's, or a new UUID. */
static wick_code name_run(wick_experience *x, const wick_text *id, wick_slot_name *name)
{
    uint8_t random[16];
    char uuid[WICK_UUID_SIZE];
    wick_text minted;
    if (!id->data) {
        if (x->config.callbacks->on_random(x->config.user, random, sizeof random) != 0)
            return WICK_CODE_INTERNAL;
        wick_uuid_write(random, uuid);
        minted = wick_text_of(uuid, sizeof uuid);
        id = &minted;
    }
    if (wick_slot_name_set(wick_run_table(x), name, id) < 0)
        return WICK_CODE_INVALID_PAYLOAD;
    return wick_table_find(wick_run_table(x), name) == WICK_NO_SLOT ? WICK_CODE_NONE : WICK_CODE_INVOCATION_CONFLICT;
}

/* Have a run begin. *code is set to what is wrong. */
static wick_status start_run(wick_experience *x, uint32_t session, wick_invocation *invocation,
                             const wick_slot_name *name, uint8_t on_disconnect, wick_code *code, uint64_t now_ms)
{
    char channel[CHANNEL_MAX];
    wick_session handle = wick_session_handle(x, session);
    *code = WICK_CODE_TOO_MANY_INVOCATIONS;
    if (wick_session_at(x, session)->run_count >= x->config.session_invocations)
        return WICK_E_SPACE;
    uint32_t run = run_begin(x, session, name, on_disconnect);
    if (run == WICK_NO_SLOT)
        return WICK_E_SPACE;
    address(x, session, channel, invocation);
    invocation->invocation_id = wick_slot_name_text(name);
    *code = WICK_CODE_INTERNAL;
    wick_status status = x->config.callbacks->on_invoke(x->config.user, invocation, code);
    if (status == WICK_OK)
        *code = WICK_CODE_NONE;
    else if (wick_run_at(x, run)->active && wick_run_at(x, run)->session == handle)
        wick_run_end(x, run, 1, now_ms);
    wick_session_free_if_over(x, handle, now_ms);
    return status;
}

wick_status wick_on_agent_message(wick_experience *x, uint32_t session, const wick_event *event,
                                  wick_outcome *outcome, uint64_t now_ms)
{
    char space[3 * PLACE_MAX];
    const wick_agent_message *message = &event->as.agent_message;
    wick_invocation invocation;
    outcome->code = x->draining ? WICK_CODE_DRAINING : name_run(x, &message->invocation_id, &outcome->run);
    if (outcome->code != WICK_CODE_NONE)
        return WICK_OK;
    wick_str agent = choose_agent(x, wick_session_handle(x, session), &message->context, space);
    outcome->code = WICK_CODE_PAYLOAD_TOO_LARGE;
    if (build(x, event, agent, &invocation) != WICK_OK)
        return WICK_OK;
    wick_status status =
        start_run(x, session, &invocation, &outcome->run, message->on_disconnect, &outcome->code, now_ms);
    return status == WICK_BLOCKED ? WICK_BLOCKED : WICK_OK;
}

/* ---- agent.cancel ---------------------------------------------------------------------------------------- */

/* A run that is over may be cancelled again, as often as you like. One of another session is not known here. */
wick_status wick_on_agent_cancel(wick_experience *x, uint32_t session, const wick_event *event,
                                 wick_outcome *outcome)
{
    wick_slot_name name;
    const wick_cancel *cancel = &event->as.cancel;
    uint32_t run = WICK_NO_SLOT;
    if (wick_slot_name_set(wick_run_table(x), &name, &cancel->invocation_id) == 0)
        run = wick_table_find(wick_run_table(x), &name);
    if (run == WICK_NO_SLOT || wick_run_at(x, run)->session != wick_session_handle(x, session)) {
        outcome->code = WICK_CODE_INVOCATION_NOT_FOUND;
        return WICK_OK;
    }
    if (!wick_run_at(x, run)->active)
        return WICK_OK;
    return x->config.callbacks->on_cancel(x->config.user, &cancel->invocation_id, &cancel->reason) == WICK_BLOCKED
               ? WICK_BLOCKED
               : WICK_OK;
}

/* ---- For hosts ------------------------------------------------------------------------------------------- */

wick_status wick_experience_invoke(wick_experience *x, wick_session session, const wick_invocation *invocation,
                                   char *id, size_t *id_len, wick_code *code, uint64_t now_ms)
{
    wick_invocation copy = *invocation;
    wick_slot_name name;
    uint32_t slot = wick_session_slot_of(x, session);
    *code = WICK_CODE_SESSION_FORBIDDEN;
    if (slot == WICK_NO_SLOT)
        return WICK_E_STATE;
    *code = x->draining ? WICK_CODE_DRAINING : name_run(x, &invocation->invocation_id, &name);
    if (*code != WICK_CODE_NONE)
        return WICK_E_STATE;
    if (id)
        memcpy(id, name.text, name.len);
    if (id_len)
        *id_len = name.len;
    return start_run(x, slot, &copy, &name, WICK_DISCONNECT_NONE, code, now_ms);
}

int wick_experience_running(const wick_experience *x, wick_session session, const wick_text *invocation_id)
{
    wick_slot_name name;
    uint32_t run = WICK_NO_SLOT;
    if (wick_slot_name_set(wick_run_table(x), &name, invocation_id) == 0)
        run = wick_table_find(wick_run_table(x), &name);
    return run != WICK_NO_SLOT && wick_run_at(x, run)->active && wick_run_at(x, run)->session == session;
}
