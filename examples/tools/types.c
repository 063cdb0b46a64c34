/*
 * types - write the TypeScript types of every message of the protocol, from the field table.
 *
 * What it prints is examples/web/wick-messages.d.ts; tests/check/types.sh keeps the two together:
 *
 *     cc -std=c99 -Iinclude -o types examples/tools/types.c && ./types > examples/web/wick-messages.d.ts
 */
#include <stdio.h>
#include <string.h>

#include "wick/event_table.h"

struct row {
    const char *name, *kind, *need, *extra, *doc;
};

#define ROW(fields, member, name, kind, need, min, max, extra, doc) { name, #kind, #need, #extra, doc },
#define ROWS(fields)                                                                                                   \
    static const struct row rows_##fields[] = { WICK_FIELDS_##fields(ROW) { NULL, NULL, NULL, NULL, NULL } };
WICK_STRUCT_MAP(ROWS)

struct definition {
    const char *name;
    const struct row *rows;
};

#define DEFINITION(fields) { #fields, rows_##fields },
static const struct definition definitions[] = { WICK_STRUCT_MAP(DEFINITION) };

struct message {
    const char *type, *fields, *doc;
    unsigned by;
};

#define MESSAGE(name, type, fields, by, flags, doc) { type, #fields, doc, by },
static const struct message messages[] = { WICK_MESSAGE_MAP(MESSAGE) };

struct value {
    const char *list, *text;
};

#define VALUE(list, name, text) { #list, text },
#define VALUES(list) WICK_##list##_MAP(VALUE)
static const struct value values[] = { WICK_ENUM_MAP(VALUES) };

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* agent_token is WickAgentToken. */
static void print_name(const char *name)
{
    int capital = 1;
    printf("Wick");
    for (; *name; name++) {
        if (*name != '_')
            putchar(capital && *name >= 'a' && *name <= 'z' ? *name - 'a' + 'A' : *name);
        capital = *name == '_';
    }
}

static void print_values(const char *list)
{
    const char *between = "";
    for (size_t i = 0; i < COUNT(values); i++) {
        if (strcmp(values[i].list, list) != 0)
            continue;
        printf("%s'%s'", between, values[i].text);
        between = " | ";
    }
}

static void print_kind(const struct row *row)
{
    static const char *const kinds[][2] = {
        { "STRING", "string" }, { "CUT", "string" }, { "TYPE", "string" }, { "VISIBLE", "string" },
        { "AGENT", "string" }, { "ROOM", "string" }, { "MISSION", "number | string" }, { "INT", "number" },
        { "BOOL", "boolean" }, { "NUMBER", "number" }, { "ANY", "unknown" }, { "OBJECT", "Record<string, unknown>" },
        { "NUMBERS", "Record<string, number>" }, { "ARRAY", "unknown[]" },
        { "INPUT", "Record<string, unknown> | string" },
    };
    if (strcmp(row->kind, "ENUM") == 0)
        print_values(row->extra);
    else if (strcmp(row->kind, "NEST") == 0)
        print_name(row->extra);
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (strcmp(row->kind, kinds[i][0]) == 0)
            printf("%s", kinds[i][1]);
}

static void print_definition(const struct definition *definition)
{
    printf("export interface ");
    print_name(definition->name);
    printf(" {\n");
    for (const struct row *row = definition->rows; row->name; row++) {
        if (strcmp(row->kind, "ALIAS") == 0)
            continue; /* another name for the same: nobody needs to write it */
        printf("    /** %s */ %s%s: ", row->doc, row->name, strcmp(row->need, "OPTIONAL") == 0 ? "?" : "");
        print_kind(row);
        printf(";\n");
    }
    printf("}\n\n");
}

/* Whether it goes between Experience and Runtime, which no client sees. */
static int is_inner(const struct message *message)
{
    return strncmp(message->type, "runtime.", 8) == 0;
}

static void print_messages(const char *name, const char *doc, unsigned by, int inner)
{
    printf("/** %s */\nexport interface %s {\n", doc, name);
    for (size_t i = 0; i < COUNT(messages); i++) {
        if (!(messages[i].by & by) || is_inner(&messages[i]) != inner)
            continue;
        printf("    /** %s */ '%s': ", messages[i].doc, messages[i].type);
        print_name(messages[i].fields);
        printf(";\n");
    }
    printf("}\n");
}

int main(void)
{
    printf("/** Every message of agent-events v1: made from the field table by examples/tools/types.c. */\n\n");
    for (size_t i = 0; i < COUNT(definitions); i++)
        print_definition(&definitions[i]);
    print_messages("WickServerPayloads", "What a server says to its clients, by type.",
                   WICK_BY_SERVER | WICK_BY_RUNTIME, 0);
    printf("\n");
    print_messages("WickClientPayloads", "What a client says, by type.", WICK_BY_CLIENT, 0);
    printf("\n");
    print_messages("WickRuntimePayloads", "What goes between an Experience and a Runtime, by type.", ~0u, 1);
    return fflush(stdout) != 0 || ferror(stdout);
}
