/*
 * UUIDs of version 4 from random bytes of the host: RFC 9562 section 5.4.
 */
#include "wick/event.h"

void wick_uuid_write(const uint8_t *random, char *out)
{
    static const char hex[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++) {
        uint8_t byte = random[i];
        if (i == 6)
            byte = (uint8_t)((byte & 0x0F) | 0x40); /* version 4 */
        if (i == 8)
            byte = (uint8_t)((byte & 0x3F) | 0x80); /* variant 10 */
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *out++ = '-';
        *out++ = hex[byte >> 4];
        *out++ = hex[byte & 15];
    }
}
