/*
 * http_open.c - session.open by POST: how a client that gets no WebSocket through begins a session or goes on with one.
 *
 * For the Experience it is a connection on which session.open comes, and which is gone when it has been answered. The
 * session then stands as if it had just lost its connection.
 */
#include <stdlib.h>
#include <string.h>

#include "agent_server/http_api.h"

/* The request that is being answered, and what the Experience says to it: the first message. */
static struct peer *opener;
static struct growing said;

int open_is(const struct peer *peer)
{
    return peer == opener;
}

int open_deliver(const wick_outgoing *message)
{
    if (said.len)
        return WICK_BLOCKED; /* what the session has to tell is read by GET */
    for (size_t i = 0; i < message->count; i++)
        growing_add(&said, message->slices[i].data, message->slices[i].len);
    return 0;
}

int open_is_asked(const struct http_request *request)
{
    static const wick_event_config config = { .size = sizeof config, .flags = WICK_JSON_LONE_SURROGATES,
                                              .by = WICK_BY_CLIENT };
    wick_event event;
    wick_event_error error;
    return wick_event_read(&config, request->body, request->body_len, &event, &error) == WICK_OK &&
           event.type == WICK_TYPE_SESSION_OPEN;
}

static void answer_opening(struct peer *peer)
{
    static const wick_event_config config = { .size = sizeof config, .flags = WICK_JSON_UTF8_KNOWN };
    struct growing body = { 0 };
    wick_event event;
    wick_event_error error;
    if (said.failed || wick_event_read(&config, said.data, said.len, &event, &error) < 0) {
        api_problem_text(peer, WICK_CODE_INTERNAL, "There is no memory for the answer.");
        return;
    }
    if (event.type == WICK_TYPE_ERROR) {
        wick_code code = wick_code_find(&event.as.error.code);
        api_problem(peer, code ? code : WICK_CODE_INTERNAL,
                    (wick_str){ event.as.error.message.data, event.as.error.message.len });
        return;
    }
    growing_print(&body, "{\"accepted\":[");
    growing_add(&body, said.data, said.len);
    growing_print(&body, "]}\n");
    api_answer_grown(peer, 202, &body);
}

void open_post(struct peer *peer, const struct http_request *request)
{
    wick_link_config config = { .size = sizeof config, .full = 1 };
    wick_link link;
    enum access access = access_check(request->head);
    if (access == ACCESS_WRONG_TOKEN) {
        api_problem_text(peer, WICK_CODE_AUTH_INVALID, "The token is not valid.");
        return;
    }
    config.need_auth = access == ACCESS_NO_TOKEN;
    if (wick_experience_open(server.experience, peer, &config, &link, server.loop.now_ms) != WICK_OK) {
        api_problem_text(peer, WICK_CODE_RATE_LIMITED, "There are too many connections.");
        return;
    }
    opener = peer;
    wick_experience_receive(server.experience, link, request->body, request->body_len, server.loop.now_ms);
    wick_experience_detach(server.experience, link, server.loop.now_ms);
    opener = NULL;
    planes_arm();
    answer_opening(peer);
    free(said.data);
    said = (struct growing){ 0 };
}
