/*
 * The WebSocket peers of examples/lib when the other end does not do its part: it does not read, it is not read. One process:
 * the loop runs for a while, the other end is a bare socket.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/test.h"
#include "lib/ws.h"

#define PING_MS 40
#define PONG_MS 60
#define CLOSE_MS 80
#define PIECE 65536u
/* Longer than any of the times that end a connection, also on a slow machine. */
#define LONG_MS 700

static struct loop loop;
static struct peer *peer; /* the one of a case; NULL when it has gone */
static wick_status gone_why;
static unsigned heard;
static int hold_next;

/* ---- The host ---- */

static int on_message(wick_conn *conn, void *user, unsigned opcode, uint8_t *data, size_t len)
{
    (void)conn;
    (void)opcode;
    (void)data;
    (void)len;
    heard++;
    if (!hold_next)
        return 0;
    ws_hold(user);
    return WICK_PAUSED;
}

static void on_gone(struct peer *gone, wick_status why)
{
    if (gone != peer)
        return;
    peer = NULL;
    gone_why = why;
}

static const wick_conn_callbacks callbacks = {
    .on_output = ws_output, .on_memory = ws_memory, .on_message = on_message
};
static const wick_conn_config config = {
    .size = sizeof config, .callbacks = &callbacks, .ping_interval_ms = PING_MS, .pong_timeout_ms = PONG_MS,
    .close_timeout_ms = CLOSE_MS
};
static struct ws_service service = { .config = &config, .on_gone = on_gone };

static void on_time(struct loop *in, struct source *source)
{
    (void)source;
    loop_stop(in);
}

static const struct source_type time_type = { .on_due = on_time };

static void run_for(unsigned ms)
{
    struct source timer;
    source_init(&timer, &time_type);
    loop_arm(&loop, &timer, loop_clock(&loop) + ms);
    loop_run(&loop);
    loop_drop(&loop, &timer);
}

/* ---- The other end ---- */

/* A connection over TCP, because only that acknowledges. Returns the other end's socket. */
static int connect_pair(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t len = sizeof at;
    int small = 4096, listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    if (bind(listener, (struct sockaddr *)&at, len) < 0 || listen(listener, 1) < 0 ||
        getsockname(listener, (struct sockaddr *)&at, &len) < 0 || connect(fd, (struct sockaddr *)&at, len) < 0)
        test_fail(__FILE__, __LINE__, "no connection: %s", strerror(errno));
    int accepted = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    close(listener);
    heard = 0;
    hold_next = 0;
    loop_clock(&loop);
    peer = peer_new(&service.service, accepted, EPOLLIN);
    ws_start(peer, &service, NULL);
    return fd;
}

/* Write messages until the kernel takes no more, and one more message if `over`. Returns the bytes written. */
static size_t fill(int over)
{
    static uint8_t piece[PIECE];
    size_t count = 0;
    int waiting = 0;
    while (!waiting && count < 1000) {
        CHECK_STATUS(wick_conn_send(&peer->as.ws, WICK_BINARY, piece, sizeof piece), WICK_OK);
        count++;
        waiting = over ? peer_queued(peer) > 0 : !peer_acknowledged(peer);
        run_for(over ? 0 : 1);
    }
    CHECK(count < 1000);
    return count * (PIECE + 10);
}

static void say(int fd, const void *bytes, size_t len)
{
    CHECK_INT(send(fd, bytes, len, MSG_NOSIGNAL), (long long)len);
}

static const uint8_t close_1000[] = { 0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8 };
static const uint8_t text[] = { 0x81, 0x81, 0, 0, 0, 0, 'x' };
static const uint8_t pong[] = { 0x8A, 0x80, 0, 0, 0, 0 };

/* ---- It does not read ---- */

/* It says goodbye and ends its side, but takes nothing: once its time is over the connection goes, queue and all. */
static void a_peer_that_says_goodbye_and_never_reads(void)
{
    int fd = connect_pair();
    fill(1);
    say(fd, close_1000, sizeof close_1000);
    shutdown(fd, SHUT_WR);
    run_for(CLOSE_MS / 4);
    CHECK(peer != NULL); /* what is queued may still leave */
    run_for(LONG_MS);
    CHECK(peer == NULL);
    CHECK_STATUS(gone_why, WICK_OK);
    close(fd);
}

/* The same, but slowly it reads: it gets every byte, the close frame last, however long that takes. */
static void a_peer_that_says_goodbye_and_reads_slowly(void)
{
    static uint8_t buffer[1u << 20];
    int fd = connect_pair();
    size_t want = fill(1) + 4, got = 0;
    ssize_t n = 1;
    say(fd, close_1000, sizeof close_1000);
    shutdown(fd, SHUT_WR);
    for (int i = 0; i < 15; i++) {
        n = recv(fd, buffer, 8192, MSG_DONTWAIT);
        got += n > 0 ? (size_t)n : 0;
        run_for(20);
    }
    CHECK(peer != NULL);
    while (n != 0 && !test_failed()) {
        run_for(1);
        n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
        got += n > 0 ? (size_t)n : 0;
        CHECK(n >= 0 || errno == EAGAIN);
    }
    CHECK_INT(got, want);
    run_for(CLOSE_MS / 4);
    CHECK(peer == NULL);
    close(fd);
}

/* ---- It is not read ---- */

/* Held for much longer than a ping and its pong may take: it is there, and what it has said meanwhile is heard after. */
static void a_held_peer_lives(void)
{
    int fd = connect_pair();
    hold_next = 1;
    say(fd, text, sizeof text);
    for (int i = 0; i < 10; i++) {
        run_for(LONG_MS / 10);
        say(fd, pong, sizeof pong); /* it does what it ought to, which nobody hears */
    }
    CHECK(peer != NULL);
    CHECK_INT(heard, 1);
    if (test_failed())
        return;
    hold_next = 0;
    say(fd, text, sizeof text);
    ws_go_on(peer);
    for (int i = 0; i < PING_MS && heard < 2; i++)
        run_for(1);
    CHECK(peer != NULL);
    CHECK_INT(heard, 2);
    run_for(LONG_MS); /* from now on a pong is missed again */
    CHECK(peer == NULL);
    CHECK_STATUS(gone_why, WICK_E_PONG_TIMEOUT);
    close(fd);
}

/* It is gone, and nobody reads that: the ping tells. */
static void a_held_peer_that_has_gone(void)
{
    int fd = connect_pair();
    hold_next = 1;
    say(fd, text, sizeof text);
    run_for(5);
    CHECK_INT(heard, 1);
    close(fd);
    run_for(LONG_MS);
    CHECK(peer == NULL);
}

/* Its kernel acknowledges nothing any more. */
static void a_held_peer_that_acknowledges_nothing(void)
{
    int fd = connect_pair();
    hold_next = 1;
    say(fd, text, sizeof text);
    run_for(5);
    fill(0);
    run_for(LONG_MS);
    CHECK(peer == NULL);
    CHECK_STATUS(gone_why, WICK_E_PONG_TIMEOUT);
    close(fd);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    if (!freopen("/dev/null", "w", stderr) || loop_init(&loop) < 0)
        return 1;
    service.service.loop = &loop;
    service.service.output_limit = 4u << 20;
    RUN(a_peer_that_says_goodbye_and_never_reads);
    RUN(a_peer_that_says_goodbye_and_reads_slowly);
    RUN(a_held_peer_lives);
    RUN(a_held_peer_that_has_gone);
    RUN(a_held_peer_that_acknowledges_nothing);
    peer_free_all(&loop);
    loop_free(&loop);
    return test_end();
}
