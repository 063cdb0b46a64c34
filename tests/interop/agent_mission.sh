#!/bin/sh
# The mission profile of agent_server, field by field, against python3-websockets: see agent_mission.py.
. tests/lib/tools.sh
need_python agent_mission websockets
"$PYTHON" tests/interop/agent_mission.py
