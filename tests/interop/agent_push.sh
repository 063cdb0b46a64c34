#!/bin/sh
# /ws/workflow, /ws/coordinator and /ws/agent of agent_server against python3-websockets: see agent_push.py.
. tests/lib/tools.sh
need_python agent_push websockets
"$PYTHON" tests/interop/agent_push.py
