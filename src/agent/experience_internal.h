/*
 * What the files of the Experience share: the layout of its memory, and what moves between its parts.
 *
 *     wick_experience | sessions[] | links[] | runs[] | questions[] | remembered[] | rooms[] | members[] | wick_table
 *     of the sessions, of the runs, of the remembered ids, of the rooms | payloads of the questions | input | body |
 *     memory of the pool
 *
 * `input` is where the builder writes what an agent gets, `body` where a quiet event, a snapshot or a list of questions
 * is written before it is delivered. They are two, because on_invoke may bring the first events while the invocation is
 * still in use. Slots of sessions and links are touched when they are first used, so capacity that is not used costs
 * nothing.
 */
#ifndef WICK_AGENT_EXPERIENCE_INTERNAL_H
#define WICK_AGENT_EXPERIENCE_INTERNAL_H

#include "wick/experience.h"

#include "agent/table.h"

enum { WICK_QUESTION_FREE, WICK_QUESTION_OPEN, WICK_QUESTION_SETTLED };
enum { WICK_LINK_FREE, WICK_LINK_OPENING, WICK_LINK_QUIET, WICK_LINK_FULL, WICK_LINK_VIEW, WICK_LINK_CLOSED };
/* Where a session without a link stands: its runs may have to go, or that has been seen to. */
enum { WICK_RING_NONE, WICK_RING_GONE, WICK_RING_KEPT };

/* A doubly linked ring of slots. */
typedef struct wick_links {
    uint32_t next;
    uint32_t prev;
} wick_links;

typedef struct wick_principal {
    uint8_t len;
    char name[WICK_PRINCIPAL_MAX];
} wick_principal;

typedef struct wick_session_slot {
    wick_stream stream; /* not of a quiet session */
    uint64_t seq;       /* of the last event of a quiet session */
    uint64_t gone_ms;   /* when the last link went */
    uint32_t generation;
    uint32_t runs; /* the first of its runs, or WICK_NO_SLOT */
    uint32_t run_count;
    uint32_t questions; /* that it has been asked, as far as they are remembered */
    uint32_t readers; /* the first of its links, or WICK_NO_SLOT */
    uint32_t reader_count;
    uint32_t connection; /* the quiet or full link, or WICK_NO_SLOT */
    uint32_t remembered; /* the oldest of its ids, or WICK_NO_SLOT */
    uint32_t remembered_count;
    uint32_t rooms; /* the first of its memberships, or WICK_NO_SLOT */
    uint32_t room_count;
    wick_links links; /* on its ring */
    uint8_t live;
    uint8_t quiet;
    uint8_t ring;
    uint8_t on_disconnect; /* WICK_DISCONNECT_ */
    uint8_t token_count;
    uint8_t mission_len;
    uint8_t mission_form;
    wick_principal principal;
    char tokens[2][WICK_TOKEN_SIZE]; /* the newest first */
    char mission[64];
} wick_session_slot;

typedef struct wick_link_slot {
    void *reader;
    uint64_t ping_ms; /* when the pings that have been answered are paid for */
    uint64_t due;     /* opening: when it has taken too long; waiting: when something is to be sent */
    uint32_t generation;
    uint32_t session; /* or WICK_NO_SLOT */
    uint32_t coalesce_ms;
    wick_links siblings; /* of the same session */
    wick_links queue;    /* opening, waiting; free: next */
    wick_links expiring; /* the links whose token ends, the first to end first */
    uint64_t expires_ms; /* 0: never */
    wick_reader at;      /* full links and views */
    wick_want want;
    wick_principal principal;
    uint8_t state;
    uint8_t full;    /* on_deliver has refused a message: wait for wick_experience_room() */
    uint8_t lost;    /* and the log had moved past it when that was last looked at */
    uint8_t behind;  /* it had to wait: merge harder until it has caught up */
    uint8_t waiting; /* on the ring of those with something to be sent at `due` */
    uint8_t corked;  /* an answer goes first */
    uint8_t bad;     /* messages in a row that were not JSON */
    uint8_t need_auth;
    uint8_t filtered; /* want holds */
    uint8_t reset;    /* the wick_reset that is owed */
} wick_link_slot;

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
    uint32_t payload_len;
    uint8_t state;
    uint8_t outcome;
    uint8_t id_len;
    uint32_t fallback_len;
    char id[WICK_LIMIT_ID];
    char fallback[WICK_DEFAULT_ANSWER_MAX];
} wick_question;

/* An id of a message that a session has accepted. Its name in the table is the session and the id. */
typedef struct wick_remembered {
    uint64_t at_ms;
    wick_links own; /* of the session, the oldest first */
    wick_links all; /* of all sessions, the oldest first */
    uint32_t session;
    uint8_t run_len;
    char run[WICK_LIMIT_ID];
} wick_remembered;

typedef struct wick_room {
    wick_stream history; /* its messages: their numbers are room_seq */
    uint32_t members;    /* the first, or WICK_NO_SLOT */
    uint32_t member_count;
    wick_links empty; /* on the ring of rooms without members */
} wick_room;

/* That a session is in a room. */
typedef struct wick_member {
    uint64_t told; /* the last publication that it has got */
    uint32_t session;
    uint32_t room;
    wick_links of_room;
    wick_links of_session; /* free: next */
} wick_member;

struct wick_experience {
    wick_experience_config config;
    wick_pool pool;
    uint64_t deadline;      /* of sessions, questions and opening links: nothing is due earlier; may be too early */
    uint64_t wait_deadline; /* the same of links that wait to send */
    uint64_t serial;        /* counts questions asked and settled */
    uint32_t fresh_sessions; /* slots from here on have never been used */
    uint32_t fresh_links;
    uint32_t free_link;
    uint32_t opening;    /* the first of each ring, or WICK_NO_SLOT */
    uint32_t expiring;
    uint32_t waiting;
    uint32_t waiting_count;
    uint32_t gone;
    uint32_t kept;
    uint32_t remembered;
    uint32_t empty_rooms; /* the first of the ring, the one that has been empty longest */
    uint32_t free_member;
    uint32_t fresh_members;
    uint64_t publications;
    wick_stream_config history;
    uint32_t draining;
    wick_experience_counts counts;
};

/* What came of a request. */
typedef struct wick_outcome {
    wick_code code;
    wick_text sentence; /* absent: the usual one of the code */
    wick_slot_name run; /* of agent.message, once it has a name */
    uint8_t duplicate;
    uint8_t joined; /* it is in the room since now */
} wick_outcome;

/* Who asks: a link, or whoever has posted. */
typedef struct wick_asker {
    uint32_t link; /* or WICK_NO_SLOT */
    uint32_t session;
    void (*on_reply)(void *user, const wick_event *reply);
    void *user;
} wick_asker;

/* What is kept behind a question's payload: which run of which agent has asked. Every byte of an id may be escaped. */
#define WICK_QUESTION_IDS (8 * WICK_LIMIT_ID)

#define WICK_TOKEN_EXPIRED "TOKEN_EXPIRED: show a fresh token with session.update before the old one ends"

/* ---- The layout ------------------------------------------------------------------------------------------ */

/* Bytes of the input buffer: a message with an envelope around it. */
static inline size_t wick_experience_buffer(const wick_experience *x)
{
    return ((size_t)x->config.message_bytes + 8192 + 7) / 8 * 8;
}

/* Bytes of the body buffer: also a snapshot. */
static inline size_t wick_body_size(const wick_experience *x)
{
    size_t snapshot = ((size_t)x->config.stream.text_bytes * 2 + 65536 + 7) / 8 * 8;
    return snapshot > wick_experience_buffer(x) ? snapshot : wick_experience_buffer(x);
}

static inline wick_session_slot *wick_session_at(const wick_experience *x, uint32_t slot)
{
    return (wick_session_slot *)((uintptr_t)x + sizeof *x) + slot;
}

static inline wick_link_slot *wick_link_at(const wick_experience *x, uint32_t slot)
{
    return (wick_link_slot *)(uintptr_t)wick_session_at(x, x->config.sessions) + slot;
}

static inline wick_run_slot *wick_run_at(const wick_experience *x, uint32_t slot)
{
    return (wick_run_slot *)(uintptr_t)wick_link_at(x, x->config.links) + slot;
}

static inline wick_question *wick_question_at(const wick_experience *x, uint32_t slot)
{
    return (wick_question *)(uintptr_t)wick_run_at(x, x->config.invocations) + slot;
}

static inline wick_remembered *wick_remembered_at(const wick_experience *x, uint32_t slot)
{
    return (wick_remembered *)(uintptr_t)wick_question_at(x, x->config.questions) + slot;
}

static inline wick_room *wick_room_at(const wick_experience *x, uint32_t slot)
{
    return (wick_room *)(uintptr_t)wick_remembered_at(x, x->config.remembered) + slot;
}

static inline wick_member *wick_member_at(const wick_experience *x, uint32_t slot)
{
    return (wick_member *)(uintptr_t)wick_room_at(x, x->config.rooms) + slot;
}

static inline wick_table *wick_session_table(const wick_experience *x)
{
    return (wick_table *)(uintptr_t)wick_member_at(x, x->config.members);
}

static inline wick_table *wick_run_table(const wick_experience *x)
{
    return (wick_table *)((uintptr_t)wick_session_table(x) + wick_table_size(x->config.sessions));
}

static inline wick_table *wick_remembered_table(const wick_experience *x)
{
    return (wick_table *)((uintptr_t)wick_run_table(x) + wick_table_size(x->config.invocations));
}

static inline wick_table *wick_room_table(const wick_experience *x)
{
    return (wick_table *)((uintptr_t)wick_remembered_table(x) + wick_table_size(x->config.remembered));
}

static inline char *wick_question_payload(const wick_experience *x, uint32_t slot)
{
    return (char *)(uintptr_t)wick_room_table(x) + wick_table_size(x->config.rooms) +
           (size_t)slot * (x->config.question_bytes + WICK_QUESTION_IDS);
}

static inline char *wick_input_buffer(const wick_experience *x)
{
    return wick_question_payload(x, x->config.questions);
}

static inline char *wick_body_buffer(const wick_experience *x)
{
    return wick_input_buffer(x) + wick_experience_buffer(x);
}

static inline char *wick_pool_memory(const wick_experience *x)
{
    return wick_body_buffer(x) + wick_body_size(x);
}

/* Rings of slots. at() gives the links of a slot. */
typedef wick_links *(*wick_links_at)(const wick_experience *x, uint32_t slot);
/* Add a slot at the end of a ring. */
void wick_ring_add(const wick_experience *x, wick_links_at at, uint32_t *first, uint32_t slot);
void wick_ring_remove(const wick_experience *x, wick_links_at at, uint32_t *first, uint32_t slot);

/* A handle is a slot and which of those that have been in it: one that is gone is never mistaken for a later one. */
static inline uint64_t wick_handle(uint32_t generation, uint32_t slot)
{
    return (uint64_t)generation << 32 | (slot + 1);
}

/* The slot of a handle, if it is one of the first `fresh`. The generation is still to be compared. */
static inline uint32_t wick_handle_slot(uint64_t handle, uint32_t fresh)
{
    uint32_t slot = (uint32_t)handle - 1;
    return (uint32_t)handle && slot < fresh ? slot : WICK_NO_SLOT;
}

static inline void wick_due(wick_experience *x, uint64_t at_ms)
{
    if (at_ms < x->deadline)
        x->deadline = at_ms;
}

/* ---- Sessions (experience_session.c) --------------------------------------------------------------------- */

/* The slot of a session that has not gone; WICK_NO_SLOT else. */
uint32_t wick_session_slot_of(const wick_experience *x, wick_session session);
wick_session wick_session_handle(const wick_experience *x, uint32_t slot);
/* The session with this id, or WICK_NO_SLOT. */
uint32_t wick_session_find(const wick_experience *x, const wick_text *id);
wick_text wick_session_id(const wick_experience *x, uint32_t slot);
/* Make a session, on no ring yet. id absent: a random one. Returns WICK_OK, WICK_E_SPACE, WICK_E_RANDOM, or
 * WICK_E_STATE:
 * the id is taken. */
wick_status wick_session_new(wick_experience *x, const wick_text *id, int quiet, uint32_t *slot, uint64_t now_ms);
/* Free a session that has no link; its runs are over for us. */
void wick_session_free(wick_experience *x, uint32_t slot, uint64_t now_ms);
/* Free a quiet session that has neither a link nor a run. */
void wick_session_free_if_over(wick_experience *x, wick_session session, uint64_t now_ms);
/* The last link has gone, or the first one has come. */
void wick_session_leave(wick_experience *x, uint32_t slot, uint64_t now_ms);
void wick_session_join(wick_experience *x, uint32_t slot);
/* Free the session whose last link went first, of those that have no runs. Returns whether there was one. */
int wick_session_drop_oldest(wick_experience *x, uint64_t now_ms);
/* Cancel what was to go with its connection; free what has expired. */
void wick_sessions_expire(wick_experience *x, uint64_t now_ms);
/* Write a new token. Returns WICK_OK or WICK_E_RANDOM. */
wick_status wick_token_write(wick_experience *x, char *out);
/* Which of a session's tokens this is, or -1. Takes the same time wherever they differ. */
int wick_token_find(const wick_session_slot *s, const wick_text *token);
int wick_principal_is(const wick_principal *principal, const char *name, size_t len);
/* Set from plain text. Returns WICK_OK, or WICK_E_CONFIG if it is too long. */
wick_status wick_principal_set(wick_principal *principal, const wick_text *name);

/* ---- Links (experience_link.c) --------------------------------------------------------------------------- */

uint32_t wick_link_slot_of(const wick_experience *x, wick_link link);
wick_link wick_link_handle(const wick_experience *x, uint32_t slot);
/* Take a slot for a reader, in no session yet. WICK_NO_SLOT if there is none. */
uint32_t wick_link_new(wick_experience *x, void *reader, uint8_t state, uint64_t now_ms);
void wick_link_attach(wick_experience *x, uint32_t link, uint32_t session);
/* Take a link out of its session; the session stays. */
void wick_link_leave(wick_experience *x, uint32_t link, uint64_t now_ms);
/* Have a reader closed; nothing more goes to it. reason: NUL-terminated. */
void wick_link_close(wick_experience *x, uint32_t link, unsigned code, const char *reason, uint64_t now_ms);
/* Give a whole message to a link's reader. cursor NULL: it changes nothing. Returns WICK_OK, also if it is dropped, or
 * WICK_BLOCKED. */
wick_status wick_link_deliver(wick_experience *x, uint32_t link, wick_type type, const wick_slice *slices,
                              size_t count, const wick_cursor *cursor);
/* Send what is due: to one link, to all of a session. */
void wick_link_pump(wick_experience *x, uint32_t link, uint64_t now_ms);
void wick_session_pump(wick_experience *x, uint32_t session, uint64_t now_ms);
/* Pump the links that are due. */
void wick_links_flush(wick_experience *x, uint64_t now_ms);
/* Have a link's token end at a time; 0 is never. */
void wick_link_expires(wick_experience *x, uint32_t link, uint64_t at_ms);
/* Close those that have not sent session.open in time, and those whose token has ended. */
void wick_links_expire(wick_experience *x, uint64_t now_ms);
/* No longer on the ring of those that are opening. */
void wick_link_opened(wick_experience *x, uint32_t link);
/* The runs of a quiet session may go on. */
void wick_session_room(wick_experience *x, uint32_t session, uint64_t now_ms);

/* ---- session.open and the like (experience_open.c) -------------------------------------------------------- */

wick_status wick_on_session_open(wick_experience *x, uint32_t link, const wick_event *event, uint64_t now_ms);
void wick_on_session_update(wick_experience *x, uint32_t link, const wick_event *event, wick_outcome *outcome);
/* Write session.reset for a link and set it to the head. Returns WICK_OK or WICK_BLOCKED. */
wick_status wick_reset_send(wick_experience *x, uint32_t link, uint64_t now_ms);
void wick_link_tune(wick_link_slot *l);

/* ---- Answers (experience_receive.c) ----------------------------------------------------------------------- */

/* Say `error` to a link. cause: the message that is answered, or NULL. */
wick_status wick_link_error(wick_experience *x, uint32_t link, const wick_event *cause, wick_code code,
                            wick_text sentence, uint64_t now_ms);
wick_text wick_sentence_for(wick_code code);

/* ---- Runs (experience_run.c) ------------------------------------------------------------------------------ */

wick_status wick_on_agent_message(wick_experience *x, uint32_t session, const wick_event *event,
                                  wick_outcome *outcome, uint64_t now_ms);
wick_status wick_on_agent_cancel(wick_experience *x, uint32_t session, const wick_event *event,
                                 wick_outcome *outcome);
/* It is over: settle its questions, unlink it, remember its id; with undo, forget that it ever was. */
void wick_run_end(wick_experience *x, uint32_t run, int undo, uint64_t now_ms);
/* Cancel the runs of a session: all of them, or those that go with their connection. */
void wick_runs_cancel(wick_experience *x, uint32_t session, int all, const char *reason);

/* ---- Ids of messages (experience_remember.c) -------------------------------------------------------------- */

const wick_remembered *wick_remember_find(const wick_experience *x, uint32_t session, const wick_text *id,
                                          uint64_t now_ms);
void wick_remember(wick_experience *x, uint32_t session, const wick_text *id, const wick_slot_name *run,
                   uint64_t now_ms);
/* A session is gone. */
void wick_remember_none(wick_experience *x, uint32_t session);

/* ---- Events (experience_event.c) -------------------------------------------------------------------------- */

/* Number an event and keep or deliver it. The readers of a stream are still to be pumped. */
wick_status wick_event_append(wick_experience *x, uint32_t session, wick_event *event, uint64_t now_ms);

/* ---- Rooms (experience_room.c) ---------------------------------------------------------------------------- */

void wick_on_room(wick_experience *x, uint32_t session, const wick_event *event, wick_outcome *outcome,
                  uint64_t now_ms);
/* What follows the answer: room.joined and the history, room.left. */
void wick_room_answered(wick_experience *x, const wick_asker *asker, const wick_event *event,
                        const wick_outcome *outcome, uint64_t now_ms);
/* What room.join has come to, as the result of its answer; absent for other messages. Returns it, in out. */
wick_text wick_room_result(const wick_experience *x, const wick_event *event, char *out, size_t cap);
/* A session is gone. */
void wick_rooms_leave(wick_experience *x, uint32_t session, uint64_t now_ms);
/* Forget rooms that have been empty for long. */
void wick_rooms_expire(wick_experience *x, uint64_t now_ms);
/* Write the rooms of a session as a JSON array. Returns the bytes; at most WICK_ROOMS_TEXT. */
size_t wick_rooms_write(const wick_experience *x, uint32_t session, char *out);
#define WICK_ROOMS_TEXT (WICK_SESSION_ROOMS_MAX * (WICK_LIMIT_ID + 3) + 2)

/* ---- Questions (experience_questions.c) ------------------------------------------------------------------- */

/* Whether a question can be remembered. */
wick_status wick_question_check(const wick_experience *x, const wick_input_request *question);
void wick_question_open(wick_experience *x, uint32_t run, const wick_event *event, uint64_t now_ms);
/* The Runtime has told agent.input_resolved. */
void wick_question_resolved(wick_experience *x, uint32_t run, const wick_input_resolved *resolved);
/* A run is over: what it asked needs no answer any more. */
void wick_questions_close(wick_experience *x, uint32_t run);
/* A session is gone: forget what it was asked. */
void wick_questions_forget(wick_experience *x, wick_session session);
/* A client answers. Returns WICK_OK or WICK_BLOCKED. */
wick_status wick_question_answer(wick_experience *x, wick_session session, const wick_event *event,
                                 wick_outcome *outcome, uint64_t now_ms);
/* Settle what is late, and lower x->deadline to the next one. */
void wick_questions_expire(wick_experience *x, uint64_t now_ms);
/* Write the payloads of the open ones as a JSON array: as many as fit. *len is what all of them need. */
void wick_questions_write(const wick_experience *x, wick_session session, char *out, size_t cap, size_t *written,
                          size_t *len);
uint32_t wick_questions_count(const wick_experience *x, wick_session session);

#endif
