#!/bin/sh
# HAProxy in front of the servers, with the configuration of docs/proxies.md and with its usual faults: see proxies/haproxy.py.
. tests/lib/tools.sh
PATH=$PATH:/usr/sbin
need_tool proxies_haproxy haproxy
need_python proxies_haproxy websockets
PYTHONPATH=tests/interop "$PYTHON" tests/interop/proxies/haproxy.py
