/*
 * The UTF-8 automaton, one byte at a time: the code that decides. Wider code only proposes, and runs a doubtful
 * block through this.
 *
 * A state is a shift count, so that a step is one shift: the row of a byte's class holds the next state for each
 * state, 6 bits apart. The load of the row does not wait for the state, so the chain from byte to byte is the shift
 * alone. State 0 is "between two characters", which is what the caller of wick_utf8_check() relies on.
 */
#ifndef WICK_BASE_UTF8_H
#define WICK_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define WICK_UTF8_REJECT 6u

extern const uint8_t wick_utf8_class[256];
extern const uint64_t wick_utf8_row[12];

/* The tables of the vector validation; see utf8_lookup.c. */
extern const uint8_t wick_utf8_first_high[16], wick_utf8_first_low[16], wick_utf8_second_high[16];

/* The state after byte b. Only the low 6 bits count; WICK_UTF8_REJECT stays. */
static inline uint64_t wick_utf8_step(uint64_t state, uint8_t b)
{
    return wick_utf8_row[wick_utf8_class[b]] >> (state & 63);
}

/* Like wick_utf8_check(), byte by byte. */
size_t wick_utf8_scalar(uint32_t *state, const uint8_t *data, size_t len);

/*
 * The same, but from `from` on and not from the start of data, where data[0..from) is known to be good UTF-8 that
 * begins between two characters and may end inside one. How vector code finds a bad byte, and its state at the end.
 */
size_t wick_utf8_resume(uint32_t *state, const uint8_t *data, size_t from, size_t len);

#endif
