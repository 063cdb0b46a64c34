/*
 * log.h - one line an event, on stderr. Never blocks: a line that the reader of a pipe leaves no room for is counted
 * and dropped, and the next one that fits says how many are missing.
 */
#ifndef EXAMPLES_LOG_H
#define EXAMPLES_LOG_H

#include <stddef.h>

/* The longest line, newline included; the rest is cut. A pipe takes so much at once or nothing. */
#define LOG_LINE 4096

/* Write a line. Control characters (line ends among them) come out as \xNN, so that nothing that a peer sends can
 * forge a line. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
