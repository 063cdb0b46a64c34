/*
 * The reader of test vectors: see vectors.h.
 */
#include "lib/vectors.h"

#include "wick/base.h"

#include <dirent.h>
#include <stdlib.h>

static void vector_add(test_vector *vector, int c)
{
    if (vector->input_len < sizeof vector->input)
        vector->input[vector->input_len++] = (uint8_t)c;
    else
        VECTOR_FAIL(vector, "the input is longer than %d", VECTOR_INPUT);
}

/* One escape or plain character; returns what follows it. */
static const char *vector_character(test_vector *vector, const char *text)
{
    static const char from[] = "rnt0\\", to[] = "\r\n\t\0\\";
    const char *known;
    if (*text != '\\') {
        vector_add(vector, *text);
        return text + 1;
    }
    known = text[1] ? strchr(from, text[1]) : NULL;
    if (known) {
        vector_add(vector, to[known - from]);
        return text + 2;
    }
    if (text[1] == 'x') {
        char digits[3] = {text[2], text[2] ? text[3] : 0, 0};
        uint8_t byte;
        if (test_hex(digits, &byte, 1) == 1) {
            vector_add(vector, byte);
            return text + 4;
        }
    }
    if (text[1] == '{') {
        char *end;
        unsigned long n = strtoul(text + 2, &end, 10);
        if (*end == '}' && end[1]) {
            while (n--)
                vector_add(vector, end[1]);
            return end + 2;
        }
    }
    VECTOR_FAIL(vector, "bad escape %s", text);
    return text + strlen(text);
}

static void vector_line(test_vector *vector, char *line)
{
    if (line[0] == '>') {
        int open = line[1] == '>';
        const char *text = line + 1 + open;
        text += *text == ' ';
        while (*text)
            text = vector_character(vector, text);
        if (!open) {
            vector_add(vector, '\r');
            vector_add(vector, '\n');
        }
        return;
    }
    char *space = strchr(line, ' ');
    if (vector->row_count == VECTOR_ROWS) {
        VECTOR_FAIL(vector, "more than %d rows", VECTOR_ROWS);
        return;
    }
    if (space)
        *space++ = 0;
    vector->rows[vector->row_count].key = line;
    vector->rows[vector->row_count++].value = space ? space : "";
}

/* Returns how many vectors the file has. */
static int vectors_of_file(char *text, const char *file, void (*fn)(const test_vector *vector))
{
    static test_vector vector;
    int count = 0;
    vector.name = NULL;
    vector.file = file;
    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        int begins = strncmp(line, "name ", 5) == 0;
        if (vector.name && (begins || !next)) {
            if (!next && *line && *line != '#')
                vector_line(&vector, line);
            fn(&vector);
            count++;
        }
        if (begins) {
            vector.name = line + 5;
            vector.input_len = vector.row_count = 0;
        } else if (*line && *line != '#' && vector.name && next) {
            vector_line(&vector, line);
        }
    }
    return count;
}

void test_vectors(const char *part, void (*fn)(const test_vector *vector))
{
    char path[600];
    int count = 0;
    struct dirent *entry;
    snprintf(path, sizeof path, "tests/vectors/%s", part);
    DIR *folder = opendir(path);
    while (folder && (entry = readdir(folder)) != NULL) {
        size_t len, n = strlen(entry->d_name);
        if (n < 4 || strcmp(entry->d_name + n - 4, ".txt") != 0)
            continue;
        snprintf(path, sizeof path, "tests/vectors/%s/%s", part, entry->d_name);
        char *text = test_read_file(path, &len);
        if (text)
            count += vectors_of_file(text, entry->d_name, fn);
        free(text);
    }
    if (folder)
        closedir(folder);
    if (count == 0)
        test_fail(__FILE__, __LINE__, "no vector in tests/vectors/%s", part);
}

const char *test_vector_get(const test_vector *vector, const char *key)
{
    for (size_t i = 0; i < vector->row_count; i++)
        if (strcmp(vector->rows[i].key, key) == 0)
            return vector->rows[i].value;
    return NULL;
}

size_t test_vector_number(const test_vector *vector, const char *key, size_t fallback)
{
    const char *value = test_vector_get(vector, key);
    return value ? (size_t)strtoull(value, NULL, 10) : fallback;
}

int test_status_named(const test_vector *vector, const char *name)
{
    static const struct {
        const char *name;
        int value;
    } all[] = {
#define NAMED(name, value, code, section, text) {#name, value},
        WICK_STATUS_MAP(NAMED)
#undef NAMED
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].name, name) == 0)
            return all[i].value;
    VECTOR_FAIL(vector, "no status WICK_%s", name);
    return 0;
}
