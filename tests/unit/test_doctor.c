/*
 * The verdicts of `wick doctor`: tests/vectors/doctor has what was seen, and what it must be put down to.
 *
 *     > HTTP/1.1 400 Bad Request       what was answered to the handshake through the proxy, body included
 *     through refused                  or what became of it without an answer; bytes HEX is an answer that is not HTTP
 *     after 3000                       milliseconds to the answer
 *     life fin 5                       behind a 101: open, fin, reset, error or close CODE, and the age
 *     pings 1 0                        sent, and answered
 *     bare 101                         the same handshake without Origin
 *     get 400 agent_server             a plain GET: status and stamp, or `none`
 *     direct 101                       the direct handshake: 101 is with a pong; a status, or a word as for through
 *     direct_get 400 agent_server
 *     url, direct_url, origin
 *     end direct                       judge the direct end, or `get`: the plain GET
 *     want FAILED HOP_STRIPPED nginx   status, cause and proxy (`-` for none)
 *     hint, note, detail, evidence     texts that must occur; several with a number behind the name: hint2
 */
#include <stdlib.h>

#include "lib/test.h"
#include "lib/vectors.h"

#include "wick/doctor_answer.c"
#include "wick/doctor_mend.c"
#include "wick/doctor_refusal.c"
#include "wick/doctor_time.c"
#include "wick/doctor_verdict.c"

static const char *const status_words[] = { "SKIPPED", "PASSED", "FAILED" };

/* ---- What was seen ----------------------------------------------------------------------------------------------- */

static int begins_with(const char *text, const char *word)
{
    return strncmp(text, word, strlen(word)) == 0;
}

static void no_answer(const test_vector *vector, struct doctor_answer *answer, const char *how)
{
    static const struct {
        const char *word;
        enum http_stage stage;
        enum http_outcome outcome;
    } ways[] = {
        { "refused", HTTP_CONNECTING, HTTP_REFUSED },       { "no_host", HTTP_RESOLVING, HTTP_NO_HOST },
        { "no_connection", HTTP_CONNECTING, HTTP_TIMEOUT }, { "unreachable", HTTP_CONNECTING, HTTP_UNREACHABLE },
        { "no_dns", HTTP_RESOLVING, HTTP_TIMEOUT },
        { "timeout", HTTP_AWAITING, HTTP_TIMEOUT },         { "fin", HTTP_AWAITING, HTTP_FIN },
        { "reset", HTTP_AWAITING, HTTP_RESET },             { "no_tls", HTTP_RESOLVING, HTTP_NO_TLS },
        { "bad_head", HTTP_AWAITING, HTTP_BAD_HEAD },       { "bytes", HTTP_AWAITING, HTTP_NOT_HTTP },
        { "half_head", HTTP_AWAITING, HTTP_TIMEOUT },       { "tls_timeout", HTTP_SECURING, HTTP_TIMEOUT },
        { "the server's certificate is not trusted", HTTP_SECURING, HTTP_TLS_FAILED },
        { "the other end does not speak TLS", HTTP_SECURING, HTTP_TLS_FAILED },
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (!begins_with(how, ways[i].word))
            continue;
        answer->stage = ways[i].stage;
        answer->outcome = ways[i].outcome;
        SAY(answer->trouble, "%s", ways[i].word);
        if (begins_with(how, "bytes "))
            answer->first_len = (size_t)test_hex(how + 6, answer->first, sizeof answer->first);
        answer->bytes = begins_with(how, "half_head") ? 100 : answer->first_len;
        return;
    }
    VECTOR_FAIL(vector, "what is '%s'?", how);
}

static void read_response(const test_vector *vector, struct doctor_answer *answer)
{
    wick_http_header fields[64];
    wick_http_head head;
    wick_http_response response;
    wick_http_head_init_response(&head, NULL, fields, 64, 0);
    if (wick_http_head_feed(&head, vector->input, vector->input_len, 0) != WICK_OK) {
        VECTOR_FAIL(vector, "%s", "the response cannot be read");
        return;
    }
    size_t len = wick_http_head_length(&head);
    wick_http_head_response(&head, &response);
    doctor_answer_head(answer, &response);
    doctor_answer_body(answer, vector->input + len, vector->input_len - len);
    doctor_answer_end(answer);
    answer->stage = HTTP_READING;
    answer->outcome = HTTP_WHOLE;
}

/* "400 agent_server", or a word. */
static void read_short(const test_vector *vector, const char *key, struct doctor_answer *answer)
{
    const char *text = test_vector_get(vector, key);
    if (!text)
        return;
    answer->asked = 1;
    SAY(answer->address, "192.0.2.1:80");
    answer->status = (unsigned)strtoul(text, NULL, 10);
    if (!answer->status) {
        no_answer(vector, answer, text);
        return;
    }
    answer->stage = HTTP_READING;
    answer->outcome = HTTP_WHOLE;
    if (text[3] == ' ')
        SAY(answer->stamp, "%s", text + 4);
}

static void read_life(const test_vector *vector, struct doctor_case *seen)
{
    const char *text = test_vector_get(vector, "life"), *pings = test_vector_get(vector, "pings");
    struct doctor_life *life = &seen->life;
    char *rest = NULL;
    life->opened = seen->through.status == 101 && test_vector_get(vector, "handshake") == NULL;
    life->pings = life->pongs = 1;
    if (text && strchr(text, ' ')) {
        life->fate = begins_with(text, "fin")     ? FATE_FIN
                     : begins_with(text, "reset") ? FATE_RESET
                     : begins_with(text, "close") ? FATE_CLOSED
                                                  : FATE_ERROR;
        rest = strchr(text, ' ');
        life->code = life->fate == FATE_CLOSED ? (unsigned)strtoul(rest, &rest, 10) : 0;
        life->age_ms = strtoul(rest, NULL, 10);
        life->error = life->fate == FATE_ERROR ? WICK_E_OPCODE : WICK_E_EOF;
        life->pongs = 0;
    }
    if (pings) {
        life->pings = (unsigned)strtoul(pings, &rest, 10);
        life->pongs = (unsigned)strtoul(rest, NULL, 10);
    }
    if (test_vector_get(vector, "handshake"))
        seen->through.handshake = (wick_status)test_status_named(vector, test_vector_get(vector, "handshake"));
    seen->direct_life.opened = seen->direct.status == 101;
    seen->direct_life.pings = seen->direct_life.pongs = seen->direct_life.opened ? 1u : 0u;
}

static const char *text_or(const test_vector *vector, const char *key, const char *otherwise)
{
    const char *text = test_vector_get(vector, key);
    return text ? text : otherwise;
}

static void read_case(const test_vector *vector, struct doctor_case *seen)
{
    memset(seen, 0, sizeof *seen);
    seen->url = text_or(vector, "url", "ws://proxy.example/ws");
    seen->direct_url = text_or(vector, "direct_url", "ws://10.0.0.1:9000/ws");
    seen->origin = text_or(vector, "origin", "http://proxy.example");
    if (wick_url_split((wick_str){ seen->url, strlen(seen->url) }, &seen->to) != WICK_OK ||
        wick_url_split((wick_str){ seen->direct_url, strlen(seen->direct_url) }, &seen->direct_to) != WICK_OK)
        VECTOR_FAIL(vector, "%s", "a URL is wrong");
    read_short(vector, "through", &seen->through);
    if (vector->input_len)
        read_response(vector, &seen->through);
    seen->through.asked = 1;
    seen->through.answer_ms = test_vector_number(vector, "after", 1);
    read_short(vector, "get", &seen->get);
    read_short(vector, "bare", &seen->bare);
    read_short(vector, "plain", &seen->plain);
    read_short(vector, "direct", &seen->direct);
    read_short(vector, "direct_get", &seen->direct_get);
    read_life(vector, seen);
}

/* ---- What is made of it ------------------------------------------------------------------------------------------ */

static void check_text(const test_vector *vector, const char *key, const char *text)
{
    char name[20];
#ifdef WICK_NO_DIAGNOSE
    if (!*text)
        return; /* it was the library's */
#endif
    for (int i = 1; i < 6; i++) {
        snprintf(name, sizeof name, i == 1 ? "%s" : "%s%d", key, i);
        const char *want = test_vector_get(vector, name);
        if (want && !strstr(text, want))
            VECTOR_FAIL(vector, "%s lacks '%s': %s", key, want, text);
    }
}

static void check_finding(const test_vector *vector, const struct doctor_finding *finding)
{
    char got[200] = "";
    const char *want = test_vector_get(vector, "want");
    SAY(got, "%s", status_words[finding->status]);
    if (*finding->cause)
        SAY(got, " %s %s", finding->cause, *finding->proxy ? finding->proxy : "-");
    if (!want || strcmp(got, want) != 0)
        VECTOR_FAIL(vector, "is '%s', want '%s': %s", got, want ? want : "", finding->note);
    check_text(vector, "note", finding->note);
    check_text(vector, "detail", finding->detail);
    check_text(vector, "hint", finding->hint);
    check_text(vector, "evidence", finding->evidence);
    /* A failure says what is wrong and what to do about it. */
    if (finding->status == DOCTOR_FAILED && (!*finding->note || !*finding->cause))
        VECTOR_FAIL(vector, "%s", "a failure without words");
#ifndef WICK_NO_DIAGNOSE
    if (finding->status == DOCTOR_FAILED && !*finding->hint)
        VECTOR_FAIL(vector, "%s has no hint", finding->cause);
#endif
    /* Texts that only just fit are texts that were cut. */
    CHECK(strlen(finding->note) < sizeof finding->note - 1 && strlen(finding->detail) < sizeof finding->detail - 1);
    CHECK(strlen(finding->hint) < sizeof finding->hint - 1);
}

static void judge_vector(const test_vector *vector)
{
    struct doctor_case seen;
    struct doctor_finding finding = { 0 };
    read_case(vector, &seen);
    const char *end = text_or(vector, "end", "through");
    if (strcmp(end, "get") == 0) {
        struct doctor_finding connection = { 0 };
        doctor_judge_connection(&seen, DOCTOR_THROUGH, &connection);
        doctor_judge_get(&seen, &connection, &finding);
    } else
        doctor_judge_connection(&seen, strcmp(end, "direct") == 0 ? DOCTOR_DIRECT : DOCTOR_THROUGH, &finding);
    check_finding(vector, &finding);
}

static void connections(void)
{
    test_vectors("doctor/connection", judge_vector);
}

/* ---- Held connections -------------------------------------------------------------------------------------------- */

/* "fin 60000 silent 60000", "open 70000", "close 1001 5000", "none"; pongs follow pings. */
static void read_hold(const test_vector *vector, const char *key, struct doctor_life *life)
{
    const char *text = test_vector_get(vector, key), *silent = text ? strstr(text, "silent ") : NULL;
    char *rest;
    if (!text || strcmp(text, "none") == 0)
        return;
    life->opened = 1;
    life->fate = begins_with(text, "open")    ? FATE_OPEN
                 : begins_with(text, "fin")   ? FATE_FIN
                 : begins_with(text, "reset") ? FATE_RESET
                 : begins_with(text, "close") ? FATE_CLOSED
                                              : FATE_ERROR;
    rest = strchr(text, ' ');
    if (life->fate == FATE_CLOSED)
        life->code = (unsigned)strtoul(rest, &rest, 10);
    life->age_ms = strtoul(rest, NULL, 10);
    life->silent_ms = silent ? strtoul(silent + 7, NULL, 10) : life->age_ms;
}

static void judge_hold_vector(const test_vector *vector)
{
    struct doctor_holds holds = { 0 };
    struct doctor_finding finding = { 0 };
    const char *proxy = text_or(vector, "proxy", ""), *pings = test_vector_get(vector, "pings");
    holds.wanted_ms = test_vector_number(vector, "wanted", 5000);
    holds.every_ms = test_vector_number(vector, "every", 1000);
    read_hold(vector, "quiet", &holds.quiet);
    read_hold(vector, "pinged", &holds.pinged);
    read_hold(vector, "direct", &holds.direct);
    holds.has_direct = test_vector_get(vector, "direct") != NULL;
    holds.pinged.pings = holds.pinged.pongs = 4;
    if (pings) {
        char *rest;
        holds.pinged.pings = (unsigned)strtoul(pings, &rest, 10);
        holds.pinged.pongs = (unsigned)strtoul(rest, NULL, 10);
    }
    if (strcmp(text_or(vector, "judge", "quiet"), "quiet") == 0)
        doctor_judge_quiet_hold(&holds, proxy, &finding);
    else
        doctor_judge_pinged_hold(&holds, proxy, &finding);
    check_finding(vector, &finding);
}

static void held_connections(void)
{
    test_vectors("doctor/hold", judge_hold_vector);
}

/* ---- Events ------------------------------------------------------------------------------------------------------ */

/* "pieces sent first delay whole ended late" */
static void read_stream(const test_vector *vector, const char *key, struct doctor_stream *stream)
{
    unsigned long values[7] = { 0 };
    const char *text = test_vector_get(vector, key);
    char *rest = NULL;
    if (!text)
        return;
    for (size_t i = 0; i < 7; i++)
        values[i] = strtoul(i ? rest : text, &rest, 10);
    stream->pieces = (unsigned)values[0];
    stream->sent = (unsigned)values[1];
    stream->first_ms = values[2];
    stream->delay_ms = values[3];
    stream->whole_ms = values[4];
    stream->ended = (int)values[5];
    stream->late = (int)values[6];
}

static void judge_stream_vector(const test_vector *vector)
{
    struct doctor_stream through = { 0 }, direct = { 0 };
    struct doctor_finding finding = { 0 };
    const char *proxy = text_or(vector, "proxy", ""), *type = text_or(vector, "type", "text/event-stream");
    read_stream(vector, "through", &through);
    read_stream(vector, "direct", &direct);
    through.answer.status = (unsigned)test_vector_number(vector, "status", 200);
    SAY(through.answer.type, "%s", type);
    if (test_vector_get(vector, "poll"))
        doctor_judge_poll(&through.answer, test_vector_number(vector, "poll", 0), test_vector_number(vector, "wait", 0),
                          proxy, &finding);
    else
        doctor_judge_stream(&through, test_vector_get(vector, "direct") ? &direct : NULL, proxy, &finding);
    check_finding(vector, &finding);
}

static void events(void)
{
    test_vectors("doctor/events", judge_stream_vector);
}

/* ---- Texts ------------------------------------------------------------------------------------------------------- */

/* Whatever a server sends, what is printed is one line of printable ASCII, and nothing overruns. */
static void hostile_texts(void)
{
    struct doctor_answer answer;
    struct doctor_finding finding;
    for (size_t round = test_rounds(3000); round && !test_failed(); round--) {
        char value[3000], body[3000];
        size_t len = test_below(sizeof value), body_len = test_below(sizeof body);
        wick_http_header fields[8];
        static const char *const names[] = { "Server", "Via", "Location", "Wick-Server", "X-Powered-By", "Content-Type",
                                             "CF-Ray", "X-Varnish" };
        struct doctor_case seen = { .url = "ws://a/", .direct_url = "ws://b/", .origin = "http://a" };
        for (size_t i = 0; i < len; i++)
            value[i] = (char)test_random();
        for (size_t i = 0; i < body_len; i++)
            body[i] = (char)test_random();
        for (size_t i = 0; i < 8; i++) {
            fields[i].name = (wick_str){ names[i], strlen(names[i]) };
            fields[i].value = (wick_str){ value, len };
        }
        wick_http_response response = { .status = (unsigned)(100 + test_below(900)), .version = 11, .headers = fields,
                                        .header_count = test_below(9), .reason = { value, len } };
        memset(&answer, 0, sizeof answer);
        doctor_answer_head(&answer, &response);
        doctor_answer_body(&answer, (const uint8_t *)body, body_len);
        doctor_answer_end(&answer);
        wick_url_split(WICK_STR("ws://a/"), &seen.to);
        wick_url_split(WICK_STR("ws://b/"), &seen.direct_to);
        seen.through = answer;
        seen.through.stage = HTTP_READING;
        memset(&finding, 0, sizeof finding);
        doctor_judge_connection(&seen, DOCTOR_THROUGH, &finding);
        CHECK(finding.status == DOCTOR_FAILED);
        for (const char *at = finding.note; *at; at++)
            CHECK(*at >= ' ' && *at <= '~');
        for (const char *at = finding.evidence; *at; at++)
            CHECK(*at >= ' ' && *at <= '~');
    }
}

int main(void)
{
    RUN(connections);
    RUN(held_connections);
    RUN(events);
    RUN(hostile_texts);
    return test_end();
}
