#!/bin/sh
# Every public header compiles alone, twice included, as strict C99 and as C++11; every function in it is documented.
. tests/lib/tools.sh

CXX=${CXX:-c++}
strict='-Wall -Wextra -Wpedantic -Wshadow -Wundef -Werror'
(cd include && ls wick.h wick/*.h) > "$tmp/headers"

# compile COMPILER SUFFIX HEADER
compile() {
    printf '#include "%s"\n#include "%s"\nint main(void) { return 0; }\n' "$3" "$3" > "$tmp/alone.$2"
    # The compiler and the flags are several words.
    # shellcheck disable=SC2086
    $1 $strict -Iinclude -fsyntax-only "$tmp/alone.$2"
}

while read -r header; do
    compile "$CC -std=c99 -Wstrict-prototypes -Wcast-qual" c "$header" >> "$tmp/c99" 2>&1
    if have "$CXX"; then
        compile "$CXX -std=c++11" cc "$header" >> "$tmp/cxx" 2>&1
    fi
done < "$tmp/headers"
check headers/c99 "$tmp/c99"
if have "$CXX"; then
    check headers/c++11 "$tmp/cxx"
    # And a C++ program finds the functions: extern "C" is there.
    cat > "$tmp/link.cc" <<'SAMPLE'
#include <wick.h>
int main()
{
    wick_str text = WICK_STR("abc");
    uint32_t state = 0;
    size_t good = wick_utf8_check(&state, reinterpret_cast<const uint8_t *>(text.data), text.len);
    return good == 3 && wick_status_close_code(WICK_E_UTF8) == 1007 ? 0 : 1;
}
SAMPLE
    # shellcheck disable=SC2086
    if $CXX -std=c++11 $strict $CFLAGS -Iinclude -o "$tmp/link" "$tmp/link.cc" "$B/libwick.a" $LDFLAGS \
        > "$tmp/found" 2>&1; then
        "$tmp/link" >> "$tmp/found" 2>&1 || echo "the program failed" >> "$tmp/found"
    fi
    check headers/c++-links "$tmp/found"
else
    skip headers/c++11 "no C++ compiler"
fi

# wick.h includes them all, by itself or by one another.
$CC -MM -Iinclude include/wick.h | tr ' ' '\n' | sed 's|^include/||' > "$tmp/included"
grep -vxF -f "$tmp/included" "$tmp/headers" | sed 's/^/include\/wick.h lacks /' > "$tmp/found"
check headers/umbrella "$tmp/found"

# A declaration that begins with WICK_API ends a doc comment: `*/` stands right above it, and it was opened by `/**`.
undocumented() {
    awk '/^[ \t]*\/\*/ { doc = /^\/\*\*/ }
         /^WICK_API / { if (above !~ /\*\/[ \t]*$/ || !doc) print FILENAME ":" FNR ": " $0 }
         { above = $0 }' "$@"
}
printf '/** Do it. */\nWICK_API void a(void);\n/* Not a doc. */\nWICK_API void b(void);\n\nWICK_API void c(void);\n' \
    > "$tmp/sample.h"
if [ "$(undocumented "$tmp/sample.h" | grep -c .)" -eq 2 ]; then
    ok headers/documented-self-test
else
    not_ok headers/documented-self-test "an undocumented function went unseen"
fi
undocumented include/wick/*.h > "$tmp/found"
check headers/documented "$tmp/found"
