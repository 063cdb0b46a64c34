/*
 * Fields, lists and parameters: RFC 9110 section 5. Everything here is linear in the text it looks at.
 */
#include "http/chars.h"

int wick_http_equal(wick_str a, wick_str b)
{
    const uint8_t *x = (const uint8_t *)a.data, *y = (const uint8_t *)b.data;
    size_t i = 0;
    if (a.len != b.len)
        return 0;
    for (; i + 8 <= a.len; i += 8)
        if (wick_lower8(wick_load64(x + i)) != wick_lower8(wick_load64(y + i)))
            return 0;
    for (; i < a.len; i++)
        if (wick_char_lower(a.data[i]) != wick_char_lower(b.data[i]))
            return 0;
    return 1;
}

int wick_http_is_token(wick_str text)
{
    return text.len > 0 && wick_str_span(text, WICK_CHAR_TOKEN) == text.len;
}

int wick_http_is_value(wick_str text)
{
    return wick_str_span(text, WICK_CHAR_VALUE) == text.len && wick_str_trim(text).len == text.len;
}

size_t wick_http_find(const wick_http_header *headers, size_t count, wick_str name, wick_str *value)
{
    size_t found = 0;
    if (value)
        *value = WICK_STR("");
    for (size_t i = 0; i < count; i++) {
        if (!wick_http_equal(headers[i].name, name))
            continue;
        if (found++ == 0 && value)
            *value = headers[i].value;
    }
    return found;
}

/* The index of the first stop character outside quoted strings, or text.len. */
static size_t unquoted_index(wick_str text, char stop)
{
    int quoted = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == stop && !quoted)
            return i;
        if (c == '"')
            quoted = !quoted;
        else if (c == '\\' && quoted)
            i++;
    }
    return text.len;
}

int wick_http_list_next(wick_str *rest, wick_str *element)
{
    while (rest->len > 0) {
        size_t n = unquoted_index(*rest, ',');
        *element = wick_str_trim(wick_str_first(*rest, n));
        *rest = wick_str_from(*rest, n < rest->len ? n + 1 : n);
        if (element->len > 0)
            return 1;
    }
    *element = WICK_STR("");
    return 0;
}

void wick_http_elements_init(wick_http_elements *elements, const wick_http_header *headers, size_t count,
                             wick_str name)
{
    elements->headers = headers;
    elements->count = count;
    elements->name = name;
    elements->rest = WICK_STR("");
}

int wick_http_elements_next(wick_http_elements *elements, wick_str *element)
{
    for (;;) {
        if (wick_http_list_next(&elements->rest, element))
            return 1;
        while (elements->count > 0 && !wick_http_equal(elements->headers->name, elements->name)) {
            elements->headers++;
            elements->count--;
        }
        if (elements->count == 0)
            return 0;
        elements->rest = elements->headers->value;
        elements->headers++;
        elements->count--;
    }
}

int wick_http_has_token(const wick_http_header *headers, size_t count, wick_str name, wick_str token)
{
    wick_http_elements elements;
    wick_str element;
    wick_http_elements_init(&elements, headers, count, name);
    while (wick_http_elements_next(&elements, &element))
        if (wick_http_equal(element, token))
            return 1;
    return 0;
}

/* Whether a text is a quoted string and nothing else: RFC 9110 section 5.6.4. */
static int is_quoted_string(wick_str text)
{
    size_t i = 1;
    if (text.len < 2 || text.data[0] != '"')
        return 0;
    while (i < text.len && text.data[i] != '"') {
        if (text.data[i] == '\\')
            i++;
        if (i >= text.len || !wick_char_is(text.data[i], WICK_CHAR_VALUE))
            return 0;
        i++;
    }
    return i + 1 == text.len;
}

int wick_http_parameter_next(wick_str *rest, wick_str *name, wick_str *value)
{
    const wick_str none = {NULL, 0};
    size_t n = unquoted_index(*rest, ';'), equals;
    wick_str part = wick_str_trim(wick_str_first(*rest, n));
    *name = *value = none;
    if (rest->len == 0)
        return 0;
    /* A semicolon with nothing behind it spoils the part before it. */
    if (n < rest->len && ++n == rest->len)
        part.len = 0;
    *rest = wick_str_from(*rest, n);
    equals = wick_str_index(part, '=');
    *name = wick_str_trim(wick_str_first(part, equals));
    if (equals < part.len) {
        *value = wick_str_trim(wick_str_from(part, equals + 1));
        if (is_quoted_string(*value))
            *value = wick_str_first(wick_str_from(*value, 1), value->len - 2);
        else if (!wick_http_is_token(*value))
            name->len = 0;
    }
    if (wick_http_is_token(*name))
        return 1;
    rest->len = 0;
    return -1;
}
