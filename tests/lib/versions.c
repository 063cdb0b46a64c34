/*
 * See versions.h.
 */
#include "lib/versions.h"

#include "base/kernels.h"

#define MOST_VERSIONS 7

const wick_kernels *const *test_versions(void)
{
    static const wick_kernels *versions[MOST_VERSIONS + 1];
    if (versions[0] == NULL) {
        for (unsigned i = 0; i < MOST_VERSIONS; i++) {
            versions[i] = wick_kernels_at(i);
            if (versions[i] == NULL)
                break;
        }
    }
    return versions;
}
