#!/bin/sh
# agent_server against npm ws: see agent_ws.js.
. tests/lib/tools.sh
need_node agent_ws ws
"$NODE" tests/interop/agent_ws.js
