/*
 * none.c - a build without TLS: see lib/tls.h. No peer ever has PEER_TLS.
 */
#include "lib/tls.h"

#include <errno.h>
#include <stdio.h>

static const char unbuilt[] = "this build has no TLS; build with WITH_OPENSSL=1";

int tls_is_built(void)
{
    return 0;
}

struct tls_identity *tls_identity_new(const char *cert, const char *key, char *why, size_t cap)
{
    (void)cert;
    (void)key;
    snprintf(why, cap, "%s", unbuilt);
    return NULL;
}

void tls_identity_free(struct tls_identity *identity)
{
    (void)identity;
}

void tls_identity_answer_plain(struct tls_identity *identity, const char *response, size_t len)
{
    (void)identity;
    (void)response;
    (void)len;
}

int tls_trust(const char *ca, int insecure, char *why, size_t cap)
{
    (void)ca;
    (void)insecure;
    snprintf(why, cap, "%s", unbuilt);
    return -1;
}

void tls_end(void)
{
}

int tls_accept(struct peer *peer, struct tls_identity *identity, const uint8_t *first, size_t len)
{
    (void)peer;
    (void)identity;
    (void)first;
    (void)len;
    return -1;
}

int tls_connect(struct peer *peer, wick_str host)
{
    (void)peer;
    (void)host;
    return -1;
}

int tls_is_ready(const struct peer *peer)
{
    (void)peer;
    return 1;
}

const char *tls_failure(const struct peer *peer)
{
    (void)peer;
    return NULL;
}

int tls_was_cut(const struct peer *peer)
{
    (void)peer;
    return 0;
}

ssize_t tls_receive(struct peer *peer, uint8_t *data, size_t cap)
{
    (void)peer;
    (void)data;
    (void)cap;
    errno = ENOTSUP;
    return -1;
}

ssize_t tls_send(struct peer *peer, const struct iovec *iov, int count)
{
    (void)peer;
    (void)iov;
    (void)count;
    errno = ENOTSUP;
    return -1;
}

int tls_has_input(const struct peer *peer)
{
    (void)peer;
    return 0;
}

size_t tls_queued(const struct peer *peer)
{
    (void)peer;
    return 0;
}

void tls_finish(struct peer *peer)
{
    (void)peer;
}

void tls_leave(struct peer *peer)
{
    (void)peer;
}
