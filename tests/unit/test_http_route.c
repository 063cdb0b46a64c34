/*
 * The route table: whole segments, priorities whatever the order, captures, methods.
 */
#include "lib/test.h"
#include "wick/http.h"

enum { HEALTH = 1, AGENT, API, REST, WS, WORKFLOW, NAMED, FIXED, STATUS, DEEP };

static const wick_http_route routes[] = {
#define ROUTE(pattern, methods, priority, id) {{pattern, sizeof(pattern) - 1}, {methods, sizeof(methods) - 1}, priority, id}
    ROUTE("/*", "GET, HEAD", 1, REST),
    ROUTE("/api/*", "", 10, API),
    ROUTE("/api/runtime/agent", "GET, POST", 20, AGENT),
    ROUTE("/health", "GET", 99, HEALTH),
    ROUTE("/ws", "GET", 20, WS),
    ROUTE("/ws/workflow/{workflow_id}", "GET", 20, WORKFLOW),
    ROUTE("/ws/agent/{agent_name}", "GET", 20, NAMED),
    ROUTE("/ws/agent/first", "GET", 20, FIXED),
    ROUTE("/m/{id}/status", "GET", 20, STATUS),
    ROUTE("/{a}/{b}/{c}/{d}", "GET", 20, DEEP),
};
#define COUNT (sizeof routes / sizeof *routes)

static wick_str str(const char *text)
{
    wick_str s = {text, strlen(text)};
    return s;
}

/* Look a path up in the table as it stands and turned round. */
static int look_up(const char *path, wick_http_match *match)
{
    wick_http_route turned[COUNT];
    wick_http_match other;
    unsigned status = wick_http_route_find(routes, COUNT, WICK_STR("GET"), str(path), match);
    for (size_t i = 0; i < COUNT; i++)
        turned[i] = routes[COUNT - 1 - i];
    CHECK_INT(wick_http_route_find(turned, COUNT, WICK_STR("GET"), str(path), &other), status);
    CHECK((match->route == NULL) == (other.route == NULL));
    if (!match->route)
        return 0;
    CHECK_INT(other.route->id, match->route->id);
    return match->route->id;
}

static int captured(const wick_http_match *match, size_t index, const char *want)
{
    return index < match->capture_count && match->captures[index].len == strlen(want) &&
           memcmp(match->captures[index].data, want, strlen(want)) == 0;
}

static void the_highest_priority_wins(void)
{
    wick_http_match m;
    CHECK_INT(look_up("/health", &m), HEALTH);
    CHECK_INT(look_up("/api/runtime/agent", &m), AGENT);
    CHECK_INT(look_up("/api/other", &m), API);
    CHECK(captured(&m, 0, "other"));
    CHECK_INT(look_up("/else", &m), REST);
}

static void segments_match_whole(void)
{
    wick_http_match m;
    CHECK_INT(look_up("/api/runtime/agents", &m), API);
    CHECK_INT(look_up("/api/runtime/agen", &m), API);
    CHECK_INT(look_up("/api/runtime/agent/x/y", &m), API);
    CHECK(captured(&m, 0, "runtime/agent/x/y"));
    CHECK_INT(look_up("/apis", &m), REST);
    CHECK_INT(look_up("/healthy", &m), REST);
    CHECK_INT(look_up("/wsx", &m), REST);
    CHECK_INT(look_up("/Health", &m), REST);
}

static void captures_take_one_segment(void)
{
    wick_http_match m;
    CHECK_INT(look_up("/ws/workflow/w%201", &m), WORKFLOW);
    CHECK(captured(&m, 0, "w%201"));
    CHECK_INT(look_up("/ws/workflow/a/b", &m), DEEP);
    CHECK_INT(look_up("/ws/workflow/", &m), REST);
    CHECK_INT(look_up("/ws/workflow//", &m), REST);
    CHECK_INT(look_up("/m/7/status", &m), STATUS);
    CHECK(captured(&m, 0, "7"));
    CHECK_INT(look_up("/m//status", &m), REST);
    CHECK_INT(look_up("/1/2/3/4", &m), DEEP);
    CHECK(captured(&m, 0, "1") && captured(&m, 3, "4"));
    CHECK_INT(m.capture_count, 4);
}

static void a_plain_segment_beats_a_capture(void)
{
    wick_http_match m;
    CHECK_INT(look_up("/ws/agent/first", &m), FIXED);
    CHECK_INT(m.capture_count, 0);
    CHECK_INT(look_up("/ws/agent/second", &m), NAMED);
}

static void a_slash_at_the_end_is_ignored(void)
{
    wick_http_match m;
    CHECK_INT(look_up("/health/", &m), HEALTH);
    CHECK_INT(look_up("/ws/", &m), WS);
    CHECK_INT(look_up("/health//", &m), REST);
    CHECK_INT(look_up("/api/", &m), API);
    CHECK_INT(look_up("/api", &m), API);
    CHECK(captured(&m, 0, ""));
    CHECK_INT(look_up("/", &m), REST);
    CHECK(captured(&m, 0, ""));
}

static void percent_encoding_does_not_hide_a_path(void)
{
    wick_http_match m;
    CHECK_INT(look_up("/%68ealth", &m), HEALTH);
    CHECK_INT(look_up("/ws%2Fagent%2Ffirst", &m), REST);
    CHECK_INT(look_up("/health%00", &m), REST);
    CHECK_INT(look_up("/health%", &m), REST);
    CHECK_INT(look_up("/ws/../health", &m), REST);
}

static void a_path_that_is_none_is_not_found(void)
{
    wick_http_match m;
    CHECK_INT(look_up("", &m), 0);
    CHECK_INT(look_up("*", &m), 0);
    CHECK_INT(look_up("health", &m), 0);
    CHECK_INT(wick_http_route_find(routes + 3, 1, WICK_STR("GET"), str("/x"), &m), 404);
    CHECK_INT(wick_http_route_find(NULL, 0, WICK_STR("GET"), str("/"), &m), 404);
    CHECK(m.route == NULL);
}

static void a_method_that_is_not_allowed(void)
{
    wick_http_match m;
    CHECK_INT(wick_http_route_find(routes, COUNT, WICK_STR("POST"), str("/api/runtime/agent"), &m), 200);
    CHECK_INT(wick_http_route_find(routes, COUNT, WICK_STR("PUT"), str("/api/runtime/agent"), &m), 405);
    CHECK(m.route && memcmp(m.route->methods.data, "GET, POST", 9) == 0);
    CHECK_INT(wick_http_route_find(routes, COUNT, WICK_STR("get"), str("/health"), &m), 405);
    CHECK_INT(wick_http_route_find(routes, COUNT, WICK_STR("ANY"), str("/api/x"), &m), 200);
    CHECK_INT(wick_http_route_find(routes, COUNT, WICK_STR("HEAD"), str("/x"), &m), 200);
}

static void a_slash_at_the_end_of_a_pattern_is_ignored(void)
{
    static const wick_http_route two[] = {ROUTE("/", "", 0, 1), ROUTE("/a/", "", 0, 2)};
    wick_http_match m;
    CHECK_INT(wick_http_route_find(two, 2, WICK_STR("GET"), str("/"), &m), 200);
    CHECK_INT(m.route->id, 1);
    CHECK_INT(wick_http_route_find(two, 2, WICK_STR("GET"), str("/a"), &m), 200);
    CHECK_INT(m.route->id, 2);
    CHECK_INT(wick_http_route_find(two, 2, WICK_STR("GET"), str("/a/"), &m), 200);
    CHECK_INT(wick_http_route_find(two, 2, WICK_STR("GET"), str("/b"), &m), 404);
    CHECK_INT(m.capture_count, 0);
}

/* The first of two that are alike wins, and one that is more exact early on beats one that is so later. */
static void ties(void)
{
    static const wick_http_route two[] = {ROUTE("/{x}/b", "", 0, 1), ROUTE("/a/{y}", "", 0, 2), ROUTE("/a/{z}", "", 0, 3),
                                          ROUTE("/a/*", "", 0, 4), ROUTE("/c", "", 0, 5), ROUTE("/c/*", "", 0, 6)};
    wick_http_match m;
    CHECK_INT(wick_http_route_find(two, 6, WICK_STR("GET"), str("/a/b"), &m), 200);
    CHECK_INT(m.route->id, 2);
    CHECK_INT(wick_http_route_find(two, 6, WICK_STR("GET"), str("/c"), &m), 200);
    CHECK_INT(m.route->id, 5);
    CHECK_INT(wick_http_route_find(two + 5, 1, WICK_STR("GET"), str("/c"), &m), 200);
}

int main(void)
{
    RUN(the_highest_priority_wins);
    RUN(segments_match_whole);
    RUN(captures_take_one_segment);
    RUN(a_plain_segment_beats_a_capture);
    RUN(a_slash_at_the_end_is_ignored);
    RUN(percent_encoding_does_not_hide_a_path);
    RUN(a_path_that_is_none_is_not_found);
    RUN(a_method_that_is_not_allowed);
    RUN(a_slash_at_the_end_of_a_pattern_is_ignored);
    RUN(ties);
    return test_end();
}
