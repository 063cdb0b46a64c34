/*
 * agent_show.c - what the agent says goes to stdout as it is; all else is a line on stderr. With --json each event is a
 * line on stdout.
 */
#include "wick/agent.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int json;
static int terminal;       /* stdout is one */
static int shared;         /* stderr is one, too: a note must not stand behind half a line of text */
static int text_open;      /* stdout does not stand at the start of a line */
static char *said;         /* all tokens, for session.reset */
static size_t said_len, said_cap;
static char *plain_room;
static size_t plain_cap;

void show_begin(int as_json)
{
    json = as_json;
    setvbuf(stderr, NULL, _IOLBF, BUFSIZ); /* a line at once, not a byte */
    terminal = isatty(STDOUT_FILENO);
    shared = terminal && isatty(STDERR_FILENO);
}

void show_end(void)
{
    if (terminal && text_open)
        putchar('\n');
    fflush(stdout);
    free(said);
    free(plain_room);
}

/* ---- Pieces ------------------------------------------------------------------------------------------------------ */

/* The text without escapes; good until the next call. */
static wick_str plain_of(const wick_text *text)
{
    wick_str plain = { "", 0 };
    if (!text->data)
        return plain;
    if (text->len > plain_cap) {
        char *grown = realloc(plain_room, text->len);
        if (!grown)
            return plain;
        plain_room = grown;
        plain_cap = text->len;
    }
    if (wick_text_plain(text, plain_room, plain_cap, &plain) != WICK_OK)
        plain = (wick_str){ "", 0 };
    return plain;
}

static void begin_note(void)
{
    if (shared && text_open) {
        fputc('\n', stderr);
        text_open = 0;
    }
}

static void put(const wick_text *text)
{
    wick_str plain = plain_of(text);
    command_put_text(plain.data, plain.len);
}

static void put_after(const char *before, const wick_text *text)
{
    if (!text->data)
        return;
    fputs(before, stderr);
    put(text);
}

void show_note(const char *format, ...)
{
    va_list args;
    begin_note();
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

void show_field(const char *label, const wick_text *text)
{
    begin_note();
    fprintf(stderr, "%s: ", label);
    put(text);
    fputc('\n', stderr);
}

/* ---- stdout ------------------------------------------------------------------------------------------------------ */

static void remember(wick_str text)
{
    if (said_cap - said_len < text.len) {
        size_t cap = (said_len + text.len) * 2;
        char *grown = realloc(said, cap);
        if (!grown)
            return;
        said = grown;
        said_cap = cap;
    }
    if (text.len)
        memcpy(said + said_len, text.data, text.len);
    said_len += text.len;
}

/* A server could drive the terminal with control characters; a program that reads a pipe gets the bytes as they are. */
static int print_text(wick_str text)
{
    if (!text.len)
        return 0;
    text_open = text.data[text.len - 1] != '\n';
    for (size_t i = 0; terminal && i < text.len; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f)
            printf("\\x%02x", byte);
        else
            putchar(byte);
    }
    if (!terminal)
        fwrite(text.data, 1, text.len, stdout);
    return fflush(stdout) == 0 ? 0 : -1;
}

/* A message may have line ends between its tokens, never inside a string. */
static int print_json(const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        putchar(data[i] == '\n' || data[i] == '\r' ? ' ' : data[i]);
    putchar('\n');
    return fflush(stdout) == 0 ? 0 : -1;
}

int show_texts(const wick_text *messages)
{
    wick_json_reader reader;
    wick_json_token token;
    wick_text message, text;
    size_t before = said_len, at = 0;
    if (json || !messages->data || wick_json_reader_init(&reader, NULL, messages->data, messages->len) != WICK_OK ||
        wick_json_next(&reader, &token) != WICK_OK || token.type != WICK_JSON_ARRAY)
        return 0;
    while (wick_json_value(&reader, &message) == WICK_OK) {
        if (wick_json_member(&message, "text", 4, &text) == WICK_OK)
            remember(plain_of(&text));
    }
    while (at < before && before + at < said_len && said[at] == said[before + at])
        at++;
    if (at < before) {
        show_note("what has been said so far does not fit; the whole text again:");
        at = 0;
    }
    wick_str rest = { said ? said + before + at : "", said_len - before - at };
    int status = print_text(rest);
    if (said)
        memmove(said, said + before, said_len - before);
    said_len -= before;
    return status;
}

/* ---- stderr ------------------------------------------------------------------------------------------------------ */

static void show_action(const wick_agent_action *action)
{
    fprintf(stderr, "action %s", WICK_ENUM_TEXT(PHASE, action->phase));
    put_after(" ", &action->name);
    put_after(" ", &action->title);
    put_after(" ", &action->args_delta);
    put_after(" ", &action->args);
    put_after(": ", &action->result);
    put_after(": ", &action->error);
}

static void show_progress(const wick_agent_progress *progress)
{
    fputs("progress ", stderr);
    put(&progress->progress);
    put_after("/", &progress->total);
    put_after(" ", &progress->step);
    put_after(" ", &progress->step_status);
    put_after(": ", &progress->message);
}

static void show_usage(const wick_usage *usage)
{
    fputs("usage", stderr);
    put_after(" ", &usage->model);
    if (WICK_HAS(usage, usage, input_tokens))
        fprintf(stderr, " input=%lld", (long long)usage->input_tokens);
    if (WICK_HAS(usage, usage, output_tokens))
        fprintf(stderr, " output=%lld", (long long)usage->output_tokens);
    if (WICK_HAS(usage, usage, total_tokens))
        fprintf(stderr, " total=%lld", (long long)usage->total_tokens);
    put_after(" cost=", &usage->cost.amount);
    put_after(" ", &usage->cost.currency);
}

static void show_output(const wick_agent_output *output)
{
    fprintf(stderr, "output %s", WICK_ENUM_TEXT(OUTPUT, output->kind));
    put_after(" ", &output->name);
    put_after(" ", &output->mime);
    put_after(": ", &output->content);
}

static void show_failed(const wick_agent_failed *failed)
{
    fputs("failed", stderr);
    put_after(": ", &failed->error.code);
    put_after(": ", &failed->error.message);
    if (failed->error.retryable)
        fputs(" (the same again may work)", stderr);
}

/* What most events are: a word and texts. */
static void show_words(const wick_event *event)
{
    switch (event->type) {
    case WICK_TYPE_AGENT_STARTED:
        fputs("started", stderr);
        put_after(" ", &event->head.agent_id);
        put_after(", run ", &event->head.invocation_id);
        break;
    case WICK_TYPE_AGENT_THOUGHT:
        put_after("thought: ", &event->as.agent_thought.text);
        break;
    case WICK_TYPE_AGENT_LOG:
        fprintf(stderr, "log %s", WICK_ENUM_TEXT(LEVEL, event->as.agent_log.level));
        put_after(": ", &event->as.agent_log.message);
        break;
    case WICK_TYPE_AGENT_STATE:
        put_after("state: ", &event->as.agent_state.snapshot);
        put_after("state changes: ", &event->as.agent_state.patch);
        break;
    case WICK_TYPE_AGENT_COMPLETED:
        fputs("completed", stderr);
        put_after(", ", &event->as.agent_completed.finish_reason);
        put_after(": ", &event->as.agent_completed.result);
        break;
    case WICK_TYPE_AGENT_INPUT_RESOLVED:
        fprintf(stderr, "question %s", WICK_ENUM_TEXT(OUTCOME, event->as.input_resolved.outcome));
        break;
    default:
        put(&event->head.type);
        put_after(" ", &event->head.payload);
    }
}

int show_event(const wick_event *event, const char *data, size_t len)
{
    if (json)
        return print_json(data, len);
    if (event->type == WICK_TYPE_AGENT_TOKEN) {
        wick_str text = plain_of(&event->as.agent_token.text);
        remember(text);
        return print_text(text);
    }
    if (event->type == WICK_TYPE_AGENT_INPUT_REQUEST)
        return 0; /* agent_ask.c puts the question */
    begin_note();
    switch (event->type) {
    case WICK_TYPE_AGENT_ACTION:
        show_action(&event->as.agent_action);
        break;
    case WICK_TYPE_AGENT_PROGRESS:
        show_progress(&event->as.agent_progress);
        break;
    case WICK_TYPE_AGENT_USAGE:
        show_usage(&event->as.usage);
        break;
    case WICK_TYPE_AGENT_OUTPUT:
        show_output(&event->as.agent_output);
        break;
    case WICK_TYPE_AGENT_FAILED:
        show_failed(&event->as.agent_failed);
        break;
    default:
        show_words(event);
    }
    fputc('\n', stderr);
    return 0;
}
