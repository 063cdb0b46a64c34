/*
 * The JSON benchmark's peers that are written in C++: each takes a message to the same typed fields.
 */
#ifndef WICK_TESTS_BENCH_JSON_PEERS_H
#define WICK_TESTS_BENCH_JSON_PEERS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define JSON_ROUND 1000
#define JSON_PADDING 64 /* what simdjson wants to be readable behind a message */

/* A message, with JSON_PADDING readable bytes behind it. */
typedef struct json_message {
    const char *data;
    size_t len;
    char *copy; /* room for len + JSON_PADDING, for a parser that writes into its input */
    size_t want; /* what the fields of one reading add up to: their bytes, and the number */
} json_message;

/* Read the message JSON_ROUND times; aborts if the fields are not there. NULL if the peer is not installed. */
extern size_t (*const simdjson_read)(void *message);
extern size_t (*const rapidjson_read)(void *message);
/* Write the token event JSON_ROUND times, text from the message. */
extern size_t (*const rapidjson_write)(void *message);

#ifdef __cplusplus
}
#endif

#endif
