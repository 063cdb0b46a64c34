/*
 * The outbox: messages in the order in which they were submitted, until they are answered. One behind the other in the
 * host's memory; an answer closes the hole.
 */
#include "agent/client_internal.h"

static wick_outbox_item item_at(const wick_client *client, uint32_t at)
{
    wick_outbox_item item;
    memcpy(&item, client->outbox + at, sizeof item);
    return item;
}

static uint32_t item_size(const wick_outbox_item *item)
{
    return ((uint32_t)sizeof *item + item->id_len + item->len + 3) & ~(uint32_t)3;
}

/* Where the message with an id stands, or outbox_len. */
static uint32_t find_item(const wick_client *client, const char *id, size_t len)
{
    uint32_t at = 0;
    while (at < client->outbox_len) {
        wick_outbox_item item = item_at(client, at);
        if (item.id_len == len && memcmp(client->outbox + at + sizeof item, id, len) == 0)
            return at;
        at += item_size(&item);
    }
    return at;
}

static void remove_item(wick_client *client, uint32_t at)
{
    wick_outbox_item item = item_at(client, at);
    uint32_t size = item_size(&item);
    memmove(client->outbox + at, client->outbox + at + size, client->outbox_len - at - size);
    client->outbox_len -= size;
    client->outbox_count--;
    if (client->outbox_next > at)
        client->outbox_next -= size;
    client->serial++;
}

wick_status wick_client_submit(wick_client *client, const char *id, size_t id_len, const void *message, size_t len)
{
    wick_outbox_item item;
    uint32_t at = client->outbox_len;
    if (id_len == 0 || id_len > 64)
        return WICK_E_ARG;
    if (find_item(client, id, id_len) < client->outbox_len)
        return WICK_E_STATE;
    if (len > client->outbox_cap)
        return WICK_E_SPACE;
    item.len = (uint32_t)len;
    item.id_len = (uint32_t)id_len;
    if (item_size(&item) > client->outbox_cap - at)
        return WICK_E_SPACE;
    memcpy(client->outbox + at, &item, sizeof item);
    memcpy(client->outbox + at + sizeof item, id, id_len);
    memcpy(client->outbox + at + sizeof item + id_len, message, len);
    client->outbox_len += item_size(&item);
    client->outbox_count++;
    return WICK_OK;
}

uint32_t wick_client_pending(const wick_client *client)
{
    return client->outbox_count;
}

int wick_client_forget(wick_client *client, const char *id, size_t id_len)
{
    uint32_t at = find_item(client, id, id_len);
    if (at == client->outbox_len)
        return 0;
    remove_item(client, at);
    return 1;
}

wick_slice wick_outbox_next(const wick_client *client)
{
    wick_outbox_item item = item_at(client, client->outbox_next);
    wick_slice message;
    message.data = client->outbox + client->outbox_next + sizeof item + item.id_len;
    message.len = item.len;
    return message;
}

void wick_outbox_sent(wick_client *client)
{
    wick_outbox_item item = item_at(client, client->outbox_next);
    if (wick_client_is_quiet(client)) {
        remove_item(client, client->outbox_next);
        return;
    }
    client->outbox_next += item_size(&item);
    client->serial++;
}

void wick_outbox_drop_sent(wick_client *client)
{
    uint32_t at = 0, end;
    while (at < client->outbox_next) {
        wick_outbox_item item = item_at(client, at);
        end = at + item_size(&item);
        if (end == client->outbox_next) {
            remove_item(client, at);
            return;
        }
        at = end;
    }
}

void wick_outbox_answer(wick_client *client, const wick_text *re)
{
    char id[64];
    wick_str plain;
    if (re->data && wick_text_plain(re, id, sizeof id, &plain) == WICK_OK)
        (void)wick_client_forget(client, plain.data, plain.len);
}
