/*
 * wick/forwarded.h - who is really there, behind proxies: addresses, forwarded headers, the PROXY protocol.
 *
 * Behind a proxy every connection comes from the proxy. What the proxy says about its client stands in header fields
 * (Forwarded, X-Forwarded-For and its kin, X-Real-IP) or in front of the first request (PROXY protocol). Anybody can
 * write these, so they are believed only from addresses that the host trusts, hop by hop:
 *
 *     wick_network trusted[2];
 *     wick_network_parse(WICK_STR("10.0.0.0/8"), &trusted[0]);
 *     wick_network_parse(WICK_STR("::1"), &trusted[1]);
 *     wick_forwarded_config config = {.size = sizeof config, .trusted = trusted, .trusted_count = 2};
 *
 *     wick_address_set(&peer, peer_bytes, 4);                         // from accept(), or from the PROXY header
 *     wick_forwarded_read(&config, &peer, request.headers, request.header_count, &forwarded);
 *     // forwarded.address is the client as far as it can be known
 *
 * WHAT IS BELIEVED. Each proxy appends the address that it was called from, so the chain is read from the right, which
 * is where the nearest proxy writes. The peer is trusted: then the last entry is true. That one is trusted: then so is
 * the entry before it. The first that is not trusted is the client; whatever stands further left it may have made up.
 * The walk ends early at an entry that is no address (`unknown`, `_hidden`, junk): what lies behind it is not known,
 * and the result is the last address that is.
 *
 * WHICH HEADER. A proxy writes one kind and lets the others through as its client sent them. Nearly all write
 * X-Forwarded-For, so:
 *   - X-Forwarded-For, all its fields as one list, decides the address if it is there;
 *   - else X-Real-IP, if it is there once;
 *   - else Forwarded (RFC 7239), all its fields as one list.
 * Scheme, host and port come from X-Forwarded-Proto, -Host and -Port in the first two cases and if no field tells an
 * address, the last element of each, which the nearest proxy wrote; and in the last case from proto and host of that
 * element of Forwarded at which the walk ended. The two kinds are never mixed. A host whose proxies write Forwarded
 * sets WICK_FORWARDED_USE_RFC7239, and nothing else is looked at; with WICK_FORWARDED_USE_X, Forwarded is not. Whatever
 * is chosen, the outermost proxy should overwrite or delete all fields of the kinds that are looked at.
 *
 * If the peer is not trusted no field is looked at: nothing that it sends changes the result.
 *
 * Never allocates, blocks, or keeps state outside the objects it is given. The time taken is linear in the fields.
 */
#ifndef WICK_FORWARDED_H
#define WICK_FORWARDED_H

#include "wick/http.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Addresses ------------------------------------------------------------------------------------------- */

/** The longest text of an address, with brackets and port: wick_address_write() never needs more. */
#define WICK_ADDRESS_TEXT 47

/**
 * An IP address. Two that are the same have the same bytes.
 *
 * An IPv4 address is kept as the IPv6 address that maps it (::ffff:192.0.2.1, RFC 4291 section 2.5.5.2), and that
 * IPv6 address is taken for the IPv4 one wherever it comes from: a socket that accepts both gives mapped addresses.
 */
typedef struct wick_address {
    /** In the order of the network */
    uint8_t bytes[16];
    /** 4, 6, or 0: no address is known */
    uint8_t family;
} wick_address;

/**
 * Make an address of bytes in the order of the network, as they stand in a sockaddr.
 *
 * len   4 or 16; anything else makes the address unknown
 */
WICK_API void wick_address_set(wick_address *address, const uint8_t *bytes, size_t len);

/**
 * Read the text of an address.
 *
 * `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`, `::ffff:192.0.2.1`. IPv4 is four
 * decimal numbers without leading zeros, which some would read as octal. A zone (`fe80::1%eth0`) is taken and
 * dropped: it means something only on the machine that wrote it (RFC 4007 section 11). No white space.
 *
 * port   set to the port, or to -1 if there is none; NULL: a port is an error
 *
 * Returns WICK_OK; WICK_E_ADDRESS: *address is unknown then. RFC 4291 section 2.2.
 */
WICK_API wick_status wick_address_parse(wick_str text, wick_address *address, int *port);

/**
 * Write an address: `192.0.2.1`, `2001:db8::1`, in the one form of RFC 5952; `unknown` if it is none.
 *
 * port            0..65535: written behind a colon, and IPv6 in brackets; -1: none
 * out, cap, need  as for all writers (wick/http.h); WICK_ADDRESS_TEXT is enough
 *
 * Returns WICK_OK, WICK_E_SPACE.
 */
WICK_API wick_status wick_address_write(const wick_address *address, int port, char *out, size_t cap, size_t *need);

/** Tell whether two addresses are the same. Unknown ones are the same as none, themselves included. */
WICK_API int wick_address_equal(const wick_address *a, const wick_address *b);

/** A range of addresses. Fields are private. */
typedef struct wick_network {
    wick_address first;
    /** Of first.bytes, hence 96 more than in the text for IPv4 */
    uint8_t bits;
} wick_network;

/**
 * Read a range: an address and how many of its leading bits count, `10.0.0.0/8`, `2001:db8::/32`; or a bare address,
 * which is the range of itself alone.
 *
 * The bits that do not count need not be zero: `127.0.0.1/8` is 127.0.0.0/8. A range of mapped addresses is the IPv4
 * one, `::ffff:10.0.0.0/104` is 10.0.0.0/8. No port.
 *
 * Returns WICK_OK; WICK_E_ADDRESS: the text is none, more bits than the address has, or fewer than 96 of a mapped one.
 */
WICK_API wick_status wick_network_parse(wick_str text, wick_network *network);

/** Tell whether an address is in a range. `::/0` is all of IPv6 and none of IPv4; an unknown address is in none. */
WICK_API int wick_network_has(const wick_network *network, const wick_address *address);

/** Tell whether an address is in one of several ranges. */
WICK_API int wick_networks_have(const wick_network *networks, size_t count, const wick_address *address);

/* ---- Forwarded headers ----------------------------------------------------------------------------------- */

/** Entries of a chain that are walked, from the right. No real one has so many. */
#ifndef WICK_FORWARDED_HOPS
#define WICK_FORWARDED_HOPS 32
#endif

/** Which headers are looked at. */
typedef enum wick_forwarded_use {
    /** X-Forwarded-For, else X-Real-IP, else Forwarded */
    WICK_FORWARDED_USE_ANY,
    /** X-Forwarded-* and X-Real-IP */
    WICK_FORWARDED_USE_X,
    /** Forwarded */
    WICK_FORWARDED_USE_RFC7239
} wick_forwarded_use;

/** Whom to believe, and what. */
typedef struct wick_forwarded_config {
    /** sizeof(wick_forwarded_config) */
    size_t size;
    /** The addresses of proxies. None: nothing is ever believed. */
    const wick_network *trusted;
    size_t trusted_count;
    /** A wick_forwarded_use */
    uint8_t use;
} wick_forwarded_config;

/** A header that something was taken from. */
typedef enum wick_forwarded_source {
    /** None: it is the connection's own */
    WICK_FORWARDED_BY_NONE,
    WICK_FORWARDED_BY_X_FORWARDED_FOR,
    WICK_FORWARDED_BY_X_REAL_IP,
    WICK_FORWARDED_BY_FORWARDED,
    WICK_FORWARDED_BY_X_FORWARDED_PROTO,
    WICK_FORWARDED_BY_X_FORWARDED_HOST,
    WICK_FORWARDED_BY_X_FORWARDED_PORT
} wick_forwarded_source;

/** How the walk along the chain ended. */
typedef enum wick_forwarded_end {
    /** The peer is not trusted: address is the peer */
    WICK_FORWARDED_PEER,
    /** The peer is trusted and no field tells of anybody else: address is the peer */
    WICK_FORWARDED_SILENT,
    /** address is not trusted, and a trusted address told it: the client */
    WICK_FORWARDED_CLIENT,
    /** All entries are trusted: address is the first of them */
    WICK_FORWARDED_TRUSTED,
    /** An entry hides the client: `unknown` or `_name`. address is the last one known, which is a proxy's */
    WICK_FORWARDED_HIDDEN,
    /** An entry cannot be read. address is the last one known, which is a proxy's */
    WICK_FORWARDED_JUNK,
    /** More than WICK_FORWARDED_HOPS entries, all of them trusted. address is the last one looked at */
    WICK_FORWARDED_LONG
} wick_forwarded_end;

/** What is known of a request's client. Texts point into the fields that were given, or are static. */
typedef struct wick_forwarded {
    /** The effective peer */
    wick_address address;
    /** Its port, or -1 if it is not known. Never known for the peer itself: the host has it */
    int32_t port;
    /** How the client spoke to the first proxy: "http", "https", "ws", "wss"; empty: not told */
    wick_str scheme;
    /** host[:port] that the client asked for; empty: not told, and Host holds */
    wick_str host;
    /** The port that the client connected to, of X-Forwarded-Port or of host; 0: not told */
    uint16_t host_port;
    /** 1: scheme is https or wss */
    uint8_t secure;
    /** A wick_forwarded_end */
    uint8_t end;
    /** Which header said so: each a wick_forwarded_source */
    uint8_t address_source;
    uint8_t scheme_source;
    uint8_t host_source;
    uint8_t port_source;
} wick_forwarded;

/**
 * Find out who a request comes from.
 *
 * Addresses in X-Forwarded-For and X-Real-IP may have a port and brackets. Schemes are http, https, ws and wss in any
 * case, hosts what Host may be, ports 1 to 65535; anything else in their place counts as not told. In Forwarded an
 * element with for, proto or host twice, or that is not made of `name=value`, is junk; a quoted string that is not
 * closed takes the rest of its field with it. X-Real-IP twice, or with a comma, is junk too.
 *
 * config           whom to believe
 * peer             the other end of the connection: the socket's, or the source of a PROXY header
 * headers, count   the request's
 * forwarded        set to what is known, on success
 *
 * Returns WICK_OK; WICK_E_CONFIG if config->size or config->use is unknown. RFC 7239 sections 4, 5, 6 and 8.1.
 */
WICK_API wick_status wick_forwarded_read(const wick_forwarded_config *config, const wick_address *peer,
                                         const wick_http_header *headers, size_t count, wick_forwarded *forwarded);

/** Give the name of a wick_forwarded_source, such as "X-Forwarded-For"; "-" for none. Static. */
WICK_API wick_str wick_forwarded_source_name(unsigned source);

/**
 * Tell whether an Origin is that of the page's own server, seen from the client.
 *
 * Like wick_http_origin_is_same(), with forwarded->host in the place of host if it was told, and the origin's port may
 * also be forwarded->host_port. If the client is known to speak https, an origin of http is not the same. The other
 * way round is let through: TLS may have ended at a proxy further out, and the nearer one tells what it saw.
 *
 * host   of wick_http_host()
 */
WICK_API int wick_forwarded_origin_is_same(const wick_forwarded *forwarded, wick_str origin, wick_str host);

/* ---- PROXY protocol -------------------------------------------------------------------------------------- */

/** Longest line of version 1, CR LF included. Longer is WICK_E_PROXY_LINE. */
#define WICK_PROXY_LINE_MAX 107
/** Longest header of version 2 in bytes. Longer is WICK_E_PROXY_TOO_BIG. The protocol itself allows 65551. */
#ifndef WICK_DEFAULT_PROXY_MAX
#define WICK_DEFAULT_PROXY_MAX 4096
#endif

/** What kind of addresses a PROXY header has. */
typedef enum wick_proxy_header_kind {
    /** None, version 1's UNKNOWN or version 2's LOCAL or UNSPEC: the socket's own addresses hold */
    WICK_PROXY_HEADER_NONE,
    /** IP addresses and ports */
    WICK_PROXY_HEADER_IP,
    /** Paths of UNIX sockets: a client on the proxy's own machine */
    WICK_PROXY_HEADER_UNIX
} wick_proxy_header_kind;

/** A PROXY header. Slices point into the bytes that were read. */
typedef struct wick_proxy_header {
    /** Its length: what the client sent begins behind it */
    size_t length;
    /** The client, and the address that it connected to; unknown unless kind is WICK_PROXY_HEADER_IP */
    wick_address source;
    wick_address destination;
    uint16_t source_port;
    uint16_t destination_port;
    /** 1 or 2 */
    uint8_t version;
    /** A wick_proxy_header_kind */
    uint8_t kind;
    /** 1: version 2's LOCAL: the proxy itself connects, to see whether the server is well */
    uint8_t local;
    /** 1: the addresses are those of datagrams */
    uint8_t datagram;
    /** 1: the client speaks TLS with the proxy (PP2_TYPE_SSL) */
    uint8_t secure;
    /** For WICK_PROXY_HEADER_UNIX, up to the first NUL; may be empty */
    wick_str source_path;
    wick_str destination_path;
    /** The TLVs of version 2, for wick_proxy_tlv_next(); none for LOCAL */
    wick_slice tlvs;
} wick_proxy_header;

/**
 * Read the PROXY header at the start of a connection, version 1 or 2.
 *
 * Takes all bytes since the start of the connection each time, and keeps nothing between calls: feed it from the same
 * buffer until the result is not WICK_MORE. Only for a peer that wick_networks_have(); anybody else's bytes go to HTTP
 * as they are. A peer that is trusted must not pass on the first bytes of strangers as they are.
 *
 * Bytes are refused as soon as they cannot be the start of a header: the first 12 (version 2) or 6 (version 1) tell.
 * A checksum (PP2_TYPE_CRC32C) is verified if there is one; other TLVs are only walked through.
 *
 * data, len   the bytes since the start of the connection
 * max         the longest header of version 2 to take; 0: WICK_DEFAULT_PROXY_MAX
 * header      set on WICK_OK
 *
 * Returns
 *   WICK_OK                  the header is whole: header->length bytes
 *   WICK_MORE                so far so good
 *   WICK_E_PROXY_SIGNATURE   this is no PROXY header. To a host for which it is optional, no error
 *   WICK_E_PROXY_LINE        version 1: not `PROXY TCP4|TCP6|UNKNOWN ...` in 107 bytes
 *   WICK_E_PROXY_VERSION     version 2: another version, an unknown command, family or transport
 *   WICK_E_PROXY_LENGTH      version 2: too short for its addresses
 *   WICK_E_PROXY_TLV         version 2: a TLV goes beyond the end, or is malformed
 *   WICK_E_PROXY_CHECKSUM    version 2: the checksum is wrong
 *   WICK_E_PROXY_TOO_BIG     version 2: longer than max
 *
 * "The PROXY protocol", HAProxy Technologies, 2020: sections 2.1 and 2.2.
 */
WICK_API wick_status wick_proxy_header_read(const uint8_t *data, size_t len, size_t max, wick_proxy_header *header);

/**
 * Tell whether bytes look like a PROXY header, for the hint to somebody whose header is not believed.
 *
 * Returns 1 if they begin with `PROXY ` or with the first four bytes or more of version 2's signature.
 */
WICK_API int wick_proxy_header_is(const uint8_t *data, size_t len);

/**
 * Take the next TLV of a header that was read.
 *
 * rest    header->tlvs; what is behind the TLV is left in it
 * type    set to its type: 0x01 ALPN, 0x02 authority (SNI), 0x03 CRC-32C, 0x04 no-op, 0x05 unique id, 0x20 TLS
 * value   set to its value
 *
 * Returns 1; 0 at the end.
 */
WICK_API int wick_proxy_tlv_next(wick_slice *rest, uint8_t *type, wick_slice *value);

#ifdef __cplusplus
}
#endif

#endif
