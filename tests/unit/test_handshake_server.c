/*
 * The server's half of the opening handshake: vectors (the heads that real proxies pass on among them), the answers as
 * they go out, the rules for hosts that speak HTTP/2, the callbacks.
 */
#include "lib/vectors.h"
#include "wick/handshake.h"

#include <stdlib.h>

#define FIELDS 64

static wick_http_header fields[FIELDS];
static wick_http_head head;
static wick_http_request request;
static wick_handshake shake;

/* ---- Vectors --------------------------------------------------------------------------------------------- */

/* Part a value at its spaces, in place. */
static size_t words(char *text, wick_str *out, size_t cap)
{
    size_t n = 0;
    for (char *word = strtok(text, " "); word && n < cap; word = strtok(NULL, " "))
        out[n++] = (wick_str){word, strlen(word)};
    return n;
}

static int text_is(wick_str got, const char *want)
{
    return got.len == strlen(want) && memcmp(got.data, want, got.len) == 0;
}

static void check_value(const test_vector *v, const char *key, wick_str got)
{
    const char *want = test_vector_get(v, key);
    if (want && !text_is(got, want))
        VECTOR_FAIL(v, "%s is %.*s, want %s", key, (int)got.len, got.data, want);
}

static void check_proxy(const test_vector *v)
{
    const char *want = test_vector_get(v, "proxy");
    if (shake.http_status == 101)
        want = "";
    if (want && !text_is(shake.proxy, strcmp(want, "none") == 0 ? "" : want))
        VECTOR_FAIL(v, "the proxy is %.*s, want %s", (int)shake.proxy.len, shake.proxy.data, want);
}

static wick_status run_vector(const test_vector *v, const wick_handshake_server_config *config, size_t cut)
{
    wick_status status = WICK_MORE;
    wick_http_head_init_request(&head, NULL, fields, FIELDS, 0);
    if (cut)
        status = wick_http_head_feed(&head, v->input, cut, 0);
    if (status == WICK_MORE)
        status = wick_http_head_feed(&head, v->input, v->input_len, 0);
    wick_http_head_request(&head, &request);
    if (status != WICK_OK) {
        VECTOR_FAIL(v, "the head: %s", wick_status_name(status));
        return status;
    }
    return wick_handshake_check(config, &request, &shake);
}

/* The answer into memory that ends at an unreadable page; every smaller size is refused and asks for this one. */
static char *answer_of(const test_vector *v, size_t *len)
{
    size_t need = 0, again = 0;
    if (wick_handshake_write(&shake, &request, NULL, 0, NULL, 0, &need) != WICK_E_SPACE)
        VECTOR_FAIL(v, "%s", "no size was told");
    char *out = (char *)test_guard_back(NULL, need);
    CHECK_STATUS(wick_handshake_write(&shake, &request, NULL, 0, out, need - 1, &again), WICK_E_SPACE);
    CHECK(again == need);
    CHECK_STATUS(wick_handshake_write(&shake, &request, NULL, 0, out, need, len), WICK_OK);
    CHECK(*len == need);
    return out;
}

/* The answer is itself a head that this parser reads, and a refusal's body is as long as it says. */
static void check_answer(const test_vector *v, unsigned status)
{
    static wick_http_header answer_fields[FIELDS];
    static const char secret[] = "SECRET";
    wick_http_head answer_head;
    wick_http_response response;
    wick_str length;
    size_t len;
    char *out = answer_of(v, &len);
    wick_http_head_init_response(&answer_head, NULL, answer_fields, FIELDS, 0);
    wick_status result = wick_http_head_feed(&answer_head, (const uint8_t *)out, len, 0);
    wick_http_head_response(&answer_head, &response);
    size_t body = len - wick_http_head_length(&answer_head);
    if (result != WICK_OK || response.status != status)
        VECTOR_FAIL(v, "the answer is not a response: %.*s", (int)len, out);
    if (status == 101 && body != 0)
        VECTOR_FAIL(v, "%zu bytes behind the 101", body);
    if (status != 101 && wick_http_find(response.headers, response.header_count, WICK_STR("content-length"), &length) != 1)
        VECTOR_FAIL(v, "no length: %.*s", (int)len, out);
    if (status != 101 && !text_is(request.method, "HEAD") && strtoul(length.data, NULL, 10) != body)
        VECTOR_FAIL(v, "the length is not that of the body: %.*s", (int)len, out);
    if (memmem(out, len, secret, sizeof secret - 1))
        VECTOR_FAIL(v, "a secret got out: %.*s", (int)len, out);
    test_unguard((uint8_t *)out, len);
}

static void check_outcome(const test_vector *v, wick_status status)
{
    const char *want = test_vector_get(v, "want");
    unsigned http_status = 0;
    char code[64] = "", saw[512];
    size_t len = 0;
    if (!want || sscanf(want, "%u %63s", &http_status, code) < 1) {
        VECTOR_FAIL(v, "no %s", "want");
        return;
    }
    if ((status == WICK_OK) != (http_status == 101) || shake.http_status != http_status || !text_is(shake.code, code))
        VECTOR_FAIL(v, "%s: %u %.*s", wick_status_name(status), shake.http_status, (int)shake.code.len, shake.code.data);
    check_value(v, "accept", (wick_str){shake.accept, sizeof shake.accept});
    check_value(v, "protocol", shake.subprotocol);
    check_value(v, "cause", shake.cause);
    check_proxy(v);
    check_value(v, "extensions", (wick_str){shake.extensions, shake.extensions_len});
    CHECK_STATUS(wick_handshake_saw(&request, saw, sizeof saw, &len), WICK_OK);
    check_value(v, "saw", (wick_str){saw, len});
    check_answer(v, http_status);
}

static void check_vector(const test_vector *v)
{
    const char *policy = test_vector_get(v, "policy"), *text;
    char protocol_text[256], origin_text[256];
    wick_str protocols[8], origins[8];
    wick_handshake_server_config config = {0};
    config.size = sizeof config;
    if (policy)
        config.origin_policy = strcmp(policy, "any") == 0 ? WICK_ORIGIN_ANY : WICK_ORIGIN_LIST;
    text = test_vector_get(v, "protocols");
    snprintf(protocol_text, sizeof protocol_text, "%s", text ? text : "");
    config.subprotocols = protocols;
    config.subprotocol_count = words(protocol_text, protocols, 8);
    text = test_vector_get(v, "origins");
    snprintf(origin_text, sizeof origin_text, "%s", text ? text : "");
    config.origins = origins;
    config.origin_count = words(origin_text, origins, 8);
    config.require_subprotocol = test_vector_number(v, "require", 0) != 0;
    config.require_origin = test_vector_number(v, "require_origin", 0) != 0;
    check_outcome(v, run_vector(v, &config, 0));
    wick_handshake whole = shake;
    for (size_t cut = 1; cut < v->input_len && !test_failed(); cut++) {
        run_vector(v, &config, cut);
        if (whole.refusal != shake.refusal || whole.http_status != shake.http_status ||
            whole.subprotocol.data != shake.subprotocol.data ||
            (shake.http_status == 101 && memcmp(whole.accept, shake.accept, sizeof shake.accept) != 0))
            VECTOR_FAIL(v, "another outcome when cut at %zu", cut);
    }
}

static void vectors(void)
{
    test_vectors("handshake", check_vector);
}

/* ---- Requests made here ---------------------------------------------------------------------------------- */

#define GOOD_FIELDS \
    {WICK_STR("Host"), WICK_STR("a")}, {WICK_STR("Upgrade"), WICK_STR("websocket")}, \
    {WICK_STR("Connection"), WICK_STR("Upgrade")}, {WICK_STR("Sec-WebSocket-Version"), WICK_STR("13")}, \
    {WICK_STR("Sec-WebSocket-Key"), WICK_STR("dGhlIHNhbXBsZSBub25jZQ==")}
#define GOOD_COUNT 5

static wick_http_request request_of(const wick_http_header *headers, size_t count)
{
    wick_http_request r = {0};
    r.method = WICK_STR("GET");
    r.target = r.path = WICK_STR("/");
    r.version = 11;
    r.headers = headers;
    r.header_count = count;
    return r;
}

static wick_handshake_server_config plain_config(void)
{
    wick_handshake_server_config config = {0};
    config.size = sizeof config;
    return config;
}

static void a_101_is_this(void)
{
    static const char want[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nX-Served-By: wick\r\n\r\n";
    const wick_http_header good[] = {GOOD_FIELDS}, extra = {WICK_STR("X-Served-By"), WICK_STR("wick")};
    wick_handshake_server_config config = plain_config();
    char out[512];
    size_t len;
    request = request_of(good, GOOD_COUNT);
    CHECK_STATUS(wick_handshake_check(&config, &request, &shake), WICK_OK);
    CHECK_STATUS(wick_handshake_write(&shake, &request, NULL, 0, out, sizeof out, &len), WICK_OK);
    CHECK_INT(len, 129);
    CHECK_STATUS(wick_handshake_write(&shake, &request, &extra, 1, out, sizeof out, &len), WICK_OK);
    CHECK_INT(len, sizeof want - 1);
    CHECK_MEM(out, want, sizeof want - 1);
}

static void a_refusal_is_this(void)
{
    static const char want[] =
        "HTTP/1.1 426 Upgrade Required\r\nContent-Type: application/problem+json\r\nContent-Length: 293\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nConnection: Upgrade, close\r\nCache-Control: no-store\r\n\r\n"
        "{\"type\":\"about:blank\",\"title\":\"Upgrade Required\",\"status\":426,\"detail\":\"Sec-WebSocket-Version is not "
        "13.\",\"code\":\"UNSUPPORTED_WEBSOCKET_VERSION\",\"hint\":\"Send Sec-WebSocket-Version: 13 (RFC 6455).\","
        "\"saw\":\"http=1.1 upgrade=websocket connection=Upgrade host=a path=/ origin=- version=12 key=yes\"}";
    wick_http_header other[] = {GOOD_FIELDS};
    wick_handshake_server_config config = plain_config();
    char out[1024];
    size_t len;
    other[3].value = WICK_STR("12");
    request = request_of(other, GOOD_COUNT);
    CHECK_STATUS(wick_handshake_check(&config, &request, &shake), WICK_E_REFUSED);
    CHECK_STATUS(wick_handshake_write(&shake, &request, NULL, 0, out, sizeof out, &len), WICK_OK);
    if (len != sizeof want - 1 || memcmp(out, want, len) != 0)
        test_fail(__FILE__, __LINE__, "%.*s", (int)len, out);
}

/* What a proxy did stands in the document, and the prefix is put into the hint. */
static void a_refusal_tells_of_the_proxy(void)
{
#ifdef WICK_NO_DIAGNOSE
    static const char want[] = "\"code\":\"ROUTE_NOT_FOUND\",\"cause\":\"PATH_CHANGED\",\"proxy\":\"HAProxy\","
                               "\"hint\":\"Check the path, and that no proxy adds or strips a prefix.\",\"saw\":";
#else
    static const char want[] = "\"code\":\"ROUTE_NOT_FOUND\",\"cause\":\"PATH_CHANGED\",\"proxy\":\"HAProxy\","
                               "\"hint\":\"In HAProxy: http-request replace-path /app(/.*) \\\\1\",\"saw\":";
#endif
    const wick_http_header list[] = {{WICK_STR("host"), WICK_STR("a")}, {WICK_STR("x-forwarded-for"), WICK_STR("b")}};
    const wick_http_route routes[] = {{WICK_STR("/ws"), WICK_STR(""), 0, 0}};
    char out[1024];
    size_t len;
    request = request_of(list, 2);
    request.path = WICK_STR("/app/ws");
    wick_handshake_refuse(&shake, WICK_REFUSE_ROUTE_NOT_FOUND);
    wick_handshake_diagnose(&shake, &request, routes, 1);
    CHECK(text_is(shake.prefix, "/app"));
    CHECK_STATUS(wick_handshake_write(&shake, &request, NULL, 0, out, sizeof out, &len), WICK_OK);
    if (!memmem(out, len, want, sizeof want - 1))
        test_fail(__FILE__, __LINE__, "%.*s", (int)len, out);
    /* A route that is nothing like it: the hint of the refusal stays. */
    request.path = WICK_STR("/nope");
    wick_handshake_refuse(&shake, WICK_REFUSE_ROUTE_NOT_FOUND);
    wick_handshake hint = shake;
    wick_handshake_diagnose(&shake, &request, routes, 1);
    CHECK(text_is(shake.cause, "") && text_is(shake.prefix, "") && text_is(shake.proxy, "HAProxy"));
    CHECK(shake.hint.data == hint.hint.data && shake.detail.data == hint.detail.data);
    /* What is let in is not diagnosed. */
    shake.refusal = WICK_REFUSE_NONE;
    shake.proxy = WICK_STR("");
    wick_handshake_diagnose(&shake, &request, routes, 1);
    CHECK(text_is(shake.proxy, ""));
}

/* The longest prefix and hint fit into the room for them. */
static void the_longest_hint_fits(void)
{
    static char path[300];
    char out[2048];
    size_t len;
    const wick_http_route routes[] = {{WICK_STR("/ws"), WICK_STR(""), 0, 0}};
    const wick_http_header list[] = {{WICK_STR("Host"), WICK_STR("a")}};
    memset(path, 'x', sizeof path);
    path[0] = '/';
    memcpy(path + sizeof path - 3, "/ws", 3);
    request = request_of(list, 1);
    request.path = (wick_str){path, sizeof path};
    wick_handshake_refuse(&shake, WICK_REFUSE_ROUTE_NOT_FOUND);
    wick_handshake_diagnose(&shake, &request, routes, 1);
    CHECK_INT(shake.prefix.len, sizeof path - 3);
    for (int proxy = WICK_PROXY_NONE; proxy < WICK_PROXY_COUNT; proxy++) {
        wick_diagnosis why = {WICK_CAUSE_PATH_CHANGED, (wick_proxy)proxy, WICK_STR(""), WICK_STR(""), shake.prefix, 0, 0};
        for (why.kept = 0; why.kept <= 1; why.kept++) {
            wick_diagnose_explain(&why);
            shake.hint = why.hint.len ? why.hint : shake.hint;
            CHECK_STATUS(wick_handshake_write(&shake, &request, NULL, 0, out, sizeof out, &len), WICK_OK);
            CHECK(!memmem(out, len, "{prefix}", 8));
        }
    }
}

/* Every refusal can be written, also without a request, and carries what its status calls for. */
static void every_refusal_carries_its_fields(void)
{
    static const struct {
        unsigned status, or_status;
        const char *field;
    } must[] = {{401, 0, "\r\nWWW-Authenticate: Bearer\r\n"},
                {405, 0, "\r\nAllow: GET\r\n"},
                {426, 0, "\r\nSec-WebSocket-Version: 13\r\n"},
                {426, 0, "\r\nUpgrade: websocket\r\n"},
                {429, 503, "\r\nRetry-After: 7\r\n"}};
    char out[2048], code[80];
    size_t len;
    for (int i = 1; i < WICK_REFUSAL_COUNT; i++) {
        wick_handshake_refuse(&shake, (wick_refusal)i);
        shake.retry_after_s = 7;
        CHECK_STATUS(wick_handshake_write(&shake, NULL, NULL, 0, out, sizeof out - 1, &len), WICK_OK);
        out[len] = 0;
        /* What is not a WebSocket request is told what would be. */
        unsigned status = i == WICK_REFUSE_NOT_A_WEBSOCKET_REQUEST ? 426 : shake.http_status;
        for (size_t k = 0; k < sizeof must / sizeof *must; k++)
            CHECK((strstr(out, must[k].field) != NULL) == (must[k].status == status || must[k].or_status == status));
        snprintf(code, sizeof code, "\"code\":\"%.*s\"", (int)shake.code.len, shake.code.data);
        CHECK(strstr(out, code) != NULL);
        CHECK(strstr(out, "\"detail\":\"") && strstr(out, "\"hint\":\"") && strstr(out, "\"saw\":\"http=- "));
        CHECK(strstr(out, "\r\nContent-Type: application/problem+json\r\n") != NULL);
        CHECK(strstr(out, "close\r\n") != NULL);
    }
    wick_handshake_refuse(&shake, (wick_refusal)999);
    CHECK_INT(shake.http_status, 500);
}

static void an_error_of_the_head_becomes_its_refusal(void)
{
    static const struct {
        wick_status status;
        wick_refusal refusal;
    } rows[] = {{WICK_E_HTTP_FOLD, WICK_REFUSE_BAD_REQUEST},
                {WICK_E_HEAD_TIMEOUT, WICK_REFUSE_REQUEST_TIMEOUT},
                {WICK_E_BODY_TOO_BIG, WICK_REFUSE_PAYLOAD_TOO_LARGE},
                {WICK_E_LINE_TOO_LONG, WICK_REFUSE_URI_TOO_LONG},
                {WICK_E_TOO_MANY_FIELDS, WICK_REFUSE_HEAD_TOO_LARGE},
                {WICK_E_HTTP_TRANSFER_CODING, WICK_REFUSE_NOT_IMPLEMENTED},
                {WICK_E_MEMORY, WICK_REFUSE_INTERNAL},
                {WICK_E_CONFIG, WICK_REFUSE_INTERNAL},
                {WICK_E_RSV, WICK_REFUSE_BAD_REQUEST},
                {WICK_E_JSON_SYNTAX, WICK_REFUSE_BAD_REQUEST},
                {WICK_E_HTTP_VERSION, WICK_REFUSE_HTTP_VERSION_NOT_SUPPORTED}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        wick_handshake_refuse_status(&shake, rows[i].status);
        CHECK_INT(shake.refusal, rows[i].refusal);
        CHECK_INT(shake.http_status, wick_http_status_for(rows[i].status));
        CHECK(text_is(shake.detail, wick_status_text(rows[i].status)));
    }
}

static void fields_of_the_host_cannot_break_the_answer(void)
{
    const wick_http_header bad[] = {
        {WICK_STR("A"), WICK_STR("b\r\nC: d")}, {WICK_STR("A"), WICK_STR("b\nc")},     {WICK_STR("A b"), WICK_STR("c")},
        {WICK_STR(""), WICK_STR("c")},          {WICK_STR("A"), WICK_STR("\0")},       {WICK_STR("A"), WICK_STR(" b")},
        {WICK_STR("upgrade"), WICK_STR("x")},   {WICK_STR("Content-Length"), WICK_STR("0")},
        {WICK_STR("Connection"), WICK_STR("x")}, {WICK_STR("SEC-WEBSOCKET-PROTOCOL"), WICK_STR("x")}};
    const wick_http_header good[] = {GOOD_FIELDS};
    wick_handshake_server_config config = plain_config();
    char out[2048];
    size_t len;
    request = request_of(good, GOOD_COUNT);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_STATUS(wick_handshake_check(&config, &request, &shake), WICK_OK);
        CHECK_STATUS(wick_handshake_write(&shake, &request, &bad[i], 1, out, sizeof out, &len), WICK_E_ARG);
        CHECK_INT(len, 0);
        wick_handshake_refuse(&shake, WICK_REFUSE_AUTH_REQUIRED);
        CHECK_STATUS(wick_handshake_write(&shake, &request, &bad[i], 1, out, sizeof out, &len), WICK_E_ARG);
    }
}

static void head_has_no_body(void)
{
    char with[2048], without[2048];
    size_t with_len, without_len;
    request = request_of(NULL, 0);
    wick_handshake_refuse(&shake, WICK_REFUSE_METHOD_NOT_ALLOWED);
    CHECK_STATUS(wick_handshake_write(&shake, &request, NULL, 0, with, sizeof with, &with_len), WICK_OK);
    request.method = WICK_STR("HEAD");
    CHECK_STATUS(wick_handshake_write(&shake, &request, NULL, 0, without, sizeof without, &without_len), WICK_OK);
    CHECK(without_len < with_len);
    CHECK_MEM(with, without, without_len);
    CHECK_MEM(without + without_len - 4, "\r\n\r\n", 4);
}

/* ---- HTTP/2 and HTTP/3 ----------------------------------------------------------------------------------- */

static wick_http_request connect_request(const wick_http_header *headers, size_t count)
{
    wick_http_request r = request_of(headers, count);
    r.method = WICK_STR("CONNECT");
    r.scheme = WICK_STR("https");
    r.authority = WICK_STR("a.example");
    r.protocol = WICK_STR("websocket");
    r.version = 20;
    return r;
}

static void extended_connect(void)
{
    const wick_http_header list[] = {{WICK_STR("sec-websocket-version"), WICK_STR("13")},
                                     {WICK_STR("origin"), WICK_STR("https://a.example")},
                                     {WICK_STR("sec-websocket-protocol"), WICK_STR("chat")}};
    const wick_str chat = WICK_STR("chat");
    wick_handshake_server_config config = plain_config();
    char out[256];
    size_t len;
    config.subprotocols = &chat;
    config.subprotocol_count = 1;
    request = connect_request(list, 3);
    CHECK_STATUS(wick_handshake_check(&config, &request, &shake), WICK_OK);
    CHECK_INT(shake.http_status, 200);
    CHECK(text_is(shake.subprotocol, "chat"));
    CHECK_STATUS(wick_handshake_write(&shake, &request, NULL, 0, out, sizeof out, &len), WICK_E_STATE);
    request.version = 30;
    CHECK_STATUS(wick_handshake_check(&config, &request, &shake), WICK_OK);
    request.authority = WICK_STR("b.example");
    CHECK_STATUS(wick_handshake_check(&config, &request, &shake), WICK_E_REFUSED);
    CHECK_INT(shake.refusal, WICK_REFUSE_ORIGIN_NOT_ALLOWED);
    request = connect_request(list, 3);
    request.protocol = WICK_STR("");
    CHECK_STATUS(wick_handshake_check(&config, &request, &shake), WICK_E_REFUSED);
    CHECK_INT(shake.refusal, WICK_REFUSE_NOT_A_WEBSOCKET_REQUEST);
    request = connect_request(list, 3);
    request.method = WICK_STR("GET");
    CHECK_STATUS(wick_handshake_check(&config, &request, &shake), WICK_E_REFUSED);
    CHECK_INT(shake.refusal, WICK_REFUSE_METHOD_NOT_ALLOWED);
    const wick_http_header old = {WICK_STR("sec-websocket-version"), WICK_STR("12")};
    request = connect_request(&old, 1);
    CHECK_STATUS(wick_handshake_check(&config, &request, &shake), WICK_E_REFUSED);
    CHECK_INT(shake.refusal, WICK_REFUSE_UNSUPPORTED_WEBSOCKET_VERSION);
    request = connect_request(list + 1, 2);
    CHECK_STATUS(wick_handshake_check(&config, &request, &shake), WICK_OK);
    request = connect_request(list + 1, 1);
    request.authority = WICK_STR("");
    CHECK_STATUS(wick_handshake_check(&config, &request, &shake), WICK_E_REFUSED);
    CHECK_INT(shake.refusal, WICK_REFUSE_BAD_REQUEST);
}

/* ---- Callbacks ------------------------------------------------------------------------------------------- */

static int origin_calls;

static int decide_origin(void *user, wick_str origin, const wick_http_request *r)
{
    origin_calls++;
    CHECK(r == &request);
    return text_is(origin, user);
}

static void the_host_decides_about_origins(void)
{
    char allowed[] = "app://x";
    const wick_http_header list[] = {GOOD_FIELDS, {WICK_STR("Origin"), WICK_STR("app://x")}};
    const wick_http_header evil[] = {GOOD_FIELDS, {WICK_STR("Origin"), WICK_STR("app://y")}};
    wick_handshake_server_config config = plain_config();
    config.origin_policy = WICK_ORIGIN_CALLBACK;
    request = request_of(list, GOOD_COUNT + 1);
    CHECK_STATUS(wick_handshake_check(&config, &request, &shake), WICK_E_CONFIG);
    config.on_origin = decide_origin;
    config.user = allowed;
    CHECK_STATUS(wick_handshake_check(&config, &request, &shake), WICK_OK);
    request = request_of(evil, GOOD_COUNT + 1);
    CHECK_STATUS(wick_handshake_check(&config, &request, &shake), WICK_E_REFUSED);
    CHECK_INT(shake.refusal, WICK_REFUSE_ORIGIN_NOT_ALLOWED);
    request = request_of(evil, GOOD_COUNT);
    CHECK_STATUS(wick_handshake_check(&config, &request, &shake), WICK_OK);
    CHECK_INT(origin_calls, 2);
    config.size--;
    CHECK_STATUS(wick_handshake_check(&config, &request, &shake), WICK_E_CONFIG);
}

static int extension_result;
static const char *extension_value;

/* Accepts the first offer by name, which the offers are read for as a host would. */
static int negotiate(void *user, const wick_http_request *r, char *value, size_t cap, size_t *len)
{
    wick_http_elements offers;
    wick_str offer, name, parameter;
    CHECK(user == &extension_result);
    CHECK_INT(*len, 0);
    CHECK(cap >= 128);
    wick_http_elements_init(&offers, r->headers, r->header_count, WICK_STR("Sec-WebSocket-Extensions"));
    CHECK(wick_http_elements_next(&offers, &offer));
    CHECK_INT(wick_http_parameter_next(&offer, &name, &parameter), 1);
    CHECK(text_is(name, "first"));
    CHECK(wick_http_elements_next(&offers, &offer) && text_is(offer, "second"));
    CHECK(!wick_http_elements_next(&offers, &offer));
    *len = strlen(extension_value);
    memcpy(value, extension_value, *len);
    return extension_result;
}

static void extensions_are_the_callbacks_to_negotiate(void)
{
    static const char tail[] = "\r\nSec-WebSocket-Extensions: first; a=1\r\n\r\n";
    const wick_http_header list[] = {GOOD_FIELDS,
                                     {WICK_STR("Sec-WebSocket-Extensions"), WICK_STR("first; a")},
                                     {WICK_STR("Sec-WebSocket-Extensions"), WICK_STR("second")}};
    wick_handshake_server_config config = plain_config();
    char out[512];
    size_t len;
    config.on_extensions = negotiate;
    config.user = &extension_result;
    request = request_of(list, GOOD_COUNT + 2);
    extension_value = "first; a=1";
    CHECK_STATUS(wick_handshake_check(&config, &request, &shake), WICK_OK);
    CHECK_STATUS(wick_handshake_write(&shake, &request, NULL, 0, out, sizeof out, &len), WICK_OK);
    CHECK(len > sizeof tail && memcmp(out + len - (sizeof tail - 1), tail, sizeof tail - 1) == 0);
    extension_value = "";
    CHECK_STATUS(wick_handshake_check(&config, &request, &shake), WICK_OK);
    CHECK_INT(shake.extensions_len, 0);
    extension_value = "a\r\nb";
    CHECK_STATUS(wick_handshake_check(&config, &request, &shake), WICK_E_REFUSED);
    CHECK_INT(shake.refusal, WICK_REFUSE_INTERNAL);
    extension_value = "";
    extension_result = -1;
    CHECK_STATUS(wick_handshake_check(&config, &request, &shake), WICK_E_REFUSED);
    CHECK_INT(shake.http_status, 400);
    /* Not called where something else is wrong, or nothing is offered. */
    request = request_of(list, GOOD_COUNT);
    CHECK_STATUS(wick_handshake_check(&config, &request, &shake), WICK_OK);
}

static void offers_can_be_gone_through(void)
{
    const wick_http_header list[] = {{WICK_STR("Sec-WebSocket-Protocol"), WICK_STR("agent-events.v1")},
                                     {WICK_STR("x"), WICK_STR("y")},
                                     {WICK_STR("sec-websocket-protocol"), WICK_STR("agent-events.bearer.abc, z")}};
    wick_http_elements offers;
    wick_str name;
    request = request_of(list, 3);
    wick_handshake_offers(&offers, &request);
    CHECK(wick_handshake_offer_next(&offers, &name) && text_is(name, "agent-events.v1"));
    CHECK(wick_handshake_offer_next(&offers, &name) && text_is(name, "agent-events.bearer.abc"));
    CHECK(wick_handshake_offer_next(&offers, &name) && text_is(name, "z"));
    CHECK(!wick_handshake_offer_next(&offers, &name));
}

/* As many offers as there is room for, and one more. */
static void offers_have_a_limit(void)
{
    char text[WICK_OFFERS_MAX * 8 + 8];
    size_t n = 0;
    wick_http_header list[] = {GOOD_FIELDS, {WICK_STR("Sec-WebSocket-Protocol"), {text, 0}}};
    wick_handshake_server_config config = plain_config();
    for (int i = 0; i < WICK_OFFERS_MAX; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "p%d,", i);
    list[GOOD_COUNT].value.len = n;
    request = request_of(list, GOOD_COUNT + 1);
    CHECK_STATUS(wick_handshake_check(&config, &request, &shake), WICK_OK);
    n += (size_t)snprintf(text + n, sizeof text - n, "more");
    list[GOOD_COUNT].value.len = n;
    CHECK_STATUS(wick_handshake_check(&config, &request, &shake), WICK_E_REFUSED);
    CHECK_INT(shake.http_status, 400);
}

int main(void)
{
    RUN(vectors);
    RUN(a_101_is_this);
    RUN(a_refusal_is_this);
    RUN(a_refusal_tells_of_the_proxy);
    RUN(the_longest_hint_fits);
    RUN(every_refusal_carries_its_fields);
    RUN(an_error_of_the_head_becomes_its_refusal);
    RUN(fields_of_the_host_cannot_break_the_answer);
    RUN(head_has_no_body);
    RUN(extended_connect);
    RUN(the_host_decides_about_origins);
    RUN(extensions_are_the_callbacks_to_negotiate);
    RUN(offers_can_be_gone_through);
    RUN(offers_have_a_limit);
    return test_end();
}
