/*
 * input.h - stdin as lines, for commands that send them.
 *
 *     input_begin(&loop, &(struct input_type){ .on_line = on_line, .on_end = on_end });
 *
 * on_line takes a line without its end, or returns -1 because it cannot now: stdin is not read on, and the same line
 * comes again after input_go_on(). The last line needs no line end. on_end follows behind it, once.
 */
#ifndef EXAMPLES_WICK_INPUT_H
#define EXAMPLES_WICK_INPUT_H

#include "lib/loop.h"

struct input_type {
    int (*on_line)(const char *line, size_t len);
    void (*on_end)(void);
};

void input_begin(struct loop *loop, const struct input_type *type);
void input_go_on(void);
/* Read no more. Callbacks do not come any more. */
void input_stop(void);
/* Free what it has made. */
void input_free(void);

/* Lines so far, the one that on_line is looking at included. */
unsigned long input_line_number(void);

#endif
