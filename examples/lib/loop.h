/*
 * loop.h - an event loop for one thread: descriptors (epoll), timers and signals.
 *
 * Whatever the loop calls is a `struct source`, which its owner embeds: it may have a descriptor, a time, or both.
 *
 *     struct clock { struct source source; ... };
 *     static void on_due(struct loop *loop, struct source *source) { ...; loop_arm(loop, source, loop->now_ms +
 * 1000); }
 *     static const struct source_type clock_type = { .on_due = on_due };
 *
 *     source_init(&clock->source, &clock_type);
 *     loop_arm(loop, &clock->source, loop->now_ms + 1000);
 *     loop_run(loop);
 *
 * A source costs 16 bytes, and 16 more while it has a time. A time that moves ahead with every event need not be set
 * anew each time: let the old one come, look, and arm the new one.
 */
#ifndef EXAMPLES_LOOP_H
#define EXAMPLES_LOOP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

struct loop;
struct source;

/* What happens to a source. Either member may be NULL. */
struct source_type {
    /* The descriptor is ready: events are EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR. Level-triggered. */
    void (*on_ready)(struct loop *loop, struct source *source, unsigned events);
    /* The time has come; it is no longer armed. */
    void (*on_due)(struct loop *loop, struct source *source);
};

struct source {
    const struct source_type *type;
    int fd;        /* -1: none */
    uint32_t slot; /* in the loop's heap of times, plus one; 0: no time armed */
};

struct loop_time {
    uint64_t due_ms;
    struct source *source;
};

struct loop {
    uint64_t now_ms; /* CLOCK_MONOTONIC, read once for each batch of events */
    int epoll;
    int stopped;
    struct loop_time *times; /* a binary heap */
    uint32_t time_count, time_cap;
    struct epoll_event *events; /* the batch being handled */
    int event_count;
    struct source signals;
    void (*on_signal)(struct loop *loop, int signal);
    /* Called after each callback of a source: where work that many callbacks leave behind is done once. May be NULL.
     * */
    void (*on_pass)(struct loop *loop);
    struct peer_io *io; /* see peer.h */
    void *user;
};

/* Set up a loop. Returns 0, or -1 with errno. SIGPIPE is ignored from now on. */
int loop_init(struct loop *loop);
void loop_free(struct loop *loop);

/* Handle events until loop_stop(). Returns 0, or -1 with errno if waiting failed. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Read the clock again: for work that took long. */
uint64_t loop_clock(struct loop *loop);

void source_init(struct source *source, const struct source_type *type);

/* Watch a descriptor. Returns 0, or -1 with errno. */
int loop_watch(struct loop *loop, struct source *source, int fd, unsigned events);
/* Wait for other events on it. */
int loop_change(struct loop *loop, struct source *source, unsigned events);
/* Stop watching and take the time away. No callback of the source comes from here on: its memory may go. The
 * descriptor is left open, and source->fd is -1. */
void loop_drop(struct loop *loop, struct source *source);

/* Call on_due at due_ms, in place of the time armed before; WICK_NEVER takes it away. Returns 0, or -1 if there is no
 * memory. */
int loop_arm(struct loop *loop, struct source *source, uint64_t due_ms);
/* The armed time, or WICK_NEVER. */
uint64_t loop_armed(const struct loop *loop, const struct source *source);

/* Have signals delivered to on_signal, between two callbacks. `signals` ends with 0. Returns 0, or -1 with errno.
 * They are blocked for that: a child must call loop_child() between fork() and exec(). */
int loop_signals(struct loop *loop, const int *signals, void (*on_signal)(struct loop *loop, int signal));
/* In a child: give signals back their default actions and unblock them; take loop_raise_descriptors() back.
 * Async-signal-safe. */
void loop_child(void);

/* Let the process have as many descriptors as it may. A child gets the old limit back in loop_child(): programs that
 * use select() know no more than 1,024. */
void loop_raise_descriptors(void);

#endif
