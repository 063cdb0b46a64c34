#!/bin/sh
# The model of resume and takeover (tests/model/resume.pml), checked by SPIN over every interleaving within its bounds. That
# the check can fail is shown by three faults that are put in: a server that resumes one event too far, one that forgets the
# token that was shown, one that looks at no epoch.
if ! command -v spin > /dev/null; then
    echo "skip model/resume: spin is not installed"
    exit 0
fi
CC=${CC:-cc}
top=$(pwd)
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

# explore FILE: 0 if every state is fine.
explore() {
    (cd "$dir" && spin -a "$1" && $CC -O2 -w -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -m100000) > "$dir/log" 2>&1 || return 2
    grep -q 'errors: 0$' "$dir/log" && ! grep -q 'max search depth too small' "$dir/log"
}

cp tests/model/resume.pml "$dir/resume.pml"
if explore resume.pml; then
    echo "ok model/resume: $(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1 states/p' "$dir/log")"
else
    echo "not ok model/resume: SPIN found an error"
    tail -n 20 "$dir/log"
fi

# fault NAME SED-SCRIPT: the changed model must not pass.
fault() {
    sed "$2" "$top/tests/model/resume.pml" > "$dir/$1.pml"
    if cmp -s "$top/tests/model/resume.pml" "$dir/$1.pml"; then
        echo "not ok model/$1: the fault was not put in"
    elif explore "$1.pml"; then
        echo "not ok model/$1: the fault is not found"
    else
        echo "ok model/$1"
    fi
}
fault resumes_too_far 's/cursor = last;/cursor = last + 1;/'
fault forgets_the_shown_token 's/ || token == token_shown);/);/'
fault ignores_the_epoch 's/ep == epoch && last + 1/last + 1/'
