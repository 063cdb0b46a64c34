/*
 * Numbers: integers at their edges, order against the C library where that is exact, doubles against strtod.
 */
#include "lib/test.h"
#include "wick/json.h"

#include <math.h>
#include <stdlib.h>

static wick_text number(const char *text)
{
    return (wick_text){text, (uint32_t)strlen(text), WICK_TEXT_JSON};
}

static void integers(void)
{
    static const struct {
        const char *text;
        wick_status s;
        int64_t i;
        wick_status t;
        uint64_t u;
    } rows[] = {
        {"0", WICK_OK, 0, WICK_OK, 0},
        {"-0", WICK_OK, 0, WICK_OK, 0},
        {"7", WICK_OK, 7, WICK_OK, 7},
        {"-7", WICK_OK, -7, WICK_E_JSON_RANGE, 0},
        {"9007199254740993", WICK_OK, 9007199254740993, WICK_OK, 9007199254740993u},
        {"9223372036854775807", WICK_OK, INT64_MAX, WICK_OK, INT64_MAX},
        {"9223372036854775808", WICK_E_JSON_RANGE, 0, WICK_OK, 9223372036854775808u},
        {"-9223372036854775808", WICK_OK, INT64_MIN, WICK_E_JSON_RANGE, 0},
        {"-9223372036854775809", WICK_E_JSON_RANGE, 0, WICK_E_JSON_RANGE, 0},
        {"18446744073709551615", WICK_E_JSON_RANGE, 0, WICK_OK, UINT64_MAX},
        {"18446744073709551616", WICK_E_JSON_RANGE, 0, WICK_E_JSON_RANGE, 0},
        {"99999999999999999999999999", WICK_E_JSON_RANGE, 0, WICK_E_JSON_RANGE, 0},
        {"184467440737095516150", WICK_E_JSON_RANGE, 0, WICK_E_JSON_RANGE, 0},
        {"1.0", WICK_E_JSON_TYPE, 0, WICK_E_JSON_TYPE, 0},
        {"1e3", WICK_E_JSON_TYPE, 0, WICK_E_JSON_TYPE, 0},
        {"99999999999999999999999999.5", WICK_E_JSON_TYPE, 0, WICK_E_JSON_TYPE, 0},
        {"01", WICK_E_JSON_TYPE, 0, WICK_E_JSON_TYPE, 0},
        {"-", WICK_E_JSON_TYPE, 0, WICK_E_JSON_TYPE, 0},
        {"", WICK_E_JSON_TYPE, 0, WICK_E_JSON_TYPE, 0},
        {"+1", WICK_E_JSON_TYPE, 0, WICK_E_JSON_TYPE, 0},
        {"true", WICK_E_JSON_TYPE, 0, WICK_E_JSON_TYPE, 0},
    };
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        wick_text text = number(rows[k].text);
        int64_t i = 1;
        uint64_t u = 1;
        wick_status s = wick_json_int64(&text, &i), t = wick_json_uint64(&text, &u);
        if (s != rows[k].s || (s == WICK_OK && i != rows[k].i))
            test_fail(__FILE__, __LINE__, "int64 %s: %s %lld", rows[k].text, wick_status_name(s), (long long)i);
        if (t != rows[k].t || (t == WICK_OK && u != rows[k].u))
            test_fail(__FILE__, __LINE__, "uint64 %s: %s %llu", rows[k].text, wick_status_name(t), (unsigned long long)u);
    }
}

static int order_of(const char *a, const char *b)
{
    wick_text x = number(a), y = number(b);
    int order = 9, back = 9;
    CHECK_STATUS(wick_json_compare(&x, &y, &order), WICK_OK);
    CHECK_STATUS(wick_json_compare(&y, &x, &back), WICK_OK);
    CHECK_INT(order, -back);
    return order;
}

static void order(void)
{
    /* Each group is equal in itself and less than the next. */
    static const char *const groups[][5] = {
        {"-1e99999999999", "-10e99999999998", NULL},
        {"-123456789012345678901234567890.5", NULL},
        {"-2", "-2.0", "-20e-1", "-0.2e1", NULL},
        {"-1e-99999999", NULL},
        {"0", "-0", "0.000", "0e5", "-0.0e-5"},
        {"1e-99999999", "0.1e-99999998", NULL},
        {"0.1", "1e-1", "0.10", "100e-3", NULL},
        {"0.10000000000000000000000001", NULL},
        {"1", "1.0", "1e0", "10e-1", "0.01e2"},
        {"1.0000000000000001", NULL},
        {"9", "9.0", NULL},
        {"10", "1e1", "1.0E+1", NULL},
        {"99.5", "9.95e1", "995e-1", NULL},
        {"100", "1e2", NULL},
        {"101", NULL},
        {"9007199254740992", NULL},
        {"9007199254740993", NULL},
        {"1e99999999999", NULL},
    };
    size_t n = sizeof groups / sizeof *groups;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            for (int a = 0; a < 5 && groups[i][a]; a++)
                for (int b = 0; b < 5 && groups[j][b]; b++) {
                    int want = i < j ? -1 : i > j;
                    if (order_of(groups[i][a], groups[j][b]) != want)
                        test_fail(__FILE__, __LINE__, "%s and %s", groups[i][a], groups[j][b]);
                }
    wick_text x = number("1"), y = number("x");
    int unused;
    CHECK_STATUS(wick_json_compare(&x, &y, &unused), WICK_E_JSON_TYPE);
}

static void random_order(void)
{
    for (int i = 0; i < 20000; i++) {
        char a[40], b[40];
        double x = (double)(int)(test_below(2001) - 1000) / 8, y = (double)(int)(test_below(2001) - 1000) / 8;
        snprintf(a, sizeof a, test_below(2) ? "%.17g" : "%.20e", x);
        snprintf(b, sizeof b, test_below(2) ? "%.5f" : "%.20e", y);
        CHECK_INT(order_of(a, b), (x > y) - (x < y));
    }
}

static void check_double(const char *text)
{
    wick_text t = number(text);
    double got = -1, want = strtod(text, NULL);
    wick_status status = wick_json_double(&t, &got);
    if (memcmp(&got, &want, sizeof got) != 0)
        test_fail(__FILE__, __LINE__, "%s is %.17g, want %.17g", text, got, want);
    CHECK_STATUS(status, isinf(want) ? WICK_E_JSON_RANGE : WICK_OK);
}

static void doubles(void)
{
    static const char *const rows[] = {
        "0", "-0", "0.0", "1", "-1", "0.1", "0.2", "0.3", "123.456", "1e22", "1e23", "9007199254740993", "9007199254740992",
        "9007199254740991", "4503599627370497.5", "1.7976931348623157e308", "1.7976931348623158e308",
        "1.7976931348623159e308", "1e309", "-1e400", "1e99999999999999999999", "2.2250738585072014e-308",
        "2.2250738585072011e-308", "2.2250738585072012e-308", "4.9406564584124654e-324", "5e-324", "3e-324", "2.5e-324",
        "2.4703282292062327e-324", "2.4703282292062328e-324", "1e-400", "-1e-99999999999999999999", "0e999999",
        "179769313486231580793728971405301", "6.631236871469758276785396630275967e-100", "1e-5", "123456789012345678",
        "0.000000000000000000000000000000000000001", "7.2057594037927933e16", "7.2057594037927935e16",
        "36028797018963967", "36028797018963969", "1448997445238699", "500000000000000004", "1.1", "2.5", "65e-1",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_double(rows[i]);
}

static void random_doubles(void)
{
    char text[1200];
    for (int i = 0; i < 20000 && !test_failed(); i++) {
        uint64_t bits = test_random();
        double value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        snprintf(text, sizeof text, "%.*e", (int)test_below(25), value);
        check_double(text);
        snprintf(text, sizeof text, "%.*f", (int)test_below(12), (double)(int64_t)(bits >> 20) / 1024);
        check_double(text);
    }
    /* Exactly between two doubles, and just above: the whole decimal expansion decides. */
    for (int i = 0; i < 300 && !test_failed(); i++) {
        uint64_t bits = test_random() >> 12 | (uint64_t)(1 + test_below(80)) << 52;
        double low, high;
        memcpy(&low, &bits, sizeof low);
        bits++;
        memcpy(&high, &bits, sizeof high);
        long double middle = ((long double)low + high) / 2;
        snprintf(text, sizeof text, "%.1100Lf", middle);
        check_double(text);
        strcat(text, "1");
        check_double(text);
    }
    wick_text t = number("1.x");
    double got;
    CHECK_STATUS(wick_json_double(&t, &got), WICK_E_JSON_TYPE);
}

int main(void)
{
    RUN(integers);
    RUN(order);
    RUN(random_order);
    RUN(doubles);
    RUN(random_doubles);
    return test_end();
}
