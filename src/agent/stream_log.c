/*
 * The log of a stream: records and bodies in a chain of blocks. Put one behind, drop one in front, find one.
 *
 * Invariant: the log's blocks are those from `first`, in which the oldest record begins, to `last`; without events
 * there are none. A block's first_seq never decreases along the chain.
 */
#include "agent/stream_internal.h"

wick_stream_place wick_place_skip(wick_pool *pool, wick_stream_place at, size_t len)
{
    while (len > pool->block_size - at.offset) {
        len -= pool->block_size - at.offset;
        at.block = wick_block_at(pool, at.block)->next;
        at.offset = sizeof(wick_block);
        pool->steps++;
    }
    at.offset += (uint32_t)len;
    return at;
}

wick_slice wick_place_piece(const wick_pool *pool, wick_stream_place *at, size_t *len)
{
    wick_slice piece;
    if (at->offset == pool->block_size) {
        at->block = wick_block_at(pool, at->block)->next;
        at->offset = sizeof(wick_block);
    }
    piece.data = wick_block_bytes(pool, at->block) + at->offset;
    piece.len = pool->block_size - at->offset;
    if (piece.len > *len)
        piece.len = *len;
    at->offset += (uint32_t)piece.len;
    *len -= piece.len;
    return piece;
}

wick_stream_place wick_place_body(wick_stream_place record)
{
    record.offset += (uint32_t)sizeof(wick_record);
    return record;
}

/* Where a record begins that is put behind what ends at a place: offset 0 stands for the next block. */
static uint32_t record_offset(const wick_pool *pool, uint32_t end)
{
    uint32_t offset = (end + 3) & ~(uint32_t)3;
    return offset + sizeof(wick_record) <= pool->block_size ? offset : 0;
}

wick_stream_place wick_log_after(wick_pool *pool, wick_stream_place at)
{
    const wick_record *record = wick_record_at(pool, at);
    at = wick_place_skip(pool, wick_place_body(at), record->len);
    at.offset = record_offset(pool, at.offset);
    if (at.offset == 0) {
        at.block = wick_block_at(pool, at.block)->next;
        at.offset = sizeof(wick_block);
        pool->steps++;
    }
    return at;
}

wick_stream_place wick_log_find(const wick_stream *stream, uint64_t seq)
{
    wick_pool *pool = stream->pool;
    uint32_t floor = wick_block_at(pool, stream->first)->number;
    wick_stream_place at = {stream->last, 0};
    const wick_block *block = wick_block_at(pool, at.block);
    uint64_t n;
    while (block->first_seq > seq && at.block != stream->first) {
        int far = block->jump && block->jump_number - floor < UINT32_MAX / 2
            && wick_block_at(pool, block->jump)->first_seq > seq;
        at.block = far ? block->jump : block->prev;
        block = wick_block_at(pool, at.block);
        pool->steps++;
    }
    at.offset = block->mark;
    n = block->first_seq;
    if (at.block == stream->first) {
        at.offset = stream->first_offset;
        n = stream->oldest;
    }
    for (; n < seq; n++)
        at = wick_log_after(pool, at);
    return at;
}

uint64_t wick_log_need(const wick_pool *pool, size_t len)
{
    /* The record may leave room at the end of a block, and the body at most one block begun. */
    return ((uint64_t)len + sizeof(wick_record)) / WICK_BLOCK_ROOM(pool) + 2;
}

/* A jump as in a skew-binary list: twice as far where the last two jumps were of one length. */
static void set_jump(const wick_stream *stream, wick_block *block)
{
    const wick_pool *pool = stream->pool;
    const wick_block *prev = wick_block_at(pool, block->prev), *far;
    uint32_t floor = wick_block_at(pool, stream->first)->number;
    block->jump = block->prev;
    block->jump_number = prev->number;
    if (!prev->jump || prev->jump_number - floor >= UINT32_MAX / 2)
        return;
    far = wick_block_at(pool, prev->jump);
    if (!far->jump || prev->number - prev->jump_number != far->number - far->jump_number)
        return;
    block->jump = far->jump;
    block->jump_number = far->jump_number;
}

/* Add a block to the log; the first event that begins in it or behind it is first_seq. */
static void extend(wick_stream *stream, uint64_t first_seq)
{
    uint32_t id = wick_pool_take(stream);
    wick_block *block = wick_block_at(stream->pool, id);
    block->number = ++stream->number;
    block->first_seq = first_seq;
    if (stream->last) {
        wick_block_at(stream->pool, stream->last)->next = id;
        block->prev = stream->last;
        set_jump(stream, block);
    } else {
        stream->first = id;
        stream->first_offset = sizeof(wick_block);
    }
    stream->last = id;
    stream->fill = sizeof(wick_block);
}

void wick_log_put(wick_stream *stream, const wick_entry *entry)
{
    wick_pool *pool = stream->pool;
    const uint8_t *from = entry->body;
    size_t left = entry->record.len;
    uint64_t seq = stream->head + 1;
    uint32_t offset = stream->last ? record_offset(pool, stream->fill) : 0;
    wick_block *block;
    if (offset == 0) {
        extend(stream, seq);
        offset = sizeof(wick_block);
    }
    block = wick_block_at(pool, stream->last);
    if (block->mark == 0)
        block->mark = offset;
    memcpy(wick_block_bytes(pool, stream->last) + offset, &entry->record, sizeof entry->record);
    if (entry->record.kind) {
        stream->newest[entry->record.kind].seq = seq;
        stream->newest[entry->record.kind].place.block = stream->last;
        stream->newest[entry->record.kind].place.offset = offset;
    }
    stream->fill = offset + (uint32_t)sizeof entry->record;
    while (left) {
        size_t n = pool->block_size - stream->fill;
        if (n == 0) {
            extend(stream, seq + 1);
            continue;
        }
        if (n > left)
            n = left;
        memcpy(wick_block_bytes(pool, stream->last) + stream->fill, from, n);
        stream->fill += (uint32_t)n;
        from += n;
        left -= n;
    }
    stream->bytes += entry->record.len;
    stream->head = seq;
}

void wick_log_drop(wick_stream *stream)
{
    wick_pool *pool = stream->pool;
    wick_stream_place at = {stream->first, stream->first_offset};
    stream->bytes -= wick_record_at(pool, at)->len;
    if (stream->oldest++ == stream->head) {
        wick_pool_give_chain(stream, stream->first);
        stream->first = stream->last = stream->first_offset = stream->fill = 0;
        return;
    }
    at = wick_log_after(pool, at);
    while (stream->first != at.block) {
        uint32_t next = wick_block_at(pool, stream->first)->next;
        wick_pool_give(stream, stream->first);
        stream->first = next;
    }
    stream->first_offset = at.offset;
}
