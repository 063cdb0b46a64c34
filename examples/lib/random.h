/*
 * random.h - random bytes that an attacker cannot guess, from the kernel through a small pool: masking keys are four
 * bytes a frame, and a system call for each would cost more than the frame.
 */
#ifndef EXAMPLES_RANDOM_H
#define EXAMPLES_RANDOM_H

#include <stddef.h>

/* Fill out with len random bytes. Returns 0, or -1 if the kernel gives none. One thread. A child that forks must not
 * go on with the parent's pool: it execs. */
int random_bytes(void *out, size_t len);

#endif
