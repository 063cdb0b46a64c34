#!/bin/sh
# What all three servers say of themselves and of a request that they refuse: see refusals.py.
. tests/lib/tools.sh
need_python refusals
"$PYTHON" tests/interop/refusals.py "$@"
