/*
 * The input of an invocation, from what the user sent: the boundary where the user's identity stays behind.
 */
#include "agent/event_fields.h"

wick_status wick_input_write(const wick_text *text, const wick_text *context, uint32_t flags, void *out, size_t cap,
                             size_t *len)
{
    static const wick_json_config config = {sizeof config, WICK_JSON_LONE_SURROGATES, WICK_DEFAULT_JSON_DEPTH, NULL};
    wick_json_writer writer;
    wick_json_reader reader;
    wick_json_token token;
    wick_text value;
    wick_json_writer_init(&writer, out, cap, flags);
    wick_json_put_object(&writer);
    if (text->data) {
        wick_json_put_key(&writer, "text", 4);
        wick_json_put_text(&writer, text);
    }
    *len = 0;
    if (context->data) {
        wick_json_reader_init(&reader, &config, context->data, context->len);
        if (wick_json_next(&reader, &token) == WICK_OK && token.type != WICK_JSON_OBJECT)
            return WICK_E_JSON_TYPE;
        while (wick_json_next(&reader, &token) == WICK_OK && token.type == WICK_JSON_KEY) {
            int left_out = wick_identity_field(&token.text) || (text->data && wick_text_is(&token.text, "text", 4));
            if (wick_json_value(&reader, &value) != WICK_OK)
                break;
            if (left_out)
                continue;
            wick_json_put_key_text(&writer, &token.text);
            wick_json_put_text(&writer, &value);
        }
        if (wick_json_next(&reader, &token) != WICK_OK)
            return reader.status;
    }
    wick_json_put_object_end(&writer);
    return wick_json_writer_end(&writer, len);
}
