/*
 * Addresses and ranges: the vectors flush against unreadable pages, inet_pton() and inet_ntop() as the second
 * implementation of reading and writing, and one bit at a time as that of ranges.
 */
#include "lib/test.h"
#include "lib/vectors.h"
#include "wick/forwarded.h"

#include <arpa/inet.h>
#include <stdlib.h>

static wick_status parse(const char *text, size_t len, wick_address *address, int *port)
{
    uint8_t *copy = test_guard_back(text, len);
    wick_str s = {(const char *)copy, len};
    wick_status status = wick_address_parse(s, address, port);
    test_unguard(copy, len);
    return status;
}

/* The text of an address, through a buffer that ends at an unreadable page. */
static const char *written(const wick_address *address, int port)
{
    static char text[WICK_ADDRESS_TEXT + 1];
    size_t need, again;
    CHECK(wick_address_write(address, port, NULL, 0, &need) == WICK_E_SPACE);
    CHECK(need <= WICK_ADDRESS_TEXT);
    uint8_t *room = test_guard_back(NULL, need);
    CHECK(wick_address_write(address, port, (char *)room, need - 1, &again) == WICK_E_SPACE && again == need);
    CHECK_STATUS(wick_address_write(address, port, (char *)room, need, &again), WICK_OK);
    memcpy(text, room, need);
    text[need] = 0;
    test_unguard(room, need);
    return text;
}

static wick_address address_of(const char *text)
{
    wick_address address;
    parse(text, strlen(text), &address, NULL);
    return address;
}

static void check_range(const test_vector *vector, const wick_network *network, const char *list, int want)
{
    char text[64];
    while (sscanf(list, "%63s", text) == 1) {
        wick_address address = address_of(text);
        if (wick_network_has(network, &address) != want || wick_networks_have(network, 1, &address) != want)
            VECTOR_FAIL(vector, "%s: want %d", text, want);
        list += strspn(list, " ");
        list += strcspn(list, " ");
    }
}

static wick_status parse_range(const char *text, wick_network *network)
{
    size_t len = strlen(text);
    uint8_t *copy = test_guard_back(text, len);
    wick_status status = wick_network_parse((wick_str){(const char *)copy, len}, network);
    test_unguard(copy, len);
    return status;
}

static void check_text(const test_vector *vector, const char *value)
{
    const char *equals = strstr(value, " = ");
    wick_address address, alone;
    int port;
    if (!equals || parse(value, (size_t)(equals - value), &address, &port) != WICK_OK) {
        VECTOR_FAIL(vector, "%s: not read", value);
        return;
    }
    if (strcmp(written(&address, port), equals + 3) != 0)
        VECTOR_FAIL(vector, "%s: got %s", value, written(&address, port));
    CHECK((parse(value, (size_t)(equals - value), &alone, NULL) == WICK_OK) == (port < 0));
}

static void check_row(const test_vector *vector, const char *key, const char *value, wick_network *network)
{
    wick_address address;
    int port;
    if (strcmp(key, "text") == 0) {
        check_text(vector, value);
    } else if (strcmp(key, "bad") == 0) {
        if (parse(value, strlen(value), &address, &port) != WICK_E_ADDRESS || address.family != 0 || port != -1)
            VECTOR_FAIL(vector, "%s was read", value);
    } else if (strcmp(key, "range") == 0) {
        if (parse_range(value, network) != WICK_OK)
            VECTOR_FAIL(vector, "%s: not read", value);
    } else if (strcmp(key, "not-range") == 0) {
        if (parse_range(value, network) != WICK_E_ADDRESS)
            VECTOR_FAIL(vector, "%s was read", value);
        check_range(vector, network, "0.0.0.0 :: ::ffff:1.2.3.4 unknown", 0);
    } else if (strcmp(key, "in") == 0 || strcmp(key, "out") == 0) {
        check_range(vector, network, value, strcmp(key, "in") == 0);
    } else if (strcmp(key, "rfc") != 0) {
        VECTOR_FAIL(vector, "no such key: %s", key);
    }
}

static void run_vector(const test_vector *vector)
{
    wick_network network;
    memset(&network, 0, sizeof network);
    for (size_t i = 0; i < vector->row_count; i++)
        check_row(vector, vector->rows[i].key, vector->rows[i].value, &network);
}

static void the_vectors(void)
{
    test_vectors("address", run_vector);
}

/* ---- A second implementation ----------------------------------------------------------------------------- */

/* A text that is an address, or nearly. */
static size_t random_text(char *text)
{
    static const char letters[] = "0123456789abcdefF::::....%";
    uint8_t bytes[16];
    size_t len;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = test_below(2) ? 0 : (uint8_t)test_random();
    switch (test_below(4)) {
    case 0:
        len = (size_t)snprintf(text, 64, "%u.%u.%u.%u", bytes[0], bytes[1] % 12u, bytes[2], bytes[3]);
        break;
    case 1:
        for (len = 0; len < 3 + test_below(20); len++)
            text[len] = letters[test_below(sizeof letters - 1)];
        break;
    default:
        if (test_below(3) == 0)
            memcpy(bytes, "\0\0\0\0\0\0\0\0\0\0\377\377", 12);
        inet_ntop(AF_INET6, bytes, text, 64);
        len = strlen(text);
    }
    if (test_below(3) == 0)
        text[test_below(len)] = letters[test_below(sizeof letters - 2)];
    text[len] = 0;
    return len;
}

static void reading_is_what_inet_pton_does(void)
{
    size_t read = 0;
    for (size_t round = 0; round < test_rounds(200000) && !test_failed(); round++) {
        char text[80];
        uint8_t bytes[16];
        wick_address got, want;
        size_t len = random_text(text);
        memset(&want, 0, sizeof want);
        if (strchr(text, '%'))
            continue;
        if (inet_pton(AF_INET, text, bytes) == 1)
            wick_address_set(&want, bytes, 4);
        else if (inet_pton(AF_INET6, text, bytes) == 1)
            wick_address_set(&want, bytes, 16);
        wick_status status = wick_address_parse((wick_str){text, len}, &got, NULL);
        if ((status == WICK_OK) != (want.family != 0) || memcmp(got.bytes, want.bytes, 16) != 0 ||
            got.family != want.family)
            test_fail(__FILE__, __LINE__, "%s: %s", text, wick_status_name(status));
        read += status == WICK_OK;
    }
    CHECK(read > test_rounds(200000) / 4);
}

static void writing_is_what_inet_ntop_does(void)
{
    for (size_t round = 0; round < test_rounds(100000) && !test_failed(); round++) {
        uint8_t bytes[16];
        char want[64];
        wick_address address;
        for (size_t i = 0; i < sizeof bytes; i += 2) {
            bytes[i] = test_below(3) ? 0 : (uint8_t)test_random();
            bytes[i + 1] = test_below(2) ? 0 : (uint8_t)test_random();
        }
        size_t size = test_below(8) ? 16 : 4;
        bytes[0] |= size == 16; /* inet_ntop() writes ::a:b as ::0.10.0.11, which RFC 5952 does not ask for */
        inet_ntop(size == 16 ? AF_INET6 : AF_INET, bytes, want, sizeof want);
        wick_address_set(&address, bytes, size);
        if (strcmp(written(&address, -1), want) != 0)
            test_fail(__FILE__, __LINE__, "%s, want %s", written(&address, -1), want);
    }
}

static int bit_of(const uint8_t *bytes, unsigned i)
{
    return bytes[i / 8] >> (7 - i % 8) & 1;
}

static void a_range_is_its_leading_bits(void)
{
    for (size_t round = 0; round < test_rounds(50000) && !test_failed(); round++) {
        uint8_t a[16], b[16];
        char text[64], range[80];
        wick_network network;
        wick_address address;
        size_t size = test_below(2) ? 4 : 16;
        unsigned bits = (unsigned)test_below(8 * size + 1), same = 1;
        for (size_t i = 0; i < size; i++)
            a[i] = b[i] = (uint8_t)test_random();
        a[0] = b[0] |= 1; /* not mapped */
        for (size_t flips = test_below(3); flips > 0; flips--)
            b[test_below(size)] ^= (uint8_t)(1u << test_below(8));
        for (unsigned i = 0; i < bits; i++)
            same &= bit_of(a, i) == bit_of(b, i);
        inet_ntop(size == 16 ? AF_INET6 : AF_INET, a, text, sizeof text);
        snprintf(range, sizeof range, "%s/%u", text, bits);
        CHECK_STATUS(parse_range(range, &network), WICK_OK);
        wick_address_set(&address, b, size);
        CHECK_INT(wick_network_has(&network, &address), same);
    }
}

static void sets_of_ranges(void)
{
    wick_network set[3];
    wick_address in = address_of("192.0.2.77"), out = address_of("192.0.3.77");
    parse_range("10.0.0.0/8", &set[0]);
    parse_range("::/0", &set[1]);
    parse_range("192.0.2.0/24", &set[2]);
    CHECK(wick_networks_have(set, 3, &in));
    CHECK(!wick_networks_have(set, 2, &in));
    CHECK(!wick_networks_have(set, 3, &out));
    CHECK(!wick_networks_have(NULL, 0, &in));
}

static void equality(void)
{
    wick_address a = address_of("192.0.2.1"), b = address_of("::ffff:192.0.2.1"), c = address_of("::192.0.2.1");
    wick_address none = address_of("nobody");
    CHECK(wick_address_equal(&a, &b));
    CHECK(!wick_address_equal(&a, &c));
    CHECK(!wick_address_equal(&none, &none));
    wick_address_set(&a, NULL, 0);
    CHECK_INT(a.family, 0);
    CHECK(strcmp(written(&a, 80), "unknown") == 0);
    CHECK(strcmp(written(&b, 65535), "192.0.2.1:65535") == 0);
    b = address_of("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    CHECK_INT(strlen(written(&b, 65535)), WICK_ADDRESS_TEXT);
}

int main(void)
{
    RUN(the_vectors);
    RUN(reading_is_what_inet_pton_does);
    RUN(writing_is_what_inet_ntop_does);
    RUN(a_range_is_its_leading_bits);
    RUN(sets_of_ranges);
    RUN(equality);
    return test_end();
}
