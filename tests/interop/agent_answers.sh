#!/bin/sh
# Questions answered after their client has gone, and messages sent again: see agent_answers.py.
. tests/lib/tools.sh
need_python agent_answers
"$PYTHON" tests/interop/agent_answers.py
