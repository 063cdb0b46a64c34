/*
 * The Experience, joined with a Runtime: a client's message in, events out; errors, questions, disconnects, back-pressure.
 */
#include "lib/test.h"

#include <stdarg.h>

#include "wick.h"

#define READERS 4

/* What each reader has been given, a message a line; how many deliveries it is to refuse. */
static struct reader {
    char got[65536];
    size_t len;
    int block;
    unsigned closed;
} readers[READERS];

static char log_text[16384]; /* what agents were told */
static size_t log_len;
static wick_experience *x;
static wick_runtime *runtime;
static wick_run last_run;
static uint64_t now;
static size_t x_size, runtime_size;

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_len += (size_t)vsnprintf(log_text + log_len, sizeof log_text - log_len, format, args);
    va_end(args);
}

/* ---- The joint ---- */

static wick_status on_invoke(void *user, const wick_invocation *invocation, wick_code *code)
{
    char out[4096];
    size_t len;
    (void)user;
    CHECK_STATUS(wick_payload_write(WICK_TYPE_RUNTIME_INVOKE_AGENT, invocation, WICK_JSON_TRUSTED, out, sizeof out, &len, NULL),
                 WICK_OK);
    wick_status status = wick_runtime_invoke(runtime, invocation, code, now);
    if (status == WICK_OK)
        note("invoke %.*s\n", (int)len, out);
    return status;
}

static wick_status on_cancel(void *user, const wick_text *id, const wick_text *reason)
{
    (void)user;
    return wick_runtime_cancel(runtime, id, reason, now);
}

static wick_status on_answer(void *user, const wick_runtime_input *input)
{
    (void)user;
    return wick_runtime_answer(runtime, input, now);
}

static int on_deliver(void *user, void *reader, const wick_outgoing *message)
{
    const wick_slice *slices = message->slices;
    size_t count = message->count;
    struct reader *r = reader;
    (void)user;
    if (r->block) {
        r->block--;
        return WICK_BLOCKED;
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(r->got + r->len, slices[i].data, slices[i].len);
        r->len += slices[i].len;
    }
    CHECK_STATUS(wick_json_check(NULL, slices[0].data, 0, NULL), WICK_E_JSON_CUT);
    r->got[r->len++] = '\n';
    r->got[r->len] = 0;
    return 0;
}

static void on_close(void *user, void *reader, unsigned code, const char *reason)
{
    (void)user;
    CHECK(strlen(reason) <= 123);
    ((struct reader *)reader)->closed = code;
}

static void on_room(void *user, const wick_text *id)
{
    (void)user;
    wick_runtime_room(runtime, id, now);
}

static int on_random(void *user, uint8_t *out, size_t len)
{
    static uint8_t next;
    (void)user;
    memset(out, next++, len);
    return 0;
}

static int on_event(void *user, const wick_event *event)
{
    (void)user;
    return (int)wick_experience_event(x, event, now);
}

/* ---- The agents: they do what the test says ---- */

static int on_start(wick_runtime *r, wick_run run, const wick_agent *agent, const wick_invocation *invocation,
                    void **data)
{
    (void)r;
    (void)agent;
    (void)invocation;
    (void)data;
    last_run = run;
    return 0;
}

static void agent_input(wick_runtime *r, wick_run run, void *data, const wick_runtime_input *input)
{
    (void)r;
    (void)run;
    (void)data;
    note("input %.*s %s %.*s\n", (int)input->request_id.len, input->request_id.data,
         WICK_ENUM_TEXT(OUTCOME, input->status), (int)input->content.len, input->content.data);
}

static void agent_room(wick_runtime *r, wick_run run, void *data)
{
    (void)r;
    (void)data;
    wick_str id = wick_runtime_id(runtime, run);
    note("room %.*s\n", (int)id.len, id.data);
}

static const wick_agent_type agent_type = { on_start, agent_input, NULL, agent_room };
static const wick_agent agents[] = { { { "guide.content", 13 }, &agent_type, NULL },
                                     { { "guide.operations", 16 }, &agent_type, NULL },
                                     { { "special.one", 11 }, &agent_type, NULL } };

static const wick_experience_callbacks callbacks = { .on_invoke = on_invoke, .on_cancel = on_cancel,
    .on_answer = on_answer, .on_deliver = on_deliver, .on_close = on_close, .on_room = on_room,
    .on_random = on_random };
static wick_route routes[8];

static void clear(void)
{
    for (int i = 0; i < READERS; i++) {
        readers[i].len = 0;
        readers[i].got[0] = 0;
    }
}

static void clear_log(void)
{
    log_len = 0;
    log_text[0] = 0;
}

static void begin(uint32_t sessions, uint32_t runs, uint32_t questions)
{
    wick_runtime_config rc = { 0 };
    wick_experience_config xc = { 0 };
    rc.size = sizeof rc;
    rc.runs = 64;
    rc.on_event = on_event;
    rc.unix_offset_ms = 1000;
    xc.size = sizeof xc;
    xc.callbacks = &callbacks;
    xc.routes = routes;
    xc.route_count = routes[0].agent_id.len ? 1 : 0;
    xc.sessions = sessions;
    xc.invocations = runs;
    xc.session_invocations = runs;
    xc.questions = questions;
    xc.message_bytes = 4096;
    xc.unix_offset_ms = 1000;
    runtime_size = wick_runtime_size(&rc);
    x_size = wick_experience_size(&xc);
    runtime = (wick_runtime *)(void *)test_guard_back(NULL, runtime_size);
    x = (wick_experience *)(void *)test_guard_back(NULL, x_size);
    memset((void *)x, 0xA5, x_size);
    now = 0;
    wick_runtime_init(runtime, &rc, now);
    CHECK_STATUS(wick_experience_init(x, &xc, now), WICK_OK);
    for (size_t i = 0; i < 3; i++)
        wick_runtime_add(runtime, &agents[i]);
    memset(readers, 0, sizeof readers);
    clear_log();
}

static void end(void)
{
    test_unguard((uint8_t *)(void *)runtime, runtime_size);
    test_unguard((uint8_t *)(void *)x, x_size);
}

static wick_session open_session(int reader)
{
    wick_session session;
    CHECK_STATUS(wick_experience_open(x, &readers[reader], NULL, &session, now), WICK_OK);
    return session;
}

static wick_status say(wick_session session, const char *message)
{
    return wick_experience_receive(x, session, message, strlen(message), now);
}

static void expect_text(int line, char *got, size_t *len, const char *want)
{
    if (strcmp(got, want) != 0)
        test_fail(__FILE__, line, "got:\n%s\nwant:\n%s", got, want);
    *len = 0;
    got[0] = 0;
}

#define EXPECT(reader, want) expect_text(__LINE__, readers[reader].got, &readers[reader].len, want)
#define EXPECT_LOG(want) expect_text(__LINE__, log_text, &log_len, want)

static wick_status emit(wick_run run, wick_type type, const char *text)
{
    wick_event event = { 0 };
    event.type = type;
    if (type == WICK_TYPE_AGENT_TOKEN)
        event.as.agent_token.text = wick_text_of(text, strlen(text));
    if (type == WICK_TYPE_AGENT_INPUT_REQUEST) {
        event.as.input_request.question = wick_text_of(text, strlen(text));
        event.as.input_request.timeout_ms = 100;
        event.as.input_request.request_id = WICK_TEXT("q1");
    }
    return wick_runtime_emit(runtime, run, &event, now);
}

static void finish(wick_run run)
{
    emit(run, WICK_TYPE_AGENT_COMPLETED, "");
    wick_runtime_leave(runtime, run, now);
}

#define TAIL(session, id, agent) \
    "\"session_id\":\"" session "\",\"invocation_id\":\"" id "\",\"agent_id\":\"" agent "\""

/* ---- Cases ---- */

static void the_users_message(void)
{
    begin(4, 4, 4);
    wick_session session = open_session(0);
    uint32_t slot = (uint32_t)session - 1;
    CHECK_INT(slot, 0);
    now = 234;
    CHECK_STATUS(say(session, "{\"type\":\"agent.message\",\"payload\":{\"text\":\"Summarize this file\",\"context\":"
                              "{\"surface\":\"content_pillar\",\"project_id\":\"123\"},\"invocation_id\":\"i1\"}}"),
                 WICK_OK);
    emit(last_run, WICK_TYPE_AGENT_TOKEN, "Hello");
    finish(last_run);
    char want[2048], id[48];
    const char *at = strstr(readers[0].got, "\"session_id\":\"");
    CHECK(at != NULL);
    snprintf(id, sizeof id, "%.34s", at ? at + 14 : "");
    CHECK(strlen(id) == 34 && id[0] == 's' && id[1] == '_');
    snprintf(want, sizeof want,
             "{\"seq\":1,\"type\":\"agent.started\",\"ts\":1234,\"session_id\":\"%s\",\"invocation_id\":\"i1\","
             "\"agent_id\":\"guide.content\",\"payload\":{}}\n"
             "{\"seq\":2,\"type\":\"agent.token\",\"ts\":1234,\"session_id\":\"%s\",\"invocation_id\":\"i1\","
             "\"agent_id\":\"guide.content\",\"payload\":{\"message_id\":\"m1\",\"text\":\"Hello\"}}\n"
             "{\"seq\":3,\"type\":\"agent.completed\",\"ts\":1234,\"session_id\":\"%s\",\"invocation_id\":\"i1\","
             "\"agent_id\":\"guide.content\",\"payload\":{}}\n",
             id, id, id);
    EXPECT(0, want);
    snprintf(want, sizeof want,
             "invoke {\"agent_id\":\"guide.content\",\"invocation_id\":\"i1\",\"input\":{\"text\":\"Summarize this "
             "file\",\"project_id\":\"123\"},\"return_channel\":\"ws://client/%s\",\"session_id\":\"%s\"}\n",
             id, id);
    EXPECT_LOG(want);
    end();
}

static void the_builder_cannot_leak(void)
{
    begin(4, 4, 4);
    wick_session session = open_session(0);
    CHECK_STATUS(say(session,
                     "{\"type\":\"agent.message\",\"session_id\":\"mine\",\"agent_id\":\"special.one\",\"payload\":{"
                     "\"text\":\"t\",\"invocation_id\":\"i1\",\"user\":\"u\",\"context\":{\"surface\":\"s\",\"mode\":1,"
                     "\"user\":{\"name\":\"u\"},\"user_id\":7,\"user_role\":\"admin\",\"roles\":[\"a\"],"
                     "\"conversation_state\":\"c\",\"token\":\"secret\",\"\\u0074oken\":\"secret\",\"text\":\"other\","
                     "\"keep\":[1,{\"a\":\"\\ud800\"}]}}}"),
                 WICK_OK);
    CHECK(strstr(log_text, "{\"agent_id\":\"guide.content\",\"invocation_id\":\"i1\",\"input\":{\"text\":\"t\","
                           "\"keep\":[1,{\"a\":\"\\ud800\"}]},") != NULL);
    static const char *const secrets[] = { "surface", "mode", "user", "role", "state", "token", "secret", "admin",
                                           "mine", "special" };
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
        CHECK(strstr(log_text, secrets[i]) == NULL);
    end();
}

static void errors_name_the_field(void)
{
    static const struct {
        const char *message, *code, *part;
    } cases[] = {
        { "nonsense", "INVALID_JSON", "" },
        { "[]", "INVALID_ENVELOPE", "" },
        { "{}", "INVALID_ENVELOPE", "type" },
        { "{\"type\":7}", "INVALID_ENVELOPE", "type" },
        { "{\"type\":\"ping\",\"type\":\"ping\"}", "INVALID_ENVELOPE", "" },
        { "{\"type\":\"nope\"}", "UNKNOWN_TYPE", "" },
        { "{\"type\":\"agent.started\"}", "UNKNOWN_TYPE", "" },
        { "{\"type\":\"session.open\"}", "UNKNOWN_TYPE", "" },
        { "{\"type\":\"agent.message\"}", "INVALID_PAYLOAD", "payload.text" },
        { "{\"type\":\"agent.message\",\"payload\":{\"text\":1}}", "INVALID_PAYLOAD", "payload.text" },
        { "{\"type\":\"agent.message\",\"payload\":{\"text\":\"\",\"context\":[]}}", "INVALID_PAYLOAD",
          "payload.context" },
        { "{\"type\":\"agent.cancel\",\"payload\":{}}", "INVALID_PAYLOAD", "payload.invocation_id" },
        { "{\"type\":\"agent.cancel\",\"payload\":{\"invocation_id\":\"x\"}}", "INVOCATION_NOT_FOUND", "" },
        { "{\"type\":\"agent.input_response\",\"payload\":{\"request_id\":\"x\",\"content\":1}}", "INPUT_NOT_FOUND",
          "" },
    };
    begin(4, 4, 4);
    wick_session session = open_session(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char code[64];
        CHECK_STATUS(say(session, cases[i].message), WICK_OK);
        snprintf(code, sizeof code, "\"code\":\"%s\"", cases[i].code);
        if (!strstr(readers[0].got, code) || !strstr(readers[0].got, cases[i].part) ||
            !strstr(readers[0].got, "\"retryable\":false"))
            test_fail(__FILE__, __LINE__, "%s gets %s", cases[i].message, readers[0].got);
        readers[0].len = 0;
    }
    CHECK_INT(readers[0].closed, 0);
    CHECK_STATUS(say(session, "{\"type\":\"nope\",\"id\":\"c1\"}"), WICK_OK);
    CHECK(strstr(readers[0].got, "\"re\":\"c1\"") != NULL);
    readers[0].len = 0;
    /* What is the application's own, or needs no answer, gets none. */
    readers[0].got[0] = 0;
    CHECK_STATUS(say(session, "{\"type\":\"x.mine\",\"payload\":{\"a\":1}}"), WICK_OK);
    CHECK_STATUS(say(session, "{\"type\":\"pong\"}"), WICK_OK);
    EXPECT(0, "");
    /* But what is wrong is wrong, whosever type it has. */
    CHECK_STATUS(say(session, "{\"type\":\"x.mine\",\"payload\":{\"a\":01}}"), WICK_OK);
    CHECK(strstr(readers[0].got, "INVALID_JSON") != NULL);
    readers[0].len = 0;
    CHECK_STATUS(say(session, "{\"type\":\"x.mine\",\"id\":\"c2\",\"payload\":[]}"), WICK_OK);
    CHECK(strstr(readers[0].got, "\"re\":\"c2\"") != NULL && strstr(readers[0].got, "INVALID_PAYLOAD") != NULL);
    end();
}

static void the_third_offence_closes(void)
{
    begin(4, 4, 4);
    wick_session session = open_session(0);
    say(session, "a");
    say(session, "b");
    say(session, "{\"type\":\"nope\"}");
    say(session, "a");
    CHECK_STATUS(wick_experience_error(x, session, WICK_CODE_INVALID_JSON, "A binary message.", now), WICK_OK);
    CHECK_INT(readers[0].closed, 0);
    say(session, "c");
    CHECK_INT(readers[0].closed, 4400);
    end();
}

static void pings(void)
{
    begin(4, 4, 4);
    wick_session session = open_session(0);
    say(session, " { \"type\" :\t\"ping\" }\n");
    EXPECT(0, "{\"type\":\"pong\"}\n");
    say(session, "{\"type\":\"ping\",\"id\":\"7\",\"payload\":{\"a\": [1]}}");
    EXPECT(0, "{\"type\":\"pong\",\"re\":\"7\",\"payload\":{\"a\": [1]}}\n");
    for (int i = 0; i < WICK_PING_BURST - 2; i++)
        say(session, "{\"type\":\"ping\"}");
    CHECK(strstr(readers[0].got, "RATE_LIMITED") == NULL);
    say(session, "{\"type\":\"ping\"}");
    CHECK(strstr(readers[0].got, "RATE_LIMITED") != NULL);
    now += 100;
    readers[0].len = 0;
    say(session, "{\"type\":\"ping\"}");
    EXPECT(0, "{\"type\":\"pong\"}\n");
    end();
}

static const char *message_for(const char *id, const char *more)
{
    static char out[512];
    snprintf(out, sizeof out, "{\"type\":\"agent.message\",\"payload\":{\"text\":\"t\",\"invocation_id\":\"%s\"%s}}", id,
             more);
    return out;
}

static void sessions_are_apart(void)
{
    begin(4, 4, 4);
    wick_session one = open_session(0), two = open_session(1);
    say(one, message_for("i1", ""));
    wick_run run = last_run;
    CHECK_STATUS(say(two, message_for("i1", "")), WICK_OK);
    CHECK(strstr(readers[1].got, "INVOCATION_CONFLICT") != NULL);
    readers[1].len = 0;
    say(two, "{\"type\":\"agent.cancel\",\"payload\":{\"invocation_id\":\"i1\"}}");
    CHECK(strstr(readers[1].got, "INVOCATION_NOT_FOUND") != NULL);
    readers[1].len = 0;
    emit(run, WICK_TYPE_AGENT_INPUT_REQUEST, "?");
    say(two, "{\"type\":\"agent.input_response\",\"payload\":{\"request_id\":\"q1\",\"content\":1}}");
    CHECK(strstr(readers[1].got, "INPUT_NOT_FOUND") != NULL);
    readers[0].len = 0;
    say(one, "{\"type\":\"agent.cancel\",\"payload\":{\"invocation_id\":\"i1\"}}");
    CHECK(strstr(readers[0].got, "\"code\":\"CANCELLED\"") != NULL);
    clear();
    /* Cancelling again is fine, and the id stays used. */
    say(one, "{\"type\":\"agent.cancel\",\"payload\":{\"invocation_id\":\"i1\"}}");
    EXPECT(0, "");
    say(one, message_for("i1", ""));
    CHECK(strstr(readers[0].got, "INVOCATION_CONFLICT") != NULL);
    end();
}

static void routing(void)
{
    static const char text[] = "# comment\n\n  special_pillar\tadmin * special.one # more\r\n"
                               "* * handoff guide.operations\n";
    size_t count, line;
    CHECK_STATUS(wick_routes_read(text, sizeof text - 1, routes, 8, &count, &line), WICK_OK);
    CHECK_INT((long long)count, 2);
    CHECK_INT((long long)line, 0);
    wick_place place = { WICK_STR("special_pillar"), WICK_STR("admin"), WICK_STR("") };
    CHECK(wick_route_find(routes, count, &place) == &routes[0]);
    place.user_role = WICK_STR("guest");
    CHECK(wick_route_find(routes, count, &place) == NULL);
    place.conversation_state = WICK_STR("handoff");
    CHECK(wick_route_find(routes, count, &place) == &routes[1]);

    begin(4, 4, 4);
    wick_session session = open_session(0);
    say(session, message_for("a", ",\"context\":{\"surface\":\"special\\u005fpillar\",\"user_role\":\"admin\"}"));
    CHECK(strstr(log_text, "special.one") != NULL);
    clear_log();
    say(session, message_for("b", ",\"context\":{\"surface\":\"operations_pillar\",\"user_role\":7}"));
    CHECK(strstr(log_text, "guide.operations") != NULL);
    routes[0].agent_id.len = 0;
    end();

    static const struct {
        const char *text;
        size_t line;
        wick_status status;
    } wrong[] = {
        { "a b c\n", 1, WICK_E_PAYLOAD },     { "\na b c d e\n", 2, WICK_E_PAYLOAD }, { "a b c D", 1, WICK_E_PAYLOAD },
        { "a b c d.\n", 1, WICK_E_PAYLOAD },  { "a b c #d\n", 1, WICK_E_PAYLOAD },
        { "a b c d\n a b c d", 2, WICK_E_SPACE },
    };
    wick_route one[1];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK_STATUS(wick_routes_read(wrong[i].text, strlen(wrong[i].text), one, 1, &count, &line), wrong[i].status);
        CHECK_INT((long long)line, (long long)wrong[i].line);
    }
}

static void default_routes(void)
{
    static const char *const want[][2] = { { "content_pillar", "guide.content" },
        { "operations_pillar", "guide.operations" }, { "data_pillar", "liaison.data" },
        { "experience_pillar", "liaison.experience" }, { "other", "guide.content" }, { "", "guide.content" } };
    size_t count;
    const wick_route *defaults = wick_routes_default(&count);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        wick_place place = { { want[i][0], strlen(want[i][0]) }, { "r", 1 }, { "", 0 } };
        const wick_route *route = wick_route_find(defaults, count, &place);
        CHECK(route && route->agent_id.len == strlen(want[i][1]) &&
              memcmp(route->agent_id.data, want[i][1], route->agent_id.len) == 0);
    }
}

#define ANSWER(content) \
    "{\"type\":\"agent.input_response\",\"payload\":{\"requestId\":\"q1\",\"content\":" content "}}"

static void questions(void)
{
    begin(4, 4, 2);
    wick_session session = open_session(0);
    say(session, message_for("a", ""));
    clear_log();
    emit(last_run, WICK_TYPE_AGENT_INPUT_REQUEST, "?");
    readers[0].len = 0;
    say(session, ANSWER("{\"a\":1}"));
    CHECK(strstr(readers[0].got, "agent.input_resolved") && strstr(readers[0].got, "\"outcome\":\"answered\""));
    EXPECT_LOG("input q1 answered {\"a\":1}\n");
    clear();
    say(session, ANSWER("{\"a\":1}"));
    EXPECT(0, "");
    say(session, ANSWER("{\"a\":2}"));
    CHECK(strstr(readers[0].got, "INPUT_ALREADY_RESOLVED") != NULL);
    EXPECT_LOG("");
    end();
}

static void questions_expire(void)
{
    begin(4, 4, 2);
    wick_session session = open_session(0);
    say(session, message_for("a", ""));
    clear_log();
    emit(last_run, WICK_TYPE_AGENT_INPUT_REQUEST, "?");
    CHECK_INT((long long)wick_experience_deadline(x), 100);
    readers[0].len = 0;
    readers[0].block = 1;
    now = 100;
    wick_experience_tick(x, now);
    EXPECT_LOG(""); /* owed to a reader that takes nothing */
    wick_experience_room(x, session, now);
    CHECK(strstr(readers[0].got, "\"outcome\":\"timeout\"") != NULL);
    EXPECT_LOG("input q1 timeout Timeout: No user response\nroom a\n");
    CHECK(wick_experience_deadline(x) == WICK_NEVER);
    say(session, ANSWER("1"));
    CHECK(strstr(readers[0].got, "INPUT_EXPIRED") != NULL);
    /* An answer that comes before the tick, but too late, is too late. */
    wick_event event = { 0 };
    event.type = WICK_TYPE_AGENT_INPUT_REQUEST;
    event.as.input_request.question = WICK_TEXT("?");
    event.as.input_request.timeout_ms = 50;
    event.as.input_request.request_id = WICK_TEXT("q1");
    event.as.input_request.fallback = WICK_TEXT("the default");
    CHECK_STATUS(wick_runtime_emit(runtime, last_run, &event, now), WICK_OK);
    now = 200;
    readers[0].len = 0;
    say(session, ANSWER("1"));
    CHECK(strstr(readers[0].got, "INPUT_EXPIRED") != NULL);
    EXPECT_LOG("input q1 timeout \"the default\"\n");
    end();
}

static void too_many_questions(void)
{
    char big[WICK_DEFAULT_ANSWER_MAX + 1];
    begin(4, 4, 2);
    wick_session session = open_session(0);
    wick_event event = { 0 };
    say(session, message_for("a", ""));
    event.type = WICK_TYPE_AGENT_INPUT_REQUEST;
    event.as.input_request.question = WICK_TEXT("?");
    memset(big, 'x', sizeof big);
    event.as.input_request.fallback = wick_text_of(big, sizeof big);
    CHECK_STATUS(wick_runtime_emit(runtime, last_run, &event, now), WICK_E_CALLBACK);
    event.as.input_request.fallback = wick_text_of(big, sizeof big - 3);
    CHECK_STATUS(wick_runtime_emit(runtime, last_run, &event, now), WICK_OK);
    CHECK_STATUS(wick_runtime_emit(runtime, last_run, &event, now), WICK_OK);
    CHECK_STATUS(wick_runtime_emit(runtime, last_run, &event, now), WICK_E_CALLBACK);
    finish(last_run); /* closes them */
    say(session, message_for("b", ""));
    CHECK_STATUS(wick_runtime_emit(runtime, last_run, &event, now), WICK_OK);
    wick_experience_counts counts;
    wick_experience_count(x, &counts);
    CHECK_INT(counts.questions, 1);
    end();
}

static void disconnects(void)
{
    wick_experience_counts counts;
    begin(2, 4, 4);
    wick_session one = open_session(0), two = open_session(1), three;
    CHECK_STATUS(wick_experience_open(x, &readers[2], NULL, &three, now), WICK_E_SPACE);
    say(one, message_for("stays", ""));
    wick_run stays = last_run;
    say(one, message_for("goes", ",\"on_disconnect\":\"cancel\""));
    say(two, message_for("done", ""));
    finish(last_run);
    clear();
    now = 1000;
    wick_experience_detach(x, one, now);
    wick_experience_detach(x, two, now);
    CHECK_STATUS(say(one, "{\"type\":\"ping\"}"), WICK_E_STATE);
    CHECK_STATUS(say(two, "{\"type\":\"ping\"}"), WICK_E_STATE);
    wick_experience_count(x, &counts);
    CHECK_INT(counts.sessions, 1);
    CHECK_INT(counts.detached, 1);
    CHECK_INT(counts.invocations, 2);
    CHECK_INT((long long)wick_experience_deadline(x), 6000);
    wick_experience_tick(x, 5999);
    wick_experience_count(x, &counts);
    CHECK_INT(counts.invocations, 2);
    wick_experience_tick(x, 6000);
    wick_experience_count(x, &counts);
    CHECK_INT(counts.invocations, 1);
    CHECK_STATUS(emit(stays, WICK_TYPE_AGENT_TOKEN, "x"), WICK_OK);
    finish(stays);
    wick_experience_count(x, &counts);
    CHECK_INT(counts.sessions, 0);
    EXPECT(0, "");
    three = open_session(2);
    CHECK_STATUS(say(one, "{\"type\":\"ping\"}"), WICK_E_STATE);
    CHECK_STATUS(say(three, "{\"type\":\"ping\"}"), WICK_OK);
    end();
}

static void back_pressure(void)
{
    begin(2, 8, 4);
    wick_session session = open_session(0);
    wick_run runs[3];
    readers[0].block = 1;
    CHECK_STATUS(say(session, message_for("a", "")), WICK_BLOCKED);
    CHECK_STATUS(say(session, "{\"type\":\"nope\"}"), WICK_BLOCKED);
    CHECK_STATUS(say(session, "{\"type\":\"ping\"}"), WICK_BLOCKED);
    EXPECT(0, "");
    wick_experience_room(x, session, now);
    for (int i = 0; i < 3; i++) {
        char id[2] = { (char)('a' + i), 0 };
        CHECK_STATUS(say(session, message_for(id, "")), WICK_OK);
        runs[i] = last_run;
    }
    clear_log();
    readers[0].block = 1;
    for (int i = 0; i < 3; i++)
        CHECK_STATUS(emit(runs[i], WICK_TYPE_AGENT_TOKEN, "x"), WICK_BLOCKED);
    CHECK_INT(readers[0].block, 0); /* on_deliver was asked once */
    wick_experience_room(x, session, now);
    EXPECT_LOG("room a\nroom b\nroom c\n");
    /* A reader that goes holds nobody up. */
    readers[0].block = 1;
    CHECK_STATUS(emit(runs[1], WICK_TYPE_AGENT_TOKEN, "x"), WICK_BLOCKED);
    wick_experience_detach(x, session, now);
    EXPECT_LOG("room b\n");
    CHECK_STATUS(emit(runs[1], WICK_TYPE_AGENT_TOKEN, "x"), WICK_OK);
    for (int i = 0; i < 3; i++)
        finish(runs[i]);
    wick_experience_counts counts;
    wick_experience_count(x, &counts);
    CHECK_INT(counts.sessions, 0);
    end();
}

static void capacities(void)
{
    begin(2, 2, 2);
    wick_session session = open_session(0), other = open_session(1);
    say(session, message_for("a", ""));
    say(session, message_for("b", ""));
    readers[0].len = 0;
    say(session, message_for("c", ""));
    CHECK(strstr(readers[0].got, "TOO_MANY_INVOCATIONS") && strstr(readers[0].got, "\"retryable\":true"));
    say(other, message_for("d", ""));
    CHECK(strstr(readers[1].got, "TOO_MANY_INVOCATIONS") != NULL);
    wick_runtime_drain(runtime, now);
    say(session, message_for("e", ""));
    CHECK(strstr(readers[0].got, "\"code\":\"DRAINING\"") != NULL);
    end();
}

int main(void)
{
    RUN(the_users_message);
    RUN(the_builder_cannot_leak);
    RUN(errors_name_the_field);
    RUN(the_third_offence_closes);
    RUN(pings);
    RUN(sessions_are_apart);
    RUN(routing);
    RUN(default_routes);
    RUN(questions);
    RUN(questions_expire);
    RUN(too_many_questions);
    RUN(disconnects);
    RUN(back_pressure);
    RUN(capacities);
    return test_end();
}
