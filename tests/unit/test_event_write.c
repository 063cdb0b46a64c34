/*
 * Writing typed messages: shapes on the wire byte for byte; every field of every type, random, through writer and reader
 * and back; what is written at every capacity; and what must not be written.
 */
#include "lib/test.h"
#include "oracle/json.h"
#include "wick/event.h"

#include "agent/event_fields.h"

#include <stdlib.h>

/* ---- Shapes ---- */

static void check_written(const wick_event *event, const char *want, const char *file, int line)
{
    char out[2048];
    wick_event_error error;
    size_t len;
    wick_status status = wick_event_write(event, 0, out, sizeof out, &len, &error);
    if (status != WICK_OK)
        test_fail(file, line, "%s %s %s", wick_status_name(status), error.path, error.what);
    else if (len != strlen(want) || memcmp(out, want, len) != 0)
        test_fail(file, line, "%.*s", (int)len, out);
}

#define WRITES(event, want) check_written(event, want, __FILE__, __LINE__)

static void shapes(void)
{
    wick_event e = {0};
    e.type = WICK_TYPE_AGENT_TOKEN;
    e.head.seq = 42;
    e.head.ts = 1795212345678;
    e.head.session_id = WICK_TEXT("s_9f");
    e.head.invocation_id = WICK_TEXT("3b1c");
    e.head.agent_id = WICK_TEXT("guide.content");
    e.as.agent_token.message_id = WICK_TEXT("m1");
    e.as.agent_token.text = WICK_TEXT("Hello");
    WRITES(&e, "{\"seq\":42,\"type\":\"agent.token\",\"ts\":1795212345678,\"session_id\":\"s_9f\",\"invocation_i"
        "d\":\"3b1c\","
               "\"agent_id\":\"guide.content\",\"payload\":{\"message_id\":\"m1\",\"text\":\"Hello\"}}");
    e = (wick_event){0};
    e.type = WICK_TYPE_PONG;
    WRITES(&e, "{\"type\":\"pong\"}");
    e.type = WICK_TYPE_AGENT_STARTED;
    WRITES(&e, "{\"type\":\"agent.started\",\"payload\":{}}");
    e.type = WICK_TYPE_ACCEPTED;
    e.head.re = WICK_TEXT("c-1");
    WRITES(&e, "{\"type\":\"accepted\",\"re\":\"c-1\"}");
    e.as.accepted.invocation_id = WICK_TEXT("i");
    e.as.accepted.duplicate = 1;
    WRITES(&e, "{\"type\":\"accepted\",\"re\":\"c-1\",\"payload\":{\"duplicate\":true,\"invocation_id\":\"i\"}}");
    e = (wick_event){0};
    e.type = WICK_TYPE_AGENT_FAILED;
    e.head.seq = 9;
    e.head.first_seq = 7;
    e.as.agent_failed.error.code = WICK_TEXT("CANCELLED");
    e.as.agent_failed.error.message = WICK_TEXT("");
    WRITES(&e, "{\"seq\":9,\"first_seq\":7,\"type\":\"agent.failed\",\"payload\":{\"error\":{\"code\":\"CANCELLED\","
               "\"message\":\"\",\"retryable\":false}}}");
    e.as.agent_failed.usage.cost.amount = (wick_text){"0.50", 4, WICK_TEXT_JSON};
    e.as.agent_failed.usage.cost.currency = WICK_TEXT("USD");
    WICK_SET(&e.as.agent_failed.usage, usage, input_tokens);
    WRITES(&e, "{\"seq\":9,\"first_seq\":7,\"type\":\"agent.failed\",\"payload\":{\"error\":{\"code\":\"CANCELLED\","
               "\"message\":\"\",\"retryable\":false},\"usage\":{\"input_tokens\":0,\"cost\":{\"amount\":0.50,"
               "\"currency\":\"USD\"}}}}");
    e = (wick_event){0};
    e.head.type = WICK_TEXT("x.mine");
    e.head.payload = (wick_text){"{\"a\":\n1}", 8, WICK_TEXT_JSON};
    WRITES(&e, "{\"type\":\"x.mine\",\"payload\":{\"a\": 1}}");
    e = (wick_event){0};
    e.type = WICK_TYPE_RUNTIME_INVOKE_AGENT;
    e.as.invocation.agent_id = WICK_TEXT("guide.content");
    e.as.invocation.input = WICK_TEXT("hi \"you\"");
    WRITES(&e, "{\"type\":\"runtime.invokeAgent\",\"payload\":{\"agent_id\":\"guide.content\","
               "\"input\":{\"text\":\"hi \\\"you\\\"\"}}}");
    e = (wick_event){0};
    e.type = WICK_TYPE_AGENT_OUTPUT;
    e.as.agent_output.kind = WICK_OUTPUT_FINAL;
    e.as.agent_output.content = WICK_TEXT("a\tb\x01\xc3\xa9");
    e.head.mission_id = (wick_text){"12", 2, WICK_TEXT_JSON};
    WRITES(&e, "{\"type\":\"agent.output\",\"mission_id\":12,\"payload\":{\"kind\":\"final\",\"content\":\"a\\t"
        "b\\u0001\xc3\xa9\"}}");
}

static void bare_invocation(void)
{
    wick_invocation run;
    char out[256];
    size_t len;
    static const char want[] = "{\"agent_id\":\"guide.content\",\"invocation_id\":\"uuid\",\"input\":{\"text\""
        ":\"t\",\"project_id\":"
                               "\"123\"},\"return_channel\":\"ws://client/xyz\"}";
    memset(&run, 0, sizeof run);
    run.agent_id = WICK_TEXT("guide.content");
    run.invocation_id = WICK_TEXT("uuid");
    run.input = (wick_text){"{\"text\":\"t\",\"project_id\":\"123\"}", 31, WICK_TEXT_JSON};
    run.return_channel = WICK_TEXT("ws://client/xyz");
    CHECK_STATUS(wick_payload_write(WICK_TYPE_RUNTIME_INVOKE_AGENT, &run, 0, out, sizeof out, &len, NULL), WICK_OK);
    CHECK_INT(len, sizeof want - 1);
    CHECK_MEM(out, want, sizeof want - 1);
    CHECK_STATUS(wick_payload_write(WICK_TYPE_APPLICATION, &run, 0, out, sizeof out, &len, NULL), WICK_E_ARG);
    CHECK_INT(len, 0);
}

static void prefixes(void)
{
    char out[WICK_EVENT_PREFIX_MAX];
    CHECK_INT(wick_event_prefix(0, 0, out), 1);
    CHECK_INT(wick_event_prefix(42, 0, out), 10);
    CHECK_MEM(out, "{\"seq\":42,", 10);
    CHECK_INT(wick_event_prefix(42, 42, out), 10);
    CHECK_INT(wick_event_prefix(42, 40, out), 25);
    CHECK_MEM(out, "{\"seq\":42,\"first_seq\":40,", 25);
    CHECK(wick_event_prefix(WICK_INT_MAX, WICK_INT_MAX - 1, out) <= WICK_EVENT_PREFIX_MAX);
}

static void pongs(void)
{
    static const struct {
        const char *ping, *pong;
    } rows[] = {
        {"{\"type\":\"ping\"}", "{\"type\":\"pong\"}"},
        {" {\n\"type\" :\"ping\" } ", "{\"type\":\"pong\"}"},
        {"{\"id\":\"a\\\"1\",\"type\":\"ping\"}", "{\"type\":\"pong\",\"re\":\"a\\\"1\"}"},
        {"{\"type\":\"ping\",\"payload\":{ \"a\":\n[1 ] }}", "{\"type\":\"pong\",\"payload\":{ \"a\":\n[1 ] }}"},
        {"{\"type\":\"ping\",\"id\":\"7\",\"payload\":{}}", "{\"type\":\"pong\",\"re\":\"7\",\"payload\":{}}"},
        {"{\"type\":\"ping\",\"payload\":null}", "{\"type\":\"pong\"}"},
    };
    wick_event e;
    char out[WICK_PONG_MAX];
    size_t len;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_STATUS(wick_event_read(NULL, rows[i].ping, strlen(rows[i].ping), &e, NULL), WICK_OK);
        CHECK_STATUS(wick_pong_write(&e, out, sizeof out, &len), WICK_OK);
        CHECK(len == strlen(rows[i].pong) && memcmp(out, rows[i].pong, len) == 0);
        size_t whole = len;
        for (size_t cap = 0; cap < whole; cap++) {
            uint8_t *small = test_guard_back(NULL, cap);
            CHECK_STATUS(wick_pong_write(&e, small, cap, &len), WICK_E_SPACE);
            CHECK_INT(len, whole);
            test_unguard(small, cap);
        }
    }
    e.type = WICK_TYPE_PONG;
    CHECK_STATUS(wick_pong_write(&e, out, sizeof out, &len), WICK_E_ARG);
}

/* ---- Every field of every type ---- */

static char arena[1 << 16];
static size_t arena_used;

static char *take(size_t len)
{
    char *p = arena + arena_used;
    arena_used += len;
    if (arena_used > sizeof arena)
        abort();
    return p;
}

/* Random plain text of whole characters, at most max bytes: letters, quotes, control characters, all of Unicode. */
static wick_text random_text(size_t max)
{
    size_t len = 0;
    char *p = take(max);
    while (len + 4 <= max && test_below(12)) {
        uint32_t code = (uint32_t)test_below(128);
        if (test_below(3) == 0)
            code = (uint32_t)test_below(0x110000);
        if (code >= 0xD800 && code < 0xE000)
            code = '"';
        len += wick_jscan_put_utf8((uint8_t *)p + len, code);
    }
    return wick_text_of(p, len);
}

static wick_text of_alphabet(const char *alphabet, size_t max)
{
    size_t len = 1 + test_below(max < 20 ? max : 20);
    char *p = take(len);
    for (size_t i = 0; i < len; i++)
        p[i] = alphabet[test_below(strlen(alphabet))];
    return wick_text_of(p, len);
}

static wick_text json_of(const char *text)
{
    wick_text json = {text, (uint32_t)strlen(text), WICK_TEXT_JSON};
    return json;
}

static wick_text random_text_for(const wick_field *field)
{
    static const char *const objects[] = {"{}", "{\"a\":[1,{\"b\":null}]}", "{\"\\n\":\"\\ud83d\\ude00\"}"};
    static const char *const arrays[] = {"[]", "[1,\"2\",[3]]"};
    static const char *const numbers[] = {"0", "-1.50", "1e3", "123456789012345678901234567890"};
    size_t max = field->max < 200 ? (size_t)field->max : 200;
    wick_text text;
    switch (field->kind) {
    case WICK_KIND_TYPE:
    case WICK_KIND_ROOM:
    case WICK_KIND_VISIBLE:
        return of_alphabet("abcXYZ", max);
    case WICK_KIND_AGENT:
        return of_alphabet("abc019_", max);
    case WICK_KIND_MISSION:
        return test_below(2) ? json_of("-12") : of_alphabet("ab\"\n", max);
    case WICK_KIND_NUMBER:
        return json_of(numbers[test_below(4)]);
    case WICK_KIND_OBJECT:
        return json_of(objects[test_below(3)]);
    case WICK_KIND_NUMBERS:
        return json_of(test_below(2) ? "{}" : "{\"a\":1,\"b\":-2.5}");
    case WICK_KIND_ARRAY:
        return json_of(arrays[test_below(2)]);
    case WICK_KIND_ANY:
        if (test_below(2))
            return json_of(test_below(2) ? numbers[test_below(4)] : objects[test_below(3)]);
        return random_text(max);
    case WICK_KIND_INPUT:
        return json_of(objects[test_below(3)]);
    default:
        text = random_text(max);
        return text.len < (size_t)field->min ? WICK_TEXT("x") : text;
    }
}

/* Fill a struct by its table; optional fields with even odds. */
static void fill(const wick_fields *fields, uint8_t *base)
{
    uint32_t *present = (uint32_t *)(void *)base;
    for (uint32_t row = 0; row < fields->count; row++) {
        const wick_field *field = &fields->field[row];
        int required = (int)((fields->required | fields->filled) >> row & 1);
        if (field->kind == WICK_KIND_ALIAS || (!required && test_below(2)))
            continue;
        if (field->kind == WICK_KIND_NEST) {
            fill(&wick_struct_fields[field->extra], base + field->offset);
            continue;
        }
        *present |= (uint32_t)1 << row;
        if (field->kind == WICK_KIND_INT) {
            int64_t value = field->min + (int64_t)(test_random() % (uint64_t)(field->max - field->min + 1));
            if (test_below(2))
                value = field->min;
            memcpy(base + field->offset, &value, sizeof value);
        } else if (field->kind == WICK_KIND_BOOL) {
            base[field->offset] = (uint8_t)test_below(2);
        } else if (field->kind == WICK_KIND_ENUM) {
            base[field->offset] = (uint8_t)(1 + test_below(wick_enum_values[field->extra].count));
        } else {
            *wick_field_text(base, field) = random_text_for(field);
        }
    }
}

static void compare(const wick_fields *fields, const uint8_t *a, const uint8_t *b, const char *type)
{
    for (uint32_t row = 0; row < fields->count; row++) {
        const wick_field *field = &fields->field[row];
        const char *name = wick_name_data(&field->name);
        if (field->kind == WICK_KIND_ALIAS)
            continue;
        if (field->kind == WICK_KIND_NEST) {
            compare(&wick_struct_fields[field->extra], a + field->offset, b + field->offset, type);
        } else if (field->kind == WICK_KIND_INT) {
            if (memcmp(a + field->offset, b + field->offset, sizeof(int64_t)) != 0)
                test_fail(__FILE__, __LINE__, "%s %s", type, name);
        } else if (field->kind == WICK_KIND_BOOL || field->kind == WICK_KIND_ENUM) {
            if (a[field->offset] != b[field->offset])
                test_fail(__FILE__, __LINE__, "%s %s", type, name);
        } else {
            const wick_text *x = wick_field_text_const(a, field), *y = wick_field_text_const(b, field);
            if (x->data ? !wick_text_equal(x, y) : y->data != NULL)
                test_fail(__FILE__, __LINE__, "%s %s", type, name);
        }
    }
}

/* Rules between fields that a random struct would break. */
static void repair(wick_event *e)
{
    if (e->head.first_seq > e->head.seq)
        e->head.first_seq = e->head.seq;
    if (e->head.first_seq == e->head.seq)
        e->head.first_seq = 0;
    if (!e->head.re.data)
        e->head.re = WICK_TEXT("r");
    memset(&e->head.payload, 0, sizeof e->head.payload);
    if (e->type == WICK_TYPE_AGENT_ACTION && !e->as.agent_action.name.data)
        e->as.agent_action.name = WICK_TEXT("n");
    if (e->type == WICK_TYPE_AGENT_STATE && !e->as.agent_state.snapshot.data == !e->as.agent_state.patch.data) {
        e->as.agent_state.snapshot = json_of("{}");
        memset(&e->as.agent_state.patch, 0, sizeof(wick_text));
    }
}

static void written_then_read(void)
{
    static char out[1 << 17];
    const wick_fields *envelope = &wick_struct_fields[WICK_STRUCT_envelope];
    for (int i = 0; i < 6000 && !test_failed(); i++) {
        wick_event e, again;
        wick_event_error error;
        size_t len, at;
        const wick_message *message;
        arena_used = 0;
        memset(&e, 0, sizeof e);
        e.type = (wick_type)(WICK_TYPE_APPLICATION + 1 + test_below(WICK_TYPE_COUNT - WICK_TYPE_APPLICATION - 1));
        message = wick_message_of(e.type);
        fill(envelope, (uint8_t *)&e.head);
        fill(wick_fields_of(message), (uint8_t *)&e.as);
        repair(&e);
        wick_status status = wick_event_write(&e, 0, out, sizeof out, &len, &error);
        if (status != WICK_OK) {
            test_fail(__FILE__, __LINE__, "%s: %s %s", wick_type_name(e.type), error.path, error.what);
            return;
        }
        CHECK_STATUS(oracle_json((uint8_t *)out, len, 32, 0, &at), WICK_OK);
        CHECK(memchr(out, '\n', len) == NULL);
        uint8_t *tight = test_guard_back(NULL, len); /* no room to spare for the predicted path */
        CHECK_STATUS(wick_event_write(&e, 0, tight, len, &at, NULL), WICK_OK);
        CHECK(at == len && memcmp(tight, out, len) == 0);
        test_unguard(tight, len);
        uint8_t *data = test_guard_back(out, len);
        status = wick_event_read(NULL, data, len, &again, &error);
        if (status != WICK_OK || again.type != e.type)
            test_fail(__FILE__, __LINE__, "%s: %s %s", wick_type_name(e.type), error.path, error.what);
        e.head.type = again.head.type;
        e.head.payload = again.head.payload;
        compare(envelope, (uint8_t *)&e.head, (uint8_t *)&again.head, wick_type_name(e.type));
        compare(wick_fields_of(message), (uint8_t *)&e.as, (uint8_t *)&again.as, wick_type_name(e.type));
        static char relayed[1 << 17];
        size_t len2;
        CHECK_STATUS(wick_event_write(&again, WICK_JSON_TRUSTED, relayed, sizeof relayed, &len2, NULL), WICK_OK);
        CHECK(len == len2 && memcmp(out, relayed, len) == 0);
        test_unguard(data, len);
    }
}

/* ---- Capacity ---- */

static void every_capacity(void)
{
    static const char json[] =
        "{\"seq\":12,\"first_seq\":10,\"type\":\"agent.completed\",\"ts\":1795212345678,\"session_i"
        "d\":\"s\\u0001\","
        "\"mission_id\":5,\"meta\":{\"a\":[1]},\"id\":\"a\",\"payload\":{\"result\":\"x\\ny\xc3\xa9zzzzzzzzzzzzzzzzzzzzzzzz\""
        ",\"finish_reason\":\"stop\","
        "\"usage\":{\"input_tokens\":5,\"cost\":{\"amount\":1.5,\"currency\":\"USD\"}}}}";
    wick_event e;
    static char whole[1024];
    size_t len, need;
    CHECK_STATUS(wick_event_read(NULL, json, sizeof json - 1, &e, NULL), WICK_OK);
    CHECK_STATUS(wick_event_write(&e, 0, whole, sizeof whole, &len, NULL), WICK_OK);
    CHECK(len == sizeof json - 1 && memcmp(whole, json, len) == 0);
    CHECK_STATUS(wick_event_write(&e, 0, NULL, 0, &need, NULL), WICK_E_SPACE);
    CHECK_INT(need, len);
    CHECK_STATUS(wick_event_write_body(&e, 0, NULL, 0, &need, NULL), WICK_E_SPACE);
    for (size_t cap = 0; cap <= len + 100; cap++) {
        uint8_t *room = test_guard_back(NULL, cap);
        wick_status want = cap < len ? WICK_E_SPACE : WICK_OK;
        CHECK_STATUS(wick_event_write(&e, cap & 1 ? WICK_JSON_TRUSTED : 0, room, cap, &need, NULL), want);
        CHECK_INT(need, len);
        CHECK(want != WICK_OK || memcmp(room, whole, len) == 0);
        test_unguard(room, cap);
    }
}

/* ---- What must not be written ---- */

static wick_status write_status(const wick_event *e, const char *path, int line)
{
    char out[512];
    size_t len = 1;
    wick_event_error error;
    wick_status status = wick_event_write(e, 0, out, sizeof out, &len, &error);
    if (strcmp(error.path, path) != 0)
        test_fail(__FILE__, line, "path %s, want %s (%s)", error.path, path, error.what);
    if (status < WICK_OK && len != 0)
        test_fail(__FILE__, line, "len %zu with an error", len);
    return status;
}

#define REFUSED(e, want, path) CHECK_STATUS(write_status(e, path, __LINE__), want)

static void refused_texts(void)
{
    wick_event e = {0};
    REFUSED(&e, WICK_E_ENVELOPE, "type");
    e.head.type = WICK_TEXT("1x");
    REFUSED(&e, WICK_E_ENVELOPE, "type");
    e.type = WICK_TYPE_AGENT_TOKEN;
    REFUSED(&e, WICK_E_PAYLOAD, "payload.message_id");
    e.as.agent_token.message_id = WICK_TEXT("m");
    REFUSED(&e, WICK_E_PAYLOAD, "payload.text");
    e.as.agent_token.text = WICK_TEXT("");
    REFUSED(&e, WICK_E_PAYLOAD, "payload.text");
    e.as.agent_token.text = WICK_TEXT("\xff");
    REFUSED(&e, WICK_E_JSON_UTF8, "payload.text");
    e.as.agent_token.text = (wick_text){"\\q", 2, WICK_TEXT_ESCAPED};
    REFUSED(&e, WICK_E_JSON_ESCAPE, "payload.text");
    e.as.agent_token.text = (wick_text){"\\u00", 4, WICK_TEXT_ESCAPED};
    REFUSED(&e, WICK_E_JSON_ESCAPE, "payload.text");
    e.as.agent_token.text = (wick_text){"a\"b", 3, WICK_TEXT_ESCAPED};
    REFUSED(&e, WICK_E_JSON_CONTROL, "payload.text");
    e.as.agent_token.text = (wick_text){"5", 1, WICK_TEXT_JSON};
    REFUSED(&e, WICK_E_PAYLOAD, "payload.text");
    e.as.agent_token.text = (wick_text){"a\"b\n", 4, WICK_TEXT_CLEAN}; /* not clean: escaped all the same */
    REFUSED(&e, WICK_OK, "");
}

static void refused_heads(void)
{
    wick_event e = {0}, good;
    e.type = WICK_TYPE_AGENT_TOKEN;
    e.as.agent_token.message_id = e.as.agent_token.text = WICK_TEXT("m");
    REFUSED(&e, WICK_OK, "");
    good = e;
    e.head.agent_id = WICK_TEXT("Guide");
    REFUSED(&e, WICK_E_ENVELOPE, "agent_id");
    e = good;
    e.head.ts = -1;
    REFUSED(&e, WICK_E_ENVELOPE, "ts");
    e = good;
    e.head.seq = 3;
    e.head.first_seq = 4;
    REFUSED(&e, WICK_E_ENVELOPE, "first_seq");
    e = good;
    e.head.meta = WICK_TEXT("{}");
    REFUSED(&e, WICK_E_ENVELOPE, "meta");
    e.head.meta = (wick_text){"[]", 2, WICK_TEXT_JSON};
    REFUSED(&e, WICK_E_ENVELOPE, "meta");
    e.head.meta = (wick_text){"{}}", 3, WICK_TEXT_JSON};
    REFUSED(&e, WICK_E_JSON_TRAILING, "meta");
    e.head.meta = (wick_text){"{", 1, WICK_TEXT_JSON};
    REFUSED(&e, WICK_E_JSON_CUT, "meta");
}

static void refused_payloads(void)
{
    wick_event e = {0};
    e.type = WICK_TYPE_AGENT_FAILED;
    REFUSED(&e, WICK_E_PAYLOAD, "payload.error.code");
    e = (wick_event){0};
    e.type = WICK_TYPE_ACCEPTED;
    REFUSED(&e, WICK_E_ENVELOPE, "re");
    e = (wick_event){0};
    e.type = WICK_TYPE_AGENT_STATE;
    REFUSED(&e, WICK_E_PAYLOAD, "payload.snapshot");
    e = (wick_event){0};
    e.type = WICK_TYPE_AGENT_ACTION;
    e.as.agent_action.call_id = WICK_TEXT("c");
    REFUSED(&e, WICK_E_PAYLOAD, "payload.phase");
    e.as.agent_action.phase = WICK_PHASE_COUNT;
    REFUSED(&e, WICK_E_PAYLOAD, "payload.phase");
    e.as.agent_action.phase = WICK_PHASE_START;
    REFUSED(&e, WICK_E_PAYLOAD, "payload.name");
    e = (wick_event){0};
    e.type = WICK_TYPE_RUNTIME_STREAM_AGENT;
    e.as.invocation.agent_id = WICK_TEXT("a");
    e.as.invocation.input = json_of("{\"user\":1}");
    REFUSED(&e, WICK_E_IDENTITY, "payload.input");
    e = (wick_event){0};
    e.type = WICK_TYPE_COORDINATOR_METRICS;
    e.as.coordinator_metrics.metrics = json_of("{\"a\":true}");
    REFUSED(&e, WICK_E_PAYLOAD, "payload.metrics");
    e = (wick_event){0};
    e.type = WICK_TYPE_PING;
    e.head.payload = (wick_text){arena, 126, WICK_TEXT_JSON};
    memset(arena, ' ', 126);
    arena[0] = '{';
    arena[125] = '}';
    REFUSED(&e, WICK_E_PAYLOAD, "payload");
}

static void replaced(void)
{
    wick_event e = {0};
    char out[256];
    size_t len;
    e.type = WICK_TYPE_AGENT_TOKEN;
    e.as.agent_token.message_id = WICK_TEXT("m");
    e.as.agent_token.text = WICK_TEXT("a\xff" "b\xe2\x82" "c");
    CHECK_STATUS(wick_event_write_body(&e, WICK_JSON_REPLACE, out, sizeof out, &len, NULL), WICK_OK);
    static const char want[] = "\"type\":\"agent.token\",\"payload\":{\"message_id\":\"m\",\"text\":\"a\xEF\xBF\xBD"
                               "b\xEF\xBF\xBD" "c\"}}";
    CHECK(len == sizeof want - 1 && memcmp(out, want, len) == 0);
}

static void long_log_is_cut(void)
{
    static char text[WICK_LIMIT_LOG + 10], out[WICK_LIMIT_LOG + 200];
    wick_event e = {0}, again;
    size_t len;
    memset(text, 'a', sizeof text);
    e.type = WICK_TYPE_AGENT_LOG;
    e.as.agent_log.level = WICK_LEVEL_INFO;
    e.as.agent_log.message = wick_text_of(text, WICK_LIMIT_LOG);
    CHECK_STATUS(wick_event_write(&e, 0, out, sizeof out, &len, NULL), WICK_OK);
    CHECK_STATUS(wick_event_read(NULL, out, len, &again, NULL), WICK_OK);
    CHECK(again.as.agent_log.message.len == WICK_LIMIT_LOG && !again.as.agent_log.truncated);
    memcpy(text + WICK_LIMIT_LOG - 1, "\xc3\xa9", 2);
    e.as.agent_log.message = wick_text_of(text, WICK_LIMIT_LOG + 10);
    CHECK_STATUS(wick_event_write(&e, 0, out, sizeof out, &len, NULL), WICK_OK);
    CHECK_STATUS(wick_event_read(NULL, out, len, &again, NULL), WICK_OK);
    CHECK(again.as.agent_log.message.len == WICK_LIMIT_LOG - 1 && again.as.agent_log.truncated);
}

static void inputs(void)
{
    char out[256];
    size_t len;
    wick_text text = WICK_TEXT("Summarize \"it\""), none = {NULL, 0, 0};
    wick_text context = json_of("{\"surface\":\"content_pillar\",\"project_id\":\"12\\n3\",\"mode\":1,\"user\":"
        "{\"a\":[1]},\"text\":\"no\","
                                "\"n\":[ 1,\n2],\"us\\u0065r_id\":2,\"user_role\":3,\"roles\":4,\"conversation_s"
                                "tate\":5,\"token\":6}");
    static const char want[] = "{\"text\":\"Summarize \\\"it\\\"\",\"project_id\":\"12\\n3\",\"n\":[ 1, 2]}";
    CHECK_STATUS(wick_input_write(&text, &context, 0, out, sizeof out, &len), WICK_OK);
    CHECK(len == sizeof want - 1 && memcmp(out, want, len) == 0);
    wick_text input = {out, (uint32_t)len, WICK_TEXT_JSON};
    CHECK(!wick_input_leaks(&input) && wick_input_leaks(&context));
    for (size_t cap = 0; cap < sizeof want - 1; cap++) {
        uint8_t *small = test_guard_back(NULL, cap);
        CHECK_STATUS(wick_input_write(&text, &context, 0, small, cap, &len), WICK_E_SPACE);
        CHECK_INT(len, sizeof want - 1);
        test_unguard(small, cap);
    }
    CHECK_STATUS(wick_input_write(&none, &none, 0, out, sizeof out, &len), WICK_OK);
    CHECK(len == 2 && memcmp(out, "{}", 2) == 0);
    context = json_of("{\"text\":\"kept\"}");
    CHECK_STATUS(wick_input_write(&none, &context, 0, out, sizeof out, &len), WICK_OK);
    CHECK(len == context.len && memcmp(out, context.data, len) == 0);
    context = json_of("[1]");
    CHECK_STATUS(wick_input_write(&text, &context, 0, out, sizeof out, &len), WICK_E_JSON_TYPE);
    context = json_of("{\"a\":1} x");
    CHECK_STATUS(wick_input_write(&text, &context, 0, out, sizeof out, &len), WICK_E_JSON_TRAILING);
    context = json_of("{\"a\":");
    CHECK_STATUS(wick_input_write(&text, &context, 0, out, sizeof out, &len), WICK_E_JSON_CUT);
}

int main(void)
{
    RUN(shapes);
    RUN(bare_invocation);
    RUN(prefixes);
    RUN(pongs);
    RUN(written_then_read);
    RUN(every_capacity);
    RUN(refused_texts);
    RUN(refused_heads);
    RUN(refused_payloads);
    RUN(replaced);
    RUN(long_log_is_cut);
    RUN(inputs);
    return test_end();
}
