/*
 * The client in five parts: client.c is told what happens, client_http.c what happens to requests, client_next.c says
 * what to do, client_outbox.c keeps messages, client_session.c speaks of sessions.
 */
#ifndef WICK_AGENT_CLIENT_INTERNAL_H
#define WICK_AGENT_CLIENT_INTERNAL_H

#include <string.h>

#include "wick/client.h"

/* A message in the outbox: this, the id, the message, up to a multiple of 4. */
typedef struct wick_outbox_item {
    uint32_t len;
    uint32_t id_len;
} wick_outbox_item;

/* The item at outbox_next, which must be there. Returns the message. */
wick_slice wick_outbox_next(const wick_client *client);
void wick_outbox_sent(wick_client *client);
/* The one that was sent last is not to be sent again. */
void wick_outbox_drop_sent(wick_client *client);
/* An answer has come. */
void wick_outbox_answer(wick_client *client, const wick_text *re);

/* Whether messages are carried by requests. */
static inline int wick_client_asks(const wick_client *client)
{
    return client->transport != WICK_TRANSPORT_WEBSOCKET;
}

/* Whether there is no session: over requests there always is one. */
static inline int wick_client_is_quiet(const wick_client *client)
{
    return (client->config->flags & WICK_CLIENT_QUIET) != 0 && !wick_client_asks(client);
}

/* Whether the connection carries session.open and acks. */
static inline int wick_client_speaks(const wick_client *client)
{
    return !wick_client_asks(client) && !wick_client_is_quiet(client);
}

uint32_t wick_client_or(uint32_t configured, uint32_t fallback);
int wick_client_may_use(const wick_client_config *config, unsigned transport);
/* Go to a state, in which nothing has been done yet. */
void wick_client_set(wick_client *client, wick_client_state state);
/* It is over, with a close code or an HTTP status as the cause. */
void wick_client_end(wick_client *client, wick_client_verdict verdict, unsigned cause);
/* Why an HTTP status ends it; NONE if the same may be tried again. */
wick_client_verdict wick_client_verdict_of(unsigned status);
/* The connection, or the attempt, is gone. */
void wick_client_gone(wick_client *client, unsigned code, uint64_t now_ms);
/* The attempt to get back to WebSocket has failed. */
void wick_client_end_probe(wick_client *client, uint64_t now_ms);
/* The session is open. */
void wick_client_enter(wick_client *client, uint64_t now_ms);
/* Close the connection; with a verdict that is the end. */
void wick_client_hang_up(wick_client *client, unsigned code, wick_client_verdict verdict, uint64_t now_ms);
/* The cursor to resume from. Until a session.reset has arrived that is none of the stream's: epoch 0. */
static inline uint64_t wick_client_resume_epoch(const wick_client *client)
{
    return client->unsettled ? 0 : client->epoch;
}

static inline uint64_t wick_client_resume_seq(const wick_client *client)
{
    return client->unsettled ? 0 : client->last;
}

/* What a control message says to the client itself. */
void wick_client_learn(wick_client *client, const wick_event *event, uint64_t now_ms);

#endif
