/*
 * peer.c - the engine of peer.h: slab, input, output, and what is done when a callback is over.
 *
 * Every callback of the loop is followed by engine_pass(), which settles the peers that were touched in it: their output is
 * sent, their state looked at, and what is closed goes. Nothing is freed anywhere else, so no code has to ask whether a
 * peer that it has just called still exists.
 *
 * The gather belongs to one peer at a time, the first that writes in a callback. What others write in the same callback (an
 * event for many viewers) is queued with each of them and leaves when they are settled: one system call for each peer, however
 * their writes were interleaved.
 */
#include "lib/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* Peers are allocated in blocks of this many bytes. */
#define SLAB_SIZE (64u << 10)
/* Copied output of one callback; and the largest single piece that is copied rather than sent from where it lies. */
#define CORK_SIZE (64u << 10)
#define COPY_MAX (16u << 10)
/* Pieces of the read buffer that stays unchanged are referred to, not copied, from this length on. */
#define REFER_MIN 1024u
#define GATHER_MAX 64

#define SLAB_PEERS ((SLAB_SIZE - sizeof(void *)) / sizeof(struct peer))

struct slab {
    struct slab *next;
    struct peer peers[SLAB_PEERS];
};

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

static void engine_pass(struct loop *loop);
static void on_peer_ready(struct loop *loop, struct source *source, unsigned events);
static void on_peer_due(struct loop *loop, struct source *source);

static const struct source_type peer_type = { on_peer_ready, on_peer_due };

static struct peer *peer_of(struct source *source)
{
    return (struct peer *)(void *)source; /* its first member */
}

static struct peer_io *io_of(const struct peer *peer)
{
    return peer->service->loop->io;
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

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
    struct peer **touched = realloc(io->touched, cap * sizeof(struct peer *));
    if (!touched)
        return -1;
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

static struct backlog *backlog_of(struct peer *peer)
{
    if (!peer->backlog)
        peer->backlog = calloc(1, sizeof *peer->backlog);
    return peer->backlog;
}

static void trim_backlog(struct peer *peer)
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

/* Room for need bytes behind the len bytes that begin at *at of *data. Moves them to the front, or grows. */
static int reserve(uint8_t **data, size_t *at, size_t len, size_t *cap, size_t need)
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

/* ---- Output ------------------------------------------------------------------------------------------------------ */

size_t peer_queued(const struct peer *peer)
{
    return peer->backlog ? peer->backlog->out_len : 0;
}

static size_t output_limit(const struct peer *peer)
{
    return peer->service->output_limit ? peer->service->output_limit : PEER_OUTPUT_LIMIT;
}

static void set_broken(struct peer *peer)
{
    peer->flags |= PEER_BROKEN;
    peer_touch(peer);
}

static int enqueue(struct peer *peer, const uint8_t *data, size_t len)
{
    struct backlog *backlog = backlog_of(peer);
    if (!backlog || reserve(&backlog->out, &backlog->out_at, backlog->out_len, &backlog->out_cap, len) < 0)
        return -1;
    memcpy(backlog->out + backlog->out_at + backlog->out_len, data, len);
    backlog->out_len += len;
    return 0;
}

/* Send pieces; what the kernel does not take is queued. A peer whose bytes cannot be kept is broken. */
static void send_pieces(struct peer *peer, struct iovec *iov, int count)
{
    struct msghdr message = { .msg_iov = iov, .msg_iovlen = (size_t)count };
    ssize_t sent = sendmsg(peer->source.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    size_t taken = sent > 0 ? (size_t)sent : 0;
    if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        set_broken(peer);
        return;
    }
    for (int i = 0; i < count; i++) {
        if (taken >= iov[i].iov_len) {
            taken -= iov[i].iov_len;
            continue;
        }
        peer->flags |= PEER_STUCK;
        if (enqueue(peer, (uint8_t *)iov[i].iov_base + taken, iov[i].iov_len - taken) < 0) {
            set_broken(peer);
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
    if (!backlog || !backlog->out_len || (peer->flags & PEER_BROKEN))
        return;
    ssize_t sent = send(peer->source.fd, backlog->out + backlog->out_at, backlog->out_len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
        peer->flags |= PEER_STUCK;
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            set_broken(peer);
        return;
    }
    backlog->out_at += (size_t)sent;
    backlog->out_len -= (size_t)sent;
    if (backlog->out_len)
        peer->flags |= PEER_STUCK;
    trim_backlog(peer);
}

/* All that is known to be writable: the gather if it is this peer's, and the queue unless the kernel has just refused. */
static void flush(struct peer *peer)
{
    struct peer_io *io = io_of(peer);
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
 * Add one piece to the owner's gather. What can neither be copied nor referred to later is sent at once, behind what was
 * gathered before it.
 */
static void write_piece(struct peer *peer, const uint8_t *data, size_t len)
{
    struct peer_io *io = io_of(peer);
    int refer = len >= REFER_MIN && peer->service->keeps_input && in_read_buffer(io, data);
    int copy = !refer && len <= COPY_MAX;
    if (io->iov_count == GATHER_MAX || (copy && len > sizeof io->cork - io->cork_len)) {
        flush_gather(io);
        io->owner = peer;
    }
    if (peer_queued(peer)) {
        if (enqueue(peer, data, len) < 0)
            set_broken(peer);
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
            set_broken(peer);
}

static void write_all(struct peer *peer, const wick_slice *slices, size_t count)
{
    struct peer_io *io = io_of(peer);
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
    write_all(peer, slices, count);
    return peer->flags & PEER_BROKEN ? -1 : 0;
}

void peer_write_last(struct peer *peer, const wick_slice *slices, size_t count)
{
    if (!(peer->flags & (PEER_BROKEN | PEER_DOOMED | PEER_FINISHED)))
        write_all(peer, slices, count);
}

int peer_full(struct peer *peer)
{
    if (peer_queued(peer) < output_limit(peer))
        return 0;
    if (!(peer->flags & PEER_STUCK)) {
        flush_queue(peer); /* queued behind another peer's gather: the kernel has not been asked yet */
        if (peer_queued(peer) < output_limit(peer))
            return 0;
    }
    peer->flags |= PEER_WANTS_ROOM;
    peer_touch(peer);
    return 1;
}

/* ---- Input ------------------------------------------------------------------------------------------------------- */

static int keep_input(struct peer *peer, const uint8_t *data, size_t len)
{
    struct backlog *backlog = backlog_of(peer);
    if (!backlog || reserve(&backlog->in, &backlog->in_at, backlog->in_len, &backlog->in_cap, len) < 0)
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
    trim_backlog(peer);
}

static void end_input(struct peer *peer)
{
    peer_touch(peer);
    if (peer->flags & PEER_ENDED)
        return;
    peer->flags |= PEER_ENDED;
    peer->service->protocol->on_end(peer);
}

static void read_input(struct peer *peer)
{
    struct peer_io *io = io_of(peer);
    ssize_t got = recv(peer->source.fd, io->read, sizeof io->read, MSG_DONTWAIT);
    if (got < 0) {
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            set_broken(peer);
        return;
    }
    if (got == 0) {
        end_input(peer);
        return;
    }
    size_t len = (size_t)got, used = 0;
    int kept = peer->backlog && peer->backlog->in_len;
    if (!kept)
        used = offer(peer, io->read, len);
    if (used < len && keep_input(peer, io->read + used, len - used) < 0)
        set_broken(peer);
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
        set_broken(peer);
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

/* ---- Settling ---------------------------------------------------------------------------------------------------- */

void peer_touch(struct peer *peer)
{
    struct peer_io *io = io_of(peer);
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
    if (!(peer->flags & (PEER_ENDED | PEER_HELD)))
        events |= EPOLLIN;
    if (peer->flags & PEER_WATCH_END && !(peer->flags & PEER_ENDED))
        events |= EPOLLRDHUP;
    if (peer_queued(peer) || peer->flags & (PEER_WANTS_ROOM | PEER_REOFFER))
        events |= EPOLLOUT;
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
    flush(peer);
    if (peer->flags & PEER_WANTS_ROOM && peer_queued(peer) <= output_limit(peer) / 2) {
        peer->flags &= (uint16_t)~PEER_WANTS_ROOM;
        peer->service->protocol->on_room(peer);
    }
    if ((peer->flags & (PEER_REOFFER | PEER_HELD)) == PEER_REOFFER) {
        peer->flags &= (uint16_t)~PEER_REOFFER;
        offer_kept(peer);
    }
    if (peer->service->protocol->on_settle)
        peer->service->protocol->on_settle(peer);
    flush(peer);
}

static void shut_down(struct peer *peer)
{
    if (peer_queued(peer) || peer->flags & PEER_SHUT)
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

/* A stack: a peer stands in it at most once, so there is always room, and one that is settled may be touched again. */

static void engine_pass(struct loop *loop)
{
    struct peer_io *io = loop->io;
    while (io->touched_count)
        settle(io->touched[--io->touched_count]);
}

/* ---- All of them ------------------------------------------------------------------------------------------------- */

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
