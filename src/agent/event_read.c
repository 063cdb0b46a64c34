/*
 * Read a message in one pass: the envelope, and in it the payload by the table of its type.
 *
 * Open objects are frames, at most FRAMES_MAX of them (envelope, payload, and what the table nests in it); everything
 * below that is checked as JSON and kept as it stands. In each frame the next row of the table is the guess for the
 * next name, and the name is compared with that one first. A payload that comes before its type is checked, remembered,
 * and read when the envelope has ended.
 *
 * An error of the JSON text ends the reading. Any other error is noted, and reading goes on.
 */
#include "agent/event_read.h"

/* The fields of a path from the outermost frame to a row of the innermost. */
static void fail_at(wick_reading *r, wick_status status, uint32_t row, const uint8_t *at, const char *what)
{
    const wick_fields *fields[WICK_FRAMES_MAX];
    uint32_t rows[WICK_FRAMES_MAX], i;
    if (r->error->status != WICK_OK)
        return;
    wick_event_fail(r->error, status, (size_t)(at - r->scan.begin));
    r->error->what = what;
    for (i = 0; i <= r->depth; i++) {
        fields[i] = r->frame[i].fields;
        rows[i] = i < r->depth ? r->frame[i].row : row;
    }
    wick_event_path(r->error, fields, rows, r->depth + 1);
}

const uint8_t *wick_reading_wrong(wick_reading *r, uint32_t row, const uint8_t *at, const char *what)
{
    int envelope = r->event && r->depth == 0 && row != WICK_AT_envelope_payload;
    fail_at(r, envelope ? WICK_E_ENVELOPE : WICK_E_PAYLOAD, row, at, what);
    return NULL;
}

static int is_invocation(const wick_reading *r)
{
    return r->message && (r->message->flags & WICK_MESSAGE_INVOCATION);
}

/* An error about a name that is not in the table. */
static void fail_name(wick_reading *r, wick_status status, const wick_text *name, const char *what)
{
    if (r->error->status != WICK_OK)
        return;
    wick_event_fail(r->error, status, (size_t)((const uint8_t *)name->data - r->scan.begin));
    r->error->what = what;
}

/* A name of the envelope that is not in the table: it must not come twice. */
static void unknown_in_envelope(wick_reading *r, const wick_text *name)
{
    uint32_t i;
    for (i = 0; i < r->unknown_count; i++)
        if (wick_text_equal(&r->unknown[i], name))
            fail_name(r, WICK_E_ENVELOPE, name, "duplicate key");
    if (r->unknown_count < WICK_UNKNOWN_MAX)
        r->unknown[r->unknown_count++] = *name;
    else
        fail_name(r, WICK_E_ENVELOPE, name, "too many unknown fields");
}

/* A name that is in no row as it stands: it may be one that has escapes. Behind its quote; behind its closing quote. */
static const uint8_t *read_odd_name(wick_reading *r, const uint8_t *p, uint32_t *row)
{
    const wick_fields *fields = r->frame[r->depth].fields;
    wick_jscan_text name;
    uint32_t i;
    *row = fields->count;
    p = wick_jscan_string(&r->scan, p, &name);
    if (!p)
        return NULL;
    for (i = 0; name.text.form == WICK_TEXT_ESCAPED && i < fields->count; i++)
        if (wick_text_is(&name.text, wick_name_data(&fields->field[i].name), wick_name_len(&fields->field[i].name)))
            *row = i;
    if (*row < fields->count)
        return p;
    if (r->event && r->depth == 0)
        unknown_in_envelope(r, &name.text);
    else if (is_invocation(r) && r->depth == r->floor && wick_identity_field(&name.text))
        fail_name(r, WICK_E_IDENTITY, &name.text, "an invocation must not tell who the user is");
    return p;
}

/* The row of the name at p; returns behind its closing quote. *row is the row count if it is not in the table. */
static const uint8_t *read_name(wick_reading *r, const uint8_t *p, uint32_t *row)
{
    const wick_fields *fields = r->frame[r->depth].fields;
    uint32_t i = r->frame[r->depth].next, n;
    for (n = fields->count; n > 0; n--) {
        const wick_name *name;
        if (i >= fields->count)
            i = 0;
        name = &fields->field[i].name;
        if (wick_name_at(name, p, r->scan.end)) {
            *row = i;
            return p + name->len - 3;
        }
        i++;
    }
    return read_odd_name(r, p, row);
}

static const uint8_t *skip_value(wick_reading *r, const uint8_t *p)
{
    return wick_jscan_value(&r->scan, p, r->depth + 1, NULL);
}

void wick_reading_frame(wick_reading *r, uint32_t depth, const uint8_t *p, const wick_fields *fields, void *base)
{
    struct wick_event_frame *frame = &r->frame[depth];
    r->depth = depth;
    frame->fields = fields;
    frame->base = (uint8_t *)base;
    frame->seen = frame->present = frame->next = frame->row = 0;
    frame->start = p;
}

/* Open the object at p inside the innermost frame. */
static const uint8_t *open_frame(wick_reading *r, const uint8_t *p, const wick_fields *fields, void *base)
{
    if (r->depth + 1 >= r->scan.max_depth)
        return wick_jscan_fail(&r->scan, WICK_E_JSON_DEPTH, p);
    wick_reading_frame(r, r->depth + 1, p, fields, base);
    return p + 1;
}

/* What a frame must have, once it has ended. */
static void close_frame(wick_reading *r, const uint8_t *at)
{
    struct wick_event_frame *frame = &r->frame[r->depth];
    const wick_fields *fields = frame->fields;
    uint32_t missing = fields->required, row;
    const char *what;
    if (!(r->flags & WICK_EVENT_FROM_AGENT))
        missing |= fields->filled;
    missing &= ~frame->present;
    memcpy(frame->base, &frame->present, sizeof frame->present);
    if (WICK_UNLIKELY(missing)) {
        for (row = 0; !(missing >> row & 1); row++)
            ;
        wick_reading_wrong(r, row, at, "required");
        return;
    }
    if (r->depth != r->floor || !r->message || r->error->status != WICK_OK)
        return;
    what = wick_check_payload(r->message, frame->base, &row);
    if (what)
        wick_reading_wrong(r, row, at, what);
    if (is_invocation(r) && wick_input_leaks(&((const wick_invocation *)(const void *)frame->base)->input))
        fail_at(r, WICK_E_IDENTITY, WICK_AT_invocation_input, at, "an invocation must not tell who the user is");
}

static const uint8_t *read_payload(wick_reading *r, const uint8_t *p)
{
    const wick_fields *fields;
    const uint8_t *from = p;
    if (p == r->scan.end)
        return wick_jscan_unexpected(&r->scan, p);
    if (*p != '{') {
        wick_reading_wrong(r, WICK_AT_envelope_payload, p, "object expected");
        return skip_value(r, p);
    }
    if (r->message) {
        fields = wick_fields_of(r->message);
        if (fields->count > 0) {
            r->payload_read = 1;
            memset(&r->event->as, 0, fields->size);
            return open_frame(r, p, fields, &r->event->as);
        }
    }
    p = skip_value(r, p);
    if (p)
        r->event->head.payload = wick_jscan_slice(from, p, WICK_TEXT_JSON);
    return p;
}

/* Whether a name has come before. */
static int came_before(wick_reading *r, uint32_t row, const uint8_t *p)
{
    if (!(r->frame[r->depth].seen >> row & 1))
        return 0;
    fail_at(r, r->event && r->depth == 0 ? WICK_E_ENVELOPE : WICK_E_PAYLOAD, row, p, "duplicate key");
    return 1;
}

/* A member: from behind the first quote of its name to behind its value, or into it if it is read as a frame. */
static const uint8_t *read_member(wick_reading *r, const uint8_t *p)
{
    struct wick_event_frame *frame = &r->frame[r->depth];
    const uint8_t *end = r->scan.end, *name = p;
    const wick_field *field;
    uint32_t row;
    p = read_name(r, p, &row);
    if (!p)
        return NULL;
    if (WICK_UNLIKELY(p == end || *p != ':')) {
        p = wick_jscan_space(p, end);
        if (p == end || *p != ':')
            return wick_jscan_unexpected(&r->scan, p);
    }
    p = wick_jscan_space(p + 1, end);
    if (p == end)
        return wick_jscan_unexpected(&r->scan, p);
    if (row == frame->fields->count)
        return skip_value(r, p);
    frame->next = row + 1;
    if (came_before(r, row, name))
        return skip_value(r, p);
    frame->seen |= (uint32_t)1 << row;
    if (*p == 'n')
        return wick_jscan_literal(&r->scan, p);
    field = &frame->fields->field[row];
    frame->row = row;
    if (field->kind == WICK_KIND_NEST && *p == '{') {
        frame->present |= (uint32_t)1 << row;
        return open_frame(r, p, &wick_struct_fields[field->extra], frame->base + field->offset);
    }
    if (r->event && r->depth == 0 && row == WICK_AT_envelope_payload)
        return read_payload(r, p);
    return wick_reading_field(r, row, p);
}

/* Read the members of the frame that has just been opened, to behind its closing brace. */
static const uint8_t *read_frame(wick_reading *r, const uint8_t *p)
{
    const uint32_t floor = r->depth;
    const uint8_t *end = r->scan.end;
    int first = 1;
    while (p) {
        uint32_t depth = r->depth;
        p = wick_jscan_space(p, end);
        if (p < end && *p == '}') {
            p++;
            close_frame(r, p - 1);
            if (r->event && depth == 1)
                r->event->head.payload = wick_jscan_slice(r->frame[1].start, p, WICK_TEXT_JSON);
            if (depth == floor)
                return p;
            r->depth--;
            first = 0;
            continue;
        }
        if (!first) {
            if (p == end || *p != ',')
                return wick_jscan_unexpected(&r->scan, p);
            p = wick_jscan_space(p + 1, end);
        }
        if (p == end || *p != '"')
            return wick_jscan_unexpected(&r->scan, p);
        first = 1;
        p = wick_reading_fast(r, p, &first);
        if (first) {
            depth = r->depth;
            p = read_member(r, p + 1);
            first = r->depth > depth;
        }
    }
    return NULL;
}

/* The object that is the whole text, with nothing but white space around it. */
static const uint8_t *read_root(wick_reading *r, const wick_fields *fields, void *base)
{
    const uint8_t *p = wick_jscan_space(r->scan.begin, r->scan.end);
    wick_reading_frame(r, 0, p, fields, base);
    if (p < r->scan.end && *p == '{') {
        p = read_frame(r, p + 1);
    } else {
        p = wick_jscan_value(&r->scan, p, 0, NULL);
        if (p) {
            wick_event_fail(r->error, r->event ? WICK_E_ENVELOPE : WICK_E_PAYLOAD, 0);
            r->error->what = "object expected";
        }
    }
    if (p) {
        p = wick_jscan_space(p, r->scan.end);
        if (p != r->scan.end)
            p = wick_jscan_fail(&r->scan, WICK_E_JSON_TRAILING, p);
    }
    if (!p)
        wick_event_fail(r->error, r->scan.status, (size_t)(r->scan.at - r->scan.begin));
    return p;
}

/* A payload that came before its type, or did not come at all. */
static void read_late_payload(wick_reading *r)
{
    const wick_fields *fields = wick_fields_of(r->message);
    const wick_text payload = r->event->head.payload;
    const uint8_t *end = r->scan.end, *start = payload.data ? (const uint8_t *)payload.data : end;
    memset(&r->event->as, 0, fields->size);
    if (fields->count == 0)
        return;
    r->frame[0].row = WICK_AT_envelope_payload;
    wick_reading_frame(r, 1, start, fields, &r->event->as);
    if (payload.data) {
        r->scan.end = start + payload.len;
        read_frame(r, start + 1);
        r->scan.end = end;
    } else {
        close_frame(r, end);
    }
    r->depth = 0;
}

/* What concerns the whole message, once it is read. */
static void check_message(wick_reading *r)
{
    const char *what;
    uint32_t row, i;
    r->depth = 0;
    what = wick_check_envelope(&r->event->head, r->message, &row);
    if (what)
        wick_reading_wrong(r, row, r->scan.end, what);
    if (r->message && (r->message->fields == WICK_STRUCT_ping) && r->event->head.payload.len > WICK_LIMIT_PING)
        fail_at(r, WICK_E_PAYLOAD, WICK_AT_envelope_payload, (const uint8_t *)r->event->head.payload.data, "too long");
    for (i = 0; is_invocation(r) && i < r->unknown_count; i++)
        if (wick_identity_field(&r->unknown[i]))
            fail_name(r, WICK_E_IDENTITY, &r->unknown[i], "an invocation must not tell who the user is");
}

/* A message without `type` that is an invocation as it stands. */
static int read_bare(wick_reading *r)
{
    wick_event *event = r->event;
    const uint8_t *end = r->scan.end;
    if (!(r->flags & WICK_EVENT_BARE_INVOCATION) || (r->frame[0].seen >> WICK_AT_envelope_type & 1) ||
        !(r->frame[0].seen >> WICK_AT_envelope_agent_id & 1))
        return 0;
    memset(&event->head, 0, sizeof event->head);
    memset(&event->as.invocation, 0, sizeof event->as.invocation);
    wick_event_clear(r->error);
    r->event = NULL;
    r->floor = 0;
    r->message = wick_message_of(WICK_TYPE_RUNTIME_INVOKE_AGENT);
    event->type = WICK_TYPE_RUNTIME_INVOKE_AGENT;
    while (end[-1] != '}')
        end--;
    event->head.payload = wick_jscan_slice(r->frame[0].start, end, WICK_TEXT_JSON);
    read_root(r, wick_fields_of(r->message), &event->as.invocation);
    return 1;
}

static wick_status begin_reading(wick_reading *r, const wick_event_config *config, const void *data, size_t len,
                                 wick_event_error *error)
{
    static const wick_event_config defaults = {sizeof defaults, 0, 0, 0, NULL};
    wick_status status = WICK_E_CONFIG;
    if (!config)
        config = &defaults;
    r->unknown_count = r->payload_read = 0;
    r->message = NULL;
    r->event = NULL;
    r->error = error;
    wick_event_clear(error);
    if (config->size == sizeof *config) {
        r->flags = config->flags;
        r->by = config->by;
        r->scan.kernels = config->kernels;
        status = wick_jscan_start(&r->scan, config->flags, config->depth, data, len);
    }
    if (status != WICK_OK)
        wick_event_fail(error, status, 0);
    return status;
}

wick_status wick_event_read(const wick_event_config *config, const void *data, size_t len, wick_event *event,
                            wick_event_error *error)
{
    wick_reading r;
    wick_event_error unused;
    error = error ? error : &unused;
    event->type = WICK_TYPE_UNKNOWN;
    memset(&event->head, 0, wick_struct_fields[WICK_STRUCT_envelope].size); /* not a constant: no `rep stos` */
    if (begin_reading(&r, config, data, len, error) != WICK_OK)
        return error->status;
    r.event = event;
    r.floor = 1;
    if (!read_root(&r, &wick_struct_fields[WICK_STRUCT_envelope], &event->head))
        return error->status;
    if (read_bare(&r))
        return error->status;
    if (r.message && !r.payload_read)
        read_late_payload(&r);
    check_message(&r);
    if (error->status != WICK_OK || r.message)
        return error->status;
    if (event->type == WICK_TYPE_UNKNOWN) {
        error->code = WICK_CODE_UNKNOWN_TYPE;
        error->what = wick_status_text(WICK_UNKNOWN_TYPE);
    }
    return WICK_UNKNOWN_TYPE;
}

wick_status wick_payload_read(const wick_event_config *config, wick_type type, const void *data, size_t len,
                              void *payload, wick_event_error *error)
{
    wick_reading r;
    wick_event_error unused;
    error = error ? error : &unused;
    if (begin_reading(&r, config, data, len, error) != WICK_OK)
        return error->status;
    r.message = wick_message_of(type);
    if (!r.message) {
        wick_event_fail(error, WICK_E_ARG, 0);
        return WICK_E_ARG;
    }
    r.floor = 0;
    memset(payload, 0, wick_fields_of(r.message)->size);
    read_root(&r, wick_fields_of(r.message), payload);
    return error->status;
}
