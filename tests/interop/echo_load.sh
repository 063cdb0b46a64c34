#!/bin/sh
# What echo_server costs and survives: 10,000 idle connections, floods, readers that do not read, no descriptors left, and
# how it ends.
. tests/lib/tools.sh
need_python echo_load
ulimit -n "$(ulimit -H -n)"
"$PYTHON" tests/interop/echo_load.py "$B/bin/echo_server"
