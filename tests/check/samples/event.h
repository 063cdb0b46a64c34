/*
 * What a host has around the samples of wick/event.h.
 */
void ask(const wick_text *session_id, const wick_text *text);
void reply(wick_code code, wick_text sentence);

extern wick_event_config config;
extern wick_text id;
extern char *message, *out, sentence[256];
extern const char *piece;
extern size_t len, cap, piece_len;
