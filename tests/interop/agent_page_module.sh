#!/bin/sh
# examples/web/wick.js without a page: see agent_page_module.js.
. tests/lib/tools.sh
need_node agent_page_module ws
"$NODE" tests/interop/agent_page_module.js "$@"
