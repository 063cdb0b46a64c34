/*
 * One stream, cut anywhere and received by a host that pauses and blocks anywhere, against the oracle that sees it whole. The
 * body of the fuzz targets conn_server and conn_client, and of the tests with random streams.
 */
#ifndef WICK_TESTS_LIB_DIFFERENTIAL_H
#define WICK_TESTS_LIB_DIFFERENTIAL_H

#include "lib/recorder.h"

#define DIFFERENTIAL_HEAD 4

/*
 * The first four bytes say how, the rest is the stream: the way of receiving and the limits; how it is cut; what the host
 * does; a seed. Gives NULL or what differs.
 */
const char *differential(wick_role role, const uint8_t *data, size_t size);

#endif
