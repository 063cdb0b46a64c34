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

# The adapter library: wick is free of OpenSSL, and it needs nothing else of OpenSSL's.
nm -g "$B/tls/libwick.a" | awk '$1 == "U" && $2 !~ /^mem(cpy|move|set|cmp)$/ && /SSL|SHA1|EVP|BIO/ { print }' > "$tmp/found"
nm -g "$B/tls/libwick_openssl.a" | awk 'NF == 2 && $1 == "U" && $2 !~ /^(SHA1|memset|_GLOBAL_OFFSET_TABLE_|__asan.*|__ubsan.*)$/ { print }
    NF == 3 && $3 !~ /^(wick_openssl_|__asan|___asan|__odr_asan)/ { print }' >> "$tmp/found"
check tls/library-symbols "$tmp/found"

root=$(cd "$tmp" && pwd)/root
make -s B="$B/tls" CC="$CC" CFLAGS="$CFLAGS" CPPFLAGS="$CPPFLAGS" LDFLAGS="$LDFLAGS" WITH_OPENSSL=1 DESTDIR="$root" PREFIX=/opt/wick \
    install > "$tmp/log" 2>&1 || check tls/installs "$tmp/log"
cat > "$tmp/sample.c" <<'SAMPLE'
#include <stdio.h>
#include <string.h>
#include <wick.h>
#include <wick_openssl.h>

int main(void)
{
    uint8_t data[60], want[WICK_SHA1_SIZE], got[WICK_SHA1_SIZE];
    for (unsigned round = 0; round < 1000; round++) {
        for (unsigned i = 0; i < sizeof data; i++)
            data[i] = (uint8_t)(round * 31 + i * i * 7);
        wick_sha1(data, sizeof data, want);
        wick_openssl_sha1_kernel()->accept(data, got);
        if (memcmp(want, got, sizeof got) != 0)
            return 1;
    }
    printf("%s\n", wick_openssl_sha1_kernel()->name);
    return 0;
}
SAMPLE
if have pkg-config; then
    flags=$(PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_PATH=$root/opt/wick/lib/pkgconfig pkg-config --cflags --libs wick_openssl)
else
    flags="-I$root/opt/wick/include -L$root/opt/wick/lib -lwick_openssl -lwick"
fi
# Flags are several words.
# shellcheck disable=SC2086
got=$($CC $CFLAGS -o "$tmp/sample" "$tmp/sample.c" $LDFLAGS $flags 2>&1 && LD_LIBRARY_PATH=$root/opt/wick/lib "$tmp/sample" 2>&1)
if [ "$got" = openssl ]; then
    ok tls/library
else
    not_ok tls/library "$got"
fi
make -s B="$B/tls" DESTDIR="$root" PREFIX=/opt/wick uninstall > "$tmp/log" 2>&1
find "$root" ! -type d > "$tmp/found"
check tls/library-uninstall "$tmp/found"

NODE_PATH=$(pwd)/build/interop/node_modules
export NODE_PATH
if have node && node -e "require('ws'); require('playwright-core')" 2> "$tmp/log"; then
    NODE=node
    export NODE
fi
for name in chromium chromium-browser google-chrome; do
    if have "$name"; then
        CHROMIUM=$(command -v "$name")
        export CHROMIUM
        break
    fi
done
PLAIN_BUILD=$B B=$B/tls "$PYTHON" tests/interop/tls.py
