/*
 * wick connect - a terminal client: lines from stdin go out as text messages, messages are printed, the end of
 * stdin closes. With --session it speaks agent-events.v1: see session.c.
 *
 * Made for pipes as well: each message is written out as it comes, stdin is not read while the server is slow, and
 * after the end of stdin the server's messages are still printed until it has answered the close.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "wick/input.h"
#include "wick/session.h"
#include "wick/wick.h"

static struct peer *server; /* NULL before and after the connection */
static int terminal;

/* ---- stdin to messages ------------------------------------------------------------------------------------------- */

static int send_line(const char *line, size_t len)
{
    uint32_t state = 0;
    if (wick_utf8_check(&state, (const uint8_t *)line, len) != len || state != 0) {
        fprintf(stderr, "line %lu is not UTF-8 and was not sent\n", input_line_number());
        return 0;
    }
    return wick_conn_send(&server->as.ws, WICK_TEXT, line, len) == WICK_BLOCKED ? -1 : 0;
}

static void close_server(void)
{
    ws_close(server, 1000, NULL);
}

static const struct input_type input_type = { send_line, close_server };

/* ---- Messages to stdout ------------------------------------------------------------------------------------------ */

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

/* ---- The connection ---------------------------------------------------------------------------------------------- */

static void on_open(struct peer *peer)
{
    wick_str subprotocol = client_subprotocol(peer);
    server = peer;
    if (isatty(STDERR_FILENO)) {
        fprintf(stderr, "connected%s%.*s; Ctrl-D closes\n", subprotocol.len ? ", subprotocol " : "",
                (int)subprotocol.len, subprotocol.len ? subprotocol.data : "");
    }
    input_begin(peer->service->loop, &input_type);
}

static void on_room(struct peer *peer)
{
    (void)peer;
    input_go_on();
}

static void on_gone(struct peer *peer, wick_status why)
{
    server = NULL;
    input_stop();
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

static int with_session;
static struct session_options session;

static const struct option_spec specs[] = {
    { "session", NULL, "speak agent-events.v1: envelopes and plain text, in a session that survives", OPTION_FLAG,
      &with_session, 0 },
    { "resume", "ID,TOKEN,EPOCH:SEQ", "go on with a session", OPTION_TEXT, &session.resume, 0 },
    { "surface", "S", "where the user is, for plain text", OPTION_TEXT, &session.surface, 0 },
    { "token", "T", "shown in session.open", OPTION_TEXT, &session.token, 0 },
    { "want", "TYPES", "which events to get, such as 'agent.*,room.message'", OPTION_TEXT, &session.want, 0 },
    { "json", NULL, "print each message of the session as it came", OPTION_FLAG, &session.json, 0 },
    COMMAND_OPTIONS,
};
static const struct program program = { "wick connect", "URL",
                                        "Sends lines from stdin as text messages and prints what comes.", specs };

int connect_command(int argc, char **argv)
{
    struct client_options options = { .on_failed = command_failed };
    int status;
    command_options(&program, argc, argv, &options);
    if (session.resume)
        with_session = 1;
    if (!with_session && (session.surface || session.token || session.want || session.json))
        options_wrong(&program, "--surface, --token, --want and --json go with --session");
    terminal = isatty(STDOUT_FILENO);
    if (with_session) {
        status = session_run(&program, &session, &options);
    } else {
        config.kernels = wick_kernels_best();
        config.max_message = config.max_frame = max_message ? max_message : 1;
        status = command_run(&options, &service);
    }
    input_free();
    return status;
}
