/*
 * Reading typed messages: the vectors of tests/vectors/event, each flush against a guard page at both ends, read and
 * written and read again; limits; and the edges that a text file does not show well.
 */
#include "lib/test.h"
#include "wick/event.h"

#include <stdlib.h>

struct vector {
    char name[80], status[40], type[40], code[40], path[72];
    uint8_t message[1024];
    size_t len;
    wick_event_config config;
};

static int vectors_run;

static uint32_t sender(const char *name)
{
    return strcmp(name, "client") == 0       ? WICK_BY_CLIENT
           : strcmp(name, "server") == 0     ? WICK_BY_SERVER
           : strcmp(name, "experience") == 0 ? WICK_BY_EXPERIENCE
                                             : WICK_BY_RUNTIME;
}

static uint32_t flag(const char *name)
{
    return strcmp(name, "bare") == 0 ? WICK_EVENT_BARE_INVOCATION
           : strcmp(name, "agent") == 0 ? WICK_EVENT_FROM_AGENT
                                        : WICK_JSON_LONE_SURROGATES;
}

/* What was read can be written, and reads the same again. */
static void write_and_read_again(const struct vector *v, const wick_event *event)
{
    static uint8_t first[4096], second[4096];
    wick_event_error error;
    wick_event again;
    size_t len, len2;
    wick_status status = wick_event_write(event, 0, first, sizeof first, &len, &error);
    if ((v->config.flags & WICK_EVENT_FROM_AGENT) && status == WICK_E_PAYLOAD)
        return; /* what an agent left to the server has not been filled in */
    if (status != WICK_OK) {
        test_fail(__FILE__, __LINE__, "%s: written again: %s %s", v->name, wick_status_name(status), error.path);
        return;
    }
    status = wick_event_read(&v->config, first, len, &again, &error);
    if (status < WICK_OK || again.type != event->type)
        test_fail(__FILE__, __LINE__, "%s: read again: %s %s", v->name, wick_status_name(status), error.path);
    CHECK_STATUS(wick_event_write(&again, 0, second, sizeof second, &len2, NULL), WICK_OK);
    if (len != len2 || memcmp(first, second, len) != 0)
        test_fail(__FILE__, __LINE__, "%s: written %.*s, then %.*s", v->name, (int)len, first, (int)len2, second);
}

static void run_at(const struct vector *v, const uint8_t *data)
{
    wick_event event;
    wick_event_error error;
    char sentence[160];
    wick_status status = wick_event_read(&v->config, data, v->len, &event, &error);
    wick_text text = wick_event_error_text(&error, sentence, sizeof sentence);
    if (strcmp(wick_status_name(status) + 5, v->status) != 0)
        test_fail(__FILE__, __LINE__, "%s: %s, want %s (%s)", v->name, wick_status_name(status), v->status, text.data);
    if (strcmp(wick_code_name(error.code), v->code) != 0)
        test_fail(__FILE__, __LINE__, "%s: code %s, want %s", v->name, wick_code_name(error.code), v->code);
    if (strcmp(error.path, v->path) != 0)
        test_fail(__FILE__, __LINE__, "%s: path %s, want %s", v->name, error.path, v->path);
    if (status == WICK_OK && strcmp(wick_type_name(event.type), v->type) != 0)
        test_fail(__FILE__, __LINE__, "%s: type %s, want %s", v->name, wick_type_name(event.type), v->type);
    CHECK(error.offset <= v->len);
    CHECK(status == WICK_OK || error.code == WICK_CODE_NONE || text.len > 0);
    if (status >= WICK_OK)
        write_and_read_again(v, &event);
}

static void run_vector(const struct vector *v)
{
    uint8_t *back = test_guard_back(v->message, v->len), *front = test_guard_front(v->message, v->len);
    wick_event event;
    run_at(v, back);
    run_at(v, front);
    /* Every prefix that is not the whole is an error of the JSON text, or all that is cut off is white space. */
    for (size_t n = 0; n < v->len; n++) {
        uint8_t *cut = test_guard_back(v->message, n);
        wick_status status = wick_event_read(&v->config, cut, n, &event, NULL);
        CHECK(status < WICK_OK || v->message[n] == ' ' || strcmp(v->status, "E_JSON_TRAILING") == 0);
        test_unguard(cut, n);
    }
    test_unguard(back, v->len);
    test_unguard(front, v->len);
    vectors_run++;
}

static void set_line(struct vector *v, const char *key, char *value)
{
    if (strcmp(key, "name") == 0)
        snprintf(v->name, sizeof v->name, "%s", value);
    else if (strcmp(key, "status") == 0)
        snprintf(v->status, sizeof v->status, "%s", value);
    else if (strcmp(key, "type") == 0)
        snprintf(v->type, sizeof v->type, "%s", value);
    else if (strcmp(key, "code") == 0)
        snprintf(v->code, sizeof v->code, "%s", value);
    else if (strcmp(key, "path") == 0)
        snprintf(v->path, sizeof v->path, "%s", value);
    else if (strcmp(key, "from") == 0)
        v->config.by = sender(value);
    else if (strcmp(key, "flags") == 0)
        for (char *word = strtok(value, " "); word; word = strtok(NULL, " "))
            v->config.flags |= flag(word);
    else if (strcmp(key, "message") == 0 && strlen(value) <= sizeof v->message)
        memcpy(v->message, value, v->len = strlen(value));
    else if (strcmp(key, "hex") == 0)
        v->len = (size_t)test_hex(value, v->message, sizeof v->message);
    else
        test_fail(__FILE__, __LINE__, "%s: bad line: %s", v->name, key);
}

static void run_file(const char *path)
{
    static const struct vector none;
    struct vector v = none;
    size_t len;
    char *text = test_read_file(path, &len), *line = text;
    CHECK(text != NULL);
    v.config.size = sizeof v.config;
    while (line) {
        char *end = strchr(line, '\n'), *space;
        if (end)
            *end = 0;
        space = strchr(line, ' ');
        if (line[0] && line[0] != '#' && space) {
            *space = 0;
            set_line(&v, line, space + 1);
        }
        if ((!line[0] || !end) && v.name[0]) {
            run_vector(&v);
            v = none;
            v.config.size = sizeof v.config;
        }
        line = end ? end + 1 : NULL;
    }
    free(text);
}

static void vectors_envelope(void)
{
    run_file("tests/vectors/event/envelope.txt");
}

static void vectors_client(void)
{
    run_file("tests/vectors/event/client.txt");
}

static void vectors_runtime(void)
{
    run_file("tests/vectors/event/runtime.txt");
    CHECK(vectors_run > 180);
}

/* A message with a string of n bytes in it. */
static wick_status read_long(const char *before, size_t n, const char *after, wick_event *event, wick_event_error *error)
{
    static char text[400000];
    size_t len = strlen(before);
    memcpy(text, before, len);
    memset(text + len, 'a', n);
    len += n;
    memcpy(text + len, after, strlen(after));
    return wick_event_read(NULL, text, len + strlen(after), event, error);
}

static void limits(void)
{
    wick_event e;
    wick_event_error error;
    const char *message = "{\"type\":\"agent.message\",\"payload\":{\"text\":\"";
    CHECK_STATUS(read_long(message, WICK_LIMIT_TEXT, "\"}}", &e, &error), WICK_OK);
    CHECK_STATUS(read_long(message, WICK_LIMIT_TEXT + 1, "\"}}", &e, &error), WICK_E_PAYLOAD);
    CHECK(strcmp(error.path, "payload.text") == 0);
    CHECK_STATUS(read_long(message, WICK_LIMIT_TEXT - 1, "\\n\"}}", &e, &error), WICK_OK);
    CHECK_STATUS(read_long(message, WICK_LIMIT_TEXT, "\\n\"}}", &e, &error), WICK_E_PAYLOAD);
    message = "{\"type\":\"agent.message\",\"payload\":{\"text\":\"\",\"context\":{\"a\":\"";
    CHECK_STATUS(read_long(message, WICK_LIMIT_CONTEXT - 8, "\"}}}", &e, &error), WICK_OK);
    CHECK_STATUS(read_long(message, WICK_LIMIT_CONTEXT - 7, "\"}}}", &e, &error), WICK_E_PAYLOAD);
    CHECK(strcmp(error.path, "payload.context") == 0);
    message = "{\"type\":\"ping\",\"meta\":{\"a\":\"";
    CHECK_STATUS(read_long(message, WICK_LIMIT_META - 8, "\"}}", &e, &error), WICK_OK);
    CHECK_STATUS(read_long(message, WICK_LIMIT_META - 7, "\"}}", &e, &error), WICK_E_ENVELOPE);
    message = "{\"type\":\"ping\",\"session_id\":\"";
    CHECK_STATUS(read_long(message, WICK_LIMIT_ID, "\"}", &e, &error), WICK_OK);
    CHECK_STATUS(read_long(message, WICK_LIMIT_ID + 1, "\"}", &e, &error), WICK_E_ENVELOPE);
    message = "{\"type\":\"ping\",\"agent_id\":\"";
    CHECK_STATUS(read_long(message, WICK_LIMIT_ID, "\"}", &e, &error), WICK_OK);
    CHECK_STATUS(read_long(message, WICK_LIMIT_ID + 1, "\"}", &e, &error), WICK_E_ENVELOPE);
    CHECK_STATUS(read_long("{\"type\":\"runtime.invokeAgent\",\"payload\":{\"agent_id\":\"a\",\"input\":\"\",\"r"
        "eturn_channel\":\"",
                           513, "\"}}", &e, &error), WICK_E_PAYLOAD);
    CHECK_STATUS(read_long("{\"type\":\"error\",\"payload\":{\"code\":\"X\",\"retryable\":false,\"message\""
        ":\"", 513, "\"}}", &e,
                           &error), WICK_E_PAYLOAD);
}

static void long_log_is_cut(void)
{
    wick_event e;
    wick_event_error error;
    const char *log = "{\"type\":\"agent.log\",\"payload\":{\"level\":\"info\",\"message\":\"";
    CHECK_STATUS(read_long(log, WICK_LIMIT_LOG, "\"}}", &e, &error), WICK_OK);
    CHECK(!e.as.agent_log.truncated && e.as.agent_log.message.len == WICK_LIMIT_LOG);
    CHECK_STATUS(read_long(log, WICK_LIMIT_LOG + 1, "\",\"truncated\":false}}", &e, &error), WICK_OK);
    CHECK(e.as.agent_log.truncated && e.as.agent_log.message.len == WICK_LIMIT_LOG);
    CHECK_STATUS(read_long(log, WICK_LIMIT_LOG - 1, "\xc3\xa9\xc3\xa9\"}}", &e, &error), WICK_OK);
    CHECK(e.as.agent_log.truncated && e.as.agent_log.message.len == WICK_LIMIT_LOG - 1);
    CHECK(WICK_HAS(&e.as.agent_log, agent_log, truncated) && !WICK_HAS(&e.as.agent_log, agent_log, stream));
}

static void many_unknown_fields(void)
{
    wick_event e;
    wick_event_error error;
    char text[4096];
    for (int n = 60; n <= 70; n++) {
        int len = snprintf(text, sizeof text, "{\"type\":\"ping\"");
        for (int i = 0; i < n; i++)
            len += snprintf(text + len, sizeof text - (size_t)len, ",\"field%d\":%d", i, i);
        len += snprintf(text + len, sizeof text - (size_t)len, "}");
        CHECK_STATUS(wick_event_read(NULL, text, (size_t)len, &e, &error), n <= 64 ? WICK_OK : WICK_E_ENVELOPE);
    }
}

static int reads(const char *json, wick_event *event)
{
    return wick_event_read(NULL, json, strlen(json), event, NULL) == WICK_OK;
}

static void fields_land_in_their_members(void)
{
    wick_event e;
    CHECK(reads("{\"seq\":42,\"type\":\"agent.token\",\"ts\":9007199254740991,\"session_id\":\"s_9f\",\"mission_"
        "id\":-7,"
                "\"agent_id\":\"guide.content\",\"meta\":{\"a\": 1},\"payload\":{\"message_id\":\"m1\",\"text\""
                ":\"H\\u00e9\","
                "\"done\":true} }", &e));
    CHECK(e.type == WICK_TYPE_AGENT_TOKEN && e.head.seq == 42 && e.head.ts == WICK_INT_MAX);
    CHECK(wick_text_is(&e.head.type, "agent.token", 11) && wick_text_is(&e.head.session_id, "s_9f", 4));
    CHECK(e.head.mission_id.form == WICK_TEXT_JSON && wick_text_is(&e.head.mission_id, "-7", 2));
    CHECK(wick_text_is(&e.head.agent_id, "guide.content", 13) && wick_text_is(&e.head.meta, "{\"a\": 1}", 8));
    CHECK(e.head.id.data == NULL && e.head.room.data == NULL && e.head.first_seq == 0);
    static const char payload[] = "{\"message_id\":\"m1\",\"text\":\"H\\u00e9\",\"done\":true}";
    CHECK(wick_text_is(&e.head.payload, payload, sizeof payload - 1));
    CHECK(wick_text_is(&e.as.agent_token.text, "H\xc3\xa9", 3) && e.as.agent_token.text.form == WICK_TEXT_ESCAPED);
    CHECK(wick_text_is(&e.as.agent_token.message_id, "m1", 2) && e.as.agent_token.role.data == NULL);
    CHECK(e.as.agent_token.done == 1 && WICK_HAS(&e.as.agent_token, agent_token, done));
    CHECK(reads("{\"type\":\"agent.input_response\",\"payload\":{\"requestId\":\"r\",\"content\":\"yes\"}}", &e));
    CHECK(wick_text_is(&e.as.input_response.request_id, "r", 1) && e.as.input_response.status == WICK_ANSWER_NONE);
    CHECK(e.as.input_response.content.form == WICK_TEXT_CLEAN && wick_text_is(&e.as.input_response.content, "yes", 3));
    CHECK(reads("{\"type\":\"agent.completed\",\"payload\":{\"usage\":{\"cost\":{\"currency\":\"EUR\",\"amount\":1.50},"
                "\"output_tokens\":0},\"result\":{\"a\":[]}}}", &e));
    CHECK(wick_text_is(&e.as.agent_completed.usage.cost.amount, "1.50", 4));
    CHECK(WICK_HAS(&e.as.agent_completed.usage, usage, output_tokens));
    CHECK(!WICK_HAS(&e.as.agent_completed.usage, usage, input_tokens));
    CHECK(wick_text_is(&e.as.agent_completed.result, "{\"a\":[]}", 8) && !e.as.agent_completed.finish_reason.data);
}

static void id_is_there_for_the_answer(void)
{
    static const char json[] = "{\"type\":\"agent.message\",\"payload\":{\"text\":5},\"x\":[1],\"id\":\"c-9\"}";
    wick_event e;
    wick_event_error error;
    char sentence[160];
    CHECK_STATUS(wick_event_read(NULL, json, sizeof json - 1, &e, &error), WICK_E_PAYLOAD);
    CHECK(wick_text_is(&e.head.id, "c-9", 3) && e.type == WICK_TYPE_AGENT_MESSAGE);
    CHECK(json[error.offset] == '5');
    wick_event_error_text(&error, sentence, sizeof sentence);
    CHECK(strcmp(sentence, "payload.text: string expected") == 0);
}

static void sentences(void)
{
    wick_event e;
    wick_event_error error;
    char sentence[160];
    wick_event_read(NULL, "{\"type\":tru}", 12, &e, &error);
    wick_event_error_text(&error, sentence, sizeof sentence);
    CHECK(strcmp(sentence, "byte 11: a character that JSON does not allow here") == 0);
    wick_text cut = wick_event_error_text(&error, sentence, 8);
    CHECK(cut.len == 7 && strcmp(sentence, "byte 11") == 0);
    CHECK_INT(wick_event_error_text(&error, sentence, 0).len, 0);
}

static void payload_alone(void)
{
    wick_invocation run;
    wick_event_error error;
    static const char json[] = " {\"agent_id\":\"a.b\",\"input\":\"hi\\n\",\"attempt\":0} ";
    CHECK_STATUS(wick_payload_read(NULL, WICK_TYPE_RUNTIME_INVOKE_AGENT, json, sizeof json - 1, &run, &error), WICK_OK);
    CHECK(wick_text_is(&run.input, "hi\n", 3) && WICK_HAS(&run, invocation, attempt) && !run.invocation_id.data);
    CHECK_STATUS(wick_payload_read(NULL, WICK_TYPE_RUNTIME_INVOKE_AGENT, "{}", 2, &run, &error), WICK_E_PAYLOAD);
    CHECK(strcmp(error.path, "agent_id") == 0);
    CHECK_STATUS(wick_payload_read(NULL, WICK_TYPE_RUNTIME_INVOKE_AGENT, "[]", 2, &run, &error), WICK_E_PAYLOAD);
    CHECK_STATUS(wick_payload_read(NULL, WICK_TYPE_RUNTIME_INVOKE_AGENT, "{} "
        "{}", 5, &run, &error), WICK_E_JSON_TRAILING);
    CHECK_STATUS(wick_payload_read(NULL, WICK_TYPE_UNKNOWN, "{}", 2, &run, &error), WICK_E_ARG);
    CHECK_STATUS(wick_payload_read(NULL, WICK_TYPE_COUNT, "{}", 2, &run, &error), WICK_E_ARG);
}

static void configs(void)
{
    wick_event_config config = {sizeof config, 0, 0, 0, NULL};
    wick_event e;
    wick_event_error error;
    static const char json[] = "{\"type\":\"agent.completed\",\"payload\":{\"usage\":{\"cost\":{\"amount\":1,\"c"
        "urrency\":\"E\"}}}}";
    config.depth = 4;
    CHECK_STATUS(wick_event_read(&config, json, sizeof json - 1, &e, &error), WICK_OK);
    for (config.depth = 1; config.depth < 4; config.depth++)
        CHECK_STATUS(wick_event_read(&config, json, sizeof json - 1, &e, &error), WICK_E_JSON_DEPTH);
    CHECK_STATUS(wick_event_read(&config, json, sizeof json - 1, &e, NULL), WICK_OK);
    config.depth = 1;
    CHECK_STATUS(wick_event_read(&config, "{\"type\":\"agent.started\"}", 24, &e, &error), WICK_OK);
    config.depth = WICK_JSON_DEPTH_MAX + 1;
    CHECK_STATUS(wick_event_read(&config, json, sizeof json - 1, &e, &error), WICK_E_CONFIG);
    config.depth = 0;
    config.size--;
    CHECK_STATUS(wick_event_read(&config, json, sizeof json - 1, &e, &error), WICK_E_CONFIG);
    CHECK_STATUS(error.status, WICK_E_CONFIG);
    CHECK_STATUS(wick_event_read(NULL, NULL, 0, &e, &error), WICK_E_JSON_CUT);
    CHECK(e.type == WICK_TYPE_UNKNOWN && error.code == WICK_CODE_INVALID_JSON);
}

static void names_and_codes(void)
{
    for (int type = WICK_TYPE_APPLICATION + 1; type < WICK_TYPE_COUNT; type++) {
        char json[80];
        wick_event e;
        const char *name = wick_type_name((wick_type)type);
        snprintf(json, sizeof json, "{\"type\":\"%s\"}", name);
        wick_event_read(NULL, json, strlen(json), &e, NULL);
        CHECK_INT(e.type, type);
    }
    CHECK(strcmp(wick_type_name(WICK_TYPE_UNKNOWN), "") == 0 && strcmp(wick_type_name(WICK_TYPE_COUNT), "") == 0);
    CHECK(strcmp(WICK_ENUM_TEXT(PHASE, WICK_PHASE_RESULT), "result") == 0);
    CHECK(strcmp(WICK_ENUM_TEXT(PHASE, WICK_PHASE_NONE), "") == 0 && strcmp(WICK_ENUM_TEXT(PHASE, 77), "") == 0);
    for (int code = 1; code < WICK_CODE_COUNT; code++) {
        const char *name = wick_code_name((wick_code)code);
        wick_text text = wick_text_of(name, strlen(name));
        CHECK_INT(wick_code_find(&text), code);
        CHECK(wick_code_http((wick_code)code) >= 400 && wick_code_http((wick_code)code) < 600);
    }
    CHECK_INT(wick_code_http(WICK_CODE_IDENTITY_LEAK), 403);
    CHECK_INT(wick_code_http(WICK_CODE_CANCELLED), 499);
    CHECK(wick_code_retryable(WICK_CODE_DRAINING) && !wick_code_retryable(WICK_CODE_INVALID_JSON));
    wick_text none = WICK_TEXT("NO_SUCH_CODE");
    CHECK_INT(wick_code_find(&none), WICK_CODE_NONE);
    CHECK(strcmp(wick_code_name(WICK_CODE_COUNT), "") == 0);
}

int main(void)
{
    RUN(vectors_envelope);
    RUN(vectors_client);
    RUN(vectors_runtime);
    RUN(limits);
    RUN(long_log_is_cut);
    RUN(many_unknown_fields);
    RUN(fields_land_in_their_members);
    RUN(id_is_there_for_the_answer);
    RUN(sentences);
    RUN(payload_alone);
    RUN(configs);
    RUN(names_and_codes);
    return test_end();
}
