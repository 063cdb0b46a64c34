/*
 * The default limits: what is exactly at a limit passes, one more is refused with the limit's own status. Reads the
 * WICK_DEFAULT_ macros, so that it says the same of a build in which they are tiny.
 */
#include "lib/test.h"
#include "wick.h"

#include <stdlib.h>

#define CHUNK 65536

typedef struct host {
    uint64_t bytes;
    unsigned messages, pings;
    unsigned close_code;
} host;

static uint8_t chunk[CHUNK];

static int on_output(wick_conn *conn, void *user, const wick_slice *slices, size_t count)
{
    host *h = user;
    (void)conn;
    if (count > 0 && slices[0].len > 0 && slices[0].data[0] == 0x89)
        h->pings++;
    /* A close frame may come in one slice or two: header, then code and reason. */
    if (slices[0].data[0] == 0x88) {
        const uint8_t *code = slices[0].len >= 4 ? slices[0].data + 2 : slices[1].data;
        h->close_code = (unsigned)code[0] << 8 | code[1];
    }
    return 0;
}

static uint8_t *on_memory(wick_conn *conn, void *user, uint8_t *block, size_t need, size_t *cap)
{
    (void)conn, (void)user;
    *cap = need;
    if (need == 0) {
        free(block);
        return NULL;
    }
    return realloc(block, need);
}

static int on_slice(wick_conn *conn, void *user, const wick_piece *piece)
{
    host *h = user;
    (void)conn;
    h->bytes += piece->len;
    h->messages += piece->last;
    return 0;
}

static const wick_conn_callbacks callbacks = {.on_output = on_output, .on_memory = on_memory, .on_slice = on_slice};
static const wick_conn_config defaults = {.size = sizeof defaults, .callbacks = &callbacks};

/* Feed the header of a masked binary frame; the key is 0. */
static wick_status feed_header(wick_conn *conn, unsigned opcode, int fin, uint64_t len)
{
    uint8_t header[WICK_FRAME_HEADER_MAX];
    wick_frame frame = {.len = len, .opcode = (uint8_t)opcode, .fin = (uint8_t)fin, .masked = 1};
    size_t used;
    return wick_conn_recv(conn, header, wick_frame_encode(&frame, header), &used, 0);
}

static wick_status feed_frame(wick_conn *conn, unsigned opcode, int fin, uint64_t len)
{
    wick_status status = feed_header(conn, opcode, fin, len);
    while (len > 0 && status == WICK_OK) {
        size_t used, n = len < CHUNK ? (size_t)len : CHUNK;
        status = wick_conn_recv(conn, chunk, n, &used, 0);
        len -= n;
    }
    return status;
}

static void a_frame_has_at_most_max_frame_bytes(void)
{
    host h = {0};
    wick_conn conn;
    CHECK_STATUS(wick_conn_init(&conn, &defaults, &h, 0), WICK_OK);
    CHECK_STATUS(feed_frame(&conn, WICK_BINARY, 1, WICK_DEFAULT_MAX_FRAME), WICK_OK);
    CHECK_INT(h.bytes, WICK_DEFAULT_MAX_FRAME);
    CHECK_INT(h.messages, 1);
    CHECK_STATUS(feed_header(&conn, WICK_BINARY, 1, (uint64_t)WICK_DEFAULT_MAX_FRAME + 1), WICK_E_FRAME_TOO_BIG);
    CHECK_INT(h.close_code, 1009);
    wick_conn_end(&conn);
}

static void a_message_has_at_most_max_message_bytes(void)
{
    for (unsigned more = 0; more < 2; more++) {
        host h = {0};
        wick_conn conn;
        uint64_t left = WICK_DEFAULT_MAX_MESSAGE, part = (left + 1) / 2;
        wick_status status;
        if (part > WICK_DEFAULT_MAX_FRAME)
            part = WICK_DEFAULT_MAX_FRAME;
        CHECK_STATUS(wick_conn_init(&conn, &defaults, &h, 0), WICK_OK);
        CHECK_STATUS(feed_frame(&conn, WICK_BINARY, 0, part), WICK_OK);
        for (left -= part; left > part; left -= part)
            CHECK_STATUS(feed_frame(&conn, WICK_CONTINUATION, 0, part), WICK_OK);
        status = feed_frame(&conn, WICK_CONTINUATION, !more, left);
        CHECK_STATUS(status, WICK_OK);
        CHECK_INT(h.bytes, WICK_DEFAULT_MAX_MESSAGE);
        if (more) {
            CHECK_STATUS(feed_header(&conn, WICK_CONTINUATION, 1, 1), WICK_E_MESSAGE_TOO_BIG);
            CHECK_INT(h.close_code, 1009);
        }
        CHECK_INT(h.messages, !more);
        wick_conn_end(&conn);
    }
}

static void a_message_has_at_most_max_fragments_frames(void)
{
    for (unsigned more = 0; more < 2; more++) {
        host h = {0};
        wick_conn conn;
        CHECK_STATUS(wick_conn_init(&conn, &defaults, &h, 0), WICK_OK);
        CHECK_STATUS(feed_frame(&conn, WICK_BINARY, 0, 0), WICK_OK);
        for (uint32_t i = 2; i < WICK_DEFAULT_MAX_FRAGMENTS; i++)
            CHECK_STATUS(feed_frame(&conn, WICK_CONTINUATION, 0, 0), WICK_OK);
        CHECK_STATUS(feed_frame(&conn, WICK_CONTINUATION, !more, 0), WICK_OK);
        if (more) {
            CHECK_STATUS(feed_frame(&conn, WICK_CONTINUATION, 1, 0), WICK_E_TOO_MANY_FRAGMENTS);
            CHECK_INT(h.close_code, 1008);
        }
        CHECK_INT(h.messages, !more);
        wick_conn_end(&conn);
    }
}

static void a_quiet_peer_is_pinged_and_then_given_up(void)
{
    const uint64_t start = 1000, ping = start + WICK_DEFAULT_PING_INTERVAL_MS, end = ping + WICK_DEFAULT_PONG_TIMEOUT_MS;
    host h = {0};
    wick_conn conn;
    CHECK_STATUS(wick_conn_init(&conn, &defaults, &h, start), WICK_OK);
    CHECK_INT(wick_conn_deadline(&conn), ping);
    CHECK_STATUS(wick_conn_tick(&conn, ping - 1), WICK_OK);
    CHECK_INT(h.pings, 0);
    CHECK_STATUS(wick_conn_tick(&conn, ping), WICK_OK);
    CHECK_INT(h.pings, 1);
    CHECK_INT(wick_conn_deadline(&conn), end);
    CHECK_STATUS(wick_conn_tick(&conn, end - 1), WICK_OK);
    CHECK_STATUS(wick_conn_tick(&conn, end), WICK_E_PONG_TIMEOUT);
    CHECK_INT(wick_conn_state(&conn), WICK_CLOSED);
    wick_conn_end(&conn);
}

static void a_close_frame_waits_for_its_answer_no_longer_than_close_timeout(void)
{
    const uint64_t start = 1000, end = start + WICK_DEFAULT_CLOSE_TIMEOUT_MS;
    host h = {0};
    wick_conn conn;
    CHECK_STATUS(wick_conn_init(&conn, &defaults, &h, start), WICK_OK);
    CHECK_STATUS(wick_conn_close(&conn, 1001, NULL, 0, start), WICK_OK);
    CHECK_INT(h.close_code, 1001);
    CHECK_INT(wick_conn_deadline(&conn), end);
    CHECK_STATUS(wick_conn_tick(&conn, end - 1), WICK_OK);
    CHECK_STATUS(wick_conn_tick(&conn, end), WICK_E_CLOSE_TIMEOUT);
    wick_conn_end(&conn);
}

/* A request whose line, whose one long field, or whose whole has as many bytes as asked for. */
static size_t request(char *out, size_t line, size_t field)
{
    size_t n = (size_t)sprintf(out, "GET /");
    const char *end = " HTTP/1.1\r\n";
    while (n + strlen(end) < line)
        out[n++] = 'a';
    n += (size_t)sprintf(out + n, "%sHost: h\r\n", end);
    if (field > 0) {
        size_t start = n;
        n += (size_t)sprintf(out + n, "X: ");
        while (n - start < field - 2)
            out[n++] = 'b';
        n += (size_t)sprintf(out + n, "\r\n");
    }
    return n + (size_t)sprintf(out + n, "\r\n");
}

static wick_status feed_head(const char *text, size_t len, uint64_t now_ms)
{
    wick_http_header fields[8];
    wick_http_head head;
    wick_status status = wick_http_head_init_request(&head, NULL, fields, 8, 0);
    return status != WICK_OK ? status : wick_http_head_feed(&head, (const uint8_t *)text, len, now_ms);
}

static char head_text[2 * (WICK_DEFAULT_HTTP_MAX_LINE + WICK_DEFAULT_HTTP_MAX_FIELD + WICK_DEFAULT_HTTP_MAX_HEAD) + 256];

#define SHORT_LINE 16 /* "GET / HTTP/1.1" CR LF */
#define HOST_AND_END 11 /* "Host: h" CR LF CR LF */

static void a_request_line_has_at_most_max_line_bytes(void)
{
    size_t len = request(head_text, WICK_DEFAULT_HTTP_MAX_LINE, 0);
    CHECK_STATUS(feed_head(head_text, len, 0), len <= WICK_DEFAULT_HTTP_MAX_HEAD ? WICK_OK : WICK_E_HEAD_TOO_BIG);
    len = request(head_text, WICK_DEFAULT_HTTP_MAX_LINE + 1, 0);
    CHECK_STATUS(feed_head(head_text, len, 0), WICK_E_LINE_TOO_LONG);
}

static void a_head_has_at_most_max_head_bytes(void)
{
    size_t field = WICK_DEFAULT_HTTP_MAX_HEAD - SHORT_LINE - HOST_AND_END;
    size_t len = request(head_text, 0, field);
    CHECK_INT(len, WICK_DEFAULT_HTTP_MAX_HEAD);
    CHECK_STATUS(feed_head(head_text, len, 0), field <= WICK_DEFAULT_HTTP_MAX_FIELD ? WICK_OK : WICK_E_FIELD_TOO_LONG);
    if (field + 1 <= WICK_DEFAULT_HTTP_MAX_FIELD) {
        len = request(head_text, 0, field + 1);
        CHECK_STATUS(feed_head(head_text, len, 0), WICK_E_HEAD_TOO_BIG);
    }
}

static void a_field_has_at_most_max_field_bytes(void)
{
    /* With the defaults a field of that length alone fills the head. */
    if (WICK_DEFAULT_HTTP_MAX_FIELD + SHORT_LINE + HOST_AND_END > WICK_DEFAULT_HTTP_MAX_HEAD)
        return;
    size_t len = request(head_text, 0, WICK_DEFAULT_HTTP_MAX_FIELD);
    CHECK_STATUS(feed_head(head_text, len, 0), WICK_OK);
    len = request(head_text, 0, WICK_DEFAULT_HTTP_MAX_FIELD + 1);
    CHECK_STATUS(feed_head(head_text, len, 0), WICK_E_FIELD_TOO_LONG);
}

static void a_head_has_to_come_in_time(void)
{
    CHECK_STATUS(feed_head("GET /", 5, WICK_DEFAULT_HTTP_TIMEOUT_MS - 1), WICK_MORE);
    CHECK_STATUS(feed_head("GET /", 5, WICK_DEFAULT_HTTP_TIMEOUT_MS), WICK_E_HEAD_TIMEOUT);
}

/* A chunk whose first line has `line` bytes with its CR LF: the size and an extension. */
static wick_status feed_chunk_line(size_t line)
{
    const wick_http_header chunked = {WICK_STR("Transfer-Encoding"), WICK_STR("chunked")};
    wick_http_request request = {.version = 11, .headers = &chunked, .header_count = 1};
    wick_http_body body;
    wick_slice piece;
    size_t used;
    char *data = malloc(line);
    wick_status status = WICK_E_MEMORY;
    if (!data)
        return status;
    memset(data, 'x', line);
    memcpy(data, "1;", 2);
    memcpy(data + line - 2, "\r\n", 2);
    CHECK_STATUS(wick_http_body_init_request(&body, &request, 100), WICK_OK);
    status = wick_http_body_next(&body, (const uint8_t *)data, line, &used, &piece);
    free(data);
    return status;
}

static void a_chunks_first_line_has_at_most_max_chunk_line_bytes(void)
{
    CHECK_STATUS(feed_chunk_line(WICK_DEFAULT_HTTP_MAX_CHUNK_LINE), WICK_MORE);
    CHECK_STATUS(feed_chunk_line(WICK_DEFAULT_HTTP_MAX_CHUNK_LINE + 1), WICK_E_HTTP_CHUNK);
}

static void json_is_nested_at_most_depth_deep(void)
{
    char text[2 * WICK_DEFAULT_JSON_DEPTH + 2];
    for (size_t more = 0; more < 2; more++) {
        size_t depth = WICK_DEFAULT_JSON_DEPTH + more;
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        CHECK_STATUS(wick_json_check(NULL, text, 2 * depth, NULL), more ? WICK_E_JSON_DEPTH : WICK_OK);
    }
}

/* An agent.message whose text has len bytes. */
static wick_status read_message(size_t len)
{
    static const char head[] = "{\"type\":\"agent.message\",\"payload\":{\"text\":\"", tail[] = "\"}}";
    char *data = malloc(len + sizeof head + sizeof tail);
    wick_event event;
    wick_event_error error;
    wick_status status = WICK_E_MEMORY;
    if (!data)
        return status;
    size_t n = (size_t)sprintf(data, "%s", head);
    memset(data + n, 'a', len);
    n += len;
    n += (size_t)sprintf(data + n, "%s", tail);
    status = wick_event_read(NULL, data, n, &event, &error);
    free(data);
    return status;
}

static void a_message_has_at_most_limit_text_bytes_of_text(void)
{
    CHECK_STATUS(read_message(WICK_LIMIT_TEXT), WICK_OK);
    CHECK_STATUS(read_message(WICK_LIMIT_TEXT + 1), WICK_E_PAYLOAD);
}

int main(void)
{
    RUN(a_frame_has_at_most_max_frame_bytes);
    RUN(a_message_has_at_most_max_message_bytes);
    RUN(a_message_has_at_most_max_fragments_frames);
    RUN(a_quiet_peer_is_pinged_and_then_given_up);
    RUN(a_close_frame_waits_for_its_answer_no_longer_than_close_timeout);
    RUN(a_request_line_has_at_most_max_line_bytes);
    RUN(a_head_has_at_most_max_head_bytes);
    RUN(a_field_has_at_most_max_field_bytes);
    RUN(a_head_has_to_come_in_time);
    RUN(a_chunks_first_line_has_at_most_max_chunk_line_bytes);
    RUN(json_is_nested_at_most_depth_deep);
    RUN(a_message_has_at_most_limit_text_bytes_of_text);
    return test_end();
}
