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
    if (!proxy || !read_vector(v))
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
    RUN(names_are_found_again);
    return test_end();
}
