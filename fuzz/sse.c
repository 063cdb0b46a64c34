/*
 * The reader of server-sent events: whole, cut in two and byte by byte it gives the same events, and those of the slow
 * reader in tests/oracle.
 *
 * Input: a byte for the memory, a byte for the cut, then the bytes of the stream.
 */
#include <stdlib.h>
#include <string.h>

#include "oracle/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

static int is(wick_str text, const char *data, size_t len)
{
    return text.len == len && (len == 0 || memcmp(text.data, data, len) == 0);
}

/* Feed a piece, and compare the events in it with those that are due. */
static wick_status feed(wick_sse_reader *sse, const uint8_t *data, size_t len, const oracle_sse *want, size_t *count)
{
    uint8_t *copy = malloc(len + 1);
    wick_sse_event event;
    wick_status status;
    size_t at = 0, used;
    require(copy != NULL);
    memcpy(copy, data, len);
    while ((status = wick_sse_next(sse, copy + at, len - at, &used, &event)) == WICK_OK) {
        size_t n = (*count)++;
        at += used;
        require(n < want->count);
        if (n >= ORACLE_SSE_EVENTS)
            continue;
        require(is(event.type, want->events[n].type, want->events[n].type_len));
        require(is(event.data, want->events[n].data, want->events[n].data_len));
        require(is(event.id, want->events[n].id, want->events[n].id_len));
    }
    free(copy);
    return status;
}

static void run(const uint8_t *data, size_t len, size_t first, size_t step, size_t cap, const oracle_sse *want)
{
    wick_sse_reader sse;
    wick_status status = WICK_MORE;
    char *memory = malloc(cap + 1);
    size_t count = 0;
    require(memory != NULL);
    wick_sse_init(&sse, memory, cap);
    for (size_t at = 0, n = first; at < len && status == WICK_MORE; at += n, n = step) {
        if (n > len - at)
            n = len - at;
        status = feed(&sse, data + at, n, want, &count);
    }
    require(status == want->status && count == want->count && sse.retry_ms == want->retry_ms);
    require(is(wick_sse_last_id(&sse), want->last_id, want->last_id_len));
    free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    oracle_sse want;
    if (size < 2)
        return 0;
    size_t cap = data[0] < 64 ? data[0] : 4096, len = size - 2, cut = len ? 1 + data[1] * (size_t)13 % len : 1;
    oracle_sse_read(data + 2, len, cap, &want);
    run(data + 2, len, len, len, cap, &want);
    run(data + 2, len, cut, len, cap, &want);
    run(data + 2, len, 1, 1, cap, &want);
    oracle_sse_free(&want);
    return 0;
}
