/*
 * input.c - see input.h.
 */
#include "wick/input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STDIN_PIECE (64u << 10)

static struct loop *of;
static const struct input_type *calls;
static struct source input;
static char *text; /* what has been read and not taken */
static size_t text_len, text_cap;
static size_t scanned; /* of it there is no line end in the first so many bytes */
static int ended, told;
static int is_file; /* epoll does not take files: they are always ready */
static int stopped;
static unsigned long line_number;

unsigned long input_line_number(void)
{
    return line_number + 1;
}

/* Returns 0, or -1 if the line is still there. */
static int give_line(const char *line, size_t len)
{
    if (calls->on_line(line, len) < 0)
        return -1;
    line_number++;
    return 0;
}

/* Give away the lines that are whole. Returns 0, or -1 if one is still there. */
static int give_lines(void)
{
    size_t at = 0;
    int full = 0;
    while (!full && !stopped) {
        char *end = memchr(text + at + scanned, '\n', text_len - at - scanned);
        if (!end) {
            scanned = text_len - at;
            break;
        }
        full = give_line(text + at, (size_t)(end - text) - at) < 0;
        scanned = full ? (size_t)(end - text) - at : 0;
        if (!full)
            at = (size_t)(end - text) + 1;
    }
    if (at) {
        memmove(text, text + at, text_len - at);
        text_len -= at;
    }
    return full ? -1 : 0;
}

/* Wait for more. */
static void read_more(void)
{
    if (is_file)
        loop_arm(of, &input, of->now_ms);
    else
        loop_change(of, &input, EPOLLIN);
}

void input_go_on(void)
{
    if (!of || stopped || told)
        return;
    if (text_len && give_lines() < 0)
        return;
    if (stopped)
        return;
    if (!ended) {
        read_more();
        return;
    }
    if (text_len && give_line(text, text_len) < 0)
        return;
    text_len = 0;
    told = 1;
    calls->on_end();
}

static void end_input(void)
{
    ended = 1;
    loop_drop(of, &input);
    input_go_on();
}

static void read_input(struct loop *loop)
{
    if (!is_file)
        loop_change(loop, &input, 0);
    if (text_cap - text_len < STDIN_PIECE) {
        size_t cap = text_cap ? text_cap * 2 : STDIN_PIECE * 2;
        char *grown = realloc(text, cap);
        if (!grown) {
            fputs("out of memory: the line is too long\n", stderr);
            end_input();
            return;
        }
        text = grown;
        text_cap = cap;
    }
    ssize_t got = read(STDIN_FILENO, text + text_len, text_cap - text_len);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
        read_more();
        return;
    }
    if (got <= 0) {
        end_input();
        return;
    }
    text_len += (size_t)got;
    input_go_on();
}

static void on_input_ready(struct loop *loop, struct source *source, unsigned events)
{
    (void)source;
    (void)events;
    read_input(loop);
}

static void on_input_due(struct loop *loop, struct source *source)
{
    (void)source;
    read_input(loop);
}

static const struct source_type input_source = { on_input_ready, on_input_due };

void input_begin(struct loop *loop, const struct input_type *type)
{
    of = loop;
    calls = type;
    source_init(&input, &input_source);
    if (loop_watch(loop, &input, STDIN_FILENO, EPOLLIN) == 0)
        return;
    is_file = 1;
    loop_arm(loop, &input, loop->now_ms);
}

void input_stop(void)
{
    if (of && !stopped)
        loop_drop(of, &input);
    stopped = 1;
}

void input_free(void)
{
    free(text);
    text = NULL;
}
