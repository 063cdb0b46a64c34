/*
 * socket.c - the WebSockets at /api/runtime/agent and under /ws: who may connect, and messages on their way to the
 * Experience and from it.
 *
 * A client that offers agent-events.v1 or agent-events.mission.v1 gets it, and opens a session itself. One that offers
 * nothing, or only a subprotocol that carries a token, is a quiet session, on /ws in the words of the mission profile.
 * Whatever else is offered is refused, because a browser would fail such a connection anyway; so is a page that offers
 * a token alone, because a browser wants one of its offers back, and the token is never given back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent_server/http_api.h"
#include "agent_server/http_mission.h"
#include "agent_server/push.h"
#include "lib/log.h"

struct socket {
    wick_link link;
    uint8_t full;
    uint8_t need_auth;
    uint8_t mission; /* it speaks the mission profile */
    struct push push;
};

static wick_link link_of(const struct peer *peer)
{
    return ((const struct socket *)peer->user)->link;
}

/* ---- Messages ---- */

int socket_deliver(struct peer *peer, const wick_outgoing *message)
{
    struct socket *socket = peer->user;
    size_t len;
    if (socket && message->type == WICK_TYPE_SESSION_OPENED)
        push_opened(&socket->push);
    if (!socket || !socket->mission)
        return (int)wick_conn_send_slices(&peer->as.ws, WICK_TEXT, message->slices, message->count);
    char *text = mission_words(message, &len);
    if (!text)
        return -1;
    int result = (int)wick_conn_send(&peer->as.ws, WICK_TEXT, text, len);
    free(text);
    return result;
}

/* Tell a client what has come of an answer to a mission. */
static wick_status tell_answered(wick_link link, const struct response *response, const struct answered *answered,
                                 uint64_t now)
{
    wick_event reply = { .type = answered->code ? WICK_TYPE_ERROR : WICK_TYPE_ACCEPTED };
    const char *name = wick_code_name(answered->code);
    reply.head.re = response->id;
    if (answered->code) {
        reply.as.error.code = wick_text_of(name, strlen(name));
        reply.as.error.message = wick_text_of(answered->sentence, answered->len);
        reply.as.error.retryable = (uint8_t)wick_code_retryable(answered->code);
    } else {
        reply.as.accepted.duplicate = (uint8_t)answered->duplicate;
    }
    return wick_experience_reply(server.experience, link, &reply, now);
}

/* A message on a socket that speaks the mission profile: only a HUMAN_RESPONSE differs, once a session is open. */
static wick_status receive_mission(wick_link link, const uint8_t *data, size_t len, uint64_t now)
{
    struct answered answered = { .code = WICK_CODE_NONE };
    struct response response = { .kind = RESPONSE_NONE };
    wick_status status = WICK_OK;
    if (wick_experience_session(server.experience, link))
        mission_response(data, len, &response);
    switch (response.kind) {
    case RESPONSE_NONE:
        status = wick_experience_receive(server.experience, link, data, len, now);
        break;
    case RESPONSE_OWN:
        status = wick_experience_receive(server.experience, link, response.message.data, response.message.len, now);
        break;
    case RESPONSE_MISSION:
        status = mission_answer(response.mission, response.message.data, response.message.len, &answered);
        if (status < 0) {
            answered.code = WICK_CODE_INPUT_NOT_FOUND;
            answered.len = (size_t)snprintf(answered.sentence, sizeof answered.sentence, "The mission has ended.");
        }
        if (status != WICK_BLOCKED)
            status = tell_answered(link, &response, &answered, now);
        break;
    case RESPONSE_WRONG:
        status = tell_answered(link, &response, &response.wrong, now);
        break;
    }
    free(response.message.data);
    return status;
}

static int on_message(wick_conn *conn, void *user, unsigned opcode, uint8_t *data, size_t len)
{
    struct peer *peer = user;
    uint64_t now = server.loop.now_ms;
    wick_status status;
    (void)conn;
    if (!peer->user || wick_conn_state(&peer->as.ws) != WICK_OPEN)
        return 0;
    if (((const struct socket *)peer->user)->full && ws_full(peer))
        return WICK_BLOCKED; /* the answer would not fit; a quiet client gets none, and cancels what it cannot read */
    if (opcode == WICK_TEXT && ((const struct socket *)peer->user)->mission)
        status = receive_mission(link_of(peer), data, len, now);
    else if (opcode == WICK_TEXT)
        status = wick_experience_receive(server.experience, link_of(peer), data, len, now);
    else
        status = wick_experience_error(server.experience, link_of(peer), WICK_CODE_INVALID_JSON,
                                       "A binary message: the protocol is JSON in text messages.", now);
    planes_arm();
    return status == WICK_BLOCKED ? WICK_BLOCKED : 0;
}

static const wick_conn_callbacks conn_callbacks = {
    .on_output = ws_output,
    .on_memory = ws_memory,
    .on_message = on_message,
};

static wick_conn_config conn_config = {
    .size = sizeof conn_config,
    .callbacks = &conn_callbacks,
    .max_frame = WICK_DEFAULT_MESSAGE_BYTES,
    .max_message = WICK_DEFAULT_MESSAGE_BYTES,
};

void socket_init(void)
{
    conn_config.ping_interval_ms = server.ping_interval_ms ? server.ping_interval_ms : WICK_NEVER;
}

/* ---- The life of a socket ---- */

static void on_open(struct peer *peer)
{
    struct socket *socket = peer->user;
    wick_link_config config = { .size = sizeof config, .full = socket->full, .need_auth = socket->need_auth,
                                .expires_ms = socket->need_auth ? 0 : access_expires() };
    server.sockets++;
    if (wick_experience_open(server.experience, peer, &config, &socket->link, server.loop.now_ms) == WICK_OK) {
        push_begin(&socket->push, peer, socket->link);
        planes_arm();
        return;
    }
    free(socket);
    peer->user = NULL;
    ws_close(peer, 1013, "RATE_LIMITED: too many sessions; try again later");
}

static void on_socket_room(struct peer *peer)
{
    if (!peer->user)
        return;
    wick_experience_room(server.experience, link_of(peer), server.loop.now_ms);
    push_room(&((struct socket *)peer->user)->push);
    planes_arm();
}

static void on_gone(struct peer *peer, wick_status why)
{
    (void)why;
    server.sockets--;
    if (!peer->user)
        return;
    push_end(&((struct socket *)peer->user)->push);
    wick_experience_detach(server.experience, link_of(peer), server.loop.now_ms);
    planes_arm();
    free(peer->user);
    peer->user = NULL;
}

static struct ws_service sockets = {
    .config = &conn_config,
    .on_open = on_open,
    .on_room = on_socket_room,
    .on_gone = on_gone,
};

/* ---- The handshake ---- */

/* Whether the client offers a subprotocol that is more than a token. */
static int offers_any(const wick_http_request *request)
{
    static const char prefix[] = "agent-events.bearer.";
    wick_http_elements offers;
    wick_str name;
    wick_handshake_offers(&offers, request);
    while (wick_handshake_offer_next(&offers, &name))
        if (name.len < sizeof prefix || memcmp(name.data, prefix, sizeof prefix - 1) != 0)
            return 1;
    return 0;
}

/* Browsers send Origin with every WebSocket, and fail one whose offers get no answer (WHATWG WebSockets section 3). */
static int is_page(const wick_http_request *request)
{
    return wick_http_find(request->headers, request->header_count, WICK_STR("origin"), NULL) > 0;
}

static void explain_subprotocol(const wick_http_request *request, wick_handshake *shake)
{
    if (offers_any(request)) {
        shake->detail = WICK_STR("This server knows none of the offered subprotocols.");
        shake->hint = WICK_STR("Offer agent-events.v1 or agent-events.mission.v1, or no Sec-WebSocket-Protocol, or "
                               "only one that carries a token.");
    } else {
        shake->detail = WICK_STR("Only a token is offered, which is never chosen: a browser would fail this.");
        shake->hint = WICK_STR("Offer a profile besides the token: new WebSocket(url, ['agent-events.v1', "
                               "'agent-events.bearer.' + token])");
    }
}

/* What the token of the request, or that there is none, means for the handshake. */
static void judge_token(const wick_http_request *request, wick_handshake *shake, struct socket *socket)
{
    enum access access = access_check(request);
    if (access == ACCESS_WRONG_TOKEN)
        wick_handshake_refuse(shake, WICK_REFUSE_AUTH_INVALID);
    else if (access == ACCESS_NO_TOKEN && !socket->full)
        wick_handshake_refuse(shake, WICK_REFUSE_AUTH_REQUIRED);
    socket->need_auth = access == ACCESS_NO_TOKEN;
}

static void refuse_more(wick_handshake *shake)
{
    wick_handshake_refuse(shake, WICK_REFUSE_RATE_LIMITED);
    shake->detail = WICK_STR("The server has as many sessions as it takes.");
    shake->hint = WICK_STR("Try again with growing pauses; agent_server --max-sessions sets the number.");
}

/*
 * A page whose WebSocket came to nothing is not told why by the browser: it asks the same path over HTTP, with
 * ?lost=websocket. If its token is wrong, that is why. Else this request has come through and the handshake has not: so
 * its upgrade was lost on the way, and how this one has come shows where.
 */
static void explain_loss(const wick_http_request *request, wick_handshake *shake)
{
    wick_str lost;
    wick_diagnosis why = { .cause = request->version == 10 ? WICK_CAUSE_HOP_STRIPPED_HTTP10 : WICK_CAUSE_HOP_STRIPPED,
                           .proxy = wick_diagnose_proxy(request) };
    const char *cause = wick_cause_name(why.cause), *proxy = wick_proxy_name(why.proxy);
    if (access_check(request) == ACCESS_WRONG_TOKEN) {
        wick_handshake_refuse(shake, WICK_REFUSE_AUTH_INVALID);
        return;
    }
    if (!planes_take(0)) {
        refuse_more(shake);
        return;
    }
    if (!wick_url_query_find(request->query, WICK_STR("lost"), &lost) || !wick_http_equal(lost, WICK_STR("websocket")))
        return;
    wick_diagnose_explain(&why);
    wick_handshake_refuse(shake, WICK_REFUSE_UPGRADE_STRIPPED_BY_PROXY);
    shake->detail = why.detail;
    shake->hint = why.hint;
    shake->cause = (wick_str){ cause, strlen(cause) };
    shake->proxy = (wick_str){ proxy, strlen(proxy) };
}

/* What a socket is to be told about has to be there. */
static void judge_push(wick_handshake *shake, struct socket *socket, enum push_kind kind, wick_str name)
{
    wick_code code = push_find(&socket->push, kind, name);
    if (code == WICK_CODE_NONE)
        return;
    wick_handshake_refuse(shake, WICK_REFUSE_ROUTE_NOT_FOUND);
    if (code == WICK_CODE_MISSION_NOT_FOUND) {
        shake->code = WICK_STR("MISSION_NOT_FOUND");
        shake->detail = WICK_STR("There is no workflow with this id.");
        shake->hint = WICK_STR("A workflow_id is the mission_id that POST /api/mission/start has answered with.");
    } else {
        shake->code = WICK_STR("AGENT_NOT_FOUND");
        shake->detail = WICK_STR("There is no agent of this name.");
        shake->hint = WICK_STR("An agent_name is the agent_id that its events carry, such as guide.content.");
    }
}

void socket_request(struct peer *peer, const struct http_request *request, enum socket_kind kind, wick_str name)
{
    static const wick_str profiles[] = { { "agent-events.v1", 15 }, { "agent-events.mission.v1", 23 } };
    wick_handshake_server_config config = { .size = sizeof config, .subprotocols = profiles,
                                            .subprotocol_count = 2 };
    wick_handshake shake;
    struct socket *socket = calloc(1, sizeof *socket);
    cors_policy(&config);
    config.require_subprotocol = offers_any(request->head) || is_page(request->head);
    wick_handshake_check(&config, request->head, &shake);
    if (shake.refusal == WICK_REFUSE_SUBPROTOCOL_NOT_ACCEPTABLE) {
        explain_subprotocol(request->head, &shake);
    } else if (shake.refusal == WICK_REFUSE_NOT_A_WEBSOCKET_REQUEST) {
        explain_loss(request->head, &shake);
    } else if (!socket) {
        wick_handshake_refuse(&shake, WICK_REFUSE_INTERNAL);
    } else if (shake.http_status == 101) {
        socket->full = shake.subprotocol.len > 0;
        socket->mission = socket->full ? shake.subprotocol.len == profiles[1].len : kind == SOCKET_MISSION;
        judge_token(request->head, &shake, socket);
        if (shake.http_status == 101 && kind >= SOCKET_WORKFLOW)
            judge_push(&shake, socket, (enum push_kind)(kind - SOCKET_WORKFLOW + PUSH_WORKFLOW), name);
        if (shake.http_status == 101 && !planes_take(!socket->full))
            refuse_more(&shake);
    }
    if (!http_upgrade(peer, request, &shake, &sockets, socket))
        free(socket);
}
