#!/bin/sh
# A room of 200 members, one of them deaf and one away: see agent_room.py.
. tests/lib/tools.sh
need_python agent_room
"$PYTHON" tests/interop/agent_room.py
