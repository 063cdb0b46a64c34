#!/bin/sh
# Run the tests named as arguments, programs and *.sh scripts, and count what they say.
#
# A test prints one line a case: `ok NAME`, `not ok NAME: why`, or `skip NAME: why`. A test that exits non-zero without
# a `not ok` line, or that prints no case at all, counts as a failure. The last line is the sum.
#
#   WICK_NO_SKIP=1   a skip is a failure
#   JOBS             how many tests run at a time (2): many wait for a clock or a socket most of the time
#   RUNNER           put in front of programs, such as `qemu-s390x` or `valgrind -q --error-exitcode=1`
#   TEST_SLOW=1      fewer rounds of random tests, for RUNNERs that are slow
#   TEST_SECONDS     a test that takes longer is killed (300)
B=${B:-build}
JOBS=${JOBS:-2}
export B
# Two runs may share a build folder; the log of the one that ends last stays.
work=$B/tmp/run.$$
log=$B/test.log
mkdir -p "$work" || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

limit=
if command -v timeout > "$work/which" 2>&1; then
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

# test_one FILE OUT: run it, put all it said into OUT, and print what did not go well.
test_one() {
    start=$(date +%s)
    run_one "$1" > "$2" 2>&1 < /dev/null
    code=$?
    seconds=$(($(date +%s) - start))
    if [ $code -eq 124 ] && [ -n "$limit" ]; then
        echo "not ok $1: killed after ${TEST_SECONDS:-300} s" >> "$2"
    elif [ $code -ne 0 ] && ! grep -q '^not ok ' "$2"; then
        echo "not ok $1: exit status $code" >> "$2"
    fi
    if ! grep -qE '^(ok|not ok|skip) ' "$2"; then
        echo "not ok $1: ran no case" >> "$2"
    fi
    took=
    if [ $seconds -ge 2 ]; then
        took=" ($seconds s)"
    fi
    # At once, so that the lines of two tests do not mix.
    {
        grep -vE '^ok ' "$2"
        echo "$1: $(grep -c '^ok ' "$2") ok$took"
    } > "$2.say"
    cat "$2.say"
}

# Whoever is free takes the next test: making its folder is what takes it.
worker() {
    number=0
    for test in "$@"; do
        number=$((number + 1))
        if mkdir "$work/$number" 2> /dev/null; then
            test_one "$test" "$work/$number/out"
        fi
    done
}

job=1
while [ "$job" -lt "$JOBS" ]; do
    worker "$@" &
    job=$((job + 1))
done
worker "$@"
wait

number=0
for test in "$@"; do
    number=$((number + 1))
    cat "$work/$number/out"
done > "$log"
passed=$(grep -c '^ok ' "$log")
failed=$(grep -c '^not ok ' "$log")
skipped=$(grep -c '^skip ' "$log")
if [ "$failed" -gt 0 ]; then
    echo "what failed:"
    grep '^not ok ' "$log"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ] && { [ -z "$WICK_NO_SKIP" ] || [ "$skipped" -eq 0 ]; }
