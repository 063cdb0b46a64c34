#!/bin/sh
# Rules of the protocol that are easily missed, on agent_server, against python3-websockets: see agent_rules.py.
. tests/lib/tools.sh
need_python agent_rules websockets
"$PYTHON" tests/interop/agent_rules.py
