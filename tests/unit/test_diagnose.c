/*
 * The diagnosis of request heads: those that real proxies passed on, new ones, and random changes to all of them against a
 * slow second implementation.
 */
#include "lib/vectors.h"
#include "oracle/diagnose.h"

#ifdef WICK_NO_DIAGNOSE
#define HAS_TEXTS 0
#else
#define HAS_TEXTS 1
#endif
#define FIELDS 64

static wick_http_header fields[FIELDS];
static wick_http_head head;
static wick_http_request request;

static int text_is(wick_str got, const char *want)
{
    return got.len == strlen(want) && memcmp(got.data, want, got.len) == 0;
}

/* ---- Captured heads -------------------------------------------------------------------------------------- */

static int read_vector(const test_vector *v)
{
    wick_status status;
    wick_http_head_init_request(&head, NULL, fields, FIELDS, 0);
    status = wick_http_head_feed(&head, v->input, v->input_len, 0);
    wick_http_head_request(&head, &request);
    if (status != WICK_OK)
        VECTOR_FAIL(v, "the head: %s", wick_status_name(status));
    return status == WICK_OK;
}

static unsigned heads_of_proxies;

static void check_captured(const test_vector *v)
{
    const char *proxy = test_vector_get(v, "proxy"), *cause = test_vector_get(v, "cause");
    const char *want = cause ? cause : test_vector_get(v, "rewritten") ? "HOST_REWRITTEN" : "";
    wick_diagnosis why;
    if (strcmp(v->file, "proxies.txt") != 0 || !proxy || !read_vector(v))
        return;
    heads_of_proxies++;
    wick_diagnose_request(&request, NULL, 0, &why);
    if (strcmp(wick_cause_name(why.cause), want) != 0)
        VECTOR_FAIL(v, "the cause is %s, want %s", wick_cause_name(why.cause), want);
    if (strcmp(wick_proxy_name(why.proxy), strcmp(proxy, "none") == 0 ? "" : proxy) != 0)
        VECTOR_FAIL(v, "the proxy is %s, want %s", wick_proxy_name(why.proxy), proxy);
}

static void captured_heads(void)
{
    test_vectors("handshake", check_captured);
    CHECK_INT(heads_of_proxies, 96);
}

/* ---- New heads ------------------------------------------------------------------------------------------- */

#define ROUTES 8

static const char *name_or_none(const char *name)
{
    return *name ? name : "none";
}

static void check_text(const test_vector *v, const char *key, const char *got)
{
    const char *want = test_vector_get(v, key);
    if (want && strcmp(got, want) != 0)
        VECTOR_FAIL(v, "%s is %s, want %s", key, got, want);
}

/* The hint into memory that ends at an unreadable page; every smaller size is refused and asks for this one. */
static void check_hint(const test_vector *v, const wick_diagnosis *why)
{
    const char *want = test_vector_get(v, "hint");
    size_t need = 0, again = 0, len = 0;
    if (why->hint.len == 0) {
        if (HAS_TEXTS && why->cause != WICK_CAUSE_NONE)
            VECTOR_FAIL(v, "%s", "there is no hint");
        return;
    }
    if (!HAS_TEXTS)
        VECTOR_FAIL(v, "%s", "there is a hint");
    CHECK_STATUS(wick_diagnose_hint_write(why, NULL, 0, &need), WICK_E_SPACE);
    char *out = (char *)test_guard_back(NULL, need);
    CHECK_STATUS(wick_diagnose_hint_write(why, out, need - 1, &again), WICK_E_SPACE);
    CHECK_STATUS(wick_diagnose_hint_write(why, out, need, &len), WICK_OK);
    CHECK(again == need && len == need);
    if (memmem(out, len, "{prefix}", 8) || (want && !memmem(out, len, want, strlen(want))))
        VECTOR_FAIL(v, "the hint is %.*s", (int)len, out);
    test_unguard((uint8_t *)out, need);
}

static void check_new(const test_vector *v)
{
    static wick_http_route routes[ROUTES];
    static char text[256];
    const char *list = test_vector_get(v, "routes"), *prefix = test_vector_get(v, "prefix");
    size_t count = 0;
    wick_diagnosis why;
    if (!read_vector(v))
        return;
    snprintf(text, sizeof text, "%s", list ? list : "");
    memset(routes, 0, sizeof routes);
    for (char *word = strtok(text, " "); word && count < ROUTES; word = strtok(NULL, " "))
        routes[count++].pattern = (wick_str){word, strlen(word)};
    wick_diagnose_request(&request, routes, count, &why);
    check_text(v, "cause", name_or_none(wick_cause_name(why.cause)));
    check_text(v, "proxy", name_or_none(wick_proxy_name(why.proxy)));
    if (!text_is(why.detail, wick_cause_text(why.cause)) && !why.misspelt)
        VECTOR_FAIL(v, "the detail is %.*s", (int)why.detail.len, why.detail.data);
    if (!text_is(why.prefix, prefix ? prefix : ""))
        VECTOR_FAIL(v, "the prefix is %.*s", (int)why.prefix.len, why.prefix.data);
    if (why.kept != test_vector_number(v, "kept", 0))
        VECTOR_FAIL(v, "kept is %d", why.kept);
    check_hint(v, &why);
}

static void new_heads(void)
{
    test_vectors("diagnose", check_new);
}

/* ---- Against the oracle ---------------------------------------------------------------------------------- */

#define TEXT 40000

static char text_room[TEXT];
static size_t text_used;

/* A copy of a text that lives as long as the round. */
static wick_str keep(const char *data, size_t len)
{
    wick_str s = {text_room + text_used, len};
    if (text_used + len > TEXT) {
        test_fail(__FILE__, __LINE__, "%s", "no room");
        s.len = 0;
        return s;
    }
    memcpy(text_room + text_used, data, len);
    text_used += len;
    return s;
}

static wick_str one_of(const char *const *list, size_t count)
{
    const char *text = list[test_below(count)];
    return keep(text, strlen(text));
}
#define ONE_OF(list) one_of(list, sizeof list / sizeof *list)

static const char *const some_names[] = {
    "Host", "host", "Connection", "connection", "Upgrade", "upgrade", "Origin", "origin", "Sec-WebSocket-Key",
    "Sec-Websocket-Key", "sec-websocket-key", "Sec-WebSocket-Version", "X-Forwarded-For", "x-forwarded-for",
    "X-Forwarded-Host", "X-Forwarded-Server", "X-Forwarded-Scheme", "X-Forwarded-", "X-Real-IP", "X-Real-Ip",
    "X-Scheme", "X-Request-ID", "X-Varnish", "x-varnish", "X-Host", "Via", "via", "CF-Ray", "X-Amzn-Trace-Id",
    "X-Envoy-Attempt-Count", "x-envoy-a", "X-Envoy-", "Forwarded", "User-Agent", "user-agent", "Accept-Encoding",
    "Accept", "Content-Length", "A", "Zz"};
static const char *const some_values[] = {
    "", "close", "upgrade", "Upgrade", "keep-alive, Upgrade", "close, upgrade", "websocket", "WebSocket", "websockets",
    "h2c, websocket", "web-socket", "ws", "h2c", "\"upgrade\"", "\"a,upgrade", "\"\\", ",", "a.example", "a.example:80", "b",
    "127.0.0.1:9000", "[::1]:1", "b.svc", "a.example, b", "https://a.example", "https://a.example:8443", "http://b",
    "null", "://", "http://", "host=a.example", "for=1;host=\"a.example:8443\", for=2", "host", "1.1 x (squid/5.7)",
    "1.1 cache (Varnish/7.1), 1.1 Caddy", "1.1 Caddy", "gzip", "node", "Dart/3.5", "Go-http-client/1.1", "Mozilla/5.0",
    "undici/6", "web_socket"};

static void change_name_case(wick_http_header *field)
{
    size_t kind = test_below(3);
    char *name = (char *)(uintptr_t)keep(field->name.data, field->name.len).data;
    for (size_t i = 0; i < field->name.len; i++)
        if (kind < 2 && ((name[i] >= 'A' && name[i] <= 'Z') || (kind == 1 && name[i] >= 'a' && name[i] <= 'z')))
            name[i] = (char)(name[i] ^ 0x20);
    field->name.data = name;
}

/* One change of the kind that proxies, clients and attackers make. */
static void mutate(size_t *count)
{
    size_t at = test_below(*count + 1), with;
    switch (test_below(9)) {
    case 0: /* a field goes */
        if (at < *count) {
            memmove(fields + at, fields + at + 1, (*count - at - 1) * sizeof *fields);
            --*count;
        }
        break;
    case 1: /* a field comes */
    case 2:
        if (*count < FIELDS) {
            memmove(fields + at + 1, fields + at, (*count - at) * sizeof *fields);
            fields[at] = (wick_http_header){ONE_OF(some_names), ONE_OF(some_values)};
            ++*count;
        }
        break;
    case 3: /* two fields change places */
        if (*count) {
            at = test_below(*count);
            with = test_below(*count);
            wick_http_header field = fields[at];
            fields[at] = fields[with];
            fields[with] = field;
        }
        break;
    case 4: /* another value */
        if (at < *count)
            fields[at].value = ONE_OF(some_values);
        break;
    case 5: /* another name */
        if (at < *count)
            fields[at].name = ONE_OF(some_names);
        break;
    case 6: /* another spelling, of one or of all */
        for (with = 0; with < *count; with++)
            if (with == at || at == *count)
                change_name_case(&fields[with]);
        break;
    case 7: /* all in lower case */
        for (with = 0; with < *count; with++) {
            wick_str name = keep(fields[with].name.data, fields[with].name.len);
            for (size_t i = 0; i < name.len; i++)
                if (name.data[i] >= 'A' && name.data[i] <= 'Z')
                    ((char *)(uintptr_t)name.data)[i] |= 0x20;
            fields[with].name = name;
        }
        break;
    default:
        request.version = test_below(3) ? 11 : test_below(3) ? 10 : 20;
        break;
    }
}

static void compare(const test_vector *v)
{
    int misspelt;
    wick_diagnosis why;
    wick_diagnose_request(&request, NULL, 0, &why);
    wick_cause cause = oracle_diagnose_upgrade(&request, &misspelt), origin = oracle_diagnose_origin(&request);
    wick_proxy proxy = oracle_diagnose_proxy(&request);
    if (wick_diagnose_upgrade(&request) != cause || why.misspelt != misspelt)
        VECTOR_FAIL(v, "the upgrade is %s %d, want %s %d", wick_cause_name(wick_diagnose_upgrade(&request)),
                    why.misspelt, wick_cause_name(cause), misspelt);
    if (wick_diagnose_proxy(&request) != proxy || why.proxy != proxy)
        VECTOR_FAIL(v, "the proxy is %s, want %s", wick_proxy_name(why.proxy), wick_proxy_name(proxy));
    if (wick_diagnose_origin(&request) != origin)
        VECTOR_FAIL(v, "the origin is %s, want %s", wick_cause_name(wick_diagnose_origin(&request)),
                    wick_cause_name(origin));
    if (why.cause != (cause == WICK_CAUSE_NONE ? origin : cause))
        VECTOR_FAIL(v, "the cause is %s", wick_cause_name(why.cause));
}

static unsigned proxies_seen, causes_seen;

/* A head, and what becomes of it in some steps; each step is compared. */
static void check_changed(const test_vector *v)
{
    if (!read_vector(v))
        return;
    wick_http_request whole = request;
    static wick_http_header first[FIELDS];
    memcpy(first, fields, sizeof first);
    for (size_t round = test_rounds(60); round > 0 && !test_failed(); round--) {
        size_t count = whole.header_count;
        memcpy(fields, first, sizeof first);
        request = whole;
        text_used = 0;
        for (size_t step = 0; step < 12 && !test_failed(); step++) {
            request.header_count = count;
            compare(v);
            proxies_seen |= 1u << wick_diagnose_proxy(&request);
            causes_seen |= 1u << wick_diagnose_upgrade(&request) | 1u << wick_diagnose_origin(&request);
            mutate(&count);
            if (test_failed())
                for (size_t i = 0; i < request.header_count; i++)
                    fprintf(stderr, "%.*s: %.*s\n", (int)fields[i].name.len, fields[i].name.data,
                            (int)fields[i].value.len, fields[i].value.data);
        }
    }
}

static void changed_heads_agree_with_the_oracle(void)
{
    test_vectors("diagnose", check_changed);
    test_vectors("handshake", check_changed);
    CHECK_INT(proxies_seen, (1u << WICK_PROXY_COUNT) - 1);
    CHECK_INT(causes_seen, ((1u << WICK_CAUSE_COUNT) - 1) & ~(1u << WICK_CAUSE_PATH_CHANGED));
}

/* Paths and patterns of few segments, so that they often are the same. */
static wick_str random_path(const char *const *segments, size_t count, char *out)
{
    size_t len = 0;
    for (size_t n = 1 + test_below(test_below(4) ? 4 : 11); n > 0; n--) {
        const char *segment = segments[test_below(count)];
        len += (size_t)sprintf(out + len, "/%s", segment);
    }
    if (test_below(6) == 0)
        out[len++] = '/';
    return (wick_str){out, len};
}

static void changed_paths_agree_with_the_oracle(void)
{
    static const char *const plain[] = {"a", "a", "b", "%61", "%", "", "*", "{x}"};
    static const char *const pattern[] = {"a", "a", "b", "{x}", "*", ""};
    unsigned found[2] = {0, 0};
    for (size_t round = test_rounds(200000); round > 0 && !test_failed(); round--) {
        char text[4][64];
        wick_http_route routes[3] = {{{NULL, 0}, {"", 0}, 0, 0}};
        wick_diagnosis why;
        size_t count = test_below(4), route, len;
        int kept = 0;
        wick_str path = random_path(plain, 8, text[3]);
        for (size_t i = 0; i < count; i++)
            routes[i].pattern = random_path(pattern, 6, text[i]);
        len = oracle_diagnose_path(path, routes, count, &kept, &route);
        wick_cause cause = wick_diagnose_path(path, routes, count, &why);
        CHECK(cause == why.cause && (cause == WICK_CAUSE_PATH_CHANGED) == (len > 0));
        if (len == 0)
            continue;
        found[kept]++;
        CHECK_INT(why.kept, kept);
        CHECK_INT(why.prefix.len, len);
        CHECK(why.prefix.data == (kept ? path.data : routes[route].pattern.data));
    }
    CHECK(found[0] > 100 && found[1] > 100);
}

/* ---- Tables ---------------------------------------------------------------------------------------------- */

/* Every cause has a sentence, and with every proxy a hint; none if they are left out. */
static void texts_are_there_or_not(void)
{
    for (int i = WICK_CAUSE_NONE + 1; i < WICK_CAUSE_COUNT; i++) {
        CHECK_INT(*wick_cause_text((wick_cause)i) != 0, HAS_TEXTS);
        CHECK(*wick_cause_name((wick_cause)i) != 0);
        for (int k = WICK_PROXY_NONE; k < WICK_PROXY_COUNT; k++) {
            wick_diagnosis why = {(wick_cause)i, (wick_proxy)k, WICK_STR(""), WICK_STR(""), WICK_STR("/a"), 0, 0};
            for (int flags = 0; flags < 4; flags++) {
                why.kept = (uint8_t)(flags & 1);
                why.misspelt = (uint8_t)(flags >> 1);
                wick_diagnose_explain(&why);
                CHECK_INT(why.hint.len > 0, HAS_TEXTS);
                CHECK_INT(why.detail.len > 0, HAS_TEXTS);
            }
        }
    }
    CHECK(!HAS_TEXTS || text_is(wick_diagnose_hint(WICK_CAUSE_HOST_REWRITTEN, WICK_PROXY_APACHE),
                                "In Apache: ProxyPreserveHost On"));
}

static void names_are_found_again(void)
{
    for (int i = WICK_CAUSE_NONE; i < WICK_CAUSE_COUNT; i++) {
        const char *name = wick_cause_name((wick_cause)i);
        CHECK_INT(wick_cause_find((wick_str){name, strlen(name)}), i);
    }
    for (int i = WICK_PROXY_NONE; i < WICK_PROXY_COUNT; i++) {
        const char *name = wick_proxy_name((wick_proxy)i);
        CHECK_INT(wick_proxy_find((wick_str){name, strlen(name)}), i);
    }
    CHECK(strcmp(wick_cause_name(WICK_CAUSE_COUNT), "") == 0 && strcmp(wick_proxy_name((wick_proxy)-1), "") == 0);
    CHECK(text_is(wick_diagnose_hint(WICK_CAUSE_NONE, WICK_PROXY_NGINX), ""));
    CHECK(text_is(wick_diagnose_hint(WICK_CAUSE_COUNT, WICK_PROXY_NGINX), ""));
}

int main(void)
{
    RUN(captured_heads);
    RUN(new_heads);
    RUN(changed_heads_agree_with_the_oracle);
    RUN(changed_paths_agree_with_the_oracle);
    RUN(texts_are_there_or_not);
    RUN(names_are_found_again);
    return test_end();
}
