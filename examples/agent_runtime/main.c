/*
 * agent_runtime - the Runtime alone: agents behind a WebSocket to which Experiences connect.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent_runtime/runtime.h"
#include "lib/log.h"
#include "lib/options.h"
#include "lib/random.h"

/* Runs at once. */
#define RUNS 4608

struct runtime_server runtime_server;

static const char *host = "127.0.0.1";
static uint64_t port = 8081;
static struct option_list commands, proxies;
static struct trust trust;
static const char *cert, *key;

static const struct option_spec specs[] = {
    { "host", "H", "address to listen on (127.0.0.1)", OPTION_TEXT, &host, 0 },
    { "port", "N", "port to listen on, 0 for a free one (8081)", OPTION_NUMBER, &port, 65535 },
    { "agent", "ID=COMMAND", "run COMMAND as the agent ID, once for each invocation; may be repeated", OPTION_LIST,
      &commands, 0 },
    TRUST_OPTION(&proxies),
    TLS_IDENTITY_OPTIONS(&cert, &key),
    { NULL, NULL, NULL, OPTION_FLAG, NULL, 0 },
};
static const struct program program = { "agent_runtime", "", "Runs agents for Experiences that connect to its URL.",
                                        specs };

/* ---- The Runtime ------------------------------------------------------------------------------------------------- */

void runtime_arm(void)
{
    uint64_t due = wick_runtime_deadline(runtime_server.runtime);
    if (due != loop_armed(&runtime_server.loop, &runtime_server.timer))
        loop_arm(&runtime_server.loop, &runtime_server.timer, due);
}

static void on_due(struct loop *loop, struct source *source)
{
    (void)source;
    wick_runtime_tick(runtime_server.runtime, loop->now_ms);
    runtime_arm();
}

static const struct source_type timer_type = { .on_due = on_due };

static int on_random(void *user, uint8_t *out, size_t len)
{
    (void)user;
    return random_bytes(out, len);
}

static int init_runtime(void)
{
    struct loop *loop = &runtime_server.loop;
    runtime_server.unix_offset_ms = agents_unix_offset(loop);
    wick_runtime_config config = { .size = sizeof config, .runs = RUNS, .on_event = on_runtime_event,
                                   .unix_offset_ms = runtime_server.unix_offset_ms, .on_random = on_random };
    source_init(&runtime_server.timer, &timer_type);
    runtime_server.runtime = malloc(wick_runtime_size(&config));
    if (!runtime_server.runtime || wick_runtime_init(runtime_server.runtime, &config, loop->now_ms) != WICK_OK ||
        runs_init() < 0 || agents_init(&runtime_server.agents, loop, runtime_server.runtime) < 0)
        return -1;
    links_init();
    return agents_add_builtin(&runtime_server.agents);
}

/* ---- The end ----------------------------------------------------------------------------------------------------- */

static void on_drained(struct http_server *drained)
{
    (void)drained;
    agents_leave(&runtime_server.agents);
}

static void on_signal(struct loop *loop, int signal)
{
    if (signal == SIGCHLD) {
        agents_reap(&runtime_server.agents);
        return;
    }
    if (runtime_server.draining) {
        loop_stop(loop); /* the second time it is meant */
        return;
    }
    log_line("draining");
    runtime_server.draining = 1;
    wick_runtime_drain(runtime_server.runtime, loop->now_ms);
    links_drain();
    http_drain(&runtime_server.http, on_drained);
}

/* Tells a refusal of this server from one of a proxy, and nothing else. */
#define NAME "agent_runtime"
static const wick_http_header stamp = { { "Wick-Server", 11 }, { NAME, sizeof NAME - 1 } };

int main(int argc, char **argv)
{
    static const int signals[] = { SIGTERM, SIGINT, SIGCHLD, 0 };
    struct loop *loop = &runtime_server.loop;
    options_parse(&program, argc, argv);
    trust_read(&trust, &program, &proxies);
    runtime_server.http.tls = tls_identity_read(&program, cert, key);
    if (loop_init(loop) < 0 || loop_signals(loop, signals, on_signal) < 0 || init_runtime() < 0) {
        perror("agent_runtime");
        return 1;
    }
    for (size_t i = 0; i < commands.count; i++)
        if (agents_add_command(&runtime_server.agents, commands.values[i]) < 0)
            options_wrong(&program, "--agent %s: ID=COMMAND expected", commands.values[i]);
    runtime_server.http.loop = loop;
    runtime_server.http.on_request = on_runtime_request;
    runtime_server.http.stamp = &stamp;
    runtime_server.http.stamp_count = 1;
    runtime_server.http.trust = &trust;
    if (http_listen(&runtime_server.http, host, (unsigned)port) < 0)
        return 1;
    printf("listening on ws%s://%s%s\n", runtime_server.http.tls ? "s" : "", runtime_server.http.authority,
           RUNTIME_PATH);
    fflush(stdout);
    int result = loop_run(loop);
    http_close(&runtime_server.http);
    peer_free_all(loop);
    agents_free(&runtime_server.agents);
    runs_free();
    free(runtime_server.runtime);
    loop_free(loop);
    trust_free(&trust);
    tls_identity_free(runtime_server.http.tls);
    tls_end();
    return result < 0;
}
