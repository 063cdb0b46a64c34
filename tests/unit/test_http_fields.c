/*
 * Fields, lists, parameters, URLs, cookies, tokens, origins: each helper alone, texts flush against an unreadable page.
 */
#include "lib/test.h"
#include "wick/http.h"

#include <ctype.h>

static wick_str str(const char *text)
{
    wick_str s = {text, strlen(text)};
    return s;
}

static int is(wick_str got, const char *want)
{
    return got.len == strlen(want) && memcmp(got.data, want, got.len) == 0;
}

/* A text that ends at an unreadable page. */
static wick_str guarded(const char *text)
{
    wick_str s = {(const char *)test_guard_back(text, strlen(text)), strlen(text)};
    return s;
}

static void free_guarded(wick_str s)
{
    test_unguard((uint8_t *)(uintptr_t)s.data, s.len);
}

/* ---- Characters ------------------------------------------------------------------------------------------ */

static void comparison_folds_ascii_letters_alone(void)
{
    for (int a = 0; a < 256; a++) {
        for (int b = 0; b < 256; b++) {
            char x = (char)a, y = (char)b;
            int want = a == b || (a < 128 && b < 128 && isalpha(a) && isalpha(b) && (a | 32) == (b | 32));
            CHECK(wick_http_equal((wick_str){&x, 1}, (wick_str){&y, 1}) == want);
        }
    }
    CHECK(!wick_http_equal(str("ab"), str("abc")));
    CHECK(wick_http_equal(str(""), str("")));
}

static void tokens_and_values(void)
{
    static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (int c = 0; c < 256; c++) {
        char x = (char)c;
        wick_str one = {&x, 1};
        CHECK(wick_http_is_token(one) == (c != 0 && strchr(token, c) != NULL));
        CHECK(wick_http_is_value(one) == ((c > 0x20 && c < 0x7f) || c >= 0x80));
    }
    CHECK(!wick_http_is_token(str("")));
    CHECK(wick_http_is_value(str("")));
    CHECK(wick_http_is_value(str("a\t b")));
    CHECK(!wick_http_is_value(str("a ")));
    CHECK(!wick_http_is_value(str("\ta")));
    CHECK(!wick_http_is_value((wick_str){"a\0b", 3}));
}

/* ---- Lists ----------------------------------------------------------------------------------------------- */

static void check_list(const char *text, const char *want)
{
    wick_str rest = guarded(text), whole = rest, element;
    char got[256] = "";
    while (wick_http_list_next(&rest, &element))
        snprintf(got + strlen(got), sizeof got - strlen(got), "<%.*s>", (int)element.len, element.data);
    if (strcmp(got, want) != 0)
        test_fail(__FILE__, __LINE__, "%s parts as %s, want %s", text, got, want);
    free_guarded(whole);
}

static void lists_part_at_commas(void)
{
    check_list("a", "<a>");
    check_list("a,b , c\t,\td", "<a><b><c><d>");
    check_list(",, ,a,,b,", "<a><b>");
    check_list(" ", "");
    check_list(",", "");
    check_list("a b", "<a b>");
    check_list("\"a,b\",c", "<\"a,b\"><c>");
    check_list("\"a\\\",b\",c", "<\"a\\\",b\"><c>");
    check_list("\"a,b", "<\"a,b>");
    check_list("\"a\\", "<\"a\\>");
    check_list("a\\,b", "<a\\><b>");
}

static void elements_go_on_over_fields(void)
{
    const wick_http_header list[] = {{str("A"), str("1, 2")}, {str("B"), str("x")}, {str("a"), str(",")},
                                     {str("a"), str("3")},    {str("c"), str("y")}};
    wick_http_elements elements;
    wick_str element;
    wick_http_elements_init(&elements, list, 5, str("a"));
    CHECK(wick_http_elements_next(&elements, &element) && is(element, "1"));
    CHECK(wick_http_elements_next(&elements, &element) && is(element, "2"));
    CHECK(wick_http_elements_next(&elements, &element) && is(element, "3"));
    CHECK(!wick_http_elements_next(&elements, &element));
    CHECK(!wick_http_elements_next(&elements, &element));
    CHECK(wick_http_has_token(list, 5, str("A"), str("3")));
    CHECK(wick_http_has_token(list, 5, str("B"), str("X")));
    CHECK(!wick_http_has_token(list, 5, str("B"), str("3")));
    CHECK(!wick_http_has_token(list, 0, str("A"), str("1")));
    CHECK_INT(wick_http_find(list, 5, str("A"), &element), 3);
    CHECK(is(element, "1, 2"));
    CHECK_INT(wick_http_find(list, 5, str("d"), &element), 0);
    CHECK_INT(element.len, 0);
    CHECK_INT(wick_http_find(list, 5, str("c"), NULL), 1);
}

static void check_parameters(const char *text, const char *want)
{
    wick_str rest = guarded(text), whole = rest, name, value;
    char got[256] = "";
    int more;
    while ((more = wick_http_parameter_next(&rest, &name, &value)) > 0)
        snprintf(got + strlen(got), sizeof got - strlen(got), value.data ? "<%.*s=%.*s>" : "<%.*s>", (int)name.len,
                 name.data, (int)value.len, value.data);
    if (more < 0)
        strcat(got, "!");
    if (strcmp(got, want) != 0)
        test_fail(__FILE__, __LINE__, "%s has %s, want %s", text, got, want);
    if (more < 0)
        CHECK_INT(wick_http_parameter_next(&rest, &name, &value), 0);
    free_guarded(whole);
}

static void parameters_part_at_semicolons(void)
{
    check_parameters("permessage-deflate", "<permessage-deflate>");
    check_parameters("a; b; c=1 ;d = 2", "<a><b><c=1><d=2>");
    check_parameters("a;b=\"x;y\"", "<a><b=x;y>");
    check_parameters("a;b=\"x\\\"y\"", "<a><b=x\\\"y>");
    check_parameters("a;b=\"\"", "<a><b=>");
    check_parameters("", "");
    check_parameters("a;", "!");
    check_parameters("a; ", "<a>!");
    check_parameters(";a", "!");
    check_parameters("a;;b", "<a>!");
    check_parameters("a;=1", "<a>!");
    check_parameters("a;b=", "<a>!");
    check_parameters("a;b=\"x", "<a>!");
    check_parameters("a;b=\"x\"y", "<a>!");
    check_parameters("a;b=\"x;", "<a>!");
    check_parameters("a;b=c d", "<a>!");
    check_parameters("a b", "!");
    check_parameters("a;b==c", "<a>!");
}

/* ---- URLs ------------------------------------------------------------------------------------------------ */

static void check_url(const char *text, const char *want)
{
    wick_str s = guarded(text);
    wick_url u;
    char got[256] = "bad";
    if (wick_url_split(s, &u) == WICK_OK)
        snprintf(got, sizeof got, "%.*s|%.*s|%.*s|%u|%.*s|%.*s|%d", (int)u.scheme.len, u.scheme.data,
                 (int)u.authority.len, u.authority.data, (int)u.host.len, u.host.data, u.port, (int)u.path.len,
                 u.path.data, (int)u.query.len, u.query.data, u.secure);
    if (strcmp(got, want) != 0)
        test_fail(__FILE__, __LINE__, "%s is %s, want %s", text, got, want);
    free_guarded(s);
}

static void urls_are_split(void)
{
    check_url("ws://a", "ws|a|a|80|/||0");
    check_url("wss://a", "wss|a|a|443|/||1");
    check_url("WSS://A.example:8443/x/y?z=1?2", "WSS|A.example:8443|A.example|8443|/x/y|z=1?2|1");
    check_url("http://[::1]:8080/", "http|[::1]:8080|::1|8080|/||0");
    check_url("https://127.0.0.1?q", "https|127.0.0.1|127.0.0.1|443|/|q|1");
    check_url("ws://a:/", "ws|a:|a|80|/||0");
    check_url("ws://a/%41|{}", "ws|a|a|80|/%41|{}||0");
    check_url("", "bad");
    check_url("ws", "bad");
    check_url("ws:", "bad");
    check_url("ws:/a", "bad");
    check_url("ws://", "bad");
    check_url("ws:///x", "bad");
    check_url("ws://?x", "bad");
    check_url("ws://a#x", "bad");
    check_url("ws://a/#", "bad");
    check_url("ws://u@a", "bad");
    check_url("ws://u:p@a/", "bad");
    check_url("ws://a b/", "bad");
    check_url("ws://a/ b", "bad");
    check_url("ws://a/\r\n", "bad");
    check_url("ws://a/\xc3\xa4", "bad");
    check_url("ws://a:0", "bad");
    check_url("ws://a:65536", "bad");
    check_url("ws://a:x", "bad");
    check_url("ws://[::1", "bad");
    check_url("ws://[::g]", "bad");
    check_url("ws://::1/", "bad");
    check_url("ftp://a/", "bad");
    check_url("wsx://a/", "bad");
    check_url("//a/", "bad");
}

static void ipv6_addresses_are_checked(void)
{
    static const char *const good[] = {"[::]", "[::1]", "[1::]", "[1::8]", "[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7::]",
                                       "[::2:3:4:5:6:7:8]", "[1:2:3:4:5:6:1.2.3.4]", "[::1.2.3.4]", "[1::1.2.3.4]",
                                       "[::ffff:255.255.255.255]", "[ABCD:ef01::]"};
    static const char *const bad[] = {"[]", "[:]", "[:::]", "[1]", "[1:2:3:4:5:6:7]", "[1:2:3:4:5:6:7:8:9]", "[12345::]",
                                      "[1:2:3:4:5:6:7:8::]", "[::1:2:3:4:5:6:7:8]", "[1::2::3]", "[:1::2]", "[1::2:]",
                                      "[1.2.3.4]", "[::1.2.3]", "[::1.2.3.4.5]", "[::1.2.3.256]", "[::01.2.3.4]",
                                      "[1:2:3:4:5:6:7:1.2.3.4]", "[::1.2.3.4:1]", "[v1.x]", "[::1]]", "[fe80::1%lo]"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (wick_url_split_authority(str(good[i]), NULL, NULL) != WICK_OK)
            test_fail(__FILE__, __LINE__, "%s is refused", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (wick_url_split_authority(str(bad[i]), NULL, NULL) == WICK_OK)
            test_fail(__FILE__, __LINE__, "%s is accepted", bad[i]);
}

static void percent_encoding_is_undone(void)
{
    char out[16];
    size_t len;
    CHECK_STATUS(wick_url_decode(str("a%20b+c%2f%00"), 0, out, sizeof out, &len), WICK_OK);
    CHECK(len == 7 && memcmp(out, "a b+c/\0", 7) == 0);
    CHECK_STATUS(wick_url_decode(str("a%20b+c"), 1, out, sizeof out, &len), WICK_OK);
    CHECK(len == 5 && memcmp(out, "a b c", 5) == 0);
    CHECK_STATUS(wick_url_decode(str("%"), 0, out, sizeof out, &len), WICK_E_URL);
    CHECK_STATUS(wick_url_decode(str("%4"), 0, out, sizeof out, &len), WICK_E_URL);
    CHECK_STATUS(wick_url_decode(str("%4g"), 0, out, sizeof out, &len), WICK_E_URL);
    CHECK_STATUS(wick_url_decode(str("abc"), 0, out, 2, &len), WICK_E_SPACE);
    CHECK_STATUS(wick_url_decode(str(""), 0, NULL, 0, &len), WICK_OK);
    char place[] = "%41%42c";
    CHECK_STATUS(wick_url_decode(str(place), 0, place, sizeof place, &len), WICK_OK);
    CHECK(len == 3 && memcmp(place, "ABc", 3) == 0);
}

static void query_parameters_are_found(void)
{
    wick_str value;
    CHECK_INT(wick_url_query_find(str("a=1&b=2&a=3"), str("a"), &value), 2);
    CHECK(is(value, "1"));
    CHECK_INT(wick_url_query_find(str("a=1&b=2=3"), str("b"), &value), 1);
    CHECK(is(value, "2=3"));
    CHECK_INT(wick_url_query_find(str("%61%2Bb=x"), str("a+b"), &value), 1);
    CHECK(is(value, "x"));
    CHECK_INT(wick_url_query_find(str("flag&c=d"), str("flag"), &value), 1);
    CHECK_INT(value.len, 0);
    CHECK_INT(wick_url_query_find(str("ab=1&=2&&%=3"), str("a"), &value), 0);
    CHECK_INT(wick_url_query_find(str("=2"), str(""), NULL), 1);
    CHECK_INT(wick_url_query_find(str(""), str("a"), &value), 0);
}

/* ---- Credentials ----------------------------------------------------------------------------------------- */

static void cookies_are_found(void)
{
    const wick_http_header list[] = {{str("Cookie"), str("a=1; session_token=\"x y\" ;b=2")},
                                     {str("cookie"), str("c=3=4;d;e=")}};
    wick_str value;
    CHECK(wick_http_cookie(list, 2, str("a"), &value) && is(value, "1"));
    CHECK(wick_http_cookie(list, 2, str("session_token"), &value) && is(value, "x y"));
    CHECK(wick_http_cookie(list, 2, str("b"), &value) && is(value, "2"));
    CHECK(wick_http_cookie(list, 2, str("c"), &value) && is(value, "3=4"));
    CHECK(wick_http_cookie(list, 2, str("e"), &value) && is(value, ""));
    CHECK(!wick_http_cookie(list, 2, str("d"), &value));
    CHECK(!wick_http_cookie(list, 2, str("A"), &value));
    CHECK(!wick_http_cookie(list, 2, str("token"), &value));
}

static int bearer_of(const char *authorization, wick_str *token)
{
    wick_http_header one = {WICK_STR("authorization"), str(authorization)};
    return wick_http_bearer(&one, 1, token);
}

static void bearer_tokens_are_found(void)
{
    const wick_http_header two[] = {{str("Authorization"), str("Bearer a")}, {str("Authorization"), str("Bearer a")}};
    wick_str token;
    CHECK(bearer_of("Bearer abc.DEF-_~+/==", &token) == 1 && is(token, "abc.DEF-_~+/=="));
    CHECK(bearer_of("bEARER   x", &token) == 1 && is(token, "x"));
    CHECK_INT(bearer_of("Basic abc", &token), 0);
    CHECK_INT(bearer_of("Bearer", &token), -1);
    CHECK_INT(bearer_of("Bearer a b", &token), -1);
    CHECK_INT(bearer_of("Bearer =", &token), -1);
    CHECK_INT(bearer_of("Bearer a,b", &token), -1);
    CHECK_INT(bearer_of("Bearerx a", &token), 0);
    CHECK_INT(wick_http_bearer(two, 2, &token), -1);
    CHECK_INT(wick_http_bearer(two, 0, &token), 0);
    CHECK_INT(token.len, 0);
}

static void the_host_of_a_request(void)
{
    const wick_http_header list[] = {{str("host"), str("a:1")}, {str("Host"), str("b")}, {str("HOST"), str("/")}};
    wick_http_request request = {0};
    wick_str host;
    request.version = 11;
    request.headers = list;
    request.header_count = 1;
    CHECK_STATUS(wick_http_host(&request, &host), WICK_OK);
    CHECK(is(host, "a:1"));
    request.authority = str("c");
    CHECK_STATUS(wick_http_host(&request, &host), WICK_OK);
    CHECK(is(host, "c"));
    request.header_count = 2;
    CHECK_STATUS(wick_http_host(&request, &host), WICK_E_HTTP_HOST);
    request.headers = list + 2;
    request.header_count = 1;
    CHECK_STATUS(wick_http_host(&request, &host), WICK_E_HTTP_HOST);
    request.header_count = 0;
    CHECK_STATUS(wick_http_host(&request, &host), WICK_E_HTTP_HOST);
    request.version = 20;
    CHECK_STATUS(wick_http_host(&request, &host), WICK_OK);
    request.version = 10;
    request.authority = str("");
    CHECK_STATUS(wick_http_host(&request, &host), WICK_OK);
    CHECK_INT(host.len, 0);
}

/* ---- Origins --------------------------------------------------------------------------------------------- */

static void origins_that_are_the_same(void)
{
    static const char *const same[][2] = {{"http://a", "a"},
                                          {"http://a", "a:80"},
                                          {"http://a:80", "a"},
                                          {"https://a", "a:443"},
                                          {"https://A:443", "a"},
                                          {"http://[::1]:8080", "[::1]:8080"},
                                          {"HTTP://EXAMPLE.com", "example.COM"},
                                          {"x://a:1", "a:1"}};
    static const char *const other[][2] = {{"http://a", "b"},       {"http://a", "a:443"},  {"https://a", "a:80"},
                                           {"http://a:81", "a"},    {"http://a", "a:81"},   {"null", "null"},
                                           {"", ""},                {"http://", ""},        {"a", "a"},
                                           {"http://a/", "a"},      {"http://u@a", "a"},    {"http://a.b", "a"},
                                           {"http://a", "a, b"},    {"://a", "a"},          {"http://a http://a", "a"},
                                           {"http://[::1]", "::1"}, {"http://a", ""}};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        if (!wick_http_origin_is_same(str(same[i][0]), str(same[i][1])))
            test_fail(__FILE__, __LINE__, "%s and %s", same[i][0], same[i][1]);
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        if (wick_http_origin_is_same(str(other[i][0]), str(other[i][1])))
            test_fail(__FILE__, __LINE__, "%s and %s", other[i][0], other[i][1]);
}

static int listed(const char *origin, const char *entry)
{
    wick_str list[2] = {WICK_STR("https://never.example"), str(entry)};
    return wick_http_origin_is_listed(str(origin), list, 2);
}

static void origins_on_a_list(void)
{
    CHECK(listed("https://app.example", "https://app.example"));
    CHECK(listed("https://APP.example:443", "https://app.EXAMPLE"));
    CHECK(listed("http://localhost:3000", "http://localhost:3000"));
    CHECK(listed("null", "null"));
    CHECK(listed("anything", "*"));
    CHECK(listed("https://a.b.example.com", "https://*.example.com"));
    CHECK(!listed("https://example.com", "https://*.example.com"));
    CHECK(!listed("https://evilexample.com", "https://*.example.com"));
    CHECK(!listed("http://a.example.com", "https://*.example.com"));
    CHECK(!listed("https://a.example.com:8443", "https://*.example.com"));
    CHECK(!listed("http://app.example", "https://app.example"));
    CHECK(!listed("https://app.example.evil.example", "https://app.example"));
    CHECK(!listed("https://app.example:444", "https://app.example"));
    CHECK(!listed("null", "https://app.example"));
    CHECK(!listed("", "https://app.example"));
    CHECK(!wick_http_origin_is_listed(str("https://a"), NULL, 0));
}

int main(void)
{
    RUN(comparison_folds_ascii_letters_alone);
    RUN(tokens_and_values);
    RUN(lists_part_at_commas);
    RUN(elements_go_on_over_fields);
    RUN(parameters_part_at_semicolons);
    RUN(urls_are_split);
    RUN(ipv6_addresses_are_checked);
    RUN(percent_encoding_is_undone);
    RUN(query_parameters_are_found);
    RUN(cookies_are_found);
    RUN(bearer_tokens_are_found);
    RUN(the_host_of_a_request);
    RUN(origins_that_are_the_same);
    RUN(origins_on_a_list);
    return test_end();
}
