#!/bin/sh
# The layers point down, and the Runtime cannot know the user: layers.awk over the sources.
. tests/lib/tools.sh

# A small tree that breaks every rule must be caught, line by line.
mkdir -p "$tmp/src/base" "$tmp/src/ws" "$tmp/src/agent" "$tmp/src/attic" "$tmp/include/wick"
echo '#include "ws/conn.h"' > "$tmp/src/base/up.c"
echo '#include <stdio.h>' > "$tmp/src/base/stdio.c"
echo '#include "wick.h"' > "$tmp/src/base/umbrella.c"
echo '#include "wick/json.h"' > "$tmp/src/ws/sideways.c"
echo '#include "wick/http.h"' > "$tmp/src/agent/http.c"
echo '#include "bytes.h"' > "$tmp/src/ws/bare.c"
echo '#include "wick/base.h"' > "$tmp/src/attic/stray.c"
echo '#include "wick/event.h"' > "$tmp/src/agent/runtime.c"
echo '#include "wick/experience.h"' > "$tmp/include/wick/event.h"
echo '#include "wick/base.h"' > "$tmp/src/ws/fine.c"
awk -f tests/check/layers.awk "$tmp"/src/*/* "$tmp"/include/wick/* | sed 's/:.*//' | sed 's/.*\///' | sort > "$tmp/got"
printf '%s\n' bare.c http.c runtime.c sideways.c stdio.c stray.c umbrella.c up.c > "$tmp/want"
if cmp -s "$tmp/got" "$tmp/want"; then
    ok layers/self-test
else
    not_ok layers/self-test "caught $(tr '\n' ' ' < "$tmp/got"), want $(tr '\n' ' ' < "$tmp/want")"
fi

# Adapters are libraries of their own, which stand beside the floors.
find src include -name '*.[ch]' | grep -v -e '^src/adapters/' -e '^include/wick_' | sort > "$tmp/files"
# No file name has a space in it.
# shellcheck disable=SC2046
awk -f tests/check/layers.awk $(cat "$tmp/files") > "$tmp/found" 2>&1
check layers "$tmp/found"
