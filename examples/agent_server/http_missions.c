/*
 * http_missions.c - missions over HTTP: start, stream, status, answers, cancel.
 *
 * The stream speaks the mission profile and ends behind the last event. A client that has seen that gets 204, because
 * EventSource would come back for ever otherwise.
 */
#include <stdlib.h>
#include <string.h>

#include "agent_server/http_mission.h"

static const char *status_text(const struct mission *mission)
{
    struct mission_state state;
    mission_state(mission->id, &state);
    return WICK_ENUM_TEXT(MISSION, state.status);
}

/* The mission of a path, for a client that may ask; NULL if it has been refused. */
static struct mission *admitted(struct peer *peer, const struct http_request *request, wick_str id)
{
    enum access access = access_check(request->head);
    struct mission *mission = mission_find(id);
    if (access != ACCESS_OK)
        api_problem_text(peer, access == ACCESS_NO_TOKEN ? WICK_CODE_AUTH_REQUIRED : WICK_CODE_AUTH_INVALID,
                         "A valid token is needed: Authorization: Bearer.");
    else if (!mission)
        api_problem_text(peer, WICK_CODE_MISSION_NOT_FOUND, "There is no mission with this id.");
    return access == ACCESS_OK ? mission : NULL;
}

/* ---- Start ------------------------------------------------------------------------------------------------------- */

/* Read the list of agents. Returns how many, 0 if it is not a list of 1 to MISSION_AGENTS_MAX agent ids. */
static size_t read_agents(const wick_text *list, wick_text *agents)
{
    static const char pattern[] = "abcdefghijklmnopqrstuvwxyz0123456789_.";
    wick_json_reader reader;
    wick_json_token token;
    size_t count = 0;
    wick_text agent;
    wick_json_reader_init(&reader, NULL, list->data, list->len);
    if (wick_json_next(&reader, &token) != WICK_OK || token.type != WICK_JSON_ARRAY)
        return 0;
    while (wick_json_value(&reader, &agent) == WICK_OK) {
        if (agent.form == WICK_TEXT_JSON || !agent.len || agent.len > WICK_LIMIT_ID || count == MISSION_AGENTS_MAX)
            return 0;
        for (size_t i = 0; i < agent.len; i++)
            if (!memchr(pattern, agent.data[i], sizeof pattern - 1))
                return 0;
        agents[count++] = agent;
    }
    return count;
}

static const char *read_plan(const struct http_request *request, struct mission_plan *plan, wick_text *agents)
{
    wick_json_config config = { .size = sizeof config, .flags = WICK_JSON_LONE_SURROGATES };
    wick_text body = { (const char *)request->body, (uint32_t)request->body_len, WICK_TEXT_JSON }, list, type;
    size_t at = 0;
    if (wick_json_check(&config, request->body, request->body_len, NULL) != WICK_OK)
        return "The body is not JSON.";
    while (at < body.len && memchr(" \t\r\n", body.data[at], 4))
        at++;
    if (body.data[at] != '{')
        return "The body is to be an object.";
    wick_json_member(&body, "agents", 6, &list);
    wick_json_member(&body, "plan", 4, &plan->plan);
    wick_json_member(&body, "files", 5, &plan->files);
    wick_json_member(&body, "processType", 11, &type);
    plan->agent_count = list.data && list.form == WICK_TEXT_JSON ? read_agents(&list, agents) : 0;
    plan->agents = agents;
    if (!plan->agent_count)
        return "agents: list of 1 to 64 agent ids expected";
    if (plan->plan.data && plan->plan.form == WICK_TEXT_JSON && !(plan->plan.len == 4 && plan->plan.data[0] == 'n'))
        return "plan: string expected";
    if (wick_text_plain_len(&plan->plan) > WICK_LIMIT_TEXT)
        return "plan: too long";
    if (plan->plan.form == WICK_TEXT_JSON)
        plan->plan.data = NULL;
    if (plan->files.len == 4 && plan->files.form == WICK_TEXT_JSON)
        plan->files.data = NULL; /* null */
    if (type.data && !wick_text_is(&type, "sequential", 10) && !(type.form == WICK_TEXT_JSON && type.len == 4))
        return "processType: \"sequential\" expected";
    return NULL;
}

void mission_post_start(struct peer *peer, const struct http_request *request)
{
    struct mission_plan plan = { 0 };
    wick_text agents[MISSION_AGENTS_MAX];
    struct growing out = { 0 };
    wick_code code;
    enum access access = access_check(request->head);
    if (access != ACCESS_OK) {
        api_problem_text(peer, access == ACCESS_NO_TOKEN ? WICK_CODE_AUTH_REQUIRED : WICK_CODE_AUTH_INVALID,
                         "A valid token is needed: Authorization: Bearer.");
        return;
    }
    const char *wrong = read_plan(request, &plan, agents);
    if (wrong) {
        api_problem_text(peer, wrong[strlen(wrong) - 1] == '.' ? WICK_CODE_INVALID_JSON : WICK_CODE_INVALID_PAYLOAD,
                         wrong);
        return;
    }
    const struct mission *mission = mission_start(&plan, &code);
    if (!mission) {
        api_problem_text(peer, code, "The mission could not be started.");
        return;
    }
    unsigned long long id = mission->id;
    growing_print(&out, "{\"mission_id\":%llu,\"status\":\"started\",\"stream_url\":\"/api/mission/%llu/stream\","
                  "\"status_url\":\"/api/mission/%llu/status\"}\n", id, id, id);
    api_answer_grown(peer, 200, &out);
}

/* ---- Stream ------------------------------------------------------------------------------------------------------ */

void mission_get_stream(struct peer *peer, const struct http_request *request, wick_str id)
{
    struct view_config config = { .form = view_form_of(request->head) };
    wick_http_answer nothing = { .status = 204 };
    const struct mission *mission = admitted(peer, request, id);
    wick_session_info info;
    if (!mission)
        return;
    if (api_cursor(request->head, &config.after) < 0) {
        api_problem_text(peer, WICK_CODE_INVALID_PAYLOAD, "A cursor is <epoch>:<seq>, as in the id of an event.");
        return;
    }
    if (mission->last_seq && config.after.epoch == mission->epoch && config.after.seq >= mission->last_seq) {
        http_answer(peer, &nothing, NULL);
        return;
    }
    if (wick_experience_info(server.experience, mission->session, &info) != WICK_OK) {
        api_problem_text(peer, WICK_CODE_CURSOR_EXPIRED, "The events of this mission are not kept any more.");
        return;
    }
    if (config.form == VIEW_POLL)
        config.form = VIEW_SSE;
    config.session = mission->session;
    config.mission = mission->id;
    view_begin(peer, request->head, &config);
}

/* ---- Status ------------------------------------------------------------------------------------------------------ */

static void add_inputs(struct growing *out, wick_session session)
{
    size_t len = 0;
    if (wick_experience_inputs(server.experience, session, NULL, 0, &len) == WICK_E_STATE) {
        growing_print(out, "[]");
        return;
    }
    char *room = growing_room(out, len);
    if (room && wick_experience_inputs(server.experience, session, room, len, &len) == WICK_OK)
        out->len += len;
}

static void add_usage(struct growing *out, const wick_usage *usage)
{
    char room[256];
    size_t len;
    if (!usage->total_tokens && !usage->input_tokens && !usage->output_tokens)
        return;
    if (wick_payload_write(WICK_TYPE_AGENT_USAGE, usage, 0, room, sizeof room, &len, NULL) != WICK_OK)
        return;
    growing_print(out, ",\"usage\":");
    growing_add(out, room, len);
}

void mission_get_status(struct peer *peer, const struct http_request *request, wick_str id)
{
    const struct mission *mission = admitted(peer, request, id);
    struct growing out = { 0 };
    wick_session_info info;
    if (!mission)
        return;
    uint64_t head = mission->last_seq;
    if (wick_experience_info(server.experience, mission->session, &info) == WICK_OK)
        head = info.head_seq;
    growing_print(&out, "{\"mission_id\":%llu,\"status\":\"%s\",\"epoch\":%llu,\"head_seq\":%llu,\"pending_inputs\":",
                  (unsigned long long)mission->id, status_text(mission), (unsigned long long)mission->epoch,
                  (unsigned long long)head);
    add_inputs(&out, mission->session);
    if (mission->result) {
        growing_print(&out, ",\"result\":");
        growing_add(&out, mission->result, strlen(mission->result));
    }
    if (mission->error) {
        growing_print(&out, ",\"error\":");
        growing_add(&out, mission->error, strlen(mission->error));
    }
    add_usage(&out, &mission->usage);
    growing_print(&out, "}\n");
    api_answer_grown(peer, 200, &out);
}

/* ---- Answers and cancel ------------------------------------------------------------------------------------------ */

/* The body as the message of a client. Returns the error code. */
static wick_code write_response(const struct http_request *request, struct growing *out, struct answered *answered)
{
    wick_event_config config = { .size = sizeof config, .flags = WICK_JSON_LONE_SURROGATES };
    wick_event event = { .type = WICK_TYPE_AGENT_INPUT_RESPONSE };
    wick_event_error error;
    size_t len;
    if (wick_payload_read(&config, event.type, request->body, request->body_len, &event.as.input_response, &error) !=
        WICK_OK) {
        wick_text text = wick_event_error_text(&error, answered->sentence, sizeof answered->sentence);
        answered->len = text.len;
        return error.code;
    }
    wick_event_write(&event, WICK_JSON_TRUSTED, NULL, 0, &len, NULL);
    char *room = growing_room(out, len);
    if (!room || wick_event_write(&event, WICK_JSON_TRUSTED, room, len, &len, NULL) != WICK_OK)
        return WICK_CODE_INTERNAL;
    out->len = len;
    return WICK_CODE_NONE;
}

void mission_post_input(struct peer *peer, const struct http_request *request, wick_str id)
{
    static const char received[] = "{\"status\":\"received\"}\n";
    const struct mission *mission = admitted(peer, request, id);
    struct answered answered = { .code = WICK_CODE_NONE };
    struct growing message = { 0 };
    if (!mission)
        return;
    answered.code = write_response(request, &message, &answered);
    if (!answered.code) {
        wick_status status = mission_answer(mission, message.data, message.len, &answered);
        if (status == WICK_BLOCKED)
            answered.code = WICK_CODE_RATE_LIMITED;
        else if (status != WICK_OK)
            answered.code = WICK_CODE_INPUT_NOT_FOUND;
        planes_arm();
    }
    free(message.data);
    if (answered.code)
        api_problem(peer, answered.code, (wick_str){ answered.sentence, answered.len });
    else
        api_answer(peer, 200, received, sizeof received - 1);
}

void mission_post_cancel(struct peer *peer, const struct http_request *request, wick_str id)
{
    struct mission *mission = admitted(peer, request, id);
    struct growing out = { 0 };
    if (!mission)
        return;
    mission_cancel(mission);
    growing_print(&out, "{\"mission_id\":%llu,\"status\":\"%s\"}\n", (unsigned long long)mission->id,
                  mission->last_seq ? status_text(mission) : "cancelling");
    api_answer_grown(peer, 202, &out);
}
