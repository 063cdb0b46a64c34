/*
 * How fast the stream log is: append tokens, read them by one reader and by 200, merged and not, find a cursor, take a
 * snapshot. Each figure is the best of several rounds, in nanoseconds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "wick/stream.h"

#define TOKENS 1000
#define READERS 200
#define ROUNDS 15

static wick_pool pool;
static wick_stream stream;
static wick_reader reader[READERS];
static uint64_t *memory;
static uint8_t copy[1 << 20];
static wick_slice slices[2048];
static volatile size_t total;
static const char token[] =
    "{\"type\":\"agent.token\",\"ts\":1795212345678,\"session_id\":\"s_9f\",\"invocation_id\":\"3b1c2a77-5c1e-4b6f-9a53-"
    "0d6f0f6c2f11\",\"agent_id\":\"guide.content\",\"payload\":{\"message_id\":\"m1\",\"text\":\"Hello \"}}";

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void fresh(void)
{
    if (wick_pool_init(&pool, NULL, memory, wick_pool_size(NULL)) != WICK_OK
        || wick_stream_init(&stream, &pool, NULL, 1, 0) != WICK_OK)
        abort();
}

/* The event as the Runtime has it: written, read for what can merge, stored. */
static double append_events(void)
{
    wick_event event;
    double start;
    fresh();
    if (wick_event_read(NULL, token, sizeof token - 1, &event, NULL) != WICK_OK)
        abort();
    start = now_ns();
    for (int i = 0; i < TOKENS; i++)
        if (wick_stream_append(&stream, &event, WICK_JSON_TRUSTED, 0, NULL) != WICK_OK)
            abort();
    return (now_ns() - start) / TOKENS;
}

/* The message as it came from elsewhere, already read. */
static double append_messages(void)
{
    wick_event event;
    double start;
    fresh();
    if (wick_event_read(NULL, token, sizeof token - 1, &event, NULL) != WICK_OK)
        abort();
    start = now_ns();
    for (int i = 0; i < TOKENS; i++)
        if (wick_stream_append_message(&stream, token, sizeof token - 1, &event, 0, NULL) != WICK_OK)
            abort();
    return (now_ns() - start) / TOKENS;
}

/* Read all that is there, by `count` readers; per event and reader. */
static double read_all(size_t count, uint32_t coalesce_ms, int by_copy)
{
    wick_delivery d;
    double start = now_ns();
    for (size_t i = 0; i < count; i++) {
        wick_reader_init(&reader[i], &stream, 0);
        wick_reader_tune(&reader[i], coalesce_ms, NULL);
        while (wick_reader_next(&reader[i], &stream, 0, 100, &d) == WICK_OK) {
            size_t len = 0;
            if (by_copy)
                wick_delivery_copy(&d, &stream, copy, sizeof copy, &len);
            else
                len = wick_delivery_slices(&d, &stream, slices, 2048);
            total += len;
            wick_reader_sent(&reader[i], &d);
        }
        wick_reader_leave(&reader[i], &stream, 0);
    }
    return (now_ns() - start) / ((double)count * TOKENS);
}

static double find_cursors(void)
{
    wick_delivery d;
    double start = now_ns();
    for (uint64_t seq = 0; seq < TOKENS; seq++) {
        wick_reader_init(&reader[0], &stream, seq * 617 % TOKENS);
        wick_reader_tune(&reader[0], 0, NULL);
        total += wick_reader_next(&reader[0], &stream, 0, 0, &d) == WICK_OK;
        wick_reader_leave(&reader[0], &stream, 0);
    }
    return (now_ns() - start) / TOKENS;
}

static double snapshots(void)
{
    size_t len;
    double start = now_ns();
    wick_stream_snapshot(&stream, copy, sizeof copy, &len);
    total += len;
    return now_ns() - start;
}

static double one(int what)
{
    switch (what) {
    case 0:
        return append_events();
    case 1:
        return append_messages();
    case 2:
        return read_all(1, 0, 0);
    case 3:
        return read_all(READERS, 0, 0);
    case 4:
        return read_all(READERS, 16, 0);
    case 5:
        return read_all(READERS, 16, 1);
    case 6:
        return find_cursors();
    default:
        return snapshots();
    }
}

int main(void)
{
    static const char *const rows[] = {"append an event",
                                       "append a message that was read",
                                       "read, one reader, not merged",
                                       "read, 200 readers, not merged",
                                       "read, 200 readers, merged, slices",
                                       "read, 200 readers, merged, copied",
                                       "find a cursor and read one",
                                       "snapshot of 1000 tokens, whole"};
    memory = malloc(wick_pool_size(NULL));
    if (!memory)
        return 1;
    printf("a stream of %d token events of %zu bytes; ns per event (and reader)\n", TOKENS, sizeof token - 1);
    for (int what = 0; what < 8; what++) {
        double best = 1e18;
        for (int round = 0; round < ROUNDS; round++) {
            double ns = one(what);
            best = ns < best ? ns : best;
        }
        printf("  %-36s %8.0f\n", rows[what], best);
    }
    printf("  sizeof: pool %zu, stream %zu, reader %zu, delivery %zu bytes; a block %u\n", sizeof pool, sizeof stream,
           sizeof *reader, sizeof(wick_delivery), pool.block_size);
    return 0;
}
