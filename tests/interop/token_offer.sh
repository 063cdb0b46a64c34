#!/bin/sh
# A token offered without a profile, by Chromium and by npm ws: see token_offer.js.
. tests/lib/tools.sh
need_node token_offer ws playwright-core
need_chromium token_offer
"$NODE" tests/interop/token_offer.js "$@"
