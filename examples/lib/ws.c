/*
 * ws.c - the WebSocket protocol of a peer: see ws.h.
 *
 * peer->phase holds the wick_state that was last seen, so that the time in the loop is set anew only when that
 * changes: in an open connection it moves with every receive, and the old one is simply let come and compared.
 */
#include "lib/ws.h"

#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "lib/random.h"
#include "lib/visitor.h"

enum {
    STATE_MASK = 3,
    STALLED = 4,   /* input waits until there is room for output */
    WAITING = 8,   /* input waits for ws_go_on() */
    REPORTED = 16, /* the error has been logged */
    STARTED = 32,  /* peer->as.ws is set up */
    LAST = 64      /* the Close frame is being written: it goes behind a queue that is full */
};

static const struct ws_service *ws_of(const struct peer *peer)
{
    return (const struct ws_service *)(const void *)peer->service; /* its first member */
}

/* ---- For wick_conn_callbacks
 * ------------------------------------------------------------------------------------- */

int ws_output(wick_conn *conn, void *user, const wick_slice *slices, size_t count)
{
    struct peer *peer = user;
    (void)conn;
    if (!(peer->phase & LAST))
        return peer_write(peer, slices, count);
    peer_write_last(peer, slices, count);
    return 0;
}

uint8_t *ws_memory(wick_conn *conn, void *user, uint8_t *block, size_t need, size_t *cap)
{
    (void)conn;
    (void)user;
    if (!need) {
        free(block);
        return NULL;
    }
    *cap = need;
    return realloc(block, need);
}

int ws_random(wick_conn *conn, void *user, uint8_t *out, size_t len)
{
    (void)conn;
    (void)user;
    return random_bytes(out, len);
}

/* ---- The protocol
 * ------------------------------------------------------------------------------------------------ */

static void stall(struct peer *peer, uint16_t why)
{
    peer->phase |= why;
    peer_hold(peer, 0);
}

static void unstall(struct peer *peer, uint16_t why)
{
    if (!(peer->phase & why))
        return;
    peer->phase &= (uint16_t)~why;
    if (!(peer->phase & (STALLED | WAITING)))
        peer_go_on(peer);
}

static size_t ws_input(struct peer *peer, uint8_t *data, size_t len)
{
    wick_status status;
    size_t at = 0, used;
    do {
        status = wick_conn_recv(&peer->as.ws, data + at, len - at, &used, peer->service->loop->now_ms);
        at += used;
        if (status == WICK_BLOCKED)
            stall(peer, STALLED);
    } while (status == WICK_PAUSED && !(peer->flags & (PEER_HELD | PEER_DOOMED)));
    return at;
}

/* The stream is over. An answer to the peer's close frame may still be queued: it is sent before the socket goes, if
 * the peer takes it in time. */
static void ws_end(struct peer *peer)
{
    wick_state state = wick_conn_state(&peer->as.ws);
    wick_conn_end(&peer->as.ws);
    if (state == WICK_LINGER && peer_queued(peer) && !(peer->flags & PEER_BROKEN))
        peer_finish(peer);
    else
        peer_close(peer);
}

static void ws_room(struct peer *peer)
{
    peer->phase |= STALLED; /* also to write a close frame that is owed */
    unstall(peer, STALLED);
    if (ws_of(peer)->on_room && wick_conn_state(&peer->as.ws) == WICK_OPEN)
        ws_of(peer)->on_room(peer);
}

static uint64_t or_default(uint64_t value, uint64_t fallback)
{
    return value ? value : fallback;
}

static void arm_in(struct peer *peer, uint64_t ms)
{
    if (loop_arm(peer->service->loop, &peer->source, peer->service->loop->now_ms + ms) < 0)
        peer_close(peer);
}

static void arm(struct peer *peer)
{
    const wick_conn_config *config = ws_of(peer)->config;
    if (wick_conn_state(&peer->as.ws) == WICK_CLOSED && peer->flags & PEER_FINISHED)
        arm_in(peer, or_default(config->close_timeout_ms, WICK_DEFAULT_CLOSE_TIMEOUT_MS)); /* for what is queued */
    else if (loop_arm(peer->service->loop, &peer->source, wick_conn_deadline(&peer->as.ws)) < 0)
        peer_close(peer);
}

static void report(struct peer *peer)
{
    char name[SOCKET_NAME];
    wick_conn_error error;
    wick_conn_error_get(&peer->as.ws, &error);
    if (error.status == WICK_OK)
        return;
    peer->phase |= REPORTED;
    log_line("%s - WebSocket failed: %s%s%s%s at byte %llu, close code %u", visitor_name(peer, name),
             error.text, *error.section ? " (" : "", error.section, *error.section ? ")" : "",
             (unsigned long long)error.offset, error.close_code);
}

static uint64_t pong_timeout(const struct peer *peer)
{
    return or_default(ws_of(peer)->config->pong_timeout_ms, WICK_DEFAULT_PONG_TIMEOUT_MS);
}

/*
 * A peer that takes its output, however slowly, is alive, though it is not heard while its input is stalled: look
 * again later. The same while it takes what stands before a close frame, or before the end.
 */
static int still_takes(struct peer *peer)
{
    if (!peer_output_moves(peer))
        return 0;
    arm_in(peer, pong_timeout(peer));
    return 1;
}

/*
 * A peer that the application does not want to hear can give no pong. But its kernel acknowledges a ping, or resets
 * the connection if the peer is gone: ask that, as often as a pong would be waited for.
 */
static int held_but_there(struct peer *peer)
{
    if (!(peer->phase & WAITING) || wick_conn_state(&peer->as.ws) != WICK_OPEN || !peer_acknowledged(peer) ||
        wick_conn_ping(&peer->as.ws, NULL, 0) != WICK_OK)
        return 0;
    arm_in(peer, pong_timeout(peer));
    return 1;
}

static void ws_due(struct peer *peer)
{
    if (still_takes(peer) || held_but_there(peer))
        return;
    wick_conn_tick(&peer->as.ws, peer->service->loop->now_ms);
    if (wick_conn_state(&peer->as.ws) == WICK_CLOSED && peer->flags & PEER_FINISHED)
        peer_close(peer); /* it has been told, and has not ended its side in time */
    arm(peer);
}

/* A pong puts the next ping in the place of its own deadline: that may be earlier. */
static void arm_earlier(struct peer *peer)
{
    struct loop *loop = peer->service->loop;
    uint64_t deadline = wick_conn_deadline(&peer->as.ws);
    if (deadline > loop->now_ms && deadline < loop_armed(loop, &peer->source))
        arm(peer);
}

static void ws_settle(struct peer *peer)
{
    wick_state state = wick_conn_state(&peer->as.ws);
    arm_earlier(peer);
    if (state == (peer->phase & STATE_MASK))
        return;
    peer->phase = (uint16_t)((peer->phase & ~(unsigned)STATE_MASK) | state);
    if (!(peer->phase & REPORTED))
        report(peer);
    arm(peer);
    if (state == WICK_CLOSED) {
        if (!(peer->flags & PEER_FINISHED))
            peer_close(peer);
        return;
    }
    if (peer->phase & (STALLED | WAITING) && state == WICK_LINGER)
        unstall(peer, STALLED | WAITING); /* what comes is dropped, up to the end of the stream */
    if (state == WICK_LINGER && ws_of(peer)->config->role == WICK_SERVER)
        peer_finish(peer);
}

static void ws_free(struct peer *peer)
{
    if (!(peer->phase & STARTED))
        return;
    wick_status why = wick_conn_end(&peer->as.ws);
    if (ws_of(peer)->on_gone)
        ws_of(peer)->on_gone(peer, why);
}

static const struct peer_protocol ws_protocol = {
    .on_input = ws_input,
    .on_end = ws_end,
    .on_room = ws_room,
    .on_due = ws_due,
    .on_settle = ws_settle,
    .on_free = ws_free,
};

/* ---- For applications
 * -------------------------------------------------------------------------------------------- */

int ws_start(struct peer *peer, struct ws_service *service, void *user)
{
    service->service.protocol = &ws_protocol;
    peer_become(peer, &service->service);
    peer->user = user;
    peer->phase = WICK_OPEN;
    peer_touch(peer);
    if (wick_conn_init(&peer->as.ws, service->config, peer, service->service.loop->now_ms) != WICK_OK) {
        peer_close(peer);
        return -1;
    }
    arm(peer);
    peer->phase |= STARTED;
    if (service->on_open)
        service->on_open(peer);
    return 0;
}

int ws_full(struct peer *peer)
{
    if (!peer_full(peer))
        return 0;
    stall(peer, STALLED);
    return 1;
}

void ws_hold(struct peer *peer)
{
    stall(peer, WAITING);
}

void ws_go_on(struct peer *peer)
{
    if (peer->phase & WAITING && wick_conn_state(&peer->as.ws) == WICK_OPEN)
        arm_in(peer, pong_timeout(peer)); /* what waits is heard before it is missed */
    unstall(peer, WAITING);
}

void ws_close(struct peer *peer, unsigned code, const char *reason)
{
    peer->phase |= LAST;
    wick_status status = wick_conn_close(&peer->as.ws, code, reason, reason ? strlen(reason) : 0,
                                         peer->service->loop->now_ms);
    peer->phase &= (uint16_t)~LAST;
    if (status == WICK_BLOCKED)
        peer_close(peer);
    peer_touch(peer);
}

int peer_is_ws(const struct peer *peer)
{
    return peer->service->protocol == &ws_protocol;
}
