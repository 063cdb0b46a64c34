#!/bin/sh
# What agent_server says about itself: see agent_schema.py.
. tests/lib/tools.sh
need_python agent_schema jsonschema
"$PYTHON" tests/interop/agent_schema.py
