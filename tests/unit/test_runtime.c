/*
 * The Runtime: the life of a run, order, owed events, ids, capacity, deadlines.
 */
#include "lib/test.h"

#include <stdarg.h>

#include "oracle/runtime.h"
#include "wick.h"

/* What on_event was told, a line an event: "id type [code]". */
static char told[65536];
static size_t told_len;
static int block, refuse;   /* how many events on_event is to refuse, and how */
static wick_runtime *runtime;
static uint8_t next_random;

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    told_len += (size_t)vsnprintf(told + told_len, sizeof told - told_len, format, args);
    va_end(args);
}

static int on_event(void *user, const wick_event *event)
{
    const wick_text *id = &event->head.invocation_id;
    (void)user;
    if (block > 0) {
        block--;
        return WICK_BLOCKED;
    }
    if (refuse > 0) {
        refuse--;
        return -1;
    }
    note("%.*s %s", (int)id->len, id->data, wick_type_name(event->type));
    if (event->type == WICK_TYPE_AGENT_FAILED)
        note(" %.*s", (int)event->as.agent_failed.error.code.len, event->as.agent_failed.error.code.data);
    if (event->type == WICK_TYPE_AGENT_TOKEN)
        note(" %.*s", (int)event->as.agent_token.message_id.len, event->as.agent_token.message_id.data);
    if (event->type == WICK_TYPE_AGENT_INPUT_REQUEST)
        note(" %.*s %lld %lld", (int)event->as.input_request.request_id.len, event->as.input_request.request_id.data,
             (long long)event->as.input_request.timeout_ms, (long long)event->as.input_request.expires_at);
    note("\n");
    /* Nothing may change below a running on_event. */
    wick_code code;
    wick_invocation invocation = { 0 };
    CHECK_STATUS(wick_runtime_invoke(runtime, &invocation, &code, 0), WICK_E_REENTRY);
    CHECK_STATUS(wick_runtime_cancel(runtime, id, NULL, 0), WICK_E_REENTRY);
    return 0;
}

static int on_random(void *user, uint8_t *out, size_t len)
{
    (void)user;
    memset(out, next_random++, len);
    return 0;
}

/* ---- An agent that does nothing by itself ---- */

static wick_run last_run;
static int start_result, leaves_at_start, leaves_on_cancel, rooms;

static int on_start(wick_runtime *r, wick_run run, const wick_agent *agent, const wick_invocation *invocation,
                    void **data)
{
    (void)agent;
    last_run = run;
    *data = &last_run;
    CHECK(invocation->invocation_id.data != NULL);
    if (leaves_at_start)
        wick_runtime_leave(r, run, 0);
    return start_result;
}

static void on_input(wick_runtime *r, wick_run run, void *data, const wick_runtime_input *input)
{
    (void)r;
    (void)run;
    CHECK(data == &last_run);
    note("input %.*s=%.*s\n", (int)input->request_id.len, input->request_id.data, (int)input->content.len,
         input->content.data);
}

static void on_cancel(wick_runtime *r, wick_run run, void *data, wick_code why)
{
    CHECK(data == &last_run);
    note("cancel %s\n", wick_code_name(why));
    if (leaves_on_cancel)
        wick_runtime_leave(r, run, 0);
}

static void on_room(wick_runtime *r, wick_run run, void *data)
{
    (void)r;
    (void)run;
    (void)data;
    rooms++;
}

static const wick_agent_type idle_type = { on_start, on_input, on_cancel, on_room };
static const wick_agent idle = { { "test.idle", 9 }, &idle_type, NULL };

static void begin(uint32_t runs)
{
    wick_runtime_config config = { 0 };
    config.size = sizeof config;
    config.runs = runs;
    config.agents = 2;
    config.unix_offset_ms = 1000000;
    config.on_event = on_event;
    config.on_random = on_random;
    size_t size = wick_runtime_size(&config);
    runtime = (wick_runtime *)(void *)test_guard_back(NULL, size);
    memset((void *)runtime, 0xA5, size);
    CHECK_STATUS(wick_runtime_init(runtime, &config, 0), WICK_OK);
    CHECK_STATUS(wick_runtime_add(runtime, &idle), WICK_OK);
    told_len = 0;
    told[0] = 0;
    block = refuse = start_result = leaves_at_start = rooms = 0;
    leaves_on_cancel = 1;
}

static void end(uint32_t runs)
{
    wick_runtime_config config = { 0 };
    config.size = sizeof config;
    config.runs = runs;
    config.agents = 2;
    config.on_event = on_event;
    test_unguard((uint8_t *)(void *)runtime, wick_runtime_size(&config));
}

static void expect(const char *want)
{
    if (strcmp(told, want) != 0)
        test_fail(__FILE__, __LINE__, "told:\n%s\nwant:\n%s", told, want);
    told_len = 0;
    told[0] = 0;
}

static wick_status invoke(const char *id, const char *agent, const char *input, int64_t deadline, wick_code *code,
                          uint64_t now)
{
    wick_invocation invocation = { 0 };
    invocation.agent_id = wick_text_of(agent, strlen(agent));
    if (id)
        invocation.invocation_id = wick_text_of(id, strlen(id));
    invocation.input = wick_text_of(input, strlen(input));
    invocation.input.form = WICK_TEXT_JSON;
    invocation.deadline_ms = deadline;
    return wick_runtime_invoke(runtime, &invocation, code, now);
}

static wick_status start(const char *id)
{
    wick_code code;
    return invoke(id, "test.idle", "{}", 0, &code, 0);
}

static wick_status emit(wick_type type)
{
    wick_event event = { 0 };
    event.type = type;
    if (type == WICK_TYPE_AGENT_TOKEN)
        event.as.agent_token.text = WICK_TEXT("x");
    if (type == WICK_TYPE_AGENT_INPUT_REQUEST)
        event.as.input_request.question = WICK_TEXT("?");
    return wick_runtime_emit(runtime, last_run, &event, 5);
}

static wick_text text_of(const char *s)
{
    return wick_text_of(s, strlen(s));
}

static void life_of_a_run(void)
{
    wick_runtime_counts counts;
    begin(4);
    CHECK_STATUS(start("a"), WICK_OK);
    CHECK_STATUS(emit(WICK_TYPE_AGENT_TOKEN), WICK_OK);
    CHECK_STATUS(emit(WICK_TYPE_AGENT_COMPLETED), WICK_OK);
    CHECK_STATUS(emit(WICK_TYPE_AGENT_TOKEN), WICK_E_STATE);
    wick_runtime_count(runtime, &counts);
    CHECK_INT(counts.active, 0);
    CHECK_INT(counts.stopping, 1);
    wick_runtime_leave(runtime, last_run, 0);
    wick_runtime_leave(runtime, last_run, 0);
    wick_runtime_count(runtime, &counts);
    CHECK_INT(counts.stopping, 0);
    CHECK_INT((long long)wick_runtime_id(runtime, last_run).len, 0);
    expect("a agent.started\na agent.token m1\na agent.completed\n");
    end(4);
}

static void a_missing_end_is_written(void)
{
    begin(4);
    start("a");
    wick_runtime_leave(runtime, last_run, 0);
    start_result = -1;
    start("b");
    start_result = 0;
    leaves_at_start = 1;
    start("c");
    expect("a agent.started\na agent.failed AGENT_ERROR\nb agent.started\nb agent.failed AGENT_ERROR\n"
           "c agent.started\nc agent.failed AGENT_ERROR\n");
    end(4);
}

static void order_is_kept(void)
{
    begin(4);
    start("a");
    CHECK_STATUS(emit(WICK_TYPE_AGENT_STARTED), WICK_E_ORDER_START);
    CHECK_STATUS(emit(WICK_TYPE_PING), WICK_E_ARG);
    CHECK_STATUS(emit(WICK_TYPE_ERROR), WICK_E_ARG);
    wick_event event = { 0 };
    event.type = WICK_TYPE_AGENT_ACTION;
    event.as.agent_action.call_id = WICK_TEXT("c");
    event.as.agent_action.phase = WICK_PHASE_END;
    CHECK_STATUS(wick_runtime_emit(runtime, last_run, &event, 0), WICK_E_ORDER_CALL);
    expect("a agent.started\n");
    end(4);
}

static void unknown_agent_fails(void)
{
    wick_code code;
    begin(4);
    CHECK_STATUS(invoke("a", "no.such", "{}", 0, &code, 0), WICK_OK);
    CHECK_INT(code, WICK_CODE_NONE);
    expect("a agent.started\na agent.failed AGENT_NOT_FOUND\n");
    CHECK_STATUS(invoke("b", "No", "{}", 0, &code, 0), WICK_E_PAYLOAD);
    CHECK_INT(code, WICK_CODE_INVALID_PAYLOAD);
    end(4);
}

static void identity_is_refused(void)
{
    static const char *const inputs[] = { "{\"text\":\"x\",\"user_id\":1}", "{\"surface\":\"s\"}", "{\"mode\":null}",
        "{\"user\":{}}", "{\"user_role\":\"r\"}", "{\"roles\":[]}", "{\"conversation_state\":1}", "{\"token\":\"t\"}",
        "{\"\\u0074oken\":\"t\"}" };
    wick_code code;
    begin(4);
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        CHECK_STATUS(invoke("a", "test.idle", inputs[i], 0, &code, 0), WICK_E_IDENTITY);
        CHECK_INT(code, WICK_CODE_IDENTITY_LEAK);
    }
    /* Deeper down a name is just a name, and a broken input does not slip through. */
    CHECK_STATUS(invoke("a", "test.idle", "{\"x\":{\"token\":1},\"tokens\":3}", 0, &code, 0), WICK_OK);
    CHECK_STATUS(invoke("b", "test.idle", "{\"x\":", 0, &code, 0), WICK_E_PAYLOAD);
    CHECK_STATUS(invoke("b", "test.idle", "[]", 0, &code, 0), WICK_E_PAYLOAD);
    expect("a agent.started\n");
    end(4);
}

static void an_invocation_has_no_place_for_a_user(void)
{
#define MEMBER(fields, member, name, kind, need, min, max, extra, doc) name,
    static const char *const names[] = { WICK_FIELDS_invocation(MEMBER) };
#undef MEMBER
    CHECK(sizeof names / sizeof *names >= 8);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        wick_text name = text_of(names[i]);
        if (wick_identity_field(&name))
            test_fail(__FILE__, __LINE__, "an invocation has a field %s", names[i]);
    }
}

static void ids_are_used_once(void)
{
    wick_code code;
    begin(2);
    start("a");
    CHECK_STATUS(invoke("a", "test.idle", "{}", 0, &code, 0), WICK_E_STATE);
    CHECK_INT(code, WICK_CODE_INVOCATION_CONFLICT);
    wick_runtime_leave(runtime, last_run, 0);
    CHECK_STATUS(invoke("a", "test.idle", "{}", 0, &code, 0), WICK_E_STATE);
    start("b");
    wick_runtime_leave(runtime, last_run, 0);
    /* Both slots remember a name; the one that has been free longest forgets first. */
    CHECK_STATUS(invoke("b", "test.idle", "{}", 0, &code, 0), WICK_E_STATE);
    start("c");
    CHECK_STATUS(invoke("b", "test.idle", "{}", 0, &code, 0), WICK_E_STATE);
    CHECK_STATUS(invoke("a", "test.idle", "{}", 0, &code, 0), WICK_OK);
    CHECK_STATUS(invoke("d", "test.idle", "{}", 0, &code, 0), WICK_E_SPACE);
    CHECK_INT(code, WICK_CODE_TOO_MANY_INVOCATIONS);
    end(2);
}

static void ids_are_minted(void)
{
    wick_code code;
    begin(2);
    next_random = 0xFF;
    CHECK_STATUS(invoke(NULL, "test.idle", "{}", 0, &code, 0), WICK_OK);
    expect("ffffffff-ffff-4fff-bfff-ffffffffffff agent.started\n");
    end(2);
}

static void blocked_events_are_kept(void)
{
    wick_code code;
    wick_text a = text_of("a");
    begin(2);
    block = 1;
    CHECK_STATUS(invoke("a", "test.idle", "{}", 0, &code, 0), WICK_BLOCKED);
    expect("");
    /* Nothing has happened: the same id may come again. */
    CHECK_STATUS(invoke("a", "test.idle", "{}", 0, &code, 0), WICK_OK);
    block = 1;
    CHECK_STATUS(emit(WICK_TYPE_AGENT_TOKEN), WICK_BLOCKED);
    CHECK_STATUS(emit(WICK_TYPE_AGENT_TOKEN), WICK_BLOCKED); /* not even asked */
    CHECK_INT(rooms, 0);
    wick_runtime_room(runtime, &a, 0);
    CHECK_INT(rooms, 1);
    wick_runtime_room(runtime, &a, 0);
    CHECK_INT(rooms, 1);
    CHECK_STATUS(emit(WICK_TYPE_AGENT_TOKEN), WICK_OK);
    /* An end that nobody takes is owed, and the slot stays taken until it has been told. */
    block = 2;
    CHECK_STATUS(wick_runtime_cancel(runtime, &a, NULL, 0), WICK_OK);
    wick_runtime_room(runtime, &a, 0);
    wick_runtime_counts counts;
    wick_runtime_count(runtime, &counts);
    CHECK_INT(counts.active, 0);
    CHECK_INT(counts.stopping, 1);
    wick_runtime_room(runtime, &a, 0);
    wick_runtime_count(runtime, &counts);
    CHECK_INT(counts.stopping, 0);
    expect("a agent.started\na agent.token m1\ncancel CANCELLED\na agent.failed CANCELLED\n");
    end(2);
}

static void refused_events_do_not_count(void)
{
    begin(2);
    start("a");
    refuse = 1;
    CHECK_STATUS(emit(WICK_TYPE_AGENT_COMPLETED), WICK_E_CALLBACK);
    CHECK_STATUS(emit(WICK_TYPE_AGENT_COMPLETED), WICK_OK);
    expect("a agent.started\na agent.completed\n");
    end(2);
}

static void cancel_and_leave(void)
{
    wick_text a = text_of("a"), b = text_of("b"), reason = text_of("enough");
    begin(2);
    leaves_on_cancel = 0;
    start("a");
    CHECK_STATUS(wick_runtime_cancel(runtime, &a, &reason, 0), WICK_OK);
    CHECK_STATUS(wick_runtime_cancel(runtime, &a, &reason, 0), WICK_OK);
    CHECK_STATUS(wick_runtime_cancel(runtime, &b, &reason, 0), WICK_E_STATE);
    CHECK_STATUS(emit(WICK_TYPE_AGENT_TOKEN), WICK_E_STATE);
    wick_runtime_leave(runtime, last_run, 0);
    CHECK_STATUS(wick_runtime_cancel(runtime, &a, &reason, 0), WICK_OK);
    expect("a agent.started\na agent.failed CANCELLED\ncancel CANCELLED\n");
    end(2);
}

static void deadlines_and_drain(void)
{
    wick_code code;
    begin(4);
    CHECK(wick_runtime_deadline(runtime) == WICK_NEVER);
    invoke("a", "test.idle", "{}", 100, &code, 1000);
    invoke("b", "test.idle", "{}", 50, &code, 1000);
    invoke("c", "test.idle", "{}", 0, &code, 1000);
    CHECK_INT((long long)wick_runtime_deadline(runtime), 1050);
    wick_runtime_tick(runtime, 1049);
    expect("a agent.started\nb agent.started\nc agent.started\n");
    wick_runtime_tick(runtime, 1050);
    expect("b agent.failed DEADLINE_EXCEEDED\ncancel DEADLINE_EXCEEDED\n");
    CHECK_INT((long long)wick_runtime_deadline(runtime), 1100);
    wick_runtime_drain(runtime, 1051);
    expect("a agent.failed DRAINING\ncancel DRAINING\nc agent.failed DRAINING\ncancel DRAINING\n");
    CHECK_STATUS(invoke("d", "test.idle", "{}", 0, &code, 1052), WICK_E_STATE);
    CHECK_INT(code, WICK_CODE_DRAINING);
    wick_runtime_tick(runtime, 5000);
    CHECK(wick_runtime_deadline(runtime) == WICK_NEVER);
    end(4);
}

static wick_status answer(const char *id, const char *request, const char *content, unsigned status)
{
    wick_runtime_input input = { 0 };
    input.invocation_id = text_of(id);
    input.request_id = text_of(request);
    input.content = text_of(content);
    input.status = (uint8_t)status;
    return wick_runtime_answer(runtime, &input, 0);
}

static void questions(void)
{
    begin(4);
    start("a");
    CHECK_STATUS(emit(WICK_TYPE_AGENT_INPUT_REQUEST), WICK_OK);
    CHECK_STATUS(emit(WICK_TYPE_AGENT_INPUT_REQUEST), WICK_OK);
    expect("a agent.started\na agent.input_request req_1000005 300000 1300005\n"
           "a agent.input_request req_1000005_1 300000 1300005\n");
    CHECK_STATUS(answer("a", "req_0", "x", WICK_OUTCOME_ANSWERED), WICK_E_STATE);
    CHECK_STATUS(answer("b", "req_1000005", "x", WICK_OUTCOME_ANSWERED), WICK_E_STATE);
    block = 1;
    CHECK_STATUS(answer("a", "req_1000005", "x", WICK_OUTCOME_ANSWERED), WICK_BLOCKED);
    CHECK_STATUS(answer("a", "req_1000005", "yes", WICK_OUTCOME_ANSWERED), WICK_OK);
    CHECK_STATUS(answer("a", "req_1000005", "yes", WICK_OUTCOME_ANSWERED), WICK_E_STATE);
    CHECK_STATUS(answer("a", "req_1000005_1", "no", WICK_OUTCOME_TIMEOUT), WICK_OK);
    expect("a agent.input_resolved\ninput req_1000005=yes\na agent.input_resolved\ninput req_1000005_1=no\n");
    end(4);
}

static void messages_are_named(void)
{
    wick_event event = { 0 };
    begin(4);
    start("a");
    event.type = WICK_TYPE_AGENT_TOKEN;
    event.as.agent_token.text = WICK_TEXT("x");
    wick_runtime_emit(runtime, last_run, &event, 0);
    event.as.agent_token.done = 1;
    wick_runtime_emit(runtime, last_run, &event, 0);
    wick_runtime_emit(runtime, last_run, &event, 0);
    event.as.agent_token.message_id = WICK_TEXT("mine");
    wick_runtime_emit(runtime, last_run, &event, 0);
    expect("a agent.started\na agent.token m1\na agent.token m1\na agent.token m2\na agent.token mine\n");
    end(4);
}

static void registry(void)
{
    static const wick_agent bad = { { "Test", 4 }, &idle_type, NULL };
    static const wick_agent second = { { "b", 1 }, &idle_type, NULL };
    static const wick_agent third = { { "c", 1 }, &idle_type, NULL };
    begin(1);
    CHECK_STATUS(wick_runtime_add(runtime, &bad), WICK_E_ARG);
    CHECK_STATUS(wick_runtime_add(runtime, &second), WICK_OK);
    CHECK_STATUS(wick_runtime_add(runtime, &idle), WICK_OK); /* in place of itself */
    CHECK_STATUS(wick_runtime_add(runtime, &third), WICK_E_SPACE);
    wick_runtime_config config = { 0 };
    CHECK_INT((long long)wick_runtime_size(&config), 0);
    CHECK_STATUS(wick_runtime_init(runtime, &config, 0), WICK_E_CONFIG);
    end(1);
}

/* Scripts for the model: see tests/oracle/runtime.h. */
static void random_scripts(void)
{
    uint8_t script[400];
    for (size_t round = 0; round < test_rounds(2000) && !test_failed(); round++) {
        size_t len = test_below(sizeof script);
        for (size_t i = 0; i < len; i++)
            script[i] = (uint8_t)test_random();
        const char *wrong = oracle_runtime_run(script, len);
        if (wrong)
            test_fail(__FILE__, __LINE__, "%s", wrong);
    }
}

int main(void)
{
    RUN(life_of_a_run);
    RUN(a_missing_end_is_written);
    RUN(order_is_kept);
    RUN(unknown_agent_fails);
    RUN(identity_is_refused);
    RUN(an_invocation_has_no_place_for_a_user);
    RUN(ids_are_used_once);
    RUN(ids_are_minted);
    RUN(blocked_events_are_kept);
    RUN(refused_events_do_not_count);
    RUN(cancel_and_leave);
    RUN(deadlines_and_drain);
    RUN(questions);
    RUN(messages_are_named);
    RUN(registry);
    RUN(random_scripts);
    return test_end();
}
