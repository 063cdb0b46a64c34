/*
 * The opening handshake: Chrome's upgrade request against http_parser, which only parses.
 *
 * One operation is one request. "whole handshake" is parse, check, accept key and the 101 written; its goal is half of
 * what http_parser takes to parse.
 */
#include "lib/bench.h"
#include "wick/handshake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(HAVE_HTTP_PARSER)
#include <http_parser.h>
#endif

#define ROUND 2000

/* 532 bytes, 12 fields. */
static const char chrome[] =
    "GET /api/runtime/agent?session_id=s1 HTTP/1.1\r\n"
    "Host: localhost:8080\r\n"
    "Connection: Upgrade\r\n"
    "Pragma: no-cache\r\n"
    "Cache-Control: no-cache\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n"
    "Upgrade: websocket\r\n"
    "Origin: http://localhost:8080\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd, compress;q=0\r\n"
    "Accept-Language: en-US,en;q=0.9\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    "\r\n";
#define CHROME_LEN (sizeof chrome - 1)

static void must(int truth)
{
    if (!truth)
        abort();
}

static void parse(wick_http_head *head, wick_http_header *fields, wick_http_request *request)
{
    wick_http_head_init_request(head, NULL, fields, 32, 0);
    must(wick_http_head_feed(head, (const uint8_t *)chrome, CHROME_LEN, 0) == WICK_OK);
    wick_http_head_request(head, request);
}

static size_t wick_parse(void *arg)
{
    wick_http_header fields[32];
    wick_http_head head;
    wick_http_request request;
    (void)arg;
    for (int i = 0; i < ROUND; i++) {
        parse(&head, fields, &request);
        must(request.header_count == 12);
    }
    return ROUND;
}

/* arg is the SHA-1 to use. */
static size_t wick_handshake_whole(void *arg)
{
    wick_handshake_server_config config;
    wick_http_header fields[32];
    wick_http_head head;
    wick_http_request request;
    wick_handshake shake;
    char out[512];
    size_t len;
    memset(&config, 0, sizeof config);
    config.size = sizeof config;
    config.sha1 = arg;
    for (int i = 0; i < ROUND; i++) {
        parse(&head, fields, &request);
        must(wick_handshake_check(&config, &request, &shake) == WICK_OK);
        must(wick_handshake_write(&shake, &request, NULL, 0, out, sizeof out, &len) == WICK_OK && len == 129);
    }
    return ROUND;
}

/* What arrives through an nginx without the two lines: diagnosed, and answered with a problem document. */
static size_t wick_refused(void *arg)
{
    static const char stripped[] =
        "GET /ws HTTP/1.0\r\nHost: backend\r\nConnection: close\r\nPragma: no-cache\r\nCache-Control: no-cache\r\n"
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
        "Safari/537.36\r\nOrigin: https://app.example.com\r\nSec-WebSocket-Version: 13\r\nAccept-Encoding: gzip, deflate, "
        "br, zstd\r\nAccept-Language: en-US,en;q=0.9\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    wick_handshake_server_config config;
    wick_http_header fields[32];
    wick_http_head head;
    wick_http_request request;
    wick_handshake shake;
    char out[2048];
    size_t len;
    (void)arg;
    memset(&config, 0, sizeof config);
    config.size = sizeof config;
    for (int i = 0; i < ROUND; i++) {
        must(wick_http_head_init_request(&head, NULL, fields, 32, 0) == WICK_OK);
        must(wick_http_head_feed(&head, (const uint8_t *)stripped, sizeof stripped - 1, 0) == WICK_OK);
        wick_http_head_request(&head, &request);
        must(wick_handshake_check(&config, &request, &shake) == WICK_E_REFUSED && shake.proxy.len == 5);
        must(wick_handshake_write(&shake, &request, NULL, 0, out, sizeof out, &len) == WICK_OK);
    }
    return ROUND;
}

/* arg is the SHA-1 to use. */
static size_t wick_accept_digest(void *arg)
{
    static const uint8_t text[] = "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    const wick_sha1_kernel *sha1 = arg;
    uint8_t digest[WICK_SHA1_SIZE];
    for (int i = 0; i < ROUND; i++) {
        sha1->accept(text, digest);
        must(digest[0] == 0xb3);
    }
    return ROUND;
}

#if defined(HAVE_HTTP_PARSER)

static int seen;

static int on_data(http_parser *parser, const char *at, size_t len)
{
    (void)parser;
    (void)at;
    (void)len;
    seen++;
    return 0;
}

static int on_done(http_parser *parser)
{
    (void)parser;
    seen++;
    return 0;
}

static size_t http_parser_parse(void *arg)
{
    http_parser_settings settings;
    http_parser parser;
    (void)arg;
    http_parser_settings_init(&settings);
    settings.on_url = on_data;
    settings.on_header_field = on_data;
    settings.on_header_value = on_data;
    settings.on_headers_complete = on_done;
    for (int i = 0; i < ROUND; i++) {
        seen = 0;
        http_parser_init(&parser, HTTP_REQUEST);
        must(http_parser_execute(&parser, &settings, chrome, CHROME_LEN) == CHROME_LEN && seen == 26 && parser.upgrade);
    }
    return ROUND;
}

#define PEER http_parser_parse
#else
#define PEER NULL
#endif

int main(void)
{
    const bench_subject parses[] = {{"wick", wick_parse, NULL}, {"http_parser", PEER, NULL}};
    const wick_sha1_kernel *best = wick_sha1_kernel_best(), *plain = wick_sha1_kernel_portable();
    void *best_arg = (void *)(uintptr_t)best, *plain_arg = (void *)(uintptr_t)plain;
    const bench_subject wholes[] = {{"wick", wick_handshake_whole, best_arg},
                                    {"wick, SHA-1 in plain C", wick_handshake_whole, plain_arg},
                                    {"http_parser, parse alone", PEER, NULL}};
    const bench_subject keys[] = {{best->name, wick_accept_digest, best_arg},
                                  {plain->name, wick_accept_digest, plain_arg}};
    const bench_subject refusals[] = {{"wick", wick_refused, NULL}};
    printf("request: %zu bytes, 12 fields\n", CHROME_LEN);
    bench_compare("request head", parses, 2, 0);
    bench_compare("whole handshake", wholes, 3, 0.5);
    bench_compare("refusal, diagnosed", refusals, 1, 0);
    bench_compare("digest of the accept key", keys, 2, 0);
    return 0;
}
