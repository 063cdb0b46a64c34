/*
 * mission.c - events in the words of the mission profile, and the one message that comes in them.
 *
 * One function writes the fields of each name; the texts go over as they stand, escapes and all.
 */
#include "wick/mission.h"

#include "agent/table.h"

typedef void (*mission_fields)(wick_json_writer *w, const wick_event *event);

typedef struct mission_row {
    const char *name;
    mission_fields fields;
} mission_row;

/* ---- Fields ---------------------------------------------------------------------------------------------- */

static void mission_key(wick_json_writer *w, const char *name)
{
    wick_text key = wick_text_from(name);
    wick_json_put_key_text(w, &key);
}

static void mission_field(wick_json_writer *w, const char *name, const wick_text *value)
{
    if (!value->data)
        return;
    mission_key(w, name);
    wick_json_put_text(w, value);
}

static void mission_word(wick_json_writer *w, const char *name, const char *word)
{
    wick_text text = wick_text_from(word);
    if (!text.len)
        return;
    mission_key(w, name);
    wick_json_put_text(w, &text);
}

static void mission_number(wick_json_writer *w, const char *name, int64_t value)
{
    mission_key(w, name);
    wick_json_put_int64(w, value);
}

static void mission_flag(wick_json_writer *w, const char *name, int value)
{
    mission_key(w, name);
    wick_json_put_bool(w, value);
}

static void mission_request(wick_json_writer *w, const wick_text *id)
{
    mission_field(w, "request_id", id);
    mission_field(w, "requestId", id);
}

static void mission_event(wick_json_writer *w, const wick_event *event)
{
    mission_word(w, "event", wick_type_name(event->type));
}

/* The content of what always has one. */
static void mission_content(wick_json_writer *w, const wick_text *content)
{
    static const wick_text empty = { "", 0, WICK_TEXT_PLAIN };
    mission_field(w, "content", content->data ? content : &empty);
}

/* ---- One name each --------------------------------------------------------------------------------------- */

static void mission_stream(wick_json_writer *w, const wick_event *event)
{
    const wick_agent_token *token = &event->as.agent_token;
    mission_content(w, &token->text);
    mission_field(w, "message_id", &token->message_id);
    mission_flag(w, "done", token->done);
}

static void mission_thought(wick_json_writer *w, const wick_event *event)
{
    mission_content(w, &event->as.agent_thought.text);
    mission_field(w, "message_id", &event->as.agent_thought.message_id);
}

static void mission_action(wick_json_writer *w, const wick_event *event)
{
    const wick_agent_action *action = &event->as.agent_action;
    mission_field(w, "tool", &action->name);
    mission_word(w, "phase", WICK_ENUM_TEXT(PHASE, action->phase));
    mission_field(w, "call_id", &action->call_id);
    mission_field(w, "input", action->args.data ? &action->args : &action->args_delta);
    mission_field(w, "output", &action->result);
    mission_field(w, "error", &action->error);
}

static void mission_output(wick_json_writer *w, const wick_event *event)
{
    const wick_agent_output *output = &event->as.agent_output;
    mission_content(w, &output->content);
    mission_flag(w, "final", output->kind == WICK_OUTPUT_FINAL);
    mission_word(w, "kind", WICK_ENUM_TEXT(OUTPUT, output->kind));
    mission_field(w, "mime", &output->mime);
    mission_event(w, event);
}

static void mission_completed(wick_json_writer *w, const wick_event *event)
{
    mission_content(w, &event->as.agent_completed.result);
    mission_flag(w, "final", 1);
    mission_field(w, "finish_reason", &event->as.agent_completed.finish_reason);
    mission_event(w, event);
}

static void mission_input_request(wick_json_writer *w, const wick_event *event)
{
    const wick_input_request *request = &event->as.input_request;
    mission_request(w, &request->request_id);
    mission_content(w, &request->question);
    mission_number(w, "timeout_ms", request->timeout_ms);
    mission_number(w, "expires_at", request->expires_at);
    mission_field(w, "choices", &request->choices);
    mission_field(w, "schema", &request->schema);
}

static void mission_input_resolved(wick_json_writer *w, const wick_event *event)
{
    mission_request(w, &event->as.input_resolved.request_id);
    mission_word(w, "outcome", WICK_ENUM_TEXT(OUTCOME, event->as.input_resolved.outcome));
}

static void mission_usage(wick_json_writer *w, const wick_event *event)
{
    const wick_usage *usage = &event->as.usage;
    mission_field(w, "provider", &usage->provider);
    mission_field(w, "model", &usage->model);
#define MISSION_COUNT_OF(member) \
    if (WICK_HAS(usage, usage, member) || usage->member) \
    mission_number(w, #member, usage->member)
    MISSION_COUNT_OF(input_tokens);
    MISSION_COUNT_OF(output_tokens);
    MISSION_COUNT_OF(total_tokens);
    MISSION_COUNT_OF(reasoning_tokens);
    MISSION_COUNT_OF(cached_input_tokens);
#undef MISSION_COUNT_OF
    if (!usage->cost.amount.data)
        return;
    mission_key(w, "cost");
    wick_json_put_object(w);
    mission_field(w, "amount", &usage->cost.amount);
    mission_field(w, "currency", &usage->cost.currency);
    wick_json_put_object_end(w);
}

static void mission_log(wick_json_writer *w, const wick_event *event)
{
    const wick_agent_log *log = &event->as.agent_log;
    wick_text message = wick_text_cut(&log->message, WICK_LIMIT_LOG);
    mission_content(w, &message);
    mission_word(w, "level", WICK_ENUM_TEXT(LEVEL, log->level));
    mission_field(w, "logger", &log->logger);
    mission_word(w, "stream", WICK_ENUM_TEXT(LOG_STREAM, log->stream));
    if (log->truncated || message.len < log->message.len)
        mission_flag(w, "truncated", 1);
}

static void mission_status(wick_json_writer *w, const wick_event *event)
{
    mission_word(w, "status", WICK_ENUM_TEXT(MISSION, event->as.mission_status.status));
    mission_field(w, "content", &event->as.mission_status.message);
    mission_event(w, event);
}

static void mission_started(wick_json_writer *w, const wick_event *event)
{
    mission_word(w, "status", "started");
    mission_field(w, "content", &event->as.agent_started.name);
    mission_event(w, event);
}

static void mission_progress(wick_json_writer *w, const wick_event *event)
{
    const wick_agent_progress *progress = &event->as.agent_progress;
    mission_field(w, "status", &progress->step_status);
    mission_field(w, "content", &progress->message);
    mission_field(w, "progress", &progress->progress);
    mission_field(w, "total", &progress->total);
    mission_field(w, "step", &progress->step);
    mission_event(w, event);
}

static void mission_state(wick_json_writer *w, const wick_event *event)
{
    const wick_agent_state *state = &event->as.agent_state;
    mission_field(w, "content", state->snapshot.data ? &state->snapshot : &state->patch);
    mission_event(w, event);
}

static void mission_failed(wick_json_writer *w, const wick_event *event)
{
    const wick_failure *failure = &event->as.agent_failed.error;
    mission_field(w, "code", &failure->code);
    mission_content(w, &failure->message);
    mission_flag(w, "retryable", failure->retryable);
    mission_event(w, event);
}

static void mission_error(wick_json_writer *w, const wick_event *event)
{
    mission_field(w, "code", &event->as.error.code);
    mission_content(w, &event->as.error.message);
    mission_flag(w, "retryable", event->as.error.retryable);
    mission_event(w, event);
    mission_field(w, "re", &event->head.re);
}

static const mission_row mission_rows[WICK_TYPE_COUNT] = {
    [WICK_TYPE_AGENT_TOKEN] = { "STREAM", mission_stream },
    [WICK_TYPE_AGENT_THOUGHT] = { "THOUGHT", mission_thought },
    [WICK_TYPE_AGENT_ACTION] = { "ACTION", mission_action },
    [WICK_TYPE_AGENT_OUTPUT] = { "OUTPUT", mission_output },
    [WICK_TYPE_AGENT_COMPLETED] = { "OUTPUT", mission_completed },
    [WICK_TYPE_AGENT_INPUT_REQUEST] = { "HUMAN_INPUT_REQUEST", mission_input_request },
    [WICK_TYPE_AGENT_INPUT_RESOLVED] = { "HUMAN_INPUT_RESOLVED", mission_input_resolved },
    [WICK_TYPE_AGENT_USAGE] = { "USAGE", mission_usage },
    [WICK_TYPE_AGENT_LOG] = { "LOG", mission_log },
    [WICK_TYPE_MISSION_STATUS] = { "SYSTEM", mission_status },
    [WICK_TYPE_AGENT_STARTED] = { "SYSTEM", mission_started },
    [WICK_TYPE_AGENT_PROGRESS] = { "SYSTEM", mission_progress },
    [WICK_TYPE_AGENT_STATE] = { "SYSTEM", mission_state },
    [WICK_TYPE_AGENT_FAILED] = { "ERROR", mission_failed },
    [WICK_TYPE_ERROR] = { "ERROR", mission_error },
};

/* ---- Whole objects --------------------------------------------------------------------------------------- */

static const mission_row *mission_row_of(wick_type type)
{
    return (unsigned)type < WICK_TYPE_COUNT && mission_rows[type].name ? &mission_rows[type] : NULL;
}

const char *wick_mission_name(wick_type type)
{
    const mission_row *row = mission_row_of(type);
    return row ? row->name : "";
}

wick_status wick_mission_write(const wick_event *event, uint32_t flags, void *out, size_t cap, size_t *len)
{
    const mission_row *row = mission_row_of(event->type);
    const wick_text *mission = &event->head.mission_id;
    wick_json_writer w;
    *len = 0;
    if (!row)
        return WICK_UNKNOWN_TYPE;
    if (!mission->data && event->type == WICK_TYPE_MISSION_STATUS)
        mission = &event->as.mission_status.mission_id;
    wick_json_writer_init(&w, out, cap, flags);
    wick_json_put_object(&w);
    mission_word(&w, "type", row->name);
    mission_field(&w, "mission_id", mission);
    if (event->head.seq)
        mission_number(&w, "seq", event->head.seq);
    if (event->head.first_seq && event->head.first_seq != event->head.seq)
        mission_number(&w, "first_seq", event->head.first_seq);
    if (event->head.ts)
        mission_number(&w, "ts", event->head.ts);
    mission_field(&w, "agent_id", &event->head.agent_id);
    row->fields(&w, event);
    wick_json_put_object_end(&w);
    return wick_json_writer_end(&w, len);
}

wick_status wick_mission_read(const wick_event_config *config, const void *data, size_t len, wick_event *event,
                              wick_event_error *error)
{
    static const char name[] = "HUMAN_RESPONSE";
    wick_input_response response;
    wick_status status = wick_event_read(config, data, len, event, error);
    if (status != WICK_UNKNOWN_TYPE || !wick_text_is(&event->head.type, name, sizeof name - 1))
        return status;
    status = wick_payload_read(config, WICK_TYPE_AGENT_INPUT_RESPONSE, data, len, &response, error);
    if (status != WICK_OK)
        return status;
    event->type = WICK_TYPE_AGENT_INPUT_RESPONSE;
    event->as.input_response = response;
    return WICK_OK;
}
