#!/bin/sh
# The TypeScript types of the messages are those of the field table.
. tests/lib/tools.sh

# shellcheck disable=SC2086
if ! $CC -std=c99 -Iinclude $CPPFLAGS $CFLAGS $LDFLAGS -o "$tmp/types" examples/tools/types.c $LDLIBS 2> "$tmp/log"; then
    not_ok types/messages "examples/tools/types.c does not compile: $(head -n 3 "$tmp/log")"
    exit 0
fi
$RUNNER "$tmp/types" > "$tmp/made.d.ts"
if ! diff examples/web/wick-messages.d.ts "$tmp/made.d.ts" > "$tmp/found"; then
    echo "make it anew: see the first lines of examples/tools/types.c" >> "$tmp/found"
fi
check types/messages "$tmp/found"

sed "s/text: string/text: number/" examples/web/wick-messages.d.ts > "$tmp/wrong.d.ts"
if diff -q "$tmp/wrong.d.ts" "$tmp/made.d.ts" > "$tmp/log"; then
    not_ok types/self-test "a wrong type went unseen"
else
    ok types/self-test
fi
