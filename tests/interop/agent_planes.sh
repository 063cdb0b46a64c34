#!/bin/sh
# agent_server --runtime: Experience and Runtime as two processes: see agent_planes.py.
. tests/lib/tools.sh
need_python agent_planes websockets
"$PYTHON" tests/interop/agent_planes.py
