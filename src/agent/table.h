/*
 * A fixed number of slots with names: find one by its name, take the one that has been free longest.
 *
 * A slot that is released keeps its name until it is taken again, so the names of what is over are remembered as long
 * as there is room. Slots are numbers below the capacity; what they stand for lies in arrays of the user's. The memory
 * holds no pointers and may be moved.
 */
#ifndef WICK_AGENT_TABLE_H
#define WICK_AGENT_TABLE_H

#include "wick/event.h"

#define WICK_NO_SLOT UINT32_MAX
/** The most slots of a table: twice as many entries still have a power of two in 32 bits. */
#define WICK_SLOTS_MAX (1u << 24)

/* A name in plain form, with its hash. */
typedef struct wick_slot_name {
    uint64_t hash;
    uint32_t len;
    char text[WICK_LIMIT_ID];
} wick_slot_name;

typedef struct wick_table {
    uint64_t seed;
    uint32_t cap;
    uint32_t mask;
    uint32_t first_free;
    uint32_t last_free;
    uint32_t free_count;
    uint32_t pad;
} wick_table;

/* Bytes of a table with cap slots, a multiple of 8; 0 if cap is 0 or above WICK_SLOTS_MAX. */
size_t wick_table_size(uint32_t cap);
/* seed: secret, so that a peer cannot choose names that collide; 0 will do where peers choose none. */
void wick_table_init(wick_table *table, uint32_t cap, uint64_t seed);

/* Make a name for this table. Returns 0, or -1 if the text is absent, empty or too long. */
int wick_slot_name_set(const wick_table *table, wick_slot_name *name, const wick_text *text);
/* The name as text, in the slot or in *name. */
wick_text wick_slot_name_text(const wick_slot_name *name);

/* The slot that has this name, taken or released; WICK_NO_SLOT if there is none. */
uint32_t wick_table_find(const wick_table *table, const wick_slot_name *name);
/* Take a free slot and name it, forgetting the name it had. WICK_NO_SLOT if none is free. */
uint32_t wick_table_take(wick_table *table, const wick_slot_name *name);
/* Give a slot back; its name is remembered. */
void wick_table_release(wick_table *table, uint32_t slot);
/* Give a slot back as if it had never been taken; its name is forgotten, and it is the next to be taken. */
void wick_table_undo(wick_table *table, uint32_t slot);
/* Forget the name of a slot that is released, so that it can be given to another. */
void wick_table_forget(wick_table *table, uint32_t slot);
const wick_slot_name *wick_table_name(const wick_table *table, uint32_t slot);
/* Whether the slot is taken, for a slot that find gave. */
int wick_table_taken(const wick_table *table, uint32_t slot);

/* Text of a short NUL-terminated string, cut at 1024 bytes. (A loop without a limit would become a call of strlen.) */
static inline wick_text wick_text_from(const char *string)
{
    size_t len = 0;
    while (len < 1024 && string[len])
        len++;
    return wick_text_of(string, len);
}

/* An agent id: [a-z0-9_]+(\.[a-z0-9_]+)*, 1 to 128 characters. */
int wick_agent_id_valid(const char *text, size_t len);

#endif
