/*
 * Telling the events of a run: what an agent may leave out is filled in, the order is checked, on_event is called.
 */
#include <string.h>

#include "agent/runtime_internal.h"

/* Room for the ids that are minted here, as long as the event is told. */
typedef struct minted_ids {
    char message[16];
    char request[48];
} minted_ids;

static size_t write_decimal(char *out, uint64_t value)
{
    char digits[20];
    size_t n = 0, len = 0;
    do {
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (n)
        out[len++] = digits[--n];
    return len;
}

/* "m1", "m2", ...: the next one once a message has ended. */
static wick_text mint_message(char *out, char letter, uint32_t count)
{
    out[0] = letter;
    return wick_text_of(out, 1 + write_decimal(out + 1, (uint64_t)count + 1));
}

/* req_<unix ms>, with _<n> if that was taken: unique in this Runtime. */
static wick_text mint_request(wick_runtime *runtime, char *out, uint64_t unix_ms)
{
    size_t len = 4;
    if (unix_ms <= runtime->last_request_ms) {
        unix_ms = runtime->last_request_ms;
        runtime->last_request_n++;
    } else {
        runtime->last_request_ms = unix_ms;
        runtime->last_request_n = 0;
    }
    memcpy(out, "req_", 4);
    len += write_decimal(out + len, unix_ms);
    if (runtime->last_request_n) {
        out[len++] = '_';
        len += write_decimal(out + len, runtime->last_request_n);
    }
    return wick_text_of(out, len);
}

static void fill_question(wick_runtime *runtime, wick_input_request *question, minted_ids *ids, uint64_t unix_ms)
{
    if (!question->request_id.data)
        question->request_id = mint_request(runtime, ids->request, unix_ms);
    if (question->timeout_ms <= 0 && !WICK_HAS(question, input_request, timeout_ms))
        question->timeout_ms = WICK_DEFAULT_INPUT_TIMEOUT_MS;
    if (question->expires_at <= 0)
        question->expires_at = (int64_t)unix_ms + question->timeout_ms;
    if (question->expires_at > WICK_INT_MAX)
        question->expires_at = WICK_INT_MAX;
}

static void fill_in(wick_runtime *runtime, const wick_runtime_slot *r, wick_event *event, minted_ids *ids,
                    uint64_t unix_ms)
{
    if (event->type == WICK_TYPE_AGENT_TOKEN && !event->as.agent_token.message_id.data)
        event->as.agent_token.message_id = mint_message(ids->message, 'm', r->messages);
    else if (event->type == WICK_TYPE_AGENT_THOUGHT && !event->as.agent_thought.message_id.data)
        event->as.agent_thought.message_id = mint_message(ids->message, 't', r->thoughts);
    else if (event->type == WICK_TYPE_AGENT_INPUT_REQUEST)
        fill_question(runtime, &event->as.input_request, ids, unix_ms);
}

static void count_messages(wick_runtime_slot *r, const wick_event *event, const minted_ids *ids)
{
    if (event->type == WICK_TYPE_AGENT_TOKEN && event->as.agent_token.done &&
        event->as.agent_token.message_id.data == ids->message)
        r->messages++;
    if (event->type == WICK_TYPE_AGENT_THOUGHT && event->as.agent_thought.done &&
        event->as.agent_thought.message_id.data == ids->message)
        r->thoughts++;
}

wick_status wick_runtime_tell(wick_runtime *runtime, uint32_t slot, wick_event *event, uint64_t now_ms)
{
    wick_runtime_slot *r = wick_runtime_slot_at(runtime, slot);
    uint64_t unix_ms = now_ms + runtime->config.unix_offset_ms;
    wick_order before = r->order;
    minted_ids ids;
    fill_in(runtime, r, event, &ids, unix_ms);
    wick_status status = wick_order_check(&r->order, event);
    if (status != WICK_OK)
        return status;
    event->head.seq = 0;
    event->head.first_seq = 0;
    event->head.ts = (int64_t)unix_ms;
    event->head.invocation_id = wick_slot_name_text(wick_table_name(wick_runtime_table(runtime), slot));
    if (r->agent)
        event->head.agent_id = wick_text_of(r->agent->id.data, r->agent->id.len);
    runtime->telling = 1;
    int taken = runtime->config.on_event(runtime->config.user, event);
    runtime->telling = 0;
    if (taken == 0) {
        count_messages(r, event, &ids);
        return WICK_OK;
    }
    r->order = before;
    if (taken < 0)
        return WICK_E_CALLBACK;
    r->blocked = 1;
    return WICK_BLOCKED;
}

static int may_emit(wick_type type)
{
    switch (type) {
    case WICK_TYPE_APPLICATION:
    case WICK_TYPE_AGENT_TOKEN:
    case WICK_TYPE_AGENT_THOUGHT:
    case WICK_TYPE_AGENT_ACTION:
    case WICK_TYPE_AGENT_STARTED: /* refused by its order */
    case WICK_TYPE_AGENT_COMPLETED:
    case WICK_TYPE_AGENT_FAILED:
    case WICK_TYPE_AGENT_OUTPUT:
    case WICK_TYPE_AGENT_STATE:
    case WICK_TYPE_AGENT_PROGRESS:
    case WICK_TYPE_AGENT_USAGE:
    case WICK_TYPE_AGENT_LOG:
    case WICK_TYPE_AGENT_INPUT_REQUEST:
    case WICK_TYPE_AGENT_INPUT_RESOLVED:
    case WICK_TYPE_MISSION_STATUS:
    case WICK_TYPE_WORKFLOW_PROGRESS:
    case WICK_TYPE_COORDINATOR_METRICS:
    case WICK_TYPE_AGENT_STATUS:
        return 1;
    default:
        return 0;
    }
}

wick_status wick_runtime_emit(wick_runtime *runtime, wick_run run, const wick_event *event, uint64_t now_ms)
{
    uint32_t slot = wick_runtime_slot_of(runtime, run);
    if (slot == WICK_NO_SLOT)
        return WICK_E_STATE;
    wick_runtime_slot *r = wick_runtime_slot_at(runtime, slot);
    if (r->state != WICK_RUN_ACTIVE || r->left)
        return WICK_E_STATE;
    if (runtime->telling)
        return WICK_E_REENTRY;
    if (!may_emit(event->type))
        return WICK_E_ARG;
    if (r->blocked)
        return WICK_BLOCKED;
    wick_event copy = *event;
    wick_status status = wick_runtime_tell(runtime, slot, &copy, now_ms);
    if (status == WICK_OK && !wick_order_running(&r->order))
        wick_runtime_ended(runtime, r);
    return status;
}

void wick_runtime_failed(wick_event *event, wick_code code, const char *message)
{
    const char *name = wick_code_name(code);
    memset(event, 0, sizeof *event);
    event->type = WICK_TYPE_AGENT_FAILED;
    event->as.agent_failed.error.code = wick_text_from(name);
    event->as.agent_failed.error.message = wick_text_from(message);
    event->as.agent_failed.error.retryable = (uint8_t)wick_code_retryable(code);
}

wick_status wick_runtime_fail(wick_runtime *runtime, wick_run run, wick_code code, const char *message,
                              uint64_t now_ms)
{
    wick_event event;
    wick_runtime_failed(&event, code, message);
    return wick_runtime_emit(runtime, run, &event, now_ms);
}
