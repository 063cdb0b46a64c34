# Make C of the samples in a header's opening comment: awk -v prelude=FILE -f samples.awk include/wick/NAME.h
#
# A sample is a run of lines indented by five in which some wick_ function is called. Of its paragraphs those that begin
# with static, struct, typedef or # stand at file level, and the others in a function; a line `...` is left out.

function flush_paragraph()
{
    if (opening ~ /^ *(static|struct|typedef|#)/)
        outside = outside paragraph
    else
        inside = inside paragraph
    paragraph = opening = ""
}

function flush_sample()
{
    flush_paragraph()
    if (inside outside ~ /wick_[a-z_0-9]+\(/) {
        n++
        code = code outside
        if (inside != "")
            code = code "int sample_" n "(void);\nint sample_" n "(void)\n{\n" inside "    return 0;\n}\n"
    }
    inside = outside = ""
}

FNR == 1 {
    header = FILENAME
    sub(/.*include\//, "", header)
    on = 1
}
on && /^ \*     / {
    line = substr($0, 4)
    if (line ~ /^ *\.\.\.[ ;]*(\/\/.*)?$/)
        line = "    ;"
    if (paragraph == "")
        opening = line
    paragraph = paragraph "#line " FNR " \"" FILENAME "\"\n" line "\n"
    next
}
on && /^ \*$/ { flush_paragraph(); next }
on { flush_sample() }
/^ \*\// { on = 0 }
END {
    if (n > 0) {
        print "#include \"" header "\""
        if (prelude != "")
            print "#include \"" prelude "\""
        printf "%s", code
    }
}
