#!/bin/sh
# The Makefile's promises: a second make does nothing; a header or source that comes, goes or moves is noticed without
# make clean; changed flags rebuild; and make help names every target.
. tests/lib/tools.sh

# Everything is there already, so nothing is left to say.
make B="$B" CC="$CC" CFLAGS="$CFLAGS" CPPFLAGS="$CPPFLAGS" LDFLAGS="$LDFLAGS" all 2>&1 |
    grep -v 'Nothing to be done' > "$tmp/found"
check make/second-does-nothing "$tmp/found"

# A small project with the same Makefile.
top=$(pwd)
mkdir -p "$tmp/p/include/wick" "$tmp/p/src/base" "$tmp/p/src/ws"
cp Makefile "$tmp/p"
cp include/wick/base.h "$tmp/p/include/wick"
cd "$tmp/p" || exit 1
one='#include "base/one.h"\nint wick_one(void);\nint wick_one(void)\n{\n    return ONE;\n}\n'
echo '#define ONE 1' > src/base/one.h
# shellcheck disable=SC2059
printf "$one" > src/base/one.c
printf 'int wick_two(void);\nint wick_two(void)\n{\n    return 2;\n}\n' > src/base/two.c

# build EXPECTED-SYMBOLS CASE [MAKE-ARGUMENT...]
build() {
    want=$1
    case_name=$2
    shift 2
    if ! make -s B=out CC="$CC" CFLAGS=-O0 "$@" lib > log 2>&1; then
        not_ok "$case_name" "$(tail -n 3 log)"
        return
    fi
    got=$(nm -g --defined-only out/libwick.a | sed -n 's/.* T \(wick_\)/\1/p' | sort | tr '\n' ' ')
    if [ "$got" = "$want" ]; then
        ok "$case_name"
    else
        not_ok "$case_name" "the library has $got, want $want"
    fi
}

if have nm; then
    build 'wick_one wick_two ' make/builds
    mv src/base/one.c src/base/one.h src/ws
    sed 's|base/one|ws/one|' src/ws/one.c > moved && mv moved src/ws/one.c
    build 'wick_one wick_two ' make/moved-source-and-header
    rm src/base/two.c
    build 'wick_one ' make/deleted-source
    printf 'int wick_three(void);\nint wick_three(void)\n{\n    return 3;\n}\n' > src/ws/three.c
    build 'wick_one wick_three ' make/added-source
    build 'wick_one wick_x ' make/changed-flags CPPFLAGS=-Dwick_three=wick_x
else
    skip make/incremental "nm is not installed"
fi
cd "$top" || exit 1

# Targets that are not for people's hands.
inner='fuzz-programs|bench-programs|FORCE'
make -s help | awk '{ print $1 }' > "$tmp/helped"
sed -n 's/^\.PHONY: //p' Makefile | tr ' ' '\n' | grep -vxE "$inner" | grep -vxF -f "$tmp/helped" |
    sed 's/$/ is not in make help/' > "$tmp/found"
for target in help test run size bench fuzz install uninstall man clean; do
    grep -qx "$target" "$tmp/helped" || echo "$target is not in make help"
done >> "$tmp/found"
check make/help "$tmp/found"
