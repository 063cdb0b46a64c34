/*
 * Vectors of bytes: see wire.h.
 */
#include "lib/wire.h"

#include "lib/test.h"

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>

static int hex_value(const char *p)
{
    char pair[3] = {p[0], p[0] ? p[1] : (char)0, 0};
    if (!isxdigit((unsigned char)pair[0]) || !isxdigit((unsigned char)pair[1]))
        return -1;
    return (int)strtol(pair, NULL, 16);
}

static void add_be16(bytes *to, unsigned long v)
{
    uint8_t two[2] = {(uint8_t)(v >> 8), (uint8_t)v};
    bytes_add(to, two, 2);
}

/* One token at *p, which is moved behind it. */
static int one_token(const wire_vector *record, const char **p, bytes *to, size_t *mark)
{
    const char *s = *p;
    char *end;
    int byte;
    if (*s == '"') {
        const char *close = strchr(s + 1, '"');
        if (!close)
            return -1;
        bytes_add(to, s + 1, (size_t)(close - s - 1));
        *p = close + 1;
        return 0;
    }
    if (*s == '^') {
        *mark = to->len;
        *p = s + 1;
        return 0;
    }
    if (*s == '@') {
        add_be16(to, s[1] == '$' ? record->value : strtoul(s + 1, &end, 10));
        *p = s[1] == '$' ? s + 2 : end;
        return 0;
    }
    byte = *s == '$' ? (int)record->value : hex_value(s);
    if (byte < 0)
        return -1;
    *p = s + (*s == '$' ? 1 : 2);
    if (**p != '*') {
        bytes_fill(to, (uint8_t)byte, 1);
        return 0;
    }
    if ((*p)[1] == '$') {
        bytes_fill(to, (uint8_t)byte, record->value);
        *p += 2;
        return 0;
    }
    bytes_fill(to, (uint8_t)byte, strtoul(*p + 1, &end, 10));
    *p = end;
    return 0;
}

int wire_bytes(const wire_vector *record, const char *tokens, bytes *to, size_t *mark)
{
    while (*tokens) {
        if (*tokens == ' ')
            tokens++;
        else if (one_token(record, &tokens, to, mark) != 0)
            return -1;
    }
    return 0;
}

int wire_status(const char *name, size_t len, wick_status *status)
{
#define SAME_NAME(id, value, code, section, text)                              \
    if (sizeof #id - 1 == len && memcmp(name, #id, len) == 0) {                \
        *status = WICK_##id;                                                   \
        return 1;                                                              \
    }
    WICK_STATUS_MAP(SAME_NAME)
#undef SAME_NAME
    return 0;
}

/* ---- Records --------------------------------------------------------------------------------------------------- */

static size_t give_each(wire_vector *record, const char *values, void (*fn)(const wire_vector *))
{
    size_t given = 0, base = strlen(record->name);
    while (*values) {
        char *end;
        unsigned long first = strtoul(values, &end, 0), last = first;
        if (end == values)
            break;
        if (*end == '-')
            last = strtoul(end + 1, &end, 0);
        for (record->value = first; record->value <= last; record->value++, given++) {
            snprintf(record->name + base, sizeof record->name - base, "-%lu", record->value);
            fn(record);
        }
        for (values = end; *values == ' '; values++)
            ;
    }
    return given;
}

static size_t give(wire_vector *record, void (*fn)(const wire_vector *))
{
    const char *each = NULL;
    size_t given = 1;
    if (record->count == 0)
        return 0;
    snprintf(record->name, sizeof record->name, "%s", record->rests[0]);
    if (strcmp(record->keys[0], "test") != 0)
        test_fail(record->file, 0, "a record begins with `%s %s`", record->keys[0], record->rests[0]);
    for (size_t i = 0; i < record->count; i++)
        if (strcmp(record->keys[i], "each") == 0)
            each = record->rests[i];
    if (each)
        given = give_each(record, each, fn);
    else
        fn(record);
    record->count = 0;
    record->value = 0;
    return given;
}

static void add_line(wire_vector *record, char *line)
{
    char *rest = strchr(line, ' ');
    if (record->count == WIRE_LINES) {
        test_fail(record->file, 0, "a record of more than %d lines", WIRE_LINES);
        return;
    }
    if (rest) {
        *rest++ = 0;
        while (*rest == ' ')
            rest++;
    }
    record->keys[record->count] = line;
    record->rests[record->count++] = rest ? rest : "";
}

static size_t read_file(const char *path, void (*fn)(const wire_vector *))
{
    static wire_vector record;
    size_t len, given = 0;
    char *text = test_read_file(path, &len);
    if (!text) {
        test_fail(path, 0, "cannot be read");
        return 0;
    }
    record.file = path;
    record.count = 0;
    for (char *line = text; line;) {
        char *next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        if (*line == 0)
            given += give(&record, fn);
        else if (*line != '#')
            add_line(&record, line);
        line = next;
    }
    given += give(&record, fn);
    free(text);
    return given;
}

static int is_text_file(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);
    return n > 4 && strcmp(entry->d_name + n - 4, ".txt") == 0;
}

size_t wire_vectors(const char *folder, void (*fn)(const wire_vector *record))
{
    struct dirent **names;
    char path[512];
    size_t given = 0;
    int count = scandir(folder, &names, is_text_file, alphasort);
    if (count <= 0)
        test_fail(folder, 0, "holds no vectors");
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
        free(names[i]);
        given += read_file(path, fn);
    }
    if (count >= 0)
        free(names);
    return given;
}
