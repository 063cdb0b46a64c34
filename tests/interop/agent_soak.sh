#!/bin/sh
# Sessions that come and go in every way leave nothing behind: see agent_soak.py.
. tests/lib/tools.sh
need_python agent_soak
"$PYTHON" tests/interop/agent_soak.py
