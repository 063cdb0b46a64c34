/*
 * child_output.c - what a child prints, as events.
 *
 * A line of stdout that is a JSON object of a known type is an event; any other is an agent.token with its newline.
 * A line of stderr is an agent.log. A line that is too long for the buffer comes in pieces, cut between characters;
 * only what could be an event, because it begins with a brace, is collected up to EVENT_MAX.
 */
#include "lib/child.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"

/* A piece of a long line; also what is read at once. */
#define PIECE_MAX 16384
/* The longest line that can be an event. */
#define EVENT_MAX (1u << 20)

/* ---- Lines as events --------------------------------------------------------------------------------------------- */

static const char *name_of(const wick_event *event)
{
    return event->type == WICK_TYPE_APPLICATION ? "x." : wick_type_name(event->type);
}

static enum told told_of(const struct child *child, const wick_event *event, wick_status status)
{
    if (status == WICK_OK)
        return TOLD;
    if (status == WICK_BLOCKED)
        return TOLD_LATER;
    if (status != WICK_E_STATE && !(event->type == WICK_TYPE_AGENT_STARTED && status == WICK_E_ORDER_START))
        log_line("agent %.*s: %s is dropped: %s", (int)child->id.len, child->id.data,
                 name_of(event), wick_status_text(status));
    return TOLD_NEVER;
}

static enum told emit(struct child *child, const wick_event *event)
{
    struct agents *agents = child->agents;
    wick_status status = wick_runtime_emit(agents->runtime, child->handle, event, agents->loop->now_ms);
    if (status == WICK_OK && (event->type == WICK_TYPE_AGENT_COMPLETED || event->type == WICK_TYPE_AGENT_FAILED))
        child_said_end(child);
    return told_of(child, event, status);
}

static enum told tell_text(struct pipe_in *in, const char *data, size_t len)
{
    wick_event event = { .type = in->error ? WICK_TYPE_AGENT_LOG : WICK_TYPE_AGENT_TOKEN };
    if (in->error) {
        while (len && (data[len - 1] == '\n' || data[len - 1] == '\r'))
            len--;
        event.as.agent_log.level = WICK_LEVEL_INFO;
        event.as.agent_log.message = wick_text_of(data, len);
        event.as.agent_log.stream = WICK_LOG_STREAM_STDERR;
    } else {
        event.as.agent_token.text = wick_text_of(data, len);
    }
    return emit(in->child, &event);
}

/*
 * A line that may be an event. What has a type that an agent may use is one, also if it breaks a rule and is
 * dropped; what has none, or one that is not known, is text.
 */
static enum told tell_json(struct pipe_in *in, const char *data, size_t len)
{
    static const wick_event_config config = { .size = sizeof config,
                                              .flags = WICK_JSON_LONE_SURROGATES | WICK_EVENT_FROM_AGENT,
                                              .by = WICK_BY_RUNTIME | WICK_BY_SERVER };
    wick_event event;
    wick_event_error error;
    char sentence[192];
    wick_status status = wick_event_read(&config, data, len, &event, &error);
    if (status == WICK_OK || (status == WICK_UNKNOWN_TYPE && event.type == WICK_TYPE_APPLICATION))
        return event.type == WICK_TYPE_PING || event.type == WICK_TYPE_PONG || event.type == WICK_TYPE_ERROR ||
                       event.type == WICK_TYPE_ACCEPTED || event.type == WICK_TYPE_RUNTIME_STATUS
                   ? tell_text(in, data, len)
                   : emit(in->child, &event);
    if ((status != WICK_E_PAYLOAD && status != WICK_E_ENVELOPE) || event.type == WICK_TYPE_UNKNOWN)
        return tell_text(in, data, len);
    wick_text why = wick_event_error_text(&error, sentence, sizeof sentence);
    log_line("agent %.*s: %s is dropped: %.*s", (int)in->child->id.len, in->child->id.data, name_of(&event),
             (int)why.len, why.data);
    return TOLD_NEVER;
}

static int may_be_event(const struct pipe_in *in, const char *data, size_t len)
{
    size_t i = 0;
    while (i < len && (data[i] == ' ' || data[i] == '\t'))
        i++;
    return !in->error && !in->in_pieces && i < len && data[i] == '{';
}

/* ---- Bytes as lines ---------------------------------------------------------------------------------------------- */

/* The bytes of a piece that is cut at len: not inside a character. What is not UTF-8 anyway may be cut anywhere. */
static size_t cut(const char *data, size_t len)
{
    size_t back = 0;
    while (back < 3 && back < len && ((unsigned char)data[len - 1 - back] & 0xC0) == 0x80)
        back++;
    if (back < len) {
        unsigned char lead = (unsigned char)data[len - 1 - back];
        size_t need = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
        if (need > back + 1 && back + 1 < len)
            return len - back - 1;
    }
    return len;
}

/*
 * The bytes of the next thing to tell: a line with its end, or a piece of one; 0 if more has to come first.
 */
static size_t next_len(struct pipe_in *in, const char *data, size_t len, int at_end)
{
    const char *newline = in->looked < len ? memchr(data + in->looked, '\n', len - in->looked) : NULL;
    size_t line = newline ? (size_t)(newline - data) + 1 : len;
    size_t max = may_be_event(in, data, len) ? EVENT_MAX : PIECE_MAX;
    in->looked = newline ? 0 : len;
    if (line > max)
        return cut(data, PIECE_MAX);
    return newline || at_end ? line : 0;
}

static enum told tell_one(struct pipe_in *in, const char *data, size_t len)
{
    int whole = len && data[len - 1] == '\n';
    enum told told;
    if (in->child->muted)
        return TOLD_NEVER;
    if (in->error && in->in_pieces && len == 1 && whole)
        told = TOLD_NEVER; /* the end of a line whose text has been told */
    else if (may_be_event(in, data, len) && len <= EVENT_MAX)
        told = tell_json(in, data, len);
    else
        told = tell_text(in, data, len);
    if (told != TOLD_LATER)
        in->in_pieces = !whole;
    return told;
}

int child_tell(struct pipe_in *in, int at_end)
{
    size_t at = 0, len;
    int refused = 0;
    while (at < in->len && !refused && (len = next_len(in, in->data + at, in->len - at, at_end)) > 0) {
        refused = tell_one(in, in->data + at, len) == TOLD_LATER;
        in->looked = 0;
        if (!refused)
            at += len;
    }
    if (at)
        memmove(in->data, in->data + at, in->len - at);
    in->len -= at;
    return !refused;
}

static int make_room(struct pipe_in *in)
{
    if (in->cap - in->len >= PIECE_MAX)
        return 1;
    /* Whatever is longer than EVENT_MAX is told in pieces: this is the end of growing. */
    size_t cap = in->cap ? in->cap * 2 : 2 * PIECE_MAX;
    char *data = realloc(in->data, cap);
    if (!data)
        return 0;
    in->data = data;
    in->cap = cap;
    return 1;
}

int child_read(struct pipe_in *in)
{
    if (!make_room(in)) {
        log_line("agent %.*s: no memory for its output", (int)in->child->id.len, in->child->id.data);
        return 0;
    }
    ssize_t n = read(in->source.fd, in->data + in->len, in->cap - in->len);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    if (n == 0)
        return 0;
    in->len += (size_t)n;
    if (in->child->muted)
        in->len = 0;
    else if (!child_tell(in, 0))
        in->child->blocked = 1;
    return 1;
}
