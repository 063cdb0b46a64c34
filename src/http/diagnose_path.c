/*
 * A path that matches no route, and would with a prefix more or less: segment by segment, the route table doing the
 * matching.
 */
#include "http/diagnose.h"

/* The length of "/segment" at a path's start. */
static size_t segment_len(wick_str path)
{
    return path.len == 0 ? 0 : 1 + wick_str_index(wick_str_from(path, 1), '/');
}

/* Whether a pattern begins with a segment that is itself, not `{name}` or `*`: only such a route says anything. */
static int begins_plain(wick_str pattern)
{
    size_t len = segment_len(pattern);
    return len > 1 && pattern.data[0] == '/' && pattern.data[1] != '{' && !(len == 2 && pattern.data[1] == '*');
}

/* Whether a path matches a pattern. Methods play no part. */
static int path_matches(wick_str pattern, wick_str path)
{
    wick_http_route route;
    wick_http_match match;
    memset(&route, 0, sizeof route);
    route.pattern = pattern;
    return wick_http_route_find(&route, 1, WICK_STR(""), path, &match) == 200;
}

/* The length of the first `segments` segments of a pattern, if all are plain and something plain follows; else 0. */
static size_t plain_prefix(wick_str pattern, unsigned segments)
{
    size_t len = 0;
    while (segments-- > 0) {
        wick_str rest = wick_str_from(pattern, len);
        if (!begins_plain(rest))
            return 0;
        len += segment_len(rest);
    }
    return begins_plain(wick_str_from(pattern, len)) ? len : 0;
}

/* The length of the first `segments` segments of a path, if something follows; else 0. */
static size_t path_prefix(wick_str path, unsigned segments)
{
    size_t len = 0;
    while (segments-- > 0)
        len += segment_len(wick_str_from(path, len));
    return len < path.len ? len : 0;
}

static int is_changed(wick_str path, wick_str pattern, unsigned segments, wick_diagnosis *why)
{
    size_t kept = path_prefix(path, segments), lost = plain_prefix(pattern, segments);
    if (lost && path_matches(wick_str_from(pattern, lost), path)) {
        why->prefix = wick_str_first(pattern, lost);
        why->kept = 0;
        return 1;
    }
    if (kept && begins_plain(pattern) && path_matches(pattern, wick_str_from(path, kept))) {
        why->prefix = wick_str_first(path, kept);
        why->kept = 1;
        return 1;
    }
    return 0;
}

wick_cause wick_diagnose_path(wick_str path, const wick_http_route *routes, size_t count, wick_diagnosis *why)
{
    why->cause = WICK_CAUSE_NONE;
    why->prefix = WICK_STR("");
    why->kept = 0;
    if (count == 0 || path.len == 0 || path.data[0] != '/')
        return WICK_CAUSE_NONE;
    for (size_t i = 0; i < count; i++)
        if (path_matches(routes[i].pattern, path))
            return WICK_CAUSE_NONE;
    for (unsigned segments = 1; segments <= WICK_DIAGNOSE_SEGMENTS; segments++)
        for (size_t i = 0; i < count; i++)
            if (is_changed(path, routes[i].pattern, segments, why))
                return why->cause = WICK_CAUSE_PATH_CHANGED;
    return WICK_CAUSE_NONE;
}
