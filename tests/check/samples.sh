#!/bin/sh
# The samples of the documentation compile: each ```c block of README.md and docs/ that has an #include, as a whole file;
# if it has a main it is linked too. Blocks without an #include are fragments and are not compiled.
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
    $CC -std=gnu99 -D_GNU_SOURCE -Wall -Wextra -Werror -Iinclude $CFLAGS $what -o "$tmp/sample" "$1" $libs $LDFLAGS
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
