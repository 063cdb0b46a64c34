/*
 * resolve.h - from a host name to its addresses, without blocking the loop.
 *
 * getaddrinfo() has no deadline of its own and may take most of a minute. It runs in a child process, which may be
 * given up at any time.
 */
#ifndef EXAMPLES_RESOLVE_H
#define EXAMPLES_RESOLVE_H

#include <sys/socket.h>

#include "lib/loop.h"

/* The addresses that are kept of a name. */
#define RESOLVE_MAX 16

struct resolved {
    int error; /* EAI_..., or 0 */
    unsigned count;
    struct resolve_address {
        struct sockaddr_storage address;
        socklen_t len;
    } list[RESOLVE_MAX];
};

struct resolve;

/* Resolve an address that is given in digits, at once. Returns 0, or -1 if it is a name. */
int resolve_digits(const char *host, unsigned port, struct resolved *result);

/* Start to resolve a name; on_done follows from the loop. Returns NULL if no child can be started. */
struct resolve *resolve_start(struct loop *loop, const char *host, unsigned port,
                              void (*on_done)(void *user, const struct resolved *result), void *user);
/* Give it up: on_done does not come. Not in on_done. */
void resolve_cancel(struct resolve *resolve);

#endif
