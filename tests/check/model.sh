#!/bin/sh
# The models of tests/model, checked by SPIN over every interleaving within their bounds: resume, takeover and the way to HTTP
# (resume.pml), what happens once (once.pml). That the checks can fail is shown by faults that are put in. The sentences of the
# protocol that a model says it covers must stand in docs/protocol.md.
. tests/lib/tools.sh
top=$(pwd)

# Sentences: lines that begin with `*   >`, and those of the document, with white space made one space.
tr -s ' \n' '  ' < docs/protocol.md > "$tmp/document"
for model in tests/model/*.pml; do
    sed -n 's/^ \*   > //p' "$model" > "$tmp/covers"
    while read -r sentence; do
        grep -qF -- "$sentence" "$tmp/document" || echo "not in docs/protocol.md: $sentence"
    done < "$tmp/covers" > "$tmp/found"
    [ -s "$tmp/covers" ] || echo "it does not say what it covers" >> "$tmp/found"
    check "model/$(basename "$model" .pml)_covers" "$tmp/found"
done

need_tool model spin

# explore COMPILER-OPTION FILE OPTION...: 0 if every state is fine.
explore() {
    optimise=$1
    model=$2
    shift 2
    (cd "$tmp" && spin -a "$@" "$model" && $CC "$optimise" -w -DSAFETY -o pan pan.c && ./pan -m100000) > "$tmp/log" 2>&1 ||
        return 2
    grep -q 'errors: 0$' "$tmp/log" && ! grep -q 'max search depth too small' "$tmp/log"
}

# holds NAME FILE OPTION...
holds() {
    name=$1
    shift
    cp "tests/model/$1" "$tmp"
    if explore -O1 "$@"; then
        ok "model/$name: $(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1 states/p' "$tmp/log")"
    else
        not_ok "model/$name" "SPIN found an error"
        tail -n 20 "$tmp/log"
    fi
}

# fault NAME FILE SED-SCRIPT OPTION...: the changed model must be valid, and must not pass.
fault() {
    name=$1
    original=$top/tests/model/$2
    sed "$3" "$original" > "$tmp/$name.pml"
    shift 3
    if cmp -s "$original" "$tmp/$name.pml"; then
        not_ok "model/$name" "the fault was not put in"
    elif explore -O0 "$name.pml" "$@"; then
        not_ok "model/$name" "the fault is not found"
    elif grep -q 'errors: 1$' "$tmp/log"; then
        ok "model/$name"
    else
        not_ok "model/$name" "the changed model does not run: $(tail -n 1 "$tmp/log")"
    fi
}

holds resume resume.pml
fault resumes_too_far resume.pml 's/ cursor = last;/ cursor = last + 1;/'
fault forgets_the_shown_token resume.pml 's/ || token == token_shown);/);/'
fault ignores_the_epoch resume.pml 's/ep == epoch && last + 1/last + 1/'
holds resume_and_http resume.pml -DHOPS=1 -DCUTS=2
http='-DHOPS=1 -DCUTS=1'
# The words of http are split on purpose.
# shellcheck disable=SC2086
{
    fault takes_duplicates resume.pml 's/:: seq <= c_last \/\* a duplicate \*\//:: false/' $http
    fault counts_a_snapshot_twice resume.pml 's/c_epoch = ep; c_last = seq \/\*/c_epoch = ep \/*/' $http
    fault goes_back_with_a_snapshot resume.pml 's/:: ep == c_epoch \&\& seq <= c_last \/\*/:: false \/*/' $http
    fault uses_the_token_up_over_http resume.pml 's/^        viewing = true;/        viewing = true; token_new = 0;/' $http
    fault reads_too_far_over_http resume.pml 's/view_cursor = last$/view_cursor = last + 1/' $http
}
holds once once.pml -DCUTS=1
fault forgets_ids once.pml 's/:: run_of\[id\] != 0 ->/:: false ->/; s/run_of\[id\] == 0/true/' -DCUTS=1
fault remembers_what_was_refused once.pml 's/refusals++; down/refusals++; run_of[id] = 9; down/' -DCUTS=1
fault takes_the_last_answer once.pml 's/:: settled == 3 - which -> /:: settled == 3 - which -> settled = which; /' -DCUTS=1
fault answers_twice once.pml 's/:: settled == 0 -> settled = which; agent_got++;/:: settled == 0 || settled == TIMEOUT -> settled = which; agent_got++;/' \
    -DCUTS=1
fault never_says_it_again once.pml 's/known_run\[1\] == 0 -> up\[k\] ! MESSAGE, 1/known_run[1] == 0 -> known_run[1] = 1; up[k] ! MESSAGE, 1/' -DCUTS=1
