/*
 * What a host has around the sample of wick/stream_reader.h.
 */
#include <stddef.h>

int send_bytes(void *conn, const void *data, size_t len);

extern wick_stream stream;
extern wick_reader reader;
extern wick_delivery message;
extern uint64_t now_ms;
extern uint8_t scratch[65536];
extern size_t len;
extern void *conn;
