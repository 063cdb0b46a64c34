/*
 * The table of wick/event_table.h as data: what the reader and the writer work from.
 */
#ifndef WICK_AGENT_EVENT_FIELDS_H
#define WICK_AGENT_EVENT_FIELDS_H

#include "json/scan.h"
#include "wick/event.h"

enum wick_kind {
    WICK_KIND_STRING,
    WICK_KIND_CUT,
    WICK_KIND_TYPE,
    WICK_KIND_VISIBLE,
    WICK_KIND_AGENT,
    WICK_KIND_ROOM,
    WICK_KIND_MISSION,
    WICK_KIND_INT,
    WICK_KIND_BOOL,
    WICK_KIND_ENUM,
    WICK_KIND_NUMBER,
    WICK_KIND_ANY,
    WICK_KIND_OBJECT,
    WICK_KIND_NUMBERS,
    WICK_KIND_ARRAY,
    WICK_KIND_INPUT,
    WICK_KIND_NEST,
    WICK_KIND_ALIAS
};

/*
 * A name on the wire as `,"name":`, so that it can be written as it is, and compared with its closing quote. Behind it
 * stands a quote more, for a value that is a string.
 */
typedef struct wick_name {
    char text[30];
    uint8_t len;   /* of `,"name":` */
    uint8_t shift; /* bits of the first 8 bytes of `name"` that are not part of it */
} wick_name;

typedef struct wick_field {
    wick_name name;
    int64_t min;
    int64_t max;
    uint16_t offset; /* of the member in its struct */
    uint8_t kind;
    uint8_t extra; /* ENUM: the list; NEST: the struct */
    uint8_t match; /* bytes of `name":`, and of the quote behind it if the value is a string */
    uint8_t shift; /* bits of their first 8 that are not part of them */
} wick_field;

typedef struct wick_fields {
    const wick_field *field;
    uint32_t count;
    uint32_t size;     /* of the C struct */
    uint32_t required; /* a bit per row */
    uint32_t filled;   /* those that an agent may leave to the server */
} wick_fields;

typedef struct wick_message {
    wick_name name;
    uint8_t fields; /* the struct of its payload */
    uint8_t by;
    uint8_t flags;
} wick_message;

typedef struct wick_values {
    const wick_name *value; /* the string of value 1 first */
    uint32_t count;
} wick_values;

/* A struct's place in wick_struct_fields: WICK_STRUCT_agent_token, ... */
enum {
#define WICK_MAKE(fields) WICK_STRUCT_##fields,
    WICK_STRUCT_MAP(WICK_MAKE)
#undef WICK_MAKE
    WICK_STRUCT_COUNT
};

extern const wick_fields wick_struct_fields[WICK_STRUCT_COUNT];
extern const wick_values wick_enum_values[WICK_LIST_COUNT];
/* By wick_type, from the first type of the table. */
extern const wick_message wick_messages[WICK_TYPE_COUNT - WICK_TYPE_APPLICATION - 1];

/* The message of a type that is in the table, or NULL. */
static inline const wick_message *wick_message_of(wick_type type)
{
    if (type <= WICK_TYPE_APPLICATION || type >= WICK_TYPE_COUNT)
        return NULL;
    return &wick_messages[type - WICK_TYPE_APPLICATION - 1];
}

static inline const wick_fields *wick_fields_of(const wick_message *message)
{
    return &wick_struct_fields[message->fields];
}

/* The name alone. */
static inline const char *wick_name_data(const wick_name *name)
{
    return name->text + 2;
}

static inline size_t wick_name_len(const wick_name *name)
{
    return (size_t)name->len - 4;
}

/* Whether a name starts with the 8 bytes that have been loaded from where it is looked for, all but `shift` bits. */
static inline int wick_name_starts(const wick_name *name, unsigned shift, uint64_t word)
{
    uint64_t differ = word ^ wick_load64((const uint8_t *)name->text + 2);
#if WICK_BIG_ENDIAN
    return differ >> shift == 0;
#else
    return differ << shift == 0;
#endif
}

/* Whether the first len bytes behind the name's quote stand at p, 8 of which have been compared or are not to be. */
static inline int wick_name_ends(const wick_name *name, size_t len, const uint8_t *p, const uint8_t *end)
{
    const uint8_t *want = (const uint8_t *)name->text + 2;
    if (len <= 8)
        return 1;
    if ((size_t)(end - p) < len || wick_load64(p + len - 8) != wick_load64(want + len - 8))
        return 0;
    return len <= 16 || wick_load64(p + 8) == wick_load64(want + 8);
}

/* Whether a name with its closing quote stands at p. */
static inline int wick_name_at(const wick_name *name, const uint8_t *p, const uint8_t *end)
{
    size_t len = (size_t)name->len - 3;
    if (WICK_UNLIKELY((size_t)(end - p) < 8))
        return (size_t)(end - p) >= len && memcmp(p, name->text + 2, len) == 0;
    return wick_name_starts(name, name->shift, wick_load64(p)) && wick_name_ends(name, len, p, end);
}

static inline wick_text *wick_field_text(void *base, const wick_field *field)
{
    return (wick_text *)(void *)((uint8_t *)base + field->offset);
}

static inline const wick_text *wick_field_text_const(const void *base, const wick_field *field)
{
    return (const wick_text *)(const void *)((const uint8_t *)base + field->offset);
}

/* What is wrong with a text in plain form of a kind that has a grammar, or NULL. */
const char *wick_check_grammar(uint8_t kind, const wick_text *text);
/* What is wrong between the fields of an envelope or of a payload, or NULL; *row is the field that it is about. */
const char *wick_check_envelope(const wick_envelope *head, const wick_message *message, uint32_t *row);
const char *wick_check_payload(const wick_message *message, const void *payload, uint32_t *row);
/* Whether an invocation's input has a member that tells who the user is. */
int wick_input_leaks(const wick_text *input);
/* Whether all members of an object that has been checked are numbers. */
int wick_all_numbers(const wick_text *object);

/* Say that nothing is wrong. Not memset: the path is long, and only its end matters. */
static inline void wick_event_clear(wick_event_error *error)
{
    error->status = WICK_OK;
    error->code = WICK_CODE_NONE;
    error->offset = 0;
    error->what = "";
    error->path[0] = 0;
}

/* Set an error's path from the rows that lead to a field; `rows` of them. */
void wick_event_path(wick_event_error *error, const wick_fields *const *fields, const uint32_t *rows, uint32_t count);
/* Fill in an error that is about the JSON text or the whole message. */
void wick_event_fail(wick_event_error *error, wick_status status, size_t offset);

#endif
