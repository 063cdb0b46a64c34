/*
 * What the client has to do next, from its state and the time; and that it has been done.
 */
#include "agent/client_internal.h"

#define ITEM_ACK 1u
#define ITEM_MESSAGE 2u
#define ITEM_OLD 3u
#define ITEM_PROBE 4u

static uint32_t patience(const wick_client *client)
{
    return wick_client_or(client->config->connect_ms, WICK_DEFAULT_CLIENT_CONNECT_MS);
}

static uint64_t ack_due(const wick_client *client)
{
    if (client->state != WICK_CLIENT_CONNECTED || !wick_client_speaks(client) || client->last <= client->acked)
        return WICK_NEVER;
    if (client->last - client->acked >= wick_client_or(client->config->ack_events, WICK_DEFAULT_CLIENT_ACK_EVENTS))
        return client->unacked_ms;
    return client->unacked_ms + wick_client_or(client->config->ack_ms, WICK_DEFAULT_CLIENT_ACK_MS);
}

/* When what was asked of the server must have been answered, or the stream must have given something. */
static uint64_t silence_due(const wick_client *client)
{
    uint64_t due = WICK_NEVER;
    if (client->transport == WICK_TRANSPORT_SSE)
        due = client->heard_ms + wick_client_or(client->config->silence_ms, WICK_DEFAULT_CLIENT_SILENCE_MS);
    if (client->polling && client->poll_ms < due)
        due = client->poll_ms;
    if (client->posting && client->post_ms < due)
        due = client->post_ms;
    return due;
}

static int may_probe(const wick_client *client)
{
    return client->state == WICK_CLIENT_CONNECTED && client->transport != WICK_TRANSPORT_WEBSOCKET
        && wick_client_may_use(client->config, WICK_TRANSPORT_WEBSOCKET);
}

/* What time alone brings about. */
static void pass_time(wick_client *client, uint64_t now_ms)
{
    if (client->probing == 2 && now_ms >= client->probe_ms) {
        client->drop = 1;
        wick_client_end_probe(client, now_ms);
    }
    if (may_probe(client) && client->probing == 0 && now_ms >= client->probe_ms)
        client->probing = 1;
    if (client->state == WICK_CLIENT_CLOSING && client->begun && now_ms >= client->due_ms)
        wick_client_gone(client, 0, now_ms);
    if (client->state == WICK_CLIENT_WAITING && now_ms >= client->due_ms)
        wick_client_set(client, wick_client_asks(client) && (!client->session_len || client->reopen)
                                    ? WICK_CLIENT_OPENING : WICK_CLIENT_CONNECTING);
    /* Too slow. The state stays, so that it counts as a failed attempt once the close is done. */
    if ((client->state == WICK_CLIENT_CONNECTING || client->state == WICK_CLIENT_OPENING) && client->begun
        && now_ms >= client->due_ms)
        client->begun = 2;
    if (client->state == WICK_CLIENT_CONNECTED && now_ms >= silence_due(client))
        client->begun = 2;
}

static wick_client_kind say_close(wick_client_action *action, unsigned transport, unsigned code)
{
    action->kind = WICK_CLIENT_CLOSE;
    action->transport = (wick_transport)transport;
    action->code = (uint16_t)code;
    if (code == 4510)
        action->reason = WICK_STR("STATE_LOST: events are missing");
    return WICK_CLIENT_CLOSE;
}

/*
 * What a request goes with. While a session.reset is on its way the cursor is none of the stream's: session.open says
 * so with epoch 0; a request asks for what lies beyond the head, which has to be answered by session.reset.
 */
static void say_session(const wick_client *client, wick_client_action *action)
{
    if (!client->session_len)
        return;
    action->session_id.data = client->session;
    action->session_id.len = client->session_len;
    action->resume_token.data = client->resume_token;
    action->resume_token.len = client->resume_token_len;
    action->epoch = client->epoch;
    action->last_seq = client->unsettled ? WICK_INT_MAX : client->last;
}

static wick_client_kind say_connect(const wick_client *client, wick_client_action *action, int probe)
{
    action->kind = WICK_CLIENT_CONNECT;
    action->transport = probe ? WICK_TRANSPORT_WEBSOCKET : (wick_transport)client->transport;
    action->probe = (uint8_t)probe;
    action->item = probe ? ITEM_PROBE : 0;
    action->fresh_token = client->fresh_token;
    action->resume = client->session_len != 0;
    say_session(client, action);
    return WICK_CLIENT_CONNECT;
}

static wick_client_kind say_poll(const wick_client *client, wick_client_action *action)
{
    action->kind = WICK_CLIENT_POLL;
    action->wait_ms = wick_client_or(client->config->poll_ms, WICK_DEFAULT_CLIENT_POLL_MS);
    say_session(client, action);
    return WICK_CLIENT_POLL;
}

/* {"type":"ack","payload":{"seq":N}} */
static void write_ack(wick_client *client, wick_client_action *action)
{
    wick_event event;
    memset(&event, 0, sizeof event);
    event.type = WICK_TYPE_ACK;
    event.as.ack.seq = (int64_t)client->last;
    (void)wick_event_write(&event, 0, client->ack, sizeof client->ack, &action->len, NULL);
    action->data = (const uint8_t *)client->ack;
    action->item = ITEM_ACK;
    action->last_seq = client->last;
}

/* The actions of an open session. */
static wick_client_kind connected_next(wick_client *client, uint64_t now_ms, wick_client_action *action)
{
    wick_slice message;
    action->transport = (wick_transport)client->transport;
    if (client->begun == 2)
        return say_close(action, client->transport, 0);
    if (client->probing == 1)
        return say_connect(client, action, 1);
    if (client->transport == WICK_TRANSPORT_POLL && !client->polling && now_ms >= client->poll_ms)
        return say_poll(client, action);
    if (now_ms >= ack_due(client)) {
        write_ack(client, action);
        return action->kind = WICK_CLIENT_SEND;
    }
    if (client->outbox_next < client->outbox_len && !client->posting) {
        if (wick_client_asks(client))
            say_session(client, action);
        message = wick_outbox_next(client);
        action->data = message.data;
        action->len = message.len;
        action->item = ITEM_MESSAGE;
        return action->kind = WICK_CLIENT_SEND;
    }
    return WICK_CLIENT_WAIT;
}

wick_client_kind wick_client_next(wick_client *client, uint64_t now_ms, wick_client_action *action)
{
    memset(action, 0, sizeof *action);
    pass_time(client, now_ms);
    action->serial = client->serial;
    if (client->old || client->drop) {
        action->item = client->old ? ITEM_OLD : ITEM_PROBE;
        return say_close(action, client->old ? client->old - 1u : WICK_TRANSPORT_WEBSOCKET, 0);
    }
    switch (client->state) {
    case WICK_CLIENT_IDLE:
        if (client->verdict == WICK_VERDICT_NONE || client->told)
            return WICK_CLIENT_WAIT;
        action->verdict = (wick_client_verdict)client->verdict;
        action->cause = client->cause;
        return action->kind = WICK_CLIENT_STOP;
    case WICK_CLIENT_CONNECTING:
        if (client->begun == 2)
            return say_close(action, client->transport, 0);
        return client->begun ? WICK_CLIENT_WAIT : say_connect(client, action, 0);
    case WICK_CLIENT_OPENING:
        if (client->begun == 2)
            return say_close(action, client->transport, 0);
        action->transport = (wick_transport)client->transport;
        return action->kind = client->begun ? WICK_CLIENT_WAIT : WICK_CLIENT_OPEN;
    case WICK_CLIENT_CONNECTED:
        return connected_next(client, now_ms, action);
    case WICK_CLIENT_CLOSING:
        action->final = client->stopping == 1;
        return client->begun ? WICK_CLIENT_WAIT : say_close(action, client->transport, client->close_code);
    default:
        return WICK_CLIENT_WAIT;
    }
}

static void did_send(wick_client *client, const wick_client_action *action, uint64_t now_ms)
{
    if (action->item == ITEM_MESSAGE) {
        wick_outbox_sent(client);
        client->posting = (uint8_t)wick_client_asks(client);
        client->post_ms = now_ms + patience(client);
    } else if (action->last_seq > client->acked)
        client->acked = action->last_seq;
}

static void did_close(wick_client *client, const wick_client_action *action, uint64_t now_ms)
{
    if (action->item == ITEM_OLD)
        client->old = 0;
    else if (action->item == ITEM_PROBE)
        client->drop = 0;
    else if (action->code == 0)
        wick_client_gone(client, 0, now_ms);
    else
        client->begun = 1;
}

/* A stream that is not held back shows itself sooner than a handshake. */
static void did_connect(wick_client *client, const wick_client_action *action, uint64_t now_ms)
{
    uint32_t stream = wick_client_or(client->config->stream_ms, WICK_DEFAULT_CLIENT_STREAM_MS);
    if (action->item == ITEM_PROBE) {
        client->probing = 2;
        client->probe_ms = now_ms + patience(client);
        return;
    }
    client->begun = 1;
    client->due_ms = now_ms + (client->transport == WICK_TRANSPORT_SSE ? stream : patience(client));
}

void wick_client_did(wick_client *client, const wick_client_action *action, uint64_t now_ms)
{
    if (action->serial != client->serial)
        return;
    switch (action->kind) {
    case WICK_CLIENT_CONNECT:
        did_connect(client, action, now_ms);
        break;
    case WICK_CLIENT_OPEN:
        client->begun = 1;
        if (wick_client_asks(client))
            client->due_ms = now_ms + patience(client);
        break;
    case WICK_CLIENT_SEND:
        did_send(client, action, now_ms);
        break;
    case WICK_CLIENT_POLL:
        client->polling = 2;
        client->poll_ms = now_ms + action->wait_ms + patience(client);
        client->poll_seq = client->last;
        break;
    case WICK_CLIENT_CLOSE:
        did_close(client, action, now_ms);
        break;
    case WICK_CLIENT_STOP:
        client->told = 1;
        break;
    default:
        break;
    }
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t wick_client_deadline(const wick_client *client)
{
    uint64_t due = WICK_NEVER;
    if (client->state == WICK_CLIENT_IDLE)
        return WICK_NEVER;
    if (client->state != WICK_CLIENT_CONNECTED)
        return client->due_ms;
    if (client->transport == WICK_TRANSPORT_POLL && !client->polling)
        due = client->poll_ms;
    due = earlier(due, may_probe(client) ? client->probe_ms : WICK_NEVER);
    return earlier(due, earlier(ack_due(client), silence_due(client)));
}
