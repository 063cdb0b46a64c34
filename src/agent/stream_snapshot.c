/*
 * The snapshot: the runs of a stream as JSON, for session.reset.
 *
 * Texts stand escaped in the segments and are copied as they are. A message's first segment writes all of it: the
 * segments that follow it with the same id, of which there are several where messages alternate or blocks end.
 */
#include "agent/stream_internal.h"

/* JSON as it comes: written as far as there is room, counted in any case. */
typedef struct shot {
    const wick_stream *stream;
    uint8_t *out;
    size_t cap;
    size_t len;
} shot;

static void shot_raw(shot *to, const void *data, size_t len)
{
    if (len <= to->cap && to->len <= to->cap - len)
        memcpy(to->out + to->len, data, len);
    to->len += len;
}

#define SHOT_LITERAL(to, text) shot_raw(to, text, sizeof(text) - 1)

/* A string of plain text, with its quotes. */
static void shot_string(shot *to, const void *text, size_t len)
{
    wick_json_writer writer;
    size_t room = to->len < to->cap ? to->cap - to->len : 0, written;
    wick_json_writer_init(&writer, room ? to->out + to->len : NULL, room, WICK_JSON_REPLACE);
    wick_json_put_string(&writer, (const char *)text, len);
    (void)wick_json_writer_end(&writer, &written);
    to->len += written;
}

static void shot_text(shot *to, const wick_segment *segment)
{
    shot_raw(to, (const uint8_t *)(segment + 1) + segment->id_len + segment->role_len, segment->len);
}

static int same_message(const wick_segment *a, const wick_segment *b)
{
    return a->hash == b->hash && a->id_len == b->id_len && memcmp(a + 1, b + 1, a->id_len) == 0;
}

/* Whether an earlier segment that is kept belongs to the same message. */
static int seen_before(const wick_pool *pool, const wick_story *run, const wick_segment *segment)
{
    wick_stream_place at;
    const wick_segment *earlier;
    at.block = run->first;
    at.offset = run->first_offset;
    while ((earlier = wick_story_segment(pool, run, &at)) != segment) {
        if (same_message(earlier, segment))
            return 1;
        at = wick_story_behind(earlier, at);
    }
    return 0;
}

/* The message that begins with a segment, which stands at a place. */
static void shot_message(shot *to, const wick_story *run, const wick_segment *segment, wick_stream_place at)
{
    const wick_segment *next = segment;
    unsigned done = 0;
    SHOT_LITERAL(to, "{\"message_id\":");
    shot_string(to, segment + 1, segment->id_len);
    SHOT_LITERAL(to, ",\"role\":");
    if (segment->role_len)
        shot_string(to, (const uint8_t *)(segment + 1) + segment->id_len, segment->role_len);
    else
        SHOT_LITERAL(to, "\"assistant\"");
    SHOT_LITERAL(to, ",\"text\":\"");
    while (next) {
        if (same_message(next, segment)) {
            shot_text(to, next);
            done = next->flags & WICK_SEGMENT_DONE;
        }
        at = wick_story_behind(next, at);
        next = wick_story_segment(to->stream->pool, run, &at);
    }
    if (done || run->status == WICK_MISSION_COMPLETED || run->status == WICK_MISSION_FAILED
        || run->status == WICK_MISSION_CANCELLED)
        SHOT_LITERAL(to, "\",\"done\":true}");
    else
        SHOT_LITERAL(to, "\",\"done\":false}");
}

static void shot_messages(shot *to, const wick_story *run)
{
    const wick_pool *pool = to->stream->pool;
    const wick_segment *segment;
    wick_stream_place at;
    int first = 1;
    at.block = run->first;
    at.offset = run->first_offset;
    while ((segment = wick_story_segment(pool, run, &at)) != NULL) {
        /* A segment that goes on with the one before needs no search, unless that one was cut off. */
        if (first || (!(segment->flags & WICK_SEGMENT_MORE) && !seen_before(pool, run, segment))) {
            if (!first)
                SHOT_LITERAL(to, ",");
            first = 0;
            shot_message(to, run, segment, at);
        }
        at = wick_story_behind(segment, at);
    }
}

static void shot_usage(shot *to, const wick_story *run)
{
    const wick_pool *pool = to->stream->pool;
    wick_stream_place at;
    size_t left = run->usage_len;
    at.block = run->usage;
    at.offset = sizeof(wick_block);
    SHOT_LITERAL(to, ",\"usage\":");
    while (left) {
        wick_slice piece = wick_place_piece(pool, &at, &left);
        shot_raw(to, piece.data, piece.len);
    }
}

static void shot_run(shot *to, const wick_story *run)
{
    const char *status = WICK_ENUM_TEXT(MISSION, run->status);
    SHOT_LITERAL(to, "{\"invocation_id\":");
    shot_string(to, run + 1, run->id_len);
    if (run->agent_len) {
        SHOT_LITERAL(to, ",\"agent_id\":");
        shot_string(to, (const uint8_t *)(run + 1) + run->id_len, run->agent_len);
    }
    SHOT_LITERAL(to, ",\"status\":\"");
    for (; *status; status++)
        shot_raw(to, status, 1);
    SHOT_LITERAL(to, "\"");
    if (run->truncated)
        SHOT_LITERAL(to, ",\"truncated\":true");
    SHOT_LITERAL(to, ",\"messages\":[");
    shot_messages(to, run);
    SHOT_LITERAL(to, "]");
    if (run->usage)
        shot_usage(to, run);
    SHOT_LITERAL(to, "}");
}

/* The run of a list that began first behind event `behind`; NULL if there is none. */
static const wick_story *earliest(const wick_stream *stream, uint32_t block, uint64_t behind)
{
    const wick_story *best = NULL;
    for (; block; block = wick_story_at(stream->pool, block)->next) {
        const wick_story *run = wick_story_at(stream->pool, block);
        if (run->begun > behind && (!best || run->begun < best->begun))
            best = run;
    }
    return best;
}

static void shot_list(shot *to, uint32_t list, int *first)
{
    const wick_story *run = earliest(to->stream, list, 0);
    while (run) {
        if (!*first)
            SHOT_LITERAL(to, ",");
        *first = 0;
        shot_run(to, run);
        run = earliest(to->stream, list, run->begun);
    }
}

wick_status wick_stream_snapshot(const wick_stream *stream, void *out, size_t cap, size_t *len)
{
    shot to;
    int first = 1;
    to.stream = stream;
    to.out = (uint8_t *)out;
    to.cap = cap;
    to.len = 0;
    SHOT_LITERAL(&to, "{\"invocations\":[");
    shot_list(&to, stream->ended, &first);
    shot_list(&to, stream->live, &first);
    SHOT_LITERAL(&to, "]}");
    *len = to.len;
    return to.len <= cap ? WICK_OK : WICK_E_SPACE;
}
