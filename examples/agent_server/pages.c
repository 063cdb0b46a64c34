/*
 * pages.c - what is answered over HTTP: which path is whose, health, and problems.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent_server/http_api.h"
#include "agent_server/http_mission.h"
#include "agent_server/server.h"

enum {
    PAGE, MODULE, HEALTH, WEBSOCKET_HEALTH, DESCRIPTION, SCHEMA, MISSION_SOCKET, WORKFLOW_SOCKET, COORDINATOR_SOCKET,
    STATUS_SOCKET, AGENT, EVENTS, MISSION_START, MISSION_STREAM, MISSION_STATUS, MISSION_INPUT, MISSION_CANCEL
};

/* Matched by whole segments, the highest priority first, whatever the order here. */
static const wick_http_route table[] = {
    { { "/", 1 }, { "GET, HEAD", 9 }, 1, PAGE },
    { { "/wick.js", 8 }, { "GET, HEAD", 9 }, 1, MODULE },
    { { "/wick-transport.js", 18 }, { "GET, HEAD", 9 }, 1, MODULE },
    { { "/wick.d.ts", 10 }, { "GET, HEAD", 9 }, 1, MODULE },
    { { "/wick-messages.d.ts", 19 }, { "GET, HEAD", 9 }, 1, MODULE },
    { { "/health", 7 }, { "GET, HEAD", 9 }, 99, HEALTH },
    { { "/api/websocket/health", 21 }, { "GET, HEAD", 9 }, 10, WEBSOCKET_HEALTH },
    { { "/.well-known/agent-events", 25 }, { "GET, HEAD", 9 }, 10, DESCRIPTION },
    { { "/.well-known/agent-events/schema.json", 37 }, { "GET, HEAD", 9 }, 10, SCHEMA },
    { { "/ws", 3 }, { "GET", 3 }, 10, MISSION_SOCKET },
    { { "/ws/workflow/{workflow_id}", 26 }, { "GET", 3 }, 10, WORKFLOW_SOCKET },
    { { "/ws/coordinator", 15 }, { "GET", 3 }, 10, COORDINATOR_SOCKET },
    { { "/ws/agent/{agent_name}", 22 }, { "GET", 3 }, 10, STATUS_SOCKET },
    { { "/api/runtime/agent", 18 }, { "GET, POST", 9 }, 20, AGENT },
    { { "/api/events", 11 }, { "GET, POST", 9 }, 10, EVENTS },
    { { "/api/mission/start", 18 }, { "POST", 4 }, 10, MISSION_START },
    { { "/api/mission/{mission_id}/stream", 32 }, { "GET", 3 }, 10, MISSION_STREAM },
    { { "/api/mission/{mission_id}/status", 32 }, { "GET", 3 }, 10, MISSION_STATUS },
    { { "/api/mission/{mission_id}/human-input", 37 }, { "POST", 4 }, 10, MISSION_INPUT },
    { { "/api/mission/{mission_id}/cancel", 32 }, { "POST", 4 }, 10, MISSION_CANCEL },
};

#define FIELD(name, value) { { name, sizeof(name) - 1 }, { value, sizeof(value) - 1 } }

/* ---- Health ------------------------------------------------------------------------------------------------------ */

static void answer_json(struct peer *peer, unsigned status, const char *json)
{
    static const wick_http_header fields[] = { FIELD("Cache-Control", "no-store") };
    wick_http_answer answer = { .status = status, .content_type = WICK_STR("application/json"),
                                .length = strlen(json), .headers = fields, .header_count = 1 };
    http_answer(peer, &answer, json);
}

static void answer_health(struct peer *peer)
{
    char json[256], stamp[32];
    time_t now = time(NULL);
    struct tm utc;
    wick_runtime_counts counts;
    const char *runtime = planes_count(&counts);
    gmtime_r(&now, &utc);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &utc);
    snprintf(json, sizeof json, "{\"status\":\"%s\",\"version\":\"%s\",\"timestamp\":\"%s\",\"invocations\":%u,"
             "\"capacity\":%u,\"runtime\":\"%s\"}\n",
             server.http.draining ? "draining" : "healthy", WICK_VERSION, stamp, counts.active, counts.capacity,
             runtime);
    answer_json(peer, server.http.draining ? 503 : 200, json);
}

static void answer_websocket_health(struct peer *peer)
{
    char json[256];
    wick_experience_counts counts;
    wick_experience_count(server.experience, &counts);
    snprintf(json, sizeof json, "{\"status\":\"ok\",\"connections\":%zu,\"sessions\":%u,\"detached\":%u,"
             "\"pending_inputs\":%u,\"invocations\":%u,\"uptime_s\":%llu}\n",
             server.sockets, counts.sessions, counts.detached, counts.questions, counts.invocations,
             (unsigned long long)((server.loop.now_ms - server.start_ms) / 1000));
    answer_json(peer, 200, json);
}

/* ---- Routes ------------------------------------------------------------------------------------------------------ */

/* Whether a client meant to open a WebSocket, also one that a proxy has spoilt. */
static int is_handshake(const wick_http_request *request)
{
    return wick_http_equal(request->method, WICK_STR("GET")) &&
           wick_diagnose_upgrade(request) != WICK_CAUSE_NOT_A_WEBSOCKET_REQUEST;
}

/* A refusal says what the request's head tells: that a proxy changed the path, or wrote another Host. */
static void refuse(struct peer *peer, const wick_http_request *request, wick_refusal refusal, wick_str allow)
{
    const struct http_request whole = { request, NULL, 0 };
    char room[WICK_PROBLEM_ROOM];
    wick_handshake shake;
    wick_http_problem problem;
    wick_handshake_refuse(&shake, refusal);
    wick_handshake_diagnose(&shake, request, table, sizeof table / sizeof *table);
    if (refusal == WICK_REFUSE_METHOD_NOT_ALLOWED) {
        shake.detail = WICK_STR("This path does not take that method.");
        shake.hint = WICK_STR("See Allow.");
    } else if (is_handshake(request)) {
        http_upgrade(peer, &whole, &shake, NULL, NULL);
        return;
    }
    wick_handshake_problem(&shake, request, room, &problem);
    problem.allow = allow;
    problem.keep_alive = 1;
    http_problem(peer, &problem);
}

static int may_pass(struct peer *peer, const wick_http_request *request)
{
    enum access access = access_check(request);
    if (access != ACCESS_OK)
        refuse(peer, request, access == ACCESS_NO_TOKEN ? WICK_REFUSE_AUTH_REQUIRED : WICK_REFUSE_AUTH_INVALID,
               WICK_STR(""));
    return access == ACCESS_OK;
}

static void answer_pages(struct peer *peer, const struct http_request *request, const wick_http_route *route)
{
    switch (route->id) {
    case PAGE:
        page_answer(peer);
        break;
    case MODULE:
        module_answer(peer, route->pattern);
        break;
    case HEALTH:
        answer_health(peer);
        break;
    case DESCRIPTION:
        description_get(peer, request->head);
        break;
    case SCHEMA:
        schema_get(peer, request->head);
        break;
    default:
        if (may_pass(peer, request->head))
            answer_websocket_health(peer);
        break;
    }
}

static void answer_api(struct peer *peer, const struct http_request *request, const wick_http_match *match)
{
    int post = wick_http_equal(request->head->method, WICK_STR("POST"));
    wick_str mission = match->captures[0];
    if (match->route->id == AGENT && !post) {
        socket_request(peer, request, SOCKET_AGENT, WICK_STR("")); /* checks the origin itself */
        return;
    }
    if (!cors_allows(request->head)) {
        refuse(peer, request->head, WICK_REFUSE_ORIGIN_NOT_ALLOWED, WICK_STR(""));
        return;
    }
    switch (match->route->id) {
    case AGENT:
        agent_post(peer, request);
        break;
    case EVENTS:
        (post ? events_post : events_get)(peer, request);
        break;
    case MISSION_START:
        mission_post_start(peer, request);
        break;
    case MISSION_STREAM:
        mission_get_stream(peer, request, mission);
        break;
    case MISSION_STATUS:
        mission_get_status(peer, request, mission);
        break;
    case MISSION_INPUT:
        mission_post_input(peer, request, mission);
        break;
    default:
        mission_post_cancel(peer, request, mission);
        break;
    }
}

static void answer(struct peer *peer, const struct http_request *request)
{
    wick_http_match match;
    unsigned status = wick_http_route_find(table, sizeof table / sizeof *table, request->head->method,
                                           request->head->path, &match);
    if (match.route && wick_http_equal(request->head->method, WICK_STR("OPTIONS")))
        cors_preflight(peer, request, match.route->methods);
    else if (status != 200)
        refuse(peer, request->head, status == 405 ? WICK_REFUSE_METHOD_NOT_ALLOWED : WICK_REFUSE_ROUTE_NOT_FOUND,
               status == 405 ? match.route->methods : WICK_STR(""));
    else if (match.route->id >= MISSION_SOCKET && match.route->id < AGENT)
        socket_request(peer, request, (enum socket_kind)(match.route->id - MISSION_SOCKET + SOCKET_MISSION),
                       match.captures[0]);
    else if (match.route->id < AGENT)
        answer_pages(peer, request, match.route);
    else
        answer_api(peer, request, &match);
}

void on_request(struct peer *peer, const struct http_request *request)
{
    cors_begin(request->head);
    answer(peer, request);
    cors_end();
}
