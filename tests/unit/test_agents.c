/*
 * The agents of examples/lib on a Runtime, without a server: what the built-in ones say, and what becomes of what a child
 * process prints. Agents must not care how slowly their events are taken: each case runs once more with a consumer that
 * refuses every second event.
 */
#include "lib/test.h"

#include <float.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>

#include "lib/agents.h"
#include "wick.h"

static struct loop loop;
static struct agents agents;
static wick_runtime *runtime;

/* What has been told: the texts of tokens as they are, the other events as <type>. */
static char *told;
static size_t told_len, told_cap;
static char result[4096];
static wick_code failed;
static char request[128]; /* the question that is open */
static int over, refusing, turn, tokens;

static void note(const char *data, size_t len)
{
    if (told_cap - told_len <= len) {
        told_cap = (told_cap + len) * 2 + 1024;
        told = realloc(told, told_cap);
    }
    memcpy(told + told_len, data, len);
    told_len += len;
    told[told_len] = 0;
}

static void note_text(const wick_text *text)
{
    char *space = malloc(text->len + 1);
    wick_str plain;
    CHECK_STATUS(wick_text_plain(text, space, text->len, &plain), WICK_OK);
    note(plain.data, plain.len);
    free(space);
}

static void on_end(const wick_event *event)
{
    const wick_text *text = &event->as.agent_completed.result;
    over = 1;
    if (event->type == WICK_TYPE_AGENT_FAILED)
        failed = wick_code_find(&event->as.agent_failed.error.code);
    else
        snprintf(result, sizeof result, "%.*s", (int)text->len, text->data ? text->data : "");
}

static int on_event(void *user, const wick_event *event)
{
    char body[1 << 20];
    size_t len;
    (void)user;
    if (refusing && ++turn % 2)
        return WICK_BLOCKED;
    /* Whatever an agent tells can be put on the wire. */
    CHECK_STATUS(wick_event_write_body(event, WICK_JSON_REPLACE | WICK_JSON_TRUSTED, body, sizeof body, &len, NULL),
                 WICK_OK);
    if (event->type == WICK_TYPE_AGENT_TOKEN) {
        tokens++;
        note_text(&event->as.agent_token.text);
        return 0;
    }
    note("<", 1);
    if (event->type == WICK_TYPE_APPLICATION)
        note(event->head.type.data, event->head.type.len);
    else
        note(wick_type_name(event->type), strlen(wick_type_name(event->type)));
    note(">", 1);
    if (event->type == WICK_TYPE_AGENT_LOG)
        note_text(&event->as.agent_log.message);
    if (event->type == WICK_TYPE_AGENT_INPUT_REQUEST)
        snprintf(request, sizeof request, "%.*s", (int)event->as.input_request.request_id.len,
                 event->as.input_request.request_id.data);
    if (event->type == WICK_TYPE_AGENT_COMPLETED || event->type == WICK_TYPE_AGENT_FAILED)
        on_end(event);
    return 0;
}

static int on_random(void *user, uint8_t *out, size_t len)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)test_random();
    return 0;
}

/* ---- Running one ---- */

static uint64_t give_up_ms;
static const char *answer; /* to the next question */

static wick_text text_of(const char *data)
{
    return wick_text_of(data, strlen(data));
}

/* Every millisecond: room for what was refused, the answer to a question, and whether it is over. */
static void on_tick(struct loop *in, struct source *source)
{
    wick_text id = WICK_TEXT("run");
    wick_runtime_counts counts;
    wick_runtime_room(runtime, &id, in->now_ms);
    if (*request && answer) {
        wick_runtime_input input = { 0 };
        input.invocation_id = id;
        input.request_id = text_of(request);
        input.content = text_of(answer);
        input.status = WICK_OUTCOME_ANSWERED;
        if (wick_runtime_answer(runtime, &input, in->now_ms) == WICK_OK)
            *request = 0;
    }
    wick_runtime_count(runtime, &counts);
    if ((over && counts.stopping == 0) || in->now_ms > give_up_ms)
        loop_stop(in);
    else
        loop_arm(in, source, in->now_ms + 1);
}

static void on_signal(struct loop *in, int signal)
{
    (void)in;
    (void)signal;
    agents_reap(&agents);
}

static void begin(void)
{
    static const int signals[] = { SIGCHLD, 0 };
    wick_runtime_config config = { .size = sizeof config, .runs = 4, .on_event = on_event, .on_random = on_random };
    CHECK(loop_init(&loop) == 0 && loop_signals(&loop, signals, on_signal) == 0);
    runtime = malloc(wick_runtime_size(&config));
    CHECK_STATUS(wick_runtime_init(runtime, &config, 0), WICK_OK);
    CHECK(agents_init(&agents, &loop, runtime) == 0 && agents_add_builtin(&agents) == 0);
}

static void end(void)
{
    agents_free(&agents);
    free(runtime);
    loop_free(&loop);
    free(told);
    told = NULL;
    told_len = told_cap = 0;
}

/* Run an agent to its end. Returns what it has told. */
static const char *run(const char *agent, const char *command, const char *input)
{
    static const struct source_type tick_type = { .on_due = on_tick };
    struct source tick;
    wick_invocation invocation = { 0 };
    wick_code code;
    begin();
    if (command)
        CHECK(agents_add_command(&agents, command) == 0);
    over = failed = turn = tokens = 0;
    *result = *request = 0;
    note("", 0);
    invocation.agent_id = text_of(agent);
    invocation.invocation_id = WICK_TEXT("run");
    invocation.input = text_of(input);
    invocation.input.form = WICK_TEXT_JSON;
    give_up_ms = loop_clock(&loop) + 20000;
    source_init(&tick, &tick_type);
    loop_arm(&loop, &tick, loop.now_ms);
    wick_status status;
    do
        status = wick_runtime_invoke(runtime, &invocation, &code, loop.now_ms);
    while (status == WICK_BLOCKED);
    CHECK_STATUS(status, WICK_OK);
    loop_run(&loop);
    loop_drop(&loop, &tick);
    CHECK(over);
    CHECK_INT((long long)agents.child_count, 0);
    return told;
}

static void expect(const char *agent, const char *command, const char *input, const char *want)
{
    for (refusing = 0; refusing < 2; refusing++) {
        const char *got = run(agent, command, input);
        if (strcmp(got, want) != 0)
            test_fail(__FILE__, __LINE__, "%s %s tells\n%s\nwant\n%s", command ? command : agent, input, got, want);
        end();
    }
    refusing = 0;
}

#define STARTED "<agent.started>"
#define COMPLETED "<agent.completed>"
#define FAILED "<agent.failed>"

/* ---- The built-in agents ---- */

static void content_keeps_whole_sentences(void)
{
    expect("guide.content", NULL, "{\"text\":\"Summarize this file\"}", STARTED "Summarize this file" COMPLETED);
    expect("guide.content", NULL, "{}", STARTED COMPLETED);
    expect("guide.content", NULL, "{\"text\":\" \\n \"}", STARTED COMPLETED);
    expect("guide.content", NULL, "{\"text\":\"One. Two! Three?\"}", STARTED "One. Two! Three?" COMPLETED);
    expect("guide.content", NULL,
           "{\"text\":\"Herons hunt fish. It rained. Many herons hunt fish in rivers. I like tea. So do you.\\n\\nEnd\"}",
           STARTED "Herons hunt fish. Many herons hunt fish in rivers." COMPLETED);
}

static void experience_says_it_back(void)
{
    expect("liaison.experience", NULL, "{\"text\":\"a b\\u0020 c\\n\"}", STARTED "a b  c\n" COMPLETED);
    expect("liaison.experience", NULL, "{\"text\":\"ab \",\"tokens\":3}", STARTED "ab ab ab " COMPLETED);
    CHECK_INT(tokens, 3);
    expect("liaison.experience", NULL, "{\"text\":\"ab\",\"tokens\":0}", STARTED COMPLETED);
    expect("liaison.experience", NULL, "{\"text\":\"ab\",\"tokens\":2,\"rate\":100}", STARTED "abab" COMPLETED);
    expect("liaison.experience", NULL, "{\"text\":\"ab\",\"tokens\":\"2\"}", STARTED FAILED);
    CHECK_INT(failed, WICK_CODE_INVALID_PAYLOAD);
}

static void operations_puts_the_answer_out(void)
{
    static const char asked[] = STARTED "<agent.input_request><agent.input_resolved>The answer is: ";
    char want[512];
    static const char *const answers[] = { "yes", "a \"quoted\" \\ \xC3\xA9 answer\n of two lines", " " };
    for (size_t i = 0; i < 3; i++) {
        answer = answers[i];
        snprintf(want, sizeof want, "%s%s<agent.output>" COMPLETED, asked, answers[i]);
        expect("guide.operations", NULL, "{\"text\":\"Delete it?\"}", want);
    }
    answer = NULL;
}

static void data_computes(void)
{
    static const struct {
        const char *input, *want;
    } cases[] = {
        { "{\"text\":\"1, 3, 5 and 3\"}", "{\"count\":4,\"sum\":12,\"mean\":3,\"median\":3,\"min\":1,\"max\":5," },
        { "{\"text\":\"1, 3, 5\"}",
          "{\"count\":3,\"sum\":9,\"mean\":3,\"median\":3,\"min\":1,\"max\":5,\"stddev\":2}" },
        { "{\"text\":\"0.1 0.2\"}", "{\"count\":2,\"sum\":0.3,\"mean\":0.15,\"median\":0.15,\"min\":0.1,\"max\":0.2," },
        { "{\"text\":\"-5 +5 1e1 H2O x_3\"}",
          "{\"count\":3,\"sum\":10,\"mean\":3.33333333333333,\"median\":5,\"min\":-5,\"max\":10," },
        { "{\"text\":\"none\"}", "{\"count\":0,\"sum\":0}" },
#if FLT_EVAL_METHOD < 2 /* the x87 unit has room for twice 1e308 */
        { "{\"text\":\"1e308 1e308\"}", "{\"count\":2,\"sum\":null,\"mean\":null,\"median\":null,\"min\":1e+308,"
                                        "\"max\":1e+308,\"stddev\":null}" },
#endif
        { "{\"text\":\"n;v\\na;1\\nb;2\\nc;3\\n\"}",
          "{\"count\":3,\"sum\":6,\"mean\":2,\"median\":2,\"min\":1,\"max\":3,\"stddev\":1,"
          "\"columns\":[{\"name\":\"v\",\"statistics\":{\"count\":3,\"sum\":6,\"mean\":2,\"median\":2,\"min\":1,"
          "\"max\":3,\"stddev\":1}}]}" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run("liaison.data", NULL, cases[i].input);
        if (strncmp(result, cases[i].want, strlen(cases[i].want)) != 0)
            test_fail(__FILE__, __LINE__, "%s gives %s", cases[i].input, result);
        end();
    }
    expect("liaison.data", NULL, "{\"text\":\"2 3 4\"}",
           STARTED "<agent.action><agent.progress><agent.action><agent.action><agent.progress>All numbers: count 3, sum "
                   "9, mean 3, median 3, min 2, max 4, standard deviation 1.\n<agent.output>" COMPLETED);
}

/* ---- Children ---- */

static void lines_become_events(void)
{
    expect("test.child", "test.child=read line; printf '%s\\nlast' \"$line\"", "{\"text\":\"x\",\n\"n\":[1,\r\n2]}",
           STARTED "{\"agent_id\":\"test.child\",\"invocation_id\":\"run\",\"input\":{\"text\":\"x\", \"n\":[1,  2]}}\n"
                   "last" COMPLETED);
    expect("test.child", "test.child=echo '{\"type\":\"agent.thought\",\"payload\":{\"text\":\"t\"}}'; echo '{\"a\":1}'; echo",
           "{}", STARTED "<agent.thought>{\"a\":1}\n\n" COMPLETED);
    expect("test.child", "test.child=echo '{\"type\":\"x.mine\"}'; echo '{\"type\":\"agent.completed\"}'; echo late", "{}",
           STARTED "<x.mine>" COMPLETED);
}

static void exits_become_ends(void)
{
    expect("test.child", "test.child=exit 3", "{}", STARTED FAILED);
    CHECK_INT(failed, WICK_CODE_AGENT_ERROR);
    expect("test.child", "test.child=echo a; kill -9 $$", "{}", STARTED "a\n" FAILED);
    expect("test.child", "test.child=echo oops >&2; exec sleep 0", "{}", STARTED "<agent.log>oops" COMPLETED);
    expect("test.child", "test.child=sleep 100 & echo gone", "{}", STARTED "gone\n" COMPLETED);
    /* One that closes its outputs and goes on is waited for. */
    expect("test.child", "test.child=exec >&- 2>&-; sleep 0.1; exit 1", "{}", STARTED FAILED);
}

static void children_replace_built_in_agents(void)
{
    expect("guide.content", "guide.content=echo mine", "{}", STARTED "mine\n" COMPLETED);
    begin();
    CHECK(agents_add_command(&agents, "nothing") < 0);
    CHECK(agents_add_command(&agents, "a=") < 0);
    CHECK(agents_add_command(&agents, "No=x") < 0);
    end();
}

static void children_ask(void)
{
    answer = "yes";
    expect("test.child",
           "test.child=read l; echo '{\"type\":\"agent.input_request\",\"payload\":{\"question\":\"?\",\"request_id\":\"q\"}}'; "
           "read a; echo \"got $a\"",
           "{}", STARTED "<agent.input_request><agent.input_resolved>got {\"type\":\"agent.input_response\",\"payload\":"
                         "{\"request_id\":\"q\",\"content\":\"yes\",\"status\":\"answered\"}}\n" COMPLETED);
    answer = NULL;
}

static void long_lines_come_whole(void)
{
    char *want = malloc(400000);
    size_t len = (size_t)sprintf(want, "%s", STARTED);
    for (int i = 0; i < 100000; i++)
        len += (size_t)sprintf(want + len, "\xC3\xA9");
    sprintf(want + len, "\n%s", COMPLETED);
    expect("test.child", "test.child=i=0; s=\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9; s=$s$s; s=$s$s$s$s$s$s$s$s$s$s; "
                         "while [ $i -lt 1000 ]; do printf %s \"$s\"; i=$((i+1)); done; echo",
           "{}", want);
    free(want);
}

int main(void)
{
    RUN(content_keeps_whole_sentences);
    RUN(experience_says_it_back);
    RUN(operations_puts_the_answer_out);
    RUN(data_computes);
    RUN(lines_become_events);
    RUN(exits_become_ends);
    RUN(children_replace_built_in_agents);
    RUN(children_ask);
    RUN(long_lines_come_whole);
    return test_end();
}
