/*
 * problem.h - what a problem document (RFC 9457) says, for programs that tell people why they were refused.
 *
 *     struct problem problem;
 *     if (problem_read(body, body_len, &problem))
 *         fprintf(stderr, "refused: %s\n", problem.detail);
 *
 * All of it is the server's text: line ends become spaces, control characters are escaped, too long a text is cut.
 */
#ifndef EXAMPLES_PROBLEM_H
#define EXAMPLES_PROBLEM_H

#include "wick.h"

/* Members that are absent, or not strings, are empty. */
struct problem {
    wick_code code_value; /* WICK_CODE_NONE for one that is not known */
    char title[128];
    char detail[640];
    char code[64];
    /* Of a handshake that a proxy has changed: how, which one it was, what to change there, what the server got. */
    char cause[64];
    char proxy[64];
    char hint[1024];
    char saw[1024];
};

/* Read a body. Returns 1, or 0 if it is no JSON object with any of these members: *problem is empty then. */
int problem_read(const uint8_t *body, size_t len, struct problem *problem);

/* Write why somebody was refused in one line, without the hint: "code (cause, by proxy): detail". Returns out. */
char *problem_line(const struct problem *problem, char *out, size_t cap);

/* The value of Retry-After in milliseconds, at most a day; 0 if there is none. */
uint64_t problem_retry_after(const wick_http_response *response);

#endif
