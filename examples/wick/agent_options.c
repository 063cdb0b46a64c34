/*
 * agent_options.c - the command line of `wick agent`.
 */
#include "wick/agent.h"

#include <stdlib.h>
#include <string.h>

#include "lib/random.h"

static const char *token_text;
static uint64_t retry_seconds = 120;
static uint64_t probe_seconds = 300;
static const char *transport_text = "auto";
static struct agent_message message;

static const struct option_spec specs[] = {
    { "surface", "S", "where the user is, such as data_pillar: chooses the agent", OPTION_TEXT, &message.surface, 0 },
    { "context", "JSON", "an object that goes with the message", OPTION_TEXT, &message.context, 0 },
    { "token", "T", "sent as Authorization: Bearer", OPTION_TEXT, &token_text, 0 },
    { "id", "ID", "id of the message (a random one)", OPTION_TEXT, &message.id, 0 },
    { "invocation", "ID", "id of the run (a random one)", OPTION_TEXT, &message.invocation_id, 0 },
    { "deadline", "MS", "time the run may take", OPTION_NUMBER, &message.deadline_ms, WICK_INT_MAX },
    { "json", NULL, "print each event as a line of JSON", OPTION_FLAG, &agent.json, 0 },
    { "quiet-mode", NULL, "no session, even if the server has them", OPTION_FLAG, &agent.only_quiet, 0 },
    { "retry", "SECONDS", "how long to try when the connection is lost (120)", OPTION_NUMBER, &retry_seconds, 86400 },
    { "transport", "auto|ws|sse|poll", "how to connect (auto: by WebSocket, else by what gets through)", OPTION_TEXT,
      &transport_text, 0 },
    { "retry-websocket", "SECONDS", "how often to try WebSocket when something else is used (300)", OPTION_NUMBER,
      &probe_seconds, 86400 },
    { "header", "'NAME: VALUE'", "a field for the handshake", OPTION_LIST, &header_list, 0 },
    { "origin", "ORIGIN", "the Origin to send (none)", OPTION_TEXT, &origin_text, 0 },
    { "max-message", "BYTES", "the largest message, K, M and G allowed (64M)", OPTION_NUMBER, &max_message, 0 },
    TLS_OPTIONS,
    { NULL, NULL, NULL, OPTION_FLAG, NULL, 0 },
};
static const struct program program = { "wick agent", "URL TEXT",
                                        "Sends TEXT to an agent and prints what it says.", specs };

/* Keep an id of the command line, or make one. */
static void take_id(const char **given, char *room, size_t cap, const char *what)
{
    uint8_t random[16];
    if (*given && (strlen(*given) >= cap || !**given))
        options_wrong(&program, "--%s: 1 to %zu characters", what, cap - 1);
    if (*given) {
        memcpy(room, *given, strlen(*given) + 1);
    } else {
        if (random_bytes(random, sizeof random) < 0)
            options_wrong(&program, "there are no random bytes");
        wick_uuid_write(random, room);
        room[WICK_UUID_SIZE] = '\0';
    }
    *given = room;
}

/* Returns memory to be freed when the handshakes are over, or NULL if there is no token. */
static char *add_token(void)
{
    char *field;
    if (!token_text)
        return NULL;
    if (!*token_text || !wick_http_is_value((wick_str){ token_text, strlen(token_text) }))
        options_wrong(&program, "--token: it cannot be sent");
    field = malloc(strlen(token_text) + 32);
    header_list.values = realloc(header_list.values, (header_list.count + 1) * sizeof *header_list.values);
    if (!field || !header_list.values)
        options_wrong(&program, "out of memory");
    sprintf(field, "Authorization: Bearer %s", token_text);
    header_list.values[header_list.count++] = field;
    return field;
}

static void take_transport(void)
{
    static const struct {
        const char *name;
        uint32_t flags;
    } rows[] = {
        { "auto", 0 },
        { "ws", WICK_CLIENT_NO_SSE | WICK_CLIENT_NO_POLL },
        { "sse", WICK_CLIENT_NO_WEBSOCKET | WICK_CLIENT_NO_POLL },
        { "poll", WICK_CLIENT_NO_WEBSOCKET | WICK_CLIENT_NO_SSE },
    };
    size_t row = 0;
    while (row < sizeof rows / sizeof *rows && strcmp(rows[row].name, transport_text) != 0)
        row++;
    if (row == sizeof rows / sizeof *rows)
        options_wrong(&program, "--transport: auto, ws, sse or poll");
    agent.config.flags = rows[row].flags;
    if (agent.only_quiet && agent.config.flags & WICK_CLIENT_NO_WEBSOCKET)
        options_wrong(&program, "--quiet-mode is for WebSocket alone");
    if (agent.only_quiet)
        agent.config.flags = WICK_CLIENT_NO_SSE | WICK_CLIENT_NO_POLL | WICK_CLIENT_QUIET;
    agent.config.probe_ms = probe_seconds ? (uint32_t)(probe_seconds * 1000) : 1;
}

/* Returns memory to be freed at the end. */
char *agent_options(int argc, char **argv)
{
    static const wick_str profile = { "agent-events.v1", 15 };
    int at = options_parse(&program, argc, argv);
    if (at != argc - 2)
        options_wrong(&program, at >= argc ? "which URL?" : "a URL and a text, please, and nothing else");
    char *field = add_token();
    command_target(&program, argv[at], &agent.connect);
    agent.connect.subprotocols = &profile;
    agent.connect.on_failed = agent_failed;
    message.text = argv[at + 1];
    take_id(&message.id, agent.id, sizeof agent.id, "id");
    take_id(&message.invocation_id, agent.run, sizeof agent.run, "invocation");
    agent.message = agent_message_write(&program, &message, &agent.message_len);
    agent.retry_ms = retry_seconds * 1000;
    take_transport();
    return field;
}
