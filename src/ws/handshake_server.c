/*
 * The server's half of the opening handshake: is this request one, and may it in? RFC 6455 section 4.2, RFC 8441.
 *
 * One pass over the fields remembers the few that matter; then one rule after the other looks at what was found. The
 * first rule that is broken decides the refusal.
 */
#include "http/chars.h"
#include "ws/handshake.h"

/* The fields that matter: how often each came, and the first value. */
typedef struct asked {
    unsigned hosts, keys, versions, origins, protocols, extensions;
    wick_str host, key, version, origin;
    /* Where the first Sec-WebSocket-Protocol stands: most requests have all of it there. */
    size_t protocol_at, extension_at;
    uint8_t upgrade;    /* Upgrade has the token websocket */
    uint8_t connection; /* Connection has the token upgrade */
    uint8_t body;       /* a body is announced */
} asked;

static void asked_note(unsigned *count, wick_str *first, wick_str value)
{
    if ((*count)++ == 0)
        *first = value;
}

/* Whether a list has a token. `lower` is the token in lower case. */
static int asked_list_has(wick_str list, wick_str lower)
{
    wick_str element;
    if (wick_str_is_lower(list, lower.data, lower.len))
        return 1;
    while (wick_http_list_next(&list, &element))
        if (wick_str_is_lower(element, lower.data, lower.len))
            return 1;
    return 0;
}

/* The names of one length are told apart here, so that a field costs a jump and at most two comparisons. */
static void asked_note_field(asked *a, const wick_http_header *header, size_t at)
{
    wick_str name = header->name, value = header->value;
    switch (name.len) {
    case 4:
        if (WICK_STR_IS(name, "host"))
            asked_note(&a->hosts, &a->host, value);
        break;
    case 6:
        if (WICK_STR_IS(name, "origin"))
            asked_note(&a->origins, &a->origin, value);
        break;
    case 7:
        if (WICK_STR_IS(name, "upgrade") && asked_list_has(value, WICK_STR("websocket")))
            a->upgrade = 1;
        break;
    case 10:
        if (WICK_STR_IS(name, "connection") && asked_list_has(value, WICK_STR("upgrade")))
            a->connection = 1;
        break;
    case 14:
        if (WICK_STR_IS(name, "content-length") && !wick_str_same(value, WICK_STR("0")))
            a->body = 1;
        break;
    case 17:
        if (WICK_STR_IS(name, "sec-websocket-key"))
            asked_note(&a->keys, &a->key, value);
        else if (WICK_STR_IS(name, "transfer-encoding"))
            a->body = 1;
        break;
    case 21:
        if (WICK_STR_IS(name, "sec-websocket-version"))
            asked_note(&a->versions, &a->version, value);
        break;
    case 22:
        if (WICK_STR_IS(name, "sec-websocket-protocol") && a->protocols++ == 0)
            a->protocol_at = at;
        break;
    case 24:
        if (WICK_STR_IS(name, "sec-websocket-extensions") && a->extensions++ == 0)
            a->extension_at = at;
        break;
    default:
        break;
    }
}

/* Refuse, with words of this file's own. */
static wick_status shake_refuse_with(wick_handshake *shake, wick_refusal refusal, wick_str detail)
{
    wick_handshake_refuse(shake, refusal);
    shake->detail = detail;
    return WICK_E_REFUSED;
}

static wick_status shake_refuse_as(wick_handshake *shake, wick_refusal refusal)
{
    wick_handshake_refuse(shake, refusal);
    return WICK_E_REFUSED;
}

/* ---- The rules ------------------------------------------------------------------------------------------- */

/*
 * What a proxy can take away: Upgrade, Connection, and HTTP/1.1. Here only whether all of it is there; what is missing
 * is for the diagnosis to say.
 */
static wick_status shake_check_hops(const asked *a, int version, wick_handshake *shake)
{
    if (a->upgrade && a->connection && version >= 11)
        return WICK_OK;
    return shake_refuse_as(shake, WICK_REFUSE_UPGRADE_STRIPPED_BY_PROXY);
}

/* 16 bytes in base64: 22 digits, of which the last carries two bits, and the padding. RFC 6455 section 4.2.1. */
static int is_websocket_key(wick_str key)
{
    char last;
    if (key.len != WICK_KEY_SIZE || key.data[22] != '=' || key.data[23] != '=')
        return 0;
    last = key.data[21];
    return wick_str_span(wick_str_first(key, 22), WICK_CHAR_BASE64) == 22 &&
           (last == 'A' || last == 'Q' || last == 'g' || last == 'w');
}

static wick_status shake_check_host(const asked *a, const wick_http_request *request, wick_handshake *shake)
{
    int must = request->version < 20;
    int bad = a->hosts > 1 || (must && a->hosts == 0);
    if (!bad && a->hosts == 1)
        bad = wick_url_split_authority(a->host, NULL, NULL) != WICK_OK;
    if (bad)
        return shake_refuse_with(shake, WICK_REFUSE_BAD_REQUEST, WICK_STR("Host is missing, repeated or malformed."));
    if (a->body && must)
        return shake_refuse_with(shake, WICK_REFUSE_BAD_REQUEST, WICK_STR("A WebSocket handshake has no body."));
    return WICK_OK;
}

static wick_status shake_check_version(const asked *a, wick_handshake *shake)
{
    if (a->versions > 1)
        return shake_refuse_with(shake, WICK_REFUSE_BAD_REQUEST, WICK_STR("Sec-WebSocket-Version is repeated."));
    if (a->versions == 0)
        return shake_refuse_with(shake, WICK_REFUSE_UNSUPPORTED_WEBSOCKET_VERSION,
                                 WICK_STR("Sec-WebSocket-Version is missing."));
    if (!wick_str_same(a->version, WICK_STR("13")))
        return shake_refuse_as(shake, WICK_REFUSE_UNSUPPORTED_WEBSOCKET_VERSION);
    return WICK_OK;
}

/* RFC 6455 section 10.2. A request with two origins has none that can be believed. */
static wick_status shake_check_origin(const wick_handshake_server_config *config, const asked *a,
                                      const wick_http_request *request, wick_handshake *shake)
{
    wick_str host = request->authority.len ? request->authority : a->host;
    int allowed = 0;
    if (a->origins == 0)
        return config->require_origin ? shake_refuse_with(shake, WICK_REFUSE_ORIGIN_NOT_ALLOWED,
                                                          WICK_STR("A request without Origin may not connect."))
                                      : WICK_OK;
    if (a->origins == 1) {
        if (config->origin_policy == WICK_ORIGIN_ANY)
            allowed = 1;
        else if (config->origin_policy == WICK_ORIGIN_CALLBACK)
            allowed = config->on_origin(config->user, a->origin, request) > 0;
        else
            allowed = wick_http_origin_is_listed(a->origin, config->origins, config->origin_count) ||
                      (config->origin_policy == WICK_ORIGIN_SAME && wick_http_origin_is_same(a->origin, host));
    }
    return allowed ? WICK_OK : shake_refuse_as(shake, WICK_REFUSE_ORIGIN_NOT_ALLOWED);
}

/* The index of a subprotocol in the server's list, or the length of the list. */
static size_t protocol_preference(const wick_handshake_server_config *config, wick_str name)
{
    size_t i = 0;
    while (i < config->subprotocol_count && !wick_str_same(config->subprotocols[i], name))
        i++;
    return i;
}

static int offers_have(const wick_str *offers, size_t count, wick_str name)
{
    for (size_t i = 0; i < count; i++)
        if (wick_str_same(offers[i], name))
            return 1;
    return 0;
}

/* One or more tokens, none twice: RFC 6455 section 4.1. The server's preference chooses, not the client's order. */
static wick_status shake_check_protocols(const wick_handshake_server_config *config, const asked *a,
                                         const wick_http_request *request, wick_handshake *shake)
{
    const wick_str malformed = WICK_STR("Sec-WebSocket-Protocol is not a list of tokens that are all different.");
    wick_str offers[WICK_OFFERS_MAX], name;
    size_t count = 0, best = config->subprotocol_count, at = a->protocol_at;
    wick_http_elements elements;
    if (a->protocols == 0)
        return WICK_OK;
    wick_http_elements_init(&elements, request->headers + at, request->header_count - at,
                            WICK_STR("sec-websocket-protocol"));
    while (wick_http_elements_next(&elements, &name)) {
        size_t rank = protocol_preference(config, name);
        if (count == WICK_OFFERS_MAX || !wick_http_is_token(name) || offers_have(offers, count, name))
            return shake_refuse_with(shake, WICK_REFUSE_BAD_REQUEST, malformed);
        offers[count++] = name;
        best = rank < best ? rank : best;
    }
    if (count == 0)
        return shake_refuse_with(shake, WICK_REFUSE_BAD_REQUEST, malformed);
    if (best < config->subprotocol_count)
        shake->subprotocol = config->subprotocols[best];
    else if (config->require_subprotocol)
        return shake_refuse_as(shake, WICK_REFUSE_SUBPROTOCOL_NOT_ACCEPTABLE);
    return WICK_OK;
}

static wick_status shake_check_extensions(const wick_handshake_server_config *config, const asked *a,
                                          const wick_http_request *request, wick_handshake *shake)
{
    const wick_str malformed = WICK_STR("Sec-WebSocket-Extensions is malformed.");
    const wick_str unwanted = WICK_STR("The offered extensions are not acceptable.");
    size_t len = 0;
    wick_str value;
    if (a->extensions == 0)
        return WICK_OK;
    for (size_t i = a->extension_at; i < request->header_count; i++) {
        const wick_http_header *header = &request->headers[i];
        if (WICK_STR_IS(header->name, "sec-websocket-extensions") && !wick_extensions_are_valid(header->value))
            return shake_refuse_with(shake, WICK_REFUSE_BAD_REQUEST, malformed);
    }
    if (!config->on_extensions)
        return WICK_OK;
    if (config->on_extensions(config->user, request, shake->extensions, sizeof shake->extensions, &len) < 0)
        return shake_refuse_with(shake, WICK_REFUSE_BAD_REQUEST, unwanted);
    value.data = shake->extensions;
    value.len = len;
    if (len > sizeof shake->extensions || (len && !wick_extensions_are_valid(value)))
        return shake_refuse_as(shake, WICK_REFUSE_INTERNAL);
    shake->extensions_len = (uint16_t)len;
    return WICK_OK;
}

static wick_status shake_check_upgrade(const wick_handshake_server_config *config, const asked *a,
                                       const wick_http_request *request, wick_handshake *shake)
{
    wick_status status;
    if (!wick_str_same(request->method, WICK_STR("GET")))
        return shake_refuse_as(shake, WICK_REFUSE_METHOD_NOT_ALLOWED);
    status = shake_check_hops(a, request->version, shake);
    if (status == WICK_OK)
        status = shake_check_host(a, request, shake);
    if (status == WICK_OK)
        status = shake_check_version(a, shake);
    if (status == WICK_OK && (a->keys != 1 || !is_websocket_key(a->key)))
        status = shake_refuse_as(shake, WICK_REFUSE_BAD_WEBSOCKET_KEY);
    if (status == WICK_OK)
        wick_handshake_accept_with(config->sha1, a->key.data, shake->accept);
    return status;
}

/* RFC 8441 section 5: an extended CONNECT. The version is optional there, but not another one. */
static wick_status shake_check_connect(const asked *a, const wick_http_request *request, wick_handshake *shake)
{
    wick_status status;
    if (!wick_str_same(request->method, WICK_STR("CONNECT")))
        return shake_refuse_as(shake, WICK_REFUSE_METHOD_NOT_ALLOWED);
    if (!WICK_STR_IS(request->protocol, "websocket"))
        return shake_refuse_as(shake, WICK_REFUSE_NOT_A_WEBSOCKET_REQUEST);
    if (a->hosts == 0 && request->authority.len == 0)
        return shake_refuse_with(shake, WICK_REFUSE_BAD_REQUEST, WICK_STR("The request has no authority."));
    status = shake_check_host(a, request, shake);
    return status == WICK_OK && a->versions ? shake_check_version(a, shake) : status;
}

static wick_status shake_check(const wick_handshake_server_config *config, const wick_http_request *request,
                               wick_handshake *shake)
{
    asked a;
    wick_status status;
    memset(&a, 0, sizeof a);
    for (size_t i = 0; i < request->header_count; i++)
        asked_note_field(&a, &request->headers[i], i);
    if (request->version < 20)
        status = shake_check_upgrade(config, &a, request, shake);
    else
        status = shake_check_connect(&a, request, shake);
    if (status == WICK_OK)
        status = shake_check_origin(config, &a, request, shake);
    if (status == WICK_OK)
        status = shake_check_protocols(config, &a, request, shake);
    if (status == WICK_OK)
        status = shake_check_extensions(config, &a, request, shake);
    return status;
}

wick_status wick_handshake_check(const wick_handshake_server_config *config, const wick_http_request *request,
                                 wick_handshake *shake)
{
    static const wick_handshake fresh = {.subprotocol = {"", 0}, .code = {"", 0}, .detail = {"", 0}, .hint = {"", 0},
                                         .cause = {"", 0}, .proxy = {"", 0}, .prefix = {"", 0}};
    wick_status status;
    if (config->size != sizeof *config)
        return WICK_E_CONFIG;
    if (config->origin_policy == WICK_ORIGIN_CALLBACK && !config->on_origin)
        return WICK_E_CONFIG;
    memcpy(shake, &fresh, offsetof(wick_handshake, accept));
    shake->http_status = request->version < 20 ? 101 : 200;
    status = shake_check(config, request, shake);
    if (status != WICK_OK)
        wick_handshake_diagnose_for(shake, request, config->origin_policy);
    return status;
}
