/*
 * Loads, stores and small helpers that hide byte order and alignment. Every memcpy here compiles to one
 * instruction. Conditional compilation for byte order lives here and nowhere else.
 */
#ifndef WICK_BASE_BYTES_H
#define WICK_BASE_BYTES_H

#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
#define WICK_LIKELY(x) __builtin_expect(!!(x), 1)
#define WICK_UNLIKELY(x) __builtin_expect(!!(x), 0)
#else
#define WICK_LIKELY(x) (x)
#define WICK_UNLIKELY(x) (x)
#endif

#if defined(__BYTE_ORDER__) && defined(__ORDER_BIG_ENDIAN__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define WICK_BIG_ENDIAN 1
#else
#define WICK_BIG_ENDIAN 0
#endif

/* In the machine's own byte order. */
static inline uint32_t wick_load32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint64_t wick_load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void wick_store32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, sizeof v);
}

static inline void wick_store64(uint8_t *p, uint64_t v)
{
    memcpy(p, &v, sizeof v);
}

/* In network byte order. */
static inline uint32_t wick_load16_be(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t wick_load32_be(const uint8_t *p)
{
    return wick_load16_be(p) << 16 | wick_load16_be(p + 2);
}

static inline uint64_t wick_load64_be(const uint8_t *p)
{
    return (uint64_t)wick_load32_be(p) << 32 | wick_load32_be(p + 4);
}

static inline void wick_store16_be(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void wick_store32_be(uint8_t *p, uint32_t v)
{
    wick_store16_be(p, v >> 16);
    wick_store16_be(p + 2, v);
}

static inline void wick_store64_be(uint8_t *p, uint64_t v)
{
    wick_store32_be(p, (uint32_t)(v >> 32));
    wick_store32_be(p + 4, (uint32_t)v);
}

/*
 * Turn a masking key, loaded with wick_load32, so that its byte `n % 4` comes first: the key for data that starts
 * n bytes into the frame.
 */
static inline uint32_t wick_key_rotate(uint32_t key, uint64_t n)
{
    unsigned bits = (unsigned)(n % 4) * 8;
    if (bits == 0)
        return key;
#if WICK_BIG_ENDIAN
    return key << bits | key >> (32 - bits);
#else
    return key >> bits | key << (32 - bits);
#endif
}

/* A masking key twice: for 8 bytes at a time. */
static inline uint64_t wick_key_double(uint32_t key)
{
    return (uint64_t)key << 32 | key;
}

#endif
