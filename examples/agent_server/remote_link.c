/*
 * remote_link.c - the connection to a Runtime in another process: heartbeat, and back again by itself. See remote.h.
 */
#include <stdio.h>
#include <string.h>

#include "agent_server/remote.h"
#include "agent_server/server.h"
#include "lib/agent_link.h"
#include "lib/client.h"
#include "lib/log.h"
#include "lib/random.h"

/* Bytes queued for the Runtime from which on it is taken for dead: remote.c sends no invocations long before. */
#define OUTPUT_LIMIT (16u << 20)
/* The first wait between attempts is up to this, each further one up to twice as long, at most that. */
#define BACKOFF_MS 100
#define BACKOFF_MAX_MS 2000
#define CONNECT_MS 2000
/* A connection that has held so long starts the waits anew. */
#define STABLE_MS 10000

static const char *url;
static struct peer *link_peer; /* NULL: not connected */
static struct source retry;
static unsigned attempts;
static uint64_t opened_ms;
static int lasting; /* the last attempt has failed too, and the log says so already */
static void (*tell_ready)(void);

static void ready(void)
{
    void (*on_ready)(void) = tell_ready;
    tell_ready = NULL;
    if (on_ready)
        on_ready();
}

/* ---- Attempts ---------------------------------------------------------------------------------------------------- */

static void try_again(void)
{
    uint64_t most = BACKOFF_MS;
    uint32_t random = 0;
    for (unsigned i = 0; i < attempts && most < BACKOFF_MAX_MS; i++)
        most *= 2;
    attempts++;
    if (most > BACKOFF_MAX_MS)
        most = BACKOFF_MAX_MS;
    random_bytes(&random, sizeof random);
    if (!server.http.draining)
        loop_arm(&server.loop, &retry, server.loop.now_ms + 1 + random % most);
}

static void on_failed(struct loop *loop, const struct client_failure *failure, void *user)
{
    (void)loop;
    (void)user;
    if (!lasting)
        log_line("runtime %s: no connection (%s: %s); trying on", url, failure->stage, failure->text);
    lasting = 1;
    try_again();
    ready();
}

/* ---- The connection ---------------------------------------------------------------------------------------------- */

static int on_message(wick_conn *conn, void *user, unsigned opcode, uint8_t *data, size_t len)
{
    wick_event event;
    wick_event_error error;
    char space[256];
    if (user != link_peer || opcode != WICK_TEXT || wick_conn_state(conn) != WICK_OPEN)
        return 0;
    wick_status status = agent_link_read(data, len, WICK_BY_RUNTIME | WICK_BY_SERVER, &event, &error);
    if (status == WICK_OK || event.type == WICK_TYPE_APPLICATION)
        remote_event(&event);
    else if (status < 0)
        log_line("runtime %s: a message is dropped: %s", url, wick_event_error_text(&error, space, sizeof space).data);
    planes_arm();
    return link_peer && (link_peer->flags & PEER_HELD) ? WICK_PAUSED : 0;
}

static const wick_conn_callbacks callbacks = {
    .on_output = ws_output,
    .on_memory = ws_memory,
    .on_random = ws_random,
    .on_message = on_message,
};

static const wick_conn_config config = {
    .size = sizeof config,
    .callbacks = &callbacks,
    .role = WICK_CLIENT,
    .max_frame = 2 * AGENT_LINK_MESSAGE_MAX,
    .max_message = 2 * AGENT_LINK_MESSAGE_MAX,
    .ping_interval_ms = AGENT_LINK_PING_MS,
    .pong_timeout_ms = AGENT_LINK_PONG_MS,
};

static void on_open(struct peer *peer)
{
    static const char want[] = AGENT_LINK_SUBPROTOCOL;
    wick_str got = client_subprotocol(peer);
    if (got.len != sizeof want - 1 || memcmp(got.data, want, got.len) != 0 || server.http.draining) {
        if (!lasting && !server.http.draining)
            log_line("runtime %s: it does not speak %s", url, want);
        lasting = 1;
        ws_close(peer, 1002, "the Runtime's subprotocol is missing");
    } else {
        link_peer = peer;
        opened_ms = server.loop.now_ms;
        lasting = 0;
        log_line("runtime %s: connected", url);
        remote_found();
    }
    ready();
}

static void on_gone(struct peer *peer, wick_status why)
{
    if (peer == link_peer) {
        log_line("runtime %s: the connection is gone: %s", url, wick_status_text(why));
        if (server.loop.now_ms - opened_ms >= STABLE_MS)
            attempts = 0;
        link_peer = NULL;
        remote_lost();
    }
    try_again();
}

static struct ws_service service = {
    .service = { .output_limit = OUTPUT_LIMIT },
    .config = &config,
    .on_open = on_open,
    .on_gone = on_gone,
};

static void on_retry(struct loop *loop, struct source *source)
{
    static const wick_str subprotocol = { AGENT_LINK_SUBPROTOCOL, sizeof AGENT_LINK_SUBPROTOCOL - 1 };
    const struct client_options options = { .url = url, .subprotocols = &subprotocol, .subprotocol_count = 1,
                                            .timeout_ms = CONNECT_MS, .on_failed = on_failed };
    (void)source;
    client_connect(loop, &options, &service, NULL);
}

static const struct source_type retry_type = { .on_due = on_retry };

/* ---- For the runs ------------------------------------------------------------------------------------------------ */

struct peer *remote_peer(void)
{
    return link_peer && wick_conn_state(&link_peer->as.ws) == WICK_OPEN ? link_peer : NULL;
}

int remote_send(const wick_event *event)
{
    struct peer *peer = remote_peer();
    wick_status status = peer ? agent_link_send(peer, event) : WICK_E_STATE;
    if (status == WICK_BLOCKED) {
        log_line("runtime %s: it takes nothing any more", url);
        peer_close(peer);
    }
    return status == WICK_OK ? 0 : -1;
}

void remote_pause(int pause)
{
    if (!link_peer)
        return;
    if (pause)
        ws_hold(link_peer);
    else
        ws_go_on(link_peer);
}

int remote_init(const char *runtime_url, uint64_t unix_offset_ms, void (*on_ready)(void))
{
    url = runtime_url;
    tell_ready = on_ready;
    source_init(&retry, &retry_type);
    if (remote_runs_init(unix_offset_ms) < 0)
        return -1;
    return loop_arm(&server.loop, &retry, server.loop.now_ms);
}

void remote_free(void)
{
    if (url)
        remote_runs_free();
}
