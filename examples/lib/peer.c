/*
 * peer.c - the engine of peer.h: slab, input, output, and what is done when a callback is over.
 *
 * Every callback of the loop is followed by engine_pass(), which settles the peers that were touched in it: their
 * output is sent, their state looked at, and what is closed goes. Nothing is freed anywhere else, so no code has to
 * ask whether a peer that it has just called still exists.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/peer_internal.h"
#include "lib/tls.h"
#include "lib/visitor.h"

/* Peers are allocated in blocks of this many bytes. */
#define SLAB_SIZE (64u << 10)
#define SLAB_PEERS ((SLAB_SIZE - sizeof(void *)) / sizeof(struct peer))

struct slab {
    struct slab *next;
    struct peer peers[SLAB_PEERS];
};

static void engine_pass(struct loop *loop);
static void on_peer_ready(struct loop *loop, struct source *source, unsigned events);
static void on_peer_due(struct loop *loop, struct source *source);

static const struct source_type peer_type = { on_peer_ready, on_peer_due };

static struct peer *peer_of(struct source *source)
{
    return (struct peer *)(void *)source; /* its first member */
}

/* ---- Memory
 * ------------------------------------------------------------------------------------------------------ */

static int io_init(struct loop *loop)
{
    if (loop->io)
        return 0;
    loop->io = malloc(sizeof *loop->io);
    if (!loop->io)
        return -1;
    memset(loop->io, 0, offsetof(struct peer_io, cork));
    loop->on_pass = engine_pass;
    return 0;
}

static int reserve_touched(struct peer_io *io)
{
    if (io->count < io->touched_cap)
        return 0;
    size_t cap = io->touched_cap ? io->touched_cap * 2 : 256;
    /* Not realloc(): what is unused stays untouched memory. */
    struct peer **touched = malloc(cap * sizeof(struct peer *));
    if (!touched)
        return -1;
    if (io->touched_count)
        memcpy(touched, io->touched, io->touched_count * sizeof(struct peer *));
    free(io->touched);
    io->touched = touched;
    io->touched_cap = cap;
    return 0;
}

static struct peer *slab_take(struct peer_io *io)
{
    struct peer *peer = io->free;
    if (peer) {
        io->free = peer->as.next_free;
        return peer;
    }
    if (!io->slabs || io->slab_used == SLAB_PEERS) {
        struct slab *slab = malloc(sizeof *slab);
        if (!slab)
            return NULL;
        slab->next = io->slabs;
        io->slabs = slab;
        io->slab_used = 0;
    }
    return &io->slabs->peers[io->slab_used++];
}

static void slab_give(struct peer_io *io, struct peer *peer)
{
    peer->service = NULL;
    peer->as.next_free = io->free;
    io->free = peer;
}

struct peer *peer_new(struct service *service, int fd, unsigned events)
{
    struct loop *loop = service->loop;
    if (io_init(loop) < 0 || reserve_touched(loop->io) < 0)
        return NULL;
    struct peer *peer = slab_take(loop->io);
    if (!peer)
        return NULL;
    memset(peer, 0, sizeof *peer);
    source_init(&peer->source, &peer_type);
    if (loop_watch(loop, &peer->source, fd, events) < 0) {
        slab_give(loop->io, peer);
        return NULL;
    }
    peer->service = service;
    peer->watched = (uint16_t)events;
    service->count++;
    loop->io->count++;
    return peer;
}

void peer_become(struct peer *peer, struct service *service)
{
    peer->service->count--;
    peer->service = service;
    service->count++;
}

struct backlog *peer_backlog(struct peer *peer)
{
    if (!peer->backlog)
        peer->backlog = calloc(1, sizeof *peer->backlog);
    return peer->backlog;
}

void peer_trim(struct peer *peer)
{
    struct backlog *backlog = peer->backlog;
    if (!backlog)
        return;
    if (!backlog->out_len) {
        free(backlog->out);
        backlog->out = NULL;
        backlog->out_at = backlog->out_cap = 0;
    }
    if (!backlog->in_len) {
        free(backlog->in);
        backlog->in = NULL;
        backlog->in_at = backlog->in_cap = 0;
    }
    if (!backlog->out && !backlog->in) {
        free(backlog);
        peer->backlog = NULL;
    }
}

int peer_reserve(uint8_t **data, size_t *at, size_t len, size_t *cap, size_t need)
{
    if (need <= *cap - *at - len)
        return 0;
    if (need <= *cap - len && len <= *cap / 2) {
        memmove(*data, *data + *at, len);
        *at = 0;
        return 0;
    }
    size_t want = len + need;
    size_t doubled = *cap * 2 > want ? *cap * 2 : want;
    uint8_t *grown = malloc(doubled);
    if (!grown)
        return -1;
    if (len)
        memcpy(grown, *data + *at, len);
    free(*data);
    *data = grown;
    *at = 0;
    *cap = doubled;
    return 0;
}

/* The end of a peer; only from engine_pass() and peer_free_all(). */
static void destroy(struct peer *peer)
{
    struct service *service = peer->service;
    struct loop *loop = service->loop;
    struct peer_io *io = loop->io;
    if (service->protocol->on_free)
        service->protocol->on_free(peer);
    if (peer->flags & PEER_TLS)
        tls_leave(peer);
    visitor_leaves(peer);
    int fd = peer->source.fd;
    loop_drop(loop, &peer->source);
    close(fd);
    if (peer->backlog) {
        free(peer->backlog->out);
        free(peer->backlog->in);
        free(peer->backlog);
    }
    if (io->owner == peer) {
        io->owner = NULL;
        io->iov_count = 0;
        io->cork_len = 0;
    }
    service->count--;
    io->count--;
    slab_give(io, peer);
}

/* ---- Input
 * ------------------------------------------------------------------------------------------------------- */

static int keep_input(struct peer *peer, const uint8_t *data, size_t len)
{
    struct backlog *backlog = peer_backlog(peer);
    if (!backlog || peer_reserve(&backlog->in, &backlog->in_at, backlog->in_len, &backlog->in_cap, len) < 0)
        return -1;
    memcpy(backlog->in + backlog->in_at + backlog->in_len, data, len);
    backlog->in_len += len;
    return 0;
}

/* Offer bytes to the protocol, and again to the one that it has made of the peer. Returns the bytes consumed. */
static size_t offer(struct peer *peer, uint8_t *data, size_t len)
{
    const struct peer_protocol *protocol;
    size_t at = 0;
    do {
        protocol = peer->service->protocol;
        at += protocol->on_input(peer, data + at, len - at);
    } while (at < len && protocol != peer->service->protocol && !(peer->flags & (PEER_DOOMED | PEER_HELD)));
    peer_touch(peer);
    return peer->flags & PEER_DOOMED ? len : at;
}

static void offer_kept(struct peer *peer)
{
    static uint8_t nothing[1];
    struct backlog *backlog = peer->backlog;
    if (!backlog || !backlog->in_len) {
        offer(peer, nothing, 0);
        return;
    }
    size_t used = offer(peer, backlog->in + backlog->in_at, backlog->in_len);
    backlog->in_at += used;
    backlog->in_len -= used;
    peer_trim(peer);
}

static void end_input(struct peer *peer)
{
    peer_touch(peer);
    if (peer->flags & PEER_ENDED)
        return;
    peer->flags |= PEER_ENDED;
    peer->service->protocol->on_end(peer);
}

static ssize_t receive(struct peer *peer, uint8_t *data, size_t cap)
{
    if (peer->flags & PEER_TLS)
        return tls_receive(peer, data, cap);
    return recv(peer->source.fd, data, cap, MSG_DONTWAIT);
}

static void read_input(struct peer *peer)
{
    struct peer_io *io = peer_io_of(peer);
    ssize_t got = receive(peer, io->read, sizeof io->read);
    if (got < 0) {
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            peer_set_broken(peer);
        return;
    }
    if (got == 0) {
        end_input(peer);
        return;
    }
    if (peer->flags & PEER_TLS && tls_has_input(peer))
        peer->flags |= PEER_REOFFER;
    size_t len = (size_t)got, used = 0;
    int kept = peer->backlog && peer->backlog->in_len;
    if (!kept)
        used = offer(peer, io->read, len);
    if (used < len && keep_input(peer, io->read + used, len - used) < 0)
        peer_set_broken(peer);
    else if (kept)
        offer_kept(peer);
}

static void on_peer_ready(struct loop *loop, struct source *source, unsigned events)
{
    struct peer *peer = peer_of(source);
    (void)loop;
    if (events & EPOLLOUT) {
        peer->flags &= (uint16_t)~PEER_STUCK;
        peer_touch(peer);
    }
    if (events & EPOLLIN && peer->watched & EPOLLIN)
        read_input(peer);
    else if (events & (EPOLLHUP | EPOLLERR))
        peer_set_broken(peer);
    else if (events & EPOLLRDHUP)
        end_input(peer);
}

static void on_peer_due(struct loop *loop, struct source *source)
{
    struct peer *peer = peer_of(source);
    (void)loop;
    peer_touch(peer);
    peer->service->protocol->on_due(peer);
}

/* ---- Settling
 * ---------------------------------------------------------------------------------------------------- */

void peer_touch(struct peer *peer)
{
    struct peer_io *io = peer_io_of(peer);
    if (peer->flags & PEER_TOUCHED)
        return;
    peer->flags |= PEER_TOUCHED;
    io->touched[io->touched_count++] = peer;
}

void peer_hold(struct peer *peer, int watch_end)
{
    peer->flags |= PEER_HELD | (watch_end ? PEER_WATCH_END : 0);
    peer_touch(peer);
}

void peer_go_on(struct peer *peer)
{
    peer->flags &= (uint16_t) ~(PEER_HELD | PEER_WATCH_END);
    peer->flags |= PEER_REOFFER;
    peer_touch(peer);
}

void peer_finish(struct peer *peer)
{
    peer->flags |= PEER_FINISHED;
    peer_touch(peer);
}

void peer_close(struct peer *peer)
{
    peer->flags |= PEER_DOOMED;
    peer_touch(peer);
}

static unsigned wanted_events(const struct peer *peer)
{
    unsigned events = 0;
    if (peer->flags & PEER_TLS && !tls_is_ready(peer)) /* what the protocol has queued waits for the handshake */
        return (peer->flags & PEER_ENDED ? 0 : EPOLLIN) |
               (tls_queued(peer) || peer->flags & PEER_REOFFER ? EPOLLOUT : 0);
    if (!(peer->flags & (PEER_ENDED | PEER_HELD)))
        events |= EPOLLIN;
    if (peer->flags & PEER_WATCH_END && !(peer->flags & PEER_ENDED))
        events |= EPOLLRDHUP;
    if (peer_queued(peer) || peer->flags & PEER_WANTS_ROOM)
        events |= EPOLLOUT;
    if ((peer->flags & (PEER_REOFFER | PEER_HELD)) == PEER_REOFFER)
        events |= EPOLLOUT; /* comes at once: there is input to be offered in the next round */
    return events;
}

static void update_events(struct peer *peer)
{
    unsigned events = wanted_events(peer);
    if (events == peer->watched)
        return;
    peer->watched = (uint16_t)events;
    if (loop_change(peer->service->loop, &peer->source, events) < 0)
        peer->flags |= PEER_DOOMED;
}

/* Send what has been written and, once each, tell of room and offer kept input. */
static void advance(struct peer *peer)
{
    peer_flush(peer);
    if (peer->flags & PEER_WANTS_ROOM && peer_queued(peer) <= peer_output_limit(peer) / 2) {
        peer->flags &= (uint16_t)~PEER_WANTS_ROOM;
        peer->service->protocol->on_room(peer);
    }
    if ((peer->flags & (PEER_REOFFER | PEER_HELD)) == PEER_REOFFER) {
        peer->flags &= (uint16_t)~PEER_REOFFER;
        offer_kept(peer);
        if (peer->flags & PEER_TLS && !(peer->flags & (PEER_HELD | PEER_DOOMED)) && tls_has_input(peer))
            read_input(peer);
    }
    if (peer->service->protocol->on_settle)
        peer->service->protocol->on_settle(peer);
    peer_flush(peer);
}

static void shut_down(struct peer *peer)
{
    if (peer_queued(peer) || peer->flags & PEER_SHUT)
        return;
    if (peer->flags & PEER_TLS)
        tls_finish(peer);
    if (peer_queued(peer))
        return;
    peer->flags |= PEER_SHUT;
    if (peer->flags & PEER_ENDED || shutdown(peer->source.fd, SHUT_WR) < 0)
        peer->flags |= PEER_DOOMED;
}

static void settle(struct peer *peer)
{
    if (!(peer->flags & (PEER_DOOMED | PEER_BROKEN)))
        advance(peer);
    if (peer->flags & PEER_BROKEN && !(peer->flags & PEER_DOOMED)) {
        end_input(peer);
        peer->flags |= PEER_DOOMED;
    }
    if (peer->flags & PEER_FINISHED)
        shut_down(peer);
    if (!(peer->flags & PEER_DOOMED))
        update_events(peer);
    if (peer->flags & PEER_DOOMED)
        destroy(peer);
    else
        peer->flags &= (uint16_t)~PEER_TOUCHED;
}

/* A stack: a peer stands in it at most once, so there is always room, and one that is settled may be touched again.
 * */

static void engine_pass(struct loop *loop)
{
    struct peer_io *io = loop->io;
    while (io->touched_count)
        settle(io->touched[--io->touched_count]);
}

/* ---- All of them
 * ------------------------------------------------------------------------------------------------- */

void peer_each(struct loop *loop, void (*fn)(struct peer *peer, void *arg), void *arg)
{
    if (!loop->io)
        return;
    size_t used = loop->io->slab_used;
    for (struct slab *slab = loop->io->slabs; slab; slab = slab->next) {
        for (size_t i = 0; i < used; i++)
            if (slab->peers[i].service)
                fn(&slab->peers[i], arg);
        used = SLAB_PEERS;
    }
}

static void destroy_one(struct peer *peer, void *arg)
{
    (void)arg;
    peer->flags |= PEER_DOOMED | PEER_TOUCHED;
    destroy(peer);
}

void peer_free_all(struct loop *loop)
{
    struct peer_io *io = loop->io;
    if (!io)
        return;
    peer_each(loop, destroy_one, NULL);
    for (struct slab *slab = io->slabs; slab;) {
        struct slab *next = slab->next;
        free(slab);
        slab = next;
    }
    free(io->touched);
    free(io);
    loop->io = NULL;
    loop->on_pass = NULL;
}
