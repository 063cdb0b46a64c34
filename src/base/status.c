/*
 * The names and sentences of wick_status, from the one table in wick/base.h.
 */
#include "wick/base.h"

const char *wick_status_name(wick_status status)
{
    switch (status) {
#define STATUS_NAME(name, value, code, section, text) \
    case WICK_##name:                                 \
        return "WICK_" #name;
        WICK_STATUS_MAP(STATUS_NAME)
#undef STATUS_NAME
    }
    return "WICK_UNKNOWN";
}

const char *wick_status_text(wick_status status)
{
    switch (status) {
#define STATUS_TEXT(name, value, code, section, text) \
    case WICK_##name:                                 \
        return text;
        WICK_STATUS_MAP(STATUS_TEXT)
#undef STATUS_TEXT
    }
    return "unknown status";
}

const char *wick_status_section(wick_status status)
{
    switch (status) {
#define STATUS_SECTION(name, value, code, section, text) \
    case WICK_##name:                                    \
        return section;
        WICK_STATUS_MAP(STATUS_SECTION)
#undef STATUS_SECTION
    }
    return "";
}

unsigned wick_status_close_code(wick_status status)
{
    switch (status) {
#define STATUS_CODE(name, value, code, section, text) \
    case WICK_##name:                                 \
        return code;
        WICK_STATUS_MAP(STATUS_CODE)
#undef STATUS_CODE
    }
    return 0;
}
