/*
 * Builds what a peer sends: frames one by one, and random valid streams of them.
 */
#ifndef WICK_TESTS_LIB_STREAMS_H
#define WICK_TESTS_LIB_STREAMS_H

#include "lib/transcript.h"

/* Append a frame for a receiver of this role: masked for a server, with a random key. first_byte has FIN and opcode. */
void stream_frame(bytes *to, wick_role role, unsigned first_byte, const void *payload, size_t len);

/* A close frame; code 0 for an empty one. */
void stream_close(bytes *to, wick_role role, unsigned code, const char *reason);

/* Random characters of one to four bytes, in len bytes that are valid UTF-8. */
void stream_text(uint8_t *out, size_t len);

/*
 * Random messages, fragmented or not, with control frames between, and at the end sometimes a close frame: all of it valid.
 * Messages stay below max bytes.
 */
void stream_random(bytes *to, wick_role role, size_t messages, size_t max);

/* Change, drop or double a few bytes. */
void stream_mutate(bytes *stream);

#endif
