/*
 * access.c - the token of a request: Authorization: Bearer, the cookie session_token, or the subprotocol
 * agent-events.bearer.<base64url>, in this order. The first that is there decides. A client that has negotiated a
 * profile may bring its token with session.open instead.
 */
#include <string.h>

#include "agent_server/server.h"

#define TOKEN_MAX 8192

/* In a time that does not depend on where they differ. */
static int same(const char *want, const char *token, size_t len)
{
    size_t want_len = strlen(want);
    unsigned difference = want_len != len;
    for (size_t i = 0; i < len; i++)
        difference |= (unsigned char)token[i] ^ (unsigned char)want[want_len ? i % want_len : 0];
    return difference == 0;
}

static enum access judge(const char *token, size_t len)
{
    return same(server.token, token, len) ? ACCESS_OK : ACCESS_WRONG_TOKEN;
}

int access_token(const wick_str *token)
{
    return !server.token || judge(token->data, token->len) == ACCESS_OK;
}

uint64_t access_expires(void)
{
    return server.token && server.token_seconds ? server.loop.now_ms + server.token_seconds * 1000 : 0;
}

static enum access judge_subprotocol(const wick_http_request *request)
{
    static const char prefix[] = "agent-events.bearer.";
    wick_http_elements offers;
    wick_str name;
    wick_handshake_offers(&offers, request);
    while (wick_handshake_offer_next(&offers, &name)) {
        uint8_t token[TOKEN_MAX];
        size_t len = 0;
        if (name.len < sizeof prefix || memcmp(name.data, prefix, sizeof prefix - 1) != 0)
            continue;
        if (wick_base64_decode(name.data + sizeof prefix - 1, name.len - sizeof prefix + 1, 1, token, sizeof token,
                               &len) != WICK_OK)
            return ACCESS_WRONG_TOKEN;
        return judge((const char *)token, len);
    }
    return ACCESS_NO_TOKEN;
}

enum access access_check(const wick_http_request *request)
{
    wick_str token;
    if (!server.token)
        return ACCESS_OK;
    int bearer = wick_http_bearer(request->headers, request->header_count, &token);
    if (bearer < 0)
        return ACCESS_WRONG_TOKEN;
    if (bearer || wick_http_cookie(request->headers, request->header_count, WICK_STR("session_token"), &token))
        return judge(token.data, token.len);
    return judge_subprotocol(request);
}
