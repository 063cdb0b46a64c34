/*
 * embed - write C that holds the files named as arguments, as the table of embed.h.
 *
 * A tool of the build: it runs on the machine that builds. Bytes are written as numbers, because a string literal of
 * more than 4095 characters is beyond what C99 promises.
 */
#include <stdio.h>
#include <string.h>

#define PER_LINE 24

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int write_bytes(int index, const char *path, unsigned long *len)
{
    FILE *in = fopen(path, "rb");
    int byte;
    if (!in) {
        perror(path);
        return -1;
    }
    *len = 0;
    printf("static const unsigned char file_%d[] = {", index);
    while ((byte = getc(in)) != EOF)
        printf("%s%d,", (*len)++ % PER_LINE ? "" : "\n", byte);
    /* One more byte, so that the array of an empty file has a size. */
    printf("\n0};\n\n");
    int failed = ferror(in);
    if (failed)
        perror(path);
    fclose(in);
    return failed ? -1 : 0;
}

int main(int argc, char **argv)
{
    unsigned long len[256];
    if (argc > (int)(sizeof len / sizeof *len)) {
        fprintf(stderr, "embed: too many files\n");
        return 2;
    }
    printf("#include \"tools/embed.h\"\n\n");
    for (int i = 1; i < argc; i++)
        if (write_bytes(i, argv[i], &len[i]) != 0)
            return 1;
    printf("const embedded_file embedded_files[] = {\n");
    for (int i = 1; i < argc; i++)
        printf("    {\"%s\", file_%d, %lu},\n", base_name(argv[i]), i, len[i]);
    printf("    {NULL, NULL, 0},\n};\n");
    return fflush(stdout) != 0 || ferror(stdout);
}
