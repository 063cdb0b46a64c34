/*
 * UTF-8, slowly: decides from code points what the library decides from bytes.
 */
#ifndef WICK_TESTS_ORACLE_UTF8_H
#define WICK_TESTS_ORACLE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/*
 * The number of leading bytes that can begin a valid text: len if all can. *unfinished is then the number of bytes of
 * the last character, if it is cut off, or 0.
 */
size_t oracle_utf8(const uint8_t *text, size_t len, size_t *unfinished);

/* The bytes of a code point, 1 to 4 of them, surrogates included; returns how many. */
size_t oracle_utf8_encode(uint32_t code_point, uint8_t out[4]);

#endif
