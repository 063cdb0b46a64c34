/*
 * See runtime.h. The model keeps, for each id, whether it has started and ended; ids are never used twice in a script, so
 * that a mix-up shows.
 */
#include "oracle/runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick.h"

#define SLOTS 6
#define IDS 256

enum { UNKNOWN, STARTED, ENDED };

static wick_runtime *runtime;
static const char *wrong;
static uint8_t state[IDS];       /* as told */
static wick_run runs[IDS];       /* 0 once the agent has left */
static uint8_t asked[IDS];       /* a question is open, as told */
static uint8_t owing[IDS];       /* on_cancel has come: the agent owes its leave */
static int refuse;               /* how the next event is answered */
static int lost;                 /* an event has been refused for good: its run may lack its end */
static int at_start;             /* what the agent does in on_start */
static unsigned ids;
static uint64_t now;

static void fail(const char *what)
{
    if (!wrong)
        wrong = what;
}

static unsigned id_of(const wick_text *text)
{
    char digits[16];
    wick_str plain;
    if (!text->data || text->len >= sizeof digits || wick_text_plain(text, digits, sizeof digits, &plain) != WICK_OK)
        return IDS;
    unsigned id = 0;
    for (size_t i = 0; i < plain.len; i++)
        id = id * 10 + (unsigned)(plain.data[i] - '0');
    return id;
}

static int is_last(wick_type type)
{
    return type == WICK_TYPE_AGENT_COMPLETED || type == WICK_TYPE_AGENT_FAILED;
}

static void check_told(unsigned id, wick_type type)
{
    if (id >= IDS) {
        fail("an event without the id of a run");
    } else if (type == WICK_TYPE_AGENT_STARTED) {
        if (state[id] != UNKNOWN)
            fail("started twice");
        state[id] = STARTED;
    } else if (state[id] != STARTED) {
        fail(state[id] == UNKNOWN ? "an event before agent.started" : "an event behind the last one");
    } else if (is_last(type)) {
        state[id] = ENDED;
    } else if (type == WICK_TYPE_AGENT_INPUT_REQUEST) {
        asked[id]++;
    } else if (type == WICK_TYPE_AGENT_INPUT_RESOLVED) {
        if (!asked[id])
            fail("resolved what was not asked");
        asked[id] = 0;
    }
}

static int on_event(void *user, const wick_event *event)
{
    (void)user;
    if (refuse) {
        int how = refuse;
        refuse = 0;
        lost |= how < 0;
        return how;
    }
    check_told(id_of(&event->head.invocation_id), event->type);
    wick_runtime_drain(runtime, now); /* refused from here, without a trace */
    return 0;
}

static unsigned id_of_run(wick_run run)
{
    wick_str id = wick_runtime_id(runtime, run);
    wick_text text = wick_text_of(id.data, id.len);
    return id.len ? id_of(&text) : IDS;
}

static void leave(unsigned id)
{
    wick_run run = runs[id];
    runs[id] = 0;
    owing[id] = 0;
    wick_runtime_leave(runtime, run, now);
}

static int on_start(wick_runtime *r, wick_run run, const wick_agent *agent, const wick_invocation *invocation,
                    void **data)
{
    unsigned id = id_of(&invocation->invocation_id);
    (void)agent;
    (void)data;
    if (id >= IDS || id_of_run(run) != id) {
        fail("a run under another id");
        return 0;
    }
    runs[id] = run;
    if (at_start == 1)
        leave(id);
    if (at_start == 2) {
        runs[id] = 0;
        return -1;
    }
    if (at_start == 3)
        wick_runtime_fail(r, run, WICK_CODE_AGENT_ERROR, "at once", now);
    return 0;
}

static void on_input(wick_runtime *r, wick_run run, void *data, const wick_runtime_input *input)
{
    (void)r;
    (void)data;
    (void)input;
    if (id_of_run(run) >= IDS)
        fail("an answer for a run that is gone");
}

static void on_cancel(wick_runtime *r, wick_run run, void *data, wick_code why)
{
    unsigned id = id_of_run(run);
    (void)r;
    (void)data;
    (void)why;
    if (id >= IDS || owing[id])
        fail("cancelled twice");
    else
        owing[id] = 1;
}

static void on_room(wick_runtime *r, wick_run run, void *data)
{
    unsigned id = id_of_run(run);
    (void)r;
    (void)data;
    if (id >= IDS || owing[id])
        fail("room for a run that is over");
}

static const wick_agent_type type = { on_start, on_input, on_cancel, on_room };
static const wick_agent agent = { { "a", 1 }, &type, NULL };

static wick_text name_of(unsigned id, char *space)
{
    return wick_text_of(space, (size_t)sprintf(space, "%u", id));
}

static void invoke(unsigned how)
{
    char space[16];
    wick_invocation invocation = { 0 };
    wick_code code;
    if (ids == IDS)
        return;
    at_start = (int)(how & 3);
    invocation.agent_id = how & 4 ? WICK_TEXT("none") : WICK_TEXT("a");
    invocation.invocation_id = name_of(ids, space);
    invocation.input = WICK_TEXT("x");
    invocation.deadline_ms = how & 8 ? how >> 4 : 0;
    wick_status status = wick_runtime_invoke(runtime, &invocation, &code, now);
    if ((status == WICK_OK) != (state[ids] != UNKNOWN))
        fail("invoke and agent.started disagree");
    if (status == WICK_OK && wick_runtime_invoke(runtime, &invocation, &code, now) != WICK_E_STATE)
        fail("the same id runs twice");
    if (status == WICK_OK)
        ids++;
}

static void emit(unsigned id, unsigned what)
{
    static const wick_type types[] = { WICK_TYPE_AGENT_TOKEN, WICK_TYPE_AGENT_COMPLETED, WICK_TYPE_AGENT_FAILED,
                                       WICK_TYPE_AGENT_STARTED, WICK_TYPE_AGENT_INPUT_REQUEST, WICK_TYPE_PING,
                                       WICK_TYPE_AGENT_INPUT_RESOLVED, WICK_TYPE_AGENT_ACTION };
    wick_event event;
    memset(&event, 0, sizeof event);
    event.type = types[what % 8];
    if (event.type == WICK_TYPE_AGENT_INPUT_REQUEST)
        event.as.input_request.request_id = WICK_TEXT("q");
    if (event.type == WICK_TYPE_AGENT_INPUT_RESOLVED)
        event.as.input_resolved.request_id = WICK_TEXT("q");
    if (event.type == WICK_TYPE_AGENT_ACTION) {
        event.as.agent_action.call_id = WICK_TEXT("c");
        event.as.agent_action.phase = WICK_PHASE_END;
    }
    wick_runtime_emit(runtime, runs[id], &event, now);
}

static void answer(unsigned id)
{
    char space[16];
    wick_runtime_input input = { 0 };
    input.invocation_id = name_of(id, space);
    input.request_id = WICK_TEXT("q");
    input.content = WICK_TEXT("y");
    wick_runtime_answer(runtime, &input, now);
}

static void step(unsigned op, unsigned arg)
{
    char space[16];
    unsigned id = ids ? arg % ids : 0;
    wick_text name = name_of(id, space);
    switch (op % 10) {
    case 0:
    case 1:
        invoke(arg);
        break;
    case 2:
    case 3:
        emit(id, op / 10);
        break;
    case 4:
        wick_runtime_cancel(runtime, &name, NULL, now);
        break;
    case 5:
        if (runs[id])
            leave(id);
        break;
    case 6:
        wick_runtime_room(runtime, &name, now);
        break;
    case 7:
        refuse = arg & 1 ? WICK_BLOCKED : -1;
        break;
    case 8:
        answer(id);
        break;
    default:
        now += arg;
        wick_runtime_tick(runtime, now);
        break;
    }
}

/* Everybody takes everything, every agent leaves: what is still running then has been forgotten. */
static void finish(void)
{
    wick_runtime_counts counts;
    char space[16];
    refuse = 0;
    for (unsigned id = 0; id < ids; id++) {
        wick_text name = name_of(id, space);
        wick_runtime_room(runtime, &name, now);
    }
    for (unsigned id = 0; id < ids; id++)
        if (runs[id])
            leave(id);
    for (unsigned id = 0; id < ids; id++)
        if (state[id] != ENDED && !lost)
            fail("a run without an end");
    wick_runtime_count(runtime, &counts);
    if (counts.active || counts.stopping)
        fail("a slot is not free in the end");
}

const char *oracle_runtime_run(const uint8_t *data, size_t size)
{
    wick_runtime_config config = { .size = sizeof config, .runs = SLOTS, .agents = 1, .on_event = on_event };
    wrong = NULL;
    memset(state, 0, sizeof state);
    memset(runs, 0, sizeof runs);
    memset(asked, 0, sizeof asked);
    memset(owing, 0, sizeof owing);
    refuse = lost = 0;
    ids = 0;
    now = 1;
    runtime = malloc(wick_runtime_size(&config));
    if (!runtime || wick_runtime_init(runtime, &config, now) != WICK_OK || wick_runtime_add(runtime, &agent) != WICK_OK)
        return "cannot be set up";
    for (size_t i = 0; i + 1 < size && !wrong; i += 2)
        step(data[i], data[i + 1]);
    if (!wrong)
        finish();
    free(runtime);
    return wrong;
}
