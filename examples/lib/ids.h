/*
 * ids.h - things by their id: a hash table of structs that embed an entry, and a ring of structs that embed a place.
 *
 *     struct run { struct id_entry entry; ... };
 *     ids_add(&ids, &run->entry, &event->head.invocation_id);
 *     run = (struct run *)ids_find(&ids, &event->head.invocation_id);    // the entry is the first member
 *
 * Nothing is copied but the id, and nothing is freed but the table. Ids come from strangers: the hash has a seed.
 */
#ifndef EXAMPLES_IDS_H
#define EXAMPLES_IDS_H

#include "wick.h"

struct id_entry {
    struct id_entry *next;
    uint64_t hash;
    size_t len;
    char text[WICK_LIMIT_ID]; /* plain, without NUL */
};

struct ids {
    struct id_entry **buckets;
    size_t mask, count;
    uint64_t seed;
};

/* Returns 0, or -1. */
int ids_init(struct ids *ids);
void ids_free(struct ids *ids);
/* Returns NULL if there is none. */
struct id_entry *ids_find(const struct ids *ids, const wick_text *id);
/* The id must not be in the table. Returns 0, or -1 if it is empty or too long, or there is no memory. */
int ids_add(struct ids *ids, struct id_entry *entry, const wick_text *id);
void ids_remove(struct ids *ids, struct id_entry *entry);
/* The id of an entry, as long as the entry. */
wick_text ids_text(const struct id_entry *entry);

/* A place in a ring, or the ring itself. */
struct ring {
    struct ring *prev, *next;
};

void ring_init(struct ring *ring);
int ring_empty(const struct ring *ring);
/* At the end of the ring. */
void ring_add(struct ring *ring, struct ring *place);
/* From whatever ring it is in; from none does nothing. */
void ring_remove(struct ring *place);

#endif
