/*
 * ws.h - a WebSocket peer: drives a wick_conn from a loop.
 *
 * The application makes its own table of wick_conn callbacks, with ws_output, ws_memory and ws_random in it; `user`
 * is the struct peer. It sends with wick_conn_send(&peer->as.ws, ...) and its kin, at any time.
 *
 *     static int on_message(wick_conn *conn, void *user, unsigned opcode, uint8_t *data, size_t len)
 *     {
 *         struct peer *peer = user;
 *         if (wick_conn_send(conn, opcode, data, len) < 0)
 *             return -1;
 *         return ws_full(peer) ? WICK_PAUSED : 0;      // read on when the peer has taken what is queued
 *     }
 *     static const wick_conn_callbacks callbacks = {
 *         .on_output = ws_output, .on_memory = ws_memory, .on_message = on_message };
 *     static const wick_conn_config config = { .size = sizeof config, .callbacks = &callbacks };
 *     static struct ws_service echo = { .config = &config };
 *
 * BACK-PRESSURE. A send returns WICK_BLOCKED, with nothing done, while the queue is full; on_room says when it is
 * not. Pings are answered likewise: a peer that floods and never reads is simply not read any more.
 */
#ifndef EXAMPLES_WS_H
#define EXAMPLES_WS_H

#include "lib/peer.h"

struct ws_service {
    struct service service; /* loop is to be set; protocol is set by ws_start() */
    const wick_conn_config *config;
    /* The connection is open; may send. May be NULL, like all of these. */
    void (*on_open)(struct peer *peer);
    /* The connection is over; the peer goes when this returns. why: WICK_OK if the peer's close frame had come, else
     * the error, WICK_E_EOF if the stream just ended. Called exactly once for each peer that was started. */
    void (*on_gone)(struct peer *peer, wick_status why);
    /* A send was refused with WICK_BLOCKED or ws_full() was true, and now there is room. */
    void (*on_room)(struct peer *peer);
};

/* For tables of callbacks. */
int ws_output(wick_conn *conn, void *user, const wick_slice *slices, size_t count);
uint8_t *ws_memory(wick_conn *conn, void *user, uint8_t *block, size_t need, size_t *cap);
int ws_random(wick_conn *conn, void *user, uint8_t *out, size_t len);

/* Make a peer whose handshake is done into a WebSocket. Returns 0, or -1 if the config is wrong (the peer is closed).
 * */
int ws_start(struct peer *peer, struct ws_service *service, void *user);

/* Whether the next send would be refused; if so, on_room follows. To be asked in on_message: return WICK_PAUSED if it
 * is. */
int ws_full(struct peer *peer);
/* Stop reading, for a reason of the application's own: call it in a callback and return WICK_PAUSED. */
void ws_hold(struct peer *peer);
/* Read on. */
void ws_go_on(struct peer *peer);

/* Start the close handshake. The Close frame goes behind what is queued, even if the queue is full: a peer that reads
 * on learns why. One that does not is cut when the close timeout is over. */
void ws_close(struct peer *peer, unsigned code, const char *reason);

/* Whether the peer is a WebSocket. */
int peer_is_ws(const struct peer *peer);

#endif
