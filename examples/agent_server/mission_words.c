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

struct mission *mission_response(const void *data, size_t len, struct growing *out)
{
    wick_event event;
    wick_text mission;
    size_t need;
    if (wick_mission_read(&config, data, len, &event, NULL) != WICK_OK ||
        event.type != WICK_TYPE_AGENT_INPUT_RESPONSE || wick_text_is(&event.head.type, "agent.input_response", 20))
        return NULL;
    mission = event.head.mission_id;
    event.head.mission_id.data = NULL;
    wick_event_write(&event, WICK_JSON_TRUSTED, NULL, 0, &need, NULL);
    char *room = growing_room(out, need);
    if (!room || wick_event_write(&event, WICK_JSON_TRUSTED, room, need, &out->len, NULL) != WICK_OK) {
        free(out->data);
        out->data = NULL;
        return NULL;
    }
    return mission.data ? mission_find((wick_str){ mission.data, mission.len }) : NULL;
}

static void on_answered(void *user, const wick_event *reply)
{
    struct answered *answered = user;
    wick_str plain;
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
