/*
 * The state of one writing of a message, shared by event_write.c and its predicted path, event_write_fast.c.
 */
#ifndef WICK_AGENT_EVENT_WRITE_H
#define WICK_AGENT_EVENT_WRITE_H

#include "agent/event_fields.h"
#include "json/put.h"

#define WICK_WRITE_FRAMES_MAX 4 /* envelope or payload, usage, cost */

struct wick_write_frame {
    const wick_fields *fields;
    const uint8_t *base;
    uint32_t row; /* the row to write next; in a path: the row that is written */
};

typedef struct wick_writing {
    wick_put put;
    wick_event_error *error;
    wick_status status; /* of an error in a row: WICK_E_ENVELOPE or WICK_E_PAYLOAD */
    uint32_t in_payload; /* the path starts with `payload` */
    uint32_t depth;
    uint32_t cut; /* the row before this one has been cut */
    int first;    /* no member has been written in the innermost object */
    struct wick_write_frame frame[WICK_WRITE_FRAMES_MAX];
} wick_writing;

/*
 * Write the envelope's rows that the body has, as long as they are easy: absent, or short clean text and numbers within
 * their limits, with room to spare. Returns the row where it stopped, or the row count.
 */
uint32_t wick_writing_fast_head(wick_writing *w, const wick_envelope *head);
/*
 * The same for a payload, with its opening brace, if the type is one of the frequent ones. Returns the row where it
 * stopped; 0 if it has written nothing, not even the brace.
 */
uint32_t wick_writing_fast_payload(wick_writing *w, const wick_message *message, const void *payload);

#endif
