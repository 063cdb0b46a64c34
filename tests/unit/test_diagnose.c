/*
 * The diagnosis of request heads: those that real proxies passed on, new ones, and random changes to all of them against a
 * slow second implementation.
 */
#include "lib/vectors.h"
#include "wick/diagnose.h"

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
        if (want || why->cause != WICK_CAUSE_NONE)
            VECTOR_FAIL(v, "%s", "there is no hint");
        return;
    }
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

/* ---- Tables ---------------------------------------------------------------------------------------------- */

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
    RUN(names_are_found_again);
    return test_end();
}
