# Make manual pages from the public headers: awk -f man.awk -v out=FOLDER -v version=V include/wick.h include/wick/*.h
#
# Each header becomes FOLDER/man7/wick-NAME.7: its opening comment, then the types and macros it documents. Each documented
# function becomes FOLDER/man3/FUNCTION.3. In a comment a paragraph flows; lines of `term   text` become a list; what is
# indented stays as it is.

function escape(s)
{
    gsub(/\\/, "\\e", s)
    gsub(/-/, "\\-", s)
    if (s ~ /^[.']/)
        s = "\\&" s
    return s
}

# A term and its text stand two or more spaces apart.
function is_term(s)
{
    return s ~ /^ *[A-Za-z_][A-Za-z_0-9, *().\/]*   *[^ ]/ && s ~ /^ *[^ ].*[^ .:;]  +[^ ]/
}

function term_of(s)
{
    sub(/^ +/, "", s)
    match(s, /  +/)
    return substr(s, 1, RSTART - 1)
}

function text_of(s)
{
    sub(/^ +/, "", s)
    match(s, /  +/)
    return substr(s, RSTART + RLENGTH)
}

function indent_of(s)
{
    match(s, /^ */)
    return RLENGTH
}

function verbatim(lines, from, to,    i)
{
    print ".PP\n.RS 4\n.nf" > page
    for (i = from; i <= to; i++)
        print escape(lines[i]) > page
    print ".fi\n.RE" > page
}

# A list: terms stand at one indent, their texts go on further in.
function list(lines, from, to, indent,    i, line)
{
    for (i = from; i <= to; i++) {
        if (is_term(lines[i]) && indent_of(lines[i]) == indent) {
            print ".TP\n.B " escape(term_of(lines[i])) "\n" escape(text_of(lines[i])) > page
        } else {
            line = lines[i]
            sub(/^ +/, "", line)
            print escape(line) > page
        }
    }
}

function is_list(lines, from, to,    i, indent)
{
    indent = indent_of(lines[from])
    if (!is_term(lines[from]) || lines[from] ~ /[;{}=]$/)
        return 0
    for (i = from + 1; i <= to; i++)
        if (indent_of(lines[i]) < indent || (indent_of(lines[i]) == indent && !is_term(lines[i])))
            return 0
    return 1
}

function paragraph(lines, from, to,    i, word)
{
    if (lines[from] ~ /^Returns?( |$)/ || lines[from] ~ /^Returns:/) {
        print ".SH RETURN VALUE" > page
        if (lines[from] ~ /^Returns:?$/)
            from++
        if (from > to)
            return
    }
    if (is_list(lines, from, to))
        list(lines, from, to, indent_of(lines[from]))
    else if (is_list(lines, from + 1, to) && from < to && lines[from] ~ /[:.]$/) {
        print ".PP\n" escape(lines[from]) > page
        list(lines, from + 1, to, indent_of(lines[from + 1]))
    } else if (lines[from] ~ /^  /)
        verbatim(lines, from, to)
    else {
        print ".PP" > page
        for (i = from; i <= to; i++) {
            word = lines[i]
            sub(/^ +/, "", word)
            print escape(word) > page
        }
    }
}

function body(lines, from, to,    i, start)
{
    start = 0
    for (i = from; i <= to + 1; i++) {
        if (i > to || lines[i] == "") {
            if (start)
                paragraph(lines, start, i - 1)
            start = 0
        } else if (!start)
            start = i
    }
}

function title(name, section)
{
    print ".TH " name " " section " \"\" \"wick " version "\" \"wick\"\n.ad l" > page
}

# The function whose comment is doc[1..docs] and whose declaration is decl[1..decls].
function function_page(    name, i, summary, first, rest, line)
{
    name = decl[1]
    sub(/\(.*/, "", name)
    sub(/.*[ *]/, "", name)
    page = out "/man3/" name ".3"
    title(name, 3)
    summary = doc[1]
    for (i = 2; i <= docs && doc[i] != ""; i++)
        summary = summary " " doc[i]
    first = i
    # The first sentence names the page, the rest of its paragraph describes.
    rest = ""
    if (match(summary, /\. /)) {
        rest = substr(summary, RSTART + 2)
        summary = substr(summary, 1, RSTART)
    }
    sub(/\.$/, "", summary)
    print ".SH NAME\n" name " \\- " tolower(substr(summary, 1, 1)) escape(substr(summary, 2)) > page
    print ".SH SYNOPSIS\n.nf\n.B #include <" header ">\n" > page
    for (i = 1; i <= decls; i++) {
        line = decl[i]
        sub(/^WICK_API /, "", line)
        if (i > 1)
            sub(/^         /, "", line)
        print "\\fB" escape(line) "\\fP" > page
    }
    print ".fi" > page
    if (rest != "" || first < docs)
        print ".SH DESCRIPTION" > page
    if (rest != "")
        print escape(rest) > page
    body(doc, first, docs)
    print ".SH SEE ALSO\n.BR wick\\-" short "(7)" > page
    close(page)
    name_of[++names] = name
}

function header_page(    i, line, name)
{
    name = header == "wick.h" ? "wick" : "wick-" short
    page = out "/man7/" name ".7"
    title(name, 7)
    line = top[1]
    sub(/^[^ ]* - /, "", line)
    for (i = 2; i <= tops && top[i] != ""; i++)
        line = line " " top[i]
    sub(/[.]$/, "", line)
    print ".SH NAME\n" escape(name) " \\- " escape(line) > page
    print ".SH SYNOPSIS\n.B #include <" header ">\n.SH DESCRIPTION" > page
    body(top, i, tops)
    if (types > 0) {
        print ".SH TYPES AND CONSTANTS\n.nf" > page
        for (i = 1; i <= types; i++)
            print escape(type[i]) > page
        print ".fi" > page
    }
    if (names > 0) {
        print ".SH FUNCTIONS" > page
        for (i = 1; i <= names; i++)
            print ".BR " name_of[i] " (3)" (i < names ? "," : "") > page
    }
    if (header != "wick.h")
        print ".SH SEE ALSO\n.BR wick (7)" > page
    close(page)
}

function finish()
{
    if (header != "")
        header_page()
}

FNR == 1 {
    finish()
    header = FILENAME
    sub(/.*include\//, "", header)
    short = header
    sub(/.*\//, "", short)
    sub(/\.h$/, "", short)
    tops = types = names = docs = decls = 0
    state = "start"
}

# The text of a comment line.
function comment_text(s)
{
    sub(/^ \*\/.*/, "", s)
    sub(/^ \* ?/, "", s)
    sub(/[ \t]*\*\/$/, "", s)
    return s
}

state == "start" && /^\/\*/ { state = "top"; next }
state == "top" {
    if (/^ \*\//)
        state = "code"
    else
        top[++tops] = comment_text($0)
    next
}

# A documentation comment, then what it documents.
state == "code" && /^\/\*\*/ {
    docs = raws = decls = 0
    raw[++raws] = $0
    line = $0
    sub(/^\/\*\* ?/, "", line)
    if (line != "") {
        sub(/[ \t]*\*\/$/, "", line)
        doc[++docs] = line
    }
    state = /\*\/[ \t]*$/ ? "what" : "doc"
    next
}
state == "doc" {
    raw[++raws] = $0
    if (/\*\//)
        state = "what"
    line = comment_text($0)
    if (state == "doc" || line != "")
        doc[++docs] = line
    next
}
state == "what" {
    state = /^WICK_API / ? "function" : "type"
    depth = 0
    if (state == "type" && types > 0)
        type[++types] = ""
    for (i = 1; state == "type" && i <= raws; i++)
        type[++types] = raw[i]
}
# A type or macro is kept as it stands, up to the empty line behind it.
state == "type" && $0 == "" && depth == 0 { state = "code" }
state == "type" {
    type[++types] = $0
    depth += gsub(/\{/, "{") - gsub(/\}/, "}")
}
state == "function" {
    decl[++decls] = $0
    if (/;[ \t]*$/) {
        function_page()
        state = "code"
    }
}

END { finish() }
