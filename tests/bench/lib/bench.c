/*
 * Side-by-side timing: see bench.h.
 */
#include "lib/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 41
#define ROUND_NS 1.5e6
#define SUBJECTS_MAX 8

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Nanoseconds an operation, over enough runs to fill a round. */
static double time_round(const bench_subject *subject, size_t runs)
{
    size_t done = 0;
    double start = now_ns();
    for (size_t i = 0; i < runs; i++)
        done += subject->run(subject->arg);
    return (now_ns() - start) / (double)(done ? done : 1);
}

static size_t runs_for_round(const bench_subject *subject)
{
    size_t runs = 1;
    for (;;) {
        double start = now_ns();
        for (size_t i = 0; i < runs; i++)
            subject->run(subject->arg);
        double took = now_ns() - start;
        if (took > ROUND_NS / 4)
            return (size_t)((double)runs * ROUND_NS / took) + 1;
        runs *= 2;
    }
}

double bench_compare(const char *row, const bench_subject *subjects, size_t count, double goal)
{
    static double ns[SUBJECTS_MAX][ROUNDS];
    size_t runs[SUBJECTS_MAX];
    double ratio = 0;
    if (count > SUBJECTS_MAX)
        abort();
    for (size_t i = 0; i < count; i++)
        runs[i] = subjects[i].run ? runs_for_round(&subjects[i]) : 0;
    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < count; i++)
            ns[i][round] = runs[i] ? time_round(&subjects[i], runs[i]) : 0;
    for (size_t i = 0; i < count; i++) {
        qsort(ns[i], ROUNDS, sizeof **ns, by_value);
        printf("%-28s %-24s ", i ? "" : row, subjects[i].name);
        if (!runs[i]) {
            printf("not installed\n");
            continue;
        }
        printf("%10.1f ns  best %10.1f", ns[i][ROUNDS / 2], ns[i][0]);
        if (i) {
            double here = ns[0][0] / ns[i][0];
            printf("   ratio %.4f", here);
            if (i + 1 == count) {
                ratio = here;
                if (goal > 0)
                    printf("   goal %.4f%s", goal, here <= goal ? "" : "  MISSED");
            }
        }
        printf("\n");
    }
    fflush(stdout);
    return ratio;
}
