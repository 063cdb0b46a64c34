/*
 * What a host has around the sample of wick/experience_config.h.
 */
#include <stdlib.h>

#include "wick/experience.h"

extern wick_experience *experience;
extern const wick_experience_callbacks callbacks;
extern wick_route routes[16];
extern wick_status status;
extern const char *text;
extern size_t len, line;
extern uint64_t now_ms;
