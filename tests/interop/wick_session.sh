#!/bin/sh
# wick connect --session against agent_server, through cuts too: see wick_session.py.
. tests/lib/tools.sh
need_python wick_session websockets
"$PYTHON" tests/interop/wick_session.py
