/*
 * http_api.h - what the files of the HTTP surface share: http_api.c, http_cors.c, http_view.c,
 * http_events.c, http_missions.c.
 */
#ifndef AGENT_SERVER_HTTP_API_H
#define AGENT_SERVER_HTTP_API_H

#include "agent_server/server.h"

/* ---- http_api.c: parameters in, answers out ---- */

/* The longest parameter, decoded. */
#define PARAMETER_MAX 256

/*
 * Find a parameter: in the header of that name (with or without X- in front), else in the query; percent-decoded.
 * header or query may be empty. Returns 1 if it is there and not empty, 0 if not, -1 if it is malformed or too long.
 */
int api_parameter(const wick_http_request *head, wick_str header, wick_str query, char *out, wick_text *value);

/* Where the client is, from Last-Event-ID, last_event_id or after. Returns 1, 0 if it does not say, -1 if malformed. */
int api_cursor(const wick_http_request *head, wick_cursor *cursor);

/* Whether Accept names a media type. */
int api_accepts(const wick_http_request *head, const char *media);

void api_answer(struct peer *peer, unsigned status, const char *json, size_t len);
/* The same with text that has grown, which is freed; a problem if there was no memory for it. */
struct growing;
void api_answer_grown(struct peer *peer, unsigned status, struct growing *json);
/* A problem document with the status that belongs to the code. */
void api_problem(struct peer *peer, wick_code code, wick_str detail);
void api_problem_text(struct peer *peer, wick_code code, const char *detail);

/* Text that grows. After a failure for want of memory `failed` is set and nothing more is added. */
struct growing {
    char *data;
    size_t len, cap;
    int failed;
};

/* Make room for len bytes more. Returns where they go, or NULL. */
char *growing_room(struct growing *text, size_t len);
void growing_add(struct growing *text, const void *data, size_t len);
void growing_print(struct growing *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- http_cors.c: which pages of other origins may read an answer ---- */

/* Have every answer up to cors_end() carry what the browser wants to know about the request's origin. */
void cors_begin(const wick_http_request *head);
/* The same for an answer that comes later. origin may be empty. */
void cors_again(wick_str origin);
void cors_end(void);
/* Whether a page of the request's origin may use the API. Requests without Origin may. */
int cors_allows(const wick_http_request *head);
/* The same for handshakes: which origins may connect. */
void cors_policy(wick_handshake_server_config *config);
/* Answer OPTIONS. methods are those of the path, as a list. */
void cors_preflight(struct peer *peer, const struct http_request *request, wick_str methods);

/* ---- http_view.c: readers over HTTP ---- */

enum view_form { VIEW_SSE, VIEW_NDJSON, VIEW_POLL };

struct view_config {
    enum view_form form;
    wick_session session;
    /* Epoch 0 and seq 0: all that is kept. */
    wick_cursor after;
    /* Long poll: how long to wait for the first event. */
    uint64_t wait_ms;
    /* Only the events of this run; the body ends behind its last one. Absent: all of the session. */
    wick_text invocation_id;
    /* The events of this mission, in its profile, up to its last one. 0: none. */
    uint64_t mission;
};

/* Answer a request with the events of a session. */
void view_begin(struct peer *peer, const wick_http_request *head, const struct view_config *config);

/* Which form of answer a request asks for. */
enum view_form view_form_of(const wick_http_request *head);

/* ---- http_events.c ---- */

/* Messages of one POST. */
#define EVENTS_POST_MAX 64
/* The longest wait of a long poll. */
#define EVENTS_WAIT_MAX_MS 25000 /* proxies wait 60 s for an answer, and some clients less */

void events_get(struct peer *peer, const struct http_request *request);
void events_post(struct peer *peer, const struct http_request *request);
/* POST /api/runtime/agent */
void agent_post(struct peer *peer, const struct http_request *request);

/* ---- http_open.c: session.open by POST ---- */

/* Whether the body of a request is a session.open. */
int open_is_asked(const struct http_request *request);
void open_post(struct peer *peer, const struct http_request *request);
/* Whether a reader is the request that is being answered, and what it is told. */
int open_is(const struct peer *peer);
int open_deliver(const wick_outgoing *message);

/* ---- http_schema.c: /.well-known/agent-events and its schema.json ---- */

void description_get(struct peer *peer, const wick_http_request *head);
void schema_get(struct peer *peer, const wick_http_request *head);

#endif
