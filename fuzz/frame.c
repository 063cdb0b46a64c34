/*
 * The frame codec against its oracle, for both roles and any reserved bits; what is decoded encodes to the bytes it came
 * from.
 */
#include "oracle/frame.h"

#include <stdlib.h>
#include <string.h>

static void must(int cond)
{
    if (!cond)
        abort();
}

static void try_header(const uint8_t *data, size_t size, wick_role role, unsigned rsv)
{
    oracle_frame want;
    wick_frame got, before;
    uint8_t again[WICK_FRAME_HEADER_MAX];
    size_t proof;
    memset(&got, 0x5A, sizeof got);
    before = got;
    wick_status status = wick_frame_decode(data, size, role, rsv, &got);
    must(status == oracle_frame_read(data, size, role, rsv, &want, &proof));
    if (status < 0) /* no sooner than at the byte that proves it */
        must(wick_frame_decode(data, proof, role, rsv, &got) == WICK_MORE);
    if (status != WICK_OK) {
        must(memcmp(&got, &before, sizeof got) == 0);
        return;
    }
    must(got.len == want.len && got.opcode == want.opcode && got.fin == want.fin && got.masked == want.masked);
    must(got.rsv == want.rsv << 4 && got.header_len == want.header_len);
    must(!got.masked ? got.key == 0 : memcmp(&got.key, want.key, 4) == 0);
    must(wick_frame_encode(&got, again) == got.header_len);
    must(memcmp(again, data, got.header_len) == 0);
    must(oracle_frame_write(&want, again) == got.header_len);
    must(memcmp(again, data, got.header_len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (unsigned rsv = 0; rsv <= 0x70; rsv += 0x10) {
        try_header(data, size, WICK_SERVER, rsv);
        try_header(data, size, WICK_CLIENT, rsv);
    }
    return 0;
}
