/*
 * tls.h - TLS between a peer and its socket, for servers and clients: an opt-in, WITH_OPENSSL=1.
 *
 * A peer that has TLS carries PEER_TLS, and its session lies beside it: `struct peer` is the same in every build, and a
 * plain peer pays for one test of that flag where it reads and writes. Protocols see nothing of it; they speak to
 * peers as ever.
 *
 * What OpenSSL writes is collected, sent in one piece, and kept if the kernel does not take it, so that OpenSSL never
 * waits for room. Ends are TLS's own: close_notify goes out when the peer has nothing more to say, and what comes
 * before the other end's is still read. TLS 1.2 and 1.3; ALPN http/1.1 alone; no renegotiation.
 *
 * examples/tls/openssl.c has it, examples/tls/none.c stands in for it and refuses.
 */
#ifndef EXAMPLES_TLS_H
#define EXAMPLES_TLS_H

#include <sys/uio.h>

#include "lib/options.h"
#include "lib/peer.h"

/* A certificate and its key. */
struct tls_identity;

/* Whether this build has TLS. If not, tls_identity_new() and tls_trust() say what to do. */
int tls_is_built(void);

/*
 * Read a certificate chain and its private key, both PEM; key NULL: it is in the same file. Returns NULL, with a
 * sentence in why, if they cannot be read or do not belong together.
 */
struct tls_identity *tls_identity_new(const char *cert, const char *key, char *why, size_t cap);
/* For a table of options, and what to do with their values: exits 2 with the usage if something is wrong. */
#define TLS_IDENTITY_OPTIONS(cert, key)                                                                             \
    { "cert", "F", "certificate chain for TLS; needs a build WITH_OPENSSL=1", OPTION_TEXT, cert, 0 },               \
    { "key", "F", "its private key, if it is not in the same file", OPTION_TEXT, key, 0 }
struct tls_identity *tls_identity_read(const struct program *program, const char *cert, const char *key);
void tls_identity_free(struct tls_identity *identity);
/* What a client is told that speaks plain HTTP: a whole response. It must stay. */
void tls_identity_answer_plain(struct tls_identity *identity, const char *response, size_t len);

/*
 * Whom clients believe: the system's certificates, and those in the file `ca` if it is not NULL; with insecure,
 * anybody. Without this call it is the system's. Returns 0, or -1 with a sentence in why.
 */
int tls_trust(const char *ca, int insecure, char *why, size_t cap);
/* Free what tls_trust() and tls_connect() have made. */
void tls_end(void);

/* Begin, as the server. first are bytes that have been read already. Returns 0, or -1 if there is no memory. */
int tls_accept(struct peer *peer, struct tls_identity *identity, const uint8_t *first, size_t len);
/* Begin, as the client, on a connected peer whose service is a client's. host is a name or an address. */
int tls_connect(struct peer *peer, wick_str host);

/* Whether the handshake is done. */
int tls_is_ready(const struct peer *peer);
/* Why the session has failed, a sentence; NULL if it has not. */
const char *tls_failure(const struct peer *peer);
/* Whether the stream ended without close_notify: it may have been cut. */
int tls_was_cut(const struct peer *peer);

/* ---- For the engine, and peers with PEER_TLS ---- */

/* Like recv() and sendmsg(), without blocking. */
ssize_t tls_receive(struct peer *peer, uint8_t *data, size_t cap);
ssize_t tls_send(struct peer *peer, const struct iovec *iov, int count);
/* Whether there is input that no event tells of. */
int tls_has_input(const struct peer *peer);
/* Bytes that are encrypted and not sent. */
size_t tls_queued(const struct peer *peer);
/* Send close_notify, once. */
void tls_finish(struct peer *peer);
/* The peer goes. */
void tls_leave(struct peer *peer);

#endif
