/*
 * wick/frame.h - the WebSocket frame codec (RFC 6455 section 5.2), as pure functions. Usable alone.
 *
 * A connection (wick/conn.h) uses these and adds everything that has a memory: fragmentation, UTF-8, close, limits.
 *
 *     wick_frame frame;
 *     wick_status status = wick_frame_decode(data, len, WICK_SERVER, 0, &frame);
 *     if (status == WICK_OK && len - frame.header_len >= frame.len)
 *         wick_mask(data + frame.header_len, (size_t)frame.len, frame.key, 0);
 */
#ifndef WICK_FRAME_H
#define WICK_FRAME_H

#include "wick/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Which end of the connection this is: a server's peer masks its frames, a client's peer must not. */
typedef enum wick_role { WICK_SERVER = 0, WICK_CLIENT = 1 } wick_role;

/** The opcodes (RFC 6455 section 11.8). */
enum {
    WICK_CONTINUATION = 0,
    WICK_TEXT = 1,
    WICK_BINARY = 2,
    WICK_CLOSE = 8,
    WICK_PING = 9,
    WICK_PONG = 10
};

/** The longest frame header: 2 bytes, 8 of length, 4 of masking key. */
#define WICK_FRAME_HEADER_MAX 14
/** The longest payload of a close, ping or pong frame (RFC 6455 section 5.5). */
#define WICK_CONTROL_MAX 125
/** The longest reason of a close frame: a control frame's payload less the code. */
#define WICK_REASON_MAX 123

/** A frame header. */
typedef struct wick_frame {
    /** Payload bytes: 0 to 2^63 - 1. */
    uint64_t len;
    /** The masking key as it lies in memory, for wick_mask(); 0 if not masked. */
    uint32_t key;
    /** WICK_CONTINUATION ... WICK_PONG. */
    uint8_t opcode;
    /** 1 if this is the last frame of its message. */
    uint8_t fin;
    /** The reserved bits as they stand in the first byte: RSV1 is 0x40, RSV2 0x20, RSV3 0x10. */
    uint8_t rsv;
    /** 1 if the payload is masked. */
    uint8_t masked;
    /** Bytes of the header: 2 to 14. wick_frame_encode() does not read it. */
    uint8_t header_len;
} wick_frame;

/**
 * Decode the frame header at the start of data.
 *
 * Pure: reads at most 14 bytes and writes nothing but *frame. Refuses a broken header at the first byte that proves
 * it, whether or not the rest has come. Whether the frame may stand where it stands (fragmentation, limits) is for
 * the connection to say.
 *
 * data, len   received bytes, from the first byte of a frame
 * role        the end that receives: WICK_SERVER demands a mask, WICK_CLIENT refuses one
 * rsv         reserved bits that a negotiated extension uses: any of 0x40, 0x20, 0x10; 0 without extensions
 * frame       set if WICK_OK is returned, else untouched
 *
 * Returns
 *   WICK_OK                       the payload starts at data + frame->header_len; it may not have come yet
 *   WICK_MORE                     the header is not complete
 *   WICK_E_RSV                    a reserved bit that is not in rsv
 *   WICK_E_OPCODE                 opcode 3 to 7 or 11 to 15
 *   WICK_E_CONTROL_FRAGMENTED     close, ping or pong without FIN
 *   WICK_E_CONTROL_LENGTH         close, ping or pong longer than 125 bytes
 *   WICK_E_MASK_MISSING           role is WICK_SERVER and the frame is not masked
 *   WICK_E_MASK_PRESENT           role is WICK_CLIENT and the frame is masked
 *   WICK_E_LENGTH_NOT_MINIMAL     a 16-bit length below 126, or a 64-bit length below 65536
 *   WICK_E_LENGTH_TOP_BIT         a 64-bit length with its top bit set
 *
 * RFC 6455 sections 5.1, 5.2, 5.5.
 */
WICK_API wick_status wick_frame_decode(const uint8_t *data, size_t len, wick_role role, unsigned rsv,
                                       wick_frame *frame);

/**
 * Encode a frame header.
 *
 * Writes the shortest form. The payload is not touched: mask it with wick_mask() if frame->masked.
 *
 * frame   all members but header_len; not checked: a wrong opcode is written as it is
 * out     receives up to WICK_FRAME_HEADER_MAX bytes
 *
 * Returns the bytes written, 2 to 14. RFC 6455 section 5.2.
 */
WICK_API size_t wick_frame_encode(const wick_frame *frame, uint8_t *out);

/**
 * Mask or unmask payload in place, with the portable kernel.
 *
 * data, len   a piece of the payload
 * key         wick_frame.key
 * offset      where the piece stands in the payload
 *
 * RFC 6455 section 5.3.
 */
WICK_API void wick_mask(uint8_t *data, size_t len, uint32_t key, uint64_t offset);

/**
 * Tell whether a close code may stand in a close frame.
 *
 * Returns 1 for 1000 to 1003, 1007 to 1014 and 3000 to 4999, else 0: 1004, 1005, 1006 and 1015 are never on the
 * wire, and the rest is not assigned. RFC 6455 section 7.4 and the IANA registry that it founds.
 */
WICK_API int wick_close_code_valid(unsigned code);

#ifdef __cplusplus
}
#endif

#endif
