/*
 * Sessions that survive: session.open and all it can be answered with, resume, takeover, reset, ids, questions, views, posts,
 * expiry, drain.
 */
#include "lib/test.h"

#include <stdarg.h>
#include <stdlib.h>

#include "wick.h"

#define READERS 6

/* What each reader has been given, a message a line. */
static struct reader {
    char got[262144];
    size_t len;
    int block;
    unsigned closed;
    wick_cursor cursor;
} readers[READERS];

static wick_experience *x;
static size_t x_size;
static uint64_t now;
static char told[8192]; /* what the Runtime was told */
static size_t told_len;
static unsigned audited;
static wick_code refuse_with;
static wick_experience_config config;

static void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void tell(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    told_len += (size_t)vsnprintf(told + told_len, sizeof told - told_len, format, args);
    va_end(args);
}

static wick_status emit(const char *run, wick_type type, const char *text)
{
    wick_event event = { 0 };
    event.type = type;
    event.head.ts = (int64_t)now;
    event.head.invocation_id = wick_text_of(run, strlen(run));
    event.head.agent_id = WICK_TEXT("guide.content");
    if (type == WICK_TYPE_AGENT_TOKEN) {
        event.as.agent_token.message_id = WICK_TEXT("m1");
        event.as.agent_token.text = wick_text_of(text, strlen(text));
    } else if (type == WICK_TYPE_AGENT_INPUT_REQUEST) {
        event.as.input_request.request_id = wick_text_of(text, strlen(text));
        event.as.input_request.question = WICK_TEXT("which?");
        event.as.input_request.timeout_ms = 300000;
        event.as.input_request.expires_at = 300000;
    } else if (type == WICK_TYPE_AGENT_FAILED) {
        event.as.agent_failed.error.code = wick_text_of(text, strlen(text));
        event.as.agent_failed.error.message = WICK_TEXT("it failed");
    }
    return wick_experience_event(x, &event, now);
}

/* ---- The Runtime: starts at once, and ends what is cancelled ---- */

static wick_status on_invoke(void *user, const wick_invocation *invocation, wick_code *code)
{
    char id[WICK_LIMIT_ID + 1];
    (void)user;
    if (refuse_with) {
        *code = refuse_with;
        return WICK_E_SPACE;
    }
    snprintf(id, sizeof id, "%.*s", (int)invocation->invocation_id.len, invocation->invocation_id.data);
    tell("invoke %s\n", id);
    return emit(id, WICK_TYPE_AGENT_STARTED, "");
}

static wick_status on_cancel(void *user, const wick_text *id, const wick_text *reason)
{
    char run[WICK_LIMIT_ID + 1];
    (void)user;
    (void)reason;
    snprintf(run, sizeof run, "%.*s", (int)id->len, id->data);
    tell("cancel %s\n", run);
    return emit(run, WICK_TYPE_AGENT_FAILED, "CANCELLED");
}

static wick_status on_answer(void *user, const wick_runtime_input *input)
{
    wick_event event = { 0 };
    (void)user;
    tell("answer %.*s %.*s\n", (int)input->request_id.len, input->request_id.data, (int)input->content.len,
         input->content.data);
    event.type = WICK_TYPE_AGENT_INPUT_RESOLVED;
    event.head.ts = (int64_t)now;
    event.head.invocation_id = input->invocation_id;
    event.as.input_resolved.request_id = input->request_id;
    event.as.input_resolved.outcome = input->status;
    return wick_experience_event(x, &event, now);
}

static int on_deliver(void *user, void *reader, const wick_outgoing *message)
{
    struct reader *r = reader;
    size_t start = r->len, offset;
    (void)user;
    if (r->block > 0) {
        r->block--;
        return WICK_BLOCKED;
    }
    CHECK(message->count <= WICK_OUTGOING_SLICES);
    if (r->len + message->len + 2 > sizeof r->got) {
        test_fail(__FILE__, __LINE__, "too much for a reader");
        return -1;
    }
    for (size_t i = 0; i < message->count; i++) {
        memcpy(r->got + r->len, message->slices[i].data, message->slices[i].len);
        r->len += message->slices[i].len;
    }
    CHECK_INT((long long)(r->len - start), (long long)message->len);
    CHECK_STATUS(wick_json_check(NULL, r->got + start, r->len - start, &offset), WICK_OK);
    if (message->cursor.epoch)
        r->cursor = message->cursor;
    r->got[r->len++] = '\n';
    r->got[r->len] = 0;
    return 0;
}

static void on_close(void *user, void *reader, unsigned code, const char *reason)
{
    (void)user;
    CHECK(strlen(reason) <= 123);
    ((struct reader *)reader)->closed = code;
}

static void on_event(void *user, wick_session session, const wick_event *event)
{
    (void)user;
    (void)session;
    CHECK(event->head.seq > 0);
    audited++;
}

static int on_random(void *user, uint8_t *out, size_t len)
{
    static uint8_t next = 1;
    (void)user;
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(next * 7 + i);
    next++;
    return 0;
}

static uint64_t token_ends; /* when the next one will; 0: never */

static wick_code on_auth(void *user, void *reader, const wick_str *token, wick_grant *grant)
{
    (void)user;
    (void)reader;
    CHECK(grant->len == 0 && grant->expires_ms == 0);
    if (token->len < 5 || memcmp(token->data, "good-", 5) != 0)
        return WICK_CODE_AUTH_INVALID;
    grant->len = token->len - 5;
    memcpy(grant->principal, token->data + 5, grant->len);
    grant->expires_ms = token_ends;
    return WICK_CODE_NONE;
}

static char applied[512]; /* the application's message that came last */
static wick_code refuse_application;

static wick_code on_application(void *user, wick_session session, const wick_event *event)
{
    (void)user;
    CHECK(session != 0);
    snprintf(applied, sizeof applied, "%.*s %.*s", (int)event->head.type.len, event->head.type.data,
             (int)event->head.payload.len, event->head.payload.data);
    return refuse_application;
}

static const wick_experience_callbacks callbacks = { .on_invoke = on_invoke, .on_cancel = on_cancel,
    .on_answer = on_answer, .on_deliver = on_deliver, .on_close = on_close, .on_event = on_event,
    .on_random = on_random, .on_auth = on_auth, .on_application = on_application };

static void begin(void)
{
    config.size = sizeof config;
    config.callbacks = &callbacks;
    config.message_bytes = 65536;
    config.links = 8;
    if (!config.sessions)
        config.sessions = 8;
    config.invocations = config.questions = config.remembered = 8;
    config.rooms = config.rooms ? config.rooms : 8;
    config.members = config.members ? config.members : 8;
    config.pool.size = sizeof config.pool;
    config.pool.blocks = 512;
    config.stream.size = sizeof config.stream;
    if (!config.stream.text_bytes)
        config.stream.text_bytes = 65536;
    x_size = wick_experience_size(&config);
    x = (wick_experience *)(void *)test_guard_back(NULL, x_size);
    memset((void *)x, 0xA5, x_size);
    now = 1000;
    CHECK_STATUS(wick_experience_init(x, &config, now), WICK_OK);
    memset(readers, 0, sizeof readers);
    told_len = 0;
    told[0] = 0;
    audited = 0;
    refuse_with = WICK_CODE_NONE;
}

static void end(void)
{
    test_unguard((uint8_t *)(void *)x, x_size);
    memset(&config, 0, sizeof config);
}

static void clear(void)
{
    for (int i = 0; i < READERS; i++) {
        readers[i].len = 0;
        readers[i].got[0] = 0;
    }
    told_len = 0;
    told[0] = 0;
}

static wick_link connect_as(int reader, const char *principal, int need_auth)
{
    wick_link link;
    wick_link_config how = { sizeof how, 1, (uint8_t)need_auth, { NULL, 0, 0 }, 0 };
    how.principal = wick_text_of(principal, strlen(principal));
    CHECK_STATUS(wick_experience_open(x, &readers[reader], &how, &link, now), WICK_OK);
    readers[reader].closed = 0;
    return link;
}

static wick_status say(wick_link link, const char *message)
{
    return wick_experience_receive(x, link, message, strlen(message), now);
}

static int has(int reader, const char *text)
{
    return strstr(readers[reader].got, text) != NULL;
}

#define HAS(reader, text)                                                                        \
    do {                                                                                         \
        if (!has(reader, text))                                                                  \
            test_fail(__FILE__, __LINE__, "%s is not in: %s", text, readers[reader].got);        \
    } while (0)

/* A string or number of session.opened, as text. */
static const char *field(int reader, const char *name)
{
    static char out[4][160];
    static int turn;
    char key[64];
    char *value = out[turn++ & 3];
    snprintf(key, sizeof key, "\"%s\":", name);
    const char *at = strstr(readers[reader].got, key);
    value[0] = 0;
    if (!at) {
        test_fail(__FILE__, __LINE__, "no %s in %s", name, readers[reader].got);
        return value;
    }
    at += strlen(key);
    at += *at == '"';
    size_t len = strcspn(at, "\",}");
    snprintf(value, 160, "%.*s", (int)len, at);
    return value;
}

/* What a client knows after session.opened. */
struct known {
    char id[160], token[160];
    unsigned long long epoch;
};

static struct known known_from(int reader)
{
    struct known known;
    snprintf(known.id, sizeof known.id, "%s", field(reader, "session_id"));
    snprintf(known.token, sizeof known.token, "%s", field(reader, "resume_token"));
    known.epoch = strtoull(field(reader, "epoch"), NULL, 10);
    return known;
}

static wick_link opened(int reader, struct known *known)
{
    wick_link link = connect_as(reader, "", 0);
    say(link, "{\"type\":\"session.open\",\"id\":\"o\",\"payload\":{\"versions\":[\"0.9\",\"1.0\"],\"coalesce_ms\":0}}");
    HAS(reader, "\"type\":\"session.opened\"");
    *known = known_from(reader);
    return link;
}

static wick_link resumed(int reader, const struct known *known, unsigned long long last_seq)
{
    char out[1024];
    wick_link link = connect_as(reader, "", 0);
    snprintf(out, sizeof out,
             "{\"type\":\"session.open\",\"payload\":{\"session_id\":\"%s\",\"resume_token\":\"%s\",\"epoch\":%llu,"
             "\"last_seq\":%llu,\"coalesce_ms\":0}}",
             known->id, known->token, known->epoch, last_seq);
    say(link, out);
    return link;
}

#define MESSAGE(id, run) \
    "{\"type\":\"agent.message\",\"id\":\"" id "\",\"payload\":{\"text\":\"t\",\"invocation_id\":\"" run "\"}}"

/* ---- Cases ---- */

static void what_opened_says(void)
{
    struct known known;
    begin();
    opened(0, &known);
    static const char *const parts[] = { "\"re\":\"o\"", "\"version\":\"1.0\"", "\"head_seq\":0", "\"recovered\":false",
        "\"heartbeat\":{\"interval_ms\":25000,\"timeout_ms\":20000}", "\"max_message_bytes\":65536",
        "\"resume_window_ms\":120000", "\"max_invocations\":128", "\"pending_inputs\":[]" };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        HAS(0, parts[i]);
    CHECK_INT((long long)strlen(known.token), 32);
    CHECK(known.epoch > 0);
    CHECK(!has(0, "session.reset") && !has(0, "replay"));
    end();
}

static void accepted_goes_first(void)
{
    struct known known;
    begin();
    wick_link link = opened(0, &known);
    clear();
    CHECK_STATUS(say(link, MESSAGE("c1", "i1")), WICK_OK);
    const char *accepted = strstr(readers[0].got, "{\"type\":\"accepted\",\"re\":\"c1\",\"payload\":{\"invocation_id\":"
                                                  "\"i1\"}}");
    const char *started = strstr(readers[0].got, "{\"seq\":1,\"type\":\"agent.started\"");
    CHECK(accepted && started && accepted < started);
    CHECK_INT(audited, 1);
    clear();
    emit("i1", WICK_TYPE_AGENT_TOKEN, "a");
    emit("i1", WICK_TYPE_AGENT_COMPLETED, "");
    HAS(0, "{\"seq\":2,\"type\":\"agent.token\"");
    HAS(0, "{\"seq\":3,\"type\":\"agent.completed\"");
    say(link, "{\"type\":\"agent.cancel\",\"id\":\"c2\",\"payload\":{\"invocation_id\":\"i1\"}}");
    HAS(0, "{\"type\":\"accepted\",\"re\":\"c2\"");
    say(link, "{\"type\":\"agent.cancel\",\"id\":\"c3\",\"payload\":{\"invocation_id\":\"nope\"}}");
    HAS(0, "\"re\":\"c3\",\"payload\":{\"code\":\"INVOCATION_NOT_FOUND\"");
    say(link, "{\"type\":\"ack\",\"payload\":{\"seq\":3}}");
    CHECK(!has(0, "payload.seq"));
    say(link, "{\"type\":\"ack\",\"id\":\"c4\",\"payload\":{\"seq\":4}}");
    HAS(0, "\"re\":\"c4\",\"payload\":{\"code\":\"INVALID_PAYLOAD\"");
    end();
}

static void before_the_opening(void)
{
    begin();
    wick_link link = connect_as(0, "", 0);
    say(link, "{\"type\":\"ping\"}");
    HAS(0, "{\"type\":\"pong\"}");
    say(link, "{\"type\":\"session.open\",\"id\":\"a\",\"payload\":{\"coalesce_ms\":251}}");
    HAS(0, "payload.coalesce_ms");
    CHECK_INT(readers[0].closed, 0);
    say(link, MESSAGE("c1", "i1"));
    CHECK_INT(readers[0].closed, 4401);
    CHECK_STATUS(say(link, "{\"type\":\"ping\"}"), WICK_E_STATE);
    wick_experience_detach(x, link, now);
    link = connect_as(1, "", 0);
    say(link, "nonsense");
    CHECK_INT(readers[1].closed, 4401);
    link = connect_as(2, "", 0);
    CHECK_INT((long long)wick_experience_deadline(x), (long long)now + 10000);
    now += 9999;
    wick_experience_tick(x, now);
    CHECK_INT(readers[2].closed, 0);
    now += 1;
    wick_experience_tick(x, now);
    CHECK_INT(readers[2].closed, 4408);
    link = connect_as(3, "", 0);
    say(link, "{\"type\":\"session.open\",\"payload\":{\"versions\":[\"2.0\"]}}");
    CHECK_INT(readers[3].closed, 4406);
    link = connect_as(4, "", 0);
    say(link, "{\"type\":\"session.open\"}");
    HAS(4, "session.opened");
    say(link, "{\"type\":\"session.open\"}");
    CHECK_INT(readers[4].closed, 4429);
    end();
}

static void resume_gives_what_was_missed(void)
{
    struct known known;
    begin();
    wick_link link = opened(0, &known);
    say(link, MESSAGE("c1", "i1"));
    emit("i1", WICK_TYPE_AGENT_TOKEN, "a");
    wick_experience_detach(x, link, now);
    emit("i1", WICK_TYPE_AGENT_TOKEN, "b");
    emit("i1", WICK_TYPE_AGENT_COMPLETED, "");
    clear();
    link = resumed(1, &known, 2);
    HAS(1, "\"recovered\":true");
    HAS(1, "\"replay_from\":3,\"replay_count\":2");
    HAS(1, "{\"seq\":3,\"type\":\"agent.token\"");
    HAS(1, "{\"seq\":4,\"type\":\"agent.completed\"");
    CHECK(!has(1, "\"seq\":2") && !has(1, "session.reset"));
    /* Nothing missed is recovered, too. */
    struct known again = known_from(1);
    CHECK(strcmp(again.token, known.token) != 0);
    clear();
    wick_link newer = resumed(2, &again, 4);
    HAS(2, "\"recovered\":true");
    CHECK(!has(2, "replay_from"));
    CHECK_INT(readers[1].closed, 4409);
    wick_experience_detach(x, link, now);
    clear();
    say(newer, MESSAGE("c2", "i2"));
    HAS(2, "{\"seq\":5,\"type\":\"agent.started\"");
    end();
}

static void cursors_that_cannot_be_served(void)
{
    struct known known;
    begin();
    wick_link link = opened(0, &known);
    say(link, MESSAGE("c1", "i1"));
    emit("i1", WICK_TYPE_AGENT_TOKEN, "whole ");
    emit("i1", WICK_TYPE_AGENT_TOKEN, "text");
    wick_experience_detach(x, link, now);
    clear();
    link = resumed(1, &known, 99); /* beyond the head */
    HAS(1, "\"recovered\":false");
    HAS(1, "\"type\":\"session.reset\"");
    HAS(1, "\"reason\":\"epoch_changed\"");
    HAS(1, "\"text\":\"whole text\"");
    HAS(1, "\"head_seq\":3");
    known.epoch++;
    struct known other = known_from(1);
    other.epoch = known.epoch;
    clear();
    link = resumed(2, &other, 2);
    HAS(2, "\"reason\":\"epoch_changed\"");
    clear();
    emit("i1", WICK_TYPE_AGENT_COMPLETED, "");
    HAS(2, "{\"seq\":4,\"type\":\"agent.completed\"");
    /* A session that is not known is opened anew, under its name. */
    snprintf(other.id, sizeof other.id, "s_unknown");
    clear();
    resumed(3, &other, 2);
    HAS(3, "\"session_id\":\"s_unknown\"");
    HAS(3, "\"recovered\":false");
    HAS(3, "\"reason\":\"epoch_changed\"");
    HAS(3, "\"snapshot\":{\"invocations\":[]}");
    end();
}

static void the_window_expires(void)
{
    struct known known;
    char text[64];
    config.stream.max_events = 10;
    begin();
    wick_link link = opened(0, &known);
    say(link, MESSAGE("c1", "i1"));
    wick_experience_detach(x, link, now);
    for (int i = 0; i < 20; i++) {
        snprintf(text, sizeof text, "%d,", i);
        emit("i1", WICK_TYPE_AGENT_TOKEN, text);
    }
    clear();
    resumed(1, &known, 1);
    HAS(1, "\"reason\":\"window_expired\"");
    HAS(1, "\"text\":\"0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,\"");
    CHECK(!has(1, "\"type\":\"agent.token\""));
    end();
}

static void tokens(void)
{
    struct known known, next, third;
    begin();
    wick_link link = opened(0, &known);
    wick_experience_detach(x, link, now);
    clear();
    struct known wrong = known;
    wrong.token[5] ^= 1;
    resumed(1, &wrong, 0);
    HAS(1, "SESSION_FORBIDDEN");
    CHECK_INT(readers[1].closed, 4403);
    wrong.token[0] = 0;
    clear();
    link = connect_as(1, "", 0);
    char out[512];
    snprintf(out, sizeof out, "{\"type\":\"session.open\",\"payload\":{\"session_id\":\"%s\"}}", known.id);
    say(link, out);
    CHECK_INT(readers[1].closed, 4403);
    /* The new token and the one that was shown are good until one is used. */
    clear();
    link = resumed(2, &known, 0);
    next = known_from(2);
    wick_experience_detach(x, link, now);
    clear();
    link = resumed(2, &known, 0);
    HAS(2, "session.opened");
    third = known_from(2);
    wick_experience_detach(x, link, now);
    clear();
    resumed(3, &next, 0);
    CHECK_INT(readers[3].closed, 4403);
    clear();
    link = resumed(2, &third, 0);
    HAS(2, "session.opened");
    clear();
    resumed(3, &known, 0);
    CHECK_INT(readers[3].closed, 4403);
    /* Somebody else with the right token. */
    known = third;
    clear();
    link = connect_as(4, "eve", 0);
    snprintf(out, sizeof out, "{\"type\":\"session.open\",\"payload\":{\"session_id\":\"%s\",\"resume_token\":\"%s\"}}",
             known.id, known.token);
    say(link, out);
    CHECK_INT(readers[4].closed, 4403);
    end();
}

static void tokens_of_users(void)
{
    begin();
    wick_link link = connect_as(0, "", 1);
    say(link, "{\"type\":\"session.open\"}");
    HAS(0, "AUTH_REQUIRED");
    CHECK_INT(readers[0].closed, 4401);
    link = connect_as(1, "", 1);
    say(link, "{\"type\":\"session.open\",\"payload\":{\"auth\":{\"scheme\":\"bearer\",\"token\":\"bad\"}}}");
    HAS(1, "AUTH_INVALID");
    CHECK_INT(readers[1].closed, 4401);
    link = connect_as(2, "", 1);
    say(link, "{\"type\":\"session.open\",\"payload\":{\"auth\":{\"scheme\":\"bearer\",\"token\":\"good-ann\"}}}");
    HAS(2, "session.opened");
    wick_session_info info;
    CHECK_STATUS(wick_experience_info(x, wick_experience_session(x, link), &info), WICK_OK);
    CHECK(info.principal.len == 3 && memcmp(info.principal.data, "ann", 3) == 0);
    clear();
    say(link, "{\"type\":\"session.update\",\"id\":\"u\",\"payload\":{\"auth\":{\"scheme\":\"bearer\",\"token\":"
              "\"good-ann\"}}}");
    HAS(2, "\"accepted\",\"re\":\"u\"");
    clear();
    say(link, "{\"type\":\"session.update\",\"id\":\"v\",\"payload\":{\"auth\":{\"scheme\":\"bearer\",\"token\":"
              "\"good-bob\"}}}");
    HAS(2, "SESSION_FORBIDDEN");
    CHECK_INT(readers[2].closed, 0);
    end();
}

static void an_id_runs_once(void)
{
    struct known known;
    begin();
    wick_link link = opened(0, &known);
    unsigned before = 0;
    for (int i = 0; i < 5; i++) {
        clear();
        say(link, "{\"type\":\"agent.message\",\"id\":\"same\",\"payload\":{\"text\":\"t\"}}");
        HAS(0, "\"type\":\"accepted\",\"re\":\"same\"");
        CHECK(has(0, "\"duplicate\":true") == (i > 0));
        CHECK((told_len > 0) == (i == 0));
        const char *id = field(0, "invocation_id");
        unsigned hash = 5381;
        for (const char *p = id; *p; p++)
            hash = hash * 33 + (unsigned char)*p;
        CHECK(i == 0 || hash == before);
        before = hash;
        wick_experience_detach(x, link, now);
        clear();
        link = resumed(0, &known, 0);
        known = known_from(0);
    }
    /* What was refused may be tried again. */
    clear();
    refuse_with = WICK_CODE_RUNTIME_UNAVAILABLE;
    say(link, MESSAGE("r", "r1"));
    HAS(0, "RUNTIME_UNAVAILABLE");
    refuse_with = WICK_CODE_NONE;
    clear();
    say(link, MESSAGE("r", "r1"));
    HAS(0, "\"type\":\"accepted\",\"re\":\"r\"");
    CHECK(!has(0, "duplicate"));
    /* Ten minutes later it is another message. */
    now += 600000;
    clear();
    say(link, "{\"type\":\"agent.message\",\"id\":\"same\",\"payload\":{\"text\":\"t\"}}");
    CHECK(!has(0, "duplicate") && told_len > 0);
    /* Of two sessions the same id is not the same message. */
    struct known other;
    wick_link second = opened(1, &other);
    clear();
    say(second, MESSAGE("r", "r2"));
    HAS(1, "\"re\":\"r\",\"payload\":{\"invocation_id\":\"r2\"}");
    end();
}

static void ids_give_way(void)
{
    struct known known;
    char out[128];
    begin(); /* eight are remembered */
    wick_link link = opened(0, &known);
    for (int i = 0; i < 20; i++) {
        clear();
        snprintf(out, sizeof out, "{\"type\":\"session.update\",\"id\":\"u%d\",\"payload\":{\"coalesce_ms\":1}}", i);
        say(link, out);
        HAS(0, "accepted");
        CHECK(!has(0, "duplicate"));
    }
    clear();
    say(link, "{\"type\":\"session.update\",\"id\":\"u12\"}");
    HAS(0, "duplicate");
    clear();
    say(link, "{\"type\":\"session.update\",\"id\":\"u11\"}");
    CHECK(!has(0, "duplicate"));
    end();
}

#define ANSWER(id, content) \
    "{\"type\":\"agent.input_response\",\"id\":\"" id "\",\"payload\":{\"request_id\":\"q1\",\"content\":" content "}}"

static int last_type;
static char last_code[64], last_result[256];

static void on_reply(void *user, const wick_event *reply)
{
    (void)user;
    last_type = (int)reply->type;
    last_code[0] = last_result[0] = 0;
    if (reply->type == WICK_TYPE_ERROR)
        snprintf(last_code, sizeof last_code, "%.*s", (int)reply->as.error.code.len, reply->as.error.code.data);
    else
        snprintf(last_code, sizeof last_code, "%s", reply->as.accepted.duplicate ? "duplicate" : "");
    if (reply->type == WICK_TYPE_ACCEPTED)
        snprintf(last_result, sizeof last_result, "%.*s", (int)reply->as.accepted.result.len,
                 reply->as.accepted.result.data ? reply->as.accepted.result.data : "");
}

static void post(wick_session session, const char *message)
{
    last_type = 0;
    CHECK_STATUS(wick_experience_post(x, session, message, strlen(message), on_reply, NULL, now), WICK_OK);
}

static void questions_wait(void)
{
    struct known known;
    char out[1024];
    size_t len;
    begin();
    wick_link link = opened(0, &known);
    wick_session session = wick_experience_session(x, link);
    say(link, MESSAGE("c1", "i1"));
    emit("i1", WICK_TYPE_AGENT_INPUT_REQUEST, "q1");
    wick_experience_detach(x, link, now);
    CHECK_STATUS(wick_experience_inputs(x, session, out, sizeof out, &len), WICK_OK);
    CHECK(len < sizeof out && memcmp(out, "[{\"request_id\":\"q1\",\"question\":\"which?\"", 39) == 0);
    static const char ids[] = ",\"invocation_id\":\"i1\",\"agent_id\":\"guide.content\"}]";
    CHECK(memcmp(out + len - (sizeof ids - 1), ids, sizeof ids - 1) == 0);
    CHECK_STATUS(wick_experience_inputs(x, session, out, 10, &len), WICK_E_SPACE);
    /* It comes again, the answer is given elsewhere, and the run goes on. */
    clear();
    link = resumed(1, &known, 2);
    HAS(1, "\"pending_inputs\":[{\"request_id\":\"q1\",\"question\":\"which?\"");
    /* Also where the events are not kept: in the snapshot. */
    wick_view_config late = { .size = sizeof late, .after = { 999, 1 } };
    wick_link view;
    CHECK_STATUS(wick_experience_view(x, &readers[2], session, &late, &view, now), WICK_OK);
    HAS(2, "\"type\":\"session.reset\"");
    HAS(2, "],\"pending_inputs\":[{\"request_id\":\"q1\",\"question\":\"which?\"");
    HAS(2, "\"invocation_id\":\"i1\",\"agent_id\":\"guide.content\"}]}}}");
    wick_experience_detach(x, view, now);
    clear();
    post(session, ANSWER("a1", "{\"a\":1}"));
    CHECK_INT(last_type, WICK_TYPE_ACCEPTED);
    CHECK(strcmp(told, "answer q1 {\"a\":1}\n") == 0);
    HAS(1, "{\"seq\":3,\"type\":\"agent.input_resolved\"");
    post(session, ANSWER("a2", "{\"a\":1}"));
    CHECK(strcmp(last_code, "duplicate") == 0);
    clear();
    say(link, ANSWER("a3", "{\"a\":2}"));
    HAS(1, "INPUT_ALREADY_RESOLVED");
    /* The time runs on while nobody is there. */
    emit("i1", WICK_TYPE_AGENT_INPUT_REQUEST, "q1");
    wick_experience_detach(x, link, now);
    now += 300000;
    clear();
    wick_experience_tick(x, now);
    CHECK(strcmp(told, "answer q1 Timeout: No user response\n") == 0);
    post(session, ANSWER("a4", "1"));
    CHECK(strcmp(last_code, "INPUT_EXPIRED") == 0);
    post(session, "{\"type\":\"agent.input_response\",\"payload\":{\"request_id\":\"q9\",\"content\":1}}");
    CHECK(strcmp(last_code, "INPUT_NOT_FOUND") == 0);
    post(session, "{\"type\":\"session.open\"}");
    CHECK(strcmp(last_code, "UNKNOWN_TYPE") == 0);
    post(session, "{");
    CHECK(strcmp(last_code, "INVALID_JSON") == 0);
    end();
}

static void views(void)
{
    struct known known;
    wick_link view, late;
    begin();
    wick_link link = opened(0, &known);
    wick_session session = wick_experience_session(x, link);
    wick_session entered;
    wick_text id = wick_text_of(known.id, strlen(known.id)), token = wick_text_of(known.token, strlen(known.token));
    CHECK_INT(wick_experience_enter(x, &id, &token, NULL, &entered), WICK_CODE_NONE);
    CHECK(entered == session && wick_experience_find(x, &id) == session);
    token.len--;
    CHECK_INT(wick_experience_enter(x, &id, &token, NULL, &entered), WICK_CODE_SESSION_FORBIDDEN);
    CHECK(entered == 0);
    say(link, MESSAGE("c1", "i1"));
    emit("i1", WICK_TYPE_AGENT_TOKEN, "a");
    /* From a cursor, from the start, from the end; all read the same. */
    wick_view_config from = { sizeof from, { known.epoch, 1 }, 0 };
    CHECK_STATUS(wick_experience_view(x, &readers[1], session, &from, &view, now), WICK_OK);
    HAS(1, "{\"seq\":2,\"type\":\"agent.token\"");
    CHECK(!has(1, "\"seq\":1"));
    CHECK_INT((long long)readers[1].cursor.seq, 2);
    CHECK_STATUS(say(view, "{\"type\":\"ping\"}"), WICK_E_STATE);
    from.after.epoch = 0;
    from.after.seq = UINT64_MAX;
    CHECK_STATUS(wick_experience_view(x, &readers[2], session, &from, &late, now), WICK_OK);
    CHECK_INT((long long)readers[2].len, 0);
    emit("i1", WICK_TYPE_AGENT_COMPLETED, "");
    for (int i = 0; i < 3; i++)
        HAS(i, "{\"seq\":3,\"type\":\"agent.completed\"");
    wick_experience_detach(x, view, now);
    from.after.epoch = known.epoch + 1;
    clear();
    CHECK_STATUS(wick_experience_view(x, &readers[1], session, &from, &view, now), WICK_OK);
    HAS(1, "\"type\":\"session.reset\"");
    CHECK(readers[1].cursor.epoch == known.epoch && readers[1].cursor.seq == 3);
    /* A session ends with all that read it. */
    clear();
    say(link, "{\"type\":\"session.close\",\"id\":\"z\"}");
    HAS(0, "\"accepted\",\"re\":\"z\"");
    CHECK_INT(readers[0].closed, 1000);
    CHECK_INT(readers[1].closed, 1000);
    CHECK_INT(readers[2].closed, 1000);
    CHECK_STATUS(wick_experience_view(x, &readers[3], session, NULL, &view, now), WICK_E_STATE);
    end();
}

static void sessions_of_the_host(void)
{
    wick_session session, other;
    wick_link view;
    wick_code code;
    char run[WICK_LIMIT_ID];
    size_t len;
    begin();
    wick_session_config how = { sizeof how, WICK_TEXT("mission-7"), WICK_TEXT("ann"), WICK_TEXT("7") };
    how.mission_id.form = WICK_TEXT_JSON;
    CHECK_STATUS(wick_experience_create(x, &how, &session, now), WICK_OK);
    CHECK_STATUS(wick_experience_create(x, &how, &other, now), WICK_E_STATE);
    wick_invocation invocation = { 0 };
    invocation.agent_id = WICK_TEXT("guide.content");
    invocation.input = WICK_TEXT("plan");
    CHECK_STATUS(wick_experience_invoke(x, session, &invocation, run, &len, &code, now), WICK_OK);
    CHECK_INT((long long)len, WICK_UUID_SIZE);
    wick_event event = { 0 };
    event.type = WICK_TYPE_MISSION_STATUS;
    event.as.mission_status.mission_id = how.mission_id;
    event.as.mission_status.status = WICK_MISSION_RUNNING;
    CHECK_STATUS(wick_experience_publish(x, session, &event, now), WICK_OK);
    CHECK_STATUS(wick_experience_view(x, &readers[0], session, NULL, &view, now), WICK_OK);
    HAS(0, "{\"seq\":1,\"type\":\"agent.started\"");
    HAS(0, "\"session_id\":\"mission-7\"");
    HAS(0, "{\"seq\":2,\"type\":\"mission.status\"");
    HAS(0, "\"mission_id\":7,");
    wick_experience_cancel(x, session, "enough", now);
    HAS(0, "\"code\":\"CANCELLED\"");
    wick_experience_end(x, session, 1000, "over", now);
    CHECK_INT(readers[0].closed, 1000);
    wick_session_info info;
    CHECK_STATUS(wick_experience_info(x, session, &info), WICK_E_STATE);
    wick_experience_counts counts;
    wick_experience_detach(x, view, now);
    wick_experience_count(x, &counts);
    CHECK_INT(counts.sessions + counts.detached + counts.links + counts.invocations, 0);
    end();
}

static void expiry(void)
{
    struct known known;
    wick_experience_counts counts;
    begin();
    wick_link link = opened(0, &known);
    say(link, MESSAGE("c1", "i1"));
    wick_experience_detach(x, link, now);
    now += 500000; /* the run holds it */
    wick_experience_tick(x, now);
    wick_experience_count(x, &counts);
    CHECK_INT(counts.sessions, 1);
    emit("i1", WICK_TYPE_AGENT_COMPLETED, "");
    CHECK(wick_experience_deadline(x) <= now + 120000);
    now += 119999;
    wick_experience_tick(x, now);
    wick_experience_count(x, &counts);
    CHECK_INT(counts.sessions, 1);
    now += 1;
    wick_experience_tick(x, now);
    wick_experience_count(x, &counts);
    CHECK_INT(counts.sessions, 0);
    CHECK(wick_experience_deadline(x) == WICK_NEVER);
    clear();
    resumed(1, &known, 1);
    HAS(1, "\"recovered\":false");
    end();
}

static void disconnect_can_cancel(void)
{
    struct known known;
    begin();
    wick_link link = opened(0, &known);
    say(link, "{\"type\":\"session.update\",\"payload\":{\"on_disconnect\":\"cancel\"}}");
    say(link, MESSAGE("c1", "goes"));
    say(link, "{\"type\":\"agent.message\",\"payload\":{\"text\":\"t\",\"invocation_id\":\"stays\",\"on_disconnect\":"
              "\"continue\"}}");
    wick_experience_detach(x, link, now);
    now += 4999;
    clear();
    wick_experience_tick(x, now);
    link = resumed(1, &known, 2); /* in time */
    known = known_from(1);
    now += 10000;
    wick_experience_tick(x, now);
    CHECK_INT((long long)told_len, 0);
    wick_experience_detach(x, link, now);
    now += 5000;
    wick_experience_tick(x, now);
    CHECK(strcmp(told, "cancel goes\n") == 0);
    end();
}

/* A token that ends closes the link in time, unless a fresh one has been shown. */
static void tokens_that_end(void)
{
    static const char open[] = "{\"type\":\"session.open\",\"payload\":{\"auth\":{\"scheme\":\"bearer\",\"token\":"
                               "\"good-ann\"}}}";
    static const char update[] = "{\"type\":\"session.update\",\"id\":\"u\",\"payload\":{\"auth\":{\"scheme\":"
                                 "\"bearer\",\"token\":\"good-ann\"}}}";
    wick_link links[4];
    begin();
    /* Opened in an order in which they do not end. */
    static const uint64_t lives[] = { 3000, 1000, 4000, 2000 };
    for (int i = 0; i < 4; i++) {
        links[i] = connect_as(i, "", 1);
        token_ends = now + lives[i];
        say(links[i], open);
        HAS(i, "session.opened");
    }
    uint64_t start = now;
    token_ends = start + 2500;
    say(links[1], update); /* lives longer than it was to */
    HAS(1, "\"type\":\"accepted\",\"re\":\"u\"");
    CHECK(wick_experience_deadline(x) <= start + 2000);
    static const struct { uint64_t at; int goes; } ends[] = { { 2000, 3 }, { 2500, 1 }, { 3000, 0 }, { 4000, 2 } };
    for (int i = 0; i < 4; i++) {
        now = start + ends[i].at - 1;
        wick_experience_tick(x, now);
        CHECK_INT(readers[ends[i].goes].closed, 0);
        now++;
        CHECK(wick_experience_deadline(x) <= now);
        wick_experience_tick(x, now);
        CHECK_INT(readers[ends[i].goes].closed, 4501);
        wick_experience_detach(x, links[ends[i].goes], now);
    }
    /* What comes after the end and before the tick; a fresh token is too late then. */
    clear();
    links[0] = connect_as(0, "", 1);
    token_ends = now + 10;
    say(links[0], open);
    token_ends = 0;
    now += 10;
    say(links[0], update);
    HAS(0, "\"re\":\"u\"");
    HAS(0, "AUTH_EXPIRED");
    CHECK_INT(readers[0].closed, 4501);
    wick_experience_detach(x, links[0], now);
    /* A quiet link by the token of its handshake; a fresh one without an end takes the end away. */
    wick_link_config how = { .size = sizeof how, .expires_ms = now + 5 };
    readers[1].closed = readers[2].closed = 0;
    CHECK_STATUS(wick_experience_open(x, &readers[1], &how, &links[1], now), WICK_OK);
    how.full = 1;
    how.principal = WICK_TEXT("ann");
    CHECK_STATUS(wick_experience_open(x, &readers[2], &how, &links[2], now), WICK_OK);
    say(links[2], "{\"type\":\"session.open\"}");
    say(links[2], update);
    now += 5;
    wick_experience_tick(x, now);
    CHECK_INT(readers[1].closed, 4501);
    CHECK_INT(readers[2].closed, 0);
    end();
}

/* The application's own messages come through as they are, once. */
static void messages_of_the_application(void)
{
    struct known known;
    begin();
    wick_link link = opened(0, &known);
    wick_session session = wick_experience_session(x, link);
    clear();
    say(link, "{\"type\":\"x.pointer\",\"payload\":{\"at\":[1, 2.50]}}");
    CHECK(strcmp(applied, "x.pointer {\"at\":[1, 2.50]}") == 0);
    CHECK_INT((long long)readers[0].len, 0);
    say(link, "{\"type\":\"x.save\",\"id\":\"s1\"}");
    HAS(0, "{\"type\":\"accepted\",\"re\":\"s1\"}");
    CHECK(strcmp(applied, "x.save ") == 0);
    applied[0] = 0;
    say(link, "{\"type\":\"x.save\",\"id\":\"s1\"}");
    CHECK(applied[0] == 0);
    HAS(0, "\"duplicate\":true");
    refuse_application = WICK_CODE_PERMISSION_DENIED;
    say(link, "{\"type\":\"x.save\",\"id\":\"s2\"}");
    HAS(0, "\"code\":\"PERMISSION_DENIED\"");
    refuse_application = WICK_CODE_NONE;
    post(session, "{\"type\":\"x.posted\",\"id\":\"s3\",\"payload\":{}}");
    CHECK_INT(last_type, WICK_TYPE_ACCEPTED);
    CHECK(strcmp(applied, "x.posted {}") == 0);
    end();
}

/* The host answers what it has handled itself. */
static void answers_of_the_host(void)
{
    struct known known;
    wick_link quiet;
    wick_event reply = { .type = WICK_TYPE_ACCEPTED };
    begin();
    wick_link opening = connect_as(3, "", 0), link = opened(0, &known);
    CHECK_STATUS(wick_experience_open(x, &readers[1], NULL, &quiet, now), WICK_OK);
    clear();
    CHECK_STATUS(wick_experience_reply(x, link, &reply, now), WICK_OK);
    CHECK_INT((long long)readers[0].len, 0); /* to nothing in particular */
    reply.head.re = WICK_TEXT("h1");
    CHECK_STATUS(wick_experience_reply(x, link, &reply, now), WICK_OK);
    HAS(0, "{\"type\":\"accepted\",\"re\":\"h1\"}");
    CHECK_STATUS(wick_experience_reply(x, quiet, &reply, now), WICK_OK);
    CHECK_INT((long long)readers[1].len, 0);
    CHECK_STATUS(wick_experience_reply(x, opening, &reply, now), WICK_E_STATE);
    reply.type = WICK_TYPE_ERROR;
    reply.as.error.code = WICK_TEXT("INPUT_NOT_FOUND");
    reply.as.error.message = WICK_TEXT("no");
    CHECK_STATUS(wick_experience_reply(x, quiet, &reply, now), WICK_OK);
    HAS(1, "\"re\":\"h1\"");
    HAS(1, "\"code\":\"INPUT_NOT_FOUND\"");
    readers[0].block = 1;
    CHECK_STATUS(wick_experience_reply(x, link, &reply, now), WICK_BLOCKED);
    end();
}

static void what_is_wrong_is_named(void)
{
    struct known known;
    wick_link quiet;
    begin();
    wick_link link = opened(0, &known);
    clear();
    say(link, "{\"type\":\"agent.massage\",\"id\":\"a\"}");
    HAS(0, "\"re\":\"a\"");
    HAS(0, "\"message\":\"type: \\\"agent.massage\\\" is not a request here\"");
    say(link, "{\"type\":\"agent.token\",\"id\":\"b\",\"payload\":{\"message_id\":\"m\",\"text\":\"t\"}}");
    HAS(0, "\"message\":\"type: \\\"agent.token\\\" is not a request here\"");
    say(link, "{\"type\":\"\\u0061gent.Z-1\"}");
    HAS(0, "type: \\\"agent.Z-1\\\" is");
    post(wick_experience_session(x, link), "{\"type\":\"no.way\"}");
    CHECK(strcmp(last_code, "UNKNOWN_TYPE") == 0);
    /* Versions. */
    link = connect_as(1, "", 0);
    say(link, "{\"type\":\"session.open\",\"id\":\"v\",\"payload\":{\"versions\":[\"2.0\"]}}");
    HAS(1, "\"re\":\"v\"");
    HAS(1, "INVALID_PAYLOAD");
    HAS(1, "payload.versions: a list with \\\"1.0\\\" expected");
    CHECK_INT(readers[1].closed, 4406);
    /* A quiet client may acknowledge, to no effect; what it opens it is told. */
    CHECK_STATUS(wick_experience_open(x, &readers[2], NULL, &quiet, now), WICK_OK);
    clear();
    say(quiet, "{\"type\":\"ack\",\"id\":\"a\",\"payload\":{\"seq\":7}}");
    CHECK_INT((long long)readers[2].len, 0);
    say(quiet, "{\"type\":\"session.open\",\"id\":\"o\",\"payload\":{}}");
    HAS(2, "\"re\":\"o\"");
    HAS(2, "offer agent-events.v1 in Sec-WebSocket-Protocol");
    end();
}

/* Who reads nothing at all, though the log has moved past it, goes; who only is late does not. */
static void who_never_reads(void)
{
    struct known known;
    config.stream.max_events = 20;
    config.slow_ms = 1000;
    begin();
    wick_link link = opened(0, &known);
    wick_session session = wick_experience_session(x, link);
    say(link, MESSAGE("c1", "i1"));
    readers[0].block = 1 << 20;
    emit("i1", WICK_TYPE_AGENT_TOKEN, "a");
    for (int i = 0; i < 10; i++) {
        now += 1000; /* all of it is still kept */
        CHECK(wick_experience_deadline(x) <= now);
        wick_experience_tick(x, now);
    }
    CHECK_INT(readers[0].closed, 0);
    for (int i = 0; i < 60; i++)
        emit("i1", WICK_TYPE_AGENT_TOKEN, "b");
    uint64_t start = now;
    while (!readers[0].closed && now < start + 5000) {
        now = wick_experience_deadline(x);
        wick_experience_tick(x, now);
    }
    CHECK_INT(readers[0].closed, 4509);
    CHECK(now >= start + 1000 && now <= start + 2000);
    readers[0].block = 0;
    wick_experience_detach(x, link, now);
    /* The session is there, and one that reads again in time goes on. */
    link = resumed(1, &known, 1);
    HAS(1, "session.reset");
    clear();
    readers[1].block = 1 << 20;
    for (int i = 0; i < 60; i++)
        emit("i1", WICK_TYPE_AGENT_TOKEN, "c");
    now += 1500;
    wick_experience_tick(x, now);
    readers[1].block = 0;
    wick_experience_room(x, link, now);
    HAS(1, "slow_consumer");
    for (int i = 0; i < 10; i++)
        wick_experience_tick(x, now += 1000);
    CHECK_INT(readers[1].closed, 0);
    CHECK(wick_experience_session(x, link) == session);
    end();
}

/* Rooms by POST: the answer tells what room.joined does, and the session's readers hear it. */
static void rooms_by_post(void)
{
    struct known ann, bob;
    wick_link view;
    begin();
    wick_session one = wick_experience_session(x, opened(0, &ann));
    opened(1, &bob);
    wick_experience_view(x, &readers[2], one, NULL, &view, now);
    clear();
    post(one, "{\"type\":\"room.join\",\"id\":\"j\",\"payload\":{\"room\":\"r/1\"}}");
    CHECK_INT(last_type, WICK_TYPE_ACCEPTED);
    CHECK(strcmp(last_result, "{\"room\":\"r/1\",\"members\":1}") == 0);
    HAS(0, "{\"type\":\"room.joined\",\"re\":\"j\",\"payload\":{\"room\":\"r/1\",\"members\":1}}");
    HAS(2, "{\"type\":\"room.joined\",\"re\":\"j\"");
    post(one, "{\"type\":\"room.publish\",\"id\":\"p\",\"payload\":{\"room\":\"r/1\",\"data\":{\"n\":1}}}");
    HAS(0, "\"type\":\"room.message\"");
    HAS(2, "\"data\":{\"n\":1}");
    post(one, "{\"type\":\"room.leave\",\"id\":\"l\",\"payload\":{\"room\":\"r/1\"}}");
    CHECK_INT(last_type, WICK_TYPE_ACCEPTED);
    HAS(2, "{\"type\":\"room.left\",\"re\":\"l\"");
    post(one, "{\"type\":\"room.publish\",\"payload\":{\"room\":\"r/1\",\"data\":1}}");
    CHECK(strcmp(last_code, "ROOM_NOT_FOUND") == 0);
    post(one, "{\"type\":\"ack\",\"id\":\"k\",\"payload\":{\"seq\":1}}");
    CHECK_INT(last_type, WICK_TYPE_ACCEPTED);
    end();
}

static void the_oldest_gives_way(void)
{
    struct known first, second, third;
    wick_experience_counts counts;
    config.sessions = 2;
    begin();
    wick_link one = opened(0, &first);
    wick_link two = opened(1, &second);
    clear();
    wick_link link = connect_as(2, "", 0);
    say(link, "{\"type\":\"session.open\"}");
    CHECK_INT(readers[2].closed, 4529);
    wick_experience_detach(x, link, now);
    wick_experience_detach(x, one, now);
    wick_experience_detach(x, two, now + 1);
    clear();
    opened(3, &third);
    clear();
    resumed(4, &second, 0);
    HAS(4, "\"recovered\":true");
    wick_experience_count(x, &counts);
    CHECK_INT(counts.sessions, 2);
    CHECK_INT(counts.detached, 0);
    end();
}

static void a_slow_reader_is_told(void)
{
    struct known known;
    wick_link view;
    char text[600];
    config.stream.max_events = 50;
    config.stream.text_bytes = 65536;
    begin();
    wick_link link = opened(0, &known);
    say(link, MESSAGE("c1", "i1"));
    wick_view_config from = { sizeof from, { 0, 0 }, 0 };
    wick_experience_view(x, &readers[1], wick_experience_session(x, link), &from, &view, now);
    clear();
    readers[0].block = 1;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    for (int i = 0; i < 100; i++) {
        now += 100;
        CHECK_STATUS(emit("i1", WICK_TYPE_AGENT_TOKEN, text), WICK_OK);
    }
    CHECK_INT((long long)readers[0].len, 0);
    HAS(1, "{\"seq\":101,"); /* nobody else waits */
    wick_experience_room(x, link, now);
    HAS(0, "\"reason\":\"slow_consumer\"");
    HAS(0, "\"head_seq\":101");
    emit("i1", WICK_TYPE_AGENT_COMPLETED, "");
    HAS(0, "{\"seq\":102,\"type\":\"agent.completed\"");
    /* One that is only late gets all of it, in fewer messages. */
    clear();
    say(link, MESSAGE("c2", "i2"));
    readers[0].block = 1;
    for (int i = 0; i < 30; i++)
        emit("i2", WICK_TYPE_AGENT_TOKEN, "y");
    emit("i2", WICK_TYPE_AGENT_COMPLETED, "");
    clear();
    wick_experience_room(x, link, now);
    HAS(0, "{\"seq\":133,\"first_seq\":105,\"type\":\"agent.token\"");
    HAS(0, "yyyyyyyyyyyyyyyyyyyyyyyyyyyyy");
    end();
}

static void refused_answers(void)
{
    struct known known;
    begin();
    wick_link link = connect_as(0, "", 0);
    readers[0].block = 1;
    CHECK_STATUS(say(link, "{\"type\":\"session.open\"}"), WICK_BLOCKED);
    wick_experience_counts counts;
    wick_experience_count(x, &counts);
    CHECK_INT(counts.sessions, 0);
    wick_experience_room(x, link, now);
    CHECK_STATUS(say(link, "{\"type\":\"session.open\",\"payload\":{\"coalesce_ms\":0}}"), WICK_OK);
    known = known_from(0);
    /* An answer that cannot be given ends the connection, not the run; the repeat is a duplicate. */
    readers[0].block = 1;
    clear();
    CHECK_STATUS(say(link, MESSAGE("c1", "i1")), WICK_OK);
    CHECK_INT(readers[0].closed, 4509);
    wick_experience_detach(x, link, now);
    link = resumed(1, &known, 0);
    HAS(1, "{\"seq\":1,\"type\":\"agent.started\"");
    clear();
    say(link, MESSAGE("c1", "i1"));
    HAS(1, "\"duplicate\":true,\"invocation_id\":\"i1\"");
    CHECK_INT((long long)told_len, 0);
    end();
}

static void draining(void)
{
    struct known known;
    begin();
    wick_link link = opened(0, &known);
    clear();
    wick_experience_drain(x, 500, now);
    HAS(0, "{\"type\":\"session.closing\"");
    HAS(0, "\"reason\":\"draining\",\"retry_after_ms\":500,\"code\":1001");
    say(link, MESSAGE("c1", "i1"));
    HAS(0, "\"code\":\"DRAINING\"");
    link = connect_as(1, "", 0);
    say(link, "{\"type\":\"session.open\"}");
    HAS(1, "\"code\":\"DRAINING\"");
    CHECK_INT(readers[1].closed, 1001);
    end();
}

static void wanted_types(void)
{
    begin();
    wick_link link = connect_as(0, "", 0);
    say(link, "{\"type\":\"session.open\",\"payload\":{\"want\":[\"agent.completed\",\"x.*\"],\"coalesce_ms\":0}}");
    say(link, MESSAGE("c1", "i1"));
    emit("i1", WICK_TYPE_AGENT_TOKEN, "a");
    clear();
    emit("i1", WICK_TYPE_AGENT_COMPLETED, "");
    HAS(0, "{\"seq\":3,\"first_seq\":1,\"type\":\"agent.completed\"");
    say(link, "{\"type\":\"session.update\",\"id\":\"w\",\"payload\":{\"want\":[7]}}");
    HAS(0, "payload.want");
    end();
}

#define JOIN(id, room, more) \
    "{\"type\":\"room.join\",\"id\":\"" id "\",\"payload\":{\"room\":\"" room "\"" more "}}"
#define PUBLISH(id, room, data) \
    "{\"type\":\"room.publish\",\"id\":\"" id "\",\"payload\":{\"room\":\"" room "\",\"data\":" data "}}"

static void rooms(void)
{
    struct known a, b, c;
    begin();
    wick_link one = opened(0, &a), two = opened(1, &b);
    clear();
    say(one, JOIN("j", "r/1", ""));
    CHECK(strcmp(readers[0].got, "{\"type\":\"accepted\",\"re\":\"j\"}\n{\"type\":\"room.joined\",\"re\":\"j\",\"payload\":"
                                 "{\"room\":\"r/1\",\"members\":1}}\n") == 0);
    say(two, PUBLISH("p0", "r/1", "1"));
    HAS(1, "ROOM_NOT_FOUND");
    say(two, JOIN("j", "r/1", ""));
    HAS(1, "\"members\":2");
    /* All hear it, the publisher too, behind the answer; one who is away later. */
    wick_experience_detach(x, two, now);
    clear();
    say(one, PUBLISH("p1", "r/1", "{\"a\":[1]}"));
    const char *accepted = strstr(readers[0].got, "\"accepted\",\"re\":\"p1\"");
    const char *message = strstr(readers[0].got, "{\"seq\":1,\"type\":\"room.message\"");
    CHECK(accepted && message && accepted < message);
    HAS(0, "\"room\":\"r/1\",\"payload\":{\"data\":{\"a\":[1]},\"from\":\"");
    HAS(0, "\"room_seq\":1}");
    say(one, "{\"type\":\"room.publish\",\"payload\":{\"room\":\"r/1\",\"data\":\"now\",\"volatile\":true}}");
    HAS(0, "\"data\":\"now\"");
    say(one, PUBLISH("p2", "r/1", "\"two\""));
    say(one, PUBLISH("p2", "r/1", "\"two\""));
    HAS(0, "\"duplicate\":true");
    HAS(0, "\"data\":\"two\"");
    HAS(0, "\"room_seq\":2}");
    two = resumed(2, &b, 0);
    HAS(2, "\"recovered\":true");
    HAS(2, "{\"seq\":1,\"type\":\"room.message\"");
    HAS(2, "{\"seq\":2,\"type\":\"room.message\"");
    CHECK(!has(2, "now") && !has(2, "\"seq\":3"));
    /* History follows room.joined, as events of the stream. */
    wick_link three = opened(3, &c);
    clear();
    say(three, JOIN("j", "r/1", ",\"history\":1"));
    const char *joined = strstr(readers[3].got, "\"room.joined\"");
    message = strstr(readers[3].got, "{\"seq\":1,\"type\":\"room.message\"");
    CHECK(joined && message && joined < message);
    HAS(3, "\"room_seq\":2}");
    CHECK(!has(3, "\"room_seq\":1}"));
    /* Rooms stand in session.reset. */
    clear();
    c.epoch++;
    three = resumed(4, &c, 0);
    HAS(4, "\"snapshot\":{\"invocations\":[],\"rooms\":[\"r/1\"]}}}");
    clear();
    say(three, "{\"type\":\"room.leave\",\"id\":\"l\",\"payload\":{\"room\":\"r/1\"}}");
    HAS(4, "{\"type\":\"room.left\",\"re\":\"l\",\"payload\":{\"room\":\"r/1\"}}");
    say(three, "{\"type\":\"room.leave\",\"id\":\"l2\",\"payload\":{\"room\":\"r/1\"}}");
    HAS(4, "ROOM_NOT_FOUND");
    end();
}

static void rooms_give_way(void)
{
    struct known known, other;
    config.rooms = 2;
    config.members = 3;
    begin();
    wick_link link = opened(0, &known), second = opened(1, &other);
    say(link, JOIN("1", "a", ""));
    say(link, JOIN("2", "b", ""));
    clear();
    say(link, JOIN("3", "c", ""));
    HAS(0, "RATE_LIMITED");
    say(link, PUBLISH("p", "b", "1"));
    say(link, "{\"type\":\"room.leave\",\"payload\":{\"room\":\"b\"}}");
    clear();
    say(link, JOIN("4", "b", ",\"history\":100")); /* still there */
    HAS(0, "\"room_seq\":1}");
    say(link, "{\"type\":\"room.leave\",\"payload\":{\"room\":\"b\"}}");
    say(link, JOIN("5", "c", ""));
    HAS(0, "\"room\":\"c\"");
    say(second, JOIN("6", "a", ""));
    say(second, JOIN("7", "c", ""));
    HAS(1, "\"re\":\"7\",\"payload\":{\"code\":\"RATE_LIMITED\"");
    /* A session that ends leaves its rooms, which are forgotten when their time is over. */
    say(link, "{\"type\":\"session.close\"}");
    CHECK(wick_experience_deadline(x) <= now + 120000);
    now += 120000;
    wick_experience_tick(x, now);
    clear();
    say(second, JOIN("8", "c", ",\"history\":1"));
    HAS(1, "\"members\":1");
    end();
}

/* ---- A client with a memory, at random ---- */

static struct client {
    struct known known;
    unsigned long long last; /* the last event that it has */
    size_t seen;             /* bytes that it has read */
    char said[4096];         /* what it ought to hear: event n is said[n - 2] */
    size_t said_len;
} client;

static void take_event(const char *line, unsigned long long first, unsigned long long seq)
{
    const char *text = strstr(line, "\"text\":\"");
    CHECK_INT((long long)first, (long long)client.last + 1);
    if (text && memcmp(text + 8, client.said + first - 2, (size_t)(seq - first + 1)) != 0)
        test_fail(__FILE__, __LINE__, "%s does not match %s", line, client.said + first - 2);
    client.last = seq;
}

static void take_reset(const char *line)
{
    const char *text = strstr(line, "\"text\":\""), *number = strstr(line, "\"head_seq\":");
    client.last = strtoull(number + 11, NULL, 10);
    CHECK(client.last >= 1);
    size_t len = (size_t)client.last - 1;
    CHECK(len == 0 || (text && strncmp(text + 8, client.said, len) == 0 && text[8 + len] == '"'));
}

static void client_reads(void)
{
    struct reader *r = &readers[0];
    while (client.seen < r->len && !test_failed()) {
        char *line = r->got + client.seen, *end_of_line = memchr(line, '\n', r->len - client.seen);
        const char *token = strstr(line, "\"resume_token\":\"");
        unsigned long long first, seq;
        *end_of_line = 0;
        client.seen = (size_t)(end_of_line + 1 - r->got);
        if (sscanf(line, "{\"seq\":%llu,\"first_seq\":%llu", &seq, &first) == 2)
            take_event(line, first, seq);
        else if (sscanf(line, "{\"seq\":%llu", &seq) == 1)
            take_event(line, seq, seq);
        else if (strstr(line, "\"session.reset\""))
            take_reset(line);
        else if (token && token < end_of_line)
            memcpy(client.known.token, token + 16, WICK_TOKEN_SIZE);
    }
}

static void speak(const char *run)
{
    char piece[2] = { (char)('a' + test_below(26)), 0 };
    client.said[client.said_len++] = piece[0];
    client.said[client.said_len] = 0;
    CHECK_STATUS(emit(run, WICK_TYPE_AGENT_TOKEN, piece), WICK_OK);
}

/* One thing that may happen to a connection. */
static wick_link happen(wick_link link)
{
    switch (link ? test_below(5) : 4u + test_below(3)) {
    case 0: /* cut; what is in flight may be lost */
        if (test_below(2))
            client_reads();
        client.seen = readers[0].len;
        wick_experience_detach(x, link, now);
        return 0;
    case 1:
        readers[0].block = (int)test_below(3);
        return link;
    case 2:
        wick_experience_room(x, link, now);
        return link;
    case 3:
        client_reads();
        return link;
    case 4:
        wick_experience_tick(x, now);
        return link;
    default:
        readers[0].block = 0;
        readers[0].len = client.seen = 0;
        link = resumed(0, &client.known, client.last);
        HAS(0, "session.opened");
        return link;
    }
}

/*
 * What a client has put together is what was said, whatever has happened to its connections: no number is lost or
 * repeated, and a reset brings the whole text.
 */
static void at_random(void)
{
    config.stream.max_events = 64;
    begin();
    for (size_t round = 0; round < test_rounds(60) && !test_failed(); round++) {
        char run[32], message[256];
        memset(&client, 0, sizeof client);
        clear();
        readers[0].block = 0;
        wick_link link = opened(0, &client.known);
        wick_session session = wick_experience_session(x, link);
        snprintf(run, sizeof run, "run%zu", round);
        snprintf(message, sizeof message,
                 "{\"type\":\"agent.message\",\"payload\":{\"text\":\"t\",\"invocation_id\":\"%s\"}}", run);
        say(link, message);
        for (int step = 0; step < 600 && !test_failed(); step++) {
            now += test_below(20);
            if (test_below(2))
                speak(run);
            else
                link = happen(link);
        }
        CHECK_STATUS(emit(run, WICK_TYPE_AGENT_COMPLETED, ""), WICK_OK);
        wick_experience_end(x, session, 1000, "over", now);
        wick_experience_detach(x, link, now);
    }
    wick_experience_counts counts;
    wick_experience_count(x, &counts);
    CHECK_INT(counts.sessions + counts.links + counts.invocations + counts.detached, 0);
    end();
}

int main(void)
{
    RUN(what_opened_says);
    RUN(accepted_goes_first);
    RUN(before_the_opening);
    RUN(resume_gives_what_was_missed);
    RUN(cursors_that_cannot_be_served);
    RUN(the_window_expires);
    RUN(tokens);
    RUN(tokens_of_users);
    RUN(an_id_runs_once);
    RUN(ids_give_way);
    RUN(questions_wait);
    RUN(views);
    RUN(sessions_of_the_host);
    RUN(expiry);
    RUN(disconnect_can_cancel);
    RUN(tokens_that_end);
    RUN(messages_of_the_application);
    RUN(answers_of_the_host);
    RUN(what_is_wrong_is_named);
    RUN(who_never_reads);
    RUN(rooms_by_post);
    RUN(the_oldest_gives_way);
    RUN(a_slow_reader_is_told);
    RUN(refused_answers);
    RUN(draining);
    RUN(wanted_types);
    RUN(rooms);
    RUN(rooms_give_way);
    RUN(at_random);
    return test_end();
}
