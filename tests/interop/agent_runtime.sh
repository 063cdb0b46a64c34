#!/bin/sh
# agent_runtime, with a hand-written Experience: see agent_runtime.py.
. tests/lib/tools.sh
need_python agent_runtime websockets
"$PYTHON" tests/interop/agent_runtime.py
