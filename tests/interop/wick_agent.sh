#!/bin/sh
# `wick agent` against agent_server, through a proxy that cuts, and against servers made to misbehave: see wick_agent.py.
. tests/lib/tools.sh
need_python wick_agent websockets
"$PYTHON" tests/interop/wick_agent.py
