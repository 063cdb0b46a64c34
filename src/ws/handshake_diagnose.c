/*
 * What the diagnosis of a request has to say about its refusal.
 */
#include "http/diagnose.h"
#include "ws/handshake.h"

static int is_about_upgrade(wick_refusal refusal)
{
    return refusal == WICK_REFUSE_UPGRADE_STRIPPED_BY_PROXY || refusal == WICK_REFUSE_NOT_A_WEBSOCKET_REQUEST;
}

/* Host plays a part only where the server compares it with Origin, or may do so in its callback. */
static wick_cause origin_cause(const wick_http_request *request, unsigned policy)
{
    wick_cause cause = wick_diagnose_origin(request);
    if (wick_http_find(request->headers, request->header_count, WICK_STR("origin"), NULL) == 0)
        return WICK_CAUSE_NONE;
    return cause == WICK_CAUSE_NONE || policy == WICK_ORIGIN_LIST ? WICK_CAUSE_ORIGIN_MISMATCH : cause;
}

/* Take over what was found, and the texts where there are any. */
static void shake_explain(wick_handshake *shake, wick_diagnosis *why)
{
    wick_diagnose_explain(why);
    shake->cause = wick_cause_str(why->cause);
    shake->proxy = wick_proxy_str(why->proxy);
    shake->prefix = why->prefix;
    if (why->detail.len)
        shake->detail = why->detail;
    if (why->hint.len)
        shake->hint = why->hint;
}

/* Which of the two it is the diagnosis knows. */
static void shake_name_upgrade(wick_handshake *shake, wick_cause cause)
{
    if (cause == WICK_CAUSE_NONE)
        return;
    wick_handshake_refuse(shake, cause == WICK_CAUSE_NOT_A_WEBSOCKET_REQUEST ? WICK_REFUSE_NOT_A_WEBSOCKET_REQUEST
                                                                             : WICK_REFUSE_UPGRADE_STRIPPED_BY_PROXY);
}

static void shake_diagnose(wick_handshake *shake, const wick_http_request *request, unsigned policy,
                           const wick_http_route *routes, size_t count)
{
    wick_diagnosis why;
    if (shake->refusal == WICK_REFUSE_NONE)
        return;
    memset(&why, 0, sizeof why);
    why.prefix = WICK_STR("");
    why.proxy = wick_diagnose_proxy(request);
    if (is_about_upgrade(shake->refusal))
        shake_name_upgrade(shake, wick_diagnose_upgrade_in(request, &why));
    else if (shake->refusal == WICK_REFUSE_ORIGIN_NOT_ALLOWED)
        why.cause = origin_cause(request, policy);
    else if (shake->refusal == WICK_REFUSE_ROUTE_NOT_FOUND)
        wick_diagnose_path(request->path, routes, count, &why);
    shake_explain(shake, &why);
}

void wick_handshake_diagnose_for(wick_handshake *shake, const wick_http_request *request, unsigned origin_policy)
{
    shake_diagnose(shake, request, origin_policy, NULL, 0);
}

void wick_handshake_diagnose(wick_handshake *shake, const wick_http_request *request, const wick_http_route *routes,
                             size_t count)
{
    shake_diagnose(shake, request, WICK_ORIGIN_SAME, routes, count);
}
