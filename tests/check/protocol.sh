#!/bin/sh
# The tables of docs/protocol.md are those of the field table, and its examples are messages that the reader takes.
. tests/lib/tools.sh

tables() {
    awk -f docs/protocol.awk include/wick/event_table.h include/wick/event.h "$1"
}

sed 's/^| `text` .*/| `text` | number | | wrong |/' docs/protocol.md > "$tmp/wrong.md"
if tables "$tmp/wrong.md" 2> "$tmp/err" | diff -q "$tmp/wrong.md" - > "$tmp/same"; then
    not_ok protocol/self-test "a wrong table went unseen"
else
    ok protocol/self-test
fi

tables docs/protocol.md > "$tmp/new.md" 2> "$tmp/found"
if ! diff docs/protocol.md "$tmp/new.md" >> "$tmp/found"; then
    echo "write them anew: see the first lines of docs/protocol.awk" >> "$tmp/found"
fi
check protocol/tables "$tmp/found"

# Each ```json block is read by the library, message by message.
cat > "$tmp/read.c" <<'END'
#include <stdio.h>
#include <string.h>
#include <wick.h>

int main(void)
{
    static char line[65536];
    int wrong = 0;
    while (fgets(line, sizeof line, stdin)) {
        wick_event_config config = { sizeof config, WICK_EVENT_BARE_INVOCATION | WICK_EVENT_FROM_AGENT, 0, 0, NULL };
        wick_event event;
        wick_event_error error;
        char sentence[192];
        wick_text text;
        wick_status status = wick_event_read(&config, line, strlen(line), &event, &error);
        if (status == WICK_OK || event.type == WICK_TYPE_APPLICATION)
            continue;
        text = wick_event_error_text(&error, sentence, sizeof sentence);
        printf("%.*s: %s", (int)text.len, text.data, line);
        wrong++;
    }
    return wrong > 0;
}
END
awk '/^```json$/ { on = 1; next } /^```/ { on = 0 } on' docs/protocol.md > "$tmp/messages"
# shellcheck disable=SC2086
if $CC -std=gnu99 -Iinclude $CPPFLAGS $CFLAGS $LDFLAGS -o "$tmp/read" "$tmp/read.c" "$B/libwick.a" $LDLIBS 2> "$tmp/log"; then
    $RUNNER "$tmp/read" < "$tmp/messages" > "$tmp/found"
    [ "$(grep -c . < "$tmp/messages")" -ge 5 ] || echo "hardly an example" >> "$tmp/found"
    check protocol/examples "$tmp/found"
    if echo '{"type":"agent.token","payload":{"text":1}}' | $RUNNER "$tmp/read" > "$tmp/log"; then
        not_ok protocol/examples-self-test "a wrong message went unseen"
    else
        ok protocol/examples-self-test
    fi
else
    not_ok protocol/examples "the reader does not compile: $(head -n 3 "$tmp/log")"
fi
