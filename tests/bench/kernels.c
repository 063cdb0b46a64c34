/*
 * How fast the kernels are: every version that this machine can run, interleaved, against memcpy.
 *
 * Each figure is the best of many short rounds; the rounds of all rows take turns, so that a busy neighbour hits all
 * of them. "x memcpy" is against the memcpy row of the same size. The text is masked anew with one memcpy a round that
 * is not timed; a round works through several copies, so that a call does not find its own last store.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/kernels.h"
#include "wick/base.h"

#define ROUND_BYTES 32768 /* of text a round: stays in the caches that a server's read buffer stays in */
#define MAX_CALLS 1024
#define ROUNDS 2000
#define KEY 0xA1B2C3D4u

static const size_t sizes[] = {16, 40, 125, 200, 1024, 1100, 16384};
enum { SIZES = sizeof sizes / sizeof *sizes, MAX_KERNELS = 4 };

typedef enum work { COPY, MASK, CHECK_TEXT, UNMASK_TEXT, UNMASK_INLINE, WORKS } work;
static const char *const work_names[WORKS] = {"memcpy", "mask", "utf8", "unmask+utf8", "inline unmask+utf8"};

static uint8_t plain[2][ROUND_BYTES], masked[2][ROUND_BYTES], data_area[ROUND_BYTES + 64], other[ROUND_BYTES];
/* Payload lies where the headers before it leave it. */
static uint8_t *const data = data_area + 8;
static double best[SIZES][2][WORKS][MAX_KERNELS];
static const wick_kernels *version[MAX_KERNELS];
static unsigned versions;
static volatile size_t sink;

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Texts of `size` bytes, end to end: letters, or three-byte characters filled up with letters. */
static void fill(size_t size)
{
    for (size_t at = 0; at + size <= ROUND_BYTES; at += size) {
        for (size_t i = 0; i < size; i++)
            plain[0][at + i] = plain[1][at + i] = (uint8_t)('a' + (i * 7 + at) % 26);
        for (size_t i = 0; i + 3 <= size; i += 3) {
            unsigned c = 0x4E00 + (unsigned)(i * 2654435761u % 0x5000);
            plain[1][at + i] = (uint8_t)(0xE0 | c >> 12);
            plain[1][at + i + 1] = (uint8_t)(0x80 | (c >> 6 & 63));
            plain[1][at + i + 2] = (uint8_t)(0x80 | (c & 63));
        }
        for (int t = 0; t < 2; t++)
            wick_kernels_portable()->mask(masked[t] + at, plain[t] + at, size, KEY);
    }
}

static double one_round(work w, const wick_kernels *k, int text, size_t size)
{
    size_t calls = ROUND_BYTES / size < MAX_CALLS ? ROUND_BYTES / size : MAX_CALLS;
    size_t good = 0;
    uint32_t state = 0;
    memcpy(data, w == CHECK_TEXT ? plain[text] : masked[text], ROUND_BYTES);
    double start = now_ns();
    for (uint8_t *p = data, *end = data + calls * size; p < end; p += size) {
        switch (w) {
        case COPY:
            memcpy(other + (p - data), p, size);
            break;
        case MASK:
            k->mask(p, p, size, KEY);
            break;
        case CHECK_TEXT:
            good += k->utf8(&state, p, size);
            break;
        case UNMASK_TEXT:
            good += k->unmask_utf8(&state, p, size, KEY);
            break;
        default:
            if (wick_unmask_ascii(p, size, KEY))
                good += size;
            else
                good += k->unmask_utf8(&state, p, size, KEY);
            break;
        }
    }
    double ns = (now_ns() - start) / (double)calls;
    if (w >= CHECK_TEXT && good != calls * size) {
        fprintf(stderr, "%s %s: the text was refused\n", k->name, work_names[w]);
        exit(1);
    }
    sink = good + other[0];
    return ns;
}

static void measure(size_t s)
{
    fill(sizes[s]);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < versions; i++) {
                const wick_kernels *k = version[i];
            for (int text = 0; text < 2; text++) {
                for (int w = 0; w < WORKS; w++) {
                    if (w == UNMASK_INLINE && sizes[s] > WICK_SHORT_MAX)
                        continue;
                    double ns = one_round((work)w, k, text, sizes[s]);
                    double *b = &best[s][text][w][i];
                    if (*b == 0 || ns < *b)
                        *b = ns;
                }
            }
        }
    }
}

static void report(size_t s)
{
    for (int w = 0; w < WORKS; w++) {
        for (int text = 0; text < (w < CHECK_TEXT ? 1 : 2); text++) {
            for (unsigned i = 0; i < versions; i++) {
                const wick_kernels *k = version[i];
                double ns = best[s][text][w][i];
                if (ns == 0 || (w == COPY && i > 0))
                    continue;
                printf("%6zu B  %-22s %-6s %-9s %9.1f ns %8.2f GB/s %8.2f x memcpy\n", sizes[s], work_names[w],
                       w < CHECK_TEXT ? "-" : text ? "CJK" : "ASCII", w == COPY ? "-" : k->name, ns,
                       (double)sizes[s] / ns, ns / best[s][0][COPY][0]);
            }
        }
    }
}

int main(void)
{
    for (; versions < MAX_KERNELS; versions++) {
        version[versions] = wick_kernels_at(versions);
        if (!version[versions])
            break;
    }
    for (size_t s = 0; s < SIZES; s++) {
        measure(s);
        report(s);
    }
    return 0;
}
