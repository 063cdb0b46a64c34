/*
 * Frame after frame, each looked at with everything that the stream holds of it. The bytes of the open message are kept with
 * the place where each stood in the stream, and all of them are checked anew whenever some come: nothing is
 * incremental, so nothing depends on how the stream is cut. RFC 6455 sections 5 and 7.
 */
#include "oracle/conn.h"

#include "oracle/frame.h"
#include "oracle/mask.h"
#include "oracle/utf8.h"

#include <stdlib.h>
#include <string.h>

typedef struct stream {
    const oracle_settings *settings;
    const uint8_t *data;
    size_t len, at;       /* at: the first byte that is not dealt with */
    bytes message;        /* the open message */
    size_t *places;       /* where each of its bytes stood */
    unsigned opcode;      /* of it, or 0 */
    uint64_t frames;      /* in it */
    outcome *result;
} stream;

static int fail(stream *s, wick_status status, size_t offset)
{
    outcome *r = s->result;
    r->status = status;
    r->offset = offset;
    r->state = WICK_LINGER;
    if (!s->settings->closing) {
        r->sent = wick_status_close_code(status);
        transcript_out_failure(&r->log, status);
    }
    return 0;
}

/* What the first n bytes of a frame break, seen from the frames before it. */
static wick_status place_rules(const stream *s, const uint8_t *p, size_t n)
{
    const oracle_settings *set = s->settings;
    unsigned opcode = p[0] & 15;
    uint64_t len, frame_max = set->max_frame ? set->max_frame : WICK_DEFAULT_MAX_FRAME;
    uint64_t message_max = set->max_message ? set->max_message : WICK_DEFAULT_MAX_MESSAGE;
    uint64_t frames_max = set->max_fragments ? set->max_fragments : WICK_DEFAULT_MAX_FRAGMENTS;
    if (opcode == 0 && s->opcode == 0)
        return WICK_E_CONTINUATION;
    if ((opcode == 1 || opcode == 2) && s->opcode != 0)
        return WICK_E_INTERLEAVED;
    if (opcode == 0 && s->frames + 1 > frames_max)
        return WICK_E_TOO_MANY_FRAGMENTS;
    if (!oracle_frame_len(p, n, &len))
        return WICK_OK;
    if (opcode == 8 && len == 1)
        return WICK_E_CLOSE_BODY;
    if (opcode < 8 && len > frame_max)
        return WICK_E_FRAME_TOO_BIG;
    if (opcode < 8 && (len > message_max || s->message.len > message_max - len))
        return WICK_E_MESSAGE_TOO_BIG;
    return WICK_OK;
}

/* Read the header at s->at. 1 if it is whole and right, else 0, and the failure is noted. */
static int read_header(stream *s, oracle_frame *frame)
{
    const uint8_t *p = s->data + s->at;
    for (size_t n = 1; n <= s->len - s->at; n++) {
        size_t proof;
        wick_status status = oracle_frame_read(p, n, s->settings->role, 0, frame, &proof);
        wick_status place = status < 0 ? WICK_OK : place_rules(s, p, n);
        if (status < 0 || place < 0)
            return fail(s, status < 0 ? status : place, s->at + n - 1);
        if (status == WICK_OK)
            return 1;
    }
    return 0;
}

/* Whether some allowed code begins with these bytes (1 or 2 of them). */
static int code_can_be(const uint8_t *body, size_t n)
{
    for (unsigned code = 1000; code <= 4999; code++) {
        int allowed = code <= 1003 || (code >= 1007 && code <= 1014) || code >= 3000;
        if (allowed && body[0] == code >> 8 && (n < 2 || body[1] == (code & 255)))
            return 1;
    }
    return 0;
}

/* A close frame of which `have` bytes of body are here. */
static int close_body(stream *s, const uint8_t *body, size_t have, const oracle_frame *frame)
{
    size_t start = s->at + frame->header_len, unfinished, good;
    for (size_t n = 1; n <= have && n <= 2; n++)
        if (!code_can_be(body, n))
            return fail(s, WICK_E_CLOSE_CODE, start + n - 1);
    if (have < 2)
        return 1;
    good = oracle_utf8(body + 2, have - 2, &unfinished);
    if (good < have - 2)
        return fail(s, WICK_E_CLOSE_REASON, start + 2 + good);
    if (have == frame->len && unfinished)
        return fail(s, WICK_E_CLOSE_REASON, start + have - 1);
    return 1;
}

static int take_control(stream *s, const oracle_frame *frame)
{
    uint8_t body[125];
    size_t start = s->at + frame->header_len, have = s->len - start;
    transcript *log = &s->result->log;
    if (have > frame->len)
        have = (size_t)frame->len;
    oracle_mask(body, s->data + start, have, frame->key);
    if (frame->opcode == 8 && !close_body(s, body, have, frame))
        return 0;
    if (have < frame->len)
        return 0;
    s->at = start + have;
    if (frame->opcode == 9)
        transcript_out(log, 1, 10, body, have);
    if (frame->opcode != 8) {
        transcript_control(log, frame->opcode, body, have);
        return 1;
    }
    if (!s->settings->closing)
        transcript_out(log, 1, 8, body, have ? 2 : 0);
    transcript_close(log, have ? body[0] * 256u + body[1] : 0, body + 2, have ? have - 2 : 0);
    s->result->state = WICK_LINGER;
    return 0;
}

/* The open message, as far as it is good. */
static void note_part(stream *s, size_t good)
{
    s->result->part_opcode = s->opcode;
    s->result->part.len = 0;
    bytes_add(&s->result->part, s->message.data, good);
}

static int take_data(stream *s, const oracle_frame *frame)
{
    size_t start = s->at + frame->header_len, have = s->len - start, old = s->message.len, unfinished = 0, good;
    if (have > frame->len)
        have = (size_t)frame->len;
    if (frame->opcode != 0)
        s->opcode = frame->opcode;
    s->frames++;
    bytes_fill(&s->message, 0, have);
    oracle_mask(s->message.data + old, s->data + start, have, frame->key);
    for (size_t i = 0; i < have; i++)
        s->places[old + i] = start + i;
    good = s->opcode == 1 ? oracle_utf8(s->message.data, s->message.len, &unfinished) : s->message.len;
    note_part(s, good);
    if (good < s->message.len)
        return fail(s, WICK_E_UTF8, s->places[good]);
    if (have < frame->len)
        return 0;
    s->at = start + have;
    if (!frame->fin)
        return 1;
    if (unfinished)
        return fail(s, WICK_E_UTF8, s->at - 1);
    transcript_message(&s->result->log, s->opcode, s->message.data, s->message.len);
    s->opcode = 0;
    s->frames = 0;
    s->message.len = 0;
    s->result->part.len = 0;
    return 1;
}

void oracle_conn(const oracle_settings *settings, const uint8_t *data, size_t len, outcome *result)
{
    stream s = {.settings = settings, .data = data, .len = len, .result = result};
    oracle_frame frame;
    memset(result, 0, sizeof *result);
    result->state = settings->closing ? WICK_CLOSING : WICK_OPEN;
    s.places = calloc(len + 1, sizeof *s.places);
    if (!s.places)
        abort();
    while (s.at < len && read_header(&s, &frame))
        if (!(frame.opcode >= 8 ? take_control(&s, &frame) : take_data(&s, &frame)))
            break;
    free(s.places);
    bytes_free(&s.message);
}
