/*
 * liaison.experience - says the text back in tokens: exactly the text, or with "tokens": N in the context exactly N
 * token events that each repeat it. "rate" is tokens a second; absent is as fast as it goes. A token is never empty, so
 * an empty text, which N tokens would have to repeat, is refused unless N is 0.
 */
#include "lib/builtin.h"

/* A field of the context; null is absent. */
static wick_text field_or_absent(const struct run *run, const char *name)
{
    wick_text value = run_field(run, name);
    if (value.data && value.form == WICK_TEXT_JSON && value.len == 4 && value.data[0] == 'n')
        value.data = NULL;
    return value;
}

static int experience_begin(struct run *run)
{
    wick_text tokens = field_or_absent(run, "tokens"), rate = field_or_absent(run, "rate");
    int64_t count = 0;
    if (tokens.data && (tokens.form != WICK_TEXT_JSON || wick_json_int64(&tokens, &count) != WICK_OK || count < 0))
        run->phase = 1;
    if (rate.data && (rate.form != WICK_TEXT_JSON || wick_json_double(&rate, &run->rate) != WICK_OK || run->rate < 0))
        run->phase = 1;
    run->token_count = (uint64_t)count;
    if (count > 0 && !run->text.len)
        run->phase = 2;
    if (!tokens.data)
        text_add(&run->out, run->text.data, run->text.len);
    return 0;
}

static enum step repeat(struct run *run)
{
    wick_event event = { .type = WICK_TYPE_AGENT_TOKEN };
    if (!run_may_say(run))
        return STEP_WAIT;
    event.as.agent_token.text = wick_text_of(run->text.data, run->text.len);
    event.as.agent_token.done = run->tokens + 1 == run->token_count;
    enum step step = run_emit(run, &event);
    run->tokens += step == STEP_MORE;
    return step;
}

static enum step experience_step(struct run *run)
{
    if (run->phase == 2)
        return run_fail(run, WICK_CODE_INVALID_PAYLOAD, "text: not empty expected, because a token never is");
    if (run->phase)
        return run_fail(run, WICK_CODE_INVALID_PAYLOAD,
                        "context.tokens: integer from 0 expected; context.rate: number from 0 expected");
    if (run->tokens < run->token_count)
        return repeat(run);
    enum step step = run_say(run);
    return step == STEP_DONE && run->out_at == run->out.len ? run_complete(run) : step;
}

const struct builtin builtin_experience = { "liaison.experience", experience_begin, experience_step, NULL };
