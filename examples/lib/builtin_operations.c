/*
 * guide.operations - asks the user how to go on, waits, and puts the answer word for word into its output.
 * "timeout_ms" in the context is how long it waits.
 */
#include "lib/builtin.h"

enum { ASK, WAIT, SAY, PUT_OUT, COMPLETE };

#define QUOTE_MAX 200

static int operations_begin(struct run *run)
{
    (void)run;
    return 0;
}

static enum step ask(struct run *run)
{
    wick_event event = { .type = WICK_TYPE_AGENT_INPUT_REQUEST };
    wick_text text = wick_text_of(run->text.data, run->text.len), quote = wick_text_cut(&text, QUOTE_MAX);
    wick_text timeout = run_field(run, "timeout_ms");
    struct text question = { NULL, 0, 0, 0 };
    int64_t timeout_ms = 0;
    if (timeout.form == WICK_TEXT_JSON && wick_json_int64(&timeout, &timeout_ms) == WICK_OK && timeout_ms > 0)
        event.as.input_request.timeout_ms = timeout_ms;
    text_format(&question, "How shall I go on with this: ");
    text_add(&question, quote.data, quote.len);
    event.as.input_request.question = wick_text_of(question.data, question.len);
    event.as.input_request.kind = WICK_ASK_TEXT;
    enum step step = run_emit(run, &event);
    if (step == STEP_MORE) {
        run->phase = WAIT;
        step = STEP_WAIT;
    }
    text_free(&question);
    return step;
}

/* What is said: one sentence about how the answer came, then the answer as it is. */
static void operations_answer(struct run *run, const wick_runtime_input *input)
{
    wick_json_writer writer;
    size_t need = 0;
    wick_str plain;
    struct text answer = { NULL, 0, 0, 0 };
    if (run->phase != WAIT)
        return;
    if (text_reserve(&answer, wick_text_plain_len(&input->content)) &&
        wick_text_plain(&input->content, answer.data, answer.cap, &plain) == WICK_OK) {
        text_format(&run->out, "%s", input->status == WICK_OUTCOME_TIMEOUT ? "Nobody answered: " : "The answer is: ");
        text_add(&run->out, plain.data, plain.len);
    }
    text_free(&answer);
    wick_json_writer_init(&writer, NULL, 0, WICK_JSON_REPLACE | WICK_JSON_TRUSTED);
    wick_json_put_text(&writer, &input->content);
    wick_json_writer_end(&writer, &need);
    if (text_reserve(&run->content, need)) {
        wick_json_writer_init(&writer, run->content.data, run->content.cap, WICK_JSON_REPLACE | WICK_JSON_TRUSTED);
        wick_json_put_text(&writer, &input->content);
        if (wick_json_writer_end(&writer, &need) == WICK_OK)
            run->content.len = need;
    }
    run->phase = SAY;
}

static enum step put_out(struct run *run)
{
    wick_event event = { .type = WICK_TYPE_AGENT_OUTPUT };
    event.as.agent_output.kind = WICK_OUTPUT_FINAL;
    event.as.agent_output.content = wick_text_of(run->content.data, run->content.len);
    event.as.agent_output.content.form = WICK_TEXT_JSON;
    enum step step = run_emit(run, &event);
    run->phase += step == STEP_MORE;
    return step;
}

static enum step operations_step(struct run *run)
{
    switch (run->phase) {
    case ASK:
        return ask(run);
    case WAIT:
        return STEP_WAIT;
    case SAY: {
        enum step step = run_say(run);
        if (step != STEP_DONE || run->out_at < run->out.len)
            return step;
        run->phase = PUT_OUT;
        return STEP_MORE;
    }
    case PUT_OUT:
        if (run->content.len)
            return put_out(run);
        run->phase = COMPLETE;
        return STEP_MORE;
    default:
        return run_complete(run);
    }
}

const struct builtin builtin_operations = { "guide.operations", operations_begin, operations_step, operations_answer };
