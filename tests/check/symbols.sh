#!/bin/sh
# What the libraries export and what they need: the shared one exports wick_* alone, and all that the headers declare;
# the static one defines wick_* alone and needs nothing but memcpy, memmove, memset, memcmp and the compiler's helpers.
. tests/lib/tools.sh
need_tool symbols nm

# Helpers that compilers call by themselves: 64-bit arithmetic on 32-bit machines, CPU detection, position-independent
# code, stack protection.
helpers='^(__(u?divdi3|u?moddi3|u?divmoddi4|[al]sh[lr]di3|ashldi3|ashrdi3|lshrdi3|muldi3|cpu_model|cpu_indicator_init)
|__(stack_chk_fail|stack_chk_fail_local|x86\.get_pc_thunk\.[a-z]+|stack_chk_guard|popcountdi2|c[lt]zdi2|bswap[ds]i2)
|_GLOBAL_OFFSET_TABLE_)$'
helpers=$(echo "$helpers" | tr -d '\n')

# nm prints `VALUE TYPE NAME` for what is defined, `TYPE NAME` for what is not, and a line for each member.
defined() {
    nm -g "$1" 2> /dev/null | awk 'NF == 3 { print $3 }' | grep -vE "$helpers" | sort -u
}

undefined() {
    defined "$1" > "$tmp/defined"
    nm -g "$1" 2> /dev/null | awk 'NF == 2 && $1 ~ /^[Uuwv]$/ { print $2 }' | sort -u |
        grep -vE '^(memcpy|memmove|memset|memcmp)$' | grep -vE "$helpers" | grep -vxF -f "$tmp/defined"
}

# A library that does both wrong must be caught.
cat > "$tmp/bad.c" <<'BAD'
#include <stdlib.h>
int wick_fine(void);
int stray(void);
int wick_fine(void) { return 1; }
int stray(void) { return malloc(3) != NULL; }
BAD
$CC -c -o "$tmp/bad.o" "$tmp/bad.c" && ar rcs "$tmp/bad.a" "$tmp/bad.o"
if [ "$(defined "$tmp/bad.a" | grep -v '^wick_')" = stray ] && [ "$(undefined "$tmp/bad.a")" = malloc ]; then
    ok symbols/self-test
else
    not_ok symbols/self-test "a stray symbol or a call of malloc went unseen"
fi

defined "$B/libwick.a" | grep -v '^wick_' > "$tmp/found"
check symbols/static-defines-wick-only "$tmp/found"

undefined "$B/libwick.a" > "$tmp/found"
check symbols/static-needs-nothing "$tmp/found"

so=$(ls "$B"/libwick.so.*)
nm -D --defined-only "$so" | awk 'NF == 3 { print $3 }' | sort -u > "$tmp/exported"
grep -vE '^(wick_|_init$|_fini$|_edata$|_end$|__bss_start$)' "$tmp/exported" > "$tmp/found"
check symbols/shared-exports-wick-only "$tmp/found"

# The exports are what the headers declare, no more and no less.
awk '/^WICK_API / { on = 1; text = "" }
     on { text = text " " $0 }
     on && /;/ { on = 0; sub(/\(.*/, "", text); sub(/\[.*/, "", text); sub(/;.*/, "", text); sub(/.*[ *]/, "", text)
                 print text }' include/wick/*.h | sort -u > "$tmp/declared"
if [ -s "$tmp/declared" ]; then
    grep -vxF -f "$tmp/exported" "$tmp/declared" | sed 's/$/: declared, not exported/' > "$tmp/found"
    grep '^wick_' "$tmp/exported" | grep -vxF -f "$tmp/declared" | sed 's/$/: exported, not declared/' >> "$tmp/found"
    check symbols/shared-exports-what-headers-declare "$tmp/found"
else
    not_ok symbols/shared-exports-what-headers-declare "no declaration found in include/wick"
fi

if have readelf; then
    readelf -d "$so" | sed -n 's/.*SONAME.*\[\(.*\)\].*/\1/p' > "$tmp/soname"
    if [ "$(cat "$tmp/soname")" = "$(basename "$so")" ]; then
        ok symbols/soname
    else
        not_ok symbols/soname "$(cat "$tmp/soname"), want $(basename "$so")"
    fi
else
    skip symbols/soname "readelf is not installed"
fi
