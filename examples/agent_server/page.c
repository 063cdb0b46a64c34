/*
 * page.c - the page, in one file, and the modules that it is made of, for other pages.
 *
 * index.html is put together once: a mark with the name of a file, as a comment of CSS and JavaScript, stands for what
 * is in that file. In one page all modules are one, so their lines that import from each other are left out.
 */
#include <stdlib.h>
#include <string.h>

#include "agent_server/http_api.h"
#include "tools/embed.h"

#define FIELD(name, value) { { name, sizeof(name) - 1 }, { value, sizeof(value) - 1 } }
#define MARK "/*{{"
#define MARK_END "}}*/"

static struct growing page;

static const embedded_file *find_file(const char *name, size_t len)
{
    for (const embedded_file *file = embedded_files; file->name; file++)
        if (strlen(file->name) == len && memcmp(file->name, name, len) == 0)
            return file;
    return NULL;
}

static int is_import(const char *line, size_t len)
{
    static const char word[] = "import ";
    return len > sizeof word - 1 && memcmp(line, word, sizeof word - 1) == 0;
}

/* Add a file without its imports. */
static void add_file(const embedded_file *file)
{
    const char *at = (const char *)file->data, *end = at + file->len;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t len = newline ? (size_t)(newline + 1 - at) : (size_t)(end - at);
        if (!is_import(at, len))
            growing_add(&page, at, len);
        at += len;
    }
}

int page_init(void)
{
    const embedded_file *html = find_file("index.html", 10);
    if (!html)
        return -1;
    const char *at = (const char *)html->data, *end = at + html->len;
    while (at < end) {
        size_t left = (size_t)(end - at);
        const char *mark = memmem(at, left, MARK, sizeof MARK - 1);
        const char *close = mark ? memmem(mark, (size_t)(end - mark), MARK_END, sizeof MARK_END - 1) : NULL;
        growing_add(&page, at, close ? (size_t)(mark - at) : left);
        if (!close)
            break;
        mark += sizeof MARK - 1;
        const embedded_file *file = find_file(mark, (size_t)(close - mark));
        if (!file)
            return -1;
        add_file(file);
        at = close + sizeof MARK_END - 1;
    }
    return page.failed ? -1 : 0;
}

void page_free(void)
{
    free(page.data);
}

void page_answer(struct peer *peer)
{
    /* Everything the page needs is in it, and it talks to nobody but this server. */
    static const wick_http_header fields[] = {
        FIELD("Content-Security-Policy",
              "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
              "connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
        FIELD("X-Content-Type-Options", "nosniff"),
        FIELD("Referrer-Policy", "no-referrer"),
        FIELD("Cache-Control", "no-cache"),
    };
    wick_http_answer answer = { .status = 200, .content_type = WICK_STR("text/html; charset=utf-8"),
                                .length = page.len, .headers = fields,
                                .header_count = sizeof fields / sizeof *fields };
    http_answer(peer, &answer, page.data);
}

void module_answer(struct peer *peer, wick_str path)
{
    static const wick_http_header fields[] = { FIELD("X-Content-Type-Options", "nosniff"),
                                               FIELD("Cache-Control", "no-cache") };
    const embedded_file *module = find_file(path.data + 1, path.len - 1);
    int types = path.data[path.len - 2] == 't'; /* a .d.ts, which no browser runs */
    wick_http_answer answer = { .status = 200, .content_type = types ? WICK_STR("text/plain; charset=utf-8")
                                                                     : WICK_STR("text/javascript; charset=utf-8"),
                                .length = module->len, .headers = fields,
                                .header_count = sizeof fields / sizeof *fields };
    http_answer(peer, &answer, module->data);
}
