/*
 * The head parser a whole line at a time, and what the host sees of it.
 *
 * When all of a line is there and it looks as nearly all lines do, it is taken here, with the vector scans of scan.h.
 * Whatever is cut, odd or wrong is left untouched for head_step.c, which decides. So a head that comes byte by byte and
 * one that comes whole take different ways to the same result, and no byte is looked at more than twice.
 */
#include "http/head.h"

#include "http/chars.h"
#include "http/scan.h"

/* Offsets in a head are 32-bit numbers. */
#define HEAD_LIMIT ((size_t)1 << 30)

static uint32_t head_limit(size_t limit, size_t fallback)
{
    if (limit == 0)
        limit = fallback;
    return (uint32_t)(limit < HEAD_LIMIT ? limit : HEAD_LIMIT);
}

static wick_status head_init(wick_http_head *head, const wick_http_head_config *config, wick_http_header *headers,
                             size_t header_cap, uint64_t now_ms)
{
    static const wick_http_head_config defaults = {sizeof(wick_http_head_config), 0, 0, 0, 0};
    const wick_http_head_config *c = config ? config : &defaults;
    uint64_t timeout = c->timeout_ms ? c->timeout_ms : WICK_DEFAULT_HTTP_TIMEOUT_MS;
    if (c->size != sizeof *c)
        return WICK_E_CONFIG;
    memset(head, 0, sizeof *head);
    head->headers = headers;
    head->header_cap = header_cap;
    head->max_line = head_limit(c->max_line, WICK_DEFAULT_HTTP_MAX_LINE);
    head->max_field = head_limit(c->max_field, WICK_DEFAULT_HTTP_MAX_FIELD);
    head->max_head = head_limit(c->max_head, WICK_DEFAULT_HTTP_MAX_HEAD);
    head->deadline = timeout > WICK_NEVER - now_ms ? WICK_NEVER : now_ms + timeout;
    head->result = WICK_MORE;
    return WICK_OK;
}

wick_status wick_http_head_init_request(wick_http_head *head, const wick_http_head_config *config,
                                        wick_http_header *headers, size_t header_cap, uint64_t now_ms)
{
    return head_init(head, config, headers, header_cap, now_ms);
}

wick_status wick_http_head_init_response(wick_http_head *head, const wick_http_head_config *config,
                                         wick_http_header *headers, size_t header_cap, uint64_t now_ms)
{
    wick_status status = head_init(head, config, headers, header_cap, now_ms);
    if (status == WICK_OK)
        head->kind = WICK_HEAD_RESPONSE;
    return status;
}

/* ---- What both halves do with what they found ------------------------------------------------------------ */

wick_status wick_head_begin_field(wick_http_head *head, uint8_t c)
{
    if (wick_char_is_blank((char)c))
        return WICK_E_HTTP_FOLD;
    if (!(wick_http_chars[c] & WICK_CHAR_TOKEN))
        return WICK_E_HTTP_FIELD_NAME;
    if (head->header_count == head->header_cap)
        return WICK_E_TOO_MANY_FIELDS;
    head->state = WICK_HEAD_NAME;
    return WICK_MORE;
}

wick_status wick_head_add_field(wick_http_head *head, wick_str name, wick_str value)
{
    wick_http_header *header = &head->headers[head->header_count++];
    header->name = name;
    header->value = value;
    if (name.len != 4 || head->kind != WICK_HEAD_REQUEST || !WICK_STR_IS(name, "host"))
        return WICK_MORE;
    if (head->hosts++ || wick_url_split_authority(value, NULL, NULL) != WICK_OK)
        return WICK_E_HTTP_HOST;
    return WICK_MORE;
}

wick_status wick_head_finish(const wick_http_head *head)
{
    int needs_host = head->kind == WICK_HEAD_REQUEST && head->version > 10;
    return needs_host && !head->hosts ? WICK_E_HTTP_HOST : WICK_OK;
}

/* ---- A line at a time ------------------------------------------------------------------------------------ */

/* Take the request line at p if it is whole and ordinary: "GET /path HTTP/1.1\r\n". Returns what follows it, or p. */
static const uint8_t *head_take_request_line(wick_http_head *head, const uint8_t *p, const uint8_t *end)
{
    const uint8_t *limit = (size_t)(end - p) > head->max_line ? p + head->max_line : end;
    const uint8_t *method = p, *target, *q = p;
    while (q < limit && (wick_http_chars[*q] & WICK_CHAR_TOKEN))
        q++;
    target = q + 1;
    if (q == method || limit - q < 2 || *q != ' ' || *target != '/' || *method == 'C')
        return p; /* CONNECT, for one, has another form of target */
    q = wick_scan_target(target, limit);
    if (limit - q < 11 || memcmp(q, " HTTP/1.", 8) != 0 || !wick_char_is_digit((char)q[8]) || q[9] != '\r' ||
        q[10] != '\n' || q + 11 == end)
        return p;
    head->first_len = (uint32_t)(target - 1 - method);
    head->second_at = (uint32_t)(target - method);
    head->second_len = (uint32_t)(q - target);
    head->version = (uint8_t)(10 + q[8] - '0');
    head->state = WICK_HEAD_FIELD;
    return q + 11;
}

/* The end of the name at p: names that are not only letters, digits and "-" are finished byte by byte. */
static const uint8_t *head_name_end(const uint8_t *p, const uint8_t *end)
{
    p = wick_scan_name(p, end);
    while (p < end && *p != ':' && (wick_http_chars[*p] & WICK_CHAR_TOKEN))
        p++;
    return p;
}

/* Take the field line at p if it is whole and ordinary. Returns what follows it, or p. */
static const uint8_t *head_take_field(wick_scan *scan, const uint8_t *p, wick_str *name, wick_str *value)
{
    const uint8_t *cr = wick_scan_stop(scan, p), *colon, *v, *last;
    while (cr < scan->end && *cr == '\t')
        cr = wick_scan_stop(scan, cr + 1);
    if (scan->end - cr < 2 || cr[0] != '\r' || cr[1] != '\n')
        return p;
    colon = head_name_end(p, scan->end);
    if (colon == p || colon == cr || *colon != ':')
        return p;
    v = colon + 1;
    while (v < cr && wick_char_is_blank((char)*v))
        v++;
    last = cr;
    while (last > v && wick_char_is_blank((char)last[-1]))
        last--;
    name->data = (const char *)p;
    name->len = (size_t)(colon - p);
    value->data = (const char *)v;
    value->len = (size_t)(last - v);
    return cr + 2;
}

/* Take field lines, and the empty line behind them, for as long as they are whole and ordinary. */
static wick_status head_take_fields(wick_http_head *head, const uint8_t *data, const uint8_t *end)
{
    const uint8_t *p = data + head->at, *next;
    wick_status status = WICK_MORE;
    wick_str name, value;
    wick_scan scan;
    wick_scan_begin(&scan, p, end);
    for (;;) {
        if (end - p >= 2 && p[0] == '\r' && p[1] == '\n') {
            status = wick_head_finish(head);
            head->at = (uint32_t)(p - data) + (status == WICK_OK ? 2 : 1);
            return status;
        }
        if (head->header_count == head->header_cap)
            break;
        next = head_take_field(&scan, p, &name, &value);
        if (next == p || (size_t)(next - p) > head->max_field || next == end)
            break;
        p = next;
        status = wick_head_add_field(head, name, value);
        if (status != WICK_MORE)
            break;
    }
    /* An error is found at the line's LF. */
    head->at = (uint32_t)(p - data) - (status < 0);
    return status;
}

/* ---- Feeding --------------------------------------------------------------------------------------------- */

/* The bytes lie elsewhere now: let the fields point there. */
static void head_move_fields(wick_http_head *head, const uint8_t *data)
{
    uintptr_t old = (uintptr_t)head->base;
    if (head->base == data)
        return;
    for (size_t i = 0; i < head->header_count; i++) {
        wick_http_header *header = &head->headers[i];
        header->name.data = (const char *)data + ((uintptr_t)header->name.data - old);
        header->value.data = (const char *)data + ((uintptr_t)header->value.data - old);
    }
    head->base = data;
}

/* The line or head is not complete and has no room left to be. */
static wick_status head_check_limits(const wick_http_head *head)
{
    uint32_t line = head->at - head->line;
    if (head->at >= head->max_head)
        return WICK_E_HEAD_TOO_BIG;
    if (head->state >= WICK_HEAD_METHOD && head->state < WICK_HEAD_FIELD && line >= head->max_line)
        return WICK_E_LINE_TOO_LONG;
    if (head->state > WICK_HEAD_FIELD && head->state < WICK_HEAD_END_LF && line >= head->max_field)
        return WICK_E_FIELD_TOO_LONG;
    return WICK_MORE;
}

static wick_status head_feed_bytes(wick_http_head *head, const uint8_t *data, const uint8_t *end)
{
    wick_status status = WICK_MORE;
    if (head->at == 0 && head->kind == WICK_HEAD_REQUEST)
        head->at = (uint32_t)(head_take_request_line(head, data, end) - data);
    while (status == WICK_MORE && data + head->at < end) {
        if (head->state == WICK_HEAD_FIELD) {
            status = head_take_fields(head, data, end);
            if (status != WICK_MORE || data + head->at == end)
                return status;
        }
        status = wick_head_step(head, data);
        if (status < 0)
            return status;
        head->at++;
        if (status == WICK_MORE)
            status = head_check_limits(head);
    }
    return status;
}

wick_status wick_http_head_feed(wick_http_head *head, const uint8_t *data, size_t len, uint64_t now_ms)
{
    wick_status status = WICK_MORE;
    if (head->result != WICK_MORE)
        return (wick_status)head->result;
    if (len < head->at)
        return WICK_E_ARG;
    if (len > 0) {
        head_move_fields(head, data);
        status = head_feed_bytes(head, data, data + (len < head->max_head ? len : head->max_head));
    }
    if (status == WICK_MORE && now_ms >= head->deadline)
        status = WICK_E_HEAD_TIMEOUT;
    head->result = status;
    return status;
}

uint64_t wick_http_head_deadline(const wick_http_head *head)
{
    return head->result == WICK_MORE ? head->deadline : WICK_NEVER;
}

size_t wick_http_head_length(const wick_http_head *head)
{
    return head->at;
}

/* A piece of the head. Before the first feed there are no bytes to point into. */
static wick_str head_piece(const wick_http_head *head, uint32_t at, uint32_t len)
{
    wick_str piece = WICK_STR("");
    if (len > 0) {
        piece.data = (const char *)head->base + at;
        piece.len = len;
    }
    return piece;
}

void wick_http_head_request(const wick_http_head *head, wick_http_request *request)
{
    const wick_str none = WICK_STR("");
    wick_str target = head_piece(head, head->second_at, head->second_len);
    request->method = head_piece(head, head->first_at, head->first_len);
    request->scheme = request->authority = request->path = request->query = request->target = request->protocol = none;
    if (target.len > 0)
        (void)wick_target_split(request->method, target, request);
    request->version = head->version;
    request->headers = head->headers;
    request->header_count = head->header_count;
}

void wick_http_head_response(const wick_http_head *head, wick_http_response *response)
{
    response->status = head->number;
    response->reason = head_piece(head, head->first_at, head->first_len);
    response->version = head->version;
    response->headers = head->headers;
    response->header_count = head->header_count;
}
