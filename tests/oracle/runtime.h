/*
 * A model of the Runtime's promise: whatever agents and callers do, and whoever refuses what, the events of each run are
 * started, anything, one last event, in this order and never another run's; and in the end all slots are free.
 */
#ifndef WICK_TESTS_ORACLE_RUNTIME_H
#define WICK_TESTS_ORACLE_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

/* Run a script: pairs of bytes, what to do and with which run. Returns NULL, or what went wrong. */
const char *oracle_runtime_run(const uint8_t *data, size_t size);

#endif
