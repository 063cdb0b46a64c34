#!/bin/sh
# A run through a hundred killed connections, on each transport and from one to another: see agent_cuts.py.
. tests/lib/tools.sh
need_python agent_cuts
"$PYTHON" tests/interop/agent_cuts.py
