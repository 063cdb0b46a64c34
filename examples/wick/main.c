/*
 * wick - WebSocket from the command line.
 */
#include <stdio.h>
#include <string.h>

#include "wick/wick.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *about;
} commands[] = {
    { "connect", connect_command, "send lines from stdin, print messages" },
    { "echo", echo_command, "send back every message until the server closes" },
    { "agent", agent_command, "send a message to an agent, print what it says" },
    { "doctor", doctor_command, "find out why a connection fails, and what to change" },
};

#define COMMAND_COUNT (sizeof commands / sizeof *commands)

static void usage(FILE *to)
{
    fputs("usage: wick COMMAND [OPTION]... URL [TEXT]\n\n", to);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(to, "  wick %-10s %s\n", commands[i].name, commands[i].about);
    fputs("\n  wick COMMAND --help says more; wick --version prints the version\n", to);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        usage(stdout);
        return 0;
    }
    if (strcmp(name, "--version") == 0) {
        printf("wick %s\n", WICK_VERSION);
        return 0;
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(name, commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    if (*name)
        fprintf(stderr, "wick: there is no command '%s'\n", name);
    usage(stderr);
    return 2;
}
