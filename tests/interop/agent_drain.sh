#!/bin/sh
# SIGTERM in the middle of a hundred runs, heard on every transport: see agent_drain.py.
. tests/lib/tools.sh
need_python agent_drain
"$PYTHON" tests/interop/agent_drain.py
