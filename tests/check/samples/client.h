/*
 * What a host has around the samples of wick/client.h.
 */
#include <stddef.h>

void begin_connect(wick_transport transport, const wick_client_action *action);
void send_open(wick_client *client, const wick_client_action *action);
void send_bytes(const void *data, size_t len);
void begin_poll(const wick_client_action *action);
void close_connection(wick_transport transport, unsigned code, wick_str reason);
void give_up(wick_client_verdict verdict);
void sleep_until(uint64_t ms);
void show(const wick_event *event);

extern wick_client client;
extern wick_client_config config;
extern wick_client_action action;
extern wick_event event;
extern wick_client_refusal refusal;
extern wick_transport transport;
extern uint64_t now_ms;
extern unsigned close_code;
extern void *memory, *user;
extern const char *id, *message;
extern size_t id_len, len;
