/*
 * Transcripts: see transcript.h.
 */
#include "lib/transcript.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 200

/* Room for n more elements of one byte in an array that holds len of cap. */
static void *room(void *data, size_t len, size_t *cap, size_t n)
{
    if (data && len + n <= *cap)
        return data;
    *cap = (len + n) * 2 + 64;
    data = realloc(data, *cap);
    if (!data)
        abort();
    return data;
}

static void add_text(transcript *log, const char *text)
{
    size_t n = strlen(text);
    log->text = room(log->text, log->len, &log->cap, n + 1);
    memcpy(log->text + log->len, text, n + 1);
    log->len += n;
}

static void add_payload(transcript *log, const uint8_t *data, size_t len)
{
    char text[2 * SHOWN_MAX + 8];
    uint64_t sum = UINT64_C(14695981039346656037); /* FNV-1a */
    size_t n = 0;
    text[n++] = ' ';
    if (len > SHOWN_MAX) {
        for (size_t i = 0; i < len; i++)
            sum = (sum ^ data[i]) * UINT64_C(1099511628211);
        n += (size_t)snprintf(text + n, sizeof text - n, "%zu bytes %016llx", len, (unsigned long long)sum);
    }
    for (size_t i = 0; len <= SHOWN_MAX && i < len; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%02x", data[i]);
    snprintf(text + n, sizeof text - n, "\n");
    add_text(log, text);
}

static const char *opcode_name(unsigned opcode)
{
    switch (opcode) {
    case WICK_CONTINUATION: return "continuation";
    case WICK_TEXT: return "text";
    case WICK_BINARY: return "binary";
    case WICK_CLOSE: return "close";
    case WICK_PING: return "ping";
    case WICK_PONG: return "pong";
    default: return "reserved";
    }
}

const char *transcript_text(const transcript *log)
{
    return log->text ? log->text : "";
}

void transcript_clear(transcript *log)
{
    free(log->text);
    memset(log, 0, sizeof *log);
}

void transcript_message(transcript *log, unsigned opcode, const uint8_t *data, size_t len)
{
    add_text(log, "message ");
    add_text(log, opcode_name(opcode));
    add_payload(log, data, len);
}

void transcript_part(transcript *log, unsigned opcode, const uint8_t *data, size_t len)
{
    add_text(log, "part ");
    add_text(log, opcode_name(opcode));
    add_payload(log, data, len);
}

void transcript_control(transcript *log, unsigned opcode, const uint8_t *data, size_t len)
{
    add_text(log, opcode_name(opcode));
    add_payload(log, data, len);
}

void transcript_close(transcript *log, unsigned code, const uint8_t *reason, size_t len)
{
    char text[32];
    snprintf(text, sizeof text, "close %u", code);
    add_text(log, text);
    add_payload(log, reason, len);
}

void transcript_out(transcript *log, unsigned fin, unsigned opcode, const uint8_t *data, size_t len)
{
    add_text(log, fin ? "out " : "out, more follows, ");
    add_text(log, opcode_name(opcode));
    add_payload(log, data, len);
}

void transcript_out_failure(transcript *log, wick_status status)
{
    uint8_t body[WICK_CONTROL_MAX];
    unsigned code = wick_status_close_code(status);
    const char *text = wick_status_text(status);
    size_t len = strlen(text);
    if (len > WICK_REASON_MAX)
        abort();
    body[0] = (uint8_t)(code >> 8);
    body[1] = (uint8_t)code;
    memcpy(body + 2, text, len);
    transcript_out(log, 1, WICK_CLOSE, body, 2 + len);
}

void bytes_add(bytes *to, const void *data, size_t len)
{
    to->data = room(to->data, to->len, &to->cap, len);
    if (len)
        memcpy(to->data + to->len, data, len);
    to->len += len;
}

void bytes_fill(bytes *to, uint8_t byte, size_t count)
{
    to->data = room(to->data, to->len, &to->cap, count);
    if (count)
        memset(to->data + to->len, byte, count);
    to->len += count;
}

void bytes_free(bytes *b)
{
    free(b->data);
    memset(b, 0, sizeof *b);
}

void outcome_free(outcome *result)
{
    transcript_clear(&result->log);
    bytes_free(&result->part);
    memset(result, 0, sizeof *result);
}
