/*
 * socket.h - TCP sockets: listening, and names for addresses.
 */
#ifndef EXAMPLES_SOCKET_H
#define EXAMPLES_SOCKET_H

#include <stddef.h>

/* Enough for "[address%scope]:port". */
#define SOCKET_NAME 80

/*
 * Listen on the first address of host that can be had, IPv4 or IPv6; port 0 takes a free one. What accept() gives
 * has TCP_NODELAY set: Linux hands it on. Returns a non-blocking descriptor, and in name "host:port" with the real
 * port; or -1, and in name the reason.
 */
int socket_listen(const char *host, unsigned port, char name[SOCKET_NAME]);

struct sockaddr;

/* "127.0.0.1:5000" or "[::1]:5000": an address of len bytes. Returns name. */
char *socket_name(const struct sockaddr *address, unsigned len, char name[SOCKET_NAME]);

/* "127.0.0.1:5000" or "[::1]:5000": the other end of a socket, or this end of it. Returns name. */
char *socket_peer_name(int fd, char name[SOCKET_NAME]);
char *socket_own_name(int fd, char name[SOCKET_NAME]);

/* The port of this end. */
unsigned socket_port(int fd);

#endif
