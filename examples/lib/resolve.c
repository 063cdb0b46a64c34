/*
 * resolve.c - see resolve.h. The child writes a whole struct resolved to a pipe, less than a pipe takes at once, and
 * ends.
 */
#include "lib/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct resolve {
    struct source source; /* the first member */
    struct loop *loop;
    void (*on_done)(void *user, const struct resolved *result);
    void *user;
    pid_t child;
    size_t got;
    struct resolved result;
};

static void look_up(const char *host, unsigned port, int flags, struct resolved *result)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | flags }, *list = NULL;
    char service[12];
    memset(result, 0, sizeof *result);
    snprintf(service, sizeof service, "%u", port);
    result->error = getaddrinfo(host, service, &hints, &list);
    for (const struct addrinfo *at = list; at && result->count < RESOLVE_MAX; at = at->ai_next) {
        struct resolve_address *kept = &result->list[result->count];
        if (at->ai_addrlen > sizeof kept->address)
            continue;
        memcpy(&kept->address, at->ai_addr, at->ai_addrlen);
        kept->len = at->ai_addrlen;
        result->count++;
    }
    if (list)
        freeaddrinfo(list);
}

int resolve_digits(const char *host, unsigned port, struct resolved *result)
{
    look_up(host, port, AI_NUMERICHOST, result);
    return result->error ? -1 : 0;
}

/* The child holds no socket of its parent's: one that is closed there must be closed. */
static void close_others(void)
{
    int closed = -1;
#ifdef SYS_close_range
    closed = (int)syscall(SYS_close_range, 3u, ~0u, 0u);
#endif
    for (int fd = 3; closed < 0 && fd < 65536; fd++)
        close(fd);
}

static void run_child(int to, const char *host, unsigned port)
{
    static struct resolved result;
    dup2(to, STDIN_FILENO);
    close_others();
    loop_child();
    look_up(host, port, 0, &result);
    _exit(write(STDIN_FILENO, &result, sizeof result) == (ssize_t)sizeof result ? 0 : 1);
}

static void end(struct resolve *resolve)
{
    int fd = resolve->source.fd;
    loop_drop(resolve->loop, &resolve->source);
    if (fd >= 0)
        close(fd);
    while (waitpid(resolve->child, NULL, 0) < 0 && errno == EINTR)
        ;
}

static void on_ready(struct loop *loop, struct source *source, unsigned events)
{
    struct resolve *resolve = (struct resolve *)(void *)source; /* its first member */
    uint8_t *to = (uint8_t *)&resolve->result + resolve->got;
    ssize_t got = read(source->fd, to, sizeof resolve->result - resolve->got);
    (void)loop, (void)events;
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    resolve->got += got > 0 ? (size_t)got : 0;
    if (got > 0 && resolve->got < sizeof resolve->result)
        return;
    if (resolve->got < sizeof resolve->result || resolve->result.count > RESOLVE_MAX)
        resolve->result = (struct resolved){ .error = EAI_AGAIN }; /* the child was killed */
    end(resolve);
    resolve->on_done(resolve->user, &resolve->result);
    free(resolve);
}

static const struct source_type resolve_type = { .on_ready = on_ready };

struct resolve *resolve_start(struct loop *loop, const char *host, unsigned port,
                              void (*on_done)(void *user, const struct resolved *result), void *user)
{
    struct resolve *resolve = calloc(1, sizeof *resolve);
    int ends[2];
    if (!resolve || pipe2(ends, O_CLOEXEC) < 0) {
        free(resolve);
        return NULL;
    }
    resolve->loop = loop;
    resolve->on_done = on_done;
    resolve->user = user;
    resolve->child = fork();
    if (resolve->child == 0)
        run_child(ends[1], host, port);
    close(ends[1]);
    source_init(&resolve->source, &resolve_type);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    if (resolve->child > 0 && loop_watch(loop, &resolve->source, ends[0], EPOLLIN) == 0)
        return resolve;
    close(ends[0]);
    if (resolve->child > 0) {
        kill(resolve->child, SIGKILL);
        end(resolve);
    }
    free(resolve);
    return NULL;
}

void resolve_cancel(struct resolve *resolve)
{
    kill(resolve->child, SIGKILL);
    end(resolve);
    free(resolve);
}
