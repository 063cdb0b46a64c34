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
    wick_handshake_accept_with(NULL, key, accept);
}

void wick_handshake_accept_with(const wick_sha1_kernel *sha1, const char *key, char *accept)
{
    uint8_t text[WICK_SHA1_ACCEPT_SIZE], digest[WICK_SHA1_SIZE];
    memcpy(text, key, WICK_KEY_SIZE);
    memcpy(text + WICK_KEY_SIZE, handshake_guid, sizeof text - WICK_KEY_SIZE);
    if (sha1)
        sha1->accept(text, digest);
    else
        wick_sha1_accept(text, digest);
    wick_base64_encode(digest, sizeof digest, accept);
}

/* What is left of a text behind its leading white space. */
static wick_str skip_blanks(wick_str text)
{
    while (text.len && wick_char_is_blank(text.data[0]))
        text = wick_str_from(text, 1);
    return text;
}

/* The length of the quoted string at the start of a text, or 0 if it does not end. RFC 9110 section 5.6.4. */
static size_t quoted_span(wick_str text)
{
    size_t i = 1;
    while (i < text.len && wick_char_is(text.data[i], WICK_CHAR_VALUE)) {
        if (text.data[i] == '"')
            return i + 1;
        i += text.data[i] == '\\' && i + 1 < text.len && wick_char_is(text.data[i + 1], WICK_CHAR_VALUE) ? 2 : 1;
    }
    return 0;
}

/* Take `; token [= (token | quoted-string)]` off a text. 0 if it is not that. */
static int take_extension_parameter(wick_str *text)
{
    size_t n;
    *text = skip_blanks(wick_str_from(*text, 1));
    n = wick_str_span(*text, WICK_CHAR_TOKEN);
    if (n == 0)
        return 0;
    *text = skip_blanks(wick_str_from(*text, n));
    if (text->len == 0 || text->data[0] != '=')
        return 1;
    *text = skip_blanks(wick_str_from(*text, 1));
    n = text->len && text->data[0] == '"' ? quoted_span(*text) : wick_str_span(*text, WICK_CHAR_TOKEN);
    *text = skip_blanks(wick_str_from(*text, n));
    return n > 0;
}

int wick_extensions_are_valid(wick_str value)
{
    int count = 0;
    for (;;) {
        size_t n;
        value = skip_blanks(value);
        if (value.len == 0)
            return count;
        if (value.data[0] == ',') {
            value = wick_str_from(value, 1);
            continue;
        }
        n = wick_str_span(value, WICK_CHAR_TOKEN);
        value = skip_blanks(wick_str_from(value, n));
        while (n > 0 && value.len && value.data[0] == ';')
            if (!take_extension_parameter(&value))
                return 0;
        if (n == 0 || (value.len && value.data[0] != ','))
            return 0;
        count = 1;
    }
}

int wick_handshake_owns(wick_str name)
{
    static const char prefix[] = "sec-websocket-";
    if (name.len >= sizeof prefix - 1 && WICK_STR_IS(wick_str_first(name, sizeof prefix - 1), "sec-websocket-"))
        return 1;
    return WICK_STR_IS(name, "host") || WICK_STR_IS(name, "upgrade") || WICK_STR_IS(name, "connection") ||
           WICK_STR_IS(name, "content-length") || WICK_STR_IS(name, "transfer-encoding");
}
