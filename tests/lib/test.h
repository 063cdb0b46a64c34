/*
 * The test harness: cases, checks, guard pages, seeded random numbers.
 *
 * A test program is a main() that calls RUN(case) for each case and ends with `return test_end();`. Each case prints
 * `ok NAME` or `not ok NAME: file:line: why`; tests/run.sh counts these lines.
 */
#ifndef WICK_TESTS_LIB_TEST_H
#define WICK_TESTS_LIB_TEST_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

void test_run(const char *name, void (*fn)(void));
/* Record a failure of the running case; the first one is printed. */
void test_fail(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Say that the running case cannot be run here. */
void test_skip(const char *why);
/* Whether the running case has failed: to leave a long loop early. */
int test_failed(void);
int test_end(void);

#define RUN(fn) test_run(#fn, fn)
#define CHECK(cond)                                         \
    do {                                                    \
        if (!(cond))                                        \
            test_fail(__FILE__, __LINE__, "%s", #cond);     \
    } while (0)
#define CHECK_INT(got, want)                                                                            \
    do {                                                                                                \
        long long got_ = (long long)(got), want_ = (long long)(want);                                   \
        if (got_ != want_)                                                                              \
            test_fail(__FILE__, __LINE__, "%s is %lld, want %lld", #got, got_, want_);                  \
    } while (0)
#define CHECK_STATUS(got, want)                                                                         \
    do {                                                                                                \
        wick_status got_ = (got), want_ = (want);                                                       \
        if (got_ != want_)                                                                              \
            test_fail(__FILE__, __LINE__, "%s is %s, want %s", #got, wick_status_name(got_),            \
                      wick_status_name(want_));                                                         \
    } while (0)
#define CHECK_MEM(got, want, len)                                                                       \
    do {                                                                                                \
        if (memcmp((got), (want), (len)) != 0)                                                          \
            test_fail(__FILE__, __LINE__, "%s differs from %s", #got, #want);                           \
    } while (0)

/*
 * A copy of len bytes (src may be NULL: zeros) that ends exactly at an unreadable page, or with test_guard_front starts
 * right behind one. Freed with test_unguard. An access outside kills the program.
 */
uint8_t *test_guard_back(const void *src, size_t len);
uint8_t *test_guard_front(const void *src, size_t len);
void test_unguard(uint8_t *data, size_t len);

/* Random numbers from a seed that is printed at the first use; TEST_SEED in the environment repeats a run. */
uint64_t test_random(void);
/* A random number below n. */
size_t test_below(size_t n);

/* n rounds of a random test, or a tenth of them where TEST_SLOW says that the machine is emulated. */
size_t test_rounds(size_t n);

/* A whole file, NUL-terminated behind *len; NULL if it cannot be read. Freed with free(). */
char *test_read_file(const char *path, size_t *len);
/* Hex digits (white space between bytes allowed) to bytes; returns the count, or -1 for bad text. */
long test_hex(const char *text, uint8_t *out, size_t cap);

#endif
