/*
 * Messages of clients: read, checked, answered. See wick/experience.h.
 *
 * A request is handled with its link corked, so that the answer goes before the events that it has caused. Whatever is
 * refused by a blocked reader or Runtime has left no trace: the same message is given again.
 */
#include <string.h>

#include "agent/experience_internal.h"

/* Room for an error with the longest id, path and sentence. */
#define REPLY_MAX 2048
/* Room for a sentence that is put together, or a result, with the longest room in it. */
#define SENTENCE_MAX 256
#define TYPE_MAX 64

/* ---- Answers --------------------------------------------------------------------------------------------- */

static int64_t reply_time(const wick_experience *x, uint64_t now_ms)
{
    return (int64_t)(now_ms + x->config.unix_offset_ms);
}

static wick_status send_reply(wick_experience *x, uint32_t link, const wick_event *event)
{
    char out[REPLY_MAX];
    wick_slice slice = { (const uint8_t *)out, 0 };
    if (wick_event_write(event, WICK_JSON_REPLACE | WICK_JSON_TRUSTED, out, sizeof out, &slice.len, NULL) != WICK_OK)
        return WICK_OK;
    return wick_link_deliver(x, link, event->type, &slice, 1, NULL);
}

/* The id of the message that is answered comes back only if it is one. */
static void begin_reply(wick_event *reply, wick_type type, const wick_event *cause)
{
    memset(reply, 0, sizeof *reply);
    reply->type = type;
    if (cause && cause->head.id.len <= 64)
        reply->head.re = cause->head.id;
}

static void make_error(const wick_experience *x, wick_event *reply, const wick_event *cause, wick_code code,
                       wick_text sentence, uint64_t now_ms)
{
    const char *name = wick_code_name(code);
    begin_reply(reply, WICK_TYPE_ERROR, cause);
    reply->head.ts = reply_time(x, now_ms);
    reply->as.error.code = wick_text_from(name);
    reply->as.error.message = wick_text_cut(&sentence, 512);
    reply->as.error.retryable = (uint8_t)wick_code_retryable(code);
    if (code == WICK_CODE_RATE_LIMITED)
        reply->as.error.retry_after_ms = 1000;
}

wick_status wick_link_error(wick_experience *x, uint32_t link, const wick_event *cause, wick_code code,
                            wick_text sentence, uint64_t now_ms)
{
    wick_event reply;
    make_error(x, &reply, cause, code, sentence, now_ms);
    return send_reply(x, link, &reply);
}

wick_text wick_sentence_for(wick_code code)
{
    switch (code) {
    case WICK_CODE_UNKNOWN_TYPE:
        return WICK_TEXT("type: not a request here");
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
    case WICK_CODE_ROOM_NOT_FOUND:
        return WICK_TEXT("payload.room: the session is not in this room");
    case WICK_CODE_PERMISSION_DENIED:
        return WICK_TEXT("This is not allowed to you.");
    case WICK_CODE_RATE_LIMITED:
        return WICK_TEXT("Too much at once; slow down.");
    case WICK_CODE_PAYLOAD_TOO_LARGE:
        return WICK_TEXT("The message is too large to be handed on.");
    case WICK_CODE_AUTH_REQUIRED:
        return WICK_TEXT("payload.auth: a token is needed");
    case WICK_CODE_AUTH_INVALID:
        return WICK_TEXT("payload.auth.token: the token is not valid");
    case WICK_CODE_AUTH_EXPIRED:
        return WICK_TEXT("payload.auth.token: the token has expired");
    case WICK_CODE_SESSION_FORBIDDEN:
        return WICK_TEXT("payload.session_id: not your session, or resume_token is not its token");
    case WICK_CODE_DRAINING:
        return WICK_TEXT("The server is going down; connect again in a moment.");
    case WICK_CODE_RUNTIME_UNAVAILABLE:
        return WICK_TEXT("The agent runtime cannot be reached.");
    case WICK_CODE_INVALID_PAYLOAD:
        return WICK_TEXT("payload: not acceptable here");
    case WICK_CODE_IDENTITY_LEAK:
        return WICK_TEXT("The invocation tells who the user is.");
    default:
        return WICK_TEXT("The message could not be handled.");
    }
}

/* Name the type that is not known here: at most 64 characters that need no escaping, or it would not be a type. */
static wick_text unknown_sentence(const wick_event *event, char *space)
{
    static const char before[] = "type: \"", behind[] = "\" is not a request here";
    wick_str type = { "", 0 };
    char *out = space + sizeof before - 1;
    if (!event->head.type.data || wick_text_plain(&event->head.type, out, TYPE_MAX, &type) != WICK_OK ||
        type.len > TYPE_MAX)
        return wick_sentence_for(WICK_CODE_UNKNOWN_TYPE);
    memmove(out, type.data, type.len);
    memcpy(space, before, sizeof before - 1);
    memcpy(out + type.len, behind, sizeof behind - 1);
    return wick_text_of(space, sizeof before - 1 + type.len + sizeof behind - 1);
}

static wick_status refuse(wick_experience *x, uint32_t link, const wick_event *cause, wick_code code, uint64_t now_ms)
{
    return wick_link_error(x, link, cause, code, wick_sentence_for(code), now_ms);
}

/* ---- Requests -------------------------------------------------------------------------------------------- */

static wick_status handle_request(wick_experience *x, const wick_asker *asker, const wick_event *event,
                                  wick_outcome *outcome, uint64_t now_ms)
{
    switch (event->type) {
    case WICK_TYPE_AGENT_MESSAGE:
        return wick_on_agent_message(x, asker->session, event, outcome, now_ms);
    case WICK_TYPE_AGENT_CANCEL:
        return wick_on_agent_cancel(x, asker->session, event, outcome);
    case WICK_TYPE_AGENT_INPUT_RESPONSE:
        return wick_question_answer(x, wick_session_handle(x, asker->session), event, outcome, now_ms);
    case WICK_TYPE_SESSION_UPDATE:
        if (asker->link != WICK_NO_SLOT && wick_link_at(x, asker->link)->state == WICK_LINK_FULL) {
            wick_on_session_update(x, asker->link, event, outcome);
            return WICK_OK;
        }
        break;
    case WICK_TYPE_ROOM_JOIN:
    case WICK_TYPE_ROOM_LEAVE:
    case WICK_TYPE_ROOM_PUBLISH:
        if (!wick_session_at(x, asker->session)->quiet) {
            wick_on_room(x, asker->session, event, outcome, now_ms);
            return WICK_OK;
        }
        break;
    case WICK_TYPE_SESSION_CLOSE:
        if (!wick_session_at(x, asker->session)->quiet)
            return WICK_OK; /* closed once it has been answered */
        break;
    case WICK_TYPE_APPLICATION:
        if (x->config.callbacks->on_application)
            outcome->code = x->config.callbacks->on_application(x->config.user,
                                                                wick_session_handle(x, asker->session), event);
        return WICK_OK;
    case WICK_TYPE_ACK:
        return WICK_OK; /* posted: views are not acknowledged */
    default:
        break;
    }
    outcome->code = WICK_CODE_UNKNOWN_TYPE;
    return WICK_OK;
}

/* Answer a request. A quiet link hears of errors only, and nobody of what had no id. */
static wick_status answer_request(wick_experience *x, const wick_asker *asker, const wick_event *event,
                          const wick_outcome *outcome, uint64_t now_ms)
{
    wick_event reply;
    char space[SENTENCE_MAX];
    if (outcome->code != WICK_CODE_NONE) {
        wick_text sentence = outcome->sentence;
        if (!sentence.data)
            sentence = outcome->code == WICK_CODE_UNKNOWN_TYPE ? unknown_sentence(event, space)
                                                               : wick_sentence_for(outcome->code);
        make_error(x, &reply, event, outcome->code, sentence, now_ms);
    } else {
        begin_reply(&reply, WICK_TYPE_ACCEPTED, event);
        reply.as.accepted.duplicate = outcome->duplicate;
        if (outcome->run.len)
            reply.as.accepted.invocation_id = wick_slot_name_text(&outcome->run);
    }
    if (asker->on_reply) {
        if (reply.type == WICK_TYPE_ACCEPTED)
            reply.as.accepted.result = wick_room_result(x, event, space, sizeof space);
        asker->on_reply(asker->user, &reply);
        return WICK_OK;
    }
    if (outcome->code == WICK_CODE_NONE &&
        (!reply.head.re.data || wick_link_at(x, asker->link)->state == WICK_LINK_QUIET))
        return WICK_OK;
    return send_reply(x, asker->link, &reply);
}

/* A message that has been accepted before does nothing. Returns whether it is one. */
static int is_repeat(const wick_experience *x, const wick_asker *asker, const wick_event *event, wick_outcome *outcome,
                     uint64_t now_ms)
{
    const wick_remembered *before = wick_remember_find(x, asker->session, &event->head.id, now_ms);
    if (!before)
        return 0;
    outcome->duplicate = 1;
    outcome->run.len = before->run_len;
    memcpy(outcome->run.text, before->run, before->run_len);
    return 1;
}

/* The link of an answer that could not be given. The client comes again, and with the same id it is a duplicate. */
static void settle_answer(wick_experience *x, const wick_asker *asker, wick_session session, wick_status status,
                          const wick_event *event, uint64_t now_ms)
{
    if (event->type == WICK_TYPE_SESSION_CLOSE) {
        wick_experience_end(x, session, 1000, "the session has been closed", now_ms);
        return;
    }
    if (asker->link == WICK_NO_SLOT)
        return;
    wick_link_at(x, asker->link)->corked = 0;
    if (status == WICK_BLOCKED)
        wick_link_close(x, asker->link, 4509, "SLOW_CONSUMER: no room for an answer", now_ms);
    else
        wick_link_pump(x, asker->link, now_ms);
}

static wick_status on_request(wick_experience *x, const wick_asker *asker, const wick_event *event, uint64_t now_ms)
{
    wick_session session = wick_session_handle(x, asker->session);
    wick_link_slot *l = asker->link == WICK_NO_SLOT ? NULL : wick_link_at(x, asker->link);
    int quiet = wick_session_at(x, asker->session)->quiet;
    wick_outcome outcome;
    memset(&outcome, 0, sizeof outcome);
    if (l && !quiet)
        l->corked = 1;
    if (quiet || !is_repeat(x, asker, event, &outcome, now_ms)) {
        if (handle_request(x, asker, event, &outcome, now_ms) == WICK_BLOCKED) {
            if (l)
                l->corked = 0;
            return WICK_BLOCKED;
        }
        if (!quiet && outcome.code == WICK_CODE_NONE && wick_session_slot_of(x, session) != WICK_NO_SLOT)
            wick_remember(x, asker->session, &event->head.id, &outcome.run, now_ms);
    }
    wick_status status = answer_request(x, asker, event, &outcome, now_ms);
    if (quiet)
        return outcome.code == WICK_CODE_NONE ? WICK_OK : status;
    if (status == WICK_BLOCKED && outcome.code != WICK_CODE_NONE) {
        l->corked = 0;
        return status; /* nothing has happened */
    }
    if (outcome.code != WICK_CODE_NONE && event->type == WICK_TYPE_SESSION_CLOSE)
        return WICK_OK;
    if (outcome.code == WICK_CODE_NONE && status == WICK_OK)
        wick_room_answered(x, asker, event, &outcome, now_ms);
    settle_answer(x, asker, session, status, event, now_ms);
    return WICK_OK;
}

/* ---- What is no request ---------------------------------------------------------------------------------- */

/*
 * Pings are paid for at WICK_PING_RATE a second, and up to WICK_PING_BURST may be owed: ping_ms is the time at which
 * all of them are paid.
 */
static wick_status on_ping(wick_experience *x, uint32_t link, const wick_event *event, uint64_t now_ms)
{
    wick_link_slot *l = wick_link_at(x, link);
    const uint64_t price = 1000 / WICK_PING_RATE;
    uint64_t paid = l->ping_ms > now_ms ? l->ping_ms : now_ms;
    char out[WICK_PONG_MAX];
    wick_slice slice = { (const uint8_t *)out, 0 };
    if (paid - now_ms > price * (WICK_PING_BURST - 1))
        return refuse(x, link, event, WICK_CODE_RATE_LIMITED, now_ms);
    if (wick_pong_write(event, out, sizeof out, &slice.len) != WICK_OK)
        return WICK_OK;
    wick_status status = wick_link_deliver(x, link, WICK_TYPE_PONG, &slice, 1, NULL);
    if (status == WICK_OK)
        l->ping_ms = paid + price;
    return status;
}

static wick_status on_ack(wick_experience *x, uint32_t link, const wick_event *event, uint64_t now_ms)
{
    wick_link_slot *l = wick_link_at(x, link);
    if (l->state != WICK_LINK_FULL)
        return WICK_OK; /* a quiet session needs none, and takes any */
    if (wick_reader_ack(&l->at, (uint64_t)event->as.ack.seq) == WICK_OK)
        return WICK_OK;
    return wick_link_error(x, link, event, WICK_CODE_INVALID_PAYLOAD,
                           WICK_TEXT("payload.seq: beyond what has been sent"), now_ms);
}

static wick_status on_open(wick_experience *x, uint32_t link, const wick_event *event, uint64_t now_ms)
{
    switch (wick_link_at(x, link)->state) {
    case WICK_LINK_OPENING:
        return wick_on_session_open(x, link, event, now_ms);
    case WICK_LINK_FULL:
        wick_link_close(x, link, 4429, "TOO_MANY_OPENS: the session is open already", now_ms);
        return WICK_OK;
    default:
        return wick_link_error(x, link, event, WICK_CODE_UNKNOWN_TYPE,
                               WICK_TEXT("session.open: no profile has been negotiated; offer agent-events.v1 in "
                                         "Sec-WebSocket-Protocol, or go on without it"), now_ms);
    }
}

static wick_status handle(wick_experience *x, uint32_t link, const wick_event *event, uint64_t now_ms)
{
    const wick_asker asker = { link, wick_link_at(x, link)->session, NULL, NULL };
    switch (event->type) {
    case WICK_TYPE_PING:
        return on_ping(x, link, event, now_ms);
    case WICK_TYPE_ACK:
        return on_ack(x, link, event, now_ms);
    case WICK_TYPE_SESSION_OPEN:
        return on_open(x, link, event, now_ms);
    case WICK_TYPE_PONG:
        return WICK_OK;
    default:
        return on_request(x, &asker, event, now_ms);
    }
}

/* ---- What comes in --------------------------------------------------------------------------------------- */

/* Answer a message that is wrong, and count those in a row that are not even JSON. */
static wick_status on_bad(wick_experience *x, uint32_t link, const wick_event *event, wick_code code,
                          wick_text sentence, uint64_t now_ms)
{
    wick_link_slot *l = wick_link_at(x, link);
    wick_status status = wick_link_error(x, link, event, code, sentence, now_ms);
    if (status != WICK_OK)
        return status;
    l->bad = code == WICK_CODE_INVALID_JSON ? (uint8_t)(l->bad + 1) : 0;
    if (l->bad >= WICK_BAD_MESSAGES_MAX)
        wick_link_close(x, link, 4400, "BAD_MESSAGE: three messages in a row were not JSON", now_ms);
    return WICK_OK;
}

static wick_status read_message(const wick_experience *x, const void *data, size_t len, wick_event *event,
                                wick_event_error *error)
{
    wick_event_config config;
    memset(&config, 0, sizeof config);
    config.size = sizeof config;
    config.flags = WICK_JSON_UTF8_KNOWN | WICK_JSON_LONE_SURROGATES;
    config.by = WICK_BY_CLIENT;
    config.kernels = x->config.kernels;
    return wick_event_read(&config, data, len, event, error);
}

static wick_text error_sentence(const wick_event *event, const wick_event_error *error, char *space)
{
    return error->code == WICK_CODE_UNKNOWN_TYPE ? unknown_sentence(event, space)
                                                 : wick_event_error_text(error, space, SENTENCE_MAX);
}

/* The token has ended, and the tick that closes the link is still to come. */
static wick_status on_expired(wick_experience *x, uint32_t link, const wick_event *event, uint64_t now_ms)
{
    if (refuse(x, link, event, WICK_CODE_AUTH_EXPIRED, now_ms) == WICK_BLOCKED)
        return WICK_BLOCKED;
    wick_link_close(x, link, 4501, WICK_TOKEN_EXPIRED, now_ms);
    return WICK_OK;
}

/* The link of a client that may speak, or WICK_NO_SLOT. */
static uint32_t speaking(const wick_experience *x, wick_link link)
{
    uint32_t slot = wick_link_slot_of(x, link);
    if (slot == WICK_NO_SLOT)
        return slot;
    uint8_t state = wick_link_at(x, slot)->state;
    return state == WICK_LINK_VIEW || state == WICK_LINK_CLOSED ? WICK_NO_SLOT : slot;
}

wick_status wick_experience_receive(wick_experience *x, wick_link link, const void *data, size_t len, uint64_t now_ms)
{
    wick_event event;
    wick_event_error error;
    char space[SENTENCE_MAX];
    uint32_t slot = speaking(x, link);
    if (slot == WICK_NO_SLOT)
        return WICK_E_STATE;
    wick_link_slot *l = wick_link_at(x, slot);
    if (l->full && l->state != WICK_LINK_QUIET)
        return WICK_BLOCKED;
    wick_status status = read_message(x, data, len, &event, &error);
    if (l->state == WICK_LINK_OPENING && event.type != WICK_TYPE_SESSION_OPEN && event.type != WICK_TYPE_PING) {
        wick_link_close(x, slot, 4401, "UNAUTHORIZED: session.open must come first", now_ms);
        return WICK_OK;
    }
    if (l->expires_ms && l->expires_ms <= now_ms)
        return on_expired(x, slot, &event, now_ms);
    if (status == WICK_OK || (status == WICK_UNKNOWN_TYPE && event.type == WICK_TYPE_APPLICATION)) {
        l->bad = 0;
        return handle(x, slot, &event, now_ms);
    }
    return on_bad(x, slot, &event, error.code, error_sentence(&event, &error, space), now_ms);
}

wick_status wick_experience_error(wick_experience *x, wick_link link, wick_code code, const char *message,
                                  uint64_t now_ms)
{
    uint32_t slot = speaking(x, link);
    if (slot == WICK_NO_SLOT)
        return WICK_E_STATE;
    if (wick_link_at(x, slot)->state == WICK_LINK_OPENING) {
        wick_link_close(x, slot, 4401, "UNAUTHORIZED: session.open must come first", now_ms);
        return WICK_OK;
    }
    return on_bad(x, slot, NULL, code, wick_text_from(message), now_ms);
}

wick_status wick_experience_reply(wick_experience *x, wick_link link, const wick_event *reply, uint64_t now_ms)
{
    uint32_t slot = speaking(x, link);
    wick_event copy = *reply;
    if (slot == WICK_NO_SLOT || wick_link_at(x, slot)->state == WICK_LINK_OPENING)
        return WICK_E_STATE;
    if (reply->type == WICK_TYPE_ACCEPTED &&
        (!reply->head.re.data || wick_link_at(x, slot)->state == WICK_LINK_QUIET))
        return WICK_OK;
    if (reply->type == WICK_TYPE_ERROR && !copy.head.ts)
        copy.head.ts = reply_time(x, now_ms);
    return send_reply(x, slot, &copy);
}

wick_status wick_experience_post(wick_experience *x, wick_session session, const void *data, size_t len,
                                 void (*on_reply)(void *user, const wick_event *reply), void *reply_user,
                                 uint64_t now_ms)
{
    const wick_asker asker = { WICK_NO_SLOT, wick_session_slot_of(x, session), on_reply, reply_user };
    wick_event event, reply;
    wick_event_error error;
    char space[SENTENCE_MAX];
    if (asker.session == WICK_NO_SLOT)
        return WICK_E_STATE;
    wick_status status = read_message(x, data, len, &event, &error);
    if (status == WICK_OK || (status == WICK_UNKNOWN_TYPE && event.type == WICK_TYPE_APPLICATION))
        return on_request(x, &asker, &event, now_ms);
    make_error(x, &reply, &event, error.code ? error.code : WICK_CODE_UNKNOWN_TYPE,
               error_sentence(&event, &error, space), now_ms);
    on_reply(reply_user, &reply);
    return WICK_OK;
}
