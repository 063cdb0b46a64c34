/*
 * peer_output.c - the output of a peer: gathered during a callback, sent in one piece, queued if the kernel does
 * not take it.
 *
 * The gather belongs to one peer at a time, the first that writes in a callback. What others write in the same
 * callback (an event for many viewers) is queued with each of them and leaves when they are settled: one system
 * call for each peer, however their writes were interleaved.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/sockios.h>

#include "lib/peer_internal.h"
#include "lib/tls.h"

/* The largest single piece that is copied rather than sent at once from where it lies. */
#define COPY_MAX (16u << 10)
/* Pieces of the read buffer that stay unchanged are referred to, not copied, from this length on. */
#define REFER_MIN 4096u
#define SMALL_MAX 2048u

size_t peer_queued(const struct peer *peer)
{
    size_t queued = peer->backlog ? peer->backlog->out_len : 0;
    return peer->flags & PEER_TLS ? queued + tls_queued(peer) : queued;
}

size_t peer_output_limit(const struct peer *peer)
{
    return peer->service->output_limit ? peer->service->output_limit : PEER_OUTPUT_LIMIT;
}

void peer_set_broken(struct peer *peer)
{
    peer->flags |= PEER_BROKEN;
    peer_touch(peer);
}

static int enqueue(struct peer *peer, const uint8_t *data, size_t len)
{
    struct backlog *backlog = peer_backlog(peer);
    if (!backlog || peer_reserve(&backlog->out, &backlog->out_at, backlog->out_len, &backlog->out_cap, len) < 0)
        return -1;
    memcpy(backlog->out + backlog->out_at + backlog->out_len, data, len);
    backlog->out_len += len;
    return 0;
}

static ssize_t hand_over(struct peer *peer, struct iovec *iov, int count)
{
    struct msghdr message = { .msg_iov = iov, .msg_iovlen = (size_t)count };
    if (peer->flags & PEER_TLS)
        return tls_send(peer, iov, count);
    return count == 1 ? send(peer->source.fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL | MSG_DONTWAIT)
                      : sendmsg(peer->source.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Send pieces; what the kernel does not take is queued. A peer whose bytes cannot be kept is broken. */
static void send_pieces(struct peer *peer, struct iovec *iov, int count)
{
    ssize_t sent = hand_over(peer, iov, count);
    size_t taken = sent > 0 ? (size_t)sent : 0;
    if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        peer_set_broken(peer);
        return;
    }
    for (int i = 0; i < count; i++) {
        if (taken >= iov[i].iov_len) {
            taken -= iov[i].iov_len;
            continue;
        }
        peer->flags |= PEER_STUCK;
        if (enqueue(peer, (uint8_t *)iov[i].iov_base + taken, iov[i].iov_len - taken) < 0) {
            peer_set_broken(peer);
            return;
        }
        taken = 0;
    }
}

static void flush_gather(struct peer_io *io)
{
    struct peer *peer = io->owner;
    int count = io->iov_count;
    io->owner = NULL;
    io->iov_count = 0;
    io->cork_len = 0;
    if (peer && count && !(peer->flags & PEER_BROKEN))
        send_pieces(peer, io->iov, count);
}

static void flush_queue(struct peer *peer)
{
    struct backlog *backlog = peer->backlog;
    struct iovec all = { NULL, 0 };
    if (!peer_queued(peer) || (peer->flags & PEER_BROKEN))
        return;
    if (backlog && backlog->out_len)
        all = (struct iovec){ backlog->out + backlog->out_at, backlog->out_len };
    ssize_t sent = hand_over(peer, &all, 1);
    if (sent < 0) {
        peer->flags |= PEER_STUCK;
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            peer_set_broken(peer);
        return;
    }
    if (sent) {
        backlog->out_at += (size_t)sent;
        backlog->out_len -= (size_t)sent;
    }
    if (peer_queued(peer))
        peer->flags |= PEER_STUCK;
    peer_trim(peer);
}

void peer_flush(struct peer *peer)
{
    struct peer_io *io = peer_io_of(peer);
    if (io->owner == peer)
        flush_gather(io);
    else if (!(peer->flags & PEER_STUCK))
        flush_queue(peer);
}

static int in_read_buffer(const struct peer_io *io, const uint8_t *data)
{
    return (uintptr_t)data - (uintptr_t)io->read < sizeof io->read;
}

static void gather(struct peer_io *io, const uint8_t *data, size_t len, int copy)
{
    struct iovec *last = io->iov_count ? &io->iov[io->iov_count - 1] : NULL;
    if (copy) {
        uint8_t *to = io->cork + io->cork_len;
        memcpy(to, data, len);
        io->cork_len += len;
        if (last && (uint8_t *)last->iov_base + last->iov_len == to) {
            last->iov_len += len;
            return;
        }
        data = to;
    }
    io->iov[io->iov_count].iov_base = (void *)(uintptr_t)data;
    io->iov[io->iov_count++].iov_len = len;
}

/*
 * Add one piece to the owner's gather. What can neither be copied nor referred to later is sent at once, behind
 * what was gathered before it.
 */
static void write_piece(struct peer *peer, const uint8_t *data, size_t len)
{
    struct peer_io *io = peer_io_of(peer);
    int refer = len >= REFER_MIN && peer->service->keeps_input && in_read_buffer(io, data);
    int copy = !refer && len <= COPY_MAX;
    if (io->iov_count == GATHER_MAX || (copy && len > sizeof io->cork - io->cork_len)) {
        flush_gather(io);
        io->owner = peer;
    }
    if (peer_queued(peer)) {
        if (enqueue(peer, data, len) < 0)
            peer_set_broken(peer);
        return;
    }
    gather(io, data, len, copy);
    if (!refer && !copy) {
        flush_gather(io);
        io->owner = peer;
    }
}

static void queue_or_send(struct peer *peer, const wick_slice *slices, size_t count, size_t total)
{
    if (total > COPY_MAX && !peer_queued(peer)) {
        struct iovec iov[WICK_OUTPUT_SLICES];
        for (size_t i = 0; i < count; i++)
            iov[i] = (struct iovec){ (void *)(uintptr_t)slices[i].data, slices[i].len };
        send_pieces(peer, iov, (int)count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (slices[i].len && enqueue(peer, slices[i].data, slices[i].len) < 0)
            peer_set_broken(peer);
}

/*
 * The common case: small pieces for the peer that the gather belongs to, behind other copied ones. A frame header
 * is two to ten bytes that have just been written one by one: reading them back in one wide load would stall, so
 * they are moved likewise.
 */
static int copy_small(struct peer_io *io, const wick_slice *slices, size_t count)
{
    struct iovec *last = &io->iov[io->iov_count - 1];
    uint8_t *to = io->cork + io->cork_len, *start = to;
    if (to != (uint8_t *)last->iov_base + last->iov_len)
        return 0;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *from = slices[i].data;
        size_t len = slices[i].len;
        if (len > SMALL_MAX || len > (size_t)(io->cork + sizeof io->cork - to))
            return 0;
        if (len > 8)
            memcpy(to, from, len);
        else
            for (size_t k = 0; k < len; k++)
                to[k] = from[k];
        to += len;
    }
    last->iov_len += (size_t)(to - start);
    io->cork_len += (size_t)(to - start);
    return 1;
}

static void write_all(struct peer *peer, const wick_slice *slices, size_t count)
{
    struct peer_io *io = peer_io_of(peer);
    peer_touch(peer);
    if ((io->owner && io->owner != peer) || peer_queued(peer)) {
        size_t total = 0;
        for (size_t i = 0; i < count; i++)
            total += slices[i].len;
        queue_or_send(peer, slices, count, total);
    } else {
        io->owner = peer;
        for (size_t i = 0; i < count; i++)
            if (slices[i].len)
                write_piece(peer, slices[i].data, slices[i].len);
    }
}

int peer_write(struct peer *peer, const wick_slice *slices, size_t count)
{
    if (peer->flags & (PEER_BROKEN | PEER_DOOMED | PEER_FINISHED))
        return -1;
    if (peer->backlog && peer_full(peer))
        return WICK_BLOCKED;
    struct peer_io *io = peer_io_of(peer);
    if (io->owner == peer && io->iov_count && copy_small(io, slices, count))
        return 0;
    write_all(peer, slices, count);
    return peer->flags & PEER_BROKEN ? -1 : 0;
}

void peer_write_last(struct peer *peer, const wick_slice *slices, size_t count)
{
    if (!(peer->flags & (PEER_BROKEN | PEER_DOOMED | PEER_FINISHED)))
        write_all(peer, slices, count);
}

int peer_output_moves(struct peer *peer)
{
    int unacknowledged = 0;
    if (!peer_queued(peer) || ioctl(peer->source.fd, SIOCOUTQ, &unacknowledged) < 0)
        return 0;
    struct backlog *backlog = peer_backlog(peer);
    size_t pending = peer_queued(peer) + (size_t)unacknowledged;
    int moves = backlog && pending != backlog->pending;
    if (backlog)
        backlog->pending = pending;
    return moves;
}

int peer_acknowledged(struct peer *peer)
{
    int unacknowledged = 0;
    return !peer_queued(peer) && ioctl(peer->source.fd, SIOCOUTQ, &unacknowledged) == 0 && !unacknowledged;
}

int peer_full(struct peer *peer)
{
    if (peer_queued(peer) < peer_output_limit(peer))
        return 0;
    if (!(peer->flags & PEER_STUCK)) {
        flush_queue(peer); /* queued behind another peer's gather: the kernel has not been asked yet */
        if (peer_queued(peer) < peer_output_limit(peer))
            return 0;
    }
    peer->flags |= PEER_WANTS_ROOM;
    peer_touch(peer);
    return 1;
}
