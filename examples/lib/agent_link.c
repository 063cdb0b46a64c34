/*
 * agent_link.c - messages of the link between Experience and Runtime: see agent_link.h.
 */
#include "lib/agent_link.h"

#include <stdlib.h>
#include <string.h>

#define FLAGS (WICK_JSON_REPLACE | WICK_JSON_TRUSTED)

/* The message in hand. One loop, one thread: it is sent or copied before the next one is written. */
static char *buffer;
static size_t buffer_cap;

wick_status agent_link_write(const wick_event *event, wick_slice *message)
{
    size_t len = 0;
    wick_status status = wick_event_write(event, FLAGS, buffer, buffer_cap, &len, NULL);
    if (status == WICK_E_SPACE) {
        char *larger = len <= AGENT_LINK_MESSAGE_MAX ? realloc(buffer, len + len / 2) : NULL;
        if (!larger)
            return len <= AGENT_LINK_MESSAGE_MAX ? WICK_E_MEMORY : WICK_E_SPACE;
        buffer = larger;
        buffer_cap = len + len / 2;
        status = wick_event_write(event, FLAGS, buffer, buffer_cap, &len, NULL);
    }
    message->data = (const uint8_t *)buffer;
    message->len = len;
    return status == WICK_OK && len > AGENT_LINK_MESSAGE_MAX ? WICK_E_SPACE : status;
}

wick_status agent_link_send(struct peer *peer, const wick_event *event)
{
    wick_slice message;
    wick_status status = agent_link_write(event, &message);
    return status == WICK_OK ? wick_conn_send(&peer->as.ws, WICK_TEXT, message.data, message.len) : status;
}

wick_status agent_link_read(const uint8_t *data, size_t len, uint32_t by, wick_event *event, wick_event_error *error)
{
    wick_event_config config = { .size = sizeof config };
    config.flags = WICK_JSON_UTF8_KNOWN | WICK_JSON_LONE_SURROGATES;
    if (by & WICK_BY_EXPERIENCE)
        config.flags |= WICK_EVENT_BARE_INVOCATION;
    config.by = by;
    return wick_event_read(&config, data, len, event, error);
}

wick_text agent_link_text(const char *text)
{
    return wick_text_of(text, strlen(text));
}

void agent_link_failed(wick_event *event, wick_code code, const char *message)
{
    memset(event, 0, sizeof *event);
    event->type = WICK_TYPE_AGENT_FAILED;
    event->as.agent_failed.error.code = agent_link_text(wick_code_name(code));
    event->as.agent_failed.error.message = agent_link_text(message);
    event->as.agent_failed.error.retryable = (uint8_t)wick_code_retryable(code);
}
