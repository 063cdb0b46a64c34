/*
 * What a connection said, as text: one line an event and one line a frame that went out.
 *
 *     message text 48656c6c6f
 *     ping 70
 *     out pong 70
 *     close 1000 627965
 *
 * The same words are used by the recorder that listens to the library, by the oracle, and by the vector files, so that
 * comparing them is comparing strings. A payload of more than 200 bytes is written as its length and a checksum.
 */
#ifndef WICK_TESTS_LIB_TRANSCRIPT_H
#define WICK_TESTS_LIB_TRANSCRIPT_H

#include "wick/conn.h"

typedef struct transcript {
    char *text; /* NUL-terminated, or NULL while empty */
    size_t len, cap;
} transcript;

const char *transcript_text(const transcript *log);
void transcript_clear(transcript *log);

void transcript_message(transcript *log, unsigned opcode, const uint8_t *data, size_t len);
/* A part of a message that never became whole. */
void transcript_part(transcript *log, unsigned opcode, const uint8_t *data, size_t len);
/* "ping", "pong" */
void transcript_control(transcript *log, unsigned opcode, const uint8_t *data, size_t len);
void transcript_close(transcript *log, unsigned code, const uint8_t *reason, size_t len);
/* A frame that went out, unmasked. */
void transcript_out(transcript *log, unsigned fin, unsigned opcode, const uint8_t *data, size_t len);
/* The close frame that a failure calls for. */
void transcript_out_failure(transcript *log, wick_status status);

/* A growing array of bytes. */
typedef struct bytes {
    uint8_t *data;
    size_t len, cap;
} bytes;

void bytes_add(bytes *to, const void *data, size_t len);
void bytes_fill(bytes *to, uint8_t byte, size_t count);
void bytes_free(bytes *b);

/* What came of a stream: from the library, from the oracle, or as a vector wants it. */
typedef struct outcome {
    transcript log;
    bytes part;           /* the valid part of a message that stayed open, unless it is received whole */
    unsigned part_opcode;
    wick_status status;
    uint64_t offset;      /* of the byte that proves the error */
    unsigned sent;        /* the close code that was sent for it, or 0 */
    wick_state state;
} outcome;

void outcome_free(outcome *result);

#endif
