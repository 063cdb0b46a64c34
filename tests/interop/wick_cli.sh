#!/bin/sh
# The wick command: `wick echo` against servers that others wrote, `wick connect` between pipes, and what they say when there
# is no connection.
. tests/lib/tools.sh
wick=$B/bin/wick
failed=0

# same NAME FILE FILE
same() {
    if cmp -s "$2" "$3"; then
        ok "$1"
    else
        not_ok "$1" "$(diff "$2" "$3" 2>&1 | head -n 5 | tr '\n' '|')"
        failed=1
    fi
}

# exits NAME WANTED GOT
exits() {
    if [ "$2" -eq "$3" ]; then
        ok "$1"
    else
        not_ok "$1" "exit status $3, want $2"
        failed=1
    fi
}

# says NAME FILE PATTERN
says() {
    if grep -qE -e "$3" "$2"; then
        ok "$1"
    else
        not_ok "$1" "'$3' is not in: $(head -c 300 "$2" | tr '\n' '|')"
        failed=1
    fi
}

start_server "$B/bin/echo_server" --port 0 || exit 1

printf 'one\n\nthree \303\251\nno newline' > "$tmp/in"
printf 'one\n\nthree \303\251\nno newline\n' > "$tmp/want"
"$wick" connect "$SERVER_URL" < "$tmp/in" > "$tmp/out" 2> "$tmp/err"
exits wick_cli/connect-file-exit 0 $?
same wick_cli/connect-file "$tmp/want" "$tmp/out"
# shellcheck disable=SC2002
cat "$tmp/in" | "$wick" connect "$SERVER_URL" 2> /dev/null | cat > "$tmp/out"
same wick_cli/connect-pipe "$tmp/want" "$tmp/out"
: > "$tmp/empty"
"$wick" connect "$SERVER_URL" < "$tmp/empty" > "$tmp/out" 2>&1
exits wick_cli/connect-empty-exit 0 $?
same wick_cli/connect-empty "$tmp/empty" "$tmp/out"

# Far more than any buffer on the way holds, and a line longer than a read.
awk 'BEGIN { for (i = 0; i < 200000; i++) print "line " i; s = "x"; while (length(s) < 300000) s = s s; print s }' > "$tmp/in"
"$wick" connect "$SERVER_URL" < "$tmp/in" > "$tmp/out" 2> "$tmp/err"
same wick_cli/connect-much "$tmp/in" "$tmp/out"
{ sleep 1; cat; } < "$tmp/in" | "$wick" connect "$SERVER_URL" 2> /dev/null | { sleep 2; cat; } > "$tmp/out"
same wick_cli/connect-slow-reader "$tmp/in" "$tmp/out"

# Each message is written out as it comes: the answer is there while stdin is still open.
mkfifo "$tmp/fifo"
rm -f "$tmp/out"
"$wick" connect "$SERVER_URL" < "$tmp/fifo" > "$tmp/out" 2> /dev/null &
pid=$!
exec 3> "$tmp/fifo"
echo hello >&3
tries=0
while [ ! -s "$tmp/out" ] && [ $tries -lt 50 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
says wick_cli/connect-at-once "$tmp/out" '^hello$'
kill -INT $pid
(sleep 10 && kill -KILL $pid) 2> /dev/null &
guard=$!
wait $pid
exits wick_cli/connect-interrupted 0 $?
kill $guard
exec 3>&-

printf 'bad \377\ngood\n' | "$wick" connect "$SERVER_URL" > "$tmp/out" 2> "$tmp/err"
says wick_cli/connect-bad-utf8-told "$tmp/err" '^line 1 is not UTF-8'
echo good > "$tmp/want"
same wick_cli/connect-bad-utf8-goes-on "$tmp/want" "$tmp/out"

"$wick" connect "$SERVER_URL" --header 'Sec-WebSocket-Version: 8' < "$tmp/empty" > "$tmp/out" 2> "$tmp/err"
exits wick_cli/connect-own-field-exit 1 $?
stop_server
exits wick_cli/server-exit 0 "$SERVER_EXIT"

"$wick" connect ws://127.0.0.1:1/ < "$tmp/empty" > "$tmp/out" 2> "$tmp/err"
exits wick_cli/nobody-exit 1 $?
says wick_cli/nobody "$tmp/err" '^connection failed \(connect\): Connection refused'
"$wick" connect ws://nowhere.invalid/ < "$tmp/empty" > "$tmp/out" 2> "$tmp/err"
exits wick_cli/no-such-host-exit 1 $?
says wick_cli/no-such-host "$tmp/err" '^connection failed \(resolve\): '
for wrong in "connect" "connect a b" "connect http//x" "echo" "nothing" "" "connect --bogus ws://a/"; do
    # shellcheck disable=SC2086
    "$wick" $wrong < "$tmp/empty" > "$tmp/out" 2> "$tmp/err"
    exits "wick_cli/wrong-exit '$wrong'" 2 $?
    says "wick_cli/wrong-usage '$wrong'" "$tmp/err" '^usage: wick '
done
# What to build, if this one has no TLS.
"$wick" connect wss://127.0.0.1:1/ 2> "$tmp/err" < "$tmp/empty"
says wick_cli/wss "$tmp/err" 'WITH_OPENSSL=1|^connection failed \(connect\): Connection refused'
for right in "--help" "connect --help" "echo --help"; do
    # shellcheck disable=SC2086
    "$wick" $right > "$tmp/out" 2> "$tmp/err"
    exits "wick_cli/help-exit '$right'" 0 $?
    says "wick_cli/help '$right'" "$tmp/out" '^usage: wick '
done
"$wick" --version > "$tmp/out"
says wick_cli/version "$tmp/out" '^wick [0-9]+\.[0-9]+\.[0-9]+$'

if find_python websockets; then
    "$PYTHON" tests/interop/wick_cli.py "$wick" || failed=1
else
    skip wick_cli/websockets "no python3 with websockets"
fi
[ $failed -eq 0 ] || exit 1
need_node wick_cli/ws ws
"$NODE" tests/interop/wick_cli.js "$wick"
