# Sizes that keep code readable. Run as `awk -v lines=N -v body=N -v columns=N -f shape.awk FILES`; 0 is no limit.
# A function is what stands between a `{` and a `}` in the first column.

function note(what)
{
    print FILENAME ":" FNR ": " what
}

FNR == 1 { start = 0 }
{
    # Under LC_ALL=C a character of UTF-8 is counted once, by its first byte.
    text = $0
    gsub(/[\200-\277]/, "", text)
}
columns && length(text) > columns { note(length(text) " columns, at most " columns) }
/\t/ { note("a tab") }
/[ \t]$/ { note("white space at the end") }
/^[A-Za-z_].*\(/ && !/;[ \t]*$/ {
    name = $0
    sub(/\(.*/, "", name)
    sub(/.*[ *]/, "", name)
}
/^[{]/ { start = FNR }
/^[}]/ && start {
    # From the brace to the brace.
    if (body && FNR - start + 1 > body)
        note(name " has " FNR - start + 1 " lines, at most " body)
    start = 0
}
lines && FNR == lines + 1 { note("more than " lines " lines") }
