/*
 * http_listen.c - listening, accepting, draining.
 *
 * When the process is out of descriptors, a spare one is given up for a moment to accept and close the connection
 * that waits: its client learns that it is not served, and the loop does not spin on a listener that stays ready.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/http_internal.h"
#include "lib/log.h"

/* Connections taken before the loop looks at other descriptors. */
#define ACCEPT_BATCH 64
#define ACCEPT_PAUSE_MS 100
#define DRAIN_LOOK_MS 10

static struct http_server *server_with(struct source *listener)
{
    return (struct http_server *)(void *)((char *)listener - offsetof(struct http_server, listener));
}

static int open_spare(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void turn_away(struct http_server *server)
{
    uint64_t now = server->loop->now_ms;
    close(server->spare_fd);
    int fd = accept4(server->listener.fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    server->spare_fd = open_spare();
    if (now < server->quiet_until)
        return;
    server->quiet_until = now + 1000;
    log_line("connection turned away: out of file descriptors (%zu connections)", server->service.count);
}

/* Returns 1 to go on accepting. */
static int accept_failed(struct http_server *server, int error)
{
    switch (error) {
    case EAGAIN:
        return 0;
    case EMFILE:
    case ENFILE:
        if (server->spare_fd >= 0) {
            turn_away(server);
            return 1;
        }
        break;
    case ENOBUFS:
    case ENOMEM:
        break;
    default:
        return 1; /* that connection has failed, not the listener: accept(2), "Error handling" */
    }
    log_line("cannot accept connections: %s; trying again in %d ms", strerror(error), ACCEPT_PAUSE_MS);
    loop_change(server->loop, &server->listener, 0);
    loop_arm(server->loop, &server->listener, server->loop->now_ms + ACCEPT_PAUSE_MS);
    return 0;
}

static void on_listener_ready(struct loop *loop, struct source *source, unsigned events)
{
    struct http_server *server = server_with(source);
    (void)loop;
    (void)events;
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        int fd = accept4(source->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (!accept_failed(server, errno))
                return;
            continue;
        }
        struct peer *peer = peer_new(&server->service, fd, EPOLLIN);
        if (!peer) {
            close(fd);
            continue;
        }
        if (server->trust && server->trust->count)
            peer->phase = HTTP_ARRIVAL; /* a PROXY header comes before TLS */
        else if (server->tls && tls_accept(peer, server->tls, NULL, 0) < 0)
            peer_close(peer);
        http_set_deadline(peer, http_or_default(server->head_timeout_ms, 10000));
    }
}

static void on_listener_due(struct loop *loop, struct source *source)
{
    if (server_with(source)->spare_fd < 0)
        server_with(source)->spare_fd = open_spare();
    loop_change(loop, source, EPOLLIN);
}

static const struct source_type listener_type = { on_listener_ready, on_listener_due };

/* What somebody gets who speaks plain HTTP to a server that speaks TLS. */
static void prepare_plain_answer(struct http_server *server)
{
    static char answer[2048];
    size_t len;
    wick_handshake shake;
    wick_handshake_refuse(&shake, WICK_REFUSE_BAD_REQUEST);
    shake.detail = WICK_STR("This is plain HTTP, and the port speaks TLS.");
    shake.hint = WICK_STR("Use wss:// or https://; in a proxy, https in proxy_pass or reverse_proxy, or `ssl` in "
                          "HAProxy's server line.");
    if (wick_handshake_write(&shake, NULL, server->stamp, server->stamp_count, answer, sizeof answer, &len) == WICK_OK)
        tls_identity_answer_plain(server->tls, answer, len);
}

int http_listen(struct http_server *server, const char *host, unsigned port)
{
    loop_raise_descriptors();
    int fd = socket_listen(host, port, server->authority);
    source_init(&server->listener, &listener_type);
    if (fd < 0) {
        log_line("cannot listen on %s port %u: %s", host, port, server->authority);
        return -1;
    }
    server->service.loop = server->loop;
    server->service.protocol = &http_protocol;
    server->port = socket_port(fd);
    server->spare_fd = open_spare();
    if (server->tls)
        prepare_plain_answer(server);
    if (loop_watch(server->loop, &server->listener, fd, EPOLLIN) == 0)
        return 0;
    log_line("cannot listen on %s: %s", server->authority, strerror(errno));
    close(fd);
    return -1;
}

void http_close(struct http_server *server)
{
    int fd = server->listener.fd;
    if (fd < 0)
        return;
    loop_drop(server->loop, &server->listener);
    close(fd);
    if (server->spare_fd >= 0)
        close(server->spare_fd);
    server->spare_fd = -1;
}

/* ---- Draining
 * ---------------------------------------------------------------------------------------------------- */

static void send_away(struct peer *peer, void *arg)
{
    if (peer_is_ws(peer)) {
        ws_close(peer, 1001, "the server is going down");
        return;
    }
    if (peer->service->protocol != &http_protocol)
        return;
    (void)arg;
    peer->as.http.keep_alive = 0;
    if (peer->phase == HTTP_ARRIVAL || (peer->phase == HTTP_HEAD && !peer->as.http.message && !peer_queued(peer)))
        peer_close(peer);
}

static void count_busy(struct peer *peer, void *arg)
{
    size_t *busy = arg;
    int http = peer->service->protocol == &http_protocol;
    int waits = peer->phase == HTTP_HEAD || peer->phase == HTTP_LINGER || peer->phase == HTTP_ARRIVAL;
    if (!http || peer_queued(peer) || !waits)
        ++*busy;
}

static void on_drain_due(struct loop *loop, struct source *source)
{
    size_t at = offsetof(struct http_server, drainer);
    struct http_server *server = (struct http_server *)(void *)((char *)source - at);
    size_t busy = 0;
    peer_each(loop, count_busy, &busy);
    if (busy && loop->now_ms < server->drain_deadline) {
        loop_arm(loop, source, loop->now_ms + DRAIN_LOOK_MS);
        return;
    }
    server->on_drained(server);
}

static const struct source_type drainer_type = { .on_due = on_drain_due };

void http_drain(struct http_server *server, void (*on_drained)(struct http_server *server))
{
    if (server->draining)
        return;
    server->draining = 1;
    server->on_drained = on_drained;
    server->drain_deadline = server->loop->now_ms + http_or_default(server->drain_ms, 3000);
    source_init(&server->drainer, &drainer_type);
    peer_each(server->loop, send_away, NULL);
    loop_arm(server->loop, &server->drainer, server->loop->now_ms + DRAIN_LOOK_MS);
}
