/*
 * wick/stream_reader.h - readers of a stream: what they want, the next message that is due, its bytes. Comes with
 * wick/stream.h, which is the manual.
 *
 *     wick_reader_init(&reader, &stream, wick_stream_head(&stream));
 *     while (wick_reader_next(&reader, &stream, 0, now_ms, &message) == WICK_OK) {
 *         if (wick_delivery_copy(&message, &stream, scratch, sizeof scratch, &len) != WICK_OK)
 *             break;
 *         send_bytes(conn, scratch, len);
 *         wick_reader_sent(&reader, &message);
 *     }
 */
#ifndef WICK_STREAM_READER_H
#define WICK_STREAM_READER_H

#include "wick/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- What a reader wants --------------------------------------------------------------------------------- */

/** Bytes of patterns for types that are not in the table, each with one byte more. */
#define WICK_WANT_BYTES 180
/** A wick_want as it starts: no pattern yet. */
#define WICK_WANT_NONE {{0, 0, 0, 0}, 0, {0}}

/** The types that a reader wants, as patterns such as `agent.*`. Start with WICK_WANT_NONE. Private, movable. */
typedef struct wick_want {
    uint32_t known[4]; /* a bit per wick_type */
    uint32_t used;
    char text[WICK_WANT_BYTES]; /* patterns, each behind its length, that may match types outside the table */
} wick_want;

/**
 * Add a pattern: a type, in which `*` stands for any characters or none.
 *
 * Returns WICK_OK, WICK_E_ARG if it is longer than 64 bytes or empty, or WICK_E_SPACE if there are too many
 * patterns that may match application types.
 */
WICK_API wick_status wick_want_add(wick_want *want, const char *pattern, size_t len);

/** Whether a type is wanted. NULL wants everything. */
WICK_API int wick_want_has(const wick_want *want, wick_type type, const char *name, size_t len);

/* ---- Readers --------------------------------------------------------------------------------------------- */

#ifndef WICK_DEFAULT_COALESCE_MS
#define WICK_DEFAULT_COALESCE_MS 16u
#endif
/** The largest coalesce_ms that the protocol allows. */
#define WICK_COALESCE_MAX_MS 250u
/** Text at which a merged message is sent. */
#ifndef WICK_MERGE_BYTES
#define WICK_MERGE_BYTES 1024u
#endif
/** The same for a reader with more than WICK_SLOW_BYTES queued, which also waits WICK_COALESCE_MAX_MS. */
#ifndef WICK_MERGE_HARD_BYTES
#define WICK_MERGE_HARD_BYTES 16384u
#endif
/** Queued bytes from which a reader gets fewer and larger messages. */
#ifndef WICK_SLOW_BYTES
#define WICK_SLOW_BYTES (256u << 10)
#endif
/** Queued bytes from which a reader gets nothing. */
#ifndef WICK_STOP_BYTES
#define WICK_STOP_BYTES (4u << 20)
#endif

/** A reader of a stream. Members are private. Movable. About 110 bytes. */
typedef struct wick_reader {
    const wick_want *want;
    uint64_t sent;     /* everything up to here has been sent */
    uint64_t acked;
    uint64_t scanned;  /* everything up to here has been looked at */
    uint64_t first;    /* the open message: its first and last event, or 0 */
    uint64_t last;
    uint64_t deadline;
    wick_stream_place at;       /* of the event `scanned` */
    wick_stream_place first_at;
    wick_stream_place last_at;
    uint32_t group;
    uint32_t since;    /* when its first event was appended */
    uint32_t text;     /* bytes of text in it */
    uint32_t events;   /* events in it */
    uint32_t coalesce_ms;
    uint8_t closed;    /* nothing more can be joined to it */
    uint8_t prompt;    /* it begins a message: send at once */
} wick_reader;

/** A message for one reader. The first four members are for you to read, the rest is private. Movable. */
typedef struct wick_delivery {
    /** The range of events that the message stands for: what lies between the last message and this, to this. */
    uint64_t first_seq;
    uint64_t seq;
    /** Bytes of the message. */
    size_t len;
    /** Its type; WICK_TYPE_UNKNOWN or WICK_TYPE_APPLICATION if it is not in the table. */
    wick_type type;
    /** Events that were merged into it: 1 if none. */
    uint32_t events;
    uint32_t group;
    uint32_t joined; /* the texts of all events, or only the last body */
    wick_stream_place first_at;
    wick_stream_place last_at;
    uint32_t prefix_len;
    char prefix[WICK_EVENT_PREFIX_MAX];
} wick_delivery;

/**
 * Attach a reader behind event `after`: 0 for all that is kept from the start, wick_stream_head() for what comes, or
 * wick_resume.after. It merges with WICK_DEFAULT_COALESCE_MS and wants everything.
 *
 * Returns WICK_OK, or WICK_E_ARG if `after` is beyond the head. A reader whose next event is not kept any more is set
 * up as well: its first wick_reader_next() says WICK_E_STREAM_LOST.
 */
WICK_API wick_status wick_reader_init(wick_reader *reader, wick_stream *stream, uint64_t after);

/** Detach a reader. To be called once for each wick_reader_init(), also for one that is lost. */
WICK_API void wick_reader_leave(wick_reader *reader, wick_stream *stream, uint64_t now_ms);

/**
 * Set how a reader reads, at any time.
 *
 * coalesce_ms   how long events may wait to be merged, at most WICK_COALESCE_MAX_MS (more counts as that); 0 turns
 *               merging off, as long as no more than WICK_SLOW_BYTES are queued
 * want          the types it wants; kept, must outlive the reader; NULL for all
 */
WICK_API void wick_reader_tune(wick_reader *reader, uint32_t coalesce_ms, const wick_want *want);

/**
 * Give the next message that is due.
 *
 * Does not move the reader: call wick_reader_sent() when the message is out, or call this again later, when more may
 * have been merged into it.
 *
 * queued    bytes that wait in the host's own queue for this connection: at WICK_SLOW_BYTES it merges harder, at
 *           WICK_STOP_BYTES it stops reading. A host that reads only when its socket can be written passes 0
 * message   set to the message
 *
 * Returns
 *   WICK_OK              message is due
 *   WICK_MORE            nothing is due; wick_reader_deadline() says when to look again, unless something is appended
 *   WICK_BLOCKED         too much is queued; drain, then call again
 *   WICK_E_STREAM_LOST   the next event has been dropped: send session.reset (slow_consumer) with a snapshot and
 *                        attach anew at the head, or close with 4509
 */
WICK_API wick_status wick_reader_next(wick_reader *reader, wick_stream *stream, size_t queued, uint64_t now_ms,
                                      wick_delivery *message);

/** Move a reader behind a message that wick_reader_next() gave: it is out, or safely in the connection's queue. */
WICK_API void wick_reader_sent(wick_reader *reader, const wick_delivery *message);

/** Give the time at which an event that now waits to be merged is due; WICK_NEVER if none waits. */
WICK_API uint64_t wick_reader_deadline(const wick_reader *reader);

/** Give the cursor of a reader: the number of the last event that was sent or skipped by a message. */
WICK_API uint64_t wick_reader_cursor(const wick_reader *reader);

/**
 * Take a client's ack: it has everything up to seq.
 *
 * Returns WICK_OK, also for one that is behind an earlier ack and changes nothing; WICK_E_ARG if seq is beyond what
 * was sent.
 */
WICK_API wick_status wick_reader_ack(wick_reader *reader, uint64_t seq);

/** Give the number of events that were sent and not acknowledged. Where acks are not used it means nothing. */
WICK_API uint64_t wick_reader_unacked(const wick_reader *reader);

/**
 * Give a message as slices, in order: the reader's prefix, then pieces of the stored bodies.
 *
 * slices, cap   receives the first cap slices; NULL and 0 only count
 *
 * Returns the number of slices of the whole message. If it is more than cap, use a larger array or
 * wick_delivery_copy(). The first slice points into *message. See LIFETIME above.
 */
WICK_API size_t wick_delivery_slices(const wick_delivery *message, const wick_stream *stream, wick_slice *slices,
                                     size_t cap);

/**
 * Copy a message to one piece of memory.
 *
 * out, cap   receives message->len bytes
 * len        set to message->len, whatever is returned
 *
 * Returns WICK_OK, or WICK_E_SPACE if cap is too small: nothing has been written.
 */
WICK_API wick_status wick_delivery_copy(const wick_delivery *message, const wick_stream *stream, void *out, size_t cap,
                                        size_t *len);

#ifdef __cplusplus
}
#endif

#endif
