/*
 * Write a message from its struct by the table, checked like one that is read.
 *
 * Names stand in the table as `,"name":`, so that the constant parts are copied, comma and quotes included. The first
 * member of an object leaves its comma out.
 */
#include "agent/event_write.h"

static void fail_row(wick_writing *w, wick_status status, uint32_t row, const char *what)
{
    const wick_fields *fields[WICK_WRITE_FRAMES_MAX + 1];
    uint32_t rows[WICK_WRITE_FRAMES_MAX + 1], count = 0, i;
    if (w->error->status != WICK_OK)
        return;
    wick_event_fail(w->error, status, 0);
    w->error->what = what;
    if (w->in_payload) {
        fields[count] = &wick_struct_fields[WICK_STRUCT_envelope];
        rows[count++] = WICK_AT_envelope_payload;
    }
    for (i = 0; i <= w->depth; i++) {
        fields[count] = w->frame[i].fields;
        rows[count++] = i < w->depth ? w->frame[i].row : row;
    }
    wick_event_path(w->error, fields, rows, count);
}

static void wrong_row(wick_writing *w, uint32_t row, const char *what)
{
    fail_row(w, w->status, row, what);
}

static int64_t load_int(const uint8_t *base, const wick_field *field)
{
    int64_t value;
    memcpy(&value, base + field->offset, sizeof value);
    return value;
}

/* Whether a member that is no NEST has something to write. */
static int has_value(const wick_fields *fields, const uint8_t *base, uint32_t row)
{
    const wick_field *field = &fields->field[row];
    uint32_t present;
    memcpy(&present, base, sizeof present);
    switch (field->kind) {
    case WICK_KIND_ALIAS:
        return 0;
    case WICK_KIND_INT:
        return (int)(present >> row & 1) || load_int(base, field) != 0;
    case WICK_KIND_BOOL:
        return (int)(present >> row & 1) || base[field->offset] != 0;
    case WICK_KIND_ENUM:
        return base[field->offset] != 0;
    default:
        return wick_field_text_const(base, field)->data != NULL;
    }
}

/* Whether an object has anything in it, itself or in an object that is nested in it. */
static int nest_has_value(const wick_fields *fields, const uint8_t *base)
{
    uint32_t i, j;
    for (i = 0; i < fields->count; i++) {
        const wick_field *field = &fields->field[i];
        const wick_fields *inner = &wick_struct_fields[field->extra];
        if (field->kind != WICK_KIND_NEST && has_value(fields, base, i))
            return 1;
        for (j = 0; field->kind == WICK_KIND_NEST && j < inner->count; j++)
            if (inner->field[j].kind != WICK_KIND_NEST && has_value(inner, base + field->offset, j))
                return 1;
    }
    return 0;
}

static void put_name(wick_writing *w, const wick_name *name)
{
    wick_put *put = &w->put;
    const char *text = name->text + w->first;
    size_t len = name->len - (size_t)w->first;
    w->first = 0;
    if (WICK_LIKELY((size_t)(put->end - put->p) >= sizeof name->text)) {
        memcpy(put->p, text, sizeof name->text - 1);
        put->p += len;
    } else {
        wick_put_bytes(put, text, len);
    }
}

/* A value of the table's own, such as a type or an ENUM's, with its quotes. */
static void put_quoted(wick_writing *w, const wick_name *name)
{
    if (WICK_LIKELY((size_t)(w->put.end - w->put.p) >= sizeof name->text)) {
        memcpy(w->put.p, name->text + 1, sizeof name->text - 2);
        w->put.p += name->len - 2;
    } else {
        wick_put_bytes(&w->put, name->text + 1, (size_t)name->len - 2);
    }
}

/* Whether text may stand in a row as a string; else what is wrong. */
static const char *check_text(const wick_field *field, const wick_text *text)
{
    int64_t len;
    if (text->form == WICK_TEXT_JSON)
        return field->kind == WICK_KIND_MISSION ? NULL : "string expected";
    len = (int64_t)wick_text_plain_len(text);
    if (len < field->min)
        return "must not be empty";
    if (len > field->max && field->kind != WICK_KIND_CUT)
        return "too long";
    if (field->kind >= WICK_KIND_TYPE && field->kind <= WICK_KIND_ROOM)
        return wick_check_grammar(field->kind, text);
    return NULL;
}

/* Whether JSON may stand in a row; else what is wrong. Its first byte tells the kind, its grammar is checked by put. */
static const char *check_json(const wick_field *field, const wick_text *text)
{
    char first = text->len ? text->data[0] : 0;
    int64_t number;
    if ((int64_t)text->len > field->max)
        return "too long";
    switch (field->kind) {
    case WICK_KIND_MISSION:
        return wick_json_int64(text, &number) == WICK_OK ? NULL : "string or integer expected";
    case WICK_KIND_NUMBER:
        return first == '-' || (first >= '0' && first <= '9') ? NULL : "number expected";
    case WICK_KIND_NUMBERS:
    case WICK_KIND_OBJECT:
    case WICK_KIND_INPUT:
        return first == '{' ? NULL : "object expected";
    case WICK_KIND_ARRAY:
        return first == '[' ? NULL : "array expected";
    case WICK_KIND_ANY:
        return NULL;
    default:
        return "string expected";
    }
}

static void write_text(wick_writing *w, uint32_t row)
{
    const struct wick_write_frame *frame = &w->frame[w->depth];
    const wick_field *field = &frame->fields->field[row];
    wick_text text = *wick_field_text_const(frame->base, field);
    const char *what = NULL;
    int is_string = field->kind <= WICK_KIND_MISSION;
    uint32_t level = w->in_payload + w->depth + 1;
    if (field->kind == WICK_KIND_NUMBER)
        text.form = WICK_TEXT_JSON;
    if (text.form == WICK_TEXT_JSON)
        what = check_json(field, &text);
    else if (is_string)
        what = check_text(field, &text);
    else if (field->kind != WICK_KIND_ANY && field->kind != WICK_KIND_INPUT)
        what = "JSON expected";
    if (WICK_UNLIKELY(what != NULL)) {
        wrong_row(w, row, what);
        return;
    }
    if (field->kind == WICK_KIND_CUT && (int64_t)wick_text_plain_len(&text) > field->max) {
        text = wick_text_cut(&text, (size_t)field->max);
        w->cut = row + 1;
    }
    put_name(w, &field->name);
    if (field->kind == WICK_KIND_INPUT && text.form != WICK_TEXT_JSON) {
        wick_put_bytes(&w->put, "{\"text\":", 8);
        wick_put_text(&w->put, &text, level);
        wick_put_byte(&w->put, '}');
    } else {
        wick_put_text(&w->put, &text, level);
    }
    if (WICK_UNLIKELY(w->put.status != WICK_OK))
        fail_row(w, w->put.status, row, wick_status_text(w->put.status));
    else if (field->kind == WICK_KIND_NUMBERS && !wick_all_numbers(&text))
        wrong_row(w, row, "object of numbers expected");
}

static void write_scalar(wick_writing *w, uint32_t row)
{
    const struct wick_write_frame *frame = &w->frame[w->depth];
    const wick_field *field = &frame->fields->field[row];
    uint8_t byte = frame->base[field->offset];
    int64_t value;
    if (field->kind == WICK_KIND_INT) {
        value = load_int(frame->base, field);
        if (value < field->min || value > field->max)
            wrong_row(w, row, "out of range");
        put_name(w, &field->name);
        wick_put_int64(&w->put, value);
    } else if (field->kind == WICK_KIND_BOOL) {
        byte |= w->cut == row && row > 0;
        put_name(w, &field->name);
        wick_put_bytes(&w->put, byte ? "true" : "false", byte ? 4 : 5);
    } else {
        const wick_values *values = &wick_enum_values[field->extra];
        if (byte == 0 || byte > values->count) {
            wrong_row(w, row, "not one of the values that are allowed");
            return;
        }
        put_name(w, &field->name);
        put_quoted(w, &values->value[byte - 1]);
    }
}

/* What there is to do for a row: nothing, a value, or an object of its own. Notes what is required and absent. */
enum row_work { ROW_NOTHING, ROW_TEXT, ROW_SCALAR, ROW_NEST };

static enum row_work row_to_write(wick_writing *w, const struct wick_write_frame *frame, uint32_t row)
{
    const wick_field *field = &frame->fields->field[row];
    int required = (int)((frame->fields->required | frame->fields->filled) >> row & 1);
    if (field->kind == WICK_KIND_NEST) {
        int any = nest_has_value(&wick_struct_fields[field->extra], frame->base + field->offset);
        return any || required ? ROW_NEST : ROW_NOTHING;
    }
    if (field->kind >= WICK_KIND_INT && field->kind <= WICK_KIND_ENUM) {
        int cut = field->kind == WICK_KIND_BOOL && row > 0 && w->cut == row;
        return required || cut || has_value(frame->fields, frame->base, row) ? ROW_SCALAR : ROW_NOTHING;
    }
    if (has_value(frame->fields, frame->base, row))
        return ROW_TEXT;
    if (required)
        wrong_row(w, row, "required");
    return ROW_NOTHING;
}

/* The members of the object in frame 0, and of those nested in it, from the row that is set to the one before `to`. */
static void write_rows(wick_writing *w, uint32_t to)
{
    for (;;) {
        struct wick_write_frame *frame = &w->frame[w->depth];
        uint32_t row = frame->row;
        if (row == (w->depth ? frame->fields->count : to)) {
            if (w->depth == 0)
                return;
            wick_put_byte(&w->put, '}');
            w->first = 0;
            w->depth--;
            w->frame[w->depth].row++;
            continue;
        }
        switch (row_to_write(w, frame, row)) {
        case ROW_TEXT:
            write_text(w, row);
            break;
        case ROW_SCALAR:
            write_scalar(w, row);
            break;
        case ROW_NEST:
            put_name(w, &frame->fields->field[row].name);
            wick_put_byte(&w->put, '{');
            w->first = 1;
            w->depth++;
            w->frame[w->depth].fields = &wick_struct_fields[frame->fields->field[row].extra];
            w->frame[w->depth].base = frame->base + frame->fields->field[row].offset;
            w->frame[w->depth].row = 0;
            continue;
        case ROW_NOTHING:
            break;
        }
        frame->row++;
    }
}

static void write_payload(wick_writing *w, const wick_message *message, const void *payload)
{
    const char *what;
    uint32_t row;
    w->depth = w->cut = 0;
    w->status = WICK_E_PAYLOAD;
    w->frame[0].fields = wick_fields_of(message);
    w->frame[0].base = (const uint8_t *)payload;
    w->frame[0].row = wick_writing_fast_payload(w, message, payload);
    if (w->frame[0].row == 0) {
        wick_put_byte(&w->put, '{');
        w->first = 1;
    }
    write_rows(w, w->frame[0].fields->count);
    wick_put_byte(&w->put, '}');
    w->first = 0;
    what = wick_check_payload(message, payload, &row);
    if (what)
        wrong_row(w, row, what);
    if ((message->flags & WICK_MESSAGE_INVOCATION) && w->error->status == WICK_OK &&
        wick_input_leaks(&((const wick_invocation *)payload)->input))
        fail_row(w, WICK_E_IDENTITY, WICK_AT_invocation_input, "an invocation must not tell who the user is");
}

static void begin_head(wick_writing *w, const wick_envelope *head)
{
    w->status = WICK_E_ENVELOPE;
    w->frame[0].fields = &wick_struct_fields[WICK_STRUCT_envelope];
    w->frame[0].base = (const uint8_t *)head;
}

/* The rows of the envelope from `from` to the one before `to`. */
static void write_head(wick_writing *w, uint32_t from, uint32_t to)
{
    w->frame[0].row = from;
    write_rows(w, to);
}

static void begin_writing(wick_writing *w, uint32_t flags, void *out, size_t cap, wick_event_error *error)
{
    wick_put_begin(&w->put, out, cap, flags);
    w->put.max_depth = WICK_DEFAULT_JSON_DEPTH;
    w->error = error;
    w->depth = w->cut = w->in_payload = 0;
    w->first = 1;
    wick_event_clear(error);
}

static wick_status end_writing(wick_writing *w, const void *out, size_t *len)
{
    *len = 0;
    if (w->error->status != WICK_OK)
        return w->error->status;
    *len = w->put.over + (out ? (size_t)(w->put.p - (const uint8_t *)out) : 0);
    return w->put.over ? WICK_E_SPACE : WICK_OK;
}

static int payload_is_empty(const wick_message *message, const wick_event *event)
{
    if (message->fields == WICK_STRUCT_ping)
        return event->head.payload.data == NULL;
    if (!(message->flags & WICK_MESSAGE_TERSE))
        return 0;
    return !nest_has_value(wick_fields_of(message), (const uint8_t *)&event->as);
}

wick_status wick_event_write_body(const wick_event *event, uint32_t flags, void *out, size_t cap, size_t *len,
                                  wick_event_error *error)
{
    const wick_message *message = wick_message_of(event->type);
    wick_event_error unused;
    wick_writing w;
    const char *what;
    uint32_t row;
    begin_writing(&w, flags, out, cap, error ? error : &unused);
    begin_head(&w, &event->head);
    if (message) {
        put_name(&w, &wick_struct_fields[WICK_STRUCT_envelope].field[WICK_AT_envelope_type].name);
        put_quoted(&w, &message->name);
    } else {
        write_head(&w, WICK_AT_envelope_type, WICK_AT_envelope_type + 1);
    }
    row = wick_writing_fast_head(&w, &event->head);
    if (row < WICK_AT_envelope_payload)
        write_head(&w, row, WICK_AT_envelope_payload);
    if (row < WICK_AT_envelope_first_seq)
        write_head(&w, row > WICK_AT_envelope_payload ? row : WICK_AT_envelope_payload + 1, WICK_AT_envelope_first_seq);
    what = wick_check_envelope(&event->head, message, &row);
    if (what)
        wrong_row(&w, row, what);
    if (!message || message->fields == WICK_STRUCT_ping) {
        write_head(&w, WICK_AT_envelope_payload, WICK_AT_envelope_payload + 1);
        if (message && event->head.payload.len > WICK_LIMIT_PING)
            fail_row(&w, WICK_E_PAYLOAD, WICK_AT_envelope_payload, "too long");
    } else if (!payload_is_empty(message, event)) {
        wick_put_bytes(&w.put, ",\"payload\":", 11);
        w.in_payload = 1;
        write_payload(&w, message, &event->as);
    }
    wick_put_byte(&w.put, '}');
    return end_writing(&w, out, len);
}

wick_status wick_payload_write(wick_type type, const void *payload, uint32_t flags, void *out, size_t cap, size_t *len,
                               wick_event_error *error)
{
    const wick_message *message = wick_message_of(type);
    wick_event_error unused;
    wick_writing w;
    begin_writing(&w, flags, out, cap, error ? error : &unused);
    if (message)
        write_payload(&w, message, payload);
    else
        wick_event_fail(w.error, WICK_E_ARG, 0);
    return end_writing(&w, out, len);
}

size_t wick_event_prefix(uint64_t seq, uint64_t first_seq, void *out)
{
    uint8_t *p = (uint8_t *)out;
    *p++ = '{';
    if (!seq)
        return 1;
    memcpy(p, "\"seq\":", 6);
    p = wick_put_digits(p + 6, seq);
    if (first_seq && first_seq != seq) {
        memcpy(p, ",\"first_seq\":", 13);
        p = wick_put_digits(p + 13, first_seq);
    }
    *p++ = ',';
    return (size_t)(p - (uint8_t *)out);
}

wick_status wick_event_write(const wick_event *event, uint32_t flags, void *out, size_t cap, size_t *len,
                             wick_event_error *error)
{
    uint8_t own[WICK_EVENT_PREFIX_MAX], *prefix = out && cap >= sizeof own ? (uint8_t *)out : own;
    uint64_t seq = event->head.seq > 0 ? (uint64_t)event->head.seq : 0;
    uint64_t first = event->head.first_seq > 0 ? (uint64_t)event->head.first_seq : 0;
    size_t n = wick_event_prefix(seq, first, prefix), body;
    int room = out && cap >= n;
    uint8_t *behind = room ? (uint8_t *)out + n : NULL;
    wick_status status = wick_event_write_body(event, flags, behind, room ? cap - n : 0, &body, error);
    *len = status == WICK_OK || status == WICK_E_SPACE ? n + body : 0;
    if (room && prefix == own)
        memcpy(out, prefix, n);
    return status;
}

wick_status wick_pong_write(const wick_event *ping, void *out, size_t cap, size_t *len)
{
    wick_put put;
    *len = 0;
    if (ping->type != WICK_TYPE_PING)
        return WICK_E_ARG;
    wick_put_begin(&put, out, cap, WICK_JSON_TRUSTED);
    wick_put_bytes(&put, "{\"type\":\"pong\"", 14);
    if (ping->head.id.data) {
        wick_put_bytes(&put, ",\"re\":", 6);
        wick_put_text(&put, &ping->head.id, 1);
    }
    if (ping->head.payload.data) {
        wick_put_bytes(&put, ",\"payload\":", 11);
        wick_put_bytes(&put, ping->head.payload.data, ping->head.payload.len);
    }
    wick_put_byte(&put, '}');
    *len = put.over + (out ? (size_t)(put.p - (uint8_t *)out) : 0);
    return put.over ? WICK_E_SPACE : WICK_OK;
}
