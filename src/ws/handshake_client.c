/*
 * The client's half of the opening handshake: the request, and whether the response opens the connection. RFC 6455
 * section 4.1.
 */
#include "http/sink.h"
#include "ws/handshake.h"

/* ---- The request ----------------------------------------------------------------------------------------- */

/* Visible ASCII that a target may hold, and for a path no "?". */
static int is_request_path(wick_str path)
{
    return path.len == 0 || (path.data[0] == '/' && wick_str_span(path, WICK_CHAR_TARGET) == path.len &&
                             wick_str_index(path, '?') == path.len);
}

static int offered_protocols_are_valid(const wick_handshake_client_config *config)
{
    for (size_t i = 0; i < config->subprotocol_count; i++) {
        if (!wick_http_is_token(config->subprotocols[i]))
            return 0;
        for (size_t k = 0; k < i; k++)
            if (wick_str_same(config->subprotocols[i], config->subprotocols[k]))
                return 0;
    }
    return 1;
}

static int client_config_is_valid(const wick_handshake_client_config *config)
{
    for (size_t i = 0; i < config->header_count; i++)
        if (wick_handshake_owns(config->headers[i].name))
            return 0;
    return wick_url_split_authority(config->host, NULL, NULL) == WICK_OK && is_request_path(config->path) &&
           wick_str_span(config->query, WICK_CHAR_TARGET) == config->query.len &&
           (config->extensions.len == 0 || wick_extensions_are_valid(config->extensions)) &&
           offered_protocols_are_valid(config);
}

static void put_offered_protocols(wick_sink *text, const wick_handshake_client_config *config)
{
    for (size_t i = 0; i < config->subprotocol_count; i++) {
        if (i == 0)
            WICK_SINK_LIT(text, "Sec-WebSocket-Protocol: ");
        else
            WICK_SINK_LIT(text, ", ");
        wick_sink_str(text, config->subprotocols[i]);
    }
    if (config->subprotocol_count)
        WICK_SINK_LIT(text, "\r\n");
}

wick_status wick_handshake_request_write(const wick_handshake_client_config *config, const uint8_t *nonce, char *out,
                                         size_t cap, size_t *need)
{
    wick_sink text = wick_sink_begin(out, cap);
    char key[WICK_KEY_SIZE];
    *need = 0;
    if (config->size != sizeof *config)
        return WICK_E_CONFIG;
    text.bad = !client_config_is_valid(config);
    wick_base64_encode(nonce, WICK_NONCE_SIZE, key);
    WICK_SINK_LIT(&text, "GET ");
    wick_sink_str(&text, config->path.len ? config->path : WICK_STR("/"));
    if (config->query.len)
        WICK_SINK_LIT(&text, "?");
    wick_sink_str(&text, config->query);
    WICK_SINK_LIT(&text, " HTTP/1.1\r\nHost: ");
    wick_sink_str(&text, config->host);
    WICK_SINK_LIT(&text, "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ");
    wick_sink_put(&text, key, sizeof key);
    WICK_SINK_LIT(&text, "\r\nSec-WebSocket-Version: 13\r\n");
    if (config->origin.len)
        wick_sink_field(&text, WICK_STR("Origin"), config->origin);
    put_offered_protocols(&text, config);
    if (config->extensions.len)
        wick_sink_field(&text, WICK_STR("Sec-WebSocket-Extensions"), config->extensions);
    for (size_t i = 0; i < config->header_count; i++)
        wick_sink_field(&text, config->headers[i].name, config->headers[i].value);
    WICK_SINK_LIT(&text, "\r\n");
    return wick_sink_end(&text, need);
}

/* ---- The response ---------------------------------------------------------------------------------------- */

static wick_status answer_check_accept(const uint8_t *nonce, const wick_http_response *response)
{
    char key[WICK_KEY_SIZE], accept[WICK_ACCEPT_SIZE];
    wick_str value;
    if (wick_http_find(response->headers, response->header_count, WICK_STR("sec-websocket-accept"), &value) != 1)
        return WICK_E_HANDSHAKE_ACCEPT;
    wick_base64_encode(nonce, WICK_NONCE_SIZE, key);
    wick_handshake_accept(key, accept);
    if (value.len != sizeof accept || memcmp(value.data, accept, sizeof accept) != 0)
        return WICK_E_HANDSHAKE_ACCEPT;
    return WICK_OK;
}

static wick_status answer_check_chosen_protocol(const wick_handshake_client_config *config,
                                                const wick_http_response *response, wick_handshake_answer *answer)
{
    wick_str value;
    size_t found =
        wick_http_find(response->headers, response->header_count, WICK_STR("sec-websocket-protocol"), &value);
    if (found == 0)
        return WICK_OK;
    for (size_t i = 0; i < config->subprotocol_count && found == 1; i++) {
        if (!wick_str_same(config->subprotocols[i], value))
            continue;
        answer->subprotocol = config->subprotocols[i];
        return WICK_OK;
    }
    return WICK_E_HANDSHAKE_SUBPROTOCOL;
}

/* The name of an element of Sec-WebSocket-Extensions. */
static wick_str extension_name(wick_str element)
{
    wick_str name, parameter;
    (void)wick_http_parameter_next(&element, &name, &parameter);
    return name;
}

static int extension_was_offered(wick_str offer, wick_str name)
{
    wick_str element;
    while (wick_http_list_next(&offer, &element))
        if (wick_str_same(extension_name(element), name))
            return 1;
    return 0;
}

static wick_status answer_check_chosen_extensions(const wick_handshake_client_config *config,
                                                  const wick_http_response *response)
{
    for (size_t i = 0; i < response->header_count; i++) {
        wick_str value = response->headers[i].value, element;
        if (!WICK_STR_IS(response->headers[i].name, "sec-websocket-extensions"))
            continue;
        if (!wick_extensions_are_valid(value))
            return WICK_E_HANDSHAKE_EXTENSION;
        while (wick_http_list_next(&value, &element))
            if (!extension_was_offered(config->extensions, extension_name(element)))
                return WICK_E_HANDSHAKE_EXTENSION;
        if (config->on_extensions && config->on_extensions(config->user, response->headers[i].value) < 0)
            return WICK_E_HANDSHAKE_EXTENSION;
    }
    return WICK_OK;
}

wick_status wick_handshake_response_check(const wick_handshake_client_config *config, const uint8_t *nonce,
                                          const wick_http_response *response, wick_handshake_answer *answer)
{
    const wick_http_header *headers = response->headers;
    size_t count = response->header_count;
    wick_str upgrade;
    wick_status status;
    if (config->size != sizeof *config)
        return WICK_E_CONFIG;
    answer->http_status = response->status;
    answer->subprotocol = WICK_STR("");
    if (response->status != 101)
        return response->status < 200 ? WICK_MORE : WICK_E_REFUSED;
    if (wick_http_find(headers, count, WICK_STR("upgrade"), &upgrade) != 1 || !WICK_STR_IS(upgrade, "websocket"))
        return WICK_E_HANDSHAKE_UPGRADE;
    if (!wick_http_has_token(headers, count, WICK_STR("connection"), WICK_STR("upgrade")))
        return WICK_E_HANDSHAKE_CONNECTION;
    status = answer_check_accept(nonce, response);
    if (status == WICK_OK)
        status = answer_check_chosen_protocol(config, response, answer);
    if (status == WICK_OK)
        status = answer_check_chosen_extensions(config, response);
    return status;
}
