#!/bin/sh
# EventSource, npm's and Chromium's, on missions and sessions: see agent_eventsource.js.
. tests/lib/tools.sh
need_node agent_eventsource eventsource playwright-core
need_chromium agent_eventsource
"$NODE" tests/interop/agent_eventsource.js
