/*
 * peer_internal.h - what the files of the engine share: peer.c, peer_output.c.
 */
#ifndef EXAMPLES_PEER_INTERNAL_H
#define EXAMPLES_PEER_INTERNAL_H

#include <sys/uio.h>

#include "lib/peer.h"

/* Copied output of one callback. */
#define CORK_SIZE (64u << 10)
#define GATHER_MAX 64

struct peer_io {
    struct slab *slabs;
    size_t slab_used; /* peers of the first slab that have ever been used */
    struct peer *free;
    size_t count;
    struct peer **touched;
    size_t touched_count, touched_cap;
    struct peer *owner; /* of the gather */
    struct iovec iov[GATHER_MAX];
    int iov_count;
    size_t cork_len;
    uint8_t cork[CORK_SIZE];
    uint8_t read[PEER_READ_SIZE];
};

static inline struct peer_io *peer_io_of(const struct peer *peer)
{
    return peer->service->loop->io;
}

/* The peer's backlog, made if there is none; NULL if there is no memory. peer_trim() gives back what is empty. */
struct backlog *peer_backlog(struct peer *peer);
void peer_trim(struct peer *peer);
/* Room for need bytes behind the len bytes that begin at *at of *data: moves them to the front, or grows. */
int peer_reserve(uint8_t **data, size_t *at, size_t len, size_t *cap, size_t need);

/* The connection has failed. */
void peer_set_broken(struct peer *peer);
/* Send all that is known to be writable: the gather if it is this peer's, and the queue unless the kernel has just
 * refused. */
void peer_flush(struct peer *peer);
size_t peer_output_limit(const struct peer *peer);

#endif
