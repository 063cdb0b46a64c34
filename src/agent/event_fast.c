/*
 * The path that most messages take. It guesses what comes next and takes it only if it is exactly that; at the first
 * surprise it stops where the general reader of event_read.c goes on, so nothing is decided here but the easy cases.
 *
 * Names are compared together with the colon, and for strings the quote, behind them.
 */
#include "agent/event_read.h"

/* Any text, behind its quote, of which `len` bytes are known to be plain. Stores word by word: see fast_text(). */
static const uint8_t *fast_long_text(wick_jscan *scan, const uint8_t *p, size_t len, const wick_field *field,
                                     wick_text *member)
{
    wick_jscan_text text;
    const uint8_t *behind = wick_jscan_long_string(scan, p, p + len, &text);
    if (!behind || (int64_t)text.plain_len < field->min || (int64_t)text.plain_len > field->max)
        return NULL;
    member->data = text.text.data;
    member->len = text.text.len;
    member->form = text.text.form;
    return behind;
}

/*
 * Text, behind its quote. Returns behind its closing quote, or NULL. The member is written from registers: to build a
 * wick_text in memory and copy it as a whole costs more than all the rest, because the copy waits for the stores.
 */
static inline const uint8_t *fast_text(wick_jscan *scan, const uint8_t *p, const wick_field *field, wick_text *member)
{
    const uint8_t *stop = p;
    size_t len, n;
    wick_jscan_mask mask = wick_jscan_block(scan, stop, &len);
    while (!mask && len == WICK_JSCAN_BLOCK) {
        stop += WICK_JSCAN_BLOCK;
        mask = wick_jscan_block(scan, stop, &len);
    }
    if (WICK_LIKELY(mask != 0))
        stop += wick_jscan_first(mask);
    n = (size_t)(stop - p);
    if (WICK_UNLIKELY(!mask || *stop != '"'))
        return fast_long_text(scan, p, n, field, member);
    if (WICK_UNLIKELY((int64_t)n < field->min || (int64_t)n > field->max))
        return NULL;
    member->data = (const char *)p;
    member->len = (uint32_t)n;
    member->form = WICK_TEXT_CLEAN;
    return stop + 1;
}

/* Text of a kind that has a grammar. */
static const uint8_t *fast_word(wick_jscan *scan, const uint8_t *p, const wick_field *field, wick_text *member)
{
    static const wick_text none;
    p = fast_text(scan, p, field, member);
    if (p && wick_check_grammar(field->kind, member)) {
        *member = none;
        return NULL;
    }
    return p;
}

/* An integer of at most 16 digits within its limits. */
static inline const uint8_t *fast_integer(const uint8_t *p, const uint8_t *end, const wick_field *field, uint8_t *base)
{
    const uint8_t *from = p;
    int64_t value = 0;
    if (end - p > 17)
        end = p + 17;
    for (; p < end && (uint8_t)(*p - '0') < 10; p++)
        value = value * 10 + (*p - '0');
    if (p == end || p == from || (*p != ',' && *p != '}') || (*from == '0' && p - from > 1))
        return NULL;
    if (value < field->min || value > field->max)
        return NULL;
    memcpy(base + field->offset, &value, sizeof value);
    return p;
}

/* A type that is in the table and expected from this sender, behind its quote. */
static inline const uint8_t *fast_type(wick_reading *r, const uint8_t *p, const uint8_t *end, wick_text *member)
{
    const wick_message *message = wick_messages;
    uint64_t word;
    int i = WICK_TYPE_APPLICATION + 1;
    if (end - p < 8)
        return NULL;
    word = wick_load64(p);
    while (!wick_name_starts(&message->name, message->name.shift, word) ||
           !wick_name_ends(&message->name, (size_t)message->name.len - 3, p, end)) {
        message++;
        if (++i == WICK_TYPE_COUNT)
            return NULL;
    }
    if (r->by && !(r->by & message->by))
        return NULL;
    r->event->type = (wick_type)i;
    r->message = message;
    member->data = (const char *)p;
    member->len = (uint32_t)wick_name_len(&message->name);
    member->form = WICK_TEXT_CLEAN;
    return p + member->len + 1;
}

/* One of the strings of a list. */
static const uint8_t *fast_enum(const uint8_t *p, const uint8_t *end, const wick_field *field, uint8_t *base)
{
    const wick_values *values = &wick_enum_values[field->extra];
    uint32_t i;
    for (i = 0; *p == '"' && i < values->count; i++)
        if (wick_name_at(&values->value[i], p + 1, end)) {
            base[field->offset] = (uint8_t)(i + 1);
            return p + values->value[i].len - 2;
        }
    return NULL;
}

/* An object that is kept as it stands. If it is wrong the general reader finds that once more. */
static const uint8_t *fast_object(wick_reading *r, const uint8_t *p, const wick_field *field, wick_text *member)
{
    wick_text text;
    const uint8_t *behind;
    if (*p != '{' || (r->depth == 0 && r->event))
        return NULL;
    behind = wick_jscan_value(&r->scan, p, r->depth + 1, &text);
    if (!behind || behind - p > field->max)
        return NULL;
    *member = text;
    return behind;
}

/* The value of a row that is not a STRING, or NULL if it takes a closer look. */
static inline const uint8_t *fast_value(wick_reading *r, const uint8_t *p, const wick_field *field, uint8_t *base)
{
    switch (field->kind) {
    case WICK_KIND_TYPE:
        return fast_type(r, p, r->scan.end, wick_field_text(base, field));
    case WICK_KIND_INT:
        return fast_integer(p, r->scan.end, field, base);
    case WICK_KIND_VISIBLE:
    case WICK_KIND_AGENT:
        return fast_word(&r->scan, p, field, wick_field_text(base, field));
    case WICK_KIND_BOOL:
        if (r->scan.end - p < 5 || memcmp(p, "true", 4) != 0)
            return NULL;
        base[field->offset] = 1;
        return p + 4;
    case WICK_KIND_ENUM:
        return fast_enum(p, r->scan.end, field, base);
    case WICK_KIND_ANY:
    case WICK_KIND_OBJECT:
        return fast_object(r, p, field, wick_field_text(base, field));
    default:
        return NULL;
    }
}

/*
 * Members of the innermost frame. Returns where it stopped: behind the last value, or before the comma of a member that
 * takes a closer look; *value is then the value of that member if its name is in the table, else NULL.
 */
static inline const uint8_t *fast_members(wick_reading *r, const uint8_t *p, int *unread, const uint8_t **value)
{
    struct wick_event_frame *frame = &r->frame[r->depth];
    const uint8_t *end = r->scan.end, *behind, *done = p;
    const wick_field *row = frame->fields->field + frame->next;
    uint32_t i = frame->next, count = frame->fields->count, got = 0;
    *value = NULL;
    while (end - p > 9) {
        uint64_t word = wick_load64(p + 1);
        for (; i < count; i++, row++)
            if (wick_name_starts(&row->name, row->shift, word) && wick_name_ends(&row->name, row->match, p + 1, end))
                break;
        *value = p + 1 + row->match;
        if (WICK_UNLIKELY(i >= count || *value >= end))
            break;
        if (WICK_LIKELY(row->kind == WICK_KIND_STRING))
            behind = fast_text(&r->scan, *value, row, wick_field_text(frame->base, row));
        else
            behind = fast_value(r, *value, row, frame->base);
        if (!behind)
            break;
        got |= (uint32_t)1 << i;
        i++;
        row++;
        done = behind;
        *value = NULL;
        if (end - done < 3 || done[0] != ',' || done[1] != '"')
            break;
        p = done + 1;
    }
    if (got)
        *unread = 0;
    if (i == count)
        *value = NULL;
    else
        frame->next = i; /* where the general reader looks first */
    frame->seen |= got;
    frame->present |= got;
    return done;
}

/* Open the payload of a message whose type is known, if it is that what stands at p. */
static inline int fast_payload(wick_reading *r, const uint8_t *p)
{
    const wick_fields *fields;
    if (!p || !r->event || r->depth != 0 || r->frame[0].next != WICK_AT_envelope_payload || !r->message)
        return 0;
    fields = wick_fields_of(r->message);
    if (r->scan.end - p < 2 || p[0] != '{' || p[1] != '"' || fields->count == 0 || r->scan.max_depth < 2)
        return 0;
    r->frame[0].seen |= (uint32_t)1 << WICK_AT_envelope_payload;
    r->frame[0].row = WICK_AT_envelope_payload;
    r->frame[0].next = WICK_AT_envelope_payload + 1;
    r->payload_read = 1;
    memset(&r->event->as, 0, fields->size);
    wick_reading_frame(r, 1, p, fields, &r->event->as);
    return 1;
}

const uint8_t *wick_reading_fast(wick_reading *r, const uint8_t *p, int *unread)
{
    const uint8_t *value;
    do {
        /* If something that lies ahead has come already, it could come twice. */
        if (WICK_UNLIKELY((uint64_t)r->frame[r->depth].seen >> r->frame[r->depth].next))
            return p;
        p = fast_members(r, p, unread, &value);
        if (!fast_payload(r, value))
            return p;
        p = value + 1;
        *unread = 1;
    } while (1);
}
