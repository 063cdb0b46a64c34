#!/bin/sh
# docs/proxies.md has every cause and every proxy that wick/diagnose.h names, and every configuration in it is run by a test.
. tests/lib/tools.sh

doc=docs/proxies.md

# The names of an X-macro of diagnose.h: `X(NAME, ...` is a cause, `X(NAME, "readable name")` a proxy.
causes() {
    sed -n '/define WICK_CAUSE_MAP/,/^typedef/s/^ *X(\([A-Z0-9_]*\), .*/\1/p' include/wick/diagnose.h
}
proxies() {
    sed -n '/define WICK_PROXY_MAP/,/^typedef/s/^ *X([A-Z0-9_]*, *"\([^"]*\)").*/\1/p' include/wick/diagnose.h
}

{
    [ "$(causes | wc -l)" -ge 9 ] || echo "include/wick/diagnose.h: $(causes | wc -l) causes found"
    [ "$(proxies | wc -l)" -ge 15 ] || echo "include/wick/diagnose.h: $(proxies | wc -l) proxies found"
    causes | while read -r cause; do
        grep -q "\`$cause\`" $doc || echo "$doc does not explain $cause"
    done
    proxies | sed 's/ or .*//' | while read -r proxy; do
        grep -qF "$proxy" $doc || echo "$doc has nothing for $proxy"
    done
} > "$tmp/found"
check proxies/causes-and-proxies "$tmp/found"

sed -n 's/^<!-- config: \([a-z-]*\) -->$/\1/p' $doc > "$tmp/configs"
{
    [ "$(wc -l < "$tmp/configs")" -ge 9 ] || echo "$doc: $(wc -l < "$tmp/configs") configurations found"
    while read -r config; do
        grep -qF "config(\"$config\")" tests/interop/proxies/*.py || echo "$doc: no test runs the configuration $config"
    done < "$tmp/configs"
} > "$tmp/found"
check proxies/configurations-are-run "$tmp/found"
