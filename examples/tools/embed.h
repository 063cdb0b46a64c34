/*
 * embed.h - the files of examples/web as data in a program.
 *
 * The Makefile runs examples/tools/embed.c over them; the table that it writes is linked into every program that names
 * it. A file's name is its name without folders: "index.html".
 */
#ifndef EXAMPLES_TOOLS_EMBED_H
#define EXAMPLES_TOOLS_EMBED_H

#include <stddef.h>

typedef struct embedded_file {
    const char *name;
    const unsigned char *data;
    size_t len;
} embedded_file;

/* The last row has a NULL name. */
extern const embedded_file embedded_files[];

#endif
