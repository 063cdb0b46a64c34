/*
 * A host for one connection that writes down all it is told, and checks what it is told against the promises of
 * wick/conn.h: the grammar of the events, the pieces of a message, whole frames in on_output, fresh masking keys, memory that
 * is lent and given back.
 *
 * What its callbacks return is decided by `decide`, so that a test can pause, block or fail at any event.
 */
#ifndef WICK_TESTS_LIB_RECORDER_H
#define WICK_TESTS_LIB_RECORDER_H

#include "lib/transcript.h"

/* How messages are received. */
enum {
    WAY_WHOLE,       /* on_message alone */
    WAY_SLICES,      /* on_slice alone */
    WAY_ASK_WHOLE,   /* on_begin is there, and never asks for slices */
    WAY_ASK_SLICES,  /* on_begin always asks for slices */
    WAY_MIXED,       /* on_begin asks for slices for every other message */
    WAY_COUNT
};

/* The callbacks, as decide is told of them. */
typedef enum call {
    CALL_OUTPUT, CALL_MEMORY, CALL_RANDOM, CALL_BEGIN, CALL_MESSAGE, CALL_SLICE, CALL_PING, CALL_PONG, CALL_CLOSE,
    CALL_COUNT
} call;

#define RECORDER_BLOCKS 4

typedef struct recorder {
    wick_conn *conn;               /* where it is now */
    wick_conn_config config;
    wick_conn_callbacks callbacks;
    int way;
    outcome got;
    bytes output;                  /* every byte that went out, as it was */

    /* Called before a callback does anything; what it returns is returned. NULL: 0. on_memory fails if it is not 0. */
    int (*decide)(struct recorder *r, call which);
    void *decide_user;
    int move;                      /* copy the connection to another place before each receive */

    size_t calls[CALL_COUNT];      /* callbacks so far, refused ones too */
    size_t messages, pieces;       /* that were taken */
    int open, open_in_slices;      /* a message has begun */
    uint64_t begin_len;
    int begin_fin;
    int closed;                    /* on_close has come */
    int closing;                   /* we have sent a close frame first */
    int blocked_piece;             /* the last piece was refused */

    uint8_t *blocks[RECORDER_BLOCKS];
    size_t block_sizes[RECORDER_BLOCKS];
    size_t lent_now, lent_most, lent_bytes, lent_bytes_most;
    size_t asked_most;             /* the largest single request */
    uint64_t copied;               /* bytes moved because blocks grew */
    uint8_t key[4];                /* the last one */
    uint64_t keys;                 /* given so far */
} recorder;

/* A connection of this role with the documented defaults, at time 0. */
void recorder_init(recorder *r, wick_role role, int way);
/* Begin anew with the limits and the decisions that are set in *r. */
void recorder_restart(recorder *r, uint64_t now_ms);
/* Send a close frame with code 1000, before anything comes. */
void recorder_close_first(recorder *r);
/* Ends the connection; all memory must have been given back. */
void recorder_free(recorder *r);

/*
 * Feed a stream in pieces, each flush against an unreadable page: cut[i] says that a piece ends before byte i, NULL that
 * there is one piece alone. Goes on after pauses and blocks until all is consumed or the connection has failed, and
 * checks *used, the bytes that are not consumed, and that an error sticks. Fills r->got.
 */
void recorder_feed(recorder *r, const uint8_t *data, size_t len, const uint8_t *cut);

/*
 * Whether the two are the same: NULL, or what differs in words. The part counts only if r received it in slices, and a piece
 * that was refused may be missing at its end.
 */
const char *recorder_differs(const recorder *r, const outcome *want);

const char *recorder_way_name(int way);

#endif
