/*
 * ids.c - see ids.h. Chained, with at most one entry a bucket on average; it grows and never shrinks.
 */
#include "lib/ids.h"

#include <stdlib.h>
#include <string.h>

#include "lib/random.h"

#define FIRST_BUCKETS 64

int ids_init(struct ids *ids)
{
    memset(ids, 0, sizeof *ids);
    ids->buckets = calloc(FIRST_BUCKETS, sizeof(struct id_entry *));
    ids->mask = FIRST_BUCKETS - 1;
    return ids->buckets && random_bytes(&ids->seed, sizeof ids->seed) == 0 ? 0 : -1;
}

void ids_free(struct ids *ids)
{
    free(ids->buckets);
    ids->buckets = NULL;
}

static uint64_t hash_of(const struct ids *ids, wick_str id)
{
    uint64_t hash = ids->seed;
    for (size_t i = 0; i < id.len; i++) {
        hash = (hash ^ (uint8_t)id.data[i]) * 0x9E3779B97F4A7C15u;
        hash ^= hash >> 32;
    }
    return hash;
}

/* The id in plain form. Returns 0, or -1 if it is none. */
static int plain_id(const wick_text *id, char *space, wick_str *plain)
{
    return id->data && wick_text_plain(id, space, WICK_LIMIT_ID, plain) == WICK_OK && plain->len &&
                   plain->len <= WICK_LIMIT_ID
               ? 0
               : -1;
}

struct id_entry *ids_find(const struct ids *ids, const wick_text *id)
{
    char space[WICK_LIMIT_ID];
    wick_str plain;
    if (plain_id(id, space, &plain) < 0)
        return NULL;
    uint64_t hash = hash_of(ids, plain);
    struct id_entry *entry = ids->buckets[hash & ids->mask];
    while (entry && (entry->hash != hash || entry->len != plain.len || memcmp(entry->text, plain.data, plain.len) != 0))
        entry = entry->next;
    return entry;
}

static void put(struct ids *ids, struct id_entry *entry)
{
    struct id_entry **bucket = &ids->buckets[entry->hash & ids->mask];
    entry->next = *bucket;
    *bucket = entry;
}

/* Twice the buckets; without the memory the chains are longer. */
static void grow(struct ids *ids)
{
    size_t old = ids->mask + 1;
    struct id_entry **from = ids->buckets, **to = calloc(old * 2, sizeof(struct id_entry *));
    if (!to)
        return;
    ids->buckets = to;
    ids->mask = old * 2 - 1;
    for (size_t i = 0; i < old; i++) {
        for (struct id_entry *entry = from[i], *next; entry; entry = next) {
            next = entry->next;
            put(ids, entry);
        }
    }
    free(from);
}

int ids_add(struct ids *ids, struct id_entry *entry, const wick_text *id)
{
    char space[WICK_LIMIT_ID];
    wick_str plain;
    if (plain_id(id, space, &plain) < 0)
        return -1;
    if (ids->count > ids->mask)
        grow(ids);
    memcpy(entry->text, plain.data, plain.len);
    entry->len = plain.len;
    entry->hash = hash_of(ids, plain);
    put(ids, entry);
    ids->count++;
    return 0;
}

void ids_remove(struct ids *ids, struct id_entry *entry)
{
    struct id_entry **at = &ids->buckets[entry->hash & ids->mask];
    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    ids->count--;
}

wick_text ids_text(const struct id_entry *entry)
{
    return wick_text_of(entry->text, entry->len);
}

void ring_init(struct ring *ring)
{
    ring->prev = ring->next = ring;
}

int ring_empty(const struct ring *ring)
{
    return ring->next == ring;
}

void ring_add(struct ring *ring, struct ring *place)
{
    place->prev = ring->prev;
    place->next = ring;
    ring->prev->next = place;
    ring->prev = place;
}

void ring_remove(struct ring *place)
{
    place->prev->next = place->next;
    place->next->prev = place->prev;
    ring_init(place);
}
