/*
 * Named slots: see table.h.
 *
 * Behind the struct lie an index, the names, and the links of the free slots:
 *
 *     wick_table | entries[mask + 1] | slots[cap]
 *
 * The index is open-addressed with linear probing, at most half full, and an entry is taken out by moving later ones
 * back (Knuth, The Art of Computer Programming 3, 6.4, algorithm R), so that there are no tombstones.
 */
#include "agent/table.h"

#include <string.h>

#include "base/bytes.h"

#define FREE_END UINT32_MAX
#define TAKEN (UINT32_MAX - 1)

typedef struct table_entry {
    uint64_t hash;
    uint32_t slot; /* plus one; 0 is empty */
    uint32_t pad;
} table_entry;

typedef struct table_slot {
    wick_slot_name name;
    uint32_t next; /* TAKEN, or the next free slot, or FREE_END */
    uint32_t named;
} table_slot;

static table_entry *entries_of(const wick_table *table)
{
    return (table_entry *)((uintptr_t)table + sizeof *table);
}

static table_slot *slot_of(const wick_table *table, uint32_t slot)
{
    return (table_slot *)((uintptr_t)(entries_of(table) + table->mask + 1)) + slot;
}

static uint32_t mask_for(uint32_t cap)
{
    uint32_t size = 4;
    while (size < cap * 2)
        size *= 2;
    return size - 1;
}

size_t wick_table_size(uint32_t cap)
{
    if (cap == 0 || cap > WICK_SLOTS_MAX)
        return 0;
    return sizeof(wick_table) + ((size_t)mask_for(cap) + 1) * sizeof(table_entry) + (size_t)cap * sizeof(table_slot);
}

void wick_table_init(wick_table *table, uint32_t cap, uint64_t seed)
{
    memset(table, 0, wick_table_size(cap));
    table->seed = seed;
    table->cap = cap;
    table->mask = mask_for(cap);
    table->first_free = 0;
    table->last_free = cap - 1;
    table->free_count = cap;
    for (uint32_t i = 0; i < cap; i++)
        slot_of(table, i)->next = i + 1 < cap ? i + 1 : FREE_END;
}

/* ---- Names ----------------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 29;
}

static uint64_t hash_name(uint64_t seed, const char *text, size_t len)
{
    uint64_t hash = mix(seed, len), tail = 0;
    size_t at = 0;
    for (; len - at >= 8; at += 8)
        hash = mix(hash, wick_load64((const uint8_t *)text + at));
    for (; at < len; at++)
        tail = tail << 8 | (uint8_t)text[at];
    return mix(mix(hash, tail), seed);
}

int wick_slot_name_set(const wick_table *table, wick_slot_name *name, const wick_text *text)
{
    wick_str plain;
    if (!text->data || wick_text_plain(text, name->text, sizeof name->text, &plain) != WICK_OK)
        return -1;
    if (plain.len == 0 || plain.len > sizeof name->text)
        return -1;
    if (plain.data != name->text)
        memcpy(name->text, plain.data, plain.len);
    name->len = (uint32_t)plain.len;
    name->hash = hash_name(table->seed, name->text, name->len);
    return 0;
}

wick_text wick_slot_name_text(const wick_slot_name *name)
{
    return wick_text_of(name->text, name->len);
}

const wick_slot_name *wick_table_name(const wick_table *table, uint32_t slot)
{
    return &slot_of(table, slot)->name;
}

/* ---- The index ------------------------------------------------------------------------------------------- */

uint32_t wick_table_find(const wick_table *table, const wick_slot_name *name)
{
    const table_entry *entries = entries_of(table);
    for (uint32_t at = (uint32_t)name->hash & table->mask; entries[at].slot; at = (at + 1) & table->mask) {
        if (entries[at].hash != name->hash)
            continue;
        const wick_slot_name *other = wick_table_name(table, entries[at].slot - 1);
        if (other->len == name->len && memcmp(other->text, name->text, name->len) == 0)
            return entries[at].slot - 1;
    }
    return WICK_NO_SLOT;
}

static void index_add(wick_table *table, uint64_t hash, uint32_t slot)
{
    table_entry *entries = entries_of(table);
    uint32_t at = (uint32_t)hash & table->mask;
    while (entries[at].slot)
        at = (at + 1) & table->mask;
    entries[at].hash = hash;
    entries[at].slot = slot + 1;
}

static void index_remove(wick_table *table, uint64_t hash, uint32_t slot)
{
    table_entry *entries = entries_of(table);
    uint32_t hole = (uint32_t)hash & table->mask;
    while (entries[hole].slot != slot + 1)
        hole = (hole + 1) & table->mask;
    for (uint32_t at = (hole + 1) & table->mask; entries[at].slot; at = (at + 1) & table->mask) {
        uint32_t home = (uint32_t)entries[at].hash & table->mask;
        /* An entry may move back to the hole if its home does not lie between the hole and it. */
        if (((at - home) & table->mask) < ((at - hole) & table->mask))
            continue;
        entries[hole] = entries[at];
        hole = at;
    }
    entries[hole].slot = 0;
}

static void forget(wick_table *table, uint32_t slot)
{
    table_slot *s = slot_of(table, slot);
    if (s->named)
        index_remove(table, s->name.hash, slot);
    s->named = 0;
}

/* ---- Slots ----------------------------------------------------------------------------------------------- */

uint32_t wick_table_take(wick_table *table, const wick_slot_name *name)
{
    uint32_t slot = table->first_free;
    if (table->free_count == 0)
        return WICK_NO_SLOT;
    table_slot *s = slot_of(table, slot);
    table->first_free = s->next;
    table->free_count--;
    forget(table, slot);
    s->next = TAKEN;
    s->named = 1;
    s->name = *name;
    index_add(table, name->hash, slot);
    return slot;
}

void wick_table_release(wick_table *table, uint32_t slot)
{
    slot_of(table, slot)->next = FREE_END;
    if (table->free_count++ == 0)
        table->first_free = slot;
    else
        slot_of(table, table->last_free)->next = slot;
    table->last_free = slot;
}

void wick_table_undo(wick_table *table, uint32_t slot)
{
    forget(table, slot);
    slot_of(table, slot)->next = table->free_count ? table->first_free : FREE_END;
    if (table->free_count++ == 0)
        table->last_free = slot;
    table->first_free = slot;
}

void wick_table_forget(wick_table *table, uint32_t slot)
{
    forget(table, slot);
}

int wick_table_taken(const wick_table *table, uint32_t slot)
{
    return slot_of(table, slot)->next == TAKEN;
}

int wick_agent_id_valid(const char *text, size_t len)
{
    int part = 0; /* characters since the last dot, or start */
    if (len == 0 || len > WICK_LIMIT_ID)
        return 0;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '.' && part == 0)
            return 0;
        if (c != '.' && c != '_' && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
            return 0;
        part = c == '.' ? 0 : 1;
    }
    return part;
}
