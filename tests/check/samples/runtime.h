/*
 * What a host has around the samples of wick/runtime.h.
 */
#include <stdlib.h>

int on_event(void *user, const wick_event *event);

extern wick_runtime *runtime;
extern wick_invocation invocation;
extern wick_code code;
extern uint64_t now_ms;
