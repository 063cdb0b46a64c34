/*
 * session.open, session.update, and what the server says to them: session.opened, session.reset. See wick/experience.h.
 *
 * session.opened is delivered before anything is changed. So if the reader refuses it nothing has happened, and a
 * client whose connection dies right then still has a token that is good.
 */
#include <string.h>

#include "agent/experience_internal.h"

#define VERSION "1.0"
/* Room for session.opened without its questions, session.reset without its snapshot. */
#define HEAD_MAX 1536

/* What session.open comes to, before it is done. */
typedef struct opening {
    uint32_t session;
    uint8_t resumed; /* the session was there */
    uint8_t known;   /* the client has told a cursor */
    uint8_t filtered;
    int presented; /* its token */
    wick_resume resume;
    wick_want want;
    char token[WICK_TOKEN_SIZE];
} opening;

/* ---- Lists of strings ------------------------------------------------------------------------------------ */

/* Read a list of types. Returns 0, or -1 if something in it is no pattern, or it is too long. */
static int read_want(const wick_text *list, wick_want *want)
{
    static const wick_want none = WICK_WANT_NONE;
    wick_json_reader reader;
    wick_json_token token;
    char space[64];
    wick_str plain;
    *want = none;
    wick_json_reader_init(&reader, NULL, list->data, list->len);
    wick_json_next(&reader, &token);
    while (wick_json_next(&reader, &token) == WICK_OK && token.type == WICK_JSON_STRING)
        if (wick_text_plain(&token.text, space, sizeof space, &plain) != WICK_OK ||
            wick_want_add(want, plain.data, plain.len) != WICK_OK)
            return -1;
    return token.type == WICK_JSON_ARRAY_END ? 0 : -1;
}

/* Whether a list of versions has ours. No list means whatever we speak. */
static int has_version(const wick_text *list)
{
    wick_json_reader reader;
    wick_json_token token;
    if (!list->data)
        return 1;
    wick_json_reader_init(&reader, NULL, list->data, list->len);
    wick_json_next(&reader, &token);
    while (wick_json_next(&reader, &token) == WICK_OK && token.type != WICK_JSON_END)
        if (token.type == WICK_JSON_STRING && wick_text_is(&token.text, VERSION, sizeof VERSION - 1))
            return 1;
    return 0;
}

void wick_link_tune(wick_link_slot *l)
{
    wick_reader_tune(&l->at, l->coalesce_ms, l->filtered ? &l->want : NULL);
}

/* ---- session.reset --------------------------------------------------------------------------------------- */

static int64_t unix_now(const wick_experience *x, uint64_t now_ms)
{
    return (int64_t)(now_ms + x->config.unix_offset_ms);
}

/*
 * Deliver a message whose last field is large: `event` is written with an empty value there, two bytes before the two
 * braces that end the message, and `value` takes its place.
 */
static wick_status deliver_around(wick_experience *x, uint32_t link, const wick_event *event, const char *value,
                                  size_t value_len, const wick_cursor *cursor)
{
    char head[HEAD_MAX];
    wick_slice slices[3];
    size_t len;
    if (wick_event_write(event, WICK_JSON_REPLACE | WICK_JSON_TRUSTED, head, sizeof head, &len, NULL) != WICK_OK)
        return WICK_OK;
    slices[0].data = (const uint8_t *)head;
    slices[0].len = len - 4;
    slices[1].data = (const uint8_t *)value;
    slices[1].len = value_len;
    slices[2].data = (const uint8_t *)head + len - 2;
    slices[2].len = 2;
    return wick_link_deliver(x, link, event->type, slices, 3, cursor);
}

static size_t put_text(char *out, const char *text)
{
    size_t len = wick_text_from(text).len;
    memcpy(out, text, len);
    return len;
}

/* Write the snapshot of a session into the body buffer: its runs, its rooms, its open questions. Returns the bytes. */
static size_t write_snapshot(wick_experience *x, uint32_t session)
{
    char *out = wick_body_buffer(x);
    size_t cap = wick_body_size(x), len, written, need;
    if (wick_stream_snapshot(&wick_session_at(x, session)->stream, out, cap - WICK_ROOMS_TEXT - 64, &len) != WICK_OK)
        len = put_text(out, "{\"invocations\":[],\"truncated\":true}");
    len--; /* the brace */
    if (wick_session_at(x, session)->room_count) {
        len += put_text(out + len, ",\"rooms\":");
        len += wick_rooms_write(x, session, out + len);
    }
    if (wick_questions_count(x, wick_session_handle(x, session))) {
        len += put_text(out + len, ",\"pending_inputs\":");
        wick_questions_write(x, wick_session_handle(x, session), out + len, cap - len - 1, &written, &need);
        len += written;
    }
    out[len++] = '}';
    return len;
}

wick_status wick_reset_send(wick_experience *x, uint32_t link, uint64_t now_ms)
{
    wick_link_slot *l = wick_link_at(x, link);
    wick_stream *stream = &wick_session_at(x, l->session)->stream;
    wick_event event;
    wick_cursor cursor = { wick_stream_epoch(stream), wick_stream_head(stream) };
    const char *reason = wick_reset_name((wick_reset)l->reset);
    size_t len = write_snapshot(x, l->session);
    memset(&event, 0, sizeof event);
    event.type = WICK_TYPE_SESSION_RESET;
    event.head.ts = unix_now(x, now_ms);
    event.head.session_id = wick_session_id(x, l->session);
    event.as.session_reset.reason = wick_text_from(reason);
    event.as.session_reset.epoch = (int64_t)cursor.epoch;
    event.as.session_reset.head_seq = (int64_t)cursor.seq;
    event.as.session_reset.snapshot = WICK_TEXT("{}");
    event.as.session_reset.snapshot.form = WICK_TEXT_JSON;
    wick_status status = deliver_around(x, link, &event, wick_body_buffer(x), len, &cursor);
    if (status != WICK_OK)
        return status;
    wick_reader_leave(&l->at, stream, now_ms);
    wick_reader_init(&l->at, stream, cursor.seq);
    wick_link_tune(l);
    l->reset = WICK_RESET_NONE;
    return WICK_OK;
}

/* ---- session.opened -------------------------------------------------------------------------------------- */

static wick_status send_opened(wick_experience *x, uint32_t link, const wick_event *cause, const opening *o,
                               uint64_t now_ms)
{
    const wick_session_slot *s = wick_session_at(x, o->session);
    wick_event event;
    wick_session_opened *opened = &event.as.session_opened;
    wick_cursor cursor = { wick_stream_epoch(&s->stream), o->resume.after };
    size_t written, len;
    memset(&event, 0, sizeof event);
    event.type = WICK_TYPE_SESSION_OPENED;
    event.head.ts = unix_now(x, now_ms);
    event.head.re = cause->head.id;
    opened->version = wick_text_of(VERSION, sizeof VERSION - 1);
    opened->session_id = wick_session_id(x, o->session);
    opened->epoch = (int64_t)cursor.epoch;
    opened->head_seq = (int64_t)wick_stream_head(&s->stream);
    opened->resume_token = wick_text_of(o->token, sizeof o->token);
    opened->recovered = o->resumed && o->resume.reset == WICK_RESET_NONE;
    opened->replay_from = (int64_t)o->resume.replay_from;
    opened->replay_count = (int64_t)o->resume.replay_count;
    opened->heartbeat.interval_ms = x->config.heartbeat_interval_ms;
    opened->heartbeat.timeout_ms = x->config.heartbeat_timeout_ms;
    opened->limits.max_message_bytes = x->config.message_bytes;
    opened->limits.resume_window_ms = x->config.stream.retain_ms;
    opened->limits.max_invocations = x->config.session_invocations;
    opened->pending_inputs = WICK_TEXT("[]");
    opened->pending_inputs.form = WICK_TEXT_JSON;
    wick_questions_write(x, wick_session_handle(x, o->session), wick_body_buffer(x), wick_body_size(x), &written, &len);
    return deliver_around(x, link, &event, wick_body_buffer(x), written, &cursor);
}

/* ---- session.open ---------------------------------------------------------------------------------------- */

/* Say error, and close: whatever comes next would be refused as well. */
static wick_status turn_away_with(wick_experience *x, uint32_t link, const wick_event *event, wick_code code,
                                  wick_text sentence, unsigned close_code, const char *reason, uint64_t now_ms)
{
    if (wick_link_error(x, link, event, code, sentence, now_ms) == WICK_BLOCKED)
        return WICK_BLOCKED;
    wick_link_close(x, link, close_code, reason, now_ms);
    return WICK_OK;
}

static wick_status turn_away(wick_experience *x, uint32_t link, const wick_event *event, wick_code code,
                             unsigned close_code, const char *reason, uint64_t now_ms)
{
    return turn_away_with(x, link, event, code, wick_sentence_for(code), close_code, reason, now_ms);
}

/* Ask the host whose token this is. */
static wick_code check_token(wick_experience *x, const wick_link_slot *l, const wick_text *token, wick_grant *grant)
{
    char *space = wick_body_buffer(x);
    wick_str plain;
    memset(grant, 0, sizeof *grant);
    if (!token->data)
        return WICK_CODE_AUTH_REQUIRED;
    if (!x->config.callbacks->on_auth || wick_text_plain(token, space, wick_body_size(x), &plain) != WICK_OK)
        return WICK_CODE_AUTH_INVALID;
    wick_code code = x->config.callbacks->on_auth(x->config.user, l->reader, &plain, grant);
    if (grant->len > sizeof grant->principal)
        grant->len = 0;
    return code;
}

/* Go on with a session that is there. Returns 0, or -1 if it is somebody else's. */
static int resume_session(const wick_experience *x, const wick_link_slot *l, const wick_session_open *open, opening *o)
{
    const wick_session_slot *s = wick_session_at(x, o->session);
    wick_cursor cursor = { (uint64_t)open->epoch, (uint64_t)open->last_seq };
    if (s->quiet || !wick_principal_is(&s->principal, l->principal.name, l->principal.len))
        return -1;
    o->presented = wick_token_find(s, &open->resume_token);
    if (o->presented < 0)
        return -1;
    o->resumed = 1;
    wick_stream_resume(&s->stream, &cursor, &o->resume);
    return 0;
}

/* The session that is meant, or a new one: if the client knows a cursor, that was in another life. */
static wick_status find_session(wick_experience *x, const wick_link_slot *l, const wick_session_open *open, opening *o,
                                uint64_t now_ms)
{
    o->session = open->session_id.data ? wick_session_find(x, &open->session_id) : WICK_NO_SLOT;
    if (o->session != WICK_NO_SLOT)
        return resume_session(x, l, open, o) == 0 ? WICK_OK : WICK_E_STATE;
    wick_status status = wick_session_new(x, &open->session_id, 0, &o->session, now_ms);
    if (status != WICK_OK)
        return status == WICK_E_STATE ? WICK_E_RANDOM : status;
    wick_session_at(x, o->session)->principal = l->principal;
    if (o->known)
        o->resume.reset = WICK_RESET_EPOCH_CHANGED;
    memcpy(o->token, wick_session_at(x, o->session)->tokens[0], sizeof o->token);
    return WICK_OK;
}

/* The client has been told: now it holds. */
static void enter_session(wick_experience *x, uint32_t link, const wick_session_open *open, const opening *o,
                          uint64_t now_ms)
{
    wick_link_slot *l = wick_link_at(x, link);
    wick_session_slot *s = wick_session_at(x, o->session);
    if (o->resumed) {
        memmove(s->tokens[1], s->tokens[o->presented], WICK_TOKEN_SIZE);
        memcpy(s->tokens[0], o->token, WICK_TOKEN_SIZE);
        s->token_count = 2;
    }
    wick_link_opened(x, link);
    l->state = WICK_LINK_FULL;
    uint32_t older = s->connection;
    l->reset = (uint8_t)o->resume.reset;
    l->want = o->want;
    l->filtered = o->filtered;
    if (WICK_HAS(open, session_open, coalesce_ms))
        l->coalesce_ms = (uint32_t)open->coalesce_ms;
    if (open->on_disconnect)
        s->on_disconnect = open->on_disconnect;
    wick_reader_init(&l->at, &s->stream, o->resume.after);
    wick_link_attach(x, link, o->session);
    wick_link_tune(l);
    if (older != WICK_NO_SLOT)
        wick_link_close(x, older, 4409, "SESSION_TAKEN_OVER: the session goes on over a newer connection", now_ms);
    wick_link_pump(x, link, now_ms);
}

static wick_status open_for(wick_experience *x, uint32_t link, const wick_event *event, uint64_t now_ms)
{
    const wick_session_open *open = &event->as.session_open;
    opening o;
    memset(&o, 0, sizeof o);
    o.filtered = open->want.data != NULL;
    o.known = WICK_HAS(open, session_open, epoch) || WICK_HAS(open, session_open, last_seq) || open->resume_token.data;
    if (o.filtered && read_want(&open->want, &o.want) < 0)
        return wick_link_error(x, link, event, WICK_CODE_INVALID_PAYLOAD,
                               WICK_TEXT("payload.want: a list of types, with * for any characters, expected"), now_ms);
    wick_status status = find_session(x, wick_link_at(x, link), open, &o, now_ms);
    if (status == WICK_E_STATE)
        return turn_away(x, link, event, WICK_CODE_SESSION_FORBIDDEN, 4403,
                         "FORBIDDEN: SESSION_FORBIDDEN, not your session or not its resume_token", now_ms);
    if (status == WICK_E_SPACE)
        return turn_away(x, link, event, WICK_CODE_RATE_LIMITED, 4529, "RATE_LIMITED: too many sessions", now_ms);
    if (status == WICK_OK && o.resumed)
        status = wick_token_write(x, o.token);
    if (status != WICK_OK)
        return turn_away(x, link, event, WICK_CODE_INTERNAL, 4500, "INTERNAL: no random bytes", now_ms);
    status = send_opened(x, link, event, &o, now_ms);
    if (status == WICK_OK)
        enter_session(x, link, open, &o, now_ms);
    else if (!o.resumed)
        wick_session_free(x, o.session, now_ms);
    return status;
}

wick_status wick_on_session_open(wick_experience *x, uint32_t link, const wick_event *event, uint64_t now_ms)
{
    wick_link_slot *l = wick_link_at(x, link);
    wick_grant grant;
    if (x->draining)
        return turn_away(x, link, event, WICK_CODE_DRAINING, 1001, "DRAINING: the server is going down", now_ms);
    if (!has_version(&event->as.session_open.versions))
        return turn_away_with(x, link, event, WICK_CODE_INVALID_PAYLOAD,
                              WICK_TEXT("payload.versions: a list with \"" VERSION "\" expected"), 4406,
                              "VERSION_NOT_ACCEPTABLE: this server speaks " VERSION, now_ms);
    if (l->need_auth) {
        wick_code code = check_token(x, l, &event->as.session_open.auth.token, &grant);
        if (code != WICK_CODE_NONE)
            return turn_away(x, link, event, code, 4401, "UNAUTHORIZED: session.open needs auth with a valid token",
                             now_ms);
        l->principal.len = (uint8_t)grant.len;
        memcpy(l->principal.name, grant.principal, grant.len);
        wick_link_expires(x, link, grant.expires_ms);
    }
    return open_for(x, link, event, now_ms);
}

void wick_on_session_update(wick_experience *x, uint32_t link, const wick_event *event, wick_outcome *outcome)
{
    wick_link_slot *l = wick_link_at(x, link);
    const wick_session_update *update = &event->as.session_update;
    int renewed = update->auth.token.data && x->config.callbacks->on_auth;
    wick_grant grant;
    wick_want want;
    if (renewed) {
        outcome->code = check_token(x, l, &update->auth.token, &grant);
        if (outcome->code == WICK_CODE_NONE && !wick_principal_is(&l->principal, grant.principal, grant.len))
            outcome->code = WICK_CODE_SESSION_FORBIDDEN;
    }
    if (outcome->code != WICK_CODE_NONE)
        return;
    if (update->want.data && read_want(&update->want, &want) < 0) {
        outcome->code = WICK_CODE_INVALID_PAYLOAD;
        outcome->sentence = WICK_TEXT("payload.want: a list of types, with * for any characters, expected");
        return;
    }
    if (renewed)
        wick_link_expires(x, link, grant.expires_ms);
    if (update->want.data) {
        l->want = want;
        l->filtered = 1;
    }
    if (WICK_HAS(update, session_update, coalesce_ms))
        l->coalesce_ms = (uint32_t)update->coalesce_ms;
    if (update->on_disconnect)
        wick_session_at(x, l->session)->on_disconnect = update->on_disconnect;
    wick_link_tune(l);
}
