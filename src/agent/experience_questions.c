/*
 * Questions of agents: remembered with their deadline until they are settled, and then for as long as there is room, so
 * that a second answer can be told from an unknown one. See wick/experience.h.
 */
#include <string.h>

#include "agent/experience_internal.h"

/* A slot for a new question: a free one, else the one that was settled first. */
static uint32_t question_slot(const wick_experience *x)
{
    uint32_t oldest = WICK_NO_SLOT;
    for (uint32_t i = 0; i < x->config.questions; i++) {
        const wick_question *q = wick_question_at(x, i);
        if (q->state == WICK_QUESTION_FREE)
            return i;
        if (q->state == WICK_QUESTION_SETTLED &&
            (oldest == WICK_NO_SLOT || q->settled < wick_question_at(x, oldest)->settled))
            oldest = i;
    }
    return oldest;
}

/* Bytes of an answer as it is kept: a JSON value. */
static wick_status write_answer(const wick_text *answer, void *out, size_t cap, size_t *len)
{
    wick_json_writer writer;
    wick_json_writer_init(&writer, out, cap, WICK_JSON_REPLACE | WICK_JSON_TRUSTED);
    wick_json_put_text(&writer, answer);
    return wick_json_writer_end(&writer, len);
}

wick_status wick_question_check(const wick_experience *x, const wick_input_request *question)
{
    size_t len = 0;
    if (question_slot(x) == WICK_NO_SLOT)
        return WICK_E_SPACE;
    if (!question->request_id.data || wick_text_plain_len(&question->request_id) > WICK_LIMIT_ID)
        return WICK_E_PAYLOAD;
    if (wick_payload_write(WICK_TYPE_AGENT_INPUT_REQUEST, question, WICK_JSON_REPLACE | WICK_JSON_TRUSTED, NULL, 0,
                           &len, NULL) != WICK_E_SPACE)
        return WICK_E_PAYLOAD;
    if (len > x->config.question_bytes)
        return WICK_E_SPACE;
    if (question->fallback.data)
        return write_answer(&question->fallback, NULL, 0, &len) == WICK_E_SPACE && len <= WICK_DEFAULT_ANSWER_MAX
                   ? WICK_OK
                   : WICK_E_SPACE;
    return WICK_OK;
}

/* Write the payload as clients get it again, with the ids of the run and of its agent in it. */
static void keep_payload(wick_experience *x, uint32_t slot, const wick_event *event)
{
    const wick_text run = wick_slot_name_text(wick_table_name(wick_run_table(x), wick_question_at(x, slot)->run));
    char *out = wick_question_payload(x, slot);
    wick_json_writer w;
    size_t len = 0, more = 0;
    if (wick_payload_write(WICK_TYPE_AGENT_INPUT_REQUEST, &event->as.input_request,
                           WICK_JSON_REPLACE | WICK_JSON_TRUSTED, out, x->config.question_bytes, &len, NULL) != WICK_OK)
        return;
    wick_json_writer_init(&w, out + len - 1, WICK_QUESTION_IDS + 1, WICK_JSON_REPLACE);
    wick_json_put_object(&w);
    wick_json_put_key(&w, "invocation_id", 13);
    wick_json_put_text(&w, &run);
    if (event->head.agent_id.data) {
        wick_json_put_key(&w, "agent_id", 8);
        wick_json_put_text(&w, &event->head.agent_id);
    }
    wick_json_put_object_end(&w);
    if (wick_json_writer_end(&w, &more) != WICK_OK)
        return;
    out[len - 1] = ','; /* one object out of two */
    wick_question_at(x, slot)->payload_len = (uint32_t)(len - 1 + more);
}

void wick_question_open(wick_experience *x, uint32_t run, const wick_event *event, uint64_t now_ms)
{
    const wick_input_request *question = &event->as.input_request;
    uint32_t slot = question_slot(x);
    wick_question *q = wick_question_at(x, slot);
    wick_str id;
    size_t len = 0;
    if (q->state == WICK_QUESTION_SETTLED)
        wick_session_at(x, wick_session_slot_of(x, q->session))->questions--;
    memset(q, 0, sizeof *q);
    q->serial = ++x->serial;
    q->state = WICK_QUESTION_OPEN;
    q->session = wick_run_at(x, run)->session;
    q->run = run;
    q->deadline = now_ms + (uint64_t)question->timeout_ms;
    if (q->deadline < x->deadline)
        x->deadline = q->deadline;
    wick_text_plain(&question->request_id, q->id, sizeof q->id, &id);
    if (id.data != q->id)
        memcpy(q->id, id.data, id.len);
    q->id_len = (uint8_t)id.len;
    if (question->fallback.data && write_answer(&question->fallback, q->fallback, sizeof q->fallback, &len) == WICK_OK)
        q->fallback_len = (uint32_t)len;
    wick_run_at(x, run)->questions++;
    wick_session_at(x, wick_session_slot_of(x, q->session))->questions++;
    keep_payload(x, slot, event);
    x->counts.questions++;
}

static void set_settled(wick_experience *x, wick_question *q, unsigned outcome)
{
    q->state = WICK_QUESTION_SETTLED;
    q->outcome = (uint8_t)outcome;
    q->settled = ++x->serial;
    wick_run_at(x, q->run)->questions--;
    x->counts.questions--;
}

static int is_named(const wick_question *q, const wick_text *id)
{
    return wick_text_is(id, q->id, q->id_len);
}

void wick_question_resolved(wick_experience *x, uint32_t run, const wick_input_resolved *resolved)
{
    for (uint32_t i = 0; i < x->config.questions; i++) {
        wick_question *q = wick_question_at(x, i);
        if (q->state == WICK_QUESTION_OPEN && q->run == run && is_named(q, &resolved->request_id)) {
            set_settled(x, q, resolved->outcome);
            return;
        }
    }
}

void wick_questions_close(wick_experience *x, uint32_t run)
{
    for (uint32_t i = 0; i < x->config.questions && wick_run_at(x, run)->questions; i++) {
        wick_question *q = wick_question_at(x, i);
        if (q->state == WICK_QUESTION_OPEN && q->run == run)
            set_settled(x, q, WICK_OUTCOME_CANCELLED);
    }
}

void wick_questions_forget(wick_experience *x, wick_session session)
{
    wick_session_slot *s = wick_session_at(x, wick_session_slot_of(x, session));
    for (uint32_t i = 0; i < x->config.questions && s->questions; i++) {
        wick_question *q = wick_question_at(x, i);
        if (q->state == WICK_QUESTION_FREE || q->session != session)
            continue;
        q->state = WICK_QUESTION_FREE;
        s->questions--;
    }
}

/* ---- Answers --------------------------------------------------------------------------------------------- */

/* The question of a session that has this id: an open one rather than one that is settled. */
static wick_question *find_question(const wick_experience *x, wick_session session, const wick_event *event)
{
    wick_question *found = NULL;
    for (uint32_t i = 0; i < x->config.questions; i++) {
        wick_question *q = wick_question_at(x, i);
        if (q->state == WICK_QUESTION_FREE || q->session != session ||
            !is_named(q, &event->as.input_response.request_id))
            continue;
        if (q->state == WICK_QUESTION_OPEN)
            return q;
        if (!found || q->settled > found->settled)
            found = q;
    }
    return found;
}

/*
 * Tell the Runtime. What it is given are copies: the agent may ask again before on_answer returns, and the new question
 * may take the place of the one that has just been settled. *still is whether the question is open afterwards.
 */
static wick_status settle(wick_experience *x, wick_question *q, const wick_text *content, unsigned outcome, int *still)
{
    wick_question copy = *q;
    wick_runtime_input input;
    memset(&input, 0, sizeof input);
    input.invocation_id = wick_slot_name_text(wick_table_name(wick_run_table(x), q->run));
    input.request_id = wick_text_of(copy.id, copy.id_len);
    input.content = content ? *content : wick_text_of(copy.fallback, copy.fallback_len);
    if (!content)
        input.content.form = WICK_TEXT_JSON;
    input.status = (uint8_t)outcome;
    wick_status status = x->config.callbacks->on_answer(x->config.user, &input);
    *still = q->state == WICK_QUESTION_OPEN && q->serial == copy.serial;
    return status;
}

static wick_status settle_late(wick_experience *x, wick_question *q)
{
    wick_text nobody = WICK_TEXT(WICK_NO_ANSWER);
    int still;
    wick_status status = settle(x, q, q->fallback_len ? NULL : &nobody, WICK_OUTCOME_TIMEOUT, &still);
    if (status != WICK_BLOCKED && still)
        set_settled(x, q, WICK_OUTCOME_TIMEOUT); /* the Runtime does not know it any more */
    return status;
}

static uint64_t answer_hash(const wick_input_response *answer)
{
    return wick_text_hash(&answer->content) * 4 + (answer->status ? answer->status : WICK_ANSWER_ANSWERED);
}

/* Answered before: the same answer again is fine. */
static void answered(const wick_question *q, const wick_input_response *answer, wick_outcome *outcome)
{
    if (q->outcome == WICK_OUTCOME_TIMEOUT)
        outcome->code = WICK_CODE_INPUT_EXPIRED;
    else if (q->answer && q->answer == answer_hash(answer))
        outcome->duplicate = 1;
    else
        outcome->code = WICK_CODE_INPUT_ALREADY_RESOLVED;
}

wick_status wick_question_answer(wick_experience *x, wick_session session, const wick_event *event,
                                 wick_outcome *outcome, uint64_t now_ms)
{
    const wick_input_response *answer = &event->as.input_response;
    wick_question *q = find_question(x, session, event);
    if (!q) {
        outcome->code = WICK_CODE_INPUT_NOT_FOUND;
        return WICK_OK;
    }
    if (q->state == WICK_QUESTION_OPEN && q->deadline <= now_ms && settle_late(x, q) == WICK_BLOCKED)
        return WICK_BLOCKED;
    if (q->state != WICK_QUESTION_OPEN) {
        answered(q, answer, outcome);
        return WICK_OK;
    }
    int still;
    q->answer = answer_hash(answer);
    wick_status status =
        settle(x, q, &answer->content, answer->status ? answer->status : WICK_ANSWER_ANSWERED, &still);
    if (status == WICK_BLOCKED)
        return status;
    if (still)
        set_settled(x, q, WICK_OUTCOME_CANCELLED);
    if (status != WICK_OK)
        outcome->code = WICK_CODE_INPUT_NOT_FOUND;
    return WICK_OK;
}

void wick_questions_write(const wick_experience *x, wick_session session, char *out, size_t cap, size_t *written,
                          size_t *len)
{
    size_t at = 1, need = 2;
    if (cap >= 2)
        out[0] = '[';
    for (uint32_t i = 0; i < x->config.questions && x->counts.questions; i++) {
        const wick_question *q = wick_question_at(x, i);
        if (q->state != WICK_QUESTION_OPEN || q->session != session || !q->payload_len)
            continue;
        size_t comma = need > 2;
        need += q->payload_len + comma;
        if (at + comma + q->payload_len + 1 > cap)
            continue;
        if (at > 1)
            out[at++] = ',';
        memcpy(out + at, wick_question_payload(x, i), q->payload_len);
        at += q->payload_len;
    }
    if (cap >= 2)
        out[at++] = ']';
    *written = cap >= 2 ? at : 0;
    *len = need;
}

uint32_t wick_questions_count(const wick_experience *x, wick_session session)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < x->config.questions && x->counts.questions; i++) {
        const wick_question *q = wick_question_at(x, i);
        count += q->state == WICK_QUESTION_OPEN && q->session == session;
    }
    return count;
}

void wick_questions_expire(wick_experience *x, uint64_t now_ms)
{
    if (x->counts.questions == 0)
        return;
    for (uint32_t i = 0; i < x->config.questions; i++) {
        wick_question *q = wick_question_at(x, i);
        if (q->state != WICK_QUESTION_OPEN)
            continue;
        if (q->deadline <= now_ms)
            settle_late(x, q); /* if blocked, again when there is room */
        else if (q->deadline < x->deadline)
            x->deadline = q->deadline;
    }
}
