/*
 * The PROXY protocol, versions 1 and 2: "The PROXY protocol", HAProxy Technologies, 2020.
 *
 *   v1   PROXY TCP4 192.0.2.1 192.0.2.2 56324 443 CR LF
 *   v2   0D 0A 0D 0A 00 0D 0A 51 55 49 54 0A | version, command | family, transport | length (2) | addresses | TLVs
 *
 * Nothing is kept between calls: until the header is whole only its first 16 bytes, or its one line, are looked at.
 */
#include "http/forwarded.h"

#define V2_FIXED 16
#define V2_SIGNATURE 12
#define TLV_CRC32C 0x03
#define TLV_TLS 0x20
#define TLS_CLIENT 1 /* the client connected over TLS: PP2_CLIENT_SSL */

static const uint8_t v2_signature[V2_SIGNATURE] = {'\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I', 'T', '\n'};
static const uint8_t v1_signature[6] = {'P', 'R', 'O', 'X', 'Y', ' '};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- Version 1 ------------------------------------------------------------------------------------------- */

/* Take a word and the one space behind it. Returns 0 if there is none. */
static int word_next(wick_str *line, wick_str *word)
{
    size_t n = wick_str_index(*line, ' ');
    *word = wick_str_first(*line, n);
    *line = wick_str_from(*line, n < line->len ? n + 1 : n);
    return word->len > 0;
}

static int v1_address(wick_str word, int six, wick_address *address)
{
    int has_colon = wick_str_index(word, ':') < word.len;
    if (has_colon != six || word.data[0] == '[' || wick_str_index(word, '%') < word.len)
        return 0;
    return wick_address_read_plain(word, address) == WICK_OK;
}

static int v1_port(wick_str word, uint16_t *port)
{
    unsigned number;
    if (!wick_digits_read(word, 65535, &number) || (word.len > 1 && word.data[0] == '0'))
        return 0;
    *port = (uint16_t)number;
    return 1;
}

/* The line behind "PROXY ", without CR LF. */
static wick_status v1_line(wick_str line, wick_proxy_header *header)
{
    wick_str word, source, destination, source_port, destination_port;
    int six;
    if (!word_next(&line, &word))
        return WICK_E_PROXY_LINE;
    if (wick_str_same(word, WICK_STR("UNKNOWN")))
        return WICK_OK; /* and whatever follows means nothing */
    six = wick_str_same(word, WICK_STR("TCP6"));
    if (!six && !wick_str_same(word, WICK_STR("TCP4")))
        return WICK_E_PROXY_LINE;
    if (!word_next(&line, &source) || !word_next(&line, &destination) || !word_next(&line, &source_port))
        return WICK_E_PROXY_LINE;
    destination_port = line; /* the rest: a space in it is no digit */
    if (!v1_address(source, six, &header->source) || !v1_address(destination, six, &header->destination) ||
        !v1_port(source_port, &header->source_port) || !v1_port(destination_port, &header->destination_port))
        return WICK_E_PROXY_LINE;
    header->kind = WICK_PROXY_HEADER_IP;
    return WICK_OK;
}

static wick_status v1_read(const uint8_t *data, size_t len, wick_proxy_header *header)
{
    size_t most = smaller(len, WICK_PROXY_LINE_MAX), at = sizeof v1_signature;
    wick_str line;
    while (at < most && data[at] != '\r' && data[at] != '\n')
        at++;
    if (at == most || (data[at] == '\r' && at + 1 == most))
        return len < WICK_PROXY_LINE_MAX ? WICK_MORE : WICK_E_PROXY_LINE;
    if (data[at] != '\r' || data[at + 1] != '\n')
        return WICK_E_PROXY_LINE;
    line.data = (const char *)data + sizeof v1_signature;
    line.len = at - sizeof v1_signature;
    header->version = 1;
    header->length = at + 2;
    return v1_line(line, header);
}

/* ---- Version 2 ------------------------------------------------------------------------------------------- */

/* CRC-32C (RFC 3720 section 12.1), four bits at a time. */
static uint32_t crc32c_add(uint32_t crc, const uint8_t *data, size_t len)
{
    static const uint32_t nibbles[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
        0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        crc = crc >> 4 ^ nibbles[crc & 15];
        crc = crc >> 4 ^ nibbles[crc & 15];
    }
    return crc;
}

/* The checksum is that of the whole header with zeros in its own place: section 2.2.3. */
static int checksum_is_right(const uint8_t *data, size_t len, const uint8_t *sum)
{
    static const uint8_t zeros[4];
    size_t at = (size_t)(sum - data);
    uint32_t crc = crc32c_add(0xffffffff, data, at);
    crc = crc32c_add(crc, zeros, sizeof zeros);
    crc = ~crc32c_add(crc, sum + 4, len - at - 4);
    return sum[0] == (crc >> 24) && sum[1] == (crc >> 16 & 0xff) && sum[2] == (crc >> 8 & 0xff) &&
           sum[3] == (crc & 0xff);
}

/* Take a TLV. Returns 1; 0 at the end; -1 if it goes beyond the end. */
static int tlv_take(wick_slice *rest, uint8_t *type, wick_slice *value)
{
    size_t len;
    if (rest->len == 0)
        return 0;
    if (rest->len < 3)
        return -1;
    len = (size_t)rest->data[1] << 8 | rest->data[2];
    if (len > rest->len - 3)
        return -1;
    *type = rest->data[0];
    value->data = rest->data + 3;
    value->len = len;
    rest->data += 3 + len;
    rest->len -= 3 + len;
    return 1;
}

int wick_proxy_tlv_next(wick_slice *rest, uint8_t *type, wick_slice *value)
{
    return tlv_take(rest, type, value) > 0;
}

/* PP2_TYPE_SSL: a byte of flags, four of the result of verifying, TLVs. */
static int tls_read(wick_slice value, wick_proxy_header *header)
{
    wick_slice rest, inner;
    uint8_t type;
    int more;
    if (value.len < 5)
        return 0;
    rest.data = value.data + 5;
    rest.len = value.len - 5;
    do
        more = tlv_take(&rest, &type, &inner);
    while (more > 0);
    header->secure = (value.data[0] & TLS_CLIENT) != 0;
    return more == 0;
}

static wick_status tlvs_read(const uint8_t *data, wick_proxy_header *header)
{
    wick_slice rest = header->tlvs, value;
    unsigned sums = 0;
    uint8_t type;
    int more;
    while ((more = tlv_take(&rest, &type, &value)) > 0) {
        if (type == TLV_TLS && !tls_read(value, header))
            return WICK_E_PROXY_TLV;
        if (type != TLV_CRC32C)
            continue;
        if (value.len != 4 || sums++ > 0)
            return WICK_E_PROXY_TLV;
        if (!checksum_is_right(data, header->length, value.data))
            return WICK_E_PROXY_CHECKSUM;
    }
    return more < 0 ? WICK_E_PROXY_TLV : WICK_OK;
}

static wick_str v2_path(const uint8_t *data)
{
    wick_str path = {(const char *)data, 0};
    while (path.len < 108 && data[path.len] != 0)
        path.len++;
    return path;
}

static void v2_addresses(const uint8_t *data, size_t size, wick_proxy_header *header)
{
    if (header->kind == WICK_PROXY_HEADER_UNIX) {
        header->source_path = v2_path(data);
        header->destination_path = v2_path(data + 108);
        return;
    }
    wick_address_set(&header->source, data, size);
    wick_address_set(&header->destination, data + size, size);
    data += 2 * size;
    header->source_port = (uint16_t)(data[0] << 8 | data[1]);
    header->destination_port = (uint16_t)(data[2] << 8 | data[3]);
}

/*
 * The bytes of one address and what kind they are of, by the family in the high half of the byte; the low half is the
 * transport, 1 for streams and 2 for datagrams. Returns -1 for a pair that is not defined: it must be rejected.
 */
static int v2_family(uint8_t family, wick_proxy_header *header)
{
    header->datagram = (family & 15) == 2;
    switch (family) {
    case 0x00:
        return 0;
    case 0x11:
    case 0x12:
        header->kind = WICK_PROXY_HEADER_IP;
        return 4;
    case 0x21:
    case 0x22:
        header->kind = WICK_PROXY_HEADER_IP;
        return 16;
    case 0x31:
    case 0x32:
        header->kind = WICK_PROXY_HEADER_UNIX;
        return 108;
    default:
        return -1;
    }
}

static wick_status v2_read(const uint8_t *data, size_t len, size_t max, wick_proxy_header *header)
{
    size_t body, addresses;
    int size = 0;
    header->version = 2;
    header->local = len > 12 && data[12] == 0x20;
    if (len > 12 && data[12] != 0x20 && data[12] != 0x21)
        return WICK_E_PROXY_VERSION;
    if (len > 13 && !header->local) /* the family of LOCAL is to be ignored */
        size = v2_family(data[13], header);
    if (size < 0)
        return WICK_E_PROXY_VERSION;
    if (len < V2_FIXED)
        return WICK_MORE;
    body = (size_t)data[14] << 8 | data[15];
    addresses = 2 * (size_t)size + (header->kind == WICK_PROXY_HEADER_IP ? 4 : 0);
    if (body < addresses)
        return WICK_E_PROXY_LENGTH;
    if (V2_FIXED + body > max)
        return WICK_E_PROXY_TOO_BIG;
    if (len - V2_FIXED < body)
        return WICK_MORE;
    header->length = V2_FIXED + body;
    if (header->local)
        return WICK_OK;
    if (header->kind != WICK_PROXY_HEADER_NONE)
        v2_addresses(data + V2_FIXED, (size_t)size, header);
    header->tlvs.data = data + V2_FIXED + addresses;
    header->tlvs.len = body - addresses;
    return tlvs_read(data, header);
}

/* ---- Both ------------------------------------------------------------------------------------------------ */

static void header_empty(wick_proxy_header *header)
{
    memset(header, 0, sizeof *header);
    header->source_path = header->destination_path = WICK_STR("");
}

wick_status wick_proxy_header_read(const uint8_t *data, size_t len, size_t max, wick_proxy_header *header)
{
    header_empty(header);
    if (len == 0)
        return WICK_MORE;
    if (memcmp(data, v1_signature, smaller(len, sizeof v1_signature)) == 0)
        return len < sizeof v1_signature ? WICK_MORE : v1_read(data, len, header);
    if (memcmp(data, v2_signature, smaller(len, V2_SIGNATURE)) != 0)
        return WICK_E_PROXY_SIGNATURE;
    return len < V2_SIGNATURE ? WICK_MORE : v2_read(data, len, max > 0 ? max : WICK_DEFAULT_PROXY_MAX, header);
}

int wick_proxy_header_is(const uint8_t *data, size_t len)
{
    if (len >= sizeof v1_signature && memcmp(data, v1_signature, sizeof v1_signature) == 0)
        return 1;
    return len >= 4 && memcmp(data, v2_signature, smaller(len, V2_SIGNATURE)) == 0;
}
