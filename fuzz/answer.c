/*
 * The lists of messages in HTTP answers: what is taken for one is valid JSON, each message is a JSON value inside of it,
 * in order and not one upon another.
 *
 * Input: the body.
 */
#include <stdlib.h>
#include <string.h>

#include "wick/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

static void check_message(const wick_text *message)
{
    static const wick_json_config deep = {.size = sizeof deep, .flags = WICK_JSON_LONE_SURROGATES,
                                          .depth = WICK_DEFAULT_JSON_DEPTH + 2};
    wick_event event;
    if (message->form != WICK_TEXT_JSON)
        return; /* a string: without its quotes */
    require(wick_json_check(&deep, message->data, message->len, NULL) == WICK_OK);
    (void)wick_event_read(NULL, message->data, message->len, &event, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    wick_answer answer;
    wick_text message;
    char *body = malloc(size + 1);
    const char *behind = body;
    require(body != NULL);
    memcpy(body, data, size);
    wick_status status = wick_answer_init(&answer, body, size);
    if (status != WICK_OK) {
        require(status < 0 && wick_answer_next(&answer, &message) == WICK_MORE);
        free(body);
        return 0;
    }
    while (wick_answer_next(&answer, &message) == WICK_OK) {
        require(message.data >= behind && message.data + message.len <= body + size);
        behind = message.data + message.len;
        check_message(&message);
    }
    require(wick_answer_next(&answer, &message) == WICK_MORE);
    free(body);
    return 0;
}
