/*
 * The choice of kernels.
 */
#include "base/kernels.h"
#include "wick/base.h"

#if WICK_X86_SIMD

#include <cpuid.h>

/* Bits of XCR0: the operating system saves the XMM and YMM registers. */
#define XCR0_YMM 0x06u

/* Intel SDM volume 1, 14.3: AVX2 may be used if the CPU has it and the system saves the registers it uses. */
static int cpu_has_avx2(void)
{
    unsigned a, b, c, d, low, high;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE) || !(c & bit_AVX))
        return 0;
    /* The instruction itself: _xgetbv() would need a compile flag. */
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & XCR0_YMM) != XCR0_YMM)
        return 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_AVX2);
}

const wick_kernels *wick_kernels_at(unsigned i)
{
    if (i == 0)
        return wick_kernels_portable();
    return i == 1 && cpu_has_avx2() ? &wick_kernels_avx2 : NULL;
}

#else

const wick_kernels *wick_kernels_at(unsigned i)
{
    return i == 0 ? wick_kernels_portable() : NULL;
}

#endif

const wick_kernels *wick_kernels_best(void)
{
    const wick_kernels *best = NULL, *k;
    for (unsigned i = 0; (k = wick_kernels_at(i)) != NULL; i++)
        best = k;
    return best;
}
