/*
 * The choice of kernels.
 */
#include "base/kernels.h"
#include "wick/base.h"

#if WICK_X86_SIMD

#include <cpuid.h>

/* Bits of XCR0: the operating system saves the XMM and YMM registers, or also the ZMM and mask registers. */
#define XCR0_YMM 0x06u
#define XCR0_ZMM 0xE6u

/* Bits of CPUID leaf 7, as the Intel SDM names them; cpuid.h of older compilers lacks some. */
#define CPU7B_AVX2 (1u << 5)
#define CPU7B_BMI2 (1u << 8)
#define CPU7B_AVX512F (1u << 16)
#define CPU7B_AVX512BW (1u << 30)
#define CPU7B_AVX512VL (1u << 31)
#define CPU7C_AVX512VBMI (1u << 1)
#define CPU7C_AVX512VBMI2 (1u << 6)
#define CPU7B_FOR_512 (CPU7B_BMI2 | CPU7B_AVX512F | CPU7B_AVX512BW | CPU7B_AVX512VL)
#define CPU7C_FOR_512 (CPU7C_AVX512VBMI | CPU7C_AVX512VBMI2)

/*
 * How far the vector kernels go on this CPU: 0 none, 1 AVX2, 2 AVX-512. An instruction set may be used if the CPU has
 * it and the system saves the registers it uses (Intel SDM volume 1, 14.3 and 15.2).
 */
static unsigned cpu_level(void)
{
    unsigned a, b, c, d, low, high;
    if (__get_cpuid_max(0, NULL) < 7)
        return 0;
    __cpuid(1, a, b, c, d);
    if (!(c & bit_OSXSAVE) || !(c & bit_AVX))
        return 0;
    /* The instruction itself: _xgetbv() would need a compile flag. */
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & XCR0_YMM) != XCR0_YMM)
        return 0;
    __cpuid_count(7, 0, a, b, c, d);
    if (!(b & CPU7B_AVX2))
        return 0;
    if ((low & XCR0_ZMM) != XCR0_ZMM || (b & CPU7B_FOR_512) != CPU7B_FOR_512 || (c & CPU7C_FOR_512) != CPU7C_FOR_512)
        return 1;
    return 2;
}

static const wick_kernels *const cpu_kernels[] = {&wick_kernels_avx2, &wick_kernels_avx512};

const wick_kernels *wick_kernels_at(unsigned i)
{
    if (i == 0)
        return wick_kernels_portable();
    return i <= cpu_level() ? cpu_kernels[i - 1] : NULL;
}

const wick_kernels *wick_kernels_best(void)
{
    unsigned level = cpu_level();
    return level ? cpu_kernels[level - 1] : wick_kernels_portable();
}

#else

const wick_kernels *wick_kernels_at(unsigned i)
{
    return i == 0 ? wick_kernels_portable() : NULL;
}

const wick_kernels *wick_kernels_best(void)
{
    return wick_kernels_portable();
}

#endif
