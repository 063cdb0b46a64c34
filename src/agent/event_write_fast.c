/*
 * The path that most messages take on the way out: see event_write.h.
 *
 * For the envelope and the events that come by the thousand the table is expanded to code, a row at a time, so that a
 * name with its comma, colon and quote is one constant to copy and an absent field is one comparison. A row that is not
 * easy stops it, and the general writer goes on from that row.
 */
#include "agent/event_write.h"

#define SHORT_TEXT 32
/* Room for the longest name, a short text or the longest number, and a quote. */
#define ROOM 64

struct fast_rows {
    uint8_t *p;
    uint8_t *end;
    const wick_put *put; /* flags and kernels */
    uint32_t row;        /* where it stopped */
};

static inline int fast_stop(struct fast_rows *s, uint32_t row)
{
    s->row = row;
    return 0;
}

/*
 * A string that is longer, or must be escaped, as long as the longest that could come of it fits. Returns behind it, or
 * NULL. Takes the position and not the struct, so that the compiler may keep that in registers.
 */
static uint8_t *fast_long_string(uint8_t *p, uint8_t *end, const wick_put *like, const char *name, size_t len,
                                 const wick_text *text)
{
    wick_put put = *like;
    if ((size_t)(end - p) / 6 < (size_t)text->len + ROOM)
        return NULL;
    memcpy(p, name, len - 1);
    put.p = p + len - 1;
    put.end = end;
    wick_put_string(&put, (const uint8_t *)text->data, text->len);
    return put.status == WICK_OK ? put.p : NULL;
}

/* `name` is `,"name":"` of len bytes. */
static inline int fast_string(struct fast_rows *s, uint32_t row, const char *name, size_t len, const wick_text *text,
                              size_t min, size_t max)
{
    uint8_t *behind;
    if (text->form > WICK_TEXT_CLEAN || text->len < min || text->len > max || s->end - s->p < ROOM)
        return fast_stop(s, row);
    if (WICK_LIKELY(text->len <= SHORT_TEXT) &&
        WICK_LIKELY(wick_put_clean(s->p + len, (const uint8_t *)text->data, text->len))) {
        memcpy(s->p, name, len);
        s->p[len + text->len] = '"';
        s->p += len + text->len + 1;
        return 1;
    }
    behind = fast_long_string(s->p, s->end, s->put, name, len, text);
    if (!behind)
        return fast_stop(s, row);
    s->p = behind;
    return 1;
}

static inline int fast_int(struct fast_rows *s, uint32_t row, const char *name, size_t len, int64_t value, int64_t min,
                           int64_t max)
{
    if (value < 0 || value < min || value > max || s->end - s->p < ROOM)
        return fast_stop(s, row);
    memcpy(s->p, name, len);
    s->p = wick_put_digits(s->p + len, (uint64_t)value);
    return 1;
}

/* What each kind comes to: 1 if it is written or absent, 0 if it takes a closer look. */
#define FAST_STRING(f, m, name, need, min, max)                                                         \
    (object->m.data ? fast_string(s, WICK_AT_##f##_##m, ",\"" name "\":\"", sizeof(name) + 4, &object->m, \
                                  min, (max) ? (max) : SIZE_MAX)                                        \
                    : FAST_ABSENT(f, m, need))
#define FAST_AGENT(f, m, name, need, min, max)                                                           \
    (object->m.data && wick_check_grammar(WICK_KIND_AGENT, &object->m) ? fast_stop(s, WICK_AT_##f##_##m) \
                                                                        : FAST_STRING(f, m, name, need, min, max))
#define FAST_INT(f, m, name, need, min, max)                                                                    \
    (object->m || (object->present >> WICK_AT_##f##_##m & 1)                                                    \
         ? fast_int(s, WICK_AT_##f##_##m, ",\"" name "\":", sizeof(name) + 3, object->m, min, max)              \
         : FAST_ABSENT(f, m, need))
#define FAST_BOOL(f, m, name, need, min, max) \
    (object->m || (object->present >> WICK_AT_##f##_##m & 1) ? fast_stop(s, WICK_AT_##f##_##m) : 1)
#define FAST_OTHER(f, m, name, need, min, max) (object->m.data ? fast_stop(s, WICK_AT_##f##_##m) : 1)
#define FAST_VISIBLE FAST_OTHER
#define FAST_TYPE FAST_OTHER
#define FAST_ROOM FAST_OTHER
#define FAST_MISSION FAST_OTHER
#define FAST_OBJECT FAST_OTHER

#define FAST_ABSENT(f, m, need) FAST_ABSENT_##need(f, m)
#define FAST_ABSENT_OPTIONAL(f, m) 1
#define FAST_ABSENT_REQUIRED(f, m) fast_stop(s, WICK_AT_##f##_##m)
#define FAST_ABSENT_FILLED(f, m) fast_stop(s, WICK_AT_##f##_##m)

#define FAST_ROW(f, m, name, kind, need, min, max, extra, doc) &&FAST_##kind(f, m, name, need, min, max)

/* What the body writes apart. */
#define IS_APART(m)                                                                               \
    (WICK_AT_envelope_##m == WICK_AT_envelope_seq || WICK_AT_envelope_##m == WICK_AT_envelope_type || \
     WICK_AT_envelope_##m == WICK_AT_envelope_first_seq || WICK_AT_envelope_##m == WICK_AT_envelope_payload)
#define FAST_HEAD_ROW(f, m, name, kind, need, min, max, extra, doc) \
    &&(IS_APART(m) || FAST_##kind(f, m, name, need, min, max))

static int fast_envelope(struct fast_rows *s, const wick_envelope *object)
{
    return 1 WICK_FIELDS_envelope(FAST_HEAD_ROW);
}

#define FAST_STRUCTS(S) S(agent_token) S(agent_thought)
#define WICK_MAKE(fields)                                                          \
    static int fast_##fields(struct fast_rows *s, const wick_##fields *object)     \
    {                                                                              \
        return 1 WICK_FIELDS_##fields(FAST_ROW);                                   \
    }
FAST_STRUCTS(WICK_MAKE)
#undef WICK_MAKE

uint32_t wick_writing_fast_head(wick_writing *w, const wick_envelope *head)
{
    struct fast_rows s = {w->put.p, w->put.end, &w->put, 0};
    int all = fast_envelope(&s, head);
    w->put.p = s.p;
    return all ? WICK_AT_envelope_count : s.row;
}

uint32_t wick_writing_fast_payload(wick_writing *w, const wick_message *message, const void *payload)
{
    struct fast_rows s = {w->put.p, w->put.end, &w->put, 0};
    int all = 0;
    switch (message->fields) {
#define WICK_MAKE(fields)                                        \
    case WICK_STRUCT_##fields:                                   \
        all = fast_##fields(&s, (const wick_##fields *)payload); \
        break;
        FAST_STRUCTS(WICK_MAKE)
#undef WICK_MAKE
    default:
        break;
    }
    if (s.p == w->put.p)
        return 0;
    *w->put.p = '{'; /* for the comma of the first name */
    w->put.p = s.p;
    w->first = 0;
    return all ? wick_fields_of(message)->count : s.row;
}
