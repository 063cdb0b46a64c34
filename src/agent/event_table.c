/*
 * The table of wick/event_table.h made into constants.
 */
#include "agent/event_fields.h"

/* The bits of 8 bytes that are not among the first len. */
#define SHIFT(len) ((len) < 8 ? (uint8_t)(64 - 8 * (len)) : 0)
#define NAME(text) \
    {",\"" text "\":\"", sizeof(",\"" text "\":") - 1, SHIFT(sizeof(text))}

/* What min, max and extra become per kind; max 0 is no limit. */
#define EXTRA_OF_STRING(extra) 0
#define EXTRA_OF_CUT(extra) 0
#define EXTRA_OF_TYPE(extra) 0
#define EXTRA_OF_VISIBLE(extra) 0
#define EXTRA_OF_AGENT(extra) 0
#define EXTRA_OF_ROOM(extra) 0
#define EXTRA_OF_MISSION(extra) 0
#define EXTRA_OF_INT(extra) 0
#define EXTRA_OF_BOOL(extra) 0
#define EXTRA_OF_ENUM(extra) WICK_LIST_##extra
#define EXTRA_OF_NUMBER(extra) 0
#define EXTRA_OF_ANY(extra) 0
#define EXTRA_OF_OBJECT(extra) 0
#define EXTRA_OF_NUMBERS(extra) 0
#define EXTRA_OF_ARRAY(extra) 0
#define EXTRA_OF_INPUT(extra) 0
#define EXTRA_OF_NEST(extra) WICK_STRUCT_##extra
#define EXTRA_OF_ALIAS(extra) 0

#define MATCH(name, kind) (sizeof(name) + 1 + (WICK_KIND_##kind <= WICK_KIND_ROOM))
#define FIELD_ROW(fields, member, name, kind, need, min, max, extra, doc)                                     \
    {NAME(name), (min), (max) ? (max) : INT64_MAX, (uint16_t)offsetof(wick_##fields, member), WICK_KIND_##kind, \
     EXTRA_OF_##kind(extra), MATCH(name, kind), SHIFT(MATCH(name, kind))},

/* A struct without fields still has an array, so each ends with an empty row. */
#define NO_ROW {{"", 0, 0}, 0, 0, 0, WICK_KIND_ALIAS, 0, 0, 0}
#define WICK_MAKE(fields) static const wick_field rows_##fields[] = {WICK_FIELDS_##fields(FIELD_ROW) NO_ROW};
WICK_STRUCT_MAP(WICK_MAKE)
#undef WICK_MAKE

#define IS_REQUIRED_OPTIONAL 0
#define IS_REQUIRED_FILLED 0
#define IS_REQUIRED_REQUIRED 1
#define IS_FILLED_OPTIONAL 0
#define IS_FILLED_FILLED 1
#define IS_FILLED_REQUIRED 0
#define REQUIRED_BIT(fields, member, name, kind, need, min, max, extra, doc) \
    | ((uint32_t)IS_REQUIRED_##need << WICK_AT_##fields##_##member)
#define FILLED_BIT(fields, member, name, kind, need, min, max, extra, doc) \
    | ((uint32_t)IS_FILLED_##need << WICK_AT_##fields##_##member)

const wick_fields wick_struct_fields[WICK_STRUCT_COUNT] = {
#define WICK_MAKE(fields)                                                     \
    {rows_##fields, WICK_AT_##fields##_count, sizeof(wick_##fields),          \
     0 WICK_FIELDS_##fields(REQUIRED_BIT), 0 WICK_FIELDS_##fields(FILLED_BIT)},
    WICK_STRUCT_MAP(WICK_MAKE)
#undef WICK_MAKE
};

const wick_message wick_messages[WICK_TYPE_COUNT - WICK_TYPE_APPLICATION - 1] = {
#define WICK_MAKE(name, type, fields, by, flags, doc) {NAME(type), WICK_STRUCT_##fields, (by), (flags)},
    WICK_MESSAGE_MAP(WICK_MAKE)
#undef WICK_MAKE
};

#define VALUE_ROW(list, name, text) NAME(text),
#define WICK_MAKE(list) static const wick_name values_##list[] = {WICK_##list##_MAP(VALUE_ROW)};
WICK_ENUM_MAP(WICK_MAKE)
#undef WICK_MAKE

const wick_values wick_enum_values[WICK_LIST_COUNT] = {
#define WICK_MAKE(list) {values_##list, WICK_##list##_COUNT - 1},
    WICK_ENUM_MAP(WICK_MAKE)
#undef WICK_MAKE
};

const char *wick_type_name(wick_type type)
{
    switch (type) {
#define WICK_MAKE(name, text, fields, by, flags, doc) \
    case WICK_TYPE_##name:                            \
        return text;
        WICK_MESSAGE_MAP(WICK_MAKE)
#undef WICK_MAKE
    default:
        return "";
    }
}

#define VALUE_CASE(list, name, text) \
    case WICK_##list##_##name:       \
        return text;
#define WICK_MAKE(list)                                  \
    static const char *enum_text_##list(unsigned value)  \
    {                                                    \
        switch (value) {                                 \
            WICK_##list##_MAP(VALUE_CASE) default : return ""; \
        }                                                \
    }
WICK_ENUM_MAP(WICK_MAKE)
#undef WICK_MAKE

const char *wick_enum_text(wick_list list, unsigned value)
{
    switch (list) {
#define WICK_MAKE(list)     \
    case WICK_LIST_##list:  \
        return enum_text_##list(value);
        WICK_ENUM_MAP(WICK_MAKE)
#undef WICK_MAKE
    default:
        return "";
    }
}

static const struct {
    const char *name;
    uint16_t http;
    uint8_t retryable;
} codes[WICK_CODE_COUNT] = {
    {"", 0, 0},
#define WICK_MAKE(name, http, retryable) {#name, http, retryable},
    WICK_CODE_MAP(WICK_MAKE)
#undef WICK_MAKE
};

static wick_code code_or_none(wick_code code)
{
    return (unsigned)code < WICK_CODE_COUNT ? code : WICK_CODE_NONE;
}

const char *wick_code_name(wick_code code)
{
    return codes[code_or_none(code)].name;
}

unsigned wick_code_http(wick_code code)
{
    return codes[code_or_none(code)].http;
}

int wick_code_retryable(wick_code code)
{
    return codes[code_or_none(code)].retryable;
}

wick_code wick_code_find(const wick_text *name)
{
    unsigned i;
    for (i = 1; i < WICK_CODE_COUNT; i++) {
        const char *end = codes[i].name;
        while (*end)
            end++;
        if (wick_text_is(name, codes[i].name, (size_t)(end - codes[i].name)))
            return (wick_code)i;
    }
    return WICK_CODE_NONE;
}
