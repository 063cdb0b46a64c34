#!/bin/sh
# agent_server in quiet mode against python3-websockets: see agent_session.py.
. tests/lib/tools.sh
need_python agent_session websockets
"$PYTHON" tests/interop/agent_session.py
