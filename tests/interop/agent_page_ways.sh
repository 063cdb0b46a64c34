#!/bin/sh
# The page of agent_server, the view of its agents and the ways to it, in headless Chromium: see agent_page_ways.js.
. tests/lib/tools.sh
need_node agent_page_ways playwright-core
need_chromium agent_page_ways
"$NODE" tests/interop/agent_page_ways.js "$@"
