/*
 * Streams of frames: see streams.h.
 */
#include "lib/streams.h"

#include "lib/test.h"
#include "oracle/frame.h"
#include "oracle/mask.h"
#include "oracle/utf8.h"

#include <stdlib.h>

void stream_frame(bytes *to, wick_role role, unsigned first_byte, const void *payload, size_t len)
{
    oracle_frame frame = {.fin = first_byte >> 7, .opcode = first_byte & 15, .masked = role == WICK_SERVER, .len = len};
    uint8_t header[14];
    for (size_t i = 0; i < 4 && frame.masked; i++)
        frame.key[i] = (uint8_t)test_random();
    bytes_add(to, header, oracle_frame_write(&frame, header));
    bytes_fill(to, 0, len);
    oracle_mask(to->data + to->len - len, payload, len, frame.key);
}

void stream_close(bytes *to, wick_role role, unsigned code, const char *reason)
{
    uint8_t body[WICK_CONTROL_MAX] = {(uint8_t)(code >> 8), (uint8_t)code};
    size_t len = strlen(reason);
    if (len > WICK_REASON_MAX)
        abort();
    memcpy(body + 2, reason, len);
    stream_frame(to, role, 0x88, body, code ? 2 + len : 0);
}

/* A random scalar value that is encoded in `length` bytes. */
static uint32_t scalar_of(size_t length)
{
    static const uint32_t first[] = {0, 0x80, 0x800, 0x10000}, count[] = {0x80, 0x780, 0xF800, 0x100000};
    uint32_t c = first[length - 1] + (uint32_t)test_below(count[length - 1]);
    return c >= 0xD800 && c <= 0xDFFF ? 0xFFFD : c;
}

void stream_text(uint8_t *out, size_t len)
{
    int ascii = test_below(2) == 0;
    for (size_t at = 0; at < len;) {
        size_t length = ascii && test_below(20) ? 1 : 1 + test_below(4);
        uint8_t character[4];
        if (length > len - at)
            length = len - at;
        oracle_utf8_encode(scalar_of(length), character);
        memcpy(out + at, character, length);
        at += length;
    }
}

static void random_control(bytes *to, wick_role role)
{
    uint8_t payload[WICK_CONTROL_MAX];
    size_t len = test_below(4) ? test_below(9) : test_below(sizeof payload + 1);
    for (size_t i = 0; i < len; i++)
        payload[i] = (uint8_t)test_random();
    stream_frame(to, role, test_below(2) ? 0x89 : 0x8A, payload, len);
}

static void random_message(bytes *to, wick_role role, size_t max)
{
    size_t len = test_below(3) ? test_below(max < 40 ? max : 40) : test_below(max), at = 0;
    size_t fragments = test_below(3) ? 1 : 1 + test_below(5);
    unsigned opcode = test_below(2) ? WICK_TEXT : WICK_BINARY;
    uint8_t *payload = malloc(len + 1);
    if (!payload)
        abort();
    if (opcode == WICK_TEXT)
        stream_text(payload, len);
    for (size_t i = 0; opcode == WICK_BINARY && i < len; i++)
        payload[i] = (uint8_t)test_random();
    for (size_t i = 1; i <= fragments; i++) {
        size_t n = i == fragments ? len - at : test_below(len - at + 1);
        stream_frame(to, role, (i == fragments ? 0x80 : 0) | (i == 1 ? opcode : 0), payload + at, n);
        at += n;
        if (i < fragments && test_below(3) == 0)
            random_control(to, role);
    }
    free(payload);
}

void stream_random(bytes *to, wick_role role, size_t messages, size_t max)
{
    for (size_t i = 0; i < messages; i++) {
        random_message(to, role, max);
        if (test_below(4) == 0)
            random_control(to, role);
    }
    if (test_below(4) == 0)
        stream_close(to, role, test_below(2) ? 1000 : 0, "");
}

void stream_mutate(bytes *stream)
{
    for (size_t n = 1 + test_below(3); n > 0 && stream->len > 0; n--) {
        size_t at = test_below(stream->len);
        switch (test_below(4)) {
        case 0: stream->data[at] ^= (uint8_t)(1u << test_below(8)); break;
        case 1: stream->data[at] = (uint8_t)test_random(); break;
        case 2:
            memmove(stream->data + at, stream->data + at + 1, stream->len - at - 1);
            stream->len--;
            break;
        default:
            bytes_fill(stream, 0, 1);
            memmove(stream->data + at + 1, stream->data + at, stream->len - 1 - at);
        }
    }
}
