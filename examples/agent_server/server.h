/*
 * server.h - what the files of agent_server share.
 *
 * The planes meet here and nowhere else: socket.c joins WebSockets with the Experience, planes.c the Experience
 * with the Runtime, and agents.h the Runtime with its agents.
 */
#ifndef AGENT_SERVER_SERVER_H
#define AGENT_SERVER_SERVER_H

#include "lib/agents.h"
#include "lib/http_server.h"

struct server {
    struct loop loop;
    struct http_server http;
    struct agents agents;
    wick_runtime *runtime; /* NULL: it is elsewhere, see remote.h */
    wick_experience *experience;
    struct source timer;  /* the next deadline of the planes */
    uint64_t start_ms;
    size_t sockets;       /* WebSockets that are open */
    /* From the command line. */
    uint64_t ping_interval_ms, comment_interval_ms; /* 0: never */
    uint64_t max_sessions, log_memory;
    const char *runtime_url; /* NULL: in this process */
    const char *token;    /* NULL: none is needed */
    uint64_t token_seconds; /* how long it is good once it has been shown; 0: for ever */
    wick_str *origins;
    size_t origin_count;
    wick_route *routes;
    size_t route_count;
};

extern struct server server;

/* planes.c: set up Runtime, Experience and the built-in agents. Returns 0, or -1 with errno. */
int planes_init(void);
/* Have on_ready called once clients may come: at once, or when a Runtime elsewhere has answered or has not. */
int planes_start(void (*on_ready)(void));
/* Whether a client can be let in: a quiet one needs a session, one with a profile may have come back to its own. */
int planes_take(int quiet);
/* What the Runtime counts; returns where it is, in a word or two. */
const char *planes_count(wick_runtime_counts *counts);
void planes_free(void);
/* Have the timer come at the next deadline of either plane: after any call that may have made a new one. */
void planes_arm(void);
/* Announce the end, and end every run: their last events are on their way when this returns. */
void planes_drain(void);

/* page.c: the page, and the modules of which the routes know. page_init() returns 0, or -1. */
int page_init(void);
void page_free(void);
void page_answer(struct peer *peer);
void module_answer(struct peer *peer, wick_str path);

/* pages.c: what is answered over HTTP. */
void on_request(struct peer *peer, const struct http_request *request);

/* http_view.c: readers over HTTP, for main.c and planes.c. */
int view_is(const struct peer *peer);
int view_deliver(struct peer *peer, const wick_outgoing *message);
void view_close(struct peer *peer);
void view_gone(struct peer *peer);
void view_room(struct peer *peer);
/* End all of them: the server drains. */
void views_end(void);

/* socket.c: WebSockets. A quiet client of SOCKET_MISSION speaks the mission profile; from SOCKET_WORKFLOW on the server
 * tells how things stand, see push.h, of what `name` in the path says. */
enum socket_kind { SOCKET_AGENT, SOCKET_MISSION, SOCKET_WORKFLOW, SOCKET_COORDINATOR, SOCKET_STATUS };
void socket_init(void);
void socket_request(struct peer *peer, const struct http_request *request, enum socket_kind kind, wick_str name);
int socket_deliver(struct peer *peer, const wick_outgoing *message);

/* access.c: what a request may do. */
enum access { ACCESS_OK, ACCESS_NO_TOKEN, ACCESS_WRONG_TOKEN };
enum access access_check(const wick_http_request *request);
/* Whether a token that came in another way is good. */
int access_token(const wick_str *token);
/* When a token that is shown now ends, on the loop's clock; 0: never. */
uint64_t access_expires(void);

#endif
