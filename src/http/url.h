/*
 * Percent-encoded text compared without decoding it first.
 */
#ifndef WICK_HTTP_URL_H
#define WICK_HTTP_URL_H

#include "wick/base.h"

/* Tell whether a percent-encoded text is the plain one; with form, "+" is a space. A broken "%" is not. */
int wick_url_decoded_is(wick_str text, int form, wick_str plain);

#endif
