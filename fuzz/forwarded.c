/*
 * Forwarded headers: a peer that is not trusted changes nothing; what a trusted one tells is well-formed and lies in its
 * fields; the address told is no proxy's unless the walk says so. And any text as an address: what is read is written and
 * read again as the same.
 *
 * Input: a byte (its low two bits are wick_forwarded_config.use), then field lines, parted by LF.
 */
#include <stdlib.h>
#include <string.h>

#include "wick/forwarded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FIELDS 40

static void require(int truth)
{
    if (!truth)
        abort();
}

static wick_network range(const char *text)
{
    wick_network network;
    wick_str s = {text, strlen(text)};
    require(wick_network_parse(s, &network) == WICK_OK);
    return network;
}

/* Fields are what stands before and behind the first colon of a line. */
static size_t split_fields(const char *text, size_t len, wick_http_header *fields)
{
    size_t count = 0;
    while (len > 0 && count < FIELDS) {
        const char *end = memchr(text, '\n', len);
        size_t line = end ? (size_t)(end - text) : len;
        const char *colon = memchr(text, ':', line);
        size_t name = colon ? (size_t)(colon - text) : line, used = line + (end != NULL);
        size_t value = colon ? name + 1 : line;
        fields[count].name = (wick_str){text, name};
        fields[count++].value = (wick_str){text + value, line - value};
        text += used;
        len -= used;
    }
    return count;
}

static void check_address(const wick_address *address, int port)
{
    char text[WICK_ADDRESS_TEXT];
    size_t need;
    wick_address again;
    int port_again;
    require(address->family == 4 || address->family == 6);
    require(wick_address_write(address, port, text, sizeof text, &need) == WICK_OK);
    require(wick_address_parse((wick_str){text, need}, &again, &port_again) == WICK_OK);
    require(wick_address_equal(address, &again) && port == port_again);
}

static void check_text(wick_str text)
{
    wick_address address;
    wick_network network;
    int port;
    if (wick_address_parse(text, &address, &port) == WICK_OK)
        check_address(&address, port);
    else
        require(address.family == 0 && port == -1);
    if (wick_network_parse(text, &network) != WICK_OK)
        return;
    require(wick_network_has(&network, &network.first));
    if (memchr(text.data, '/', text.len) == NULL)
        require(wick_address_parse(text, &address, NULL) == WICK_OK && wick_network_has(&network, &address));
}

static void check_within(wick_str text, const char *data, size_t size)
{
    require(text.len == 0 || (text.data >= data && text.data + text.len <= data + size));
}

static void check_trusted(const wick_forwarded_config *config, const wick_forwarded *forwarded, const char *text,
                          size_t size)
{
    int trusted = wick_networks_have(config->trusted, config->trusted_count, &forwarded->address);
    check_address(&forwarded->address, forwarded->port);
    require(forwarded->end != WICK_FORWARDED_PEER);
    require(trusted == (forwarded->end != WICK_FORWARDED_CLIENT));
    check_within(forwarded->host, text, size);
    require(forwarded->host.len == 0 || wick_url_split_authority(forwarded->host, NULL, NULL) == WICK_OK);
    require((forwarded->scheme.len > 0) == (forwarded->scheme_source != 0));
    require((forwarded->host.len > 0) == (forwarded->host_source != 0));
    require((forwarded->host_port > 0) == (forwarded->port_source != 0));
    if (config->use == WICK_FORWARDED_USE_X)
        require(forwarded->address_source != WICK_FORWARDED_BY_FORWARDED);
    if (config->use == WICK_FORWARDED_USE_RFC7239)
        require(forwarded->address_source == 0 || forwarded->address_source == WICK_FORWARDED_BY_FORWARDED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t proxy[] = {10, 0, 0, 1}, stranger[] = {203, 0, 113, 9};
    wick_network trusted[2] = {range("10.0.0.0/8"), range("fd00::/8")};
    wick_forwarded_config config = {.size = sizeof config, .trusted = trusted, .trusted_count = 2};
    wick_http_header fields[FIELDS];
    wick_forwarded with, without;
    wick_address peer;
    if (size == 0)
        return 0;
    config.use = data[0] & 3;
    const char *text = (const char *)data + 1;
    size_t count = split_fields(text, size - 1, fields);
    wick_address_set(&peer, stranger, sizeof stranger);
    wick_status status = wick_forwarded_read(&config, &peer, fields, count, &with);
    require(status == (config.use == 3 ? WICK_E_CONFIG : WICK_OK));
    if (status != WICK_OK)
        return 0;
    wick_forwarded_read(&config, &peer, NULL, 0, &without);
    require(with.end == WICK_FORWARDED_PEER && memcmp(&with, &without, sizeof with) == 0);
    wick_address_set(&peer, proxy, sizeof proxy);
    wick_forwarded_read(&config, &peer, fields, count, &with);
    check_trusted(&config, &with, text, size - 1);
    for (size_t i = 0; i < count; i++) {
        check_text(fields[i].value);
        (void)wick_forwarded_origin_is_same(&with, fields[i].value, fields[i].name);
    }
    return 0;
}
