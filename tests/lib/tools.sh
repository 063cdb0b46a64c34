# Helpers for the scripts of tests/check and tests/interop: `. tests/lib/tools.sh` from the project's folder.
#
#   ok NAME · not_ok NAME WHY · skip NAME WHY     print one case
#   check NAME FILE                               ok if FILE is empty, else not ok with its lines
#   need_tool NAME TOOL...                        skip NAME and leave if a tool is not installed
#   find_python MODULE...                         set PYTHON to an interpreter that can import them all, or fail
#   need_python NAME MODULE...                    the same, or skip NAME and leave
#   need_node NAME MODULE...                      the same for node; sets NODE and NODE_PATH
#   need_chromium NAME                            sets CHROMIUM (as root it wants --no-sandbox), or skips and leaves
#   start_server PROGRAM ARGUMENT...              start it, wait for `listening on URL`; sets SERVER_URL, SERVER_PORT,
#                                                 SERVER_PID; its output is in $tmp/server.out and $tmp/server.err
#   stop_server                                   SIGTERM and wait; sets SERVER_EXIT
#
# $tmp is a folder of the script's own, removed when the script ends; every server still running is stopped then.

# A make that a script starts is its own: variables given on the command line are in the environment, jobs are not.
unset MAKEFLAGS MFLAGS MAKELEVEL
B=${B:-build}
CC=${CC:-cc}
tmp=$B/tmp/$(basename "$0" .sh).$$
mkdir -p "$tmp" || exit 1
SERVER_PID=
server_pids=

leave() {
    for pid in $server_pids; do
        kill "$pid" 2> /dev/null && wait "$pid" 2> /dev/null
    done
    rm -rf "$tmp"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

ok() {
    echo "ok $1"
}

not_ok() {
    echo "not ok $1: $2"
}

skip() {
    echo "skip $1: $2"
}

check() {
    if [ -s "$2" ]; then
        not_ok "$1" "$(wc -l < "$2" | tr -d ' ') found"
        sed 's/^/    /' "$2" | head -n 40
    else
        ok "$1"
    fi
}

have() {
    command -v "$1" > /dev/null 2>&1
}

need_tool() {
    case_name=$1
    shift
    for tool in "$@"; do
        if ! have "$tool"; then
            skip "$case_name" "$tool is not installed"
            exit 0
        fi
    done
}

# Several interpreters may be installed, and the first in PATH need not be the one that has the modules.
find_python() {
    modules=$(echo "$*" | tr ' ' ',')
    for PYTHON in python3 /usr/bin/python3 /usr/local/bin/python3; do
        if have "$PYTHON" && "$PYTHON" -c "import ${modules:-sys}" 2> /dev/null; then
            export PYTHON
            return 0
        fi
    done
    PYTHON=
    return 1
}

need_python() {
    case_name=$1
    shift
    if ! find_python "$@"; then
        skip "$case_name" "no python3${*:+ with $*}"
        exit 0
    fi
}

# .ci/run installs the modules of tests/interop/package.json into build/interop, whatever B is.
need_node() {
    case_name=$1
    shift
    need_tool "$case_name" node
    NODE=node
    NODE_PATH=$(pwd)/build/interop/node_modules${NODE_PATH:+:$NODE_PATH}
    export NODE NODE_PATH
    for module in "$@"; do
        if ! "$NODE" -e "require('$module')" 2> /dev/null; then
            skip "$case_name" "node has no module $module"
            exit 0
        fi
    done
}

need_chromium() {
    for CHROMIUM in chromium chromium-browser google-chrome; do
        if have "$CHROMIUM"; then
            CHROMIUM=$(command -v "$CHROMIUM")
            export CHROMIUM
            return 0
        fi
    done
    skip "$1" "chromium is not installed"
    exit 0
}

start_server() {
    # The shell that starts it empties the file later than this one may read it.
    : > "$tmp/server.out"
    "$@" > "$tmp/server.out" 2> "$tmp/server.err" < /dev/null &
    SERVER_PID=$!
    server_pids="$server_pids $SERVER_PID"
    SERVER_URL=
    tries=0
    while [ $tries -lt 100 ]; do
        SERVER_URL=$(sed -n 's/^listening on //p' "$tmp/server.out" | head -n 1)
        if [ -n "$SERVER_URL" ]; then
            SERVER_PORT=$(echo "$SERVER_URL" | sed 's|^.*:\([0-9]*\).*$|\1|')
            return 0
        fi
        kill -0 "$SERVER_PID" 2> /dev/null || break
        tries=$((tries + 1))
        sleep 0.1
    done
    not_ok "$(basename "$1")" "did not say where it listens: $(head -n 3 "$tmp/server.err")"
    return 1
}

stop_server() {
    kill "$SERVER_PID" 2> /dev/null
    wait "$SERVER_PID"
    SERVER_EXIT=$?
    SERVER_PID=
}
