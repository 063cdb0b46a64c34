#!/bin/sh
# Built with WICK_NO_DIAGNOSE, the library has no sentence and no hint of the diagnosis in it, and does all the rest: the
# same causes and proxies for every head. With --print, the bytes that this saves.
. tests/lib/tools.sh

parts='src/http/diagnose*.c src/ws/handshake*.c'
mkdir -p "$tmp/with" "$tmp/without"

# compile FOLDER FLAG...: the parts that know of it.
compile() {
    folder=$1
    shift
    for file in $parts; do
        # shellcheck disable=SC2086
        $CC -std=c99 $CFLAGS $CPPFLAGS "$@" -fPIC -fvisibility=hidden -Iinclude -Isrc -c \
            -o "$folder/$(basename "$file" .c).o" "$file" || return 1
    done
}

compile "$tmp/with" > "$tmp/log" 2>&1 && compile "$tmp/without" -DWICK_NO_DIAGNOSE > "$tmp/log" 2>&1 || {
    not_ok diagnose/compiles "$(head -n 3 "$tmp/log")"
    exit
}

if [ "$1" = --print ]; then
    need_tool diagnose size
    for folder in with without; do
        size "$tmp/$folder"/*.o | awk -v name="$folder" 'NR > 1 { text += $1; data += $2 }
            END { printf "%-8s %7d text %6d data\n", name, text, data }'
    done
    exit
fi

# texts FOLDER: what stands in configuration files, and sentences.
texts() {
    cat "$1"/*.o | tr -c '[:print:]' '\n' | grep -E 'In (nginx|Apache|HAProxy)|proxy_set_header|The handshake (came|has)' | sort -u
}

if [ "$(texts "$tmp/with" | wc -l)" -gt 5 ]; then
    ok diagnose/texts-are-found-where-they-are
else
    not_ok diagnose/texts-are-found-where-they-are "this check finds none in the usual build"
fi
texts "$tmp/without" > "$tmp/found"
check diagnose/left-out "$tmp/found"

# shellcheck disable=SC2086
for test in test_diagnose test_handshake_server; do
    if $CC -std=gnu99 -D_GNU_SOURCE -O1 $CPPFLAGS -DWICK_NO_DIAGNOSE -DWICK_NO_SIMD -Iinclude -Isrc -Itests -I. \
        -o "$tmp/$test" tests/unit/$test.c tests/lib/test.c tests/lib/vectors.c tests/oracle/diagnose.c src/base/*.c \
        src/http/*.c src/ws/handshake*.c > "$tmp/log" 2>&1; then
        "$tmp/$test" > "$tmp/log" 2>&1 && : > "$tmp/found" || cp "$tmp/log" "$tmp/found"
        check diagnose/$test-without-texts "$tmp/found"
    else
        not_ok diagnose/$test-without-texts "$(head -n 3 "$tmp/log")"
    fi
done
