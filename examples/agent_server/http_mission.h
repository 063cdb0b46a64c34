/*
 * http_mission.h - missions: agents that run one after another in a session of their own. missions.c keeps them,
 * http_missions.c answers requests about them.
 */
#ifndef AGENT_SERVER_HTTP_MISSION_H
#define AGENT_SERVER_HTTP_MISSION_H

#include "agent_server/http_api.h"

/* Agents of one mission. */
#define MISSION_AGENTS_MAX 64
/* Missions that are remembered; one more takes the place of the oldest if that has ended. */
#define MISSIONS_MAX 4096

struct mission {
    uint64_t id;
    wick_session session;
    uint64_t epoch;
    uint64_t last_seq; /* of the last event, once that is known; 0: it goes on */
    uint8_t status;    /* WICK_MISSION_ */
    uint8_t cancelled;
    uint8_t due;       /* a run has ended: go on with the next agent */
    uint64_t version;  /* counts what push.h tells of */
    uint16_t part;     /* thousandths of the running agent's work that are done */
    char message[161]; /* what it last said about that */
    struct mission *next_due;
    size_t agent_count, at; /* the agent that runs */
    char *agents[MISSION_AGENTS_MAX];
    char *input;       /* what each of them gets: a JSON object */
    size_t input_len;
    char *result, *error; /* JSON, or NULL */
    wick_usage usage;     /* the sum of all runs */
};

/* What a mission is to do: the texts are copied. */
struct mission_plan {
    const wick_text *agents;
    size_t agent_count;
    wick_text plan;  /* absent: no text */
    wick_text files; /* absent: none */
};

/* Start a mission. Returns it, or NULL with *code. */
struct mission *mission_start(const struct mission_plan *plan, wick_code *code);
/* The mission of an id as it stands in a path, or NULL. */
struct mission *mission_find(wick_str id);
void mission_cancel(struct mission *mission);
void missions_free(void);

/* How far a mission is. */
struct mission_state {
    uint64_t version;     /* another one with every change */
    uint8_t status;       /* WICK_MISSION_ */
    uint64_t steps;       /* agents */
    uint64_t thousandths; /* of a step: what is done in all */
    const char *step;     /* the agent that runs, or ran last; as long as the mission */
    char message[161];
};

/* Returns 0, or -1 if there is no such mission. */
int mission_state(uint64_t id, struct mission_state *state);
/* Missions that have not ended. */
size_t missions_running(void);

/* A mission has ended, and seq is its last event or behind it. */
int mission_is_over(uint64_t id, uint64_t seq);
/* An event is on its way to a session: for planes.c. */
void missions_event(wick_session session, const wick_event *event);
/* Start the next agents, and end what has ended, now instead of at once: before the server drains. */
void missions_go_on(void);

/* ---- Words: mission_words.c ---- */

/* A message in the words of the mission profile, on one line; as it is if the profile has none for it. Freed with
 * free(); NULL if there is no memory. */
char *mission_words(const wick_outgoing *message, size_t *len);

/* What came of an answer: the code of the error, and a sentence about it. */
struct answered {
    wick_code code;
    char sentence[256];
    size_t len;
    int duplicate;
};

/* A client's message that may be a HUMAN_RESPONSE. */
struct response {
    enum { RESPONSE_NONE, RESPONSE_OWN, RESPONSE_MISSION, RESPONSE_WRONG } kind;
    struct mission *mission; /* RESPONSE_MISSION: the one that it names; else it is about the client's own session */
    struct growing message;  /* the agent.input_response that it stands for; the reader frees data */
    wick_text id;            /* of the message, which it points into */
    struct answered wrong;
};

void mission_response(const void *data, size_t len, struct response *response);

/* Give a mission an agent.input_response. Returns like wick_experience_post(). */
wick_status mission_answer(const struct mission *mission, const void *data, size_t len, struct answered *answered);

/* http_missions.c: what is asked about missions. id is from the path. */
void mission_post_start(struct peer *peer, const struct http_request *request);
void mission_get_stream(struct peer *peer, const struct http_request *request, wick_str id);
void mission_get_status(struct peer *peer, const struct http_request *request, wick_str id);
void mission_post_input(struct peer *peer, const struct http_request *request, wick_str id);
void mission_post_cancel(struct peer *peer, const struct http_request *request, wick_str id);

#endif
