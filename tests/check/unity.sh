#!/bin/sh
# All of src/ compiles as one translation unit: file-local names and macros are unique, so wick can be built from one file.
. tests/lib/tools.sh

unity() {
    for file in "$@"; do
        echo "#include \"$file\""
    done
}

# shellcheck disable=SC2086
compile() {
    $CC -std=c99 -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wundef -Werror $CPPFLAGS -Iinclude -Isrc -I. \
        -fsyntax-only "$1"
}

mkdir -p "$tmp/src/x"
echo 'static int twice(int v) { return v; } int wick_a(int v); int wick_a(int v) { return twice(v); }' > "$tmp/a.c"
echo 'static int twice(int v) { return v; } int wick_b(int v); int wick_b(int v) { return twice(v); }' > "$tmp/b.c"
unity "$tmp/a.c" "$tmp/b.c" > "$tmp/bad.c"
unity "$tmp/a.c" > "$tmp/good.c"
if compile "$tmp/good.c" > "$tmp/log" 2>&1 && ! compile "$tmp/bad.c" > "$tmp/log" 2>&1; then
    ok unity/self-test
else
    not_ok unity/self-test "two static functions of one name went unseen"
fi

unity src/*/*.c > "$tmp/unity.c"
compile "$tmp/unity.c" > "$tmp/found" 2>&1
check unity "$tmp/found"
