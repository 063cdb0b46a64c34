#!/bin/sh
# Run every test this machine can run: the unit programs named as arguments, then each tests/check/*.sh, then each
# tests/interop/*.sh. A test prints one line a case: `ok NAME`, `not ok NAME: why`, or `skip NAME: why`; a test that
# exits non-zero without a `not ok` line counts as failed. With WICK_NO_SKIP=1 a skip is a failure.
B=${B:-build}
export B
log=$B/test.log
: > "$log"
out=$B/test.out
for test in "$@" tests/check/*.sh tests/interop/*.sh; do
    [ -f "$test" ] || continue
    case $test in
    *.sh) sh "$test" > "$out" 2>&1 ;;
    *) "$test" > "$out" 2>&1 ;;
    esac
    code=$?
    if [ $code -ne 0 ] && ! grep -q '^not ok ' "$out"; then
        echo "not ok $test: exit status $code" >> "$out"
    fi
    if ! grep -qE '^(ok|not ok|skip) ' "$out"; then
        echo "not ok $test: ran no case" >> "$out"
    fi
    grep -vE '^ok ' "$out"
    printf '%s: %s ok\n' "$test" "$(grep -c '^ok ' "$out")"
    cat "$out" >> "$log"
done
passed=$(grep -c '^ok ' "$log")
failed=$(grep -c '^not ok ' "$log")
skipped=$(grep -c '^skip ' "$log")
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && { [ -z "$WICK_NO_SKIP" ] || [ "$skipped" -eq 0 ]; }
