/*
 * session_say.c - what a user types: an envelope, a command, or text for an agent.
 *
 *     {"type":"room.join","payload":{"room":"all"}}    sent as it is; it gets an id if it has none and is answered
 *     /answer TEXT                                     the answer to the newest open question
 *     /cancel                                          the newest run
 *     /close                                           the session: the server forgets it
 *     anything else                                    agent.message
 */
#include "wick/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUESTIONS 16

/* Open questions, the newest last. */
static char questions[QUESTIONS][WICK_LIMIT_ID + 1];
static unsigned question_count;
static char run[WICK_LIMIT_ID + 1];

static void keep(const wick_text *text, char *out)
{
    char room[WICK_LIMIT_ID + 1];
    wick_str plain;
    *out = '\0';
    if (!text->data || wick_text_plain(text, room, sizeof room, &plain) != WICK_OK || plain.len > WICK_LIMIT_ID)
        return;
    memcpy(out, plain.data, plain.len);
    out[plain.len] = '\0';
}

void say_run(const wick_text *invocation_id)
{
    if (invocation_id->data)
        keep(invocation_id, run);
}

void say_resolved(const wick_text *request_id)
{
    for (unsigned i = 0; i < question_count; i++) {
        if (!wick_text_is(request_id, questions[i], strlen(questions[i])))
            continue;
        memmove(questions[i], questions[i + 1], (question_count - i - 1) * sizeof *questions);
        question_count--;
        return;
    }
}

void say_question(const wick_text *request_id)
{
    say_resolved(request_id); /* it may come again */
    if (question_count == QUESTIONS) {
        wick_text oldest = wick_text_of(questions[0], strlen(questions[0]));
        say_resolved(&oldest);
    }
    keep(request_id, questions[question_count]);
    if (*questions[question_count])
        question_count++;
}

/* ---- Messages ---------------------------------------------------------------------------------------------------- */

/* Returns 0, or -1 if there is no room now. */
static int submit_event(wick_event *event)
{
    char id[SESSION_ID_MAX];
    size_t len;
    wick_event_error error;
    size_t id_len = session_make_id(id);
    event->head.id = wick_text_of(id, id_len);
    wick_status status = wick_event_write(event, 0, NULL, 0, &len, &error);
    char *out = status == WICK_E_SPACE ? malloc(len) : NULL;
    int result = 0;
    if (!out || wick_event_write(event, 0, out, len, &len, &error) != WICK_OK) {
        char sentence[160];
        wick_text why = wick_event_error_text(&error, sentence, sizeof sentence);
        fprintf(stderr, "not sent: %.*s\n", (int)why.len, why.data);
    } else {
        result = session_submit(id, out, len);
    }
    free(out);
    return result;
}

static int say_text(const char *text, size_t len, const char *surface)
{
    wick_event event = { .type = WICK_TYPE_AGENT_MESSAGE };
    char context[1024];
    wick_json_writer writer;
    size_t context_len = 0;
    event.as.agent_message.text = wick_text_of(text, len);
    if (surface) {
        wick_json_writer_init(&writer, context, sizeof context, WICK_JSON_REPLACE);
        wick_json_put_object(&writer);
        wick_json_put_key(&writer, "surface", 7);
        wick_json_put_string(&writer, surface, strlen(surface));
        wick_json_put_object_end(&writer);
        if (wick_json_writer_end(&writer, &context_len) == WICK_OK) {
            event.as.agent_message.context = wick_text_of(context, context_len);
            event.as.agent_message.context.form = WICK_TEXT_JSON;
        }
    }
    return submit_event(&event);
}

static int answer(const char *text, size_t len)
{
    wick_event event = { .type = WICK_TYPE_AGENT_INPUT_RESPONSE };
    if (!question_count) {
        fputs("no question is open\n", stderr);
        return 0;
    }
    const char *request_id = questions[question_count - 1];
    event.as.input_response.request_id = wick_text_of(request_id, strlen(request_id));
    event.as.input_response.content = wick_text_of(text, len);
    event.as.input_response.status = WICK_ANSWER_ANSWERED;
    return submit_event(&event);
}

static int cancel(void)
{
    wick_event event = { .type = WICK_TYPE_AGENT_CANCEL };
    if (!*run) {
        fputs("there is no run\n", stderr);
        return 0;
    }
    event.as.cancel.invocation_id = wick_text_of(run, strlen(run));
    return submit_event(&event);
}

static int close_session(void)
{
    wick_event event = { .type = WICK_TYPE_SESSION_CLOSE };
    return submit_event(&event);
}

/* ---- Envelopes --------------------------------------------------------------------------------------------------- */

/* Whether the server says `accepted` or `error` to a message of this type. Those with x. are the application's. */
static int is_answered(const wick_event *event)
{
    if (event->head.type.len > 2 && memcmp(event->head.type.data, "x.", 2) == 0)
        return 0;
    switch (event->type) {
    case WICK_TYPE_PING:
    case WICK_TYPE_PONG:
    case WICK_TYPE_ACK:
    case WICK_TYPE_SESSION_OPEN:
        return 0;
    default:
        return 1;
    }
}

/* The envelope with an id in front of its other members. */
static int submit_with_id(const char *line, size_t len)
{
    size_t brace = (size_t)((const char *)memchr(line, '{', len) - line) + 1;
    char id[SESSION_ID_MAX], *out = malloc(len + SESSION_ID_MAX + 16);
    int result = -1, head;
    if (!out)
        return 0;
    session_make_id(id);
    head = sprintf(out, "{\"id\":\"%s\",", id);
    memcpy(out + head, line + brace, len - brace);
    result = session_submit(id, out, (size_t)head + len - brace);
    free(out);
    return result;
}

static int say_envelope(const char *line, size_t len)
{
    static const wick_event_config config = { .size = sizeof config, .by = WICK_BY_CLIENT };
    wick_event event;
    wick_event_error error;
    char sentence[160], id[WICK_LIMIT_ID + 1];
    wick_status status = wick_event_read(&config, line, len, &event, &error);
    if (status < 0) {
        wick_text why = wick_event_error_text(&error, sentence, sizeof sentence);
        fprintf(stderr, "not sent: %.*s\n", (int)why.len, why.data);
        return 0;
    }
    if (!is_answered(&event))
        return session_send(line, len);
    if (!event.head.id.data)
        return submit_with_id(line, len);
    keep(&event.head.id, id);
    return session_submit(id, line, len);
}

/* ---- Lines ------------------------------------------------------------------------------------------------------- */

/* Whether a line is a command; what follows it is the rest. */
static int is_command(const char *line, size_t len, const char *name, size_t *rest)
{
    size_t name_len = strlen(name);
    if (len < name_len || memcmp(line, name, name_len) != 0 || (len > name_len && line[name_len] != ' '))
        return 0;
    *rest = len > name_len ? name_len + 1 : len;
    return 1;
}

static int begins_object(const char *line, size_t len)
{
    size_t at = 0;
    while (at < len && (line[at] == ' ' || line[at] == '\t'))
        at++;
    return at < len && line[at] == '{';
}

int say_line(const char *line, size_t len, const char *surface)
{
    size_t rest;
    if (len && line[len - 1] == '\r')
        len--;
    if (!len)
        return 0;
    if (is_command(line, len, "/answer", &rest))
        return answer(line + rest, len - rest);
    if (is_command(line, len, "/cancel", &rest))
        return cancel();
    if (is_command(line, len, "/close", &rest))
        return close_session();
    if (begins_object(line, len))
        return say_envelope(line, len);
    return say_text(line, len, surface);
}
