/*
 * Read one value into the member of its row. A value that the row does not allow is noted as an error, checked as JSON,
 * and leaves the member absent.
 */
#include "agent/event_read.h"

static const uint8_t *wrong_value(wick_reading *r, uint32_t row, const uint8_t *p, const char *what)
{
    wick_reading_wrong(r, row, p, what);
    return wick_jscan_value(&r->scan, p, r->depth + 1, NULL);
}

/* Set a text. What came under another name of the same member must be the same. */
static void set_text(wick_reading *r, uint32_t row, const wick_text *text)
{
    struct wick_event_frame *frame = &r->frame[r->depth];
    const wick_field *field = &frame->fields->field[row];
    wick_text *member = wick_field_text(frame->base, field);
    uint32_t target = field->kind == WICK_KIND_ALIAS ? row - 1 : row;
    if (WICK_UNLIKELY(frame->present >> target & 1) && !wick_text_equal(member, text)) {
        wick_reading_wrong(r, row, (const uint8_t *)text->data, "differs from its other name");
        return;
    }
    *member = *text;
    frame->present |= (uint32_t)1 << target;
}

static void set_byte(wick_reading *r, uint32_t row, uint8_t value)
{
    struct wick_event_frame *frame = &r->frame[r->depth];
    frame->base[frame->fields->field[row].offset] |= value; /* a flag that a CUT has set stays */
    frame->present |= (uint32_t)1 << row;
}

/* Which message a string that is a type names, and whether it is known here. */
static void find_message(wick_reading *r, const wick_text *name)
{
    wick_text start = wick_text_cut(name, 2);
    int i;
    r->event->type = WICK_TYPE_UNKNOWN;
    for (i = WICK_TYPE_APPLICATION + 1; i < WICK_TYPE_COUNT; i++) {
        const wick_message *message = wick_message_of((wick_type)i);
        if (!wick_text_is(name, wick_name_data(&message->name), wick_name_len(&message->name)))
            continue;
        if (r->by && !(r->by & message->by))
            return;
        r->event->type = (wick_type)i;
        r->message = message;
        return;
    }
    if (wick_text_is(&start, "x.", 2))
        r->event->type = WICK_TYPE_APPLICATION;
}

/* A type that stands in the table as it is. Returns NULL if it does not. */
static const uint8_t *read_known_type(wick_reading *r, uint32_t row, const uint8_t *p)
{
    int i;
    for (i = WICK_TYPE_APPLICATION + 1; i < WICK_TYPE_COUNT; i++) {
        const wick_message *message = wick_message_of((wick_type)i);
        wick_text text;
        if (!wick_name_at(&message->name, p, r->scan.end))
            continue;
        if (r->by && !(r->by & message->by))
            return NULL;
        text = wick_jscan_slice(p, p + wick_name_len(&message->name), WICK_TEXT_CLEAN);
        r->event->type = (wick_type)i;
        r->message = message;
        set_text(r, row, &text);
        return p + text.len + 1;
    }
    return NULL;
}

/* Check a string against its row, and cut it where that is the rule. Returns what is wrong, or NULL. */
static const char *check_string(wick_reading *r, uint32_t row, const wick_field *field, wick_jscan_text *string)
{
    if (WICK_UNLIKELY((int64_t)string->plain_len < field->min))
        return "must not be empty";
    if (WICK_UNLIKELY((int64_t)string->plain_len > field->max)) {
        if (field->kind != WICK_KIND_CUT)
            return "too long";
        string->text = wick_text_cut(&string->text, (size_t)field->max);
        set_byte(r, row + 1, 1);
    }
    if (field->kind >= WICK_KIND_TYPE && field->kind <= WICK_KIND_ROOM)
        return wick_check_grammar(field->kind, &string->text);
    return NULL;
}

static const uint8_t *read_string(wick_reading *r, uint32_t row, const wick_field *field, const uint8_t *p)
{
    const uint8_t *from = p;
    wick_jscan_text string;
    const char *what = field->kind == WICK_KIND_MISSION ? "string or integer expected" : "string expected";
    if (*p != '"')
        return wrong_value(r, row, p, what);
    if (field->kind == WICK_KIND_TYPE) {
        p = read_known_type(r, row, from + 1);
        if (p)
            return p;
        p = from;
    }
    p = wick_jscan_string(&r->scan, p + 1, &string);
    if (!p)
        return NULL;
    what = check_string(r, row, field, &string);
    if (WICK_UNLIKELY(what != NULL)) {
        wick_reading_wrong(r, row, from, what);
        return p;
    }
    if (field->kind == WICK_KIND_TYPE)
        find_message(r, &string.text);
    set_text(r, row, &string.text);
    return p;
}

/* Digits at p, at most 16 of them, so that nothing overflows. *p is left behind them. */
static uint64_t read_digits(const uint8_t **p, const uint8_t *end)
{
    const uint8_t *at = *p;
    uint64_t value = 0;
    if (end - at > 16)
        end = at + 16;
    for (; at < end && (uint8_t)(*at - '0') < 10; at++)
        value = value * 10 + (uint8_t)(*at - '0');
    *p = at;
    return value;
}

/* Whether the byte at p goes on with a number. */
static int number_goes_on(const uint8_t *p, const uint8_t *end)
{
    return p < end && ((uint8_t)(*p - '0') < 10 || *p == '.' || (*p | 0x20) == 'e');
}

static const uint8_t *read_integer(wick_reading *r, uint32_t row, const wick_field *field, const uint8_t *p)
{
    struct wick_event_frame *frame = &r->frame[r->depth];
    const uint8_t *from = p;
    wick_text text;
    int64_t value;
    if ((uint8_t)(*p - '1') < 9) {
        value = (int64_t)read_digits(&p, r->scan.end);
    } else {
        value = 0;
        p += *p == '0';
    }
    if (WICK_UNLIKELY(p == from || number_goes_on(p, r->scan.end))) {
        if (*from != '-' && (uint8_t)(*from - '0') > 9)
            return wrong_value(r, row, from, "integer expected");
        p = wick_jscan_number(&r->scan, from);
        if (!p)
            return NULL;
        text = wick_jscan_slice(from, p, WICK_TEXT_JSON);
        if (wick_json_int64(&text, &value) == WICK_E_JSON_TYPE)
            return wrong_value(r, row, from, "integer expected");
        if (wick_json_int64(&text, &value) == WICK_E_JSON_RANGE)
            return wrong_value(r, row, from, "out of range");
    }
    if (WICK_UNLIKELY(value < field->min || value > field->max))
        return wrong_value(r, row, from, "out of range");
    memcpy(frame->base + field->offset, &value, sizeof value);
    frame->present |= (uint32_t)1 << row;
    return p;
}

static const uint8_t *read_mission(wick_reading *r, uint32_t row, const wick_field *field, const uint8_t *p)
{
    const uint8_t *from = p;
    wick_text text;
    int64_t value;
    if (*p != '-' && (uint8_t)(*p - '0') > 9)
        return read_string(r, row, field, p);
    p = wick_jscan_number(&r->scan, p);
    if (!p)
        return NULL;
    text = wick_jscan_slice(from, p, WICK_TEXT_JSON);
    if (wick_json_int64(&text, &value) != WICK_OK) {
        wick_reading_wrong(r, row, from, "string or integer expected");
        return p;
    }
    set_text(r, row, &text);
    return p;
}

static const uint8_t *read_bool(wick_reading *r, uint32_t row, const uint8_t *p)
{
    if (*p != 't' && *p != 'f')
        return wrong_value(r, row, p, "true or false expected");
    set_byte(r, row, *p == 't');
    return wick_jscan_literal(&r->scan, p);
}

static const uint8_t *read_enum(wick_reading *r, uint32_t row, const wick_field *field, const uint8_t *p)
{
    const wick_values *values = &wick_enum_values[field->extra];
    const uint8_t *from = p;
    wick_jscan_text string;
    uint32_t i;
    if (*p != '"')
        return wrong_value(r, row, p, "string expected");
    for (i = 0; i < values->count; i++)
        if (wick_name_at(&values->value[i], p + 1, r->scan.end)) {
            set_byte(r, row, (uint8_t)(i + 1));
            return p + values->value[i].len - 2;
        }
    p = wick_jscan_string(&r->scan, p + 1, &string);
    for (i = 0; p && i < values->count; i++)
        if (wick_text_is(&string.text, wick_name_data(&values->value[i]), wick_name_len(&values->value[i]))) {
            set_byte(r, row, (uint8_t)(i + 1));
            return p;
        }
    if (p)
        wick_reading_wrong(r, row, from, "not one of the values that are allowed");
    return p;
}

/* What a value of a kind that is kept as JSON must start with, or NULL if anything is fine. */
static const char *wrong_start(uint8_t kind, uint8_t first)
{
    switch (kind) {
    case WICK_KIND_NUMBER:
        return first == '-' || (uint8_t)(first - '0') < 10 ? NULL : "number expected";
    case WICK_KIND_OBJECT:
    case WICK_KIND_NUMBERS:
    case WICK_KIND_NEST:
        return first == '{' ? NULL : "object expected";
    case WICK_KIND_ARRAY:
        return first == '[' ? NULL : "array expected";
    case WICK_KIND_INPUT:
        return first == '{' || first == '"' ? NULL : "object or string expected";
    default:
        return NULL;
    }
}

static const uint8_t *read_json(wick_reading *r, uint32_t row, const wick_field *field, const uint8_t *p)
{
    const uint8_t *from = p;
    const char *what = wrong_start(field->kind, *p);
    wick_text text;
    p = wick_jscan_value(&r->scan, p, r->depth + 1, &text);
    if (!p)
        return NULL;
    if (!what && (p - from > field->max))
        what = "too long";
    if (!what && field->kind == WICK_KIND_NUMBERS && !wick_all_numbers(&text))
        what = "object of numbers expected";
    if (what)
        wick_reading_wrong(r, row, from, what);
    else
        set_text(r, row, &text);
    return p;
}

const uint8_t *wick_reading_field(wick_reading *r, uint32_t row, const uint8_t *p)
{
    const struct wick_event_frame *frame = &r->frame[r->depth];
    const wick_field *field = &frame->fields->field[row];
    if (field->kind == WICK_KIND_ALIAS)
        field--;
    switch (field->kind) {
    case WICK_KIND_STRING:
    case WICK_KIND_CUT:
    case WICK_KIND_TYPE:
    case WICK_KIND_VISIBLE:
    case WICK_KIND_AGENT:
    case WICK_KIND_ROOM:
        return read_string(r, row, field, p);
    case WICK_KIND_MISSION:
        return read_mission(r, row, field, p);
    case WICK_KIND_INT:
        return read_integer(r, row, field, p);
    case WICK_KIND_BOOL:
        return read_bool(r, row, p);
    case WICK_KIND_ENUM:
        return read_enum(r, row, field, p);
    default:
        return read_json(r, row, field, p);
    }
}
