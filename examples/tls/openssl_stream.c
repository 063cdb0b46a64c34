/*
 * openssl_stream.c - the bytes of TLS sessions: see lib/tls.h, session.h.
 *
 * OpenSSL writes into `scratch`, which is sent when the call that made it write is over: one system call for any number
 * of records. What the kernel does not take is kept with the session and goes first the next time. So a write of
 * OpenSSL's always succeeds, and none has to be repeated with the same bytes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/log.h"
#include "lib/visitor.h"
#include "tls/session.h"

/* Plain bytes that are encrypted before they are sent. */
#define CHUNK (64u << 10)
/* The largest plain text of a record. */
#define RECORD (16u << 10)

/* The output of the call in progress: a chunk, with 22 to 50 bytes more for each of its records. */
static uint8_t scratch[CHUNK + (8u << 10)];
static size_t scratch_len;

/* ---- Bytes ------------------------------------------------------------------------------------------------------- */

void tls_bytes_free(struct tls_bytes *bytes)
{
    free(bytes->data);
    memset(bytes, 0, sizeof *bytes);
}

int tls_bytes_add(struct tls_bytes *bytes, const uint8_t *data, size_t len)
{
    if (len > bytes->cap - bytes->at - bytes->len) {
        size_t cap = bytes->len + len;
        uint8_t *grown = malloc(cap);
        if (!grown)
            return -1;
        if (bytes->len)
            memcpy(grown, bytes->data + bytes->at, bytes->len);
        free(bytes->data);
        bytes->data = grown;
        bytes->at = 0;
        bytes->cap = cap;
    }
    memcpy(bytes->data + bytes->at + bytes->len, data, len);
    bytes->len += len;
    return 0;
}

static void bytes_drop(struct tls_bytes *bytes, size_t len)
{
    bytes->at += len;
    bytes->len -= len;
    if (!bytes->len)
        tls_bytes_free(bytes);
}

/* ---- The socket -------------------------------------------------------------------------------------------------- */

static int would_block(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* Returns how many bytes the kernel has taken. */
static size_t send_some(struct tls_session *session, const uint8_t *data, size_t len)
{
    ssize_t sent = session->broken ? 0 : send(session->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && !would_block(errno))
        session->broken = 1;
    return sent > 0 ? (size_t)sent : 0;
}

void tls_flush(struct tls_session *session)
{
    size_t sent = 0;
    if (session->wire.len)
        bytes_drop(&session->wire, send_some(session, session->wire.data + session->wire.at, session->wire.len));
    if (!scratch_len)
        return;
    if (!session->wire.len)
        sent = send_some(session, scratch, scratch_len);
    if (sent < scratch_len && tls_bytes_add(&session->wire, scratch + sent, scratch_len - sent) < 0)
        session->broken = 1;
    scratch_len = 0;
}

static int bio_write(BIO *bio, const char *data, size_t len, size_t *written)
{
    struct tls_session *session = BIO_get_data(bio);
    if (len > sizeof scratch - scratch_len)
        tls_flush(session);
    if (len > sizeof scratch)
        return 0;
    memcpy(scratch + scratch_len, data, len);
    scratch_len += len;
    *written = len;
    return 1;
}

static int bio_read(BIO *bio, char *data, size_t cap, size_t *got)
{
    struct tls_session *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (session->first.len) {
        *got = session->first.len < cap ? session->first.len : cap;
        memcpy(data, session->first.data + session->first.at, *got);
        bytes_drop(&session->first, *got);
        return 1;
    }
    ssize_t len = recv(session->fd, data, cap, MSG_DONTWAIT);
    if (len > 0) {
        *got = (size_t)len;
        return 1;
    }
    if (len < 0 && would_block(errno))
        BIO_set_retry_read(bio);
    else if (len == 0)
        BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return 0;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)number;
    (void)pointer;
    if (command == BIO_CTRL_EOF)
        return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method;

BIO *tls_bio_new(struct tls_session *session)
{
    if (!bio_method) {
        bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "peer");
        if (!bio_method)
            return NULL;
        BIO_meth_set_write_ex(bio_method, bio_write);
        BIO_meth_set_read_ex(bio_method, bio_read);
        BIO_meth_set_ctrl(bio_method, bio_control);
    }
    BIO *bio = BIO_new(bio_method);
    if (bio) {
        BIO_set_data(bio, session);
        BIO_set_init(bio, 1);
    }
    return bio;
}

/* ---- For the engine ---------------------------------------------------------------------------------------------- */

/* Shake hands. Returns 1 when it is done, 0 to wait, -1 if it has failed. */
static int shake_hands(struct peer *peer, struct tls_session *session)
{
    char name[SOCKET_NAME];
    ERR_clear_error();
    int result = SSL_do_handshake(session->ssl);
    if (result == 1) {
        session->ready = 1;
        peer->flags &= (uint16_t)~PEER_STUCK; /* what was written meanwhile may go */
        peer_touch(peer);
        return 1;
    }
    if (tls_judge(session, result) == 0)
        return 0;
    if (session->identity)
        log_line("%s - TLS handshake failed: %s", visitor_name(peer, name), session->why);
    if (session->plain)
        tls_answer_plain(session);
    return -1;
}

/* Read until there is no more, or no room. Returns the bytes. */
static size_t read_plain(struct tls_session *session, uint8_t *data, size_t cap)
{
    size_t len = 0, got;
    session->more = 1;
    while (len < cap && !session->ended) {
        ERR_clear_error();
        int result = SSL_read_ex(session->ssl, data + len, cap - len, &got);
        if (result == 1) {
            len += got;
        } else if (tls_judge(session, result) == 0) {
            session->more = 0;
            break;
        }
    }
    return len;
}

ssize_t tls_receive(struct peer *peer, uint8_t *data, size_t cap)
{
    struct tls_session *session = tls_session_of(peer);
    size_t len = 0;
    if (!session->ready && !session->ended)
        shake_hands(peer, session);
    if (session->ready)
        len = read_plain(session, data, cap);
    tls_flush(session);
    if (session->wire.len || session->broken)
        peer_touch(peer);
    if (len)
        return (ssize_t)len;
    errno = session->ended ? EPROTO : EAGAIN;
    return session->ended && !*session->why ? 0 : -1;
}

/* Encrypt up to len bytes. Returns how many. */
static size_t write_plain(struct tls_session *session, const uint8_t *data, size_t len)
{
    size_t all = 0, put;
    while (all < len && all < CHUNK) {
        size_t piece = len - all < RECORD ? len - all : RECORD;
        ERR_clear_error();
        if (SSL_write_ex(session->ssl, data + all, piece, &put) != 1) {
            session->broken = 1;
            break;
        }
        all += put;
    }
    return all;
}

/* Encrypt from the `at`th byte on: a piece that fills records as it lies, small ones joined. Returns how many bytes. */
static size_t write_from(struct tls_session *session, const struct iovec *iov, int count, size_t at)
{
    static uint8_t record[RECORD];
    size_t len = 0;
    for (; count && at >= iov->iov_len; iov++, count--)
        at -= iov->iov_len;
    if (!count)
        return 0;
    const uint8_t *first = (const uint8_t *)iov->iov_base + at;
    size_t first_len = iov->iov_len - at;
    if (count == 1 || first_len >= RECORD)
        return write_plain(session, first, count == 1 ? first_len : first_len / RECORD * RECORD);
    for (int i = 0; i < count && len < RECORD; i++) {
        size_t skip = i ? 0 : at, room = RECORD - len, piece = iov[i].iov_len - skip;
        piece = piece < room ? piece : room;
        memcpy(record + len, (const uint8_t *)iov[i].iov_base + skip, piece);
        len += piece;
    }
    return write_plain(session, record, len);
}

ssize_t tls_send(struct peer *peer, const struct iovec *iov, int count)
{
    struct tls_session *session = tls_session_of(peer);
    size_t all = 0, put;
    tls_flush(session);
    while (session->ready && !session->broken && !session->wire.len) {
        put = write_from(session, iov, count, all);
        tls_flush(session);
        all += put;
        if (!put)
            break;
    }
    if (all || (session->ready && !session->broken && !session->wire.len))
        return (ssize_t)all;
    errno = session->broken ? EPIPE : EAGAIN;
    return -1;
}

int tls_has_input(const struct peer *peer)
{
    const struct tls_session *session = tls_session_of(peer);
    if (peer->flags & PEER_ENDED)
        return 0;
    return session->ended || session->first.len || session->more;
}

size_t tls_queued(const struct peer *peer)
{
    return tls_session_of(peer)->wire.len;
}

void tls_finish(struct peer *peer)
{
    struct tls_session *session = tls_session_of(peer);
    if (session->told || !session->ready || session->broken || *session->why)
        return;
    session->told = 1;
    ERR_clear_error();
    SSL_shutdown(session->ssl);
    tls_flush(session);
}
