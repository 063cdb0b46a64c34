/*
 * wick/sse.h - a reader of server-sent events: what EventSource is to a browser, without the connection.
 *
 * Feed it the body of a response of type text/event-stream, cut anywhere, and take out events (WHATWG HTML section
 * 9.2). Its writer is wick_http_sse_write() in wick/http_answer.h.
 *
 *     wick_sse_reader sse;
 *     wick_sse_event event;
 *     wick_sse_init(&sse, memory, sizeof memory);
 *     ...
 *     while ((status = wick_sse_next(&sse, data, len, &used, &event)) == WICK_OK) {
 *         show(event.data);
 *         data += used, len -= used;
 *     }
 *     if (status < 0)
 *         give_up(status);
 *
 * When the connection is lost, ask again with `Last-Event-ID: ` and wick_sse_last_id(), wait sse.retry_ms before, and
 * call wick_sse_restart(): what was incomplete is forgotten, as the standard wants it, and the last id is kept.
 *
 * Lines may end in CR, LF or CR LF, and one byte order mark at the beginning is skipped. Bytes are passed on as they
 * are: whether they are UTF-8 is for the reader of the data to check.
 */
#ifndef WICK_SSE_H
#define WICK_SSE_H

#include "wick/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes that an id, and that the type of an event, may have. */
#define WICK_SSE_ID_MAX 128
#define WICK_SSE_TYPE_MAX 64

/** An event. What it points to is good until the next call on the reader. */
typedef struct wick_sse_event {
    /** The type from `event:`; empty is "message" */
    wick_str type;
    /** The data, its lines joined by LF */
    wick_str data;
    /** The newest `id:` up to here, which may be that of an earlier event; empty if there was none */
    wick_str id;
} wick_sse_event;

/** A reader. retry_ms may be read; the rest is private. Movable. */
typedef struct wick_sse_reader {
    char *memory;
    size_t cap;
    size_t len;
    /** What the newest `retry:` says, at most UINT32_MAX; 0 if there was none. */
    uint32_t retry_ms;
    int32_t result;
    uint8_t state;
    uint8_t field;
    uint8_t cr;    /* the last byte was CR: an LF belongs to it */
    uint8_t start; /* bytes of a byte order mark that have come, 3: behind it */
    uint8_t done;  /* the memory holds an event that has been given out */
    uint8_t short_len;
    uint8_t type_len;
    uint8_t id_len;
    uint8_t last_id_len;
    char value[WICK_SSE_ID_MAX]; /* of a short field that is not whole */
    char type[WICK_SSE_TYPE_MAX];
    char id[WICK_SSE_ID_MAX];
    char last_id[WICK_SSE_ID_MAX];
} wick_sse_reader;

/**
 * Begin to read a stream.
 *
 * memory, cap   for the data of one event, with one byte more for each of its lines; in use as long as the reader
 */
WICK_API void wick_sse_init(wick_sse_reader *reader, char *memory, size_t cap);

/** Begin to read the next stream of the same source: after a reconnect. The last id and retry_ms stay. */
WICK_API void wick_sse_restart(wick_sse_reader *reader);

/**
 * Take the next event out of a stream.
 *
 * data, len   bytes as they came, cut anywhere; only what *used left over is given again
 * used        set to the bytes consumed, whatever is returned
 * event       set to the event
 *
 * Returns
 *   WICK_OK                *event is one; call again from data + *used
 *   WICK_MORE              all of data is consumed, and no event ended in it
 *   WICK_E_EVENT_TOO_BIG   the data, the type or the id of an event is longer than there is room for; this sticks,
 *                          up to wick_sse_restart()
 *
 * An event without data is none. An id with NUL in it and a retry that is not all digits are ignored, as are comments
 * and unknown fields, of any length. Never allocates. WHATWG HTML sections 9.2.5 and 9.2.6.
 */
WICK_API wick_status wick_sse_next(wick_sse_reader *reader, const void *data, size_t len, size_t *used,
                                   wick_sse_event *event);

/** Give the id for Last-Event-ID: that of the newest event, or of the newest empty line. Empty if there is none. */
WICK_API wick_str wick_sse_last_id(const wick_sse_reader *reader);

#ifdef __cplusplus
}
#endif

#endif
