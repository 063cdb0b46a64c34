/*
 * problem.c - see problem.h.
 */
#include "lib/problem.h"

#include <stdio.h>
#include <string.h>

/* Copy a text of the server's as one line that cannot drive a terminal. */
static void copy_visible(wick_str text, char *out, size_t cap)
{
    size_t len = 0, i;
    for (i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte == '\n' || byte == '\r' || byte == '\t')
            byte = ' ';
        int control = byte < 0x20 || byte == 0x7f;
        if (len + (control ? 4 : 1) >= cap)
            break;
        if (control)
            len += (size_t)snprintf(out + len, 5, "\\x%02x", byte);
        else
            out[len++] = (char)byte;
    }
    if (i < text.len) { /* cut: not inside a character */
        while (len && ((unsigned char)out[len - 1] & 0xC0) == 0x80)
            len--;
        len -= len && (unsigned char)out[len - 1] >= 0xC0;
    }
    out[len] = '\0';
}

/* Returns 1 if the member is there. */
static int copy_member(const wick_text *object, const char *name, char *out, size_t cap)
{
    char room[4096];
    wick_text value;
    wick_str plain;
    if (wick_json_member(object, name, strlen(name), &value) != WICK_OK || !value.data || value.len > sizeof room ||
        value.form == WICK_TEXT_JSON || wick_text_plain(&value, room, sizeof room, &plain) != WICK_OK)
        return 0;
    copy_visible(plain, out, cap);
    return 1;
}

int problem_read(const uint8_t *body, size_t len, struct problem *problem)
{
    wick_text object = { (const char *)body, (uint32_t)len, WICK_TEXT_JSON };
    int found = 0;
    memset(problem, 0, sizeof *problem);
    if (!len || wick_json_check(NULL, body, len, NULL) != WICK_OK)
        return 0;
    found += copy_member(&object, "title", problem->title, sizeof problem->title);
    found += copy_member(&object, "detail", problem->detail, sizeof problem->detail);
    found += copy_member(&object, "code", problem->code, sizeof problem->code);
    found += copy_member(&object, "cause", problem->cause, sizeof problem->cause);
    found += copy_member(&object, "proxy", problem->proxy, sizeof problem->proxy);
    found += copy_member(&object, "hint", problem->hint, sizeof problem->hint);
    found += copy_member(&object, "saw", problem->saw, sizeof problem->saw);
    wick_text code = wick_text_of(problem->code, strlen(problem->code));
    problem->code_value = *problem->code ? wick_code_find(&code) : WICK_CODE_NONE;
    return found > 0;
}

char *problem_line(const struct problem *problem, char *out, size_t cap)
{
    const char *detail = *problem->detail ? problem->detail : problem->title;
    const char *by = !*problem->proxy ? "" : *problem->cause ? ", by " : "by ";
    int any = *problem->cause || *problem->proxy;
    snprintf(out, cap, "%s%s%s%s%s%s%s%s", problem->code, any ? " (" : "", problem->cause, by, problem->proxy,
             any ? ")" : "", *problem->code && *detail ? ": " : "", detail);
    return out;
}

uint64_t problem_retry_after(const wick_http_response *response)
{
    uint64_t seconds = 0;
    wick_str value;
    if (!wick_http_find(response->headers, response->header_count, WICK_STR("retry-after"), &value))
        return 0;
    for (size_t at = 0; at < value.len && value.data[at] >= '0' && value.data[at] <= '9' && seconds < 86400; at++)
        seconds = seconds * 10 + (uint64_t)(value.data[at] - '0');
    return (seconds < 86400 ? seconds : 86400) * 1000;
}
