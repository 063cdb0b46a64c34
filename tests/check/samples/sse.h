/*
 * What a host has around the sample of wick/sse.h.
 */
void show(wick_str data);
void give_up(wick_status status);

extern char memory[4096];
extern const uint8_t *data;
extern size_t len, used;
extern wick_status status;
