#!/bin/sh
# echo_server with clients that others wrote: python3-websockets, npm ws, curl.
. tests/lib/tools.sh
start_server "$B/bin/echo_server" --port 0 || exit 1
failed=0
if find_python websockets; then
    "$PYTHON" tests/interop/echo_clients.py "$SERVER_URL" || failed=1
else
    skip echo_clients/websockets "no python3 with websockets"
fi
if have curl; then
    curl -s -i -m 1 -o "$tmp/curl" -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' \
        -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' "http://127.0.0.1:$SERVER_PORT/"
    if grep -q '^HTTP/1.1 101 ' "$tmp/curl" && grep -q 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=' "$tmp/curl"; then
        ok echo_clients/curl-upgrade
    else
        not_ok echo_clients/curl-upgrade "$(head -n 1 "$tmp/curl")"
        failed=1
    fi
    status=$(curl -s -o "$tmp/problem" -w '%{http_code} %{content_type}' "http://127.0.0.1:$SERVER_PORT/")
    if [ "$status" = "400 application/problem+json" ] && grep -q '"code":"NOT_A_WEBSOCKET_REQUEST"' "$tmp/problem"; then
        ok echo_clients/curl-plain
    else
        not_ok echo_clients/curl-plain "$status $(cat "$tmp/problem")"
        failed=1
    fi
else
    skip echo_clients/curl "curl is not installed"
fi
[ $failed -eq 0 ] || exit 1
need_node echo_clients/ws ws
"$NODE" tests/interop/echo_clients.js "$SERVER_URL"
