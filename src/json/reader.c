/*
 * The pull reader (RFC 8259): what wick_json_next() may find next is one small state, `expect`; what encloses it is a
 * bit per container.
 */
#include "json/scan.h"

enum expect {
    EXPECT_VALUE,       /* the outermost value, or the one behind a name */
    EXPECT_FIRST_NAME,  /* behind `{` */
    EXPECT_FIRST_VALUE, /* behind `[` */
    EXPECT_MORE,        /* behind a value in a container */
    EXPECT_END,         /* behind the outermost value */
    EXPECT_NOTHING      /* all is read */
};

wick_status wick_json_reader_init(wick_json_reader *reader, const wick_json_config *config, const void *data,
                                  size_t len)
{
    wick_jscan scan;
    wick_status status = wick_jscan_init(&scan, config, data, len);
    memset(reader, 0, sizeof *reader);
    if (status == WICK_E_CONFIG || status == WICK_E_ARG) {
        reader->status = status;
        return status;
    }
    reader->data = scan.begin;
    reader->len = len;
    reader->max_depth = scan.max_depth;
    reader->flags = scan.flags;
    reader->kernels = scan.kernels;
    reader->status = status; /* a byte order mark is reported by the first read */
    return WICK_OK;
}

static void reader_scan(const wick_json_reader *reader, wick_jscan *scan)
{
    scan->begin = reader->data;
    scan->end = reader->data + reader->len;
    scan->flags = reader->flags;
    scan->max_depth = reader->max_depth;
    scan->kernels = reader->kernels;
    scan->status = WICK_OK;
    scan->at = NULL;
}

/* Take over where a scan has come to, or its error. */
static wick_status reader_took(wick_json_reader *reader, const wick_jscan *scan, const uint8_t *p)
{
    if (p) {
        reader->pos = (size_t)(p - reader->data);
        return WICK_OK;
    }
    reader->status = scan->status;
    reader->offset = (size_t)(scan->at - reader->data);
    return reader->status;
}

/* Behind a value: what may come. */
static void reader_after(wick_json_reader *reader)
{
    reader->expect = reader->depth ? EXPECT_MORE : EXPECT_END;
}

static const uint8_t *reader_close(wick_json_reader *reader, const uint8_t *p, wick_json_token *token)
{
    token->type = *p == '}' ? WICK_JSON_OBJECT_END : WICK_JSON_ARRAY_END;
    token->text = wick_jscan_slice(p, p + 1, WICK_TEXT_JSON);
    reader->kinds >>= 1;
    reader->depth--;
    reader_after(reader);
    return p + 1;
}

static const uint8_t *reader_name(wick_json_reader *reader, wick_jscan *scan, const uint8_t *p, wick_json_token *token)
{
    wick_jscan_text text;
    if (p == scan->end || *p != '"')
        return wick_jscan_unexpected(scan, p);
    token->offset = (size_t)(p - scan->begin);
    p = wick_jscan_string(scan, p + 1, &text);
    if (!p)
        return NULL;
    p = wick_jscan_space(p, scan->end);
    if (p == scan->end || *p != ':')
        return wick_jscan_unexpected(scan, p);
    token->type = WICK_JSON_KEY;
    token->text = text.text;
    reader->expect = EXPECT_VALUE;
    return p + 1;
}

static const uint8_t *reader_open(wick_json_reader *reader, wick_jscan *scan, const uint8_t *p, wick_json_token *token)
{
    int object = *p == '{';
    if (reader->depth >= reader->max_depth)
        return wick_jscan_fail(scan, WICK_E_JSON_DEPTH, p);
    reader->depth++;
    reader->kinds = reader->kinds << 1 | (uint64_t)object;
    reader->expect = object ? EXPECT_FIRST_NAME : EXPECT_FIRST_VALUE;
    token->type = object ? WICK_JSON_OBJECT : WICK_JSON_ARRAY;
    token->text = wick_jscan_slice(p, p + 1, WICK_TEXT_JSON);
    return p + 1;
}

static wick_json_type scalar_type(uint8_t first)
{
    switch (first) {
    case '"':
        return WICK_JSON_STRING;
    case 't':
        return WICK_JSON_TRUE;
    case 'f':
        return WICK_JSON_FALSE;
    case 'n':
        return WICK_JSON_NULL;
    default:
        return WICK_JSON_NUMBER;
    }
}

static const uint8_t *reader_value(wick_json_reader *reader, wick_jscan *scan, const uint8_t *p, wick_json_token *token)
{
    const uint8_t *from = p;
    if (p == scan->end)
        return wick_jscan_unexpected(scan, p);
    if ((*p | 0x20) == '{')
        return reader_open(reader, scan, p, token);
    p = wick_jscan_value(scan, p, reader->depth, &token->text);
    if (!p)
        return NULL;
    token->type = scalar_type(*from);
    reader_after(reader);
    return p;
}

/* Behind a value in a container, at its comma or its end. */
static const uint8_t *reader_more(wick_json_reader *reader, wick_jscan *scan, const uint8_t *p, wick_json_token *token)
{
    int object = (int)(reader->kinds & 1);
    if (p == scan->end)
        return wick_jscan_unexpected(scan, p);
    if (*p == (object ? '}' : ']'))
        return reader_close(reader, p, token);
    if (*p != ',')
        return wick_jscan_unexpected(scan, p);
    p = wick_jscan_space(p + 1, scan->end);
    token->offset = (size_t)(p - scan->begin);
    return object ? reader_name(reader, scan, p, token) : reader_value(reader, scan, p, token);
}

static const uint8_t *reader_end(wick_json_reader *reader, wick_jscan *scan, const uint8_t *p, wick_json_token *token)
{
    if (p != scan->end)
        return wick_jscan_fail(scan, WICK_E_JSON_TRAILING, p);
    token->type = WICK_JSON_END;
    token->text = wick_jscan_slice(p, p, WICK_TEXT_JSON);
    reader->expect = EXPECT_NOTHING;
    return p;
}

wick_status wick_json_next(wick_json_reader *reader, wick_json_token *token)
{
    wick_jscan scan;
    const uint8_t *p;
    if (reader->status != WICK_OK)
        return reader->status;
    reader_scan(reader, &scan);
    p = wick_jscan_space(reader->data + reader->pos, scan.end);
    token->offset = (size_t)(p - reader->data);
    switch (reader->expect) {
    case EXPECT_FIRST_NAME:
        p = p < scan.end && *p == '}' ? reader_close(reader, p, token) : reader_name(reader, &scan, p, token);
        break;
    case EXPECT_FIRST_VALUE:
        p = p < scan.end && *p == ']' ? reader_close(reader, p, token) : reader_value(reader, &scan, p, token);
        break;
    case EXPECT_MORE:
        p = reader_more(reader, &scan, p, token);
        break;
    case EXPECT_VALUE:
        p = reader_value(reader, &scan, p, token);
        break;
    default:
        p = reader_end(reader, &scan, p, token);
        break;
    }
    return reader_took(reader, &scan, p);
}

wick_status wick_json_value(wick_json_reader *reader, wick_text *value)
{
    wick_jscan scan;
    const uint8_t *p;
    if (reader->status != WICK_OK)
        return reader->status;
    reader_scan(reader, &scan);
    p = wick_jscan_space(reader->data + reader->pos, scan.end);
    switch (reader->expect) {
    case EXPECT_VALUE:
        break;
    case EXPECT_FIRST_VALUE:
        if (p < scan.end && *p == ']')
            return WICK_E_STATE;
        break;
    case EXPECT_MORE:
        if ((reader->kinds & 1) || (p < scan.end && *p == ']'))
            return WICK_E_STATE;
        if (p == scan.end || *p != ',')
            return reader_took(reader, &scan, wick_jscan_unexpected(&scan, p));
        p = wick_jscan_space(p + 1, scan.end);
        break;
    default:
        return WICK_E_STATE;
    }
    p = wick_jscan_value(&scan, p, reader->depth, value);
    if (p)
        reader_after(reader);
    return reader_took(reader, &scan, p);
}

wick_status wick_json_leave(wick_json_reader *reader)
{
    wick_json_token token;
    uint32_t outside;
    if (reader->status != WICK_OK)
        return reader->status;
    if (reader->depth == 0)
        return WICK_E_STATE;
    outside = reader->depth - 1;
    while (reader->depth > outside)
        if (wick_json_value(reader, NULL) == WICK_E_STATE)
            wick_json_next(reader, &token);
        else if (reader->status != WICK_OK)
            break;
    return reader->status;
}

wick_status wick_json_check(const wick_json_config *config, const void *data, size_t len, size_t *offset)
{
    wick_jscan scan;
    const uint8_t *p;
    size_t unused;
    wick_status status = wick_jscan_init(&scan, config, data, len);
    if (!offset)
        offset = &unused;
    *offset = 0;
    if (status != WICK_OK)
        return status;
    p = wick_jscan_value(&scan, wick_jscan_space(scan.begin, scan.end), 0, NULL);
    if (p) {
        p = wick_jscan_space(p, scan.end);
        if (p != scan.end)
            wick_jscan_fail(&scan, WICK_E_JSON_TRAILING, p);
    }
    *offset = scan.status == WICK_OK ? len : (size_t)(scan.at - scan.begin);
    return scan.status;
}

wick_status wick_json_member(const wick_text *object, const char *name, size_t len, wick_text *value)
{
    static const wick_json_config trusting = {sizeof trusting, WICK_JSON_UTF8_KNOWN | WICK_JSON_LONE_SURROGATES,
                                              WICK_JSON_DEPTH_MAX, NULL};
    wick_json_reader reader;
    wick_json_token token;
    memset(value, 0, sizeof *value);
    if (!object->data || object->form != WICK_TEXT_JSON || object->len == 0 || *object->data != '{')
        return WICK_E_JSON_TYPE;
    wick_json_reader_init(&reader, &trusting, object->data, object->len);
    wick_json_next(&reader, &token);
    while (wick_json_next(&reader, &token) == WICK_OK && token.type == WICK_JSON_KEY) {
        int found = wick_text_is(&token.text, name, len);
        if (wick_json_value(&reader, found ? value : NULL) != WICK_OK || found)
            break;
    }
    return reader.status;
}
