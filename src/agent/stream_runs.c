/*
 * What the snapshot needs of each run: ids, status, usage, and the texts of its messages, kept beside the log.
 *
 * Runs that go on are in a list with the last used first, those that have ended in a queue. A run's texts are segments
 * in the order in which they came; a segment names its message and lies in one block, so that the front can be dropped
 * block by block, and texts are only ever parted between characters and escapes.
 */
#include "agent/stream_internal.h"

/* Ids in plain form, from an event. */
typedef struct plain_id {
    char data[WICK_LIMIT_ID];
    uint32_t len;
    uint32_t hash;
} plain_id;

static void plain_of(const wick_text *text, plain_id *id)
{
    wick_str plain;
    if (!text->data || wick_text_plain(text, id->data, sizeof id->data, &plain) != WICK_OK) {
        id->len = id->hash = 0;
        return;
    }
    if (plain.len > sizeof id->data)
        plain.len = sizeof id->data;
    if (plain.data != id->data)
        memcpy(id->data, plain.data, plain.len);
    id->len = (uint32_t)plain.len;
    id->hash = (uint32_t)wick_text_hash(text);
}

/* ---- Segments -------------------------------------------------------------------------------------------- */

const wick_segment *wick_story_segment(const wick_pool *pool, const wick_story *run, wick_stream_place *at)
{
    while (at->block) {
        uint32_t end = at->block == run->last ? run->fill : wick_block_at(pool, at->block)->mark;
        if (at->offset < end)
            return (const wick_segment *)(const void *)(wick_block_bytes(pool, at->block) + at->offset);
        at->block = wick_block_at(pool, at->block)->next;
        at->offset = sizeof(wick_block);
    }
    return NULL;
}

wick_stream_place wick_story_behind(const wick_segment *segment, wick_stream_place at)
{
    uint32_t len = (uint32_t)sizeof *segment + segment->id_len + segment->role_len + segment->len;
    at.offset += (len + 3) & ~(uint32_t)3;
    return at;
}

/* The newest segment, or NULL. */
static wick_segment *newest_segment(const wick_pool *pool, const wick_story *run)
{
    if (run->segment == 0)
        return NULL;
    return (wick_segment *)(void *)(wick_block_bytes(pool, run->last) + run->segment);
}

/* The bytes of the character, escape, or pair of escaped surrogates at the start of an escaped text. */
static uint32_t unit_length(const uint8_t *text, uint32_t len)
{
    if (text[0] >= 0xC0)
        return text[0] < 0xE0 ? 2 : text[0] < 0xF0 ? 3 : 4;
    if (text[0] != '\\')
        return 1;
    if (text[1] != 'u')
        return 2;
    if (len >= 12 && (text[2] | 0x20) == 'd' && (text[3] == '8' || text[3] == '9' || (text[3] | 0x20) == 'a'
        || (text[3] | 0x20) == 'b') && text[6] == '\\' && text[7] == 'u')
        return 12;
    return 6;
}

/* How much of an escaped text can be taken without parting what belongs together. */
static uint32_t text_fit(const uint8_t *text, uint32_t len, uint32_t room)
{
    uint32_t at = 0, n;
    if (len <= room)
        return len;
    for (;; at += n) {
        n = unit_length(text + at, len - at);
        if (at + n > room)
            return at;
    }
}

static int segment_is(const wick_segment *segment, const plain_id *id)
{
    return segment->hash == id->hash && segment->id_len == id->len
        && memcmp(segment + 1, id->data, id->len) == 0;
}

/* Begin a segment, in a block that has room for at least one character of it. */
static wick_segment *begin_segment(wick_stream *stream, wick_story *run, const plain_id *id, const plain_id *role)
{
    wick_pool *pool = stream->pool;
    uint32_t head = (uint32_t)sizeof(wick_segment) + id->len + role->len, block;
    wick_segment *segment;
    if (run->fill + head + 12 > pool->block_size) {
        block = wick_pool_take(stream);
        wick_block_at(pool, run->last)->mark = run->fill;
        wick_block_at(pool, run->last)->next = block;
        run->last = block;
        run->fill = sizeof(wick_block);
    }
    segment = (wick_segment *)(void *)(wick_block_bytes(pool, run->last) + run->fill);
    memset(segment, 0, sizeof *segment);
    segment->hash = id->hash;
    segment->id_len = (uint8_t)id->len;
    segment->role_len = (uint8_t)role->len;
    memcpy(segment + 1, id->data, id->len);
    memcpy((uint8_t *)(segment + 1) + id->len, role->data, role->len);
    run->segment = run->fill;
    run->fill += (head + 3) & ~(uint32_t)3;
    return segment;
}

/* Add to the newest segment what fits in its block. Returns the bytes taken. */
static uint32_t extend_segment(wick_stream *stream, wick_story *run, wick_segment *segment, const uint8_t *text,
                               uint32_t len)
{
    uint32_t head = (uint32_t)sizeof *segment + segment->id_len + segment->role_len;
    uint32_t end = run->segment + head + segment->len;
    uint32_t n = text_fit(text, len, stream->pool->block_size - end);
    memcpy(wick_block_bytes(stream->pool, run->last) + end, text, n);
    segment->len += n;
    run->fill = (end + n + 3) & ~(uint32_t)3;
    run->text += n;
    stream->text += n;
    return n;
}

static void note_token(wick_stream *stream, wick_story *run, const wick_agent_token *token)
{
    wick_segment *segment = newest_segment(stream->pool, run);
    const uint8_t *text = (const uint8_t *)token->text.data;
    uint32_t left = token->text.len, n;
    plain_id id, role;
    plain_of(&token->message_id, &id);
    plain_of(&token->role, &role);
    if (!segment || !segment_is(segment, &id)) {
        segment = begin_segment(stream, run, &id, &role);
        run->changes++;
    }
    for (;;) {
        n = extend_segment(stream, run, segment, text, left);
        text += n;
        left -= n;
        if (left == 0)
            break;
        segment = begin_segment(stream, run, &id, &role);
        segment->flags |= WICK_SEGMENT_MORE;
    }
    if (token->done)
        segment->flags |= WICK_SEGMENT_DONE;
    else
        segment->flags &= (uint8_t)~WICK_SEGMENT_DONE;
}

/* ---- Runs ------------------------------------------------------------------------------------------------ */

static int run_is(const wick_story *run, const plain_id *id)
{
    return run->hash == id->hash && run->id_len == id->len && memcmp(run + 1, id->data, id->len) == 0;
}

/* Find a run that goes on, and bring it to the front of the list. Returns its block or 0. */
static uint32_t find_live(wick_stream *stream, const plain_id *id)
{
    uint32_t before = 0, block;
    for (block = stream->live; block; block = wick_story_at(stream->pool, block)->next) {
        stream->pool->steps++;
        if (run_is(wick_story_at(stream->pool, block), id))
            break;
        before = block;
    }
    if (block && before) {
        wick_story_at(stream->pool, before)->next = wick_story_at(stream->pool, block)->next;
        wick_story_at(stream->pool, block)->next = stream->live;
        stream->live = block;
    }
    return block;
}

static int has_ended(const wick_stream *stream, const plain_id *id)
{
    uint32_t block;
    for (block = stream->ended; block; block = wick_story_at(stream->pool, block)->next) {
        stream->pool->steps++;
        if (run_is(wick_story_at(stream->pool, block), id))
            return 1;
    }
    return 0;
}

static uint32_t begin_run(wick_stream *stream, const plain_id *id, const wick_text *agent_id, uint64_t seq)
{
    uint32_t block = wick_pool_take(stream), head;
    wick_story *run = wick_story_at(stream->pool, block);
    plain_id agent;
    plain_of(agent_id, &agent);
    memset(run, 0, sizeof *run);
    run->begun = seq;
    run->hash = id->hash;
    run->id_len = (uint8_t)id->len;
    run->agent_len = (uint8_t)agent.len;
    run->status = WICK_MISSION_RUNNING;
    memcpy(run + 1, id->data, id->len);
    memcpy((uint8_t *)(run + 1) + id->len, agent.data, agent.len);
    head = (uint32_t)(sizeof(wick_block) + sizeof *run) + id->len + agent.len;
    run->first = run->last = block;
    run->first_offset = run->fill = (head + 3) & ~(uint32_t)3;
    run->next = stream->live;
    stream->live = block;
    return block;
}

static void free_run(wick_stream *stream, uint32_t block)
{
    const wick_story *run = wick_story_at(stream->pool, block);
    uint32_t first = run->first;
    stream->text -= run->text;
    wick_pool_give_chain(stream, run->usage);
    if (first != block)
        wick_pool_give_chain(stream, first);
    else
        wick_pool_give_chain(stream, wick_block_at(stream->pool, block)->next);
    wick_pool_give(stream, block);
}

static void drop_ended(wick_stream *stream)
{
    uint32_t block = stream->ended;
    stream->ended = wick_story_at(stream->pool, block)->next;
    if (!stream->ended)
        stream->ended_last = 0;
    stream->ended_count--;
    free_run(stream, block);
}

/* Move the run at the front of the list of those that go on to the end of the queue. */
static void end_run(wick_stream *stream, uint32_t block)
{
    wick_story *run = wick_story_at(stream->pool, block);
    stream->live = run->next;
    run->next = 0;
    if (stream->ended_last)
        wick_story_at(stream->pool, stream->ended_last)->next = block;
    else
        stream->ended = block;
    stream->ended_last = block;
    stream->ended_count++;
}

/* Drop the oldest block of a run's texts, but not the one that is being filled. Returns whether there was one. */
static int cut_run(wick_stream *stream, uint32_t block)
{
    wick_story *run = wick_story_at(stream->pool, block);
    wick_stream_place at;
    uint32_t first = run->first, next, cut = 0;
    const wick_segment *segment;
    if (first == run->last)
        return 0;
    at.block = first;
    at.offset = run->first_offset;
    while ((segment = wick_story_segment(stream->pool, run, &at)) != NULL && at.block == first) {
        cut += segment->len;
        run->changes -= !(segment->flags & WICK_SEGMENT_MORE);
        at = wick_story_behind(segment, at);
    }
    next = wick_block_at(stream->pool, first)->next;
    if (first != block)
        wick_pool_give(stream, first);
    run->first = next;
    run->first_offset = sizeof(wick_block);
    run->text -= cut;
    run->truncated = 1;
    stream->text -= cut;
    return 1;
}

/* Cut the run that has most text. Returns whether anything was cut. */
static int cut_longest(wick_stream *stream)
{
    uint32_t block, longest = 0;
    for (block = stream->live; block; block = wick_story_at(stream->pool, block)->next) {
        const wick_story *run = wick_story_at(stream->pool, block);
        stream->pool->steps++;
        if (run->first != run->last && (!longest || run->text > wick_story_at(stream->pool, longest)->text))
            longest = block;
    }
    return longest && cut_run(stream, longest);
}

int wick_runs_shrink(wick_stream *stream)
{
    if (stream->ended) {
        drop_ended(stream);
        return 1;
    }
    return cut_longest(stream);
}

void wick_runs_limit(wick_stream *stream)
{
    uint32_t runs = wick_stream_limit(stream->config->ended_runs, WICK_DEFAULT_STREAM_ENDED_RUNS);
    uint32_t bytes = wick_stream_limit(stream->config->text_bytes, WICK_DEFAULT_STREAM_TEXT_BYTES);
    while (stream->ended_count > runs)
        drop_ended(stream);
    while (stream->text > bytes)
        if (!wick_runs_shrink(stream))
            break;
    while (stream->live && wick_story_at(stream->pool, stream->live)->changes > WICK_STREAM_CHANGES)
        if (!cut_run(stream, stream->live))
            break;
}

void wick_runs_free(wick_stream *stream)
{
    while (stream->ended)
        drop_ended(stream);
    while (stream->live) {
        uint32_t block = stream->live;
        stream->live = wick_story_at(stream->pool, block)->next;
        free_run(stream, block);
    }
}

/* ---- Events ---------------------------------------------------------------------------------------------- */

/* The usage that an event tells, as JSON; absent if none. */
static wick_text usage_of(const wick_event *event)
{
    wick_text usage = {NULL, 0, 0};
    if (event->type == WICK_TYPE_AGENT_USAGE)
        return event->head.payload;
    if ((event->type == WICK_TYPE_AGENT_COMPLETED || event->type == WICK_TYPE_AGENT_FAILED) && event->head.payload.data)
        (void)wick_json_member(&event->head.payload, "usage", 5, &usage);
    if (usage.data && (usage.len == 0 || usage.data[0] != '{'))
        usage.data = NULL;
    return usage;
}

static void note_usage(wick_stream *stream, wick_story *run, const wick_text *usage)
{
    uint32_t room = WICK_BLOCK_ROOM(stream->pool), at = 0, before = 0;
    wick_pool_give_chain(stream, run->usage);
    run->usage = 0;
    run->usage_len = usage->len;
    while (at < usage->len) {
        uint32_t block = wick_pool_take(stream), n = usage->len - at < room ? usage->len - at : room;
        memcpy(wick_block_bytes(stream->pool, block) + sizeof(wick_block), usage->data + at, n);
        if (before)
            wick_block_at(stream->pool, before)->next = block;
        else
            run->usage = block;
        before = block;
        at += n;
    }
}

/* Whether the snapshot tells anything of events of this type. */
static int matters(wick_type type)
{
    switch (type) {
    case WICK_TYPE_AGENT_STARTED:
    case WICK_TYPE_AGENT_TOKEN:
    case WICK_TYPE_AGENT_USAGE:
    case WICK_TYPE_AGENT_INPUT_REQUEST:
    case WICK_TYPE_AGENT_INPUT_RESOLVED:
    case WICK_TYPE_AGENT_COMPLETED:
    case WICK_TYPE_AGENT_FAILED:
        return 1;
    default:
        return 0;
    }
}

uint64_t wick_runs_need(const wick_stream *stream, const wick_entry *entry)
{
    const wick_event *event = entry->event;
    uint32_t room = WICK_BLOCK_ROOM(stream->pool), least;
    uint64_t need = 1;
    wick_text usage;
    if (!matters(event->type) || !event->head.invocation_id.data)
        return 0;
    usage = usage_of(event);
    if (usage.data)
        need += usage.len / room + 1;
    /* Each block of texts repeats the ids, and may leave out the bytes of one escape at its end. */
    least = room - (uint32_t)sizeof(wick_segment) - WICK_LIMIT_ID - 64 - 16;
    if (event->type == WICK_TYPE_AGENT_TOKEN)
        need += event->as.agent_token.text.len / least + 1;
    return need;
}

static void apply(wick_stream *stream, uint32_t block, const wick_event *event)
{
    wick_story *run = wick_story_at(stream->pool, block);
    wick_text usage = usage_of(event);
    if (usage.data)
        note_usage(stream, run, &usage);
    switch (event->type) {
    case WICK_TYPE_AGENT_TOKEN:
        note_token(stream, run, &event->as.agent_token);
        break;
    case WICK_TYPE_AGENT_INPUT_REQUEST:
        run->asking++;
        break;
    case WICK_TYPE_AGENT_INPUT_RESOLVED:
        if (run->asking)
            run->asking--;
        break;
    case WICK_TYPE_AGENT_COMPLETED:
        run->status = WICK_MISSION_COMPLETED;
        end_run(stream, block);
        return;
    case WICK_TYPE_AGENT_FAILED:
        run->status = wick_code_find(&event->as.agent_failed.error.code) == WICK_CODE_CANCELLED ? WICK_MISSION_CANCELLED
                                                                                               : WICK_MISSION_FAILED;
        end_run(stream, block);
        return;
    default:
        break;
    }
    run->status = run->asking ? WICK_MISSION_WAITING_INPUT : WICK_MISSION_RUNNING;
}

void wick_runs_note(wick_stream *stream, const wick_entry *entry, uint64_t seq)
{
    const wick_event *event = entry->event;
    plain_id id;
    uint32_t block;
    if (!matters(event->type) || !event->head.invocation_id.data)
        return;
    plain_of(&event->head.invocation_id, &id);
    block = find_live(stream, &id);
    if (!block) {
        if (has_ended(stream, &id))
            return;
        block = begin_run(stream, &id, &event->head.agent_id, seq);
    }
    apply(stream, block, event);
    wick_runs_limit(stream);
}
