# Who includes whom. Run as `awk -f layers.awk FILES`, the names being src/FLOOR/... and include/wick/...; prints each
# include that breaks the rules, and nothing else.
#
#   base, then http and json on it, then ws (base, http) and agent (base, json; neither ws nor http)
#   runtime*: neither http, ws, client nor experience, by any chain of includes
#   no header but those of the compiler, and wick.h stands above everything

BEGIN {
    may["base"] = " base "
    may["http"] = " base http "
    may["json"] = " base json "
    may["ws"] = " base http ws "
    may["agent"] = " base json agent "
    public["base"] = "base"
    split("http http_answer http_request diagnose forwarded sse", names, " ")
    for (i in names)
        public[names[i]] = "http"
    split("frame conn handshake deflate queue prepared", names, " ")
    for (i in names)
        public[names[i]] = "ws"
    public["json"] = "json"
    split("event event_table stream stream_reader experience experience_config experience_session runtime client mission", names, " ")
    for (i in names)
        public[names[i]] = "agent"
    compiler_headers = " stddef.h stdint.h string.h limits.h immintrin.h emmintrin.h tmmintrin.h cpuid.h arm_neon.h "
}

# src/ws/conn.c and ws/conn.h are on floor ws; include/wick/conn.h and wick/conn.h are on the floor of the table.
function floor_of(path,    name)
{
    if (path ~ /(^|\/)wick\.h$/)
        return "wick.h"
    if (path ~ /(^|\/)wick\/[a-z_0-9]+\.h$/) {
        name = path
        sub(/.*\//, "", name)
        sub(/\.h$/, "", name)
        return name in public ? public[name] : "unknown"
    }
    sub(/.*src\//, "", path)
    sub(/\/.*/, "", path)
    return path in may ? path : "unknown"
}

# One name for a file however it is written: wick/conn.h, ws/conn.c.
function short(path)
{
    sub(/.*include\//, "", path)
    sub(/.*src\//, "", path)
    return path
}

FNR == 1 {
    here = floor_of(FILENAME)
    if (here == "unknown")
        print FILENAME ": on no floor: name its floor in tests/check/layers.awk"
}

/^[ \t]*#[ \t]*include/ {
    target = $0
    sub(/^[^"<]*["<]/, "", target)
    sub(/[">].*/, "", target)
    if ($0 ~ /</) {
        if (index(compiler_headers, " " target " ") == 0)
            print FILENAME ":" FNR ": <" target "> is not a header of the compiler"
        next
    }
    edges[short(FILENAME)] = edges[short(FILENAME)] " " target
    if (here == "wick.h" || here == "unknown")
        next
    if (target !~ /\// && FILENAME !~ /include/) {
        print FILENAME ":" FNR ": write \"FLOOR/" target "\""
        next
    }
    there = floor_of(target)
    if (there == "wick.h" || index(may[here], " " there " ") == 0)
        print FILENAME ":" FNR ": floor " here " includes " target " of floor " there
}

END {
    for (file in edges) {
        if (file !~ /^(wick|agent)\/runtime/)
            continue
        todo = edges[file]
        seen = " "
        while (todo ~ /[^ ]/) {
            sub(/^ +/, "", todo)
            target = todo
            sub(/ .*/, "", target)
            todo = substr(todo, length(target) + 1)
            if (index(seen, " " target " "))
                continue
            seen = seen target " "
            there = floor_of(target)
            if (there == "http" || there == "ws" || target ~ /(experience|client)/)
                print file ": the Runtime must not know " target
            todo = todo edges[target]
        }
    }
}
