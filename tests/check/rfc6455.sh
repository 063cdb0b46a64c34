#!/bin/sh
# What docs/rfc6455.md names is there: `file.c: function` under src, and tests by the names of vectors, cases and fuzz targets.
. tests/lib/tools.sh

# Every name that a test can be called by. A vector that stands for many has a "-" behind its name.
{
    find tests/vectors -name '*.txt' -exec awk '
        function flush() { if (name != "") print name (each ? "-" : ""); name = ""; each = 0 }
        $1 == "test" || $1 == "name" { flush(); name = $2 }
        $1 == "each" { each = 1 }
        END { flush() }' {} \;
    sed -n 's/^ *RUN(\([a-z0-9_]*\));.*/\1/p' tests/unit/*.c
    for target in fuzz/*.c; do
        basename "$target" .c
    done
} | sort -u > "$tmp/known"

# rows FILE: what is wrong with the table rows of a page, one line each.
rows() {
    awk -F '|' '
        /^\| [0-9]/ {
            if (NF != 6) print FILENAME ":" FNR ": not four columns"
            print $4 > code; print $5 > tests
            if ($4 !~ /`/ && $4 !~ /Host|above/) print FILENAME ":" FNR ": names no code"
            if ($5 !~ /`/ && $4 !~ /Host/) print FILENAME ":" FNR ": names no test"
        }' code="$tmp/code" tests="$tmp/tests" "$1"
    grep -o '`[^`]*`' "$tmp/tests" | tr -d '`' | sort -u > "$tmp/named"
    comm -23 "$tmp/named" "$tmp/known" | sed 's/^/no test is called /'
    grep -o '`[^`]*\.[ch]: [^`]*`' "$tmp/code" | tr -d '`' | sort -u | while IFS=: read -r file name; do
        path=$(find src -name "$file")
        if [ -z "$path" ] || ! grep -q "[ *]${name# }(" "$path"; then
            echo "$file has no${name}"
        fi
    done
}

cat > "$tmp/bad.md" <<'END'
| clause | what | code | tests |
|---|---|---|---|
| 1 | a | `conn.c: no_such_function` | `no_such_test` |
| 2 | b | `no_such_file.c: wick_conn_init` | `frame` |
| 3 | c | nothing | – |
END
if [ "$(rows "$tmp/bad.md" | wc -l)" -eq 5 ]; then
    ok rfc6455/self-test
else
    not_ok rfc6455/self-test "caught $(rows "$tmp/bad.md" | tr '\n' ' ')"
fi

rows docs/rfc6455.md > "$tmp/found" 2>&1
check rfc6455 "$tmp/found"
