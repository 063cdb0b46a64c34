/*
 * Forwarded headers, from the chain to the client: RFC 7239, X-Forwarded-*, X-Real-IP.
 *
 * A chain is read twice. The first time it is parted, from the left because of quoted strings, and of its entries the
 * last WICK_FORWARDED_HOPS are kept in a ring; the second time these are walked from the right, each believed because
 * the one behind it is trusted. The invariant of the walk: whoever wrote the entry that is looked at is trusted.
 */
#include "http/forwarded.h"

/* ---- The chain ------------------------------------------------------------------------------------------- */

typedef struct hop_ring {
    wick_str hops[WICK_FORWARDED_HOPS];
    size_t count; /* of all, also those that are no longer there */
} hop_ring;

static wick_str ring_from_right(const hop_ring *ring, size_t i)
{
    return ring->hops[(ring->count - 1 - i) % WICK_FORWARDED_HOPS];
}

/* The next element of a list without quoted strings: a quote in it is junk like other junk, and hides no comma. */
static int bare_next(wick_str *rest, wick_str *element)
{
    while (rest->len > 0) {
        size_t n = wick_str_index(*rest, ',');
        *element = wick_str_trim(wick_str_first(*rest, n));
        *rest = wick_str_from(*rest, n < rest->len ? n + 1 : n);
        if (element->len > 0)
            return 1;
    }
    return 0;
}

/* All fields of a name as one list. Returns how many fields there are. */
static size_t ring_fill(hop_ring *ring, const wick_http_header *headers, size_t count, wick_str name, int quoted)
{
    size_t fields = 0;
    ring->count = 0;
    for (size_t i = 0; i < count; i++) {
        wick_str rest = headers[i].value, element;
        if (!wick_http_equal(headers[i].name, name))
            continue;
        fields++;
        while (quoted ? wick_http_list_next(&rest, &element) : bare_next(&rest, &element))
            ring->hops[ring->count++ % WICK_FORWARDED_HOPS] = element;
    }
    return fields;
}

/* ---- One entry ------------------------------------------------------------------------------------------- */

/* What an entry says of its hop. */
typedef struct hop_words {
    wick_address address;
    int port;
    wick_str proto;
    wick_str host;
    wick_forwarded_end end; /* WICK_FORWARDED_CLIENT if there is an address, else why not */
} hop_words;

/* "_" and letters, digits, ".", "_", "-": RFC 7239 section 6.3. */
static int is_obfuscated(wick_str text)
{
    if (text.len < 2 || text.data[0] != '_')
        return 0;
    for (size_t i = 1; i < text.len; i++) {
        char c = wick_char_lower(text.data[i]);
        if (!wick_char_is_digit(c) && !(c >= 'a' && c <= 'z') && c != '.' && c != '_' && c != '-')
            return 0;
    }
    return 1;
}

/* A node of RFC 7239 section 6, or an entry of X-Forwarded-For, where IPv6 may stand without brackets. */
static void node_read(wick_str text, int brackets, hop_words *hop)
{
    wick_str behind, plain = wick_address_split(text, &behind);
    unsigned port = 0;
    int bracketed = plain.len > 0 && plain.data[0] == '[', hidden;
    hop->end = WICK_FORWARDED_JUNK;
    hop->port = -1;
    if (behind.len > 0 && (behind.data[0] != ':' || behind.len == 1))
        return;
    if (behind.len > 0 && !is_obfuscated(wick_str_from(behind, 1))) {
        if (!wick_digits_read(wick_str_from(behind, 1), 65535, &port))
            return;
        hop->port = (int)port;
    }
    hidden = WICK_STR_IS(plain, "unknown") || is_obfuscated(plain);
    if (hidden)
        hop->end = WICK_FORWARDED_HIDDEN;
    else if ((!brackets || bracketed || wick_str_index(plain, ':') == plain.len) &&
             wick_address_read_plain(plain, &hop->address) == WICK_OK)
        hop->end = WICK_FORWARDED_CLIENT;
}

/* ---- An element of Forwarded ----------------------------------------------------------------------------- */

/* The length of a quoted string at the start of a text, quotes included; 0 if it does not end. */
static size_t quoted_length(wick_str text)
{
    for (size_t i = 1; i < text.len; i++) {
        if (text.data[i] == '"')
            return i + 1;
        if (text.data[i] == '\\')
            i++;
    }
    return 0;
}

/* Take `name=value` from an element; quotes are cut, a backslash is left. Returns 1; 0 at the end; -1 for junk. */
static int pair_next(wick_str *rest, wick_str *name, wick_str *value)
{
    size_t n, cut;
    while (rest->len > 0 && (rest->data[0] == ';' || wick_char_is_blank(rest->data[0])))
        *rest = wick_str_from(*rest, 1);
    if (rest->len == 0)
        return 0;
    n = wick_str_span(*rest, WICK_CHAR_TOKEN);
    *name = wick_str_first(*rest, n);
    if (n == 0 || n + 1 >= rest->len || rest->data[n] != '=')
        return -1;
    *rest = wick_str_from(*rest, n + 1);
    cut = rest->data[0] == '"';
    n = cut ? quoted_length(*rest) : wick_str_span(*rest, WICK_CHAR_TOKEN);
    if (n == 0)
        return -1;
    *value = wick_str_first(wick_str_from(*rest, cut), n - 2 * cut);
    *rest = wick_str_from(*rest, n);
    while (rest->len > 0 && wick_char_is_blank(rest->data[0]))
        *rest = wick_str_from(*rest, 1);
    return rest->len == 0 || rest->data[0] == ';' ? 1 : -1;
}

/* The node of `for`, whose quoted string may have backslashes: RFC 9110 section 5.6.4. No node is so long as room. */
static void node_read_quoted(wick_str value, hop_words *hop)
{
    char room[96];
    wick_str plain = {room, 0};
    if (value.len > sizeof room) {
        hop->end = WICK_FORWARDED_JUNK;
        return;
    }
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] == '\\')
            i++;
        room[plain.len++] = value.data[i];
    }
    node_read(plain, 1, hop);
}

static void element_read(wick_str element, hop_words *hop)
{
    wick_str name, value, node = WICK_STR(""), none = WICK_STR("");
    unsigned fors = 0, protos = 0, hosts = 0;
    int more;
    while ((more = pair_next(&element, &name, &value)) > 0) {
        if (WICK_STR_IS(name, "for")) {
            node = value;
            fors++;
        } else if (WICK_STR_IS(name, "proto")) {
            hop->proto = value;
            protos++;
        } else if (WICK_STR_IS(name, "host")) {
            hop->host = value;
            hosts++;
        }
    }
    if (more < 0 || fors > 1 || protos > 1 || hosts > 1) {
        hop->proto = hop->host = none;
        hop->end = WICK_FORWARDED_JUNK;
    } else if (fors == 0) {
        hop->end = WICK_FORWARDED_HIDDEN;
    } else {
        node_read_quoted(node, hop);
    }
}

/* ---- The walk -------------------------------------------------------------------------------------------- */

static void hop_read(wick_str entry, unsigned source, hop_words *hop)
{
    memset(hop, 0, sizeof *hop);
    hop->proto = hop->host = WICK_STR("");
    if (source == WICK_FORWARDED_BY_FORWARDED)
        element_read(entry, hop);
    else
        node_read(entry, 0, hop);
}

/* Walk the chain; *last is the entry at which it ended. */
static void ring_walk(const wick_forwarded_config *config, const hop_ring *ring, unsigned source,
                      wick_forwarded *forwarded, hop_words *last)
{
    for (size_t i = 0; i < ring->count && i < WICK_FORWARDED_HOPS; i++) {
        hop_read(ring_from_right(ring, i), source, last);
        if (last->end != WICK_FORWARDED_CLIENT) {
            forwarded->end = (uint8_t)last->end;
            return;
        }
        forwarded->address = last->address;
        forwarded->port = last->port;
        forwarded->address_source = (uint8_t)source;
        forwarded->end = WICK_FORWARDED_CLIENT;
        if (!wick_networks_have(config->trusted, config->trusted_count, &last->address))
            return;
        forwarded->end = WICK_FORWARDED_TRUSTED;
    }
    if (ring->count > WICK_FORWARDED_HOPS)
        forwarded->end = WICK_FORWARDED_LONG;
}

/* ---- Scheme, host, port ---------------------------------------------------------------------------------- */

static void scheme_take(wick_forwarded *forwarded, wick_str text, unsigned source)
{
    static const wick_str schemes[] = {{"http", 4}, {"ws", 2}, {"https", 5}, {"wss", 3}};
    for (unsigned i = 0; i < 4; i++) {
        if (!wick_http_equal(text, schemes[i]))
            continue;
        forwarded->scheme = schemes[i];
        forwarded->secure = i >= 2;
        forwarded->scheme_source = (uint8_t)source;
    }
}

static void host_take(wick_forwarded *forwarded, wick_str text, unsigned source)
{
    int port;
    if (text.len == 0 || wick_url_split_authority(text, NULL, &port) != WICK_OK)
        return;
    forwarded->host = text;
    forwarded->host_source = (uint8_t)source;
    if (port > 0) {
        forwarded->host_port = (uint16_t)port;
        forwarded->port_source = (uint8_t)source;
    }
}

/* The last element of all fields of a name. */
static wick_str last_element(const wick_http_header *headers, size_t count, wick_str name)
{
    wick_str last = WICK_STR(""), element;
    for (size_t i = 0; i < count; i++) {
        wick_str rest = headers[i].value;
        if (wick_http_equal(headers[i].name, name))
            while (bare_next(&rest, &element))
                last = element;
    }
    return last;
}

static void take_x_fields(wick_forwarded *forwarded, const wick_http_header *headers, size_t count)
{
    unsigned port;
    scheme_take(forwarded, last_element(headers, count, WICK_STR("x-forwarded-proto")),
                WICK_FORWARDED_BY_X_FORWARDED_PROTO);
    host_take(forwarded, last_element(headers, count, WICK_STR("x-forwarded-host")),
              WICK_FORWARDED_BY_X_FORWARDED_HOST);
    if (wick_digits_read(last_element(headers, count, WICK_STR("x-forwarded-port")), 65535, &port) && port > 0) {
        forwarded->host_port = (uint16_t)port;
        forwarded->port_source = WICK_FORWARDED_BY_X_FORWARDED_PORT;
    }
}

/* ---- All of it ------------------------------------------------------------------------------------------- */

/* Fill the ring from the header that decides, and say which that is. */
static unsigned chain_choose(const wick_forwarded_config *config, const wick_http_header *headers, size_t count,
                             hop_ring *ring)
{
    if (config->use != WICK_FORWARDED_USE_RFC7239) {
        if (ring_fill(ring, headers, count, WICK_STR("x-forwarded-for"), 0) > 0)
            return WICK_FORWARDED_BY_X_FORWARDED_FOR;
        /* It is no list: what is in it twice, or with a comma, is two that contradict each other. */
        if (ring_fill(ring, headers, count, WICK_STR("x-real-ip"), 0) > 0)
            return WICK_FORWARDED_BY_X_REAL_IP;
    }
    if (config->use != WICK_FORWARDED_USE_X && ring_fill(ring, headers, count, WICK_STR("forwarded"), 1) > 0)
        return WICK_FORWARDED_BY_FORWARDED;
    return WICK_FORWARDED_BY_NONE;
}

static void nothing_known(wick_forwarded *forwarded, const wick_address *peer)
{
    memset(forwarded, 0, sizeof *forwarded);
    forwarded->scheme = forwarded->host = WICK_STR("");
    forwarded->address = *peer;
    forwarded->port = -1;
    forwarded->end = WICK_FORWARDED_PEER;
}

wick_status wick_forwarded_read(const wick_forwarded_config *config, const wick_address *peer,
                                const wick_http_header *headers, size_t count, wick_forwarded *forwarded)
{
    hop_ring ring;
    hop_words last;
    unsigned source;
    if (config->size != sizeof *config || config->use > WICK_FORWARDED_USE_RFC7239)
        return WICK_E_CONFIG;
    nothing_known(forwarded, peer);
    if (!wick_networks_have(config->trusted, config->trusted_count, peer))
        return WICK_OK;
    forwarded->end = WICK_FORWARDED_SILENT;
    ring.count = 0;
    source = chain_choose(config, headers, count, &ring);
    last.proto = last.host = WICK_STR("");
    if (source == WICK_FORWARDED_BY_X_REAL_IP && ring.count > 1)
        forwarded->end = WICK_FORWARDED_JUNK;
    else
        ring_walk(config, &ring, source, forwarded, &last);
    if (source == WICK_FORWARDED_BY_FORWARDED) {
        scheme_take(forwarded, last.proto, source);
        host_take(forwarded, last.host, source);
    } else if (config->use != WICK_FORWARDED_USE_RFC7239) {
        take_x_fields(forwarded, headers, count);
    }
    return WICK_OK;
}

wick_str wick_forwarded_source_name(unsigned source)
{
    static const wick_str names[] = {
        {"-", 1},
        {"X-Forwarded-For", 15},
        {"X-Real-IP", 9},
        {"Forwarded", 9},
        {"X-Forwarded-Proto", 17},
        {"X-Forwarded-Host", 16},
        {"X-Forwarded-Port", 16},
    };
    return names[source < sizeof names / sizeof *names ? source : 0];
}

int wick_forwarded_origin_is_same(const wick_forwarded *forwarded, wick_str origin, wick_str host)
{
    wick_str asked = forwarded->host.len > 0 ? forwarded->host : host, name;
    wick_url url;
    if (forwarded->secure && origin.len > 5 && wick_http_equal(wick_str_first(origin, 5), WICK_STR("http:")))
        return 0;
    if (wick_http_origin_is_same(origin, asked))
        return 1;
    if (forwarded->host_port == 0 || wick_url_split(origin, &url) != WICK_OK ||
        url.scheme.len + 3 + url.authority.len != origin.len)
        return 0;
    return wick_url_split_authority(asked, &name, NULL) == WICK_OK && url.port == forwarded->host_port &&
           wick_http_equal(url.host, name);
}
