/*
 * What a host has around the sample of wick/http_request.h.
 */
int handle(int route, const wick_str *captures);
int refuse(unsigned http_status);

extern wick_http_request request;
extern const wick_http_route routes[4];
extern size_t route_count;
extern wick_http_match match;
