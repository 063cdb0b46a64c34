#!/bin/sh
# The samples of the documentation compile: each ```c block of README.md and docs/ that has an #include, as a whole file;
# if it has a main it is linked too. Blocks without an #include are fragments and are not compiled. So do the samples in
# the opening comments of the public headers.
. tests/lib/tools.sh

# split FILE: write its blocks to $tmp/block.N.c, the first line naming where it stands, and print their names.
split() {
    awk -v to="$tmp/block" '
        /^```c$/ { on = 1; text = "#line " FNR + 1 " \"" FILENAME "\"\n"; whole = 0; next }
        /^```/ && on {
            on = 0
            if (whole) {
                n++
                file = to "." n ".c"
                printf "%s", text > file
                close(file)
                print file
            }
        }
        on { text = text $0 "\n"; if (/^#include/) whole = 1 }' "$@"
}

# shellcheck disable=SC2086
compile() {
    what=-c
    libs=
    if grep -q '^int main(' "$1"; then
        what=
        libs="$B/libwick.a"
    fi
    $CC -std=gnu99 -D_GNU_SOURCE -Wall -Wextra -Werror -Wno-unused-parameter -Wno-missing-field-initializers -Iinclude $CFLAGS $what -o "$tmp/sample" "$1" $libs $LDFLAGS
}

printf '# Bad\n```c\n#include "wick.h"\nint main(void) { return wick_nowhere(); }\n```\n```c\nfragment\n```\n' > "$tmp/bad.md"
split "$tmp/bad.md" > "$tmp/blocks"
if [ "$(grep -c . < "$tmp/blocks")" -eq 1 ] && ! compile "$(cat "$tmp/blocks")" > "$tmp/log" 2>&1; then
    ok samples/self-test
else
    not_ok samples/self-test "a sample that does not compile went unseen"
fi

rm -f "$tmp"/block.*
for file in README.md $(find docs -name '*.md' 2> /dev/null); do
    [ -f "$file" ] || continue
    split "$file" > "$tmp/blocks"
    while read -r block; do
        compile "$block" 2>&1
    done < "$tmp/blocks"
    cat "$tmp/blocks" >> "$tmp/count"
done > "$tmp/found"
check "samples/documents" "$tmp/found"

# Those of the headers: samples.awk makes a file of each, with what the host is to have from samples/NAME.h.
header_samples() {
    name=$(basename "$1" .h)
    prelude=
    if [ -f "tests/check/samples/$name.h" ]; then
        prelude=check/samples/$name.h
    fi
    awk -v prelude="$prelude" -f tests/check/samples.awk "$1"
}

# shellcheck disable=SC2086
compile_header_sample() {
    $CC -std=gnu99 -Wall -Wextra -Werror -Wno-unused -Wno-switch -Wno-empty-body -Iinclude -Itests $CPPFLAGS -c -o "$tmp/sample.o" "$1"
}

mkdir -p "$tmp/include"
printf '/*\n * bad.h - bad\n *\n *     int v = 3;\n *     wick_nowhere(v);\n *\n * Text.\n */\n' > "$tmp/include/bad.h"
awk -f tests/check/samples.awk "$tmp/include/bad.h" | sed '1s/.*/#include "wick.h"/' > "$tmp/bad.c"
if grep -q 'int sample_1' "$tmp/bad.c" && ! compile_header_sample "$tmp/bad.c" > "$tmp/log" 2>&1; then
    ok samples/headers-self-test
else
    not_ok samples/headers-self-test "a sample that does not compile went unseen"
fi

for header in include/wick/*.h; do
    header_samples "$header" > "$tmp/header.c"
    if [ -s "$tmp/header.c" ]; then
        compile_header_sample "$tmp/header.c" 2>&1
    fi
done > "$tmp/found"
check samples/headers "$tmp/found"
