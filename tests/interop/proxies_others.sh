#!/bin/sh
# lighttpd, Varnish, Squid and npm http-proxy in front of the servers, with the configurations of docs/proxies.md: see
# proxies/others.py.
. tests/lib/tools.sh
PATH=$PATH:/usr/sbin
need_python proxies_others websockets
need_node proxies_others http-proxy
kinds=node
for pair in lighttpd:lighttpd varnishd:varnish squid:squid; do
    if have "${pair%:*}"; then
        kinds="$kinds ${pair#*:}"
    else
        skip "proxies_others/${pair#*:}" "${pair%:*} is not installed"
    fi
done
# The words are split on purpose.
# shellcheck disable=SC2086
PYTHONPATH=tests/interop "$PYTHON" tests/interop/proxies/others.py $kinds
