/*
 * What the files of the Experience share: the layout of its memory, and what moves between its parts.
 *
 *     wick_experience | sessions[] | runs[] | questions[] | wick_table of the runs | input | body
 *
 * `input` is where the builder writes what an agent gets, `body` where an event is written before it is delivered. They
 * are two, because on_invoke may bring the first events while the invocation is still in use.
 */
#ifndef WICK_AGENT_EXPERIENCE_INTERNAL_H
#define WICK_AGENT_EXPERIENCE_INTERNAL_H

#include "wick/experience.h"

#include "agent/table.h"

/* "s_" and 32 hex digits: 128 random bits. */
#define WICK_SESSION_ID_SIZE 34

enum { WICK_SESSION_FREE, WICK_SESSION_ATTACHED, WICK_SESSION_DETACHED };
enum { WICK_QUESTION_FREE, WICK_QUESTION_OPEN, WICK_QUESTION_SETTLED };

/* A doubly linked ring of slots: a session's runs, and the sessions that are detached. */
typedef struct wick_links {
    uint32_t next;
    uint32_t prev;
} wick_links;

typedef struct wick_session_slot {
    void *reader;       /* NULL when detached */
    uint64_t seq;       /* of the last event */
    uint64_t ping_ms;   /* when the pings that have been answered are paid for */
    uint64_t gone_ms;   /* when the reader went; WICK_NEVER once that has been acted on */
    uint32_t generation;
    uint32_t runs;      /* the first of its runs, or WICK_NO_SLOT */
    uint32_t run_count;
    uint32_t questions; /* that it has been asked, as far as they are remembered */
    wick_links links;   /* free: next; detached: both */
    uint8_t state;
    uint8_t full;       /* on_deliver has refused a message: wait for wick_experience_room() */
    uint8_t bad;        /* messages in a row that were not JSON */
    char id[WICK_SESSION_ID_SIZE];
} wick_session_slot;

typedef struct wick_run_slot {
    wick_session session; /* also once it is over: who may ask about it */
    wick_links links;
    uint32_t questions; /* open ones */
    uint8_t active;
    uint8_t blocked;       /* an event has been refused: on_room is owed */
    uint8_t on_disconnect; /* WICK_DISCONNECT_ */
} wick_run_slot;

typedef struct wick_question {
    wick_session session;
    uint64_t deadline;
    uint64_t answer;  /* hash of the answer that settled it */
    uint64_t serial;  /* tells it from a later question in the same slot */
    uint64_t settled; /* when it was settled, in the same count: the oldest gives way */
    uint32_t run;
    uint8_t state;
    uint8_t outcome;
    uint8_t id_len;
    uint32_t fallback_len;
    char id[WICK_LIMIT_ID];
    char fallback[WICK_DEFAULT_ANSWER_MAX];
} wick_question;

struct wick_experience {
    wick_experience_config config;
    uint64_t deadline; /* nothing is due earlier; may be too early */
    uint64_t serial; /* counts questions asked and settled */
    uint32_t free_session;
    uint32_t detached; /* the first of the ring, or WICK_NO_SLOT */
    wick_experience_counts counts;
};

/* Bytes of each of the two buffers: a message with an envelope around it. */
static inline size_t wick_experience_buffer(const wick_experience *x)
{
    return ((size_t)x->config.message_bytes + 8192 + 7) / 8 * 8;
}

static inline wick_session_slot *wick_session_at(const wick_experience *x, uint32_t slot)
{
    return (wick_session_slot *)((uintptr_t)x + sizeof *x) + slot;
}

static inline wick_run_slot *wick_run_at(const wick_experience *x, uint32_t slot)
{
    return (wick_run_slot *)(uintptr_t)wick_session_at(x, x->config.sessions) + slot;
}

static inline wick_question *wick_question_at(const wick_experience *x, uint32_t slot)
{
    return (wick_question *)(uintptr_t)wick_run_at(x, x->config.invocations) + slot;
}

static inline wick_table *wick_run_table(const wick_experience *x)
{
    return (wick_table *)(uintptr_t)wick_question_at(x, x->config.questions);
}

static inline char *wick_input_buffer(const wick_experience *x)
{
    return (char *)(uintptr_t)wick_run_table(x) + wick_table_size(x->config.invocations);
}

static inline char *wick_body_buffer(const wick_experience *x)
{
    return wick_input_buffer(x) + wick_experience_buffer(x);
}

/* The slot of a session that has not gone; WICK_NO_SLOT else. */
uint32_t wick_session_slot_of(const wick_experience *x, wick_session session);
wick_session wick_session_handle(const wick_experience *x, uint32_t slot);
/* Free a session that has neither a reader nor a run. */
void wick_session_free_if_over(wick_experience *x, uint32_t slot);

/* Give a whole message to a session's reader. Returns WICK_OK, also if there is none, or WICK_BLOCKED. */
wick_status wick_session_deliver(wick_experience *x, wick_session_slot *session, wick_type type,
                                 const wick_slice *slices, size_t count);

/* A run begins: take a slot for it and link it to its session. WICK_NO_SLOT if there is none. */
uint32_t wick_run_begin(wick_experience *x, uint32_t session, const wick_slot_name *name, uint8_t on_disconnect);
/* It is over: settle its questions, unlink it, remember its id; with undo, forget that it ever was. */
void wick_run_end(wick_experience *x, uint32_t run, int undo);

/* Whether a question can be remembered. */
wick_status wick_question_check(const wick_experience *x, const wick_input_request *question);
void wick_question_open(wick_experience *x, uint32_t run, const wick_input_request *question, uint64_t now_ms);
/* The Runtime has told agent.input_resolved. */
void wick_question_resolved(wick_experience *x, uint32_t run, const wick_input_resolved *resolved);
/* A run is over: what it asked needs no answer any more. */
void wick_questions_close(wick_experience *x, uint32_t run);
/* A session is gone: forget what it was asked. */
void wick_questions_forget(wick_experience *x, wick_session session);
/* A client answers. *code is set to the error to reply, or WICK_CODE_NONE. Returns WICK_OK or WICK_BLOCKED. */
wick_status wick_question_answer(wick_experience *x, wick_session session, const wick_event *event, wick_code *code,
                                 uint64_t now_ms);
/* Settle what is late, and lower x->deadline to the next one. */
void wick_questions_expire(wick_experience *x, uint64_t now_ms);

/* Rings of slots. at() gives the links of a slot. */
typedef wick_links *(*wick_links_at)(const wick_experience *x, uint32_t slot);
void wick_ring_add(const wick_experience *x, wick_links_at at, uint32_t *first, uint32_t slot);
void wick_ring_remove(const wick_experience *x, wick_links_at at, uint32_t *first, uint32_t slot);

#endif
