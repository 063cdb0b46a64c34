/*
 * wick.h - all of wick. Give it bytes, it gives you events; give it events, it gives you bytes; nothing else happens.
 *
 * The conventions that hold everywhere stand at the top of wick/base.h. Each header is the manual of its part:
 *
 *   wick/base.h        slices, statuses, UTF-8, masking kernels, SHA-1, base64
 */
#ifndef WICK_H
#define WICK_H

#include "wick/base.h"

#endif
