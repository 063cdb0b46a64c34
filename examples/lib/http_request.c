/*
 * http_request.c - the bytes of a request: for http_client.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/http_call.h"

static int has_field(const struct http_call_options *options, const char *name)
{
    return wick_http_find(options->headers, options->header_count, (wick_str){ name, strlen(name) }, NULL) != 0;
}

static int fields_are_fine(const struct http_call_options *options)
{
    for (size_t i = 0; i < options->header_count; i++)
        if (!wick_http_is_token(options->headers[i].name) || !wick_http_is_value(options->headers[i].value))
            return 0;
    return !options->method || wick_http_is_token((wick_str){ options->method, strlen(options->method) });
}

static void put_str(FILE *to, wick_str text)
{
    if (text.len)
        fwrite(text.data, 1, text.len, to);
}

static void put_request(FILE *to, const struct http_call_options *options, const wick_url *url)
{
    fprintf(to, "%s ", options->method ? options->method : "GET");
    put_str(to, url->path);
    fputs(url->query.len ? "?" : "", to);
    put_str(to, url->query);
    fputs(" HTTP/1.1\r\n", to);
    if (!has_field(options, "host")) {
        fputs("Host: ", to);
        put_str(to, url->authority);
        fputs("\r\n", to);
    }
    if (!has_field(options, "user-agent"))
        fputs("User-Agent: wick/" WICK_VERSION "\r\n", to);
    if (!has_field(options, "accept"))
        fputs("Accept: */*\r\n", to);
    for (size_t i = 0; i < options->header_count; i++) {
        put_str(to, options->headers[i].name);
        fputs(": ", to);
        put_str(to, options->headers[i].value);
        fputs("\r\n", to);
    }
    if (options->body)
        fprintf(to, "Content-Length: %zu\r\n", options->body_len);
    fputs("\r\n", to);
    if (options->body)
        fwrite(options->body, 1, options->body_len, to);
}

enum http_outcome http_request_make(const struct http_call_options *options, const wick_url *url, char **out,
                                    size_t *len)
{
    if (!options->request && !fields_are_fine(options))
        return HTTP_BAD_URL;
    FILE *to = open_memstream(out, len);
    if (!to)
        return HTTP_NO_MEMORY;
    if (options->request)
        fwrite(options->request, 1, options->request_len, to);
    else
        put_request(to, options, url);
    return fclose(to) == 0 ? HTTP_PENDING : HTTP_NO_MEMORY;
}
