/*
 * wick/stream.h - the stream log: the numbered events of a session, kept for a while and read by any number of readers.
 *
 * A stream is an append-only log with an epoch. Each event has the number `seq`, one more than the one before. Readers
 * read at their own pace from a cursor (epoch, seq), so a client that was cut off goes on where it was, on any
 * transport. The log is the queue: nothing is queued per reader, and a slow one costs no more than a fast one.
 *
 * Events live in blocks of one pool that all streams share. A stream that has said nothing holds no block, a busy one
 * can keep its whole window. The pool, a stream and a reader:
 *
 *     wick_pool_init(&pool, &pool_config, memory, wick_pool_size(&pool_config));
 *     wick_stream_init(&stream, &pool, NULL, epoch, now_ms);
 *     wick_reader_init(&reader, &stream, wick_stream_head(&stream));
 *
 * Append an event, then let each reader send what is due. The body is stored once; a message is a short list of slices
 * of it behind the reader's own prefix:
 *
 *     status = wick_stream_append(&stream, &event, 0, now_ms, &seq);
 *     while (wick_reader_next(&reader, &stream, bytes_queued(conn), now_ms, &message) == WICK_OK) {
 *         if (!send_message(conn, &stream, &message))
 *             break;
 *         wick_reader_sent(&reader, &message);
 *     }
 *     wake_at(wick_reader_deadline(&reader));
 *
 *     static int send_message(void *conn, const wick_stream *stream, const wick_delivery *message)
 *     {
 *         wick_slice slices[15];
 *         size_t count = wick_delivery_slices(message, stream, slices, 15), len;
 *         if (count <= 15)
 *             return send_slices(conn, slices, count);
 *         return wick_delivery_copy(message, stream, scratch, sizeof scratch, &len) == WICK_OK
 *             && send_bytes(conn, scratch, len);
 *     }
 *
 * LIFETIME. A delivery and its slices are good until the next call that changes any stream of the pool: an append, a
 * trim, the end of a stream. Write them out, or copy what the socket does not take, before that. Nothing is pinned, so
 * a write in flight never holds up the log.
 *
 * MERGING happens on the way out, for each reader by itself. Adjacent events of the same kind become one message that
 * stands for first_seq to seq:
 *
 *     agent.token, agent.thought       of the same message: their texts one behind the other
 *     agent.action, phase args         of the same call: their args_delta one behind the other
 *     agent.usage, coordinator.metrics the later one in place of the earlier one, of the same invocation
 *     agent.progress                   the same, of the same step
 *     agent.status                     the same, of the same agent
 *
 * "The same" means that the stored bodies are the same bytes but for `ts`, the text, and a closing `"done":true`; for
 * the last three lines the envelope without `ts`, and the step or agent. Everything else is a barrier: it goes alone,
 * and what stands before it goes first. Events that the reader does not want are not there for it, and no barrier.
 * The first piece of a message is sent at once, with whatever can be joined to it already. Later ones are held until
 * the oldest is coalesce_ms old, or their text has WICK_MERGE_BYTES, or something that cannot be joined stands behind
 * them. `done:true` ends a message. Pieces are joined as they stand, escapes and all: nothing is cut or rewritten. A
 * merged message carries the `ts` and the seq of its last event.
 *
 * WHEN MEMORY RUNS OUT. A stream drops its oldest events when it has more than max_events or max_bytes. When the pool
 * has no free block, the stream that holds most blocks (within a factor of two) gives up what is oldest: events first,
 * then the kept texts of runs that have ended, then the front of running texts. So a flood eats its own history before
 * that of a quiet neighbour. Only when nothing is left to give does an append fail, with WICK_E_STREAM_FULL, and then
 * the log has not changed. A reader whose next event was dropped is told so (WICK_E_STREAM_LOST) and gets a snapshot:
 * an event is never skipped in silence.
 *
 * THE SNAPSHOT, for session.reset, does not need the log: beside it the stream keeps of each run its ids, its status,
 * the last usage and the text of its messages, in blocks of the same pool. All runs that go on are in it, and the last
 * ended_runs that have ended. Texts are whole as long as those of one stream have no more than text_bytes; above that
 * ended runs go first, the oldest before the others, and then the front of a running text, whose run is then marked
 * `"truncated":true`. The same happens to a run that changes from message to message more than WICK_STREAM_CHANGES
 * times.
 *
 * COST. An append costs the bytes of its event and takes a constant number of steps; a reader looks at each event once
 * and then walks over what it sends. Neither depends on how long the log is. Finding a cursor takes a number of steps
 * that grows with the logarithm of the log's length. wick_pool.steps counts, so that this can be tested.
 *
 * A pool and its streams hold pointers to one another: unlike other objects of wick they must stay where they are
 * from init to free. Readers and deliveries may be moved. A pool and all of its streams belong to one thread at a time.
 */
#ifndef WICK_STREAM_H
#define WICK_STREAM_H

#include "wick/event.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- The pool -------------------------------------------------------------------------------------------- */

#ifndef WICK_DEFAULT_POOL_BLOCKS
#define WICK_DEFAULT_POOL_BLOCKS 16384u
#endif
#ifndef WICK_DEFAULT_POOL_BLOCK_SIZE
#define WICK_DEFAULT_POOL_BLOCK_SIZE 1024u
#endif
#ifndef WICK_DEFAULT_POOL_MAX_BODY
#define WICK_DEFAULT_POOL_MAX_BODY (1u << 20)
#endif
/** The smallest block that can be configured. */
#define WICK_POOL_BLOCK_MIN 512u

/** How large a pool is. */
typedef struct wick_pool_config {
    /** sizeof(wick_pool_config) */
    size_t size;
    /** Blocks for all streams together; default 16384. */
    uint32_t blocks;
    /** Bytes of a block, a multiple of 8 from 512 to 65536; default 1024. A stream that has events holds at least one,
     *  a run in its snapshot another. Each block spends 32 bytes on itself. */
    uint32_t block_size;
    /** The longest body that can be appended; default 1 MiB. The pool has a scratch buffer of this size. */
    uint32_t max_body;
} wick_pool_config;

struct wick_stream;

/** A pool. Members are private, but for those that say otherwise. */
typedef struct wick_pool {
    uint8_t *memory;
    uint8_t *scratch;
    /** For you to read: blocks in all, and blocks that nobody holds. */
    uint32_t block_count;
    uint32_t free_count;
    uint32_t block_size;
    uint32_t max_body;
    uint32_t free_list;
    uint32_t fresh; /* blocks from here on were never used */
    /** For you to read: blocks and events that were looked at so far, a measure of cost. */
    uint64_t steps;
    /** For you to read: events that were dropped because the pool was empty, not because of a stream's own limits. */
    uint64_t evicted;
    struct wick_stream *shelf[33]; /* streams by the logarithm of the blocks that they hold */
} wick_pool;

/** Give the bytes of memory that a pool needs; 0 if the config is wrong. NULL is all defaults. */
WICK_API size_t wick_pool_size(const wick_pool_config *config);

/**
 * Set up a pool in memory of the host's. Does not touch the memory of the blocks yet.
 *
 * config   NULL is all defaults; not kept
 * memory   wick_pool_size() bytes, aligned to 8; in use as long as the pool
 * len      bytes at memory
 *
 * Returns WICK_OK, WICK_E_CONFIG, or WICK_E_SPACE if len is too small.
 */
WICK_API wick_status wick_pool_init(wick_pool *pool, const wick_pool_config *config, void *memory, size_t len);

/* ---- Streams --------------------------------------------------------------------------------------------- */

#ifndef WICK_DEFAULT_STREAM_EVENTS
#define WICK_DEFAULT_STREAM_EVENTS 1024u
#endif
#ifndef WICK_DEFAULT_STREAM_BYTES
#define WICK_DEFAULT_STREAM_BYTES (1u << 20)
#endif
#ifndef WICK_DEFAULT_STREAM_RETAIN_MS
#define WICK_DEFAULT_STREAM_RETAIN_MS 120000u
#endif
#ifndef WICK_DEFAULT_STREAM_TEXT_BYTES
#define WICK_DEFAULT_STREAM_TEXT_BYTES (1u << 20)
#endif
#ifndef WICK_DEFAULT_STREAM_ENDED_RUNS
#define WICK_DEFAULT_STREAM_ENDED_RUNS 32u
#endif

/** How often a run may begin a message, or go back to one, until its snapshot loses the first of them. */
#ifndef WICK_STREAM_CHANGES
#define WICK_STREAM_CHANGES 2048u
#endif

/** What streams keep. Not copied: it must outlive every stream that was set up with it. Zero means the default. */
typedef struct wick_stream_config {
    /** sizeof(wick_stream_config) */
    size_t size;
    /** Events that are kept; default 1024. */
    uint32_t max_events;
    /** Bytes of their bodies; default 1 MiB. The newest event is kept even if it is larger. */
    uint32_t max_bytes;
    /** How long a stream stays after its last reader has left and nothing is open any more; default 120,000. */
    uint32_t retain_ms;
    /** Bytes of text for the snapshot, escaped as in the events; default 1 MiB. */
    uint32_t text_bytes;
    /** Runs that have ended and are still in the snapshot; default 32. */
    uint32_t ended_runs;
} wick_stream_config;

/** Where an event lies: private. */
typedef struct wick_stream_place {
    uint32_t block;
    uint32_t offset;
} wick_stream_place;

/** A stream. Members are private. About 270 bytes. */
typedef struct wick_stream {
    wick_pool *pool;
    const wick_stream_config *config;
    struct wick_stream *next; /* on the pool's shelf */
    struct wick_stream *prev;
    uint64_t epoch;
    uint64_t head;
    uint64_t oldest; /* head + 1 if no event is kept */
    uint64_t bytes;
    uint64_t text;    /* bytes of text in the snapshot */
    uint64_t idle_ms; /* since when neither reader nor hold is there */
    uint32_t readers;
    uint32_t holds;
    uint32_t blocks; /* held */
    uint32_t group;  /* the number given last */
    uint32_t number; /* blocks of the log so far */
    uint32_t first;  /* block of the oldest event */
    uint32_t first_offset;
    uint32_t last; /* block to be filled */
    uint32_t fill;
    uint32_t live;  /* runs that go on, the last used first */
    uint32_t ended; /* runs that have ended, the oldest first */
    uint32_t ended_last;
    uint32_t ended_count;
    struct {
        uint64_t seq;
        wick_stream_place place;
    } newest[8]; /* the newest event of each kind that can be merged */
} wick_stream;

/**
 * Set up a stream with no events. It holds no block until something is appended.
 *
 * config   NULL is all defaults; kept
 * epoch    which life of the stream this is, 1 to WICK_INT_MAX: random, so that a client that remembers another life
 *          is found out
 *
 * Returns WICK_OK, WICK_E_CONFIG, or WICK_E_ARG if the epoch is out of range.
 */
WICK_API wick_status wick_stream_init(wick_stream *stream, wick_pool *pool, const wick_stream_config *config,
                                      uint64_t epoch, uint64_t now_ms);

/** End a stream: give all of its blocks back. Its readers must not be used any more. */
WICK_API void wick_stream_free(wick_stream *stream);

/**
 * Append an event.
 *
 * event    what to append; head.seq and head.first_seq are not looked at
 * flags    for wick_event_write_body(): WICK_JSON_REPLACE, WICK_JSON_TRUSTED, or 0
 * now_ms   the time
 * seq      set to the event's number; may be NULL
 *
 * Returns
 *   WICK_OK              appended
 *   WICK_E_MESSAGE_TOO_BIG   the body is longer than max_body of the pool
 *   WICK_E_STREAM_FULL   no block is free, and no stream has anything left to give
 *   any other            as wick_event_write_body()
 * After an error the head is what it was; older events may have been dropped to make room.
 */
WICK_API wick_status wick_stream_append(wick_stream *stream, const wick_event *event, uint32_t flags, uint64_t now_ms,
                                        uint64_t *seq);

/**
 * Append an event that is already written: a whole message, `{"type":...}`, of any type, without seq and first_seq.
 *
 * message   the message; it begins with `{` and has no white space in front
 * event     the message as wick_event_read() gave it, its texts pointing into message; NULL: it is read here
 *
 * Returns like wick_stream_append(); WICK_E_ARG if the message has a seq or does not begin with `{`; or like
 * wick_event_read() if it is not valid. WICK_UNKNOWN_TYPE is not an error here.
 */
WICK_API wick_status wick_stream_append_message(wick_stream *stream, const void *message, size_t len,
                                                const wick_event *event, uint64_t now_ms, uint64_t *seq);

/** Give the epoch. */
WICK_API uint64_t wick_stream_epoch(const wick_stream *stream);
/** Give the number of the newest event; 0 if there was none yet. */
WICK_API uint64_t wick_stream_head(const wick_stream *stream);
/** Give the number of the oldest event that is kept; wick_stream_head() + 1 if none is. */
WICK_API uint64_t wick_stream_oldest(const wick_stream *stream);

/**
 * Say that something is open that may still need the stream: a run, a question. As long as there are more holds than
 * releases, the stream does not expire.
 */
WICK_API void wick_stream_hold(wick_stream *stream);
/** Take back a hold. */
WICK_API void wick_stream_release(wick_stream *stream, uint64_t now_ms);

/**
 * Give the time at which the stream has expired: retain_ms after the last reader has left and the last hold was
 * released, whichever came later. WICK_NEVER while there is a reader or a hold. The host then ends it with
 * wick_stream_free(); nothing happens by itself.
 */
WICK_API uint64_t wick_stream_deadline(const wick_stream *stream);

/**
 * Drop events from the front until at most max_events with at most max_bytes are left. Texts for the snapshot stay.
 *
 * Returns the number of events dropped.
 */
WICK_API uint64_t wick_stream_trim(wick_stream *stream, uint64_t max_events, uint64_t max_bytes);

/* ---- Cursors and resuming -------------------------------------------------------------------------------- */

/** A place in a stream: everything up to seq has been read. */
typedef struct wick_cursor {
    uint64_t epoch;
    uint64_t seq;
} wick_cursor;

/** The most that wick_cursor_write() writes. */
#define WICK_CURSOR_MAX 41

/** Write a cursor as `<epoch>:<seq>`, the form of an SSE id. Returns the bytes written, at most WICK_CURSOR_MAX. */
WICK_API size_t wick_cursor_write(const wick_cursor *cursor, char *out);

/** Read a cursor from `<epoch>:<seq>`. Returns WICK_OK, or WICK_E_ARG if the text is not one. */
WICK_API wick_status wick_cursor_read(const char *text, size_t len, wick_cursor *cursor);

/** Why a client gets session.reset. */
typedef enum wick_reset {
    WICK_RESET_NONE,           /**< it does not */
    WICK_RESET_WINDOW_EXPIRED, /**< events behind its cursor have been dropped */
    WICK_RESET_EPOCH_CHANGED,  /**< its cursor belongs to another life of the stream */
    WICK_RESET_SLOW_CONSUMER   /**< it was connected, and the log has moved past it */
} wick_reset;

/** Give the protocol's word for a reason, such as "window_expired"; "" for WICK_RESET_NONE. Never NULL. */
WICK_API const char *wick_reset_name(wick_reset reset);

/** What wick_stream_resume() decides. */
typedef struct wick_resume {
    /** WICK_RESET_NONE: recovered. Else the reason for session.reset. */
    wick_reset reset;
    /** Where the reader starts: pass it to wick_reader_init(). The cursor if recovered, else the head. */
    uint64_t after;
    /** The first event that is sent again, or 0 if none is. */
    uint64_t replay_from;
    /** Events that are sent again. */
    uint64_t replay_count;
} wick_resume;

/**
 * Decide whether a client can go on from its cursor: all that it has missed is still there, or nothing is replayed.
 *
 * A cursor of the same epoch at or behind oldest - 1 is recovered; before that the window has expired; beyond the head
 * it belongs to another epoch.
 *
 * Returns resume->reset.
 */
WICK_API wick_reset wick_stream_resume(const wick_stream *stream, const wick_cursor *cursor, wick_resume *resume);

/**
 * Write the snapshot for session.reset, as one JSON object: `{"invocations":[{"invocation_id":"...","agent_id":"...",
 * "status":"running","messages":[{"message_id":"m1","role":"assistant","text":"...","done":false}],"usage":{...}}]}`.
 *
 * `status` is running, waiting_input, completed, failed or cancelled. `agent_id` and `usage` are absent where no event
 * had one. Runs stand in the order in which they began, those that have ended first. `"truncated":true` marks a run
 * whose texts have lost their front: see THE SNAPSHOT above.
 *
 * out, cap   receives the object; NULL and 0 ask for the size
 * len        set to the bytes of the object, also with WICK_E_SPACE
 *
 * Returns WICK_OK or WICK_E_SPACE.
 */
WICK_API wick_status wick_stream_snapshot(const wick_stream *stream, void *out, size_t cap, size_t *len);

#ifdef __cplusplus
}
#endif

#include "wick/stream_reader.h"

#endif
