/*
 * doctor_answer.c - what is kept of an answer, and who it says has given it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/problem.h"
#include "wick/doctor.h"

void doctor_say(char *text, size_t cap, const char *format, ...)
{
    size_t len = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + len, cap - len, format, args);
    va_end(args);
}

/* Whatever a server sends ends on somebody's terminal: one line of printable ASCII. */
static void keep(char *to, size_t cap, const char *text, size_t len)
{
    size_t used = 0;
    for (size_t at = 0; at < len && used < cap - 1; at++) {
        int space = text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t';
        if (space && (!used || to[used - 1] == ' '))
            continue;
        to[used++] = space ? ' ' : text[at] > ' ' && text[at] <= '~' ? text[at] : '?';
    }
    while (used && to[used - 1] == ' ')
        used--;
    to[used] = '\0';
}

/* ---- The head ---------------------------------------------------------------------------------------------------- */

static int begins(wick_str name, const char *prefix)
{
    size_t len = strlen(prefix);
    return name.len >= len && strncasecmp(name.data, prefix, len) == 0;
}

static void keep_field(struct doctor_answer *answer, const wick_http_header *field)
{
    const struct {
        const char *name;
        char *to;
        size_t cap;
    } kept[] = {
        { "wick-server", answer->stamp, sizeof answer->stamp },
        { "server", answer->server, sizeof answer->server },
        { "via", answer->via, sizeof answer->via },
        { "x-powered-by", answer->powered, sizeof answer->powered },
        { "content-type", answer->type, sizeof answer->type },
        { "location", answer->location, sizeof answer->location },
    };
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (field->name.len == strlen(kept[i].name) && begins(field->name, kept[i].name))
            keep(kept[i].to, kept[i].cap, field->value.data, field->value.len);
    if (begins(field->name, "cf-ray"))
        answer->signs |= SIGN_CF_RAY;
    if (begins(field->name, "x-amzn-trace-id"))
        answer->signs |= SIGN_AMZN;
    if (begins(field->name, "x-envoy-"))
        answer->signs |= SIGN_ENVOY;
    if (begins(field->name, "x-varnish"))
        answer->signs |= SIGN_VARNISH;
}

void doctor_answer_head(struct doctor_answer *answer, const wick_http_response *response)
{
    wick_str reason = response->reason.len ? response->reason : wick_http_reason(response->status);
    answer->status = response->status;
    keep(answer->reason, sizeof answer->reason, reason.data, reason.len);
    for (size_t i = 0; i < response->header_count; i++)
        keep_field(answer, &response->headers[i]);
    if (wick_http_has_token(response->headers, response->header_count, WICK_STR("upgrade"), WICK_STR("websocket")))
        answer->signs |= SIGN_UPGRADE;
}

/* ---- The body ---------------------------------------------------------------------------------------------------- */

void doctor_answer_body(struct doctor_answer *answer, const uint8_t *data, size_t len)
{
    size_t room = sizeof answer->body - 1 - answer->body_len;
    memcpy(answer->body + answer->body_len, data, len < room ? len : room);
    answer->body_len += len < room ? len : room;
    answer->body_bytes += len;
}

static void keep_text(char *to, size_t cap, const char *text)
{
    keep(to, cap, text, strlen(text));
}

void doctor_answer_end(struct doctor_answer *answer)
{
    struct problem problem;
    answer->body[answer->body_len] = '\0';
    if (!problem_read((const uint8_t *)answer->body, answer->body_len, &problem))
        return;
    keep_text(answer->code, sizeof answer->code, problem.code);
    keep_text(answer->cause, sizeof answer->cause, problem.cause);
    keep_text(answer->proxy, sizeof answer->proxy, problem.proxy);
    keep_text(answer->detail, sizeof answer->detail, problem.detail);
    keep_text(answer->hint, sizeof answer->hint, problem.hint);
    keep_text(answer->saw, sizeof answer->saw, problem.saw);
}

void doctor_answer_trace(struct doctor_answer *answer, const struct http_trace *trace)
{
    uint64_t connected = trace->connected_ms ? trace->connected_ms : trace->end_ms;
    uint64_t answered = trace->head_ms ? trace->head_ms : trace->end_ms;
    answer->asked = 1;
    answer->stage = trace->stage;
    answer->outcome = trace->outcome;
    answer->connect_ms = connected - trace->start_ms;
    answer->answer_ms = answered > connected ? answered - connected : 0;
    answer->bytes = trace->bytes;
    answer->first_len = trace->first_len;
    memcpy(answer->first, trace->first, trace->first_len);
    SAY(answer->address, "%s", trace->address);
    SAY(answer->trouble, "%s", trace->text ? trace->text : "");
    answer->trouble[0] = (char)(answer->trouble[0] >= 'A' && answer->trouble[0] <= 'Z' ? answer->trouble[0] + 32
                                                                                      : answer->trouble[0]);
}

int doctor_body_has(const struct doctor_answer *answer, const char *text)
{
    size_t len = strlen(text);
    for (size_t at = 0; at + len <= answer->body_len; at++)
        if (strncasecmp(answer->body + at, text, len) == 0)
            return 1;
    return 0;
}

/* ---- Who answers ------------------------------------------------------------------------------------------------- */

static int has(const char *text, const char *part)
{
    return strcasestr(text, part) != NULL;
}

/* Fields that only a proxy writes, then texts that proxies answer with. Order matters: an outer proxy's field is
 * telling even where an inner one has signed the page. */
static const char *name_of(const struct doctor_answer *answer)
{
    if (answer->signs & SIGN_CF_RAY || has(answer->server, "cloudflare"))
        return wick_proxy_name(WICK_PROXY_CLOUDFLARE);
    if (has(answer->via, "cloudfront") || has(answer->server, "cloudfront"))
        return "CloudFront";
    if (has(answer->server, "awselb") || answer->signs & SIGN_AMZN)
        return wick_proxy_name(WICK_PROXY_ALB);
    if (has(answer->server, "envoy") || answer->signs & SIGN_ENVOY ||
        doctor_body_has(answer, "upstream connect error") || doctor_body_has(answer, "no healthy upstream"))
        return wick_proxy_name(WICK_PROXY_ENVOY);
    if (answer->signs & SIGN_VARNISH || has(answer->via, "varnish") || doctor_body_has(answer, "Varnish cache server"))
        return wick_proxy_name(WICK_PROXY_VARNISH);
    if (has(answer->via, "squid") || has(answer->server, "squid"))
        return wick_proxy_name(WICK_PROXY_SQUID);
    if (has(answer->via, "caddy") || has(answer->server, "caddy"))
        return wick_proxy_name(WICK_PROXY_CADDY);
    if (doctor_body_has(answer, "default backend - 404"))
        return wick_proxy_name(WICK_PROXY_INGRESS_NGINX);
    if (has(answer->server, "openresty"))
        return wick_proxy_name(WICK_PROXY_NGINX_PROXY_MANAGER);
    if (has(answer->server, "nginx") || doctor_body_has(answer, "<center>nginx"))
        return wick_proxy_name(WICK_PROXY_NGINX);
    if (has(answer->server, "apache") || doctor_body_has(answer, "<address>Apache"))
        return wick_proxy_name(WICK_PROXY_APACHE);
    if (has(answer->server, "lighttpd"))
        return wick_proxy_name(WICK_PROXY_LIGHTTPD);
    if (has(answer->server, "traefik"))
        return wick_proxy_name(WICK_PROXY_TRAEFIK);
    return "";
}

/* Pages without a name on them: their wording is all there is. */
static const char *name_of_page(const struct doctor_answer *answer)
{
    static const char html[] = "<html><body><h1>", nobody[] = "404 page not found\n";
    static const char *const haproxy[] = { "Your browser sent an invalid request", "No server is available to handle",
                                           "The server returned an invalid or incomplete",
                                           "The server didn't respond in time", "Request forbidden by administrative",
                                           "Your browser didn't send a complete request" };
    if (answer->body_bytes == sizeof nobody - 1 && memcmp(answer->body, nobody, sizeof nobody - 1) == 0)
        return "Traefik or Go";
    if (answer->body_len < sizeof html || memcmp(answer->body, html, sizeof html - 1) != 0)
        return "";
    for (size_t i = 0; i < sizeof haproxy / sizeof *haproxy; i++)
        if (doctor_body_has(answer, haproxy[i]))
            return wick_proxy_name(WICK_PROXY_HAPROXY);
    return "";
}

const char *doctor_proxy_of(const struct doctor_answer *answer, const struct doctor_answer *direct)
{
    const char *name = answer->proxy, *caddy = wick_proxy_name(WICK_PROXY_CADDY);
    if (!*name)
        name = name_of(answer);
    else if (strcmp(name, wick_proxy_name(WICK_PROXY_CADDY_OR_GO)) == 0 && strcmp(name_of(answer), caddy) == 0)
        name = caddy;
    if (*name && direct && direct->status && !answer->proxy[0] && strcmp(name, name_of(direct)) == 0)
        name = "";
    return *name ? name : name_of_page(answer);
}

void doctor_evidence(const struct doctor_answer *answer, char *text, size_t cap)
{
    const struct {
        const char *name, *value;
    } told[] = {
        { "Location", answer->location },   { "Server", answer->server }, { "Via", answer->via },
        { "X-Powered-By", answer->powered }, { "Wick-Server", answer->stamp }, { "code", answer->code },
        { "the server saw", answer->saw },
    };
    char body[121];
    if (!answer->status) {
        doctor_say(text, cap, "%s%s%s after %llu ms", answer->address, *answer->address ? ": " : "", answer->trouble,
                   (unsigned long long)(answer->connect_ms + answer->answer_ms));
        return;
    }
    doctor_say(text, cap, "%u %s after %llu ms", answer->status, answer->reason, (unsigned long long)answer->answer_ms);
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (*told[i].value)
            doctor_say(text, cap, "; %s: %s", told[i].name, told[i].value);
    if (answer->code[0] || answer->status == 101)
        return;
    keep(body, sizeof body, answer->body, answer->body_len);
    if (!*body)
        doctor_say(text, cap, "; the body is empty");
    else
        doctor_say(text, cap, "; body: \"%s%s\"", body, answer->body_bytes >= sizeof body ? "..." : "");
}
