/*
 * wick echo - sends back every message until the server closes: what a WebSocket server's test suite drives.
 */
#include "wick/wick.h"

/* The message is masked where it lies: it is ours until the callback returns. */
static int on_message(wick_conn *conn, void *user, unsigned opcode, uint8_t *data, size_t len)
{
    wick_status status = wick_conn_send_in_place(conn, opcode, data, len);
    (void)user;
    return status == WICK_E_STATE ? 0 : (int)status;
}

static const wick_conn_callbacks callbacks = {
    .on_output = ws_output,
    .on_memory = ws_memory,
    .on_random = ws_random,
    .on_message = on_message,
    .on_close = command_closed,
};

static wick_conn_config config = {
    .size = sizeof config,
    .callbacks = &callbacks,
    .role = WICK_CLIENT,
    .max_fragments = 1u << 24,
};

static struct ws_service service = { .service = { .keeps_input = 1 }, .config = &config, .on_gone = command_gone };

static const struct option_spec specs[] = { COMMAND_OPTIONS };
static const struct program program = { "wick echo", "URL",
                                        "Sends back every message until the server closes.", specs };

int echo_command(int argc, char **argv)
{
    struct client_options options = { .on_failed = command_failed };
    command_options(&program, argc, argv, &options);
    config.kernels = wick_kernels_best();
    config.max_message = config.max_frame = max_message ? max_message : 1;
    return command_run(&options, &service);
}
