/*
 * mission_words.c - the mission profile on its way in and out: events become flat objects, a HUMAN_RESPONSE becomes an
 * answer.
 */
#include <stdlib.h>
#include <string.h>

#include "agent_server/http_mission.h"

static const wick_event_config config = { .size = sizeof config,
                                          .flags = WICK_JSON_UTF8_KNOWN | WICK_JSON_LONE_SURROGATES };

char *mission_words(const wick_outgoing *message, size_t *len)
{
    size_t at = 0, cap = message->len * 2 + 1024;
    char *text = malloc(message->len + 1), *out = malloc(cap);
    wick_event event;
    for (size_t i = 0; text && i < message->count; i++) {
        memcpy(text + at, message->slices[i].data, message->slices[i].len);
        at += message->slices[i].len;
    }
    *len = at;
    if (text && out && wick_event_read(&config, text, at, &event, NULL) == WICK_OK &&
        wick_mission_write(&event, WICK_JSON_TRUSTED, out, cap, len) == WICK_OK) {
        free(text);
        return out;
    }
    *len = at;
    free(out);
    return text;
}

void mission_response(const void *data, size_t len, struct response *response)
{
    static const wick_text name = { "HUMAN_RESPONSE", 14, WICK_TEXT_PLAIN };
    struct growing *out = &response->message;
    wick_event event;
    wick_event_error error;
    size_t need;
    memset(response, 0, sizeof *response);
    wick_status status = wick_mission_read(&config, data, len, &event, &error);
    if (!event.head.type.data || !wick_text_is(&event.head.type, name.data, name.len) ||
        (status < 0 && error.code != WICK_CODE_INVALID_PAYLOAD))
        return; /* what is wrong with the envelope is wrong in any vocabulary */
    response->id = event.head.id;
    response->kind = RESPONSE_WRONG;
    if (status != WICK_OK) {
        wick_text sentence = wick_event_error_text(&error, response->wrong.sentence, sizeof response->wrong.sentence);
        response->wrong.code = error.code;
        response->wrong.len = sentence.len;
        return;
    }
    const wick_text *named = &event.head.mission_id;
    response->mission = named->data ? mission_find((wick_str){ named->data, named->len }) : NULL;
    event.head.mission_id.data = NULL;
    if (response->mission)
        event.head.id.data = NULL; /* ids are of one client, a mission hears many */
    wick_event_write(&event, WICK_JSON_TRUSTED, NULL, 0, &need, NULL);
    char *room = growing_room(out, need);
    response->wrong.code = WICK_CODE_INTERNAL;
    if (!room || wick_event_write(&event, WICK_JSON_TRUSTED, room, need, &out->len, NULL) != WICK_OK)
        return;
    response->kind = response->mission ? RESPONSE_MISSION : RESPONSE_OWN;
}

static void on_answered(void *user, const wick_event *reply)
{
    struct answered *answered = user;
    wick_str plain;
    answered->duplicate = reply->type == WICK_TYPE_ACCEPTED && reply->as.accepted.duplicate;
    if (reply->type != WICK_TYPE_ERROR)
        return;
    answered->code = wick_code_find(&reply->as.error.code);
    wick_text message = wick_text_cut(&reply->as.error.message, sizeof answered->sentence - 1);
    if (wick_text_plain(&message, answered->sentence, sizeof answered->sentence - 1, &plain) != WICK_OK)
        return;
    if (plain.data != answered->sentence)
        memcpy(answered->sentence, plain.data, plain.len);
    answered->sentence[plain.len] = 0;
    answered->len = plain.len;
}

wick_status mission_answer(const struct mission *mission, const void *data, size_t len, struct answered *answered)
{
    return wick_experience_post(server.experience, mission->session, data, len, on_answered, answered,
                                server.loop.now_ms);
}
