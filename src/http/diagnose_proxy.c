/*
 * Who wrote a head. A proxy shows in the fields that it adds, in the case of the names and in their order.
 *
 * Fields are passed on by the next proxy of a chain; the form is not: each proxy writes Connection anew, in its own
 * place, and HAProxy, node and Go spell or sort every name. So the form decides before the fields do.
 *
 *   nginx        what proxy_set_header says first, in that order; then the client's fields
 *   Go, Caddy    Host, User-Agent, then every name sorted
 *   HAProxy      the client's order, names in lower case; its own fields last
 *   node         names in lower case, host last, or only connection behind it
 *   the others   the client's order and case; their own fields last, with Connection and Upgrade
 *
 * Of several that only append, the one whose field comes last is the last one.
 */
#include "http/diagnose.h"

enum {
    MARK_VARNISH = 1,
    MARK_X_HOST = 2,
    MARK_SERVER = 4,
    MARK_SCHEME = 8,
    MARK_REQUEST_ID = 16,
    MARK_FORWARDED_SCHEME = 32,
    MARK_CLOUDFLARE = 64,
    MARK_AMAZON = 128,
    MARK_ENVOY = 256,
    MARK_FORWARDED = 512, /* a field that any proxy may add */
    MARK_GO_CASE = 1024,
    MARK_ORIGIN = 2048,
    MARK_REAL_IP = 4096,
    MARK_OWN_CLIENT = 8192 /* a client that writes a form of its own: lower case, or sorted */
};
/* Fields that no client sends by itself. */
#define MARKS_OF_PROXIES                                                                                              \
    (MARK_VARNISH | MARK_X_HOST | MARK_SERVER | MARK_SCHEME | MARK_FORWARDED_SCHEME | MARK_CLOUDFLARE | MARK_AMAZON | \
     MARK_ENVOY | MARK_FORWARDED)

typedef struct head_marks {
    unsigned fields;     /* MARK_... */
    uint8_t lower;       /* every name is in lower case */
    uint8_t host_last;   /* Host is the last field, or only Connection follows */
    uint8_t sorted;      /* as Go sorts */
    uint8_t many;        /* sorted, and so many that it is no chance */
    uint8_t connection;  /* nginx's Connection, before the client's fields */
    uint8_t upgrade;     /* Upgrade among the client's fields: nginx passes none on */
    uint8_t real_ip;     /* X-Real-IP before the client's fields */
    uint8_t server_last; /* nothing but what Apache writes comes behind X-Forwarded-Server */
    uint8_t ends_open;   /* the last field is Connection */
    uint8_t closed;      /* nginx's own `Connection: close` has come, behind which there are only the client's fields */
    uint8_t scheme_late; /* X-Scheme or X-Forwarded-Scheme came among those: another proxy's */
    wick_proxy via;      /* the last of Via, if it is one that is known */
    wick_proxy appended; /* whose own field is the last of those that are appended */
} head_marks;

/* Names are equal, or begin with the text if it ends in a dash. */
static unsigned mark_of(wick_str name)
{
    static const struct {
        wick_str text;
        unsigned mark;
    } rows[] = {
#define MARK_ROW(literal, mark) {{literal, sizeof(literal) - 1}, mark}
        MARK_ROW("x-varnish", MARK_VARNISH),
        MARK_ROW("x-host", MARK_X_HOST),
        MARK_ROW("x-forwarded-server", MARK_SERVER | MARK_FORWARDED),
        MARK_ROW("x-scheme", MARK_SCHEME),
        MARK_ROW("x-request-id", MARK_REQUEST_ID),
        MARK_ROW("x-forwarded-scheme", MARK_FORWARDED_SCHEME | MARK_FORWARDED),
        MARK_ROW("cf-ray", MARK_CLOUDFLARE),
        MARK_ROW("x-amzn-trace-id", MARK_AMAZON),
        MARK_ROW("x-envoy-", MARK_ENVOY),
        MARK_ROW("x-forwarded-", MARK_FORWARDED),
        MARK_ROW("x-real-ip", MARK_REAL_IP | MARK_FORWARDED),
        MARK_ROW("forwarded", MARK_FORWARDED),
        MARK_ROW("origin", MARK_ORIGIN),
#undef MARK_ROW
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        wick_str text = rows[i].text;
        wick_str head = name.len > text.len && text.data[text.len - 1] == '-' ? wick_str_first(name, text.len) : name;
        if (wick_http_equal(head, text))
            return rows[i].mark;
    }
    return 0;
}

static int name_is_lower(wick_str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.data[i] >= 'A' && name.data[i] <= 'Z')
            return 0;
    return 1;
}

static int begins_with(wick_str text, wick_str start)
{
    return text.len >= start.len && memcmp(text.data, start.data, start.len) == 0;
}

/* Clients that write names in lower case, or sort them, without any proxy. */
static int is_own_client(wick_str agent)
{
    return begins_with(agent, WICK_STR("node")) || begins_with(agent, WICK_STR("undici")) ||
           begins_with(agent, WICK_STR("Dart/")) || begins_with(agent, WICK_STR("Go-http-client/"));
}

/* ---- The order of the names ------------------------------------------------------------------------------ */

/* Whether a field stands outside of Go's sorted run: behind User-Agent, or at the very end. */
static int is_go_extra(const wick_http_header *header)
{
    return WICK_STR_IS(header->name, "content-length") || WICK_STR_IS(header->name, "transfer-encoding") ||
           (WICK_STR_IS(header->name, "accept-encoding") && wick_str_same(header->value, WICK_STR("gzip"))) ||
           (WICK_STR_IS(header->name, "connection") && wick_str_same(header->value, WICK_STR("close")));
}

static int name_is_before(wick_str a, wick_str b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter ? memcmp(a.data, b.data, shorter) : 0;
    return order < 0 || (order == 0 && a.len <= b.len);
}

/* Go's Request.Write: Host, User-Agent, the framing, every other name sorted as bytes, what the transport adds. */
static void mark_order(const wick_http_request *request, head_marks *marks)
{
    const wick_http_header *headers = request->headers;
    size_t i = 1, end = request->header_count, first;
    if (request->version < 11 || end < 3 || !WICK_STR_IS(headers[0].name, "host"))
        return;
    if (WICK_STR_IS(headers[i].name, "user-agent"))
        i++;
    while (i < end && (WICK_STR_IS(headers[i].name, "content-length") ||
                       WICK_STR_IS(headers[i].name, "transfer-encoding")))
        i++;
    first = i;
    while (i + 1 < end && name_is_before(headers[i].name, headers[i + 1].name))
        i++;
    while (i + 1 < end && is_go_extra(&headers[i + 1]))
        i++;
    marks->sorted = i + 1 == end && end - first >= 2;
    marks->many = marks->sorted && end - first >= 8;
}

/* ---- One pass over the fields ---------------------------------------------------------------------------- */

/* A field that proxy_set_header is told to write. */
static int is_set_by_nginx(wick_str name, unsigned mark)
{
    return WICK_STR_IS(name, "host") || WICK_STR_IS(name, "connection") || WICK_STR_IS(name, "upgrade") ||
           (mark & (MARK_FORWARDED | MARK_SCHEME | MARK_REQUEST_ID)) != 0;
}

static void mark_front(head_marks *marks, const wick_http_header *header)
{
    if (WICK_STR_IS(header->name, "connection")) {
        marks->closed = (uint8_t)wick_str_same(header->value, WICK_STR("close"));
        marks->connection = marks->closed || wick_str_same(header->value, WICK_STR("upgrade"));
    } else if (WICK_STR_IS(header->name, "x-real-ip"))
        marks->real_ip = 1;
}

static int contains(wick_str text, wick_str lower)
{
    for (size_t i = 0; i + lower.len <= text.len; i++)
        if (wick_str_is_lower(wick_str_first(wick_str_from(text, i), lower.len), lower.data, lower.len))
            return 1;
    return 0;
}

/* `1.1 proxy.example (squid/5.7)`, `1.1 Caddy`: RFC 9110 section 7.6.3. */
static wick_proxy via_proxy(wick_str element)
{
    if (contains(element, WICK_STR("squid")))
        return WICK_PROXY_SQUID;
    if (contains(element, WICK_STR("varnish")))
        return WICK_PROXY_VARNISH;
    return contains(element, WICK_STR("caddy")) ? WICK_PROXY_CADDY : WICK_PROXY_NONE;
}

static void mark_via(head_marks *marks, wick_str value)
{
    wick_str element;
    while (wick_http_list_next(&value, &element))
        marks->via = via_proxy(element);
}

static int ends_heads(wick_str name)
{
    return WICK_STR_IS(name, "connection") || WICK_STR_IS(name, "upgrade") || WICK_STR_IS(name, "content-length") ||
           WICK_STR_IS(name, "transfer-encoding");
}

/* What the end of the head shows. */
static void mark_end(head_marks *marks, const wick_http_header *header, unsigned mark)
{
    marks->ends_open = (uint8_t)WICK_STR_IS(header->name, "connection");
    marks->host_last = WICK_STR_IS(header->name, "host") || (marks->host_last && marks->ends_open);
    marks->server_last = (mark & MARK_SERVER) != 0 || (marks->server_last && ends_heads(header->name));
    if (mark & MARK_VARNISH)
        marks->appended = WICK_PROXY_VARNISH;
    else if (mark & MARK_X_HOST)
        marks->appended = WICK_PROXY_LIGHTTPD;
    else if (mark & MARK_SERVER)
        marks->appended = WICK_PROXY_APACHE;
    if (!WICK_STR_IS(header->name, "via"))
        return;
    mark_via(marks, header->value);
    if (marks->via == WICK_PROXY_SQUID || marks->via == WICK_PROXY_VARNISH)
        marks->appended = marks->via;
}

static head_marks marks_of(const wick_http_request *request)
{
    head_marks marks;
    int front = 1;
    memset(&marks, 0, sizeof marks);
    marks.lower = request->header_count > 0 && request->version < 20;
    for (size_t i = 0; i < request->header_count; i++) {
        const wick_http_header *header = &request->headers[i];
        unsigned mark = mark_of(header->name);
        marks.fields |= mark;
        marks.lower = marks.lower && name_is_lower(header->name);
        if (begins_with(header->name, WICK_STR("Sec-Websocket-")))
            marks.fields |= MARK_GO_CASE;
        if (WICK_STR_IS(header->name, "user-agent") && is_own_client(header->value))
            marks.fields |= MARK_OWN_CLIENT;
        mark_end(&marks, header, mark);
        front = front && !marks.closed && is_set_by_nginx(header->name, mark);
        if (front)
            mark_front(&marks, header);
        else if ((mark & (MARK_SCHEME | MARK_FORWARDED_SCHEME)) && marks.connection)
            marks.scheme_late = 1;
        else if (WICK_STR_IS(header->name, "upgrade"))
            marks.upgrade = 1;
    }
    marks.connection = marks.connection && !marks.upgrade;
    mark_order(request, &marks);
    return marks;
}

/* ---- The verdict ----------------------------------------------------------------------------------------- */

/* Whether anything tells of a proxy. A form alone does only where no client is known to write it. */
static int is_touched(const wick_http_request *request, const head_marks *marks)
{
    wick_cause cause;
    if ((marks->fields & MARKS_OF_PROXIES) || marks->via != WICK_PROXY_NONE)
        return 1;
    if (request->version >= 20)
        return 0;
    if (request->version < 11 && (marks->fields & MARK_ORIGIN))
        return 1; /* of a page, and no browser speaks HTTP/1.0 */
    cause = wick_diagnose_upgrade(request);
    if (cause != WICK_CAUSE_NONE)
        return cause != WICK_CAUSE_NOT_A_WEBSOCKET_REQUEST;
    if (marks->connection && !marks->lower)
        return 1;
    return (marks->lower || (marks->sorted && (marks->many || (marks->fields & MARK_GO_CASE)))) &&
           (marks->fields & (MARK_ORIGIN | MARK_OWN_CLIENT)) == MARK_ORIGIN;
}

static wick_proxy nginx_kind(const head_marks *marks)
{
    if (!marks->scheme_late && (marks->fields & MARK_SCHEME) && (marks->fields & MARK_REQUEST_ID))
        return WICK_PROXY_INGRESS_NGINX;
    if (!marks->scheme_late && (marks->fields & MARK_FORWARDED_SCHEME))
        return WICK_PROXY_NGINX_PROXY_MANAGER;
    return WICK_PROXY_NGINX;
}

/* Proxies that leave the order and the case of the client's fields alone. */
static wick_proxy proxy_by_fields(const head_marks *marks)
{
    wick_proxy nginx;
    if (marks->appended == WICK_PROXY_APACHE && (marks->server_last || !marks->real_ip))
        return WICK_PROXY_APACHE;
    nginx = nginx_kind(marks);
    if (nginx != WICK_PROXY_NGINX || marks->real_ip)
        return nginx;
    if (marks->fields & MARK_CLOUDFLARE)
        return WICK_PROXY_CLOUDFLARE;
    if (marks->fields & MARK_AMAZON)
        return WICK_PROXY_ALB;
    return marks->fields & MARK_ENVOY ? WICK_PROXY_ENVOY : WICK_PROXY_NGINX;
}

static wick_proxy lower_case_proxy(const head_marks *marks)
{
    if (marks->fields & MARK_ENVOY)
        return WICK_PROXY_ENVOY;
    return marks->host_last ? WICK_PROXY_NODE_HTTP_PROXY : WICK_PROXY_HAPROXY;
}

/* Traefik spells Sec-WebSocket-Key as the RFC does; in Go's spelling X-Forwarded-Server came from an Apache before. */
static wick_proxy sorting_proxy(const head_marks *marks)
{
    if ((marks->fields & MARK_SERVER) && ((marks->fields & MARK_REAL_IP) || !(marks->fields & MARK_GO_CASE)))
        return WICK_PROXY_TRAEFIK;
    if (marks->appended == WICK_PROXY_LIGHTTPD && marks->ends_open)
        return WICK_PROXY_LIGHTTPD; /* whose Connection stands behind what a Go program has sorted */
    return marks->via == WICK_PROXY_CADDY ? WICK_PROXY_CADDY : WICK_PROXY_CADDY_OR_GO;
}

wick_proxy wick_diagnose_proxy(const wick_http_request *request)
{
    head_marks marks = marks_of(request);
    if (!is_touched(request, &marks))
        return WICK_PROXY_NONE;
    if (marks.lower)
        return lower_case_proxy(&marks);
    if (marks.connection)
        return nginx_kind(&marks);
    if (marks.appended == WICK_PROXY_VARNISH || marks.appended == WICK_PROXY_SQUID)
        return marks.appended;
    if (marks.sorted && (marks.many || (marks.fields & (MARKS_OF_PROXIES | MARK_GO_CASE))))
        return sorting_proxy(&marks);
    if (marks.appended == WICK_PROXY_LIGHTTPD)
        return WICK_PROXY_LIGHTTPD;
    return proxy_by_fields(&marks);
}
