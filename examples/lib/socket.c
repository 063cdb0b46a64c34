/*
 * socket.c - see socket.h.
 */
#include "lib/socket.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096

char *socket_name(const struct sockaddr *address, unsigned len, char name[SOCKET_NAME])
{
    char host[NI_MAXHOST], port[NI_MAXSERV];
    const char *shape = address->sa_family == AF_INET6 ? "[%.64s]:%.8s" : "%.64s:%.8s";
    if (getnameinfo(address, len, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        snprintf(name, SOCKET_NAME, "?");
    else
        snprintf(name, SOCKET_NAME, shape, host, port);
    return name;
}

char *socket_peer_name(int fd, char name[SOCKET_NAME])
{
    struct sockaddr_storage address = { 0 };
    socklen_t len = sizeof address;
    getpeername(fd, (struct sockaddr *)&address, &len);
    return socket_name((struct sockaddr *)&address, len, name);
}

char *socket_own_name(int fd, char name[SOCKET_NAME])
{
    struct sockaddr_storage address = { 0 };
    socklen_t len = sizeof address;
    getsockname(fd, (struct sockaddr *)&address, &len);
    return socket_name((struct sockaddr *)&address, len, name);
}

unsigned socket_port(int fd)
{
    struct sockaddr_storage address = { 0 };
    socklen_t len = sizeof address;
    getsockname(fd, (struct sockaddr *)&address, &len);
    if (address.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

static int listen_on(const struct addrinfo *address)
{
    int on = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

int socket_listen(const char *host, unsigned port, char name[SOCKET_NAME])
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
    struct addrinfo *list;
    char service[12];
    int fd = -1;
    snprintf(service, sizeof service, "%u", port);
    int error = getaddrinfo(host, service, &hints, &list);
    if (error) {
        snprintf(name, SOCKET_NAME, "%s", gai_strerror(error));
        return -1;
    }
    for (const struct addrinfo *address = list; address && fd < 0; address = address->ai_next)
        fd = listen_on(address);
    if (fd < 0)
        snprintf(name, SOCKET_NAME, "%s", strerror(errno));
    freeaddrinfo(list);
    return fd < 0 ? -1 : (socket_own_name(fd, name), fd);
}
