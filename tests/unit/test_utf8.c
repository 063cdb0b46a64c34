/*
 * UTF-8: every version of the kernels against the oracle, in memory that ends at unreadable pages.
 */
#include "base/bytes.h"
#include "base/kernels.h"
#include "lib/test.h"
#include "lib/versions.h"
#include "oracle/mask.h"
#include "oracle/utf8.h"
#include "wick/base.h"

#define AREA 4096
#define MOST 300

/* One page between two unreadable ones. */
static uint8_t *area;

/* What the oracle says of a text. */
typedef struct verdict {
    size_t good;
    size_t unfinished;
} verdict;

static verdict judge(const uint8_t *text, size_t len)
{
    verdict v;
    v.good = oracle_utf8(text, len, &v.unfinished);
    return v;
}

/* Fail unless `good` and `state` are what they should be after text[0..len). */
static void compare(const wick_kernels *k, const char *what, verdict want, const uint8_t *text, size_t len,
                    size_t good, uint32_t state)
{
    uint32_t expected = 0;
    if (good != want.good) {
        test_fail(__FILE__, __LINE__, "%s %s: %zu bytes good, want %zu of %zu", k->name, what, good, want.good, len);
        return;
    }
    if (good < len)
        return;
    wick_kernels_portable()->utf8(&expected, text + len - want.unfinished, want.unfinished);
    if ((state == 0) != (want.unfinished == 0) || state != expected)
        test_fail(__FILE__, __LINE__, "%s %s: state %u after %zu bytes with %zu unfinished, want %u", k->name, what,
                  state, len, want.unfinished, expected);
}

/* Both kernels on text[0..len) in pieces that end at `cuts`, at address `at`. */
static void run_pieces(const wick_kernels *k, verdict want, const uint8_t *text, size_t len, uint8_t *at,
                       const size_t *cuts, size_t n)
{
    uint8_t key[4], expected[AREA];
    uint32_t word, plain_state = 0, masked_state = 0;
    size_t plain = 0, masked = 0, done;
    uint64_t r = test_random();
    memcpy(key, &r, 4);
    memcpy(&word, key, 4);

    if (len)
        memcpy(at, text, len);
    for (size_t i = 0; i <= n && plain == (i ? cuts[i - 1] : 0); i++)
        plain += k->utf8(&plain_state, at + plain, (i < n ? cuts[i] : len) - plain);
    compare(k, "utf8", want, text, len, plain, plain_state);

    oracle_mask(at, text, len, key);
    memcpy(expected, at, len);
    for (size_t i = 0; i <= n && masked == (i ? cuts[i - 1] : 0); i++)
        masked += k->unmask_utf8(&masked_state, at + masked, (i < n ? cuts[i] : len) - masked,
                                 wick_key_rotate(word, masked));
    compare(k, "unmask_utf8", want, text, len, masked, masked_state);
    done = want.good < len ? want.good + 1 : len;
    if (memcmp(at, text, done) != 0)
        test_fail(__FILE__, __LINE__, "%s: the first %zu bytes are not unmasked", k->name, done);
}

/* Every version, whole, at the end of the area and at its start + align. */
static void check_text(const uint8_t *text, size_t len, size_t align)
{
    verdict want = judge(text, len);
    EACH_VERSION(k) {
        run_pieces(k, want, text, len, area + AREA - len, NULL, 0);
        run_pieces(k, want, text, len, area + align, NULL, 0);
    }
}

/* Every version, at every split into two. */
static void check_splits(const uint8_t *text, size_t len)
{
    verdict want = judge(text, len);
    EACH_VERSION(k)
        for (size_t cut = 0; cut <= len; cut++)
            run_pieces(k, want, text, len, area + AREA - len, &cut, 1);
}

/* Text of exactly len bytes, the last character perhaps cut off. `mix` chooses the lengths of the characters. */
static void random_text(uint8_t *out, size_t len, unsigned mix)
{
    static const uint32_t first[] = {0, 0x80, 0x800, 0x10000}, count[] = {0x80, 0x780, 0xF800, 0x100000};
    for (size_t i = 0; i < len;) {
        uint8_t character[4];
        size_t kind = mix < 4 ? mix : mix == 4 ? test_below(4) : test_below(16) ? 0 : 1 + test_below(3);
        uint32_t c = first[kind] + (uint32_t)test_below(count[kind]);
        if (c >= 0xD800 && c <= 0xDFFF)
            c = 0x4E2D;
        size_t n = oracle_utf8_encode(c, character);
        for (size_t j = 0; j < n && i < len; j++)
            out[i++] = character[j];
    }
}

/* One change of the kind that validators get wrong. */
static void damage(uint8_t *text, size_t len)
{
    static const uint8_t tricky[] = {0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0,
                                     0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0xF8, 0xFC, 0xFE, 0xFF};
    size_t at = test_below(len);
    switch (test_below(4)) {
    case 0:
        text[at] = tricky[test_below(sizeof tricky)];
        break;
    case 1:
        text[at] ^= (uint8_t)(1u << test_below(8));
        break;
    case 2:
        text[at] = (uint8_t)test_random();
        break;
    default: /* a byte lost */
        memmove(text + at, text + at + 1, len - at - 1);
        text[len - 1] = 'z';
        break;
    }
}

static void every_length_and_alignment(void)
{
    uint8_t text[MOST];
    for (size_t len = 0; len <= MOST; len++) {
        for (size_t align = 0; align < 32 && !test_failed(); align++) {
            random_text(text, len, (unsigned)(align % 6));
            check_text(text, len, align);
            if (len == 0)
                continue;
            damage(text, len);
            check_text(text, len, align);
        }
    }
}

static void random_pieces(void)
{
    uint8_t text[2 * MOST];
    for (unsigned round = 0; round < 3000 && !test_failed(); round++) {
        size_t len = test_below(sizeof text), cuts[4], n = 0;
            random_text(text, len, round % 6);
        if (len && round % 2)
            damage(text, len);
        verdict want = judge(text, len);
        for (size_t i = 0; i < 4; i++) {
            size_t from = n ? cuts[n - 1] : 0;
            cuts[n++] = from + test_below(len - from + 1);
        }
        EACH_VERSION(k)
            run_pieces(k, want, text, len, area + test_below(64), cuts, n);
    }
}

static void large_texts(void)
{
    static uint8_t text[AREA];
    for (unsigned round = 0; round < 600 && !test_failed(); round++) {
        size_t len = AREA - 64 + test_below(64);
        random_text(text, len, round % 6);
        if (round & 8)
            damage(text, len);
        check_text(text, len, 0);
    }
}

/* The bytes of s[0..n) that are good when a letter follows; n + 1 if the letter is, too. n <= 4. */
static size_t good_with_letter(const uint8_t *s, size_t n)
{
    uint8_t text[5] = {'a', 'a', 'a', 'a', 'a'};
    size_t unfinished;
    memcpy(text, s, n);
    return oracle_utf8(text, n + 1, &unfinished);
}

/* Every version on s[0..n) amid 64 letters, across the middle, where vectors meet. The area holds only letters. */
static void check_embedded(const uint8_t *s, size_t n, size_t good)
{
    uint8_t *at = area + AREA - 64;
    size_t want = good == n + 1 ? 64 : 30 + good;
    memcpy(at + 30, s, n);
    EACH_VERSION(k) {
        uint32_t state = 0;
        size_t got = k->utf8(&state, at, 64);
        if (got != want || (got == 64 && state != 0))
            test_fail(__FILE__, __LINE__, "%s: %zu bytes from %02x %02x on: %zu good, want %zu", k->name, n, s[0],
                      n > 1 ? s[1] : 0, got, want);
    }
    memset(at + 30, 'a', n);
}

static void every_sequence_of_up_to_three_bytes(void)
{
    uint8_t s[3];
    memset(area, 'a', AREA);
    for (unsigned i = 0; i < 0x1000000 && !test_failed(); i++) {
        s[0] = (uint8_t)(i >> 16);
        s[1] = (uint8_t)(i >> 8);
        s[2] = (uint8_t)i;
        if (i == 0 || s[1] == 0)
            check_embedded(s, 1, good_with_letter(s, 1));
        if (s[2] == 0)
            check_embedded(s, 2, good_with_letter(s, 2));
        /* What is bad after one or two bytes is bad with every third. */
        static size_t good;
        if (s[2] == 0 || good >= 2)
            good = good_with_letter(s, 3);
        check_embedded(s, 3, good);
    }
}

static void four_byte_sequences(void)
{
    static const uint8_t edges[] = {0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF};
    uint8_t s[4];
    memset(area, 'a', AREA);
    for (unsigned pair = 0xE000; pair < 0x10000; pair++) {
        for (unsigned i = 0; i < 100 && !test_failed(); i++) {
            s[0] = (uint8_t)(pair >> 8);
            s[1] = (uint8_t)pair;
            s[2] = edges[i / 10];
            s[3] = edges[i % 10];
            check_embedded(s, 4, good_with_letter(s, 4));
        }
    }
}

static void every_code_point(void)
{
    memset(area, 'a', AREA);
    for (uint32_t c = 0; c < 0x110000 && !test_failed(); c++) {
        uint8_t s[4];
        size_t n = oracle_utf8_encode(c, s);
        check_embedded(s, n, c >= 0xD800 && c <= 0xDFFF ? 1 : n + 1);
    }
}

static const char *const tricky_texts[] = {
    "",
    "a",
    "\xC2\x80",
    "\xDF\xBF",
    "\xE0\xA0\x80",
    "\xE0\x80\x80",
    "\xED\x9F\xBF\xEE\x80\x80",
    "\xED\xA0\x80",
    "\xED\xBF\xBF",
    "\xEF\xBF\xBF",
    "\xF0\x90\x80\x80",
    "\xF0\x8F\xBF\xBF",
    "\xF4\x8F\xBF\xBF",
    "\xF4\x90\x80\x80",
    "\xF5\x80\x80\x80",
    "\xF8\x88\x80\x80\x80",
    "\xC0\x80",
    "\xC1\xBF",
    "\x80",
    "\xBF\xBF",
    "\xFE\xFF",
    "\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5",
    "\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5\xED\xA0\x80" "edited",
    "\xE2\x82",
    "\xF0\x9F\x98",
    "\xF0\x9F\x98\x80\xF0\x9F\x98\x80\xF0\x9F",
    "\xE4\xB8\xAD\xE4\xB8\xAD\xE4\xB8\xAD\xE4\xB8\xAD\xE4\xB8\xAD\x80",
    "\xE4\xB8\xE4\xB8\xAD",
    "\xC2\xC2\x80",
    "\xF0\x90\x80" "a",
};

static void tricky_texts_at_every_split(void)
{
    uint8_t text[200];
    for (size_t i = 0; i < sizeof tricky_texts / sizeof *tricky_texts; i++) {
        size_t n = strlen(tricky_texts[i]);
        memcpy(text, tricky_texts[i], n);
        check_splits(text, n);
        /* Again with letters, then with three-byte characters around it, so that vectors see it at every place. */
        for (size_t before = 1; before < 140 && !test_failed(); before += before < 70 ? 1 : 7) {
            size_t after = before % 67;
            memset(text, 'a', sizeof text);
            memcpy(text + before, tricky_texts[i], n);
            check_splits(text, before + n);
            check_text(text, before + n + after < sizeof text ? before + n + after : sizeof text, before % 32);
            for (size_t j = 0; j + 3 <= before; j += 3)
                memcpy(text + j, "\xE4\xB8\xAD", 3);
            check_text(text, before + n, before % 32);
            check_splits(text, before + n);
        }
    }
}

/* A character cut off at every place before letters, and at every place behind them: whole blocks of ASCII are skipped. */
static void cut_off_before_and_behind_ascii(void)
{
    static const char *const cut_off[] = {"\xC3", "\xE4", "\xE4\xB8", "\xF0", "\xF0\x9F", "\xF0\x9F\x98"};
    uint8_t text[1024];
    for (size_t i = 0; i < sizeof cut_off / sizeof *cut_off; i++) {
        size_t n = strlen(cut_off[i]);
        for (size_t at = n; at <= 700 && !test_failed(); at++) {
            memset(text, 'a', sizeof text);
            memcpy(text + at - n, cut_off[i], n);
            check_text(text, sizeof text, at % 64);
            check_text(text, at, at % 64);
        }
    }
}

static void a_bad_byte_is_found_at_once(void)
{
    static const struct {
        const char *text;
        size_t good;
    } rows[] = {
        {"\xE0\x80", 1}, {"\xE0\x9F", 1}, {"\xED\xA0", 1}, {"\xF0\x8F", 1}, {"\xF4\x90", 1}, {"\xC0", 0},     {"\xC1", 0},
        {"\xF5", 0},     {"\xFF", 0},     {"a\x80", 1},    {"\xC3" "a", 1}, {"\xE4\xB8" "a", 2}, {"\xF0\x9F\x98" "a", 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t len = strlen(rows[i].text);
            EACH_VERSION(k) {
            uint32_t state = 0;
            memcpy(area, rows[i].text, len);
            CHECK_INT(k->utf8(&state, area, len), rows[i].good);
        }
    }
}

static void nothing_changes_nothing(void)
{
    EACH_VERSION(k) {
        uint32_t state = 0, kept;
        CHECK_INT(k->utf8(&state, NULL, 0), 0);
        CHECK_INT(state, 0);
        CHECK_INT(k->unmask_utf8(&state, NULL, 0, 0x12345678), 0);
        CHECK_INT(state, 0);
        memcpy(area, "\xF0\x9F", 2);
        CHECK_INT(k->utf8(&state, area, 2), 2);
        kept = state;
        CHECK(kept != 0);
        CHECK_INT(k->utf8(&state, NULL, 0), 0);
        CHECK_INT(k->unmask_utf8(&state, NULL, 0, 0x12345678), 0);
        CHECK_INT(state, kept);
    }
}

int main(void)
{
    area = test_guard_back(NULL, AREA);
    RUN(nothing_changes_nothing);
    RUN(a_bad_byte_is_found_at_once);
    RUN(tricky_texts_at_every_split);
    RUN(cut_off_before_and_behind_ascii);
    RUN(every_length_and_alignment);
    RUN(random_pieces);
    RUN(large_texts);
    RUN(every_code_point);
    RUN(four_byte_sequences);
    RUN(every_sequence_of_up_to_three_bytes);
    return test_end();
}
