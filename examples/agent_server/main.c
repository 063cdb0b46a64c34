/*
 * agent_server - the reference server: a page, the Experience behind a WebSocket, the Runtime and its agents, in
 * one process and one thread; or, with --runtime, all of it but the Runtime, which is an agent_runtime elsewhere.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent_server/server.h"
#include "lib/http_client.h"
#include "lib/log.h"
#include "lib/options.h"

/* The most rules that --route FILE may have. */
#define ROUTES_MAX 1024
/* The longest interval that may be asked for. */
#define DAY_MS 86400000

/* The most that --max-sessions takes. */
#define MAX_SESSIONS 1000000
/* Of --log-memory. */
#define MIN_LOG_MEMORY (1u << 20)
#define MAX_LOG_MEMORY ((uint64_t)64 << 30)

struct server server = { .ping_interval_ms = WICK_DEFAULT_PING_INTERVAL_MS, .comment_interval_ms = 15000,
                         .max_sessions = WICK_DEFAULT_SESSIONS, .log_memory = 256 << 20 };

static const char *host = "127.0.0.1";
static uint64_t port = 8080;
static const char *route_file;
static struct option_list commands, origins, proxies;
static struct trust trust;
static const char *cert, *key, *ca;

static const struct option_spec specs[] = {
    { "host", "H", "address to listen on (127.0.0.1)", OPTION_TEXT, &host, 0 },
    { "port", "N", "port to listen on, 0 for a free one (8080)", OPTION_NUMBER, &port, 65535 },
    { "agent", "ID=COMMAND", "run COMMAND as the agent ID, once for each invocation; may be repeated", OPTION_LIST,
      &commands, 0 },
    { "route", "FILE", "rules `surface user_role conversation_state agent_id` before the default ones", OPTION_TEXT,
      &route_file, 0 },
    { "token", "T", "let in only who has this token", OPTION_TEXT, &server.token, 0 },
    { "token-seconds", "N", "close a connection N seconds after it has shown the token, unless it shows it again",
      OPTION_NUMBER, &server.token_seconds, 1000000000 },
    { "origin", "O", "let pages of this origin connect too; may be repeated", OPTION_LIST, &origins, 0 },
    { "ping-interval", "MS", "silence after which a WebSocket is pinged, 0 for never (25000)", OPTION_NUMBER,
      &server.ping_interval_ms, DAY_MS },
    { "comment-interval", "MS", "silence after which a stream gets a comment, 0 for never (15000)", OPTION_NUMBER,
      &server.comment_interval_ms, DAY_MS },
    { "max-sessions", "N", "sessions at once, attached or not, from 1 to 1000000 (16384)", OPTION_NUMBER,
      &server.max_sessions, MAX_SESSIONS },
    /* 256M are 200 members of a room, each with a whole log. Memory that is not used is not touched. */
    { "log-memory", "BYTES", "memory for the logs of all sessions, from 1M to 64G; the longest give way (256M)",
      OPTION_NUMBER, &server.log_memory, MAX_LOG_MEMORY },
    TRUST_OPTION(&proxies),
    TLS_IDENTITY_OPTIONS(&cert, &key),
    { "ca", "FILE", "believe these certificates too, of a --runtime with wss", OPTION_TEXT, &ca, 0 },
    { "runtime", "URL", "let the agent_runtime at this ws:// or wss:// URL run the agents", OPTION_TEXT,
      &server.runtime_url, 0 },
    { NULL, NULL, NULL, OPTION_FLAG, NULL, 0 },
};
static const struct program program = { "agent_server", "", "Serves a page, agents behind a WebSocket, and health.",
                                        specs };

/* ---- The command line -------------------------------------------------------------------------------------------- */

static char *read_file(const char *path, size_t *len)
{
    FILE *in = fopen(path, "rb");
    char *text = NULL;
    size_t cap = 0;
    *len = 0;
    if (!in)
        return NULL;
    for (size_t n = 1; n > 0; *len += n) {
        if (*len == cap) {
            char *more = realloc(text, cap = cap ? cap * 2 : 4096);
            if (!more)
                break;
            text = more;
        }
        n = fread(text + *len, 1, cap - *len, in);
    }
    fclose(in);
    return text;
}

/* The rules point into the text of the file. */
static char *route_text;

static void read_routes(void)
{
    size_t len, line;
    route_text = read_file(route_file, &len);
    if (!route_text)
        options_wrong(&program, "--route %s: cannot be read", route_file);
    server.routes = calloc(ROUTES_MAX, sizeof *server.routes);
    if (!server.routes)
        options_wrong(&program, "--route: no memory");
    if (wick_routes_read(route_text, len, server.routes, ROUTES_MAX, &server.route_count, &line) != WICK_OK)
        options_wrong(&program, "--route %s: line %zu: `surface user_role conversation_state agent_id` expected",
                      route_file, line);
}

/* A browser's Origin ends behind the port: an entry with a path, or without a scheme, would never match. */
static int may_be_origin(const char *text)
{
    const char *name = strstr(text, "://");
    if (!name)
        return strcmp(text, "*") == 0 || strcmp(text, "null") == 0;
    name += 3;
    if (strncmp(name, "*.", 2) == 0)
        name += 2;
    return name > text + 3 && wick_url_split_authority((wick_str){ name, strlen(name) }, NULL, NULL) == WICK_OK;
}

static void read_origins(void)
{
    server.origins = calloc(origins.count + 1, sizeof *server.origins);
    if (!server.origins)
        options_wrong(&program, "--origin: no memory");
    for (size_t i = 0; i < origins.count; i++) {
        if (!may_be_origin(origins.values[i]))
            options_wrong(&program, "--origin %s: scheme://host[:port] expected, and nothing behind it",
                          origins.values[i]);
        server.origins[i] = (wick_str){ origins.values[i], strlen(origins.values[i]) };
    }
    server.origin_count = origins.count;
}

static void check_runtime(void)
{
    wick_url url;
    if (commands.count)
        options_wrong(&program, "--agent goes with the Runtime: give it to the agent_runtime");
    if (wick_url_split((wick_str){ server.runtime_url, strlen(server.runtime_url) }, &url) != WICK_OK)
        options_wrong(&program, "--runtime %s: a ws:// URL expected", server.runtime_url);
    if (url.secure && !tls_is_built())
        options_wrong(&program, "--runtime %s: this build has no TLS; build with WITH_OPENSSL=1", server.runtime_url);
}

/* ---- The end ----------------------------------------------------------------------------------------------------- */

/* The last connection has gone; children that have been told to go may still be at it. */
static void on_drained(struct http_server *drained)
{
    (void)drained;
    agents_leave(&server.agents);
}

static int serving, failed;

static void on_signal(struct loop *loop, int signal)
{
    if (signal == SIGCHLD) {
        agents_reap(&server.agents);
        return;
    }
    if (server.http.draining || !serving) {
        loop_stop(loop); /* the second time it is meant; or there is nothing to drain yet */
        return;
    }
    log_line("draining");
    planes_drain();
    views_end();
    http_drain(&server.http, on_drained);
}

/* Tells a refusal of this server from one of a proxy, and nothing else. */
#define NAME "agent_server"
static const wick_http_header stamp = { { "Wick-Server", 11 }, { NAME, sizeof NAME - 1 } };

/* The planes have met. */
static void serve(void)
{
    failed = http_listen(&server.http, host, (unsigned)port) < 0;
    if (failed) {
        loop_stop(&server.loop);
        return;
    }
    serving = 1;
    printf("listening on http%s://%s/\n", server.http.tls ? "s" : "", server.http.authority);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static const int signals[] = { SIGTERM, SIGINT, SIGCHLD, 0 };
    char why[512];
    options_parse(&program, argc, argv);
    if (server.token && !*server.token)
        options_wrong(&program, "--token: the token is empty");
    if (!server.max_sessions)
        options_wrong(&program, "--max-sessions 0: nobody could connect");
    if (server.log_memory < MIN_LOG_MEMORY)
        options_wrong(&program, "--log-memory: at least 1M");
    if (route_file)
        read_routes();
    read_origins();
    trust_read(&trust, &program, &proxies);
    server.http.tls = tls_identity_read(&program, cert, key);
    if (ca && tls_trust(ca, 0, why, sizeof why) < 0)
        options_wrong(&program, "--ca: %s", why);
    if (server.runtime_url)
        check_runtime();
    if (loop_init(&server.loop) < 0 || loop_signals(&server.loop, signals, on_signal) < 0 || page_init() < 0 ||
        planes_init() < 0) {
        perror("agent_server");
        return 1;
    }
    for (size_t i = 0; i < commands.count; i++)
        if (agents_add_command(&server.agents, commands.values[i]) < 0)
            options_wrong(&program, "--agent %s: ID=COMMAND expected", commands.values[i]);
    socket_init();
    server.start_ms = server.loop.now_ms;
    server.http.loop = &server.loop;
    server.http.on_request = on_request;
    server.http.on_gone = view_gone;
    server.http.on_room = view_room;
    server.http.stamp = &stamp;
    server.http.stamp_count = 1;
    server.http.trust = &trust;
    if (planes_start(serve) < 0 || failed)
        return 1;
    int result = loop_run(&server.loop);
    if (serving)
        http_close(&server.http);
    http_call_cancel_all();
    peer_free_all(&server.loop);
    planes_free();
    page_free();
    loop_free(&server.loop);
    trust_free(&trust);
    tls_identity_free(server.http.tls);
    tls_end();
    free(server.routes);
    free(route_text);
    free(server.origins);
    return result < 0 || failed;
}
