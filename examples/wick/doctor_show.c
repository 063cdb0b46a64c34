/*
 * doctor_show.c - findings for people, a line each and what belongs to it below; and for programs, as one JSON object.
 *
 * Texts of servers have been made printable where they were read (doctor_answer.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/doctor.h"

#define WIDTH 116

static const char *word(enum doctor_status status)
{
    return status == DOCTOR_PASSED ? "PASSED" : status == DOCTOR_FAILED ? "FAILED" : "SKIPPED";
}

/* Lines of text under a label, wrapped at words; a line that is indented is configuration and stays as it is. */
static void put_block(const char *label, const char *text)
{
    const char *margin = "               ";
    printf("     %-10s", label);
    for (int line = 0; *text; line++) {
        size_t len = strcspn(text, "\n");
        size_t room = WIDTH - strlen(margin);
        if (len > room && *text != ' ') {
            size_t cut = room;
            while (cut && text[cut] != ' ')
                cut--;
            len = cut ? cut : len;
        }
        printf("%s%.*s\n", line ? margin : "", (int)len, text);
        text += len;
        text += *text == '\n' || *text == ' ';
    }
}

void doctor_show(const struct doctor_finding *finding)
{
    static const char *const marks[] = { "\xe2\x80\x93 ", "\xe2\x9c\x85", "\xe2\x9d\x8c" };
    printf("%s %s: %s%s%s%s\n", marks[finding->status], finding->name, word(finding->status),
           *finding->note ? " (" : "", finding->note, *finding->note ? ")" : "");
    if (finding->status == DOCTOR_FAILED) {
        char cause[800] = "";
        SAY(cause, "%s%s%s", finding->cause, *finding->detail ? ": " : "", finding->detail);
        put_block("cause:", cause);
        put_block("proxy:", *finding->proxy ? finding->proxy : "it does not show");
        if (*finding->evidence)
            put_block("evidence:", finding->evidence);
        if (*finding->hint)
            put_block("mend:", finding->hint);
    }
    fflush(stdout);
}

static const struct doctor_finding *first_failed(const struct doctor_finding *findings, size_t count, size_t *failed)
{
    const struct doctor_finding *first = NULL;
    *failed = 0;
    for (size_t i = 0; i < count; i++) {
        if (findings[i].status != DOCTOR_FAILED)
            continue;
        first = first ? first : &findings[i];
        ++*failed;
    }
    return first;
}

static size_t count_of(const struct doctor_finding *findings, size_t count, enum doctor_status status)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += findings[i].status == status;
    return found;
}

int doctor_show_end(const struct doctor_finding *findings, size_t count)
{
    size_t failed, skipped = count_of(findings, count, DOCTOR_SKIPPED);
    const struct doctor_finding *first = first_failed(findings, count, &failed);
    printf("\n%zu passed, %zu failed, %zu skipped", count_of(findings, count, DOCTOR_PASSED), failed, skipped);
    if (first)
        printf(". Begin with: %s (%s)", first->name, first->cause);
    putchar('\n');
    return first != NULL;
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void put_member(wick_json_writer *w, const char *name, const char *text)
{
    if (!text || !*text)
        return;
    wick_json_put_key(w, name, strlen(name));
    wick_json_put_string(w, text, strlen(text));
}

static void put_finding(wick_json_writer *w, const struct doctor_finding *finding)
{
    char status[8] = "";
    for (const char *at = word(finding->status); *at; at++)
        SAY(status, "%c", *at + 32);
    wick_json_put_object(w);
    put_member(w, "id", finding->id);
    put_member(w, "name", finding->name);
    put_member(w, "status", status);
    wick_json_put_key(w, "ms", 2);
    wick_json_put_uint64(w, finding->ms);
    put_member(w, "cause", finding->cause);
    put_member(w, "proxy", finding->proxy);
    put_member(w, "note", finding->note);
    put_member(w, "detail", finding->detail);
    put_member(w, "evidence", finding->evidence);
    put_member(w, "hint", finding->hint);
    wick_json_put_object_end(w);
}

int doctor_show_json(const struct doctor_case *seen, const struct doctor_finding *findings, size_t count)
{
    size_t failed, len, cap = 4096 + count * 8192;
    const struct doctor_finding *first = first_failed(findings, count, &failed);
    char *out = malloc(cap);
    wick_json_writer w;
    if (!out)
        return 1;
    wick_json_writer_init(&w, out, cap, WICK_JSON_REPLACE);
    wick_json_put_object(&w);
    put_member(&w, "url", seen->url);
    put_member(&w, "direct", seen->direct_url);
    put_member(&w, "origin", seen->origin);
    wick_json_put_key(&w, "checks", 6);
    wick_json_put_array(&w);
    for (size_t i = 0; i < count; i++)
        put_finding(&w, &findings[i]);
    wick_json_put_array_end(&w);
    put_member(&w, "verdict", first ? first->cause : "OK");
    put_member(&w, "proxy", first ? first->proxy : "");
    wick_json_put_key(&w, "exit", 4);
    wick_json_put_uint64(&w, first != NULL);
    wick_json_put_object_end(&w);
    if (wick_json_writer_end(&w, &len) == WICK_OK)
        printf("%.*s\n", (int)len, out);
    free(out);
    return first != NULL;
}
