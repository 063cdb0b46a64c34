#!/bin/sh
# The rules of RFC 6455 against echo_server over raw sockets: which violation gets which close code, which handshake which
# answer, and that what is right is echoed.
. tests/lib/tools.sh
need_python echo_rules
start_server "$B/bin/echo_server" --port 0 --max-message 1M || exit 1
"$PYTHON" tests/interop/echo_rules.py "$SERVER_PORT"
