/*
 * The client: states, waits, verdicts. Every situation has a serial number, and an action that the host reports as done
 * when the situation has changed already is ignored.
 *
 *     IDLE -> WAITING -> CONNECTING -> OPENING -> CONNECTED      WebSocket
 *               ^            |            |           |
 *               +------------+---- CLOSING -----------+
 *               |            |            |           |
 *     IDLE -> WAITING -> (OPENING ->) CONNECTING -> CONNECTED    requests: OPENING only if there is no session
 */
#include "agent/client_internal.h"

/* How long a close frame waits for wick_client_closed(). */
#define CLOSE_WAIT_MS 5000u

uint32_t wick_client_or(uint32_t configured, uint32_t fallback)
{
    return configured ? configured : fallback;
}

void wick_client_set(wick_client *client, wick_client_state state)
{
    client->state = (uint8_t)state;
    client->begun = client->posting = client->polling = 0;
    client->serial++;
}

/* ---- Setting up ------------------------------------------------------------------------------------------ */

int wick_client_may_use(const wick_client_config *config, unsigned transport)
{
    return !(config->flags >> transport & 1u);
}

/* The first transport that may be used, from one on, in a circle. */
static uint8_t pick_transport(const wick_client_config *config, unsigned transport)
{
    while (!wick_client_may_use(config, transport % WICK_TRANSPORT_COUNT))
        transport++;
    return (uint8_t)(transport % WICK_TRANSPORT_COUNT);
}

size_t wick_client_size(const wick_client_config *config)
{
    uint32_t all = WICK_CLIENT_NO_WEBSOCKET | WICK_CLIENT_NO_SSE | WICK_CLIENT_NO_POLL;
    if (!config || config->size != sizeof *config || !config->on_random || (config->flags & all) == all)
        return 0;
    return wick_client_or(config->outbox_bytes, WICK_DEFAULT_CLIENT_OUTBOX_BYTES);
}

wick_status wick_client_init(wick_client *client, const wick_client_config *config, void *memory, size_t len,
                             void *user)
{
    size_t need = wick_client_size(config);
    if (need == 0)
        return WICK_E_CONFIG;
    if (len < need)
        return WICK_E_SPACE;
    memset(client, 0, sizeof *client);
    client->config = config;
    client->user = user;
    client->outbox = (uint8_t *)memory;
    client->outbox_cap = (uint32_t)need;
    client->adrift = 1;
    return WICK_OK;
}

void wick_client_start(wick_client *client, uint64_t now_ms)
{
    if (client->state != WICK_CLIENT_IDLE)
        return;
    client->transport = pick_transport(client->config, WICK_TRANSPORT_WEBSOCKET);
    client->tries = client->stopping = client->verdict = client->told = 0;
    client->attempt = 0;
    client->cause = 0;
    client->retry_after_ms = 0;
    client->due_ms = now_ms;
    wick_client_set(client, WICK_CLIENT_WAITING);
}

wick_client_state wick_client_where(const wick_client *client)
{
    return (wick_client_state)client->state;
}

wick_transport wick_client_by(const wick_client *client)
{
    return (wick_transport)client->transport;
}

uint64_t wick_client_cursor(const wick_client *client)
{
    return client->last;
}

/* ---- Waiting, ending ------------------------------------------------------------------------------------- */

/* Wait for the next attempt: at random up to a limit that doubles (full jitter), at least as long as it was asked. */
static void back_off(wick_client *client, uint64_t now_ms)
{
    uint64_t limit = wick_client_or(client->config->backoff_ms, WICK_DEFAULT_CLIENT_BACKOFF_MS);
    uint64_t most = wick_client_or(client->config->backoff_max_ms, WICK_DEFAULT_CLIENT_BACKOFF_MAX_MS), wait;
    uint32_t doubled;
    for (doubled = 0; doubled < client->attempt && limit < most; doubled++)
        limit *= 2;
    if (limit > most)
        limit = most;
    wait = client->config->on_random(client->user) % (limit + 1);
    if (wait < client->retry_after_ms)
        wait = client->retry_after_ms;
    client->retry_after_ms = 0;
    client->attempt++;
    client->due_ms = now_ms + wait;
    wick_client_set(client, WICK_CLIENT_WAITING);
}

void wick_client_end(wick_client *client, wick_client_verdict verdict, unsigned cause)
{
    client->verdict = (uint8_t)verdict;
    client->cause = (uint16_t)cause;
    client->told = 0;
    wick_client_set(client, WICK_CLIENT_IDLE);
}

/* A probe that is there, or an old transport, goes with the connection. */
static void drop_probe(wick_client *client)
{
    if (client->probing == 2)
        client->drop = 1;
    client->probing = 0;
}

/* Why a close code ends it; NONE if the same may be tried again. */
static wick_client_verdict verdict_of_close(unsigned code)
{
    switch (code) {
    case 1000:
        return WICK_VERDICT_CLOSED;
    case 1003:
    case 1007:
    case 1008:
    case 1009:
    case 1010:
        return WICK_VERDICT_REFUSED;
    case 4401:
        return WICK_VERDICT_UNAUTHORIZED;
    case 4403:
        return WICK_VERDICT_FORBIDDEN;
    case 4404:
        return WICK_VERDICT_NOT_FOUND;
    case 4406:
        return WICK_VERDICT_VERSION;
    case 4409:
        return WICK_VERDICT_TAKEN_OVER;
    default:
        return code >= 4400 && code <= 4499 ? WICK_VERDICT_REFUSED : WICK_VERDICT_NONE;
    }
}

wick_client_verdict wick_client_verdict_of(unsigned status)
{
    switch (status) {
    case 401:
        return WICK_VERDICT_UNAUTHORIZED;
    case 403:
        return WICK_VERDICT_FORBIDDEN;
    case 404:
        return WICK_VERDICT_NOT_FOUND;
    default:
        return WICK_VERDICT_NONE;
    }
}

/* The transport to try when this one does not get through. */
static uint8_t next_transport(wick_client *client)
{
    unsigned next = client->transport + 1u;
    if (client->transport == WICK_TRANSPORT_WEBSOCKET && client->back)
        next = client->back - 1u; /* what worked before the probe */
    client->back = 0;
    return pick_transport(client->config, next);
}

/* An attempt has failed: perhaps another transport gets through. hopeless: this one will not. */
static void count_failure(wick_client *client, int hopeless, uint64_t now_ms)
{
    client->tries++;
    if (client->tries < WICK_CLIENT_TRIES && !hopeless)
        return;
    if (client->transport == WICK_TRANSPORT_WEBSOCKET)
        client->probe_ms = now_ms + wick_client_or(client->config->probe_ms, WICK_DEFAULT_CLIENT_PROBE_MS);
    client->transport = next_transport(client);
    client->tries = 0;
}

/* A stream that does not get through, or not any more: it is held back, or nobody is there. */
static int is_held_back(const wick_client *client, uint64_t now_ms)
{
    uint64_t silence = wick_client_or(client->config->silence_ms, WICK_DEFAULT_CLIENT_SILENCE_MS);
    if (client->transport != WICK_TRANSPORT_SSE || client->begun != 2)
        return 0;
    return client->state == WICK_CLIENT_CONNECTING ||
           (client->state == WICK_CLIENT_CONNECTED && now_ms >= client->heard_ms + silence);
}

void wick_client_gone(wick_client *client, unsigned code, uint64_t now_ms)
{
    uint64_t stable = wick_client_or(client->config->stable_ms, WICK_DEFAULT_CLIENT_STABLE_MS);
    wick_client_verdict verdict = verdict_of_close(code);
    int held_back = is_held_back(client, now_ms);
    drop_probe(client);
    if (client->stopping) {
        verdict = client->stopping > 1 ? (wick_client_verdict)client->verdict : WICK_VERDICT_CLOSED;
        wick_client_end(client, verdict, client->cause);
        return;
    }
    /* Where we hung up first, only what the server says of the session counts. */
    if (client->state == WICK_CLIENT_CLOSING && code < 4000)
        verdict = WICK_VERDICT_NONE;
    if (verdict != WICK_VERDICT_NONE) {
        wick_client_end(client, verdict, code);
        return;
    }
    if (code == 4501)
        client->fresh_token = 1;
    if (client->state >= WICK_CLIENT_CONNECTED && now_ms - client->open_ms >= stable)
        client->attempt = 0;
    if (held_back || client->state < WICK_CLIENT_CONNECTED)
        count_failure(client, held_back, now_ms);
    back_off(client, now_ms);
}

void wick_client_hang_up(wick_client *client, unsigned code, wick_client_verdict verdict, uint64_t now_ms)
{
    /* A response is not closed with a code. */
    client->close_code = client->transport == WICK_TRANSPORT_WEBSOCKET ? (uint16_t)code : 0;
    client->due_ms = now_ms + CLOSE_WAIT_MS;
    if (verdict != WICK_VERDICT_NONE) {
        client->verdict = (uint8_t)verdict;
        client->stopping = 2;
    }
    wick_client_set(client, WICK_CLIENT_CLOSING);
}

void wick_client_stop(wick_client *client, uint64_t now_ms)
{
    if (client->state == WICK_CLIENT_IDLE || client->stopping)
        return;
    client->stopping = 1;
    if (client->state == WICK_CLIENT_WAITING)
        wick_client_end(client, WICK_VERDICT_CLOSED, 0);
    else if (client->state == WICK_CLIENT_CONNECTING)
        wick_client_hang_up(client, 0, WICK_VERDICT_NONE, now_ms);
    else if (client->state != WICK_CLIENT_CLOSING)
        wick_client_hang_up(client, 1000, WICK_VERDICT_NONE, now_ms);
}

void wick_client_retry(wick_client *client, uint64_t now_ms)
{
    if (client->state == WICK_CLIENT_WAITING)
        client->due_ms = now_ms;
}

/* ---- What happens ---------------------------------------------------------------------------------------- */

void wick_client_enter(wick_client *client, uint64_t now_ms)
{
    client->open_ms = client->heard_ms = now_ms;
    client->was_open = 1;
    client->tries = client->back = 0;
    client->fresh_token = 0;
    if (!wick_client_is_quiet(client))
        client->outbox_next = 0;
    wick_client_set(client, WICK_CLIENT_CONNECTED);
}

void wick_client_connected(wick_client *client, wick_transport transport, uint64_t now_ms)
{
    int probe = client->probing == 2 && transport == WICK_TRANSPORT_WEBSOCKET;
    if (probe) {
        client->probing = 0;
        client->old = client->back = (uint8_t)(client->transport + 1);
        client->tries = WICK_CLIENT_TRIES - 1; /* one failure, and it is back at what worked */
        client->transport = WICK_TRANSPORT_WEBSOCKET;
    } else if (client->state != WICK_CLIENT_CONNECTING || transport != (wick_transport)client->transport) {
        return;
    }
    if (!wick_client_speaks(client)) {
        if (wick_client_is_quiet(client))
            client->adrift = 1;
        wick_client_enter(client, now_ms);
        client->polling = transport == WICK_TRANSPORT_POLL;
        client->poll_ms = now_ms + wick_client_or(client->config->connect_ms, WICK_DEFAULT_CLIENT_CONNECT_MS);
        return;
    }
    client->due_ms = now_ms + wick_client_or(client->config->connect_ms, WICK_DEFAULT_CLIENT_CONNECT_MS);
    wick_client_set(client, WICK_CLIENT_OPENING);
}

static int is_probe(const wick_client *client, wick_transport transport)
{
    return client->probing == 2 && transport == WICK_TRANSPORT_WEBSOCKET;
}

void wick_client_end_probe(wick_client *client, uint64_t now_ms)
{
    client->probing = 0;
    client->probe_ms = now_ms + wick_client_or(client->config->probe_ms, WICK_DEFAULT_CLIENT_PROBE_MS);
    client->serial++;
}

/* Whether something is under way that a refusal may answer. */
static int is_attempt(const wick_client *client)
{
    return client->state == WICK_CLIENT_CONNECTING ||
           (client->state == WICK_CLIENT_OPENING && wick_client_asks(client));
}

void wick_client_refused(wick_client *client, wick_transport transport, const wick_client_refusal *refusal,
                         uint64_t now_ms)
{
    static const wick_client_refusal silence = {0, WICK_CODE_NONE, 0};
    wick_client_verdict verdict;
    int lost, missing;
    if (!refusal)
        refusal = &silence;
    if (is_probe(client, transport)) {
        wick_client_end_probe(client, now_ms);
        return;
    }
    if (transport != (wick_transport)client->transport || !is_attempt(client))
        return;
    verdict = wick_client_verdict_of(refusal->status);
    /* A session that is not known to GET is opened anew: POST tells whether that is possible. */
    lost = verdict == WICK_VERDICT_FORBIDDEN && client->state == WICK_CLIENT_CONNECTING && wick_client_asks(client) &&
           client->session_len && refusal->code == WICK_CODE_SESSION_FORBIDDEN;
    missing = verdict == WICK_VERDICT_NOT_FOUND && wick_client_asks(client) && client->was_open;
    if (lost)
        client->reopen = 1;
    else if (verdict != WICK_VERDICT_NONE && !missing) {
        wick_client_end(client, verdict, refusal->status);
        return;
    }
    client->retry_after_ms = refusal->retry_after_ms;
    /* A server that says that it is busy has been reached: no reason to change the transport. */
    if (refusal->status != 429 && refusal->status != 503)
        count_failure(client, missing || refusal->code == WICK_CODE_UPGRADE_STRIPPED_BY_PROXY, now_ms);
    back_off(client, now_ms);
}

void wick_client_closed(wick_client *client, wick_transport transport, unsigned code, uint64_t now_ms)
{
    if (is_probe(client, transport)) {
        wick_client_end_probe(client, now_ms);
        return;
    }
    if (transport != (wick_transport)client->transport || client->state < WICK_CLIENT_CONNECTING)
        return;
    wick_client_gone(client, code, now_ms);
}

wick_client_take wick_client_received(wick_client *client, const wick_event *event, uint64_t now_ms)
{
    uint64_t seq = (uint64_t)event->head.seq, first = seq;
    client->heard_ms = now_ms;
    if (client->state != WICK_CLIENT_OPENING && client->state != WICK_CLIENT_CONNECTED)
        return WICK_CLIENT_GAP;
    if (!WICK_HAS(&event->head, envelope, seq)) {
        wick_client_learn(client, event, now_ms);
        return WICK_CLIENT_DELIVER;
    }
    if (WICK_HAS(&event->head, envelope, first_seq) && event->head.first_seq < event->head.seq)
        first = (uint64_t)event->head.first_seq;
    if (wick_client_is_quiet(client))
        client->adrift = 1;
    if (!client->adrift && seq <= client->last)
        return WICK_CLIENT_DUPLICATE;
    if (!client->adrift && first != client->last + 1) {
        wick_client_hang_up(client, 4510, WICK_VERDICT_NONE, now_ms);
        return WICK_CLIENT_GAP;
    }
    client->adrift = client->unsettled = 0;
    if (client->last == client->acked)
        client->unacked_ms = now_ms;
    client->last = seq;
    return WICK_CLIENT_DELIVER;
}
