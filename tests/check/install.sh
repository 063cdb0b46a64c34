#!/bin/sh
# The installed tree: install into a folder, compile and run a program against it, static and shared, and uninstall
# without a trace.
. tests/lib/tools.sh

root=$(cd "$tmp" && pwd)/root
prefix=/opt/wick
# The flags of the caller are in the environment, and the libraries are built with them already.
do_make() {
    make -s B="$B" CC="$CC" CFLAGS="$CFLAGS" CPPFLAGS="$CPPFLAGS" LDFLAGS="$LDFLAGS" DESTDIR="$root" PREFIX="$prefix" "$@"
}

if ! do_make install > "$tmp/log" 2>&1; then
    not_ok install "$(tail -n 3 "$tmp/log")"
    exit 1
fi

program=$(ls "$B/bin/wick" 2> /dev/null)
for file in include/wick.h include/wick/base.h lib/libwick.a lib/libwick.so lib/pkgconfig/wick.pc \
    share/man/man3/wick_status_name.3 share/man/man7/wick.7 ${program:+bin/wick}; do
    [ -e "$root$prefix/$file" ] || echo "$file is not installed"
done > "$tmp/found"
ls include/wick > "$tmp/here"
ls "$root$prefix/include/wick" | grep -vxF -f "$tmp/here" >> "$tmp/found"
grep -rlF "$root" "$root$prefix/lib/pkgconfig" "$root$prefix/share" >> "$tmp/found"
grep -nE '@[A-Z]+@' "$root$prefix/lib/pkgconfig/wick.pc" >> "$tmp/found"
check install/tree "$tmp/found"

cat > "$tmp/sample.c" <<'SAMPLE'
#include <stdio.h>
#include <wick.h>

int main(void)
{
    printf("%s %s\n", WICK_VERSION, wick_status_text(WICK_E_UTF8));
    return 0;
}
SAMPLE
pc() {
    PKG_CONFIG_SYSROOT_DIR="$root" PKG_CONFIG_PATH="$root$prefix/lib/pkgconfig" pkg-config "$@" wick
}
if have pkg-config; then
    flags=$(pc --cflags) && libs=$(pc --libs)
    version=$(pc --modversion)
    how=pkg-config
else
    flags=-I$root$prefix/include
    libs="-L$root$prefix/lib -lwick"
    version=$(sed -n 's/^Version: //p' "$root$prefix/lib/pkgconfig/wick.pc")
    how="plain flags"
fi

want="$version a text message is not UTF-8"
# Flags are several words.
# shellcheck disable=SC2086
if $CC $CFLAGS $flags -o "$tmp/shared" "$tmp/sample.c" $LDFLAGS $libs 2> "$tmp/log"; then
    got=$(LD_LIBRARY_PATH=$root$prefix/lib "$tmp/shared" 2>&1)
else
    got=$(head -n 3 "$tmp/log")
fi
if [ "$got" = "$want" ]; then
    ok "install/shared by $how"
else
    not_ok "install/shared by $how" "$got"
fi

# shellcheck disable=SC2086
if $CC $CFLAGS $flags -o "$tmp/static" "$tmp/sample.c" $LDFLAGS "$root$prefix/lib/libwick.a" 2> "$tmp/log"; then
    got=$("$tmp/static" 2>&1)
else
    got=$(head -n 3 "$tmp/log")
fi
if [ "$got" = "$want" ]; then
    ok install/static
else
    not_ok install/static "$got"
fi

do_make uninstall > "$tmp/log" 2>&1 || not_ok install/uninstall "$(tail -n 3 "$tmp/log")"
find "$root" ! -type d > "$tmp/found"
check install/uninstall "$tmp/found"
