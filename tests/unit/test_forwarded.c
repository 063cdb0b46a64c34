/*
 * Forwarded headers: the vectors, chains made from a known truth, and the property that matters most: whoever is not
 * trusted changes nothing.
 */
#include "lib/test.h"
#include "lib/vectors.h"
#include "wick/forwarded.h"

#include <stdlib.h>

#define FIELDS 32
#define RANGES 8

static wick_str str(const char *text)
{
    wick_str s = {text, strlen(text)};
    return s;
}

static wick_address address_of(const char *text)
{
    wick_address address;
    wick_address_parse(str(text), &address, NULL);
    return address;
}

static int is(wick_str got, const char *want)
{
    return got.len == strlen(want) && memcmp(got.data, want, got.len) == 0;
}

/* ---- Vectors --------------------------------------------------------------------------------------------- */

static const char *const ends[] = {"PEER", "SILENT", "CLIENT", "TRUSTED", "HIDDEN", "JUNK", "LONG"};

static size_t read_ranges(const test_vector *vector, wick_network *ranges)
{
    const char *list = test_vector_get(vector, "trusted");
    char text[64];
    size_t count = 0;
    while (list && sscanf(list, "%63s", text) == 1) {
        if (count == RANGES || wick_network_parse(str(text), &ranges[count]) != WICK_OK)
            VECTOR_FAIL(vector, "bad range %s", text);
        count++;
        list += strspn(list, " ");
        list += strcspn(list, " ");
    }
    return count;
}

/* "https X-Forwarded-Proto", as the vector has it; an absent key is not told. */
static void check_word(const test_vector *vector, const char *key, wick_str got, unsigned source)
{
    const char *want = test_vector_get(vector, key);
    wick_str by = wick_forwarded_source_name(source);
    char text[256];
    snprintf(text, sizeof text, "%.*s %.*s", (int)got.len, got.data, (int)by.len, by.data);
    if (strcmp(text, want ? want : got.len ? "nothing" : " -") != 0)
        VECTOR_FAIL(vector, "%s is %s, want %s", key, text, want ? want : "nothing");
}

static void check_known(const test_vector *vector, const wick_forwarded *forwarded)
{
    const char *want = test_vector_get(vector, "address"), *end = test_vector_get(vector, "end");
    const char *by = test_vector_get(vector, "by");
    char text[WICK_ADDRESS_TEXT], port[8] = "";
    size_t len;
    wick_address_write(&forwarded->address, forwarded->port, text, sizeof text, &len);
    if (!want || !is((wick_str){text, len}, want))
        VECTOR_FAIL(vector, "address is %.*s, want %s", (int)len, text, want ? want : "one");
    if (!end || strcmp(ends[forwarded->end], end) != 0)
        VECTOR_FAIL(vector, "end is %s, want %s", ends[forwarded->end], end ? end : "one");
    if (by && !is(wick_forwarded_source_name(forwarded->address_source), by))
        VECTOR_FAIL(vector, "not by %s but by %u", by, forwarded->address_source);
    check_word(vector, "scheme", forwarded->scheme, forwarded->scheme_source);
    check_word(vector, "host", forwarded->host, forwarded->host_source);
    if (forwarded->host_port)
        snprintf(port, sizeof port, "%u", forwarded->host_port);
    check_word(vector, "port", str(port), forwarded->port_source);
    CHECK_INT(forwarded->secure, is(forwarded->scheme, "https") || is(forwarded->scheme, "wss"));
}

static void run_vector(const test_vector *vector)
{
    static const char begin[] = "GET / HTTP/1.1\r\nHost: a\r\n";
    const char *want = test_vector_get(vector, "status"), *use = test_vector_get(vector, "use");
    size_t len = sizeof begin - 1 + vector->input_len + 2;
    uint8_t *data = test_guard_back(NULL, len);
    wick_http_header fields[FIELDS];
    wick_http_head head;
    wick_http_request request;
    wick_network ranges[RANGES];
    wick_forwarded forwarded;
    wick_forwarded_config config = {.size = sizeof config, .trusted = ranges};
    memcpy(data, begin, sizeof begin - 1);
    memcpy(data + sizeof begin - 1, vector->input, vector->input_len);
    memcpy(data + len - 2, "\r\n", 2);
    wick_http_head_init_request(&head, NULL, fields, FIELDS, 0);
    wick_status status = wick_http_head_feed(&head, data, len, 0);
    CHECK_STATUS(status, want ? test_status_named(vector, want) : WICK_OK);
    if (status == WICK_OK) {
        wick_address peer = address_of(test_vector_get(vector, "peer"));
        wick_http_head_request(&head, &request);
        config.trusted_count = read_ranges(vector, ranges);
        config.use = !use ? WICK_FORWARDED_USE_ANY
                          : strcmp(use, "X") == 0 ? WICK_FORWARDED_USE_X : WICK_FORWARDED_USE_RFC7239;
        CHECK_STATUS(wick_forwarded_read(&config, &peer, request.headers, request.header_count, &forwarded), WICK_OK);
        check_known(vector, &forwarded);
    }
    test_unguard(data, len);
}

static void the_vectors(void)
{
    test_vectors("forwarded", run_vector);
}

/* ---- Chains whose truth is known ------------------------------------------------------------------------- */

/* A request on its way: each proxy adds who called it, in a way of its own. */
struct journey {
    char values[FIELDS][1200];
    wick_http_header fields[FIELDS];
    size_t count;
    int rfc7239;
};

static void add_field(struct journey *journey, const char *name, const char *value)
{
    size_t i = journey->count++;
    snprintf(journey->values[i], sizeof journey->values[i], "%s", value);
    journey->fields[i] = (wick_http_header){str(name), str(journey->values[i])};
}

static const char *chain_name(const struct journey *journey)
{
    return journey->rfc7239 ? "Forwarded" : "X-Forwarded-For";
}

/* What a client makes up: addresses of proxies, quotes, commas, other kinds. */
static void make_up(struct journey *journey)
{
    static const char *const lies[] = {"10.0.0.7", "127.0.0.1", "for=10.0.0.8", "for=\"[::1]\";proto=https", ",,,", "unknown",
                                       "\"\\\"", "x", "_a", "for=\"_b\"", "1.2.3.4, 10.0.0.9", "::ffff:10.0.0.1",
                                       "for=10.0.0.7, for=10.0.0.8;host=evil"};
    for (size_t n = test_below(4); n > 0; n--) {
        char value[200] = "";
        for (size_t k = test_below(6); k > 0; k--)
            snprintf(value + strlen(value), sizeof value - strlen(value), "%s%s", *value ? "," : "",
                     lies[test_below(sizeof lies / sizeof *lies)]);
        if (test_below(3) == 0)
            add_field(journey, journey->rfc7239 ? "X-Other" : "Forwarded", value);
        else
            add_field(journey, chain_name(journey), value);
    }
}

/* A proxy that is called from an address: it writes on in the last field, or adds a field. */
static void pass_on(struct journey *journey, const char *from)
{
    char entry[128];
    struct journey *j = journey;
    size_t last = j->count;
    int six = strchr(from, ':') != NULL;
    if (j->rfc7239)
        snprintf(entry, sizeof entry, six ? "%sfor=\"[%s]\"" : "%sfor=%s", test_below(2) ? "proto=http;" : "", from);
    else
        snprintf(entry, sizeof entry, six && test_below(2) ? "[%s]" : "%s", from);
    while (last > 0 && !wick_http_equal(j->fields[last - 1].name, str(chain_name(j))))
        last--;
    /* In one field, a client's open quote would swallow what is added: see the vectors. */
    if (last > 0 && test_below(2) && (!j->rfc7239 || !memchr(j->values[last - 1], '"', strlen(j->values[last - 1])))) {
        char *value = j->values[last - 1];
        snprintf(value + strlen(value), sizeof j->values[0] - strlen(value), "%s%s", test_below(2) ? ", " : ",", entry);
        j->fields[last - 1].value = str(value);
    } else {
        add_field(j, chain_name(j), entry);
    }
}

static void no_lie_of_a_client_reaches_through_proxies(void)
{
    static const char *const clients[] = {"203.0.113.7", "2001:db8::7", "11.0.0.1", "9.255.255.255"};
    static const char *const proxies[] = {"10.0.0.1", "10.200.3.4", "fd00::1", "fd00::2:3"};
    wick_network ranges[2];
    wick_forwarded_config config = {.size = sizeof config, .trusted = ranges, .trusted_count = 2};
    wick_network_parse(str("10.0.0.0/8"), &ranges[0]);
    wick_network_parse(str("fd00::/8"), &ranges[1]);
    for (size_t round = 0; round < test_rounds(20000) && !test_failed(); round++) {
        static struct journey journey;
        const char *client = clients[test_below(4)], *from = client;
        wick_address peer, want = address_of(client);
        wick_forwarded forwarded;
        memset(&journey, 0, sizeof journey);
        journey.rfc7239 = (int)test_below(2);
        make_up(&journey);
        for (size_t hops = 1 + test_below(5); hops > 0; hops--) {
            pass_on(&journey, from);
            from = proxies[test_below(4)];
        }
        peer = address_of(from);
        CHECK_STATUS(wick_forwarded_read(&config, &peer, journey.fields, journey.count, &forwarded), WICK_OK);
        CHECK(wick_address_equal(&forwarded.address, &want));
        CHECK_INT(forwarded.end, WICK_FORWARDED_CLIENT);
        CHECK_INT(forwarded.host.len, 0);
        CHECK_INT(forwarded.secure, 0);
    }
}

static void a_peer_that_is_not_trusted_changes_nothing(void)
{
    static const char *const names[] = {"Forwarded", "X-Forwarded-For", "X-Real-IP", "X-Forwarded-Proto",
                                        "X-Forwarded-Host", "X-Forwarded-Port"};
    wick_network range;
    wick_forwarded_config config = {.size = sizeof config, .trusted = &range, .trusted_count = 1};
    wick_network_parse(str("10.0.0.0/8"), &range);
    for (size_t round = 0; round < test_rounds(20000) && !test_failed(); round++) {
        static struct journey journey;
        wick_address peer = address_of(test_below(2) ? "11.0.0.1" : "::10.0.0.1");
        wick_forwarded with, without;
        memset(&journey, 0, sizeof journey);
        journey.rfc7239 = (int)test_below(2);
        make_up(&journey);
        for (size_t n = test_below(5); n > 0; n--)
            add_field(&journey, names[test_below(6)], test_below(2) ? "10.0.0.1" : "https");
        config.use = (uint8_t)test_below(3);
        memset(&with, 1, sizeof with);
        memset(&without, 2, sizeof without);
        wick_forwarded_read(&config, &peer, journey.fields, journey.count, &with);
        wick_forwarded_read(&config, &peer, NULL, 0, &without);
        CHECK(wick_address_equal(&with.address, &peer) && wick_address_equal(&without.address, &peer));
        CHECK(with.scheme.len + with.host.len + with.host_port + with.secure == 0);
        CHECK(with.address_source + with.scheme_source + with.host_source + with.port_source == 0);
        CHECK(with.end == WICK_FORWARDED_PEER && with.end == without.end && with.port == -1);
    }
}

/* ---- The rest -------------------------------------------------------------------------------------------- */

static int same_origin(const char *fields, const char *origin, const char *host)
{
    wick_network range;
    wick_forwarded_config config = {.size = sizeof config, .trusted = &range, .trusted_count = 1};
    wick_address peer = address_of("10.0.0.1");
    wick_http_header headers[3];
    char words[3][64];
    wick_forwarded forwarded;
    int n = sscanf(fields, "%63s %63s %63s", words[0], words[1], words[2]);
    static const char *const names[] = {"X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port"};
    for (int i = 0; i < 3; i++)
        headers[i] = (wick_http_header){str(names[i]), i < n && strcmp(words[i], "-") != 0 ? str(words[i]) : str("")};
    wick_network_parse(str("10.0.0.0/8"), &range);
    wick_forwarded_read(&config, &peer, headers, 3, &forwarded);
    return wick_forwarded_origin_is_same(&forwarded, str(origin), str(host));
}

static void origins(void)
{
    CHECK(same_origin("- - -", "http://app.example", "app.example"));
    CHECK(!same_origin("- - -", "http://app.example", "inner:8080"));
    CHECK(same_origin("https app.example -", "https://app.example", "inner:8080"));
    CHECK(same_origin("https APP.example -", "https://app.example:443", "inner:8080"));
    CHECK(!same_origin("https app.example -", "https://evil.example", "inner:8080"));
    CHECK(!same_origin("https app.example -", "https://inner:8080", "inner:8080"));
    CHECK(!same_origin("https - -", "http://app.example", "app.example"));
    CHECK(!same_origin("wss - -", "HTTP://app.example", "app.example"));
    CHECK(same_origin("http - -", "https://app.example", "app.example"));
    /* A port that Host has lost. */
    CHECK(same_origin("https - 8443", "https://app.example:8443", "app.example"));
    CHECK(!same_origin("https - 8443", "https://app.example:8444", "app.example"));
    CHECK(!same_origin("https - 8443", "https://evil.example:8443", "app.example"));
    CHECK(!same_origin("https - 8443", "https://app.example:8443/", "app.example"));
    CHECK(same_origin("https - 443", "https://app.example", "app.example:8080"));
    CHECK(same_origin("https app.example:1 -", "https://app.example:1", "x"));
    CHECK(!same_origin("- - -", "null", "app.example"));
    CHECK(!same_origin("- - 80", "null", "app.example"));
    CHECK(same_origin("- - 81", "http://[::1]:81", "[::1]"));
}

static void a_config_of_another_version_is_refused(void)
{
    wick_forwarded_config config = {.size = sizeof config + 1};
    wick_address peer = address_of("10.0.0.1");
    wick_forwarded forwarded;
    CHECK_STATUS(wick_forwarded_read(&config, &peer, NULL, 0, &forwarded), WICK_E_CONFIG);
    config.size = sizeof config;
    CHECK_STATUS(wick_forwarded_read(&config, &peer, NULL, 0, &forwarded), WICK_OK);
    config.use = 3;
    CHECK_STATUS(wick_forwarded_read(&config, &peer, NULL, 0, &forwarded), WICK_E_CONFIG);
    CHECK(is(wick_forwarded_source_name(99), "-"));
}

int main(void)
{
    RUN(the_vectors);
    RUN(no_lie_of_a_client_reaches_through_proxies);
    RUN(a_peer_that_is_not_trusted_changes_nothing);
    RUN(origins);
    RUN(a_config_of_another_version_is_refused);
    return test_end();
}
