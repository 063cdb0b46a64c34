/*
 * What the files of forwarded share: texts of addresses and numbers, piece by piece.
 */
#ifndef WICK_HTTP_FORWARDED_H
#define WICK_HTTP_FORWARDED_H

#include "http/chars.h"
#include "wick/forwarded.h"

/* Read one to five digits and nothing else, at most max. */
int wick_digits_read(wick_str text, unsigned max, unsigned *number);

/* Part a text into the address and what is behind it, which begins with ":" if it is a port. */
wick_str wick_address_split(wick_str text, wick_str *behind);

/* Read an address without a port; an IPv6 one may be in brackets. */
wick_status wick_address_read_plain(wick_str text, wick_address *address);

#endif
