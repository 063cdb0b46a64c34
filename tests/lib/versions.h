/*
 * Every version of the kernels that this machine can run.
 */
#ifndef WICK_TESTS_LIB_VERSIONS_H
#define WICK_TESTS_LIB_VERSIONS_H

#include "wick/base.h"

/* From the portable one up; NULL ends the list. Asked for once: CPUID traps into the hypervisor on virtual machines. */
const wick_kernels *const *test_versions(void);

/* A loop over them, with k as the version. */
#define EACH_VERSION(k) for (const wick_kernels *const *each_ = test_versions(), *k; (k = *each_) != NULL; each_++)

#endif
