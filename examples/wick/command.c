/*
 * command.c - what the commands of `wick` share: options, the run, and how the end is told.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/problem.h"
#include "lib/tls.h"
#include "wick/wick.h"

struct loop command_loop;
int command_status = 1;

struct option_list header_list, subprotocol_list;
const char *origin_text;
uint64_t max_message = 64u << 20;

static wick_http_header *headers;
static wick_str *subprotocols;
const char *ca_file;
int insecure;
static unsigned close_code;
static char close_reason[WICK_REASON_MAX + 1];
static int interrupted;

/* ---- Options ----------------------------------------------------------------------------------------------------- */

static void parse_headers(const struct program *program, struct client_options *options)
{
    headers = calloc(header_list.count + 1, sizeof *headers);
    if (!headers)
        options_wrong(program, "out of memory");
    for (size_t i = 0; i < header_list.count; i++) {
        const char *text = header_list.values[i], *colon = strchr(text, ':');
        if (!colon)
            options_wrong(program, "--header: '%s' is not 'NAME: VALUE'", text);
        const char *value = colon + 1 + strspn(colon + 1, " \t");
        headers[i].name = (wick_str){ text, (size_t)(colon - text) };
        headers[i].value = (wick_str){ value, strlen(value) };
        if (!wick_http_is_token(headers[i].name) || !wick_http_is_value(headers[i].value))
            options_wrong(program, "--header: '%s' is not 'NAME: VALUE'", text);
    }
    options->headers = headers;
    options->header_count = header_list.count;
}

static void parse_subprotocols(const struct program *program, struct client_options *options)
{
    subprotocols = calloc(subprotocol_list.count + 1, sizeof *subprotocols);
    if (!subprotocols)
        options_wrong(program, "out of memory");
    for (size_t i = 0; i < subprotocol_list.count; i++) {
        subprotocols[i] = (wick_str){ subprotocol_list.values[i], strlen(subprotocol_list.values[i]) };
        if (!wick_http_is_token(subprotocols[i]))
            options_wrong(program, "--subprotocol: '%s' is not a token", subprotocol_list.values[i]);
    }
    options->subprotocols = subprotocols;
    options->subprotocol_count = subprotocol_list.count;
}

void command_options(const struct program *program, int argc, char **argv, struct client_options *options)
{
    int at = options_parse(program, argc, argv);
    if (at != argc - 1)
        options_wrong(program, at >= argc ? "which URL?" : "one URL and nothing else, please");
    command_target(program, argv[at], options);
}

void command_target(const struct program *program, const char *text, struct client_options *options)
{
    wick_url url;
    options->url = text;
    if (wick_url_split((wick_str){ text, strlen(text) }, &url) != WICK_OK)
        options_wrong(program, "'%s' is not a URL such as ws://host:port/path", text);
    if (url.secure && !tls_is_built())
        options_wrong(program, "wss needs TLS, which this build has not; build with WITH_OPENSSL=1");
    command_fields(program, options);
    options->origin = origin_text;
}

void command_fields(const struct program *program, struct client_options *options)
{
    char why[256];
    parse_headers(program, options);
    parse_subprotocols(program, options);
    if ((ca_file || insecure) && tls_trust(ca_file, insecure, why, sizeof why) < 0)
        options_wrong(program, "--%s: %s", ca_file ? "ca" : "insecure", why);
}

/* ---- The run ----------------------------------------------------------------------------------------------------- */

static void close_one(struct peer *peer, void *arg)
{
    if (!peer_is_ws(peer))
        return;
    ws_close(peer, 1000, NULL);
    *(int *)arg = 1;
}

/* The first signal closes in order, if there is something to be closed; the second ends at once. */
static void on_signal(struct loop *loop, int signal)
{
    int closing = 0;
    (void)signal;
    if (!interrupted++)
        peer_each(loop, close_one, &closing);
    if (!closing)
        loop_stop(loop);
}

int command_run(const struct client_options *options, struct ws_service *websockets)
{
    static const int signals[] = { SIGINT, SIGTERM, 0 };
    if (loop_init(&command_loop) < 0 || loop_signals(&command_loop, signals, on_signal) < 0) {
        perror("wick");
        return 1;
    }
    client_connect(&command_loop, options, websockets, NULL);
    if (!command_loop.stopped && loop_run(&command_loop) < 0)
        perror("wick");
    return command_end();
}

int command_end(void)
{
    http_call_cancel_all();
    peer_free_all(&command_loop);
    tls_end();
    loop_free(&command_loop);
    free(headers);
    free(subprotocols);
    free(header_list.values);
    free(subprotocol_list.values);
    return command_status;
}

/* ---- The end ----------------------------------------------------------------------------------------------------- */

void command_put_text(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte < 0x20 || byte == 0x7f)
            fprintf(stderr, "\\x%02x", byte);
        else
            fputc(byte, stderr);
    }
}

int command_closed(wick_conn *conn, void *user, unsigned code, const char *reason, size_t len)
{
    (void)conn;
    (void)user;
    close_code = code;
    if (len)
        memcpy(close_reason, reason, len);
    close_reason[len] = '\0';
    return 0;
}

void command_gone(struct peer *peer, wick_status why)
{
    command_status = why == WICK_OK ? 0 : 1;
    if (why != WICK_OK) {
        wick_conn_error error;
        wick_conn_error_get(&peer->as.ws, &error);
        fprintf(stderr, "connection failed: %s", wick_status_text(why));
        if (*error.section)
            fprintf(stderr, " (%s)", error.section);
        fputc('\n', stderr);
    } else if (close_code != 0 && close_code != 1000) {
        fprintf(stderr, "closed: %u%s", close_code, *close_reason ? " " : "");
        command_put_text(close_reason, strlen(close_reason));
        fputc('\n', stderr);
    }
    loop_stop(&command_loop);
}

static int matters(wick_str name)
{
    static const char *const names[] = { "location", "server", "via", "www-authenticate", "retry-after", "allow",
                                         "upgrade", "sec-websocket-version", "content-type", "wick-server" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (wick_http_equal(name, (wick_str){ names[i], strlen(names[i]) }))
            return 1;
    return 0;
}

static void put_member(const char *name, const char *value)
{
    if (*value)
        fprintf(stderr, "  %s: %s\n", name, value);
}

/* Print the members of a problem document (RFC 9457) that say what to do. Returns 0, or -1 if it is none. */
static int put_problem(const uint8_t *body, size_t len)
{
    struct problem problem;
    if (!problem_read(body, len, &problem))
        return -1;
    put_member("code", problem.code);
    put_member("cause", problem.cause);
    put_member("proxy", problem.proxy);
    put_member("detail", problem.detail);
    put_member("hint", problem.hint);
    put_member("saw", problem.saw);
    return 0;
}

static void put_refusal(const struct client_failure *failure)
{
    const wick_http_response *response = failure->response;
    wick_str reason = response->reason.len ? response->reason : wick_http_reason(response->status);
    fprintf(stderr, "connection refused: %u ", response->status);
    command_put_text(reason.data, reason.len);
    fputc('\n', stderr);
    for (size_t i = 0; i < response->header_count; i++) {
        if (!matters(response->headers[i].name))
            continue;
        fputs("  ", stderr);
        command_put_text(response->headers[i].name.data, response->headers[i].name.len);
        fputs(": ", stderr);
        command_put_text(response->headers[i].value.data, response->headers[i].value.len);
        fputc('\n', stderr);
    }
    if (failure->body_len && put_problem(failure->body, failure->body_len) < 0) {
        fputs("  ", stderr);
        command_put_text((const char *)failure->body, failure->body_len < 2000 ? failure->body_len : 2000);
        fputc('\n', stderr);
    }
}

void command_tell_failure(const struct client_failure *failure)
{
    if (failure->response)
        put_refusal(failure);
    else
        fprintf(stderr, "connection failed (%s): %s\n", failure->stage, failure->text);
}

void command_failed(struct loop *loop, const struct client_failure *failure, void *user)
{
    (void)user;
    command_status = 1;
    command_tell_failure(failure);
    loop_stop(loop);
}
