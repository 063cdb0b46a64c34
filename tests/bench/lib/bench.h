/*
 * Side-by-side timing: several subjects do the same work in turn, round by round, in one process, so that a noisy
 * machine hits all of them alike. Printed: the median and the best time of each, and the ratio of the best rounds.
 */
#ifndef WICK_TESTS_BENCH_LIB_BENCH_H
#define WICK_TESTS_BENCH_LIB_BENCH_H

#include <stddef.h>
#include <stdint.h>

typedef struct bench_subject {
    const char *name;
    /* Do the work once; returns the operations done (frames, messages). NULL: the peer is not installed. */
    size_t (*run)(void *arg);
    void *arg;
} bench_subject;

/*
 * Time the subjects and print a row for each. The first is ours; ratios are ours / theirs.
 *
 * row     what is measured: "binary 16 B"
 * goal    the ratio to the last subject that we want to reach, or 0
 *
 * Returns the ratio to the last subject, or 0 if it is not installed.
 */
double bench_compare(const char *row, const bench_subject *subjects, size_t count, double goal);

#endif
