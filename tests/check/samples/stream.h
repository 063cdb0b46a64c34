/*
 * What a host has around the samples of wick/stream.h.
 */
#include <stddef.h>

size_t bytes_queued(const void *conn);
int send_slices(void *conn, const wick_slice *slices, size_t count);
int send_bytes(void *conn, const void *data, size_t len);
static int send_message(void *conn, const wick_stream *stream, const wick_delivery *message);
void wake_at(uint64_t ms);

extern wick_pool pool;
extern wick_pool_config pool_config;
extern wick_stream stream;
extern wick_reader reader;
extern wick_event event;
extern wick_delivery message;
extern wick_status status;
extern uint64_t epoch, now_ms, seq;
extern uint8_t scratch[65536];
extern void *memory, *conn;
