/*
 * log.c - see log.h. A line is built on the stack and written with one write(), which a pipe takes whole or not at
 * all (POSIX: up to PIPE_BUF bytes).
 */
#include "lib/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static unsigned long lines_dropped;

static size_t escape(const char *text, char *out, size_t cap)
{
    static const char hex[] = "0123456789abcdef";
    size_t len = 0;
    for (; *text && len + 4 < cap; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte >= 0x20 && byte != 0x7f) {
            out[len++] = *text;
            continue;
        }
        out[len++] = '\\';
        out[len++] = 'x';
        out[len++] = hex[byte >> 4];
        out[len++] = hex[byte & 15];
    }
    return len;
}

static int put_line(const char *text)
{
    char line[LOG_LINE];
    struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };
    size_t len = escape(text, line, sizeof line - 1);
    line[len++] = '\n';
    if (poll(&ready, 1, 0) <= 0)
        return -1;
    return write(STDERR_FILENO, line, len) < 0 ? -1 : 0;
}

void log_line(const char *format, ...)
{
    char text[LOG_LINE];
    va_list args;
    int saved = errno;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (lines_dropped) {
        char missing[64];
        snprintf(missing, sizeof missing, "(%lu log lines dropped)", lines_dropped);
        if (put_line(missing) == 0)
            lines_dropped = 0;
    }
    if (lines_dropped || put_line(text) < 0)
        lines_dropped++;
    errno = saved;
}
