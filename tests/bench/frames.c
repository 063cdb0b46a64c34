/*
 * Frames: decode as a server, encode as a server and as a client, beside Debian's libwslay.
 *
 * Decoding reads a stream of masked client frames, 64 KiB a read; a read is a memcpy for both sides, since wick unmasks in
 * the receive buffer. wslay's event API checks UTF-8, its frame API does not.
 */
#include "lib/bench.h"
#include "wick.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_WSLAY
#include <wslay/wslay.h>
#endif

#define READ_SIZE 65536
#define STREAM_SIZE (4 * READ_SIZE)

/* The stream to decode, and what was found in it: a check that nobody skips the work. */
static uint8_t stream[STREAM_SIZE + 70000];
static size_t stream_len, stream_frames;
static size_t seen_frames, seen_bytes;

/* A payload to encode. */
static uint8_t payload[70000];
static size_t payload_len;
static unsigned payload_opcode;

static uint8_t out[2 * READ_SIZE];
static size_t out_len;

static void fill_payload(const char *kind, size_t len)
{
    payload_len = len;
    payload_opcode = strcmp(kind, "binary") == 0 ? WICK_BINARY : WICK_TEXT;
    for (size_t i = 0; i < len; i++)
        payload[i] = strcmp(kind, "CJK") == 0 ? (uint8_t)"\xE4\xBD\xA0\xE5\xA5\xBD"[i % 6]
                                              : (uint8_t)"The quick brown fox, and 12 dogs. "[i % 34];
    if (strcmp(kind, "CJK") == 0)
        for (size_t i = len - len % 3; i < len; i++)
            payload[i] = '.';
}

static void fill_stream(void)
{
    wick_frame frame = {.len = payload_len, .opcode = (uint8_t)payload_opcode, .fin = 1, .masked = 1};
    stream_len = stream_frames = 0;
    while (stream_len < STREAM_SIZE) {
        frame.key = 0x5A17C93Bu * (uint32_t)(stream_frames + 1);
        size_t n = wick_frame_encode(&frame, stream + stream_len);
        memcpy(stream + stream_len + n, payload, payload_len);
        wick_mask(stream + stream_len + n, payload_len, frame.key, 0);
        stream_len += n + payload_len;
        stream_frames++;
    }
}

static void check(const char *who)
{
    if (seen_frames != stream_frames || seen_bytes != stream_frames * payload_len) {
        fprintf(stderr, "%s: %zu frames, %zu bytes seen; want %zu, %zu\n", who, seen_frames, seen_bytes, stream_frames,
                stream_frames * payload_len);
        exit(1);
    }
    seen_frames = seen_bytes = 0;
}

/* ---- wick ---------------------------------------------------------------------------------------------------- */

static int on_output(wick_conn *conn, void *user, const wick_slice *slices, size_t count)
{
    (void)conn, (void)user;
    for (size_t i = 0; i < count; i++) {
        memcpy(out + out_len, slices[i].data, slices[i].len);
        out_len += slices[i].len;
    }
    return 0;
}

static uint8_t *on_memory(wick_conn *conn, void *user, uint8_t *block, size_t need, size_t *cap)
{
    (void)conn, (void)user;
    *cap = need;
    if (need)
        return realloc(block, need);
    free(block);
    return NULL;
}

static int on_random(wick_conn *conn, void *user, uint8_t *bytes, size_t len)
{
    (void)conn, (void)user;
    memset(bytes, 0x37, len);
    return 0;
}

static int on_message(wick_conn *conn, void *user, unsigned opcode, uint8_t *data, size_t len)
{
    (void)conn, (void)user, (void)opcode, (void)data;
    seen_frames++;
    seen_bytes += len;
    return 0;
}

static const wick_conn_callbacks callbacks = {
    .on_output = on_output, .on_memory = on_memory, .on_random = on_random, .on_message = on_message};
static wick_conn_config server = {.size = sizeof server, .callbacks = &callbacks};
static wick_conn_config client = {.size = sizeof client, .callbacks = &callbacks, .role = WICK_CLIENT};

static size_t wick_decode(void *arg)
{
    static uint8_t buffer[READ_SIZE];
    wick_conn conn;
    size_t used;
    (void)arg;
    wick_conn_init(&conn, &server, NULL, 0);
    for (size_t at = 0; at < stream_len; at += READ_SIZE) {
        size_t n = stream_len - at < READ_SIZE ? stream_len - at : READ_SIZE;
        memcpy(buffer, stream + at, n);
        if (wick_conn_recv(&conn, buffer, n, &used, 0) != WICK_OK)
            exit(1);
    }
    wick_conn_end(&conn);
    check("wick");
    return stream_frames;
}

static size_t wick_encode(void *arg)
{
    wick_conn conn;
    size_t n = 0;
    wick_conn_init(&conn, arg, NULL, 0);
    for (out_len = 0; out_len + payload_len + 14 < sizeof out; n++)
        wick_conn_send(&conn, payload_opcode, payload, payload_len);
    return n;
}

/* ---- wslay --------------------------------------------------------------------------------------------------- */

#ifdef HAVE_WSLAY
static size_t read_at;

static ssize_t take(uint8_t *buf, size_t len)
{
    size_t n = stream_len - read_at < len ? stream_len - read_at : len;
    memcpy(buf, stream + read_at, n);
    read_at += n;
    return (ssize_t)n;
}

static ssize_t event_recv(wslay_event_context_ptr ctx, uint8_t *buf, size_t len, int flags, void *user)
{
    (void)flags, (void)user;
    ssize_t n = take(buf, len);
    if (n == 0) {
        wslay_event_set_error(ctx, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    return n;
}

static ssize_t event_send(wslay_event_context_ptr ctx, const uint8_t *data, size_t len, int flags, void *user)
{
    (void)ctx, (void)flags, (void)user;
    memcpy(out + out_len, data, len);
    out_len += len;
    return (ssize_t)len;
}

static int event_genmask(wslay_event_context_ptr ctx, uint8_t *buf, size_t len, void *user)
{
    (void)ctx, (void)user;
    memset(buf, 0x37, len);
    return 0;
}

static void event_message(wslay_event_context_ptr ctx, const struct wslay_event_on_msg_recv_arg *arg, void *user)
{
    (void)ctx, (void)user;
    seen_frames++;
    seen_bytes += arg->msg_length;
}

static const struct wslay_event_callbacks event_callbacks = {
    .recv_callback = event_recv,
    .send_callback = event_send,
    .genmask_callback = event_genmask,
    .on_msg_recv_callback = event_message,
};

static size_t event_decode(void *arg)
{
    wslay_event_context_ptr ctx;
    (void)arg;
    wslay_event_context_server_init(&ctx, &event_callbacks, NULL);
    read_at = 0;
    if (wslay_event_recv(ctx) != 0)
        exit(1);
    wslay_event_context_free(ctx);
    check("wslay event");
    return stream_frames;
}

static size_t event_encode(void *arg)
{
    wslay_event_context_ptr ctx;
    struct wslay_event_msg msg = {
        .opcode = (uint8_t)payload_opcode, .msg = payload, .msg_length = payload_len};
    size_t n = 0;
    if (arg == &server)
        wslay_event_context_server_init(&ctx, &event_callbacks, NULL);
    else
        wslay_event_context_client_init(&ctx, &event_callbacks, NULL);
    for (out_len = 0; out_len + payload_len + 14 < sizeof out; n++) {
        wslay_event_queue_msg(ctx, &msg);
        wslay_event_send(ctx);
    }
    wslay_event_context_free(ctx);
    return n;
}

static ssize_t frame_recv(uint8_t *buf, size_t len, int flags, void *user)
{
    (void)flags, (void)user;
    ssize_t n = take(buf, len);
    return n ? n : -1;
}

static ssize_t frame_send(const uint8_t *data, size_t len, int flags, void *user)
{
    (void)flags, (void)user;
    memcpy(out + out_len, data, len);
    out_len += len;
    return (ssize_t)len;
}

static int frame_genmask(uint8_t *buf, size_t len, void *user)
{
    (void)user;
    memset(buf, 0x37, len);
    return 0;
}

static const struct wslay_frame_callbacks frame_callbacks = {frame_send, frame_recv, frame_genmask};

static size_t frame_decode(void *arg)
{
    wslay_frame_context_ptr ctx;
    struct wslay_frame_iocb iocb;
    uint64_t got = 0;
    ssize_t n;
    (void)arg;
    wslay_frame_context_init(&ctx, &frame_callbacks, NULL);
    read_at = 0;
    while ((n = wslay_frame_recv(ctx, &iocb)) >= 0) {
        got += iocb.data_length;
        if (got == iocb.payload_length) {
            seen_frames++;
            seen_bytes += (size_t)got;
            got = 0;
        }
    }
    wslay_frame_context_free(ctx);
    check("wslay frame");
    return stream_frames;
}

static size_t frame_encode(void *arg)
{
    wslay_frame_context_ptr ctx;
    size_t n = 0;
    wslay_frame_context_init(&ctx, &frame_callbacks, NULL);
    for (out_len = 0; out_len + payload_len + 14 < sizeof out; n++) {
        struct wslay_frame_iocb iocb = {.fin = 1,
                                        .opcode = (uint8_t)payload_opcode,
                                        .payload_length = payload_len,
                                        .mask = arg == &client,
                                        .data = payload,
                                        .data_length = payload_len};
        /* A masked payload goes out in pieces of its 4 KiB buffer. */
        while (iocb.data_length > 0) {
            ssize_t sent = wslay_frame_send(ctx, &iocb);
            if (sent < 0)
                exit(1);
            iocb.data += sent;
            iocb.data_length -= (size_t)sent;
        }
    }
    wslay_frame_context_free(ctx);
    return n;
}
#else
#define event_decode NULL
#define event_encode NULL
#define frame_decode NULL
#define frame_encode NULL
#endif

static void decode(const char *kind, size_t len, const char *row, double goal)
{
    fill_payload(kind, len);
    fill_stream();
    if (strcmp(kind, "binary") == 0) {
        const bench_subject subjects[] = {{"wick", wick_decode, NULL},
                                          {"wslay frame API, no UTF-8", frame_decode, NULL},
                                          {"wslay event API", event_decode, NULL}};
        bench_compare(row, subjects, 3, goal);
    } else {
        const bench_subject subjects[] = {{"wick", wick_decode, NULL}, {"wslay event API", event_decode, NULL}};
        bench_compare(row, subjects, 2, goal);
    }
}

static void encode(wick_conn_config *config, size_t len, const char *row)
{
    const bench_subject subjects[] = {{"wick", wick_encode, config},
                                      {"wslay frame API", frame_encode, config},
                                      {"wslay event API", event_encode, config}};
    fill_payload("binary", len);
    bench_compare(row, subjects, 3, 0);
}

int main(void)
{
    server.kernels = client.kernels = wick_kernels_best();
    server.max_message = client.max_message = 1 << 20;
    printf("frames: kernels %s; ratio is ours / theirs, of the best rounds\n", server.kernels->name);
    decode("binary", 16, "decode binary 16 B", 0.12);
    decode("binary", 125, "decode binary 125 B", 0.09);
    decode("binary", 1024, "decode binary 1 KiB", 0.04);
    decode("binary", 16384, "decode binary 16 KiB", 0.04);
    decode("ASCII", 16, "decode ASCII 16 B", 0.10);
    decode("ASCII", 1024, "decode ASCII 1 KiB", 0.015);
    decode("ASCII", 16384, "decode ASCII 16 KiB", 0.01);
    decode("CJK", 16, "decode CJK 16 B", 0);
    decode("CJK", 125, "decode CJK 125 B", 0);
    decode("CJK", 1024, "decode CJK 1 KiB", 0.03);
    decode("CJK", 16384, "decode CJK 16 KiB", 0.03);
    encode(&server, 16, "encode server 16 B");
    encode(&server, 1024, "encode server 1 KiB");
    encode(&client, 16, "encode client 16 B");
    encode(&client, 1024, "encode client 1 KiB");
    encode(&client, 16384, "encode client 16 KiB");
    return 0;
}
