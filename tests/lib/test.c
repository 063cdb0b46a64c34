/*
 * The test harness: see test.h.
 */
#include "lib/test.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const char *running;
static int case_failed, case_skipped, any_failed;

void test_run(const char *name, void (*fn)(void))
{
    running = name;
    case_failed = case_skipped = 0;
    fn();
    if (!case_failed && !case_skipped)
        printf("ok %s\n", name);
    any_failed |= case_failed;
    fflush(stdout);
}

void test_fail(const char *file, int line, const char *format, ...)
{
    va_list args;
    if (case_failed++)
        return;
    printf("not ok %s: %s:%d: ", running, file, line);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
}

void test_skip(const char *why)
{
    case_skipped = 1;
    printf("skip %s: %s\n", running, why);
}

int test_failed(void)
{
    return case_failed;
}

int test_end(void)
{
    return any_failed;
}

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t pages_for(size_t len)
{
    return (len + page_size() - 1) / page_size() * page_size() + (len == 0 ? page_size() : 0);
}

/* Data pages with an unreadable page on both sides. */
static uint8_t *guarded_pages(size_t len)
{
    size_t body = pages_for(len);
    uint8_t *base = mmap(NULL, body + 2 * page_size(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED || mprotect(base + page_size(), body, PROT_READ | PROT_WRITE) != 0)
        abort();
    return base + page_size();
}

uint8_t *test_guard_back(const void *src, size_t len)
{
    uint8_t *data = guarded_pages(len) + pages_for(len) - len;
    if (src && len)
        memcpy(data, src, len);
    return data;
}

uint8_t *test_guard_front(const void *src, size_t len)
{
    uint8_t *data = guarded_pages(len);
    if (src && len)
        memcpy(data, src, len);
    return data;
}

void test_unguard(uint8_t *data, size_t len)
{
    uintptr_t at = (uintptr_t)data, page = page_size();
    uintptr_t start = len == 0 && at % page == 0 ? at : at / page * page;
    /* Empty data flush against the back guard points at the guard page itself. */
    size_t body = pages_for(len);
    if (len == 0)
        return; /* a page or two; the test ends soon */
    munmap((void *)(start - page), body + 2 * page);
}

static uint64_t seed_state;

uint64_t test_random(void)
{
    if (seed_state == 0) {
        const char *text = getenv("TEST_SEED");
        seed_state = text ? strtoull(text, NULL, 0) : (uint64_t)time(NULL) * 2654435761u + (uint64_t)getpid();
        seed_state |= 1;
        printf("# TEST_SEED=0x%llx\n", (unsigned long long)seed_state);
    }
    seed_state ^= seed_state << 13;
    seed_state ^= seed_state >> 7;
    seed_state ^= seed_state << 17;
    return seed_state * 2685821657736338717u;
}

size_t test_below(size_t n)
{
    return n ? (size_t)((test_random() >> 16) % n) : 0;
}

size_t test_rounds(size_t n)
{
    return getenv("TEST_SLOW") ? n / 10 + 1 : n;
}

char *test_read_file(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    char *data = NULL;
    size_t cap = 4096;
    *len = 0;
    if (!f)
        return NULL;
    for (data = malloc(cap); data;) {
        size_t n = fread(data + *len, 1, cap - 1 - *len, f);
        *len += n;
        if (n == 0)
            break;
        if (cap - 1 == *len) {
            char *more = realloc(data, cap *= 2);
            if (!more)
                abort();
            data = more;
        }
    }
    fclose(f);
    if (data)
        data[*len] = 0;
    return data;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

long test_hex(const char *text, uint8_t *out, size_t cap)
{
    size_t n = 0;
    while (*text) {
        if (*text == ' ' || *text == '\n' || *text == '\t') {
            text++;
            continue;
        }
        int hi = hex_digit(text[0]), lo = hi < 0 ? -1 : hex_digit(text[1]);
        if (lo < 0 || n == cap)
            return -1;
        out[n++] = (uint8_t)(hi << 4 | lo);
        text += 2;
    }
    return (long)n;
}
