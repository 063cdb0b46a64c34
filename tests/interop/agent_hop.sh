#!/bin/sh
# One session on WebSocket, SSE and long poll, and the mission profile on /ws: see agent_hop.py.
. tests/lib/tools.sh
need_python agent_hop websockets
"$PYTHON" tests/interop/agent_hop.py
