#!/bin/sh
# Agents as child processes of agent_server: see agent_children.py.
. tests/lib/tools.sh
need_tool agent_children ps sed tr head
need_python agent_children websockets
"$PYTHON" tests/interop/agent_children.py
