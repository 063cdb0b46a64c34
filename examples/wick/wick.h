/*
 * wick.h - what the commands of `wick` share.
 */
#ifndef EXAMPLES_WICK_H
#define EXAMPLES_WICK_H

#include "lib/client.h"
#include "lib/options.h"

/* The commands: called with their own name as argv[0]. They return the exit status. */
int connect_command(int argc, char **argv);
int echo_command(int argc, char **argv);
int agent_command(int argc, char **argv);
int doctor_command(int argc, char **argv);

/* The loop of the process, and what the exit status will be. */
extern struct loop command_loop;
extern int command_status;

/*
 * Read the options of a command and its one argument, the URL; a wrong one ends the program with 2. options->url is
 * set, and what --header, --subprotocol and --origin ask for.
 */
void command_options(const struct program *program, int argc, char **argv, struct client_options *options);

/* The same for a command that has more arguments, when it has read its options. */
void command_target(const struct program *program, const char *url, struct client_options *options);

/* Read header_list and subprotocol_list into options, and see to --ca and --insecure. command_target() does it too. */
void command_fields(const struct program *program, struct client_options *options);

/* Options that every command with a URL takes. */
extern struct option_list header_list, subprotocol_list;
extern const char *origin_text;
extern uint64_t max_message;
extern const char *ca_file;
extern int insecure;
#define TLS_OPTIONS                                                                                                  \
    { "ca", "FILE", "believe these certificates too, for wss", OPTION_TEXT, &ca_file, 0 },                           \
    { "insecure", NULL, "believe any certificate", OPTION_FLAG, &insecure, 0 }
#define COMMAND_OPTIONS                                                                                              \
    { "header", "'NAME: VALUE'", "a field for the handshake", OPTION_LIST, &header_list, 0 },                        \
    { "subprotocol", "NAME", "a subprotocol to offer", OPTION_LIST, &subprotocol_list, 0 },                          \
    { "origin", "ORIGIN", "the Origin to send (none)", OPTION_TEXT, &origin_text, 0 },                               \
    { "max-message", "BYTES", "the largest message, K, M and G allowed (64M)", OPTION_NUMBER, &max_message, 0 },     \
    TLS_OPTIONS,                                                                                                     \
    { NULL, NULL, NULL, OPTION_FLAG, NULL, 0 }

/* Connect, and run until the connection is over. Returns the exit status: 0 if it was closed by a close handshake. */
int command_run(const struct client_options *options, struct ws_service *websockets);

/* Free what command_options() and command_run() have made, and give command_status. command_run() does it itself. */
int command_end(void);

/* For ws_service.on_gone: says on stderr how it ended, sets the exit status and stops the loop. */
void command_gone(struct peer *peer, wick_status why);
/* For wick_conn_callbacks.on_close: remembers code and reason for command_gone(). */
int command_closed(wick_conn *conn, void *user, unsigned code, const char *reason, size_t len);

/* Say on stderr why there is no connection: for client_options.on_failed. Sets the exit status and stops the loop. */
void command_failed(struct loop *loop, const struct client_failure *failure, void *user);
/* Only say it. */
void command_tell_failure(const struct client_failure *failure);
/* Put text of the server's on stderr, control characters escaped. */
void command_put_text(const char *text, size_t len);

#endif
