/*
 * IP addresses and ranges of them, text and bytes: RFC 4291 section 2.2, RFC 5952.
 *
 * An IPv4 address lies mapped in 16 bytes, so that a range is a count of leading bits whatever the family. No text that
 * two readers could take for different addresses is read: no octal, no fewer than four numbers, no white space.
 */
#include "http/forwarded.h"
#include "http/sink.h"

#define MAPPED_BYTES 12

static const uint8_t mapped_prefix[MAPPED_BYTES] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static void address_unknown(wick_address *address)
{
    memset(address, 0, sizeof *address);
}

void wick_address_set(wick_address *address, const uint8_t *bytes, size_t len)
{
    address_unknown(address);
    if (len == 4) {
        memcpy(address->bytes, mapped_prefix, MAPPED_BYTES);
        memcpy(address->bytes + MAPPED_BYTES, bytes, 4);
        address->family = 4;
    } else if (len == 16) {
        memcpy(address->bytes, bytes, 16);
        address->family = memcmp(bytes, mapped_prefix, MAPPED_BYTES) == 0 ? 4 : 6;
    }
}

int wick_address_equal(const wick_address *a, const wick_address *b)
{
    return a->family != 0 && a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* ---- Reading --------------------------------------------------------------------------------------------- */

int wick_digits_read(wick_str text, unsigned max, unsigned *number)
{
    unsigned n = 0;
    if (text.len == 0 || text.len > 5)
        return 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!wick_char_is_digit(text.data[i]))
            return 0;
        n = n * 10 + (unsigned)(text.data[i] - '0');
    }
    *number = n;
    return n <= max;
}

/* The same without a leading zero, where a zero could mean octal. */
static int decimal_read_plain(wick_str text, unsigned max, unsigned *number)
{
    return wick_digits_read(text, max, number) && (text.len == 1 || text.data[0] != '0');
}

static int ipv4_read(wick_str text, uint8_t *out)
{
    for (int i = 0; i < 4; i++) {
        size_t dot = wick_str_index(text, '.');
        unsigned octet;
        if ((dot == text.len) != (i == 3) || !decimal_read_plain(wick_str_first(text, dot), 255, &octet))
            return 0;
        out[i] = (uint8_t)octet;
        text = wick_str_from(text, dot < text.len ? dot + 1 : dot);
    }
    return 1;
}

/* The groups of an IPv6 address before and behind a "::", side by side in out. Returns their bytes, or 17. */
static size_t ipv6_groups(wick_str text, uint8_t *out, size_t *gap)
{
    size_t at = 0;
    while (text.len > 0) {
        size_t n = wick_str_span(text, WICK_CHAR_HEX);
        unsigned group = 0;
        if (n < text.len && text.data[n] == '.')
            return at <= MAPPED_BYTES && ipv4_read(text, out + at) ? at + 4 : 17;
        if (n == 0 || n > 4 || at == 16)
            return 17;
        for (size_t i = 0; i < n; i++)
            group = group << 4 | wick_char_hex(text.data[i]);
        out[at++] = (uint8_t)(group >> 8);
        out[at++] = (uint8_t)group;
        text = wick_str_from(text, n);
        if (text.len == 0)
            break;
        if (text.data[0] != ':' || text.len == 1)
            return 17;
        text = wick_str_from(text, 1);
        if (text.data[0] == ':') {
            if (*gap <= 16)
                return 17;
            *gap = at;
            text = wick_str_from(text, 1);
        }
    }
    return at;
}

static int ipv6_read(wick_str text, uint8_t *out)
{
    size_t gap = 17, len, behind;
    if (text.len >= 2 && text.data[0] == ':' && text.data[1] == ':') {
        gap = 0;
        text = wick_str_from(text, 2);
    }
    len = ipv6_groups(text, out, &gap);
    if (gap > 16)
        return len == 16;
    if (len > 14) /* "::" stands for a group at least */
        return 0;
    behind = len - gap;
    memmove(out + 16 - behind, out + gap, behind);
    memset(out + gap, 0, 16 - len);
    return 1;
}

/* An IPv6 address, with a zone or not. */
static wick_status read_v6(wick_str text, wick_address *address)
{
    uint8_t bytes[16];
    size_t percent = wick_str_index(text, '%');
    if (percent < text.len) {
        wick_str zone = wick_str_from(text, percent + 1);
        if (zone.len == 0 || wick_str_span(zone, WICK_CHAR_TARGET) < zone.len || wick_str_index(zone, ']') < zone.len)
            return WICK_E_ADDRESS;
    }
    if (!ipv6_read(wick_str_first(text, percent), bytes))
        return WICK_E_ADDRESS;
    wick_address_set(address, bytes, sizeof bytes);
    return WICK_OK;
}

static wick_status read_v4(wick_str text, wick_address *address)
{
    uint8_t bytes[4];
    if (!ipv4_read(text, bytes))
        return WICK_E_ADDRESS;
    wick_address_set(address, bytes, sizeof bytes);
    return WICK_OK;
}

wick_str wick_address_split(wick_str text, wick_str *behind)
{
    size_t colon = wick_str_index(text, ':');
    *behind = wick_str_from(text, text.len);
    if (text.len > 0 && text.data[0] == '[') {
        size_t close = wick_str_index(text, ']');
        *behind = wick_str_from(text, close < text.len ? close + 1 : close);
        return wick_str_first(text, close < text.len ? close + 1 : close);
    }
    if (colon == text.len || wick_str_index(wick_str_from(text, colon + 1), ':') < text.len - colon - 1)
        return text; /* no colon, or the many of an IPv6 address */
    *behind = wick_str_from(text, colon);
    return wick_str_first(text, colon);
}

wick_status wick_address_read_plain(wick_str text, wick_address *address)
{
    address_unknown(address);
    if (text.len > 1 && text.data[0] == '[' && text.data[text.len - 1] == ']')
        return read_v6(wick_str_first(wick_str_from(text, 1), text.len - 2), address);
    return wick_str_index(text, ':') < text.len ? read_v6(text, address) : read_v4(text, address);
}

wick_status wick_address_parse(wick_str text, wick_address *address, int *port)
{
    wick_str behind, plain = wick_address_split(text, &behind);
    unsigned number = 0;
    if (port)
        *port = -1;
    address_unknown(address);
    if (behind.len > 0 &&
        (!port || behind.data[0] != ':' || !wick_digits_read(wick_str_from(behind, 1), 65535, &number)))
        return WICK_E_ADDRESS;
    if (wick_address_read_plain(plain, address) != WICK_OK)
        return WICK_E_ADDRESS;
    if (behind.len > 0)
        *port = (int)number;
    return WICK_OK;
}

/* ---- Writing --------------------------------------------------------------------------------------------- */

static void put_v4(wick_sink *text, const uint8_t *bytes)
{
    for (int i = 0; i < 4; i++) {
        if (i > 0)
            WICK_SINK_LIT(text, ".");
        wick_sink_number(text, bytes[i]);
    }
}

static unsigned group_at(const uint8_t *bytes, unsigned i)
{
    return (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
}

/* The longest run of two or more zero groups, the first of equals: RFC 5952 section 4.2. Returns its length. */
static unsigned longest_zeros(const uint8_t *bytes, unsigned *first)
{
    unsigned best = 1, run = 0;
    *first = 8;
    for (unsigned i = 0; i < 8; i++) {
        run = group_at(bytes, i) == 0 ? run + 1 : 0;
        if (run > best) {
            best = run;
            *first = i + 1 - run;
        }
    }
    return best;
}

static void put_group(wick_sink *text, unsigned group)
{
    static const char digits[] = "0123456789abcdef";
    int shift = 12;
    while (shift > 0 && group >> shift == 0)
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        wick_sink_put(text, &digits[group >> shift & 15], 1);
}

static void put_v6(wick_sink *text, const uint8_t *bytes)
{
    unsigned first, zeros = longest_zeros(bytes, &first);
    for (unsigned i = 0; i < 8; i++) {
        if (i == first) {
            WICK_SINK_LIT(text, "::");
            i += zeros - 1;
            continue;
        }
        if (i > 0 && i != first + zeros)
            WICK_SINK_LIT(text, ":");
        put_group(text, group_at(bytes, i));
    }
}

wick_status wick_address_write(const wick_address *address, int port, char *out, size_t cap, size_t *need)
{
    wick_sink text = wick_sink_begin(out, cap);
    int brackets = address->family == 6 && port >= 0;
    if (brackets)
        WICK_SINK_LIT(&text, "[");
    if (address->family == 4)
        put_v4(&text, address->bytes + MAPPED_BYTES);
    else if (address->family == 6)
        put_v6(&text, address->bytes);
    else
        WICK_SINK_LIT(&text, "unknown");
    if (brackets)
        WICK_SINK_LIT(&text, "]");
    if (port >= 0 && address->family != 0) {
        WICK_SINK_LIT(&text, ":");
        wick_sink_number(&text, (unsigned)port & 0xffff);
    }
    return wick_sink_end(&text, need);
}

/* ---- Ranges ---------------------------------------------------------------------------------------------- */

/* The bits of byte i that count. */
static uint8_t mask_at(unsigned bits, unsigned i)
{
    if (bits >= 8 * (i + 1))
        return 0xff;
    return bits <= 8 * i ? 0 : (uint8_t)(0xff00u >> (bits - 8 * i));
}

wick_status wick_network_parse(wick_str text, wick_network *network)
{
    size_t slash = wick_str_index(text, '/');
    wick_str plain = wick_str_first(text, slash);
    unsigned bits = 128, least = 0;
    network->bits = 0;
    if (wick_address_read_plain(plain, &network->first) != WICK_OK)
        return WICK_E_ADDRESS;
    if (slash < text.len) {
        int dotted = wick_str_index(plain, ':') == plain.len;
        if (!decimal_read_plain(wick_str_from(text, slash + 1), dotted ? 32 : 128, &bits)) {
            address_unknown(&network->first);
            return WICK_E_ADDRESS;
        }
        bits += dotted ? 96 : 0;
        least = network->first.family == 4 ? 96 : 0;
    }
    if (bits < least) {
        address_unknown(&network->first);
        return WICK_E_ADDRESS;
    }
    network->bits = (uint8_t)bits;
    for (unsigned i = 0; i < 16; i++)
        network->first.bytes[i] = (uint8_t)(network->first.bytes[i] & mask_at(bits, i));
    return WICK_OK;
}

int wick_network_has(const wick_network *network, const wick_address *address)
{
    if (address->family == 0 || address->family != network->first.family)
        return 0;
    for (unsigned i = 0; i < 16; i++)
        if ((address->bytes[i] ^ network->first.bytes[i]) & mask_at(network->bits, i))
            return 0;
    return 1;
}

int wick_networks_have(const wick_network *networks, size_t count, const wick_address *address)
{
    for (size_t i = 0; i < count; i++)
        if (wick_network_has(&networks[i], address))
            return 1;
    return 0;
}
