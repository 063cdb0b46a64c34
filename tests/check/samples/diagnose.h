/*
 * What a host has around the sample of wick/diagnose.h.
 */
void tell(const char *format, ...);

extern wick_http_request request;
extern const wick_http_route routes[1];
extern size_t route_count;
