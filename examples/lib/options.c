/*
 * options.c - see options.h.
 */
#include "lib/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/base.h"

static void print_usage(const struct program *program, FILE *to)
{
    const struct option_spec *spec;
    fprintf(to, "usage: %s", program->name);
    for (spec = program->specs; spec->name; spec++) {
        fprintf(to, " [--%s", spec->name);
        if (spec->value)
            fprintf(to, " %s", spec->value);
        fputs(spec->kind == OPTION_LIST ? "]..." : "]", to);
    }
    fprintf(to, "%s%s\n%s\n\n", *program->arguments ? " " : "", program->arguments, program->about);
    for (spec = program->specs; spec->name; spec++) {
        int width = fprintf(to, "  --%s%s%s", spec->name, spec->value ? " " : "", spec->value ? spec->value : "");
        fprintf(to, "%*s%s\n", width < 28 ? 28 - width : 2, "", spec->help);
    }
    fprintf(to, "  %-26s%s\n  %-26s%s\n", "--help", "print this and exit", "--version", "print the version and exit");
}

void options_wrong(const struct program *program, const char *format, ...)
{
    va_list args;
    fprintf(stderr, "%s: ", program->name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    print_usage(program, stderr);
    exit(2);
}

static int parse_number(const char *text, uint64_t max, uint64_t *out)
{
    char *end;
    unsigned shift = 0;
    if (*text < '0' || *text > '9')
        return -1;
    unsigned long long value = strtoull(text, &end, 10);
    if (value == UINT64_MAX)
        return -1;
    if (*end == 'K' || *end == 'k')
        shift = 10;
    else if (*end == 'M' || *end == 'm')
        shift = 20;
    else if (*end == 'G' || *end == 'g')
        shift = 30;
    if (shift)
        end++;
    if (*end || value > (UINT64_MAX >> shift) || (max && (value << shift) > max))
        return -1;
    *out = (uint64_t)value << shift;
    return 0;
}

static void store(const struct program *program, const struct option_spec *spec, const char *value)
{
    struct option_list *list;
    switch (spec->kind) {
    case OPTION_FLAG:
        *(int *)spec->target = 1;
        return;
    case OPTION_TEXT:
        *(const char **)spec->target = value;
        return;
    case OPTION_NUMBER:
        if (parse_number(value, spec->max, spec->target) < 0)
            options_wrong(program, "--%s: '%s' is not a number that is allowed here", spec->name, value);
        return;
    case OPTION_LIST:
        list = spec->target;
        list->values = realloc(list->values, (list->count + 1) * sizeof *list->values);
        if (!list->values)
            options_wrong(program, "out of memory");
        list->values[list->count++] = value;
        return;
    }
}

static const struct option_spec *find_option(const struct program *program, const char *word, size_t len)
{
    for (const struct option_spec *spec = program->specs; spec->name; spec++)
        if (strlen(spec->name) == len && memcmp(spec->name, word, len) == 0)
            return spec;
    return NULL;
}

static void print_and_exit(const struct program *program, const char *word)
{
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        print_usage(program, stdout);
        exit(0);
    }
    if (strcmp(word, "--version") == 0) {
        printf("%s %s\n", program->name, WICK_VERSION);
        exit(0);
    }
}

/* Take the option at argv[*at], with its value; *at is moved on. */
static void take_option(const struct program *program, int argc, char **argv, int *at)
{
    const char *word = argv[(*at)++];
    print_and_exit(program, word);
    size_t len = strcspn(word, "=");
    const struct option_spec *spec = len > 2 && word[1] == '-' ? find_option(program, word + 2, len - 2) : NULL;
    if (!spec)
        options_wrong(program, "unknown option '%s'", word);
    if (spec->kind == OPTION_FLAG && word[len])
        options_wrong(program, "--%s takes no value", spec->name);
    if (spec->kind == OPTION_FLAG)
        store(program, spec, NULL);
    else if (word[len])
        store(program, spec, word + len + 1);
    else if (*at < argc)
        store(program, spec, argv[(*at)++]);
    else
        options_wrong(program, "--%s needs a value", spec->name);
}

int options_parse(const struct program *program, int argc, char **argv)
{
    int at = 1, kept = 1, plain = 0;
    while (at < argc) {
        if (!plain && strcmp(argv[at], "--") == 0) {
            plain = 1;
            at++;
        } else if (!plain && argv[at][0] == '-' && argv[at][1] != '\0') {
            take_option(program, argc, argv, &at);
        } else {
            argv[kept++] = argv[at++]; /* never ahead of what is read */
        }
    }
    if (kept > 1 && !*program->arguments)
        options_wrong(program, "unexpected argument '%s'", argv[1]);
    memmove(argv + (argc - kept + 1), argv + 1, (size_t)(kept - 1) * sizeof *argv);
    return argc - kept + 1;
}
