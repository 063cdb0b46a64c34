/*
 * UTF-8 and masking: every version of the kernels gives the oracle's answer, whole and in pieces.
 *
 * The first byte chooses where the text is cut and the key; the rest is the text.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "lib/versions.h"
#include "oracle/utf8.h"
#include "wick/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

static void one_version(const wick_kernels *k, const uint8_t *text, size_t len, size_t cut, size_t want, size_t unfinished)
{
    uint32_t key = 0x12345678u + (uint32_t)cut * 0x01030507u, state = 0, masked_state = 0;
    uint8_t *copy = malloc(len + 1);
    size_t good, unmasked;
    require(copy != NULL);

    good = k->utf8(&state, text, cut);
    if (good == cut)
        good += k->utf8(&state, text + cut, len - cut);
    require(good == want);
    require(good < len || (state == 0) == (unfinished == 0));

    k->mask(copy, text, len, key);
    unmasked = k->unmask_utf8(&masked_state, copy, cut, key);
    if (unmasked == cut)
        unmasked += k->unmask_utf8(&masked_state, copy + cut, len - cut, wick_key_rotate(key, cut));
    require(unmasked == want);
    require(good < len || masked_state == state);
    require(memcmp(copy, text, want < len ? want + 1 : len) == 0);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t unfinished;
    if (size == 0)
        return 0;
    const uint8_t *text = data + 1;
    size_t len = size - 1, want = oracle_utf8(text, len, &unfinished);
    size_t cut = len ? data[0] * (size_t)7 % (len + 1) : 0;
    EACH_VERSION(k) {
        one_version(k, text, len, 0, want, unfinished);
        one_version(k, text, len, cut, want, unfinished);
    }
    return 0;
}
