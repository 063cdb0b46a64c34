/*
 * agent_link.h - what both ends of the link between Experience and Runtime share: agent_server --runtime at one end,
 * agent_runtime at the other. docs/protocol.md, "Experience and Runtime".
 *
 * One WebSocket carries many runs, and a run whose reader is slow must not hold up the others: the Experience says
 * AGENT_LINK_HOLD with the run's invocation_id, and AGENT_LINK_ROOM when its reader has caught up. Both are the
 * application's own types, so that a Runtime that does not know them passes over them.
 */
#ifndef EXAMPLES_AGENT_LINK_H
#define EXAMPLES_AGENT_LINK_H

#include "lib/ws.h"

#define AGENT_LINK_SUBPROTOCOL "agent-events.runtime.v1"
#define AGENT_LINK_HOLD "x.runtime.hold"
#define AGENT_LINK_ROOM "x.runtime.room"
/* The longest message: the longest of a client, and what an invocation or an event has around it. */
#define AGENT_LINK_MESSAGE_MAX (2u << 20)
/* Silence after which a ping goes out, and the time to answer it. */
#define AGENT_LINK_PING_MS 10000
#define AGENT_LINK_PONG_MS 10000

/* A message, written; valid until the next one is. Returns like agent_link_send(). */
wick_status agent_link_write(const wick_event *event, wick_slice *message);

/*
 * Write a message and send it. Returns WICK_OK; WICK_BLOCKED, and nothing has been sent; WICK_E_SPACE if it is longer
 * than AGENT_LINK_MESSAGE_MAX; or why it cannot be written or sent.
 */
wick_status agent_link_send(struct peer *peer, const wick_event *event);

/* Read a message of the other end, which has been checked to be UTF-8. Like wick_event_read(). */
wick_status agent_link_read(const uint8_t *data, size_t len, uint32_t by, wick_event *event, wick_event_error *error);

/* A NUL-terminated text, which must stay. */
wick_text agent_link_text(const char *text);

/* Make an agent.failed. message must stay. */
void agent_link_failed(wick_event *event, wick_code code, const char *message);

#endif
