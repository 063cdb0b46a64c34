/*
 * rapidjson, in situ SAX, and its writer: see json_peers.h.
 */
#include "json_peers.h"

#include <cstdlib>
#include <cstring>

#if defined(HAVE_RAPIDJSON)
#if defined(__SSE2__)
#define RAPIDJSON_SSE2
#endif
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace {
void must(bool truth)
{
    if (!truth)
        abort();
}

/* Adds up the strings and numbers on the first two levels, and the bytes of an object below them. */
struct fields_handler : rapidjson::BaseReaderHandler<rapidjson::UTF8<>, fields_handler> {
    size_t sum = 0, depth = 0, from = 0;
    rapidjson::InsituStringStream *stream = nullptr;
    bool Default() { return true; }
    bool Int(int v) { return Uint64(static_cast<uint64_t>(v)); }
    bool Uint(unsigned v) { return Uint64(v); }
    bool Int64(int64_t v) { return Uint64(static_cast<uint64_t>(v)); }
    bool Uint64(uint64_t v)
    {
        sum += depth <= 2 ? v : 0;
        return true;
    }
    bool String(const char *, rapidjson::SizeType len, bool)
    {
        sum += depth <= 2 ? len : 0;
        return true;
    }
    bool Key(const char *, rapidjson::SizeType, bool) { return true; }
    bool StartObject()
    {
        if (++depth == 3)
            from = stream->Tell() - 1;
        return true;
    }
    bool EndObject(rapidjson::SizeType)
    {
        if (depth-- == 3)
            sum += stream->Tell() - from;
        return true;
    }
};

size_t read_rapidjson(void *arg)
{
    const json_message *m = static_cast<json_message *>(arg);
    rapidjson::Reader reader;
    for (int i = 0; i < JSON_ROUND; i++) {
        memcpy(m->copy, m->data, m->len + 1);
        rapidjson::InsituStringStream stream(m->copy);
        fields_handler handler;
        handler.stream = &stream;
        must(!reader.Parse<rapidjson::kParseInsituFlag | rapidjson::kParseValidateEncodingFlag>(stream, handler).IsError());
        must(handler.sum == m->want);
    }
    return JSON_ROUND;
}

size_t write_rapidjson(void *arg)
{
    const json_message *m = static_cast<json_message *>(arg);
    rapidjson::StringBuffer out;
    for (unsigned i = 0; i < JSON_ROUND; i++) {
        out.Clear();
        rapidjson::Writer<rapidjson::StringBuffer> writer(out);
        writer.StartObject();
        writer.Key("seq", 3);
        writer.Uint64(42 + i);
        writer.Key("type", 4);
        writer.String("agent.token", 11);
        writer.Key("invocation_id", 13);
        writer.String("3b1c", 4);
        writer.Key("payload", 7);
        writer.StartObject();
        writer.Key("message_id", 10);
        writer.String("m1", 2);
        writer.Key("text", 4);
        writer.String(m->data, static_cast<rapidjson::SizeType>(m->len));
        writer.EndObject();
        writer.EndObject();
        must(out.GetSize() >= m->want);
    }
    return JSON_ROUND;
}
} // namespace
size_t (*const rapidjson_read)(void *) = read_rapidjson;
size_t (*const rapidjson_write)(void *) = write_rapidjson;
#else
size_t (*const rapidjson_read)(void *) = nullptr;
size_t (*const rapidjson_write)(void *) = nullptr;
#endif
