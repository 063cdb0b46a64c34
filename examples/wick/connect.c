/*
 * wick connect - a terminal client: lines from stdin go out as text messages, messages are printed, the end of
 * stdin closes.
 *
 * Made for pipes as well: each message is written out as it comes, stdin is not read while the server is slow, and
 * after the end of stdin the server's messages are still printed until it has answered the close.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wick/wick.h"

#define STDIN_PIECE (64u << 10)

static struct source input;
static struct peer *server;  /* NULL before and after the connection */
static char *text;           /* what has been read and not sent */
static size_t text_len, text_cap;
static size_t scanned;       /* of it there is no line end in the first so many bytes */
static int input_ended;
static int input_is_file;    /* epoll does not take files: they are always ready */
static int terminal;
static unsigned long line_number;

static void read_more(struct loop *loop);

/* ---- stdin to messages
 * ------------------------------------------------------------------------------------------- */

/* Returns 0, or -1 if the output is full: the line is still there. */
static int send_line(const char *line, size_t len)
{
    uint32_t state = 0;
    if (wick_utf8_check(&state, (const uint8_t *)line, len) != len || state != 0) {
        fprintf(stderr, "line %lu is not UTF-8 and was not sent\n", line_number + 1);
        line_number++;
        return 0;
    }
    if (wick_conn_send(&server->as.ws, WICK_TEXT, line, len) == WICK_BLOCKED)
        return -1;
    line_number++;
    return 0;
}

/* Send the lines that are whole. Returns 0, or -1 if the output is full. */
static int send_lines(void)
{
    size_t at = 0;
    int full = 0;
    while (!full) {
        char *end = memchr(text + at + scanned, '\n', text_len - at - scanned);
        if (!end) {
            scanned = text_len - at;
            break;
        }
        full = send_line(text + at, (size_t)(end - text) - at) < 0;
        scanned = full ? (size_t)(end - text) - at : 0;
        if (!full)
            at = (size_t)(end - text) + 1;
    }
    if (at) {
        memmove(text, text + at, text_len - at);
        text_len -= at;
    }
    return full ? -1 : 0;
}

/* Go on with stdin as far as the server takes it. */
static void advance_input(struct loop *loop)
{
    if (!server)
        return;
    if (text_len && send_lines() < 0)
        return; /* on_room goes on */
    if (!input_ended) {
        read_more(loop);
        return;
    }
    if (text_len && send_line(text, text_len) < 0)
        return;
    text_len = 0;
    ws_close(server, 1000, NULL);
}

/* Wait for more. */
static void read_more(struct loop *loop)
{
    if (input_is_file)
        loop_arm(loop, &input, loop->now_ms);
    else
        loop_change(loop, &input, EPOLLIN);
}

static void stop_reading(struct loop *loop)
{
    if (input.fd >= 0 && !input_is_file)
        loop_change(loop, &input, 0);
}

static void end_input(struct loop *loop)
{
    input_ended = 1;
    loop_drop(loop, &input);
    advance_input(loop);
}

static void read_input(struct loop *loop)
{
    stop_reading(loop);
    if (text_cap - text_len < STDIN_PIECE) {
        size_t cap = text_cap ? text_cap * 2 : STDIN_PIECE * 2;
        char *grown = realloc(text, cap);
        if (!grown) {
            fputs("out of memory: the line is too long\n", stderr);
            end_input(loop);
            return;
        }
        text = grown;
        text_cap = cap;
    }
    ssize_t got = read(STDIN_FILENO, text + text_len, text_cap - text_len);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
        read_more(loop);
        return;
    }
    if (got <= 0) {
        end_input(loop);
        return;
    }
    text_len += (size_t)got;
    advance_input(loop);
}

static void on_input_ready(struct loop *loop, struct source *source, unsigned events)
{
    (void)source;
    (void)events;
    read_input(loop);
}

static void on_input_due(struct loop *loop, struct source *source)
{
    (void)source;
    read_input(loop);
}

static const struct source_type input_type = { on_input_ready, on_input_due };

/* ---- Messages to stdout
 * ------------------------------------------------------------------------------------------ */

/* A server could drive the terminal with control characters; a program that reads a pipe gets the bytes as they
 * are. */
static void print_text(const uint8_t *data, size_t len)
{
    if (!terminal) {
        fwrite(data, 1, len, stdout);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        if ((data[i] < 0x20 && data[i] != '\n' && data[i] != '\t') || data[i] == 0x7f)
            printf("\\x%02x", data[i]);
        else
            putchar(data[i]);
    }
}

static void print_binary(const uint8_t *data, size_t len)
{
    printf("binary %zu:", len);
    for (size_t i = 0; i < len; i++)
        printf(" %02x", data[i]);
}

static int on_message(wick_conn *conn, void *user, unsigned opcode, uint8_t *data, size_t len)
{
    (void)conn;
    if (opcode == WICK_TEXT)
        print_text(data, len);
    else
        print_binary(data, len);
    putchar('\n');
    if (fflush(stdout) == 0)
        return 0;
    ws_close(user, 1001, "nobody reads the output");
    return 0;
}

/* ---- The connection
 * ---------------------------------------------------------------------------------------------- */

static void on_open(struct peer *peer)
{
    struct loop *loop = peer->service->loop;
    wick_str subprotocol = client_subprotocol(peer);
    server = peer;
    if (isatty(STDERR_FILENO)) {
        fprintf(stderr, "connected%s%.*s; Ctrl-D closes\n", subprotocol.len ? ", subprotocol " : "",
                (int)subprotocol.len, subprotocol.len ? subprotocol.data : "");
    }
    source_init(&input, &input_type);
    if (loop_watch(loop, &input, STDIN_FILENO, EPOLLIN) == 0)
        return;
    input_is_file = 1;
    loop_arm(loop, &input, loop->now_ms);
}

static void on_room(struct peer *peer)
{
    advance_input(peer->service->loop);
}

static void on_gone(struct peer *peer, wick_status why)
{
    server = NULL;
    loop_drop(peer->service->loop, &input);
    command_gone(peer, why);
}

static const wick_conn_callbacks callbacks = {
    .on_output = ws_output,
    .on_memory = ws_memory,
    .on_random = ws_random,
    .on_message = on_message,
    .on_close = command_closed,
};

static wick_conn_config config = { .size = sizeof config, .callbacks = &callbacks, .role = WICK_CLIENT };

static struct ws_service service = { .config = &config, .on_open = on_open, .on_gone = on_gone, .on_room = on_room };

static const struct option_spec specs[] = { COMMAND_OPTIONS };
static const struct program program = { "wick connect", "URL",
                                        "Sends lines from stdin as text messages and prints what comes.", specs };

int connect_command(int argc, char **argv)
{
    struct client_options options = { .on_failed = command_failed };
    command_options(&program, argc, argv, &options);
    terminal = isatty(STDOUT_FILENO);
    config.kernels = wick_kernels_best();
    config.max_message = config.max_frame = max_message ? max_message : 1;
    int status = command_run(&options, &service);
    free(text);
    return status;
}
