/*
 * What the two roles of the opening handshake share: the accept key and the syntax of extensions.
 */
#include "base/sha1.h"
#include "http/chars.h"
#include "ws/handshake.h"

/* RFC 6455 section 1.3. */
static const char handshake_guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

void wick_handshake_accept(const char *key, char *accept)
{
    uint8_t text[WICK_SHA1_ACCEPT_SIZE], digest[WICK_SHA1_SIZE];
    memcpy(text, key, WICK_KEY_SIZE);
    memcpy(text + WICK_KEY_SIZE, handshake_guid, sizeof text - WICK_KEY_SIZE);
    wick_sha1_accept(text, digest);
    wick_base64_encode(digest, sizeof digest, accept);
}

int wick_extensions_are_valid(wick_str value)
{
    wick_str extension, name, parameter;
    int count = 0;
    while (wick_http_list_next(&value, &extension)) {
        int more = wick_http_parameter_next(&extension, &name, &parameter);
        if (more != 1 || parameter.data)
            return 0;
        while (more == 1)
            more = wick_http_parameter_next(&extension, &name, &parameter);
        if (more < 0)
            return 0;
        count = 1;
    }
    return count;
}

int wick_handshake_owns(wick_str name)
{
    static const char prefix[] = "sec-websocket-";
    if (name.len >= sizeof prefix - 1 && WICK_STR_IS(wick_str_first(name, sizeof prefix - 1), "sec-websocket-"))
        return 1;
    return WICK_STR_IS(name, "host") || WICK_STR_IS(name, "upgrade") || WICK_STR_IS(name, "connection") ||
           WICK_STR_IS(name, "content-length") || WICK_STR_IS(name, "transfer-encoding");
}
