/*
 * simdjson, on demand: see json_peers.h. Its parser lives on from message to message and its input is padded
 * beforehand, so that neither costs it anything here.
 */
#include "json_peers.h"

#include <cstdlib>

#if defined(HAVE_SIMDJSON)
/* On demand is compiled for one CPU: without this it would be simdjson's version for any, and slow. */
#if defined(__x86_64__) && defined(__GNUC__)
#define SIMDJSON_BUILTIN_IMPLEMENTATION haswell
#pragma GCC target("avx2,bmi,pclmul,lzcnt,popcnt")
#endif
#include <simdjson.h>

namespace {
using namespace simdjson;

void must(bool truth)
{
    if (!truth)
        abort();
}

size_t payload_fields(ondemand::object payload)
{
    size_t sum = 0;
    for (auto field : payload) {
        std::string_view key = field.unescaped_key();
        ondemand::value value = field.value();
        if (key == "message_id" || key == "text" || key == "call_id" || key == "phase" || key == "name" || key == "title")
            sum += std::string_view(value.get_string()).size();
        else if (key == "args" || key == "context")
            sum += std::string_view(ondemand::object(value.get_object()).raw_json()).size();
    }
    return sum;
}

size_t read_simdjson(void *arg)
{
    static ondemand::parser parser;
    const json_message *m = static_cast<json_message *>(arg);
    for (int i = 0; i < JSON_ROUND; i++) {
        size_t sum = 0;
        ondemand::document doc = parser.iterate(m->data, m->len, m->len + JSON_PADDING);
        for (auto field : doc.get_object()) {
            std::string_view key = field.unescaped_key();
            ondemand::value value = field.value();
            if (key == "seq" || key == "ts")
                sum += static_cast<size_t>(int64_t(value.get_int64()));
            else if (key == "payload")
                sum += payload_fields(value.get_object());
            else
                sum += std::string_view(value.get_string()).size();
        }
        must(sum == m->want);
    }
    return JSON_ROUND;
}
} // namespace
#if defined(__x86_64__) && defined(__GNUC__)
size_t (*const simdjson_read)(void *) = __builtin_cpu_supports("avx2") ? read_simdjson : nullptr;
#else
size_t (*const simdjson_read)(void *) = read_simdjson;
#endif
#else
size_t (*const simdjson_read)(void *) = nullptr;
#endif
