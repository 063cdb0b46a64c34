/*
 * The writer: commas, colons and the grammar around what put.c writes.
 */
#include "json/put.h"

enum writer_state {
    WRITE_START, /* the outermost value */
    WRITE_FIRST, /* in a container, nothing in it */
    WRITE_MORE,  /* in a container, something in it */
    WRITE_VALUE, /* behind a name */
    WRITE_DONE
};

void wick_json_writer_init(wick_json_writer *writer, void *out, size_t cap, uint32_t flags)
{
    memset(writer, 0, sizeof *writer);
    writer->out = (uint8_t *)out;
    writer->cap = out ? cap : 0;
    writer->flags = flags;
}

static void writer_put(const wick_json_writer *writer, wick_put *put)
{
    size_t used = writer->need < writer->cap ? writer->need : writer->cap;
    memset(put, 0, sizeof *put);
    if (writer->out) {
        put->p = writer->out + used;
        put->end = writer->need > writer->cap ? put->p : writer->out + writer->cap;
    }
    put->flags = writer->flags;
    put->max_depth = WICK_JSON_DEPTH_MAX;
    put->kernels = writer->kernels;
}

/* Take over what has been put since writer_put(). */
static void writer_took(wick_json_writer *writer, const wick_put *put)
{
    size_t used = writer->need < writer->cap ? writer->need : writer->cap;
    writer->need += put->over;
    if (writer->out)
        writer->need += (size_t)(put->p - (writer->out + used));
    if (put->status != WICK_OK)
        writer->status = put->status;
}

static int writer_in_object(const wick_json_writer *writer)
{
    return writer->depth > 0 && (writer->kinds & 1);
}

/* Begin a value: its comma, and whether it may come here. */
static int writer_begin(wick_json_writer *writer, wick_put *put)
{
    if (writer->status != WICK_OK)
        return 0;
    if (writer->state == WRITE_DONE || (writer_in_object(writer) && writer->state != WRITE_VALUE)) {
        writer->status = WICK_E_STATE;
        return 0;
    }
    writer_put(writer, put);
    if (writer->state == WRITE_MORE)
        wick_put_byte(put, ',');
    return 1;
}

static void writer_ended(wick_json_writer *writer, const wick_put *put)
{
    writer_took(writer, put);
    writer->state = writer->depth ? WRITE_MORE : WRITE_DONE;
}

static void writer_open(wick_json_writer *writer, uint8_t bracket)
{
    wick_put put;
    if (!writer_begin(writer, &put))
        return;
    if (writer->depth == WICK_JSON_DEPTH_MAX) {
        writer->status = WICK_E_JSON_DEPTH;
        return;
    }
    wick_put_byte(&put, bracket);
    writer_took(writer, &put);
    writer->depth++;
    writer->kinds = writer->kinds << 1 | (uint64_t)(bracket == '{');
    writer->state = WRITE_FIRST;
}

static void writer_close(wick_json_writer *writer, uint8_t bracket)
{
    wick_put put;
    if (writer->status != WICK_OK)
        return;
    if (writer->depth == 0 || writer->state == WRITE_VALUE || (writer->kinds & 1) != (uint64_t)(bracket == '}')) {
        writer->status = WICK_E_STATE;
        return;
    }
    writer_put(writer, &put);
    wick_put_byte(&put, bracket);
    writer->depth--;
    writer->kinds >>= 1;
    writer_ended(writer, &put);
}

void wick_json_put_object(wick_json_writer *writer)
{
    writer_open(writer, '{');
}

void wick_json_put_object_end(wick_json_writer *writer)
{
    writer_close(writer, '}');
}

void wick_json_put_array(wick_json_writer *writer)
{
    writer_open(writer, '[');
}

void wick_json_put_array_end(wick_json_writer *writer)
{
    writer_close(writer, ']');
}

void wick_json_put_key_text(wick_json_writer *writer, const wick_text *name)
{
    wick_put put;
    if (writer->status != WICK_OK)
        return;
    if (!writer_in_object(writer) || writer->state == WRITE_VALUE || !name->data || name->form == WICK_TEXT_JSON) {
        writer->status = WICK_E_STATE;
        return;
    }
    writer_put(writer, &put);
    if (writer->state == WRITE_MORE)
        wick_put_byte(&put, ',');
    wick_put_text(&put, name, writer->depth);
    wick_put_byte(&put, ':');
    writer_took(writer, &put);
    writer->state = WRITE_VALUE;
}

void wick_json_put_key(wick_json_writer *writer, const char *name, size_t len)
{
    wick_text text = wick_text_of(len ? name : "", len);
    wick_json_put_key_text(writer, &text);
}

void wick_json_put_string(wick_json_writer *writer, const char *text, size_t len)
{
    wick_put put;
    if (!writer_begin(writer, &put))
        return;
    wick_put_string(&put, (const uint8_t *)text, len);
    writer_ended(writer, &put);
}

void wick_json_put_text(wick_json_writer *writer, const wick_text *text)
{
    wick_put put;
    if (!writer_begin(writer, &put))
        return;
    wick_put_text(&put, text, writer->depth);
    writer_ended(writer, &put);
}

void wick_json_put_int64(wick_json_writer *writer, int64_t value)
{
    wick_put put;
    if (!writer_begin(writer, &put))
        return;
    wick_put_int64(&put, value);
    writer_ended(writer, &put);
}

void wick_json_put_uint64(wick_json_writer *writer, uint64_t value)
{
    wick_put put;
    if (!writer_begin(writer, &put))
        return;
    wick_put_uint64(&put, value);
    writer_ended(writer, &put);
}

static void writer_word(wick_json_writer *writer, const char *word, size_t len)
{
    wick_put put;
    if (!writer_begin(writer, &put))
        return;
    wick_put_bytes(&put, word, len);
    writer_ended(writer, &put);
}

void wick_json_put_bool(wick_json_writer *writer, int value)
{
    writer_word(writer, value ? "true" : "false", value ? 4 : 5);
}

void wick_json_put_null(wick_json_writer *writer)
{
    writer_word(writer, "null", 4);
}

wick_status wick_json_writer_end(wick_json_writer *writer, size_t *len)
{
    *len = 0;
    if (writer->status == WICK_OK && writer->state != WRITE_DONE)
        writer->status = WICK_E_STATE;
    if (writer->status != WICK_OK)
        return writer->status;
    *len = writer->need;
    return writer->need > writer->cap ? WICK_E_SPACE : WICK_OK;
}
