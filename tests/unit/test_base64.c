/*
 * Base64: the vectors of RFC 4648, round trips of every length, and every way a text can be wrong.
 */
#include "lib/test.h"
#include "wick/base.h"

static void check_encode(const char *plain, const char *want)
{
    char out[64];
    size_t len = strlen(plain), size = WICK_BASE64_SIZE(len);
    memset(out, 0x5A, sizeof out);
    wick_base64_encode((const uint8_t *)plain, len, out);
    CHECK_INT(size, strlen(want));
    CHECK_MEM(out, want, size);
    CHECK_INT(out[size], 0x5A);
}

static void check_decode(const char *text, int url, wick_status status, const char *want, size_t want_len)
{
    size_t len = strlen(text), used = 99;
    uint8_t out[64];
    char *guarded = (char *)test_guard_back(text, len);
    memset(out, 0x5A, sizeof out);
    wick_status got = wick_base64_decode(guarded, len, url, out, sizeof out, &used);
    if (got != status)
        test_fail(__FILE__, __LINE__, "\"%s\" (url %d) is %s, want %s", text, url, wick_status_name(got),
                  wick_status_name(status));
    if (status == WICK_OK && (used != want_len || memcmp(out, want, want_len) != 0 || out[want_len] != 0x5A))
        test_fail(__FILE__, __LINE__, "\"%s\" (url %d): wrong bytes", text, url);
    CHECK(used < sizeof out);
    test_unguard((uint8_t *)guarded, len);
}

/* RFC 4648 section 10. */
static void published_vectors(void)
{
    static const char *const rows[][2] = {{"", ""},           {"f", "Zg=="},         {"fo", "Zm8="},
                                          {"foo", "Zm9v"},    {"foob", "Zm9vYg=="},  {"fooba", "Zm9vYmE="},
                                          {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_encode(rows[i][0], rows[i][1]);
        check_decode(rows[i][1], 0, WICK_OK, rows[i][0], strlen(rows[i][0]));
        check_decode(rows[i][1], 1, WICK_OK, rows[i][0], strlen(rows[i][0]));
    }
}

static void the_alphabets(void)
{
    check_decode("+/+/", 0, WICK_OK, "\xFB\xFF\xBF", 3);
    check_decode("-_-_", 1, WICK_OK, "\xFB\xFF\xBF", 3);
    check_decode("-_-_", 0, WICK_E_ARG, "", 0);
    check_decode("+/+/", 1, WICK_E_ARG, "", 0);
    check_encode("\xFB\xFF\xBF", "+/+/");
}

static void padding(void)
{
    check_decode("Zg", 0, WICK_E_ARG, "", 0);
    check_decode("Zm8", 0, WICK_E_ARG, "", 0);
    check_decode("Zg", 1, WICK_OK, "f", 1);
    check_decode("Zm8", 1, WICK_OK, "fo", 2);
    for (int url = 0; url < 2; url++) {
        static const char *const bad[] = {"Z",    "Zg=",   "Z===",     "====",     "=",        "==",       "===",
                                          "Zg==Zg==", "Zm8=Zm8=", "Zm9vY", "Zm9v=",   "Zm9v==", "Zm9v====", "Zg=a",
                                          "=Zg=", "Z=g=",  "Zm9vZg=", "Zm8=="};
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
            check_decode(bad[i], url, WICK_E_ARG, "", 0);
    }
}

/* RFC 4648 section 3.5: otherwise one value has several spellings. */
static void bits_behind_the_last_byte(void)
{
    for (int url = 0; url < 2; url++) {
        check_decode("Zh==", url, WICK_E_ARG, "", 0);
        check_decode("Zn==", url, WICK_E_ARG, "", 0);
        check_decode("Zm9=", url, WICK_E_ARG, "", 0);
        check_decode("Zm+=", url, WICK_E_ARG, "", 0);
    }
    check_decode("Zh", 1, WICK_E_ARG, "", 0);
    check_decode("Zm9", 1, WICK_E_ARG, "", 0);
}

static void every_byte_in_every_place(void)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    for (int url = 0; url < 2; url++) {
        for (int c = 0; c < 256; c++) {
            for (size_t at = 0; at < 8; at++) {
                char text[9] = "AAAAAAAA";
                uint8_t out[6];
                size_t used;
                text[at] = (char)c;
                int digit = (c && strchr(digits, c)) || strchr(url ? "-_" : "+/", c ? c : '*');
                int padding = c == '=' && at == 7;
                CHECK_STATUS(wick_base64_decode(text, 8, url, out, sizeof out, &used),
                             digit || padding ? WICK_OK : WICK_E_ARG);
            }
        }
    }
}

static void round_trips(void)
{
    for (size_t len = 0; len <= 100; len++) {
        uint8_t data[100], back[100];
        size_t used, size = WICK_BASE64_SIZE(len);
        for (size_t i = 0; i < len; i++)
            data[i] = (uint8_t)(test_random() >> 24);
        uint8_t *in = test_guard_back(data, len), *text = test_guard_back(NULL, size);
        wick_base64_encode(in, len, (char *)text);
        CHECK_STATUS(wick_base64_decode((char *)text, size, 0, back, len, &used), WICK_OK);
        CHECK_INT(used, len);
        CHECK_MEM(back, data, len);
        if (len != 0)
            CHECK_STATUS(wick_base64_decode((char *)text, size, 0, back, len - 1, &used), WICK_E_SPACE);
        /* In place, as far as the text is writable. */
        CHECK_STATUS(wick_base64_decode((char *)text, size, 0, text, len, &used), WICK_OK);
        CHECK_MEM(text, data, len);
        test_unguard(in, len);
        test_unguard(text, size);
    }
}

int main(void)
{
    RUN(published_vectors);
    RUN(the_alphabets);
    RUN(padding);
    RUN(bits_behind_the_last_byte);
    RUN(every_byte_in_every_place);
    RUN(round_trips);
    return test_end();
}
