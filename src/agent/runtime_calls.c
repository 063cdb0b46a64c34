/*
 * The three calls of the Runtime: invoke, cancel, answer. See wick/runtime.h.
 */
#include <string.h>

#include "agent/runtime_internal.h"

/* Whether an input tells who the user is, by the names of its members. A broken input does not get in either. */
static wick_status check_input(const wick_text *input)
{
    wick_json_config config = { 0 };
    wick_json_reader reader;
    wick_json_token token;
    config.size = sizeof config;
    config.flags = WICK_JSON_LONE_SURROGATES;
    if (input->form != WICK_TEXT_JSON)
        return WICK_OK;
    if (wick_json_reader_init(&reader, &config, input->data, input->len) != WICK_OK ||
        wick_json_next(&reader, &token) != WICK_OK || token.type != WICK_JSON_OBJECT)
        return WICK_E_PAYLOAD;
    while (wick_json_next(&reader, &token) == WICK_OK && token.type == WICK_JSON_KEY) {
        if (wick_identity_field(&token.text))
            return WICK_E_IDENTITY;
        wick_json_value(&reader, NULL);
    }
    return reader.status == WICK_OK ? WICK_OK : WICK_E_PAYLOAD;
}

static wick_status check_invocation(const wick_runtime *runtime, const wick_invocation *invocation, wick_code *code)
{
    char space[WICK_LIMIT_ID];
    wick_str id = { NULL, 0 };
    wick_status status = WICK_OK;
    *code = WICK_CODE_INVALID_PAYLOAD;
    if (!invocation->agent_id.data || wick_text_plain(&invocation->agent_id, space, sizeof space, &id) != WICK_OK ||
        !wick_agent_id_valid(id.data, id.len) || !invocation->input.data || invocation->deadline_ms < 0)
        return WICK_E_PAYLOAD;
    status = check_input(&invocation->input);
    if (status == WICK_E_IDENTITY)
        *code = WICK_CODE_IDENTITY_LEAK;
    if (status != WICK_OK)
        return status;
    *code = WICK_CODE_DRAINING;
    return runtime->draining ? WICK_E_STATE : WICK_OK;
}

/* Take a slot under the invocation's id, or under a new one. */
static wick_status take_slot(wick_runtime *runtime, const wick_text *id, wick_code *code, uint32_t *slot)
{
    wick_table *table = wick_runtime_table(runtime);
    wick_slot_name name;
    uint8_t random[16];
    char uuid[WICK_UUID_SIZE];
    wick_text minted;
    if (!id->data) {
        *code = WICK_CODE_INTERNAL;
        if (!runtime->config.on_random || runtime->config.on_random(runtime->config.user, random, sizeof random) != 0)
            return WICK_E_RANDOM;
        wick_uuid_write(random, uuid);
        minted = wick_text_of(uuid, sizeof uuid);
        id = &minted;
    }
    *code = WICK_CODE_INVALID_PAYLOAD;
    if (wick_slot_name_set(table, &name, id) < 0)
        return WICK_E_PAYLOAD;
    *code = WICK_CODE_INVOCATION_CONFLICT;
    if (wick_table_find(table, &name) != WICK_NO_SLOT)
        return WICK_E_STATE;
    *code = WICK_CODE_TOO_MANY_INVOCATIONS;
    *slot = wick_table_take(table, &name);
    return *slot == WICK_NO_SLOT ? WICK_E_SPACE : WICK_OK;
}

static void reset_slot(wick_runtime *runtime, uint32_t slot, const wick_invocation *invocation, uint64_t now_ms)
{
    wick_runtime_slot *r = wick_runtime_slot_at(runtime, slot);
    uint32_t generation = r->generation + 1;
    const wick_agent **agent = wick_runtime_find_agent(runtime, &invocation->agent_id);
    memset(r, 0, sizeof *r);
    r->generation = generation;
    r->state = WICK_RUN_ACTIVE;
    r->agent = agent ? *agent : NULL;
    r->deadline = WICK_NEVER;
    if (invocation->deadline_ms > 0)
        r->deadline = now_ms + (uint64_t)invocation->deadline_ms;
    if (r->deadline < runtime->deadline)
        runtime->deadline = r->deadline;
    runtime->active++;
}

static wick_status tell_started(wick_runtime *runtime, uint32_t slot, const wick_invocation *invocation,
                                uint64_t now_ms)
{
    wick_event event;
    memset(&event, 0, sizeof event);
    event.type = WICK_TYPE_AGENT_STARTED;
    event.head.agent_id = invocation->agent_id;
    event.as.agent_started.attempt = invocation->attempt;
    return wick_runtime_tell(runtime, slot, &event, now_ms);
}

/* Started and failed: whoever waits for the events of this run sees an end. */
static void no_such_agent(wick_runtime *runtime, uint32_t slot, const wick_invocation *invocation, uint64_t now_ms)
{
    wick_runtime_slot *r = wick_runtime_slot_at(runtime, slot);
    wick_event event;
    wick_runtime_failed(&event, WICK_CODE_AGENT_NOT_FOUND, "There is no agent with this id.");
    event.head.agent_id = invocation->agent_id;
    if (wick_runtime_tell(runtime, slot, &event, now_ms) == WICK_BLOCKED)
        r->owed = WICK_CODE_AGENT_NOT_FOUND;
    wick_runtime_ended(runtime, r);
    wick_runtime_leave(runtime, wick_runtime_handle(runtime, slot), now_ms);
}

static void start_agent(wick_runtime *runtime, uint32_t slot, const wick_invocation *invocation, uint64_t now_ms)
{
    wick_runtime_slot *r = wick_runtime_slot_at(runtime, slot);
    wick_run run = wick_runtime_handle(runtime, slot);
    wick_invocation with_id = *invocation;
    void *data = NULL;
    if (!r->agent) {
        no_such_agent(runtime, slot, invocation, now_ms);
        return;
    }
    with_id.invocation_id = wick_slot_name_text(wick_table_name(wick_runtime_table(runtime), slot));
    int failed = r->agent->type->on_start(runtime, run, r->agent, &with_id, &data) < 0;
    if (wick_runtime_slot_of(runtime, run) == WICK_NO_SLOT)
        return;
    r->data = data;
    if (failed)
        wick_runtime_leave(runtime, run, now_ms);
}

wick_status wick_runtime_invoke(wick_runtime *runtime, const wick_invocation *invocation, wick_code *code,
                                uint64_t now_ms)
{
    uint32_t slot = WICK_NO_SLOT;
    *code = WICK_CODE_INTERNAL;
    if (runtime->telling)
        return WICK_E_REENTRY;
    wick_status status = check_invocation(runtime, invocation, code);
    if (status == WICK_OK)
        status = take_slot(runtime, &invocation->invocation_id, code, &slot);
    if (status != WICK_OK)
        return status;
    reset_slot(runtime, slot, invocation, now_ms);
    status = tell_started(runtime, slot, invocation, now_ms);
    *code = WICK_CODE_NONE;
    if (status != WICK_OK) {
        wick_runtime_slot_at(runtime, slot)->state = WICK_RUN_FREE;
        runtime->active--;
        wick_table_undo(wick_runtime_table(runtime), slot);
        *code = status == WICK_BLOCKED ? WICK_CODE_NONE : WICK_CODE_INTERNAL;
        return status;
    }
    start_agent(runtime, slot, invocation, now_ms);
    return WICK_OK;
}

wick_status wick_runtime_cancel(wick_runtime *runtime, const wick_text *invocation_id, const wick_text *reason,
                                uint64_t now_ms)
{
    if (runtime->telling)
        return WICK_E_REENTRY;
    uint32_t slot = wick_runtime_slot_of_id(runtime, invocation_id);
    if (slot == WICK_NO_SLOT)
        return WICK_E_STATE;
    wick_runtime_stop(runtime, slot, WICK_CODE_CANCELLED, reason, now_ms);
    return WICK_OK;
}

wick_status wick_runtime_answer(wick_runtime *runtime, const wick_runtime_input *input, uint64_t now_ms)
{
    wick_event event;
    if (runtime->telling)
        return WICK_E_REENTRY;
    uint32_t slot = wick_runtime_slot_of_id(runtime, &input->invocation_id);
    if (slot == WICK_NO_SLOT)
        return WICK_E_STATE;
    wick_runtime_slot *r = wick_runtime_slot_at(runtime, slot);
    if (r->state != WICK_RUN_ACTIVE)
        return WICK_E_STATE;
    memset(&event, 0, sizeof event);
    event.type = WICK_TYPE_AGENT_INPUT_RESOLVED;
    event.as.input_resolved.request_id = input->request_id;
    event.as.input_resolved.outcome = input->status ? input->status : WICK_OUTCOME_ANSWERED;
    wick_status status = wick_runtime_tell(runtime, slot, &event, now_ms);
    if (status == WICK_BLOCKED)
        return status;
    if (status != WICK_OK && status != WICK_E_CALLBACK)
        return WICK_E_STATE;
    if (r->agent->type->on_input)
        r->agent->type->on_input(runtime, wick_runtime_handle(runtime, slot), r->data, input);
    return WICK_OK;
}
