/*
 * agent_take.c - what the server says: events of the run, answers, how things stand after a reset.
 */
#include "wick/agent.h"

#include <string.h>

#define RESET_BY_REQUEST_MS 30000 /* the same where it has to be asked for */
#define RESET_MS 2000 /* how long the server may take to say how things stand, if the session could not be resumed */

static int is_ours(const wick_event *event)
{
    return !event->head.invocation_id.data || wick_text_is(&event->head.invocation_id, agent.run, strlen(agent.run));
}

/* A server may give the run an id of its own. */
static void name_run(const wick_text *invocation_id)
{
    wick_str plain;
    char room[WICK_LIMIT_ID];
    if (!invocation_id->data || wick_text_plain(invocation_id, room, sizeof room, &plain) != WICK_OK ||
        plain.len >= sizeof agent.run)
        return;
    memcpy(agent.run, plain.data, plain.len);
    agent.run[plain.len] = '\0';
}

static int is_answer_to_message(const wick_event *event)
{
    if (!event->head.re.data)
        return agent_is_quiet() && !agent.begun;
    return wick_text_is(&event->head.re, agent.id, strlen(agent.id));
}

static void take_questions(const wick_text *payloads)
{
    wick_json_reader reader;
    wick_json_token token;
    wick_text payload;
    wick_input_request request;
    if (!payloads->data || wick_json_reader_init(&reader, NULL, payloads->data, payloads->len) != WICK_OK ||
        wick_json_next(&reader, &token) != WICK_OK)
        return;
    while (wick_json_value(&reader, &payload) == WICK_OK) {
        if (wick_payload_read(NULL, WICK_TYPE_AGENT_INPUT_REQUEST, payload.data, payload.len, &request, NULL) ==
            WICK_OK)
            ask_add(&request);
    }
}

static void take_opened(const wick_session_opened *opened)
{
    if (!agent.was_open)
        show_field("connected, session", &opened->session_id);
    else if (opened->recovered)
        show_note("connected again, nothing is lost");
    else if (agent.taken)
        agent.reset_ms = command_loop.now_ms + (agent.peer ? RESET_MS : RESET_BY_REQUEST_MS);
    agent.was_open = 1;
    take_questions(&opened->pending_inputs);
}

static void end_by_snapshot(const wick_text *run)
{
    wick_text status;
    if (wick_json_member(run, "status", 6, &status) != WICK_OK)
        return;
    if (wick_text_is(&status, "completed", 9))
        agent_finish(COMPLETED);
    else if (wick_text_is(&status, "failed", 6) || wick_text_is(&status, "cancelled", 9)) {
        show_field("the run has ended meanwhile", &status);
        agent_finish(FAILED);
    }
}

/* What was missed cannot be had event by event: this is how things stand. */
static void take_reset(const wick_session_reset *reset)
{
    wick_json_reader reader;
    wick_json_token token;
    wick_text runs = { NULL, 0, 0 }, run, id, messages, questions;
    agent.reset_ms = WICK_NEVER;
    show_field("events were missed", &reset->reason);
    if (wick_json_member(&reset->snapshot, "pending_inputs", 14, &questions) == WICK_OK)
        take_questions(&questions);
    if (wick_json_member(&reset->snapshot, "invocations", 11, &runs) != WICK_OK || !runs.data ||
        wick_json_reader_init(&reader, NULL, runs.data, runs.len) != WICK_OK ||
        wick_json_next(&reader, &token) != WICK_OK || token.type != WICK_JSON_ARRAY)
        runs.data = NULL;
    while (runs.data && wick_json_value(&reader, &run) == WICK_OK) {
        if (wick_json_member(&run, "invocation_id", 13, &id) != WICK_OK ||
            !wick_text_is(&id, agent.run, strlen(agent.run)))
            continue;
        agent.begun = agent.taken = 1;
        if (wick_json_member(&run, "messages", 8, &messages) == WICK_OK && show_texts(&messages) < 0)
            agent_unread();
        end_by_snapshot(&run);
        return;
    }
    if (agent.taken)
        agent_give_up("the server does not know the run any more");
}

static void take_error(const wick_event *event)
{
    wick_str code = { event->as.error.code.data, event->as.error.code.len };
    char label[80];
    snprintf(label, sizeof label, "error %.*s", (int)(code.len < 64 ? code.len : 64), code.data);
    show_field(label, &event->as.error.message);
    if (is_answer_to_message(event))
        agent_finish(FAILED);
}

static void take_run_event(const wick_event *event, const char *data, size_t len)
{
    if (event->type == WICK_TYPE_AGENT_STARTED && agent_is_quiet() && !agent.begun)
        name_run(&event->head.invocation_id);
    if (!is_ours(event))
        return;
    agent.begun = agent.taken = 1;
    if (show_event(event, data, len) < 0)
        agent_unread();
    if (event->type == WICK_TYPE_AGENT_INPUT_REQUEST && !agent.interrupted)
        ask_add(&event->as.input_request);
    else if (event->type == WICK_TYPE_AGENT_INPUT_RESOLVED)
        ask_resolved(&event->as.input_resolved);
    else if (event->type == WICK_TYPE_AGENT_COMPLETED)
        agent_finish(COMPLETED);
    else if (event->type == WICK_TYPE_AGENT_FAILED)
        agent_finish(FAILED);
}

static void answer_ping(const wick_event *event)
{
    char pong[WICK_PONG_MAX];
    size_t len;
    if (wick_pong_write(event, pong, sizeof pong, &len) == WICK_OK)
        (void)agent_socket_send(pong, len);
}

static void take(const wick_event *event, const char *data, size_t len)
{
    switch (event->type) {
    case WICK_TYPE_PING:
        answer_ping(event);
        break;
    case WICK_TYPE_PONG:
    case WICK_TYPE_SESSION_CLOSING:
        break;
    case WICK_TYPE_SESSION_OPENED:
        take_opened(&event->as.session_opened);
        break;
    case WICK_TYPE_ACCEPTED:
        if (!is_answer_to_message(event))
            break;
        agent.taken = 1;
        name_run(&event->as.accepted.invocation_id);
        break;
    case WICK_TYPE_SESSION_RESET:
        if (agent.json)
            show_event(event, data, len);
        take_reset(&event->as.session_reset);
        break;
    case WICK_TYPE_ERROR:
        if (agent.json)
            show_event(event, data, len);
        take_error(event);
        break;
    default:
        take_run_event(event, data, len);
    }
}

void agent_receive(const char *data, size_t len)
{
    static const wick_event_config config = {
        .size = sizeof config,
        .flags = WICK_JSON_LONE_SURROGATES,
        .by = WICK_BY_SERVER | WICK_BY_RUNTIME,
    };
    wick_event event;
    wick_event_error error;
    char sentence[160];
    wick_status status = wick_event_read(&config, data, len, &event, &error);
    if (status != WICK_OK && status != WICK_UNKNOWN_TYPE) {
        wick_text why = wick_event_error_text(&error, sentence, sizeof sentence);
        show_field("a message that is not understood", &why);
        if (status != WICK_E_PAYLOAD)
            return;
        event.type = WICK_TYPE_UNKNOWN; /* its number counts */
    }
    switch (wick_client_received(&agent.client, &event, command_loop.now_ms)) {
    case WICK_CLIENT_DELIVER:
        if (event.head.seq)
            agent.lost_ms = 0;
        if (!agent.finished)
            take(&event, data, len);
        break;
    case WICK_CLIENT_GAP:
        if (event.head.seq)
            show_note("events are missing: once more from the last one");
        break;
    default:
        break;
    }
    agent_advance();
}
