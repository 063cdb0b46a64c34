#include "tools/embed.h"

const embedded_file embedded_files[] = {
    {NULL, NULL, 0},
};
