/*
 * child.c - starting, feeding, stopping and reaping the processes that are agents. What they print is in
 * child_output.c.
 *
 * A child leads a process group of its own, and signals go to the group. It gets three pipes and no other
 * descriptor. It is over when it has been reaped and both of its outputs have ended: then the run gets its last
 * event, if the child has not said one. What is left of the group is killed with it, so that nobody keeps the pipes
 * open.
 */
#include "lib/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/log.h"

/* From SIGTERM to SIGKILL. */
#define KILL_AFTER_MS 5000
/* How long the pipes of a child that has gone may stay open in other hands. */
#define PIPES_AFTER_MS 500

/* ---- The end ----------------------------------------------------------------------------------------------------- */

static uint64_t now_of(const struct child *child)
{
    return child->agents->loop->now_ms;
}

static void close_source(struct loop *loop, struct source *source)
{
    int fd = source->fd;
    if (fd < 0)
        return;
    loop_drop(loop, source);
    close(fd);
}

static void child_free(struct child *child)
{
    struct agents *agents = child->agents;
    struct child **at = &agents->children;
    while (*at != child)
        at = &(*at)->next;
    *at = child->next;
    agents->child_count--;
    close_source(agents->loop, &child->in);
    close_source(agents->loop, &child->out.source);
    close_source(agents->loop, &child->err.source);
    loop_drop(agents->loop, &child->timer);
    free(child->out.data);
    free(child->err.data);
    text_free(&child->input);
    free(child);
}

/* The last event of a child that has said none. Returns 0 if it was refused. */
static int tell_end(struct child *child)
{
    char sentence[96];
    wick_event event = { .type = WICK_TYPE_AGENT_COMPLETED };
    wick_runtime *runtime = child->agents->runtime;
    if (WIFEXITED(child->status) && WEXITSTATUS(child->status) == 0) {
        event.as.agent_completed.finish_reason = WICK_TEXT("stop");
        return wick_runtime_emit(runtime, child->handle, &event, now_of(child)) != WICK_BLOCKED;
    }
    if (WIFSIGNALED(child->status))
        snprintf(sentence, sizeof sentence, "The agent was killed by signal %d (%s).", WTERMSIG(child->status),
                 strsignal(WTERMSIG(child->status)));
    else
        snprintf(sentence, sizeof sentence, "The agent exited with status %d.", WEXITSTATUS(child->status));
    return wick_runtime_fail(runtime, child->handle, WICK_CODE_AGENT_ERROR, sentence, now_of(child)) != WICK_BLOCKED;
}

static int has_ended(const struct child *child)
{
    return child->reaped && child->out.source.fd < 0 && child->err.source.fd < 0;
}

/* Free the child if everything it has said has been told. */
static void finish(struct child *child)
{
    if (!has_ended(child) || child->blocked)
        return;
    if (!child->muted) {
        if (!child_tell(&child->out, 1) || !child_tell(&child->err, 1) || !tell_end(child)) {
            child->blocked = 1;
            return;
        }
    }
    wick_runtime_leave(child->agents->runtime, child->handle, now_of(child));
    child_free(child);
}

static void send_signal(const struct child *child, int signal)
{
    if (child->pid > 0)
        kill(-child->pid, signal);
}

/* Ask the child to go, and see to it that it does. What it still prints is read and dropped. */
static void stop(struct child *child)
{
    if (child->killed)
        return;
    child->killed = 1;
    send_signal(child, SIGTERM);
    loop_arm(child->agents->loop, &child->timer, now_of(child) + KILL_AFTER_MS);
}

void child_said_end(struct child *child)
{
    child->muted = 1;
    close_source(child->agents->loop, &child->in);
    loop_arm(child->agents->loop, &child->timer, now_of(child) + KILL_AFTER_MS);
}

static void on_child_timer(struct loop *loop, struct source *source)
{
    struct child *child = (struct child *)((char *)source - offsetof(struct child, timer));
    if (!child->reaped) {
        if (!child->killed) {
            stop(child); /* it has said its last event and goes on running */
            return;
        }
        send_signal(child, SIGKILL);
        return;
    }
    if (child->blocked) {
        loop_arm(loop, &child->timer, loop->now_ms + PIPES_AFTER_MS);
        return;
    }
    close_source(loop, &child->out.source);
    close_source(loop, &child->err.source);
    finish(child);
}

static const struct source_type child_timer_type = { .on_due = on_child_timer };

void agents_reap(struct agents *agents)
{
    struct child *next;
    for (struct child *child = agents->children; child; child = next) {
        siginfo_t info = { 0 };
        next = child->next;
        if (child->reaped || waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
            info.si_pid != child->pid)
            continue;
        /* Before it is reaped: until then nobody else can have its number. */
        send_signal(child, SIGKILL);
        waitpid(child->pid, &child->status, 0);
        child->reaped = 1;
        child->pid = 0;
        close_source(agents->loop, &child->in);
        loop_arm(agents->loop, &child->timer, agents->loop->now_ms + PIPES_AFTER_MS);
        finish(child);
    }
}

/* ---- Pipes ------------------------------------------------------------------------------------------------------- */

/* A pipe that has hung up while it was not read is no longer watched: watch it again. */
static void want(struct child *child, struct source *source)
{
    unsigned events = child->blocked ? 0 : EPOLLIN;
    int fd = source->fd;
    if (fd >= 0 && loop_change(child->agents->loop, source, events) < 0 &&
        loop_watch(child->agents->loop, source, fd, events) < 0)
        close(fd);
}

static void set_reading(struct child *child)
{
    want(child, &child->out.source);
    want(child, &child->err.source);
}

static void on_output(struct loop *loop, struct source *source, unsigned events)
{
    struct pipe_in *in = (struct pipe_in *)((char *)source - offsetof(struct pipe_in, source));
    struct child *child = in->child;
    /* A hang-up is reported even while nothing is wanted: what is in the pipe stays there until there is room. */
    if (child->blocked && events & (EPOLLHUP | EPOLLERR)) {
        int fd = source->fd;
        loop_drop(loop, source);
        source->fd = fd; /* open, but not watched */
        return;
    }
    int open = child_read(in);
    if (child->blocked)
        set_reading(child);
    if (!open)
        close_source(loop, source);
    finish(child);
}

static const struct source_type output_type = { .on_ready = on_output };

static void on_writable(struct loop *loop, struct source *source, unsigned events)
{
    struct child *child = (struct child *)((char *)source - offsetof(struct child, in));
    struct text *input = &child->input;
    ssize_t n = write(source->fd, input->data, input->len);
    if (n > 0) {
        memmove(input->data, input->data + n, input->len - (size_t)n);
        input->len -= (size_t)n;
    }
    if ((n < 0 && errno != EAGAIN && errno != EINTR) || events & EPOLLERR)
        close_source(loop, source); /* the child has closed its stdin */
    else if (input->len == 0)
        loop_change(loop, source, 0);
}

static const struct source_type input_type = { .on_ready = on_writable };

/* Queue a line for the child. Line ends in it are white space of the JSON text: spaces do as well. */
static void put_line(struct child *child, const char *json, size_t len)
{
    size_t at = child->input.len;
    if (child->in.fd < 0 || !text_reserve(&child->input, len + 1))
        return;
    text_add(&child->input, json, len);
    for (size_t i = at; i < child->input.len; i++)
        if (child->input.data[i] == '\n' || child->input.data[i] == '\r')
            child->input.data[i] = ' ';
    text_add(&child->input, "\n", 1);
    loop_change(child->agents->loop, &child->in, EPOLLOUT);
}

/* ---- The start --------------------------------------------------------------------------------------------------- */

static void close_from(int first)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, (unsigned)first, ~0u, 0u) == 0)
        return;
#endif
    for (int fd = first; fd < 65536; fd++)
        close(fd);
}

/* In the new process: nothing but async-signal-safe calls. */
static void become(const char *line, const int *pipes)
{
    static const char shell[] = "/bin/sh";
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* if the server is killed */
    loop_child();
    if (dup2(pipes[0], 0) < 0 || dup2(pipes[3], 1) < 0 || dup2(pipes[5], 2) < 0)
        _exit(127);
    close_from(3);
    execl(shell, "sh", "-c", line, (char *)NULL);
    _exit(127);
}

static void close_all(const int *pipes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(pipes[i]);
}

/* pipes: stdin's reading and writing end, stdout's, stderr's. Returns the child's process id, or -1. */
static pid_t spawn(const char *line, int *pipes)
{
    for (size_t i = 0; i < 3; i++)
        if (pipe2(pipes + 2 * i, O_CLOEXEC) < 0) {
            close_all(pipes, 2 * i);
            return -1;
        }
    pid_t pid = fork();
    if (pid == 0)
        become(line, pipes);
    if (pid < 0) {
        close_all(pipes, 6);
        return -1;
    }
    setpgid(pid, pid); /* also here: whoever comes first */
    close(pipes[0]);
    close(pipes[3]);
    close(pipes[5]);
    return pid;
}

static int watch_pipe(struct child *child, struct source *source, const struct source_type *type, int fd,
                      unsigned events)
{
    source_init(source, type);
    if (fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && loop_watch(child->agents->loop, source, fd, events) == 0)
        return 0;
    close(fd);
    return -1;
}

static int watch_pipes(struct child *child, const int *pipes)
{
    child->out.child = child->err.child = child;
    child->err.error = 1;
    source_init(&child->timer, &child_timer_type);
    int failed = watch_pipe(child, &child->in, &input_type, pipes[1], 0);
    failed |= watch_pipe(child, &child->out.source, &output_type, pipes[2], EPOLLIN);
    failed |= watch_pipe(child, &child->err.source, &output_type, pipes[4], EPOLLIN);
    return failed;
}

/* The invocation as one line. */
static int put_invocation(struct child *child, const wick_invocation *invocation)
{
    size_t need = 0;
    int done = 0;
    for (int pass = 0; pass < 2 && !done; pass++) {
        char *line = need ? malloc(need) : NULL;
        if (need && !line)
            return -1;
        done = wick_payload_write(WICK_TYPE_RUNTIME_INVOKE_AGENT, invocation, WICK_JSON_REPLACE | WICK_JSON_TRUSTED,
                                  line, need, &need, NULL) == WICK_OK;
        if (done)
            put_line(child, line, need);
        free(line);
    }
    return done && !child->input.failed ? 0 : -1;
}

static int on_child_start(wick_runtime *runtime, wick_run handle, const wick_agent *agent,
                          const wick_invocation *invocation, void **data)
{
    struct command *command = agent->user;
    struct agents *agents = command->agents;
    struct child *child = NULL;
    int pipes[6];
    if (agents->child_count >= AGENTS_CHILDREN) {
        wick_runtime_fail(runtime, handle, WICK_CODE_TOO_MANY_INVOCATIONS, "There are too many agent processes.",
                          agents->loop->now_ms);
        return -1;
    }
    child = calloc(1, sizeof *child);
    if (!child)
        return -1;
    child->pid = spawn(command->line, pipes);
    if (child->pid < 0) {
        log_line("agent %.*s: cannot start a process: %s", (int)agent->id.len, agent->id.data, strerror(errno));
        free(child);
        wick_runtime_fail(runtime, handle, WICK_CODE_AGENT_ERROR, "The agent's process cannot be started.",
                          agents->loop->now_ms);
        return -1;
    }
    child->agents = agents;
    child->handle = handle;
    child->id = agent->id;
    child->next = agents->children;
    agents->children = child;
    agents->child_count++;
    if (watch_pipes(child, pipes) < 0 || put_invocation(child, invocation) < 0) {
        child->muted = 1;
        wick_runtime_fail(runtime, handle, WICK_CODE_AGENT_ERROR, "The agent's process cannot be fed.",
                          agents->loop->now_ms);
        stop(child);
    }
    *data = child;
    return 0;
}

static void on_child_input(wick_runtime *runtime, wick_run handle, void *data, const wick_runtime_input *input)
{
    struct child *child = data;
    struct text line = { NULL, 0, 0, 0 };
    const char *status = WICK_ENUM_TEXT(OUTCOME, input->status ? input->status : WICK_OUTCOME_ANSWERED);
    (void)runtime;
    (void)handle;
    for (size_t need = 512; !line.len && text_reserve(&line, need);) {
        wick_json_writer writer;
        wick_json_writer_init(&writer, line.data, line.cap, WICK_JSON_REPLACE | WICK_JSON_TRUSTED);
        wick_json_put_object(&writer);
        wick_json_put_key(&writer, "type", 4);
        wick_json_put_string(&writer, "agent.input_response", 20);
        wick_json_put_key(&writer, "payload", 7);
        wick_json_put_object(&writer);
        wick_json_put_key(&writer, "request_id", 10);
        wick_json_put_text(&writer, &input->request_id);
        wick_json_put_key(&writer, "content", 7);
        wick_json_put_text(&writer, &input->content);
        wick_json_put_key(&writer, "status", 6);
        wick_json_put_string(&writer, status, strlen(status));
        wick_json_put_object_end(&writer);
        wick_json_put_object_end(&writer);
        wick_status written = wick_json_writer_end(&writer, &need);
        if (written == WICK_OK)
            line.len = need;
        else if (written != WICK_E_SPACE)
            break;
    }
    put_line(child, line.data, line.len);
    text_free(&line);
}

static void on_child_cancel(wick_runtime *runtime, wick_run handle, void *data, wick_code why)
{
    struct child *child = data;
    (void)runtime;
    (void)handle;
    (void)why;
    child->muted = 1;
    child->blocked = 0;
    set_reading(child);
    stop(child);
    finish(child);
}

static void on_child_room(wick_runtime *runtime, wick_run handle, void *data)
{
    struct child *child = data;
    (void)runtime;
    (void)handle;
    child->blocked = 0;
    if (!child_tell(&child->out, 0) || !child_tell(&child->err, 0)) {
        child->blocked = 1;
        return;
    }
    set_reading(child);
    finish(child);
}

const wick_agent_type child_type = { on_child_start, on_child_input, on_child_cancel, on_child_room };

void children_free(struct agents *agents)
{
    while (agents->children) {
        struct child *child = agents->children;
        if (!child->reaped) {
            send_signal(child, SIGKILL);
            waitpid(child->pid, NULL, 0);
        }
        child_free(child);
    }
}
