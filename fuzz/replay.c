/*
 * A main for a fuzz target without libFuzzer: run its committed corpus, as part of `make test`.
 *
 * Without arguments the corpus is fuzz/corpus/NAME, NAME being the program's own name without "-replay"; arguments name
 * files or folders instead. Each input is given whole, flush against an unreadable page on either side, and then cut
 * off at every length if it is short; a target that finds something wrong aborts.
 */
#include "lib/test.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Inputs up to this long are also tried at every shorter length. */
#define CUT_MAX 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long inputs;
static char name[256], running[4096];

/* Name the input that killed the target. Only what a signal handler may call. */
static void on_crash(int sig)
{
    const char *parts[] = {"not ok fuzz/", name, ": crashed on ", running, "\n"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (write(STDOUT_FILENO, parts[i], strlen(parts[i])) < 0)
            break;
    signal(sig, SIG_DFL);
    raise(sig);
}

static void run(const uint8_t *data, size_t len)
{
    uint8_t *back = test_guard_back(data, len);
    LLVMFuzzerTestOneInput(back, len);
    test_unguard(back, len);
}

static int run_file(const char *path)
{
    size_t len;
    char *data = test_read_file(path, &len);
    if (!data) {
        perror(path);
        return -1;
    }
    uint8_t *front = test_guard_front(data, len);
    LLVMFuzzerTestOneInput(front, len);
    test_unguard(front, len);
    run((const uint8_t *)data, len);
    for (size_t cut = 0; len <= CUT_MAX && cut < len; cut++)
        run((const uint8_t *)data, cut);
    free(data);
    inputs++;
    return 0;
}

static int run_folder(const char *path)
{
    DIR *folder = opendir(path);
    if (!folder) {
        perror(path);
        return -1;
    }
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(running, sizeof running, "%s/%s", path, entry->d_name);
        if (run_file(running) != 0)
            return -1;
    }
    closedir(folder);
    return 0;
}

static int run_path(const char *path)
{
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return run_folder(path);
    snprintf(running, sizeof running, "%s", path);
    return run_file(path);
}

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');
    char corpus[300];
    snprintf(name, sizeof name, "%s", slash ? slash + 1 : argv[0]);
    char *suffix = strstr(name, "-replay");
    if (suffix)
        *suffix = 0;
    snprintf(corpus, sizeof corpus, "fuzz/corpus/%s", name);
    signal(SIGABRT, on_crash);
    signal(SIGSEGV, on_crash);
    signal(SIGBUS, on_crash);
    signal(SIGILL, on_crash);
    int failed = argc < 2 ? run_path(corpus) : 0;
    for (int i = 1; i < argc; i++)
        failed |= run_path(argv[i]);
    if (failed || inputs == 0) {
        printf("not ok fuzz/%s: no input at %s\n", name, argc < 2 ? corpus : argv[1]);
        return 1;
    }
    printf("ok fuzz/%s: %lu inputs\n", name, inputs);
    return 0;
}
