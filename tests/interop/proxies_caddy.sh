#!/bin/sh
# Caddy in front of the servers, with the configuration of docs/proxies.md and with its usual faults: see proxies/caddy.py.
. tests/lib/tools.sh
PATH=$PATH:/usr/sbin
need_tool proxies_caddy caddy
need_python proxies_caddy websockets
PYTHONPATH=tests/interop "$PYTHON" tests/interop/proxies/caddy.py
