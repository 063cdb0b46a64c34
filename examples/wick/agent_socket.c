/*
 * agent_socket.c - the session over a WebSocket.
 */
#include "wick/agent.h"

#include <string.h>

static int probing; /* the attempt under way is one beside a connection that works */

static void on_open(struct peer *peer)
{
    wick_client_action action;
    wick_client_state where = wick_client_where(&agent.client);
    if (agent.finished || (where != WICK_CLIENT_CONNECTING && !(probing && where == WICK_CLIENT_CONNECTED))) {
        peer_close(peer); /* too late */
        return;
    }
    if (probing)
        show_note("a WebSocket gets through again");
    agent.peer = peer;
    agent.close_code = 0;
    if (!agent_is_quiet() && !client_subprotocol(peer).len) {
        agent_go_quiet();
        if (wick_client_next(&agent.client, command_loop.now_ms, &action) == WICK_CLIENT_CONNECT)
            wick_client_did(&agent.client, &action, command_loop.now_ms);
    }
    agent.transport = WICK_TRANSPORT_WEBSOCKET;
    probing = 0;
    agent_connected(WICK_TRANSPORT_WEBSOCKET);
    if (agent_is_quiet()) {
        show_note("connected");
        agent.was_open = 1;
    }
    agent_advance();
}

static void on_gone(struct peer *peer, wick_status why)
{
    if (peer != agent.peer)
        return;
    agent.peer = NULL;
    memset(&agent.why, 0, sizeof agent.why);
    snprintf(agent.why.text, sizeof agent.why.text, "%s", wick_status_text(why));
    agent_lost(WICK_TRANSPORT_WEBSOCKET);
}

/* Why there is no connection, for wick_client and for people. */
static wick_client_refusal refusal_of(const struct client_failure *failure)
{
    wick_client_refusal refusal = { 0, WICK_CODE_NONE, 0 };
    memset(&agent.why, 0, sizeof agent.why);
    agent.why.reached = strcmp(failure->stage, "handshake") == 0;
    snprintf(agent.why.text, sizeof agent.why.text, "%s", failure->text);
    if (!failure->response)
        return refusal;
    refusal.status = failure->response->status;
    refusal.retry_after_ms = problem_retry_after(failure->response);
    if (problem_read(failure->body, failure->body_len, &agent.why.problem))
        problem_line(&agent.why.problem, agent.why.text, sizeof agent.why.text);
    else
        snprintf(agent.why.text, sizeof agent.why.text, "the answer is %u", refusal.status);
    refusal.code = agent.why.problem.code_value;
    return refusal;
}

void agent_failed(struct loop *loop, const struct client_failure *failure, void *user)
{
    wick_client_refusal refusal = refusal_of(failure);
    int was_probe = probing;
    (void)user;
    probing = 0;
    if (refusal.code == WICK_CODE_SUBPROTOCOL_NOT_ACCEPTABLE && !agent_is_quiet() && !agent.was_open) {
        agent_go_quiet();
        agent_advance();
        return;
    }
    if (was_probe && wick_client_where(&agent.client) == WICK_CLIENT_CONNECTED) {
        wick_client_refused(&agent.client, WICK_TRANSPORT_WEBSOCKET, &refusal, loop->now_ms);
        agent_advance();
        return;
    }
    /* What makes it go on by other means is told in the line that says so. */
    if (refusal.code != WICK_CODE_UPGRADE_STRIPPED_BY_PROXY || agent.transports == 1)
        command_tell_failure(failure);
    agent_refused(WICK_TRANSPORT_WEBSOCKET, &refusal);
}

static int on_close(wick_conn *conn, void *user, unsigned code, const char *reason, size_t len)
{
    (void)conn;
    if (user != agent.peer)
        return 0;
    agent.close_code = code;
    if (len && !agent.finished) {
        wick_text text = wick_text_of(reason, len);
        show_field("closed", &text);
    }
    return 0;
}

static int on_message(wick_conn *conn, void *user, unsigned opcode, uint8_t *data, size_t len)
{
    (void)conn;
    if (user == agent.peer && opcode == WICK_TEXT)
        agent_receive((const char *)data, len);
    return 0;
}

static void on_room(struct peer *peer)
{
    (void)peer;
    agent_advance();
}

static const wick_conn_callbacks callbacks = {
    .on_output = ws_output,
    .on_memory = ws_memory,
    .on_random = ws_random,
    .on_message = on_message,
    .on_close = on_close,
};

static wick_conn_config config = { .size = sizeof config, .callbacks = &callbacks, .role = WICK_CLIENT };

static struct ws_service service = { .config = &config, .on_open = on_open, .on_gone = on_gone, .on_room = on_room };

void agent_socket_begin(void)
{
    config.kernels = wick_kernels_best();
    config.max_message = config.max_frame = max_message ? max_message : 1;
}

void agent_socket_connect(int probe)
{
    agent_socket_close(0, (wick_str){ NULL, 0 });
    probing = probe;
    client_connect(&command_loop, &agent.connect, &service, NULL);
}

void agent_socket_close(unsigned code, wick_str reason)
{
    struct peer *peer = agent.peer;
    if (!peer)
        return;
    if (code) {
        ws_close(peer, code, reason.len ? reason.data : NULL);
        return;
    }
    agent.peer = NULL;
    peer_close(peer);
}

int agent_socket_send(const void *data, size_t len)
{
    return agent.peer && wick_conn_send(&agent.peer->as.ws, WICK_TEXT, data, len) != WICK_BLOCKED ? 0 : -1;
}
