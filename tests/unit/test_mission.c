/*
 * The mission profile: every row of its table from the vectors, at every capacity, and the answers that come in it.
 */
#include "lib/test.h"
#include "wick/mission.h"

#include <stdlib.h>

/* The next line that starts with `key`, without it, NUL-terminated; NULL at the end of the text. */
static char *next_line(char **at, const char *key)
{
    size_t len = strlen(key);
    while (**at) {
        char *line = *at, *end = strchr(line, '\n');
        *at = end ? end + 1 : line + strlen(line);
        if (end)
            *end = 0;
        if (strncmp(line, key, len) == 0)
            return line + len;
    }
    return NULL;
}

static void check_vector(const char *name, const char *in, const char *want)
{
    char out[1024];
    wick_event event;
    wick_event_error error;
    size_t len, want_len = strlen(want), again;
    wick_status status = wick_event_read(NULL, in, strlen(in), &event, &error);
    if (status != WICK_OK && event.type != WICK_TYPE_APPLICATION)
        test_fail(__FILE__, __LINE__, "%s: the event is wrong: %s %s", name, error.path, error.what);
    status = wick_mission_write(&event, 0, out, sizeof out, &len);
    if (strcmp(want, "-") == 0) {
        if (status != WICK_UNKNOWN_TYPE || len != 0)
            test_fail(__FILE__, __LINE__, "%s: %s", name, wick_status_name(status));
        return;
    }
    if (status != WICK_OK || len != want_len || memcmp(out, want, len) != 0)
        test_fail(__FILE__, __LINE__, "%s: %s %.*s", name, wick_status_name(status), (int)len, out);
    for (size_t cap = 0; cap <= want_len; cap++) {
        uint8_t *room = test_guard_back(NULL, cap);
        status = wick_mission_write(&event, WICK_JSON_TRUSTED, room, cap, &again);
        if (status != (cap < want_len ? WICK_E_SPACE : WICK_OK) || again != want_len)
            test_fail(__FILE__, __LINE__, "%s in %zu bytes: %s", name, cap, wick_status_name(status));
        test_unguard(room, cap);
    }
}

static void vectors(void)
{
    size_t len, count = 0;
    char *text = test_read_file("tests/vectors/mission/events.txt", &len), *at = text, *name;
    CHECK(text != NULL);
    if (!text)
        return;
    for (name = next_line(&at, "name "); name; name = next_line(&at, "name ")) {
        char *in = next_line(&at, "in "), *want = next_line(&at, "out ");
        CHECK(in && want);
        if (in && want)
            check_vector(name, in, want);
        count++;
    }
    CHECK(count >= 20);
    free(text);
}

/* What an agent can say has a name here: nothing of a run is lost on the way. */
static void every_event_of_a_run_has_a_name(void)
{
#define CHECK_NAME(NAME, type, fields, by, flags, doc)                                                                 \
    if ((by) == WICK_BY_RUNTIME && strncmp(type, "agent.", 6) == 0)                                                    \
        CHECK(*wick_mission_name(WICK_TYPE_##NAME) != 0);
    WICK_MESSAGE_MAP(CHECK_NAME)
#undef CHECK_NAME
    CHECK(*wick_mission_name(WICK_TYPE_UNKNOWN) == 0 && *wick_mission_name(WICK_TYPE_COUNT) == 0);
}

static wick_status read_text(const char *text, wick_event *event, wick_event_error *error)
{
    return wick_mission_read(NULL, text, strlen(text), event, error);
}

static void answers(void)
{
    wick_event event;
    wick_event_error error;
    CHECK_STATUS(read_text("{\"type\":\"HUMAN_RESPONSE\",\"id\":\"c1\",\"requestId\":\"req_1\",\"content\":{\"a\":1}}",
                           &event, &error),
                 WICK_OK);
    CHECK_INT(event.type, WICK_TYPE_AGENT_INPUT_RESPONSE);
    CHECK(wick_text_is(&event.head.id, "c1", 2));
    CHECK(wick_text_is(&event.as.input_response.request_id, "req_1", 5));
    CHECK(event.as.input_response.content.form == WICK_TEXT_JSON && event.as.input_response.content.len == 7);
    CHECK_STATUS(read_text("{\"content\":\"yes\",\"request_id\":\"r\",\"type\":\"HUMAN_RESPONSE\",\"mission_id\":4}",
                           &event, &error),
                 WICK_OK);
    CHECK(wick_text_is(&event.as.input_response.content, "yes", 3));
    CHECK(wick_text_is(&event.head.mission_id, "4", 1));
}

static void faulty_answers(void)
{
    wick_event event;
    wick_event_error error;
    CHECK_STATUS(read_text("{\"type\":\"HUMAN_RESPONSE\",\"request_id\":\"r\"}", &event, &error), WICK_E_PAYLOAD);
    CHECK(strcmp(error.path, "content") == 0);
    CHECK_STATUS(read_text("{\"type\":\"HUMAN_RESPONSE\",\"request_id\":7,\"content\":1}", &event, &error),
                 WICK_E_PAYLOAD);
    CHECK(strcmp(error.path, "request_id") == 0);
    CHECK_STATUS(read_text("{\"type\":\"HUMAN_RESPONSES\"}", &event, &error), WICK_UNKNOWN_TYPE);
    CHECK_STATUS(read_text("{\"type\":\"ping\"}", &event, &error), WICK_OK);
    CHECK_INT(event.type, WICK_TYPE_PING);
    CHECK(read_text("{\"type\":\"HUMAN_RESPONSE\"", &event, &error) < 0);
    CHECK_INT(error.code, WICK_CODE_INVALID_JSON);
}

int main(void)
{
    RUN(vectors);
    RUN(every_event_of_a_run_has_a_name);
    RUN(answers);
    RUN(faulty_answers);
    return test_end();
}
