/*
 * The PROXY protocol: the vectors at every length, flush against an unreadable page; what looks like a header.
 */
#include "lib/test.h"
#include "lib/vectors.h"
#include "wick/forwarded.h"

#include <stdlib.h>

static void check_endpoint(const test_vector *vector, const char *key, const wick_address *address, unsigned port)
{
    const char *want = test_vector_get(vector, key);
    char text[WICK_ADDRESS_TEXT];
    size_t len;
    if (!want)
        return;
    wick_address_write(address, (int)port, text, sizeof text, &len);
    if (len != strlen(want) || memcmp(text, want, len) != 0)
        VECTOR_FAIL(vector, "%s is %.*s, want %s", key, (int)len, text, want);
}

static void check_number(const test_vector *vector, const char *key, size_t got)
{
    size_t want = test_vector_number(vector, key, got);
    if (got != want)
        VECTOR_FAIL(vector, "%s is %zu, want %zu", key, got, want);
}

static void check_header(const test_vector *vector, const wick_proxy_header *header, const uint8_t *data)
{
    static const char *const kinds[] = {"NONE", "IP", "UNIX"};
    const char *kind = test_vector_get(vector, "kind"), *path = test_vector_get(vector, "path");
    wick_slice rest = header->tlvs, value;
    char paths[256];
    uint8_t type;
    size_t count = 0;
    if (kind && strcmp(kinds[header->kind], kind) != 0)
        VECTOR_FAIL(vector, "kind is %s, want %s", kinds[header->kind], kind);
    check_endpoint(vector, "source", &header->source, header->source_port);
    check_endpoint(vector, "destination", &header->destination, header->destination_port);
    snprintf(paths, sizeof paths, "%.*s %.*s", (int)header->source_path.len, header->source_path.data,
             (int)header->destination_path.len, header->destination_path.data);
    if (path && strcmp(path, paths) != 0)
        VECTOR_FAIL(vector, "paths are %s", paths);
    while (wick_proxy_tlv_next(&rest, &type, &value)) {
        CHECK(value.data >= data && value.data + value.len <= data + header->length);
        count++;
    }
    CHECK_INT(rest.len, 0);
    check_number(vector, "tlvs", count);
    check_number(vector, "version", header->version);
    check_number(vector, "local", header->local);
    check_number(vector, "datagram", header->datagram);
    check_number(vector, "secure", header->secure);
}

static void run_vector(const test_vector *vector)
{
    int want = test_status_named(vector, test_vector_get(vector, "status"));
    size_t end = test_vector_number(vector, "length", 0), max = test_vector_number(vector, "max", 0);
    for (size_t len = 0; len <= vector->input_len && !test_failed(); len++) {
        uint8_t *data = test_guard_back(vector->input, len);
        wick_proxy_header header;
        wick_status status = wick_proxy_header_read(data, len, max, &header);
        if (status != (len < end ? (int)WICK_MORE : want))
            VECTOR_FAIL(vector, "%s of %zu bytes", wick_status_name(status), len);
        if (status == WICK_OK) {
            CHECK_INT(header.length, end);
            check_header(vector, &header, data);
        }
        test_unguard(data, len);
    }
}

static void the_vectors(void)
{
    test_vectors("proxy_protocol", run_vector);
}

static int looks_like(const char *text, size_t len)
{
    uint8_t *data = test_guard_back(text, len);
    int yes = wick_proxy_header_is(data, len);
    test_unguard(data, len);
    return yes;
}

static void what_looks_like_a_header(void)
{
    static const char v2[] = "\r\n\r\n\0\r\nQUIT\n\x21";
    CHECK(looks_like("PROXY TCP4", 10));
    CHECK(looks_like("PROXY ", 6));
    CHECK(!looks_like("PROXY", 5));
    CHECK(!looks_like("PROXX TCP4", 10));
    CHECK(!looks_like("", 0));
    CHECK(!looks_like(v2, 3));
    for (size_t len = 4; len < sizeof v2; len++)
        CHECK(looks_like(v2, len));
    CHECK(!looks_like("\r\n\r\nGET / HTTP", 14));
}

/* Whatever stands in the place of the checksum: only one of them is right, and no other bit may differ. */
static void a_checksum_guards_every_bit(void)
{
    uint8_t header[] = {13, 10, 13, 10, 0, 13, 10, 'Q', 'U', 'I', 'T', 10, 0x21, 0x11, 0, 19, 203, 0, 113, 7, 192, 0, 2, 1, 200,
                        34, 1, 187, 3, 0, 4, 0, 0, 0, 0};
    static const uint8_t sum[] = {0x7d, 0x2d, 0x21, 0x1e};
    wick_proxy_header got;
    memcpy(header + 31, sum, 4);
    CHECK_STATUS(wick_proxy_header_read(header, sizeof header, 0, &got), WICK_OK);
    for (size_t i = 16 * 8; i < sizeof header * 8; i++) {
        header[i / 8] = (uint8_t)(header[i / 8] ^ 1u << i % 8);
        wick_status status = wick_proxy_header_read(header, sizeof header, 0, &got);
        CHECK(status < 0 || i / 8 == 28); /* a TLV of another type checks nothing */
        header[i / 8] = (uint8_t)(header[i / 8] ^ 1u << i % 8);
    }
}

int main(void)
{
    RUN(the_vectors);
    RUN(what_looks_like_a_header);
    RUN(a_checksum_guards_every_bit);
    return test_end();
}
