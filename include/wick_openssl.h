/*
 * wick_openssl.h - libwick_openssl: wick's digests through OpenSSL. A library of its own, built WITH_OPENSSL=1, so that
 * libwick never depends on OpenSSL.
 *
 * For hosts that have to take every digest from one library, because it is certified or audited. It is as fast as
 * wick_sha1_kernel_best() on a CPU with SHA instructions (810 ns beside 780 ns; plain C takes 2670 ns there).
 *
 *     wick_handshake_server_config config = {.size = sizeof config};
 *     config.sha1 = wick_openssl_sha1_kernel();
 *
 * Link with -lwick_openssl -lwick -lcrypto, or `pkg-config --libs wick_openssl`.
 */
#ifndef WICK_OPENSSL_H
#define WICK_OPENSSL_H

#include "wick/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Give the SHA-1 of OpenSSL, for wick_handshake_server_config.sha1.
 *
 * The table lives as long as the program, and any number of threads may use it. If OpenSSL refuses SHA-1, as a provider
 * may that is configured so, the digest is all zeros, which no client accepts.
 */
WICK_API const wick_sha1_kernel *wick_openssl_sha1_kernel(void);

#ifdef __cplusplus
}
#endif

#endif
