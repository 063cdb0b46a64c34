/*
 * JSON: a whole message to typed fields, and a token event to text, beside simdjson, rapidjson and cJSON.
 *
 * One operation is one message. Everybody takes the same fields; their sizes are added up and compared. The peers give
 * strings with their escapes resolved; wick gives slices, and in the rows "plain" resolves them too.
 */
#include "json_peers.h"
#include "lib/bench.h"
#include "wick/event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(HAVE_CJSON)
#include <cjson/cJSON.h>
#endif

static const wick_kernels *kernels;

static void must(int truth)
{
    if (!truth)
        abort();
}

/* ---- wick ---- */

static size_t plain_size(const wick_text *text, char *room, int plain)
{
    wick_str s;
    if (!plain)
        return wick_text_plain_len(text);
    must(wick_text_plain(text, room, text->len, &s) == WICK_OK);
    return s.len;
}

static size_t sum_of(const wick_event *e, char *room, int plain)
{
    size_t sum = (size_t)e->head.seq + (size_t)e->head.ts + e->head.type.len + e->head.invocation_id.len +
                 e->head.session_id.len + e->head.agent_id.len;
    switch (e->type) {
    case WICK_TYPE_AGENT_TOKEN:
        return sum + e->as.agent_token.message_id.len + plain_size(&e->as.agent_token.text, room, plain);
    case WICK_TYPE_AGENT_MESSAGE:
        return sum + plain_size(&e->as.agent_message.text, room, plain) + e->as.agent_message.context.len;
    default:
        return sum + e->as.agent_action.call_id.len + e->as.agent_action.name.len + e->as.agent_action.args.len +
               e->as.agent_action.title.len + strlen(WICK_ENUM_TEXT(PHASE, e->as.agent_action.phase));
    }
}

static size_t read_with(const json_message *m, uint32_t flags, int plain)
{
    wick_event_config config = {sizeof config, flags, 0, 0, kernels};
    wick_event e;
    for (int i = 0; i < JSON_ROUND; i++) {
        must(wick_event_read(&config, m->data, m->len, &e, NULL) == WICK_OK);
        if (plain)
            must(sum_of(&e, m->copy, plain) == m->want);
        else
            must(e.head.type.len > 0);
    }
    must(sum_of(&e, m->copy, plain) == m->want);
    return JSON_ROUND;
}

static size_t wick_read(void *arg)
{
    return read_with((const json_message *)arg, 0, 0);
}

static size_t wick_read_plain(void *arg)
{
    return read_with((const json_message *)arg, 0, 1);
}

static size_t wick_read_known(void *arg)
{
    return read_with((const json_message *)arg, WICK_JSON_UTF8_KNOWN, 0);
}

static size_t wick_write(void *arg)
{
    const json_message *m = (const json_message *)arg;
    static char out[4096];
    wick_event e;
    size_t len;
    memset(&e, 0, sizeof e);
    e.type = WICK_TYPE_AGENT_TOKEN;
    e.head.invocation_id = WICK_TEXT("3b1c");
    e.as.agent_token.message_id = WICK_TEXT("m1");
    for (int i = 0; i < JSON_ROUND; i++) {
        e.head.seq = 42 + i;
        e.as.agent_token.text = wick_text_of(m->data, m->len);
        must(wick_event_write(&e, 0, out, sizeof out, &len, NULL) == WICK_OK && len >= m->want);
    }
    return JSON_ROUND;
}

static size_t wick_body_and_prefix(void *arg)
{
    const json_message *m = (const json_message *)arg;
    static char out[4096], prefix[WICK_EVENT_PREFIX_MAX];
    wick_event e;
    size_t len;
    memset(&e, 0, sizeof e);
    e.type = WICK_TYPE_AGENT_TOKEN;
    e.head.invocation_id = WICK_TEXT("3b1c");
    e.as.agent_token.message_id = WICK_TEXT("m1");
    for (int i = 0; i < JSON_ROUND; i++) {
        e.as.agent_token.text = wick_text_of(m->data, m->len);
        must(wick_event_write_body(&e, 0, out, sizeof out, &len, NULL) == WICK_OK);
        must(wick_event_prefix((uint64_t)(42 + i), 0, prefix) + len >= m->want);
    }
    return JSON_ROUND;
}

#if !defined(HAVE_CXX)
/* Without a C++ compiler there are none of its peers. */
size_t (*const simdjson_read)(void *message) = NULL;
size_t (*const rapidjson_read)(void *message) = NULL;
size_t (*const rapidjson_write)(void *message) = NULL;
#endif

/* ---- cJSON ---- */

#if defined(HAVE_CJSON)
static size_t cjson_fields(const cJSON *object)
{
    size_t sum = 0;
    for (const cJSON *item = object->child; item; item = item->next) {
        if (cJSON_IsNumber(item))
            sum += (size_t)item->valuedouble;
        else if (cJSON_IsString(item))
            sum += strlen(item->valuestring);
    }
    return sum;
}

static size_t cjson_read(void *arg)
{
    const json_message *m = (const json_message *)arg;
    for (int i = 0; i < JSON_ROUND; i++) {
        cJSON *root = cJSON_ParseWithLength(m->data, m->len);
        must(root && cjson_fields(root) + cjson_fields(cJSON_GetObjectItemCaseSensitive(root, "payload")) > 0);
        cJSON_Delete(root);
    }
    return JSON_ROUND;
}

static size_t cjson_write(void *arg)
{
    const json_message *m = (const json_message *)arg;
    for (int i = 0; i < JSON_ROUND; i++) {
        cJSON *root = cJSON_CreateObject(), *payload;
        cJSON_AddNumberToObject(root, "seq", 42 + i);
        cJSON_AddStringToObject(root, "type", "agent.token");
        cJSON_AddStringToObject(root, "invocation_id", "3b1c");
        payload = cJSON_AddObjectToObject(root, "payload");
        cJSON_AddStringToObject(payload, "message_id", "m1");
        cJSON_AddStringToObject(payload, "text", m->data);
        char *text = cJSON_PrintUnformatted(root);
        must(text && strlen(text) >= m->want);
        free(text);
        cJSON_Delete(root);
    }
    return JSON_ROUND;
}
#else
#define cjson_read NULL
#define cjson_write NULL
#endif

/* ---- Messages ---- */

static const char token[] = "{\"seq\":42,\"type\":\"agent.token\",\"invocation_id\":\"3b1c\",\"payload\":{\"message_id\":\"m1\","
                            "\"text\":\"Hello, you\"}}";
static const char token_long[] =
    "{\"seq\":42,\"type\":\"agent.token\",\"ts\":1795212345678,\"session_id\":\"s_9f\",\"invocation_id\":\"3b1c\","
    "\"agent_id\":\"guide.content\",\"payload\":{\"message_id\":\"m1\",\"text\":\"Hello\"}}";
static const char tool[] =
    "{\"seq\":43,\"type\":\"agent.action\",\"invocation_id\":\"3b1c\",\"agent_id\":\"liaison.data\",\"payload\":{"
    "\"call_id\":\"call_1\",\"phase\":\"start\",\"name\":\"query\",\"args\":{\"table\":\"orders\","
    "\"columns\":[\"id\",\"total\",\"day\"],\"where\":{\"and\":[{\"field\":\"total\",\"op\":\">\",\"value\":100.5},"
    "{\"field\":\"paid\",\"op\":\"=\",\"value\":true}]},\"limit\":50,\"order\":null},"
    "\"title\":\"Look up the large orders\"}}";

/* Put a message where it has padding behind it, and say what its fields add up to. */
static void set_message(json_message *m, const char *text)
{
    wick_event e;
    char *data = (char *)calloc(1, strlen(text) + JSON_PADDING + 1);
    must(data != NULL);
    m->len = strlen(text);
    memcpy(data, text, m->len);
    m->data = data;
    m->copy = (char *)calloc(1, m->len + JSON_PADDING + 1);
    must(m->copy && wick_event_read(NULL, m->data, m->len, &e, NULL) == WICK_OK);
    m->want = sum_of(&e, m->copy, 0);
}

/* An agent.message of about 1 KiB. */
static void set_text_message(json_message *m, const char *piece)
{
    char text[2048] = "{\"type\":\"agent.message\",\"payload\":{\"text\":\"";
    while (strlen(text) + strlen(piece) < 1000)
        strcat(text, piece);
    strcat(text, "\"}}");
    set_message(m, text);
}

static void read_row(const char *row, json_message *m, size_t (*ours)(void *), double goal)
{
    bench_subject subjects[] = {{"wick", ours, m}, {"cJSON", cjson_read, m}, {"rapidjson in situ", rapidjson_read, m},
                                {"simdjson on demand", simdjson_read, m}};
    bench_compare(row, subjects, 4, goal);
}

static void write_row(const char *row, json_message *m, size_t (*ours)(void *), double goal)
{
    bench_subject subjects[] = {{"wick", ours, m}, {"cJSON", cjson_write, m}, {"rapidjson", rapidjson_write, m}};
    bench_compare(row, subjects, 3, goal);
}

int main(void)
{
    json_message m;
    char row[64];
    kernels = wick_kernels_best();
    set_message(&m, token);
    snprintf(row, sizeof row, "token, %zu B", m.len);
    read_row(row, &m, wick_read, 0.8);
    read_row("  UTF-8 known", &m, wick_read_known, 0.8);
    set_message(&m, token_long);
    snprintf(row, sizeof row, "token, all fields, %zu B", m.len);
    read_row(row, &m, wick_read, 0.8);
    set_message(&m, tool);
    snprintf(row, sizeof row, "tool call, %zu B", m.len);
    read_row(row, &m, wick_read, 1.2);
    set_text_message(&m, "Plain words of a language that needs no more than ASCII, as most do not. ");
    snprintf(row, sizeof row, "message, ASCII, %zu B", m.len);
    read_row(row, &m, wick_read, 1.0);
    set_text_message(&m,
                     "Zeile eins:\\n\\\"Gr\\u00fc\xc3\x9f" "e\\\" \xe4\xbd\xa0\xe5\xa5\xbd, und noch \xc3\xa4hnliches mehr\\t");
    snprintf(row, sizeof row, "message, escapes, %zu B", m.len);
    read_row(row, &m, wick_read, 1.0);
    read_row("  plain", &m, wick_read_plain, 1.0);
    read_row("  UTF-8 known", &m, wick_read_known, 1.0);
    json_message text = {"Hello, you", 10, NULL, 80};
    write_row("write token, 10 B of text", &text, wick_write, 0.15);
    write_row("  body and prefix", &text, wick_body_and_prefix, 0.15);
    text.data = "A somewhat longer piece of text with \"quotes\" and a line\nbreak in it, as a model may say it.";
    text.len = strlen(text.data);
    write_row("write token, 93 B of text", &text, wick_write, 0.15);
    return 0;
}
