/*
 * The frame codec: the vectors of tests/vectors/frame, every first two bytes for both roles and all reserved bits against the
 * oracle, every length at the edges of its forms, encode then decode, masks at any offset, every close code.
 */
#include "lib/test.h"
#include "lib/wire.h"
#include "oracle/frame.h"
#include "oracle/mask.h"

#include <stdlib.h>

/* The header alone, flush against an unreadable page, so that nothing behind it is read. */
static wick_status decode(const uint8_t *data, size_t len, wick_role role, unsigned rsv, wick_frame *frame)
{
    static uint8_t *pages;
    if (!pages)
        pages = test_guard_back(NULL, 64);
    CHECK(len <= 64);
    if (len)
        memcpy(pages + 64 - len, data, len);
    return wick_frame_decode(pages + 64 - len, len, role, rsv, frame);
}

/* ---- Vectors --------------------------------------------------------------------------------------------------- */

static const char *line_of(const wire_vector *v, const char *key)
{
    for (size_t i = 0; i < v->count; i++)
        if (strcmp(v->keys[i], key) == 0)
            return v->rests[i];
    return NULL;
}

static unsigned long long field(const char *line, const char *name, int base)
{
    const char *at = strstr(line, name);
    return at ? strtoull(at + strlen(name), NULL, base) : 0;
}

static void check_frame(const wire_vector *v, const char *want, const wick_frame *got)
{
    uint8_t key[4];
    unsigned long long key_value = field(want, " key ", 16), opcode = field(want, " opcode ", 10);
    memcpy(key, &got->key, 4);
    if (strstr(want, "opcode -"))
        opcode = v->value & 15;
    if (got->fin != field(want, "fin ", 10) || got->rsv != field(want, " rsv ", 16) || got->opcode != opcode ||
        got->masked != field(want, " masked ", 10) || got->len != field(want, " len ", 10) ||
        got->header_len != field(want, " header ", 10) ||
        ((unsigned long long)key[0] << 24 | (unsigned)key[1] << 16 | (unsigned)key[2] << 8 | key[3]) != key_value)
        test_fail(v->file, 0, "%s: want %s", v->name, want);
}

static void run_vector(const wire_vector *v)
{
    const char *role_name = line_of(v, "role"), *status_name = line_of(v, "status"), *rsv_text = line_of(v, "rsv");
    wick_role role = role_name && strcmp(role_name, "client") == 0 ? WICK_CLIENT : WICK_SERVER;
    unsigned rsv = rsv_text ? (unsigned)strtoul(rsv_text, NULL, 16) : 0;
    bytes in = {0};
    size_t proof = SIZE_MAX;
    wick_status want = WICK_OK;
    wick_frame frame;
    if (wire_bytes(v, line_of(v, "in"), &in, &proof) != 0)
        test_fail(v->file, 0, "%s: cannot read `in`", v->name);
    if (status_name && !wire_status(status_name, strlen(status_name), &want))
        test_fail(v->file, 0, "%s: no status %s", v->name, status_name);
    size_t need = want == WICK_OK ? (size_t)field(line_of(v, "frame"), " header ", 10) : want < 0 ? proof + 1 : SIZE_MAX;
    for (size_t n = 0; n <= in.len; n++) {
        wick_status got = decode(in.data, n, role, rsv, &frame);
        if (got != (n < need ? WICK_MORE : want))
            test_fail(v->file, 0, "%s: %s after %zu bytes", v->name, wick_status_name(got), n);
    }
    if (want == WICK_OK)
        check_frame(v, line_of(v, "frame"), &frame);
    bytes_free(&in);
}

static void vectors_at_every_length(void)
{
    CHECK(wire_vectors("tests/vectors/frame", run_vector) > 0);
}

/* ---- Against the oracle ---------------------------------------------------------------------------------------- */

static void compare(const uint8_t *data, size_t len, wick_role role, unsigned rsv)
{
    oracle_frame want;
    wick_frame got, before;
    size_t proof;
    memset(&got, 0xB7, sizeof got);
    before = got;
    wick_status status = decode(data, len, role, rsv, &got);
    wick_status right = oracle_frame_read(data, len, role, rsv, &want, &proof);
    if (status != right)
        test_fail(__FILE__, __LINE__, "%02x %02x, %zu bytes, role %d, rsv %x: %s, want %s", data[0], data[1], len,
                  (int)role, rsv, wick_status_name(status), wick_status_name(right));
    if (status != WICK_OK) {
        CHECK(memcmp(&got, &before, sizeof got) == 0);
        return;
    }
    CHECK(got.len == want.len && got.fin == want.fin && got.opcode == want.opcode && got.rsv == want.rsv << 4);
    CHECK(got.masked == want.masked && got.header_len == want.header_len);
    CHECK(memcmp(&got.key, want.key, 4) == 0);
}

static void every_first_two_bytes(void)
{
    uint8_t data[14] = {0};
    unsigned step = test_rounds(100) < 100 ? 7 : 1; /* 7 has no factor in common with any field's size */
    for (unsigned two = 0; two < 65536 && !test_failed(); two += step)
        for (unsigned rsv = 0; rsv <= 0x70; rsv += 0x10)
            for (size_t len = 1; len <= 14; len += len < 2 ? 1 : 12) {
                data[0] = (uint8_t)(two >> 8);
                data[1] = (uint8_t)two;
                data[8] = (uint8_t)two; /* a 64-bit length that may be minimal */
                compare(data, len, WICK_SERVER, rsv);
                compare(data, len, WICK_CLIENT, rsv);
            }
}

static void lengths_in_every_form(void)
{
    uint8_t data[14] = {0x82};
    unsigned step = test_rounds(100) < 100 ? 13 : 1;
    for (unsigned len = 0; len < 65536; len += step) {
        for (unsigned form = 126; form <= 127; form++) {
            memset(data + 1, 0, 13);
            data[1] = (uint8_t)(0x80 | form);
            data[form == 126 ? 2 : 8] = (uint8_t)(len >> 8);
            data[form == 126 ? 3 : 9] = (uint8_t)len;
            compare(data, 14, WICK_SERVER, 0);
        }
    }
    for (unsigned bit = 16; bit < 64; bit++) {
        oracle_frame frame = {.fin = 1, .opcode = 2, .masked = 1, .len = UINT64_C(1) << bit};
        size_t n = oracle_frame_write(&frame, data);
        for (size_t len = 0; len <= n; len++)
            compare(data, len, WICK_SERVER, 0);
        for (size_t i = 2; i < 10; i++) {
            data[i] = 0xFF; /* and all bits to the left of it */
            compare(data, n, WICK_SERVER, 0);
        }
    }
}

static void mutated_headers_as_the_oracle(void)
{
    for (size_t i = 0; i < test_rounds(200000) && !test_failed(); i++) {
        uint8_t data[20];
        oracle_frame frame = {.fin = (unsigned)test_below(2), .opcode = (unsigned)test_below(11),
                              .masked = (unsigned)test_below(2)};
        frame.len = test_random() >> test_below(64);
        size_t n = oracle_frame_write(&frame, data);
        for (size_t k = n; k < sizeof data; k++)
            data[k] = (uint8_t)test_random();
        if (test_below(3) == 0)
            data[test_below(n)] ^= (uint8_t)(1u << test_below(8));
        compare(data, test_below(sizeof data) + 1, (wick_role)test_below(2), (unsigned)test_below(8) << 4);
    }
}

/* ---- Encode ---------------------------------------------------------------------------------------------------- */

static void check_encode(uint64_t len, unsigned first_byte, int masked)
{
    uint8_t out[WICK_FRAME_HEADER_MAX + 1], want[14];
    wick_frame frame = {.len = len, .opcode = first_byte & 15, .fin = (uint8_t)(first_byte >> 7),
                        .rsv = first_byte & 0x70, .masked = (uint8_t)masked};
    oracle_frame oracle = {.fin = first_byte >> 7, .rsv = first_byte >> 4 & 7, .opcode = first_byte & 15,
                           .masked = (unsigned)masked, .len = len, .key = {0xDE, 0xAD, 0xBE, 0xEF}};
    wick_frame back;
    memcpy(&frame.key, oracle.key, 4);
    memset(out, 0x77, sizeof out);
    size_t n = wick_frame_encode(&frame, out), m = oracle_frame_write(&oracle, want);
    CHECK_INT(n, m);
    CHECK_MEM(out, want, m);
    CHECK_INT(out[n], 0x77);
    CHECK_STATUS(wick_frame_decode(out, n, masked ? WICK_SERVER : WICK_CLIENT, 0x70, &back), WICK_OK);
    CHECK(back.len == len && back.opcode == frame.opcode && back.fin == frame.fin && back.rsv == frame.rsv);
    CHECK(back.header_len == n && back.masked == masked && back.key == (masked ? frame.key : 0));
}

static void encode_then_decode_is_identity(void)
{
    static const uint8_t firsts[] = {0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0xC1, 0xF2, 0x52};
    static const uint64_t edges[] = {0, 1, 124, 125, 126, 127, 255, 256, 65534, 65535, 65536, 65537,
                                     UINT32_MAX, (uint64_t)UINT32_MAX + 1, INT64_MAX};
    for (size_t i = 0; i < sizeof firsts; i++)
        for (size_t k = 0; k < sizeof edges / sizeof *edges; k++)
            for (int masked = 0; masked < 2; masked++)
                check_encode(edges[k], firsts[i], masked);
    for (unsigned len = 0; len <= 125; len++)
        for (unsigned opcode = 8; opcode <= 10; opcode++)
            check_encode(len, 0x80 | opcode, (int)(len & 1));
}

static void mask_at_any_offset(void)
{
    uint8_t data[64], want[64], key[4] = {0x11, 0x22, 0x44, 0x88};
    static const uint64_t far[] = {0, UINT64_C(1) << 32, (UINT64_C(1) << 63) - 4};
    uint32_t loaded;
    memcpy(&loaded, key, 4);
    for (size_t offset = 0; offset < 9; offset++)
        for (size_t len = 0; len <= 40; len++)
            for (size_t f = 0; f < 3; f++) {
                uint8_t turned[4];
                for (size_t i = 0; i < 4; i++)
                    turned[i] = key[(offset + i) % 4];
                for (size_t i = 0; i < sizeof data; i++)
                    data[i] = (uint8_t)(i * 7);
                oracle_mask(want, data, len, turned);
                wick_mask(data, len, loaded, far[f] + offset);
                CHECK_MEM(data, want, len);
                CHECK_INT(data[len], (uint8_t)(len * 7));
            }
}

static void every_close_code(void)
{
    /* RFC 6455 section 7.4 and the IANA registry: 1004, 1005, 1006 and 1015 never go over the wire. */
    for (unsigned code = 0; code <= 70000; code++) {
        int want = (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
                   (code >= 3000 && code <= 4999);
        if (wick_close_code_valid(code) != want)
            test_fail(__FILE__, __LINE__, "code %u", code);
    }
    CHECK(!wick_close_code_valid(65536 + 1000));
    CHECK(!wick_close_code_valid(UINT32_MAX));
}

int main(void)
{
    RUN(vectors_at_every_length);
    RUN(every_first_two_bytes);
    RUN(lengths_in_every_form);
    RUN(mutated_headers_as_the_oracle);
    RUN(encode_then_decode_is_identity);
    RUN(mask_at_any_offset);
    RUN(every_close_code);
    return test_end();
}
