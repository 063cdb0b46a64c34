/*
 * A host that writes down all it is told: see recorder.h.
 */
#include "lib/recorder.h"

#include "lib/test.h"
#include "oracle/frame.h"
#include "oracle/mask.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* A broken promise. In a fuzz target there is no case to fail, so it aborts; in a test as well: nothing can go on. */
#define MUST(cond)                                                                       \
    do {                                                                                 \
        if (!(cond)) {                                                                   \
            printf("not ok recorder: %s:%d: %s\n", __FILE__, __LINE__, #cond);           \
            fflush(stdout);                                                              \
            abort();                                                                     \
        }                                                                                \
    } while (0)

static int decided(recorder *r, const wick_conn *conn, call which)
{
    MUST(conn == r->conn);
    r->calls[which]++;
    return r->decide ? r->decide(r, which) : 0;
}

/* ---- Output ---------------------------------------------------------------------------------------------------- */

static void log_frame(recorder *r, const uint8_t *data, size_t len)
{
    int masked = r->config.role == WICK_CLIENT;
    oracle_frame frame;
    size_t proof;
    uint8_t *payload;
    /* The frame must be right for the other end. */
    MUST(oracle_frame_read(data, len, masked ? WICK_SERVER : WICK_CLIENT, 0, &frame, &proof) == WICK_OK);
    MUST(frame.header_len + frame.len == len);
    if (masked)
        MUST(memcmp(frame.key, r->key, 4) == 0);
    payload = malloc(len + 1);
    MUST(payload);
    oracle_mask(payload, data + frame.header_len, (size_t)frame.len, frame.key);
    transcript_out(&r->got.log, frame.fin, frame.opcode, payload, (size_t)frame.len);
    free(payload);
}

static int rec_output(wick_conn *conn, void *user, const wick_slice *slices, size_t count)
{
    recorder *r = user;
    size_t start = r->output.len;
    int result = decided(r, conn, CALL_OUTPUT);
    MUST(count >= 1 && count <= WICK_OUTPUT_SLICES);
    if (result != 0)
        return result;
    for (size_t i = 0; i < count; i++)
        bytes_add(&r->output, slices[i].data, slices[i].len);
    log_frame(r, r->output.data + start, r->output.len - start);
    return 0;
}

static int rec_random(wick_conn *conn, void *user, uint8_t *out, size_t len)
{
    recorder *r = user;
    int result = decided(r, conn, CALL_RANDOM);
    MUST(len == 4 && r->config.role == WICK_CLIENT);
    if (result != 0)
        return result;
    r->keys++;
    for (size_t i = 0; i < 4; i++)
        r->key[i] = (uint8_t)(r->keys * (0x9E + 2 * i) >> (r->keys % 3) ^ i * 91);
    memcpy(out, r->key, 4);
    return 0;
}

/* ---- Memory ---------------------------------------------------------------------------------------------------- */

static size_t find_block(const recorder *r, const uint8_t *block)
{
    size_t i = 0;
    while (i < RECORDER_BLOCKS && r->blocks[i] != block)
        i++;
    return i;
}

static void forget_block(recorder *r, size_t i)
{
    memset(r->blocks[i], 0xDD, r->block_sizes[i]);
    free(r->blocks[i]);
    r->blocks[i] = NULL;
    r->lent_now--;
    r->lent_bytes -= r->block_sizes[i];
}

/* Growing always moves, so that a pointer kept to the old place shows. */
static uint8_t *rec_memory(wick_conn *conn, void *user, uint8_t *block, size_t need, size_t *cap)
{
    recorder *r = user;
    size_t old = block ? find_block(r, block) : RECORDER_BLOCKS, i;
    uint8_t *fresh;
    MUST(!block || old < RECORDER_BLOCKS);
    if (need == 0) {
        MUST(block && conn == r->conn);
        forget_block(r, old);
        return NULL;
    }
    if (decided(r, conn, CALL_MEMORY) != 0)
        return NULL;
    if (need > r->asked_most)
        r->asked_most = need;
    MUST(need < (size_t)1 << 30);
    fresh = malloc(need);
    MUST(fresh);
    memset(fresh, 0xAA, need);
    *cap = need;
    if (block) {
        MUST(r->block_sizes[old] <= need);
        memcpy(fresh, block, r->block_sizes[old]);
        r->copied += r->block_sizes[old];
        forget_block(r, old);
    }
    i = find_block(r, NULL);
    MUST(i < 3); /* at most three blocks at a time */
    r->blocks[i] = fresh;
    r->block_sizes[i] = need;
    r->lent_now++;
    r->lent_bytes += need;
    if (r->lent_now > r->lent_most)
        r->lent_most = r->lent_now;
    if (r->lent_bytes > r->lent_bytes_most)
        r->lent_bytes_most = r->lent_bytes;
    return fresh;
}

/* ---- Events ---------------------------------------------------------------------------------------------------- */

static int asks(const recorder *r)
{
    return r->way == WAY_ASK_WHOLE || r->way == WAY_ASK_SLICES || r->way == WAY_MIXED;
}

static int rec_begin(wick_conn *conn, void *user, unsigned opcode, uint64_t len, int fin)
{
    recorder *r = user;
    MUST(!r->open && !r->closed);
    MUST(opcode == WICK_TEXT || opcode == WICK_BINARY);
    MUST(fin == 0 || fin == 1);
    r->open = 1;
    r->begin_len = len;
    r->begin_fin = fin;
    r->got.part.len = 0;
    r->got.part_opcode = opcode;
    r->open_in_slices = r->way == WAY_ASK_SLICES || (r->way == WAY_MIXED && r->calls[CALL_BEGIN] % 2 == 1);
    if (r->open_in_slices)
        MUST(wick_conn_slices(conn) == WICK_OK);
    return decided(r, conn, CALL_BEGIN);
}

static void end_message_of(recorder *r, unsigned opcode, const uint8_t *data, size_t len)
{
    if (asks(r)) {
        MUST(r->open && opcode == r->got.part_opcode);
        MUST(r->begin_fin ? len == r->begin_len : len >= r->begin_len);
    }
    transcript_message(&r->got.log, opcode, data, len);
    r->open = 0;
    r->messages++;
}

static int rec_message(wick_conn *conn, void *user, unsigned opcode, uint8_t *data, size_t len)
{
    recorder *r = user;
    int result = decided(r, conn, CALL_MESSAGE);
    MUST(!r->closed && !(r->open && r->open_in_slices));
    if (result == WICK_BLOCKED)
        return result;
    end_message_of(r, opcode, data, len);
    memset(data, 0xEE, len); /* the host may write to it */
    return result;
}

static int rec_slice(wick_conn *conn, void *user, const wick_piece *piece)
{
    recorder *r = user;
    bytes *part = &r->got.part;
    int result = decided(r, conn, CALL_SLICE);
    MUST(!r->closed);
    if (!asks(r) && !r->open)
        part->len = 0;
    MUST(!asks(r) || (r->open && r->open_in_slices));
    MUST(piece->offset == part->len);
    MUST(piece->first == (part->len == 0));
    MUST(piece->last == 1 || (piece->last == 0 && piece->len > 0));
    MUST(part->len == 0 || r->got.part_opcode == piece->opcode);
    r->blocked_piece = result == WICK_BLOCKED;
    if (r->blocked_piece)
        return result;
    r->open = r->open_in_slices = 1;
    r->pieces++;
    r->got.part_opcode = piece->opcode;
    bytes_add(part, piece->data, piece->len);
    memset(piece->data, 0xEE, piece->len);
    if (piece->last) {
        end_message_of(r, piece->opcode, part->data, part->len);
        part->len = 0;
    }
    return result;
}

static int rec_ping(wick_conn *conn, void *user, const uint8_t *data, size_t len)
{
    recorder *r = user;
    int result = decided(r, conn, CALL_PING);
    MUST(!r->closed);
    transcript_control(&r->got.log, WICK_PING, data, len);
    return result;
}

static int rec_pong(wick_conn *conn, void *user, const uint8_t *data, size_t len)
{
    recorder *r = user;
    int result = decided(r, conn, CALL_PONG);
    MUST(!r->closed);
    transcript_control(&r->got.log, WICK_PONG, data, len);
    return result;
}

static int rec_close(wick_conn *conn, void *user, unsigned code, const char *reason, size_t len)
{
    recorder *r = user;
    int result = decided(r, conn, CALL_CLOSE);
    MUST(!r->closed && len <= WICK_REASON_MAX && (code != 0 || len == 0));
    r->closed = 1;
    transcript_close(&r->got.log, code, (const uint8_t *)reason, len);
    return result;
}

/* ---- Set-up ---------------------------------------------------------------------------------------------------- */

void recorder_init(recorder *r, wick_role role, int way)
{
    static const wick_conn_callbacks all = {
        .on_output = rec_output, .on_memory = rec_memory, .on_random = rec_random, .on_begin = rec_begin,
        .on_message = rec_message, .on_slice = rec_slice, .on_ping = rec_ping, .on_pong = rec_pong, .on_close = rec_close};
    memset(r, 0, sizeof *r);
    r->way = way;
    r->callbacks = all;
    if (!asks(r))
        r->callbacks.on_begin = NULL;
    if (way == WAY_WHOLE)
        r->callbacks.on_slice = NULL;
    if (way == WAY_SLICES)
        r->callbacks.on_message = NULL;
    r->config.size = sizeof r->config;
    r->config.callbacks = &r->callbacks;
    r->config.role = role;
    recorder_restart(r, 0);
}

void recorder_restart(recorder *r, uint64_t now_ms)
{
    outcome_free(&r->got);
    r->output.len = 0;
    memset(r->calls, 0, sizeof r->calls);
    r->messages = r->pieces = r->lent_most = r->lent_bytes_most = r->asked_most = 0;
    r->open = r->open_in_slices = r->closed = r->closing = r->blocked_piece = 0;
    r->copied = r->keys = 0;
    if (!r->conn)
        r->conn = malloc(sizeof *r->conn);
    MUST(r->conn && r->lent_now == 0);
    memset(r->conn, 0xC3, sizeof *r->conn); /* what is in it does not matter */
    r->config.callbacks = &r->callbacks;
    MUST(wick_conn_init(r->conn, &r->config, r, now_ms) == WICK_OK);
}

void recorder_close_first(recorder *r)
{
    wick_status status = WICK_BLOCKED;
    for (int i = 0; i < 1000 && status == WICK_BLOCKED; i++)
        status = wick_conn_close(r->conn, 1000, NULL, 0, 0);
    MUST(status == WICK_OK && wick_conn_state(r->conn) == WICK_CLOSING);
    MUST(strcmp(transcript_text(&r->got.log), "out close 03e8\n") == 0);
    transcript_clear(&r->got.log);
    r->closing = 1;
}

void recorder_free(recorder *r)
{
    wick_status status = wick_conn_end(r->conn);
    MUST(status == (r->got.status != WICK_OK ? r->got.status : r->closed ? WICK_OK : status));
    MUST(r->got.status != WICK_OK || r->closed || status < 0);
    MUST(wick_conn_state(r->conn) == WICK_CLOSED);
    MUST(r->lent_now == 0);
    free(r->conn);
    outcome_free(&r->got);
    bytes_free(&r->output);
    memset(r, 0, sizeof *r);
}

/* ---- Feeding --------------------------------------------------------------------------------------------------- */

static void move_conn(recorder *r)
{
    wick_conn *to = malloc(sizeof *to);
    MUST(to);
    memcpy(to, r->conn, sizeof *to);
    memset(r->conn, 0xDB, sizeof *to);
    free(r->conn);
    r->conn = to;
}

/* n writable bytes that end at an unreadable page; the same pages every time. */
static uint8_t *flush_back(const uint8_t *data, size_t n)
{
    static uint8_t *end;
    static size_t cap;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (n > cap || !end) {
        if (end)
            munmap(end - cap, cap + page);
        cap = (n + 65536) / page * page + page;
        uint8_t *base = mmap(NULL, cap + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        MUST(base != MAP_FAILED && mprotect(base + cap, page, PROT_NONE) == 0);
        end = base + cap;
    }
    if (n)
        memcpy(end - n, data, n);
    return end - n;
}

/* An error drops all that follows, says the same again, and calls nothing but for an owed close frame. */
static void check_sticky(recorder *r, wick_status status)
{
    uint8_t more[3] = {0x89, 0x80, 0};
    size_t used = 99, before[CALL_COUNT];
    int rounds = 0;
    memcpy(before, r->calls, sizeof before);
    do {
        MUST(wick_conn_recv(r->conn, more, sizeof more, &used, 0) == status);
        MUST(used == sizeof more);
    } while (!r->closing && wick_conn_state(r->conn) == WICK_CLOSING && rounds++ < 1000);
    MUST(wick_conn_state(r->conn) >= WICK_LINGER);
    for (int i = CALL_BEGIN; i < CALL_COUNT; i++)
        MUST(before[i] == r->calls[i]);
}

static wick_status feed_piece(recorder *r, const uint8_t *data, size_t len)
{
    size_t at = 0, rounds = 0;
    wick_status status;
    do {
        uint8_t *piece = flush_back(data + at, len - at);
        size_t left = len - at, used = SIZE_MAX;
        if (r->move)
            move_conn(r);
        status = wick_conn_recv(r->conn, left ? piece : NULL, left, &used, 0);
        MUST(used <= left);
        if (status > 0)
            MUST(memcmp(piece + used, data + at + used, left - used) == 0);
        else
            MUST(used == left);
        MUST(status <= 0 || status == WICK_PAUSED || status == WICK_BLOCKED);
        at += used;
        MUST(++rounds < 1000000);
    } while (status > 0);
    return status;
}

/* Whether the status says what the peer's bytes are, not what a callback did. */
static int is_the_peers(wick_status status)
{
    return status <= WICK_E_RSV;
}

void recorder_feed(recorder *r, const uint8_t *data, size_t len, const uint8_t *cut)
{
    wick_status status = WICK_OK;
    wick_conn_error error;
    size_t start = 0, end = 0;
    while (end < len && status == WICK_OK) {
        start = end++;
        while (end < len && !(cut && cut[end]))
            end++;
        status = feed_piece(r, data + start, end - start);
    }
    if (status != WICK_OK)
        check_sticky(r, status);
    wick_conn_error_get(r->conn, &error);
    MUST(error.status == status);
    /* An error shows in the call that brings the byte which proves it. */
    if (is_the_peers(status))
        MUST(error.offset >= start && error.offset < end);
    r->got.status = status;
    r->got.offset = status != WICK_OK ? error.offset : 0;
    r->got.sent = status != WICK_OK ? error.close_code : 0;
    r->got.state = wick_conn_state(r->conn);
}

const char *recorder_way_name(int way)
{
    static const char *const names[WAY_COUNT] = {"whole", "slices", "asked whole", "asked slices", "asked by turns"};
    return names[way];
}

const char *recorder_differs(const recorder *r, const outcome *want)
{
    static char text[4096];
    const outcome *got = &r->got;
    int in_slices = r->open && r->open_in_slices;
    size_t part = in_slices ? got->part.len : 0;
    if (got->status != want->status || got->offset != want->offset || got->sent != want->sent ||
        got->state != want->state)
        snprintf(text, sizeof text, "%s at %llu, sent %u, state %d; want %s at %llu, sent %u, state %d",
                 wick_status_name(got->status), (unsigned long long)got->offset, got->sent, (int)got->state,
                 wick_status_name(want->status), (unsigned long long)want->offset, want->sent, (int)want->state);
    else if (strcmp(transcript_text(&got->log), transcript_text(&want->log)) != 0)
        snprintf(text, sizeof text, "transcript [%.1500s], want [%.1500s]", transcript_text(&got->log),
                 transcript_text(&want->log));
    else if (in_slices && part < want->part.len && r->blocked_piece && got->status == WICK_E_UTF8)
        return NULL;
    else if (in_slices && (part != want->part.len || (part && memcmp(got->part.data, want->part.data, part) != 0)))
        snprintf(text, sizeof text, "a part of %zu bytes, want %zu, or other bytes", part, want->part.len);
    else
        return NULL;
    return text;
}
