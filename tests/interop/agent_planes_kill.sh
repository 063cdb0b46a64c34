#!/bin/sh
# Sessions and missions across two processes, the Runtime killed: see agent_planes_kill.py.
. tests/lib/tools.sh
need_python agent_planes_kill
"$PYTHON" tests/interop/agent_planes_kill.py
