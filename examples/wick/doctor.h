/*
 * doctor.h - the parts of `wick doctor`: the command (doctor.c), what it asks (doctor_probe.c, doctor_hold.c,
 * doctor_events.c), what was answered (doctor_answer.c), what that means (doctor_verdict.c, doctor_refusal.c,
 * doctor_time.c), what to change (doctor_mend.c), and how it is told (doctor_show.c).
 *
 * Asking and judging are apart: a probe fills a struct of observations, and a verdict is a pure function of those.
 */
#ifndef EXAMPLES_WICK_DOCTOR_H
#define EXAMPLES_WICK_DOCTOR_H

#include "lib/client.h"
#include "wick/diagnose.h"

/* For printf(). */
typedef unsigned long long ull;

/* ---- Observations ------------------------------------------------------------------------------------------------ */

/* Bytes of a body that are kept. */
#define DOCTOR_BODY 2048

/* Fields of a head that say who answers. */
enum {
    SIGN_CF_RAY = 1,
    SIGN_AMZN = 2,    /* X-Amzn-Trace-Id */
    SIGN_ENVOY = 4,   /* X-Envoy-... */
    SIGN_VARNISH = 8, /* X-Varnish */
    SIGN_UPGRADE = 16 /* Upgrade: websocket, as a 426 has it */
};

/* What became of one request. Texts are printable ASCII; "" where there is none. */
struct doctor_answer {
    int asked; /* 0: nothing was */
    enum http_stage stage;
    enum http_outcome outcome;
    char trouble[240]; /* a sentence for an outcome that is no answer */
    char address[SOCKET_NAME];
    uint64_t connect_ms; /* to resolve and connect */
    uint64_t answer_ms;  /* from the connection to the head, or to the end if there was none */
    uint64_t bytes;
    uint8_t first[HTTP_FIRST_BYTES];
    size_t first_len;
    unsigned status;       /* 0: no head came */
    wick_status handshake; /* what was wrong with a 101; WICK_OK: nothing */
    char reason[64];
    char stamp[80], server[80], via[120], powered[80], type[80], location[400];
    unsigned signs;
    char body[DOCTOR_BODY];
    size_t body_len;
    uint64_t body_bytes;
    /* Members of a problem document. */
    char code[64], cause[48], proxy[48], detail[300], hint[800], saw[500];
};

/* How a WebSocket ended. */
enum doctor_fate { FATE_OPEN, FATE_CLOSED, FATE_FIN, FATE_RESET, FATE_ERROR };

/* What became of a WebSocket behind its 101. */
struct doctor_life {
    int opened;
    enum doctor_fate fate;
    unsigned code; /* of the Close frame; 0: none in it */
    char reason[WICK_REASON_MAX + 1];
    wick_status error;
    uint64_t age_ms;    /* at its end, or when it was last looked at */
    uint64_t silent_ms; /* of these, since the last byte went or came */
    uint64_t messages;
    unsigned pings, pongs;
    uint64_t trip_ms; /* of the last ping and its pong */
};

/* Everything about the connection, for the verdicts. */
struct doctor_case {
    const char *url, *direct_url; /* direct_url: NULL if there is none */
    wick_url to, direct_to;
    const char *origin; /* that was sent; NULL: none */
    struct doctor_answer direct, direct_bare, direct_get; /* handshake, the same without Origin, plain GET */
    struct doctor_answer through, bare, get;
    struct doctor_answer plain; /* GET without TLS where TLS was wanted and did not come about */
    struct doctor_life direct_life, life;
};

/* Idle connections, all held at the same time. */
struct doctor_holds {
    uint64_t wanted_ms, every_ms; /* how long, and how often there was a ping */
    int has_direct;
    struct doctor_life quiet, pinged, direct; /* without and with pings through the proxy; without, direct */
};

/* Events on their way. */
struct doctor_stream {
    struct doctor_answer answer;
    unsigned sent;      /* events that were asked for; 0: whatever comes */
    unsigned pieces;    /* that came */
    uint64_t bytes;
    uint64_t first_ms;  /* from the head to the first piece */
    uint64_t delay_ms;  /* of the event that came fastest: one that is late by chance does not count */
    uint64_t whole_ms;  /* from the head to the end of the body, or of patience */
    int ended;          /* the body has */
    int late;           /* everything came at once with the end */
};

/* ---- Findings ---------------------------------------------------------------------------------------------------- */

enum doctor_status { DOCTOR_SKIPPED, DOCTOR_PASSED, DOCTOR_FAILED };

struct doctor_finding {
    const char *id, *name;
    enum doctor_status status;
    uint64_t ms;
    char cause[48];     /* for programs: HOP_STRIPPED, ... */
    char proxy[48];     /* "" if it does not show */
    char note[200];     /* in brackets behind the status */
    char detail[700];   /* sentences */
    char evidence[900]; /* what was seen */
    char hint[1600];    /* what to change; may have several lines */
};

/* Which end is judged. */
enum doctor_end { DOCTOR_THROUGH, DOCTOR_DIRECT };

/* ---- doctor_answer.c --------------------------------------------------------------------------------------------- */

void doctor_answer_head(struct doctor_answer *answer, const wick_http_response *response);
void doctor_answer_body(struct doctor_answer *answer, const uint8_t *data, size_t len);
/* Both are through: reads the problem document. */
void doctor_answer_end(struct doctor_answer *answer);
void doctor_answer_trace(struct doctor_answer *answer, const struct http_trace *trace);
/* Whether the body has a text in what was kept of it, in any case. */
int doctor_body_has(const struct doctor_answer *answer, const char *text);
/* The name of the proxy that an answer gives away, or ""; what the server itself answers directly does not count. */
const char *doctor_proxy_of(const struct doctor_answer *answer, const struct doctor_answer *direct);
/* Append to a text; what does not fit is cut. */
void doctor_say(char *text, size_t cap, const char *format, ...) __attribute__((format(printf, 3, 4)));
#define SAY(to, ...) doctor_say((to), sizeof(to), __VA_ARGS__)
/* Whether somebody has answered who expects TLS. */
int doctor_speaks_tls(const struct doctor_answer *answer);
/* What an answer was, for people. */
void doctor_evidence(const struct doctor_answer *answer, char *text, size_t cap);

/* ---- Verdicts: pure ---------------------------------------------------------------------------------------------- */

void doctor_judge_connection(const struct doctor_case *seen, enum doctor_end end, struct doctor_finding *out);
/* A plain GET; connection is the finding about the handshake. */
void doctor_judge_get(const struct doctor_case *seen, const struct doctor_finding *connection,
                      struct doctor_finding *out);
/* An answer other than 101. For doctor_judge_connection(). */
void doctor_judge_refusal(const struct doctor_case *seen, enum doctor_end end, struct doctor_finding *out);
void doctor_judge_quiet_hold(const struct doctor_holds *holds, const char *proxy, struct doctor_finding *out);
void doctor_judge_pinged_hold(const struct doctor_holds *holds, const char *proxy, struct doctor_finding *out);
/* Events through the proxy; direct may be NULL. */
void doctor_judge_stream(const struct doctor_stream *through, const struct doctor_stream *direct, const char *proxy,
                         struct doctor_finding *out);
/* A long poll that was to be answered after wait_ms. */
void doctor_judge_poll(const struct doctor_answer *answer, uint64_t took_ms, uint64_t wait_ms, const char *proxy,
                       struct doctor_finding *out);

/* Fail with a cause and who did it; the mend is looked up. */
void doctor_fail(struct doctor_finding *out, const char *cause, const char *proxy);
/* Put the path of the URL into a hint, where it says /path. */
void doctor_fill_path(struct doctor_finding *out, wick_str path);
/* What to change for a cause, in the words of the proxy if it is known. Returns "" if there is nothing to be said. */
void doctor_mend(const char *cause, const char *proxy, char *text, size_t cap);

/* ---- Probes ------------------------------------------------------------------------------------------------------ */

/* The most fields of --header and --token. */
#define DOCTOR_FIELDS 60

/* What the options ask for. */
struct doctor_options {
    const wick_http_header *headers; /* --header and --token */
    size_t header_count;
    const wick_str *subprotocols;
    size_t subprotocol_count;
    uint64_t timeout_ms; /* of each step */
};
extern struct doctor_options doctor_options;

/* A WebSocket that a probe has opened. */
struct doctor_link {
    struct peer *peer; /* NULL: gone */
    struct doctor_answer *answer;
    struct doctor_life life;
    uint64_t opened_ms, active_ms, pinged_ms;
    const uint8_t *expect; /* an echo that is waited for */
    size_t expect_len;
    int echo;     /* 1: it came; -1: something else came */
    char last[128]; /* the beginning of the last message */
};

/* Run the loop until something has come of what is waited for, or the time is over. Returns 0 if it is. */
int doctor_wait(uint64_t ms);
/* Whatever was waited for is here. */
void doctor_arrived(void);
/* Ctrl-C: nothing more is asked. */
void doctor_interrupt(void);
int doctor_interrupted(void);

/* Ask, and wait for the answer. */
void doctor_get(const char *url, const char *accept, struct doctor_answer *answer);
void doctor_post(const char *url, const char *body, struct doctor_answer *answer);
/* Open a WebSocket. Returns 0, or -1: *answer says why not. */
int doctor_open(struct doctor_link *link, const char *url, const char *origin, struct doctor_answer *answer);
/* Send a ping and wait for its pong, at most so long. Returns 0 if it came. */
int doctor_ping(struct doctor_link *link, uint64_t ms);
/* Send a text and wait for an answer. Returns 1 for an echo, 0 for nothing, -1 for something else: link->last. */
int doctor_echo(struct doctor_link *link, const uint8_t *text, size_t len, uint64_t ms);
/* Close and wait for the end. */
void doctor_close(struct doctor_link *link);
/* Bring link->life up to date. */
void doctor_look(struct doctor_link *link);
/* The fields of --header and --token and one more. Returns how many. */
size_t doctor_fields(wick_http_header fields[DOCTOR_FIELDS + 1], wick_str name, const char *value);

/* Hold idle connections for so long. */
void doctor_hold(const struct doctor_case *seen, uint64_t ms, struct doctor_holds *holds);

/* A session of a server that speaks agent-events, for events that come when they are asked for. */
struct doctor_session {
    char base[600];   /* "http://host:port" */
    char events[200]; /* the path */
    char query[400];  /* session_id=...&resume_token=... */
    char epoch[24];
};

/* Ask the host of a URL for /.well-known/agent-events, and give the path of one of its endpoints. Returns 0, or -1. */
int doctor_endpoint(const wick_url *url, const char *name, char *path, size_t cap);
/* Open a session where it says. Returns 0, or -1 if it is no such server. */
int doctor_session_open(struct doctor_session *session, const wick_url *url);
void doctor_session_close(const struct doctor_session *session);
/* Read its events, asking for some. */
void doctor_session_stream(const struct doctor_session *session, struct doctor_stream *stream);
/* Have it answer after wait_ms. Returns how long it took. */
uint64_t doctor_session_poll(const struct doctor_session *session, uint64_t wait_ms, struct doctor_answer *answer);
/* Read events from a path of any server. */
void doctor_stream_read(const wick_url *url, const char *path, struct doctor_stream *stream);

/* ---- doctor_show.c ----------------------------------------------------------------------------------------------- */

/* Print a finding as soon as it is there. */
void doctor_show(const struct doctor_finding *finding);
/* The last lines: what is to be done first. Returns the exit status. */
int doctor_show_end(const struct doctor_finding *findings, size_t count);
/* The same as one JSON object. */
int doctor_show_json(const struct doctor_case *seen, const struct doctor_finding *findings, size_t count);

#endif
