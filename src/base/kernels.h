/*
 * What the kernels share. The short loops that a caller may inline are in base/short.h.
 */
#ifndef WICK_BASE_KERNELS_H
#define WICK_BASE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/short.h"
#include "wick/base.h"

/* The kernels that this CPU can run, in order of growing speed: 0 is the portable one; NULL beyond the last. */
const wick_kernels *wick_kernels_at(unsigned i);

#if WICK_X86_SIMD
extern const wick_kernels wick_kernels_avx2, wick_kernels_avx512;
#endif

/*
 * The state after the first bytes of data[0..len), as many as finish the character that the state is inside of, and how
 * many these are. Unmasks them if dst == data and not NULL. A bad byte leaves WICK_UTF8_REJECT and is not counted.
 */
size_t wick_utf8_finish(uint32_t *state, const uint8_t *data, uint8_t *dst, size_t len, uint32_t key);

#endif
