/*
 * What a host has around the sample of wick/http_answer.h.
 */
void send(const char *data, size_t len);

extern char out[1024];
extern size_t n;
