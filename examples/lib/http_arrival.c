/*
 * http_arrival.c - who is there, for http_server.c: the first bytes of a connection, and the fields of a request.
 */
#include "lib/http_internal.h"

void http_ask_who(struct peer *peer, const wick_http_request *head)
{
    struct http_server *server = http_server_of(peer);
    if (server->trust)
        server->forwarded = visitor_asks(peer, server->trust, head);
}

size_t http_take_arrival(struct peer *peer, const uint8_t *data, size_t len)
{
    struct http_server *server = http_server_of(peer);
    size_t used;
    if (!len)
        return 0;
    wick_status status = visitor_arrives(peer, server->trust, data, len, &used);
    if (status == WICK_MORE)
        return 0;
    if (status < 0) {
        http_refuse(peer, status);
        return len;
    }
    peer->phase = HTTP_HEAD;
    if (!server->tls)
        return used;
    if (tls_accept(peer, server->tls, data + used, len - used) < 0)
        peer_close(peer);
    return len;
}

void http_refuse_proxy_header(struct peer *peer)
{
    static const char detail[] = "The connection begins with a PROXY header, and this address is not trusted.";
    wick_handshake shake;
    wick_handshake_refuse(&shake, WICK_REFUSE_BAD_REQUEST);
    shake.detail = (wick_str){ detail, sizeof detail - 1 };
    shake.hint = WICK_STR("Start the server with --trust-proxy and the address of the proxy; or take "
                          "`proxy_protocol on` (nginx) or `send-proxy` (HAProxy) out of the proxy's configuration.");
    http_refuse_with(peer, &shake, detail, NULL);
}
