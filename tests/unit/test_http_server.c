/*
 * The HTTP server of examples/lib, from outside: a child runs it with short time limits, the cases speak to it over sockets.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/test.h"

/* ---- The server, in the child ------------------------------------------------------------------------------------ */

#include "lib/http_server.h"

/* More than the kernel takes for a connection that nobody reads: 4 MiB to send, 6 to receive. */
#define BIG (12u << 20)
#define PIECE 10000u

static struct loop loop;
static unsigned gone_count, ws_gone_count;

/* A request that is answered later, or a stream that is written piece by piece. */
struct job {
    struct source source;
    struct peer *peer;
    size_t written;
};

static int wick_echo(wick_conn *conn, void *user, unsigned opcode, uint8_t *data, size_t len)
{
    (void)user;
    return (int)wick_conn_send(conn, opcode, data, len);
}

static void on_ws_gone(struct peer *peer, wick_status why)
{
    (void)peer;
    (void)why;
    ws_gone_count++;
}

static const wick_conn_callbacks callbacks = {
    .on_output = ws_output, .on_memory = ws_memory, .on_message = wick_echo
};
static const wick_conn_config config = { .size = sizeof config, .callbacks = &callbacks, .close_timeout_ms = 300 };
static struct ws_service websockets = { .config = &config, .on_gone = on_ws_gone };
static const wick_conn_config beat_config = {
    .size = sizeof beat_config, .callbacks = &callbacks, .ping_interval_ms = 200, .pong_timeout_ms = 200
};
static struct ws_service beating = { .config = &beat_config, .on_gone = on_ws_gone };

static void job_end(struct job *job)
{
    loop_drop(&loop, &job->source);
    free(job);
}

static void on_job_due(struct loop *in, struct source *source)
{
    struct job *job = (struct job *)(void *)source;
    struct peer *peer = job->peer;
    (void)in;
    peer->user = NULL;
    job_end(job);
    http_respond(peer, 200, WICK_STR("text/plain"), "later", 5);
}

static const struct source_type job_type = { .on_due = on_job_due };

static struct job *job_begin(struct peer *peer)
{
    struct job *job = calloc(1, sizeof *job);
    source_init(&job->source, &job_type);
    job->peer = peer;
    peer->user = job;
    return job;
}

static void fill(struct peer *peer)
{
    static uint8_t piece[PIECE];
    struct job *job = peer->user;
    while (job->written < BIG) {
        memset(piece, (int)('a' + job->written / PIECE % 26), sizeof piece);
        wick_slice slice = { piece, BIG - job->written < PIECE ? BIG - job->written : PIECE };
        if (http_stream_write(peer, &slice, 1) != 0)
            return; /* on_room or on_gone */
        job->written += slice.len;
    }
    job_end(job);
    peer->user = NULL;
    http_stream_end(peer);
}

static int path_is(const struct http_request *request, const char *path)
{
    return request->head->path.len == strlen(path) && memcmp(request->head->path.data, path, strlen(path)) == 0;
}

static void answer_big(struct peer *peer)
{
    uint8_t *body = malloc(BIG);
    memset(body, 'b', BIG);
    http_respond(peer, 200, WICK_STR("application/octet-stream"), body, BIG);
    free(body);
}

static void answer_stats(struct peer *peer)
{
    char text[64];
    int len = snprintf(text, sizeof text, "gone=%u ws_gone=%u", gone_count, ws_gone_count);
    http_respond(peer, 200, WICK_STR("text/plain"), text, (size_t)len);
}

static void on_request(struct peer *peer, const struct http_request *request)
{
    wick_http_answer stream = { .status = 200, .content_type = WICK_STR("text/event-stream") };
    wick_http_problem missing = { .status = 404, .code = WICK_STR("ROUTE_NOT_FOUND"), .detail = WICK_STR("no") };
    static const wick_handshake_server_config any = { .size = sizeof any, .origin_policy = WICK_ORIGIN_ANY };
    wick_handshake shake;
    if (path_is(request, "/hello")) {
        http_respond(peer, 200, WICK_STR("text/plain"), "hello", 5);
    } else if (path_is(request, "/echo")) {
        http_respond(peer, 200, WICK_STR("text/plain"), request->body, request->body_len);
    } else if (path_is(request, "/empty")) {
        http_respond(peer, 204, WICK_STR(""), NULL, 0);
    } else if (path_is(request, "/bad")) {
        http_respond(peer, 200, WICK_STR("a\r\nb"), "x", 1);
    } else if (path_is(request, "/big")) {
        answer_big(peer);
    } else if (path_is(request, "/stats")) {
        answer_stats(peer);
    } else if (path_is(request, "/later")) {
        loop_arm(&loop, &job_begin(peer)->source, loop.now_ms + 50);
    } else if (path_is(request, "/never")) {
        job_begin(peer);
    } else if (path_is(request, "/stream")) {
        job_begin(peer);
        http_stream_begin(peer, &stream);
        fill(peer);
    } else if (path_is(request, "/quiet")) {
        job_begin(peer);
        http_stream_begin(peer, &stream);
    } else if (path_is(request, "/ws")) {
        wick_handshake_check(&any, request->head, &shake);
        http_upgrade(peer, request, &shake, &websockets, NULL);
    } else if (path_is(request, "/beat")) {
        wick_handshake_check(&any, request->head, &shake);
        http_upgrade(peer, request, &shake, &beating, NULL);
    } else {
        http_problem(peer, &missing);
    }
}

static uint64_t on_head(struct peer *peer, const wick_http_request *head)
{
    if (wick_http_equal(head->path, WICK_STR("/forbidden")))
        http_respond(peer, 403, WICK_STR("text/plain"), "no", 2);
    return 1000;
}

static void on_gone(struct peer *peer)
{
    gone_count++;
    if (peer->user)
        job_end(peer->user);
}

static void on_room(struct peer *peer)
{
    fill(peer);
}

static const wick_http_header stamp = { { "X-Stamp", 7 }, { "s", 1 } };
static struct http_server server = {
    .loop = &loop,
    .on_request = on_request,
    .on_head = on_head,
    .on_gone = on_gone,
    .on_room = on_room,
    .stamp = &stamp,
    .stamp_count = 1,
    .head_timeout_ms = 300,
    .body_timeout_ms = 300,
    .write_timeout_ms = 300,
    .idle_timeout_ms = 600,
    .linger_ms = 300,
    .drain_ms = 600,
};

static void on_drained(struct http_server *drained)
{
    loop_stop(drained->loop);
}

static void on_signal(struct loop *in, int number)
{
    (void)in;
    (void)number;
    http_drain(&server, on_drained);
}

static void serve(int tell)
{
    static const int signals[] = { SIGTERM, 0 };
    unsigned port;
    if (!freopen("/dev/null", "w", stderr) || loop_init(&loop) < 0 || loop_signals(&loop, signals, on_signal) < 0 ||
        http_listen(&server, "127.0.0.1", 0) < 0)
        _exit(1);
    port = server.port;
    if (write(tell, &port, sizeof port) != (ssize_t)sizeof port)
        _exit(1);
    close(tell);
    loop_run(&loop);
    http_close(&server);
    peer_free_all(&loop);
    loop_free(&loop);
    exit(gone_count > 1000);
}

/* ---- The client -------------------------------------------------------------------------------------------------- */

static pid_t child;
static unsigned port;
static char got[BIG + (1u << 20)];
static size_t got_len;

static void start(void)
{
    int tell[2];
    if (pipe(tell) < 0)
        exit(1);
    child = fork();
    if (child == 0) {
        close(tell[0]);
        serve(tell[1]);
    }
    close(tell[1]);
    if (read(tell[0], &port, sizeof port) != (ssize_t)sizeof port)
        exit(1);
    close(tell[0]);
}

static int dial(void)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    struct timeval limit = { 10, 0 };
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        test_fail(__FILE__, __LINE__, "connect: %s", strerror(errno));
    got_len = 0;
    got[0] = '\0';
    return fd;
}

static void say(int fd, const char *text)
{
    size_t len = strlen(text);
    if (send(fd, text, len, MSG_NOSIGNAL) != (ssize_t)len)
        test_fail(__FILE__, __LINE__, "send: %s", strerror(errno));
}

static void say_bytewise(int fd, const char *text)
{
    for (; *text; text++)
        if (send(fd, text, 1, MSG_NOSIGNAL) != 1)
            test_fail(__FILE__, __LINE__, "send: %s", strerror(errno));
}

/* Read until what has come holds `text`, or the stream ends. Returns 1 if it does. */
static int hear(int fd, const char *text)
{
    while (!strstr(got, text)) {
        ssize_t n = recv(fd, got + got_len, sizeof got - 1 - got_len, 0);
        if (n <= 0)
            return 0;
        got_len += (size_t)n;
        got[got_len] = '\0';
    }
    return 1;
}

/* Read to the end. Returns 1 if it was an orderly end. */
static int hear_end(int fd)
{
    for (;;) {
        ssize_t n = recv(fd, got + got_len, sizeof got - 1 - got_len, 0);
        if (n <= 0)
            return n == 0;
        got_len += (size_t)n;
        got[got_len] = '\0';
    }
}

static unsigned count_of(const char *text)
{
    unsigned count = 0;
    for (const char *at = got; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

static void forget(void)
{
    got_len = 0;
    got[0] = '\0';
}

static long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static unsigned stat_of(const char *name)
{
    int fd = dial();
    say(fd, "GET /stats HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    hear_end(fd);
    close(fd);
    const char *at = strstr(got, name);
    return at ? (unsigned)atoi(at + strlen(name)) : 9999;
}

static int stat_becomes(const char *name, unsigned want)
{
    for (int i = 0; i < 100; i++) {
        if (stat_of(name) == want)
            return 1;
        usleep(20000);
    }
    return 0;
}

#define UPGRADE(path)                                                                  \
    "GET " path " HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

/* ---- Cases ------------------------------------------------------------------------------------------------------- */

static void keeps_alive(void)
{
    int fd = dial();
    for (int i = 0; i < 3; i++) {
        forget();
        say(fd, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
        CHECK(hear(fd, "\r\n\r\nhello"));
        CHECK(strstr(got, "HTTP/1.1 200 OK\r\n") == got);
        CHECK(strstr(got, "Content-Length: 5\r\n"));
        CHECK(strstr(got, "X-Stamp: s\r\n"));
        CHECK(!strstr(got, "Connection: close"));
    }
    forget();
    say(fd, "HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\nGET /empty HTTP/1.1\r\nHost: a\r\n\r\n"
            "GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    CHECK(hear_end(fd));
    CHECK(strstr(got, "Content-Length: 5\r\n"));
    CHECK(!strstr(got, "hello"));
    CHECK(strstr(got, "HTTP/1.1 204 No Content\r\n"));
    CHECK(strstr(got, "HTTP/1.1 404 Not Found\r\n"));
    CHECK(strstr(got, "\"code\":\"ROUTE_NOT_FOUND\""));
    CHECK(strstr(got, "Connection: close\r\n"));
    close(fd);
}

static void pipelines(void)
{
    int fd = dial();
    say(fd, "GET /later HTTP/1.1\r\nHost: a\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n"
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /stream HTTP/1.1\r\nHost: a\r\n\r\n"
            "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    CHECK(hear_end(fd));
    const char *later = strstr(got, "later"), *hello = strstr(got, "hello"), *abc = strstr(got, "\r\n\r\nabc");
    const char *stream = strstr(got, "Transfer-Encoding: chunked");
    CHECK(later && hello && abc && stream && later < hello && hello < abc && abc < stream);
    CHECK_INT(count_of("HTTP/1.1 200 OK\r\n"), 5);
    CHECK(got_len > BIG);
    CHECK(memcmp(got + got_len - 5, "hello", 5) == 0);
    close(fd);
}

static void many_pipelined(void)
{
    int fd = dial();
    for (int i = 0; i < 500; i++)
        say(fd, i == 499 ? "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
                         : "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(hear_end(fd));
    CHECK_INT(count_of("\r\n\r\nhello"), 500);
    close(fd);
}

static void bodies(void)
{
    int fd = dial();
    say_bytewise(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello there");
    CHECK(hear(fd, "\r\n\r\nhello there"));
    forget();
    say_bytewise(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "3\r\nabc\r\n0005;x=y\r\ndefgh\r\n0\r\nT: t\r\n\r\n");
    CHECK(hear(fd, "Content-Length: 8\r\n"));
    CHECK(hear(fd, "\r\n\r\nabcdefgh"));
    forget();
    say(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    CHECK(hear(fd, "Content-Length: 0\r\n"));
    forget();
    say(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    CHECK(hear(fd, "HTTP/1.1 100 Continue\r\n\r\n"));
    say(fd, "body");
    CHECK(hear(fd, "\r\n\r\nbody"));
    close(fd);
}

static void bodies_too_large(void)
{
    static const char *const requests[] = {
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\nabc",
    };
    for (size_t i = 0; i < 2; i++) {
        int fd = dial();
        say(fd, requests[i]);
        CHECK(hear_end(fd));
        CHECK(strstr(got, "HTTP/1.1 413 ") == got);
        CHECK(strstr(got, "Connection: close\r\n"));
        close(fd);
    }
}

/* An answer before the body, and a client that goes on sending: the answer arrives, there is no reset. */
static void answers_before_the_body(void)
{
    static char body[300000];
    int fd = dial();
    memset(body, 'x', sizeof body - 1);
    say(fd, "POST /forbidden HTTP/1.1\r\nHost: a\r\nContent-Length: 299999\r\n\r\n");
    say(fd, body);
    CHECK(hear_end(fd));
    CHECK(strstr(got, "HTTP/1.1 403 Forbidden\r\n") == got);
    CHECK(strstr(got, "\r\n\r\nno"));
    close(fd);
}

static void old_version(void)
{
    int fd = dial();
    say(fd, "GET /hello HTTP/1.0\r\n\r\n");
    CHECK(hear_end(fd));
    CHECK(strstr(got, "Connection: close\r\n"));
    CHECK(strstr(got, "\r\n\r\nhello"));
    close(fd);
    fd = dial();
    say(fd, "GET /stream HTTP/1.0\r\n\r\n");
    CHECK(hear_end(fd));
    CHECK(!strstr(got, "chunked"));
    const char *body = strstr(got, "\r\n\r\n");
    CHECK(body && got_len - (size_t)(body + 4 - got) == BIG);
    close(fd);
}

/* Undo the chunks in place, strictly. Returns the length of the body, or 0. */
static size_t unchunk(char *at)
{
    size_t total = 0;
    for (;;) {
        char *end;
        unsigned long len = strtoul(at, &end, 16);
        if (end == at || end[0] != '\r' || end[1] != '\n')
            return 0;
        at = end + 2;
        if (at + len + 2 > got + got_len || at[len] != '\r' || at[len + 1] != '\n')
            return 0;
        for (unsigned long i = 0; i < len; i++)
            if (at[i] != (char)('a' + (total + i) / PIECE % 26))
                return 0;
        total += len;
        at += len + 2;
        if (!len)
            return total;
    }
}

static void streams(void)
{
    int fd = dial();
    say(fd, "GET /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    usleep(50000); /* let it run full */
    CHECK(hear_end(fd));
    char *body = strstr(got, "\r\n\r\n");
    CHECK(body && unchunk(body + 4) == BIG);
    close(fd);
}

static void tells_who_has_gone(void)
{
    static const char *const requests[] = { "GET /never HTTP/1.1\r\nHost: a\r\n\r\n",
                                            "GET /quiet HTTP/1.1\r\nHost: a\r\n\r\n",
                                            "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n" };
    unsigned before = stat_of("gone=");
    for (size_t i = 0; i < 3; i++) {
        int fd = dial();
        say(fd, requests[i]);
        usleep(20000);
        if (i == 1)
            shutdown(fd, SHUT_WR);
        else
            close(fd);
        CHECK(stat_becomes("gone=", before + 1 + (unsigned)i));
        if (i == 1)
            close(fd);
    }
}

static void answer_survives_a_half_close(void)
{
    int fd = dial();
    say(fd, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
    shutdown(fd, SHUT_WR);
    CHECK(hear_end(fd));
    CHECK(got_len > BIG);
    close(fd);
}

static void time_limits(void)
{
    static const struct {
        const char *request;
        const char *answer;
        long min, max;
    } limits[] = {
        { "", "", 250, 8000 },
        { "GET /hello HT", "HTTP/1.1 408 ", 250, 8000 },
        { "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabc", "HTTP/1.1 408 ", 250, 8000 },
        { "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 ", 550, 8000 },
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        int fd = dial();
        long before = now_ms();
        say(fd, limits[i].request);
        CHECK(hear_end(fd));
        long took = now_ms() - before;
        CHECK(took >= limits[i].min && took <= limits[i].max);
        CHECK(strstr(got, limits[i].answer) == got);
        close(fd);
    }
}

/* Read everything, a little at a time, longer than any limit; the stream ends after `want` bytes, or it is left open. */
static size_t hear_slowly(int fd, size_t want)
{
    size_t total = 0;
    while (total < want) {
        ssize_t n = recv(fd, got, 100000, 0);
        if (n <= 0)
            return total;
        total += (size_t)n;
        usleep(10000);
    }
    return total;
}

static void slow_is_not_dead(void)
{
    int fd = dial();
    say(fd, "GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    CHECK(hear(fd, "\r\n\r\n"));
    char *body = strstr(got, "\r\n\r\n");
    size_t first = body ? got_len - (size_t)(body + 4 - got) : 0;
    CHECK_INT(first + hear_slowly(fd, BIG - first), BIG);
    CHECK(hear_end(fd));
    close(fd);
}

static void slow_websocket_is_not_dead(void)
{
    static char frame[8 + 60000] = "\x82\xfe\xea\x60";
    enum { FRAMES = 200 };
    int fd = dial();
    say(fd, UPGRADE("/beat"));
    CHECK(hear(fd, "\r\n\r\n"));
    forget();
    pid_t writer = fork();
    if (writer == 0) {
        for (int i = 0; i < FRAMES; i++)
            for (size_t at = 0; at < sizeof frame;) {
                ssize_t n = send(fd, frame + at, sizeof frame - at, MSG_NOSIGNAL);
                if (n <= 0)
                    _exit(1);
                at += (size_t)n;
            }
        _exit(0);
    }
    int status;
    size_t want = (size_t)FRAMES * 60004;
    CHECK(hear_slowly(fd, want) >= want); /* and perhaps a ping */
    CHECK(waitpid(writer, &status, 0) == writer && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(fd);
}

/* No limit applies to a request in work and to a stream with nothing queued; one does to an answer that is not taken. */
static void no_limit_on_work(void)
{
    unsigned before = stat_of("gone=");
    int never = dial(), quiet = dial(), deaf = dial();
    say(never, "GET /never HTTP/1.1\r\nHost: a\r\n\r\n");
    say(quiet, "GET /quiet HTTP/1.1\r\nHost: a\r\n\r\n");
    say(deaf, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(stat_becomes("gone=", before + 1)); /* the deaf one */
    usleep(500000);
    CHECK_INT(stat_of("gone="), before + 1);
    close(never);
    close(quiet);
    close(deaf);
    CHECK(stat_becomes("gone=", before + 3));
}

static void bad_requests(void)
{
    int fd = dial();
    say(fd, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n");
    CHECK(hear_end(fd));
    CHECK(strstr(got, "HTTP/1.1 200 ") == got);
    CHECK(strstr(got, "HTTP/1.1 400 Bad Request\r\n"));
    CHECK(strstr(got, "application/problem+json"));
    close(fd);
    fd = dial();
    say(fd, "GET /bad HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(hear_end(fd));
    CHECK(strstr(got, "HTTP/1.1 500 ") == got);
    close(fd);
}

/* A peer that answers pings lives; one that is silent is pinged, and dropped. */
static void heartbeats(void)
{
    unsigned before = stat_of("ws_gone=");
    int silent = dial(), alive = dial();
    say(silent, UPGRADE("/beat"));
    say(alive, UPGRADE("/beat"));
    for (int i = 0; i < 4; i++) {
        forget();
        CHECK(hear(alive, "\x89"));
        if (send(alive, "\x8a\x80\0\0\0\0", 6, MSG_NOSIGNAL) != 6)
            test_fail(__FILE__, __LINE__, "send: %s", strerror(errno));
    }
    forget();
    CHECK(hear_end(silent));
    CHECK(strstr(got, "\x89"));
    CHECK_INT(stat_of("ws_gone="), before + 1);
    close(alive);
    CHECK(stat_becomes("ws_gone=", before + 2));
    close(silent);
}

static void upgrades(void)
{
    static const char request[] = UPGRADE("/ws");
    unsigned before = stat_of("ws_gone=");
    int fd = dial();
    char all[512];
    snprintf(all, sizeof all, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n%s\x81\x82\x01\x01\x01\x01ij", request);
    say(fd, all); /* the mask turns "ij" into "hk" */
    CHECK(hear(fd, "\x81\x02hk"));
    CHECK(strstr(got, "HTTP/1.1 101 Switching Protocols\r\n"));
    CHECK(strstr(got, "X-Stamp: s\r\n"));
    usleep(700000); /* the limits of HTTP do not apply any more */
    say(fd, "\x81\x82\x01\x01\x01\x01jk");
    CHECK(hear(fd, "\x81\x02kj"));
    close(fd);
    CHECK(stat_becomes("ws_gone=", before + 1));
}

static void drains(void)
{
    int quiet = dial(), idle = dial(), later = dial(), status;
    say(quiet, "GET /quiet HTTP/1.1\r\nHost: a\r\n\r\n");
    say(idle, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(hear(idle, "hello"));
    say(later, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    usleep(10000);
    long before = now_ms();
    kill(child, SIGTERM);
    CHECK(hear_end(idle));
    forget();
    CHECK(hear_end(later));
    CHECK(strstr(got, "\r\n\r\nlater"));
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(now_ms() - before < 8000);
    close(quiet);
    close(idle);
    close(later);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    start();
    RUN(keeps_alive);
    RUN(pipelines);
    RUN(many_pipelined);
    RUN(bodies);
    RUN(bodies_too_large);
    RUN(answers_before_the_body);
    RUN(old_version);
    RUN(streams);
    RUN(tells_who_has_gone);
    RUN(answer_survives_a_half_close);
    RUN(time_limits);
    RUN(slow_is_not_dead);
    RUN(slow_websocket_is_not_dead);
    RUN(no_limit_on_work);
    RUN(bad_requests);
    RUN(upgrades);
    RUN(heartbeats);
    RUN(drains);
    return test_end();
}
