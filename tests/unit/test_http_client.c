/*
 * The HTTP client of examples/lib against a server that answers as it is told: a child that reads a request and plays
 * the script of its path. What the client reports is a transcript.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/test.h"

#include "lib/client.h"
#include "lib/tls.h"

/* ---- The server, in a child -------------------------------------------------------------------------------------- */

/* Scripts: text is sent as it is; `@N` waits N tenths of a second, `!` resets, `#` repeats the rest for ever; the end of
 * the script closes. */
static const struct script {
    const char *path, *text;
} scripts[] = {
    { "/length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello@9" },
    { "/chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n@12\r\nde\r\n0\r\n\r\n@9" },
    { "/until-close", "HTTP/1.0 200 OK\r\n\r\nto the @1end" },
    { "/pieces", "HT@1TP/1.1 20@10 OK\r@1\nContent-Length: 0\r\n\r@1\n@9" },
    { "/interim", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n@1HTTP/1.1 204 No Content\r\n\r\n@9" },
    { "/short", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello" },
    { "/cut-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab" },
    { "/bad-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n@9" },
    { "/two-lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab" },
    { "/nothing", "" },
    { "/reset", "!" },
    { "/reset-late", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello@1!" },
    { "/silent", "@50" },
    { "/silent-body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello@50" },
    { "/drip-head", "HTTP/1.1 200 OK\r\nX: #a@1" },
    { "/drip-body", "HTTP/1.1 200 OK\r\n\r\n#a@1" },
    { "/flood-head", "HTTP/1.1 200 OK\r\nX: #aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
    { "/flood-fields", "HTTP/1.1 200 OK\r\n#X: aaaaaaaa\r\n" },
    { "/flood-body", "HTTP/1.1 200 OK\r\n\r\n#aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
    { "/tls", "\x15\x03\x01" },
    { "/garbage", "220 smtp.example ESMTP\r\n" },
    { "/bad-head", "HTTP/1.1 200 OK\r\nbad name: x\r\n\r\n" },
    { "/raw", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nraw@1bytes" },
    { "/raw-glued", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nraw" },
    { "/head", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n@9" },
    { "/refused", "HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\nX-Why: so\r\n\r\nbad" },
};

static void nap(int tenths)
{
    struct timespec time = { tenths / 10, tenths % 10 * 100000000 };
    nanosleep(&time, NULL);
}

static void play(int fd, const char *script)
{
    const char *again = NULL;
    for (const char *at = script; *at || again; at++) {
        struct linger hard = { 1, 0 };
        if (!*at)
            at = again;
        if (*at == '#')
            again = at + 1;
        else if (*at == '@')
            nap(*++at - '0');
        else if (*at == '!') {
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
            return;
        } else {
            size_t len = strcspn(at, "@!#");
            if (send(fd, at, len, MSG_NOSIGNAL) < 0)
                return;
            at += len - 1;
        }
    }
}

static void serve_one(int fd)
{
    static char request[65536];
    size_t len = 0;
    ssize_t got;
    while (!strstr(request, "\r\n\r\n") && (got = recv(fd, request + len, sizeof request - 1 - len, 0)) > 0)
        len += (size_t)got;
    char *path = strchr(request, ' '), *end = path ? strchr(path + 1, ' ') : NULL;
    if (!end)
        return;
    if (strncmp(path + 1, "/mirror", 7) == 0) {
        static const char head[] = "HTTP/1.1 200 OK\r\n\r\n";
        nap(1); /* a body that is sent behind the head */
        got = recv(fd, request + len, sizeof request - 1 - len, MSG_DONTWAIT);
        len += got > 0 ? (size_t)got : 0;
        if (send(fd, head, sizeof head - 1, MSG_NOSIGNAL) > 0 && send(fd, request, len, MSG_NOSIGNAL) > 0)
            return;
    }
    *end = '\0';
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
        if (strcmp(scripts[i].path, path + 1) == 0)
            play(fd, scripts[i].text);
}

static pid_t server;
static unsigned port, dead_port;

static unsigned listen_somewhere(int *fd)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    *fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(*fd, (struct sockaddr *)&address, len) < 0 || getsockname(*fd, (struct sockaddr *)&address, &len) < 0)
        abort();
    return ntohs(address.sin_port);
}

static void start_server(void)
{
    int fd, dead;
    port = listen_somewhere(&fd);
    dead_port = listen_somewhere(&dead); /* bound, and nobody listens */
    if (listen(fd, 64) < 0)
        abort();
    server = fork();
    if (server == 0) {
        signal(SIGCHLD, SIG_IGN);
        for (;;) {
            int one = accept(fd, NULL, NULL);
            if (fork() == 0) {
                alarm(20);
                serve_one(one);
                _exit(0);
            }
            close(one);
        }
    }
    close(fd);
}

/* ---- The client -------------------------------------------------------------------------------------------------- */

static struct loop loop;
static char transcript[4096];
static size_t body_len;
static struct http_trace last;
static unsigned freed;
static int cancel_in; /* 'h', 'b', 'e': in that callback */

static void note(const char *what, unsigned number)
{
    size_t len = strlen(transcript);
    snprintf(transcript + len, sizeof transcript - len, "%s%s %u", len ? ", " : "", what, number);
}

static int on_head(struct http_call *call, const wick_http_response *response)
{
    note("head", response->status);
    if (cancel_in == 'h') {
        http_call_cancel(call);
        loop_stop(&loop);
    }
    return cancel_in == 'H' ? -1 : 0;
}

static int on_body(struct http_call *call, const uint8_t *data, size_t len)
{
    size_t at = strlen(transcript);
    body_len += len;
    if (len < 1000 && body_len < 1000)
        snprintf(transcript + at, sizeof transcript - at, " '%.*s'", (int)len, (const char *)data);
    if (cancel_in == 'b') {
        http_call_cancel(call);
        loop_stop(&loop);
    }
    return 0;
}

static void on_end(struct http_call *call)
{
    last = *http_call_trace(call);
    note("end", last.outcome);
    if (cancel_in == 'e')
        http_call_cancel(call);
    loop_stop(&loop);
}

static void on_free(void *user)
{
    CHECK(user == &loop);
    freed++;
}

static const struct http_call_type events = {
    .on_head = on_head, .on_body = on_body, .on_end = on_end, .on_free = on_free
};

static struct http_call *begin(struct http_call_options *options, const char *path, char *url, size_t cap)
{
    transcript[0] = '\0';
    body_len = 0;
    freed = 0;
    memset(&last, 0, sizeof last);
    snprintf(url, cap, "http://127.0.0.1:%u%s", port, path);
    if (!options->url)
        options->url = url;
    return http_call_start(&loop, options, &events, &loop);
}

static void ask_with(struct http_call_options options, const char *path)
{
    char url[200];
    if (loop_init(&loop) < 0)
        abort();
    CHECK(begin(&options, path, url, sizeof url) != NULL);
    loop_run(&loop);
    CHECK_INT(freed, 1);
    http_call_cancel_all();
    peer_free_all(&loop);
    loop_free(&loop);
}

static void ask(const char *path)
{
    ask_with((struct http_call_options){ .head_ms = 2000, .idle_ms = 2000 }, path);
}

static void check_says(const char *file, int line, const char *want, enum http_outcome outcome)
{
    char whole[1000];
    snprintf(whole, sizeof whole, "%s%send %d", want, *want ? ", " : "", outcome);
    if (strcmp(transcript, whole) != 0)
        test_fail(file, line, "got \"%s\", want \"%s\"", transcript, whole);
}
#define SAYS(want, outcome) check_says(__FILE__, __LINE__, want, outcome)

static void whole_answers(void)
{
    ask("/length");
    SAYS("head 200 'hello'", HTTP_WHOLE);
    CHECK(last.bytes == 43 && last.http_status == 200 && last.end_ms >= last.head_ms);
    ask("/chunked");
    SAYS("head 200 'abc' 'de'", HTTP_WHOLE);
    CHECK(last.last_byte_ms >= last.first_byte_ms + 50);
    ask("/until-close");
    SAYS("head 200 'to the ' 'end'", HTTP_WHOLE);
    ask("/pieces");
    SAYS("head 200", HTTP_WHOLE);
    CHECK(last.head_ms >= last.first_byte_ms + 150);
    ask("/interim");
    SAYS("head 204", HTTP_WHOLE);
    ask_with((struct http_call_options){ .method = "HEAD" }, "/head");
    SAYS("head 200", HTTP_WHOLE);
}

static void cut_answers(void)
{
    ask("/short");
    SAYS("head 200 'hello'", HTTP_FIN);
    ask("/cut-chunk");
    SAYS("head 200 'ab'", HTTP_FIN);
    ask("/bad-chunk");
    SAYS("head 200", HTTP_BAD_BODY);
    CHECK_STATUS(last.status, WICK_E_HTTP_CHUNK);
    ask("/two-lengths");
    SAYS("head 200", HTTP_BAD_BODY);
    ask("/nothing");
    SAYS("", HTTP_FIN);
    CHECK(last.stage == HTTP_AWAITING && last.bytes == 0);
    ask("/reset");
    SAYS("", HTTP_RESET);
    ask("/reset-late");
    SAYS("head 200 'hello'", HTTP_RESET);
}

static void deadlines(void)
{
    struct http_call_options options = { .head_ms = 300, .idle_ms = 300 };
    ask_with(options, "/silent");
    SAYS("", HTTP_TIMEOUT);
    CHECK(last.stage == HTTP_AWAITING && last.end_ms - last.start_ms >= 300 && last.end_ms - last.start_ms < 3000);
    ask_with(options, "/drip-head");
    SAYS("", HTTP_TIMEOUT);
    ask_with(options, "/silent-body");
    SAYS("head 200 'hello'", HTTP_TIMEOUT);
    options.total_ms = 700;
    ask_with(options, "/drip-body");
    CHECK(last.outcome == HTTP_TIMEOUT && body_len >= 1 && body_len <= 8);
}

static void floods(void)
{
    ask("/flood-head");
    SAYS("", HTTP_BAD_HEAD);
    ask("/flood-fields");
    SAYS("", HTTP_BAD_HEAD);
    CHECK_STATUS(last.status, WICK_E_TOO_MANY_FIELDS);
    ask_with((struct http_call_options){ .max_body = 100000 }, "/flood-body");
    CHECK_INT(last.outcome, HTTP_BAD_BODY);
    CHECK(body_len <= 100000);
    CHECK_STATUS(last.status, WICK_E_BODY_TOO_BIG);
}

static void not_http(void)
{
    ask("/tls");
    SAYS("", HTTP_NOT_HTTP);
    CHECK_MEM(last.first, "\x15\x03\x01", 3);
    CHECK_INT(last.first_len, 3);
    ask("/garbage");
    SAYS("", HTTP_NOT_HTTP);
    ask("/bad-head");
    SAYS("", HTTP_BAD_HEAD);
    CHECK_STATUS(last.status, WICK_E_HTTP_FIELD_NAME);
}

static void raw_bytes(void)
{
    ask("/raw");
    SAYS("head 101 'raw' 'bytes'", HTTP_FIN);
    ask("/raw-glued");
    SAYS("head 101 'raw'", HTTP_FIN);
}

static void no_connection(void)
{
    char url[100];
    ask_with((struct http_call_options){ .url = "ftp://x/" }, "");
    SAYS("", HTTP_BAD_URL);
    ask_with((struct http_call_options){ .url = "wss://127.0.0.1:1/" }, "");
    SAYS("", tls_is_built() ? HTTP_REFUSED : HTTP_NO_TLS);
    ask_with((struct http_call_options){ .url = "http://nowhere.invalid/" }, "");
    SAYS("", HTTP_NO_HOST);
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/", dead_port);
    ask_with((struct http_call_options){ .url = url }, "");
    SAYS("", HTTP_REFUSED);
    CHECK(strncmp(last.address, "127.0.0.1:", 10) == 0);
    wick_http_header bad = { WICK_STR("X"), WICK_STR("a\r\nb") };
    ask_with((struct http_call_options){ .headers = &bad, .header_count = 1 }, "/length");
    SAYS("", HTTP_BAD_URL);
}

static void requests(void)
{
    wick_http_header fields[] = { { WICK_STR("accept"), WICK_STR("text/event-stream") },
                                  { WICK_STR("Host"), WICK_STR("other") } };
    ask_with((struct http_call_options){ .headers = fields, .header_count = 2 }, "/mirror?a=b");
    CHECK(strstr(transcript, "GET /mirror?a=b HTTP/1.1\r\n") != NULL);
    CHECK(strstr(transcript, "\r\nHost: other\r\n") != NULL && strstr(transcript, "Host: 127") == NULL);
    CHECK(strstr(transcript, "\r\naccept: text/event-stream\r\n") != NULL && strstr(transcript, "*/*") == NULL);
    CHECK(strstr(transcript, "Content-Length") == NULL);
    ask_with((struct http_call_options){ .method = "POST", .body = "{}", .body_len = 2 }, "/mirror");
    CHECK(strstr(transcript, "POST /mirror HTTP/1.1\r\nHost: 127.0.0.1:") != NULL);
    CHECK(strstr(transcript, "\r\nContent-Length: 2\r\n\r\n{}'") != NULL);
    ask_with((struct http_call_options){ .request = "BREW /mirror HTTP/1.1\r\n\r\n", .request_len = 25 }, "/");
    CHECK(strstr(transcript, "'BREW /mirror HTTP/1.1\r\n\r\n'") != NULL);
}

static void cancelled(void)
{
    static const struct {
        char in;
        const char *want;
    } cases[] = { { 'h', "head 200" }, { 'b', "head 200 'hello'" }, { 'e', "head 200 'hello', end 1" },
                  { 'H', "head 200, end 2" } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cancel_in = cases[i].in;
        ask("/length");
        if (strcmp(transcript, cases[i].want) != 0)
            test_fail(__FILE__, __LINE__, "got \"%s\", want \"%s\"", transcript, cases[i].want);
    }
    cancel_in = 0;
}

/* Calls that are under way when the loop ends, at any stage. */
static void abandoned(void)
{
    char url[200];
    struct http_call_options options = { 0 };
    if (loop_init(&loop) < 0)
        abort();
    begin(&options, "/silent", url, sizeof url);
    begin(&options, "/silent-body", url, sizeof url);
    struct http_call *third = begin(&options, "/length", url, sizeof url);
    loop_run(&loop); /* the third call stops it */
    CHECK_INT(freed, 1);
    (void)third;
    http_call_cancel(begin(&options, "/length", url, sizeof url));
    CHECK_INT(freed, 1);
    begin(&options, "/length", url, sizeof url);
    http_call_cancel_all();
    CHECK_INT(freed, 3);
    peer_free_all(&loop);
    loop_free(&loop);
}

/* ---- As a WebSocket client --------------------------------------------------------------------------------------- */

static char failure_text[200];

static void on_failed(struct loop *in, const struct client_failure *failure, void *user)
{
    (void)user;
    snprintf(failure_text, sizeof failure_text, "%s %u %s '%.*s'", failure->stage,
             failure->response ? failure->response->status : 0,
             failure->response && wick_http_find(failure->response->headers, failure->response->header_count,
                                                 WICK_STR("x-why"), NULL) ? "why" : "-",
             (int)failure->body_len, failure->body ? (const char *)failure->body : "");
    last = *failure->trace;
    loop_stop(in);
}

static int ignore_message(wick_conn *conn, void *user, unsigned opcode, uint8_t *data, size_t len)
{
    (void)conn, (void)user, (void)opcode, (void)data, (void)len;
    return 0;
}

static void websocket_failures(void)
{
    static const wick_conn_callbacks callbacks = {
        .on_output = ws_output, .on_memory = ws_memory, .on_random = ws_random, .on_message = ignore_message
    };
    static const wick_conn_config config = { .size = sizeof config, .callbacks = &callbacks, .role = WICK_CLIENT };
    static struct ws_service service = { .config = &config };
    static const struct {
        const char *path, *want;
    } cases[] = {
        { "/refused", "handshake 400 why 'bad'" }, { "/silent", "handshake 0 - ''" }, { "/nothing", "handshake 0 - ''" },
        { "/raw", "handshake 0 - ''" }, { "/flood-body", "handshake 200 - '" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char url[200];
        struct client_options options = { .url = url, .timeout_ms = 1500, .on_failed = on_failed };
        snprintf(url, sizeof url, "ws://127.0.0.1:%u%s", port, cases[i].path);
        if (loop_init(&loop) < 0)
            abort();
        service.service.loop = &loop;
        client_connect(&loop, &options, &service, NULL);
        loop_run(&loop);
        if (strncmp(failure_text, cases[i].want, strlen(cases[i].want)) != 0)
            test_fail(__FILE__, __LINE__, "%s: %s, want %s", cases[i].path, failure_text, cases[i].want);
        peer_free_all(&loop);
        loop_free(&loop);
    }
}

int main(void)
{
    start_server();
    RUN(whole_answers);
    RUN(cut_answers);
    RUN(deadlines);
    RUN(floods);
    RUN(not_http);
    RUN(raw_bytes);
    RUN(no_connection);
    RUN(requests);
    RUN(cancelled);
    RUN(abandoned);
    RUN(websocket_failures);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    return test_end();
}
