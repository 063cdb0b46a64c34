/*
 * The client state machine keeps its promises, whatever happens in whatever order: an action is asked for until it is
 * done, the list of actions ends, nothing is sent before the session is open, the next deadline lies ahead, every event
 * is delivered once and in order, and messages are kept until they are answered.
 *
 * The input is a list of things that happen, two bytes each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t dice;

static void require(int truth)
{
    if (!truth)
        abort();
}

static uint64_t roll(void *user)
{
    (void)user;
    dice = dice * 6364136223846793005u + 1442695040888963407u;
    return dice >> 16;
}

static wick_client_take receive(wick_client *client, const char *message, uint64_t now)
{
    wick_event event;
    require(wick_event_read(NULL, message, strlen(message), &event, NULL) >= 0);
    return wick_client_received(client, &event, now);
}

static void check_action(const wick_client *client, const wick_client_action *action)
{
    wick_client_state where = wick_client_where(client);
    switch (action->kind) {
    case WICK_CLIENT_SEND:
        require(where == WICK_CLIENT_CONNECTED && action->len > 0);
        require(action->transport == WICK_TRANSPORT_WEBSOCKET || (action->session_id.len && !client->posting));
        break;
    case WICK_CLIENT_OPEN:
        require(where == WICK_CLIENT_OPENING);
        break;
    case WICK_CLIENT_POLL:
        require(where == WICK_CLIENT_CONNECTED && action->transport == WICK_TRANSPORT_POLL && action->session_id.len);
        break;
    case WICK_CLIENT_CONNECT:
        require(where == WICK_CLIENT_CONNECTING || (action->probe && where == WICK_CLIENT_CONNECTED));
        require(action->transport == WICK_TRANSPORT_WEBSOCKET || action->session_id.len);
        require(!(client->config->flags >> action->transport & 1));
        break;
    case WICK_CLIENT_STOP:
        require(where == WICK_CLIENT_IDLE && action->verdict != WICK_VERDICT_NONE);
        break;
    default:
        break;
    }
}

/* Do what it says, until it says nothing more; or leave it undone. */
static void pump(wick_client *client, uint64_t now, unsigned how)
{
    wick_client_action action, again;
    for (int i = 0; i < 200; i++) {
        wick_client_kind kind = wick_client_next(client, now, &action);
        if (kind == WICK_CLIENT_WAIT) {
            require(wick_client_deadline(client) > now);
            return;
        }
        require(kind == action.kind);
        check_action(client, &action);
        require(wick_client_next(client, now, &again) == kind && again.item == action.item && again.len == action.len);
        if (how == 0)
            return;
        wick_client_did(client, &action, now);
    }
    abort();
}

static void tell(wick_client *client, unsigned what, unsigned byte, uint64_t now)
{
    char message[300];
    uint64_t last = wick_client_cursor(client), seq = last + byte % 4, first = seq - (seq > byte / 64 ? byte / 64 : 0);
    int was_quiet = (client->config->flags & WICK_CLIENT_QUIET) != 0 || client->adrift;
    switch (what) {
    case 0:
        snprintf(message, sizeof message,
                 "{\"type\":\"session.opened\",\"payload\":{\"version\":\"1.0\",\"session_id\":\"s\",\"epoch\":%u,"
                 "\"head_seq\":%u,\"resume_token\":\"t\",\"recovered\":%s,"
                 "\"heartbeat\":{\"interval_ms\":1,\"timeout_ms\":1},\"limits\":"
                 "{\"max_message_bytes\":1,\"resume_window_ms\":1,\"max_invocations\":1}}}",
                 byte % 3 + 1, byte, byte % 2 ? "true" : "false");
        receive(client, message, now);
        break;
    case 1:
        snprintf(message, sizeof message,
                 "{\"type\":\"session.reset\",\"payload\":{\"reason\":\"window_expired\",\"epoch\":1,\"head_seq\":%u,"
                 "\"snapshot\":{}}}", byte);
        receive(client, message, now);
        break;
    case 2:
        snprintf(message, sizeof message, "{\"type\":\"%s\",\"re\":\"%u\",\"payload\":{\"code\":\"X\",\"message\":\"\","
                 "\"retryable\":false}}", byte % 2 ? "accepted" : "error", byte % 16);
        receive(client, message, now);
        break;
    default:
        if (seq == 0 || first == 0)
            break;
        snprintf(message, sizeof message, "{\"seq\":%llu,\"first_seq\":%llu,\"type\":\"x.a\"}", (unsigned long long)seq,
                 (unsigned long long)first);
        if (receive(client, message, now) != WICK_CLIENT_DELIVER)
            require(wick_client_cursor(client) == last);
        else
            require(wick_client_cursor(client) == seq && (was_quiet || first == last + 1));
        break;
    }
}

static void happen(wick_client *client, unsigned what, unsigned byte, uint64_t *now)
{
    static const unsigned codes[] = {0, 1000, 1001, 1006, 4401, 4409, 4501, 4510};
    static const unsigned statuses[] = {0, 400, 401, 503, 403, 404, 500};
    const wick_client_refusal refusal = {statuses[byte % 7], byte & 64   ? WICK_CODE_UPGRADE_STRIPPED_BY_PROXY
                                                             : byte & 32 ? WICK_CODE_SESSION_FORBIDDEN
                                                                         : WICK_CODE_NONE, byte & 16 ? 500 : 0};
    wick_transport transport = (wick_transport)(byte % 3);
    uint32_t pending = wick_client_pending(client);
    char id[12];
    switch (what % 16) {
    case 0:
        wick_client_start(client, *now);
        break;
    case 1:
        wick_client_connected(client, transport, *now);
        break;
    case 2:
        wick_client_refused(client, transport, &refusal, *now);
        break;
    case 3:
        wick_client_closed(client, transport, codes[byte / 3 % 8], *now);
        break;
    case 4:
    case 5:
    case 6:
    case 7:
        tell(client, what % 4, byte, *now);
        break;
    case 8:
        snprintf(id, sizeof id, "%u", byte % 16);
        if (wick_client_submit(client, id, strlen(id), "message", 7) == WICK_OK)
            pending++;
        require(wick_client_pending(client) == pending);
        break;
    case 9:
        *now += (uint64_t)byte * byte * 10;
        break;
    case 10:
        *now += byte;
        break;
    case 11:
        if (byte == 0)
            wick_client_stop(client, *now);
        else if (byte < 8)
            wick_client_retry(client, *now);
        break;
    case 12:
        if (byte % 4 == 0)
            wick_client_heard(client, *now);
        else if (byte % 4 == 1)
            wick_client_polled(client, *now);
        else
            wick_client_posted(client, byte % 4 == 2 ? NULL : &refusal, *now);
        break;
    default:
        pump(client, *now, byte % 4);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    wick_client_config config = {.size = sizeof config, .on_random = roll, .outbox_bytes = 256};
    uint64_t memory[32], now = 0;
    wick_client client, moved;
    if (size < 1)
        return 0;
    dice = data[0];
    config.flags = data[0] % 16;
    if (wick_client_init(&client, &config, memory, sizeof memory, NULL) != WICK_OK)
        return 0;
    for (size_t i = 1; i + 1 < size; i += 2) {
        moved = client; /* a client may be moved */
        memset(&client, 0xA5, sizeof client);
        happen(&moved, data[i], data[i + 1], &now);
        client = moved;
    }
    pump(&client, now, 1);
    return 0;
}
