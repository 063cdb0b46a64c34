/*
 * What a host has around the samples of wick/experience.h.
 */
#include <stdlib.h>

#include "wick/conn.h"
#include "wick/runtime.h"

extern wick_runtime *runtime;
extern wick_experience *experience;
extern wick_link link_of_reader;
extern const wick_experience_callbacks callbacks;
extern wick_status status;
extern const char *message;
extern size_t len;
extern void *reader;
extern uint64_t now_ms;
