/*
 * What the parts of the diagnosis share.
 */
#ifndef WICK_HTTP_DIAGNOSE_H
#define WICK_HTTP_DIAGNOSE_H

#include "http/chars.h"
#include "wick/diagnose.h"

/* wick_cause_name() and wick_proxy_name() with their lengths. */
wick_str wick_cause_str(wick_cause cause);
wick_str wick_proxy_str(wick_proxy proxy);

/* wick_diagnose_upgrade(), with misspelt set in *why beside cause. */
wick_cause wick_diagnose_upgrade_in(const wick_http_request *request, wick_diagnosis *why);

/* The hint of PATH_CHANGED for a prefix that the path still has. Empty if built with WICK_NO_DIAGNOSE. */
wick_str wick_diagnose_hint_kept(wick_proxy proxy);

#endif
