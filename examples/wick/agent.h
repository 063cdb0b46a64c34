/*
 * agent.h - the parts of `wick agent`: the command line (agent_options.c), the message (agent_message.c), what is to be
 * done (agent.c), by WebSocket (agent_socket.c) or requests (agent_http.c), what comes (agent_take.c), what is shown
 * (agent_show.c), what is asked (agent_ask.c).
 */
#ifndef EXAMPLES_WICK_AGENT_H
#define EXAMPLES_WICK_AGENT_H

#include <stdio.h>

#include "lib/problem.h"
#include "wick/wick.h"

/* ---- The run ----------------------------------------------------------------------------------------------------- */

/* The exit status. */
enum { COMPLETED = 0, FAILED = 1, GIVEN_UP = 3 };

/* Why the last connection or attempt has failed. */
struct agent_why {
    struct problem problem; /* empty if there was none */
    char text[1024];        /* a line */
    int reached;            /* somebody took the connection */
};

/* What the parts know of each other: there is one run in a process. */
struct agent {
    wick_client client;
    wick_client_config config;
    void *outbox;
    size_t outbox_len;
    struct client_options connect;
    struct source timer;
    struct peer *peer; /* NULL: no connection */
    char *message;
    size_t message_len;
    char id[65];
    char run[WICK_LIMIT_ID + 1];
    uint64_t retry_ms;
    uint64_t opened_ms; /* when the connection opened */
    uint64_t lost_ms;   /* since when there has been none that worked; 0: there is one */
    uint64_t end_ms;    /* when to stop waiting; WICK_NEVER: not yet */
    uint64_t reset_ms;  /* when to stop waiting for a session.reset */
    unsigned close_code;
    struct agent_why why;
    wick_transport transport; /* that was used last; WICK_TRANSPORT_COUNT: none yet */
    unsigned transports;      /* how many may be used */
    unsigned attempts;        /* before the first connection */
    unsigned unreachable;     /* of them, in a row, those that nobody took */
    unsigned serial;    /* of the messages behind the first */
    int only_quiet, json; /* options */
    int was_open;    /* there has been a session */
    int listened;    /* and a connection */
    int sent;        /* the message has gone out, perhaps in vain */
    int taken;       /* and the server has it */
    int begun;       /* and events of the run have come */
    int finished;    /* the exit status stands */
    int interrupted;
    int busy;        /* agent_advance() is running */
};
extern struct agent agent;

int agent_is_quiet(void);
/* Do what is to be done next. */
void agent_advance(void);
/* Give the event an id and send it until it is answered. Returns 0, or -1 if it cannot be. */
int agent_submit(wick_event *event);
/* The run is over: end the session, which nobody will resume. */
void agent_finish(int status);
/* There is no hope. */
void agent_give_up(const char *why);
/* Nobody reads stdout: cancel the run. */
void agent_unread(void);

/* A message of the server's, by whatever it came. */
void agent_receive(const char *data, size_t len);

/* A connection stands; it has ended; it does not come about, agent.why says why. */
void agent_connected(wick_transport transport);
void agent_lost(wick_transport transport);
void agent_refused(wick_transport transport, const wick_client_refusal *refusal);
/* The server has no sessions. */
void agent_go_quiet(void);

/* ---- A WebSocket ------------------------------------------------------------------------------------------------- */

void agent_socket_begin(void);
void agent_socket_connect(int probe);
/* With a code, else drop it. */
void agent_socket_close(unsigned code, wick_str reason);
/* Returns 0, or -1 if it cannot be sent now. */
int agent_socket_send(const void *data, size_t len);
/* For client_options. */
void agent_failed(struct loop *loop, const struct client_failure *failure, void *user);

/* ---- Requests ---------------------------------------------------------------------------------------------------- */

/* Returns 0, or -1 if there is no memory. */
int agent_http_begin(void);
void agent_http_end(void);
/* Begin a stream or a long poll. */
void agent_http_listen(const wick_client_action *action);
/* Post a session.open or a message. */
void agent_http_post(const wick_client_action *action, const void *data, size_t len);
/* Drop all requests. */
void agent_http_drop(void);

/* ---- The command line -------------------------------------------------------------------------------------------- */

/* Read the command line into `agent`; a wrong one ends the program with 2. Returns memory to be freed at the end. */
char *agent_options(int argc, char **argv);

/* ---- The message ------------------------------------------------------------------------------------------------- */

/* What the command line says. */
struct agent_message {
    const char *text;
    const char *surface; /* NULL: none, as all of these */
    const char *context;
    const char *id;
    const char *invocation_id;
    uint64_t deadline_ms;
};

/* Write the agent.message. A wrong argument ends the program with 2. Returns memory to be freed, its length in *len. */
char *agent_message_write(const struct program *program, const struct agent_message *from, size_t *len);
/* Write an event into memory to be freed; NULL if it cannot be, *error says why. */
char *agent_event_write(const wick_event *event, size_t *len, wick_event_error *error);

/* ---- What is shown ----------------------------------------------------------------------------------------------- */

/* Where stdout and stderr go; json: events are printed as they come, a line each. */
void show_begin(int json);
void show_end(void);

/* A line on stderr, about the connection or the run. */
void show_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A text of the server's in such a line: `label: text`. */
void show_field(const char *label, const wick_text *text);
/* An event of the run, as data and as it was read. Returns -1 if nobody reads stdout any more. */
int show_event(const wick_event *event, const char *data, size_t len);
/* The texts of a snapshot's run stand for all that has been said so far: print what is missing. */
int show_texts(const wick_text *messages);

/* ---- What the user is asked -------------------------------------------------------------------------------------- */

/* Called with each answer; content is JSON or plain text. */
typedef void ask_answered(const char *request_id, const wick_text *content, unsigned status);

void ask_begin(struct loop *loop, ask_answered *answered);
void ask_end(struct loop *loop);
/* A question has come, perhaps again. */
void ask_add(const wick_input_request *request);
/* It is settled: by another client, or because time is over. */
void ask_resolved(const wick_input_resolved *resolved);

#endif
