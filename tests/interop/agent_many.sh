#!/bin/sh
# 10,000 idle sessions, 2,000 runs at once, and the most that a server takes: see agent_many.py.
. tests/lib/tools.sh
need_python agent_many
"$PYTHON" tests/interop/agent_many.py
