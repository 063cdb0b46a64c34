/*
 * JSON: the reader and the slow validator of tests/oracle agree on status and offset, however the text is read; and what
 * is read token by token and written again reads as the same tokens.
 *
 * Input: a byte of flags (1 lone surrogates are fine, 2 the best kernels, 4 a depth of 4), then the text.
 */
#include "oracle/json.h"
#include "wick/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

/* Copy one token to the writer. Returns 0 at the end. */
static int copy_token(const wick_json_token *t, wick_json_writer *w)
{
    switch (t->type) {
    case WICK_JSON_END:
        return 0;
    case WICK_JSON_OBJECT:
        wick_json_put_object(w);
        break;
    case WICK_JSON_OBJECT_END:
        wick_json_put_object_end(w);
        break;
    case WICK_JSON_ARRAY:
        wick_json_put_array(w);
        break;
    case WICK_JSON_ARRAY_END:
        wick_json_put_array_end(w);
        break;
    case WICK_JSON_KEY:
        wick_json_put_key_text(w, &t->text);
        break;
    default:
        wick_json_put_text(w, &t->text);
        break;
    }
    return 1;
}

/* Read all tokens; with a writer, copy them. */
static wick_status pull(const wick_json_config *config, const uint8_t *data, size_t size, size_t *at, wick_json_writer *w)
{
    wick_json_reader r;
    wick_json_token t;
    require(wick_json_reader_init(&r, config, data, size) == WICK_OK);
    while (wick_json_next(&r, &t) == WICK_OK) {
        require(t.offset <= size);
        if (w ? !copy_token(&t, w) : t.type == WICK_JSON_END)
            break;
    }
    *at = r.status == WICK_OK ? size : r.offset;
    return r.status;
}

static void same_tokens(const wick_json_config *config, const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    wick_json_reader r, s;
    wick_json_token t, u;
    wick_json_reader_init(&r, config, a, a_len);
    wick_json_reader_init(&s, config, b, b_len);
    do {
        require(wick_json_next(&r, &t) == WICK_OK && wick_json_next(&s, &u) == WICK_OK);
        require(t.type == u.type && (t.type == WICK_JSON_END || wick_text_equal(&t.text, &u.text)));
    } while (t.type != WICK_JSON_END);
}

static void in_place(uint8_t *json, size_t len, const wick_json_config *config)
{
    wick_json_reader r;
    wick_json_token t;
    wick_str plain;
    wick_json_reader_init(&r, config, json, len);
    while (wick_json_next(&r, &t) == WICK_OK && t.type != WICK_JSON_END)
        if (t.type == WICK_JSON_STRING) {
            size_t want = wick_text_plain_len(&t.text);
            char *own = (char *)json + (t.text.data - (const char *)json);
            require(wick_text_plain(&t.text, own, t.text.len, &plain) == WICK_OK && plain.len == want);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    wick_json_config config = {sizeof config, 0, 0, NULL};
    wick_json_writer w;
    size_t want_at, at, len;
    if (size == 0)
        return 0;
    config.flags = data[0] & 1 ? WICK_JSON_LONE_SURROGATES : 0;
    config.kernels = data[0] & 2 ? wick_kernels_best() : NULL;
    config.depth = data[0] & 4 ? 4 : 0;
    data++;
    size--;
    wick_status want = oracle_json(data, size, config.depth ? 4 : WICK_DEFAULT_JSON_DEPTH, config.flags != 0, &want_at);
    require(wick_json_check(&config, data, size, &at) == want && at == want_at);
    require(pull(&config, data, size, &at, NULL) == want && at == want_at);
    if (want != WICK_OK)
        return 0;
    wick_json_writer_init(&w, NULL, 0, 0);
    pull(&config, data, size, &at, &w);
    require(wick_json_writer_end(&w, &len) == WICK_E_SPACE);
    uint8_t *out = (uint8_t *)malloc(len);
    require(out != NULL);
    wick_json_writer_init(&w, out, len, size & 1 ? WICK_JSON_TRUSTED : 0);
    pull(&config, data, size, &at, &w);
    require(wick_json_writer_end(&w, &at) == WICK_OK && at == len);
    same_tokens(&config, data, size, out, len);
    in_place(out, len, &config);
    free(out);
    return 0;
}
