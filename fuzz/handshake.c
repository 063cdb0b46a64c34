/*
 * The handshake: whatever a peer sends, the answer is a well-formed response that carries nothing of it raw, its size is
 * known beforehand, and an accepted request has all that RFC 6455 section 4.2.1 asks for.
 *
 * Input: a byte of flags (1 the input is a response to a client, 2 any origin, 4 a subprotocol is required), then the
 * bytes of the head. Behind a response its body is read too.
 */
#include <stdlib.h>
#include <string.h>

#include "wick/handshake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FIELDS 64

static const wick_str protocols[] = {{"agent-events.v1", 15}, {"chat", 4}};
static const uint8_t nonce[WICK_NONCE_SIZE + 1] = "the sample nonce";

static void require(int truth)
{
    if (!truth)
        abort();
}

/* The body of a refusal: JSON without raw control characters, with the members that it always has. */
static void check_problem(const char *body, size_t len)
{
    static const char *const members[] = {"{\"type\":", ",\"title\":", ",\"status\":", ",\"detail\":", ",\"code\":",
                                          ",\"hint\":", ",\"saw\":"};
    require(len > 2 && body[0] == '{' && body[len - 1] == '}');
    for (size_t i = 0; i < len; i++)
        require((unsigned char)body[i] >= 0x20 && (unsigned char)body[i] < 0x7f);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        require(memmem(body, len, members[i], strlen(members[i])) != NULL);
}

static void check_answer(const wick_handshake *shake, const wick_http_request *request)
{
    static wick_http_header fields[FIELDS];
    /* Whatever the defaults are in this build. */
    static const wick_http_head_config room = {sizeof room, 4096, 4096, 4096, 0};
    wick_http_head head;
    wick_http_response response;
    size_t need, len;
    require(wick_handshake_write(shake, request, NULL, 0, NULL, 0, &need) == WICK_E_SPACE);
    char *out = malloc(need);
    require(out != NULL);
    require(wick_handshake_write(shake, request, NULL, 0, out, need - 1, &len) == WICK_E_SPACE && len == need);
    require(wick_handshake_write(shake, request, NULL, 0, out, need, &len) == WICK_OK && len == need);
    wick_http_head_init_response(&head, &room, fields, FIELDS, 0);
    require(wick_http_head_feed(&head, (const uint8_t *)out, len, 0) == WICK_OK);
    wick_http_head_response(&head, &response);
    require(response.status == shake->http_status);
    if (response.status == 101)
        require(wick_http_head_length(&head) == len);
    else if (wick_http_head_length(&head) < len)
        check_problem(out + wick_http_head_length(&head), len - wick_http_head_length(&head));
    free(out);
}

/* What an accepted request offers can be read to its end. */
static void check_extensions(const wick_http_request *request)
{
    wick_http_elements offers;
    wick_str offer, name, value;
    wick_http_elements_init(&offers, request->headers, request->header_count, WICK_STR("sec-websocket-extensions"));
    while (wick_http_elements_next(&offers, &offer)) {
        int more = wick_http_parameter_next(&offer, &name, &value);
        require(more == 1 && value.data == NULL);
        while (more == 1)
            more = wick_http_parameter_next(&offer, &name, &value);
        require(more == 0);
    }
}

static void check_accepted(const wick_http_request *request, const wick_handshake *shake)
{
    const wick_http_header *headers = request->headers;
    size_t count = request->header_count, used;
    uint8_t bytes[WICK_NONCE_SIZE];
    char accept[WICK_ACCEPT_SIZE];
    wick_str value;
    require(request->method.len == 3 && memcmp(request->method.data, "GET", 3) == 0 && request->version > 10);
    require(wick_http_has_token(headers, count, WICK_STR("upgrade"), WICK_STR("websocket")));
    require(wick_http_has_token(headers, count, WICK_STR("connection"), WICK_STR("upgrade")));
    require(wick_http_find(headers, count, WICK_STR("host"), &value) == 1);
    require(wick_http_find(headers, count, WICK_STR("sec-websocket-version"), &value) == 1 && value.len == 2);
    require(wick_http_find(headers, count, WICK_STR("sec-websocket-key"), &value) == 1);
    require(wick_base64_decode(value.data, value.len, 0, bytes, sizeof bytes, &used) == WICK_OK && used == sizeof bytes);
    wick_handshake_accept(value.data, accept);
    require(memcmp(accept, shake->accept, sizeof accept) == 0);
    check_extensions(request);
    if (shake->subprotocol.len)
        require(wick_http_has_token(headers, count, WICK_STR("sec-websocket-protocol"), shake->subprotocol));
}

static void server_side(uint8_t flags, const uint8_t *text, size_t len)
{
    static wick_http_header fields[FIELDS];
    wick_handshake_server_config config;
    wick_http_head head;
    wick_http_request request;
    wick_handshake shake;
    memset(&config, 0, sizeof config);
    config.size = sizeof config;
    config.subprotocols = protocols;
    config.subprotocol_count = 2;
    config.origin_policy = flags & 2 ? WICK_ORIGIN_ANY : WICK_ORIGIN_SAME;
    config.require_subprotocol = (flags & 4) != 0;
    wick_http_head_init_request(&head, NULL, fields, FIELDS, 0);
    wick_status status = wick_http_head_feed(&head, text, len, 0);
    if (status == WICK_MORE)
        return;
    wick_http_head_request(&head, &request);
    if (status < 0) {
        wick_handshake_refuse_status(&shake, status);
        check_answer(&shake, &request);
        check_answer(&shake, NULL);
        return;
    }
    status = wick_handshake_check(&config, &request, &shake);
    require(status == WICK_OK || status == WICK_E_REFUSED);
    require((status == WICK_OK) == (shake.http_status == 101));
    if (status == WICK_OK)
        check_accepted(&request, &shake);
    check_answer(&shake, &request);
}

static void client_side(const uint8_t *text, size_t len)
{
    static wick_http_header fields[FIELDS];
    wick_handshake_client_config config;
    wick_handshake_answer answer;
    wick_http_head head;
    wick_http_response response;
    wick_http_body body;
    wick_slice piece;
    memset(&config, 0, sizeof config);
    config.size = sizeof config;
    config.host = WICK_STR("a");
    config.subprotocols = protocols;
    config.subprotocol_count = 2;
    config.extensions = WICK_STR("permessage-deflate; client_max_window_bits");
    wick_http_head_init_response(&head, NULL, fields, FIELDS, 0);
    if (wick_http_head_feed(&head, text, len, 0) != WICK_OK)
        return;
    wick_http_head_response(&head, &response);
    wick_status status = wick_handshake_response_check(&config, nonce, &response, &answer);
    require(answer.http_status == response.status);
    require((response.status == 101) == (status != WICK_MORE && status != WICK_E_REFUSED));
    size_t at = wick_http_head_length(&head), used;
    status = wick_http_body_init_response(&body, &response, 1000);
    while (status == WICK_OK) {
        status = wick_http_body_next(&body, text + at, len - at, &used, &piece);
        require(used <= len - at && piece.len <= used && body.total <= 1000);
        at += used;
        if (piece.len == 0)
            break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] & 1)
        client_side(data + 1, size - 1);
    else
        server_side(data[0], data + 1, size - 1);
    return 0;
}
