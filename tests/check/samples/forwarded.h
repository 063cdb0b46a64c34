/*
 * What a host has around the sample of wick/forwarded.h.
 */
extern const uint8_t peer_bytes[4];
extern wick_address peer;
extern wick_http_request request;
extern wick_forwarded forwarded;
