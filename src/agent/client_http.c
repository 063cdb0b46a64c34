/*
 * The client over requests: streams that say something or not, polls, POSTs, and the messages in answers.
 */
#include "agent/client_internal.h"

void wick_client_heard(wick_client *client, uint64_t now_ms)
{
    client->heard_ms = now_ms;
}

/* A server, or what stands before it, that does not wait as it is asked to must not be asked all the time. */
void wick_client_polled(wick_client *client, uint64_t now_ms)
{
    uint32_t patience = wick_client_or(client->config->connect_ms, WICK_DEFAULT_CLIENT_CONNECT_MS);
    uint32_t wait = wick_client_or(client->config->poll_ms, WICK_DEFAULT_CLIENT_POLL_MS), pause = 0;
    if (!client->polling)
        return;
    if (client->polling == 2 && client->last == client->poll_seq && now_ms + wait / 2 + patience < client->poll_ms)
        pause = wick_client_or(client->config->backoff_ms, WICK_DEFAULT_CLIENT_BACKOFF_MS);
    client->polling = 0;
    client->poll_ms = now_ms + pause;
    client->serial++;
}

/* The same message would be refused again. */
static int is_final(unsigned status)
{
    return status >= 400 && status < 500 && status != 404 && status != 408 && status != 425 && status != 429;
}

void wick_client_posted(wick_client *client, const wick_client_refusal *refusal, uint64_t now_ms)
{
    wick_client_verdict verdict;
    if (!client->posting || client->state != WICK_CLIENT_CONNECTED)
        return;
    client->posting = 0;
    client->serial++;
    if (!refusal)
        return;
    verdict = wick_client_verdict_of(refusal->status);
    if (verdict == WICK_VERDICT_FORBIDDEN && refusal->code == WICK_CODE_SESSION_FORBIDDEN) {
        client->reopen = 1;
    } else if (verdict == WICK_VERDICT_UNAUTHORIZED || verdict == WICK_VERDICT_FORBIDDEN) {
        wick_client_hang_up(client, 0, verdict, now_ms);
        client->cause = (uint16_t)refusal->status;
        return;
    } else if (is_final(refusal->status)) {
        wick_outbox_drop_sent(client);
        return;
    }
    client->retry_after_ms = refusal->retry_after_ms;
    wick_client_hang_up(client, 0, WICK_VERDICT_NONE, now_ms);
}

/* ---- Answers --------------------------------------------------------------------------------------------- */

/* A list of messages, each as deep as a message may be. */
static const wick_json_config answer_json = { sizeof answer_json, WICK_JSON_LONE_SURROGATES,
                                              WICK_DEFAULT_JSON_DEPTH + 2, NULL };

static void read_next(const wick_text *object, wick_cursor *next)
{
    wick_text text;
    if (wick_json_member(object, "next", 4, &text) != WICK_OK || !text.data ||
        wick_cursor_read(text.data, text.len, next) != WICK_OK)
        next->epoch = next->seq = 0;
}

wick_status wick_answer_init(wick_answer *answer, const void *body, size_t len)
{
    wick_text object, list;
    wick_json_token token;
    wick_status status = wick_json_check(&answer_json, body, len, NULL);
    memset(answer, 0, sizeof *answer);
    if (status != WICK_OK)
        return status;
    object.data = (const char *)body;
    object.len = (uint32_t)len;
    object.form = WICK_TEXT_JSON;
    if (wick_json_member(&object, "events", 6, &list) != WICK_OK)
        return WICK_E_ENVELOPE;
    if (!list.data && wick_json_member(&object, "accepted", 8, &list) != WICK_OK)
        return WICK_E_ENVELOPE;
    if (!list.data || wick_json_reader_init(&answer->reader, &answer_json, list.data, list.len) != WICK_OK ||
        wick_json_next(&answer->reader, &token) != WICK_OK || token.type != WICK_JSON_ARRAY)
        return WICK_E_ENVELOPE;
    read_next(&object, &answer->next);
    answer->begun = 1;
    return WICK_OK;
}

wick_status wick_answer_next(wick_answer *answer, wick_text *message)
{
    if (!answer->begun || wick_json_value(&answer->reader, message) != WICK_OK)
        return WICK_MORE;
    return WICK_OK;
}
