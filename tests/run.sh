#!/bin/sh
# Run the tests named as arguments, programs and *.sh scripts, and count what they say.
#
# A test prints one line a case: `ok NAME`, `not ok NAME: why`, or `skip NAME: why`. A test that exits non-zero without
# a `not ok` line, or that prints no case at all, counts as a failure. The last line is the sum.
#
#   WICK_NO_SKIP=1   a skip is a failure
#   RUNNER           put in front of programs, such as `qemu-s390x` or `valgrind -q --error-exitcode=1`
#   TEST_SLOW=1      fewer rounds of random tests, for RUNNERs that are slow
#   TEST_SECONDS     a test that takes longer is killed (300)
B=${B:-build}
export B
mkdir -p "$B/tmp"
# Two runs may share a build folder; the log of the one that ends last stays.
log=$B/tmp/run.$$.log
out=$B/tmp/run.$$.out
: > "$log"
trap 'rm -f "$out"; mv "$log" "$B/test.log"' EXIT

limit=
if command -v timeout > "$out" 2>&1; then
    limit="timeout ${TEST_SECONDS:-300}"
fi

# The words of limit and RUNNER are split on purpose.
# shellcheck disable=SC2086
run_one() {
    case $1 in
    *.sh) $limit sh "$1" ;;
    *) $limit $RUNNER "$1" ;;
    esac
}

for test in "$@"; do
    start=$(date +%s)
    run_one "$test" > "$out" 2>&1 < /dev/null
    code=$?
    seconds=$(($(date +%s) - start))
    if [ $code -eq 124 ] && [ -n "$limit" ]; then
        echo "not ok $test: killed after ${TEST_SECONDS:-300} s" >> "$out"
    elif [ $code -ne 0 ] && ! grep -q '^not ok ' "$out"; then
        echo "not ok $test: exit status $code" >> "$out"
    fi
    if ! grep -qE '^(ok|not ok|skip) ' "$out"; then
        echo "not ok $test: ran no case" >> "$out"
    fi
    grep -vE '^ok ' "$out"
    took=
    if [ $seconds -ge 2 ]; then
        took=" ($seconds s)"
    fi
    echo "$test: $(grep -c '^ok ' "$out") ok$took"
    cat "$out" >> "$log"
done

passed=$(grep -c '^ok ' "$log")
failed=$(grep -c '^not ok ' "$log")
skipped=$(grep -c '^skip ' "$log")
if [ "$failed" -gt 0 ]; then
    echo "what failed:"
    grep '^not ok ' "$log"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ] && { [ -z "$WICK_NO_SKIP" ] || [ "$skipped" -eq 0 ]; }
