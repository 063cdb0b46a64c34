/*
 * missions.c - missions: agents that run one after another in a session that belongs to no client.
 *
 * A mission learns from the hook that sees every event that a run of its has ended. It must not call the Experience
 * there, so it waits for a timer that comes at once, and then starts the next agent or says how it ended:
 * mission.status is the last event. A mission is remembered for longer than its session, so that a client that comes
 * late learns how it ended.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent_server/http_mission.h"
#include "agent_server/push.h"
#include "lib/log.h"

static struct mission *missions[MISSIONS_MAX]; /* by id */
static uint64_t last_id;
static struct mission *due;
static struct source due_source;
static size_t running;

static struct mission *mission_of(uint64_t id)
{
    struct mission *mission = missions[id % MISSIONS_MAX];
    return mission && mission->id == id ? mission : NULL;
}

struct mission *mission_find(wick_str id)
{
    wick_text text = { id.data, (uint32_t)id.len, WICK_TEXT_JSON };
    uint64_t number;
    if (id.len > 20 || wick_json_uint64(&text, &number) != WICK_OK || !number)
        return NULL;
    return mission_of(number);
}

int mission_is_over(uint64_t id, uint64_t seq)
{
    const struct mission *mission = mission_of(id);
    return !mission || (mission->last_seq && seq >= mission->last_seq);
}

static void free_mission(struct mission *mission)
{
    for (size_t i = 0; i < mission->agent_count; i++)
        free(mission->agents[i]);
    free(mission->input);
    free(mission->result);
    free(mission->error);
    free(mission);
}

void missions_free(void)
{
    for (size_t i = 0; i < MISSIONS_MAX; i++)
        if (missions[i])
            free_mission(missions[i]);
}

/* ---- The end ----------------------------------------------------------------------------------------------------- */

static wick_text text_or_absent(const char *json)
{
    wick_text text = { json, json ? (uint32_t)strlen(json) : 0, WICK_TEXT_JSON };
    return text;
}

static wick_text id_text(const struct mission *mission, char *room)
{
    uint64_t left = mission->id;
    size_t at = 20;
    do
        room[--at] = (char)('0' + left % 10);
    while (left /= 10);
    wick_text text = { room + at, (uint32_t)(20 - at), WICK_TEXT_JSON };
    return text;
}

static const char *const sentence[] = { "", "The mission has started.", "The mission waits for an answer.",
                                        "The mission is complete.", "The mission has failed.",
                                        "The mission was cancelled." };

int mission_state(uint64_t id, struct mission_state *state)
{
    const struct mission *mission = mission_of(id);
    wick_session_info info;
    if (!mission)
        return -1;
    size_t step = mission->at < mission->agent_count ? mission->at : mission->agent_count - 1;
    state->version = mission->version;
    state->status = mission->status;
    state->steps = mission->agent_count;
    state->thousandths = mission->at * 1000 + mission->part;
    state->step = mission->agents[step];
    if (mission->status == WICK_MISSION_RUNNING &&
        wick_experience_info(server.experience, mission->session, &info) == WICK_OK && info.questions)
        state->status = WICK_MISSION_WAITING_INPUT;
    if (state->status != WICK_MISSION_RUNNING)
        snprintf(state->message, sizeof state->message, "%s", sentence[state->status]);
    else if (*mission->message)
        snprintf(state->message, sizeof state->message, "%s", mission->message);
    else
        snprintf(state->message, sizeof state->message, "Step %zu of %zu.", step + 1, mission->agent_count);
    return 0;
}

size_t missions_running(void)
{
    return running;
}

/* Those who watch it are told: soon, or now. */
static void changed(struct mission *mission, int now)
{
    mission->version++;
    (now ? push_now : push_soon)();
}

static wick_status say_status(struct mission *mission, uint8_t status)
{
    wick_event event = { .type = WICK_TYPE_MISSION_STATUS };
    char room[20];
    event.as.mission_status.mission_id = id_text(mission, room);
    event.as.mission_status.status = status;
    event.as.mission_status.message = wick_text_of(sentence[status], strlen(sentence[status]));
    if (status != WICK_MISSION_RUNNING) {
        event.as.mission_status.result = text_or_absent(mission->result);
        event.as.mission_status.error = text_or_absent(mission->error);
    }
    return wick_experience_publish(server.experience, mission->session, &event, server.loop.now_ms);
}

static void finish(struct mission *mission, uint8_t status)
{
    wick_session_info info;
    mission->status = status;
    running--;
    if (wick_experience_info(server.experience, mission->session, &info) == WICK_OK)
        mission->last_seq = info.head_seq + 1;
    else
        mission->last_seq = 1;
    wick_status said = say_status(mission, status);
    changed(mission, 1);
    if (said == WICK_OK)
        return;
    /* Its readers must not wait for an event that does not come. */
    log_line("mission %llu: its last event is refused: %s", (unsigned long long)mission->id, wick_status_text(said));
    mission->last_seq = info.head_seq ? info.head_seq : 1;
    wick_experience_end(server.experience, mission->session, 1011, "INTERNAL: the log is full", server.loop.now_ms);
}

/* ---- One agent after another ------------------------------------------------------------------------------------- */

static void keep_error(struct mission *mission, const wick_failure *failure)
{
    char json[2048];
    wick_json_writer w;
    wick_text message = wick_text_cut(&failure->message, 256);
    size_t len;
    if (wick_code_find(&failure->code) == WICK_CODE_CANCELLED)
        mission->cancelled = 1;
    wick_json_writer_init(&w, json, sizeof json, WICK_JSON_REPLACE);
    wick_json_put_object(&w);
    wick_json_put_key(&w, "code", 4);
    wick_json_put_text(&w, &failure->code);
    wick_json_put_key(&w, "message", 7);
    wick_json_put_text(&w, &message);
    wick_json_put_key(&w, "retryable", 9);
    wick_json_put_bool(&w, failure->retryable);
    wick_json_put_object_end(&w);
    if (wick_json_writer_end(&w, &len) != WICK_OK)
        return;
    free(mission->error);
    mission->error = strndup(json, len);
}

static void keep_failure(struct mission *mission, wick_code code, const char *message)
{
    wick_failure failure = { 0 };
    const char *name = wick_code_name(code);
    failure.code = wick_text_of(name, strlen(name));
    failure.message = wick_text_of(message, strlen(message));
    failure.retryable = (uint8_t)wick_code_retryable(code);
    keep_error(mission, &failure);
}

/* Begin the step `at`. */
static wick_code run_agent(struct mission *mission)
{
    wick_invocation invocation = { 0 };
    wick_code code = WICK_CODE_NONE;
    const char *agent = mission->agents[mission->at];
    mission->message[0] = 0;
    changed(mission, 1);
    invocation.agent_id = wick_text_of(agent, strlen(agent));
    invocation.input = (wick_text){ mission->input, (uint32_t)mission->input_len, WICK_TEXT_JSON };
    wick_status status = wick_experience_invoke(server.experience, mission->session, &invocation, NULL, NULL, &code,
                                                server.loop.now_ms);
    if (status == WICK_OK)
        return WICK_CODE_NONE;
    return code ? code : status == WICK_BLOCKED ? WICK_CODE_RUNTIME_UNAVAILABLE : WICK_CODE_INTERNAL;
}

static void go_on(struct mission *mission)
{
    if (mission->cancelled) {
        finish(mission, WICK_MISSION_CANCELLED);
        return;
    }
    if (mission->error) {
        finish(mission, WICK_MISSION_FAILED);
        return;
    }
    mission->part = 0;
    if (++mission->at == mission->agent_count) {
        finish(mission, WICK_MISSION_COMPLETED);
        return;
    }
    wick_code code = run_agent(mission);
    if (!code)
        return;
    keep_failure(mission, code, "The next agent could not be started.");
    finish(mission, WICK_MISSION_FAILED);
}

void missions_go_on(void)
{
    while (due) {
        struct mission *mission = due;
        due = mission->next_due;
        mission->due = 0;
        go_on(mission);
    }
    planes_arm();
}

static void on_missions_due(struct loop *loop, struct source *source)
{
    (void)loop;
    (void)source;
    missions_go_on();
}

static const struct source_type due_type = { .on_due = on_missions_due };

static void note_due(struct mission *mission)
{
    if (mission->due)
        return;
    if (!due_source.type)
        source_init(&due_source, &due_type);
    mission->due = 1;
    mission->next_due = due;
    due = mission;
    loop_arm(&server.loop, &due_source, server.loop.now_ms);
}

static char *json_of(const wick_text *value)
{
    wick_json_writer w;
    size_t len;
    char *json;
    wick_json_writer_init(&w, NULL, 0, WICK_JSON_REPLACE);
    wick_json_put_text(&w, value);
    if (!value->data || wick_json_writer_end(&w, &len) != WICK_E_SPACE || !(json = calloc(1, len + 1)))
        return NULL;
    wick_json_writer_init(&w, json, len, WICK_JSON_REPLACE);
    wick_json_put_text(&w, value);
    if (wick_json_writer_end(&w, &len) == WICK_OK)
        return json;
    free(json);
    return NULL;
}

static void add_usage(wick_usage *sum, const wick_usage *usage)
{
    sum->input_tokens += usage->input_tokens;
    sum->output_tokens += usage->output_tokens;
    sum->total_tokens += usage->total_tokens;
    sum->reasoning_tokens += usage->reasoning_tokens;
    sum->cached_input_tokens += usage->cached_input_tokens;
}

static double double_of(const wick_text *number)
{
    char room[65];
    if (!number->data || number->len >= sizeof room)
        return -1;
    memcpy(room, number->data, number->len);
    room[number->len] = 0;
    return strtod(room, NULL);
}

/* An agent says how far it is: with a total, a part of its step. */
static void keep_progress(struct mission *mission, const wick_agent_progress *progress)
{
    double done = double_of(&progress->progress), total = double_of(&progress->total);
    wick_text message = wick_text_cut(&progress->message, sizeof mission->message - 1);
    wick_str plain;
    if (done >= 0 && total > 0)
        mission->part = done >= total ? 999 : (uint16_t)(done / total * 1000);
    mission->message[0] = 0;
    if (message.data && wick_text_plain(&message, mission->message, sizeof mission->message - 1, &plain) == WICK_OK) {
        memmove(mission->message, plain.data, plain.len);
        mission->message[plain.len] = 0;
    }
}

static void end_step(struct mission *mission, const wick_event *event)
{
    if (event->type == WICK_TYPE_AGENT_FAILED) {
        add_usage(&mission->usage, &event->as.agent_failed.usage);
        keep_error(mission, &event->as.agent_failed.error);
    } else {
        add_usage(&mission->usage, &event->as.agent_completed.usage);
        free(mission->result);
        mission->result = json_of(&event->as.agent_completed.result);
    }
    note_due(mission);
}

void missions_event(wick_session session, const wick_event *event)
{
    uint64_t id;
    if (!event->head.mission_id.data || wick_json_uint64(&event->head.mission_id, &id) != WICK_OK)
        return;
    struct mission *mission = mission_of(id);
    if (!mission || mission->session != session)
        return;
    switch (event->type) {
    case WICK_TYPE_AGENT_COMPLETED:
    case WICK_TYPE_AGENT_FAILED:
        end_step(mission, event);
        break;
    case WICK_TYPE_AGENT_PROGRESS:
        keep_progress(mission, &event->as.agent_progress);
        changed(mission, 0);
        break;
    case WICK_TYPE_AGENT_INPUT_REQUEST:
    case WICK_TYPE_AGENT_INPUT_RESOLVED:
        changed(mission, 0);
        break;
    default:
        break;
    }
}

void mission_cancel(struct mission *mission)
{
    if (mission->last_seq)
        return;
    mission->cancelled = 1;
    wick_experience_cancel(server.experience, mission->session, "The mission was cancelled.", server.loop.now_ms);
    planes_arm();
}

/* ---- The beginning ----------------------------------------------------------------------------------------------- */

static char *copy_agent(const wick_text *agent)
{
    wick_str plain;
    char room[WICK_LIMIT_ID];
    if (wick_text_plain(agent, room, sizeof room, &plain) != WICK_OK || plain.len > WICK_LIMIT_ID)
        return NULL;
    return strndup(plain.data, plain.len);
}

static char *write_input(const struct mission_plan *plan, char *out, size_t cap, size_t *len)
{
    static const wick_text empty = { "", 0, WICK_TEXT_PLAIN };
    wick_json_writer w;
    wick_json_writer_init(&w, out, cap, WICK_JSON_REPLACE);
    wick_json_put_object(&w);
    wick_json_put_key(&w, "text", 4);
    wick_json_put_text(&w, plan->plan.data ? &plan->plan : &empty);
    if (plan->files.data) {
        wick_json_put_key(&w, "files", 5);
        wick_json_put_text(&w, &plan->files);
    }
    wick_json_put_object_end(&w);
    wick_json_writer_end(&w, len);
    return out;
}

static struct mission *new_mission(const struct mission_plan *plan)
{
    struct mission *mission = calloc(1, sizeof *mission);
    if (!mission)
        return NULL;
    write_input(plan, NULL, 0, &mission->input_len);
    mission->input = malloc(mission->input_len + 1);
    int failed = !mission->input;
    for (size_t i = 0; !failed && i < plan->agent_count; i++) {
        mission->agents[i] = copy_agent(&plan->agents[i]);
        mission->agent_count = i + 1;
        failed = !mission->agents[i];
    }
    if (failed) {
        free_mission(mission);
        return NULL;
    }
    write_input(plan, mission->input, mission->input_len, &mission->input_len);
    mission->status = WICK_MISSION_RUNNING;
    return mission;
}

/* Give a mission its number, its session and its first events. */
static wick_code begin(struct mission *mission)
{
    wick_session_config config = { .size = sizeof config };
    wick_session_info info;
    char room[20];
    mission->id = last_id + 1;
    config.mission_id = id_text(mission, room);
    if (wick_experience_create(server.experience, &config, &mission->session, server.loop.now_ms) != WICK_OK)
        return WICK_CODE_RATE_LIMITED;
    wick_experience_info(server.experience, mission->session, &info);
    mission->epoch = info.epoch;
    missions[mission->id % MISSIONS_MAX] = mission;
    running++;
    wick_code code = say_status(mission, WICK_MISSION_RUNNING) == WICK_OK ? run_agent(mission) : WICK_CODE_INTERNAL;
    if (code) {
        running--;
        missions[mission->id % MISSIONS_MAX] = NULL;
        wick_experience_end(server.experience, mission->session, 1000, "", server.loop.now_ms);
        return code;
    }
    last_id++;
    return WICK_CODE_NONE;
}

struct mission *mission_start(const struct mission_plan *plan, wick_code *code)
{
    struct mission *old = missions[(last_id + 1) % MISSIONS_MAX];
    *code = WICK_CODE_TOO_MANY_INVOCATIONS;
    if (old && !old->last_seq)
        return NULL;
    if (old) {
        wick_experience_end(server.experience, old->session, 1000, "", server.loop.now_ms);
        missions[(last_id + 1) % MISSIONS_MAX] = NULL;
        free_mission(old);
    }
    struct mission *mission = new_mission(plan);
    *code = mission ? begin(mission) : WICK_CODE_INTERNAL;
    if (mission && *code) {
        free_mission(mission);
        mission = NULL;
    }
    planes_arm();
    return mission;
}
