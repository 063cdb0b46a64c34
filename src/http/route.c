/*
 * The route table: a path against patterns, by whole segments.
 */
#include "http/chars.h"
#include "http/url.h"

/* How a segment of a pattern fits, the better the larger. */
enum { FITS_REST, FITS_CAPTURE, FITS_END, FITS_PLAIN };

/* Segments whose fit is compared; two bits each in a word. */
#define RANKED_SEGMENTS 32

/* Take "/segment" off a path. Returns 0 at the end. */
static int next_segment(wick_str *path, wick_str *segment)
{
    if (path->len == 0)
        return 0;
    *path = wick_str_from(*path, 1);
    *segment = wick_str_first(*path, wick_str_index(*path, '/'));
    *path = wick_str_from(*path, segment->len);
    return 1;
}

static int is_capture(wick_str segment)
{
    return segment.len >= 2 && segment.data[0] == '{' && segment.data[segment.len - 1] == '}';
}

static void add_capture(wick_http_match *match, wick_str text)
{
    if (match->capture_count < WICK_HTTP_CAPTURES)
        match->captures[match->capture_count++] = text;
}

/*
 * Fit a path to a pattern, both beginning with "/" and the path without one at its end. Fills in the captures and the
 * rank: two bits a segment, the first one highest, so that the larger number is the more exact pattern.
 */
static int fit_route(wick_str pattern, wick_str path, wick_http_match *match, uint64_t *rank)
{
    wick_str want, have;
    unsigned shift = 2 * RANKED_SEGMENTS;
    *rank = 0;
    match->capture_count = 0;
    for (;;) {
        int more = next_segment(&pattern, &want);
        unsigned fit = FITS_END;
        wick_str rest = path.len ? wick_str_from(path, 1) : path;
        if (more && wick_str_same(want, WICK_STR("*")) && pattern.len == 0) {
            add_capture(match, rest);
            return 1;
        }
        shift -= shift ? 2 : 0;
        if (!more) {
            *rank |= (uint64_t)fit << shift;
            return path.len == 0;
        }
        if (!next_segment(&path, &have))
            return 0;
        fit = is_capture(want) ? FITS_CAPTURE : FITS_PLAIN;
        if (fit == FITS_CAPTURE ? have.len == 0 : !wick_url_decoded_is(have, 0, want))
            return 0;
        if (fit == FITS_CAPTURE)
            add_capture(match, have);
        *rank |= (uint64_t)fit << shift;
    }
}

static int allows(wick_str methods, wick_str method)
{
    wick_str one;
    if (methods.len == 0)
        return 1;
    while (wick_http_list_next(&methods, &one))
        if (wick_str_same(one, method))
            return 1;
    return 0;
}

unsigned wick_http_route_find(const wick_http_route *routes, size_t count, wick_str method, wick_str path,
                              wick_http_match *match)
{
    uint64_t best_rank = 0;
    match->route = NULL;
    match->capture_count = 0;
    if (path.len == 0 || path.data[0] != '/')
        return 404;
    if (path.data[path.len - 1] == '/')
        path.len--;
    for (size_t i = 0; i < count; i++) {
        const wick_http_route *route = &routes[i];
        wick_http_match fit;
        uint64_t rank;
        wick_str pattern = route->pattern;
        if (pattern.len > 0 && pattern.data[pattern.len - 1] == '/')
            pattern.len--;
        if (match->route && route->priority < match->route->priority)
            continue;
        if (!fit_route(pattern, path, &fit, &rank))
            continue;
        if (match->route && route->priority == match->route->priority && rank <= best_rank)
            continue;
        fit.route = route;
        *match = fit;
        best_rank = rank;
    }
    if (!match->route)
        return 404;
    return allows(match->route->methods, method) ? 200 : 405;
}
