#!/bin/sh
# agent_server with agent-events.v1 against python3-websockets: see agent_resume.py.
. tests/lib/tools.sh
need_python agent_resume websockets
"$PYTHON" tests/interop/agent_resume.py
