/*
 * wick_status: every status has a name, a sentence, and a value in its band.
 */
#include "lib/test.h"
#include "wick/base.h"

static const wick_status all[] = {
#define ONE(name, value, code, section, text) WICK_##name,
    WICK_STATUS_MAP(ONE)
#undef ONE
};

static void every_status_explains_itself(void)
{
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        CHECK(strncmp(wick_status_name(all[i]), "WICK_", 5) == 0);
        CHECK(strlen(wick_status_text(all[i])) > 1);
        CHECK((all[i] < 0) == (strncmp(wick_status_name(all[i]), "WICK_E_", 7) == 0));
        unsigned code = wick_status_close_code(all[i]);
        CHECK(code == 0 || (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006));
    }
}

static void values_are_distinct(void)
{
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (size_t k = 0; k < i; k++)
            CHECK(all[i] != all[k]);
}

static void an_unknown_status_is_said_to_be_unknown(void)
{
    wick_status bad = (wick_status)-9999;
    CHECK(strcmp(wick_status_name(bad), "WICK_UNKNOWN") == 0);
    CHECK(strcmp(wick_status_text(bad), "unknown status") == 0);
    CHECK(strcmp(wick_status_section(bad), "") == 0);
    CHECK_INT(wick_status_close_code(bad), 0);
}

int main(void)
{
    RUN(every_status_explains_itself);
    RUN(values_are_distinct);
    RUN(an_unknown_status_is_said_to_be_unknown);
    return test_end();
}
