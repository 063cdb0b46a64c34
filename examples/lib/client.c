/*
 * client.c - the way from a URL to a WebSocket peer: see client.h.
 *
 * The addresses of the host are tried one after the other, each with a peer of its own. client->peer is the one
 * that counts; it goes on to be the WebSocket, or takes the struct client with it when it goes.
 */
#include "lib/client.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/random.h"
#include "lib/socket.h"

#define CLIENT_FIELDS 100
#define REFUSAL_BODY_MAX (64u << 10)

enum { CONNECTING, AWAITING_HEAD, AWAITING_BODY };

struct client {
    struct client_options options;
    struct ws_service *websockets;
    void *user;
    struct peer *peer;
    struct addrinfo *addresses, *next;
    uint64_t deadline;
    int error; /* errno of the last address */
    int told;
    wick_url url;
    wick_handshake_client_config config;
    uint8_t nonce[WICK_NONCE_SIZE];
    wick_http_head head;
    wick_http_header fields[CLIENT_FIELDS];
    wick_handshake_answer answer;
    /* A refusal. */
    uint8_t *head_bytes;
    wick_http_response response;
    wick_http_body body_state;
    uint8_t *body;
    size_t body_len;
};

static const struct peer_protocol client_protocol;

/* The service of the peers that are on their way. */
static struct service connecting = { .protocol = &client_protocol };

/* The one whose on_open is being called. */
static const struct client *opening;

wick_str client_subprotocol(const struct peer *peer)
{
    static const wick_str none = { "", 0 };
    return opening && opening->peer == peer ? opening->answer.subprotocol : none;
}

static void free_client(struct client *client)
{
    if (client->addresses)
        freeaddrinfo(client->addresses);
    free(client->head_bytes);
    free(client->body);
    free(client);
}

static void tell(struct client *client, struct client_failure *failure)
{
    if (client->told)
        return;
    client->told = 1;
    client->options.on_failed(connecting.loop, failure, client->user);
}

/* The peer is closed; the client goes with it. */
static void fail(struct peer *peer, const char *stage, wick_status status, const char *text)
{
    struct client *client = peer->as.client;
    struct client_failure failure = { .stage = stage, .text = text, .status = status };
    if (client->response.status) {
        failure.response = &client->response;
        failure.body = client->body;
        failure.body_len = client->body_len;
    }
    tell(client, &failure);
    peer_close(peer);
}

/* ---- Connecting
 * -------------------------------------------------------------------------------------------------- */

static int open_socket(const struct addrinfo *address)
{
    int on = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, address->ai_addr, address->ai_addrlen) == 0 || errno == EINPROGRESS)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

/* Start with the next address that lets us. Returns 0, or -1 if there is none: client->error says why. */
static int try_next(struct client *client)
{
    while (client->next) {
        const struct addrinfo *address = client->next;
        client->next = address->ai_next;
        int fd = open_socket(address);
        if (fd < 0) {
            client->error = errno;
            continue;
        }
        struct peer *peer = peer_new(&connecting, fd, EPOLLOUT);
        if (!peer) {
            client->error = ENOMEM;
            close(fd);
            continue;
        }
        peer->phase = CONNECTING;
        peer->as.client = client;
        client->peer = peer;
        peer_hold(peer, 0);
        loop_arm(connecting.loop, &peer->source, client->deadline);
        return 0;
    }
    return -1;
}

static int has_connected(const struct peer *peer)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    return getpeername(peer->source.fd, (struct sockaddr *)&address, &len) == 0;
}

static void write_request(struct peer *peer)
{
    struct client *client = peer->as.client;
    char room[4096], *out = room;
    size_t need;
    wick_status status = wick_handshake_request_write(&client->config, client->nonce, out, sizeof room, &need);
    if (status == WICK_E_SPACE) {
        out = malloc(need);
        status = out ? wick_handshake_request_write(&client->config, client->nonce, out, need, &need) : WICK_E_MEMORY;
    }
    if (status == WICK_OK) {
        wick_slice slice = { (const uint8_t *)out, need };
        peer_write(peer, &slice, 1);
        peer->phase = AWAITING_HEAD;
        wick_http_head_init_response(&client->head, NULL, client->fields, CLIENT_FIELDS, connecting.loop->now_ms);
        peer_go_on(peer);
    } else {
        fail(peer, "handshake", status,
             status == WICK_E_ARG ? "a field cannot be sent with a handshake" : wick_status_text(status));
    }
    if (out != room)
        free(out);
}

/* While it is connecting, the peer is asked to tell of room: that is when the connection stands. */
static void client_settle(struct peer *peer)
{
    if (peer->phase != CONNECTING)
        return;
    if (has_connected(peer))
        write_request(peer);
    else
        peer->flags |= PEER_WANTS_ROOM;
}

static void client_room(struct peer *peer)
{
    (void)peer; /* client_settle() follows */
}

/* ---- The answer
 * -------------------------------------------------------------------------------------------------- */

static int keep_refusal(struct client *client, const uint8_t *data, size_t len)
{
    uint64_t now = connecting.loop->now_ms;
    client->head_bytes = malloc(len);
    if (!client->head_bytes)
        return -1;
    memcpy(client->head_bytes, data, len);
    wick_http_head_init_response(&client->head, NULL, client->fields, CLIENT_FIELDS, now);
    wick_http_head_feed(&client->head, client->head_bytes, len, now);
    wick_http_head_response(&client->head, &client->response);
    if (wick_http_body_init_response(&client->body_state, &client->response, REFUSAL_BODY_MAX) != WICK_OK)
        return -1;
    client->body = malloc(REFUSAL_BODY_MAX);
    return client->body ? 0 : -1;
}

static void refused(struct peer *peer)
{
    fail(peer, "handshake", WICK_E_REFUSED, wick_status_text(WICK_E_REFUSED));
}

static size_t take_refusal_body(struct peer *peer, const uint8_t *data, size_t len)
{
    struct client *client = peer->as.client;
    size_t at = 0, used;
    wick_slice piece;
    for (;;) {
        wick_status status = wick_http_body_next(&client->body_state, data + at, len - at, &used, &piece);
        at += used;
        if (status == WICK_MORE)
            return at;
        if (status != WICK_OK || !piece.len) {
            refused(peer);
            return len;
        }
        memcpy(client->body + client->body_len, piece.data, piece.len);
        client->body_len += piece.len;
    }
}

static void become_websocket(struct peer *peer)
{
    struct client *client = peer->as.client;
    opening = client;
    if (ws_start(peer, client->websockets, client->user) < 0) {
        struct client_failure failure = { .stage = "handshake", .text = wick_status_text(WICK_E_CONFIG),
                                          .status = WICK_E_CONFIG };
        tell(client, &failure);
    }
    opening = NULL;
    free_client(client);
}

static size_t take_answer(struct peer *peer, const uint8_t *data, size_t len)
{
    struct client *client = peer->as.client;
    wick_status status = wick_http_head_feed(&client->head, data, len, connecting.loop->now_ms);
    if (status == WICK_MORE)
        return 0;
    if (status < 0) {
        fail(peer, "handshake", status, wick_status_text(status));
        return len;
    }
    size_t head_len = wick_http_head_length(&client->head);
    wick_http_response response;
    wick_http_head_response(&client->head, &response);
    status = wick_handshake_response_check(&client->config, client->nonce, &response, &client->answer);
    if (status == WICK_OK) {
        become_websocket(peer);
    } else if (status == WICK_MORE) {
        wick_http_head_init_response(&client->head, NULL, client->fields, CLIENT_FIELDS, connecting.loop->now_ms);
    } else if (status == WICK_E_REFUSED) {
        peer->phase = AWAITING_BODY;
        if (keep_refusal(client, data, head_len) < 0)
            refused(peer);
    } else {
        fail(peer, "handshake", status, wick_status_text(status));
    }
    return head_len;
}

static size_t client_input(struct peer *peer, uint8_t *data, size_t len)
{
    size_t at = 0, used;
    do {
        if (peer->phase == AWAITING_BODY)
            used = take_refusal_body(peer, data + at, len - at);
        else
            used = len > at ? take_answer(peer, data + at, len - at) : 0;
        at += used;
    } while (used && peer->service == &connecting && !(peer->flags & PEER_DOOMED));
    return at;
}

/* ---- Ends
 * -------------------------------------------------------------------------------------------------------- */

static void client_end(struct peer *peer)
{
    struct client *client = peer->as.client;
    if (peer->phase == CONNECTING) {
        socklen_t len = sizeof client->error;
        client->error = 0;
        getsockopt(peer->source.fd, SOL_SOCKET, SO_ERROR, &client->error, &len);
        if (try_next(client) < 0)
            fail(peer, "connect", WICK_OK, strerror(client->error));
        peer_close(peer);
    } else if (peer->phase == AWAITING_BODY) {
        refused(peer);
    } else {
        fail(peer, "handshake", WICK_E_EOF, "the server closed the connection without an answer");
    }
}

static void client_due(struct peer *peer)
{
    if (peer->phase == CONNECTING)
        fail(peer, "connect", WICK_OK, strerror(ETIMEDOUT));
    else if (peer->phase == AWAITING_BODY)
        refused(peer);
    else
        fail(peer, "handshake", WICK_E_HEAD_TIMEOUT, "the server did not answer in time");
}

static void client_free(struct peer *peer)
{
    struct client *client = peer->as.client;
    if (client->peer == peer)
        free_client(client);
}

static const struct peer_protocol client_protocol = {
    .on_input = client_input,
    .on_end = client_end,
    .on_room = client_room,
    .on_due = client_due,
    .on_settle = client_settle,
    .on_free = client_free,
};

/* ---- Starting
 * ---------------------------------------------------------------------------------------------------- */

static const char *resolve(struct client *client)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    char host[256], port[8];
    if (client->url.host.len >= sizeof host)
        return "the host name is too long";
    memcpy(host, client->url.host.data, client->url.host.len);
    host[client->url.host.len] = '\0';
    snprintf(port, sizeof port, "%u", client->url.port);
    int error = getaddrinfo(host, port, &hints, &client->addresses);
    client->next = client->addresses;
    return error ? gai_strerror(error) : NULL;
}

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

/* Returns NULL if the client is on its way, else why not. */
static const char *start(struct client *client, const char **stage)
{
    wick_str url = { client->options.url, strlen(client->options.url) };
    *stage = "url";
    if (wick_url_split(url, &client->url) != WICK_OK)
        return wick_status_text(WICK_E_URL);
    if (client->url.secure)
        return "wss needs TLS, which this build has not; build with WITH_OPENSSL=1";
    *stage = "handshake";
    if (random_bytes(client->nonce, sizeof client->nonce) < 0)
        return wick_status_text(WICK_E_RANDOM);
    configure(client);
    *stage = "resolve";
    const char *why = resolve(client);
    if (why)
        return why;
    *stage = "connect";
    return try_next(client) < 0 ? strerror(client->error) : NULL;
}

void client_connect(struct loop *loop, const struct client_options *options, struct ws_service *websockets, void *user)
{
    struct client_failure failure = { .stage = "connect", .text = strerror(ENOMEM) };
    struct client *client = calloc(1, sizeof *client);
    if (!client) {
        options->on_failed(loop, &failure, user);
        return;
    }
    connecting.loop = loop;
    if (!websockets->service.loop)
        websockets->service.loop = loop;
    client->options = *options;
    client->websockets = websockets;
    client->user = user;
    client->deadline = loop->now_ms + (options->timeout_ms ? options->timeout_ms : 10000);
    failure.text = start(client, &failure.stage);
    if (!failure.text)
        return;
    tell(client, &failure);
    free_client(client);
}
