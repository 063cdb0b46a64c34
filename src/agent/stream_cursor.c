/*
 * Cursors, the decision to resume, and the types that a reader wants.
 */
#include "agent/stream_internal.h"

/* Write n in decimal; returns the bytes. */
static size_t put_decimal(uint64_t n, char *out)
{
    char digits[20];
    size_t count = 0, i;
    do {
        digits[count++] = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    for (i = 0; i < count; i++)
        out[i] = digits[count - 1 - i];
    return count;
}

size_t wick_cursor_write(const wick_cursor *cursor, char *out)
{
    size_t len = put_decimal(cursor->epoch, out);
    out[len++] = ':';
    return len + put_decimal(cursor->seq, out + len);
}

/* Read a decimal number up to WICK_INT_MAX at text[*at..len); moves *at. Returns 0 if there is none. */
static int take_decimal(const char *text, size_t len, size_t *at, uint64_t *n)
{
    size_t start = *at;
    *n = 0;
    for (; *at < len && text[*at] >= '0' && text[*at] <= '9'; ++*at) {
        if (*at - start == 16)
            return 0;
        *n = *n * 10 + (uint64_t)(text[*at] - '0');
    }
    return *at > start && *n <= WICK_INT_MAX;
}

wick_status wick_cursor_read(const char *text, size_t len, wick_cursor *cursor)
{
    size_t at = 0;
    wick_cursor read;
    if (!take_decimal(text, len, &at, &read.epoch) || at == len || text[at] != ':')
        return WICK_E_ARG;
    at++;
    if (!take_decimal(text, len, &at, &read.seq) || at != len)
        return WICK_E_ARG;
    *cursor = read;
    return WICK_OK;
}

const char *wick_reset_name(wick_reset reset)
{
    switch (reset) {
    case WICK_RESET_WINDOW_EXPIRED:
        return "window_expired";
    case WICK_RESET_EPOCH_CHANGED:
        return "epoch_changed";
    case WICK_RESET_SLOW_CONSUMER:
        return "slow_consumer";
    default:
        return "";
    }
}

wick_reset wick_stream_resume(const wick_stream *stream, const wick_cursor *cursor, wick_resume *resume)
{
    memset(resume, 0, sizeof *resume);
    resume->after = stream->head;
    if (cursor->epoch != stream->epoch || cursor->seq > stream->head)
        resume->reset = WICK_RESET_EPOCH_CHANGED;
    else if (cursor->seq + 1 < stream->oldest)
        resume->reset = WICK_RESET_WINDOW_EXPIRED;
    if (resume->reset != WICK_RESET_NONE)
        return resume->reset;
    resume->after = cursor->seq;
    resume->replay_count = stream->head - cursor->seq;
    resume->replay_from = resume->replay_count ? cursor->seq + 1 : 0;
    return WICK_RESET_NONE;
}

/* ---- What a reader wants --------------------------------------------------------------------------------- */

/* Whether a pattern with any number of `*` matches a name: on a mismatch the last star takes one character more. */
static int glob_matches(const char *pattern, size_t pattern_len, const char *name, size_t len)
{
    size_t p = 0, n = 0, star = SIZE_MAX, resume = 0;
    while (n < len) {
        if (p < pattern_len && pattern[p] == '*') {
            star = p++;
            resume = n;
        } else if (p < pattern_len && pattern[p] == name[n]) {
            p++;
            n++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            n = ++resume;
        } else {
            return 0;
        }
    }
    while (p < pattern_len && pattern[p] == '*')
        p++;
    return p == pattern_len;
}

static int has_star(const char *pattern, size_t len)
{
    size_t i;
    for (i = 0; i < len; i++)
        if (pattern[i] == '*')
            return 1;
    return 0;
}

/* The length of a type's name. The bound keeps compilers from making a call of strlen of it. */
static size_t name_length(const char *name)
{
    size_t len;
    for (len = 0; len < 64 && name[len]; len++)
        ;
    return len;
}

wick_status wick_want_add(wick_want *want, const char *pattern, size_t len)
{
    unsigned type;
    int known = 0;
    if (len == 0 || len > 64)
        return WICK_E_ARG;
    for (type = WICK_TYPE_APPLICATION + 1; type < WICK_TYPE_COUNT; type++) {
        const char *name = wick_type_name((wick_type)type);
        if (!glob_matches(pattern, len, name, name_length(name)))
            continue;
        want->known[type / 32] |= (uint32_t)1 << type % 32;
        known = 1;
    }
    if (known && !has_star(pattern, len))
        return WICK_OK;
    if (want->used + len + 1 > sizeof want->text)
        return WICK_E_SPACE;
    want->text[want->used] = (char)len;
    memcpy(want->text + want->used + 1, pattern, len);
    want->used += (uint32_t)len + 1;
    return WICK_OK;
}

int wick_want_has(const wick_want *want, wick_type type, const char *name, size_t len)
{
    uint32_t at;
    if (!want)
        return 1;
    if (type > WICK_TYPE_APPLICATION)
        return (int)(want->known[(unsigned)type / 32] >> (unsigned)type % 32 & 1u);
    for (at = 0; at < want->used; at += 1 + (uint32_t)want->text[at])
        if (glob_matches(want->text + at + 1, (size_t)want->text[at], name, len))
            return 1;
    return 0;
}
