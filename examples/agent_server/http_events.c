/*
 * http_events.c - a session over HTTP: its events by GET, what the client says by POST, and POST /api/runtime/agent,
 * which says one thing and gives back what comes of it.
 *
 * A session is entered with session_id and resume_token, in the query or as the headers Session-Id and Resume-Token.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent_server/http_api.h"

/* A long poll waits that long if it does not say. */
#define WAIT_MS 25000

/* ---- Who asks ---------------------------------------------------------------------------------------------------- */

/* Find the session that a request names. Returns WICK_CODE_NONE with *session 0 if it names none. */
static wick_code enter(const wick_http_request *head, wick_session *session)
{
    static const wick_str id_header = { "session-id", 10 }, id_query = { "session_id", 10 };
    static const wick_str token_header = { "resume-token", 12 }, token_query = { "resume_token", 12 };
    char id_room[PARAMETER_MAX], token_room[PARAMETER_MAX];
    wick_text id, token;
    int named = api_parameter(head, id_header, id_query, id_room, &id);
    int shown = api_parameter(head, token_header, token_query, token_room, &token);
    *session = 0;
    if (access_check(head) == ACCESS_WRONG_TOKEN)
        return WICK_CODE_AUTH_INVALID;
    if (!named && !shown)
        return WICK_CODE_NONE;
    if (named <= 0 || shown <= 0)
        return WICK_CODE_SESSION_FORBIDDEN;
    return wick_experience_enter(server.experience, &id, &token, NULL, session);
}

static void refuse_entry(struct peer *peer, wick_code code)
{
    if (code == WICK_CODE_AUTH_INVALID)
        api_problem_text(peer, code, "The token is not valid.");
    else
        api_problem_text(peer, code, "session_id and resume_token do not open a session of yours.");
}

/* The session of a request that must name one; 0 if it has been refused. */
static wick_session entered(struct peer *peer, const wick_http_request *head)
{
    wick_session session;
    wick_code code = enter(head, &session);
    if (code == WICK_CODE_NONE && session)
        return session;
    refuse_entry(peer, code ? code : WICK_CODE_SESSION_FORBIDDEN);
    return 0;
}

/* ---- GET --------------------------------------------------------------------------------------------------------- */

static uint64_t wait_of(const wick_http_request *head)
{
    static const wick_str none = { "", 0 };
    char room[PARAMETER_MAX];
    wick_text text;
    uint64_t wait = WAIT_MS;
    if (api_parameter(head, none, WICK_STR("wait_ms"), room, &text) <= 0)
        return WAIT_MS;
    text.form = WICK_TEXT_JSON;
    if (wick_json_uint64(&text, &wait) != WICK_OK)
        return WAIT_MS;
    return wait < EVENTS_WAIT_MAX_MS ? wait : EVENTS_WAIT_MAX_MS;
}

void events_get(struct peer *peer, const struct http_request *request)
{
    struct view_config config = { .form = view_form_of(request->head), .wait_ms = wait_of(request->head) };
    config.session = entered(peer, request->head);
    if (!config.session)
        return;
    if (api_cursor(request->head, &config.after) < 0)
        api_problem_text(peer, WICK_CODE_INVALID_PAYLOAD, "A cursor is <epoch>:<seq>, as in the id of an event.");
    else
        view_begin(peer, request->head, &config);
}

/* ---- POST: messages ---------------------------------------------------------------------------------------------- */

/* `accepted` to a message that had no id: on a WebSocket it would tell nobody anything, and cannot be written. */
static wick_status write_plain_accepted(const wick_event *reply, char *out, size_t cap, size_t *len)
{
    static const char start[] = "{\"type\":\"accepted\",\"payload\":";
    size_t at = sizeof start - 1;
    wick_status status = wick_payload_write(reply->type, &reply->as.accepted, WICK_JSON_REPLACE,
                                            cap > at ? out + at : NULL, cap > at ? cap - at - 1 : 0, len, NULL);
    *len += sizeof start;
    if (status != WICK_OK)
        return status;
    memcpy(out, start, at);
    out[*len - 1] = '}';
    return WICK_OK;
}

static wick_status write_reply(const wick_event *reply, char *out, size_t cap, size_t *len)
{
    if (reply->type == WICK_TYPE_ACCEPTED && !reply->head.re.data)
        return write_plain_accepted(reply, out, cap, len);
    return wick_event_write(reply, WICK_JSON_REPLACE, out, cap, len, NULL);
}

/* What answers a message: a reply of the Experience, written behind the others. */
static void add_reply(void *user, const wick_event *reply)
{
    struct growing *out = user;
    size_t len;
    if (out->len && out->data[out->len - 1] != '[')
        growing_add(out, ",", 1);
    if (write_reply(reply, NULL, 0, &len) != WICK_E_SPACE) {
        out->failed = 1;
        return;
    }
    char *room = growing_room(out, len);
    if (room && write_reply(reply, room, len, &len) == WICK_OK)
        out->len += len;
}

static void add_error(struct growing *out, wick_code code, wick_text sentence)
{
    wick_event reply = { .type = WICK_TYPE_ERROR };
    const char *name = wick_code_name(code);
    reply.as.error.code = wick_text_of(name, strlen(name));
    reply.as.error.message = sentence;
    reply.as.error.retryable = (uint8_t)wick_code_retryable(code);
    add_reply(out, &reply);
}

static void post_one(wick_session session, const wick_text *message, struct growing *out)
{
    static const wick_text not_an_object = { "0", 1, WICK_TEXT_JSON };
    const wick_text *what = message->form == WICK_TEXT_JSON ? message : &not_an_object;
    wick_status status = wick_experience_post(server.experience, session, what->data, what->len, add_reply, out,
                                              server.loop.now_ms);
    if (status == WICK_BLOCKED)
        add_error(out, WICK_CODE_RATE_LIMITED, WICK_TEXT("The Runtime takes nothing now; send it again."));
    else if (status != WICK_OK)
        add_error(out, WICK_CODE_SESSION_FORBIDDEN, WICK_TEXT("The session has ended."));
}

/* Check a body: one object, or an array of at most 64 messages. Returns an error code with its sentence. */
static wick_code check_body(const struct http_request *request, int *array, const char **sentence)
{
    wick_json_config config = { .size = sizeof config, .depth = WICK_DEFAULT_JSON_DEPTH + 1,
                                .flags = WICK_JSON_LONE_SURROGATES, .kernels = wick_kernels_best() };
    wick_json_reader reader;
    wick_json_token token;
    size_t count = 0;
    *sentence = "The body is not JSON.";
    if (wick_json_check(&config, request->body, request->body_len, NULL) != WICK_OK)
        return WICK_CODE_INVALID_JSON;
    *sentence = "The body is to be one message or an array of messages.";
    wick_json_reader_init(&reader, &config, request->body, request->body_len);
    wick_json_next(&reader, &token);
    *array = token.type == WICK_JSON_ARRAY;
    if (!*array)
        return token.type == WICK_JSON_OBJECT ? WICK_CODE_NONE : WICK_CODE_INVALID_ENVELOPE;
    while (wick_json_value(&reader, NULL) == WICK_OK)
        count++;
    *sentence = "At most 64 messages at once.";
    return count > EVENTS_POST_MAX ? WICK_CODE_INVALID_PAYLOAD : WICK_CODE_NONE;
}

static void post_array(wick_session session, const struct http_request *request, struct growing *out)
{
    wick_json_config config = { .size = sizeof config, .depth = WICK_DEFAULT_JSON_DEPTH + 1,
                                .flags = WICK_JSON_UTF8_KNOWN | WICK_JSON_LONE_SURROGATES };
    wick_json_reader reader;
    wick_json_token token;
    wick_text message;
    wick_json_reader_init(&reader, &config, request->body, request->body_len);
    wick_json_next(&reader, &token);
    while (wick_json_value(&reader, &message) == WICK_OK)
        post_one(session, &message, out);
}

void events_post(struct peer *peer, const struct http_request *request)
{
    struct growing out = { 0 };
    const char *sentence;
    int array;
    wick_session session;
    wick_code code = enter(request->head, &session);
    if (!code && !session && open_is_asked(request)) {
        open_post(peer, request);
        return;
    }
    session = entered(peer, request->head);
    if (!session)
        return;
    code = check_body(request, &array, &sentence);
    if (code) {
        api_problem_text(peer, code, sentence);
        return;
    }
    growing_print(&out, "{\"accepted\":[");
    if (array) {
        post_array(session, request, &out);
    } else {
        wick_text whole = { (const char *)request->body, (uint32_t)request->body_len, WICK_TEXT_JSON };
        post_one(session, &whole, &out);
    }
    growing_print(&out, "]}\n");
    planes_arm();
    api_answer_grown(peer, 202, &out);
}

/* ---- POST: one question ------------------------------------------------------------------------------------------ */

struct asked {
    wick_code code;
    char sentence[512];
    size_t sentence_len;
    char id[WICK_LIMIT_ID];
    size_t id_len;
    int duplicate;
};

static size_t copy_plain(const wick_text *text, char *out, size_t cap)
{
    wick_str plain;
    wick_text cut = wick_text_cut(text, cap);
    char room[512];
    if (!cut.data || wick_text_plain(&cut, room, sizeof room, &plain) != WICK_OK || plain.len > cap)
        return 0;
    memcpy(out, plain.data, plain.len);
    return plain.len;
}

static void on_asked(void *user, const wick_event *reply)
{
    struct asked *asked = user;
    if (reply->type == WICK_TYPE_ERROR) {
        asked->code = wick_code_find(&reply->as.error.code);
        if (!asked->code)
            asked->code = WICK_CODE_INTERNAL;
        asked->sentence_len = copy_plain(&reply->as.error.message, asked->sentence, sizeof asked->sentence);
        return;
    }
    asked->duplicate = reply->as.accepted.duplicate;
    asked->id_len = copy_plain(&reply->as.accepted.invocation_id, asked->id, sizeof asked->id);
}

/* Only a message for an agent makes sense here. */
static wick_code check_message(const struct http_request *request, struct asked *asked)
{
    wick_event_config config = { .size = sizeof config, .flags = WICK_JSON_LONE_SURROGATES, .by = WICK_BY_CLIENT,
                                 .kernels = wick_kernels_best() };
    wick_event event;
    wick_event_error error;
    wick_status status = wick_event_read(&config, request->body, request->body_len, &event, &error);
    if (status == WICK_OK && event.type == WICK_TYPE_AGENT_MESSAGE)
        return WICK_CODE_NONE;
    wick_text sentence = WICK_TEXT("The body is to be an agent.message; others go to POST /api/events.");
    char room[256];
    if (status < 0)
        sentence = wick_event_error_text(&error, room, sizeof room);
    asked->sentence_len = copy_plain(&sentence, asked->sentence, sizeof asked->sentence);
    return status < 0 ? error.code : WICK_CODE_UNKNOWN_TYPE;
}

static void ask(struct asked *asked, wick_session session, const struct http_request *request)
{
    wick_status status = wick_experience_post(server.experience, session, request->body, request->body_len, on_asked,
                                              asked, server.loop.now_ms);
    if (status == WICK_OK)
        return;
    asked->code = status == WICK_BLOCKED ? WICK_CODE_RATE_LIMITED : WICK_CODE_SESSION_FORBIDDEN;
    asked->sentence_len = (size_t)snprintf(asked->sentence, sizeof asked->sentence, "%s",
                                           status == WICK_BLOCKED ? "The Runtime takes nothing now; send it again."
                                                                  : "The session has ended.");
}

/* Say where the events are to be had. */
static void answer_accepted(struct peer *peer, const wick_session_info *before, const struct asked *asked)
{
    char json[1024], cursor[WICK_CURSOR_MAX];
    wick_cursor from = { before->epoch, before->head_seq };
    wick_text cursor_text = wick_text_of(cursor, wick_cursor_write(&from, cursor));
    wick_text id = wick_text_of(before->id.data, before->id.len), run = wick_text_of(asked->id, asked->id_len);
    wick_text token = wick_text_of(before->resume_token, WICK_TOKEN_SIZE);
    wick_json_writer w;
    size_t len;
    wick_json_writer_init(&w, json, sizeof json, WICK_JSON_REPLACE);
    wick_json_put_object(&w);
    wick_json_put_key(&w, "session_id", 10);
    wick_json_put_text(&w, &id);
    wick_json_put_key(&w, "invocation_id", 13);
    wick_json_put_text(&w, &run);
    wick_json_put_key(&w, "cursor", 6);
    wick_json_put_text(&w, &cursor_text);
    wick_json_put_key(&w, "resume_token", 12);
    wick_json_put_text(&w, &token);
    wick_json_put_object_end(&w);
    if (wick_json_writer_end(&w, &len) == WICK_OK)
        api_answer(peer, 202, json, len);
    else
        api_problem_text(peer, WICK_CODE_INTERNAL, "The answer is too long.");
}

/* The session that the message goes to: the one that is named, else a new one. Returns 0 if it has been refused. */
static wick_session session_for(struct peer *peer, const wick_http_request *head, int *made)
{
    wick_session session;
    wick_code code = enter(head, &session);
    *made = 0;
    if (code) {
        refuse_entry(peer, code);
        return 0;
    }
    if (session)
        return session;
    if (access_check(head) != ACCESS_OK) {
        api_problem_text(peer, WICK_CODE_AUTH_REQUIRED, "A token is needed: Authorization: Bearer.");
        return 0;
    }
    *made = wick_experience_create(server.experience, NULL, &session, server.loop.now_ms) == WICK_OK;
    if (!*made)
        api_problem_text(peer, WICK_CODE_RATE_LIMITED, "There are too many sessions.");
    return *made ? session : 0;
}

void agent_post(struct peer *peer, const struct http_request *request)
{
    struct asked asked = { .code = WICK_CODE_NONE };
    struct view_config config = { .form = view_form_of(request->head) };
    int stream = api_accepts(request->head, "text/event-stream") || config.form == VIEW_NDJSON, made;
    wick_session_info before;
    config.session = session_for(peer, request->head, &made);
    if (!config.session)
        return;
    wick_experience_info(server.experience, config.session, &before);
    asked.code = check_message(request, &asked);
    if (!asked.code)
        ask(&asked, config.session, request);
    planes_arm();
    if (asked.code) {
        if (made)
            wick_experience_end(server.experience, config.session, 1000, "", server.loop.now_ms);
        api_problem(peer, asked.code, (wick_str){ asked.sentence, asked.sentence_len });
    } else if (!stream) {
        answer_accepted(peer, &before, &asked);
    } else {
        if (!asked.duplicate) /* else the run has begun before: all of it that is kept */
            config.after = (wick_cursor){ before.epoch, before.head_seq };
        config.invocation_id = wick_text_of(asked.id, asked.id_len);
        view_begin(peer, request->head, &config);
    }
}
