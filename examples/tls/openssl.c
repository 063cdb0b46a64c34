/*
 * openssl.c - contexts, handshakes and failures of TLS sessions: see lib/tls.h. Their bytes are in openssl_stream.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/x509v3.h>

#include "tls/session.h"

/* Found by the descriptor of the peer. */
static struct tls_session **sessions;
static size_t session_cap;

static SSL_CTX *client_context;

static const unsigned char alpn[] = "\x08http/1.1";

int tls_is_built(void)
{
    return 1;
}

struct tls_session *tls_session_of(const struct peer *peer)
{
    return sessions[peer->source.fd];
}

/* ---- Contexts ---------------------------------------------------------------------------------------------------- */

static const char *openssl_text(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());
    return text ? text : "OpenSSL does not say why";
}

static SSL_CTX *new_context(const SSL_METHOD *method)
{
    SSL_CTX *context = SSL_CTX_new(method);
    if (!context)
        return NULL;
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1);
    return context;
}

/* Of what the client offers, http/1.1; a client that offers other protocols alone is told so. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *len, const unsigned char *offer,
                           unsigned offer_len, void *arg)
{
    unsigned char *chosen;
    (void)ssl;
    (void)arg;
    if (SSL_select_next_proto(&chosen, len, alpn, sizeof alpn - 1, offer, offer_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static int load(SSL_CTX *context, const char *cert, const char *key, char *why, size_t cap)
{
    const char *what = cert;
    int good = SSL_CTX_use_certificate_chain_file(context, cert) == 1;
    if (good) {
        what = key;
        good = SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1 &&
               SSL_CTX_check_private_key(context) == 1;
    }
    if (!good)
        snprintf(why, cap, "%s: %s", what, openssl_text());
    return good;
}

struct tls_identity *tls_identity_new(const char *cert, const char *key, char *why, size_t cap)
{
    struct tls_identity *identity = calloc(1, sizeof *identity);
    ERR_clear_error();
    if (identity)
        identity->context = new_context(TLS_server_method());
    if (!identity || !identity->context) {
        snprintf(why, cap, "%s", openssl_text());
        free(identity);
        return NULL;
    }
    SSL_CTX_set_alpn_select_cb(identity->context, choose_protocol, NULL);
    if (load(identity->context, cert, key ? key : cert, why, cap))
        return identity;
    tls_identity_free(identity);
    return NULL;
}

void tls_identity_free(struct tls_identity *identity)
{
    if (!identity)
        return;
    SSL_CTX_free(identity->context);
    free(identity);
}

void tls_identity_answer_plain(struct tls_identity *identity, const char *response, size_t len)
{
    identity->plain = response;
    identity->plain_len = len;
}

int tls_trust(const char *ca, int insecure, char *why, size_t cap)
{
    ERR_clear_error();
    SSL_CTX *context = new_context(TLS_client_method());
    int good = context && SSL_CTX_set_alpn_protos(context, alpn, sizeof alpn - 1) == 0 &&
               SSL_CTX_set_default_verify_paths(context) == 1;
    if (!good)
        snprintf(why, cap, "%s", openssl_text());
    if (good && ca && SSL_CTX_load_verify_locations(context, ca, NULL) != 1) {
        good = 0;
        snprintf(why, cap, "%s: %s", ca, openssl_text());
    }
    if (!good) {
        SSL_CTX_free(context);
        return -1;
    }
    SSL_CTX_set_verify(context, insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    SSL_CTX_free(client_context);
    client_context = context;
    return 0;
}

void tls_end(void)
{
    SSL_CTX_free(client_context);
    client_context = NULL;
    free(sessions);
    sessions = NULL;
    session_cap = 0;
}

/* ---- Sessions ---------------------------------------------------------------------------------------------------- */

static void free_session(struct tls_session *session)
{
    SSL_free(session->ssl);
    tls_bytes_free(&session->first);
    tls_bytes_free(&session->wire);
    free(session);
}

static int reserve_session(size_t fd)
{
    size_t cap = session_cap * 2 > fd ? session_cap * 2 : fd + 64;
    if (fd < session_cap)
        return 0;
    struct tls_session **more = realloc(sessions, cap * sizeof(struct tls_session *));
    if (!more)
        return -1;
    sessions = more;
    session_cap = cap;
    return 0;
}

static struct tls_session *new_session(struct peer *peer, SSL_CTX *context)
{
    struct tls_session *session = calloc(1, sizeof *session);
    if (!session)
        return NULL;
    session->fd = peer->source.fd;
    session->ssl = SSL_new(context);
    BIO *bio = session->ssl ? tls_bio_new(session) : NULL;
    if (!bio || reserve_session((size_t)session->fd) < 0) {
        BIO_free(bio);
        free_session(session);
        return NULL;
    }
    SSL_set_bio(session->ssl, bio, bio);
    return session;
}

static void begin(struct peer *peer, struct tls_session *session)
{
    sessions[session->fd] = session;
    peer->flags |= PEER_TLS | PEER_REOFFER; /* the client begins, and of `first` no event will tell */
    session->more = 1;
    peer_touch(peer);
}

int tls_accept(struct peer *peer, struct tls_identity *identity, const uint8_t *first, size_t len)
{
    struct tls_session *session = new_session(peer, identity->context);
    if (!session)
        return -1;
    if (len && tls_bytes_add(&session->first, first, len) < 0) {
        free_session(session);
        return -1;
    }
    session->identity = identity;
    SSL_set_accept_state(session->ssl);
    begin(peer, session);
    return 0;
}

/* The name that the certificate must have. A name is told to the server too, an address is not: RFC 6066 section 3. */
static int set_host(SSL *ssl, wick_str host)
{
    char name[256];
    wick_address address;
    if (host.len >= sizeof name)
        return -1;
    memcpy(name, host.data, host.len);
    name[host.len] = '\0';
    if (wick_address_parse(host, &address, NULL) == WICK_OK)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1 ? 0 : -1;
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1 ? 0 : -1;
}

int tls_connect(struct peer *peer, wick_str host)
{
    char why[TLS_WHY];
    if (!client_context && tls_trust(NULL, 0, why, sizeof why) < 0)
        return -1;
    struct tls_session *session = new_session(peer, client_context);
    if (!session)
        return -1;
    if (set_host(session->ssl, host) < 0) {
        free_session(session);
        return -1;
    }
    SSL_set_connect_state(session->ssl);
    begin(peer, session);
    return 0;
}

int tls_is_ready(const struct peer *peer)
{
    return !(peer->flags & PEER_TLS) || tls_session_of(peer)->ready;
}

const char *tls_failure(const struct peer *peer)
{
    return peer->flags & PEER_TLS && *tls_session_of(peer)->why ? tls_session_of(peer)->why : NULL;
}

int tls_was_cut(const struct peer *peer)
{
    return peer->flags & PEER_TLS && tls_session_of(peer)->cut;
}

void tls_leave(struct peer *peer)
{
    struct tls_session *session = tls_session_of(peer);
    tls_finish(peer);
    sessions[session->fd] = NULL;
    peer->flags &= (uint16_t)~PEER_TLS;
    free_session(session);
}

/* ---- Failures ---------------------------------------------------------------------------------------------------- */

/* Somebody speaks plain HTTP to us, and is answered likewise. What has come is read first, or a reset would follow. */
void tls_answer_plain(struct tls_session *session)
{
    char junk[4096];
    while (recv(session->fd, junk, sizeof junk, MSG_DONTWAIT) > 0)
        continue;
    if (session->identity->plain_len)
        send(session->fd, session->identity->plain, session->identity->plain_len, MSG_NOSIGNAL | MSG_DONTWAIT);
    shutdown(session->fd, SHUT_WR);
    session->broken = 1;
}

static void explain(struct tls_session *session, int reason)
{
    long verified = SSL_get_verify_result(session->ssl);
    const char *text = openssl_text();
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED && verified != X509_V_OK)
        snprintf(session->why, sizeof session->why, "the server's certificate is not trusted: %s",
                 X509_verify_cert_error_string(verified));
    else if (reason == SSL_R_WRONG_VERSION_NUMBER && !session->ready)
        snprintf(session->why, sizeof session->why, "the other end does not speak TLS (%s)", text);
    else if (reason == SSL_R_HTTP_REQUEST)
        snprintf(session->why, sizeof session->why, "plain HTTP where TLS is spoken");
    else
        snprintf(session->why, sizeof session->why, "TLS: %s", text);
}

/* The stream is over without close_notify. */
static void was_cut(struct tls_session *session)
{
    session->cut = 1;
    if (!session->ready)
        snprintf(session->why, sizeof session->why, "the other end closed the connection in the TLS handshake");
}

int tls_judge(struct tls_session *session, int result)
{
    int error = SSL_get_error(session->ssl, result), reason = ERR_GET_REASON(ERR_peek_error());
    if (error == SSL_ERROR_WANT_READ)
        return 0;
    session->ended = 1;
    session->more = 0;
    if (error == SSL_ERROR_ZERO_RETURN)
        return -1;
    if (error == SSL_ERROR_SSL && reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        was_cut(session);
    } else if (error == SSL_ERROR_SSL) {
        explain(session, reason);
        session->plain = session->identity && reason == SSL_R_HTTP_REQUEST;
    } else {
        session->broken = session->cut = 1;
        snprintf(session->why, sizeof session->why, "the connection was reset");
    }
    return -1;
}
