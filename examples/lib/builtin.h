/*
 * builtin.h - what the built-in agents share. An agent is a `struct builtin`: begin() prepares a run, step() emits
 * its next event. All of it is private to agents.c and builtin_*.c.
 */
#ifndef EXAMPLES_BUILTIN_H
#define EXAMPLES_BUILTIN_H

#include "lib/agents.h"

struct run;

enum step {
    STEP_MORE,   /* there is more to say: another turn */
    STEP_WAIT,   /* for a time or an answer: run_wake() */
    STEP_BLOCKED, /* the event was refused: once more when there is room */
    STEP_DONE    /* the last event has been told */
};

struct builtin {
    const char *id;
    /* Prepare: fields of the input are in run->text and run->input. Returns 0, or -1 if there is no memory. */
    int (*begin)(struct run *run);
    enum step (*step)(struct run *run);
    /* The answer to a question. May be NULL. */
    void (*answer)(struct run *run, const wick_runtime_input *input);
};

/* A growing text. */
struct text {
    char *data;
    size_t len, cap;
    int failed; /* there was no memory: what was added is missing */
};

/* Make room for len more bytes. Returns 0 if there is no memory. */
int text_reserve(struct text *text, size_t len);
void text_add(struct text *text, const char *data, size_t len);
void text_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_free(struct text *text);

struct run {
    struct agents *agents;
    const struct builtin *kind;
    wick_run handle;
    struct source timer;
    struct run *next;
    int queued, blocked, over;
    unsigned phase;         /* the agent's own: where it is */
    struct text text;       /* the text of the input, plain */
    char *input;            /* the whole input as JSON */
    size_t input_len;
    struct text out;        /* what is said in tokens */
    struct text content;    /* JSON for agent.output and the result */
    size_t out_at;          /* where the next token starts */
    uint64_t tokens;        /* told so far */
    uint64_t token_count;   /* to be told in all, for an agent that counts */
    double rate;            /* tokens a second; 0 is as fast as it goes */
    uint64_t start_ms;
};

/* Emit an event; the step to return for it. STEP_DONE if the run is over for any reason. */
enum step run_emit(struct run *run, const wick_event *event);
/* The next word of run->out as a token, at the run's rate. STEP_DONE when all of it has been told. */
enum step run_say(struct run *run);
/* Whether the rate allows a token now; if not, the run is woken when it does. */
int run_may_say(struct run *run);
/* agent.completed, with run->content as its result. */
enum step run_complete(struct run *run);
enum step run_fail(struct run *run, wick_code code, const char *message);
/* Give the run another turn. */
void run_wake(struct run *run);
/* A member of the input; absent if there is none. */
wick_text run_field(const struct run *run, const char *name);

extern const struct builtin builtin_content;
extern const struct builtin builtin_operations;
extern const struct builtin builtin_data;
extern const struct builtin builtin_experience;

#endif
