/*
 * The head parser one byte at a time: the half that decides.
 *
 * Every byte of a head that the whole-line half in head.c does not take comes through wick_head_step() exactly once. It
 * knows every rule, gives every error, and can stop and go on between any two bytes. RFC 9112 sections 2 to 5.
 */
#include "http/head.h"

#include "http/chars.h"

/* The first byte of a TLS record: a client begins with a handshake, a server that got plain text answers an alert. */
#define TLS_ALERT 0x15
#define TLS_HANDSHAKE 0x16

static wick_str head_from_mark(const wick_http_head *head, const uint8_t *data)
{
    wick_str text = {(const char *)data + head->mark, head->at - head->mark};
    return text;
}

static wick_status head_go_to(wick_http_head *head, uint8_t state)
{
    head->state = state;
    return WICK_MORE;
}

/* Go on with the byte behind this one, where an element begins. */
static wick_status head_go_to_element(wick_http_head *head, uint8_t state)
{
    head->mark = head->at + 1;
    return head_go_to(head, state);
}

static wick_status head_step_begin(wick_http_head *head, uint8_t c)
{
    head->line = head->mark = head->at;
    if (head->at == 0 && (c == TLS_HANDSHAKE || (c == TLS_ALERT && head->kind == WICK_HEAD_RESPONSE)))
        return WICK_E_HTTP_TLS;
    if (head->kind == WICK_HEAD_RESPONSE)
        return c == 'H' ? head_go_to(head, WICK_HEAD_VERSION) : WICK_E_HTTP_STATUS_LINE;
    if (c == '\r' && !head->empty_lines)
        return head_go_to(head, WICK_HEAD_BEGIN_LF);
    return wick_http_chars[c] & WICK_CHAR_TOKEN ? head_go_to(head, WICK_HEAD_METHOD) : WICK_E_HTTP_REQUEST_LINE;
}

static wick_status head_step_begin_lf(wick_http_head *head, uint8_t c)
{
    if (c != '\n')
        return WICK_E_HTTP_LINE_END;
    head->empty_lines = 1;
    return head_go_to(head, WICK_HEAD_BEGIN);
}

static wick_status head_step_method(wick_http_head *head, uint8_t c)
{
    if (wick_http_chars[c] & WICK_CHAR_TOKEN)
        return WICK_MORE;
    if (c != ' ')
        return WICK_E_HTTP_REQUEST_LINE;
    head->first_at = head->mark;
    head->first_len = head->at - head->mark;
    return head_go_to_element(head, WICK_HEAD_TARGET);
}

static wick_status head_step_target(wick_http_head *head, const uint8_t *data, uint8_t c)
{
    wick_str method = {(const char *)data + head->first_at, head->first_len};
    wick_http_request ignored;
    wick_status status;
    if (wick_http_chars[c] & WICK_CHAR_TARGET)
        return WICK_MORE;
    if (c == '\r' || c == '\n')
        return WICK_E_HTTP_REQUEST_LINE; /* no version: HTTP/0.9 */
    if (c != ' ')
        return WICK_E_HTTP_TARGET;
    status = wick_target_split(method, head_from_mark(head, data), &ignored);
    if (status != WICK_OK)
        return status;
    head->second_at = head->mark;
    head->second_len = head->at - head->mark;
    return head_go_to_element(head, WICK_HEAD_VERSION);
}

/* "HTTP/1." and a digit; then CR in a request, SP in a response. */
static wick_status head_step_version(wick_http_head *head, uint8_t c)
{
    wick_status bad = head->kind == WICK_HEAD_REQUEST ? WICK_E_HTTP_REQUEST_LINE : WICK_E_HTTP_STATUS_LINE;
    uint32_t n = head->at - head->mark;
    int digit = wick_char_is_digit((char)c);
    if (n == 5)
        return c == '1' ? WICK_MORE : digit ? WICK_E_HTTP_VERSION : bad;
    if (n < 7)
        return c == (uint8_t)"HTTP/1."[n] ? WICK_MORE : bad;
    if (n == 7) {
        head->version = (uint8_t)(10 + c - '0');
        return digit ? WICK_MORE : bad;
    }
    if (head->kind == WICK_HEAD_REQUEST)
        return c == '\r' ? head_go_to(head, WICK_HEAD_LINE_LF) : c == '\n' ? WICK_E_HTTP_LINE_END : bad;
    return c == ' ' ? head_go_to_element(head, WICK_HEAD_STATUS) : bad;
}

static wick_status head_step_status(wick_http_head *head, uint8_t c)
{
    uint32_t n = head->at - head->mark;
    if (!wick_char_is_digit((char)c) || (n == 0 && c == '0'))
        return WICK_E_HTTP_STATUS_LINE;
    head->number = (uint16_t)(head->number * 10 + c - '0');
    return n < 2 ? WICK_MORE : head_go_to(head, WICK_HEAD_STATUS_END);
}

static wick_status head_step_reason(wick_http_head *head, uint8_t c)
{
    if (head->state == WICK_HEAD_STATUS_END && c == ' ')
        return head_go_to_element(head, WICK_HEAD_REASON);
    if (head->state == WICK_HEAD_REASON && (wick_http_chars[c] & WICK_CHAR_VALUE))
        return WICK_MORE;
    if (c == '\n')
        return WICK_E_HTTP_LINE_END;
    if (c != '\r')
        return WICK_E_HTTP_STATUS_LINE;
    if (head->state == WICK_HEAD_REASON) {
        head->first_at = head->mark;
        head->first_len = head->at - head->mark;
    }
    return head_go_to(head, WICK_HEAD_LINE_LF);
}

static wick_status head_step_field(wick_http_head *head, uint8_t c)
{
    if (c == '\r')
        return head_go_to(head, WICK_HEAD_END_LF);
    if (c == '\n')
        return WICK_E_HTTP_LINE_END;
    head->line = head->mark = head->at;
    return wick_head_begin_field(head, c);
}

static wick_status head_step_name(wick_http_head *head, uint8_t c)
{
    if (wick_http_chars[c] & WICK_CHAR_TOKEN)
        return WICK_MORE;
    if (c != ':')
        return WICK_E_HTTP_FIELD_NAME;
    head->name_len = head->at - head->line;
    return head_go_to(head, WICK_HEAD_BLANKS);
}

static wick_status head_step_value(wick_http_head *head, uint8_t c)
{
    if (head->state == WICK_HEAD_BLANKS) {
        if (wick_char_is_blank((char)c))
            return WICK_MORE;
        head->mark = head->at;
        head->state = WICK_HEAD_VALUE;
    }
    if (wick_http_chars[c] & WICK_CHAR_VALUE)
        return WICK_MORE;
    if (c == '\n')
        return WICK_E_HTTP_LINE_END;
    return c == '\r' ? head_go_to(head, WICK_HEAD_FIELD_LF) : WICK_E_HTTP_FIELD_VALUE;
}

static wick_status head_step_field_lf(wick_http_head *head, const uint8_t *data, uint8_t c)
{
    wick_str name = {(const char *)data + head->line, head->name_len};
    wick_str value = {(const char *)data + head->mark, head->at - 1 - head->mark};
    if (c != '\n')
        return WICK_E_HTTP_LINE_END;
    head->state = WICK_HEAD_FIELD;
    return wick_head_add_field(head, name, wick_str_trim(value));
}

wick_status wick_head_step(wick_http_head *head, const uint8_t *data)
{
    uint8_t c = data[head->at];
    switch (head->state) {
    case WICK_HEAD_BEGIN:
        return head_step_begin(head, c);
    case WICK_HEAD_BEGIN_LF:
        return head_step_begin_lf(head, c);
    case WICK_HEAD_METHOD:
        return head_step_method(head, c);
    case WICK_HEAD_TARGET:
        return head_step_target(head, data, c);
    case WICK_HEAD_VERSION:
        return head_step_version(head, c);
    case WICK_HEAD_STATUS:
        return head_step_status(head, c);
    case WICK_HEAD_STATUS_END:
    case WICK_HEAD_REASON:
        return head_step_reason(head, c);
    case WICK_HEAD_LINE_LF:
        return c == '\n' ? head_go_to(head, WICK_HEAD_FIELD) : WICK_E_HTTP_LINE_END;
    case WICK_HEAD_FIELD:
        return head_step_field(head, c);
    case WICK_HEAD_NAME:
        return head_step_name(head, c);
    case WICK_HEAD_BLANKS:
    case WICK_HEAD_VALUE:
        return head_step_value(head, c);
    case WICK_HEAD_FIELD_LF:
        return head_step_field_lf(head, data, c);
    case WICK_HEAD_END_LF:
        return c == '\n' ? wick_head_finish(head) : WICK_E_HTTP_LINE_END;
    default:
        return WICK_E_STATE;
    }
}
