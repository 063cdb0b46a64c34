#!/bin/sh
# Fifty agents at once that behave badly: see agent_bad_children.py.
. tests/lib/tools.sh
need_python agent_bad_children
"$PYTHON" tests/interop/agent_bad_children.py
