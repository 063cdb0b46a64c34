/*
 * guide.content - an extractive summary: the sentences that say most about what the text keeps coming back to,
 * whole and in their order.
 *
 * A word's weight is how often it occurs, short and common words aside; a sentence's is the mean of its words', the
 * first one's a little more. A third of the sentences is kept, at most five. Time is linear in the text, but for
 * choosing, which is linear for each sentence kept.
 */
#include "lib/builtin.h"

#include <stdlib.h>
#include <string.h>

#define KEEP_MAX 5
#define WORD_MIN 4 /* bytes: what is shorter carries little */

struct sentence {
    size_t at, len;
    double weight;
    int kept;
};

/* How often each word occurs: an open-addressed table of hashes. Words that collide share a count: no harm. */
struct words {
    uint64_t *hashes;
    uint32_t *counts;
    size_t mask;
};

static int is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static int is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c & 0x80);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* ---- Sentences --------------------------------------------------------------------------------------------------- */

/* Whether a sentence ends behind data[i]: . ! or ? before white space, their full-width forms, or an empty line. */
static int ends_at(const char *data, size_t len, size_t i)
{
    static const char wide[][4] = { "\xE3\x80\x82", "\xEF\xBC\x81", "\xEF\xBC\x9F" };
    for (size_t k = 0; k < 3; k++)
        if (i >= 2 && memcmp(data + i - 2, wide[k], 3) == 0)
            return 1;
    if (data[i] == '\n')
        return i + 1 < len && data[i + 1] == '\n';
    while (i > 0 && (data[i] == '"' || data[i] == '\'' || data[i] == ')'))
        i--; /* a closing quote belongs to the sentence */
    return data[i] == '.' || data[i] == '!' || data[i] == '?';
}

static size_t find_sentences(const struct text *text, struct sentence *sentences)
{
    size_t count = 0, at = 0;
    for (size_t i = 0; i < text->len; i++) {
        int last = i + 1 == text->len;
        int wide = ((unsigned char)text->data[i] & 0x80) != 0;
        if (!last && !((wide || is_space(text->data[i + 1])) && ends_at(text->data, text->len, i)))
            continue;
        size_t start = at, end = i + 1;
        while (start < end && is_space(text->data[start]))
            start++;
        while (end > start && is_space(text->data[end - 1]))
            end--;
        at = i + 1;
        if (start == end)
            continue;
        if (sentences)
            sentences[count] = (struct sentence){ start, end - start, 0, 0 };
        count++;
    }
    return count;
}

/* ---- Weights ----------------------------------------------------------------------------------------------------- */

/* The next word from *at; 0 at the end. */
static size_t next_word(const char *data, size_t len, size_t *at, uint64_t *hash)
{
    size_t i = *at;
    while (i < len && !is_letter(data[i]))
        i++;
    size_t start = i;
    *hash = UINT64_C(14695981039346656037);
    for (; i < len && is_letter(data[i]); i++)
        *hash = (*hash ^ (unsigned char)lower(data[i])) * UINT64_C(1099511628211);
    *at = i;
    return i - start;
}

static uint32_t *count_of(const struct words *words, uint64_t hash)
{
    size_t at = (size_t)hash & words->mask;
    while (words->hashes[at] && words->hashes[at] != hash)
        at = (at + 1) & words->mask;
    words->hashes[at] = hash;
    return &words->counts[at];
}

static int count_words(const struct text *text, struct words *words)
{
    uint64_t hash;
    size_t at = 0, len, size = 64;
    while (size < text->len)
        size *= 2; /* twice the words there can be */
    words->mask = size - 1;
    words->hashes = calloc(size, sizeof *words->hashes);
    words->counts = calloc(size, sizeof *words->counts);
    if (!words->hashes || !words->counts)
        return -1;
    while ((len = next_word(text->data, text->len, &at, &hash)) > 0)
        if (len >= WORD_MIN)
            ++*count_of(words, hash);
    return 0;
}

static void weigh(const struct text *text, const struct words *words, struct sentence *sentence)
{
    uint64_t hash;
    size_t at = 0, len, count = 0;
    double sum = 0;
    while ((len = next_word(text->data + sentence->at, sentence->len, &at, &hash)) > 0) {
        if (len >= WORD_MIN)
            sum += *count_of(words, hash);
        count++;
    }
    /* Two words are not a sentence that says much: a small constant keeps them from winning. */
    sentence->weight = sum / ((double)count + 4);
}

static void keep_best(struct sentence *sentences, size_t count, size_t keep)
{
    for (; keep; keep--) {
        struct sentence *best = NULL;
        for (size_t i = 0; i < count; i++)
            if (!sentences[i].kept && (!best || sentences[i].weight > best->weight))
                best = &sentences[i];
        best->kept = 1;
    }
}

/* ---- The agent --------------------------------------------------------------------------------------------------- */

static void put_result(struct run *run)
{
    wick_json_writer writer;
    size_t need = 0;
    for (int pass = 0; pass < 2; pass++) {
        if (pass && !text_reserve(&run->content, need))
            return;
        wick_json_writer_init(&writer, run->content.data, run->content.cap, WICK_JSON_REPLACE);
        wick_json_put_string(&writer, run->out.data, run->out.len);
        if (wick_json_writer_end(&writer, &need) == WICK_OK)
            run->content.len = need;
    }
}

static int summarize(struct run *run, struct sentence *sentences, size_t count)
{
    struct words words = { NULL, NULL, 0 };
    size_t keep = count <= 3 ? count : (count + 2) / 3;
    int failed = count_words(&run->text, &words);
    for (size_t i = 0; i < count && !failed; i++)
        weigh(&run->text, &words, &sentences[i]);
    free(words.hashes);
    free(words.counts);
    if (failed)
        return -1;
    sentences[0].weight *= 1.25;
    keep_best(sentences, count, keep < KEEP_MAX ? keep : KEEP_MAX);
    for (size_t i = 0; i < count; i++) {
        if (!sentences[i].kept)
            continue;
        if (run->out.len)
            text_add(&run->out, " ", 1);
        text_add(&run->out, run->text.data + sentences[i].at, sentences[i].len);
    }
    put_result(run);
    return 0;
}

static int content_begin(struct run *run)
{
    size_t count = find_sentences(&run->text, NULL);
    if (count == 0)
        return 0;
    struct sentence *sentences = malloc(count * sizeof *sentences);
    if (!sentences)
        return -1;
    find_sentences(&run->text, sentences);
    int result = summarize(run, sentences, count);
    free(sentences);
    return result;
}

static enum step content_step(struct run *run)
{
    enum step step = run_say(run);
    return step == STEP_DONE && run->out_at == run->out.len ? run_complete(run) : step;
}

const struct builtin builtin_content = { "guide.content", content_begin, content_step, NULL };
