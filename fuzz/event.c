/*
 * Typed messages: a message is an error of the JSON text exactly if the slow validator of tests/oracle says so; what is
 * read can be written, and reads and writes the same again; a wrong message has a code and a path.
 *
 * Input: a byte of flags (1 lone surrogates are fine, 2 the best kernels, 4 a bare invocation is fine, 8 from an agent,
 * 16 and 32 only a client's or the Runtime's messages), then the message.
 */
#include "oracle/json.h"
#include "wick/event.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

static wick_event_config config_of(uint8_t flags)
{
    wick_event_config config = {sizeof config, 0, 0, 0, NULL};
    config.flags = (flags & 1 ? WICK_JSON_LONE_SURROGATES : 0) | (flags & 4 ? WICK_EVENT_BARE_INVOCATION : 0) |
                   (flags & 8 ? WICK_EVENT_FROM_AGENT : 0);
    config.by = (flags & 16 ? WICK_BY_CLIENT : 0) | (flags & 32 ? WICK_BY_RUNTIME : 0);
    config.kernels = flags & 2 ? wick_kernels_best() : NULL;
    return config;
}

static uint8_t *write_event(const wick_event *event, uint32_t flags, size_t *len, wick_status *status)
{
    size_t need;
    uint8_t *out;
    *len = 0;
    *status = wick_event_write(event, flags, NULL, 0, &need, NULL);
    if (*status != WICK_E_SPACE)
        return NULL;
    out = (uint8_t *)malloc(need);
    require(out != NULL);
    *status = wick_event_write(event, flags, out, need, len, NULL);
    require(*status == WICK_OK && *len == need);
    /* With room to spare, and so by the predicted path, it is the same. */
    uint8_t *roomy = (uint8_t *)malloc(need + 200);
    require(roomy && wick_event_write(event, flags, roomy, need + 200, len, NULL) == WICK_OK && *len == need);
    require(memcmp(out, roomy, need) == 0);
    free(roomy);
    return out;
}

static void check_error(const wick_event_error *error, wick_status status, size_t size)
{
    char sentence[160];
    wick_text text = wick_event_error_text(error, sentence, sizeof sentence);
    require(error->status == (status < 0 ? status : WICK_OK) && error->offset <= size);
    require(status == WICK_OK || text.len > 0 || error->code == WICK_CODE_NONE);
    require(strlen(sentence) == text.len && strlen(error->path) < sizeof error->path);
    require(status >= 0 || error->code != WICK_CODE_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    wick_event_config config;
    wick_event event, again;
    wick_event_error error;
    size_t at, len, len2;
    if (size == 0)
        return 0;
    config = config_of(data[0]);
    data++;
    size--;
    wick_status json = oracle_json(data, size, WICK_DEFAULT_JSON_DEPTH, (config.flags & WICK_JSON_LONE_SURROGATES) != 0, &at);
    wick_status status = wick_event_read(&config, data, size, &event, &error);
    require((error.code == WICK_CODE_INVALID_JSON) == (json != WICK_OK));
    require(json == WICK_OK || (status == json && error.offset == at));
    check_error(&error, status, size);
    if (status < 0)
        return 0;
    wick_order order;
    memset(&order, 0, sizeof order);
    if (status == WICK_OK)
        wick_order_check(&order, &event);
    uint8_t *first = write_event(&event, 0, &len, &status);
    if (!first) {
        require(config.flags & WICK_EVENT_FROM_AGENT && status == WICK_E_PAYLOAD);
        return 0;
    }
    config.flags &= ~WICK_EVENT_BARE_INVOCATION;
    config.flags |= WICK_JSON_LONE_SURROGATES;
    require(wick_event_read(&config, first, len, &again, NULL) >= 0);
    uint8_t *second = write_event(&again, WICK_JSON_TRUSTED, &len2, &status);
    require(second && len == len2 && memcmp(first, second, len) == 0);
    free(first);
    free(second);
    return 0;
}
