#!/bin/sh
# nginx in front of the servers, with the configuration of docs/proxies.md and with its usual faults: see proxies/nginx.py.
. tests/lib/tools.sh
PATH=$PATH:/usr/sbin
need_tool proxies_nginx nginx openssl curl
need_python proxies_nginx websockets
PYTHONPATH=tests/interop "$PYTHON" tests/interop/proxies/nginx.py
