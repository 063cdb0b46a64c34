/*
 * http_schema.c - what the server says about itself: versions, profiles, endpoints, limits, and a JSON Schema of every
 * message.
 *
 * The schema is made from the field table of wick/event_table.h, which also makes the reader and the writer, so it
 * cannot say anything else than they do. It describes what is on the wire: fields that are not in it are allowed, and
 * so are types that are not in it. Limits of strings are bytes in the table and characters in a schema; a string that
 * keeps the first keeps the second.
 */
#include <stdlib.h>
#include <string.h>

#include "agent_server/http_api.h"
#include "agent_server/push.h"

/* ---- The table as data ------------------------------------------------------------------------------------------- */

enum kind {
    KIND_END, KIND_STRING, KIND_CUT, KIND_TYPE, KIND_VISIBLE, KIND_AGENT, KIND_ROOM, KIND_MISSION, KIND_INT, KIND_BOOL,
    KIND_ENUM, KIND_NUMBER, KIND_ANY, KIND_OBJECT, KIND_NUMBERS, KIND_ARRAY, KIND_INPUT, KIND_NEST, KIND_ALIAS
};
enum need { NEED_OPTIONAL, NEED_REQUIRED, NEED_FILLED };

struct row {
    const char *name;
    enum kind kind;
    enum need need;
    int64_t min, max;
    const char *extra;
    const char *doc;
};

struct definition {
    const char *name;
    const struct row *rows;
};

#define ROW(fields, member, name, kind, need, min, max, extra, doc)                                                    \
    { name, KIND_##kind, NEED_##need, min, max, #extra, doc },
#define END { NULL, KIND_END, NEED_OPTIONAL, 0, 0, "", "" }
#define ROWS(fields)                                                                                                   \
    static const struct row rows_##fields[] = { WICK_FIELDS_##fields(ROW) END };
WICK_STRUCT_MAP(ROWS)

#define DEFINITION(fields) { #fields, rows_##fields },
static const struct definition definitions[] = { WICK_STRUCT_MAP(DEFINITION) };

struct kind_of_message {
    const char *type;
    const char *fields;
    const struct row *rows;
    unsigned flags;
    const char *doc;
};

#define MESSAGE(name, type, fields, by, flags, doc) { type, #fields, rows_##fields, flags, doc },
static const struct kind_of_message messages[] = { WICK_MESSAGE_MAP(MESSAGE) };

#define LIST(list) #list,
static const char *const lists[] = { WICK_ENUM_MAP(LIST) };

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

static void put_key(wick_json_writer *w, const char *name)
{
    wick_json_put_key(w, name, strlen(name));
}

static void put_text(wick_json_writer *w, const char *name, const char *value)
{
    put_key(w, name);
    wick_json_put_string(w, value, strlen(value));
}

static void put_number(wick_json_writer *w, const char *name, int64_t value)
{
    put_key(w, name);
    wick_json_put_int64(w, value);
}

static void put_limits(wick_json_writer *w, const struct row *row, const char *min, const char *max)
{
    if (row->min)
        put_number(w, min, row->min);
    if (row->max)
        put_number(w, max, row->max);
}

static void put_string(wick_json_writer *w, const struct row *row, const char *pattern)
{
    put_text(w, "type", "string");
    put_limits(w, row, "minLength", "maxLength");
    if (pattern)
        put_text(w, "pattern", pattern);
}

static void put_either(wick_json_writer *w, const char *one, const char *other)
{
    put_key(w, "type");
    wick_json_put_array(w);
    wick_json_put_string(w, one, strlen(one));
    wick_json_put_string(w, other, strlen(other));
    wick_json_put_array_end(w);
}

static void put_enum(wick_json_writer *w, const char *list)
{
    put_key(w, "enum");
    wick_json_put_array(w);
    for (size_t i = 0; i < COUNT(lists); i++)
        for (unsigned value = 1; strcmp(lists[i], list) == 0 && *wick_enum_text((wick_list)i, value); value++) {
            const char *text = wick_enum_text((wick_list)i, value);
            wick_json_put_string(w, text, strlen(text));
        }
    wick_json_put_array_end(w);
}

static void put_reference(wick_json_writer *w, const char *name)
{
    char path[64] = "#/$defs/";
    strncat(path, name, sizeof path - strlen(path) - 1);
    put_text(w, "$ref", path);
}

static void put_numbers(wick_json_writer *w)
{
    put_text(w, "type", "object");
    put_key(w, "additionalProperties");
    wick_json_put_object(w);
    put_text(w, "type", "number");
    wick_json_put_object_end(w);
}

/* What a value of a row must be. */
static void put_kind(wick_json_writer *w, const struct row *row)
{
    static const char *const plain[] = { [KIND_BOOL] = "boolean", [KIND_NUMBER] = "number", [KIND_OBJECT] = "object",
                                         [KIND_ARRAY] = "array" };
    static const char *const patterns[] = { [KIND_STRING] = NULL, [KIND_CUT] = NULL,
                                            [KIND_TYPE] = "^[A-Za-z][A-Za-z0-9_.-]*$", [KIND_VISIBLE] = "^[!-~]+$",
                                            [KIND_AGENT] = "^[a-z0-9_]+(\\.[a-z0-9_]+)*$",
                                            [KIND_ROOM] = "^[A-Za-z0-9_.:@/-]+$" };
    if (row->kind < COUNT(patterns)) {
        put_string(w, row, patterns[row->kind]);
    } else if (row->kind == KIND_INT) {
        put_text(w, "type", "integer");
        put_number(w, "minimum", row->min);
        put_number(w, "maximum", row->max);
    } else if (row->kind == KIND_MISSION) {
        put_either(w, "integer", "string");
        put_limits(w, row, "minLength", "maxLength");
    } else if (row->kind == KIND_INPUT) {
        put_either(w, "object", "string");
    } else if (row->kind == KIND_ENUM) {
        put_enum(w, row->extra);
    } else if (row->kind == KIND_NUMBERS) {
        put_numbers(w);
    } else if (row->kind == KIND_NEST) {
        put_reference(w, row->extra);
    } else if (row->kind < COUNT(plain) && plain[row->kind]) {
        put_text(w, "type", plain[row->kind]);
    }
}

static int has_alias(const struct row *row)
{
    return row[1].kind == KIND_ALIAS;
}

static int is_needed(const struct row *row)
{
    return row->need != NEED_OPTIONAL && row->kind != KIND_ALIAS;
}

static int needs_any(const struct row *rows)
{
    for (; rows->kind; rows++)
        if (is_needed(rows))
            return 1;
    return 0;
}

static void put_required(wick_json_writer *w, const char *name)
{
    put_key(w, "required");
    wick_json_put_array(w);
    wick_json_put_string(w, name, strlen(name));
    wick_json_put_array_end(w);
}

/* A field that may come under either of two names. */
static void put_aliases(wick_json_writer *w, const struct row *rows)
{
    for (; rows->kind; rows++) {
        if (!is_needed(rows) || !has_alias(rows))
            continue;
        put_key(w, "anyOf");
        wick_json_put_array(w);
        for (int i = 0; i < 2; i++) {
            wick_json_put_object(w);
            put_required(w, rows[i].name);
            wick_json_put_object_end(w);
        }
        wick_json_put_array_end(w);
    }
}

static void put_rows(wick_json_writer *w, const struct row *rows)
{
    put_text(w, "type", "object");
    put_key(w, "properties");
    wick_json_put_object(w);
    for (const struct row *row = rows; row->kind; row++) {
        const struct row *what = row->kind == KIND_ALIAS ? row - 1 : row;
        put_key(w, row->name);
        wick_json_put_object(w);
        put_kind(w, what);
        put_text(w, "description", what->doc);
        wick_json_put_object_end(w);
    }
    wick_json_put_object_end(w);
    put_key(w, "required");
    wick_json_put_array(w);
    for (const struct row *row = rows; row->kind; row++)
        if (is_needed(row) && !has_alias(row))
            wick_json_put_string(w, row->name, strlen(row->name));
    wick_json_put_array_end(w);
    put_aliases(w, rows);
}

/* If the message is of this type, its payload is that. */
static void put_message(wick_json_writer *w, const struct kind_of_message *message)
{
    wick_json_put_object(w);
    put_key(w, "if");
    wick_json_put_object(w);
    put_key(w, "properties");
    wick_json_put_object(w);
    put_key(w, "type");
    wick_json_put_object(w);
    put_text(w, "const", message->type);
    wick_json_put_object_end(w);
    wick_json_put_object_end(w);
    wick_json_put_object_end(w);
    put_key(w, "then");
    wick_json_put_object(w);
    put_text(w, "description", message->doc);
    put_key(w, "properties");
    wick_json_put_object(w);
    put_key(w, "payload");
    wick_json_put_object(w);
    put_reference(w, message->fields);
    wick_json_put_object_end(w);
    wick_json_put_object_end(w);
    if (needs_any(message->rows))
        put_required(w, "payload");
    else if (message->flags & WICK_MESSAGE_REPLY)
        put_required(w, "re");
    wick_json_put_object_end(w);
    wick_json_put_object_end(w);
}

static void put_schema(wick_json_writer *w, const wick_http_request *head)
{
    (void)head;
    wick_json_put_object(w);
    put_text(w, "$schema", "https://json-schema.org/draft/2020-12/schema");
    put_text(w, "$id", "urn:agent-events:v1");
    put_text(w, "title", "agent-events v1");
    put_text(w, "description", "A message: an envelope around the payload of its type.");
    put_rows(w, rows_envelope);
    put_key(w, "allOf");
    wick_json_put_array(w);
    for (size_t i = 0; i < COUNT(messages); i++)
        put_message(w, &messages[i]);
    wick_json_put_array_end(w);
    put_key(w, "$defs");
    wick_json_put_object(w);
    for (size_t i = 0; i < COUNT(definitions); i++) {
        put_key(w, definitions[i].name);
        wick_json_put_object(w);
        put_rows(w, definitions[i].rows);
        wick_json_put_object_end(w);
    }
    wick_json_put_object_end(w);
    wick_json_put_object_end(w);
}

/* ---- The server about itself ------------------------------------------------------------------------------------- */

static void put_names(wick_json_writer *w, const char *key, const char *const *names)
{
    put_key(w, key);
    wick_json_put_array(w);
    for (; *names; names++)
        wick_json_put_string(w, *names, strlen(*names));
    wick_json_put_array_end(w);
}

static void put_description(wick_json_writer *w, const wick_http_request *head)
{
    static const char *const versions[] = { "1.0", NULL };
    static const char *const profiles[] = { "agent-events.v1", "agent-events.mission.v1", NULL };
    static const char *const endpoints[][2] = {
        { "websocket", "/api/runtime/agent" },
        { "mission_websocket", "/ws" },
        { "workflow_websocket", "/ws/workflow/{workflow_id}" },
        { "coordinator_websocket", "/ws/coordinator" },
        { "agent_websocket", "/ws/agent/{agent_name}" },
        { "agent", "/api/runtime/agent" },
        { "events", "/api/events" },
        { "mission_start", "/api/mission/start" },
        { "mission_stream", "/api/mission/{mission_id}/stream" },
        { "mission_status", "/api/mission/{mission_id}/status" },
        { "mission_human_input", "/api/mission/{mission_id}/human-input" },
        { "mission_cancel", "/api/mission/{mission_id}/cancel" },
        { "health", "/health" },
        { "websocket_health", "/api/websocket/health" },
        { "schema", "/.well-known/agent-events/schema.json" },
    };
    wick_json_put_object(w);
    put_text(w, "protocol", "agent-events");
    put_names(w, "versions", versions);
    put_names(w, "profiles", profiles);
    put_text(w, "server", "agent_server/" WICK_VERSION);
    put_key(w, "endpoints");
    wick_json_put_object(w);
    for (size_t i = 0; i < COUNT(endpoints); i++)
        put_text(w, endpoints[i][0], endpoints[i][1]);
    wick_json_put_object_end(w);
    put_key(w, "limits");
    wick_json_put_object(w);
    put_number(w, "max_message_bytes", WICK_DEFAULT_MESSAGE_BYTES);
    put_number(w, "max_text_bytes", WICK_LIMIT_TEXT);
    put_number(w, "max_context_bytes", WICK_LIMIT_CONTEXT);
    put_number(w, "max_invocations", WICK_DEFAULT_SESSION_INVOCATIONS);
    put_number(w, "max_post_messages", EVENTS_POST_MAX);
    put_number(w, "max_wait_ms", EVENTS_WAIT_MAX_MS);
    put_number(w, "resume_window_ms", WICK_DEFAULT_STREAM_RETAIN_MS);
    put_number(w, "resume_window_events", WICK_DEFAULT_STREAM_EVENTS);
    wick_json_put_object_end(w);
    if (access_check(head) == ACCESS_OK) {
        put_key(w, "agents");
        states_put(w);
    }
    wick_json_put_object_end(w);
}

static void answer_written(struct peer *peer, const wick_http_request *head, const char *type,
                           void (*put)(wick_json_writer *w, const wick_http_request *head))
{
    static const wick_http_header fields[] = { { { "Cache-Control", 13 }, { "private, max-age=60", 19 } } };
    wick_http_answer answer = { .status = 200, .content_type = { type, strlen(type) }, .headers = fields,
                                .header_count = 1 };
    wick_json_writer w;
    size_t len;
    wick_json_writer_init(&w, NULL, 0, 0);
    put(&w, head);
    wick_json_writer_end(&w, &len);
    char *json = malloc(len + 1);
    wick_json_writer_init(&w, json, json ? len : 0, 0);
    put(&w, head);
    if (!json || wick_json_writer_end(&w, &len) != WICK_OK) {
        api_problem_text(peer, WICK_CODE_INTERNAL, "The answer cannot be written.");
    } else {
        answer.length = len;
        http_answer(peer, &answer, json);
    }
    free(json);
}

void schema_get(struct peer *peer, const wick_http_request *head)
{
    answer_written(peer, head, "application/schema+json", put_schema);
}

void description_get(struct peer *peer, const wick_http_request *head)
{
    answer_written(peer, head, "application/json", put_description);
}
