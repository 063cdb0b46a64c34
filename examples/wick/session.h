/*
 * session.h - `wick connect --session`: the connection (session.c), what is typed (session_say.c), what comes
 * (session_take.c), what is shown (session_show.c).
 */
#ifndef EXAMPLES_WICK_SESSION_H
#define EXAMPLES_WICK_SESSION_H

#include "wick/wick.h"

struct session_options {
    const char *resume; /* NULL, as all of these: not given */
    const char *surface;
    const char *token;
    const char *want;
    int json;
};

/* Run to the end. Returns the exit status. */
int session_run(const struct program *program, const struct session_options *options,
                struct client_options *connection);

/* ---- What is typed ----------------------------------------------------------------------------------------------- */

/* Send a message that is answered by `re`: now, and again until it is. Returns 0, or -1 if there is no room for it. */
int session_submit(const char *id, const char *message, size_t len);
/* Send one that is not, if there is a connection. Returns 0, or -1 if it cannot be sent now. */
int session_send(const char *message, size_t len);
/* Make an id that no other message of the session has. Returns its length. */
#define SESSION_ID_MAX 40
size_t session_make_id(char *out);

/* Take a line. Returns 0, or -1 to be given it again when there is room. */
int say_line(const char *line, size_t len, const char *surface);
/* A question is open, or the newest is not any more. */
void say_question(const wick_text *request_id);
void say_resolved(const wick_text *request_id);
/* What has been accepted or goes on is a run: for /cancel. */
void say_run(const wick_text *invocation_id);

/* ---- What comes -------------------------------------------------------------------------------------------------- */

/* What it takes to go on with a session, but for the cursor. */
struct session_known {
    char session_id[WICK_CLIENT_SESSION_MAX + 1]; /* empty: there is none */
    char resume_token[WICK_CLIENT_RESUME_TOKEN_MAX + 1];
    unsigned long long epoch;
};

void take_message(const wick_event *event, struct session_known *known);
/* How many runs go on. */
unsigned take_runs(void);

/* ---- What is shown ----------------------------------------------------------------------------------------------- */

void session_show_begin(int json);
/* Print a message. Returns -1 if nobody reads stdout any more. */
int session_show(const wick_event *event, const char *data, size_t len);

#endif
