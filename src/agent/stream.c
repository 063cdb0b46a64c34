/*
 * A stream: append, limits, expiry. What an event can merge with is found out here, once, when it is appended.
 */
#include "agent/stream_internal.h"

static const wick_stream_config stream_defaults = {sizeof(wick_stream_config), 0, 0, 0, 0, 0};

/* Types must fit the bits of a wick_want and a byte of a record. */
typedef char types_fit[WICK_TYPE_COUNT <= 128 ? 1 : -1];

wick_status wick_stream_init(wick_stream *stream, wick_pool *pool, const wick_stream_config *config, uint64_t epoch,
                             uint64_t now_ms)
{
    (void)sizeof(types_fit);
    if (config && config->size != sizeof *config)
        return WICK_E_CONFIG;
    if (epoch == 0 || epoch > WICK_INT_MAX)
        return WICK_E_ARG;
    memset(stream, 0, sizeof *stream);
    stream->pool = pool;
    stream->config = config ? config : &stream_defaults;
    stream->epoch = epoch;
    stream->oldest = 1;
    stream->idle_ms = now_ms;
    return WICK_OK;
}

void wick_stream_free(wick_stream *stream)
{
    wick_pool_give_chain(stream, stream->first);
    wick_runs_free(stream);
    stream->first = stream->last = 0;
    stream->oldest = stream->head + 1;
    stream->bytes = 0;
}

/* ---- What can merge -------------------------------------------------------------------------------------- */

/* Where the number of `ts` stands if it comes right behind the type, as wick_event_write_body() writes it. */
static void find_ts(wick_record *record, const uint8_t *body, const wick_text *type)
{
    static const char key[] = "\",\"ts\":";
    size_t at, end;
    if (!type->data)
        return;
    at = (size_t)((const uint8_t *)type->data - body) + type->len;
    if (at > 100 || record->len < at + sizeof key || memcmp(body + at, key, sizeof key - 1) != 0)
        return;
    at += sizeof key - 1;
    for (end = at; end < record->len && end < at + 20 && body[end] >= '0' && body[end] <= '9'; end++)
        ;
    record->ts = (uint16_t)at;
    record->ts_len = (uint8_t)(end - at);
}

static void set_part(wick_record *record, const uint8_t *body, const wick_text *part)
{
    record->part = part->data ? (uint32_t)((const uint8_t *)part->data - body) : 0;
    record->part_len = part->data ? part->len : 0;
}

/* An event whose text is joined to the one before. */
static void joins(wick_entry *entry, unsigned kind, const wick_text *text, int done)
{
    wick_record *record = &entry->record;
    set_part(record, entry->body, text);
    record->kind = (uint8_t)kind;
    record->front = record->part;
    if (done)
        record->flags |= WICK_RECORD_DONE;
}

/* An event that takes the place of one with the same envelope and key. Only if the payload stands last. */
static void replaces(wick_entry *entry, unsigned kind, const wick_text *key)
{
    wick_record *record = &entry->record;
    const wick_text *payload = &entry->event->head.payload;
    uint32_t start = payload->data ? (uint32_t)((const uint8_t *)payload->data - entry->body) : 0;
    if (!payload->data || start + payload->len + 1 != record->len)
        return;
    record->kind = (uint8_t)kind;
    record->front = start;
    if (key)
        set_part(record, entry->body, key);
}

static void classify(wick_entry *entry)
{
    const wick_event *event = entry->event;
    const wick_agent_action *action = &event->as.agent_action;
    switch (event->type) {
    case WICK_TYPE_AGENT_TOKEN:
        joins(entry, WICK_MERGE_TOKEN, &event->as.agent_token.text, event->as.agent_token.done);
        break;
    case WICK_TYPE_AGENT_THOUGHT:
        joins(entry, WICK_MERGE_THOUGHT, &event->as.agent_thought.text, event->as.agent_thought.done);
        break;
    case WICK_TYPE_AGENT_ACTION:
        if (action->phase == WICK_PHASE_ARGS && action->args_delta.data && !action->args.data && !action->result.data
            && !action->error.data)
            joins(entry, WICK_MERGE_ARGS, &action->args_delta, 0);
        break;
    case WICK_TYPE_AGENT_USAGE:
        replaces(entry, WICK_MERGE_USAGE, NULL);
        break;
    case WICK_TYPE_AGENT_PROGRESS:
        replaces(entry, WICK_MERGE_PROGRESS, &event->as.agent_progress.step);
        break;
    case WICK_TYPE_COORDINATOR_METRICS:
        replaces(entry, WICK_MERGE_METRICS, NULL);
        break;
    case WICK_TYPE_AGENT_STATUS:
        replaces(entry, WICK_MERGE_STATUS, &event->as.agent_status.agent_name);
        break;
    default:
        if (event->type <= WICK_TYPE_APPLICATION)
            set_part(&entry->record, entry->body, &event->head.type);
        break;
    }
}

/* Whether the stored bytes from `from` on are these. */
static int stored_is(wick_pool *pool, wick_stream_place body, uint32_t from, const uint8_t *data, size_t len)
{
    wick_stream_place at = wick_place_skip(pool, body, from);
    while (len) {
        wick_slice piece = wick_place_piece(pool, &at, &len);
        if (memcmp(piece.data, data, piece.len) != 0)
            return 0;
        data += piece.len;
    }
    return 1;
}

/* Whether what stands behind the text is the same, but for a `"done":true` that the new event may have at its end. */
static int same_tail(wick_pool *pool, wick_stream_place at, const wick_record *old, const wick_entry *entry)
{
    static const char done[] = ",\"done\":true}}";
    const wick_record *record = &entry->record;
    uint32_t from = old->part + old->part_len, old_len = old->len - from;
    const uint8_t *tail = entry->body + record->part + record->part_len;
    uint32_t len = record->len - record->part - record->part_len;
    if (record->flags & WICK_RECORD_DONE) {
        uint32_t extra = (uint32_t)sizeof done - 3;
        if (len != old_len + extra || len < sizeof done - 1)
            return 0;
        if (memcmp(entry->body + record->len - (sizeof done - 1), done, sizeof done - 1) != 0)
            return 0;
        len -= extra;
        return stored_is(pool, at, from, tail, len - 2)
            && stored_is(pool, at, old->len - 2, entry->body + record->len - 2, 2);
    }
    return len == old_len && stored_is(pool, at, from, tail, len);
}

/* Whether an event merges with the newest one of its kind. */
static int same_group(const wick_stream *stream, const wick_entry *entry)
{
    wick_pool *pool = stream->pool;
    const wick_record *record = &entry->record, *old;
    uint64_t seq = stream->newest[record->kind].seq;
    wick_stream_place at = stream->newest[record->kind].place;
    uint32_t front, old_front;
    if (seq == 0 || seq < stream->oldest)
        return 0;
    old = wick_record_at(pool, at);
    if (old->flags & WICK_RECORD_DONE || old->ts != record->ts)
        return 0;
    at = wick_place_body(at);
    front = record->front - record->ts - record->ts_len;
    old_front = old->front - old->ts - old->ts_len;
    if (front != old_front
        || !stored_is(pool, at, (uint32_t)old->ts + old->ts_len, entry->body + record->ts + record->ts_len, front))
        return 0;
    if (wick_joins(record->kind))
        return same_tail(pool, at, old, entry);
    return record->part_len == old->part_len && (record->part == 0) == (old->part == 0)
        && stored_is(pool, at, old->part, entry->body + record->part, record->part_len);
}

/* ---- Append ---------------------------------------------------------------------------------------------- */

static wick_status append_entry(wick_stream *stream, const uint8_t *body, size_t len, const wick_event *event,
                                uint64_t now_ms)
{
    const wick_stream_config *config = stream->config;
    wick_entry entry;
    wick_status status;
    memset(&entry, 0, sizeof entry);
    entry.body = body;
    entry.event = event;
    entry.record.len = (uint32_t)len;
    entry.record.time = (uint32_t)now_ms;
    entry.record.type = (uint8_t)event->type;
    find_ts(&entry.record, body, &event->head.type);
    classify(&entry);
    status = wick_pool_reserve(stream->pool, wick_log_need(stream->pool, len) + wick_runs_need(stream, &entry));
    if (status != WICK_OK)
        return status;
    if (entry.record.kind && same_group(stream, &entry)) {
        entry.record.group = wick_record_at(stream->pool, stream->newest[entry.record.kind].place)->group;
    } else {
        entry.record.group = ++stream->group;
        entry.record.flags |= WICK_RECORD_FIRST;
    }
    wick_log_put(stream, &entry);
    wick_runs_note(stream, &entry, stream->head);
    wick_stream_trim(stream, wick_stream_limit(config->max_events, WICK_DEFAULT_STREAM_EVENTS),
                     wick_stream_limit(config->max_bytes, WICK_DEFAULT_STREAM_BYTES));
    return WICK_OK;
}

wick_status wick_stream_append_message(wick_stream *stream, const void *message, size_t len, const wick_event *event,
                                       uint64_t now_ms, uint64_t *seq)
{
    const uint8_t *data = (const uint8_t *)message;
    wick_event read;
    wick_status status;
    if (len < 2 || data[0] != '{')
        return WICK_E_ARG;
    if (len - 1 > stream->pool->max_body)
        return WICK_E_MESSAGE_TOO_BIG;
    if (!event) {
        status = wick_event_read(NULL, message, len, &read, NULL);
        if (status < 0)
            return status;
        event = &read;
    }
    if (event->head.seq || event->head.first_seq)
        return WICK_E_ARG;
    status = append_entry(stream, data + 1, len - 1, event, now_ms);
    if (status == WICK_OK && seq)
        *seq = stream->head;
    return status;
}

wick_status wick_stream_append(wick_stream *stream, const wick_event *event, uint32_t flags, uint64_t now_ms,
                               uint64_t *seq)
{
    wick_pool *pool = stream->pool;
    size_t len;
    wick_status status = wick_event_write_body(event, flags, pool->scratch + 1, pool->max_body, &len, NULL);
    if (status == WICK_E_SPACE)
        return WICK_E_MESSAGE_TOO_BIG;
    if (status != WICK_OK)
        return status;
    pool->scratch[0] = '{';
    return wick_stream_append_message(stream, pool->scratch, len + 1, NULL, now_ms, seq);
}

/* ---- Limits and expiry ----------------------------------------------------------------------------------- */

uint64_t wick_stream_epoch(const wick_stream *stream)
{
    return stream->epoch;
}

uint64_t wick_stream_head(const wick_stream *stream)
{
    return stream->head;
}

uint64_t wick_stream_oldest(const wick_stream *stream)
{
    return stream->oldest;
}

uint64_t wick_stream_trim(wick_stream *stream, uint64_t max_events, uint64_t max_bytes)
{
    uint64_t before = stream->oldest;
    while (stream->oldest <= stream->head) {
        uint64_t kept = stream->head + 1 - stream->oldest;
        if (kept <= max_events && (stream->bytes <= max_bytes || (kept == 1 && max_bytes)))
            break;
        wick_log_drop(stream);
    }
    return stream->oldest - before;
}

void wick_stream_hold(wick_stream *stream)
{
    stream->holds++;
}

void wick_stream_release(wick_stream *stream, uint64_t now_ms)
{
    if (stream->holds)
        stream->holds--;
    stream->idle_ms = now_ms;
}

uint64_t wick_stream_deadline(const wick_stream *stream)
{
    if (stream->readers || stream->holds)
        return WICK_NEVER;
    return stream->idle_ms + wick_stream_limit(stream->config->retain_ms, WICK_DEFAULT_STREAM_RETAIN_MS);
}
