/*
 * visitor.c - see visitor.h. A visitor is found by the descriptor of its peer; PEER_VISITOR tells which peers have one.
 */
#include "lib/visitor.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct visitor {
    wick_address peer; /* of the connection: the socket's, or what the PROXY header says */
    int port;
    int secure; /* the PROXY header says TLS */
    wick_forwarded known;
    char name[SOCKET_NAME];
};

static struct visitor **visitors;
static size_t visitor_cap;

/* ---- Trust ------------------------------------------------------------------------------------------------------- */

void trust_read(struct trust *trust, const struct program *program, const struct option_list *list)
{
    if (!list->count)
        return;
    trust->networks = calloc(list->count, sizeof *trust->networks);
    if (!trust->networks)
        options_wrong(program, "--trust-proxy: no memory");
    for (size_t i = 0; i < list->count; i++) {
        wick_str text = { list->values[i], strlen(list->values[i]) };
        if (wick_network_parse(text, &trust->networks[i]) != WICK_OK)
            options_wrong(program, "--trust-proxy %s: an address or a range such as 10.0.0.0/8 or fd00::/8 expected",
                          list->values[i]);
    }
    trust->count = list->count;
}

void trust_free(struct trust *trust)
{
    free(trust->networks);
    trust->networks = NULL;
    trust->count = 0;
    free(visitors);
    visitors = NULL;
    visitor_cap = 0;
}

/* ---- Visitors ---------------------------------------------------------------------------------------------------- */

static struct visitor *visitor_of(const struct peer *peer)
{
    return peer->flags & PEER_VISITOR ? visitors[peer->source.fd] : NULL;
}

static int reserve_visitor(size_t fd)
{
    size_t cap = visitor_cap * 2 > fd ? visitor_cap * 2 : fd + 64;
    if (fd < visitor_cap)
        return 0;
    struct visitor **more = realloc(visitors, cap * sizeof(struct visitor *));
    if (!more)
        return -1;
    visitors = more;
    visitor_cap = cap;
    return 0;
}

static void set_address(struct visitor *visitor, const struct sockaddr_storage *address)
{
    const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)address;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)address;
    if (address->ss_family == AF_INET) {
        wick_address_set(&visitor->peer, (const uint8_t *)&four->sin_addr, 4);
        visitor->port = ntohs(four->sin_port);
    } else {
        wick_address_set(&visitor->peer, (const uint8_t *)&six->sin6_addr, address->ss_family == AF_INET6 ? 16 : 0);
        visitor->port = ntohs(six->sin6_port);
    }
}

static void write_name(struct visitor *visitor, const wick_address *address, int port)
{
    size_t len;
    wick_address_write(address, port, visitor->name, sizeof visitor->name - 1, &len);
    visitor->name[len] = '\0';
}

static struct visitor *new_visitor(struct peer *peer)
{
    struct sockaddr_storage address = { 0 };
    socklen_t len = sizeof address;
    struct visitor *visitor = calloc(1, sizeof *visitor);
    if (!visitor || reserve_visitor((size_t)peer->source.fd) < 0) {
        free(visitor);
        return NULL;
    }
    getpeername(peer->source.fd, (struct sockaddr *)&address, &len);
    set_address(visitor, &address);
    write_name(visitor, &visitor->peer, visitor->port);
    visitors[peer->source.fd] = visitor;
    peer->flags |= PEER_VISITOR;
    return visitor;
}

/* What a PROXY header without addresses means for the name is nothing: it is the proxy itself that speaks. */
static void introduce(struct visitor *visitor, const wick_proxy_header *header)
{
    if (header->kind == WICK_PROXY_HEADER_NONE)
        return;
    visitor->peer = header->source;
    visitor->port = header->source_port;
    visitor->secure = header->secure;
    if (header->kind == WICK_PROXY_HEADER_UNIX)
        strcpy(visitor->name, "unix"); /* its path would be that of another machine */
    else
        write_name(visitor, &visitor->peer, visitor->port);
}

wick_status visitor_arrives(struct peer *peer, const struct trust *trust, const uint8_t *data, size_t len, size_t *used)
{
    struct visitor *visitor = visitor_of(peer);
    wick_proxy_header header;
    *used = 0;
    if (!visitor)
        visitor = new_visitor(peer);
    if (!visitor)
        return WICK_E_MEMORY;
    if (!wick_networks_have(trust->networks, trust->count, &visitor->peer))
        return WICK_OK;
    wick_status status = wick_proxy_header_read(data, len, 0, &header);
    if (status == WICK_E_PROXY_SIGNATURE)
        return WICK_OK;
    if (status == WICK_OK) {
        *used = header.length;
        introduce(visitor, &header);
    }
    return status;
}

const wick_forwarded *visitor_asks(struct peer *peer, const struct trust *trust, const wick_http_request *head)
{
    struct visitor *visitor = visitor_of(peer);
    wick_forwarded_config config = { .size = sizeof config, .trusted = trust->networks, .trusted_count = trust->count };
    if (!visitor)
        return NULL;
    wick_forwarded *known = &visitor->known;
    wick_forwarded_read(&config, &visitor->peer, head->headers, head->header_count, known);
    if (known->address_source)
        write_name(visitor, &known->address, known->port);
    else if (visitor->peer.family)
        write_name(visitor, &visitor->peer, visitor->port);
    if (!known->scheme.len && visitor->secure) {
        known->scheme = WICK_STR("https");
        known->secure = 1;
    }
    return known;
}

char *visitor_name(const struct peer *peer, char name[SOCKET_NAME])
{
    const struct visitor *visitor = visitor_of(peer);
    if (!visitor)
        return socket_peer_name(peer->source.fd, name);
    memcpy(name, visitor->name, sizeof visitor->name);
    return name;
}

void visitor_leaves(const struct peer *peer)
{
    struct visitor *visitor = visitor_of(peer);
    if (!visitor)
        return;
    visitors[peer->source.fd] = NULL;
    free(visitor);
}
