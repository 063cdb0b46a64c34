/*
 * What a host has around the sample of wick/json.h.
 */
void complain(const char *sentence, size_t offset);

extern char *message;
extern size_t len;
extern wick_text name;
