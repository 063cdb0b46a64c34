#!/bin/sh
# The page of agent_server in headless Chromium: see agent_page.js.
. tests/lib/tools.sh
need_node agent_page playwright-core
need_chromium agent_page
"$NODE" tests/interop/agent_page.js "$@"
