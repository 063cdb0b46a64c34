/*
 * The PROXY protocol: however many bytes have come, what is said of them does not change when more come, and a whole
 * header lies within them.
 *
 * Input: a byte (0: the default limit, else that many bytes), then the bytes of a connection.
 */
#include <stdlib.h>
#include <string.h>

#include "wick/forwarded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

static void check_header(const wick_proxy_header *header, const uint8_t *data, size_t max)
{
    wick_slice rest = header->tlvs, value;
    uint8_t type;
    size_t walked = 0;
    require(header->version == 1 ? header->length <= WICK_PROXY_LINE_MAX : header->length <= max);
    require((header->source.family != 0) == (header->kind == WICK_PROXY_HEADER_IP));
    require((header->destination.family != 0) == (header->kind == WICK_PROXY_HEADER_IP));
    require(header->kind == WICK_PROXY_HEADER_UNIX || header->source_path.len + header->destination_path.len == 0);
    require(!header->local || (header->kind == WICK_PROXY_HEADER_NONE && header->tlvs.len == 0));
    while (wick_proxy_tlv_next(&rest, &type, &value)) {
        require(value.data >= data && value.data + value.len <= data + header->length);
        walked += 3 + value.len;
    }
    require(walked == header->tlvs.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    wick_proxy_header header;
    if (size == 0)
        return 0;
    size_t max = data[0], most = size - 1 < 600 ? size - 1 : 600;
    wick_status settled = WICK_MORE;
    size_t length = 0;
    for (size_t len = 0; len <= most; len++) {
        /* Memory of its own, so that a read beyond the end is seen. */
        uint8_t *bytes = malloc(len + 1);
        require(bytes != NULL);
        memcpy(bytes + 1, data + 1, len);
        wick_status status = wick_proxy_header_read(bytes + 1, len, max, &header);
        if (settled != WICK_MORE)
            require(status == settled && (status != WICK_OK || header.length == length));
        if (status == WICK_OK) {
            require(header.length <= len && (settled == WICK_OK || header.length == len));
            check_header(&header, bytes + 1, max ? max : WICK_DEFAULT_PROXY_MAX);
        }
        require(status != WICK_OK || wick_proxy_header_is(bytes + 1, len));
        settled = status;
        length = header.length;
        free(bytes);
    }
    return 0;
}
