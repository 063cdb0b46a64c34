/*
 * Masking: every version against the oracle, in place and from one place to another, in memory that ends at
 * unreadable pages; and the inlined short loop.
 */
#include "base/bytes.h"
#include "base/kernels.h"
#include "lib/test.h"
#include "lib/versions.h"
#include "oracle/mask.h"
#include "wick/base.h"

#define AREA 4096
#define MOST 300

static uint8_t *area_a, *area_b;

static void random_bytes(uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(test_random() >> 24);
}

/* The pages around the areas catch what goes beyond their ends; this catches writes elsewhere. */
static void check_untouched(const uint8_t *area, const uint8_t *at, size_t len, const char *name)
{
    for (const uint8_t *p = area; p < area + AREA; p++)
        if ((p < at || p >= at + len) && *p != 0x5A)
            test_fail(__FILE__, __LINE__, "%s wrote outside, at %td of %zu", name, p - at, len);
}

static void check_mask(const wick_kernels *k, uint8_t *dst, uint8_t *src, const uint8_t *data, size_t len)
{
    uint8_t key[4], want[AREA];
    uint32_t word;
    random_bytes(key, 4);
    memcpy(&word, key, 4);
    oracle_mask(want, data, len, key);
    memset(area_a, 0x5A, AREA);
    memset(area_b, 0x5A, AREA);
    memcpy(src, data, len);
    k->mask(dst, src, len, word);
    if (memcmp(dst, want, len) != 0)
        test_fail(__FILE__, __LINE__, "%s: wrong bytes, length %zu", k->name, len);
    if (src != dst && memcmp(src, data, len) != 0)
        test_fail(__FILE__, __LINE__, "%s: the source was changed, length %zu", k->name, len);
    check_untouched(area_a, dst, len, k->name);
}

static void every_length_and_alignment(void)
{
    uint8_t data[MOST];
    EACH_VERSION(k) {
        for (size_t len = 0; len <= MOST && !test_failed(); len++) {
            random_bytes(data, len);
            for (size_t align = 0; align < 32; align++) {
                check_mask(k, area_a + align, area_a + align, data, len);
                check_mask(k, area_a + align, area_b + (align * 7 + len) % 32, data, len);
            }
            check_mask(k, area_a + AREA - len, area_a + AREA - len, data, len);
            check_mask(k, area_a + AREA - len, area_b + AREA - len, data, len);
        }
    }
}

static void large_blocks(void)
{
    uint8_t data[AREA];
    EACH_VERSION(k) {
        for (size_t len = AREA - 200; len <= AREA && !test_failed(); len++) {
            random_bytes(data, len);
            check_mask(k, area_a, area_a, data, len);
            check_mask(k, area_a + AREA - len, area_b, data, len);
        }
    }
}

static void masking_in_pieces_is_masking(void)
{
    uint8_t data[MOST], want[MOST], key[4];
    uint32_t word;
    EACH_VERSION(k) {
        for (unsigned round = 0; round < 1000 && !test_failed(); round++) {
            size_t done = 0;
            random_bytes(data, MOST);
            random_bytes(key, 4);
            memcpy(&word, key, 4);
            oracle_mask(want, data, MOST, key);
            while (done < MOST) {
                size_t n = 1 + test_below(MOST - done);
                k->mask(data + done, data + done, n, wick_key_rotate(word, done));
                done += n;
            }
            CHECK_MEM(data, want, MOST);
        }
    }
}

/* The short loops at `at`, on letters with at most one byte that is not ASCII, at `high_at`. */
static void check_short(uint8_t *at, size_t len, size_t high_at)
{
    uint8_t plain[WICK_SHORT_MAX], masked[WICK_SHORT_MAX], key[4];
    uint32_t word;
    random_bytes(plain, len);
    for (size_t i = 0; i < len; i++)
        plain[i] = (uint8_t)((plain[i] & 0x7F) | (i == high_at ? 0x80 : 0));
    random_bytes(key, 4);
    memcpy(&word, key, 4);
    oracle_mask(masked, plain, len, key);
    memset(area_a, 0x5A, AREA);
    memcpy(at, masked, len);
    wick_unmask_short(at, len, word);
    if (memcmp(at, plain, len) != 0)
        test_fail(__FILE__, __LINE__, "wick_unmask_short: wrong bytes, length %zu", len);
    memcpy(at, masked, len);
    if (wick_unmask_ascii(at, len, word) != (high_at >= len))
        test_fail(__FILE__, __LINE__, "wick_unmask_ascii: length %zu, non-ASCII byte at %zu", len, high_at);
    if (memcmp(at, high_at < len ? masked : plain, len) != 0)
        test_fail(__FILE__, __LINE__, "wick_unmask_ascii: wrong bytes, length %zu", len);
    check_untouched(area_a, at, len, "a short loop");
}

static void short_payloads(void)
{
    for (size_t len = 0; len <= WICK_SHORT_MAX; len++) {
        for (size_t high = 0; high <= len && !test_failed(); high++) {
            check_short(area_a, len, high);
            check_short(area_a + 1 + high % 31, len, high);
            check_short(area_a + AREA - len, len, high);
        }
    }
}

int main(void)
{
    area_a = test_guard_back(NULL, AREA);
    area_b = test_guard_back(NULL, AREA);
    RUN(every_length_and_alignment);
    RUN(large_blocks);
    RUN(masking_in_pieces_is_masking);
    RUN(short_payloads);
    return test_end();
}
