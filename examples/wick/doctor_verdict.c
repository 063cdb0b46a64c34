/*
 * doctor_verdict.c - what the observations of a connection mean. Pure: no I/O, no clock, nothing kept.
 *
 * One function judges both ends. What was seen directly is the yardstick for what was seen through the proxy: the same
 * answer from both is the server's own, and only a difference is the proxy's doing.
 */
#include <stdio.h>
#include <string.h>

#include "wick/doctor.h"

/* A 101 that ends so soon with nothing said was never passed on. */
#define STILLBORN_MS 500

static const struct doctor_answer *answer_of(const struct doctor_case *seen, enum doctor_end end)
{
    return end == DOCTOR_DIRECT ? &seen->direct : &seen->through;
}

static const struct doctor_answer *get_of(const struct doctor_case *seen, enum doctor_end end)
{
    return end == DOCTOR_DIRECT ? &seen->direct_get : &seen->get;
}

static const struct doctor_life *life_of(const struct doctor_case *seen, enum doctor_end end)
{
    return end == DOCTOR_DIRECT ? &seen->direct_life : &seen->life;
}

static const wick_url *url_of(const struct doctor_case *seen, enum doctor_end end)
{
    return end == DOCTOR_DIRECT ? &seen->direct_to : &seen->to;
}

static int direct_is_fine(const struct doctor_case *seen)
{
    return seen->direct_life.opened;
}

/* What the other end of a URL is called in sentences. */
static const char *subject(enum doctor_end end)
{
    return end == DOCTOR_DIRECT ? "the server" : "the other end";
}

/* ---- No connection ----------------------------------------------------------------------------------------------- */

static void judge_refused(const struct doctor_case *seen, enum doctor_end end, struct doctor_finding *out)
{
    const struct doctor_answer *answer = answer_of(seen, end);
    SAY(out->note, "nobody listens at %s", answer->address);
    if (end == DOCTOR_DIRECT) {
        SAY(out->detail, "The server is down, or listens on another address or port. Nothing behind a proxy works "
                         "before this does.");
        doctor_fail(out, "SERVER_DOWN", "");
    } else if (direct_is_fine(seen)) {
        SAY(out->detail, "The server itself is up: the proxy is not running, or does not listen on this address and "
                         "port.");
        doctor_fail(out, "PROXY_DOWN", "");
    } else {
        SAY(out->detail, "Neither a proxy nor a server listens on this address and port.");
        doctor_fail(out, seen->direct.asked ? "PROXY_DOWN" : "SERVER_DOWN", "");
    }
}

static void judge_no_connection(const struct doctor_case *seen, enum doctor_end end, struct doctor_finding *out)
{
    const struct doctor_answer *answer = answer_of(seen, end);
    const wick_url *url = url_of(seen, end);
    switch (answer->outcome) {
    case HTTP_REFUSED:
        judge_refused(seen, end, out);
        return;
    case HTTP_NO_HOST:
        SAY(out->note, "%s", answer->trouble);
        SAY(out->detail, "The name %.*s does not resolve to an address.", (int)url->host.len, url->host.data);
        doctor_fail(out, "NO_SUCH_HOST", "");
        return;
    case HTTP_TIMEOUT:
        if (answer->stage == HTTP_RESOLVING) {
            SAY(out->note, "no answer from the name server within %llu ms", (ull)answer->connect_ms);
            SAY(out->detail, "Whether %.*s exists is not known: DNS does not "
                             "answer.", (int)url->host.len, url->host.data);
            doctor_fail(out, "DNS_TIMEOUT", "");
            return;
        }
        SAY(out->note, "no connection within %llu ms", (ull)answer->connect_ms);
        SAY(out->detail, "Nothing answers at %s, not even with a refusal: a firewall drops the packets, or the "
                         "address is wrong.", answer->address);
        doctor_fail(out, "CONNECT_TIMEOUT", "");
        return;
    default:
        SAY(out->note, "%s", answer->trouble);
        SAY(out->detail, "There is no connection to %s.", *answer->address ? answer->address : seen->url);
        doctor_fail(out, "UNREACHABLE", "");
    }
}

/* TLS was wanted, and did not come about: the port may not know it. Returns 1 if that is it. */
static int judge_plain_port(const struct doctor_case *seen, enum doctor_end end, struct doctor_finding *out)
{
    const struct doctor_answer *plain = &seen->plain;
    const wick_url *url = url_of(seen, end);
    if (end == DOCTOR_DIRECT || !plain->status || doctor_speaks_tls(plain))
        return 0;
    SAY(out->note, "the port speaks plain HTTP");
    SAY(out->detail, "The URL says %.*s, and %.*s answers plain HTTP (%u): there is no TLS on this port.",
        (int)url->scheme.len, url->scheme.data, (int)url->authority.len, url->authority.data, plain->status);
    doctor_fail(out, "TLS_TO_PLAIN", doctor_proxy_of(plain, NULL));
    return 1;
}

static void judge_no_tls(const struct doctor_case *seen, enum doctor_end end, struct doctor_finding *out)
{
    const wick_url *url = url_of(seen, end);
    if (judge_plain_port(seen, end, out))
        return;
    SAY(out->note, "this wick is built without TLS");
    SAY(out->detail, "%.*s URLs need TLS, which this build has not, so nothing can be said about this connection.",
        (int)url->scheme.len, url->scheme.data);
    doctor_fail(out, "NO_TLS", "");
}

static void judge_tls_failed(const struct doctor_case *seen, enum doctor_end end, struct doctor_finding *out)
{
    const struct doctor_answer *answer = answer_of(seen, end);
    if (judge_plain_port(seen, end, out))
        return;
    SAY(out->note, "%s", answer->trouble);
    if (strstr(answer->trouble, "certificate")) {
        SAY(out->detail, "A browser does not connect either, and its JavaScript is told nothing but 1006.");
        doctor_fail(out, "CERTIFICATE", "");
        return;
    }
    SAY(out->detail, "The connection stands, and the TLS handshake on it does not succeed.");
    doctor_fail(out, "TLS_FAILED", "");
}

/* ---- A connection without an answer ------------------------------------------------------------------------------ */

int doctor_speaks_tls(const struct doctor_answer *answer)
{
    static const char *const texts[] = {
        "plain HTTP request was sent to HTTPS port",
        "speaking plain HTTP to an SSL",
        "HTTP request to an HTTPS server",
        "combination of host and port requires TLS",
        "and the port speaks TLS",
    };
    if (answer->outcome == HTTP_NOT_HTTP)
        return answer->first_len >= 2 && (answer->first[0] == 0x15 || answer->first[0] == 0x16) &&
               answer->first[1] == 0x03;
    for (size_t i = 0; answer->status == 400 && i < sizeof texts / sizeof *texts; i++)
        if (doctor_body_has(answer, texts[i]))
            return 1;
    return 0;
}

static void judge_plain_to_tls(const struct doctor_case *seen, enum doctor_end end, struct doctor_finding *out)
{
    const wick_url *url = url_of(seen, end);
    SAY(out->note, "the port speaks TLS, and the URL does not");
    SAY(out->detail, "%.*s expects TLS: connect to wss://%.*s%.*s.", (int)url->authority.len, url->authority.data,
        (int)url->authority.len, url->authority.data, (int)url->path.len, url->path.data);
    doctor_fail(out, "PLAIN_TO_TLS", doctor_proxy_of(answer_of(seen, end), NULL));
}

/* The plain GET was answered and the handshake was not: something treats them differently. */
static void judge_only_handshake_silent(const struct doctor_case *seen, enum doctor_end end, struct doctor_finding *out)
{
    const struct doctor_answer *answer = answer_of(seen, end), *get = get_of(seen, end);
    const char *proxy = doctor_proxy_of(get, seen->direct_get.asked ? &seen->direct_get : NULL);
    SAY(out->note, answer->outcome == HTTP_TIMEOUT ? "no answer to the handshake within %llu ms"
                                                   : "closed without an answer to the handshake after %llu ms",
        (ull)answer->answer_ms);
    SAY(out->detail, "A plain GET on the same path is answered (%u), a WebSocket handshake is not: it gets lost in "
                     "a proxy that does not handle upgrades, such as a node http-proxy without an 'upgrade' listener.",
        get->status);
    doctor_fail(out, "UPGRADE_NOT_RELAYED", *proxy ? proxy : end == DOCTOR_DIRECT ? "" : "node http-proxy");
}

static void judge_silent(const struct doctor_case *seen, enum doctor_end end, struct doctor_finding *out)
{
    const struct doctor_answer *answer = answer_of(seen, end), *get = get_of(seen, end);
    unsigned port = url_of(seen, end)->port;
    if (get->status) {
        judge_only_handshake_silent(seen, end, out);
        return;
    }
    if (answer->outcome == HTTP_TIMEOUT) {
        SAY(out->note, "connected, and no answer within %llu ms", (ull)answer->answer_ms);
        SAY(out->detail, "%s accepts the connection and then says nothing, to a plain GET neither: a server behind "
                         "it hangs, or the port belongs to something else (a TLS port waits like this too).",
            answer->address);
        doctor_fail(out, "NO_ANSWER", "");
        return;
    }
    SAY(out->note, "connected, then %s without a byte", answer->outcome == HTTP_RESET ? "reset" : "closed");
    if (port == 443 || port == 8443 || port == 4443) {
        SAY(out->detail, "Port %u is mostly a TLS port, and one that is spoken to in plain often just closes: try "
                         "wss://%.*s.", port, (int)url_of(seen, end)->authority.len, url_of(seen, end)->authority.data);
        doctor_fail(out, "PLAIN_TO_TLS", "");
        return;
    }
    SAY(out->detail, "%s closes as soon as it is spoken to, by a plain GET too: a TLS port that is spoken to in "
                     "plain (try wss://), a proxy whose server is gone, or a firewall.", answer->address);
    doctor_fail(out, "CLOSED_WITHOUT_ANSWER", "");
}

static void judge_no_head(const struct doctor_case *seen, enum doctor_end end, struct doctor_finding *out)
{
    const struct doctor_answer *answer = answer_of(seen, end);
    if (doctor_speaks_tls(answer)) {
        judge_plain_to_tls(seen, end, out);
    } else if (answer->outcome == HTTP_NOT_HTTP) {
        SAY(out->note, "the answer is not HTTP");
        SAY(out->detail, "What listens at %s is neither a web server nor a proxy for one: is the port right?",
            answer->address);
        doctor_fail(out, "NOT_HTTP", "");
    } else if (answer->outcome == HTTP_BAD_HEAD) {
        SAY(out->note, "the answer breaks the rules of HTTP");
        SAY(out->detail, "The head of the answer cannot be read: %s.", answer->trouble);
        doctor_fail(out, "BAD_ANSWER", "");
    } else if (answer->bytes) {
        SAY(out->note, "the head of the answer is not whole after %llu ms", (ull)answer->answer_ms);
        SAY(out->detail, "%llu bytes came, then nothing more that ends the head.", (ull)answer->bytes);
        doctor_fail(out, "BAD_ANSWER", "");
    } else {
        judge_silent(seen, end, out);
    }
}

/* ---- Behind a 101 ------------------------------------------------------------------------------------------------ */

static void judge_bad_handshake(const struct doctor_case *seen, enum doctor_end end, struct doctor_finding *out)
{
    const struct doctor_answer *answer = answer_of(seen, end);
    SAY(out->note, "101, but not a WebSocket handshake");
    SAY(out->detail, "%s ", wick_status_text(answer->handshake));
    if (answer->handshake == WICK_E_HANDSHAKE_ACCEPT)
        SAY(out->detail, "Something answers 101 that has not read the key: a cache, or a server that is no "
                         "WebSocket server.");
    else if (end == DOCTOR_THROUGH && direct_is_fine(seen))
        SAY(out->detail, "Directly it is right, so a proxy has changed the fields of the answer.");
    doctor_fail(out, "BAD_HANDSHAKE", doctor_proxy_of(answer, &seen->direct));
}

static void judge_closed(const struct doctor_case *seen, enum doctor_end end, struct doctor_finding *out)
{
    const struct doctor_life *life = life_of(seen, end);
    const char *proxy = end == DOCTOR_DIRECT ? "" : doctor_proxy_of(&seen->through, &seen->direct);
    SAY(out->note, "101, then closed with %u%s%s after %llu ms", life->code, *life->reason ? " " : "", life->reason,
        (ull)life->age_ms);
    if (life->code == 1001 && end == DOCTOR_THROUGH && direct_is_fine(seen) && seen->direct_life.fate != FATE_CLOSED) {
        SAY(out->detail, "Directly the connection stays: it was the proxy that said Close 1001, as Caddy does when "
                         "its configuration is loaded anew.");
        doctor_fail(out, "PROXY_RELOAD", *proxy ? proxy : "Caddy");
        return;
    }
    SAY(out->detail, "The handshake went through, and %s then closed the connection with "
                     "%u%s%s.", subject(end), life->code,
        *life->reason ? ": " : "", life->reason);
    doctor_fail(out, "CLOSED_BY_SERVER", "");
}

static void judge_short_life(const struct doctor_case *seen, enum doctor_end end, struct doctor_finding *out)
{
    const struct doctor_life *life = life_of(seen, end);
    const char *proxy = end == DOCTOR_DIRECT ? "" : doctor_proxy_of(&seen->through, &seen->direct);
    const char *how = life->fate == FATE_RESET ? "reset" : "closed without a Close frame";
    if (life->fate == FATE_ERROR) {
        SAY(out->note, "101, then something that is not WebSocket");
        SAY(out->detail, "What follows the 101 breaks RFC 6455: %s", wick_status_text(life->error));
        doctor_fail(out, "NOT_WEBSOCKET", proxy);
        return;
    }
    SAY(out->note, "101, then %s after %llu ms", how, (ull)life->age_ms);
    if (!life->messages && !life->pongs && life->age_ms < STILLBORN_MS) {
        SAY(out->detail, "The handshake looks perfect, and then the connection ends before anything is said: a "
                         "proxy passes the 101 on as if it were a page and closes, such as a node http-proxy "
                         "without an 'upgrade' listener, or the server drops the connection in its own connection "
                         "handler.");
        doctor_fail(out, "UPGRADE_NOT_RELAYED",
                    *proxy ? proxy : end == DOCTOR_THROUGH && direct_is_fine(seen) ? "node http-proxy" : "");
        return;
    }
    SAY(out->detail, "The connection opened and was then %s.", how);
    doctor_fail(out, "CONNECTION_CUT", proxy);
}

static void judge_open(const struct doctor_case *seen, enum doctor_end end, struct doctor_finding *out)
{
    const struct doctor_life *life = life_of(seen, end);
    const struct doctor_answer *answer = answer_of(seen, end);
    if (!life->pings || life->pongs) {
        out->status = DOCTOR_PASSED;
        SAY(out->note, "101 after %llu ms", (ull)answer->answer_ms);
        if (life->pongs)
            SAY(out->note, ", pong after %llu ms", (ull)life->trip_ms);
        if (*answer->stamp)
            SAY(out->note, ", %s", answer->stamp);
        return;
    }
    SAY(out->note, "101, and no pong to a ping");
    if (end == DOCTOR_THROUGH && seen->direct_life.pongs)
        SAY(out->detail, "Directly a ping is answered after %llu ms. Through the proxy the connection opens and "
                         "frames do not get through: something holds the bytes back.", (ull)seen->direct_life.trip_ms);
    else
        SAY(out->detail, "The connection opens, and %s does not answer a ping, which RFC 6455 (5.5.3) "
                         "demands.", subject(end));
    doctor_fail(out, "NO_PONG", end == DOCTOR_DIRECT ? "" : doctor_proxy_of(answer, &seen->direct));
}

/* ---- All of it --------------------------------------------------------------------------------------------------- */

void doctor_judge_connection(const struct doctor_case *seen, enum doctor_end end, struct doctor_finding *out)
{
    const struct doctor_answer *answer = answer_of(seen, end);
    const struct doctor_life *life = life_of(seen, end);
    doctor_evidence(answer, out->evidence, sizeof out->evidence);
    if (answer->outcome == HTTP_NO_TLS)
        judge_no_tls(seen, end, out);
    else if (answer->outcome == HTTP_TLS_FAILED || answer->stage == HTTP_SECURING)
        judge_tls_failed(seen, end, out);
    else if (!answer->status && answer->stage <= HTTP_CONNECTING)
        judge_no_connection(seen, end, out);
    else if (!answer->status)
        judge_no_head(seen, end, out);
    else if (doctor_speaks_tls(answer))
        judge_plain_to_tls(seen, end, out);
    else if (answer->status != 101)
        doctor_judge_refusal(seen, end, out);
    else if (!life->opened)
        judge_bad_handshake(seen, end, out);
    else if (life->fate == FATE_CLOSED)
        judge_closed(seen, end, out);
    else if (life->fate != FATE_OPEN)
        judge_short_life(seen, end, out);
    else
        judge_open(seen, end, out);
    doctor_fill_path(out, url_of(seen, end)->path);
}

/* A GET cannot show that a WebSocket works. It shows whether the path leads to the same server. */
void doctor_judge_get(const struct doctor_case *seen, const struct doctor_finding *connection,
                      struct doctor_finding *out)
{
    const struct doctor_answer *get = &seen->get, *direct = &seen->direct_get;
    const char *proxy = doctor_proxy_of(get, direct->asked ? direct : NULL);
    doctor_evidence(get, out->evidence, sizeof out->evidence);
    if (!get->status) {
        SAY(out->note, "%s", get->trouble);
        doctor_fail(out, "NO_ANSWER", "");
    } else if (connection->status == DOCTOR_FAILED && !*get->stamp && !*seen->through.stamp &&
               get->status == seen->through.status && get->status != direct->status) {
        SAY(out->note, "%u, as the handshake", get->status);
        SAY(out->detail, "A plain GET is answered in the same way, so it is not about WebSocket alone.");
        SAY(out->hint, "The same as for the WebSocket above.");
        doctor_fail(out, connection->cause, connection->proxy);
    } else if (*direct->stamp && !*get->stamp) {
        SAY(out->note, "%u without the server's stamp", get->status);
        SAY(out->detail, "Directly %s answers this path (%u). Through the proxy somebody else does: the proxy sends "
                         "this path to another server, or answers it itself.", direct->stamp, direct->status);
        doctor_fail(out, get->status == 502 || get->status == 504 ? "UPSTREAM_REFUSED" : "ROUTED_ELSEWHERE", proxy);
    } else if (get->status >= 502 && get->status <= 504 && direct->status != get->status) {
        SAY(out->note, "%u %s", get->status, get->reason);
        SAY(out->detail, "The proxy cannot reach the server for a plain GET either.");
        doctor_fail(out, "UPSTREAM_REFUSED", proxy);
    } else {
        out->status = DOCTOR_PASSED;
        SAY(out->note, "%u after %llu ms", get->status, (ull)get->answer_ms);
        if (*get->stamp)
            SAY(out->note, ", from %s", get->stamp);
        else if (direct->status)
            SAY(out->note, get->status == direct->status ? ", as directly" : "; directly %u", direct->status);
    }
    doctor_fill_path(out, seen->to.path);
}
