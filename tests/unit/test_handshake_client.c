/*
 * The client's half of the opening handshake: what the request says, what of the response is believed, and a round trip
 * with the server's half.
 */
#include "lib/vectors.h"
#include "wick/handshake.h"

#define FIELDS 32

static const uint8_t nonce[WICK_NONCE_SIZE + 1] = "the sample nonce";

static wick_handshake_client_config config_for(wick_str host)
{
    wick_handshake_client_config config = {0};
    config.size = sizeof config;
    config.host = host;
    return config;
}

/* ---- Responses ------------------------------------------------------------------------------------------- */

static void check_response_vector(const test_vector *v)
{
    static wick_http_header fields[FIELDS];
    const wick_str chat[] = {WICK_STR("chat"), WICK_STR("superchat")};
    const char *want = test_vector_get(v, "protocol");
    wick_handshake_client_config config = config_for(WICK_STR("a"));
    wick_handshake_answer answer;
    wick_http_response response;
    wick_http_head head;
    if (!test_vector_get(v, "offer")) {
        config.subprotocols = chat;
        config.subprotocol_count = 2;
        config.extensions = WICK_STR("permessage-deflate; client_max_window_bits");
    }
    wick_http_head_init_response(&head, NULL, fields, FIELDS, 0);
    wick_status status = wick_http_head_feed(&head, v->input, v->input_len, 0);
    if (status != WICK_OK) {
        VECTOR_FAIL(v, "the head: %s", wick_status_name(status));
        return;
    }
    wick_http_head_response(&head, &response);
    status = wick_handshake_response_check(&config, nonce, &response, &answer);
    if ((int)status != test_status_named(v, test_vector_get(v, "status")))
        VECTOR_FAIL(v, "%s", wick_status_name(status));
    if (test_vector_number(v, "code", answer.http_status) != answer.http_status)
        VECTOR_FAIL(v, "the status is %u", answer.http_status);
    if (want && (strlen(want) != answer.subprotocol.len || memcmp(want, answer.subprotocol.data, strlen(want)) != 0))
        VECTOR_FAIL(v, "the subprotocol is %.*s", (int)answer.subprotocol.len, answer.subprotocol.data);
}

static void response_vectors(void)
{
    test_vectors("handshake_client", check_response_vector);
}

static int extension_calls, extension_result;

static int look_at_extensions(void *user, wick_str value)
{
    CHECK(user == &extension_calls);
    CHECK(value.len == 10 && memcmp(value.data, "first; b=2", 10) == 0);
    extension_calls++;
    return extension_result;
}

static void the_host_looks_at_what_was_accepted(void)
{
    const wick_http_header headers[] = {{WICK_STR("upgrade"), WICK_STR("websocket")},
                                        {WICK_STR("connection"), WICK_STR("upgrade")},
                                        {WICK_STR("sec-websocket-accept"), WICK_STR("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")},
                                        {WICK_STR("sec-websocket-extensions"), WICK_STR("first; b=2")}};
    const wick_http_response response = {101, WICK_STR(""), 11, headers, 4};
    wick_handshake_client_config config = config_for(WICK_STR("a"));
    wick_handshake_answer answer;
    config.extensions = WICK_STR("zero, first; a");
    config.on_extensions = look_at_extensions;
    config.user = &extension_calls;
    CHECK_STATUS(wick_handshake_response_check(&config, nonce, &response, &answer), WICK_OK);
    extension_result = -1;
    CHECK_STATUS(wick_handshake_response_check(&config, nonce, &response, &answer), WICK_E_HANDSHAKE_EXTENSION);
    CHECK_INT(extension_calls, 2);
    config.size++;
    CHECK_STATUS(wick_handshake_response_check(&config, nonce, &response, &answer), WICK_E_CONFIG);
}

/* ---- Requests -------------------------------------------------------------------------------------------- */

static void the_whole_request_is_this(void)
{
    static const char want[] = "GET /chat?a=b HTTP/1.1\r\nHost: server.example.com:81\r\nUpgrade: websocket\r\n"
                               "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                               "Sec-WebSocket-Version: 13\r\nOrigin: http://example.com\r\n"
                               "Sec-WebSocket-Protocol: chat, superchat\r\n"
                               "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
                               "Authorization: Bearer x\r\n\r\n";
    const wick_str chat[] = {WICK_STR("chat"), WICK_STR("superchat")};
    const wick_http_header token = {WICK_STR("Authorization"), WICK_STR("Bearer x")};
    wick_handshake_client_config config = config_for(WICK_STR("server.example.com:81"));
    char *out;
    size_t need, len;
    config.path = WICK_STR("/chat");
    config.query = WICK_STR("a=b");
    config.origin = WICK_STR("http://example.com");
    config.subprotocols = chat;
    config.subprotocol_count = 2;
    config.extensions = WICK_STR("permessage-deflate; client_max_window_bits");
    config.headers = &token;
    config.header_count = 1;
    CHECK_STATUS(wick_handshake_request_write(&config, nonce, NULL, 0, &need), WICK_E_SPACE);
    CHECK_INT(need, sizeof want - 1);
    out = (char *)test_guard_back(NULL, need);
    for (size_t cap = 0; cap < need; cap++) {
        char *small = out + need - cap;
        CHECK_STATUS(wick_handshake_request_write(&config, nonce, small, cap, &len), WICK_E_SPACE);
        CHECK(len == need);
    }
    CHECK_STATUS(wick_handshake_request_write(&config, nonce, out, need, &len), WICK_OK);
    CHECK_MEM(out, want, sizeof want - 1);
    test_unguard((uint8_t *)out, need);
}

static void the_shortest_request_is_this(void)
{
    static const char want[] = "GET / HTTP/1.1\r\nHost: [::1]\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    wick_handshake_client_config config = config_for(WICK_STR("[::1]"));
    char out[512];
    size_t len;
    CHECK_STATUS(wick_handshake_request_write(&config, nonce, out, sizeof out, &len), WICK_OK);
    CHECK_INT(len, sizeof want - 1);
    CHECK_MEM(out, want, sizeof want - 1);
}

typedef void (*spoil)(wick_handshake_client_config *config);

static wick_str spoiled[2];
static wick_http_header spoiled_header;

static void no_host(wick_handshake_client_config *c) { c->host = WICK_STR(""); }
static void host_with_line_end(wick_handshake_client_config *c) { c->host = WICK_STR("a\r\nb"); }
static void host_with_user(wick_handshake_client_config *c) { c->host = WICK_STR("u@a"); }
static void path_without_slash(wick_handshake_client_config *c) { c->path = WICK_STR("a"); }
static void path_with_space(wick_handshake_client_config *c) { c->path = WICK_STR("/a b"); }
static void path_with_line_end(wick_handshake_client_config *c) { c->path = WICK_STR("/ HTTP/1.1\r\nA: b"); }
static void path_with_query(wick_handshake_client_config *c) { c->path = WICK_STR("/a?b"); }
static void path_with_fragment(wick_handshake_client_config *c) { c->path = WICK_STR("/a#b"); }
static void query_with_space(wick_handshake_client_config *c) { c->query = WICK_STR("a b"); }
static void query_with_nul(wick_handshake_client_config *c) { c->query = WICK_STR("a\0b"); }
static void origin_with_line_end(wick_handshake_client_config *c) { c->origin = WICK_STR("http://a\n"); }
static void extensions_malformed(wick_handshake_client_config *c) { c->extensions = WICK_STR("a;;"); }
static void extensions_with_line_end(wick_handshake_client_config *c) { c->extensions = WICK_STR("a\r\nb"); }

static void protocol_spoiled(wick_handshake_client_config *c, wick_str first, wick_str second)
{
    spoiled[0] = first;
    spoiled[1] = second;
    c->subprotocols = spoiled;
    c->subprotocol_count = 2;
}

static void protocol_twice(wick_handshake_client_config *c) { protocol_spoiled(c, WICK_STR("a"), WICK_STR("a")); }
static void protocol_empty(wick_handshake_client_config *c) { protocol_spoiled(c, WICK_STR("a"), WICK_STR("")); }
static void protocol_comma(wick_handshake_client_config *c) { protocol_spoiled(c, WICK_STR("a,b"), WICK_STR("c")); }

static void header_spoiled(wick_handshake_client_config *c, wick_str name, wick_str value)
{
    spoiled_header.name = name;
    spoiled_header.value = value;
    c->headers = &spoiled_header;
    c->header_count = 1;
}

static void header_line_end(wick_handshake_client_config *c) { header_spoiled(c, WICK_STR("A"), WICK_STR("b\r\nC: d")); }
static void header_nul(wick_handshake_client_config *c) { header_spoiled(c, WICK_STR("A"), WICK_STR("b\0")); }
static void header_name(wick_handshake_client_config *c) { header_spoiled(c, WICK_STR("A:"), WICK_STR("b")); }
static void header_host(wick_handshake_client_config *c) { header_spoiled(c, WICK_STR("host"), WICK_STR("b")); }
static void header_key(wick_handshake_client_config *c) { header_spoiled(c, WICK_STR("Sec-WebSocket-Key"), WICK_STR("b")); }

static void nothing_gets_into_the_request_that_breaks_it(void)
{
    static const spoil spoils[] = {no_host, host_with_line_end, host_with_user, path_without_slash, path_with_space,
                                   path_with_line_end, path_with_query, path_with_fragment, query_with_space,
                                   query_with_nul, origin_with_line_end, extensions_malformed, extensions_with_line_end,
                                   protocol_twice, protocol_empty, protocol_comma, header_line_end, header_nul,
                                   header_name, header_host, header_key};
    char out[512];
    size_t len;
    for (size_t i = 0; i < sizeof spoils / sizeof *spoils; i++) {
        wick_handshake_client_config config = config_for(WICK_STR("a"));
        CHECK_STATUS(wick_handshake_request_write(&config, nonce, out, sizeof out, &len), WICK_OK);
        spoils[i](&config);
        CHECK_STATUS(wick_handshake_request_write(&config, nonce, out, sizeof out, &len), WICK_E_ARG);
        CHECK_INT(len, 0);
        if (test_failed())
            printf("# spoil %zu\n", i);
    }
    wick_handshake_client_config config = config_for(WICK_STR("a"));
    config.size--;
    CHECK_STATUS(wick_handshake_request_write(&config, nonce, out, sizeof out, &len), WICK_E_CONFIG);
}

/* ---- Both halves ----------------------------------------------------------------------------------------- */

/* Random nonces and subprotocols: what the client writes the server takes, and the other way round. */
static void a_round_trip_opens(void)
{
    static const wick_str none = {"", 0};
    const wick_str all[] = {WICK_STR("a"), WICK_STR("b"), WICK_STR("c"), WICK_STR("d")};
    for (int i = 0; i < 500 && !test_failed(); i++) {
        wick_http_header fields[FIELDS];
        wick_http_head head;
        wick_http_request request;
        wick_http_response response;
        wick_handshake shake;
        wick_handshake_answer answer;
        wick_handshake_client_config client = config_for(WICK_STR("a:1"));
        wick_handshake_server_config server = {0};
        uint8_t random[WICK_NONCE_SIZE];
        char out[1024];
        size_t len, offered = test_below(4), spoken = test_below(4);
        for (size_t k = 0; k < sizeof random; k++)
            random[k] = (uint8_t)test_random();
        client.subprotocols = all;
        client.subprotocol_count = offered;
        server.size = sizeof server;
        server.subprotocols = all + 1;
        server.subprotocol_count = spoken;
        CHECK_STATUS(wick_handshake_request_write(&client, random, out, sizeof out, &len), WICK_OK);
        wick_http_head_init_request(&head, NULL, fields, FIELDS, 0);
        CHECK_STATUS(wick_http_head_feed(&head, (const uint8_t *)out, len, 0), WICK_OK);
        CHECK_INT(wick_http_head_length(&head), len);
        wick_http_head_request(&head, &request);
        CHECK_STATUS(wick_handshake_check(&server, &request, &shake), WICK_OK);
        wick_str want = offered > 1 && spoken > 0 ? all[1] : none;
        CHECK(shake.subprotocol.len == want.len);
        CHECK_STATUS(wick_handshake_write(&shake, &request, NULL, 0, out, sizeof out, &len), WICK_OK);
        wick_http_head_init_response(&head, NULL, fields, FIELDS, 0);
        CHECK_STATUS(wick_http_head_feed(&head, (const uint8_t *)out, len, 0), WICK_OK);
        wick_http_head_response(&head, &response);
        CHECK_STATUS(wick_handshake_response_check(&client, random, &response, &answer), WICK_OK);
        CHECK(answer.subprotocol.len == want.len);
        random[test_below(sizeof random)] ^= 1;
        CHECK_STATUS(wick_handshake_response_check(&client, random, &response, &answer), WICK_E_HANDSHAKE_ACCEPT);
    }
}

/* A refusal's head and body are for the caller to read. */
static void a_refusal_can_be_read(void)
{
    static const uint8_t text[] = "HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\nServer: x\r\n\r\nhello";
    wick_http_header fields[FIELDS];
    wick_http_head head;
    wick_http_response response;
    wick_http_body body;
    wick_handshake_answer answer;
    wick_handshake_client_config config = config_for(WICK_STR("a"));
    wick_slice piece;
    size_t used, at;
    wick_http_head_init_response(&head, NULL, fields, FIELDS, 0);
    CHECK_STATUS(wick_http_head_feed(&head, text, sizeof text - 1, 0), WICK_OK);
    wick_http_head_response(&head, &response);
    CHECK_STATUS(wick_handshake_response_check(&config, nonce, &response, &answer), WICK_E_REFUSED);
    CHECK_INT(answer.http_status, 403);
    CHECK_STATUS(wick_http_body_init_response(&body, &response, 100), WICK_OK);
    at = wick_http_head_length(&head);
    CHECK_STATUS(wick_http_body_next(&body, text + at, sizeof text - 1 - at, &used, &piece), WICK_OK);
    CHECK(piece.len == 5 && memcmp(piece.data, "hello", 5) == 0);
    CHECK_STATUS(wick_http_body_next(&body, text + at + used, 0, &used, &piece), WICK_OK);
    CHECK_INT(piece.len, 0);
}

int main(void)
{
    RUN(response_vectors);
    RUN(the_host_looks_at_what_was_accepted);
    RUN(the_whole_request_is_this);
    RUN(the_shortest_request_is_this);
    RUN(nothing_gets_into_the_request_that_breaks_it);
    RUN(a_round_trip_opens);
    RUN(a_refusal_can_be_read);
    return test_end();
}
