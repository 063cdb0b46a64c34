/*
 * The stream log against a model of it that is slow and obvious: random scripts of appends, reads, resumes, trims.
 */
#include <stdlib.h>

#include "lib/test.h"
#include "oracle/stream.h"

static uint8_t script[20000];

static void random_scripts(size_t rounds, size_t len, int shape)
{
    for (size_t round = 0; round < rounds && !test_failed(); round++) {
        for (size_t i = 0; i < len; i++)
            script[i] = (uint8_t)test_random();
        if (shape >= 0)
            script[0] = (uint8_t)shape;
        const char *wrong = oracle_stream_run(script, len);
        if (wrong)
            test_fail(__FILE__, __LINE__, "round %zu: %s", round, wrong);
    }
}

static void short_scripts_agree_with_the_model(void)
{
    random_scripts(test_rounds(4000), 120, -1);
}

static void long_scripts_agree_with_the_model(void)
{
    random_scripts(test_rounds(60), sizeof script, -1);
}

static void a_large_pool_is_predicted_exactly(void)
{
    random_scripts(test_rounds(20), sizeof script, 0);
    random_scripts(test_rounds(20), sizeof script, 8);
    random_scripts(test_rounds(20), sizeof script, 128);
}

static void tiny_pools_lose_nothing_in_silence(void)
{
    random_scripts(test_rounds(40), sizeof script, 3);
    random_scripts(test_rounds(40), sizeof script, 5);
}

static void the_scripts_were_not_idle(void)
{
    const oracle_stream_count *c = &oracle_stream_counted;
    size_t many = test_rounds(1000) / 3, some = test_rounds(100) / 3;
    CHECK(c->appended > many && c->messages > many && c->merged > some && c->waits > some);
    CHECK(c->full > 0 && c->lost > some && c->resets > some && c->resumed > some);
    CHECK(c->snapshots > some && c->truncated > 0 && c->evicted > many);
}

int main(void)
{
    RUN(short_scripts_agree_with_the_model);
    RUN(long_scripts_agree_with_the_model);
    RUN(a_large_pool_is_predicted_exactly);
    RUN(tiny_pools_lose_nothing_in_silence);
    RUN(the_scripts_were_not_idle);
    return test_end();
}
