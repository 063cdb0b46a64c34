/*
 * The pool: blocks for all streams, lent one at a time, and taken back from the largest when they run out.
 *
 * Streams stand on shelves by the logarithm of the blocks that they hold. The first stream of the highest shelf gives
 * way: it holds at least half as much as the largest. Finding it takes no walk over the streams.
 */
#include "agent/stream_internal.h"

#define SHELVES (sizeof((wick_pool *)NULL)->shelf / sizeof *((wick_pool *)NULL)->shelf)

uint32_t wick_stream_limit(uint32_t configured, uint32_t fallback)
{
    return configured ? configured : fallback;
}

/* The config with its defaults. Returns 0 if it is wrong. */
static int pool_plan(const wick_pool_config *config, wick_pool_config *plan)
{
    static const wick_pool_config none = {sizeof none, 0, 0, 0};
    if (!config)
        config = &none;
    if (config->size != sizeof *config)
        return 0;
    plan->blocks = wick_stream_limit(config->blocks, WICK_DEFAULT_POOL_BLOCKS);
    plan->block_size = wick_stream_limit(config->block_size, WICK_DEFAULT_POOL_BLOCK_SIZE);
    plan->max_body = wick_stream_limit(config->max_body, WICK_DEFAULT_POOL_MAX_BODY);
    return plan->block_size % 8 == 0 && plan->block_size >= WICK_POOL_BLOCK_MIN && plan->block_size <= 65536
        && plan->blocks <= (SIZE_MAX / 2) / plan->block_size && plan->max_body < UINT32_MAX / 2;
}

/* The scratch buffer holds `{` and a body. */
static size_t scratch_size(const wick_pool_config *plan)
{
    return ((size_t)plan->max_body + 8) & ~(size_t)7;
}

size_t wick_pool_size(const wick_pool_config *config)
{
    wick_pool_config plan;
    if (!pool_plan(config, &plan))
        return 0;
    return (size_t)plan.blocks * plan.block_size + scratch_size(&plan);
}

wick_status wick_pool_init(wick_pool *pool, const wick_pool_config *config, void *memory, size_t len)
{
    wick_pool_config plan;
    if (!pool_plan(config, &plan))
        return WICK_E_CONFIG;
    if (len < wick_pool_size(config))
        return WICK_E_SPACE;
    memset(pool, 0, sizeof *pool);
    pool->memory = (uint8_t *)memory;
    pool->scratch = pool->memory + (size_t)plan.blocks * plan.block_size;
    pool->block_count = pool->free_count = plan.blocks;
    pool->block_size = plan.block_size;
    pool->max_body = plan.max_body;
    pool->fresh = 1;
    return WICK_OK;
}

static unsigned shelf_of(uint32_t blocks)
{
    unsigned shelf = 0;
    for (; blocks; blocks >>= 1)
        shelf++;
    return shelf;
}

/* Change the number of blocks that a stream holds. */
static void shelve(wick_stream *stream, uint32_t blocks)
{
    wick_pool *pool = stream->pool;
    unsigned from = shelf_of(stream->blocks), to = shelf_of(blocks);
    stream->blocks = blocks;
    if (from == to)
        return;
    if (from) {
        if (stream->prev)
            stream->prev->next = stream->next;
        else
            pool->shelf[from] = stream->next;
        if (stream->next)
            stream->next->prev = stream->prev;
    }
    stream->next = stream->prev = NULL;
    if (to) {
        stream->next = pool->shelf[to];
        if (stream->next)
            stream->next->prev = stream;
        pool->shelf[to] = stream;
    }
}

uint32_t wick_pool_take(wick_stream *stream)
{
    wick_pool *pool = stream->pool;
    uint32_t block = pool->free_list;
    if (block)
        pool->free_list = wick_block_at(pool, block)->next;
    else
        block = pool->fresh++;
    pool->free_count--;
    memset(wick_block_at(pool, block), 0, sizeof(wick_block));
    shelve(stream, stream->blocks + 1);
    return block;
}

void wick_pool_give(wick_stream *stream, uint32_t block)
{
    wick_pool *pool = stream->pool;
    wick_block_at(pool, block)->next = pool->free_list;
    pool->free_list = block;
    pool->free_count++;
    shelve(stream, stream->blocks - 1);
}

void wick_pool_give_chain(wick_stream *stream, uint32_t block)
{
    while (block) {
        uint32_t next = wick_block_at(stream->pool, block)->next;
        wick_pool_give(stream, block);
        block = next;
    }
}

/* Make a stream give up what is oldest. Returns whether it had anything. */
static int shrink(wick_stream *stream)
{
    stream->pool->steps++;
    if (stream->oldest <= stream->head) {
        wick_log_drop(stream);
        stream->pool->evicted++;
        return 1;
    }
    return wick_runs_shrink(stream);
}

/* Make the largest stream that can give up something do so. */
static int shrink_largest(wick_pool *pool)
{
    size_t shelf;
    for (shelf = SHELVES; shelf-- > 1;) {
        wick_stream *stream;
        for (stream = pool->shelf[shelf]; stream; stream = stream->next)
            if (shrink(stream))
                return 1;
    }
    return 0;
}

wick_status wick_pool_reserve(wick_pool *pool, uint64_t need)
{
    if (need > pool->block_count)
        return WICK_E_STREAM_FULL;
    while (pool->free_count < need)
        if (!shrink_largest(pool))
            return WICK_E_STREAM_FULL;
    return WICK_OK;
}
