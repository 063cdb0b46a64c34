/*
 * The order of an invocation's events: the cases of tests/vectors/event/order.txt.
 */
#include "lib/test.h"
#include "wick/event.h"

#include <stdlib.h>

/* The event of a step such as "b1", and the status that is wanted of it. */
static void make_event(wick_event *e, const char *step, size_t len)
{
    static const struct {
        char letter;
        wick_type type;
        uint8_t phase;
    } letters[] = {
        {'S', WICK_TYPE_AGENT_STARTED, 0},
        {'T', WICK_TYPE_AGENT_TOKEN, 0},
        {'L', WICK_TYPE_AGENT_LOG, 0},
        {'C', WICK_TYPE_AGENT_COMPLETED, 0},
        {'F', WICK_TYPE_AGENT_FAILED, 0},
        {'P', WICK_TYPE_AGENT_PROGRESS, 0},
        {'Q', WICK_TYPE_AGENT_INPUT_REQUEST, 0},
        {'R', WICK_TYPE_AGENT_INPUT_RESOLVED, 0},
        {'M', WICK_TYPE_AGENT_MESSAGE, 0},
        {'a', WICK_TYPE_AGENT_ACTION, WICK_PHASE_START},
        {'b', WICK_TYPE_AGENT_ACTION, WICK_PHASE_ARGS},
        {'e', WICK_TYPE_AGENT_ACTION, WICK_PHASE_END},
        {'r', WICK_TYPE_AGENT_ACTION, WICK_PHASE_RESULT},
        {'x', WICK_TYPE_AGENT_ACTION, WICK_PHASE_ERROR},
    };
    wick_text id = wick_text_of(step + 1, len - 1);
    memset(e, 0, sizeof *e);
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        if (letters[i].letter == *step) {
            e->type = letters[i].type;
            if (e->type == WICK_TYPE_AGENT_ACTION) {
                e->as.agent_action.phase = letters[i].phase;
                e->as.agent_action.call_id = id;
            } else if (e->type == WICK_TYPE_AGENT_PROGRESS) {
                e->as.agent_progress.progress = id;
            } else if (e->type == WICK_TYPE_AGENT_INPUT_REQUEST) {
                e->as.input_request.request_id = id;
            } else if (e->type == WICK_TYPE_AGENT_INPUT_RESOLVED) {
                e->as.input_resolved.request_id = id;
            }
            return;
        }
    test_fail(__FILE__, __LINE__, "no step %.*s", (int)len, step);
}

static void run_case(const char *name, char *steps)
{
    wick_order order;
    memset(&order, 0, sizeof order);
    for (char *step = strtok(steps, " "); step; step = strtok(NULL, " ")) {
        char *equals = strchr(step, '=');
        size_t len = equals ? (size_t)(equals - step) : strlen(step);
        wick_order before = order, moved = order;
        wick_event e;
        make_event(&e, step, len);
        wick_status status = wick_order_check(&order, &e);
        if (strcmp(wick_status_name(status), equals ? equals + 1 : "WICK_OK") != 0 &&
            strcmp(wick_status_name(status) + 5, equals ? equals + 1 : "OK") != 0)
            test_fail(__FILE__, __LINE__, "%s: %s: %s", name, step, wick_status_name(status));
        if (status != WICK_OK)
            CHECK(memcmp(&before, &order, sizeof order) == 0);
        CHECK_STATUS(wick_order_check(&moved, &e), status);
    }
}

static void vectors(void)
{
    size_t len;
    int cases = 0;
    char *text = test_read_file("tests/vectors/event/order.txt", &len), *line = text;
    CHECK(text != NULL);
    while (line && *line) {
        char *end = strchr(line, '\n'), *space;
        if (end)
            *end = 0;
        space = strchr(line, ' ');
        if (*line != '#' && space) {
            *space = 0;
            run_case(line, space + 1);
            cases++;
        }
        line = end ? end + 1 : NULL;
    }
    CHECK(cases > 20);
    free(text);
}

static void running(void)
{
    wick_order order;
    wick_event e;
    memset(&order, 0, sizeof order);
    CHECK(!wick_order_running(&order));
    make_event(&e, "S", 1);
    wick_order_check(&order, &e);
    CHECK(wick_order_running(&order));
    make_event(&e, "F", 1);
    wick_order_check(&order, &e);
    CHECK(!wick_order_running(&order));
    CHECK(sizeof(wick_order) <= 200);
}

/* An id is the same however it is written. */
static void escaped_ids(void)
{
    wick_order order;
    wick_event e;
    memset(&order, 0, sizeof order);
    make_event(&e, "S", 1);
    wick_order_check(&order, &e);
    make_event(&e, "aA", 2);
    wick_order_check(&order, &e);
    make_event(&e, "b?", 2);
    e.as.agent_action.call_id = (wick_text){"\\u0041", 6, WICK_TEXT_ESCAPED};
    CHECK_STATUS(wick_order_check(&order, &e), WICK_OK);
    e.as.agent_action.call_id.form = WICK_TEXT_PLAIN;
    CHECK_STATUS(wick_order_check(&order, &e), WICK_E_ORDER_CALL);
}

int main(void)
{
    RUN(vectors);
    RUN(running);
    RUN(escaped_ids);
    return test_end();
}
