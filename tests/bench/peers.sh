#!/bin/sh
# Print the compiler flags for every peer library that this machine has, for the benchmarks: -DHAVE_X and -lX.
# What is not there is not named, and the benchmark prints a row that says so.
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

# probe COMPILER SUFFIX MACRO HEADER [LIB]
probe() {
    printf '#include <stddef.h>\n#include <%s>\nint main(void) { return 0; }\n' "$4" > "$dir/probe.$2"
    # The compiler may be more than one word.
    # shellcheck disable=SC2086
    if $1 -o "$dir/probe" "$dir/probe.$2" ${5:+-l$5} 2> "$dir/log"; then
        echo "-DHAVE_$3=1" ${5:+-l$5}
    fi
}

probe "${CC:-cc}" c WSLAY wslay/wslay.h wslay
probe "${CC:-cc}" c CJSON cjson/cJSON.h cjson
probe "${CC:-cc}" c HTTP_PARSER http_parser.h http_parser
probe "${CC:-cc}" c WEBSOCKETS libwebsockets.h websockets
probe "${CXX:-c++} -std=c++17" cc CXX cstddef
probe "${CXX:-c++} -std=c++17" cc SIMDJSON simdjson.h simdjson
probe "${CXX:-c++} -std=c++17" cc RAPIDJSON rapidjson/document.h
exit 0
