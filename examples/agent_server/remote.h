/*
 * remote.h - a Runtime in another process: the three calls, over a WebSocket that comes back by itself (agent_runtime).
 *
 * While there is no connection an invocation is RUNTIME_UNAVAILABLE at once. When the connection goes, so does every
 * run: each gets its agent.failed RUNTIME_UNAVAILABLE here, and the Runtime cancels what it still has of them.
 */
#ifndef AGENT_SERVER_REMOTE_H
#define AGENT_SERVER_REMOTE_H

#include "lib/ids.h"
#include "lib/peer.h"

/* Begin to connect. on_ready comes once: when it is connected, or the first attempt has failed. Returns 0, or -1. */
int remote_init(const char *url, uint64_t unix_offset_ms, void (*on_ready)(void));
void remote_free(void);

/* As the callbacks of the Experience. None of them is ever blocked. */
wick_status remote_invoke(const wick_invocation *invocation, wick_code *code);
wick_status remote_cancel(const wick_text *invocation_id, const wick_text *reason);
wick_status remote_answer(const wick_runtime_input *input);
void remote_room(const wick_text *invocation_id);

/* End every run with DRAINING, and connect no more. */
void remote_drain(void);

/* What the Runtime last said of itself; active is what is known here. Returns 1 while there is a connection. */
int remote_count(wick_runtime_counts *counts);

/* ---- Between remote.c, the runs, and remote_link.c, the connection ---- */

int remote_runs_init(uint64_t unix_offset_ms);
void remote_runs_free(void);
/* A message has come. */
void remote_event(const wick_event *event);
/* There is a connection; there is none any more. */
void remote_found(void);
void remote_lost(void);
/* The connection; NULL if there is none. */
struct peer *remote_peer(void);
/* Send. Returns 0, or -1 if there is no connection, or it was so far behind that it is closed now. */
int remote_send(const wick_event *event);
/* Read no more, or go on: the readers here hold more back than is good. */
void remote_pause(int pause);

#endif
