/*
 * http_cors.c - CORS: which pages of other origins may read an answer.
 *
 * The origins are those of --origin and the server's own, which is the one that the browser sees in front of the
 * proxies of --trust-proxy. Anybody may read what has no secret in it: the page, health, the description of the server.
 * The API is for the listed origins; a request of a page of another one is refused before anything is done, because
 * hiding the answer does not undo what the request did.
 */
#include <string.h>

#include "agent_server/http_api.h"

#define FIELD(name, value) { { name, sizeof(name) - 1 }, { value, sizeof(value) - 1 } }
#define STAMP_MAX 8

static wick_http_header stamp[STAMP_MAX];
static const wick_http_header *plain_stamp;
static size_t plain_count;

static wick_str origin_of(const wick_http_request *head)
{
    wick_str origin = { "", 0 };
    wick_http_find(head->headers, head->header_count, WICK_STR("origin"), &origin);
    return origin;
}

static int is_own(const wick_http_request *head, wick_str origin)
{
    wick_str host;
    if (wick_http_host(head, &host) != WICK_OK)
        return 0;
    return server.http.forwarded ? wick_forwarded_origin_is_same(server.http.forwarded, origin, host)
                                 : wick_http_origin_is_same(origin, host);
}

/*
 * A browser tells in a field that no page can set whether a request comes from a page of its own URL's origin. It still
 * does where a proxy has put another Host in place of that of the URL, and Origin cannot be compared with it any more.
 */
static int is_said_to_be_own(const wick_http_request *head)
{
    wick_str site;
    return wick_http_find(head->headers, head->header_count, WICK_STR("sec-fetch-site"), &site) &&
           wick_http_equal(site, WICK_STR("same-origin"));
}

/* Listed by its name, not by `*`: such a page may send cookies. */
static int is_named(wick_str origin)
{
    for (size_t i = 0; i < server.origin_count; i++)
        if (server.origins[i].len != 1 && wick_http_origin_is_listed(origin, &server.origins[i], 1))
            return 1;
    return 0;
}

int cors_allows(const wick_http_request *head)
{
    wick_str origin = origin_of(head);
    return !origin.len || is_own(head, origin) || is_said_to_be_own(head) ||
           wick_http_origin_is_listed(origin, server.origins, server.origin_count);
}

static int allows_origin(void *user, wick_str origin, const wick_http_request *request)
{
    (void)user;
    (void)origin; /* the only one of the request */
    return cors_allows(request);
}

void cors_policy(wick_handshake_server_config *config)
{
    config->origins = server.origins;
    config->origin_count = server.origin_count;
    if (!server.http.forwarded)
        return; /* the handshake's own policy is the same */
    config->origin_policy = WICK_ORIGIN_CALLBACK;
    config->on_origin = allows_origin;
}

/* The stamp of the server, and behind it what an origin may: all of the API, or what anybody may read. */
static void set_stamp(wick_str origin, int allowed)
{
    static const wick_http_header vary = FIELD("Vary", "Origin"), any = FIELD("Access-Control-Allow-Origin", "*"),
                                  secrets = FIELD("Access-Control-Allow-Credentials", "true"),
                                  expose = FIELD(
                                      "Access-Control-Expose-Headers",
                                      "Retry-After, Wick-Server, WWW-Authenticate, Session-Id, Resume-Token");
    if (server.http.stamp != stamp) {
        plain_stamp = server.http.stamp;
        plain_count = server.http.stamp_count;
    }
    size_t count = plain_count < STAMP_MAX - 4 ? plain_count : STAMP_MAX - 4;
    memcpy(stamp, plain_stamp, count * sizeof *stamp);
    stamp[count++] = vary;
    if (allowed && origin.len) {
        stamp[count++] = (wick_http_header){ WICK_STR("Access-Control-Allow-Origin"), origin };
        stamp[count++] = expose;
        if (is_named(origin))
            stamp[count++] = secrets;
    } else if (allowed) {
        stamp[count++] = any;
        stamp[count++] = expose;
    }
    server.http.stamp = stamp;
    server.http.stamp_count = count;
}

static int is_api(wick_str path)
{
    return path.len >= 5 && memcmp(path.data, "/api/", 5) == 0;
}

void cors_begin(const wick_http_request *head)
{
    wick_str origin = origin_of(head), none = { "", 0 };
    if (cors_allows(head))
        set_stamp(origin, 1);
    else
        set_stamp(none, !is_api(head->path));
}

void cors_again(wick_str origin)
{
    set_stamp(origin, 1);
}

void cors_end(void)
{
    server.http.stamp = plain_stamp;
    server.http.stamp_count = plain_count;
}

void cors_preflight(struct peer *peer, const struct http_request *request, wick_str methods)
{
    char list[128];
    size_t len = methods.len < sizeof list - 16 ? methods.len : sizeof list - 16;
    (void)request;
    memcpy(list, methods.data, len);
    memcpy(list + len, ", OPTIONS", 9);
    wick_str all = { list, len + 9 };
    wick_http_header fields[] = {
        { WICK_STR("Allow"), all },
        { WICK_STR("Access-Control-Allow-Methods"), all },
        FIELD("Access-Control-Allow-Headers",
              "Authorization, Content-Type, Accept, Last-Event-ID, Session-Id, Resume-Token, X-Session-Id, "
              "X-Resume-Token, Cache-Control, X-Requested-With, traceparent, tracestate"),
        FIELD("Access-Control-Max-Age", "600"),
    };
    wick_http_answer answer = { .status = 204, .headers = fields, .header_count = sizeof fields / sizeof *fields };
    http_answer(peer, &answer, NULL);
}
