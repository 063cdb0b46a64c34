#!/bin/sh
# The HTTP surface of agent_server: see agent_http.py.
. tests/lib/tools.sh
need_python agent_http
"$PYTHON" tests/interop/agent_http.py
