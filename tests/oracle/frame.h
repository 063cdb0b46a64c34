/*
 * Frame headers, slowly: bit by bit from the diagram of RFC 6455 section 5.2.
 */
#ifndef WICK_TESTS_ORACLE_FRAME_H
#define WICK_TESTS_ORACLE_FRAME_H

#include "wick/frame.h"

typedef struct oracle_frame {
    unsigned fin, rsv, opcode, masked; /* rsv: RSV1 is 4, RSV2 is 2, RSV3 is 1 */
    uint64_t len;
    uint8_t key[4];
    size_t header_len;
} oracle_frame;

/*
 * What the first n bytes of a frame are: WICK_OK if they hold the header, WICK_MORE if they can still become one, or
 * the rule that they break. *proof is the index of the byte that breaks it.
 */
wick_status oracle_frame_read(const uint8_t *p, size_t n, wick_role role, unsigned rsv, oracle_frame *frame,
                              size_t *proof);

/* The payload length once its bytes are among the first n, whether or not the key is; 0 if they are not. */
int oracle_frame_len(const uint8_t *p, size_t n, uint64_t *len);

/* Write the header, 2 to 14 bytes; gives how many. */
size_t oracle_frame_write(const oracle_frame *frame, uint8_t *out);

#endif
