/*
 * The diagnosis: of any head that can be read, cause, proxy and prefix are those of the slow second implementation, and
 * the hint can be written, without a trace of the prefix's raw bytes.
 *
 * Input: a byte that chooses how many routes are known, then the bytes of the head.
 */
#include <stdlib.h>
#include <string.h>

#include "oracle/diagnose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FIELDS 64

static const wick_http_route routes[] = {
    {{"/ws", 3}, {"", 0}, 0, 0},
    {{"/api/runtime/agent", 18}, {"GET", 3}, 0, 0},
    {{"/ws/agent/{name}", 16}, {"", 0}, 0, 0},
    {{"/files/*", 8}, {"", 0}, 0, 0},
};

static void require(int truth)
{
    if (!truth)
        abort();
}

static void check_hint(const wick_diagnosis *why)
{
    size_t need, len;
    wick_status status = wick_diagnose_hint_write(why, NULL, 0, &need);
    require(status == (need ? WICK_E_SPACE : WICK_OK) && need <= 512);
    char *out = malloc(need + 1);
    require(out != NULL);
    require(wick_diagnose_hint_write(why, out, need, &len) == WICK_OK && len == need);
    for (size_t i = 0; i < len; i++)
        require(out[i] >= 0x20 && out[i] < 0x7f);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static wick_http_header fields[FIELDS];
    static const wick_http_head_config room = {sizeof room, 4096, 4096, 8192, 0};
    wick_http_head head;
    wick_http_request request;
    wick_diagnosis why;
    wick_cause upgrade, path, origin;
    int misspelt, kept = 0;
    size_t count, route, prefix;
    if (size == 0)
        return 0;
    count = data[0] % (sizeof routes / sizeof *routes + 1);
    wick_http_head_init_request(&head, &room, fields, FIELDS, 0);
    /* A head that is cut off or broken is diagnosed too: a host may log it. */
    (void)wick_http_head_feed(&head, data + 1, size - 1, 0);
    wick_http_head_request(&head, &request);
    upgrade = oracle_diagnose_upgrade(&request, &misspelt);
    prefix = oracle_diagnose_path(request.path, routes, count, &kept, &route);
    path = prefix ? WICK_CAUSE_PATH_CHANGED : WICK_CAUSE_NONE;
    origin = oracle_diagnose_origin(&request);
    require(wick_diagnose_upgrade(&request) == upgrade);
    require(wick_diagnose_origin(&request) == origin);
    wick_diagnose_request(&request, routes, count, &why);
    require(why.cause == (upgrade ? upgrade : path ? path : origin));
    require(why.proxy == oracle_diagnose_proxy(&request));
    require(why.misspelt == misspelt);
    if (why.cause == WICK_CAUSE_PATH_CHANGED)
        require(why.prefix.len == prefix && why.kept == kept);
    else
        require(why.prefix.len == 0);
    check_hint(&why);
    return 0;
}
