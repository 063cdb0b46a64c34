/*
 * The JSON reader: the corpus of tests/vectors/json (a file's name is its verdict), mutations of it against the oracle,
 * and the three ways to read against one another.
 */
#include "lib/test.h"
#include "oracle/json.h"
#include "wick/json.h"

#include <dirent.h>
#include <stdlib.h>

#define CORPUS "tests/vectors/json/"
#define FILES_MAX 512

struct document {
    char name[96];
    char *data;
    size_t len;
};

static struct document corpus[FILES_MAX];
static size_t corpus_count;

static void load_corpus(void)
{
    DIR *dir = opendir(CORPUS);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)) != NULL && corpus_count < FILES_MAX) {
        struct document *d = &corpus[corpus_count];
        char path[300];
        size_t n = strlen(entry->d_name);
        if (n < 6 || n >= sizeof d->name || strcmp(entry->d_name + n - 5, ".json") != 0)
            continue;
        memcpy(d->name, entry->d_name, n + 1);
        snprintf(path, sizeof path, CORPUS "%s", entry->d_name);
        d->data = test_read_file(path, &d->len);
        corpus_count += d->data != NULL;
    }
    if (dir)
        closedir(dir);
}

/* The status that a name such as n_depth_33_arrays.json promises. */
static wick_status promised(const char *name, int lone)
{
    static const struct {
        const char *word;
        wick_status status;
    } words[] = {
        {"n_cut_", WICK_E_JSON_CUT},         {"n_syntax_", WICK_E_JSON_SYNTAX},     {"n_trailing_", WICK_E_JSON_TRAILING},
        {"n_number_", WICK_E_JSON_NUMBER},   {"n_control_", WICK_E_JSON_CONTROL},   {"n_escape_", WICK_E_JSON_ESCAPE},
        {"n_utf8_", WICK_E_JSON_UTF8},       {"n_depth_", WICK_E_JSON_DEPTH},       {"n_bom_", WICK_E_JSON_BOM},
    };
    if (strncmp(name, "i_surrogate_", 12) == 0)
        return lone ? WICK_OK : WICK_E_JSON_SURROGATE;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strncmp(name, words[i].word, strlen(words[i].word)) == 0)
            return words[i].status;
    return WICK_OK;
}

static wick_json_config config_of(uint32_t flags)
{
    wick_json_config config = {sizeof config, flags, 0, NULL};
    return config;
}

/* Read token by token; the depth of brackets must come out even. */
static wick_status pull(const wick_json_config *config, const void *data, size_t len, size_t *offset)
{
    wick_json_reader r;
    wick_json_token t = {WICK_JSON_NULL, {NULL, 0, 0}, 0};
    long depth = 0;
    if (wick_json_reader_init(&r, config, data, len) != WICK_OK)
        return WICK_E_ARG;
    while (wick_json_next(&r, &t) == WICK_OK && t.type != WICK_JSON_END) {
        depth += t.type == WICK_JSON_OBJECT || t.type == WICK_JSON_ARRAY;
        depth -= t.type == WICK_JSON_OBJECT_END || t.type == WICK_JSON_ARRAY_END;
        CHECK(t.text.data >= (const char *)data && t.text.data + t.text.len <= (const char *)data + len);
    }
    CHECK(r.status != WICK_OK || depth == 0);
    *offset = r.status == WICK_OK ? len : r.offset;
    return r.status;
}

/* Read with tokens, values and leaving containers, as the dice fall. */
static wick_status wander(const wick_json_config *config, const void *data, size_t len, size_t *offset)
{
    wick_json_reader r;
    wick_json_token t = {WICK_JSON_NULL, {NULL, 0, 0}, 0};
    wick_status status;
    wick_json_reader_init(&r, config, data, len);
    do {
        wick_json_reader before = r;
        size_t dice = test_below(8);
        if (dice == 0)
            status = wick_json_leave(&r);
        else if (dice < 3)
            status = wick_json_value(&r, NULL);
        else
            status = wick_json_next(&r, &t);
        if (status == WICK_E_STATE)
            CHECK(memcmp(&before, &r, sizeof r) == 0);
    } while (r.status == WICK_OK && t.type != WICK_JSON_END);
    *offset = r.status == WICK_OK ? len : r.offset;
    return r.status;
}

/* All ways to read the bytes at data, which lie against a guard page, must say the same. */
static wick_status agreed(const uint8_t *data, size_t len, uint32_t flags, const char *name)
{
    wick_json_config config = config_of(flags);
    size_t want_at, at = 0;
    wick_status want = oracle_json(data, len, WICK_DEFAULT_JSON_DEPTH, (flags & WICK_JSON_LONE_SURROGATES) != 0, &want_at);
    wick_status got = wick_json_check(&config, data, len, &at);
    if (got != want || at != want_at)
        test_fail(__FILE__, __LINE__, "%s: check says %s at %zu, the oracle %s at %zu", name, wick_status_name(got), at,
                  wick_status_name(want), want_at);
    got = pull(&config, data, len, &at);
    if (got != want || at != want_at)
        test_fail(__FILE__, __LINE__, "%s: next says %s at %zu, the oracle %s at %zu", name, wick_status_name(got), at,
                  wick_status_name(want), want_at);
    got = wander(&config, data, len, &at);
    if (got != want || at != want_at)
        test_fail(__FILE__, __LINE__, "%s: a mix says %s at %zu, the oracle %s at %zu", name, wick_status_name(got), at,
                  wick_status_name(want), want_at);
    return want;
}

static void corpus_verdicts(void)
{
    CHECK(corpus_count >= 200);
    for (size_t i = 0; i < corpus_count; i++) {
        const struct document *d = &corpus[i];
        uint8_t *back = test_guard_back(d->data, d->len);
        uint8_t *front = test_guard_front(d->data, d->len);
        for (uint32_t lone = 0; lone <= 1; lone++) {
            uint32_t flags = lone ? WICK_JSON_LONE_SURROGATES : 0;
            wick_status got = agreed(back, d->len, flags, d->name);
            if (got != promised(d->name, (int)lone))
                test_fail(__FILE__, __LINE__, "%s: %s", d->name, wick_status_name(got));
            agreed(front, d->len, flags, d->name);
        }
        test_unguard(back, d->len);
        test_unguard(front, d->len);
    }
}

/* Every prefix of a valid document that is not a number or literal's own is cut or empty, never read beyond. */
static void corpus_prefixes(void)
{
    for (size_t i = 0; i < corpus_count; i++) {
        const struct document *d = &corpus[i];
        for (size_t n = 0; n <= d->len && d->len < 400; n++) {
            uint8_t *data = test_guard_back(d->data, n);
            agreed(data, n, 0, d->name);
            test_unguard(data, n);
        }
    }
}

static size_t mutate(uint8_t *out, size_t cap)
{
    static const char likely[] = "{}[]\",:\\u0d8e1-.+ \n\x01\x80\xC3\xE2\xF0tfn";
    const struct document *d = &corpus[test_below(corpus_count)], *e = &corpus[test_below(corpus_count)];
    size_t len = d->len < cap / 2 ? d->len : cap / 2;
    memcpy(out, d->data, len);
    for (size_t n = 1 + test_below(3); n > 0; n--) {
        size_t at = test_below(len + 1), k;
        uint8_t byte = test_below(4) ? (uint8_t)likely[test_below(sizeof likely - 1)] : (uint8_t)test_random();
        switch (test_below(4)) {
        case 0: /* replace */
            if (at < len)
                out[at] = byte;
            break;
        case 1: /* insert */
            memmove(out + at + 1, out + at, len - at);
            out[at] = byte;
            len++;
            break;
        case 2: /* remove */
            k = test_below(len - at < 4 ? len - at + 1 : 4);
            memmove(out + at, out + at + k, len - at - k);
            len -= k;
            break;
        default: /* put another document in */
            k = e->len < 100 ? e->len : 100;
            memmove(out + at + k, out + at, len - at);
            memcpy(out + at, e->data, k);
            len += k;
            break;
        }
    }
    return len;
}

static void mutations_agree_with_oracle(void)
{
    enum { CAP = 4096 };
    uint8_t *room = test_guard_back(NULL, CAP);
    static uint8_t text[CAP];
    for (int i = 0; i < 200000 && !test_failed(); i++) {
        size_t len = mutate(text, CAP);
        uint8_t *data = room + CAP - len;
        memcpy(data, text, len);
        agreed(data, len, i & 1 ? WICK_JSON_LONE_SURROGATES : 0, "mutation");
    }
    test_unguard(room, CAP);
}

static void utf8_known_is_not_checked(void)
{
    wick_json_config config = config_of(WICK_JSON_UTF8_KNOWN);
    CHECK_STATUS(wick_json_check(&config, "\"\xff\"", 3, NULL), WICK_OK);
    CHECK_STATUS(wick_json_check(NULL, "\"\xff\"", 3, NULL), WICK_E_JSON_UTF8);
}

static void kernels_are_used(void)
{
    wick_json_config config = config_of(0);
    size_t at;
    config.kernels = wick_kernels_best();
    CHECK_STATUS(wick_json_check(&config, "\"caf\xc3\xa9 \xff\"", 9, &at), WICK_E_JSON_UTF8);
    CHECK_INT(at, 7);
    CHECK_STATUS(wick_json_check(&config, "\"caf\xc3\xa9\"", 7, &at), WICK_OK);
    CHECK_INT(at, 7);
}

static void configs(void)
{
    wick_json_config config = config_of(0);
    wick_json_reader r;
    config.depth = 2;
    CHECK_STATUS(wick_json_check(&config, "[[]]", 4, NULL), WICK_OK);
    CHECK_STATUS(wick_json_check(&config, "[[[]]]", 6, NULL), WICK_E_JSON_DEPTH);
    config.depth = WICK_JSON_DEPTH_MAX;
    char deep[2 * WICK_JSON_DEPTH_MAX + 2];
    memset(deep, '[', WICK_JSON_DEPTH_MAX + 1);
    memset(deep + WICK_JSON_DEPTH_MAX + 1, ']', WICK_JSON_DEPTH_MAX + 1);
    CHECK_STATUS(wick_json_check(&config, deep + 1, 2 * WICK_JSON_DEPTH_MAX, NULL), WICK_OK);
    CHECK_STATUS(wick_json_check(&config, deep, sizeof deep, NULL), WICK_E_JSON_DEPTH);
    config.depth = WICK_JSON_DEPTH_MAX + 1;
    CHECK_STATUS(wick_json_reader_init(&r, &config, "1", 1), WICK_E_CONFIG);
    config.depth = 0;
    config.size = 1;
    CHECK_STATUS(wick_json_reader_init(&r, &config, "1", 1), WICK_E_CONFIG);
    CHECK_STATUS(wick_json_check(&config, "1", 1, NULL), WICK_E_CONFIG);
    CHECK_STATUS(wick_json_check(NULL, NULL, 0, NULL), WICK_E_JSON_CUT);
    CHECK_STATUS(wick_json_check(NULL, NULL, 1, NULL), WICK_E_ARG);
}

/* The tokens of a document as a line of letters. */
static void token_order(void)
{
    static const char json[] = " {\"a\":[1,\"x\",{}],\"b\":{\"c\":null,\"d\":true},\"e\":false} ";
    static const char letters[] = "$0ftNSK{}[]";
    wick_json_reader r;
    wick_json_token t;
    char line[64];
    size_t n = 0;
    wick_json_reader_init(&r, NULL, json, sizeof json - 1);
    do {
        CHECK_STATUS(wick_json_next(&r, &t), WICK_OK);
        line[n++] = letters[t.type];
    } while (t.type != WICK_JSON_END && n < sizeof line - 1);
    line[n] = 0;
    CHECK(strcmp(line, "{K[NS{}]K{K0Kt}Kf}$") == 0);
    CHECK_STATUS(wick_json_next(&r, &t), WICK_OK);
    CHECK_INT(t.type, WICK_JSON_END);
    CHECK_STATUS(wick_json_value(&r, NULL), WICK_E_STATE);
    CHECK_STATUS(wick_json_leave(&r), WICK_E_STATE);
}

static void values_and_offsets(void)
{
    static const char json[] = "{\"k\\n\": [1, \"a\\tb\", {\"x\": [2]}], \"z\": 7}";
    wick_json_reader r;
    wick_json_token t;
    wick_text v;
    wick_json_reader_init(&r, NULL, json, sizeof json - 1);
    wick_json_next(&r, &t);
    CHECK_STATUS(wick_json_value(&r, &v), WICK_E_STATE);
    wick_json_next(&r, &t);
    CHECK(t.type == WICK_JSON_KEY && t.text.form == WICK_TEXT_ESCAPED && wick_text_is(&t.text, "k\n", 2));
    CHECK_INT(t.offset, 1);
    wick_json_next(&r, &t);
    CHECK_INT(t.type, WICK_JSON_ARRAY);
    CHECK_STATUS(wick_json_value(&r, &v), WICK_OK);
    CHECK(v.form == WICK_TEXT_JSON && v.len == 1 && v.data[0] == '1');
    CHECK_STATUS(wick_json_value(&r, &v), WICK_OK);
    CHECK(v.form == WICK_TEXT_ESCAPED && wick_text_is(&v, "a\tb", 3));
    CHECK_STATUS(wick_json_value(&r, &v), WICK_OK);
    CHECK(v.form == WICK_TEXT_JSON && v.len == 10 && memcmp(v.data, "{\"x\": [2]}", 10) == 0);
    CHECK_STATUS(wick_json_value(&r, &v), WICK_E_STATE);
    CHECK_STATUS(wick_json_leave(&r), WICK_OK);
    wick_json_next(&r, &t);
    CHECK(t.type == WICK_JSON_KEY && wick_text_is(&t.text, "z", 1));
    CHECK_STATUS(wick_json_leave(&r), WICK_OK);
    wick_json_next(&r, &t);
    CHECK_INT(t.type, WICK_JSON_END);
}

static void errors_stick(void)
{
    wick_json_reader r;
    wick_json_token t;
    wick_json_reader_init(&r, NULL, "[1,]", 4);
    while (wick_json_next(&r, &t) == WICK_OK)
        ;
    CHECK_STATUS(r.status, WICK_E_JSON_SYNTAX);
    CHECK_INT(r.offset, 3);
    CHECK_STATUS(wick_json_next(&r, &t), WICK_E_JSON_SYNTAX);
    CHECK_STATUS(wick_json_value(&r, NULL), WICK_E_JSON_SYNTAX);
    CHECK_STATUS(wick_json_leave(&r), WICK_E_JSON_SYNTAX);
}

static void members(void)
{
    static const char json[] = "{\"a\":{\"b\":1},\"b\":\"two\",\"\\u0063\":[3],\"b\":4}";
    wick_text object = {json, sizeof json - 1, WICK_TEXT_JSON}, v;
    CHECK_STATUS(wick_json_member(&object, "b", 1, &v), WICK_OK);
    CHECK(wick_text_is(&v, "two", 3));
    CHECK_STATUS(wick_json_member(&object, "c", 1, &v), WICK_OK);
    CHECK(v.len == 3 && v.form == WICK_TEXT_JSON);
    CHECK_STATUS(wick_json_member(&object, "d", 1, &v), WICK_OK);
    CHECK(v.data == NULL);
    object.form = WICK_TEXT_PLAIN;
    CHECK_STATUS(wick_json_member(&object, "b", 1, &v), WICK_E_JSON_TYPE);
    object = (wick_text){"[1]", 3, WICK_TEXT_JSON};
    CHECK_STATUS(wick_json_member(&object, "b", 1, &v), WICK_E_JSON_TYPE);
}

int main(void)
{
    load_corpus();
    RUN(corpus_verdicts);
    RUN(corpus_prefixes);
    RUN(mutations_agree_with_oracle);
    RUN(utf8_known_is_not_checked);
    RUN(kernels_are_used);
    RUN(configs);
    RUN(token_order);
    RUN(values_and_offsets);
    RUN(errors_stick);
    RUN(members);
    return test_end();
}
