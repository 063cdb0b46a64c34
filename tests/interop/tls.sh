#!/bin/sh
# TLS: the programs built WITH_OPENSSL=1 into a folder of their own, and other people's clients: see tls.py.
. tests/lib/tools.sh
need_python tls websockets
need_tool tls openssl curl
if ! printf '#include <openssl/ssl.h>\n' | $CC -E - > "$tmp/log" 2>&1; then
    skip tls "OpenSSL's headers are not installed"
    exit 0
fi
if ! make -s -j2 B="$B/tls" CC="$CC" CFLAGS="$CFLAGS" CPPFLAGS="$CPPFLAGS" LDFLAGS="$LDFLAGS" WITH_OPENSSL=1 all > "$tmp/log" 2>&1; then
    check tls/builds "$tmp/log"
    exit 1
fi
ok tls/builds
NODE_PATH=$(pwd)/build/interop/node_modules
export NODE_PATH
if have node && node -e "require('ws')" 2> "$tmp/log"; then
    NODE=node
    export NODE
fi
PLAIN_BUILD=$B B=$B/tls "$PYTHON" tests/interop/tls.py
