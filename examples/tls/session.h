/*
 * session.h - what the files of TLS through OpenSSL share: openssl.c (contexts, handshakes), openssl_stream.c (bytes).
 */
#ifndef EXAMPLES_TLS_SESSION_H
#define EXAMPLES_TLS_SESSION_H

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "lib/tls.h"

#define TLS_WHY 256

struct tls_identity {
    SSL_CTX *context;
    const char *plain; /* the answer to plain HTTP */
    size_t plain_len;
};

/* Bytes in memory of their own. */
struct tls_bytes {
    uint8_t *data;
    size_t at, len, cap;
};

struct tls_session {
    SSL *ssl;
    int fd;
    const struct tls_identity *identity; /* NULL: we are the client */
    struct tls_bytes first;              /* input that was read before TLS began */
    struct tls_bytes wire;               /* output that the kernel has not taken */
    uint8_t ready;                       /* the handshake is done */
    uint8_t ended;                       /* no more input: close_notify, the end of the stream, or a failure */
    uint8_t more;                        /* the last read filled its room: there may be more inside OpenSSL */
    uint8_t cut;                         /* ended without close_notify */
    uint8_t told;                        /* close_notify has been sent */
    uint8_t plain;                       /* the client speaks plain HTTP */
    uint8_t broken;                      /* nothing can be sent */
    char why[TLS_WHY];                   /* of a failure */
};

struct tls_session *tls_session_of(const struct peer *peer);
/* The BIO of a session: its socket, without waiting. Returns NULL if there is no memory. */
BIO *tls_bio_new(struct tls_session *session);
/* One call of OpenSSL has returned `result`. Returns 0 to wait for input; -1 if the session is over: session->why. */
int tls_judge(struct tls_session *session, int result);
/* Answer a client that speaks plain HTTP. */
void tls_answer_plain(struct tls_session *session);
/* Send what OpenSSL has written. */
void tls_flush(struct tls_session *session);
void tls_bytes_free(struct tls_bytes *bytes);
int tls_bytes_add(struct tls_bytes *bytes, const uint8_t *data, size_t len);

#endif
