/*
 * Text and the JSON writer: every code point and random strings out and back, every capacity, the grammar that the
 * writer keeps, and text that is not UTF-8.
 */
#include "lib/test.h"
#include "oracle/json.h"
#include "oracle/utf8.h"
#include "wick/json.h"

#include <stdlib.h>

static size_t write_string(const char *text, size_t len, uint32_t flags, char *out, size_t cap, wick_status want)
{
    wick_json_writer w;
    size_t need = 0;
    wick_json_writer_init(&w, out, cap, flags);
    wick_json_put_string(&w, text, len);
    CHECK_STATUS(wick_json_writer_end(&w, &need), want);
    return need;
}

/* Write plain text, check what was written, read it, and get the text back, also in place. */
static void out_and_back(const char *text, size_t len)
{
    static char json[8192], back[8192];
    size_t n = write_string(text, len, 0, json, sizeof json, WICK_OK), at;
    wick_text got;
    wick_str plain;
    CHECK_STATUS(oracle_json((uint8_t *)json, n, 1, 0, &at), WICK_OK);
    wick_json_reader r;
    wick_json_reader_init(&r, NULL, json, n);
    CHECK_STATUS(wick_json_value(&r, &got), WICK_OK);
    CHECK_INT(wick_text_plain_len(&got), len);
    CHECK(wick_text_is(&got, text, len));
    CHECK(!wick_text_is(&got, text, len + 1) && (len == 0 || !wick_text_is(&got, text, len - 1)));
    wick_text same = wick_text_of(text, len);
    CHECK(wick_text_equal(&got, &same) && wick_text_equal(&same, &got) && wick_text_equal(&got, &got));
    CHECK(wick_text_hash(&got) == wick_text_hash(&same));
    CHECK_STATUS(wick_text_plain(&got, back, got.len, &plain), WICK_OK);
    CHECK(plain.len == len && memcmp(plain.data, text, len) == 0);
    CHECK_STATUS(wick_text_plain(&got, json + (got.data - json), got.len, &plain), WICK_OK);
    CHECK(plain.data == got.data && plain.len == len && memcmp(plain.data, text, len) == 0);
}

static void every_code_point(void)
{
    char text[64];
    for (uint32_t code = 0; code < 0x110000 && !test_failed(); code++) {
        if (code >= 0xD800 && code < 0xE000)
            continue;
        size_t n = oracle_utf8_encode(code, (uint8_t *)text);
        memcpy(text + n, "x", 1);
        if (code < 0x1000 || code % 37 == 0 || code > 0x10FF00)
            out_and_back(text, n + 1);
    }
}

static size_t random_string(char *text, size_t cap)
{
    size_t len = 0, mostly = test_below(4), max = test_below(cap - 4);
    while (len < max) {
        uint32_t code = (uint32_t)test_below(0x60) + 0x20;
        if (test_below(10) < mostly)
            code = (uint32_t)test_below(test_below(2) ? 0x30 : 0x110000);
        if (code >= 0xD800 && code < 0xE000)
            continue;
        len += oracle_utf8_encode(code, (uint8_t *)text + len);
    }
    return len;
}

static void random_strings(void)
{
    static char text[1300];
    for (int i = 0; i < 5000 && !test_failed(); i++)
        out_and_back(text, random_string(text, sizeof text));
}

/* Plain and clean text of every length, flush against a guard page, at both ends of source and output. */
static void every_length(void)
{
    for (size_t len = 0; len < 100; len++) {
        uint8_t *text = test_guard_back(NULL, len), *out = test_guard_back(NULL, len + 2);
        memset(text, 'a', len);
        CHECK_INT(write_string((char *)text, len, 0, (char *)out, len + 2, WICK_OK), len + 2);
        CHECK(out[0] == '"' && out[len + 1] == '"' && memcmp(out + 1, text, len) == 0);
        for (size_t at = 0; at < len; at++) {
            uint8_t big[120];
            text[at] = '"';
            CHECK_INT(write_string((char *)text, len, 0, (char *)big, len + 3, WICK_OK), len + 3);
            CHECK(big[at + 1] == '\\' && big[at + 2] == '"');
            text[at] = 0x7F;
            CHECK_INT(write_string((char *)text, len, 0, (char *)big, len + 3, WICK_OK), len + 2);
            text[at] = 'a';
        }
        test_unguard(text, len);
        test_unguard(out, len + 2);
    }
}

static void write_sample(wick_json_writer *w)
{
    static const char text[] = "tab\t quote\" nul\0 bell\a \xc3\xa9 \xf0\x9f\x98\x80 and a longer run of plain t"
        "ext without anything";
    wick_text escaped = {"a\\u0041\\ud83d", 13, WICK_TEXT_ESCAPED}, clean = {"clean", 5, WICK_TEXT_CLEAN};
    wick_text json = {"{ \"a\" :\r\n[1, 2] }", 17, WICK_TEXT_JSON}, none = {NULL, 0, 0};
    wick_json_put_object(w);
    wick_json_put_key(w, "k\"", 2);
    wick_json_put_array(w);
    wick_json_put_string(w, text, sizeof text - 1);
    wick_json_put_text(w, &escaped);
    wick_json_put_text(w, &clean);
    wick_json_put_text(w, &json);
    wick_json_put_text(w, &none);
    wick_json_put_array_end(w);
    wick_json_put_key_text(w, &escaped);
    wick_json_put_object(w);
    wick_json_put_object_end(w);
    wick_json_put_key(w, "", 0);
    wick_json_put_array(w);
    wick_json_put_int64(w, INT64_MIN);
    wick_json_put_int64(w, INT64_MAX);
    wick_json_put_int64(w, -10);
    wick_json_put_uint64(w, UINT64_MAX);
    wick_json_put_uint64(w, 0);
    wick_json_put_bool(w, 1);
    wick_json_put_bool(w, 0);
    wick_json_put_null(w);
    wick_json_put_array_end(w);
    wick_json_put_object_end(w);
}

static const char sample[] =
    "{\"k\\\"\":[\"tab\\t quote\\\" nul\\u0000 bell\\u0007 \xc3\xa9 \xf0\x9f\x98\x80 and a longer run of plain t"
    "ext without anything\","
    "\"a\\u0041\\ud83d\",\"clean\",{ \"a\" :  [1, 2] },null],\"a\\u0041\\ud83d\":{},\"\":[-9223372036854775808,"
    "9223372036854775807,-10,18446744073709551615,0,true,false,null]}";

static void every_capacity(void)
{
    for (size_t cap = 0; cap < sizeof sample + 40; cap++) {
        uint8_t *out = test_guard_back(NULL, cap);
        wick_json_writer w;
        size_t len;
        wick_json_writer_init(&w, out, cap, cap & 1 ? WICK_JSON_TRUSTED : 0);
        write_sample(&w);
        CHECK_STATUS(wick_json_writer_end(&w, &len), cap < sizeof sample - 1 ? WICK_E_SPACE : WICK_OK);
        CHECK_INT(len, sizeof sample - 1);
        CHECK(cap < len || memcmp(out, sample, len) == 0);
        test_unguard(out, cap);
    }
    wick_json_writer w;
    size_t len;
    wick_json_writer_init(&w, NULL, 0, 0);
    write_sample(&w);
    CHECK_STATUS(wick_json_writer_end(&w, &len), WICK_E_SPACE);
    CHECK_INT(len, sizeof sample - 1);
}

/* Calls out of place, one letter each: { } [ ] k(ey) v(alue). */
static wick_status grammar_of(const char *calls)
{
    char out[512];
    wick_json_writer w;
    size_t len;
    wick_json_writer_init(&w, out, sizeof out, 0);
    for (; *calls; calls++)
        switch (*calls) {
        case '{':
            wick_json_put_object(&w);
            break;
        case '}':
            wick_json_put_object_end(&w);
            break;
        case '[':
            wick_json_put_array(&w);
            break;
        case ']':
            wick_json_put_array_end(&w);
            break;
        case 'k':
            wick_json_put_key(&w, "k", 1);
            break;
        default:
            wick_json_put_int64(&w, 1);
            break;
        }
    wick_status status = wick_json_writer_end(&w, &len);
    CHECK((status == WICK_OK) == (len > 0));
    CHECK(status != WICK_OK || oracle_json((uint8_t *)out, len, 64, 0, &len) == WICK_OK);
    return status;
}

static void grammar(void)
{
    static const char *const right[] = {"v", "[]", "{}", "[vv]", "{kvkv}", "{k[]k{}}", "[[][{}]]", "{k{k{kv}}}"};
    static const char *const wrong[] = {"",    "[",   "{",   "]",    "}",   "[}",  "{]",  "vv",   "v]",   "[]v", "[]]",
                                        "{v}", "{k}", "{kk", "{kvv", "k",   "[k]", "{k]", "{k}v", "{}{}", "{[]}"};
    char deep[2 * 65 + 1];
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        CHECK_STATUS(grammar_of(right[i]), WICK_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (grammar_of(wrong[i]) != WICK_E_STATE)
            test_fail(__FILE__, __LINE__, "%s", wrong[i]);
    memset(deep, '[', 65);
    memset(deep + 65, ']', 65);
    deep[130] = 0;
    CHECK_STATUS(grammar_of(deep), WICK_E_JSON_DEPTH);
    deep[129] = 0;
    CHECK_STATUS(grammar_of(deep + 1), WICK_OK);
}

static void not_utf8(void)
{
    static const struct {
        const char *text, *replaced;
    } rows[] = {
        {"\xff", "\"\xEF\xBF\xBD\""},
        {"a\x80z", "\"a\xEF\xBF\xBDz\""},
        {"\xc3", "\"\xEF\xBF\xBD\""},
        {"\xc3\xc3\xa9", "\"\xEF\xBF\xBD\xc3\xa9\""},
        {"\xe2\x82", "\"\xEF\xBF\xBD\""},
        {"\xe2\x82\"", "\"\xEF\xBF\xBD\\\"\""},
        {"\xf0\x9f\x98\xc3\xa9\n", "\"\xEF\xBF\xBD\xc3\xa9\\n\""},
        {"\xed\xa0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\xc0\xaf", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"a long enough text so that blocks are copied, then \xf8 in the middle, and more of it",
         "\"a long enough text so that blocks are copied, then \xEF\xBF\xBD in the middle, and more of it\""},
    };
    char out[512];
    size_t at;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = strlen(rows[i].text), want = strlen(rows[i].replaced);
        write_string(rows[i].text, n, 0, out, sizeof out, WICK_E_JSON_UTF8);
        CHECK_INT(write_string(rows[i].text, n, WICK_JSON_REPLACE, out, sizeof out, WICK_OK), want);
        CHECK_MEM(out, rows[i].replaced, want);
        CHECK_INT(write_string(rows[i].text, n, WICK_JSON_REPLACE, out, want - 1, WICK_E_SPACE), want);
    }
    for (int i = 0; i < 20000 && !test_failed(); i++) {
        char junk[64];
        size_t n = test_below(sizeof junk);
        for (size_t k = 0; k < n; k++)
            junk[k] = (char)(test_below(3) ? 0x80 + test_below(128) : test_below(128));
        n = write_string(junk, n, WICK_JSON_REPLACE, out, sizeof out, WICK_OK);
        CHECK_STATUS(oracle_json((uint8_t *)out, n, 1, 0, &at), WICK_OK);
    }
}

/* A text that is not what its form says is refused, unless it is trusted. */
static void forms_are_checked(void)
{
    static const struct {
        wick_text text;
        wick_status status;
    } rows[] = {
        {{"\\x", 2, WICK_TEXT_ESCAPED}, WICK_E_JSON_ESCAPE},  {{"\\", 1, WICK_TEXT_ESCAPED}, WICK_E_JSON_ESCAPE},
        {{"\\u12", 4, WICK_TEXT_ESCAPED}, WICK_E_JSON_ESCAPE}, {{"a\"", 2, WICK_TEXT_ESCAPED}, WICK_E_JSON_CONTROL},
        {{"a\n", 2, WICK_TEXT_ESCAPED}, WICK_E_JSON_CONTROL}, {{"\xc3", 1, WICK_TEXT_ESCAPED}, WICK_E_JSON_UTF8},
        {{"\xc3", 1, WICK_TEXT_CLEAN}, WICK_E_JSON_UTF8},     {{"{", 1, WICK_TEXT_JSON}, WICK_E_JSON_CUT},
        {{"", 0, WICK_TEXT_JSON}, WICK_E_JSON_CUT},           {{"1 2", 3, WICK_TEXT_JSON}, WICK_E_JSON_TRAILING},
        {{"[1,]", 4, WICK_TEXT_JSON}, WICK_E_JSON_SYNTAX},    {{"\"\xff\"", 3, WICK_TEXT_JSON}, WICK_E_JSON_UTF8},
        {{" 1 ", 3, WICK_TEXT_JSON}, WICK_OK},                {{"\\ud800", 6, WICK_TEXT_ESCAPED}, WICK_OK},
        {{"a\"", 2, WICK_TEXT_CLEAN}, WICK_OK},               {{"", 0, WICK_TEXT_ESCAPED}, WICK_OK},
    };
    char out[64];
    size_t len;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        wick_json_writer w;
        wick_json_writer_init(&w, out, sizeof out, 0);
        wick_json_put_text(&w, &rows[i].text);
        if (wick_json_writer_end(&w, &len) != rows[i].status)
            test_fail(__FILE__, __LINE__, "%s: %s", rows[i].text.data, wick_status_name(w.status));
        wick_json_writer_init(&w, out, sizeof out, WICK_JSON_TRUSTED);
        wick_json_put_text(&w, &rows[i].text);
        CHECK_STATUS(wick_json_writer_end(&w, &len), WICK_OK);
    }
}

static void kernels_check_text(void)
{
    wick_json_writer w;
    char out[64];
    size_t len;
    wick_json_writer_init(&w, out, sizeof out, 0);
    w.kernels = wick_kernels_best();
    wick_json_put_string(&w, "caf\xc3", 4);
    CHECK_STATUS(wick_json_writer_end(&w, &len), WICK_E_JSON_UTF8);
    wick_json_writer_init(&w, out, sizeof out, 0);
    w.kernels = wick_kernels_best();
    wick_json_put_string(&w, "caf\xc3\xa9", 5);
    CHECK_STATUS(wick_json_writer_end(&w, &len), WICK_OK);
}

static void lone_surrogates_become_fffd(void)
{
    static const struct {
        const char *escaped, *plain;
    } rows[] = {
        {"\\ud83d", "\xEF\xBF\xBD"},
        {"a\\ude00b", "a\xEF\xBF\xBD" "b"},
        {"\\ud83d\\ud83d\\ude00", "\xEF\xBF\xBD\xF0\x9F\x98\x80"},
        {"\\ud83dx", "\xEF\xBF\xBDx"},
        {"\\ud83d\\n", "\xEF\xBF\xBD\n"},
        {"\\ud83d\\u0041", "\xEF\xBF\xBD" "A"},
        {"\\ude00\\ud83d", "\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\\ud83d\\u", "\xEF\xBF\xBD\\u"},
    };
    char out[64];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        wick_text text = {rows[i].escaped, (uint32_t)strlen(rows[i].escaped), WICK_TEXT_ESCAPED};
        wick_str plain;
        CHECK_STATUS(wick_text_plain(&text, out, text.len, &plain), WICK_OK);
        CHECK(plain.len == strlen(rows[i].plain) && memcmp(plain.data, rows[i].plain, plain.len) == 0);
        CHECK_INT(wick_text_plain_len(&text), plain.len);
    }
}

static void plain_needs_room(void)
{
    wick_text text = {"ab\\u00e9cd\\ud83d\\ude00", 22, WICK_TEXT_ESCAPED};
    wick_str plain;
    for (size_t cap = 0; cap < 14; cap++) {
        uint8_t *out = test_guard_back(NULL, cap);
        CHECK_STATUS(wick_text_plain(&text, (char *)out, cap, &plain), cap < 10 ? WICK_E_SPACE : WICK_OK);
        CHECK_INT(plain.len, 10);
        test_unguard(out, cap);
    }
    text.form = WICK_TEXT_PLAIN;
    CHECK_STATUS(wick_text_plain(&text, NULL, 0, &plain), WICK_OK);
    CHECK(plain.data == text.data && plain.len == 22);
    text.data = NULL;
    CHECK_STATUS(wick_text_plain(&text, NULL, 0, &plain), WICK_OK);
    CHECK(plain.data == NULL && plain.len == 0 && wick_text_plain_len(&text) == 0);
    CHECK(!wick_text_is(&text, "", 0) && !wick_text_equal(&text, &text));
}

static void cuts(void)
{
    static const char utf8[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";
    static const size_t fits[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
    static const char escaped[] = "a\\n\\u00e9\\ud83d\\ude00\xc3\xa9z";
    static const size_t escaped_fits[] = {0, 1, 3, 3, 9, 9, 9, 9, 21, 21, 23, 24, 24};
    wick_text plain = wick_text_of(utf8, sizeof utf8 - 1), text = {escaped, sizeof escaped - 1, WICK_TEXT_ESCAPED};
    wick_text json = {"[1,2,3]", 7, WICK_TEXT_JSON}, junk = wick_text_of("\x80\x80\x80\x80\x80\x80", 6);
    for (size_t max = 0; max < 13; max++) {
        CHECK_INT(wick_text_cut(&plain, max).len, fits[max]);
        CHECK_INT(wick_text_cut(&text, max).len, escaped_fits[max]);
    }
    CHECK_INT(wick_text_cut(&json, 2).len, 7);
    CHECK_INT(wick_text_cut(&junk, 5).len, 5);
}

int main(void)
{
    RUN(every_code_point);
    RUN(random_strings);
    RUN(every_length);
    RUN(every_capacity);
    RUN(grammar);
    RUN(not_utf8);
    RUN(forms_are_checked);
    RUN(kernels_check_text);
    RUN(lone_surrogates_become_fffd);
    RUN(plain_needs_room);
    RUN(cuts);
    return test_end();
}
