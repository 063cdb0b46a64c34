/*
 * What the parts of the diagnosis share.
 */
#ifndef WICK_HTTP_DIAGNOSE_H
#define WICK_HTTP_DIAGNOSE_H

#include "http/chars.h"
#include "wick/diagnose.h"

/* The hint of PATH_CHANGED for a prefix that the path still has. Empty if built with WICK_NO_DIAGNOSE. */
wick_str wick_diagnose_hint_kept(wick_proxy proxy);

#endif
