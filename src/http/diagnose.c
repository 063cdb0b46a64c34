/*
 * What is wrong with a request: the upgrade that a proxy lost, Host against Origin, and the verdict on the whole.
 */
#include "http/diagnose.h"

/* ---- Names ----------------------------------------------------------------------------------------------- */

#ifdef WICK_NO_DIAGNOSE
#define CAUSE_TEXT(sentence) ""
#else
#define CAUSE_TEXT(sentence) sentence
#endif

wick_str wick_cause_str(wick_cause cause)
{
    static const wick_str names[WICK_CAUSE_COUNT] = {{"", 0},
#define CAUSE_NAME(name, sentence) {#name, sizeof(#name) - 1},
                                                     WICK_CAUSE_MAP(CAUSE_NAME)
#undef CAUSE_NAME
    };
    return names[cause > WICK_CAUSE_NONE && cause < WICK_CAUSE_COUNT ? cause : WICK_CAUSE_NONE];
}

static wick_str cause_text(wick_cause cause)
{
    static const wick_str texts[WICK_CAUSE_COUNT] = {{"", 0},
#define CAUSE_SENTENCE(name, sentence) {CAUSE_TEXT(sentence), sizeof(CAUSE_TEXT(sentence)) - 1},
                                                     WICK_CAUSE_MAP(CAUSE_SENTENCE)
#undef CAUSE_SENTENCE
    };
    return texts[cause > WICK_CAUSE_NONE && cause < WICK_CAUSE_COUNT ? cause : WICK_CAUSE_NONE];
}

wick_str wick_proxy_str(wick_proxy proxy)
{
    static const wick_str names[WICK_PROXY_COUNT] = {{"", 0},
#define PROXY_NAME(name, text) {text, sizeof(text) - 1},
                                                     WICK_PROXY_MAP(PROXY_NAME)
#undef PROXY_NAME
    };
    return names[proxy > WICK_PROXY_NONE && proxy < WICK_PROXY_COUNT ? proxy : WICK_PROXY_NONE];
}

const char *wick_cause_name(wick_cause cause)
{
    return wick_cause_str(cause).data;
}

const char *wick_cause_text(wick_cause cause)
{
    return cause_text(cause).data;
}

const char *wick_proxy_name(wick_proxy proxy)
{
    return wick_proxy_str(proxy).data;
}

wick_cause wick_cause_find(wick_str name)
{
    for (int i = WICK_CAUSE_NONE + 1; i < WICK_CAUSE_COUNT; i++)
        if (wick_str_same(wick_cause_str((wick_cause)i), name))
            return (wick_cause)i;
    return WICK_CAUSE_NONE;
}

wick_proxy wick_proxy_find(wick_str name)
{
    for (int i = WICK_PROXY_NONE + 1; i < WICK_PROXY_COUNT; i++)
        if (wick_str_same(wick_proxy_str((wick_proxy)i), name))
            return (wick_proxy)i;
    return WICK_PROXY_NONE;
}

/* ---- The upgrade ----------------------------------------------------------------------------------------- */

/* What of a handshake is there. */
typedef struct handshake_parts {
    uint8_t upgrade;    /* Upgrade has the token websocket */
    uint8_t misspelt;   /* Upgrade has something that was meant to be it */
    uint8_t connection; /* Connection has the token upgrade */
    uint8_t own;        /* a field that only a handshake has */
} handshake_parts;

/* "websockets", "web-socket", "websocket/13", "ws", "wss": no proxy writes that, so the client did. */
static int is_misspelt(wick_str token)
{
    static const char word[] = "websocket";
    size_t at = 0;
    if (WICK_STR_IS(token, "ws") || WICK_STR_IS(token, "wss"))
        return 1;
    for (size_t i = 0; i < token.len && at < sizeof word - 1; i++) {
        char c = wick_char_lower(token.data[i]);
        if (c == word[at])
            at++;
        else if (c != '-' && c != '_' && c != '"' && c != ' ')
            return 0;
    }
    return at == sizeof word - 1;
}

static void note_upgrade(handshake_parts *parts, wick_str value)
{
    wick_str token;
    while (wick_http_list_next(&value, &token)) {
        if (WICK_STR_IS(token, "websocket"))
            parts->upgrade = 1;
        else if (is_misspelt(token))
            parts->misspelt = 1;
    }
}

static void note_connection(handshake_parts *parts, wick_str value)
{
    wick_str token;
    while (wick_http_list_next(&value, &token))
        if (WICK_STR_IS(token, "upgrade"))
            parts->connection = 1;
}

static handshake_parts parts_of(const wick_http_request *request)
{
    handshake_parts parts = {0, 0, 0, 0};
    for (size_t i = 0; i < request->header_count; i++) {
        wick_str name = request->headers[i].name, value = request->headers[i].value;
        if (WICK_STR_IS(name, "upgrade"))
            note_upgrade(&parts, value);
        else if (WICK_STR_IS(name, "connection"))
            note_connection(&parts, value);
        else if (WICK_STR_IS(name, "sec-websocket-key") || WICK_STR_IS(name, "sec-websocket-version"))
            parts.own = 1;
    }
    return parts;
}

/* The table of WICK_CAUSE_MAP. */
static wick_cause cause_of(const handshake_parts *parts, int version)
{
    if (!parts->upgrade && (parts->misspelt || !parts->own))
        return WICK_CAUSE_NOT_A_WEBSOCKET_REQUEST;
    if (!parts->upgrade && !parts->connection)
        return version < 11 ? WICK_CAUSE_HOP_STRIPPED_HTTP10 : WICK_CAUSE_HOP_STRIPPED;
    if (!parts->connection)
        return WICK_CAUSE_CONNECTION_NOT_SET;
    if (!parts->upgrade)
        return WICK_CAUSE_UPGRADE_NOT_SET;
    return version < 11 ? WICK_CAUSE_HTTP10_WITH_UPGRADE : WICK_CAUSE_NONE;
}

wick_cause wick_diagnose_upgrade_in(const wick_http_request *request, wick_diagnosis *why)
{
    handshake_parts parts;
    why->misspelt = 0;
    if (request->version >= 20) {
        int asks = wick_str_same(request->method, WICK_STR("CONNECT")) && WICK_STR_IS(request->protocol, "websocket");
        return why->cause = asks ? WICK_CAUSE_NONE : WICK_CAUSE_NOT_A_WEBSOCKET_REQUEST;
    }
    parts = parts_of(request);
    why->misspelt = parts.misspelt && !parts.upgrade;
    return why->cause = cause_of(&parts, request->version);
}

wick_cause wick_diagnose_upgrade(const wick_http_request *request)
{
    wick_diagnosis why;
    return wick_diagnose_upgrade_in(request, &why);
}

/* ---- Host and Origin ------------------------------------------------------------------------------------- */

enum { HOST_DIFFERS, HOST_LOST_PORT, HOST_IS_SAME };

/* The authority of `scheme://host[:port]`; empty if the origin is none of the kind. */
static wick_str origin_authority(wick_str origin)
{
    size_t colon = wick_str_index(origin, ':');
    if (origin.len - colon < 4 || memcmp(origin.data + colon, "://", 3) != 0)
        return WICK_STR("");
    return wick_str_from(origin, colon + 3);
}

/* How a host fits the one that an origin names: a port that was dropped is a difference of its own. */
static int host_fits(wick_str host, wick_str origin)
{
    wick_str name, page;
    int port;
    if (wick_http_origin_is_same(origin, host))
        return HOST_IS_SAME;
    if (wick_url_split_authority(host, &name, &port) != WICK_OK ||
        wick_url_split_authority(origin_authority(origin), &page, NULL) != WICK_OK)
        return HOST_DIFFERS;
    return port < 0 && wick_http_equal(name, page) ? HOST_LOST_PORT : HOST_DIFFERS;
}

/* The value of host= in one element of Forwarded (RFC 7239 section 4); empty if there is none. */
static wick_str forwarded_host(wick_str element)
{
    wick_str name, value;
    while (wick_http_parameter_next(&element, &name, &value) == 1)
        if (WICK_STR_IS(name, "host"))
            return value;
    return WICK_STR("");
}

/* The best fit of the hosts that proxies noted before they changed Host; -1 if they noted none. */
static int noted_host_fits(const wick_http_request *request, wick_str origin)
{
    wick_http_elements elements;
    wick_str element;
    int best = -1, fit;
    wick_http_elements_init(&elements, request->headers, request->header_count, WICK_STR("x-forwarded-host"));
    while (wick_http_elements_next(&elements, &element)) {
        fit = host_fits(element, origin);
        best = fit > best ? fit : best;
    }
    wick_http_elements_init(&elements, request->headers, request->header_count, WICK_STR("forwarded"));
    while (wick_http_elements_next(&elements, &element)) {
        wick_str host = forwarded_host(element);
        fit = host.len ? host_fits(host, origin) : -1;
        best = fit > best ? fit : best;
    }
    return best;
}

static int ends_in(wick_str text, wick_str end)
{
    return text.len > end.len && wick_http_equal(wick_str_from(text, text.len - end.len), end);
}

/* A host that hardly stands in a page's address: none, an IP address, a name without a dot or of an inner network. */
static int is_inner_host(wick_str host)
{
    wick_str name;
    size_t i = 0;
    if (wick_url_split_authority(host, &name, NULL) != WICK_OK)
        return 1;
    while (i < name.len && (wick_char_is_digit(name.data[i]) || name.data[i] == '.'))
        i++;
    return i == name.len || wick_str_index(name, '.') == name.len || wick_str_index(name, '_') < name.len ||
           wick_str_index(name, ':') < name.len || ends_in(name, WICK_STR(".local")) ||
           ends_in(name, WICK_STR(".internal")) || ends_in(name, WICK_STR(".lan")) || ends_in(name, WICK_STR(".svc"));
}

wick_cause wick_diagnose_origin(const wick_http_request *request)
{
    wick_str origin, host;
    int fit, noted;
    size_t origins = wick_http_find(request->headers, request->header_count, WICK_STR("origin"), &origin);
    if (origins != 1)
        return origins ? WICK_CAUSE_ORIGIN_MISMATCH : WICK_CAUSE_NONE;
    if (wick_http_host(request, &host) != WICK_OK)
        host = WICK_STR("");
    fit = host_fits(host, origin);
    if (fit == HOST_IS_SAME)
        return WICK_CAUSE_NONE;
    if (wick_url_split_authority(origin_authority(origin), NULL, NULL) != WICK_OK)
        return WICK_CAUSE_ORIGIN_MISMATCH; /* "null", or nonsense */
    noted = noted_host_fits(request, origin);
    if (noted >= 0)
        return noted > HOST_DIFFERS ? WICK_CAUSE_HOST_REWRITTEN : WICK_CAUSE_ORIGIN_MISMATCH;
    if (wick_diagnose_proxy(request) == WICK_PROXY_NONE)
        return WICK_CAUSE_ORIGIN_MISMATCH;
    return fit == HOST_LOST_PORT || is_inner_host(host) ? WICK_CAUSE_HOST_REWRITTEN : WICK_CAUSE_ORIGIN_MISMATCH;
}

/* ---- The whole ------------------------------------------------------------------------------------------- */

void wick_diagnose_request(const wick_http_request *request, const wick_http_route *routes, size_t count,
                           wick_diagnosis *why)
{
    memset(why, 0, sizeof *why);
    why->prefix = WICK_STR("");
    if (wick_diagnose_upgrade_in(request, why) == WICK_CAUSE_NONE)
        why->cause = wick_diagnose_path(request->path, routes, count, why);
    if (why->cause == WICK_CAUSE_NONE)
        why->cause = wick_diagnose_origin(request);
    why->proxy = wick_diagnose_proxy(request);
    wick_diagnose_explain(why);
}

void wick_diagnose_explain(wick_diagnosis *why)
{
    why->detail = cause_text(why->cause);
    why->hint = wick_diagnose_hint(why->cause, why->proxy);
#ifndef WICK_NO_DIAGNOSE
    if (why->cause == WICK_CAUSE_NOT_A_WEBSOCKET_REQUEST && why->misspelt) {
        why->detail = WICK_STR("Upgrade nearly says websocket, but not quite: no proxy writes that, the client did.");
        why->hint = WICK_STR("Send Upgrade: websocket.");
    }
    if (why->cause == WICK_CAUSE_PATH_CHANGED && why->kept)
        why->hint = wick_diagnose_hint_kept(why->proxy);
#endif
}
