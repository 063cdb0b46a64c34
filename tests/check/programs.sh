#!/bin/sh
# What every program promises: --help and --version, a wrong option is 2 with the usage on stderr; a server says where it
# listens, on the port it was given or a free one, and ends with 0 on SIGTERM and SIGINT; wick.1 names every option.
. tests/lib/tools.sh

version=$(sed -n 's/^#define WICK_VERSION "\(.*\)"/\1/p' include/wick/base.h)
ls "$B"/bin > "$tmp/programs"
if [ ! -s "$tmp/programs" ]; then
    not_ok programs "none in $B/bin"
    exit 1
fi

while read -r name; do
    program=$B/bin/$name
    "$program" --help > "$tmp/out" 2> "$tmp/err" < /dev/null || echo "$name --help: exit status $?"
    grep -q "^usage: $name" "$tmp/out" || echo "$name --help: no usage on stdout"
    "$program" --version > "$tmp/out" 2> "$tmp/err" < /dev/null || echo "$name --version: exit status $?"
    grep -q "$version" "$tmp/out" || echo "$name --version: $(head -n 1 "$tmp/out"), want $version"
    "$program" --no-such-option > "$tmp/out" 2> "$tmp/err" < /dev/null
    code=$?
    [ $code -eq 2 ] || echo "$name --no-such-option: exit status $code, want 2"
    grep -q '^usage: ' "$tmp/err" || echo "$name --no-such-option: no usage on stderr"
    [ ! -s "$tmp/out" ] || echo "$name --no-such-option: $(head -n 1 "$tmp/out") on stdout"
done < "$tmp/programs" > "$tmp/found"
check programs/options "$tmp/found"

# refused PROGRAM OPTION VALUE...: each value is wrong, is named, and ends the program with 2 before it listens.
refused() {
    program=$1
    option=$2
    shift 2
    for value in "$@"; do
        "$B/bin/$program" --port 0 "$option" "$value" > "$tmp/out" 2> "$tmp/err" < /dev/null &
        pid=$!
        tries=50
        while [ $tries -gt 0 ] && [ ! -s "$tmp/out" ] && kill -0 $pid 2> /dev/null; do
            sleep 0.1
            tries=$((tries - 1))
        done
        kill $pid 2> /dev/null
        wait $pid
        code=$?
        [ $code -eq 2 ] || echo "$program $option '$value': exit status $code, want 2"
        head -n 1 "$tmp/err" | grep -qF -e "$option" || echo "$program $option '$value': $(head -n 1 "$tmp/err")"
        [ ! -s "$tmp/out" ] || echo "$program $option '$value': it listens"
    done
}

if [ -x "$B/bin/agent_server" ]; then
    {
        refused agent_server --origin nonsense app.example https://app.example/ https:// ://x 'https://a b' https://a:99999
        refused agent_server --agent guide.content =x Bad=x
        refused agent_server --route /no/such/file
        refused echo_server --port x 65536 -1 ''
    } > "$tmp/found"
    check programs/values "$tmp/found"
fi

# serve NAME SIGNAL: start it, see that something listens, end it.
serve() {
    # An output to a file must not wait in a buffer.
    if ! start_server "$B/bin/$1" --port 0 > "$tmp/said"; then
        cat "$tmp/said"
        return
    fi
    case $SERVER_URL in
    *://127.0.0.1:[1-9]*) ;;
    *) echo "$1 says '$SERVER_URL'" ;;
    esac
    [ "$(grep -c . < "$tmp/server.out")" -eq 1 ] || echo "$1 prints more than the one line"
    # The port is taken now: a second server has to say so, and to fail.
    if "$B/bin/$1" --port "$SERVER_PORT" > "$tmp/second.out" 2> "$tmp/second.err" < /dev/null; then
        echo "a second $1 on port $SERVER_PORT does not fail"
    fi
    [ -s "$tmp/second.err" ] || echo "a second $1 on port $SERVER_PORT says nothing"
    kill -s "$2" "$SERVER_PID"
    wait "$SERVER_PID"
    code=$?
    [ $code -eq 0 ] || echo "$1 on SIG$2: exit status $code"
}

for name in echo_server agent_server agent_runtime; do
    if [ -x "$B/bin/$name" ]; then
        serve $name TERM
        # A shell may start what runs in the background with SIGINT ignored; a server is to set its own handler.
        serve $name INT
    fi
done > "$tmp/found"
check programs/servers "$tmp/found"

if [ -x "$B/bin/wick" ]; then
    "$B/bin/wick" --help | sed -n 's/^  wick \([a-z]*\) .*/\1/p' > "$tmp/commands"
    sed 's/\\-/-/g' docs/man/wick.1 > "$tmp/page"
    for command in $(sort -u "$tmp/commands"); do
        grep -q "wick $command" "$tmp/page" || echo "wick.1 lacks $command"
        for option in $("$B/bin/wick" "$command" --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p'); do
            grep -q -e "$option" "$tmp/page" || echo "wick.1 lacks $option of wick $command"
        done
    done > "$tmp/found"
    check programs/manual "$tmp/found"
fi
