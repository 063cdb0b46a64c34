/*
 * Test vectors as text: an input and what it must lead to.
 *
 *     name absolute-form               begins a vector
 *     rfc 9112 3.2.2
 *     > GET http://a/b HTTP/1.1        a line of the input, with CR LF behind it
 *     >> Host: a                       the same without CR LF
 *     status OK                        any other line is a key and its value
 *
 * In input lines \r \n \t \0 \\ and \xHH are what they are in C, and \{N}c is N times the character c. An empty `>` is
 * an empty line. Lines that begin with # are comments.
 */
#ifndef WICK_TESTS_LIB_VECTORS_H
#define WICK_TESTS_LIB_VECTORS_H

#include "lib/test.h"

#define VECTOR_ROWS 48
#define VECTOR_INPUT 40000

typedef struct test_vector {
    const char *name;
    const char *file;
    uint8_t input[VECTOR_INPUT];
    size_t input_len;
    struct {
        const char *key, *value;
    } rows[VECTOR_ROWS];
    size_t row_count;
} test_vector;

/* Call fn for each vector in the .txt files of tests/vectors/PART. Fails the case if there is none or one is malformed. */
void test_vectors(const char *part, void (*fn)(const test_vector *vector));

/* The value of a key, or NULL. */
const char *test_vector_get(const test_vector *vector, const char *key);

/* The number that is the value of a key, or `fallback`. */
size_t test_vector_number(const test_vector *vector, const char *key, size_t fallback);

/* The status that a name without WICK_ stands for; fails the running case for an unknown name. */
int test_status_named(const test_vector *vector, const char *name);

/* Record a failure of the running case, naming the vector. */
#define VECTOR_FAIL(vector, format, ...) \
    test_fail(__FILE__, __LINE__, "%s: %s: " format, (vector)->file, (vector)->name, __VA_ARGS__)

#endif
