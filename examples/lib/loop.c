/*
 * loop.c - epoll, a binary heap of times, a signalfd.
 *
 * A source knows its slot in the heap, so a time is moved or taken out in O(log n). The batch of events being
 * handled is kept in the loop: loop_drop() strikes a source out of it, which is why the memory of a dropped source
 * may go at once.
 */
#include "lib/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define LOOP_BATCH 256

static sigset_t blocked_signals;

uint64_t loop_clock(struct loop *loop)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    loop->now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    return loop->now_ms;
}

int loop_init(struct loop *loop)
{
    memset(loop, 0, sizeof *loop);
    loop->signals.fd = -1;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0)
        return -1;
    loop->events = malloc(LOOP_BATCH * sizeof *loop->events);
    if (!loop->events) {
        close(loop->epoll);
        return -1;
    }
    signal(SIGPIPE, SIG_IGN);
    loop_clock(loop);
    return 0;
}

void loop_free(struct loop *loop)
{
    if (loop->signals.fd >= 0)
        close(loop->signals.fd);
    close(loop->epoll);
    free(loop->events);
    free(loop->times);
}

void source_init(struct source *source, const struct source_type *type)
{
    source->type = type;
    source->fd = -1;
    source->slot = 0;
}

/* ---- Descriptors
 * ------------------------------------------------------------------------------------------------- */

static int control(struct loop *loop, int what, struct source *source, unsigned events)
{
    struct epoll_event event = { .events = events, .data = { .ptr = source } };
    return epoll_ctl(loop->epoll, what, source->fd, &event);
}

int loop_watch(struct loop *loop, struct source *source, int fd, unsigned events)
{
    source->fd = fd;
    if (control(loop, EPOLL_CTL_ADD, source, events) == 0)
        return 0;
    source->fd = -1;
    return -1;
}

int loop_change(struct loop *loop, struct source *source, unsigned events)
{
    return control(loop, EPOLL_CTL_MOD, source, events);
}

void loop_drop(struct loop *loop, struct source *source)
{
    loop_arm(loop, source, UINT64_MAX);
    if (source->fd >= 0)
        control(loop, EPOLL_CTL_DEL, source, 0);
    source->fd = -1;
    for (int i = 0; i < loop->event_count; i++)
        if (loop->events[i].data.ptr == source)
            loop->events[i].data.ptr = NULL;
}

/* ---- Times
 * ------------------------------------------------------------------------------------------------------- */

/* times[] counts from 0, slots from 1. The parent of slot s is s / 2, its children 2s and 2s + 1. */
static void put(struct loop *loop, uint32_t slot, struct loop_time time)
{
    loop->times[slot - 1] = time;
    time.source->slot = slot;
}

static void sift_up(struct loop *loop, uint32_t slot, struct loop_time time)
{
    while (slot > 1 && loop->times[slot / 2 - 1].due_ms > time.due_ms) {
        put(loop, slot, loop->times[slot / 2 - 1]);
        slot /= 2;
    }
    put(loop, slot, time);
}

static void sift_down(struct loop *loop, uint32_t slot, struct loop_time time)
{
    for (;;) {
        uint32_t child = slot * 2;
        if (child > loop->time_count)
            break;
        if (child < loop->time_count && loop->times[child].due_ms < loop->times[child - 1].due_ms)
            child++;
        if (loop->times[child - 1].due_ms >= time.due_ms)
            break;
        put(loop, slot, loop->times[child - 1]);
        slot = child;
    }
    put(loop, slot, time);
}

static void settle_time(struct loop *loop, uint32_t slot, struct loop_time time)
{
    if (slot > 1 && loop->times[slot / 2 - 1].due_ms > time.due_ms)
        sift_up(loop, slot, time);
    else
        sift_down(loop, slot, time);
}

static void disarm(struct loop *loop, struct source *source)
{
    uint32_t slot = source->slot;
    source->slot = 0;
    struct loop_time last = loop->times[--loop->time_count];
    if (last.source != source)
        settle_time(loop, slot, last);
}

static int grow(struct loop *loop)
{
    uint32_t cap = loop->time_cap ? loop->time_cap * 2 : 64;
    struct loop_time *times = realloc(loop->times, cap * sizeof *times);
    if (!times)
        return -1;
    loop->times = times;
    loop->time_cap = cap;
    return 0;
}

int loop_arm(struct loop *loop, struct source *source, uint64_t due_ms)
{
    struct loop_time time = { due_ms, source };
    if (due_ms == UINT64_MAX) {
        if (source->slot)
            disarm(loop, source);
        return 0;
    }
    if (source->slot) {
        settle_time(loop, source->slot, time);
        return 0;
    }
    if (loop->time_count == loop->time_cap && grow(loop) < 0)
        return -1;
    sift_up(loop, ++loop->time_count, time);
    return 0;
}

uint64_t loop_armed(const struct loop *loop, const struct source *source)
{
    return source->slot ? loop->times[source->slot - 1].due_ms : UINT64_MAX;
}

/* ---- Running
 * ----------------------------------------------------------------------------------------------------- */

static void pass(struct loop *loop)
{
    if (loop->on_pass)
        loop->on_pass(loop);
}

static void run_times(struct loop *loop)
{
    while (loop->time_count && loop->times[0].due_ms <= loop->now_ms && !loop->stopped) {
        struct source *source = loop->times[0].source;
        disarm(loop, source);
        source->type->on_due(loop, source);
        pass(loop);
    }
}

static int wait_ms(const struct loop *loop)
{
    if (!loop->time_count)
        return -1;
    uint64_t due = loop->times[0].due_ms;
    if (due <= loop->now_ms)
        return 0;
    return due - loop->now_ms > 3600000 ? 3600000 : (int)(due - loop->now_ms);
}

int loop_run(struct loop *loop)
{
    loop->stopped = 0;
    loop_clock(loop);
    pass(loop);
    while (!loop->stopped) {
        int count = epoll_wait(loop->epoll, loop->events, LOOP_BATCH, wait_ms(loop));
        if (count < 0 && errno != EINTR)
            return -1;
        loop_clock(loop);
        loop->event_count = count < 0 ? 0 : count;
        for (int i = 0; i < loop->event_count && !loop->stopped; i++) {
            struct source *source = loop->events[i].data.ptr;
            if (!source)
                continue;
            source->type->on_ready(loop, source, loop->events[i].events);
            pass(loop);
        }
        loop->event_count = 0;
        run_times(loop);
    }
    return 0;
}

void loop_stop(struct loop *loop)
{
    loop->stopped = 1;
}

/* ---- Signals
 * ----------------------------------------------------------------------------------------------------- */

static void on_signal_ready(struct loop *loop, struct source *source, unsigned events)
{
    struct signalfd_siginfo info;
    (void)events;
    while (read(source->fd, &info, sizeof info) == (ssize_t)sizeof info)
        loop->on_signal(loop, (int)info.ssi_signo);
}

static const struct source_type signal_type = { .on_ready = on_signal_ready };

int loop_signals(struct loop *loop, const int *signals, void (*on_signal)(struct loop *loop, int signal))
{
    sigemptyset(&blocked_signals);
    for (; *signals; signals++)
        sigaddset(&blocked_signals, *signals);
    if (sigprocmask(SIG_BLOCK, &blocked_signals, NULL) < 0)
        return -1;
    int fd = signalfd(-1, &blocked_signals, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return -1;
    loop->on_signal = on_signal;
    source_init(&loop->signals, &signal_type);
    if (loop_watch(loop, &loop->signals, fd, EPOLLIN) == 0)
        return 0;
    close(fd);
    return -1;
}

static struct rlimit old_descriptors;

void loop_raise_descriptors(void)
{
    struct rlimit now;
    if (getrlimit(RLIMIT_NOFILE, &now) < 0 || now.rlim_cur >= now.rlim_max)
        return;
    old_descriptors = now;
    now.rlim_cur = now.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &now) < 0)
        old_descriptors.rlim_max = 0;
}

void loop_child(void)
{
    if (old_descriptors.rlim_max)
        setrlimit(RLIMIT_NOFILE, &old_descriptors);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &blocked_signals, NULL);
}
