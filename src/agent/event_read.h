/*
 * The state of one reading of a message, shared by event_read.c (objects) and event_value.c (fields).
 */
#ifndef WICK_AGENT_EVENT_READ_H
#define WICK_AGENT_EVENT_READ_H

#include "agent/event_fields.h"

#define WICK_FRAMES_MAX 4   /* envelope, payload, usage, cost */
#define WICK_UNKNOWN_MAX 64 /* names of the envelope that are not in the table */

/* An object that is read by a table. */
struct wick_event_frame {
    const wick_fields *fields;
    uint8_t *base; /* the struct it goes into */
    const uint8_t *start;
    uint32_t seen;    /* a bit per row that has come, null and faulty ones too */
    uint32_t present; /* a bit per member that is set */
    uint32_t next;    /* the row that is guessed to come next */
    uint32_t row;     /* the row that is being read */
};

typedef struct wick_reading {
    wick_jscan scan;
    uint32_t flags;
    uint32_t by;
    uint32_t depth; /* of the innermost frame; the outermost is 0 */
    uint32_t floor; /* the depth of the payload's frame */
    uint32_t payload_read;
    wick_event *event; /* NULL if the outermost frame is a payload */
    const wick_message *message;
    wick_event_error *error;
    struct wick_event_frame frame[WICK_FRAMES_MAX];
    uint32_t unknown_count;
    wick_text unknown[WICK_UNKNOWN_MAX];
} wick_reading;

/* Begin frame `depth` with the object at p. */
void wick_reading_frame(wick_reading *r, uint32_t depth, const uint8_t *p, const wick_fields *fields, void *base);
/* Note an error in a row of the innermost frame, if it is the first. Returns NULL. */
const uint8_t *wick_reading_wrong(wick_reading *r, uint32_t row, const uint8_t *at, const char *what);
/*
 * Read members of the innermost frame as long as they are what is expected: in the order of the table, with no white
 * space, nothing wrong with them. From p, at the quote of a name. Returns behind the last value with *unread 0, or with
 * *unread 1 at the quote of a name that takes a closer look, which may be the first one of a payload that was opened.
 */
const uint8_t *wick_reading_fast(wick_reading *r, const uint8_t *p, int *unread);
/* Read the value at p, which is not null, into the member of a row; behind the value, or NULL if it is not JSON. */
const uint8_t *wick_reading_field(wick_reading *r, uint32_t row, const uint8_t *p);

#endif
