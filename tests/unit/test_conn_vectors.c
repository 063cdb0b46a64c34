/*
 * The vectors of tests/vectors/conn: each whole, at every two-way split, byte by byte, flush against an unreadable page,
 * in every way of receiving messages, with each set of kernels; and each against the oracle.
 *
 * Lines of a record, beside `test`, `clause` and `each` (bytes are written as in lib/wire.h):
 *
 *     role server|client|both            server if absent; both runs it twice
 *     limit max_frame|max_message|max_fragments N
 *     closing                            we have sent a close frame before the first byte comes
 *     in BYTES                           the peer's bytes, as they are
 *     frame FIRST-BYTE BYTES             a frame of the peer, its payload masked as the role demands
 *     message text|binary BYTES, ping BYTES, pong BYTES, close CODE BYTES, out ping|pong|close BYTES
 *                                        what is told, and what goes out, in order
 *     part text|binary BYTES             what a receiver in slices has of a message that stays open
 *     status NAME [at OFFSET] [sent CODE]  the error; its offset may be marked with ^ instead
 *     state OPEN|CLOSING|LINGER          if not what follows from the rest
 *
 * WICK_SEEDS=FOLDER in the environment writes the short ones to FOLDER/conn_server and FOLDER/conn_client, as inputs for
 * the fuzz targets of these names.
 */
#include "base/kernels.h"
#include "lib/differential.h"
#include "lib/recorder.h"
#include "lib/test.h"
#include "lib/wire.h"
#include "oracle/conn.h"
#include "oracle/frame.h"
#include "oracle/mask.h"

#include <stdlib.h>

typedef struct conn_vector {
    const wire_vector *record;
    oracle_settings settings;
    bytes in;
    outcome want;
    int both, has_offset, has_state;
} conn_vector;

static size_t runs;

/* ---- Reading --------------------------------------------------------------------------------------------------- */

static const char *word(const char *rest, size_t *len)
{
    *len = strcspn(rest, " ");
    return rest + *len + (rest[*len] == ' ');
}

static int is(const char *text, size_t len, const char *name)
{
    return strlen(name) == len && memcmp(text, name, len) == 0;
}

/* A frame of the peer, with its mask; a mark in the payload is moved to where it stands in the stream. */
static int read_frame(conn_vector *v, const char *rest)
{
    static const uint8_t keys[3][4] = {{0x37, 0xFA, 0x21, 0x3D}, {0x80, 0x01, 0xFF, 0x7F}, {0, 0, 0, 0}};
    bytes payload = {0};
    oracle_frame frame = {0};
    uint8_t header[14];
    size_t mark = SIZE_MAX, n;
    size_t first_len;
    const char *tokens = word(rest, &first_len);
    unsigned first = rest[0] == '$' ? (unsigned)v->record->value : (unsigned)strtoul(rest, NULL, 16);
    if (wire_bytes(v->record, tokens, &payload, &mark) != 0)
        return -1;
    frame.fin = first >> 7;
    frame.rsv = first >> 4 & 7;
    frame.opcode = first & 15;
    frame.len = payload.len;
    frame.masked = v->settings.role == WICK_SERVER;
    if (frame.masked)
        memcpy(frame.key, keys[v->in.len % 3], 4);
    n = oracle_frame_write(&frame, header);
    bytes_add(&v->in, header, n);
    if (mark != SIZE_MAX) {
        v->want.offset = v->in.len + mark;
        v->has_offset = 1;
    }
    n = v->in.len;
    bytes_fill(&v->in, 0, payload.len);
    oracle_mask(v->in.data + n, payload.data, payload.len, frame.key);
    bytes_free(&payload);
    return 0;
}

static int read_in(conn_vector *v, const char *rest)
{
    size_t mark = SIZE_MAX;
    int result = wire_bytes(v->record, rest, &v->in, &mark);
    if (mark != SIZE_MAX) {
        v->want.offset = mark;
        v->has_offset = 1;
    }
    return result;
}

static unsigned opcode_of(const char *text, size_t len)
{
    static const char *const names[] = {"text", "binary", "close", "ping", "pong"};
    static const unsigned opcodes[] = {WICK_TEXT, WICK_BINARY, WICK_CLOSE, WICK_PING, WICK_PONG};
    for (size_t i = 0; i < 5; i++)
        if (is(text, len, names[i]))
            return opcodes[i];
    return WICK_CONTINUATION;
}

static int read_event(conn_vector *v, const char *key, const char *rest)
{
    size_t len = 0, mark;
    bytes payload = {0};
    unsigned opcode = opcode_of(key, strlen(key));
    const char *tokens = opcode == WICK_PING || opcode == WICK_PONG ? rest : word(rest, &len);
    int result = wire_bytes(v->record, tokens, &payload, &mark);
    if (opcode == WICK_CLOSE) {
        unsigned code = rest[0] == '$' ? (unsigned)v->record->value : (unsigned)strtoul(rest, NULL, 10);
        transcript_close(&v->want.log, code, payload.data, payload.len);
        v->want.state = v->has_state ? v->want.state : WICK_LINGER;
    } else if (opcode != WICK_CONTINUATION) {
        transcript_control(&v->want.log, opcode, payload.data, payload.len);
    } else if (strcmp(key, "message") == 0) {
        transcript_message(&v->want.log, opcode_of(rest, len), payload.data, payload.len);
    } else if (strcmp(key, "out") == 0) {
        transcript_out(&v->want.log, 1, opcode_of(rest, len), payload.data, payload.len);
    } else if (strcmp(key, "part") == 0) {
        v->want.part_opcode = opcode_of(rest, len);
        bytes_add(&v->want.part, payload.data, payload.len);
    } else {
        result = -1;
    }
    bytes_free(&payload);
    return result;
}

static int read_status(conn_vector *v, const char *rest)
{
    size_t len;
    const char *next = word(rest, &len);
    if (!wire_status(rest, len, &v->want.status))
        return -1;
    for (rest = next; *rest; rest = next) {
        next = word(rest, &len);
        if (is(rest, len, "at")) {
            v->want.offset = strtoul(next, NULL, 10);
            v->has_offset = 1;
        } else if (is(rest, len, "sent")) {
            v->want.sent = (unsigned)strtoul(next, NULL, 10);
        } else {
            return -1;
        }
        next = word(next, &len);
    }
    if (v->want.sent)
        transcript_out_failure(&v->want.log, v->want.status);
    if (!v->has_state)
        v->want.state = WICK_LINGER;
    return v->has_offset ? 0 : -1;
}

static int read_state(conn_vector *v, const char *rest)
{
    static const char *const names[] = {"OPEN", "CLOSING", "LINGER", "CLOSED"};
    for (int i = 0; i < 4; i++)
        if (strcmp(rest, names[i]) == 0)
            v->want.state = (wick_state)i;
    v->has_state = 1;
    return 0;
}

static int read_setting(conn_vector *v, const char *key, const char *rest)
{
    size_t len;
    const char *number = word(rest, &len);
    if (strcmp(key, "closing") == 0) {
        v->settings.closing = 1;
        v->want.state = v->has_state ? v->want.state : WICK_CLOSING;
        return 0;
    }
    if (is(rest, len, "max_frame"))
        v->settings.max_frame = strtoull(number, NULL, 10);
    else if (is(rest, len, "max_message"))
        v->settings.max_message = strtoull(number, NULL, 10);
    else if (is(rest, len, "max_fragments"))
        v->settings.max_fragments = strtoul(number, NULL, 10);
    else
        return -1;
    return 0;
}

static int read_line(conn_vector *v, const char *key, const char *rest)
{
    if (strcmp(key, "test") == 0 || strcmp(key, "clause") == 0 || strcmp(key, "each") == 0 || strcmp(key, "role") == 0)
        return 0;
    if (strcmp(key, "in") == 0)
        return read_in(v, rest);
    if (strcmp(key, "frame") == 0)
        return read_frame(v, rest);
    if (strcmp(key, "status") == 0)
        return read_status(v, rest);
    if (strcmp(key, "state") == 0)
        return read_state(v, rest);
    if (strcmp(key, "limit") == 0 || strcmp(key, "closing") == 0)
        return read_setting(v, key, rest);
    return read_event(v, key, rest);
}

/* ---- Running --------------------------------------------------------------------------------------------------- */

static void run_once(const conn_vector *v, int way, const wick_kernels *kernels, const uint8_t *cut, const char *how)
{
    recorder r;
    const char *differs;
    if (test_failed())
        return;
    recorder_init(&r, v->settings.role, way);
    r.config.kernels = kernels;
    r.config.max_frame = v->settings.max_frame;
    r.config.max_message = v->settings.max_message;
    r.config.max_fragments = (uint32_t)v->settings.max_fragments;
    recorder_restart(&r, 0);
    if (v->settings.closing)
        recorder_close_first(&r);
    recorder_feed(&r, v->in.data, v->in.len, cut);
    differs = recorder_differs(&r, &v->want);
    if (differs)
        test_fail(v->record->file, 0, "%s, %s, %s, %s, %s: %s", v->record->name,
                  v->settings.role == WICK_SERVER ? "server" : "client", recorder_way_name(way),
                  kernels ? kernels->name : "default", how, differs);
    recorder_free(&r);
    runs++;
}

static void run_cuts(const conn_vector *v, int way, const wick_kernels *kernels)
{
    size_t len = v->in.len, slow = test_rounds(100) < 100 && len > 40 ? 7 : 1;
    uint8_t *cut = calloc(len + 1, 1);
    char how[40];
    run_once(v, way, kernels, NULL, "whole");
    for (size_t at = 1; at < len && cut; at += len <= 400 || at < 20 || at + 20 > len ? slow : len / 23) {
        cut[at] = 1;
        snprintf(how, sizeof how, "cut at %zu", at);
        run_once(v, way, kernels, cut, how);
        cut[at] = 0;
    }
    if (cut)
        memset(cut, 1, len + 1);
    run_once(v, way, kernels, cut, "byte by byte");
    free(cut);
}

static void compare_oracle(const conn_vector *v)
{
    outcome want;
    oracle_conn(&v->settings, v->in.data, v->in.len, &want);
    if (want.status != v->want.status || want.offset != v->want.offset || want.sent != v->want.sent ||
        want.state != v->want.state ||
        strcmp(transcript_text(&want.log), transcript_text(&v->want.log)) != 0 || want.part.len != v->want.part.len ||
        (want.part.len && memcmp(want.part.data, v->want.part.data, want.part.len) != 0))
        test_fail(v->record->file, 0, "%s: the oracle says %s at %llu, sent %u, state %d [%s], part %zu",
                  v->record->name, wick_status_name(want.status), (unsigned long long)want.offset, want.sent,
                  (int)want.state, transcript_text(&want.log), want.part.len);
    outcome_free(&want);
}

/* The head says: whole messages, default limits, one piece, no pauses; see lib/differential.h. */
static void write_seed(const conn_vector *v)
{
    const char *folder = getenv("WICK_SEEDS");
    uint8_t head[DIFFERENTIAL_HEAD] = {0, (uint8_t)(v->settings.closing << 7), 0, 0};
    char path[400];
    FILE *f;
    if (!folder || v->in.len > 250 || (v->record->value & (v->record->value - 1)) != 0)
        return;
    snprintf(path, sizeof path, "%s/conn_%s/%s", folder, v->settings.role == WICK_SERVER ? "server" : "client",
             v->record->name);
    f = fopen(path, "wb");
    if (!f) {
        test_fail(path, 0, "cannot be written");
        return;
    }
    fwrite(head, 1, sizeof head, f);
    fwrite(v->in.data, 1, v->in.len, f);
    fclose(f);
}

static void run_role(const wire_vector *record, wick_role role)
{
    conn_vector v = {.record = record};
    v.settings.role = role;
    for (size_t i = 0; i < record->count; i++)
        if (read_line(&v, record->keys[i], record->rests[i]) != 0)
            test_fail(record->file, 0, "%s: cannot read `%s %s`", record->name, record->keys[i], record->rests[i]);
    compare_oracle(&v);
    write_seed(&v);
    for (int way = 0; way < WAY_COUNT; way++)
        for (unsigned i = 0; i < test_rounds(8) && wick_kernels_at(i); i++)
            run_cuts(&v, way, wick_kernels_at(i));
    bytes_free(&v.in);
    outcome_free(&v.want);
}

static const char *line_of(const wire_vector *record, const char *key)
{
    for (size_t i = 0; i < record->count; i++)
        if (strcmp(record->keys[i], key) == 0)
            return record->rests[i];
    return "";
}

static void run_vector(const wire_vector *record)
{
    const char *role = line_of(record, "role");
    if (test_failed())
        return;
    if (line_of(record, "clause")[0] == 0)
        test_fail(record->file, 0, "%s names no clause", record->name);
    if (strcmp(role, "client") != 0)
        run_role(record, WICK_SERVER);
    if (strcmp(role, "client") == 0 || strcmp(role, "both") == 0)
        run_role(record, WICK_CLIENT);
}

static void vectors_whole_cut_and_byte_by_byte(void)
{
    size_t count = wire_vectors("tests/vectors/conn", run_vector);
    printf("# %zu vectors, %zu runs\n", count, runs);
    CHECK(count > 0);
}

int main(void)
{
    RUN(vectors_whole_cut_and_byte_by_byte);
    return test_end();
}
