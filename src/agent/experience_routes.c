/*
 * The choice of the agent: rules from a file's text, and the ones that hold behind them. See wick/experience.h.
 */
#include <string.h>

#include "agent/experience_internal.h"

/* The next word of a line; 0 at its end. A `#` where a word could begin starts a comment. */
static int next_word(const char **at, const char *end, wick_str *word)
{
    const char *p = *at;
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r'))
        p++;
    word->data = p;
    if (p == end || *p == '#')
        return 0;
    while (p < end && *p != ' ' && *p != '\t' && *p != '\r')
        p++;
    word->len = (size_t)(p - word->data);
    *at = p;
    return 1;
}

/* 1 if the line is a rule, 0 if it is empty, -1 if it is wrong. */
static int read_rule(const char *at, const char *end, wick_route *route)
{
    wick_str words[5];
    size_t count = 0;
    while (count < 5 && next_word(&at, end, &words[count]))
        count++;
    if (count == 0)
        return 0;
    if (count != 4 || !wick_agent_id_valid(words[3].data, words[3].len))
        return -1;
    route->place.surface = words[0];
    route->place.user_role = words[1];
    route->place.conversation_state = words[2];
    route->agent_id = words[3];
    return 1;
}

wick_status wick_routes_read(const char *text, size_t len, wick_route *routes, size_t cap, size_t *count,
                             size_t *line)
{
    const char *at = text, *end = text + len;
    *count = 0;
    *line = 0;
    for (size_t number = 1; at < end; number++) {
        const char *stop = at;
        wick_route route;
        while (stop < end && *stop != '\n')
            stop++;
        int found = read_rule(at, stop, &route);
        if (found < 0 || (found && *count == cap)) {
            *line = number;
            return found < 0 ? WICK_E_PAYLOAD : WICK_E_SPACE;
        }
        if (found)
            routes[(*count)++] = route;
        at = stop < end ? stop + 1 : end;
    }
    return WICK_OK;
}

static int word_matches(wick_str rule, wick_str value)
{
    if (rule.len == 1 && rule.data[0] == '*')
        return 1;
    return rule.len == value.len && memcmp(rule.data, value.data, rule.len) == 0;
}

const wick_route *wick_route_find(const wick_route *routes, size_t count, const wick_place *place)
{
    for (size_t i = 0; i < count; i++)
        if (word_matches(routes[i].place.surface, place->surface) &&
            word_matches(routes[i].place.user_role, place->user_role) &&
            word_matches(routes[i].place.conversation_state, place->conversation_state))
            return &routes[i];
    return NULL;
}

#define TO(surface, agent)                                                                                   \
    {                                                                                                        \
        { { surface, sizeof(surface) - 1 }, { "*", 1 }, { "*", 1 } }, { agent, sizeof(agent) - 1 }           \
    }

const wick_route *wick_routes_default(size_t *count)
{
    static const wick_route routes[] = {
        TO("content_pillar", "guide.content"),
        TO("operations_pillar", "guide.operations"),
        TO("data_pillar", "liaison.data"),
        TO("experience_pillar", "liaison.experience"),
        TO("*", "guide.content"),
    };
    *count = sizeof routes / sizeof *routes;
    return routes;
}
