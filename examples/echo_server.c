/*
 * echo_server - sends back every WebSocket message: text and binary, any path, whole or fragmented.
 *
 * What it shows: the whole host side in one page. A peer that does not read is not read either (on_message returns
 * WICK_BLOCKED), so its cost is bounded by the output limit and one message.
 */
#include <signal.h>
#include <stdio.h>

#include "lib/http_server.h"
#include "lib/log.h"
#include "lib/options.h"

/* The longest interval that may be asked for. */
#define DAY_MS 86400000

static const char *host = "127.0.0.1";
static uint64_t port = 9001;
static uint64_t max_message = 64u << 20;
static uint64_t ping_interval = WICK_DEFAULT_PING_INTERVAL_MS;
static int deflate;
static const char *cert, *key;
static struct option_list proxies;
static struct trust trust;

static const struct option_spec specs[] = {
    { "host", "H", "address to listen on (127.0.0.1)", OPTION_TEXT, &host, 0 },
    { "port", "N", "port to listen on, 0 for a free one (9001)", OPTION_NUMBER, &port, 65535 },
    { "max-message", "BYTES", "the largest message, K, M and G allowed (64M)", OPTION_NUMBER, &max_message, 0 },
    { "ping-interval", "MS", "silence after which a ping is sent, 0 for never (25000)", OPTION_NUMBER, &ping_interval,
      DAY_MS },
    TRUST_OPTION(&proxies),
    { "deflate", NULL, "permessage-deflate; needs a build WITH_ZLIB=1", OPTION_FLAG, &deflate, 0 },
    TLS_IDENTITY_OPTIONS(&cert, &key),
    { NULL, NULL, NULL, OPTION_FLAG, NULL, 0 },
};
static const struct program program = { "echo_server", "", "Sends back every WebSocket message.", specs };

static struct loop loop;

static int on_message(wick_conn *conn, void *user, unsigned opcode, uint8_t *data, size_t len)
{
    wick_status status = wick_conn_send(conn, opcode, data, len);
    (void)user;
    if (status == WICK_E_STATE)
        return 0;       /* we are closing: nothing more is sent, and the peer may not know yet */
    return (int)status; /* WICK_BLOCKED: the message is told again when the peer has taken what is queued */
}

static const wick_conn_callbacks callbacks = {
    .on_output = ws_output,
    .on_memory = ws_memory,
    .on_message = on_message,
};

static wick_conn_config config = { .size = sizeof config, .callbacks = &callbacks, .max_fragments = 1u << 24 };

/* on_message never writes to what it has sent: it need not be copied. */
static struct ws_service echo = { .service = { .keeps_input = 1 }, .config = &config };

static void on_request(struct peer *peer, const struct http_request *request)
{
    static const wick_handshake_server_config any = { .size = sizeof any, .origin_policy = WICK_ORIGIN_ANY };
    wick_handshake shake;
    wick_handshake_check(&any, request->head, &shake);
    http_upgrade(peer, request, &shake, &echo, NULL);
}

/* Tells a refusal of this server from one of a proxy, and nothing else. */
#define NAME "echo_server"
static const wick_http_header stamp = { { "Wick-Server", 11 }, { NAME, sizeof NAME - 1 } };
static struct http_server server = { .loop = &loop, .on_request = on_request, .stamp = &stamp, .stamp_count = 1,
                                    .trust = &trust };

static void on_drained(struct http_server *drained)
{
    loop_stop(drained->loop);
}

static void on_signal(struct loop *in, int signal)
{
    (void)signal;
    if (server.draining)
        loop_stop(in); /* the second time it is meant */
    else
        http_drain(&server, on_drained);
}

static void check_options(int argc, char **argv)
{
    options_parse(&program, argc, argv);
    if (deflate)
        options_wrong(&program, "--deflate: this build has no zlib; build with WITH_ZLIB=1");
    server.tls = tls_identity_read(&program, cert, key);
    trust_read(&trust, &program, &proxies);
    config.kernels = wick_kernels_best();
    config.ping_interval_ms = ping_interval ? ping_interval : WICK_NEVER;
    config.max_message = config.max_frame = max_message ? max_message : 1;
}

int main(int argc, char **argv)
{
    static const int signals[] = { SIGTERM, SIGINT, 0 };
    check_options(argc, argv);
    if (loop_init(&loop) < 0 || loop_signals(&loop, signals, on_signal) < 0) {
        perror("echo_server");
        return 1;
    }
    if (http_listen(&server, host, (unsigned)port) < 0)
        return 1;
    printf("listening on ws%s://%s/\n", server.tls ? "s" : "", server.authority);
    fflush(stdout);
    int result = loop_run(&loop);
    http_close(&server);
    peer_free_all(&loop);
    loop_free(&loop);
    trust_free(&trust);
    tls_identity_free(server.tls);
    tls_end();
    return result < 0;
}
