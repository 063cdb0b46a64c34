/*
 * The choice of kernels.
 */
#include "base/kernels.h"
#include "wick/base.h"

const wick_kernels *wick_kernels_at(unsigned i)
{
    return i == 0 ? wick_kernels_portable() : NULL;
}

const wick_kernels *wick_kernels_best(void)
{
    return wick_kernels_portable();
}
