/*
 * What a host has around the samples of wick/handshake.h.
 */
int has_token(const wick_http_request *request);
void send(const char *data, size_t len);

extern wick_http_request request;
extern wick_http_response response;
extern wick_handshake_answer answer;
extern wick_url url;
extern uint8_t nonce[16];
extern char out[1024];
extern size_t n;
extern wick_status status;
