/*
 * links.c - the WebSocket at RUNTIME_PATH: who may connect, and the messages of Experiences.
 *
 * The Runtime trusts who can reach its port: nobody but Experiences is meant to. A page in a browser could reach it
 * too, through its user's machine, so whatever carries an Origin is refused.
 */
#include <stdlib.h>
#include <string.h>

#include "agent_runtime/runtime.h"
#include "lib/agent_link.h"
#include "lib/log.h"

/* runtime.status follows a change, at most this often. */
#define STATUS_MS 1000
/* Messages in a row that are not JSON, after which a link is closed. */
#define BAD_MAX 3

static struct source status_timer;
static wick_runtime_counts told; /* what the last status said */

/* ---- What links are told ----------------------------------------------------------------------------------------- */

static void set_status(wick_event *event)
{
    wick_runtime_count(runtime_server.runtime, &told);
    memset(event, 0, sizeof *event);
    event->type = WICK_TYPE_RUNTIME_STATUS;
    event->head.ts = (int64_t)(runtime_server.loop.now_ms + runtime_server.unix_offset_ms);
    event->as.runtime_status.active = told.active;
    event->as.runtime_status.capacity = told.capacity;
    event->as.runtime_status.draining = (uint8_t)told.draining;
    WICK_SET(&event->as.runtime_status, runtime_status, active);
    WICK_SET(&event->as.runtime_status, runtime_status, draining);
}

/* `cause` may be NULL. */
static void tell_error(struct link *link, const wick_event *cause, wick_code code, wick_text message)
{
    wick_event event;
    memset(&event, 0, sizeof event);
    event.type = WICK_TYPE_ERROR;
    event.head.ts = (int64_t)(runtime_server.loop.now_ms + runtime_server.unix_offset_ms);
    if (cause) {
        event.head.re = cause->head.id;
        event.head.invocation_id = cause->head.invocation_id;
    }
    event.as.error.code = agent_link_text(wick_code_name(code));
    event.as.error.message = message;
    event.as.error.retryable = (uint8_t)wick_code_retryable(code);
    if (agent_link_send(link->peer, &event) == WICK_OK)
        return;
    event.head.re.data = event.head.invocation_id.data = NULL; /* they were what was wrong */
    agent_link_send(link->peer, &event);
}

static const char *sentence_for(wick_code code)
{
    switch (code) {
    case WICK_CODE_IDENTITY_LEAK:
        return "The invocation tells who the user is.";
    case WICK_CODE_INVOCATION_CONFLICT:
        return "The invocation_id has been used; nothing runs twice.";
    case WICK_CODE_TOO_MANY_INVOCATIONS:
        return "There are too many runs at once; wait until one has ended.";
    case WICK_CODE_DRAINING:
        return "The Runtime is going down.";
    case WICK_CODE_INVOCATION_NOT_FOUND:
        return "There is no such run on this link.";
    case WICK_CODE_INPUT_NOT_FOUND:
        return "No run on this link has asked that.";
    case WICK_CODE_UNKNOWN_TYPE:
        return "The Runtime takes runtime.invokeAgent, streamAgent, cancel and input_response, and ping.";
    case WICK_CODE_INVALID_PAYLOAD:
        return "The invocation is malformed.";
    default:
        return "The message could not be handled.";
    }
}

static void refuse(struct link *link, const wick_event *cause, wick_code code)
{
    tell_error(link, cause, code, agent_link_text(sentence_for(code)));
}

/* ---- What they say ----------------------------------------------------------------------------------------------- */

/* An error about a run carries its id: lift it to where the others have it. */
static void lift_id(wick_event *event)
{
    if (event->type == WICK_TYPE_RUNTIME_INVOKE_AGENT || event->type == WICK_TYPE_RUNTIME_STREAM_AGENT) {
        wick_invocation *invocation = &event->as.invocation;
        if (!invocation->invocation_id.data)
            invocation->invocation_id = event->head.invocation_id;
        else
            event->head.invocation_id = invocation->invocation_id;
    } else if (event->type == WICK_TYPE_RUNTIME_CANCEL) {
        event->head.invocation_id = event->as.cancel.invocation_id;
    } else if (event->type == WICK_TYPE_RUNTIME_INPUT_RESPONSE) {
        event->head.invocation_id = event->as.runtime_input.invocation_id;
    }
}

static wick_status invoke(struct link *link, const wick_event *event)
{
    wick_code code;
    wick_status status = run_invoke(link, &event->as.invocation, &code);
    if (status < 0)
        refuse(link, event, code);
    else if (status == WICK_OK && loop_armed(&runtime_server.loop, &status_timer) == WICK_NEVER)
        loop_arm(&runtime_server.loop, &status_timer, runtime_server.loop.now_ms + STATUS_MS);
    return status;
}

static void hold(struct link *link, const wick_event *event)
{
    static const char on[] = AGENT_LINK_HOLD, off[] = AGENT_LINK_ROOM;
    wick_text id;
    int begins = wick_text_is(&event->head.type, on, sizeof on - 1);
    if (!begins && !wick_text_is(&event->head.type, off, sizeof off - 1))
        return;
    if (wick_json_member(&event->head.payload, "invocation_id", 13, &id) == WICK_OK && id.data)
        run_hold(link, &id, begins);
}

static void pong(struct link *link, const wick_event *ping)
{
    char out[WICK_PONG_MAX];
    size_t len;
    if (wick_pong_write(ping, out, sizeof out, &len) == WICK_OK)
        wick_conn_send(&link->peer->as.ws, WICK_TEXT, out, len);
}

static wick_status handle(struct link *link, const wick_event *event)
{
    wick_status status;
    switch (event->type) {
    case WICK_TYPE_RUNTIME_INVOKE_AGENT:
    case WICK_TYPE_RUNTIME_STREAM_AGENT:
        return invoke(link, event);
    case WICK_TYPE_RUNTIME_CANCEL:
        if (run_cancel(link, &event->as.cancel) == WICK_E_STATE)
            refuse(link, event, WICK_CODE_INVOCATION_NOT_FOUND);
        return WICK_OK;
    case WICK_TYPE_RUNTIME_INPUT_RESPONSE:
        status = run_answer(link, &event->as.runtime_input);
        if (status == WICK_E_STATE)
            refuse(link, event, WICK_CODE_INPUT_NOT_FOUND);
        return status;
    case WICK_TYPE_PING:
        pong(link, event);
        return WICK_OK;
    case WICK_TYPE_PONG:
        return WICK_OK;
    case WICK_TYPE_APPLICATION:
        hold(link, event);
        return WICK_OK;
    default:
        refuse(link, event, WICK_CODE_UNKNOWN_TYPE);
        return WICK_OK;
    }
}

static void on_bad(struct link *link, const wick_event *cause, wick_code code, wick_text message)
{
    tell_error(link, cause, code, message);
    link->bad = code == WICK_CODE_INVALID_JSON ? link->bad + 1 : 0;
    if (link->bad >= BAD_MAX)
        ws_close(link->peer, 4400, "BAD_MESSAGE: three messages in a row were not JSON");
}

static int on_message(wick_conn *conn, void *user, unsigned opcode, uint8_t *data, size_t len)
{
    struct peer *peer = user;
    struct link *link = peer->user;
    wick_event event;
    wick_event_error error;
    char space[256];
    if (!link || wick_conn_state(conn) != WICK_OPEN)
        return 0;
    if (ws_full(peer))
        return WICK_BLOCKED; /* the answer would not fit */
    if (opcode != WICK_TEXT) {
        on_bad(link, NULL, WICK_CODE_INVALID_JSON,
               WICK_TEXT("A binary message: the protocol is JSON in text messages."));
        return 0;
    }
    wick_status status = agent_link_read(data, len, WICK_BY_EXPERIENCE | WICK_BY_CLIENT, &event, &error);
    lift_id(&event);
    if (status == WICK_OK || (status == WICK_UNKNOWN_TYPE && event.type == WICK_TYPE_APPLICATION)) {
        link->bad = 0;
        return handle(link, &event) == WICK_BLOCKED ? WICK_BLOCKED : 0;
    }
    on_bad(link, &event, error.code, wick_event_error_text(&error, space, sizeof space));
    return 0;
}

/* ---- Links ------------------------------------------------------------------------------------------------------- */

/* While it drains, last events must get out, however slow the Experience is. */
static int on_output(wick_conn *conn, void *user, const wick_slice *slices, size_t count)
{
    if (!runtime_server.draining)
        return ws_output(conn, user, slices, count);
    peer_write_last(user, slices, count);
    return 0;
}

static const wick_conn_callbacks conn_callbacks = {
    .on_output = on_output,
    .on_memory = ws_memory,
    .on_message = on_message,
};

static const wick_conn_config conn_config = {
    .size = sizeof conn_config,
    .callbacks = &conn_callbacks,
    .max_frame = AGENT_LINK_MESSAGE_MAX,
    .max_message = AGENT_LINK_MESSAGE_MAX,
    .ping_interval_ms = AGENT_LINK_PING_MS,
    .pong_timeout_ms = AGENT_LINK_PONG_MS,
};

static void on_open(struct peer *peer)
{
    wick_event status;
    struct link *link = calloc(1, sizeof *link);
    peer->user = link;
    if (!link) {
        ws_close(peer, 1013, "no memory; try again later");
        return;
    }
    link->peer = peer;
    ring_init(&link->runs);
    set_status(&status);
    agent_link_send(peer, &status);
}

static void on_link_room(struct peer *peer)
{
    if (peer->user)
        runs_room(peer->user);
}

static void on_gone(struct peer *peer, wick_status why)
{
    struct link *link = peer->user;
    (void)why;
    if (!link)
        return;
    peer->user = NULL;
    runs_gone(link);
    free(link);
}

static struct ws_service links = {
    .config = &conn_config,
    .on_open = on_open,
    .on_room = on_link_room,
    .on_gone = on_gone,
};

static void send_status(struct peer *peer, void *status)
{
    if (peer_is_ws(peer) && peer->user)
        agent_link_send(peer, status); /* a link that is full gets the next one */
}

static void on_status_due(struct loop *loop, struct source *source)
{
    wick_event status;
    wick_runtime_counts counts;
    wick_runtime_count(runtime_server.runtime, &counts);
    if (counts.active != told.active) {
        set_status(&status);
        peer_each(loop, send_status, &status);
    }
    if (counts.active)
        loop_arm(loop, source, loop->now_ms + STATUS_MS);
}

static const struct source_type status_type = { .on_due = on_status_due };

void links_drain(void)
{
    wick_event status;
    set_status(&status);
    peer_each(&runtime_server.loop, send_status, &status);
}

void links_init(void)
{
    source_init(&status_timer, &status_type);
    links.service.loop = &runtime_server.loop;
}

/* ---- The handshake ----------------------------------------------------------------------------------------------- */

static const wick_http_route table[] = { { { RUNTIME_PATH, sizeof RUNTIME_PATH - 1 }, { "", 0 }, 1, 0 } };

void on_runtime_request(struct peer *peer, const struct http_request *request)
{
    static const wick_str subprotocol = { AGENT_LINK_SUBPROTOCOL, sizeof AGENT_LINK_SUBPROTOCOL - 1 };
    const wick_handshake_server_config config = { .size = sizeof config, .subprotocols = &subprotocol,
                                                  .subprotocol_count = 1, .require_subprotocol = 1,
                                                  .origin_policy = WICK_ORIGIN_LIST };
    wick_handshake shake;
    wick_http_match match;
    if (wick_http_route_find(table, 1, request->head->method, request->head->path, &match) != 200) {
        wick_handshake_refuse(&shake, WICK_REFUSE_ROUTE_NOT_FOUND);
        wick_handshake_diagnose(&shake, request->head, table, 1);
        if (!shake.cause.len)
            shake.hint = WICK_STR("An Experience connects to " RUNTIME_PATH "; pages and clients to the Experience.");
        http_upgrade(peer, request, &shake, &links, NULL);
        return;
    }
    wick_handshake_check(&config, request->head, &shake);
    if (shake.refusal == WICK_REFUSE_ORIGIN_NOT_ALLOWED) {
        shake.detail = WICK_STR("This is the Runtime: it takes nothing from pages, and this request has an Origin.");
        shake.hint = WICK_STR("Connect pages to the Experience (agent_server), and only that to the Runtime.");
    } else if (shake.http_status == 101 && shake.subprotocol.len == 0) {
        wick_handshake_refuse(&shake, WICK_REFUSE_SUBPROTOCOL_NOT_ACCEPTABLE);
    }
    if (shake.refusal == WICK_REFUSE_SUBPROTOCOL_NOT_ACCEPTABLE) {
        shake.detail = WICK_STR("This is the Runtime: it speaks nothing but " AGENT_LINK_SUBPROTOCOL ".");
        shake.hint = WICK_STR("Offer Sec-WebSocket-Protocol: " AGENT_LINK_SUBPROTOCOL);
    }
    http_upgrade(peer, request, &shake, &links, NULL);
}
