/*
 * options.h - the command line from one table: parsing, usage and --help.
 *
 *     static const char *host = "127.0.0.1";
 *     static uint64_t port = 9001;
 *     static const struct option_spec specs[] = {
 *         { "host", "H", "address to listen on", OPTION_TEXT, &host, 0 },
 *         { "port", "N", "port; 0 takes a free one", OPTION_NUMBER, &port, 65535 },
 *         { 0 },
 *     };
 *     static const struct program program = { "echo_server", "", "Sends back every message.", specs };
 *     argument = options_parse(&program, argc, argv);
 */
#ifndef EXAMPLES_OPTIONS_H
#define EXAMPLES_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

enum option_kind {
    OPTION_FLAG,   /* target is int *, set to 1; takes no value */
    OPTION_TEXT,   /* target is const char ** */
    OPTION_NUMBER, /* target is uint64_t *; decimal, up to max, with K, M or G for powers of 1024 */
    OPTION_LIST    /* target is struct option_list *: may be given more than once */
};

/* The values of an option that may be repeated, in the order given. */
struct option_list {
    const char **values;
    size_t count;
};

struct option_spec {
    const char *name;  /* without the dashes */
    const char *value; /* what the usage calls its value; NULL for a flag */
    const char *help;
    enum option_kind kind;
    void *target;
    uint64_t max; /* OPTION_NUMBER: the largest; 0 is UINT64_MAX */
};

struct program {
    const char *name;
    const char *arguments; /* what follows the options, for the usage; "" for none */
    const char *about;
    const struct option_spec *specs; /* ends with a row without a name */
};

/*
 * Read `--name value`, `--name=value` and `--flag`, before and behind the arguments; behind `--` everything is an
 * argument.
 *
 * --help prints the usage to stdout and exits 0; --version prints name and version and exits 0. A wrong option
 * prints what is wrong and the usage to stderr and exits 2. The arguments are moved to the end of argv. Returns the
 * index of the first: argc if there is none. A program that takes no arguments never sees one.
 */
int options_parse(const struct program *program, int argc, char **argv);

/* Print "name: text" and the usage to stderr, and exit 2. */
void options_wrong(const struct program *program, const char *format, ...) __attribute__((format(printf, 2, 3),
noreturn));

#endif
