/*
 * Masking, octet by octet. RFC 6455 section 5.3.
 */
#include "oracle/mask.h"

void oracle_mask(uint8_t *out, const uint8_t *in, size_t len, const uint8_t key[4])
{
    for (size_t i = 0; i < len; i++) {
        unsigned original = in[i], octet = key[i % 4];
        out[i] = (uint8_t)((original & ~octet) | (~original & octet));
    }
}
