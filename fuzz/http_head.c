/*
 * The head parser: whole, cut in two and byte by byte it gives the same result, and the one of the slow parser in
 * tests/oracle.
 *
 * Input: a byte of flags (1 response, 2 small limits, 4 few fields), a byte for the cut, then the bytes of the head.
 */
#include <stdlib.h>
#include <string.h>

#include "oracle/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FIELDS 100

static void require(int truth)
{
    if (!truth)
        abort();
}

typedef struct run {
    wick_http_head head;
    wick_http_header fields[FIELDS];
} run;

static void begin(run *r, uint8_t flags, const wick_http_head_config *config, size_t fields)
{
    wick_status status = flags & 1 ? wick_http_head_init_response(&r->head, config, r->fields, fields, 0)
                                   : wick_http_head_init_request(&r->head, config, r->fields, fields, 0);
    require(status == WICK_OK);
}

static int same(wick_str a, wick_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Compare what was read with the oracle. */
static void check(const run *r, wick_status status, const oracle_head *want, uint8_t flags)
{
    wick_http_request q;
    wick_http_response p;
    require(status == want->status && wick_http_head_length(&r->head) == want->at);
    wick_http_head_request(&r->head, &q);
    wick_http_head_response(&r->head, &p);
    require(q.header_count == want->count);
    for (size_t i = 0; i < q.header_count; i++)
        require(same(q.headers[i].name, want->fields[i].name) && same(q.headers[i].value, want->fields[i].value));
    if (status != WICK_OK)
        return;
    if (flags & 1)
        require(p.status == want->code && p.version == want->version && same(p.reason, want->reason));
    else
        require(same(q.method, want->method) && same(q.target, want->target) && q.version == want->version);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static run r;
    static oracle_head want;
    wick_http_head_config config = {sizeof config, 0, 0, 0, 0};
    if (size < 2)
        return 0;
    uint8_t flags = data[0];
    const uint8_t *text = data + 2;
    size_t len = size - 2, cut = len ? data[1] * (size_t)13 % (len + 1) : 0, fields = flags & 4 ? 3 : FIELDS;
    if (flags & 2) {
        config.max_line = 40;
        config.max_field = 60;
        config.max_head = 300;
    }
    oracle_limits limits = {flags & 2 ? 40 : WICK_DEFAULT_HTTP_MAX_LINE, flags & 2 ? 60 : WICK_DEFAULT_HTTP_MAX_FIELD,
                            flags & 2 ? 300 : WICK_DEFAULT_HTTP_MAX_HEAD, fields};
    oracle_http_head(flags & 1, text, len, &limits, &want);

    begin(&r, flags, &config, fields);
    check(&r, wick_http_head_feed(&r.head, text, len, 0), &want, flags);

    /* The second part lies elsewhere. */
    begin(&r, flags, &config, fields);
    uint8_t *copy = malloc(cut + 1);
    require(copy != NULL);
    memcpy(copy, text, cut);
    wick_status status = wick_http_head_feed(&r.head, copy, cut, 0);
    if (status == WICK_MORE)
        status = wick_http_head_feed(&r.head, text, len, 0);
    check(&r, status, &want, flags);
    free(copy);

    begin(&r, flags, &config, fields);
    status = WICK_MORE;
    for (size_t i = 1; i <= len && status == WICK_MORE; i++)
        status = wick_http_head_feed(&r.head, text, i, 0);
    check(&r, status, &want, flags);
    return 0;
}
