/*
 * Vectors whose input is bytes on the wire: reads their files. A file holds records of lines `key rest`, apart by
 * blank lines; `#` starts a comment line.
 *
 * Bytes are written as tokens, apart by spaces:
 *
 *     81 0a        hex                     "Hello"    ASCII, no escapes
 *     00*126       a byte, so many times   @1000      16 bits, network order
 *     $  @$  00*$  the value of `each`     ^          no byte: the next one proves the error
 *
 * A record with a line `each 3-7 0x0b` stands for one vector per value, whose name gets the value.
 */
#ifndef WICK_TESTS_LIB_WIRE_H
#define WICK_TESTS_LIB_WIRE_H

#include "lib/transcript.h"

#define WIRE_LINES 400

typedef struct wire_vector {
    const char *file;
    char name[120];
    size_t count;
    const char *keys[WIRE_LINES], *rests[WIRE_LINES];
    unsigned long value; /* of `each` */
} wire_vector;

/* Call fn for each vector in folder/ *.txt; gives how many there were. A file that cannot be read fails the case. */
size_t wire_vectors(const char *folder, void (*fn)(const wire_vector *record));

/* Append the bytes that tokens say; *mark is set to to->len where `^` stands. 0, or -1 for bad text. */
int wire_bytes(const wire_vector *record, const char *tokens, bytes *to, size_t *mark);

/* A status by its name without WICK_: 1 if there is one. */
int wire_status(const char *name, size_t len, wick_status *status);

#endif
