/*
 * Bodies: how long one is, and the pieces of it. RFC 9112 sections 6 and 7.
 *
 * What decides where a message ends is what request smuggling plays on, so there is one reading of it or none: a
 * Content-Length that is repeated, listed or beside Transfer-Encoding is refused even where the values agree.
 */
#include "http/chars.h"

/* Where a chunked body is. */
enum {
    CHUNK_SIZE,       /* hex digits */
    CHUNK_EXTENSION,  /* up to the CR of the size line */
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_TRAILER,    /* first byte of a trailer line, or the CR that ends it all */
    CHUNK_TRAILER_LINE,
    CHUNK_TRAILER_LF,
    CHUNK_END_LF,
    BODY_DONE
};

/* Trailer fields skipped at most. */
#define TRAILERS_MAX 64

/* Digits alone, without overflow. Returns 0 if it is not that. */
static int body_parse_length(wick_str text, uint64_t *length)
{
    *length = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned)(text.data[i] - '0');
        if (!wick_char_is_digit(text.data[i]) || *length > (UINT64_MAX - digit) / 10)
            return 0;
        *length = *length * 10 + digit;
    }
    return text.len > 0;
}

static wick_status body_init(wick_http_body *body, const wick_http_header *headers, size_t count, int version,
                             uint64_t max)
{
    wick_str coding, text;
    uint64_t length = 0;
    size_t codings = wick_http_find(headers, count, WICK_STR("transfer-encoding"), &coding);
    size_t lengths = wick_http_find(headers, count, WICK_STR("content-length"), &text);
    memset(body, 0, sizeof *body);
    body->kind = WICK_HTTP_BODY_NONE;
    body->state = BODY_DONE;
    body->max = max;
    if (lengths > 1 || (lengths && codings) || (codings && version < 11))
        return WICK_E_HTTP_LENGTH;
    if (lengths && !body_parse_length(text, &length))
        return WICK_E_HTTP_LENGTH;
    if (codings > 1 || (codings && !WICK_STR_IS(coding, "chunked")))
        return WICK_E_HTTP_TRANSFER_CODING;
    if (length > max)
        return WICK_E_BODY_TOO_BIG;
    if (codings) {
        body->kind = WICK_HTTP_BODY_CHUNKED;
        body->state = CHUNK_SIZE;
    } else if (length > 0) {
        body->kind = WICK_HTTP_BODY_LENGTH;
        body->state = CHUNK_DATA;
        body->left = length;
    }
    return WICK_OK;
}

wick_status wick_http_body_init_request(wick_http_body *body, const wick_http_request *request, uint64_t max)
{
    wick_status status = body_init(body, request->headers, request->header_count, request->version, max);
    body->result = status;
    return status;
}

wick_status wick_http_body_init_response(wick_http_body *body, const wick_http_response *response, uint64_t max)
{
    int none = response->status < 200 || response->status == 204 || response->status == 304;
    wick_status status;
    size_t count = none ? 0 : response->header_count;
    status = body_init(body, response->headers, count, response->version, max);
    if (status == WICK_OK && !none && body->kind == WICK_HTTP_BODY_NONE &&
        wick_http_find(response->headers, count, WICK_STR("content-length"), NULL) == 0) {
        body->kind = WICK_HTTP_BODY_UNTIL_CLOSE;
        body->state = CHUNK_DATA;
        body->left = UINT64_MAX;
    }
    body->result = status;
    return status;
}

/* ---- The framing of chunks, a byte at a time -------------------------------------------------------------- */

/* One more hex digit, or what ends them. */
static wick_status chunk_size(wick_http_body *body, char c)
{
    if (wick_char_is(c, WICK_CHAR_HEX)) {
        if (++body->digits > 16)
            return WICK_E_HTTP_CHUNK;
        body->left = body->left << 4 | wick_char_hex(c);
        return WICK_MORE;
    }
    if (body->digits == 0 || (c != '\r' && c != ';' && !wick_char_is_blank(c)))
        return WICK_E_HTTP_CHUNK;
    body->state = c == '\r' ? CHUNK_SIZE_LF : CHUNK_EXTENSION;
    return WICK_MORE;
}

static wick_status chunk_begin_data(wick_http_body *body)
{
    if (body->left > body->max - body->total)
        return WICK_E_BODY_TOO_BIG;
    body->state = body->left ? CHUNK_DATA : CHUNK_TRAILER;
    body->digits = 0;
    body->line = 0;
    return WICK_MORE;
}

/* A line whose content does not matter, up to its CR. */
static wick_status chunk_skip(wick_http_body *body, char c, uint8_t next)
{
    if (c == '\r')
        body->state = next;
    return c == '\r' || wick_char_is(c, WICK_CHAR_VALUE) ? WICK_MORE : WICK_E_HTTP_CHUNK;
}

static wick_status chunk_expect(wick_http_body *body, char c, char want, uint8_t next)
{
    body->state = next;
    return c == want ? WICK_MORE : WICK_E_HTTP_CHUNK;
}

static wick_status chunk_trailer(wick_http_body *body, char c)
{
    body->line = 0;
    if (c == '\r') {
        body->state = CHUNK_END_LF;
        return WICK_MORE;
    }
    body->state = CHUNK_TRAILER_LINE;
    if (++body->trailer > TRAILERS_MAX || !wick_char_is(c, WICK_CHAR_TOKEN))
        return WICK_E_HTTP_CHUNK;
    return WICK_MORE;
}

static wick_status chunk_step(wick_http_body *body, char c)
{
    if (++body->line > WICK_DEFAULT_HTTP_MAX_CHUNK_LINE)
        return WICK_E_HTTP_CHUNK;
    switch (body->state) {
    case CHUNK_SIZE:
        return chunk_size(body, c);
    case CHUNK_EXTENSION:
        return chunk_skip(body, c, CHUNK_SIZE_LF);
    case CHUNK_SIZE_LF:
        return c == '\n' ? chunk_begin_data(body) : WICK_E_HTTP_CHUNK;
    case CHUNK_DATA_CR:
        return chunk_expect(body, c, '\r', CHUNK_DATA_LF);
    case CHUNK_DATA_LF:
        return chunk_expect(body, c, '\n', CHUNK_SIZE);
    case CHUNK_TRAILER:
        return chunk_trailer(body, c);
    case CHUNK_TRAILER_LINE:
        return chunk_skip(body, c, CHUNK_TRAILER_LF);
    case CHUNK_TRAILER_LF:
        return chunk_expect(body, c, '\n', CHUNK_TRAILER);
    default: /* CHUNK_END_LF */
        return chunk_expect(body, c, '\n', BODY_DONE);
    }
}

/* Body bytes: as many as have come. */
static wick_status body_take_data(wick_http_body *body, const uint8_t *data, size_t len, wick_slice *piece)
{
    size_t n = len < body->left ? len : (size_t)body->left;
    if (n > body->max - body->total)
        return WICK_E_BODY_TOO_BIG;
    piece->data = data;
    piece->len = n;
    body->total += n;
    body->left -= n;
    if (body->left == 0)
        body->state = body->kind == WICK_HTTP_BODY_CHUNKED ? CHUNK_DATA_CR : BODY_DONE;
    return WICK_OK;
}

wick_status wick_http_body_next(wick_http_body *body, const uint8_t *data, size_t len, size_t *used,
                                wick_slice *piece)
{
    wick_status status = (wick_status)body->result;
    piece->data = data;
    piece->len = *used = 0;
    while (status == WICK_OK && body->state != BODY_DONE) {
        if (*used == len)
            return WICK_MORE;
        if (body->state == CHUNK_DATA) {
            status = body_take_data(body, data + *used, len - *used, piece);
            *used += piece->len;
            break;
        }
        status = chunk_step(body, (char)data[*used]);
        if (status == WICK_MORE) {
            status = WICK_OK;
            ++*used;
        }
    }
    body->result = status;
    return status;
}
