/*
 * session.c - `wick connect --session`: a session of agent-events.v1 by hand. wick_client connects, resumes,
 * acknowledges and sends again; what the server says is shown, what is typed is said.
 *
 * The end of stdin waits for answers and for the runs that go on, then closes the session. An interrupt leaves it
 * behind, and prints what it takes to go on with it.
 */
#include "wick/session.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/problem.h"
#include "lib/random.h"
#include "wick/input.h"

#define OUTBOX_BYTES (2u << 20)
#define END_MS 5000 /* how long closing may take */

static const struct session_options *asked;
static struct client_options *target;
static wick_client client;
static wick_client_config client_config;
static void *outbox;
static struct source timer;
static struct peer *peer; /* NULL: no connection */
static unsigned close_code;
static unsigned number;  /* of the next message */
static uint32_t process; /* another process may go on with the session: its ids are to be others */
static struct session_known known;
static int input_begun, input_over;
static int leaving;       /* closing, or interrupted */
static uint64_t end_ms;   /* when to stop waiting for the end */
static int waits_for_room;
static int busy;

static void advance(void);

size_t session_make_id(char *out)
{
    return (size_t)snprintf(out, SESSION_ID_MAX, "wick-%08x-%u", (unsigned)process, ++number);
}

/* ---- The end ----------------------------------------------------------------------------------------------------- */

static void leave(int status)
{
    command_status = status;
    loop_stop(&command_loop);
}

static void tell_resume(void)
{
    if (*known.session_id && *known.resume_token)
        fprintf(stderr, "to go on: --resume %s,%s,%llu:%llu\n", known.session_id, known.resume_token, known.epoch,
                (unsigned long long)wick_client_cursor(&client));
}

static void stop(void)
{
    leaving = 1;
    end_ms = command_loop.now_ms + END_MS;
    input_stop();
    wick_client_stop(&client, command_loop.now_ms);
}

static void on_signal(struct loop *loop, int signal)
{
    (void)signal;
    if (leaving) {
        loop_stop(loop);
        return;
    }
    command_status = 0;
    stop();
    advance();
    tell_resume();
}

/* When all has been said and answered, and nothing goes on any more, the session is closed. */
static void end_if_done(void)
{
    static const char line[] = "/close";
    if (!input_over || leaving || take_runs() || wick_client_pending(&client) ||
        wick_client_where(&client) != WICK_CLIENT_CONNECTED)
        return;
    leaving = 1;
    end_ms = command_loop.now_ms + END_MS;
    (void)say_line(line, sizeof line - 1, NULL);
}

/* ---- What is said ------------------------------------------------------------------------------------------------ */

int session_submit(const char *id, const char *message, size_t len)
{
    wick_status status = wick_client_submit(&client, id, strlen(id), message, len);
    if (status == WICK_E_SPACE && wick_client_pending(&client)) {
        waits_for_room = 1;
        return -1;
    }
    if (status == WICK_E_STATE)
        fprintf(stderr, "not sent: a message with this id waits for its answer\n");
    else if (status != WICK_OK)
        fprintf(stderr, "not sent: %s\n", status == WICK_E_SPACE ? "it is too long" : wick_status_text(status));
    return 0;
}

int session_send(const char *message, size_t len)
{
    if (!peer || wick_client_where(&client) != WICK_CLIENT_CONNECTED ||
        wick_conn_send(&peer->as.ws, WICK_TEXT, message, len) == WICK_BLOCKED) {
        waits_for_room = 1;
        return -1;
    }
    return 0;
}

static int on_line(const char *line, size_t len)
{
    int status = say_line(line, len, asked->surface);
    if (!busy)
        advance();
    return status;
}

static void on_input_end(void)
{
    input_over = 1;
    end_if_done();
    if (!busy)
        advance();
}

static const struct input_type input_calls = { on_line, on_input_end };

/* ---- What comes -------------------------------------------------------------------------------------------------- */

static void begin_input(void)
{
    input_begun = 1;
    if (isatty(STDIN_FILENO))
        fputs("text, envelopes, /answer TEXT, /cancel, /close; Ctrl-D ends the session, Ctrl-C leaves it\n", stderr);
    input_begin(&command_loop, &input_calls);
}

static void answer_ping(const wick_event *event)
{
    char pong[WICK_PONG_MAX];
    size_t len;
    if (wick_pong_write(event, pong, sizeof pong, &len) == WICK_OK && peer)
        (void)wick_conn_send(&peer->as.ws, WICK_TEXT, pong, len);
}

static int on_message(wick_conn *conn, void *user, unsigned opcode, uint8_t *data, size_t len)
{
    static const wick_event_config config = { .size = sizeof config,
                                              .flags = WICK_JSON_UTF8_KNOWN | WICK_JSON_LONE_SURROGATES,
                                              .by = WICK_BY_SERVER | WICK_BY_RUNTIME };
    wick_event event;
    (void)conn;
    if (user != peer || opcode != WICK_TEXT)
        return 0;
    wick_status status = wick_event_read(&config, data, len, &event, NULL);
    if (status < 0 && status != WICK_E_PAYLOAD) {
        fprintf(stderr, "a message that is not understood: %s\n", wick_status_text(status));
        return 0;
    }
    if (status < 0)
        event.type = WICK_TYPE_UNKNOWN; /* its number counts */
    if (wick_client_received(&client, &event, command_loop.now_ms) == WICK_CLIENT_DELIVER) {
        take_message(&event, &known);
        if (event.type == WICK_TYPE_PING)
            answer_ping(&event);
        if (event.type == WICK_TYPE_SESSION_OPENED && !input_begun)
            begin_input();
        if (session_show(&event, (const char *)data, len) < 0)
            stop();
    }
    advance();
    return 0;
}

/* ---- The connection ---------------------------------------------------------------------------------------------- */

static void tell_wait(void)
{
    uint64_t due = wick_client_deadline(&client), now = command_loop.now_ms;
    if (wick_client_where(&client) == WICK_CLIENT_WAITING && !leaving)
        fprintf(stderr, "trying again in %.1f s\n", due > now ? (double)(due - now) / 1000 : 0.0);
}

static void on_open(struct peer *opened)
{
    if (wick_client_where(&client) != WICK_CLIENT_CONNECTING) {
        peer_close(opened); /* too late */
        return;
    }
    if (!client_subprotocol(opened).len) {
        fputs("the server does not speak agent-events.v1\n", stderr);
        peer_close(opened);
        leave(1);
        return;
    }
    peer = opened;
    close_code = 0;
    wick_client_connected(&client, WICK_TRANSPORT_WEBSOCKET, command_loop.now_ms);
    advance();
}

static void on_gone(struct peer *gone, wick_status why)
{
    if (gone != peer)
        return;
    peer = NULL;
    if (!leaving && close_code)
        fprintf(stderr, "the server closed the connection with %u\n", close_code);
    else if (!leaving)
        fprintf(stderr, "the connection is lost: %s\n", wick_status_text(why));
    wick_client_closed(&client, WICK_TRANSPORT_WEBSOCKET, close_code, command_loop.now_ms);
    tell_wait();
    advance();
}

static void on_failed(struct loop *loop, const struct client_failure *failure, void *user)
{
    wick_client_refusal refusal = { 0, WICK_CODE_NONE, 0 };
    struct problem problem;
    (void)user;
    command_tell_failure(failure);
    if (failure->response) {
        refusal.status = failure->response->status;
        refusal.retry_after_ms = problem_retry_after(failure->response);
        (void)problem_read(failure->body, failure->body_len, &problem);
        refusal.code = problem.code_value;
    }
    wick_client_refused(&client, WICK_TRANSPORT_WEBSOCKET, &refusal, loop->now_ms);
    if (!*known.session_id) { /* there has not been a session yet */
        leave(1);
        return;
    }
    tell_wait();
    advance();
}

static int on_close(wick_conn *conn, void *user, unsigned code, const char *reason, size_t len)
{
    (void)conn;
    if (user != peer)
        return 0;
    close_code = code;
    if (len && !leaving) {
        fputs("closed: ", stderr);
        command_put_text(reason, len);
        fputc('\n', stderr);
    }
    return 0;
}

static void on_room(struct peer *one)
{
    (void)one;
    advance();
}

static const wick_conn_callbacks callbacks = {
    .on_output = ws_output,
    .on_memory = ws_memory,
    .on_random = ws_random,
    .on_message = on_message,
    .on_close = on_close,
};

static wick_conn_config config = { .size = sizeof config, .callbacks = &callbacks, .role = WICK_CLIENT };

static struct ws_service service = { .config = &config, .on_open = on_open, .on_gone = on_gone, .on_room = on_room };

/* ---- What is to be done ------------------------------------------------------------------------------------------ */

/* The list of types of --want as JSON. Returns its length, 0 if it is too long. */
static size_t write_want(char *out, size_t cap)
{
    wick_json_writer writer;
    const char *at = asked->want;
    size_t len;
    wick_json_writer_init(&writer, out, cap, WICK_JSON_REPLACE);
    wick_json_put_array(&writer);
    while (*at) {
        size_t word = strcspn(at, ", ");
        if (word)
            wick_json_put_string(&writer, at, word);
        at += word + (at[word] != '\0');
    }
    wick_json_put_array_end(&writer);
    return wick_json_writer_end(&writer, &len) == WICK_OK ? len : 0;
}

static int send_open(void)
{
    wick_session_open hello = { 0 };
    char out[16384], want[2048];
    size_t len;
    hello.client.name = WICK_TEXT("wick");
    hello.client.version = WICK_TEXT(WICK_VERSION);
    if (asked->token) {
        hello.auth.scheme = WICK_SCHEME_BEARER;
        hello.auth.token = wick_text_of(asked->token, strlen(asked->token));
    }
    if (asked->want) {
        hello.want = wick_text_of(want, write_want(want, sizeof want));
        hello.want.form = WICK_TEXT_JSON;
    }
    if (!peer || wick_client_write_open(&client, &hello, out, sizeof out, &len) != WICK_OK)
        return -1;
    return wick_conn_send(&peer->as.ws, WICK_TEXT, out, len) == WICK_BLOCKED ? -1 : 0;
}

static void end_by(const wick_client_action *action)
{
    int in_order = action->verdict == WICK_VERDICT_CLOSED;
    if (!in_order)
        fprintf(stderr, "the end: %u says not to try again\n", action->cause);
    leave(in_order ? 0 : 1);
}

/* Returns 0, or -1 if it cannot be done now. */
static int act(const wick_client_action *action)
{
    switch (action->kind) {
    case WICK_CLIENT_CONNECT:
        client_connect(&command_loop, target, &service, NULL);
        return 0;
    case WICK_CLIENT_OPEN:
        return send_open();
    case WICK_CLIENT_SEND:
        return peer && wick_conn_send(&peer->as.ws, WICK_TEXT, action->data, action->len) != WICK_BLOCKED ? 0 : -1;
    case WICK_CLIENT_CLOSE:
        if (peer && action->code)
            ws_close(peer, action->code, action->reason.len ? action->reason.data : NULL);
        else if (peer) {
            struct peer *dropped = peer;
            peer = NULL;
            peer_close(dropped);
        }
        return 0;
    default:
        end_by(action);
        return 0;
    }
}

static void advance(void)
{
    wick_client_action action;
    if (busy || command_loop.stopped)
        return;
    busy = 1;
    end_if_done();
    while (!command_loop.stopped && wick_client_next(&client, command_loop.now_ms, &action) != WICK_CLIENT_WAIT &&
           act(&action) == 0)
        wick_client_did(&client, &action, command_loop.now_ms);
    if (waits_for_room && wick_client_where(&client) == WICK_CLIENT_CONNECTED && !command_loop.stopped) {
        waits_for_room = 0;
        input_go_on();
    }
    busy = 0;
    uint64_t due = wick_client_deadline(&client);
    loop_arm(&command_loop, &timer, due < end_ms ? due : end_ms);
}

static void on_due(struct loop *loop, struct source *source)
{
    (void)source;
    if (loop->now_ms >= end_ms)
        loop_stop(loop);
    else
        advance();
}

static const struct source_type timer_type = { NULL, on_due };

/* ---- The command line -------------------------------------------------------------------------------------------- */

static uint64_t jitter(void *user)
{
    uint64_t bits = 0;
    (void)user;
    return random_bytes(&bits, sizeof bits) < 0 ? UINT64_MAX / 2 : bits;
}

static void restore(const struct program *program)
{
    const char *text = asked->resume, *token = strchr(text, ','), *cursor = token ? strchr(token + 1, ',') : NULL;
    wick_cursor at;
    wick_text id, shown;
    if (!cursor || wick_cursor_read(cursor + 1, strlen(cursor + 1), &at) != WICK_OK)
        options_wrong(program, "--resume: ID,TOKEN,EPOCH:SEQ, as it was printed");
    id = wick_text_of(text, (size_t)(token - text));
    shown = wick_text_of(token + 1, (size_t)(cursor - token - 1));
    if (wick_client_restore(&client, &id, &shown, at.epoch, at.seq) != WICK_OK)
        options_wrong(program, "--resume: ID,TOKEN,EPOCH:SEQ, as it was printed");
}

int session_run(const struct program *program, const struct session_options *options,
                struct client_options *connection)
{
    static const int signals[] = { SIGINT, SIGTERM, 0 };
    static const wick_str profile = { "agent-events.v1", 15 };
    asked = options;
    target = connection;
    target->subprotocols = &profile;
    target->subprotocol_count = 1;
    target->on_failed = on_failed;
    config.kernels = wick_kernels_best();
    config.max_message = config.max_frame = max_message ? max_message : 1;
    client_config.size = sizeof client_config;
    client_config.on_random = jitter;
    client_config.flags = WICK_CLIENT_NO_SSE | WICK_CLIENT_NO_POLL;
    client_config.connect_ms = 15000; /* longer than client_connect() takes to give up itself */
    client_config.outbox_bytes = OUTBOX_BYTES;
    outbox = malloc(wick_client_size(&client_config));
    if (!outbox || loop_init(&command_loop) < 0 || loop_signals(&command_loop, signals, on_signal) < 0) {
        perror("wick");
        return 1;
    }
    wick_client_init(&client, &client_config, outbox, wick_client_size(&client_config), NULL);
    if (options->resume)
        restore(program);
    process = (uint32_t)jitter(NULL);
    command_status = 1;
    end_ms = WICK_NEVER;
    session_show_begin(options->json);
    source_init(&timer, &timer_type);
    wick_client_start(&client, command_loop.now_ms);
    advance();
    if (!command_loop.stopped && loop_run(&command_loop) < 0)
        perror("wick");
    input_stop();
    int status = command_end();
    free(outbox);
    return status;
}
