/*
 * wick/handshake.h - the opening handshake of WebSocket, both roles: RFC 6455 section 4, over heads parsed by
 * wick/http.h or over header lists that a host has from HTTP/2 (RFC 8441) or HTTP/3 (RFC 9220).
 *
 * Server: check the request, then write 101 or a refusal that says what is wrong and what to change.
 *
 *     wick_handshake_server_config config = {0};
 *     config.size = sizeof config;                              // same-origin pages, no subprotocol, no extension
 *     wick_handshake shake;
 *     size_t n;
 *
 *     if (wick_handshake_check(&config, &request, &shake) == WICK_OK && !has_token(&request))
 *         wick_handshake_refuse(&shake, WICK_REFUSE_AUTH_REQUIRED);      // the host's own reasons come in here
 *     wick_handshake_write(&shake, &request, NULL, 0, out, sizeof out, &n);   // 101 or the refusal
 *     send(out, n);
 *     if (shake.http_status == 101)
 *         ...;   // frames start at buffer + wick_http_head_length(&head)
 *
 * Client: write the request, read the response head with wick_http_head_init_response(), check it.
 *
 *     wick_handshake_client_config config = {0};
 *     config.size = sizeof config;
 *     config.host = url.authority;
 *     config.path = url.path;
 *     config.query = url.query;
 *     wick_handshake_request_write(&config, nonce, out, sizeof out, &n);      // nonce: 16 random bytes of the host's
 *     ...
 *     status = wick_handshake_response_check(&config, nonce, &response, &answer);
 *
 * Writers follow the rule at the top of wick/http_answer.h: *need is what the text takes, WICK_E_SPACE if cap is less.
 */
#ifndef WICK_HANDSHAKE_H
#define WICK_HANDSHAKE_H

#include "wick/base.h"
#include "wick/diagnose.h"
#include "wick/http.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of the random nonce behind Sec-WebSocket-Key. */
#define WICK_NONCE_SIZE 16
/** Characters of Sec-WebSocket-Key. */
#define WICK_KEY_SIZE 24
/** Characters of Sec-WebSocket-Accept. */
#define WICK_ACCEPT_SIZE 28
/** Room for the Sec-WebSocket-Extensions that a server answers. */
#define WICK_EXTENSIONS_MAX 256
/** Subprotocols that a client may offer; more is refused with 400. */
#ifndef WICK_OFFERS_MAX
#define WICK_OFFERS_MAX 64
#endif

/* ---- Refusals -------------------------------------------------------------------------------------------- */

/*
 * Every refusal: X(name, HTTP status, detail, hint). The name is the problem's `code`.
 */
#define WICK_REFUSAL_MAP(X)                                                                                       \
    X(NOT_A_WEBSOCKET_REQUEST, 400, "This is a WebSocket endpoint, and the request does not ask for an upgrade.", \
      "Connect with a WebSocket client to ws:// or wss://.")                                                      \
    X(BAD_WEBSOCKET_KEY, 400, "Sec-WebSocket-Key is missing, repeated, or not the base64 of 16 bytes.",           \
      "Send one Sec-WebSocket-Key with 16 random bytes in base64 (RFC 6455 section 4.1).")                        \
    X(UPGRADE_STRIPPED_BY_PROXY, 400,                                                                             \
      "The request is a WebSocket handshake that lost its upgrade: a proxy did not pass it on.",                  \
      "Let every proxy pass Upgrade and Connection on, over HTTP/1.1.")                                           \
    X(SUBPROTOCOL_NOT_ACCEPTABLE, 400, "None of the offered subprotocols is spoken here.",                        \
      "Offer one that this endpoint documents in Sec-WebSocket-Protocol, or none.")                               \
    X(BAD_REQUEST, 400, "The request is malformed.", "See RFC 9112 and RFC 6455 section 4.")                      \
    X(AUTH_REQUIRED, 401, "A token is needed.", "Send Authorization: Bearer TOKEN.")                              \
    X(AUTH_INVALID, 401, "The token is not valid.", "Get a new token.")                                           \
    X(AUTH_EXPIRED, 401, "The token has expired.", "Get a new token.")                                            \
    X(ORIGIN_NOT_ALLOWED, 403, "Pages of this Origin may not connect.",                                           \
      "Allow the origin in the server, and let every proxy pass Host on unchanged.")                              \
    X(PERMISSION_DENIED, 403, "This is not allowed.", "Ask for the permission, or use another account.")          \
    X(SESSION_FORBIDDEN, 403, "The session belongs to someone else.", "Open a session of your own.")              \
    X(ROUTE_NOT_FOUND, 404, "There is nothing at this path.",                                                     \
      "Check the path, and that no proxy adds or strips a prefix.")                                               \
    X(METHOD_NOT_ALLOWED, 405, "A WebSocket handshake is a GET request.", "Use GET.")                             \
    X(REQUEST_TIMEOUT, 408, "The request head did not come in time.", "Send the whole head at once.")             \
    X(PAYLOAD_TOO_LARGE, 413, "The request body is too large.", "Send less.")                                     \
    X(URI_TOO_LONG, 414, "The request line is too long.", "Shorten the path and the query.")                      \
    X(UNSUPPORTED_WEBSOCKET_VERSION, 426, "Sec-WebSocket-Version is not 13.",                                     \
      "Send Sec-WebSocket-Version: 13 (RFC 6455).")                                                               \
    X(RATE_LIMITED, 429, "Too many requests.", "Wait, then try again with growing pauses.")                       \
    X(HEAD_TOO_LARGE, 431, "The request head is too large.", "Send fewer or shorter fields.")                     \
    X(INTERNAL, 500, "The server failed.", "Try again later.")                                                    \
    X(NOT_IMPLEMENTED, 501, "The transfer coding is not supported.", "Use Content-Length or chunked.")            \
    X(DRAINING, 503, "The server is going down.", "Connect again in a moment.")                                   \
    X(RUNTIME_UNAVAILABLE, 503, "The agent runtime cannot be reached.", "Try again later.")                       \
    X(HTTP_VERSION_NOT_SUPPORTED, 505, "The request is not HTTP/1.", "Use HTTP/1.1.")

typedef enum wick_refusal {
    WICK_REFUSE_NONE,
#define WICK_REFUSAL_ENUM(name, status, detail, hint) WICK_REFUSE_##name,
    WICK_REFUSAL_MAP(WICK_REFUSAL_ENUM)
#undef WICK_REFUSAL_ENUM
        WICK_REFUSAL_COUNT
} wick_refusal;

/* ---- Server ---------------------------------------------------------------------------------------------- */

/** Which Origins may connect. A request without Origin does not come from a browser's page. */
typedef enum wick_origin_policy {
    /** The default: the page's own server, wick_http_origin_is_same(), and whatever is on the list */
    WICK_ORIGIN_SAME,
    /** What is on the list, wick_http_origin_is_listed(), and nothing else */
    WICK_ORIGIN_LIST,
    /** Any: for servers whose clients prove who they are in another way than by a cookie */
    WICK_ORIGIN_ANY,
    /** on_origin decides */
    WICK_ORIGIN_CALLBACK
} wick_origin_policy;

/** What a server accepts. One config serves any number of handshakes. Zero everywhere but in size is a fine default. */
typedef struct wick_handshake_server_config {
    /** sizeof(wick_handshake_server_config) */
    size_t size;
    /** Subprotocols that are spoken, the one liked best first. Case matters. */
    const wick_str *subprotocols;
    size_t subprotocol_count;
    /** 1: a client that offers subprotocols of which none is spoken gets SUBPROTOCOL_NOT_ACCEPTABLE; 0: it gets 101
     *  without a subprotocol. A client that offers none gets 101 in either case. */
    uint8_t require_subprotocol;
    /** 1: a request without Origin is refused too */
    uint8_t require_origin;
    /** A wick_origin_policy */
    uint8_t origin_policy;
    const wick_str *origins;
    size_t origin_count;
    /**
     * Decide about an Origin, for WICK_ORIGIN_CALLBACK. Not called for a request without Origin.
     *
     * Returns 1 to let it connect, 0 to refuse.
     */
    int (*on_origin)(void *user, wick_str origin, const wick_http_request *request);
    /**
     * Negotiate extensions. Called once everything else is right, if the client offers at least one; NULL
     * accepts none. Offers are the elements of Sec-WebSocket-Extensions (wick_http_elements_next() and
     * wick_http_parameter_next()) and are well-formed.
     *
     * value, cap   receives the value for the answer's Sec-WebSocket-Extensions
     * len          set to its length; 0, which it is before the call, accepts none
     *
     * Returns 0 to go on, negative to refuse the handshake with 400.
     */
    int (*on_extensions)(void *user, const wick_http_request *request, char *value, size_t cap, size_t *len);
    /** Handed to the callbacks */
    void *user;
    /** wick_sha1_kernel_best(), or NULL for plain C */
    const wick_sha1_kernel *sha1;
} wick_handshake_server_config;

/** The outcome of a handshake on the server. All members may be read; text members may be replaced by the host. */
typedef struct wick_handshake {
    /** 101 (200 over HTTP/2 and HTTP/3), or the status of the refusal */
    unsigned http_status;
    wick_refusal refusal;
    /** The chosen subprotocol: one of the config's strings, or empty */
    wick_str subprotocol;
    /** For a refusal: the members of the problem document. Static text unless the host puts its own here. */
    wick_str code;
    wick_str detail;
    wick_str hint;
    /** For a refusal: what happened to the request on its way, a wick_cause_name(), and who wrote its head, a
     *  wick_proxy_name(); each empty if nothing tells */
    wick_str cause;
    wick_str proxy;
    /** What `{prefix}` in hint stands for, for PATH_CHANGED: a part of the request's path or of a route */
    wick_str prefix;
    /** For 429 and 503: seconds for Retry-After, or 0 */
    uint32_t retry_after_s;
    uint16_t extensions_len;
    /** Sec-WebSocket-Accept */
    char accept[WICK_ACCEPT_SIZE];
    /** What on_extensions wrote */
    char extensions[WICK_EXTENSIONS_MAX];
} wick_handshake;

/**
 * Check a request for the opening handshake.
 *
 * Pure: reads the request's fields in one pass, writes nothing but *shake, and calls config's callbacks. Over HTTP/2
 * and HTTP/3 (version 20 and 30) the request is an extended CONNECT with :protocol websocket, and Upgrade, Connection
 * and Sec-WebSocket-Key play no part.
 *
 * In this order: the method; what a proxy may have lost; Host; body; version; key; Origin; subprotocol; extensions.
 * A refusal is diagnosed (wick_handshake_diagnose()): the five causes of UPGRADE_STRIPPED_BY_PROXY, HOST_REWRITTEN or
 * ORIGIN_MISMATCH for ORIGIN_NOT_ALLOWED, NOT_A_WEBSOCKET_REQUEST, and the proxy for each. What is let in costs
 * nothing.
 *
 * config    what to accept
 * request   the request; the slices in *shake do not point into it, prefix aside
 * shake     set to the outcome
 *
 * Returns WICK_OK; WICK_E_REFUSED: shake->refusal says why; WICK_E_CONFIG if config->size is unknown or a callback that
 * the policy needs is missing. RFC 6455 section 4.2; RFC 8441 section 5.
 */
WICK_API wick_status wick_handshake_check(const wick_handshake_server_config *config, const wick_http_request *request,
                                          wick_handshake *shake);

/**
 * Turn the outcome into a refusal, for a reason of the host's own.
 *
 * Sets everything in *shake, so it also serves without a check before it. detail and hint may be replaced afterwards,
 * and code too, by one that goes with the same HTTP status.
 */
WICK_API void wick_handshake_refuse(wick_handshake *shake, wick_refusal refusal);

/** Turn the outcome into the refusal that answers an error of wick_http_head_feed() or of a body. */
WICK_API void wick_handshake_refuse_status(wick_handshake *shake, wick_status status);

/**
 * Put into a refusal what its request tells of proxies.
 *
 * Sets proxy, and where the refusal has a cause also cause, detail and hint: for ROUTE_NOT_FOUND (PATH_CHANGED, if the
 * path is that of a route but for a prefix), ORIGIN_NOT_ALLOWED, UPGRADE_STRIPPED_BY_PROXY and NOT_A_WEBSOCKET_REQUEST.
 * wick_handshake_check() has done so for its own refusals; a host calls this for those of wick_handshake_refuse().
 *
 * routes, count   the paths that are known here; NULL and 0 if that does not matter
 */
WICK_API void wick_handshake_diagnose(wick_handshake *shake, const wick_http_request *request,
                                      const wick_http_route *routes, size_t count);

/**
 * Take the next subprotocol that the client offers.
 *
 * offers   begun with wick_handshake_offers()
 *
 * Returns 1, or 0 at the end.
 */
WICK_API int wick_handshake_offer_next(wick_http_elements *offers, wick_str *name);

/** Begin to go through the subprotocols that the client offers, also those that carry a token. */
WICK_API void wick_handshake_offers(wick_http_elements *offers, const wick_http_request *request);

/**
 * Write the answer: 101 (200 over HTTP/2 and HTTP/3 is the host's to send, and WICK_E_STATE here), or the refusal as a
 * problem document.
 *
 * Refusals end the connection: `Connection: close`. See wick_http_problem_write() for their fields.
 * NOT_A_WEBSOCKET_REQUEST carries `Upgrade: websocket` and `Sec-WebSocket-Version: 13` as a 426 does.
 *
 * request                 for `saw` and for HEAD; NULL if the head could not be read
 * headers, header_count   more fields: the host's stamp, Set-Cookie; none that the answer has by itself
 * out, cap, need          a 101 takes 129 bytes and what subprotocol, extensions and headers add; 2 KiB is enough for
 *                         every refusal without headers
 *
 * Returns WICK_OK; WICK_E_SPACE; WICK_E_ARG if a field would break the syntax; WICK_E_STATE.
 */
WICK_API wick_status wick_handshake_write(const wick_handshake *shake, const wick_http_request *request,
                                          const wick_http_header *headers, size_t header_count, char *out, size_t cap,
                                          size_t *need);

/** Room for the texts of wick_handshake_problem(). */
#define WICK_PROBLEM_ROOM 1024

/**
 * Make a refusal a problem document, for a host that adds to it (Allow, keep_alive) before it writes it.
 *
 * request   for `saw` and for HEAD; NULL if there is none
 * room      WICK_PROBLEM_ROOM bytes for `saw` and `hint`; must live as long as the problem
 * problem   set, with the members of *shake
 */
WICK_API void wick_handshake_problem(const wick_handshake *shake, const wick_http_request *request, char *room,
                                     wick_http_problem *problem);

/**
 * Write what the server saw of a request, on one line: `http=1.0 upgrade=- connection=close host=a path=/ws origin=-
 * version=13 key=yes`.
 *
 * For the log and for the member `saw`. Values are cut; the query, cookies, tokens, subprotocols and the key itself
 * never appear; what is not visible ASCII, quotes and backslashes become "?".
 *
 * request   NULL writes "-" for every value
 */
WICK_API wick_status wick_handshake_saw(const wick_http_request *request, char *out, size_t cap, size_t *need);

/** Compute Sec-WebSocket-Accept from a Sec-WebSocket-Key of WICK_KEY_SIZE characters; writes WICK_ACCEPT_SIZE. */
WICK_API void wick_handshake_accept(const char *key, char *accept);

/* ---- Client ---------------------------------------------------------------------------------------------- */

/** What a client asks for. The same config is given to the writer and to the check. */
typedef struct wick_handshake_client_config {
    /** sizeof(wick_handshake_client_config) */
    size_t size;
    /** host[:port] for Host. Required. */
    wick_str host;
    /** Percent-encoded; empty is "/" */
    wick_str path;
    /** Percent-encoded, without "?"; empty is none */
    wick_str query;
    /** Empty: no Origin, as is right for a program that is not a browser */
    wick_str origin;
    /** Subprotocols to offer, the one liked best first; each a token, none twice */
    const wick_str *subprotocols;
    size_t subprotocol_count;
    /** The value of Sec-WebSocket-Extensions to offer; empty offers none */
    wick_str extensions;
    /** More fields, such as Authorization or Cookie; none that the handshake has by itself */
    const wick_http_header *headers;
    size_t header_count;
    /**
     * Look at the extensions that the server accepted, each of a name that was offered; NULL accepts them as they are.
     *
     * value   one field's value. Called once a field.
     *
     * Returns 0 to go on, negative to fail the handshake with WICK_E_HANDSHAKE_EXTENSION.
     */
    int (*on_extensions)(void *user, wick_str value);
    /** Handed to the callback */
    void *user;
} wick_handshake_client_config;

/** What the server answered. */
typedef struct wick_handshake_answer {
    /** The response's status, whatever it is */
    unsigned http_status;
    /** The subprotocol that the server chose: one of the config's strings, or empty */
    wick_str subprotocol;
} wick_handshake_answer;

/**
 * Write the request of the opening handshake.
 *
 * nonce   WICK_NONCE_SIZE random bytes, new for each connection. Keep them for wick_handshake_response_check().
 *
 * Returns WICK_OK; WICK_E_SPACE; WICK_E_ARG if host, path, query, a subprotocol or a field would break the syntax;
 * WICK_E_CONFIG if config->size is unknown. RFC 6455 section 4.1.
 */
WICK_API wick_status wick_handshake_request_write(const wick_handshake_client_config *config, const uint8_t *nonce,
                                                  char *out, size_t cap, size_t *need);

/**
 * Check the response to it.
 *
 * The status is looked at first: whatever is not 101 is a refusal, and nothing else about it is judged. The response
 * then holds its headers, and wick_http_body_init_response() reads its body. An HTTP/1.0 101 is accepted, because
 * HAProxy and Caddy send it.
 *
 * Returns
 *   WICK_OK                        the connection is open; frames start right behind the head
 *   WICK_MORE                      an interim response (100, 102, 103): drop it, begin a new head
 *   WICK_E_REFUSED                 the status is not 101
 *   WICK_E_HANDSHAKE_UPGRADE       Upgrade is not `websocket`
 *   WICK_E_HANDSHAKE_CONNECTION    Connection has no token `upgrade`
 *   WICK_E_HANDSHAKE_ACCEPT        Sec-WebSocket-Accept is missing, repeated or wrong
 *   WICK_E_HANDSHAKE_SUBPROTOCOL   a subprotocol that was not offered, or more than one
 *   WICK_E_HANDSHAKE_EXTENSION     an extension that was not offered, or that on_extensions refuses
 *   WICK_E_CONFIG                  config->size is unknown
 *
 * RFC 6455 section 4.1.
 */
WICK_API wick_status wick_handshake_response_check(const wick_handshake_client_config *config, const uint8_t *nonce,
                                                   const wick_http_response *response, wick_handshake_answer *answer);

#ifdef __cplusplus
}
#endif

#endif
