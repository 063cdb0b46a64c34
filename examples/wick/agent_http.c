/*
 * agent_http.c - the session over requests: session.open and messages by POST, events as an SSE stream or by long poll.
 *
 * Two calls at most: the one that listens, and a POST. Each has its answer gathered in memory of its own, but for the
 * stream, which is read as it comes.
 */
#include "wick/agent.h"

#include <stdlib.h>
#include <string.h>

#include "lib/http_client.h"

#define REFUSAL_MAX (64u << 10)

/* A request and its answer. */
struct request {
    struct http_call *call; /* NULL: none is under way */
    unsigned status;
    uint64_t retry_after_ms;
    uint8_t *data;
    size_t len, cap;
};

static struct request listening, posting;
static wick_transport how;     /* that listens */
static int streaming;          /* an answer that is a stream is here */
static int opening;            /* the POST is session.open */
static wick_sse_reader sse;
static char *sse_memory;

static char *base;     /* http://host:port/prefix/api/events */
static char *url;      /* with the query of the last request */
static size_t url_cap;

/* ---- Requests ---------------------------------------------------------------------------------------------------- */

/* Where events are: beside the endpoint, if the URL names one. */
int agent_http_begin(void)
{
    static const char *const endpoints[] = { "/api/runtime/agent", "/ws" };
    wick_url to;
    const char *text = agent.connect.url;
    size_t keep = 0;
    if (wick_url_split((wick_str){ text, strlen(text) }, &to) != WICK_OK)
        return -1;
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints && !keep; i++) {
        size_t len = strlen(endpoints[i]);
        if (to.path.len >= len && memcmp(to.path.data + to.path.len - len, endpoints[i], len) == 0)
            keep = to.path.len - len;
    }
    size_t cap = to.authority.len + keep + 32;
    base = malloc(cap);
    sse_memory = malloc((size_t)max_message + 1);
    if (!base || !sse_memory)
        return -1;
    snprintf(base, cap, "%s://%.*s%.*s/api/events", to.secure ? "https" : "http", (int)to.authority.len,
             to.authority.data, (int)keep, to.path.data);
    wick_sse_init(&sse, sse_memory, (size_t)max_message + 1);
    return 0;
}

static void drop(struct request *request)
{
    struct http_call *call = request->call;
    request->call = NULL;
    if (call)
        http_call_cancel(call);
}

void agent_http_drop(void)
{
    drop(&listening);
    drop(&posting);
    streaming = 0;
}

void agent_http_end(void)
{
    agent_http_drop();
    free(listening.data);
    free(posting.data);
    free(sse_memory);
    free(base);
    free(url);
}

/* What may stand in a query goes as it is. */
static size_t put_encoded(char *out, wick_str text)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        int plain = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                    byte == '-' || byte == '_' || byte == '.' || byte == '~';
        len += (size_t)sprintf(out + len, plain ? "%c" : "%%%02X", byte);
    }
    return len;
}

/* The URL with what a session is entered with. Returns its length, 0 if there is no memory. */
static size_t make_url(const wick_client_action *action)
{
    size_t need = strlen(base) + 3 * (action->session_id.len + action->resume_token.len) + 128, len;
    if (need > url_cap) {
        char *grown = realloc(url, need);
        if (!grown)
            return 0;
        url = grown;
        url_cap = need;
    }
    len = (size_t)sprintf(url, "%s", base);
    if (!action->session_id.len)
        return len;
    len += (size_t)sprintf(url + len, "?session_id=");
    len += put_encoded(url + len, action->session_id);
    len += (size_t)sprintf(url + len, "&resume_token=");
    len += put_encoded(url + len, action->resume_token);
    return len;
}

/* The headers of the command line, and ours. Returns how many. */
static size_t make_headers(wick_http_header *out, wick_str accept)
{
    size_t count = 0;
    for (; count < agent.connect.header_count; count++)
        out[count] = agent.connect.headers[count];
    out[count++] = (wick_http_header){ { "Accept", 6 }, accept };
    if (agent.connect.origin)
        out[count++] = (wick_http_header){ { "Origin", 6 }, { agent.connect.origin, strlen(agent.connect.origin) } };
    return count;
}

static void begin(struct request *request, const struct http_call_type *type, struct http_call_options *options,
                  wick_str accept)
{
    wick_http_header *headers = malloc((agent.connect.header_count + 4) * sizeof *headers);
    drop(request);
    request->status = 0;
    request->retry_after_ms = 0;
    request->len = 0;
    options->url = url;
    options->idle_ms = WICK_NEVER; /* wick_client has deadlines of its own */
    if (headers) {
        options->headers = headers;
        options->header_count = make_headers(headers, accept);
        if (options->body) {
            static const wick_str json = { "application/json", 16 };
            headers[options->header_count++] = (wick_http_header){ { "Content-Type", 12 }, json };
        }
        request->call = http_call_start(&command_loop, options, type, request);
    }
    free(headers);
    if (!request->call)
        agent_give_up("out of memory");
}

/* ---- Answers ----------------------------------------------------------------------------------------------------- */

static int on_head(struct http_call *call, const wick_http_response *response)
{
    struct request *request = http_call_user(call);
    wick_str type;
    request->status = response->status;
    request->retry_after_ms = problem_retry_after(response);
    if (request != &listening || how != WICK_TRANSPORT_SSE)
        return 0;
    streaming = response->status == 200 &&
                wick_http_find(response->headers, response->header_count, WICK_STR("content-type"), &type) &&
                type.len >= 17 && wick_http_equal((wick_str){ type.data, 17 }, WICK_STR("text/event-stream"));
    return 0;
}

/* Gather an answer. Returns 0, or -1 if it is too long. */
static int on_piece(struct http_call *call, const uint8_t *data, size_t len)
{
    struct request *request = http_call_user(call);
    size_t most = request->status >= 200 && request->status < 300 ? (size_t)max_message + (1u << 20) : REFUSAL_MAX;
    if (len > most - request->len)
        return -1;
    if (len > request->cap - request->len) {
        size_t cap = (request->len + len) * 2;
        uint8_t *grown = realloc(request->data, cap);
        if (!grown)
            return -1;
        request->data = grown;
        request->cap = cap;
    }
    memcpy(request->data + request->len, data, len);
    request->len += len;
    return 0;
}

/* Why a request has failed, for wick_client and for people. */
static wick_client_refusal refusal_of(const struct request *request, const struct http_trace *trace)
{
    wick_client_refusal refusal = { request->status, WICK_CODE_NONE, request->retry_after_ms };
    memset(&agent.why, 0, sizeof agent.why);
    agent.why.reached = trace->connected_ms != 0;
    if (problem_read(request->data, request->len, &agent.why.problem))
        problem_line(&agent.why.problem, agent.why.text, sizeof agent.why.text);
    else if (request == &listening && streaming && trace->outcome == HTTP_WHOLE)
        snprintf(agent.why.text, sizeof agent.why.text, "the server has ended the stream");
    else if (request->status && trace->outcome == HTTP_WHOLE)
        snprintf(agent.why.text, sizeof agent.why.text, "the answer is %u", request->status);
    else
        snprintf(agent.why.text, sizeof agent.why.text, "%s", trace->text);
    refusal.code = agent.why.problem.code_value;
    return refusal;
}

/* Whether an answer is a list of messages. A page that a proxy gives in its place is none. */
static int is_fine(const struct request *request, const struct http_trace *trace)
{
    wick_answer answer;
    return request->status >= 200 && request->status < 300 && trace->outcome == HTTP_WHOLE &&
           wick_answer_init(&answer, request->data, request->len) == WICK_OK;
}

/* Every message of an answer. */
static void take_messages(const struct request *request)
{
    wick_answer answer;
    wick_text message;
    wick_answer_init(&answer, request->data, request->len);
    agent.busy = 1; /* nothing new is begun while the answer is read */
    while (wick_answer_next(&answer, &message) == WICK_OK)
        if (message.form == WICK_TEXT_JSON)
            agent_receive(message.data, message.len);
    agent.busy = 0;
}

/* ---- The stream -------------------------------------------------------------------------------------------------- */

static int on_stream(struct http_call *call, const uint8_t *data, size_t len)
{
    wick_sse_event event;
    wick_status status;
    size_t used;
    if (!streaming)
        return on_piece(call, data, len);
    if (wick_client_where(&agent.client) == WICK_CLIENT_CONNECTING)
        agent_connected(WICK_TRANSPORT_SSE);
    wick_client_heard(&agent.client, command_loop.now_ms);
    while (listening.call == call && (status = wick_sse_next(&sse, data, len, &used, &event)) != WICK_MORE) {
        if (status != WICK_OK) {
            show_note("an event is longer than --max-message");
            return -1;
        }
        data += used;
        len -= used;
        agent_receive(event.data.data, event.data.len);
    }
    agent_advance();
    return 0;
}

static void on_stream_end(struct http_call *call)
{
    wick_client_refusal refusal;
    int was_streaming = streaming;
    listening.call = NULL;
    refusal = refusal_of(&listening, http_call_trace(call));
    streaming = 0;
    if (wick_client_where(&agent.client) == WICK_CLIENT_CONNECTING && !was_streaming)
        agent_refused(WICK_TRANSPORT_SSE, &refusal);
    else
        agent_lost(WICK_TRANSPORT_SSE);
}

/* ---- Polls ------------------------------------------------------------------------------------------------------- */

static void on_poll_end(struct http_call *call)
{
    const struct http_trace *trace = http_call_trace(call);
    int connecting = wick_client_where(&agent.client) == WICK_CLIENT_CONNECTING;
    wick_client_refusal refusal;
    listening.call = NULL;
    if (!is_fine(&listening, trace)) {
        refusal = refusal_of(&listening, trace);
        if (connecting)
            agent_refused(WICK_TRANSPORT_POLL, &refusal);
        else
            agent_lost(WICK_TRANSPORT_POLL);
        return;
    }
    if (connecting)
        agent_connected(WICK_TRANSPORT_POLL);
    take_messages(&listening);
    wick_client_polled(&agent.client, command_loop.now_ms);
    agent_advance();
}

/* ---- Posts ------------------------------------------------------------------------------------------------------- */

static void on_post_end(struct http_call *call)
{
    const struct http_trace *trace = http_call_trace(call);
    wick_transport transport = how;
    wick_client_refusal refusal;
    posting.call = NULL;
    int fine = is_fine(&posting, trace);
    if (fine)
        take_messages(&posting);
    else
        refusal = refusal_of(&posting, trace);
    if (opening) {
        if (wick_client_where(&agent.client) == WICK_CLIENT_OPENING)
            agent_refused(transport, fine ? NULL : &refusal);
    } else {
        if (!fine)
            show_note("a message could not be posted: %s", agent.why.text);
        wick_client_posted(&agent.client, fine ? NULL : &refusal, command_loop.now_ms);
    }
    agent_advance();
}

static const struct http_call_type stream_type = { .on_head = on_head, .on_body = on_stream, .on_end = on_stream_end };
static const struct http_call_type poll_type = { .on_head = on_head, .on_body = on_piece, .on_end = on_poll_end };
static const struct http_call_type post_type = { .on_head = on_head, .on_body = on_piece, .on_end = on_post_end };

/* ---- What wick_client asks for ----------------------------------------------------------------------------------- */

void agent_http_listen(const wick_client_action *action)
{
    struct http_call_options options = { .head_ms = action->wait_ms + 20000u };
    size_t len = make_url(action);
    how = action->transport;
    streaming = 0;
    if (!len) {
        agent_give_up("out of memory");
        return;
    }
    len += (size_t)sprintf(url + len, "&after=%llu:%llu", (unsigned long long)action->epoch,
                           (unsigned long long)action->last_seq);
    if (how == WICK_TRANSPORT_SSE) {
        wick_sse_restart(&sse);
        begin(&listening, &stream_type, &options, WICK_STR("text/event-stream"));
        return;
    }
    sprintf(url + len, "&wait_ms=%u", (unsigned)action->wait_ms);
    begin(&listening, &poll_type, &options, WICK_STR("application/json"));
}

void agent_http_post(const wick_client_action *action, const void *data, size_t len)
{
    struct http_call_options options = { .method = "POST", .body = data, .body_len = len };
    opening = action->kind == WICK_CLIENT_OPEN;
    how = action->transport;
    if (!make_url(action))
        agent_give_up("out of memory");
    else
        begin(&posting, &post_type, &options, WICK_STR("application/json"));
}
