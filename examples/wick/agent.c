/*
 * wick agent - sends one agent.message and prints what comes of it, through whatever the connection suffers.
 *
 * wick_client decides when to connect, by which transport, and what to send; this file has it done, by agent_socket.c
 * or agent_http.c, and tells it what came of it. A server that refuses the subprotocol is spoken to in quiet mode: then
 * a run does not survive its connection.
 */
#include "wick/agent.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/random.h"

#define FIRST_ATTEMPTS 3         /* before there has been a connection at all */
#define STABLE_MS 10000          /* a connection that stood for so long counts as one */
static const char *const transport_names[] = { "WebSocket", "SSE", "long poll" };

#define SESSION_CLOSE_MS 2000    /* how long the server may take to end the session */
#define CANCEL_MS 5000           /* and to end a run that is cancelled */
#define ANSWERS_BYTES (2u << 20) /* room for answers that are not accepted yet */

struct agent agent;

/* ---- The end ----------------------------------------------------------------------------------------------------- */

int agent_is_quiet(void)
{
    return (agent.config.flags & WICK_CLIENT_QUIET) != 0;
}

static void set_status(int status)
{
    if (!agent.interrupted && !agent.finished)
        command_status = status;
}

void agent_give_up(const char *why)
{
    if (!agent.finished)
        show_note("given up: %s", why);
    set_status(GIVEN_UP);
    agent.finished = 1;
    loop_stop(&command_loop);
}

int agent_submit(wick_event *event)
{
    char id[24];
    size_t len;
    wick_event_error error;
    int id_len = snprintf(id, sizeof id, "wick-%u", ++agent.serial);
    event->head.id = wick_text_of(id, (size_t)id_len);
    char *text = agent_event_write(event, &len, &error);
    wick_status status = text ? wick_client_submit(&agent.client, id, (size_t)id_len, text, len) : error.status;
    free(text);
    if (status != WICK_OK)
        show_note("cannot be sent: %s", wick_status_text(status));
    return status == WICK_OK ? 0 : -1;
}

/* The run is over: end the session, which nobody will resume. */
void agent_finish(int status)
{
    wick_event event = { .type = WICK_TYPE_SESSION_CLOSE };
    if (agent.finished)
        return;
    set_status(status);
    agent.finished = 1;
    agent.end_ms = command_loop.now_ms + SESSION_CLOSE_MS;
    if (agent_is_quiet() || wick_client_where(&agent.client) != WICK_CLIENT_CONNECTED || agent_submit(&event) < 0)
        wick_client_stop(&agent.client, command_loop.now_ms);
}

static void cancel(const char *reason)
{
    wick_event event = { .type = WICK_TYPE_AGENT_CANCEL };
    event.as.cancel.invocation_id = wick_text_of(agent.run, strlen(agent.run));
    event.as.cancel.reason = wick_text_of(reason, strlen(reason));
    agent.end_ms = command_loop.now_ms + CANCEL_MS;
    if (!agent.sent || agent_submit(&event) < 0)
        agent_finish(command_status);
}

void agent_unread(void)
{
    if (agent.interrupted || agent.finished)
        return;
    set_status(FAILED);
    agent.interrupted = 1;
    cancel("nobody reads the output");
}

static void on_signal(struct loop *loop, int signal)
{
    if (agent.interrupted++ || agent.finished) {
        command_status = 128 + signal;
        loop_stop(loop);
        return;
    }
    command_status = 128 + signal;
    show_note("interrupted: the run is cancelled");
    cancel("interrupted by the user");
    agent_advance();
}

/* ---- The connection ---------------------------------------------------------------------------------------------- */

static uint64_t jitter(void *user)
{
    uint64_t bits = 0;
    (void)user;
    return random_bytes(&bits, sizeof bits) < 0 ? UINT64_MAX / 2 : bits;
}

/* Set the client up, with the message in its outbox. */
static void begin_client(void)
{
    if (wick_client_init(&agent.client, &agent.config, agent.outbox, agent.outbox_len, NULL) != WICK_OK ||
        wick_client_submit(&agent.client, agent.id, strlen(agent.id), agent.message, agent.message_len) != WICK_OK) {
        agent_give_up("the message does not fit");
        return;
    }
    agent.connect.subprotocol_count = agent_is_quiet() ? 0 : 1;
    wick_client_start(&agent.client, command_loop.now_ms);
}

void agent_go_quiet(void)
{
    show_note("no sessions here: a lost connection ends the run");
    agent.config.flags |= WICK_CLIENT_QUIET | WICK_CLIENT_NO_SSE | WICK_CLIENT_NO_POLL;
    begin_client();
}

static void tell_wait(void)
{
    uint64_t due = wick_client_deadline(&agent.client), now = command_loop.now_ms;
    if (wick_client_where(&agent.client) == WICK_CLIENT_WAITING && !agent.finished)
        show_note("trying again in %.1f s", due > now ? (double)(due - now) / 1000 : 0.0);
}

static void lose(void)
{
    uint64_t now = command_loop.now_ms;
    if (!agent.lost_ms || (agent.opened_ms && now - agent.opened_ms >= STABLE_MS))
        agent.lost_ms = now;
    agent.opened_ms = 0;
}

void agent_connected(wick_transport transport)
{
    agent.opened_ms = command_loop.now_ms;
    agent.unreachable = 0;
    if (transport != WICK_TRANSPORT_WEBSOCKET && agent.listened)
        show_note("connected again over %s", transport_names[transport]);
    agent.listened = 1;
    wick_client_connected(&agent.client, transport, command_loop.now_ms);
}

void agent_lost(wick_transport transport)
{
    unsigned code = agent.close_code;
    agent.close_code = 0;
    lose();
    if (!agent.finished && wick_client_where(&agent.client) != WICK_CLIENT_CLOSING) {
        if (code)
            show_note("the server closed the connection with %u", code);
        else
            show_note("the connection is lost: %s", agent.why.text);
        if (agent_is_quiet() && agent.sent) {
            agent_give_up("without a session the run is lost with its connection");
            return;
        }
    }
    wick_client_closed(&agent.client, transport, code, command_loop.now_ms);
    tell_wait();
    agent_advance();
}

/* Whether to stop trying, as there has not been a connection at all. */
static int is_hopeless(void)
{
    agent.attempts++;
    agent.unreachable = agent.why.reached ? 0 : agent.unreachable + 1;
    return agent.unreachable == FIRST_ATTEMPTS || agent.attempts == FIRST_ATTEMPTS * agent.transports;
}

/* Why an attempt has failed. What a WebSocket got for an answer has been told. */
static void tell_why(wick_transport transport)
{
    if (transport == WICK_TRANSPORT_WEBSOCKET)
        return;
    show_note("%s: %s", transport_names[transport], agent.why.text);
    if (*agent.why.problem.hint)
        show_note("  hint: %s", agent.why.problem.hint);
}

void agent_refused(wick_transport transport, const wick_client_refusal *refusal)
{
    int hopeless;
    lose();
    wick_client_refused(&agent.client, transport, refusal, command_loop.now_ms);
    hopeless = !agent.was_open && is_hopeless() && wick_client_where(&agent.client) != WICK_CLIENT_IDLE;
    /* Where it goes on by other means, the line that says so says why. */
    if (hopeless || wick_client_by(&agent.client) == transport)
        tell_why(transport);
    if (hopeless) {
        agent_give_up("there is no connection");
        return;
    }
    if (wick_client_by(&agent.client) == transport)
        tell_wait();
    agent_advance();
}

/* ---- What is to be done ------------------------------------------------------------------------------------------ */

static int send_open(const wick_client_action *action)
{
    wick_session_open hello = { 0 };
    char out[2048];
    size_t len;
    hello.client.name = WICK_TEXT("wick");
    hello.client.version = WICK_TEXT(WICK_VERSION);
    if (wick_client_write_open(&agent.client, &hello, out, sizeof out, &len) != WICK_OK)
        return -1;
    if (action->transport == WICK_TRANSPORT_WEBSOCKET)
        return agent_socket_send(out, len);
    agent_http_post(action, out, len);
    return 0;
}

static const char *verdict_text(wick_client_verdict verdict)
{
    switch (verdict) {
    case WICK_VERDICT_UNAUTHORIZED:
        return "the token is missing or wrong (--token)";
    case WICK_VERDICT_FORBIDDEN:
        return "it is forbidden";
    case WICK_VERDICT_NOT_FOUND:
        return "there is no agent endpoint at this URL";
    case WICK_VERDICT_TAKEN_OVER:
        return "another connection has taken the session over";
    case WICK_VERDICT_VERSION:
        return "the server speaks another version of the protocol";
    case WICK_VERDICT_REFUSED:
        return "the server refuses";
    default:
        return "the server has ended the session";
    }
}

/* Say by which transport it goes on, and why. */
static void tell_transport(const wick_client_action *action)
{
    const struct problem *problem = &agent.why.problem;
    if (action->probe || action->transport == agent.transport)
        return;
    if (agent.transport != WICK_TRANSPORT_COUNT && !agent.finished)
        show_note("%s does not get through: trying %s (%s)%s%s", transport_names[agent.transport],
                  transport_names[action->transport], agent.why.text, *problem->hint ? "; hint: " : "", problem->hint);
    agent.transport = action->transport;
}

static int connect_by(const wick_client_action *action)
{
    if (action->transport != WICK_TRANSPORT_WEBSOCKET)
        agent_http_listen(action);
    else
        agent_socket_connect(action->probe);
    return 0;
}

static void close_by(const wick_client_action *action)
{
    if (action->transport != WICK_TRANSPORT_WEBSOCKET)
        agent_http_drop();
    else
        agent_socket_close(action->code, action->reason);
}

static int send_by(const wick_client_action *action)
{
    if (action->transport != WICK_TRANSPORT_WEBSOCKET)
        agent_http_post(action, action->data, action->len);
    else if (agent_socket_send(action->data, action->len) < 0)
        return -1;
    agent.sent = 1;
    return 0;
}

/* Returns 0, or -1 if it cannot be done now. */
static int act(const wick_client_action *action)
{
    switch (action->kind) {
    case WICK_CLIENT_CONNECT:
        tell_transport(action);
        return connect_by(action);
    case WICK_CLIENT_OPEN:
        tell_transport(action);
        return send_open(action);
    case WICK_CLIENT_POLL:
        agent_http_listen(action);
        return 0;
    case WICK_CLIENT_SEND:
        return send_by(action);
    case WICK_CLIENT_CLOSE:
        close_by(action);
        return 0;
    default:
        agent_give_up(verdict_text(action->verdict));
        return 0;
    }
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void agent_advance(void)
{
    wick_client_action action;
    uint64_t due;
    if (agent.busy || command_loop.stopped)
        return;
    agent.busy = 1;
    while (!command_loop.stopped &&
           wick_client_next(&agent.client, command_loop.now_ms, &action) != WICK_CLIENT_WAIT && act(&action) == 0)
        wick_client_did(&agent.client, &action, command_loop.now_ms);
    agent.busy = 0;
    if (agent.finished && !wick_client_pending(&agent.client) && agent.transport != WICK_TRANSPORT_WEBSOCKET &&
        wick_client_where(&agent.client) != WICK_CLIENT_IDLE && !command_loop.stopped)
        loop_stop(&command_loop); /* the session is closed */
    due = sooner(wick_client_deadline(&agent.client), sooner(agent.end_ms, agent.reset_ms));
    if (agent.lost_ms && !agent.finished && wick_client_where(&agent.client) != WICK_CLIENT_CONNECTED)
        due = sooner(due, agent.lost_ms + agent.retry_ms);
    if (loop_arm(&command_loop, &agent.timer, due) < 0)
        agent_give_up("out of memory");
}

static void on_due(struct loop *loop, struct source *source)
{
    (void)source;
    if (loop->now_ms >= agent.end_ms)
        loop_stop(loop);
    else if (loop->now_ms >= agent.reset_ms)
        agent_give_up("the server does not know the run any more");
    else if (agent.lost_ms && !agent.finished && wick_client_where(&agent.client) != WICK_CLIENT_CONNECTED &&
             loop->now_ms >= agent.lost_ms + agent.retry_ms)
        agent_give_up("there has been no connection for too long");
    else
        agent_advance();
}

static const struct source_type timer_type = { NULL, on_due };

static void answered(const char *request_id, const wick_text *content, unsigned status)
{
    wick_event event = { .type = WICK_TYPE_AGENT_INPUT_RESPONSE };
    event.as.input_response.request_id = wick_text_of(request_id, strlen(request_id));
    event.as.input_response.content = *content;
    event.as.input_response.status = (uint8_t)status;
    if (agent.finished)
        return;
    (void)agent_submit(&event);
    agent_advance();
}

/* ---- The command line -------------------------------------------------------------------------------------------- */

int agent_command(int argc, char **argv)
{
    static const int signals[] = { SIGINT, SIGTERM, 0 };
    char *field = agent_options(argc, argv);
    command_status = GIVEN_UP;
    agent_socket_begin();
    agent.end_ms = agent.reset_ms = WICK_NEVER;
    agent.config.size = sizeof agent.config;
    agent.config.on_random = jitter;
    agent.config.connect_ms = 15000; /* longer than client_connect() takes to give up itself */
    agent.transport = WICK_TRANSPORT_COUNT;
    for (unsigned i = 0; i < WICK_TRANSPORT_COUNT; i++)
        agent.transports += !(agent.config.flags >> i & 1);
    agent.config.outbox_bytes = (uint32_t)agent.message_len + ANSWERS_BYTES;
    agent.outbox_len = wick_client_size(&agent.config);
    agent.outbox = malloc(agent.outbox_len);
    if (!agent.outbox || agent_http_begin() < 0 || loop_init(&command_loop) < 0 ||
        loop_signals(&command_loop, signals, on_signal) < 0) {
        perror("wick");
        return GIVEN_UP;
    }
    show_begin(agent.json);
    ask_begin(&command_loop, answered);
    source_init(&agent.timer, &timer_type);
    begin_client();
    agent_advance();
    if (!command_loop.stopped && loop_run(&command_loop) < 0)
        perror("wick");
    agent_http_end();
    ask_end(&command_loop);
    show_end();
    int status = command_end();
    free(agent.outbox);
    free(agent.message);
    free(field);
    return status;
}
