/*
 * peer.h - a TCP connection in a loop: one shared read buffer, one gather of output, and as little memory as can be.
 *
 * The engine moves bytes; a protocol (http_server.h, ws.h, client.h) gives them a meaning, and may hand the
 * connection on to another one: that is how an HTTP request becomes a WebSocket.
 *
 * READING. All peers of a loop are read into one buffer. What a protocol does not consume is copied and offered
 * again, in front of what comes next: only then does a peer own input memory.
 *
 * WRITING. What a peer writes during one callback leaves in one system call when the callback is over. Small pieces
 * are copied together; large ones go out from where they lie, with the copied ones before them. What the kernel does
 * not take is queued, and from output_limit on nothing more is accepted (WICK_BLOCKED) until the queue is down to
 * half of that. One write is always taken whole: the queue never holds more than output_limit and the last write.
 *
 * ENDING. peer_close() and peer_finish() only note what is to be done: it is done when the running callback is over.
 * So a peer may be closed from anywhere, and a pointer to it stays good until the callback returns.
 *
 * An idle WebSocket peer is one `struct peer` from a slab and an entry in the loop's heap of times: 184 bytes.
 */
#ifndef EXAMPLES_PEER_H
#define EXAMPLES_PEER_H

#include <stdint.h>
#include <sys/types.h>

#include "lib/loop.h"
#include "wick.h"

/* Bytes of the buffer that all peers are read into. */
#define PEER_READ_SIZE (128u << 10)
/* The default of service.output_limit. */
#define PEER_OUTPUT_LIMIT (256u << 10)

struct peer;

/* What the bytes of a peer mean. */
struct peer_protocol {
    /* Bytes are here; they may be written to. Returns how many are consumed; the rest is offered again as soon as
     * more has come, or, if the protocol has called peer_hold(), after peer_go_on(). */
    size_t (*on_input)(struct peer *peer, uint8_t *data, size_t len);
    /* The peer sends no more (FIN), or the connection is broken: peer->flags has PEER_BROKEN then. A protocol that
     * has nothing more to say calls peer_close(). */
    void (*on_end)(struct peer *peer);
    /* The queue was full and has room again. */
    void (*on_room)(struct peer *peer);
    /* The time that was armed with loop_arm(loop, &peer->source, ...) has come. */
    void (*on_due)(struct peer *peer);
    /* A callback in which this peer wrote or read something is over: look at the state, arm the time. May be NULL. */
    void (*on_settle)(struct peer *peer);
    /* The last call: the peer's memory goes when it returns. May be NULL. */
    void (*on_free)(struct peer *peer);
};

/* What peers of one kind have in common. A protocol's own settings stand in a struct that begins with this one. */
struct service {
    const struct peer_protocol *protocol;
    struct loop *loop;
    /* Bytes queued from which on a peer takes no more; 0 is PEER_OUTPUT_LIMIT. */
    size_t output_limit;
    /* 1: what is written out of the read buffer, such as an echoed message, stays unchanged until the callback is
     * over, so it need not be copied. */
    int keeps_input;
    /* How many peers there are. */
    size_t count;
};

enum {
    PEER_BROKEN = 1,    /* the connection failed: nothing can be written */
    PEER_HELD = 2,      /* input is not wanted: peer_hold() */
    PEER_WANTS_ROOM = 4, /* a write was refused or peer_full() was asked: on_room is owed */
    PEER_TOUCHED = 8,   /* to be settled when the running callback is over */
    PEER_FINISHED = 16, /* to be shut down for writing once the queue is empty */
    PEER_SHUT = 32,     /* has been */
    PEER_DOOMED = 64,   /* to be closed when the running callback is over */
    PEER_REOFFER = 128, /* kept input is to be offered again */
    PEER_ENDED = 256,   /* on_end has been called */
    PEER_STUCK = 512,    /* the kernel has refused bytes; EPOLLOUT will tell */
    PEER_WATCH_END = 1024, /* held, but the end of the stream is to be noticed: peer_hold(peer, 1) */
    PEER_VISITOR = 2048,   /* visitor.c keeps something about it */
    PEER_TLS = 4096        /* tls.h stands between it and its socket */
};

/* Bytes that wait, in either direction. Only peers that have some own one. */
struct backlog {
    uint8_t *out, *in;
    size_t out_at, out_len, out_cap;
    size_t in_at, in_len, in_cap;
    size_t pending; /* see peer_output_moves() */
};

/* What an HTTP peer remembers: see http_server.c. */
struct http_state {
    struct http_message *message;       /* a request that is not whole, or is still to be answered */
    const struct http_request *request; /* the one that on_request is working on */
    uint64_t deadline;                  /* of the phase */
    uint64_t stall_deadline;            /* of the output, while some is queued */
    size_t queued;                      /* how much, when last looked at */
    uint8_t keep_alive;
    uint8_t head_only;
    uint8_t old; /* HTTP/1.0: no chunks */
    uint8_t chunked;
};

struct peer {
    struct source source;
    struct service *service;
    struct backlog *backlog; /* NULL: nothing waits */
    void *user;              /* the application's */
    uint16_t flags;
    uint16_t watched; /* the events that epoll knows */
    uint16_t phase;   /* the protocol's */
    union {
        struct http_state http;
        struct http_call *call;
        wick_conn ws;
        struct peer *next_free;
    } as;
};

/* Make a peer of a connected (or connecting) non-blocking socket. Returns NULL if there is no memory; the socket is
 * still the caller's then. The loop's engine is set up with the first one. */
struct peer *peer_new(struct service *service, int fd, unsigned events);
/* Hand a peer to another service, hence protocol. What is in peer->as is the caller's to set. */
void peer_become(struct peer *peer, struct service *service);

/* Write: all slices, at most WICK_OUTPUT_SLICES, or none. Returns 0; WICK_BLOCKED if nothing was taken (on_room
 * follows); -1 if the connection is broken. */
int peer_write(struct peer *peer, const wick_slice *slices, size_t count);
/* The same for the few bytes that complete what has been written: taken even if the queue is full. */
void peer_write_last(struct peer *peer, const wick_slice *slices, size_t count);
/* Bytes that are queued because the kernel did not take them. */
size_t peer_queued(const struct peer *peer);
/* Whether the peer has taken some of its output since the last time this was asked; 0 if none is queued. Asks the
 * kernel what is not acknowledged: it tells of room only when a third of its own buffer is free, which a slow line
 * takes long for. */
int peer_output_moves(struct peer *peer);
/* Whether the other end has acknowledged all that was written: its kernel is there, even if nobody reads. */
int peer_acknowledged(struct peer *peer);
/* Whether the next write would be refused. If so, on_room follows. */
int peer_full(struct peer *peer);

/* Want no input for now. With watch_end on_end still comes when the other end closes. */
void peer_hold(struct peer *peer, int watch_end);
/* Want input again; what was kept is offered when the running callback is over. */
void peer_go_on(struct peer *peer);

/* Send no more: shut down the sending side once the queue is empty. Input still comes. */
void peer_finish(struct peer *peer);
/* Close; what is queued is lost. on_free follows. */
void peer_close(struct peer *peer);
/* Have on_settle called when the running callback is over. */
void peer_touch(struct peer *peer);

/* Call fn for each peer of a loop; it may close peers. */
void peer_each(struct loop *loop, void (*fn)(struct peer *peer, void *arg), void *arg);
/* Close all peers now and free the engine. Not from a callback. */
void peer_free_all(struct loop *loop);

#endif
