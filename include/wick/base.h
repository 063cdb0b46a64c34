/*
 * wick/base.h - slices, statuses, UTF-8, masking, digests: the ground that every other header stands on.
 *
 * CONVENTIONS, for all of wick
 *
 * Memory      The library allocates nothing. Every object lives in memory that the host hands over. Fields are
 *             visible so that the compiler knows the size; they are private unless a comment says otherwise.
 *             Objects hold no pointers into themselves: they may be moved with memcpy, and need no teardown.
 * I/O, time   None. Time is a parameter in milliseconds (`now_ms`) on any clock that never goes back. Randomness
 *             is a parameter or a callback.
 * Bytes       `uint8_t *` is wire bytes, `char *` is text. Text is never NUL-terminated unless it is said: it
 *             comes as a wick_str. `len` is bytes used, `cap` capacity, `used` bytes consumed, `need` bytes
 *             required. NULL is allowed wherever the length beside it is 0.
 * Statuses    A function that can fail returns a wick_status: 0 is success, above 0 is "stopped, not an error",
 *             below 0 an error. Counts come back through pointers, also on error.
 * Configs     A config struct begins with `size_t size`, set to sizeof of the struct: that is how the library
 *             knows which version of it you were compiled with. A field that is zero means its default.
 * Callbacks   One table per kind of object; a NULL member means "not interested". They return 0 to go on,
 *             WICK_PAUSED to stop after this event, or a negative value to abort. Pointers that they are given
 *             are valid until they return.
 * Threads     No global state. One object belongs to one thread at a time; different objects are independent.
 */
#ifndef WICK_BASE_H
#define WICK_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WICK_VERSION_MAJOR 0
#define WICK_VERSION_MINOR 1
#define WICK_VERSION_PATCH 0
#define WICK_VERSION "0.1.0"

#if defined(WICK_STATIC)
#define WICK_API
#elif defined(__GNUC__)
#define WICK_API __attribute__((visibility("default")))
#else
#define WICK_API
#endif

/** Milliseconds that never elapse: turns a timeout off in a config, and is the answer "no deadline". */
#define WICK_NEVER UINT64_MAX

/** Bytes, laid out like `struct iovec`, so that an array of them can be handed to writev(). */
typedef struct wick_slice {
    const uint8_t *data;
    size_t len;
} wick_slice;

/** Text that is not NUL-terminated. */
typedef struct wick_str {
    const char *data;
    size_t len;
} wick_str;

/** A wick_str of a string literal. */
#ifdef __cplusplus
#define WICK_STR(literal) (wick_str{"" literal, sizeof(literal) - 1})
#else
#define WICK_STR(literal) ((wick_str){"" literal, sizeof(literal) - 1})
#endif

/*
 * Every status: X(name, value, WebSocket close code or 0, RFC section or "", sentence).
 *
 * Bands: above 0 stopped, not an error; -1.. the caller's mistake, nothing changed; -20.. a callback failed;
 * -30.. the peer broke the WebSocket protocol; -60.. HTTP and the handshake; -90.. a limit you configured;
 * -110.. content.
 */
#define WICK_STATUS_MAP(X)                                                                                  \
    X(OK, 0, 0, "", "ok")                                                                                   \
    X(MORE, 1, 0, "", "more input is needed")                                                               \
    X(PAUSED, 2, 0, "", "a callback asked to stop")                                                         \
    X(BLOCKED, 3, 0, "", "the output took nothing; drain it and call again")                                \
    X(UNKNOWN_TYPE, 4, 0, "", "a valid message of a type that is not known here")                           \
    X(E_ARG, -1, 0, "", "an argument is out of range")                                                      \
    X(E_STATE, -2, 0, "", "the object is not in a state that allows this call")                             \
    X(E_REENTRY, -3, 0, "", "called from a callback of the same object")                                    \
    X(E_SPACE, -4, 0, "", "the output buffer is too small")                                                 \
    X(E_CONFIG, -5, 0, "", "the config's size field is unknown, or a required member is missing")           \
    X(E_CALLBACK, -20, 1011, "", "a callback returned an error")                                            \
    X(E_MEMORY, -21, 1011, "", "on_memory lent nothing")                                                    \
    X(E_RANDOM, -22, 1011, "", "on_random gave no random bytes")                                            \
    X(E_RSV, -30, 1002, "RFC 6455 5.2", "a reserved bit is set and no extension was negotiated")            \
    X(E_OPCODE, -31, 1002, "RFC 6455 5.2", "the opcode is reserved")                                        \
    X(E_CONTROL_FRAGMENTED, -32, 1002, "RFC 6455 5.5", "a control frame is fragmented")                     \
    X(E_CONTROL_LENGTH, -33, 1002, "RFC 6455 5.5", "a control frame is longer than 125 bytes")              \
    X(E_LENGTH_NOT_MINIMAL, -34, 1002, "RFC 6455 5.2", "the payload length is not in its shortest form")    \
    X(E_LENGTH_TOP_BIT, -35, 1002, "RFC 6455 5.2", "the top bit of the 64-bit payload length is set")       \
    X(E_MASK_MISSING, -36, 1002, "RFC 6455 5.1", "a client's frame is not masked")                          \
    X(E_MASK_PRESENT, -37, 1002, "RFC 6455 5.1", "a server's frame is masked")                              \
    X(E_CONTINUATION, -38, 1002, "RFC 6455 5.4", "a continuation frame with no message to continue")        \
    X(E_INTERLEAVED, -39, 1002, "RFC 6455 5.4", "a new message inside a fragmented one")                    \
    X(E_CLOSE_BODY, -40, 1002, "RFC 6455 5.5.1", "a close frame with a body of one byte")                   \
    X(E_CLOSE_CODE, -41, 1002, "RFC 6455 7.4", "a close code that must not be sent")                        \
    X(E_CLOSE_REASON, -42, 1007, "RFC 6455 5.5.1", "the reason of a close frame is not UTF-8")              \
    X(E_UTF8, -43, 1007, "RFC 6455 8.1", "a text message is not UTF-8")                                     \
    X(E_EOF, -44, 0, "RFC 6455 7.1.5", "the connection ended without a close frame")                        \
    X(E_PONG_TIMEOUT, -45, 1011, "", "nothing came back after a ping")                                      \
    X(E_CLOSE_TIMEOUT, -46, 0, "", "the peer did not answer the close frame in time")                       \
    X(E_IDLE_TIMEOUT, -47, 1001, "", "no message for longer than the idle timeout")                         \
    X(E_HTTP_REQUEST_LINE, -60, 0, "RFC 9112 3", "the request line is not a method, a target and HTTP/1.x") \
    X(E_HTTP_TARGET, -61, 0, "RFC 9112 3.2", "the request target is malformed")                             \
    X(E_HTTP_VERSION, -62, 0, "RFC 9112 2.3", "the HTTP version is not 1.x")                                \
    X(E_HTTP_STATUS_LINE, -63, 0, "RFC 9112 4", "the status line is not HTTP/1.x and a status")             \
    X(E_HTTP_LINE_END, -64, 0, "RFC 9112 2.2", "a line of the head does not end in CR LF")                  \
    X(E_HTTP_FIELD_NAME, -65, 0, "RFC 9112 5.1", "a field name is not a token and a colon")                 \
    X(E_HTTP_FIELD_VALUE, -66, 0, "RFC 9110 5.5", "a field value holds a control character")                \
    X(E_HTTP_FOLD, -67, 0, "RFC 9112 5.2", "a field line is folded")                                        \
    X(E_HTTP_HOST, -68, 0, "RFC 9112 3.2", "Host is missing, repeated or malformed")                        \
    X(E_HTTP_TLS, -69, 0, "", "the peer speaks TLS, and this side does not")                                \
    X(E_HTTP_LENGTH, -70, 0, "RFC 9112 6.3", "the length of the body is malformed or ambiguous")            \
    X(E_HTTP_TRANSFER_CODING, -71, 0, "RFC 9112 6.1", "a transfer coding other than chunked")               \
    X(E_HTTP_CHUNK, -72, 0, "RFC 9112 7.1", "the framing of a chunked body is broken")                      \
    X(E_URL, -73, 0, "RFC 3986 3", "the URL is malformed")                                                  \
    X(E_REFUSED, -74, 0, "RFC 6455 4", "the handshake is refused")                                          \
    X(E_HANDSHAKE_UPGRADE, -75, 0, "RFC 6455 4.1", "the 101 has no Upgrade of websocket alone")             \
    X(E_HANDSHAKE_CONNECTION, -76, 0, "RFC 6455 4.1", "the 101 has no Connection of upgrade")               \
    X(E_HANDSHAKE_ACCEPT, -77, 0, "RFC 6455 4.1", "Sec-WebSocket-Accept is missing, repeated or wrong")     \
    X(E_HANDSHAKE_SUBPROTOCOL, -78, 0, "RFC 6455 4.1", "the server chose a subprotocol that was not offered")\
    X(E_HANDSHAKE_EXTENSION, -79, 0, "RFC 6455 4.1", "the server chose an extension that was not offered")  \
    X(E_ADDRESS, -80, 0, "RFC 4291 2.2", "the text is not an IP address or a range of them")                \
    X(E_PROXY_SIGNATURE, -81, 0, "PROXY 2", "the connection does not begin with a PROXY header")            \
    X(E_PROXY_LINE, -82, 0, "PROXY 2.1", "the line of the PROXY header is malformed or too long")           \
    X(E_PROXY_VERSION, -83, 0, "PROXY 2.2", "the PROXY header has an unknown version, command or family")   \
    X(E_PROXY_LENGTH, -84, 0, "PROXY 2.2", "the PROXY header is too short for its addresses")               \
    X(E_PROXY_TLV, -85, 0, "PROXY 2.2", "a TLV of the PROXY header is malformed")                           \
    X(E_PROXY_CHECKSUM, -86, 0, "PROXY 2.2.3", "the checksum of the PROXY header is wrong")                 \
    X(E_FRAME_TOO_BIG, -90, 1009, "RFC 6455 7.4.1", "a frame is larger than max_frame")                     \
    X(E_MESSAGE_TOO_BIG, -91, 1009, "RFC 6455 7.4.1", "a message is larger than max_message")               \
    X(E_TOO_MANY_FRAGMENTS, -92, 1008, "RFC 6455 10.4", "a message has more frames than max_fragments")     \
    X(E_PROXY_TOO_BIG, -94, 0, "", "the PROXY header is longer than allowed")                               \
    X(E_LINE_TOO_LONG, -95, 0, "RFC 9112 3", "the first line of the head is longer than max_line")          \
    X(E_FIELD_TOO_LONG, -96, 0, "RFC 6585 5", "a field line is longer than max_field")                      \
    X(E_HEAD_TOO_BIG, -97, 0, "RFC 6585 5", "the head is longer than max_head")                             \
    X(E_TOO_MANY_FIELDS, -98, 0, "RFC 6585 5", "the head has more fields than there is room for")           \
    X(E_HEAD_TIMEOUT, -99, 0, "RFC 9110 15.5.9", "the head did not come in time")                           \
    X(E_BODY_TOO_BIG, -100, 0, "RFC 9110 15.5.14", "the body is larger than allowed")                       \
    X(E_STREAM_LOST, -101, 0, "", "the log has moved past the reader")                                      \
    X(E_STREAM_FULL, -102, 0, "", "no block of the pool is free, and none can be freed")                    \
    X(E_EVENT_TOO_BIG, -103, 0, "", "a server-sent event is longer than there is room for")                 \
    X(E_JSON_SYNTAX, -110, 0, "RFC 8259 2", "a character that JSON does not allow here")                    \
    X(E_JSON_CUT, -111, 0, "RFC 8259 2", "the JSON text ends before its value is complete")                 \
    X(E_JSON_TRAILING, -112, 0, "RFC 8259 2", "something follows the JSON value")                           \
    X(E_JSON_DEPTH, -113, 0, "RFC 8259 9", "JSON is nested deeper than the limit")                          \
    X(E_JSON_CONTROL, -114, 0, "RFC 8259 7", "a control character in a JSON string is not escaped")         \
    X(E_JSON_ESCAPE, -115, 0, "RFC 8259 7", "an escape in a JSON string does not exist")                    \
    X(E_JSON_SURROGATE, -116, 0, "RFC 8259 8.2", "an escaped surrogate lacks its other half")               \
    X(E_JSON_NUMBER, -117, 0, "RFC 8259 6", "a number is not in the form that JSON requires")               \
    X(E_JSON_UTF8, -118, 0, "RFC 8259 8.1", "JSON text is not UTF-8")                                       \
    X(E_JSON_BOM, -119, 0, "RFC 8259 8.1", "JSON text starts with a byte order mark")                       \
    X(E_JSON_TYPE, -120, 0, "", "a JSON value is of another kind than asked for")                           \
    X(E_JSON_RANGE, -121, 0, "", "a number is out of range")                                                \
    X(E_ENVELOPE, -125, 0, "", "the envelope of a message breaks a rule")                                   \
    X(E_PAYLOAD, -126, 0, "", "the payload of a message breaks a rule")                                     \
    X(E_IDENTITY, -127, 0, "", "an invocation tells who the user is")                                       \
    X(E_ORDER_START, -130, 0, "", "agent.started does not come first, or comes twice")                      \
    X(E_ORDER_END, -131, 0, "", "an event comes after the terminal event of its run")                       \
    X(E_ORDER_CALL, -132, 0, "", "args or end of a call that is not open")                                  \
    X(E_ORDER_REQUEST, -133, 0, "", "an input request is resolved that is not open")                        \
    X(E_ORDER_PROGRESS, -134, 0, "", "progress does not increase")

typedef enum wick_status {
#define WICK_STATUS_ENUM(name, value, code, section, text) WICK_##name = (value),
    WICK_STATUS_MAP(WICK_STATUS_ENUM)
#undef WICK_STATUS_ENUM
} wick_status;

/**
 * Give the name of a status, such as "WICK_E_UTF8".
 *
 * Never NULL: an unknown value is "WICK_UNKNOWN". The string is static.
 */
WICK_API const char *wick_status_name(wick_status status);

/**
 * Give the sentence that explains a status, such as "a text message is not UTF-8".
 *
 * Never NULL: an unknown value is "unknown status". The string is static.
 */
WICK_API const char *wick_status_text(wick_status status);

/** Give the section that a status stands on, such as "RFC 6455 8.1", or "" if there is none. Never NULL. */
WICK_API const char *wick_status_section(wick_status status);

/** Give the WebSocket close code that answers a status (RFC 6455 section 7.4.1), or 0 if there is none. */
WICK_API unsigned wick_status_close_code(wick_status status);

/* ---- UTF-8 (RFC 3629) ------------------------------------------------------------------------------------ */

/**
 * Check a piece of UTF-8.
 *
 * Text may come in any number of pieces: *state carries a sequence that a piece leaves unfinished. The first byte
 * that cannot be part of valid UTF-8 is found in the call that brings it: overlong forms, surrogates and code
 * points above U+10FFFF are refused at their second byte. At the end of the text *state must be 0 again, or
 * the last sequence is cut off.
 *
 * state   set to 0 before the first piece; opaque, but 0 means "between two characters"
 * data    the piece
 * len     bytes at data
 *
 * Returns the number of leading bytes that are fine: len if all are. Less than len is the index of the bad byte,
 * and the state is then meaningless.
 *
 * RFC 3629 section 4.
 */
WICK_API size_t wick_utf8_check(uint32_t *state, const uint8_t *data, size_t len);

/* ---- Kernels --------------------------------------------------------------------------------------------- */

/**
 * The loops that touch every byte, in one of several versions.
 *
 * A const table, chosen once by wick_kernels_best() and carried by configs. `key` is the masking key as it lies in
 * memory: its first byte in memory order masks the first byte of the data, whatever the byte order of the machine. All
 * versions give the same results, index and state included, and none touches a byte outside the buffers.
 *
 *     const wick_kernels *kernels = wick_kernels_best();
 *     uint32_t state = 0, key;
 *     memcpy(&key, header + 2, 4);
 *     size_t good = kernels->unmask_utf8(&state, payload, len, key);
 *     if (good < len)
 *         refuse(payload[good]);                      // not UTF-8: this is the first byte that cannot be
 *     else if (state != 0 && last_of_message)
 *         refuse_end();                               // cut off inside a character
 */
typedef struct wick_kernels {
    /** "portable", "avx2" or "avx512". */
    const char *name;
    /** Write src[i] ^ key[i % 4] to dst[i]; dst == src, or the two do not overlap. */
    void (*mask)(uint8_t *dst, const uint8_t *src, size_t len, uint32_t key);
    /** Like wick_utf8_check(). */
    size_t (*utf8)(uint32_t *state, const uint8_t *data, size_t len);
    /**
     * Unmask in place and check in one pass. Returns like utf8; the bad byte is unmasked, bytes behind it undefined.
     */
    size_t (*unmask_utf8)(uint32_t *state, uint8_t *data, size_t len, uint32_t key);
} wick_kernels;

/**
 * Choose the fastest kernels for this CPU.
 *
 * Asks the CPU, and whether the operating system saves its vector registers. That takes about 100 ns, and some us on
 * virtual machines, where CPUID traps: call it once and keep the pointer. Returns a table that lives as long as the
 * program. Built with WICK_NO_SIMD, or for a CPU other than x86-64, it is always the portable one.
 */
WICK_API const wick_kernels *wick_kernels_best(void);

/** Give the kernels that use no vector instructions: 8 bytes at a time, plain C. */
WICK_API const wick_kernels *wick_kernels_portable(void);

/* ---- Digests --------------------------------------------------------------------------------------------- */

#define WICK_SHA1_SIZE 20

/**
 * Compute the SHA-1 of data (RFC 3174).
 *
 * For Sec-WebSocket-Accept only, where it proves that the peer speaks WebSocket and protects nothing.
 *
 * digest   receives WICK_SHA1_SIZE bytes
 */
WICK_API void wick_sha1(const uint8_t *data, size_t len, uint8_t *digest);

/** The SHA-1 of the 60 bytes that Sec-WebSocket-Accept is made of, in one of several versions. */
typedef struct wick_sha1_kernel {
    /** "portable", "sha-ni" */
    const char *name;
    /** Like wick_sha1() with len = 60 */
    void (*accept)(const uint8_t *data, uint8_t *digest);
} wick_sha1_kernel;

/**
 * Choose the fastest SHA-1 for this CPU, for a server that takes many connections.
 *
 * Asks the CPU, as wick_kernels_best() does: call it once and keep the pointer. The table lives as long as the program.
 */
WICK_API const wick_sha1_kernel *wick_sha1_kernel_best(void);

/** Give the SHA-1 in plain C. */
WICK_API const wick_sha1_kernel *wick_sha1_kernel_portable(void);

/** The bytes that base64 needs for len bytes, padding included, without NUL. */
#define WICK_BASE64_SIZE(len) (((size_t)(len) + 2) / 3 * 4)

/**
 * Write base64 with padding (RFC 4648 section 4).
 *
 * out   receives WICK_BASE64_SIZE(len) bytes, no NUL
 */
WICK_API void wick_base64_encode(const uint8_t *data, size_t len, char *out);

/**
 * Read base64, strictly (RFC 4648 section 4, or section 5 for url).
 *
 * text, len   the text: no white space, no stray characters, the bits behind the last byte zero. With url = 0 the
 *             padding is required; with url = 1 the alphabet is the URL-safe one and padding may be absent
 * out, cap    receives the bytes; may be the memory of the text
 * used        set to the bytes written, also on error
 *
 * Returns WICK_OK, WICK_E_ARG if the text is not base64, WICK_E_SPACE if cap is too small.
 */
WICK_API wick_status wick_base64_decode(const char *text, size_t len, int url, uint8_t *out, size_t cap,
                                        size_t *used);

#ifdef __cplusplus
}
#endif

#endif
