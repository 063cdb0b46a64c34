#!/bin/sh
# wick doctor against proxies that fail in every way that proxies do, in front of four servers; and against a real nginx: see
# wick_doctor.py.
. tests/lib/tools.sh
need_python wick_doctor websockets
NODE_PATH=$(pwd)/build/interop/node_modules${NODE_PATH:+:$NODE_PATH}
export NODE_PATH
TMP=$tmp "$PYTHON" tests/interop/wick_doctor.py
