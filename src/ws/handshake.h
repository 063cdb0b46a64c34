/*
 * What the two roles of the opening handshake share.
 */
#ifndef WICK_WS_HANDSHAKE_H
#define WICK_WS_HANDSHAKE_H

#include "wick/handshake.h"

/* wick_handshake_accept() with a kernel; NULL is the portable one. */
void wick_handshake_accept_with(const wick_sha1_kernel *sha1, const char *key, char *accept);

/*
 * Tell whether a value of Sec-WebSocket-Extensions is well-formed: at least one extension, each a token with parameters
 * behind semicolons. RFC 6455 section 9.1.
 */
int wick_extensions_are_valid(wick_str value);

/*
 * Diagnose a refusal of wick_handshake_check(), whose policy (wick_origin_policy) says whether Host plays a part. A
 * refusal for the lack of an upgrade becomes NOT_A_WEBSOCKET_REQUEST where the client did not ask for one.
 */
void wick_handshake_diagnose_for(wick_handshake *shake, const wick_http_request *request, unsigned origin_policy);

/* Tell whether a name is one that the handshake writes by itself, or that says where a body ends. */
int wick_handshake_owns(wick_str name);

#endif
