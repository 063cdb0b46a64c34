#!/bin/sh
# Apache in front of the servers, with the configuration of docs/proxies.md and with its usual faults: see proxies/apache.py.
. tests/lib/tools.sh
PATH=$PATH:/usr/sbin
need_tool proxies_apache apache2
need_python proxies_apache websockets
PYTHONPATH=tests/interop "$PYTHON" tests/interop/proxies/apache.py
