/*
 * session_take.c - what the messages of a session say about it: how to go on with it, which runs go on, what is asked.
 */
#include "wick/session.h"

#include <string.h>

#define RUNS 256

/* The newest runs that are known of, as a ring: a hash of the id, and whether it goes on. */
static struct {
    uint64_t id;
    int goes_on;
} runs[RUNS];
static unsigned run_count;

static void keep(const wick_text *text, char *out, size_t cap)
{
    char room[256];
    wick_str plain;
    if (!text->data || wick_text_plain(text, room, sizeof room, &plain) != WICK_OK || plain.len >= cap)
        return;
    memcpy(out, plain.data, plain.len);
    out[plain.len] = '\0';
}

/* ---- Runs -------------------------------------------------------------------------------------------------------- */

static uint64_t hash(const wick_text *id)
{
    char room[WICK_LIMIT_ID + 1] = "";
    uint64_t h = 14695981039346656037u;
    keep(id, room, sizeof room);
    for (const char *at = room; *at; at++)
        h = (h ^ (unsigned char)*at) * 1099511628211u;
    return h;
}

/* A run has begun, or ended; what is told twice counts once, and one that has ended does not begin again. */
static void note_run(const wick_text *id, int goes_on)
{
    uint64_t h = hash(id);
    unsigned at = 0, filled = run_count < RUNS ? run_count : RUNS;
    while (at < filled && runs[at].id != h)
        at++;
    if (at < filled) {
        runs[at].goes_on &= goes_on;
        return;
    }
    runs[run_count % RUNS].id = h;
    runs[run_count % RUNS].goes_on = goes_on;
    run_count++;
}

unsigned take_runs(void)
{
    unsigned count = 0;
    for (unsigned at = 0; at < RUNS && at < run_count; at++)
        count += runs[at].goes_on != 0;
    return count;
}

/* ---- Messages ---------------------------------------------------------------------------------------------------- */

/* Each question of a list of open ones. */
static void take_questions(const wick_text *list)
{
    wick_json_reader reader;
    wick_json_token token;
    wick_text payload, request_id, run;
    if (!list->data || wick_json_reader_init(&reader, NULL, list->data, list->len) != WICK_OK ||
        wick_json_next(&reader, &token) != WICK_OK)
        return;
    while (wick_json_value(&reader, &payload) == WICK_OK) {
        if (wick_json_member(&payload, "request_id", 10, &request_id) == WICK_OK && request_id.data)
            say_question(&request_id);
        if (wick_json_member(&payload, "invocation_id", 13, &run) == WICK_OK && run.data) {
            say_run(&run);
            note_run(&run, 1);
        }
    }
}

static void take_opened(const wick_session_opened *opened, struct session_known *known)
{
    keep(&opened->session_id, known->session_id, sizeof known->session_id);
    keep(&opened->resume_token, known->resume_token, sizeof known->resume_token);
    known->epoch = (unsigned long long)opened->epoch;
    take_questions(&opened->pending_inputs);
}

/* What a snapshot does not have any more does not go on. */
static void take_reset(const wick_session_reset *reset, struct session_known *known)
{
    wick_json_reader reader;
    wick_json_token token;
    wick_text list, one, id, status, questions;
    known->epoch = (unsigned long long)reset->epoch;
    run_count = 0;
    if (wick_json_member(&reset->snapshot, "pending_inputs", 14, &questions) == WICK_OK)
        take_questions(&questions);
    if (wick_json_member(&reset->snapshot, "invocations", 11, &list) != WICK_OK || !list.data ||
        wick_json_reader_init(&reader, NULL, list.data, list.len) != WICK_OK ||
        wick_json_next(&reader, &token) != WICK_OK || token.type != WICK_JSON_ARRAY)
        return;
    while (wick_json_value(&reader, &one) == WICK_OK)
        if (wick_json_member(&one, "invocation_id", 13, &id) == WICK_OK && id.data &&
            wick_json_member(&one, "status", 6, &status) == WICK_OK)
            note_run(&id, wick_text_is(&status, "running", 7));
}

void take_message(const wick_event *event, struct session_known *known)
{
    switch (event->type) {
    case WICK_TYPE_SESSION_OPENED:
        take_opened(&event->as.session_opened, known);
        break;
    case WICK_TYPE_SESSION_RESET:
        take_reset(&event->as.session_reset, known);
        break;
    case WICK_TYPE_ACCEPTED:
        if (!event->as.accepted.invocation_id.data)
            break;
        say_run(&event->as.accepted.invocation_id);
        note_run(&event->as.accepted.invocation_id, 1);
        break;
    case WICK_TYPE_AGENT_STARTED:
        say_run(&event->head.invocation_id);
        note_run(&event->head.invocation_id, 1);
        break;
    case WICK_TYPE_AGENT_COMPLETED:
    case WICK_TYPE_AGENT_FAILED:
        note_run(&event->head.invocation_id, 0);
        break;
    case WICK_TYPE_AGENT_INPUT_REQUEST:
        say_question(&event->as.input_request.request_id);
        break;
    case WICK_TYPE_AGENT_INPUT_RESOLVED:
        say_resolved(&event->as.input_resolved.request_id);
        break;
    default:
        break;
    }
}
