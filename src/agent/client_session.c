/*
 * What the client and the server say to each other about the session: session.open out, session.opened, session.reset,
 * session.closing and answers in.
 */
#include "agent/client_internal.h"

wick_status wick_client_write_open(const wick_client *client, const wick_session_open *hello, void *out, size_t cap,
                                   size_t *len)
{
    wick_event event;
    wick_session_open *open = &event.as.session_open;
    memset(&event, 0, sizeof event);
    event.type = WICK_TYPE_SESSION_OPEN;
    if (hello)
        *open = *hello;
    open->versions = WICK_TEXT("[\"1.0\"]");
    open->versions.form = WICK_TEXT_JSON;
    if (client->session_len) {
        open->session_id = wick_text_of(client->session, client->session_len);
        open->resume_token = wick_text_of(client->resume_token, client->resume_token_len);
        open->epoch = (int64_t)wick_client_resume_epoch(client);
        open->last_seq = (int64_t)wick_client_resume_seq(client);
        WICK_SET(open, session_open, epoch);
        WICK_SET(open, session_open, last_seq);
    }
    return wick_event_write(&event, 0, out, cap, len, NULL);
}

/* Keep a text in plain form. Returns 0, and keeps nothing, if it is absent, empty or too long. */
static int keep_plain(const wick_text *text, char *out, size_t cap, uint8_t *len)
{
    char plain[WICK_CLIENT_SESSION_MAX];
    wick_str str;
    if (!text->data || wick_text_plain(text, plain, sizeof plain, &str) != WICK_OK || str.len == 0 || str.len > cap)
        return 0;
    memcpy(out, str.data, str.len);
    *len = (uint8_t)str.len;
    return 1;
}

/* Keep a session to go on with, or none. */
static int keep_session(wick_client *client, const wick_text *session_id, const wick_text *resume_token)
{
    client->session_len = 0;
    return keep_plain(resume_token, client->resume_token, sizeof client->resume_token, &client->resume_token_len)
        && keep_plain(session_id, client->session, sizeof client->session, &client->session_len);
}

static void set_cursor(wick_client *client, uint64_t epoch, uint64_t seq)
{
    client->epoch = epoch;
    client->last = client->acked = seq;
    client->adrift = client->unsettled = 0;
}

wick_status wick_client_restore(wick_client *client, const wick_text *session_id, const wick_text *resume_token,
                                uint64_t epoch, uint64_t last_seq)
{
    if (client->state != WICK_CLIENT_IDLE)
        return WICK_E_STATE;
    if (epoch > WICK_INT_MAX || last_seq > WICK_INT_MAX || !keep_session(client, session_id, resume_token))
        return WICK_E_ARG;
    set_cursor(client, epoch, last_seq);
    return WICK_OK;
}

/*
 * Without recovery it goes on behind the head. What lies before comes in a session.reset; if the connection is cut
 * before that, resuming at the head would lose it for good, so until then there is no cursor to resume from.
 */
static void learn_opened(wick_client *client, const wick_session_opened *opened, uint64_t now_ms)
{
    int known = client->session_len != 0;
    if (client->state != WICK_CLIENT_OPENING)
        return;
    if (opened->version.len < 2 || opened->version.data[0] != '1' || opened->version.data[1] != '.') {
        wick_client_hang_up(client, 1000, WICK_VERDICT_VERSION, now_ms);
        return;
    }
    (void)keep_session(client, &opened->session_id, &opened->resume_token);
    set_cursor(client, (uint64_t)opened->epoch, opened->recovered ? client->last : (uint64_t)opened->head_seq);
    client->unsettled = known && !opened->recovered;
    client->reopen = 0;
    if (wick_client_asks(client))
        wick_client_set(client, WICK_CLIENT_CONNECTING);
    else
        wick_client_enter(client, now_ms);
}

void wick_client_learn(wick_client *client, const wick_event *event, uint64_t now_ms)
{
    switch (event->type) {
    case WICK_TYPE_ACCEPTED:
    case WICK_TYPE_ERROR:
        wick_outbox_answer(client, &event->head.re);
        break;
    case WICK_TYPE_SESSION_OPENED:
        learn_opened(client, &event->as.session_opened, now_ms);
        break;
    case WICK_TYPE_SESSION_RESET:
        set_cursor(client, (uint64_t)event->as.session_reset.epoch, (uint64_t)event->as.session_reset.head_seq);
        break;
    case WICK_TYPE_SESSION_CLOSING:
        client->retry_after_ms = (uint64_t)event->as.session_closing.retry_after_ms;
        break;
    default:
        break;
    }
}
