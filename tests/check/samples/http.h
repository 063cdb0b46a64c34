/*
 * What a host has around the sample of wick/http.h.
 */
int refuse(unsigned http_status);
size_t receive(uint8_t *to, size_t cap);

extern uint8_t buffer[16384];
extern size_t len;
extern uint64_t now_ms;
