/*
 * The server's answer to the opening handshake: 101, or a refusal that tells the client what the server saw.
 */
#include "http/sink.h"
#include "ws/handshake.h"

/* ---- Refusals -------------------------------------------------------------------------------------------- */

typedef struct refusal_row {
    wick_str code, detail, hint;
    unsigned http_status;
} refusal_row;

static const refusal_row refusals[WICK_REFUSAL_COUNT] = {
    {{"", 0}, {"", 0}, {"", 0}, 0},
#define REFUSAL_ROW(name, status, detail, hint) \
    {{#name, sizeof(#name) - 1}, {detail, sizeof(detail) - 1}, {hint, sizeof(hint) - 1}, status},
    WICK_REFUSAL_MAP(REFUSAL_ROW)
#undef REFUSAL_ROW
};

void wick_handshake_refuse(wick_handshake *shake, wick_refusal refusal)
{
    const refusal_row *row;
    if (refusal <= WICK_REFUSE_NONE || refusal >= WICK_REFUSAL_COUNT)
        refusal = WICK_REFUSE_INTERNAL;
    row = &refusals[refusal];
    memset(shake, 0, sizeof *shake);
    shake->refusal = refusal;
    shake->http_status = row->http_status;
    shake->code = row->code;
    shake->detail = row->detail;
    shake->hint = row->hint;
    shake->subprotocol = shake->cause = shake->proxy = shake->prefix = WICK_STR("");
}

void wick_handshake_refuse_status(wick_handshake *shake, wick_status status)
{
    const char *text = wick_status_text(status);
    wick_refusal refusal = WICK_REFUSE_BAD_REQUEST;
    switch (wick_http_status_for(status)) {
    case 408:
        refusal = WICK_REFUSE_REQUEST_TIMEOUT;
        break;
    case 413:
        refusal = WICK_REFUSE_PAYLOAD_TOO_LARGE;
        break;
    case 414:
        refusal = WICK_REFUSE_URI_TOO_LONG;
        break;
    case 431:
        refusal = WICK_REFUSE_HEAD_TOO_LARGE;
        break;
    case 500:
        refusal = WICK_REFUSE_INTERNAL;
        break;
    case 501:
        refusal = WICK_REFUSE_NOT_IMPLEMENTED;
        break;
    case 505:
        refusal = WICK_REFUSE_HTTP_VERSION_NOT_SUPPORTED;
        break;
    default:
        break;
    }
    wick_handshake_refuse(shake, refusal);
    /* The status knows better what is wrong than the row, as in "a field line is folded". */
    shake->detail.data = text;
    shake->detail.len = 0;
    while (text[shake->detail.len])
        shake->detail.len++;
}

/* ---- What the server saw --------------------------------------------------------------------------------- */

/* Visible ASCII without quotes and backslashes, cut; white space left out, so that a value is one word. */
static void put_seen(wick_sink *text, wick_str value, size_t max)
{
    size_t written = 0;
    for (size_t i = 0; i < value.len && written < max; i++) {
        char c = value.data[i];
        if (wick_char_is_blank(c))
            continue;
        if (c < 0x21 || c > 0x7e || c == '"' || c == '\\')
            c = '?';
        wick_sink_put(text, &c, 1);
        written++;
    }
    if (written == 0)
        WICK_SINK_LIT(text, "-");
}

static void put_seen_field(wick_sink *text, const wick_http_request *request, wick_str name, size_t max)
{
    wick_str value = WICK_STR("");
    if (request)
        (void)wick_http_find(request->headers, request->header_count, name, &value);
    put_seen(text, value, max);
}

static void put_seen_version(wick_sink *text, const wick_http_request *request)
{
    WICK_SINK_LIT(text, "http=");
    if (!request || request->version < 10) {
        WICK_SINK_LIT(text, "-");
        return;
    }
    wick_sink_number(text, (uint64_t)request->version / 10);
    WICK_SINK_LIT(text, ".");
    wick_sink_number(text, (uint64_t)request->version % 10);
}

wick_status wick_handshake_saw(const wick_http_request *request, char *out, size_t cap, size_t *need)
{
    wick_sink text = wick_sink_begin(out, cap);
    wick_str host = WICK_STR("");
    put_seen_version(&text, request);
    WICK_SINK_LIT(&text, " upgrade=");
    put_seen_field(&text, request, WICK_STR("upgrade"), 32);
    WICK_SINK_LIT(&text, " connection=");
    put_seen_field(&text, request, WICK_STR("connection"), 32);
    WICK_SINK_LIT(&text, " host=");
    if (request && request->authority.len)
        host = request->authority;
    else if (request)
        (void)wick_http_find(request->headers, request->header_count, WICK_STR("host"), &host);
    put_seen(&text, host, 64);
    WICK_SINK_LIT(&text, " path=");
    put_seen(&text, request ? request->path : WICK_STR(""), 96);
    WICK_SINK_LIT(&text, " origin=");
    put_seen_field(&text, request, WICK_STR("origin"), 64);
    WICK_SINK_LIT(&text, " version=");
    put_seen_field(&text, request, WICK_STR("sec-websocket-version"), 8);
    WICK_SINK_LIT(&text, " key=");
    if (request && wick_http_find(request->headers, request->header_count, WICK_STR("sec-websocket-key"), NULL))
        WICK_SINK_LIT(&text, "yes");
    else
        WICK_SINK_LIT(&text, "-");
    return wick_sink_end(&text, need);
}

/* ---- Writing --------------------------------------------------------------------------------------------- */

/* The half of the room for each text. `saw` takes at most 374 bytes of it: its values are cut. */
#define TEXT_ROOM (WICK_PROBLEM_ROOM / 2)

/* The hint, with the prefix put in where there is one. A hint of the host's own that is too long stays as it is. */
static wick_str filled_hint(const wick_handshake *shake, char *room)
{
    wick_diagnosis why;
    wick_str hint = {room, 0};
    memset(&why, 0, sizeof why);
    why.hint = shake->hint;
    why.prefix = shake->prefix;
    if (shake->prefix.len == 0 || wick_diagnose_hint_write(&why, room, TEXT_ROOM, &hint.len) != WICK_OK)
        return shake->hint;
    return hint;
}

void wick_handshake_problem(const wick_handshake *shake, const wick_http_request *request, char *room,
                            wick_http_problem *problem)
{
    size_t len;
    memset(problem, 0, sizeof *problem);
    problem->status = shake->http_status;
    problem->code = shake->code;
    problem->detail = shake->detail;
    problem->cause = shake->cause;
    problem->proxy = shake->proxy;
    problem->hint = filled_hint(shake, room + TEXT_ROOM);
    if (wick_handshake_saw(request, room, TEXT_ROOM, &len) == WICK_OK) {
        problem->saw.data = room;
        problem->saw.len = len;
    }
    problem->retry_after_s = shake->retry_after_s;
    problem->offer_websocket = shake->refusal == WICK_REFUSE_NOT_A_WEBSOCKET_REQUEST;
    problem->head_only = request && wick_str_same(request->method, WICK_STR("HEAD"));
}

static int headers_are_free(const wick_http_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (wick_handshake_owns(headers[i].name))
            return 0;
    return 1;
}

static wick_status write_switching(const wick_handshake *shake, const wick_http_header *headers, size_t count,
                                   wick_sink *text, size_t *need)
{
    char fixed[] = "HTTP/1.1 101 Switching Protocols\r\n"
                   "Upgrade: websocket\r\n"
                   "Connection: Upgrade\r\n"
                   "Sec-WebSocket-Accept: 0123456789012345678901234567\r\n";
    size_t len = sizeof fixed - 1;
    memcpy(fixed + len - 2 - WICK_ACCEPT_SIZE, shake->accept, WICK_ACCEPT_SIZE);
    wick_sink_put(text, fixed, len);
    if (shake->subprotocol.len)
        wick_sink_field(text, WICK_STR("Sec-WebSocket-Protocol"), shake->subprotocol);
    if (shake->extensions_len) {
        wick_str value = {shake->extensions, shake->extensions_len};
        wick_sink_field(text, WICK_STR("Sec-WebSocket-Extensions"), value);
    }
    for (size_t i = 0; i < count; i++)
        wick_sink_field(text, headers[i].name, headers[i].value);
    WICK_SINK_LIT(text, "\r\n");
    return wick_sink_end(text, need);
}

wick_status wick_handshake_write(const wick_handshake *shake, const wick_http_request *request,
                                 const wick_http_header *headers, size_t header_count, char *out, size_t cap,
                                 size_t *need)
{
    wick_sink text = wick_sink_begin(out, cap);
    wick_http_problem problem;
    char room[WICK_PROBLEM_ROOM];
    *need = 0;
    if (!headers_are_free(headers, header_count))
        return WICK_E_ARG;
    if (shake->http_status == 101)
        return write_switching(shake, headers, header_count, &text, need);
    if (shake->refusal == WICK_REFUSE_NONE)
        return WICK_E_STATE;
    wick_handshake_problem(shake, request, room, &problem);
    problem.headers = headers;
    problem.header_count = header_count;
    return wick_http_problem_write(&problem, out, cap, need);
}

void wick_handshake_offers(wick_http_elements *offers, const wick_http_request *request)
{
    wick_http_elements_init(offers, request->headers, request->header_count, WICK_STR("sec-websocket-protocol"));
}

int wick_handshake_offer_next(wick_http_elements *offers, wick_str *name)
{
    return wick_http_elements_next(offers, name);
}
