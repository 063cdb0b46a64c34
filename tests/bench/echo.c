/*
 * echo: the server's CPU time per message for echo over loopback TCP, 64 connections, beside a raw TCP echo without
 * any framing.
 *
 *     build/bench/echo [rounds [case]]
 *
 * The raw server is one epoll loop with one recv() and one send() for whatever has come: what the kernel alone
 * costs. The two are measured in turn, round by round; what counts is the ratio of the best rounds. CPU time is
 * read from the server's clock, so a busy neighbour disturbs less than it would in throughput. Then: resident
 * memory of idle connections.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>

#include "wick.h"

#define CONNECTIONS 64
#define BUFFER (1u << 20)
#define ROUND_NS 200000000ll

static const struct {
    const char *name;
    size_t size;
    int in_flight;
    double goal;
} cases[] = {
    { "20 B, 1 in flight", 20, 1, 1.06 },       { "20 B, 16 in flight", 20, 16, 1.10 },
    { "1 KiB, 16 in flight", 1024, 16, 1.15 },  { "16 KiB, 1 in flight", 16384, 1, 1.15 },
    { "16 KiB, 4 in flight", 16384, 4, 1.25 },
};

struct server {
    const char *name;
    pid_t pid;
    unsigned port;
    int framed;
};

static char buffer[BUFFER];

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    if (clock_gettime(clock, &t) < 0)
        die("clock_gettime");
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- Servers
 * ----------------------------------------------------------------------------------------------------- */

static void raw_loop(int listener)
{
    static char data[128u << 10];
    struct epoll_event events[256], event = { .events = EPOLLIN, .data = { .fd = listener } };
    int epoll = epoll_create1(0);
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                event.data.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
                epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event);
                continue;
            }
            ssize_t got = recv(fd, data, sizeof data, 0);
            if (got <= 0) {
                close(fd);
                continue;
            }
            for (ssize_t at = 0; at < got;) {
                ssize_t sent = send(fd, data + at, (size_t)(got - at), MSG_NOSIGNAL);
                if (sent < 0 && errno != EAGAIN)
                    break;
                at += sent > 0 ? sent : 0;
            }
        }
    }
}

static void start_raw(struct server *server)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof address;
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, 4096) < 0)
        die("listen");
    getsockname(fd, (struct sockaddr *)&address, &len);
    server->port = ntohs(address.sin_port);
    server->pid = fork();
    if (server->pid == 0)
        raw_loop(fd);
    close(fd);
}

static void start_wick(struct server *server)
{
    const char *build = getenv("B");
    char path[256], line[256];
    int out[2];
    snprintf(path, sizeof path, "%s/bin/echo_server", build ? build : "build");
    if (pipe(out) < 0)
        die("pipe");
    server->pid = fork();
    if (server->pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(out[1], 1);
        dup2(null, 2);
        execl(path, path, "--port", "0", (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    ssize_t got = read(out[0], line, sizeof line - 1);
    line[got > 0 ? got : 0] = '\0';
    const char *colon = strrchr(line, ':');
    if (!colon || sscanf(colon, ":%u", &server->port) != 1) {
        fprintf(stderr, "%s did not start\n", path);
        exit(1);
    }
    close(out[0]);
}

static int64_t cpu_ns(const struct server *server)
{
    clockid_t clock;
    if (clock_getcpuclockid(server->pid, &clock) != 0)
        die("clock_getcpuclockid");
    return clock_ns(clock);
}

static size_t resident(const struct server *server)
{
    char path[64], line[256];
    size_t kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)server->pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "VmRSS: %zu", &kib) == 1)
            break;
    if (file)
        fclose(file);
    return kib << 10;
}

/* ---- The client
 * -------------------------------------------------------------------------------------------------- */

/* Loopback has many addresses; each gives another range of ports. */
static int dial(const struct server *server, int index)
{
    struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK + (unsigned)index % 4) } };
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)server->port),
                              .sin_addr = { htonl(INADDR_LOOPBACK) } };
    static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0)
        die("socket");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        die("connect");
    if (server->framed) {
        if (send(fd, request, sizeof request - 1, 0) < 0 || recv(fd, buffer, BUFFER, 0) < 12 ||
            memcmp(buffer + 9, "101", 3) != 0)
            die("handshake");
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

/* One burst as it is sent; *back is what comes back for it. */
static size_t make_burst(const struct server *server, size_t size, int in_flight, char *out, size_t *back)
{
    size_t len = 0;
    *back = 0;
    for (int i = 0; i < in_flight; i++) {
        if (server->framed) {
            wick_frame frame = { .len = size, .key = 0x12345678, .opcode = WICK_BINARY, .fin = 1, .masked = 1 };
            len += wick_frame_encode(&frame, (uint8_t *)out + len);
            frame.masked = 0;
            uint8_t header[WICK_FRAME_HEADER_MAX];
            *back += wick_frame_encode(&frame, header);
        }
        memset(out + len, 'a' + i % 26, size);
        len += size;
        *back += size;
    }
    return len;
}

struct line {
    int fd;
    size_t owed; /* bytes that are to come back */
    size_t left; /* bytes of the burst still to be sent */
};

static void pump(struct line *line, const char *burst, size_t len, size_t back, int64_t *bursts)
{
    ssize_t got = recv(line->fd, buffer, BUFFER, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN))
        die("recv");
    if (got > 0)
        line->owed -= (size_t)got;
    if (!line->owed && !line->left) {
        ++*bursts;
        line->owed = back;
        line->left = len;
    }
    if (!line->left)
        return;
    ssize_t sent = send(line->fd, burst + (len - line->left), line->left, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN)
        die("send");
    line->left -= sent > 0 ? (size_t)sent : 0;
}

/* One round: nanoseconds of server CPU per message. */
static double measure(const struct server *server, size_t size, int in_flight)
{
    static char burst[BUFFER];
    struct line lines[CONNECTIONS];
    struct epoll_event events[CONNECTIONS];
    size_t back, len = make_burst(server, size, in_flight, burst, &back);
    int64_t bursts = 0, cpu = 0, before = 0, start;
    int epoll = epoll_create1(0), warm = 0;
    for (int i = 0; i < CONNECTIONS; i++) {
        lines[i] = (struct line){ dial(server, i), 0, 0 };
        struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data = { .ptr = &lines[i] } };
        epoll_ctl(epoll, EPOLL_CTL_ADD, lines[i].fd, &event);
    }
    start = clock_ns(CLOCK_MONOTONIC);
    for (;;) {
        int64_t now = clock_ns(CLOCK_MONOTONIC);
        if (!warm && now - start > ROUND_NS / 4) {
            warm = 1;
            bursts = 0;
            before = cpu_ns(server);
        }
        if (now - start > ROUND_NS)
            break;
        int count = epoll_wait(epoll, events, CONNECTIONS, 100);
        for (int i = 0; i < count; i++)
            pump(events[i].data.ptr, burst, len, back, &bursts);
    }
    cpu = cpu_ns(server) - before;
    for (int i = 0; i < CONNECTIONS; i++)
        close(lines[i].fd);
    close(epoll);
    return (double)cpu / (double)(bursts ? bursts * in_flight : 1);
}

static void measure_memory(const struct server *server)
{
    struct rlimit limit;
    int want = 10000, fds[10000];
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < 10100)
        want = (int)limit.rlim_cur - 100;
    size_t before = resident(server);
    for (int i = 0; i < want; i++)
        fds[i] = dial(server, i);
    usleep(200000);
    size_t after = resident(server);
    printf("%-6s %d idle connections: %.0f bytes each\n", server->name, want, ((double)after - (double)before) / want);
    for (int i = 0; i < want; i++)
        close(fds[i]);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 5;
    int only = argc > 2 ? atoi(argv[2]) : -1;
    struct server raw = { .name = "raw" }, wick = { .name = "wick", .framed = 1 };
    start_raw(&raw);
    start_wick(&wick);
    printf("%-22s %8s %8s %8s %8s %8s\n", "server CPU per message", "raw ns", "wick ns", "more ns", "ratio", "goal");
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        double best[2] = { 1e18, 1e18 };
        if (only >= 0 && (size_t)only != c)
            continue;
        for (int r = 0; r < rounds; r++) {
            double ns[2] = { measure(&raw, cases[c].size, cases[c].in_flight),
                             measure(&wick, cases[c].size, cases[c].in_flight) };
            for (int i = 0; i < 2; i++)
                if (ns[i] < best[i])
                    best[i] = ns[i];
        }
        printf("%-22s %8.0f %8.0f %8.0f %8.2f %8.2f\n", cases[c].name, best[0], best[1], best[1] - best[0],
               best[1] / best[0], cases[c].goal);
        fflush(stdout);
    }
    measure_memory(&wick);
    kill(raw.pid, SIGKILL);
    kill(wick.pid, SIGTERM);
    waitpid(raw.pid, NULL, 0);
    waitpid(wick.pid, NULL, 0);
    return 0;
}
