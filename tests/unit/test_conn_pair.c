/*
 * A client and a server, joined by two pipes that cut the bytes at random and are full at random: every message comes back
 * as it was sent, and the close handshake ends both.
 */
#include "lib/test.h"
#include "wick.h"

#include <stdlib.h>

#define PIPE_MAX (1 << 20)
#define MESSAGE_MAX 70000

typedef struct end {
    wick_conn conn;
    uint8_t *out; /* what this end has sent and the other has not taken */
    size_t out_len, out_cap;
    unsigned full_percent;
    size_t lent;          /* blocks that are lent now */
    unsigned code;        /* from on_close */
    int closes;
} end;

static end client, server;
static uint8_t sent[MESSAGE_MAX], *back;
static size_t sent_len, back_len;
static unsigned sent_opcode, back_opcode, pongs;

static int on_output(wick_conn *conn, void *user, const wick_slice *slices, size_t count)
{
    end *e = user;
    size_t len = 0;
    (void)conn;
    if (test_below(100) < e->full_percent)
        return WICK_BLOCKED;
    for (size_t i = 0; i < count; i++)
        len += slices[i].len;
    if (e->out_len + len > PIPE_MAX)
        return WICK_BLOCKED;
    for (size_t i = 0; i < count; i++) {
        memcpy(e->out + e->out_len, slices[i].data, slices[i].len);
        e->out_len += slices[i].len;
    }
    return 0;
}

static uint8_t *on_memory(wick_conn *conn, void *user, uint8_t *block, size_t need, size_t *cap)
{
    end *e = user;
    (void)conn;
    *cap = need;
    if (need == 0) {
        e->lent--;
        free(block);
        return NULL;
    }
    e->lent += block == NULL;
    return realloc(block, need);
}

static int on_random(wick_conn *conn, void *user, uint8_t *out, size_t len)
{
    (void)conn, (void)user;
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)test_random();
    return 0;
}

static int echo(wick_conn *conn, void *user, unsigned opcode, uint8_t *data, size_t len)
{
    (void)user;
    return wick_conn_send(conn, opcode, data, len);
}

static int keep(wick_conn *conn, void *user, unsigned opcode, uint8_t *data, size_t len)
{
    (void)conn, (void)user;
    back_opcode = opcode;
    back_len = len;
    memcpy(back, data, len);
    return test_below(4) == 0 ? WICK_PAUSED : 0;
}

static int on_pong(wick_conn *conn, void *user, const uint8_t *data, size_t len)
{
    (void)conn, (void)user;
    CHECK_INT(len, 4);
    CHECK_MEM(data, "ping", 4);
    pongs++;
    return 0;
}

static int on_close(wick_conn *conn, void *user, unsigned code, const char *reason, size_t len)
{
    end *e = user;
    (void)conn, (void)reason, (void)len;
    e->code = code;
    e->closes++;
    return 0;
}

static const wick_conn_callbacks server_callbacks = {
    .on_output = on_output, .on_memory = on_memory, .on_message = echo, .on_close = on_close};
static const wick_conn_callbacks client_callbacks = {.on_output = on_output, .on_memory = on_memory, .on_random = on_random,
                                                     .on_message = keep, .on_pong = on_pong, .on_close = on_close};
static const wick_conn_config server_config = {.size = sizeof server_config, .callbacks = &server_callbacks};
static const wick_conn_config client_config = {
    .size = sizeof client_config, .callbacks = &client_callbacks, .role = WICK_CLIENT};

/* Feed some of what `from` has sent to `to`, in a copy of its own. */
static void carry(end *from, end *to)
{
    size_t n = test_below(3) == 0 ? test_below(from->out_len + 1) : test_below(from->out_len < 20 ? from->out_len + 1 : 20);
    size_t used;
    uint8_t *piece = malloc(n + 1);
    memcpy(piece, from->out, n);
    wick_status status = wick_conn_recv(&to->conn, piece, n, &used, 0);
    CHECK(status >= 0);
    CHECK(status != WICK_OK || used == n);
    /* What was not consumed is as it was, since it is fed again. */
    CHECK_MEM(piece + used, from->out + used, n - used);
    memmove(from->out, from->out + used, from->out_len - used);
    from->out_len -= used;
    free(piece);
}

static void start(void)
{
    memset(&client, 0, sizeof client);
    memset(&server, 0, sizeof server);
    client.out = malloc(PIPE_MAX);
    server.out = malloc(PIPE_MAX);
    back = malloc(MESSAGE_MAX);
    CHECK_STATUS(wick_conn_init(&client.conn, &client_config, &client, 0), WICK_OK);
    CHECK_STATUS(wick_conn_init(&server.conn, &server_config, &server, 0), WICK_OK);
}

static void stop(void)
{
    CHECK_STATUS(wick_conn_end(&client.conn), WICK_OK);
    CHECK_STATUS(wick_conn_end(&server.conn), WICK_OK);
    CHECK_INT(client.lent, 0);
    CHECK_INT(server.lent, 0);
    free(client.out);
    free(server.out);
    free(back);
}

static void pick_message(void)
{
    static const size_t edges[] = {0, 1, 125, 126, 127, 128, 1024, 1025, 65535, 65536, MESSAGE_MAX};
    sent_len = test_below(3) ? test_below(300) : edges[test_below(sizeof edges / sizeof *edges)];
    sent_opcode = test_below(2) ? WICK_TEXT : WICK_BINARY;
    for (size_t i = 0; i < sent_len; i++)
        sent[i] = sent_opcode == WICK_BINARY ? (uint8_t)test_random() : (uint8_t)"\xE4\xBD\xA0"[i % 3];
    if (sent_opcode == WICK_TEXT)
        for (size_t i = sent_len - sent_len % 3; i < sent_len; i++)
            sent[i] = 'x';
}

/* Send the message in one of the ways there are; each may be blocked at any step. */
static void send_message(void)
{
    uint8_t copy[MESSAGE_MAX];
    size_t at = 0, way = test_below(3);
    wick_status status = WICK_BLOCKED;
    memcpy(copy, sent, sent_len);
    while (status == WICK_BLOCKED || at < sent_len) {
        size_t n = test_below(sent_len - at + 1);
        if (way == 0)
            status = wick_conn_send(&client.conn, sent_opcode, sent, sent_len);
        else if (way == 1)
            status = wick_conn_send_in_place(&client.conn, sent_opcode, copy, sent_len);
        else
            status = wick_conn_send_fragment(&client.conn, sent_opcode, sent + at, n, at + n == sent_len);
        CHECK(status >= 0);
        if (status == WICK_BLOCKED && way == 1)
            CHECK_MEM(copy, sent, sent_len);
        if (way != 2 && status == WICK_OK)
            at = sent_len;
        if (way == 2 && status == WICK_OK) {
            wick_conn_ping(&client.conn, "ping", 4);
            at += n;
            if (at == sent_len)
                return;
        }
        carry(&client, &server);
    }
}

static void messages_come_back_through_any_pipe(void)
{
    start();
    client.full_percent = 20;
    server.full_percent = 30;
    for (int i = 0; i < 300 && !test_failed(); i++) {
        pick_message();
        back_opcode = 0;
        send_message();
        for (int k = 0; back_opcode == 0 && k < 1000000; k++) {
            carry(&client, &server);
            carry(&server, &client);
        }
        CHECK_INT(back_opcode, sent_opcode);
        CHECK_INT(back_len, sent_len);
        CHECK_MEM(back, sent, sent_len);
    }
    CHECK(pongs > 0);
    wick_status closed;
    do
        closed = wick_conn_close(&client.conn, 1000, "done", 4, 0);
    while (closed == WICK_BLOCKED);
    CHECK_STATUS(closed, WICK_OK);
    for (int k = 0; k < 1000 && (client.closes == 0 || server.closes == 0); k++) {
        carry(&client, &server);
        carry(&server, &client);
    }
    CHECK_INT(server.code, 1000);
    CHECK_INT(client.code, 1000);
    CHECK_INT(wick_conn_state(&client.conn), WICK_LINGER);
    CHECK_INT(wick_conn_state(&server.conn), WICK_LINGER);
    stop();
}

int main(void)
{
    RUN(messages_come_back_through_any_pipe);
    return test_end();
}
