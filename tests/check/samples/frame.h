/*
 * What a host has around the sample of wick/frame.h.
 */
extern uint8_t *data;
extern size_t len;
