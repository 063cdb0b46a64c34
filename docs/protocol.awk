# Write the tables of docs/protocol.md anew from the field table:
#
#   awk -f docs/protocol.awk include/wick/event_table.h include/wick/event.h docs/protocol.md > new
#
# A line `<!-- fields NAME -->` is followed by the fields of the struct NAME, `<!-- messages -->` by every message type,
# `<!-- codes -->` by every error code; what stands there, up to the next empty line, is replaced. tests/check/protocol.sh
# keeps the document and the table together.

# The first quoted string from here on; the rest stays in `rest`.
function quoted(text)
{
    if (!match(text, /"[^"]*"/)) {
        rest = ""
        return ""
    }
    rest = substr(text, RSTART + RLENGTH)
    return substr(text, RSTART + 1, RLENGTH - 2)
}

function number(text)
{
    return text in macro ? macro[text] : text
}

function trim(text)
{
    gsub(/^[ \t]+|[ \t]+$/, "", text)
    return text
}

function limits(kind, min, max)
{
    min = number(min)
    max = number(max)
    if (kind == "INT") {
        if (max == macro["WICK_INT_MAX"])
            return min == 0 ? "" : " from " min
        return " " min "–" max
    }
    if (kind == "NUMBER" || max == 0)
        return min == 1 && kind != "NUMBER" ? ", not empty" : ""
    if (max >= 1024 && max % 1024 == 0)
        return ", at most " max / 1024 " KiB"
    return min > 0 ? ", " min "–" max " bytes" : ", at most " max " bytes"
}

function kind_text(kind, extra, min, max)
{
    if (kind == "ENUM")
        return values[extra]
    if (kind == "NEST")
        return "object, see `" extra "`"
    return names[kind] limits(kind, min, max)
}

# One row of a macro: F(struct, member, "name", KIND, NEED, min, max, extra, "meaning").
function take_field(text,    head, name, middle, part, meaning)
{
    head = text
    sub(/,.*/, "", head)
    head = trim(head)
    name = quoted(text)
    middle = rest
    sub(/"[^"]*"[^"]*$/, "", middle)
    split(middle, part, ",")
    rest = substr(rest, length(middle) + 1)
    meaning = quoted(rest)
    if (trim(part[2]) == "ALIAS") {
        aliases[head, last_name[head]] = aliases[head, last_name[head]] " (also `" name "`)"
        return
    }
    last_name[head] = name
    n = ++count[head]
    field_name[head, n] = name
    field_kind[head, n] = kind_text(trim(part[2]), trim(part[6]), trim(part[4]), trim(part[5]))
    field_need[head, n] = trim(part[3]) == "OPTIONAL" ? "" : trim(part[3]) == "REQUIRED" ? "★" : "☆"
    field_meaning[head, n] = meaning
}

# M(NAME, "type", struct, who, flags, "meaning")
function take_message(text,    type, middle, part)
{
    type = quoted(text)
    middle = rest
    sub(/"[^"]*"[^"]*$/, "", middle)
    split(middle, part, ",")
    rest = substr(rest, length(middle) + 1)
    messages++
    message_type[messages] = type
    message_fields[messages] = trim(part[2])
    message_by[messages] = who(part[3])
    message_meaning[messages] = quoted(rest)
}

function who(bits,    text)
{
    text = ""
    if (bits ~ /BY_CLIENT/)
        text = text ", client"
    if (bits ~ /BY_SERVER/)
        text = text ", server"
    if (bits ~ /BY_EXPERIENCE/)
        text = text ", Experience"
    if (bits ~ /BY_RUNTIME/)
        text = text ", Runtime"
    return substr(text, 3)
}

function take_values(text,    list, all)
{
    list = text
    sub(/^#define WICK_/, "", list)
    sub(/_MAP.*/, "", list)
    all = ""
    rest = text
    for (value = quoted(rest); value != ""; value = quoted(rest))
        all = all (all == "" ? "" : ", ") "`" value "`"
    values[list] = all
}

# A whole macro, its lines joined.
function take_macro(text,    piece, n, i)
{
    if (text ~ /^#define WICK_[A-Z_]+ [0-9]+/) {
        split(text, piece, " ")
        macro[piece[2]] = piece[3]
    } else if (text ~ /^#define WICK_FIELDS_[a-z_]+\(F\)/) {
        n = split(text, piece, / F\(/)
        for (i = 2; i <= n; i++)
            take_field(piece[i])
    } else if (text ~ /^#define WICK_MESSAGE_MAP/) {
        n = split(text, piece, / M\(/)
        for (i = 2; i <= n; i++)
            take_message(piece[i])
    } else if (text ~ /^#define WICK_CODE_MAP/) {
        n = split(text, piece, / X\(/)
        for (i = 2; i <= n; i++) {
            split(piece[i], part, /[,)]/)
            codes++
            code[codes] = trim(part[1])
            code_http[codes] = trim(part[2])
            code_again[codes] = trim(part[3]) == 1 ? "yes" : "no"
        }
    } else if (text ~ /^#define WICK_[A-Z_]+_MAP\(V\)/) {
        take_values(text)
    }
}

function write_fields(name,    i)
{
    print "| field | value | | meaning |"
    print "|---|---|---|---|"
    for (i = 1; i <= count[name]; i++)
        print "| `" field_name[name, i] "`" aliases[name, field_name[name, i]] " | " field_kind[name, i] " | " \
            field_need[name, i] " | " field_meaning[name, i] " |"
}

function write_messages(    i)
{
    print "| type | sent by | payload | meaning |"
    print "|---|---|---|---|"
    for (i = 1; i <= messages; i++)
        print "| `" message_type[i] "` | " message_by[i] " | `" message_fields[i] "` | " message_meaning[i] " |"
}

function write_codes(    i)
{
    print "| code | HTTP | the same again may work |"
    print "|---|---|---|"
    for (i = 1; i <= codes; i++)
        print "| `" code[i] "` | " code_http[i] " | " code_again[i] " |"
}

BEGIN {
    names["STRING"] = "string"
    names["CUT"] = "string, cut"
    names["TYPE"] = "string `[A-Za-z][A-Za-z0-9_.-]*`"
    names["VISIBLE"] = "visible ASCII"
    names["AGENT"] = "string `[a-z0-9_]+(\\.[a-z0-9_]+)*`"
    names["ROOM"] = "string `[A-Za-z0-9_.:@/-]+`"
    names["MISSION"] = "integer or string"
    names["INT"] = "integer"
    names["BOOL"] = "boolean"
    names["NUMBER"] = "number"
    names["ANY"] = "anything"
    names["OBJECT"] = "object"
    names["NUMBERS"] = "object of numbers"
    names["ARRAY"] = "array"
    names["INPUT"] = "object, or a string for `{\"text\":…}`"
    macro["WICK_INT_MAX"] = "9007199254740991"
}

# Two passes over the headers would be simpler, but enums stand behind the fields that use them: they are read first.
FILENAME ~ /event_table\.h$/ && FNR == 1 {
    while ((getline line < FILENAME) > 0) {
        whole = line
        while (whole ~ /\\$/ && (getline line < FILENAME) > 0) {
            sub(/[ \t]*\\$/, " ", whole)
            whole = whole line
        }
        if (whole ~ /^#define WICK_[A-Z_]+_MAP\(V\)/)
            take_values(whole)
    }
    close(FILENAME)
}

FILENAME ~ /\.h$/ {
    text = text $0
    if (text ~ /\\$/) {
        sub(/[ \t]*\\$/, " ", text)
        next
    }
    take_macro(text)
    text = ""
    next
}

/^<!-- (fields [a-z_]+|messages|codes) -->$/ {
    print
    if ($2 == "fields" && !($3 in count))
        print "there is no struct " $3 > "/dev/stderr"
    if ($2 == "fields")
        write_fields($3)
    else if ($2 == "messages")
        write_messages()
    else
        write_codes()
    replacing = 1
    next
}
replacing && /^\|/ { next }
{
    replacing = 0
    print
}
