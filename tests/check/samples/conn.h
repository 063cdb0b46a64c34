/*
 * What a host has around the sample of wick/conn.h.
 */
#include <stdlib.h>

struct client {
    wick_conn conn;
};

int append_all_or_nothing(void *user, const wick_slice *slices, size_t count);

extern struct client *c;
extern uint8_t buffer[65536];
extern size_t n, used;
extern uint64_t now_ms;
extern wick_status status;
