#!/bin/sh
# wick agent over WebSocket, SSE and long poll, through proxies that let only some of it through: see wick_hop.py.
. tests/lib/tools.sh
need_python wick_hop websockets
"$PYTHON" tests/interop/wick_hop.py
