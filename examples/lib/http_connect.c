/*
 * http_connect.c - from a host name to a connection, one address after the other: for http_client.c.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/http_call.h"
#include "lib/tls.h"

static int open_socket(struct http_call *call, const struct resolve_address *to)
{
    const struct sockaddr *address = (const struct sockaddr *)&to->address;
    int on = 1;
    socket_name(address, to->len, call->trace.address);
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, address, to->len) == 0 || errno == EINPROGRESS)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

/* An address that does not answer leaves time for those behind it. */
static void arm_connect(struct http_call *call)
{
    uint64_t addresses = 1 + call->addresses.count - call->next, now = call->loop->now_ms;
    call->deadline = call->connect_deadline > now ? now + (call->connect_deadline - now) / addresses : now;
    http_call_arm(call);
}

/* Start with the next address that lets us. Returns 0, or -1 if there is none: trace.error says why. */
static int try_next(struct http_call *call)
{
    while (call->next < call->addresses.count) {
        int fd = open_socket(call, &call->addresses.list[call->next++]);
        if (fd < 0) {
            call->trace.error = errno;
            continue;
        }
        struct peer *peer = peer_new(&http_calls, fd, EPOLLOUT);
        if (!peer) {
            call->trace.error = ENOMEM;
            close(fd);
            continue;
        }
        peer->as.call = call;
        call->peer = peer;
        peer_hold(peer, 0);
        arm_connect(call);
        return 0;
    }
    return -1;
}

void http_connect_next(struct http_call *call, int error)
{
    http_call_drop_peer(call);
    call->trace.error = error;
    if (try_next(call) == 0)
        return;
    error = call->trace.error;
    http_call_finish(call, error == ECONNREFUSED ? HTTP_REFUSED : error == ETIMEDOUT ? HTTP_TIMEOUT : HTTP_UNREACHABLE);
}

static int has_connected(const struct peer *peer)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    return getpeername(peer->source.fd, (struct sockaddr *)&address, &len) == 0;
}

/* The way is free: send the request. */
static void ask(struct peer *peer)
{
    struct http_call *call = peer->as.call;
    wick_slice slice = { (const uint8_t *)call->request, call->request_len };
    call->trace.stage = HTTP_AWAITING;
    call->deadline = http_call_after(call, call->head_ms);
    http_call_begin_head(call);
    peer_write(peer, &slice, 1);
    http_call_arm(call);
}

static void connected(struct peer *peer)
{
    struct http_call *call = peer->as.call;
    call->trace.connected_ms = call->loop->now_ms;
    call->trace.error = 0;
    peer_go_on(peer);
    if (!call->url.secure) {
        ask(peer);
        return;
    }
    call->trace.stage = HTTP_SECURING;
    if (tls_connect(peer, call->url.host) < 0) {
        http_call_finish(call, HTTP_NO_MEMORY);
        return;
    }
    call->deadline = http_call_after(call, call->head_ms);
    http_call_arm(call);
}

/* While it is connecting, the peer is asked to tell of room: that is when it is settled again. */
void http_connect_settle(struct peer *peer)
{
    struct http_call *call = peer->as.call;
    if (call && call->trace.stage == HTTP_SECURING && tls_is_ready(peer)) {
        call->trace.secured_ms = call->loop->now_ms;
        ask(peer);
    }
    if (!call || call->trace.stage != HTTP_CONNECTING)
        return;
    if (has_connected(peer))
        connected(peer);
    else
        peer->flags |= PEER_WANTS_ROOM;
}

static void resolved(struct http_call *call)
{
    if (call->addresses.error) {
        call->trace.text = gai_strerror(call->addresses.error);
        http_call_finish(call, HTTP_NO_HOST);
        return;
    }
    call->trace.resolved_ms = call->loop->now_ms;
    call->trace.stage = HTTP_CONNECTING;
    http_connect_next(call, 0);
}

static void on_resolved(void *user, const struct resolved *result)
{
    struct http_call *call = user;
    call->resolve = NULL;
    call->addresses = *result;
    resolved(call);
}

/* The first step, from the loop, so that no callback comes before http_call_start() has returned. */
void http_connect_begin(struct http_call *call)
{
    char host[256];
    if (call->trace.outcome == HTTP_PENDING && call->url.host.len >= sizeof host)
        call->trace.outcome = HTTP_BAD_URL;
    if (call->trace.outcome != HTTP_PENDING) {
        http_call_finish(call, call->trace.outcome);
        return;
    }
    memcpy(host, call->url.host.data, call->url.host.len);
    host[call->url.host.len] = '\0';
    if (resolve_digits(host, call->url.port, &call->addresses) == 0) {
        resolved(call);
        return;
    }
    call->resolve = resolve_start(call->loop, host, call->url.port, on_resolved, call);
    call->deadline = call->connect_deadline;
    if (call->resolve)
        http_call_arm(call);
    else
        http_call_finish(call, HTTP_NO_MEMORY);
}
