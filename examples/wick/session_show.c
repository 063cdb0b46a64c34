/*
 * session_show.c - messages of a session as lines for people: number, type, run, and what they say.
 */
#include "wick/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int as_json;

void session_show_begin(int json)
{
    as_json = json;
}

static void put_visible(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte < 0x20 || byte == 0x7f)
            printf(byte == '\n' ? "\\n" : "\\x%02x", byte);
        else
            putchar(byte);
    }
}

/* A text without escapes; JSON as it is. */
static void put_text(const char *before, const wick_text *text)
{
    char *room;
    wick_str plain;
    if (!text->data)
        return;
    fputs(before, stdout);
    room = malloc((size_t)text->len + 1);
    if (room && wick_text_plain(text, room, text->len + 1u, &plain) == WICK_OK)
        put_visible(plain.data, plain.len);
    free(room);
}

static void put_error(const wick_event *event)
{
    put_text(" to ", &event->head.re);
    put_text(": ", &event->as.error.code);
    put_text(": ", &event->as.error.message);
    if (event->as.error.retryable)
        fputs(" (the same again may work)", stdout);
}

static void put_opened(const wick_session_opened *opened)
{
    put_text(" ", &opened->session_id);
    printf(", epoch %lld, %s, head %lld", (long long)opened->epoch, opened->recovered ? "recovered" : "new",
           (long long)opened->head_seq);
    if (opened->pending_inputs.len > 2)
        put_text(", open questions ", &opened->pending_inputs);
}

static void put_question(const wick_input_request *request)
{
    put_text(": ", &request->question);
    put_text(" choices ", &request->choices);
    put_text(" default ", &request->fallback);
    fputs(" (/answer TEXT)", stdout);
}

/* What most messages are: their payload. */
static void put_payload(const wick_event *event)
{
    if (event->head.payload.len > 2)
        put_text(" ", &event->head.payload);
}

static void put_message(const wick_event *event)
{
    switch (event->type) {
    case WICK_TYPE_AGENT_TOKEN:
        put_text(": ", &event->as.agent_token.text);
        break;
    case WICK_TYPE_AGENT_THOUGHT:
        put_text(": ", &event->as.agent_thought.text);
        break;
    case WICK_TYPE_AGENT_LOG:
        put_text(": ", &event->as.agent_log.message);
        break;
    case WICK_TYPE_AGENT_INPUT_REQUEST:
        put_question(&event->as.input_request);
        break;
    case WICK_TYPE_AGENT_FAILED:
        put_text(": ", &event->as.agent_failed.error.code);
        put_text(": ", &event->as.agent_failed.error.message);
        break;
    case WICK_TYPE_ERROR:
        put_error(event);
        break;
    case WICK_TYPE_SESSION_OPENED:
        put_opened(&event->as.session_opened);
        break;
    case WICK_TYPE_ACCEPTED:
        put_text(" ", &event->head.re);
        put_text(", run ", &event->as.accepted.invocation_id);
        if (event->as.accepted.duplicate)
            fputs(", again", stdout);
        break;
    default:
        put_payload(event);
    }
}

/* A message may have line ends between its tokens, never inside a string. */
static void put_raw(const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        putchar(data[i] == '\n' || data[i] == '\r' ? ' ' : data[i]);
}

int session_show(const wick_event *event, const char *data, size_t len)
{
    if (as_json) {
        put_raw(data, len);
    } else {
        if (event->head.first_seq && event->head.first_seq < event->head.seq)
            printf("%lld-", (long long)event->head.first_seq);
        if (event->head.seq)
            printf("%lld ", (long long)event->head.seq);
        put_text("", &event->head.type);
        if (event->head.seq)
            put_text(" ", &event->head.invocation_id);
        put_message(event);
    }
    putchar('\n');
    return fflush(stdout) == 0 ? 0 : -1;
}
