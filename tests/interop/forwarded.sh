#!/bin/sh
# Forwarded headers and PROXY headers, by hand and of nginx, HAProxy, Caddy and Apache: see forwarded.py.
. tests/lib/tools.sh
need_python forwarded
"$PYTHON" tests/interop/forwarded.py
