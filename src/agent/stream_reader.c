/*
 * Readers: what is due for one of them, merged as far as it goes, as slices of the stored bodies.
 *
 * A reader looks at each event once: `scanned` says how far it is, and first..last are the events of the message that
 * is being put together. Events between them that belong to another group are those that the reader does not want.
 */
#include "agent/stream_internal.h"

wick_status wick_reader_init(wick_reader *reader, wick_stream *stream, uint64_t after)
{
    if (after > stream->head)
        return WICK_E_ARG;
    memset(reader, 0, sizeof *reader);
    reader->sent = reader->acked = reader->scanned = after;
    reader->deadline = WICK_NEVER;
    reader->coalesce_ms = WICK_DEFAULT_COALESCE_MS;
    stream->readers++;
    return WICK_OK;
}

void wick_reader_leave(wick_reader *reader, wick_stream *stream, uint64_t now_ms)
{
    memset(reader, 0, sizeof *reader);
    if (stream->readers)
        stream->readers--;
    stream->idle_ms = now_ms;
}

/* Forget the message that is being put together: look again from behind `seq`, whose place may be known. */
static void look_again(wick_reader *reader, uint64_t seq, wick_stream_place at)
{
    reader->scanned = seq;
    reader->at = at;
    reader->events = 0;
    reader->text = 0;
    reader->first = reader->last = 0;
    reader->closed = reader->prompt = 0;
    reader->deadline = WICK_NEVER;
}

void wick_reader_tune(wick_reader *reader, uint32_t coalesce_ms, const wick_want *want)
{
    static const wick_stream_place nowhere = {0, 0};
    reader->coalesce_ms = coalesce_ms < WICK_COALESCE_MAX_MS ? coalesce_ms : WICK_COALESCE_MAX_MS;
    reader->want = want;
    if (reader->events)
        look_again(reader, reader->first - 1, nowhere);
}

/* The place of the event behind `scanned`, which is kept. */
static wick_stream_place next_place(const wick_reader *reader, const wick_stream *stream)
{
    wick_stream_place first = {stream->first, stream->first_offset};
    if (reader->scanned + 1 == stream->oldest)
        return first;
    if (reader->at.block && reader->scanned >= stream->oldest)
        return wick_log_after(stream->pool, reader->at);
    return wick_log_find(stream, reader->scanned + 1);
}

static int wants(const wick_reader *reader, const wick_stream *stream, const wick_record *record,
                 wick_stream_place place)
{
    char name[64];
    size_t len = record->part_len, done = 0;
    wick_stream_place at;
    if (!reader->want || record->type > WICK_TYPE_APPLICATION || len > sizeof name)
        return wick_want_has(reader->want, (wick_type)record->type, NULL, 0);
    at = wick_place_skip(stream->pool, wick_place_body(place), record->part);
    while (len) {
        wick_slice piece = wick_place_piece(stream->pool, &at, &len);
        memcpy(name + done, piece.data, piece.len);
        done += piece.len;
    }
    return wick_want_has(reader->want, (wick_type)record->type, name, done);
}

/* Take an event into the message. */
static void take(wick_reader *reader, const wick_record *record, wick_stream_place at, uint32_t limit)
{
    if (reader->events == 0) {
        reader->first = reader->scanned;
        reader->first_at = at;
        reader->group = record->group;
        reader->since = record->time;
        reader->prompt = (record->flags & WICK_RECORD_FIRST) != 0;
    }
    reader->last = reader->scanned;
    reader->last_at = at;
    reader->events++;
    if (wick_joins(record->kind))
        reader->text += record->part_len;
    if (!record->kind || record->flags & WICK_RECORD_DONE || reader->text >= limit)
        reader->closed = 1;
}

/* Put events together until the message is complete or the log ends. A limit of 0 merges nothing. */
static void gather(wick_reader *reader, const wick_stream *stream, uint32_t limit)
{
    while (!reader->closed && reader->scanned < stream->head) {
        wick_stream_place at = next_place(reader, stream);
        const wick_record *record = wick_record_at(stream->pool, at);
        int wanted = wants(reader, stream, record, at);
        if (wanted && reader->events && (record->group != reader->group || limit == 0)) {
            reader->closed = 1;
            return;
        }
        reader->scanned++;
        reader->at = at;
        if (wanted)
            take(reader, record, at, limit);
        if (reader->events && limit == 0)
            reader->closed = 1;
    }
}

/* The bytes of the message behind its prefix. */
static size_t body_length(const wick_reader *reader, const wick_record *last)
{
    if (!wick_joins(last->kind))
        return last->len;
    return (size_t)last->len - last->part_len + reader->text;
}

static void describe(const wick_reader *reader, const wick_stream *stream, wick_delivery *message)
{
    const wick_record *last = wick_record_at(stream->pool, reader->last_at);
    message->first_seq = reader->sent + 1;
    message->seq = reader->last;
    message->type = (wick_type)last->type;
    message->events = reader->events;
    message->group = reader->group;
    message->joined = wick_joins(last->kind) && reader->events > 1;
    message->first_at = reader->first_at;
    message->last_at = reader->last_at;
    message->prefix_len = (uint32_t)wick_event_prefix(message->seq, message->first_seq, message->prefix);
    message->len = message->prefix_len + body_length(reader, last);
}

wick_status wick_reader_next(wick_reader *reader, wick_stream *stream, size_t queued, uint64_t now_ms,
                             wick_delivery *message)
{
    int hard = queued >= WICK_SLOW_BYTES;
    uint32_t wait = hard ? WICK_COALESCE_MAX_MS : reader->coalesce_ms;
    uint32_t limit = hard ? WICK_MERGE_HARD_BYTES : wait ? WICK_MERGE_BYTES : 0;
    uint32_t age;
    reader->deadline = WICK_NEVER;
    if ((reader->events ? reader->first : reader->scanned + 1) < stream->oldest)
        return WICK_E_STREAM_LOST;
    if (queued >= WICK_STOP_BYTES)
        return WICK_BLOCKED;
    gather(reader, stream, limit);
    if (reader->events == 0)
        return WICK_MORE;
    age = (uint32_t)now_ms - reader->since;
    if (!reader->closed && !reader->prompt && age < wait) {
        reader->deadline = now_ms + wait - age;
        return WICK_MORE;
    }
    describe(reader, stream, message);
    return WICK_OK;
}

void wick_reader_sent(wick_reader *reader, const wick_delivery *message)
{
    reader->sent = message->seq;
    if (message->seq < reader->last)
        look_again(reader, message->seq, message->last_at);
    else
        look_again(reader, reader->scanned, reader->at);
}

uint64_t wick_reader_deadline(const wick_reader *reader)
{
    return reader->deadline;
}

uint64_t wick_reader_cursor(const wick_reader *reader)
{
    return reader->sent;
}

wick_status wick_reader_ack(wick_reader *reader, uint64_t seq)
{
    if (seq > reader->sent)
        return WICK_E_ARG;
    if (seq > reader->acked)
        reader->acked = seq;
    return WICK_OK;
}

uint64_t wick_reader_unacked(const wick_reader *reader)
{
    return reader->sent - reader->acked;
}

/* ---- The bytes of a message ------------------------------------------------------------------------------ */

/* Where pieces go: to `out` if it is there, else to a list, which is counted on when it is full. */
typedef struct sink {
    uint8_t *out;
    wick_slice *slices;
    size_t cap;
    size_t count;
} sink;

static void sink_put(sink *to, wick_slice piece)
{
    if (to->out) {
        memcpy(to->out, piece.data, piece.len);
        to->out += piece.len;
    } else if (to->count < to->cap) {
        to->slices[to->count] = piece;
    }
    to->count++;
}

static void sink_range(sink *to, wick_pool *pool, wick_stream_place body, size_t from, size_t len)
{
    wick_stream_place at = wick_place_skip(pool, body, from);
    while (len)
        sink_put(to, wick_place_piece(pool, &at, &len));
}

/* The texts of all events of the message. */
static void sink_texts(sink *to, wick_pool *pool, const wick_delivery *message)
{
    wick_stream_place at = message->first_at;
    for (;;) {
        const wick_record *record = wick_record_at(pool, at);
        if (record->group == message->group)
            sink_range(to, pool, wick_place_body(at), record->part, record->part_len);
        if (at.block == message->last_at.block && at.offset == message->last_at.offset)
            return;
        at = wick_log_after(pool, at);
    }
}

/* The whole message: the last body, with the texts of all in the place of its own. */
static void sink_message(sink *to, wick_pool *pool, const wick_delivery *message)
{
    const wick_record *last = wick_record_at(pool, message->last_at);
    wick_stream_place body = wick_place_body(message->last_at);
    wick_slice prefix;
    prefix.data = (const uint8_t *)message->prefix;
    prefix.len = message->prefix_len;
    sink_put(to, prefix);
    if (message->joined) {
        uint32_t behind = last->part + last->part_len;
        sink_range(to, pool, body, 0, last->part);
        sink_texts(to, pool, message);
        sink_range(to, pool, body, behind, last->len - behind);
    } else {
        sink_range(to, pool, body, 0, last->len);
    }
}

size_t wick_delivery_slices(const wick_delivery *message, const wick_stream *stream, wick_slice *slices, size_t cap)
{
    sink to = {NULL, NULL, 0, 0};
    to.slices = slices;
    to.cap = cap;
    sink_message(&to, stream->pool, message);
    return to.count;
}

wick_status wick_delivery_copy(const wick_delivery *message, const wick_stream *stream, void *out, size_t cap,
                               size_t *len)
{
    sink to = {NULL, NULL, 0, 0};
    *len = message->len;
    if (cap < message->len)
        return WICK_E_SPACE;
    to.out = (uint8_t *)out;
    sink_message(&to, stream->pool, message);
    return WICK_OK;
}
