/*
 * http_api.c - parameters of a request, and JSON answers.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent_server/http_api.h"

/* ---- Parameters -------------------------------------------------------------------------------------------------- */

static int find_header(const wick_http_request *head, wick_str name, wick_str *value)
{
    char other[64];
    if (!name.len || name.len + 2 > sizeof other)
        return 0;
    if (wick_http_find(head->headers, head->header_count, name, value))
        return value->len > 0;
    memcpy(other, "x-", 2);
    memcpy(other + 2, name.data, name.len);
    return wick_http_find(head->headers, head->header_count, (wick_str){ other, name.len + 2 }, value) && value->len;
}

int api_parameter(const wick_http_request *head, wick_str header, wick_str query, char *out, wick_text *value)
{
    wick_str found;
    size_t len;
    *value = (wick_text){ NULL, 0, WICK_TEXT_PLAIN };
    if (find_header(head, header, &found)) {
        if (found.len > PARAMETER_MAX)
            return -1;
        memcpy(out, found.data, found.len);
        len = found.len;
    } else {
        if (!query.len || !wick_url_query_find(head->query, query, &found) || !found.len)
            return 0;
        if (wick_url_decode(found, 1, out, PARAMETER_MAX, &len) != WICK_OK)
            return -1;
    }
    *value = wick_text_of(out, len);
    return 1;
}

int api_cursor(const wick_http_request *head, wick_cursor *cursor)
{
    static const wick_str header = { "last-event-id", 13 }, none = { "", 0 };
    static const wick_str names[] = { { "last_event_id", 13 }, { "after", 5 } };
    char room[PARAMETER_MAX];
    wick_text text;
    int found = api_parameter(head, header, names[0], room, &text);
    if (!found)
        found = api_parameter(head, none, names[1], room, &text);
    *cursor = (wick_cursor){ 0, 0 };
    if (found > 0 && (wick_cursor_read(text.data, text.len, cursor) != WICK_OK || !cursor->epoch))
        return -1;
    return found;
}

int api_accepts(const wick_http_request *head, const char *media)
{
    wick_http_elements accept;
    wick_str element, name, value;
    wick_http_elements_init(&accept, head->headers, head->header_count, WICK_STR("accept"));
    while (wick_http_elements_next(&accept, &element)) {
        size_t len = element.len;
        const char *end = len ? memchr(element.data, ';', len) : NULL;
        name = (wick_str){ element.data, end ? (size_t)(end - element.data) : len };
        while (name.len && (name.data[name.len - 1] == ' ' || name.data[name.len - 1] == '\t'))
            name.len--;
        value = (wick_str){ media, strlen(media) };
        if (wick_http_equal(name, value))
            return 1;
    }
    return 0;
}

/* ---- Answers ----------------------------------------------------------------------------------------------------- */

void api_answer(struct peer *peer, unsigned status, const char *json, size_t len)
{
    static const wick_http_header fields[] = { { { "Cache-Control", 13 }, { "no-store", 8 } } };
    wick_http_answer answer = { .status = status, .content_type = WICK_STR("application/json"), .length = len,
                                .headers = fields, .header_count = 1 };
    http_answer(peer, &answer, json);
}

void api_problem(struct peer *peer, wick_code code, wick_str detail)
{
    const char *name = wick_code_name(code);
    wick_http_problem problem = { .status = wick_code_http(code), .code = { name, strlen(name) }, .detail = detail,
                                  .retry_after_s = wick_code_retryable(code) ? 1 : 0, .keep_alive = 1 };
    http_problem(peer, &problem);
}

void api_problem_text(struct peer *peer, wick_code code, const char *detail)
{
    api_problem(peer, code, (wick_str){ detail, strlen(detail) });
}

void api_answer_grown(struct peer *peer, unsigned status, struct growing *json)
{
    if (json->failed)
        api_problem_text(peer, WICK_CODE_INTERNAL, "There is no memory for the answer.");
    else
        api_answer(peer, status, json->data, json->len);
    free(json->data);
    *json = (struct growing){ 0 };
}

/* ---- Text that grows --------------------------------------------------------------------------------------------- */

char *growing_room(struct growing *text, size_t len)
{
    if (text->failed)
        return NULL;
    if (len > text->cap - text->len) {
        size_t cap = text->cap * 2 > text->len + len ? text->cap * 2 : text->len + len + 256;
        char *data = realloc(text->data, cap);
        if (!data) {
            text->failed = 1;
            return NULL;
        }
        text->data = data;
        text->cap = cap;
    }
    return text->data + text->len;
}

void growing_add(struct growing *text, const void *data, size_t len)
{
    char *room = growing_room(text, len);
    if (!room || !len)
        return;
    memcpy(room, data, len);
    text->len += len;
}

void growing_print(struct growing *text, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof line)
        text->failed = 1;
    else
        growing_add(text, line, (size_t)len);
}
