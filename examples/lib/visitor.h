/*
 * visitor.h - who is at the other end of a peer, seen through the proxies of --trust-proxy.
 *
 * A server that trusts nobody has no visitors, and pays nothing. Else each of its peers has one from its first bytes to
 * its end, kept beside the peer so that `struct peer` stays as small as it is.
 */
#ifndef EXAMPLES_VISITOR_H
#define EXAMPLES_VISITOR_H

#include "lib/options.h"
#include "lib/peer.h"
#include "lib/socket.h"

/* The addresses whose word is believed. */
struct trust {
    wick_network *networks;
    size_t count;
};

/* For the table of options; the target is a struct option_list. */
#define TRUST_OPTION(target)                                                                                        \
    {                                                                                                               \
        "trust-proxy", "CIDR", "believe the forwarded headers and PROXY headers of these addresses; may be repeated", \
            OPTION_LIST, target, 0                                                                                  \
    }

/* Read the values of --trust-proxy, addresses or ranges. Exits 2 with the usage if one is neither. */
void trust_read(struct trust *trust, const struct program *program, const struct option_list *list);
/* Once the last peer has gone. */
void trust_free(struct trust *trust);

/*
 * Look for a PROXY header at the start of a connection. Only a trusted address may send one; a malformed one is an
 * error. Returns WICK_MORE; WICK_OK with the header's length, 0 if there is none, in *used; or the error.
 */
wick_status visitor_arrives(struct peer *peer, const struct trust *trust, const uint8_t *data, size_t len,
                            size_t *used);

/*
 * Find out from a request who makes it. Returns what is known, valid until the next call; texts in it point into the
 * request. NULL if the peer has no visitor.
 */
const wick_forwarded *visitor_asks(struct peer *peer, const struct trust *trust, const wick_http_request *head);

/* "203.0.113.7:51234", "203.0.113.7" or "[2001:db8::1]": the visitor, or the other end of the socket. Returns name. */
char *visitor_name(const struct peer *peer, char name[SOCKET_NAME]);

/* The peer goes. */
void visitor_leaves(const struct peer *peer);

#endif
