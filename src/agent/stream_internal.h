/*
 * How a stream lies in its blocks.
 *
 * A block is a header and room for bytes. Blocks are numbered from 1; 0 is none. They form chains of three kinds:
 *
 *   the log    events one behind the other: a record at a multiple of 4, wholly in one block, then the body, which runs
 *              on into the next block where it must. Where a record would not fit, the rest of the block stays empty.
 *   a story    what is told of a run: a wick_story with its ids, then the texts of its messages in segments, each of
 *              which lies wholly in one block
 *   a value    bytes: the usage of a run
 *
 * Blocks of the log are numbered in order, and each has a jump to an earlier one (a skew-binary list), so that an event
 * is found in a logarithmic number of steps from the end. Jumps into blocks that have been freed are known by their
 * number and not taken.
 */
#ifndef WICK_AGENT_STREAM_INTERNAL_H
#define WICK_AGENT_STREAM_INTERNAL_H

#include <string.h>

#include "wick/stream.h"

typedef struct wick_block {
    uint32_t next;
    uint32_t prev;
    uint32_t jump;
    uint32_t jump_number;
    uint32_t number;
    uint32_t mark;      /* log: where the first record begins that begins here, or 0. Run: the end of what is used */
    uint64_t first_seq; /* log: the first event that begins here or behind this block */
} wick_block;

#define WICK_BLOCK_ROOM(pool) ((pool)->block_size - (uint32_t)sizeof(wick_block))

/* How events merge. The texts of those up to WICK_MERGE_JOIN are joined, of the others the last replaces the rest. */
enum {
    WICK_MERGE_NONE,
    WICK_MERGE_TOKEN,
    WICK_MERGE_THOUGHT,
    WICK_MERGE_ARGS,
    WICK_MERGE_JOIN = WICK_MERGE_ARGS,
    WICK_MERGE_USAGE,
    WICK_MERGE_PROGRESS,
    WICK_MERGE_METRICS,
    WICK_MERGE_STATUS
};

#define WICK_RECORD_FIRST 1u /* begins a group */
#define WICK_RECORD_DONE 2u  /* ends one */

typedef struct wick_record {
    uint32_t len;  /* of the body */
    uint32_t part; /* where the text stands that is joined; what must be the same for a replacement; an unknown type */
    uint32_t part_len;
    uint32_t front; /* what lies before must be the same, but for ts */
    uint32_t time;  /* when it was appended, the lower 32 bits */
    uint32_t group; /* the same for events that may merge */
    uint16_t ts;    /* where the number of ts stands */
    uint8_t ts_len;
    uint8_t type;
    uint8_t kind;
    uint8_t flags;
} wick_record;

/* What the snapshot tells of a run. Behind it its ids, plain. */
typedef struct wick_story {
    uint64_t begun; /* number of its first event */
    uint64_t text;  /* bytes of text that are kept */
    uint32_t next;  /* in the stream's list */
    uint32_t hash;
    uint32_t first; /* block with the oldest segment */
    uint32_t first_offset;
    uint32_t last; /* block that is being filled */
    uint32_t fill;
    uint32_t segment; /* the newest one, in `last`, or 0 */
    uint32_t usage;   /* a chain */
    uint32_t usage_len;
    uint32_t changes; /* segments that do not go on with the one before */
    uint32_t asking; /* open questions */
    uint8_t id_len;
    uint8_t agent_len;
    uint8_t status; /* of WICK_MISSION_MAP */
    uint8_t truncated;
} wick_story;

#define WICK_SEGMENT_DONE 1u
#define WICK_SEGMENT_MORE 2u /* goes on where the segment before it ends */

/* A piece of a message's text, behind the message's id and role. */
typedef struct wick_segment {
    uint32_t len; /* of the text, escaped */
    uint32_t hash;
    uint8_t id_len;
    uint8_t role_len;
    uint8_t flags;
    uint8_t unused;
} wick_segment;

/* What append knows of a message. */
typedef struct wick_entry {
    const uint8_t *body;
    const wick_event *event;
    wick_record record;
} wick_entry;

static inline uint8_t *wick_block_bytes(const wick_pool *pool, uint32_t block)
{
    return pool->memory + (size_t)(block - 1) * pool->block_size;
}

static inline wick_block *wick_block_at(const wick_pool *pool, uint32_t block)
{
    return (wick_block *)(void *)wick_block_bytes(pool, block);
}

static inline wick_record *wick_record_at(wick_pool *pool, wick_stream_place at)
{
    pool->steps++;
    return (wick_record *)(void *)(wick_block_bytes(pool, at.block) + at.offset);
}

static inline wick_story *wick_story_at(const wick_pool *pool, uint32_t block)
{
    return (wick_story *)(void *)(wick_block_bytes(pool, block) + sizeof(wick_block));
}

static inline int wick_joins(unsigned kind)
{
    return kind != WICK_MERGE_NONE && kind <= WICK_MERGE_JOIN;
}

/* Take a free block for a stream: there must be one (wick_pool_reserve). */
uint32_t wick_pool_take(wick_stream *stream);
void wick_pool_give(wick_stream *stream, uint32_t block);
/* Give back a chain. */
void wick_pool_give_chain(wick_stream *stream, uint32_t block);
/* See to it that `need` blocks are free, if need be at the cost of the largest streams. */
wick_status wick_pool_reserve(wick_pool *pool, uint64_t need);

/* The place `len` bytes on. */
wick_stream_place wick_place_skip(wick_pool *pool, wick_stream_place at, size_t len);
/* The next piece of the *len bytes at *at; moves both. */
wick_slice wick_place_piece(const wick_pool *pool, wick_stream_place *at, size_t *len);
/* Where the body of the record at a place begins. */
wick_stream_place wick_place_body(wick_stream_place record);
/* The record behind the one at a place. There must be one. */
wick_stream_place wick_log_after(wick_pool *pool, wick_stream_place at);
/* The record of an event that is kept. */
wick_stream_place wick_log_find(const wick_stream *stream, uint64_t seq);
/* Append; the blocks are reserved. */
void wick_log_put(wick_stream *stream, const wick_entry *entry);
/* Drop the oldest event. There must be one. */
void wick_log_drop(wick_stream *stream);
/* The most blocks that an event takes. */
uint64_t wick_log_need(const wick_pool *pool, size_t len);

/* Bring the snapshot up to date; the blocks are reserved. */
void wick_runs_note(wick_stream *stream, const wick_entry *entry, uint64_t seq);
/* The most blocks that this takes. */
uint64_t wick_runs_need(const wick_stream *stream, const wick_entry *entry);
/* Give up something. Returns whether there was anything. */
int wick_runs_shrink(wick_stream *stream);
/* Keep to the stream's own limits. */
void wick_runs_limit(wick_stream *stream);
void wick_runs_free(wick_stream *stream);
/* The first segment at or behind a place of a run; NULL at the end. *at is moved to it. */
const wick_segment *wick_story_segment(const wick_pool *pool, const wick_story *run, wick_stream_place *at);
/* The place behind a segment. */
wick_stream_place wick_story_behind(const wick_segment *segment, wick_stream_place at);

uint32_t wick_stream_limit(uint32_t configured, uint32_t fallback);

#endif
