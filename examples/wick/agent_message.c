/*
 * agent_message.c - the agent.message that a command line asks for.
 */
#include "wick/agent.h"

#include <stdlib.h>
#include <string.h>

char *agent_event_write(const wick_event *event, size_t *len, wick_event_error *error)
{
    wick_status status = wick_event_write(event, 0, NULL, 0, len, error);
    char *out = status == WICK_E_SPACE ? malloc(*len) : NULL;
    if (status == WICK_E_SPACE && !out)
        *error = (wick_event_error){ .status = WICK_E_MEMORY, .what = "out of memory" };
    if (out && wick_event_write(event, 0, out, *len, len, error) != WICK_OK) {
        free(out);
        return NULL;
    }
    return out;
}

/* Copy the members of an object, without its surface if there is another one. */
static void put_members(wick_json_writer *writer, const char *context, int without_surface)
{
    wick_json_reader reader;
    wick_json_token token;
    wick_text value;
    if (wick_json_reader_init(&reader, NULL, context, strlen(context)) != WICK_OK ||
        wick_json_next(&reader, &token) != WICK_OK)
        return;
    while (wick_json_next(&reader, &token) == WICK_OK && token.type == WICK_JSON_KEY) {
        if (wick_json_value(&reader, &value) != WICK_OK)
            return;
        if (without_surface && wick_text_is(&token.text, "surface", 7))
            continue;
        wick_json_put_key_text(writer, &token.text);
        wick_json_put_text(writer, &value);
    }
}

static size_t write_context(const struct agent_message *from, char *out, size_t cap)
{
    wick_json_writer writer;
    size_t need = 0;
    wick_json_writer_init(&writer, out, cap, 0);
    wick_json_put_object(&writer);
    if (from->surface) {
        wick_json_put_key(&writer, "surface", 7);
        wick_json_put_string(&writer, from->surface, strlen(from->surface));
    }
    if (from->context)
        put_members(&writer, from->context, from->surface != NULL);
    wick_json_put_object_end(&writer);
    wick_status status = wick_json_writer_end(&writer, &need);
    return status == WICK_OK || status == WICK_E_SPACE ? need : 0;
}

/* Returns memory to be freed, or NULL if there is no context. */
static char *make_context(const struct program *program, const struct agent_message *from, size_t *len)
{
    if (!from->surface && !from->context)
        return NULL;
    if (from->context) {
        const char *start = from->context + strspn(from->context, " \t\r\n");
        size_t at;
        wick_status status = wick_json_check(NULL, from->context, strlen(from->context), &at);
        if (status != WICK_OK)
            options_wrong(program, "--context: %s at byte %zu", wick_status_text(status), at);
        if (*start != '{')
            options_wrong(program, "--context: not a JSON object");
    }
    size_t cap = write_context(from, NULL, 0);
    if (!cap)
        options_wrong(program, "--surface: not UTF-8");
    char *out = malloc(cap);
    if (!out)
        options_wrong(program, "out of memory");
    *len = write_context(from, out, cap);
    return out;
}

static wick_text text_from(const char *text)
{
    return wick_text_of(text, strlen(text));
}

char *agent_message_write(const struct program *program, const struct agent_message *from, size_t *len)
{
    wick_event event = { .type = WICK_TYPE_AGENT_MESSAGE };
    wick_event_error error;
    char sentence[160];
    size_t context_len = 0;
    char *context = make_context(program, from, &context_len);
    event.head.id = text_from(from->id);
    event.as.agent_message.text = text_from(from->text);
    event.as.agent_message.invocation_id = text_from(from->invocation_id);
    event.as.agent_message.deadline_ms = (int64_t)from->deadline_ms;
    if (context) {
        event.as.agent_message.context = wick_text_of(context, context_len);
        event.as.agent_message.context.form = WICK_TEXT_JSON;
    }
    char *message = agent_event_write(&event, len, &error);
    free(context);
    if (!message) {
        wick_text why = wick_event_error_text(&error, sentence, sizeof sentence);
        options_wrong(program, "%.*s", (int)why.len, why.data);
    }
    return message;
}
