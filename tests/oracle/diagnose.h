/*
 * A second diagnosis, slow and obvious: one question after the other, each asked of the whole request anew.
 */
#ifndef WICK_TESTS_ORACLE_DIAGNOSE_H
#define WICK_TESTS_ORACLE_DIAGNOSE_H

#include "wick/diagnose.h"

/* Like wick_diagnose_upgrade(); *misspelt as in wick_diagnosis. */
wick_cause oracle_diagnose_upgrade(const wick_http_request *request, int *misspelt);

/* Like wick_diagnose_proxy(). */
wick_proxy oracle_diagnose_proxy(const wick_http_request *request);

/* Like wick_diagnose_origin(). */
wick_cause oracle_diagnose_origin(const wick_http_request *request);

/* Like wick_diagnose_path(): the length of the prefix, 0 if there is none; *kept and *route as found. */
size_t oracle_diagnose_path(wick_str path, const wick_http_route *routes, size_t count, int *kept, size_t *route);

#endif
