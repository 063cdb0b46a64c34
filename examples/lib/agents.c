/*
 * agents.c - the turns of the built-in agents: see agents.h and builtin.h.
 *
 * Runs that have something to say stand in a queue. The pump, an eventfd that is always readable, is watched while the
 * queue has runs in it, so that epoll comes back to it after the sockets have had their turn.
 */
#include "lib/agents.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "lib/builtin.h"
#include "lib/child.h"
#include "lib/log.h"

/* Events told before the loop looks after its sockets again. */
#define PUMP_EVENTS 128
/* The longest token, for text without spaces. */
#define TOKEN_MAX 64

/* ---- Text -------------------------------------------------------------------------------------------------------- */

int text_reserve(struct text *text, size_t len)
{
    if (text->data && text->cap - text->len >= len)
        return 1;
    size_t cap = text->cap ? text->cap : 256;
    while (cap - text->len < len)
        cap *= 2;
    char *data = text->failed ? NULL : realloc(text->data, cap);
    if (!data) {
        text->failed = 1;
        return 0;
    }
    text->data = data;
    text->cap = cap;
    return 1;
}

void text_add(struct text *text, const char *data, size_t len)
{
    if (len == 0 || !text_reserve(text, len))
        return;
    memcpy(text->data + text->len, data, len);
    text->len += len;
}

void text_format(struct text *text, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (len > 0)
        text_add(text, line, (size_t)len < sizeof line ? (size_t)len : sizeof line - 1);
}

void text_free(struct text *text)
{
    free(text->data);
    memset(text, 0, sizeof *text);
}

/* ---- Turns ------------------------------------------------------------------------------------------------------- */

static void set_pump(struct agents *agents)
{
    loop_change(agents->loop, &agents->pump, agents->next ? EPOLLIN : 0);
}

static void enqueue(struct run *run)
{
    struct agents *agents = run->agents;
    if (run->queued)
        return;
    run->queued = 1;
    run->next = NULL;
    *agents->last = run;
    agents->last = &run->next;
}

static struct run *dequeue(struct agents *agents)
{
    struct run *run = agents->next;
    agents->next = run->next;
    if (!agents->next)
        agents->last = &agents->next;
    run->queued = 0;
    return run;
}

static void unqueue(struct run *run)
{
    struct agents *agents = run->agents;
    struct run **at = &agents->next;
    if (!run->queued)
        return;
    while (*at != run)
        at = &(*at)->next;
    *at = run->next;
    if (!*at)
        agents->last = at;
}

void run_wake(struct run *run)
{
    if (run->blocked || run->over)
        return;
    enqueue(run);
    set_pump(run->agents);
}

static void run_free(struct run *run)
{
    unqueue(run);
    loop_drop(run->agents->loop, &run->timer);
    text_free(&run->text);
    text_free(&run->out);
    text_free(&run->content);
    free(run->input);
    free(run);
}

static void run_leave(struct run *run)
{
    wick_runtime_leave(run->agents->runtime, run->handle, run->agents->loop->now_ms);
    run_free(run);
}

static void take_turn(struct run *run)
{
    switch (run->kind->step(run)) {
    case STEP_MORE:
        enqueue(run);
        break;
    case STEP_BLOCKED:
        run->blocked = 1;
        break;
    case STEP_DONE:
        run_leave(run);
        break;
    case STEP_WAIT:
        break;
    }
}

static void on_pump(struct loop *loop, struct source *source, unsigned events)
{
    struct agents *agents = (struct agents *)((char *)source - offsetof(struct agents, pump));
    (void)loop;
    (void)events;
    for (int i = 0; i < PUMP_EVENTS && agents->next; i++)
        take_turn(dequeue(agents));
    set_pump(agents);
}

static const struct source_type pump_type = { .on_ready = on_pump };

static void on_timer(struct loop *loop, struct source *source)
{
    (void)loop;
    run_wake((struct run *)((char *)source - offsetof(struct run, timer)));
}

static const struct source_type timer_type = { .on_due = on_timer };

/* ---- What agents say --------------------------------------------------------------------------------------------- */

enum step run_emit(struct run *run, const wick_event *event)
{
    struct agents *agents = run->agents;
    wick_status status = wick_runtime_emit(agents->runtime, run->handle, event, agents->loop->now_ms);
    if (status == WICK_OK)
        return event->type == WICK_TYPE_AGENT_COMPLETED ? STEP_DONE : STEP_MORE;
    if (status == WICK_BLOCKED)
        return STEP_BLOCKED;
    if (status != WICK_E_STATE) {
        log_line("agent %s: %s is refused: %s", run->kind->id, wick_type_name(event->type), wick_status_text(status));
        wick_runtime_fail(agents->runtime, run->handle, WICK_CODE_AGENT_ERROR, "The agent's output is too large.",
                          agents->loop->now_ms);
    }
    return STEP_DONE;
}

int run_may_say(struct run *run)
{
    struct loop *loop = run->agents->loop;
    if (run->rate <= 0)
        return 1;
    double due = (double)run->start_ms + (double)run->tokens * 1000.0 / run->rate;
    if (due <= (double)loop->now_ms)
        return 1;
    loop_arm(loop, &run->timer, (uint64_t)due + 1);
    return 0;
}

/* The bytes of the next token: a word and the white space behind it, or a piece of one that is very long. */
static size_t token_len(const char *data, size_t len)
{
    size_t n = 0;
    while (n < len && data[n] != ' ' && data[n] != '\n' && n < TOKEN_MAX)
        n++;
    while (n < len && n < TOKEN_MAX && (data[n] == ' ' || data[n] == '\n'))
        n++;
    while (n < len && ((unsigned char)data[n] & 0xC0) == 0x80)
        n++; /* never inside a character */
    return n;
}

enum step run_say(struct run *run)
{
    wick_event event = { .type = WICK_TYPE_AGENT_TOKEN };
    if (run->out_at == run->out.len)
        return STEP_DONE;
    if (!run_may_say(run))
        return STEP_WAIT;
    size_t len = token_len(run->out.data + run->out_at, run->out.len - run->out_at);
    event.as.agent_token.text = wick_text_of(run->out.data + run->out_at, len);
    event.as.agent_token.done = run->out_at + len == run->out.len;
    enum step step = run_emit(run, &event);
    if (step == STEP_MORE) {
        run->out_at += len;
        run->tokens++;
    }
    return step;
}

static int64_t count_words(const struct text *text)
{
    int64_t words = 0;
    for (size_t i = 0; i < text->len; i++)
        words += text->data[i] > ' ' && (i == 0 || text->data[i - 1] <= ' ');
    return words;
}

enum step run_complete(struct run *run)
{
    wick_event event = { .type = WICK_TYPE_AGENT_COMPLETED };
    wick_agent_completed *completed = &event.as.agent_completed;
    if (run->content.len) {
        completed->result = wick_text_of(run->content.data, run->content.len);
        completed->result.form = WICK_TEXT_JSON;
    }
    completed->finish_reason = WICK_TEXT("stop");
    completed->usage.provider = WICK_TEXT("built-in");
    completed->usage.model = wick_text_of(run->kind->id, strlen(run->kind->id));
    completed->usage.input_tokens = count_words(&run->text);
    completed->usage.output_tokens = (int64_t)run->tokens;
    completed->usage.total_tokens = completed->usage.input_tokens + completed->usage.output_tokens;
    WICK_SET(&completed->usage, usage, input_tokens);
    WICK_SET(&completed->usage, usage, output_tokens);
    WICK_SET(&completed->usage, usage, total_tokens);
    return run_emit(run, &event);
}

enum step run_fail(struct run *run, wick_code code, const char *message)
{
    wick_status status =
        wick_runtime_fail(run->agents->runtime, run->handle, code, message, run->agents->loop->now_ms);
    return status == WICK_BLOCKED ? STEP_BLOCKED : STEP_DONE;
}

wick_text run_field(const struct run *run, const char *name)
{
    wick_text value = { NULL, 0, 0 };
    wick_text input = wick_text_of(run->input, run->input_len);
    input.form = WICK_TEXT_JSON;
    if (!run->input || wick_json_member(&input, name, strlen(name), &value) != WICK_OK)
        value.data = NULL;
    return value;
}

/* ---- The life of a run ------------------------------------------------------------------------------------------- */

/* Copy the input, and its text in plain form. */
static int take_input(struct run *run, const wick_text *input)
{
    wick_text text = *input;
    wick_str plain;
    if (input->form == WICK_TEXT_JSON) {
        run->input = malloc(input->len ? input->len : 1);
        if (!run->input)
            return -1;
        memcpy(run->input, input->data, input->len);
        run->input_len = input->len;
        text = run_field(run, "text");
    }
    if (!text.data || text.len == 0)
        return 0;
    run->text.data = malloc(text.len);
    if (!run->text.data)
        return -1;
    run->text.cap = text.len;
    if (wick_text_plain(&text, run->text.data, text.len, &plain) != WICK_OK)
        return -1;
    if (plain.data != run->text.data)
        memcpy(run->text.data, plain.data, plain.len);
    run->text.len = plain.len;
    return 0;
}

static int on_start(wick_runtime *runtime, wick_run handle, const wick_agent *agent, const wick_invocation *invocation,
                    void **data)
{
    struct command *command = agent->user;
    struct run *run = calloc(1, sizeof *run);
    (void)runtime;
    if (!run)
        return -1;
    run->agents = command->agents;
    run->kind = command->builtin;
    run->handle = handle;
    run->start_ms = run->agents->loop->now_ms;
    source_init(&run->timer, &timer_type);
    int failed = take_input(run, &invocation->input) < 0 || run->kind->begin(run) < 0;
    if (failed || run->out.failed || run->content.failed) {
        run_free(run);
        return -1;
    }
    *data = run;
    run_wake(run);
    return 0;
}

static void on_input(wick_runtime *runtime, wick_run handle, void *data, const wick_runtime_input *input)
{
    struct run *run = data;
    (void)runtime;
    (void)handle;
    if (run->kind->answer)
        run->kind->answer(run, input);
    run_wake(run);
}

static void on_cancel(wick_runtime *runtime, wick_run handle, void *data, wick_code why)
{
    (void)runtime;
    (void)handle;
    (void)why;
    run_leave(data);
}

static void on_room(wick_runtime *runtime, wick_run handle, void *data)
{
    struct run *run = data;
    (void)runtime;
    (void)handle;
    run->blocked = 0;
    run_wake(run);
}

static const wick_agent_type builtin_type = { on_start, on_input, on_cancel, on_room };

/* ---- The set ----------------------------------------------------------------------------------------------------- */

int agents_init(struct agents *agents, struct loop *loop, wick_runtime *runtime)
{
    memset(agents, 0, sizeof *agents);
    agents->loop = loop;
    agents->runtime = runtime;
    agents->last = &agents->next;
    source_init(&agents->pump, &pump_type);
    int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0)
        return -1;
    if (loop_watch(loop, &agents->pump, fd, 0) == 0)
        return 0;
    close(fd);
    return -1;
}

void agents_free(struct agents *agents)
{
    int fd = agents->pump.fd;
    children_free(agents);
    loop_drop(agents->loop, &agents->pump);
    close(fd);
    while (agents->commands) {
        struct command *command = agents->commands;
        agents->commands = command->next;
        free(command);
    }
}

/* Make an agent whose id and command are parts of the same text. */
static int add_agent(struct agents *agents, wick_str id, const struct builtin *builtin, const char *command_line)
{
    struct command *command = calloc(1, sizeof *command);
    if (!command)
        return -1;
    command->agents = agents;
    command->builtin = builtin;
    command->line = command_line;
    command->agent.id = id;
    command->agent.type = builtin ? &builtin_type : &child_type;
    command->agent.user = command;
    if (wick_runtime_add(agents->runtime, &command->agent) != WICK_OK) {
        free(command);
        return -1;
    }
    command->next = agents->commands;
    agents->commands = command;
    return 0;
}

int agents_add_builtin(struct agents *agents)
{
    static const struct builtin *const all[] = { &builtin_content, &builtin_operations, &builtin_data,
                                                 &builtin_experience };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        wick_str id = { all[i]->id, strlen(all[i]->id) };
        if (add_agent(agents, id, all[i], NULL) < 0)
            return -1;
    }
    return 0;
}

int agents_add_command(struct agents *agents, const char *definition)
{
    const char *equals = strchr(definition, '=');
    if (!equals || !equals[1])
        return -1;
    wick_str id = { definition, (size_t)(equals - definition) };
    return add_agent(agents, id, NULL, equals + 1);
}

int agents_name(const struct agents *agents, size_t at, wick_str *id)
{
    const struct command *command = agents->commands;
    while (command && at--)
        command = command->next;
    if (command)
        *id = command->agent.id;
    return command ? 0 : -1;
}

static void on_leaver_due(struct loop *loop, struct source *source)
{
    struct agents *agents = (struct agents *)((char *)source - offsetof(struct agents, leaver));
    if (agents->child_count == 0 || loop->now_ms >= agents->leave_by_ms)
        loop_stop(loop);
    else
        loop_arm(loop, source, loop->now_ms + 20);
}

static const struct source_type leaver_type = { .on_due = on_leaver_due };

void agents_leave(struct agents *agents)
{
    source_init(&agents->leaver, &leaver_type);
    agents->leave_by_ms = agents->loop->now_ms + AGENTS_LEAVE_MS;
    loop_arm(agents->loop, &agents->leaver, agents->loop->now_ms);
}

uint64_t agents_unix_offset(struct loop *loop)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 - loop_clock(loop);
}
