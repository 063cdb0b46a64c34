/*
 * doctor_refusal.c - what an answer other than 101 means: who refuses, and why. Pure.
 *
 * First it is settled who answers. A stamp or a problem document says that it is the server, which has also said what
 * it saw; an answer like the direct one is the server's too; anything else is the proxy's own.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "wick/doctor.h"

/* HAProxy tries a server that refuses three times more, a second apart; others answer 502 at once. */
#define RETRIED_MS 2500

/* What a refusal is judged by. */
struct refusal {
    const struct doctor_case *seen;
    enum doctor_end end;
    const struct doctor_answer *answer, *bare, *get;
    const wick_url *url;
    const char *proxy;
    struct doctor_finding *out;
};

/* Whoever has answered without a signature, as the beginning of a sentence. */
static const char *who_of(const struct refusal *it, const char *otherwise)
{
    return it->end == DOCTOR_DIRECT ? "The server" : *it->proxy ? it->proxy : otherwise;
}

/* Nothing to compare with: a proxy and the server cannot be told apart. */
static int is_alone(const struct refusal *it)
{
    return it->end == DOCTOR_THROUGH && !it->seen->direct.asked;
}

static int direct_opens(const struct refusal *it)
{
    return it->end == DOCTOR_THROUGH && it->seen->direct_life.opened;
}

static int is_html(const struct doctor_answer *answer)
{
    return strncasecmp(answer->type, "text/html", 9) == 0 || doctor_body_has(answer, "<html") ||
           doctor_body_has(answer, "<!doctype html");
}

/* The value of `name=` in what the server saw. */
static int saw_is(const struct doctor_answer *answer, const char *name, wick_str want)
{
    const char *at = strstr(answer->saw, name);
    if (!at || !want.len)
        return -1;
    at += strlen(name);
    size_t len = strcspn(at, " ");
    return len == want.len && strncasecmp(at, want.data, len) == 0;
}

/* ---- The server's own refusals ----------------------------------------------------------------------------------- */

static const char *summary_of(wick_cause cause, const struct doctor_answer *answer)
{
    switch (cause) {
    case WICK_CAUSE_HOP_STRIPPED_HTTP10:
    case WICK_CAUSE_HOP_STRIPPED:
    case WICK_CAUSE_CONNECTION_NOT_SET:
    case WICK_CAUSE_UPGRADE_NOT_SET:
    case WICK_CAUSE_HTTP10_WITH_UPGRADE:
        return "the upgrade got lost on the way";
    case WICK_CAUSE_HOST_REWRITTEN:
        return "a proxy has rewritten Host";
    case WICK_CAUSE_PATH_CHANGED:
        return "a proxy has changed the path";
    case WICK_CAUSE_ORIGIN_MISMATCH:
        return "this Origin may not connect";
    default:
        return answer->code;
    }
}

/* The server has named the cause. Its sentence is about the request that it saw, which is the one that was sent here.
 * */
static void judge_cause(const struct refusal *it, const char *cause)
{
    wick_cause known = wick_cause_find((wick_str){ cause, strlen(cause) });
    if (known == WICK_CAUSE_NOT_A_WEBSOCKET_REQUEST && it->end == DOCTOR_THROUGH) {
        SAY(it->out->note, "%u: the handshake got lost on the way", it->answer->status);
        SAY(it->out->detail, "A proxy has passed on nothing of the handshake, not even Sec-WebSocket-Key.");
        doctor_fail(it->out, "HOP_STRIPPED", it->proxy);
        return;
    }
    SAY(it->out->note, "%u: %s", it->answer->status, summary_of(known, it->answer));
    SAY(it->out->detail, "%s", *it->answer->detail ? it->answer->detail : wick_cause_text(known));
    if (known == WICK_CAUSE_PATH_CHANGED || known == WICK_CAUSE_NONE)
        SAY(it->out->hint, "%s", it->answer->hint); /* with the prefix, which only the server knows */
    doctor_fail(it->out, cause, it->proxy);
}

/* A server that says what it saw and gives it no name. */
static const char *cause_of_saw(const struct doctor_answer *answer)
{
    int old = saw_is(answer, "http=", WICK_STR("1.0")) == 1;
    int no_upgrade = saw_is(answer, "upgrade=", WICK_STR("-")) == 1;
    int no_connection = strcasestr(answer->saw, "connection=upgrade") == NULL;
    if (no_upgrade)
        return !no_connection ? "UPGRADE_NOT_SET" : old ? "HOP_STRIPPED_HTTP10" : "HOP_STRIPPED";
    return no_connection ? "CONNECTION_NOT_SET" : old ? "HTTP10_WITH_UPGRADE" : "HOP_STRIPPED";
}

static void judge_origin(const struct refusal *it)
{
    const char *origin = it->seen->origin ? it->seen->origin : "";
    int same = saw_is(it->answer, "host=", it->url->authority);
    int opens_bare = it->bare->status == 101;
    SAY(it->out->note, "403: Origin %s may not connect%s", origin, opens_bare ? "; without Origin it may" : "");
    if (it->end == DOCTOR_THROUGH && (same == 0 || (same < 0 && direct_opens(it)))) {
        SAY(it->out->detail, "The server compares Origin with Host, and Host is no longer %.*s when it gets there: "
                             "a proxy has written another one.", (int)it->url->authority.len, it->url->authority.data);
        doctor_fail(it->out, "HOST_REWRITTEN", it->proxy);
        return;
    }
    SAY(it->out->detail, "The server does not let pages of %s connect. If your page is of another origin, say so "
                         "with --origin; else allow it in the server, or have the proxy pass Host on "
                         "unchanged.", origin);
    doctor_fail(it->out, "ORIGIN_MISMATCH", it->end == DOCTOR_DIRECT ? "" : it->proxy);
}

static int same_path(const wick_url *a, const wick_url *b)
{
    return a->path.len == b->path.len && memcmp(a->path.data, b->path.data, a->path.len) == 0;
}

static void judge_unknown_path(const struct refusal *it)
{
    int arrived = saw_is(it->answer, "path=", it->url->path);
    SAY(it->out->note, "404: nothing at %.*s", (int)it->url->path.len, it->url->path.data);
    if (it->end == DOCTOR_THROUGH &&
        (arrived == 0 || (arrived < 0 && direct_opens(it) && same_path(it->url, &it->seen->direct_to)))) {
        SAY(it->out->detail, "The server was asked for another path than %.*s: a proxy has changed it.",
            (int)it->url->path.len, it->url->path.data);
        doctor_fail(it->out, "PATH_CHANGED", it->proxy);
        return;
    }
    SAY(it->out->detail, "The server itself answers, and has no WebSocket at this path.");
    doctor_fail(it->out, "WRONG_PATH", "");
}

static void judge_unauthorized(const struct refusal *it)
{
    SAY(it->out->note, "%u: a token is needed", it->answer->status);
    SAY(it->out->detail, "%s asks who you are before it lets you connect.",
        *it->answer->stamp || it->end == DOCTOR_DIRECT || !*it->proxy ? "The server" : it->proxy);
    doctor_fail(it->out, "UNAUTHORIZED", *it->answer->stamp ? "" : it->proxy);
}

/* The server has signed the answer. */
static void judge_signed(const struct refusal *it)
{
    const struct doctor_answer *answer = it->answer;
    if (strcmp(answer->code, "ORIGIN_NOT_ALLOWED") == 0 && !*answer->cause)
        judge_origin(it);
    else if (*answer->cause)
        judge_cause(it, answer->cause);
    else if (strcmp(answer->code, "NOT_A_WEBSOCKET_REQUEST") == 0)
        judge_cause(it, answer->code);
    else if (strcmp(answer->code, "UPGRADE_STRIPPED_BY_PROXY") == 0)
        judge_cause(it, cause_of_saw(answer));
    else if (answer->status == 404)
        judge_unknown_path(it);
    else if (answer->status == 401)
        judge_unauthorized(it);
    else {
        SAY(it->out->note, "%u %s", answer->status, *answer->code ? answer->code : answer->reason);
        SAY(it->out->detail, "The handshake arrives, and the server refuses it. %s", answer->detail);
        SAY(it->out->hint, "%s", answer->hint);
        doctor_fail(it->out, "REFUSED_BY_SERVER", "");
    }
}

/* ---- Refusals without a signature -------------------------------------------------------------------------------- */

static void judge_redirect(const struct refusal *it)
{
    const struct doctor_answer *answer = it->answer;
    size_t path_len = it->url->path.len, len;
    const char *target = strstr(answer->location, "://");
    SAY(it->out->note, "%u to %s", answer->status, answer->location);
    if (!it->url->secure && strncasecmp(answer->location, "https:", 6) == 0) {
        SAY(it->out->detail, "%s sends everything to https, and WebSocket clients follow no redirect: connect to "
                             "wss%s.",
            who_of(it, "The proxy"), answer->location + 5);
        doctor_fail(it->out, "REDIRECT_TO_TLS", it->proxy);
        return;
    }
    target = target ? strchr(target + 3, '/') : answer->location;
    len = target ? strcspn(target, "?#") : 0;
    if (target && len == path_len + 1 && target[len - 1] == '/' && memcmp(target, it->url->path.data, path_len) == 0) {
        SAY(it->out->detail, "%s adds a slash to the path, and WebSocket clients follow no redirect: connect to the "
                             "path with the slash, or have the one without matched too.", who_of(it, "The proxy"));
        doctor_fail(it->out, "REDIRECT_TO_SLASH", it->proxy);
        return;
    }
    SAY(it->out->detail, "WebSocket clients follow no redirect. %s",
        answer->status == 302 || answer->status == 303 ? "It looks like a login page in front of the server."
                                                       : "Connect to where it points, or take it out for this path.");
    doctor_fail(it->out, "REDIRECTED", it->proxy);
}

static void judge_page(const struct refusal *it)
{
    const struct doctor_answer *answer = it->answer;
    SAY(it->out->note, "%u with%s", answer->status,
        is_html(answer)      ? " a page"
        : answer->body_bytes ? " a body"
                             : "out a body");
    if (*answer->stamp || it->end == DOCTOR_DIRECT) {
        SAY(it->out->detail, "The server itself answers with a page: this path is not a WebSocket endpoint.");
        doctor_fail(it->out, "WRONG_PATH", "");
        return;
    }
    SAY(it->out->detail, "%s does not pass this path on to the server: %s.", who_of(it, "The other end"),
        is_html(answer) ? "it answers with a page, as the fallback of a single-page application does"
                        : "it answers by itself, as Caddy does where no route matches");
    doctor_fail(it->out, "PATH_NOT_PROXIED", it->proxy);
}

static void judge_bad_gateway(const struct refusal *it)
{
    const struct doctor_answer *answer = it->answer;
    const char *who = *it->proxy ? it->proxy : "The proxy";
    SAY(it->out->note, "%u after %llu ms", answer->status, (ull)answer->answer_ms);
    if (answer->status == 504 || answer->status == 524 || answer->status == 522) {
        SAY(it->out->detail, "%s has waited %llu ms for the server, which does not answer the handshake: it hangs, "
                             "or a firewall stands between the two.", who, (ull)answer->answer_ms);
        doctor_fail(it->out, "UPSTREAM_HANGS", it->proxy);
        return;
    }
    if (it->get->status && it->get->status < 500) {
        SAY(it->out->detail, "%s reaches a server with a plain GET (%u), and gives up only on the WebSocket "
                             "handshake: its answer makes no sense to the proxy, as when the proxy speaks HTTP/2 or "
                             "TLS to it.", who,
            it->get->status);
        doctor_fail(it->out, "UPSTREAM_BAD_ANSWER", it->proxy);
        return;
    }
    SAY(it->out->detail, "%s cannot reach the server%s. ", who,
        answer->status == 503 && answer->answer_ms >= RETRIED_MS ? ", and has tried several times" : "");
    if (direct_opens(it))
        SAY(it->out->detail, "The server is up: the address or port in the proxy's configuration is wrong, or is "
                             "not one that the proxy can reach (127.0.0.1 inside a container is the container "
                             "itself).");
    else
        SAY(it->out->detail, "The server is down, or not where the proxy looks for it.");
    doctor_fail(it->out, answer->status == 503 ? "UPSTREAM_DOWN" : "UPSTREAM_REFUSED", it->proxy);
}

static void judge_not_found(const struct refusal *it)
{
    SAY(it->out->note, is_alone(it) ? "404, not from a server that signs" : "404, not from the server");
    if (strcmp(it->proxy, "Traefik or Go") == 0) {
        SAY(it->out->detail, "\"404 page not found\" in 19 bytes is what Traefik (and Go) says when no router "
                             "matches, or one with a higher priority takes the path.");
        doctor_fail(it->out, "NO_ROUTE", "Traefik");
        return;
    }
    if (*it->get->stamp)
        SAY(it->out->detail, "A plain GET on this path reaches the server, a handshake does not: a rule of the "
                             "proxy sends handshakes elsewhere.");
    else if (is_alone(it))
        SAY(it->out->detail, "The server has nothing at this path, or a proxy routes it elsewhere: --direct would "
                             "tell which.");
    else
        SAY(it->out->detail, "%s routes this path elsewhere, or nowhere.", who_of(it, "A proxy"));
    doctor_fail(it->out, "ROUTED_ELSEWHERE", it->proxy);
}

static void judge_forbidden(const struct refusal *it)
{
    int envoy = strcmp(it->proxy, wick_proxy_name(WICK_PROXY_ENVOY)) == 0;
    if (it->bare->status == 101) {
        judge_origin(it);
        return;
    }
    if (it->end == DOCTOR_DIRECT) {
        SAY(it->out->note, "403 %s", it->answer->reason);
        SAY(it->out->detail, "The server itself denies it, with and without Origin.");
        doctor_fail(it->out, "REFUSED_BY_SERVER", "");
        return;
    }
    SAY(it->out->note, is_alone(it) ? "403, not from a server that signs" : "403, not from the server");
    if (envoy)
        SAY(it->out->detail, "Envoy answers 403 to an upgrade that its configuration does not allow.");
    else if (*it->get->stamp)
        SAY(it->out->detail, "A plain GET on this path reaches the server, a handshake does not: a firewall (WAF) "
                             "or a rule of the proxy denies handshakes.");
    else
        SAY(it->out->detail, "%s or a firewall (WAF) denies this path%s.", who_of(it, "A proxy"),
            is_alone(it) ? ", or the server does: --direct would tell which" : "");
    doctor_fail(it->out, envoy ? "UPGRADE_NOT_ALLOWED" : "FORBIDDEN_BY_PROXY", it->proxy);
}

/* Other people's WebSocket servers say that there was no upgrade, each in its own words. */
static int wants_upgrade(const struct doctor_answer *answer)
{
    return answer->status == 426 || answer->signs & SIGN_UPGRADE || doctor_body_has(answer, "upgrade") ||
           doctor_body_has(answer, "websocket") || doctor_body_has(answer, "connection header");
}

static void judge_upgrade_lost(const struct refusal *it)
{
    const char *cause = doctor_body_has(it->answer, "invalid Upgrade header") ? "UPGRADE_NOT_SET" : "HOP_STRIPPED";
    if (it->end == DOCTOR_DIRECT || (!direct_opens(it) && !*it->proxy)) {
        SAY(it->out->note, "%u: it asks for a WebSocket handshake", it->answer->status);
        SAY(it->out->detail, "It was given one. Either a proxy stands in between and does not pass the upgrade on, "
                             "or the server wants something else of a handshake.");
        doctor_fail(it->out, cause, it->proxy);
        return;
    }
    SAY(it->out->note, "%u: the upgrade got lost on the way", it->answer->status);
    SAY(it->out->detail, "The server answers as to a request without an upgrade%s: the proxy does not pass Upgrade "
                         "and Connection on.", direct_opens(it) ? ", and directly it opens the WebSocket" : "");
    doctor_fail(it->out, cause, it->proxy);
}

/* The direct answer is the same: it is the server's, whoever passes it on. */
static int same_as_direct(const struct refusal *it)
{
    const struct doctor_answer *direct = &it->seen->direct;
    return it->end == DOCTOR_THROUGH && direct->status == it->answer->status &&
           (direct->status == 401 || direct->status == 403 || direct->status == 404 || direct->status == 400 ||
            direct->status == 426);
}

static void judge_unsigned(const struct refusal *it)
{
    const struct doctor_answer *answer = it->answer;
    if (same_as_direct(it)) {
        SAY(it->out->note, "%u, as directly", answer->status);
        SAY(it->out->detail, "The server answers so by itself; the proxy has no part in it.");
        doctor_fail(it->out, "REFUSED_BY_SERVER", "");
    } else if (answer->status >= 300 && answer->status < 400) {
        judge_redirect(it);
    } else if (answer->status < 300) {
        judge_page(it);
    } else if (answer->status == 401 || answer->status == 407) {
        judge_unauthorized(it);
    } else if (answer->status == 403) {
        judge_forbidden(it);
    } else if (answer->status == 404) {
        if (it->end == DOCTOR_DIRECT)
            judge_unknown_path(it);
        else
            judge_not_found(it);
    } else if (wants_upgrade(answer) || (answer->status == 400 && direct_opens(it))) {
        judge_upgrade_lost(it);
    } else if (answer->status >= 502 && it->end == DOCTOR_THROUGH) {
        judge_bad_gateway(it);
    } else {
        SAY(it->out->note, "%u %s", answer->status, answer->reason);
        SAY(it->out->detail, "The handshake is answered with %u.", answer->status);
        doctor_fail(it->out, answer->status >= 500 ? "SERVER_ERROR" : "REFUSED", it->proxy);
    }
}

void doctor_judge_refusal(const struct doctor_case *seen, enum doctor_end end, struct doctor_finding *out)
{
    int directly = end == DOCTOR_DIRECT;
    struct refusal it = {
        .seen = seen, .end = end, .out = out,
        .answer = directly ? &seen->direct : &seen->through,
        .bare = directly ? &seen->direct_bare : &seen->bare,
        .get = directly ? &seen->direct_get : &seen->get,
        .url = directly ? &seen->direct_to : &seen->to,
    };
    it.proxy = doctor_proxy_of(it.answer, directly ? NULL : &seen->direct);
    if ((*it.answer->stamp || *it.answer->code) && it.answer->status >= 400)
        judge_signed(&it);
    else
        judge_unsigned(&it);
}
