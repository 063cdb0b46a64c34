#!/bin/sh
# How large things are. As a test: sizeof(wick_conn) is at most 128 bytes. With --print, for `make
# size`: code and data of each part, and the size of each object that a host keeps.
. tests/lib/tools.sh

# shellcheck disable=SC2086
compile() {
    $CC -std=c99 -Iinclude $CPPFLAGS -c -o "$tmp/size.o" "$1"
}

# fits TYPE LIMIT: a compile-time assertion, so that it works for a machine that this one cannot run.
fits() {
    cat > "$tmp/fits.c" <<ASSERT
#include "wick.h"
typedef char fits[sizeof($1) <= $2 ? 1 : -1];
ASSERT
    compile "$tmp/fits.c" > "$tmp/log" 2>&1
}

# The objects are the types that some wick_NAME_init() sets up; those whose size depends on a config tell it themselves.
objects() {
    sed -n 's/^WICK_API .*wick_[a-z_0-9]*init[a-z_]*(\(wick_[a-z_0-9]*\) \*.*/\1/p' include/wick/*.h | sort -u |
        while read -r type; do
            grep -qE "^(typedef )?struct $type \{" include/wick/*.h && echo "$type"
        done
}

print_sizes() {
    need_tool size size
    echo "code and data, bytes, with $CC $CFLAGS"
    # The sources name the objects: a deleted one may have left its object behind.
    size $(ls src/*/*.c | sed "s|.*|$B/&|; s|c\$|o|") | awk -v b="$B/src/" '
        NR > 1 { sub(b, "", $6); sub(/\/.*/, "", $6); text[$6] += $1; data[$6] += $2 + $3 }
        END {
            n = split("base http json ws agent", floor, " ")
            for (i = 1; i <= n; i++)
                if (floor[i] in text) {
                    printf "  %-24s %7d text %5d data\n", floor[i], text[floor[i]], data[floor[i]]
                    all += text[floor[i]]
                    sum += data[floor[i]]
                }
            printf "  %-24s %7d text %5d data\n", "all", all, sum
        }'
    {
        printf '#include <stdio.h>\n#include "wick.h"\nint main(void)\n{\n'
        objects | sed 's/.*/    printf("  %-24s %7lu bytes\\n", "&", (unsigned long)sizeof(&));/'
        printf '    return 0;\n}\n'
    } > "$tmp/sizes.c"
    echo "objects"
    # shellcheck disable=SC2086
    $CC -std=c99 -Iinclude $CPPFLAGS -o "$tmp/sizes" "$tmp/sizes.c" && "$tmp/sizes"
}

if [ "$1" = --print ]; then
    print_sizes
    exit
fi

if fits 'char[16]' 16 && ! fits 'char[16]' 15; then
    ok size/self-test
else
    not_ok size/self-test "$(head -n 3 "$tmp/log")"
fi
if fits wick_conn 128; then
    ok size/wick_conn-at-most-128
else
    not_ok size/wick_conn-at-most-128 "sizeof(wick_conn) is above 128, or: $(head -n 2 "$tmp/log")"
fi
