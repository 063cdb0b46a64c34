/*
 * What the table cannot say in a row: grammars, rules between fields, what must not reach the Runtime; and how an error
 * is told. Shared by the reader and the writer.
 */
#include "agent/event_fields.h"

#define CLASS_LETTER 1u /* A-Z a-z */
#define CLASS_TYPE 2u   /* A-Z a-z 0-9 _ . - */
#define CLASS_ROOM 4u   /* CLASS_TYPE and : @ / */
#define CLASS_AGENT 8u  /* a-z 0-9 _ */

/* The classes of a byte: A is upper case, B lower case, C a digit or `_`, D `.` or `-`, E what else a room may have. */
static uint32_t byte_class(uint8_t c)
{
    enum { A = 7, B = 15, C = 14, D = 6, E = 4 };
    static const uint8_t classes[256] = {
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, D, D, E, C, C, C, C, C, C, C, C, C, C, E, 0, 0, 0, 0, 0,
        E, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, 0, 0, 0, 0, C,
        0, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, 0, 0, 0, 0, 0,
    };
    return classes[c];
}

static int all_of_class(const uint8_t *p, size_t len, uint32_t class_bit)
{
    size_t i;
    for (i = 0; i < len; i++)
        if (!(byte_class(p[i]) & class_bit))
            return 0;
    return 1;
}

/* [a-z0-9_]+(\.[a-z0-9_]+)* */
static int is_agent_id(const uint8_t *p, size_t len)
{
    const uint8_t *end = p + len;
    for (;; p++) {
        const uint8_t *word = p;
        while (p < end && (byte_class(*p) & CLASS_AGENT))
            p++;
        if (p == word || p == end || *p != '.')
            return p > word && p == end;
    }
}

static int is_visible(const uint8_t *p, size_t len)
{
    size_t i;
    for (i = 0; i < len; i++)
        if (p[i] <= 0x20 || p[i] >= 0x7F)
            return 0;
    return 1;
}

const char *wick_check_grammar(uint8_t kind, const wick_text *text)
{
    char room[WICK_LIMIT_ID];
    wick_str plain;
    const uint8_t *p;
    if (wick_text_plain(text, room, sizeof room, &plain) != WICK_OK)
        return "too long";
    p = (const uint8_t *)plain.data;
    switch (kind) {
    case WICK_KIND_TYPE:
        if (plain.len && (byte_class(p[0]) & CLASS_LETTER) && all_of_class(p, plain.len, CLASS_TYPE))
            return NULL;
        return "must be a letter, then letters, digits, '_', '.', '-'";
    case WICK_KIND_VISIBLE:
        return is_visible(p, plain.len) ? NULL : "must be visible ASCII characters";
    case WICK_KIND_AGENT:
        return is_agent_id(p, plain.len) ? NULL : "must be words of a-z, 0-9, '_', joined by '.'";
    case WICK_KIND_ROOM:
        return all_of_class(p, plain.len, CLASS_ROOM) ? NULL : "must be letters, digits, '_', '.', ':', '@', '/', '-'";
    default:
        return NULL;
    }
}

const char *wick_check_envelope(const wick_envelope *head, const wick_message *message, uint32_t *row)
{
    if (head->first_seq > head->seq) {
        *row = WICK_AT_envelope_first_seq;
        return "above seq";
    }
    if (message && (message->flags & WICK_MESSAGE_REPLY) && !head->re.data) {
        *row = WICK_AT_envelope_re;
        return "required";
    }
    return NULL;
}

const char *wick_check_payload(const wick_message *message, const void *payload, uint32_t *row)
{
    if (message->fields == WICK_STRUCT_agent_action) {
        const wick_agent_action *action = (const wick_agent_action *)payload;
        *row = WICK_AT_agent_action_name;
        if (action->phase == WICK_PHASE_START && !action->name.data)
            return "required at start";
    } else if (message->fields == WICK_STRUCT_agent_state) {
        const wick_agent_state *state = (const wick_agent_state *)payload;
        *row = WICK_AT_agent_state_snapshot;
        if (!state->snapshot.data == !state->patch.data)
            return "exactly one of snapshot and patch required";
    }
    return NULL;
}

int wick_identity_field(const wick_text *name)
{
    static const wick_str names[] = {{"surface", 7}, {"mode", 4},  {"user", 4},                {"user_id", 7},
                                     {"user_role", 9}, {"roles", 5}, {"conversation_state", 18}, {"token", 5}};
    size_t i;
    for (i = 0; i < sizeof names / sizeof *names; i++)
        if (wick_text_is(name, names[i].data, names[i].len))
            return 1;
    return 0;
}

static const wick_json_config trusted = {sizeof trusted, WICK_JSON_UTF8_KNOWN | WICK_JSON_LONE_SURROGATES,
                                         WICK_JSON_DEPTH_MAX, NULL};

int wick_input_leaks(const wick_text *input)
{
    wick_json_reader reader;
    wick_json_token token;
    if (!input->data || input->form != WICK_TEXT_JSON)
        return 0;
    wick_json_reader_init(&reader, &trusted, input->data, input->len);
    if (wick_json_next(&reader, &token) != WICK_OK || token.type != WICK_JSON_OBJECT)
        return 0;
    while (wick_json_next(&reader, &token) == WICK_OK && token.type == WICK_JSON_KEY) {
        if (wick_identity_field(&token.text))
            return 1;
        if (wick_json_value(&reader, NULL) != WICK_OK)
            break;
    }
    return 0;
}

int wick_all_numbers(const wick_text *object)
{
    wick_json_reader reader;
    wick_json_token token;
    wick_json_reader_init(&reader, &trusted, object->data, object->len);
    wick_json_next(&reader, &token);
    while (wick_json_next(&reader, &token) == WICK_OK && token.type == WICK_JSON_KEY)
        if (wick_json_next(&reader, &token) != WICK_OK || token.type != WICK_JSON_NUMBER)
            return 0;
    return 1;
}

void wick_event_path(wick_event_error *error, const wick_fields *const *fields, const uint32_t *rows, uint32_t count)
{
    size_t at = 0;
    uint32_t i;
    for (i = 0; i < count; i++) {
        const wick_name *name = &fields[i]->field[rows[i]].name;
        if (at + wick_name_len(name) + 2 > sizeof error->path)
            break;
        if (i > 0)
            error->path[at++] = '.';
        memcpy(error->path + at, wick_name_data(name), wick_name_len(name));
        at += wick_name_len(name);
    }
    error->path[at] = 0;
}

void wick_event_fail(wick_event_error *error, wick_status status, size_t offset)
{
    error->status = status;
    error->offset = offset;
    error->what = wick_status_text(status);
    error->path[0] = 0;
    error->code = status <= WICK_E_JSON_SYNTAX && status >= WICK_E_JSON_BOM ? WICK_CODE_INVALID_JSON
                  : status == WICK_E_ENVELOPE                               ? WICK_CODE_INVALID_ENVELOPE
                  : status == WICK_E_PAYLOAD                                ? WICK_CODE_INVALID_PAYLOAD
                  : status == WICK_E_IDENTITY                               ? WICK_CODE_IDENTITY_LEAK
                                                                            : WICK_CODE_INTERNAL;
}

static size_t append_text(char *out, size_t cap, size_t at, const char *text)
{
    while (*text && at + 1 < cap)
        out[at++] = *text++;
    return at;
}

static size_t append_number(char *out, size_t cap, size_t at, size_t value)
{
    char digits[21];
    size_t n = sizeof digits - 1;
    digits[n] = 0;
    do {
        digits[--n] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    return append_text(out, cap, at, digits + n);
}

wick_text wick_event_error_text(const wick_event_error *error, char *out, size_t cap)
{
    size_t at = 0;
    if (error->path[0]) {
        at = append_text(out, cap, at, error->path);
        at = append_text(out, cap, at, ": ");
    } else if (error->code == WICK_CODE_INVALID_JSON) {
        at = append_text(out, cap, at, "byte ");
        at = append_number(out, cap, at, error->offset);
        at = append_text(out, cap, at, ": ");
    }
    at = append_text(out, cap, at, error->what ? error->what : "");
    if (cap)
        out[at] = 0;
    return wick_text_of(out, at);
}
