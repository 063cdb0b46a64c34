/*
 * Messages of clients: read, checked, answered. See wick/experience.h.
 *
 * Whatever is refused by a blocked reader or Runtime has left no trace: the same message is given again.
 */
#include <string.h>

#include "agent/experience_internal.h"

/* Room for an error with the longest id, path and sentence. */
#define REPLY_MAX 2048
/* Longest word of a place: a rule's is not longer, or does not match. */
#define PLACE_MAX 128

/* ---- Replies --------------------------------------------------------------------------------------------- */

static wick_status reply(wick_experience *x, wick_session_slot *s, const wick_event *event)
{
    char out[REPLY_MAX];
    wick_slice slice = { (const uint8_t *)out, 0 };
    if (wick_event_write(event, WICK_JSON_REPLACE | WICK_JSON_TRUSTED, out, sizeof out, &slice.len, NULL) != WICK_OK)
        return WICK_OK;
    return wick_session_deliver(x, s, event->type, &slice, 1);
}

/* `cause` is the message that is answered, or NULL. Its id comes back only if it is one. */
static wick_status reply_error(wick_experience *x, wick_session_slot *s, const wick_event *cause, wick_code code,
                               wick_text sentence, uint64_t now_ms)
{
    wick_event event;
    const char *name = wick_code_name(code);
    memset(&event, 0, sizeof event);
    event.type = WICK_TYPE_ERROR;
    event.head.ts = (int64_t)(now_ms + x->config.unix_offset_ms);
    if (cause && cause->head.id.len <= 64)
        event.head.re = cause->head.id;
    event.as.error.code = wick_text_from(name);
    event.as.error.message = wick_text_cut(&sentence, 512);
    event.as.error.retryable = (uint8_t)wick_code_retryable(code);
    if (code == WICK_CODE_RATE_LIMITED)
        event.as.error.retry_after_ms = 1000;
    return reply(x, s, &event);
}

static wick_text sentence_for(wick_code code)
{
    switch (code) {
    case WICK_CODE_UNKNOWN_TYPE:
        return WICK_TEXT("type: not without a negotiated subprotocol");
    case WICK_CODE_INVOCATION_NOT_FOUND:
        return WICK_TEXT("There is no such run in this session.");
    case WICK_CODE_INVOCATION_CONFLICT:
        return WICK_TEXT("payload.invocation_id: the id has been used; choose another, or none");
    case WICK_CODE_TOO_MANY_INVOCATIONS:
        return WICK_TEXT("There are too many runs at once; wait until one has ended.");
    case WICK_CODE_INPUT_NOT_FOUND:
        return WICK_TEXT("payload.request_id: nothing was asked under this id in this session");
    case WICK_CODE_INPUT_ALREADY_RESOLVED:
        return WICK_TEXT("payload.request_id: the question has been settled with another answer");
    case WICK_CODE_INPUT_EXPIRED:
        return WICK_TEXT("payload.request_id: the time to answer is over");
    case WICK_CODE_RATE_LIMITED:
        return WICK_TEXT("At most 10 pings a second are answered.");
    case WICK_CODE_PAYLOAD_TOO_LARGE:
        return WICK_TEXT("The message is too large to be handed on.");
    case WICK_CODE_DRAINING:
        return WICK_TEXT("The server is going down; connect again in a moment.");
    case WICK_CODE_RUNTIME_UNAVAILABLE:
        return WICK_TEXT("The agent runtime cannot be reached.");
    case WICK_CODE_IDENTITY_LEAK:
        return WICK_TEXT("The invocation tells who the user is.");
    default:
        return WICK_TEXT("The message could not be handled.");
    }
}

static wick_status refuse(wick_experience *x, wick_session_slot *s, const wick_event *cause, wick_code code,
                          uint64_t now_ms)
{
    return reply_error(x, s, cause, code, sentence_for(code), now_ms);
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

/* Build the invocation: agent, input and return channel. Nothing of the message gets in but what is named here. */
static wick_status build(wick_experience *x, uint32_t session, const wick_event *event, wick_str agent, char *channel,
                         wick_invocation *invocation)
{
    static const char scheme[] = "ws://client/";
    const wick_session_slot *s = wick_session_at(x, session);
    const wick_agent_message *message = &event->as.agent_message;
    char *input = wick_input_buffer(x);
    size_t len = 0;
    memset(invocation, 0, sizeof *invocation);
    if (wick_input_write(&message->text, &message->context, WICK_JSON_REPLACE | WICK_JSON_TRUSTED, input,
                         wick_experience_buffer(x), &len) != WICK_OK)
        return WICK_E_SPACE;
    memcpy(channel, scheme, sizeof scheme - 1);
    memcpy(channel + sizeof scheme - 1, s->id, sizeof s->id);
    invocation->agent_id = wick_text_of(agent.data, agent.len);
    invocation->input = wick_text_of(input, len);
    invocation->input.form = WICK_TEXT_JSON;
    invocation->return_channel = wick_text_of(channel, sizeof scheme - 1 + sizeof s->id);
    invocation->session_id = wick_text_of(s->id, sizeof s->id);
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

static wick_status invoke(wick_experience *x, uint32_t session, const wick_event *event, const wick_slot_name *name,
                          wick_code *code)
{
    char space[3 * PLACE_MAX];
    char channel[64];
    const wick_agent_message *message = &event->as.agent_message;
    wick_invocation invocation;
    wick_str agent = choose_agent(x, wick_session_handle(x, session), &message->context, space);
    *code = WICK_CODE_PAYLOAD_TOO_LARGE;
    if (build(x, session, event, agent, channel, &invocation) != WICK_OK)
        return WICK_OK;
    *code = WICK_CODE_TOO_MANY_INVOCATIONS;
    uint32_t run = wick_run_begin(x, session, name, message->on_disconnect);
    if (run == WICK_NO_SLOT)
        return WICK_OK;
    invocation.invocation_id = wick_slot_name_text(name);
    *code = WICK_CODE_INTERNAL;
    wick_status status = x->config.callbacks->on_invoke(x->config.user, &invocation, code);
    if (status == WICK_OK)
        *code = WICK_CODE_NONE;
    else
        wick_run_end(x, run, 1);
    return status == WICK_BLOCKED ? status : WICK_OK;
}

static wick_status on_agent_message(wick_experience *x, uint32_t session, const wick_event *event, uint64_t now_ms)
{
    wick_session_slot *s = wick_session_at(x, session);
    wick_slot_name name;
    wick_code code = name_run(x, &event->as.agent_message.invocation_id, &name);
    if (code == WICK_CODE_NONE && s->run_count >= x->config.session_invocations)
        code = WICK_CODE_TOO_MANY_INVOCATIONS;
    if (code == WICK_CODE_NONE && invoke(x, session, event, &name, &code) == WICK_BLOCKED)
        return WICK_BLOCKED;
    return code == WICK_CODE_NONE ? WICK_OK : refuse(x, s, event, code, now_ms);
}

/* ---- The other messages ---------------------------------------------------------------------------------- */

/* A run that is over may be cancelled again, as often as you like. One of another session is not known here. */
static wick_status on_agent_cancel(wick_experience *x, uint32_t session, const wick_event *event, uint64_t now_ms)
{
    wick_slot_name name;
    const wick_cancel *cancel = &event->as.cancel;
    uint32_t run = WICK_NO_SLOT;
    if (wick_slot_name_set(wick_run_table(x), &name, &cancel->invocation_id) == 0)
        run = wick_table_find(wick_run_table(x), &name);
    if (run == WICK_NO_SLOT || wick_run_at(x, run)->session != wick_session_handle(x, session))
        return refuse(x, wick_session_at(x, session), event, WICK_CODE_INVOCATION_NOT_FOUND, now_ms);
    if (!wick_run_at(x, run)->active)
        return WICK_OK;
    return x->config.callbacks->on_cancel(x->config.user, &cancel->invocation_id, &cancel->reason) == WICK_BLOCKED
               ? WICK_BLOCKED
               : WICK_OK;
}

static wick_status on_input_response(wick_experience *x, uint32_t session, const wick_event *event, uint64_t now_ms)
{
    wick_code code;
    if (wick_question_answer(x, wick_session_handle(x, session), event, &code, now_ms) == WICK_BLOCKED)
        return WICK_BLOCKED;
    return code == WICK_CODE_NONE ? WICK_OK : refuse(x, wick_session_at(x, session), event, code, now_ms);
}

/*
 * Pings are paid for at WICK_PING_RATE a second, and up to WICK_PING_BURST may be owed: ping_ms is the time at which
 * all of them are paid.
 */
static wick_status on_ping(wick_experience *x, uint32_t session, const wick_event *event, uint64_t now_ms)
{
    wick_session_slot *s = wick_session_at(x, session);
    const uint64_t price = 1000 / WICK_PING_RATE;
    uint64_t paid = s->ping_ms > now_ms ? s->ping_ms : now_ms;
    char out[WICK_PONG_MAX];
    wick_slice slice = { (const uint8_t *)out, 0 };
    if (paid - now_ms > price * (WICK_PING_BURST - 1))
        return refuse(x, s, event, WICK_CODE_RATE_LIMITED, now_ms);
    if (wick_pong_write(event, out, sizeof out, &slice.len) != WICK_OK)
        return WICK_OK;
    wick_status status = wick_session_deliver(x, s, WICK_TYPE_PONG, &slice, 1);
    if (status == WICK_OK)
        s->ping_ms = paid + price;
    return status;
}

/* ---- What comes in --------------------------------------------------------------------------------------- */

/* Answer a message that is wrong, and count those in a row that are not even JSON. */
static wick_status on_bad(wick_experience *x, wick_session_slot *s, const wick_event *event, wick_code code,
                          wick_text sentence, uint64_t now_ms)
{
    wick_status status = reply_error(x, s, event, code, sentence, now_ms);
    if (status != WICK_OK)
        return status;
    s->bad = code == WICK_CODE_INVALID_JSON ? (uint8_t)(s->bad + 1) : 0;
    if (s->bad >= WICK_BAD_MESSAGES_MAX && x->config.callbacks->on_close)
        x->config.callbacks->on_close(x->config.user, s->reader, 4400,
                                      "BAD_MESSAGE: three messages in a row were not JSON");
    return WICK_OK;
}

static wick_status handle(wick_experience *x, uint32_t session, const wick_event *event, uint64_t now_ms)
{
    switch (event->type) {
    case WICK_TYPE_AGENT_MESSAGE:
        return on_agent_message(x, session, event, now_ms);
    case WICK_TYPE_AGENT_CANCEL:
        return on_agent_cancel(x, session, event, now_ms);
    case WICK_TYPE_AGENT_INPUT_RESPONSE:
        return on_input_response(x, session, event, now_ms);
    case WICK_TYPE_PING:
        return on_ping(x, session, event, now_ms);
    case WICK_TYPE_SESSION_OPEN:
    case WICK_TYPE_SESSION_UPDATE:
    case WICK_TYPE_SESSION_CLOSE:
    case WICK_TYPE_ACK:
        return refuse(x, wick_session_at(x, session), event, WICK_CODE_UNKNOWN_TYPE, now_ms);
    default: /* pong, and the application's own types, which mean nothing here */
        return WICK_OK;
    }
}

wick_status wick_experience_receive(wick_experience *x, wick_session session, const void *data, size_t len,
                                    uint64_t now_ms)
{
    wick_event_config config;
    wick_event event;
    wick_event_error error;
    char space[256];
    uint32_t slot = wick_session_slot_of(x, session);
    if (slot == WICK_NO_SLOT || !wick_session_at(x, slot)->reader)
        return WICK_E_STATE;
    memset(&config, 0, sizeof config);
    config.size = sizeof config;
    config.flags = WICK_JSON_UTF8_KNOWN | WICK_JSON_LONE_SURROGATES;
    config.by = WICK_BY_CLIENT;
    config.kernels = x->config.kernels;
    wick_status status = wick_event_read(&config, data, len, &event, &error);
    if (status == WICK_OK || event.type == WICK_TYPE_APPLICATION) {
        wick_session_at(x, slot)->bad = 0;
        return handle(x, slot, &event, now_ms);
    }
    return on_bad(x, wick_session_at(x, slot), &event, error.code, wick_event_error_text(&error, space, sizeof space),
                  now_ms);
}

wick_status wick_experience_error(wick_experience *x, wick_session session, wick_code code, const char *message,
                                  uint64_t now_ms)
{
    uint32_t slot = wick_session_slot_of(x, session);
    if (slot == WICK_NO_SLOT || !wick_session_at(x, slot)->reader)
        return WICK_E_STATE;
    return on_bad(x, wick_session_at(x, slot), NULL, code, wick_text_from(message), now_ms);
}
