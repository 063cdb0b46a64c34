/*
 * client.c - the way from a URL to a WebSocket peer: see client.h. An HTTP call whose answer is a 101 becomes a
 * WebSocket; any other answer is kept for on_failed.
 */
#include "lib/client.h"

#include <stdlib.h>
#include <string.h>

#include "lib/random.h"

#define REFUSAL_BODY_MAX (64u << 10)

struct client {
    struct client_options options;
    struct ws_service *websockets;
    void *user;
    wick_url url;
    wick_handshake_client_config config;
    uint8_t nonce[WICK_NONCE_SIZE];
    wick_handshake_answer answer;
    wick_status status; /* of the handshake */
    /* A refusal. */
    wick_http_response response;
    wick_http_header fields[HTTP_CALL_FIELDS];
    char *texts; /* what response and fields point to */
    uint8_t *body;
    size_t body_len;
};

/* The one whose on_open is being called, and its connection. */
static const struct client *opening;
static const struct peer *opening_peer;
static const struct http_trace *opening_trace;

wick_str client_subprotocol(const struct peer *peer)
{
    static const wick_str none = { "", 0 };
    return opening && opening_peer == peer ? opening->answer.subprotocol : none;
}

const struct http_trace *client_trace(const struct peer *peer)
{
    return opening && opening_peer == peer ? opening_trace : NULL;
}

static void free_client(void *user)
{
    struct client *client = user;
    free(client->texts);
    free(client->body);
    free(client);
}

static const char *stage_name(const struct http_trace *trace)
{
    if (trace->outcome == HTTP_BAD_URL || trace->outcome == HTTP_NO_TLS)
        return "url";
    return trace->stage == HTTP_RESOLVING    ? "resolve"
           : trace->stage == HTTP_CONNECTING ? "connect"
           : trace->stage == HTTP_SECURING   ? "tls"
                                             : "handshake";
}

/* What a call that ended without an answer means for the handshake. */
static wick_status status_of(const struct http_trace *trace)
{
    if (trace->stage < HTTP_AWAITING)
        return WICK_OK;
    switch (trace->outcome) {
    case HTTP_TIMEOUT:
        return WICK_E_HEAD_TIMEOUT;
    case HTTP_NOT_HTTP:
    case HTTP_BAD_HEAD:
        return trace->status;
    case HTTP_NO_MEMORY:
        return WICK_E_MEMORY;
    default:
        return WICK_E_EOF;
    }
}

/* ---- The answer -------------------------------------------------------------------------------------------------- */

static wick_str keep_text(char **to, wick_str text)
{
    wick_str kept = { *to, text.len };
    if (text.len)
        memcpy(*to, text.data, text.len);
    *to += text.len;
    return kept;
}

static int keep_refusal(struct client *client, const wick_http_response *response)
{
    size_t len = response->reason.len;
    for (size_t i = 0; i < response->header_count; i++)
        len += response->headers[i].name.len + response->headers[i].value.len;
    client->texts = malloc(len + 1);
    client->body = malloc(REFUSAL_BODY_MAX);
    if (!client->texts || !client->body)
        return -1;
    char *to = client->texts;
    client->response = *response;
    client->response.reason = keep_text(&to, response->reason);
    for (size_t i = 0; i < response->header_count; i++) {
        client->fields[i].name = keep_text(&to, response->headers[i].name);
        client->fields[i].value = keep_text(&to, response->headers[i].value);
    }
    client->response.headers = client->fields;
    return 0;
}

static void become_websocket(struct client *client, struct http_call *call)
{
    struct client_failure failure = { .stage = "handshake", .text = wick_status_text(WICK_E_CONFIG),
                                      .status = WICK_E_CONFIG, .trace = http_call_trace(call) };
    struct peer *peer = http_call_take(call);
    struct loop *loop = peer->service->loop;
    opening = client;
    opening_peer = peer;
    opening_trace = failure.trace;
    if (ws_start(peer, client->websockets, client->user) < 0)
        client->options.on_failed(loop, &failure, client->user);
    opening = NULL;
}

static int on_head(struct http_call *call, const wick_http_response *response)
{
    struct client *client = http_call_user(call);
    client->status = wick_handshake_response_check(&client->config, client->nonce, response, &client->answer);
    if (client->status == WICK_OK)
        become_websocket(client, call);
    else if (client->status != WICK_E_REFUSED || keep_refusal(client, response) < 0)
        return -1;
    return 0;
}

static int on_body(struct http_call *call, const uint8_t *data, size_t len)
{
    struct client *client = http_call_user(call);
    size_t room = REFUSAL_BODY_MAX - client->body_len;
    memcpy(client->body + client->body_len, data, len < room ? len : room);
    client->body_len += len < room ? len : room;
    return len < room ? 0 : -1;
}

static void on_end(struct http_call *call)
{
    struct client *client = http_call_user(call);
    const struct http_trace *trace = http_call_trace(call);
    struct client_failure failure = { .stage = stage_name(trace), .text = trace->text, .status = status_of(trace),
                                      .trace = trace };
    if (trace->http_status) {
        failure.status = client->status;
        failure.text = wick_status_text(client->status);
    }
    if (client->response.headers) {
        failure.response = &client->response;
        failure.body = client->body;
        failure.body_len = client->body_len;
    }
    client->options.on_failed(client->websockets->service.loop, &failure, client->user);
}

static const struct http_call_type call_type = {
    .on_head = on_head, .on_body = on_body, .on_end = on_end, .on_free = free_client
};

/* ---- Starting ---------------------------------------------------------------------------------------------------- */

static void configure(struct client *client)
{
    const struct client_options *options = &client->options;
    wick_handshake_client_config *config = &client->config;
    config->size = sizeof *config;
    config->host = client->url.authority;
    config->path = client->url.path;
    config->query = client->url.query;
    if (options->origin)
        config->origin = (wick_str){ options->origin, strlen(options->origin) };
    config->subprotocols = options->subprotocols;
    config->subprotocol_count = options->subprotocol_count;
    config->headers = options->headers;
    config->header_count = options->header_count;
}

static wick_status start(struct client *client, struct loop *loop, char *request, size_t cap)
{
    const struct client_options *options = &client->options;
    size_t len;
    wick_status status = random_bytes(client->nonce, sizeof client->nonce) < 0 ? WICK_E_RANDOM : WICK_OK;
    if (status == WICK_OK)
        status = wick_handshake_request_write(&client->config, client->nonce, request, cap, &len);
    if (status != WICK_OK)
        return status;
    struct http_call_options call = {
        .url = options->url, .request = request, .request_len = len,
        .total_ms = options->timeout_ms ? options->timeout_ms : 10000, .idle_ms = WICK_NEVER
    };
    call.connect_ms = call.head_ms = call.total_ms;
    return http_call_start(loop, &call, &call_type, client) ? WICK_OK : WICK_E_MEMORY;
}

/* Returns NULL if the client is on its way, else why not. */
static const char *prepare(struct client *client, struct loop *loop, struct client_failure *failure)
{
    wick_str url = { client->options.url, strlen(client->options.url) };
    size_t need = 0;
    failure->stage = "url";
    if (wick_url_split(url, &client->url) != WICK_OK)
        return wick_status_text(WICK_E_URL);
    configure(client);
    failure->stage = "handshake";
    wick_handshake_request_write(&client->config, client->nonce, NULL, 0, &need);
    char *request = malloc(need + 1);
    failure->status = request ? start(client, loop, request, need) : WICK_E_MEMORY;
    free(request);
    if (failure->status == WICK_OK)
        return NULL;
    return failure->status == WICK_E_ARG ? "a field cannot be sent with a handshake"
                                         : wick_status_text(failure->status);
}

void client_connect(struct loop *loop, const struct client_options *options, struct ws_service *websockets, void *user)
{
    struct client_failure failure = { .stage = "connect", .text = wick_status_text(WICK_E_MEMORY) };
    struct client *client = calloc(1, sizeof *client);
    if (!client) {
        options->on_failed(loop, &failure, user);
        return;
    }
    if (!websockets->service.loop)
        websockets->service.loop = loop;
    client->options = *options;
    client->websockets = websockets;
    client->user = user;
    failure.text = prepare(client, loop, &failure);
    if (!failure.text)
        return;
    options->on_failed(loop, &failure, user);
    free_client(client);
}
