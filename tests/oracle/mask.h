/*
 * Masking as RFC 6455 section 5.3 writes it down.
 */
#ifndef WICK_TESTS_ORACLE_MASK_H
#define WICK_TESTS_ORACLE_MASK_H

#include <stddef.h>
#include <stdint.h>

/* transformed-octet-i = original-octet-i XOR masking-key-octet-(i MOD 4) */
void oracle_mask(uint8_t *out, const uint8_t *in, size_t len, const uint8_t key[4]);

#endif
