/*
 * Whatever clients say, and whenever they come and go: each message that a reader gets is one JSON object, its events are
 * numbered without a gap, nothing comes to a reader that has been closed, and nothing is left when all have gone.
 *
 * The input is a script, a line each. The first character says what happens, to one of four readers by the second:
 *   >n message   the client of link n says the message      .n   quiet link       +n   full link       -n   it goes
 *   *n           its reader refuses the next message        !n   it takes messages again
 *   %n           its reader refuses all messages        ?n   full link, whose token ends in three seconds
 *   ^n message   the message is posted to the session of link n            =n   a view of that session
 *   @n text      the host publishes agent.status to that session
 *   ~ milliseconds   time passes
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINKS 4
#define WRONG(cond)                                       \
    do {                                                  \
        if (cond) {                                       \
            fprintf(stderr, "wrong: %s\n", #cond);        \
            abort();                                      \
        }                                                 \
    } while (0)

static struct client {
    wick_link link;
    int refuse;
    int quiet;
    int closed;
    wick_cursor cursor;
} clients[LINKS];

static wick_experience *x;
static wick_runtime *runtime;
static uint64_t now;

static wick_status on_invoke(void *user, const wick_invocation *invocation, wick_code *code)
{
    (void)user;
    return wick_runtime_invoke(runtime, invocation, code, now);
}

static wick_status on_cancel(void *user, const wick_text *id, const wick_text *reason)
{
    (void)user;
    return wick_runtime_cancel(runtime, id, reason, now);
}

static wick_status on_answer(void *user, const wick_runtime_input *input)
{
    (void)user;
    return wick_runtime_answer(runtime, input, now);
}

static void on_room(void *user, const wick_text *id)
{
    (void)user;
    wick_runtime_room(runtime, id, now);
}

static int on_random(void *user, uint8_t *out, size_t len)
{
    static uint8_t next;
    (void)user;
    memset(out, ++next, len);
    return 0;
}

static int on_deliver(void *user, void *reader, const wick_outgoing *message)
{
    static char text[1 << 18];
    struct client *client = reader;
    unsigned long long seq = 0, first = 0;
    size_t len = 0;
    (void)user;
    WRONG(client->closed);
    if (client->refuse) {
        client->refuse &= ~1;
        return WICK_BLOCKED;
    }
    for (size_t i = 0; i < message->count; i++) {
        WRONG(len + message->slices[i].len >= sizeof text);
        memcpy(text + len, message->slices[i].data, message->slices[i].len);
        len += message->slices[i].len;
    }
    text[len] = 0;
    WRONG(len != message->len || wick_json_check(NULL, text, len, NULL) != WICK_OK);
    if (message->cursor.epoch == 0 || client->quiet)
        return 0;
    if (sscanf(text, "{\"seq\":%llu,\"first_seq\":%llu", &seq, &first) == 1)
        first = seq;
    WRONG(seq && message->cursor.seq != seq);
    WRONG(seq && client->cursor.epoch && first != client->cursor.seq + 1);
    client->cursor = message->cursor;
    return 0;
}

static void on_close(void *user, void *reader, unsigned code, const char *reason)
{
    (void)user;
    WRONG(((struct client *)reader)->closed++);
    WRONG(code < 1000 || code > 4999 || strlen(reason) > 123);
}

/* Of nobody in particular; one that begins with s is short. */
static wick_code on_auth(void *user, void *reader, const wick_str *token, wick_grant *grant)
{
    (void)user;
    (void)reader;
    grant->expires_ms = token->data[0] == 's' ? now + 2000 : 0;
    return WICK_CODE_NONE;
}

static wick_code on_application(void *user, wick_session session, const wick_event *event)
{
    (void)user;
    WRONG(!session || event->head.type.len < 2 || memcmp(event->head.type.data, "x.", 2) != 0);
    return event->head.type.len & 1 ? WICK_CODE_PERMISSION_DENIED : WICK_CODE_NONE;
}

static int on_event(void *user, const wick_event *event)
{
    (void)user;
    return (int)wick_experience_event(x, event, now);
}

static void on_reply(void *user, const wick_event *reply)
{
    (void)user;
    WRONG(reply->type != WICK_TYPE_ACCEPTED && reply->type != WICK_TYPE_ERROR);
}

/* An agent that says four tokens, asks, and says the answer. */
static int on_start(wick_runtime *r, wick_run run, const wick_agent *agent, const wick_invocation *invocation, void **data)
{
    wick_event event = { 0 };
    (void)agent;
    (void)invocation;
    (void)data;
    event.type = WICK_TYPE_AGENT_TOKEN;
    event.as.agent_token.text = WICK_TEXT("token ");
    for (int i = 0; i < 4; i++)
        wick_runtime_emit(r, run, &event, now);
    memset(&event, 0, sizeof event);
    event.type = WICK_TYPE_AGENT_INPUT_REQUEST;
    event.as.input_request.question = WICK_TEXT("?");
    event.as.input_request.request_id = WICK_TEXT("q");
    event.as.input_request.timeout_ms = 1000;
    if (wick_runtime_emit(r, run, &event, now) != WICK_OK)
        wick_runtime_leave(r, run, now);
    return 0;
}

static void on_input(wick_runtime *r, wick_run run, void *data, const wick_runtime_input *input)
{
    wick_event event = { 0 };
    (void)data;
    event.type = WICK_TYPE_AGENT_COMPLETED;
    event.as.agent_completed.result = input->content;
    wick_runtime_emit(r, run, &event, now);
    wick_runtime_leave(r, run, now);
}

static void agent_cancel(wick_runtime *r, wick_run run, void *data, wick_code why)
{
    (void)data;
    (void)why;
    wick_runtime_leave(r, run, now);
}

static const wick_agent_type type = { on_start, on_input, agent_cancel, NULL };
static const wick_agent agent = { { "guide.content", 13 }, &type, NULL };
static const wick_experience_callbacks callbacks = { .on_invoke = on_invoke, .on_cancel = on_cancel,
    .on_answer = on_answer, .on_deliver = on_deliver, .on_close = on_close, .on_room = on_room,
    .on_random = on_random, .on_auth = on_auth, .on_application = on_application };

static void set_up(void)
{
    wick_runtime_config rc = { .size = sizeof rc, .runs = 8, .on_event = on_event, .on_random = on_random };
    wick_experience_config xc = { .size = sizeof xc, .callbacks = &callbacks, .sessions = 3, .links = LINKS + 1,
                                  .invocations = 4, .questions = 3, .remembered = 4, .rooms = 2, .members = 3,
                                  .message_bytes = 4096, .slow_ms = 5000, .pool = { sizeof xc.pool, 24, 512, 0 },
                                  .stream = { sizeof xc.stream, 12, 4096, 0, 4096, 2 } };
    runtime = malloc(wick_runtime_size(&rc));
    x = malloc(wick_experience_size(&xc));
    WRONG(!runtime || !x);
    now = 0;
    WRONG(wick_runtime_init(runtime, &rc, now) != WICK_OK || wick_runtime_add(runtime, &agent) != WICK_OK);
    WRONG(wick_experience_init(x, &xc, now) != WICK_OK);
    memset(clients, 0, sizeof clients);
}

static void pass_time(uint64_t ms)
{
    now += ms;
    wick_runtime_tick(runtime, now);
    wick_experience_tick(x, now);
}

static void come(struct client *client, char how)
{
    wick_link_config config = { sizeof config, how == '+' || how == '?', 0, { NULL, 0, 0 },
                                how == '?' ? now + 3000 : 0 };
    wick_session session = wick_experience_session(x, client->link);
    wick_experience_detach(x, client->link, now);
    memset(client, 0, sizeof *client);
    client->quiet = how == '.';
    if (how == '=')
        wick_experience_view(x, client, session, NULL, &client->link, now);
    else
        wick_experience_open(x, client, &config, &client->link, now);
}

static void publish(wick_session session, const char *text, size_t len)
{
    wick_event event = { 0 };
    event.type = WICK_TYPE_AGENT_STATUS;
    event.as.agent_status.agent_name = WICK_TEXT("guide.content");
    event.as.agent_status.status = WICK_AGENT_BUSY;
    event.as.agent_status.detail = wick_text_of(text, len);
    wick_experience_publish(x, session, &event, now);
}

/* The host makes sure of UTF-8. */
static int is_utf8(const char *text, size_t len)
{
    uint32_t state = 0;
    return wick_utf8_check(&state, (const uint8_t *)text, len) == len && state == 0;
}

static void step(const char *line, size_t len)
{
    struct client *client = &clients[len > 1 ? (unsigned char)line[1] % LINKS : 0];
    const char *message = len > 3 ? line + 3 : "";
    size_t message_len = len > 3 ? len - 3 : 0;
    wick_session session = wick_experience_session(x, client->link);
    switch (line[0]) {
    case '.':
    case '+':
    case '?':
    case '=':
        come(client, line[0]);
        break;
    case '-':
        wick_experience_detach(x, client->link, now);
        client->link = 0;
        break;
    case '*':
        client->refuse |= 1;
        break;
    case '%':
        client->refuse = 2;
        break;
    case '@':
        if (is_utf8(message, message_len))
            publish(session, message, message_len);
        break;
    case '!':
        client->refuse = 0;
        wick_experience_room(x, client->link, now);
        break;
    case '>':
        if (is_utf8(message, message_len))
            wick_experience_receive(x, client->link, message, message_len, now);
        break;
    case '^':
        if (is_utf8(message, message_len))
            wick_experience_post(x, session, message, message_len, on_reply, NULL, now);
        break;
    default:
        pass_time(len < 6 ? len * 7 : len * 5000);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data, *end = at + size;
    wick_experience_counts counts;
    set_up();
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        if (!stop)
            stop = end;
        if (stop > at)
            step(at, (size_t)(stop - at));
        at = stop < end ? stop + 1 : end;
    }
    for (int i = 0; i < LINKS; i++)
        wick_experience_detach(x, clients[i].link, now);
    wick_runtime_drain(runtime, now);
    pass_time(130000);
    pass_time(130000);
    wick_experience_count(x, &counts);
    WRONG(counts.sessions || counts.links || counts.invocations || counts.detached || counts.questions);
    free(x);
    free(runtime);
    return 0;
}
