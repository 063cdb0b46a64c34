/*
 * wick doctor - finds out why a WebSocket connection fails or dies, and names the configuration line that mends it.
 *
 * The checks follow one another; each asks what its verdict needs (doctor_probe.c and others) and hands what was seen
 * to a pure function (doctor_verdict.c and others). Nothing here depends on what server is at the other end.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/doctor.h"
#include "wick/wick.h"

#define CHECKS 12
#define ECHO_SMALL "{\"type\":\"ping\"}"

static const char *direct_text, *token, *sse_path, *page_origin;
static uint64_t seconds = 5, timeout_ms = 5000;
static int json;

static struct doctor_case seen;
static struct doctor_finding findings[CHECKS];
static size_t finding_count;
static uint64_t check_began;
static const char *proxy_name = "";

static const struct option_spec specs[] = {
    { "direct", "URL", "the server itself, to compare with", OPTION_TEXT, &direct_text, 0 },
    { "seconds", "N", "how long to hold idle connections (5); 0 leaves it out", OPTION_NUMBER, &seconds, 86400 },
    { "timeout", "MS", "the most that each step may take (5000)", OPTION_NUMBER, &timeout_ms, 600000 },
    { "origin", "ORIGIN", "the page's Origin (that of the URL); '' for none", OPTION_TEXT, &page_origin, 0 },
    { "token", "TOKEN", "send Authorization: Bearer TOKEN", OPTION_TEXT, &token, 0 },
    { "header", "'NAME: VALUE'", "a field for every request", OPTION_LIST, &header_list, 0 },
    { "protocol", "NAME", "a subprotocol to offer; --subprotocol is the same", OPTION_LIST, &subprotocol_list, 0 },
    { "subprotocol", "NAME", "as in the other commands", OPTION_LIST, &subprotocol_list, 0 },
    { "sse", "PATH", "an event stream of the server, to look for delay", OPTION_TEXT, &sse_path, 0 },
    TLS_OPTIONS,
    { "json", NULL, "print one JSON object", OPTION_FLAG, &json, 0 },
    { 0 },
};
static const struct program program = {
    "wick doctor", "URL", "Finds out why a WebSocket connection fails or dies, and names the configuration line "
                          "that mends it.",
    specs
};

/* ---- Checks ------------------------------------------------------------------------------------------------------ */

static struct doctor_finding *begin_check(const char *id, const char *name)
{
    struct doctor_finding *finding = &findings[finding_count++];
    finding->id = id;
    finding->name = name;
    check_began = loop_clock(&command_loop);
    return finding;
}

static void end_check(struct doctor_finding *finding)
{
    finding->ms = loop_clock(&command_loop) - check_began;
    if (doctor_interrupted() && finding->status != DOCTOR_PASSED) {
        finding->status = DOCTOR_SKIPPED;
        finding->note[0] = '\0';
        SAY(finding->note, "interrupted");
    }
    if (!json)
        doctor_show(finding);
}

static void skip_check(const char *id, const char *name, const char *why)
{
    struct doctor_finding *finding = begin_check(id, name);
    SAY(finding->note, "%s", why);
    end_check(finding);
}

/* The same URL for a plain GET. */
static void http_url(const wick_url *url, int secure, char *text, size_t cap)
{
    snprintf(text, cap, "http%s://%.*s%.*s%s%.*s", secure ? "s" : "", (int)url->authority.len, url->authority.data,
             (int)url->path.len, url->path.data, url->query.len ? "?" : "", (int)url->query.len,
             url->query.len ? url->query.data : "");
}

static void get(const wick_url *url, int secure, struct doctor_answer *answer)
{
    size_t cap = url->authority.len + url->path.len + url->query.len + 16;
    char *text = malloc(cap);
    if (!text)
        return;
    http_url(url, secure, text, cap);
    doctor_get(text, "text/html, */*", answer);
    free(text);
}

/* Handshake, ping, and whatever more is needed to tell a refusal's reason. */
static void connect_to(const wick_url *url, const char *text, const char *origin, struct doctor_answer *answer,
                       struct doctor_answer *bare, struct doctor_answer *plain_get, struct doctor_life *life)
{
    struct doctor_link link;
    if (doctor_open(&link, text, origin, answer) == 0)
        doctor_ping(&link, doctor_options.timeout_ms);
    *life = link.life;
    doctor_close(&link);
    if (answer->stage >= HTTP_AWAITING)
        get(url, url->secure, plain_get);
    if (origin && (answer->status == 403 || answer->status == 401 || answer->status == 400)) {
        if (doctor_open(&link, text, NULL, bare) == 0)
            doctor_close(&link);
    }
}

/* "http://host" of a URL, as a page of the same server would send it: without the scheme's own port. */
static char *origin_of(const wick_url *url)
{
    static const wick_str ports[] = { { ":80", 3 }, { ":443", 4 } };
    const wick_str *port = &ports[url->secure];
    size_t len = url->authority.len, cap = len + 9;
    char *text = malloc(cap);
    if (len > port->len && memcmp(url->authority.data + len - port->len, port->data, port->len) == 0)
        len -= port->len;
    if (text)
        snprintf(text, cap, "http%s://%.*s", url->secure ? "s" : "", (int)len, url->authority.data);
    return text;
}

/* A server that speaks agent-events says itself where its WebSocket is. */
static void name_path(struct doctor_finding *finding, const wick_url *url)
{
    char path[200];
    if (strcmp(finding->cause, "WRONG_PATH") != 0 || doctor_endpoint(url, "websocket", path, sizeof path) < 0)
        return;
    finding->hint[0] = '\0';
    SAY(finding->hint, "The server says that its WebSocket is at %s: connect to "
                       "%s://%.*s%s", path, url->secure ? "wss" : "ws",
        (int)url->authority.len, url->authority.data, path);
}

static void check_direct(void)
{
    struct doctor_finding *finding;
    if (!seen.direct_url) {
        skip_check("direct", "Direct Backend Connection", "--direct URL says where the server itself is");
        return;
    }
    finding = begin_check("direct", "Direct Backend Connection");
    char *origin = page_origin ? NULL : origin_of(&seen.direct_to);
    connect_to(&seen.direct_to, seen.direct_url, page_origin ? seen.origin : origin, &seen.direct, &seen.direct_bare,
               &seen.direct_get, &seen.direct_life);
    free(origin);
    doctor_judge_connection(&seen, DOCTOR_DIRECT, finding);
    name_path(finding, &seen.direct_to);
    end_check(finding);
}

/* A proxy that passes an answer on unchanged may still sign its own. */
static void note_proxy(const struct doctor_answer *answer, const struct doctor_answer *direct)
{
    if (!*proxy_name)
        proxy_name = doctor_proxy_of(answer, direct);
}

static void check_through(void)
{
    struct doctor_finding *finding = begin_check("websocket", "WebSocket Through Proxy");
    connect_to(&seen.to, seen.url, seen.origin, &seen.through, &seen.bare, &seen.get, &seen.life);
    if (seen.to.secure && seen.through.stage < HTTP_AWAITING)
        get(&seen.to, 0, &seen.plain);
    doctor_judge_connection(&seen, DOCTOR_THROUGH, finding);
    name_path(finding, &seen.to);
    end_check(finding);
    if (*finding->proxy)
        proxy_name = finding->proxy;
    note_proxy(&seen.through, &seen.direct);
    note_proxy(&seen.get, &seen.direct_get);
}

static void check_get(void)
{
    if (!seen.get.asked) {
        skip_check("get", "Plain GET On The Same Path", "there is no connection");
        return;
    }
    struct doctor_finding *finding = begin_check("get", "Plain GET On The Same Path");
    doctor_judge_get(&seen, &findings[finding_count - 2], finding);
    end_check(finding);
    finding->ms = seen.get.connect_ms + seen.get.answer_ms;
}

/* ---- Messages ---------------------------------------------------------------------------------------------------- */

static void judge_size(struct doctor_link *link, size_t len, struct doctor_finding *finding)
{
    static const char piece[] = "wick doctor: a long message, to see whether it comes back whole. ";
    char *text = finding->status == DOCTOR_FAILED ? NULL : malloc(len);
    if (!text)
        return;
    for (size_t i = 0; i < len; i++)
        text[i] = piece[i % (sizeof piece - 1)];
    uint64_t before = loop_clock(&command_loop);
    int came = doctor_echo(link, (const uint8_t *)text, len, 4 * doctor_options.timeout_ms);
    free(text);
    if (came == 1) {
        finding->status = DOCTOR_PASSED;
        SAY(finding->note, "%s%zu KiB in %llu ms", *finding->note ? ", " : "", len >> 10,
            (unsigned long long)(loop_clock(&command_loop) - before));
        return;
    }
    finding->note[0] = '\0';
    if (link->life.fate == FATE_CLOSED)
        SAY(finding->note, "%zu KiB: closed with %u %s", len >> 10, link->life.code, link->life.reason);
    else
        SAY(finding->note, "%zu KiB %s", len >> 10,
            link->life.fate != FATE_OPEN ? "end the connection" : came < 0 ? "come back changed" : "do not come back");
    SAY(finding->detail, "Short messages come back, this one does not: the server or something on the way has a "
                         "limit.");
    doctor_fail(finding, link->life.code == 1009 ? "MESSAGE_TOO_BIG" : "MESSAGE_LOST", proxy_name);
}

static void check_messages(void)
{
    struct doctor_link link;
    struct doctor_answer answer;
    if (!seen.life.opened) {
        skip_check("message", "Large Messages", "there is no WebSocket");
        return;
    }
    struct doctor_finding *finding = begin_check("message", "Large Messages");
    if (doctor_open(&link, seen.url, seen.origin, &answer) == 0 &&
        doctor_echo(&link, (const uint8_t *)ECHO_SMALL, sizeof ECHO_SMALL - 1, 1000) == 1) {
        judge_size(&link, 64u << 10, finding);
        judge_size(&link, 1u << 20, finding);
    } else {
        SAY(finding->note, "the other end does not send back what it gets");
    }
    doctor_close(&link);
    end_check(finding);
}

/* ---- Events ------------------------------------------------------------------------------------------------------ */

static void check_stream(void)
{
    static const char name[] = "Events Without Delay (SSE)";
    struct doctor_session session, direct_session;
    struct doctor_stream through = { 0 }, direct = { 0 };
    if (!seen.get.status) {
        skip_check("sse", name, "there is no HTTP");
        return;
    }
    struct doctor_finding *finding = begin_check("sse", name);
    int has_direct = seen.direct_get.status != 0;
    if (sse_path) {
        doctor_stream_read(&seen.to, sse_path, &through);
        if (has_direct)
            doctor_stream_read(&seen.direct_to, sse_path, &direct);
        doctor_judge_stream(&through, has_direct ? &direct : NULL, proxy_name, finding);
    } else if (doctor_session_open(&session, &seen.to) == 0) {
        doctor_session_stream(&session, &through);
        doctor_session_close(&session);
        has_direct = has_direct && doctor_session_open(&direct_session, &seen.direct_to) == 0;
        if (has_direct) {
            doctor_session_stream(&direct_session, &direct);
            doctor_session_close(&direct_session);
        }
        doctor_judge_stream(&through, has_direct ? &direct : NULL, proxy_name, finding);
    } else {
        SAY(finding->note, "no event stream is known here: --sse PATH names one");
    }
    end_check(finding);
}

static void check_poll(void)
{
    static const char name[] = "Long Poll";
    static struct doctor_answer answer; /* its proxy may be remembered */
    struct doctor_session session;
    uint64_t wait = seconds <= 5 ? 2000 : seconds > 25 ? 25000 : seconds * 1000;
    if (!seen.get.status) {
        skip_check("poll", name, "there is no HTTP");
        return;
    }
    struct doctor_finding *finding = begin_check("poll", name);
    if (doctor_session_open(&session, &seen.to) == 0) {
        uint64_t took = doctor_session_poll(&session, wait, &answer);
        doctor_session_close(&session);
        note_proxy(&answer, NULL);
        doctor_judge_poll(&answer, took, wait, proxy_name, finding);
    } else {
        SAY(finding->note, "the other end does not speak agent-events");
    }
    end_check(finding);
}

/* ---- Time -------------------------------------------------------------------------------------------------------- */

static void check_holds(void)
{
    static const char quiet[] = "Idle Connection Without Ping", pinged[] = "Idle Connection With Ping";
    struct doctor_holds holds = { 0 };
    if (!seen.life.opened || seconds == 0) {
        skip_check("idle", quiet, seconds ? "there is no WebSocket" : "--seconds 0");
        skip_check("ping", pinged, seconds ? "there is no WebSocket" : "--seconds 0");
        return;
    }
    struct doctor_finding *finding = begin_check("idle", quiet);
    uint64_t began = check_began;
    doctor_hold(&seen, seconds * 1000, &holds);
    doctor_judge_quiet_hold(&holds, proxy_name, finding);
    end_check(finding);
    finding = begin_check("ping", pinged);
    check_began = began;
    doctor_judge_pinged_hold(&holds, proxy_name, finding);
    end_check(finding);
}

/* ---- The command ------------------------------------------------------------------------------------------------- */

static void on_signal(struct loop *loop, int signal)
{
    (void)loop, (void)signal;
    doctor_interrupt();
}

static void read_url(const char *text, wick_url *url)
{
    if (wick_url_split((wick_str){ text, strlen(text) }, url) != WICK_OK)
        options_wrong(&program, "'%s' is not a URL such as ws://host:port/path", text);
    if (url->host.len > 255)
        options_wrong(&program, "the host name in the URL is too long");
}

/* --header and --token, in one list that stays. */
static void read_fields(const struct client_options *options, char **bearer)
{
    wick_http_header *fields = calloc(options->header_count + 1, sizeof *fields);
    if (!fields)
        options_wrong(&program, "out of memory");
    if (options->header_count)
        memcpy(fields, options->headers, options->header_count * sizeof *fields);
    doctor_options.headers = fields;
    doctor_options.header_count = options->header_count;
    if (!token)
        return;
    size_t cap = strlen(token) + 8;
    *bearer = malloc(cap);
    if (!*bearer)
        options_wrong(&program, "out of memory");
    snprintf(*bearer, cap, "Bearer %s", token);
    fields[doctor_options.header_count].name = WICK_STR("Authorization");
    fields[doctor_options.header_count].value = (wick_str){ *bearer, strlen(*bearer) };
    if (!wick_http_is_value(fields[doctor_options.header_count++].value))
        options_wrong(&program, "--token: it cannot be sent in a field");
}

/* What cannot be sent with a handshake is found out before anything is. */
static void check_handshake(void)
{
    wick_handshake_client_config config = { .size = sizeof config, .host = seen.to.authority };
    uint8_t nonce[WICK_NONCE_SIZE] = { 0 };
    size_t need;
    if (doctor_options.header_count > DOCTOR_FIELDS)
        options_wrong(&program, "--header: more than %d", DOCTOR_FIELDS);
    if (seen.origin)
        config.origin = (wick_str){ seen.origin, strlen(seen.origin) };
    config.headers = doctor_options.headers;
    config.header_count = doctor_options.header_count;
    config.subprotocols = doctor_options.subprotocols;
    config.subprotocol_count = doctor_options.subprotocol_count;
    if (wick_handshake_request_write(&config, nonce, NULL, 0, &need) == WICK_E_ARG)
        options_wrong(&program, "--origin, --header or --protocol: a field cannot be sent with a handshake");
}

static void run_checks(void)
{
    if (!json)
        printf("wick doctor %s%s%s\n"
               "\n", seen.url, seen.direct_url ? " --direct " : "", seen.direct_url ? seen.direct_url : "");
    check_direct();
    check_through();
    check_get();
    check_messages();
    check_stream();
    check_poll();
    check_holds();
}

int doctor_command(int argc, char **argv)
{
    static const int signals[] = { SIGINT, SIGTERM, 0 };
    struct client_options options = { 0 };
    char *bearer = NULL, *own_origin = NULL;
    int at = options_parse(&program, argc, argv);
    if (at != argc - 1)
        options_wrong(&program, at >= argc ? "which URL?" : "one URL and nothing else, please");
    seen.url = argv[at];
    seen.direct_url = direct_text;
    read_url(seen.url, &seen.to);
    if (direct_text)
        read_url(direct_text, &seen.direct_to);
    if (sse_path && *sse_path != '/')
        options_wrong(&program, "--sse: '%s' does not begin with a slash", sse_path);
    command_fields(&program, &options);
    read_fields(&options, &bearer);
    doctor_options.subprotocols = options.subprotocols;
    doctor_options.subprotocol_count = options.subprotocol_count;
    doctor_options.timeout_ms = timeout_ms ? timeout_ms : 1;
    if (page_origin)
        seen.origin = *page_origin ? page_origin : NULL;
    else
        seen.origin = own_origin = origin_of(&seen.to);
    check_handshake();
    if (loop_init(&command_loop) < 0 || loop_signals(&command_loop, signals, on_signal) < 0) {
        perror("wick");
        return 1;
    }
    run_checks();
    command_status = json ? doctor_show_json(&seen, findings, finding_count) : doctor_show_end(findings, finding_count);
    if (doctor_interrupted())
        command_status = 1;
    free((void *)(uintptr_t)doctor_options.headers);
    free(bearer);
    free(own_origin);
    return command_end();
}
