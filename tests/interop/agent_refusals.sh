#!/bin/sh
# What agent_server refuses, by hand-written requests: see agent_refusals.py.
. tests/lib/tools.sh
need_python agent_refusals
"$PYTHON" tests/interop/agent_refusals.py
