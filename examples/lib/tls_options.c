/*
 * tls_options.c - --cert and --key of a server: see tls.h.
 */
#include "lib/tls.h"

struct tls_identity *tls_identity_read(const struct program *program, const char *cert, const char *key)
{
    char why[512];
    if (!cert && !key)
        return NULL;
    if (!cert)
        options_wrong(program, "--key goes with --cert");
    struct tls_identity *identity = tls_identity_new(cert, key, why, sizeof why);
    if (!identity)
        options_wrong(program, "--cert: %s", why);
    return identity;
}
